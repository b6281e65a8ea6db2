"""How many registers a program needs: which values share one, and how many are live at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.ir import Block, Operation, SSAValue

from lowering.snowflake.loops import all_loops
from snowdialect.dialects import snowflake
from snowdialect.dialects.operations import operands_of
from snowdialect.dialects.snowflake import ForOp, ProgramOp, is_instruction

Register = int
"""The identity of a value; of values that loops carry, that of the one that stands for all. xDSL hashes values in
Python, which is most of the time that sets of them take."""

Registers = int
"""A set of registers: a bit for each. Networks take a million of such sets, and their unions."""


def register_classes(loops: Iterable[ForOp]) -> dict[Register, Register]:
    """The register of each value that loops carry: one for all that must be in the same."""
    above: dict[Register, Register] = {}

    def root(value: Register) -> Register:
        while (next_above := above.setdefault(value, value)) != value:
            value = next_above
        return value

    for loop in loops:
        alike = loop.carried, operands_of(loop), operands_of(loop.yielded), loop.results
        for carried, *others in zip(*alike, strict=True):
            representative = root(id(carried))
            for value in others:
                above[root(id(value))] = representative
    return {value: root(value) for value in above}


def live_ins(block: Block) -> dict[Block, Mapping[Register, SSAValue]]:
    """For a block, and each one in it, what it uses and does not define, what is used last first.

    xDSL's sets of these keep their order, too, but take the square of the time.
    """
    found: dict[Block, Mapping[Register, SSAValue]] = {}
    _find_live_ins(block, found)
    return found


def _find_live_ins(block: Block, found: dict[Block, Mapping[Register, SSAValue]]) -> dict[Register, SSAValue]:
    used: dict[Register, SSAValue] = {}
    for op in reversed(block.ops):
        for result in op.results:
            used.pop(id(result), None)
        for operand in operands_of(op):
            used[id(operand)] = operand
        for region in op.regions:
            used |= _find_live_ins(region.block, found)
    for arg in block.args:
        used.pop(id(arg), None)
    found[block] = used
    return used


def liveness(whole: ForOp | Block) -> Liveness:
    """What is live in a nest, all that the nest uses included, or in a block and the loops in it."""
    block = whole.block if isinstance(whole, ForOp) else whole
    loops = [*([whole] if isinstance(whole, ForOp) else ()), *all_loops(block)]
    result = Liveness(_bits_of(block, loops))
    result.find_uses(block, outermost=block is whole)
    if isinstance(whole, ForOp):
        result.enter(whole, 0)
    else:
        result.walk(block, 0)
    return result


def _bits_of(block: Block, loops: Iterable[ForOp]) -> _Bits:
    """The bits of what is in a block, and of what loops carry."""
    bits = _Bits(register_classes(loops))
    # Addresses of memory are values without registers.
    bits.update((id(base), 0) for base in _program_around(block).body.block.args)
    return bits


def _program_around(block: Block) -> ProgramOp:
    op = block.parent_op()
    while not isinstance(op, ProgramOp):
        assert op is not None
        op = op.parent_op()
    return op


class _Bits(dict[Register, Registers]):
    """The bit of each value's register, given when it is first asked for.

    Bits are taken back and given again, so that sets of registers do not grow with the program, but for what its loops
    carry.
    """

    def __init__(self, classes: Mapping[Register, Register]) -> None:
        super().__init__()
        self.classes = classes
        self.given = 0
        self.free: list[Registers] = []
        self.leaving: list[Registers] = []
        """Those that are still taken where the walk through the program is: in the same stretch of instructions, whose
        order may change, and in a loop, throughout which what it uses from before it is live."""

    def __missing__(self, value: Register) -> Registers:
        register = self.classes.get(value, value)
        bit = self.get(register)
        if bit is None:
            if self.free:
                bit = self.free.pop()
            else:
                bit = 1 << self.given
                self.given += 1
            self[register] = bit
        self[value] = bit
        return bit

    def leave(self, value: Register) -> None:
        """Takes back the bit of a value, of which nothing before knows; not that of what loops carry."""
        if value not in self.classes:
            self.leaving.append(self[value])

    def release(self) -> None:
        """Others may have the bits that were taken back."""
        self.free += self.leaving
        self.leaving = []


class _Uses(NamedTuple):
    """What a block, and each of its operations, last one first, reads and writes."""

    ops: list[tuple[Operation, Registers, Registers]]
    live_in: Registers
    """What it uses and does not define."""


@dataclass
class Liveness:
    """Which registers are live where."""

    bits: _Bits
    """The bit of the register of each value. Two values may have the same one where an outermost loop lies between what
    knows of them, or ends there."""
    uses: dict[Block, _Uses] = field(default_factory=dict[Block, _Uses])
    at: dict[Operation, int] = field(default_factory=dict[Operation, int])
    """How many registers are live at each operation; at a loop, the most inside it.

    An address counts with the temporary that its computation takes.
    """
    behind: dict[Operation, Registers] = field(default_factory=dict[Operation, Registers])
    """What is live directly behind an instruction that no other one follows, its own results included."""
    throughout: dict[Block, Registers] = field(default_factory=dict[Block, Registers])
    """What is live in all of a block."""

    def of(self, values: Iterable[SSAValue]) -> Registers:
        """The registers of values."""
        found = 0
        for value in values:
            found |= self.bits[id(value)]
        return found

    def find_uses(self, block: Block, *, outermost: bool) -> Registers:
        """Finds what a block and each one in it uses; returns what of that it does not define. In an outermost block,
        values share bits."""
        ops: list[tuple[Operation, Registers, Registers]] = []
        bits, used = self.bits, 0
        op = block.last_op
        while op is not None:
            # As `of` does it, without the calls: this is done some 100 000 times a network.
            reads = writes = 0
            for operand in operands_of(op):
                reads |= bits[id(operand)]
            for result in op.results:
                writes |= bits[id(result)]
                bits.leave(id(result))
            ops.append((op, reads, writes))
            used = used & ~writes | reads
            if op.regions:
                used |= self.find_uses(op.regions[0].block, outermost=False)
                if outermost:
                    bits.release()
            op = op.prev_op
        self.uses[block] = _Uses(ops, used & ~self.of(block.args))
        for arg in block.args:
            bits.leave(id(arg))
        return self.uses[block].live_in

    def enter(self, loop: ForOp, live: Registers) -> Registers:
        """Counts in a loop behind which `live` are wanted; returns what is live throughout it."""
        block = loop.block
        inside = live | self.uses[block].live_in | self.of(block.args)
        self.at[loop] = self.walk(block, inside)
        return inside & ~self.bits[id(loop.counter)]

    def walk(self, block: Block, throughout: Registers) -> int:
        """The most that are live in a block through all of which `throughout` are."""
        self.throughout[block] = throughout
        live = throughout
        most = live.bit_count()
        followed = False
        for op, reads, writes in self.uses[block].ops:
            live |= writes
            is_last, followed = not followed, is_instruction(op)
            if is_last and followed:
                self.behind[op] = live
            if type(op) is ForOp:
                count = live.bit_count()
                live = self.enter(op, live & (~writes | throughout))
                count = max(self.at[op], count)
            else:
                count = (live | reads).bit_count()
                live = live & (~writes | throughout) | reads
                if type(op) is snowflake.AddressOp and operands_of(op):
                    count += 1
            self.at[op] = count
            if count > most:
                most = count
        return most
