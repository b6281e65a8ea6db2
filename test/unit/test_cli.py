"""How the commands say what went wrong."""

import pytest

import snow_cli


def nested() -> int:
    return nested() + 1


def test_limits_of_the_interpreter_are_no_internal_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert snow_cli.run_command(nested, debug=False) == 1
    assert capsys.readouterr().err == "error: operations depend on each other too many levels deep\n"
