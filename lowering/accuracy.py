"""What fixed point costs a network: each layer of the reference, against the same layer in float."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.universe import Universe

from lowering import driver
from lowering.check import float_difference
from lowering.cnn.bound_accumulators import Interval, bound_accumulators
from lowering.cnn.ranges import samples_at_once
from lowering.context import ProgramContext
from lowering.pipeline import LEVELS, passes_between
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of
from snowdialect.dialects.locations import layer_name
from snowdialect.errors import SnowError
from snowdialect.fixed_point import dequantize, quantize
from snowdialect.interpreters import Run, run_module
from snowdialect.weights import Weights

CLIFF_DB = 20.0
"""A layer falls off a cliff when it loses more than this, or when its error is more than a tenth of its signal."""

GOOD_DB = 60.0
"""What a layer reads counts as no better than this: who begins with exact numbers is expected to lose some."""


class LayerAccuracy(NamedTuple):
    name: str
    kind: str
    """Name of the operation in the dialect: conv2d, max_pool, ..."""
    frac_bits: int | None
    """Of the result; None for a layer of the host."""
    snr: float
    """Power of the float result over that of the error, over all inputs, in decibels; infinite without error."""
    saturations: int
    wraps: int
    sums: tuple[int, int] | None
    """The lowest and the highest exact sum that any input can cause; None for what does not sum."""
    can_wrap: bool
    """Whether these leave 32 bits."""
    cliff: bool
    """Whether this is the first layer that loses so much as `falls` says."""


class Accuracy(NamedTuple):
    layers: tuple[LayerAccuracy, ...]
    """In the order in which they are computed, from the input on."""
    inputs: int
    agreeing: int
    """For how many of the inputs the largest element of the outputs is the same."""


def falls(snr: float, operands: list[float]) -> bool:
    """Whether a layer that reads what has these ratios falls off a cliff."""
    return snr < CLIFF_DB or (bool(operands) and snr < min(GOOD_DB, *operands) - CLIFF_DB)


def compare_with_float(
    context: ProgramContext,
    module: ModuleOp,
    batch: NDArray[np.float32],
    weights: Weights | None,
    options: driver.PassOptions = driver.NO_OPTIONS,
    input_range: tuple[float, float] | None = None,
) -> Accuracy:
    """Runs a float network, fused, before and after its quantisation, on N x the shape of one input.

    The module is brought to level `cnn`, with options of passes. `input_range` are the lowest and the highest number of
    the input, on which the bounds of sums depend; by default those that its words can hold. Raises SnowError, one line,
    for a network that is quantised already, and for one that, fused, computes something else of the first input.
    """
    if any(isinstance(op, cnn.QuantizeOp) for op in module.body.block.ops):
        raise SnowError("the network is quantised already; there is no float to compare it with")
    driver.expect_samples(module, options)
    run = run_module(module, batch[:1], weights)
    if (difference := float_difference(context, module, batch[:1], weights, run)) is not None:
        raise SnowError(str(difference))
    in_float = _quantise(context, module, options)
    context.announce("bounding accumulators ...")
    sums = bound_accumulators(module, weights, input_range)
    comparison = _Comparison(module)
    at_once = samples_at_once(module)
    for first in range(0, len(batch), at_once):
        context.announce(f"comparing with float: input {first + 1} of {len(batch)} ...")
        part = batch[first : first + at_once]
        comparison.add(part, run_module(in_float, part, weights), run_module(module, part, weights))
    return Accuracy(tuple(comparison.rows(sums)), len(batch), comparison.agreeing)


def _quantise(context: ProgramContext, module: ModuleOp, options: driver.PassOptions) -> ModuleOp:
    """Brings a module to level `cnn`; returns what it was before quantisation."""
    available = Universe.get_multiverse().all_passes
    before = module
    for name in passes_between(None, LEVELS[0], options):
        if name == driver.QUANTIZE:
            before = module.clone()
        driver.apply_pass(context, module, available[name](), options)
    return before


@dataclass
class _Comparison:
    """Sums of squares over parts of a batch, layer by layer."""

    module: ModuleOp
    signal: defaultdict[Operation, float] = field(default_factory=lambda: defaultdict(float))
    noise: defaultdict[Operation, float] = field(default_factory=lambda: defaultdict(float))
    saturations: Counter[str] = field(default_factory=Counter[str])
    wraps: Counter[str] = field(default_factory=Counter[str])
    agreeing: int = 0

    def add(self, part: NDArray[np.float32], in_float: Run, fixed: Run) -> None:
        """Adds a part of a batch and what both networks make of it."""
        for op in self._layers():
            expected = _in_float(op, part, in_float).astype(np.float64)
            self.signal[op] += float(np.square(expected).sum())
            self.noise[op] += float(np.square(expected - _in_fixed(op, part, fixed)).sum())
        self.saturations.update(fixed.saturations)
        self.wraps.update(fixed.wraps)
        classes = [_largest(run, len(part)) for run in (in_float, fixed)]
        self.agreeing += int(np.count_nonzero(classes[0] == classes[1]))

    def rows(self, sums: dict[Operation, Interval]) -> list[LayerAccuracy]:
        """The layers, once all parts are added."""
        ratios = {op: _decibels(self.signal[op], self.noise[op]) for op in self._layers()}
        fallen = next((op for op in ratios if falls(ratios[op], _operand_ratios(op, ratios))), None)
        return [
            LayerAccuracy(
                layer_name(op),
                "input" if _is_input(op) else op.name.removeprefix("cnn."),
                frac_of(op.results[0]),
                ratio,
                self.saturations[layer_name(op)],
                self.wraps[layer_name(op)],
                sums[op].ends if op in sums else None,
                op in sums and sums[op].can_wrap,
                op is fallen,
            )
            for op, ratio in ratios.items()
        ]

    def _layers(self) -> list[Operation]:
        """What computes something, and the quantisation of the input."""
        return [
            op
            for op in self.module.body.block.ops
            if _is_input(op) or (op.results and not isinstance(op, UNCOMPARED) and not cnn.is_constant(op.results[0]))
        ]


UNCOMPARED = (cnn.InputOp, cnn.QuantizeOp, cnn.DequantizeOp)
"""What has no result of its own in float, beside constants."""


def _is_input(op: Operation) -> bool:
    """Whether an operation quantises an input."""
    return isinstance(op, cnn.QuantizeOp) and isinstance(op.x.owner, cnn.InputOp)


def _origin(value: SSAValue) -> Operation:
    """The layer that computes a value."""
    op = cast(Operation, value.owner)
    while isinstance(op, cnn.QuantizeOp | cnn.DequantizeOp) and not _is_input(op):
        op = cast(Operation, op.x.owner)
    return op


def _operand_ratios(op: Operation, ratios: dict[Operation, float]) -> list[float]:
    return [] if _is_input(op) else [ratios[x] for value in op.operands if (x := _origin(value)) in ratios]


def _in_float(op: Operation, part: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    """What a layer computes in float; a rescale, which float does without, what its operand is there."""
    while layer_name(op) not in run.layers and isinstance(op, cnn.RescaleOp):
        op = _origin(op.x)
    return part if _is_input(op) else run.layers[layer_name(op)]


def _in_fixed(op: Operation, part: NDArray[np.float32], run: Run) -> NDArray[np.float32]:
    """The numbers that the words of a layer stand for."""
    frac = frac_of(op.results[0])
    if frac is None:
        return run.layers[layer_name(op)]
    return dequantize(quantize(part, frac).words if _is_input(op) else run.layers[layer_name(op)], frac)


def _largest(run: Run, inputs: int) -> NDArray[np.int64]:
    """The index of the largest element of the outputs, for each input."""
    return np.concatenate([output.reshape(inputs, -1) for output in run.outputs.values()], axis=1).argmax(axis=1)


def _decibels(signal: float, noise: float) -> float:
    if not noise:
        return np.inf
    return float(10 * np.log10(signal / noise)) if signal else -np.inf
