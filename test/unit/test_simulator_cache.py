"""Compiled code of the simulator: kept on disk where that is possible, announced where it takes its time."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

import snowdialect as snow
from snowdialect.models import DIGITS
from snowdialect.simulator import jit


@pytest.mark.parametrize(
    ("terminal", "fresh", "said"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_compilation_is_announced_on_a_terminal(
    terminal: bool, fresh: bool, said: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jit, "_FRESH", fresh)
    monkeypatch.setattr(jit, "_CACHED", True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    jit.announce_compilation()
    jit.announce_compilation()
    assert capsys.readouterr().err.count("compiling the simulator") == said


def test_why_nothing_is_kept_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(jit, "_FOLDER", None)
    monkeypatch.setattr(jit, "_CACHED", False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    jit.announce_compilation()
    assert "your home folder is not known, so this happens every time" in capsys.readouterr().err


RUN = """
import sys, numpy as np, snowdialect as snow
from snowdialect.simulator.core import execute

snow.load("digits.snow").run(np.zeros((1, 8, 8)))
print(snow.__file__, execute.stats.cache_hits.total(), execute.stats.cache_misses.total())
"""


@pytest.mark.skipif(not jit._CACHED, reason="nothing can be kept")
@pytest.mark.skipif(not hasattr(config, "CACHE_LOCATOR_CLASSES"), reason="this version of Numba goes by paths")
def test_a_copy_of_the_project_has_the_same_code(tmp_path: Path) -> None:
    package = tmp_path / "elsewhere/snowdialect"
    # Unlike copy2, copy leaves the times behind at which files were written.
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(snow.__file__).parent, package, copy_function=shutil.copy, ignore=ignored)
    program = snow.compile(DIGITS, (1, 8, 8))
    program.write(tmp_path / "digits.snow")
    program.run(np.zeros((1, 8, 8)))
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(package / "__init__.py"), "1", "0"]
