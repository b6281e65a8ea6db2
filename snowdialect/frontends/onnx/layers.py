"""What each ONNX operator is in the `cnn` dialect.

A function takes the network under construction and a node, and returns the node's result. Shapes here have the
leading 1 that stands for the batch, so the channels are axis 1.
"""

from collections.abc import Callable, Iterable

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import Shape, format_shape
from snowdialect.frontends import activations, piecewise
from snowdialect.frontends.borders import broadcast, repeated_border, with_channels
from snowdialect.frontends.network import Floats, LayerError, Network, finite_floats, map_sides
from snowdialect.frontends.onnx.node import Activation, Array, Node
from snowdialect.frontends.onnx.orders import aligned, channels_first, straight
from snowdialect.frontends.onnx.pixels import is_pixel_shuffle, pixel_shuffle, shuffled_pixels
from snowdialect.frontends.onnx.resize import expand, resize
from snowdialect.frontends.onnx.slices import is_shuffled, shuffle, slice_axes, split
from snowdialect.frontends.onnx.windows import Pair, pool_pads, spatial_pads, transposed_pads
from snowdialect.frontends.transposed import conv_transpose

Convert = Callable[[Network, Node], Activation | tuple[Activation, ...]]
"""What a node becomes; of one with several results, all of them."""


def plain(convert: Callable[[Network, Node, SSAValue], SSAValue]) -> Convert:
    """A layer that takes a value with the axes of the file, and returns one."""
    return lambda network, node: Activation.of(convert(network, node, straight(network, node.name, node.activation())))


def elementwise(convert: Callable[[Network, Node, SSAValue], SSAValue]) -> Convert:
    """A layer of single elements, for which the order of axes does not matter."""

    def converted(network: Network, node: Node) -> Activation:
        x = node.activation()
        return Activation(convert(network, node, x.value), x.order, x.flattened)

    return converted


def _kernels(node: Node, order: str) -> tuple[Floats, Pair]:
    """The weight of a convolution of maps, and the size of its kernels."""
    weight = node.floats(1, "its weight")
    if weight.ndim != 4:
        raise LayerError(f"its weight is {format_shape(weight.shape)}, expected {order}xHxW: maps are CxHxW")
    kernel = (weight.shape[2], weight.shape[3])
    if node.has("kernel_shape") and node.pair("kernel_shape") != kernel:
        raise LayerError(
            f"kernel_shape is {format_shape(node.pair('kernel_shape'))}, its weight {format_shape(kernel)}"
        )
    return weight, kernel


def transposed_convolution(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """ConvTranspose of maps."""
    weight, kernel = _kernels(node, "IxO")
    strides, dilations, groups = node.pair("strides", 1), node.pair("dilations", 1), node.integer("group")
    return conv_transpose(
        network,
        node.name,
        x,
        weight,
        _bias(network, node, 2, weight.shape[1] * groups),
        strides=strides,
        pads=transposed_pads(node, shape_of(x), kernel, strides, dilations),
        dilations=dilations,
        groups=groups,
    )


def convolution(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Conv of maps."""
    weight, kernel = _kernels(node, "OxI")
    strides, dilations = node.pair("strides", 1), node.pair("dilations", 1)
    return network.add(
        cnn.Conv2dOp(
            x,
            network.weight(node.name, "weight", weight),
            bias=_bias(network, node, 2, weight.shape[0]),
            strides=strides,
            pads=spatial_pads(node, shape_of(x), kernel, strides, dilations),
            dilations=dilations,
            groups=node.integer("group"),
        ),
        node.name,
    )


def gemm(network: Network, node: Node) -> Activation:
    """Gemm of a vector and constants: alpha * x * B + beta * C."""
    if node.truth("transA"):
        raise LayerError("transA is set, which mixes the inputs of a batch")
    weight = node.floats(1, "its matrix")
    bias = None
    if node.has_input(2) and weight.ndim == 2:
        outputs = weight.shape[0 if node.truth("transB") else 1]
        bias = _times(_row(node.floats(2, "its bias"), outputs), node.real("beta"), "its bias")
    weight = _times(weight, node.real("alpha"), "its matrix")
    return _linear(network, node, weight if node.truth("transB") else weight.T, bias)


def _times(array: Floats, factor: float, what: str) -> Floats:
    if factor == 1:
        return array
    with np.errstate(over="ignore"):
        return finite_floats(array * np.float32(factor), what)


def matmul(network: Network, node: Node) -> Activation:
    """MatMul of a vector and a constant."""
    return _linear(network, node, node.floats(1, "its matrix").T, None)


def _linear(network: Network, node: Node, weight: Floats, bias: Floats | None) -> Activation:
    """A linear layer with a weight MxN."""
    x = node.activation()
    if len(x.shape) != 2 or weight.ndim != 2:
        raise LayerError(f"multiplies {format_shape(x.shape)} by {format_shape(weight.shape)}, expected a vector 1xF")
    if x.flattened and weight.shape[1] == x.shape[1]:
        # The columns are in the order of the file's axes; a linear layer flattens those of `cnn`.
        sizes = [shape_of(x.value)[axis] for axis in x.order[1:]]
        back = [x.order.index(axis) for axis in range(1, len(x.order))]
        weight = weight.reshape(-1, *sizes).transpose(0, *back).reshape(weight.shape)
    constant = network.weight(node.name, "weight", weight)
    vector = None if bias is None else network.weight(node.name, "bias", bias)
    value = x.value if x.flattened else straight(network, node.name, x)
    return Activation.of(network.add(cnn.LinearOp(value, constant, bias=vector), node.name))


def _bias(network: Network, node: Node, index: int, outputs: int) -> SSAValue | None:
    if not node.has_input(index):
        return None
    return network.weight(node.name, "bias", node.floats(index, "its bias", (outputs,)))


def _row(array: Floats, size: int) -> Floats:
    """A constant that is added to each vector of `size` elements."""
    if array.ndim > 2 or array.shape[:-1] not in ((), (1,)) or array.size not in (1, size):
        raise LayerError(f"its bias is {format_shape(array.shape)}, expected {size}")
    return np.ascontiguousarray(np.broadcast_to(array.reshape(-1), (size,)))


def batch_normalization(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """BatchNormalization with the statistics of the training."""
    in_training = "a network that is being trained cannot be compiled"
    if "training_mode" not in node.schema.attributes:
        # Before operator set 14, whoever asks for the running statistics, too, is training.
        if any(node.proto.output[1:]):
            raise LayerError(f"has more results than one, {in_training}")
    elif node.truth("training_mode"):
        raise LayerError(f"training_mode is set, {in_training}")
    if "spatial" in node.schema.attributes and not node.truth("spatial"):
        raise LayerError("spatial is 0, statistics of single elements are not supported")
    shape = shape_of(x)
    if len(shape) not in (2, 4):
        raise LayerError(f"input is {format_shape(shape)}, expected a vector 1xC or maps 1xCxHxW")
    names = ("scale", "bias", "running_mean", "running_var")
    arrays = [node.floats(index, f"its {name}", shape[1:2]) for index, name in enumerate(names, 1)]
    eps = node.real("epsilon")
    if not (eps >= 0 and np.all(arrays[3] + np.float32(eps) > 0)):
        raise LayerError("its running_var + epsilon must be above zero")
    scale, bias, mean, variance = (
        network.weight(node.name, "weight" if name == "scale" else name, array)
        for name, array in zip(names, arrays, strict=True)
    )
    return network.add(cnn.BatchNormOp(x, mean, variance, scale=scale, bias=bias, eps=eps), node.name)


def pool(kind: type[cnn.MaxPoolOp] | type[cnn.AvgPoolOp]) -> Convert:
    """MaxPool and AveragePool."""

    def converted(network: Network, node: Node, x: SSAValue) -> SSAValue:
        kernel, strides = node.pair("kernel_shape"), node.pair("strides", 1)
        if "dilations" in node.schema.attributes and node.pair("dilations", 1) != (1, 1):
            raise LayerError("a pool with dilations is not supported")
        shape = shape_of(x)
        given = spatial_pads(node, shape, kernel, strides, (1, 1))
        ceil_mode = "ceil_mode" in node.schema.attributes and node.truth("ceil_mode")
        pads, ceil_mode = pool_pads(shape, kernel, strides, given, ceil_mode)
        # What the last windows have behind the maps is no padding, which is all that is counted.
        include = kind is cnn.AvgPoolOp and any(given) and node.truth("count_include_pad")
        return network.add(
            kind(x, kernel=kernel, strides=strides, pads=pads, ceil_mode=ceil_mode, count_include_pad=include),
            node.name,
        )

    return plain(converted)


def global_pool(kind: type[cnn.MaxPoolOp] | type[cnn.AvgPoolOp]) -> Convert:
    """GlobalMaxPool and GlobalAveragePool: one window, which is the map."""

    def converted(network: Network, node: Node) -> Activation:
        x = node.activation()
        return Activation(_global_pool(network, node, range(2, len(x.order)), kind), x.order)

    return converted


def _global_pool(
    network: Network, node: Node, axes: Iterable[int], kind: type[cnn.MaxPoolOp] | type[cnn.AvgPoolOp]
) -> SSAValue:
    """A pool of all that lies along rows, columns or both."""
    x = node.activation()
    pooled = {x.order[axis] for axis in axes}
    if x.flattened or not pooled or not pooled <= {2, 3}:
        raise LayerError("pools other axes than rows and columns of maps")
    kernel = [size if axis in pooled else 1 for axis, size in enumerate(map_sides(x.value), 2)]
    return network.add(kind(x.value, kernel=kernel), node.name)


def reduction(
    pooled: type[cnn.MaxPoolOp] | type[cnn.AvgPoolOp], reduced: type[cnn.ChannelMaxOp] | type[cnn.ChannelMeanOp]
) -> Convert:
    """ReduceMax and ReduceMean: over rows or columns a pool of whole maps, over channels one channel."""

    def converted(network: Network, node: Node) -> Activation:
        x = node.activation()
        axes = node.axes(1, len(x.shape)) or ()
        if len(axes) == 1 and (len(x.shape) != 4 or x.order[axes[0]] == 1):
            x = channels_first(network, node.name, x, axes[0])
            value = network.add(reduced(x.value), node.name)
        else:
            value = _global_pool(network, node, axes, pooled)
        y = Activation(value, x.order)
        if node.truth("keepdims"):
            return y
        shape = [size for axis, size in enumerate(y.shape) if axis not in axes]
        name = f"{node.name}.vector"
        return Activation.of(network.add(cnn.ReshapeOp(straight(network, name, y), shape), name))

    return converted


def relu(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Relu."""
    return network.add(cnn.ReluOp(x), node.name)


def leaky(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """LeakyRelu: one slope for what is below zero."""
    return piecewise.leaky_relu(network, node.name, x, node.real("alpha"))


def prelu(network: Network, node: Node) -> Activation:
    """PRelu: one slope for what is below zero, or one for each channel."""
    x = node.activation()
    slopes = _per_channel(x, node.constant(1, "its slope"))
    slope = slopes.item() if slopes.size == 1 else slopes
    return Activation(piecewise.leaky_relu(network, node.name, x.value, slope), x.order, x.flattened)


def negation(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Neg."""
    return piecewise.negated(network, node.name, x)


def magnitude(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Abs: a slope of -1 for what is below zero."""
    return piecewise.leaky_relu(network, node.name, x, -1.0)


def clip(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Clip; to 0..h a ReLU with a limit."""
    low, high = node.limit("min", 1, -np.inf), node.limit("max", 2, np.inf)
    return piecewise.clipped(network, node.name, x, low, high)


def bound(low: bool) -> Convert:
    """Max, which gives a value a lower limit, and Min, an upper one: of a value and numbers."""

    def converted(network: Network, node: Node) -> Activation:
        values = [value for value in node.inputs if isinstance(value, Activation)]
        if len(values) > 1:
            raise LayerError("compares two values of the network, supported are numbers")
        x = values[0]
        constants = [index for index, value in enumerate(node.inputs) if isinstance(value, np.ndarray)]
        numbers = [node.limit("its limit", index, 0.0) for index in constants]
        limits = (max(numbers, default=-np.inf), np.inf) if low else (-np.inf, min(numbers, default=np.inf))
        return Activation(piecewise.clipped(network, node.name, x.value, *limits), x.order, x.flattened)

    return converted


def function(kind: type[cnn.HostFunctionOp] | type[cnn.IdentityOp]) -> Convert:
    """Layers of single elements that are one operation without options."""
    return elementwise(lambda network, node, x: network.add(kind(x), node.name))


def hard_sigmoid(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """HardSigmoid."""
    return network.add(cnn.HardSigmoidOp(x, node.real("alpha"), node.real("beta")), node.name)


def hard_swish(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """HardSwish: x times its hard sigmoid, of slope 1/6."""
    return network.add(cnn.MultiplyOp(x, network.add(cnn.HardSigmoidOp(x, 1 / 6, 0.5), f"{node.name}.gate")), node.name)


def instance_normalization(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """InstanceNormalization."""
    weight, bias = (node.floats(index, f"its {name}") for index, name in ((1, "scale"), (2, "bias")))
    return activations.instance_norm(network, node.name, x, node.real("epsilon"), weight, bias)


def power(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Pow by one number."""
    return activations.power(network, node.name, x, node.limit("its exponent", 1, 0.0))


def gelu(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Gelu without approximation."""
    if (approximation := node.text("approximate", "none")) != "none":
        raise LayerError(f"approximates by {approximation}, which is not supported")
    return activations.gelu(network, node.name, x)


def selu(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Selu: gamma times the ELU."""
    y = activations.elu(network, f"{node.name}.elu", x, node.real("alpha"))
    return piecewise.line(network, node.name, y, node.real("gamma"))


def lp_normalization(network: Network, node: Node) -> Activation:
    """LpNormalization over one axis."""
    x = node.activation()
    x = channels_first(network, node.name, x, node.axis("axis", len(x.shape)))
    return Activation(network.add(cnn.NormalizeOp(x.value, p=node.integer("p"), eps=0.0), node.name), x.order)


def dropout(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Dropout, which does nothing after the training."""
    if node.has_input(2) and bool(np.any(node.constant(2, "its training_mode"))):
        raise LayerError("its training_mode is set, a network that is being trained cannot be compiled")
    return network.add(cnn.IdentityOp(x), node.name)


def cast(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """Cast of what is float32 already."""
    if node.integer("to") != 1:
        raise LayerError("casts to another type than float32")
    return network.add(cnn.IdentityOp(x), node.name)


def lrn(network: Network, node: Node, x: SSAValue) -> SSAValue:
    """LRN."""
    op = cnn.LrnOp(x, node.integer("size"), node.real("alpha"), node.real("beta"), node.real("bias"))
    return network.add(op, node.name)


def softmax(kind: type[cnn.SoftmaxOp] | type[cnn.LogSoftmaxOp]) -> Convert:
    """Softmax and LogSoftmax over one axis, or over all elements.

    Before operator set 13, `axis` is the first of those that are taken together.
    """

    def converted(network: Network, node: Node) -> Activation:
        x = node.activation()
        if x.flattened:
            x = Activation.of(straight(network, node.name, x))
        axis = node.axis("axis", len(x.shape))
        axes = [axis] if node.version >= 13 else range(axis, len(x.shape))
        shape = shape_of(x.value)
        taken = {x.order[axis] for axis in axes if x.shape[axis] > 1}
        others = {axis for axis, size in enumerate(shape) if size > 1} - taken
        if others and not taken and 1 not in {x.order[axis] for axis in axes}:
            raise LayerError("is over a single element, so that its results are all the same")
        if len(shape) in (2, 4) and taken <= {1}:
            return Activation(network.add(kind(x.value), node.name), x.order)
        if others and len(taken) > 1:
            raise LayerError("is over neither one axis nor all elements")
        if others:
            y = channels_first(network, node.name, x, x.order.index(*taken) if taken else axis)
            return Activation(network.add(kind(y.value), node.name), y.order)
        vector = network.add(cnn.ReshapeOp(x.value, (1, int(np.prod(shape)))), f"{node.name}.vector")
        y = network.add(kind(vector), node.name)
        return Activation(network.add(cnn.ReshapeOp(y, shape), f"{node.name}.shape"), x.order)

    return converted


def pad(network: Network, node: Node) -> Activation:
    """Pad of rows and columns with zeros, or with what is near the border; negative numbers crop."""
    x = node.activation()
    if x.flattened:
        x = Activation.of(straight(network, node.name, x))
    mode = node.text("mode", "constant")
    if mode not in ("constant", "edge", "reflect"):
        raise LayerError(f"pads in the mode {mode}, supported are constant, edge and reflect")
    value = node.limit("value", 2, 0.0) if mode == "constant" else 0
    if value != 0:
        raise LayerError(f"pads with {value:g}, only zeros are supported")
    rank = len(x.order)
    sizes = node.pads(1)
    axes = node.axes(3, rank) if node.has_input(3) else tuple(range(rank))
    if axes is None or len(sizes) != 2 * len(axes) or len(set(axes)) != len(axes):
        raise LayerError(f"has {len(sizes)} sizes for a value of {rank} axes")
    pads = dict(zip((x.order[axis] for axis in axes), zip(sizes, sizes[len(axes) :], strict=False), strict=True))
    before, behind = pads.get(1, (0, 0))
    if any(pads.get(0, ())) or (before or behind) and (mode != "constant" or min(before, behind) < 0):
        raise LayerError("pads the batch, or channels with what is not zero")
    if before or behind:
        inner = any(any(pads.get(axis, ())) for axis in (2, 3))
        value = with_channels(network, f"{node.name}.channels" if inner else node.name, x.value, before, behind)
        x = Activation(value, x.order)
        if not inner:
            return x
    (top, bottom), (left, right) = (pads.get(axis, (0, 0)) for axis in (2, 3))
    sizes = (top, left, bottom, right)
    if mode == "constant":
        return Activation(network.add(cnn.PadOp(x.value, sizes), node.name), x.order)
    return Activation(repeated_border(network, node.name, x.value, sizes, reflect=mode == "reflect"), x.order)


def transpose(network: Network, node: Node) -> Activation:
    """Transpose: what follows sees the axes in another order."""
    x = node.activation()
    rank = len(x.shape)
    axes = node.integers("perm", tuple(reversed(range(rank))))
    if sorted(axes) != list(range(rank)) or x.flattened:
        raise LayerError(f"perm is {list(axes)}, expected an order of {rank} axes")
    return Activation(x.value, tuple(x.order[axis] for axis in axes))


def concat(network: Network, node: Node) -> Activation:
    """Concat of channels, or of another axis that becomes the channels."""
    values = aligned(network, node.name, [node.activation(index) for index in range(len(node.inputs))])
    ranks = {len(value.shape) for value in values}
    if len(ranks) > 1:
        raise LayerError(f"joins values of {min(ranks)} and of {max(ranks)} axes")
    axis = node.axis("axis", *ranks)
    parts = [channels_first(network, f"{node.name}.{index}", value, axis) for index, value in enumerate(values)]
    return Activation(network.add(cnn.ConcatOp([part.value for part in parts]), node.name), parts[0].order)


def total(network: Network, node: Node) -> Activation:
    """Add and Sum: of values of one shape, or of a value and numbers per channel."""
    values = aligned(network, node.name, [value for value in node.inputs if isinstance(value, Activation)])
    constants = [value for value in node.inputs if isinstance(value, np.ndarray)]
    result = values[0]
    names = iter([*(f"{node.name}.sum{index}" for index in range(1, len(node.inputs) - 1)), node.name])
    for value in values[1:]:
        name = next(names)
        sum_of_two = network.add(cnn.AddOp(*broadcast(network, name, result.value, value.value)), name)
        result = Activation(sum_of_two, result.order, result.flattened)
    for constant in constants:
        result = _scaled(network, result, None, constant, next(names))
    return result


def difference(network: Network, node: Node) -> Activation:
    """Sub of two values of one shape, or of numbers per channel, or from them."""
    x, y = node.inputs
    if isinstance(y, np.ndarray):
        return _scaled(network, node.activation(), None, -_numbers(y), node.name)
    if isinstance(x, Activation) and isinstance(y, Activation):
        x, y = aligned(network, node.name, (x, y))
        value = piecewise.difference(network, node.name, *broadcast(network, node.name, x.value, y.value))
        return Activation(value, x.order, x.flattened)
    constant = _numbers(node.constant(0, "the value that is subtracted from"))
    return _scaled(network, node.activation(1), np.array(-1, np.float32), constant, node.name)


def product(network: Network, node: Node) -> Activation:
    """Mul by numbers per channel, or of two values: of one shape, or one of them with one number a channel."""
    first, second = node.inputs[:2]
    if isinstance(first, Activation) and isinstance(second, Activation):
        x, factor = (first, second) if np.prod(first.shape) >= np.prod(second.shape) else (second, first)
        if np.prod(factor.shape) != max(factor.shape):
            x, factor = aligned(network, node.name, (x, factor))
        value = _factor(network, node, x, factor)
        return Activation(network.add(cnn.MultiplyOp(x.value, value), node.name), x.order, x.flattened)
    index = 1 if isinstance(node.inputs[1], np.ndarray) else 0
    factor = _numbers(node.constant(index, "a factor"))
    return _scaled(network, node.activation(1 - index), factor, None, node.name)


def _factor(network: Network, node: Node, x: Activation, factor: Activation) -> SSAValue:
    """What a value is multiplied by, with the axes that the value has in `cnn`."""
    if len(factor.shape) != len(x.shape):
        raise LayerError(f"multiplies {format_shape(x.shape)} by {format_shape(factor.shape)}, expected as many axes")
    if (factor.order, factor.flattened) == (x.order, x.flattened):
        return factor.value
    if x.flattened or np.prod(factor.shape) != max(factor.shape):
        raise LayerError("multiplies values whose axes are in different orders")
    # Numbers along one axis, which is the channels in the order of the value, lie alike in any order.
    shape = tuple(factor.shape[x.order.index(axis)] for axis in range(len(x.order)))
    return network.add(cnn.ReshapeOp(factor.value, shape), f"{node.name}.factor")


def quotient(network: Network, node: Node) -> Activation:
    """Div by numbers per channel."""
    if isinstance(node.inputs[1], Activation):
        raise LayerError("divides by a value of the network, supported are numbers per channel")
    divisor = _numbers(node.constant(1, "the divisor")).astype(np.float64)
    if not np.all(divisor):
        raise LayerError("divides by zero")
    return _scaled(network, node.activation(), 1 / divisor, None, node.name)


def _numbers(array: Array) -> Array:
    if array.dtype.kind != "f":
        raise LayerError(f"computes with {array.dtype}, expected floats")
    return array


def _scaled(network: Network, x: Activation, factor: Array | None, shift: Array | None, name: str) -> Activation:
    """`x * factor + shift`, each one number or one per channel."""
    channels = shape_of(x.value)[1:2]

    def constant(what: str, array: Array) -> SSAValue:
        numbers = _per_channel(x, array)
        return network.full(numbers.item(), channels, name) if array.size == 1 else network.weight(name, what, numbers)

    scale = constant("scale", np.ones(1, np.float32) if factor is None else factor)
    offset = None if shift is None else constant("shift", shift)
    return Activation(network.add(cnn.ScaleShiftOp(x.value, scale, offset), name), x.order, x.flattened)


def _per_channel(x: Activation, array: Array) -> Floats:
    """The numbers of a constant that is broadcast to a value: one, or one per channel."""
    shape = (1,) * (len(x.shape) - array.ndim) + array.shape
    others = [size for axis, size in enumerate(shape) if x.flattened or x.order[axis : axis + 1] != (1,)]
    channels = shape_of(x.value)[1]
    if len(shape) != len(x.shape) or any(size != 1 for size in others) or array.size not in (1, channels):
        raise LayerError(f"computes with {format_shape(array.shape)} numbers, expected one, or one per channel")
    return np.ascontiguousarray(finite_floats(_numbers(array), "its constant").reshape(-1))


def reshaped(network: Network, node: Node, shape: Shape) -> Activation:
    """Reshape, Flatten, Squeeze and Unsqueeze, whose results have `shape`."""
    x = node.activation()
    if x.flattened and shape == x.shape:
        return x
    if not x.is_straight and not x.flattened and shape == (1, int(np.prod(x.shape))):
        return Activation(x.value, x.order, flattened=True)
    if is_shuffled(x) or is_pixel_shuffle(x):
        y = shuffle(network, x.value, node.name) if is_shuffled(x) else pixel_shuffle(network, x, node.name)
        if shape_of(y) != shape:
            y = network.add(cnn.ReshapeOp(y, shape), f"{node.name}.shape")
        return Activation.of(y)
    return Activation.of(network.add(cnn.ReshapeOp(straight(network, node.name, x), shape), node.name))


LAYERS: dict[str, Convert] = {
    "Abs": elementwise(magnitude),
    "Add": total,
    "AveragePool": pool(cnn.AvgPoolOp),
    "BatchNormalization": plain(batch_normalization),
    "Cast": elementwise(cast),
    "Celu": elementwise(lambda network, node, x: activations.celu(network, node.name, x, node.real("alpha"))),
    "Clip": elementwise(clip),
    "Concat": concat,
    "Conv": plain(convolution),
    "ConvTranspose": plain(transposed_convolution),
    "DepthToSpace": plain(shuffled_pixels(cnn.DepthToSpaceOp)),
    "Div": quotient,
    "Dropout": elementwise(dropout),
    "Elu": elementwise(lambda network, node, x: activations.elu(network, node.name, x, node.real("alpha"))),
    "Erf": elementwise(lambda network, node, x: network.add(cnn.ErfOp(x, scale=1, factor=1, shift=0), node.name)),
    "Expand": expand,
    "Gelu": elementwise(gelu),
    "Gemm": gemm,
    "GlobalAveragePool": global_pool(cnn.AvgPoolOp),
    "GlobalMaxPool": global_pool(cnn.MaxPoolOp),
    "HardSigmoid": elementwise(hard_sigmoid),
    "HardSwish": elementwise(hard_swish),
    "Identity": function(cnn.IdentityOp),
    "InstanceNormalization": plain(instance_normalization),
    "LRN": plain(lrn),
    "LeakyRelu": elementwise(leaky),
    "LpNormalization": lp_normalization,
    "LogSoftmax": softmax(cnn.LogSoftmaxOp),
    "MatMul": matmul,
    "Max": bound(low=True),
    "MaxPool": pool(cnn.MaxPoolOp),
    "Mish": elementwise(lambda network, node, x: activations.mish(network, node.name, x)),
    "Min": bound(low=False),
    "Mul": product,
    "Neg": elementwise(negation),
    "PRelu": prelu,
    "Pad": pad,
    "Pow": elementwise(power),
    "ReduceMax": reduction(cnn.MaxPoolOp, cnn.ChannelMaxOp),
    "ReduceMean": reduction(cnn.AvgPoolOp, cnn.ChannelMeanOp),
    "Relu": elementwise(relu),
    "Resize": resize,
    "Selu": elementwise(selu),
    "Sigmoid": function(cnn.SigmoidOp),
    "Slice": slice_axes,
    "Softmax": softmax(cnn.SoftmaxOp),
    "Softplus": function(cnn.SoftplusOp),
    "Softsign": function(cnn.SoftsignOp),
    "SpaceToDepth": plain(shuffled_pixels(cnn.SpaceToDepthOp)),
    "Split": split,
    "Sqrt": elementwise(lambda network, node, x: activations.power(network, node.name, x, 0.5)),
    "Sub": difference,
    "Sum": total,
    "Tanh": function(cnn.TanhOp),
    "Transpose": transpose,
    "Upsample": resize,
}
"""Operators on values that depend on the input."""

SEVERAL_RESULTS = frozenset({"Split"})
"""Operators of which all results count; of others it is the first."""

RESHAPES = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})
"""Operators whose result is their first input in a shape that shape inference knows."""
