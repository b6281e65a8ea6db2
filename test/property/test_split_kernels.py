"""Kernels that are split unevenly: the same bits as together, at every level and on the simulator; and where it pays,
it is done."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from networks import Concat, Conv, MaxPool, Net, Relu
from test_levels import CONTEXT, DEFAULT, agree_or_do_not_fit, choose, small
from xdsl.parser import Parser

from lowering import driver
from lowering.cnn.choose_schedule import ChooseSchedulePass
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.layers import described_layers, source_layers
from snowdialect.machine import Machine

EXAMPLES = settings().max_examples // 4
"""Its networks are large."""
SPLIT = ChooseSchedulePass(uneven=1, siblings=0)


@st.composite
def concatenations(draw: st.DrawFn) -> Net:
    """Some 1x1 convolutions, at least one with more kernels than lanes, and a convolution of them all."""
    parts = [draw(st.integers(65, 140)), *draw(st.lists(st.integers(1, 70), min_size=1, max_size=2))]
    shape = draw(st.sampled_from([3, 16, 20])), draw(st.integers(1, 7)), draw(st.integers(1, 7))
    relu = [Relu()] if draw(st.booleans()) else []
    return Net(shape, (Concat(tuple(draw(st.permutations(parts)))), *relu, Conv(draw(st.sampled_from([5, 16])))))


def kernels(net: Net, machine: Machine, wanted: ChooseSchedulePass = SPLIT) -> list[int]:
    """Of how many kernels each layer is in the end; all levels compute the same as with all kernels together."""
    chosen = choose(net, machine, wanted)
    found = [shape_of(op.weight)[0] for op in chosen.module.walk() if isinstance(op, cnn.Conv2dOp)]
    chosen.assert_all_levels_agree()
    return found


# Both parts of a concatenation; one between others.
@example(Net((3, 2, 3), (Concat((70, 100)), Conv(5))))
@example(Net((20, 5, 4), (Concat((48, 208, 7)), Relu(), Conv(16))))
# Each half saturates.
@example(Net((20, 5, 4), (Concat((48, 208, 7)), Conv(16)), 30.0))
@settings(max_examples=EXAMPLES)
@given(concatenations())
def test_split_kernels_compute_the_same(net: Net) -> None:
    parts = net.layers[0]
    assert isinstance(parts, Concat)
    split = [half for part in parts.parts for half in ((part - part % 64, part % 64) if part > 64 else (part,)) if half]
    last = net.layers[-1]
    assert isinstance(last, Conv)
    assert kernels(net, DEFAULT) == [*split, last.channels]


def test_another_machine() -> None:
    # A CU computes 32 kernels side by side.
    assert kernels(Net((16, 5, 6), (Concat((40, 8)), Conv(6))), small(2, 2, 8192, 8192)) == [32, 8, 8, 6]


@given(concatenations(), st.sampled_from([None, "coop", "indp"]), st.sampled_from([None, "rows", "kernels"]))
@settings(max_examples=EXAMPLES)
def test_any_schedule(net: Net, mode: str | None, split: str | None) -> None:
    wanted = ChooseSchedulePass(uneven=1, siblings=0, mode=mode, split=split, timed=False)
    agree_or_do_not_fit(net, DEFAULT, lambda module: wanted.apply(CONTEXT, module))


@pytest.mark.parametrize(
    ("net", "whole"),
    [
        (Net((16, 4, 4), (Concat((64, 128)), Conv(7))), [64, 128, 7]),
        (Net((16, 4, 4), (Conv(80), Conv(7))), [80, 7]),
        (Net((16, 4, 4), (Concat((80, 16)), MaxPool((2, 2)), Conv(7))), [80, 16, 7]),
    ],
    ids=["steps of all lanes", "no part", "behind a pool"],
)
def test_where_they_stay_together(net: Net, whole: list[int]) -> None:
    assert kernels(net, DEFAULT) == whole


TOGETHER = """
%x = cnn.input "x" : tensor<1x16x4x5xf32>
%v = cnn.weight "v" : tensor<80x16x1x1xf32>
%a = cnn.conv2d %x, %v : (tensor<1x16x4x5xf32>, tensor<80x16x1x1xf32>) -> tensor<1x80x4x5xf32> loc("a")
%r = cnn.relu %a : (tensor<1x80x4x5xf32>) -> tensor<1x80x4x5xf32> loc("r")
%w = cnn.weight "w" : tensor<16x16x1x1xf32>
%b = cnn.conv2d %x, %w : (tensor<1x16x4x5xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x5xf32> loc("b")
%c = cnn.concat %r, %b : (tensor<1x80x4x5xf32>, tensor<1x16x4x5xf32>) -> tensor<1x96x4x5xf32> loc("c")
cnn.output "y" %c : tensor<1x96x4x5xf32>
"""


def test_what_is_said_of_the_layer() -> None:
    module = Parser(CONTEXT, TOGETHER).parse_module()
    driver.lower(CONTEXT, module, "tile", options={driver.CHOOSE_SCHEDULE: {"uneven": 1}})
    sources = {name: (row.fate, row.macs, row.into, row.reason) for name, row in source_layers(module).items()}
    assert sources == {
        "a": ("accelerated", 80 * 16 * 20, None, "split into a.first and a.rest"),
        "r": ("fused", 0, "a", "fused into a"),
        "b": ("accelerated", 16 * 16 * 20, None, None),
        "c": ("folded", 0, None, "its parts are written into place"),
    }
    macs = {name: row.macs for name, row in described_layers(module).items()}
    assert macs == {"a.first": 64 * 16 * 20, "a.rest": 16 * 16 * 20, "b": 16 * 16 * 20}


def test_not_where_another_layer_has_the_name_of_a_half() -> None:
    module = Parser(CONTEXT, TOGETHER.replace('loc("b")', 'loc("a.rest")')).parse_module()
    driver.lower(CONTEXT, module, "tile", options={driver.CHOOSE_SCHEDULE: {"uneven": 1}})
    assert described_layers(module).keys() == {"a", "a.rest"}
