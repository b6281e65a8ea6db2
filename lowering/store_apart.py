"""A part of cnn-choose-schedule: a convolution whose channels are split stores them apart, where that is no slower.

Of the channels of a convolution that an ONNX file splits, the host would copy each part to a place of its own:

    %y = cnn.conv2d %x, %w
    %a = cnn.gather %y {sizes = [64]}
    %b = cnn.gather %y {offset = 64, sizes = [32]}

With `tile.fused` on the gathers, which are all that reads the convolution and share out its channels, it stores its
tiles there itself, as one does that is several in one (lowering/merge_siblings.py). To store each pixel in two
transfers takes time, which the MACs of large layers hide.
"""

from __future__ import annotations

from math import inf

from xdsl.dialects.builtin import ModuleOp, UnitAttr

from lowering.layouts import FUSED, while_nothing_changes
from lowering.problems import Costs, conv_problem, shares_of
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.machine import Machine

AS_GOOD = 1.02
"""It may take so many times as long as it does with all channels together, about as much as estimates are wrong."""


def store_apart(module: ModuleOp, machine: Machine, costs: Costs, *, everywhere: bool) -> None:
    """Has convolutions store apart what gathers share out of their channels, where they cost no more by that, or
    wherever the machine can."""
    apart = {
        op: parts
        for op in module.body.block.ops
        if isinstance(op, cnn.Conv2dOp) and _is_alone(op) and (parts := shares_of(op))
    }
    with while_nothing_changes():
        together = {op: conv_problem(op, machine) for op in apart}
    for part in (part for parts in apart.values() for part in parts):
        part.attributes[FUSED] = UnitAttr()
    with while_nothing_changes():
        problems = {op: conv_problem(op, machine) for op in apart}
    cost = costs([*together.values(), *problems.values()])
    for op, parts in apart.items():
        most = inf if everywhere else AS_GOOD * cost[together[op]]
        if cost[problems[op]] == inf or cost[problems[op]] > most:
            for part in parts:
                del part.attributes[FUSED]


def _is_alone(op: cnn.Conv2dOp) -> bool:
    """Whether a convolution has no schedule, and nothing but maps, kernels and biases."""
    fused = isinstance(op.x.owner, cnn.MaxPoolOp) and FUSED in op.x.owner.attributes
    plain = op.residual is None and op.geometry.groups == 1 and frac_of(op.result) is not None
    return plain and not fused and ScheduleAttr.name not in op.attributes
