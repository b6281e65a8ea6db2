"""Functions of the host with numbers of their own: they are computed in f64, and rounded to f32 once."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

from xdsl.dialects.builtin import Float64Type, FloatAttr, f64
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, prop_def

from snowdialect.dialects.cnn.base import Value, shape_of
from snowdialect.dialects.cnn.host import LARGEST_SLOPE, ChannelsOp, HostFunctionOp
from snowdialect.dialects.cnn.shapes import Shape, ShapeError, format_shape

LARGEST_EXPONENT = 16
"""No power is higher."""

LARGEST_NORM = 4
"""No norm has a higher power: of finite f32 none is infinite in f64."""

REAL = FloatAttr[Float64Type]


class FunctionOp(HostFunctionOp, ABC):
    """A function with a few numbers."""

    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {}
    """The names of its numbers, and the least and the largest that each may be."""

    irdl_options = (ParsePropInAttrDict(),)

    def __init__(self, x: Value, **numbers: float):
        super().__init__(x)
        for name in self.LIMITS:
            self.properties[name] = FloatAttr(numbers[name], f64)

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers by name."""
        attributes = ((name, self.properties[name]) for name in self.LIMITS)
        return {name: number.value.data for name, number in attributes if isinstance(number, FloatAttr)}

    def verify_elements(self) -> None:
        super().verify_elements()
        for name, (least, most) in self.LIMITS.items():
            number = self.numbers[name]
            if not least <= number <= most:
                self.fail(f"{name} must be a number of {least:g} to {most:g}, is {number:g}")


@irdl_op_definition
class EluOp(FunctionOp):
    """x, and below zero `alpha * (exp(x) - 1)` (Clevert et al., 2016)."""

    name = "cnn.elu"
    LIMITS: ClassVar = {"alpha": (-LARGEST_SLOPE, LARGEST_SLOPE)}
    alpha = prop_def(REAL)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class SoftplusOp(FunctionOp):
    """log(1 + exp(x))."""

    name = "cnn.softplus"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class SoftsignOp(FunctionOp):
    """x / (1 + |x|)."""

    name = "cnn.softsign"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class ErfOp(FunctionOp):
    """`factor * erf(scale * x) + shift`: with 0.5, sqrt(0.5) and 0.5 what GELUs multiply by (Hendrycks and Gimpel,
    2016)."""

    name = "cnn.erf"
    LIMITS: ClassVar = {name: (-LARGEST_SLOPE, LARGEST_SLOPE) for name in ("scale", "factor", "shift")}
    scale = prop_def(REAL)
    factor = prop_def(REAL)
    shift = prop_def(REAL)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class PowerOp(FunctionOp):
    """x to the power of `exponent`; numbers below zero, of which most powers are none, count as zero."""

    name = "cnn.power"
    LIMITS: ClassVar = {"exponent": (1 / LARGEST_EXPONENT, LARGEST_EXPONENT)}
    exponent = prop_def(REAL)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class NormalizeOp(FunctionOp, ChannelsOp):
    """`x / (sum of |x|^p + eps)^(1/p)`, the sum over the channels; zeros stay zeros."""

    name = "cnn.normalize"
    LIMITS: ClassVar = {"p": (1, LARGEST_NORM), "eps": (0, LARGEST_SLOPE)}
    p = prop_def(REAL)
    eps = prop_def(REAL)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class InstanceNormOp(FunctionOp):
    """`(x - mean) / sqrt(variance + eps)` with the mean and the variance of each channel (Ulyanov et al., 2016)."""

    name = "cnn.instance_norm"
    LIMITS: ClassVar = {"eps": (1e-12, LARGEST_SLOPE)}
    eps = prop_def(REAL)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def result_shape(self) -> Shape:
        shape = shape_of(self.x)
        if len(shape) < 3:
            raise ShapeError(f"input must have elements in each channel, is {format_shape(shape)}")
        return shape
