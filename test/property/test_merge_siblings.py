"""Convolutions of the same maps as one: the same bits as by themselves, at every level and on the simulator; and where
it pays, it is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from networks import Concat, Conv, Inception, MaxPool, Net
from test_levels import CONTEXT, DEFAULT, agree_or_do_not_fit, choose, small
from xdsl.parser import Parser
from xdsl.rewriter import Rewriter

from lowering import driver
from lowering.check import SIMULATOR, check
from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.explain import explain
from lowering.pipeline import LEVELS
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.layers import described_layers, source_layers
from snowdialect.dialects.locations import located
from snowdialect.errors import SnowError
from snowdialect.machine import Machine
from snowdialect.weights import Weights

EXAMPLES = settings().max_examples // 4
"""Its networks are large."""
MERGED = ChooseSchedulePass(siblings=1)


@st.composite
def branches(draw: st.DrawFn) -> Net:
    """Convolutions of the same maps, with the same windows; some are parts of a concatenation, others are read by a
    convolution of their own, which is one."""
    shape = draw(st.sampled_from([3, 16, 20, 64])), draw(st.integers(3, 8)), draw(st.integers(3, 8))
    kernel = draw(st.sampled_from([(1, 1), (1, 1), (3, 3), (1, 3)]))
    pads = draw(st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1)])) if kernel == (3, 3) else (0, 0, 0, 0)
    strides = draw(st.sampled_from([(1, 1), (1, 1), (2, 2)]))
    relu, bias = draw(st.booleans()), draw(st.booleans())
    chains: list[tuple[Conv, ...]] = [()] if draw(st.booleans()) else []
    for channels in draw(st.lists(st.sampled_from([7, 16, 32, 64, 96, 112, 130]), min_size=2, max_size=4)):
        first = Conv(channels, kernel, strides, pads, relu=relu, bias=bias)
        chains.append((first, Conv(5)) if draw(st.booleans()) else (first,))
    # The maps themselves may be a part of what others are stored to.
    maps = [Conv(shape[0])] if chains[0] == () and strides == (1, 1) else []
    chains = chains if maps or chains[0] else chains[1:]
    return Net(shape, (*maps, Inception(tuple(chains)), Conv(draw(st.sampled_from([5, 16])))))


def kernels(net: Net, machine: Machine, wanted: ChooseSchedulePass = MERGED) -> list[int]:
    """Of how many kernels each layer is in the end; all levels compute the same as with all layers by themselves."""
    chosen = choose(net, machine, wanted)
    found = [shape_of(op.weight)[0] for op in chosen.module.walk() if isinstance(op, cnn.Conv2dOp)]
    chosen.assert_all_levels_agree()
    return found


def inception(*branches: int | tuple[int, int]) -> Inception:
    """Branches of 1x1 convolutions, one or two each, of so many kernels."""
    chains = ((branch,) if isinstance(branch, int) else branch for branch in branches)
    return Inception(tuple(tuple(map(Conv, chain)) for chain in chains))


DIFFERENT = Inception(((Conv(64),), (Conv(64, relu=True),), (Conv(64, (1, 3), pads=(0, 1, 0, 1)),)))


@example(Net((64, 7, 9), (inception(64, (96, 16), (32, 7)), Conv(5))))
@example(Net((3, 5, 4), (inception(7, 40, 112), Conv(5))))
# Some of each saturate.
@example(Net((16, 5, 4), (inception(64, 40, 112), Conv(5)), 30.0))
@settings(max_examples=EXAMPLES)
@given(branches())
def test_siblings_compute_the_same(net: Net) -> None:
    kernels(net, DEFAULT)


IDENTITY = Inception(((), (Conv(160, (3, 3), pads=(1, 1, 1, 1)),), (Conv(64, (3, 3), pads=(1, 1, 1, 1)), Conv(5))))


# What one of them stores lies where the maps do.
@example(Net((16, 6, 5), (Conv(64), IDENTITY)), "indp", None, None)
@example(Net((16, 30, 30), (Conv(64), IDENTITY)), None, "kloop", None)
@given(
    branches(),
    st.sampled_from([None, "coop", "indp"]),
    st.sampled_from([None, "mloop", "kloop"]),
    st.sampled_from([None, 1, 2]),
)
@settings(max_examples=EXAMPLES)
def test_any_schedule(net: Net, mode: str | None, order: str | None, rows: int | None) -> None:
    wanted = ChooseSchedulePass(siblings=1, mode=mode, order=order, rows=rows, timed=False)
    agree_or_do_not_fit(net, DEFAULT, lambda module: wanted.apply(CONTEXT, module))


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        # Parts of a concatenation, and what others read, which is whole transfers of a pixel.
        (Net((16, 4, 4), (inception(64, (96, 8), 32),)), [192, 8]),
        # Those of no whole lines come last, of which there is one: the smaller part is left as it is.
        (Net((16, 4, 4), (inception(40, 48, 7),)), [88, 7]),
        # A pixel of 16 words is no whole transfer.
        (Net((16, 4, 4), (inception(64, (16, 8), 32),)), [96, 16, 8]),
        # Another ReLU, another window.
        (Net((16, 4, 4), (DIFFERENT,)), [64] * 3),
        # A max pool of both is one behind each, and computed with it.
        # Nine, of which eight are one, and the last but one has no whole transfers.
        (Net((16, 4, 4), (inception(*[32] * 8, (16, 8), 32),)), [256, 16, 8, 32]),
        (Net((16, 4, 4), (Concat((64, 96)), MaxPool((2, 2)), Conv(7))), [64, 96, 7]),
    ],
    ids=["all", "one without lines", "a small pixel", "different", "many", "behind pools"],
)
def test_what_can_be_one(net: Net, expected: list[int]) -> None:
    assert kernels(net, DEFAULT) == expected


def test_another_machine() -> None:
    assert kernels(Net((16, 5, 6), (inception(40, (64, 8)), Conv(6))), small(2, 2, 8192, 8192)) == [104, 8, 6]


def test_where_it_pays() -> None:
    """Many kernels over few pixels: each layer waits for its first tiles."""
    net = Net((832, 7, 7), (inception(256, (160, 8), (32, 8)),))
    assert kernels(net, DEFAULT, ChooseSchedulePass()) == [448, 8, 8]
    assert kernels(net, DEFAULT, ChooseSchedulePass(schedule="paper")) == [256, 160, 8, 32, 8]


APART = """
%x = cnn.input "x" : tensor<1x16x4x5xf32>
%v = cnn.weight "v" : tensor<64x16x1x1xf32>
%a = cnn.conv2d %x, %v : (tensor<1x16x4x5xf32>, tensor<64x16x1x1xf32>) -> tensor<1x64x4x5xf32> loc("a")
%r = cnn.relu %a : (tensor<1x64x4x5xf32>) -> tensor<1x64x4x5xf32> loc("r")
%w = cnn.weight "w" : tensor<32x16x1x1xf32>
%b = cnn.conv2d %x, %w : (tensor<1x16x4x5xf32>, tensor<32x16x1x1xf32>) -> tensor<1x32x4x5xf32> loc("b")
%s = cnn.relu %b : (tensor<1x32x4x5xf32>) -> tensor<1x32x4x5xf32> loc("s")
cnn.output "y" %r : tensor<1x64x4x5xf32>
cnn.output "z" %s : tensor<1x32x4x5xf32>
"""


OF_THAT_NAME = """
%p = cnn.max_pool %r {kernel = [2, 2]} : (tensor<1x64x4x5xf32>) -> tensor<1x64x3x4xf32> loc("a.siblings")
cnn.output "p" %p : tensor<1x64x3x4xf32>
"""


def test_what_is_said_of_the_layers() -> None:
    module = Parser(CONTEXT, APART).parse_module()
    driver.lower(CONTEXT, module, "tile", options={driver.CHOOSE_SCHEDULE: {"siblings": 1}})
    sources = {name: (row.fate, row.macs, row.into, row.reason) for name, row in source_layers(module).items()}
    assert sources == {
        "a": ("accelerated", 64 * 16 * 20, None, "computed as one with others, in a.siblings"),
        "r": ("fused", 0, "a", "fused into a"),
        "b": ("accelerated", 32 * 16 * 20, None, "computed as one with others, in a.siblings"),
        "s": ("fused", 0, "b", "fused into b"),
    }
    assert {name: row.macs for name, row in described_layers(module).items()} == {"a.siblings": 96 * 16 * 20}


def test_siblings_that_saturate_and_are_outputs() -> None:
    module = Parser(CONTEXT, APART).parse_module()
    rng = np.random.default_rng(0)
    shapes = {"v": (64, 16, 1, 1), "w": (32, 16, 1, 1)}
    weights = Weights({name: 20 * rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})
    batch = 20 * rng.standard_normal((2, 16, 4, 5)).astype(np.float32)
    options = {driver.CHOOSE_SCHEDULE: {"siblings": 1}}
    results = list(check(CONTEXT, module, batch, weights, options=options))
    assert [str(result.difference) for result in results] == ["None"] * (len(LEVELS) + 2)
    assert results[-1].run.saturations["a.siblings"] > 100


def test_why_they_have_their_schedule() -> None:
    module = Parser(CONTEXT, APART).parse_module()
    options = {driver.CHOOSE_SCHEDULE: {"siblings": 1}}
    driver.lower(CONTEXT, module, "tile", options=options, last=driver.CHOOSE_SCHEDULE)
    assert explain(module, "a.siblings", options[driver.CHOOSE_SCHEDULE]).candidates > 1
    with pytest.raises(SnowError, match="^layer 'b' is a part of a.siblings, which has a schedule$"):
        explain(module, "b", options[driver.CHOOSE_SCHEDULE])


def test_not_where_another_layer_has_the_name() -> None:
    module = Parser(CONTEXT, f"{APART}{OF_THAT_NAME}").parse_module()
    driver.lower(CONTEXT, module, "tile", options={driver.CHOOSE_SCHEDULE: {"siblings": 1}})
    assert described_layers(module).keys() == {"a", "b", "a.siblings"}


def split(before: str = "", maps: str = "%x", besides: str = "") -> str:
    """A network that splits the channels of a convolution of some maps, of which one part goes on; `besides` is
    concatenated with both."""
    channels = 112 if besides else 96
    types = ", ".join(f"tensor<1x{size}x4x5xf32>" for size in ((16, 64, 32) if besides else (64, 32)))
    return f"""
%x = cnn.input "x" : tensor<1x16x4x5xf32>
%v = cnn.weight "v" : tensor<96x16x1x1xf32>
{before}
%a = cnn.conv2d {maps}, %v : (tensor<1x16x4x5xf32>, tensor<96x16x1x1xf32>) -> tensor<1x96x4x5xf32> loc("a")
%b = cnn.gather %a {{offset = 64, sizes = [32]}} : (tensor<1x96x4x5xf32>) -> tensor<1x32x4x5xf32> loc("b")
%c = cnn.gather %a {{sizes = [64]}} : (tensor<1x96x4x5xf32>) -> tensor<1x64x4x5xf32> loc("c")
%w = cnn.weight "w" : tensor<32x32x1x1xf32>
%d = cnn.conv2d %b, %w : (tensor<1x32x4x5xf32>, tensor<32x32x1x1xf32>) -> tensor<1x32x4x5xf32> loc("d")
%e = cnn.concat {besides}%c, %d : ({types}) -> tensor<1x{channels}x4x5xf32> loc("e")
cnn.output "y" %e : tensor<1x{channels}x4x5xf32>
"""


SPLIT = split()
CONV = """%u = cnn.weight "u" : tensor<16x16x1x1xf32>
%i = cnn.conv2d %x, %u : (tensor<1x16x4x5xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x5xf32> loc("i")"""
IN_PLACE = split(CONV, "%i", "%i, ")
"""Some channels go to where the maps lie."""

POOL = """%p = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x16x4x5xf32>)
-> tensor<1x16x4x5xf32> loc("p")"""
POOLED = split(POOL, "%p")
"""A max pool before, which a convolution with one result would compute."""


@pytest.mark.parametrize("text", [SPLIT, IN_PLACE, POOLED], ids=["split", "in place", "behind a pool"])
@pytest.mark.parametrize("options", [{}, {"mode": "indp"}, {"order": "kloop", "pooled": 1}], ids=str)
def test_channels_that_are_split(text: str, options: dict[str, Any]) -> None:
    module = Parser(CONTEXT, text).parse_module()
    rng = np.random.default_rng(0)
    shapes = {"v": (96, 16, 1, 1), "w": (32, 32, 1, 1), "u": (16, 16, 1, 1)}
    weights = Weights({name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})
    batch = rng.standard_normal((2, 16, 4, 5)).astype(np.float32)
    wanted = {driver.CHOOSE_SCHEDULE: {"siblings": 1, **options}}
    results = list(check(CONTEXT, module, batch, weights, options=wanted))
    assert [(result.level, str(result.difference)) for result in results[1:]] == [
        (level, "None") for level in (*LEVELS, SIMULATOR)
    ]
    assert not any(isinstance(op, cnn.GatherOp) for op in module.walk())
    sources = {name: (row.fate, row.macs, row.into, row.reason) for name, row in source_layers(module).items()}
    assert sources["b"] == ("folded", 0, "a", "a stores its channels apart")


def test_not_where_that_takes_longer() -> None:
    """Few channels of few maps: each pixel takes a transfer for each part."""
    module = Parser(CONTEXT, SPLIT.replace("4x5", "28x28")).parse_module()
    driver.lower(CONTEXT, module, "tile", last=driver.DESCRIBE_LAYERS)
    assert source_layers(module)["b"].fate == "host"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{offset = 64, sizes = [32]}", "{offset = 63, sizes = [32]}"),
        ('cnn.output "y" %e', 'cnn.output "z" %a : tensor<1x96x4x5xf32>\ncnn.output "y" %e'),
        ("{sizes = [64]}", "{offset = 63, sizes = [64], strides = [-1]}"),
    ],
    ids=["a channel twice", "another reader", "another order"],
)
def test_what_is_not_stored_apart(old: str, new: str) -> None:
    module = Parser(CONTEXT, SPLIT.replace(old, new)).parse_module()
    driver.lower(CONTEXT, module, "tile", last=driver.DESCRIBE_LAYERS)
    assert source_layers(module)["b"].fate == "host"


def test_a_channel_that_nobody_stores() -> None:
    module = Parser(CONTEXT, APART).parse_module()
    driver.lower(
        CONTEXT, module, "tile", options={driver.CHOOSE_SCHEDULE: {"siblings": 1}}, last=driver.CHOOSE_SCHEDULE
    )
    second = [op for op in module.walk() if isinstance(op, cnn.GatherOp)][1]
    Rewriter.replace_op(second, located(cnn.GatherOp(second.x, sizes=(32,)), second.location))
    with pytest.raises(SnowError, match="^a: tile.fused, but a.siblings has other channels or readers besides$"):
        driver.lower(CONTEXT, module, "tile")
