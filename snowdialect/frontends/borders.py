"""Maps with borders that repeat what is near them."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.frontends.network import Network, map_sides


def repeated_border(network: Network, name: str, x: SSAValue, pads: Sequence[int], *, reflect: bool) -> SSAValue:
    """Maps with so much more at the top, left, bottom, right: the border itself, or mirrored there; negative numbers
    crop."""
    height, width = map_sides(x)
    top, left, bottom, right = pads
    sizes = (height + top + bottom, width + left + right)
    return network.add(cnn.SampleOp(x, sizes, offsets=(-top, -left), reflect=reflect), name)
