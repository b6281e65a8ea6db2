"""Why a layer has its schedule: what it costs, and what keeps every other one from being chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from lowering.candidates import Constraint, constraints
from lowering.certificates import certificate_of
from lowering.cnn.choose_schedule import (
    SCHEDULE,
    ChooseSchedulePass,
    compared,
    first_estimate,
    layers_of,
    ranked_plans,
)
from lowering.conv_tiling import ConvPlan, ConvProblem, plan_conv
from lowering.layouts import several_in_one
from lowering.maps_tiling import TilingError
from lowering.problems import conv_problem, linear_problem
from lowering.timing import Busy, busy, estimate
from snowdialect.certificate import Certificate
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile import Schedule, ScheduleAttr
from snowdialect.errors import SnowError
from snowdialect.machine import Machine

LISTED = 10
"""Number of rejected candidates that are listed."""


class Candidate(NamedTuple):
    """A schedule that fits, and what it costs."""

    schedule: Schedule
    estimate: int
    """Cycles by the first estimate, which ranks the candidates."""
    cycles: int
    """Cycles by the timing of its steps; both with the max pool behind the layer, where there is one."""
    busy: Busy
    exposed: int
    """Cycles in which not even the busiest resource works: loads and stores that nothing hides."""
    timed: bool
    """Whether it was near enough to the first one for its timing to decide."""

    @property
    def dominating(self) -> str:
        """The busiest resource."""
        return Busy._fields[self.busy.index(max(self.busy))]

    @property
    def parts(self) -> dict[str, int]:
        """Cycles by what they are spent on; these overlap but for those that are exposed."""
        return {**self.busy._asdict(), "exposed": self.exposed}

    def longer_by(self, chosen: Candidate) -> str | None:
        """Whether more work of its busiest resource, or what that does not hide, makes it longer than the chosen one;
        None if it is not longer."""
        longer, exposed = self.cycles - chosen.cycles, self.exposed - chosen.exposed
        if longer <= 0:
            return None
        return "exposed" if 2 * exposed > longer else self.dominating


class Explanation(NamedTuple):
    """Of the schedule of one layer."""

    layer: str
    machine: str
    chosen: Candidate
    certificate: Certificate
    candidates: int
    """Schedules that fit the machine and were ranked."""
    rejected: list[Candidate]
    """The best of the others: of each shape and what it dominates one, the fewest cycles first."""
    constraints: list[Constraint]


def explain(module: ModuleOp, name: str, options: Mapping[str, Any]) -> Explanation:
    """Why a layer has its schedule, in a module whose schedules are chosen with these options of cnn-choose-schedule.

    Raises SnowError for a layer that has none.
    """
    layers = {layer_name(op): op for op in module.body.block.ops if SCHEDULE in op.attributes}
    if name not in layers:
        for op in module.body.block.ops:
            if layer_name(op) == name and (whole := several_in_one(op)) is not None:
                raise SnowError(f"layer '{name}' is a part of {layer_name(whole)}, which has a schedule")
        if halves := [layer for layer in layers if layer.startswith(f"{name}.")]:
            raise SnowError(f"layer '{name}' is computed by several, each of which has a schedule: {', '.join(halves)}")
        known = ", ".join(layers) or "none"
        raise SnowError(f"no layer '{name}' has a schedule; layers that have one: {known}")
    op, machine = layers[name], machine_of(module)
    problem, certificate = _problem(op, machine), certificate_of(op, machine)
    attribute = op.attributes[SCHEDULE]
    if problem is None or certificate is None or not isinstance(attribute, ScheduleAttr):
        raise SnowError(f"{name}: its schedule does not fit the machine")
    errors: list[TilingError] = []
    ranked = ranked_plans(problem, ChooseSchedulePass(**options), errors.append)
    timed = {found.plan.schedule for found in compared(problem, ranked)}
    chosen = _candidate(problem, plan_conv(problem, attribute.record), timed)
    others = (found.plan for found in ranked if found.plan.schedule != chosen.schedule)
    rejected = _best(problem, others, chosen, timed)
    return Explanation(name, machine.name, chosen, certificate, len(ranked), rejected, constraints(errors))


def _problem(op: Operation, machine: Machine) -> ConvProblem | None:
    match op:
        case cnn.Conv2dOp():
            return conv_problem(op, machine)
        case cnn.LinearOp():
            return linear_problem(op, machine)
        case _:
            return None


def _candidate(problem: ConvProblem, plan: ConvPlan, timed: set[Schedule]) -> Candidate:
    layers = layers_of(problem, plan)
    cycles, working = sum(estimate(layer).cycles for layer in layers), [busy(layer) for layer in layers]
    return Candidate(
        plan.schedule,
        first_estimate(problem, plan),
        cycles,
        Busy(*map(sum, zip(*working, strict=True))),
        cycles - sum(map(max, working)),
        plan.schedule in timed,
    )


def _best(problem: ConvProblem, plans: Iterable[ConvPlan], chosen: Candidate, timed: set[Schedule]) -> list[Candidate]:
    """The first few of these plans that differ in more than sizes, or in what makes them longer."""
    seen: set[tuple[object, ...]] = set()
    found: dict[tuple[object, ...], Candidate] = {}
    for plan in plans:
        schedule = plan.schedule
        shape = schedule.mode, schedule.split, schedule.order, schedule.fused
        slots = *shape, schedule.maps_slots, schedule.weights_slots, schedule.result_slots
        if slots in seen and schedule not in timed:
            continue
        seen.add(slots)
        candidate = _candidate(problem, plan, timed)
        found.setdefault((shape, candidate.longer_by(chosen)), candidate)
        if len(found) == LISTED:
            break
    return sorted(found.values(), key=lambda candidate: candidate.cycles)
