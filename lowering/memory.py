"""Addresses for blocks of memory that are needed for a while only: offline dynamic storage allocation.

Blocks whose lives overlap lie apart; others may share words. To find the smallest memory is NP-hard (Garey and Johnson,
SR2), so several orders are tried, at capacities from the lower bound on: the most units that live at the same time. A
chain of layers gets that bound: its blocks lie at the two ends of memory in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

ATTEMPTS = 16
"""Capacities that are tried between the lower bound and what first fit takes."""


class Block(NamedTuple):
    """So many units of memory, needed from step `first` to step `last`, both included."""

    units: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both live at some step."""
        return self.first <= other.last and other.first <= self.last


ORDERS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda block: (block.first, -block.last),
    lambda block: (-block.units, block.first),
    lambda block: (block.first - block.last, -block.units),
    lambda block: (-block.units * (block.last - block.first + 1), block.first),
)
"""In the order of time; the largest first; the longest first; first what takes most of memory and time."""


def lower_bound(blocks: Sequence[Block]) -> int:
    """The most units that live at the same time. No placement takes less."""
    # Blocks that live together do so when the last of them begins.
    begins = {block.first for block in blocks}
    return max(
        (sum(block.units for block in blocks if block.first <= step <= block.last) for step in begins), default=0
    )


def peak(blocks: Sequence[Block], addresses: Sequence[int]) -> int:
    """Units of memory that a placement takes."""
    return max((address + block.units for block, address in zip(blocks, addresses, strict=True)), default=0)


def place(blocks: Sequence[Block]) -> list[int]:
    """An address for each block, in units from 0; blocks that live at the same time lie apart."""
    neighbours = [
        [number for number, other in enumerate(blocks) if number != own and other.meets(block)]
        for own, block in enumerate(blocks)
    ]
    orders = [sorted(range(len(blocks)), key=lambda number, key=key: key(blocks[number])) for key in ORDERS]
    unlimited = [fit(blocks, neighbours, order) for order in orders]
    best = min((found for found in unlimited if found is not None), key=lambda found: peak(blocks, found))
    bound, enough = lower_bound(blocks), peak(blocks, best)
    for capacity in range(bound, enough, max(1, (enough - bound) // ATTEMPTS)):
        for order in orders:
            if (found := fit(blocks, neighbours, order, capacity)) is not None:
                return found
    return best


def fit(
    blocks: Sequence[Block], neighbours: Sequence[Sequence[int]], order: Sequence[int], capacity: int | None = None
) -> list[int] | None:
    """Places blocks in an order, each in the smallest hole between those that live when it does; None if one has none.

    In a hole that reaches up to `capacity` a block lies at its upper end, else at its lower one: so large holes stay in
    the middle. Without a capacity there is no upper end.
    """
    addresses: dict[int, int] = {}
    for number in order:
        units = blocks[number].units
        taken = [(addresses[other], blocks[other].units) for other in neighbours[number] if other in addresses]
        holes: list[tuple[int, int]] = []
        free = 0
        for start, length in sorted(taken):
            if start - free >= units:
                holes.append((start - free, free))
            free = max(free, start + length)
        if holes:
            addresses[number] = min(holes)[1]
        elif capacity is None or not free:
            addresses[number] = free
        elif capacity - free >= units:
            addresses[number] = capacity - units
        else:
            return None
    return [addresses[number] for number in range(len(blocks))]
