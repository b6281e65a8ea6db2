"""What waits for what: holds back steps until those that they conflict with are done.

A unit executes its own instructions in order, and units run beside each other. How many instructions of a unit may be
pending follows from the counts of its steps. A layer may begin while the one before it is still at work: what that one
has pending is then as if the layer's own steps had begun with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lowering.tile_steps.steps import Access, Item, Part, Role, Step, Template, Unit
from snowdialect.machine import Machine

LONG_AGO = -(1 << 31)


Bank = tuple[bool, int]
"""Whether it is one of weights, and its number."""


def no_banks(access: Access) -> frozenset[Bank]:
    """Where banks are not known."""
    return frozenset()


@dataclass(frozen=True)
class Wait(Template):
    """Template of a wait."""

    units: tuple[Unit, ...]
    pending: int


def wait_step(units: tuple[Unit, ...], pending: int) -> Step:
    """A wait until each of the units has at most so many instructions queued or running."""
    return Step(Wait(units, pending), (), Unit.MOVE, (), (), ())


class Pending(NamedTuple):
    """Words that a step of a unit may still read or write."""

    unit: Unit
    written: bool
    accesses: tuple[Access, ...]
    """None where they are in no buffer of the layer."""
    behind: tuple[int | None, ...]
    """Instructions that the unit has got behind the step in each CU, at most a queue; None where the step has none."""


@dataclass(eq=False)
class _Issued:
    """A step in the queues: how many instructions its unit had got in each CU when it was complete."""

    own: tuple[int, ...]
    """Instructions of the step itself."""
    counts: tuple[int, ...]
    part: Part | None = None
    """Which part of a tile it is; None for a step that is in one piece."""
    in_flight: set[Bank] = field(default_factory=set[Bank])
    """Of a load, the banks that nothing has read since."""
    arrived: bool = False
    """Of a load, whether there are none of these any more."""
    asked: int = -1
    """The state of its queue in which it was last asked what is pending behind it, and the answer."""
    answer: int | None = None

    def delay(self, behind: Item, counts: tuple[int, ...]) -> None:
        """Another part, of so many instructions, becomes one step with this one. What computes goes row by row: of a
        part of the same rows only the last row is behind this one's, and of each part no more than the last pass over
        the pixels. What moves goes CU by CU: nothing is."""
        assert behind.part is not None and self.part is not None
        rows = behind.part.bottom - behind.part.top if behind.part[:2] == self.part[:2] else 1
        last = 0 if behind.step.unit is Unit.MOVE else 1
        split = rows * behind.step.passes
        self.counts = tuple(
            count + more - last * (more // split) for count, more in zip(self.counts, counts, strict=True)
        )


class _Joined(NamedTuple):
    """Parts of a tile that become one step."""

    part: Part | None
    """All of them; None for a step that is in one piece."""
    issued: list[tuple[_Issued, Item, tuple[int, ...]]]
    """What each is in the queues, and its instructions."""


def _join(joined: list[_Joined], item: Item, issued: _Issued, counts: tuple[int, ...]) -> None:
    """Adds an item to those in front of it, which have nothing between them: with the last of these it may become one
    step, and that with the one before. A move, of which it does not matter how much too late it is known to be done,
    does so with all of them."""
    last = _Joined(item.part, [(issued, item, counts)])
    while joined:
        above = joined[-1]
        assert above.part is not None and last.part is not None
        both = above.part.joined(last.part)
        if both is None and item.step.unit is not Unit.MOVE:
            break
        for before, *_ in above.issued:
            for _, behind, more in last.issued:
                before.delay(behind, more)
        last = _Joined(both or last.part, above.issued + last.issued)
        joined.pop()
    joined.append(last)


_Touched = dict[tuple[Role, int], list[tuple[Access, _Issued]]]
"""The steps that touched a slot of a buffer, and which words of it."""


@dataclass
class _Queue:
    """What a unit has got so far in each CU, and how much of it is known to be done."""

    issued: list[int]
    done: list[int]
    read: _Touched = field(default_factory=lambda: defaultdict(list))
    written: _Touched = field(default_factory=lambda: defaultdict(list))
    state: int = 0
    """How often the first two have changed: in between, the parts of a tile ask for the same again and again."""

    def issue(self, counts: tuple[int, ...]) -> None:
        """The unit gets so many instructions more in each CU."""
        self.issued = [total + count for total, count in zip(self.issued, counts, strict=True)]
        self.state += 1

    def wait(self, pending: int) -> None:
        """No more are pending in any CU."""
        self.done = [max(done, issued - pending) for done, issued in zip(self.done, self.issued, strict=True)]
        self.state += 1

    def behind(self, issued: _Issued) -> tuple[int | None, ...]:
        """In each CU, instructions that may still be pending when the step is done; None where it is known to be."""
        if issued.arrived:
            return (None,) * len(self.issued)
        return tuple(
            total - count if own and count > done else None
            for total, count, done, own in zip(self.issued, issued.counts, self.done, issued.own, strict=True)
        )

    def pending(self, issued: _Issued) -> int | None:
        """Instructions that may still be pending when the step is done; None if it is known to be."""
        if issued.arrived:
            return None
        if issued.asked != self.state:
            least: int | None = None
            for total, count, done, own in zip(self.issued, issued.counts, self.done, issued.own, strict=True):
                if own and count > done and (least is None or total - count < least):
                    least = total - count
            issued.asked, issued.answer = self.state, least
        return issued.answer

    def hazard(self, touched: _Touched, access: Access, far: int, least: int | None) -> int | None:
        """The least, `least` included, that may be pending behind a step that touched these words, is not known to be
        done and lies at least `far` instructions back; None if there is none. Forgets what is known to be done."""
        entries = touched[access.place, access.slot]
        live: list[tuple[Access, _Issued]] = []
        for entry in entries:
            pending = self.pending(entry[1])
            if pending is not None:
                live.append(entry)
                if pending >= far and (least is None or pending < least) and access.meets(entry[0]):
                    least = pending
        if not live:
            del touched[access.place, access.slot]
        elif len(live) < len(entries):
            touched[access.place, access.slot] = live
        return least


class Waits:
    """Puts waits into the steps of a layer."""

    def __init__(self, machine: Machine, banks_of: Callable[[Access], frozenset[Bank]] = no_banks) -> None:
        """`banks_of` tells the banks that words lie in: dispatch holds what reads one until loads into it have
        arrived."""
        self.machine, self.banks_of = machine, banks_of
        self.flying: defaultdict[Bank, list[_Issued]] = defaultdict(list)
        """The loads into each bank that nothing has read since."""
        self.reading: list[Step] = []
        """The steps that all CUs compute, of which that is still to be noted."""
        self.queues = {unit: _Queue([0] * machine.compute_units, [LONG_AGO] * machine.compute_units) for unit in Unit}
        self.before: dict[Unit, _Issued] = {}
        """The last of what is pending when the layer begins."""

    def begin_behind(self, pending: Iterable[Pending]) -> None:
        """The layer begins while another one, or its own first loads, have this pending.

        Before the first of its loads and moves all of that is done: then its loads may read memory that the layer
        before stored, its stores may go where that one read, and nothing of it is left when this one ends.
        """
        for unit, written, accesses, behind in pending:
            queue = self.queues[unit]
            issued = _Issued(
                tuple(0 if number is None else 1 for number in behind), tuple(-(number or 0) for number in behind)
            )
            for access in accesses:
                (queue.written if written else queue.read)[access.place, access.slot].append((access, issued))
            if unit is Unit.LOAD:
                self._fly(issued, accesses)
            known = self.before.get(unit, issued)
            self.before[unit] = _Issued(tuple(map(max, known.own, issued.own)), (0,) * len(behind))

    def pending(self) -> Iterator[Pending]:
        """What may be pending in the end."""
        self._arrive()
        depth = self.machine.queue_depth
        for unit, queue in self.queues.items():
            for touched, written in ((queue.read, False), (queue.written, True)):
                for access, issued in (entry for entries in touched.values() for entry in entries):
                    behind = tuple(None if number is None else min(number, depth) for number in queue.behind(issued))
                    if any(number is not None for number in behind):
                        yield Pending(unit, written, (access,), behind)

    def put_in(self, items: Iterable[Item]) -> Iterator[Item]:
        """The same items with waits between them."""
        last: Item | None = None
        joined: list[_Joined] = []
        items = list(items)
        tiles: dict[int, list[Step]] = {}
        for item in items:
            if item.work is not None and item.work.unit is Unit.MAC:
                tiles.setdefault(id(item.work), []).append(item.step)
        for item in items:
            step = item.step
            if self.reading and not _side_by_side(last, item):
                self._arrive()
            whole = () if item.work is None else tiles.pop(id(item.work), ())
            if whole and (needed := self._far(whole)):
                yield from self._wait(needed)
                last = None
            if needed := self._before(step):
                yield from self._wait(needed)
                last = None
            yield item
            queue = self.queues[step.unit]
            counts = step.counts if last is None else _counts_behind(last, item)
            queue.issue(counts)
            issued = _Issued(step.counts, tuple(queue.issued), item.part)
            if not _side_by_side(last, item):
                joined = []
            _join(joined, item, issued, counts)
            last = item
            self._note(step, issued)

    def _before(self, step: Step) -> dict[Unit, int]:
        """What each unit may have pending before a step."""
        needed = self._hazards(step)
        if step.unit in (Unit.LOAD, Unit.MOVE):
            for unit, issued in self.before.items():
                if (pending := self.queues[unit].pending(issued)) is not None:
                    needed[unit] = 0 if unit is Unit.LOAD else min(pending, needed.get(unit, pending))
            self.before = {}
        return needed

    def _far(self, tile: Iterable[Step]) -> dict[Unit, int]:
        """What each unit may have pending before the first part of a tile, for the sake of what any part meets that
        lies so far back that waiting for it stops nothing: so waits are at the same place for all tiles, and loops can
        be made of them."""
        needed: dict[Unit, int] = {}
        for step in tile:
            for unit, pending in self._hazards(step, self.machine.queue_depth).items():
                if unit is not Unit.LOAD:
                    needed[unit] = min(pending, needed.get(unit, pending))
        return needed

    def _hazards(self, step: Step, far: int = 0) -> dict[Unit, int]:
        """What each unit may have pending behind the last of its steps, at least `far` instructions back, that has to
        be done before a step is issued."""
        needed: dict[Unit, int] = {}
        for unit, queue in self.queues.items():
            read, written = queue.read, queue.written
            least: int | None = None
            # Dispatch holds what reads words that are being loaded.
            if written and unit is not Unit.LOAD:
                for access in step.reads:
                    if access[:2] in written:
                        least = queue.hazard(written, access, far, least)
            # A unit works in order, but a result comes long after the next instruction has begun to read. Loads of a
            # layer into the same words take the same load unit; those for the layer behind may take another one.
            if (read or written) and (unit is not step.unit or step.ahead):
                for access in step.writes:
                    if access[:2] in read:
                        least = queue.hazard(read, access, far, least)
                    if access[:2] in written:
                        least = queue.hazard(written, access, far, least)
            if least is not None:
                # How many instructions a load becomes is not known here.
                needed[unit] = 0 if unit is Unit.LOAD else least
        return needed

    def _wait(self, needed: Mapping[Unit, int]) -> Iterator[Item]:
        """Waits until units have at most so many instructions pending."""
        depth = self.machine.queue_depth
        for least in sorted({min(pending, depth) for pending in needed.values()}):
            units = tuple(unit for unit in Unit if unit in needed and min(needed[unit], depth) == least)
            yield Item(wait_step(units, least))
            for unit in units:
                # What else the wait tells of what is done is left out: tiles that know it would not be like others.
                self.queues[unit].wait(needed[unit])

    def _note(self, step: Step, issued: _Issued) -> None:
        """Remembers what a step touches."""
        if step.ahead:
            # Nothing of this layer comes behind it that could meet it.
            return
        queue = self.queues[step.unit]
        for accesses, touched in ((step.reads, queue.read), (step.writes, queue.written)):
            for access in accesses:
                touched[access.place, access.slot].append((access, issued))
        if step.unit is Unit.LOAD:
            self._fly(issued, step.writes)
        elif self.flying and all(step.counts):
            self.reading.append(step)

    def _arrive(self) -> None:
        """Takes note of the loads that have arrived, now that all that is joined with what reads their banks is there:
        until then it is not known what of that comes first."""
        for step in self.reading:
            for access in step.reads if step.seen is None else step.seen:
                banks = self.banks_of(access)
                if len(banks) == 1 or step.seen is not None:
                    for bank in banks:
                        for load in self.flying.pop(bank, ()):
                            load.in_flight.discard(bank)
                            load.arrived = not load.in_flight
        self.reading.clear()

    def _fly(self, load: _Issued, accesses: Iterable[Access]) -> None:
        """A load is on its way until what reads its banks has been dispatched."""
        load.in_flight = {bank for access in accesses for bank in self.banks_of(access)}
        for bank in load.in_flight:
            self.flying[bank].append(load)


def _counts_behind(last: Item, item: Item) -> tuple[int, ...]:
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


def _side_by_side(last: Item | None, item: Item) -> bool:
    """Whether two items, one behind the other, may become one step whose instructions do not follow their order: parts
    of the same rows, all parts of what goes over its pixels several times, and all parts of a move."""
    if last is None or last.part is None or item.part is None or last.work is not item.work:
        return False
    return item.step.unit is Unit.MOVE or item.step.passes > 1 or last.part[:2] == item.part[:2]
