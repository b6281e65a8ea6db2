"""The buffers of a layer and the steps that move tiles between them and memory."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from lowering.tile_steps.order import order
from lowering.tile_steps.roll import Node, roll
from lowering.tile_steps.steps import Access, Buffer, Extent, Maps, Part, Region, Role, Step, Unit, Work
from lowering.tiling import ColumnTile, MapsTile, Place, TilePlan
from snowdialect.dialects import tile
from snowdialect.machine import Machine

STORED_QUEUES = 2
"""Parts of a store of single pixels fill the queue of moves so many times: more makes less code, and lets the queue of
the MACs run empty while the control core waits for room."""
STORED_WORDS = 512
"""Parts of a store of rows have so many words at least: each store costs memory the overhead of a transfer."""
ROW_PARTS = 16
"""A tile of more rows has so many parts, or parts in a row, at most."""
CYCLES_PER_INSTRUCTION = 4
"""About how long the control core takes for a load or a store, with the scalar code for its addresses."""


@dataclass(frozen=True)
class Load:
    """Template of a load of maps."""

    region: Role
    buffer: Role
    span: tile.Span
    rows: tuple[range, ...]
    """Rows of each CU, and columns, that lie inside the maps: what its code follows from."""
    columns: range


@dataclass(frozen=True)
class Store:
    """Template of a store."""

    buffer: Role
    words: int
    share: int
    limit: int
    span: tile.Span
    rows: tuple[int, ...]
    """Rows of each CU."""


@dataclass(frozen=True)
class Move:
    """Template of a move between maps buffers."""

    source: Role
    target: Role
    span: tile.Span
    words: int
    down: int


@dataclass(frozen=True)
class LoadWeights:
    """Template of a load of kernels, or of an average pool's weights."""

    part: int
    cus: int


@dataclass
class Slots:
    """What the slots of a buffer hold: what is still there need not be loaded again."""

    count: int
    held: list[Hashable] = field(default_factory=list[Hashable])
    used: list[int] = field(default_factory=list[int])

    def take(self, content: Hashable) -> tuple[int, bool]:
        """The slot for `content`, and whether it has to be loaded: the slot that was not used for the longest time."""
        if content in self.held:
            slot = self.held.index(content)
            self.used.remove(slot)
            self.used.append(slot)
            return slot, False
        if len(self.held) < self.count:
            self.held.append(content)
            slot = len(self.held) - 1
        else:
            slot = self.used.pop(0)
            self.held[slot] = content
        self.used.append(slot)
        return slot, True


class TileProgram(NamedTuple):
    """What a layer does: its buffers, and loads, computation and stores in loops over tiles."""

    buffers: tuple[Buffer, ...]
    nodes: tuple[Node, ...]


class Origin(NamedTuple):
    """A word of a slot of a buffer, from which on a move takes or puts words."""

    buffer: Buffer
    slot: int = 0
    row: int = 0
    column: int = 0
    word: int = 0


class LayerBuffers:
    """The maps buffers of a layer; collects its tile program."""

    def __init__(self, machine: Machine, window: tile.Window, plan: TilePlan, regions: Maps) -> None:
        self.machine, self.window, self.plan, self.regions = machine, window, plan, regions
        self.buffers: list[Buffer] = []
        self.steps: list[Step | Work] = []
        self.in_place = regions.result.memory is not regions.result.role
        self.maps = self.buffer(Role.MAPS_TILE, plan.maps, regions.maps.layout.pixel)
        self.maps_slots = Slots(plan.maps.slots)
        self.other: Buffer | None = None
        if plan.other is not None and regions.other is not None:
            self.other = self.buffer(Role.OTHER_TILE, plan.other, regions.other.layout.pixel)

    def buffer(self, role: Role, place: Place, unit: int) -> Buffer:
        """A buffer of the layer, in pixels or kernel blocks of so many words."""
        buffer = Buffer(role, place, unit)
        self.buffers.append(buffer)
        return buffer

    def program(self) -> TileProgram:
        """The steps in the best order and rolled into loops."""
        return TileProgram(tuple(self.buffers), tuple(roll(order(self.steps, self.machine))))

    def load_maps(self, rows: MapsTile, columns: ColumnTile) -> int:
        """Sees to it that a maps tile is in its buffer; returns the slot."""
        slot, missing = self.maps_slots.take((rows.load_first, rows.load_stop, columns.first))
        if missing:
            span = tile.Span(
                0,
                rows.load_stop - rows.load_first,
                0,
                columns.load_stop - columns.load_first,
                self.plan.window_share * self.window.stride_h,
                rows.cus,
            )
            self._load(self.regions.maps, self.maps, rows.load_first, columns.load_first, slot, span)
        return slot

    def load_other(self, base: int, rows: MapsTile, columns: ColumnTile, slot: int) -> None:
        """Loads what is read pixel for pixel with the result, whose tile begins with row `base`."""
        if self.other is not None and self.regions.other is not None:
            top, bottom = rows.first - base, rows.stop - base
            span = tile.Span(top, bottom, 0, columns.stop - columns.first, self.plan.window_share, rows.cus)
            self._load(self.regions.other, self.other, base, columns.first, slot, span)

    def _load(self, region: Region, buffer: Buffer, row: int, column: int, slot: int, span: tile.Span) -> None:
        maps = region.layout
        cus = range(self.machine.compute_units)
        rows = tuple(span.rows_inside(row, cu, maps.height) for cu in cus)
        columns = span.columns_inside(column, maps.width)
        whole = span.right == maps.width
        instructions = (span.cus.bit_count() if span.share else 1) * (1 if whole else span.bottom - span.top)
        self.steps.append(
            Step(
                Load(region.role, buffer.role, span, rows, columns),
                (row, column, slot),
                Unit.LOAD,
                (Access(region.memory),) if self.in_place else (),
                (Access(buffer.role, slot, Extent(span.top, span.bottom)),),
                (1,) * self.machine.compute_units,
                instructions * CYCLES_PER_INSTRUCTION,
                memory_cycles(
                    self.machine,
                    0 if span.share else 1,
                    sum(map(len, rows)) // (1 if span.share else max(1, span.cus.bit_count())) * maps.row,
                ),
            )
        )

    def move(self, source: Origin, target: Origin, size: tuple[int, int, int], cus: int, down: int) -> None:
        """Moves rows x columns x words from one place to another, from each CU to the one that is `down` before it."""
        rows, columns, words = size

        def access(place: Origin) -> Access:
            extents = (Extent(first, first + count) for first, count in zip(place[2:], size, strict=True))
            return Access(place.buffer.role, place.slot, *extents)

        pitch = min(source.buffer.unit, target.buffer.unit)
        instructions = cus.bit_count() * (1 if words == pitch else rows * columns)
        self.steps.append(
            Step(
                Move(source.buffer.role, target.buffer.role, tile.Span(0, rows, 0, columns, 0, cus), words, down),
                (*source[1:], *target[1:]),
                Unit.MOVE,
                (access(source),),
                (access(target),),
                moves(self.machine, instructions),
                instructions * CYCLES_PER_INSTRUCTION,
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
    ) -> None:
        """Stores `words` of the pixels of a tile to a row, column and channel of the result."""
        self.steps.append(StoreTile(self, buffer, slot, place, words, share, limit, span))


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
    ) -> None:
        self.layer, self.buffer, self.slot, self.place = layer, buffer, slot, place
        self.words, self.share, self.limit, self.span = words, share, limit, span

    def parts(self) -> list[Part]:
        span = self.span
        columns = span.right - span.left
        rows = -(-(span.bottom - span.top) // ROW_PARTS)
        if self.words != self.buffer.unit or self.words != self.layer.regions.result.layout.pixel:
            # Pixels are stored one by one.
            columns = min(columns, max(1, STORED_QUEUES * self.layer.machine.queue_depth // span.cus.bit_count()))
        else:
            rows = max(rows, -(-STORED_WORDS // (columns * self.words)))
        return [
            Part(row, min(row + rows, span.bottom), left, min(left + columns, span.right))
            for row in range(span.top, span.bottom, rows)
            for left in range(span.left, span.right, columns)
        ]

    def step(self, part: Part) -> Step:
        layer, machine = self.layer, self.layer.machine
        span = self.span._replace(**part._asdict())
        region = layer.regions.result.layout
        # A CU at the lower border may have fewer rows of the tile, or none.
        rows = [len(span.rows_inside(self.place[0], cu, region.height)) for cu in range(machine.compute_units)]
        pixels = self.words == region.pixel == self.buffer.unit
        joined = pixels and span.right == region.width and self.buffer.place.row == region.row
        instructions = sum(map(bool, rows)) if joined else sum(rows) * (1 if pixels else span.right - span.left)
        return Step(
            Store(
                self.buffer.role,
                self.words,
                self.share,
                self.limit,
                span.moved(-part.top, -part.left),
                tuple(rows),
            ),
            (self.slot, *self.place, part.top, part.left),
            Unit.MOVE,
            (Access(self.buffer.role, self.slot, Extent(part.top, part.bottom), Extent(part.left, part.right)),),
            (Access(layer.regions.result.memory),) if layer.in_place else (),
            moves(machine, instructions),
            instructions * CYCLES_PER_INSTRUCTION,
            memory_cycles(
                machine,
                instructions,
                sum(rows) * (region.row if joined else (span.right - span.left) * self.words),
            ),
            to_memory=True,
        )


def memory_cycles(machine: Machine, transfers: int, words: int) -> int:
    """Cycles of memory for so many words in so many loads or stores."""
    return transfers * machine.transfer_overhead + words * 2 * machine.clock_hz // machine.bandwidth


def moves(machine: Machine, instructions: int) -> tuple[int, ...]:
    """The counts of a step of the only move decoder."""
    return (instructions, *(0,) * (machine.compute_units - 1))
