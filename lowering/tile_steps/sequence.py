"""Fills the layers of a network with their tile programs, each with regard to the ones before it and behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from xdsl.ir import Block, Operation
from xdsl.traits import MemoryEffectKind, only_has_effect

from lowering.tile_steps.emit import Operands, fill
from lowering.tile_steps.layer import Form, LayerBuffers
from lowering.tile_steps.neighbours import Neighbours, Swapped, best_swapped
from snowdialect.dialects import tile


class Layer(NamedTuple):
    """A layer that is still empty, and what it will hold."""

    op: tile.LayerOp
    operands: Operands
    steps: Callable[[Swapped], LayerBuffers]


def sequences(block: Block, layers: Iterable[Layer]) -> list[list[Layer]]:
    """The layers in the order of their block, those together that the host does nothing between."""
    empty = {layer.op: layer for layer in layers}
    found: list[list[Layer]] = [[]]
    for op in block.ops:
        if isinstance(op, tile.LayerOp) and op in empty:
            found[-1].append(empty[op])
        elif found[-1] and not only_has_effect(op, MemoryEffectKind.ALLOC):
            found.append([])
    return [sequence for sequence in found if sequence]


def fill_sequence(layers: Sequence[Layer], form: Form) -> None:
    """Fills layers that follow each other; each begins while the one before it is still at work."""
    planned = [layer.steps(Swapped()) for layer in layers]
    ends = [planned[0].outermost(None, ())]
    for before, behind in pairwise(zip(layers, planned, strict=True)):
        ends.append(behind[1].outermost(before[1], behind[0].operands.stored_by(before[0].operands)))
    swapped = best_swapped(ends)
    collected = [layer.steps(turn) for layer, turn in zip(layers, swapped, strict=True)]
    neighbours = Neighbours()
    for number, (layer, steps) in enumerate(zip(layers, collected, strict=True)):
        behind = layers[number + 1] if number + 1 < len(layers) else None
        if behind is not None:
            read = behind.operands.stored_by(layer.operands)
            first_loads = collected[number + 1].first_loads(steps, read)
            neighbours = neighbours._replace(first_loads=first_loads, read_behind=read)
        program = steps.program(neighbours, form)
        fill(layer.op, program, layer.operands, None if behind is None else (behind.op, behind.operands))
        neighbours = Neighbours(program.left)
        for value in (operand for op in layer.op.walk() for operand in op.operands):
            if isinstance(value.owner, Operation) and value.owner.parent is layer.op.parent:
                _bring_forward(value.owner, layer.op)


def _bring_forward(op: Operation, place: Operation) -> None:
    """Moves what an operation needs, which computes nothing at run time, and itself before another one."""
    if op.parent is not place.parent or op.is_before_in_block(place):
        return
    for operand in op.operands:
        if isinstance(operand.owner, Operation):
            _bring_forward(operand.owner, place)
    op.detach()
    assert place.parent is not None
    place.parent.insert_op_before(op, place)
