"""Windows of ONNX convolutions and pools, in the terms of the `cnn` dialect."""

from snowdialect.dialects.cnn.shapes import MAXIMUM_SIDE, Shape, format_shape
from snowdialect.frontends.network import LayerError
from snowdialect.frontends.onnx.node import Node

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
"""Top, left, bottom, right: the order of ONNX's pads of a map, too."""


LARGEST_PADDING = 4096
"""No padding is larger: a few bytes would ask for millions of windows."""


def transposed_pads(node: Node, shape: Shape, kernel: Pair, strides: Pair, dilations: Pair) -> Pads:
    """What a transposed convolution of maps of `shape` leaves out of its result; negative numbers behind add to it.

    With an output_shape, or automatic, it is what is too much, shared out to both sides.
    """
    if len(shape) != 4:
        raise LayerError(f"input is {format_shape(shape)}, expected maps 1xCxHxW")
    more = node.integers("output_padding", (0, 0))
    limits = [max(pair) for pair in zip(strides, dilations, strict=True)]
    if len(more) != 2 or not all(0 <= size < limit for size, limit in zip(more, limits, strict=True)):
        raise LayerError(f"output_padding is {list(more)}, expected two numbers below those of strides or dilations")
    auto_pad = node.text("auto_pad", "NOTSET")
    sizes = node.integers("output_shape") if node.has("output_shape") else None
    if sizes is None and auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        sizes = tuple(size * stride for size, stride in zip(shape[2:], strides, strict=True))
    if sizes is None:
        top, left, bottom, right = spatial_pads(node, shape, kernel, strides, dilations)
        return top, left, bottom - more[0], right - more[1]
    if len(sizes) != 2 or not 1 <= min(sizes) <= max(sizes) <= MAXIMUM_SIDE:
        raise LayerError(f"output_shape is {list(sizes)}, expected rows and columns, of which {MAXIMUM_SIDE} at most")
    before: list[int] = []
    behind: list[int] = []
    for axis, size in enumerate(sizes):
        whole = strides[axis] * (shape[axis + 2] - 1) + dilations[axis] * (kernel[axis] - 1) + 1
        if size >= whole + strides[axis]:
            raise LayerError(f"output_shape is {list(sizes)}, but no kernel ends so far behind")
        surplus = max(0, whole + more[axis] - size)
        before.append(surplus // 2 if auto_pad == "SAME_UPPER" else surplus - surplus // 2)
        behind.append(whole - before[-1] - size)
    return before[0], before[1], behind[0], behind[1]


def spatial_pads(node: Node, shape: Shape, kernel: Pair, strides: Pair, dilations: Pair) -> Pads:
    """The padding of a convolution or pool of maps of `shape`, also where it is given as auto_pad."""
    auto_pad = node.text("auto_pad", "NOTSET")
    if auto_pad == "NOTSET":
        pads = node.integers("pads", (0, 0, 0, 0))
        if len(pads) != 4 or not 0 <= min(pads) <= max(pads) <= LARGEST_PADDING:
            raise LayerError(f"pads are {list(pads)}, expected four numbers of 0 to {LARGEST_PADDING}: maps are CxHxW")
        return pads[0], pads[1], pads[2], pads[3]
    if auto_pad == "VALID":
        return 0, 0, 0, 0
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise LayerError(f"auto_pad is {auto_pad!r}, which is unknown")
    if len(shape) != 4:
        raise LayerError(f"input is {format_shape(shape)}, expected maps 1xCxHxW")
    # As many outputs as strides fit into the input, the last ones covered in full.
    totals = [
        max(-(-size // stride) * stride - stride + (window - 1) * dilation + 1 - size, 0)
        for size, window, stride, dilation in zip(shape[2:], kernel, strides, dilations, strict=True)
    ]
    small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
    before, after = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
    return before[0], before[1], after[0], after[1]


def pool_pads(shape: Shape, kernel: Pair, strides: Pair, pads: Pads, ceil_mode: bool) -> tuple[Pads, bool]:
    """Pads and ceil mode with which a `cnn` pool has the windows of an ONNX pool.

    Both drop a last window that would start behind the input and its leading padding; Torch7, and with it
    `cnn`, does so in padded pools only. Where such a window is dropped from one axis of a pool without
    padding, the other gets as much padding behind as its last window needs, in floor mode.
    """
    if not ceil_mode or any(pads) or len(shape) != 4:
        return pads, ceil_mode
    behind: list[int] = []
    dropped = False
    for size, window, stride in zip(shape[2:], kernel, strides, strict=True):
        excess = -(size - window) % stride
        drops = excess > 0 and size - window + excess >= size
        dropped |= drops
        behind.append(0 if drops else excess)
    return ((0, 0, behind[0], behind[1]), False) if dropped else (pads, True)
