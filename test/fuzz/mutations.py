"""Damage of any file: what a disk, a network, an editor or an attacker does to bytes and to numbers in a text."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[bytes, Random], bytes]
"""Makes damaged content of intact content."""

INTEGERS = (0, -1, 1, 2, 3, 16, 17, 255, 1000, 2**16, 2**20, 2**24, 2**24 + 1, 2**31 - 1, 2**31, -(2**31), 2**32)
LONG_INTEGERS = (*INTEGERS, 2**40, 2**62, 2**63 - 1, -(2**63))
REALS = (0.5, -0.0, 1e6 + 0.5, 2.0**53, 1e30, 1e31, 1e300, float("nan"), float("inf"), float("-inf"))
"""Numbers that readers get wrong: at the borders of types, of limits, and beyond."""

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def truncate(content: bytes, rng: Random) -> bytes:
    return content[: place(content, rng)]


def flip_bits(content: bytes, rng: Random) -> bytes:
    damaged = bytearray(content or b"\0")
    for _ in range(rng.choice((1, 1, 1, 4, 64))):
        damaged[place(damaged, rng)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def copy_within(content: bytes, rng: Random) -> bytes:
    """A piece in the place of another, or between what was there."""
    start, size = place(content, rng), rng.choice((1, 4, 8, 40, 400))
    target = place(content, rng)
    return content[:target] + content[start : start + size] + content[target + rng.choice((0, size)) :]


def remove(content: bytes, rng: Random) -> bytes:
    start = place(content, rng)
    return content[:start] + content[start + rng.choice((1, 4, 8, 40, 400)) :]


def overwrite_number(content: bytes, rng: Random) -> bytes:
    """A number of four or eight bytes anywhere, aligned or not."""
    start = place(content, rng)
    form, numbers = rng.choice((("<i", INTEGERS[:-5]), ("<q", LONG_INTEGERS), ("<d", REALS)))
    number = struct.pack(form, rng.choice(numbers))
    return content[:start] + number + content[start + len(number) :]


def replace_number(content: bytes, rng: Random) -> bytes:
    """A number in a text."""
    numbers = list(_NUMBER.finditer(content))
    if not numbers:
        return truncate(content, rng)
    found = rng.choice(numbers)
    return content[: found.start()] + str(rng.choice((*LONG_INTEGERS, *REALS))).encode() + content[found.end() :]


def move_line(content: bytes, rng: Random) -> bytes:
    """A line in another place, twice or many times."""
    lines = content.splitlines(keepends=True) or [content]
    line = rng.choice(lines)
    if rng.random() < 0.5:
        lines.remove(line)
    lines[(at := rng.randrange(len(lines) + 1)) : at] = [line] * rng.choice((0, 1, 1, 2, 50))
    return b"".join(lines)


BYTES: tuple[Mutation, ...] = (truncate, flip_bits, copy_within, remove, overwrite_number)
TEXT: tuple[Mutation, ...] = (truncate, flip_bits, copy_within, remove, replace_number, replace_number, move_line)


def place(content: bytes | bytearray, rng: Random) -> int:
    """A position: most of a file is weights, but what can go wrong is its structure, which tends to stand in front."""
    return rng.randrange(max(1, min(len(content), rng.choice((300, 3000, len(content))))))


def any_of(general: Sequence[Mutation], intact_only: Sequence[Mutation] = ()) -> Mutation:
    """One of several kinds of damage, at times followed by others; some need intact content to find their way."""

    def mutate(content: bytes, rng: Random) -> bytes:
        content = rng.choice((*general, *intact_only))(content, rng)
        for _ in range(rng.choice((0, 0, 0, 0, 1, 3))):
            content = rng.choice(general)(content, rng)
        return content

    return mutate
