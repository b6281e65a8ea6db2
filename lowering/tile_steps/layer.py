"""The buffers of a layer and the steps that move tiles between them and memory."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.ir import Block, Operation, Region, SSAValue

from lowering.tile_steps.order import order
from lowering.tile_steps.roll import emit, roll
from lowering.tile_steps.steps import Access, Extent, Part, Step, Unit, Work
from lowering.tiling import ColumnTile, MapsTile, Place, TilePlan
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.machine import Machine

CYCLES_PER_INSTRUCTION = 4
"""About how long the control core takes for a load or a store, with the scalar code for its addresses."""


class Maps(NamedTuple):
    """Regions of a layer: what it reads, what it reads pixel for pixel with the result, what it writes."""

    maps: SSAValue
    other: SSAValue | None
    result: SSAValue


def layout(region: SSAValue) -> tile.MapsType:
    """The layout of a region."""
    assert isinstance(region.type, tile.MapsType)
    return region.type


def memory_of(region: SSAValue) -> SSAValue:
    """The region that a view is a part of."""
    return region.owner.region if isinstance(region.owner, tile.ViewOp) else region


@dataclass(frozen=True)
class Load:
    """Template of a load of maps."""

    region: SSAValue
    buffer: SSAValue
    span: tile.Span
    rows: tuple[range, ...]
    """Rows of each CU, and columns, that lie inside the maps: what its code follows from."""
    columns: range

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        row, column, slot = numbers
        return tile.LoadOp(self.region, row, column, self.buffer, slot, self.span)


@dataclass(frozen=True)
class Store:
    """Template of a store."""

    buffer: SSAValue
    region: SSAValue
    words: int
    share: int
    limit: int
    span: tile.Span
    rows: tuple[int, ...]
    """Rows of each CU."""

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        slot, row, column, channel, part_row, part_column = numbers
        return tile.StoreOp(
            self.buffer,
            slot,
            self.region,
            row,
            column,
            channel,
            part_row,
            part_column,
            self.words,
            self.share,
            self.limit,
            self.span,
        )


@dataclass(frozen=True)
class Move:
    """Template of a move between maps buffers."""

    source: SSAValue
    target: SSAValue
    span: tile.Span
    words: int
    down: int

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        source_slot, source_row, source_word, target_slot, target_row, target_word = numbers
        return tile.MoveOp(
            self.source,
            source_slot,
            source_row,
            source_word,
            self.target,
            target_slot,
            target_row,
            target_word,
            self.span,
            self.words,
            self.down,
        )


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


class LayerBuffers:
    """The maps buffers of a layer; collects its tile program."""

    def __init__(self, machine: Machine, window: tile.Window, plan: TilePlan, regions: Maps) -> None:
        self.machine, self.window, self.plan, self.regions = machine, window, plan, regions
        self.block = Block()
        self.program: list[Step | Work] = []
        read = [region for region in (regions.maps, regions.other) if region is not None]
        self.in_place = memory_of(regions.result) in map(memory_of, read)
        self.maps = self.buffer(plan.maps, layout(regions.maps).pixel.data)
        self.maps_slots = Slots(plan.maps.slots)
        self.other: SSAValue | None = None
        if plan.other is not None and regions.other is not None:
            self.other = self.buffer(plan.other, layout(regions.other).pixel.data)

    def buffer(self, place: Place, pixel: int) -> SSAValue:
        """A maps buffer whose pixels are so many words apart."""
        op = tile.BufferOp(place.words, place.start, place.slots, place.stride, tile.MapsBufferType(pixel, place.row))
        self.block.add_op(op)
        return op.result

    def layer(self, kind: str) -> tile.LayerOp:
        """The layer, its steps in the best order and rolled into loops."""
        emit(roll(order(self.program, self.machine)), self.block)
        return tile.LayerOp(kind, Region(self.block))

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

    def _load(self, region: SSAValue, buffer: SSAValue, row: int, column: int, slot: int, span: tile.Span) -> None:
        maps = layout(region)
        cus = range(self.machine.compute_units)
        rows = tuple(span.rows_inside(row, cu, maps.height.data) for cu in cus)
        columns = span.columns_inside(column, maps.width.data)
        whole = span.right == maps.width.data
        instructions = (span.cus.bit_count() if span.share else 1) * (1 if whole else span.bottom - span.top)
        self.program.append(
            Step(
                Load(region, buffer, span, rows, columns),
                (row, column, slot),
                Unit.LOAD,
                (Access(memory_of(region)),) if self.in_place else (),
                (Access(buffer, slot, Extent(span.top, span.bottom)),),
                (1,) * self.machine.compute_units,
                instructions * CYCLES_PER_INSTRUCTION,
                memory_cycles(
                    self.machine,
                    0 if span.share else 1,
                    sum(map(len, rows)) // (1 if span.share else max(1, span.cus.bit_count())) * maps.row.data,
                ),
            )
        )

    def move(
        self,
        source: tuple[SSAValue, int, int, int],
        target: tuple[SSAValue, int, int, int],
        size: tuple[int, int, int],
        cus: int,
        down: int,
    ) -> None:
        """Moves rows x columns x words from one buffer, slot, row and word to another, from each CU to the one that is
        `down` before it."""
        rows, columns, words = size

        def access(place: tuple[SSAValue, int, int, int]) -> Access:
            buffer, slot, row, word = place
            return Access(buffer, slot, Extent(row, row + rows), Extent(0, columns), Extent(word, word + words))

        pitch = min(_pixel(source[0]), _pixel(target[0]))
        instructions = cus.bit_count() * (1 if words == pitch else rows * columns)
        self.program.append(
            Step(
                Move(source[0], target[0], tile.Span(0, rows, 0, columns, 0, cus), words, down),
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
        buffer: SSAValue,
        slot: int,
        place: tuple[int, int, int],
        words: int,
        share: int,
        limit: int,
        span: tile.Span,
    ) -> None:
        """Stores `words` of the pixels of a tile to a row, column and channel of the result."""
        self.program.append(StoreTile(self, buffer, slot, place, words, share, limit, span))


class StoreTile:
    """The store of a result tile; it is cut into rows."""

    unit = Unit.MOVE

    def __init__(
        self,
        layer: LayerBuffers,
        buffer: SSAValue,
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
        size = span.right - span.left
        if self.words != _pixel(self.buffer) or self.words != layout(self.layer.regions.result).pixel.data:
            # Pixels are stored one by one; a part has no more of them than the queue takes.
            size = min(size, max(1, self.layer.machine.queue_depth // span.cus.bit_count()))
        return [
            Part(row, row + 1, left, min(left + size, span.right))
            for row in range(span.top, span.bottom)
            for left in range(span.left, span.right, size)
        ]

    def step(self, part: Part) -> Step:
        layer, machine = self.layer, self.layer.machine
        span = self.span._replace(**part._asdict())
        region = layout(layer.regions.result)
        # A CU at the lower border may have fewer rows of the tile, or none.
        rows = [len(span.rows_inside(self.place[0], cu, region.height.data)) for cu in range(machine.compute_units)]
        pixels = self.words == region.pixel.data == _pixel(self.buffer)
        joined = pixels and span.right == region.width.data and _row(self.buffer) == region.row.data
        instructions = sum(map(bool, rows)) if joined else sum(rows) * (1 if pixels else span.right - span.left)
        return Step(
            Store(
                self.buffer,
                layer.regions.result,
                self.words,
                self.share,
                self.limit,
                span.moved(-part.top, -part.left),
                tuple(rows),
            ),
            (self.slot, *self.place, part.top, part.left),
            Unit.MOVE,
            (Access(self.buffer, self.slot, Extent(part.top, part.bottom), Extent(part.left, part.right)),),
            (Access(memory_of(layer.regions.result)),) if layer.in_place else (),
            moves(machine, instructions),
            instructions * CYCLES_PER_INSTRUCTION,
            memory_cycles(
                machine,
                instructions,
                sum(rows) * (region.row.data if joined else (span.right - span.left) * self.words),
            ),
            to_memory=True,
        )


def memory_cycles(machine: Machine, transfers: int, words: int) -> int:
    """Cycles of memory for so many words in so many loads or stores."""
    return transfers * machine.transfer_overhead + words * 2 * machine.clock_hz // machine.bandwidth


def moves(machine: Machine, instructions: int) -> tuple[int, ...]:
    """The counts of a step of the only move decoder."""
    return (instructions, *(0,) * (machine.compute_units - 1))


def _pixel(buffer: SSAValue) -> int:
    assert isinstance(buffer.type, tile.MapsBufferType)
    return buffer.type.pixel.data


def _row(buffer: SSAValue) -> int:
    assert isinstance(buffer.type, tile.MapsBufferType)
    return buffer.type.row.data
