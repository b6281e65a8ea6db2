"""Averages that come behind convolutions: about the same numbers in float, the same words at every level."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from networks import AvgPool, Conv, Net, Relu
from test_levels import CONTEXT, DEFAULT, levels_agree
from xdsl.parser import Parser

from lowering.check import far_apart
from lowering.cnn.move_averages import MoveAveragesPass
from lowering.cnn.name_layers import is_layer
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name
from snowdialect.interpreters import run_module

EXAMPLES = settings().max_examples // 4


@st.composite
def averages(draw: st.DrawFn) -> Net:
    """An average of as many pixels as there are, and a 1x1 convolution of fewer channels."""
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    up, left = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    pool = AvgPool((1 + 2 * up, 1 + 2 * left), (1, 1), (up, left, up, left), count_include_pad=True, frac=None)
    channels = draw(st.integers(1, 20))
    conv = Conv(channels, bias=draw(st.booleans()))
    relu = [Relu()] if draw(st.booleans()) else []
    # Large weights saturate.
    scale = draw(st.sampled_from([0.5, 30.0]))
    return Net((draw(st.integers(2 * channels, 48)), height, width), (pool, conv, *relu), scale)


@settings(max_examples=EXAMPLES)
@given(averages())
def test_moved_averages(net: Net) -> None:
    module, weights = net.build()
    batch = net.inputs()
    before = run_module(module, batch, weights)
    MoveAveragesPass().apply(CONTEXT, module)
    pool = next(op for op in module.walk() if isinstance(op, cnn.AvgPoolOp))
    assert isinstance(pool.x.owner, cnn.Conv2dOp)
    assert far_apart(before, run_module(module, batch, weights)) is None
    levels_agree(net, DEFAULT)


TEXT = """
%x = cnn.input "x" : tensor<1x64x8x9xf32>
%a = cnn.avg_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad}
: (tensor<1x64x8x9xf32>) -> tensor<1x64x8x9xf32> loc("a")
%w = cnn.weight "w" : tensor<32x64x1x1xf32>
%b = cnn.weight "b" : tensor<32xf32>
%y = cnn.conv2d %a, %w bias %b : (tensor<1x64x8x9xf32>, tensor<32x64x1x1xf32>, tensor<32xf32>)
-> tensor<1x32x8x9xf32> loc("c")
%r = cnn.relu %y : (tensor<1x32x8x9xf32>) -> tensor<1x32x8x9xf32> loc("c.sums")
cnn.output "y" %r : tensor<1x32x8x9xf32>
"""


def names(text: str) -> list[str]:
    module = Parser(CONTEXT, text).parse_module()
    MoveAveragesPass().apply(CONTEXT, module)
    return [layer_name(op) for op in module.body.block.ops if is_layer(op)]


def test_sums_have_a_name_of_their_own() -> None:
    assert names(TEXT) == ["x", "c.sums.2", "a", "c", "c.sums"]


def test_a_pool_whose_position_is_set_stays() -> None:
    options = "count_include_pad}"
    assert names(TEXT.replace(options, f"{options} attributes {{cnn.frac_bits = 4 : i64}}")) == [
        "x",
        "a",
        "c",
        "c.sums",
    ]
