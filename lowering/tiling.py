"""How a layer is cut into tiles that fit the buffers: sizes, places and costs. Pure arithmetic on layouts.

A schedule says what a chooser decided; a plan is what follows from it, and the only place that knows it: the chooser
asks whether a plan exists and what it costs, the conversion builds the tiles of the plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import NamedTuple

from snowdialect.dialects.tile import MapsType, Mode, Order, Schedule, Split, Window
from snowdialect.layout import BLOCK_ALIGNMENT, Packing, round_down, round_up
from snowdialect.machine import Machine


class TilingError(Exception):
    """No tile of the asked size fits the machine; the text says why."""


class Place(NamedTuple):
    """A buffer: words of a slot, first word of the first slot, words of a row."""

    words: int
    start: int
    row: int


class TilePlan(NamedTuple):
    """The maps tiles of a layer."""

    slots: int
    stride: int
    """Words from a slot to the next."""
    share: int
    """Rows of the result of a CU; 0: all CUs have all rows."""
    cus: int
    """Mask of the CUs that work."""
    rows: int
    columns: int
    """Size of a result tile."""
    row_tiles: int
    column_tiles: int
    maps: Place
    other: Place | None
    result: Place
    load_lead: int
    """Columns that a maps tile begins before column `columns * stride` of its number."""
    load_columns: int
    lead: int
    """Columns of the maps tile before the first tap of the tile's first output; negative where padding is left out."""


class MapsProblem(NamedTuple):
    """A layer as tiles of maps see it: its window, and the layouts of what it reads and writes."""

    machine: Machine
    window: Window
    maps: MapsType
    other: MapsType | None
    """What is read pixel for pixel with the result: a residual, or the second operand of an addition."""
    result: MapsType
    """The layout of the result in memory."""
    result_words: int
    """Words of a result pixel that a tile holds in a CU."""
    whole_pixels: bool
    """The tile holds all words of a pixel in memory, so that rows are stored in one piece."""


def plan_maps(
    problem: MapsProblem, split: Split, rows: int, columns: int, slots: int, with_kernels: int = 0
) -> TilePlan:
    """Places the tiles of `rows` x `columns` results in the maps buffers; raises TilingError where they do not fit.

    `with_kernels` is the number of CUs among which kernels are split.
    """
    machine, window = problem.machine, problem.window
    share = -(-window.out_h // machine.compute_units) if split is Split.ROWS else 0
    cus = (1 << (-(-window.out_h // share) if share else with_kernels)) - 1
    pixel = problem.maps.pixel.data
    transfer = machine.transfer_words
    if columns == window.out_w:
        load_lead, load_columns, lead = 0, window.in_w, -window.pad_left
        maps_row = problem.maps.row.data
    else:
        # A tile begins where a transfer begins, in memory and in the buffer, for what it reads and what it writes.
        grain = transfer // gcd(pixel, transfer)
        if columns * window.stride_w % grain:
            raise TilingError(f"{columns} columns do not begin at whole transfers of the maps")
        others = [problem.result] if problem.whole_pixels else []
        others += [problem.other] if problem.other is not None else []
        if any(columns * maps.pixel.data % transfer for maps in others):
            raise TilingError(f"{columns} columns do not begin at whole transfers of the result")
        load_lead = round_up(window.pad_left, grain)
        lead = load_lead - window.pad_left
        load_columns = round_up(window.columns_read(columns) + lead, grain)
        maps_row = round_up(load_columns * pixel, transfer)
    maps_words = window.rows_read(rows) * maps_row
    other_row = other_words = 0
    if problem.other is not None:
        whole = columns == window.out_w
        other_row = problem.other.row.data if whole else round_up(columns * problem.other.pixel.data, transfer)
        other_words = rows * other_row
    if columns == window.out_w and problem.whole_pixels:
        result_row = problem.result.row.data
    else:
        result_row = round_up(columns * problem.result_words, transfer)
    result_words = rows * result_row
    capacity = machine.mbuf_bank_words if slots == 2 else machine.mbuf_words
    total = maps_words + other_words + result_words
    if total > capacity:
        raise TilingError(
            f"a tile of {rows}x{columns} results takes {total} words, {'a bank' if slots == 2 else 'the maps buffer'} "
            f"has {capacity}"
        )
    return TilePlan(
        slots,
        capacity,
        share,
        cus,
        rows,
        columns,
        -(-(share or window.out_h) // rows),
        -(-window.out_w // columns),
        Place(maps_words, 0, maps_row),
        None if problem.other is None else Place(other_words, maps_words, other_row),
        Place(result_words, maps_words + other_words, result_row),
        load_lead,
        load_columns,
        lead,
    )


def largest_tile(problem: MapsProblem) -> TilePlan:
    """The largest tile that fits a bank, else the whole buffer: full rows first, then parts of a row.

    For layers without kernels, which split rows over the CUs. Raises TilingError when not one output fits.
    """
    window = problem.window
    reason = TilingError("no tile fits")
    for slots in (2, 1):
        for columns in tile_columns(problem.machine, problem.maps, window.out_w):
            for rows in _pieces(-(-window.out_h // problem.machine.compute_units)):
                try:
                    return plan_maps(problem, Split.ROWS, rows, columns, slots)
                except TilingError as error:
                    reason = error
    raise reason


class ConvProblem(NamedTuple):
    """A convolution or linear layer to be scheduled."""

    machine: Machine
    window: Window
    maps: MapsType
    bypass: MapsType | None
    result: MapsType
    channels: int
    """Output channels."""
    groups: int
    windows: int
    """Pieces of a pixel of which a kernel sees one."""
    view: bool
    """The result is a part of wider pixels."""

    @property
    def depth(self) -> int:
        """Words of a pixel that a kernel sees."""
        return self.maps.pixel.data // self.windows


class ConvPlan(NamedTuple):
    """What follows from a schedule."""

    schedule: Schedule
    maps: TilePlan
    packing: Packing
    windows: int
    kernel_tiles: int
    """Kernel tiles of each window."""
    channels: int
    """Words of a result pixel that a CU computes in each window."""
    share: int
    """Channels from the first of a CU to the first of the next; 0: all CUs have the same kernels."""
    partial: bool
    """A result tile holds the channels of one kernel tile only."""
    tile_words: int
    """Words of a result pixel in a tile, and whether they are all of the pixel in memory."""
    whole_pixels: bool
    compute_cycles: int
    transfer_cycles: int

    @property
    def cycles(self) -> int:
        """An estimate: loads hide behind arithmetic where both kinds of tiles have two slots."""
        schedule = self.schedule
        hidden = schedule.maps_slots == 2 and schedule.weights_slots == 2
        work, wait = self.compute_cycles, self.transfer_cycles
        return max(work, wait) if hidden else work + wait


def merged_windows(channels_in: int, channels_out: int, groups: int, packed: bool, machine: Machine) -> int:
    """Pieces of a pixel for a grouped convolution: groups, merged until a piece has whole lines and whole steps.

    `packed`: the channels of a pixel lie without gaps, so that pieces can be cut at all.
    """
    for windows in range(groups, 0, -1):
        if groups % windows == 0 and (
            windows == 1
            or (
                packed
                and channels_in % windows == 0
                and channels_out % windows == 0
                and channels_in // windows % machine.line_words == 0
                and channels_out // windows % machine.vmacs == 0
            )
        ):
            return windows
    return 1


def plan_conv(problem: ConvProblem, schedule: Schedule) -> ConvPlan:
    """The tiles of a schedule; raises TilingError where they do not fit the machine."""
    machine, window = problem.machine, problem.window
    lanes = 1 if schedule.mode is Mode.COOP else machine.macs
    if schedule.mode is Mode.COOP and problem.depth % machine.line_words:
        raise TilingError(f"COOP reads whole lines, a pixel has {problem.depth} words")
    if schedule.mode is Mode.INDP and problem.windows > 1:
        raise TilingError("INDP kernels see the whole pixel")
    transfer = machine.transfer_words
    step = machine.vmacs * lanes
    words = round_up(problem.channels // problem.windows, machine.line_words if problem.windows == 1 else 1)
    share = units = 0
    if schedule.split is Split.KERNELS:
        share = round_up(-(-words // machine.compute_units), transfer)
        if problem.windows > 1 or problem.result.pixel.data % transfer:
            raise TilingError("kernels are shared out in whole transfers of ungrouped channels")
        if problem.bypass is not None and share * machine.compute_units != words:
            raise TilingError("kernels with a bypass are shared out evenly")
        units = -(-words // share)
        words = share
    steps = -(-words // step)
    tiles = -(-steps // schedule.steps)
    packing = Packing(
        schedule.mode.value,
        problem.groups,
        problem.windows,
        problem.depth,
        window.kernel_h,
        window.kernel_w,
        problem.channels,
        units or 1,
        share,
        machine.vmacs,
        machine.line_words,
        schedule.steps,
        tiles * problem.windows,
        schedule.parts,
        problem.maps.segments,
    )
    if problem.windows > 1 and steps % schedule.steps:
        raise TilingError("the kernels of a group are cut into equal tiles")
    if problem.windows > 1 and words % step:
        raise TilingError("the kernels of a group fill whole steps")
    weights_capacity = machine.wbuf_bank_words if schedule.weights_slots == 2 else machine.wbuf_words
    if schedule.steps * packing.block > weights_capacity:
        raise TilingError(
            f"{schedule.steps} kernels of {packing.block} words do not fit {weights_capacity} words of a weights buffer"
        )
    if schedule.parts > 1 and (schedule.rows, schedule.columns, schedule.steps) != (1, 1, 1):
        raise TilingError("a kernel in parts keeps one output in the accumulators")
    if problem.bypass is not None and len(problem.bypass.segments) > 1:
        raise TilingError("a convolution adds channels in a row")
    if schedule.parts > 1 and schedule.order is Order.KLOOP:
        raise TilingError("the parts of a kernel follow one another inside the loop over maps")
    partial = schedule.order is Order.KLOOP and tiles * problem.windows > 1
    tile_words = schedule.steps * step if partial else words * problem.windows
    if partial and tile_words % transfer:
        raise TilingError(f"a tile of {tile_words} channels is not stored in whole transfers")
    if not partial and tile_words != problem.result.pixel.data:
        tile_words = round_up(tile_words, transfer)
    whole = not problem.view and not share and not partial and tile_words == problem.result.pixel.data
    if not whole and problem.result.pixel.data % transfer:
        raise TilingError("pixels that are stored one by one are whole transfers")
    maps_problem = MapsProblem(machine, window, problem.maps, problem.bypass, problem.result, tile_words, whole)
    maps = plan_maps(maps_problem, schedule.split, schedule.rows, schedule.columns, schedule.maps_slots, units)
    if schedule.mode is Mode.COOP:
        trace = -(-problem.depth * window.kernel_w // machine.line_words)
        # The reduction of 16 partial sums takes 16 cycles and overlaps the next output.
        output = max(machine.macs, trace * window.kernel_h)
    else:
        output = window.kernel_h * round_up(problem.depth * window.kernel_w, machine.line_words)
    compute = (maps.share or window.out_h) * window.out_w * steps * problem.windows * output
    maps_traffic = problem.maps.words + (problem.bypass.words if problem.bypass is not None else 0)
    maps_tiles, kernel_tiles = maps.row_tiles * maps.column_tiles, tiles * problem.windows * schedule.parts
    if schedule.order is Order.KLOOP:
        traffic = packing.words + (kernel_tiles if maps_tiles > 1 else 1) * maps_traffic
    else:
        traffic = maps_traffic + (maps_tiles if kernel_tiles > 1 else 1) * packing.words
    traffic += problem.result.words
    bytes_per_cycle = machine.bandwidth / machine.clock_hz
    return ConvPlan(
        schedule,
        maps,
        packing,
        problem.windows,
        tiles,
        words,
        share,
        partial,
        tile_words,
        whole,
        compute,
        int(traffic * 2 / bytes_per_cycle),
    )


def conv_plans(problem: ConvProblem, modes: tuple[Mode, ...]) -> Iterator[ConvPlan]:
    """Legal plans worth comparing: every mode, split, order and number of slots with tiles as large as fit."""
    machine = problem.machine
    for mode in modes:
        lanes = 1 if mode is Mode.COOP else machine.macs
        for split in Split:
            words = round_up(-(-problem.channels // problem.windows), machine.line_words if problem.windows == 1 else 1)
            if split is Split.KERNELS:
                words = round_up(-(-words // machine.compute_units), machine.transfer_words)
            steps = -(-words // (machine.vmacs * lanes))
            for order in Order:
                for slots in (2, 1):
                    for weights_slots in (2, 1):
                        yield from _fitting(problem, mode, split, order, steps, slots, weights_slots)


def _fitting(
    problem: ConvProblem, mode: Mode, split: Split, order: Order, steps: int, slots: int, weights_slots: int
) -> Iterator[ConvPlan]:
    """The plan with the most kernels, then the most columns, then the most rows in a tile, if there is one.

    Whole rows come first: they are loaded and stored in one piece, and need no code for borders between columns.
    """
    machine, window = problem.machine, problem.window
    height = -(-window.out_h // machine.compute_units) if split is Split.ROWS else window.out_h
    lanes = 1 if mode is Mode.COOP else machine.macs
    capacity = machine.wbuf_bank_words if weights_slots == 2 else machine.wbuf_words
    # One part, or as many as it takes where a CU has a single output to keep in its accumulators.
    kernel = window.kernel_h * window.kernel_w * problem.depth
    block = round_up(machine.line_words + kernel * lanes, BLOCK_ALIGNMENT)
    most = capacity // block
    # A part has whole lines of maps and fills a block at most.
    longest = (round_down(capacity, BLOCK_ALIGNMENT) - machine.line_words) // lanes
    longest = round_down(longest, machine.line_words)
    parts = -(-kernel // longest) if not most and longest > 0 and (height, window.out_w) == (1, 1) else 1
    for tile_steps in (1,) if parts > 1 else (size for size in _pieces(steps) if size <= most):
        for columns in tile_columns(machine, problem.maps, window.out_w):
            for rows in _pieces(height):
                schedule = Schedule(mode, split, order, rows, columns, tile_steps, parts, slots, weights_slots)
                try:
                    plan = plan_conv(problem, schedule)
                except TilingError:
                    continue
                yield plan
                return


def _pieces(count: int) -> list[int]:
    """Sizes of equal pieces of `count`, largest first."""
    return sorted({-(-count // pieces) for pieces in range(1, count + 1)}, reverse=True)


def tile_columns(machine: Machine, maps: MapsType, width: int) -> list[int]:
    """Widths of tiles worth trying: all columns, then fewer that begin at whole transfers of the maps."""
    grain = machine.transfer_words // gcd(maps.pixel.data, machine.transfer_words)
    return [width, *sorted({c for size in _pieces(width) if (c := round_up(size, grain)) < width}, reverse=True)]
