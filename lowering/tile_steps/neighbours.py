"""What a layer and those before and behind it know of each other, so that they overlap.

The first loads of a layer are steps of the layer before it, which puts them where buffers are free; and what a layer
leaves pending holds back the steps of the next one that meet it. Both are told in words of the buffers, since each
layer has buffers of its own, and become accesses of the other layer's buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lowering.tile_steps.steps import Access, Buffer, Extent, Region, Role, Step, Template, Unit
from lowering.tile_steps.waits import Bank, Pending
from snowdialect.machine import Machine


class Words(NamedTuple):
    """Words of every maps buffer, or of every weights buffer."""

    weights: bool
    words: Extent


@dataclass(frozen=True)
class Ahead(Template):
    """Template of a load that the layer behind begins with, into a buffer of that layer."""

    load: Template
    buffer: Buffer

    @property
    def names(self) -> tuple[str, ...]:
        return self.load.names


class FirstLoad(NamedTuple):
    """A load that a layer begins with, as the layer before it sees it."""

    template: Ahead
    numbers: tuple[int, ...]
    words: Words
    """What it fills."""
    region: Role | None
    """The maps that it reads."""
    read: tuple[Extent, ...]
    """Their words in memory, for each CU."""
    counts: tuple[int, ...]
    cycles: int
    takes: int
    pixel_by_pixel: bool
    """So many loads that they fill the queues of the load units."""

    def step(self, buffers: Buffers, memory: Region | None) -> Step:
        """The load as a step of the layer before, which stores what it reads to the memory of a region, or nowhere."""
        return Step(
            self.template,
            self.numbers,
            Unit.LOAD,
            () if memory is None else tuple(Access(memory.memory, memory.number, words=words) for words in self.read),
            buffers.accesses(self.words),
            self.counts,
            self.cycles,
            self.takes,
            ahead=True,
            held=buffers.whole_banks(self.words),
            shared=buffers.whole_banks(self.words) if self.pixel_by_pixel else (),
        )


class Left(NamedTuple):
    """Words that a step of a layer may still read or write when all of the layer has been issued; see `Pending`."""

    unit: Unit
    written: bool
    words: Words
    behind: tuple[int | None, ...]


class Stored(NamedTuple):
    """Maps of the layer behind that a layer stores."""

    role: Role
    """What they are to the layer behind."""
    result: int
    """The first of the results of the layer before that lies in their memory."""


class Neighbours(NamedTuple):
    """What the layers before and behind a layer have to do with it."""

    left: tuple[Left, ...] | None = None
    """What is pending when the layer begins, its first loads besides; None: nothing, and these are its own."""
    first_loads: tuple[FirstLoad, ...] = ()
    """What the layer behind begins with."""
    read_behind: frozenset[Stored] = frozenset()
    """The maps of the layer behind that this one stores."""


class Swapped(NamedTuple):
    """How the places of a layer's buffers differ from those of its plan."""

    maps: bool = False
    """The upper end of the maps buffers has taken the place of the lower one: slots of a pair have changed places, and
    a single one is as far from the end as it was from the start."""
    weights: bool = False
    """The same of the weights buffers."""
    inner: bool = False
    """Pairs of slots are where the banks of the maps buffers meet instead of at both ends: for layers that have no
    other slots there."""


class Buffers:
    """The buffers of a layer, and what lies where in them."""

    def __init__(self, machine: Machine, swapped: Swapped) -> None:
        self.machine, self.swapped = machine, swapped
        self.all: list[Buffer] = []
        self._banks: dict[tuple[Role, int, Extent], frozenset[Bank]] = {}

    def add(self, buffer: Buffer) -> Buffer:
        """A buffer of the layer, its slots swapped where they have to be."""
        place, weights = buffer.place, buffer.role is Role.WEIGHTS
        if self.swapped.inner and not weights:
            # Behind the second slots there is nothing, so their pitch tells how much those of a bank take.
            free = self.machine.mbuf_bank_words - (self.machine.mbuf_words - place.stride)
            place = place._replace(start=place.start + free, stride=place.stride - 2 * free)
        if self.swapped.weights if weights else self.swapped.maps:
            if place.slots > 1:
                place = place._replace(start=place.start + place.stride, stride=-place.stride)
            else:
                size = self.machine.wbuf_words if weights else self.machine.mbuf_words
                place = place._replace(start=size - place.start - place.words)
        buffer = buffer._replace(place=place)
        self.all.append(buffer)
        return buffer

    def of(self, role: Role) -> Buffer | None:
        return next((buffer for buffer in self.all if buffer.role is role), None)

    def words(self, access: Access) -> Words | None:
        """The words that an access touches; None for memory."""
        if (buffer := self.of(access.place)) is None:
            return None
        slot = slots_of(buffer)[access.slot]
        first = slot.first + access.rows.first * buffer.place.row
        stop = min(slot.stop, slot.first + access.rows.stop * buffer.place.row)
        return Words(buffer.role is Role.WEIGHTS, Extent(first, stop))

    def accesses(self, words: Words) -> tuple[Access, ...]:
        """The rows that hold some of these words."""
        found: list[Access] = []
        for buffer in self.all:
            for slot, mine in enumerate(slots_of(buffer)):
                if words.weights is (buffer.role is Role.WEIGHTS) and mine.meets(words.words):
                    first = max(0, words.words.first - mine.first) // buffer.place.row
                    stop = -(-(min(mine.stop, words.words.stop) - mine.first) // buffer.place.row)
                    found.append(Access(buffer.role, slot, Extent(first, stop)))
        return tuple(found)

    def banks(self, words: Words) -> frozenset[int]:
        """The banks in which words lie."""
        size = self._bank_words(words.weights)
        return frozenset(range(words.words.first // size, (words.words.stop - 1) // size + 1))

    def whole_banks(self, words: Words) -> tuple[Access, ...]:
        """What lies in the banks in which words lie."""
        size = self._bank_words(words.weights)
        banks = (Words(words.weights, Extent(bank * size, bank * size + size)) for bank in sorted(self.banks(words)))
        return tuple(access for bank in banks for access in self.accesses(bank))

    def whole_banks_of(self, accesses: Iterable[Access]) -> tuple[Access, ...]:
        """What lies in the banks that are touched."""
        found = (words for access in accesses if (words := self.words(access)) is not None)
        return tuple(held for words in found for held in self.whole_banks(words))

    def _bank_words(self, weights: bool) -> int:
        return self.machine.wbuf_bank_words if weights else self.machine.mbuf_bank_words

    def banks_of_access(self, access: Access) -> frozenset[Bank]:
        """The banks of the words that an access touches, none for memory."""
        key = access[:3]
        if key not in self._banks:
            words = self.words(access)
            numbers = () if words is None else self.banks(words)
            self._banks[key] = frozenset((words is not None and words.weights, number) for number in numbers)
        return self._banks[key]

    def left(self, pending: Iterable[Pending]) -> tuple[Left, ...]:
        """What is pending, in words of the buffers."""
        found = (
            Left(unit, written, words, behind)
            for unit, written, accesses, behind in pending
            for access in accesses
            if (words := self.words(access)) is not None
        )
        return tuple(dict.fromkeys(found))

    def pending(self, left: Iterable[Left]) -> Iterator[Pending]:
        """What another layer has left, in these buffers."""
        for unit, written, words, behind in left:
            yield Pending(unit, written, self.accesses(words), behind)

    def banks_of(self, accesses: Iterable[Access], weights: bool) -> frozenset[int]:
        """The banks of maps, or of weights, that are touched."""
        touched = (Words(weights, words) for words in self.touched(accesses, weights))
        return frozenset(bank for words in touched for bank in self.banks(words))

    def touched(self, accesses: Iterable[Access], weights: bool) -> list[Extent]:
        """The words of maps, or of weights, that are touched."""
        found = (words for access in accesses if (words := self.words(access)) is not None)
        return [words.words for words in found if words.weights is weights]

    def busy(self, reads: Iterable[Access], writes: Iterable[Access], weights: bool) -> list[Extent]:
        """What cannot be loaded into while something computes: the banks that it reads, and what it writes."""
        size, banks = self._bank_words(weights), self.banks_of(reads, weights)
        whole = [Extent(bank * size, bank * size + size) for bank in sorted(banks)]
        written = (words for words in self.touched(writes, weights) if not any(words.meets(bank) for bank in whole))
        return [*whole, *dict.fromkeys(written)]


class Ends(NamedTuple):
    """What a layer touches in its buffers when it begins and when it ends, slots as its plan has them."""

    buffers: Buffers
    loads: Sequence[Access]
    """What it loads first."""
    reads: Sequence[Access]
    """What it computes with last."""
    writes: Sequence[Access]
    """Where the results of its last tile go."""

    def turns(self, *, weights: bool) -> list[Swapped]:
        """The ways in which its buffers may be placed."""
        if weights:
            return [Swapped(), Swapped(weights=True)]
        pairs = all(buffer.place.slots == 2 for buffer in self.buffers.all if buffer.role is not Role.WEIGHTS)
        return [Swapped(maps, inner=inner) for inner in (False, True)[: 1 + pairs] for maps in (False, True)]

    def turned(self, swapped: Swapped) -> Buffers:
        """The buffers, placed so."""
        buffers = Buffers(self.buffers.machine, swapped)
        for buffer in self.buffers.all:
            buffers.add(buffer)
        return buffers


def best_swapped(layers: Sequence[Ends]) -> list[Swapped]:
    """How the buffers of layers that follow each other are placed: so that as few words as possible of what a layer
    loads first meet what the layer before it computes with to its end."""
    both = zip(_best_turns(layers, weights=False), _best_turns(layers, weights=True), strict=True)
    return [maps._replace(weights=of_weights.weights) for maps, of_weights in both]


def _best_turns(layers: Sequence[Ends], *, weights: bool) -> list[Swapped]:
    # For the layers so far and each turn of the last one: the fewest words, and the turns by which it has so few.
    first, *others = layers
    best = {turn: (0, [turn]) for turn in first.turns(weights=weights)}
    before = first
    for layer in others:
        busy = {turn: before.turned(turn).busy(before.reads, before.writes, weights) for turn in best}
        best = {
            turn: min((words + _meeting(loads, busy[last]), [*path, turn]) for last, (words, path) in best.items())
            for turn in layer.turns(weights=weights)
            for loads in [layer.turned(turn).touched(layer.loads, weights)]
        }
        before = layer
    return min(best.values())[1]


def _meeting(words: Iterable[Extent], busy: Sequence[Extent]) -> int:
    """How many words lie in what is busy."""
    return sum(max(0, min(it.stop, other.stop) - max(it.first, other.first)) for it in words for other in busy)


def slots_of(buffer: Buffer) -> Sequence[Extent]:
    """The words of each slot of a buffer."""
    place = buffer.place
    starts = (place.slot_start(slot) for slot in range(place.slots))
    return [Extent(start, start + place.words) for start in starts]
