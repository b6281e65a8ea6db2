"""The buffers of a layer and the steps that move tiles between them and memory."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import groupby
from typing import ClassVar, NamedTuple

from lowering.maps_tiling import ColumnTile, Place, TilePlan
from lowering.row_tiles import MapsTile
from lowering.tile_steps.neighbours import Ahead, Buffers, Ends, FirstLoad, Left, Neighbours, Stored, Swapped
from lowering.tile_steps.order import order
from lowering.tile_steps.roll import Node, roll, straight
from lowering.tile_steps.steps import Access, Buffer, Extent, Maps, Part, Region, Role, Step, Template, Unit, Work
from lowering.tile_steps.waits import Pending, Waits
from snowdialect.dialects import tile
from snowdialect.machine import Machine

STORED_QUEUES = 2
"""Parts of a store of single pixels fill the queue of moves so many times: more makes less code, and lets the queue of
the MACs run empty while the control core waits for room."""
STORED_WORDS = 512
"""Parts of a store of rows have so many words at least: each store costs memory the overhead of a transfer."""
ROW_PARTS = 16
"""A tile of more rows has so many parts, or parts in a row, at most."""
LINE_IN_ONE_BANK = 2
"""Cycles of a line that moves inside a bank: its port reads and writes in turn."""
CYCLES_PER_INSTRUCTION = 4
"""About how long the control core takes for a load or a store, with the scalar code for its addresses."""


@dataclass(frozen=True)
class Load(Template):
    """Template of a load of maps."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("row", "column", "slot")

    region: Role
    buffer: Role
    span: tile.Span
    rows: tuple[range, ...]
    """Rows of each CU, and columns, that lie inside the maps: what its code follows from."""
    columns: range


@dataclass(frozen=True)
class LoadPixels(Template):
    """Template of a load of some words of each pixel, or of some pixels of each row."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("row", "column", "slot", "channel", "part_row", "part_column")

    region: Role
    buffer: Role
    words: int
    share: int
    span: tile.Span
    rows: tuple[int, ...]
    """Rows of each CU."""


class Piece(NamedTuple):
    """What of a tile is stored."""

    first: int = 0
    """The word of each pixel where it begins."""
    result: int = 0
    """Which of the layer's results it is."""


@dataclass(frozen=True)
class Store(Template):
    """Template of a store."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("slot", "row", "column", "channel", "part_row", "part_column")

    buffer: Role
    piece: Piece
    words: int
    share: int
    limit: int
    span: tile.Span
    rows: tuple[int, ...]
    """Rows of each CU."""
    stored: tuple[int, ...]
    """Words of a pixel that each CU stores: those below the limit. They depend on the channel, and the code on them."""


@dataclass(frozen=True)
class Move(Template):
    """Template of a move between maps buffers."""

    NUMBERS: ClassVar[tuple[str, ...]] = (
        *("source_slot", "source_row", "source_column", "source_word"),
        *("target_slot", "target_row", "target_column", "target_word"),
    )

    source: Role
    target: Role
    span: tile.Span
    words: int
    down: int


@dataclass(frozen=True)
class LoadWeights(Template):
    """Template of a load of kernels, or of an average pool's weights."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("tile", "slot")

    part: int
    cus: int
    piece: int = 0
    pieces: int = 1
    """Of what each weights buffer gets, which of so many equal pieces."""


@dataclass(frozen=True)
class LoadBiases(Template):
    """Template of a load of all biases that a CU has."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("slot",)

    cus: int


@dataclass
class Slots:
    """What the slots of a buffer hold: what is still there need not be loaded again.

    What comes first stays for good, in all slots but two, which the rest has in turns.
    """

    count: int
    held: list[Hashable] = field(default_factory=list[Hashable])
    used: list[int] = field(default_factory=list[int])

    def take(self, content: Hashable) -> tuple[int, bool]:
        """The slot for `content`, and whether it has to be loaded: of the last two, into the one used less recently."""
        missing = content not in self.held
        if not missing:
            place = self.held.index(content)
            self.used.remove(place)
        elif len(self.held) < self.count:
            self.held.append(content)
            place = len(self.held) - 1
        else:
            place = next(place for place in self.used if place >= self.count - 2)
            self.used.remove(place)
            self.held[place] = content
        self.used.append(place)
        return place, missing


class Transfer(NamedTuple):
    """Loads that a unit makes one after the other."""

    unit: int
    number: int
    words: int
    """Of each load."""


class Slice(NamedTuple):
    """Some words of each pixel, which are loaded pixel by pixel."""

    channel: int
    """The word where those of the first CU begin."""
    words: int
    share: int
    """Words from the first of a CU to the first of the next."""


@dataclass(frozen=True)
class TileProgram:
    """What a layer does: its buffers, and loads, computation and stores."""

    buffers: tuple[Buffer, ...]
    ahead: tuple[Buffer, ...]
    """Those of the layer behind that it fills."""
    steps: tuple[Step, ...]
    """In the order in which they are issued."""
    left: tuple[Left, ...]
    """What is pending in the end."""
    overlaps: bool
    """Whether it begins while the layer before it is at work."""
    rolled: bool
    """Whether what repeats becomes a loop."""

    @cached_property
    def nodes(self) -> Sequence[Node]:
        """The steps in loops over tiles."""
        return roll(self.steps) if self.rolled else straight(self.steps)

    def __getstate__(self) -> dict[str, object]:
        """Another process gets the loops, not the steps that they are made of."""
        return {**vars(self), "nodes": self.nodes, "steps": ()}


ALONE = Neighbours()
WHOLE = Piece()


class Form(NamedTuple):
    """How the steps of a layer become its program."""

    interleave: bool = True
    """Steps of other units come between the parts of tiles; else tiles are whole, and steps stay as collected."""
    roll: bool = True
    """What repeats becomes a loop."""


FAST = Form()


class Origin(NamedTuple):
    """A word of a slot of a buffer, from which on a move takes or puts words."""

    buffer: Buffer
    slot: int = 0
    row: int = 0
    column: int = 0
    word: int = 0


class LayerBuffers:
    """The maps buffers of a layer; collects its tile program."""

    def __init__(self, machine: Machine, window: tile.Window, plan: TilePlan, regions: Maps, swapped: Swapped) -> None:
        self.machine, self.window, self.tiles, self.regions = machine, window, plan, regions
        self.buffers = Buffers(machine, swapped)
        self.read_behind = False
        """Whether the layer behind begins with maps that this one stores."""
        self._programs: dict[tuple[Neighbours, Form], TileProgram] = {}
        self.steps: list[Step | Work] = []
        self.cover = 0
        """For how many cycles a full queue keeps the MACs busy; 0 in layers without."""
        self.in_place = any(region.memory is not region.role for region in regions.results)
        """Whether some result lies in memory that is read."""
        self.maps = self.loaded = self.buffer(Role.MAPS_TILE, plan.maps, plan.maps_pixel)
        """Where maps tiles are, and where they are loaded."""
        if plan.unpooled is not None:
            self.loaded = self.buffer(Role.UNPOOLED_TILE, plan.unpooled, plan.unpooled_pixel)
        self.maxima: Buffer | None = None
        if plan.maxima is not None:
            self.maxima = self.buffer(Role.MAXIMA, plan.maxima, plan.unpooled_pixel)
        self.maps_slots = Slots(plan.maps.slots)
        self.other: Buffer | None = None
        if plan.other is not None and regions.other is not None:
            self.other = self.buffer(Role.OTHER_TILE, plan.other, plan.other_pixel)

    def weights_transfers(self, load: LoadWeights) -> list[Transfer]:
        """What load units do for a load of kernels, or of an average pool's weights; other layers have none."""
        raise TypeError(f"{load} of a layer without weights")

    def bias_transfers(self, load: LoadBiases) -> list[Transfer]:
        """What load units do for a load of biases into the maps buffers; most layers have none there."""
        raise TypeError(f"{load} of a layer without biases of its own")

    def buffer(self, role: Role, place: Place, unit: int) -> Buffer:
        """A buffer of the layer, in pixels or kernel blocks of so many words."""
        return self.buffers.add(Buffer(role, place, unit))

    def program(self, neighbours: Neighbours = ALONE, form: Form = FAST) -> TileProgram:
        """The steps in the best order, for layers in the same neighbourhood once."""
        if (neighbours, form) not in self._programs:
            self._programs[neighbours, form] = self._program(neighbours, form)
        return self._programs[neighbours, form]

    def _program(self, neighbours: Neighbours, form: Form) -> TileProgram:
        waits, steps = Waits(self.machine, self.buffers.banks_of_access), self.steps
        if neighbours.left is not None:
            first = self._first_steps
            waits.begin_behind(self.buffers.pending(neighbours.left))
            none_behind = (0,) * self.machine.compute_units
            waits.begin_behind(Pending(step.unit, True, step.writes, none_behind) for step in first)
            steps = steps[len(first) :]
        stored = {role: self.regions.results[result] for role, result in neighbours.read_behind}
        self.read_behind = any(load.region in stored for load in neighbours.first_loads)
        ahead = [
            load.step(self.buffers, None if load.region is None else stored.get(load.region))
            for load in neighbours.first_loads
        ]
        ordered = order([*steps, *ahead], self.machine, waits, interleave=form.interleave)
        return TileProgram(
            tuple(self.buffers.all),
            tuple(dict.fromkeys(load.template.buffer for load in neighbours.first_loads)),
            tuple(ordered),
            self.buffers.left(waits.pending()),
            neighbours.left is not None,
            form.roll,
        )

    @property
    def _first_steps(self) -> list[Step]:
        """The loads that the layer begins with."""
        steps: list[Step] = []
        for step in self.steps:
            if not isinstance(step, Step) or step.unit is not Unit.LOAD:
                break
            steps.append(step)
        return steps

    def first_loads(self, before: LayerBuffers, stored: Collection[Stored]) -> tuple[FirstLoad, ...]:
        """The loads that the layer begins with, for the layer before it, which stores some of the regions. Rows that it
        stores last, and those that come into another bank, are loads of their own."""
        return tuple(self._first_load(part) for part, _ in self._first_parts(before, stored))

    def _first_parts(self, before: LayerBuffers, stored: Collection[Stored]) -> Iterator[tuple[Step, bool]]:
        last = {role: before.stored_last(result) for role, result in stored}
        for step in self._first_steps:
            load = step.template
            of_maps = isinstance(load, Load | LoadPixels)
            yield from self._parts_by_row(step, last.get(load.region, []) if of_maps else [])

    def _parts_by_row(self, step: Step, last: Sequence[Extent]) -> list[tuple[Step, bool]]:
        """A load of maps in parts: what touches the words stored last apart from the rest, be it rows or CUs, and banks
        apart. With each part, whether it touches those words."""
        load = step.template
        if not isinstance(load, Load):
            return [(step, False)]
        region, buffer = self._region(load.region), self.buffers.of(load.buffer)
        at = load.named(step.numbers)
        row, column, slot = at["row"], at["column"], at["slot"]
        assert buffer is not None

        def late(local: int) -> int:
            """The CUs whose row does so."""
            mask = 0
            for cu, mine in enumerate(load.rows):
                if local in mine:
                    words = memory_words(region, row + cu * load.span.share + local, 1)
                    mask |= any(words.meets(other) for other in last) << cu
            return mask if load.span.share else load.span.cus * bool(mask)

        def kind(local: int) -> tuple[int, Hashable]:
            return late(local), self.buffers.banks_of((Access(load.buffer, slot, Extent(local, local + 1)),), False)

        parts: list[tuple[Step, bool]] = []
        for (mask, _), group in groupby(range(load.span.top, load.span.bottom), kind):
            rows = list(group)
            working = sum(any(local in mine for local in rows) << cu for cu, mine in enumerate(load.rows))
            for cus, is_late in ((load.span.cus & ~mask, False), (load.span.cus & mask, True)):
                if cus & working:
                    span = load.span._replace(top=rows[0], bottom=rows[-1] + 1, cus=cus)
                    parts.append((self._load(region, buffer, row, column, slot, span), is_late))
        return parts

    def stored_last(self, result: int = 0) -> list[Extent]:
        """The words that are stored last to the memory of a result."""
        results = self.regions.results
        stores = (work for work in reversed(self.steps) if isinstance(work, StoreTile))
        store = next(work for work in stores if results[work.piece.result].number == results[result].number)
        return [access.words for access in self._stored(store.span, store.place[0], store.piece.result)]

    def _region(self, role: Role) -> Region:
        if role is Role.MAPS:
            return self.regions.maps
        assert role is Role.OTHER and self.regions.other is not None
        return self.regions.other

    def _first_load(self, step: Step) -> FirstLoad:
        load, (access,) = step.template, step.writes
        buffer, words = self.buffers.of(access.place), self.buffers.words(access)
        assert buffer is not None and words is not None
        region, read = None, ()
        if isinstance(load, Load):
            maps = self._region(load.region)
            region, first, share = load.region, load.named(step.numbers)["row"], load.span.share
            read = tuple(
                memory_words(maps, first + cu * share + mine.start, len(mine))
                for cu, mine in enumerate(load.rows)
                if mine
            )
        elif isinstance(load, LoadPixels):
            maps = self._region(load.region)
            at = load.named(step.numbers)
            region, first, share = load.region, at["row"] + at["part_row"] + load.span.top, load.span.share
            read = tuple(memory_words(maps, first + cu * share, mine) for cu, mine in enumerate(load.rows) if mine)
        pixels = isinstance(load, LoadPixels)
        times = step.counts, step.cycles, step.takes
        return FirstLoad(Ahead(load, buffer), step.numbers, words, region, read, *times, pixels)

    def outermost(self, before: LayerBuffers | None, stored: Collection[Stored]) -> Ends:
        """What it touches in its buffers at both ends, with the MACs and with the maxima of a pool behind them, but for
        loads of what the layer `before` stores last: these wait for that, wherever they go."""
        last: dict[Unit, tuple[Work, list[Part]]] = {}
        for work in reversed(self.steps):
            if not isinstance(work, Step | StoreTile) and work.unit not in last and (parts := work.parts()):
                last[work.unit] = work, parts
            if Unit.MAC in last:
                # A pool before them is done before they are.
                break
        first = () if before is None else self._first_parts(before, stored)
        loads = [access for part, is_late in first if not is_late for access in part.writes]
        reads = [access for work, parts in last.values() for access in work.step(parts[-1]).reads]
        writes = [access for work, parts in last.values() for part in parts for access in work.step(part).writes]
        return Ends(self.buffers, loads, reads, writes)

    def memory_written(self, span: tile.Span, row: int, result: int) -> tuple[Access, ...]:
        """What a store of a span of a tile, whose row 0 is row `row` of a result, writes in memory, where somebody
        reads that."""
        region = self.regions.results[result]
        if region.memory is not region.role:
            return (Access(region.memory),)
        return self._stored(span, row, result) if self.read_behind else ()

    def _stored(self, span: tile.Span, row: int, result: int) -> tuple[Access, ...]:
        region = self.regions.results[result]
        inside = ((cu, span.rows_inside(row, cu, region.layout.height)) for cu in range(self.machine.compute_units))
        written = (memory_words(region, row + cu * span.share + mine.start, len(mine)) for cu, mine in inside if mine)
        return tuple(Access(region.memory, region.number, words=words) for words in written)

    def load_maps(self, rows: MapsTile, columns: ColumnTile, wanted: Slice | None = None) -> int:
        """Sees to it that a maps tile, or a slice of it, is in its buffer; returns the slot."""
        content = rows.load_first, rows.load_stop, columns.load_first, columns.load_stop, wanted
        slot, missing = self.maps_slots.take(content)
        if missing:
            self.load_tile(rows, columns, slot, wanted)
        return slot

    def load_tile(
        self, rows: MapsTile, columns: ColumnTile, slot: int, wanted: Slice | None = None, kept: int = 0
    ) -> None:
        """Loads a maps tile, or a slice of it, but for the first columns if these are kept from another tile."""
        height, width = rows.load_stop - rows.load_first, columns.load_stop - columns.load_first
        if kept == width:
            return
        span = tile.Span(0, height, kept, width, self.tiles.load_share, rows.cus)
        place, alone = (rows.load_first, columns.load_first, slot), self.tiles.maps.slots == 1
        if wanted is None:
            load = self._load(self.regions.maps, self.loaded, *place, span)
            self.steps += self._bank_by_bank(load) if alone else [self._held(load)]
        else:
            loads = self._load_slices(self.regions.maps, self.loaded, place, span, wanted)
            self.steps += [replace(load, held=load.shared, shared=()) for load in loads] if alone else loads

    def _held(self, load: Step) -> Step:
        """A load of what is pooled. Its bank may still be computed with when what it fills has been pooled."""
        return load if self.loaded is self.maps else replace(load, held=self.buffers.whole_banks_of(load.writes))

    def _bank_by_bank(self, load: Step) -> list[Step]:
        """A load into the only slot of a buffer in parts, each as soon as nothing computes with its bank any more:
        while the last rows of the tile before are computed, and the first ones of this."""
        return [
            replace(part, held=self.buffers.whole_banks_of(part.writes))
            for part, _ in self._parts_by_row(load, last=())
        ]

    def load_other(
        self, base: int, rows: MapsTile, columns: ColumnTile, slot: int, wanted: Slice | None = None
    ) -> None:
        """Loads what is read pixel for pixel with the result, or a slice of it, for a tile that begins with row
        `base`."""
        if self.other is None or self.regions.other is None:
            return
        top, bottom = rows.first - base, rows.stop - base
        span = tile.Span(top, bottom, 0, columns.stop - columns.first, self.tiles.window_share, rows.cus)
        place = base, columns.first, slot
        if wanted is None:
            self.steps.append(self._load(self.regions.other, self.other, *place, span))
        else:
            self.steps += self._load_slices(self.regions.other, self.other, place, span, wanted)

    def _load_slices(
        self, region: Region, buffer: Buffer, place: tuple[int, int, int], span: tile.Span, wanted: Slice
    ) -> list[Step]:
        """Loads of a slice of a tile, whose row, column and slot are its place: a few pixels at a time, as many as the
        queues of the load units take."""
        inside, count = span.columns_inside(place[1], region.layout.width), self.machine.load_queue_depth
        parts = (
            span._replace(top=row, bottom=row + 1, left=left, right=min(left + count, inside.stop))
            for row in range(span.top, span.bottom)
            for left in range(inside.start, inside.stop, count)
        )
        return [step for part in parts for step in self._load_pixels(region, buffer, place, wanted, part)]

    def _load_pixels(
        self, region: Region, buffer: Buffer, place: tuple[int, int, int], wanted: Slice, span: tile.Span
    ) -> list[Step]:
        row, column, slot = place
        machine, (channel, words, share) = self.machine, wanted
        rows = tuple(len(span.rows_inside(row, cu, region.layout.height)) for cu in range(machine.compute_units))
        width = span.right - span.left
        if not any(rows):
            return []
        written = (Access(buffer.role, slot, Extent(span.top, span.bottom), Extent(span.left, span.right)),)
        return [
            Step(
                LoadPixels(region.role, buffer.role, words, share, span.moved(-span.top, -span.left), rows),
                (row, column, slot, channel, span.top, span.left),
                Unit.LOAD,
                (Access(region.memory),) if self.in_place else (),
                written,
                (1,) * machine.compute_units,
                sum(rows) * width * CYCLES_PER_INSTRUCTION,
                memory_cycles(machine, max(rows) * width, max(rows) * width * words * machine.load_units),
                shared=self.buffers.whole_banks_of(written),
            )
        ]

    def _load(self, region: Region, buffer: Buffer, row: int, column: int, slot: int, span: tile.Span) -> Step:
        maps = region.layout
        cus = range(self.machine.compute_units)
        rows = tuple(span.rows_inside(row, cu, maps.height) for cu in cus)
        columns = span.columns_inside(column, maps.width)
        whole = span.right == maps.width
        instructions = (span.cus.bit_count() if span.share else 1) * (1 if whole else span.bottom - span.top)
        loaded = sum(map(len, rows)) // (1 if span.share else max(1, span.cus.bit_count()))
        transfers = (0 if span.share else 1) if whole else max(map(len, rows))
        width = len(columns) if span.share else span.right - span.left
        return Step(
            Load(region.role, buffer.role, span, rows, columns),
            (row, column, slot),
            Unit.LOAD,
            (Access(region.memory),) if self.in_place else (),
            (Access(buffer.role, slot, Extent(span.top, span.bottom), Extent(span.left, span.right)),),
            (1,) * self.machine.compute_units,
            instructions * CYCLES_PER_INSTRUCTION,
            memory_cycles(self.machine, transfers, loaded * (maps.row if whole else width * maps.pixel)),
        )

    def move(self, source: Origin, target: Origin, size: tuple[int, int, int], cus: int, down: int) -> None:
        """Moves rows x columns x words from one place to another, from each CU to the one that is `down` before it;
        -1: to the one behind it."""
        rows, columns, words = size

        def access(place: Origin) -> Access:
            extents = (Extent(first, first + count) for first, count in zip(place[2:], size, strict=True))
            return Access(place.buffer.role, place.slot, *extents)

        whole_pixels = words == source.buffer.unit == target.buffer.unit
        whole_rows = whole_pixels and columns * words == source.buffer.place.row == target.buffer.place.row
        instructions = cus.bit_count() * (1 if whole_rows else rows if whole_pixels else rows * columns)
        read, written = access(source), access(target)
        lines = cus.bit_count() * rows * columns * words // self.machine.line_words
        in_one_bank = not down and self.buffers.banks_of_access(read) & self.buffers.banks_of_access(written)
        self.steps.append(
            Step(
                Move(source.buffer.role, target.buffer.role, tile.Span(0, rows, 0, columns, 0, cus), words, down),
                (*source[1:], *target[1:]),
                Unit.MOVE,
                (read,),
                (written,),
                moves(self.machine, instructions),
                instructions * CYCLES_PER_INSTRUCTION,
                lines * LINE_IN_ONE_BANK if in_one_bank else lines,
            )
        )

    def store(
        self,
        buffer: Buffer,
        slot: int,
        place: tuple[int, int, int],
        words: int,
        share: int,
        limit: int,
        span: tile.Span,
        piece: Piece = WHOLE,
    ) -> None:
        """Stores `words` of the pixels of a tile to a row, column and channel of a result."""
        self.steps.append(StoreTile(self, buffer, slot, place, words, share, limit, span, piece))

    def stored_columns(self, columns: int, cus: int) -> int:
        """How many of so many columns a part of a store has whose pixels are stored one by one, by these CUs: so many
        that the queue of moves does not run empty, and no more than are issued before that of the MACs does."""
        most = STORED_QUEUES * self.machine.queue_depth
        if self.cover:
            most = min(most, self.cover // CYCLES_PER_INSTRUCTION)
        return -(-columns // -(-columns // max(1, most // cus.bit_count())))


class StoreTile:
    """The store of a result tile; it is cut into rows."""

    unit = Unit.MOVE

    def __init__(
        self,
        layer: LayerBuffers,
        buffer: Buffer,
        slot: int,
        place: tuple[int, int, int],
        words: int,
        share: int,
        limit: int,
        span: tile.Span,
        piece: Piece,
    ) -> None:
        self.layer, self.buffer, self.slot, self.place = layer, buffer, slot, place
        self.words, self.share, self.limit, self.span, self.piece = words, share, limit, span, piece
        self.region = layer.regions.results[piece.result].layout
        cus = range(layer.machine.compute_units)
        self.stored = tuple(tile.stored_words(words, share, limit, place[2], cu) for cu in cus)

    def parts(self) -> list[Part]:
        span = self.span
        columns = span.right - span.left
        rows = -(-(span.bottom - span.top) // ROW_PARTS)
        if self.words != self.buffer.unit or self.words != self.region.pixel:
            # Pixels are stored one by one.
            columns = self.layer.stored_columns(columns, span.cus)
        else:
            rows = max(rows, -(-STORED_WORDS // (columns * self.words)))
        return [
            Part(row, min(row + rows, span.bottom), left, min(left + columns, span.right))
            for row in range(span.top, span.bottom, rows)
            for left in range(span.left, span.right, columns)
        ]

    def step(self, part: Part) -> Step:
        layer, machine = self.layer, self.layer.machine
        span, region = self.span._replace(**part._asdict()), self.region
        # A CU at the lower border may have fewer rows of the tile, or none, and the last ones no channels.
        inside = [len(span.rows_inside(self.place[0], cu, region.height)) for cu in range(machine.compute_units)]
        rows = [count if words else 0 for count, words in zip(inside, self.stored, strict=True)]
        pixels = self.words == region.pixel == self.buffer.unit
        joined = pixels and span.right == region.width and self.buffer.place.row == region.row
        instructions = sum(map(bool, rows)) if joined else sum(rows) * (1 if pixels else span.right - span.left)
        return Step(
            Store(
                self.buffer.role,
                self.piece,
                self.words,
                self.share,
                self.limit,
                span.moved(-part.top, -part.left),
                tuple(rows),
                self.stored,
            ),
            (self.slot, *self.place, part.top, part.left),
            Unit.MOVE,
            (self._read(part),),
            layer.memory_written(span, self.place[0], self.piece.result),
            moves(machine, instructions),
            instructions * CYCLES_PER_INSTRUCTION,
            memory_cycles(
                machine,
                instructions,
                sum(rows) * (region.row if joined else (span.right - span.left) * self.words),
            ),
            to_memory=True,
        )

    def _read(self, part: Part) -> Access:
        """What of the tile is read: of several results, whose stores wait for nothing of the others, its own words."""
        access = Access(self.buffer.role, self.slot, Extent(part.top, part.bottom), Extent(part.left, part.right))
        if len(self.layer.regions.results) == 1:
            return access
        return access._replace(words=Extent(self.piece.first, self.piece.first + self.words))


def memory_words(region: Region, row: int, rows: int) -> Extent:
    """The words of its memory that so many rows of a region from row `row` on take."""
    layout = region.layout
    first = region.start + row * layout.row
    return Extent(first, first + (rows - 1) * layout.row + layout.width * layout.pixel)


def memory_cycles(machine: Machine, transfers: int, words: int) -> int:
    """Cycles of memory for so many words in so many loads or stores."""
    return transfers * machine.transfer_overhead + words * 2 * machine.clock_hz // machine.bandwidth


def moves(machine: Machine, instructions: int) -> tuple[int, ...]:
    """The counts of a step of the only move decoder."""
    return (instructions, *(0,) * (machine.compute_units - 1))
