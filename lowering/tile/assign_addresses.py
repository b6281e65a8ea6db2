"""Gives every region of memory an address: maps first, then packed weights; maps share memory.

A region lives from the first layer, or step of the host, that writes it to the last one that reads it. Before a layer
stores anything, all loads and stores of the layers before it are done (lowering/tile_steps/waits.py), so it may write
what they have read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from lowering import memory
from snowdialect.dialects import tile
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of
from snowdialect.layout import round_up


@dataclass(frozen=True)
class AssignAddressesPass(ModulePass):
    """Addresses count transfers (64 B) from the start of memory."""

    name = "tile-assign-addresses"
    reuse: bool = True
    """Whether regions share memory. Without, all results are still there when a program has ended."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        transfer = machine_of(op).transfer_words
        steps = {step: number for number, step in enumerate(op.body.block.ops)}
        regions = [step for step in steps if isinstance(step, tile.RegionOp)]
        blocks: list[memory.Block] = []
        for region in regions:
            users = sorted((_step_of(user, op.body.block) for user in _users(region.result)), key=steps.__getitem__)
            first, last = (users[0], users[-1]) if users else (region, region)
            region.first_layer, region.last_layer = (StringAttr(layer_name(step)) for step in (first, last))
            life = (steps[first], steps[last]) if self.reuse else (0, len(steps))
            blocks.append(memory.Block(round_up(region.result.type.words, transfer) // transfer, *life))
        addresses = memory.place(blocks)
        for region, address in zip(regions, addresses, strict=True):
            region.address = IntegerAttr(address, i64)
        next_free = memory.peak(blocks, addresses)
        for weights in steps:
            if isinstance(weights, tile.WeightsOp | tile.AverageWeightsOp):
                weights.address = IntegerAttr(next_free, i64)
                next_free += round_up(weights.result.type.words.data, transfer) // transfer


def _users(region: SSAValue) -> Iterator[Operation]:
    """What reads or writes a region, or some of it."""
    for use in region.uses:
        if isinstance(use.operation, tile.ViewOp | tile.ReshapeOp):
            yield from _users(use.operation.result)
        else:
            yield use.operation


def _step_of(op: Operation, block: Block) -> Operation:
    """The operation of `block` that holds another one."""
    step = block.find_ancestor_op_in_block(op)
    assert step is not None
    return step
