"""Chooses mode, split, order and tile sizes of every convolution and linear layer, and the machine they are
for.

The rule here is simple: of the largest tiles that fit, per mode, split and order, the one with the fewest
estimated cycles. What it decides is an attribute, `tile.schedule`, that any other chooser may set instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from lowering.problems import conv_problem, linear_problem
from lowering.tiling import ConvProblem, conv_plans
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of, set_machine
from snowdialect.dialects.tile import Mode, Order, ScheduleAttr, Split
from snowdialect.errors import SnowError
from snowdialect.machine import DEFAULT_MACHINE, Machine, MachineError, load_machine

SCHEDULE = "tile.schedule"


@dataclass(frozen=True)
class ChooseSchedule(ModulePass):
    """Sets `tile.schedule` on layers that have none and `snow.machine` on the module."""

    name = "cnn-choose-schedule"
    machine: str | None = None
    """A shipped machine or a file; without it the one that the module names, else the default."""
    mode: str | None = None
    """coop or indp: only this mode, in layers that it can compute."""
    split: str | None = None
    """rows or kernels: only this split, where it fits."""
    order: str | None = None
    """mloop or kloop: only this order, where it fits."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for option, choices in (("mode", Mode), ("split", Split), ("order", Order)):
            if (value := getattr(self, option)) is not None and value not in [choice.value for choice in choices]:
                raise SnowError(f"{self.name}: {option} must be {' or '.join(choices)}, is {value}")
        if self.machine is not None or MACHINE_ATTRIBUTE not in op.attributes:
            try:
                set_machine(op, load_machine(self.machine or DEFAULT_MACHINE))
            except MachineError as error:
                raise SnowError(str(error)) from error
        PatternRewriteWalker(Choose(machine_of(op), self), apply_recursively=False).rewrite_module(op)


@dataclass(frozen=True)
class Choose(RewritePattern):
    """The schedule of one layer."""

    machine: Machine
    wanted: ChooseSchedule

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp | cnn.LinearOp, rewriter: PatternRewriter) -> None:
        if SCHEDULE in op.attributes or frac_of(op.result) is None:
            return
        problem = conv_problem(op, self.machine) if isinstance(op, cnn.Conv2dOp) else linear_problem(op, self.machine)
        op.attributes[SCHEDULE] = choose(op, problem, self.wanted)
        rewriter.notify_op_modified(op)


def choose(op: Operation, problem: ConvProblem, wanted: ChooseSchedule) -> ScheduleAttr:
    """The schedule with the fewest estimated cycles; raises SnowError when the layer fits the machine in no way."""
    lines = problem.depth % problem.machine.line_words == 0
    usual = Mode.COOP if lines else Mode.INDP
    plans = list(conv_plans(problem, (Mode(wanted.mode or usual),))) or list(conv_plans(problem, (usual,)))
    if not plans:
        raise SnowError(f"{layer_name(op)}: no tile of this layer fits the buffers of machine '{problem.machine.name}'")
    for field in ("split", "order"):
        value = getattr(wanted, field)
        plans = [plan for plan in plans if getattr(plan.schedule, field).value == value] or plans
    return ScheduleAttr.make(min(plans, key=lambda plan: plan.cycles).schedule)
