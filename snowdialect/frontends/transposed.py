"""Transposed convolutions as model files hold them."""

from collections.abc import Sequence

from xdsl.ir import SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.frontends.network import Floats, LayerError, Network


def conv_transpose(
    network: Network,
    name: str,
    x: SSAValue,
    weight: Floats,
    bias: SSAValue | None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int] = (1, 1),
    groups: int = 1,
) -> SSAValue:
    """A transposed convolution with weights (I, O/groups, kH, kW), which the dialect has as (O, I/groups, kH, kW)."""
    inputs, outputs, *kernel = weight.shape
    if groups < 1 or inputs % groups:
        raise LayerError(f"its weight is {format_shape(weight.shape)}, which {groups} groups cannot share")
    each = inputs // groups
    ordered = weight.reshape(groups, each, outputs, *kernel).swapaxes(1, 2).reshape(groups * outputs, each, *kernel)
    op = cnn.ConvTranspose2dOp(
        x,
        network.weight(name, "weight", ordered),
        bias=bias,
        strides=strides,
        pads=pads,
        dilations=dilations,
        groups=groups,
    )
    return network.add(op, name)
