"""What the intermediate representation of the Snowflake compiler is and means. Nothing here rewrites it.

The dialects are in `snowdialect.dialects`, their meaning in `snowdialect.interpreters`; the passes that
change the representation are in the package `lowering`.

    import snowdialect as snow

    program = snow.compile("model.t7", input_shape=(3, 224, 224))
    run = program.run(x)
    run.output, run.cycles
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from snowdialect.errors import SnowError, file_errors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from snowdialect.simulator.compiled import CompiledProgram

__all__ = ["SnowError", "__version__", "compile", "load"]

__version__ = "0.1.0"


def compile(
    model: str | Path,
    input_shape: tuple[int, ...] | None = None,
    machine: str | Path | None = None,
    schedule: str | None = None,
    calibrate: str | Path | ArrayLike | None = None,
    input_layout: str | None = None,
) -> CompiledProgram:
    """Compiles a model file; `input_shape` is that of one input, without batch, for files that carry none.

    `machine` is a shipped machine or a .toml file; `schedule` is best, the default, or paper, which keeps to what the
    published hand code did; `calibrate` are samples, an array or a .npy file, whose ranges decide on the fraction bits
    of each tensor, Q8.8 without; `input_layout` is as-is, which paper means, or best: the host repeats rows of the
    input where that is faster. Raises SnowError, one line, for a mistake in these.
    """
    from lowering import driver
    from lowering.compiler import compile_model
    from snowdialect.simulator.compiled import CompiledProgram

    if input_shape is not None:
        input_shape = driver.checked_shape(input_shape)
    options = driver.pass_options(schedule, calibrate, input_layout)
    with file_errors():
        return CompiledProgram(compile_model(model, input_shape, machine, options=options))


def load(path: str | Path) -> CompiledProgram:
    """Loads a program that `snow-compile` or `CompiledProgram.write` wrote. Raises SnowError for any other file."""
    from snowdialect.backend.container import load_program
    from snowdialect.simulator.compiled import CompiledProgram

    with file_errors():
        return CompiledProgram(load_program(Path(path)))
