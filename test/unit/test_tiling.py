"""Plans of tiles: what is planned fits the machine, and what does not fit is said."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from lowering.candidates import Choices, conv_plans, quickest_tiles
from lowering.conv_tiling import ConvPlan, ConvProblem, PoolBehind, plan_conv, possible_windows
from lowering.costs import conv_cycles, output_cycles
from lowering.maps_tiling import MapsProblem, Place, PoolBefore, TilePlan, TilingError
from lowering.row_tiles import RowTile, cut_rows, rows_plan
from lowering.words_tiling import ChannelTile, channel_tiles, words_problem
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment, round_up
from snowdialect.machine import Machine, load_machine

ZC706 = load_machine()


def maps(height: int, width: int, channels: int, machine: Machine = ZC706) -> MapsLayout:
    pixel = round_up(channels, machine.line_words)
    row = round_up(width * pixel, machine.transfer_words)
    return MapsLayout(height, width, pixel, row, (Segment(channels, 0),))


def convolution(
    channels: int,
    outputs: int,
    size: tuple[int, int],
    kernel: int,
    machine: Machine = ZC706,
    *,
    residual: bool = False,
    pool: tuple[int, int, int] | None = None,
) -> ConvProblem:
    """Stride 1, padded so that the result has the size of the maps; kernels of odd size. The pool behind it has a
    kernel, a stride and a padding."""
    height, width = size
    pad = kernel // 2
    window = Window(kernel, kernel, 1, 1, 1, 1, pad, pad, height, width, height, width)
    result = maps(height, width, outputs, machine)
    read = maps(height, width, channels, machine)
    behind = None
    if pool is not None:
        wide, stride, edge = pool
        out_h, out_w = ((length + 2 * edge - wide) // stride + 1 for length in size)
        over = Window(wide, wide, stride, stride, 1, 1, edge, edge, height, width, out_h, out_w)
        behind = PoolBehind(over, maps(out_h, out_w, outputs, machine), view=False)
    return ConvProblem(machine, window, read, result if residual else None, result, outputs, 1, 1, False, behind)


def schedule(
    mode: Mode = Mode.COOP,
    split: Split = Split.ROWS,
    order: Order = Order.MLOOP,
    rows: int = 2,
    columns: int = 8,
    maps_rows: int = 16,
    steps: int = 4,
    parts: int = 1,
    maps_slots: int = 2,
    weights_slots: int = 2,
    result_slots: int = 2,
    result_tiles: int = 4,
    fused: int = 0,
    turns: int = 1,
    biases: int = 0,
) -> Schedule:
    return Schedule(
        mode,
        split,
        order,
        rows,
        columns,
        maps_rows,
        steps,
        parts,
        maps_slots,
        weights_slots,
        result_slots,
        result_tiles,
        fused,
        turns,
        biases,
    )


PROBLEM = convolution(16, 64, (16, 8), 3)


def slots_of(place: Place) -> list[range]:
    firsts = [place.start + slot * place.stride for slot in range(place.slots)]
    return [range(first, first + place.words) for first in firsts]


def check_places(plan: ConvPlan, machine: Machine) -> None:
    """Buffers lie apart, each slot of two in a bank, rows at whole transfers."""
    tiles = plan.maps
    every = tiles.maps, tiles.unpooled, tiles.other, tiles.result, tiles.pooled, tiles.halo, tiles.kept, tiles.biases
    places = [place for place in every if place is not None]
    taken = sorted((slot for place in places for slot in slots_of(place)), key=lambda words: words.start)
    for here, there in pairwise(taken):
        assert here.stop <= there.start
    assert taken[-1].stop <= machine.mbuf_words
    bank = machine.mbuf_bank_words
    for place in places:
        assert place.start % machine.transfer_words == place.row % machine.transfer_words == 0
        if place.slots == 2:
            assert [slot.start // bank for slot in slots_of(place)] == [0, 1]
            assert [(slot.stop - 1) // bank for slot in slots_of(place)] == [0, 1]


def check_loads(plan: ConvPlan, problem: ConvProblem) -> None:
    """Whatever a tile computes, its windows lie in what is loaded, and both lie in the buffers."""
    window, tiles = problem.window, plan.maps
    for row in tiles.rows:
        for part in row.maps:
            assert (part.load_stop - part.load_first) * tiles.maps.row <= tiles.maps.words
            assert (part.stop - row.base) * tiles.result.row <= tiles.result.words
            for cu in range(problem.machine.compute_units):
                below = cu * tiles.window_share
                if not part.cus >> cu & 1:
                    continue
                for y in range(part.first + below, min(part.stop + below, window.out_h)):
                    first = y * window.stride_h - window.pad_top
                    read = {first + tap for tap in window.kernel_rows(y)} if y >= 0 else set[int]()
                    assert read <= set(range(part.load_first + below, part.load_stop + below))
    for column in tiles.columns:
        assert (column.stop - column.first) * plan.tile_words <= tiles.result.row
        for x in range(column.first + column.kept, column.stop):
            read = {x - window.pad_left + tap for tap in window.kernel_columns(x)}
            assert read <= set(range(column.load_first, column.load_stop))


def check_columns(plan: ConvPlan, problem: ConvProblem) -> None:
    """All columns are computed once, all of the result stored once, and the ones that a pool reads are in its tile:
    computed for it, or kept by the tile to its left."""
    tiles = plan.maps.columns
    pool = problem.pool.window if plan.schedule.fused and problem.pool is not None else None
    computed = [x for tile in tiles for x in range(tile.first + tile.kept, tile.stop)]
    assert computed == list(range(problem.window.out_w))
    stored = [x for tile in tiles for x in range(tile.stored_first, tile.stored_stop)]
    assert stored == list(range(problem.window.out_w if pool is None else pool.out_w))
    for left, right in pairwise(tiles):
        assert right.first + right.kept == left.stop and left.first <= right.first
    for tile in tiles:
        if pool is not None:
            for x in range(tile.stored_first, tile.stored_stop):
                first = x * pool.stride_w - pool.pad_left
                assert {first + tap for tap in pool.kernel_columns(x)} <= set(range(tile.first, tile.stop))


def computed(row: RowTile, cu: int, plan: ConvPlan, problem: ConvProblem) -> set[int]:
    """Rows of the window's output that a CU computes for a result tile."""
    below = cu * plan.maps.window_share
    rows = {y + below for part in row.maps if part.cus >> cu & 1 for y in range(part.first, part.stop)}
    return rows & set(range(problem.window.out_h))


def common_rows(tiles: TilePlan, cu: int, pool: Window) -> set[int]:
    """Rows of the window's output under pooled rows of a CU and of the one before it."""
    first = cu * tiles.share * pool.stride_h - pool.pad_top
    return set(range(first, first + tiles.overlap))


def check_rows(plan: ConvPlan, problem: ConvProblem) -> None:
    """All rows of the result come out once, and the rows that a pool reads are in the buffer when it does: computed for
    the tile, kept from the tile before, or got from a neighbour. No CU computes what another one does."""
    tiles = plan.maps
    fused = plan.schedule.fused
    pool = problem.pool.window if fused and problem.pool is not None else None
    height = problem.window.out_h if pool is None else pool.out_h
    stored: list[int] = []
    made: list[int] = []
    for cu in range(problem.machine.compute_units):
        kept: set[int] = set()
        for row in tiles.rows:
            mine = [y + cu * tiles.share for y in range(row.first, row.stop)] if tiles.cus >> cu & 1 else []
            mine = [y for y in mine if y < height]
            stored += mine if tiles.share or cu == 0 else []
            made += sorted(computed(row, cu, plan, problem)) if tiles.share or cu == 0 else []
            held = computed(row, cu, plan, problem) | kept
            if pool is None:
                assert set(mine) <= held
                continue
            neighbour = cu - 1 if tiles.upwards else cu + 1
            if row is tiles.rows[-1] and tiles.halo is not None and neighbour >= 0 and tiles.cus >> neighbour & 1:
                held |= common_rows(tiles, max(cu, neighbour), pool) & computed(tiles.rows[0], neighbour, plan, problem)
            for y in mine:
                first = y * pool.stride_h - pool.pad_top
                assert {first + tap for tap in pool.kernel_rows(y)} <= held
            edge = ((row.first if tiles.upwards else row.stop) + cu * tiles.share) * pool.stride_h - pool.pad_top
            kept = {y for y in held if edge <= y < edge + tiles.overlap}
    assert sorted(stored) == list(range(height))
    if pool is not None:
        assert sorted(made) == list(range(problem.window.out_h))


def check_kernels(plan: ConvPlan, problem: ConvProblem) -> None:
    machine, chosen = problem.machine, plan.schedule
    blocks = machine.wbuf_bank_words if chosen.weights_slots == 2 else machine.wbuf_words
    assert chosen.steps * plan.kernels.packing.block <= blocks
    # The steps of all tiles have a kernel for every channel.
    lanes = 1 if chosen.mode is Mode.COOP else machine.macs
    kernels = plan.kernels.packing.tiles * chosen.steps * machine.vmacs * lanes * plan.kernels.packing.cus
    assert kernels >= problem.channels
    per_step = output_cycles(problem, chosen.mode, plan.maps.window_share, chosen.abreast)
    assert conv_cycles(problem, plan) >= per_step > 0


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
    size = draw(st.tuples(*[st.integers(3, 40)] * 2))
    numbers = draw(st.integers(1, 80)), draw(st.integers(1, 80))
    problem = convolution(
        *numbers,
        size,
        draw(st.sampled_from([1, 3, 5])),
        machine,
        residual=draw(st.booleans()),
        pool=draw(st.sampled_from([None, (2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (3, 3, 0)])),
    )
    plans = list(conv_plans(problem, Choices()))
    assume(plans)
    for plan in draw(st.lists(st.sampled_from(plans), min_size=1, max_size=20, unique_by=id)):
        check_places(plan, machine)
        check_loads(plan, problem)
        check_rows(plan, problem)
        check_columns(plan, problem)
        check_kernels(plan, problem)
        assert plan_conv(problem, plan.schedule) == plan


def test_the_tiles_of_a_schedule() -> None:
    plan = plan_conv(PROBLEM, schedule())
    # 16 rows for 4 CUs, 2 a tile, which read 4; pixels of 16 words, kernels of 144 words behind a line of bias.
    assert (plan.maps.share, plan.maps.cus, len(plan.maps.rows), len(plan.maps.columns)) == (4, 15, 2, 1)
    tiles = [(row.first, row.stop, part.load_first, part.load_stop) for row in plan.maps.rows for part in row.maps]
    assert tiles == [(0, 2, -1, 3), (2, 4, 1, 5)]
    assert (plan.maps.maps, plan.maps.result) == (Place(512, 0, 2, 31232, 128), Place(1024, 512, 2, 31232, 512))
    assert (plan.kernels.packing.block, plan.kernels.kernel_tiles) == (192, 4)
    assert (plan.tile_words, plan.whole_pixels) == (64, True)


def test_kernels_first_means_tiles_with_their_channels_only() -> None:
    plan = plan_conv(PROBLEM, schedule(order=Order.KLOOP, steps=8, result_tiles=1))
    assert (plan.kernels.kernel_tiles, plan.kernels.stored_words) == (2, 32)
    assert (plan.tile_words, plan.whole_pixels) == (32, False)


def test_shares_of_channels_that_are_no_whole_transfers_are_gathered() -> None:
    plan = plan_conv(convolution(16, 192, (4, 4), 1), schedule(split=Split.KERNELS, columns=4))
    # A CU has 48 channels, three lines; two of them are three transfers.
    assert (plan.kernels.share, plan.kernels.gathered, plan.tile_words, plan.kernels.stored_words) == (48, 2, 96, 96)


def test_cus_that_share_out_windows_have_no_others() -> None:
    problem = convolution(128, 128, (8, 8), 3)._replace(groups=128, windows=8)
    plan = plan_conv(problem, schedule(split=Split.KERNELS, rows=8, steps=4, result_tiles=2, result_slots=1))
    # Two of the eight windows are a CU's, 32 words of a pixel, in all rows; four steps have the 16 kernels of each.
    kernels = plan.kernels
    assert (kernels.windows, kernels.kernel_tiles, kernels.channels, kernels.share, kernels.slice) == (2, 1, 16, 32, 32)
    assert (plan.maps.share, plan.maps.maps_pixel, plan.maps.maps.words) == (0, 32, 8 * 8 * 32)
    assert (kernels.packing.cus, kernels.packing.windows, kernels.packing.tiles) == (4, 8, 2)
    assert (plan.tile_words, kernels.stored_words, plan.whole_pixels) == (32, 32, False)


def test_a_fused_pool_has_the_rows_of_its_tile_and_those_it_shares_with_the_next() -> None:
    wanted = schedule(rows=1, columns=4, maps_rows=2, steps=8, result_tiles=1, fused=1)
    # Each CU has two pooled rows, which step over four rows, and gets the row below from the next CU. The last CU has
    # none behind it, and none below.
    tiles = plan_conv(convolution(16, 32, (16, 8), 3, pool=(3, 2, 0)), wanted).maps
    assert (tiles.share, tiles.window_share, tiles.overlap, tiles.upwards) == (2, 4, 1, False)
    rows = [[(part.first, part.stop, part.cus) for part in row.maps] for row in tiles.rows]
    assert rows == [[(0, 2, 15), (2, 3, 15)], [(3, 4, 15)]]
    # Padded, the first CU has a row less, and the last one a row more. From the bottom to the top all have four: each
    # gets the row above from the CU before it, which has computed it first.
    tiles = plan_conv(convolution(16, 32, (16, 8), 3, pool=(3, 2, 1)), wanted).maps
    assert (tiles.share, tiles.window_share, tiles.overlap, tiles.upwards) == (2, 4, 1, True)
    rows = [[(part.first, part.stop, part.cus) for part in row.maps] for row in tiles.rows]
    assert rows == [[(3, 4, 15), (1, 3, 15)], [(0, 1, 15)]]
    assert tiles.pooled is not None and tiles.halo is not None
    assert (tiles.result.words, tiles.pooled.words, tiles.halo.words) == (3 * 256, 128, 256)
    assert tiles.kept is None


def test_a_fused_pool_in_column_tiles_keeps_the_columns_that_two_of_them_read() -> None:
    problem = convolution(16, 32, (16, 16), 3, pool=(3, 2, 1))
    plan = plan_conv(problem, schedule(rows=1, columns=3, maps_rows=2, steps=8, result_tiles=1, fused=1))
    # Pooled columns 3 to 5 read columns 5 to 11 of the convolution, the first of which is also under column 2.
    columns = [(column.first, column.stop, column.kept) for column in plan.maps.columns]
    assert columns == [(0, 6, 0), (5, 12, 1), (11, 16, 1)]
    # A column of each of a CU's four rows.
    assert plan.maps.kept is not None and plan.maps.kept.words == 4 * 32


@pytest.mark.parametrize(
    ("problem", "chosen", "message"),
    [
        (
            convolution(64, 64, (56, 56), 3),
            schedule(rows=14, columns=56),
            "two slots of 107520 words do not fit banks of 16384",
        ),
        (
            convolution(64, 64, (56, 56), 3),
            schedule(rows=14, columns=56, maps_slots=1, result_slots=1),
            "tiles of 107520 words do not fit the maps buffer of 32768 words",
        ),
        (
            PROBLEM,
            schedule(steps=43, columns=8),
            "43 kernels of 192 words do not fit 8192 words of a weights buffer",
        ),
        (
            convolution(16, 16, (16, 8), 3),
            schedule(columns=3, steps=4, result_tiles=1),
            "3 columns do not begin at whole transfers of the result",
        ),
        (
            PROBLEM._replace(maps=MapsLayout(16, 8, 3, 32, (Segment(3, 0),))),
            schedule(),
            "COOP reads whole lines, a pixel has 3 words",
        ),
        (
            PROBLEM._replace(result=maps(16, 8, 48), channels=48),
            schedule(split=Split.KERNELS),
            "kernels that are shared out are stored in whole transfers",
        ),
        (
            convolution(16, 96, (16, 8), 3, residual=True),
            schedule(split=Split.KERNELS),
            "kernels with a bypass are shared out evenly",
        ),
        (
            convolution(96, 96, (16, 8), 3)._replace(groups=96, windows=6),
            schedule(split=Split.KERNELS),
            "groups are shared out evenly over several CUs, and without a bypass",
        ),
        (
            convolution(192, 192, (16, 8), 3)._replace(groups=192, windows=12),
            schedule(split=Split.KERNELS),
            "groups that are shared out are loaded in whole transfers",
        ),
        (
            PROBLEM,
            schedule(order=Order.KLOOP, steps=3, result_tiles=1),
            "a tile of 12 channels is not stored in whole transfers",
        ),
        (
            PROBLEM,
            schedule(order=Order.KLOOP, rows=1, steps=8, result_tiles=2),
            "with kernels outside, 4 result tiles of several kernel tiles want 4 slots",
        ),
        (
            PROBLEM,
            schedule(rows=4, maps_rows=1, result_tiles=2),
            "4 maps tiles to a result tile of some kernels want as many slots",
        ),
        (PROBLEM, schedule(parts=2), "a kernel in parts keeps one output in the accumulators"),
        (PROBLEM, schedule(fused=1), "there is no max pool to fuse"),
        (
            convolution(16, 16, (16, 8), 3, pool=(3, 2, 1), residual=True),
            schedule(rows=1, columns=2, steps=4, result_tiles=1, fused=1),
            "2 columns do not begin at whole transfers of what is added",
        ),
        (
            convolution(16, 64, (16, 8), 3, pool=(2, 3, 0)),
            schedule(rows=1, columns=3, fused=1),
            "a pool that skips rows is not fused",
        ),
        (
            convolution(16, 64, (16, 8), 3, pool=(3, 2, 0), residual=True)._replace(
                pool=PoolBehind(Window(2, 1, 2, 2, 1, 1, 0, 0, 16, 8, 8, 4), maps(8, 4, 64), False)
            ),
            schedule(rows=1, columns=2, fused=1),
            "a pool that skips columns has whole rows",
        ),
        (
            convolution(16, 64, (16, 8), 3, pool=(3, 1, 1)),
            schedule(rows=1, columns=8, fused=1),
            "only the last tile of a CU reads rows that another CU computes",
        ),
        (
            convolution(16, 64, (16, 8), 3, pool=(2, 2, 0)),
            schedule(rows=1, columns=4, result_tiles=2, fused=1),
            "a fused pool keeps rows of all channels from tile to tile",
        ),
        (
            convolution(64, 64, (16, 8), 1, residual=True),
            schedule(split=Split.KERNELS, biases=1),
            "a CU does not find its own biases where it finds its part of a bypass of all channels",
        ),
    ],
)
def test_what_does_not_fit_is_said(problem: ConvProblem, chosen: Schedule, message: str) -> None:
    with pytest.raises(TilingError) as caught:
        plan_conv(problem, chosen)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "packed", "windows"),
    [
        (64, 64, 1, True, [1]),
        (64, 64, 2, True, [2, 1]),
        (64, 64, 64, True, [4, 2, 1]),  # depthwise: sixteen channels a line
        (96, 96, 6, True, [6, 3, 2, 1]),
        (48, 48, 6, True, [3, 1]),  # groups of eight, two a line
        (64, 6, 2, True, [1]),  # three kernels are no whole step
        (20, 20, 2, True, [1]),
        (64, 64, 2, False, [1]),  # gaps between channels
    ],
)
def test_groups_are_merged_until_pieces_are_whole_lines_and_steps(
    channels: int, outputs: int, groups: int, packed: bool, windows: list[int]
) -> None:
    assert possible_windows(channels, outputs, groups, packed, ZC706) == windows


def pool(size: int, channels: int, machine: Machine, kernel: int = 2) -> MapsProblem:
    """A max pool of windows side by side."""
    window = Window(kernel, kernel, kernel, kernel, 1, 1, 0, 0, size, size, size // kernel, size // kernel)
    result = maps(size // kernel, size // kernel, channels, machine)
    return words_problem(machine, window, maps(size, size, channels, machine), None, result)


def test_a_pool_takes_the_largest_tile_that_leaves_room_for_the_next() -> None:
    plan = quickest_tiles(pool(8, 64, ZC706)).tiles
    assert plan.maps.slots == plan.result.slots == 2
    assert [(row.first, row.stop) for row in plan.rows] == [(0, 1)]
    assert [(column.first, column.stop) for column in plan.columns] == [(0, 4)]
    # Two rows of 64 pixels and one of 32 are more than a bank: the rows are cut.
    plan = quickest_tiles(pool(64, 256, ZC706)).tiles
    assert plan.maps.slots == plan.result.slots == 2
    assert plan.rows[0].stop == 1 and len(plan.columns) > 1


@pytest.mark.parametrize(
    ("machine", "channels", "tiles"),
    [
        (ZC706, 512, [(0, 128, 128, 0b1111)]),
        # 49 pixels of 704 words do not fit a maps buffer; two of three slices are loaded beside the ones before.
        (ZC706, 2816, [(0, 256, 704, 0b1111), (256, 256, 704, 0b1111), (512, 192, 704, 0b1111)]),
        # Seven transfers: one for each CU, and one more for three of them.
        (ZC706, 224, [(0, 32, 32, 0b1111), (128, 32, 32, 0b0111)]),
        (ZC706, 64, [(0, 32, 32, 0b0011)]),
        # A line is left that is no whole transfer, though pixels are; what is behind it is loaded with it.
        (ZC706, 144, [(0, 32, 32, 0b1111), (128, 16, 32, 0b0001)]),
        # One CU has all channels, but not at once.
        (replace(ZC706, compute_units=1), 512, [(0, 512, 0, 0b0001)]),
        (replace(ZC706, compute_units=1), 1024, [(first, 128, 1024, 0b0001) for first in range(0, 1024, 128)]),
    ],
)
def test_cus_share_out_the_channels_of_a_global_pool(
    machine: Machine, channels: int, tiles: list[tuple[int, int, int, int]]
) -> None:
    problem = pool(7, channels, machine, kernel=7)
    pixel = round_up(channels, machine.transfer_words)
    layout = problem.maps._replace(pixel=pixel, row=7 * pixel)
    result = problem.result._replace(pixel=pixel, row=pixel)
    problem = words_problem(machine, problem.window, layout, None, result, average=True)
    assert list(quickest_tiles(problem).channels) == [ChannelTile(*tile) for tile in tiles]


def test_pixels_that_are_no_whole_transfers_are_not_shared_out() -> None:
    with pytest.raises(TilingError, match="^tiles of 50528 words do not fit the maps buffer of 32768 words$"):
        quickest_tiles(pool(7, 1008, ZC706, kernel=7))


def test_a_pool_of_which_no_output_fits() -> None:
    with pytest.raises(TilingError, match="^tiles of 8224 words do not fit the maps buffer of 8192 words$"):
        quickest_tiles(pool(16, 32, replace(ZC706, mbuf_words=8192), kernel=16))


def test_results_in_parts_leave_room_for_maps_past_which_all_kernels_go() -> None:
    """By hand: 7x7 maps of 1024 words, two rows a CU, fill 14336 of 32768 words; the result of these rows, 14 pixels of
    4096 words, does not fit beside them, a quarter of it does. Then no kernel is loaded twice: 4096 blocks of 1088
    words."""
    problem = convolution(1024, 4096, (7, 7), 1)
    plans = (plan for plan in conv_plans(problem, Choices((Mode.COOP,))) if plan.schedule.order is Order.MLOOP)
    best = min(plans, key=lambda plan: conv_cycles(problem, plan))
    assert (best.schedule.rows, len(best.maps.rows)) == (2, 1)
    assert best.maps.maps.words == 14336
    assert best.tile_words <= 1024
    assert best.kernels.packing.words == 4096 * 1088


@pytest.mark.parametrize(("rows", "first_bank"), [(5, 4), (4, 3)], ids=str)
def test_maps_in_one_slot_have_no_row_in_two_banks(rows: int, first_bank: int) -> None:
    """14 pixels of 256 words: rows of 3584, of which a bank of 16384 holds four and a half. Free words before the tile
    bring the start of a row to the start of the second bank, as near to the middle of the tile as they can."""
    wanted = Schedule(Mode.COOP, Split.KERNELS, Order.MLOOP, rows, 14, 14, 1, 1, 1, 2, 1, 16, 0, 1)
    place = plan_conv(convolution(256, 256, (14, 14), 3), wanted).maps.maps
    assert place.start + first_bank * place.row == ZC706.mbuf_bank_words


@pytest.mark.parametrize("rows", range(1, 22))
def test_one_cu_computes_each_row_once_for_a_fused_pool(rows: int) -> None:
    """Also where the last tile has fewer rows than it shares with the one before it."""
    window = Window(1, 1, 1, 1, 1, 1, 0, 0, 21, 5, 21, 5)
    pool = Window(3, 3, 1, 1, 1, 1, 1, 1, 21, 5, 21, 5)
    plan = rows_plan(window, pool, rows, 1, 21, 1)
    computed = [row for tile in plan.tiles for maps in tile.maps for row in range(max(0, maps.first), maps.stop)]
    assert sorted(computed) == list(range(21))


@given(
    channels=st.integers(1, 200),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    over=st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2)),
    kernel=st.sampled_from([1, 3]),
    slots=st.integers(1, 2),
)
@example(channels=22, size=(3, 22), over=(3, 1, 2), kernel=1, slots=2)
def test_pools_before(
    channels: int, size: tuple[int, int], over: tuple[int, int, int], kernel: int, slots: int
) -> None:
    """The windows of all that is pooled lie in what is loaded, or kept of the tile to the left, or, column by column,
    in columns that have come before; buffers fit."""
    wide, stride, edge = over
    assume(edge < wide and min(size) + 2 * edge >= wide)
    out_h, out_w = ((length + 2 * edge - wide) // stride + 1 for length in size)
    pool = Window(wide, wide, stride, stride, 1, 1, edge, edge, *size, out_h, out_w)
    before = PoolBefore(pool, maps(*size, channels))
    problem = convolution(channels, 64, (out_h, out_w), kernel)._replace(before=before)
    plans = list(conv_plans(problem, Choices(slots=(slots,))))
    assume(plans)
    for plan in plans:
        tiles = plan.maps
        assert tiles.unpooled is not None
        check_places(plan, ZC706)
        check_loads(plan, problem)
        for row in (before.rows(tile) for rows in tiles.rows for tile in rows.maps):
            assert (row.load_stop - row.load_first) * tiles.unpooled.row <= tiles.unpooled.words
            for y in range(row.first, row.stop):
                assert row.load_first <= y * stride - edge
                assert y * stride - edge + wide <= row.load_stop
        known = set[int]()
        for number, (column, under) in enumerate(zip(tiles.columns, tiles.unpooled_columns, strict=True)):
            loaded = set(range(under.load_first, under.load_stop))
            known = loaded if tiles.maxima is None else known | loaded
            assert (under.load_stop - under.load_first) * tiles.unpooled_pixel <= tiles.unpooled.row
            begin = under.load_first + under.kept
            assert begin == under.load_stop or begin * tiles.unpooled_pixel % ZC706.transfer_words == 0
            assert [x for x in range(column.load_first, column.load_stop) if 0 <= x < out_w] == list(
                range(under.first, under.stop)
            )
            for x in range(under.first, under.stop):
                read = {x * stride - edge + tap for tap in pool.kernel_columns(x)}
                assert read <= known
            if under.kept:
                left = tiles.unpooled_columns[number - 1]
                assert left.load_first <= under.load_first
                assert under.load_first + under.kept == left.load_stop


def test_pools_before_share_out_rows() -> None:
    window = Window(3, 3, 1, 1, 1, 1, 1, 1, 16, 8, 16, 8)
    problem = PROBLEM._replace(before=PoolBefore(window, maps(16, 8, 16)))
    with pytest.raises(TilingError, match="where a pool comes before the layer, rows are shared out"):
        plan_conv(problem, schedule(split=Split.KERNELS, steps=4, result_tiles=1))


@pytest.mark.parametrize(
    ("count", "most", "cuts"),
    [
        (7, 7, [7]),
        (7, 4, [4, 3]),
        (14, 4, [4, 4, 4, 2]),
        (7, 3, [2, 2, 3]),
        (14, 13, [7, 7]),
        (1, 3, [1]),
        (9, 4, [3, 3, 3]),
    ],
)
def test_no_tile_has_far_fewer_rows_than_others(count: int, most: int, cuts: list[int]) -> None:
    found = cut_rows(count, most)
    assert [stop - first for first, stop in found] == cuts
    assert [first for first, _ in found] == [0, *(stop for _, stop in found[:-1])]
    assert found[-1][1] == count


@pytest.mark.parametrize(
    ("words", "most", "tiles"),
    [
        # Shares of 256 words, in two tiles.
        (1024, 128, [ChannelTile(0, 128, 256, 15), ChannelTile(128, 128, 256, 15)]),
        # The same; the last CU has 16 words less.
        (1008, 128, [ChannelTile(0, 128, 256, 15), ChannelTile(128, 128, 256, 15, 112)]),
        # Shares of 224; then 32 words for each of two CUs, and 16 for a third one.
        (976, 224, [ChannelTile(0, 224, 224, 15), ChannelTile(896, 32, 32, 7, 16)]),
        (96, 32, [ChannelTile(0, 32, 32, 7)]),
        (16, 32, [ChannelTile(0, 16, 32, 1)]),
    ],
)
def test_channels_are_shared_out_in_whole_transfers(words: int, most: int, tiles: list[ChannelTile]) -> None:
    found = channel_tiles(words, 32, 4, most)
    assert found == tiles
    given = [
        tile.first + cu * tile.share + word
        for tile in found
        for part, cus in tile.parts
        for cu in range(4)
        if cus >> cu & 1
        for word in part
    ]
    assert sorted(given) == list(range(words))
