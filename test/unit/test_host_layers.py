"""Layers of the host between all that passes move: what onnxruntime computes, the same bits at every level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx_models import expected, floats, network, save

from lowering import driver
from lowering.check import SIMULATOR, check
from snowdialect.interpreters import run_module

SHAPE = (1, 4, 4, 6)

CONSTANTS = {
    "w": floats(8, 4, 3, 3),
    "v": floats(8, 8, 1, 1, seed=1) / 3,
    "half": floats(4, 4, 1, 1, seed=2) / 2,
    "fc": floats(8, 8, seed=3),
    "six": np.array([1, 6, 1, 6, 1, 6, 1, 6], np.float32).reshape(8, 1, 1),
    "sizes": np.array([1, 8, 1, 1], np.int64),
    "groups": np.array([1, 2, 4, 4, 6], np.int64),
    "maps": np.array([1, 8, 4, 6], np.int64),
    "double": np.array([1, 1, 2, 2], np.float32),
    "wide": floats(8, 16, 1, 1, seed=4) / 4,
}


def named(operator: str, inputs: str, result: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), [result], name=result, **attributes)


CONV = named("Conv", "x w", "a", pads=[1, 1, 1, 1])
RELU6 = named("Clip", "a", "r", min=0.0, max=6.0)
GATE = (
    named("GlobalAveragePool", "r", "g"),
    named("Flatten", "g", "f"),
    named("MatMul", "f fc", "m"),
    named("Reshape", "m sizes", "e"),
    named("Sigmoid", "e", "s"),
)

SHUFFLE = (
    named("Reshape", "r groups", "g"),
    named("Transpose", "g", "t", perm=[0, 2, 1, 3, 4]),
    named("Reshape", "t maps", "s"),
)
HALVES = helper.make_node("Split", ["s"], ["h0", "h1"], name="h", axis=1)

GRAPHS = {
    "a limit before, a convolution behind": (
        CONV,
        RELU6,
        *GATE,
        named("Expand", "s maps", "t"),
        named("Mul", "r t", "p"),
        named("Conv", "p v", "y"),
    ),
    "a limit between a product and a convolution": (
        CONV,
        named("Mul", "a a", "p"),
        named("Clip", "p", "l", min=0.0, max=6.0),
        named("Conv", "l v", "y"),
    ),
    "the square of what has a limit": (CONV, RELU6, named("Mul", "r r", "y")),
    "a ReLU behind": (CONV, named("Sigmoid", "a", "s"), named("Mul", "a s", "p"), named("Relu", "p", "y")),
    "a sum with a convolution": (
        CONV,
        named("Relu", "a", "r"),
        *GATE,
        named("Mul", "s r", "p"),
        named("Conv", "r v", "c"),
        named("Add", "p c", "t"),
        named("Relu", "t", "y"),
    ),
    "a sum with a product": (CONV, RELU6, named("Mul", "a r", "p"), named("Add", "r p", "y")),
    "joined and pooled": (
        CONV,
        RELU6,
        named("Mul", "r a", "p"),
        named("Conv", "r v", "c"),
        named("Concat", "c p c", "j", axis=1),
        named("Relu", "j", "k"),
        named("MaxPool", "k", "y", kernel_shape=[2, 2], strides=[2, 2]),
    ),
    "in two concatenations": (
        CONV,
        named("Mul", "a a", "p"),
        named("Concat", "p a", "j", axis=1),
        named("Concat", "a p", "k", axis=1),
        named("Add", "j k", "y"),
    ),
    "factors per channel before and behind": (
        CONV,
        named("Mul", "a six", "b"),
        named("Sigmoid", "b", "s"),
        named("Mul", "b s", "p"),
        named("Mul", "p six", "q"),
        named("Conv", "q v", "y"),
    ),
    "of the input": (named("Sigmoid", "x", "s"), named("Mul", "x s", "p"), named("Conv", "p w", "y")),
    "of products": (
        CONV,
        named("Tanh", "a", "t"),
        named("Mul", "a t", "p"),
        named("Relu", "a", "r"),
        named("Mul", "p r", "q"),
        named("Mul", "q t", "y"),
    ),
    "a limit before a shuffle": (CONV, RELU6, *SHUFFLE, named("Conv", "s v", "y")),
    "the branches of a ShuffleNet": (
        CONV,
        named("Relu", "a", "r"),
        *SHUFFLE,
        HALVES,
        named("Conv", "h1 half", "c"),
        named("Relu", "c", "d"),
        named("Concat", "h0 d", "j", axis=1),
        named("GlobalAveragePool", "j", "y"),
    ),
    "up and down, as in a U-Net": (
        CONV,
        RELU6,
        named("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
        named("Conv", "p v", "c"),
        named("Relu", "c", "d"),
        named("Resize", "d double", "u", mode="nearest"),
        named("Concat", "u r", "j", axis=1),
        named("Conv", "j wide", "y"),
    ),
    "a limit before an upsampling": (CONV, RELU6, named("Resize", "r double", "u"), named("Conv", "u v", "y")),
    "parts of a concatenation": (
        CONV,
        named("Relu", "a", "r"),
        named("Concat", "r a x", "s", axis=1),
        helper.make_node("Split", ["s"], ["p", "q", "t"], name="parts", axis=1, split=[3, 8, 9]),
        named("Mul", "q a", "m"),
        named("Relu", "t", "u"),
        named("Concat", "p m u", "j", axis=1),
        named("MaxPool", "j", "y", kernel_shape=[2, 2]),
    ),
}


def snr(signal: NDArray[Any], other: NDArray[Any]) -> float:
    return float(10 * np.log10(np.square(signal).sum() / np.square(signal - other).sum()))


@pytest.fixture
def read(tmp_path: Path):
    """Saves a network; returns its path and an input, to which it is to be calibrated."""

    def read(name: str) -> tuple[Path, NDArray[np.float32], driver.PassOptions]:
        path = save(network(GRAPHS[name], SHAPE, CONSTANTS, opset=10), tmp_path / "net.onnx")
        x = floats(*SHAPE, seed=9)
        np.save(tmp_path / "x.npy", x)
        return path, x, driver.pass_options(calibrate=tmp_path / "x.npy")

    return read


@pytest.mark.parametrize("name", GRAPHS)
def test_passes_leave_the_function_alone(read: Any, name: str) -> None:
    path, x, options = read(name)
    wanted = expected(path, x)
    context, program = driver.make_context(), driver.read_model(path, None)
    context.weights = program.weights
    fused = program.module.clone()
    driver.lower(context, fused, "cnn", last="cnn-fuse")
    found = run_module(fused, x, program.weights()).outputs["output"]
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
    driver.lower(context, program.module, "cnn", options=options)
    assert snr(wanted, run_module(program.module, x, program.weights()).outputs["output"]) > 30


@pytest.mark.parametrize(
    "name", ["in two concatenations", "joined and pooled", "the branches of a ShuffleNet", "up and down, as in a U-Net"]
)
def test_all_levels_agree(read: Any, name: str) -> None:
    path, x, options = read(name)
    context, program = driver.make_context(), driver.read_model(path, None)
    context.weights = program.weights
    results = list(check(context, program.module, x, program.weights(), options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR
