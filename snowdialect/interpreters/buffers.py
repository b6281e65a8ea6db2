"""What the interpreters of tile, loop and snowflake share: the on-chip buffers and regions of memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snowdialect.dialects.tile.types import MapsType
from snowdialect.errors import SnowError
from snowdialect.layout import round_up
from snowdialect.machine import Machine

Words = NDArray[np.int16]


@dataclass
class Buffers:
    """Contents of the buffers: MBufs hold activations and have a batch axis, WBufs hold constants and have none."""

    mbuf: Words
    """(N, CU, words)."""
    wbuf: Words
    """(CU, vMAC, words)."""

    @staticmethod
    def of(machine: Machine, batch: int) -> "Buffers":
        return Buffers(
            np.zeros((batch, machine.compute_units, machine.mbuf_words), np.int16),
            np.zeros((machine.compute_units, machine.vmacs, machine.wbuf_words), np.int16),
        )


@dataclass(frozen=True)
class Region:
    """A region of memory: its first word and, for maps, their layout."""

    base: int
    maps: MapsType | None
    last_layer: str | None = None
    """The last layer that needs it; None when its memory stays its own."""


def pixels(memory: Words, base: int, height: int, width: int, pixel: int, row: int, words: int | None = None) -> Words:
    """A view (N, height, width, words) of memory (N, words): pixels `pixel` words apart, rows `row` words apart.

    `words` of each pixel are there, all if not given: the last one may end with the memory, even where the next would
    begin behind it.
    """
    words = pixel if words is None else words
    reach = (height - 1) * row + (width - 1) * pixel + words
    flat = memory[:, base : base + reach]
    if height and width and flat.shape[1] != reach:
        raise SnowError(f"pixels at word {base} leave a memory of {memory.shape[1]} words")
    batch_stride, word = memory.strides
    return np.lib.stride_tricks.as_strided(
        flat, (memory.shape[0], height, width, words), (batch_stride, row * word, pixel * word, word)
    )


def region_pixels(dram: Words, region: Region) -> Words:
    """A view (N, height, width, pixel) of a region of maps in memory (N, words)."""
    maps = region.maps
    assert maps is not None
    return pixels(dram, region.base, maps.height.data, maps.width.data, maps.pixel.data, maps.row.data)


def read_maps(dram: Words, region: Region) -> Words:
    """The maps of a region in logical order, (N, C, H, W)."""
    maps = region.maps
    assert maps is not None
    view = region_pixels(dram, region)
    parts = [view[..., offset : offset + count] for count, offset in maps.segments]
    return np.concatenate(parts, axis=-1).transpose(0, 3, 1, 2)


def write_maps(dram: Words, region: Region, tensor: Words, line: int) -> None:
    """Puts maps in logical order, (N, C, H, W) or any shape with as many elements, into a region.

    What is behind a segment becomes zero up to whole lines of `line` words, as far as pixels go. Words of unrolled rows
    that are outside the tensor stay.
    """
    maps = region.maps
    assert maps is not None
    view = region_pixels(dram, region)
    if (rows := maps.layout.unrolled) is not None:
        ordered = tensor.reshape(-1, maps.channels, rows.height, maps.width.data).transpose(0, 2, 3, 1)
        for y in range(maps.height.data):
            for tap in rows.kernel_rows(y):
                view[:, y, :, tap * maps.channels : (tap + 1) * maps.channels] = ordered[:, rows.row_of(y, tap)]
        return
    for count, offset in maps.segments:
        view[..., offset + count : round_up(offset + count, line)] = 0
    ordered = tensor.reshape(-1, maps.channels, maps.height.data, maps.width.data).transpose(0, 2, 3, 1)
    channel = 0
    for count, offset in maps.segments:
        view[..., offset : offset + count] = ordered[..., channel : channel + count]
        channel += count
