"""Gives every region of memory an address: maps first, then packed weights, one behind the other."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from snowdialect.dialects import tile
from snowdialect.dialects.target import machine_of


@dataclass(frozen=True)
class AssignAddresses(ModulePass):
    """Addresses count transfers (64 B) from the start of memory."""

    name = "tile-assign-addresses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        transfer = machine_of(op).transfer_words
        next_free = 0
        for kinds in ((tile.RegionOp,), (tile.WeightsOp, tile.AverageWeightsOp)):
            for region in op.walk():
                if not isinstance(region, kinds):
                    continue
                layout = region.result.type
                words = layout.words if isinstance(layout, tile.MapsType) else layout.words.data
                region.address = IntegerAttr(next_free, i64)
                next_free += -(-words // transfer)
