"""What cnn layers compute: in f32 as ONNX Runtime does, in fixed point as Python's integers do."""

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper
from xdsl.dialects.builtin import ModuleOp, TensorType, UnrealizedConversionCastOp, f32
from xdsl.ir import Operation, SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import ConvGeometry, PoolGeometry, ShapeError
from snowdialect.dialects.locations import located, name_location
from snowdialect.errors import SnowError
from snowdialect.interpreters import Run, RunState, run_module
from snowdialect.interpreters.cnn import evaluate_constant, kernels
from snowdialect.weights import Weights

Array = NDArray[Any]
RNG = np.random.default_rng(17)


def normal(*shape: int) -> NDArray[np.float32]:
    return RNG.normal(size=shape).astype(np.float32)


class Network:
    """Builds a module layer by layer; its arrays are named weights."""

    def __init__(self) -> None:
        self.ops: list[Operation] = []
        self.tensors: dict[str, Array] = {}

    def add(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def input(self, array: Array) -> SSAValue:
        return self.add(cnn.InputOp("x", cnn.tensor_type((1, *array.shape[1:]))))

    def weight(self, array: Array, frac: int | None = None) -> SSAValue:
        name = f"w{len(self.tensors)}"
        self.tensors[name] = array
        value = self.add(cnn.WeightOp(name, TensorType(f32, array.shape)))
        return value if frac is None else self.add(cnn.QuantizeOp(value, frac))

    def run(self, result: SSAValue, x: Array | dict[str, Array]) -> Run:
        self.ops.append(cnn.OutputOp("y", result))
        module = ModuleOp(self.ops)
        module.verify()
        return run_module(module, x, Weights(self.tensors))


def onnx_layer(kind: str, x: Array, *constants: Array, **attributes: Any) -> Array:
    """The result of one ONNX node on a batch, by ONNX Runtime."""
    names = [f"c{index}" for index in range(len(constants))]
    node = helper.make_node(kind, ["x", *names], ["y"], **attributes)
    graph = helper.make_graph(
        [node],
        "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [onnx.numpy_helper.from_array(array, name) for name, array in zip(names, constants, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def assert_close(ours: Array, theirs: Array) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


# f32, against ONNX Runtime


@pytest.mark.parametrize(
    ("geometry", "kernel", "channels", "outputs"),
    [
        (ConvGeometry(), (3, 3), 4, 6),
        (ConvGeometry(strides=(2, 1), pads=(1, 0, 2, 3)), (3, 2), 3, 5),
        (ConvGeometry(pads=(2, 2, 2, 2), dilations=(2, 1)), (3, 3), 4, 4),
        (ConvGeometry(strides=(3, 3), groups=2), (1, 5), 4, 6),
        (ConvGeometry(pads=(1, 1, 1, 1), groups=4), (3, 3), 4, 4),
    ],
    ids=["plain", "asymmetric", "dilated", "grouped", "depthwise"],
)
def test_convolution(geometry: ConvGeometry, kernel: tuple[int, int], channels: int, outputs: int) -> None:
    x = normal(3, channels, 9, 11)
    weight, bias = normal(outputs, channels // geometry.groups, *kernel), normal(outputs)
    net = Network()
    layer = cnn.Conv2dOp(
        net.input(x),
        net.weight(weight),
        bias=net.weight(bias),
        strides=geometry.strides,
        pads=geometry.pads,
        dilations=geometry.dilations,
        groups=geometry.groups,
    )
    theirs = onnx_layer(
        "Conv",
        x,
        weight,
        bias,
        strides=geometry.strides,
        pads=geometry.pads,
        dilations=geometry.dilations,
        group=geometry.groups,
    )
    assert_close(net.run(net.add(layer), x).outputs["y"], theirs)


def test_convolution_adds_a_residual_before_it_rectifies() -> None:
    x, weight = normal(2, 3, 5, 5), normal(3, 3, 1, 1)
    net = Network()
    value = net.input(x)
    result = net.add(cnn.Conv2dOp(value, net.weight(weight), residual=value, relu=True))
    assert_close(net.run(result, x).outputs["y"], np.maximum(onnx_layer("Conv", x, weight) + x, 0))


def test_convolution_in_pieces_is_the_same_convolution(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight = normal(3, 2, 9, 7), normal(4, 2, 3, 3)
    geometry = ConvGeometry(strides=(2, 1), pads=(1, 1, 1, 1))
    (whole,) = kernels.convolve(x, weight, geometry, np.float64)
    monkeypatch.setattr(kernels, "UNFOLDED_BYTES", 2 * 18 * 7 * 8)
    pieces = list(kernels.convolve(x, weight, geometry, np.float64))
    assert len(pieces) == 9
    joined = np.empty_like(whole.sums)
    for piece in pieces:
        joined[piece.images, :, piece.rows] = piece.sums
    np.testing.assert_allclose(joined, whole.sums)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)], ids=str)
def test_max_pool(pads: tuple[int, ...], ceil_mode: bool) -> None:
    x = normal(2, 3, 8, 9)
    net = Network()
    pool = cnn.MaxPoolOp(net.input(x), kernel=(3, 2), strides=(2, 2), pads=pads, ceil_mode=ceil_mode)
    options = {"kernel_shape": (3, 2), "strides": (2, 2), "pads": pads, "ceil_mode": int(ceil_mode)}
    assert_close(net.run(net.add(pool), x).outputs["y"], onnx_layer("MaxPool", x, **options))


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)], ids=str)
def test_average_pool(pads: tuple[int, ...], count_include_pad: bool) -> None:
    x = normal(2, 3, 8, 9)
    net = Network()
    options: dict[str, Any] = {"strides": (2, 2), "pads": pads}
    pool = cnn.AvgPoolOp(net.input(x), kernel=(3, 2), count_include_pad=count_include_pad, **options)
    theirs = onnx_layer("AveragePool", x, kernel_shape=(3, 2), count_include_pad=int(count_include_pad), **options)
    assert_close(net.run(net.add(pool), x).outputs["y"], theirs)


def test_average_pool_in_ceil_mode_divides_by_what_the_padded_input_holds() -> None:
    """Torch7: windows reach 0..2, 2..4 and, beyond the padding behind, 4..5 of an input with 1 zero on each side."""
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4) + 1
    options: dict[str, Any] = {"kernel": (1, 3), "strides": (1, 2), "pads": (0, 1, 0, 1), "ceil_mode": True}
    for include, expected in ((False, [3 / 2, 9 / 3, 4 / 1]), (True, [3 / 3, 9 / 3, 4 / 2])):
        net = Network()
        pool = cnn.AvgPoolOp(net.input(x), count_include_pad=include, **options)
        assert net.run(net.add(pool), x).outputs["y"].ravel().tolist() == expected


def test_linear_flattens_in_channel_row_column_order() -> None:
    x, weight, bias = normal(3, 2, 4, 5), normal(7, 40), normal(7)
    net = Network()
    result = net.add(cnn.LinearOp(net.input(x), net.weight(weight), bias=net.weight(bias)))
    theirs = onnx_layer("Gemm", x.reshape(3, 40), weight, bias, transB=1)
    assert_close(net.run(result, x).outputs["y"], theirs)


@pytest.mark.parametrize("shape", [(2, 4, 3, 3), (2, 4)], ids=["maps", "vectors"])
def test_batch_norm(shape: tuple[int, ...]) -> None:
    x = normal(*shape)
    scale, bias, mean, variance = normal(4), normal(4), normal(4), np.abs(normal(4)) + 0.1
    net = Network()
    layer = cnn.BatchNormOp(
        net.input(x),
        net.weight(mean),
        net.weight(variance),
        scale=net.weight(scale),
        bias=net.weight(bias),
        eps=1e-3,
    )
    theirs = onnx_layer("BatchNormalization", x, scale, bias, mean, variance, epsilon=1e-3)
    assert_close(net.run(net.add(layer), x).outputs["y"], theirs)


@pytest.mark.parametrize(
    ("layer", "kind", "attributes"),
    [
        (cnn.ReluOp, "Relu", {}),
        (cnn.IdentityOp, "Identity", {}),
        (cnn.SigmoidOp, "Sigmoid", {}),
        (cnn.TanhOp, "Tanh", {}),
        (cnn.SoftmaxOp, "Softmax", {"axis": 1}),
        (cnn.LogSoftmaxOp, "LogSoftmax", {"axis": 1}),
    ],
)
@pytest.mark.parametrize("shape", [(2, 5, 3, 3), (2, 5)], ids=["maps", "vectors"])
def test_functions_of_one_operand(layer: Any, kind: str, attributes: dict[str, Any], shape: tuple[int, ...]) -> None:
    x = 20 * normal(*shape)
    net = Network()
    result = net.add(layer(net.input(x)))
    assert_close(net.run(result, x).outputs["y"], onnx_layer(kind, x, **attributes))


@pytest.mark.parametrize("size", [1, 3, 5, 21])
def test_local_response_normalization(size: int) -> None:
    x = 3 * normal(2, 8, 3, 4)
    numbers = {"alpha": 0.7, "beta": 0.75, "k": 1.5}
    net = Network()
    result = net.add(cnn.LrnOp(net.input(x), size, **numbers))
    theirs = onnx_layer("LRN", x, size=size, alpha=0.7, beta=0.75, bias=1.5)
    assert_close(net.run(result, x).outputs["y"], theirs)


def test_functions_of_the_host_do_not_overflow() -> None:
    x = np.array([[-1e4, 0, 1e4]], np.float32)
    for layer, expected in (
        (cnn.SoftmaxOp, [0, 0, 1]),
        (cnn.LogSoftmaxOp, [-2e4, -1e4, 0]),
        (cnn.SigmoidOp, [0, 0.5, 1]),
    ):
        net = Network()
        result = net.add(layer(net.input(x)))
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            assert net.run(result, x).outputs["y"].tolist() == [expected]


def test_pad_adds_zeros_and_crops() -> None:
    x = normal(2, 3, 4, 5)
    net = Network()
    result = net.add(cnn.PadOp(net.input(x), (1, -2, -1, 2)))
    theirs = onnx_layer("Pad", x, np.array([0, 0, 1, -2, 0, 0, -1, 2], np.int64))
    assert_close(net.run(result, x).outputs["y"], theirs)


@pytest.mark.parametrize(
    ("offset", "sizes", "strides", "channels"),
    [
        (4, (3,), (1,), [4, 5, 6]),
        (11, (3,), (-2,), [11, 9, 7]),
        (3, (3, 2), (1, 6), [3, 9, 4, 10, 5, 11]),
        (0, (2, 1, 2), (0, 5, 7), [0, 7, 0, 7]),
    ],
)
def test_gather_takes_channels(
    offset: int, sizes: tuple[int, ...], strides: tuple[int, ...], channels: list[int]
) -> None:
    x = normal(2, 12, 2, 3)
    net = Network()
    result = net.add(cnn.GatherOp(net.input(x), sizes=sizes, strides=strides, offset=offset))
    np.testing.assert_array_equal(net.run(result, x).outputs["y"], np.stack([x[:, c] for c in channels], 1))


@given(st.data(), st.integers(0, 2**32 - 1))
def test_fixed_interpolation_is_what_fractions_say(data: st.DataObject, seed: int) -> None:
    """Each number is the mean of words around it, weighted by their distance, rounded once, half up."""
    height, width = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    sizes = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    parts = st.fractions(0, 3, max_denominator=9)
    steps, offsets = data.draw(st.tuples(parts, parts)), data.draw(st.tuples(parts, parts.map(lambda part: part - 1)))
    words = np.random.default_rng(seed).integers(-(2**15), 2**15, (1, 2, height, width)).astype(np.int16)
    net = Network()
    x = net.add(cnn.InputOp("x", cnn.tensor_type((1, 2, height, width))))
    result = net.add(cnn.InterpolateOp(net.add(cnn.QuantizeOp(x, 8)), sizes, steps, offsets))
    run = net.run(net.add(cnn.DequantizeOp(result)), words.astype(np.float32) / 256)
    places = [
        [min(max(offset + step * index, Fraction(0)), Fraction(last)) for index in range(size)]
        for size, step, offset, last in zip(sizes, steps, offsets, (height - 1, width - 1), strict=True)
    ]
    for channel, row, column in np.ndindex(2, *sizes):
        mean = sum(
            (max(Fraction(0), 1 - abs(places[0][row] - y)) * max(Fraction(0), 1 - abs(places[1][column] - x)))
            * int(words[0, channel, y, x])
            for y, x in np.ndindex(height, width)
        )
        assert run.outputs["y"][0, channel, row, column] * 256 == math.floor(mean + Fraction(1, 2))


def test_add_concat_reshape_and_dropout() -> None:
    x = normal(2, 2, 3, 3)
    net = Network()
    value = net.input(x)
    total = net.add(cnn.AddOp(value, net.add(cnn.DropoutOp(value, 0.25, scale_at_inference=True)), relu=True))
    joined = net.add(cnn.ConcatOp([total, value, net.add(cnn.DropoutOp(value, 0.25))]))
    result = net.add(cnn.ReshapeOp(joined, (1, 54)))
    expected = np.concatenate([np.maximum(1.75 * x, 0), x, x], axis=1).reshape(2, 54)
    assert_close(net.run(result, x).outputs["y"], expected)


# Fixed point, against integers


def words(x: Array, frac: int) -> list[int]:
    """Half-up rounding and clamp, number by number."""
    return [clamp16(math.floor(float(value) * 2**frac + 0.5)) for value in x.ravel()]


def clamp16(value: int) -> int:
    return max(-(2**15), min(value, 2**15 - 1))


class Accumulator:
    """One result of the machine: an exact sum, wrapped to 32 bits, rounded half up and clamped, counting both."""

    def __init__(self) -> None:
        self.saturations = 0
        self.wraps = 0

    def finish(self, exact: int, shift: int, relu: bool = False) -> int:
        wrapped = (exact + 2**31) % 2**32 - 2**31
        self.wraps += wrapped != exact
        rounded = wrapped if shift == 0 else (wrapped + 2 ** (shift - 1)) // 2**shift
        self.saturations += clamp16(rounded) != rounded
        return max(clamp16(rounded), 0) if relu else clamp16(rounded)

    def counts(self, run: Run, name: str) -> bool:
        return (run.saturations[name], run.wraps[name]) == (self.saturations, self.wraps)


FRACS = st.integers(0, 15)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_fixed_convolution_is_what_the_integers_say(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    groups = draw(st.sampled_from((1, 1, 2)))
    channels, outputs = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    geometry = ConvGeometry(
        draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        draw(st.tuples(*[st.integers(0, 3)] * 4)),
        draw(st.tuples(st.integers(1, 2), st.integers(1, 2))),
        groups,
    )
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    weight_shape = (outputs, channels // groups, *kernel)
    try:
        shape = geometry.result_shape((1, channels, height, width), weight_shape)
    except ShapeError:
        assume(False)
        raise
    x_frac, w_frac = draw(FRACS), draw(FRACS)
    y_frac = draw(st.integers(0, x_frac + w_frac))
    b_frac, r_frac = draw(st.integers(0, x_frac + w_frac)), draw(st.integers(0, x_frac + w_frac))
    relu, with_bias, with_residual = (draw(st.booleans()) for _ in range(3))

    rng = np.random.default_rng(seed)

    def numbers(frac: int, *sizes: int) -> Array:
        return (rng.integers(-40000, 40000, sizes) / 2**frac).astype(np.float32)

    x, residual = numbers(x_frac, 1, channels, height, width), numbers(r_frac, *shape)
    weight, bias = numbers(w_frac, *weight_shape), numbers(b_frac, outputs)
    net = Network()
    value = net.add(cnn.QuantizeOp(net.input(x), x_frac))
    other = net.add(cnn.InputOp("r", cnn.tensor_type(shape)))
    layer = cnn.Conv2dOp(
        value,
        net.weight(weight, w_frac),
        bias=net.weight(bias, b_frac) if with_bias else None,
        residual=net.add(cnn.QuantizeOp(other, r_frac)) if with_residual else None,
        strides=geometry.strides,
        pads=geometry.pads,
        dilations=geometry.dilations,
        groups=groups,
        relu=relu,
        result_type=cnn.tensor_type(shape, y_frac),
    )
    run = net.run(net.add(located(layer, name_location("conv"))), {"x": x, "r": residual})

    qx = np.array(words(x, x_frac), object).reshape(x.shape)
    qw = np.array(words(weight, w_frac), object).reshape(weight_shape)
    qb, qr = words(bias, b_frac), np.array(words(residual, r_frac), object).reshape(shape)
    unit = Accumulator()
    top, left, _, _ = geometry.pads
    expected: list[int] = []
    for o, row, column in product(*map(range, shape[1:])):
        total = qb[o] << x_frac + w_frac - b_frac if with_bias else 0
        total += qr[0, o, row, column] << x_frac + w_frac - r_frac if with_residual else 0
        first = o // (outputs // groups) * (channels // groups)
        for c, i, j in product(*map(range, weight_shape[1:])):
            y = row * geometry.strides[0] + i * geometry.dilations[0] - top
            z = column * geometry.strides[1] + j * geometry.dilations[1] - left
            if 0 <= y < height and 0 <= z < width:
                total += qx[0, first + c, y, z] * qw[o, c, i, j]
        expected.append(unit.finish(total, x_frac + w_frac - y_frac, relu))
    assert run.outputs["y"].ravel().tolist() == expected
    assert run.outputs["y"].dtype == np.int16
    assert unit.counts(run, "conv")


def test_fixed_linear_counts_wraps_and_saturations() -> None:
    x = np.array([[127.0, 127, 127], [1, 2, 3], [-100, 0, 0]], np.float32)
    weight = np.array([[127.0, 127, 127], [1, 0.5, -0.25]], np.float32)
    net = Network()
    value = net.add(cnn.QuantizeOp(net.input(x), 8))
    layer = cnn.LinearOp(value, net.weight(weight, 8))
    run = net.run(net.add(located(layer, name_location("fc"))), x)

    unit = Accumulator()
    expected = [
        [
            unit.finish(sum(round(a * 256) * round(w * 256) for a, w in zip(row, ws, strict=True)), 8)
            for ws in weight.tolist()
        ]
        for row in x.tolist()
    ]
    assert run.outputs["y"].tolist() == expected
    assert unit.wraps == 1
    assert unit.saturations > 0
    assert unit.counts(run, "fc")


@settings(max_examples=40, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_fixed_pools_are_what_the_integers_say(data: st.DataObject, seed: int) -> None:
    draw = data.draw
    geometry = PoolGeometry(
        draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        draw(st.tuples(*[st.integers(0, 2)] * 4)),
        draw(st.booleans()),
        draw(st.booleans()),
    )
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    try:
        shape = geometry.result_shape((1, 2, height, width))
    except ShapeError:
        assume(False)
        raise
    x_frac = draw(FRACS)
    x = np.random.default_rng(seed).integers(-(2**15), 2**15, (1, 2, height, width))
    numbers = (x / 2**x_frac).astype(np.float32)
    options: dict[str, Any] = {
        "kernel": geometry.kernel,
        "strides": geometry.strides,
        "pads": geometry.pads,
        "ceil_mode": geometry.ceil_mode,
    }
    net = Network()
    value = net.add(cnn.QuantizeOp(net.input(numbers), x_frac))
    largest = net.add(cnn.MaxPoolOp(value, **options))
    mean = cnn.AvgPoolOp(value, count_include_pad=geometry.count_include_pad, **options)
    y_frac = draw(st.integers(0, min(31, x_frac + mean.weight_frac)))
    mean = cnn.AvgPoolOp(
        value,
        count_include_pad=geometry.count_include_pad,
        result_type=cnn.tensor_type(shape, y_frac),
        **options,
    )
    net.ops.append(cnn.OutputOp("max", largest))
    run = net.run(net.add(located(mean, name_location("mean"))), numbers)

    unit = Accumulator()
    top, left, bottom, right = geometry.pads
    maxima: list[int] = []
    means: list[int] = []
    for c, row, column in product(*map(range, shape[1:])):
        y, z = row * geometry.strides[0] - top, column * geometry.strides[1] - left
        y_stop, z_stop = y + geometry.kernel[0], z + geometry.kernel[1]
        window = [int(v) for v in x[0, c, max(y, 0) : y_stop, max(z, 0) : z_stop].ravel()]
        maxima.append(max(window))
        n = len(window)
        if geometry.count_include_pad:
            n = (min(y_stop, height + bottom) - y) * (min(z_stop, width + right) - z)
        weight = (2**mean.weight_frac * 2 + n) // (2 * n)
        means.append(unit.finish(sum(window) * weight, x_frac + mean.weight_frac - y_frac))
    assert run.outputs["max"].ravel().tolist() == maxima
    assert run.outputs["y"].ravel().tolist() == means
    assert unit.counts(run, "mean")


@given(data=st.data(), x_frac=FRACS, factor_frac=FRACS, per_channel=st.booleans(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_fixed_product_has_the_fraction_bits_of_both_before_it_is_rounded(
    data: st.DataObject, x_frac: int, factor_frac: int, per_channel: bool, seed: int
) -> None:
    shape, factors = (1, 3, 2, 2), (1, 3, 1, 1) if per_channel else (1, 3, 2, 2)
    rng = np.random.default_rng(seed)
    x, factor = (rng.integers(-(2**15), 2**15, size) for size in (shape, factors))
    x[0, 0, 0, 0] = factor[0, 0, 0, 0] = -(2**15)
    y_frac = data.draw(st.integers(0, x_frac + factor_frac))
    net = Network()
    values = {"x": (x / 2**x_frac).astype(np.float32), "factor": (factor / 2**factor_frac).astype(np.float32)}
    lhs, rhs = (
        net.add(cnn.QuantizeOp(net.add(cnn.InputOp(name, cnn.tensor_type(size))), frac))
        for name, size, frac in (("x", shape, x_frac), ("factor", factors, factor_frac))
    )
    layer = cnn.MultiplyOp(lhs, rhs, cnn.tensor_type(shape, y_frac))
    run = net.run(net.add(located(layer, name_location("product"))), values)

    unit = Accumulator()
    pairs = zip(x.ravel().tolist(), np.broadcast_to(factor, shape).ravel().tolist(), strict=True)
    assert run.outputs["y"].ravel().tolist() == [unit.finish(a * b, x_frac + factor_frac - y_frac) for a, b in pairs]
    assert unit.counts(run, "product") and not unit.wraps


def test_a_product_of_finite_numbers_is_finite() -> None:
    x = np.array([[1e30, -1e30, 3.0]], np.float32)
    net = Network()
    value = net.input(x)
    with np.errstate(over="raise"):
        result = net.run(net.add(cnn.MultiplyOp(value, net.add(cnn.MultiplyOp(value, value)))), x).outputs["y"]
    largest = float(np.finfo(np.float32).max)
    assert result.tolist() == [[largest, -largest, 27.0]]


def test_a_hard_sigmoid_overflows_nowhere() -> None:
    x = np.array([[3e38, -3e38, 0.25]], np.float32)
    net = Network()
    with np.errstate(all="raise"):
        result = net.run(net.add(cnn.HardSigmoidOp(net.input(x), 1e30, -1e30)), x).outputs["y"]
        assert result.tolist() == [[1, 0, 0]]


@given(a_frac=FRACS, b_frac=FRACS, y_frac=FRACS, relu=st.booleans(), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_fixed_add_and_rescale_align_to_the_most_fraction_bits(
    a_frac: int, b_frac: int, y_frac: int, relu: bool, seed: int
) -> None:
    a, b = np.random.default_rng(seed).integers(-(2**15), 2**15, (2, 1, 6))
    net = Network()
    values = {"a": (a / 2**a_frac).astype(np.float32), "b": (b / 2**b_frac).astype(np.float32)}
    lhs, rhs = (
        net.add(cnn.QuantizeOp(net.add(cnn.InputOp(name, cnn.tensor_type((1, 6)))), frac))
        for name, frac in (("a", a_frac), ("b", b_frac))
    )
    add = cnn.AddOp(lhs, rhs, relu=relu, result_type=cnn.tensor_type((1, 6), y_frac))
    net.ops.append(cnn.OutputOp("rescaled", net.add(located(cnn.RescaleOp(lhs, y_frac), name_location("rescale")))))
    run = net.run(net.add(located(add, name_location("add"))), values)

    unit, top = Accumulator(), max(a_frac, b_frac, y_frac)
    sums = [
        unit.finish((int(v) << top - a_frac) + (int(w) << top - b_frac), top - y_frac, relu)
        for v, w in zip(a.ravel(), b.ravel(), strict=True)
    ]
    assert run.outputs["y"].ravel().tolist() == sums
    assert unit.counts(run, "add")
    unit, top = Accumulator(), max(a_frac, y_frac)
    moved = [unit.finish(int(v) << top - a_frac, top - y_frac) for v in a.ravel()]
    assert run.outputs["rescaled"].ravel().tolist() == moved
    assert unit.counts(run, "rescale")


def test_a_clamped_input_is_counted() -> None:
    x = np.array([[127.0, 128.0, -129.0]], np.float32)
    net = Network()
    quantize = located(cnn.QuantizeOp(net.input(x), 8), name_location("input"))
    run = net.run(net.add(quantize), x)
    assert run.outputs["y"].tolist() == [[127 * 256, 32767, -32768]]
    assert run.saturations["input"] == 2


def test_layers_are_observed_by_name() -> None:
    x = normal(2, 3)
    net = Network()
    hidden = net.add(located(cnn.ReluOp(net.input(x)), name_location("relu")))
    run = net.run(net.add(located(cnn.TanhOp(hidden), name_location("tanh"))), x)
    assert list(run.layers) == ["relu", "tanh"]
    np.testing.assert_array_equal(run.layers["relu"], np.maximum(x, 0))


def test_an_operation_that_no_interpreter_knows_is_named() -> None:
    net = Network()
    x = normal(2, 3)
    value = net.input(x)
    cast = net.add(located(UnrealizedConversionCastOp.get([value], [value.type]), name_location("cast")))
    expected = (
        "^builtin.unrealized_conversion_cast has no meaning in snowdialect/interpreters, see docs/add-a-dialect.md$"
    )
    with pytest.raises(SnowError, match=expected):
        net.run(cast, x)


# Constants


def test_constant_expressions() -> None:
    mean, variance, scale, bias = normal(4), np.abs(normal(4)) + 0.1, normal(4), normal(4)
    weight = normal(4, 3, 2, 2)
    net = Network()
    w, m, v, g, b = map(net.weight, (weight, mean, variance, scale, bias))
    s = net.add(cnn.BnScaleOp(v, g, eps=1e-3))
    plain = net.add(cnn.BnScaleOp(v, eps=1e-3))
    t = net.add(cnn.BnShiftOp(m, s, b))
    state = RunState(weights=Weights(net.tensors))
    factor = scale / np.sqrt(variance + 1e-3)
    by_row = weight.transpose(0, 2, 1, 3)[..., ::-1]
    for value, expected in (
        (s, factor),
        (plain, 1 / np.sqrt(variance + 1e-3)),
        (t, bias - mean * factor),
        (net.add(cnn.BnShiftOp(m, s)), -mean * factor),
        (net.add(cnn.FoldScaleOp(w, s)), weight * factor[:, None, None, None]),
        (net.add(cnn.FoldShiftOp(b, s, t)), bias * factor + bias - mean * factor),
        (net.add(cnn.DiagonalOp(s)), factor[:, None, None, None]),
        (net.add(cnn.RepeatOp(s, 2)), factor[[0, 0, 1, 1, 2, 2, 3, 3]]),
        (net.add(cnn.PhaseKernelsOp(w, (1, 1))), weight[:, :, ::-1, ::-1]),
        (net.add(cnn.PhaseKernelsOp(w, (2, 1))), by_row.reshape(8, 3, 1, 2)),
        (net.add(cnn.PhaseKernelsOp(w, (3, 1))), np.pad(by_row, ((0, 0), (0, 1), *[(0, 0)] * 2)).reshape(12, 3, 1, 2)),
        (net.add(cnn.ConstantOp.splat(0.75, (4,))), np.full(4, 0.75)),
    ):
        assert_close(evaluate_constant(value, state), expected)
        assert evaluate_constant(value, state) is evaluate_constant(value, state)
        assert evaluate_constant(value, state).dtype == np.float32


def test_only_what_is_asked_for_or_shared_stays_in_memory() -> None:
    net = Network()
    raw, factor = net.weight(normal(4, 2)), net.weight(normal(4))
    folded = net.add(cnn.FoldScaleOp(raw, factor))
    net.add(cnn.DiagonalOp(factor))
    quantized = net.add(cnn.QuantizeOp(folded, 8))
    state = RunState(weights=Weights(net.tensors))
    assert evaluate_constant(quantized, state).dtype == np.int16
    assert set(state.constants) == {quantized, factor}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (None, "weight 'w0' is needed, but the module names no weights file"),
        ({}, "holds no weight 'w0'"),
        ({"w0": np.zeros((2, 3))}, "weight 'w0' is 2x3 in the weights file, 3x2 in the module"),
        ({"w0": np.full((3, 2), np.nan)}, "weight 'w0' holds values that are not finite"),
    ],
    ids=["no file", "missing", "shape", "nan"],
)
def test_what_is_wrong_with_a_weight_is_said_in_a_line(tensors: dict[str, Array] | None, message: str) -> None:
    x = normal(1, 2)
    net = Network()
    result = net.add(cnn.LinearOp(net.input(x), net.weight(normal(3, 2))))
    net.ops.append(cnn.OutputOp("y", result))
    weights = None if tensors is None else Weights(tensors)
    with pytest.raises(SnowError, match=message) as raised:
        run_module(ModuleOp(net.ops), x, weights)
    assert "\n" not in str(raised.value)


def test_every_window_of_a_pool_holds_an_element() -> None:
    with pytest.raises(ShapeError, match="output column 2 covers no element"):
        PoolGeometry((1, 1), (1, 2), ceil_mode=True).result_shape((1, 1, 1, 4))
    # A padded pool in ceil mode drops the window that would start behind the input and its leading padding.
    assert PoolGeometry((2, 2), (2, 2), (1, 1, 1, 1), True).result_shape((1, 1, 3, 3)) == (1, 1, 2, 2)
    assert PoolGeometry((2, 2), (2, 2), (1, 1, 1, 1), True).result_shape((1, 1, 4, 4)) == (1, 1, 3, 3)


def test_the_shape_of_a_pool_takes_no_time_for_its_size() -> None:
    """A file of few bytes can ask for maps of billions of pixels."""
    assert PoolGeometry((1, 1), (1, 2)).result_shape((1, 1, 1, 2**50)) == (1, 1, 1, 2**49)
