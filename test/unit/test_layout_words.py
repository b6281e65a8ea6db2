"""Where words lie, word by word: docs/layout.md as loops, against the packing in NumPy."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snowdialect.layout import BLOCK_ALIGNMENT, Packing, Segment, average_block, pack_average, pack_weights, round_up

LINE = 16


@st.composite
def packings(draw: st.DrawFn) -> Packing:
    """Packings as the compiler makes them: COOP reads whole lines, groups fill windows, windows fill steps, or all
    lanes of some vMACs."""
    mode = draw(st.sampled_from(["coop", "indp"]))
    vmacs = draw(st.sampled_from([1, 2, 4]))
    lanes = 1 if mode == "coop" else LINE
    windows = draw(st.sampled_from([1, 2, 4]))
    groups = windows * draw(st.sampled_from([1, 2]))
    kernel_h, kernel_w = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    steps = draw(st.integers(1, 3))
    if windows == 1 and groups == 1 and draw(st.booleans()):
        # A concatenation: gaps between the parts.
        counts = draw(st.lists(st.integers(1, 20), min_size=1, max_size=3))
        segments = tuple(Segment(count, 32 * position) for position, count in enumerate(counts))
        depth = 32 * len(segments)
    else:
        inputs = groups * draw(st.integers(1, 9)) if windows == 1 else 32 * windows
        depth = round_up(inputs, LINE if mode == "coop" or draw(st.booleans()) else 1) // windows
        segments = (Segment(inputs, 0),)
    cus = draw(st.sampled_from([1, 2, 4]))
    if windows > 1:
        # CUs share out windows, or have all of them.
        cus = min(cus, windows)
        tiles = windows // cus * draw(st.integers(1, 2))
        channels = cus * tiles * steps * vmacs * lanes
        channels -= windows * lanes * draw(st.integers(0, (vmacs - 1) * (lanes > 1)))
        groups = groups if channels % groups == 0 else windows
        share = channels // cus if cus > 1 else 0
    else:
        tiles = draw(st.integers(1, 2))
        room = tiles * steps * vmacs * lanes
        share = room if cus > 1 else 0
        groups = groups if groups <= room * cus else 1
        channels = groups * draw(st.integers(1, room * cus // groups))
    parts = draw(st.integers(1, 3)) if steps == 1 else 1
    abreast, advance = 1, 0
    if mode == "indp" and (groups, windows, cus, tiles, parts) == (1, 1, 1, 1, 1):
        abreast = draw(st.integers(1, steps * vmacs * LINE // round_up(channels, LINE)))
        steps = -(-abreast * round_up(channels, LINE) // (vmacs * LINE))
        advance = draw(st.integers(1, 3)) if abreast > 1 else 0
    numbers = (groups, windows, depth, kernel_h, kernel_w, channels, cus, share, vmacs, LINE, steps, tiles, parts)
    numbers += abreast, advance
    unrolled = windows == 1 and groups == 1 and segments == (Segment(depth, 0),) and draw(st.booleans())
    return Packing(mode, *numbers, segments, unrolled, draw(st.booleans()))


def word_of_pixel(packing: Packing, channel: int) -> int:
    """Where an input channel lies in a pixel."""
    for count, offset in packing.segments:
        if channel < count:
            return offset + channel
        channel -= count
    raise AssertionError


def packed_by_loops(weights: NDArray[np.int16], bias: NDArray[np.int16] | None, p: Packing) -> NDArray[np.int16]:
    """Puts every weight where the page says that it lies."""
    image = np.zeros(p.words, np.int16)
    lanes = 1 if p.mode == "coop" else p.line
    room = p.tiles * p.steps * p.vmacs * lanes
    per_cu = room if p.cus == 1 else p.share
    # Pixels abreast: lanes go on with the next pixel, whose kernels lie further to the right in the blocks of a step.
    pitch, step_lanes = round_up(p.channels, LINE), p.vmacs * lanes
    first_of = {step: step * step_lanes // pitch if p.abreast > 1 else 0 for step in range(p.tiles * p.steps)}
    last_of = {step: (min((step + 1) * step_lanes, p.abreast * pitch) - 1) // pitch for step in first_of}
    spread = max(last_of[step] - first for step, first in first_of.items()) if p.abreast > 1 else 0
    columns = p.kernel_w + spread * p.advance
    for abreast, kernel in product(range(p.abreast), range(p.channels)):
        if p.windows > 1:
            window, rest = divmod(kernel, p.channels // p.windows)
            cu, window = divmod(window, p.windows // p.cus)
            rest += window * (room // (p.windows // p.cus))
        else:
            cu, rest = divmod(abreast * pitch + kernel, per_cu)
        step, rest = divmod(rest, step_lanes)
        right = (abreast - first_of[step]) * p.advance
        vmac, lane = divmod(rest, lanes)
        tile, step = divmod(step, p.steps)

        def place(part: int, word: int, tile: int = tile, cu: int = cu, vmac: int = vmac, step: int = step) -> int:
            run = ((tile * p.parts + part) * p.cus + cu) * p.vmacs + vmac
            return (run * p.steps + step) * p.block + word

        if bias is not None and p.apart:
            image[p.words - (p.cus - cu) * p.bias_words + kernel % per_cu] = bias[kernel]
        elif bias is not None:
            image[place(0, lane)] = bias[kernel]
        inputs = weights.shape[1]
        first_channel = kernel // (p.channels // p.groups) * inputs
        for i in range(inputs):
            word = word_of_pixel(p, first_channel + i) % p.depth
            for ky in range(p.kernel_h):
                for kx in range(p.kernel_w):
                    column = right + kx
                    pixel = column * p.kernel_h + ky if p.unrolled else ky * columns + column
                    part, position = divmod(pixel * p.depth + word, p.part_words)
                    image[place(part, p.head + position * lanes + lane)] = weights[kernel, i, ky, kx]
    return image


@settings(deadline=None, max_examples=60)
@given(packings(), st.booleans())
def test_every_weight_lies_where_the_page_says(packing: Packing, with_bias: bool) -> None:
    inputs = sum(segment.channels for segment in packing.segments) // packing.groups
    shape = (packing.channels, inputs, packing.kernel_h, packing.kernel_w)
    rng = np.random.default_rng(0)
    weights = rng.integers(-(2**15), 2**15, shape).astype(np.int16)
    bias = rng.integers(-(2**15), 2**15, packing.channels).astype(np.int16) if with_bias else None
    expected = packed_by_loops(weights, bias, packing)
    np.testing.assert_array_equal(pack_weights(weights, bias, packing), expected)


@given(packings())
def test_blocks_are_aligned_and_hold_their_part(packing: Packing) -> None:
    assert packing.block % BLOCK_ALIGNMENT == 0
    assert packing.head + packing.part_words * packing.lanes <= packing.block
    assert packing.bias_words % BLOCK_ALIGNMENT == 0
    assert packing.part_words * packing.parts >= packing.kernel_words
    assert packing.parts == 1 or packing.part_words % packing.line == 0


def test_the_drawing_of_kernels_in_tiles() -> None:
    packing = Packing("coop", 1, 1, 16, 3, 3, 8, 1, 0, 2, LINE, 2, 2, 1, 1, 0, (Segment(16, 0),))
    weights = np.repeat(np.arange(1, 9, dtype=np.int16), 144).reshape(8, 16, 3, 3)
    blocks = pack_weights(weights, None, packing).reshape(-1, packing.block)
    assert list(blocks[:, LINE] - 1) == [0, 2, 1, 3, 4, 6, 5, 7]


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1, max_size=4), st.integers(1, 4))
def test_every_weight_of_an_average_lies_in_the_lane_of_its_channel(values: list[int], vmacs: int) -> None:
    steps = -(-LINE // vmacs)
    block = average_block(len(values), vmacs, LINE, 32)
    expected = np.zeros((vmacs, block), np.int16)
    for channel in range(LINE):
        step, vmac = divmod(channel, vmacs)
        for position, value in enumerate(values):
            expected[vmac, LINE * (1 + position * steps + step) + channel] = value
    assert block % 32 == 0
    np.testing.assert_array_equal(pack_average(tuple(values), vmacs, LINE, 32), expected.reshape(-1))
