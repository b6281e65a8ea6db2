"""The layers of the host: what no trace of the accelerator computes."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from math import inf, prod
from typing import cast

from xdsl.dialects.builtin import Float64Type, FloatAttr, IntegerAttr, UnitAttr, f64, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, prop_def
from xdsl.irdl.declarative_assembly_format import AttributeVariable, irdl_custom_directive

from snowdialect.dialects.cnn.assembly import OptionsDirective
from snowdialect.dialects.cnn.base import (
    INTEGERS,
    TENSOR,
    CnnOp,
    Value,
    flag,
    frac_of,
    inferred,
    integers,
    shape_errors,
    shape_of,
    tensor_type,
)
from snowdialect.dialects.cnn.shapes import (
    Shape,
    ShapeError,
    channels_shape,
    depth_to_space_shape,
    format_shape,
    gather_shape,
    map_shape,
    multiply_shape,
    pad_shape,
    space_to_depth_shape,
    upsample_shape,
)

SMALLEST_LRN_K, LARGEST_LRN_BETA = 1e-5, 16
"""With these no power underflows, and finite values stay finite; cudnn has the same smallest k."""

LARGEST_SLOPE = 1e30
"""Times a number of f32 and plus as much, it is finite in f64."""


class HostOp(CnnOp, ABC):
    """A layer that the host runs between two programs, with one function at every level."""

    x = operand_def(TENSOR)


class MoveOp(HostOp, ABC):
    """Base of what moves numbers or words, leaves some out, or finds means of some: fixed point keeps its position."""

    def verify_elements(self) -> None:
        if frac_of(self.x) != frac_of(self.result):
            self.fail("the result must have the elements of the operand")


@irdl_op_definition
class ReshapeOp(MoveOp):
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


@irdl_custom_directive
class PadOptions(OptionsDirective):
    """The options of a padding."""

    pads: AttributeVariable


@irdl_op_definition
class PadOp(MoveOp):
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


@irdl_custom_directive
class GatherOptions(OptionsDirective):
    """The options of a gather."""

    offset: AttributeVariable
    sizes: AttributeVariable
    strides: AttributeVariable


@irdl_op_definition
class GatherOp(MoveOp):
    """Some channels, or all in another order: `offset + i * strides[0] + j * strides[1]` for all i < sizes[0], and for
    each of them all j < sizes[1]; and so with any number of sizes.

    A slice has one size; a channel shuffle of g groups has sizes [C/g, g] and strides [1, C/g] (Zhang et al., 2018).
    """

    name = "cnn.gather"
    offset = prop_def(IntegerAttr.constr(i64), default_value=IntegerAttr(0, i64))
    sizes = prop_def(INTEGERS)
    strides = prop_def(INTEGERS, default_value=integers((1,)))
    custom_directives = (GatherOptions,)
    assembly_format = (
        "$x custom<GatherOptions>($offset, $sizes, $strides) attr-dict-with-keyword `:` "
        "functional-type(operands, results)"
    )

    def __init__(self, x: Value, *, sizes: Sequence[int], strides: Sequence[int] = (1,), offset: int = 0):
        with shape_errors(self.name):
            shape = gather_shape(shape_of(x), sizes, strides, offset)
        super().__init__(
            operands=[x],
            properties={
                "offset": IntegerAttr(offset, i64),
                "sizes": integers(sizes),
                "strides": integers(strides),
            },
            result_types=[tensor_type(shape, frac_of(x))],
        )

    @property
    def channels(self) -> list[int]:
        """The channel of the operand that each channel of the result is."""
        channels = [self.offset.value.data]
        for size, stride in zip(self.sizes.get_values(), self.strides.get_values(), strict=True):
            channels = [channel + stride * index for channel in channels for index in range(size)]
        return channels

    def result_shape(self) -> Shape:
        return gather_shape(
            shape_of(self.x), self.sizes.get_values(), self.strides.get_values(), self.offset.value.data
        )


@irdl_custom_directive
class UpsampleOptions(OptionsDirective):
    """The options of an upsampling."""

    factors: AttributeVariable


@irdl_op_definition
class UpsampleOp(MoveOp):
    """Every row `factors[0]` times, every column `factors[1]` times: the nearest neighbour."""

    name = "cnn.upsample"
    factors = prop_def(INTEGERS)
    custom_directives = (UpsampleOptions,)
    assembly_format = (
        "$x custom<UpsampleOptions>($factors) attr-dict-with-keyword `:` functional-type(operands, results)"
    )

    def __init__(self, x: Value, factors: Sequence[int]):
        with shape_errors(self.name):
            shape = upsample_shape(shape_of(x), factors)
        super().__init__(
            operands=[x],
            properties={"factors": integers(factors)},
            result_types=[tensor_type(shape, frac_of(x))],
        )

    def result_shape(self) -> Shape:
        return upsample_shape(shape_of(self.x), self.factors.get_values())


@irdl_custom_directive
class DepthToSpaceOptions(OptionsDirective):
    """The options of a pixel shuffle."""

    block: AttributeVariable
    blocks_first: AttributeVariable
    crop: AttributeVariable


@irdl_op_definition
class DepthToSpaceOp(MoveOp):
    """Blocks of `block[0]` x `block[1]` pixels, each of as many channels: the pixel shuffle of Shi et al., 2016.

    Pixel (i, j) of the blocks of channel c comes from channel `(c * block[0] + i) * block[1] + j`, or, with
    `blocks_first`, from `(i * block[1] + j) * channels + c`, the result having so many channels: ONNX's modes CRD and
    DCR. Of what they make up, `crop` rows and columns are left out at the top, left, bottom, right.
    """

    name = "cnn.depth_to_space"
    block = prop_def(INTEGERS)
    blocks_first = opt_prop_def(UnitAttr)
    crop = prop_def(INTEGERS, default_value=integers((0, 0, 0, 0)))
    custom_directives = (DepthToSpaceOptions,)
    assembly_format = (
        "$x custom<DepthToSpaceOptions>($block, $blocks_first, $crop) attr-dict-with-keyword `:` "
        "functional-type(operands, results)"
    )

    def __init__(
        self, x: Value, block: Sequence[int], *, blocks_first: bool = False, crop: Sequence[int] = (0, 0, 0, 0)
    ):
        with shape_errors(self.name):
            shape = depth_to_space_shape(shape_of(x), block, crop)
        super().__init__(
            operands=[x],
            properties={"block": integers(block), "blocks_first": flag(blocks_first), "crop": integers(crop)},
            result_types=[tensor_type(shape, frac_of(x))],
        )

    def result_shape(self) -> Shape:
        return depth_to_space_shape(shape_of(self.x), self.block.get_values(), self.crop.get_values())


@irdl_custom_directive
class SpaceToDepthOptions(OptionsDirective):
    """The options of the opposite."""

    block: AttributeVariable
    blocks_first: AttributeVariable


@irdl_op_definition
class SpaceToDepthOp(MoveOp):
    """The opposite of `cnn.depth_to_space`: a channel for each pixel of blocks of `block[0]` x `block[1]` pixels."""

    name = "cnn.space_to_depth"
    block = prop_def(INTEGERS)
    blocks_first = opt_prop_def(UnitAttr)
    custom_directives = (SpaceToDepthOptions,)
    assembly_format = (
        "$x custom<SpaceToDepthOptions>($block, $blocks_first) attr-dict-with-keyword `:` "
        "functional-type(operands, results)"
    )

    def __init__(self, x: Value, block: Sequence[int], *, blocks_first: bool = False):
        with shape_errors(self.name):
            shape = space_to_depth_shape(shape_of(x), block)
        super().__init__(
            operands=[x],
            properties={"block": integers(block), "blocks_first": flag(blocks_first)},
            result_types=[tensor_type(shape, frac_of(x))],
        )

    def result_shape(self) -> Shape:
        return space_to_depth_shape(shape_of(self.x), self.block.get_values())


@irdl_op_definition
class MultiplyOp(HostOp):
    """The product of two values of one shape, or of a value and one with one element along some axes, such as a factor
    for each channel, 1xCx1x1, or each place, 1x1xHxW: squeeze and excitation (Hu et al., 2018), attention, SiLU.

    A product of words is exact, with the fraction bits of both, before it is rounded and clamped: it never wraps. One
    of f32 is rounded to f32, and never infinite.
    """

    name = "cnn.multiply"
    x = operand_def(TENSOR)  # Again, since operands that a class inherits come behind its own.
    factor = operand_def(TENSOR)
    assembly_format = "$x `,` $factor attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, factor: Value, result_type: Attribute | None = None):
        deduced = inferred(self.name, result_type, x, lambda: multiply_shape(shape_of(x), shape_of(factor)))
        super().__init__(operands=[x, factor], result_types=[deduced])

    @property
    def product_frac(self) -> int | None:
        """Fraction bits of an exact product; None in f32."""
        frac, factor_frac = frac_of(self.x), frac_of(self.factor)
        return None if frac is None or factor_frac is None else frac + factor_frac

    def result_shape(self) -> Shape:
        return multiply_shape(shape_of(self.x), shape_of(self.factor))

    def verify_elements(self) -> None:
        super().verify_elements()
        if (product := self.product_frac) is not None:
            self.expect_shift("the result", product - cast(int, frac_of(self.result)))


class HostFunctionOp(HostOp, ABC):
    """A function of f32 values, with a result of the same type: what a new layer of the host is derived from."""

    def __init__(self, x: Value):
        super().__init__(operands=[x], result_types=[SSAValue.get(x).type])

    def result_shape(self) -> Shape:
        return shape_of(self.x)

    def verify_elements(self) -> None:
        self.expect_float()


class ChannelsOp(HostFunctionOp, ABC):
    """A function over the channels, axis 1: a value of one axis has none."""

    def result_shape(self) -> Shape:
        return channels_shape(shape_of(self.x))


@irdl_op_definition
class SoftmaxOp(ChannelsOp):
    """exp(x) / sum of exp(x) over the channels."""

    name = "cnn.softmax"
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"


@irdl_op_definition
class LogSoftmaxOp(ChannelsOp):
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


@irdl_op_definition
class HardSigmoidOp(HostFunctionOp):
    """`alpha * x + beta`, but no less than 0 and no more than 1; computed in f64."""

    name = "cnn.hard_sigmoid"
    alpha = prop_def(FloatAttr[Float64Type])
    beta = prop_def(FloatAttr[Float64Type])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, alpha: float = 0.2, beta: float = 0.5):
        super().__init__(x)
        self.properties["alpha"] = FloatAttr(alpha, f64)
        self.properties["beta"] = FloatAttr(beta, f64)

    @property
    def numbers(self) -> tuple[float, float]:
        """Alpha and beta."""
        return self.alpha.value.data, self.beta.value.data

    def verify_elements(self) -> None:
        super().verify_elements()
        for name, number in zip(("alpha", "beta"), self.numbers, strict=True):
            if not abs(number) <= LARGEST_SLOPE:
                self.fail(f"{name} must be a number up to {LARGEST_SLOPE:g}, is {number}")


@irdl_op_definition
class LrnOp(HostFunctionOp):
    """Local response normalization across channels: `x / (k + alpha / size * sum of x^2)^beta`.

    The sum is over the `size` channels around each, an even size having one more behind than before; there are
    no channels beyond the first and the last. Krizhevsky et al., 2012; Torch7's SpatialCrossMapLRN, ONNX's LRN.
    """

    name = "cnn.lrn"
    size = prop_def(IntegerAttr.constr(i64))
    alpha = prop_def(FloatAttr[Float64Type])
    beta = prop_def(FloatAttr[Float64Type])
    k = prop_def(FloatAttr[Float64Type])
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__(x)
        self.properties["size"] = IntegerAttr(size, i64)
        self.properties["alpha"] = FloatAttr(alpha, f64)
        self.properties["beta"] = FloatAttr(beta, f64)
        self.properties["k"] = FloatAttr(k, f64)

    @property
    def numbers(self) -> tuple[int, float, float, float]:
        """Size, alpha, beta and k."""
        return self.size.value.data, self.alpha.value.data, self.beta.value.data, self.k.value.data

    def result_shape(self) -> Shape:
        map_shape(shape_of(self.x))
        return shape_of(self.x)

    def verify_elements(self) -> None:
        super().verify_elements()
        size, alpha, beta, k = self.numbers
        if size < 1:
            self.fail(f"size must be at least 1, is {size}")
        if not 0 <= alpha < inf:
            self.fail(f"alpha must be a number of 0 or more, is {alpha}")
        if not 0 <= beta <= LARGEST_LRN_BETA:
            self.fail(f"beta must be 0..{LARGEST_LRN_BETA}, is {beta}")
        if not SMALLEST_LRN_K <= k < inf:
            self.fail(f"k must be at least {SMALLEST_LRN_K}, is {k}")
