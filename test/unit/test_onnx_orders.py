"""Axes in any order, which the host transposes: as onnxruntime has it, the same bits at every level."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx_models import computed, expected, floats, network, reason, save

from lowering import driver
from lowering.check import SIMULATOR, check
from snowdialect.dialects import cnn
from snowdialect.frontends.onnx import import_model

SHAPE = (1, 6, 3, 5)


def integers(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


CONSTANTS: dict[str, NDArray[Any]] = {
    "w": floats(18, 6, 1, 1) / 2,
    "v": floats(12, 6, 1, 1, seed=1) / 2,
    "heads": integers(1, 3, 6, 3, 5),
    "boxes": integers(1, -1, 6),
    "classes": integers(1, -1, 3),
    "wide": floats(6, 6, 1, 3, seed=2) / 3,
    "zero": integers(0),
    "one": integers(1),
    "two": integers(2),
    "three": integers(3),
    "far": integers(99),
    "last": integers(-1),
}


def named(operator: str, inputs: str, result: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), [result], name=result, **attributes)


YOLO = (
    named("Conv", "x w", "c"),
    named("Reshape", "c heads", "h"),
    named("Transpose", "h", "t", perm=[0, 1, 3, 4, 2]),
    named("Sigmoid", "t", "s"),
)

GRAPHS = {
    "yolo": (*YOLO[:2], named("Transpose", "h", "y", perm=[0, 1, 3, 4, 2])),
    "yolo, boxes and classes": (
        *YOLO,
        named("Slice", "s zero two last", "xy"),
        named("Slice", "s two far last", "others"),
        named("Mul", "xy xy", "square"),
        named("Concat", "square others", "j", axis=-1),
        named("Reshape", "j boxes", "y"),
    ),
    "ssd": (
        named("Conv", "x w", "c1"),
        named("Transpose", "c1", "t1", perm=[0, 2, 3, 1]),
        named("Reshape", "t1 classes", "r1"),
        named("Conv", "x v", "c2"),
        named("Transpose", "c2", "t2", perm=[0, 2, 3, 1]),
        named("Reshape", "t2 classes", "r2"),
        named("Concat", "r1 r2", "j", axis=1),
        named("Softmax", "j", "y", axis=-1),
    ),
    "softmax of rows": (named("Conv", "x w", "c"), named("Softmax", "c", "y", axis=2)),
    "softmax of columns": (named("Conv", "x w", "c"), named("Softmax", "c", "y", axis=3)),
    "columns behind columns": (
        named("Conv", "x w", "c"),
        named("Transpose", "c", "t", perm=[0, 2, 1, 3]),
        named("Concat", "t t", "j", axis=3),
        named("Relu", "j", "y"),
    ),
    "logarithms of five axes": (*YOLO[:3], named("LogSoftmax", "t", "y", axis=4)),
    "rows behind rows": (named("Conv", "x w", "c"), named("Relu", "c", "r"), named("Concat", "c r", "y", axis=2)),
    "flattened": (named("Transpose", "x", "t", perm=[0, 1, 3, 2]), named("Flatten", "t", "y")),
    "slice of a flattened one": (
        named("Transpose", "x", "t", perm=[0, 2, 3, 1]),
        named("Flatten", "t", "f"),
        named("Slice", "f two far last three", "y"),
    ),
    "sums of flattened ones": (
        named("Conv", "x wide", "c"),
        named("Transpose", "c", "t", perm=[0, 3, 2, 1]),
        named("ReduceMax", "t one", "r"),
        named("ReduceMax", "t two", "s"),
        named("Flatten", "r", "f"),
        named("Flatten", "s", "g"),
        named("Add", "f g", "a"),
        named("Sub", "a g", "y"),
    ),
    "sums and products": (
        named("Transpose", "x", "t", perm=[0, 1, 3, 2]),
        named("Transpose", "t", "u", perm=[0, 1, 3, 2]),
        named("Conv", "t v", "c"),
        named("Transpose", "c", "d", perm=[0, 1, 3, 2]),
        named("Conv", "x v", "e"),
        named("Add", "d e", "f"),
        named("Sub", "e f", "g"),
        named("Mul", "g d", "y"),
    ),
    "layers of maps": (
        named("Transpose", "x", "t", perm=[0, 1, 3, 2]),
        named("LRN", "t", "l", size=3),
        named("LpNormalization", "l", "n", axis=2),
        named("Conv", "n w", "y"),
    ),
    "largest of five axes": (*YOLO[:3], named("ReduceMax", "t last", "m", keepdims=0), named("Relu", "m", "y")),
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_layers(tmp_path: Path, graph: str) -> None:
    path = save(network(GRAPHS[graph], SHAPE, CONSTANTS, 18), tmp_path / "net.onnx")
    x = floats(*SHAPE, seed=9)
    ours, theirs = computed(path, x), expected(path, x)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-6 * np.abs(theirs).max())


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("graph", GRAPHS)
def test_levels_agree(tmp_path: Path, graph: str, calibrated: bool) -> None:
    path = save(network(GRAPHS[graph], SHAPE, CONSTANTS, 18), tmp_path / "net.onnx")
    program, context = driver.read_model(path, None), driver.make_context()
    context.weights = program.weights
    x = floats(2, *SHAPE[1:], seed=2)
    np.save(tmp_path / "x.npy", x)
    options = driver.pass_options(calibrate=tmp_path / "x.npy" if calibrated else None)
    results = list(check(context, program.module, x, program.weights(), options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_of_any_axes(data: st.DataObject, tmp_path: Path) -> None:
    """Reshape, Transpose, Concat, Slice: whatever the axes, elements are where onnxruntime has them."""
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    axes = range(1, len(sizes) + 1)
    nodes = [
        named("Reshape", "x shape", "r"),
        named("Transpose", "r", "t", perm=[0, *data.draw(st.permutations(axes))]),
        named("Relu", "t", "a"),
        named("Concat", "t a", "c", axis=data.draw(st.sampled_from(axes))),
        named("Slice", "c start far axis step", "s"),
        named("Transpose", "s", "u", perm=[0, *data.draw(st.permutations(axes))]),
        named("Reshape", "u flat", "y"),
    ]
    constants = {
        "shape": integers(1, *sizes),
        "start": integers(0),
        "far": integers(99),
        "axis": integers(data.draw(st.sampled_from(axes))),
        "flat": integers(1, -1),
        "step": integers(data.draw(st.integers(1, 2))),
    }
    shape = (1, int(np.prod(sizes)), 1, 1)
    path = save(network(nodes, shape, constants), tmp_path / "net.onnx")
    x = floats(*shape)
    np.testing.assert_array_equal(computed(path, x), expected(path, x))


def test_maps_in_their_order_are_not_transposed(tmp_path: Path) -> None:
    nodes = [named("Transpose", "x", "t", perm=[0, 2, 3, 1]), named("Relu", "t", "r"), named("Flatten", "r", "f")]
    nodes.append(named("MatMul", "f m", "y"))
    module, _ = import_model(save(network(nodes, SHAPE, {"m": floats(90, 7)}), tmp_path / "net.onnx"), None)
    assert not any(isinstance(op, cnn.TransposeOp) for op in module.body.block.ops)


FLATTENED = named("Transpose", "x", "t", perm=[0, 2, 3, 1]), named("Flatten", "t", "f")


@pytest.mark.parametrize(
    ("nodes", "problem"),
    [
        ([named("Concat", "x x", "y", axis=0)], "y Concat: takes axis 0, which is the batch"),
        ([*FLATTENED, named("Concat", "f f", "y", axis=0)], "y Concat: takes axis 0, which is the batch"),
        (
            [*FLATTENED, named("LpNormalization", "f", "y", axis=0)],
            "y LpNormalization: takes axis 0, which is the batch",
        ),
        ([*FLATTENED, named("Concat", "x f", "y", axis=3)], "y Concat: joins values of 2 and of 4 axes"),
        (
            [named("Transpose", "x", "t", perm=[1, 0, 2, 3]), named("Flatten", "t", "y")],
            "y Flatten: 1x6x3x5 cannot be reshaped to 6x1x3x5",
        ),
        (
            [named("Transpose", "x", "t", perm=[1, 0, 3, 2]), named("LRN", "t", "y", size=3)],
            "y LRN: order [1, 0, 3, 2] is none of 4 axes that begins with 0",
        ),
        ([named("Softmax", "x", "y", axis=2)], "y Softmax: is over neither one axis nor all elements"),
    ],
)
def test_what_is_refused(tmp_path: Path, nodes: list[NodeProto], problem: str) -> None:
    assert reason(save(network(nodes, SHAPE, opset=9), tmp_path / "net.onnx")) == problem
