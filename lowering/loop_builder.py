"""Builds nests of loop operations, and cuts ranges of rows and columns into pieces that need the same code."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from typing import NamedTuple, cast

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Block, Operation, SSAValue

from snowdialect.dialects import loop, tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import put
from snowdialect.machine import Machine

UNROLLED_TRACES = 7
"""Traces of an output that are written out at most; more run in a loop, which costs a few scalar instructions each."""
UNROLLED_AVERAGES = 16
"""As many of a kernel row of an average: each takes a cycle, as does each instruction of a loop around them."""

WRITTEN_OUT = 36
"""Traces of a line each that are written out at most: four pixels of a kernel of 3x3."""

AVERAGED_TAPS = 9
"""Taps of an average at most whose addresses have registers, which all channels of a line share: a kernel of 3x3."""

LOOPED_CUS = 3
"""Number of CUs from which on code that they get one after the other is a loop."""


@dataclass
class LoopBuilder:
    """Adds operations behind all others of a block; `loop` nests what is added meanwhile."""

    block: Block
    location: LocationAttr
    """The location of all that is added."""

    def add(self, op: Operation) -> None:
        put((located(op, self.location),), self.block)

    @contextmanager
    def loop(self, lower: int, upper: int) -> Generator[IndexExpr]:
        """A loop from `lower` to below `upper`; a single iteration needs none."""
        if upper - lower == 1:
            yield IndexExpr(lower)
            return
        op = loop.ForOp(lower, upper)
        self.add(op)
        outer, self.block = self.block, op.body.block
        yield IndexExpr.index(op.index)
        self.block = outer

    def each(self, numbers: range, *, written_out: bool) -> Iterator[IndexExpr]:
        """Each of these numbers, or the index of a loop over them."""
        if written_out:
            yield from map(IndexExpr, numbers)
        elif numbers:
            with self.loop(numbers.start, numbers.stop) as index:
                yield index


class Piece(NamedTuple):
    """Consecutive rows, or columns, of a tile that need the same code: `first` to below `stop`."""

    first: int
    stop: int
    classes: tuple[Hashable, ...]
    """What each CU does in them; None for a CU without work. For columns, one entry."""

    def units(self) -> list[tuple[Hashable, int]]:
        """The different things that CUs do, each with the mask of the CUs that do it."""
        return units_of(self.classes)


def units_of(classes: Iterable[Hashable]) -> list[tuple[Hashable, int]]:
    """The different things that CUs do, None for nothing, each with the mask of the CUs that do it."""
    masks: dict[Hashable, int] = {}
    for cu, kind in enumerate(classes):
        if kind is not None:
            masks[kind] = masks.get(kind, 0) | 1 << cu
    return list(masks.items())


def row_pieces(rows: Sequence[range], kind: Callable[[int, int], Hashable]) -> list[Piece]:
    """Pieces of the rows of a tile; `rows` are those of each CU, `kind(cu, row)` what one needs."""

    def classes(row: int) -> tuple[Hashable, ...]:
        return tuple(kind(cu, row) if row in mine else None for cu, mine in enumerate(rows))

    present = [mine for mine in rows if mine]
    if not present:
        return []
    whole = range(min(mine.start for mine in present), max(mine.stop for mine in present))
    return [piece for piece in _pieces(whole, classes) if piece.units()]


def column_pieces(columns: range, kind: Callable[[int], Hashable]) -> list[Piece]:
    """Pieces of the columns of a tile; `kind(column)` is what one needs."""
    return _pieces(columns, lambda column: (kind(column),))


class WindowRows(NamedTuple):
    """Rows under the windows of some CUs."""

    rows: range
    cus: int


def shared_rows(units: Sequence[tuple[Hashable, int]], *, apart: bool = False) -> list[list[WindowRows]]:
    """The outputs of CUs that differ in the rows under their windows, which are given with the masks of the CUs.

    Where all have a row in common it is one output: rows of some CUs come first, and at last those that all have.
    Otherwise, or if they are to be `apart`, they get their outputs one after the other.
    """
    alone = [WindowRows(cast(range, rows), cus) for rows, cus in units]
    if apart or not alone:
        return [[one] for one in alone]
    common = range(max(one.rows.start for one in alone), min(one.rows.stop for one in alone))
    if not common:
        return [[one] for one in alone]
    output: list[WindowRows] = []
    whole = range(min(one.rows.start for one in alone), max(one.rows.stop for one in alone))
    for outside in (range(whole.start, common.start), range(common.stop, whole.stop)):
        for cus, run in groupby(outside, lambda row: sum(one.cus for one in alone if row in one.rows)):
            rows = list(run)
            output.append(WindowRows(range(rows[0], rows[-1] + 1), cus))
    return [[*output, WindowRows(common, sum(one.cus for one in alone))]]


def compared_rows(units: Sequence[tuple[Hashable, int]]) -> list[list[WindowRows]]:
    """The results of a max pool, as `shared_rows` has those of a convolution: the row that begins one, and that which
    ends it, are each by itself. Where all CUs have these in common, rows of some come between; else each CU gets its
    own result."""
    outputs = shared_rows(units)
    if len(outputs) == 1 and len(outputs[0]) > 1 and len(outputs[0][-1].rows) == 1:
        outputs = shared_rows(units, apart=True)
    found: list[list[WindowRows]] = []
    for *some, (common, cus) in outputs:
        pieces = [WindowRows(common[1:-1], cus), WindowRows(common[-1:], cus)] if len(common) > 1 else []
        found.append([WindowRows(common[:1], cus), *some, *(piece for piece in pieces if piece.rows)])
    return found


def outputs_apart(kernels: tile.Kernels, unrolled: bool) -> bool:
    """Whether CUs share no rows: traces of unrolled rows, and of a kernel in parts, do not go by kernel rows alone."""
    return unrolled or kernels.parts > 1


def _pieces(places: range, classes: Callable[[int], tuple[Hashable, ...]]) -> list[Piece]:
    pieces: list[Piece] = []
    for kinds, run in groupby(places, classes):
        members = list(run)
        pieces.append(Piece(members[0], members[-1] + 1, kinds))
    return pieces


def is_written_out(taps: int) -> bool:
    """Whether an average of so many taps has no loops: for all channels of a line, one trace comes behind the other."""
    return taps <= AVERAGED_TAPS


def column_runs(taps: int) -> list[range]:
    """Taps of a kernel row, each a trace, in pieces that are written out: as many in each, but for the last one."""
    size = -(-taps // -(-taps // UNROLLED_AVERAGES))
    return [range(first, min(first + size, taps)) for first in range(0, taps, size)]


def cu_runs(kinds: Mapping[int, Hashable], operations: int) -> list[range]:
    """CUs that get their code one after the other, in runs that share a loop: consecutive ones that need the same.

    `kinds` is what each CU with work needs, in order, `operations` how many operations one executes at most. Few CUs,
    and a single operation of each, take less code, and less time, when all of it is written out.
    """
    runs: list[range] = []
    for cu, kind in kinds.items():
        if runs and runs[-1].stop == cu and kinds[runs[-1].start] == kind:
            runs[-1] = range(runs[-1].start, cu + 1)
        else:
            runs.append(range(cu, cu + 1))
    pieces = ([run] if operations > 1 and len(run) >= LOOPED_CUS else [range(cu, cu + 1) for cu in run] for run in runs)
    return list(chain.from_iterable(pieces))


class Step(NamedTuple):
    """A range of kernel steps in which the same vMACs work."""

    first: int
    stop: int
    vmacs: int


def written_out_runs(first: int, stop: int, most: int, window: tile.Window) -> list[tuple[range, int]]:
    """Columns in a loop, and how many of them, up to `most`, are written out in an iteration; then those left over.

    As many as take the fewest instructions, those issued and those in the cache: in a loop an output takes its traces,
    its start, and the addresses that no other one has; without, each trace and two addresses of its own.
    """
    taps, columns = window.kernel_h * window.kernel_w, stop - first
    alone = 2 * 3 * taps

    def instructions(size: int) -> int:
        turns, left = divmod(columns, size)
        seen = window.kernel_h * ((size - 1) * window.stride_w + window.kernel_w)
        body = size * (taps + 2) + min(size * taps, seen)
        looped = turns * body + body + taps if turns > 1 else turns * size * alone
        return looped + left * alone

    size = min(range(1, most + 1), key=instructions)
    whole = first + columns // size * size
    runs = [(range(first, whole), size)] if whole > first else []
    return [*runs, (range(whole, stop), stop - whole)] if stop > whole else runs


def short_outputs(
    mode: tile.Mode, machine: Machine, window: tile.Window, depth: int, *, parts: int = 1, joined: bool
) -> int:
    """How many pixels of a row are written out where each tap is a trace of a single line; 0 for other outputs.

    There the control core is what takes long. Kernel steps are outside of pixels, which leaves the addresses of
    weights in their registers, and those of maps serve all pixels that see them. `joined`: a kernel row is a trace.
    """
    taps = window.kernel_h * window.kernel_w
    if mode is not tile.Mode.COOP or joined or depth != machine.line_words or parts > 1:
        return 0
    return 0 if taps == 1 else max(1, WRITTEN_OUT // taps)


CONTROL = 2
"""Of a loop in every iteration: count and branch."""


class ShortPixels(NamedTuple):
    """What pixels of a row take whose outputs are short."""

    issued: int
    size: int
    """Instructions in the cache."""


@cache
def short_pixels(
    machine: Machine, window: tile.Window, most: int, count: int, outputs: int, starts: int, traces: int
) -> ShortPixels:
    """What is issued for neighbouring pixels of so many outputs, starts and traces, of which `most` are written out:
    addresses of maps serve the next pixels, too, those of weights stay in registers where there is a loop."""
    issued = size = 0
    for run, written in written_out_runs(0, count, most, window):
        seen = window.kernel_h * ((written - 1) * window.stride_w + window.kernel_w)
        body = written * (traces + starts + outputs) + min(seen, written * traces)
        turns, around = len(run) // written, machine.multiply_latency + CONTROL
        # In a loop weights have their addresses before it, else each trace anew.
        weights = traces if turns > 1 else written * traces
        issued += turns * body + weights + around + (CONTROL * turns if turns > 1 else 0)
        size += body + weights + around
    return ShortPixels(issued, size)


def steps_of(channels: int, lanes: int, vmacs: int) -> list[Step]:
    """Steps that compute `channels` words: whole ones, then one in which only some vMACs have a kernel."""
    groups = -(-channels // lanes)
    whole, rest = divmod(groups, vmacs)
    steps = [Step(0, whole, (1 << vmacs) - 1)] if whole else []
    return [*steps, Step(whole, whole + 1, (1 << rest) - 1)] if rest else steps


def slot_address(buffer: SSAValue, slot: IndexExpr) -> IndexExpr:
    """First word of a slot of a buffer."""
    op = buffer.owner
    assert isinstance(op, tile.BufferOp)
    return op.address_of(slot)


def in_units(words: IndexExpr, unit: int) -> IndexExpr:
    """An address in words as one in units; the layouts see to it that nothing is left over."""
    parts = (words.constant, *(c for _, c in words.linear), *(c for _, c in words.parity))
    if any(part % unit for part in parts):
        raise ValueError(f"address {words} is not a whole number of units of {unit} words")
    return IndexExpr(
        words.constant // unit,
        tuple((index, c // unit) for index, c in words.linear),
        tuple((index, c // unit) for index, c in words.parity),
    )
