"""From a model file to the program that a machine runs."""

from pathlib import Path

from lowering import driver
from lowering.pipeline import LEVELS
from snowdialect.backend.program import Program


def compile_model(
    path: str | Path,
    input_shape: tuple[int, ...] | None = None,
    machine: str | None = None,
    observer: driver.Observer | None = None,
) -> Program:
    """Compiles a model file, or a module or assembly at any level.

    `input_shape` is that of one input, without batch, for files that carry none; `machine` a shipped machine or a file,
    by default the one that the module names, else the default machine. Raises SnowError and MachineError, one line.
    """
    from snowdialect.backend.assemble import assemble

    path = Path(path)
    context = driver.make_context()
    source = driver.read_program(context, path, input_shape)
    if machine is not None:
        driver.set_machine(source.module, machine)
    driver.lower(context, source.module, LEVELS[-1], observer)
    return assemble(source.module, source.weights(), path.name)
