"""How the maps of a layer are cut into tiles that fit the buffers: rows, columns, places. Pure arithmetic on layouts.

A schedule says what a chooser decided; a plan is what follows from it, and the only place that knows it: the chooser
asks whether a plan exists and what it costs, the conversion builds the tiles of the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import gcd
from typing import NamedTuple

from lowering.row_tiles import MapsTile, RowsPlan, RowTile, rows_plan
from snowdialect.dialects.tile import Split, Window
from snowdialect.layout import MapsLayout, round_down, round_up
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
    maxima: Place | None = None
    """Columns of the maxima of all rows under a window, where tiles are pooled column by column."""
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
        """The columns of maps tiles, where they are inside, as those that are loaded for them, from where a transfer
        begins. With `keep`, a tile keeps for the one to its right the columns under the windows of both."""
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

    def new_columns(self, tiles: Sequence[ColumnTile]) -> tuple[ColumnTile, ...]:
        """Likewise, with those columns of each tile that none to the left of it has."""
        window, found, known = self.window, list[ColumnTile](), 0
        for tile in tiles:
            end = min(tile.stop - 1 - window.pad_left + window.kernel_w, window.in_w)
            found.append(ColumnTile(tile.first, tile.stop, known, end, 0, tile.first, tile.stop))
            known = end
        return tuple(found)

    def maxima_place(self, column: int) -> int:
        """Where the maxima of a column lie, of as many columns as are under a window: in place of one that no window
        needs any more."""
        first = first_maxima_place(self.window)
        assert first is not None
        return (column + first) % self.window.kernel_w


@cache
def first_maxima_place(window: Window) -> int | None:
    """The place of the maxima of column 0. A window that has all places finds its columns in any order; those that are
    made together, and those that the padding leaves of a window, have to lie side by side. None where they cannot."""
    size = window.kernel_w
    for first in range(size):
        seen = ((x, window.kernel_columns(x)) for x in range(window.out_w))
        places = (((x - window.pad_left + taps.start + first) % size, len(taps)) for x, taps in seen)
        together = first + len(window.kernel_columns(0)) <= size
        if together and all(count == size or place + count <= size for place, count in places):
            return first
    return None


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
    part_rows: int = 0
    """Rows of the maps that are in a slot where maps come in parts, as kernels do; 0: all of a tile."""


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
    machine, window, pool, before = problem.machine, problem.window, problem.pool, problem.before
    if pool is not None and pool.kernel_h < pool.stride_h:
        raise TilingError("a pool that skips rows is not fused")
    out_h = window.out_h if pool is None else pool.out_h
    share = -(-out_h // machine.compute_units) if split is Split.ROWS else 0
    working = -(-out_h // share) if share else kernel_cus
    rows = rows_plan(window, pool, size.rows, size.maps_rows, share, working)
    columns = columns or plan_columns(problem, size.columns)
    window_share = share if pool is None else share * pool.stride_h
    load_share = window_share * window.stride_h
    under: tuple[ColumnTile, ...] = ()
    if before is not None and _has_tile_of_padding(before.window, rows, columns, load_share):
        raise TilingError("a max pool makes nothing of a tile of padding alone")
    by_column = is_pooled_by_column(problem, size, columns)
    if before is not None and by_column:
        under = before.new_columns(columns.tiles)
        load_share *= before.window.stride_h
    elif before is not None:
        # A fused pool behind takes all rows of a column tile before the next one.
        keep = size.maps_slots == 2 and (pool is None or rows.maps_tiles == 1)
        under = before.columns(columns.tiles, machine, keep=keep)
        load_share *= before.window.stride_h
    overlap, held, handed_on = 0, rows.held, bool(share) and working > 1
    if pool is not None:
        overlap = pool.kernel_h - pool.stride_h
        held = _held_with_pool(rows, pool, overlap, handed_on=handed_on)
    sizes = _sizes_of_read(problem, size, rows, columns, under, held)
    if before is not None and by_column:
        row = before.window.kernel_w * before.maps.pixel
        sizes["maxima"] = _Size(rows.loaded * row, 1, row)
    loaded = next(iter(sizes.values()))
    sizes |= _sizes_of_written(problem, size, columns, held)
    if pool is not None:
        sizes |= _sizes_of_pool(problem, size, rows, columns, share or out_h, overlap if handed_on else 0)
    refilled = rows.maps_tiles * len(columns.tiles) > 1
    rows_replaced = loaded.words // loaded.row if refilled else 0
    places = dict(zip(sizes, _place(machine, list(sizes.values()), rows_replaced), strict=True))
    return TilePlan(
        share=share,
        window_share=window_share,
        cus=(1 << working) - 1,
        rows=rows.tiles,
        upwards=rows.upwards,
        columns=columns.tiles,
        overlap=overlap,
        maps=places["maps"],
        maps_pixel=problem.maps.pixel,
        other=places.get("other"),
        other_pixel=_other_pixel(problem),
        sliced=problem.sliced,
        result=places["result"],
        pooled=places.get("pooled"),
        halo=places.get("halo"),
        kept=places.get("kept"),
        load_share=load_share,
        unpooled=places.get("unpooled"),
        unpooled_pixel=0 if before is None else before.maps.pixel,
        unpooled_columns=under,
        maxima=places.get("maxima"),
        biases=places.get("biases"),
    )


def _has_tile_of_padding(pool: Window, rows: RowsPlan, columns: ColumnsPlan, share: int) -> bool:
    """Whether all columns of a maps tile, or the rows of all CUs, `share` apart, are beyond what a max pool makes."""
    if any(max(tile.load_first, 0) >= min(tile.load_stop, pool.out_w) for tile in columns.tiles):
        return True
    return any(
        all(
            max(maps.load_first + cu * share, 0) >= min(maps.load_stop + cu * share, pool.out_h)
            for cu in range(maps.cus.bit_length())
        )
        for tile in rows.tiles
        for maps in tile.maps
    )


def is_pooled_by_column(problem: MapsProblem, size: TileSize, columns: ColumnsPlan) -> bool:
    """Whether what a max pool makes before a layer of 1x1 is made column by column: in tiles of a column each, where
    windows overlap that move by one."""
    before, window, transfer = problem.before, problem.window, problem.machine.transfer_words
    if before is None or problem.pool is not None or (size.columns, size.maps_slots) != (1, 2):
        return False
    pool = before.window
    alone = (window.kernel_w, window.stride_w, window.pad_left, window.out_w) == (1, 1, 0, pool.out_w)
    overlap = pool.kernel_w > pool.stride_w == 1 and len(columns.tiles) > size.maps_slots
    return alone and overlap and before.maps.pixel % transfer == 0 and first_maxima_place(pool) is not None


class _Size(NamedTuple):
    """Of a buffer."""

    words: int
    """Of a slot."""
    slots: int
    row: int
    """Words of a row of a slot."""


def _held_with_pool(rows: RowsPlan, pool: Window, overlap: int, *, handed_on: bool) -> int:
    """Rows of a result tile of the window's output that a fused pool reads; `handed_on`: CUs give each other rows."""
    tiles = rows.tiles
    if handed_on and (tiles[-1].stop - tiles[-1].first) * pool.stride_h < overlap:
        # They arrive for the last tile, when the other CU has them; tiles before it have to do without.
        raise TilingError("only the last tile of a CU reads rows that another CU computes")
    if not overlap:
        return rows.held
    # Rows that tiles or CUs share are moved to their places whether or not the last CU has so many.
    moved = tiles if handed_on else tiles[:-1]
    return max([rows.held, *((tile.stop - tile.first) * pool.stride_h + overlap for tile in moved)])


def _other_pixel(problem: MapsProblem) -> int:
    """Words of a pixel, in its tile, of what is read with the result."""
    if problem.other is None:
        return 0
    return problem.result_words if problem.sliced else problem.other.pixel


def _sizes_of_read(
    problem: MapsProblem,
    size: TileSize,
    rows: RowsPlan,
    columns: ColumnsPlan,
    under: Sequence[ColumnTile],
    held: int,
) -> dict[str, _Size]:
    """The buffers of what is read, in the order in which they lie in the maps buffers; what is loaded comes first."""
    transfer = problem.machine.transfer_words
    row = round_up(columns.load_width * problem.maps.pixel, transfer)
    sizes = {"maps": _Size((problem.part_rows or rows.loaded) * row, size.maps_slots, row)}
    if (before := problem.before) is not None:
        # It is loaded in place of the maps, and replaced like these.
        loaded = max(tile.load_stop - tile.load_first for rows in rows.tiles for tile in map(before.rows, rows.maps))
        row = round_up(max(tile.load_stop - tile.load_first for tile in under) * before.maps.pixel, transfer)
        sizes = {"unpooled": _Size(loaded * row, size.maps_slots, row), **sizes}
    if problem.other is not None:
        whole = len(columns.tiles) == 1 and not problem.sliced
        row = problem.other.row if whole else round_up(columns.width * _other_pixel(problem), transfer)
        # It goes with the result, row for row and slot for slot.
        sizes["other"] = _Size(held * row, 1 if problem.pool is not None else size.result_slots, row)
    if problem.bias_words:
        # What reads the maps of a slot reads biases of the same bank, so that loads into the other one hold up neither.
        sizes["biases"] = _Size(problem.bias_words, size.maps_slots, problem.bias_words)
    return sizes


def _sizes_of_written(problem: MapsProblem, size: TileSize, columns: ColumnsPlan, held: int) -> dict[str, _Size]:
    """The buffer of results: a fused pool reads rows of the tile before, so they stay where they are."""
    row = round_up(columns.width * problem.result_words, problem.machine.transfer_words)
    return {"result": _Size(held * row, 1 if problem.pool is not None else size.result_slots, row)}


def _sizes_of_pool(
    problem: MapsProblem, size: TileSize, rows: RowsPlan, columns: ColumnsPlan, pooled_rows: int, halo: int
) -> dict[str, _Size]:
    """The buffers of a fused pool: of so many rows at most, of rows that come from another CU, of columns that stay."""
    transfer = problem.machine.transfer_words
    row = round_up(columns.stored_width * problem.pooled_words, transfer)
    sizes = {"pooled": _Size(min(size.rows, pooled_rows) * row, size.result_slots, row)}
    if halo:
        row = round_up(columns.width * problem.result_words, transfer)
        sizes["halo"] = _Size(halo * row, 1, row)
    if columns.kept:
        row = round_up(columns.kept * problem.result_words, transfer)
        computed = [tile for result in rows.tiles for tile in result.maps]
        count = max(tile.stop for tile in computed) - min(tile.first for tile in computed)
        sizes["kept"] = _Size(count * row, 1, row)
    return sizes


def _place(machine: Machine, sizes: list[_Size], rows: int) -> list[Place]:
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


def _shift(machine: Machine, maps: _Size, rows: int, start: int, free: int) -> int:
    """How many of the free words lie before maps in one slot, so that no row lies in two banks: while the rows in one
    are read, those in the other are loaded. Of the places that fit the one that comes nearest to equal parts."""
    shifts = range((machine.mbuf_bank_words - start) % maps.row, free + 1, maps.row)
    if not shifts:
        return 0
    # A row more lies in the second bank with each shift, and one less in the first.
    more_in_first = 2 * (machine.mbuf_bank_words - start - shifts[0]) // maps.row - rows
    return shifts[min(max(more_in_first // 2, 0), len(shifts) - 1)]


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


def pieces(count: int) -> list[int]:
    """Sizes of equal pieces of `count`, largest first."""
    return sorted({-(-count // parts) for parts in range(1, count + 1)}, reverse=True)


def tile_columns(machine: Machine, maps: MapsLayout, width: int) -> list[int]:
    """Widths of tiles worth trying: all columns, then fewer that begin at whole transfers of the maps."""
    grain = machine.transfer_words // gcd(maps.pixel, machine.transfer_words)
    return [width, *sorted({c for size in pieces(width) if (c := round_up(size, grain)) < width}, reverse=True)]
