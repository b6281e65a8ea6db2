"""A pool that is computed with the convolution before it comes behind all that it reads, also where tiles are alike."""

import pytest

from lowering.conv_tiling import ConvProblem, PoolBehind, plan_conv
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.steps import maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MAPS = MapsLayout(28, 28, 256, 28 * 256, (Segment(256, 0),))
CONVOLVED = MapsLayout(28, 28, 128, 28 * 128, (Segment(128, 0),))
POOLED = MapsLayout(14, 14, 128, 14 * 128, (Segment(128, 0),))
WINDOW = Window(1, 1, 1, 1, 1, 1, 0, 0, 28, 28, 28, 28)
POOL = Window(3, 3, 2, 2, 1, 1, 0, 0, 28, 28, 14, 14)


def steps_of(rows: int, maps_rows: int, slots: int) -> ConvSteps:
    """A CU has 32 kernels, eight in a kernel tile."""
    problem = ConvProblem(
        load_machine(), WINDOW, MAPS, None, CONVOLVED, 128, 1, 1, False, PoolBehind(POOL, POOLED, False)
    )
    schedule = Schedule(Mode.COOP, Split.KERNELS, Order.MLOOP, rows, 14, maps_rows, 2, 1, 2, slots, 2, 4, 1, 1)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, POOLED), Swapped())


@pytest.mark.parametrize("slots", [2, 4])
@pytest.mark.parametrize(("rows", "maps_rows"), [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2)])
def test_a_pool_comes_behind_what_it_reads(rows: int, maps_rows: int, slots: int) -> None:
    computed: set[tuple[int, int, int]] = set()
    pooled = 0
    for step in steps_of(rows, maps_rows, slots).program().steps:
        match step.template:
            case Conv(span=span):
                *_, row, column, channel, _, _, _, part_row, part_column = step.numbers
                computed |= {
                    (row + part_row + y, column + part_column + x, channel)
                    for y in range(span.top, span.bottom)
                    for x in range(span.left, span.right)
                }
            case MaxPool(span=span):
                _, _, row, column, part_row, part_column = step.numbers
                for y in range(span.top, span.bottom):
                    for x in range(span.left, span.right):
                        taps = (POOL.kernel_rows(row + part_row + y), POOL.kernel_columns(column + part_column + x))
                        first = 2 * (row + part_row + y), 2 * (column + part_column + x)
                        read = {
                            (first[0] + a, first[1] + b, c) for a in taps[0] for b in taps[1] for c in (0, 8, 16, 24)
                        }
                        assert read <= computed
                        pooled += 1
            case _:
                pass
    assert pooled == 14 * 14


@pytest.mark.parametrize(("rows", "maps_rows"), [(1, 1), (2, 2), (12, 12)])
def test_columns_one_by_one(rows: int, maps_rows: int) -> None:
    """With padding, the first two column tiles begin with the same column, and the last one has none of its own."""
    window, pool = Window(1, 1, 1, 1, 1, 1, 0, 0, 12, 6, 12, 6), Window(3, 3, 1, 1, 1, 1, 1, 1, 12, 6, 12, 6)
    layouts = [MapsLayout(12, 6, pixel, 6 * pixel, (Segment(pixel, 0),)) for pixel in (16, 32, 32)]
    maps, convolved, pooled = layouts
    problem = ConvProblem(
        load_machine(), window, maps, None, convolved, 32, 1, 1, False, PoolBehind(pool, pooled, False)
    )
    schedule = Schedule(Mode.INDP, Split.KERNELS, Order.MLOOP, rows, 1, maps_rows, 1, 1, 2, 1, 2, 1, 1, 1)
    steps = conv_steps(problem, plan_conv(problem, schedule), maps_of(maps, None, pooled), Swapped()).program().steps
    loaded = [step.numbers[1] for step in steps if isinstance(step.template, Load)]
    computed = [
        (row + part_row + y, column + part_column + x)
        for step in steps
        if isinstance(conv := step.template, Conv)
        for _, _, _, row, column, _, _, _, _, part_row, part_column in [step.numbers]
        for y in range(conv.span.bottom)
        for x in range(conv.span.right)
    ]
    assert loaded == sorted(loaded)
    assert sorted(computed) == [(y, x) for y in range(12) for x in range(6)]
