"""cnn-bound-accumulators: what the accumulators of each layer can hold at most, whatever the input.

Interval arithmetic, channel by channel, from the weights and the range of the input: by default all that its words can
hold, else a range that the user vouches for. A bound is sound: no input of that range gives a sum outside. So a layer
whose bound fits 32 bits cannot wrap. It is reached by some input if each channel of the operand of a layer can take its
lowest and its highest word anywhere and at once, and no padding is read: by a convolution of the input, for instance.

The attribute `cnn.accumulator_range` of a layer becomes the lowest and the highest of its exact sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from lowering.context import program_context
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.errors import SnowError
from snowdialect.fixed_point import (
    ACCUMULATOR_MAX,
    ACCUMULATOR_MIN,
    WORD_MAX,
    WORD_MIN,
    avg_pool_weights,
    quantize,
    requantize,
)
from snowdialect.interpreters import RunState
from snowdialect.interpreters.cnn import evaluate_constant
from snowdialect.weights import Weights

ACCUMULATOR_RANGE = "cnn.accumulator_range"
"""Attribute of a layer: the lowest and the highest of its exact sums."""

WEIGHTS_AT_ONCE = 1 << 22
"""So many weights are looked at at once."""


@dataclass(frozen=True)
class CnnBoundAccumulatorsPass(ModulePass):
    """Notes the range of the sums of each layer; `input_range` are the lowest and the highest number of the input."""

    name = "cnn-bound-accumulators"

    input_range: tuple[float | int, ...] | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        span = self.input_range
        if span is not None and (len(span) != 2 or not -np.inf < span[0] <= span[1] < np.inf):
            raise SnowError(f"{self.name}: input-range must be LOW,HIGH, is {','.join(map(str, span))}")
        sums = bound_accumulators(op, program_context(ctx).weights(), span)
        for layer, interval in sums.items():
            layer.attributes[ACCUMULATOR_RANGE] = DenseArrayBase.from_list(i64, interval.ends)


class Interval(NamedTuple):
    """The lowest and the highest that each channel can take: int64, (C,)."""

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @staticmethod
    def of(low: ArrayLike, high: ArrayLike, channels: int) -> Interval:
        """One range for all channels."""
        return Interval(*(np.broadcast_to(np.asarray(end, np.int64), channels) for end in (low, high)))

    @staticmethod
    def together(parts: Iterable[Interval]) -> Interval:
        """The channels of all parts, one after the other."""
        return Interval(*(np.concatenate(ends) for ends in zip(*parts, strict=True)))

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest of all channels."""
        return int(self.low.min()), int(self.high.max())

    @property
    def can_wrap(self) -> bool:
        """Whether sums can be outside 32 bits."""
        return can_wrap(*self.ends)

    def __add__(self, other: Any) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def aligned(self, shift: int) -> Interval:
        """Words moved up to the position of an accumulator."""
        return Interval(self.low << shift, self.high << shift)

    def with_zero(self) -> Interval:
        return Interval(np.minimum(self.low, 0), np.maximum(self.high, 0))

    def repeated(self, times: int) -> Interval:
        """The range of each of `times` elements of a channel, one behind the other."""
        return Interval(np.repeat(self.low, times), np.repeat(self.high, times))

    def rounded(self, shift: int, *, relu: bool) -> Interval:
        """The words that sums become: all words for a channel that can wrap."""
        wraps = (self.low < ACCUMULATOR_MIN) | (self.high > ACCUMULATOR_MAX)
        low, high = (requantize(np.where(wraps, 0, end), shift).words.astype(np.int64) for end in self)
        words = Interval(np.where(wraps, WORD_MIN, low), np.where(wraps, WORD_MAX, high))
        return Interval(np.maximum(words.low, 0), np.maximum(words.high, 0)) if relu else words


def can_wrap(low: int, high: int) -> bool:
    """Whether a range of sums leaves 32 bits."""
    return low < ACCUMULATOR_MIN or high > ACCUMULATOR_MAX


def bound_accumulators(
    module: ModuleOp, weights: Weights | None, input_range: Iterable[float] | None = None
) -> dict[Operation, Interval]:
    """The range of the exact sums of each layer of a quantised network; of a max-pool, which sums nothing, its words.

    `input_range` are the lowest and the highest number of every input; without, all that its words can hold.
    """
    bounds = _Bounds(RunState(weights=weights), None if input_range is None else np.array([*input_range]))
    for op in module.body.block.ops:
        if op.results and frac_of(op.results[0]) is not None and not cnn.is_constant(op.results[0]):
            bounds.visit(op)
    return bounds.sums


@dataclass
class _Bounds:
    constants: RunState
    input_range: NDArray[np.float64] | None
    sums: dict[Operation, Interval] = field(default_factory=dict[Operation, Interval])
    words: dict[SSAValue, Interval] = field(default_factory=dict[SSAValue, Interval])

    def visit(self, op: Operation) -> None:
        """Bounds a layer, behind all those before it."""
        self.words[op.results[0]] = self._words(op)

    def _words(self, op: Operation) -> Interval:
        match op:
            case cnn.Conv2dOp() | cnn.LinearOp():
                sums = self._products(op) + self._addends(op)
                return self._round(op, sums, cast(int, cnn.accumulator_frac(op)), relu=op.relu is not None)
            case cnn.AvgPoolOp():
                return self._round(op, self._window_sums(op), cast(int, frac_of(op.x)) + op.weight_frac)
            case cnn.AddOp() | cnn.ReluOp() | cnn.RescaleOp():
                relu = isinstance(op, cnn.ReluOp) or "relu" in op.properties
                accumulator = max(cast(int, frac_of(value)) for value in (*op.operands, *op.results))
                first, *others = (self._aligned(value, accumulator) for value in op.operands)
                return self._round(op, sum(others, first), accumulator, relu=relu)
            case cnn.MultiplyOp():
                ends = [x * factor for x in self.words[op.x] for factor in self.words[op.factor]]
                products = Interval(np.min(ends, axis=0), np.max(ends, axis=0))
                return self._round(op, products, cast(int, op.product_frac))
            case cnn.MaxPoolOp():
                self.sums[op] = self.words[op.x]
                return self.words[op.x]
            case cnn.InterleaveOp():
                lows, highs = zip(*(self.words[value] for value in op.inputs), strict=True)
                return Interval(np.min(lows, axis=0), np.max(highs, axis=0))
            case cnn.ConcatOp():
                return Interval.together([self.words[value] for value in op.inputs])
            case cnn.ReshapeOp():
                elements = self.words[op.x].repeated(_elements(op.x))
                low, high = (end.reshape(_channels(op.result), -1) for end in elements)
                return Interval(low.min(axis=1), high.max(axis=1))
            case cnn.UpsampleOp() | cnn.InterpolateOp() | cnn.SampleOp():
                return self.words[op.x]
            case cnn.GatherOp():
                return Interval(*(end[op.channels] for end in self.words[op.x]))
            case cnn.TransposeOp() if op.order.get_values()[1] != 1:
                low, high = self.words[op.x]
                return Interval.of(int(low.min()), int(high.max()), _channels(op.result))
            case cnn.TransposeOp():
                return self.words[op.x]
            case cnn.ChannelMaxOp() | cnn.ChannelMeanOp():
                low, high = self.words[op.x]
                return Interval(low.min(keepdims=True), high.max(keepdims=True))
            case cnn.DepthToSpaceOp():
                low, high = (_by_block(end, op) for end in self.words[op.x])
                return Interval(low.min(axis=1), high.max(axis=1))
            case cnn.SpaceToDepthOp():
                words, times = self.words[op.x], prod(op.block.get_values())
                return words.repeated(times) if op.blocks_first is None else Interval.together([words] * times)
            case cnn.PadOp():
                return self.words[op.x].with_zero()
            case _:
                return self._quantised(op)

    def _round(self, op: Operation, sums: Interval, accumulator: int, *, relu: bool = False) -> Interval:
        self.sums[op] = sums
        return sums.rounded(accumulator - cast(int, frac_of(op.results[0])), relu=relu)

    def _quantised(self, op: Operation) -> Interval:
        """The words of an input, or of what the host computed."""
        low, high = WORD_MIN, WORD_MAX
        if self.input_range is not None and isinstance(op, cnn.QuantizeOp) and isinstance(op.x.owner, cnn.InputOp):
            low, high = quantize(self.input_range, cast(int, frac_of(op.result))).words.tolist()
        return Interval.of(low, high, _channels(op.results[0]))

    def _aligned(self, value: SSAValue, accumulator: int) -> Interval:
        return self.words[value].aligned(accumulator - cast(int, frac_of(value)))

    def _products(self, op: cnn.Conv2dOp | cnn.LinearOp) -> Interval:
        """The range of the sum of products of each output channel."""
        words, groups, weight = self.words[op.x], 1, evaluate_constant(op.weight, self.constants)
        if isinstance(op, cnn.LinearOp):
            words = words.repeated(_elements(op.x))
        else:
            groups = op.geometry.groups
            if parts := _parts_in_turns(op):
                # Each row of a kernel sees one part, whose channels are known apart.
                words = Interval.together([self.words[part] for part in parts])
                kernels, channels, _, width = weight.shape
                by_part = weight.reshape(kernels, channels, -1, len(parts), width).transpose(0, 3, 1, 2, 4)
                weight = by_part.reshape(kernels, len(parts) * channels, -1, width)
            words = words.with_zero() if any(op.geometry.pads) else words
        weight = weight.reshape(*weight.shape[:2], -1)
        each = len(weight) // groups
        rows = max(1, WEIGHTS_AT_ONCE // prod(weight.shape[1:]))
        sums: list[Interval] = []
        for group in range(groups):
            inputs = slice(group * weight.shape[1], (group + 1) * weight.shape[1])
            operand = Interval(words.low[inputs], words.high[inputs])
            for first in range(group * each, (group + 1) * each, rows):
                sums.append(_sum_of_products(weight[first : min(first + rows, (group + 1) * each)], operand))
        return Interval.together(sums)

    def _addends(self, op: cnn.Conv2dOp | cnn.LinearOp) -> Interval:
        """The range of bias and residual."""
        accumulator = cast(int, cnn.accumulator_frac(op))
        total = Interval.of(0, 0, _channels(op.result))
        if op.bias is not None:
            words = evaluate_constant(op.bias, self.constants).astype(np.int64)
            total += Interval(words, words).aligned(accumulator - cast(int, frac_of(op.bias)))
        if isinstance(op, cnn.Conv2dOp) and op.residual is not None:
            total += self._aligned(op.residual, accumulator)
        return total

    def _window_sums(self, op: cnn.AvgPoolOp) -> Interval:
        """The range of the sums of an average pool, over all of its windows: each has a factor of its own."""
        rows, columns = op.geometry.windows(shape_of(op.x))
        elements = np.outer([row.elements for row in rows], [column.elements for column in columns])
        factors = elements * avg_pool_weights(op.divisors)[1].astype(np.int64)
        low, high = self.words[op.x]
        least, most = factors.min(), factors.max()
        return Interval(np.minimum(low * least, low * most), np.maximum(high * least, high * most))


def _sum_of_products(weight: NDArray[np.int16], operand: Interval) -> Interval:
    """Sums over all weights (O, I, taps) times any word of their input channel: positive weights take the highest word
    for the highest sum, negative weights the lowest."""
    positive = np.maximum(weight, 0).sum(axis=2, dtype=np.int64)
    negative = np.minimum(weight, 0).sum(axis=2, dtype=np.int64)
    return Interval(positive @ operand.low + negative @ operand.high, positive @ operand.high + negative @ operand.low)


def _by_block(ends: NDArray[np.int64], op: cnn.DepthToSpaceOp) -> NDArray[np.int64]:
    """Numbers of the channels that a shuffle of pixels reads, by the channel that they become part of."""
    channels = _channels(op.result)
    return ends.reshape(channels, -1) if op.blocks_first is None else ends.reshape(-1, channels).T


def _channels(value: SSAValue) -> int:
    return shape_of(value)[1]


def _elements(value: SSAValue) -> int:
    """Elements of a channel."""
    return prod(shape_of(value)[2:])


def _parts_in_turns(op: cnn.Conv2dOp) -> Sequence[SSAValue]:
    """The maps whose rows take turns in what a convolution reads, if a row of its kernels always sees the same one."""
    if not isinstance(turns := op.x.owner, cnn.InterleaveOp):
        return ()
    geometry, parts = op.geometry, len(turns.inputs)
    rows = shape_of(op.weight)[2], geometry.strides[0], geometry.pads[0]
    same = geometry.groups == 1 and geometry.dilations[0] == 1 and not any(number % parts for number in rows)
    return tuple(turns.inputs) if same else ()
