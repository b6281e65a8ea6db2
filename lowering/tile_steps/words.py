"""The tile programs of layers that work on the words of pixels: pools and additions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from lowering.layouts import word_ranges
from lowering.tile_steps.layer import CYCLES_PER_INSTRUCTION, LayerBuffers, Maps, Slots, layout
from lowering.tile_steps.pool import PoolTile
from lowering.tile_steps.steps import Access, Extent, Part, Step, Unit, Work
from lowering.tiling import MapsProblem, TilePlan, largest_tile
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.fixed_point import avg_pool_weights
from snowdialect.layout import average_block, round_up
from snowdialect.machine import Machine


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


class WordsSteps(LayerBuffers, ABC):
    """Collects the tile program of a layer that works on the words of pixels."""

    def __init__(self, machine: Machine, window: tile.Window, regions: Maps) -> None:
        maps, result = layout(regions.maps), layout(regions.result)
        other = None if regions.other is None else layout(regions.other)
        super().__init__(machine, window, words_plan(machine, window, maps, other, result), regions)
        self.first, self.words = word_ranges(maps, machine)
        self.second = 0 if other is None else word_ranges(other, machine)[0]
        self.target, _ = word_ranges(result, machine)
        self.stored = _stored_words(maps, result, machine)
        self.result = self.buffer(self.plan.result, self.stored)

    def collect(self) -> None:
        """Loads, computes and stores tile by tile."""
        slots = Slots(self.plan.result.slots)
        for rows in self.plan.rows:
            for columns in self.plan.columns:
                slot, _ = slots.take((rows.base, columns.first))
                maps = rows.maps[0]
                maps_slot = self.load_maps(maps, columns)
                self.load_other(rows.first, maps, columns, slot)
                height, width = rows.stop - rows.first, columns.stop - columns.first
                span = tile.Span(0, height, 0, width, self.plan.share, self.plan.cus)
                row_lead = maps.first * self.window.stride_h - self.window.pad_top - maps.load_first
                pixels = tile.Pixels(self.words, self.first, self.second, 0, columns.lead, row_lead)
                self.program += self.compute(maps_slot, slot, (rows.first, columns.first), span, pixels)
                place = (rows.first, columns.first, self.target)
                self.store(self.result, slot, place, self.stored, 0, self.target + self.stored, span)

    @abstractmethod
    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        """The steps that compute the tile at a row and column of the result."""


class MaxPoolSteps(WordsSteps):
    """A max pool by itself."""

    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        maps, result = (self.maps, maps_slot), (self.result, slot)
        yield PoolTile(self.machine, self.window, maps, result, place, span, pixels)


def max_pool_layer(machine: Machine, window: tile.Window, regions: Maps) -> tile.LayerOp:
    """The tile loops of a max pool."""
    steps = MaxPoolSteps(machine, window, regions)
    steps.collect()
    return steps.layer("max_pool")


@dataclass(frozen=True)
class AvgPool:
    """Template of an average pool's tile."""

    maps: SSAValue
    result: SSAValue
    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    weights: SSAValue
    row_classes: tuple[int, ...]
    column_classes: tuple[int, ...]
    shifts: tile.Shifts
    rows: tuple[tuple[tuple[range, int], ...], ...]
    """The classes of its rows: what its code follows from."""
    columns: tuple[tuple[range, int], ...]

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        maps_slot, result_slot, row, column, part_row, part_column = numbers
        return tile.AvgPoolOp(
            self.maps,
            maps_slot,
            self.result,
            result_slot,
            row,
            column,
            part_row,
            part_column,
            self.span,
            self.window,
            self.pixels,
            self.weights,
            self.row_classes,
            self.column_classes,
            self.shifts,
        )


@dataclass(frozen=True)
class Add:
    """Template of an addition's tile."""

    maps: SSAValue
    other: SSAValue | None
    result: SSAValue
    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    shifts: tile.Shifts
    relu: bool
    rows: tuple[int, ...]
    """Rows of each CU."""

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        maps_slot, result_slot, row, column, part_row, part_column = numbers
        return tile.AddOp(
            self.maps,
            self.other,
            maps_slot,
            self.result,
            result_slot,
            row,
            column,
            part_row,
            part_column,
            self.span,
            self.window,
            self.pixels,
            self.shifts,
            self.relu,
        )


class PixelTile(ABC):
    """A tile that the MAC decoders compute pixel by pixel; it is cut into rows."""

    unit = Unit.MAC

    def __init__(
        self,
        layer: WordsSteps,
        slots: tuple[int, int],
        place: tuple[int, int],
        span: tile.Span,
        pixels: tile.Pixels,
        inputs: tuple[Access, ...],
    ) -> None:
        self.layer, self.slots, self.place, self.span = layer, slots, place, span
        self.pixels, self.inputs = pixels, inputs

    def parts(self) -> list[Part]:
        span = self.span
        return [Part(row, row + 1, span.left, span.right) for row in range(span.top, span.bottom)]

    def step(self, part: Part) -> Step:
        layer = self.layer
        span = self.span._replace(**part._asdict())
        cus = range(layer.machine.compute_units)
        rows = [span.rows_inside(self.place[0], cu, layer.window.out_h) for cu in cus]
        columns = span.columns_inside(self.place[1], layer.window.out_w)
        outputs = len(columns) * -(-self.pixels.words // (layer.machine.vmacs * layer.machine.macs))
        result = Access(layer.result, self.slots[1], Extent(part.top, part.bottom), Extent(part.left, part.right))
        return Step(
            self.template(span, rows, columns),
            (*self.slots, *self.place, part.top, part.left),
            Unit.MAC,
            self.inputs,
            (result,),
            tuple(len(mine) * outputs for mine in rows),
            min(layer.machine.queue_depth, outputs) * layer.machine.macs,
            max(map(len, rows)) * outputs * layer.machine.macs,
        )

    @abstractmethod
    def template(self, span: tile.Span, rows: list[range], columns: range) -> AvgPool | Add:
        """The operation for a part, and the local rows and columns that it has."""


class AvgPoolTile(PixelTile):
    layer: AvgPoolSteps

    def template(self, span: tile.Span, rows: list[range], columns: range) -> AvgPool:
        layer, window = self.layer, self.layer.window
        row_classes, column_classes = layer.row_classes, layer.column_classes
        return AvgPool(
            layer.maps,
            layer.result,
            span.moved(-span.top, -span.left),
            window,
            self.pixels,
            layer.weights,
            row_classes,
            column_classes,
            layer.shifts,
            tuple(
                tuple((window.kernel_rows(y), row_classes[y]) for y in (first + row for row in mine))
                for cu, mine in enumerate(rows)
                for first in [self.place[0] + cu * span.share]
            ),
            tuple((window.kernel_columns(x), column_classes[x]) for x in (self.place[1] + c for c in columns)),
        )


class AvgPoolSteps(WordsSteps):
    """An average pool."""

    def __init__(
        self,
        machine: Machine,
        window: tile.Window,
        regions: Maps,
        packed: SSAValue,
        block: int,
        classes: tuple[tuple[int, ...], tuple[int, ...]],
        shifts: tile.Shifts,
    ) -> None:
        super().__init__(machine, window, regions)
        self.row_classes, self.column_classes = classes
        self.shifts = shifts
        buffer = tile.BufferOp(block, 0, 1, machine.wbuf_bank_words, tile.WeightsBufferType(block))
        self.block.add_op(buffer)
        self.weights = buffer.result
        self.program.append(
            Step(
                LoadAverage(packed, self.weights, self.plan.cus),
                (),
                Unit.LOAD,
                (),
                (Access(self.weights),),
                (1,) * machine.compute_units,
                machine.vmacs * CYCLES_PER_INSTRUCTION,
            )
        )

    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        inputs = (Access(self.maps, maps_slot), Access(self.weights))
        yield AvgPoolTile(self, (maps_slot, slot), place, span, pixels, inputs)


@dataclass(frozen=True)
class LoadAverage:
    """Template of the load of an average pool's weights."""

    packed: SSAValue
    buffer: SSAValue
    cus: int

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        return tile.LoadWeightsOp(self.packed, IndexExpr(), 0, self.buffer, IndexExpr(), self.cus)


def avg_pool_layer(
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
    classes = row_classes, column_classes
    steps = AvgPoolSteps(machine, window, regions, packed.result, block, classes, tile.Shifts(shift, 0, 0))
    steps.collect()
    return packed, steps.layer("avg_pool")


def _classes(numbers: Sequence[int]) -> tuple[list[int], tuple[int, ...]]:
    """The distinct numbers, and which of them each is."""
    distinct = sorted(set(numbers))
    return distinct, tuple(distinct.index(number) for number in numbers)


class AddTile(PixelTile):
    layer: AddSteps

    def template(self, span: tile.Span, rows: list[range], columns: range) -> Add:
        layer = self.layer
        return Add(
            layer.maps,
            layer.other,
            layer.result,
            span.moved(-span.top, -span.left),
            layer.window,
            self.pixels,
            layer.shifts,
            layer.relu,
            tuple(map(len, rows)),
        )


class AddSteps(WordsSteps):
    """An addition, or a single operand brought to another Q position."""

    def __init__(self, machine: Machine, window: tile.Window, regions: Maps, shifts: tile.Shifts, relu: bool) -> None:
        super().__init__(machine, window, regions)
        self.shifts, self.relu = shifts, relu

    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        inputs = (Access(self.maps, maps_slot),)
        if self.other is not None:
            inputs += (Access(self.other, slot),)
        yield AddTile(self, (maps_slot, slot), place, span, pixels, inputs)


def add_layer(machine: Machine, window: tile.Window, regions: Maps, shifts: tile.Shifts, relu: bool) -> tile.LayerOp:
    """The tile loops of an addition, or of a single operand brought to another Q position."""
    steps = AddSteps(machine, window, regions, shifts, relu)
    steps.collect()
    return steps.layer("add")
