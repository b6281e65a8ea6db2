"""What makes pixels of channels, or channels of pixels: DepthToSpace and SpaceToDepth, and what older exporters write
for them, a Reshape, a Transpose, and a Reshape."""

from collections.abc import Callable

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import LayerError, Network
from snowdialect.frontends.onnx.node import Activation, Node

Convert = Callable[[Network, Node, SSAValue], SSAValue]

TO_SPACE: dict[tuple[int, ...], bool] = {(0, 1, 4, 2, 5, 3): False, (0, 3, 4, 1, 5, 2): True}
"""Orders of axes that put blocks, which stood behind the channels or before them (True), beside rows and columns."""

TO_DEPTH: dict[tuple[int, ...], bool] = {(0, 1, 3, 5, 2, 4): False, (0, 3, 5, 1, 2, 4): True}
"""Orders of axes that take blocks from there."""


def shuffled_pixels(kind: type[cnn.DepthToSpaceOp] | type[cnn.SpaceToDepthOp]) -> Convert:
    """DepthToSpace and SpaceToDepth, in the modes DCR, where blocks come before channels, and CRD. Older operator sets
    know the first only."""

    def converted(network: Network, node: Node, x: SSAValue) -> SSAValue:
        mode, size = node.text("mode", "DCR"), node.integer("blocksize")
        if mode not in ("DCR", "CRD"):
            raise LayerError(f"mode is {mode!r}, expected DCR or CRD")
        return network.add(kind(x, (size, size), blocks_first=mode == "DCR"), node.name)

    return converted


def is_pixel_shuffle(x: Activation) -> bool:
    """Whether a value is a map, reshaped to six axes, in an order in which these make a map of other pixels."""
    return not x.flattened and x.order in TO_SPACE.keys() | TO_DEPTH.keys()


def pixel_shuffle(network: Network, x: Activation, name: str) -> SSAValue:
    """The map that a value of six axes, in the order that it has, stands for."""
    shape = shape_of(x.value)
    if (blocks_first := TO_SPACE.get(x.order)) is not None:
        block, sides = (shape[1:3] if blocks_first else shape[2:4]), shape[4:]
        channels = shape[3] if blocks_first else shape[1]
        maps = network.add(cnn.ReshapeOp(x.value, (1, channels * block[0] * block[1], *sides)), f"{name}.channels")
        return network.add(cnn.DepthToSpaceOp(maps, block, blocks_first=blocks_first), name)
    _, channels, height, rows, width, columns = shape
    maps = network.add(cnn.ReshapeOp(x.value, (1, channels, height * rows, width * columns)), f"{name}.pixels")
    return network.add(cnn.SpaceToDepthOp(maps, (rows, columns), blocks_first=TO_DEPTH[x.order]), name)
