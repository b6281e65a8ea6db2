"""tile to loop: buffers become addresses, tiles become loops over rows, columns, kernels and traces.

One rule an operation; lowering/traces.py has those of what computes. The order of things, and what waits for what, is
that of the tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from itertools import groupby, pairwise
from typing import NamedTuple

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.legality import check_removed
from lowering.load_units import LoadUnits
from lowering.loop_builder import LoopBuilder, cu_runs, in_units, slot_address
from lowering.traces import compute
from snowdialect.dialects import loop, tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import fail, located
from snowdialect.dialects.target import machine_of
from snowdialect.layout import round_up
from snowdialect.machine.instructions import MAX_PENDING

STAYS = (
    tile.RegionOp,
    tile.ViewOp,
    tile.ReshapeOp,
    tile.WeightsOp,
    tile.AverageWeightsOp,
    tile.WriteOp,
    tile.ReadOp,
)


@dataclass(frozen=True)
class ConvertTileToLoopPass(ModulePass):
    """Lowers the layers; regions, packed weights and what the host reads and writes stay."""

    name = "convert-tile-to-loop"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        units = LoadUnits(machine_of(op))
        for layer in op.body.block.ops:
            if isinstance(layer, tile.LayerOp):
                Rewriter.replace_op(layer, _lowered_layer(layer, units))
        check_removed(op, self.name, ("tile",), legal=STAYS)


def _lowered_layer(op: tile.LayerOp, units: LoadUnits) -> loop.LayerOp:
    """A layer begins when what the layers before it stored has arrived in memory, and all that they loaded in the
    buffers, which it uses as it likes. One that overlaps them has its own waits."""
    block = op.body.block
    buffers = [inner for inner in block.ops if isinstance(inner, tile.BufferOp)]
    _lower_block(block, units)
    for buffer in buffers:  # They are part of the addresses now.
        Rewriter.erase_op(buffer)
    waits = [] if op.overlaps else [located(loop.WaitOp(loop.WaitOp.UNITS), op.location)]
    Rewriter.insert_op([*waits, *_hoisted(op)], InsertPoint.at_start(block))
    return located(loop.LayerOp(op.kind.data, op.detach_region(op.body)), op.location)


def _lower_block(block: Block, units: LoadUnits) -> None:
    """Puts what each operation becomes behind all others of the block, and takes the operation away from the front."""
    for op in [op for op in block.ops if not isinstance(op, tile.BufferOp)]:
        _lower(op, LoopBuilder(block, op.location), units)
        Rewriter.erase_op(op)


@singledispatch
def _lower(op: Operation, builder: LoopBuilder, units: LoadUnits) -> None:
    """Adds what an operation becomes."""
    fail(op, "there is no rule for it in a layer")


@_lower.register
def _(op: tile.ForOp, builder: LoopBuilder, units: LoadUnits) -> None:
    _lower_block(op.body.block, units)
    builder.add(loop.ForOp(op.iterations.start, op.iterations.stop, op.detach_region(op.body)))


@_lower.register
def _(op: tile.WaitOp, builder: LoopBuilder, units: LoadUnits) -> None:
    builder.add(loop.WaitOp(op.names, min(op.pending.value.data, MAX_PENDING)))


@_lower.register
def _(op: tile.ComputeOp, builder: LoopBuilder, units: LoadUnits) -> None:
    compute(op, builder)


class Stream(NamedTuple):
    """Loads of rows of a tile that one unit makes one after the other."""

    source: IndexExpr
    target: IndexExpr
    loads: int
    words: int
    """Words of each load."""
    cus: int
    unit: int


def _ends(op: tile.TransferOp) -> tuple[IndexExpr, IndexExpr]:
    """Where a transfer begins in local row 0 of its tile: the word of the buffer, and that of the region for CU 0."""
    column, buffer = op.first_column(tile.outer_indices(op)), op.tile_buffer.type
    assert isinstance(buffer, tile.MapsBufferType)
    return slot_address(op.tile_buffer, op.address("slot")) + column * buffer.pixel.data, op.place(column)


@_lower.register
def _(op: tile.LoadOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """Rows in one piece where they lie in a row, else row by row, in turns through the units."""
    _add_loads(op, _streams(op, units), builder)


def _streams(op: tile.LoadOp, units: LoadUnits) -> list[Stream]:
    machine, indices = machine_of(op), tile.outer_indices(op)
    maps, buffer, span = op.maps, op.buffer.type, op.span.record
    assert isinstance(buffer, tile.MapsBufferType)
    slot, place = _ends(op)
    masks = [1 << cu for cu in range(machine.compute_units) if span.cus >> cu & 1] if span.share else [span.cus]
    if cuts := units.row_cuts(op):
        return _cut_rows(op, cuts, place, slot)
    streams: list[Stream] = []
    for mask in masks:
        cu = (mask & -mask).bit_length() - 1
        whole, pieces = op.rows_at(indices, cu), op.pieces_at(indices, cu)
        joined = units.row_transfers(op) > 0
        for part, unit in units.maps(op, whole, cu) if pieces.number else ():
            first = place + cu * span.share * maps.row.data
            if joined:
                offset = part.start * machine.transfer_words
                words = len(part) * machine.transfer_words
                streams.append(Stream(first + offset, slot + offset, 1, words, mask, unit))
                continue
            loads = min(pieces.rows, len(part))
            words = pieces.words * pieces.rows * len(part) // (len(whole) * loads)
            streams.append(
                Stream(
                    first + part.start * maps.row.data,
                    slot + part.start * buffer.row.data,
                    loads,
                    round_up(words, machine.transfer_words),
                    mask,
                    unit,
                )
            )
    return streams


def _cut_rows(op: tile.LoadOp, cuts: list[range], place: IndexExpr, slot: IndexExpr) -> list[Stream]:
    """Rows for all CUs, of which each unit loads its part."""
    indices, buffer, cus = tile.outer_indices(op), op.buffer.type, op.span.record.cus
    assert isinstance(buffer, tile.MapsBufferType)
    rows, pieces = op.rows_at(indices, 0), op.pieces_at(indices, 0)
    begin = op.columns_at(indices).start * buffer.pixel.data
    end = begin + round_up(pieces.words, machine_of(op).transfer_words)
    streams: list[Stream] = []
    for unit, cut in enumerate(cuts):
        first, stop = max(begin, cut.start), min(end, cut.stop)
        if rows and first < stop:
            source = place + rows.start * op.maps.row.data + (first - begin)
            target = slot + rows.start * buffer.row.data + (first - begin)
            streams.append(Stream(source, target, len(rows), stop - first, cus, unit))
    return streams


def _add_loads(op: tile.LoadOp, streams: Sequence[Stream], builder: LoopBuilder) -> None:
    """The loads of all streams, one of each at a time, so that no unit waits for another one's queue."""
    machine, maps, buffer = machine_of(op), op.maps, op.buffer.type
    assert isinstance(buffer, tile.MapsBufferType)
    for first, stop in pairwise(sorted({0, *(stream.loads for stream in streams)})):
        with builder.loop(first, stop) as row:
            for stream in streams:
                if stream.loads > first:
                    builder.add(
                        loop.LoadOp(
                            op.region_value,
                            in_units(stream.source + row * maps.row.data, machine.transfer_words),
                            loop.Buffer.MBUF,
                            stream.target + row * buffer.row.data,
                            stream.words // machine.transfer_words,
                            stream.cus,
                            stream.unit,
                        )
                    )


@_lower.register
def _(op: tile.LoadPixelsOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """A load for each pixel of each CU, CUs in turns, each through its own unit."""
    machine, indices = machine_of(op), tile.outer_indices(op)
    maps, buffer = op.maps, op.buffer.type
    assert isinstance(buffer, tile.MapsBufferType)
    slot, place = _ends(op)
    cus = [cu for cu in range(machine.compute_units) if op.span.record.cus >> cu & 1]
    pieces = {cu: op.pieces_at(indices, cu) for cu in cus}
    # CUs have as many rows as each other, but for the last ones.
    for first, stop in pairwise(sorted({0, *(piece.rows for piece in pieces.values())})):
        columns = next(piece.columns for piece in pieces.values() if piece.rows > first)
        with builder.loop(first, stop) as row, builder.loop(0, columns) as pixel:
            for cu in cus:
                if pieces[cu].rows <= first:
                    continue
                top = op.first_row(indices, cu)
                source = place + (top + cu * op.span.record.share + row) * maps.row.data
                source += pixel * maps.pixel.data + cu * op.share.value.data
                builder.add(
                    loop.LoadOp(
                        op.region_value,
                        in_units(source, machine.transfer_words),
                        loop.Buffer.MBUF,
                        slot + (top + row) * buffer.row.data + pixel * buffer.pixel.data,
                        pieces[cu].words // machine.transfer_words,
                        1 << cu,
                        units.pixels(op, cu),
                    )
                )


class KernelLoad(NamedTuple):
    """A load of kernels, for CUs that follow a loop index: for index 0."""

    source: int
    """Where it begins, in the first kernel tile."""
    vmac: int
    words: int
    cus: int
    unit: int


@_lower.register
def _(op: tile.LoadWeightsOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """One load for each weights buffer that has kernels of its own, CU by CU."""
    machine, runs = machine_of(op), op.runs(0)
    target = slot_address(op.buffer, op.address("slot")) + runs[0].target
    tile_start = op.address("tile") * (op.runs(1)[0].source - runs[0].source)
    of_cus = {cu: list(members) for cu, members in groupby(runs, key=lambda run: run.cus[0])}
    starts = [members[0].source for members in of_cus.values()]
    pitch = starts[1] - starts[0] if len(starts) > 1 else 0
    loads = {cu: _kernel_loads(op, members, cu, pitch, units) for cu, members in of_cus.items()}
    for cus in cu_runs(loads, max(map(len, loads.values()))):
        with builder.loop(cus.start, cus.stop) as cu:
            for load in loads[cus.start]:
                builder.add(
                    loop.LoadOp(
                        op.packed,
                        in_units(tile_start + cu * pitch + load.source, machine.transfer_words),
                        loop.Buffer.of_vmac(load.vmac),
                        target,
                        load.words // machine.transfer_words,
                        load.cus << cu.constant,
                        load.unit,
                        *cu.indices(),
                    )
                )


@_lower.register
def _(op: tile.LoadBiasesOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """One load for all CUs, or one for each that has biases of its own."""
    machine, target = machine_of(op), slot_address(op.buffer, op.address("slot"))
    for number, run in enumerate(op.runs()):
        builder.add(
            loop.LoadOp(
                op.packed,
                in_units(IndexExpr(run.source), machine.transfer_words),
                loop.Buffer.MBUF,
                target,
                run.words // machine.transfer_words,
                run.cus,
                number % machine.load_units,
            )
        )


def _kernel_loads(
    op: tile.LoadWeightsOp, runs: Sequence[tile.WeightsRun], cu: int, pitch: int, units: LoadUnits
) -> tuple[KernelLoad, ...]:
    """What a CU gets, and others with it, where the kernels of CUs are `pitch` words apart."""
    return tuple(
        KernelLoad(
            run.source - cu * pitch,
            run.vmac,
            run.words,
            sum(1 << other - cu for other in run.cus),
            units.weights(op, run),
        )
        for run in runs
    )


@_lower.register
def _(op: tile.StoreOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """A tile in one piece where its rows lie in a row in memory, else row by row, else pixel by pixel; CU by CU."""
    machine, indices = machine_of(op), tile.outer_indices(op)
    maps, buffer = op.maps, op.buffer.type
    assert isinstance(buffer, tile.MapsBufferType)
    slot, place = _ends(op)
    pitch = op.span.record.share * maps.row.data + op.share.value.data
    kinds = {
        cu: (op.first_row(indices, cu), pieces)
        for cu in range(machine.compute_units)
        if (pieces := op.pieces_at(indices, cu)).number
    }
    for cus in cu_runs(kinds, max((pieces.number for _, pieces in kinds.values()), default=0)):
        first, pieces = kinds[cus.start]
        source = slot + first * buffer.row.data + op.first_word
        with (
            builder.loop(cus.start, cus.stop) as cu,
            builder.loop(0, pieces.rows) as row,
            builder.loop(0, pieces.columns) as pixel,
        ):
            target = place + (row + first) * maps.row.data + pixel * maps.pixel.data + cu * pitch
            builder.add(
                loop.StoreOp(
                    source + row * buffer.row.data + pixel * buffer.pixel.data,
                    cu.constant,
                    op.region_value,
                    in_units(target, machine.transfer_words),
                    round_up(pieces.words, machine.transfer_words) // machine.transfer_words,
                    *cu.indices(),
                )
            )


@_lower.register
def _(op: tile.MoveOp, builder: LoopBuilder, units: LoadUnits) -> None:
    """As much at a time as lies in a row on both sides; CUs in the order in which one moves its words on before it gets
    those of its neighbour."""
    machine, span, pieces = machine_of(op), op.span.record, op.pieces
    source_layout, target_layout = op.layouts
    source, target = op.start("source"), op.start("target")
    cus = range(machine.compute_units)
    for cu in cus if op.down.value.data >= 0 else reversed(cus):
        if not span.cus >> cu & 1:
            continue
        with builder.loop(0, pieces.rows) as row, builder.loop(0, pieces.columns) as column:
            builder.add(
                loop.MoveOp(
                    source + row * source_layout.row.data + column * source_layout.pixel.data,
                    cu,
                    target + row * target_layout.row.data + column * target_layout.pixel.data,
                    cu - op.down.value.data,
                    pieces.words // machine.line_words,
                )
            )


def _hoisted(op: tile.LayerOp) -> list[Operation]:
    """The registers that every tile of a layer sets to the same value, to be set once; takes them out of the tiles."""
    configs = [inner for inner in op.body.walk() if isinstance(inner, loop.ConfigOp)]
    hoisted: list[Operation] = []
    for register in dict.fromkeys(config.register.data for config in configs):
        mine = [config for config in configs if config.register.data is register]
        if not _agree(mine):
            continue
        first = {_setting(config): config for config in reversed(mine)}
        hoisted += [located(first[key].clone(), op.location) for key in dict.fromkeys(map(_setting, mine))]
        for config in mine:
            Rewriter.erase_op(config)
    return hoisted


def _agree(configs: Sequence[loop.ConfigOp]) -> bool:
    """Whether no CU has a register at different values at different times."""
    values: dict[int, set[int]] = {}
    for value, cus in map(_setting, configs):
        for cu in range(cus.bit_length()):
            if cus >> cu & 1:
                values.setdefault(cu, set()).add(value)
    return all(len(found) == 1 for found in values.values())


def _setting(config: loop.ConfigOp) -> tuple[int, int]:
    """The value and the mask of CUs; 1 for a register that all have in common."""
    return config.value.value.data, 1 if config.cus is None else config.cus.value.data
