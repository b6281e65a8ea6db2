"""Operations of a layer's tile program, with what the roles of its operands stand for in place of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import UnitAttr, UnknownLoc
from xdsl.ir import Block, Operation, SSAValue

from lowering.tile_steps import steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadBiases, LoadPixels, LoadWeights, Move, Store, TileProgram
from lowering.tile_steps.neighbours import Ahead, Stored
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.roll import Leaf, Loop, Node, numbers_of
from lowering.tile_steps.steps import Buffer, Role, Template
from lowering.tile_steps.waits import Wait
from lowering.tile_steps.words import Add, AvgPool
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located

Build = Callable[[Template, Sequence[IndexExpr]], Operation]
"""Makes the operation of a template with these numbers."""


@dataclass(frozen=True)
class Operands:
    """What a layer works on: its regions, packed weights where it has any, and what it does with its sums."""

    maps: SSAValue
    other: SSAValue | None
    result: SSAValue
    shifts: tile.Shifts = tile.Shifts(0, 0, 0)
    relu: bool = False
    packed: SSAValue | None = None
    siblings: tuple[SSAValue, ...] = ()
    """Further results, of the other convolutions that are computed with it."""

    @property
    def results(self) -> tuple[SSAValue, ...]:
        """All results."""
        return self.result, *self.siblings

    def named(self) -> dict[Role, SSAValue]:
        """The values by their roles."""
        values = {Role.MAPS: self.maps, Role.OTHER: self.other, Role.RESULT: self.result, Role.PACKED: self.packed}
        return {role: value for role, value in values.items() if value is not None}

    def stored_by(self, before: Operands) -> frozenset[Stored]:
        """What the layer before stores of the maps that this one reads."""
        maps = {Role.MAPS: self.maps, Role.OTHER: self.other}
        stored = [tile.whole_region(result) for result in before.results]
        read = ((role, tile.whole_region(value)) for role, value in maps.items() if value is not None)
        return frozenset(Stored(role, stored.index(whole)) for role, whole in read if whole in stored)

    def regions(self) -> steps.Maps:
        """The regions by their roles, as steps know them."""
        memories: dict[SSAValue, tuple[Role, int]] = {}

        def region(role: Role, value: SSAValue, number: int = 0) -> steps.Region:
            assert isinstance(value.type, tile.MapsType)
            memory, of_results = memories.setdefault(tile.whole_region(value), (role, number))
            return steps.Region(role, value.type.layout, memory, tile.region_start(value), of_results)

        return steps.Maps(
            region(Role.MAPS, self.maps),
            None if self.other is None else region(Role.OTHER, self.other),
            region(Role.RESULT, self.result),
            tuple(region(Role.RESULT, value, 1 + number) for number, value in enumerate(self.siblings)),
        )


def fill(
    layer: tile.LayerOp, program: TileProgram, operands: Operands, behind: tuple[tile.LayerOp, Operands] | None
) -> None:
    """Puts a tile program into its layer. Loads for the layer `behind` have the location of that one."""
    block = layer.body.block
    named = operands.named()
    for buffer in program.buffers:
        block.add_op(op := _buffer_op(buffer, ahead=False))
        named[buffer.role] = op.result
    named_behind: dict[Role, SSAValue] = {}
    if behind is not None:
        named_behind = behind[1].named()
        for buffer in program.ahead:
            block.add_op(op := located(_buffer_op(buffer, ahead=True), behind[0].location))
            named_behind[buffer.role] = op.result
    layer.overlaps = UnitAttr() if program.overlaps else None

    def build(template: Template, numbers: Sequence[IndexExpr]) -> Operation:
        if behind is not None and isinstance(template, Ahead):
            return located(_operation(template.load, numbers, named_behind, behind[1]), behind[0].location)
        return _operation(template, numbers, named, operands)

    emit(program.nodes, block, build)
    for op in layer.body.walk():
        if isinstance(op.location, UnknownLoc):
            op.location = layer.location


def _buffer_op(buffer: Buffer, ahead: bool) -> tile.BufferOp:
    place = buffer.place
    weights = buffer.role is Role.WEIGHTS
    kind = tile.WeightsBufferType(buffer.unit) if weights else tile.MapsBufferType(buffer.unit, place.row)
    return tile.BufferOp(place.words, place.start, place.slots, place.stride, kind, ahead)


def emit(nodes: Sequence[Node], block: Block, build: Build) -> None:
    """Adds the operations of the nodes to a block."""
    _emit(nodes, [IndexExpr(number) for number in numbers_of(nodes)], block, build)


def _emit(nodes: Sequence[Node], numbers: list[IndexExpr], block: Block, build: Build) -> None:
    first = 0
    for node in nodes:
        mine = numbers[first : first + len(node.numbers)]
        first += len(node.numbers)
        if isinstance(node, Loop):
            op = tile.ForOp(0, node.count)
            block.add_op(op)
            index = IndexExpr.index(op.index)
            inner = [
                number + index * change.linear + index.mod2() * change.parity
                for number, change in zip(mine, node.changes, strict=True)
            ]
            _emit(node.body, inner, op.body.block, build)
        elif isinstance(node, Leaf):
            block.add_op(build(node.template, mine))


def _operation(
    template: Template, numbers: Sequence[IndexExpr], named: Mapping[Role, SSAValue], operands: Operands
) -> Operation:
    at = template.named(numbers)
    match template:
        case Wait():
            return tile.WaitOp([unit.value for unit in template.units], template.pending)
        case Load():
            region, buffer = named[template.region], named[template.buffer]
            return tile.LoadOp(region, at["row"], at["column"], buffer, at["slot"], template.span)
        case LoadPixels():
            region, words, share = named[template.region], template.words, template.share
            return tile.LoadPixelsOp(named[template.buffer], region, tile.PixelPlace(**at), words, share, template.span)
        case LoadWeights():
            packed, weights = named[Role.PACKED], named[Role.WEIGHTS]
            piece = template.piece, template.pieces
            return tile.LoadWeightsOp(packed, at["tile"], template.part, weights, at["slot"], template.cus, *piece)
        case LoadBiases():
            return tile.LoadBiasesOp(named[Role.PACKED], named[Role.BIASES], at["slot"], template.cus)
        case Store():
            return tile.StoreOp(
                named[template.buffer],
                operands.results[template.piece.result],
                tile.PixelPlace(**at),
                template.words,
                template.share,
                template.limit,
                template.span,
                template.piece.first,
            )
        case Move():
            return tile.MoveOp(
                named[template.source],
                at["source_slot"],
                at["source_row"],
                at["source_column"],
                at["source_word"],
                named[template.target],
                at["target_slot"],
                at["target_row"],
                at["target_column"],
                at["target_word"],
                template.span,
                template.words,
                template.down,
            )
        case _:
            return _computation(template, at, named, operands)


def _computation(
    template: Template, at: Mapping[str, IndexExpr], named: Mapping[Role, SSAValue], operands: Operands
) -> Operation:
    if isinstance(template, Conv):
        return tile.ConvOp(
            template.mode,
            named[Role.MAPS_TILE],
            at["maps_slot"],
            named[Role.WEIGHTS],
            at["weights_slot"],
            named[Role.BIASES] if template.biases else None,
            named[Role.OTHER_TILE] if template.bypass else None,
            template.sliced,
            named[Role.RESULT_TILE],
            at["result_slot"],
            at["row"],
            at["column"],
            at["channel"],
            at["offset"],
            at["result_row"],
            at["result_word"],
            at["part_row"],
            at["part_column"],
            template.span,
            template.window,
            template.kernels,
            operands.shifts,
            operands.relu,
            template.unrolled,
        )
    if not isinstance(template, MaxPool | AvgPool | Add):
        raise TypeError(f"{template} is no step of a layer")
    maps_slot, result_slot = at["maps_slot"], at["result_slot"]
    first = at["row"], at["column"], at["part_row"], at["part_column"]
    place = *first, template.span, template.window, template.pixels
    match template:
        case MaxPool():
            return tile.MaxPoolOp(
                named[template.maps],
                maps_slot,
                named[template.result],
                result_slot,
                *place,
            )
        case AvgPool():
            return tile.AvgPoolOp(
                named[Role.MAPS_TILE],
                maps_slot,
                named[Role.RESULT_TILE],
                result_slot,
                *place,
                named[Role.WEIGHTS],
                template.row_classes,
                template.column_classes,
                operands.shifts,
            )
        case Add():
            return tile.AddOp(
                named[Role.MAPS_TILE],
                named[Role.OTHER_TILE] if template.other else None,
                maps_slot,
                named[Role.RESULT_TILE],
                result_slot,
                *place,
                operands.shifts,
                operands.relu,
            )
