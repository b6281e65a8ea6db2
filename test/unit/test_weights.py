"""Weights files are safetensors files: written whole, read when asked, refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from snowdialect.errors import SnowError
from snowdialect.weights import Weights, open_weights, write_weights

TENSORS = {
    "0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "0.bias": np.arange(6, dtype=np.float32)[::2],
    "none": np.empty((0, 3), np.float32),
    'odd "name" \xe9': np.ones((), np.float32),
}


def test_the_library_reads_what_we_write(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", TENSORS)
    loaded = load_file(tmp_path / "w.safetensors")
    assert sorted(loaded) == sorted(TENSORS)
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(loaded[name], array)


def test_read_by_name(tmp_path: Path) -> None:
    write_weights(tmp_path / "w.safetensors", TENSORS)
    weights = open_weights(tmp_path / "w.safetensors")
    assert len(weights) == 4 and "0.bias" in weights and "1.bias" not in weights
    np.testing.assert_array_equal(weights["0.bias"], [0, 2, 4])
    with pytest.raises(SnowError, match=r"w\.safetensors: holds no weight '1\.bias'"):
        weights["1.bias"]


def test_weights_at_hand() -> None:
    with pytest.raises(SnowError, match="the given weights: holds no weight 'x'"):
        Weights({})["x"]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SnowError, match="weights file not found"):
        open_weights(tmp_path / "absent.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights in here")
    with pytest.raises(SnowError, match="not a safetensors file"):
        open_weights(tmp_path / "text.safetensors")
    write_weights(tmp_path / "cut.safetensors", TENSORS)
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "cut.safetensors").read_bytes()[:-4])
    with pytest.raises(SnowError, match="not a safetensors file"):
        open_weights(tmp_path / "cut.safetensors")
