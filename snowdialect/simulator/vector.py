"""Vector instructions and loads: what they say is checked, then they are timed, then they compute."""

from snowdialect.machine.instructions import (
    ADDRESS_MASK,
    BUFFER_MASK,
    BUFFER_MBUF,
    BUFFER_SHIFT,
    KERNEL_SHIFT,
    REGISTER_MASK,
    UNIT_MASK_SHIFT,
    VMAC_MASK,
)
from snowdialect.simulator import arithmetic, hazards, ledger, timing
from snowdialect.simulator.decode import (
    ADDING,
    BYPASS,
    CLUSTER,
    INDP,
    LAST,
    MAX_STRIDE,
)
from snowdialect.simulator.faults import (
    LOAD_OF_STORE,
    LOAD_OVER_LOAD,
    LOAD_OVER_RESULT,
    LOAD_OVER_TRACE,
    MANY_UNITS,
    MOVE_OVER_SOURCE,
    NO_BUFFER,
    NO_LENGTH,
    NO_LOAD_UNIT,
    NO_UNIT,
    NO_VMAC,
    NOT_MAPS,
    NOT_STARTED,
    OUT_OF_MAPS,
    OUT_OF_MEMORY,
    OUT_OF_WEIGHTS,
    READ_OF_RESULT,
    RESULT_OVER_LOAD,
    RESULT_OVER_READ,
    RESULT_OVER_RESULT,
    STORE_OVER_LOAD,
    UNALIGNED,
    UNALIGNED_LENGTH,
    stop,
)
from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    MAC_UNIT,
    MAX_UNIT,
    MOVE_UNIT,
    Clock,
    Control,
    Data,
    Sizes,
)

# What an instruction says


@compiled
def _operands(control: Control, row):
    """The numbers in the two registers of an instruction, without sign."""
    return control.registers[row.first] & REGISTER_MASK, control.registers[row.second] & REGISTER_MASK


@compiled
def _bad_units(s: Sizes, fault, word):
    cus = word >> UNIT_MASK_SHIFT
    if cus == 0 or cus >= 1 << s.cus:
        return stop(fault, NO_UNIT, cus, word, 0)
    return False


@compiled
def _bad_maps(s: Sizes, fault, word):
    """Whether an on-chip word does not name maps buffers."""
    if word >> BUFFER_SHIFT & BUFFER_MASK != BUFFER_MBUF:
        return stop(fault, NOT_MAPS, word, 0, 0)
    return _bad_units(s, fault, word)


@compiled
def _bad_single(s: Sizes, fault, word):
    """Whether an on-chip word does not name one maps buffer."""
    if _bad_maps(s, fault, word):
        return True
    cus = word >> UNIT_MASK_SHIFT
    if cus & (cus - 1):
        return stop(fault, MANY_UNITS, word, 0, 0)
    return False


@compiled
def _bad_range(s: Sizes, fault, low, high):
    if low < 0 or high > s.mbuf_words:
        return stop(fault, OUT_OF_MAPS, low, high, s.mbuf_words)
    return False


@compiled
def _bad_weights(s: Sizes, fault, low, high):
    if high > s.wbuf_words:
        return stop(fault, OUT_OF_WEIGHTS, low, high, s.wbuf_words)
    return False


@compiled
def _bad_memory(s: Sizes, fault, low, high):
    if high > s.memory_words:
        return stop(fault, OUT_OF_MEMORY, low, high, s.memory_words)
    return False


@compiled
def _bad_vmacs(s: Sizes, fault, vmacs):
    if vmacs == 0 or vmacs >= 1 << s.vmacs:
        return stop(fault, NO_VMAC, vmacs, 0, 0)
    return False


@compiled
def _unaligned(fault, address, unit):
    if address % unit:
        return stop(fault, UNALIGNED, address, unit, 0)
    return False


@compiled
def _first_unit(cus):
    """The lowest CU of a mask."""
    cu = 0
    while not cus >> cu & 1:
        cu += 1
    return cu


@compiled
def _lines(s: Sizes, low, high):
    """How many lines the words from low to high lie in."""
    return (high - 1) // s.line - low // s.line + 1


@compiled
def _count(mask):
    count = 0
    while mask:
        count += mask & 1
        mask >>= 1
    return count


# Results of the MAC decoder


@compiled
def _result_range(s: Sizes, vmacs, flags):
    """First word of the results of a CU, and the one behind them, counted from its write-back address."""
    lanes = s.line if flags & INDP else 1
    return lanes * _first_unit(vmacs), lanes * (_highest(vmacs) + 1)


@compiled
def _bad_results(s: Sizes, control: Control, fault, cus, vmacs, flags):
    """Whether results cannot be written to where the write-back addresses say."""
    first, end = _result_range(s, vmacs, flags)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        target = control.latches[cu]
        if flags & INDP and _unaligned(fault, target, s.line):
            return True
        if _bad_range(s, fault, target + first, target + end):
            return True
    return False


@compiled
def _result_hazard(s: Sizes, clock: Clock, fault, cu, unit, time, low, high):
    """Whether words that a decoder is about to write are not its own yet."""
    if hazards.is_loaded(clock, cu, s.vmacs, time, low, high, hazards.ANY_UNIT):
        return stop(fault, RESULT_OVER_LOAD, low, high, cu)
    if hazards.is_read(clock, cu, time, low, high, unit):
        return stop(fault, RESULT_OVER_READ, low, high, cu)
    if hazards.is_written(clock, cu, time, low, high - low, 1, 0, unit):
        return stop(fault, RESULT_OVER_RESULT, low, high, cu)
    return False


@compiled
def _read_hazard(clock: Clock, fault, cu, time, low, words, count, step):
    """Whether words that a decoder is about to read are still to arrive. Loads it has waited for."""
    if hazards.is_written(clock, cu, time, low, words, count, step, hazards.ANY_UNIT):
        return stop(fault, READ_OF_RESULT, low, low + (count - 1) * step + words, cu)
    return False


# Vector instructions


@compiled
def vmov(s: Sizes, control: Control, data: Data, clock: Clock, row, timed, functional, fault):
    target_word, source_word = _operands(control, row)
    flags, vmacs, layer = row.flags, row.third, row.layer
    cus, indp = target_word >> UNIT_MASK_SHIFT, 1 if flags & INDP else 0
    if _bad_maps(s, fault, target_word) or _bad_vmacs(s, fault, vmacs):
        return True
    words = s.line if indp else 1
    source = source_word & ADDRESS_MASK if flags & BYPASS else source_word >> KERNEL_SHIFT
    if not flags & BYPASS and _bad_weights(s, fault, source, source + words):
        return True
    lowest = _first_unit(vmacs)
    span = words * (_highest(vmacs) - lowest + 1)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        if flags & BYPASS:
            first = source + control.offsets[cu] + words * lowest
            if _bad_range(s, fault, first, first + span):
                return True
        control.latches[cu] = target_word & ADDRESS_MASK
        for vmac in range(s.vmacs):
            if not vmacs >> vmac & 1:
                continue
            if not flags & ADDING:
                control.modes[cu, vmac] = indp
            elif control.modes[cu, vmac] != indp:
                return stop(fault, NOT_STARTED, cu, vmac, 0)
    if flags & LAST and _bad_results(s, control, fault, cus, vmacs, flags):
        return True
    if timed and _time_vmov(s, control, clock, row, cus, source + words * lowest, span, fault):
        return True
    if functional:
        arithmetic.start(s, control, data, cus, vmacs, source, flags)
        if flags & LAST:
            arithmetic.write_back(s, control, data, cus, vmacs, flags, layer)
    return False


@compiled
def _highest(mask):
    place = 0
    while mask >> (place + 1):
        place += 1
    return place


@compiled
def _time_vmov(s: Sizes, control: Control, clock: Clock, row, cus, source, span, fault):
    flags, vmacs, layer = row.flags, row.third, row.layer
    time = timing.issue(clock, row)
    bypass = flags & BYPASS
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        if bypass:
            first = source + control.offsets[cu]
            time = timing.hold_for_loads(s, clock, time, 1 << cu, s.vmacs, first, first + span)
        else:
            words = s.line if flags & INDP else 1
            low = source - words * _first_unit(vmacs)
            for vmac in range(s.vmacs):
                if vmacs >> vmac & 1:
                    time = timing.hold_for_loads(s, clock, time, 1 << cu, vmac, low, low + words)
    time = timing.hold_for_queue(s, clock, time, MAC_UNIT, cus)
    clock.now = time
    result, end = _result_range(s, vmacs, flags)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        first = source + control.offsets[cu]
        if bypass and _read_hazard(clock, fault, cu, time, first, span, 1, 0):
            return True
        low, high = control.latches[cu] + result, control.latches[cu] + end
        if flags & LAST and _result_hazard(s, clock, fault, cu, MAC_UNIT, time, low, high):
            return True
        lines = _lines(s, first, first + span) if bypass else 0
        results = _count(vmacs) if flags & INDP else _lines(s, low, high)
        read, arrived = timing.run_start(s, clock, time, cu, flags, first, lines, results, low, layer)
        if bypass:
            hazards.note_read(clock, cu, MAC_UNIT, time, first, span, 1, 0, read)
        else:
            words = s.line if flags & INDP else 1
            bias = source - words * _first_unit(vmacs)
            hazards.note_weights(clock, cu, time, bias, bias + words, vmacs, read)
        if flags & LAST:
            hazards.note_write(clock, cu, MAC_UNIT, time, low, high, arrived)
    if flags & LAST:
        ledger.account(s, clock, MAC_UNIT, layer, cus, s.vmacs - _count(vmacs))
    return False


@compiled
def mac(s: Sizes, control: Control, data: Data, clock: Clock, row, timed, functional, fault):
    maps_word, kernel_word = _operands(control, row)
    flags, length, layer = row.flags, row.number, row.layer
    cus, maps = maps_word >> UNIT_MASK_SHIFT, maps_word & ADDRESS_MASK
    vmacs, weights = kernel_word & VMAC_MASK, kernel_word >> KERNEL_SHIFT
    indp = 1 if flags & INDP else 0
    words = length * s.line if indp else length
    if _bad_maps(s, fault, maps_word) or _bad_vmacs(s, fault, vmacs):
        return True
    if length == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    if _unaligned(fault, weights, s.line):
        return True
    if not indp:
        if _unaligned(fault, maps, s.line):
            return True
        if length % s.line:
            return stop(fault, UNALIGNED_LENGTH, length, s.line, 0)
    if _bad_range(s, fault, maps, maps + length) or _bad_weights(s, fault, weights, weights + words):
        return True
    for cu in range(s.cus):
        for vmac in range(s.vmacs):
            if cus >> cu & 1 and vmacs >> vmac & 1 and control.modes[cu, vmac] != indp:
                return stop(fault, NOT_STARTED, cu, vmac, 0)
    if flags & LAST and _bad_results(s, control, fault, cus, vmacs, flags):
        return True
    if timed and _time_mac(s, control, clock, row, cus, vmacs, maps, weights, words, fault):
        return True
    if functional:
        arithmetic.multiply(s, data, cus, vmacs, maps, weights, length, flags)
        if flags & LAST:
            arithmetic.write_back(s, control, data, cus, vmacs, flags, layer)
    return False


@compiled
def _time_mac(s: Sizes, control: Control, clock: Clock, row, cus, vmacs, maps, weights, words, fault):
    flags, length, layer = row.flags, row.number, row.layer
    time = timing.issue(clock, row)
    time = timing.hold_for_loads(s, clock, time, cus, s.vmacs, maps, maps + length)
    for vmac in range(s.vmacs):
        if vmacs >> vmac & 1:
            time = timing.hold_for_loads(s, clock, time, cus, vmac, weights, weights + words)
    time = timing.hold_for_queue(s, clock, time, MAC_UNIT, cus)
    clock.now = time
    cycles = (length + s.line - 1) // s.line
    if flags & INDP:
        cycles *= s.line
    result, end = _result_range(s, vmacs, flags)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        if _read_hazard(clock, fault, cu, time, maps, length, 1, 0):
            return True
        low, high = control.latches[cu] + result, control.latches[cu] + end
        if flags & LAST and _result_hazard(s, clock, fault, cu, MAC_UNIT, time, low, high):
            return True
        results = _count(vmacs) if flags & INDP else _lines(s, low, high)
        read, arrived = timing.run_trace(s, clock, time, cu, flags, cycles, results, low, layer)
        hazards.note_read(clock, cu, MAC_UNIT, time, maps, length, 1, 0, read)
        hazards.note_weights(clock, cu, time, weights, weights + words, vmacs, read)
        if flags & LAST:
            hazards.note_write(clock, cu, MAC_UNIT, time, low, high, arrived)
    ledger.account(s, clock, MAC_UNIT, layer, cus, s.vmacs - _count(vmacs))
    return False


@compiled
def compare(s: Sizes, control: Control, data: Data, clock: Clock, row, timed, functional, fault):
    target_word, source_word = _operands(control, row)
    flags, count, layer = row.flags, row.number, row.layer
    cus, source, target = source_word >> UNIT_MASK_SHIFT, source_word & ADDRESS_MASK, target_word & ADDRESS_MASK
    step = s.line * control.settings[MAX_STRIDE]
    if _bad_maps(s, fault, source_word):
        return True
    if count == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    if _unaligned(fault, source, s.line) or _bad_range(s, fault, source, source + (count - 1) * step + s.line):
        return True
    if flags & LAST and (_unaligned(fault, target, s.line) or _bad_range(s, fault, target, target + s.line)):
        return True
    if timed:
        time = timing.issue(clock, row)
        end = source + (count - 1) * step + s.line
        time = timing.hold_for_loads(s, clock, time, cus, s.vmacs, source, end)
        time = timing.hold_for_queue(s, clock, time, MAX_UNIT, cus)
        clock.now = time
        for cu in range(s.cus):
            if not cus >> cu & 1:
                continue
            if _read_hazard(clock, fault, cu, time, source, s.line, count, step):
                return True
            if flags & LAST and _result_hazard(s, clock, fault, cu, MAX_UNIT, time, target, target + s.line):
                return True
            read, arrived = timing.run_comparison(s, clock, time, cu, flags, source, step, count, target, layer)
            hazards.note_read(clock, cu, MAX_UNIT, time, source, s.line, count, step, read)
            if flags & LAST:
                hazards.note_write(clock, cu, MAX_UNIT, time, target, target + s.line, arrived)
        ledger.account(s, clock, MAX_UNIT, layer, cus, 0)
    if functional:
        arithmetic.compare(s, control, data, cus, source, target, count, flags)
    return False


@compiled
def tmov(s: Sizes, control: Control, data: Data, memory, clock: Clock, row, timed, functional, fault):
    target_word, source_word = _operands(control, row)
    flags, length = row.flags, row.number
    if _bad_single(s, fault, source_word):
        return True
    if length == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    cu, source = _first_unit(source_word >> UNIT_MASK_SHIFT), source_word & ADDRESS_MASK
    words = length * (s.line if flags & CLUSTER else s.transfer)
    if _unaligned(fault, source, s.line) or _bad_range(s, fault, source, source + words):
        return True
    if flags & CLUSTER:
        if _bad_single(s, fault, target_word):
            return True
        other, target = _first_unit(target_word >> UNIT_MASK_SHIFT), target_word & ADDRESS_MASK
        if _unaligned(fault, target, s.line) or _bad_range(s, fault, target, target + words):
            return True
        if other == cu and source < target and target < source + words:
            return stop(fault, MOVE_OVER_SOURCE, target, 0, 0)
    else:
        other, target = cu, target_word * s.transfer
        if _bad_memory(s, fault, target, target + words):
            return True
    if timed and _time_tmov(s, clock, row, cu, source, other, target, words, fault):
        return True
    if functional:
        if flags & CLUSTER:
            arithmetic.move(s, data, cu, source, other, target, words)
        else:
            arithmetic.store(data, memory, cu, source, target, words)
    return False


@compiled
def _time_tmov(s: Sizes, clock: Clock, row, cu, source, other, target, words, fault):
    layer, everyone = row.layer, (1 << s.cus) - 1
    time = timing.issue(clock, row)
    time = timing.hold_for_loads(s, clock, time, 1 << cu, s.vmacs, source, source + words)
    time = timing.hold_for_queue(s, clock, time, MOVE_UNIT, 1)
    clock.now = time
    if _read_hazard(clock, fault, cu, time, source, words, 1, 0):
        return True
    if row.flags & CLUSTER:
        if _result_hazard(s, clock, fault, other, MOVE_UNIT, time, target, target + words):
            return True
        lines = words // s.line
        read, arrived = timing.run_move(s, clock, time, cu, source, other, target, lines, layer)
        hazards.note_write(clock, other, MOVE_UNIT, time, target, target + words, arrived)
    else:
        if hazards.is_memory_read(clock, time, target, target + words):
            return stop(fault, STORE_OVER_LOAD, target // s.transfer, 0, 0)
        read, arrived = timing.run_store(s, clock, time, cu, source, words, layer)
        hazards.note_store(clock, time, target, target + words, arrived)
    hazards.note_read(clock, cu, MOVE_UNIT, time, source, words, 1, 0, read)
    ledger.account(s, clock, MOVE_UNIT, layer, everyone, 0)
    return False


# Loads


@compiled
def load(s: Sizes, control: Control, data: Data, memory, clock: Clock, row, timed, functional, fault):
    word, source = _operands(control, row)
    words, unit = row.number * s.transfer, row.flags
    source *= s.transfer
    cus, buffer, target = word >> UNIT_MASK_SHIFT, word >> BUFFER_SHIFT & BUFFER_MASK, word & ADDRESS_MASK
    if _bad_units(s, fault, word):
        return True
    if words == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    if unit >= s.load_units:
        return stop(fault, NO_LOAD_UNIT, unit, 0, 0)
    if _unaligned(fault, target, s.transfer) or _bad_memory(s, fault, source, source + words):
        return True
    if buffer == BUFFER_MBUF:
        buffer = s.vmacs
        if _bad_range(s, fault, target, target + words):
            return True
    elif buffer >= s.vmacs:
        return stop(fault, NO_BUFFER, word, 0, 0)
    elif _bad_weights(s, fault, target, target + words):
        return True
    if timed:
        time = timing.issue(clock, row)
        if _load_hazard(s, clock, fault, time, unit, cus, buffer, source, target, words):
            return True
        clock.now = timing.run_load(s, clock, time, unit, cus, buffer, source, target, words, row.layer)
    if functional:
        arithmetic.load(s, data, memory, cus, buffer, source, target, words)
    return False


@compiled
def _load_hazard(s: Sizes, clock: Clock, fault, time, unit, cus, buffer, source, target, words):
    high = target + words
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        if buffer == s.vmacs:
            if hazards.is_read(clock, cu, time, target, high, hazards.ANY_UNIT):
                return stop(fault, LOAD_OVER_TRACE, target, high, cu)
            if hazards.is_written(clock, cu, time, target, words, 1, 0, hazards.ANY_UNIT):
                return stop(fault, LOAD_OVER_RESULT, target, high, cu)
        elif hazards.are_weights_read(clock, cu, buffer, time, target, high):
            return stop(fault, LOAD_OVER_TRACE, target, high, cu)
        if hazards.is_loaded(clock, cu, buffer, time, target, high, unit):
            return stop(fault, LOAD_OVER_LOAD, target, high, cu)
    if hazards.is_memory_written(clock, time, source, source + words):
        return stop(fault, LOAD_OF_STORE, source // s.transfer, 0, 0)
    return False
