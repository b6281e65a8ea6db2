"""Cuts tile loops where the shape of a tile changes, so that the tiles of a loop all need the same code.

The first tile of a layer may have rows above it that do not exist, the last one fewer rows than the others; each runs
in a loop of its own.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import groupby

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from lowering.tile.prefetch import copies
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located


@dataclass(frozen=True)
class SplitBorders(ModulePass):
    """Afterwards `shape_at` of every operation is the same in all iterations of the loops around it."""

    name = "tile-split-borders"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(SplitLoop()).rewrite_module(op)


class SplitLoop(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.ForOp, rewriter: PatternRewriter) -> None:
        outer = outer_indices(op)
        runs = [list(run) for _, run in groupby(op.iterations, lambda index: shapes(op, index, outer))]
        if len(runs) == 1 and len(op.iterations) > 1:
            return
        made: list[Operation] = []
        for run in runs:
            if len(run) == 1:
                made += copies(list(op.body.block.ops), op.index, IndexExpr(run[0]))
                continue
            loop = located(tile.ForOp(run[0], run[-1] + 1), op.location)
            loop.body.block.add_ops(copies(list(op.body.block.ops), op.index, IndexExpr.index(loop.index)))
            made.append(loop)
        rewriter.replace(op, made)


def shapes(op: tile.ForOp, index: int, outer: dict[SSAValue, int]) -> Hashable:
    """The shapes of all tiles in an iteration of a loop.

    A tile's extent along one axis depends on the loop over that axis alone, so that any iteration of the other loops
    tells it.
    """
    indices = {**outer, op.index: index}
    found: list[Hashable] = []
    for inner in op.body.walk():
        match inner:
            case tile.ForOp():
                indices[inner.index] = inner.iterations[0]
            case tile.IndexOp():
                indices[inner.result] = tile.resolve(inner.address("value")).evaluate(indices)
            case tile.TiledOp():
                found.append(inner.shape_at(indices))
            case _:
                pass
    return tuple(found)


def outer_indices(op: Operation) -> dict[SSAValue, int]:
    """Some iteration of the loops around an operation."""
    indices: dict[SSAValue, int] = {}
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, tile.ForOp):
            indices[parent.index] = parent.iterations[0]
        parent = parent.parent_op()
    return indices
