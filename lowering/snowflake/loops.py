"""The loops of a program, and its operations by kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from xdsl.ir import Block, Operation

from snowdialect.dialects.snowflake import ForOp

_Op = TypeVar("_Op", bound=Operation)


def ops_in(block: Block, kind: type[_Op]) -> list[_Op]:
    """The operations of a kind, which has no subclasses, directly in a block."""
    # isinstance takes a way around by abc for what is of another kind, as nearly all operations are, and xDSL's
    # iterator takes two calls for each operation, of which networks have a million in all that is asked.
    found: list[_Op] = []
    op = block.first_op
    while op is not None:
        if type(op) is kind:
            found.append(op)
        op = op._next_op  # pyright: ignore[reportPrivateUsage]
    return found


def loops_in(block: Block) -> list[ForOp]:
    """The loops directly in a block."""
    return ops_in(block, ForOp)


def all_loops(block: Block) -> Iterator[ForOp]:
    """The loops in a block and those in them, a loop before those inside."""
    for loop in loops_in(block):
        yield loop
        yield from all_loops(loop.block)


def loops_by_height(nest: ForOp) -> list[list[ForOp]]:
    """The loops of a nest, innermost ones first: those without inner loops, those with one level of them, ...

    What happens in one loop, or directly before it, leaves what is live in another one of the same height as it is, so
    a pass needs one count for each height.
    """
    levels: list[list[ForOp]] = []

    def height(loop: ForOp) -> int:
        own = max((height(inner) + 1 for inner in loops_in(loop.block)), default=0)
        levels.extend([] for _ in range(own + 1 - len(levels)))
        levels[own].append(loop)
        return own

    height(nest)
    return levels
