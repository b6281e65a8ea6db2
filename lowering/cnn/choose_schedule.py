"""Chooses mode, split, order and tile sizes of every convolution and linear layer, and the machine they are for.

Of the plans worth comparing (lowering/candidates.py) the one with the fewest estimated cycles (lowering/costs.py). What
is decided is an attribute, `tile.schedule`, that any other chooser may set instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import inf

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

from lowering.candidates import Choices, conv_plans, quickest_tile
from lowering.costs import conv_cycles, limit_cycles, words_cycles
from lowering.layouts import unrolled_layout
from lowering.problems import conv_problem, linear_problem
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.roll import code_size
from lowering.tile_steps.steps import maps_of
from lowering.tile_steps.words import max_pool_steps, words_problem
from lowering.tiling import ConvPlan, ConvProblem
from lowering.timing import estimate
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of, set_machine
from snowdialect.dialects.tile import EstimateAttr, Mode, Order, ScheduleAttr, Split, UnrolledAttr
from snowdialect.errors import SnowError
from snowdialect.layout import MapsLayout
from snowdialect.machine import DEFAULT_MACHINE, Machine, MachineError, load_machine

SCHEDULE = ScheduleAttr.name
BEST, PAPER = "best", "paper"
AS_IS = "as-is"

COMPARED = 6
"""So many plans are timed, those that are estimated to be fastest."""
UNLIKELY = 1.15
"""A plan whose estimate is so much longer than the shortest one is not timed."""
CLOSE = 1.02
"""A plan this near to what the MACs need at least is taken at once."""
CODE = 0.001
"""What an operation of the tile program, some fifty instructions, is worth of the layer's cycles: code takes time to
compile and to fetch."""


@dataclass(frozen=True)
class ChooseSchedule(ModulePass):
    """Sets `tile.schedule` on layers that have none, beside it `tile.estimate`, what they then take by themselves, and
    `snow.machine` on the module."""

    name = "cnn-choose-schedule"
    machine: str | None = None
    """A shipped machine or a file; without it the one that the module names, else the default."""
    schedule: str = BEST
    """best: whatever is estimated to be fastest; paper: what the published hand-written code did."""
    mode: str | None = None
    """coop or indp: only this mode, in layers that it can compute."""
    split: str | None = None
    """rows or kernels: only this split, where it fits."""
    order: str | None = None
    """mloop or kloop: only this order, where it fits."""
    rows: int | None = None
    """Rows of a result tile, where they fit."""
    input_layout: str | None = None
    """as-is: the host stores inputs of the network pixel by pixel, as for schedule=paper; best: in unrolled rows where
    the layers that read them are estimated to be faster then."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        named = {
            "schedule": (BEST, PAPER),
            "mode": list(Mode),
            "split": list(Split),
            "order": list(Order),
            "input_layout": (AS_IS, BEST),
        }
        for option, choices in named.items():
            if (value := getattr(self, option)) is not None and value not in [str(choice) for choice in choices]:
                raise SnowError(f"{self.name}: {option} must be {' or '.join(choices)}, is {value}")
        if self.rows is not None and self.rows < 1:
            raise SnowError(f"{self.name}: rows must be positive, is {self.rows}")
        if self.machine is not None or MACHINE_ATTRIBUTE not in op.attributes:
            try:
                set_machine(op, load_machine(self.machine or DEFAULT_MACHINE))
            except MachineError as error:
                raise SnowError(str(error)) from error
        if (self.input_layout or (AS_IS if self.schedule == PAPER else BEST)) == BEST:
            for inner in op.walk():
                choose_layout(inner, machine_of(op), self)
        unfit: list[str] = []
        PatternRewriteWalker(Choose(machine_of(op), self, unfit), apply_recursively=False).rewrite_module(op)
        if unfit:
            which, machine = "this layer" if len(unfit) == 1 else "these layers", machine_of(op).name
            raise SnowError(f"{', '.join(unfit)}: no tile of {which} fits the buffers of machine '{machine}'")


def choose_layout(op: Operation, machine: Machine, wanted: ChooseSchedule) -> None:
    """Sets `tile.unrolled` on what makes an input of the network, if all layers that read it are faster by that."""
    if len(op.results) != 1 or frac_of(op.results[0]) is None or UnrolledAttr.name in op.attributes:
        return
    unrolled = unrolled_layout(op.results[0], machine)
    readers = [use.operation for use in op.results[0].uses]
    if unrolled is None or any(SCHEDULE in reader.attributes for reader in readers):
        return

    def cycles(maps: MapsLayout | None) -> float:
        problems = [conv_problem(reader, machine, maps) for reader in readers if isinstance(reader, cnn.Conv2dOp)]
        plans = [(problem, best_plan(problem, wanted)) for problem in problems]
        return sum(inf if plan is None else _cycles(problem, plan) for problem, plan in plans)

    if cycles(unrolled.layout) < cycles(None):
        op.attributes[UnrolledAttr.name] = unrolled.unrolled


@dataclass(frozen=True)
class Choose(RewritePattern):
    """The schedule of one layer."""

    machine: Machine
    wanted: ChooseSchedule
    unfit: list[str]
    """Gets the names of layers that fit the machine in no way."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp | cnn.LinearOp, rewriter: PatternRewriter) -> None:
        if SCHEDULE in op.attributes or frac_of(op.result) is None:
            return
        problem = conv_problem(op, self.machine) if isinstance(op, cnn.Conv2dOp) else linear_problem(op, self.machine)
        plan = best_plan(problem, self.wanted)
        if plan is None:
            self.unfit.append(layer_name(op))
            return
        op.attributes[SCHEDULE] = ScheduleAttr.make(plan.schedule)
        op.attributes[EstimateAttr.name] = EstimateAttr.make(estimate(steps_of(problem, plan)))
        rewriter.notify_op_modified(op)


@cache
def best_plan(problem: ConvProblem, wanted: ChooseSchedule) -> ConvPlan | None:
    """The best plan for what is wanted, as far as the layer can have it; None if none fits at all."""
    usual = Mode.COOP if problem.grain % problem.machine.line_words == 0 else Mode.INDP
    modes = (usual,) if wanted.schedule == PAPER else tuple(Mode)
    if wanted.mode is not None:
        modes = (Mode(wanted.mode),)
    rows = () if wanted.rows is None else (wanted.rows,)
    # What the layer cannot have is dropped, the mode before the rows.
    attempts = dict.fromkeys([Choices(modes, rows), Choices((usual,), rows), Choices((usual,))])
    plans: list[ConvPlan] = []
    for choices in attempts:
        plans = plans or list(conv_plans(problem, choices))
    if wanted.schedule == PAPER:
        # Maps stay and weights stream past them; rows are shared out where every MAC has a kernel of its own; a max
        # pool is fused wherever it can be.
        plans = _narrowed(plans, "order", Order.MLOOP)
        if plans and plans[0].schedule.mode is Mode.INDP:
            plans = _narrowed(plans, "split", Split.ROWS)
        plans = _narrowed(plans, "fused", 1)
    for field, kind in (("split", Split), ("order", Order)):
        if (value := getattr(wanted, field)) is not None:
            plans = _narrowed(plans, field, kind(value))
    return _quickest(problem, sorted(plans, key=lambda plan: _cycles(problem, plan)))


def _quickest(problem: ConvProblem, ranked: list[ConvPlan]) -> ConvPlan | None:
    """The best of the first few of these plans, by the timing of their steps."""
    enough = CLOSE * limit_cycles(problem)
    best: tuple[float, ConvPlan] | None = None
    for plan in ranked[:COMPARED]:
        if best is not None and (best[0] <= enough or _cycles(problem, plan) > UNLIKELY * _cycles(problem, ranked[0])):
            break
        cost = _timed_cost(problem, plan)
        if best is None or cost < best[0]:
            best = cost, plan
    return None if best is None else best[1]


def _timed_cost(problem: ConvProblem, plan: ConvPlan) -> float:
    """Cycles of the layer, and of the max pool behind it, by their steps; more where there is much code."""
    steps, pool = steps_of(problem, plan), problem.pool
    cycles = estimate(steps).cycles
    if pool is not None and not plan.schedule.fused:
        behind = max_pool_steps(problem.machine, pool.window, maps_of(problem.result, None, pool.result), Swapped())
        cycles += estimate(behind).cycles
    return cycles * (1 + CODE * code_size(steps.program().nodes))


def steps_of(problem: ConvProblem, plan: ConvPlan) -> ConvSteps:
    """The tile program of a plan, by itself and in memory of its own."""
    pool = problem.pool if plan.schedule.fused else None
    result = problem.result if pool is None else pool.result
    return conv_steps(problem, plan, maps_of(problem.maps, problem.bypass, result), Swapped())


def _narrowed(plans: list[ConvPlan], field: str, value: object) -> list[ConvPlan]:
    """The plans whose schedule has a field with this value, or all when there is none."""
    return [plan for plan in plans if getattr(plan.schedule, field) == value] or plans


def _cycles(problem: ConvProblem, plan: ConvPlan) -> int:
    """Estimated cycles of the layer, and of the max pool behind it."""
    cycles = conv_cycles(problem, plan)
    if problem.pool is not None and not plan.schedule.fused:
        pool = words_problem(problem.machine, problem.pool.window, problem.result, None, problem.pool.result)
        cycles += words_cycles(pool, quickest_tile(pool))
    return cycles
