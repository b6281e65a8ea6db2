"""The range of numbers that each tensor of a float network takes on samples."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Operation, SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.errors import SnowError
from snowdialect.interpreters import RunState, run_module
from snowdialect.interpreters.cnn import evaluate_constant
from snowdialect.weights import Weights

RESULTS_BYTES = 1 << 27
"""Memory for the results of all layers, in float, on the samples that run at once."""


class Range(NamedTuple):
    low: float
    high: float

    def with_(self, array: NDArray[np.float32]) -> Range:
        """The range of what is in this one or in an array."""
        return Range(min(self.low, float(array.min())), max(self.high, float(array.max())))


NOTHING = Range(np.inf, -np.inf)


def constant_range(value: SSAValue, state: RunState) -> Range:
    return NOTHING.with_(evaluate_constant(value, state))


def observe(
    module: ModuleOp, batch: NDArray[np.float32], weights: Weights | None, announce: Callable[[str], None]
) -> dict[SSAValue, Range]:
    """The range of each tensor of a float network with one input over a batch of samples; of a layer, before its ReLU.

    A few samples run at a time, so that their results take RESULTS_BYTES at most. Raises SnowError for a result that is
    not finite.
    """
    probe, observed = _probe(module)
    at_once = samples_at_once(module)
    ranges: dict[SSAValue, Range] = {op.results[0]: NOTHING for op in observed.values()}
    for first in range(0, len(batch), at_once):
        announce(f"calibrating: input {first + 1} of {len(batch)} ...")
        samples = batch[first : first + at_once]
        layers = run_module(probe, samples, weights).layers
        for name, op in observed.items():
            result = samples if isinstance(op, cnn.InputOp) else layers[name]
            if not np.isfinite(result).all():
                raise SnowError(f"{layer_name(op)}: computes numbers that are not finite on these samples")
            ranges[op.results[0]] = ranges[op.results[0]].with_(result)
    return ranges


def samples_at_once(module: ModuleOp) -> int:
    """On how many samples a network can run with all its results in RESULTS_BYTES; on one in any case."""
    results = [op.results[0] for op in module.body.block.ops if op.results and not cnn.is_constant(op.results[0])]
    return max(1, RESULTS_BYTES // (4 * sum(prod(shape_of(result)) for result in results)))


def _probe(module: ModuleOp) -> tuple[ModuleOp, dict[str, Operation]]:
    """A copy of a network with each ReLU behind its layer, and the layers of `module` by the names in the copy."""
    probe = module.clone()
    observed: dict[str, Operation] = {}
    for number, (op, copy) in enumerate(zip(list(module.body.block.ops), list(probe.body.block.ops), strict=True)):
        if not op.results or cnn.is_constant(op.results[0]):
            continue
        name = str(number)
        observed[name] = op
        copy.location = name_location(name)
        if copy.properties.pop("relu", None) is not None:
            limit = copy.properties.pop("limit", None)
            highest = float(limit.value.data) if isinstance(limit, IntegerAttr) else None
            relu = located(cnn.ReluOp(copy, limit=highest), name_location(f"{name}.relu"))
            copy.results[0].replace_uses_with_if(relu.result, lambda use, relu=relu: use.operation is not relu)
            probe.body.block.insert_op_after(relu, copy)
    return probe, observed
