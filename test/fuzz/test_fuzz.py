"""Damaged files of every kind: fuzz.py with a fixed seed, each target in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
CASES = {
    **{"torch7": 300, "torch7-ascii": 300, "onnx": 600},
    **{"mlir": 25, "assembly": 30, "code": 300, "program": 300, "weights": 200, "machine": 20, "input": 200},
}
"""Damaged files of each kind; those that whole programs are compiled from take longest."""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured through /proc")
@pytest.mark.parametrize("target", CASES)
def test_damaged_files_are_used_or_refused_in_one_line(tmp_path: Path, target: str) -> None:
    command = [sys.executable, FOLDER / "fuzz.py", target, "--count", str(CASES[target]), "--keep", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
