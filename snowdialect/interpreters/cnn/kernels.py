"""The arithmetic of layers on NumPy arrays: maps (N, C, H, W) of a batch, weights (O, I, kH, kW)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from snowdialect.dialects.cnn.shapes import ConvGeometry, PoolGeometry, TransposedGeometry

Array = NDArray[Any]

UNFOLDED_BYTES = 1 << 26
"""Memory for the unfolded input of a convolution, which is made piece by piece."""


class Piece(NamedTuple):
    """Some output rows of some images of a convolution."""

    images: slice
    rows: slice
    sums: Array
    """(images, O, rows, columns): products summed over the window, without bias."""


def convolve(x: Array, weight: Array, geometry: ConvGeometry, dtype: DTypeLike) -> Iterator[Piece]:
    """The sums of a convolution, computed in `dtype`, as matrix products with the unfolded input (im2col)."""
    outputs, inputs, *kernel = weight.shape
    groups = geometry.groups
    matrices = weight.reshape(groups, outputs // groups, -1).astype(dtype)
    top, left, bottom, right = geometry.pads
    rows = _output_size(x.shape[2] + top + bottom, kernel[0], geometry.strides[0], geometry.dilations[0])
    columns = _output_size(x.shape[3] + left + right, kernel[1], geometry.strides[1], geometry.dilations[1])
    row_bytes = groups * matrices.shape[2] * columns * matrices.itemsize
    rows_at_once = min(rows, max(1, UNFOLDED_BYTES // row_bytes))
    images_at_once = max(1, UNFOLDED_BYTES // (row_bytes * rows))
    for image in range(0, len(x), images_at_once):
        images = slice(image, image + images_at_once)
        padded = np.pad(x[images].astype(dtype), ((0, 0), (0, 0), (top, bottom), (left, right)))
        windows = _windows(padded, kernel, geometry)
        for row in range(0, rows, rows_at_once):
            piece = windows[:, :, row : row + rows_at_once]
            count, _, height = piece.shape[:3]
            unfolded = piece.transpose(1, 4, 5, 0, 2, 3).reshape(groups, inputs * kernel[0] * kernel[1], -1)
            sums = (matrices @ unfolded).reshape(outputs, count, height, columns).transpose(1, 0, 2, 3)
            yield Piece(images, slice(row, row + height), sums)


def convolve_transposed(x: Array, weight: Array, geometry: TransposedGeometry) -> Array:
    """The sums of a transposed convolution (N, O, rows, columns), without bias: what each tap adds, in float32."""
    images, channels, height, width = x.shape
    outputs, inputs, *kernel = weight.shape
    groups, strides, dilations = geometry.groups, geometry.strides, geometry.dilations
    matrices = weight.reshape(groups, outputs // groups, inputs, *kernel)
    pixels = x.reshape(images, groups, channels // groups, -1)
    spans = [stride * (size - 1) + 1 for stride, size in zip(strides, (height, width), strict=True)]
    reach = [dilation * (size - 1) for dilation, size in zip(dilations, kernel, strict=True)]
    sums = np.zeros((images, outputs, spans[0] + reach[0], spans[1] + reach[1]), np.float32)
    for row, column in np.ndindex(*kernel):
        products = (matrices[..., row, column] @ pixels).reshape(images, outputs, height, width)
        top, left = row * dilations[0], column * dilations[1]
        sums[:, :, top : top + spans[0] : strides[0], left : left + spans[1] : strides[1]] += products
    return pad(sums, tuple(-size for size in geometry.pads))


def _output_size(size: int, kernel: int, stride: int, dilation: int) -> int:
    return (size - dilation * (kernel - 1) - 1) // stride + 1


def _windows(padded: Array, kernel: list[int], geometry: ConvGeometry) -> Array:
    """A view (N, C, rows, columns, kH, kW) of padded maps."""
    extents = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, geometry.dilations, strict=True)]
    (row_stride, column_stride), (row_step, column_step) = geometry.strides, geometry.dilations
    view = np.lib.stride_tricks.sliding_window_view(padded, (extents[0], extents[1]), (2, 3))
    return view[:, :, ::row_stride, ::column_stride, ::row_step, ::column_step]


def pool(x: Array, geometry: PoolGeometry, fill: float, combine: Callable[..., Any]) -> Array:
    """Combines the elements of each window, padding being `fill`: rows first, then columns.

    `combine` is a NumPy ufunc such as np.maximum or np.add.
    """
    shape = geometry.result_shape((1, *x.shape[1:]))
    for axis in (2, 3):
        kernel, stride, before = (values[axis - 2] for values in (geometry.kernel, geometry.strides, geometry.pads))
        x = _pool_axis(x, axis, kernel, stride, before, shape[axis], fill, combine)
    return x


def _pool_axis(
    x: Array,
    axis: int,
    kernel: int,
    stride: int,
    before: int,
    outputs: int,
    fill: float,
    combine: Callable[..., Any],
) -> Array:
    span = (outputs - 1) * stride + kernel
    widths = [(0, 0)] * x.ndim
    widths[axis] = (before, max(0, span - before - x.shape[axis]))
    padded = np.pad(x, widths, constant_values=fill)

    def element(offset: int) -> Array:
        index = [slice(None)] * x.ndim
        index[axis] = slice(offset, offset + (outputs - 1) * stride + 1, stride)
        return padded[tuple(index)]

    result = element(0).copy()
    for offset in range(1, kernel):
        combine(result, element(offset), out=result)
    return result


def pad(x: Array, pads: tuple[int, ...]) -> Array:
    """Zeros around maps: top, left, bottom, right; negative numbers crop."""
    top, left, bottom, right = pads
    _, _, height, width = x.shape
    cropped = x[:, :, max(0, -top) : height - max(0, -bottom), max(0, -left) : width - max(0, -right)]
    widths = ((0, 0), (0, 0), (max(0, top), max(0, bottom)), (max(0, left), max(0, right)))
    return np.pad(cropped, widths)


def depth_to_space(x: Array, block: tuple[int, ...], blocks_first: bool) -> Array:
    """Blocks of pixels, each of a channel of its own."""
    images, channels, height, width = x.shape
    rows, columns = block
    if blocks_first:
        by_pixel = x.reshape(images, rows, columns, -1, height, width).transpose(0, 3, 4, 1, 5, 2)
    else:
        by_pixel = x.reshape(images, -1, rows, columns, height, width).transpose(0, 1, 4, 2, 5, 3)
    return by_pixel.reshape(images, channels // (rows * columns), height * rows, width * columns)


def space_to_depth(x: Array, block: tuple[int, ...], blocks_first: bool) -> Array:
    """The opposite: a channel for each pixel of a block."""
    images, channels, height, width = x.shape
    rows, columns = block
    by_pixel = x.reshape(images, channels, height // rows, rows, width // columns, columns)
    ordered = by_pixel.transpose((0, 3, 5, 1, 2, 4) if blocks_first else (0, 1, 3, 5, 2, 4))
    return ordered.reshape(images, channels * rows * columns, height // rows, width // columns)


def weighted_sums(x: Array, places: Iterable[tuple[int, int, int, int]]) -> Array:
    """Maps interpolated along rows, then columns, by size, step, offset, unit of each; times the product of units."""
    for axis, (size, step, offset, unit) in enumerate(places, 2):
        last = x.shape[axis] - 1
        places_of = np.clip(np.arange(size) * step + offset, 0, last * unit)
        before = places_of // unit
        behind = np.minimum(before + 1, last)
        share = (places_of - before * unit).reshape(-1, *[1] * (3 - axis))
        x = x.take(before, axis) * (unit - share) + x.take(behind, axis) * share
    return x


def channel_mean(x: Array) -> Array:
    """The mean over axis 1: of words rounded once, half up; of float32 in float64, added channel by channel."""
    channels = x.shape[1]
    if x.dtype == np.int16:
        sums = x.sum(axis=1, keepdims=True, dtype=np.int64)
        return ((2 * sums + channels) // (2 * channels)).astype(np.int16)
    total = np.zeros((len(x), 1, *x.shape[2:]))
    for channel in range(channels):
        total += x[:, channel : channel + 1]
    return (total / channels).astype(np.float32)


def per_channel(vector: Array, dimensions: int) -> Array:
    """One number a channel, in a shape that broadcasts over arrays of so many axes, channels second."""
    return vector.reshape(-1, *[1] * (dimensions - 2))


def multiply(x: Array, factor: Array) -> Array:
    """x * factor in float32, or the largest number there is with its sign."""
    largest = np.finfo(np.float32).max
    return np.clip(x.astype(np.float64) * factor, -largest, largest).astype(np.float32)


def softmax(x: Array) -> Array:
    """exp(x) / sum of exp(x), over axis 1."""
    return np.exp(log_softmax(x))


def log_softmax(x: Array) -> Array:
    """x - log(sum of exp(x)), over axis 1; of differences to the largest element, which overflow nothing."""
    shifted = x - x.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by the tangent: it overflows nowhere."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def hard_sigmoid(x: Array, alpha: float, beta: float) -> Array:
    """alpha * x + beta within 0..1; computed in float64."""
    return np.clip(x.astype(np.float64) * alpha + beta, 0, 1).astype(np.float32)


def lrn(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    """x / (k + alpha / size * sum of x^2)^beta, the sum over `size` channels; computed in float64."""
    exact = x.astype(np.float64)
    squares = exact * exact
    before = (size - 1) // 2
    sums = np.zeros_like(squares)
    for first in range(max(-before, 1 - x.shape[1]), min(size - before, x.shape[1])):
        own, other = (slice(max(0, shift), x.shape[1] + min(0, shift)) for shift in (-first, first))
        sums[:, own] += squares[:, other]
    return (exact / (k + alpha / size * sums) ** beta).astype(np.float32)


def elu(x: Array, alpha: float) -> Array:
    """x, and below zero alpha * (exp(x) - 1)."""
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), which overflows nowhere."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + np.abs(x))


def erf(x: Array, scale: float, factor: float, shift: float) -> Array:
    """factor * erf(scale * x) + shift."""
    values = np.vectorize(math.erf, otypes=[np.float64])(scale * x)
    return factor * values + shift


def power(x: Array, exponent: float) -> Array:
    """x^exponent of what is above zero, but no more than float32 holds."""
    with np.errstate(over="ignore"):
        return np.minimum(np.maximum(x, 0) ** exponent, np.finfo(np.float32).max)


def normalize(x: Array, p: float, eps: float) -> Array:
    """x / (sum of |x|^p + eps)^(1/p) over axis 1, added channel by channel."""
    powers = np.abs(x) ** p
    total = powers[:, :1].copy()
    for channel in range(1, x.shape[1]):
        total += powers[:, channel : channel + 1]
    norm = (total + eps) ** (1 / p)
    return x / np.where(norm > 0, norm, 1)


def instance_norm(x: Array, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps), over all axes but the first two."""
    elements = x.reshape(*x.shape[:2], -1)
    differences = elements - elements.mean(axis=2, keepdims=True)
    variance = (differences * differences).mean(axis=2, keepdims=True)
    return (differences / np.sqrt(variance + eps)).reshape(x.shape)


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "cnn.elu": elu,
    "cnn.softplus": softplus,
    "cnn.softsign": softsign,
    "cnn.erf": erf,
    "cnn.power": power,
    "cnn.normalize": normalize,
    "cnn.instance_norm": instance_norm,
}
"""Functions of float64, by operation; keywords are the numbers of the operation."""
