"""Maps with borders that repeat what is near them, with more channels, or of the shape of others."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.frontends.network import Network, map_sides


def repeated_border(network: Network, name: str, x: SSAValue, pads: Sequence[int], *, reflect: bool) -> SSAValue:
    """Maps with so much more at the top, left, bottom, right: the border itself, or mirrored there; negative numbers
    crop."""
    height, width = map_sides(x)
    top, left, bottom, right = pads
    sizes = (height + top + bottom, width + left + right)
    return network.add(cnn.SampleOp(x, sizes, offsets=(-top, -left), reflect=reflect), name)


def with_channels(network: Network, name: str, x: SSAValue, before: int, behind: int) -> SSAValue:
    """Maps with so many channels of zeros more, as shortcuts of ResNets have that learn nothing (He et al., 2016): a
    convolution computes them, since a concatenation joins what is computed."""
    map_sides(x)

    def zeros(count: int, part: str) -> list[SSAValue]:
        if not count:
            return []
        kernels = network.full(0.0, (count, shape_of(x)[1], 1, 1), f"{name}.{part}")
        return [network.add(cnn.Conv2dOp(x, kernels), f"{name}.{part}")]

    return network.add(cnn.ConcatOp([*zeros(before, "before"), x, *zeros(behind, "behind")]), name)


def broadcast(network: Network, name: str, x: SSAValue, y: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Two values of one shape: of which one has one channel, row or column, that is repeated."""
    shape, other = shape_of(x), shape_of(y)
    if shape == other or len(shape) != len(other):
        return x, y
    whole = [max(sizes) for sizes in zip(shape, other, strict=True)]
    return _spread(network, f"{name}.first", x, whole), _spread(network, f"{name}.second", y, whole)


def _spread(network: Network, name: str, x: SSAValue, whole: Sequence[int]) -> SSAValue:
    """A value whose axes of one element are as long as they are to be; others stay."""
    shape = shape_of(x)
    if shape[1] == 1 < whole[1]:
        x = network.add(cnn.GatherOp(x, sizes=(whole[1],), strides=(0,)), f"{name}.channels")
    if len(shape) == 4:
        factors = [size if before == 1 else 1 for before, size in zip(shape[2:], whole[2:], strict=True)]
        if max(factors) > 1:
            x = network.add(cnn.UpsampleOp(x, factors), name)
    return x
