"""How a max pool compares the words under its windows: by rows or by columns, and how many lines at a time.

A line is as many words of a pixel as a buffer gives at once. A comparison is an instruction: it goes over a line of all
pixels of a row, or of a column, under a window.
"""

from __future__ import annotations

from snowdialect.dialects.tile import Window
from snowdialect.machine import Machine


def compares_down(window: Window) -> bool:
    """Whether a max pool compares column by column: where these are fewer than the rows under a window."""
    return window.kernel_w < window.kernel_h


def written_out_lines(machine: Machine, window: Window, lines: int) -> list[tuple[range, int]]:
    """The numbers of the lines of a pixel that a max pool compares in a loop, and how many of them an
    iteration has written out; then those left over.

    Where a line takes a single comparison, they are so many that with an address each they fill the slots behind the
    branch.
    """
    size = 1 if min(window.kernel_h, window.kernel_w) > 1 else max(1, -(-machine.delay_slots // 2))
    whole = lines // size * size
    runs = [(range(whole), size), (range(whole, lines), lines - whole)]
    return [(run, count) for run, count in runs if run]
