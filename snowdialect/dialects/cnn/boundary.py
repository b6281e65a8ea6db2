"""Where a network meets the outside, and where f32 meets fixed point."""

from __future__ import annotations

from xdsl.dialects.builtin import DYNAMIC_INDEX, StringAttr
from xdsl.ir import Attribute
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.cnn.base import (
    TENSOR,
    ConstantExpression,
    ElementwiseOp,
    Value,
    frac_of,
    shape_of,
    tensor_type,
)
from snowdialect.dialects.cnn.shapes import INPUT_SIZES, is_input_shape


@irdl_op_definition
class InputOp(IRDLOperation):
    """What the network is given at run time, by name."""

    name = "cnn.input"
    input_name = prop_def(StringAttr)
    result = result_def(TENSOR)
    traits = traits_def(MemoryReadEffect())
    assembly_format = "$input_name attr-dict `:` type($result)"

    def __init__(self, name: str, result_type: Attribute):
        super().__init__(properties={"input_name": StringAttr(name)}, result_types=[result_type])

    def verify_(self) -> None:
        if shape_of(self.result)[:1] != (1,):
            raise VerifyException(f"{self.name}: the first axis of the shape is the batch and must be 1")
        if not is_input_shape(shape := shape_of(self.result)):
            sizes = "x".join("?" if size == DYNAMIC_INDEX else str(size) for size in shape)
            raise VerifyException(f"{self.name}: {sizes} is no shape of an input, whose {INPUT_SIZES}")
        if frac_of(self.result) is not None:
            raise VerifyException(f"{self.name}: an input is f32; cnn.quantize makes fixed point of it")


@irdl_op_definition
class OutputOp(IRDLOperation):
    """What the network answers, by name."""

    name = "cnn.output"
    output_name = prop_def(StringAttr)
    x = operand_def(TENSOR)
    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$output_name $x attr-dict `:` type($x)"

    def __init__(self, name: str, x: Value):
        super().__init__(properties={"output_name": StringAttr(name)}, operands=[x])


@irdl_op_definition
class QuantizeOp(ElementwiseOp):
    """f32 to the nearest fixed-point word, half up, clamped. Of maps and of constants alike."""

    name = "cnn.quantize"
    traits = traits_def(ConstantExpression())
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, frac: int):
        super().__init__(x, tensor_type(shape_of(x), frac))

    def verify_elements(self) -> None:
        if frac_of(self.x) is not None or frac_of(self.result) is None:
            self.fail("turns f32 into fixed point")


@irdl_op_definition
class DequantizeOp(ElementwiseOp):
    """Fixed point to the f32 it stands for, exactly."""

    name = "cnn.dequantize"
    traits = traits_def(ConstantExpression())
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value):
        super().__init__(x, tensor_type(shape_of(x)))

    def verify_elements(self) -> None:
        if frac_of(self.x) is None or frac_of(self.result) is not None:
            self.fail("turns fixed point into f32")
