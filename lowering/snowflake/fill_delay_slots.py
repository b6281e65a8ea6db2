"""Delay slots: the last instructions before a branch that do not decide it move behind it; the rest are empty.

What moves must not depend on what stays between it and the branch, nor the other way round: they have no register, and
no state of buffers or memory, in common that one of them writes.

The step of a loop's counter decides its branch, but may move too: `ble count, r0` behind it is `bgt r0, count` before
it. It takes a slot that is empty, or one of those that are filled where the branch would wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from lowering.snowflake.flat import RegisterFile
from lowering.snowflake.loops import all_loops
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import BranchOp, InstructionOp, LabelOp, Stage, is_branch, is_instruction
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


def fill_slots(
    branch: BranchOp, slots: int, registers: RegisterFile, latency: int | None = None, *, move: bool = True
) -> int:
    """Gives a branch its delay slots; with `move`, filled from what is before it as far as that is possible. Returns
    how many stay empty: by so many instructions the program grows.

    With the `latency` of scalar instructions the step of a counter moves, too, and the branch becomes another one.
    """
    moved: list[InstructionOp] = []
    staying = _Effects.of(branch)
    for op in _movable_before(branch, slots) if move else ():
        if len(moved) == slots:
            break
        effects = _Effects.of(op)
        if effects.depend(staying):
            staying.add(effects)
        else:
            moved.insert(0, op)
    zero = registers[snowflake.ZERO]
    count = _count_of(branch) if move and latency is not None else None
    if count is not None and latency is not None and count.add_to(moved, slots, latency):
        before_count = snowflake.BgtOp(zero, branch.rs, branch.label)
        Rewriter.replace_op(branch, located(before_count, branch.location), [])
        branch = before_count
    for op in moved:
        op.detach()
    nops = [located(snowflake.AddiOp(zero, 0, snowflake.ZERO), branch.location) for _ in range(slots - len(moved))]
    Rewriter.insert_op((*moved, *nops), InsertPoint.after(branch))
    return len(nops)


@dataclass
class _Count:
    """The step of the counter that a branch at the end of a loop compares."""

    step: snowflake.AddiOp
    behind: int
    """Instructions from there to the branch."""
    body: list[InstructionOp]
    """All others from the label to the branch, in order."""
    straight: bool
    """Whether there are no loops between."""

    def add_to(self, moved: list[InstructionOp], slots: int, latency: int) -> bool:
        """Adds the step to what moves into the slots, where that saves something: an empty slot, or cycles in which the
        branch waits for it."""
        if len(moved) == slots:
            # What moved stood behind the step, or before it: then the branch waits less than this says.
            if self.behind - len(moved) + 1 >= latency:
                return False
            del moved[0]
        behind = [_Effects.of(op) for op in moved]
        place = len(moved)
        if self.straight:
            count = _Effects.of(self.step)
            staying = [*(_Effects.of(op) for op in self.body if op not in moved), _Effects(count.reads)]
            empty = [_Effects()] * (slots - 1 - len(moved))

            def cycles(place: int) -> int:
                return _iteration([*staying, *behind[:place], count, *behind[place:], *empty], latency)

            place = min(range(len(moved), -1, -1), key=cycles)
        moved.insert(place, self.step)
        return True


def _iteration(order: Sequence[_Effects], latency: int) -> int:
    """Cycles of an iteration of instructions that issue in this order, over and over, each once what it reads is there;
    a few instructions, in which nothing is older than the iteration before."""
    now, first, ready = 0, 0, dict[int, int]()
    for _ in range(2):
        first = now
        for effects in order:
            now = max(now, *(ready.get(register, 0) for register in effects.reads), 0) + 1
            ready.update((register, now - 1 + latency) for register in effects.writes if register != _MEMORY)
    return now - first


def _count_of(branch: BranchOp) -> _Count | None:
    """The step by one that alone decides a branch back, and that nothing else behind it reads."""
    if not isinstance(branch, snowflake.BleOp) or branch.rt.type != snowflake.ZERO:
        return None
    counter = snowflake.register_index(branch.rs)
    step: snowflake.AddiOp | None = None
    body: list[InstructionOp] = []
    behind, straight = 0, True
    op = branch.prev_op
    while op is not None and not (type(op) is LabelOp and op.sym_name.data == branch.label):
        if is_instruction(op):
            effects = _Effects.of(op)
            straight = straight and not is_branch(op)
            if step is None and counter in effects.reads | effects.writes:
                if not isinstance(op, snowflake.AddiOp) or counter not in effects.reads & effects.writes:
                    return None
                if op.immediate.value.data != 1:
                    return None
                step, behind = op, len(body)
            else:
                body.append(op)
        elif type(op) is not LabelOp:
            return None
        op = op.prev_op
    return None if step is None or op is None else _Count(step, behind, body[::-1], straight)


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
            machine, whole = machine_of(program), program.body.block
            registers = RegisterFile(whole)
            for block in (whole, *(loop.block for loop in all_loops(whole))):
                for branch in tuple(block.ops):
                    if is_branch(branch):
                        fill_slots(branch, machine.delay_slots, registers, machine.scalar_latency, move=self.move)
