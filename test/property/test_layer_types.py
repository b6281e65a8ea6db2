"""Each kind of layer that networks are made of, over its shapes: the same bits at every level and in the simulator.

In Q8.8, or calibrated on the inputs. Random chains (test_levels.py) rarely meet a kernel of 11x11, a depthwise
convolution or a neuron with more weights than a buffer holds; here each kind has examples of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from networks import (
    HOST_FUNCTIONS,
    Add,
    Attend,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    ConvTranspose,
    DepthToSpace,
    Host,
    Interpolate,
    Layer,
    Linear,
    MaxPool,
    Multiply,
    Net,
    Relu,
    Sample,
    SpaceToDepth,
    Transpose,
    Upsample,
    gathers,
    result_shape,
)

from lowering import driver
from lowering.check import SIMULATOR, check

EXAMPLES = settings().max_examples // 3
"""Of a kind; there are many kinds."""

sides = st.integers(1, 14)
channels = st.integers(1, 70)
transfers = st.sampled_from([32, 64, 96])
"""Channels whose maps have no gaps, and so may be cut into other rows."""
flags = st.booleans()
one = st.just(1)
strides = st.integers(1, 4)


@st.composite
def convolutions(
    draw: st.DrawFn,
    kernels: st.SearchStrategy[int],
    inputs: st.SearchStrategy[int] = channels,
    outputs: st.SearchStrategy[int] = channels,
    steps: st.SearchStrategy[int] = one,
    dilations: st.SearchStrategy[int] = one,
    *,
    residual: bool = False,
    depthwise: bool = False,
) -> Net:
    """One convolution, with maps that its kernel fits."""
    kernel, dilation = (draw(kernels), draw(kernels)), (draw(dilations), draw(dilations))
    reach = [step * (taps - 1) for taps, step in zip(kernel, dilation, strict=True)]
    padding = [draw(st.integers(0, size)) for size in (*reach, *reach)]
    least = [max(1, 1 + size - padding[axis] - padding[axis + 2]) for axis, size in enumerate(reach)]
    height, width = (draw(st.integers(low, size + 8)) for low, size in zip(least, reach, strict=True))
    each = draw(inputs)
    groups = each if depthwise else 1
    layer = Conv(
        groups * draw(outputs),
        kernel,
        (draw(steps), draw(steps)),
        (padding[0], padding[1], padding[2], padding[3]),
        dilation,
        groups,
        bias=draw(flags),
        residual=residual,
        relu=draw(flags),
    )
    return Net((each, height, width), (layer,), 0.3, draw(st.integers(0, 999)))


@st.composite
def grouped(draw: st.DrawFn) -> Net:
    groups, inputs, outputs = draw(st.integers(2, 5)), draw(st.integers(1, 20)), draw(st.integers(1, 20))
    kernel = draw(st.integers(1, 3))
    layer = Conv(groups * outputs, (kernel, kernel), groups=groups, relu=draw(flags))
    return Net((groups * inputs, draw(st.integers(3, 9)), draw(st.integers(3, 9))), (layer,), 0.5)


@st.composite
def pools(draw: st.DrawFn, kind: type[MaxPool] | type[AvgPool], *, ceil_mode: bool) -> Net:
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    pads = draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2))
    shape = draw(channels), draw(st.integers(kernel[0], 14)), draw(st.integers(kernel[1], 14))
    step = draw(st.integers(1, kernel[0])), draw(st.integers(1, kernel[1]))
    return Net(shape, (kind(kernel, step, (*pads, *pads), ceil_mode=ceil_mode),))


@st.composite
def global_pools(draw: st.DrawFn) -> Net:
    """Of whole transfers CUs have a share each."""
    shape = draw(channels | st.integers(2, 40).map(lambda number: 32 * number)), draw(sides), draw(sides)
    kernel = shape[1:]
    return Net(shape, (draw(st.sampled_from([MaxPool(kernel), AvgPool(kernel)])),))


@st.composite
def concats(draw: st.DrawFn) -> Net:
    """Parts of any channels, which a convolution reads."""
    parts = draw(st.lists(st.integers(0, 40), min_size=2, max_size=4).map(tuple))
    shape = draw(channels), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    return Net(shape, (Concat(parts), Conv(draw(channels), relu=True)), 0.3)


@st.composite
def linears(draw: st.DrawFn) -> Net:
    """Up to 12,000 weights a neuron: more than a buffer of weights holds, so they come in parts."""
    shape = draw(st.integers(1, 240)), draw(st.integers(1, 7)), draw(st.integers(1, 7))
    return Net(shape, (Linear(draw(st.integers(1, 40)), draw(flags), draw(flags)),), 0.05)


@st.composite
def batch_norms(draw: st.DrawFn) -> Net:
    """Before and behind a convolution, a pool, a concatenation; on maps and on vectors."""
    shape = draw(channels), draw(st.integers(3, 6)), draw(st.integers(3, 6))
    before: list[Layer] = [Conv(20, (3, 3)), MaxPool((2, 2)), Concat((0, 9)), Linear(33)]
    return Net(shape, (BatchNorm(), draw(st.sampled_from(before)), BatchNorm()), 0.3)


@st.composite
def pools_before(draw: st.DrawFn) -> Net:
    """Max pools that convolutions behind them may compute: those of 1x1 kernels, and larger ones; with a pool behind
    them; behind a concatenation, whose parts leave gaps."""
    pool = draw(pools(MaxPool, ceil_mode=draw(flags)))
    kernel = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    pads = draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1))
    pooled = result_shape(pool)[1:]
    assume(all(size + 2 * pad >= taps for size, pad, taps in zip(pooled, pads, kernel, strict=True)))
    layers: list[Layer] = [
        *([Concat((draw(st.integers(1, 40)), 0))] if draw(flags) else []),
        *pool.layers,
        Conv(draw(channels), kernel, pads=(*pads, *pads), residual=draw(flags), relu=draw(flags)),
        *([MaxPool((2, 2), (2, 2), (1, 1, 1, 1))] if draw(flags) else []),
    ]
    return pool._replace(layers=tuple(layers), scale=0.3)


@st.composite
def products(draw: st.DrawFn) -> Net:
    """Of words or of what the host made of them, behind a limit or a concatenation, before what may fuse."""
    shape = draw(channels), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    before: list[Layer] = [Conv(draw(channels), relu=True), Relu(6.0), Concat((9, 0)), MaxPool((1, 1))]
    behind: list[Layer] = [
        Conv(draw(channels), residual=draw(flags)),
        Relu(),
        Concat((0, 9, 0)),
        BatchNorm(),
        Relu(4.0),
    ]
    factor = Multiply(draw(flags), draw(st.sampled_from([None, "sigmoid", "hard_sigmoid"])))
    return Net(shape, (draw(st.sampled_from(before)), factor, draw(st.sampled_from(behind))), 0.3)


@st.composite
def samples(draw: st.DrawFn, height: int, width: int) -> Sample:
    """Slices, in both directions, and borders that repeat maps or mirror them."""
    reflect = draw(flags)
    axes: list[tuple[int, int, int]] = []
    for side in (height, width):
        low, high = (1 - side, 2 * side - 2) if reflect else (-4, side + 3)
        first, last = draw(st.integers(low, high)), draw(st.integers(low, high))
        size = draw(st.integers(1, abs(last - first) + 1))
        step = (abs(last - first) // max(1, size - 1)) * (1 if last >= first else -1)
        axes.append((size, first, step))
    (rows, top, down), (columns, left, right) = axes
    return Sample((rows, columns), (top, left), (down, right), reflect)


@st.composite
def moves(draw: st.DrawFn) -> Net:
    """Slices, shuffles, borders, larger maps: behind a limit or a concatenation, before what may fuse, or as a part."""
    parts = (draw(st.integers(1, 40)), 0)
    shape = draw(channels), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    wide = parts[0] + shape[0]
    before: list[Layer] = [Concat(parts), *([Conv(wide), Relu(6.0)] if draw(flags) else [])]
    pairs = st.tuples(st.integers(1, 9), st.integers(1, 9))
    offsets = st.tuples(st.integers(-4, 9), st.integers(-4, 9))
    turns = st.permutations((1, 2, 3)).map(lambda order: Transpose((*order,)))
    upsamplings = st.builds(Upsample, st.tuples(st.integers(1, 3), st.integers(1, 3)))
    attention = st.builds(Attend, flags) | turns
    move = draw(
        attention | gathers(wide) | upsamplings | st.builds(Interpolate, pairs, pairs, offsets) | samples(*shape[1:])
    )
    behind: list[Layer] = [Conv(9, residual=draw(flags)), Relu(), Concat((0, 9)), Multiply(), AvgPool((1, 1))]
    return Net(shape, (*before, move, draw(st.sampled_from(behind))), 0.3)


@st.composite
def pixel_shuffles(draw: st.DrawFn) -> Net:
    """Pixels of channels, perhaps cropped, and channels of pixels; before and behind layers that fuse, or as a part."""
    block = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    made, height, width = draw(st.integers(1, 30)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    wide = made * block[0] * block[1]
    before: list[Layer] = draw(st.sampled_from([[Conv(wide)], [Conv(wide - 1), Concat((1, 0))] if wide > 1 else []]))
    top, left = draw(st.integers(0, height * block[0] - 1)), draw(st.integers(0, width * block[1] - 1))
    to_space = DepthToSpace(block, draw(flags), (top, left, 0, 0))
    behind: list[Layer] = [Conv(9, residual=draw(flags)), Relu(), Relu(6.0), BatchNorm(), Concat((0, 9)), Multiply()]
    shape = (draw(channels) if before else wide, height, width)
    to_depth = [Upsample(block), SpaceToDepth(block, draw(flags))] if draw(flags) else []
    return Net(shape, (*before, to_space, draw(st.sampled_from(behind)), *to_depth), 0.3)


@st.composite
def transposed(draw: st.DrawFn) -> Net:
    """Transposed convolutions, of one pixel, too, before what becomes part of them, or not."""
    kernel = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    step = tuple(draw(st.integers(1, min(3, 2 * taps))) for taps in kernel)
    dilation = (*(draw(st.integers(1, 2)) if stride == 1 else 1 for stride in step),)
    sizes = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    whole = [
        (size - 1) * stride + apart * (taps - 1) + 1
        for size, stride, apart, taps in zip(sizes, step, dilation, kernel, strict=True)
    ]
    before = [draw(st.integers(0, size - 1)) for size in whole]
    behind = [draw(st.integers(-2, size - pad - 1)) for size, pad in zip(whole, before, strict=True)]
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    layer = ConvTranspose(
        groups * draw(st.integers(1, 12)),
        kernel,
        (step[0], step[1]),
        (before[0], before[1], behind[0], behind[1]),
        (dilation[0], dilation[1]),
        groups,
        draw(flags),
    )
    after: list[list[Layer]] = [[BatchNorm(), Relu()], [Relu(6.0), Conv(7)], [Concat((0, 3))], [BatchNorm(), Add()], []]
    return Net((groups * draw(st.integers(1, 20)), *sizes), (layer, *draw(st.sampled_from(after))), 0.3)


@st.composite
def functions(draw: st.DrawFn) -> Net:
    """Of what the host computes, in f32: between layers of words, one after the other, or of the input."""
    shape = draw(channels), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    names = draw(st.lists(st.sampled_from([*HOST_FUNCTIONS]), min_size=1, max_size=2))
    hosts = [Host(name) for name in names]
    before: list[list[Layer]] = [[], [Conv(draw(channels))], [Concat((9, 0))]]
    behind: list[list[Layer]] = [[Conv(9, residual=draw(flags))], [BatchNorm(), Relu()], [Multiply()], []]
    return Net(shape, (*draw(st.sampled_from(before)), *hosts, *draw(st.sampled_from(behind))), 0.3)


KINDS = {
    "1x1": convolutions(st.just(1)),
    "1x1 of whole transfers": convolutions(one, transfers, transfers, st.integers(1, 2), residual=True),
    "large kernels": convolutions(st.integers(8, 11), st.integers(1, 20), st.integers(1, 20)),
    "strides": convolutions(st.integers(1, 5), steps=strides),
    "dilation": convolutions(st.integers(2, 3), dilations=st.integers(2, 4)),
    "depthwise": convolutions(st.integers(1, 5), outputs=st.integers(1, 2), depthwise=True),
    "grouped": grouped(),
    "residual": convolutions(st.integers(1, 3), residual=True),
    "max pool, floor": pools(MaxPool, ceil_mode=False),
    "max pool, ceil": pools(MaxPool, ceil_mode=True),
    "average pool, floor": pools(AvgPool, ceil_mode=False),
    "average pool, ceil": pools(AvgPool, ceil_mode=True),
    "global pool": global_pools(),
    "concat": concats(),
    "linear": linears(),
    "batch norm": batch_norms(),
    "multiply": products(),
    "functions": functions(),
    "moves": moves(),
    "pixel shuffle": pixel_shuffles(),
    "transposed": transposed(),
}


@settings(max_examples=EXAMPLES)
@given(
    net=pools_before(),
    restricted=st.sampled_from(
        [{}, {"slots": 1}, {"order": "kloop"}, {"order": "mloop"}, {"rows": 1}, {"mode": "indp"}]
    ),
)
def test_pools_before_convolutions(net: Net, restricted: dict[str, Any]) -> None:
    """Fused wherever they can be, whether or not it pays."""
    module, weights = net.build()
    context = driver.make_context()
    context.weights = lambda: weights
    options = {driver.CHOOSE_SCHEDULE: {"pooled": 1, **restricted}}
    results = list(check(context, module, net.inputs(), weights, options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), calibrated=flags)
def test_all_levels_agree(kind: st.SearchStrategy[Net], data: st.DataObject, calibrated: bool, tmp_path: Path) -> None:
    net = data.draw(kind)
    module, weights = net.build()
    context = driver.make_context()
    context.weights = lambda: weights
    samples = tmp_path / "samples.npy"
    np.save(samples, net.inputs())
    options = driver.pass_options(calibrate=samples if calibrated else None)
    results = list(check(context, module, net.inputs(), weights, options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR
