"""Where the time of each CU goes, kept while the program runs.

Every layer has one kind of work: traces of the MAC decoder, else comparisons, else moves. From one piece of work to the
next the time of a CU is a gap; what the control core waited for meanwhile says why.
"""

from snowdialect.simulator.jit import compiled
from snowdialect.simulator.state import (
    BEGINS,
    BOUNDARY,
    BUSY,
    CURRENT_LAYER,
    CURSOR,
    CYCLES,
    DRAIN,
    END,
    ENDS,
    FILL,
    FINISH,
    IDLE,
    IMBALANCE,
    ISSUE,
    KIND,
    LAST_WORK,
    MASKED,
    MEMORY,
    MOVE_UNIT,
    SEEN,
    STALL_DRAIN,
    STALL_MEMORY,
    STALL_QUEUE,
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
            first = clock.cus[cu, BEGINS] if first < 0 else min(first, clock.cus[cu, BEGINS])
            last = max(last, clock.cus[cu, ENDS])
    if layer != clock.core[CURRENT_LAYER]:
        _change_layer(s, clock, layer, first)
    row = clock.layers[layer]
    latest = 0
    for cu in range(s.cus):
        latest = max(latest, clock.cus[cu, CURSOR])
    for cu in range(s.cus):
        if not cus >> cu & 1:
            clock.cus[cu, IDLE] += last - first
            continue
        gap = clock.cus[cu, BEGINS] - clock.cus[cu, CURSOR]
        if gap > 0:
            _explain(clock, row, cu, gap, latest)
            clock.cus[cu, CURSOR] = clock.cus[cu, BEGINS]
        _look(clock, cu)
        busy = clock.cus[cu, ENDS] - clock.cus[cu, CURSOR]
        if busy > 0:
            row[MEMORY if unit == MOVE_UNIT else BUSY] += busy
            row[MASKED] += busy * idle_vmacs
            clock.cus[cu, CURSOR] = clock.cus[cu, ENDS]
    row[LAST_WORK] = max(row[LAST_WORK], last)


@compiled
def _look(clock: Clock, cu):
    """From here on the stalls of the core count for the next gap of this CU."""
    for i in range(3):
        clock.cus[cu, SEEN + i] = clock.core[STALL_MEMORY + i]
    clock.cus[cu, IDLE] = 0


@compiled
def _explain(clock: Clock, row, cu, gap, latest):
    """Divides a gap: waits for memory, waits for results, instructions for other CUs; what is left is issue."""
    part = min(gap, clock.core[STALL_MEMORY] - clock.cus[cu, SEEN + 0])
    row[MEMORY] += part
    gap -= part
    part = min(gap, clock.core[STALL_DRAIN] - clock.cus[cu, SEEN + 1])
    others = min(part, max(0, latest - clock.cus[cu, CURSOR]))
    row[IMBALANCE] += others
    row[DRAIN] += part - others
    gap -= part
    part = min(gap, clock.core[STALL_QUEUE] - clock.cus[cu, SEEN + 2] + clock.cus[cu, IDLE])
    row[IMBALANCE] += part
    row[ISSUE] += gap - part


@compiled
def _change_layer(s: Sizes, clock: Clock, layer, begin):
    """A layer begins its work; the one before ends when its results have arrived, or at that time."""
    boundary = close_layer(s, clock, begin)
    clock.core[CURRENT_LAYER] = layer
    row = clock.layers[layer]
    row[LAST_WORK] = max(row[LAST_WORK], boundary)
    for cu in range(s.cus):
        row[FILL] += max(0, begin - boundary)
        clock.cus[cu, CURSOR] = max(begin, boundary)
        _look(clock, cu)


@compiled
def close_layer(s: Sizes, clock: Clock, begin):
    """Ends the layer at work when its results have arrived, at `begin` at the latest; returns when that is."""
    layer = clock.core[CURRENT_LAYER]
    if layer < 0:
        return 0
    row = clock.layers[layer]
    last = row[LAST_WORK]
    boundary = max(last, min(begin, row[FINISH]))
    for cu in range(s.cus):
        row[IMBALANCE] += last - clock.cus[cu, CURSOR]
        row[DRAIN] += boundary - last
        clock.cus[cu, CURSOR] = boundary
    row[CYCLES] += boundary - clock.core[BOUNDARY]
    clock.core[BOUNDARY] = boundary
    return boundary


@compiled
def close_program(s: Sizes, clock: Clock, layer):
    """All that is left until the end belongs to the last layer at work, or to `layer` if there was no work."""
    if clock.core[CURRENT_LAYER] < 0:
        _change_layer(s, clock, layer, clock.core[END])
    layer = clock.core[CURRENT_LAYER]
    clock.layers[layer, FINISH] = max(clock.layers[layer, FINISH], clock.core[END])
    close_layer(s, clock, clock.core[END])
