"""The README, and the page about a network of one's own, do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["README.md", "docs/your-network.md"])
def test_the_commands_run_and_leave_nothing_but_what_git_ignores(tmp_path: Path, page: str) -> None:
    (tmp_path / "snowdialect").symlink_to(ROOT / "snowdialect")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    blocks = [block for block in BLOCK.findall((ROOT / page).read_text()) if "make demo" not in block[1]]
    assert blocks
    for language, text in blocks:
        command = ["bash", "-ec", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"snowdialect", "build"}
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()
