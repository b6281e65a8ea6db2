"""The order of instructions: addresses are computed while instructions before those that want them are under way.

A list scheduler for each stretch of instructions without a loop. What is in order on the machine stays in order: vector
instructions, loads, stores, configuration and waits, all of them among themselves. Scalar instructions move freely as
far as their operands and the registers allow; of those whose operands are there, the one goes first on which the
longest way to the end of the stretch depends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import groupby

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from lowering.legality import check_removed
from lowering.snowflake.carried_values import separate_carried_values
from lowering.snowflake.loops import all_loops
from lowering.snowflake.pressure import Liveness, Registers, liveness
from snowdialect.dialects import snowflake
from snowdialect.dialects.operations import rearrange
from snowdialect.dialects.snowflake import is_instruction
from snowdialect.dialects.target import machine_of
from snowdialect.machine import Machine

_SPARE = 2
"""Registers that the scheduler leaves alone."""
_PRODUCTS = frozenset[type[Operation]]((snowflake.MulOp, snowflake.MuliOp))
_SCALAR = _PRODUCTS | {snowflake.MovOp, snowflake.MovBaseOp, snowflake.AddOp, snowflake.AddiOp}


@dataclass
class _Stretch:
    """Instructions that follow each other, numbered, and which of them wait for which."""

    ops: Sequence[Operation]
    sources: Sequence[Registers]
    """The registers that each reads."""
    targets: Sequence[Registers]
    """The registers that each writes."""
    live: Liveness
    machine: Machine
    followers: list[dict[int, int]] = field(default_factory=list[dict[int, int]])
    """Who waits for an instruction, and how many cycles after it they can issue."""
    waits_for: list[int] = field(default_factory=list[int])
    """How many instructions each still waits for."""
    urgency: list[int] = field(default_factory=list[int])
    """Cycles from an instruction to the end of the stretch at least."""

    def __post_init__(self) -> None:
        self.followers = [{} for _ in self.ops]
        self.waits_for = [0 for _ in self.ops]
        self._find_dependences()
        self.urgency = [0 for _ in self.ops]
        for number in reversed(range(len(self.ops))):
            ways = (cycles + self.urgency[other] for other, cycles in self.followers[number].items())
            self.urgency[number] = max(ways, default=0)

    def _find_dependences(self) -> None:
        written: dict[Registers, int] = {}
        read: defaultdict[Registers, list[int]] = defaultdict(list)
        ordered: int | None = None
        for number, (op, sources, targets) in enumerate(zip(self.ops, self.sources, self.targets, strict=True)):
            for register in _each(sources | targets):
                if register in written:
                    self._add(written[register], number, self._latency(written[register]))
            for register in _each(targets):
                for reader in read.pop(register, ()):
                    self._add(reader, number, 1)
                written[register] = number
            for register in _each(sources & ~targets):
                read[register].append(number)
            if type(op) not in _SCALAR:
                if ordered is not None:
                    self._add(ordered, number, 1)
                ordered = number

    def _add(self, first: int, second: int, cycles: int) -> None:
        if first == second:
            return
        known = self.followers[first]
        if second not in known:
            self.waits_for[second] += 1
        known[second] = max(cycles, known.get(second, 0))

    def _latency(self, number: int) -> int:
        """Cycles from an instruction to one that reads its result."""
        product = type(self.ops[number]) in _PRODUCTS
        return self.machine.multiply_latency if product else self.machine.scalar_latency


@dataclass
class _Pressure:
    """What is live while a stretch is put into a new order."""

    live: Registers
    behind: Registers
    """What is live behind the stretch or in all of its block."""
    uses: Counter[Registers]
    """How many instructions of the stretch still read a register."""
    once: Registers
    """What one of them still reads."""

    @staticmethod
    def before(stretch: _Stretch, block: Block) -> _Pressure:
        throughout = stretch.live.throughout[block]
        behind = stretch.live.behind[stretch.ops[-1]] | throughout
        live = behind
        uses: Counter[Registers] = Counter()
        for sources, targets in zip(reversed(stretch.sources), reversed(stretch.targets), strict=True):
            live = live & (~targets | throughout) | sources
            uses.update(_each(sources))
        return _Pressure(live, behind, uses, sum(register for register, count in uses.items() if count == 1))

    def growth(self, sources: Registers, targets: Registers) -> int:
        """How many more registers are live behind an instruction than before it."""
        ending = sources & self.once & ~self.behind & ~targets
        return (targets & ~self.live).bit_count() - ending.bit_count()

    def issue(self, sources: Registers, targets: Registers) -> int:
        """Takes note of an instruction; returns how many registers are live at it."""
        self.live |= targets
        most = self.live.bit_count()
        self.live &= ~(sources & self.once) | self.behind | targets
        for register in _each(sources):
            self.uses[register] -= 1
            if self.uses[register] == 1:
                self.once |= register
        return most


def _each(registers: Registers) -> Iterator[Registers]:
    """The registers of a set, each as a set of its own."""
    while registers:
        rest = registers & registers - 1
        yield registers ^ rest
        registers = rest


def _in_new_order(stretch: _Stretch, block: Block) -> list[int] | None:
    """The order in which instructions issue; None when it would take more registers than there are."""
    ops = stretch.ops
    pressure = _Pressure.before(stretch, block)
    limit = max(len(snowflake.ALLOCATABLE) - _SPARE, max(stretch.live.at[op] for op in ops))
    waits_for = list(stretch.waits_for)
    earliest = [0] * len(ops)
    ready = [(-stretch.urgency[number], number) for number, count in enumerate(waits_for) if not count]
    heapify(ready)
    pending: list[tuple[int, int]] = []
    order: list[int] = []
    cycle = 0
    while len(order) < len(ops):
        while pending and pending[0][0] <= cycle:
            number = heappop(pending)[1]
            heappush(ready, (-stretch.urgency[number], number))
        refused: list[tuple[int, int]] = []
        chosen: int | None = None
        while ready and chosen is None:
            entry = heappop(ready)
            growth = pressure.growth(stretch.sources[entry[1]], stretch.targets[entry[1]])
            if growth > 0 and pressure.live.bit_count() + growth > limit:
                refused.append(entry)
            else:
                chosen = entry[1]
        for entry in refused:
            heappush(ready, entry)
        if chosen is None:
            if not pending:
                return None
            cycle = max(cycle + 1, pending[0][0])
            continue
        order.append(chosen)
        if pressure.issue(stretch.sources[chosen], stretch.targets[chosen]) > limit:
            return None
        for other, cycles in stretch.followers[chosen].items():
            earliest[other] = max(earliest[other], cycle + cycles)
            waits_for[other] -= 1
            if not waits_for[other]:
                heappush(pending, (earliest[other], other))
        cycle += 1
    return order


def _stretches(block: Block, live: Liveness, machine: Machine) -> Iterator[_Stretch]:
    """The stretches of a block that have an order, from the last one to the first."""
    for in_line, uses in groupby(live.uses[block].ops, lambda use: is_instruction(use[0])):
        if in_line and len(line := list(uses)) > 1:
            ops, sources, targets = zip(*reversed(line), strict=True)
            yield _Stretch(ops, sources, targets, live, machine)


def _schedule(block: Block, live: Liveness, machine: Machine) -> None:
    for stretch in _stretches(block, live, machine):
        if (order := _in_new_order(stretch, block)) is not None:
            rearrange(stretch.ops, order)


@dataclass(frozen=True)
class SchedulePass(ModulePass):
    """Orders the instructions between loops for the latencies of the machine. Optional."""

    name = "snowflake-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_removed(op, "snowflake-expand-addresses", illegal=(snowflake.AddressOp,))
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                block, machine = program.body.block, machine_of(program)
                separate_carried_values(block)
                live = liveness(block)
                _schedule(block, live, machine)
                for loop in all_loops(block):
                    _schedule(loop.block, live, machine)
