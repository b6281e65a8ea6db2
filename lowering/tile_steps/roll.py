"""Rolls a straight tile program into loops: what repeats with numbers that change evenly becomes a `tile.for`.

Short repeats are rolled first, so that inner loops are found before the loops around them. From one iteration to the
next a number stays, grows by the same amount each time, or alternates between two values, as slots of buffers do. The
bank of a slot follows from its parity, and an address knows the parity of one index alone: of loops around each other,
one at most turns it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lowering.tile_steps.steps import Kinds, Step, Template

LONGEST = 256
"""Steps and loops of a body at most; longer repeats are rare, and looking for them takes long."""


class Change(NamedTuple):
    """How a number differs in iteration i: by `linear * i + parity * (i mod 2)`."""

    linear: int
    parity: int


@dataclass(frozen=True, eq=False)
class Node:
    """A step or a loop, with the numbers of its steps in the first iteration of all loops in it."""

    kind: int
    """Equal for nodes that differ in their numbers only."""
    numbers: tuple[int, ...]
    steps: int
    steady: tuple[int, ...]
    """Places among the numbers of slots whose parity no loop inside turns."""
    turned: tuple[int, ...]
    """Those of slots whose parity a loop inside turns."""


@dataclass(frozen=True, eq=False)
class Leaf(Node):
    template: Template


@dataclass(frozen=True, eq=False)
class Loop(Node):
    count: int
    body: tuple[Node, ...]
    changes: tuple[Change, ...]


def roll(steps: Sequence[Step]) -> list[Node]:
    """The steps as nested loops, in the same order."""
    kinds = Kinds()
    nodes = _leaves(steps, kinds)
    period = 0
    while (period := _next_period(nodes, period + 1)) is not None:
        rolled = list(_roll_period(nodes, period, kinds))
        if len(rolled) < len(nodes):
            nodes, period = rolled, 0
    return nodes


def _next_period(nodes: Sequence[Node], least: int) -> int | None:
    """The shortest period from `least` on after which the kinds of so many nodes repeat; None if there is none."""
    kinds = np.fromiter((node.kind for node in nodes), np.int64, len(nodes))
    for period in range(least, min(len(nodes) // 2, LONGEST) + 1):
        equal = kinds[period:] == kinds[:-period]
        if np.count_nonzero(equal) < period:
            continue
        same = np.concatenate(([0], np.cumsum(equal)))
        if (same[period:] - same[:-period] == period).any():
            return period
    return None


def straight(steps: Sequence[Step]) -> list[Node]:
    """The steps without loops."""
    return _leaves(steps, Kinds())


def _leaves(steps: Sequence[Step], kinds: Kinds) -> list[Node]:
    return [Leaf(kinds.of_step(step), step.numbers, 1, step.template.slots, (), step.template) for step in steps]


def _roll_period(nodes: list[Node], period: int, kinds: Kinds) -> Iterator[Node]:
    position = 0
    alike = [here.kind == behind.kind for here, behind in zip(nodes, nodes[period:], strict=False)]
    while position < len(nodes):
        # Few nodes begin a repeat.
        begins = position < len(alike) and alike[position]
        count, changes = _repeats(nodes, position, period) if begins else (1, ())
        if count == 1:
            yield nodes[position]
            position += 1
            continue
        body = nodes[position : position + period]
        steady, turned = _slots_of(body)
        turns = [place for place, change in enumerate(changes) if (change.linear + change.parity) % 2]
        if (count - 1) * sum(node.steps for node in body) < 2 or not turned.isdisjoint(turns):
            yield nodes[position]
            position += 1
            continue
        yield Loop(
            kinds.of((count, tuple(node.kind for node in body), changes)),
            numbers_of(body),
            sum(node.steps for node in body),
            tuple(steady.difference(turns)),
            tuple(turned.union(steady.intersection(turns))),
            count,
            tuple(body),
            changes,
        )
        position += count * period


def _slots_of(nodes: Sequence[Node]) -> tuple[set[int], set[int]]:
    """Places of slots among the numbers of all nodes: the steady ones, and those that are turned."""
    steady, turned, first = set[int](), set[int](), 0
    for node in nodes:
        steady.update(first + place for place in node.steady)
        turned.update(first + place for place in node.turned)
        first += len(node.numbers)
    return steady, turned


def _repeats(nodes: list[Node], first: int, period: int) -> tuple[int, tuple[Change, ...]]:
    """How often the nodes from `first` on repeat, and how their numbers change."""
    second = first + period
    if second + period > len(nodes):
        return 1, ()
    kinds = [node.kind for node in nodes[first:second]]
    if kinds != [node.kind for node in nodes[second : second + period]]:
        return 1, ()
    start, after = numbers_of(nodes[first:second]), numbers_of(nodes[second : second + period])
    changes = _first_changes(start, after)
    count = 2
    for begin in range(second + period, len(nodes) - period + 1, period):
        window = nodes[begin : begin + period]
        if kinds != [node.kind for node in window]:
            break
        numbers = numbers_of(window)
        if count == 2:
            # The third value tells what alternates from what grows.
            changes = [
                Change(0, b - a) if third == a else Change(b - a, 0)
                for a, b, third in zip(start, after, numbers, strict=True)
            ]
        expected = (
            a + change.linear * count + change.parity * (count % 2) for a, change in zip(start, changes, strict=True)
        )
        if any(number != wanted for number, wanted in zip(numbers, expected, strict=True)):
            if count == 2:
                changes = _first_changes(start, after)
            break
        count += 1
    return count, tuple(changes)


def _first_changes(start: tuple[int, ...], after: tuple[int, ...]) -> list[Change]:
    """What two iterations tell: 0 and 1 may be the slots of a buffer, which are told apart by parity."""
    return [Change(0, b - a) if {a, b} == {0, 1} else Change(b - a, 0) for a, b in zip(start, after, strict=True)]


def code_size(nodes: Sequence[Node]) -> int:
    """How many operations the nodes become, loops not counted: about what their code is proportional to."""
    return sum(code_size(node.body) if isinstance(node, Loop) else 1 for node in nodes)


def numbers_of(nodes: Sequence[Node]) -> tuple[int, ...]:
    """The numbers of all their steps, in the first iterations."""
    return tuple(number for node in nodes for number in node.numbers)
