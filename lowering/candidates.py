"""The schedules of a layer worth comparing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import product
from math import gcd
from typing import NamedTuple

from lowering.conv_tiling import (
    ConvPlan,
    ConvProblem,
    KernelPlan,
    kernel_share,
    most_slots,
    plan_kernels,
    plan_tiles,
    shares_windows,
    windows_of_cu,
)
from lowering.costs import best_abreast, limit_cycles, words_cycles
from lowering.maps_tiling import MapsProblem, TileSize, TilingError, pieces, plan_columns, tile_columns
from lowering.words_tiling import (
    WordsPlan,
    channel_grain,
    channel_tiles,
    computed_words,
    plan_by_channels,
    plan_by_rows,
)
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import BLOCK_ALIGNMENT, round_down, round_up

HEIGHTS = 3
"""Number of tile heights that are compared, the largest that fit."""
MOST_IN_PARTS = 50_000
"""Loads of kernels and maps in parts that a layer has at most: each is a step of the tile program, to be compiled."""
SMALL = 4000
"""Layers whose MACs need at most so many cycles compare tiles of any width: there the first load is a large part."""


class Choices(NamedTuple):
    """What a schedule may be."""

    modes: tuple[Mode, ...] = tuple(Mode)
    rows: tuple[int, ...] = ()
    """Heights of a tile; empty: any."""
    slots: tuple[int, ...] = (2, 1)
    """Of every buffer."""
    turns: int = 1
    """Whether kernels, or maps, go back and forth past the others."""
    biases: int | None = None
    """Whether biases lie in the maps buffers; None: where two slots of kernels fit their banks only without them."""
    abreast: int | None = None
    """Pixels of the result that share the lanes of kernel steps; None: one, and as many as do so best."""


Refusal = Callable[[TilingError], None]
"""Gets what keeps a schedule from the machine."""


def ignore(error: TilingError) -> None:
    """Passes over what does not fit."""


class Constraint(NamedTuple):
    """What makes schedules illegal."""

    reason: str
    """As it is for the one of them that fails by the smallest numbers."""
    schedules: int


def constraints(errors: Iterable[TilingError]) -> list[Constraint]:
    """The reasons, those that differ in numbers only as one, most frequent first."""
    counts: Counter[str] = Counter()
    nearest: dict[str, str] = {}
    for error in map(str, errors):
        kind = re.sub(r"\d+", "#", error)
        counts[kind] += 1
        nearest[kind] = min(nearest.get(kind, error), error, key=_numbers)
    return [Constraint(nearest[kind], count) for kind, count in counts.most_common()]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)]


def conv_plans(problem: ConvProblem, choices: Choices, refuse: Refusal = ignore) -> Iterator[ConvPlan]:
    """Plans that fit the machine: of every mode, split, order and number of slots the ones with the largest tiles.

    `refuse` is called for schedules that do not fit.
    """
    found = False
    for in_parts in (False, True):
        for mode in choices.modes:
            for split in (Split.ROWS,) if problem.siblings or problem.before is not None else Split:
                for fused in (1, 0) if problem.pool is not None and not in_parts else (0,):
                    for plan in _plans(problem, choices, mode, split, fused, refuse, in_parts=in_parts):
                        # Maps in parts are loaded again for each kernel tile of each output: only where all else fails.
                        if in_parts or not plan.in_parts:
                            found = True
                            yield plan
        # With many pieces of a pixel they would be many thousand loads.
        if found or problem.before is not None or problem.maps.unrolled is not None or problem.windows > 1:
            return


def result_window(problem: ConvProblem, fused: int) -> Window:
    """The window that makes the rows of a result tile: that of the max pool where one is fused."""
    return problem.pool.window if fused and problem.pool is not None else problem.window


class _KernelTiles(NamedTuple):
    """How kernels are cut: steps of a tile, slots, parts of a kernel, and all steps of a CU; whether biases lie in the
    maps buffers; and of how many pixels."""

    steps: int
    slots: int
    parts: int
    all_steps: int
    biases: int
    abreast: int = 1


def _kernel_tiles(problem: ConvProblem, mode: Mode, split: Split, single: bool, choices: Choices) -> list[_KernelTiles]:
    """Cuts worth trying; `single`: a CU has one output, which may stay in its accumulators."""
    machine, window = problem.machine, problem.window
    lanes, steps = mode.lanes(machine), _steps(problem, mode, split)
    kernel = window.kernel_h * window.kernel_w * problem.depth
    biases, alone = choices.biases or 0, round_up(kernel * lanes, BLOCK_ALIGNMENT)
    block = alone if biases else round_up(machine.line_words + kernel * lanes, BLOCK_ALIGNMENT)
    found, apart = list[_KernelTiles](), list[_KernelTiles]()
    if steps * problem.windows * block <= machine.wbuf_words and problem.windows == 1:
        found.append(_KernelTiles(steps, 1, 1, steps, biases))
    if choices.biases is None and 2 in choices.slots and alone <= machine.wbuf_bank_words < block:
        apart.append(_KernelTiles(1, 2, 1, steps, 1))
    for slots in choices.slots:
        capacity = machine.wbuf_bank_words if slots == 2 else machine.wbuf_words
        most = capacity // block
        windows = windows_of_cu(problem, split)
        sizes = _alternating([size for size in pieces(steps) if size <= most], steps, slots, windows)
        if len(sizes) > HEIGHTS:
            sizes = [sizes[0], sizes[len(sizes) // 2], sizes[-1]]
        found += [_KernelTiles(size, slots, 1, steps, biases) for size in sizes]
        if not most and single:
            # A part has whole lines of maps and fills a block at most.
            head = 0 if biases else machine.line_words
            longest = round_down((round_down(capacity, BLOCK_ALIGNMENT) - head) // lanes, machine.line_words)
            if longest > 0:
                found.append(_KernelTiles(1, slots, -(-kernel // longest), steps, biases))
        if found:
            break
    return [*found, *apart]


def _kernels_in_parts(problem: ConvProblem, mode: Mode, split: Split) -> list[_KernelTiles]:
    """Cuts into parts of whole kernel rows, which maps come with."""
    machine, height = problem.machine, problem.window.kernel_h
    most = round_down(machine.wbuf_bank_words, BLOCK_ALIGNMENT) - machine.line_words
    row, steps = problem.window.kernel_w * problem.depth * mode.lanes(machine), _steps(problem, mode, split)
    counts = [count for count in range(2, height + 1) if height % count == 0 and height // count * row <= most]
    return [_KernelTiles(1, 2, count, steps, 0) for count in counts]


def _steps(problem: ConvProblem, mode: Mode, split: Split) -> int:
    """Kernel steps of a CU for all kernels that see a piece of the pixel."""
    machine = problem.machine
    words = round_up(problem.channels // problem.windows, machine.line_words if problem.windows == 1 else 1)
    if split is Split.KERNELS and not shares_windows(problem, split):
        words = kernel_share(problem)
    return -(-words // (machine.vmacs * mode.lanes(machine)))


def _abreast(problem: ConvProblem, mode: Mode, split: Split, choices: Choices) -> list[_KernelTiles]:
    """The cut for pixels abreast, all kernels in one tile; none where they cannot be, or nothing is won."""
    pixels = best_abreast(problem) if choices.abreast is None else choices.abreast
    if pixels == 1 or not problem.may_be_abreast or mode is not Mode.INDP or split is not Split.ROWS or choices.biases:
        return []
    steps = problem.abreast(pixels).steps
    return [_KernelTiles(steps, 1, 1, steps, 0, pixels)]


def _alternating(sizes: list[int], count: int, slots: int, windows: int) -> list[int]:
    """The sizes that cut `count` steps of each window into an even number of tiles, equal ones if there are any, else
    all sizes.

    With two slots an odd number of tiles begins each second pass in the other slot, which doubles the code.
    """
    even = [size for size in sizes if slots == 1 or windows * -(-count // size) % 2 == 0]
    return [size for size in even if count % size == 0] or even or sizes


def _plans(
    problem: ConvProblem, choices: Choices, mode: Mode, split: Split, fused: int, refuse: Refusal, *, in_parts: bool
) -> Iterator[ConvPlan]:
    machine = problem.machine
    window = result_window(problem, fused)
    height = -(-window.out_h // machine.compute_units) if split is Split.ROWS else window.out_h
    heights = tuple(min(rows, window.out_h) for rows in choices.rows) or tuple(pieces(height))
    width, maps_rows, orders, slots = window.out_w, problem.window.out_h, tuple(Order), choices.slots
    if in_parts:
        # One output at a time, whose sums stay in the accumulators from part to part.
        heights, width, maps_rows, orders = (1,), 1, 1, (Order.MLOOP,)
        kernels = _kernels_in_parts(problem, mode, split)
        loads = {cut: height * window.out_w * cut.all_steps * cut.parts for cut in kernels}
        kernels = [cut for cut, count in loads.items() if count <= MOST_IN_PARTS]
        if loads and not kernels:
            refuse(TilingError(f"maps in parts would be loaded {min(loads.values())} times, not {MOST_IN_PARTS}"))
    else:
        kernels = _abreast(problem, mode, split, choices)
        if choices.abreast in (None, 1):
            kernels += _kernel_tiles(problem, mode, split, (height, window.out_w) == (1, 1), choices)
    for order in orders:
        for maps_slots in slots:
            for result_slots in choices.slots:
                for cut in kernels:
                    for result_tiles in _result_tiles(problem, mode, split, order, cut):
                        schedule = Schedule(
                            mode,
                            split,
                            order,
                            1,
                            width,
                            maps_rows,
                            cut.steps,
                            cut.parts,
                            maps_slots,
                            cut.slots,
                            result_slots,
                            result_tiles,
                            fused,
                            choices.turns,
                            cut.biases,
                            cut.abreast,
                        )
                        yield from _fitting(problem, schedule, heights, refuse)


def _result_tiles(problem: ConvProblem, mode: Mode, split: Split, order: Order, cut: _KernelTiles) -> list[int]:
    """How many kernel tiles a result tile may hold: the fewer, the more room for maps, past which all kernels go. With
    kernels outside, as few as are stored in whole transfers."""
    machine = problem.machine
    tiles = -(-cut.all_steps // cut.steps) * max(1, windows_of_cu(problem, split))
    if order is Order.KLOOP:
        words = cut.steps * machine.vmacs * mode.lanes(machine)
        return [min(machine.transfer_words // gcd(words, machine.transfer_words), tiles)]
    sizes = pieces(tiles)
    return sorted({*sizes[:3], *(size for size in sizes if tiles % size == 0)}, reverse=True)


def _fitting(problem: ConvProblem, schedule: Schedule, heights: tuple[int, ...], refuse: Refusal) -> Iterator[ConvPlan]:
    """The plans with the largest tiles that fit; whole rows come first, since they are loaded and stored in one
    piece and need no code for borders between columns."""
    try:
        kernels = plan_kernels(problem, schedule)
    except TilingError as error:
        refuse(error)
        return
    widths = pieces(schedule.columns)
    if problem.before is not None:
        yield from _fitting_pooled(problem, schedule, kernels, heights, refuse)
        return
    if not schedule.fused:
        widths = tile_columns(problem.machine, problem.maps, schedule.columns)
    for columns in widths:
        found = 0
        try:
            tiles = plan_columns(kernels.maps, columns)
        except TilingError as error:
            refuse(error)
            continue
        for rows, maps_rows in _heights(problem, schedule, heights):
            wanted = schedule._replace(rows=rows, columns=columns, maps_rows=maps_rows)
            if found and _in_halves(wanted):
                continue
            try:
                plan = plan_tiles(problem, wanted, kernels, tiles)
            except TilingError as error:
                refuse(error)
                continue
            yield _with_slots(problem, plan)
            found += 1
            if found >= HEIGHTS:
                break
        if found and limit_cycles(problem) > SMALL:
            return


def _with_slots(problem: ConvProblem, plan: ConvPlan) -> ConvPlan:
    """The plan with as many slots of weights as there is room for, where kernels that stay are used again."""
    schedule, tiles = plan.schedule, plan.kernels.kernel_tiles * plan.kernels.windows
    if not schedule.turns or schedule.order is Order.KLOOP or schedule.weights_slots == 1 or schedule.parts > 1:
        return plan
    if plan.maps.maps_tiles == 1 or tiles <= schedule.weights_slots:
        return plan
    slots = most_slots(problem.machine, schedule.steps * plan.kernels.packing.block, tiles)
    return plan._replace(schedule=schedule._replace(weights_slots=slots))


def _fitting_pooled(
    problem: ConvProblem, schedule: Schedule, kernels: KernelPlan, heights: tuple[int, ...], refuse: Refusal
) -> Iterator[ConvPlan]:
    """Of tiles that a max pool makes, for each height the widest: what windows of two tiles share is loaded for both,
    so it depends on both which of them load least. And tiles of a column, which may be pooled as such."""
    for rows, maps_rows in _heights(problem, schedule, heights):
        widest = True
        for columns in pieces(schedule.columns):
            try:
                plan = plan_tiles(problem, schedule._replace(rows=rows, columns=columns, maps_rows=maps_rows), kernels)
            except TilingError as error:
                refuse(error)
                continue
            if widest or plan.maps.maxima is not None:
                yield _with_slots(problem, plan)
            widest = False


def _in_halves(schedule: Schedule) -> bool:
    """Whether maps that stay while kernels go past take both slots: then what replaces one half comes beside the other.
    So where tiles of a slot are as high there is nothing to win."""
    return schedule.order is Order.MLOOP and not schedule.fused and schedule.maps_rows < schedule.rows


def _heights(problem: ConvProblem, schedule: Schedule, heights: tuple[int, ...]) -> list[tuple[int, int]]:
    """Rows of a result tile, and those computed from a maps tile: all, or half of them where no row is in both halves
    and kernels go back and forth, or one at a time where a pool takes them. A result tile that waits for several kernel
    tiles, while maps go past each, has all rows."""
    if schedule.order is Order.KLOOP and schedule.result_tiles > 1:
        return [(heights[0], maps_rows) for maps_rows in heights]
    if schedule.fused:
        possible = dict.fromkeys((schedule.maps_rows, 1))
        return [(rows, maps_rows) for rows in heights for maps_rows in possible]
    whole, window = schedule.maps_rows, problem.window
    tiles = [(rows, whole) for rows in heights]
    two_slots = schedule.order is Order.MLOOP and schedule.maps_slots == 2 and problem.before is None
    if two_slots and schedule.turns and window.kernel_h <= window.stride_h:
        tiles += [(rows, -(-rows // 2)) for rows in heights[1:] if rows > 1]
    return sorted(tiles, reverse=True)


@cache
def quickest_tiles(problem: MapsProblem) -> WordsPlan:
    """The plan with the fewest estimated cycles for a layer without kernels.

    Raises TilingError when not one output fits.
    """
    reasons: list[TilingError] = []
    plans = [*_by_rows(problem, reasons.append), *_by_channels(problem, reasons.append)]
    if not plans:
        raise reasons[-1]
    return min(plans, key=lambda plan: words_cycles(problem, plan))


SLOTS = (2, 2), (2, 1), (1, 1)
"""Of maps and of results."""


def _slots(problem: MapsProblem) -> list[tuple[int, int]]:
    """Those that a layer without kernels may have: what is added has those of results, and keeps step with the maps."""
    return [slots for slots in SLOTS if problem.other is None or slots[0] == slots[1]]


def _by_rows(problem: MapsProblem, refuse: Refusal) -> Iterator[WordsPlan]:
    """CUs share out rows."""
    machine, window = problem.machine, problem.window
    heights = pieces(-(-window.out_h // machine.compute_units))
    widths = tile_columns(machine, problem.maps, window.out_w)
    for slots, columns, rows in product(_slots(problem), widths, heights):
        try:
            yield plan_by_rows(problem, TileSize(rows, columns, window.out_h, *slots))
        except TilingError as error:
            refuse(error)


def _by_channels(problem: MapsProblem, refuse: Refusal) -> Iterator[WordsPlan]:
    """CUs share out channels, in tiles of all rows and columns: those of parts of them have rows to share out."""
    window, cus, words = problem.window, problem.machine.compute_units, computed_words(problem)
    try:
        grain = channel_grain(problem)
    except TilingError:
        return
    for size, slots in product(pieces(max(1, -(-words // grain) // cus)), _slots(problem)):
        channels = channel_tiles(words, grain, cus, size * grain)
        try:
            yield plan_by_channels(problem, channels, TileSize(window.out_h, window.out_w, window.out_h, *slots))
        except TilingError as error:
            refuse(error)
