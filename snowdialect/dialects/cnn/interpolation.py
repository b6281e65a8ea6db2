"""Maps of another size, with numbers between those that are there."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

from xdsl.irdl import irdl_op_definition, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective
from snowdialect.dialects.cnn.base import INTEGERS, Value, frac_of, integers, shape_errors, shape_of, tensor_type
from snowdialect.dialects.cnn.host import MoveOp
from snowdialect.dialects.cnn.shapes import Shape, ShapeError, interpolated_shape

LARGEST_UNIT = 1 << 22
"""Parts into which the space between two pixels is divided: with so many, sums of words are exact in 64 bits."""

LARGEST_PLACE = 1 << 62
"""No pixel lies so many parts away."""


@irdl_custom_directive
class InterpolateOptions(OptionsDirective):
    """The options of an interpolation."""

    sizes: AttributeVariable
    steps: AttributeVariable
    offsets: AttributeVariable
    units: AttributeVariable


@irdl_op_definition
class InterpolateOp(MoveOp):
    """Bilinear interpolation: of `sizes` rows and columns, number i lies at row or column `(offset + i * step) / unit`
    of the operand, but not before its first or behind its last one, and has its share of the two on either side.

    Words are weighted by whole numbers and their sum divided once, by the product of both units, rounding half up; f32
    is weighted likewise in f64, rows first.
    """

    name = "cnn.interpolate"
    sizes = prop_def(INTEGERS)
    steps = prop_def(INTEGERS)
    offsets = prop_def(INTEGERS, default_value=integers((0, 0)))
    units = prop_def(INTEGERS, default_value=integers((1, 1)))
    custom_directives = (InterpolateOptions,)
    assembly_format = (
        "$x custom<InterpolateOptions>($sizes, $steps, $offsets, $units) attr-dict-with-keyword `:` "
        "functional-type(operands, results)"
    )

    def __init__(self, x: Value, sizes: Sequence[int], steps: Sequence[Fraction], offsets: Sequence[Fraction]):
        """`steps` from one row or column to the next, and `offsets` of the first ones, in those of the operand."""
        units = [lcm(step.denominator, offset.denominator) for step, offset in zip(steps, offsets, strict=True)]
        with shape_errors(self.name):
            shape = interpolated_shape(shape_of(x), sizes)
        super().__init__(
            operands=[x],
            properties={
                "sizes": integers(sizes),
                "steps": integers([int(step * unit) for step, unit in zip(steps, units, strict=True)]),
                "offsets": integers([int(offset * unit) for offset, unit in zip(offsets, units, strict=True)]),
                "units": integers(units),
            },
            result_types=[tensor_type(shape, frac_of(x))],
        )

    @property
    def places(self) -> tuple[tuple[int, int, int, int], tuple[int, int, int, int]]:
        """Size, step, offset and unit along the rows, and along the columns."""
        numbers = (self.sizes, self.steps, self.offsets, self.units)
        rows, columns = zip(*(values.get_values() for values in numbers), strict=True)
        return rows, columns

    @property
    def is_identity(self) -> bool:
        """Whether every pixel is where it was."""
        unmoved = all(step == unit and offset == 0 for _, step, offset, unit in self.places)
        return unmoved and shape_of(self.x) == shape_of(self.result)

    def result_shape(self) -> Shape:
        shape = interpolated_shape(shape_of(self.x), self.sizes.get_values())
        for name, values in (("steps", self.steps), ("offsets", self.offsets), ("units", self.units)):
            if len(values) != 2:
                raise ShapeError(f"{name} must hold 2 numbers, holds {len(values)}")
        for size, step, offset, unit in self.places:
            if not 1 <= unit <= LARGEST_UNIT or step < 0 or abs(offset) + step * size >= LARGEST_PLACE:
                raise ShapeError(
                    f"step {step}, offset {offset}, unit {unit} are no places of pixels: units are 1 to {LARGEST_UNIT}"
                )
        return shape
