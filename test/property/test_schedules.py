"""Random layers: the schedule that is chosen is right, and no random legal one is much faster on the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from networks import Net, layers_alone
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.check import first_difference, simulated_run
from lowering.cnn.choose_schedule import SCHEDULE
from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.maps_tiling import TilingError, pieces, tile_columns
from lowering.pipeline import LEVELS
from lowering.problems import conv_problem
from snowdialect.backend.assemble import assemble
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import Mode, Order, Schedule, ScheduleAttr, Split
from snowdialect.interpreters import Run, run_module
from snowdialect.machine import load_machine
from snowdialect.simulator import simulate
from snowdialect.weights import Weights

CONTEXT = driver.make_context()
MACHINE = load_machine()

CLOSE = 1.02
"""The chosen schedule may take so many times the cycles of the best of the random ones."""
RANDOM, RANDOM_IF_LONG = 3, 30
"""So many random schedules of a layer are simulated."""
DRAWS = 400
"""So many schedules are drawn for each legal one that is wanted, at most."""


def random_schedule(problem: ConvProblem, random: Random) -> Schedule:
    """Any schedule; few of them are legal. Sizes are often those that cut evenly, and small ones are as likely as large
    ones."""
    machine, mode, split = problem.machine, random.choice(list(Mode)), random.choice(list(Split))
    fused = random.randint(0, int(problem.pool is not None))
    window = problem.pool.window if fused and problem.pool is not None else problem.window
    share = machine.compute_units

    def size(most: int) -> int:
        return random.choice([random.randint(1, most), random.choice(pieces(most)), most])

    steps = -(-problem.channels // (machine.vmacs * mode.lanes(machine) * (share if split is Split.KERNELS else 1)))
    chosen = size(steps)
    return Schedule(
        mode,
        split,
        random.choice(list(Order)),
        size(-(-window.out_h // share) if split is Split.ROWS else window.out_h),
        random.choice(
            [window.out_w, random.choice(tile_columns(machine, problem.maps, window.out_w)), size(window.out_w)]
        ),
        random.choice([problem.window.out_h, size(problem.window.out_h)]),
        chosen,
        1,
        random.randint(1, 2),
        random.randint(1, 2),
        random.randint(1, 2),
        random.choice([1, size(-(-steps // chosen))]),
        fused,
        random.randint(0, 1),
        random.randint(0, 1),
    )


def legal_schedules(problem: ConvProblem, random: Random) -> Iterator[Schedule]:
    """Different legal schedules, until nearly all that are drawn are illegal or known."""
    known: set[Schedule] = set()
    drawn = 0
    while drawn < DRAWS:
        schedule = random_schedule(problem, random)
        drawn += 1
        try:
            plan_conv(problem, schedule)
        except TilingError:
            continue
        if schedule not in known:
            known.add(schedule)
            yield schedule
            drawn = 0


def simulated(module: ModuleOp, weights: Weights | None, batch: NDArray, schedule: Schedule | None) -> tuple[Run, int]:
    """What a quantised network with one convolution computes on the simulator, and its cycles; with the schedule that
    the compiler chooses unless another one is given."""
    module = module.clone()
    if schedule is not None:
        (op,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
        op.attributes[SCHEDULE] = ScheduleAttr.make(schedule)
    driver.lower(CONTEXT, module, LEVELS[-1], verify_each=False)
    result = simulate(assemble(module, weights, "layer"), batch)
    run = simulated_run(result)
    return run, result.report["cycles"]


@settings(phases=(Phase.explicit, Phase.generate))
@given(net=layers_alone(), seed=st.integers(0, 2**16))
def test_no_random_schedule_is_much_faster(net: Net, seed: int, long: bool) -> None:
    module, weights = net.build()
    set_machine(module, MACHINE)
    driver.lower(CONTEXT, module, LEVELS[0])
    batch = net.inputs(1)
    reference = run_module(module, batch, weights)
    run, cycles = simulated(module, weights, batch, None)
    assert str(first_difference(reference, run)) == "None"
    (op,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    for schedule in islice(
        legal_schedules(conv_problem(op, MACHINE), Random(seed)), RANDOM_IF_LONG if long else RANDOM
    ):
        other, least = simulated(module, weights, batch, schedule)
        assert str(first_difference(reference, other)) == "None"
        assert cycles <= CLOSE * least, f"{schedule} takes {least} cycles, the chosen one {cycles}"
