"""A maps tile in the only slot of its buffer is replaced bank by bank, beside the last rows of the tile before and the
first ones of its own."""

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadPixels
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import Step, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
MAPS = MapsLayout(14, 14, 256, 14 * 256, (Segment(256, 0),))
WINDOW = Window(3, 3, 1, 1, 1, 1, 1, 1, 14, 14, 14, 14)


def steps_of(*, residual: bool = False, result_slots: int = 1) -> ConvSteps:
    """Five rows at a time, past which all kernels go, 64 of them in each CU."""
    problem = ConvProblem(MACHINE, WINDOW, MAPS, MAPS if residual else None, MAPS, 256, 1, 1, False)
    tiles = 8 if residual else 16
    schedule = Schedule(Mode.COOP, Split.KERNELS, Order.MLOOP, 5, 14, 14, 1, 1, 1, 2, result_slots, tiles, 0, 1)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, problem.bypass, MAPS), Swapped())


def maps_row(step: Step) -> int:
    """The row of the maps where the tile begins that a step loads or computes with."""
    return step.numbers[0] if isinstance(step.template, Load) else step.numbers[3]


def test_the_first_bank_is_filled_before_the_tile_before_is_done() -> None:
    steps = steps_of().program().steps
    computed = [number for number, step in enumerate(steps) if isinstance(step.template, Conv)]
    first_tile = max(number for number in computed if maps_row(steps[number]) == 0)
    loads = [number for number, step in enumerate(steps) if isinstance(step.template, Load) and maps_row(step) == 5]
    rows = [steps[number].writes[0].rows for number in loads]
    assert [(extent.first, extent.stop) for extent in rows] == [(0, 4), (4, 7)], "four rows lie in the first bank"
    assert loads[0] < first_tile < loads[1]


def test_nothing_computes_with_a_bank_that_is_being_filled_but_what_waits_for_it() -> None:
    """Between a load and the first step that reads what it brings, no step reads its bank: dispatch would hold it."""
    layer = steps_of()
    steps = layer.program().steps
    for number, load in enumerate(steps):
        if not isinstance(load.template, Load):
            continue
        bank = layer.buffers.banks_of(load.writes, weights=False)
        for step in steps[number + 1 :]:
            if any(mine.meets(read) for mine in load.writes for read in step.reads):
                break
            if isinstance(step.template, Conv):
                assert not bank & layer.buffers.banks_of(step.reads, weights=False)


def test_a_residual_comes_in_the_channels_of_each_result_tile() -> None:
    layer = steps_of(residual=True)
    loads = [step.template for step in layer.program().steps if isinstance(step.template, LoadPixels)]
    pixels = sum(sum(load.rows) * (load.span.right - load.span.left) for load in loads)
    assert layer.other is not None and layer.other.unit == 32
    assert {(load.words, load.share) for load in loads} == {(32, 64)}
    assert pixels * 32 == MAPS.words, "each word once"
    assert max(load.span.right - load.span.left for load in loads) == MACHINE.load_queue_depth
