"""Some rows and columns of maps, in any order: slices, and borders that repeat what is near them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import UnitAttr
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective
from snowdialect.dialects.cnn.base import INTEGERS, Value, flag, frac_of, integers, shape_errors, shape_of, tensor_type
from snowdialect.dialects.cnn.host import MoveOp
from snowdialect.dialects.cnn.shapes import LineSampling, Shape, sampled_shape


@irdl_custom_directive
class SampleOptions(OptionsDirective):
    """The options of a choice of rows and columns."""

    offsets: AttributeVariable
    sizes: AttributeVariable
    steps: AttributeVariable
    reflect: AttributeVariable


@irdl_op_definition
class SampleOp(MoveOp):
    """Of `sizes` rows and columns, number i is row or column `offset + i * step` of the operand. Beyond its borders
    that is the nearest one, or with `reflect` the one as far on this side of the border row or column.

    A slice stays inside. ONNX's modes edge and reflect of Pad begin with a negative offset, and have steps of 1.
    """

    name = "cnn.sample"
    offsets = prop_def(INTEGERS, default_value=integers((0, 0)))
    sizes = prop_def(INTEGERS)
    steps = prop_def(INTEGERS, default_value=integers((1, 1)))
    reflect = opt_prop_def(UnitAttr)
    custom_directives = (SampleOptions,)
    assembly_format = (
        "$x custom<SampleOptions>($offsets, $sizes, $steps, $reflect) attr-dict-with-keyword `:` "
        "functional-type(operands, results)"
    )

    def __init__(
        self,
        x: Value,
        sizes: Sequence[int],
        *,
        offsets: Sequence[int] = (0, 0),
        steps: Sequence[int] = (1, 1),
        reflect: bool = False,
    ):
        with shape_errors(self.name):
            shape = sampled_shape(shape_of(x), sizes)
        super().__init__(
            operands=[x],
            properties={
                "offsets": integers(offsets),
                "sizes": integers(sizes),
                "steps": integers(steps),
                "reflect": flag(reflect),
            },
            result_types=[tensor_type(shape, frac_of(x))],
        )

    @property
    def axes(self) -> tuple[LineSampling, LineSampling]:
        """How rows are chosen, and how columns."""
        numbers = (shape_of(self.x)[2:], self.offsets.get_values(), self.sizes.get_values(), self.steps.get_values())
        rows, columns = (LineSampling(*values, self.reflect is not None) for values in zip(*numbers, strict=True))
        return rows, columns

    @property
    def stays_inside(self) -> bool:
        """Whether no row or column is beyond a border."""
        return all(axis.beyond == 0 for axis in self.axes)

    @property
    def is_identity(self) -> bool:
        """Whether every row and column is where it was."""
        unmoved = not any(self.offsets.get_values()) and all(
            step == 1 or size == 1 for _, _, size, step, _ in self.axes
        )
        return unmoved and shape_of(self.x) == shape_of(self.result)

    def result_shape(self) -> Shape:
        return sampled_shape(
            shape_of(self.x),
            self.sizes.get_values(),
            self.offsets.get_values(),
            self.steps.get_values(),
            reflect=self.reflect is not None,
        )
