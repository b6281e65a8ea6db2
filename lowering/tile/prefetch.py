"""Makes double buffering explicit: the loads of a prefetching loop move one tile ahead of what uses them.

    tile.for %t = 0 to n prefetch { load(%t); compute(%t) }

becomes

    load(0)
    tile.for %t = 0 to n - 1 { load(%t + 1); compute(%t) }
    compute(n - 1)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located


@dataclass(frozen=True)
class Prefetch(ModulePass):
    """Expands every `prefetch` loop."""

    name = "tile-prefetch"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        # Outer loops first: the first loads of an inner loop are none of the outer loop's own.
        PatternRewriteWalker(ExpandPrefetch()).rewrite_module(op)


class ExpandPrefetch(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.ForOp, rewriter: PatternRewriter) -> None:
        if op.prefetch is None:
            return
        first, last = op.iterations[0], op.iterations[-1]
        loads = op.prefetched()
        rest = [inner for inner in op.body.block.ops if inner not in loads]
        before = copies(loads, op.index, IndexExpr(first))
        after = copies(rest, op.index, IndexExpr(last))
        if first < last:
            loop = located(tile.ForOp(first, last), op.location)
            index = IndexExpr.index(loop.index)
            loop.body.block.add_ops([*copies(loads, op.index, index + 1), *copies(rest, op.index, index)])
            before = [*before, loop]
        rewriter.replace(op, [*before, *after])


def copies(ops: Sequence[Operation], index: SSAValue, value: IndexExpr) -> list[Operation]:
    """Copies of the operations in which the loop index is `value`."""
    replacement = located(tile.IndexOp(value), ops[0].location) if ops else None
    if replacement is None:
        return []
    mapper: dict[SSAValue, SSAValue] = {index: replacement.result}
    return [replacement, *(op.clone(mapper) for op in ops)]
