"""Copies what cannot be written straight into a concatenation, so that every part of one has a place.

A tensor lies in one place only. A part that is already part of another concatenation, or is one itself, is
copied by a rescale that changes nothing. So is a residual with gaps between its channels: a convolution adds
channels in a row. Of a concatenation that begins with all parts of an earlier one, as in DenseNets, these are copied
together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from lowering.layouts import concat_segments, joined, placement
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of
from snowdialect.machine import Machine, load_machine


@dataclass(frozen=True)
class PlaceConcatsPass(ModulePass):
    """Inserts copies before concatenations and residuals."""

    name = "cnn-place-concats"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = machine_of(op) if MACHINE_ATTRIBUTE in op.attributes else load_machine()
        take_earlier_concats(op.body.block, machine)
        PatternRewriteWalker(
            GreedyRewritePatternApplier([CopyParts(), CopyResidual()]), apply_recursively=False
        ).rewrite_module(op)


def take_earlier_concats(block: Block, machine: Machine) -> None:
    """Makes an earlier concatenation, the one of most parts, the first part of each that begins with all of its parts.

    Not where there are gaps between its channels: the accelerator copies words, and there would be none in the copy.
    """
    earlier: defaultdict[SSAValue, dict[tuple[SSAValue, ...], SSAValue]] = defaultdict(dict)
    for op in block.ops:
        if not isinstance(op, cnn.ConcatOp) or frac_of(op.result) is None:
            continue
        parts, wholes = tuple(op.inputs), earlier[op.inputs[0]]
        begins = [others for others in wholes if others == parts[: len(others)] and len(others) < len(parts)]
        if begins:
            longest = max(begins, key=len)
            op.operands = [wholes[longest], *parts[len(longest) :]]
        if len(joined(concat_segments([*map(shape_of, op.inputs)], machine))) == 1:
            wholes.setdefault(parts, op.result)


class CopyParts(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ConcatOp | cnn.InterleaveOp, rewriter: PatternRewriter) -> None:
        if frac_of(op.result) is None:
            return
        for position, part in enumerate(op.inputs):
            if placement(part) != (op, position):
                copy = _copy(part, f"{layer_name(op)}.copy{position}")
                rewriter.insert(copy)
                op.operands[position] = copy.result
                rewriter.notify_op_modified(op)


class CopyResidual(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp, rewriter: PatternRewriter) -> None:
        if op.residual is not None and isinstance(op.residual.owner, cnn.ConcatOp) and frac_of(op.residual) is not None:
            copy = _copy(op.residual, f"{layer_name(op)}.copy")
            rewriter.insert(copy)
            op.operands[len(op.operands) - 1] = copy.result  # The input may be the same value.
            rewriter.notify_op_modified(op)


def _copy(value: SSAValue, name: str) -> cnn.RescaleOp:
    frac = frac_of(value)
    assert frac is not None
    return located(cnn.RescaleOp(value, frac), name_location(name))
