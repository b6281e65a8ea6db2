"""ONNX files that are laid out in another way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, external_data_helper, helper, numpy_helper
from onnx_models import MAPS, WEIGHT, computed, expected, floats, network, node, one_convolution, reason, save

from snowdialect.frontends.onnx import import_model
from snowdialect.frontends.onnx.wire import MODEL, Damage, skim
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights, open_weights, write_weights


def output(path: Path) -> NDArray[Any]:
    return computed(path, floats(*MAPS))


def test_layouts_of_a_file(tmp_path: Path) -> None:
    """Initializers that are inputs as well (IR version 3), numbers one by one, other precisions."""
    model = one_convolution(ir_version=3)
    plain = output(save(model, tmp_path / "plain.onnx"))
    np.testing.assert_allclose(plain, expected(tmp_path / "plain.onnx", floats(*MAPS)), rtol=1e-4, atol=1e-5)
    listed = helper.make_tensor("w", TensorProto.FLOAT, WEIGHT.shape, WEIGHT.reshape(-1))
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, WEIGHT.shape))
    for tensor in (listed, numpy_helper.from_array(WEIGHT.astype(np.float64), "w")):
        model.graph.initializer[0].CopyFrom(tensor)
        np.testing.assert_array_equal(output(save(model, tmp_path / "other.onnx")), plain)


def test_half_precision(tmp_path: Path) -> None:
    """As bytes, or as integers that hold the bits."""
    half = WEIGHT.astype(np.float16)
    bits = helper.make_tensor("w", TensorProto.FLOAT16, half.shape, half.reshape(-1))
    outputs: list[NDArray[Any]] = []
    for tensor in (numpy_helper.from_array(half, "w"), bits, numpy_helper.from_array(half.astype(np.float32), "w")):
        model = one_convolution()
        model.graph.initializer[0].CopyFrom(tensor)
        outputs.append(output(save(model, tmp_path / "half.onnx")))
    np.testing.assert_array_equal(outputs[0], outputs[2])
    np.testing.assert_array_equal(outputs[1], outputs[2])


def external(folder: Path, location: str, **entries: str) -> Path:
    """A model whose weight lies in a file beside it."""
    model = one_convolution()
    (tensor,) = model.graph.initializer
    external_data_helper.set_external_data(tensor, location)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    tensor.ClearField("raw_data")
    return save(model, folder / "net.onnx")


def test_external_data(tmp_path: Path) -> None:
    plain = output(save(one_convolution(), tmp_path / "plain.onnx"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "weights.bin").write_bytes(b"1234" + WEIGHT.tobytes() + b"5")
    path = external(tmp_path, "data/weights.bin", offset="4", length=str(WEIGHT.nbytes))
    np.testing.assert_array_equal(output(path), plain)


@pytest.mark.parametrize(
    ("location", "entries", "problem"),
    [
        ("../weights.bin", {}, "lies outside of the model's folder, in '../weights.bin'"),
        ("inside/../weights.bin", {}, "lies outside of the model's folder, in 'inside/../weights.bin'"),
        ("/etc/hostname", {}, "lies outside of the model's folder, in '/etc/hostname'"),
        ("link.bin", {}, "lies outside of the model's folder, in 'link.bin'"),
        ("absent.bin", {}, "has external data that cannot be read: {folder}/absent.bin: no such file"),
        (".", {}, "has external data that cannot be read: {folder}: not a regular file"),
        ("net.onnx", {"offset": "8", "length": "12"}, "of 5x4x3x3 takes 720 bytes, has 12"),
        ("net.onnx", {"offset": "-8"}, "has external data at '-8', expected a number"),
        ("net.onnx", {"offset": "9999"}, "lies at bytes 9999 to 9999 of external data with {size}"),
    ],
)
def test_external_data_that_is_refused(tmp_path: Path, location: str, entries: dict[str, str], problem: str) -> None:
    folder = tmp_path / "model"
    (folder / "inside").mkdir(parents=True)
    for outside in (tmp_path, folder / "inside"):
        (outside / "weights.bin").write_bytes(WEIGHT.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    path = external(folder, location, **entries)
    problem = problem.format(folder=folder, size=path.stat().st_size)
    assert reason(path) == f"conv Conv: tensor 'w' {problem}"


def test_input_shapes(tmp_path: Path) -> None:
    """--input-shape fills what the file leaves open, and overrides what it says."""
    path = save(network([node("Relu")], ("N", 4, "H", 6)), tmp_path / "net.onnx")
    for shape in ((4, 7, 6), (3, 2, 2)):
        x = floats(1, *shape)
        np.testing.assert_array_equal(computed(path, x, shape), np.maximum(x, 0))
    assert reason(path) == "its input is 4x?x6; give its shape with --input-shape CxHxW"
    assert reason(path, (4, 7)) == "its input is 4x?x6, not 4x7"
    assert reason(path, (4, 1 << 31, 1 << 31)).startswith(
        "4x2147483648x2147483648 is no shape of an input, whose sizes are at least 1, rows and columns at most 65536"
    )


def test_names(tmp_path: Path) -> None:
    """A node is known by its name, where it has one of its own that can be printed."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["b"], name="twice"),
        helper.make_node("Relu", ["b"], ["first"], name="twice"),
        helper.make_node("Relu", ["first"], ["c"]),
        helper.make_node("Conv", ["c", "w"], ["y"], name="a\nb"),
    ]
    module, weights = import_model(save(network(nodes, MAPS, {"w": WEIGHT}), tmp_path / "net.onnx"), None)
    locations = [str(op.location) for op in module.body.block.ops if op.name in ("cnn.relu", "cnn.conv2d")]
    assert locations == [f'loc("{name}")' for name in ("first", "b", "first.2", "c", "a?b")]
    assert list(weights) == ["a?b.weight"]


def test_shared_weights_are_kept_once(tmp_path: Path) -> None:
    nodes = [node("Gemm", "x", "w"), helper.make_node("Gemm", ["Gemm", "w"], ["y"], name="second")]
    path = save(network(nodes, (1, 5), {"w": floats(5, 5)}), tmp_path / "net.onnx")
    assert list(import_model(path, None)[1]) == ["gemm.weight"]


def test_filled_weights_take_no_memory(tmp_path: Path) -> None:
    """A gigabyte of zeros; a weights file of a smaller one is written part by part."""
    filled = node("ConstantOfShape", "sizes")
    layers = [filled, node("MatMul", "x", "ConstantOfShape")]
    path = save(network(layers, (1, 16384), {"sizes": np.array([16384, 16384])}), tmp_path / "net.onnx")
    _, weights = import_model(path, None)
    assert weights["matmul.weight"].base is not None and weights["matmul.weight"].strides == (0, 0)
    weight = np.broadcast_to(np.float32(0.5), (3, 1 << 19))
    write_weights(tmp_path / "w.safetensors", {"w": weight})
    np.testing.assert_array_equal(open_weights(tmp_path / "w.safetensors")["w"], weight)


def test_relu6_is_exact_in_fixed_point(tmp_path: Path) -> None:
    """As layers that all levels have: clamped inputs, bit for bit."""
    from lowering import driver

    path = save(network([node("Clip", min=0.0, max=6.0)], (1, 3, 4, 4), opset=10), tmp_path / "net.onnx")
    program = driver.read_model(path, None)
    driver.lower(driver.make_context(), program.module, "cnn")
    x = np.round(floats(20, 3, 4, 4) * 2000) / 256
    np.testing.assert_array_equal(run_module(program.module, x, program.weights()).outputs["output"], np.clip(x, 0, 6))


@pytest.mark.parametrize(
    ("operator", "attributes", "function"),
    [
        ("Abs", {}, np.abs),
        ("Neg", {}, np.negative),
        ("Clip", {"min": -100.0, "max": 120.0}, lambda x: np.clip(x, -100, 120)),
        ("Clip", {"min": -3.0, "max": -0.5}, lambda x: np.clip(x, -3, -0.5)),
        ("Clip", {"min": 0.5, "max": 100.0}, lambda x: np.clip(x, 0.5, 100)),
        ("Clip", {"min": 0.0, "max": 0.0}, lambda x: 0 * x),
    ],
)
def test_pieces_are_exact_in_fixed_point(
    tmp_path: Path, operator: str, attributes: dict[str, float], function: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    """Of any words but the lowest, whose opposite no word is."""
    from lowering import driver

    path = save(network([node(operator, **attributes)], (1, 1, 256, 256), opset=10), tmp_path / "net.onnx")
    program = driver.read_model(path, None)
    driver.lower(driver.make_context(), program.module, "cnn")
    x = (np.arange(-(1 << 15), 1 << 15) / 256).reshape(1, 1, 256, 256)
    x[0, 0, 0, 0] = 0
    found = run_module(program.module, x, program.weights()).outputs["output"]
    np.testing.assert_array_equal(found, function(x))


def test_skimming_keeps_the_network_and_leaves_out_the_rest() -> None:
    model = one_convolution(doc_string="about", producer_name="somebody")
    model.graph.doc_string = "graph"
    skimmed = ModelProto.FromString(skim(model.SerializeToString()))
    assert skimmed.graph.node == model.graph.node
    assert skimmed.opset_import == model.opset_import
    assert not skimmed.graph.doc_string and not skimmed.doc_string and not skimmed.graph.initializer[0].raw_data
    assert skimmed.graph.initializer[0].dims == model.graph.initializer[0].dims
    assert MODEL.parts is not None and 25 not in MODEL.parts
    with pytest.raises(Damage):
        skim(model.SerializeToString()[:-1])


def test_weights_of_a_module_stay_those_of_the_file(tmp_path: Path) -> None:
    """Arrays are views of the mapped file, which may be removed."""
    path = save(one_convolution(), tmp_path / "net.onnx")
    module, weights = import_model(path, None)
    path.unlink()
    assert not weights["conv.weight"].flags.owndata
    x = floats(*MAPS)
    assert run_module(module, x, Weights(weights)).outputs["output"].shape == (1, 5, 5, 4)
