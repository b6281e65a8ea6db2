"""The innermost loops of the simulator against NumPy."""

from typing import Any

import numba
import numpy as np
import pytest
from numpy.typing import NDArray

from snowdialect.simulator.kernels import add_dots, add_four_dots, add_products

LINE = 16
SIZES = [1, 200, 32767]


def words(shape: tuple[int, ...], size: int) -> NDArray[np.int16]:
    """Words up to a size, both ends of which occur."""
    values = np.random.default_rng(size).integers(-size, size + 1, shape)
    values.reshape(-1)[:2] = -size, size
    return values.astype(np.int16)


@numba.njit
def add_all_dots(maps: Any, weights: Any, first: int, sums: Any, single: bool) -> None:
    if single:
        for row in range(4):
            add_dots(maps, weights[row : row + 1], first, sums[row : row + 1])
    else:
        add_four_dots(maps, weights, first, sums)


@numba.njit
def add_all_products(maps: Any, weights: Any, sums: Any) -> None:
    add_products(maps, weights, sums)


# Two products of the largest words leave 32 bits, so larger traces have smaller weights.
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("length", [16, 32, 176])
def test_dots(length: int, single: bool, size: int) -> None:
    maps, weights = words((length,), size), words((4, 400), min(size, 60000 // length))
    sums = np.full((4, LINE), 1 << 40)
    add_all_dots(maps, weights, 48, sums, single)
    expected = weights[:, 48 : 48 + length].astype(np.int64) @ maps.astype(np.int64)
    np.testing.assert_array_equal(sums[:, 0], (1 << 40) + expected)
    assert (sums[:, 1:] == 1 << 40).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("length", [1, 2, 3, 8, 33])
def test_products(length: int, size: int) -> None:
    maps, weights = words((length + 2,), size)[2:], words((length * LINE,), min(size, 60000 // length))
    sums = np.full(LINE, -(1 << 40))
    add_all_products(maps, weights, sums)
    expected = maps.astype(np.int64) @ weights.reshape(length, LINE).astype(np.int64)
    np.testing.assert_array_equal(sums, expected - (1 << 40))
