"""cnn-quantize: the layers of the accelerator compute in 16-bit fixed point, those of the host stay in f32.

Every layer is rewritten alone: its operands are quantised before it, its result is dequantised behind it, and
a quantisation of what was just dequantised vanishes. What remains is one `cnn.quantize` after each input and
host layer, one on each constant, and one `cnn.dequantize` before each host layer and output.

Fraction bits are those of the option, `frac-bits` (8: Q8.8), unless the attribute `cnn.frac_bits` of a layer,
an input or a constant says otherwise: so a calibration chooses them, tensor by tensor. Where a choice asks
for a shift outside the machine's 0..31, the result or the weights get the nearest possible position, and a
residual gets a `cnn.rescale`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint
from xdsl.transforms.dead_code_elimination import region_dce

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import MAX_SHIFT
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.errors import SnowError

FRAC_BITS = "cnn.frac_bits"
"""Attribute of a layer, an input or a constant: the fraction bits of its result."""

DEFAULT_FRAC_BITS = 8
"""Of every tensor without a format of its own: Q8.8."""


@dataclass(frozen=True)
class QuantizePattern(RewritePattern):
    """What the patterns share."""

    frac_bits: int
    """Fraction bits of a tensor for which nothing else is said."""

    def wanted_frac(self, owner: Operation | Block) -> int:
        """The fraction bits asked for the result of an operation."""
        attribute = owner.attributes.get(FRAC_BITS) if isinstance(owner, Operation) else None
        return attribute.value.data if isinstance(attribute, IntegerAttr) else self.frac_bits

    def quantized(self, value: SSAValue, rewriter: PatternRewriter, frac: int | None = None) -> SSAValue:
        """What a value was dequantised from, or a quantisation of it that all its readers share."""
        owner = value.owner
        if isinstance(owner, cnn.DequantizeOp):
            return owner.x
        frac = self.wanted_frac(owner) if frac is None else frac
        for use in value.uses:
            if isinstance(use.operation, cnn.QuantizeOp) and _frac(use.operation.result) == frac:
                return use.operation.result
        quantize = cnn.QuantizeOp(value, frac)
        if isinstance(owner, Operation):
            located(quantize, owner.location)
        return rewriter.insert(quantize, _behind(owner)).result

    def rescaled(self, value: SSAValue, frac: int, op: Operation, what: str, rewriter: PatternRewriter) -> SSAValue:
        """A fixed-point value brought to other fraction bits for the layer `op`, under the name LAYER.`what`."""
        if _frac(value) == frac:
            return value
        rescale = located(cnn.RescaleOp(value, frac), name_location(f"{layer_name(op)}.{what}"))
        return rewriter.insert(rescale, InsertPoint.before(op)).result

    def replace(self, op: Operation, fixed: cnn.CnnOp, rewriter: PatternRewriter) -> None:
        """Puts a fixed-point layer and a dequantisation in the place of a float layer."""
        located(fixed, op.location)
        rewriter.replace(op, (fixed, located(cnn.DequantizeOp(fixed), op.location)))


def _behind(owner: Operation | Block) -> InsertPoint:
    return InsertPoint.after(owner) if isinstance(owner, Operation) else InsertPoint.at_start(owner)


def _frac(value: SSAValue) -> int:
    return cast(int, cnn.frac_of(value))


def _is_fixed(op: cnn.CnnOp) -> bool:
    return cnn.frac_of(op.result) is not None


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


@dataclass(frozen=True)
class QuantizeWeighted(QuantizePattern):
    """Convolutions and linear layers: the accumulator has the fraction bits of operand and weights together.

    The shifts from there to the result, and from bias and residual to there, are 0..31.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp | cnn.LinearOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        x = self.quantized(op.x, rewriter)
        limit, frac = cnn.limit_of(op), self.wanted_frac(op)
        saturating = 0 if limit is None else cnn.limit_frac(limit)
        frac = max(frac, saturating)
        weight_frac = min(self.wanted_frac(op.weight.owner), frac + MAX_SHIFT - _frac(x))
        weight = self.quantized(op.weight, rewriter, weight_frac)
        accumulator = _frac(x) + weight_frac
        frac = min(frac, accumulator)
        result_type = cnn.tensor_type(cnn.shape_of(op.result), frac)
        # Words that hold no more than the limit need none; where they hold more, since sums have too few fraction bits,
        # a ReLU behind saturates at it.
        late = saturating if frac < saturating else None
        limit = limit if frac == saturating else None
        bias = op.bias
        if bias is not None:
            bias_frac = _clamp(self.wanted_frac(bias.owner), accumulator - MAX_SHIFT, accumulator)
            bias = self.quantized(bias, rewriter, bias_frac)
        relu = op.relu is not None
        if isinstance(op, cnn.LinearOp):
            fixed = cnn.LinearOp(x, weight, bias=bias, relu=relu, limit=limit, result_type=result_type)
            self.finish(op, fixed, late, rewriter)
            return
        residual = op.residual
        if residual is not None:
            residual = self.quantized(residual, rewriter)
            residual_frac = _clamp(_frac(residual), accumulator - MAX_SHIFT, accumulator)
            residual = self.rescaled(residual, residual_frac, op, "residual", rewriter)
        geometry = op.geometry
        fixed = cnn.Conv2dOp(
            x,
            weight,
            bias=bias,
            residual=residual,
            strides=geometry.strides,
            pads=geometry.pads,
            dilations=geometry.dilations,
            groups=geometry.groups,
            relu=relu,
            limit=limit,
            result_type=result_type,
        )
        self.finish(op, fixed, late, rewriter)

    def finish(self, op: Operation, fixed: cnn.CnnOp, frac: int | None, rewriter: PatternRewriter) -> None:
        """Puts a fixed-point layer in the place of a float one, with a ReLU behind it of so many fraction bits."""
        if frac is None:
            self.replace(op, fixed, rewriter)
            return
        located(fixed, op.location)
        relu = cnn.ReluOp(fixed.result, cnn.tensor_type(cnn.shape_of(fixed.result), frac))
        located(relu, name_location(f"{layer_name(op)}.limit"))
        rewriter.replace(op, (fixed, relu, located(cnn.DequantizeOp(relu), op.location)))


@dataclass(frozen=True)
class QuantizeMaxPool(QuantizePattern):
    """A max-pool only selects words."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.MaxPoolOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        fixed = cnn.MaxPoolOp.with_geometry(self.quantized(op.x, rewriter), op.geometry)
        self.replace(op, fixed, rewriter)


@dataclass(frozen=True)
class QuantizeAvgPool(QuantizePattern):
    """An average pool multiplies by weights 1 / n of its own."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AvgPoolOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        x = self.quantized(op.x, rewriter)
        accumulator = _frac(x) + op.weight_frac
        frac = _clamp(self.wanted_frac(op), accumulator - MAX_SHIFT, accumulator)
        fixed = cnn.AvgPoolOp.with_geometry(x, op.geometry, cnn.tensor_type(cnn.shape_of(op.result), frac))
        self.replace(op, fixed, rewriter)


@dataclass(frozen=True)
class QuantizeRelu(QuantizePattern):
    """A ReLU on its own keeps the fraction bits of its operand; with a limit it has those with which words saturate
    there."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        x, result_type = self.quantized(op.x, rewriter), None
        if op.limit is not None:
            if (limit := op.saturation) is None:
                raise SnowError(f"{layer_name(op)}: no words saturate at its limit, run cnn-fold-limits before")
            result_type = cnn.tensor_type(cnn.shape_of(op.result), max(_frac(x), cnn.limit_frac(limit)))
        self.replace(op, cnn.ReluOp(x, result_type), rewriter)


@dataclass(frozen=True)
class QuantizeAdd(QuantizePattern):
    """An add aligns its operands itself."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AddOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        fixed = cnn.AddOp(
            self.quantized(op.lhs, rewriter),
            self.quantized(op.rhs, rewriter),
            relu=op.relu is not None,
            result_type=cnn.tensor_type(cnn.shape_of(op.result), self.wanted_frac(op)),
        )
        self.replace(op, fixed, rewriter)


@dataclass(frozen=True)
class QuantizeConcat(QuantizePattern):
    """A concatenation places words side by side: all get the fewest fraction bits that an operand has."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ConcatOp, rewriter: PatternRewriter):
        if _is_fixed(op):
            return
        inputs = [self.quantized(value, rewriter) for value in op.inputs]
        frac = min(map(_frac, inputs))
        aligned = [self.rescaled(x, frac, op, f"operand{index}", rewriter) for index, x in enumerate(inputs)]
        self.replace(op, cnn.ConcatOp(aligned), rewriter)


@dataclass(frozen=True)
class QuantizeMove(QuantizePattern):
    """What moves words moves them if words is what it gets; it leaves the f32 of the host alone."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.MoveOp, rewriter: PatternRewriter):
        if _is_fixed(op) or not isinstance(op.x.owner, cnn.DequantizeOp):
            return
        x = op.x.owner.x
        result_type = cnn.tensor_type(cnn.shape_of(op.result), _frac(x))
        self.replace(op, type(op).create(operands=[x], properties=op.properties, result_types=[result_type]), rewriter)


@dataclass(frozen=True)
class QuantizeMultiply(QuantizePattern):
    """A product of words is one; where a factor is what the host computed in f32, as a sigmoid, its bits all count."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.MultiplyOp, rewriter: PatternRewriter):
        x, factor = op.x.owner, op.factor.owner
        if _is_fixed(op) or not isinstance(x, cnn.DequantizeOp) or not isinstance(factor, cnn.DequantizeOp):
            return
        product = _frac(x.x) + _frac(factor.x)
        frac = _clamp(self.wanted_frac(op), product - MAX_SHIFT, product)
        self.replace(op, cnn.MultiplyOp(x.x, factor.x, cnn.tensor_type(cnn.shape_of(op.result), frac)), rewriter)


PATTERNS: tuple[type[QuantizePattern], ...] = (
    QuantizeWeighted,
    QuantizeMaxPool,
    QuantizeAvgPool,
    QuantizeRelu,
    QuantizeAdd,
    QuantizeConcat,
    QuantizeMove,
    QuantizeMultiply,
)

REMOVED_BY: dict[type[Operation], str] = {
    cnn.ConvTranspose2dOp: "cnn-expand-transposed",
    cnn.IdentityOp: "cnn-canonicalize",
    cnn.BatchNormOp: "cnn-fold-batch-norm",
    cnn.DropoutOp: "cnn-fold-batch-norm",
    cnn.ScaleShiftOp: "cnn-fold-batch-norm",
}
"""Layers that only f32 can compute, and the pass that leaves none."""


@dataclass(frozen=True)
class CnnQuantizePass(ModulePass):
    """Brings the layers of the accelerator from f32 to fixed point, by default Q8.8."""

    name = "cnn-quantize"

    frac_bits: int = DEFAULT_FRAC_BITS

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not 0 <= self.frac_bits <= MAX_SHIFT:
            raise SnowError(f"{self.name}: frac-bits must be 0..{MAX_SHIFT}, is {self.frac_bits}")
        for layer in op.body.ops:
            if (earlier := REMOVED_BY.get(type(layer))) is not None:
                raise SnowError(
                    f"{layer_name(layer)}: {layer.name} has no fixed-point form, run {earlier} before {self.name}"
                )
        PatternRewriteWalker(
            GreedyRewritePatternApplier([pattern(self.frac_bits) for pattern in PATTERNS]),
            apply_recursively=False,
        ).rewrite_module(op)
        region_dce(op.body)
