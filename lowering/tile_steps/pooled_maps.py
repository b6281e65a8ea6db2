"""The maps tiles that a max pool before a convolution makes: one is loaded, one pooled, one computed with."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from lowering.maps_tiling import ColumnTile, PoolBefore
from lowering.row_tiles import MapsTile
from lowering.tile_steps.layer import LayerBuffers, Origin
from lowering.tile_steps.pool import PoolTile
from lowering.tile_steps.steps import Role
from snowdialect.dialects import tile


class PooledMaps:
    """Brings maps tiles, one after the other, to their buffer.

    A tile is pooled into the bank that it was not loaded into. So with two slots, while one is computed with, the next
    one is pooled from the same bank into the other, into which the one behind that is loaded: dispatch holds what reads
    a bank into which a load is in flight. Columns under the windows of two tiles move from the one to the other.
    """

    def __init__(self, layer: LayerBuffers, before: PoolBefore, tiles: Iterable[tuple[MapsTile, ColumnTile]]) -> None:
        """`tiles` are all that are computed with, in order; they may come again."""
        self.layer, self.before, self.plan = layer, before, layer.tiles
        self.tiles = [tile for tile, _ in groupby(tiles)]
        self.slots = layer.tiles.maps.slots
        self.number = 0
        """Of the tile that is computed with."""
        self.loads = self.pools = 0
        """How many tiles have been loaded, and pooled."""

    @property
    def used_slots(self) -> list[int]:
        """The slots into which tiles are pooled, of which some are not used where there are few."""
        return sorted(self._pooled_slot(number) for number in range(min(self.slots, len(self.tiles))))

    def slot_of(self, maps: MapsTile, columns: ColumnTile) -> int:
        """The slot of the tile that is computed with next; sees to it that it is there, and the next one is pooled."""
        if self.tiles[self.number] != (maps, columns):
            self.number += 1
        self._load_up_to(self.slots)
        while self.pools < min(self.number + self.slots, len(self.tiles)):
            self._load_up_to(self.pools + 1)
            self._pool(self.pools)
            self.pools += 1
        return self._pooled_slot(self.number)

    def load_behind(self) -> None:
        """Loads the tile that is pooled next: behind the kernels for the one that is computed with, wanted sooner."""
        self._load_up_to(self.number + self.slots + 1)

    def _pooled_slot(self, number: int) -> int:
        return (number + 1) % self.slots

    def _still_there(self, number: int) -> bool:
        """Whether a tile has stayed since it was computed with before."""
        return number >= self.slots and self.tiles[number - self.slots] == self.tiles[number]

    def _load_up_to(self, count: int) -> None:
        for number in range(self.loads, min(count, len(self.tiles))):
            maps, columns = self.tiles[number]
            under = self._under(columns)
            if not self._still_there(number):
                self.layer.load_tile(self.before.rows(maps), under, number % self.slots, kept=under.kept)
            # The first ones are for the layer before, which moves nothing for this one.
            if number >= self.slots:
                self._bring_columns(number)
            self.loads += 1

    def _under(self, columns: ColumnTile) -> ColumnTile:
        return self.plan.unpooled_columns[self.plan.columns.index(columns)]

    def _bring_columns(self, number: int) -> None:
        """Moves the columns that the tile to the left has in common with a loaded one: row by row, since more would
        fill the queue of moves."""
        maps, columns = self.tiles[number]
        layer, kept, rows = self.layer, self._under(columns).kept, self.before.rows(maps)
        if not kept or self._still_there(number):
            return
        left = self._under(self.plan.columns[self.plan.columns.index(columns) - 1])
        first, height = left.load_stop - left.load_first - kept, rows.load_stop - rows.load_first
        for row in range(height):
            source = Origin(layer.loaded, (number - 1) % self.slots, row, first)
            target = Origin(layer.loaded, number % self.slots, row)
            layer.move(source, target, (1, kept, self.plan.unpooled_pixel), maps.cus, 0)

    def _pool(self, number: int) -> None:
        """Makes a maps tile of one that is loaded."""
        maps, columns = self.tiles[number]
        layer, window, under = self.layer, self.before.window, self._under(columns)
        if number < self.slots:
            self._bring_columns(number)
        if self._still_there(number):
            return
        left, right = under.first - columns.load_first, under.stop - columns.load_first
        # The lead is that of the first column of the maps tile, which may be in the padding.
        pixels = tile.Pixels(self.plan.unpooled_pixel, 0, 0, 0, under.lead - left * window.stride_w, 0)
        layer.steps.append(
            PoolTile(
                layer.machine,
                window,
                (layer.loaded.role, number % self.slots),
                (layer.maps.role, self._pooled_slot(number)),
                (maps.load_first, columns.load_first),
                self._span(maps, left, right),
                pixels,
            )
        )

    def _span(self, maps: MapsTile, left: int, right: int) -> tile.Span:
        """The rows of a maps tile that are inside, in some columns."""
        share = self.plan.window_share * self.layer.window.stride_h
        span = tile.Span(0, maps.load_stop - maps.load_first, left, right, share, maps.cus)
        height, cus = self.before.window.out_h, range(self.layer.machine.compute_units)
        inside = [local for cu in cus for local in span.rows_inside(maps.load_first, cu, height)]
        return span._replace(top=min(inside), bottom=max(inside) + 1)


class PooledColumns(PooledMaps):
    """Likewise, column by column, in two passes: of each column that is loaded the maxima of all rows under a window,
    and of these, of as many columns as are under a window, the maxima that are a column of the maps tile.

    So nothing is compared, loaded or moved again for the next column. What is loaded next comes before the comparisons:
    memory takes longer than these.
    """

    def load_behind(self) -> None:
        """All is loaded before."""

    def _load_up_to(self, count: int) -> None:
        """As many as there is room for: one that has gone through the first pass is needed no more."""
        super()._load_up_to(self.pools + self.slots)

    def _pass(self, number: int) -> None:
        """Makes the maxima of the columns that a tile has for the first time."""
        maps, columns = self.tiles[number]
        window, under = self.before.window, self._under(columns)
        if new := under.load_stop - under.load_first:
            place = self.before.maxima_place(under.load_first)
            pixels = tile.Pixels(self.plan.unpooled_pixel, 0, 0, 0, -place, 0)
            loaded, origin = (self.layer.loaded.role, number % self.slots), under.load_first - place
            self._compare(window.passes[0], loaded, (Role.MAXIMA, 0), origin, maps, (place, place + new), pixels)

    def _pool(self, number: int) -> None:
        self._pass(number)
        maps, columns = self.tiles[number]
        window, x = self.before.window, columns.first
        taps = window.kernel_columns(x)
        first = x - window.pad_left + taps.start
        # Where all places are under the window, they are from the first one on.
        place = 0 if len(taps) == window.kernel_w else self.before.maxima_place(first)
        pixels = tile.Pixels(self.plan.unpooled_pixel, 0, 0, 0, place - taps.start, 0)
        pooled = self.layer.maps.role, self._pooled_slot(number)
        self._compare(window.passes[1], (Role.MAXIMA, 0), pooled, x, maps, (0, 1), pixels)

    def _compare(
        self,
        window: tile.Window,
        source: tuple[Role, int],
        target: tuple[Role, int],
        column: int,
        maps: MapsTile,
        columns: tuple[int, int],
        pixels: tile.Pixels,
    ) -> None:
        """A pass over some columns of a tile whose first one is that of the maps."""
        place, machine = (maps.load_first, column), self.layer.machine
        self.layer.steps.append(PoolTile(machine, window, source, target, place, self._span(maps, *columns), pixels))
