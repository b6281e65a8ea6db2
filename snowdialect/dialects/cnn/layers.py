"""The layers that the accelerator runs, and those that passes fold into them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self, cast

from xdsl.dialects.builtin import Float64Type, FloatAttr, IntegerAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.irdl.declarative_assembly_format import AttributeVariable, TypeDirective, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective, SignatureDirective
from snowdialect.dialects.cnn.base import (
    INTEGERS,
    TENSOR,
    CnnOp,
    ElementwiseOp,
    Value,
    flag,
    frac_of,
    inferred,
    integers,
    shape_of,
    tensor_type,
)
from snowdialect.dialects.cnn.shapes import (
    WORD_BITS,
    ConvGeometry,
    PoolGeometry,
    Shape,
    ShapeError,
    avg_pool_frac,
    concat_shape,
    format_shape,
    interleave_shape,
    linear_shape,
)


@irdl_custom_directive
class ConvOptions(OptionsDirective):
    """The options of a convolution."""

    strides: AttributeVariable
    pads: AttributeVariable
    dilations: AttributeVariable
    groups: AttributeVariable
    relu: AttributeVariable
    limit: AttributeVariable


@irdl_custom_directive
class ConvSignature(SignatureDirective):
    """The operand types of a convolution."""

    x: TypeDirective
    weight: TypeDirective
    bias: TypeDirective
    residual: TypeDirective


@irdl_op_definition
class Conv2dOp(CnnOp):
    """Convolution with weights O x I/groups x kH x kW; then, if given, plus bias, plus residual, ReLU, `limit`."""

    name = "cnn.conv2d"
    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    residual = opt_operand_def(TENSOR)
    strides = prop_def(INTEGERS, default_value=integers((1, 1)))
    pads = prop_def(INTEGERS, default_value=integers((0, 0, 0, 0)))
    dilations = prop_def(INTEGERS, default_value=integers((1, 1)))
    groups = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(1, i64))
    relu = opt_prop_def(UnitAttr)
    limit = opt_prop_def(IntegerAttr.constr(i64))
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (ConvOptions, ConvSignature)
    assembly_format = (
        "$x `,` $weight (`bias` $bias^)? (`residual` $residual^)? "
        "custom<ConvOptions>($strides, $pads, $dilations, $groups, $relu, $limit) "
        "attr-dict-with-keyword `:` "
        "custom<ConvSignature>(type($x), type($weight), type($bias), type($residual)) `->` type($result)"
    )

    def __init__(
        self,
        x: Value,
        weight: Value,
        *,
        bias: Value | None = None,
        residual: Value | None = None,
        strides: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0, 0, 0),
        dilations: Sequence[int] = (1, 1),
        groups: int = 1,
        relu: bool = False,
        limit: int | None = None,
        result_type: Attribute | None = None,
    ):
        geometry = ConvGeometry(tuple(strides), tuple(pads), tuple(dilations), groups)
        deduced = inferred(self.name, result_type, x, lambda: geometry.result_shape(shape_of(x), shape_of(weight)))
        super().__init__(
            operands=[x, weight, bias, residual],
            properties={
                "strides": integers(strides),
                "pads": integers(pads),
                "dilations": integers(dilations),
                "groups": IntegerAttr(groups, i64),
                "relu": flag(relu),
                "limit": None if limit is None else IntegerAttr(limit, i64),
            },
            result_types=[deduced],
        )

    @property
    def geometry(self) -> ConvGeometry:
        """Strides, pads, dilations and groups as numbers."""
        return ConvGeometry(
            self.strides.get_values(),
            self.pads.get_values(),
            self.dilations.get_values(),
            self.groups.value.data,
        )

    def result_shape(self) -> Shape:
        return self.geometry.result_shape(shape_of(self.x), shape_of(self.weight))

    def verify_elements(self) -> None:
        super().verify_elements()
        _verify_weighted(self, self.weight, self.bias)
        if self.residual is not None:
            self.expect_shape("residual", self.residual, shape_of(self.result))
            if (accumulator := accumulator_frac(self)) is not None:
                self.expect_shift("the residual", accumulator - cast(int, frac_of(self.residual)))


@irdl_op_definition
class LinearOp(CnnOp):
    """`weight` (MxN) times `x`, flattened in C, H, W order whatever its rank; plus bias, ReLU, `limit`."""

    name = "cnn.linear"
    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    relu = opt_prop_def(UnitAttr)
    limit = opt_prop_def(IntegerAttr.constr(i64))
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x `,` $weight (`bias` $bias^)? attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        x: Value,
        weight: Value,
        *,
        bias: Value | None = None,
        relu: bool = False,
        limit: int | None = None,
        result_type: Attribute | None = None,
    ):
        deduced = inferred(self.name, result_type, x, lambda: linear_shape(shape_of(x), shape_of(weight)))
        super().__init__(
            operands=[x, weight, bias],
            properties={"relu": flag(relu), "limit": None if limit is None else IntegerAttr(limit, i64)},
            result_types=[deduced],
        )

    def result_shape(self) -> Shape:
        return linear_shape(shape_of(self.x), shape_of(self.weight))

    def verify_elements(self) -> None:
        super().verify_elements()
        _verify_weighted(self, self.weight, self.bias)


def accumulator_frac(op: Conv2dOp | LinearOp) -> int | None:
    """Fraction bits of the accumulator of a fixed-point layer, qx + qw; None for a float layer."""
    frac, weight_frac = frac_of(op.x), frac_of(op.weight)
    return None if frac is None or weight_frac is None else frac + weight_frac


def limit_of(op: Conv2dOp | LinearOp) -> int | None:
    """What results of a layer are cut down to; None for one without a limit."""
    return None if op.limit is None else op.limit.value.data


def limit_frac(limit: int) -> int:
    """The fraction bits with which words hold numbers up to a limit, a power of two: what is above it saturates."""
    return WORD_BITS - limit.bit_length()


def _verify_limit(op: Conv2dOp | LinearOp) -> None:
    if (limit := limit_of(op)) is None:
        return
    if op.relu is None or limit < 1 or limit & (limit - 1) or limit_frac(limit) < 0:
        op.fail(f"limit {limit} is no power of two that words reach, or not that of a ReLU")
    if (frac := frac_of(op.result)) is not None and frac != limit_frac(limit):
        op.fail(f"words with {frac} fraction bits do not saturate at {limit}")


def _verify_weighted(op: Conv2dOp | LinearOp, weight: SSAValue, bias: SSAValue | None) -> None:
    _verify_limit(op)
    op.expect_constant("weight", weight)
    op.expect_constant("bias", bias)
    if bias is not None:
        op.expect_shape("bias", bias, shape_of(weight)[:1])
    if (accumulator := accumulator_frac(op)) is None:
        return
    op.expect_shift("the result", accumulator - cast(int, frac_of(op.result)))
    if bias is not None:
        op.expect_shift("the bias", accumulator - cast(int, frac_of(bias)))


@irdl_custom_directive
class MaxPoolOptions(OptionsDirective):
    """The options of a max-pool."""

    kernel: AttributeVariable
    strides: AttributeVariable
    pads: AttributeVariable
    ceil_mode: AttributeVariable


@irdl_custom_directive
class AvgPoolOptions(OptionsDirective):
    """The options of an average pool."""

    kernel: AttributeVariable
    strides: AttributeVariable
    pads: AttributeVariable
    ceil_mode: AttributeVariable
    count_include_pad: AttributeVariable


class _PoolOp(CnnOp, ABC):
    x = operand_def(TENSOR)
    kernel = prop_def(INTEGERS)
    strides = prop_def(INTEGERS, default_value=integers((1, 1)))
    pads = prop_def(INTEGERS, default_value=integers((0, 0, 0, 0)))
    ceil_mode = opt_prop_def(UnitAttr)

    def __init__(
        self,
        x: Value,
        *,
        kernel: Sequence[int],
        strides: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0, 0, 0),
        ceil_mode: bool = False,
        count_include_pad: bool = False,
        result_type: Attribute | None = None,
    ):
        geometry = PoolGeometry(tuple(kernel), tuple(strides), tuple(pads), ceil_mode)
        deduced = inferred(self.name, result_type, x, lambda: geometry.result_shape(shape_of(x)))
        properties = {
            "kernel": integers(kernel),
            "strides": integers(strides),
            "pads": integers(pads),
            "ceil_mode": flag(ceil_mode),
        }
        if count_include_pad:
            properties["count_include_pad"] = UnitAttr()
        super().__init__(operands=[x], properties=properties, result_types=[deduced])

    @classmethod
    def with_geometry(cls, x: Value, geometry: PoolGeometry, result_type: Attribute | None = None) -> Self:
        """A pool of these windows; errors as those of the constructor."""
        return cls(x, **vars(geometry), result_type=result_type)

    @property
    def geometry(self) -> PoolGeometry:
        """Kernel, strides, pads and modes as numbers."""
        return PoolGeometry(
            self.kernel.get_values(),
            self.strides.get_values(),
            self.pads.get_values(),
            self.ceil_mode is not None,
            "count_include_pad" in self.properties,
        )

    def result_shape(self) -> Shape:
        return self.geometry.result_shape(shape_of(self.x))


@irdl_op_definition
class MaxPoolOp(_PoolOp):
    """The largest element of each window; padding never wins. Fixed point keeps its position."""

    name = "cnn.max_pool"
    custom_directives = (MaxPoolOptions,)
    assembly_format = (
        "$x custom<MaxPoolOptions>($kernel, $strides, $pads, $ceil_mode) "
        "attr-dict-with-keyword `:` functional-type(operands, results)"
    )

    def verify_elements(self) -> None:
        if frac_of(self.x) != frac_of(self.result):
            self.fail("the result must have the elements of the operand")


@irdl_op_definition
class AvgPoolOp(_PoolOp):
    """The mean of each window: of the elements that exist, or with `count_include_pad` of the padding too."""

    name = "cnn.avg_pool"
    count_include_pad = opt_prop_def(UnitAttr)
    custom_directives = (AvgPoolOptions,)
    assembly_format = (
        "$x custom<AvgPoolOptions>($kernel, $strides, $pads, $ceil_mode, $count_include_pad) "
        "attr-dict-with-keyword `:` functional-type(operands, results)"
    )

    @property
    def divisors(self) -> tuple[tuple[int, ...], ...]:
        """What each output divides its sum by: a row of divisors per output row."""
        return self.geometry.divisors(shape_of(self.x))

    @property
    def axis_divisors(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows and columns under the windows of the output rows and columns; a divisor is a product of two."""
        return self.geometry.axis_divisors(shape_of(self.x))

    @property
    def weight_frac(self) -> int:
        """Fraction bits of the weights round(2^q / divisor) that stand for the division in fixed point."""
        return avg_pool_frac(min(map(min, self.divisors)))

    def verify_elements(self) -> None:
        super().verify_elements()
        frac, result_frac = frac_of(self.x), frac_of(self.result)
        if frac is not None and result_frac is not None:
            self.expect_shift("the result", frac + self.weight_frac - result_frac)


SMALLEST_FLOAT, LARGEST_FLOAT = 2.0**-126, 2.0**128 - 2.0**104
"""Of f32, of those with full precision."""


@irdl_op_definition
class ReluOp(ElementwiseOp):
    """max(x, 0); with a `limit`, which f32 alone can have, min(max(x, 0), limit)."""

    name = "cnn.relu"
    limit = opt_prop_def(FloatAttr[Float64Type])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, result_type: Attribute | None = None, *, limit: float | None = None):
        super().__init__(x, result_type)
        if limit is not None:
            self.properties["limit"] = FloatAttr(limit, f64)

    @property
    def saturation(self) -> int | None:
        """The limit, if it is a power of two at which words can saturate."""
        limit = None if self.limit is None else self.limit.value.data
        return next((1 << bit for bit in range(WORD_BITS) if limit == 1 << bit), None)

    def verify_elements(self) -> None:
        super().verify_elements()
        if self.limit is None:
            return
        if not SMALLEST_FLOAT <= self.limit.value.data <= LARGEST_FLOAT:
            self.fail(f"limit {self.limit.value.data} is no number of f32 above zero")
        if frac_of(self.result) is not None:
            self.fail("has a limit, for which there is no fixed-point form; run cnn-fold-limits first")


@irdl_op_definition
class RescaleOp(ElementwiseOp):
    """The same numbers with other fraction bits, rounded half up and clamped; with equal ones, a copy."""

    name = "cnn.rescale"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, frac: int):
        super().__init__(x, tensor_type(shape_of(x), frac))

    def verify_elements(self) -> None:
        if frac_of(self.x) is None or frac_of(self.result) is None:
            self.fail("works on fixed point only")


@irdl_op_definition
class AddOp(CnnOp):
    """The sum of two tensors of one shape; then, if asked for, ReLU."""

    name = "cnn.add"
    lhs = operand_def(TENSOR)
    rhs = operand_def(TENSOR)
    relu = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)"

    def __init__(self, lhs: Value, rhs: Value, *, relu: bool = False, result_type: Attribute | None = None):
        super().__init__(
            operands=[lhs, rhs],
            properties={"relu": flag(relu)},
            result_types=[result_type or SSAValue.get(lhs).type],
        )

    def result_shape(self) -> Shape:
        if shape_of(self.lhs) != shape_of(self.rhs):
            raise ShapeError(
                f"operands must have one shape, are {format_shape(shape_of(self.lhs))} "
                f"and {format_shape(shape_of(self.rhs))}"
            )
        return shape_of(self.lhs)


class WholeOp(CnnOp, ABC):
    """Base of what puts operands together, which in memory are parts of it. Fixed-point ones share their position."""

    inputs = var_operand_def(TENSOR)
    assembly_format = "$inputs attr-dict `:` functional-type(operands, results)"

    def __init__(self, inputs: Sequence[Value], result_type: Attribute | None = None):
        deduced = inferred(self.name, result_type, inputs[0], lambda: self.shape_of_parts([*map(shape_of, inputs)]))
        super().__init__(operands=[inputs], result_types=[deduced])

    @staticmethod
    @abstractmethod
    def shape_of_parts(shapes: Sequence[Shape]) -> Shape:
        """The shape of parts of these shapes together. Raises ShapeError."""

    def result_shape(self) -> Shape:
        return self.shape_of_parts([*map(shape_of, self.inputs)])

    def verify_elements(self) -> None:
        if any(frac_of(value) != frac_of(self.result) for value in self.inputs):
            self.fail("operands and result must have the same elements")


@irdl_op_definition
class ConcatOp(WholeOp):
    """The channels of all operands, one after the other."""

    name = "cnn.concat"
    shape_of_parts = staticmethod(concat_shape)


@irdl_op_definition
class InterleaveOp(WholeOp):
    """The rows of all operands in turns: the first of each, then the second of each. Passes make it of concatenations
    in fixed point, so that each operand is stored row by row; it is no layer."""

    name = "cnn.interleave"
    shape_of_parts = staticmethod(interleave_shape)

    def verify_elements(self) -> None:
        if frac_of(self.result) is None:
            self.fail("takes fixed point")
        super().verify_elements()


@irdl_custom_directive
class BatchNormSignature(SignatureDirective):
    """The operand types of a batch normalization."""

    x: TypeDirective
    mean: TypeDirective
    var: TypeDirective
    scale: TypeDirective
    bias: TypeDirective


@irdl_op_definition
class BatchNormOp(CnnOp):
    """`(x - mean) / sqrt(var + eps) * scale + bias` per channel, with the statistics of the training."""

    name = "cnn.batch_norm"
    x = operand_def(TENSOR)
    mean = operand_def(TENSOR)
    var = operand_def(TENSOR)
    scale = opt_operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    eps = prop_def(FloatAttr[Float64Type])
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (BatchNormSignature,)
    assembly_format = (
        "$x `,` $mean `,` $var (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` "
        "custom<BatchNormSignature>(type($x), type($mean), type($var), type($scale), type($bias)) "
        "`->` type($result)"
    )

    def __init__(
        self,
        x: Value,
        mean: Value,
        var: Value,
        *,
        scale: Value | None = None,
        bias: Value | None = None,
        eps: float = 1e-5,
    ):
        super().__init__(
            operands=[x, mean, var, scale, bias],
            properties={"eps": FloatAttr(eps, f64)},
            result_types=[SSAValue.get(x).type],
        )

    def result_shape(self) -> Shape:
        return _per_channel_shape(self, self.x, mean=self.mean, var=self.var, scale=self.scale, bias=self.bias)

    def verify_elements(self) -> None:
        self.expect_float()


@irdl_op_definition
class ScaleShiftOp(CnnOp):
    """`x * s + t` per channel; without `t` nothing is added."""

    name = "cnn.scale_shift"
    x = operand_def(TENSOR)
    s = operand_def(TENSOR)
    t = opt_operand_def(TENSOR)
    assembly_format = "$x `,` $s (`shift` $t^)? attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, s: Value, t: Value | None = None):
        super().__init__(operands=[x, s, t], result_types=[SSAValue.get(x).type])

    def result_shape(self) -> Shape:
        return _per_channel_shape(self, self.x, scale=self.s, shift=self.t)

    def verify_elements(self) -> None:
        self.expect_float()


def _per_channel_shape(op: CnnOp, x: SSAValue, **vectors: SSAValue | None) -> Shape:
    shape = shape_of(x)
    if len(shape) < 2:
        raise ShapeError(f"input must have channels, is {format_shape(shape)}")
    for what, vector in vectors.items():
        op.expect_constant(what, vector)
        if vector is not None and shape_of(vector) != (shape[1],):
            raise ShapeError(f"{what} must be {shape[1]}, one a channel, is {format_shape(shape_of(vector))}")
    return shape


@irdl_op_definition
class DropoutOp(ElementwiseOp):
    """What training dropped with probability p. Version 1 of Torch7 multiplies by 1 - p when it evaluates."""

    name = "cnn.dropout"
    p = prop_def(FloatAttr[Float64Type])
    scale_at_inference = opt_prop_def(UnitAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, p: float, *, scale_at_inference: bool = False):
        super().__init__(x)
        self.properties["p"] = FloatAttr(p, f64)
        if scale_at_inference:
            self.properties["scale_at_inference"] = UnitAttr()

    @property
    def factor(self) -> float:
        """What evaluation multiplies by."""
        return 1 - self.p.value.data if self.scale_at_inference else 1.0

    def verify_elements(self) -> None:
        self.expect_float()
        if not 0 <= self.p.value.data < 1:
            self.fail(f"p must be a probability below 1, is {self.p.value.data}")


@irdl_op_definition
class IdentityOp(ElementwiseOp):
    """x."""

    name = "cnn.identity"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def verify_elements(self) -> None:
        if self.x.type != self.result.type:
            self.fail("the result must have the type of the operand")
