"""What the host of the accelerator computes before, between and after the code of a program. Plain NumPy.

Written apart from the interpreters of the dialects, and equal to them bit by bit. Arrays have a leading batch axis;
memory is (N, words) of 16 bits. docs/program.md lists the operations with their attributes.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snowdialect.arrays import batch_size, input_batch
from snowdialect.backend.program import HostStep, MapsLayout, Program, Tensor, Unrolled
from snowdialect.errors import SnowError

Array = NDArray[Any]

LARGEST_UNIT = 1 << 22
"""Parts between two pixels that an interpolation knows: sums of words are exact then."""

_WORD = np.iinfo(np.int16)
_ACCUMULATOR = np.iinfo(np.int32)


class Result(NamedTuple):
    array: Array
    saturations: int = 0
    wraps: int = 0


class Call(NamedTuple):
    """An operation with its operands at hand."""

    step: HostStep
    operands: list[Array]
    types: list[Tensor]
    """Of the operands."""
    result: Tensor


class Host:
    """Runs the steps of the host, in order, on a batch of inputs."""

    def __init__(self, program: Program, inputs: Mapping[str, ArrayLike] | ArrayLike) -> None:
        """`inputs` holds arrays (N, ...) of numbers by input name, or is the array of the only input.

        Raises SnowError, one line, when an input is missing, has another shape or is not finite.
        """
        self.program = program
        self.inputs = _checked_inputs(program, inputs)
        self.batch = batch_size(self.inputs)
        self.outputs: dict[str, Array] = {}
        """Results (N, ...) by output name."""
        self.layers: dict[str, Array] = {}
        """What each layer of the host computed."""
        self.saturations: Counter[str] = Counter()
        """Results that had to be clamped, by layer."""
        self.wraps: Counter[str] = Counter()
        """Results whose exact sum lies outside 32 bits, by layer."""
        self._tensors: dict[int, Array] = {}

    def run(self, step: HostStep, memory: NDArray[np.int16]) -> None:
        """Runs one step; `memory` is (N, words), which a step of kind `write` changes. Raises SnowError, one line, for
        one that cannot be: a file may hold any."""
        try:
            self._run(step, memory)
        except (AssertionError, LookupError, TypeError, ValueError, ArithmeticError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise SnowError(f"layer {step.layer}: the host cannot do '{step.operation}': {reason}") from error

    def _run(self, step: HostStep, memory: NDArray[np.int16]) -> None:
        match step.operation:
            case "input":
                self._keep(step, self.inputs[step.attributes["name"]])
            case "output":
                self.outputs[step.attributes["name"]] = self._tensors[step.operands[0]]
            case "write":
                line = self.program.machine.line_words
                write_maps(memory, *self._region(step), self._tensors[step.operands[0]], line)
            case "read":
                assert step.result is not None
                maps = read_maps(memory, *self._region(step))
                self._keep(step, maps.reshape(-1, *self.program.tensors[step.result].shape))
            case operation if operation in OPERATIONS:
                self._compute(step, OPERATIONS[operation])
            case unknown:
                raise SnowError(f"layer {step.layer}: the host knows no operation '{unknown}'")

    def _compute(self, step: HostStep, operation: "Callable[[Call], Result]") -> None:
        assert step.result is not None
        tensors = self.program.tensors
        call = Call(
            step,
            # What NumPy makes of floats depends on how they lie.
            [np.ascontiguousarray(self._tensors[number]) for number in step.operands],
            [tensors[number] for number in step.operands],
            tensors[step.result],
        )
        result = operation(call)
        self._keep(step, result.array)
        # Most steps count nothing, and some have the name of a layer that is part of another one.
        for counts, number in ((self.saturations, result.saturations), (self.wraps, result.wraps)):
            if number:
                counts[step.layer] += number
        if step.operation not in ("quantize", "dequantize"):
            self.layers[step.layer] = result.array

    def _keep(self, step: HostStep, array: Array) -> None:
        assert step.result is not None
        wanted = self.batch, *self.program.tensors[step.result].shape
        if array.shape != wanted:
            raise ValueError(f"its result has shape {array.shape}, not {wanted}")
        self._tensors[step.result] = array

    def _region(self, step: HostStep) -> tuple[int, MapsLayout]:
        """First word of a region of maps, and its layout."""
        region = self.program.regions[step.attributes["region"]]
        if region.layout is None:
            raise SnowError(f"layer {step.layer}: region '{region.name}' holds no maps")
        return region.address * self.program.machine.transfer_words, region.layout


def _checked_inputs(program: Program, inputs: Mapping[str, ArrayLike] | ArrayLike) -> dict[str, NDArray[np.float32]]:
    if not isinstance(inputs, Mapping):
        if len(program.inputs) != 1:
            raise SnowError(f"the program has {len(program.inputs)} inputs; name each of them")
        inputs = {program.inputs[0].name: inputs}
    checked: dict[str, NDArray[np.float32]] = {}
    for port in program.inputs:
        if port.name not in inputs:
            raise SnowError(f"input '{port.name}' is missing")
        checked[port.name] = input_batch(port.name, inputs[port.name], port.shape)
    return checked


# Maps in memory


def _pixels(memory: NDArray[np.int16], base: int, layout: MapsLayout) -> NDArray[np.int16]:
    """A view (N, height, width, pixel) of the maps at word `base`."""
    # Rows may lie between those of others: memory ends with the last pixel, not with a whole row.
    frame, word = memory.strides
    return np.lib.stride_tricks.as_strided(
        memory[:, base : base + layout.reach],
        (len(memory), layout.height, layout.width, layout.pixel),
        (frame, layout.row * word, layout.pixel * word, word),
    )


def read_maps(memory: NDArray[np.int16], base: int, layout: MapsLayout) -> NDArray[np.int16]:
    """The maps at word `base` in logical order, (N, C, H, W). Raises SnowError where rows are unrolled."""
    if layout.unrolled is not None:
        raise SnowError("rows that the host has unrolled are not read back")
    view = _pixels(memory, base, layout)
    parts = [view[..., segment.offset : segment.offset + segment.channels] for segment in layout.segments]
    return np.concatenate(parts, axis=-1).transpose(0, 3, 1, 2)


def write_maps(memory: NDArray[np.int16], base: int, layout: MapsLayout, array: NDArray[np.int16], line: int) -> None:
    """Puts maps (N, C, H, W), or any shape with as many elements, to word `base`.

    Behind each segment zeros fill up the last line of `line` words, as far as the pixel goes; other words stay. Where
    rows are unrolled, H is the height of the maps, and each of their rows goes to all places that hold it.
    """
    view = _pixels(memory, base, layout)
    if layout.unrolled is not None:
        _unroll(view, layout.channels, layout.unrolled, array)
        return
    for segment in layout.segments:
        end = segment.offset + segment.channels
        view[..., end : -(-end // line) * line] = 0
    ordered = array.reshape(-1, layout.channels, layout.height, layout.width).transpose(0, 2, 3, 1)
    channel = 0
    for segment in layout.segments:
        view[..., segment.offset : segment.offset + segment.channels] = ordered[
            ..., channel : channel + segment.channels
        ]
        channel += segment.channels


def _unroll(view: NDArray[np.int16], channels: int, unrolled: Unrolled, array: NDArray[np.int16]) -> None:
    """Puts each row of maps to all places of a view (N, rows, width, pixel) that hold it."""
    ordered = array.reshape(-1, channels, unrolled.height, view.shape[2]).transpose(0, 2, 3, 1)
    for tap in range(unrolled.kernel):
        rows, held = unrolled.places(tap, view.shape[1])
        view[:, rows.start : rows.stop, :, tap * channels : (tap + 1) * channels] = ordered[:, list(held)]


# Fixed point


def _clamped(values: Array) -> Result:
    words = np.clip(values, _WORD.min, _WORD.max)
    return Result(words.astype(np.int16), int(np.count_nonzero(words != values)))


def _rounded(sums: NDArray[np.int64], shift: int) -> Result:
    """Words from exact sums: mod 2^32, right by `shift` rounding half up, clamped."""
    wraps = int(np.count_nonzero((sums < _ACCUMULATOR.min) | (sums > _ACCUMULATOR.max)))
    accumulators = sums.astype(np.int32).astype(np.int64)
    result = _clamped((accumulators + (1 << shift >> 1)) >> shift)
    return result._replace(wraps=wraps)


def _quantize(call: Call) -> Result:
    frac = call.result.frac
    assert frac is not None
    return _clamped(np.floor(np.ldexp(call.operands[0].astype(np.float64), frac) + 0.5))


def _dequantize(call: Call) -> Result:
    frac = call.types[0].frac
    assert frac is not None
    return Result(np.ldexp(call.operands[0].astype(np.float32), -frac))


# Layers


def _sum(call: Call) -> Result:
    """add, relu, rescale: in fixed point with the most fraction bits of operands and result."""
    relu = call.step.attributes["relu"]
    if call.result.frac is None:
        total = call.operands[0] if len(call.operands) == 1 else call.operands[0] + call.operands[1]
        return Result(np.maximum(total, 0) if relu else total)
    fracs = [tensor.frac or 0 for tensor in call.types]
    accumulator = max(*fracs, call.result.frac)
    sums = np.zeros(call.operands[0].shape, np.int64)
    for words, frac in zip(call.operands, fracs, strict=True):
        sums += words.astype(np.int64) << accumulator - frac
    result = _rounded(sums, accumulator - call.result.frac)
    return result._replace(array=np.maximum(result.array, np.int16(0))) if relu else result


def _max_pool(call: Call) -> Result:
    fill = -np.inf if call.result.frac is None else _WORD.min
    return Result(_pooled(call, call.operands[0], fill, np.maximum))


def _avg_pool(call: Call) -> Result:
    attributes = call.step.attributes
    divisors = np.outer(attributes["row_divisors"], attributes["column_divisors"])
    frac = call.types[0].frac
    if frac is None or call.result.frac is None:
        return Result(_pooled(call, call.operands[0], 0, np.add) / divisors.astype(np.float32))
    sums = _pooled(call, call.operands[0].astype(np.int64), 0, np.add)
    # The weight of each output is round(2^q / n), as for the average pools of the accelerator.
    one = attributes["weight_frac"]
    weights = ((2 << one) + divisors) // (2 * divisors)
    return _rounded(sums * weights, frac + one - call.result.frac)


def _pooled(call: Call, x: Array, fill: float, combine: Callable[[Array, Array], Array]) -> Array:
    """Combines the elements of each window, padding being `fill`: rows first, then columns."""
    attributes = call.step.attributes
    for axis in (2, 3):
        kernel, stride, before = (attributes[name][axis - 2] for name in ("kernel", "strides", "pads"))
        outputs = call.result.shape[axis - 1]
        widths = [(0, 0)] * 4
        widths[axis] = (before, max(0, (outputs - 1) * stride + kernel - before - x.shape[axis]))
        padded = np.moveaxis(np.pad(x, widths, constant_values=fill), axis, 0)
        elements = [padded[tap : tap + (outputs - 1) * stride + 1 : stride] for tap in range(kernel)]
        total = elements[0]
        for element in elements[1:]:
            total = combine(total, element)
        x = np.moveaxis(total, 0, axis)
    return x


def _pad(call: Call) -> Result:
    """Zeros around maps: top, left, bottom, right; negative numbers crop."""
    top, left, bottom, right = call.step.attributes["pads"]
    x = call.operands[0]
    height, width = call.result.shape[1:]
    result = np.zeros((*x.shape[:2], height, width), x.dtype)
    inner = x[:, :, max(0, -top) : x.shape[2] - max(0, -bottom), max(0, -left) : x.shape[3] - max(0, -right)]
    rows, columns = max(0, top), max(0, left)
    result[:, :, rows : rows + inner.shape[2], columns : columns + inner.shape[3]] = inner
    return Result(result)


def _expect_shape(call: Call, shape: tuple[int, ...]) -> None:
    """Checks the shape of a result before it is made: a file may ask for any."""
    if shape != call.result.shape:
        raise ValueError(f"its result has shape {shape}, not {call.result.shape}")


def _gather(call: Call) -> Result:
    x, channels = call.operands[0], call.step.attributes["channels"]
    _expect_shape(call, (len(channels), *x.shape[2:]))
    return Result(np.take(x, channels, axis=1))


def _sample(call: Call) -> Result:
    """Some rows and columns, each as often as it is listed."""
    x, rows, columns = call.operands[0], *(call.step.attributes[name] for name in ("rows", "columns"))
    _expect_shape(call, (x.shape[1], len(rows), len(columns)))
    return Result(np.take(np.take(x, rows, axis=2), columns, axis=3))


def _transpose(call: Call) -> Result:
    """Axes in another order, of which the batch is the first, and stays it."""
    order = call.step.attributes["order"]
    if not order or order[0] != 0:
        raise ValueError(f"axes in the order {order}")
    return Result(np.transpose(call.operands[0], order))


def _channel_max(call: Call) -> Result:
    return Result(np.max(call.operands[0], axis=1, keepdims=True))


def _channel_mean(call: Call) -> Result:
    """Of words the exact sum, divided once, rounding half up; of floats in float64, added from the first channel on."""
    x = call.operands[0]
    exact = np.int64 if call.result.frac is not None else np.float64
    total = sum((x[:, channel] for channel in range(x.shape[1])), np.zeros((len(x), *x.shape[2:]), exact))[:, None]
    if exact is np.int64:
        return Result(((total + total + x.shape[1]) // (2 * x.shape[1])).astype(np.int16))
    return Result((total / x.shape[1]).astype(np.float32))


def _upsample(call: Call) -> Result:
    rows, columns = call.step.attributes["factors"]
    x = call.operands[0]
    batch, channels, height, width = x.shape
    _expect_shape(call, (channels, height * rows, width * columns))
    repeated = np.broadcast_to(x[:, :, :, None, :, None], (batch, channels, height, rows, width, columns))
    return Result(repeated.reshape(batch, *call.result.shape))


def _depth_to_space(call: Call) -> Result:
    """Each channel of a block goes to its place in every block, unless that is cropped: top, left, bottom, right."""
    (rows, columns), crop = call.step.attributes["block"], call.step.attributes["crop"]
    x = call.operands[0]
    batch, channels, height, width = x.shape
    top, left, bottom, right = crop
    if min(rows, columns) < 1 or min(crop) < 0 or rows * columns > channels or not x.size:
        raise ValueError(f"blocks of {rows}x{columns} pixels of {channels} channels, cropped by {crop}")
    made = channels // (rows * columns)
    _expect_shape(call, (made, height * rows - top - bottom, width * columns - left - right))
    result = np.empty((batch, made, height * rows, width * columns), x.dtype)
    for place, channel in _places(call, made):
        result[:, :, place // columns :: rows, place % columns :: columns] = x[:, channel]
    return Result(result[:, :, top : height * rows - bottom, left : width * columns - right])


def _space_to_depth(call: Call) -> Result:
    """Each place in a block becomes a channel."""
    rows, columns = call.step.attributes["block"]
    x = call.operands[0]
    batch, channels, height, width = x.shape
    if not (0 < rows <= height and 0 < columns <= width) or height % rows or width % columns or not x.size:
        raise ValueError(f"{height}x{width} pixels are no blocks of {rows}x{columns}")
    _expect_shape(call, (channels * rows * columns, height // rows, width // columns))
    result = np.empty((batch, *call.result.shape), x.dtype)
    for place, channel in _places(call, channels):
        result[:, channel] = x[:, :, place // columns :: rows, place % columns :: columns]
    return Result(result)


def _places(call: Call, channels: int) -> Iterator[tuple[int, slice]]:
    """The places in a block, row by row, and the channels that hold their pixels, of maps of so many."""
    rows, columns = call.step.attributes["block"]
    for place in range(rows * columns):
        if call.step.attributes["blocks_first"]:
            yield place, slice(place * channels, (place + 1) * channels)
        else:
            yield place, slice(place, channels * rows * columns, rows * columns)


def _interpolate(call: Call) -> Result:
    """Each result between two rows and columns; of words the sum of whole shares, divided once, rounding half up."""
    attributes = call.step.attributes
    x = call.operands[0]
    _expect_shape(call, (x.shape[1], *attributes["sizes"]))
    total = x.astype(np.float64 if call.result.frac is None else np.int64)
    divisor = 1
    for axis in (2, 3):
        size, step, offset, unit = (attributes[name][axis - 2] for name in ("sizes", "steps", "offsets", "units"))
        if not 0 < unit <= LARGEST_UNIT or not x.size:
            raise ValueError(f"pixels of {x.shape[1:]} in units of 1/{unit}")
        divisor *= unit
        last = x.shape[axis] - 1
        lines = np.moveaxis(total, axis, 0)
        made = np.empty((size, *lines.shape[1:]), total.dtype)
        for index in range(size):
            line, share = divmod(min(max(offset + index * step, 0), last * unit), unit)
            made[index] = lines[line] * (unit - share) + lines[min(line + 1, last)] * share
        total = np.moveaxis(made, 0, axis)
    if call.result.frac is None:
        return Result((total / divisor).astype(np.float32))
    return Result(((total + total + divisor) // (divisor + divisor)).astype(np.int16))


def _reshape(call: Call) -> Result:
    return Result(call.operands[0].reshape(-1, *call.result.shape))


def _multiply(call: Call) -> Result:
    """x * factor; of words exact, with the fraction bits of both, before it is rounded."""
    x, factor = call.operands
    frac, factor_frac = (tensor.frac for tensor in call.types)
    _expect_shape(call, np.broadcast_shapes(x.shape, factor.shape)[1:])
    if frac is None or factor_frac is None or call.result.frac is None:
        largest = np.finfo(np.float32).max
        return Result(np.clip(x.astype(np.float64) * factor, -largest, largest).astype(np.float32))
    return _rounded(x.astype(np.int64) * factor.astype(np.int64), frac + factor_frac - call.result.frac)


def _logarithms(x: Array) -> Array:
    """Logarithm of the softmax over the channels; of differences to the largest, which overflow nothing."""
    differences = x - x.max(axis=1, keepdims=True)
    return differences - np.log(np.exp(differences).sum(axis=1, keepdims=True))


def _log_softmax(call: Call) -> Result:
    return Result(_logarithms(call.operands[0]))


def _softmax(call: Call) -> Result:
    return Result(np.exp(_logarithms(call.operands[0])))


def _sigmoid(call: Call) -> Result:
    """1 / (1 + exp(-x)), by the tangent: it overflows nowhere."""
    return Result(0.5 * (1 + np.tanh(0.5 * call.operands[0])))


def _hard_sigmoid(call: Call) -> Result:
    alpha, beta = (call.step.attributes[name] for name in ("alpha", "beta"))
    line = call.operands[0].astype(np.float64) * alpha + beta
    return Result(np.minimum(np.maximum(line, 0), 1).astype(np.float32))


def _tanh(call: Call) -> Result:
    return Result(np.tanh(call.operands[0]))


def _function(compute: Callable[..., Array]) -> Callable[[Call], Result]:
    """A function of float64, with the attributes of its step, rounded to float32."""

    def run(call: Call) -> Result:
        return Result(compute(call.operands[0].astype(np.float64), **call.step.attributes).astype(np.float32))

    return run


def _elu(x: Array, alpha: float) -> Array:
    below = np.minimum(x, 0)
    return np.where(x > 0, x, np.expm1(below) * alpha)


def _softplus(x: Array) -> Array:
    """log(1 + exp(x)), by an exponential that overflows nowhere."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _softsign(x: Array) -> Array:
    return x / (np.abs(x) + 1)


def _erf(x: Array, scale: float, factor: float, shift: float) -> Array:
    """factor * erf(scale * x) + shift, number by number: NumPy has no such function."""
    values = np.fromiter(map(math.erf, (x * scale).ravel()), np.float64, x.size)
    return values.reshape(x.shape) * factor + shift


def _power(x: Array, exponent: float) -> Array:
    """Powers of what is above zero, no larger than float32 holds."""
    with np.errstate(over="ignore"):
        powers = np.power(np.maximum(x, 0), exponent)
    return np.minimum(powers, np.finfo(np.float32).max)


def _normalize(x: Array, p: float, eps: float) -> Array:
    """x / (sum of |x|^p + eps)^(1/p), added from the first channel on."""
    powers = np.abs(x) ** p
    norm = (sum(powers[:, channel] for channel in range(x.shape[1])) + eps) ** (1 / p)
    return x / np.where(norm > 0, norm, 1)[:, None]


def _instance_norm(x: Array, eps: float) -> Array:
    """(x - mean) / sqrt(variance + eps) of each channel."""
    pixels = x.reshape(len(x), x.shape[1], -1)
    centred = pixels - np.mean(pixels, axis=2)[:, :, None]
    deviation = np.sqrt(np.mean(centred * centred, axis=2) + eps)
    return (centred / deviation[:, :, None]).reshape(x.shape)


def _lrn(call: Call) -> Result:
    """x / (k + alpha / size * sum of x^2)^beta in float64, squares added from the first channel of a window on."""
    size, alpha, beta, k = (call.step.attributes[name] for name in ("size", "alpha", "beta", "k"))
    x = call.operands[0].astype(np.float64)
    channels = x.shape[1]
    before, after = min((size - 1) // 2, channels), min(size // 2, channels)
    squares = np.pad(x * x, ((0, 0), (before, after), (0, 0), (0, 0)))
    sums = sum(squares[:, tap : tap + channels] for tap in range(before + 1 + after))
    return Result((x / (k + alpha / size * sums) ** beta).astype(np.float32))


OPERATIONS: dict[str, Callable[[Call], Result]] = {
    "quantize": _quantize,
    "dequantize": _dequantize,
    "add": _sum,
    "relu": _sum,
    "rescale": _sum,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "pad": _pad,
    "gather": _gather,
    "upsample": _upsample,
    "depth_to_space": _depth_to_space,
    "space_to_depth": _space_to_depth,
    "sample": _sample,
    "transpose": _transpose,
    "channel_max": _channel_max,
    "channel_mean": _channel_mean,
    "interpolate": _interpolate,
    "reshape": _reshape,
    "multiply": _multiply,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": _tanh,
    "elu": _function(_elu),
    "softplus": _function(_softplus),
    "softsign": _function(_softsign),
    "erf": _function(_erf),
    "power": _function(_power),
    "normalize": _function(_normalize),
    "instance_norm": _function(_instance_norm),
    "lrn": _lrn,
}
"""What the host computes, besides input, output, read and write."""
