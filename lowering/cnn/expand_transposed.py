"""cnn-expand-transposed: a transposed convolution becomes one with stride 1, and a shuffle of pixels.

Pixels of its result whose places leave the same remainders when divided by the strides see the same taps of a kernel,
as in a convolution of the input: with strides of 2 x 2 there are four such phases. So one convolution computes all of
them, each as channels of its own, and the host makes pixels of these, leaving out those at the borders. Where strides
do not divide the size of the kernel, some taps of some phases are zeros.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from lowering.cnn.merging import rewrite_layers
from lowering.cnn.name_layers import unused_name
from lowering.legality import check_removed
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.locations import layer_name, located, name_location


@dataclass(frozen=True)
class ExpandTransposed(RewritePattern):
    """conv_transpose2d(x, w) is depth_to_space(conv2d(x, phase_kernels(w)))."""

    taken: Container[str]
    """The names of layers."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ConvTranspose2dOp, rewriter: PatternRewriter) -> None:
        phases = op.geometry.phases(shape_of(op.x), shape_of(op.weight))
        weight = cnn.PhaseKernelsOp(op.weight, phases.block)
        made: list[Operation] = [weight]
        bias: SSAValue | None = op.bias
        if bias is not None and (times := prod(phases.block)) > 1:
            repeat = cnn.RepeatOp(bias, times)
            made.append(repeat)
            bias = repeat.result
        conv = cnn.Conv2dOp(
            op.x,
            weight,
            bias=bias,
            pads=phases.pads,
            dilations=phases.dilations,
            groups=op.geometry.groups,
        )
        conv.attributes.update(op.attributes)
        made = [located(each, op.location) for each in (*made, conv)]
        if prod(phases.block) > 1 or any(phases.crop):
            shuffle = cnn.DepthToSpaceOp(conv, phases.block, crop=phases.crop)
            made.append(located(shuffle, name_location(unused_name(f"{layer_name(op)}.pixels", self.taken))))
        rewriter.replace(op, made)


@dataclass(frozen=True)
class CnnExpandTransposedPass(ModulePass):
    """Makes convolutions of transposed ones, in f32."""

    name = "cnn-expand-transposed"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        rewrite_layers(op, [ExpandTransposed(frozenset(map(layer_name, op.body.block.ops)))])
        check_removed(op, self.name, (cnn.ConvTranspose2dOp,))
