"""The tile loops of each kind of layer, built from a plan."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.ir import Block, Operation, Region, SSAValue

from lowering.layouts import word_ranges
from lowering.tiling import ConvPlan, ConvProblem, MapsProblem, Place, TilePlan, largest_tile
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.fixed_point import avg_pool_weights
from snowdialect.layout import average_block, round_up
from snowdialect.machine import Machine

ZERO = IndexExpr()


class Maps(NamedTuple):
    """Regions of a layer: what it reads, what it reads pixel for pixel with the result, what it writes."""

    maps: SSAValue
    other: SSAValue | None
    result: SSAValue


class Kernels(NamedTuple):
    """What a convolution computes with."""

    packed: SSAValue
    shifts: tile.Shifts
    relu: bool


def layout(region: SSAValue) -> tile.MapsType:
    """The layout of a region."""
    assert isinstance(region.type, tile.MapsType)
    return region.type


@dataclass
class LayerBuilder:
    """Builds the body of a layer from the outermost operation inwards."""

    block: Block = field(default_factory=Block)

    def add(self, op: Operation) -> None:
        self.block.add_op(op)

    @contextmanager
    def loop(self, trips: int, prefetch: bool = False) -> Generator[IndexExpr]:
        """A tile loop around what is added meanwhile; a single trip needs none."""
        if trips == 1:
            yield ZERO
            return
        op = tile.ForOp(0, trips, prefetch=prefetch)
        self.add(op)
        outer, self.block = self.block, op.body.block
        yield IndexExpr.index(op.index)
        self.block = outer

    def layer(self, kind: str) -> tile.LayerOp:
        """The layer around all that was added."""
        return tile.LayerOp(kind, Region(self.block))


class TileLoops(NamedTuple):
    """Where a maps tile is in its loops."""

    row: IndexExpr
    column: IndexExpr
    slot: IndexExpr


@dataclass
class MapsTiles:
    """The maps buffers of a layer, and its loads and stores."""

    builder: LayerBuilder
    machine: Machine
    window: tile.Window
    plan: TilePlan
    regions: Maps
    result_pixel: int
    maps: SSAValue = field(init=False)
    other: SSAValue | None = field(init=False)
    result: SSAValue = field(init=False)

    def __post_init__(self) -> None:
        self.maps = self._buffer(self.plan.maps, layout(self.regions.maps).pixel.data)
        self.other = None
        if self.plan.other is not None and self.regions.other is not None:
            self.other = self._buffer(self.plan.other, layout(self.regions.other).pixel.data)
        self.result = self._buffer(self.plan.result, self.result_pixel)

    def _buffer(self, place: Place, pixel: int) -> SSAValue:
        op = tile.BufferOp(
            place.words, place.start, self.plan.slots, self.plan.stride, tile.MapsBufferType(pixel, place.row)
        )
        self.builder.add(op)
        return op.result

    @property
    def span(self) -> tile.Span:
        """The results of a tile."""
        return tile.Span(self.plan.rows, self.plan.share, self.plan.columns, self.plan.cus)

    @contextmanager
    def loops(self) -> Generator[TileLoops]:
        """The loops over rows and columns of tiles; the inner one that is there runs its loads one tile ahead."""
        plan = self.plan
        double = plan.slots == 2
        with (
            self.builder.loop(plan.row_tiles, double and plan.column_tiles == 1) as y,
            self.builder.loop(plan.column_tiles, double) as x,
        ):
            inner = y if plan.column_tiles == 1 else x
            slot = inner.mod2() if double else ZERO
            yield TileLoops(y * plan.rows, x * plan.columns, slot)

    def load(self, at: TileLoops) -> None:
        """Loads what a tile reads."""
        plan, window = self.plan, self.window
        span = tile.Span(window.rows_read(plan.rows), plan.share * window.stride_h, plan.load_columns, plan.cus)
        row = at.row * window.stride_h + -window.pad_top
        column = at.column * window.stride_w + -plan.load_lead
        self.builder.add(tile.LoadOp(self.regions.maps, row, column, self.maps, at.slot, span))
        if self.other is not None and self.regions.other is not None:
            self.builder.add(tile.LoadOp(self.regions.other, at.row, at.column, self.other, at.slot, self.span))

    def store(self, at: TileLoops, channel: IndexExpr, words: int, share: int, limit: int) -> None:
        """Stores a result tile."""
        self.builder.add(
            tile.StoreOp(
                self.result,
                at.slot,
                self.regions.result,
                at.row,
                at.column,
                channel,
                words,
                share,
                limit,
                self.span,
            )
        )


def build_conv(kind: str, problem: ConvProblem, plan: ConvPlan, regions: Maps, kernels: Kernels) -> tile.LayerOp:
    """The tile loops of a convolution or a linear layer."""
    return _ConvBuilder(kind, problem, plan, regions, kernels).build()


class _ConvBuilder:
    def __init__(self, kind: str, problem: ConvProblem, plan: ConvPlan, regions: Maps, kernels: Kernels) -> None:
        self.kind, self.problem, self.plan, self.regions, self.kernels = kind, problem, plan, regions, kernels
        self.builder = LayerBuilder()
        machine, schedule = problem.machine, plan.schedule
        self.tiles = MapsTiles(self.builder, machine, problem.window, plan.maps, regions, plan.tile_words)
        weights = tile.BufferOp(
            schedule.steps * plan.packing.block,
            0,
            schedule.weights_slots,
            machine.wbuf_bank_words,
            tile.WeightsBufferType(plan.packing.block),
        )
        self.builder.add(weights)
        self.weights = weights.result
        lanes = 1 if schedule.mode is tile.Mode.COOP else machine.macs
        self.tile_channels = schedule.steps * machine.vmacs * lanes

    def build(self) -> tile.LayerOp:
        # What the outer loop stands still over is loaded once, before it.
        one_kernel_tile = self.plan.windows * self.plan.kernel_tiles * self.plan.schedule.parts == 1
        one_maps_tile = self.plan.maps.row_tiles * self.plan.maps.column_tiles == 1
        if self.plan.schedule.order is tile.Order.MLOOP:
            if one_kernel_tile:
                self._load_weights(ZERO, ZERO, ZERO, 0)
            with self.tiles.loops() as at:
                self.tiles.load(at)
                with self._kernel_loops() as (window, kernel, slot):
                    self._load_and_compute(at, window, kernel, slot, one_kernel_tile)
                self._store(at, ZERO)
        else:
            if one_maps_tile:
                self.tiles.load(TileLoops(ZERO, ZERO, ZERO))
            with self._kernel_loops() as (window, kernel, slot):
                self._load_weights(window, kernel, slot, 0)
                with self.tiles.loops() as at:
                    if not one_maps_tile:
                        self.tiles.load(at)
                    self._compute(at, window, kernel, slot, 0)
                    self._store(at, self._channel(window, kernel))
        return self.builder.layer(self.kind)

    @contextmanager
    def _kernel_loops(self) -> Generator[tuple[IndexExpr, IndexExpr, IndexExpr]]:
        plan = self.plan
        double = plan.schedule.weights_slots == 2 and plan.schedule.parts == 1
        with (
            self.builder.loop(plan.windows, double and plan.kernel_tiles == 1) as window,
            self.builder.loop(plan.kernel_tiles, double) as kernel,
        ):
            inner = window if plan.kernel_tiles == 1 else kernel
            yield window, kernel, inner.mod2() if double else ZERO

    def _load_and_compute(
        self, at: TileLoops, window: IndexExpr, kernel: IndexExpr, slot: IndexExpr, loaded: bool
    ) -> None:
        parts, slots = self.plan.schedule.parts, self.plan.schedule.weights_slots
        if parts == 1:
            if not loaded:
                self._load_weights(window, kernel, slot, 0)
            self._compute(at, window, kernel, slot, 0)
            return
        # With two slots, each part is loaded while the one before it is used.
        ahead = slots - 1
        for part in range(parts + ahead):
            if part < parts:
                self._load_weights(window, kernel, IndexExpr(part % slots), part)
            if part >= ahead:
                self._compute(at, window, kernel, IndexExpr((part - ahead) % slots), part - ahead)

    def _channel(self, window: IndexExpr, kernel: IndexExpr) -> IndexExpr:
        return window * self.plan.channels + kernel * self.tile_channels

    def _load_weights(self, window: IndexExpr, kernel: IndexExpr, slot: IndexExpr, part: int) -> None:
        number = window * self.plan.kernel_tiles + kernel
        self.builder.add(tile.LoadWeightsOp(self.kernels.packed, number, part, self.weights, slot, self.plan.maps.cus))

    def _compute(self, at: TileLoops, window: IndexExpr, kernel: IndexExpr, slot: IndexExpr, part: int) -> None:
        plan, problem = self.plan, self.problem
        numbers = tile.Kernels(
            depth=problem.depth,
            steps=plan.schedule.steps,
            channels=plan.channels * plan.windows,
            share=plan.share,
            alone=int(plan.partial),
            lead=plan.maps.lead,
            bypass_first=0 if self.regions.other is None else layout(self.regions.other).segments[0].offset,
            part=part,
            parts=plan.schedule.parts,
            part_words=plan.packing.part_words,
        )
        self.builder.add(
            tile.ConvOp(
                plan.schedule.mode,
                self.tiles.maps,
                at.slot,
                self.weights,
                slot,
                self.tiles.other,
                self.tiles.result,
                at.slot,
                at.row,
                at.column,
                self._channel(window, kernel),
                window * problem.depth,
                self.tiles.span,
                problem.window,
                numbers,
                self.kernels.shifts,
                self.kernels.relu,
            )
        )

    def _store(self, at: TileLoops, channel: IndexExpr) -> None:
        plan = self.plan
        maps = layout(self.regions.result)
        if plan.whole_pixels:
            self.tiles.store(at, ZERO, maps.pixel.data, 0, maps.pixel.data)
            return
        first = maps.segments[0].offset
        limit = first + round_up(self.problem.channels, self.problem.machine.transfer_words)
        self.tiles.store(at, (channel if plan.partial else ZERO) + first, plan.tile_words, plan.share, limit)


def words_plan(
    machine: Machine,
    window: tile.Window,
    maps: tile.MapsType,
    other: tile.MapsType | None,
    result: tile.MapsType,
) -> TilePlan:
    """The tiles of a layer that works on the words of pixels; raises TilingError when not one output fits."""
    pixel = _stored_words(maps, result, machine)
    whole = pixel == result.pixel.data
    return largest_tile(MapsProblem(machine, window, maps, other, result, pixel, whole))


def _stored_words(maps: tile.MapsType, result: tile.MapsType, machine: Machine) -> int:
    """Words of a result pixel in a tile: those of the channels, up to whole transfers where it is only a part."""
    _, words = word_ranges(maps, machine)
    return words if words == result.pixel.data else round_up(words, machine.transfer_words)


@dataclass
class _WordsBuilder:
    """The frame of layers that work on the words of pixels: their loops, loads and stores."""

    machine: Machine
    window: tile.Window
    regions: Maps

    def __post_init__(self) -> None:
        maps, result = layout(self.regions.maps), layout(self.regions.result)
        other = None if self.regions.other is None else layout(self.regions.other)
        plan = words_plan(self.machine, self.window, maps, other, result)
        first, words = word_ranges(maps, self.machine)
        second = 0 if other is None else word_ranges(other, self.machine)[0]
        self.target, _ = word_ranges(result, self.machine)
        self.stored = _stored_words(maps, result, self.machine)
        self.builder = LayerBuilder()
        self.tiles = MapsTiles(self.builder, self.machine, self.window, plan, self.regions, self.stored)
        self.pixels = tile.Pixels(words, first, second, plan.lead)

    @contextmanager
    def tile(self) -> Generator[TileLoops]:
        with self.tiles.loops() as at:
            self.tiles.load(at)
            yield at
            self.tiles.store(at, ZERO + self.target, self.stored, 0, self.target + self.stored)


def build_max_pool(machine: Machine, window: tile.Window, regions: Maps) -> tile.LayerOp:
    """The tile loops of a max pool."""
    words = _WordsBuilder(machine, window, regions)
    tiles = words.tiles
    with words.tile() as at:
        words.builder.add(
            tile.MaxPoolOp(
                tiles.maps, at.slot, tiles.result, at.slot, at.row, at.column, tiles.span, window, words.pixels
            )
        )
    return words.builder.layer("max_pool")


def build_avg_pool(
    machine: Machine,
    window: tile.Window,
    regions: Maps,
    divisors: tuple[Sequence[int], Sequence[int]],
    shift: int,
) -> tuple[tile.AverageWeightsOp, tile.LayerOp]:
    """The weights and the tile loops of an average pool.

    `divisors` are the rows and the columns under the window of each output row and column; an output divides by
    their product.
    """
    (rows, row_classes), (columns, column_classes) = (_classes(numbers) for numbers in divisors)
    _, weights = avg_pool_weights([[height * width for width in columns] for height in rows])
    values = [int(value) for value in weights.reshape(-1)]
    block = average_block(len(values), machine.vmacs, machine.line_words, machine.transfer_words)
    packed = tile.AverageWeightsOp(values, block * machine.vmacs)
    words = _WordsBuilder(machine, window, regions)
    tiles = words.tiles
    buffer = tile.BufferOp(block, 0, 1, machine.wbuf_bank_words, tile.WeightsBufferType(block))
    words.builder.add(buffer)
    words.builder.add(tile.LoadWeightsOp(packed.result, ZERO, 0, buffer.result, ZERO, tiles.plan.cus))
    with words.tile() as at:
        words.builder.add(
            tile.AvgPoolOp(
                tiles.maps,
                at.slot,
                tiles.result,
                at.slot,
                at.row,
                at.column,
                tiles.span,
                window,
                words.pixels,
                buffer.result,
                row_classes,
                column_classes,
                tile.Shifts(shift, 0, 0),
            )
        )
    return packed, words.builder.layer("avg_pool")


def _classes(numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """The distinct numbers, and which of them each is."""
    distinct = sorted(set(numbers))
    return distinct, [distinct.index(number) for number in numbers]


def build_add(machine: Machine, window: tile.Window, regions: Maps, shifts: tile.Shifts, relu: bool) -> tile.LayerOp:
    """The tile loops of an addition, or of a single operand brought to another Q position."""
    words = _WordsBuilder(machine, window, regions)
    tiles = words.tiles
    with words.tile() as at:
        words.builder.add(
            tile.AddOp(
                tiles.maps,
                tiles.other,
                at.slot,
                tiles.result,
                at.slot,
                at.row,
                at.column,
                tiles.span,
                window,
                words.pixels,
                shifts,
                relu,
            )
        )
    return words.builder.layer("add")
