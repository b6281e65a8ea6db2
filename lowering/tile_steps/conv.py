"""The tile program of a convolution or a linear layer, with the max pool behind it where that is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from xdsl.ir import Operation, SSAValue

from lowering.tile_steps.layer import CYCLES_PER_INSTRUCTION, LayerBuffers, Maps, Slots, layout, memory_cycles
from lowering.tile_steps.pool import PoolTile
from lowering.tile_steps.steps import Access, Extent, Part, Step, Unit
from lowering.tiling import ColumnTile, ConvPlan, ConvProblem, MapsTile, RowTile, lanes_of
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.layout import round_up
from snowdialect.machine import Machine

FEW_ROWS = 3
"""A tile of fewer rows is cut into parts by columns."""
COLUMN_PARTS = 4


class KernelSource(NamedTuple):
    """What a convolution computes with."""

    packed: SSAValue
    shifts: tile.Shifts
    relu: bool


@dataclass(frozen=True)
class LoadWeights:
    """Template of a load of kernels."""

    packed: SSAValue
    part: int
    buffer: SSAValue
    cus: int

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        number, slot = numbers
        return tile.LoadWeightsOp(self.packed, number, self.part, self.buffer, slot, self.cus)


@dataclass(frozen=True)
class Conv:
    """Template of a part of a tile of a convolution."""

    mode: tile.Mode
    maps: SSAValue
    weights: SSAValue
    bypass: SSAValue | None
    result: SSAValue
    span: tile.Span
    window: tile.Window
    kernels: tile.Kernels
    shifts: tile.Shifts
    relu: bool
    channels: int
    """Words of a pixel that the tile computes, and the classes of its rows and columns: what its code follows from."""
    rows: tuple[tuple[range, ...], ...]
    columns: tuple[range, ...]

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        maps_slot, weights_slot, result_slot, row, column, channel, offset, *places = numbers
        result_row, result_word, part_row, part_column = places
        return tile.ConvOp(
            self.mode,
            self.maps,
            maps_slot,
            self.weights,
            weights_slot,
            self.bypass,
            self.result,
            result_slot,
            row,
            column,
            channel,
            offset,
            result_row,
            result_word,
            part_row,
            part_column,
            self.span,
            self.window,
            self.kernels,
            self.shifts,
            self.relu,
        )


class KernelTile(NamedTuple):
    """A kernel tile, by the window of the pixel that it sees and its number there."""

    window: int
    number: int


class ResultTile(NamedTuple):
    """Where the results of a tile go: slot, row of the window's output in its first row, first channel."""

    slot: int
    base: int
    channel: int


def conv_layer(kind: str, problem: ConvProblem, plan: ConvPlan, regions: Maps, kernels: KernelSource) -> tile.LayerOp:
    """The tile loops of a convolution or a linear layer."""
    return ConvSteps(problem, plan, regions, kernels).layer(kind)


class ConvSteps(LayerBuffers):
    """Collects the tile program of a convolution."""

    def __init__(self, problem: ConvProblem, plan: ConvPlan, regions: Maps, kernels: KernelSource) -> None:
        super().__init__(problem.machine, problem.window, plan.maps, regions)
        self.problem, self.conv, self.kernels = problem, plan, kernels
        schedule = plan.schedule
        self.result = self.buffer(plan.maps.result, plan.tile_words)
        self.result_slots = Slots(plan.maps.result.slots)
        self.pooled = None if plan.maps.pooled is None else self.buffer(plan.maps.pooled, plan.stored_words)
        self.pooled_slots = Slots(1 if plan.maps.pooled is None else plan.maps.pooled.slots)
        self.halo = None if plan.maps.halo is None else self.buffer(plan.maps.halo, plan.tile_words)
        weights = tile.BufferOp(
            schedule.steps * plan.packing.block,
            0,
            schedule.weights_slots,
            self.machine.wbuf_bank_words,
            tile.WeightsBufferType(plan.packing.block),
        )
        self.block.add_op(weights)
        self.weights = weights.result
        self.weights_slots = Slots(schedule.weights_slots)
        self.tile_channels = schedule.steps * self.machine.vmacs * lanes_of(schedule.mode, self.machine)
        tiles = [KernelTile(w, k) for w in range(plan.windows) for k in range(plan.kernel_tiles)]
        count = schedule.result_tiles
        self.groups = [tiles[first : first + count] for first in range(0, len(tiles), count)]
        self._collect()

    def _collect(self) -> None:
        places = [(rows, columns) for rows in self.plan.rows for columns in self.plan.columns]
        if self.conv.schedule.order is tile.Order.KLOOP:
            for group in self.groups:
                for rows, columns in places:
                    self._result_tile(rows, columns, [group])
        else:
            for rows, columns in places:
                self._result_tile(rows, columns, self.groups)

    def _result_tile(self, rows: RowTile, columns: ColumnTile, groups: list[list[KernelTile]]) -> None:
        """Computes and stores the result tile of each group of kernel tiles."""
        for group in groups:
            channel = self._channel(group[0]) if len(self.groups) > 1 else 0
            slot, _ = self.result_slots.take((rows.base, columns.first, channel))
            result = ResultTile(slot, rows.base, channel)
            for maps in rows.maps:
                self.load_other(rows.base, maps, columns, slot)
                for kernel in group:
                    self._kernel_tile(maps, columns, kernel, result)
            if self.pooled is None:
                self._store(self.result, slot, rows, columns, channel)
            else:
                self._pool(rows, columns, result)

    def _channel(self, kernel: KernelTile) -> int:
        return kernel.window * self.conv.channels + kernel.number * self.tile_channels

    def _kernel_tile(self, maps: MapsTile, columns: ColumnTile, kernel: KernelTile, result: ResultTile) -> None:
        number = kernel.window * self.conv.kernel_tiles + kernel.number
        for part in range(self.conv.schedule.parts):
            weights_slot, missing = self.weights_slots.take((number, part))
            if missing:
                self._load_weights(number, part, weights_slot)
            maps_slot = self.load_maps(maps, columns)
            self.program.append(ConvTile(self, maps, columns, kernel, result, maps_slot, weights_slot, part))

    def _load_weights(self, number: int, part: int, slot: int) -> None:
        buffers = self.machine.vmacs * self.conv.packing.cus
        self.program.append(
            Step(
                LoadWeights(self.kernels.packed, part, self.weights, self.plan.cus),
                (number, slot),
                Unit.LOAD,
                (),
                (Access(self.weights, slot),),
                (1,) * self.machine.compute_units,
                buffers * CYCLES_PER_INSTRUCTION,
                memory_cycles(self.machine, 1, self.conv.packing.words // self.conv.packing.tiles),
            )
        )

    def _store(self, buffer: SSAValue, slot: int, rows: RowTile, columns: ColumnTile, channel: int) -> None:
        plan, region = self.conv, layout(self.regions.result)
        width = columns.stop - columns.first
        if self.problem.pool is not None and plan.schedule.fused:
            width = self.problem.pool.window.out_w
        if plan.gathered > 1:
            self._gather(buffer, slot, rows.stop - rows.first, width)
        leaders = sum(1 << cu for cu in range(0, self.machine.compute_units, plan.gathered)) & self.plan.cus
        span = tile.Span(0, rows.stop - rows.first, 0, width, self.plan.share, leaders)
        if plan.whole_pixels:
            self.store(buffer, slot, (rows.first, columns.first, 0), region.pixel.data, 0, region.pixel.data, span)
            return
        first = region.segments[0].offset
        limit = first + round_up(self.problem.channels, self.machine.transfer_words)
        words = plan.stored_words
        if len(self.groups) > 1:
            words = min(words, round_up(plan.channels * plan.windows - channel, self.machine.transfer_words))
        self.store(buffer, slot, (rows.first, columns.first, channel + first), words, plan.share, limit, span)

    def _gather(self, buffer: SSAValue, slot: int, rows: int, columns: int) -> None:
        """Brings the channels of neighbouring CUs together, so that they make whole transfers."""
        plan = self.conv
        for down in range(1, plan.gathered):
            cus = sum(1 << cu for cu in range(down, self.machine.compute_units, plan.gathered)) & self.plan.cus
            if cus:
                target = (buffer, slot, 0, down * plan.share)
                self.move((buffer, slot, 0, 0), target, (rows, columns, plan.share), cus, down)

    def _pool(self, rows: RowTile, columns: ColumnTile, result: ResultTile) -> None:
        """Pools and stores; hands on the rows that two tiles, or two CUs, share."""
        plan = self.plan
        assert self.problem.pool is not None and self.pooled is not None
        pool = self.problem.pool.window
        overlap, words, width = plan.overlap, self.conv.tile_words, self.window.out_w
        here = result.slot
        if self.halo is not None:
            working = plan.cus.bit_length()
            if rows is plan.rows[0]:
                # The first rows of a CU are the last ones of the CU before it.
                others = plan.cus & ~1
                self.move((self.result, here, 0, 0), (self.halo, 0, 0, 0), (overlap, width, words), others, 1)
            if rows is plan.rows[-1]:
                row = plan.share * pool.stride_h - pool.pad_top - rows.base
                others = plan.cus & ~(1 << (working - 1))
                self.move((self.halo, 0, 0, 0), (self.result, here, row, 0), (overlap, width, words), others, 0)
        slot, _ = self.pooled_slots.take((rows.first, result.channel))
        span = tile.Span(0, rows.stop - rows.first, 0, pool.out_w, plan.share, plan.cus)
        channels = tile.Pixels(words, 0, 0, 0, -pool.pad_left, 0)
        maps, pooled = (self.result, here), (self.pooled, slot)
        self.program.append(PoolTile(self.machine, pool, maps, pooled, (rows.first, 0), span, channels))
        if overlap and rows is not plan.rows[-1]:
            below = (rows.stop - rows.first) * pool.stride_h
            source, target = (self.result, here, below, 0), (self.result, here, 0, 0)
            self.move(source, target, (overlap, width, words), plan.cus, 0)
        self._store(self.pooled, slot, rows, columns, result.channel)


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
        self.layer, self.maps, self.columns, self.result = layer, maps, columns, result
        problem, plan, window = layer.problem, layer.conv, layer.window
        self.channel = kernel.window * plan.channels + kernel.number * layer.tile_channels
        self.channels = min(layer.tile_channels, plan.channels * plan.windows - self.channel)
        self.numbers = (
            maps_slot,
            weights_slot,
            result.slot,
            maps.first,
            columns.first,
            self.channel,
            kernel.window * problem.depth,
            maps.first - result.base,
            self.channel - result.channel,
        )
        self.kernels = tile.Kernels(
            depth=problem.depth,
            steps=plan.schedule.steps,
            channels=plan.channels * plan.windows,
            share=plan.share,
            lead=columns.lead,
            row_lead=maps.first * window.stride_h - window.pad_top - maps.load_first,
            bypass_first=0 if layer.regions.other is None else layout(layer.regions.other).segments[0].offset,
            part=part,
            parts=plan.schedule.parts,
            part_words=plan.packing.part_words,
        )
        self.inputs = (Access(layer.maps, maps_slot), Access(layer.weights, weights_slot))
        if layer.other is not None:
            first, stop = maps.first - result.base, maps.stop - result.base
            self.inputs += (Access(layer.other, result.slot, Extent(first, stop)),)

    def parts(self) -> list[Part]:
        height, width = self.maps.stop - self.maps.first, self.columns.stop - self.columns.first
        if self.kernels.parts > 1:
            return [Part(0, height, 0, width)]
        # A part fills the queue at least: then what waits for the part before it does not keep the MACs waiting.
        least = min(width, -(-self.layer.machine.queue_depth // self._instructions_per_column()))
        if height >= FEW_ROWS:
            count = min(COLUMN_PARTS, width // least)
            cuts = [width * cut // count for cut in range(count + 1)]
            cuts[1:1] = [least] if count > 1 and least < cuts[1] else []
            parts = [Part(row, row + 1, left, right) for row in range(height) for left, right in pairwise(cuts)]
        else:
            size = -(-width // COLUMN_PARTS)
            cuts = sorted({0, least, *range(size, width, size), width})
            parts = [Part(0, height, left, right) for left, right in pairwise(cuts)]
        return [
            part for part in parts if any(self._rows(tile.Span(*part, self.layer.plan.window_share, self.maps.cus)))
        ]

    def _instructions_per_column(self) -> int:
        """Instructions for a column of the first row, away from the borders."""
        return self._steps * (1 + self.layer.window.kernel_h)

    @property
    def _steps(self) -> int:
        """Kernel steps of the tile."""
        layer = self.layer
        return -(-self.channels // (layer.machine.vmacs * lanes_of(layer.conv.schedule.mode, layer.machine)))

    def _rows(self, span: tile.Span) -> list[range]:
        """The local rows of each CU."""
        cus, height = range(self.layer.machine.compute_units), self.layer.window.out_h
        return [span.rows_inside(self.maps.first, cu, height) for cu in cus]

    def _instructions(self, rows: Sequence[range], columns: Sequence[range]) -> int:
        """Instructions of an output at least: its start, and a trace for each kernel row that meets the maps.

        Of a kernel in parts, the start is in the first one, and each has the traces of its own words.
        """
        kernels, row_words = self.kernels, self.layer.window.kernel_w * self.kernels.depth
        first = kernels.part * kernels.part_words
        mine = Extent(first, first + kernels.part_words)

        def traces(kernel_rows: range, kernel_columns: range) -> int:
            low, high = kernel_columns.start * kernels.depth, kernel_columns.stop * kernels.depth
            return sum(
                low < high and mine.meets(Extent(y * row_words + low, y * row_words + high)) for y in kernel_rows
            )

        least = min((traces(y, x) for y in rows for x in set(columns)), default=0)
        return least + (kernels.part == 0)

    def step(self, part: Part) -> Step:
        layer, window = self.layer, self.layer.window
        machine, schedule = layer.machine, layer.conv.schedule
        span = tile.Span(*part, layer.plan.window_share, self.maps.cus)
        rows = tuple(
            tuple(window.kernel_rows(self.maps.first + cu * span.share + row) for row in mine)
            for cu, mine in enumerate(self._rows(span))
        )
        columns = tuple(
            window.kernel_columns(self.columns.first + column)
            for column in span.columns_inside(self.columns.first, window.out_w)
        )
        outputs = len(columns) * self._steps
        first_row, first_word = self.maps.first - self.result.base, self.channel - self.result.channel
        return Step(
            Conv(
                schedule.mode,
                layer.maps,
                layer.weights,
                layer.other,
                layer.result,
                span.moved(-part.top, -part.left),
                window,
                self.kernels,
                layer.kernels.shifts,
                layer.kernels.relu,
                self.channels,
                rows,
                columns,
            ),
            (*self.numbers, part.top, part.left),
            Unit.MAC,
            self.inputs,
            (
                Access(
                    layer.result,
                    self.result.slot,
                    Extent(first_row + part.top, first_row + part.bottom),
                    Extent(part.left, part.right),
                    Extent(first_word, first_word + self.channels),
                ),
            ),
            tuple(len(mine) * outputs * self._instructions(mine, columns) for mine in rows),
            *_cycles(machine, schedule.mode, self.kernels, window, max(map(len, rows)) * outputs),
        )


def _cycles(
    machine: Machine, mode: tile.Mode, kernels: tile.Kernels, window: tile.Window, outputs: int
) -> tuple[int, int]:
    """How long a full queue keeps the MACs busy, or all of so many outputs if they are fewer, and how long all do."""
    words = window.kernel_w * kernels.depth
    trace = -(-words // machine.line_words) if mode is tile.Mode.COOP else round_up(words, machine.line_words)
    cycles = max(machine.macs, window.kernel_h * trace)
    return min(outputs * cycles, machine.queue_depth * cycles // (1 + window.kernel_h)), outputs * cycles
