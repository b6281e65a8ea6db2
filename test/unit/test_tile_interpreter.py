"""Layers in tiles compute what sums over windows say: random layers, machines and schedules, against plain NumPy.

The same layers run as loops and traces too, which read and write the same memory through other code.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp, TensorType, f32
from xdsl.ir import Operation, SSAValue

from lowering import driver
from lowering.cnn.choose_schedule import SCHEDULE
from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.maps_tiling import TilingError, tile_columns
from lowering.problems import conv_problem
from snowdialect.dialects import cnn, tile
from snowdialect.dialects.locations import located, name_location
from snowdialect.dialects.target import set_machine
from snowdialect.errors import SnowError
from snowdialect.interpreters import Run, run_module
from snowdialect.machine import Machine, load_machine
from snowdialect.weights import Weights

Array = NDArray[Any]
LEVELS = pytest.mark.parametrize("level", ["tile", "loop"])
FRAC = 8
BATCH = 2
random_layers = settings(deadline=None, max_examples=16, suppress_health_check=[HealthCheck.filter_too_much])


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Small machines, so that small layers need many tiles."""
    return replace(
        load_machine(),
        compute_units=draw(st.sampled_from([1, 2, 4])),
        vmacs=draw(st.sampled_from([1, 2, 3, 4])),
        mbuf_words=2 * draw(st.sampled_from([768, 2048, 8192])),
        wbuf_words=2 * draw(st.sampled_from([512, 2048, 8192])),
    )


class Network:
    """A network of one layer; inputs and constants are words with 8 fraction bits."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ops: list[Operation] = []
        self.inputs: dict[str, Array] = {}
        self.tensors: dict[str, Array] = {}

    def words(self, *shape: int) -> Array:
        """Mostly small words, so that not every result is clamped."""
        return np.where(self.rng.random(shape) < 0.05, 40, 1) * self.rng.integers(-500, 500, shape)

    def add(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def input(self, *shape: int) -> tuple[SSAValue, Array]:
        """A value and its words (N, C, H, W)."""
        name, words = f"x{len(self.inputs)}", self.words(BATCH, *shape)
        self.inputs[name] = (words / 2**FRAC).astype(np.float32)
        value = self.add(cnn.InputOp(name, cnn.tensor_type((1, *shape))))
        return self.add(located(cnn.QuantizeOp(value, FRAC), name_location(f"{name}.words"))), words

    def constant(self, *shape: int) -> tuple[SSAValue, Array]:
        name, words = f"w{len(self.tensors)}", self.words(*shape)
        self.tensors[name] = (words / 2**FRAC).astype(np.float32)
        return self.add(cnn.QuantizeOp(self.add(cnn.WeightOp(name, TensorType(f32, shape))), FRAC)), words

    def run(self, layer: Operation, machine: Machine, level: str) -> Run:
        located(layer, name_location("layer"))
        result = self.add(layer)
        self.ops.append(cnn.OutputOp("y", self.add(cnn.DequantizeOp(result))))
        module = ModuleOp(self.ops)
        set_machine(module, machine)
        context = driver.make_context()
        driver.verify(module, "test")
        passes = ["cnn-place-concats", "cnn-choose-schedule", "convert-cnn-to-tile", "tile-assign-addresses"]
        if level == "loop":
            passes.append("convert-tile-to-loop")
        for name in passes:
            driver.apply_pass(context, module, driver.Universe.get_multiverse().all_passes[name]())
        # A pool or addition of which no tile fits stays with the host.
        assume(driver.level_of(module) == level)
        return run_module(module, self.inputs, Weights(self.tensors))


class Expected(NamedTuple):
    words: Array
    saturations: int
    wraps: int


def finish(sums: Array, shift: int, relu: bool) -> Expected:
    """Words from exact sums: wrapped to 32 bits, rounded half up, clamped."""
    wrapped = (sums + 2**31) % 2**32 - 2**31
    rounded = (wrapped + (2 ** (shift - 1) if shift else 0)) // 2**shift
    words = np.clip(rounded, -(2**15), 2**15 - 1)
    return Expected(
        np.maximum(words, 0) if relu else words, int((words != rounded).sum()), int((wrapped != sums).sum())
    )


def check(run: Run, expected: Expected) -> None:
    np.testing.assert_array_equal(run.layers["layer"].reshape(expected.words.shape), expected.words)
    assert (run.saturations["layer"], run.wraps["layer"]) == (expected.saturations, expected.wraps)


def draw_schedule(draw: Callable[[st.SearchStrategy[Any]], Any], problem: ConvProblem) -> tile.Schedule:
    """Any schedule that fits the machine, whatever it costs."""
    window = problem.window
    mode = draw(st.sampled_from(list(tile.Mode)))
    split, order = draw(st.sampled_from(list(tile.Split))), draw(st.sampled_from(list(tile.Order)))
    rows = draw(st.integers(1, 4))
    schedule = tile.Schedule(
        mode,
        split,
        order,
        rows=rows,
        columns=draw(st.sampled_from(tile_columns(problem.machine, problem.maps, window.out_w))),
        maps_rows=draw(st.integers(1, rows)),
        steps=draw(st.integers(1, 4)),
        parts=1,
        maps_slots=draw(st.integers(1, 2)),
        weights_slots=draw(st.sampled_from((1, 2, 4, 6))),
        result_slots=draw(st.integers(1, 2)),
        result_tiles=draw(st.integers(1, 3)),
        fused=0,
        turns=draw(st.integers(0, 1)),
    )
    try:
        plan_conv(problem, schedule)
    except TilingError:
        assume(False)
    return schedule


@LEVELS
@random_layers
@given(data=st.data(), machine=machines(), seed=st.integers(0, 2**32 - 1))
def test_convolution(level: str, data: st.DataObject, machine: Machine, seed: int) -> None:
    draw = data.draw
    groups = draw(st.sampled_from([1, 1, 1, 2, 4]))
    channels = draw(st.sampled_from([groups, 3 * groups, 16, 32]))
    outputs = groups * draw(st.integers(1, 40 // groups))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides, dilations = draw(st.tuples(*[st.integers(1, 3)] * 2)), draw(st.tuples(*[st.integers(1, 2)] * 2))
    pads = draw(st.tuples(*[st.integers(0, 2)] * 4))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    span = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
    assume(height + pads[0] + pads[2] >= span[0] and width + pads[1] + pads[3] >= span[1])
    relu, with_bias, with_residual = (draw(st.booleans()) for _ in range(3))

    net = Network(seed)
    (x, maps), (w, weights) = net.input(channels, height, width), net.constant(outputs, channels // groups, *kernel)
    bias, biases = net.constant(outputs) if with_bias else (None, np.zeros(outputs, int))
    options: dict[str, Any] = {"strides": strides, "pads": pads, "dilations": dilations, "groups": groups}
    shape = cnn.shape_of(cnn.Conv2dOp(x, w, **options).result)
    r, residual = net.input(*shape[1:]) if with_residual else (None, np.zeros((BATCH, *shape[1:]), int))
    layer = cnn.Conv2dOp(x, w, bias=bias, residual=r, relu=relu, **options)
    cnn.DequantizeOp(layer.result)  # A use, as a layout asks who reads it.
    layer.attributes[SCHEDULE] = tile.ScheduleAttr.make(draw_schedule(draw, conv_problem(layer, machine)))

    padded = np.pad(maps, ((0, 0), (0, 0), pads[0:3:2], pads[1:4:2]))
    sums = np.repeat((biases[:, None, None] + 0 * residual[:1]).astype(object), BATCH, axis=0)
    sums = (sums + residual) * 2**FRAC
    for o in range(outputs):
        first = o // (outputs // groups) * (channels // groups)
        seen = padded[:, first : first + channels // groups]
        for i, j in product(*map(range, kernel)):
            rows = slice(i * dilations[0], i * dilations[0] + (shape[2] - 1) * strides[0] + 1, strides[0])
            columns = slice(j * dilations[1], j * dilations[1] + (shape[3] - 1) * strides[1] + 1, strides[1])
            sums[:, o] += np.einsum("nchw,c->nhw", seen[:, :, rows, columns], weights[o, :, i, j])
    check(net.run(layer, machine, level), finish(sums, FRAC, relu))


@LEVELS
@random_layers
@given(data=st.data(), machine=machines(), seed=st.integers(0, 2**32 - 1))
def test_linear_layer(level: str, data: st.DataObject, machine: Machine, seed: int) -> None:
    draw = data.draw
    shape = draw(st.one_of(st.tuples(st.integers(1, 40)), st.tuples(*[st.integers(1, 20), *[st.integers(1, 4)] * 2])))
    outputs, relu = draw(st.integers(1, 40)), draw(st.booleans())
    net = Network(seed)
    (x, maps), (w, weights), (b, biases) = (
        net.input(*shape),
        net.constant(outputs, int(np.prod(shape))),
        net.constant(outputs),
    )
    layer = cnn.LinearOp(x, w, bias=b, relu=relu)
    try:
        run = net.run(layer, machine, level)
    except SnowError as error:
        assert "no tile of this layer fits the buffers" in str(error)
        assume(False)
        raise
    sums = biases.astype(object) * 2**FRAC + maps.reshape(BATCH, -1).astype(object) @ weights.T.astype(object)
    check(run, finish(sums, FRAC, relu))


def windows(data: st.DataObject) -> tuple[dict[str, Any], tuple[int, int]]:
    """Options of a pool, and the size of its maps."""
    draw = data.draw
    kernel = draw(st.tuples(*[st.integers(1, 4)] * 2))
    top, left = (draw(st.integers(0, size // 2)) for size in kernel)
    size = draw(st.integers(kernel[0], 9)), draw(st.integers(kernel[1], 9))
    strides = tuple(draw(st.integers(1, side)) for side in kernel)
    return {
        "kernel": kernel,
        "strides": strides,
        "pads": (top, left, top, left),
        "ceil_mode": draw(st.booleans()),
    }, size


def under(options: dict[str, Any], y: int, x: int, size: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the maps under a window."""
    starts = [at * stride - pad for at, stride, pad in zip((y, x), options["strides"], options["pads"], strict=False)]
    rows, columns = (
        slice(max(0, start), min(start + kernel, limit))
        for start, kernel, limit in zip(starts, options["kernel"], size, strict=True)
    )
    return rows, columns


pooled_channels = st.integers(1, 80) | st.integers(1, 9).map(lambda transfers: 32 * transfers)
"""Of whole transfers CUs have a share each, some of them one more than others."""


@LEVELS
@random_layers
@given(data=st.data(), machine=machines(), seed=st.integers(0, 2**32 - 1))
def test_max_pool(level: str, data: st.DataObject, machine: Machine, seed: int) -> None:
    options, size = windows(data)
    net = Network(seed)
    x, maps = net.input(data.draw(pooled_channels), *size)
    layer = cnn.MaxPoolOp(x, **options)
    expected = np.zeros((BATCH, *cnn.shape_of(layer.result)[1:]), int)
    for y, z in product(*map(range, expected.shape[2:])):
        rows, columns = under(options, y, z, size)
        expected[:, :, y, z] = maps[:, :, rows, columns].max(axis=(2, 3))
    check(net.run(layer, machine, level), Expected(expected, 0, 0))


@LEVELS
@random_layers
@given(data=st.data(), machine=machines(), seed=st.integers(0, 2**32 - 1))
def test_average_pool(level: str, data: st.DataObject, machine: Machine, seed: int) -> None:
    options, size = windows(data)
    net = Network(seed)
    x, maps = net.input(data.draw(pooled_channels), *size)
    layer = cnn.AvgPoolOp(x, **options, count_include_pad=False)
    sums = np.zeros((BATCH, *cnn.shape_of(layer.result)[1:]), object)
    numbers = np.zeros(sums.shape[2:], int)
    for y, z in product(*map(range, sums.shape[2:])):
        rows, columns = under(options, y, z, size)
        numbers[y, z] = (rows.stop - rows.start) * (columns.stop - columns.start)
        sums[:, :, y, z] = maps[:, :, rows, columns].sum(axis=(2, 3))
    # The largest q, at most 15, with which every round(2^q / n) is a word.
    q = next(q for q in range(15, -1, -1) if (2 * 2**q + numbers.min()) // (2 * numbers.min()) < 2**15)
    weights = (2 * 2**q + numbers) // (2 * numbers)
    check(net.run(layer, machine, level), finish(sums * weights, q, False))


@LEVELS
@random_layers
@given(data=st.data(), machine=machines(), seed=st.integers(0, 2**32 - 1))
def test_add_relu_and_rescale(level: str, data: st.DataObject, machine: Machine, seed: int) -> None:
    draw = data.draw
    shape = draw(pooled_channels), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    kind, frac = draw(st.sampled_from(["add", "relu", "rescale"])), draw(st.integers(0, 12))
    net = Network(seed)
    x, maps = net.input(*shape)
    relu = kind == "relu" or (kind == "add" and draw(st.booleans()))
    if kind == "add":
        y, others = net.input(*shape)
        layer = cnn.AddOp(x, y, relu=relu, result_type=cnn.tensor_type((1, *shape), frac))
        maps = maps + others
    elif kind == "relu":
        layer, frac = cnn.ReluOp(x), FRAC
    else:
        layer = cnn.RescaleOp(x, frac)
    accumulator = max(FRAC, frac)
    sums = maps.astype(object) * 2 ** (accumulator - FRAC)
    check(net.run(layer, machine, level), finish(sums, accumulator - frac, relu))
