"""Delay slots: the last instructions before a branch that do not decide it move behind it; the rest are empty.

What moves must not depend on what stays between it and the branch, nor the other way round: they have no register, and
no state of buffers or memory, in common that one of them writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from lowering.snowflake.flat import RegisterFile
from lowering.snowflake.loops import all_loops
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import BranchOp, InstructionOp, Stage, is_branch, is_instruction
from snowdialect.dialects.target import machine_of

_WINDOW = 32
"""How far back from a branch instructions are sought: bounds the work, and how far a branch moves up."""

_MEMORY = -1
"""Stands for the state of buffers and memory beside the numbers of registers."""


@dataclass
class _Effects:
    """What instructions read and write: registers by number, and memory. xDSL's effects, which are the same, hold the
    registers themselves, which are hashed in Python."""

    reads: set[int] = field(default_factory=set[int])
    writes: set[int] = field(default_factory=set[int])

    @staticmethod
    def of(op: InstructionOp) -> _Effects:
        """Those of an instruction; a branch reads the registers that it compares."""
        kind = type(op)
        reads = {snowflake.register_index(value) for value in op.operands if not snowflake.is_base(value)}
        writes = {snowflake.register_index(value) for value in op.results}
        return _Effects(reads | _memory(kind, MemoryReadEffect), writes | _memory(kind, MemoryWriteEffect))

    def depend(self, other: _Effects) -> bool:
        """Whether instructions with these effects must stay in their order."""
        return not (
            self.writes.isdisjoint(other.writes)
            and self.writes.isdisjoint(other.reads)
            and self.reads.isdisjoint(other.writes)
        )

    def add(self, other: _Effects) -> None:
        """Joins those of another instruction."""
        self.reads |= other.reads
        self.writes |= other.writes


@cache
def _memory(kind: type[InstructionOp], effect: type[MemoryReadEffect | MemoryWriteEffect]) -> frozenset[int]:
    """Memory, if instructions of a kind have this effect on it."""
    return frozenset([_MEMORY] if kind.has_trait(effect) else ())


def fill_slots(branch: BranchOp, slots: int, registers: RegisterFile, move: bool = True) -> int:
    """Gives a branch its delay slots; with `move`, filled from what is before it as far as that is possible. Returns
    how many stay empty: by so many instructions the program grows."""
    moved: list[Operation] = []
    staying = _Effects.of(branch)
    for op in _movable_before(branch, slots) if move else ():
        if len(moved) == slots:
            break
        effects = _Effects.of(op)
        if effects.depend(staying):
            staying.add(effects)
        else:
            moved.insert(0, op)
    for op in moved:
        op.detach()
    zero = registers[snowflake.ZERO]
    nops = [located(snowflake.AddiOp(zero, 0, snowflake.ZERO), branch.location) for _ in range(slots - len(moved))]
    Rewriter.insert_op((*moved, *nops), InsertPoint.after(branch))
    return len(nops)


def _movable_before(branch: BranchOp, slots: int) -> Iterator[InstructionOp]:
    """The straight line of instructions before a branch, backwards, up to the delay slots of the one before it."""
    line: list[InstructionOp] = []
    op = branch.prev_op
    while is_instruction(op) and not is_branch(op) and len(line) < _WINDOW + slots:
        line.append(op)
        op = op.prev_op
    yield from line[: len(line) - slots] if is_branch(op) else line[:_WINDOW]


@dataclass(frozen=True)
class FillDelaySlotsPass(ModulePass):
    """Fills the delay slots of all branches."""

    name = "snowflake-fill-delay-slots"
    move: bool = True
    """Whether instructions move into them; without, all are empty."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in op.body.block.ops:
            if not isinstance(program, snowflake.ProgramOp):
                continue
            program.advance(Stage.BRANCHES, Stage.SCHEDULED, self.name)
            slots, whole = machine_of(program).delay_slots, program.body.block
            registers = RegisterFile(whole)
            for block in (whole, *(loop.block for loop in all_loops(whole))):
                for branch in tuple(block.ops):
                    if is_branch(branch):
                        fill_slots(branch, slots, registers, self.move)
