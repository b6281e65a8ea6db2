"""Attention to channels and places, and sums and products of values of several shapes: as onnxruntime has it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx_models import computed, expected, floats, network, reason, save

from lowering import driver
from lowering.check import SIMULATOR, check

SHAPE = (1, 6, 5, 7)

CONSTANTS: dict[str, NDArray[Any]] = {
    "w": floats(6, 6, 3, 3) / 3,
    "squeeze": floats(2, 6, 1, 1, seed=1),
    "excite": floats(6, 2, 1, 1, seed=2),
    "spatial": floats(1, 2, 7, 7, seed=3) / 4,
    "axes1": np.array([1], np.int64),
    "axes23": np.array([2, 3], np.int64),
    "zeros": np.array([0, 2, 0, 0, 0, 3, 0, 0], np.int64),
    "around": np.array([0, 0, 1, 0, 0, 1, -1, 2], np.int64),
}


def named(operator: str, inputs: str, result: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), [result], name=result, **attributes)


CONV = named("Conv", "x w", "a", pads=[1, 1, 1, 1])
LAST = named("Conv", "b w", "y", pads=[1, 1, 1, 1])

GRAPHS = {
    "cbam": (
        CONV,
        named("GlobalAveragePool", "a", "mean"),
        named("Conv", "mean squeeze", "mean1"),
        named("Relu", "mean1", "mean2"),
        named("Conv", "mean2 excite", "mean3"),
        named("ReduceMax", "a axes23", "most", keepdims=1),
        named("Conv", "most squeeze", "most1"),
        named("Relu", "most1", "most2"),
        named("Conv", "most2 excite", "most3"),
        named("Add", "mean3 most3", "gate"),
        named("Sigmoid", "gate", "channels"),
        named("Mul", "a channels", "c"),
        named("ReduceMean", "c axes1", "place_mean", keepdims=1),
        named("ReduceMax", "c axes1", "place_max", keepdims=1),
        named("Concat", "place_mean place_max", "both", axis=1),
        named("Conv", "both spatial", "place", pads=[3, 3, 3, 3]),
        named("Sigmoid", "place", "places"),
        named("Mul", "places c", "b"),
        LAST,
    ),
    "one channel is added to all": (
        CONV,
        named("ReduceMean", "a axes1", "m"),
        named("Add", "a m", "b"),
        named("Sub", "m b", "d"),
        named("Conv", "d w", "y"),
    ),
    "a row and a column": (
        CONV,
        named("ReduceMax", "a row", "r"),
        named("ReduceMean", "a column", "s"),
        named("Mul", "a r", "p"),
        named("Add", "p s", "b"),
        LAST,
    ),
    "vectors": (CONV, named("ReduceMean", "a axes23", "v", keepdims=0), named("ReduceMax", "v axes1", "y")),
    "no channels": (named("ReduceMax", "x axes1", "y", keepdims=0),),
    "channels of zeros": (CONV, named("Pad", "a zeros", "b"), named("Relu", "b", "c"), named("Pad", "c around", "y")),
}
ROWS = {"row": np.array([-2], np.int64), "column": np.array([3], np.int64)}


@pytest.mark.parametrize("graph", GRAPHS)
def test_layers(tmp_path: Path, graph: str) -> None:
    path = save(network(GRAPHS[graph], SHAPE, CONSTANTS | ROWS, 18), tmp_path / "net.onnx")
    x = floats(*SHAPE, seed=9)
    ours, theirs = computed(path, x), expected(path, x)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("graph", GRAPHS)
def test_levels_agree(tmp_path: Path, graph: str, calibrated: bool) -> None:
    path = save(network(GRAPHS[graph], SHAPE, CONSTANTS | ROWS, 18), tmp_path / "net.onnx")
    program, context = driver.read_model(path, None), driver.make_context()
    context.weights = program.weights
    x = floats(2, *SHAPE[1:], seed=2)
    np.save(tmp_path / "x.npy", x)
    options = driver.pass_options(calibrate=tmp_path / "x.npy" if calibrated else None)
    results = list(check(context, program.module, x, program.weights(), options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR


def test_channels_last(tmp_path: Path) -> None:
    """A map of one channel is multiplied, wherever the channels stand."""
    nodes = [
        named("Transpose", "x", "first", perm=[0, 3, 1, 2]),
        named("Conv", "first w", "a"),
        named("Transpose", "a", "last", perm=[0, 2, 3, 1]),
        named("ReduceMax", "last column", "m"),
        named("Mul", "m last", "y"),
    ]
    path = save(network(nodes, (1, 5, 7, 6), CONSTANTS | ROWS, 18), tmp_path / "net.onnx")
    x = floats(1, 5, 7, 6)
    ours = computed(path, np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(ours.transpose(0, 2, 3, 1), expected(path, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "constants", "problem"),
    [
        (
            [named("ReduceMax", "x a", "y")],
            {"a": np.array([1, 2], np.int64)},
            "y ReduceMax: pools other axes than rows and columns of maps",
        ),
        ([named("ReduceMean", "x", "y")], {}, "y ReduceMean: pools other axes than rows and columns of maps"),
        (
            [named("Pad", "x p", "y", mode="edge")],
            {"p": np.array([0, 1, 0, 0, 0, 0, 0, 0], np.int64)},
            "y Pad: pads the batch, or channels with what is not zero",
        ),
        (
            [named("Pad", "x p", "y")],
            {"p": np.array([0, 1 << 20, 0, 0, 0, 0, 0, 0], np.int64)},
            "y Pad: repeats numbers for its channels, of which a network may have 4194304",
        ),
        (
            [*(named("Pad", "x p", f"p{index}") for index in range(3)), named("Concat", "p0 p1 p2", "y", axis=1)],
            {"p": np.array([0, 300_000, 0, 0, 0, 0, 0, 0], np.int64)},
            "p2 Pad: repeats numbers for its channels, of which a network may have 4194304",
        ),
        (
            [named("MaxPool", "x", "p", kernel_shape=[2, 1]), named("Add", "x p", "y")],
            {},
            "y Add: operands must have one shape, are 1x6x5x7 and 1x6x4x7",
        ),
    ],
)
def test_what_is_refused(
    tmp_path: Path, nodes: list[NodeProto], constants: dict[str, NDArray[Any]], problem: str
) -> None:
    assert reason(save(network(nodes, SHAPE, constants, 18), tmp_path / "net.onnx")) == problem
