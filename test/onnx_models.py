"""Small ONNX networks for tests, and what onnxruntime makes of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from snowdialect.errors import SnowError
from snowdialect.frontends.onnx import import_model
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights

Array = NDArray[Any]


def node(operator: str, *inputs: str, **attributes: Any) -> NodeProto:
    """A node named after its operator; it reads `x` where no inputs are given, and `Operator` is its result."""
    return helper.make_node(operator, inputs or ("x",), (operator,), name=operator.lower(), **attributes)


def network(
    nodes: Sequence[NodeProto],
    shape: Sequence[int | str],
    constants: Mapping[str, Array] | None = None,
    opset: int = 13,
    ir_version: int = 8,
    **fields: Any,
) -> ModelProto:
    """A model whose input `x` is float32 of `shape` with the batch; the last node's first result is its output."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version, **fields)


def save(model: ModelProto, path: Path) -> Path:
    """Writes a model."""
    path.write_bytes(model.SerializeToString())
    return path


def expected(path: Path, x: Array) -> Array:
    """The output of onnxruntime for an input with its batch."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {session.get_inputs()[0].name: x})
    assert isinstance(output, np.ndarray)
    return output


def computed(path: Path, x: Array, shape: Sequence[int] | None = None) -> Array:
    """Our output for inputs CxHxW with their batch, in float."""
    module, weights = import_model(path, shape)
    module.verify()
    return run_module(module, x, Weights(weights)).outputs["output"]


def floats(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Normally distributed numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


MAPS = (1, 4, 7, 6)
WEIGHT = floats(5, 4, 3, 3)
CONV = node("Conv", "x", "w")


def one_convolution(**options: Any) -> ModelProto:
    """A network of a convolution of `MAPS`, by options of `network`."""
    return network([CONV], MAPS, {"w": WEIGHT}, **options)


def reason(path: Path, shape: Sequence[int] | None = None) -> str:
    """Why a file is refused, without its name."""
    with pytest.raises(SnowError) as info:
        import_model(path, shape)
    message = str(info.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")
