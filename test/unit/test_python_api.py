"""What `import snowdialect as snow` offers."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snowdialect as snow
from snowdialect.errors import SnowError
from snowdialect.models import DIGITS, held_back_digits


@pytest.mark.parametrize("schedule", [None, "best", "paper"])
def test_compile_run_write_load(schedule: str | None, tmp_path: Path) -> None:
    images, labels = held_back_digits()
    program = snow.compile(DIGITS, (1, 8, 8), machine="onecu", schedule=schedule)
    one = program.run(images[0])
    assert re.fullmatch(r"<CompiledProgram digits\.t7 for onecu: \d+ instructions>", repr(program))
    assert re.fullmatch(rf"<SimulationResult \(10,\): {one.cycles} cycles, \d+\.\d frames/s>", repr(one))
    assert one.output.shape == (10,) and one.cycles == one.report["cycles"] > 0
    program.write(tmp_path / "digits.snow")
    batch = snow.load(tmp_path / "digits.snow").run(images[:5])
    assert batch.cycles == one.cycles
    np.testing.assert_array_equal(batch.output[0], one.output)
    np.testing.assert_array_equal(batch.output.argmax(axis=1), labels[:5])


def test_importing_it_is_quick() -> None:
    """Neither NumPy nor xDSL, before there is something to compile."""
    run = "import sys, snowdialect as s; s.__version__; print(*{'numpy', 'xdsl', 'lowering'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_wrong_machine_is_an_error_of_ours() -> None:
    with pytest.raises(snow.SnowError, match="^unknown machine 'zc707'"):
        snow.compile(DIGITS, (1, 8, 8), machine="zc707")


def test_a_machine_may_be_a_path(tmp_path: Path) -> None:
    shipped = Path(snow.__file__).parent / "machine" / "onecu.toml"
    path = tmp_path / "mine.toml"
    path.write_text(shipped.read_text())
    assert snow.compile(DIGITS, (1, 8, 8), machine=path).program.machine.compute_units == 1
    with pytest.raises(SnowError, match="^a machine is a name or a .toml file, not 3$"):
        snow.compile(DIGITS, (1, 8, 8), machine=3)  # pyright: ignore[reportArgumentType]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    missing, program = tmp_path / "none", snow.compile(DIGITS, (1, 8, 8))
    for use in (
        lambda: snow.load(missing),
        lambda: snow.compile(missing.with_suffix(".t7"), (1, 8, 8)),
        lambda: snow.compile(DIGITS, (1, 8, 8), machine=missing.with_suffix(".toml")),
        lambda: snow.compile(DIGITS, (1, 8, 8), calibrate=str(missing)),
        lambda: program.write(missing / "p.snow"),
    ):
        with pytest.raises(
            SnowError, match=rf"^{re.escape(str(tmp_path))}/none[^ ]*: [nN]o such (file|file or directory|directory)$"
        ):
            use()


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(SnowError, match="schedule must be best or paper, is worst"):
        snow.compile(DIGITS, (1, 8, 8), schedule="worst")


def test_what_arguments_may_be() -> None:
    assert snow.compile(DIGITS, [1, 8, 8]).program.inputs[0].shape == (1, 8, 8)  # pyright: ignore[reportArgumentType]
    for shape in ("1x8x8", 8, (1.0, 8, 8), (), (1, 0, 8)):
        with pytest.raises(SnowError, match="an input shape is a tuple of sizes such as"):
            snow.compile(DIGITS, shape)  # pyright: ignore[reportArgumentType]


def test_samples_may_be_an_array(tmp_path: Path) -> None:
    samples = held_back_digits()[0][:3]
    np.save(tmp_path / "samples.npy", samples)
    programs: list[bytes] = []
    for calibrate in (samples, samples.tolist(), str(tmp_path / "samples.npy")):
        snow.compile(DIGITS, (1, 8, 8), "onecu", calibrate=calibrate).write(tmp_path / "digits.snow")
        programs.append((tmp_path / "digits.snow").read_bytes())
    assert programs[0] == programs[1] == programs[2]


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        ("", "the file of samples to calibrate on has an empty name"),
        (np.zeros((4, 8, 8)), "calibrate: holds 4x8x8; the network wants 1x8x8, or a batch Nx1x8x8"),
        (np.full((4, 1, 8, 8), np.nan), "calibrate: holds values that are not finite as float32"),
        ([[1, 2], [3]], "calibrate: is no array: its parts have different shapes"),
        (7, "calibrate: holds a scalar; the network wants 1x8x8, or a batch Nx1x8x8"),
    ],
)
def test_samples_that_are_refused(samples: Any, problem: str) -> None:
    with pytest.raises(SnowError, match=f"^{re.escape(problem)}$"):
        snow.compile(DIGITS, (1, 8, 8), calibrate=samples)


@pytest.mark.parametrize(
    ("x", "problem"),
    [
        (np.zeros((1, 8, 8), complex), "the input: holds complex128, not numbers"),
        (np.zeros((2, 1, 8, 8), object), "the input: holds object, not numbers"),
        (np.full((1, 8, 8), "a"), "the input: holds <U1, not numbers"),
        ([[1, 2], [3]], "the input: is no array: its parts have different shapes"),
        (np.full((1, 8, 8), 1e300), "input 'input' holds values that are not finite"),
        (np.zeros((8, 8)), "input 'input' has shape (8, 8); want a batch Nx1x8x8"),
    ],
)
def test_inputs_that_are_refused(x: Any, problem: str) -> None:
    with pytest.raises(SnowError, match=f"^{re.escape(problem)}$"):
        snow.compile(DIGITS, (1, 8, 8)).run(x)
