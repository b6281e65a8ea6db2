"""Kernels too long for a weights buffer come in parts: every level computes the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, TensorType, f32

from lowering import driver
from lowering.candidates import Choices, conv_plans
from lowering.check import check
from lowering.conv_tiling import plan_conv
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.errors import SnowError
from snowdialect.machine import load_machine
from snowdialect.weights import Weights


@pytest.mark.parametrize("slots", [1, 2])
def test_padding_leaves_parts_without_a_trace(slots: int) -> None:
    """Of a 3x3 kernel on a map of one pixel, only the words in the middle meet it; the last part has none of them."""
    channels, kernels = 256, 8
    machine = replace(load_machine("zc706"), wbuf_words=1024)
    rng = np.random.default_rng(0)
    tensors = {"w": rng.normal(scale=0.1, size=(kernels, channels, 3, 3)).astype(np.float32)}
    x = cnn.InputOp("x", cnn.tensor_type((1, channels, 1, 1)))
    w = cnn.WeightOp("w", TensorType(f32, (kernels, channels, 3, 3)))
    conv = cnn.Conv2dOp(x.result, w.result, pads=(1, 1, 1, 1))
    module = ModuleOp([x, w, conv, cnn.OutputOp("y", conv.result)])
    context, weights = driver.make_context(), Weights(tensors, "test")
    driver.lower(context, module, "cnn")
    set_machine(module, machine)
    for op in module.walk():
        if isinstance(op, cnn.Conv2dOp):
            schedules = [plan.schedule for plan in conv_plans(conv_problem(op, machine), Choices())]
            schedule = next(schedule for schedule in schedules if schedule.parts > 2)
            op.attributes["tile.schedule"] = ScheduleAttr.make(schedule._replace(weights_slots=slots))
    results = list(check(context, module, rng.normal(size=(2, channels, 1, 1)).astype(np.float32), weights))
    assert str(results[-1].difference) == "None"


@pytest.mark.parametrize(
    ("channels", "size", "kernels", "kernel", "options"),
    [
        (128, 5, 20, 5, {}),
        (128, 4, 32, 5, {"pads": (2, 2, 2, 2), "relu": True}),
        (160, 7, 32, 4, {"strides": (2, 2), "pads": (1, 0, 2, 1)}),
        (96, 6, 32, 3, {"dilations": (4, 4), "pads": (4, 4, 4, 4)}),
        (12, 14, 32, 12, {}),
        (144, 6, 40, 6, {}),
    ],
)
def test_maps_come_in_parts_where_no_window_fits(
    channels: int, size: int, kernels: int, kernel: int, options: dict[str, Any]
) -> None:
    machine = replace(load_machine("zc706"), wbuf_words=4096, mbuf_words=2048)
    rng = np.random.default_rng(1)
    shape = (kernels, channels, kernel, kernel)
    tensors = {"w": rng.normal(scale=0.1, size=shape).astype(np.float32), "b": rng.normal(size=kernels)}
    x = cnn.InputOp("x", cnn.tensor_type((1, channels, size, size)))
    w, b = cnn.WeightOp("w", TensorType(f32, shape)), cnn.WeightOp("b", TensorType(f32, (kernels,)))
    conv = cnn.Conv2dOp(x.result, w.result, bias=b.result, **options)
    module = ModuleOp([x, w, b, conv, cnn.OutputOp("y", conv.result)])
    context, weights = driver.make_context(), Weights(tensors, "test")
    driver.lower(context, module, "cnn")
    set_machine(module, machine)
    (problem,) = (conv_problem(op, machine) for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    plans = list(conv_plans(problem, Choices()))
    assert plans
    for plan in plans:
        # What is loaded for a part is less than what an output sees.
        assert 0 < plan.kernels.maps.part_rows < problem.window.rows_read(1)
        assert plan_conv(problem, plan.schedule) == plan
    results = list(check(context, module, rng.normal(size=(1, channels, size, size)).astype(np.float32), weights))
    assert str(results[-1].difference) == "None"
    assert results[-1].level == "simulator"


def test_a_kernel_that_nothing_holds_is_the_reason() -> None:
    """Of kernels whose rows are longer than a slot there is nothing to try, and so nothing that was refused."""
    x = cnn.InputOp("x", cnn.tensor_type((1, 128, 9, 8)))
    w = cnn.WeightOp("w", TensorType(f32, (64, 128, 4, 4)))
    conv = cnn.Conv2dOp(x.result, w.result, dilations=(2, 2))
    module = ModuleOp([x, w, conv, cnn.OutputOp("y", conv.result)])
    context = driver.make_context()
    driver.lower(context, module, "cnn")
    set_machine(module, replace(load_machine("zc706"), wbuf_words=1024, mbuf_words=4096))
    with pytest.raises(SnowError, match="a kernel of 2048 words does not fit a weights buffer of 1024$"):
        driver.lower(context, module, "tile")
