"""What the control core issues for a step that computes, and what the decoders of each CU get of it.

The loops are those that lowering/traces.py builds, the scalar instructions in them those that the passes of the dialect
snowflake leave: a loop counts, branches, and steps the addresses that it carries; the slots behind the branch are
filled with what stands before it in a straight line. So all is counted from the template of a step. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby, zip_longest
from typing import NamedTuple

from lowering.comparisons import compares_down, written_out_lines
from lowering.loop_builder import (
    CONTROL,
    UNROLLED_TRACES,
    column_runs,
    compared_rows,
    is_written_out,
    outputs_apart,
    shared_rows,
    short_outputs,
    short_pixels,
    units_of,
)
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.pool import MaxPool
from lowering.tile_steps.words import Add, AvgPool
from snowdialect.dialects import tile
from snowdialect.dialects.tile.records import moved
from snowdialect.layout import Abreast, average_steps, round_down
from snowdialect.machine import Machine
from snowdialect.machine.instructions import BY_NAME

KEPT = 16
"""So many addresses that a loop does not change have registers; others are computed in every iteration."""


class Work(NamedTuple):
    """What the decoder of a CU gets."""

    instructions: int
    cycles: int

    def times(self, number: int) -> Work:
        return Work(number * self.instructions, number * self.cycles)


NO_WORK = Work(0, 0)


def _sum_of(works: Iterable[tuple[Work, ...]]) -> tuple[Work, ...]:
    """What the decoders of each CU get, one after the other."""
    return tuple(Work(*map(sum, zip(*own, strict=True))) for own in zip(*works, strict=True))


class Stretch(NamedTuple):
    """A part of a step in which the instructions of decoders come evenly."""

    works: tuple[Work, ...]
    """Of each CU."""
    lead: int
    """What the control core issues before the first instruction of a decoder."""
    issue: int
    """What it issues from there to the last one, empty slots included."""
    code: int
    """Instructions in the cache, where they are not those of the stretch before once more."""


class Code(NamedTuple):
    """A piece of code: its instructions, and how many of them are issued when it runs."""

    size: int
    issued: int

    def then(self, other: Code) -> Code:
        return Code(self.size + other.size, self.issued + other.issued)


def straight(instructions: int) -> Code:
    """Code that has no loop."""
    return Code(instructions, instructions)


def loop(machine: Machine, count: int, before: Code, behind: int) -> Code:
    """A loop, but for what sets its counter. Of its body, the `behind` last instructions are a straight line, of which
    the delay slots are filled, with the count, too, where there is room. A single iteration is no loop."""
    if count == 1:
        return before.then(straight(behind))
    body = before.then(straight(control(machine, behind) + behind))
    return Code(body.size, count * body.issued)


def control(machine: Machine, behind: int) -> int:
    """What a loop issues in every iteration besides its body, which ends with so many instructions in a straight line:
    count, branch and empty slots."""
    return CONTROL - 1 + max(1, machine.delay_slots - behind)


@cache
def convolution(machine: Machine, conv: Conv, joined: bool) -> tuple[Stretch, ...]:
    """What is issued for a part of a tile of a convolution.

    `joined`: the words of neighbouring pixels follow each other, so that a trace covers a kernel row.
    """
    nest = _Convolution(machine, conv, joined)
    columns = [(kind, len(list(run))) for kind, run in groupby(nest.groups)]
    if nest.written_out:
        return tuple(nest.short(columns))
    once = _merged(nest.pass_over(columns))
    if conv.kernels.abreast > 1:
        return tuple(once)
    # Weights advance, maps and results go back.
    advances = 1 + 2 * nest.starts
    found: list[Stretch] = []
    for steps in nest.steps:
        found += once if steps == 1 else _repeated(once, steps, 1 + advances, control(machine, advances) + advances)
    return tuple(_merged(found))


def _row_pieces(rows: Sequence[Sequence[Hashable]]) -> Iterator[tuple[int, tuple[Hashable, ...]]]:
    """How many rows follow each other in which each CU does the same; None for one without work."""
    for kinds, run in groupby(zip_longest(*rows)):
        yield len(list(run)), kinds


def _repeated(row: list[Stretch], rows: int, lead: int, around: int) -> list[Stretch]:
    """The stretches of a row in a loop over rows, which issues so much besides in every iteration."""
    if len(row) == 1:
        (only,) = row
        issue = rows * (only.lead + only.issue + around)
        return [Stretch(tuple(work.times(rows) for work in only.works), lead, issue, only.code + lead + around)]
    first = row[0]._replace(lead=row[0].lead + around)
    again = [stretch._replace(code=0) for stretch in (first, *row[1:])]
    begin = first._replace(lead=first.lead + lead, code=first.code + lead + around)
    return [begin, *row[1:], *again * (rows - 1)]


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches that follow each other as one, where in each CU it is the same that takes longer: issue or work."""
    merged: list[Stretch] = []
    last: tuple[bool | None, ...] = ()
    for stretch in stretches:
        issue = stretch.lead + stretch.issue
        slow = tuple(work.cycles < issue if work.instructions else None for work in stretch.works)
        if slow == last:
            before = merged[-1]
            works = _sum_of((before.works, stretch.works))
            merged[-1] = Stretch(works, before.lead, before.issue + issue, before.code + stretch.code)
        else:
            merged.append(stretch)
        last = slow
    return merged


class Output(NamedTuple):
    """An output of a kernel step, of CUs that get it together."""

    runs: tuple[tuple[int, ...], ...]
    """Traces of each kernel row, for rows that the same CUs have."""
    works: tuple[Work, ...]
    """Of each CU."""

    @property
    def traces(self) -> int:
        return sum(map(sum, self.runs))


def _is_loop(run: Sequence[int]) -> bool:
    """Whether kernel rows of so many traces are a loop."""
    return sum(run) > UNROLLED_TRACES and len(run) > 2 and len(set(run)) == 1


@dataclass(frozen=True)
class _Convolution:
    """The loops of a part of a convolution's tile."""

    machine: Machine
    conv: Conv
    joined: bool

    @cached_property
    def starts(self) -> int:
        """Starts of an output in this part of its kernel; each has an address besides that of its weights."""
        return 1 + self.conv.bypass if self.conv.kernels.part == 0 else 0

    @cached_property
    def written_out(self) -> int:
        """How many pixels are written out where outputs are short."""
        kernels = self.conv.kernels
        shape = self.conv.mode, self.machine, self.conv.window, kernels.depth
        return short_outputs(*shape, parts=kernels.parts, joined=self.joined)

    @cached_property
    def groups(self) -> list[tuple[range, ...]]:
        """The columns that are computed together, each by the kernel columns that it sees."""
        columns, size = self.conv.columns, self.conv.kernels.abreast
        return [columns[first : first + size] for first in range(0, len(columns), size)]

    @cached_property
    def steps(self) -> tuple[int, ...]:
        """Kernel steps: those of all vMACs, in a loop, then one of some."""
        lanes = self.conv.mode.lanes(self.machine)
        whole, rest = divmod(-(-self.conv.channels // lanes), self.machine.vmacs)
        return tuple(count for count in (whole, min(1, rest)) if count)

    @cached_property
    def shared(self) -> Abreast:
        """How pixels abreast share the lanes of kernel steps."""
        conv, machine = self.conv, self.machine
        lanes = machine.vmacs * conv.mode.lanes(machine)
        window = conv.window
        return Abreast(conv.kernels.abreast, conv.kernels.channels, lanes, window.stride_w, window.kernel_w)

    def outputs(self, kinds: Sequence[Hashable], columns: range, first_column: int = 0) -> list[Output]:
        """The outputs of a pixel, one after the other. The blocks have weights from the first of the columns under all
        windows on."""
        conv, seen = self.conv, moved(columns, -first_column)
        least = self.machine.macs if conv.kernels.part == 0 else 0
        found: list[Output] = []
        for output in shared_rows(units_of(kinds), apart=outputs_apart(conv.kernels, conv.unrolled is not None)):
            runs = [(run.cus, *self._traces(run.rows, seen)) for run in output]
            works: list[Work] = []
            for cu in range(self.machine.compute_units):
                own = [(sum(traces), cycles) for cus, traces, cycles in runs if cus >> cu & 1]
                traces, cycles = map(sum, zip(*own, strict=True)) if own else (0, 0)
                works.append(Work(self.starts + traces, max(least, cycles)) if own else NO_WORK)
            found.append(Output(tuple(traces for _, traces, _ in runs), tuple(works)))
        return found

    def _traces(self, kernel_rows: range, kernel_columns: range) -> tuple[tuple[int, ...], int]:
        """Traces of an output, by kernel row, and their cycles."""
        conv, machine = self.conv, self.machine
        kernels, words, joined = conv.kernels, conv.kernels.depth, self.joined
        if conv.unrolled is not None:
            # All rows under the kernel lie in a pixel.
            words = kernels.depth // conv.unrolled.kernel * len(kernel_rows)
            kernel_rows = range(min(1, len(kernel_rows)))
            joined = joined and words == kernels.depth
        longest = round_down(BY_NAME["mac"].field("length").maximum, machine.line_words)
        first = kernels.part * kernels.part_words
        runs = [kernel_columns] if joined and kernel_columns else [range(x, x + 1) for x in kernel_columns]
        traces: list[int] = []
        lines = 0
        for y in kernel_rows:
            here = 0
            for run in runs:
                position = (y * self.shared.columns + run.start) * kernels.depth
                low, high = max(position, first), min(position + len(run) * words, first + kernels.part_words)
                if low < high:
                    here += -(-(high - low) // longest)
                    lines += -(-(high - low) // machine.line_words)
            if here:
                traces.append(here)
        return tuple(traces), lines if conv.mode is tile.Mode.COOP else lines * machine.line_words

    def pass_over(self, columns: Sequence[tuple[tuple[range, ...], int]]) -> Iterator[Stretch]:
        """All pixels in one kernel step, or, abreast, in all of them. `columns` has the runs of a row that are alike:
        the kernel columns that each sees, and how many there are."""
        for rows, kinds in _row_pieces(self.conv.rows):
            pieces = [
                self.pixels_abreast(kinds, kind, count)
                if self.conv.kernels.abreast > 1
                else self.pixels(self.outputs(kinds, kind[0]), count, in_row_loop=rows > 1, first=number == 0)
                for number, (kind, count) in enumerate(columns)
            ]
            outputs = self.outputs(kinds, columns[0][0][0])
            advances = len(outputs) * self.starts + sum(len(output.runs) for output in outputs)
            # Slots are empty where nothing but these stands behind the last loop.
            straight_end = columns[-1][1] == 1
            around = advances + (CONTROL if straight_end else control(self.machine, advances))
            yield from _repeated(_merged(pieces), rows, 1 + advances, around) if rows > 1 else pieces

    def pixels(self, outputs: Sequence[Output], count: int, *, in_row_loop: bool, first: bool) -> Stretch:
        """Neighbouring pixels of a row that have the same outputs; the loop over rows carries the address of maps."""
        machine = self.machine
        works = _sum_of(output.works for output in outputs)
        works = tuple(work.times(count) for work in works)
        places = len(outputs) * self.starts
        # Words of the maps that other CUs read have addresses of their own.
        sources = sum(len(output.runs) for output in outputs)
        maps = 0 if in_row_loop else sources
        code = straight(0)
        instructions, moves, weights = places, 0, 0
        for run in (run for output in outputs for run in output.runs):
            if _is_loop(run):
                code = code.then(self._kernel_rows(run))
                weights += 1
            else:
                traces = sum(run)
                instructions += traces
                moves += max(0, traces - 1)
                weights += traces
        # Of the addresses of weights that the pixels before them had, about half still have their registers.
        lead = places + maps + (min(weights, KEPT) + 1 if first else min(weights, KEPT) // 2)
        behind = instructions + moves + places + max(0, weights - KEPT)
        if count == 1:
            pixels = code.then(straight(behind))
            return Stretch(works, 1, pixels.issued + lead - 1, pixels.size + lead)
        pixels = loop(machine, count, code, behind + sources)
        return Stretch(works, lead + 1, pixels.issued, pixels.size + lead + 1)

    def short(self, columns: Sequence[tuple[tuple[range, ...], int]]) -> Iterator[Stretch]:
        """All pixels in all kernel steps, where several short outputs of a row are written out."""
        machine, window = self.machine, self.conv.window
        for rows, kinds in _row_pieces(self.conv.rows):
            for kind, count in columns:
                outputs = self.outputs(kinds, kind[0])
                traces, starts = sum(output.traces for output in outputs), self.starts * len(outputs)
                pixels = short_pixels(machine, window, self.written_out, count, len(outputs), starts, traces)
                works = _sum_of(output.works for output in outputs)
                number = sum(self.steps) * rows
                all_works = tuple(work.times(number * count) for work in works)
                yield Stretch(all_works, 2, number * (pixels.issued + CONTROL + len(outputs)), pixels.size)

    def pixels_abreast(self, kinds: Sequence[Hashable], group: Sequence[range], count: int) -> Stretch:
        """Neighbouring groups of pixels abreast that have the same outputs. Steps are written out, as far as they see
        other columns; in mode indp, and with windows that overlap, their traces take longer than their code."""
        machine, advance = self.machine, self.shared.advance
        shared = self.shared._replace(pixels=len(group))
        works, instructions = list[tuple[Work, ...]](), 0
        for step in range(shared.steps):
            pixels = shared.pixels_of(step)
            seen = range(
                min(pixel * advance + group[pixel].start for pixel in pixels),
                max(pixel * advance + group[pixel].stop for pixel in pixels),
            )
            for output in self.outputs(kinds, seen, shared.columns_of(step).start):
                # A start and its place, traces and their addresses.
                instructions += 2 + 3 * output.traces
                works.append(output.works)
        code = loop(machine, count, straight(0), instructions)
        all_works = tuple(work.times(count) for work in _sum_of(works))
        return Stretch(all_works, instructions, code.issued, code.size + instructions)

    def _kernel_rows(self, traces: tuple[int, ...]) -> Code:
        """The traces of an output whose kernel rows are a loop, but for the last one."""
        machine, row = self.machine, traces[0]
        if row > UNROLLED_TRACES:
            inner = straight(1).then(loop(machine, row - 1, straight(0), 3))
            return straight(1).then(loop(machine, len(traces) - 1, inner, 3)).then(inner).then(straight(1))
        moves = 2 * (row - 1)
        last = straight(row + moves)
        return straight(1).then(loop(machine, len(traces) - 1, straight(0), row + moves + 2)).then(last)


@cache
def comparisons(machine: Machine, pool: MaxPool) -> tuple[Stretch, ...]:
    """What is issued for a part of a tile of a max pool: for each pixel, lines of channels in a loop."""
    lines, down = pool.pixels.words // machine.line_words, compares_down(pool.window)
    runs = written_out_lines(machine, pool.window, lines)
    columns = [(len(kind), len(list(run))) for kind, run in groupby(pool.columns)]
    found: list[Stretch] = []
    for rows, kinds in _row_pieces(pool.rows):
        shared = shared_rows(units_of(kinds), apart=True) if down else compared_rows(units_of(kinds))
        pieces: list[Stretch] = []
        for width, count in columns:
            # A result takes a cycle of the port, too.
            works = tuple(
                Work(width if down else len(kind), len(kind) * width + 1).times(count * lines)
                if isinstance(kind, range)
                else NO_WORK
                for kind in kinds
            )
            # With stride 1, source and target are as far apart everywhere: one address serves both.
            places = 1 if pool.window.stride_w == 1 else 2
            if any(size > 1 for _, size in runs):
                pieces.append(_written_out(machine, works, len(shared), runs, count))
                continue
            results = [[1] * width if down else [len(run.rows) for run in result] for result in shared]
            pieces.append(_compared(machine, works, results, lines, count, places))
        around = control(machine, 2 * len(shared)) + 2 * len(shared)
        found += _repeated(_merged(pieces), rows, 1, around) if rows > 1 else pieces
    return tuple(_merged(found))


def _written_out(
    machine: Machine, works: tuple[Work, ...], results: int, lines: Sequence[tuple[range, int]], count: int
) -> Stretch:
    """Neighbouring pixels of a row of a max pool whose lines take a comparison each, several in an iteration."""
    code = straight(0)
    for run, size in lines:
        # A comparison, and its two addresses, which step.
        code = code.then(straight(2)).then(loop(machine, len(run) // size, straight(0), size * 3))
    pixels = loop(machine, count, Code(results * code.size, results * code.issued), results)
    return Stretch(works, results + min(1, count - 1), pixels.issued, pixels.size + results)


def _compared(
    machine: Machine, works: tuple[Work, ...], results: list[list[int]], lines: int, count: int, places: int
) -> Stretch:
    """Neighbouring pixels of a row of a max pool, each with windows one after the other, of runs of so many rows."""
    before, behind = straight(0), 0
    for runs in results:
        loops = [rows for rows in runs if rows > 1]
        alone = len(runs) - len(loops)
        inner, outer = straight(0), alone + max(0, alone - 1) + len(loops)
        for rows in loops:
            inner = inner.then(straight(2)).then(loop(machine, rows, straight(0), 2))
        if lines > 1:
            # The address that an iteration steps last is read behind the count, and in short loops another one, too.
            waits = max(0, machine.scalar_latency - 2) * (1 + (sum(runs) == 2)) * lines
            code = loop(machine, lines, inner, outer + 2)
            before = before.then(straight(1 + behind)).then(code).then(Code(0, waits))
            behind = places
        else:
            before = before.then(straight(behind)).then(inner)
            behind = outer + 2
    lead = places * len(results)
    pixels = loop(machine, count, before, behind)
    return Stretch(works, lead + min(1, count - 1), pixels.issued, pixels.size + lead)


@cache
def addition(machine: Machine, add: Add) -> tuple[Stretch, ...]:
    """What is issued for a part of a tile of an addition: starts alone."""
    operands = 1 + add.other
    steps = -(-add.pixels.words // (machine.vmacs * machine.macs))
    pixels = add.span.right - add.span.left
    outputs = [rows * pixels * steps for rows in add.rows]
    body = 2 * operands + 1
    code = loop(machine, steps, straight(0), body) if steps > 1 else straight(0)
    row = loop(machine, pixels, code, operands + 1 if steps > 1 else body)
    works = tuple(Work(operands * number, machine.macs * number) for number in outputs)
    rows = max(add.rows)
    return (Stretch(works, operands + 1, rows * (row.issued + control(machine, 0)), row.size),)


@cache
def average(machine: Machine, pool: AvgPool) -> tuple[Stretch, ...]:
    """What is issued for a part of a tile of an average pool. CUs whose outputs have other taps get code of their own,
    and wait for each other, since their outputs take longer than the queue lasts."""
    lines, steps = pool.pixels.words // machine.line_words, average_steps(machine.vmacs, machine.line_words)
    works: list[Work] = []
    for rows in pool.rows:
        outputs = len(rows) * len(pool.columns) * lines * steps
        taps = sum(len(y) for y, _ in rows) * sum(len(x) for x, _ in pool.columns) * lines * steps
        works.append(Work(taps + outputs, max(taps, outputs * machine.macs)))
    columns = [(len(x), len(list(run))) for (x, _), run in groupby(pool.columns)]
    issue = size = 0
    for kinds in zip_longest(*pool.rows):
        different = dict.fromkeys(kind for kind in kinds if kind is not None)
        codes = [(_averaged(machine, len(y), x, lines, steps), count) for y, _ in different for x, count in columns]
        issue += sum(count * max(code.issued, lines * steps * machine.macs) for code, count in codes)
        size = max(size, sum(code.size for code, _ in codes))
    return (Stretch(tuple(works), 1, issue, size),)


def _averaged(machine: Machine, rows: int, columns: int, lines: int, steps: int) -> Code:
    """All channels of an output with so many taps: a few of these are written out for a line, more are in loops."""
    if is_written_out(rows * columns):
        # A start and its target for each step; the taps have their addresses once.
        return loop(machine, lines, straight(0), steps * (rows * columns + 2) + rows * columns)
    row = _averaged_row(machine, columns)
    # The start, and what sets the counter of rows.
    around = CONTROL + machine.delay_slots + 2
    return Code(row.size + around, lines * steps * (rows * row.issued + around))


def _averaged_row(machine: Machine, taps: int) -> Code:
    """A kernel row of an average pool, in a loop over such rows."""
    *alike, flat = column_runs(taps)
    inner = loop(machine, len(alike), straight(0), 2 * len(alike[0])) if alike else straight(0)
    size = CONTROL + max(machine.delay_slots, 2 * len(flat))
    # The address that an iteration steps last is read behind the count.
    return inner.then(Code(size, size + max(0, machine.scalar_latency - 2)))
