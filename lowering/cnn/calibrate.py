"""cnn-calibrate: every tensor and constant gets the fraction bits that suit the numbers it holds.

The network runs in float on samples. The attribute `cnn.frac_bits`, which cnn-quantize honours, becomes as large as
the range of a tensor on all samples allows, with headroom for other inputs; for a constant its own range counts. What
only moves or selects words keeps their position: a max-pool, ReLU, reshape, pad or gather has that of its operand, all
parts of a concatenation share one, and so do both sides of an add; so no rescale is needed.

A sum of products has the fraction bits of operand and weights together, and 32 bits in all. Where sums could wrap, the
weights get fewer fraction bits: so few that no words of the operand whatever make a sum wrap, if that leaves weights of
10 bits or more; else so few that the sums observed, with headroom, do not wrap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from lowering.cnn.quantize import FRAC_BITS
from lowering.cnn.ranges import Range, constant_range, observe
from lowering.context import program_context
from lowering.driver import input_shape
from snowdialect.arrays import read_samples
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import MAX_SHIFT
from snowdialect.errors import SnowError
from snowdialect.fixed_point import ACCUMULATOR_MAX, WORD_MAX, WORD_MIN
from snowdialect.interpreters import RunState
from snowdialect.interpreters.cnn import evaluate_constant

HEADROOM = 2
"""Bits by which a tensor may exceed the samples before it saturates."""

SUM_HEADROOM = 2
"""Bits by which a sum may exceed the samples before it wraps, which does more harm than to saturate."""

SPARE_WEIGHT_BITS = 6
"""Bits of its 16 that a weight may do without, so that no sum can wrap."""

UNUSED_FRAC = 8
"""Fraction bits of a tensor that is zero on all samples: those of Q8.8."""

ALIGNMENT = 14
"""Bits by which an add may move an operand up: two such words still fit the accumulator."""


@dataclass(frozen=True)
class CnnCalibratePass(ModulePass):
    """Chooses fraction bits by the ranges that tensors take on samples, in an array or a .npy file: one, or a batch."""

    name = "cnn-calibrate"

    samples: str | np.ndarray

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if any(isinstance(layer, cnn.QuantizeOp) for layer in op.body.block.ops):
            raise SnowError(f"{self.name}: the network is quantised already")
        context = program_context(ctx)
        batch = read_samples(self.samples, input_shape(op))
        weights = context.weights()
        positions = Positions(observe(op, batch, weights, context.announce), RunState(weights=weights))
        positions.settle(op)
        for value, frac in positions.chosen():
            assert isinstance(value.owner, Operation)
            value.owner.attributes[FRAC_BITS] = IntegerAttr(frac, i64)


def most_frac_bits(span: Range, headroom: int = 0) -> int:
    """The most fraction bits, 0..31, with which words hold a range times 2^headroom; 0 when none suffice."""
    if not span.low and not span.high:
        return UNUSED_FRAC
    for frac in range(MAX_SHIFT, 0, -1):
        low, high = (np.floor(np.ldexp(end, frac + headroom) + 0.5) for end in span)
        if low >= WORD_MIN and high <= WORD_MAX:
            return frac
    return 0


def most_sum_frac_bits(span: Range) -> int:
    """The most fraction bits with which accumulators hold sums of a range, with headroom."""
    largest = max(-span.low, span.high)
    return 2 * MAX_SHIFT if not largest else int(np.floor(np.log2(ACCUMULATOR_MAX / largest))) - SUM_HEADROOM


def sharing(op: Operation) -> tuple[SSAValue, ...]:
    """Values of a layer that have the same fraction bits."""
    match op:
        case cnn.MaxPoolOp() | cnn.ReluOp() | cnn.MoveOp() | cnn.ConcatOp():
            return (*op.operands, *op.results)
        case cnn.AddOp():
            return (op.lhs, op.rhs)
        case _:
            return ()


def is_rectified(value: SSAValue) -> bool:
    """Whether a value comes from ReLUs and the like, so that its words are not negative."""
    sources, seen = [value], {value}
    while sources:
        op = sources.pop().owner
        match op:
            case cnn.MaxPoolOp() | cnn.AvgPoolOp() | cnn.MoveOp() | cnn.ConcatOp() | cnn.MultiplyOp():
                sources += [operand for operand in op.operands if operand not in seen]
                seen.update(op.operands)
            case cnn.SigmoidOp() | cnn.HardSigmoidOp() | cnn.SoftmaxOp() | cnn.SoftplusOp() | cnn.PowerOp():
                pass
            case _ if not (isinstance(op, cnn.ReluOp) or isinstance(op, Operation) and "relu" in op.properties):
                return False
            case _:
                pass
    return True


@dataclass
class Positions:
    """Fraction bits of tensors and constants: they begin as large as ranges allow, and only ever become smaller."""

    sums: dict[SSAValue, Range]
    """Of each tensor, the range it takes before its ReLU."""
    constants: RunState
    group: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    """For each value one of those that share its fraction bits, the same for all of them."""
    frac: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """Fraction bits of a group."""
    most: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """The fraction bits that a constant could have by its own range."""
    least: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    """Of a group, the fraction bits that it has at least: those with which words saturate at a limit."""
    norms: dict[Operation, float] = field(default_factory=dict[Operation, float])
    """Of a layer with weights, the largest sum of products with operands of size 1."""

    def settle(self, module: ModuleOp) -> None:
        """Chooses for all values of a module."""
        layers = list(module.body.block.ops)
        for layer in layers:
            values = sharing(layer)
            for other in values[1:]:
                self._join(values[0], other)
        for layer in layers:
            match layer:
                case cnn.Conv2dOp() | cnn.LinearOp():
                    limit = cnn.limit_of(layer)
                case cnn.ReluOp():
                    limit = layer.saturation
                case _:
                    continue
            if limit is not None:
                self.least[self._leader(layer.result)] = cnn.limit_frac(limit)
        for value in self.sums:
            self.lower(value, most_frac_bits(self._range(value), HEADROOM))
        for layer in layers:
            if isinstance(layer, cnn.Conv2dOp | cnn.LinearOp):
                for constant in filter(None, (layer.weight, layer.bias)):
                    self.most[constant] = most_frac_bits(constant_range(constant, self.constants))
                    self.lower(constant, self.most[constant])
                self.norms[layer] = self._norm(layer)
        while any([self._adjust(layer) for layer in layers]):
            pass

    def chosen(self) -> Iterator[tuple[SSAValue, int]]:
        for value in self.group:
            yield value, self.of(value)

    def of(self, value: SSAValue) -> int:
        """Fraction bits of a value."""
        return self.frac[self._leader(value)]

    def lower(self, value: SSAValue, frac: int) -> bool:
        """Gives a value, and those that share its fraction bits, no more than `frac`; whether that is news."""
        leader = self._leader(value)
        before = self.frac.get(leader)
        self.frac[leader] = max(self.least.get(leader, 0), frac if before is None else min(before, frac))
        return self.frac[leader] != before

    def _range(self, value: SSAValue) -> Range:
        relu = "relu" in value.owner.properties if isinstance(value.owner, Operation) else False
        low, high = self.sums[value]
        if not relu:
            return self.sums[value]
        limit = cnn.limit_of(value.owner) if isinstance(value.owner, cnn.Conv2dOp | cnn.LinearOp) else None
        return Range(max(low, 0), max(high, 0) if limit is None else min(max(high, 0), limit))

    def _join(self, value: SSAValue, other: SSAValue) -> None:
        self.group[self._leader(other)] = self._leader(value)

    def _leader(self, value: SSAValue) -> SSAValue:
        while (next_one := self.group.setdefault(value, value)) is not value:
            value = next_one
        return value

    def _adjust(self, op: Operation) -> bool:
        """Lowers what a layer has to have lower than its neighbours ask for; whether there was anything."""
        match op:
            case cnn.Conv2dOp() | cnn.LinearOp():
                return self._adjust_weighted(op)
            case cnn.AvgPoolOp():
                # The result is shifted down by 0..31 bits.
                return self.lower(op.result, self.of(op.x) + op.weight_frac) | self.lower(
                    op.x, self.of(op.result) + MAX_SHIFT - op.weight_frac
                )
            case cnn.AddOp():
                return self.lower(op.result, self.of(op.lhs) + ALIGNMENT)
            case cnn.MultiplyOp():
                # Likewise, and the factor has the fraction bits that its own range asks for.
                factor = self.of(op.factor)
                return self.lower(op.result, self.of(op.x) + factor) | self.lower(
                    op.x, self.of(op.result) + MAX_SHIFT - factor
                )
            case _:
                return False

    def _adjust_weighted(self, op: cnn.Conv2dOp | cnn.LinearOp) -> bool:
        added = [op.bias, op.residual if isinstance(op, cnn.Conv2dOp) else None]
        addends = [value for value in added if value is not None]
        # The result is shifted down by 0..31 bits, and what is added is shifted up by so many.
        accumulator = min(
            most_sum_frac_bits(self.sums[op.result]),
            min(self.of(value) for value in (op.result, *addends)) + MAX_SHIFT,
        )
        changed = self.lower(op.weight, accumulator - self.of(op.x))
        changed |= self._rule_out_wraps(op)
        changed |= self.lower(op.x, accumulator - self.of(op.weight))
        accumulator = self.of(op.x) + self.of(op.weight)
        for value in (op.result, *addends):
            changed |= self.lower(value, accumulator)
        return changed

    def _rule_out_wraps(self, op: cnn.Conv2dOp | cnn.LinearOp) -> bool:
        """Lowers weights until no words of the operand make a sum wrap, if weights can spare so much."""
        least = max(0, self.most[op.weight] - SPARE_WEIGHT_BITS)
        enough = (frac for frac in range(self.of(op.weight), least - 1, -1) if not self._can_wrap(op, frac))
        return self.lower(op.weight, next(enough, self.of(op.weight)))

    def _can_wrap(self, op: cnn.Conv2dOp | cnn.LinearOp, weight_frac: int) -> bool:
        """Whether some words of operand and residual make a sum wrap; each word is rounded by half a unit at most."""
        accumulator = self.of(op.x) + weight_frac
        largest = -WORD_MIN * (np.ldexp(self.norms[op], weight_frac) + prod(shape_of(op.weight)[1:]) / 2)
        if op.bias is not None:
            bias = constant_range(op.bias, self.constants)
            largest += np.ldexp(max(-bias.low, bias.high) + np.ldexp(0.5, -self.of(op.bias)), accumulator)
        if isinstance(op, cnn.Conv2dOp) and op.residual is not None:
            largest += np.ldexp(-WORD_MIN, accumulator - self.of(op.residual))
        return bool(largest > ACCUMULATOR_MAX)

    def _norm(self, op: cnn.Conv2dOp | cnn.LinearOp) -> float:
        weight = evaluate_constant(op.weight, self.constants)
        weight = weight.reshape(len(weight), -1)
        positive, negative = (
            np.abs(weight).sum(axis=1, dtype=np.float64, where=part) for part in (weight > 0, weight < 0)
        )
        return float((np.maximum(positive, negative) if is_rectified(op.x) else positive + negative).max())
