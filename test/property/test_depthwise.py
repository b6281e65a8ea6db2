"""Depthwise kernels over channels that are no whole lines: computed line by line, as if the last one were full."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from networks import Concat, Conv, Net
from test_levels import CONTEXT, DEFAULT, agree_or_do_not_fit, levels_agree, machines

from lowering import driver
from lowering.conv_tiling import ConvProblem
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.machine import Machine

EXAMPLES = settings().max_examples // 2


def problem_of(channels: int) -> ConvProblem:
    net = Net((channels, 14, 14), (Conv(channels, (3, 3), pads=(1, 1, 1, 1), groups=channels),))
    module, _ = net.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    (layer,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    return conv_problem(layer, DEFAULT)


@pytest.mark.parametrize(("channels", "full"), [(72, 80), (120, 128), (200, 208)])
def test_kernels_see_a_line(channels: int, full: int) -> None:
    problem, whole = problem_of(channels), problem_of(full)
    assert problem.windows == full // 16
    assert problem._replace(result=whole.result) == whole
    assert problem.result.channels == channels, "in memory it has its own channels"


@st.composite
def depthwise(draw: st.DrawFn) -> Net:
    """A depthwise layer of any number of channels, perhaps a part of a concatenation, or with a residual."""
    channels, kernel = draw(st.integers(2, 75)), draw(st.integers(1, 3))
    height, width = draw(st.integers(kernel, 8)), draw(st.integers(kernel, 8))
    pads = draw(st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1)]))
    stride, bias, relu = draw(st.integers(1, 2)), draw(st.booleans()), draw(st.booleans())
    residual = stride == 1 and draw(st.booleans())
    layer = Conv(channels, (kernel, kernel), (stride, stride), pads, (1, 1), channels, bias, residual, relu)
    behind = draw(st.sampled_from([(), (Conv(5),), (Concat((0, 7)), Conv(5))]))
    return Net((channels, height, width), (layer, *behind), draw(st.sampled_from([1.0, 30.0])))


@example(Net((24, 6, 7), (Conv(24, (3, 3), pads=(1, 1, 1, 1), groups=24, residual=True), Conv(16)), 30.0))
@settings(max_examples=EXAMPLES)
@given(depthwise())
def test_every_level_computes_the_same(net: Net) -> None:
    levels_agree(net, DEFAULT)


@settings(max_examples=EXAMPLES)
@given(depthwise(), machines)
def test_other_machines(net: Net, machine: Machine) -> None:
    agree_or_do_not_fit(net, machine)
