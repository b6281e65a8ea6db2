"""The axes of a value in another order."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective
from snowdialect.dialects.cnn.base import INTEGERS, Value, frac_of, integers, shape_errors, shape_of, tensor_type
from snowdialect.dialects.cnn.host import MoveOp
from snowdialect.dialects.cnn.shapes import Shape, transposed_shape


@irdl_custom_directive
class TransposeOptions(OptionsDirective):
    """The options of a transposition."""

    order: AttributeVariable


@irdl_op_definition
class TransposeOp(MoveOp):
    """Axis i of the result is axis `order[i]` of the operand; the batch stays the first."""

    name = "cnn.transpose"
    order = prop_def(INTEGERS)
    custom_directives = (TransposeOptions,)
    assembly_format = (
        "$x custom<TransposeOptions>($order) attr-dict-with-keyword `:` functional-type(operands, results)"
    )

    def __init__(self, x: Value, order: Sequence[int]):
        with shape_errors(self.name):
            shape = transposed_shape(shape_of(x), order)
        super().__init__(
            operands=[x],
            properties={"order": integers(order)},
            result_types=[tensor_type(shape, frac_of(x))],
        )

    def result_shape(self) -> Shape:
        return transposed_shape(shape_of(self.x), self.order.get_values())
