"""How a layer that works on the words of pixels, a pool or an addition, is cut into tiles.

CUs share out its rows or its channels. Pure arithmetic on layouts, on top of lowering/maps_tiling.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from typing import NamedTuple

from lowering.layouts import word_ranges
from lowering.maps_tiling import MapsProblem, TilePlan, TileSize, TilingError, plan_maps
from snowdialect.dialects.tile import Split, Window
from snowdialect.layout import MapsLayout, Segment, round_up
from snowdialect.machine import Machine

AVERAGED_PIECES = 8
"""A slice of channels is averaged in so many pieces, with loads of the next one between them."""


class ChannelTile(NamedTuple):
    """Words of each pixel that are computed together. They count from the first word of the channels."""

    first: int
    """Where those of the first CU begin."""
    words: int
    share: int
    """Words from the first of a CU to the first of the next; 0: all CUs have the same words, and rows of their own."""
    cus: int
    """Mask of the CUs that work."""
    last: int = 0
    """Words of the last of these CUs, if it has fewer; 0: as many as the others."""

    @property
    def parts(self) -> list[tuple[range, int]]:
        """The words that the same CUs have, and the mask of these: those of all, then what the last one lacks."""
        if not self.last:
            return [(range(self.words), self.cus)]
        return [(range(self.last), self.cus), (range(self.last, self.words), self.cus >> 1)]


class WordsPlan(NamedTuple):
    """The tiles of a layer that works on the words of pixels."""

    tiles: TilePlan
    """Its rows and columns; `sliced` where tiles hold some of the channels, loaded pixel by pixel."""
    channels: tuple[ChannelTile, ...]
    """Computed one after the other, each in all of the rows and columns."""


def words_problem(
    machine: Machine,
    window: Window,
    maps: MapsLayout,
    other: MapsLayout | None,
    result: MapsLayout,
    *,
    average: bool = False,
) -> MapsProblem:
    """A layer that works on the words of pixels as a tiling problem, with all channels in a tile."""
    _, words = word_ranges(maps, machine)
    # Words of a result pixel in a tile: those of the channels, up to whole transfers where it is only a part.
    stored = words if words == result.pixel else round_up(words, machine.transfer_words)
    return MapsProblem(machine, window, maps, other, result, stored, stored == result.pixel, average=average)


def plan_by_rows(problem: MapsProblem, size: TileSize) -> WordsPlan:
    """CUs share out rows; raises TilingError where tiles of this size do not fit."""
    tiles = plan_maps(problem, Split.ROWS, size)
    return WordsPlan(tiles, (ChannelTile(0, computed_words(problem), 0, tiles.cus),))


def plan_by_channels(problem: MapsProblem, channels: Sequence[ChannelTile], size: TileSize) -> WordsPlan:
    """CUs share out channels; raises TilingError where tiles of this size do not fit."""
    maps, machine = problem.maps, problem.machine
    pixel = max(round_up(tile.words, machine.transfer_words) for tile in channels)
    row = round_up(maps.width * pixel, machine.transfer_words)
    sliced = problem._replace(
        maps=MapsLayout(maps.height, maps.width, pixel, row, (Segment(pixel, 0),)),
        result_words=pixel,
        whole_pixels=False,
        sliced=True,
    )
    units = max(tile.cus.bit_length() for tile in channels)
    return WordsPlan(plan_maps(sliced, Split.KERNELS, size, units), tuple(channels))


def computed_words(problem: MapsProblem) -> int:
    """Words of a pixel that are computed."""
    return word_ranges(problem.maps, problem.machine)[1]


def channel_grain(problem: MapsProblem) -> int:
    """Words that a CU has a multiple of: whole lines, in whole transfers.

    Raises TilingError for pixels that are loaded and stored as a whole only.
    """
    machine = problem.machine
    layouts = [layout for layout in (problem.maps, problem.other, problem.result) if layout is not None]
    if any(number % machine.transfer_words for it in layouts for number in (it.pixel, it.segments[0].offset)):
        raise TilingError("channels are shared out of pixels that are whole transfers")
    return lcm(machine.line_words, machine.transfer_words)


def channel_tiles(words: int, grain: int, cus: int, most: int) -> list[ChannelTile]:
    """`words` shared out over CUs in multiples of the grain, evenly, and cut into tiles of `most` words at most, a
    multiple of the grain, too.

    First come the words of which all CUs have as many, then the grains that are left, one for each of some CUs. The
    last grain of all may lack words.
    """
    even, left = divmod(-(-words // grain), cus)
    share, lacking = even * grain, -words % grain
    tiles = [ChannelTile(first, min(most, share - first), share, (1 << cus) - 1) for first in range(0, share, most)]
    if left:
        tiles.append(ChannelTile(cus * share, grain, grain, (1 << left) - 1))
    if lacking:
        last = tiles.pop()
        alone = last.cus == 1
        tiles.append(last._replace(words=last.words - lacking) if alone else last._replace(last=last.words - lacking))
    return tiles


def averaged_pieces(machine: Machine, words: int) -> list[range]:
    """The words of a slice of channels that are averaged in one piece: whole lines."""
    size = round_up(-(-words // AVERAGED_PIECES), machine.line_words)
    return [range(first, min(first + size, words)) for first in range(0, words, size)]
