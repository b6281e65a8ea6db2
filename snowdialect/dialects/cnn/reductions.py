"""One channel of many: attention to places (Woo et al., 2018) begins with it."""

from __future__ import annotations

from abc import ABC

from xdsl.irdl import irdl_op_definition

from snowdialect.dialects.cnn.base import Value, frac_of, shape_errors, shape_of, tensor_type
from snowdialect.dialects.cnn.host import MoveOp
from snowdialect.dialects.cnn.shapes import Shape, reduced_shape


class ChannelReductionOp(MoveOp, ABC):
    """One channel, which keeps the position of the point."""

    def __init__(self, x: Value):
        with shape_errors(self.name):
            shape = reduced_shape(shape_of(x))
        super().__init__(operands=[x], result_types=[tensor_type(shape, frac_of(x))])

    def result_shape(self) -> Shape:
        return reduced_shape(shape_of(self.x))


@irdl_op_definition
class ChannelMaxOp(ChannelReductionOp):
    """The largest number of all channels, at each place."""

    name = "cnn.channel_max"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class ChannelMeanOp(ChannelReductionOp):
    """The mean of all channels, at each place: of words the sum, divided once, rounding half up; of f32 in f64."""

    name = "cnn.channel_mean"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"
