"""Shapes of layers and windows of pools, in plain integers: for verifiers, interpreters, conversions.

Every shape carries the batch axis of the type, a leading 1: maps are 1xCxHxW, vectors 1xF.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

Shape = tuple[int, ...]

WORD_BITS = 16
"""Of a word, its sign included."""

MAX_SHIFT = 31
"""The machine shifts a 32-bit accumulator by 0..31 bits."""

MAXIMUM_SIDE = 1 << 16
"""Rows or columns that a map may have: pools list their windows."""

MAXIMUM_ELEMENTS = 1 << 28
"""Elements that the result of a layer may have: a gigabyte of floats."""


class ShapeError(ValueError):
    """Operands that do not fit together; the message names the sizes."""


@dataclass(frozen=True)
class Window:
    """What one pool output covers along one axis: elements first..stop-1, `padded` with the padding."""

    first: int
    stop: int
    padded: int

    @property
    def elements(self) -> int:
        """Number of elements that exist."""
        return self.stop - self.first


def map_shape(shape: Shape) -> tuple[int, int, int]:
    """(C, H, W) of a map 1xCxHxW."""
    if len(shape) != 4 or shape[0] != 1:
        raise ShapeError(f"input must be a map 1xCxHxW, is {format_shape(shape)}")
    return shape[1], shape[2], shape[3]


def format_shape(shape: Iterable[int]) -> str:
    """A shape as users write it: 1x8x6x6."""
    return "x".join(map(str, shape)) or "a scalar"


INPUT_SIZES = f"sizes are at least 1, rows and columns at most {MAXIMUM_SIDE}, elements in all {MAXIMUM_ELEMENTS}"
"""What `is_input_shape` asks for."""


def is_input_shape(shape: Shape) -> bool:
    """Whether an input of the network may have this shape, for which there is memory and time."""
    return min(shape) >= 1 and max(shape[2:], default=1) <= MAXIMUM_SIDE and prod(shape) <= MAXIMUM_ELEMENTS


def _expect_length(name: str, values: Sequence[int], length: int, smallest: int | None) -> None:
    if len(values) != length:
        raise ShapeError(f"{name} must hold {length} numbers, holds {len(values)}")
    if smallest is not None and min(values) < smallest:
        raise ShapeError(f"{name} must be at least {smallest}, are {list(values)}")


@dataclass(frozen=True)
class ConvGeometry:
    """Where a convolution reads: strides and dilations of rows and columns, pads top, left, bottom, right."""

    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)
    dilations: tuple[int, ...] = (1, 1)
    groups: int = 1

    def result_shape(self, x: Shape, weight: Shape) -> Shape:
        """Result 1xOxHxW for maps `x` (1xCxHxW) and `weight` (O x C/groups x kH x kW). Raises ShapeError."""
        channels, height, width = map_shape(x)
        _expect_length("strides", self.strides, 2, 1)
        _expect_length("pads", self.pads, 4, 0)
        _expect_length("dilations", self.dilations, 2, 1)
        if len(weight) != 4:
            raise ShapeError(f"weight must be OxIxkHxkW, is {format_shape(weight)}")
        if self.groups < 1:
            raise ShapeError(f"groups must be at least 1, is {self.groups}")
        outputs, inputs, kernel_height, kernel_width = weight
        if inputs * self.groups != channels:
            in_groups = f" in {self.groups} groups" if self.groups > 1 else ""
            raise ShapeError(f"weight expects {inputs * self.groups} input channels{in_groups}, input has {channels}")
        if outputs % self.groups:
            raise ShapeError(f"{outputs} output channels cannot be split into {self.groups} groups")
        top, left, bottom, right = self.pads
        return (
            1,
            outputs,
            _conv_size("rows", height, kernel_height, self.strides[0], top + bottom, self.dilations[0]),
            _conv_size("columns", width, kernel_width, self.strides[1], left + right, self.dilations[1]),
        )


def _conv_size(axis: str, size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    extent = dilation * (kernel - 1) + 1
    if size + padding < extent:
        raise ShapeError(f"kernel spans {extent} {axis}, the padded input has {size + padding}")
    return (size + padding - extent) // stride + 1


class Phases(NamedTuple):
    """A transposed convolution as a convolution with stride 1, of whose channels blocks of pixels are made.

    Rows of the result whose numbers leave the same remainder when divided by the stride see the same taps of a kernel:
    with strides of 2 x 2 there are four such phases, each with kernels of its own, a quarter of the taps.
    """

    block: tuple[int, int]
    """Phases along rows and columns."""
    taps: tuple[int, int]
    """Of the kernels of a phase."""
    pads: tuple[int, ...]
    dilations: tuple[int, int]
    crop: tuple[int, ...]
    """Rows and columns of the blocks that are left out: top, left, bottom, right."""


class _PhaseAxis(NamedTuple):
    """`Phases` along the rows or the columns."""

    block: int
    taps: int
    dilation: int
    before: int
    after: int
    crop_before: int
    crop_after: int


@dataclass(frozen=True)
class TransposedGeometry:
    """Where a transposed convolution writes; pads are left out of the result, and negative ones behind added to it."""

    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)
    dilations: tuple[int, ...] = (1, 1)
    groups: int = 1

    def result_shape(self, x: Shape, weight: Shape) -> Shape:
        """Result 1xOxHxW for maps `x` (1xCxHxW) and `weight` (O x C/groups x kH x kW). Raises ShapeError."""
        _, height, width = map_shape(x)
        _expect_length("strides", self.strides, 2, 1)
        _expect_length("pads", self.pads, 4, None)
        # Channels are those of a convolution, here with one window.
        window = (max(1, dilation * size) for dilation, size in zip(self.dilations, weight[2:], strict=False))
        ConvGeometry(dilations=self.dilations, groups=self.groups).result_shape((*x[:2], *window), weight)
        if min(weight[2:]) < 1:
            raise ShapeError(f"weight is {format_shape(weight)}, which has no taps")
        rows, columns = (self._axis_size(axis, size, weight[axis + 2]) for axis, size in enumerate((height, width)))
        phases = self._phases((height, width), weight[2:])
        most = prod(weight[:2]) * prod(phases.block) * prod(phases.taps)
        wide = weight[0] * (rows + phases.crop[0] + phases.crop[2]) * (columns + phases.crop[1] + phases.crop[3])
        if max(most, wide) > MAXIMUM_ELEMENTS:
            raise ShapeError(f"takes {most} weights for {wide} sums, at most {MAXIMUM_ELEMENTS} are supported")
        return (1, weight[0], rows, columns)

    def phases(self, x: Shape, weight: Shape) -> Phases:
        """The same as a convolution, for maps and weights that fit."""
        return self._phases(x[2:], weight[2:])

    def _phases(self, sizes: Sequence[int], kernel: Sequence[int]) -> Phases:
        rows, columns = (self._phase_axis(axis, sizes[axis], kernel[axis]) for axis in (0, 1))
        return Phases(
            (rows.block, columns.block),
            (rows.taps, columns.taps),
            (rows.before, columns.before, rows.after, columns.after),
            (rows.dilation, columns.dilation),
            (rows.crop_before, columns.crop_before, rows.crop_after, columns.crop_after),
        )

    def _phase_axis(self, axis: int, size: int, kernel: int) -> _PhaseAxis:
        stride, before, dilation = self.strides[axis], self.pads[axis], self.dilations[axis]
        if size == 1:
            # One pixel has no next one: where it writes alone, no tap of a phase is a zero.
            stride = kernel if dilation == 1 else 1
        taps, step = (kernel, dilation) if stride == 1 else (-(-kernel // stride), 1)
        reach = step * (taps - 1)
        end = before + self._axis_size(axis, size, kernel)
        above, below = max(0, reach - before // stride), max(0, -(-end // stride) - size)
        first = stride * (reach - above)
        return _PhaseAxis(stride, taps, step, above, below, before - first, stride * (size + below) - end)

    def _axis_size(self, axis: int, size: int, kernel: int) -> int:
        """Rows or columns of the result. Raises ShapeError."""
        unit = ("rows", "columns")[axis]
        stride, dilation, before, after = (
            self.strides[axis],
            self.dilations[axis],
            self.pads[axis],
            self.pads[axis + 2],
        )
        extent = dilation * (kernel - 1) + 1
        if size > 1 and stride > 1 and dilation > 1:
            raise ShapeError(f"strides and dilations of {unit} are {stride} and {dilation}, one of them must be 1")
        if size > 1 and stride > 2 * extent:
            raise ShapeError(f"strides of {stride} {unit} leave more than half of the result to no kernel of {extent}")
        whole = stride * (size - 1) + extent
        if before < 0 or before + max(after, 0) >= whole:
            raise ShapeError(f"pads of {before} and {after} {unit} leave nothing of {whole}")
        return whole - before - after


def phase_kernels_shape(w: Shape, strides: Sequence[int]) -> Shape:
    """Result of taking kernels apart into those of the phases of a transposed convolution."""
    _expect_length("strides", strides, 2, 1)
    if len(w) != 4:
        raise ShapeError(f"kernels must be OxIxkHxkW, are {format_shape(w)}")
    taps = (-(-size // stride) for size, stride in zip(w[2:], strides, strict=True))
    return (w[0] * prod(strides), w[1], *taps)


def linear_shape(x: Shape, weight: Shape) -> Shape:
    """Result 1xM of a linear layer with `weight` MxN; `x` of any rank is flattened in C, H, W order."""
    if len(weight) != 2:
        raise ShapeError(f"weight must be MxN, is {format_shape(weight)}")
    if prod(x) != weight[1]:
        raise ShapeError(f"weight expects {weight[1]} inputs, input has {prod(x)} ({format_shape(x)})")
    return (1, weight[0])


class _PoolAxis(NamedTuple):
    """Where the windows along one axis lie, however many there are."""

    outputs: int
    size: int
    kernel: int
    stride: int
    before: int
    after: int

    def window(self, index: int) -> Window:
        """A window, clipped to the input; a last one in ceil mode may hang over its end."""
        start = index * self.stride - self.before
        stop = min(start + self.kernel, self.size + self.after)
        return Window(max(start, 0), min(stop, self.size), stop - start)


@dataclass(frozen=True)
class PoolGeometry:
    """The windows of a pool; `count_include_pad` matters to average pools only."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...] = (1, 1)
    pads: tuple[int, ...] = (0, 0, 0, 0)
    ceil_mode: bool = False
    count_include_pad: bool = False

    def result_shape(self, x: Shape) -> Shape:
        """Result 1xCxHxW, by the rule of Torch7's SpatialMaxPooling.

        floor (or ceil) of (in + before + after - k) / s + 1; in ceil mode of a padded pool, a last window
        that would start behind the input and its leading padding is dropped. Raises ShapeError, also when a
        window covers padding only.
        """
        channels, _, _ = map_shape(x)
        _expect_length("kernel", self.kernel, 2, 1)
        _expect_length("strides", self.strides, 2, 1)
        _expect_length("pads", self.pads, 4, 0)
        rows, columns = self._axis(x, 0), self._axis(x, 1)
        for name, windows in (("row", rows), ("column", columns)):
            # The first window ends before any other, the last starts behind all others: these two tell.
            for index in (0, windows.outputs - 1):
                if windows.window(index).elements < 1:
                    raise ShapeError(f"the window of output {name} {index} covers no element of the input")
        return (1, channels, rows.outputs, columns.outputs)

    def windows(self, x: Shape) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
        """The windows of the output rows, and those of the output columns, for maps `x` (1xCxHxW)."""
        rows, columns = self._axis(x, 0), self._axis(x, 1)
        return tuple(map(rows.window, range(rows.outputs))), tuple(map(columns.window, range(columns.outputs)))

    def _axis(self, x: Shape, axis: int) -> _PoolAxis:
        """The windows along the rows (0) or the columns (1) of maps `x`."""
        size, kernel, stride = map_shape(x)[1 + axis], self.kernel[axis], self.strides[axis]
        before, after = self.pads[axis], self.pads[axis + 2]
        slack = size + before + after - kernel
        if slack < 0:
            unit = ("rows", "columns")[axis]
            raise ShapeError(f"kernel spans {kernel} {unit}, the padded input has {slack + kernel}")
        outputs = (-(-slack // stride) if self.ceil_mode else slack // stride) + 1
        if self.ceil_mode and any(self.pads) and (outputs - 1) * stride >= size + before:
            outputs -= 1
        return _PoolAxis(outputs, size, kernel, stride, before, after)

    def axis_divisors(self, x: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The rows under the window of each output row of an average pool, and the columns of each column."""
        rows, columns = (
            tuple(window.padded if self.count_include_pad else window.elements for window in windows)
            for windows in self.windows(x)
        )
        return rows, columns

    def divisors(self, x: Shape) -> tuple[tuple[int, ...], ...]:
        """What each output of an average pool divides its sum by: one row of divisors per output row."""
        rows, columns = self.axis_divisors(x)
        return tuple(tuple(height * width for width in columns) for height in rows)


def avg_pool_weight(divisor: int, frac: int) -> int:
    """round_half_up(2^frac / divisor): the 16-bit weight that stands for 1 / divisor."""
    return ((2 << frac) + divisor) // (2 * divisor)


def avg_pool_frac(smallest_divisor: int) -> int:
    """The most fraction bits, at most 15, with which the weight 1 / `smallest_divisor` fits a 16-bit word.

    Not more than 15: the weights of a window then sum to about 2^15, and no sum of 16-bit words can wrap a
    32-bit accumulator.
    """
    return next(frac for frac in range(15, -1, -1) if avg_pool_weight(smallest_divisor, frac) <= 32767)


def multiply_shape(x: Shape, factor: Shape) -> Shape:
    """Result of a product of two values of one shape, or of a value and one with one element along some axes, such as
    one number a channel (1xCx1x1) or a place (1x1xHxW)."""
    if len(x) != len(factor) or any(size not in (1, whole) for size, whole in zip(factor, x, strict=True)):
        raise ShapeError(
            f"operands must have one shape, or the second one element along some axes, are {format_shape(x)} "
            f"and {format_shape(factor)}"
        )
    return x


def channels_shape(x: Shape) -> Shape:
    """Result, of the same shape, of what goes over the channels."""
    if len(x) < 2:
        raise ShapeError(f"input must have channels, is {format_shape(x)}")
    return x


def reduced_shape(x: Shape) -> Shape:
    """Result of making one channel of all."""
    return (1, 1, *channels_shape(x)[2:])


def concat_shape(shapes: Sequence[Shape]) -> Shape:
    """Result of a concatenation along the channels."""
    if not shapes:
        raise ShapeError("nothing to concatenate")
    first = shapes[0]
    for shape in shapes:
        if len(shape) < 2 or len(shape) != len(first) or shape[2:] != first[2:]:
            listed = ", ".join(map(format_shape, shapes))
            raise ShapeError(f"operands must agree in all but the channels, are {listed}")
    return (1, sum(shape[1] for shape in shapes), *first[2:])


def interleave_shape(shapes: Sequence[Shape]) -> Shape:
    """Result of putting the rows of maps in turns."""
    if not shapes:
        raise ShapeError("nothing to interleave")
    channels, height, width = map_shape(shapes[0])
    if any(shape != shapes[0] for shape in shapes):
        raise ShapeError(f"operands must have the same shape, are {', '.join(map(format_shape, shapes))}")
    return (1, channels, len(shapes) * height, width)


def interleaved_kernels_shape(w: Shape, parts: int) -> Shape:
    """Result of putting the rows of kernels in turns, of which each operand of a concatenation has a part."""
    if len(w) != 4 or parts < 1 or w[1] % parts:
        raise ShapeError(f"kernels {format_shape(w)} have no {parts} parts of as many channels")
    return (w[0], w[1] // parts, parts * w[2], w[3])


def sliced_kernels_shape(w: Shape, first: int, count: int) -> Shape:
    """Result of taking `count` of the kernels, or of their biases, from kernel `first` on."""
    if first < 0 or count < 1 or first + count > w[0]:
        raise ShapeError(f"{format_shape(w)} holds no kernels {first} to {first + count}")
    return (count, *w[1:])


def concat_kernels_shape(shapes: Sequence[Shape]) -> Shape:
    """Result of putting kernels, or biases, one behind the other."""
    if not all(shapes) or not shapes:
        raise ShapeError("there are no kernels to concatenate")
    if len({shape[1:] for shape in shapes}) > 1:
        raise ShapeError(f"kernels must agree in all but their number, are {', '.join(map(format_shape, shapes))}")
    return (sum(shape[0] for shape in shapes), *shapes[0][1:])


def pad_shape(x: Shape, pads: Sequence[int]) -> Shape:
    """Result of padding a map by top, left, bottom, right; negative numbers crop."""
    channels, height, width = map_shape(x)
    _expect_length("pads", pads, 4, None)
    top, left, bottom, right = pads
    rows, columns = height + top + bottom, width + left + right
    if rows < 1 or columns < 1:
        raise ShapeError(f"pads {list(pads)} leave nothing of {height}x{width}")
    return (1, channels, rows, columns)


def gather_shape(x: Shape, sizes: Sequence[int], strides: Sequence[int], offset: int) -> Shape:
    """Result of taking channel `offset` + i * strides[0] + j * strides[1] ... for all i below sizes[0], and so on."""
    if len(x) < 2:
        raise ShapeError(f"input must have channels, is {format_shape(x)}")
    _expect_length("strides", strides, len(sizes), None)
    if not sizes or min(sizes) < 1:
        raise ShapeError(f"sizes must be at least 1, are {list(sizes)}")
    reach = [stride * (size - 1) for size, stride in zip(sizes, strides, strict=True)]
    low, high = (offset + sum(sign(0, end) for end in reach) for sign in (min, max))
    if low < 0 or high >= x[1]:
        raise ShapeError(f"takes channels {low} to {high}, input has {x[1]}")
    return (1, prod(sizes), *x[2:])


def depth_to_space_shape(x: Shape, block: Sequence[int], crop: Sequence[int]) -> Shape:
    """Result of making blocks of pixels of channels, and leaving out top, left, bottom, right."""
    channels, height, width = map_shape(x)
    _expect_length("block", block, 2, 1)
    _expect_length("crop", crop, 4, 0)
    if channels % prod(block):
        raise ShapeError(f"{channels} channels cannot be split into blocks of {format_shape(block)}")
    top, left, bottom, right = crop
    rows, columns = height * block[0], width * block[1]
    if rows <= top + bottom or columns <= left + right:
        raise ShapeError(f"crop {list(crop)} leaves nothing of {rows}x{columns}")
    return (1, channels // prod(block), rows - top - bottom, columns - left - right)


def space_to_depth_shape(x: Shape, block: Sequence[int]) -> Shape:
    """Result of making channels of blocks of pixels."""
    channels, height, width = map_shape(x)
    _expect_length("block", block, 2, 1)
    if height % block[0] or width % block[1]:
        raise ShapeError(f"{height}x{width} cannot be split into blocks of {format_shape(block)}")
    return (1, channels * prod(block), height // block[0], width // block[1])


def transposed_shape(x: Shape, order: Sequence[int]) -> Shape:
    """Result of putting the axes of a value into an order in which the batch is still the first."""
    if sorted(order) != list(range(len(x))) or order[0] != 0:
        raise ShapeError(f"order {list(order)} is none of {len(x)} axes that begins with 0")
    return tuple(x[axis] for axis in order)


def interpolated_shape(x: Shape, sizes: Sequence[int]) -> Shape:
    """Result of interpolating a map to so many rows and columns."""
    channels, _, _ = map_shape(x)
    _expect_length("sizes", sizes, 2, 1)
    return (1, channels, *sizes)


class LineSampling(NamedTuple):
    """Which rows, or which columns, are taken."""

    before: int
    """Of the operand."""
    offset: int
    size: int
    step: int
    reflect: bool

    @property
    def beyond(self) -> int:
        """How far beyond the borders the farthest one lies."""
        ends = (self.offset, self.offset + self.step * (self.size - 1))
        return max(0, -min(ends), max(ends) - self.before + 1)

    @property
    def lines(self) -> list[int]:
        """For each of them the one of the operand that it is."""
        last = self.before - 1
        places = (self.offset + self.step * index for index in range(self.size))
        if self.reflect:
            return [last - abs(last - abs(place)) for place in places]
        return [min(max(place, 0), last) for place in places]


def sampled_shape(
    x: Shape,
    sizes: Sequence[int],
    offsets: Sequence[int] = (0, 0),
    steps: Sequence[int] = (1, 1),
    *,
    reflect: bool = False,
) -> Shape:
    """Result of taking so many rows and columns of a map, from `offsets` on, `steps` apart.

    Raises ShapeError for what is no map, for none, and for those that lie too far beyond a border.
    """
    channels, *before = map_shape(x)
    _expect_length("sizes", sizes, 2, 1)
    _expect_length("offsets", offsets, 2, None)
    _expect_length("steps", steps, 2, None)
    for unit, side, offset, size, step in zip(("rows", "columns"), before, offsets, sizes, steps, strict=True):
        axis = LineSampling(side, offset, size, step, reflect)
        if reflect and axis.beyond >= axis.before:
            raise ShapeError(f"reflects {axis.beyond} {unit}, there are {axis.before - 1} beside that at the border")
        if axis.beyond > MAXIMUM_SIDE:
            raise ShapeError(f"takes {unit} up to {axis.beyond} beyond a border, at most {MAXIMUM_SIDE} are supported")
    return (1, channels, *sizes)


def upsample_shape(x: Shape, factors: Sequence[int]) -> Shape:
    """Result of repeating the rows and the columns of a map."""
    channels, height, width = map_shape(x)
    _expect_length("factors", factors, 2, 1)
    return (1, channels, height * factors[0], width * factors[1])
