"""Smooth functions of single elements, and normalizations of maps, made of layers that the `cnn` dialect has."""

from math import sqrt

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.host_functions import LARGEST_EXPONENT
from snowdialect.frontends.network import Floats, LayerError, Network
from snowdialect.frontends.piecewise import line

SMALLEST_FACTOR = 1e-30
"""What a number may be divided by, so that float32 holds the quotient."""


def elu(network: Network, name: str, x: SSAValue, alpha: float) -> SSAValue:
    """x, and below zero alpha * (exp(x) - 1)."""
    return network.add(cnn.EluOp(x, alpha=alpha), name)


def celu(network: Network, name: str, x: SSAValue, alpha: float) -> SSAValue:
    """x, and below zero alpha * (exp(x / alpha) - 1)."""
    if alpha < SMALLEST_FACTOR:
        raise LayerError(f"alpha is {alpha:g}, expected a number above zero")
    return line(network, name, elu(network, f"{name}.elu", line(network, f"{name}.line", x, 1 / alpha), 1.0), alpha)


def softplus(network: Network, name: str, x: SSAValue, beta: float = 1.0) -> SSAValue:
    """log(1 + exp(beta * x)) / beta."""
    if abs(beta) < SMALLEST_FACTOR:
        raise LayerError(f"beta is {beta:g}, by which nothing can be divided")
    if beta == 1:
        return network.add(cnn.SoftplusOp(x), name)
    y = network.add(cnn.SoftplusOp(line(network, f"{name}.line", x, beta)), f"{name}.softplus")
    return line(network, name, y, 1 / beta)


def log_sigmoid(network: Network, name: str, x: SSAValue) -> SSAValue:
    """log(1 / (1 + exp(-x))) = -softplus(-x)."""
    return softplus(network, name, x, -1.0)


def mish(network: Network, name: str, x: SSAValue) -> SSAValue:
    """x * tanh(softplus(x)) (Misra, 2020)."""
    gate = network.add(cnn.TanhOp(softplus(network, f"{name}.softplus", x)), f"{name}.gate")
    return network.add(cnn.MultiplyOp(x, gate), name)


def gelu(network: Network, name: str, x: SSAValue) -> SSAValue:
    """x times the normal distribution up to x (Hendrycks and Gimpel, 2016)."""
    gate = network.add(cnn.ErfOp(x, scale=sqrt(0.5), factor=0.5, shift=0.5), f"{name}.gate")
    return network.add(cnn.MultiplyOp(x, gate), name)


def power(network: Network, name: str, x: SSAValue, exponent: float) -> SSAValue:
    """x^exponent: by multiplications where that is a whole number; else numbers below zero count as zero."""
    if exponent == 1:
        return network.add(cnn.IdentityOp(x), name)
    if exponent == 2:
        return network.add(cnn.MultiplyOp(x, x), name)
    if exponent in range(4, LARGEST_EXPONENT + 1, 2):
        return power(network, name, power(network, f"{name}.square", x, 2), exponent / 2)
    if exponent in range(3, LARGEST_EXPONENT + 1, 2):
        return network.add(cnn.MultiplyOp(x, power(network, f"{name}.square", x, exponent - 1)), name)
    return network.add(cnn.PowerOp(x, exponent=exponent), name)


def instance_norm(
    network: Network, name: str, x: SSAValue, eps: float, weight: Floats | None, bias: Floats | None
) -> SSAValue:
    """Each channel with a mean of 0 and a variance of 1, then times a weight and plus a bias; None for 1 and 0."""
    numbers = {"weight": weight, "bias": bias}
    channels = shape_of(x)[1:2]
    for what, array in numbers.items():
        if array is not None and array.shape != channels:
            raise LayerError(f"its {what} is for {array.size} channels, the input has {channels[0]}")
    plain = all(array is None or np.all(array == one) for array, one in ((weight, 1), (bias, 0)))
    normalized = network.add(cnn.InstanceNormOp(x, eps=eps), name if plain else f"{name}.normalized")
    if plain:
        return normalized
    factor = network.full(1.0, channels, name) if weight is None else network.weight(name, "weight", weight)
    shift = None if bias is None else network.weight(name, "bias", bias)
    return network.add(cnn.ScaleShiftOp(normalized, factor, shift), name)
