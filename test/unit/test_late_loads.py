"""A load into a slot comes behind the first part of the tile behind it, or before that where it is late anyway. Loads
of pixels into banks that are computed with come where they fit, and kernels do not wait for them."""

from itertools import pairwise

import pytest

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.tile_steps.conv import conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import LoadPixels, LoadWeights
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
TILE = 128
"""Channels of a result tile that four kernel tiles give."""


@pytest.mark.parametrize(
    ("height", "cut"),
    [
        # Four kernels of 4608 words take 2310 cycles to load, and 2016 to compute a row of seven outputs in each CU.
        (4, False),
        # Two rows in a CU take twice as long.
        (8, True),
    ],
)
def test_kernels_that_are_late_are_asked_for_before_the_tile_that_waits_for_them(height: int, cut: bool) -> None:
    maps = MapsLayout(height, 7, 512, 7 * 512, (Segment(512, 0),))
    window = Window(3, 3, 1, 1, 1, 1, 1, 1, height, 7, height, 7)
    problem = ConvProblem(MACHINE, window, maps, None, maps, 512, 1, 1, False)
    schedule = Schedule(Mode.COOP, Split.ROWS, Order.MLOOP, height // 4, 7, height, 1, 1, 1, 2, 2, 128, 0, 1)
    steps = conv_steps(problem, plan_conv(problem, schedule), maps_of(maps, None, maps), Swapped()).program().steps
    loads = [number for number, step in enumerate(steps) if isinstance(step.template, LoadWeights)]
    # From the third load on: the first part behind it is one of a tile that has begun, or all of the next tile.
    parts = [
        [step for step in steps[here:there] if isinstance(step.template, Conv)] for here, there in pairwise(loads[2:])
    ]
    assert parts and all(len(tile) == (2 if cut else 1) for tile in parts)
    assert {tile[0].numbers[-2:] == (0, 0) for tile in parts} == {not cut}


def test_kernels_do_not_wait_for_pixels_of_a_residual() -> None:
    """Those of the next result tile come beside any kernel tile of this one, before the kernels of the next."""
    maps = MapsLayout(52, 1, 512, 512, (Segment(512, 0),))
    result = MapsLayout(52, 1, 2048, 2048, (Segment(2048, 0),))
    problem = ConvProblem(
        MACHINE, Window(1, 1, 1, 1, 1, 1, 0, 0, 52, 1, 52, 1), maps, result, result, 2048, 1, 1, False
    )
    schedule = Schedule(Mode.COOP, Split.ROWS, Order.MLOOP, 13, 1, 52, 8, 1, 2, 2, 2, 4, 0, 1)
    steps = conv_steps(problem, plan_conv(problem, schedule), maps_of(maps, result, result), Swapped()).program().steps
    kernels = [number for number, step in enumerate(steps) if isinstance(step.template, LoadWeights)]
    pixels = [number for number, step in enumerate(steps) if isinstance(step.template, LoadPixels)]
    for tile in range(1, 2048 // TILE):
        mine = [number for number in pixels if steps[number].numbers[3] == tile * TILE]
        assert len(mine) == 13 and mine[0] < kernels[4 * tile]
