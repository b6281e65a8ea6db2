"""Real networks as ONNX files: they compute what onnxruntime and their Torch7 twins do."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx_models import computed, expected, floats, save

import snowdialect as snow
from lowering import driver
from snowdialect.interpreters import run_module

TWINS = {
    "resnet8_cifar10_bn": "resnet8_cifar10_bn",
    "squeezenet_v1_0_deepcomp": "squeezenet_v1_0",
    "vnn21_Convnet_maxpool": "mnist_convnet_maxpool",
    "vnn21_cifar_base_kw": "cifar_base_kw",
    "vnn21_resnet_2b": "resnet_2b",
}
"""Networks in onnx/trained, and what they are called in torch7/trained."""

STRUCTURES = ["bvlc_alexnet", "inception_v1", "resnet50", "squeezenet", "vgg19"]


def inputs(shared_models: Path, twin: str) -> NDArray[np.float32]:
    """Two inputs of a trained network."""
    with np.load(shared_models / "torch7" / "trained" / f"{twin}.npz") as data:
        if "x" in data:
            return data["x"][:2].astype(np.float32)
        return data["x_uint8_bgr"][:2].astype(np.float32) - data["mean_bgr"].reshape(3, 1, 1)


@pytest.mark.parametrize("name", TWINS)
def test_trained_networks_in_float(shared_models: Path, name: str) -> None:
    path = shared_models / "onnx" / "trained" / f"{name}.onnx"
    batch = inputs(shared_models, TWINS[name])
    theirs = np.concatenate([expected(path, x[None]) for x in batch])
    np.testing.assert_allclose(computed(path, batch), theirs, rtol=1e-4, atol=1e-4 * float(np.abs(theirs).max()))


@pytest.mark.parametrize("name", TWINS)
def test_trained_networks_in_fixed_point(shared_models: Path, name: str) -> None:
    """The same bits as from the Torch7 file, whatever their importers make of pools and names."""
    batch = inputs(shared_models, TWINS[name])[:1]
    outputs: list[NDArray[np.float32]] = []
    for path in (f"onnx/trained/{name}.onnx", f"torch7/trained/{TWINS[name]}.t7"):
        program = driver.read_model(shared_models / path, batch.shape[1:])
        driver.lower(driver.make_context(), program.module, "cnn")
        outputs.append(run_module(program.module, batch, program.weights()).outputs["output"].reshape(-1))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert np.unique(outputs[0]).size > 1


def test_pools_of_whole_maps_become_one_operation(shared_models: Path) -> None:
    """GlobalAveragePool, AveragePool of 8x8 and SpatialAveragePooling: the same text."""
    pools: list[str] = []
    for path, shape in (
        ("onnx/trained/resnet8_cifar10_bn.onnx", (3, 32, 32)),
        ("torch7/trained/resnet8_cifar10_bn.t7", (3, 32, 32)),
        ("onnx/trained/squeezenet_v1_0_deepcomp.onnx", (3, 227, 227)),
        ("torch7/trained/squeezenet_v1_0.t7", (3, 227, 227)),
    ):
        program = driver.read_model(shared_models / path, shape)
        driver.lower(driver.make_context(), program.module, "cnn")
        pools += [str(op).partition("{")[2] for op in program.module.walk() if op.name == "cnn.avg_pool"]
    assert pools[0].startswith("kernel = [8, 8]} :")
    assert pools[2].startswith("kernel = [15, 15]} :")
    assert pools == [pools[0], pools[0], pools[2], pools[2]]


@pytest.mark.parametrize("name", STRUCTURES)
def test_published_structures_come_to_fixed_point(shared_models: Path, name: str) -> None:
    program = driver.read_model(shared_models / "onnx" / "structure" / f"light_{name}.onnx", None)
    assert driver.input_shape(program.module) == (3, 224, 224)
    driver.lower(driver.make_context(), program.module, "cnn")
    assert driver.level_of(program.module) == "cnn"


@pytest.mark.needs_time
@pytest.mark.parametrize("name", STRUCTURES)
def test_published_structures_become_programs(shared_models: Path, name: str) -> None:
    path = shared_models / "onnx" / "structure" / f"light_{name}.onnx"
    network = driver.read_model(path, None)
    driver.lower(driver.make_context(), network.module, "cnn")
    x = floats(1, 3, 224, 224)
    bits = run_module(network.module, x, network.weights()).outputs["output"]
    np.testing.assert_array_equal(snow.compile(path).run(x).output, bits)


def test_a_published_structure_with_weights(shared_models: Path, tmp_path: Path) -> None:
    """Its weights are one number, filled in: seeded ones take their place."""
    model = onnx.load(shared_models / "onnx" / "structure" / "light_squeezenet.onnx")
    shapes = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    filled = [node for node in model.graph.node if node.op_type == "ConstantOfShape"]
    for seed, node in enumerate(filled):
        shape = tuple(map(int, shapes[node.input[0]]))
        weight = floats(*shape, seed=seed) * np.float32(np.sqrt(2 / max(np.prod(shape[1:]), 1)))
        model.graph.initializer.append(numpy_helper.from_array(weight, node.output[0]))
        model.graph.node.remove(node)
    path = save(model, tmp_path / "seeded.onnx")
    x = floats(1, 3, 224, 224)
    theirs = expected(path, x)
    np.testing.assert_allclose(computed(path, x), theirs, rtol=1e-4, atol=1e-4 * float(theirs.max()))
    assert np.unique(theirs).size > 500
