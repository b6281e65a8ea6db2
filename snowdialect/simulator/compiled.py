"""A program together with what can be done with it: what `snowdialect.compile` and `snowdialect.load` return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from snowdialect.backend.container import write_program
from snowdialect.backend.program import Program

if TYPE_CHECKING:
    from snowdialect.simulator import SimulationResult


@dataclass(frozen=True)
class CompiledProgram:
    """A program for one machine, ready to run."""

    program: Program

    def run(self, x: ArrayLike) -> SimulationResult:
        """Simulates the program on one input, or a batch of them: output bits and cycles."""
        from snowdialect.simulator import simulate

        return simulate(self.program, x)

    def write(self, path: str | Path) -> None:
        """Writes the program as a `.snow` file."""
        write_program(self.program, path)
