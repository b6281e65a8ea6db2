"""cnn-fold-batch-norm: a factor and a shift per channel go into the weights and bias of the layer before.

A batch normalization, and a dropout of Torch7's version 1, are `x * s + t` with constants s and t. Behind a
convolution or linear layer that nobody else reads, s and t go into its weights and bias. They cannot go back
through a ReLU, a residual add or a pool: there they become a depthwise 1x1 convolution, with the result still
right.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.transforms.dead_code_elimination import region_dce

from lowering.cnn.merging import rewrite_layers
from lowering.legality import check_removed
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name, located, name_location


class ExpandBatchNorm(RewritePattern):
    """batch_norm(x) is x * s + t with s = scale / sqrt(var + eps), t = bias - mean * s."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.BatchNormOp, rewriter: PatternRewriter):
        scale = cnn.BnScaleOp(op.var, op.scale, eps=op.eps.value.data)
        shift = cnn.BnShiftOp(op.mean, scale, op.bias)
        _replace(rewriter, op, scale, shift, cnn.ScaleShiftOp(op.x, scale, shift))


class ExpandDropout(RewritePattern):
    """A dropout that scales when it evaluates is x * (1 - p)."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.DropoutOp, rewriter: PatternRewriter):
        scale = cnn.ConstantOp.splat(op.factor, cnn.shape_of(op.x)[1:2])
        _replace(rewriter, op, scale, cnn.ScaleShiftOp(op.x, scale))


class FoldIntoWeights(RewritePattern):
    """(w * x + b) * s + t is (w * s) * x + (b * s + t)."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ScaleShiftOp, rewriter: PatternRewriter):
        layer = op.x.owner
        if not isinstance(layer, cnn.Conv2dOp | cnn.LinearOp) or not op.x.has_one_use():
            return
        if layer.relu is not None or (isinstance(layer, cnn.Conv2dOp) and layer.residual is not None):
            return
        constants: list[Operation] = [cnn.FoldScaleOp(layer.weight, op.s)]
        bias = op.t
        if layer.bias is not None:
            constants.append(
                cnn.FoldScaleOp(layer.bias, op.s) if op.t is None else cnn.FoldShiftOp(layer.bias, op.s, op.t)
            )
            bias = constants[-1].results[0]
        for constant in constants:
            located(constant, layer.location)
        folded = located(_with_weights(layer, constants[0], bias), layer.location)
        rewriter.replace(op, (*constants, folded))
        rewriter.erase(layer)


def _with_weights(
    layer: cnn.Conv2dOp | cnn.LinearOp, weight: Operation, bias: SSAValue | None
) -> cnn.Conv2dOp | cnn.LinearOp:
    if isinstance(layer, cnn.LinearOp):
        return cnn.LinearOp(layer.x, weight, bias=bias)
    geometry = layer.geometry
    return cnn.Conv2dOp(
        layer.x,
        weight,
        bias=bias,
        strides=geometry.strides,
        pads=geometry.pads,
        dilations=geometry.dilations,
        groups=geometry.groups,
    )


class ConvertToDepthwise(RewritePattern):
    """x * s + t is a 1x1 convolution with a group for each channel. What is no map, such as a vector, becomes one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ScaleShiftOp, rewriter: PatternRewriter):
        shape = cnn.shape_of(op.x)
        weight = cnn.DiagonalOp(op.s)
        if len(shape) == 4:
            _replace(rewriter, op, weight, cnn.Conv2dOp(op.x, weight, bias=op.t, groups=shape[1]))
        else:
            name = layer_name(op)
            as_map = cnn.ReshapeOp(op.x, (*shape[:2], prod(shape[2:]), 1))
            layer = cnn.Conv2dOp(as_map, weight, bias=op.t, groups=shape[1])
            new_ops: list[Operation] = [as_map, weight, layer]
            if not all(isinstance(use.operation, cnn.LinearOp) for use in op.result.uses):
                new_ops.append(cnn.ReshapeOp(layer, shape))
            _replace(rewriter, op, *new_ops)
            as_map.location = name_location(f"{name}.map")
            if new_ops[-1] is not layer:
                new_ops[-1].location = name_location(f"{name}.vector")


def _replace(rewriter: PatternRewriter, op: Operation, *new_ops: Operation) -> None:
    for new_op in new_ops:
        located(new_op, op.location)
    rewriter.replace(op, new_ops)


@dataclass(frozen=True)
class CnnFoldBatchNormPass(ModulePass):
    """Folds factors and shifts per channel into weights, or makes depthwise convolutions of them."""

    name = "cnn-fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        patterns: list[RewritePattern] = [
            ExpandBatchNorm(),
            ExpandDropout(),
            FoldIntoWeights(),
            ConvertToDepthwise(),
        ]
        rewrite_layers(op, patterns, region_dce)
        check_removed(op, self.name, (cnn.BatchNormOp, cnn.DropoutOp, cnn.ScaleShiftOp))
