"""The tile programs of layers that work on the words of pixels: pools and additions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

from lowering.candidates import quickest_tiles
from lowering.costs import average_cycles
from lowering.layouts import word_ranges
from lowering.maps_tiling import ColumnTile, Place
from lowering.row_tiles import RowTile
from lowering.tile_steps.layer import CYCLES_PER_INSTRUCTION, LayerBuffers, LoadWeights, Slice, Slots, Transfer
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.pool import PoolTile
from lowering.tile_steps.steps import Access, Extent, Maps, Part, Role, Step, Template, Unit, Work
from lowering.words_tiling import ChannelTile, averaged_pieces, words_problem
from snowdialect.dialects import tile
from snowdialect.fixed_point import avg_pool_weights
from snowdialect.layout import average_block, round_up
from snowdialect.machine import Machine


class WordsSteps(LayerBuffers, ABC):
    """Collects the tile program of a layer that works on the words of pixels."""

    average = False
    """Whether it is an average pool."""

    def __init__(self, machine: Machine, window: tile.Window, regions: Maps, swapped: Swapped) -> None:
        maps, result = regions.maps.layout, regions.result.layout
        other = None if regions.other is None else regions.other.layout
        problem = words_problem(machine, window, maps, other, result, average=self.average)
        plan = quickest_tiles(problem)
        super().__init__(machine, window, plan.tiles, regions, swapped)
        self.channels = plan.channels
        self.first, _ = word_ranges(maps, machine)
        self.second = 0 if other is None else word_ranges(other, machine)[0]
        self.target, _ = word_ranges(result, machine)
        self.stored = problem.result_words
        pixel = self.tiles.maps_pixel if self.tiles.sliced else self.stored
        self.result = self.buffer(Role.RESULT_TILE, self.tiles.result, pixel)
        self.result_slots = Slots(self.tiles.result.slots)

    def collect(self) -> None:
        """Loads, computes and stores tile by tile."""
        for channels in self.channels:
            for rows in self.tiles.rows:
                for columns in self.tiles.columns:
                    self._tile(channels, rows, columns)

    def _tile(self, channels: ChannelTile, rows: RowTile, columns: ColumnTile) -> None:
        slot, _ = self.result_slots.take((channels.first, rows.base, columns.first))
        maps, stored = rows.maps[0]._replace(cus=channels.cus), self.stored
        row_lead = maps.first * self.window.stride_h - self.window.pad_top - maps.load_first
        pixels = tile.Pixels(channels.words, self.first, self.second, 0, columns.lead, row_lead)
        if self.tiles.sliced:
            stored = round_up(channels.words, self.machine.transfer_words)
            pixels = pixels._replace(first=0, other=0)
            wanted = Slice(self.first + channels.first, stored, channels.share)
            maps_slot = self.load_maps(maps, columns, wanted)
            self.load_other(rows.first, maps, columns, slot, wanted._replace(channel=self.second + channels.first))
        else:
            maps_slot = self.load_maps(maps, columns)
            self.load_other(rows.first, maps, columns, slot)
        height, width = rows.stop - rows.first, columns.stop - columns.first
        span = tile.Span(0, height, 0, width, self.tiles.share, channels.cus)
        for words, cus in channels.parts:
            part = pixels._replace(
                words=len(words),
                first=pixels.first + words.start,
                other=pixels.other + words.start,
                target=pixels.target + words.start,
            )
            self.steps += self.compute(maps_slot, slot, (rows.first, columns.first), span._replace(cus=cus), part)
        place = (rows.first, columns.first, self.target + channels.first)
        self.store(self.result, slot, place, stored, channels.share, self.target + self.stored, span)

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
        maps, result = (Role.MAPS_TILE, maps_slot), (Role.RESULT_TILE, slot)
        yield PoolTile(self.machine, self.window, maps, result, place, span, pixels)


@cache
def max_pool_steps(machine: Machine, window: tile.Window, regions: Maps, swapped: Swapped) -> MaxPoolSteps:
    """The tile program of a max pool."""
    steps = MaxPoolSteps(machine, window, regions, swapped)
    steps.collect()
    return steps


class AverageWeights(NamedTuple):
    """The weights of an average pool: one for each class of rows and class of columns, row by row."""

    values: tuple[int, ...]
    block: int
    """Words of a weights buffer that they take."""
    row_classes: tuple[int, ...]
    """The class of each output row."""
    column_classes: tuple[int, ...]


def average_weights(machine: Machine, divisors: tuple[Sequence[int], Sequence[int]]) -> AverageWeights:
    """The weights of an average pool.

    `divisors` are the rows and the columns under the window of each output row and column; an output divides by
    their product.
    """
    (rows, row_classes), (columns, column_classes) = (_classes(numbers) for numbers in divisors)
    _, weights = avg_pool_weights([[height * width for width in columns] for height in rows])
    values = tuple(int(value) for value in weights.reshape(-1))
    block = average_block(len(values), machine.vmacs, machine.line_words, machine.transfer_words)
    return AverageWeights(values, block, row_classes, column_classes)


def _classes(numbers: Sequence[int]) -> tuple[list[int], tuple[int, ...]]:
    """The distinct numbers, and which of them each is."""
    distinct = sorted(set(numbers))
    return distinct, tuple(distinct.index(number) for number in numbers)


@dataclass(frozen=True)
class AvgPool(Template):
    """Template of an average pool's tile."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column", "part_row", "part_column")

    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    row_classes: tuple[int, ...]
    column_classes: tuple[int, ...]
    rows: tuple[tuple[tuple[range, int], ...], ...]
    """The classes of its rows: what its code follows from."""
    columns: tuple[tuple[range, int], ...]


@dataclass(frozen=True)
class Add(Template):
    """Template of an addition's tile."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column", "part_row", "part_column")

    other: bool
    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    rows: tuple[int, ...]
    """Rows of each CU."""


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
        result = Access(Role.RESULT_TILE, self.slots[1], Extent(part.top, part.bottom), Extent(part.left, part.right))
        return Step(
            self.template(span, rows, columns),
            (*self.slots, *self.place, part.top, part.left),
            Unit.MAC,
            self.inputs,
            (result,),
            tuple(len(mine) * outputs for mine in rows),
            min(layer.machine.queue_depth, outputs) * layer.machine.macs,
            max(map(len, rows)) * len(columns) * self.pixel_cycles(),
        )

    @abstractmethod
    def pixel_cycles(self) -> int:
        """Cycles of the MACs for a pixel of the result."""

    @abstractmethod
    def template(self, span: tile.Span, rows: list[range], columns: range) -> AvgPool | Add:
        """The operation for a part, and the local rows and columns that it has."""


class AvgPoolTile(PixelTile):
    layer: AvgPoolSteps

    def pixel_cycles(self) -> int:
        machine, window = self.layer.machine, self.layer.window
        return self.pixels.words // machine.line_words * average_cycles(machine, window)

    def template(self, span: tile.Span, rows: list[range], columns: range) -> AvgPool:
        layer, window = self.layer, self.layer.window
        row_classes, column_classes = layer.classes.row_classes, layer.classes.column_classes
        return AvgPool(
            span.moved(-span.top, -span.left),
            window,
            self.pixels,
            row_classes,
            column_classes,
            tuple(
                tuple((window.kernel_rows(y), row_classes[y]) for y in (first + row for row in mine))
                for cu, mine in enumerate(rows)
                for first in [self.place[0] + cu * span.share]
            ),
            tuple((window.kernel_columns(x), column_classes[x]) for x in (self.place[1] + c for c in columns)),
        )


class AvgPoolSteps(WordsSteps):
    """An average pool."""

    average = True

    def __init__(
        self,
        machine: Machine,
        window: tile.Window,
        regions: Maps,
        swapped: Swapped,
        weights: AverageWeights,
    ) -> None:
        super().__init__(machine, window, regions, swapped)
        self.classes = weights
        self.buffer(Role.WEIGHTS, Place(weights.block, 0, 1, machine.wbuf_bank_words, weights.block), weights.block)
        self.steps.append(
            Step(
                LoadWeights(0, self.tiles.cus),
                (0, 0),
                Unit.LOAD,
                (),
                (Access(Role.WEIGHTS),),
                (1,) * machine.compute_units,
                machine.vmacs * CYCLES_PER_INSTRUCTION,
            )
        )

    def weights_transfers(self, load: LoadWeights) -> list[Transfer]:
        machine = self.machine
        return [Transfer(vmac % machine.load_units, 1, self.classes.block) for vmac in range(machine.vmacs)]

    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        inputs = (Access(Role.MAPS_TILE, maps_slot), Access(Role.WEIGHTS))
        pieces = [range(pixels.words)]
        if self.tiles.sliced and self.maps_slots.count > 1:
            pieces = averaged_pieces(self.machine, pixels.words)
        for piece in pieces:
            first, target = pixels.first + piece.start, pixels.target + piece.start
            part = pixels._replace(words=len(piece), first=first, target=target)
            yield AvgPoolTile(self, (maps_slot, slot), place, span, part, inputs)


@cache
def avg_pool_steps(
    machine: Machine, window: tile.Window, weights: AverageWeights, regions: Maps, swapped: Swapped
) -> AvgPoolSteps:
    """The tile program of an average pool."""
    steps = AvgPoolSteps(machine, window, regions, swapped, weights)
    steps.collect()
    return steps


class AddTile(PixelTile):
    layer: AddSteps

    def pixel_cycles(self) -> int:
        machine = self.layer.machine
        return -(-self.pixels.words // (machine.vmacs * machine.macs)) * machine.macs

    def template(self, span: tile.Span, rows: list[range], columns: range) -> Add:
        layer = self.layer
        return Add(
            layer.other is not None,
            span.moved(-span.top, -span.left),
            layer.window,
            self.pixels,
            tuple(map(len, rows)),
        )


class AddSteps(WordsSteps):
    """An addition, or a single operand brought to another Q position."""

    def compute(
        self, maps_slot: int, slot: int, place: tuple[int, int], span: tile.Span, pixels: tile.Pixels
    ) -> Iterator[Step | Work]:
        inputs = (Access(Role.MAPS_TILE, maps_slot),)
        if self.other is not None:
            inputs += (Access(Role.OTHER_TILE, slot),)
        yield AddTile(self, (maps_slot, slot), place, span, pixels, inputs)


@cache
def add_steps(machine: Machine, window: tile.Window, regions: Maps, swapped: Swapped) -> AddSteps:
    """The tile program of an addition, or of a single operand brought to another Q position."""
    steps = AddSteps(machine, window, regions, swapped)
    steps.collect()
    return steps
