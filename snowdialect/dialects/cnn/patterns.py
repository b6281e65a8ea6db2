"""Local simplifications of the cnn dialect: what MLIR calls canonicalization. None changes a result bit.

An operation that takes over the work of another keeps its own location, so that layers keep their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf, prod
from typing import cast

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from snowdialect.dialects.cnn.base import integers, shape_of
from snowdialect.dialects.cnn.boundary import DequantizeOp, QuantizeOp
from snowdialect.dialects.cnn.constants import ConstantOp, RepeatOp
from snowdialect.dialects.cnn.host import (
    LARGEST_SLOPE,
    DepthToSpaceOp,
    GatherOp,
    MultiplyOp,
    PadOp,
    ReshapeOp,
    SpaceToDepthOp,
    UpsampleOp,
)
from snowdialect.dialects.cnn.host_functions import ErfOp
from snowdialect.dialects.cnn.interpolation import InterpolateOp
from snowdialect.dialects.cnn.layers import (
    AddOp,
    AvgPoolOp,
    BatchNormOp,
    ConcatOp,
    Conv2dOp,
    DropoutOp,
    IdentityOp,
    LinearOp,
    MaxPoolOp,
    ReluOp,
    ScaleShiftOp,
)
from snowdialect.dialects.cnn.sampling import SampleOp
from snowdialect.dialects.cnn.shapes import PoolGeometry, Shape, ShapeError
from snowdialect.dialects.cnn.transposition import TransposeOp
from snowdialect.dialects.locations import located

Rectified = ReluOp | Conv2dOp | LinearOp | AddOp
"""What is a ReLU, or may end in one."""


class RemoveIdentity(RewritePattern):
    """identity(x) is x."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: IdentityOp, rewriter: PatternRewriter):
        rewriter.replace(op, (), (op.x,))


class RemoveDropout(RewritePattern):
    """Dropout that evaluates to its operand."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DropoutOp, rewriter: PatternRewriter):
        if op.factor == 1:
            rewriter.replace(op, (), (op.x,))


class HoistDropout(RewritePattern):
    """dropout(relu(x)) is relu(dropout(x)), and so for max_pool and reshape: the factor is positive.

    Next to the convolution or linear layer before it, it can be folded into the weights. Not before a limit, which
    would have to be scaled.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DropoutOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, ReluOp | MaxPoolOp | ReshapeOp) or not op.x.has_one_use():
            return
        if isinstance(before, ReluOp) and before.limit is not None:
            return
        dropout = DropoutOp(before.x, op.p.value.data, scale_at_inference=op.scale_at_inference is not None)
        located(dropout, op.location)
        moved = before.clone({before.x: dropout.result})
        rewriter.replace(op, (dropout, moved))
        rewriter.erase(before)


class MergeRelus(RewritePattern):
    """Of two ReLUs, one behind the other, that with the lower limit is enough."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReluOp, rewriter: PatternRewriter):
        before = _rectifier(op.x)
        if before is None or op.x.type != op.result.type:
            return
        if _limit(op) >= _limit(before):
            rewriter.replace(op, (), (op.x,))
        elif isinstance(before, ReluOp) and op.x.has_one_use():
            op.operands[0] = before.x
            rewriter.erase(before)
            rewriter.notify_op_modified(op)


def _limit(op: Rectified) -> float:
    """What results of an operation with a ReLU are cut down to, infinity without a limit."""
    return inf if isinstance(op, AddOp) or op.limit is None else op.limit.value.data


class RemoveReshape(RewritePattern):
    """A reshape to the shape that is there."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter):
        if op.x.type == op.result.type:
            rewriter.replace(op, (), (op.x,))


class MergeReshapes(RewritePattern):
    """reshape(reshape(x)) is one reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReshapeOp, rewriter: PatternRewriter):
        if isinstance(before := op.x.owner, ReshapeOp):
            rewriter.replace(op, located(ReshapeOp(before.x, shape_of(op.result)), op.location))


def _is_scheduled(op: Operation) -> bool:
    """Whether an operation has attributes of other dialects: its schedule is for the operand that it has."""
    return not all(name.startswith("cnn.") for name in op.attributes)


class ReshapeIntoLinear(RewritePattern):
    """A linear layer flattens its operand itself."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LinearOp, rewriter: PatternRewriter):
        if isinstance(before := op.x.owner, ReshapeOp) and not _is_scheduled(op):
            op.operands[0] = before.x
            rewriter.notify_op_modified(op)


class MergeConcats(RewritePattern):
    """concat(a, concat(b, c)) is concat(a, b, c); concat(a) is a."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ConcatOp, rewriter: PatternRewriter):
        if len(op.inputs) == 1:
            rewriter.replace(op, (), (op.inputs[0],))
            return
        if not any(isinstance(value.owner, ConcatOp) for value in op.inputs):
            return
        flat: list[SSAValue] = []
        for value in op.inputs:
            flat += value.owner.inputs if isinstance(value.owner, ConcatOp) else (value,)
        rewriter.replace(op, located(ConcatOp(flat, op.result.type), op.location))


class RemoveGather(RewritePattern):
    """A gather of all channels in their order."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: GatherOp, rewriter: PatternRewriter):
        if op.x.type == op.result.type and op.channels == list(range(shape_of(op.x)[1])):
            rewriter.replace(op, (), (op.x,))


class RemovePixelShuffle(RewritePattern):
    """Blocks of one pixel, of which none is left out."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: DepthToSpaceOp | SpaceToDepthOp, rewriter: PatternRewriter):
        if op.x.type == op.result.type:
            rewriter.replace(op, (), (op.x,))


class RemoveInterpolate(RewritePattern):
    """An interpolation that leaves every pixel where it was."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: InterpolateOp, rewriter: PatternRewriter):
        if op.is_identity:
            rewriter.replace(op, (), (op.x,))


class RemoveSample(RewritePattern):
    """A choice of all rows and columns in their order."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SampleOp, rewriter: PatternRewriter):
        if op.is_identity:
            rewriter.replace(op, (), (op.x,))


class MergeSamples(RewritePattern):
    """Of what was chosen some is chosen: as the slices of rows, then columns, that YOLOv5 begins with."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: SampleOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, SampleOp) or not op.stays_inside:
            return
        axes = [(inner, outer) for inner, outer in zip(before.axes, op.axes, strict=True)]
        merged = SampleOp(
            before.x,
            op.sizes.get_values(),
            offsets=[inner.offset + inner.step * outer.offset for inner, outer in axes],
            # From a single one no step is made, however long it is.
            steps=[inner.step * outer.step if outer.size > 1 else 1 for inner, outer in axes],
            reflect=before.reflect is not None,
        )
        rewriter.replace(op, located(merged, op.location))


class RemoveTranspose(RewritePattern):
    """A transposition that only moves axes of one element is a reshape, or nothing."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter):
        shape = shape_of(op.x)
        moved = [axis for axis in op.order.get_values() if shape[axis] > 1]
        if moved == sorted(moved):
            rewriter.replace(op, located(ReshapeOp(op.x, shape_of(op.result)), op.location))


class MergeTransposes(RewritePattern):
    """transpose(transpose(x)) is one transposition."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TransposeOp, rewriter: PatternRewriter):
        if isinstance(before := op.x.owner, TransposeOp):
            inner = before.order.get_values()
            order = [inner[axis] for axis in op.order.get_values()]
            rewriter.replace(op, located(TransposeOp(before.x, order), op.location))


class HoistOverPixelShuffle(RewritePattern):
    """relu(depth_to_space(x)) is depth_to_space(relu(x)), and so for dropout: next to a layer of the accelerator, they
    become part of it."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReluOp | DropoutOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, DepthToSpaceOp) or not op.x.has_one_use() or op.x.type != op.result.type:
            return
        if _is_scheduled(op):
            return
        moved = type(op).create(
            operands=[before.x],
            properties=op.properties,
            attributes=op.attributes,
            result_types=[before.x.type],
        )
        shuffled = before.clone({before.x: moved.result})
        rewriter.replace(op, (located(moved, op.location), shuffled))
        rewriter.erase(before)


class HoistFactorsOverPixelShuffle(RewritePattern):
    """Factors and shifts of the channels that a shuffle makes are those of each channel that it makes one of."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BatchNormOp | ScaleShiftOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, DepthToSpaceOp) or not op.x.has_one_use() or before.blocks_first is not None:
            return
        times = prod(before.block.get_values())
        repeated = [located(RepeatOp(constant, times), op.location) for constant in op.operands[1:]]
        moved = type(op).create(
            operands=[before.x, *(constant.result for constant in repeated)],
            properties=op.properties,
            attributes=op.attributes,
            result_types=[before.x.type],
        )
        shuffled = before.clone({before.x: moved.result})
        rewriter.replace(op, (*repeated, located(moved, op.location), shuffled))
        rewriter.erase(before)


class MultiplyByFew(RewritePattern):
    """A factor for each channel, repeated for each element, is one for each channel; so is one for each row."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MultiplyOp, rewriter: PatternRewriter):
        for x, factor in ((op.x, op.factor), (op.factor, op.x)):
            before = factor.owner
            if not isinstance(before, UpsampleOp) or x.type != op.x.type:
                continue
            if any(size not in (1, whole) for size, whole in zip(shape_of(before.x), shape_of(x), strict=True)):
                continue
            rewriter.replace(op, located(MultiplyOp(x, before.x, op.result.type), op.location))
            return


class ScaleBeforeErf(RewritePattern):
    """erf(s * x) for one number s: nothing has to be rounded in between."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ErfOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, ScaleShiftOp) or before.t is not None or (scale := _single(before.s)) is None:
            return
        numbers = op.numbers
        numbers["scale"] *= scale
        if abs(numbers["scale"]) <= LARGEST_SLOPE:
            rewriter.replace(op, located(ErfOp(before.x, **numbers), op.location))


class LineBehindErf(RewritePattern):
    """s * erf(x) + t for single numbers, as the 1 + erf(x) of a GELU."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ScaleShiftOp, rewriter: PatternRewriter):
        before, factor = op.x.owner, _single(op.s)
        shift = 0.0 if op.t is None else _single(op.t)
        if not isinstance(before, ErfOp) or not op.x.has_one_use() or factor is None or shift is None:
            return
        numbers = before.numbers
        numbers["factor"] *= factor
        numbers["shift"] = numbers["shift"] * factor + shift
        if max(map(abs, numbers.values())) > LARGEST_SLOPE:
            return
        rewriter.replace(op, located(ErfOp(before.x, **numbers), op.location))
        rewriter.erase(before)


def _single(constant: SSAValue) -> float | None:
    """The number that a constant in the text holds in all its places."""
    if not isinstance(constant.owner, ConstantOp):
        return None
    values = set(cast(Iterable[float], constant.owner.value.iter_values()))
    return values.pop() if len(values) == 1 else None


class RemovePad(RewritePattern):
    """A pad by nothing."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PadOp, rewriter: PatternRewriter):
        if not any(op.pads.get_values()):
            rewriter.replace(op, (), (op.x,))


class MergePads(RewritePattern):
    """pad(pad(x)) is one pad, as long as neither crops."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PadOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, PadOp):
            return
        inner, outer = before.pads.get_values(), op.pads.get_values()
        if min(*inner, *outer) < 0:
            return
        pads = [a + b for a, b in zip(inner, outer, strict=True)]
        rewriter.replace(op, located(PadOp(before.x, pads), op.location))


class PadIntoConv(RewritePattern):
    """A convolution pads its operand itself, and need not store the zeros."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: Conv2dOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, PadOp) or min(before.pads.get_values()) < 0:
            return
        pads = [a + b for a, b in zip(before.pads.get_values(), op.pads.get_values(), strict=True)]
        op.operands[0] = before.x
        op.properties["pads"] = integers(pads)
        rewriter.notify_op_modified(op)


class PadIntoPool(RewritePattern):
    """A pool pads its operand itself: an average pool counts the zeros, and a max pool does without them where nothing
    in the maps is below zero."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPoolOp | AvgPoolOp, rewriter: PatternRewriter):
        before, geometry = op.x.owner, op.geometry
        if not isinstance(before, PadOp) or geometry.ceil_mode or any(geometry.pads):
            return
        pads = before.pads.get_values()
        if min(pads) < 0 or not (isinstance(op, AvgPoolOp) or _rectifier(before.x)):
            return
        try:
            replace(geometry, pads=pads).result_shape(shape_of(before.x))
        except ShapeError:
            return  # Some windows are all padding.
        op.operands[0] = before.x
        op.properties["pads"] = integers(pads)
        if isinstance(op, AvgPoolOp):
            op.properties["count_include_pad"] = UnitAttr()
        rewriter.notify_op_modified(op)


def _rectifier(value: SSAValue) -> Rectified | None:
    """What makes a value of which no element is below zero: a ReLU, or a layer that ends in one; else None."""
    owner = value.owner
    if isinstance(owner, Conv2dOp | LinearOp | AddOp):
        return None if owner.relu is None else owner
    return owner if isinstance(owner, ReluOp) else None


class SimplifyPool(RewritePattern):
    """A pool without options that make no difference to its windows: a single one has no strides, and the like.

    So all ways to say that a pool takes the mean of whole maps become one.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MaxPoolOp | AvgPoolOp, rewriter: PatternRewriter):
        shape, simple = shape_of(op.x), op.geometry
        for change in SIMPLER_POOLS:
            candidate = change(simple)
            if _covered(candidate, shape) == _covered(simple, shape):
                simple = candidate
        if simple == op.geometry:
            return
        op.properties["strides"] = integers(simple.strides)
        if not simple.ceil_mode:
            op.properties.pop("ceil_mode", None)
        if not simple.count_include_pad:
            op.properties.pop("count_include_pad", None)
        rewriter.notify_op_modified(op)


SIMPLER_POOLS: tuple[Callable[[PoolGeometry], PoolGeometry], ...] = (
    lambda pool: replace(pool, strides=(1, pool.strides[1])),
    lambda pool: replace(pool, strides=(pool.strides[0], 1)),
    lambda pool: replace(pool, ceil_mode=False),
    lambda pool: replace(pool, count_include_pad=False),
)


def _covered(geometry: PoolGeometry, shape: Shape) -> object:
    """What tells two pools of maps of `shape` apart: elements and divisors of their windows, by axis."""
    elements = [[(window.first, window.stop) for window in windows] for windows in geometry.windows(shape)]
    return elements, geometry.axis_divisors(shape)


class RemoveRequantize(RewritePattern):
    """quantize(dequantize(x)) is x for equal types: f32 holds every word."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: QuantizeOp, rewriter: PatternRewriter):
        before = op.x.owner
        if isinstance(before, DequantizeOp) and before.x.type == op.result.type:
            rewriter.replace(op, (), (before.x,))


PATTERNS: dict[type[Operation], tuple[RewritePattern, ...]] = {
    IdentityOp: (RemoveIdentity(),),
    DropoutOp: (RemoveDropout(), HoistDropout(), HoistOverPixelShuffle()),
    ReluOp: (MergeRelus(), HoistOverPixelShuffle()),
    BatchNormOp: (HoistFactorsOverPixelShuffle(),),
    ScaleShiftOp: (HoistFactorsOverPixelShuffle(), LineBehindErf()),
    ErfOp: (ScaleBeforeErf(),),
    ReshapeOp: (RemoveReshape(), MergeReshapes()),
    LinearOp: (ReshapeIntoLinear(),),
    ConcatOp: (MergeConcats(),),
    GatherOp: (RemoveGather(),),
    DepthToSpaceOp: (RemovePixelShuffle(),),
    SpaceToDepthOp: (RemovePixelShuffle(),),
    InterpolateOp: (RemoveInterpolate(),),
    TransposeOp: (RemoveTranspose(), MergeTransposes()),
    SampleOp: (RemoveSample(), MergeSamples()),
    MultiplyOp: (MultiplyByFew(),),
    PadOp: (RemovePad(), MergePads()),
    MaxPoolOp: (PadIntoPool(), SimplifyPool()),
    AvgPoolOp: (PadIntoPool(), SimplifyPool()),
    Conv2dOp: (PadIntoConv(),),
    QuantizeOp: (RemoveRequantize(),),
}
"""The patterns of each operation."""
