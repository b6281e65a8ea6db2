"""Functions of straight pieces, made of layers that the `cnn` dialect has."""

from math import inf

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import Floats, LayerError, Network


def negated(network: Network, name: str, x: SSAValue) -> SSAValue:
    """-x."""
    return line(network, name, x, -1.0)


def difference(network: Network, name: str, x: SSAValue, y: SSAValue) -> SSAValue:
    """x - y, of one shape."""
    return network.add(cnn.AddOp(x, negated(network, f"{name}.minus", y)), name)


def leaky_relu(network: Network, name: str, x: SSAValue, slope: float | Floats) -> SSAValue:
    """max(x, 0) + slope * min(x, 0), as x + (1 - slope) * max(-x, 0); one slope, or one a channel.

    So what is above zero stays as it is, bit by bit, also in fixed point.
    """
    below = network.add(cnn.ReluOp(negated(network, f"{name}.minus", x)), f"{name}.below")
    part = f"{name}.back"
    if isinstance(slope, np.ndarray):
        back = network.add(cnn.ScaleShiftOp(below, network.weight(part, "scale", 1 - slope)), part)
    else:
        back = line(network, part, below, 1 - slope)
    return network.add(cnn.AddOp(x, back), name)


def clipped(network: Network, name: str, x: SSAValue, low: float, high: float) -> SSAValue:
    """min(max(x, low), high), of which either may be infinite.

    With 0 below it is a ReLU. Elsewhere a limit takes two layers of a factor and a shift, in an order in which no
    word saturates that the limit would leave as it is.
    """
    if low == inf or high == -inf:
        raise LayerError(f"clips to {low:g}..{high:g}, which leaves no number")
    if high <= low:
        return line(network, name, x, 0.0, high)
    if low == 0:
        return network.add(cnn.ReluOp(x, limit=None if high == inf else high), name)
    if low == -inf and high == inf:
        return network.add(cnn.IdentityOp(x), name)
    if low > -inf:
        x = _at_least(network, name if high == inf else f"{name}.low", x, low)
    if high == inf:
        return x
    return network.add(cnn.ReluOp(x, limit=high), name) if low > 0 else _at_most(network, name, x, high)


def _at_least(network: Network, name: str, x: SSAValue, low: float) -> SSAValue:
    """max(x, low): x + max(low - x, 0), or low + max(x - low, 0)."""
    if low < 0:
        return network.add(cnn.AddOp(x, _rectified(network, f"{name}.below", x, -1.0, low)), name)
    return line(network, name, _rectified(network, f"{name}.above", x, 1.0, -low), 1.0, low)


def _at_most(network: Network, name: str, x: SSAValue, high: float) -> SSAValue:
    """min(x, high): x - max(x - high, 0), or high - max(high - x, 0)."""
    if high > 0:
        return difference(network, name, x, _rectified(network, f"{name}.above", x, 1.0, -high))
    return line(network, name, _rectified(network, f"{name}.below", x, -1.0, high), -1.0, high)


def _rectified(network: Network, name: str, x: SSAValue, factor: float, shift: float) -> SSAValue:
    """max(factor * x + shift, 0)."""
    return network.add(cnn.ReluOp(line(network, f"{name}.line", x, factor, shift)), name)


def line(network: Network, name: str, x: SSAValue, factor: float, shift: float | None = None) -> SSAValue:
    """factor * x + shift."""
    channels = shape_of(x)[1:2]
    scale = network.full(factor, channels, name)
    offset = None if shift is None else network.full(shift, channels, name)
    return network.add(cnn.ScaleShiftOp(x, scale, offset), name)
