"""What dispatched instructions still read and write, and whether another one gets into their way.

A record stays until its instruction has finished. A box around the records of a kind answers most questions.
"""

from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    A_COUNT,
    A_FINISH,
    A_START,
    A_STEP,
    A_UNIT,
    A_WORDS,
    HIGH,
    L_BUFFER,
    L_END,
    L_FINISH,
    L_SOURCE,
    L_SOURCE_END,
    L_START,
    L_UNIT,
    L_UNITS,
    LOW,
    NOTED,
    UNTIL,
    WEIGHTS,
    WRITES,
    Clock,
)

ANY_UNIT = -1


@compiled
def _grow(box, time, low, high, finish):
    """Makes a box hold another record; one whose records have all finished begins anew."""
    if time >= box[UNTIL]:
        box[LOW], box[HIGH], box[UNTIL] = low, high, finish
    else:
        box[LOW] = min(box[LOW], low)
        box[HIGH] = max(box[HIGH], high)
        box[UNTIL] = max(box[UNTIL], finish)


@compiled
def _apart(box, time, low, high):
    """Whether no record of a box can touch the words from low to high."""
    return time >= box[UNTIL] or high <= box[LOW] or low >= box[HIGH]


@compiled
def _touches(start, words, count, step, low, high):
    """Whether one of `count` pieces of `words` words, `step` apart, has words from low to high."""
    first = 0 if start + words > low or step == 0 else (low - start - words) // step + 1
    return first < count and start + first * step < high and start + first * step + words > low


@compiled
def _note(clock: Clock, cu, kind, time, start, words, count, step, finish, unit):
    box, records = clock.boxes[cu, kind], clock.records[cu, kind]
    record = records[box[NOTED] % clock.room]
    record[A_START], record[A_WORDS], record[A_COUNT], record[A_STEP] = start, words, count, step
    record[A_FINISH], record[A_UNIT] = finish, unit
    box[NOTED] += 1
    _grow(box, time, start, start + (count - 1) * step + words, finish)


@compiled
def note_read(clock: Clock, cu, unit, time, start, words, count, step, finish):
    """Remembers what an instruction of a decoder reads in the maps buffer of a CU."""
    _note(clock, cu, unit, time, start, words, count, step, finish, unit)


@compiled
def note_write(clock: Clock, cu, unit, time, low, high, finish):
    """Remembers what an instruction of a decoder writes in the maps buffer of a CU."""
    _note(clock, cu, WRITES, time, low, high - low, 1, 0, finish, unit)


@compiled
def note_weights(clock: Clock, cu, time, low, high, vmacs, finish):
    """Remembers what an instruction of the MAC decoder reads in weights buffers of a CU."""
    _note(clock, cu, WEIGHTS, time, low, high - low, 1, 0, finish, vmacs)


@compiled
def note_store(clock: Clock, time, low, high, finish):
    """Remembers a store to the words of memory from low to high."""
    record = clock.stores[clock.store_count % clock.room]
    record[0], record[1], record[2] = low, high, finish
    clock.store_count += 1
    _grow(clock.store_box, time, low, high, finish)


@compiled
def is_read(clock: Clock, cu, time, low, high, except_unit):
    """Whether a dispatched instruction of another decoder still reads words from low to high in the maps buffer."""
    for unit in range(WRITES):
        box = clock.boxes[cu, unit]
        if unit == except_unit or _apart(box, time, low, high):
            continue
        records = clock.records[cu, unit]
        for i in range(min(box[NOTED], clock.room)):
            r = records[i]
            if r[A_FINISH] > time and _touches(r[A_START], r[A_WORDS], r[A_COUNT], r[A_STEP], low, high):
                return True
    return False


@compiled
def is_written(clock: Clock, cu, time, start, words, count, step, except_unit):
    """Whether a result of another decoder is still to arrive in one of the pieces of the maps buffer."""
    box = clock.boxes[cu, WRITES]
    if _apart(box, time, start, start + (count - 1) * step + words):
        return False
    records = clock.records[cu, WRITES]
    for i in range(min(box[NOTED], clock.room)):
        r = records[i]
        if r[A_FINISH] > time and r[A_UNIT] != except_unit:
            low, high = r[A_START], r[A_START] + r[A_WORDS]
            if _touches(start, words, count, step, low, high):
                return True
    return False


@compiled
def are_weights_read(clock: Clock, cu, vmac, time, low, high):
    """Whether a dispatched instruction still reads words from low to high in a weights buffer."""
    box = clock.boxes[cu, WEIGHTS]
    if _apart(box, time, low, high):
        return False
    records = clock.records[cu, WEIGHTS]
    for i in range(min(box[NOTED], clock.room)):
        r = records[i]
        if r[A_FINISH] > time and r[A_UNIT] >> vmac & 1 and r[A_START] < high and low < r[A_START] + r[A_WORDS]:
            return True
    return False


@compiled
def is_loaded(clock: Clock, cu, buffer, time, low, high, unit):
    """Whether a load into words from low to high of a buffer is in flight, in another load unit than `unit`."""
    if time >= clock.loading_until:
        return False
    for i in range(clock.load_count):
        r = clock.loads[i]
        in_flight = r[L_FINISH] > time and r[L_UNITS] >> cu & 1 and r[L_BUFFER] == buffer and r[L_UNIT] != unit
        if in_flight and r[L_START] < high and low < r[L_END]:
            return True
    return False


@compiled
def is_memory_read(clock: Clock, time, low, high):
    """Whether a load that reads words of memory from low to high is in flight."""
    for i in range(clock.load_count):
        r = clock.loads[i]
        if r[L_FINISH] > time and r[L_SOURCE] < high and low < r[L_SOURCE_END]:
            return True
    return False


@compiled
def is_memory_written(clock: Clock, time, low, high):
    """Whether a store to words of memory from low to high has not finished."""
    if _apart(clock.store_box, time, low, high):
        return False
    for i in range(min(clock.store_count, clock.room)):
        r = clock.stores[i]
        if r[2] > time and r[0] < high and low < r[1]:
            return True
    return False


@compiled
def note_load(clock: Clock, time, unit, units, buffer, low, high, source, source_end, finish):
    """Remembers a load; forgets those that have arrived."""
    kept = 0
    for i in range(clock.load_count):
        if clock.loads[i, L_FINISH] > time:
            if kept < i:
                clock.loads[kept] = clock.loads[i]
            kept += 1
    record = clock.loads[kept]
    record[L_UNITS], record[L_BUFFER], record[L_START], record[L_END] = units, buffer, low, high
    record[L_SOURCE], record[L_SOURCE_END], record[L_FINISH], record[L_UNIT] = source, source_end, finish, unit
    clock.load_count = kept + 1
    clock.loading_until = max(clock.loading_until, finish)
