"""Plans of tiles: what is planned fits the machine, and what does not fit is said."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lowering.tiling import (
    ConvPlan,
    ConvProblem,
    MapsProblem,
    Place,
    TilingError,
    conv_plans,
    largest_tile,
    merged_windows,
    plan_conv,
)
from snowdialect.dialects.tile import MapsType, Mode, Order, Schedule, Split, Window
from snowdialect.layout import Segment, round_up
from snowdialect.machine import Machine, load_machine

ZC706 = load_machine()


def maps(height: int, width: int, channels: int, machine: Machine = ZC706) -> MapsType:
    pixel = round_up(channels, machine.line_words)
    row = round_up(width * pixel, machine.transfer_words)
    return MapsType.make(height, width, pixel, row, 8, [Segment(channels, 0)])


def convolution(
    channels: int, outputs: int, size: tuple[int, int], kernel: int, machine: Machine = ZC706, *, residual: bool = False
) -> ConvProblem:
    """Stride 1, padded so that the result has the size of the maps; kernels of odd size."""
    height, width = size
    pad = kernel // 2
    window = Window(kernel, kernel, 1, 1, 1, 1, pad, pad, height, width, height, width)
    result = maps(height, width, outputs, machine)
    read = maps(height, width, channels, machine)
    return ConvProblem(machine, window, read, result if residual else None, result, outputs, 1, 1, False)


def schedule(
    mode: Mode = Mode.COOP,
    split: Split = Split.ROWS,
    order: Order = Order.MLOOP,
    rows: int = 2,
    columns: int = 8,
    steps: int = 4,
    parts: int = 1,
    maps_slots: int = 2,
    weights_slots: int = 2,
) -> Schedule:
    return Schedule(mode, split, order, rows, columns, steps, parts, maps_slots, weights_slots)


PROBLEM = convolution(16, 64, (16, 8), 3)


def check_fits(plan: ConvPlan, problem: ConvProblem) -> None:
    machine, chosen, tiles = problem.machine, plan.schedule, plan.maps
    bank = machine.mbuf_bank_words if chosen.maps_slots == 2 else machine.mbuf_words
    places = [place for place in (tiles.maps, tiles.other, tiles.result) if place is not None]
    for here, there in pairwise(places):
        assert here.start + here.words <= there.start
    assert places[-1].start + places[-1].words <= bank
    assert all(place.start % machine.transfer_words == place.row % machine.transfer_words == 0 for place in places)
    # The tiles of a CU cover its share, and the CUs all rows.
    units = machine.compute_units if tiles.share else 1
    assert tiles.row_tiles * tiles.rows >= (tiles.share or problem.window.out_h)
    assert tiles.column_tiles * tiles.columns >= problem.window.out_w
    assert units * (tiles.share or problem.window.out_h) >= problem.window.out_h
    blocks = machine.wbuf_bank_words if chosen.weights_slots == 2 else machine.wbuf_words
    assert chosen.steps * plan.packing.block <= blocks
    # The steps of all tiles have a kernel for every channel.
    lanes = 1 if chosen.mode is Mode.COOP else machine.macs
    kernels = plan.packing.tiles * chosen.steps * machine.vmacs * lanes * plan.packing.cus
    assert kernels >= problem.channels
    assert plan.cycles >= plan.compute_cycles > 0


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_every_plan_fits_the_machine(data: st.DataObject) -> None:
    draw = data.draw
    machine = replace(
        ZC706,
        compute_units=draw(st.sampled_from([1, 2, 4])),
        vmacs=draw(st.sampled_from([1, 2, 4])),
        mbuf_words=2 * draw(st.sampled_from([1024, 4096, 16384])),
        wbuf_words=2 * draw(st.sampled_from([1024, 8192])),
    )
    size = draw(st.tuples(*[st.integers(1, 40)] * 2))
    numbers = draw(st.integers(1, 80)), draw(st.integers(1, 80))
    problem = convolution(*numbers, size, draw(st.sampled_from([1, 3, 5])), machine, residual=draw(st.booleans()))
    plans = list(conv_plans(problem, tuple(Mode)))
    assume(plans)
    for plan in plans:
        check_fits(plan, problem)
        assert plan_conv(problem, plan.schedule) == plan


def test_the_tiles_of_a_schedule() -> None:
    plan = plan_conv(PROBLEM, schedule())
    # 16 rows for 4 CUs, 2 a tile, which read 4; pixels of 16 words, kernels of 144 words behind a line of bias.
    assert (plan.maps.share, plan.maps.row_tiles, plan.maps.column_tiles, plan.maps.cus) == (4, 2, 1, 15)
    assert (plan.maps.maps, plan.maps.result) == (Place(512, 0, 128), Place(1024, 512, 512))
    assert (plan.packing.block, plan.kernel_tiles, plan.tile_words, plan.whole_pixels) == (192, 4, 64, True)


def test_kernels_first_means_tiles_with_their_channels_only() -> None:
    plan = plan_conv(PROBLEM, schedule(order=Order.KLOOP, steps=8))
    assert (plan.kernel_tiles, plan.tile_words, plan.partial, plan.whole_pixels) == (2, 32, True, False)


@pytest.mark.parametrize(
    ("problem", "chosen", "message"),
    [
        (
            convolution(64, 64, (56, 56), 3),
            schedule(rows=14, columns=56),
            "a tile of 14x56 results takes 107520 words, a bank has 16384",
        ),
        (
            convolution(64, 64, (56, 56), 3),
            schedule(rows=14, columns=56, maps_slots=1),
            "a tile of 14x56 results takes 107520 words, the maps buffer has 32768",
        ),
        (
            PROBLEM,
            schedule(steps=43, columns=8),
            "43 kernels of 192 words do not fit 8192 words of a weights buffer",
        ),
        (PROBLEM, schedule(columns=3), "3 columns do not begin at whole transfers of the maps"),
        (
            PROBLEM._replace(maps=MapsType.make(16, 8, 3, 32, 8, [Segment(3, 0)])),
            schedule(),
            "COOP reads whole lines, a pixel has 3 words",
        ),
        (PROBLEM._replace(windows=2, groups=2), schedule(Mode.INDP), "INDP kernels see the whole pixel"),
        (
            PROBLEM._replace(result=maps(16, 8, 48), channels=48),
            schedule(split=Split.KERNELS),
            "kernels are shared out in whole transfers of ungrouped channels",
        ),
        (
            convolution(16, 64, (16, 8), 3, residual=True),
            schedule(split=Split.KERNELS),
            "kernels with a bypass are shared out evenly",
        ),
        (
            PROBLEM,
            schedule(order=Order.KLOOP, steps=3),
            "a tile of 12 channels is not stored in whole transfers",
        ),
        (PROBLEM, schedule(parts=2), "a kernel in parts keeps one output in the accumulators"),
    ],
)
def test_what_does_not_fit_is_said(problem: ConvProblem, chosen: Schedule, message: str) -> None:
    with pytest.raises(TilingError) as caught:
        plan_conv(problem, chosen)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "packed", "windows"),
    [
        (64, 64, 1, True, 1),
        (64, 64, 2, True, 2),
        (64, 64, 64, True, 4),  # depthwise: sixteen channels a line
        (96, 96, 6, True, 6),
        (48, 48, 6, True, 3),  # groups of eight, two a line
        (64, 6, 2, True, 1),  # three kernels are no whole step
        (20, 20, 2, True, 1),
        (64, 64, 2, False, 1),  # gaps between channels
    ],
)
def test_groups_are_merged_until_pieces_are_whole_lines_and_steps(
    channels: int, outputs: int, groups: int, packed: bool, windows: int
) -> None:
    assert merged_windows(channels, outputs, groups, packed, ZC706) == windows


def pool(size: int, channels: int, machine: Machine) -> MapsProblem:
    window = Window(2, 2, 2, 2, 1, 1, 0, 0, size, size, size // 2, size // 2)
    result = maps(size // 2, size // 2, channels, machine)
    return MapsProblem(machine, window, maps(size, size, channels, machine), None, result, channels, True)


def test_a_pool_takes_the_largest_tile_that_leaves_room_for_the_next() -> None:
    plan = largest_tile(pool(8, 64, ZC706))
    assert (plan.slots, plan.rows, plan.columns) == (2, 1, 4)
    plan = largest_tile(pool(64, 256, ZC706))
    assert (plan.slots, plan.rows) == (2, 1)
    assert plan.columns < 32


def test_a_pool_of_which_no_output_fits() -> None:
    with pytest.raises(TilingError, match="^a tile of 1x1 results takes 10240 words, the maps buffer has 8192$"):
        largest_tile(pool(2, 2048, replace(ZC706, mbuf_words=8192)))
