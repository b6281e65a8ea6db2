"""ReLU6 as networks for phones have it: no layer of its own, the numbers that onnxruntime computes, the same bits at
every level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper
from onnx_models import expected, floats, network, save
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.check import check
from snowdialect.dialects import cnn
from snowdialect.interpreters import run_module

BATCH = 3


def named(operator: str, *inputs: str, output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(operator, inputs, (output,), name=output, **attributes)


def clip(x: str, output: str, limit: float) -> NodeProto:
    return named("Clip", x, output=output, min=0.0, max=limit)


def block(limit: float) -> ModelProto:
    """A convolution, a depthwise one and a classifier behind a pool, each clipped, over numbers far above the limit."""
    constants = {
        "w": floats(16, 3, 3, 3) * 2,
        "b": floats(16),
        "d": floats(16, 1, 3, 3, seed=1),
        "p": floats(24, 16, 1, 1, seed=2) / 2,
        "f": floats(24, 10, seed=3),
        "z": floats(10, seed=4),
    }
    nodes = [
        named("Conv", "x", "w", "b", output="c1", pads=[1, 1, 1, 1], strides=[2, 2]),
        clip("c1", "r1", limit),
        named("Conv", "r1", "d", output="c2", pads=[1, 1, 1, 1], group=16),
        clip("c2", "r2", limit),
        named("Conv", "r2", "p", output="c3"),
        clip("c3", "r3", limit),
        named("GlobalAveragePool", "r3", output="g"),
        named("Flatten", "g", output="v"),
        named("Gemm", "v", "f", "z", output="y"),
    ]
    return network(nodes, ("n", 3, 18, 18), constants, opset=10)


def lowered(path: Path, *, last: str | None = None) -> tuple[ModuleOp, Any]:
    program = driver.read_model(path, (3, 18, 18))
    driver.lower(driver.make_context(), program.module, "cnn", last=last)
    return program.module, program.weights()


def snr(signal: NDArray[Any], other: NDArray[Any]) -> float:
    return float(10 * np.log10(np.square(signal).sum() / np.square(signal - other).sum()))


@pytest.mark.parametrize("limit", [6.0, 4.0, 0.75, 20.0])
def test_a_clipped_block_computes_what_onnxruntime_does(limit: float, tmp_path: Path) -> None:
    path = save(block(limit), tmp_path / "net.onnx")
    x = floats(BATCH, 3, 18, 18, seed=9) * 3
    wanted = expected(path, x)
    module, weights = lowered(path, last="cnn-fuse")
    layers = [op for op in module.body.block.ops if isinstance(op, cnn.Conv2dOp | cnn.ReluOp)]
    assert [type(op).__name__ for op in layers] == ["Conv2dOp"] * 3
    # In float, the factors before and behind cancel out.
    np.testing.assert_allclose(run_module(module, x, weights).outputs["output"], wanted, rtol=2e-4, atol=2e-5)
    module, weights = lowered(path)
    fixed = run_module(module, x, weights)
    assert snr(wanted, fixed.outputs["output"]) > 25
    # The numbers are far above the limit, so that words do saturate.
    assert sum(fixed.saturations.values()) > 100
    for result in check(driver.make_context(), module, x, weights):
        assert str(result.difference) == "None"


@pytest.mark.parametrize("limit", [float(np.nextafter(np.float32(1 << 15), np.float32(1e9))), 4e4, 1e20])
def test_limits_beyond_all_words_are_dropped(limit: float, tmp_path: Path) -> None:
    path = save(block(limit), tmp_path / "net.onnx")
    x = floats(BATCH, 3, 18, 18, seed=9)
    module, weights = lowered(path, last="cnn-fuse")
    assert [op.limit for op in module.body.block.ops if isinstance(op, cnn.Conv2dOp)] == [None] * 3
    np.testing.assert_allclose(run_module(module, x, weights).outputs["output"], expected(path, x), rtol=2e-4)


def test_what_is_clipped_has_the_fraction_bits_of_its_limit_with_calibration_too(tmp_path: Path) -> None:
    path = save(block(6.0), tmp_path / "net.onnx")
    x = floats(BATCH, 3, 18, 18, seed=9) * 3
    np.save(tmp_path / "samples.npy", x)
    program, context = driver.read_model(path, (3, 18, 18)), driver.make_context()
    context.weights = program.weights
    options = driver.pass_options(calibrate=tmp_path / "samples.npy")
    driver.lower(context, program.module, "cnn", options=options)
    convolutions = [op for op in program.module.walk() if isinstance(op, cnn.Conv2dOp)]
    assert [cnn.frac_of(op.result) for op in convolutions] == [12, 12, 12]
    wanted = expected(path, x)
    assert snr(wanted, run_module(program.module, x, program.weights()).outputs["output"]) > 45


def test_without_fusion_a_relu_of_its_own_saturates(tmp_path: Path) -> None:
    path = save(block(6.0), tmp_path / "net.onnx")
    x = floats(BATCH, 3, 18, 18, seed=9) * 3
    program = driver.read_model(path, (3, 18, 18))
    driver.lower(driver.make_context(), program.module, "cnn", without={"cnn-fuse"})
    assert any(isinstance(op, cnn.ReluOp) for op in program.module.walk())
    assert snr(expected(path, x), run_module(program.module, x, program.weights()).outputs["output"]) > 20


def test_limits_of_what_is_no_map(tmp_path: Path) -> None:
    """A ReLU between the layers of numbers per channel is not fused with them, and has a name of its own."""
    shape = (1, 3, 17)
    path = save(network([named("Clip", "x", output="y", min=0.0, max=1.0)], shape, opset=10), tmp_path / "net.onnx")
    context, program = driver.make_context(), driver.read_model(path, None)
    context.weights = program.weights
    results = list(check(context, program.module, floats(BATCH, *shape[1:]), program.weights()))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
