"""A ReLU with a slope for what is below zero, made of layers that the `cnn` dialect has."""

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import Network


def leaky_relu(network: Network, name: str, x: SSAValue, slope: float) -> SSAValue:
    """max(x, 0) + slope * min(x, 0), as x + (1 - slope) * max(-x, 0).

    So what is above zero stays as it is, bit by bit, also in fixed point.
    """

    def times(value: SSAValue, factor: float, part: str) -> SSAValue:
        constant = network.add(cnn.ConstantOp.splat(factor, shape_of(x)[1:2]), part)
        return network.add(cnn.ScaleShiftOp(value, constant), part)

    below = network.add(cnn.ReluOp(times(x, -1.0, f"{name}.minus")), f"{name}.below")
    return network.add(cnn.AddOp(x, times(below, 1 - slope, f"{name}.back")), name)
