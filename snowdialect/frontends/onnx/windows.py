"""Windows of ONNX convolutions and pools, in the terms of the `cnn` dialect."""

from snowdialect.dialects.cnn.shapes import Shape, format_shape
from snowdialect.frontends.network import LayerError
from snowdialect.frontends.onnx.node import Node

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
"""Top, left, bottom, right: the order of ONNX's pads of a map, too."""


LARGEST_PADDING = 4096
"""No padding is larger: a few bytes would ask for millions of windows."""


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
