"""Fixed-point arithmetic of the machine, exact, on NumPy arrays.

A word is a signed 16-bit integer w that stands for w / 2^q. An accumulator has 32 bits and wraps; a shift
right by 0..31 bits, rounding half up, and a clamp bring it back to a word. Arrays may have any shape.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snowdialect.dialects.cnn.shapes import avg_pool_frac

Words = NDArray[np.int16]
Sums = NDArray[np.int64]

WORD_MIN, WORD_MAX = -(2**15), 2**15 - 1
ACCUMULATOR_MIN, ACCUMULATOR_MAX = -(2**31), 2**31 - 1


class Rounded(NamedTuple):
    """Words, and what happened on the way: results clamped, and exact sums outside 32 bits."""

    words: Words
    saturations: int
    wraps: int


def quantize(x: ArrayLike, frac: int) -> Rounded:
    """The words with `frac` fraction bits nearest to finite numbers `x`, half up, clamped.

    A float64 holds a float32 times 2^frac plus a half exactly, or is so large that it is clamped.
    """
    # A product with a power of two is exact, and takes a quarter of the time of ldexp.
    return _clamp(np.floor(np.asarray(x, np.float64) * 2.0**frac + 0.5))


def dequantize(words: Words, frac: int) -> NDArray[np.float32]:
    """The numbers that words with `frac` fraction bits stand for, exactly."""
    return np.ldexp(words.astype(np.float32), -frac)


def requantize(sums: Sums, shift: int) -> Rounded:
    """Words from exact sums: each taken mod 2^32, shifted right by `shift` bits rounding half up, clamped.

    The rounding term is added in more than 32 bits, so it never wraps; a shift by 0 rounds nothing.
    """
    wraps = int(np.count_nonzero((sums < ACCUMULATOR_MIN) | (sums > ACCUMULATOR_MAX)))
    accumulators = sums.astype(np.int32).astype(np.int64) if wraps else sums
    words, saturations, _ = _clamp((accumulators + half(shift)) >> shift)
    return Rounded(words, saturations, wraps)


def half(shift: int) -> int:
    """What is added before a shift right by `shift` bits to round half up."""
    return 1 << shift >> 1


def align(words: Words, shift: int) -> Sums:
    """Words moved up to the position of an accumulator."""
    return words.astype(np.int64) << shift


def avg_pool_weights(divisors: ArrayLike) -> tuple[int, Words]:
    """The fraction bits q and the words round(2^q / n) that stand for a division by each of `divisors`.

    q is the largest number, at most 15, with which every weight fits a word; the weights have the shape of
    `divisors`.
    """
    n = np.asarray(divisors, np.int64)
    frac = avg_pool_frac(int(n.min()))
    return frac, (((2 << frac) + n) // (2 * n)).astype(np.int16)


def _clamp(values: NDArray[Any]) -> Rounded:
    words = np.clip(values, WORD_MIN, WORD_MAX)
    return Rounded(words.astype(np.int16), int(np.count_nonzero(words != values)), 0)
