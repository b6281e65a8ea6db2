"""What each Torch7 layer is in the `cnn` dialect, as torch/nn and cudnn.torch compute it in evaluation mode.

A function takes the network under construction, the layer and its input, and returns its output. Shapes here
have the leading 1 that stands for the batch, so the channels are axis 1.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.frontends import piecewise
from snowdialect.frontends.borders import repeated_border, with_channels
from snowdialect.frontends.network import LayerError, Network, map_sides
from snowdialect.frontends.torch7.fields import Layer
from snowdialect.frontends.torch7.functions import FUNCTIONS
from snowdialect.frontends.torch7.objects import sequence_of
from snowdialect.frontends.torch7.views import reshaped
from snowdialect.frontends.transposed import conv_transpose

Convert = Callable[[Network, Layer, SSAValue], SSAValue]
Join = Callable[[Network, Layer, Sequence[SSAValue]], SSAValue]


def convolution(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialConvolution and its kin: 4-D weights, 2-D ones of old files, or 5-D ones of old cudnn groups."""
    kernel = layer.pair("kH", "kW", least=1)
    outputs, inputs = layer.pair("nOutputPlane", "nInputPlane", least=1)
    groups = layer.integer("groups", 1, least=1) if layer.is_cudnn else 1
    if inputs % groups or outputs % groups:
        raise LayerError(f"{inputs} input and {outputs} output channels do not divide into {groups} groups")
    shape = (outputs, inputs // groups, *kernel)
    weight = layer.tensor("weight")
    known = (
        shape,
        (outputs, inputs // groups * kernel[0] * kernel[1]),
        (groups, outputs // groups, *shape[1:]),
    )
    if weight.shape not in known:
        raise LayerError(f"weight is {format_shape(weight.shape)}, expected {format_shape(shape)}")
    padding = (layer.integer("padding"),) * 2 if layer.has("padding") else layer.pair("padH", "padW", 0)
    dilations = (1, 1)
    if layer.kind == "SpatialDilatedConvolution":
        dilations = layer.pair("dilationH", "dilationW", 1, least=1)
    return network.add(
        cnn.Conv2dOp(
            x,
            network.weight(layer.path, "weight", weight.reshape(shape)),
            bias=_bias(network, layer, outputs),
            strides=layer.pair("dH", "dW", 1, least=1),
            pads=padding * 2,
            dilations=dilations,
            groups=groups,
        ),
        layer.path,
    )


def full_convolution(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialFullConvolution: a transposed convolution, with `adjH` rows and `adjW` columns more."""
    kernel, strides = layer.pair("kH", "kW", least=1), layer.pair("dH", "dW", 1, least=1)
    inputs, outputs = layer.pair("nInputPlane", "nOutputPlane", least=1)
    padding, more = layer.pair("padH", "padW", 0), layer.pair("adjH", "adjW", 0)
    weight = layer.tensor("weight")
    if weight.shape != (inputs, outputs, *kernel):
        raise LayerError(f"weight is {format_shape(weight.shape)}, expected {format_shape((inputs, outputs, *kernel))}")
    if more[0] >= strides[0] or more[1] >= strides[1]:
        raise LayerError(f"adjH and adjW are {list(more)}, which is not below strides of {list(strides)}")
    pads = (*padding, padding[0] - more[0], padding[1] - more[1])
    bias = _bias(network, layer, outputs)
    return conv_transpose(network, layer.path, x, weight, bias, strides=strides, pads=pads)


def linear(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Linear; maps are taken as the vector of their elements where the number fits exactly."""
    weight = layer.tensor("weight")
    if weight.ndim != 2:
        raise LayerError(f"weight is {format_shape(weight.shape)}, expected outputs x inputs")
    constant = network.weight(layer.path, "weight", weight)
    return network.add(cnn.LinearOp(x, constant, bias=_bias(network, layer, weight.shape[0])), layer.path)


def batch_normalization(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """BatchNormalization as trained; old files hold running_std, which is 1 / sqrt(var + eps)."""
    rank = 4 if layer.kind.startswith("Spatial") else 2
    if len(shape_of(x)) != rank:
        raise LayerError(f"input is {_sample(x)}, expected {'maps CxHxW' if rank == 4 else 'a vector'}")
    eps = layer.real("eps", 1e-5)
    mean = layer.tensor("running_mean")
    if layer.has("running_var"):
        variance = layer.tensor("running_var")
    else:
        with np.errstate(all="ignore"):
            variance = (layer.tensor("running_std").astype(np.float64) ** -2 - eps).astype(np.float32)
    channels = (shape_of(x)[1],)
    for name, array in (("running_mean", mean), ("running_var", variance)):
        if array.shape != channels:
            raise LayerError(f"{name} is for {format_shape(array.shape)} channels, the input has {channels[0]}")
    if not (eps >= 0 and np.all(np.isfinite(variance)) and np.all(variance + np.float32(eps) > 0)):
        raise LayerError("running_var + eps must be above zero")
    return network.add(
        cnn.BatchNormOp(
            x,
            network.weight(layer.path, "running_mean", mean),
            network.weight(layer.path, "running_var", variance),
            scale=network.weight(layer.path, "weight", layer.tensor("weight")) if layer.has("weight") else None,
            bias=network.weight(layer.path, "bias", layer.tensor("bias")) if layer.has("bias") else None,
            eps=float(eps),
        ),
        layer.path,
    )


def max_pool(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialMaxPooling."""
    kernel, strides, padding = _window(layer, default_stride=None)
    pads, ceil_mode = _pool_pads(layer, x, kernel, strides, padding)
    return network.add(cnn.MaxPoolOp(x, kernel=kernel, strides=strides, pads=pads, ceil_mode=ceil_mode), layer.path)


def average_pool(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialAveragePooling; an nn file without the field `divide` is so old that it means sums."""
    kernel, strides, padding = _window(layer, default_stride=None if layer.is_cudnn else 1)
    count_include_pad = layer.truth("count_include_pad", default=True)
    if not layer.is_cudnn and not layer.has("ceil_mode"):
        # SpatialAveragePooling.lua, backwardCompatible: padding came with ceil_mode.
        padding, count_include_pad = (0, 0), True
    pads, ceil_mode = _pool_pads(layer, x, kernel, strides, padding)
    mean = network.add(
        cnn.AvgPoolOp(
            x,
            kernel=kernel,
            strides=strides,
            pads=pads,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad or layer.is_cudnn,
        ),
        layer.path,
    )
    if layer.truth("divide", default=layer.is_cudnn):
        return mean
    if layer.is_cudnn:
        raise LayerError("divide is false, which cudnn does not have")
    sum_name = f"{layer.path}.sum"
    factor = network.full(kernel[0] * kernel[1], shape_of(x)[1:2], sum_name)
    return network.add(cnn.ScaleShiftOp(mean, factor), sum_name)


def dropout(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Dropout: version 1, that is without a true field `v2`, multiplies by 1 - p; so does SpatialDropout."""
    if layer.truth("stochastic_inference"):
        raise LayerError("stochastic inference has random results")
    scales = layer.kind == "SpatialDropout" or not layer.truth("v2")
    return network.add(cnn.DropoutOp(x, float(layer.real("p", 0.5)), scale_at_inference=scales), layer.path)


def reshape(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """View and Reshape."""
    return network.add(cnn.ReshapeOp(x, (1, *reshaped(layer, shape_of(x)[1:]))), layer.path)


def transpose(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Transpose: pairs of dimensions change places, one after the other."""
    rank = len(shape_of(x))
    single = layer.integer("numInputDims", rank) == rank - 1
    order, pairs = [*range(rank)], sequence_of(layer.fields.get("permutations"))
    if pairs is None:
        raise LayerError("field permutations is no list of pairs")
    for pair in pairs:
        axes = [axis - (0 if single else 1) if isinstance(axis, int) else -1 for axis in sequence_of(pair) or ()]
        if len(axes) != 2 or not all(1 <= axis < rank for axis in axes):
            raise LayerError(f"transposes other dimensions than those of an input of {rank - 1}")
        order[axes[0]], order[axes[1]] = order[axes[1]], order[axes[0]]
    return network.add(cnn.TransposeOp(x, order), layer.path)


def narrow(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Narrow: some channels, rows or columns; a negative length counts from their end."""
    shape = shape_of(x)
    axis = _axis(layer, len(shape), "narrows")
    sides = map_sides(x) if axis > 1 else ()
    unit = ("channel", "row", "column")[axis - 1]
    first, length = layer.integer("index", least=1), _signed(layer, "length", 1)
    length = length if length >= 0 else shape[axis] - first + length + 2
    if length < 1 or first + length - 1 > shape[axis]:
        raise LayerError(f"takes {length} {unit}s from {unit} {first} on, the input has {shape[axis]}")
    if axis == 1:
        return network.add(cnn.GatherOp(x, sizes=(length,), offset=first - 1), layer.path)
    sizes, offsets = [*sides], [0, 0]
    sizes[axis - 2], offsets[axis - 2] = length, first - 1
    return network.add(cnn.SampleOp(x, sizes, offsets=offsets), layer.path)


def upsampling(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialUpSamplingNearest: each row and each column several times."""
    factor = layer.integer("scale_factor", least=1)
    return network.add(cnn.UpsampleOp(x, (factor, factor)), layer.path)


def bilinear_upsampling(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialUpSamplingBilinear by a factor, or to `oheight` x `owidth`: corners stay corners."""
    if len(shape_of(x)) != 4:
        raise LayerError(f"input is {_sample(x)}, expected maps CxHxW")
    before = shape_of(x)[2:]
    if layer.has("scale_factor"):
        factor = layer.integer("scale_factor", least=1)
        sizes = [factor * size for size in before]
    else:
        sizes = [*layer.pair("oheight", "owidth", least=1)]
    steps = [Fraction(size - 1, max(1, made - 1)) for size, made in zip(before, sizes, strict=True)]
    return network.add(cnn.InterpolateOp(x, sizes, steps, (Fraction(0), Fraction(0))), layer.path)


def pixel_shuffle(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """PixelShuffle: blocks of pixels, each of as many channels side by side."""
    factor = layer.integer("upscaleFactor", least=1)
    return network.add(cnn.DepthToSpaceOp(x, (factor, factor)), layer.path)


def zero_padding(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialZeroPadding; negative numbers crop."""
    return network.add(cnn.PadOp(x, _pads(layer)), layer.path)


def repeated_padding(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialReflectionPadding and SpatialReplicationPadding; negative numbers crop."""
    return repeated_border(network, layer.path, x, _pads(layer), reflect=layer.kind == "SpatialReflectionPadding")


def shave(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """ShaveImage of fast-neural-style: so much less on each side."""
    return repeated_border(network, layer.path, x, (-layer.integer("size"),) * 4, reflect=False)


def padding(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Padding of one dimension with zeros, before it where `pad` is negative, else behind it."""
    amount, rank = _signed(layer, "pad"), len(shape_of(x))
    if layer.real("value", 0) or layer.integer("index", 1, least=1) != 1:
        raise LayerError("pads with what is not zero, or inside")
    dimension = layer.integer("dim", least=1)
    # Without the number of dimensions of a sample, the batch counts.
    axis = dimension if layer.integer("nInputDim", rank) == rank - 1 else max(1, dimension - 1)
    before, behind = max(0, -amount), max(0, amount)
    if axis == 1:
        return with_channels(network, layer.path, x, before, behind)
    if axis > 3:
        raise LayerError(f"pads dimension {dimension}, which maps do not have")
    pads = [0, 0, 0, 0]
    pads[axis - 2], pads[axis] = before, behind
    return network.add(cnn.PadOp(x, pads), layer.path)


def adaptive_pool(kind: type[cnn.MaxPoolOp] | type[cnn.AvgPoolOp]) -> Convert:
    """SpatialAdaptiveMaxPooling and SpatialAdaptiveAveragePooling, where all windows are alike."""

    def converted(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
        sides, made = map_sides(x), layer.pair("H", "W", least=1)
        if any(side % size for side, size in zip(sides, made, strict=True)):
            raise LayerError(f"makes {format_shape(made)} of {format_shape(sides)}, of windows that are not alike")
        kernel = [side // size for side, size in zip(sides, made, strict=True)]
        return network.add(kind(x, kernel=kernel, strides=kernel), layer.path)

    return converted


def _pads(layer: Layer) -> tuple[int, int, int, int]:
    """Rows and columns around maps: top, left, bottom, right."""
    left = _signed(layer, "pad_l")
    return _signed(layer, "pad_t", left), left, _signed(layer, "pad_b", left), _signed(layer, "pad_r", left)


def softmax(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SoftMax and LogSoftMax of vectors, or over the channels of maps."""
    shape = shape_of(x)
    if len(shape) not in (2, 4):
        raise LayerError(f"input is {_sample(x)}, expected a vector or maps CxHxW")
    if layer.type in ("cudnn.SoftMax", "cudnn.LogSoftMax") and shape[2:] not in ((), (1, 1)):
        raise LayerError(f"{layer.type} over all elements of maps {_sample(x)} is not supported")
    kind = cnn.LogSoftmaxOp if "LogSoftMax" in layer.kind else cnn.SoftmaxOp
    return network.add(kind(x), layer.path)


def cross_map_lrn(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SpatialCrossMapLRN: local response normalization across the channels of maps."""
    if len(shape_of(x)) != 4:
        raise LayerError(f"input is {_sample(x)}, expected maps CxHxW")
    # What is k today was K in old files of cudnn.
    k = layer.real("K" if layer.is_cudnn and layer.has("K") else "k", 1.0)
    op = cnn.LrnOp(x, layer.integer("size", least=1), layer.real("alpha", 1e-4), layer.real("beta", 0.75), k)
    return network.add(op, layer.path)


def table(kind: type[cnn.AddOp] | type[cnn.MultiplyOp], part: str) -> Join:
    """CAddTable and CMulTable: the sum, or the product, of all entries, two at a time."""

    def converted(network: Network, layer: Layer, values: Sequence[SSAValue]) -> SSAValue:
        result = values[0]
        for index, value in enumerate(values[1:], 1):
            name = layer.path if index == len(values) - 1 else f"{layer.path}.{part}{index}"
            result = network.add(kind(result, value), name)
        return result

    return converted


def difference(network: Network, layer: Layer, values: Sequence[SSAValue]) -> SSAValue:
    """CSubTable: the first of two entries without the second."""
    if len(values) != 2:
        raise LayerError(f"its input is a table of {len(values)} tensors, expected two")
    return piecewise.difference(network, layer.path, *values)


def join(network: Network, layer: Layer, values: Sequence[SSAValue]) -> SSAValue:
    """Concat and JoinTable over channels."""
    _expect_channels(layer, len(shape_of(values[0])), "joins")
    return network.add(cnn.ConcatOp(values), layer.path)


def depth_join(network: Network, layer: Layer, values: Sequence[SSAValue]) -> SSAValue:
    """DepthConcat: smaller maps are centred in zeros, the odd one after them."""
    shapes = [shape_of(value) for value in values]
    if any(len(shape) != 4 for shape in shapes):
        raise LayerError(f"inputs are {', '.join(map(_sample, values))}, expected maps CxHxW")
    height, width = (max(shape[axis] for shape in shapes) for axis in (2, 3))
    padded: list[SSAValue] = []
    for index, (value, shape) in enumerate(zip(values, shapes, strict=True)):
        rows, columns = height - shape[2], width - shape[3]
        if rows or columns:
            pads = (rows // 2, columns // 2, rows - rows // 2, columns - columns // 2)
            value = network.add(cnn.PadOp(value, pads), f"{layer.path}.pad{index}")
        padded.append(value)
    return join(network, layer, padded)


def _axis(layer: Layer, rank: int, does: str) -> int:
    """The axis, 1 for the channels, that `dimension` means, for values whose type has `rank` axes with the batch.

    Files count from 1, with the batch (2 is the channels), or, from nets made for single samples, without: 1 can only
    be the channels. JoinTable leaves the batch out when `nInputDims` is the rank of a sample; negative numbers count
    from the end.
    """
    dimension = layer.real("dimension")
    single = layer.kind == "JoinTable" and layer.real("nInputDims", 0) == rank - 1
    axis = rank + dimension if dimension < 0 else dimension if single else max(1, dimension - 1) if dimension else 0
    if axis != int(axis) or not 1 <= axis < rank:
        raise LayerError(f"{does} dimension {dimension:g}, which an input of {rank - 1} dimensions does not have")
    return int(axis)


def _expect_channels(layer: Layer, rank: int, does: str) -> None:
    """Checks that `dimension` means the channels."""
    if _axis(layer, rank, does) != 1:
        raise LayerError(f"{does} dimension {layer.real('dimension'):g}, which is not the channels")


def _bias(network: Network, layer: Layer, outputs: int) -> SSAValue | None:
    if not layer.has("bias"):
        return None
    bias = layer.tensor("bias")
    if bias.shape != (outputs,):
        raise LayerError(f"bias is {format_shape(bias.shape)}, expected {outputs}")
    return network.weight(layer.path, "bias", bias)


def _window(layer: Layer, default_stride: int | None) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, strides and padding of a pool; without a default, the kernel is the default of the strides."""
    kernel = layer.pair("kH", "kW", least=1)
    strides = (
        layer.integer("dH", default_stride or kernel[0], least=1),
        layer.integer("dW", default_stride or kernel[1], least=1),
    )
    return kernel, strides, layer.pair("padH", "padW", 0)


def _pool_pads(
    layer: Layer, x: SSAValue, kernel: tuple[int, int], strides: tuple[int, int], padding: tuple[int, int]
) -> tuple[tuple[int, int, int, int], bool]:
    """Pads (top, left, bottom, right) and ceil mode of a pool.

    nn rejects more padding than half a kernel. cudnn in ceil mode takes every window for whole, dividing by
    all of its elements: that is the same pool in floor mode with as much padding behind as the last window
    needs.
    """
    if any(2 * pad > size for pad, size in zip(padding, kernel, strict=True)):
        raise LayerError(f"padding {format_shape(padding)} is more than half the kernel {format_shape(kernel)}")
    ceil_mode = layer.truth("ceil_mode")
    shape = shape_of(x)
    if not (ceil_mode and layer.is_cudnn and len(shape) == 4):
        return (*padding, *padding), ceil_mode
    behind: list[int] = []
    for size, window, stride, pad in zip(shape[2:], kernel, strides, padding, strict=True):
        slack = size + 2 * pad - window
        behind.append(pad + -slack % stride if slack >= 0 else pad)
    return (*padding, behind[0], behind[1]), False


def _signed(layer: Layer, name: str, default: int | None = None) -> int:
    value = layer.real(name, default)
    if value != int(value):
        raise LayerError(f"field {name} is {value}, expected a whole number")
    return int(value)


def _sample(x: SSAValue) -> str:
    """The shape of one sample, as users write it."""
    return format_shape(shape_of(x)[1:])


LAYERS: dict[str, Convert] = {
    **FUNCTIONS,
    "nn.SpatialConvolution": convolution,
    "nn.SpatialConvolutionMM": convolution,
    "nn.SpatialDilatedConvolution": convolution,
    "cudnn.SpatialConvolution": convolution,
    "nn.SpatialFullConvolution": full_convolution,
    "cudnn.SpatialFullConvolution": full_convolution,
    "nn.Linear": linear,
    "nn.BatchNormalization": batch_normalization,
    "nn.SpatialBatchNormalization": batch_normalization,
    "cudnn.BatchNormalization": batch_normalization,
    "cudnn.SpatialBatchNormalization": batch_normalization,
    "nn.SpatialMaxPooling": max_pool,
    "cudnn.SpatialMaxPooling": max_pool,
    "nn.SpatialAveragePooling": average_pool,
    "cudnn.SpatialAveragePooling": average_pool,
    "nn.Dropout": dropout,
    "nn.SpatialDropout": dropout,
    "nn.View": reshape,
    "nn.Reshape": reshape,
    "nn.Narrow": narrow,
    "nn.Transpose": transpose,
    "nn.SpatialUpSamplingNearest": upsampling,
    "nn.SpatialUpSamplingBilinear": bilinear_upsampling,
    "nn.PixelShuffle": pixel_shuffle,
    "nn.SpatialZeroPadding": zero_padding,
    "nn.SpatialReflectionPadding": repeated_padding,
    "nn.SpatialReplicationPadding": repeated_padding,
    "nn.ShaveImage": shave,
    "nn.Padding": padding,
    "nn.SpatialAdaptiveMaxPooling": adaptive_pool(cnn.MaxPoolOp),
    "nn.SpatialAdaptiveAveragePooling": adaptive_pool(cnn.AvgPoolOp),
    "nn.SoftMax": softmax,
    "nn.LogSoftMax": softmax,
    "nn.SpatialSoftMax": softmax,
    "nn.SpatialLogSoftMax": softmax,
    "cudnn.SoftMax": softmax,
    "cudnn.LogSoftMax": softmax,
    "cudnn.SpatialSoftMax": softmax,
    "cudnn.SpatialLogSoftMax": softmax,
    "nn.SpatialCrossMapLRN": cross_map_lrn,
    "cudnn.SpatialCrossMapLRN": cross_map_lrn,
}
"""Layers of one input and one output."""

JOINS: dict[str, Join] = {
    "nn.CAddTable": table(cnn.AddOp, "sum"),
    "nn.CSubTable": difference,
    "nn.CMulTable": table(cnn.MultiplyOp, "product"),
    "nn.JoinTable": join,
}
"""Layers that take a table and return a tensor."""
