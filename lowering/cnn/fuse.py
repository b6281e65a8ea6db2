"""cnn-fuse: ReLU, residual add and max-pool come to the layer before, which does them with its result.

The machine starts an accumulator from the residual and rectifies at write-back, so both cost nothing there. A ReLU
behind a concatenation or a max-pool goes before it, to the layers that can take it. An add goes into the
convolution that ends a branch; where both branches end in one, into the later, whose operands include everything the
earlier needs. A max-pool behind a concatenation goes before it, to the convolutions that it can be computed with
(lowering/cnn/choose_schedule.py decides). Run before quantisation: the fused sum is rounded once, not twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, UnitAttr, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from lowering.cnn.merging import rewrite_layers
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name, located, name_location

RECTIFYING = cnn.Conv2dOp | cnn.LinearOp | cnn.AddOp
"""Layers that can rectify their result."""


def _takes_relu(value: SSAValue) -> bool:
    """Whether a value comes from a layer that can rectify it for its only reader."""
    return isinstance(value.owner, RECTIFYING) and value.has_one_use()


class HoistRelu(RewritePattern):
    """relu(concat(a, b)) is concat(relu(a), relu(b)), and so for max_pool: where a layer before can take the ReLU."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter):
        before = op.x.owner
        if not isinstance(before, cnn.ConcatOp | cnn.MaxPoolOp) or not op.x.has_one_use() or op.limit is not None:
            return
        if op.x.type != op.result.type or not any(map(_takes_relu, before.operands)):
            return
        name = layer_name(op)
        names = (
            [f"{name}.operand{index}" for index in range(len(before.operands))] if len(before.operands) > 1 else [name]
        )
        relus = [
            located(cnn.ReluOp(value), name_location(name)) for name, value in zip(names, before.operands, strict=True)
        ]
        moved = before.clone()
        moved.operands = [relu.result for relu in relus]
        rewriter.replace(op, (*relus, moved))
        rewriter.erase(before)


class FuseRelu(RewritePattern):
    """relu(layer(x)) is the layer with its ReLU on, if nobody else reads the layer."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter):
        layer = op.x.owner
        if not isinstance(layer, RECTIFYING) or not _takes_relu(op.x) or op.x.type != op.result.type:
            return
        if op.limit is not None:
            if isinstance(layer, cnn.AddOp) or layer.relu is not None or (limit := op.saturation) is None:
                return
            layer.properties["limit"] = IntegerAttr(limit, i64)
        layer.properties["relu"] = UnitAttr()
        rewriter.notify_op_modified(layer)
        rewriter.replace(op, (), (op.x,))


class HoistMaxPool(RewritePattern):
    """max_pool(concat(a, b)) is concat(max_pool(a), max_pool(b)): where all parts come from convolutions that nobody
    else reads."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.MaxPoolOp, rewriter: PatternRewriter):
        concat = op.x.owner
        if not isinstance(concat, cnn.ConcatOp) or not op.x.has_one_use() or cnn.frac_of(op.result) is not None:
            return
        if not all(isinstance(part.owner, cnn.Conv2dOp) and part.has_one_use() for part in concat.inputs):
            return
        geometry, name = op.geometry, layer_name(op)
        pools = [
            located(cnn.MaxPoolOp.with_geometry(part, geometry), name_location(f"{name}.operand{index}"))
            for index, part in enumerate(concat.inputs)
        ]
        moved = located(cnn.ConcatOp([pool.result for pool in pools]), concat.location)
        rewriter.replace(op, (*pools, moved))
        rewriter.erase(concat)


class FuseAdd(RewritePattern):
    """add(conv(x), r) is the convolution with residual r, if nobody else reads the convolution.

    It moves to where the add is, so that r is there already.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AddOp, rewriter: PatternRewriter):
        if cnn.frac_of(op.result) is not None:
            return
        candidates = [conv for value in op.operands if (conv := _open_conv(value)) is not None]
        if not candidates:
            return
        conv = candidates[-1]
        if len(candidates) == 2 and conv.is_before_in_block(candidates[0]):
            conv = candidates[0]
        geometry = conv.geometry
        fused = cnn.Conv2dOp(
            conv.x,
            conv.weight,
            bias=conv.bias,
            residual=op.rhs if conv.result is op.lhs else op.lhs,
            strides=geometry.strides,
            pads=geometry.pads,
            dilations=geometry.dilations,
            groups=geometry.groups,
            relu=op.relu is not None,
        )
        rewriter.replace(op, located(fused, conv.location))
        rewriter.erase(conv)


def _open_conv(value: SSAValue) -> cnn.Conv2dOp | None:
    """The convolution that computes a value, if it can still take a residual."""
    conv = value.owner
    if not isinstance(conv, cnn.Conv2dOp) or not value.has_one_use():
        return None
    return conv if conv.residual is None and conv.relu is None else None


@dataclass(frozen=True)
class CnnFusePass(ModulePass):
    """Fuses ReLU into convolutions, linear layers and adds, and adds into convolutions; brings max-pools to them."""

    name = "cnn-fuse"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        rewrite_layers(op, [HoistRelu(), FuseRelu(), HoistMaxPool(), FuseAdd()])
