"""Kernels too long for a weights buffer come in parts: every level computes the same."""

from dataclasses import replace

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, TensorType, f32

from lowering import driver
from lowering.candidates import Choices, conv_plans
from lowering.check import check
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import ScheduleAttr
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
