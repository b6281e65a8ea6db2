"""Loops to labels and branches, tested at the end: a loop runs at least once.

A loop must lie in one bank of the instruction cache. One that may be too long for a bank stays as it is, and so do
the loops around it: snowflake-place-banks turns them into loops over banks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.flat import RegisterFile, next_count
from lowering.snowflake.loops import loops_in
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import inline
from snowdialect.dialects.snowflake import BranchOp, ForOp, InstructionOp, LabelOp, Stage, is_branch
from snowdialect.dialects.target import machine_of
from snowdialect.machine import Machine

BANK_HEADER = 2
"""Instructions at the start of a bank that fetch the next one."""


def bank_repeat(machine: Machine) -> int:
    """Instructions that the last bank of a loop over banks has besides: branch, delay slots, new code pointer."""
    return machine.delay_slots + 2


def longest(block: Block, delay_slots: int) -> int:
    """The most instructions that a block of branches and instructions can become."""
    kinds = Counter(map(type, block.ops))
    instructions = sum(count for kind, count in kinds.items() if issubclass(kind, InstructionOp))
    return instructions + delay_slots * sum(count for kind, count in kinds.items() if issubclass(kind, BranchOp))


@dataclass
class _Flattener:
    machine: Machine
    registers: RegisterFile
    labels: int = field(default=0)

    def flatten(self, block: Block) -> bool:
        """Lowers the loops in a block that fit a bank, inner ones first; returns whether no loop is left."""
        flat = True
        for loop in loops_in(block):
            if self.flatten(loop.block) and self._fits(loop):
                self._lower(loop)
            else:
                flat = False
        return flat

    def _fits(self, loop: ForOp) -> bool:
        """Whether a loop without loops in it is short enough for a bank."""
        control = 2 + self.machine.delay_slots
        room = self.machine.icache_instructions - BANK_HEADER - bank_repeat(self.machine)
        return longest(loop.block, self.machine.delay_slots) + control <= room

    def _lower(self, loop: ForOp) -> None:
        body, block, location = loop.block, loop.parent, loop.location
        assert block is not None
        label = f"loop{self.labels}"
        self.labels += 1
        step_after = _last_use(loop)
        start = self.registers.open_loop(loop)
        step = next_count(loop, self.registers)
        counter = self.registers.of(loop.counter)
        back = located(snowflake.BleOp(counter, self.registers[snowflake.ZERO], label), location)
        place = InsertPoint.at_start(body) if step_after is None else InsertPoint.after(step_after)
        Rewriter.insert_op(step, place)
        Rewriter.replace_op(loop.yielded, back, [])
        opening = (start, located(snowflake.LabelOp(label), location))
        Rewriter.insert_op(opening, InsertPoint.before(loop))
        inline(body, block, loop)
        Rewriter.erase_op(loop)


def _last_use(loop: ForOp) -> Operation | None:
    """The operation of the body behind which the counter is read no more, in no loop of the body either."""
    users = {use.operation for use in loop.counter.uses}
    last: Operation | None = None
    open_labels: dict[str, bool] = {}
    for op in loop.block.ops:
        if type(op) is LabelOp:
            open_labels[op.sym_name.data] = False
        if op in users:
            last = op
            open_labels = dict.fromkeys(open_labels, True)
        elif is_branch(op) and open_labels.get(op.label):
            last = op
    return last


@dataclass(frozen=True)
class LowerControlFlowPass(ModulePass):
    """Turns loops that fit a bank into labels and branches without delay slots."""

    name = "snowflake-lower-control-flow"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                program.advance(Stage.ALLOCATED, Stage.BRANCHES, self.name)
                block = program.body.block
                _Flattener(machine_of(program), RegisterFile(block)).flatten(block)
