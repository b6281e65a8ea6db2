"""What `import snowdialect as snow` offers."""

from pathlib import Path

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
    assert one.output.shape == (10,) and one.cycles == one.report["cycles"] > 0
    program.write(tmp_path / "digits.snow")
    batch = snow.load(tmp_path / "digits.snow").run(images[:5])
    assert batch.cycles == one.cycles
    np.testing.assert_array_equal(batch.output[0], one.output)
    np.testing.assert_array_equal(batch.output.argmax(axis=1), labels[:5])


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(SnowError, match="schedule must be best or paper, is worst"):
        snow.compile(DIGITS, (1, 8, 8), schedule="worst")


def test_what_arguments_may_be() -> None:
    assert snow.compile(DIGITS, [1, 8, 8]).program.inputs[0].shape == (1, 8, 8)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="PathLike"):
        snow.compile(DIGITS, (1, 8, 8), calibrate=np.zeros((4, 1, 8, 8)))  # pyright: ignore[reportArgumentType]
