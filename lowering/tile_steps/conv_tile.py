"""The tiles of a convolution: the parts into which they are cut, and the steps that these are."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from lowering.maps_tiling import ColumnTile
from lowering.row_tiles import MapsTile
from lowering.tile_steps.layer import ROW_PARTS
from lowering.tile_steps.steps import ALL, Access, Extent, Part, Role, Step, Template, Unit
from snowdialect.dialects import tile
from snowdialect.layout import UnrolledRows, round_up

if TYPE_CHECKING:
    from lowering.tile_steps.conv import ConvSteps

FEW_ROWS = 3
"""A tile of fewer rows is cut into parts by columns."""
COLUMN_PARTS = 4
"""A row has so many parts at most, more only where it is stored in more parts."""


@dataclass(frozen=True)
class Conv(Template):
    """Template of a part of a tile of a convolution."""

    NUMBERS: ClassVar[tuple[str, ...]] = (
        *("maps_slot", "weights_slot", "result_slot", "row", "column", "channel", "offset"),
        *("result_row", "result_word", "part_row", "part_column"),
    )

    mode: tile.Mode
    bypass: bool
    sliced: bool
    biases: bool
    """Whether they lie in the maps buffers."""
    span: tile.Span
    window: tile.Window
    kernels: tile.Kernels
    unrolled: UnrolledRows | None
    channels: int
    """Words of a pixel that the tile computes, and the classes of its rows and columns: what its code follows from."""
    rows: tuple[tuple[range, ...], ...]
    columns: tuple[range, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Kept: steps of many kernel tiles have the same template, and it is looked up again and again."""
        return hash((self.span, self.kernels, self.rows, self.columns))


NOTHING = Extent(0, 0)
"""Rows of maps that nobody reads."""


class StepShape(NamedTuple):
    """What of the step for a part of a tile is the same for all kernel tiles; see Step."""

    template: Conv
    maps_rows: Extent
    """Rows of the maps tile that are read."""
    seen_rows: Extent | None
    """Those that all CUs read; NOTHING where a CU may have padding only; None where all of a tile lies in a bank, or
    what CUs read has gaps."""
    counts: tuple[int, ...]
    cycles: int
    takes: int


class KernelTile(NamedTuple):
    """A kernel tile, by the window of the pixel that it sees and its number there."""

    window: int
    number: int


class ResultTile(NamedTuple):
    """Where the results of a tile go: slot, row of the window's output in its first row, first channel."""

    slot: int
    base: int
    channel: int


class TileShapes:
    """What of tiles at a place is the same for all kernel tiles: the parts into which they are cut, and their shape."""

    def __init__(self, layer: ConvSteps, maps: MapsTile, columns: ColumnTile, part: int, channels: int) -> None:
        self.layer, self.maps, self.columns, self.channels = layer, maps, columns, channels
        problem, plan, window = layer.problem, layer.conv_plan, layer.window
        self.kernels = tile.Kernels(
            depth=problem.depth,
            steps=plan.schedule.steps,
            channels=plan.kernels.channels * plan.kernels.windows,
            share=plan.kernels.share,
            lead=columns.lead,
            row_lead=maps.first * window.stride_h - window.pad_top - maps.load_first,
            bypass_first=0 if layer.regions.other is None else layer.regions.other.layout.segments[0].offset,
            part=part,
            parts=plan.schedule.parts,
            part_words=plan.kernels.packing.part_words,
            abreast=plan.schedule.abreast,
        )
        self.grain = plan.schedule.abreast
        """Columns that are computed together."""
        self.steps = self._steps(self.grain)
        """Kernel steps of the tile."""
        self.passes = self.steps if self.grain == 1 else 1
        """How often it goes over its pixels; see Step."""
        share = layer.tiles.window_share
        self.span = tile.Span(0, maps.stop - maps.first, 0, columns.stop - columns.first, share, maps.cus)
        self.rows_inside = [
            self.span.rows_inside(maps.first, cu, window.out_h) for cu in range(layer.machine.compute_units)
        ]
        self.columns_inside = self.span.columns_inside(columns.first, window.out_w)
        # The kernel rows, and columns, that see maps from each output.
        self.rows = [
            [problem.kernel_rows(maps.first + cu * share + row) for row in inside]
            for cu, inside in enumerate(self.rows_inside)
        ]
        self.seen_columns = [window.kernel_columns(columns.first + column) for column in self.columns_inside]
        self._shapes: dict[Part, StepShape] = {}

    def _steps(self, pixels: int) -> int:
        """Kernel steps for so many pixels together."""
        machine = self.layer.machine
        return -(-pixels * self.channels // (machine.vmacs * self.layer.conv_plan.schedule.mode.lanes(machine)))

    def _outputs(self, columns: int) -> int:
        """Outputs of a row of so many columns in all kernel steps."""
        groups, rest = divmod(columns, self.grain)
        return groups * self.steps + self._steps(rest)

    @property
    def kind(self) -> Hashable:
        """Equal for tiles of a layer that have the same parts and shapes."""
        rows = tuple(map(tuple, self.rows)), tuple(self.rows_inside)
        columns = tuple(self.seen_columns), self.columns_inside, self.columns.kept
        return self.kernels, self.channels, self.span, self.maps.cus, rows, columns

    @cached_property
    def parts(self) -> list[Part]:
        """The smallest parts worth cutting it into, in order."""
        height, kept = self.span.bottom, self.columns.kept
        width = self.span.right - kept
        if self.kernels.parts > 1:
            return [Part(0, height, 0, width)]
        # A part fills the queue at least: then what waits for the part before it does not keep the MACs waiting.
        layer = self.layer
        # Instructions for a column of the first row, away from the borders.
        per_group = self.steps * layer.output_instructions
        least = -(-layer.machine.queue_depth // per_group) * self.grain
        # Behind each part of a row there is a place for a part of a store.
        stores = 1
        if width and not layer.conv_plan.whole_pixels:
            stores = -(-width // layer.stored_columns(width, self.maps.cus))
        most = max(COLUMN_PARTS, stores)
        pooled = layer.pooled is not None
        if height >= FEW_ROWS and width < 2 * least and not pooled:
            size = max(-(-least // width), -(-height // ROW_PARTS))
            cuts = [0, width]
            rows = [(row, min(row + size, height)) for row in range(0, height, size)]
        elif height >= FEW_ROWS or pooled:
            # What a fused pool has read is overwritten row by row.
            count = min(most, width // max(1, min(width, least)))
            cuts = [width * cut // count for cut in range(count + 1)] if count else []
            cuts[1:1] = [least] if count > 1 and least < cuts[1] else []
            rows = [(row, row + 1) for row in range(height)]
        else:
            size = -(-width // most)
            cuts = sorted({0, min(least, width), *range(size, width, size), width})
            rows = [(0, height)]
        cuts = sorted({min(width, round_up(cut, self.grain)) for cut in cuts})
        parts = [Part(*row, kept + left, kept + right) for row in rows for left, right in pairwise(cuts)]
        return [part for part in parts if any(map(len, self._rows_of(part)))]

    def _rows_of(self, part: Part) -> tuple[tuple[range, ...], ...]:
        """The kernel rows that see maps, for each row of each CU."""
        return tuple(
            tuple(rows[max(0, part.top - inside.start) : max(0, part.bottom - inside.start)])
            for rows, inside in zip(self.rows, self.rows_inside, strict=True)
        )

    def of(self, part: Part) -> StepShape:
        """The shape of a part, or of several parts side by side."""
        if part not in self._shapes:
            self._shapes[part] = self._of(part)
        return self._shapes[part]

    def _of(self, part: Part) -> StepShape:
        layer, window, inside = self.layer, self.layer.window, self.columns_inside
        rows = self._rows_of(part)
        columns = tuple(self.seen_columns[max(0, part.left - inside.start) : max(0, part.right - inside.start)])
        outputs = self._outputs(len(columns))
        template = Conv(
            layer.conv_plan.schedule.mode,
            layer.other is not None,
            layer.tiles.sliced,
            layer.biases is not None,
            self.span._replace(bottom=part.bottom - part.top, right=part.right - part.left),
            window,
            self.kernels,
            layer.problem.maps.unrolled,
            self.channels,
            rows,
            columns,
        )
        kinds = set(columns)
        least = {mine: self._instructions(mine, kinds) for mine in set(rows)}
        counts = tuple([len(mine) * outputs * least[mine] for mine in rows])
        cycles = max(map(len, rows)) * outputs * layer.output_cycles
        cover = layer.cover
        if not all(mine[-1] for mine in rows if mine):
            # In the end the queue holds starts alone, of a row that sees nothing but padding.
            cover = min(cover, layer.machine.queue_depth * layer.machine.macs)
        # All of a maps tile is read where tiles have slots in turns, each in its bank.
        read, seen = ALL, None
        of_cus = [self._maps_rows(part, cu) for cu, mine in enumerate(rows) if mine]
        if layer.tiles.maps.slots == 1 and layer.problem.maps.unrolled is not None:
            first = part.top * window.stride_h + self.kernels.row_lead
            read = Extent(first, first + window.rows_read(part.bottom - part.top))
        elif layer.tiles.maps.slots == 1:
            read = Extent(min(mine.first for mine in of_cus), max(mine.stop for mine in of_cus))
            if window.dilation_h == 1 and window.stride_h <= window.kernel_h:
                first = max(mine.first for mine in of_cus)
                seen = Extent(first, max(first, min(mine.stop for mine in of_cus)))
        # A part of a kernel may have its taps in the padding alone.
        if self.kernels.parts > 1 or not any(columns) or any(mine == NOTHING for mine in of_cus):
            seen = NOTHING
        return StepShape(template, read, seen, counts, min(cycles, cover), cycles)

    def _maps_rows(self, part: Part, cu: int) -> Extent:
        """The rows of the maps tile, padding left out, that a part reads in a CU."""
        window, inside = self.layer.window, self.rows_inside[cu]
        present = slice(max(0, part.top - inside.start), max(0, part.bottom - inside.start))
        taps = [
            row * window.stride_h + self.kernels.row_lead + tap * window.dilation_h
            for row, mine in zip(inside[present], self.rows[cu][present], strict=True)
            if mine
            for tap in (mine[0], mine[-1])
        ]
        return Extent(min(taps, default=0), max(taps, default=-1) + 1)

    def _instructions(self, rows: Sequence[range], columns: Collection[range]) -> int:
        """Instructions of an output at least: its start, and a trace for each kernel row that meets the maps.

        Of a kernel in parts, the start is in the first one, and each has the traces of its own words.
        """
        width = self.layer.conv_plan.kernels.packing.columns
        if self.layer.problem.maps.unrolled is not None:
            rows = [range(min(1, len(y))) for y in rows]
        least = min((_traces(self.kernels, width, y, x) for y in set(rows) for x in columns), default=0)
        return least + (self.kernels.part == 0)


class ConvTile:
    """Rows and columns of a result tile that one maps tile and one kernel tile give."""

    unit = Unit.MAC

    def __init__(
        self,
        layer: ConvSteps,
        maps: MapsTile,
        columns: ColumnTile,
        kernel: KernelTile,
        result: ResultTile,
        maps_slot: int,
        weights_slot: int,
        part: int,
    ) -> None:
        plan = layer.conv_plan
        channel = kernel.window * plan.kernels.channels + kernel.number * layer.tile_channels
        channels = min(layer.tile_channels, plan.kernels.channels - kernel.number * layer.tile_channels)
        self.shapes = layer.shapes(maps, columns, part, channels)
        self.maps_slot, self.result_slot = maps_slot, result.slot
        self.first_row, first_word = maps.first - result.base, channel - result.channel
        self.words = Extent(first_word, first_word + channels)
        self.numbers = (
            maps_slot,
            weights_slot,
            result.slot,
            maps.first,
            columns.first,
            channel,
            kernel.window * layer.problem.depth,
            self.first_row,
            first_word,
        )
        self.inputs = (Access(Role.WEIGHTS, weights_slot),)
        if layer.other is not None:
            rows = Extent(self.first_row, maps.stop - result.base)
            self.inputs += (Access(Role.OTHER_TILE, result.slot, rows),)
        if layer.biases is not None:
            self.inputs += (Access(Role.BIASES, maps_slot),)

    def parts(self) -> list[Part]:
        return self.shapes.parts

    def step(self, part: Part) -> Step:
        template, maps_rows, seen_rows, counts, cycles, takes = self.shapes.of(part)
        rows = Extent(self.first_row + part.top, self.first_row + part.bottom)
        columns = Extent(part.left, part.right)
        return Step(
            template,
            (*self.numbers, part.top, part.left),
            Unit.MAC,
            (Access(Role.MAPS_TILE, self.maps_slot, maps_rows), *self.inputs),
            (Access(Role.RESULT_TILE, self.result_slot, rows, columns, self.words),),
            counts,
            cycles,
            takes,
            seen=None if seen_rows is None else self._seen(seen_rows),
            passes=self.shapes.passes,
        )

    def _seen(self, rows: Extent) -> tuple[Access, ...]:
        """What all CUs read, if these are the rows of the maps that they do."""
        if rows == NOTHING:
            # A CU may have no more than an initial value.
            return ()
        maps = (Access(Role.MAPS_TILE, self.maps_slot, rows),) if rows.first < rows.stop else ()
        return (*maps, *self.inputs)


@cache
def _traces(kernels: tile.Kernels, kernel_w: int, kernel_rows: range, kernel_columns: range) -> int:
    """The kernel rows among these that meet words of the part of the kernel in these columns."""
    low, high = kernel_columns.start * kernels.depth, kernel_columns.stop * kernels.depth
    first, row_words = kernels.part * kernels.part_words, kernel_w * kernels.depth
    mine = Extent(first, first + kernels.part_words)
    return sum(low < high and mine.meets(Extent(y * row_words + low, y * row_words + high)) for y in kernel_rows)
