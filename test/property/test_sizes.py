"""Layers as large as those of real networks, which have many tiles: what loops are made of them computes the same.

The networks of test_levels.py are small, so that every level can run them. These run in fixed point and on the
simulator alone; what each pass between them makes is verified. They take seconds each, and rare ones go wrong: the
profiles `long` and `search` look at many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from networks import Concat, Conv, MaxPool, Net
from test_levels import CONTEXT, DEFAULT, small

from lowering import driver
from snowdialect.backend.assemble import assemble
from snowdialect.dialects.target import set_machine
from snowdialect.interpreters import run_module
from snowdialect.machine import Machine
from snowdialect.simulator import simulate

EXAMPLES = settings().max_examples // 2
CHANNELS = (3, 16, 24, 32, 48, 64, 96, 112, 128, 160, 192, 208, 256, 320, 384, 480, 512, 640, 832, 1024)
HEIGHTS = (4, 6, 7, 9, 13, 14, 15, 17, 27, 28, 29, 35, 54, 55, 56)
MOST_WORDS, MOST_WEIGHTS = 400_000, 1_200_000


@st.composite
def convolutions(draw: st.DrawFn, channels: int, sizes: Sequence[int]) -> Conv:
    kernel = draw(st.sampled_from([size for size in (1, 3, 5, 7) if size // 2 < min(sizes)]))
    kernels = draw(st.sampled_from([many for many in CHANNELS[1:] if many * channels * kernel**2 <= MOST_WEIGHTS]))
    stride, pad = draw(st.sampled_from([1, 1, 2])), kernel // 2
    flags = draw(st.booleans()), draw(st.booleans())
    return Conv(kernels, (kernel, kernel), (stride, stride), (pad, pad, pad, pad), residual=flags[0], relu=flags[1])


@st.composite
def layers(draw: st.DrawFn) -> Net:
    """A convolution, alone, in front of or behind a max pool, or of a concatenation."""
    channels, height, width = (
        draw(st.sampled_from(CHANNELS)),
        draw(st.sampled_from(HEIGHTS)),
        draw(st.sampled_from(HEIGHTS)),
    )
    assume(channels * height * width <= MOST_WORDS)
    kind = draw(st.sampled_from(["alone", "before", "behind", "concat"]))
    size, stride = draw(st.sampled_from([(2, 2), (3, 1), (3, 2)]))
    pad = size // 2 if stride == 1 else 0
    pool = MaxPool((size, size), (stride, stride), (pad, pad, pad, pad))
    if kind == "alone":
        return Net((channels, height, width), (draw(convolutions(channels, (height, width))),))
    if kind == "before":
        conv = draw(convolutions(channels, (height, width)))
        assume(min(height, width) > 2 * conv.strides[0] * size)
        return Net((channels, height, width), (conv, pool))
    if kind == "behind":
        conv = draw(convolutions(channels, (height // stride, width // stride)))
        assume(min(height, width) > 2 * stride * size)
        return Net((channels, height, width), (pool, conv))
    parts = tuple(draw(st.lists(st.sampled_from([16, 32, 64, 96]), min_size=2, max_size=3)))
    assume(sum(parts) * channels <= MOST_WEIGHTS and sum(parts) * prod((height, width)) <= MOST_WORDS)
    return Net((channels, height, width), (Concat(parts), draw(convolutions(sum(parts), (height, width)))))


# Kernels of the last CU end before those of the others do, in one of two result tiles that take turns.
@example(Net((320, 29, 29), (Conv(480, strides=(2, 2), relu=True),)))
@settings(max_examples=EXAMPLES)
@given(layers())
def test_the_simulator_computes_what_fixed_point_does(net: Net) -> None:
    compare(net, DEFAULT)


def test_tiles_of_groups_that_begin_within_a_transfer() -> None:
    """The second group has channels 240 to 480: tiles of 32 of them would begin in the middle of transfers of 32."""
    compare(Net((96, 11, 11), (Conv(480, (5, 5), pads=(2, 2, 2, 2), groups=2),)), small(1, 2, 16384, 32768))


def test_channels_of_groups_that_are_no_whole_lines() -> None:
    """Each CU would have 12 channels, which none of them can bring beside those of another one."""
    compare(Net((64, 5, 5), (Conv(24, (3, 3), pads=(1, 1, 1, 1), groups=4),)), small(2, 1, 16384, 16384))
    compare(Net((128, 5, 5), (Conv(48, (3, 3), pads=(1, 1, 1, 1), groups=8),)), DEFAULT)


def test_a_store_waits_for_the_last_pass_over_its_pixels() -> None:
    """Kernel steps of 16 channels come outside of the pixels: of rows that are one step, all are done at about once."""
    net = Net((64, 14, 2), (Conv(64, (3, 3), pads=(1, 1, 1, 1), groups=64, relu=True),))
    compare(net, replace(small(1, 4, 65536, 32768), load_units=1))


def compare(net: Net, machine: Machine) -> None:
    """The simulator, which stops where words are read before they are there, and fixed point: the same bits."""
    module, weights = net.build()
    set_machine(module, machine)
    batch = net.inputs()[:1]
    driver.lower(CONTEXT, module, "cnn")
    expected = run_module(module, batch, weights).outputs
    driver.lower(CONTEXT, module, "snowflake")
    outputs = simulate(assemble(module, weights, "net"), batch).outputs
    assert outputs.keys() == expected.keys()
    for name, words in expected.items():
        np.testing.assert_array_equal(outputs[name], words)
