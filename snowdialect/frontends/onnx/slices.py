"""What takes some of the channels of a value, or puts them in another order: Slice, Split, and channel shuffles."""

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import LayerError, Network
from snowdialect.frontends.onnx.node import Activation, Node


def slice_channels(network: Network, node: Node) -> Activation:
    """Slice of channels, whose bounds are constants; of other axes it may only take all."""
    x = node.activation()
    rank = len(x.shape)
    starts, ends = node.bounds("starts", 1), node.bounds("ends", 2)
    newer = "axes" not in node.schema.attributes
    axes = node.axes(3, rank) or tuple(range(len(starts)))
    steps = node.bounds("steps", 4) if newer and node.has_input(4) else (1,) * len(starts)
    numbers = [len(values) for values in (starts, ends, steps, axes)]
    if len({*numbers, len(set(axes))}) > 1 or not all(steps):
        raise LayerError("has {} starts, {} ends and {} steps for {} axes".format(*numbers))
    taken = {
        axis: range(x.shape[axis])[start:end:step]
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    others = [axis for axis, part in taken.items() if not _is_channels(x, axis) and part != range(x.shape[axis])]
    if others:
        raise LayerError(f"slices axis {others[0]}, which is not the channels")
    channels = next((part for axis, part in taken.items() if _is_channels(x, axis)), None)
    if channels is None:
        return Activation(network.add(cnn.IdentityOp(x.value), node.name), x.order, x.flattened)
    return _taken(network, x, channels, node.name)


def split(network: Network, node: Node) -> tuple[Activation, ...]:
    """Split of channels."""
    x = node.activation()
    axis = node.axis("axis", len(x.shape))
    if not _is_channels(x, axis):
        raise LayerError(f"splits axis {axis}, which is not the channels")
    size = x.shape[axis]
    ends = np.cumsum(_sizes(node, size)).tolist()
    return tuple(
        _taken(network, x, range(start, end), f"{node.name}.{index}")
        for index, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )


def _sizes(node: Node, size: int) -> tuple[int, ...]:
    """How many channels each part of a Split has; without a list all have the same, or but for the last one."""
    parts = len(node.proto.output)
    if "split" in node.schema.attributes:
        sizes = node.integers("split") if node.has("split") else None
    else:
        sizes = node.bounds("split", 1) if node.has_input(1) else None
    if sizes is None:
        each = -(-size // parts)
        sizes = (*[each] * (parts - 1), size - each * (parts - 1))
        if sizes[-1] != each and not node.has("num_outputs"):
            raise LayerError(f"splits {size} channels into {parts} parts of one size")
    if len(sizes) != parts or sum(sizes) != size or min(sizes) < 1:
        raise LayerError(f"splits {size} channels into {parts} parts of {list(sizes)}")
    return sizes


def shuffle(network: Network, x: SSAValue, name: str) -> SSAValue:
    """A value with its first two axes transposed, and then one: the channels of a channel shuffle."""
    _, groups, each, *rest = shape_of(x)
    flat = network.add(cnn.ReshapeOp(x, (1, groups * each, *rest)), f"{name}.channels")
    return network.add(cnn.GatherOp(flat, sizes=(each, groups), strides=(1, each)), name)


def is_shuffled(x: Activation) -> bool:
    """Whether the first two axes of a value, and no others, are transposed."""
    return not x.flattened and len(x.order) > 2 and x.order == (0, 2, 1, *range(3, len(x.order)))


def _is_channels(x: Activation, axis: int) -> bool:
    return not x.flattened and x.order[axis] == 1


def _taken(network: Network, x: Activation, channels: range, name: str) -> Activation:
    if not channels:
        raise LayerError("takes no channels")
    op = cnn.GatherOp(x.value, sizes=(len(channels),), strides=(channels.step,), offset=channels.start)
    return Activation(network.add(op, name), x.order)
