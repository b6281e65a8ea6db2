"""A program together with what can be done with it: what `snowdialect.compile` and `snowdialect.load` return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from snowdialect.arrays import numbers
from snowdialect.backend.container import write_program
from snowdialect.backend.program import Program
from snowdialect.errors import file_errors, printable

if TYPE_CHECKING:
    from snowdialect.simulator import SimulationResult


@dataclass(frozen=True)
class CompiledProgram:
    """A program for one machine, ready to run."""

    program: Program

    def __repr__(self) -> str:
        model, machine, count = self.program.model, self.program.machine.name, self.program.instructions
        return printable(f"<CompiledProgram {model} for {machine}: {count} instructions>")

    def run(self, x: ArrayLike) -> SimulationResult:
        """Simulates the program on its only input, CxHxW, or a batch of such: output bits and cycles.

        Without batch axis in `x` there is none in the result. Raises SnowError, one line, for an input of another
        shape, or of anything but finite real numbers.
        """
        from snowdialect.simulator import simulate

        array = numbers("the input", x)
        if len(self.program.inputs) != 1 or array.ndim != len(self.program.inputs[0].shape):
            return simulate(self.program, array)
        result = simulate(self.program, array[None])
        return result._replace(
            output=result.output[0],
            outputs={name: values[0] for name, values in result.outputs.items()},
            layers={name: values[0] for name, values in result.layers.items()},
        )

    def write(self, path: str | Path) -> None:
        """Writes the program as a `.snow` file. Raises SnowError, one line, where that cannot be written."""
        with file_errors():
            write_program(self.program, path)
