"""Inputs as .npy files: read, or refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from snowdialect.arrays import read_input
from snowdialect.errors import SnowError

HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace(b"(2, 3)", b"(2, 3"),
        HEADER.replace(b"}", b""),
        HEADER.replace(b"(2, 3)", b"(2, 30000000000)"),
        HEADER.replace(b"2", b"9" * 40),
        HEADER.replace(b"<f4", b"|O"),
    ],
)
def test_damaged_headers_are_refused(tmp_path: Path, header: bytes) -> None:
    path = tmp_path / "x.npy"
    padded = header.ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + bytes(24))
    with pytest.raises(SnowError, match="x.npy: not a .npy file of numbers$"):
        read_input(path, (2, 3))


def test_one_input_and_a_batch(tmp_path: Path) -> None:
    numbers = np.arange(12, dtype=np.float64).reshape(2, 2, 3)
    np.save(tmp_path / "x.npy", numbers)
    batch, is_batch = read_input(tmp_path / "x.npy", (2, 3))
    assert is_batch and batch.dtype == np.float32
    np.testing.assert_array_equal(batch, numbers)
    batch, is_batch = read_input(tmp_path / "x.npy", (2, 2, 3))
    assert not is_batch and batch.shape == (1, 2, 2, 3)
