"""Functions of single elements, and normalizations: what onnxruntime, and Torch7's sources, make of them."""

from collections.abc import Callable
from math import erf, pi, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch7_models
from numpy.typing import NDArray
from onnx import NodeProto, helper
from onnx_models import MAPS, computed, expected, floats, network, node, reason, save
from torch7_models import Array, run

from lowering import driver
from lowering.check import SIMULATOR, check
from snowdialect.dialects import cnn
from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7 import save as save_torch7
from snowdialect.frontends.torch7.objects import TorchObject, torch_object
from snowdialect.interpreters import run_module

C = floats(4, seed=3)


def number(value: float) -> NDArray[np.float32]:
    return np.array(value, np.float32)


def chain(*nodes: NodeProto, opset: int = 13, **constants: Array) -> tuple[list[NodeProto], dict[str, Array], int]:
    return [*nodes], constants, opset


GELU = chain(
    node("Div", "x", "root"),
    node("Erf", "Div"),
    node("Add", "Erf", "one"),
    node("Mul", "x", "Add"),
    helper.make_node("Mul", ["Mul", "half"], ["y"]),
    root=number(sqrt(2)),
    one=number(1),
    half=number(0.5),
)

OPERATORS = {
    "elu": chain(node("Elu", alpha=0.3)),
    "selu": chain(node("Selu")),
    "celu": chain(node("Celu", alpha=0.3)),
    "softplus": chain(node("Softplus")),
    "softsign": chain(node("Softsign")),
    "erf": chain(node("Erf")),
    "mish": chain(node("Mish"), opset=18),
    "mish in parts": chain(node("Softplus"), node("Tanh", "Softplus"), node("Mul", "x", "Tanh")),
    "gelu": chain(node("Gelu"), opset=20),
    "gelu in parts": GELU,
    "square": chain(node("Pow", "x", "e"), e=number(2)),
    "cube": chain(node("Pow", "x", "e"), e=number(3)),
    "power of four": chain(node("Pow", "x", "e"), e=number(4)),
    "power of seven": chain(node("Pow", "x", "e"), e=number(7)),
    "power of ten": chain(node("Pow", "x", "e"), e=number(10)),
    "root": chain(node("Abs"), node("Sqrt", "Abs")),
    "power": chain(node("Abs"), node("Pow", "Abs", "e"), e=number(1.7)),
    "no power": chain(node("Pow", "x", "e"), e=number(1)),
    "instance": chain(node("InstanceNormalization", "x", "s", "b", epsilon=1e-3), s=C, b=C[::-1].copy()),
    "plain instance": chain(node("InstanceNormalization", "x", "s", "b"), s=C * 0 + 1, b=C * 0),
    "norm": chain(node("LpNormalization", axis=1)),
    "norm of sums": chain(node("LpNormalization", axis=-3, p=1)),
}


@pytest.mark.parametrize("case", OPERATORS)
@pytest.mark.parametrize("last", [None, "cnn-fuse"])
def test_operators(tmp_path: Path, case: str, last: str | None) -> None:
    """As imported, and behind all passes before fixed point."""
    nodes, constants, opset = OPERATORS[case]
    path = save(network(nodes, MAPS, constants, opset), tmp_path / "net.onnx")
    x = 2 * floats(*MAPS, seed=1)
    wanted = expected(path, x)
    if last is None:
        ours = computed(path, x)
    else:
        program = driver.read_model(path, None)
        driver.lower(driver.make_context(), program.module, "cnn", last=last)
        ours = run_module(program.module, x, program.weights()).outputs["output"]
    assert ours.shape == wanted.shape
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_a_gelu_in_parts_is_one_function_and_one_product(tmp_path: Path) -> None:
    nodes, constants, opset = GELU
    program = driver.read_model(save(network(nodes, MAPS, constants, opset), tmp_path / "net.onnx"), None)
    driver.lower(driver.make_context(), program.module, "cnn", last="cnn-canonicalize")
    kinds = [type(op) for op in program.module.body.block.ops if isinstance(op, cnn.HostOp | cnn.ScaleShiftOp)]
    assert kinds == [cnn.ErfOp, cnn.MultiplyOp, cnn.ScaleShiftOp]


@pytest.mark.parametrize("case", OPERATORS)
@pytest.mark.parametrize("calibrated", [False, True])
def test_levels_agree(tmp_path: Path, case: str, calibrated: bool) -> None:
    """Between convolutions."""
    nodes, constants, opset = OPERATORS[case]
    inner = [NodeProto.FromString(part.SerializeToString()) for part in nodes]
    for part in inner:
        part.input[:] = ["first" if name == "x" else name for name in part.input]
    layers = [
        helper.make_node("Conv", ["x", "w"], ["first"]),
        *inner,
        helper.make_node("Conv", [inner[-1].output[0], "w"], ["last"]),
    ]
    path = save(network(layers, MAPS, {**constants, "w": floats(4, 4, 2, 2) / 2}, opset), tmp_path / "net.onnx")
    program, context = driver.read_model(path, None), driver.make_context()
    context.weights = program.weights
    x = floats(2, *MAPS[1:], seed=2)
    np.save(tmp_path / "x.npy", x)
    options = driver.pass_options(calibrate=tmp_path / "x.npy" if calibrated else None)
    results = list(check(context, program.module, x, program.weights(), options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR


@pytest.mark.parametrize(
    ("nodes", "constants", "problem"),
    [
        ([node("Gelu", approximate="tanh")], {}, "gelu Gelu: approximates by tanh, which is not supported"),
        ([node("Celu", alpha=0.0)], {}, "celu Celu: alpha is 0, expected a number above zero"),
        (
            [node("Pow", "x", "e")],
            {"e": number(-1)},
            "pow Pow: exponent must be a number of 0.0625 to 16, is -1",
        ),
        ([node("Pow", "x", "e")], {"e": C.reshape(4, 1, 1)}, "pow Pow: its exponent is no number"),
        (
            [node("LpNormalization", axis=0)],
            {},
            "lpnormalization LpNormalization: takes axis 0, which is the batch",
        ),
        (
            [node("InstanceNormalization", "x", "s", "s")],
            {"s": C[:3]},
            "instancenormalization InstanceNormalization: its weight is for 3 channels, the input has 4",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, nodes: list[NodeProto], constants: dict[str, Array], problem: str) -> None:
    assert reason(save(network(nodes, MAPS, constants, 20), tmp_path / "net.onnx")) == problem


def torch7(path: Path, layer: TorchObject, batch: Array) -> Array:
    save_torch7(path, layer)
    return run(path, batch)


def instance_norm(x: NDArray[Any]) -> NDArray[Any]:
    """As SpatialBatchNormalization in training: with the variance of all elements, not of all but one."""
    mean, variance = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-3) * C[:, None, None] + C[::-1, None, None]


TORCH7: dict[str, tuple[dict[str, Any], Callable[[NDArray[Any]], NDArray[Any]]]] = {
    "ELU": ({"alpha": 0.3}, lambda x: np.where(x > 0, x, 0.3 * (np.exp(x) - 1))),
    "SoftPlus": ({"beta": 2, "threshold": 20}, lambda x: np.log(1 + np.exp(2 * x)) / 2),
    "SoftSign": ({}, lambda x: x / (1 + abs(x))),
    "LogSigmoid": ({}, lambda x: -np.log(1 + np.exp(-x))),
    "SoftShrink": ({"lambda": 0.7}, lambda x: np.where(x > 0.7, x - 0.7, np.where(x < -0.7, x + 0.7, 0))),
    "RReLU": ({"lower": 0.1, "upper": 0.3}, lambda x: np.where(x > 0, x, 0.2 * x)),
    "Square": ({}, lambda x: x * x),
    "Power": ({"pow": 4}, lambda x: x**4),
    "Sqrt": ({"eps": 0}, lambda x: np.sqrt(np.maximum(x, 0))),
    "MulConstant": ({"constant_scalar": 150}, lambda x: 150 * x),
    "AddConstant": ({"constant_scalar": -2.5}, lambda x: x - 2.5),
    "Mul": ({"weight": C[:1]}, lambda x: x * C[0]),
    "CMul": ({"weight": C.reshape(1, 4, 1, 1)}, lambda x: x * C[:, None, None]),
    "CAdd": ({"bias": C.reshape(4, 1, 1)}, lambda x: x + C[:, None, None]),
    "Add": ({"bias": C[:1]}, lambda x: x + C[0]),
    "TotalVariation": ({"strength": 1e-6}, lambda x: x),
    "InstanceNormalization": ({"eps": 1e-3, "nOutput": 4, "weight": C, "bias": C[::-1].copy()}, instance_norm),
}


@pytest.mark.parametrize("kind", TORCH7)
def test_torch7_layers(tmp_path: Path, kind: str) -> None:
    fields, function = TORCH7[kind]
    batch = 2 * floats(2, 4, 3, 5)
    wanted = function(batch.astype(np.float64))
    found = torch7(tmp_path / "net.t7", torch_object(f"nn.{kind}", fields), batch)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_one_number_may_be_for_any_number_of_channels(tmp_path: Path) -> None:
    """A file of a hundred bytes may hold it."""
    batch = floats(2, 4096)
    layers = torch_object("nn.Mul", {"weight": C[:1]}), torch_object("nn.Add", {"bias": C[1:2]})
    layers = *layers, torch_object("nn.PReLU", {"weight": C[2:3], "nOutputPlane": 0})
    found = torch7(tmp_path / "net.t7", nn.sequential(*layers), batch)
    line = batch * C[0] + C[1]
    np.testing.assert_allclose(found, np.where(line > 0, line, C[2] * line), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_normalize(tmp_path: Path, p: int) -> None:
    batch = floats(2, 9)
    wanted = batch / ((abs(batch) ** p).sum(1, keepdims=True) + 1e-2) ** (1 / p)
    found = torch7(tmp_path / "net.t7", torch_object("nn.Normalize", {"p": p, "eps": 1e-2}), batch)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    np.testing.assert_array_equal(torch7(tmp_path / "net.t7", torch_object("nn.Normalize", {"p": p}), 0 * batch), 0)


def test_lp_pooling(tmp_path: Path) -> None:
    """SpatialLPPooling is a Sequential; OpenFace has it, with the product by the size of the window."""
    parts = [
        nn.simple("Square"),
        nn.average_pool((3, 3), (2, 2)),
        torch_object("nn.MulConstant", {"constant_scalar": 9}),
        nn.simple("Sqrt"),
    ]
    batch = floats(2, 4, 7, 5)
    windows = np.lib.stride_tricks.sliding_window_view(batch, (3, 3), (2, 3))[:, :, ::2, ::2]
    found = torch7(tmp_path / "net.t7", torch_object("nn.SpatialLPPooling", {"modules": parts}), batch)
    np.testing.assert_allclose(found, np.sqrt((windows**2).sum((4, 5))), rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "problem"),
    [
        (torch_object("nn.CMul", {"weight": floats(3)}), (4, 3, 3), "weight is 3, expected one number, or one per"),
        (torch_object("nn.CMul", {"weight": floats(4, 3, 3)}), (4, 3, 3), "weight is 4x3x3, expected one number, or"),
        (torch_object("nn.CMul", {"weight": floats(1, 3, 1)}), (3, 3, 3), "weight is 1x3x1, expected one number, or"),
        (torch_object("nn.Normalize", {"p": 2}), (4, 3, 3), "input is 4x3x3, expected a vector"),
        (torch_object("nn.Normalize", {"p": 0.5}), (4,), "p must be a number of 1 to 4, is 0.5"),
        (torch_object("nn.InstanceNormalization", {}), (4,), "input is 4, expected maps CxHxW"),
        (torch_object("nn.SoftPlus", {"beta": 0}), (4,), "beta is 0, by which nothing can be divided"),
        (torch_object("nn.SoftPlus", {"beta": -1e-40}), (4,), "beta is -1e-40, by which nothing can be divided"),
        (torch_object("nn.Power", {"pow": 99}), (4,), "exponent must be a number of 0.0625 to 16, is 99"),
        (torch_object("nn.MulConstant", {}), (4,), "field constant_scalar is nil, expected a number"),
    ],
)
def test_torch7_layers_that_are_refused(
    tmp_path: Path, layer: TorchObject, shape: tuple[int, ...], problem: str
) -> None:
    assert problem in torch7_models.reason(tmp_path / "net.t7", layer, shape)


def test_a_gate_is_the_normal_distribution(tmp_path: Path) -> None:
    """By its integral, which no erf has a part in."""
    path = save(network([node("Gelu")], (1, 1), {}, 20), tmp_path / "net.onnx")
    points = np.linspace(-12, 1.5, 200_001)
    density = np.exp(-(points**2) / 2) / sqrt(2 * pi)
    below = ((density[1:] + density[:-1]) / 2 * np.diff(points)).sum()
    assert computed(path, np.array([[1.5]], np.float32)).item() == pytest.approx(1.5 * below, rel=1e-6)
    assert below == pytest.approx(0.5 + 0.5 * erf(1.5 / sqrt(2)))
