"""What makes maps of another size: Resize and Upsample, linear or to the nearest by whole factors, and Expand."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

import numpy as np

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.interpolation import LARGEST_UNIT
from snowdialect.dialects.cnn.shapes import MAXIMUM_SIDE, format_shape
from snowdialect.frontends.network import LayerError, Network
from snowdialect.frontends.onnx.node import Activation, Node

HALF = Fraction(1, 2)

COORDINATES: dict[str, Callable[[int, int], Fraction]] = {
    "asymmetric": lambda index, factor: Fraction(index, factor),
    "half_pixel": lambda index, factor: Fraction(2 * index + 1, 2 * factor) - HALF,
    "half_pixel_symmetric": lambda index, factor: Fraction(2 * index + 1, 2 * factor) - HALF,
    "pytorch_half_pixel": lambda index, factor: Fraction(2 * index + 1, 2 * factor) - HALF,
    "tf_half_pixel_for_nn": lambda index, factor: Fraction(2 * index + 1, 2 * factor),
}
"""Where an element of the result lies in the input, by its index, for a factor."""

LINES: dict[str, Callable[[int, int, Fraction], tuple[Fraction, Fraction]]] = {
    "align_corners": lambda size, made, scale: (Fraction(size - 1, max(1, made - 1)), Fraction(0)),
    "asymmetric": lambda size, made, scale: (1 / scale, Fraction(0)),
    "half_pixel": lambda size, made, scale: (1 / scale, HALF / scale - HALF),
    "half_pixel_symmetric": lambda size, made, scale: (1 / scale, (size - made / scale + 1 / scale - 1) / 2),
    "pytorch_half_pixel": lambda size, made, scale: (1 / scale, HALF / scale - HALF if made > 1 else Fraction(0)),
}
"""How far elements of the result lie apart in the input, and where the first one lies, by both sizes and the factor."""

DENOMINATORS = 1 << 12
"""A factor is taken for a fraction whose denominator, or that of its inverse, is no larger."""

ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "floor": floor,
    "ceil": ceil,
    "round_prefer_floor": lambda coordinate: ceil(coordinate - HALF),
    "round_prefer_ceil": lambda coordinate: floor(coordinate + HALF),
}


def resize(network: Network, node: Node) -> Activation:
    """Resize and Upsample."""
    x = node.activation()
    mode = node.text("mode", "nearest")
    if mode == "linear":
        return _interpolated(network, node, x)
    if mode != "nearest":
        raise LayerError(f"resizes in the mode {mode}, only nearest and linear are supported")
    factors = _factors(node, x)
    for factor in factors.values():
        if factor > 1:
            _expect_repetition(node, factor)
    return _repeated(network, node, x, factors)


def _interpolated(network: Network, node: Node, x: Activation) -> Activation:
    """A value whose rows and columns are interpolated."""
    for name in ("antialias", "exclude_outside"):
        if name in node.schema.attributes and node.truth(name):
            raise LayerError(f"{name} is set, which is not supported")
    coordinates = _coordinates(node)
    if coordinates not in LINES:
        raise LayerError(f"{coordinates} coordinates are not supported in the mode linear")
    scales, given = _scales(node, x)
    sizes = [*shape_of(x.value)]
    lines: dict[int, tuple[Fraction, Fraction]] = {}
    for axis, scale in scales.items():
        size = x.shape[axis]
        # As onnxruntime multiplies; a factor that is far too large might not fit float32.
        made = int(np.floor(np.float32(size) * np.float32(min(scale, MAXIMUM_SIDE)))) if given else int(size * scale)
        if not 1 <= made <= MAXIMUM_SIDE or x.flattened or (x.order[axis] not in (2, 3) and (scale, made) != (1, size)):
            shown = "x".join(f"{float(scale):g}" for scale in scales.values())
            raise LayerError(f"resizes {format_shape(x.shape)} by {shown}, supported are rows and columns of maps")
        sizes[x.order[axis]] = made
        lines[x.order[axis]] = LINES[coordinates](size, made, _simple(scale))
    if x.flattened or len(sizes) != 4:
        raise LayerError(f"resizes {format_shape(x.shape)}, supported are maps")
    steps, offsets = zip(*(lines.get(axis, (Fraction(1), Fraction(0))) for axis in (2, 3)), strict=True)
    return Activation(network.add(cnn.InterpolateOp(x.value, sizes[2:], steps, offsets), node.name), x.order)


def _simple(scale: Fraction) -> Fraction:
    """A number of float32 as the simple fraction that it stands for, or one as near as it is: 4/3 for 1.3333334. Halves
    of its inverse are among the places that an interpolation knows."""
    if scale < 1:
        return 1 / (1 / scale).limit_denominator(DENOMINATORS)
    return scale.limit_denominator(min(DENOMINATORS, LARGEST_UNIT // (2 * ceil(scale))))


def expand(network: Network, node: Node) -> Activation:
    """Expand of what has one row or one column, as PyTorch writes squeeze and excitation: `x * y.expand_as(x)`."""
    x = node.activation()
    sizes = node.bounds("shape", 1)
    fits = len(sizes) <= len(x.shape) and all(
        min(old, new) == 1 or old == new for old, new in zip(x.shape[::-1], sizes[::-1], strict=False)
    )
    if not fits or x.flattened:
        raise LayerError(
            f"expands {format_shape(x.shape)} to {format_shape(sizes)}, supported are rows and columns of maps"
        )
    first = len(x.shape) - len(sizes)
    factors = {first + axis: max(1, size // x.shape[first + axis]) for axis, size in enumerate(sizes)}
    return _repeated(network, node, x, factors)


def _repeated(network: Network, node: Node, x: Activation, factors: dict[int, int]) -> Activation:
    """A value whose elements come so often along each axis."""
    if x.flattened or any(factor > 1 for axis, factor in factors.items() if x.order[axis] not in (2, 3)):
        raise LayerError("repeats other axes than rows and columns of maps")
    by_axis = {x.order[axis]: factor for axis, factor in factors.items()}
    if max(by_axis.values(), default=1) == 1:
        return Activation(network.add(cnn.IdentityOp(x.value), node.name), x.order, x.flattened)
    op = cnn.UpsampleOp(x.value, (by_axis.get(2, 1), by_axis.get(3, 1)))
    return Activation(network.add(op, node.name), x.order)


def _factors(node: Node, x: Activation) -> dict[int, int]:
    """The whole factor of each axis that a node resizes."""
    scales, _ = _scales(node, x)
    if any(scale.denominator != 1 or not 1 <= scale <= MAXIMUM_SIDE for scale in scales.values()):
        shown = "x".join(f"{float(scale):g}" for scale in scales.values())
        raise LayerError(f"resizes {format_shape(x.shape)} by {shown}, supported are whole factors")
    return {axis: int(scale) for axis, scale in scales.items()}


def _scales(node: Node, x: Activation) -> tuple[dict[int, Fraction], bool]:
    """The factor, above zero, of each axis that a node resizes, and whether they are given: from scales or, where there
    are none, from sizes."""
    if "keep_aspect_ratio_policy" in node.schema.attributes:
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            raise LayerError(f"keeps the aspect ratio ({policy}), which is not supported")
    has_axes = "axes" in node.schema.attributes and node.has("axes")
    axes = (node.axes(0, len(x.shape)) or ()) if has_axes else tuple(range(len(x.shape)))
    scales = node.numbers("scales")
    given = scales is not None
    if scales is None:
        sizes = node.numbers("sizes")
        if sizes is None:
            raise LayerError("has neither scales nor sizes")
        scales = tuple(Fraction(size) / x.shape[axis] for axis, size in zip(axes, sizes, strict=False))
    if len(scales) != len(axes) or len(set(axes)) != len(axes):
        raise LayerError(f"has {len(scales)} factors for {len(axes)} axes")
    if min(scales, default=1) <= 0:
        raise LayerError(f"resizes {format_shape(x.shape)} by {float(min(scales)):g}")
    return dict(zip(axes, scales, strict=True)), given


def _coordinates(node: Node) -> str:
    newer = "coordinate_transformation_mode" in node.schema.attributes
    return node.text("coordinate_transformation_mode", "half_pixel") if newer else "asymmetric"


def _expect_repetition(node: Node, factor: int) -> None:
    """Checks that each element of the input comes `factor` times: that the first one is the nearest to the first and to
    the last of so many."""
    coordinates = _coordinates(node)
    newer = "nearest_mode" in node.schema.attributes
    rounding = node.text("nearest_mode", "round_prefer_floor") if newer else "floor"
    known = coordinates in COORDINATES and rounding in ROUNDINGS
    if not known or any(ROUNDINGS[rounding](COORDINATES[coordinates](index, factor)) for index in (0, factor - 1)):
        raise LayerError(f"{coordinates} coordinates, rounded by {rounding}, do not repeat each element {factor} times")
