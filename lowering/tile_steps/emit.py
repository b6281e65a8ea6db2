"""Operations of a layer's tile program, with what the roles of its operands stand for in place of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation, Region, SSAValue

from lowering.tile_steps import steps
from lowering.tile_steps.conv import Conv
from lowering.tile_steps.layer import Load, LoadWeights, Move, Store, TileProgram
from lowering.tile_steps.order import Wait
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.roll import Leaf, Loop, Node, numbers_of
from lowering.tile_steps.steps import Buffer, Role, Template
from lowering.tile_steps.words import Add, AvgPool
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr

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

    def regions(self) -> steps.Maps:
        """The regions by their roles, as steps know them."""
        memories: dict[SSAValue, Role] = {}

        def region(role: Role, value: SSAValue) -> steps.Region:
            assert isinstance(value.type, tile.MapsType)
            return steps.Region(role, value.type.layout, memories.setdefault(tile.whole_region(value), role))

        return steps.Maps(
            region(Role.MAPS, self.maps),
            None if self.other is None else region(Role.OTHER, self.other),
            region(Role.RESULT, self.result),
        )


def layer_op(kind: str, program: TileProgram, operands: Operands) -> tile.LayerOp:
    """The layer of a tile program."""
    block = Block()
    named = {Role.MAPS: operands.maps, Role.RESULT: operands.result}
    if operands.other is not None:
        named[Role.OTHER] = operands.other
    if operands.packed is not None:
        named[Role.PACKED] = operands.packed
    for buffer in program.buffers:
        op = _buffer_op(buffer)
        block.add_op(op)
        named[buffer.role] = op.result
    emit(program.nodes, block, lambda template, numbers: _operation(template, numbers, named, operands))
    return tile.LayerOp(kind, Region(block))


def _buffer_op(buffer: Buffer) -> tile.BufferOp:
    place = buffer.place
    weights = buffer.role is Role.WEIGHTS
    kind = tile.WeightsBufferType(buffer.unit) if weights else tile.MapsBufferType(buffer.unit, place.row)
    return tile.BufferOp(place.words, place.start, place.slots, place.stride, kind)


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
    match template:
        case Wait():
            return tile.WaitOp([unit.value for unit in template.units], template.pending)
        case Load():
            row, column, slot = numbers
            return tile.LoadOp(named[template.region], row, column, named[template.buffer], slot, template.span)
        case LoadWeights():
            number, slot = numbers
            return tile.LoadWeightsOp(
                named[Role.PACKED], number, template.part, named[Role.WEIGHTS], slot, template.cus
            )
        case Store():
            slot, row, column, channel, part_row, part_column = numbers
            return tile.StoreOp(
                named[template.buffer],
                slot,
                named[Role.RESULT],
                row,
                column,
                channel,
                part_row,
                part_column,
                template.words,
                template.share,
                template.limit,
                template.span,
            )
        case Move():
            source_slot, source_row, source_column, source_word, *target = numbers
            target_slot, target_row, target_column, target_word = target
            return tile.MoveOp(
                named[template.source],
                source_slot,
                source_row,
                source_column,
                source_word,
                named[template.target],
                target_slot,
                target_row,
                target_column,
                target_word,
                template.span,
                template.words,
                template.down,
            )
        case _:
            return _computation(template, numbers, named, operands)


def _computation(
    template: Template, numbers: Sequence[IndexExpr], named: Mapping[Role, SSAValue], operands: Operands
) -> Operation:
    if isinstance(template, Conv):
        maps_slot, weights_slot, result_slot, row, column, channel, offset, *places = numbers
        result_row, result_word, part_row, part_column = places
        return tile.ConvOp(
            template.mode,
            named[Role.MAPS_TILE],
            maps_slot,
            named[Role.WEIGHTS],
            weights_slot,
            named[Role.OTHER_TILE] if template.bypass else None,
            named[Role.RESULT_TILE],
            result_slot,
            row,
            column,
            channel,
            offset,
            result_row,
            result_word,
            part_row,
            part_column,
            template.span,
            template.window,
            template.kernels,
            operands.shifts,
            operands.relu,
            template.unrolled,
        )
    if not isinstance(template, MaxPool | AvgPool | Add):
        raise TypeError(f"{template} is no step of a layer")
    maps_slot, result_slot, row, column, part_row, part_column = numbers
    place = row, column, part_row, part_column, template.span, template.window, template.pixels
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
