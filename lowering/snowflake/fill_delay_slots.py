"""Delay slots: the last instructions before a branch that do not decide it move behind it; the rest are empty.

What moves must not depend on what stays between it and the branch, nor the other way round: they have no register, and
no state of buffers or memory, in common that one of them writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from xdsl.backend.register_type import RegisterResource
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import EffectInstance, MemoryEffectKind, get_effects

from lowering.snowflake.flat import RegisterFile
from lowering.snowflake.loops import all_loops
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import BranchOp, InstructionOp, ScalarRegister, Stage
from snowdialect.dialects.target import machine_of

_WINDOW = 32
"""How far back from a branch instructions are sought: bounds the work, and how far a branch moves up."""

Effects = AbstractSet[EffectInstance]
"""What an instruction reads and writes."""


def fill_slots(branch: BranchOp, slots: int, registers: RegisterFile, move: bool = True) -> None:
    """Gives a branch its delay slots; with `move`, filled from what is before it as far as that is possible."""
    moved: list[Operation] = []
    staying: list[Effects] = [_effects(branch)]
    for op in _movable_before(branch, slots) if move else ():
        if len(moved) == slots:
            break
        effects = _effects(op)
        if any(_depend(effects, others) for others in staying):
            staying.append(effects)
        else:
            moved.insert(0, op)
    for op in moved:
        op.detach()
    zero = registers[snowflake.ZERO]
    nops = [located(snowflake.AddiOp(zero, 0, snowflake.ZERO), branch.location) for _ in range(slots - len(moved))]
    Rewriter.insert_op((*moved, *nops), InsertPoint.after(branch))


def _movable_before(branch: BranchOp, slots: int) -> Iterator[Operation]:
    """The straight line of instructions before a branch, backwards, up to the delay slots of the one before it."""
    line: list[Operation] = []
    op = branch.prev_op
    while isinstance(op, InstructionOp) and not isinstance(op, BranchOp) and len(line) < _WINDOW + slots:
        line.append(op)
        op = op.prev_op
    yield from line[: len(line) - slots] if isinstance(op, BranchOp) else line[:_WINDOW]


def _effects(op: Operation) -> Effects:
    """What an instruction reads and writes; a branch reads the registers that it compares."""
    if not isinstance(op, BranchOp):
        return set(get_effects(op) or ())
    return {
        EffectInstance(MemoryEffectKind.READ, resource=RegisterResource(value.type))
        for value in op.operands
        if isinstance(value.type, ScalarRegister)
    }


def _depend(one: Effects, other: Effects) -> bool:
    """Whether two instructions with these effects must stay in their order."""
    return any(
        left.resource == right.resource and MemoryEffectKind.WRITE in (left.kind, right.kind)
        for left in one
        for right in other
    )


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
            for block in (whole, *(loop.body.block for loop in all_loops(whole))):
                for branch in tuple(block.ops):
                    if isinstance(branch, BranchOp):
                        fill_slots(branch, slots, registers, self.move)
