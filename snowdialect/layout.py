"""Where words lie: maps in memory, kernel blocks in a weights buffer. Pure NumPy; docs/layout.md draws it."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK_ALIGNMENT = 64
"""Words to which kernel blocks are aligned (the published layout)."""


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple of `multiple` that is not below `value`."""
    return -(-value // multiple) * multiple


def round_down(value: int, multiple: int) -> int:
    """The largest multiple of `multiple` that is not above `value`."""
    return value // multiple * multiple


@lru_cache(1 << 14)
def taps_inside(origin: int, dilation: int, taps: int, size: int) -> range:
    """The taps of a window that fall inside `size` rows or columns, tap t at `origin + t * dilation`."""
    first = max(0, -(origin // dilation))
    last = min(taps, (size - 1 - origin) // dilation + 1)
    return range(first, max(first, last))


class Segment(NamedTuple):
    """So many consecutive channels, from word `offset` of a pixel on."""

    channels: int
    offset: int


class UnrolledRows(NamedTuple):
    """Rows of a tensor as a convolution sees them: row y of the maps holds, for every column, the channels of all rows
    under the kernel for row y of the result, tap by tap. Tap t is row y * stride - pad + t * dilation of the tensor;
    where that is outside, its words mean nothing."""

    kernel: int
    stride: int
    dilation: int
    pad: int
    height: int
    """Rows of the tensor."""

    def kernel_rows(self, y: int) -> range:
        """The taps that fall inside the tensor for row y of the maps."""
        return taps_inside(self.row_of(y, 0), self.dilation, self.kernel, self.height)

    def row_of(self, y: int, tap: int) -> int:
        """The row of the tensor that a tap of row y of the maps holds."""
        return y * self.stride - self.pad + tap * self.dilation


class MapsLayout(NamedTuple):
    """Maps in memory, depth-minor: pixel (y, x) starts at word y * row + x * pixel, its channels lie in segments."""

    height: int
    """Rows as they are stored."""
    width: int
    pixel: int
    """Words from a pixel to its right neighbour."""
    row: int
    """Words from a pixel to its lower neighbour."""
    segments: tuple[Segment, ...]
    unrolled: UnrolledRows | None = None
    """What the rows hold where the host has unrolled them; None: a row of the tensor each."""

    @property
    def channels(self) -> int:
        """Channels that carry values, without the words between segments."""
        return sum(segment.channels for segment in self.segments)

    @property
    def taps(self) -> int:
        """Pixels of the tensor that a pixel holds, one behind the other."""
        return 1 if self.unrolled is None else self.unrolled.kernel

    @property
    def words(self) -> int:
        """Words of memory that the maps occupy."""
        return self.height * self.row


class Abreast(NamedTuple):
    """Pixels of a result side by side whose kernels share the lanes of kernel steps: those of the first pixel, behind
    them those of the next, and so on. A step sees all columns under the windows of its pixels."""

    pixels: int
    words: int
    """Lanes of a pixel: words of it that are computed, in whole lines."""
    lanes: int
    """Lanes of a step: those of all vMACs."""
    advance: int
    """Columns of the maps from a pixel to the next."""
    kernel_w: int

    @property
    def steps(self) -> int:
        """Kernel steps of all the pixels."""
        return -(-self.pixels * self.words // self.lanes)

    def pixels_of(self, step: int) -> range:
        """The pixels of which a step has kernels."""
        return range(step * self.lanes // self.words, min(self.pixels, -(-(step + 1) * self.lanes // self.words)))

    def columns_of(self, step: int) -> range:
        """The columns that a step sees, counted from the first one under the first of all pixels."""
        pixels = self.pixels_of(step)
        return range(pixels.start * self.advance, (pixels.stop - 1) * self.advance + self.kernel_w)

    @property
    def columns(self) -> int:
        """The most columns that a step sees."""
        if self.pixels == 1:
            return self.kernel_w
        return max(len(self.columns_of(step)) for step in range(self.steps))


class Packing(NamedTuple):
    """How the kernels of a layer are laid out in memory, so that each load fills one weights buffer with a block run.

    Output channel `cu * share + (step * vmacs + vmac) * lanes + lane` belongs to that lane of that vMAC of that CU in
    that kernel step; the channels of the CU's next window begin with a step of their own. Memory holds, from the
    slowest to the fastest index: kernel tile, part, CU, vMAC, step of the tile, block. A block is one line of bias and
    then the kernel's words by kernel row, kernel column and word of the pixel, `lanes` weights each; where rows are
    unrolled, by kernel column, kernel row and word. Biases that lie apart come behind all kernels, CU by CU, in the
    order of the channels.

    Where pixels of the result are computed `abreast`, lanes go on with the channels of the next pixel. Its kernels lie
    `advance` columns further to the right than those of the first pixel of the step, between zeros.
    """

    mode: str
    """coop: one kernel a block; indp: `line` kernels side by side."""
    groups: int
    """Groups of the convolution."""
    windows: int
    """Pieces of a pixel of which a kernel sees one: groups, merged until pieces are whole lines."""
    depth: int
    """Words of a pixel that a kernel sees."""
    kernel_h: int
    kernel_w: int
    channels: int
    """Output channels."""
    cus: int
    """CUs that have kernels of their own, with several windows those of as many of them each; 1: all have the same."""
    share: int
    """Output channels of one of these CUs, up to a whole step of the only window."""
    vmacs: int
    line: int
    steps: int
    """Kernel steps of a tile."""
    tiles: int
    """Kernel tiles, of all windows that a CU has."""
    parts: int
    """Pieces of a kernel that are loaded one after the other; with more than one, a tile has one step."""
    abreast: int
    """Pixels of the result side by side, of all channels each, that the steps of the only tile compute together."""
    advance: int
    """Columns of the maps from one of these pixels to the next."""
    segments: tuple[Segment, ...]
    """Where the input channels lie in a pixel."""
    unrolled: bool = False
    """A pixel of the maps holds all rows under the kernel."""
    apart: bool = False
    """Biases do not lie in front of their kernels, since they go to the maps buffers."""

    @property
    def lanes(self) -> int:
        """Kernels of a block."""
        return 1 if self.mode == "coop" else self.line

    @property
    def kernels_of_cu(self) -> int:
        """Kernels of a window that a CU has at most, in whole lines as they are computed."""
        of_window = self.share if self.share and self.windows == 1 else -(-self.channels // self.windows)
        return round_up(of_window, self.line)

    @property
    def shared(self) -> Abreast:
        """How pixels abreast share the lanes."""
        return Abreast(self.abreast, self.kernels_of_cu, self.vmacs * self.lanes, self.advance, self.kernel_w)

    @property
    def columns(self) -> int:
        """Kernel columns of a block: those of all pixels of a step."""
        return self.shared.columns

    @property
    def kernel_words(self) -> int:
        """Words of maps that one output reads when nothing is cut off; those of pixels abreast."""
        return self.kernel_h * self.columns * self.depth

    @property
    def part_words(self) -> int:
        """Words of maps that a part covers, the last one at most."""
        return self.kernel_words if self.parts == 1 else round_up(-(-self.kernel_words // self.parts), self.line)

    @property
    def head(self) -> int:
        """Words of a block before those of the kernel."""
        return 0 if self.apart else self.line

    @property
    def block(self) -> int:
        """Words of a kernel block in the buffer."""
        return round_up(self.head + self.part_words * self.lanes, BLOCK_ALIGNMENT)

    @property
    def tile_words(self) -> int:
        """Words of a kernel tile in memory, all parts of it."""
        return self.parts * self.cus * self.vmacs * self.steps * self.block

    @property
    def bias_words(self) -> int:
        """Words of the biases that a CU has in its maps buffer, where they lie apart."""
        return round_up(self.share or self.channels, BLOCK_ALIGNMENT) if self.apart else 0

    @property
    def words(self) -> int:
        """Words of the whole layer in memory."""
        return self.tiles * self.tile_words + self.cus * self.bias_words

    def bias_offset(self, cu: int) -> int:
        """First word of the biases of a CU that has kernels of its own, or with `cu` 0 of all."""
        return self.tiles * self.tile_words + cu * self.bias_words

    def load_offset(self, part: int, cu: int, vmac: int) -> int:
        """First word of a run of blocks within its kernel tile; tiles are `tile_words` apart."""
        return ((part * self.cus + cu) * self.vmacs + vmac) * self.steps * self.block


def rows_in_part(part: int, part_words: int, row_words: int) -> range:
    """The kernel rows, each of so many words, of which a part of a kernel has words; the last part may have fewer."""
    first = part * part_words
    return range(first // row_words, -(-(first + part_words) // row_words))


def pack_weights(weights: NDArray[np.int16], bias: NDArray[np.int16] | None, packing: Packing) -> NDArray[np.int16]:
    """The memory image of a layer's kernels.

    `weights` is O x I/groups x kH x kW, `bias` O words or None for zeros; the result has `packing.words` words. Words
    between channel segments and kernels that fill up a step are zero.
    """
    p = packing
    kernels, inputs = weights.shape[:2]
    # Kernels in the order of the pixel's words: rows, columns, words; one row of the matrix a kernel.
    words = np.full(p.windows * p.depth, -1)
    channel = 0
    for count, offset in p.segments:
        words[offset : offset + count] = np.arange(channel, channel + count)
        channel += count
    blocks = np.zeros((kernels, p.kernel_h, p.columns, p.depth), np.int16)
    for window in range(p.windows):
        mine = slice(window * kernels // p.windows, (window + 1) * kernels // p.windows)
        source = words[window * p.depth : (window + 1) * p.depth]
        for kernel in range(mine.start, mine.stop):
            first = kernel * p.groups // kernels * inputs
            inside = (source >= first) & (source < first + inputs)
            taps = weights[kernel, source[inside] - first]
            blocks[kernel][:, : p.kernel_w, inside] = taps.transpose(1, 2, 0)

    head = p.head // p.lanes
    order, moves = _kernels_in_lanes(p, kernels)
    filled = order >= 0
    slots = np.zeros((*order.shape, p.parts, head + p.part_words), np.int16)
    for move in set(moves[filled].tolist()):
        moved = np.roll(blocks, move, axis=2) if move else blocks
        flat = (moved.transpose(0, 2, 1, 3) if p.unrolled else moved).reshape(kernels, p.kernel_words)
        mine = filled & (moves == move)
        for part in range(p.parts):
            piece = flat[:, part * p.part_words : (part + 1) * p.part_words]
            slots[mine, part, head : head + piece.shape[1]] = piece[order[mine]]
    apart = np.zeros((p.cus, p.bias_words), np.int16)
    if bias is not None and p.apart:
        for cu in range(p.cus):
            mine = bias[cu * p.share :][: p.share or kernels]
            apart[cu, : len(mine)] = mine
    elif bias is not None:
        slots[filled, 0, 0] = bias[order[filled]]
    # cu, tile, step, vmac, lane, part, word -> tile, part, cu, vmac, step, word, lane
    shaped = slots.reshape(p.cus, p.tiles, p.steps, p.vmacs, p.lanes, p.parts, -1)
    ordered = shaped.transpose(1, 5, 0, 3, 2, 6, 4)
    image = np.zeros((*ordered.shape[:5], p.block), np.int16)
    content = ordered.reshape(*ordered.shape[:5], -1)
    image[..., : content.shape[-1]] = content
    return np.concatenate((image.reshape(-1), apart.reshape(-1)))


def _kernels_in_lanes(packing: Packing, kernels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each CU with kernels of its own the kernel of each lane, step by step; -1 where there is none: behind the
    last one, and behind those of a window that are no whole step. And how many columns further to the right than the
    first one of its step it lies: those of pixels abreast."""
    p = packing
    share = p.share if p.cus > 1 and p.windows == 1 else kernels // p.windows
    # CUs share out either the kernels of the only window, or windows.
    pieces = max(p.cus, p.windows)
    order = np.full((pieces, p.tiles * p.steps * p.vmacs * p.lanes // (pieces // p.cus)), -1)
    for piece, lanes in enumerate(order):
        mine = np.arange(piece * share, min((piece + 1) * share, kernels))
        for pixel in range(p.abreast):
            lanes[pixel * p.kernels_of_cu :][: len(mine)] = mine
    moves = np.zeros(order.size // p.cus, np.int64)
    if p.abreast > 1:
        lane = np.arange(len(moves))
        first = np.array([p.shared.pixels_of(step).start for step in range(p.shared.steps)])
        moves = (lane // p.kernels_of_cu - first[lane // p.shared.lanes]) * p.advance
    return order.reshape(p.cus, -1), np.tile(moves, (p.cus, 1))


def average_steps(vmacs: int, line: int) -> int:
    """Steps in which the vMACs of a CU share out the channels of a line."""
    return -(-line // vmacs)


def average_block(values: int, vmacs: int, line: int, transfer: int) -> int:
    """Words of a weights buffer for an average pool with so many different weights, in whole transfers."""
    return round_up(line * (1 + values * average_steps(vmacs, line)), transfer)


def pack_average(values: tuple[int, ...], vmacs: int, line: int, transfer: int) -> NDArray[np.int16]:
    """The memory image of an average pool's weights: for each vMAC a line of zeros, the start of every output, and for
    each value and step a line with the value in the lane of the channel that the vMAC has in this step."""
    steps = average_steps(vmacs, line)
    image = np.zeros((vmacs, average_block(len(values), vmacs, line, transfer)), np.int16)
    for vmac in range(vmacs):
        for position, value in enumerate(values):
            for step in range(steps):
                lane = step * vmacs + vmac
                if lane < line:
                    image[vmac, line * (1 + position * steps + step) + lane] = value
    return image.reshape(-1)
