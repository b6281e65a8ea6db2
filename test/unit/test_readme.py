"""The README does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_the_tour_runs_and_leaves_nothing_but_what_git_ignores(tmp_path: Path) -> None:
    (tmp_path / "snowdialect").symlink_to(ROOT / "snowdialect")
    (tour,) = (block for block in blocks("sh") if "snow-zoo" in block)
    (script,) = blocks("python")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in (["bash", "-ec", tour], [sys.executable, "-c", script]):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"snowdialect", "build"}
    assert "build/" in (ROOT / ".gitignore").read_text().splitlines()
