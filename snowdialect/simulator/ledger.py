"""Where the time of each CU goes, kept while the program runs.

Every layer has one kind of work: traces of the MAC decoder, else comparisons, else moves. From one piece of work to the
next the time of a CU is a gap; what the control core waited for meanwhile says why.
"""

from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    BUSY,
    CYCLES,
    DRAIN,
    DRAIN_STALL,
    FILL,
    FINISH,
    IMBALANCE,
    ISSUE,
    KIND,
    LAST_WORK,
    MASKED,
    MEMORY,
    MEMORY_STALL,
    MOVE_UNIT,
    QUEUE_STALL,
    Clock,
    Sizes,
)


@compiled
def account(s: Sizes, clock: Clock, unit, layer, cus, idle_vmacs):
    """Enters an instruction of a decoder that took `clock.begins` to `clock.ends` in some CUs."""
    if clock.layers[layer, KIND] != unit:
        return
    first, last = -1, 0
    for cu in range(s.cus):
        if cus >> cu & 1:
            first = clock.begins[cu] if first < 0 else min(first, clock.begins[cu])
            last = max(last, clock.ends[cu])
    if layer != clock.layer:
        _change_layer(s, clock, layer, first)
    row = clock.layers[layer]
    latest = 0
    for cu in range(s.cus):
        latest = max(latest, clock.cursor[cu])
    for cu in range(s.cus):
        if not cus >> cu & 1:
            clock.idle[cu] += last - first
            continue
        gap = clock.begins[cu] - clock.cursor[cu]
        if gap > 0:
            _explain(clock, row, cu, gap, latest)
            clock.cursor[cu] = clock.begins[cu]
        _look(clock, cu)
        busy = clock.ends[cu] - clock.cursor[cu]
        if busy > 0:
            row[MEMORY if unit == MOVE_UNIT else BUSY] += busy
            row[MASKED] += busy * idle_vmacs
            clock.cursor[cu] = clock.ends[cu]
    row[LAST_WORK] = max(row[LAST_WORK], last)


@compiled
def _look(clock: Clock, cu):
    """From here on the stalls of the core count for the next gap of this CU."""
    for i in range(3):
        clock.seen[cu, i] = clock.stalls[i]
    clock.idle[cu] = 0


@compiled
def _explain(clock: Clock, row, cu, gap, latest):
    """Divides a gap: waits for memory, waits for results, instructions for other CUs; what is left is issue."""
    part = min(gap, clock.stalls[MEMORY_STALL] - clock.seen[cu, 0])
    row[MEMORY] += part
    gap -= part
    part = min(gap, clock.stalls[DRAIN_STALL] - clock.seen[cu, 1])
    others = min(part, max(0, latest - clock.cursor[cu]))
    row[IMBALANCE] += others
    row[DRAIN] += part - others
    gap -= part
    part = min(gap, clock.stalls[QUEUE_STALL] - clock.seen[cu, 2] + clock.idle[cu])
    row[IMBALANCE] += part
    row[ISSUE] += gap - part


@compiled
def _change_layer(s: Sizes, clock: Clock, layer, begin):
    """A layer begins its work; the one before ends when its results have arrived, or at that time."""
    boundary = close_layer(s, clock, begin)
    clock.layer = layer
    row = clock.layers[layer]
    row[LAST_WORK] = max(row[LAST_WORK], boundary)
    for cu in range(s.cus):
        row[FILL] += max(0, begin - boundary)
        clock.cursor[cu] = max(begin, boundary)
        _look(clock, cu)


@compiled
def close_layer(s: Sizes, clock: Clock, begin):
    """Ends the layer at work when its results have arrived, at `begin` at the latest; returns when that is."""
    layer = clock.layer
    if layer < 0:
        return 0
    row = clock.layers[layer]
    last = row[LAST_WORK]
    boundary = max(last, min(begin, row[FINISH]))
    for cu in range(s.cus):
        row[IMBALANCE] += last - clock.cursor[cu]
        row[DRAIN] += boundary - last
        clock.cursor[cu] = boundary
    row[CYCLES] += boundary - clock.boundary
    clock.boundary = boundary
    return boundary


@compiled
def close_program(s: Sizes, clock: Clock, layer):
    """All that is left until the end belongs to the last layer at work, or to `layer` if there was no work."""
    if clock.layer < 0:
        _change_layer(s, clock, layer, clock.end)
    layer = clock.layer
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], clock.end)
    close_layer(s, clock, clock.end)
