"""Names the tiles that an operation is for, in its location: `loc("conv1"("rows 14 to 28"))`.

The names travel down to the instructions, so that a program's source map, and a message about one of its instructions,
can say more than the layer. Operations that stand in tile loops are for all of the loops' tiles.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, NameLoc
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker, RewritePattern, op_type_rewrite_pattern

from snowdialect.dialects import tile
from snowdialect.dialects.locations import name_location
from snowdialect.dialects.target import machine_of


@dataclass(frozen=True)
class NameTilesPass(ModulePass):
    """The first and the last tile of a loop tell what all are."""

    name = "tile-name-tiles"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        PatternRewriteWalker(NameTile(), apply_recursively=False).rewrite_module(op)


Moving = tile.LoadOp | tile.LoadWeightsOp | tile.StoreOp
Computing = tile.ConvOp | tile.MaxPoolOp | tile.AvgPoolOp | tile.AddOp


class NameTile(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Moving | Computing, rewriter: PatternRewriter) -> None:
        location = op.location
        if isinstance(location, NameLoc):
            op.location = name_location(location.desc.data, tile_name(op))
            rewriter.notify_op_modified(op)


def tile_name(op: Moving | Computing) -> str:
    """What an operation covers, over all iterations of the loops around it; rows, channels and kernel tiles count from
    0, the last one excluded. Where CUs have rows or channels of their own, those of the first one, and the step."""
    machine = machine_of(op)
    if isinstance(op, tile.LoadWeightsOp):
        ends = op.extremes(op.address("tile"))
        return _span("kernel tiles", [range(op.number("tile", at), op.number("tile", at) + 1) for at in ends], 0)
    ends = op.extremes(*op.shape_places)
    ranges: list[range] = []
    for at in ends:
        first = op.number("row", at)
        present = [op.rows_at(at, cu) for cu in range(machine.compute_units)]
        ranges += [range(first + rows.start, first + rows.stop) for rows in present if rows]
    rows = _span("input rows" if isinstance(op, tile.LoadOp) else "rows", ranges, op.span.record.share)
    if not isinstance(op, tile.ConvOp):
        return rows
    channels = [range(first := op.number("channel", at), first + op.channels_at(at, machine)) for at in ends]
    return f"{rows}; {_span('channels', channels, op.kernels.record.share)}"


def _span(what: str, ranges: list[range], share: int) -> str:
    if not ranges:
        return f"no {what}"
    low, high = min(rows.start for rows in ranges), max(rows.stop for rows in ranges)
    step = f", +{share} per CU" if share else ""
    return f"{what} {low} to {high}{step}"
