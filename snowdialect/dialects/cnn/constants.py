"""Constants of a network: trained arrays, and pure expressions on them that passes leave behind.

Passes never write weights. Folding a batch normalization, say, leaves `cnn.fold_scale` in the text; it is
evaluated, once, when something runs or a program is written.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from math import prod
from typing import ClassVar

from xdsl.dialects.builtin import (
    I64,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerAttr,
    StringAttr,
    TensorType,
    f32,
    f64,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyAttr,
    IRDLOperation,
    ParamAttrConstraint,
    ParsePropInAttrDict,
    VarConstraint,
    base,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure

from snowdialect.dialects.cnn.base import (
    INTEGERS,
    TENSOR,
    CnnOp,
    ConstantExpression,
    Value,
    integers,
    shape_of,
    tensor_type,
)
from snowdialect.dialects.cnn.shapes import (
    Shape,
    ShapeError,
    concat_kernels_shape,
    interleaved_kernels_shape,
    phase_kernels_shape,
    sliced_kernels_shape,
)


@irdl_op_definition
class WeightOp(IRDLOperation):
    """A trained array of the file that `snow.weights` of the module names."""

    name = "cnn.weight"
    weight_name = prop_def(StringAttr)
    result = result_def(TensorType.constr(base(Float32Type)))
    traits = traits_def(Pure(), ConstantExpression())
    assembly_format = "$weight_name attr-dict `:` type($result)"

    def __init__(self, name: str, result_type: Attribute):
        super().__init__(properties={"weight_name": StringAttr(name)}, result_types=[result_type])


@irdl_op_definition
class ConstantOp(IRDLOperation):
    """A small constant in the text: for tests, and for factors that passes make up."""

    name = "cnn.constant"
    _T: ClassVar = VarConstraint("T", TensorType.constr(base(Float32Type)))
    value = prop_def(ParamAttrConstraint(DenseIntOrFPElementsAttr, (_T, AnyAttr())))
    result = result_def(_T)
    traits = traits_def(Pure(), ConstantExpression())
    assembly_format = "attr-dict $value"

    def __init__(self, value: DenseIntOrFPElementsAttr):
        super().__init__(properties={"value": value}, result_types=[value.get_type()])

    @staticmethod
    def splat(value: float, shape: Sequence[int]) -> ConstantOp:
        """A tensor full of one number."""
        data = BytesAttr(f32.pack([value]) * prod(shape))
        return ConstantOp(DenseIntOrFPElementsAttr(TensorType(f32, shape), data))


class _ConstantOp(CnnOp, ABC):
    """An operation on f32 constants; evaluated, once, when something runs or a program is written."""

    traits = traits_def(ConstantExpression())

    def verify_elements(self) -> None:
        self.expect_float()
        for value in self.operands:
            self.expect_constant("every operand", value)


@irdl_op_definition
class FoldScaleOp(_ConstantOp):
    """`w * s`, one factor per index of the first axis: a scale behind a layer, moved into its weights."""

    name = "cnn.fold_scale"
    w = operand_def(TENSOR)
    s = operand_def(TENSOR)
    assembly_format = "$w `,` $s attr-dict `:` functional-type(operands, results)"

    def __init__(self, w: Value, s: Value):
        super().__init__(operands=[w, s], result_types=[SSAValue.get(w).type])

    def result_shape(self) -> Shape:
        self.expect_shape("scale", self.s, shape_of(self.w)[:1])
        return shape_of(self.w)


@irdl_op_definition
class FoldShiftOp(_ConstantOp):
    """`b * s + t`: a scale and shift behind a layer, moved into its bias."""

    name = "cnn.fold_shift"
    b = operand_def(TENSOR)
    s = operand_def(TENSOR)
    t = operand_def(TENSOR)
    assembly_format = "$b `,` $s `,` $t attr-dict `:` functional-type(operands, results)"

    def __init__(self, b: Value, s: Value, t: Value):
        super().__init__(operands=[b, s, t], result_types=[SSAValue.get(b).type])

    def result_shape(self) -> Shape:
        self.expect_shape("scale", self.s, shape_of(self.b))
        self.expect_shape("shift", self.t, shape_of(self.b))
        return shape_of(self.b)


@irdl_op_definition
class BnScaleOp(_ConstantOp):
    """`scale / sqrt(var + eps)`: the factor of a batch normalization. Without `scale` it is 1."""

    name = "cnn.bn_scale"
    var = operand_def(TENSOR)
    scale = opt_operand_def(TENSOR)
    eps = prop_def(FloatAttr[Float64Type])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$var (`scale` $scale^)? attr-dict `:` functional-type(operands, results)"

    def __init__(self, var: Value, scale: Value | None = None, *, eps: float):
        super().__init__(
            operands=[var, scale],
            properties={"eps": FloatAttr(eps, f64)},
            result_types=[SSAValue.get(var).type],
        )

    def result_shape(self) -> Shape:
        if self.scale is not None:
            self.expect_shape("scale", self.scale, shape_of(self.var))
        return shape_of(self.var)


@irdl_op_definition
class BnShiftOp(_ConstantOp):
    """`bias - mean * s`: the shift of a batch normalization with factor `s`. Without `bias` it is 0."""

    name = "cnn.bn_shift"
    mean = operand_def(TENSOR)
    s = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    assembly_format = "$mean `,` $s (`bias` $bias^)? attr-dict `:` functional-type(operands, results)"

    def __init__(self, mean: Value, s: Value, bias: Value | None = None):
        super().__init__(operands=[mean, s, bias], result_types=[SSAValue.get(mean).type])

    def result_shape(self) -> Shape:
        self.expect_shape("scale", self.s, shape_of(self.mean))
        if self.bias is not None:
            self.expect_shape("bias", self.bias, shape_of(self.mean))
        return shape_of(self.mean)


@irdl_op_definition
class InterleaveKernelsOp(_ConstantOp):
    """Kernels over a concatenation of `parts` maps with as many channels each, as kernels over their rows in turns: row
    `parts * y + p` of a kernel is row y of its channels of part p."""

    name = "cnn.interleave_kernels"
    w = operand_def(TENSOR)
    parts = prop_def(IntegerAttr[I64])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$w attr-dict `:` functional-type(operands, results)"

    def __init__(self, w: Value, parts: int):
        super().__init__(
            operands=[w],
            properties={"parts": IntegerAttr(parts, i64)},
            result_types=[tensor_type(interleaved_kernels_shape(shape_of(w), parts))],
        )

    def result_shape(self) -> Shape:
        return interleaved_kernels_shape(shape_of(self.w), self.parts.value.data)


@irdl_op_definition
class SliceKernelsOp(_ConstantOp):
    """`count` of some kernels, or of their biases, from the one with index `first` on."""

    name = "cnn.slice_kernels"
    w = operand_def(TENSOR)
    first = prop_def(IntegerAttr[I64])
    count = prop_def(IntegerAttr[I64])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$w attr-dict `:` functional-type(operands, results)"

    def __init__(self, w: Value, first: int, count: int):
        super().__init__(
            operands=[w],
            properties={"first": IntegerAttr(first, i64), "count": IntegerAttr(count, i64)},
            result_types=[tensor_type(sliced_kernels_shape(shape_of(w), first, count))],
        )

    def result_shape(self) -> Shape:
        return sliced_kernels_shape(shape_of(self.w), self.first.value.data, self.count.value.data)


@irdl_op_definition
class ConcatKernelsOp(_ConstantOp):
    """The kernels of several convolutions, or their biases, one behind the other."""

    name = "cnn.concat_kernels"
    parts = var_operand_def(TENSOR)
    assembly_format = "$parts attr-dict `:` functional-type(operands, results)"

    def __init__(self, parts: Sequence[Value]):
        shapes = [shape_of(part) for part in parts]
        super().__init__(operands=[parts], result_types=[tensor_type(concat_kernels_shape(shapes))])

    def result_shape(self) -> Shape:
        return concat_kernels_shape([shape_of(part) for part in self.parts])


@irdl_op_definition
class PhaseKernelsOp(_ConstantOp):
    """Kernels of a transposed convolution, mirrored and taken apart into those of its phases.

    Kernel `(o * strides[0] + a) * strides[1] + b` has as tap (u, v) that of kernel o at row `a + strides[0] * (tH - 1 -
    u)` and column `b + strides[1] * (tW - 1 - v)`, tH and tW being the taps of a phase; zero where there is none.
    """

    name = "cnn.phase_kernels"
    w = operand_def(TENSOR)
    strides = prop_def(INTEGERS)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$w attr-dict `:` functional-type(operands, results)"

    def __init__(self, w: Value, strides: Sequence[int]):
        super().__init__(
            operands=[w],
            properties={"strides": integers(strides)},
            result_types=[tensor_type(phase_kernels_shape(shape_of(w), strides))],
        )

    def result_shape(self) -> Shape:
        return phase_kernels_shape(shape_of(self.w), self.strides.get_values())


@irdl_op_definition
class RepeatOp(_ConstantOp):
    """Each of C numbers `times` times, one behind the other."""

    name = "cnn.repeat"
    s = operand_def(TENSOR)
    times = prop_def(IntegerAttr[I64])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$s attr-dict `:` functional-type(operands, results)"

    def __init__(self, s: Value, times: int):
        super().__init__(
            operands=[s],
            properties={"times": IntegerAttr(times, i64)},
            result_types=[tensor_type((times * prod(shape_of(s)),))],
        )

    def result_shape(self) -> Shape:
        (channels,), times = shape_of(self.s), self.times.value.data
        if times < 1:
            raise ShapeError(f"times must be at least 1, is {times}")
        return (channels * times,)


@irdl_op_definition
class DiagonalOp(_ConstantOp):
    """The factors of C channels as the weights Cx1x1x1 of a depthwise convolution."""

    name = "cnn.diagonal"
    s = operand_def(TENSOR)
    assembly_format = "$s attr-dict `:` functional-type(operands, results)"

    def __init__(self, s: Value):
        super().__init__(operands=[s], result_types=[tensor_type((*shape_of(s), 1, 1, 1))])

    def result_shape(self) -> Shape:
        (channels,) = shape_of(self.s)
        return (channels, 1, 1, 1)
