"""Averages that come behind convolutions: about the same numbers in float, the same words at every level."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from networks import AvgPool, Conv, Net, Relu
from test_levels import CONTEXT, DEFAULT, levels_agree

from lowering.check import far_apart
from lowering.cnn.move_averages import MoveAveragesPass
from snowdialect.dialects import cnn
from snowdialect.interpreters import run_module

EXAMPLES = settings().max_examples // 4


@st.composite
def averages(draw: st.DrawFn) -> Net:
    """An average of as many pixels as there are, and a 1x1 convolution of fewer channels."""
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    up, left = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    pool = AvgPool((1 + 2 * up, 1 + 2 * left), (1, 1), (up, left, up, left), count_include_pad=True)
    channels = draw(st.integers(1, 20))
    conv = Conv(channels, bias=draw(st.booleans()))
    relu = [Relu()] if draw(st.booleans()) else []
    return Net((draw(st.integers(2 * channels, 48)), height, width), (pool, conv, *relu), 0.5)


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
