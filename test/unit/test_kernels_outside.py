"""With kernels outside, maps go past one kernel tile after the other; a result tile may wait for several of these."""

from itertools import groupby, pairwise

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadWeights, Store
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import Step, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
MAPS = MapsLayout(14, 14, 256, 14 * 256, (Segment(256, 0),))
RESULT = MapsLayout(7, 7, 256, 7 * 256, (Segment(256, 0),))
WINDOW = Window(3, 3, 2, 2, 1, 1, 1, 1, 14, 14, 7, 7)


def steps_of(*, residual: bool = False) -> ConvSteps:
    """A CU has 64 kernels in tiles of 8; a result tile has all rows and 32 channels, those of four kernel tiles. A maps
    tile is for one of the rows."""
    problem = ConvProblem(MACHINE, WINDOW, MAPS, RESULT if residual else None, RESULT, 256, 1, 1, False)
    schedule = Schedule(Mode.COOP, Split.KERNELS, Order.KLOOP, 7, 7, 1, 2, 1, 2, 2, 1, 4, 0, 1)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, problem.bypass, RESULT), Swapped())


def passes(steps: ConvSteps) -> list[list[int]]:
    """For each kernel tile the rows that are computed with it."""
    tiles = [step.numbers for step in steps.program().steps if isinstance(step.template, Conv)]
    return [
        [row for row, _ in groupby(numbers[3] for numbers in tile)]
        for _, tile in groupby(tiles, lambda numbers: numbers[5])
    ]


def loads(steps: ConvSteps) -> list[Step]:
    return [step for step in steps.program().steps if isinstance(step.template, Load)]


def test_maps_go_back_and_forth() -> None:
    """The two tiles that are there when a kernel tile is done are the first ones for the next: they are loaded once."""
    steps = steps_of()
    assert passes(steps) == [[*range(7)], [*reversed(range(7))]] * 4
    assert len(loads(steps)) == 7 + 7 * 5


def test_maps_with_a_residual_go_forth_only() -> None:
    """It lies in the bank of the maps that it is for, so that the other one can be filled."""
    assert passes(steps_of(residual=True)) == [[*range(7)]] * 8


def test_a_result_tile_is_stored_when_all_its_kernels_have_been_there() -> None:
    steps = steps_of().program().steps
    stores = [number for number, step in enumerate(steps) if isinstance(step.template, Store)]
    pixels = sum(sum(step.template.rows) * 7 for step in steps if isinstance(step.template, Store))
    assert pixels == 2 * 4 * 49, "two result tiles of each CU"
    fourth = next(
        number for number, step in enumerate(steps) if isinstance(step.template, Conv) and step.numbers[5] == 24
    )
    assert min(stores) > fourth


def test_the_next_kernels_come_in_pieces_between_maps() -> None:
    """A kernel tile takes 9030 cycles to load, all maps 8260, and 12800 to compute with. Each half of the kernels of
    a CU is a piece, so that two at most come between the maps of two tiles; the others, while maps turn round."""
    layer = steps_of()
    steps = layer.program().steps
    kernels = [(step.numbers, step.template) for step in steps if isinstance(step.template, LoadWeights)]
    assert [numbers[0] for numbers, _ in kernels] == [0, *(tile for tile in range(1, 8) for _ in range(16))]
    for _, tile in groupby(kernels[1:], lambda load: load[0]):
        assert sorted((load.piece, load.pieces, load.cus) for _, load in tile) == [
            (piece, 4, 1 << cu) for piece in range(4) for cu in range(MACHINE.compute_units)
        ]
    words = sum(transfer.words for _, load in kernels for transfer in layer.weights_transfers(load))
    assert words == layer.conv_plan.kernels.packing.words
    maps = [number for number, step in enumerate(steps) if isinstance(step.template, Load)]
    between = [sum(step.patient for step in steps[here:there]) for here, there in pairwise(maps)]
    assert max(between[:6]) <= 2, "all maps of the first pass are loaded"


def test_kernels_that_a_maps_tile_may_wait_for_come_at_once() -> None:
    """Maps of which none is loaded twice leave memory to the kernels."""
    problem = ConvProblem(MACHINE, WINDOW._replace(out_h=1), MAPS, None, RESULT._replace(height=1), 256, 1, 1, False)
    schedule = Schedule(Mode.COOP, Split.KERNELS, Order.KLOOP, 1, 7, 1, 2, 1, 2, 2, 1, 4, 0, 1)
    layer = conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, problem.result), Swapped())
    kernels = [step for step in layer.program().steps if isinstance(step.template, LoadWeights)]
    assert len(kernels) == 8 and not any(step.patient for step in kernels)
