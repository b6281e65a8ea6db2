"""Which load unit fetches what: evenly, so that all of the bandwidth is used, and always the same for the same words.

A unit keeps its loads in order, but units do not wait for each other: a late load of words that nothing reads could
overwrite those of the next tile, if it came through another unit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from xdsl.ir import Operation, SSAValue

from snowdialect.dialects import tile
from snowdialect.dialects.target import machine_of
from snowdialect.machine import Machine


class UnitPart(NamedTuple):
    """The part of a tile that one unit loads: transfers from the start of its first row on, or whole rows."""

    part: range
    unit: int


CODE_UNIT = 0
"""The unit that fetches instructions."""
ROWS_A_UNIT = 2
"""With fewer rows for each unit, rows are cut."""


def row_cuts(machine: Machine, rows: int, words: int) -> list[range]:
    """The words of a row of a buffer that each load unit fetches, where all CUs get at most so many rows at a time and
    these do not lie in one piece. Empty where units take whole rows: of many, or of short ones."""
    transfers = words // machine.transfer_words
    if rows >= ROWS_A_UNIT * machine.load_units or transfers < machine.load_units:
        return []
    cuts = [transfers * unit // machine.load_units * machine.transfer_words for unit in range(machine.load_units + 1)]
    return [range(*ends) for ends in pairwise(cuts)]


class _Shared(NamedTuple):
    """How loads are shared out among units."""

    working: int
    """Mask of the CUs that have rows of their own."""
    units: int
    """Those for each of these, or for all."""
    pieces: list[range]
    """Transfers or rows that every load takes as a whole, each through a unit."""


@dataclass
class LoadUnits:
    """Gives out the load units of a machine."""

    machine: Machine
    _joined: dict[SSAValue, bool] = field(default_factory=dict[SSAValue, bool])
    """Whether all loads of a maps buffer take rows that lie in one piece."""
    _parts: dict[SSAValue | Operation, _Shared] = field(default_factory=dict[SSAValue | Operation, _Shared])
    """For each maps buffer, or for a load that comes ahead."""
    _cuts: dict[SSAValue, list[range]] = field(default_factory=dict[SSAValue, list[range]])
    """For each maps buffer, the words of its rows that each unit loads."""
    _split: dict[SSAValue, bool] = field(default_factory=dict[SSAValue, bool])
    """Whether all loads of a weights buffer bring each CU kernels of its own."""

    def row_transfers(self, op: tile.LoadOp) -> int:
        """Transfers of a row where all loads of the buffer take rows that lie in one piece, so that units may share
        them out by transfers; else 0: units take whole rows."""
        if op.buffer not in self._joined:
            # Asked once: loads that have been lowered use the buffer no more.
            self._joined[op.buffer] = all(map(_in_one_piece, _loads(op.buffer)))
        return op.maps.row.data // self.machine.transfer_words if self._joined[op.buffer] else 0

    def maps(self, op: tile.LoadOp, rows: range, cu: int) -> list[UnitPart]:
        """Which units load these rows of a tile, for the first of the CUs that want them or for `cu` alone.

        A CU with rows of its own has its own units; rows for all CUs are shared out among all units.
        """
        # What fills a buffer of the layer behind is all that does before it is waited for.
        once = _is_ahead(op.buffer)
        key, size = op if once else op.buffer, max(1, self.row_transfers(op))
        if key not in self._parts:
            # Asked once, as above.
            self._parts[key] = self._shared([op] if once else _loads(op.buffer), size, once=once)
        working, count, pieces = self._parts[key]
        cu = (working & (1 << cu) - 1).bit_count()
        wanted = range(rows.start * size, rows.stop * size)
        found: list[UnitPart] = []
        for number, piece in enumerate(pieces):
            if piece.start not in wanted:
                continue
            unit = (cu * count + number % count) % self.machine.load_units
            if found and found[-1].unit == unit:
                found[-1] = UnitPart(range(found[-1].part.start, piece.stop), unit)
            else:
                found.append(UnitPart(piece, unit))
        return found

    def _shared(self, loads: list[tile.LoadOp], size: int, *, once: bool) -> _Shared:
        """How the loads of a buffer are shared out, whose rows have so many parts. Where few CUs have work, each has
        more units; those below the highest one count as well, unless the buffer is filled once."""
        working, units = 0, self.machine.load_units
        if all(load.span.record.share for load in loads):
            highest = max(load.span.record.cus.bit_length() for load in loads)
            working = loads[0].span.record.cus if once else (1 << highest) - 1
            units = max(1, units // working.bit_count())
        return _Shared(working, units, _common_pieces(loads, units, size))

    def row_cuts(self, op: tile.LoadOp) -> list[range]:
        """See the function `row_cuts`; the same for all loads of a buffer."""
        if op.buffer not in self._cuts:
            loads, buffer = _loads(op.buffer), op.buffer.type
            assert isinstance(buffer, tile.MapsBufferType)
            rows = max(load.span.record.bottom - load.span.record.top for load in loads)
            whole = self.row_transfers(op) or any(load.span.record.share for load in loads)
            self._cuts[op.buffer] = [] if whole else row_cuts(self.machine, rows, buffer.row.data)
        return self._cuts[op.buffer]

    def pixels(self, op: tile.LoadPixelsOp, cu: int) -> int:
        """The unit for the pixels of a CU."""
        return cu % self.machine.load_units

    def weights(self, op: tile.LoadWeightsOp, run: tile.WeightsRun) -> int:
        """The unit for the WBuf of a vMAC in the CUs of a run."""
        if op.buffer not in self._split:
            loads = [use.operation for use in op.buffer.uses if isinstance(use.operation, tile.LoadWeightsOp)]
            self._split[op.buffer] = all(load.kernels_of_cus for load in loads)
        number = run.vmac + (run.cus[0] * self.machine.vmacs if self._split[op.buffer] else 0)
        return number % self.machine.load_units


def _is_ahead(buffer: SSAValue) -> bool:
    """Whether a buffer is one of the layer behind."""
    return isinstance(buffer.owner, tile.BufferOp) and buffer.owner.ahead is not None


def _in_one_piece(load: tile.LoadOp) -> bool:
    """Whether the rows of a tile follow each other in memory and in the buffer."""
    assert isinstance(load.buffer.type, tile.MapsBufferType)
    columns = load.columns_at(tile.outer_indices(load))
    return len(columns) == load.maps.width.data and load.maps.row == load.buffer.type.row


def _loads(buffer: SSAValue) -> list[tile.LoadOp]:
    return [use.operation for use in buffer.uses if isinstance(use.operation, tile.LoadOp)]


def _common_pieces(loads: list[tile.LoadOp], count: int, size: int) -> list[range]:
    """The rows that loads fill, in parts of which a row has `size`, cut wherever one of them begins or ends, and each
    piece into up to `count`."""
    filled = [
        range(rows.start * size, rows.stop * size)
        for load in loads
        for cu in range(machine_of(load).compute_units)
        if (rows := load.rows_at(tile.outer_indices(load), cu))
    ]
    ends = sorted({end for rows in filled for end in (rows.start, rows.stop)})
    pieces: list[range] = []
    for start, stop in pairwise(ends):
        if any(start in rows for rows in filled):
            length = stop - start
            cuts = [start + length * cut // count for cut in range(count + 1)]
            pieces += [range(low, high) for low, high in pairwise(cuts) if low < high]
    return pieces
