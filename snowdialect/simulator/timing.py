"""When things happen: queues, decoders, buffer ports, load units and memory. docs/isa.md, "Timing", has the rules.

Nothing is stepped cycle by cycle. An instruction is timed when it is dispatched: all that it can wait for comes before
it in program order. Memory and the second ports of the buffers are shared by what is not in order; calendars keep how
much of each stretch of BUCKET cycles is taken.
"""

import math

from snowdialect.simulator.decode import (
    ADDING,
    LAST,
)
from snowdialect.simulator.hazards import note_load
from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    BUCKET,
    CALENDAR,
    CODE_BYTES,
    DRAIN_STALL,
    FINISH,
    HISTORY,
    L_FINISH,
    MAPS_BYTES,
    MEMORY_STALL,
    MOVE_UNIT,
    QUEUE_STALL,
    STORED_BYTES,
    WEIGHTS_BYTES,
    Clock,
    Sizes,
)


@compiled
def reserve(used, tags, start, amount, rate, capacity):
    """When `amount` has moved that begins at `start`: at most `rate` a cycle, and `capacity` less what others have.

    `used` and `tags` are the calendar, a ring of buckets.
    """
    time, left = float(start), float(amount)
    while True:
        bucket = int(time) // BUCKET
        slot = bucket % CALENDAR
        if tags[slot] != bucket + 1:
            tags[slot] = bucket + 1
            used[slot] = 0.0
        end = (bucket + 1) * BUCKET
        span = end - time
        share = min(rate * span, capacity * BUCKET - used[slot])
        if share > 0.0:
            if left <= share:
                used[slot] += left
                return time + span * left / share
            used[slot] += share
            left -= share
        time = float(end)


@compiled
def use_port(s: Sizes, clock: Clock, cu, address, start, lines, rate):
    """When so many lines have gone over the second port of the bank that holds an address, at most `rate` a cycle."""
    row = 1 + cu * (s.mbuf_words // s.mbuf_bank) + address // s.mbuf_bank
    end = math.ceil(reserve(clock.used[row], clock.tags[row], start, lines, rate, 1.0))
    clock.conflicts += max(0, end - start - math.ceil(lines / rate))
    return end


@compiled
def use_ports(s: Sizes, clock: Clock, cu, address, step, start, lines, rate):
    """As `use_port`, for lines that begin `step` words apart, which may lie in two banks."""
    while True:
        inside = lines_in_bank(s, address, step, lines)
        start = use_port(s, clock, cu, address, start, inside, rate)
        lines -= inside
        if lines == 0:
            return start
        address += inside * step


@compiled
def lines_in_bank(s: Sizes, address, step, lines):
    """How many of the lines that begin `step` words apart from `address` on lie in its bank."""
    room = s.mbuf_bank - address % s.mbuf_bank
    return lines if step == 0 else min(lines, (room - 1) // step + 1)


@compiled
def decoder(s: Sizes, unit, cu):
    """Number of the decoder of a kind in a CU."""
    return 2 * s.cus if unit == MOVE_UNIT else unit * s.cus + cu


# Dispatch


@compiled
def issue_at(clock: Clock, ready):
    """The cycle in which an instruction issues whose operands are there at `ready`."""
    return max(clock.now + 1, ready)


@compiled
def issue(clock: Clock, row):
    """The cycle in which an instruction issues that reads its two registers."""
    return issue_at(clock, max(clock.ready[row.first], clock.ready[row.second]))


@compiled
def hold_for_loads(s: Sizes, clock: Clock, time, cus, buffer, low, high):
    """Waits until no load is in flight into the banks that hold the words from low to high of a buffer."""
    if time >= clock.buffer_loading[buffer]:
        return time
    bank = s.mbuf_bank if buffer == s.vmacs else s.wbuf_bank
    # There are two banks.
    first, last = low // bank, (high - 1) // bank
    until, cu = time, 0
    # A loop over a range would become vectors, which are slower than a few CUs one by one.
    while cus >> cu:
        if cus >> cu & 1:
            until = max(until, clock.bank_loading[cu, buffer, first], clock.bank_loading[cu, buffer, last])
        cu += 1
    clock.stalls[MEMORY_STALL] += until - time
    return until


@compiled
def hold_for_queue(s: Sizes, clock: Clock, time, unit, cus):
    """Waits until the queues of a decoder have room in all CUs."""
    until, cu = time, 0
    while cus >> cu:
        if cus >> cu & 1:
            number = decoder(s, unit, cu)
            place = clock.issued[number] - s.queue_depth
            if place >= 0:
                until = max(until, clock.starts[number, place % HISTORY])
        cu += 1
    if unit == MOVE_UNIT:
        clock.stalls[MEMORY_STALL] += until - time
    else:
        clock.stalls[QUEUE_STALL] += until - time
    return until


@compiled
def take(clock: Clock, number, begin, finish):
    """A decoder takes an instruction at `begin`; all that it does is done at `finish`."""
    place = clock.issued[number]
    if place > 0:
        finish = max(finish, clock.finishes[number, (place - 1) % HISTORY])
    clock.starts[number, place % HISTORY] = begin
    clock.finishes[number, place % HISTORY] = finish
    clock.issued[number] = place + 1
    return finish


@compiled
def pending_until(clock: Clock, number, pending):
    """When at most `pending` instructions of a decoder are left."""
    place = clock.issued[number] - 1 - pending
    return clock.finishes[number, place % HISTORY] if place >= 0 else 0


@compiled
def wait(s: Sizes, clock: Clock, time, units, pending):
    """`mov wait`: when each of some units has at most `pending` instructions left."""
    work = memory = time
    for cu in range(s.cus):
        for unit in range(2):
            if units >> unit & 1:
                work = max(work, pending_until(clock, decoder(s, unit, cu), pending))
    if units >> MOVE_UNIT & 1:
        memory = max(memory, pending_until(clock, decoder(s, MOVE_UNIT, 0), pending))
    if units >> 3 & 1:
        memory = max(memory, loads_until(clock, time, pending))
    clock.stalls[DRAIN_STALL] += work - time
    clock.stalls[MEMORY_STALL] += max(work, memory) - work
    return max(work, memory)


@compiled
def loads_until(clock: Clock, time, pending):
    """When at most `pending` loads into buffers are in flight."""
    until = time
    while True:
        left, first = 0, until
        for i in range(clock.load_count):
            finish = clock.loads[i, L_FINISH]
            if finish > until:
                first = finish if left == 0 else min(first, finish)
                left += 1
        if left <= pending:
            return until
        until = first


@compiled
def end_of_program(s: Sizes, clock: Clock, time):
    """`mov done`: when everything has drained."""
    for number in range(2 * s.cus + 1):
        time = max(time, pending_until(clock, number, 0))
    for cu in range(s.cus):
        time = max(time, clock.unit_free[decoder(s, 0, cu)])
    for bank in range(clock.bank_ready.shape[0]):
        time = max(time, clock.bank_ready[bank])
    clock.end = max(time, clock.loading_until)


# Decoders


@compiled
def configure(s: Sizes, clock: Clock, time, unit, cus):
    """A configuration register is written on its way through the queues of a decoder: a cycle of each."""
    time = hold_for_queue(s, clock, time, unit, cus)
    for cu in range(s.cus):
        if cus >> cu & 1:
            number = decoder(s, unit, cu)
            begin = max(time + s.queue_latency, clock.decode_free[number])
            clock.decode_free[number] = begin + 1
            take(clock, number, begin, begin + 1)
    return time


@compiled
def run_start(s: Sizes, clock: Clock, time, cu, flags, source, lines, results, target, layer):
    """VMOV in one CU, dispatched at `time`: reads `lines` lines of the maps buffer from word `source` on, or, with 0,
    a line of every weights buffer.

    It goes over the second port of its buffer, so it overlaps the trace before it. Returns when its words are read
    and when the results, `results` lines with flag last, have arrived.
    """
    number = decoder(s, 0, cu)
    begin = max(time + s.queue_latency, clock.decode_free[number])
    read = begin + 1 if lines == 0 else use_ports(s, clock, cu, source, s.line, begin, lines, 1.0)
    staged = read + s.buffer_latency
    clock.staged[cu] = max(clock.staged[cu], staged)
    if not flags & ADDING:
        clock.output_begun[cu] = begin
    clock.decode_free[number] = begin + 1
    end = arrived = staged
    if flags & LAST:
        end = max(clock.staged[cu], clock.unit_free[number]) + 1
        end, arrived = _leave(s, clock, cu, end, target, results)
        clock.unit_free[number] = end
        clock.decode_free[number] = max(begin + 1, end)
    clock.begins[cu], clock.ends[cu] = clock.output_begun[cu], end
    finish = take(clock, number, begin, arrived)
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], finish)
    return read, arrived


@compiled
def run_trace(s: Sizes, clock: Clock, time, cu, flags, cycles, results, target, layer):
    """MAC in one CU, dispatched at `time`; traces follow each other without a gap.

    Returns when its words are read and when the results, `results` lines with flag last, have arrived.
    """
    number = decoder(s, 0, cu)
    begin = max(time + s.queue_latency, clock.decode_free[number], clock.unit_free[number], clock.staged[cu])
    read = end = arrived = begin + cycles
    if flags & LAST:
        end, arrived = _leave(s, clock, cu, end, target, results)
    clock.unit_free[number] = end
    clock.decode_free[number] = begin + 1
    clock.begins[cu], clock.ends[cu] = begin, end
    finish = take(clock, number, begin, arrived)
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], finish)
    return read, arrived


@compiled
def _leave(s: Sizes, clock: Clock, cu, time, target, lines):
    """An output leaves the accumulators over shift registers, a word of every vMAC a cycle, in either mode.

    Returns when it left and when its lines are in the maps buffer.
    """
    left = max(time, clock.output_free[cu])
    clock.output_free[cu] = left + s.line
    arrived = use_ports(s, clock, cu, target, s.line, left + s.line + s.write_back_latency, lines, 1.0)
    return left, arrived


@compiled
def run_comparison(s: Sizes, clock: Clock, time, cu, flags, source, step, count, target, layer):
    """MAX in one CU, dispatched at `time`: a line a cycle over the second port of the maps buffer.

    Returns when its words are read and when the result has arrived.
    """
    number = decoder(s, 1, cu)
    begin = max(time + s.queue_latency, clock.unit_free[number])
    read = arrived = use_ports(s, clock, cu, source, step, begin, count, 1.0)
    if flags & LAST:
        arrived = use_port(s, clock, cu, target, read + s.buffer_latency + 1, 1, 1.0)
    clock.unit_free[number] = read
    clock.begins[cu], clock.ends[cu] = begin, read
    finish = take(clock, number, begin, arrived)
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], finish)
    return read, arrived


@compiled
def run_move(s: Sizes, clock: Clock, time, source_cu, source, target_cu, target, lines, layer):
    """TMOV to a maps buffer, dispatched at `time`: lines between two banks, or inside one, whose port then takes turns.

    Returns when its words are read and when they have arrived.
    """
    number = decoder(s, MOVE_UNIT, 0)
    begin = max(time + s.queue_latency, clock.unit_free[number])
    read = begin
    while lines > 0:
        inside = min(lines_in_bank(s, source, s.line, lines), lines_in_bank(s, target, s.line, lines))
        if source_cu == target_cu and source // s.mbuf_bank == target // s.mbuf_bank:
            read = use_port(s, clock, source_cu, source, read, 2 * inside, 1.0)
        else:
            written = use_port(s, clock, target_cu, target, read + s.buffer_latency, inside, 1.0)
            read = max(use_port(s, clock, source_cu, source, read, inside, 1.0), written - s.buffer_latency)
        lines -= inside
        source += inside * s.line
        target += inside * s.line
    arrived = read + s.buffer_latency + 1
    clock.unit_free[number] = read
    _all_work(s, clock, begin, read)
    finish = take(clock, number, begin, arrived)
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], finish)
    return read, arrived


@compiled
def run_store(s: Sizes, clock: Clock, time, cu, source, words, layer):
    """TMOV to memory, dispatched at `time`. Returns when its words are read and when they have arrived."""
    number = decoder(s, MOVE_UNIT, 0)
    begin = max(time + s.queue_latency, clock.unit_free[number])
    moving = begin + s.transfer_overhead
    lines = words // s.line
    rate = min(1.0, s.bytes_per_cycle / (2 * s.line))
    read = use_ports(s, clock, cu, source, s.line, moving, lines, rate)
    sent = math.ceil(
        reserve(
            clock.used[0],
            clock.tags[0],
            moving + s.buffer_latency,
            2 * words,
            s.bytes_per_cycle,
            s.bytes_per_cycle,
        )
    )
    read = max(read, sent)
    clock.unit_free[number] = read
    _all_work(s, clock, begin, read)
    clock.layers[layer, STORED_BYTES] += 2 * words
    arrived = take(clock, number, begin, read + s.memory_latency)
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], arrived)
    return read, arrived


@compiled
def _all_work(s: Sizes, clock: Clock, begin, end):
    for cu in range(s.cus):
        clock.begins[cu], clock.ends[cu] = begin, end


# Load units


@compiled
def _transfer(s: Sizes, clock: Clock, time, unit, words):
    """A load unit moves words from memory: dispatched, from when to when they move at the memory's end."""
    depth = s.load_queue_depth
    place = clock.load_issued[unit] % depth
    if clock.load_issued[unit] >= depth:
        until = max(time, clock.load_starts[unit, place])
        clock.stalls[MEMORY_STALL] += until - time
        time = until
    begin = max(time + s.queue_latency, clock.load_free[unit])
    moving = begin + s.transfer_overhead
    rate = s.bytes_per_cycle / s.load_units
    end = math.ceil(reserve(clock.used[0], clock.tags[0], moving, 2 * words, rate, s.bytes_per_cycle))
    clock.load_starts[unit, place] = begin
    clock.load_issued[unit] += 1
    clock.load_free[unit] = end
    return time, moving, end


@compiled
def run_load(s: Sizes, clock: Clock, time, unit, cus, buffer, source, target, words, layer):
    """LD to a buffer. Returns when it was dispatched."""
    time, moving, end = _transfer(s, clock, time, unit, words)
    finish = end + s.memory_latency
    maps = buffer == s.vmacs
    bank = s.mbuf_bank if maps else s.wbuf_bank
    clock.buffer_loading[buffer] = max(clock.buffer_loading[buffer], finish)
    for cu in range(s.cus):
        if not cus >> cu & 1:
            continue
        for i in range(target // bank, (target + words - 1) // bank + 1):
            clock.bank_loading[cu, buffer, i] = max(clock.bank_loading[cu, buffer, i], finish)
            if maps:
                low, high = max(target, i * bank), min(target + words, (i + 1) * bank)
                lines = (high - low) / s.line
                begin = moving + s.memory_latency + (end - moving) * (low - target) // words
                use_port(s, clock, cu, low, begin, lines, lines / max(1.0, (end - moving) * (high - low) / words))
    clock.layers[layer, MAPS_BYTES if maps else WEIGHTS_BYTES] += 2 * words
    note_load(clock, time, unit, cus, buffer, target, target + words, source, source + words, finish)
    return time


@compiled
def run_refill(s: Sizes, clock: Clock, time, unit, bank, words, layer):
    """LD to the instruction cache. Returns when it was dispatched."""
    time, _, end = _transfer(s, clock, time, unit, words)
    clock.bank_ready[bank] = end + s.memory_latency
    clock.layers[layer, CODE_BYTES] += 2 * words
    return time
