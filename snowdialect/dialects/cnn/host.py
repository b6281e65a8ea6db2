"""The layers of the host: what no trace of the accelerator computes."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from math import prod

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective
from snowdialect.dialects.cnn.base import (
    INTEGERS,
    TENSOR,
    CnnOp,
    Value,
    frac_of,
    integers,
    shape_errors,
    shape_of,
    tensor_type,
)
from snowdialect.dialects.cnn.shapes import Shape, ShapeError, format_shape, pad_shape


class HostOp(CnnOp, ABC):
    """A layer that the host runs between two programs, with one function at every level."""

    x = operand_def(TENSOR)


@irdl_op_definition
class ReshapeOp(HostOp):
    """The elements in C, H, W order in another shape."""

    name = "cnn.reshape"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, shape: Sequence[int]):
        super().__init__(operands=[x], result_types=[tensor_type(shape, frac_of(x))])

    def result_shape(self) -> Shape:
        shape = shape_of(self.result)
        if prod(shape) != prod(shape_of(self.x)) or shape[:1] != (1,):
            raise ShapeError(f"{format_shape(shape_of(self.x))} cannot be reshaped to {format_shape(shape)}")
        return shape

    def verify_elements(self) -> None:
        if frac_of(self.x) != frac_of(self.result):
            self.fail("the result must have the elements of the operand")


@irdl_custom_directive
class PadOptions(OptionsDirective):
    """The options of a padding."""

    pads: AttributeVariable


@irdl_op_definition
class PadOp(HostOp):
    """Zeros around a map: top, left, bottom, right; negative numbers crop it."""

    name = "cnn.pad"
    pads = prop_def(INTEGERS)
    custom_directives = (PadOptions,)
    assembly_format = "$x custom<PadOptions>($pads) attr-dict-with-keyword `:` functional-type(operands, results)"

    def __init__(self, x: Value, pads: Sequence[int]):
        with shape_errors(self.name):
            shape = pad_shape(shape_of(x), pads)
        super().__init__(
            operands=[x],
            properties={"pads": integers(pads)},
            result_types=[tensor_type(shape, frac_of(x))],
        )

    def result_shape(self) -> Shape:
        return pad_shape(shape_of(self.x), self.pads.get_values())

    def verify_elements(self) -> None:
        if frac_of(self.x) != frac_of(self.result):
            self.fail("the result must have the elements of the operand")


class HostFunctionOp(HostOp, ABC):
    """A function of f32 values, with a result of the same type: what a new layer of the host is derived from."""

    def __init__(self, x: Value):
        super().__init__(operands=[x], result_types=[SSAValue.get(x).type])

    def result_shape(self) -> Shape:
        return shape_of(self.x)

    def verify_elements(self) -> None:
        self.expect_float()


@irdl_op_definition
class SoftmaxOp(HostFunctionOp):
    """exp(x) / sum of exp(x) over the channels."""

    name = "cnn.softmax"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class LogSoftmaxOp(HostFunctionOp):
    """The logarithm of the softmax over the channels."""

    name = "cnn.log_softmax"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class SigmoidOp(HostFunctionOp):
    """1 / (1 + exp(-x))."""

    name = "cnn.sigmoid"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class TanhOp(HostFunctionOp):
    """tanh(x)."""

    name = "cnn.tanh"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"
