"""What vector instructions do to words and accumulators, exactly: sums in 64 bits, of which 32 count.

Sums of a trace are formed in 32 bits where the sizes of its words show that nothing can overflow there.
"""

import numba

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
from snowdialect.simulator.kernels import add_dots, add_four_dots, add_products
from snowdialect.simulator.state import (
    SATURATIONS,
    WRAPS,
    Control,
    Data,
    Sizes,
)

_I16 = numba.int16
_I32 = numba.int32
_I64 = numba.int64
_FITS = 1 << 31
_FOUR = (1 << 4) - 1
"""The vMACs of which one function forms all sums; of fewer, or more, they are formed one by one."""
_WORD_MIN, _WORD_MAX = -(1 << 15), (1 << 15) - 1


@compiled
def exact_dot(maps, weights):
    """Sum of at most 2^15 products, exact: upper and lower halves of the products are added up apart."""
    low, high = _I32(0), _I32(0)
    for i in range(maps.shape[0]):
        product = _I32(_I32(maps[i]) * _I32(weights[i]))
        low = _I32(low + _I32(product & _I32(0xFFFF)))
        high = _I32(high + _I32(product >> _I32(16)))
    return (_I64(high) << 16) + _I64(low)


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
    low, high = _I16(0), _I16(0)
    for i in range(words.shape[0]):
        low = min(low, words[i])
        high = max(high, words[i])
    return max(-_I64(low), _I64(high))


@compiled
def _copy(target, words):
    """Writes words one by one: an assignment of slices is several times slower."""
    for i in range(words.shape[0]):
        target[i] = words[i]


@compiled
def multiply(s: Sizes, data: Data, cus, vmacs, maps, weights, length, flags):
    """MAC without its write-back."""
    for cu in range(s.cus):
        if cus >> cu & 1:
            if flags & INDP:
                _multiply_indp(s, data, cu, vmacs, maps, weights, length)
            else:
                _multiply_coop(s, data, cu, vmacs, maps, weights, length)


@compiled
def _multiply_coop(s: Sizes, data: Data, cu, vmacs, maps, weights, length):
    trace, kernels, sums = data.mbuf[cu, maps : maps + length], data.wbuf[cu], data.sums[cu]
    if vmacs == _FOUR and _is_small(s, data, cu, vmacs, length):
        add_four_dots(trace, kernels, weights, sums)
        return
    for vmac in range(s.vmacs):
        if vmacs >> vmac & 1:
            if _is_small(s, data, cu, 1 << vmac, length):
                add_dots(trace, kernels[vmac : vmac + 1], weights, sums[vmac : vmac + 1])
            else:
                sums[vmac, 0] += exact_dot(trace, kernels[vmac, weights : weights + length])


@compiled
def _is_small(s: Sizes, data: Data, cu, vmacs, length):
    """Whether no sum of so many products in some vMACs can leave 32 bits."""
    largest = 0
    for vmac in range(s.vmacs):
        if vmacs >> vmac & 1:
            largest = max(largest, data.peaks[cu, vmac])
    return data.peaks[cu, s.vmacs] * largest * length < _FITS


@compiled
def _multiply_indp(s: Sizes, data: Data, cu, vmacs, maps, weights, length):
    trace = data.mbuf[cu, maps : maps + length]
    for vmac in range(s.vmacs):
        if vmacs >> vmac & 1:
            kernels = data.wbuf[cu, vmac, weights : weights + length * s.line]
            if _is_small(s, data, cu, 1 << vmac, length):
                add_products(trace, kernels, data.sums[cu, vmac])
            else:
                exact_add_products(trace, kernels, data.sums[cu, vmac])


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
            _copy(data.mbuf[cu, target : target + words], content)
            data.peaks[cu, s.vmacs] = max(data.peaks[cu, s.vmacs], size)
        else:
            _copy(data.wbuf[cu, buffer, target : target + words], content)
            data.peaks[cu, buffer] = max(data.peaks[cu, buffer], size)


@compiled
def move(s: Sizes, data: Data, source_cu, source, target_cu, target, words):
    """TMOV to another maps buffer."""
    # Lines of source and target, if there are any, move to the front.
    _copy(data.mbuf[target_cu, target : target + words], data.mbuf[source_cu, source : source + words])
    data.peaks[target_cu, s.vmacs] = max(data.peaks[target_cu, s.vmacs], data.peaks[source_cu, s.vmacs])


@compiled
def store(data: Data, memory, cu, source, target, words):
    """TMOV to memory."""
    _copy(memory[target : target + words], data.mbuf[cu, source : source + words])
