"""What a layer and those before and behind it know of each other, so that they overlap.

The first loads of a layer are steps of the layer before it, which puts them where buffers are free; and what a layer
leaves pending holds back the steps of the next one that meet it. Both are told in words of the buffers, since each
layer has buffers of its own, and become accesses of the other layer's buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lowering.tile_steps.steps import Access, Buffer, Extent, Role, Step, Template, Unit
from lowering.tile_steps.waits import Pending
from snowdialect.machine import Machine


class Words(NamedTuple):
    """Words of every maps buffer, or of every weights buffer."""

    weights: bool
    words: Extent


@dataclass(frozen=True)
class Ahead:
    """Template of a load that the layer behind begins with, into a buffer of that layer."""

    load: Template
    buffer: Buffer


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

    def step(self, buffers: Buffers, memory: Role | None) -> Step:
        """The load as a step of the layer before, which stores to `memory` what it reads, or not."""
        return Step(
            self.template,
            self.numbers,
            Unit.LOAD,
            () if memory is None else tuple(Access(memory, words=words) for words in self.read),
            buffers.accesses(self.words),
            self.counts,
            self.cycles,
            self.takes,
            ahead=True,
            held=buffers.whole_banks(self.words),
        )


class Left(NamedTuple):
    """Words that a step of a layer may still read or write when all of the layer has been issued; see `Pending`."""

    unit: Unit
    written: bool
    words: Words
    behind: tuple[int | None, ...]


class Neighbours(NamedTuple):
    """What the layers before and behind a layer have to do with it."""

    left: tuple[Left, ...] | None = None
    """What is pending when the layer begins, its first loads besides; None: nothing, and these are its own."""
    first_loads: tuple[FirstLoad, ...] = ()
    """What the layer behind begins with."""
    read_behind: frozenset[Role] = frozenset()
    """The maps of the layer behind that this one stores."""


class Swapped(NamedTuple):
    """Whether the slots of the maps buffers, and those of the weights buffer, have changed places."""

    maps: bool = False
    weights: bool = False


class Buffers:
    """The buffers of a layer, and what lies where in them."""

    def __init__(self, machine: Machine, swapped: Swapped) -> None:
        self.machine, self.swapped = machine, swapped
        self.all: list[Buffer] = []

    def add(self, buffer: Buffer) -> Buffer:
        """A buffer of the layer, its slots swapped where they have to be."""
        place = buffer.place
        if place.slots > 1 and (self.swapped.weights if buffer.role is Role.WEIGHTS else self.swapped.maps):
            buffer = buffer._replace(place=place._replace(start=place.start + place.stride, stride=-place.stride))
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

    def in_one_bank(self) -> set[tuple[Role, int]]:
        """The slots that lie in one bank."""
        return {
            (buffer.role, slot)
            for buffer in self.all
            for slot, words in enumerate(slots_of(buffer))
            if len(self.banks(Words(buffer.role is Role.WEIGHTS, words))) == 1
        }

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
        found = (words for access in accesses if (words := self.words(access)) is not None)
        return frozenset(bank for words in found if words.weights is weights for bank in self.banks(words))


def slots_of(buffer: Buffer) -> Sequence[Extent]:
    """The words of each slot of a buffer."""
    place = buffer.place
    starts = (place.slot_start(slot) for slot in range(place.slots))
    return [Extent(start, start + place.words) for start in starts]
