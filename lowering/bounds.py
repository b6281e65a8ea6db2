"""Cycles that a layer takes at least by itself, whatever its schedule: what each resource of the machine has to do.

Pure arithmetic on layouts, without a plan. A bound holds for every program of the space that docs/schedules.md, "How
near to the limit", states: a kernel reads the words of the maps that lie under it as docs/layout.md places them,
padding left out; a result keeps its accumulators from its first trace to its last; maps come in whole pixels. Which
pixels and kernels are cut into which tiles, in what order, and which CU computes what is free. tools/snow_certify.py
computes the same numbers from a report by itself.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil
from typing import NamedTuple

from lowering.conv_tiling import ConvProblem
from lowering.maps_tiling import MapsProblem
from snowdialect.dialects.tile import Mode, Window
from snowdialect.layout import MapsLayout, average_steps, round_up
from snowdialect.machine import Machine

WORD_BYTES = 2


class Bounds(NamedTuple):
    """Cycles from the first instruction of a layer to the end of its last store, as each resource has them at least."""

    macs: int
    """Traces: in COOP a line a cycle, in INDP a word; a CU has one trace at a time."""
    reduction: int
    """As `macs`, where an output takes as long as it needs to leave the accumulators, if its traces are shorter."""
    comparisons: int
    """Lines of the words under a pool's windows, one a cycle in each CU."""
    bandwidth: int
    """Every word of maps and weights that is read, and of the results, moved once."""
    issue: int
    """Starts, traces and comparisons, one a cycle for all CUs."""
    buffer: int
    """As `bandwidth`, with words that do not fit the buffers counted each time they are loaded."""

    @property
    def cycles(self) -> int:
        """What the layer takes at least."""
        return max(self)


class Demand(NamedTuple):
    """What a layer asks of the machine. Cycles and instructions are sums over the CUs."""

    traces: int = 0
    outputs: int = 0
    """Cycles of the outputs, each as long as its traces, or as it takes to leave the accumulators."""
    comparisons: int = 0
    instructions: int = 0
    maps: int = 0
    """Words under the kernels, each once."""
    weights: int = 0
    """Words of the kernels in memory, each once."""
    streamed: int = 0
    """Words that are moved once: results, and what is read pixel for pixel with them."""
    reuse: int = 0
    """Products of a word of maps and one of a kernel, times the words of a pixel."""


@cache
def conv_bounds(problem: ConvProblem, fused: bool) -> Bounds:
    """The bounds of a convolution or linear layer, with the pool behind it if that is `fused`.

    Those of the mode whose largest bound is least: whatever a schedule is, it has a mode.
    """
    found = (bounds_of(problem.machine, conv_demand(problem, fused, mode)) for mode in modes(problem))
    return min(found, key=lambda bounds: bounds.cycles)


def modes(problem: ConvProblem) -> list[Mode]:
    """The modes in which a layer can be computed: COOP reads whole lines."""
    return [Mode.INDP] if problem.grain % problem.machine.line_words else [Mode.COOP, Mode.INDP]


def bounds_of(machine: Machine, demand: Demand) -> Bounds:
    """What a demand takes at least, by docs/isa.md, "Timing".

    Nothing is computed before the first load has arrived, and the last result is stored when it is there:

        fill  = queue_latency + transfer_overhead + memory_latency + queue_latency
        store = queue_latency + transfer_overhead + memory_latency
        drain = line_words + write_back_latency + store

    Whatever is shared out among the CUs, the busiest one has its part of a sum: ceil(sum / CUs). Every one of them gets
    the same instructions, so an instruction counts for all of them. The first output need not wait for one before it,
    so one shift out of the accumulators less is counted than there are outputs. Memory moves
    bandwidth / clock_hz bytes a cycle.
    """
    store = machine.queue_latency + machine.transfer_overhead + machine.memory_latency
    fill = store + machine.queue_latency
    written = machine.write_back_latency + store

    def shared(amount: int) -> int:
        return -(-amount // machine.compute_units)

    def moved(words: int) -> int:
        return store + -(-words * WORD_BYTES * machine.clock_hz // machine.bandwidth)

    return Bounds(
        macs=fill + shared(demand.traces) + machine.line_words + written if demand.traces else 0,
        reduction=fill + shared(demand.outputs) + written if demand.outputs else 0,
        comparisons=fill + shared(demand.comparisons) + store if demand.comparisons else 0,
        bandwidth=moved(demand.maps + demand.weights + demand.streamed),
        issue=fill + shared(demand.instructions) + store,
        buffer=moved(loaded_words(machine, demand) + demand.streamed),
    )


def loaded_words(machine: Machine, demand: Demand) -> int:
    """Words of maps and kernels that are loaded at least, for buffers of this size.

    Every word of a kernel is multiplied with a word of each pixel under it, while both are in the buffers. Count each
    such product for the load of that of the two that came later. A word of a kernel then finds at most as many pixels
    as fit all maps buffers, M / pixel; the words of a pixel together find at most the words that fit all weights
    buffers, W. So for `a` words of kernels and `b` words of maps that are loaded

        a * M + b * W >= products * pixel,    a >= weights,    b >= maps,

    and a + b is least where one of the two is loaded once only.
    """
    maps_capacity = machine.compute_units * machine.mbuf_words
    weights_capacity = machine.compute_units * machine.vmacs * machine.wbuf_words
    maps = max(demand.maps, -(-(demand.reuse - demand.weights * maps_capacity) // weights_capacity))
    weights = max(demand.weights, -(-(demand.reuse - demand.maps * weights_capacity) // maps_capacity))
    return min(demand.weights + maps, demand.maps + weights)


class Kind(NamedTuple):
    """Outputs that see as many kernel rows and kernel columns: how many there are."""

    rows: int
    columns: int
    outputs: int


def conv_demand(problem: ConvProblem, fused: bool, mode: Mode) -> Demand:
    """What a convolution or linear layer asks of the machine in a mode.

    In a *step* each vMAC of a CU has a kernel (COOP), or one for each of its lanes (INDP), of the same window of the
    pixel; a pixel takes ceil(kernels / (vMACs * lanes)) of them, however they are shared out. Where pixels may be
    abreast, a vMAC may have kernels of another pixel in the same step; so of steps, whose traces are as long as those
    of each pixel at least, a pixel then takes a vMAC's part for each of ceil(kernels / lanes).
    """
    machine, window = problem.machine, problem.window
    line, lanes = machine.line_words, mode.lanes(machine)
    kernels = problem.channels // problem.windows
    steps = Fraction(problem.windows * -(-kernels // (machine.vmacs * lanes)))
    if mode is Mode.INDP and problem.may_be_abreast:
        steps = Fraction(-(-kernels // lanes), machine.vmacs)
    traces = outputs = instructions = Fraction()
    words = 0
    for kind in conv_kinds(problem):
        number, length = traces_of(problem, kind.rows, kind.columns)
        cycles = number * (-(-length // line) if mode is Mode.COOP else round_up(length, line))
        traces += kind.outputs * steps * cycles
        outputs += kind.outputs * steps * max(line, cycles)
        instructions += kind.outputs * steps * (1 + (problem.bypass is not None) + number)
        words += kind.outputs * number * length
    behind = Demand(streamed=sum(stored_words(machine, result) for result in problem.results))
    if fused and problem.pool is not None:
        behind = max_pool_demand(machine, problem.pool.window, problem.pool.result, -(-problem.channels // line))
    bypass = 0 if problem.bypass is None else window.out_h * window.out_w * problem.channels
    maps, reuse = maps_words(problem), words * problem.channels * problem.maps.pixel
    comparisons = behind.comparisons
    if problem.before is not None:
        # What is pooled may stay in place of what was loaded, so nothing is known of what comes again.
        lines = pixel_lines(machine, problem.before.maps)
        before = max_pool_demand(machine, problem.before.window, problem.maps, lines)
        maps, reuse, comparisons = before.maps, 0, comparisons + before.comparisons
        instructions += before.instructions
    return Demand(
        traces=ceil(traces),
        outputs=ceil(outputs),
        comparisons=comparisons,
        instructions=ceil(instructions) + behind.instructions,
        maps=maps,
        weights=weights_words(problem, lanes),
        streamed=bypass + behind.streamed,
        reuse=reuse,
    )


@cache
def conv_kinds(problem: ConvProblem) -> list[Kind]:
    """The kinds of outputs of a convolution; the rows are those of the tensor where these are unrolled."""
    window = problem.window
    rows = Counter(len(problem.kernel_rows(y)) for y in range(window.out_h))
    return _kinds(rows, Counter(len(window.kernel_columns(x)) for x in range(window.out_w)))


def _kinds(rows: Counter[int], columns: Counter[int]) -> list[Kind]:
    pairs = product(rows.items(), columns.items())
    return [Kind(height, width, high * wide) for (height, high), (width, wide) in pairs]


def traces_of(problem: ConvProblem, rows: int, columns: int) -> tuple[int, int]:
    """How many traces an output under so many kernel rows and columns has at least, and the words of each.

    Words that follow each other are one trace: a kernel row, where the kernel sees whole pixels side by side; all
    that is under the kernel, where rows are unrolled and all of them are inside.
    """
    if not rows or not columns:
        return 0, 0
    words = problem.depth
    if problem.maps.unrolled is not None:
        rows, words = 1, rows * problem.grain
    if problem.windows == 1 and problem.window.dilation_w == 1 and words == problem.depth:
        return rows, columns * words
    return rows * columns, words


def maps_words(problem: ConvProblem) -> int:
    """Words of the maps that lie under some kernel."""
    window = problem.window
    columns = len(columns_read(window))
    if problem.maps.unrolled is not None:
        return sum(len(problem.kernel_rows(y)) for y in range(window.out_h)) * columns * problem.grain
    return len(rows_read(window)) * columns * problem.maps.pixel


def rows_read(window: Window) -> set[int]:
    """Input rows under some window."""
    rows = range(window.out_h)
    return {y * window.stride_h + ky * window.dilation_h for y in rows for ky in window.kernel_rows(y)}


def columns_read(window: Window) -> set[int]:
    """Input columns under some window."""
    columns = range(window.out_w)
    return {x * window.stride_w + kx * window.dilation_w for x in columns for kx in window.kernel_columns(x)}


def weights_words(problem: ConvProblem, lanes: int) -> int:
    """Words of the kernels in memory, each block in whole transfers; taps that no output sees left out, and biases, of
    which there are fewer where they lie apart."""
    machine, window = problem.machine, problem.window
    rows = set[int]().union(*(problem.kernel_rows(y) for y in range(window.out_h)))
    columns = set[int]().union(*(window.kernel_columns(x) for x in range(window.out_w)))
    words = len(rows) * len(columns) * (problem.depth if problem.maps.unrolled is None else problem.grain)
    blocks = problem.windows * -(-(problem.channels // problem.windows) // lanes)
    return blocks * round_up(words * lanes, machine.transfer_words)


def stored_words(machine: Machine, result: MapsLayout) -> int:
    """Words of a result that are stored: pixels that are whole transfers may be stored up to their last channel."""
    pixel = min(result.pixel, round_up(result.channels, machine.transfer_words))
    return result.height * result.width * pixel


def max_pool_demand(machine: Machine, window: Window, result: MapsLayout, lines: int) -> Demand:
    """What a max pool asks of the machine for pixels of so many lines: a comparison for each row under a window; or, in
    two passes, one for all rows of each column that a window reads, and one for all columns of each output."""
    once = twice = 0
    for kind in window_kinds(window):
        once += kind.outputs * kind.rows * kind.columns
        twice += kind.outputs * kind.columns
    columns, taps = len(columns_read(window)), sum(len(window.kernel_rows(y)) for y in range(window.out_h))
    return Demand(
        comparisons=lines * min(once, taps * columns + twice),
        instructions=lines * min(taps * window.out_w, window.out_h * (columns + window.out_w)),
        maps=len(rows_read(window)) * columns * lines * machine.line_words,
        streamed=stored_words(machine, result),
    )


def max_pool_bounds(problem: MapsProblem) -> Bounds:
    """The bounds of a max pool by itself."""
    lines = pixel_lines(problem.machine, problem.maps)
    return bounds_of(problem.machine, max_pool_demand(problem.machine, problem.window, problem.result, lines))


def avg_pool_bounds(problem: MapsProblem) -> Bounds:
    """The bounds of an average pool: a convolution in mode COOP in which a vMAC has a channel, a trace of a line for
    each pixel under the window, and weights of its own: zeros and, for each of its channels, a line."""
    machine, window = problem.machine, problem.window
    line, steps = machine.line_words, average_steps(machine.vmacs, machine.line_words)
    lines = pixel_lines(machine, problem.maps)
    traces = outputs = instructions = 0
    for kind in window_kinds(window):
        taps, count = kind.rows * kind.columns, kind.outputs * lines * steps
        traces += count * taps
        outputs += count * max(line, taps)
        instructions += count * (1 + taps)
    demand = Demand(
        traces=traces,
        outputs=outputs,
        instructions=instructions,
        maps=len(rows_read(window)) * len(columns_read(window)) * lines * line,
        weights=machine.vmacs * round_up(line * (1 + steps), machine.transfer_words),
        streamed=stored_words(machine, problem.result),
    )
    return bounds_of(machine, demand)


def add_bounds(problem: MapsProblem) -> Bounds:
    """The bounds of an addition, or of a single operand brought to another Q position: no traces; each operand starts
    the accumulators of all lanes of a CU."""
    machine = problem.machine
    words = pixel_lines(machine, problem.maps) * machine.line_words
    operands = 1 + (problem.other is not None)
    pixels = problem.window.out_h * problem.window.out_w
    outputs = pixels * -(-words // (machine.vmacs * machine.macs))
    demand = Demand(
        outputs=outputs * machine.line_words,
        instructions=operands * outputs,
        streamed=operands * pixels * words + stored_words(machine, problem.result),
    )
    return bounds_of(machine, demand)


def window_kinds(window: Window) -> list[Kind]:
    """The kinds of outputs of a pool."""
    rows = Counter(len(window.kernel_rows(y)) for y in range(window.out_h))
    return _kinds(rows, Counter(len(window.kernel_columns(x)) for x in range(window.out_w)))


def pixel_lines(machine: Machine, maps: MapsLayout) -> int:
    """Lines of a pixel from its first channel to its last."""
    first, last = maps.segments[0], maps.segments[-1]
    return -(-(last.offset + last.channels - first.offset) // machine.line_words)
