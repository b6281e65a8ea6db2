"""A part of cnn-choose-schedule: concatenated maps lie row by row, not pixel by pixel, where that is quicker.

Each part of a concatenation is stored into its place in every pixel, in a transfer for each. A layer that computes for
a shorter time than these take waits for them: 1x1 convolutions over few channels do, as in the fire modules of
SqueezeNet. Where all parts have as many channels, their rows may lie in turns instead, and are stored whole. The
kernels of a convolution of such maps have their rows in turns as well:

    %c = cnn.concat %a, %b                      // of 1x64x55x55 each: 1x128x55x55
    %y = cnn.conv2d %c, %w                      // kernels of 128x1x1

    %c = cnn.interleave %a, %b                  // 1x64x110x55
    %v = cnn.interleave_kernels %w {parts = 2}  // kernels of 64x2x1
    %y = cnn.conv2d %c, %v {strides = [2, 1]}

No bit of a result changes: sums have the same products, in another order.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.conv_tiling import ConvProblem
from lowering.costs import limit_cycles
from lowering.layouts import placement, whole_pixel
from lowering.problems import Costs, conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.cnn.base import integers
from snowdialect.dialects.locations import located
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.machine import Machine

MOST_LOST = 0.02
"""Each reader may cost more by this part, about as much as estimates are wrong ..."""
LITTLE = 0.1
"""... or all together by so much of what the makers win: fewer, longer rows are shared out less evenly."""
WORTH_IT = 0.02
"""Where the transfers of pixels take less than this part of what makers compute, there is nothing to win."""


def interleave_concats(module: ModuleOp, machine: Machine, costs: Costs | None = None) -> None:
    """Puts the rows of the parts in turns in all concatenations where makers and readers cost less by that in all;
    without `costs` in all that can be."""
    concats = [op for op in module.body.block.ops if isinstance(op, cnn.ConcatOp) and _can_be_interleaved(op, machine)]
    if costs is None:
        for op in concats:
            _Turns(op).settle()
        return
    promising = [op for op in concats if _is_worth_it(op, machine)]
    layers = [_Layers([*map(_maker, op.inputs)], _readers(op)) for op in promising]
    before = [each.problems(machine) for each in layers]
    turns = [*map(_Turns, promising)]
    after = [each.problems(machine) for each in layers]
    cost = costs([problem for each in (*before, *after) for problem in each.all])
    for turn, now, then in zip(turns, before, after, strict=True):
        won = sum(cost[other] - cost[maker] for other, maker in zip(now.makers, then.makers, strict=True))
        readers = [(cost[other], cost[reader]) for other, reader in zip(now.readers, then.readers, strict=True)]
        lost = sum(turned - whole for whole, turned in readers)
        as_good = all(turned <= (1 + MOST_LOST) * whole for whole, turned in readers)
        if lost < won and (as_good or lost <= LITTLE * won):
            turn.settle()
        else:
            turn.undo()


class _Problems(NamedTuple):
    makers: list[ConvProblem]
    readers: list[ConvProblem]

    @property
    def all(self) -> list[ConvProblem]:
        """Those of all layers."""
        return self.makers + self.readers


class _Layers(NamedTuple):
    """The convolutions that make the parts of a concatenation, and those that read it."""

    makers: list[cnn.Conv2dOp]
    readers: list[cnn.Conv2dOp]

    def problems(self, machine: Machine) -> _Problems:
        """What is to be planned as they are now."""
        return _Problems(*([conv_problem(op, machine) for op in ops] for ops in self))


def _can_be_interleaved(op: cnn.ConcatOp, machine: Machine) -> bool:
    """Whether all parts of a concatenation are alike and made by convolutions, and only convolutions without a schedule
    read it."""
    shape = shape_of(op.inputs[0])
    if frac_of(op.result) is None or len(shape) != 4 or any(shape_of(part) != shape for part in op.inputs):
        return False
    _, channels, _, width = shape
    if whole_pixel(channels, machine) != channels or channels * width % machine.transfer_words:
        return False
    made = all(_is_made_for_it(part) and placement(part) == (op, place) for place, part in enumerate(op.inputs))
    return made and bool(op.result.uses) and all(_can_read(use.operation, use.index) for use in op.result.uses)


def _is_made_for_it(part: SSAValue) -> bool:
    """Whether a convolution makes a part that nothing else reads, be it by way of a max pool."""
    if isinstance(pool := part.owner, cnn.MaxPoolOp) and not pool.x.has_one_use():
        return False
    maker = _source(part)
    return part.has_one_use() and isinstance(maker, cnn.Conv2dOp) and ScheduleAttr.name not in maker.attributes


def _source(part: SSAValue) -> object:
    return part.owner.x.owner if isinstance(part.owner, cnn.MaxPoolOp) else part.owner


def _maker(part: SSAValue) -> cnn.Conv2dOp:
    assert isinstance(maker := _source(part), cnn.Conv2dOp)
    return maker


def _readers(op: cnn.ConcatOp) -> list[cnn.Conv2dOp]:
    return [use.operation for use in op.result.uses if isinstance(use.operation, cnn.Conv2dOp)]


def _can_read(reader: Operation, operand: int) -> bool:
    if not isinstance(reader, cnn.Conv2dOp) or operand != 0 or ScheduleAttr.name in reader.attributes:
        return False
    geometry = reader.geometry
    # The rows of a dilated kernel would be two distances apart.
    even = geometry.dilations[0] == 1 or shape_of(reader.weight)[2] == 1
    return geometry.groups == 1 and even and isinstance(reader.weight.owner, cnn.QuantizeOp)


def _is_worth_it(op: cnn.ConcatOp, machine: Machine) -> bool:
    """Whether the transfers of pixels take a part worth mentioning of what makers compute."""
    pixels = sum(prod(shape_of(part)[2:]) for part in op.inputs)
    computing = sum(limit_cycles(conv_problem(_maker(part), machine)) for part in op.inputs)
    return pixels * machine.transfer_overhead > WORTH_IT * computing


class _Turns:
    """A concatenation whose parts take turns, for now."""

    def __init__(self, op: cnn.ConcatOp) -> None:
        self.concat, self.parts, self.readers = op, tuple(op.inputs), _readers(op)
        self.before = [(reader.x, reader.weight, dict(reader.properties)) for reader in self.readers]
        self.made: list[Operation] = [located(cnn.InterleaveOp(self.parts), op.location)]
        self.made[0].results[0].name_hint = op.result.name_hint
        Rewriter.insert_op(self.made[0], InsertPoint.before(op))
        # A part has one place.
        op.operands = ()
        for reader in self.readers:
            self._turn(reader)

    def _turn(self, reader: cnn.Conv2dOp) -> None:
        parts, weight = len(self.parts), reader.weight.owner
        frac = frac_of(reader.weight)
        assert isinstance(weight, cnn.QuantizeOp) and frac is not None
        kernels = located(cnn.InterleaveKernelsOp(weight.x, parts), weight.location)
        quantized = located(cnn.QuantizeOp(kernels.result, frac), weight.location)
        quantized.result.name_hint = weight.result.name_hint
        Rewriter.insert_op((kernels, quantized), InsertPoint.before(reader))
        self.made[:0] = quantized, kernels
        (down, across), (top, left, bottom, right) = reader.geometry.strides, reader.geometry.pads
        reader.properties |= {
            "strides": integers((parts * down, across)),
            "pads": integers((parts * top, left, parts * bottom, right)),
            "dilations": integers((1, reader.geometry.dilations[1])),
        }
        reader.operands[0], reader.operands[1] = self.made[-1].results[0], quantized.result

    def settle(self) -> None:
        """It stays so."""
        Rewriter.erase_op(self.concat)
        for _, weight, _ in self.before:
            if not weight.uses and isinstance(weight.owner, Operation):
                Rewriter.erase_op(weight.owner)

    def undo(self) -> None:
        """It becomes what it was."""
        self.concat.operands = self.parts
        for reader, (x, weight, properties) in zip(self.readers, self.before, strict=True):
            reader.operands[0], reader.operands[1] = x, weight
            reader.properties = properties
        for op in self.made:
            Rewriter.erase_op(op)
