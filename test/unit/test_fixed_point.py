"""The arithmetic of the machine, against Python's integers, which neither wrap nor round."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snowdialect.fixed_point import align, avg_pool_weights, dequantize, quantize, requantize

SHIFTS = st.integers(0, 31)
SUMS = st.integers(-(2**52), 2**52)
WORDS = st.integers(-(2**15), 2**15 - 1)


def half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def clamp16(value: int) -> int:
    return max(-(2**15), min(value, 2**15 - 1))


def wrap32(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


@given(st.lists(SUMS, min_size=1), SHIFTS)
def test_requantize_wraps_rounds_half_up_and_clamps(sums: list[int], shift: int) -> None:
    rounded = requantize(np.array(sums, np.int64), shift)
    exact = [half_up(Fraction(wrap32(value), 2**shift)) for value in sums]
    assert rounded.words.tolist() == [clamp16(value) for value in exact]
    assert rounded.words.dtype == np.int16
    assert rounded.saturations == sum(value != clamp16(value) for value in exact)
    assert rounded.wraps == sum(value != wrap32(value) for value in sums)


@pytest.mark.parametrize(
    ("total", "shift", "word", "saturations", "wraps"),
    [
        (127, 8, 0, 0, 0),
        (128, 8, 1, 0, 0),  # a half goes up,
        (-128, 8, 0, 0, 0),  # also below zero
        (-129, 8, -1, 0, 0),
        (5, 0, 5, 0, 0),  # a shift by nothing rounds nothing
        (32767 * 256 + 127, 8, 32767, 0, 0),
        (32767 * 256 + 128, 8, 32767, 1, 0),  # rounded up to what no longer fits
        (-32768 * 256 - 129, 8, -32768, 1, 0),
        (2**31 - 1, 31, 1, 0, 0),  # the rounding term does not wrap
        (2**31, 8, -32768, 1, 1),  # the accumulator does
        (2**32 + 256, 8, 1, 0, 1),
        (-(2**31), 16, -32768, 0, 0),
    ],
)
def test_requantize_at_its_edges(total: int, shift: int, word: int, saturations: int, wraps: int) -> None:
    rounded = requantize(np.array([total], np.int64), shift)
    assert (rounded.words.tolist(), rounded.saturations, rounded.wraps) == ([word], saturations, wraps)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1), SHIFTS)
def test_quantize_rounds_half_up_and_clamps(numbers: list[float], frac: int) -> None:
    rounded = quantize(np.array(numbers, np.float32), frac)
    exact = [half_up(Fraction(number) * 2**frac) for number in numbers]
    assert rounded.words.tolist() == [clamp16(value) for value in exact]
    assert rounded.saturations == sum(value != clamp16(value) for value in exact)


@given(st.lists(WORDS, min_size=1), SHIFTS)
def test_dequantize_is_exact_and_undone_by_quantize(words: list[int], frac: int) -> None:
    numbers = dequantize(np.array(words, np.int16), frac)
    assert [Fraction(float(number)) for number in numbers] == [Fraction(word, 2**frac) for word in words]
    assert quantize(numbers, frac).words.tolist() == words


@given(WORDS, SHIFTS)
def test_align_loses_no_bit(word: int, shift: int) -> None:
    assert align(np.array([word], np.int16), shift).tolist() == [word << shift]


@given(st.lists(st.integers(1, 10000), min_size=1))
def test_avg_pool_weights_are_the_nearest_words_to_one_over_n(divisors: list[int]) -> None:
    frac, weights = avg_pool_weights(divisors)
    assert weights.tolist() == [half_up(Fraction(2**frac, divisor)) for divisor in divisors]
    assert frac == 15 or max(half_up(Fraction(2 ** (frac + 1), divisor)) for divisor in divisors) > 32767


def test_avg_pool_weights_keep_the_shape_of_the_outputs() -> None:
    frac, weights = avg_pool_weights([[1, 2], [2, 4]])
    assert frac == 14
    assert weights.tolist() == [[16384, 8192], [8192, 4096]]


def test_a_full_window_of_the_largest_words_does_not_wrap_an_average() -> None:
    for divisor in range(1, 2000):
        _, weights = avg_pool_weights([divisor])
        assert abs(-(2**15) * divisor * int(weights[0])) < 2**31
