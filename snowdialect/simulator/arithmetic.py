"""What vector instructions do to words and accumulators, exactly: sums in 64 bits, of which 32 count.

Sums of a trace are formed in 32 bits where the sizes of its words show that nothing can overflow there.
"""

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from snowdialect.simulator.decode import (
    ADDING,
    ALTERNATE,
    BEGIN,
    BIAS_SHIFT,
    BYPASS,
    BYPASS_SHIFT,
    INDP,
    LAST,
    MAX_STRIDE,
    RELU,
    RESULT_SHIFT,
)
from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    MACS,
    SATURATIONS,
    WRAPS,
    Control,
    Data,
    Sizes,
)

_I32 = numba.int32
_I64 = numba.int64
_FITS = 1 << 31
_WORD_MIN, _WORD_MAX = -(1 << 15), (1 << 15) - 1


@compiled
def dot(maps, weights):
    """Sum of products in 32 bits."""
    total = _I32(0)
    for i in range(maps.shape[0]):
        total = _I32(total + _I32(_I32(maps[i]) * _I32(weights[i])))
    return _I64(total)


@compiled
def exact_dot(maps, weights):
    """Sum of at most 2^15 products, exact: upper and lower halves of the products are added up apart."""
    low, high = _I32(0), _I32(0)
    for i in range(maps.shape[0]):
        product = _I32(_I32(maps[i]) * _I32(weights[i]))
        low = _I32(low + _I32(product & _I32(0xFFFF)))
        high = _I32(high + _I32(product >> _I32(16)))
    return (_I64(high) << 16) + _I64(low)


def _add_products(typing_context: Any, maps: Any, weights: Any, sums: Any) -> Any:
    """Adds one word of maps times a line of weights after the other, in 32 bits, to a line of sums of 64 bits.

    All three lie in one piece. Written for LLVM, which does not see by itself that a line is one vector.
    """

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        arrays = zip(signature.args, arguments, strict=True)
        maps, weights, sums = (cgutils.create_struct_proxy(kind)(context, builder, value) for kind, value in arrays)
        word, half, whole = (ir.IntType(bits) for bits in (16, 32, 64))
        words, halves, wholes = (ir.VectorType(kind, MACS) for kind in (word, half, whole))
        none = ir.Constant(halves, ir.Undefined)
        lines = builder.bitcast(weights.data, words.as_pointer())
        total = cgutils.alloca_once_value(builder, ir.Constant(halves, None))
        with cgutils.for_range(builder, builder.extract_value(maps.shape, 0)) as loop:
            one = builder.sext(builder.load(builder.gep(maps.data, [loop.index])), half)
            everywhere = builder.shuffle_vector(builder.insert_element(none, one, half(0)), none, halves([0] * MACS))
            line = builder.sext(builder.load(builder.gep(lines, [loop.index]), align=2), halves)
            builder.store(builder.add(builder.load(total), builder.mul(everywhere, line)), total)
        target = builder.bitcast(sums.data, wholes.as_pointer())
        result = builder.add(builder.load(target, align=8), builder.sext(builder.load(total), wholes))
        builder.store(result, target, align=8)
        return context.get_dummy_value()

    return types.none(maps, weights, sums), generate


add_products: Any = intrinsic(_add_products)


@compiled
def exact_add_products(maps, weights, sums):
    line = sums.shape[0]
    for i in range(maps.shape[0]):
        word = _I64(maps[i])
        for lane in range(line):
            sums[lane] += word * _I64(weights[i * line + lane])


@compiled
def peak(words):
    """The size of the largest word."""
    low, high = _I32(0), _I32(0)
    for i in range(words.shape[0]):
        word = _I32(words[i])
        low = min(low, word)
        high = max(high, word)
    return max(-_I64(low), _I64(high))


@compiled
def multiply(s: Sizes, data: Data, cus, vmacs, maps, weights, length, flags):
    """MAC without its write-back."""
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        trace = data.mbuf[cu, maps : maps + length]
        for vmac in range(s.vmacs):
            if not vmacs >> vmac & 1:
                continue
            small = data.peaks[cu, s.vmacs] * data.peaks[cu, vmac] * length < _FITS
            if flags & INDP:
                kernels = data.wbuf[cu, vmac, weights : weights + length * s.line]
                if small:
                    add_products(trace, kernels, data.sums[cu, vmac])
                else:
                    exact_add_products(trace, kernels, data.sums[cu, vmac])
            else:
                kernel = data.wbuf[cu, vmac, weights : weights + length]
                data.sums[cu, vmac, 0] += dot(trace, kernel) if small else exact_dot(trace, kernel)


@compiled
def start(s: Sizes, control: Control, data: Data, cus, vmacs, source, flags):
    """VMOV without its write-back."""
    shift = control.settings[BYPASS_SHIFT if flags & ALTERNATE else BIAS_SHIFT]
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        for vmac in range(s.vmacs):
            if not vmacs >> vmac & 1:
                continue
            lanes = s.line if flags & INDP else 1
            if flags & BYPASS:
                first = source + control.offsets[cu] + lanes * vmac
                words = data.mbuf[cu, first : first + lanes]
            else:
                words = data.wbuf[cu, vmac, source : source + lanes]
            if flags & INDP:
                for lane in range(lanes):
                    old = data.sums[cu, vmac, lane] if flags & ADDING else 0
                    data.sums[cu, vmac, lane] = old + (_I64(words[lane]) << shift)
            else:
                old = data.sums[cu, vmac, 0] if flags & ADDING else 0
                data.sums[cu, vmac, 0] = old + (_I64(words[0]) << shift)


@compiled
def write_back(s: Sizes, control: Control, data: Data, cus, vmacs, flags, layer):
    """Rounds, shifts, clamps and stores the accumulators; counts wraps and saturations."""
    shift = control.settings[RESULT_SHIFT]
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        target = control.latches[cu]
        for vmac in range(s.vmacs):
            if not vmacs >> vmac & 1:
                continue
            if flags & INDP:
                for lane in range(s.line):
                    word = _result(data, data.sums[cu, vmac, lane], shift, flags, layer)
                    data.mbuf[cu, target + s.line * vmac + lane] = word
                    data.peaks[cu, s.vmacs] = max(data.peaks[cu, s.vmacs], abs(word))
            else:
                word = _result(data, data.sums[cu, vmac, 0], shift, flags, layer)
                data.mbuf[cu, target + vmac] = word
                data.peaks[cu, s.vmacs] = max(data.peaks[cu, s.vmacs], abs(word))


@compiled
def _result(data: Data, exact, shift, flags, layer):
    """The word of an exact sum."""
    wrapped = _I64(_I32(exact))
    if wrapped != exact:
        data.counts[layer, WRAPS] += 1
    word = wrapped + (_I64(1) << shift >> 1) >> shift
    if word > _WORD_MAX:
        data.counts[layer, SATURATIONS] += 1
        word = _I64(_WORD_MAX)
    elif word < _WORD_MIN:
        data.counts[layer, SATURATIONS] += 1
        word = _I64(_WORD_MIN)
    return max(word, _I64(0)) if flags & RELU else word


@compiled
def compare(s: Sizes, control: Control, data: Data, cus, source, target, count, flags):
    """MAX."""
    step = s.line * control.settings[MAX_STRIDE]
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        kept = data.comparators[cu]
        for operand in range(count):
            words = data.mbuf[cu, source + operand * step : source + operand * step + s.line]
            if operand == 0 and flags & BEGIN:
                kept[:] = words
            else:
                for lane in range(s.line):
                    kept[lane] = max(kept[lane], words[lane])
    if flags & LAST:
        for cu in range(s.cus):
            if cus >> cu & 1:
                data.mbuf[cu, target : target + s.line] = data.comparators[cu]


@compiled
def load(s: Sizes, data: Data, memory, cus, buffer, source, target, words):
    """LD to a buffer; that of number `vmacs` is the maps buffer."""
    content = memory[source : source + words]
    size = peak(content)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        if buffer == s.vmacs:
            data.mbuf[cu, target : target + words] = content
            data.peaks[cu, s.vmacs] = max(data.peaks[cu, s.vmacs], size)
        else:
            data.wbuf[cu, buffer, target : target + words] = content
            data.peaks[cu, buffer] = max(data.peaks[cu, buffer], size)


@compiled
def move(s: Sizes, data: Data, source_cu, source, target_cu, target, words):
    """TMOV to another maps buffer."""
    data.mbuf[target_cu, target : target + words] = data.mbuf[source_cu, source : source + words].copy()
    data.peaks[target_cu, s.vmacs] = max(data.peaks[target_cu, s.vmacs], data.peaks[source_cu, s.vmacs])


@compiled
def store(data: Data, memory, cu, source, target, words):
    """TMOV to memory."""
    memory[target : target + words] = data.mbuf[cu, source : source + words]
