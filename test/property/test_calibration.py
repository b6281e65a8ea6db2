"""Calibration of random networks: what it promises of rescales, saturations and wraps."""

from __future__ import annotations

from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import event, given
from networks import Net, Relu, nets
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.cnn.bound_accumulators import bound_accumulators
from snowdialect.dialects import cnn
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights


def calibrated(net: Net, samples: NDArray[np.float32]) -> tuple[ModuleOp, Weights]:
    """The network in fixed point, calibrated on samples, and its weights."""
    module, weights = net.build()
    context = driver.make_context()
    context.weights = lambda: weights
    with TemporaryDirectory() as folder:
        path = Path(folder) / "samples.npy"
        np.save(path, samples)
        driver.lower(context, module, "cnn", options=driver.pass_options(calibrate=path))
    return module, weights


@given(nets(moves=True))
def test_samples_neither_saturate_nor_wrap_and_nothing_is_rescaled(net: Net) -> None:
    samples = net.inputs(3)
    in_float, weights = net.build()
    largest = max(np.abs(result).max() for result in run_module(in_float, samples, weights).layers.values())
    module, weights = calibrated(net, samples)
    assert not any(isinstance(op, cnn.RescaleOp) for op in module.body.block.ops)
    run = run_module(module, samples, weights)
    event(f"fits words: {largest < 2**14}")
    if largest < 2**14:
        # What a limit cuts off counts as saturations.
        limited = any(isinstance(layer, Relu) and layer.limit is not None for layer in net.layers)
        assert limited or not run.saturations.total()
        assert not run.wraps.total()


@given(nets(moves=True))
def test_no_input_makes_a_small_layer_wrap(net: Net) -> None:
    """125 weights of 10 bits times any word are below 2^31: so many can always be made so small."""
    module, weights = calibrated(net, net.inputs(3))
    for op, bound in bound_accumulators(module, weights).items():
        if isinstance(op, cnn.Conv2dOp | cnn.LinearOp):
            small = prod(cnn.shape_of(op.weight)[1:]) <= 125 and len(op.operands) == 2
            event(f"small: {small}")
            assert not (small and bound.can_wrap)
        else:
            assert not bound.can_wrap
