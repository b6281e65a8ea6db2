"""The meaning of the cnn dialect: float, and exact fixed point, which every lower level must equal."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.interpreter import Interpreter, InterpreterFunctions, impl, register_impls
from xdsl.ir import Operation, SSAValue

from snowdialect import fixed_point
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name
from snowdialect.fixed_point import Sums
from snowdialect.interpreters.cnn import kernels
from snowdialect.interpreters.cnn.constants import evaluate_constant
from snowdialect.interpreters.state import run_state

Array = NDArray[Any]
Arguments = tuple[Any, ...]

EXACT_PRODUCTS = 1 << 22
"""So many products of words add up exactly in float64, whose matrix product is far faster than int64's."""


@register_impls
class CnnFunctions(InterpreterFunctions):
    """Runs layers on batches: maps (N, C, H, W), vectors (N, F), float32 or int16 words.

    A constant is passed on as its SSA value, and evaluated by the layer that needs it.
    """

    def _defer(self, interpreter: Interpreter, op: Operation, args: Arguments) -> Arguments:
        return (op.results[0],)

    run_weight = impl(cnn.WeightOp)(_defer)
    run_constant = impl(cnn.ConstantOp)(_defer)
    run_fold_scale = impl(cnn.FoldScaleOp)(_defer)
    run_fold_shift = impl(cnn.FoldShiftOp)(_defer)
    run_bn_scale = impl(cnn.BnScaleOp)(_defer)
    run_bn_shift = impl(cnn.BnShiftOp)(_defer)
    run_interleave_kernels = impl(cnn.InterleaveKernelsOp)(_defer)
    run_slice_kernels = impl(cnn.SliceKernelsOp)(_defer)
    run_concat_kernels = impl(cnn.ConcatKernelsOp)(_defer)
    run_phase_kernels = impl(cnn.PhaseKernelsOp)(_defer)
    run_repeat = impl(cnn.RepeatOp)(_defer)
    run_diagonal = impl(cnn.DiagonalOp)(_defer)

    @impl(cnn.InputOp)
    def run_input(self, interpreter: Interpreter, op: cnn.InputOp, args: Arguments) -> Arguments:
        return (run_state(interpreter).inputs[op.input_name.data],)

    @impl(cnn.OutputOp)
    def run_output(self, interpreter: Interpreter, op: cnn.OutputOp, args: Arguments) -> Arguments:
        run_state(interpreter).outputs[op.output_name.data] = args[0]
        return ()

    @impl(cnn.QuantizeOp)
    def run_quantize(self, interpreter: Interpreter, op: cnn.QuantizeOp, args: Arguments) -> Arguments:
        if isinstance(args[0], SSAValue):
            return (op.result,)
        rounded = fixed_point.quantize(args[0], _frac(op.result))
        run_state(interpreter).count(layer_name(op), rounded.saturations, rounded.wraps)
        return (rounded.words,)

    @impl(cnn.DequantizeOp)
    def run_dequantize(self, interpreter: Interpreter, op: cnn.DequantizeOp, args: Arguments) -> Arguments:
        if isinstance(args[0], SSAValue):
            return (op.result,)
        return (fixed_point.dequantize(args[0], _frac(op.x)),)

    @impl(cnn.Conv2dOp)
    def run_conv2d(self, interpreter: Interpreter, op: cnn.Conv2dOp, args: Arguments) -> Arguments:
        x = cast(Array, args[0])
        weight = _constant(interpreter, op.weight)
        result = np.empty((len(x), *cnn.shape_of(op.result)[1:]), x.dtype)
        residual = cast(Array, args[-1]) if op.residual is not None else None
        fixed = cnn.frac_of(op.x) is not None
        dtype = _exact_dtype(weight[0].size) if fixed else np.float32
        for images, rows, sums in kernels.convolve(x, weight, op.geometry, dtype):
            part = None if residual is None else residual[images, :, rows]
            result[images, :, rows] = _finish(interpreter, op, sums, op.bias, part)
        return _layer(interpreter, op, result)

    @impl(cnn.ConvTranspose2dOp)
    def run_conv_transpose2d(self, interpreter: Interpreter, op: cnn.ConvTranspose2dOp, args: Arguments) -> Arguments:
        result = kernels.convolve_transposed(args[0], _constant(interpreter, op.weight), op.geometry)
        if op.bias is not None:
            result = result + _per_channel(interpreter, op.bias, result.ndim)
        return _layer(interpreter, op, result)

    @impl(cnn.LinearOp)
    def run_linear(self, interpreter: Interpreter, op: cnn.LinearOp, args: Arguments) -> Arguments:
        x = cast(Array, args[0]).reshape(len(args[0]), -1)
        weight = _constant(interpreter, op.weight)
        dtype = np.float32 if cnn.frac_of(op.x) is None else _exact_dtype(weight.shape[1])
        sums = x.astype(dtype) @ weight.T.astype(dtype)
        return _layer(interpreter, op, _finish(interpreter, op, sums, op.bias, None))

    @impl(cnn.MaxPoolOp)
    def run_max_pool(self, interpreter: Interpreter, op: cnn.MaxPoolOp, args: Arguments) -> Arguments:
        lowest = -np.inf if cnn.frac_of(op.x) is None else fixed_point.WORD_MIN
        return _layer(interpreter, op, kernels.pool(args[0], op.geometry, lowest, np.maximum))

    @impl(cnn.AvgPoolOp)
    def run_avg_pool(self, interpreter: Interpreter, op: cnn.AvgPoolOp, args: Arguments) -> Arguments:
        frac = cnn.frac_of(op.x)
        x = args[0] if frac is None else args[0].astype(np.int64)
        sums = kernels.pool(x, op.geometry, 0, np.add)
        if frac is None:
            return _layer(interpreter, op, sums / np.array(op.divisors, np.float32))
        weight_frac, weights = fixed_point.avg_pool_weights(op.divisors)
        return _rounded_layer(interpreter, op, sums * weights.astype(np.int64), frac + weight_frac)

    @impl(cnn.ReluOp)
    def run_relu(self, interpreter: Interpreter, op: cnn.ReluOp, args: Arguments) -> Arguments:
        if op.limit is not None:
            return _layer(interpreter, op, np.clip(args[0], 0, np.float32(op.limit.value.data)))
        return self._sum(interpreter, op, args, relu=True)

    @impl(cnn.RescaleOp)
    def run_rescale(self, interpreter: Interpreter, op: cnn.RescaleOp, args: Arguments) -> Arguments:
        return self._sum(interpreter, op, args, relu=False)

    @impl(cnn.AddOp)
    def run_add(self, interpreter: Interpreter, op: cnn.AddOp, args: Arguments) -> Arguments:
        return self._sum(interpreter, op, args, relu=op.relu is not None)

    def _sum(
        self,
        interpreter: Interpreter,
        op: cnn.ReluOp | cnn.RescaleOp | cnn.AddOp,
        args: Arguments,
        *,
        relu: bool,
    ) -> Arguments:
        """The sum of all operands, in fixed point with the most fraction bits of operands and result."""
        if cnn.frac_of(op.result) is None:
            total = args[0] if len(args) == 1 else args[0] + args[1]
            return _layer(interpreter, op, np.maximum(total, 0) if relu else total)
        accumulator = max(_frac(value) for value in (*op.operands, op.result))
        total = sum(
            fixed_point.align(words, accumulator - _frac(value)) for words, value in zip(args, op.operands, strict=True)
        )
        return _rounded_layer(interpreter, op, cast(Sums, total), accumulator, relu=relu)

    @impl(cnn.ConcatOp)
    def run_concat(self, interpreter: Interpreter, op: cnn.ConcatOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, np.concatenate(args, axis=1))

    @impl(cnn.InterleaveOp)
    def run_interleave(self, interpreter: Interpreter, op: cnn.InterleaveOp, args: Arguments) -> Arguments:
        # Not noted: the layer of this name has other rows in the network.
        rows = np.stack(args, axis=3)
        return (rows.reshape(*rows.shape[:2], -1, rows.shape[-1]),)

    @impl(cnn.BatchNormOp)
    def run_batch_norm(self, interpreter: Interpreter, op: cnn.BatchNormOp, args: Arguments) -> Arguments:
        x = cast(Array, args[0])
        mean, variance = (_per_channel(interpreter, value, x.ndim) for value in (op.mean, op.var))
        result = (x - mean) / np.sqrt(variance + np.float32(op.eps.value.data))
        if op.scale is not None:
            result = result * _per_channel(interpreter, op.scale, x.ndim)
        if op.bias is not None:
            result = result + _per_channel(interpreter, op.bias, x.ndim)
        return _layer(interpreter, op, result)

    @impl(cnn.ScaleShiftOp)
    def run_scale_shift(self, interpreter: Interpreter, op: cnn.ScaleShiftOp, args: Arguments) -> Arguments:
        x = cast(Array, args[0])
        result = x * _per_channel(interpreter, op.s, x.ndim)
        if op.t is not None:
            result = result + _per_channel(interpreter, op.t, x.ndim)
        return _layer(interpreter, op, result)

    @impl(cnn.DropoutOp)
    def run_dropout(self, interpreter: Interpreter, op: cnn.DropoutOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, args[0] * np.float32(op.factor))

    @impl(cnn.IdentityOp)
    def run_identity(self, interpreter: Interpreter, op: cnn.IdentityOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, args[0])

    @impl(cnn.ReshapeOp)
    def run_reshape(self, interpreter: Interpreter, op: cnn.ReshapeOp, args: Arguments) -> Arguments:
        shape = cnn.shape_of(op.result)[1:]
        return _layer(interpreter, op, args[0].reshape(len(args[0]), *shape))

    @impl(cnn.PadOp)
    def run_pad(self, interpreter: Interpreter, op: cnn.PadOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.pad(args[0], op.pads.get_values()))

    @impl(cnn.GatherOp)
    def run_gather(self, interpreter: Interpreter, op: cnn.GatherOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, args[0][:, op.channels])

    @impl(cnn.UpsampleOp)
    def run_upsample(self, interpreter: Interpreter, op: cnn.UpsampleOp, args: Arguments) -> Arguments:
        rows, columns = op.factors.get_values()
        return _layer(interpreter, op, args[0].repeat(rows, axis=2).repeat(columns, axis=3))

    @impl(cnn.DepthToSpaceOp)
    def run_depth_to_space(self, interpreter: Interpreter, op: cnn.DepthToSpaceOp, args: Arguments) -> Arguments:
        pixels = kernels.depth_to_space(args[0], op.block.get_values(), op.blocks_first is not None)
        return _layer(interpreter, op, kernels.pad(pixels, tuple(-size for size in op.crop.get_values())))

    @impl(cnn.SpaceToDepthOp)
    def run_space_to_depth(self, interpreter: Interpreter, op: cnn.SpaceToDepthOp, args: Arguments) -> Arguments:
        channels = kernels.space_to_depth(args[0], op.block.get_values(), op.blocks_first is not None)
        return _layer(interpreter, op, channels)

    @impl(cnn.SampleOp)
    def run_sample(self, interpreter: Interpreter, op: cnn.SampleOp, args: Arguments) -> Arguments:
        rows, columns = op.axes
        return _layer(interpreter, op, args[0][:, :, rows.lines][..., columns.lines])

    @impl(cnn.TransposeOp)
    def run_transpose(self, interpreter: Interpreter, op: cnn.TransposeOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, _in_order(args[0].transpose(op.order.get_values())))

    @impl(cnn.ChannelMaxOp)
    def run_channel_max(self, interpreter: Interpreter, op: cnn.ChannelMaxOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, args[0].max(axis=1, keepdims=True))

    @impl(cnn.ChannelMeanOp)
    def run_channel_mean(self, interpreter: Interpreter, op: cnn.ChannelMeanOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.channel_mean(args[0]))

    @impl(cnn.InterpolateOp)
    def run_interpolate(self, interpreter: Interpreter, op: cnn.InterpolateOp, args: Arguments) -> Arguments:
        fixed = cnn.frac_of(op.result) is not None
        sums = kernels.weighted_sums(args[0].astype(np.int64 if fixed else np.float64), op.places)
        divisor = math.prod(op.units.get_values())
        if fixed:
            # A mean of words is a word.
            return _layer(interpreter, op, ((2 * sums + divisor) // (2 * divisor)).astype(np.int16))
        return _layer(interpreter, op, (sums / divisor).astype(np.float32))

    @impl(cnn.MultiplyOp)
    def run_multiply(self, interpreter: Interpreter, op: cnn.MultiplyOp, args: Arguments) -> Arguments:
        if (product := op.product_frac) is None:
            return _layer(interpreter, op, kernels.multiply(*args))
        return _rounded_layer(interpreter, op, args[0].astype(np.int64) * args[1], product)

    @impl(cnn.SoftmaxOp)
    def run_softmax(self, interpreter: Interpreter, op: cnn.SoftmaxOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.softmax(_in_order(args[0])))

    @impl(cnn.LogSoftmaxOp)
    def run_log_softmax(self, interpreter: Interpreter, op: cnn.LogSoftmaxOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.log_softmax(_in_order(args[0])))

    @impl(cnn.SigmoidOp)
    def run_sigmoid(self, interpreter: Interpreter, op: cnn.SigmoidOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.sigmoid(_in_order(args[0])))

    @impl(cnn.HardSigmoidOp)
    def run_hard_sigmoid(self, interpreter: Interpreter, op: cnn.HardSigmoidOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.hard_sigmoid(args[0], *op.numbers))

    @impl(cnn.TanhOp)
    def run_tanh(self, interpreter: Interpreter, op: cnn.TanhOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, np.tanh(_in_order(args[0])))

    def _function(self, interpreter: Interpreter, op: cnn.FunctionOp, args: Arguments) -> Arguments:
        exact = _in_order(args[0]).astype(np.float64)
        return _layer(interpreter, op, kernels.FUNCTIONS[op.name](exact, **op.numbers).astype(np.float32))

    run_elu = impl(cnn.EluOp)(_function)
    run_softplus = impl(cnn.SoftplusOp)(_function)
    run_softsign = impl(cnn.SoftsignOp)(_function)
    run_erf = impl(cnn.ErfOp)(_function)
    run_power = impl(cnn.PowerOp)(_function)
    run_normalize = impl(cnn.NormalizeOp)(_function)
    run_instance_norm = impl(cnn.InstanceNormOp)(_function)

    @impl(cnn.LrnOp)
    def run_lrn(self, interpreter: Interpreter, op: cnn.LrnOp, args: Arguments) -> Arguments:
        return _layer(interpreter, op, kernels.lrn(_in_order(args[0]), *op.numbers))


def _frac(value: SSAValue) -> int:
    """The fraction bits of a value that is known to be fixed point."""
    return cast(int, cnn.frac_of(value))


def _constant(interpreter: Interpreter, value: SSAValue) -> Array:
    return evaluate_constant(value, run_state(interpreter))


def _per_channel(interpreter: Interpreter, value: SSAValue, dimensions: int) -> Array:
    return kernels.per_channel(_constant(interpreter, value), dimensions)


def _exact_dtype(products: int) -> type[np.float64] | type[np.int64]:
    return np.float64 if products <= EXACT_PRODUCTS else np.int64


def _in_order(x: Array) -> Array:
    """A tensor whose elements lie in the order of its axes: what NumPy makes of floats depends on how they lie, which
    differs between levels."""
    return np.ascontiguousarray(x)


def _layer(interpreter: Interpreter, op: Operation, result: Array) -> Arguments:
    run_state(interpreter).observe(layer_name(op), result)
    return (result,)


def _rounded_layer(
    interpreter: Interpreter, op: cnn.CnnOp, sums: Sums, accumulator: int, *, relu: bool = False
) -> Arguments:
    return _layer(interpreter, op, _round(interpreter, op, sums, accumulator, relu=relu))


def _round(interpreter: Interpreter, op: cnn.CnnOp, sums: Sums, accumulator: int, *, relu: bool) -> fixed_point.Words:
    """The words of a layer from its exact sums, which have `accumulator` fraction bits."""
    rounded = fixed_point.requantize(sums, accumulator - _frac(op.result))
    run_state(interpreter).count(layer_name(op), rounded.saturations, rounded.wraps)
    return np.maximum(rounded.words, np.int16(0)) if relu else rounded.words


def _finish(
    interpreter: Interpreter,
    op: cnn.Conv2dOp | cnn.LinearOp,
    sums: Array,
    bias: SSAValue | None,
    residual: Array | None,
) -> Array:
    """Adds bias and residual to sums of products; rounds in fixed point, where words saturate at a limit; ReLU."""
    relu = op.relu is not None
    accumulator = cnn.accumulator_frac(op)
    if accumulator is None:
        total = sums if bias is None else sums + _per_channel(interpreter, bias, sums.ndim)
        total = total if residual is None else total + residual
        return np.clip(total, 0, cnn.limit_of(op)) if relu else total
    exact = sums.astype(np.int64)
    if bias is not None:
        words = _per_channel(interpreter, bias, sums.ndim)
        exact += fixed_point.align(words, accumulator - _frac(bias))
    if residual is not None:
        position = _frac(cast(SSAValue, cast(cnn.Conv2dOp, op).residual))
        exact += fixed_point.align(residual, accumulator - position)
    return _round(interpreter, op, exact, accumulator, relu=relu)
