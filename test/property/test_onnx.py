"""Windows of ONNX convolutions and pools, linear Resize, slices and borders: results are those of onnxruntime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto
from onnx_models import Array, computed, expected, floats, network, node, save
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

from lowering import driver
from snowdialect.dialects import cnn
from snowdialect.errors import SnowError
from snowdialect.frontends.onnx.resize import LINES
from snowdialect.interpreters import run_module

SIZES = st.integers(1, 9)
PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4)).map(list)

NO_WINDOW = ("the padded input has", "covers no element", "leave nothing of", "no kernel ends so far")
"""Why there may be no result: a kernel larger than the map, a window of padding only, as much padding as result."""


@st.composite
def windows(draw: st.DrawFn, kernel: list[int]) -> dict[str, Any]:
    """Strides and padding, the latter less than the kernel, or automatic."""
    attributes: dict[str, Any] = {"strides": draw(PAIRS)}
    auto_pad = draw(st.sampled_from(["NOTSET", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]))
    if auto_pad == "NOTSET":
        return {**attributes, "pads": [draw(st.integers(0, size - 1)) for size in kernel * 2]}
    # onnxruntime does not pad where strides leave gaps between the windows.
    strides = [min(pair) for pair in zip(attributes["strides"], kernel, strict=True)]
    return {"strides": strides, "auto_pad": auto_pad}


@st.composite
def convolutions(draw: st.DrawFn) -> ModelProto:
    """A convolution; onnxruntime pads automatically without dilations only."""
    kernel, groups = draw(PAIRS), draw(st.integers(1, 3))
    inputs, outputs = (groups * draw(st.integers(1, 3)) for _ in range(2))
    attributes = draw(windows(kernel))
    if "pads" in attributes:
        attributes["dilations"] = draw(PAIRS)
    constants = {"w": floats(outputs, inputs // groups, *kernel), "b": floats(outputs)}
    layer = node("Conv", "x", "w", "b", group=groups, **attributes)
    return network([layer], (1, inputs, draw(SIZES), draw(SIZES)), constants)


@st.composite
def transposed(draw: st.DrawFn, norm: bool = False) -> ModelProto:
    """A transposed convolution, perhaps with a batch normalization and a ReLU behind."""
    kernel, groups, strides = draw(PAIRS), draw(st.integers(1, 3)), draw(PAIRS)
    strides = [min(stride, 2 * taps) for stride, taps in zip(strides, kernel, strict=True)]
    attributes: dict[str, Any] = {"strides": strides}
    match draw(st.sampled_from(["pads", "output_shape", "auto_pad"])):
        case "pads":
            attributes["pads"] = [draw(st.integers(0, size - 1)) for size in kernel * 2]
            attributes["output_padding"] = [draw(st.integers(0, stride - 1)) for stride in strides]
            attributes["dilations"] = [draw(st.integers(1, 3)) if stride == 1 else 1 for stride in strides]
        case "output_shape":
            attributes["output_shape"] = [draw(st.integers(1, 9)), draw(st.integers(1, 9))]
            attributes["auto_pad"] = draw(st.sampled_from(["NOTSET", "SAME_UPPER"]))
        case _:
            # As above, onnxruntime adds nothing where strides leave gaps.
            attributes["auto_pad"] = draw(st.sampled_from(["VALID", "SAME_UPPER", "SAME_LOWER"]))
            attributes["strides"] = [min(pair) for pair in zip(strides, kernel, strict=True)]
    inputs, outputs = groups * draw(st.integers(1, 3)), draw(st.integers(1, 3))
    constants = {"w": floats(inputs, outputs, *kernel), "b": floats(groups * outputs)}
    layers = [node("ConvTranspose", "x", "w", "b", group=groups, **attributes)]
    if norm:
        layers += [node("BatchNormalization", "ConvTranspose", *"bbbv"), node("Relu", "BatchNormalization")]
        constants["v"] = np.abs(floats(groups * outputs, seed=1)) + np.float32(0.1)
    return network(layers, (1, inputs, draw(SIZES), draw(SIZES)), constants)


@st.composite
def pools(draw: st.DrawFn) -> ModelProto:
    """A pool; the older operator sets have no ceil mode."""
    kernel = draw(PAIRS)
    attributes = {**draw(windows(kernel)), "kernel_shape": kernel}
    operator = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    opset = draw(st.sampled_from([9, 13, 19]))
    if opset > 9 and "pads" in attributes:
        attributes["ceil_mode"] = draw(st.integers(0, 1))
    if operator == "AveragePool":
        attributes["count_include_pad"] = draw(st.integers(0, 1))
    return network([node(operator, **attributes)], (1, 2, draw(SIZES), draw(SIZES)), opset=opset)


@st.composite
def resizes(draw: st.DrawFn) -> ModelProto:
    """A linear Resize, by factors or to sizes."""
    coordinates = draw(st.sampled_from([*LINES]))
    options = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    constants: dict[str, Array] = {"s": np.array([1, 2, draw(SIZES), draw(SIZES)])}
    inputs = ("x", "", "", "s")
    if draw(st.booleans()):
        factors = st.floats(1, 4, width=32)
        constants, inputs = {"s": np.array([1, 1, draw(factors), draw(factors)], np.float32)}, ("x", "", "s")
    return network([node("Resize", *inputs, **options)], (1, 2, draw(SIZES), draw(SIZES)), constants, opset=19)


@st.composite
def slices(draw: st.DrawFn) -> ModelProto:
    """A Slice of any axes, in both directions, that leaves something."""
    shape = (1, draw(SIZES), draw(SIZES), draw(SIZES))
    axes = draw(st.lists(st.sampled_from([1, 2, 3]), min_size=1, unique=True))
    bounds: list[tuple[int, int, int]] = []
    for axis in axes:
        taken = draw(st.slices(shape[axis]).filter(lambda part, size=shape[axis]: len(range(size)[part]) > 0))
        step = 1 if taken.step is None else taken.step
        start = taken.start if taken.start is not None else 0 if step > 0 else 1 << 40
        end = taken.stop if taken.stop is not None else (1 << 40) * (1 if step > 0 else -1)
        bounds.append((start, end, step))
    starts, ends, steps = (np.array(numbers) for numbers in zip(*bounds, strict=True))
    constants = {"starts": starts, "ends": ends, "axes": np.array(axes), "steps": steps}
    return network([node("Slice", "x", *constants)], shape, constants)


@st.composite
def borders(draw: st.DrawFn) -> ModelProto:
    """A Pad that repeats or mirrors; no more is cut off than leaves two rows and columns."""
    shape = (1, 2, draw(st.integers(2, 9)), draw(st.integers(2, 9)))
    pads = [draw(st.integers(-((size - 2) // 2), 1)) for size in (*shape[2:], *shape[2:])]
    constants = {"p": np.array([0, 0, *pads[:2], 0, 0, *pads[2:]])}
    return network([node("Pad", "x", "p", mode=draw(st.sampled_from(["edge", "reflect"])))], shape, constants)


# A network of one layer takes milliseconds.
@settings(max_examples=10 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=st.one_of(convolutions(), transposed(), pools(), resizes(), slices(), borders()))
def test_windows(model: ModelProto, tmp_path: Path) -> None:
    compare(model, tmp_path, computed)


@settings(max_examples=3 * settings().max_examples, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(model=transposed(norm=True))
def test_transposed_convolutions_as_other_convolutions(model: ModelProto, tmp_path: Path) -> None:
    compare(model, tmp_path, computed_as_convolutions)


def computed_as_convolutions(path: Path, x: Array) -> Array:
    """Our output, in float, after the passes that leave no transposed convolutions, and fold and fuse."""
    program = driver.read_model(path, None)
    driver.lower(driver.make_context(), program.module, "cnn", last="cnn-fuse")
    assert not any(isinstance(op, cnn.ConvTranspose2dOp | cnn.BatchNormOp) for op in program.module.body.block.ops)
    return run_module(program.module, x, program.weights()).outputs["output"]


def compare(model: ModelProto, tmp_path: Path, compute: Callable[[Path, Array], Array]) -> None:
    path = save(model, tmp_path / "net.onnx")
    x = floats(*(size.dim_value for size in model.graph.input[0].type.tensor_type.shape.dim))
    try:
        ours = compute(path, x)
    except SnowError as error:
        assert any(reason in str(error) for reason in NO_WINDOW)
        return
    try:
        theirs = expected(path, x)
    except (Fail, InvalidArgument, RuntimeException):
        pytest.fail(f"onnxruntime has no result for {model.graph.node[0]}")
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
