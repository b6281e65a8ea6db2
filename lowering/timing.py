"""When the steps of a tile program happen: the machine at the grain of tiles, in cycles and bytes.

The rules are those of docs/isa.md, "Timing". Where the simulator has instructions, a step is a run of them: what it
makes the control core issue, the decoders compute and memory move is counted from its template; queues, waits, banks in
which loads are in flight and the bandwidth of memory are those of the machine. Pure arithmetic; `snow-bench model` says
how far it is from the simulator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import groupby
from math import ceil
from typing import NamedTuple

from lowering.issue import Code, Stretch, addition, average, comparisons, control, convolution, loop, straight
from lowering.load_units import CODE_UNIT, row_cuts
from lowering.loop_builder import LOOPED_CUS
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import LayerBuffers, Load, LoadBiases, LoadPixels, LoadWeights, Move, Store, Transfer
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.roll import Leaf, Loop, Node
from lowering.tile_steps.steps import Access, Role, Step, Template, Unit
from lowering.tile_steps.waits import Wait
from lowering.tile_steps.words import Add, AvgPool
from snowdialect.dialects import tile
from snowdialect.layout import round_up
from snowdialect.machine.instructions import INSTRUCTION_BITS, WORD_BITS

AnyLoad = Load | LoadPixels | LoadWeights | LoadBiases

BUCKET = 128
"""Cycles of an entry in the calendar of memory."""
CODE_WORDS = INSTRUCTION_BITS // WORD_BITS
"""Words of an instruction."""
RUNS = 64
"""Steps of a decoder that are remembered: more than queues and waits reach back."""

# Instructions that the control core issues besides those of the decoders, as compiled programs have them.
SETUP = 6
"""For the addresses of a step, besides one for each that its loops begin with."""
TRANSFER = 3
"""For a load, a store or a move, itself included: it and its two addresses."""


@dataclass
class Memory:
    """How much of each stretch of time memory's bandwidth is taken."""

    rate: float
    """Bytes a cycle."""
    used: list[float] = field(default_factory=list[float])

    def reserve(self, start: float, amount: float, rate: float) -> float:
        """When so many bytes have moved that begin at `start`, at most `rate` a cycle."""
        used, capacity, time = self.used, self.rate * BUCKET, start
        bucket = int(start) // BUCKET
        end = (bucket + 1) * BUCKET
        while True:
            if bucket >= len(used):
                used.extend([0.0] * (bucket + BUCKET - len(used)))
            taken, share = used[bucket], rate * (end - time)
            if share > capacity - taken:
                share = capacity - taken
            if share > 0:
                if amount <= share:
                    used[bucket] = taken + amount
                    return time + (end - time) * amount / share
                used[bucket] = taken + share
                amount -= share
            time, bucket, end = end, bucket + 1, end + BUCKET


class Run(NamedTuple):
    """Instructions of a decoder that run evenly."""

    first: int
    """The number of the first one."""
    number: int
    begin: float
    end: float
    latency: int
    """From the end of each until all that it does is done."""


@dataclass
class Decoder:
    """A decoder of a CU, or that for moves."""

    issued: int = 0
    busy: int = 0
    """Cycles in which it works."""
    free: float = 0.0
    runs: deque[Run] = field(default_factory=lambda: deque[Run](maxlen=RUNS))

    def add(self, number: int, begin: float, end: float, latency: int) -> None:
        """Runs instructions behind those that it has."""
        self.runs.append(Run(self.issued, number, begin, end, latency))
        self.issued += number
        self.free = end

    def begin_of(self, index: int) -> float:
        """When an instruction begins; that behind the last one when that ends."""
        for run in reversed(self.runs):
            if index >= run.first:
                return run.begin + (run.end - run.begin) * min(index - run.first, run.number) / run.number
        return 0.0

    def done(self, pending: int) -> float:
        """When all is done but for the last so many instructions."""
        index = self.issued - pending - 1
        for run in reversed(self.runs):
            if index >= run.first:
                return run.begin + (run.end - run.begin) * (index + 1 - run.first) / run.number + run.latency
        return 0.0


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
        self.memory = Memory(machine.bytes_per_cycle)
        self.mac = [Decoder() for _ in range(machine.compute_units)]
        self.max = [Decoder() for _ in range(machine.compute_units)]
        self.move = Decoder()
        self.unit_free = [0.0] * machine.load_units
        self.begun = [deque[float](maxlen=machine.load_queue_depth) for _ in range(machine.load_units)]
        """When each unit begins with the last of its loads, as many as its queue has places."""
        self.bank_loading: dict[tuple[bool, int], float] = {}
        """Until when loads are in flight into a bank of the weights buffers, or of the maps buffers,"""
        self.loading = 0.0
        """and into any."""
        self.bank_moving: dict[tuple[bool, int], tuple[float, float]] = {}
        """Until when words of a bank are moved between buffers, and lines of each move."""
        self.loads: list[float] = []
        """When each load is done."""
        self.now = 0.0
        """When the control core issues its next instruction."""
        self.known: dict[int, tuple[int, Sequence[Stretch]]] = {}
        """What a step becomes, by the kind of its node."""
        self.code_left = machine.icache_instructions // 2
        """Instructions that the bank has that executes; what a layer begins in the layer before it has begun."""
        self.code_ready = 0.0
        """When the bank behind it is there."""
        self.issued = 0
        """Instructions that compute, and those around them."""
        self.read = self.written = 0

    def run(self) -> tile.Estimate:
        """Times all steps."""
        program = self.layer.program()
        self._run(program.nodes, iter(program.steps), cached=False)
        return tile.Estimate(round(self._end()), self.read, self.written)

    def _run(self, nodes: Sequence[Node], steps: Iterator[Step], *, cached: bool) -> None:
        """Times the next steps, whose loops the nodes are; `cached`: their code is in a bank of the cache."""
        for node in nodes:
            if isinstance(node, Leaf):
                size, stretches = self._known(node)
                if not cached:
                    self._fetch(size, whole=False)
                self._step(next(steps), stretches)
                continue
            assert isinstance(node, Loop)
            size = self._code((node,))
            inside = cached or size <= self.machine.icache_instructions
            if inside and not cached:
                self._fetch(size, whole=True)
            for _ in range(node.count):
                if not inside:
                    self._next_bank()
                self.now += self._control
                self._run(node.body, steps, cached=inside)
            if not inside:
                # A loop over banks has its own.
                self.code_left = 0

    @property
    def _control(self) -> int:
        """Instructions of a loop in every iteration besides its body."""
        return control(self.machine, 0)

    def _code(self, nodes: Sequence[Node]) -> int:
        """About how many instructions some nodes become."""
        size = 0
        for node in nodes:
            if isinstance(node, Loop):
                size += 1 + self._control + self._code(node.body)
            else:
                assert isinstance(node, Leaf)
                size += self._known(node)[0]
        return size

    def _known(self, node: Leaf) -> tuple[int, Sequence[Stretch]]:
        """The instructions that a step becomes, and, if it computes, what is issued for it."""
        if node.kind not in self.known:
            self.known[node.kind] = self._code_of(node.template)
        return self.known[node.kind]

    def _code_of(self, template: Template) -> tuple[int, Sequence[Stretch]]:
        match template:
            case Wait():
                return 1, ()
            case Load() | LoadPixels() | LoadWeights() | LoadBiases():
                return self._load_code(template, self._transfers(template)).size, ()
            case Store() as store:
                return sum(code.size for *_, code in self._pieces(store)), ()
            case Move() as move:
                return SETUP // 2 + move.span.cus.bit_count() * self._move_code(move).size, ()
            case _:
                stretches = self._stretches(template)
                return sum(stretch.code for stretch in stretches), stretches

    def _fetch(self, size: int, *, whole: bool) -> None:
        """Code of so many instructions begins; if it must be `whole` and does not fit the bank, in the next one."""
        if whole and size > self.code_left:
            self._next_bank()
        while size > self.code_left:
            size -= self.code_left
            self._next_bank()
        self.code_left -= size

    def _next_bank(self) -> None:
        """The next bank begins, as soon as it is there, with the fetch of the one behind it."""
        self.now = max(self.now, self.code_ready)
        self.code_left = self.machine.icache_instructions
        rate = self.memory.rate / self.machine.load_units
        self.code_ready = self._transfer(CODE_UNIT, self.code_left * CODE_WORDS, rate)

    def _step(self, step: Step, stretches: Sequence[Stretch]) -> None:
        match step.template:
            case Wait() as wait:
                self._wait(wait)
            case Load() | LoadPixels() | LoadWeights() | LoadBiases() as load:
                self._load(step, load)
            case Store() as store:
                self._store(step, store)
            case Move() as move:
                self._move(step, move)
            case MaxPool():
                self._compute(step, self.max, stretches, self.machine.buffer_latency + 1)
            case _:
                self._compute(step, self.mac, stretches, self._output_latency)

    def _end(self) -> float:
        """When all is done."""
        ends = [decoder.done(0) for decoder in (*self.mac, *self.max, self.move)]
        return max(self.now, *ends, *self.loads[-self.machine.load_units :])

    @property
    def _output_latency(self) -> int:
        """From an output's last trace to its result in the maps buffer."""
        return self.machine.line_words + self.machine.write_back_latency

    # What holds the control core

    def _wait(self, wait: Wait) -> None:
        self.now += 1
        decoders = {Unit.MAC: self.mac, Unit.MAX: self.max, Unit.MOVE: [self.move]}
        for unit in wait.units:
            if unit is Unit.LOAD:
                if len(self.loads) > wait.pending:
                    self.now = max(self.now, sorted(self.loads)[-1 - wait.pending])
                continue
            for decoder in decoders[unit]:
                if decoder.issued > wait.pending:
                    self.now = max(self.now, decoder.done(wait.pending))

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
        if self.now >= self.loading:
            return
        for access in step.reads:
            if access.place in self.places:
                for bank in self._banks(access):
                    self.now = max(self.now, self.bank_loading.get(bank, 0.0))

    def _hold_for_queue(self, decoder: Decoder) -> None:
        if decoder.free > self.now:
            self.now = max(self.now, decoder.begin_of(decoder.issued - self.machine.queue_depth))

    # Loads, stores and moves

    def _transfers(self, load: AnyLoad) -> list[Transfer]:
        """What units load."""
        match load:
            case Load():
                return self._rows(load)
            case LoadPixels():
                return self._pixels(load)
            case LoadWeights():
                return self.layer.weights_transfers(load)
            case LoadBiases():
                return self.layer.bias_transfers(load)

    def _rows(self, load: Load) -> list[Transfer]:
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

    def _load_code(self, load: AnyLoad, transfers: Sequence[Transfer]) -> Code:
        """Loads in a loop over rows or pixels, or over CUs if several have kernels of their own."""
        rounds, loads = max((transfer.number for transfer in transfers), default=0), len(transfers)
        if isinstance(load, LoadWeights) and loads > self.machine.vmacs:
            rounds, loads = loads // self.machine.vmacs, self.machine.vmacs
        return straight(SETUP // 2).then(loop(self.machine, max(1, rounds), straight(0), TRANSFER * loads))

    def _load(self, step: Step, load: AnyLoad) -> None:
        machine, done = self.machine, 0.0
        rate = self.memory.rate / machine.load_units
        transfers = self._transfers(load)
        number = sum(transfer.number for transfer in transfers)
        issue = self._load_code(load, transfers).issued / max(1, number)
        # Units get their loads in turns.
        for turn in range(max((number for _, number, _ in transfers), default=0)):
            for unit, number, words in transfers:
                if turn < number:
                    self.now += issue
                    end = self._transfer(unit, words, rate)
                    self.loads.append(end)
                    done = max(done, end)
        self.read += sum(2 * number * words for _, number, words in transfers)
        for access in step.writes:
            for bank in self._banks(access):
                self.bank_loading[bank] = max(self.bank_loading.get(bank, 0.0), done)
        self.loading = max(self.loading, done)

    def _transfer(self, unit: int, words: int, rate: float) -> float:
        """A load of a unit, for whose queue dispatch waits until it has room; returns when the load is done."""
        machine, begun = self.machine, self.begun[unit]
        if len(begun) == begun.maxlen:
            self.now = max(self.now, begun[0])
        begin = max(self.now + machine.queue_latency, self.unit_free[unit])
        begun.append(begin)
        self.unit_free[unit] = ceil(self.memory.reserve(begin + machine.transfer_overhead, 2 * words, rate))
        return self.unit_free[unit] + machine.memory_latency

    def _store(self, step: Step, store: Store) -> None:
        self._hold_for_loads(step)
        for cus, number, words, code in self._pieces(store):
            issue = code.issued // cus
            for _ in range(cus):
                self._store_pieces(number, words, issue)

    def _pieces(self, store: Store) -> Iterator[tuple[int, int, int, Code]]:
        """For how many CUs at a time what is stored comes in how many pieces of how many words."""
        transfer, layout = self.machine.transfer_words, self.regions.results[store.piece.result].layout
        pixels = store.words == layout.pixel == self.pitches[store.buffer]
        width = store.span.right - store.span.left
        whole = pixels and width == layout.width and self.places[store.buffer].row == layout.row
        pieces: list[tuple[int, int, int]] = []
        for rows, words in zip(store.rows, store.stored, strict=True):
            if not rows or not words:
                continue
            if whole:
                pieces.append((1, 1, rows * layout.row))
            elif pixels:
                pieces.append((rows, 1, round_up(width * layout.pixel, transfer)))
            else:
                pieces.append((rows, width, round_up(words, transfer)))
        for (rows, columns, words), alike in groupby(pieces):
            cus = len(list(alike))
            code = self._moves_code(rows, columns)
            if cus >= LOOPED_CUS and rows * columns > 1:
                # One CU after the other in a loop, which steps both addresses and the mask.
                yield cus, rows * columns, words, straight(SETUP).then(loop(self.machine, cus, code, TRANSFER + 1))
            else:
                for _ in range(cus):
                    yield 1, rows * columns, words, straight(SETUP // 2).then(code)

    def _store_pieces(self, number: int, words: int, issue: int) -> None:
        machine = self.machine
        begin = end = max(self.now + machine.queue_latency, self.move.free)
        for _ in range(number):
            moving = end + machine.transfer_overhead + machine.buffer_latency
            end = ceil(self.memory.reserve(moving, 2 * words, self.memory.rate))
        self.move.add(number, begin, end, machine.memory_latency)
        self.now += issue
        self._hold_for_queue(self.move)
        self.written += 2 * words * number

    def _moves_code(self, rows: int, columns: int) -> Code:
        """Stores or moves of a CU, in loops over rows and columns."""
        code = straight(TRANSFER)
        if rows * columns > 1:
            outer, inner = (rows, columns) if columns > 1 else (1, rows)
            code = straight(1).then(loop(self.machine, inner, straight(0), TRANSFER))
            if outer > 1:
                code = straight(1).then(loop(self.machine, outer, code, TRANSFER - 1))
        return code

    def _move_code(self, move: Move) -> Code:
        """The moves of a CU: of whole rows if both buffers have them, else of pixels if both have these whole."""
        rows, columns = move.span.bottom - move.span.top, move.span.right - move.span.left
        places = self.places[move.source], self.places[move.target]
        if not move.words == self.pitches[move.source] == self.pitches[move.target]:
            return self._moves_code(rows, columns)
        return self._moves_code(1 if {place.row for place in places} == {columns * move.words} else rows, 1)

    def _move(self, step: Step, move: Move) -> None:
        cus, number, lines = move.span.cus.bit_count(), sum(step.counts), step.takes
        self._hold_for_loads(step)
        issue = cus * (self._move_code(move).issued + SETUP // 2)
        begin = max(self.now + self.machine.queue_latency, self.move.free)
        end = max(begin + lines, self.now + issue + self.machine.queue_latency + lines / number)
        self.move.add(number, begin, end, self.machine.buffer_latency + 1)
        for access in (*step.reads, *step.writes):
            for bank in self._banks(access):
                self.bank_moving[bank] = end, lines / number
        self.now += issue
        self._hold_for_queue(self.move)

    # What computes

    def _compute(self, step: Step, decoders: list[Decoder], stretches: Sequence[Stretch], done: int) -> None:
        """A step of one decoder in each CU, which is done so many cycles behind its last instruction."""
        self._hold_for_loads(step)
        self.now += SETUP
        self.issued += SETUP
        latency = self.machine.queue_latency
        moving, lines = 0.0, 1.0
        if decoders is self.max:
            # Comparisons give way to moves that use the same port.
            banks = (bank for access in step.reads for bank in self._banks(access))
            moving, lines = max(self.bank_moving.get(bank, (0.0, 1.0)) for bank in banks)
        now, depth = self.now, self.machine.queue_depth
        for works, lead, issue, _ in stretches:
            now += lead
            self.issued += lead + issue
            for decoder, (number, cycles) in zip(decoders, works, strict=True):
                if number:
                    begin = max(now + latency, decoder.free)
                    # The last instruction cannot begin before it is issued.
                    end = max(begin + cycles, now + issue + latency + cycles / number)
                    if moving > begin:
                        # What is in the queue hides so much of each move from the other CUs.
                        late = max(0.0, 1 - depth * cycles / number / lines) * (min(moving, end) - begin)
                        end = max(end, begin + cycles + late)
                    decoder.add(number, begin, end, done)
                    decoder.busy += cycles
            now += issue
            for decoder, work in zip(decoders, works, strict=True):
                if work.instructions and decoder.free > now:
                    now = max(now, decoder.begin_of(decoder.issued - depth))
        self.now = now

    def _stretches(self, template: Template) -> Sequence[Stretch]:
        match template:
            case Conv() as conv:
                joined = conv.kernels.depth == self.pitches[Role.MAPS_TILE] and conv.window.dilation_w == 1
                return convolution(self.machine, conv, joined)
            case MaxPool() as pool:
                return comparisons(self.machine, pool)
            case AvgPool() as pool:
                return average(self.machine, pool)
            case Add() as add:
                return addition(self.machine, add)
            case _:
                raise TypeError(f"{template} has no timing")
