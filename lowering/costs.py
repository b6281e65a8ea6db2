"""Estimates of the cycles that a plan takes: what the MACs do, and what of loads and stores does not hide behind it.

Pure arithmetic. An estimate ranks plans; what a program takes is what the simulator says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import groupby, pairwise
from math import inf
from typing import NamedTuple

from lowering.conv_tiling import ConvPlan, ConvProblem
from lowering.loop_builder import is_written_out, short_outputs, short_pixels
from lowering.maps_tiling import MapsProblem, PoolBefore, TilePlan
from lowering.words_tiling import ChannelTile, WordsPlan, averaged_pieces
from snowdialect.dialects.tile import Mode, Order, Window
from snowdialect.layout import MapsLayout, average_steps, round_up
from snowdialect.machine import Machine

START_INSTRUCTIONS = 8
"""What the control core issues for an output besides its traces: its start, addresses, the loop."""
TRACE_INSTRUCTIONS = 3
"""What it issues for a trace: the trace and its two addresses."""
SHORT_OUTPUT, SHORT_TRACE = 3, 2
"""What it issues for an output whose traces are a line each, and for each of these."""
GROUPED_START_INSTRUCTIONS = 20
"""What it issues for an output of a piece of a pixel besides its traces, as programs have it."""
WINDOW = 500
"""Cycles that it takes besides to go from one piece of the pixels to the next, as seen in the simulator."""
SWITCH = 20
"""Cycles that the MACs lose when a kernel tile follows another, as seen in the simulator."""
DRAIN = 80
"""Cycles that the MACs lose when the next tile has to wait until all results of this one are written, likewise."""
PIXELWISE = 0.1
"""The part of the overhead of stores pixel by pixel that does not hide: they come in bursts, too."""
HELD, COVER = 0.25, 0.75
"""The part of such stores during which the MACs stand still, where a queue of them holds dispatch for longer than this
part of what the queue of the MACs lasts."""
STORED_BESIDE = 200
"""Cycles that the MACs lose with each tile behind a max pool whose results are stored while the next one is computed:
the control core, which compares, waits for the CU with the fewest instructions to be done with the tile before."""
BEHIND = 0.4
"""The part of the stores of a result tile in a single slot during which the MACs stand still, of what takes longer than
the kernel tile beside which they come: the first one of the next result tile, which wants their place."""
UNEVEN = 0.12
"""The part of the shorter of MACs and memory that does not hide behind the other: loads come in bursts."""
BETWEEN = 0.1
"""The part of loads of kernels in pieces, between those of maps, that does not hide."""
CYCLES_PER_LINE = 12
"""Cycles of vMAX and control core for a line of a pooled pixel."""
CYCLES_PER_LINE_BY_COLUMN = 9
"""Likewise, where it is made column by column: a comparison and two addresses for a line in each of two passes, some
lines again for CUs with borders, as seen in programs."""
CYCLES_PER_AVERAGE_TRACE = 3
"""Cycles of the control core for a trace of an average pool of many taps; of few, MACs take longer."""
ISSUE_OF_LOAD = 5
"""Cycles of the control core for the load of a pixel of a slice of channels."""


MOST_ABREAST = 8
"""Most pixels side by side that share the lanes of kernel steps."""


@cache
def output_cycles(problem: ConvProblem, mode: Mode, share: int, abreast: int = 1, cuts: tuple[int, ...] = (0,)) -> int:
    """MAC cycles of all outputs of one kernel step in the busiest CU, row by row, CUs in step; of all steps where
    pixels are `abreast`. Tiles begin in the columns `cuts`."""
    machine, window, depth = problem.machine, problem.window, problem.depth
    # Words of neighbouring pixels that follow each other are one trace.
    gapless = problem.windows == 1 and window.dilation_w == 1
    start = START_INSTRUCTIONS if problem.windows == 1 else GROUPED_START_INSTRUCTIONS
    short = short_outputs(mode, machine, window, depth, joined=gapless)

    def trace(words: int) -> int:
        return -(-words // machine.line_words) if mode is Mode.COOP else round_up(words, machine.line_words)

    columns = _outputs_by_width(problem, abreast)
    tiles = pairwise((*cuts, window.out_w)) if short else ()
    seen = [[len(window.kernel_columns(x)) for x in range(*tile)] for tile in tiles]
    runs = [(width, len(list(alike))) for tile in seen for width, alike in groupby(tile)]

    @cache
    def row(rows: int) -> int:
        total = 0
        # Where rows are unrolled, all that is under the kernel is one trace, or a trace a column at a border.
        taps, words = (rows, depth) if problem.maps.unrolled is None else (min(rows, 1), rows * problem.grain)
        joined = gapless and words == depth
        for width, count in columns.items():
            traces = taps if joined else taps * width
            work = taps * (trace(width * depth) if joined else width * trace(words))
            issue = 0 if short else start + TRACE_INSTRUCTIONS * traces
            total += count * max(machine.macs, work, issue)
        return max(total, sum(short_pixels(machine, window, short, n, 1, 1, rows * width).issued for width, n in runs))

    rows = [row(len(problem.kernel_rows(y))) for y in range(window.out_h)]
    if not share:
        return sum(rows)
    return sum(max(rows[first::share], default=0) for first in range(share))


def _widths(problem: ConvProblem, abreast: int) -> Iterator[int]:
    """Kernel columns inside the maps of each output of a row, or of each output of a kernel step of pixels abreast."""
    window = problem.window
    if abreast == 1:
        yield from (len(window.kernel_columns(x)) for x in range(window.out_w))
        return
    for x in range(0, window.out_w, abreast):
        shared = problem.abreast(min(abreast, window.out_w - x))
        seen = window.columns_seen(x, shared.pixels)
        for columns in map(shared.columns_of, range(shared.steps)):
            yield max(0, min(seen.stop, columns.stop) - max(seen.start, columns.start))


@cache
def _outputs_by_width(problem: ConvProblem, abreast: int) -> Mapping[int, int]:
    """How many outputs have so many kernel columns inside the maps."""
    return Counter(_widths(problem, abreast))


def refilled_by_bank(machine: Machine, window: Window, maps: TilePlan) -> bool:
    """Whether the only slot of maps is filled again, bank by bank, while the MACs are at work: with the last rows of a
    tile, which lie in the second bank, and with the first ones of the next, which lie in the first."""
    rows = max(tile.load_stop - tile.load_first for row in maps.rows for tile in row.maps)
    in_first = (machine.mbuf_bank_words - maps.maps.start) // maps.maps.row
    outputs = max(tile.stop - tile.first for row in maps.rows for tile in row.maps)
    return window.rows_read(1) <= in_first < rows and in_first <= (outputs - 1) * window.stride_h


@cache
def limit_cycles(problem: ConvProblem) -> float:
    """Cycles that the MACs need at least, if all of them work all the time: taps in the padding left out."""
    machine, window = problem.machine, problem.window
    rows = sum(len(problem.kernel_rows(y)) for y in range(window.out_h))
    columns = sum(len(window.kernel_columns(x)) for x in range(window.out_w))
    macs = rows * columns * problem.maps.channels // problem.groups * problem.channels
    return macs / (machine.compute_units * machine.vmacs * machine.macs)


class _Moved(NamedTuple):
    """What a plan computes and moves, and how often."""

    work: int
    """MAC cycles of the busiest CU."""
    kernel_tiles: int
    passes: int
    """How often all kernels go past maps or, with kernels outside, all maps past a kernel tile."""
    stays: bool
    """No kernel is loaded twice."""
    maps_tile: int
    weights_tile: int
    """Bytes of a tile."""
    weights: int
    again: int
    """Bytes of all kernels, and of those that each pass but the first loads."""
    lone_maps: int
    """Maps tiles that come into a slot that was just computed with."""
    transfers: int
    """Pixels that are stored one by one."""
    storing: float
    adding: float
    memory: float
    """Cycles of memory for results, for what is added to them, and for all."""
    stores: int
    """Result tiles."""


def conv_cycles(problem: ConvProblem, plan: ConvPlan) -> int:
    """Estimated cycles of a plan, from the first load to the last store; see docs/schedules.md, "Choosing"."""
    if problem.before is not None:
        return int(_pooled_cycles(problem, problem.before, plan))
    moved = _moved(problem, plan)
    return int(
        _macs_and_memory(problem, plan, moved)
        + moved.transfers * _exposed_transfer(problem, plan)
        + _first_tiles(problem, moved)
        + _lone_maps_slot(problem, plan, moved)
        + _kernels_outside(problem, plan, moved)
        + _lone_weights_slot(problem, plan, moved)
        + _switches(problem, plan, moved)
        + _last_results(problem, plan, moved)
        + _fused_pool(problem, plan, moved)
    )


def _work(problem: ConvProblem, plan: ConvPlan) -> tuple[int, int]:
    """MAC cycles of the busiest CU, and its kernel steps."""
    mode, abreast = plan.schedule.mode, plan.schedule.abreast
    steps = -(-plan.kernels.channels // (problem.machine.vmacs * mode.lanes(problem.machine))) * plan.kernels.windows
    cuts = tuple(tile.first for tile in plan.maps.columns)
    cycles = output_cycles(problem, mode, plan.maps.window_share, abreast, cuts)
    return cycles if abreast > 1 else cycles * steps, steps


def _moved(problem: ConvProblem, plan: ConvPlan) -> _Moved:
    machine, schedule, maps = problem.machine, plan.schedule, plan.maps
    rate = machine.bytes_per_cycle
    kernel_tiles = plan.kernels.kernel_tiles * plan.kernels.windows
    weights = plan.kernels.packing.tiles * plan.kernels.packing.tile_words * 2
    weights_tile = weights // max(1, kernel_tiles * schedule.parts)
    maps_tile = maps.maps.words * 2 * (maps.cus.bit_count() if maps.share or plan.kernels.slice else 1)
    pooled = problem.pool is not None and schedule.fused
    results = (problem.pool.result,) if problem.pool is not None and pooled else problem.results
    result = 2 * sum(_words(machine, layout) for layout in results)
    bypass = 0 if problem.bypass is None else 2 * _words(machine, problem.bypass)
    stays = kernel_tiles <= schedule.weights_slots and schedule.parts == 1
    passes, again = maps.maps_tiles, 0
    if schedule.order is Order.KLOOP:
        # Back and forth, where nothing goes with them: those loaded last are the first ones for the next kernels.
        alone = problem.bypass is None and not schedule.fused
        turns = bool(schedule.turns) and alone and passes > schedule.maps_slots
        loaded = passes * kernel_tiles - turns * schedule.maps_slots * (kernel_tiles - 1)
        maps_loaded = maps_tile * (passes if passes <= schedule.maps_slots else loaded)
        loads = weights + maps_loaded
        lone_maps = 0 if schedule.maps_slots == 2 or passes == 1 else loaded - 1
    else:
        if maps.together:
            passes = len(maps.rows) * len(maps.columns)
        # Back and forth likewise: kernels loaded last are the first ones of the next tile.
        kept = schedule.turns * schedule.weights_slots * weights_tile if schedule.parts <= schedule.weights_slots else 0
        again = 0 if stays else weights - kept
        maps_loaded = maps_tile * maps.maps_tiles
        loads = maps_loaded + weights + again * (passes - 1)
        lone_maps = 0 if schedule.maps_slots == 2 else passes - 1
    # What is stored pixel by pixel takes a transfer of memory each.
    groups = -(-kernel_tiles // schedule.result_tiles)
    if problem.siblings:
        transfers = len(results) * problem.window.out_h * problem.window.out_w
    else:
        transfers = 0 if plan.whole_pixels else result // (2 * max(1, plan.kernels.stored_words))
    storing = result / rate + transfers * machine.transfer_overhead
    # So does what is added where a tile, and a CU, has some of its channels; all load units have their share of these.
    copies = maps.cus.bit_count() if plan.kernels.share else 1
    loads_of_pixels = problem.window.out_h * problem.window.out_w * groups * copies if maps.sliced else 0
    adding = bypass / rate + loads_of_pixels * machine.transfer_overhead / machine.load_units
    # Likewise maps of which each CU has its own windows.
    pieces = maps_loaded / (2 * plan.kernels.slice) if plan.kernels.slice else 0
    slicing = pieces * machine.transfer_overhead / machine.load_units
    return _Moved(
        work=_work(problem, plan)[0],
        kernel_tiles=kernel_tiles,
        passes=passes,
        stays=stays,
        maps_tile=maps_tile,
        weights_tile=weights_tile,
        weights=weights,
        again=again,
        lone_maps=lone_maps,
        transfers=transfers,
        storing=storing,
        adding=adding,
        memory=max((loads + result) / rate + adding + slicing, storing),
        stores=len(maps.rows) * len(maps.columns) * groups,
    )


def _macs_and_memory(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> float:
    """The longer of the two, and a part of the shorter. Each pass over the kernels hides behind the rows of its own
    tile, and the last tile may have few."""
    work, memory = moved.work, moved.memory
    uneven = UNEVEN * min(work, memory)
    if plan.schedule.order is Order.KLOOP or moved.kernel_tiles == 1:
        return uneven + max(work, memory)
    rate, heights = problem.machine.bytes_per_cycle, [tile.stop - tile.first for tile in plan.maps.rows]
    # The first pass loads them all; later nothing is loaded beside those that stay.
    staying = min(1, max(0, plan.schedule.weights_slots - 2) / moved.kernel_tiles)
    besides = (memory - (moved.weights + moved.again * (moved.passes - 1)) / rate) / len(heights)
    reloaded = moved.again * moved.passes / len(heights) / rate
    first, *others = (work * height / sum(heights) for height in heights)
    later = sum(staying * each + max((1 - staying) * each, reloaded + besides) for each in others)
    # The very first kernels are waited for, see `_first_tiles`.
    beginning = max(0, moved.weights - moved.again - moved.weights_tile) / rate
    return uneven + max(first, beginning + reloaded + besides) + later


def first_tiles_cycles(problem: ConvProblem, plan: ConvPlan) -> float:
    """Estimated cycles of a plan, of a layer without a pool before it, until it has what it computes with first."""
    return _first_tiles(problem, _moved(problem, plan))


def _first_tiles(problem: ConvProblem, moved: _Moved) -> float:
    """Nothing is computed before the first maps and kernels, and what is added to them, have come."""
    first = (moved.maps_tile + moved.weights_tile) / problem.machine.bytes_per_cycle
    return first + moved.adding / moved.stores + _latency(problem.machine)


def _latency(machine: Machine) -> int:
    """Cycles of a transfer besides those for its words."""
    return machine.memory_latency + machine.transfer_overhead


def _lone_maps_slot(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> float:
    """Of maps in one slot each tile waits for the one before, or for the part of it in a bank."""
    if refilled_by_bank(problem.machine, problem.window, plan.maps):
        return moved.lone_maps * DRAIN
    return moved.lone_maps * (moved.maps_tile / problem.machine.bytes_per_cycle + _latency(problem.machine) + DRAIN)


def _kernels_outside(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> float:
    """The next kernels come beside all maps where these stay, else in pieces between them."""
    schedule = plan.schedule
    if schedule.order is Order.MLOOP or schedule.weights_slots != 2 or moved.stays:
        return 0
    loading = moved.weights_tile / problem.machine.bytes_per_cycle
    late = max(0, loading - moved.work / moved.kernel_tiles)
    return (moved.kernel_tiles - 1) * (late if moved.passes <= schedule.maps_slots else BETWEEN * loading)


def _lone_weights_slot(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> float:
    """Of kernels in one slot each tile waits for the one before."""
    if plan.schedule.weights_slots > 1 or moved.stays:
        return 0
    tiles = moved.kernel_tiles * (1 if plan.schedule.order is Order.KLOOP else moved.passes)
    return (tiles - 1) * (moved.weights_tile / problem.machine.bytes_per_cycle + DRAIN)


def _switches(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> int:
    """From tile to tile, more where a tile is over before the queue of the MACs is full."""
    count = moved.passes * moved.kernel_tiles
    outputs = moved.work // max(1, count * per_output(problem, plan.schedule.mode, plan.schedule.abreast))
    return count * (DRAIN if problem.machine.queue_depth * 2 > outputs else SWITCH)


def _last_results(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> float:
    """The last store and, of results in one slot, what keeps the next ones from it."""
    stores, idle = moved.stores, _latency(problem.machine) + DRAIN
    # What is pooled leaves the results of the convolution free at once.
    if plan.schedule.result_slots == 2 or plan.schedule.fused:
        return moved.storing / stores + idle
    behind = max(0, moved.storing / stores - moved.work / (moved.passes * moved.kernel_tiles))
    tallest = max(tile.stop - tile.first for tile in plan.maps.rows)
    # What is added to the next tile has no slot before that, either.
    return moved.storing / tallest + stores * (idle + BEHIND * behind) + moved.adding * (stores - 1) / stores


def _fused_pool(problem: ConvProblem, plan: ConvPlan, moved: _Moved) -> int:
    """The comparisons of the last row of each tile."""
    if problem.pool is None or not plan.schedule.fused:
        return 0
    width = max(tile.stored_stop - tile.stored_first for tile in plan.maps.columns)
    return moved.stores * width * plan.tile_words // problem.machine.line_words * CYCLES_PER_LINE


def _pooled_cycles(problem: ConvProblem, before: PoolBefore, plan: ConvPlan) -> float:
    """Estimated cycles of a plan with a max pool before it: the busiest of MACs, memory and control core, which
    compares for the next tile meanwhile."""
    machine, schedule, maps = problem.machine, plan.schedule, plan.maps
    rate, (work, steps) = machine.bytes_per_cycle, _work(problem, plan)
    kernel_tiles = plan.kernels.kernel_tiles * plan.kernels.windows
    passes = kernel_tiles if schedule.order is Order.KLOOP else 1
    tiles = maps.maps_tiles * passes
    rows = sum(tile.load_stop - tile.load_first for row in maps.rows for tile in row.maps)
    columns = sum(tile.load_stop - tile.load_first for tile in maps.columns)
    per_line = CYCLES_PER_LINE if maps.maxima is None else CYCLES_PER_LINE_BY_COLUMN
    compared = passes * rows * columns * problem.maps.pixel // machine.line_words * per_line
    outputs = maps.share * problem.window.out_w * steps
    core = compared + outputs * (START_INSTRUCTIONS + TRACE_INSTRUCTIONS * problem.window.kernel_h)
    packing, result = plan.kernels.packing, 2 * _words(machine, problem.result)
    weights = packing.tiles * packing.tile_words * 2
    times = 1 if schedule.order is Order.KLOOP or kernel_tiles <= schedule.weights_slots else maps.maps_tiles
    kept = schedule.turns * schedule.weights_slots / kernel_tiles * (times - 1)
    transfers = 0 if plan.whole_pixels else result // (2 * max(1, plan.kernels.stored_words))
    loads = 2 * passes * _loaded_words(before, plan) + weights * (times - kept)
    memory = (loads + result) / rate + transfers * machine.transfer_overhead
    total, busiest = work + core + memory, max(work, core, memory)
    if schedule.maps_slots == 2:
        total = busiest + UNEVEN * (total - busiest)
    stored_beside = schedule.result_slots > 1 and maps.maxima is None
    return total + tiles * (DRAIN + STORED_BESIDE * stored_beside)


def _loaded_words(before: PoolBefore, plan: ConvPlan) -> int:
    """Words that are loaded for all tiles of a max pool, those that two tiles read and neither keeps for both."""
    window, maps, pixel = before.window, plan.maps, before.maps.pixel
    rows = sum(
        max(0, min(tile.load_stop + down, window.in_h) - max(tile.load_first + down, 0))
        for cu in range(maps.cus.bit_length())
        for down in [cu * maps.load_share]
        for row in maps.rows
        for tile in map(before.rows, row.maps)
    )
    return rows * sum(tile.load_stop - tile.load_first - tile.kept for tile in maps.unpooled_columns) * pixel


def _words(machine: Machine, layout: MapsLayout) -> int:
    """Words of a result, or of what is added to it, without those of other layers in the same pixels."""
    words = round_up(layout.channels, machine.transfer_words)
    return layout.height * layout.width * min(layout.pixel, words)


def _exposed_transfer(problem: ConvProblem, plan: ConvPlan) -> float:
    """Cycles of the MACs that each store of a pixel takes: a queue of them has to be done before the MACs run out."""
    machine = problem.machine
    takes = machine.transfer_overhead + plan.kernels.stored_words * 2 / machine.bytes_per_cycle
    cover = per_output(problem, plan.schedule.mode, plan.schedule.abreast) / instructions_per_output(problem)
    return PIXELWISE * machine.transfer_overhead + HELD * max(0, takes - COVER * cover)


def instructions_per_output(problem: ConvProblem) -> int:
    """Of an output away from borders: its starts, and a trace for each kernel row."""
    return 1 + (problem.bypass is not None) + problem.window.kernel_h


@cache
def per_output(problem: ConvProblem, mode: Mode, abreast: int = 1) -> int:
    """MAC cycles of an output away from borders; of a kernel step of pixels abreast on the average."""
    machine, window = problem.machine, problem.window

    def cycles(columns: int) -> int:
        words = columns * problem.depth
        trace = -(-words // machine.line_words) if mode is Mode.COOP else round_up(words, machine.line_words)
        return max(machine.macs, window.kernel_h * trace)

    shared = problem.abreast(abreast)
    return sum(cycles(len(shared.columns_of(step))) for step in range(shared.steps)) // shared.steps


@cache
def best_abreast(problem: ConvProblem) -> int:
    """How many pixels of the result share the lanes of kernel steps best, in mode indp: kernels that do not fill them
    leave MACs without work, pixels abreast multiply words by zero that only others of them see."""
    alone = problem.abreast(1)
    if not problem.may_be_abreast or alone.words % alone.lanes == 0:
        return 1

    def cycles(pixels: int) -> float:
        steps = problem.abreast(pixels).steps
        return per_output(problem, Mode.INDP, pixels) * steps / pixels

    return min(range(1, MOST_ABREAST + 1), key=cycles)


def grouped_cycles(problem: ConvProblem) -> float:
    """About the cycles of a grouped convolution whose kernels see one of so many windows of a pixel, with zeros for all
    groups but their own: those of the MACs or of the control core, whichever takes longer, in the mode in which that is
    less, and what it takes to load the kernels and to go from window to window."""
    machine, window, windows = problem.machine, problem.window, problem.windows
    kernels = problem.channels // windows
    joined = windows == 1 and window.dilation_w == 1
    traces, words = (1, window.kernel_w * problem.depth) if joined else (window.kernel_w, problem.depth)
    traces *= window.kernel_h
    lines = traces * -(-words // machine.line_words)
    issue = (START_INSTRUCTIONS if windows == 1 else GROUPED_START_INSTRUCTIONS) + TRACE_INSTRUCTIONS * traces
    all_lanes, found = machine.vmacs * machine.macs, [inf]
    pixels = -(-window.out_h * window.out_w // machine.compute_units)
    if windows == 1 or kernels % machine.macs == 0:
        found.append(-(-kernels // all_lanes) * max(issue, lines * machine.macs))
    if problem.grain % machine.line_words == 0:
        if short_outputs(Mode.COOP, machine, window, problem.depth, joined=joined):
            issue = SHORT_OUTPUT + SHORT_TRACE * traces
        found.append(-(-kernels // machine.vmacs) * max(machine.macs, issue, lines))
    weights = 2 * problem.channels * window.kernel_h * window.kernel_w * problem.depth
    return windows * (pixels * min(found) + WINDOW) + weights / machine.bytes_per_cycle


def words_cycles(problem: MapsProblem, plan: WordsPlan) -> int:
    """Estimated cycles of a layer that works on the words of pixels: memory, of which every CU has its share for what
    it loads, or what computes, whichever takes longer, and what does not hide behind it."""
    machine, window, tiles = problem.machine, problem.window, plan.tiles
    rate, count = machine.bytes_per_cycle, tiles.maps_tiles * len(plan.channels)
    if tiles.sliced:
        share, loads, store, lines = _by_channels(problem, plan)
    else:
        share, loads = _by_rows(problem, tiles)
        store = problem.result.words * 2 / rate
        lines = tiles.share * window.out_w * problem.result_words // machine.line_words
    load, compute = max(loads), lines * line_cycles(problem)
    latency, beside = machine.memory_latency + machine.transfer_overhead + DRAIN, _loaded_beside(problem, plan)
    if not beside:
        # Nothing is loaded while a tile is computed or stored.
        return int(load + max(compute, store) + min(compute, store) / count + count * latency)
    if problem.average and tiles.sliced:
        # The control core is busy with both, but for the loads of the first tile.
        compute += ISSUE_OF_LOAD * _load_count(problem, plan) * (count - 1) / count
    steady = max(beside * load, sum(loads) * share + store, compute) + (1 - beside) * load
    waits = count * (3 - tiles.result.slots) * latency
    return int((load + compute + store + steady * (count - 1)) / count + waits)


def _loaded_beside(problem: MapsProblem, plan: WordsPlan) -> float:
    """The part of the loads of a tile that find a place beside the computation of the one before."""
    if plan.tiles.maps.slots == 1:
        return 0
    if not problem.average:
        return 1
    if not plan.tiles.sliced:
        # An average is cut into rows, but a row into nothing.
        return 0 if all(row.stop - row.first == 1 for row in plan.tiles.rows) else 1
    rows = max(tile.load_stop - tile.load_first for row in plan.tiles.rows for tile in row.maps)
    columns = max(tile.load_stop - tile.load_first for tile in plan.tiles.columns)
    steps = rows * -(-columns // problem.machine.load_queue_depth)
    return min(1, len(averaged_pieces(problem.machine, plan.channels[0].words)) / steps)


def _load_count(problem: MapsProblem, plan: WordsPlan) -> int:
    """Loads of pixels, in all CUs, where these share out channels."""
    operands = 1 + (problem.other is not None)
    return operands * _pixels(problem, plan.tiles) * sum(tile.cus.bit_count() for tile in plan.channels)


def _pixels(problem: MapsProblem, tiles: TilePlan) -> int:
    """Pixels of the maps that tiles load."""
    columns = sum(min(tile.load_stop, problem.window.in_w) - max(tile.load_first, 0) for tile in tiles.columns)
    return sum(tile.load_stop - tile.load_first for row in tiles.rows for tile in row.maps) * columns


def _by_rows(problem: MapsProblem, tiles: TilePlan) -> tuple[float, list[float]]:
    """Where CUs share out rows: the part of the bandwidth that each has, and for how long it loads with that."""
    machine, window, maps = problem.machine, problem.window, problem.maps
    columns = [min(tile.load_stop, window.in_w) - max(tile.load_first, 0) for tile in tiles.columns]
    working = tiles.cus.bit_length()
    share = max(1, machine.load_units // working) / machine.load_units
    loads: list[float] = []
    for cu in range(working):
        down = cu * tiles.window_share * window.stride_h
        rows = sum(
            max(0, min(tile.load_stop + down, window.in_h) - max(tile.load_first + down, 0))
            for row in tiles.rows
            for tile in row.maps
        )
        number = tiles.maps_tiles if len(columns) == 1 else rows * len(columns)
        words = rows * sum(columns) * maps.pixel
        loads.append(words * 2 / (machine.bytes_per_cycle * share) + number * machine.transfer_overhead)
    return share, loads


def _by_channels(problem: MapsProblem, plan: WordsPlan) -> tuple[float, list[float], float, int]:
    """Where CUs share out channels: likewise, for how long results are stored, and lines of the busiest CU."""
    machine, window, pixels = problem.machine, problem.window, _pixels(problem, plan.tiles)
    outputs, operands = window.out_h * window.out_w, 1 + (problem.other is not None)
    rate, share = machine.bytes_per_cycle, 1 / machine.load_units

    def moved(channels: ChannelTile, part: float) -> float:
        words = round_up(channels.words, machine.transfer_words)
        return words * 2 / (rate * part) + machine.transfer_overhead

    working = [[tile for tile in plan.channels if tile.cus >> cu & 1] for cu in range(machine.compute_units)]
    return (
        share,
        [sum(operands * pixels * moved(tile, share) for tile in mine) for mine in working],
        sum(outputs * moved(tile, 1) for mine in working for tile in mine),
        outputs * sum(tile.words for tile in working[0]) // machine.line_words,
    )


def line_cycles(problem: MapsProblem) -> int:
    """Cycles for a line of an output of a layer that works on the words of pixels."""
    machine, taps = problem.machine, problem.window.kernel_h * problem.window.kernel_w
    if not problem.average:
        return max(taps, CYCLES_PER_LINE)
    return average_cycles(machine, problem.window)


def average_cycles(machine: Machine, window: Window) -> int:
    """Cycles for a line of an output of an average pool."""
    taps = window.kernel_h * window.kernel_w
    issue = 0 if is_written_out(taps) else CYCLES_PER_AVERAGE_TRACE * taps
    return average_steps(machine.vmacs, machine.line_words) * max(machine.macs, issue)
