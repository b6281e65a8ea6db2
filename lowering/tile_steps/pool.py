"""The steps of a max pool, alone or behind the convolution whose results it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lowering.comparisons import compares_down, written_out_lines
from lowering.tile_steps.steps import Access, Extent, Part, Role, Step, Template, Unit
from snowdialect.dialects import tile
from snowdialect.machine import Machine

CYCLES_PER_OUTPUT = 6
"""About how long the control core takes for a line of an output besides the comparisons, and for each of those."""
CYCLES_PER_COMPARISON = 2
BURST = 200
"""Cycles of issue of one step at most, so that the MACs' queue does not run empty meanwhile."""


@dataclass(frozen=True)
class MaxPool(Template):
    """Template of a part of a max pool's tile."""

    NUMBERS: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column", "part_row", "part_column")

    maps: Role
    result: Role
    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    rows: tuple[tuple[range, ...], ...]
    """The classes of its rows and columns: what its code follows from."""
    columns: tuple[range, ...]


class PoolTile:
    """A tile of a max pool; it is cut into a few outputs each."""

    unit = Unit.MAX

    def __init__(
        self,
        machine: Machine,
        window: tile.Window,
        maps: tuple[Role, int],
        result: tuple[Role, int],
        place: tuple[int, int],
        span: tile.Span,
        pixels: tile.Pixels,
    ) -> None:
        """`maps` and `result` are buffers and their slots, `place` is row and column of the result."""
        self.machine, self.window, self.maps, self.result = machine, window, maps, result
        self.place, self.span, self.pixels = place, span, pixels

    @property
    def _output_cycles(self) -> int:
        """About how long the control core takes for a pixel."""
        window, lines = self.window, self.pixels.words // self.machine.line_words
        comparisons = window.kernel_w if compares_down(window) else window.kernel_h
        iterations = sum(len(run) // count for run, count in written_out_lines(self.machine, window, lines))
        return CYCLES_PER_OUTPUT * iterations + CYCLES_PER_COMPARISON * comparisons * lines

    def parts(self) -> list[Part]:
        span = self.span
        width = span.right - span.left
        size = -(-width // -(-width * self._output_cycles // BURST))
        return [
            Part(row, row + 1, left, min(left + size, span.right))
            for row in range(span.top, span.bottom)
            for left in range(span.left, span.right, size)
        ]

    def step(self, part: Part) -> Step:
        window, pixels = self.window, self.pixels
        span = self.span._replace(**part._asdict())
        row, column = self.place
        rows = tuple(
            tuple(window.kernel_rows(row + cu * span.share + local) for local in mine)
            for cu in range(self.machine.compute_units)
            for mine in [span.rows_inside(row, cu, window.out_h)]
        )
        columns = tuple(window.kernel_columns(column + local) for local in span.columns_inside(column, window.out_w))
        read_rows = Extent(
            part.top * window.stride_h + pixels.row_lead,
            (part.bottom - 1) * window.stride_h + pixels.row_lead + window.kernel_h,
        )
        read_columns = Extent(
            part.left * window.stride_w + pixels.lead,
            (part.right - 1) * window.stride_w + pixels.lead + window.kernel_w,
        )
        outputs = len(columns) * pixels.words // self.machine.line_words
        cycles = max(map(len, rows)) * len(columns) * self._output_cycles
        down = compares_down(window)
        least = [min(map(len, columns if down else mine), default=0) for mine in rows]
        return Step(
            MaxPool(self.maps[0], self.result[0], span.moved(-part.top, -part.left), window, pixels, rows, columns),
            (self.maps[1], self.result[1], row, column, part.top, part.left),
            Unit.MAX,
            (Access(*self.maps, read_rows, read_columns),),
            (Access(*self.result, Extent(part.top, part.bottom), Extent(part.left, part.right)),),
            tuple(len(mine) * outputs * comparisons for mine, comparisons in zip(rows, least, strict=True)),
            cycles,
            cycles,
        )
