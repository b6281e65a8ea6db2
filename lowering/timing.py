"""When the steps of a tile program happen: the machine at the grain of tiles, in cycles and bytes.

The rules are those of docs/isa.md, "Timing". Where the simulator has instructions, a step is a run of them: what it
makes the control core issue, the decoders compute and memory move is counted from its template; queues, waits, banks in
which loads are in flight and the bandwidth of memory are those of the machine. Pure arithmetic; `snow-bench model` says
how far it is from the simulator.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import NamedTuple

from lowering.load_units import row_cuts
from lowering.loop_builder import UNROLLED_TRACES
from lowering.tile_steps.conv import Conv
from lowering.tile_steps.layer import LayerBuffers, Load, LoadBiases, LoadPixels, LoadWeights, Move, Store, Transfer
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.steps import Access, Role, Step, Unit
from lowering.tile_steps.waits import Wait
from lowering.tile_steps.words import Add, AvgPool
from snowdialect.dialects import tile
from snowdialect.layout import round_down, round_up
from snowdialect.machine import Machine
from snowdialect.machine.instructions import BY_NAME

BUCKET = 256
"""Cycles of an entry in the calendar of memory."""
RUNS = 64
"""Steps of a decoder that are remembered: more than queues and waits reach back."""

# Instructions that the control core issues besides those of the decoders, as compiled programs have them.
SETUP = 12
"""For the addresses of a step, before its loops."""
TRANSFER_ISSUE = 2
"""For a load or a store, itself included."""
OUTPUT_ISSUE = 4
"""For a loop over outputs."""
PIXEL_ISSUE = 8
"""For a pixel around a loop over its kernel steps, or its lines."""
TRACE_ISSUE = 2
"""For a trace, itself included: it and the address of its weights."""
LOOPED_TRACE_ISSUE = 7
"""For a trace in a loop over traces, itself included."""


@dataclass
class Memory:
    """How much of each stretch of time memory's bandwidth is taken."""

    rate: float
    """Bytes a cycle."""
    used: list[float] = field(default_factory=list[float])

    def reserve(self, start: float, amount: float, rate: float) -> float:
        """When so many bytes have moved that begin at `start`, at most `rate` a cycle."""
        used, capacity, time = self.used, self.rate * BUCKET, start
        while True:
            bucket = int(time) // BUCKET
            if bucket >= len(used):
                used.extend([0.0] * (bucket + BUCKET - len(used)))
            end = (bucket + 1) * BUCKET
            share = min(rate * (end - time), capacity - used[bucket])
            if share > 0:
                if amount <= share:
                    used[bucket] += amount
                    return time + (end - time) * amount / share
                used[bucket] += share
                amount -= share
            time = float(end)


class Run(NamedTuple):
    """Instructions of a decoder: the number of the first, how many, from when to when they run evenly."""

    first: int
    number: int
    begin: float
    end: float


@dataclass
class Decoder:
    """A decoder of a CU, or that for moves."""

    issued: int = 0
    busy: int = 0
    """Cycles in which it works."""
    free: float = 0.0
    runs: deque[Run] = field(default_factory=lambda: deque[Run](maxlen=RUNS))

    def add(self, number: int, begin: float, end: float) -> None:
        """Runs instructions behind those that it has."""
        self.runs.append(Run(self.issued, number, begin, end))
        self.issued += number
        self.free = end

    def begin_of(self, index: int) -> float:
        """When an instruction begins; that behind the last one when that ends."""
        for run in reversed(self.runs):
            if index >= run.first:
                return run.begin + (run.end - run.begin) * min(index - run.first, run.number) / run.number
        return 0.0


class Work(NamedTuple):
    """What the decoder of a CU gets of a step."""

    instructions: int
    cycles: int


class Busy(NamedTuple):
    """For how many cycles of a layer each resource has work: of decoders, the busiest."""

    macs: int
    comparisons: int
    memory: int
    issue: int
    """Of the control core, what computes."""


@cache
def estimate(layer: LayerBuffers) -> tile.Estimate:
    """What a layer takes by itself, from its first instruction to the end of its last store."""
    return _Timing(layer).run()


def busy(layer: LayerBuffers) -> Busy:
    """What keeps a layer, by itself, busy."""
    timing = _Timing(layer)
    estimate = timing.run()
    return Busy(
        max(decoder.busy for decoder in timing.mac),
        max(decoder.busy for decoder in timing.max),
        round((estimate.read + estimate.written) / timing.memory.rate),
        timing.issued,
    )


class _Timing:
    """Goes through the steps of a layer in the order of issue."""

    def __init__(self, layer: LayerBuffers) -> None:
        self.layer, self.machine, self.regions = layer, layer.machine, layer.regions
        self.places = {buffer.role: buffer.place for buffer in layer.buffers.all}
        self.pitches = {buffer.role: buffer.unit for buffer in layer.buffers.all}
        machine = self.machine
        self.memory = Memory(machine.bandwidth / machine.clock_hz)
        self.mac = [Decoder() for _ in range(machine.compute_units)]
        self.max = [Decoder() for _ in range(machine.compute_units)]
        self.move = Decoder()
        self.unit_free = [0.0] * machine.load_units
        self.begun = [deque[float](maxlen=machine.load_queue_depth) for _ in range(machine.load_units)]
        """When each unit begins with the last of its loads, as many as its queue has places."""
        self.bank_loading: dict[tuple[bool, int], float] = {}
        """Until when loads are in flight into a bank of the weights buffers, or of the maps buffers."""
        self.loads: list[float] = []
        """When each load is done."""
        self.now = 0.0
        """When the control core issues its next instruction."""
        self.issued = 0
        """Instructions that compute, and those around them."""
        self.read = self.written = 0

    def run(self) -> tile.Estimate:
        """Times all steps."""
        for step in self.layer.program().steps:
            match step.template:
                case Wait() as wait:
                    self._wait(wait)
                case Load() as load:
                    self._load(step, self._transfers(load))
                case LoadPixels() as load:
                    self._load(step, self._pixels(load))
                case LoadWeights() as load:
                    self._load(step, self.layer.weights_transfers(load))
                case LoadBiases() as load:
                    self._load(step, self.layer.bias_transfers(load))
                case Store() as store:
                    self._store(step, store)
                case Move() as move:
                    self._move(step, move)
                case MaxPool() as pool:
                    self._compute(step, self.max, *_comparisons(self.machine, pool))
                case _:
                    self._compute(step, self.mac, *self._traces(step))
        return tile.Estimate(round(self._end()), self.read, self.written)

    def _end(self) -> float:
        """When all is done."""
        decoders = [(self.mac, self._output_latency), (self.max, 0), ([self.move], self.machine.memory_latency)]
        ends = [decoder.free + latency for kind, latency in decoders for decoder in kind if decoder.issued]
        return max(self.now, *ends, *self.loads[-self.machine.load_units :])

    @property
    def _output_latency(self) -> int:
        """From an output's last trace to its result in the maps buffer."""
        return self.machine.line_words + self.machine.write_back_latency

    # What holds the control core

    def _wait(self, wait: Wait) -> None:
        self.now += 1
        latencies = {Unit.MAC: self._output_latency, Unit.MAX: 0, Unit.MOVE: self.machine.memory_latency}
        decoders = {Unit.MAC: self.mac, Unit.MAX: self.max, Unit.MOVE: [self.move]}
        for unit in wait.units:
            if unit is Unit.LOAD:
                if len(self.loads) > wait.pending:
                    self.now = max(self.now, sorted(self.loads)[-1 - wait.pending])
                continue
            for decoder in decoders[unit]:
                if decoder.issued > wait.pending:
                    self.now = max(self.now, decoder.begin_of(decoder.issued - wait.pending) + latencies[unit])

    def _banks(self, access: Access) -> Iterator[tuple[bool, int]]:
        place, weights = self.places[access.place], access.place is Role.WEIGHTS
        bank = self.machine.wbuf_bank_words if weights else self.machine.mbuf_bank_words
        start = place.slot_start(access.slot)
        first = start + max(0, access.rows.first) * place.row
        stop = start + min(place.words, access.rows.stop * place.row)
        for number in range(first // bank, -(-stop // bank)):
            yield weights, number

    def _hold_for_loads(self, step: Step) -> None:
        """Dispatch holds while a load into a bank that the step reads is in flight."""
        for access in step.reads:
            if access.place in self.places:
                for bank in self._banks(access):
                    self.now = max(self.now, self.bank_loading.get(bank, 0.0))

    def _hold_for_queue(self, decoder: Decoder) -> None:
        self.now = max(self.now, decoder.begin_of(decoder.issued - self.machine.queue_depth))

    # Loads, stores and moves

    def _transfers(self, load: Load) -> list[Transfer]:
        """The loads of a maps tile, as lowering/load_units.py gives them to units."""
        region = self.regions.maps if load.region is Role.MAPS else self.regions.other
        assert region is not None
        machine, layout = self.machine, region.layout
        units = machine.load_units
        whole = len(load.columns) == layout.width and self.places[load.buffer].row == layout.row
        words = layout.row if whole else round_up(len(load.columns) * layout.pixel, machine.transfer_words)
        if load.span.share:
            return [
                Transfer(cu % units, 1 if whole else len(rows), words * len(rows) if whole else words)
                for cu, rows in enumerate(load.rows)
                if rows and load.span.cus >> cu & 1
            ]
        rows = max(map(len, load.rows))
        if whole:
            transfers = rows * words // machine.transfer_words
            cuts = [transfers * unit // units for unit in range(units + 1)]
            return [
                Transfer(unit, 1, (cuts[unit + 1] - cuts[unit]) * machine.transfer_words)
                for unit in range(units)
                if cuts[unit + 1] > cuts[unit]
            ]
        if row_parts := row_cuts(machine, self._most_rows[load.buffer], self.places[load.buffer].row):
            begin = load.columns.start * layout.pixel
            parts = (min(begin + words, cut.stop) - max(begin, cut.start) for cut in row_parts)
            return [Transfer(unit, rows, part) for unit, part in enumerate(parts) if part > 0]
        cuts = [rows * unit // units for unit in range(units + 1)]
        return [
            Transfer(unit, cuts[unit + 1] - cuts[unit], words) for unit in range(units) if cuts[unit + 1] > cuts[unit]
        ]

    @cached_property
    def _most_rows(self) -> dict[Role, int]:
        """Rows of the tallest load into each buffer."""
        rows: dict[Role, int] = {}
        for step in self.layer.program().steps:
            if isinstance(load := step.template, Load):
                rows[load.buffer] = max(rows.get(load.buffer, 0), load.span.bottom - load.span.top)
        return rows

    def _pixels(self, load: LoadPixels) -> list[Transfer]:
        width, units = load.span.right - load.span.left, self.machine.load_units
        return [Transfer(cu % units, rows * width, load.words) for cu, rows in enumerate(load.rows) if rows]

    def _load(self, step: Step, transfers: Sequence[Transfer]) -> None:
        machine, done = self.machine, 0.0
        rate = self.memory.rate / machine.load_units
        self.now += SETUP // 2
        # Units get their loads in turns.
        for turn in range(max((number for _, number, _ in transfers), default=0)):
            for unit, number, words in transfers:
                if turn < number:
                    done = max(done, self._transfer(unit, words, rate))
        for access in step.writes:
            for bank in self._banks(access):
                self.bank_loading[bank] = max(self.bank_loading.get(bank, 0.0), done)

    def _transfer(self, unit: int, words: int, rate: float) -> float:
        """A load of a unit, for whose queue dispatch waits until it has room; returns when the load is done."""
        machine, begun = self.machine, self.begun[unit]
        self.now += TRANSFER_ISSUE
        if len(begun) == begun.maxlen:
            self.now = max(self.now, begun[0])
        begin = max(self.now + machine.queue_latency, self.unit_free[unit])
        begun.append(begin)
        self.unit_free[unit] = self.memory.reserve(begin + machine.transfer_overhead, 2 * words, rate)
        self.loads.append(self.unit_free[unit] + machine.memory_latency)
        self.read += 2 * words
        return self.loads[-1]

    def _store(self, step: Step, store: Store) -> None:
        self._hold_for_loads(step)
        transfer, layout = self.machine.transfer_words, self.regions.result.layout
        pixels = store.words == layout.pixel == self.pitches[store.buffer]
        width = store.span.right - store.span.left
        whole = pixels and width == layout.width and self.places[store.buffer].row == layout.row
        *_, channel, _, _ = step.numbers
        for cu, rows in enumerate(store.rows):
            words = min(store.words, store.limit - channel - cu * store.share)
            if not rows or words <= 0:
                continue
            if whole:
                self._store_pieces(1, rows * layout.row)
            elif pixels:
                self._store_pieces(rows, round_up(width * layout.pixel, transfer))
            else:
                self._store_pieces(rows * width, round_up(words, transfer))

    def _store_pieces(self, number: int, words: int) -> None:
        machine = self.machine
        self.now += SETUP // 2
        begin = end = max(self.now + machine.queue_latency, self.move.free)
        for _ in range(number):
            end = self.memory.reserve(end + machine.transfer_overhead, 2 * words, self.memory.rate)
        self.move.add(number, begin, end)
        self.now += (TRANSFER_ISSUE + 1) * number
        self._hold_for_queue(self.move)
        self.written += 2 * words * number

    def _move(self, step: Step, move: Move) -> None:
        rows, columns = move.span.bottom - move.span.top, move.span.right - move.span.left
        lines = move.span.cus.bit_count() * rows * columns * move.words // self.machine.line_words
        number = sum(step.counts)
        self._hold_for_loads(step)
        begin = max(self.now + self.machine.queue_latency, self.move.free)
        self.move.add(number, begin, begin + lines + self.machine.buffer_latency * number)
        self.now += (TRANSFER_ISSUE + 1) * number
        self._hold_for_queue(self.move)

    # What computes

    def _compute(self, step: Step, decoders: list[Decoder], works: Sequence[Work], issue: int) -> None:
        """A step of one decoder in each CU, for which the control core issues so many instructions in its loops."""
        self._hold_for_loads(step)
        self.now += SETUP
        self.issued += SETUP + issue
        latency = self.machine.queue_latency
        for decoder, (number, cycles) in zip(decoders, works, strict=True):
            if number:
                begin = max(self.now + latency, decoder.free)
                # The last instruction cannot begin before it is issued.
                end = max(begin + cycles, self.now + issue + latency + cycles / number)
                decoder.add(number, begin, end)
                decoder.busy += cycles
        self.now += issue
        for decoder in decoders:
            self._hold_for_queue(decoder)

    def _traces(self, step: Step) -> tuple[list[Work], int]:
        match step.template:
            case Conv() as conv:
                joined = conv.kernels.depth == self.pitches[Role.MAPS_TILE] and conv.window.dilation_w == 1
                return _convolution(self.machine, conv, joined)
            case AvgPool() as pool:
                return _average(self.machine, pool)
            case Add() as add:
                return _addition(self.machine, add)
            case template:
                raise TypeError(f"{template} has no timing")


def _comparisons(machine: Machine, pool: MaxPool) -> tuple[list[Work], int]:
    lines = pool.pixels.words // machine.line_words
    works: list[Work] = []
    for rows in pool.rows:
        outputs = len(rows) * len(pool.columns) * lines
        number = sum(map(len, rows)) * len(pool.columns) * lines
        works.append(Work(number, sum(map(len, rows)) * sum(map(len, pool.columns)) * lines + outputs))
    issue = 0
    for number in range(max(map(len, pool.rows))):
        # CUs whose windows have different rows get them one after the other.
        different = {rows[number] for rows in pool.rows if number < len(rows)}
        traces = sum(map(len, different))
        issue += (TRACE_ISSUE * traces + OUTPUT_ISSUE * len(different)) * len(pool.columns) * lines
        issue += PIXEL_ISSUE * len(different) * len(pool.columns)
    return works, issue


def _addition(machine: Machine, add: Add) -> tuple[list[Work], int]:
    steps = -(-add.pixels.words // (machine.vmacs * machine.macs))
    outputs = [rows * (add.span.right - add.span.left) * steps for rows in add.rows]
    works = [Work((1 + add.other) * number, machine.macs * number) for number in outputs]
    return works, (OUTPUT_ISSUE + 1 + add.other) * max(outputs)


def _average(machine: Machine, pool: AvgPool) -> tuple[list[Work], int]:
    groups = pool.pixels.words // machine.line_words * -(-machine.line_words // machine.vmacs)
    works: list[Work] = []
    issue = 0
    for rows in pool.rows:
        outputs = len(rows) * len(pool.columns) * groups
        kernel_rows = sum(len(y) for y, _ in rows)
        taps = kernel_rows * sum(len(x) for x, _ in pool.columns) * groups
        works.append(Work(taps + outputs, max(taps, outputs * machine.macs)))
        # Kernel rows are a loop, in which many columns are one, too.
        columns = sum(_row_issue(len(x)) for x, _ in pool.columns)
        issue = max(issue, groups * (kernel_rows * columns + OUTPUT_ISSUE * len(rows) * len(pool.columns)))
    return works, issue


def _row_issue(taps: int) -> int:
    """What is issued for a kernel row of an average."""
    return OUTPUT_ISSUE + taps * (TRACE_ISSUE if taps <= UNROLLED_TRACES else LOOPED_TRACE_ISSUE)


@cache
def _convolution(machine: Machine, conv: Conv, joined: bool) -> tuple[list[Work], int]:
    """What each CU gets of a part of a convolution, and the instructions that are issued for it.

    `joined`: the words of neighbouring pixels follow each other, so that a trace covers a kernel row.
    """
    lanes = 1 if conv.mode is tile.Mode.COOP else machine.macs
    steps = -(-conv.channels // (machine.vmacs * lanes))
    starts = 1 + conv.bypass if conv.kernels.part == 0 else 0
    least = machine.macs if conv.kernels.part == 0 else 0
    kinds = Counter(conv.columns)

    @cache
    def row(kernel_rows: range) -> tuple[int, int, int]:
        """Instructions, cycles and issue of a row of outputs of one kernel step."""
        number = cycles = issue = 0
        for kernel_columns, count in kinds.items():
            traces, work = _output(machine, conv, joined, kernel_rows, kernel_columns)
            looped = traces > UNROLLED_TRACES
            number += count * (starts + traces)
            cycles += count * max(least, work)
            issue += count * (starts + traces * (LOOPED_TRACE_ISSUE if looped else TRACE_ISSUE))
        return number, cycles, issue

    works = [Work(steps * sum(row(y)[0] for y in rows), steps * sum(row(y)[1] for y in rows)) for rows in conv.rows]
    issue, outputs = 0, len(conv.columns)
    for number in range(max(map(len, conv.rows))):
        # CUs whose outputs have different traces get them one after the other.
        different = {rows[number] for rows in conv.rows if number < len(rows)}
        issue += SETUP + steps * (sum(row(kind)[2] for kind in different) + OUTPUT_ISSUE * outputs)
        issue += PIXEL_ISSUE * outputs if steps > 1 else 0
    return works, issue


def _output(machine: Machine, conv: Conv, joined: bool, kernel_rows: range, kernel_columns: range) -> tuple[int, int]:
    """Traces of an output, and their cycles."""
    kernels, words = conv.kernels, conv.kernels.depth
    if conv.unrolled is not None:
        # All rows under the kernel lie in a pixel.
        words = kernels.depth // conv.unrolled.kernel * len(kernel_rows)
        kernel_rows = range(min(1, len(kernel_rows)))
        joined = joined and words == kernels.depth
    longest = round_down(BY_NAME["mac"].field("length").maximum, machine.line_words)
    first = kernels.part * kernels.part_words
    runs = [kernel_columns] if joined and kernel_columns else [range(x, x + 1) for x in kernel_columns]
    traces = lines = 0
    for y in kernel_rows:
        for run in runs:
            position = (y * conv.window.kernel_w + run.start) * kernels.depth
            low, high = max(position, first), min(position + len(run) * words, first + kernels.part_words)
            if low < high:
                traces += -(-(high - low) // longest)
                lines += -(-(high - low) // machine.line_words)
    return traces, lines if conv.mode is tile.Mode.COOP else lines * machine.line_words
