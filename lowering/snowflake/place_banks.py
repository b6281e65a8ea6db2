"""Cuts a program into banks of the instruction cache, each of which fetches the one behind it as it begins.

Code is a line of blocks, one a bank. What branches within itself stays in one bank. A loop that was too long for a bank
becomes a loop over banks: it begins with a bank of its own, and its last bank fetches the first one again, unless the
iteration is the last. So a program is no longer than its text, however often its parts run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, LocationAttr, ModuleOp, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.legality import check_removed
from lowering.load_units import CODE_UNIT
from lowering.snowflake.arithmetic import Emitter
from lowering.snowflake.fill_delay_slots import fill_slots
from lowering.snowflake.flat import RegisterFile, next_count
from lowering.snowflake.lower_control_flow import BANK_HEADER, bank_repeat
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import ForOp, LabelOp, Stage, is_branch, is_instruction
from snowdialect.dialects.target import machine_of
from snowdialect.machine import Machine

LOADS_FIRST = 8
"""A fetch waits for the loads in the first one of so many parts of its bank: those that a layer begins with are needed
at once, and a fetch would hold up their unit."""


@dataclass
class _Bank:
    """A bank while it is filled."""

    header: list[Operation]
    """Last in it, the fetch and the step of the code pointer."""
    used: int

    def fetch_behind(self, place: Operation) -> None:
        """Makes the fetch come later."""
        fetch = self.header[-2:]
        for op in fetch:
            op.detach()
        Rewriter.insert_op(fetch, InsertPoint.after(place))


@dataclass
class _Placer:
    """Cuts the operations of a program, loop by loop, into banks that lie one after the other in its block."""

    place: InsertPoint
    """In front of what is still to be placed."""
    machine: Machine
    registers: RegisterFile
    code_address: int
    banks: list[_Bank] = field(default_factory=list[_Bank])

    @property
    def size(self) -> int:
        return self.machine.icache_instructions

    def run(self, ops: Sequence[Operation]) -> int:
        """Places a whole program; returns the number of banks."""
        self._open(ops[0].location)
        self._place(ops, self.size)
        # Nothing lies behind the last bank.
        for op in reversed(self.banks[-1].header):
            Rewriter.erase_op(op)
        return len(self.banks)

    def _place(self, ops: Sequence[Operation], capacity: int) -> None:
        """Places operations into banks of which `capacity` instructions may be used."""
        for group in _groups(ops, self.machine.delay_slots):
            first = group[0]
            if type(first) is ForOp:
                self._place_loop(first, capacity)
                continue
            length = _length(group)
            if self.banks[-1].used + length > capacity:
                self._close()
                self._open(group[0].location)
            bank = self.banks[-1]
            bank.used += length
            self.place = InsertPoint.after(group[-1])
            if bank.used * LOADS_FIRST <= self.size and any(type(op) is snowflake.LdOp for op in group):
                bank.fetch_behind(group[-1])
                self.place = InsertPoint.after(bank.header[-1])

    def _insert(self, location: LocationAttr, *ops: Operation) -> None:
        Rewriter.insert_op([located(op, location) for op in ops], self.place)

    def _open(self, location: LocationAttr) -> None:
        """Begins a bank: fetches the next one and makes the code pointer point behind it."""
        pointer = self.registers[snowflake.CODE_POINTER]
        transfers = snowflake.block_transfers(self.machine)
        label = LabelOp(f"bank{len(self.banks)}")
        self._insert(location, label)
        if not self.banks:
            Emitter(self.place, location, snowflake.CODE_POINTER).constant(self.code_address + transfers)
        fetch = snowflake.RefillOp(pointer, transfers, CODE_UNIT)
        step = snowflake.AddiOp(pointer, transfers, snowflake.CODE_POINTER)
        self._insert(location, fetch, step)
        header: list[Operation] = []
        while (op := header[-1].next_op if header else label.next_op) is not self.place.insert_before:
            assert op is not None
            header.append(op)
        self.banks.append(_Bank(header, len(header)))

    def _close(self) -> None:
        """Ends a bank: what is left of it is empty, and is branched over where that is quicker."""
        used = self.banks[-1].used
        skip = self.machine.delay_slots + 2  # branch, slots and the last instruction of the bank, its target
        if used + skip < self.size:
            follower = self.place.insert_before
            last = self.place.block.last_op if follower is None else follower.prev_op
            assert last is not None
            zero, label = self.registers[snowflake.ZERO], LabelOp(f"end{len(self.banks) - 1}")
            branch = snowflake.BeqOp(zero, zero, label.sym_name.data)
            self._insert(last.location, branch)
            fill_slots(branch, self.machine.delay_slots, self.registers)
            ops = (snowflake.FillOp(self.size - 1), label, snowflake.AddiOp(zero, 0, snowflake.ZERO))
            self._insert(last.location, *ops)
        elif used < self.size:
            Rewriter.insert_op(snowflake.FillOp(self.size), self.place)

    def _place_loop(self, loop: ForOp, capacity: int) -> None:
        """A loop over banks."""
        start = self.registers.open_loop(loop)
        if self.banks[-1].used + 1 > capacity:
            self._close()
            self._open(loop.location)
        Rewriter.insert_op(start, self.place)
        self.banks[-1].used += 1
        self._close()
        first = len(self.banks)
        self._open(loop.location)
        step = next_count(loop, self.registers)
        Rewriter.replace_op(loop.yielded, step, [])
        counter, body = self.registers.of(loop.counter), list(loop.block.ops)
        Rewriter.inline_block(loop.block, self.place)
        # A body may begin with a loop, which is placed here, not behind the body.
        self.place = InsertPoint.before(body[0])
        self._place(body, self._even(body, self.size - bank_repeat(self.machine)))
        self._repeat(first, counter, loop.location)
        self._close()
        self._open(loop.location)
        self.place = InsertPoint.after(loop)
        Rewriter.erase_op(loop)

    def _even(self, body: Sequence[Operation], capacity: int) -> int:
        """How full to make the banks of a loop so that there are no more of them, and none is much emptier than others:
        while one runs, the next one is fetched, which takes as long for a bank of few instructions."""
        if any(isinstance(op, ForOp) for op in body):
            return capacity
        lengths = [_length(group) for group in _groups(body, self.machine.delay_slots)]
        banks = _banks_of(lengths, capacity)
        tried = range(BANK_HEADER + max(lengths), capacity)
        # More room never takes more banks.
        found = bisect_left(tried, -banks, key=lambda size: -_banks_of(lengths, size))
        return tried[found] if found < len(tried) else capacity

    def _repeat(self, first: int, counter: SSAValue, location: LocationAttr) -> None:
        """Makes the last bank fetch bank `first` while the counter of a loop, as the bank begins, is below zero."""
        pointer, zero = self.registers[snowflake.CODE_POINTER], self.registers[snowflake.ZERO]
        back = (len(self.banks) - first) * snowflake.block_transfers(self.machine)
        label = LabelOp(f"last{len(self.banks) - 1}")
        branch = snowflake.BleOp(zero, counter, label.sym_name.data)
        rewind = snowflake.AddiOp(pointer, -back, snowflake.CODE_POINTER)
        last = self.banks[-1]
        place = InsertPoint.before(last.header[-2])
        Rewriter.insert_op([located(op, location) for op in (branch, rewind, label)], place)
        last.used += _length((branch, rewind)) + fill_slots(branch, self.machine.delay_slots, self.registers)


def _length(ops: Iterable[Operation]) -> int:
    """How many of some operations are instructions."""
    return sum(map(is_instruction, ops))


def _banks_of(lengths: Iterable[int], capacity: int) -> int:
    """How many banks hold pieces of code of these lengths, in order, when so many instructions of each may be used."""
    banks, used = 1, BANK_HEADER
    for length in lengths:
        if used + length > capacity:
            banks, used = banks + 1, BANK_HEADER
        used += length
    return banks


def _groups(ops: Sequence[Operation], delay_slots: int) -> Iterator[list[Operation]]:
    """Operations that must lie in one bank: from a label to the branches that go to it and their delay slots."""
    places = {op.sym_name.data: place for place, op in enumerate(ops) if type(op) is LabelOp}
    end_from: dict[int, int] = {}
    for place, op in enumerate(ops):
        if is_branch(op):
            first, last = min(place, places[op.label]), max(place + delay_slots, places[op.label])
            end_from[first] = max(last, end_from.get(first, 0))
    group: list[Operation] = []
    end = -1
    for place, op in enumerate(ops):
        if place > end and group:
            yield group
            group = []
        group.append(op)
        end = max(end, end_from.get(place, place))
    if group:
        yield group


@dataclass(frozen=True)
class PlaceBanksPass(ModulePass):
    """Gives every instruction its place in memory and in the instruction cache."""

    name = "snowflake-place-banks"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        code_address: int | None = None
        for program in op.body.block.ops:
            if not isinstance(program, snowflake.ProgramOp):
                continue
            program.advance(Stage.SCHEDULED, Stage.PLACED, self.name)
            if code_address is None:
                code_address = program.code_address.value.data
            program.code_address = IntegerAttr(code_address, i64)
            machine = machine_of(program)
            banks = _place(program, machine)
            code_address += banks * snowflake.block_transfers(machine)
        check_removed(op, self.name, illegal=(ForOp,))


def _place(program: snowflake.ProgramOp, machine: Machine) -> int:
    """Places one program; returns the number of its banks."""
    block = program.body.block
    ops = [op for op in block.ops if type(op) is not snowflake.GetRegisterOp]
    placer = _Placer(InsertPoint.before(ops[0]), machine, RegisterFile(block), program.code_address.value.data)
    return placer.run(ops)
