"""What repeats rows and columns: Resize and Upsample to nearest neighbours by whole factors, and Expand."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor

from snowdialect.dialects import cnn
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
    if mode != "nearest":
        raise LayerError(f"resizes in the mode {mode}, only nearest is supported")
    factors = _factors(node, x)
    for factor in factors.values():
        if factor > 1:
            _expect_repetition(node, factor)
    return _repeated(network, node, x, factors)


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
    """The factor of each axis that a node resizes: from scales or, where there are none, from sizes."""
    if "keep_aspect_ratio_policy" in node.schema.attributes:
        policy = node.text("keep_aspect_ratio_policy", "stretch")
        if policy != "stretch":
            raise LayerError(f"keeps the aspect ratio ({policy}), which is not supported")
    has_axes = "axes" in node.schema.attributes and node.has("axes")
    axes = (node.axes(0, len(x.shape)) or ()) if has_axes else tuple(range(len(x.shape)))
    scales = node.numbers("scales")
    if scales is None:
        sizes = node.numbers("sizes")
        if sizes is None:
            raise LayerError("has neither scales nor sizes")
        scales = tuple(Fraction(size) / x.shape[axis] for axis, size in zip(axes, sizes, strict=False))
    if len(scales) != len(axes) or len(set(axes)) != len(axes):
        raise LayerError(f"has {len(scales)} factors for {len(axes)} axes")
    if any(scale.denominator != 1 or not 1 <= scale <= MAXIMUM_SIDE for scale in scales):
        shown = "x".join(f"{float(scale):g}" for scale in scales)
        raise LayerError(f"resizes {format_shape(x.shape)} by {shown}, supported are whole factors")
    return dict(zip(axes, map(int, scales), strict=True))


def _expect_repetition(node: Node, factor: int) -> None:
    """Checks that each element of the input comes `factor` times: that the first one is the nearest to the first and to
    the last of so many."""
    newer = "coordinate_transformation_mode" in node.schema.attributes
    coordinates = node.text("coordinate_transformation_mode", "half_pixel") if newer else "asymmetric"
    rounding = node.text("nearest_mode", "round_prefer_floor") if newer else "floor"
    known = coordinates in COORDINATES and rounding in ROUNDINGS
    if not known or any(ROUNDINGS[rounding](COORDINATES[coordinates](index, factor)) for index in (0, factor - 1)):
        raise LayerError(f"{coordinates} coordinates, rounded by {rounding}, do not repeat each element {factor} times")
