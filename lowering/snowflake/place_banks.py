"""Cuts a program into banks of the instruction cache, each of which begins by fetching the one behind it.

Code is a line of blocks, one a bank. What branches within itself stays in one bank. A loop that was too long for a bank
becomes a loop over banks: it begins with a bank of its own, and its last bank fetches the first one again, unless the
iteration is the last. So a program is no longer than its text, however often its parts run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, LocationAttr, ModuleOp, i64
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.legality import check_removed
from lowering.snowflake.arithmetic import Emitter
from lowering.snowflake.fill_delay_slots import fill_slots
from lowering.snowflake.flat import RegisterFile, next_count
from lowering.snowflake.lower_control_flow import BANK_HEADER, bank_repeat
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import BranchOp, ForOp, InstructionOp, LabelOp, Stage
from snowdialect.dialects.target import machine_of
from snowdialect.machine import Machine

_REFILL_UNIT = 0
"""The load unit that fetches instructions."""


@dataclass
class _Bank:
    """A bank while it is filled."""

    header: list[Operation]
    used: int


@dataclass
class _Placer:
    """Moves the operations of a program, loop by loop, into the banks that `block` holds one after the other."""

    block: Block
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
            if isinstance(group[0], ForOp):
                self._place_loop(group[0], capacity)
                continue
            length = len(_instructions(group))
            if self.banks[-1].used + length > capacity:
                self._close()
                self._open(group[0].location)
            self._append(group)

    def _append(self, ops: Sequence[Operation]) -> None:
        for op in ops:
            if op.parent is not None:
                op.detach()
            self.block.add_op(op)
        self.banks[-1].used += len(_instructions(ops))

    def _open(self, location: LocationAttr) -> None:
        """Begins a bank: fetches the next one and makes the code pointer point behind it."""
        pointer = self.registers[snowflake.CODE_POINTER]
        transfers = snowflake.block_transfers(self.machine)
        label = located(LabelOp(f"bank{len(self.banks)}"), location)
        self.block.add_op(label)
        if not self.banks:
            start = Emitter(InsertPoint.at_end(self.block), location, snowflake.CODE_POINTER)
            start.constant(self.code_address + transfers)
        fetch = snowflake.RefillOp(pointer, transfers, _REFILL_UNIT)
        step = snowflake.AddiOp(pointer, transfers, snowflake.CODE_POINTER)
        self.block.add_ops(located(op, location) for op in (fetch, step))
        header: list[Operation] = []
        while (op := header[-1].next_op if header else label.next_op) is not None:
            header.append(op)
        self.banks.append(_Bank(header, len(header)))

    def _close(self) -> None:
        """Ends a bank: what is left of it is empty, and is branched over where that is quicker."""
        used = self.banks[-1].used
        skip = self.machine.delay_slots + 2  # branch, slots and the last instruction of the bank, its target
        if used + skip < self.size:
            last = self.block.last_op
            assert last is not None
            zero, label = self.registers[snowflake.ZERO], LabelOp(f"end{len(self.banks) - 1}")
            branch = located(snowflake.BeqOp(zero, zero, label.sym_name.data), last.location)
            self.block.add_op(branch)
            fill_slots(branch, self.machine.delay_slots, self.registers)
            ops = (snowflake.FillOp(self.size - 1), label, snowflake.AddiOp(zero, 0, snowflake.ZERO))
            self.block.add_ops(located(op, last.location) for op in ops)
        elif used < self.size:
            self.block.add_op(snowflake.FillOp(self.size))

    def _place_loop(self, loop: ForOp, capacity: int) -> None:
        """A loop over banks."""
        body = tuple(op for op in loop.body.block.ops if not isinstance(op, snowflake.YieldOp))
        start = self.registers.open_loop(loop)
        if self.banks[-1].used + 1 > capacity:
            self._close()
            self._open(loop.location)
        self._append([start])
        self._close()
        first = len(self.banks)
        self._open(loop.location)
        body = (*body, next_count(loop, self.registers))
        self._place(body, self._even(body, self.size - bank_repeat(self.machine)))
        self._repeat(first, loop)
        self._close()
        self._open(loop.location)

    def _even(self, body: Sequence[Operation], capacity: int) -> int:
        """How full to make the banks of a loop so that there are no more of them, and none is much emptier than others:
        while one runs, the next one is fetched, which takes as long for a bank of few instructions."""
        if any(isinstance(op, ForOp) for op in body):
            return capacity
        lengths = [len(_instructions(group)) for group in _groups(body, self.machine.delay_slots)]
        banks = _banks_of(lengths, capacity)
        tried = range(BANK_HEADER + max(lengths), capacity)
        return next((size for size in tried if _banks_of(lengths, size) == banks), capacity)

    def _repeat(self, first: int, loop: ForOp) -> None:
        """Makes the last bank fetch bank `first` while the loop's counter, as the bank begins, is below zero."""
        pointer, zero = self.registers[snowflake.CODE_POINTER], self.registers[snowflake.ZERO]
        back = (len(self.banks) - first) * snowflake.block_transfers(self.machine)
        label = LabelOp(f"last{len(self.banks) - 1}")
        branch = snowflake.BleOp(zero, self.registers.of(loop.counter), label.sym_name.data)
        rewind = snowflake.AddiOp(pointer, -back, snowflake.CODE_POINTER)
        last = self.banks[-1]
        place = InsertPoint.before(last.header[0])
        Rewriter.insert_op([located(op, loop.location) for op in (branch, rewind, label)], place)
        fill_slots(branch, self.machine.delay_slots, self.registers)
        last.used += bank_repeat(self.machine)


def _instructions(ops: Iterable[Operation]) -> list[Operation]:
    return [op for op in ops if isinstance(op, InstructionOp)]


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
    places = {op.sym_name.data: place for place, op in enumerate(ops) if isinstance(op, LabelOp)}
    end_from: dict[int, int] = {}
    for place, op in enumerate(ops):
        if isinstance(op, BranchOp):
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
    source, target = program.body.block, Block()
    for op in tuple(source.ops):
        if isinstance(op, snowflake.GetRegisterOp):
            op.detach()
            target.add_op(op)
    placer = _Placer(target, machine, RegisterFile(target), program.code_address.value.data)
    banks = placer.run(tuple(source.ops))
    program.body.insert_block(target, 0)
    program.body.erase_block(source)
    return banks
