"""The meaning of constant expressions: one table, for interpreters of all levels and program writers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation, SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.errors import SnowError
from snowdialect.fixed_point import dequantize, quantize

if TYPE_CHECKING:
    from snowdialect.interpreters.state import RunState

Array = NDArray[Any]


def evaluate_constant(value: SSAValue, state: RunState) -> Array:
    """The array a constant stands for: float32, or int16 words, in the shape of its type.

    Evaluated on first use and kept in `state.constants`, as are parts that several constants share; a part
    with one use is not, so that of a large layer only the quantised weights stay in memory. Raises SnowError
    when the weights file lacks an array, holds it in another shape, or holds values that are not finite.
    """
    if value not in state.constants:
        state.constants[value] = _evaluate(value, state)
    return state.constants[value]


def _evaluate(value: SSAValue, state: RunState) -> Array:
    op = value.owner
    if isinstance(op, cnn.WeightOp):
        return _weight(op, state)
    operands = [
        _evaluate(operand, state) if operand.has_one_use() else evaluate_constant(operand, state)
        for operand in cast(Operation, op).operands
    ]
    return MEANINGS[type(cast(Operation, op))](op, *operands)


def _weight(op: cnn.WeightOp, state: RunState) -> Array:
    name = op.weight_name.data
    if state.weights is None:
        raise SnowError(f"weight '{name}' is needed, but the module names no weights file")
    array = np.asarray(state.weights[name], np.float32)
    if array.shape != cnn.shape_of(op.result):
        raise SnowError(
            f"weight '{name}' is {format_shape(array.shape)} in the weights file, "
            f"{format_shape(cnn.shape_of(op.result))} in the module"
        )
    if not np.isfinite(array).all():
        raise SnowError(f"weight '{name}' holds values that are not finite")
    return array


def _constant(op: cnn.ConstantOp) -> Array:
    return np.frombuffer(op.value.data.data, np.float32).reshape(cnn.shape_of(op.result))


def _fold_scale(op: cnn.FoldScaleOp, w: Array, s: Array) -> Array:
    return _single(_double(w) * s.reshape(-1, *[1] * (w.ndim - 1)))


def _fold_shift(op: cnn.FoldShiftOp, b: Array, s: Array, t: Array) -> Array:
    return _single(_double(b) * s + t)


def _bn_scale(op: cnn.BnScaleOp, var: Array, scale: Array | None = None) -> Array:
    inverse = 1 / np.sqrt(_double(var) + op.eps.value.data)
    return _single(inverse if scale is None else inverse * scale)


def _bn_shift(op: cnn.BnShiftOp, mean: Array, s: Array, bias: Array | None = None) -> Array:
    shift = -_double(mean) * s
    return _single(shift if bias is None else shift + bias)


def _interleave_kernels(op: cnn.InterleaveKernelsOp, w: Array) -> Array:
    kernels, channels, height, width = w.shape
    parts = op.parts.value.data
    by_row = w.reshape(kernels, parts, channels // parts, height, width).transpose(0, 2, 3, 1, 4)
    return by_row.reshape(cnn.shape_of(op.result))


def _slice_kernels(op: cnn.SliceKernelsOp, w: Array) -> Array:
    first, count = op.first.value.data, op.count.value.data
    return w[first : first + count]


def _concat_kernels(op: cnn.ConcatKernelsOp, *parts: Array) -> Array:
    return np.concatenate(parts)


def _phase_kernels(op: cnn.PhaseKernelsOp, w: Array) -> Array:
    rows, columns = op.strides.get_values()
    result = np.zeros(cnn.shape_of(op.result), w.dtype)
    mirrored = result[:, :, ::-1, ::-1]
    for row, column in np.ndindex(rows, columns):
        taps = w[:, :, row::rows, column::columns]
        mirrored[row * columns + column :: rows * columns, :, : taps.shape[2], : taps.shape[3]] = taps
    return result


def _repeat(op: cnn.RepeatOp, s: Array) -> Array:
    return s.repeat(op.times.value.data)


def _diagonal(op: cnn.DiagonalOp, s: Array) -> Array:
    return s.reshape(-1, 1, 1, 1)


def _quantize(op: cnn.QuantizeOp, x: Array) -> Array:
    return quantize(x, cast(int, cnn.frac_of(op.result))).words


def _dequantize(op: cnn.DequantizeOp, x: Array) -> Array:
    return dequantize(x, cast(int, cnn.frac_of(op.x)))


def _double(x: Array) -> NDArray[np.float64]:
    return x.astype(np.float64)


def _single(x: Array) -> NDArray[np.float32]:
    return x.astype(np.float32)


MEANINGS: dict[type[Operation], Callable[..., Array]] = {
    cnn.ConstantOp: _constant,
    cnn.FoldScaleOp: _fold_scale,
    cnn.FoldShiftOp: _fold_shift,
    cnn.BnScaleOp: _bn_scale,
    cnn.BnShiftOp: _bn_shift,
    cnn.InterleaveKernelsOp: _interleave_kernels,
    cnn.SliceKernelsOp: _slice_kernels,
    cnn.ConcatKernelsOp: _concat_kernels,
    cnn.PhaseKernelsOp: _phase_kernels,
    cnn.RepeatOp: _repeat,
    cnn.DiagonalOp: _diagonal,
    cnn.QuantizeOp: _quantize,
    cnn.DequantizeOp: _dequantize,
}
"""What each operation makes of the arrays of its operands. `cnn.weight` needs the weights file besides."""
