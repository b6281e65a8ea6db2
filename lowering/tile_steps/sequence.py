"""Fills the layers of a network with their tile programs, each with regard to the ones before it and behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from xdsl.ir import Block, Operation
from xdsl.traits import MemoryEffectKind, only_has_effect

from lowering.processes import available_processes, map_in_processes
from lowering.tile_steps.emit import Operands, fill
from lowering.tile_steps.layer import Form, LayerBuffers, TileProgram
from lowering.tile_steps.neighbours import Left, Neighbours, Swapped, best_swapped
from snowdialect.dialects import tile

LeftBefore = tuple[Left, ...] | None
"""What the layer before leaves pending when a layer begins; None: it is the first one."""

WORTH_IT = 400
"""A piece of a sequence has about as many steps at least: in so many it is faster in a process of its own."""


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
    around: list[Neighbours] = []
    for (before, steps), (behind, steps_behind) in pairwise(zip(layers, collected, strict=True)):
        read = behind.operands.stored_by(before.operands)
        around.append(Neighbours(first_loads=steps_behind.first_loads(steps, read), read_behind=read))
    programs = programs_of(collected, [*around, Neighbours()], form)
    for layer, behind, program in zip(layers, [*layers[1:], None], programs, strict=True):
        fill(layer.op, program, layer.operands, None if behind is None else (behind.op, behind.operands))
        for value in (operand for op in layer.op.walk() for operand in op.operands):
            if isinstance(value.owner, Operation) and value.owner.parent is layer.op.parent:
                _bring_forward(value.owner, layer.op)


def programs_of(layers: Sequence[LayerBuffers], around: Sequence[Neighbours], form: Form) -> list[TileProgram]:
    """The programs of layers that follow each other; `around` says what the layers behind want, not what is pending.

    A program follows from what the layer before leaves pending. But what a layer leaves seldom follows from what was
    left to it: so several processes take some layers in a row each, and guess what is left to the first of them. A
    piece whose guess was wrong is made again.
    """
    sequence = Following(layers, around, form)
    steps = [len(layer.steps) for layer in layers]
    pieces = cut(steps, min(available_processes(), sum(steps) // WORTH_IT))
    made = map_in_processes(sequence.guessed, pieces, len(pieces))
    programs: list[TileProgram] = []
    for piece, (guess, found) in zip(pieces, made, strict=True):
        left = programs[-1].left if programs else None
        programs += found if left == guess else sequence.programs(piece, left)
    return programs


def cut(steps: Sequence[int], count: int) -> list[range]:
    """Layers of so many steps in so many pieces, or fewer, of about as many steps each; in one at least."""
    *before, total = accumulate(steps, initial=0)
    pieces = groupby(range(len(steps)), lambda layer: before[layer] * count // total)
    return [range(first, first + 1 + len(others)) for _, (first, *others) in pieces]


@dataclass(frozen=True)
class Following:
    """Layers that follow each other, and for each what the one behind it wants."""

    layers: Sequence[LayerBuffers]
    around: Sequence[Neighbours]
    form: Form

    def guessed(self, piece: range) -> tuple[LeftBefore, list[TileProgram]]:
        """What is left to some layers if nothing was to the layer before, and their programs with that."""
        left = None
        if piece.start:
            (before,) = self.programs(range(piece.start - 1, piece.start), () if piece.start > 1 else None)
            left = before.left
        return left, self.programs(piece, left)

    def programs(self, piece: range, left: LeftBefore) -> list[TileProgram]:
        """The programs of some layers, the first of which begins with so much pending."""
        programs: list[TileProgram] = []
        for number in piece:
            programs.append(self.layers[number].program(self.around[number]._replace(left=left), self.form))
            left = programs[-1].left
        return programs


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
