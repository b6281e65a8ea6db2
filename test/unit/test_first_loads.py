"""The loads that a layer begins with find room while the layer before it ends: buffers are placed for that, what is
stored last is loaded by itself, and reading a bank tells that loads into it have arrived."""

from collections.abc import Sequence
from itertools import pairwise, product

import pytest

from lowering.conv_tiling import ConvProblem, PoolBehind, plan_conv
from lowering.maps_tiling import Place, PoolBefore
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadWeights
from lowering.tile_steps.neighbours import Buffers, Ends, Neighbours, Stored, Swapped, best_swapped
from lowering.tile_steps.steps import Access, Buffer, Extent, Role, Unit, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
BANK = MACHINE.mbuf_bank_words
MAPS = MapsLayout(14, 14, 64, 14 * 64, (Segment(64, 0),))
WINDOW = Window(3, 3, 1, 1, 1, 1, 1, 1, 14, 14, 14, 14)
POINT = Window(1, 1, 1, 1, 1, 1, 0, 0, 14, 14, 14, 14)
ROWS = Schedule(Mode.COOP, Split.ROWS, Order.MLOOP, 2, 14, 14, 1, 1, 1, 4, 1, 16, 0, 1)
"""Four rows a CU, of which the last has two, in tiles of two, maps in one slot."""


def layer(schedule: Schedule = ROWS) -> ConvSteps:
    problem = ConvProblem(MACHINE, WINDOW, MAPS, None, MAPS, 64, 1, 1, False)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, MAPS), Swapped())


# Places


def place(words: int, start: int, slots: int = 1, stride: int = MACHINE.mbuf_words) -> Place:
    return Place(words, start, slots, stride, words)


@pytest.mark.parametrize(
    ("swapped", "slots", "single"),
    [
        (Swapped(), (0, 31768), 1000),
        # What was 1000 words from the start is 1000 words from the end.
        (Swapped(maps=True), (31768, 0), 32768 - 1000 - 400),
        (Swapped(weights=True), (0, 31768), 1000),
    ],
    ids=str,
)
def test_the_ends_of_the_buffers_change_places(swapped: Swapped, slots: tuple[int, int], single: int) -> None:
    buffers = Buffers(MACHINE, swapped)
    pair = buffers.add(Buffer(Role.MAPS_TILE, place(1000, 0, 2, 31768), 16)).place
    alone = buffers.add(Buffer(Role.RESULT_TILE, place(400, 1000), 16)).place
    assert (pair.slot_start(0), pair.slot_start(1), alone.start) == (*slots, single)


def test_pairs_of_slots_meet_where_banks_do() -> None:
    """Maps of 1000 words and results of 400 behind them, two slots each: 1400 words on both sides of word 16384."""
    for swapped, first, second in (
        (Swapped(inner=True), BANK - 1400, BANK),
        (Swapped(True, inner=True), BANK, BANK - 1400),
    ):
        buffers = Buffers(MACHINE, swapped)
        stride = MACHINE.mbuf_words - 1400
        maps = buffers.add(Buffer(Role.MAPS_TILE, place(1000, 0, 2, stride), 16)).place
        result = buffers.add(Buffer(Role.RESULT_TILE, place(400, 1000, 2, stride), 16)).place
        assert [maps.slot_start(slot) for slot in (0, 1)] == [first, second]
        assert [result.slot_start(slot) for slot in (0, 1)] == [first + 1000, second + 1000]


def ends(loads: int, reads: int, slots: int = 2, words: int = 1000) -> Ends:
    """A layer that begins with a slot of maps and ends with one."""
    buffers = Buffers(MACHINE, Swapped())
    stride = MACHINE.mbuf_words - words
    buffers.add(Buffer(Role.MAPS_TILE, place(words, 0, slots, stride), 16))
    return Ends(buffers, [Access(Role.MAPS_TILE, loads)], [Access(Role.MAPS_TILE, reads)], [])


def blocked(layers: Sequence[Ends], turns: Sequence[Swapped]) -> int:
    """Words of first loads that lie in the bank that the layer before reads last, counted one by one."""
    count = 0
    for (before, turn), (behind, next_turn) in pairwise(zip(layers, turns, strict=True)):
        (read,) = before.turned(turn).touched(before.reads, weights=False)
        (load,) = behind.turned(next_turn).touched(behind.loads, weights=False)
        busy = {word // BANK for word in range(*read)}
        count += sum(word // BANK in busy for word in range(*load))
    return count


def test_no_other_places_leave_more_room() -> None:
    """The last of these cannot turn away from the bank that the one before it needs for the sake of the first."""
    layers = [ends(0, 1), ends(0, 0), ends(1, 0, words=3000), ends(0, 0, slots=1, words=20000), ends(0, 0)]
    best = blocked(layers, best_swapped(layers))
    choices = [layer.turns(weights=False) for layer in layers]
    assert best == min(blocked(layers, turns) for turns in product(*choices)) > 0
    assert best < blocked(layers, [Swapped()] * len(layers))


def test_results_that_are_still_to_be_stored_are_in_the_way_too() -> None:
    """The layer before reads bank 0 and stores from the end of bank 1: the first load goes to the start of that."""
    buffers = Buffers(MACHINE, Swapped())
    buffers.add(Buffer(Role.MAPS_TILE, place(BANK, 0), 16))
    buffers.add(Buffer(Role.RESULT_TILE, place(5000, 2 * BANK - 5000), 16))
    before = Ends(buffers, [], [Access(Role.MAPS_TILE)], [Access(Role.RESULT_TILE)])
    _, turn = best_swapped([before, ends(0, 0, words=8000)])
    assert turn == Swapped(maps=True, inner=True)


POOL = Window(2, 2, 2, 2, 1, 1, 0, 0, 14, 14, 7, 7)


def with_pool() -> ConvSteps:
    """Rows, and a pool of 2x2 behind them in tiles of one of its rows."""
    pooled = MAPS._replace(height=7, width=7, row=7 * 64)
    problem = ConvProblem(MACHINE, WINDOW, MAPS, None, MAPS, 64, 1, 1, False, PoolBehind(POOL, pooled, view=False))
    schedule = ROWS._replace(rows=1, maps_rows=2, maps_slots=2, weights_slots=1, result_slots=2, fused=1)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, pooled), Swapped())


def test_a_layer_with_a_pool_ends_with_its_macs_and_its_maxima() -> None:
    """Both are still at work when the layer behind wants to load: neither place is free."""
    end = with_pool().outermost(None, ())
    assert {access.place for access in end.reads} == {Role.MAPS_TILE, Role.WEIGHTS, Role.RESULT_TILE}
    assert {access.place for access in end.writes} == {Role.RESULT_TILE, Role.POOLED_TILE}


def test_a_layer_with_a_pool_before_it_ends_with_its_macs() -> None:
    """What it pools is done with before the last tile is computed."""
    before = PoolBefore(Window(3, 3, 1, 1, 1, 1, 1, 1, 14, 14, 14, 14), MAPS)
    problem = ConvProblem(MACHINE, POINT, MAPS, None, MAPS, 64, 1, 1, False)._replace(before=before)
    schedule = Schedule(Mode.INDP, Split.ROWS, Order.MLOOP, 4, 1, 14, 1, 1, 2, 2, 2, 1, 0, 1)
    steps = conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, MAPS), Swapped())
    end = steps.outermost(None, ())
    assert {access.place for access in end.reads} == {Role.MAPS_TILE, Role.WEIGHTS}
    assert {access.place for access in end.writes} == {Role.RESULT_TILE}


def test_loads_for_the_layer_behind_come_before_the_last_maxima() -> None:
    """What these compare lies in the bank where the next maps go, but not in the same words; and they wait for the last
    MACs, so the load is done by then."""
    before, behind = with_pool(), layer()
    loads = behind.first_loads(before, ())
    steps = before.program(Neighbours(first_loads=loads)).steps
    maxima = [step for step in steps if step.unit is Unit.MAX]
    loads_of_maps = [
        step
        for step in steps
        if step.ahead and step.holds(maxima[-1]) and not any(step.conflicts(other) for other in maxima)
    ]
    assert loads_of_maps, "they go to that bank"
    assert steps.index(loads_of_maps[0]) < steps.index(maxima[-1])


@pytest.mark.parametrize(("channels", "pieces"), [(576, 2), (448, 1)])
def test_kernels_in_both_banks_come_in_pieces(channels: int, pieces: int) -> None:
    """16 kernels of 576 words and their biases have one slot, in both banks of 8192 words; half of it lies in one."""
    maps = MapsLayout(14, 14, channels, 14 * channels, (Segment(channels, 0),))
    problem = ConvProblem(MACHINE, POINT, maps, None, MAPS, 64, 1, 1, False)
    schedule = Schedule(Mode.INDP, Split.ROWS, Order.MLOOP, 1, 14, 14, 1, 1, 2, 1, 2, 1, 0, 1)
    plan = plan_conv(problem, schedule)
    behind = conv_steps(problem, plan, maps_of(maps, None, MAPS), Swapped())
    loads = [load for load in behind.first_loads(layer(), ()) if load.words.weights]
    words = [word for load in loads for word in range(*load.words.words)]
    assert words == list(range(plan.kernels.packing.tile_words // MACHINE.vmacs))
    assert len(loads) == pieces and len(behind.buffers.banks(loads[0].words)) == 1
    templates = [load.template.load for load in loads if isinstance(load.template.load, LoadWeights)]
    assert [(load.piece, load.pieces) for load in templates] == [(piece, pieces) for piece in range(pieces)]


def test_kernels_of_many_steps_come_in_a_few_pieces() -> None:
    """16 kernels of 576 words in each vMAC, which could come one by one and in halves."""
    behind = layer(ROWS._replace(steps=16, weights_slots=1, result_tiles=1))
    loads = [load for load in behind.first_loads(layer(), ()) if load.words.weights]
    words = [word for load in loads for word in range(*load.words.words)]
    assert words == list(range(behind.conv_plan.kernels.packing.tile_words // MACHINE.vmacs))
    assert len(loads) == 4 and len(words) > MACHINE.wbuf_bank_words


# What is stored last


def test_the_cu_whose_rows_are_stored_last_loads_them_by_itself() -> None:
    """A layer of the same shape before stores rows 2 and 3 of each share of four last; the last CU has none there. The
    first tile wants rows -1 to 2 of each share: row -1 is row 3 of the share before, for all CUs but the first."""
    schedule = ROWS._replace(maps_slots=2, result_slots=2, weights_slots=2)
    before, behind = layer(schedule), layer(schedule)
    loads = behind.first_loads(before, {Stored(Role.MAPS, 0)})
    rows = [load.template.load.rows for load in loads if isinstance(load.template.load, Load)]
    loaded = [(cu, local) for mine in rows for cu, locals_of_cu in enumerate(mine) for local in locals_of_cu]
    wanted = [(cu, local) for cu in range(4) for local in range(4) if 0 <= 4 * cu - 1 + local < 14]
    assert sorted(loaded) == wanted, "each CU gets each of its rows once"
    last = before.stored_last()
    waiting = [{any(words.meets(other) for other in last) for words in load.read} for load in loads if load.read]
    assert {frozenset(late) for late in waiting} == {frozenset([False]), frozenset([True])}, (
        "all of a load waits, or none"
    )


# Banks


def test_rows_that_all_cus_read_tell_that_loads_have_arrived() -> None:
    """Rows 0 and 1 of each share read rows -1 to 2 of it, which are rows 0 to 3 of the tile. Padding is the row above
    in the first CU, and the one below in the last, which has rows 12 and 13 of the result."""
    computed = [(step, step.template) for step in layer().program().steps if isinstance(step.template, Conv)]
    first = [(step, template) for step, template in computed if step.numbers[3] == 0]
    assert first
    for step, template in first:
        (maps,) = (access for access in step.reads if access.place is Role.MAPS_TILE)
        top, stop = step.numbers[-2], step.numbers[-2] + template.span.bottom + 2
        assert maps.rows == Extent(top, stop)
        others = tuple(access for access in step.reads if access is not maps)
        assert step.seen == (maps._replace(rows=Extent(max(top, 1), min(stop, 3))), *others)


def test_a_cu_that_reads_padding_alone_tells_nothing() -> None:
    """Four rows of padding above: rows 0 and 1 of the first share have no taps, so that its CU reads no maps."""
    window = WINDOW._replace(pad_top=4, out_h=16)
    result = MAPS._replace(height=16)
    problem = ConvProblem(MACHINE, window, MAPS, None, result, 64, 1, 1, False)
    steps = conv_steps(problem, plan_conv(problem, ROWS), maps_of(MAPS, None, result), Swapped()).program().steps
    computed = [step for step in steps if isinstance(step.template, Conv)]
    assert {step.seen == () for step in computed if step.numbers[3] == 0} == {True}
    assert {step.seen == () for step in computed if step.numbers[3] != 0} == {False}


def test_cus_that_read_different_rows_tell_of_kernels_only() -> None:
    """One row of maps under three of taps: the first CU reads it with the last of these, the third with the first."""
    maps, result = MAPS._replace(height=1), MAPS._replace(height=3)
    window = WINDOW._replace(pad_top=2, in_h=1, out_h=3)
    problem = ConvProblem(MACHINE, window, maps, None, result, 64, 1, 1, False)
    schedule = ROWS._replace(rows=1, maps_rows=3)
    steps = conv_steps(problem, plan_conv(problem, schedule), maps_of(maps, None, result), Swapped()).program().steps
    seen = [step.seen for step in steps if isinstance(step.template, Conv)]
    assert {tuple(access.place for access in accesses or ()) for accesses in seen} == {(Role.WEIGHTS,)}
