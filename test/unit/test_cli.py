"""How the commands say what went wrong."""

import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snow_asm
import snow_bench
import snow_certify
import snow_check
import snow_cli
import snow_compile
import snow_opt
import snow_run
import snow_zoo
from snow_coverage import print_coverage
from snowdialect.files import replacing
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


def test_standard_output_without_room_is_one_line() -> None:
    command = [sys.executable, "-c", "import snow_compile, sys; sys.exit(snow_compile.main())", str(DIGITS)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*command, "--input-shape", "1x8x8", "--coverage"],
            env={**os.environ, "PYTHONUNBUFFERED": ""},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


@pytest.mark.parametrize(
    "command, arguments, status",
    [
        (snow_asm, ["disassemble", "absent.snow", "-o", "code.s"], 1),
        (snow_bench, ["nets", "--nets", "absent"], 1),
        (snow_certify, ["empty.json"], 1),
        (snow_check, ["absent.t7", "--input", "x.npy"], 1),
        (snow_compile, ["absent.t7", "-o", "out.snow"], 1),
        (snow_compile, [str(DIGITS), "--input-shape", "1x8x8", "--coverage"], 0),
        (snow_opt, ["absent.t7"], 1),
        (snow_opt, [str(DIGITS), "--input-shape", "1x8x8"], 0),
        (snow_run, ["absent.snow", "--input", "x.npy", "--output", "y.npy"], 1),
        (snow_zoo, ["digits", "-o", "digits.t7"], 0),
    ],
)
def test_standard_streams_may_be_closed(
    command: Any, arguments: list[str], status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.json").touch()
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert command.main(arguments) == status


def test_a_closed_stream_does_not_become_an_output(tmp_path: Path) -> None:
    run = f"{shlex.quote(sys.executable)} -c 'import snow_zoo; snow_zoo.main()' digits -o {tmp_path}/digits.t7 >&- 2>&-"
    assert subprocess.run(["sh", "-c", run]).returncode == 0
    assert (tmp_path / "digits.t7").read_bytes() == DIGITS.read_bytes()


def test_who_is_terminated_leaves_no_file_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def body() -> int:
        with replacing(tmp_path / "output"):
            assert len(os.listdir(tmp_path)) == 1
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
        return 0

    assert snow_cli.run_command(body, debug=False) == 143
    assert capsys.readouterr().err == "terminated\n"
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_sigterm_may_be_ignored() -> None:
    def body() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert snow_cli.run_command(body, debug=False) == 0
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_a_name_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"operation": "conv2d", "fate": None, "macs": None, "reason": None}
    names = ["conv[/x]", "a[red]b", ":smile:"]
    print_coverage([{"name": name, **row} for name in names])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == names


def test_endings_may_be_capitals(tmp_path: Path) -> None:
    (tmp_path / "NET.T7").write_bytes(DIGITS.read_bytes())
    assert snow_opt.main([str(tmp_path / "NET.T7"), "--input-shape", "1x8x8", "-o", str(tmp_path / "net.mlir")]) == 0


@pytest.mark.parametrize("option", ["--schedule=paper", "--input-layout=as-is"])
def test_schedules_are_nothing_to_compare_with_float(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", held_back_digits()[0][:1])
    command = [str(DIGITS), "--input-shape", "1x8x8", "--input", str(tmp_path / "x.npy"), "--float"]
    assert snow_check.main([*command, option]) == 1
    assert capsys.readouterr().err.startswith(f"error: {option.partition('=')[0]} changes no bits")


@pytest.mark.parametrize("option", [[], ["--float"]])
def test_samples_are_read_before_the_network_runs(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", held_back_digits()[0][:1])
    np.save(tmp_path / "nan.npy", np.full((1, 8, 8), np.nan))
    for module in ("check", "accuracy"):
        monkeypatch.setattr(f"lowering.{module}.run_module", lambda *_: pytest.fail("runs"))
    command = [str(DIGITS), "--input-shape", "1x8x8", "--input", str(tmp_path / "x.npy"), *option, "--calibrate"]
    for samples, problem in (
        (str(tmp_path / "nan.npy"), f"{tmp_path}/nan.npy: holds values that are not finite as float32"),
        ("", "the file of samples to calibrate on has an empty name"),
    ):
        assert snow_check.main([*command, samples]) == 1
        assert capsys.readouterr() == ("", f"error: {problem}\n")
