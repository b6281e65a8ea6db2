"""How a layer is cut into tiles that fit the buffers: sizes, places and costs. Pure arithmetic on layouts.

A schedule says what a chooser decided; a plan is what follows from it, and the only place that knows it: the chooser
asks whether a plan exists and what it costs, the conversion builds the tiles of the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import NamedTuple

from lowering.row_tiles import MapsTile, RowTile, rows_plan
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import Abreast, MapsLayout, Packing, round_down, round_up
from snowdialect.machine import Machine


class TilingError(Exception):
    """No tile of the asked size fits the machine; the text says why."""


class Place(NamedTuple):
    """A buffer: words of a slot, first word of the first slot, words from the first slot to the second, words of a row.

    More slots follow these two in turns."""

    words: int
    start: int
    slots: int
    stride: int
    row: int

    def slot_start(self, slot: int) -> int:
        """The first word of a slot."""
        return self.start + slot % 2 * self.stride + slot // 2 * self.words


class ColumnTile(NamedTuple):
    """Columns of a tile: those of the window's output that are computed, and those loaded for them."""

    first: int
    stop: int
    load_first: int
    load_stop: int
    lead: int
    """Columns of the maps tile before the first tap of the tile's first output; negative where padding is left out."""
    stored_first: int
    stored_stop: int
    """Columns of the layer's result that are stored: pooled ones where the pool is fused."""
    kept: int = 0
    """Of the columns computed, or of those loaded for a max pool before, the first ones that are there already: the
    last ones of the tile before."""


class ColumnsPlan(NamedTuple):
    """The columns of all tiles of a layer, and those of the widest tile."""

    tiles: tuple[ColumnTile, ...]
    width: int
    """Columns of the window's output."""
    load_width: int
    stored_width: int
    kept: int


class TilePlan(NamedTuple):
    """The maps tiles of a layer."""

    share: int
    """Rows of the layer's result from a CU to the next; 0: all CUs have all rows."""
    window_share: int
    """Rows of the window's output from a CU to the next: `share` of them, or those that its pooled rows step over."""
    cus: int
    """Mask of the CUs that work."""
    rows: tuple[RowTile, ...]
    """In the order in which they are computed."""
    upwards: bool
    """Tiles go from the bottom to the top of each CU's share."""
    columns: tuple[ColumnTile, ...]
    overlap: int
    """Rows of the window's output that two neighbouring tiles of a fused pool share."""
    maps: Place
    maps_pixel: int
    """Words of a pixel there."""
    other: Place | None
    other_pixel: int
    sliced: bool
    """Pixels there have the channels of a result tile alone."""
    result: Place
    pooled: Place | None
    halo: Place | None
    """Rows of the window's output that a CU gets from a neighbour, for the pooled row that it computes last."""
    kept: Place | None
    """Columns of the window's output, all rows of a CU, that a tile keeps for the one to its right."""
    load_share: int
    """Rows of what is loaded from a CU to the next."""
    unpooled: Place | None = None
    """What is loaded where a max pool before the window makes the maps tile of it."""
    unpooled_pixel: int = 0
    unpooled_columns: tuple[ColumnTile, ...] = ()
    """For each of the column tiles, what is pooled, and what is loaded for it."""
    biases: Place | None = None
    """Those that do not lie in front of their kernels: in each slot all that a CU has."""

    @property
    def maps_tiles(self) -> int:
        """How often maps are loaded in a pass over the layer."""
        return sum(len(tile.maps) for tile in self.rows) * len(self.columns)

    @property
    def together(self) -> bool:
        """Whether all maps tiles of a result tile are there while kernels go past, in a slot each."""
        pools = self.unpooled is not None or self.pooled is not None
        return not pools and max(len(tile.maps) for tile in self.rows) <= self.maps.slots


class PoolBefore(NamedTuple):
    """A max pool whose result a convolution alone reads, and so computes."""

    window: Window
    maps: MapsLayout
    """What it reads; its result leaves the words of a pixel where they are."""

    def rows(self, tile: MapsTile) -> MapsTile:
        """The rows of a maps tile as rows that are pooled, and those that are loaded for them."""
        first = tile.load_first * self.window.stride_h - self.window.pad_top
        stop = first + self.window.rows_read(tile.load_stop - tile.load_first)
        return MapsTile(tile.load_first, tile.load_stop, first, stop, tile.cus)

    def columns(self, tiles: Sequence[ColumnTile], machine: Machine, *, keep: bool) -> tuple[ColumnTile, ...]:
        """Likewise the columns of maps tiles, where they are inside. What is loaded begins where a transfer does. With
        `keep`, a tile keeps for the one to its right the columns under the windows of both."""
        window, found = self.window, list[ColumnTile]()
        grain = machine.transfer_words // gcd(self.maps.pixel, machine.transfer_words)
        for tile in tiles:
            first, stop = max(tile.load_first, 0), min(tile.load_stop, window.out_w)
            begin = first * window.stride_w - window.pad_left
            load_first = round_down(max(begin, 0), grain)
            end = begin + window.columns_read(stop - first)
            load_stop = min(load_first + round_up(end - load_first, grain), window.in_w)
            kept = max(0, found[-1].load_stop - load_first) if keep and found else 0
            found.append(ColumnTile(first, stop, load_first, load_stop, begin - load_first, first, stop, kept))
        return tuple(found)


class MapsProblem(NamedTuple):
    """A layer as tiles of maps see it: its window, and the layouts of what it reads and writes."""

    machine: Machine
    window: Window
    maps: MapsLayout
    other: MapsLayout | None
    """What is read pixel for pixel with the result: a residual, or the second operand of an addition."""
    result: MapsLayout
    """The layout of the result in memory."""
    result_words: int
    """Words of a pixel of the window's output that a tile holds in a CU."""
    whole_pixels: bool
    """The tile holds all words of a pixel in memory, so that rows are stored in one piece."""
    pool: Window | None = None
    """The max pool that is fused."""
    pooled_words: int = 0
    """Words of a pooled pixel that a tile holds in a CU."""
    sliced: bool = False
    """Of what is read pixel for pixel with the result, a tile holds the words that it holds of the result."""
    average: bool = False
    """The window is that of an average pool, of which each trace gives a vMAC one channel."""
    before: PoolBefore | None = None
    """The max pool that makes the maps."""
    bias_words: int = 0
    """Words of biases that a CU has beside its maps."""


class TileSize(NamedTuple):
    """What a schedule says of maps tiles."""

    rows: int
    columns: int
    maps_rows: int
    """Rows of the window's output that are computed from one maps tile."""
    maps_slots: int
    result_slots: int


def plan_maps(
    problem: MapsProblem, split: Split, size: TileSize, kernel_cus: int = 0, columns: ColumnsPlan | None = None
) -> TilePlan:
    """Places the tiles of a layer in the maps buffers; raises TilingError where they do not fit.

    `kernel_cus` is the number of CUs among which kernels are split; `columns` what `plan_columns` gives, if known.
    """
    machine, window, pool = problem.machine, problem.window, problem.pool
    out_h = window.out_h if pool is None else pool.out_h
    share = -(-out_h // machine.compute_units) if split is Split.ROWS else 0
    working = -(-out_h // share) if share else kernel_cus
    overlap = 0
    if pool is not None:
        if pool.kernel_h < pool.stride_h:
            raise TilingError("a pool that skips rows is not fused")
        overlap = pool.kernel_h - pool.stride_h
    window_share = share if pool is None else share * pool.stride_h
    rows, upwards, loaded, held, maps_tiles = rows_plan(window, pool, size.rows, size.maps_rows, share, working)
    if pool is not None and share and working > 1 and (rows[-1].stop - rows[-1].first) * pool.stride_h < overlap:
        # They arrive for the last tile, when the other CU has them; tiles before it have to do without.
        raise TilingError("only the last tile of a CU reads rows that another CU computes")
    columns = columns or plan_columns(problem, size.columns)
    if pool is not None and overlap:
        # Rows that tiles or CUs share are moved to their places whether or not the last CU has so many.
        moved = rows if share and working > 1 else rows[:-1]
        held = max([held, *((row.stop - row.first) * pool.stride_h + overlap for row in moved)])
    pixel, transfer = problem.maps.pixel, machine.transfer_words
    whole, width = len(columns.tiles) == 1, columns.width
    maps_row = round_up(columns.load_width * pixel, transfer)
    result_row = round_up(width * problem.result_words, transfer)
    if whole and problem.whole_pixels and pool is None:
        result_row = problem.result.row
    sizes = {"maps": (loaded * maps_row, size.maps_slots, maps_row)}
    load_share = window_share * window.stride_h
    under: tuple[ColumnTile, ...] = ()
    if problem.before is not None:
        # They are loaded in place of the maps, and replaced like these.
        before, tiles = problem.before, [tile for row in rows for tile in row.maps]
        loaded = max(tile.load_stop - tile.load_first for tile in map(before.rows, tiles))
        # A fused pool behind takes all rows of a column tile before the next one.
        under = before.columns(columns.tiles, machine, keep=size.maps_slots == 2 and (pool is None or len(tiles) == 1))
        row = round_up(max(tile.load_stop - tile.load_first for tile in under) * before.maps.pixel, transfer)
        sizes = {"unpooled": (loaded * row, size.maps_slots, row), **sizes}
        load_share *= before.window.stride_h
    other_pixel = 0
    if problem.other is not None:
        other_pixel = problem.result_words if problem.sliced else problem.other.pixel
        row = problem.other.row if whole and not problem.sliced else round_up(width * other_pixel, transfer)
        # It goes with the result, row for row and slot for slot.
        sizes["other"] = held * row, 1 if pool is not None else size.result_slots, row
    if problem.bias_words:
        # What reads the maps of a slot reads biases of the same bank, so that loads into the other one hold up neither.
        sizes["biases"] = problem.bias_words, size.maps_slots, problem.bias_words
    # A fused pool reads rows of the tile before, so they stay where they are.
    sizes["result"] = held * result_row, 1 if pool is not None else size.result_slots, result_row
    if pool is not None:
        row = round_up(columns.stored_width * problem.pooled_words, transfer)
        if whole and problem.whole_pixels:
            row = problem.result.row
        sizes["pooled"] = min(size.rows, share or out_h) * row, size.result_slots, row
        if overlap and share and working > 1:
            sizes["halo"] = overlap * result_row, 1, result_row
        if columns.kept:
            row = round_up(columns.kept * problem.result_words, transfer)
            computed = [tile for result in rows for tile in result.maps]
            count = max(tile.stop for tile in computed) - min(tile.first for tile in computed)
            sizes["kept"] = count * row, 1, row
    refilled = maps_tiles * len(columns.tiles) > 1
    places = dict(zip(sizes, _place(machine, list(sizes.values()), loaded if refilled else 0), strict=True))
    return TilePlan(
        share,
        window_share,
        (1 << working) - 1,
        rows,
        upwards,
        columns.tiles,
        overlap,
        places["maps"],
        pixel,
        places.get("other"),
        other_pixel,
        problem.sliced,
        places["result"],
        places.get("pooled"),
        places.get("halo"),
        places.get("kept"),
        load_share,
        places.get("unpooled"),
        0 if problem.before is None else problem.before.maps.pixel,
        under,
        places.get("biases"),
    )


def _place(machine: Machine, sizes: list[tuple[int, int, int]], rows: int) -> list[Place]:
    """Places for buffers of so many words, slots and words of a row. The first is that of maps, of which one tile after
    the other has so many rows; 0: there is a single one.

    The first slots lie at the start of the maps buffer, the second ones at its end, so that each is in a bank of its
    own; buffers with one slot have what is between.
    """
    doubled = sum(words for words, slots, _ in sizes if slots == 2)
    single = sum(words for words, slots, _ in sizes if slots == 1)
    if doubled > machine.mbuf_bank_words:
        raise TilingError(f"two slots of {doubled} words do not fit banks of {machine.mbuf_bank_words}")
    if 2 * doubled + single > machine.mbuf_words:
        raise TilingError(
            f"tiles of {2 * doubled + single} words do not fit the maps buffer of {machine.mbuf_words} words"
        )
    places: list[Place] = []
    first = {2: 0, 1: doubled}
    if rows and sizes[0][1] == 1:
        first[1] += _shift(machine, sizes[0], rows, doubled, machine.mbuf_words - 2 * doubled - single)
    for words, slots, row in sizes:
        places.append(Place(words, first[slots], slots, machine.mbuf_words - doubled, row))
        first[slots] += words
    return places


def _shift(machine: Machine, maps: tuple[int, int, int], rows: int, start: int, free: int) -> int:
    """How many of the free words lie before maps in one slot, so that no row lies in two banks: while the rows in one
    are read, those in the other are loaded. Of the places that fit the one that comes nearest to equal parts."""
    _, _, row = maps
    shifts = range((machine.mbuf_bank_words - start) % row, free + 1, row)
    return min(shifts, key=lambda shift: abs(2 * (machine.mbuf_bank_words - start - shift) // row - rows), default=0)


def plan_columns(problem: MapsProblem, columns: int) -> ColumnsPlan:
    """Tiles of so many columns; raises TilingError where they cannot begin there."""
    tiles = _column_tiles(problem, columns)
    return ColumnsPlan(
        tuple(tiles),
        max(tile.stop - tile.first for tile in tiles),
        max(tile.load_stop - tile.load_first for tile in tiles),
        max(tile.stored_stop - tile.stored_first for tile in tiles),
        max(tile.kept for tile in tiles),
    )


def _column_tiles(problem: MapsProblem, columns: int) -> list[ColumnTile]:
    machine, window, pool = problem.machine, problem.window, problem.pool
    out_w = window.out_w if pool is None else pool.out_w
    if columns >= out_w:
        return [ColumnTile(0, window.out_w, 0, window.in_w, -window.pad_left, 0, out_w)]
    # A tile begins where a transfer begins, in memory and in the buffer, for what it reads and what it writes.
    pixel, transfer = problem.maps.pixel, machine.transfer_words
    grain = transfer // gcd(pixel, transfer) if problem.before is None else 1
    if pool is not None and pool.kernel_w < pool.stride_w:
        raise TilingError("a pool that skips columns has whole rows")
    if problem.whole_pixels and columns * problem.result.pixel % transfer:
        raise TilingError(f"{columns} columns do not begin at whole transfers of the result")
    tiles: list[ColumnTile] = []
    for stored in range(0, out_w, columns):
        stored_stop = min(stored + columns, out_w)
        first, stop = stored, stored_stop
        if pool is not None:
            first = max(stored * pool.stride_w - pool.pad_left, 0)
            stop = (stored_stop - 1) * pool.stride_w - pool.pad_left + pool.kernel_w
            stop = window.out_w if stored_stop == out_w else min(stop, window.out_w)
        if problem.other is not None and not problem.sliced and first * problem.other.pixel % transfer:
            raise TilingError(f"{columns} columns do not begin at whole transfers of what is added")
        begin = first * window.stride_w - window.pad_left
        load_first = round_down(begin, grain)
        load_stop = load_first + round_up(begin - load_first + window.columns_read(stop - first), grain)
        kept = tiles[-1].stop - first if tiles else 0
        tiles.append(ColumnTile(first, stop, load_first, load_stop, begin - load_first, stored, stored_stop, kept))
    return tiles


class PoolBehind(NamedTuple):
    """A max pool that alone reads the result of a convolution, and so may be fused with it."""

    window: Window
    result: MapsLayout
    """The layout of its result in memory, and whether that is a part of wider pixels."""
    view: bool


class ConvProblem(NamedTuple):
    """A convolution or linear layer to be scheduled."""

    machine: Machine
    window: Window
    maps: MapsLayout
    bypass: MapsLayout | None
    result: MapsLayout
    channels: int
    """Output channels."""
    groups: int
    windows: int
    """Pieces of a pixel of which a kernel sees one."""
    view: bool
    """The result is a part of wider pixels."""
    pool: PoolBehind | None = None
    before: PoolBefore | None = None
    """The max pool that makes the maps, and is computed with the layer."""

    @property
    def loaded(self) -> MapsLayout:
        """The layout of what is loaded."""
        return self.maps if self.before is None else self.before.maps

    @property
    def depth(self) -> int:
        """Words of a pixel that a kernel sees."""
        return self.maps.pixel // self.windows

    @property
    def grain(self) -> int:
        """Words of which each trace has a multiple: those that a kernel sees of a pixel of the tensor."""
        return self.depth // self.maps.taps

    def kernel_rows(self, y: int) -> range:
        """The rows under the kernel that lie inside the maps for row y of the window's output."""
        return (self.window if self.maps.unrolled is None else self.maps.unrolled).kernel_rows(y)

    @property
    def may_be_abreast(self) -> bool:
        """Whether pixels side by side may share the lanes of kernel steps: they see the same channels, in columns
        without gaps, some of which lie under the windows of both."""
        alone = self.groups == self.windows == 1 and self.bypass is None
        return alone and self.window.dilation_w == 1 and self.window.kernel_w > self.window.stride_w

    def abreast(self, pixels: int) -> Abreast:
        """So many pixels side by side that share the lanes of kernel steps, in mode indp."""
        machine, window = self.machine, self.window
        words = round_up(self.channels, machine.line_words)
        return Abreast(pixels, words, machine.vmacs * machine.macs, window.stride_w, window.kernel_w)


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
    gathered: int
    """CUs whose channels one of them stores, because those of a single one are no whole transfers; 1: each its own."""
    tile_words: int
    """Words of a pixel in a tile of the window's output."""
    stored_words: int
    """Words of a pixel that a CU stores, and whether they are all of the pixel in memory."""
    whole_pixels: bool


def possible_windows(channels_in: int, channels_out: int, groups: int, packed: bool, machine: Machine) -> list[int]:
    """Into how many pieces a pixel may be cut for a grouped convolution, most first: groups, or groups that are merged
    until a piece has whole lines and whole steps, down to the whole pixel.

    `packed`: the channels of a pixel lie without gaps, so that pieces can be cut at all.
    """
    return [
        windows
        for windows in range(groups, 0, -1)
        if windows == 1
        or (
            packed
            and groups % windows == 0
            and channels_in % windows == 0
            and channels_out % windows == 0
            and channels_in // windows % machine.line_words == 0
            and channels_out // windows % machine.vmacs == 0
        )
    ]


def kernel_share(problem: ConvProblem) -> int:
    """Channels of a CU when kernels are split over the CUs, in whole lines."""
    machine = problem.machine
    words = round_up(problem.channels, machine.line_words)
    return round_up(-(-words // machine.compute_units), machine.line_words)


class KernelPlan(NamedTuple):
    """What follows from a schedule for kernels and channels, whatever rows and columns its tiles have; see ConvPlan."""

    packing: Packing
    kernel_tiles: int
    channels: int
    share: int
    units: int
    """CUs among which kernels are split; 0: all have the same."""
    gathered: int
    partial: bool
    """A result tile has some of the channels."""
    stored_words: int
    maps: MapsProblem
    """What is left to be planned."""


def plan_conv(problem: ConvProblem, schedule: Schedule) -> ConvPlan:
    """The tiles of a schedule; raises TilingError where they do not fit the machine."""
    return plan_tiles(problem, schedule, plan_kernels(problem, schedule))


def plan_tiles(
    problem: ConvProblem, schedule: Schedule, kernels: KernelPlan, columns: ColumnsPlan | None = None
) -> ConvPlan:
    """The tiles of a schedule whose kernels, and perhaps columns, are planned; raises TilingError where they do not fit
    the machine."""
    if problem.before is not None and schedule.split is not Split.ROWS:
        raise TilingError("where a pool comes before the layer, rows are shared out")
    if schedule.parts > 1 and (schedule.rows, schedule.columns, schedule.steps, schedule.fused) != (1, 1, 1, 0):
        raise TilingError("a kernel in parts keeps one output in the accumulators")
    several = kernels.kernel_tiles * problem.windows > 1
    size = TileSize(schedule.rows, schedule.columns, schedule.maps_rows, schedule.maps_slots, schedule.result_slots)
    maps = plan_maps(kernels.maps, schedule.split, size, kernels.units, columns)
    if schedule.order is Order.MLOOP and several and kernels.partial:
        tiles = max(len(row.maps) for row in maps.rows)
        if tiles > 1 and not maps.together:
            raise TilingError(f"{tiles} maps tiles to a result tile of some kernels want as many slots")
    if schedule.order is Order.KLOOP and several and schedule.result_tiles > 1:
        # Each waits for all its kernels, while maps go past one kernel tile after the other.
        tiles = len(maps.rows) * len(maps.columns)
        if tiles > maps.result.slots:
            raise TilingError(f"with kernels outside, {tiles} result tiles of several kernel tiles want {tiles} slots")
    return ConvPlan(
        schedule,
        maps,
        kernels.packing,
        problem.windows,
        kernels.kernel_tiles,
        kernels.channels,
        kernels.share,
        kernels.gathered,
        kernels.maps.result_words,
        kernels.stored_words,
        kernels.maps.whole_pixels,
    )


def plan_kernels(problem: ConvProblem, schedule: Schedule) -> KernelPlan:
    """How a schedule cuts kernels and channels; raises TilingError where they do not fit the machine."""
    machine, pool = problem.machine, None
    if schedule.mode is Mode.COOP and problem.grain % machine.line_words:
        raise TilingError(f"COOP reads whole lines, a pixel has {problem.grain} words")
    if schedule.fused:
        if problem.pool is None:
            raise TilingError("there is no max pool to fuse")
        pool = problem.pool.window
        problem = problem._replace(result=problem.pool.result, view=problem.pool.view)
    shares = _shares(problem, schedule.split)
    steps = -(-schedule.abreast * shares.words // (machine.vmacs * schedule.mode.lanes(machine)))
    tiles = -(-steps // schedule.steps)
    _check_abreast(problem, schedule, tiles)
    packing = _packing(problem, schedule, shares, tiles)
    _check_kernel_tiles(problem, schedule, packing, shares.words, steps)
    words, partial = _channels_of_tile(problem, schedule, shares, tiles)
    stored = words * (1 if partial else shares.gathered)
    if not partial and stored != problem.result.pixel:
        stored = round_up(stored, machine.transfer_words)
    whole = not problem.view and not shares.share and not partial and stored == problem.result.pixel
    if not whole and problem.result.pixel % machine.transfer_words:
        raise TilingError("pixels that are stored one by one are whole transfers")
    if pool is None:
        words = stored
    if schedule.abreast > 1 and words != shares.words:
        raise TilingError(f"pixels abreast lie one behind the other, those of the tile are {words} words apart")
    sliced = bool(partial or shares.share) and _can_slice(problem.bypass, machine, words, shares.share)
    if schedule.biases and shares.share and problem.bypass is not None and not sliced:
        raise TilingError("a CU does not find its own biases where it finds its part of a bypass of all channels")
    maps_problem = MapsProblem(
        machine,
        problem.window,
        problem.maps,
        problem.bypass,
        problem.result,
        words,
        whole,
        pool,
        stored,
        sliced=sliced,
        before=problem.before,
        bias_words=packing.bias_words,
    )
    gathered = 1 if partial else shares.gathered
    return KernelPlan(packing, tiles, shares.words, shares.share, shares.units, gathered, partial, stored, maps_problem)


class _Shares(NamedTuple):
    """How kernels are shared out."""

    words: int
    """Words of a result pixel, or of a window's part of it, that a CU computes."""
    share: int = 0
    """Channels from the first of a CU to the first of the next; 0: all CUs have all kernels."""
    units: int = 0
    """CUs that have kernels."""
    gathered: int = 1
    """CUs whose channels one of them stores."""


def _shares(problem: ConvProblem, split: Split) -> _Shares:
    machine, transfer = problem.machine, problem.machine.transfer_words
    words = round_up(problem.channels // problem.windows, machine.line_words if problem.windows == 1 else 1)
    if split is not Split.KERNELS:
        return _Shares(words)
    share = kernel_share(problem)
    if problem.windows > 1 or problem.result.pixel % transfer:
        raise TilingError("kernels are shared out of ungrouped channels, and stored in whole transfers")
    if problem.bypass is not None and share * machine.compute_units != words:
        raise TilingError("kernels with a bypass are shared out evenly")
    units = -(-words // share)
    return _Shares(share, share, units, transfer // gcd(share, transfer) if units > 1 else 1)


def _check_abreast(problem: ConvProblem, schedule: Schedule, tiles: int) -> None:
    """Raises TilingError where pixels cannot share the lanes of kernel steps, of so many tiles."""
    if schedule.abreast == 1:
        return
    if not problem.may_be_abreast:
        raise TilingError("pixels abreast see the same channels, in windows that overlap")
    if schedule.mode is not Mode.INDP or schedule.split is not Split.ROWS or schedule.parts > 1 or schedule.biases:
        raise TilingError("pixels abreast want mode indp, rows shared out, and whole kernels with their biases")
    if tiles > 1:
        raise TilingError("pixels abreast have all their kernels in one tile")


def _packing(problem: ConvProblem, schedule: Schedule, shares: _Shares, tiles: int) -> Packing:
    """How kernels lie in memory, in so many tiles a window."""
    return Packing(
        mode=schedule.mode.value,
        groups=problem.groups,
        windows=problem.windows,
        depth=problem.grain,
        kernel_h=problem.window.kernel_h * problem.maps.taps,
        kernel_w=problem.window.kernel_w,
        channels=problem.channels,
        cus=shares.units or 1,
        share=shares.share,
        vmacs=problem.machine.vmacs,
        line=problem.machine.line_words,
        steps=schedule.steps,
        tiles=tiles * problem.windows,
        parts=schedule.parts,
        abreast=schedule.abreast,
        advance=problem.window.stride_w if schedule.abreast > 1 else 0,
        segments=problem.maps.segments,
        unrolled=problem.maps.unrolled is not None,
        apart=bool(schedule.biases),
    )


def _check_kernel_tiles(problem: ConvProblem, schedule: Schedule, packing: Packing, words: int, steps: int) -> None:
    """Raises TilingError for kernel tiles of a CU's `words` channels, or `steps` kernel steps, that cannot be."""
    machine = problem.machine
    if problem.windows > 1 and steps % schedule.steps:
        raise TilingError("the kernels of a group are cut into equal tiles")
    if problem.windows > 1 and words % (machine.vmacs if schedule.mode is Mode.COOP else machine.macs):
        raise TilingError("the kernels of a group fill whole steps, or all lanes of some vMACs")
    weights_place(machine, schedule.steps * packing.block, schedule.weights_slots, packing.block)
    if schedule.weights_slots > 2 and schedule.order is Order.KLOOP:
        raise TilingError("with kernels outside, none is used again, and two slots are enough")
    if packing.part_words * (schedule.parts - 1) >= packing.kernel_words:
        raise TilingError(f"a kernel of {packing.kernel_words} words has no {schedule.parts} parts")
    if problem.bypass is not None and len(problem.bypass.segments) > 1:
        raise TilingError("a convolution adds channels in a row")
    if schedule.parts > 1 and schedule.order is Order.KLOOP:
        raise TilingError("the parts of a kernel follow one another inside the loop over maps")


def _channels_of_tile(problem: ConvProblem, schedule: Schedule, shares: _Shares, tiles: int) -> tuple[int, bool]:
    """Words of a pixel that a result tile holds, those of some of so many kernel tiles a window or of all of them, and
    whether it is some."""
    machine, words = problem.machine, shares.words
    partial = schedule.result_tiles < tiles * problem.windows
    if partial and schedule.fused and schedule.order is Order.MLOOP:
        raise TilingError("a fused pool keeps rows of all channels from tile to tile")
    if partial and problem.windows > 1 and tiles % schedule.result_tiles:
        raise TilingError("a result tile has channels of one group")
    step = machine.vmacs * schedule.mode.lanes(machine)
    held = min(schedule.result_tiles * schedule.steps * step, words) if partial else words * problem.windows
    if partial and (held % machine.transfer_words or (shares.share and words % machine.transfer_words)):
        raise TilingError(f"a tile of {held} channels is not stored in whole transfers")
    if schedule.fused and held % machine.line_words:
        raise TilingError(f"a pool reads whole lines, a tile has {held} channels")
    return held, partial


def weights_place(machine: Machine, words: int, slots: int, block: int) -> Place:
    """Where kernel tiles of so many words lie, in blocks of so many; raises TilingError where they do not fit.

    Half of several slots lie in each bank.
    """
    capacity = machine.wbuf_words if slots == 1 else machine.wbuf_bank_words // (slots // 2)
    if words > capacity:
        raise TilingError(f"{words // block} kernels of {block} words do not fit {capacity} words of a weights buffer")
    return Place(words, 0, slots, machine.wbuf_bank_words, block)


def most_slots(machine: Machine, words: int, wanted: int) -> int:
    """How many slots of so many words a weights buffer has: an even number, no more than are wanted."""
    return 2 * min(machine.wbuf_bank_words // words, -(-wanted // 2))


def _can_slice(bypass: MapsLayout | None, machine: Machine, words: int, share: int) -> bool:
    """Whether tiles, and CUs, have whole transfers of a bypass each."""
    if bypass is None:
        return False
    return not any(
        number % machine.transfer_words for number in (words, share, bypass.pixel, bypass.segments[0].offset)
    )


def pieces(count: int) -> list[int]:
    """Sizes of equal pieces of `count`, largest first."""
    return sorted({-(-count // parts) for parts in range(1, count + 1)}, reverse=True)


def tile_columns(machine: Machine, maps: MapsLayout, width: int) -> list[int]:
    """Widths of tiles worth trying: all columns, then fewer that begin at whole transfers of the maps."""
    grain = machine.transfer_words // gcd(maps.pixel, machine.transfer_words)
    return [width, *sorted({c for size in pieces(width) if (c := round_up(size, grain)) < width}, reverse=True)]
