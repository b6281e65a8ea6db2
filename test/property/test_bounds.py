"""Bounds of accumulators hold for every input, and some input of a convolution alone reaches them."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import assume, event, given
from hypothesis import strategies as st
from networks import Conv, Net, convs, linears, nets, shapes
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.cnn.bound_accumulators import bound_accumulators
from snowdialect.dialects import cnn
from snowdialect.interpreters import Run, RunState, run_module
from snowdialect.interpreters.cnn import evaluate_constant, functions
from snowdialect.weights import Weights

CONTEXT = driver.make_context()

Ends = tuple[NDArray[np.int64], NDArray[np.int64]]


def run_observing_sums(module: ModuleOp, batch: NDArray[np.float32], weights: Weights) -> tuple[Run, dict[Any, Ends]]:
    """Runs a network; the lowest and the highest exact sum of each channel of each layer, before any rounding."""
    observed: dict[Any, Ends] = {}
    rounding = functions._round

    def spy(interpreter: Any, op: Any, sums: NDArray[np.int64], *args: Any, **options: Any) -> Any:
        axes = (0, *range(2, sums.ndim))
        low, high = sums.min(axes), sums.max(axes)
        before = observed.get(op, (low, high))
        observed[op] = (np.minimum(low, before[0]), np.maximum(high, before[1]))
        return rounding(interpreter, op, sums, *args, **options)

    with patch.object(functions, "_round", spy):
        return run_module(module, batch, weights), observed


@given(nets(moves=True), st.sampled_from([0.1, 1, 20, 1000]), st.booleans())
def test_no_sum_is_outside_its_bound(net: Net, scale: float, declared: bool) -> None:
    module, weights = net.build()
    driver.lower(CONTEXT, module, "cnn")
    batch = net.inputs(4) * np.float32(scale)
    bounds = bound_accumulators(module, weights, (batch.min(), batch.max()) if declared else None)
    run, observed = run_observing_sums(module, batch, weights)
    for op, (low, high) in observed.items():
        bound = bounds[op]
        assert (bound.low <= low).all() and (high <= bound.high).all(), op.name
        if not bound.can_wrap:
            assert not run.wraps[functions.layer_name(op)]
    event(f"can wrap: {any(bound.can_wrap for bound in bounds.values())}")
    event(f"wraps: {run.wraps.total() > 0}")


@st.composite
def single_layers(draw: st.DrawFn) -> Net:
    """A convolution without padding, or a linear layer."""
    shape = draw(shapes(most_channels=20, most_pixels=60))
    layer = draw(st.one_of(convs(shape, 20), linears(20)))
    if isinstance(layer, Conv):
        assume(
            all(
                (taps - 1) * step < size
                for taps, step, size in zip(layer.kernel, layer.dilations, shape[1:], strict=True)
            )
        )
        layer = layer._replace(pads=(0, 0, 0, 0), residual=False)
    return Net(shape, (layer,), draw(st.sampled_from([0.4, 30.0])), draw(st.integers(0, 2**16)))


@given(single_layers(), st.sampled_from([None, (0.0, 3.0), (-2.0, -1.0)]), st.data())
def test_a_layer_of_the_input_reaches_its_bound(
    net: Net, span: tuple[float, float] | None, data: st.DataObject
) -> None:
    module, weights = net.build()
    driver.lower(CONTEXT, module, "cnn")
    ((op, bound),) = bound_accumulators(module, weights, span).items()
    channel = data.draw(st.integers(0, len(bound.low) - 1))
    batch = adversaries(net, op, channel, weights, span or (-128.0, 128.0))
    _, observed = run_observing_sums(module, batch, weights)
    assert observed[op][0][channel] == bound.low[channel]
    assert observed[op][1][channel] == bound.high[channel]


def adversaries(net: Net, op: Any, channel: int, weights: Weights, span: tuple[float, float]) -> NDArray[np.float32]:
    """Two inputs, under the first window of which every product is as low, or as high, as it can be."""
    weight = evaluate_constant(op.weight, RunState(weights=weights))
    batch = np.full((2, *net.shape), span[0], np.float32)
    if isinstance(op, cnn.LinearOp):
        window = batch.reshape(2, -1)
    else:
        first = channel // (len(weight) // op.geometry.groups) * weight.shape[1]
        channels = slice(first, first + weight.shape[1])
        row_step, column_step = op.geometry.dilations
        window = batch[:, channels, ::row_step, ::column_step][..., : weight.shape[2], : weight.shape[3]]
    window[0] = np.where(weight[channel] > 0, *span)
    window[1] = np.where(weight[channel] > 0, *reversed(span))
    return batch
