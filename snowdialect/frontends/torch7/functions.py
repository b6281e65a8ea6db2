"""Torch7 layers of single elements, and normalizations, as torch/nn computes them in evaluation mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.frontends import activations, piecewise
from snowdialect.frontends.network import LayerError, Network
from snowdialect.frontends.torch7.fields import Layer

Convert = Callable[[Network, Layer, SSAValue], SSAValue]

RELU_TOLERANCE = 1e-6
"""A Threshold this close to zero is a ReLU: nn.Threshold() without arguments has the threshold 1e-6."""


def threshold(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Threshold and its subclass ReLU, where both numbers are zero or as good as."""
    limit, value = layer.real("threshold", 0.0), layer.real("val", 0.0)
    if max(abs(limit), abs(value)) > RELU_TOLERANCE:
        raise LayerError(f"a threshold of {limit:g} with value {value:g} is no ReLU, which is all that is supported")
    return network.add(cnn.ReluOp(x), layer.path)


def relu6(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """ReLU6: no result is above 6."""
    return network.add(cnn.ReluOp(x, limit=6.0), layer.path)


def leaky(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """LeakyReLU: one slope for what is below zero."""
    return piecewise.leaky_relu(network, layer.path, x, layer.real("negval", 0.01))


def randomized_leaky(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """RReLU, whose slope is the mean of its limits after the training."""
    slope = (layer.real("lower", 1 / 8) + layer.real("upper", 1 / 3)) / 2
    return piecewise.leaky_relu(network, layer.path, x, slope)


def prelu(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """PReLU: one slope for what is below zero, where nOutputPlane is 0, or one for each channel."""
    slopes, channels = layer.tensor("weight"), shape_of(x)[1:2]
    if slopes.shape != (channels if layer.integer("nOutputPlane", 0) else (1,)):
        raise LayerError(f"weight is {format_shape(slopes.shape)}, the input has {format_shape(channels)} channels")
    return piecewise.leaky_relu(network, layer.path, x, slopes.item() if slopes.size == 1 else slopes)


def magnitude(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Abs: a slope of -1 for what is below zero."""
    return piecewise.leaky_relu(network, layer.path, x, -1.0)


def hard_tanh(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """HardTanh, and Clamp: nothing below or above two limits."""
    return piecewise.clipped(network, layer.path, x, layer.real("min_val", -1.0), layer.real("max_val", 1.0))


def soft_shrink(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SoftShrink: x without what lies within two limits."""
    limit = abs(layer.real("lambda", 0.5))
    within = piecewise.clipped(network, f"{layer.path}.within", x, -limit, limit)
    return piecewise.difference(network, layer.path, x, within)


def elu(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """ELU."""
    return activations.elu(network, layer.path, x, layer.real("alpha", 1.0))


def softplus(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """SoftPlus; that it is x above a threshold, 20, changes no bit of float32."""
    return activations.softplus(network, layer.path, x, layer.real("beta", 1.0))


def log_sigmoid(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """LogSigmoid."""
    return activations.log_sigmoid(network, layer.path, x)


def square(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Square."""
    return activations.power(network, layer.path, x, 2)


def root(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Sqrt; its `eps` matters to the training only."""
    return activations.power(network, layer.path, x, 0.5)


def power(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Power."""
    return activations.power(network, layer.path, x, layer.real("pow"))


def times_constant(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """MulConstant."""
    return piecewise.line(network, layer.path, x, layer.real("constant_scalar"))


def plus_constant(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """AddConstant of a number."""
    return piecewise.line(network, layer.path, x, 1.0, layer.real("constant_scalar"))


def times_weight(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Mul, by one number, and CMul, by one for each channel."""
    return network.add(cnn.ScaleShiftOp(x, _by_channel(network, layer, x, "weight")), layer.path)


def plus_bias(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Add and CAdd, of one number, or one for each channel."""
    one = network.full(1.0, shape_of(x)[1:2], layer.path)
    return network.add(cnn.ScaleShiftOp(x, one, _by_channel(network, layer, x, "bias")), layer.path)


def _by_channel(network: Network, layer: Layer, x: SSAValue, name: str) -> SSAValue:
    """A tensor of one number, or of one for each channel, on whichever axis."""
    numbers, (channels, *others) = layer.tensor(name), shape_of(x)[1:]
    if numbers.size == 1:
        return network.full(numbers.item(), (channels,), layer.path)
    sizes = [size for size in numbers.shape if size > 1]
    axis = numbers.shape.index(channels) if sizes == [channels] else 0
    if sizes != [channels] or numbers.ndim - axis != 1 + len(others):
        raise LayerError(f"{name} is {format_shape(numbers.shape)}, expected one number, or one per channel")
    return network.weight(layer.path, name, np.ascontiguousarray(numbers.reshape(-1)))


def normalize(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """Normalize: each vector divided by its norm."""
    shape = shape_of(x)
    if len(shape) != 2:
        raise LayerError(f"input is {format_shape(shape[1:])}, expected a vector")
    return network.add(cnn.NormalizeOp(x, p=layer.real("p"), eps=layer.real("eps", 1e-10)), layer.path)


def instance_normalization(network: Network, layer: Layer, x: SSAValue) -> SSAValue:
    """InstanceNormalization of fast-neural-style (Johnson et al., 2016): of maps, with the statistics of each."""
    shape = shape_of(x)
    if len(shape) != 4:
        raise LayerError(f"input is {format_shape(shape[1:])}, expected maps CxHxW")
    parameters: dict[str, Any] = {name: layer.tensor(name) if layer.has(name) else None for name in ("weight", "bias")}
    return activations.instance_norm(network, layer.path, x, layer.real("eps", 1e-5), **parameters)


def elementwise(kind: type[cnn.HostFunctionOp] | type[cnn.IdentityOp]) -> Convert:
    """Layers that are one operation without options."""
    return lambda network, layer, x: network.add(kind(x), layer.path)


_identity = elementwise(cnn.IdentityOp)

FUNCTIONS: dict[str, Convert] = {
    "nn.Threshold": threshold,
    "nn.ReLU": threshold,
    "cudnn.ReLU": threshold,
    "nn.ReLU6": relu6,
    "nn.LeakyReLU": leaky,
    "nn.RReLU": randomized_leaky,
    "nn.PReLU": prelu,
    "nn.Abs": magnitude,
    "nn.HardTanh": hard_tanh,
    "nn.Clamp": hard_tanh,
    "nn.SoftShrink": soft_shrink,
    "nn.ELU": elu,
    "nn.SoftPlus": softplus,
    "nn.SoftSign": elementwise(cnn.SoftsignOp),
    "nn.LogSigmoid": log_sigmoid,
    "nn.Square": square,
    "nn.Sqrt": root,
    "nn.Power": power,
    "nn.MulConstant": times_constant,
    "nn.AddConstant": plus_constant,
    "nn.Mul": times_weight,
    "nn.CMul": times_weight,
    "nn.Add": plus_bias,
    "nn.CAdd": plus_bias,
    "nn.Normalize": normalize,
    "nn.InstanceNormalization": instance_normalization,
    "nn.Sigmoid": elementwise(cnn.SigmoidOp),
    "cudnn.Sigmoid": elementwise(cnn.SigmoidOp),
    "nn.Tanh": elementwise(cnn.TanhOp),
    "cudnn.Tanh": elementwise(cnn.TanhOp),
    "nn.Identity": _identity,
    "nn.Contiguous": _identity,
    "nn.Copy": _identity,
    "nn.TotalVariation": _identity,
    "nn.L1Penalty": _identity,
    "nn.GradientReversal": _identity,
}
"""Layers of single elements, and normalizations, by class."""
