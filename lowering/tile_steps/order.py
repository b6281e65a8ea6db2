"""Orders the steps of a tile program so that all else hides behind the MACs.

The MACs are kept busy by the queue in front of them. A step of another unit that would have to wait for the last MAC
step is therefore put behind the first part of the next one: when the control core comes to it, the queue holds that
part, and what it has to wait for is about to be done. For this tiles are computed in parts with such steps between.
Where there are no MACs, the steps of the maxima take their place.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict, deque
from collections.abc import Container, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby, takewhile
from typing import NamedTuple

from lowering.tile_steps.steps import ALL, Access, Extent, Item, Kinds, Part, Role, Step, Unit, Work
from lowering.tile_steps.waits import Waits
from snowdialect.machine import Machine


class Loads(StrEnum):
    """Loads that are in a line of their own, so that others do not wait for them."""

    SHARED = "shared"
    """Into banks that are computed with: they have to fit in."""
    PATIENT = "patient"
    """Those that give way to others."""


Line = Unit | Loads
"""Steps that stay in order."""
LINES: tuple[Line, ...] = (*Unit, *Loads)
OTHERS: tuple[Line, ...] = (Unit.MAX, Unit.MOVE, Unit.LOAD, Loads.SHARED, Loads.PATIENT)
"""Loads come last between two parts: dispatch holds what reads a bank into which a load is in flight."""
BEFORE_POOLS: tuple[Line, ...] = (Unit.MOVE, Unit.LOAD, *Loads, Unit.MAX)
"""Where the MACs wait for pools, these wait for loads, and take long."""
BY_COLUMN: tuple[Line, ...] = (Unit.MOVE, Unit.LOAD, *Loads, Unit.MAX, Unit.MOVE, Unit.MAX)
"""Where pools are made column by column, some comparisons need nothing of the MACs. What does comes behind these."""
READ, WRITTEN = {False}, {True}
"""What is met: words that were read, and words that were written."""


HELD = 0.75
"""A store may hold dispatch for so much of what the queue of the MACs lasts: the rest is for what comes behind it."""


def order(
    program: Sequence[Step | Work], machine: Machine, waits: Waits | None = None, *, interleave: bool = True
) -> list[Step]:
    """The steps of a program, given in an order in which its results are right, in one in which they are fast.

    `waits` knows what is pending when they begin, nothing if it is not given, and then what is when they end. The order
    that is given stays if they are not to be interleaved.
    """
    waits = Waits(machine) if waits is None else waits
    return list(_joined(waits.put_in(_interleaved(program, machine) if interleave else _items(program))))


class _Piece(NamedTuple):
    """A part of a tile in the stream of what computes."""

    item: Item
    position: int
    """In the order of the program."""
    number: int
    """In the stream."""


@dataclass(eq=False)
class _Other:
    """A step of another unit that is still to be placed."""

    item: Item
    position: int
    after_piece: int
    """Number of the last piece that has to come before it, -1 for none."""
    after: list[_Other]
    """Other steps that have to come before it."""
    gap: int | None = None
    """The piece behind which it has been placed."""
    done: int = 0
    """About when memory is done with it, for a store that has been placed."""

    @property
    def step(self) -> Step:
        return self.item.step

    def ready(self, pieces: Sequence[_Piece]) -> int:
        """The position of the last step that has to come before it."""
        piece = pieces[self.after_piece].position if self.after_piece >= 0 else -1
        return max((piece, *(other.position for other in self.after)))


class _Log:
    """Which steps touched which words: for each slot of a buffer, those of each unit in order."""

    def __init__(self, computing: Unit) -> None:
        self.computing = computing
        self.entries: dict[tuple[Role, int], dict[Line, list[tuple[Access, bool, _Piece | _Other]]]]
        self.entries = defaultdict(lambda: defaultdict(list))

    def add(self, who: _Piece | _Other) -> None:
        step = who.item.step
        for accesses, writes in ((step.reads, False), (step.writes, True)):
            for access in accesses:
                self.entries[access.place, access.slot][_line(step)].append((access, writes, who))

    def before(self, step: Step) -> Iterator[_Piece | _Other]:
        """For each access the last step of each line whose order with this one matters, the very last one first: steps
        of a line stay in order, so it speaks for those before it.

        Loads for the layer behind come behind the MACs that compute with their banks, but not behind comparisons that
        do: those of a pool behind a convolution wait for the last MACs anyway, others come before these.
        """
        for accesses, kinds, lines in (
            (step.reads, WRITTEN, LINES),
            (step.writes, READ | WRITTEN, LINES),
            (step.held, READ, (self.computing,) if step.ahead else (Unit.MAC, Unit.MAX)),
        ):
            for access in accesses:
                entries = self.entries[access.place, access.slot]
                found = (_last_meeting(entries[line], access, kinds) for line in lines if line in entries)
                yield from sorted(filter(None, found), key=lambda who: who.position, reverse=True)


def _line(step: Step) -> Line:
    if step.patient:
        return Loads.PATIENT
    return Loads.SHARED if step.shared else step.unit


def _last_meeting(
    entries: Sequence[tuple[Access, bool, _Piece | _Other]], access: Access, kinds: Container[bool]
) -> _Piece | _Other | None:
    for other, written, who in reversed(entries):
        if written in kinds and access.meets(other):
            return who
    return None


def _items(program: Sequence[Step | Work]) -> Iterator[Item]:
    for item in program:
        if isinstance(item, Step):
            yield Item(item)
        else:
            yield from (Item(item.step(part), item, part) for part in item.parts())


def _analysed(items: Sequence[Item], computing: Unit) -> tuple[list[_Piece], list[_Other]]:
    log = _Log(computing)
    pieces: list[_Piece] = []
    others: list[_Other] = []
    for position, item in enumerate(items):
        if item.step.unit is computing:
            pieces.append(_Piece(item, position, len(pieces)))
            log.add(pieces[-1])
            continue
        last, after = -1, dict[Line, _Other]()
        for who in log.before(item.step):
            if isinstance(who, _Piece):
                last = max(last, who.number)
            elif (known := after.get(line := _line(who.step))) is None or known.position < who.position:
                after[line] = who
        others.append(_Other(item, position, last, list(after.values())))
        if not item.step.ahead:
            log.add(others[-1])
    # Loads for the layer behind do not meet each other: first comes what finds its place first.
    own = [other for other in others if not other.step.ahead]
    ahead = sorted(others[len(own) :], key=lambda other: other.ready(pieces))
    # What comes behind others, in its line or because it needs them, comes behind their pieces.
    latest: dict[Line, int] = {}
    for other in own + ahead:
        line = _line(other.step)
        needed = (needed.after_piece for needed in other.after)
        latest[line] = other.after_piece = max(other.after_piece, latest.get(line, -1), *needed)
    return pieces, own + ahead


class _Memory:
    """About when loads and stores are done, as far as they have been placed; beside each other, both take longer."""

    def __init__(self, machine: Machine, *, by_rows: bool) -> None:
        """`by_rows`: of a slot that is loaded in parts, rows are waited for one without the other."""
        self.machine, self.by_rows = machine, by_rows
        self.time = 0
        """When the control core comes to what is placed behind a piece."""
        self.now = 0
        """When it comes to the step that is placed next."""
        self.loads_done = 0
        self.stored = 0
        """When the last store is done."""
        self.compared = 0
        """When the last comparison is done."""
        self.moves_done: deque[int] = deque()
        """When each store, or move between buffers, in the queue is done."""
        self.loaded: dict[tuple[Role, int], dict[Extent, int]] = defaultdict(dict)
        """When what was last loaded into rows of each slot is there."""

    def compute(self, until: int) -> None:
        """Notes a piece that the control core has done with at that time."""
        self.time = self.now = max(self.time, until)

    def load(self, step: Step) -> None:
        if step.shared:
            self.now = max(self.now, self.loads_done)
        begin = max(self.loads_done, self.now)
        beside = max(0, self.stored - begin)
        self.loads_done = begin + step.takes + min(beside, step.takes)
        for access in step.writes:
            self.loaded[access.place, access.slot][access.rows if self.by_rows else ALL] = self.loads_done

    def compare(self, step: Step) -> None:
        """Notes what comes to a slot by comparisons."""
        self.compared = max(self.now, self.compared, self.ready(step)) + step.takes
        for access in step.writes:
            self.loaded[access.place, access.slot][access.rows if self.by_rows else ALL] = self.compared

    def holds(self, load: Step, step: Step) -> int:
        """For how long a load of pixels, and what is placed before it, would keep a step from being dispatched: until
        there is room for it in the queues of the load units, or, if the step computes with words of its banks, until it
        is done."""
        if not load.shared:
            return 0
        waits = max(self.now, self.loads_done) - self.time
        if any(mine.meets(theirs) for mine in load.shared for theirs in step.reads):
            waits += load.takes + self.machine.memory_latency
        return waits

    def ready(self, step: Step) -> int:
        """When all is loaded that a step reads."""
        ready = 0
        for access in step.reads:
            if (slot := (access.place, access.slot)) in self.loaded:
                for rows, done in self.loaded[slot].items():
                    if done > ready and rows.meets(access.rows):
                        ready = done
        return ready

    def store(self, step: Step) -> int:
        """Notes a store; returns when it is done."""
        self.now = max(self.now, self._taken(step))
        self.stored = self._move(step, self._next_store)
        return self.stored

    def move(self, step: Step) -> None:
        """Notes a move between buffers."""
        self._move(step, self._next_move)

    def _move(self, step: Step, begin: int) -> int:
        count = max(1, sum(step.counts))
        self.moves_done.extend(begin + step.takes * number // count for number in range(1, count + 1))
        return self.moves_done[-1]

    @property
    def _next_move(self) -> int:
        """When a move that is placed now begins: they come in order."""
        return max(self.time, self.moves_done[-1] if self.moves_done else 0)

    @property
    def _next_store(self) -> int:
        """When a store that is placed now begins: loads take memory first."""
        return max(self._next_move, self.loads_done)

    def _taken(self, step: Step) -> int:
        """When the queue of the move decoder has taken all of a store."""
        while self.moves_done and self.moves_done[0] <= self.time:
            self.moves_done.popleft()
        waiting, count = len(self.moves_done), sum(step.counts)
        excess = waiting + count - self.machine.queue_depth
        if excess <= 0:
            return self.time
        # Dispatch goes on when so many stores are done: of those that wait, then of these.
        if excess <= waiting:
            return self.moves_done[excess - 1]
        return self._next_store + step.takes * (excess - waiting) // count

    def has_room(self, step: Step, cover: int) -> bool:
        """Whether the queue of the move decoder takes all of a store before the MACs, whose queue lasts for `cover`,
        stand still; a longer one may begin when memory is free."""
        count = max(1, sum(step.counts))
        alone = step.takes * max(0, count - self.machine.queue_depth) // count
        return self._taken(step) - self.time <= max(alone, HELD * cover)


def _interleaved(program: Sequence[Step | Work], machine: Machine) -> list[Item]:
    items = list(_items(program))
    computing = Unit.MAC if any(item.step.unit is Unit.MAC for item in items) else Unit.MAX
    return _Interleaver(*_analysed(items, computing), machine).run()


class _Interleaver:
    """Places the steps of other units between the pieces.

    A tile beside which there is the same to place as beside an earlier one gets it at the same places, so that loops
    over tiles can be made of both.
    """

    def __init__(self, pieces: Sequence[_Piece], others: Sequence[_Other], machine: Machine) -> None:
        self.pieces, self.others = pieces, others
        self.queues: dict[Line, deque[_Other]] = {line: deque() for line in LINES}
        for other in others:
            self.queues[_line(other.step)].append(other)
        made = {access.place for other in others if other.step.unit is Unit.MAX for access in other.step.writes}
        self.pooled = Role.MAPS_TILE in made
        """Whether a max pool makes what the MACs read."""
        self.by_column = Role.MAXIMA in made
        """Whether it does so column by column."""
        self.lines = BY_COLUMN if self.by_column else BEFORE_POOLS if self.pooled else OTHERS
        self.waiting = deque(others)
        self.memory = _Memory(machine, by_rows=bool(self.queues[Loads.PATIENT]))
        self.busy_until = 0
        """When the MACs are done with what has been placed."""
        self.made: list[Item] = []
        self.kinds = Kinds()
        self.known: dict[Hashable, list[list[Line]]] = {}
        """For what there may be to place beside a tile: the lines of what was placed behind each of its pieces."""
        self.begins = list(accumulate((piece.item.step.takes for piece in pieces), initial=0))
        """When each piece begins if the MACs never wait."""
        self.wanted: dict[_Other, int] = {}
        self.tile = range(0)
        """The pieces of the tile beside which steps are placed."""
        self.patience = 0
        """The piece behind which patient loads come."""
        self.queued = 0
        """For about how many cycles what is in the queue of the MACs keeps them busy."""

    def run(self) -> list[Item]:
        """All steps, in order."""
        for _, tile in groupby(self.pieces, lambda piece: id(piece.item.work or piece.item.step)):
            self._tile(list(tile))
        for other in self.others:
            if other.gap is None:
                self._place(other, len(self.pieces))
        return self.made

    def _tile(self, pieces: Sequence[_Piece]) -> None:
        context = self._context(pieces)
        self.tile = range(pieces[0].number, pieces[-1].number + 1)
        self.patience = self.tile.start
        known, chosen = self.known.get(context), list[list[Line]]()
        for number, piece in enumerate(pieces):
            self._compute(piece)
            if known is None:
                chosen.append(self._place_what_fits(piece))
            else:
                self._place_alike(piece, known[number])
            self._place_what_is_late(piece)
        self.known.setdefault(context, chosen)

    def _context(self, pieces: Sequence[_Piece]) -> Hashable:
        """What there may be to place beside a tile: each step, and the piece of the tile that it has to come behind."""
        first, last, kind = pieces[0].number, pieces[-1].number, self.kinds.of_step
        beside = (takewhile(lambda other: other.after_piece <= last, queue) for queue in self.queues.values())
        return (
            tuple([kind(piece.item.step) for piece in pieces]),
            *((kind(other.step), max(-1, other.after_piece - first)) for others in beside for other in others),
        )

    def _compute(self, piece: _Piece) -> None:
        """Places a piece, and before it what it has to come behind."""
        while self.waiting and self.waiting[0].gap is not None:
            self.waiting.popleft()
        step = piece.item.step
        for other in self.waiting:
            if other.position > piece.position:
                break
            if other.gap is None and (other.step.conflicts(step) or (self.pooled and other.step.holds(step))):
                self._place(other, piece.number - 1)
        self.made.append(piece.item)
        memory = self.memory
        self.busy_until = max(self.busy_until, memory.time, memory.ready(step)) + step.takes
        memory.compute(self.busy_until - step.cycles)
        self.queued = min(self._full(step), self.queued + step.takes)

    def _full(self, step: Step) -> int:
        """For how many cycles a queue full of instructions like those of a step keeps the MACs busy."""
        return step.takes * self.memory.machine.queue_depth // max(1, *step.counts)

    def _place_alike(self, piece: _Piece, lines: Iterable[Line]) -> None:
        for line in lines:
            queue = self.queues[line]
            if queue and queue[0].after_piece < piece.number:
                self._place(queue[0], piece.number)

    def _place_what_fits(self, piece: _Piece) -> list[Line]:
        """Places behind a piece what the MACs' queue covers; returns the lines of that."""
        number, cover, memory = piece.number, piece.item.step.cycles, self.memory
        behind = self.pieces[number + 1].item.step if number + 1 < len(self.pieces) else None
        placed: list[Line] = []
        budget = cover
        for position, line in enumerate(self.lines):
            again = line in self.lines[position + 1 :]
            queue = self.queues[line]
            while queue and queue[0].after_piece < number and budget > 0:
                other = queue[0]
                if not all(self._done_before(needed, number, line) for needed in other.after):
                    break
                if other.step.patient and not self._is_free(other.step, number):
                    break
                if other.step.ahead and any(needed.done > memory.time for needed in other.after):
                    break
                if behind is not None and memory.holds(other.step, behind) > cover:
                    break
                if other.step.to_memory and not (self.by_column or memory.has_room(other.step, cover)):
                    break
                # CUs with fewer instructions have to be done, too: the control core waits until others are nearly done.
                if again and other.after_piece == number - 1:
                    break
                # Maxima take the control core longer than small pieces take the MACs: they wait until what the queue
                # holds covers them, or it is full.
                if other.step.unit is Unit.MAX and self.queued < min(other.step.cycles, self._full(piece.item.step)):
                    break
                budget -= other.step.cycles
                if budget < 0 and budget + other.step.cycles < cover:
                    break
                self._place(other, number)
                placed.append(line)
        return placed

    def _done_before(self, needed: _Other, gap: int, line: Line) -> bool:
        """Whether a step that another one needs lies so far back that waiting for it stops nothing."""
        if needed.gap is None or line in (Unit.LOAD, *Loads) or needed.gap < gap:
            return needed.gap is not None
        return self.by_column and line is needed.step.unit is Unit.MAX

    def _is_free(self, load: Step, number: int) -> bool:
        """Whether memory has time for a patient load behind a piece: before the tile is done, and without keeping the
        MACs waiting for what the next load brings. Only behind its first one, where maps come, too: more parts are
        more code; or, where stores that are not placed yet come first, since the tile waits for them, behind the one
        after it, which `patience` moves on to."""
        if number != self.patience:
            return False
        memory, others = self.memory, self.queues[Unit.LOAD]
        late = self.busy_until - self.begins[number + 1]
        begin = max(memory.loads_done, memory.now, memory.stored) - late
        if begin >= self.begins[self.tile.stop]:
            return False
        done = begin + load.takes
        if done > self._stores_due(number):
            self.patience += 1
            return False
        if not others or done <= self.begins[others[0].after_piece + 1]:
            return True
        return done + others[0].step.takes + memory.machine.memory_latency <= self._wanted(others[0])

    def _stores_due(self, number: int) -> int:
        """When memory has to turn to stores that could come behind a piece, for the sake of the rest of its tile."""
        stores = [other.step for other in takewhile(lambda other: other.after_piece < number, self.queues[Unit.MOVE])]
        left = range(number + 1, self.tile.stop)
        due = (
            self.begins[piece] - store.takes
            for store in stores
            for piece in left
            if store.conflicts(self.pieces[piece].item.step)
        )
        return min(due, default=self.begins[-1])

    def _wanted(self, load: _Other) -> int:
        """When the first piece begins that what is loaded keeps waiting, if the MACs never wait."""
        if load not in self.wanted:
            behind = bisect(self.pieces, load.position, key=lambda piece: piece.position)
            found = (piece.number for piece in self.pieces[behind:] if piece.item.step.conflicts(load.step))
            self.wanted[load] = self.begins[next(found, len(self.pieces))]
        return self.wanted[load]

    def _place_what_is_late(self, piece: _Piece) -> None:
        """Places loads that wait for a piece before the next one, where the MACs have to wait for what that reads
        anyway: so memory does not wait, too. Not while there is something to store, which loads would hold up."""
        number, loads, moves = piece.number, self.queues[Unit.LOAD], self.queues[Unit.MOVE]
        if number + 1 == len(self.pieces) or (moves and moves[0].after_piece <= number):
            return
        ready = self.memory.ready(self.pieces[number + 1].item.step)
        while loads and loads[0].after_piece == number and not loads[0].step.ahead:
            begin = max(self.memory.now, self.busy_until)
            if begin + loads[0].step.cycles > ready or not all(other.gap is not None for other in loads[0].after):
                return
            self.memory.now = begin
            self._place(loads[0], number)

    def _place(self, other: _Other, gap: int) -> None:
        """Places a step, and before it all that it needs."""
        queue = self.queues[_line(other.step)]
        while other.gap is None:
            first = queue[0]
            for needed in first.after:
                if needed.gap is None:
                    self._place(needed, gap)
            queue.popleft()
            first.gap = gap
            self.queued = max(0, self.queued - first.step.cycles)
            self.made.append(first.item)
            if first.step.unit is Unit.MAX and self.by_column:
                self.memory.compare(first.step)
            elif first.step.unit is Unit.LOAD:
                self.memory.load(first.step)
            elif first.step.to_memory:
                first.done = self.memory.store(first.step)
            elif first.step.unit is Unit.MOVE:
                self.memory.move(first.step)


def _joined(made: Iterable[Item]) -> Iterator[Step]:
    """Parts of a tile with nothing between them become one step."""
    for work, run in groupby(made, lambda item: item.work):
        if work is None:
            yield from (item.step for item in run)
            continue
        alone: dict[Part, Step] = {}
        parts: list[Part] = []
        for item in run:
            assert item.part is not None
            part = item.part
            alone[part] = item.step
            while parts and (both := parts[-1].joined(part)) is not None:
                parts.pop()
                part = both
            parts.append(part)
        yield from (alone.get(part) or work.step(part) for part in parts)
