"""Compiled code of the simulator: kept on disk where that is possible, announced where it takes its time."""

import sys

import pytest

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
