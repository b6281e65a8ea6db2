"""cnn-move-averages: an average before a 1x1 convolution comes behind it, where that leaves it fewer channels.

Branches of inception modules take means of 3x3 pixels, of all channels of the maps, and then combine these to few. Both
are linear, so they may change places, and the means be of few channels:

    %a = cnn.avg_pool %x                        // 768 channels
    %y = cnn.conv2d %a, %w bias %b              // 192 kernels

    %s = cnn.conv2d %x, %w
    %a = cnn.avg_pool %s                        // 192 channels
    %y = cnn.conv2d %a, %ones bias %b {groups = 192}

The bias comes last: in windows over zeros around the maps, which count as elements, the mean of what it is added to
would have less of it. In fixed point the sums of single pixels have to fit words, which may be larger than their means.
A pool whose Q position is set is left where it is: there are none for its new channels.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from lowering.cnn.merging import rewrite_layers
from lowering.cnn.name_layers import unused_name
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name, located, name_location

WORTH_IT = 2
"""So many times fewer channels: there is the bias to be added, by a layer of its own."""


@dataclass(frozen=True)
class MoveAverage(RewritePattern):
    """conv2d(avg_pool(x)) is avg_pool(conv2d(x)), plus bias."""

    taken: Container[str]
    """The names of layers."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp, rewriter: PatternRewriter) -> None:
        pool = op.x.owner
        if not isinstance(pool, cnn.AvgPoolOp) or pool.attributes or not op.x.has_one_use() or not _is_of_pixels(op):
            return
        channels, inputs = shape_of(op.weight)[:2]
        if frac_of(op.result) is not None or WORTH_IT * channels > inputs or not _leaves_pixels(pool):
            return
        sums = cnn.Conv2dOp(pool.x, op.weight)
        mean = located(cnn.AvgPoolOp.with_geometry(sums.result, pool.geometry), pool.location)
        made: list[Operation] = [sums, mean]
        if op.bias is None and op.relu is None:
            sums.location = op.location
            sums.attributes.update(op.attributes)
        else:
            ones = located(cnn.ConstantOp.splat(1.0, (channels,)), op.location)
            weight = located(cnn.DiagonalOp(ones.result), op.location)
            relu, limit = op.relu is not None, cnn.limit_of(op)
            last = cnn.Conv2dOp(mean, weight, bias=op.bias, groups=channels, relu=relu, limit=limit)
            last.attributes.update(op.attributes)
            sums.location = name_location(unused_name(f"{layer_name(op)}.sums", self.taken))
            made += [ones, weight, located(last, op.location)]
        rewriter.replace(op, made)
        rewriter.erase(pool)


def _is_of_pixels(op: cnn.Conv2dOp) -> bool:
    """Whether a convolution sees each pixel by itself."""
    geometry = op.geometry
    alone = geometry.groups == 1 and op.residual is None and not any(geometry.pads)
    return alone and shape_of(op.weight)[2:] == (1, 1) and set(geometry.strides) == {1}


def _leaves_pixels(pool: cnn.AvgPoolOp) -> bool:
    """Whether there are as many means as pixels, all of as many elements: then it is linear."""
    divisors = {divisor for row in pool.divisors for divisor in row}
    return shape_of(pool.x) == shape_of(pool.result) and len(divisors) == 1


@dataclass(frozen=True)
class MoveAveragesPass(ModulePass):
    """Moves average pools behind convolutions of fewer channels."""

    name = "cnn-move-averages"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        rewrite_layers(op, [MoveAverage(frozenset(map(layer_name, op.body.block.ops)))])
