"""What takes some of the channels, rows or columns of a value, or puts channels in another order: Slice, Split, and
channel shuffles."""

from collections.abc import Mapping

import numpy as np
from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import LayerError, Network, map_sides
from snowdialect.frontends.onnx.node import Activation, Node
from snowdialect.frontends.onnx.orders import channels_first


def slice_axes(network: Network, node: Node) -> Activation:
    """Slice of channels, rows and columns, whose bounds are constants."""
    x = node.activation()
    rank = len(x.shape)
    starts, ends = node.bounds("starts", 1), node.bounds("ends", 2)
    newer = "axes" not in node.schema.attributes
    axes = node.axes(3, rank) or tuple(range(len(starts)))
    steps = node.bounds("steps", 4) if newer and node.has_input(4) else (1,) * len(starts)
    numbers = [len(values) for values in (starts, ends, steps, axes)]
    if len({*numbers, len(set(axes))}) > 1 or not all(steps):
        raise LayerError("has {} starts, {} ends and {} steps for {} axes".format(*numbers))
    parts = {
        axis: range(x.shape[axis])[start:end:step]
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }
    return _taken(network, x, parts, node.name)


def split(network: Network, node: Node) -> tuple[Activation, ...]:
    """Split of channels, rows or columns."""
    x = node.activation()
    axis = node.axis("axis", len(x.shape))
    ends = np.cumsum(_sizes(node, x.shape[axis])).tolist()
    return tuple(
        _taken(network, x, {axis: range(start, end)}, f"{node.name}.{index}")
        for index, (start, end) in enumerate(zip([0, *ends], ends, strict=False))
    )


def _sizes(node: Node, size: int) -> tuple[int, ...]:
    """How long each part of a Split has; without a list all have the same, or but for the last one."""
    parts = len(node.proto.output)
    if "split" in node.schema.attributes:
        sizes = node.integers("split") if node.has("split") else None
    else:
        sizes = node.bounds("split", 1) if node.has_input(1) else None
    if sizes is None:
        each = -(-size // parts)
        sizes = (*[each] * (parts - 1), size - each * (parts - 1))
        if sizes[-1] != each and not node.has("num_outputs"):
            raise LayerError(f"splits an axis of {size} into {parts} parts of one size")
    if len(sizes) != parts or sum(sizes) != size or min(sizes) < 1:
        raise LayerError(f"splits an axis of {size} into {parts} parts of {list(sizes)}")
    return sizes


def shuffle(network: Network, x: SSAValue, name: str) -> SSAValue:
    """A value with its first two axes transposed, and then one: the channels of a channel shuffle."""
    _, groups, each, *rest = shape_of(x)
    flat = network.add(cnn.ReshapeOp(x, (1, groups * each, *rest)), f"{name}.channels")
    return network.add(cnn.GatherOp(flat, sizes=(each, groups), strides=(1, each)), name)


def is_shuffled(x: Activation) -> bool:
    """Whether the first two axes of a value, and no others, are transposed."""
    return not x.flattened and len(x.order) > 2 and x.order == (0, 2, 1, *range(3, len(x.order)))


def _taken(network: Network, x: Activation, parts: Mapping[int, range], name: str) -> Activation:
    """Of some axes of a value, counted as the file does, some places: of channels, and of rows and columns of maps; of
    what is no map, of any axis that becomes the channels."""
    chosen = {axis: part for axis, part in parts.items() if part != range(x.shape[axis])}
    for axis, part in chosen.items():
        if not part:
            raise LayerError(f"takes nothing of axis {axis}")
    if chosen and len(x.shape) != 4:
        for index, (axis, part) in enumerate(chosen.items(), 1):
            step = name if index == len(chosen) else f"{name}.axis{axis}"
            x = channels_first(network, step, x, axis)
            gather = cnn.GatherOp(x.value, sizes=(len(part),), strides=(part.step,), offset=part.start)
            x = Activation(network.add(gather, step), x.order)
        return x
    by_axis = {x.order[axis]: part for axis, part in chosen.items()}
    value, channels = x.value, by_axis.pop(1, None)
    if channels is not None:
        gather = cnn.GatherOp(value, sizes=(len(channels),), strides=(channels.step,), offset=channels.start)
        value = network.add(gather, f"{name}.channels" if by_axis else name)
    if by_axis:
        rows, columns = (by_axis.get(axis, range(size)) for axis, size in zip((2, 3), map_sides(value), strict=True))
        op = cnn.SampleOp(
            value,
            (len(rows), len(columns)),
            offsets=(rows.start, columns.start),
            steps=(rows.step, columns.step),
        )
        value = network.add(op, name)
    return Activation(value if chosen else network.add(cnn.IdentityOp(value), name), x.order, x.flattened)
