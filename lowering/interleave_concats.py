"""Concatenated maps lie row by row, not pixel by pixel, where that is quicker.

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

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.costs import limit_cycles
from lowering.layouts import placement, whole_pixel
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.cnn.base import integers
from snowdialect.dialects.locations import located
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.machine import Machine

MOST_LOST = 0.02
"""No reader may take longer by more than this part: about as much as estimates are wrong."""


def interleave_concats(module: ModuleOp, machine: Machine, wherever_possible: bool = False) -> None:
    """Puts the rows of the parts in turns in all concatenations that are stored in less time by that, or in all that
    can be."""
    for op in tuple(module.body.block.ops):
        if not isinstance(op, cnn.ConcatOp) or not _can_be_interleaved(op, machine):
            continue
        if wherever_possible or _saved_cycles(op, machine) > 0:
            _interleave(op)


def _can_be_interleaved(op: cnn.ConcatOp, machine: Machine) -> bool:
    """Whether convolutions make all parts of a concatenation, which are alike, and others, which have no schedule yet,
    read it."""
    shape = shape_of(op.inputs[0])
    if frac_of(op.result) is None or len(shape) != 4 or any(shape_of(part) != shape for part in op.inputs):
        return False
    _, channels, _, width = shape
    if whole_pixel(channels, machine) != channels or channels * width % machine.transfer_words:
        return False
    made = all(_source(part) is not None and placement(part) == (op, place) for place, part in enumerate(op.inputs))
    return made and bool(op.result.uses) and all(_can_read(op, use.operation, use.index) for use in op.result.uses)


def _source(part: SSAValue) -> cnn.Conv2dOp | None:
    """The convolution that makes a part, which nothing else reads, be it by way of a max pool."""
    if not part.has_one_use():
        return None
    owner = part.owner
    if isinstance(owner, cnn.MaxPoolOp) and owner.x.has_one_use():
        owner = owner.x.owner
    return owner if isinstance(owner, cnn.Conv2dOp) and ScheduleAttr.name not in owner.attributes else None


def _can_read(concat: cnn.ConcatOp, reader: object, operand: int) -> bool:
    if not isinstance(reader, cnn.Conv2dOp) or operand != 0 or ScheduleAttr.name in reader.attributes:
        return False
    geometry = reader.geometry
    # The rows of a dilated kernel would be two distances apart.
    even = geometry.dilations[0] == 1 or shape_of(reader.weight)[2] == 1
    return geometry.groups == 1 and even and isinstance(reader.weight.owner, cnn.QuantizeOp)


def _saved_cycles(op: cnn.ConcatOp, machine: Machine) -> float:
    """How much sooner the parts of a concatenation are stored row by row, less what its readers lose by it."""
    saved = 0.0
    for part in op.inputs:
        source = _source(part)
        assert source is not None
        _, _, height, width = shape_of(part)
        computing = limit_cycles(conv_problem(source, machine))
        words = sum(prod(shape_of(value)) for value in (source.x, source.weight, part))
        moving = words * 2 / machine.bytes_per_cycle
        by_pixel, by_row = (moving + transfers * machine.transfer_overhead for transfers in (height * width, height))
        saved += max(by_pixel, computing) - max(by_row, computing * _in_rows(source, machine))
    for use in op.result.uses:
        reader = use.operation
        assert isinstance(reader, cnn.Conv2dOp)
        if (slower := _in_rows(reader, machine)) > 1 + MOST_LOST:
            return 0
        saved -= limit_cycles(conv_problem(reader, machine)) * (slower - 1)
    return saved


def _in_rows(op: cnn.Conv2dOp, machine: Machine) -> float:
    """How many times as long a convolution computes when CUs share out its rows: as they do, but for kernels of 1x1,
    whose pixels are shared out more evenly as long as they lie in one piece."""
    window = conv_problem(op, machine).window
    _, _, height, width = shape_of(op.result)
    shapes = (height, width), (window.out_h, window.out_w)
    in_rows, now = (-(-rows // machine.compute_units) * columns for rows, columns in shapes)
    return in_rows / now


def _interleave(op: cnn.ConcatOp) -> None:
    parts = len(op.inputs)
    interleaved = located(cnn.InterleaveOp(op.inputs), op.location)
    interleaved.result.name_hint = op.result.name_hint
    Rewriter.insert_op(interleaved, InsertPoint.before(op))
    for use in tuple(op.result.uses):
        reader = use.operation
        assert isinstance(reader, cnn.Conv2dOp) and isinstance(weight := reader.weight.owner, cnn.QuantizeOp)
        frac = frac_of(weight.result)
        assert frac is not None
        kernels = located(cnn.InterleaveKernelsOp(weight.x, parts), weight.location)
        quantized = located(cnn.QuantizeOp(kernels.result, frac), weight.location)
        quantized.result.name_hint = weight.result.name_hint
        Rewriter.insert_op((kernels, quantized), InsertPoint.before(reader))
        (down, across), (top, left, bottom, right) = reader.geometry.strides, reader.geometry.pads
        reader.properties |= {
            "strides": integers((parts * down, across)),
            "pads": integers((parts * top, left, parts * bottom, right)),
            "dilations": integers((1, reader.geometry.dilations[1])),
        }
        reader.operands[0], reader.operands[1] = interleaved.result, quantized.result
        if not weight.result.uses:
            Rewriter.erase_op(weight)
    Rewriter.erase_op(op)
