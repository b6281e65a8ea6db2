"""Which rows of a layer's result a CU computes together, from which rows of its maps. Pure arithmetic on windows."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import NamedTuple

from snowdialect.dialects.tile import Window


class MapsTile(NamedTuple):
    """Input rows that are loaded together, and the rows of the window's output that are computed from them.

    Rows are those of the first CU; every other CU is `share` further down.
    """

    first: int
    stop: int
    """Rows computed: `first` to below `stop`."""
    load_first: int
    load_stop: int
    """Rows loaded; some may lie outside the maps."""
    cus: int


class RowTile(NamedTuple):
    """Rows of a result tile."""

    base: int
    """The row of the window's output that row 0 of the result tile holds."""
    first: int
    stop: int
    """Rows of the layer's result that are stored: pooled ones where the pool is fused."""
    maps: tuple[MapsTile, ...]


class RowsPlan(NamedTuple):
    """The rows of all tiles of a layer, and those of the largest tiles."""

    tiles: tuple[RowTile, ...]
    """In the order in which they are computed."""
    upwards: bool
    """They go from the bottom to the top of each CU's share."""
    loaded: int
    """Rows of a maps tile."""
    held: int
    """Rows of a result tile of the window's output."""
    maps_tiles: int
    """How many there are."""


@cache
def rows_plan(window: Window, pool: Window | None, rows: int, maps_rows: int, share: int, working: int) -> RowsPlan:
    """Tiles of so many rows, of a fused pool if there is one. So many CUs work, each on its share of the rows of the
    window's output; 0: all CUs have all rows."""
    if pool is None:
        return _rows_plan(_row_tiles(window, rows, maps_rows, share, working))
    return _pooled_rows_plan(window, pool, rows, maps_rows, share, working)


def _rows_plan(tiles: tuple[RowTile, ...], *, upwards: bool = False) -> RowsPlan:
    maps = [(maps, tile.base) for tile in tiles for maps in tile.maps]
    loaded = max(tile.load_stop - tile.load_first for tile, _ in maps)
    return RowsPlan(tiles, upwards, loaded, max(tile.stop - base for tile, base in maps), len(maps))


def _row_tiles(window: Window, rows: int, maps_rows: int, share: int, working: int) -> tuple[RowTile, ...]:
    """Tiles of so many rows, from the top to the bottom of each CU's share; 0: all CUs have all rows."""
    tiles: list[RowTile] = []
    limit = share or window.out_h
    # The first tile has no rows above it to load, and so room for the outputs that reach into the padding.
    more = 0 if share or rows >= limit else window.pad_top // window.stride_h
    for first, stop in cut_rows(max(limit - more, 1), rows):
        first, stop = first + (more if tiles else 0), min(stop + more, limit)
        maps = _maps_tiles(window, maps_rows, first, stop, share, (1 << working) - 1)
        tiles.append(RowTile(first, first, stop, maps))
    return tuple(tiles)


def cut_rows(count: int, most: int) -> list[tuple[int, int]]:
    """Where `count` rows are cut into the fewest tiles of at most so many rows: first row and end of each.

    All tiles but the last have that many rows. A last one of less than half of them would be computed in a shorter time
    than what is loaded beside it takes, kernels above all; then all tiles have as many rows, or one more.
    """
    tiles = -(-count // most)
    if 2 * (count - (tiles - 1) * most) >= most:
        return [(first, min(first + most, count)) for first in range(0, count, most)]
    return list(pairwise(count * tile // tiles for tile in range(tiles + 1)))


def _pooled_rows_plan(window: Window, pool: Window, rows: int, maps_rows: int, share: int, working: int) -> RowsPlan:
    """Tiles of so many rows of a fused pool, in the direction that leaves less to the busiest CU.

    Where the windows of two CUs overlap, the rows under both are computed by one of them, at its start, since the
    other one needs them at its end: by the lower one if tiles go from the top to the bottom, else by the upper one.
    """
    down = _rows_plan(_downwards(window, pool, rows, maps_rows, share, working))
    overlap = pool.kernel_h - pool.stride_h
    if not share or not overlap or working < 2:
        return down
    up = _rows_plan(_upwards(window, pool, rows, maps_rows, share, working), upwards=True)
    # Rows move to the tile above, none over others that are still to be moved.
    if any((tile.stop - tile.first) * pool.stride_h < overlap for tile in up.tiles):
        return down
    return min(down, up, key=lambda plan: _most_rows(window, plan.tiles, share * pool.stride_h, working))


def _most_rows(window: Window, tiles: tuple[RowTile, ...], share: int, working: int) -> int:
    """Rows of the window's output that the busiest CU computes."""
    return max(
        sum(
            max(0, min(maps.stop + cu * share, window.out_h) - max(maps.first + cu * share, 0))
            for tile in tiles
            for maps in tile.maps
            if maps.cus >> cu & 1
        )
        for cu in range(working)
    )


def _downwards(
    window: Window, pool: Window, rows: int, maps_rows: int, share: int, working: int
) -> tuple[RowTile, ...]:
    tiles: list[RowTile] = []
    overlap, limit = pool.kernel_h - pool.stride_h, share or pool.out_h
    everyone = (1 << working) - 1
    for first, stop in cut_rows(limit, rows):
        base = first * pool.stride_h - pool.pad_top
        begin = base + (overlap if first else 0)
        end = (stop - 1) * pool.stride_h - pool.pad_top + pool.kernel_h
        if not share:
            begin, end = max(begin, 0), window.out_h if stop == limit else min(end, window.out_h)
        last_rows = end
        below = window.out_h - max(0, working - 1) * share * pool.stride_h
        if stop == limit:
            # Rows that no window reads are computed, too: their saturations count.
            last_rows = max(end, below)
        if share:
            # The rows behind a CU's share are the first ones of the next CU; the last CU has to compute them itself.
            end = min(end, share * pool.stride_h - pool.pad_top)
        maps = _maps_tiles(window, maps_rows, begin, end, share, everyone)
        if last_rows > end:
            # A last tile of few rows may have all but a few of these from the tile before.
            maps += _maps_tiles(window, maps_rows, max(begin, end), min(last_rows, below), share, 1 << working - 1)
        tiles.append(RowTile(base, first, stop, maps))
    return tuple(tiles)


def _upwards(window: Window, pool: Window, rows: int, maps_rows: int, share: int, working: int) -> tuple[RowTile, ...]:
    tiles: list[RowTile] = []
    overlap = pool.kernel_h - pool.stride_h
    below = window.out_h - (working - 1) * share * pool.stride_h
    for first, stop in reversed(cut_rows(share, rows)):
        base, end = (row * pool.stride_h - pool.pad_top for row in (first, stop))
        maps: tuple[MapsTile, ...] = ()
        begin = base
        if first == 0:
            # The first rows of a CU are the last ones of the CU before it; the first CU has to compute them itself.
            begin += overlap
            maps += _maps_tiles(window, maps_rows, 0, begin, share, 1)
        if stop == share:
            end += overlap
        maps += _maps_tiles(window, maps_rows, begin, end, share, (1 << working) - 1)
        if stop == share:
            # Rows that no window reads are computed, too: their saturations count.
            maps += _maps_tiles(window, maps_rows, end, below, share, 1 << working - 1)
        # The rows that move to the tile above are the last ones, so that other rows are computed while they do.
        tiles.append(RowTile(base, first, stop, maps[::-1]))
    return tuple(tiles)


def _maps_tiles(window: Window, maps_rows: int, first: int, stop: int, share: int, cus: int) -> tuple[MapsTile, ...]:
    tiles: list[MapsTile] = []
    for begin in range(first, stop, maps_rows):
        end = min(begin + maps_rows, stop)
        load_first = begin * window.stride_h - window.pad_top
        load_stop = load_first + window.rows_read(end - begin)
        if not share:
            load_first, load_stop = max(load_first, 0), min(load_stop, window.in_h)
            load_stop = max(load_stop, load_first + 1)
        tiles.append(MapsTile(begin, end, load_first, load_stop, cus))
    return tuple(tiles)
