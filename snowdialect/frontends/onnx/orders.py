"""Values whose axes the file has in another order than `cnn`: the host transposes them where a layer needs it."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import LayerError, Network
from snowdialect.frontends.onnx.node import CHANNELS_LAST, Activation


def straight(network: Network, name: str, x: Activation) -> SSAValue:
    """The `cnn` value of a value with the elements in the order of the file, and its shape."""
    value = x.value
    if not x.is_straight:
        value = network.add(cnn.TransposeOp(value, x.order), f"{name}.transposed")
    if x.shape == shape_of(value):
        return value
    return network.add(cnn.ReshapeOp(value, x.shape), f"{name}.input")


def channels_first(network: Network, name: str, x: Activation, axis: int) -> Activation:
    """A value with one of its axes, counted as the file does, as the channels of `cnn`; the batch cannot be."""
    if x.flattened:
        x = Activation.of(straight(network, name, x))
    moved = x.order[axis]
    if moved == 0:
        raise LayerError(f"takes axis {axis}, which is the batch")
    if moved == 1:
        return x
    others = [other for other in range(1, len(x.order)) if other != moved]
    order = [0, moved, *others]
    if tuple(order.index(place) for place in x.order) == CHANNELS_LAST:
        # An output of that order would be taken for maps that the file has with their channels last.
        order = [0, moved, *reversed(others)]
    value = network.add(cnn.TransposeOp(x.value, order), f"{name}.transposed")
    return Activation(value, tuple(order.index(place) for place in x.order))


def aligned(network: Network, name: str, values: Sequence[Activation]) -> list[Activation]:
    """Values with their axes in one order; of flattened ones, whose axes are gone, only if all are alike."""
    if len({(value.order, shape_of(value.value) if value.flattened else None) for value in values}) == 1:
        return [*values]
    return [Activation.of(straight(network, f"{name}.{index}", value)) for index, value in enumerate(values)]
