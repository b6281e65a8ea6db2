"""Transposed convolution, which makes maps larger; the accelerator computes it as another convolution."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.ir import Attribute
from xdsl.irdl import AttrSizedOperandSegments, irdl_op_definition, operand_def, opt_operand_def, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, TypeDirective, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective, SignatureDirective
from snowdialect.dialects.cnn.base import INTEGERS, TENSOR, CnnOp, Value, inferred, integers, shape_of
from snowdialect.dialects.cnn.shapes import Shape, TransposedGeometry


@irdl_custom_directive
class TransposedOptions(OptionsDirective):
    """The options of a transposed convolution."""

    strides: AttributeVariable
    pads: AttributeVariable
    dilations: AttributeVariable
    groups: AttributeVariable


@irdl_custom_directive
class TransposedSignature(SignatureDirective):
    """The operand types of a transposed convolution."""

    x: TypeDirective
    weight: TypeDirective
    bias: TypeDirective


@irdl_op_definition
class ConvTranspose2dOp(CnnOp):
    """Transposed convolution with weights O x I/groups x kH x kW, of f32; then, if given, plus bias.

    Pixel (y, x) of input channel i, times kernel (o, i), is added to channel o from row `strides[0] * y` and column
    `strides[1] * x` on, `dilations` apart. `pads` are rows and columns of the sum that are left out, top, left, bottom,
    right; negative ones behind stand for so many more, of the bias alone.
    """

    name = "cnn.conv_transpose2d"
    x = operand_def(TENSOR)
    weight = operand_def(TENSOR)
    bias = opt_operand_def(TENSOR)
    strides = prop_def(INTEGERS, default_value=integers((1, 1)))
    pads = prop_def(INTEGERS, default_value=integers((0, 0, 0, 0)))
    dilations = prop_def(INTEGERS, default_value=integers((1, 1)))
    groups = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(1, i64))
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (TransposedOptions, TransposedSignature)
    assembly_format = (
        "$x `,` $weight (`bias` $bias^)? custom<TransposedOptions>($strides, $pads, $dilations, $groups) "
        "attr-dict-with-keyword `:` custom<TransposedSignature>(type($x), type($weight), type($bias)) `->` "
        "type($result)"
    )

    def __init__(
        self,
        x: Value,
        weight: Value,
        *,
        bias: Value | None = None,
        strides: Sequence[int] = (1, 1),
        pads: Sequence[int] = (0, 0, 0, 0),
        dilations: Sequence[int] = (1, 1),
        groups: int = 1,
        result_type: Attribute | None = None,
    ):
        geometry = TransposedGeometry(tuple(strides), tuple(pads), tuple(dilations), groups)
        deduced = inferred(self.name, result_type, x, lambda: geometry.result_shape(shape_of(x), shape_of(weight)))
        super().__init__(
            operands=[x, weight, bias],
            properties={
                "strides": integers(strides),
                "pads": integers(pads),
                "dilations": integers(dilations),
                "groups": IntegerAttr(groups, i64),
            },
            result_types=[deduced],
        )

    @property
    def geometry(self) -> TransposedGeometry:
        """Strides, pads, dilations and groups as numbers."""
        return TransposedGeometry(
            self.strides.get_values(),
            self.pads.get_values(),
            self.dilations.get_values(),
            self.groups.value.data,
        )

    def result_shape(self) -> Shape:
        return self.geometry.result_shape(shape_of(self.x), shape_of(self.weight))

    def verify_elements(self) -> None:
        self.expect_float()
        self.expect_constant("weight", self.weight)
        self.expect_constant("bias", self.bias)
        if self.bias is not None:
            self.expect_shape("bias", self.bias, shape_of(self.weight)[:1])
