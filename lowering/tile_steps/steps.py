"""The steps of a layer's tile program: operations of the tile dialect with all their numbers, before loops are made.

A step says what it reads and writes of the buffers, which unit executes it and how many instructions it gives that
unit; that is what ordering and waiting need (lowering/tile_steps/order.py). What two steps of a loop have in common is
their template, what differs are their numbers, of which the template has the names (lowering/tile_steps/roll.py). Steps
name what they work on by the role that it has in the layer: layers that are alike have the same steps
(lowering/tile_steps/emit.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import ClassVar, NamedTuple, Protocol, TypeVar

from lowering.maps_tiling import Place
from snowdialect.layout import MapsLayout

Number = TypeVar("Number")
"""A number of a step, or the address that it becomes in a loop."""


class Unit(StrEnum):
    """What executes a step, under the names of `mov wait`."""

    LOAD = "load"
    MAC = "mac"
    MAX = "max"
    MOVE = "move"


class Role(StrEnum):
    """What an operand is to its layer."""

    MAPS = "maps"
    OTHER = "other"
    """What is read pixel for pixel with the result."""
    RESULT = "result"
    PACKED = "packed"
    """The weights in memory."""
    MAPS_TILE = "maps tile"
    UNPOOLED_TILE = "unpooled tile"
    """What a max pool makes the maps tile of."""
    MAXIMA = "maxima"
    """Those of all rows under the windows of that pool, column by column."""
    OTHER_TILE = "other tile"
    RESULT_TILE = "result tile"
    POOLED_TILE = "pooled tile"
    HALO = "halo"
    KEPT = "kept columns"
    BIASES = "biases"
    """Those in the maps buffers."""
    WEIGHTS = "weights"
    """The weights buffer."""


class Region(NamedTuple):
    """Maps in memory."""

    role: Role
    layout: MapsLayout
    memory: Role
    """The first of the layer's regions that lies in the same memory."""
    start: int = 0
    """Words from the start of that memory to the first row."""
    number: int = 0
    """Which memory: the first of the layer's results that lies in it."""


class Maps(NamedTuple):
    """Regions of a layer: what it reads, what it reads pixel for pixel with the result, what it writes."""

    maps: Region
    other: Region | None
    result: Region
    siblings: tuple[Region, ...] = ()
    """What it writes besides, where several convolutions are one."""

    @property
    def results(self) -> tuple[Region, ...]:
        """All that it writes."""
        return self.result, *self.siblings


def maps_of(
    maps: MapsLayout, other: MapsLayout | None, result: MapsLayout, siblings: Sequence[MapsLayout] = ()
) -> Maps:
    """Regions of these layouts, each in memory of its own."""
    return Maps(
        Region(Role.MAPS, maps, Role.MAPS),
        None if other is None else Region(Role.OTHER, other, Role.OTHER),
        Region(Role.RESULT, result, Role.RESULT),
        tuple(Region(Role.RESULT, layout, Role.RESULT, 0, 1 + number) for number, layout in enumerate(siblings)),
    )


class Buffer(NamedTuple):
    """A buffer of a layer."""

    role: Role
    place: Place
    unit: int
    """Words of a pixel, or of a block of kernels."""


@dataclass(frozen=True)
class Template:
    """What a step is but for its numbers; equal templates make equal code."""

    NUMBERS: ClassVar[tuple[str, ...]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the numbers are, in order."""
        return self.NUMBERS

    @property
    def slots(self) -> tuple[int, ...]:
        """Which of the numbers are slots of buffers."""
        return _slots(self.names)

    def named(self, numbers: Sequence[Number]) -> dict[str, Number]:
        """The numbers by their names."""
        return dict(zip(self.names, numbers, strict=True))


@cache
def _slots(names: Sequence[str]) -> tuple[int, ...]:
    return tuple(place for place, name in enumerate(names) if name.endswith("slot"))


@dataclass
class Kinds:
    """Numbers of templates, and of whatever else is told apart; equal ones have the same."""

    _by_value: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    _by_identity: dict[int, int] = field(default_factory=dict[int, int])
    """Many steps share a template, which is long and hashed in Python."""

    def of(self, value: Hashable) -> int:
        """The number of a value."""
        return self._by_value.setdefault(value, len(self._by_value))

    def of_step(self, step: Step) -> int:
        """The number of the template of a step, which lives as long as the numbers are asked for."""
        number = self._by_identity.get(id(step.template))
        if number is None:
            number = self._by_identity[id(step.template)] = self.of(step.template)
        return number


class Extent(NamedTuple):
    """From `first` to below `stop`."""

    first: int
    stop: int

    def meets(self, other: Extent) -> bool:
        return self.first < other.stop and other.first < self.stop


ALL = Extent(0, 1 << 31)


class Access(NamedTuple):
    """Words of a buffer, or of a region of memory, that a step reads or writes."""

    place: Role
    slot: int = 0
    rows: Extent = ALL
    columns: Extent = ALL
    words: Extent = ALL
    """Words of each pixel; of a weights buffer, all."""

    def meets(self, other: Access) -> bool:
        """Whether both touch the same words."""
        # As Extent does it, without the calls: it is asked some 100 000 times a network.
        return (
            self.place is other.place
            and self.slot == other.slot
            and self.rows.first < other.rows.stop
            and other.rows.first < self.rows.stop
            and self.columns.first < other.columns.stop
            and other.columns.first < self.columns.stop
            and self.words.first < other.words.stop
            and other.words.first < self.words.stop
        )


@dataclass(eq=False, slots=True)
class Step:
    """One operation of the tile program.

    Nobody changes one. It is not frozen, since networks take some 100 000 of them until schedules are chosen, and
    frozen ones three times as long.
    """

    template: Template
    numbers: tuple[int, ...]
    unit: Unit
    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    counts: tuple[int, ...]
    """Instructions that each CU gets of the step, at least; those of a move are all in the first place."""
    cycles: int = 0
    """For a MAC step, the cycles that a full queue of its instructions keeps the MACs busy; for others, about how many
    the control core takes to issue it."""
    takes: int = 0
    """About how many cycles the MACs, memory or, with a move between buffers, its decoder are busy with it."""
    to_memory: bool = False
    """Whether it is a store, which loads that are in flight keep from memory."""
    patient: bool = False
    """Whether it is a load that gives way to others: it comes when memory has time for it."""
    ahead: bool = False
    """Whether it is a load for the layer behind."""
    seen: tuple[Access, ...] | None = None
    """Words in several banks, each of which all CUs read; None: all read what of `reads` lies in one."""
    held: tuple[Access, ...] = ()
    """What a load keeps from being computed with while it is in flight, and comes behind: all of its banks."""
    shared: tuple[Access, ...] = ()
    """The same of a load that comes while its banks are computed with, and so has to be short."""
    passes: int = 1
    """How often it goes over its pixels: once for each kernel step, where these come outside of them."""

    def conflicts(self, other: Step) -> bool:
        """Whether the order of the two matters."""
        return any(
            mine.meets(theirs)
            for ours, others in (
                (self.writes, other.reads),
                (self.writes, other.writes),
                (self.reads, other.writes),
            )
            for mine in ours
            for theirs in others
        )

    def holds(self, other: Step) -> bool:
        """Whether the other, issued while this load is in flight, would have to wait for it."""
        return any(mine.meets(theirs) for mine in self.held for theirs in other.reads)


class Part(NamedTuple):
    """Local rows and columns of a tile."""

    top: int
    bottom: int
    left: int
    right: int

    def joined(self, other: Part) -> Part | None:
        """Both as one, where they lie side by side."""
        if self[2:] == other[2:] and self.bottom == other.top:
            return Part(self.top, other.bottom, self.left, self.right)
        if self[:2] == other[:2] and self.right == other.left:
            return Part(self.top, self.bottom, self.left, other.right)
        return None


class Item(NamedTuple):
    """A step, and the work that it is a part of."""

    step: Step
    work: Work | None = None
    part: Part | None = None


class Work(Protocol):
    """A tile to be computed, or stored, which may be cut into parts with other steps between them."""

    @property
    def unit(self) -> Unit:
        """What executes it."""
        ...

    def parts(self) -> list[Part]:
        """The smallest parts worth cutting it into, in order: row by row, from left to right."""
        ...

    def step(self, part: Part) -> Step:
        """The step for a part."""
        ...
