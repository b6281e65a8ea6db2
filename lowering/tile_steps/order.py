"""Orders the steps of a tile program so that all else hides behind the MACs, and puts in the waits.

The MACs are kept busy by the queue in front of them. A step of another unit that would have to wait for the last MAC
step is therefore put behind the first part of the next one: when the control core comes to it, the queue holds that
part, and what it has to wait for is about to be done. For this tiles are computed in parts with such steps between.
Where there are no MACs, the steps of the maxima take their place.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lowering.tile_steps.steps import Access, Part, Role, Step, Unit, Work
from snowdialect.machine import Machine

OTHERS = (Unit.MAX, Unit.MOVE, Unit.LOAD)
"""Loads come last between two parts: dispatch holds what reads a bank into which a load is in flight."""
FAR = 16
"""A load that comes so many parts of tiles later is no reason to keep a store back until then."""


def order(program: Sequence[Step | Work], machine: Machine) -> list[Step]:
    """The steps of a program, given in an order in which its results are right, in one in which they are fast."""
    return list(_joined(_with_waits(_interleaved(program, machine), machine)))


class _Item(NamedTuple):
    """A step, and the work that it is a part of."""

    step: Step
    work: Work | None = None
    part: Part | None = None


class _Piece(NamedTuple):
    """A part of a tile in the stream of what computes."""

    item: _Item
    position: int
    """In the order of the program."""
    number: int
    """In the stream."""


@dataclass(eq=False)
class _Other:
    """A step of another unit that is still to be placed."""

    item: _Item
    position: int
    after_piece: int
    """Number of the last piece that has to come before it, -1 for none."""
    after: list[_Other]
    """Other steps that have to come before it."""
    gap: int | None = None
    """The piece behind which it has been placed."""

    @property
    def step(self) -> Step:
        return self.item.step


class _Log:
    """Which steps touched which words: for each slot of a buffer, those of each unit in order."""

    def __init__(self) -> None:
        self.entries: dict[tuple[Role, int], dict[Unit, list[tuple[Access, bool, _Piece | _Other]]]]
        self.entries = defaultdict(lambda: defaultdict(list))

    def add(self, who: _Piece | _Other) -> None:
        step = who.item.step
        for accesses, writes in ((step.reads, False), (step.writes, True)):
            for access in accesses:
                self.entries[access.place, access.slot][step.unit].append((access, writes, who))

    def before(self, step: Step) -> Iterator[_Piece | _Other]:
        """For each access the last step of each unit whose order with this one matters, the very last one first: steps
        of a unit stay in order, so it speaks for those before it."""
        for accesses, writes in ((step.reads, False), (step.writes, True)):
            for access in accesses:
                units = self.entries[access.place, access.slot].values()
                last = [who for entries in units if (who := _last_meeting(entries, access, writes)) is not None]
                yield from sorted(last, key=lambda who: who.position, reverse=True)


def _last_meeting(
    entries: Sequence[tuple[Access, bool, _Piece | _Other]], access: Access, writes: bool
) -> _Piece | _Other | None:
    for other, written, who in reversed(entries):
        if (writes or written) and access.meets(other):
            return who
    return None


def _items(program: Sequence[Step | Work]) -> Iterator[_Item]:
    for item in program:
        if isinstance(item, Step):
            yield _Item(item)
        else:
            yield from (_Item(item.step(part), item, part) for part in item.parts())


def _analysed(items: Sequence[_Item], computing: Unit) -> tuple[list[_Piece], list[_Other]]:
    log = _Log()
    pieces: list[_Piece] = []
    others: list[_Other] = []
    for position, item in enumerate(items):
        if item.step.unit is computing:
            pieces.append(_Piece(item, position, len(pieces)))
            log.add(pieces[-1])
            continue
        last, after = -1, dict[Unit, _Other]()
        for who in log.before(item.step):
            if isinstance(who, _Piece):
                last = max(last, who.number)
            elif (known := after.get(who.step.unit)) is None or known.position < who.position:
                after[who.step.unit] = who
        others.append(_Other(item, position, last, list(after.values())))
        log.add(others[-1])
    return pieces, others


class _Memory:
    """About when loads and stores are done, as far as they have been placed."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.time = 0
        """When the control core comes to the steps that are placed now."""
        self.loads_done = 0
        self.stores_done: deque[int] = deque()
        """When each store in the queue is done."""
        self.loaded: dict[tuple[Role, int], int] = {}
        """When what was last loaded into each slot is there."""

    def load(self, step: Step) -> None:
        self.loads_done = max(self.loads_done, self.time) + step.takes
        self.loaded.update({(access.place, access.slot): self.loads_done for access in step.writes})

    def ready(self, step: Step) -> int:
        """When all is loaded that a step reads."""
        return max((self.loaded.get((access.place, access.slot), 0) for access in step.reads), default=0)

    def store(self, step: Step) -> None:
        count = max(1, sum(step.counts))
        begin = max(self.time, self.loads_done, self.stores_done[-1] if self.stores_done else 0)
        self.stores_done.extend(begin + step.takes * number // count for number in range(1, count + 1))

    def has_room(self, step: Step) -> bool:
        """Whether the queue of the move decoder takes all stores of a step, so that none holds dispatch."""
        while self.stores_done and self.stores_done[0] <= self.time:
            self.stores_done.popleft()
        return not self.stores_done or len(self.stores_done) + sum(step.counts) <= self.machine.queue_depth


def _interleaved(program: Sequence[Step | Work], machine: Machine) -> list[_Item]:
    items = list(_items(program))
    computing = Unit.MAC if any(item.step.unit is Unit.MAC for item in items) else Unit.MAX
    pieces, others = _analysed(items, computing)
    queues = {unit: deque(other for other in others if other.step.unit is unit) for unit in OTHERS}
    waiting = deque(others)
    made: list[_Item] = []
    memory = _Memory(machine)

    def place(other: _Other, gap: int) -> None:
        """Places a step, and before it all that it needs."""
        queue = queues[other.step.unit]
        while other.gap is None:
            first = queue[0]
            for needed in first.after:
                if needed.gap is None:
                    place(needed, gap)
            queue.popleft()
            first.gap = gap
            made.append(first.item)
            if first.step.unit is Unit.LOAD:
                memory.load(first.step)
            elif first.step.to_memory:
                memory.store(first.step)

    busy_until = 0
    for piece in pieces:
        number = piece.number
        while waiting and waiting[0].gap is not None:
            waiting.popleft()
        for other in waiting:
            if other.position > piece.position:
                break
            if other.gap is None and other.step.conflicts(piece.item.step):
                place(other, number - 1)
        made.append(piece.item)
        cover = piece.item.step.cycles
        busy_until = max(busy_until, memory.time, memory.ready(piece.item.step)) + piece.item.step.takes
        memory.time = max(memory.time, busy_until - cover)
        budget = cover
        for unit in OTHERS:
            queue = queues[unit]
            while queue and queue[0].after_piece < number and budget > 0:
                other = queue[0]
                if not all(_done_before(needed, number, unit) for needed in other.after):
                    break
                if other.step.to_memory and not (
                    _before_load(queues[Unit.LOAD], number) and memory.has_room(other.step)
                ):
                    break
                budget -= other.step.cycles
                if budget < 0 and budget + other.step.cycles < cover:
                    break
                place(other, number)
    for other in others:
        if other.gap is None:
            place(other, len(pieces))
    return made


def _before_load(loads: deque[_Other], gap: int) -> bool:
    """Whether a store fits here: before a load, when those before it have left memory to it, or where no load is near.

    Always at the same place of a tile, it rolls into loops.
    """
    return not loads or loads[0].after_piece < gap or loads[0].after_piece > gap + FAR


def _done_before(needed: _Other, gap: int, unit: Unit) -> bool:
    """Whether a step that another one needs lies so far back that waiting for it stops nothing."""
    return needed.gap is not None and (unit is Unit.LOAD or needed.gap < gap)


def _joined(made: Iterable[_Item]) -> Iterator[Step]:
    """Parts of a tile with nothing between them become one step."""
    open_parts: list[Part] = []
    open_work: Work | None = None
    for item in (*made, None):
        if item is None or item.work is None or item.work is not open_work:
            if open_work is not None:
                yield from map(open_work.step, open_parts)
            open_parts, open_work = [], None if item is None else item.work
        if item is None:
            return
        if item.part is None:
            yield item.step
            continue
        part = item.part
        while open_parts and (both := open_parts[-1].joined(part)) is not None:
            open_parts.pop()
            part = both
        open_parts.append(part)


@dataclass(frozen=True)
class Wait:
    """Template of a wait."""

    units: tuple[Unit, ...]
    pending: int


def wait_step(units: tuple[Unit, ...], pending: int) -> Step:
    """A wait until each of the units has at most so many instructions queued or running."""
    return Step(Wait(units, pending), (), Unit.MOVE, (), (), ())


@dataclass(eq=False)
class _Issued:
    """A step in the queues: how many instructions its unit had got in each CU when it was complete."""

    step: Step
    counts: tuple[int, ...]

    def delay(self, behind: _Item, counts: tuple[int, ...]) -> None:
        """Another part, of so many instructions, becomes one step with this one. What computes goes row by row: only
        the other part's last row is behind this one's. What moves goes CU by CU: nothing is."""
        assert behind.part is not None
        rows = behind.part.bottom - behind.part.top
        last_row = 0 if behind.step.unit is Unit.MOVE else 1
        self.counts = tuple(
            count + more - last_row * (more // rows) for count, more in zip(self.counts, counts, strict=True)
        )


_Touched = dict[tuple[Role, int], list[tuple[Access, _Issued]]]
"""The steps that touched a slot of a buffer, and which words of it."""


@dataclass
class _Queue:
    """What a unit has got so far in each CU, and how much of it is known to be done."""

    issued: list[int]
    done: list[int]
    read: _Touched = field(default_factory=lambda: defaultdict(list))
    written: _Touched = field(default_factory=lambda: defaultdict(list))

    def pending(self, issued: _Issued) -> int | None:
        """Instructions that may still be pending when the step is done; None if it is known to be."""
        least: int | None = None
        for total, count, done, own in zip(self.issued, issued.counts, self.done, issued.step.counts, strict=True):
            if own and count > done and (least is None or total - count < least):
                least = total - count
        return least


def _with_waits(items: Iterable[_Item], machine: Machine) -> Iterator[_Item]:
    cus = machine.compute_units
    queues = {unit: _Queue([0] * cus, [0] * cus) for unit in Unit}
    last: _Item | None = None
    joined: list[_Issued] = []
    for item in items:
        step = item.step
        needed: dict[Unit, int] = {}
        for unit, queue in queues.items():
            for pending in _hazards(step, unit, queue):
                needed[unit] = min(pending, needed.get(unit, machine.queue_depth))
        for pending in sorted(set(needed.values())):
            units = tuple(unit for unit in Unit if needed.get(unit) == pending)
            yield _Item(wait_step(units, pending))
            last = None
            for unit in units:
                queue = queues[unit]
                queue.done = [
                    max(done, issued - pending) for done, issued in zip(queue.done, queue.issued, strict=True)
                ]
        yield item
        queue = queues[step.unit]
        counts = step.counts if last is None else _counts_behind(last, item)
        queue.issued = [total + count for total, count in zip(queue.issued, counts, strict=True)]
        issued = _Issued(step, tuple(queue.issued))
        if not _side_by_side(last, item):
            joined = []
        for before in joined:
            before.delay(item, counts)
        joined.append(issued)
        last = item
        for accesses, touched in ((step.reads, queue.read), (step.writes, queue.written)):
            for access in accesses:
                touched[access.place, access.slot].append((access, issued))


def _counts_behind(last: _Item, item: _Item) -> tuple[int, ...]:
    """Instructions that an item adds behind another one: none where both become one, as rows stored in one piece do."""
    counts = item.step.counts
    if item.work is None or item.work is not last.work or last.part is None or item.part is None:
        return counts
    if item.step.unit is not Unit.MOVE or (both := last.part.joined(item.part)) is None:
        return counts
    together = item.work.step(both).counts
    return tuple(
        max(0, min(mine, whole - before))
        for mine, whole, before in zip(counts, together, last.step.counts, strict=True)
    )


def _side_by_side(last: _Item | None, item: _Item) -> bool:
    """Whether two items, one behind the other, become one step whose instructions do not follow their order: parts of
    the same rows, and all parts of a move."""
    if last is None or last.part is None or item.part is None or last.work is not item.work:
        return False
    return item.step.unit is Unit.MOVE or last.part[:2] == item.part[:2]


def _hazards(step: Step, unit: Unit, queue: _Queue) -> Iterator[int]:
    """For each step of a unit that has to be done before this one is issued, what may be pending behind it."""
    # Dispatch holds what reads words that are being loaded.
    if unit is not Unit.LOAD:
        for access in step.reads:
            yield from _pending(access, queue, queue.written)
    # A unit works in order, but a result comes long after the next instruction has begun to read.
    if unit is not step.unit:
        for access in step.writes:
            for touched in (queue.read, queue.written):
                # How many instructions a load becomes is not known here.
                yield from (0 if unit is Unit.LOAD else pending for pending in _pending(access, queue, touched))


def _pending(access: Access, queue: _Queue, touched: _Touched) -> Iterator[int]:
    """What may be pending behind each step that touched these words and is not known to be done; forgets the others."""
    entries = touched.get((access.place, access.slot))
    if not entries:
        return
    live: list[tuple[Access, _Issued]] = []
    for entry in entries:
        other, issued = entry
        pending = queue.pending(issued)
        if pending is not None:
            live.append(entry)
            if access.meets(other):
                yield pending
    touched[access.place, access.slot] = live
