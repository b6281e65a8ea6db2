"""Dense blocks, as in DenseNets: each layer reads the results of all before it, put together and normalised."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from test_all_levels import check_file

from lowering import driver
from lowering.compiler import compile_model
from lowering.pipeline import LEVELS
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name
from snowdialect.machine import load_machine

RNG = np.random.default_rng(0)
SHAPE = (1, 64, 7, 7)


def dense_block(path: Path, growth: int, layers: int) -> None:
    """Concatenation, batch normalisation, ReLU, 3x3 convolution, so many times."""
    nodes: list[onnx.NodeProto] = []
    weights: dict[str, NDArray[np.float32]] = {}

    def add(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(name: str, values: NDArray[np.float64]) -> str:
        weights[name] = values.astype(np.float32)
        return name

    parts = ["input"]
    for layer in range(layers):
        channels = SHAPE[1] + growth * layer
        x = parts[0] if layer == 0 else add("Concat", parts, f"cat{layer}", axis=1)
        scale = weight(f"s{layer}", RNG.uniform(0.5, 1.5, channels))
        shift = weight(f"b{layer}", RNG.normal(0, 0.5, channels))
        mean, variance = weight(f"m{layer}", np.zeros(channels)), weight(f"v{layer}", np.ones(channels))
        x = add("BatchNormalization", [x, scale, shift, mean, variance], f"norm{layer}")
        x = add("Relu", [x], f"relu{layer}")
        kernels = weight(f"w{layer}", RNG.normal(0, 0.05, (growth, channels, 3, 3)))
        parts = [*parts, add("Conv", [x, kernels], f"conv{layer}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
    add("Concat", parts, "output", axis=1)
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


@pytest.mark.parametrize(
    ("growth", "copied"),
    [
        # What is there already, once for each concatenation.
        (32, ["cat2.copy0", "output.copy0"]),
        # Where a part begins, a transfer does: the two parts of cat1 have no gap between them, those of cat2 have.
        (16, ["cat2.copy0", "cat2.copy1", "output.copy0"]),
    ],
)
def test_every_level_computes_the_same(tmp_path: Path, growth: int, copied: list[str]) -> None:
    dense_block(tmp_path / "net.onnx", growth, 3)
    check_file(tmp_path / "net.onnx", RNG.normal(0, 1, (2, *SHAPE[1:])))
    copies = [layer for layer in compile_model(tmp_path / "net.onnx").layers if ".copy" in layer.name]
    assert [layer.name for layer in copies] == copied
    assert {layer.kind for layer in copies} == {"add"}


def test_a_kernel_that_normalises_a_channel_does_not_see_all_that_are_put_together(tmp_path: Path) -> None:
    dense_block(tmp_path / "net.onnx", 32, 2)
    module = driver.read_model(tmp_path / "net.onnx", None).module
    driver.lower(driver.make_context(), module, LEVELS[1], last="cnn-place-concats")
    (norm,) = [op for op in module.walk() if isinstance(op, cnn.Conv2dOp) and layer_name(op) == "norm1"]
    assert isinstance(norm.x.owner, cnn.ConcatOp)
    assert conv_problem(norm, load_machine()).windows > 1
