"""How the commands say what went wrong."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

import snow_cli
import snow_run
from snowdialect.models import DIGITS, held_back_digits


def nested() -> int:
    return nested() + 1


def test_limits_of_the_interpreter_are_no_internal_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert snow_cli.run_command(nested, debug=False) == 1
    assert capsys.readouterr().err == "error: operations depend on each other too many levels deep\n"


def test_an_output_may_be_a_pipe(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", held_back_digits()[0][:3])
    os.mkfifo(tmp_path / "pipe")
    command = [str(DIGITS), "--input-shape", "1x8x8", "--input", str(tmp_path / "x.npy"), "--output"]
    assert snow_run.main([*command, str(tmp_path / "y.npy")]) == 0
    statuses: list[int] = []
    writer = threading.Thread(target=lambda: statuses.append(snow_run.main([*command, str(tmp_path / "pipe")])))
    writer.start()
    assert (tmp_path / "pipe").read_bytes() == (tmp_path / "y.npy").read_bytes()
    writer.join()
    assert statuses == [0]
