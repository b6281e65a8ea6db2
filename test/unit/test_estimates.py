"""What the compiler expects of a layer against the simulator, which knows nothing of tiles."""

from pathlib import Path

import numpy as np
import pytest

import snow_bench_model
from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.writer import save
from snowdialect.models.seeded import convolution

LAYERS = {
    "3x3": ((64, 28, 28), (64, 3, 1, 1)),
    "3x3, kernels split": ((256, 14, 14), (256, 3, 1, 1)),
    "3x3, strided": ((64, 56, 56), (128, 3, 2, 1)),
    "1x1": ((256, 28, 28), (128, 1, 1, 0)),
    "5x5": ((64, 27, 27), (192, 5, 1, 2)),
    "few pixels, many kernels": ((512, 7, 7), (512, 3, 1, 1)),
    "image": ((3, 112, 112), (64, 7, 2, 3)),
}
"""Input, and kernels, kernel size, stride and padding."""


@pytest.mark.parametrize("name", LAYERS)
def test_cycles_within_two_percent_and_bytes_exact(name: str, tmp_path: Path) -> None:
    shape, (kernels, size, stride, pad) = LAYERS[name]
    rng = np.random.default_rng(0)
    layer = convolution(rng, shape[0], kernels, size, stride=(stride, stride), padding=(pad, pad))
    save(tmp_path / "net.t7", nn.sequential(layer))
    (row,) = snow_bench_model.compare(tmp_path / "net.t7", shape)
    assert row["estimated_bytes"] == row["bytes"]
    assert row["estimated_cycles"] == pytest.approx(row["cycles"], rel=snow_bench_model.CLOSE)
