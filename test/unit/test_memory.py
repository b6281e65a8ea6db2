"""Offline dynamic storage allocation: what lives at the same time lies apart, in little more than has to be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lowering.memory import Block, lower_bound, peak, place

blocks = st.builds(
    lambda units, first, steps: Block(units, first, first + steps), *(st.integers(low, 20) for low in (1, 0, 0))
)


def test_chains_alternate() -> None:
    assert place([Block(10, 0, 1), Block(7, 1, 2), Block(3, 2, 3), Block(9, 3, 4)]) == [0, 10, 0, 3]


def test_a_residual_lives_on() -> None:
    skip, inner, result = place([Block(4, 0, 2), Block(4, 1, 2), Block(4, 2, 3)])
    assert sorted((skip, inner, result)) == [0, 4, 8]


def test_nothing() -> None:
    assert place([]) == [] and lower_bound([]) == peak([], []) == 0


@given(st.lists(blocks, max_size=25))
def test_what_lives_together_lies_apart(blocks: list[Block]) -> None:
    addresses = place(blocks)
    assert min(addresses, default=0) >= 0
    for step in range(42):
        alive = sorted(
            (address, block.units)
            for address, block in zip(addresses, blocks, strict=True)
            if block.first <= step <= block.last
        )
        assert all(address + units <= behind for (address, units), (behind, _) in pairwise(alive))
        assert sum(units for _, units in alive) <= lower_bound(blocks) <= peak(blocks, addresses)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=40))
def test_chains_take_what_two_neighbours_take(sizes: list[int]) -> None:
    """Whatever their sizes: the most that a layer reads and writes."""
    chain = [Block(units, number, number + 1) for number, units in enumerate(sizes)]
    assert peak(chain, place(chain)) == max(map(sum, pairwise([*sizes, 0])))


@given(st.lists(blocks, min_size=1, max_size=6))
def test_bound_is_what_lives_at_some_step(blocks: list[Block]) -> None:
    alive = [sum(block.units for block in blocks if block.first <= step <= block.last) for step in range(42)]
    assert lower_bound(blocks) == max(alive)
