"""cnn-fold-limits: words saturate where a ReLU has its limit.

A ReLU6 is min(max(x, 0), 6). The machine has no minimum, but words saturate at a power of two. So the layer before gets
weights larger by 8 / 6, and saturates at 8, where 6 was meant; the layers that read the result get weights smaller by
6 / 8. Pools, which scale as their operand does, may lie between. With a limit that is a power of two already, nobody
needs other weights.

Where no layer before can take the factor, or one behind cannot take it back, min(x, h) is h - max(h - x, 0): two ReLUs
and two layers of a factor and a shift per channel, for which the machine needs no instruction of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.rewriter import InsertPoint

from lowering.cnn.merging import rewrite_layers
from lowering.cnn.quantize import DEFAULT_FRAC_BITS
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import WORD_BITS
from snowdialect.dialects.locations import layer_name, located, name_location

MOST_FACTOR = 1 << 8
"""Weights grow by no more than that."""

SCALING = cnn.MaxPoolOp | cnn.AvgPoolOp | cnn.MoveOp
"""What makes of an operand times a positive factor its result times that."""


class SaturateAtLimit(RewritePattern):
    """relu(x){6} becomes relu(x * 8/6){8}, and layers that read it take 6/8 into their weights."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter) -> None:
        if op.limit is None or op.saturation is not None or (readers := saturating(op)) is None:
            return
        limit = op.limit.value.data
        power = 1 << max(0, ceil(log2(limit)))
        # No word saturates from 2^16 on: SubtractFromLimit drops such a limit.
        if power > MOST_FACTOR * limit or power >= 1 << WORD_BITS:
            return
        name, factor = layer_name(op), power / limit
        scale = cnn.ConstantOp.splat(factor, shape_of(op.x)[1:2])
        scaled = cnn.ScaleShiftOp(op.x, scale)
        for made in (scale, scaled):
            made.location = name_location(f"{name}.scale")
        rewriter.replace(op, (scale, scaled, located(cnn.ReluOp(scaled, limit=power), op.location)))
        for reader in readers:
            back = cnn.ConstantOp.splat(1 / factor, shape_of(reader.weight)[:1])
            weight = cnn.FoldScaleOp(reader.weight, back)
            rewriter.insert(
                [located(back, reader.location), located(weight, reader.location)], InsertPoint.before(reader)
            )
            reader.operands[1] = weight.result
            rewriter.notify_op_modified(reader)


@dataclass(frozen=True)
class SubtractFromLimit(RewritePattern):
    """relu(x){h} is relu(h - relu(h - x)), or relu(x) where words end before h."""

    end: int
    """No number reaches it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter) -> None:
        if op.limit is None or (op.saturation is not None and saturating(op) is not None):
            return
        if op.limit.value.data >= self.end:
            rewriter.replace(op, located(cnn.ReluOp(op.x), op.location))
            return
        made: list[Operation] = []
        x, channels, name = op.x, shape_of(op.x)[1:2], layer_name(op)
        for part in ("below", "above"):
            minus, limit = (cnn.ConstantOp.splat(number, channels) for number in (-1.0, op.limit.value.data))
            shifted = cnn.ScaleShiftOp(x, minus, limit)
            relu = cnn.ReluOp(shifted)
            made += [located(each, name_location(f"{name}.{part}")) for each in (minus, limit, shifted)]
            # Where it is not fused, as behind what is no map, it is a layer of its own.
            made.append(located(relu, name_location(f"{name}.{part}.relu")))
            x = relu.result
        # The layer that ends it keeps the name.
        made[-2].location = op.location
        rewriter.replace(op, made)


def saturating(op: cnn.ReluOp) -> list[cnn.Conv2dOp | cnn.LinearOp] | None:
    """The layers with weights that read a ReLU, if its limit may be where the words of the layer before saturate: its
    fraction bits are then given, so nothing else may have to share them. Else None."""
    return readers_of(op.result) if takes_factors(op.x) else None


def takes_factors(value: SSAValue) -> bool:
    """Whether factors behind a value go into the weights of a layer, and its ReLU to that, too: cnn-fold-batch-norm and
    cnn-fuse bring them there."""
    while isinstance(owner := value.owner, cnn.BatchNormOp | cnn.ScaleShiftOp) and value.has_one_use():
        value = owner.x
    if not isinstance(owner, cnn.Conv2dOp | cnn.LinearOp) or not value.has_one_use() or owner.relu is not None:
        return False
    return isinstance(owner, cnn.LinearOp) or owner.residual is None


def readers_of(value: SSAValue) -> list[cnn.Conv2dOp | cnn.LinearOp] | None:
    """The layers with weights that read a value, perhaps behind pools; None if others do, too."""
    readers: list[cnn.Conv2dOp | cnn.LinearOp] = []
    for use in value.uses:
        reader = use.operation
        if isinstance(reader, cnn.Conv2dOp | cnn.LinearOp) and use.index == 0:
            readers.append(reader)
        elif isinstance(reader, SCALING) and (behind := readers_of(reader.result)) is not None:
            readers += behind
        else:
            return None
    return readers


@dataclass(frozen=True)
class CnnFoldLimitsPass(ModulePass):
    """Leaves no limits but powers of two, at which words saturate."""

    name = "cnn-fold-limits"
    calibrated: bool = False
    """Whether number formats are still to be chosen: without, words end at 128, with, at 2^15 at most."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        end = 1 << WORD_BITS - 1 - (0 if self.calibrated else DEFAULT_FRAC_BITS)
        rewrite_layers(op, [SaturateAtLimit(), SubtractFromLimit(end)])
