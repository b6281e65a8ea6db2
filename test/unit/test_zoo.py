"""The networks with seeded weights are the published ones."""

import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torchfile
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from lowering import driver
from lowering.cnn.describe_layers import macs
from lowering.pipeline import LEVELS
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name
from snowdialect.frontends.torch7 import import_model, save
from snowdialect.frontends.torch7.objects import Generated, TorchObject, fields_of, type_name
from snowdialect.interpreters import run_module
from snowdialect.models.zoo import MODELS, PUBLISHED_MODELS

Written = Callable[[str], driver.Source]

WEIGHTED = cnn.Conv2dOp | cnn.BatchNormOp | cnn.LinearOp


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A network without its classifier, written, and read by the frontend."""
    folder = tmp_path_factory.mktemp("zoo")

    @cache
    def write(name: str) -> driver.Source:
        save(folder / f"{name}.t7", tree(name, features_only=True))
        return driver.read_model(folder / f"{name}.t7", MODELS[name].input_shape)

    return write


def tree(name: str, features_only: bool = False, seed: int = 0) -> TorchObject:
    """The modules of a network, whose large tensors are drawn when they are asked for."""
    return MODELS[name].build(np.random.default_rng(seed), features_only)


def layers(module: TorchObject) -> Iterator[TorchObject]:
    """All modules that contain no others, in order."""
    fields = fields_of(module)
    if "modules" not in fields:
        yield module
    for part in fields.get("modules", ()):
        yield from layers(part)


def first_weights(layer: TorchObject) -> NDArray[np.float32]:
    """As many weights as are drawn at once."""
    values = fields_of(layer)["weight"].storage.values
    return next(values.parts()) if isinstance(values, Generated) else values


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("alexnet", 61_100_840),
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("vgg16", 138_357_544),
        ("googlenet", 6_998_552),
        ("squeezenet", 1_248_424),
    ],
)
def test_parameters_are_as_many_as_published(name: str, parameters: int) -> None:
    """Those that are trained: neither means nor variances of batch normalizations."""
    assert parameters_of(name) == parameters


def parameters_of(name: str) -> int:
    fields = [fields_of(layer) for layer in layers(tree(name))]
    return sum(prod(each[key].shape) for each in fields for key in ("weight", "bias") if key in each)


@pytest.mark.parametrize(("name", "operations"), [("alexnet", 1198.6), ("resnet18", 3360), ("resnet50", 7892)])
def test_operations_are_as_many_as_published(written: Written, name: str, operations: float) -> None:
    """Padding-free millions of operations of the convolutions; a multiply-accumulate is two."""
    assert sum(operations_of(written(name)).values()) == pytest.approx(operations, abs=0.5)


def test_layers_have_as_many_operations_as_published(written: Written) -> None:
    assert [round(operations) for operations in operations_of(written("alexnet")).values()] == [139, 409, 202, 269, 179]
    # 256 multipliers at 250 MHz do inception module 3a in 1.92 ms.
    inception = [mops for name, mops in operations_of(written("googlenet")).items() if name.startswith("10.")]
    assert sum(inception) / 2 / (256 * 0.250) == pytest.approx(1.92, abs=0.005)


def operations_of(network: driver.Source) -> dict[str, float]:
    """Millions by the name of each convolution."""
    convolutions = [op for op in network.module.walk() if isinstance(op, cnn.Conv2dOp)]
    return {layer_name(op): 2 * macs(op) / 1e6 for op in convolutions}


@pytest.mark.parametrize("name", PUBLISHED_MODELS)
def test_the_page_of_networks_has_their_figures(written: Written, name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "networks.md").read_text()
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    linear = [fields_of(layer)["weight"].shape for layer in layers(tree(name)) if type_name(layer) == "nn.Linear"]
    millions = sum(operations_of(written(name)).values()) / 2 + sum(map(prod, linear)) / 1e6
    shape = "x".join(map(str, MODELS[name].input_shape))
    assert row.endswith(f"| {shape} | {parameters_of(name):,} | {round(millions):,} M |")


@pytest.mark.parametrize("name", PUBLISHED_MODELS)
def test_features_have_the_same_weights_with_and_without_classifier(name: str) -> None:
    features, whole = list(layers(tree(name, features_only=True))), list(layers(tree(name)))
    assert not {"nn.Linear", "nn.LogSoftMax"} & set(map(type_name, features))
    for ours, theirs in zip(features, whole, strict=False):
        assert type_name(ours) == type_name(theirs)
        if "weight" in fields_of(ours):
            np.testing.assert_array_equal(first_weights(ours), first_weights(theirs))


@pytest.mark.parametrize("name", PUBLISHED_MODELS)
def test_another_seed_gives_other_weights(name: str) -> None:
    ours, others = (first_weights(next(layers(tree(name, seed=seed)))) for seed in (0, 1))
    assert not np.array_equal(ours, others)


CONVOLUTION, POOL = ["nn.SpatialConvolution", "nn.ReLU"], ["nn.SpatialMaxPooling"]
CUDNN = ["cudnn.SpatialConvolution", "nn.SpatialBatchNormalization"]
BASIC = [*CUDNN, "cudnn.ReLU", *CUDNN, "nn.Identity", "nn.CAddTable", "cudnn.ReLU"]
BOTTLENECK = [*CUDNN, "cudnn.ReLU", *BASIC]
END = ["nn.Linear", "nn.LogSoftMax"]


def resnet(block: list[str], counts: list[int]) -> list[str]:
    names: list[Any] = [*CUDNN, "cudnn.ReLU", *POOL]
    for stage, count in enumerate(counts):
        first: list[Any] = list(block)
        if stage > 0 or block is BOTTLENECK:
            first[first.index("nn.Identity")] = CUDNN
        names += [*first, *block * (count - 1)]
    return [*flat(names), "cudnn.SpatialAveragePooling", "nn.View", "nn.Linear"]


def flat(names: list[Any]) -> list[str]:
    return [name for item in names for name in (item if isinstance(item, list) else [item])]


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        (
            "alexnet",
            [
                *[*CONVOLUTION, *POOL] * 2,
                *[*CONVOLUTION * 3, *POOL],
                *["nn.View", *["nn.Dropout", "nn.Linear", "nn.ReLU"] * 2, *END],
            ],
        ),
        ("resnet18", resnet(BASIC, [2, 2, 2, 2])),
        ("resnet34", resnet(BASIC, [3, 4, 6, 3])),
        ("resnet50", resnet(BOTTLENECK, [3, 4, 6, 3])),
        (
            "vgg16",
            [
                *[*CONVOLUTION * 2, *POOL] * 2,
                *[*CONVOLUTION * 3, *POOL] * 3,
                *["nn.View", *["nn.Linear", "nn.Threshold", "nn.Dropout"] * 2, *END],
            ],
        ),
    ],
)
def test_modules_are_those_of_the_public_definitions(name: str, classes: list[str]) -> None:
    """soumith/imagenet-multiGPU.torch: models/alexnetowt.lua, vgg.lua (D); fb.resnet.torch: models/resnet.lua."""
    assert list(map(type_name, layers(tree(name)))) == classes


def test_residual_networks_are_on_the_gpu_and_have_no_bias(tmp_path: Path) -> None:
    """As the package torchfile reads them, which knows nothing of our writer."""
    path = tmp_path / "resnet18.t7"
    save(path, tree("resnet18"))
    root: Any = torchfile.load(str(path), use_list_heuristic=False)
    assert root[b"_type"] == b"torch.CudaTensor"
    convolution, normalization, linear = (root[b"modules"][place] for place in (1, 2, 11))
    assert convolution.torch_typename() == b"cudnn.SpatialConvolution"
    assert b"bias" not in convolution._obj and convolution[b"groups"] == 1
    assert convolution[b"weight"].dtype == np.float32 and normalization[b"running_var"].shape == (64,)
    weights = import_model(path, (3, 224, 224))[1]
    np.testing.assert_array_equal(convolution[b"weight"], weights["0.weight"])
    np.testing.assert_array_equal(linear[b"weight"], weights["10.weight"])
    content = path.read_bytes()
    assert content.count(b"torch.CudaStorage") == len(weights) and b"torch.Float" not in content


def test_squeezenet_has_the_layers_of_the_trained_one(shared_models: Path, written: Written) -> None:
    trained, _ = import_model(shared_models / "torch7" / "trained" / "squeezenet_v1_0.t7", (3, 227, 227))
    ours = [op for op in written("squeezenet").module.walk() if not isinstance(op, cnn.DropoutOp)]
    for op, other in zip(ours, trained.walk(), strict=True):
        assert op.name == other.name and op.result_types == other.result_types
        assert {**op.properties, "weight_name": None} == {**other.properties, "weight_name": None}


@pytest.mark.parametrize(("name", "twin"), [("resnet50", "light_resnet50"), ("googlenet", "light_inception_v1")])
def test_results_are_those_of_the_published_graph(shared_models: Path, tmp_path: Path, name: str, twin: str) -> None:
    """Our weights, put into the ONNX graph that others made of the same network, give our results in ONNX Runtime."""
    path = tmp_path / f"{name}.t7"
    save(path, tree(name))
    program = driver.read_model(path, MODELS[name].input_shape)
    x = np.random.default_rng(1).normal(0, 1, (1, 3, 224, 224)).astype(np.float32)
    model = onnx.load(shared_models / "onnx" / "structure" / f"{twin}.onnx")
    weights = program.weights()
    fill(model, [constants(op, weights) for op in program.module.walk() if isinstance(op, WEIGHTED)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    theirs = np.asarray(session.run(None, {session.get_inputs()[0].name: x})[0])
    ours = run_module(program.module, x, weights).outputs["output"]
    # The graph ends in a softmax, our network in its logarithm or before it.
    exponentials = np.exp(ours - ours.max())
    np.testing.assert_allclose(exponentials / exponentials.sum(), theirs, rtol=1e-3, atol=1e-6)


def constants(op: cnn.Conv2dOp | cnn.BatchNormOp | cnn.LinearOp, weights: Any) -> list[NDArray[np.float32]]:
    """The constants of a layer in the order in which ONNX has them."""
    operands = (op.scale, op.bias, op.mean, op.var) if isinstance(op, cnn.BatchNormOp) else (op.weight, op.bias)
    return [weights[weight_name(operand)] for operand in operands if operand is not None]


def weight_name(value: SSAValue) -> str:
    assert isinstance(value.owner, cnn.WeightOp)
    return value.owner.weight_name.data


def fill(model: Any, arrays: list[list[NDArray[np.float32]]]) -> None:
    """Gives a graph the constants of its layers, and its pools the ceil mode that old versions of ONNX lacked."""
    nodes = [node for node in model.graph.node if node.op_type in ("Conv", "BatchNormalization", "Gemm")]
    for node, own in zip(nodes, arrays, strict=True):
        for index, array in enumerate(own, 1):
            node.input[index] = f"{node.output[0]}.{index}"
            model.graph.initializer.append(onnx.numpy_helper.from_array(array, node.input[index]))
    model.ir_version, model.opset_import[0].version = 8, 10
    for node in model.graph.node:
        pads = [attribute for attribute in node.attribute if attribute.name == "pads"]
        if node.op_type == "MaxPool" and not any(pads[0].ints):
            node.attribute.append(onnx.helper.make_attribute("ceil_mode", 1))
        if node.op_type == "AveragePool" and pads:
            node.attribute.remove(pads[0])


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "resnet50", "googlenet", "squeezenet"])
def test_activations_stay_sensible_in_fixed_point(written: Written, name: str) -> None:
    """Q8.8, and an input of unit variance: nothing is clamped, and at least a third of each layer is not zero."""
    network = written(name)
    module = network.module.clone()
    driver.lower(driver.make_context(), module, LEVELS[0])
    x = np.random.default_rng(2).normal(0, 1, (1, *MODELS[name].input_shape)).astype(np.float32)
    run = run_module(module, x, network.weights())
    assert run.saturations.total() == run.wraps.total() == 0
    for layer, result in run.layers.items():
        assert np.count_nonzero(result) > result.size / 3, layer


def test_a_network_is_written_in_less_memory_than_it_takes(tmp_path: Path) -> None:
    tracemalloc.start()
    save(tmp_path / "alexnet.t7", tree("alexnet"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "alexnet.t7").stat().st_size > 4 * 61_100_840
    assert peak < 20e6
