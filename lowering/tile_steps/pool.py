"""The steps of a max pool, alone or behind the convolution whose results it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from lowering.tile_steps.steps import Access, Extent, Step, Unit
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.machine import Machine

CYCLES_PER_OUTPUT = 6
"""About how long the control core takes for a line of an output besides the comparisons, and for each of those."""
CYCLES_PER_COMPARISON = 2
BURST = 200
"""Cycles of issue of one step at most, so that the MACs' queue does not run empty meanwhile."""


@dataclass(frozen=True)
class MaxPool:
    """Template of a part of a max pool's tile."""

    maps: SSAValue
    result: SSAValue
    span: tile.Span
    window: tile.Window
    pixels: tile.Pixels
    rows: tuple[tuple[range, ...], ...]
    """The classes of its rows and columns: what its code follows from."""
    columns: tuple[range, ...]

    def build(self, numbers: Sequence[IndexExpr]) -> Operation:
        maps_slot, result_slot, row, column = numbers
        return tile.MaxPoolOp(
            self.maps, maps_slot, self.result, result_slot, row, column, self.span, self.window, self.pixels
        )


def pool_steps(
    machine: Machine,
    window: tile.Window,
    maps: tuple[SSAValue, int],
    result: tuple[SSAValue, int],
    place: tuple[int, int],
    span: tile.Span,
    pixels: tile.Pixels,
) -> Iterator[Step]:
    """A tile in steps of a few outputs; `maps` and `result` are buffers and their slots, `place` row and column of
    the result."""
    output = pixels.words // machine.line_words * (CYCLES_PER_OUTPUT + CYCLES_PER_COMPARISON * window.kernel_h)
    width = span.right - span.left
    size = -(-width // -(-width * output // BURST))
    for top in range(span.top, span.bottom):
        for left in range(span.left, span.right, size):
            part = span._replace(top=top, bottom=top + 1, left=left, right=min(left + size, span.right))
            rows = tuple(
                tuple(window.kernel_rows(place[0] + cu * span.share + row) for row in mine)
                for cu in range(machine.compute_units)
                for mine in [part.rows_inside(place[0], cu, window.out_h)]
            )
            columns = tuple(
                window.kernel_columns(place[1] + column) for column in part.columns_inside(place[1], window.out_w)
            )
            first_row = top * window.stride_h + pixels.row_lead
            first_column = left * window.stride_w + pixels.lead
            stop_column = (part.right - 1) * window.stride_w + pixels.lead + window.kernel_w
            outputs = (part.right - left) * pixels.words // machine.line_words
            yield Step(
                MaxPool(maps[0], result[0], part, window, pixels, rows, columns),
                (maps[1], result[1], *place),
                Unit.MAX,
                (Access(*maps, Extent(first_row, first_row + window.kernel_h), Extent(first_column, stop_column)),),
                (Access(*result, Extent(top, top + 1), Extent(left, part.right)),),
                tuple(len(mine) * outputs * min((len(kind) for kind in mine), default=0) for mine in rows),
                outputs * (CYCLES_PER_OUTPUT + CYCLES_PER_COMPARISON * window.kernel_h),
            )
