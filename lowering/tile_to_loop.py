"""tile to loop: buffers become addresses, tiles become loops over rows, columns, kernels and traces.

One pattern an operation; lowering/traces.py has those that compute. The waits that the machine needs are placed here:
before a load into a buffer that queued instructions may still read, before a store of results that may not be written
yet, and behind a store, so that the result tile before the last one is free.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from itertools import pairwise

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from lowering.legality import check_removed
from lowering.loop_builder import LoopBuilder, in_units, replace, slot_address
from lowering.tile.split_borders import outer_indices
from lowering.traces import LowerAdd, LowerAvgPool, LowerConv, LowerMaxPool
from snowdialect.dialects import loop, tile
from snowdialect.dialects.locations import located
from snowdialect.dialects.target import machine_of
from snowdialect.layout import round_up
from snowdialect.machine import Machine
from snowdialect.machine.instructions import MAX_PENDING

STAYS = (tile.RegionOp, tile.ViewOp, tile.WeightsOp, tile.AverageWeightsOp, tile.WriteOp, tile.ReadOp)


@dataclass(frozen=True)
class ConvertTileToLoop(ModulePass):
    """Lowers the layers; regions, packed weights and what the host reads and writes stay."""

    name = "convert-tile-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        in_place = transfers_in_place(op)
        tiles: list[RewritePattern] = [
            LowerLoad(LoadUnits(), in_place),
            LowerLoadWeights(LoadUnits()),
            LowerStore(stores_in_the_way(op), in_place),
            LowerConv(),
            LowerMaxPool(),
            LowerAvgPool(),
            LowerAdd(),
        ]
        frames: list[RewritePattern] = [LowerFor(), LowerLayer()]
        for patterns in (tiles, frames):
            PatternRewriteWalker(GreedyRewritePatternApplier(patterns), apply_recursively=False).rewrite_module(op)
        PatternRewriteWalker(EraseUnused(), apply_recursively=False, walk_reverse=True).rewrite_module(op)
        check_removed(op, self.name, ("tile",), legal=STAYS)


@dataclass
class LoadUnits:
    """Gives out the load units in turn. What fills the same words takes the same unit, which keeps its loads in order:
    so a late row that nothing reads cannot overwrite the next tile."""

    taken: dict[tuple[SSAValue, int, int | None], int] = field(
        default_factory=dict[tuple[SSAValue, int, int | None], int]
    )

    def unit(self, machine: Machine, buffer: SSAValue, cus: int, vmac: int | None = None) -> int:
        """The load unit for a buffer in the CUs of a mask: their MBuf, or the WBuf of one vMAC."""
        return self.taken.setdefault((buffer, cus, vmac), len(self.taken)) % machine.load_units


@dataclass(frozen=True)
class LowerLoad(RewritePattern):
    """Rows in one piece where they lie in a row, else row by row; each CU its own, or one broadcast."""

    units: LoadUnits
    in_place: Set[tile.TiledOp]
    """The loads that read pixels of which the layer writes other words."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.LoadOp, rewriter: PatternRewriter) -> None:
        machine = machine_of(op)
        indices = outer_indices(op)
        maps, buffer, span = op.region_value.type, op.buffer.type, op.span.record
        assert isinstance(maps, tile.MapsType) and isinstance(buffer, tile.MapsBufferType)
        builder = LoopBuilder()
        wait_for_readers(op, builder, ("move",) if op in self.in_place else ())
        pixel, columns = maps.pixel.data, op.columns_at(indices)
        broadcast = span.share == 0
        first = tile.resolve(op.address("row")) * maps.row.data
        first = first + tile.resolve(op.address("column")) * pixel + columns.start * pixel
        slot = slot_address(op.buffer, tile.resolve(op.address("slot"))) + columns.start * pixel
        whole = len(columns) == maps.width.data and maps.row == buffer.row
        for cu in range(1 if broadcast else machine.compute_units):
            mask = span.cus if broadcast else 1 << cu
            rows = op.rows_at(indices, (mask & -mask).bit_length() - 1)
            if not rows or not columns:
                continue
            source = first + (cu * span.share + rows.start) * maps.row.data
            target = slot + rows.start * buffer.row.data
            pieces = 1 if whole else len(rows)
            words = len(rows) * maps.row.data if whole else round_up(len(columns) * pixel, machine.transfer_words)
            with builder.loop(0, pieces) as row:
                builder.add(
                    loop.LoadOp(
                        op.region_value,
                        in_units(source + row * maps.row.data, machine.transfer_words),
                        loop.Buffer.MBUF,
                        target + row * buffer.row.data,
                        words // machine.transfer_words,
                        mask,
                        self.units.unit(machine, op.buffer, mask),
                    )
                )
        replace(op, builder, rewriter)


@dataclass(frozen=True)
class LowerLoadWeights(RewritePattern):
    """One load for each weights buffer that has kernels of its own."""

    units: LoadUnits

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.LoadWeightsOp, rewriter: PatternRewriter) -> None:
        machine = machine_of(op)
        builder = LoopBuilder()
        wait_for_readers(op, builder)
        target = slot_address(op.buffer, tile.resolve(op.address("slot")))
        number = tile.resolve(op.address("tile"))
        for run, following in zip(op.runs(0), op.runs(1), strict=True):
            source = number * (following.source - run.source) + run.source
            cus = sum(1 << cu for cu in run.cus)
            builder.add(
                loop.LoadOp(
                    op.packed,
                    in_units(source, machine.transfer_words),
                    loop.Buffer.of_vmac(run.vmac),
                    target,
                    run.words // machine.transfer_words,
                    cus,
                    self.units.unit(machine, op.buffer, cus, run.vmac),
                )
            )
        replace(op, builder, rewriter)


@dataclass(frozen=True)
class LowerStore(RewritePattern):
    """A tile in one piece where its rows lie in a row in memory, else row by row, else pixel by pixel."""

    in_the_way: Set[tile.StoreOp]
    """The stores that have to end before anything else is computed."""
    in_place: Set[tile.TiledOp]
    """The stores that write pixels of which the layer reads other words."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.StoreOp, rewriter: PatternRewriter) -> None:
        machine = machine_of(op)
        indices = outer_indices(op)
        transfer = machine.transfer_words
        maps, buffer, span = op.maps, op.buffer.type, op.span.record
        assert isinstance(buffer, tile.MapsBufferType) and isinstance(op.buffer.owner, tile.BufferOp)
        columns = op.columns_at(indices)
        pixel = maps.pixel.data
        pixels = op.channels.value.data == pixel == buffer.pixel.data
        rows_too = pixels and len(columns) == maps.width.data and maps.row == buffer.row
        builder = LoopBuilder()
        builder.add(loop.WaitOp(("mac", "max", *(("load",) if op in self.in_place else ()))))
        start = slot_address(op.buffer, tile.resolve(op.address("slot")))
        first = tile.resolve(op.address("row")) * maps.row.data + tile.resolve(op.address("column")) * pixel
        first = first + tile.resolve(op.address("channel"))
        moves = 0
        for cu in range(machine.compute_units):
            rows, words = op.rows_at(indices, cu), op.channels_at(indices, cu)
            if not rows or not columns or not words:
                continue
            if rows_too:
                height, width, words = 1, 1, len(rows) * maps.row.data
            elif pixels:
                height, width, words = len(rows), 1, len(columns) * pixel
            else:
                height, width = len(rows), len(columns)
            target = first + cu * (span.share * maps.row.data + op.share.value.data)
            with builder.loop(0, height) as row, builder.loop(0, width) as column:
                builder.add(
                    loop.StoreOp(
                        start + row * buffer.row.data + column * buffer.pixel.data,
                        cu,
                        op.region_value,
                        in_units(target + row * maps.row.data + column * pixel, transfer),
                        round_up(words, transfer) // transfer,
                    )
                )
            moves += height * width
        # The next tile may be computed while this one is stored, and this one only, when it goes to the other slot.
        pending = 0 if op in self.in_the_way else moves
        builder.add(loop.WaitOp(("move",), min(pending, MAX_PENDING)))
        replace(op, builder, rewriter)


class LowerFor(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.ForOp, rewriter: PatternRewriter) -> None:
        body = rewriter.move_region_contents_to_new_regions(op.body)
        rewriter.replace(op, located(loop.ForOp(op.iterations.start, op.iterations.stop, body), op.location))


class LowerLayer(RewritePattern):
    """A layer begins when what the layers before it stored has arrived in memory, and all that they loaded in the
    buffers, which it uses as it likes."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.LayerOp, rewriter: PatternRewriter) -> None:
        wait = located(loop.WaitOp(loop.WaitOp.UNITS), op.location)
        rewriter.insert(wait, InsertPoint.at_start(op.body.block))
        body = rewriter.move_region_contents_to_new_regions(op.body)
        rewriter.replace(op, located(loop.LayerOp(op.kind.data, body), op.location))


class EraseUnused(RewritePattern):
    """Buffers and indices are part of the addresses now."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: tile.BufferOp, rewriter: PatternRewriter) -> None:
        if not op.result.uses:
            rewriter.erase(op)


def stores_in_the_way(module: ModuleOp) -> set[tile.StoreOp]:
    """The stores whose slot holds the results of the very next tile too, in any iteration of the loops around them."""
    return {
        store
        for layer in module.walk()
        if isinstance(layer, tile.LayerOp)
        for (store, slot), (_, next_slot) in pairwise(_executed_stores(layer.body.block, {}))
        if slot == next_slot
    }


def transfers_in_place(module: ModuleOp) -> set[tile.TiledOp]:
    """The loads and stores of the layers that copy from one part of a concatenation to another.

    Rows that a CU loads behind its own, or for nothing, are in memory those of the next CU, which stores them.
    """
    found: set[tile.TiledOp] = set()
    for layer in module.walk():
        if isinstance(layer, tile.LayerOp):
            loads = {op: _memory(op.region_value) for op in layer.walk() if isinstance(op, tile.LoadOp)}
            stores = {op: _memory(op.region_value) for op in layer.walk() if isinstance(op, tile.StoreOp)}
            shared = set(loads.values()) & set(stores.values())
            found |= {op for op, memory in (*loads.items(), *stores.items()) if memory in shared}
    return found


def _memory(region: SSAValue) -> SSAValue:
    """The region that a view is a part of."""
    return region.owner.region if isinstance(region.owner, tile.ViewOp) else region


def _executed_stores(block: Block, indices: dict[SSAValue, int]) -> Iterator[tuple[tile.StoreOp, int]]:
    """The stores in the order in which they execute, each with its slot."""
    for op in block.ops:
        if isinstance(op, tile.StoreOp):
            yield op, op.number("slot", indices)
        elif isinstance(op, tile.ForOp):
            for index in op.iterations:
                yield from _executed_stores(op.body.block, {**indices, op.index: index})


def wait_for_readers(op: Operation, builder: LoopBuilder, others: tuple[str, ...] = ()) -> None:
    """Waits until no queued instruction reads what a load is about to overwrite, and for `others`."""
    if others or not isinstance(op.prev_op, loop.LoadOp):
        builder.add(loop.WaitOp(("mac", "max", *others)))
