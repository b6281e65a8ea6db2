"""Chooses mode, split, order and tile sizes of every convolution and linear layer, and the machine they are for.

Of the plans worth comparing (lowering/candidates.py) the one with the fewest estimated cycles (lowering/costs.py). What
is decided is an attribute, `tile.schedule`, that any other chooser may set instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from math import inf, prod
from operator import attrgetter, itemgetter
from typing import NamedTuple

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.ir import Operation
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from lowering.candidates import (
    SMALL,
    Choices,
    Refusal,
    constraints,
    conv_plans,
    ignore,
    quickest_tiles,
    result_window,
)
from lowering.context import program_context
from lowering.conv_tiling import ConvPlan, ConvProblem
from lowering.costs import MOST_ABREAST, conv_cycles, first_tiles_cycles, limit_cycles, words_cycles
from lowering.host import host_reason
from lowering.interleave_concats import interleave_concats
from lowering.layouts import layout_of, unrolled_layout, while_nothing_changes
from lowering.maps_tiling import TilingError
from lowering.merge_siblings import merge_siblings
from lowering.problems import (
    FUSED,
    check_quantised,
    conv_problem,
    linear_problem,
    pool_before,
    pool_window,
    pooled_problem,
)
from lowering.processes import map_in_processes
from lowering.split_kernels import split_kernels
from lowering.store_apart import store_apart
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.layer import LayerBuffers
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.roll import code_size
from lowering.tile_steps.steps import maps_of
from lowering.tile_steps.words import max_pool_steps
from lowering.timing import estimate
from lowering.words_tiling import words_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of, set_machine
from snowdialect.dialects.tile import Estimate, EstimateAttr, Mode, Order, Schedule, ScheduleAttr, Split, UnrolledAttr
from snowdialect.dialects.tile.types import MapsType
from snowdialect.errors import SnowError
from snowdialect.machine import DEFAULT_MACHINE, Machine, load_machine

SCHEDULE = ScheduleAttr.name
BEST, PAPER = "best", "paper"
AS_IS = "as-is"
BY_PIXEL, BY_ROW = "pixels", "rows"

COMPARED = 4
"""So many plans are timed at least, those that are estimated to be fastest."""
TIMED_STEPS = 1500
"""More plans are timed until they have so many steps in all, which takes some milliseconds: of layers with few tiles,
which the estimate knows least about, these are many plans. Pieces of kernels are short and do not count."""
UNLIKELY, UNLIKELY_IF_SMALL = 1.15, 1.5
"""A plan whose estimate is so much longer than the shortest one is not timed; small layers are estimated less well."""
HOPE = 0.9
"""What a plan takes is seldom less than this part of its estimate: where that is more than the best one takes, a
published plan is not timed."""
ALIKE = 0.97
"""Plans in the same mode, split and order take about the same part of their estimates, seldom less than so much of the
smallest one: a plan that could then not be the best one is not timed."""
CLOSE = 1.005
"""A plan this near to what the MACs need at least is taken at once."""
TRAFFIC = 0.022
"""What it is worth that memory has a cycle less to do, in cycles: what is idle is there for the layers around."""
CODE, MOST_CODE = 0.0003, 26
"""What an operation of the tile program, some thirty instructions, is worth: a part of the layer's cycles, but no more
than so many of them: of plans that differ by less than that, as the simulator has those of SqueezeNet, the one with
less code is taken. Code takes time to compile and to fetch."""


@dataclass(frozen=True)
class ChooseSchedulePass(ModulePass):
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
    slots: int | None = None
    """1: buffers have one slot, so that nothing is loaded or stored beside the computation of a tile; 2: two, where
    they fit."""
    fused: int | None = None
    """0: max pools are layers by themselves; 1: they are computed with the convolution before, where they can be."""
    pooled: int | None = None
    """0: max pools are layers by themselves for the convolution behind, as for schedule=paper; 1: they are computed
    with that where they can be, whether or not it is faster."""
    turns: int | None = None
    """0: kernels, or maps, go past the others always forwards, as for schedule=paper; 1: back and forth."""
    biases: int | None = None
    """0: biases lie in front of their kernels, as for schedule=paper; 1: in the maps buffers, where they fit. Without,
    there where two slots of kernels do not fit otherwise."""
    abreast: int | None = None
    """So many pixels of the result share the lanes of kernel steps, where they can; 1, as for schedule=paper: each is
    by itself. Without, as many as do so best, where that is faster."""
    concats: str | None = None
    """pixels: the parts of a concatenation lie side by side in every pixel, as for schedule=paper; rows: their rows lie
    in turns wherever they can. Without, where that is quicker."""
    uneven: int | None = None
    """0: all kernels of a layer are cut alike, as for schedule=paper; 1: some are a layer of their own wherever they
    can be. Without, there where that is quicker."""
    siblings: int | None = None
    """0: convolutions of the same maps are layers by themselves, and store all of their channels together, as for
    schedule=paper; 1: they are one, and store apart what the network splits, wherever they can. Without, there where
    that is quicker, or no slower."""
    timed: bool = True
    """Whether plans are timed; without, the first estimate alone decides."""
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
            "slots": ("1", "2"),
            "fused": ("0", "1"),
            "pooled": ("0", "1"),
            "turns": ("0", "1"),
            "biases": ("0", "1"),
            "concats": (BY_PIXEL, BY_ROW),
            "uneven": ("0", "1"),
            "siblings": ("0", "1"),
        }
        for option, choices in named.items():
            if (value := getattr(self, option)) is not None and str(value) not in [str(choice) for choice in choices]:
                raise SnowError(f"{self.name}: {option} must be {' or '.join(choices)}, is {value}")
        if self.rows is not None and self.rows < 1:
            raise SnowError(f"{self.name}: rows must be positive, is {self.rows}")
        if self.abreast is not None and not 1 <= self.abreast <= MOST_ABREAST:
            raise SnowError(f"{self.name}: abreast must be 1 to {MOST_ABREAST}, is {self.abreast}")
        if self.machine is not None or MACHINE_ATTRIBUTE not in op.attributes:
            set_machine(op, load_machine(self.machine or DEFAULT_MACHINE))
        layers = [layer for layer in op.walk() if isinstance(layer, cnn.Conv2dOp | cnn.LinearOp)]
        if layers and all(frac_of(layer.result) is None for layer in layers):
            check_quantised(layers[0])
        if (self.input_layout or (AS_IS if self.schedule == PAPER else BEST)) == BEST:
            for inner in op.walk():
                if (found := open_input(inner, machine_of(op))) is not None:
                    found.choose(self)
        plans = plans_for(self)
        concats = self.concats or (BY_PIXEL if self.schedule == PAPER else None)
        if concats != BY_PIXEL:
            interleave_concats(op, machine_of(op), None if concats == BY_ROW else plans.costs)
        siblings = self.siblings if self.siblings is not None else 0 if self.schedule == PAPER else None
        if siblings != 0:
            store_apart(op, machine_of(op), plans.costs, everywhere=bool(siblings))
            merge_siblings(op, machine_of(op), None if siblings else plans.costs_behind)
        uneven = self.uneven if self.uneven is not None else 0 if self.schedule == PAPER else None
        if uneven != 0:
            split_kernels(op, machine_of(op), None if uneven else plans.costs)
        with while_nothing_changes():
            problems = [*problems_of(op, machine_of(op)), *pooled_problems_of(op, machine_of(op), self)]
        plans.find(problems)
        unfit: dict[str, ConvProblem] = {}
        choose = Choose(machine_of(op), plans, unfit, program_context(ctx).note)
        PatternRewriteWalker(choose, apply_recursively=False).rewrite_module(op)
        if unfit:
            raise SnowError(self._what_does_not_fit(unfit))

    def _what_does_not_fit(self, layers: Mapping[str, ConvProblem]) -> str:
        """One line for all layers, with what keeps the first one from the machine: most often, of sizes if any."""
        (name, problem), *others = layers.items()
        errors: list[TilingError] = []
        ranked_plans(problem, self, errors.append)
        # Where not even a kernel fits, or a row of it, there is nothing to try.
        words = problem.window.kernel_h * problem.window.kernel_w * problem.depth
        alone = f"a kernel of {words} words does not fit a weights buffer of {problem.machine.wbuf_words}"
        reasons = [*(constraint.reason for constraint in constraints(errors)), alone]
        reason = next((reason for reason in reasons if "do not fit" in reason), reasons[0])
        which, of_first = ("these layers", f"; {name}") if others else ("this layer", "")
        machine = problem.machine.name
        return f"{', '.join(layers)}: no tile of {which} fits the buffers of machine '{machine}'{of_first}: {reason}"


class Planned(NamedTuple):
    """The plan that was chosen for a layer, and what the layer then takes by itself."""

    plan: ConvPlan
    estimate: Estimate
    cost: float
    """That of the max pool behind the layer included."""


@dataclass(frozen=True)
class Plans:
    """The best plans of layers, for what is wanted; layers that are alike share one."""

    wanted: ChooseSchedulePass
    known: dict[ConvProblem, Planned | None] = field(default_factory=dict[ConvProblem, Planned | None])
    """None where nothing fits."""

    def find(self, problems: Iterable[ConvProblem]) -> None:
        """Finds the plans of these layers, several at the same time."""
        new = dict.fromkeys(problem for problem in problems if problem not in self.known)
        most_work_first = sorted(new, key=limit_cycles, reverse=True)
        found = map_in_processes(partial(_planned, self.wanted), most_work_first)
        self.known.update(zip(most_work_first, found, strict=True))

    def costs(self, problems: Sequence[ConvProblem]) -> dict[ConvProblem, float]:
        """What each of these layers costs with its best plan."""
        self.find(problems)
        planned = {problem: self.known[problem] for problem in problems}
        return {problem: inf if found is None else found.cost for problem, found in planned.items()}

    def costs_behind(self, problems: Sequence[ConvProblem]) -> dict[ConvProblem, float]:
        """What each of these layers, none with a pool before it, costs behind another one, beside which its first tiles
        are loaded."""
        costs = self.costs(problems)
        planned = {problem: found for problem in costs if (found := self.known[problem]) is not None}
        return costs | {
            problem: costs[problem] - first_tiles_cycles(problem, found.plan) for problem, found in planned.items()
        }

    def of(self, problem: ConvProblem) -> Planned | None:
        """The best plan of one layer."""
        self.find([problem])
        return self.known[problem]


@cache
def plans_for(wanted: ChooseSchedulePass) -> Plans:
    """Plans are kept: programs that are compiled one after the other often have the same layers."""
    return Plans(wanted)


def _planned(wanted: ChooseSchedulePass, problem: ConvProblem) -> Planned | None:
    plan = best_plan(problem, wanted)
    if plan is None:
        return None
    cost = cost_of(map(estimate, layers_of(problem, plan)), problem.machine)
    return Planned(plan, estimate(steps_of(problem, plan)), cost)


def problems_of(module: ModuleOp, machine: Machine) -> list[ConvProblem]:
    """The layers that have no schedule yet."""
    return [problem for op in module.walk() if (problem := _problem(op, machine)) is not None]


def _problem(op: Operation, machine: Machine) -> ConvProblem | None:
    """A layer that wants a schedule; None for any other operation."""
    if not isinstance(op, cnn.Conv2dOp | cnn.LinearOp) or SCHEDULE in op.attributes or frac_of(op.result) is None:
        return None
    return conv_problem(op, machine) if isinstance(op, cnn.Conv2dOp) else linear_problem(op, machine)


def pooled_problems_of(module: ModuleOp, machine: Machine, wanted: ChooseSchedulePass) -> Iterator[ConvProblem]:
    """The layers that have no schedule yet, each with the max pool before it that may be fused."""
    for op in module.walk():
        if _problem(op, machine) is not None and (pool := open_pool(op, machine, wanted)) is not None:
            assert isinstance(op, cnn.Conv2dOp)
            yield pooled_problem(op, pool, machine)


def open_pool(op: Operation, machine: Machine, wanted: ChooseSchedulePass) -> cnn.MaxPoolOp | None:
    """The max pool before a convolution of which it is still to be chosen whether it is fused."""
    if not isinstance(op, cnn.Conv2dOp) or wanted.pooled == 0 or (wanted.schedule == PAPER and not wanted.pooled):
        return None
    pool = pool_before(op, machine)
    return None if pool is None or FUSED in pool.attributes or host_reason(pool, machine) is not None else pool


class OpenInput(NamedTuple):
    """What makes an input of the network whose layout is still to be chosen."""

    op: Operation
    unrolled: MapsType
    problems: tuple[list[ConvProblem], list[ConvProblem]]
    """The layers that read it: in unrolled rows, and as it is."""

    def choose(self, wanted: ChooseSchedulePass) -> None:
        """Sets `tile.unrolled` if all layers that read it together are faster by that, by their first estimates."""

        def cycles(problems: list[ConvProblem]) -> float:
            best = [next(iter(ranked_plans(problem, wanted)), None) for problem in problems]
            return sum(inf if found is None else found.estimate for found in best)

        unrolled, as_is = map(cycles, self.problems)
        if unrolled < as_is:
            self.op.attributes[UnrolledAttr.name] = self.unrolled.unrolled


def open_input(op: Operation, machine: Machine) -> OpenInput | None:
    """The input of the network that an operation makes, if there is another layout for it."""
    if len(op.results) != 1 or frac_of(op.results[0]) is None or UnrolledAttr.name in op.attributes:
        return None
    unrolled = unrolled_layout(op.results[0], machine)
    readers = [use.operation for use in op.results[0].uses]
    if unrolled is None or any(SCHEDULE in reader.attributes for reader in readers):
        return None
    convolutions = [reader for reader in readers if isinstance(reader, cnn.Conv2dOp)]
    with while_nothing_changes():
        in_rows, as_is = ([conv_problem(op, machine, maps) for op in convolutions] for maps in (unrolled.layout, None))
    return OpenInput(op, unrolled, (in_rows, as_is))


@dataclass(frozen=True)
class Choose(RewritePattern):
    """The schedule of one layer."""

    machine: Machine
    plans: Plans
    unfit: dict[str, ConvProblem]
    """Gets layers that fit the machine in no way, by their names."""
    note: Callable[[str], None]
    """Gets what a layer cannot have of what is wanted."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp | cnn.LinearOp, rewriter: PatternRewriter) -> None:
        problem = _problem(op, self.machine)
        if problem is None:
            return
        planned = self.plans.of(problem)
        if (planned is None or planned.plan.in_parts) and isinstance(op, cnn.LinearOp) and len(shape_of(op.x)) == 4:
            planned = self._of_vector(op, rewriter) or planned
        if planned is None:
            self.unfit[layer_name(op)] = problem
            return
        if (pool := open_pool(op, self.machine, self.plans.wanted)) is not None:
            assert isinstance(op, cnn.Conv2dOp)
            fused = self.plans.of(pooled_problem(op, pool, self.machine))
            if fused is not None and (self.plans.wanted.pooled or self._pays(fused, planned, pool)):
                planned = fused
                pool.attributes[FUSED] = UnitAttr()
        for restriction in left_out(problem, planned.plan.schedule, self.plans.wanted):
            self.note(f"{ChooseSchedulePass.name}: layer {layer_name(op)} cannot have {restriction}")
        op.attributes[SCHEDULE] = ScheduleAttr.make(planned.plan.schedule)
        op.attributes[EstimateAttr.name] = EstimateAttr.make(planned.estimate)
        rewriter.notify_op_modified(op)

    def _of_vector(self, op: cnn.LinearOp, rewriter: PatternRewriter) -> Planned | None:
        """The plan of a linear layer of maps for a vector of their elements, which the host makes of them: where
        channels are few, lines are mostly empty, and all of them have to fit a buffer."""
        maps = op.x
        flat = located(cnn.ReshapeOp(maps, (1, prod(shape_of(maps)))), name_location(f"{layer_name(op)}.vector"))
        rewriter.insert(flat, InsertPoint.before(op))
        op.operands[0] = flat.result
        planned = self.plans.of(linear_problem(op, self.machine))
        if planned is None:
            op.operands[0] = maps
            rewriter.erase(flat)
        return planned

    def _pays(self, fused: Planned, alone: Planned, pool: cnn.MaxPoolOp) -> bool:
        """Whether a convolution with the max pool before it costs less than both by themselves."""
        maps, result = (layout_of(value, self.machine).layout for value in (pool.x, pool.result))
        steps = max_pool_steps(self.machine, pool_window(pool), maps_of(maps, None, result), Swapped())
        return fused.cost < alone.cost + cost_of([estimate(steps)], self.machine)


def left_out(problem: ConvProblem, schedule: Schedule, wanted: ChooseSchedulePass) -> list[str]:
    """The restrictions that a schedule does not meet: of options that are no mere permission, such as `mode=coop`."""
    rows = None if wanted.rows is None else min(wanted.rows, result_window(problem, schedule.fused).out_h)
    found = {
        "mode": (wanted.mode, schedule.mode),
        "split": (wanted.split, schedule.split),
        "order": (wanted.order, schedule.order),
        "rows": (rows, schedule.rows),
    }
    return [f"{name}={value}" for name, (value, chosen) in found.items() if value not in (None, chosen)]


def cost_of(estimates: Iterable[Estimate], machine: Machine) -> float:
    """What layers cost by which plans are compared: their cycles, and what their traffic is worth."""
    return sum(found.cycles + TRAFFIC * (found.read + found.written) / machine.bytes_per_cycle for found in estimates)


def best_plan(problem: ConvProblem, wanted: ChooseSchedulePass) -> ConvPlan | None:
    """The best plan for what is wanted, as far as the layer can have it; None if none fits at all."""
    ranked = ranked_plans(problem, wanted)
    if not wanted.timed:
        return ranked[0].plan if ranked else None
    best = min(compared(problem, ranked), key=lambda found: found.cost, default=None)
    return None if best is None else best.plan


class Ranked(NamedTuple):
    """A plan, and its first estimate."""

    estimate: int
    plan: ConvPlan


def ranked_plans(problem: ConvProblem, wanted: ChooseSchedulePass, refuse: Refusal = ignore) -> list[Ranked]:
    """The plans that are compared for what is wanted, as far as the layer can have it, by their first estimates.

    `refuse` is called for schedules that do not fit.
    """
    usual = usual_mode(problem)
    modes = (usual,) if wanted.schedule == PAPER else tuple(Mode)
    if wanted.mode is not None:
        modes = (Mode(wanted.mode),)
    rows = () if wanted.rows is None else (wanted.rows,)
    slots = Choices().slots if wanted.slots is None else (wanted.slots,)
    turns = wanted.turns if wanted.turns is not None else 0 if wanted.schedule == PAPER else 1
    # What the layer cannot have is dropped, the mode before the rows, the slots behind them, at last how many pixels
    # are abreast and where biases lie.
    narrower = [Choices(modes, rows, slots), Choices((usual,), rows, slots), Choices((usual,), slots=slots)]
    biases = wanted.biases if wanted.biases is not None else 0 if wanted.schedule == PAPER else None
    abreast = wanted.abreast if wanted.abreast is not None else 1 if wanted.schedule == PAPER else None
    attempts = dict.fromkeys(
        choices._replace(turns=turns, biases=wish, abreast=pixels)
        for wish in dict.fromkeys((biases, biases and 0))
        for pixels in dict.fromkeys((abreast, abreast and 1))
        for choices in (*narrower, Choices((usual,)))
    )
    plans: list[ConvPlan] = []
    for choices in attempts:
        plans = plans or list(conv_plans(problem, choices, refuse))
    ranked = sorted((Ranked(first_estimate(problem, plan), plan) for plan in plans), key=attrgetter("estimate"))
    if wanted.schedule == PAPER:
        ranked = _as_published(ranked)
    for name, kind in (("split", Split), ("order", Order), ("fused", int)):
        if (value := getattr(wanted, name)) is not None:
            ranked = _narrowed(ranked, name, kind(value))
    return ranked


class Compared(NamedTuple):
    """A plan, and what it costs by the timing of its steps."""

    cost: float
    plan: ConvPlan


def compared(problem: ConvProblem, ranked: list[Ranked]) -> Iterator[Compared]:
    """The first few of these plans, the first few of a kind that the first estimate knows less about, and the first few
    that do what the published code did, so that none is slower than that.

    They are timed until one is near to what the MACs need.
    """
    limit, least = limit_cycles(problem), inf
    enough, unlikely = CLOSE * limit, UNLIKELY if limit > SMALL else UNLIKELY_IF_SMALL
    usual = _narrowed(ranked, "mode", usual_mode(problem))
    known: set[int] = set()
    taken = _Taken()
    # Of kernels that see a piece of the pixel, the first estimate knows least how both splits compare.
    by_rows = _narrowed(ranked, "split", Split.ROWS) if problem.windows > 1 else []
    # Of maps that a max pool makes, it knows as little how the other mode does.
    other_mode = _in_other_mode(ranked) if problem.before is not None else []
    known_less = (by_rows, 0, 0), (other_mode, 0, 0)
    for plans, enough_steps, hope in ((ranked, TIMED_STEPS, 0), *known_less, (_as_published(usual), 0, HOPE)):
        timed_steps = 0
        # Of plans that the estimate does not tell apart the first one stands for all.
        first = {estimate: plan for estimate, plan in reversed(plans)}
        for number, (cycles, plan) in enumerate(sorted(first.items(), key=itemgetter(0))):
            if least <= enough or cycles > unlikely * min(first) or hope * cycles > least:
                break
            if number >= COMPARED and timed_steps >= enough_steps:
                break
            if number >= COMPARED and ALIKE * taken.at_least(cycles, plan) > least:
                continue
            program = steps_of(problem, plan).program()
            timed_steps += sum(not step.patient for step in program.steps)
            if cycles in known:
                continue
            known.add(cycles)
            cost = cost_of(map(estimate, layers_of(problem, plan)), problem.machine)
            taken.note(cycles, plan, cost)
            if cost < least:
                cost += code_size(program.nodes) * min(CODE * cost, MOST_CODE)
            least = min(least, cost)
            yield Compared(cost, plan)


class _Taken:
    """The smallest part of their estimates that plans took: those in the same mode, split and order, or any."""

    def __init__(self) -> None:
        self.parts: dict[Hashable, float] = {}

    def note(self, cycles: int, plan: ConvPlan, cost: float) -> None:
        """Notes what a plan took that was estimated to take so many cycles."""
        kind = self._kind(plan)
        self.parts[kind] = min(self.parts.get(kind, inf), cost / cycles)

    def at_least(self, cycles: int, plan: ConvPlan) -> float:
        """What a plan that is estimated to take so many cycles takes by that."""
        return cycles * self.parts.get(self._kind(plan), min(self.parts.values(), default=0))

    @staticmethod
    def _kind(plan: ConvPlan) -> Hashable:
        return plan.schedule.mode, plan.schedule.split, plan.schedule.order


def _as_published(plans: list[Ranked]) -> list[Ranked]:
    """Of plans in one mode, those that do what the published hand-written code did: maps stay and weights stream past
    them; rows are shared out where every MAC has a kernel of its own; a max pool is fused wherever it can be."""
    plans = _narrowed(plans, "order", Order.MLOOP)
    if plans and plans[0].plan.schedule.mode is Mode.INDP:
        plans = _narrowed(plans, "split", Split.ROWS)
    return _narrowed(plans, "fused", 1)


def _in_other_mode(plans: list[Ranked]) -> list[Ranked]:
    """The plans in another mode than the first one."""
    return [found for found in plans if found.plan.schedule.mode is not plans[0].plan.schedule.mode]


def usual_mode(problem: ConvProblem) -> Mode:
    """COOP where a kernel sees whole lines of a pixel."""
    return Mode.COOP if problem.grain % problem.machine.line_words == 0 else Mode.INDP


def layers_of(problem: ConvProblem, plan: ConvPlan) -> list[LayerBuffers]:
    """The tile programs that are timed for a plan: of the layer, and of the max pool behind it, if the machine can
    compute that by itself."""
    steps, pool = steps_of(problem, plan), problem.pool
    if pool is None or plan.schedule.fused:
        return [steps]
    regions = maps_of(problem.result, None, pool.result)
    try:
        return [steps, max_pool_steps(problem.machine, pool.window, regions, Swapped())]
    except TilingError:
        return [steps]


def steps_of(problem: ConvProblem, plan: ConvPlan) -> ConvSteps:
    """The tile program of a plan, by itself and in memory of its own."""
    pool = problem.pool if plan.schedule.fused else None
    result, *siblings = problem.results if pool is None else (pool.result,)
    return conv_steps(problem, plan, maps_of(problem.loaded, problem.bypass, result, siblings), Swapped())


def _narrowed(plans: list[Ranked], field: str, value: object) -> list[Ranked]:
    """The plans whose schedule has a field with this value, or all when there is none."""
    return [found for found in plans if getattr(found.plan.schedule, field) == value] or plans


def first_estimate(problem: ConvProblem, plan: ConvPlan) -> int:
    """Estimated cycles of the layer, and of the max pool behind it."""
    cycles = conv_cycles(problem, plan)
    if problem.pool is not None and not plan.schedule.fused:
        pool = words_problem(problem.machine, problem.pool.window, problem.result, None, problem.pool.result)
        # One that fits no buffer is left to the host.
        with suppress(TilingError):
            cycles += words_cycles(pool, quickest_tiles(pool))
    return cycles
