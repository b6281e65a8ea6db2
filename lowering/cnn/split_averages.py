"""cnn-split-averages: an average over a large window becomes two over smaller ones.

Fixed point divides by a multiplication with the word nearest to 2^q / n, q being 15 at most so that no sum wraps. Of
large windows that word is small, and its rounding large: 2^15 / 3136 is 10.4, for which 10 stands, 4 % less. The mean
of the means of rows is the same, all rows of a window having as many elements, and each of the two words is large.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from lowering.cnn.merging import rewrite_layers
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.cnn.shapes import PoolGeometry, avg_pool_weight
from snowdialect.dialects.locations import layer_name, located, name_location

TOLERANCE = 2.0**-8
"""So much may an average be too large or too small by the rounding of its weight."""


class SplitAverage(RewritePattern):
    """avg_pool is avg_pool(avg_pool): over rows, then over columns; of a single row or column, over equal pieces."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AvgPoolOp, rewriter: PatternRewriter) -> None:
        if frac_of(op.result) is not None or rounding(op) <= TOLERANCE:
            return
        if (parts := _parts(op.geometry, shape_of(op.x)[2:])) is None:
            return
        x = op.x
        for number, part in enumerate(parts, 1):
            name = layer_name(op) if number == len(parts) else f"{layer_name(op)}.part{number}"
            pool = cnn.AvgPoolOp.with_geometry(x, part)
            rewriter.insert(located(pool, name_location(name)))
            x = pool.result
        rewriter.replace(op, (), (x,))


def rounding(op: cnn.AvgPoolOp) -> float:
    """How far the weights of a pool are from what they stand for, as a part of that, at most."""
    frac = op.weight_frac
    divisors = {divisor for row in op.divisors for divisor in row}
    return max(abs(avg_pool_weight(divisor, frac) * divisor / 2**frac - 1) for divisor in divisors)


def _parts(pool: PoolGeometry, size: tuple[int, ...]) -> tuple[PoolGeometry, PoolGeometry] | None:
    """Two pools that make a pool of maps of so many rows and columns; None where there is no way to cut its window."""
    (height, width), (down, right), (top, left, bottom, side) = pool.kernel, pool.strides, pool.pads
    if height > 1 and width > 1:
        rows = replace(pool, kernel=(height, 1), strides=(down, 1), pads=(top, 0, bottom, 0))
        return rows, replace(pool, kernel=(1, width), strides=(1, right), pads=(0, left, 0, side))
    axis = 0 if height > 1 else 1
    taps = pool.kernel[axis]
    piece = next((number for number in range(isqrt(taps), 1, -1) if taps % number == 0), 1)
    if piece == 1 or any(pool.pads) or taps != size[axis]:
        return None

    def along(number: int, across: int) -> tuple[int, int]:
        return (number, across) if axis == 0 else (across, number)

    first = replace(pool, kernel=along(piece, 1), strides=along(piece, 1))
    return first, replace(pool, kernel=along(taps // piece, 1), strides=along(1, pool.strides[1 - axis]))


@dataclass(frozen=True)
class SplitAveragesPass(ModulePass):
    """Splits average pools whose weights would be rounded too much."""

    name = "cnn-split-averages"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        rewrite_layers(op, [SplitAverage()])
