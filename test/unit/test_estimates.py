"""What the compiler expects of a layer against the simulator, which knows nothing of tiles."""

from pathlib import Path

import numpy as np
import pytest

import snow_bench_model
from lowering.compiler import compile_model
from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.frontends.torch7.writer import save
from snowdialect.models.seeded import convolution
from snowdialect.simulator import simulate

LAYERS = {
    "3x3": ((64, 28, 28), (64, 3, 1, 1)),
    "3x3, kernels split": ((256, 14, 14), (256, 3, 1, 1)),
    "3x3, strided": ((64, 56, 56), (128, 3, 2, 1)),
    "1x1": ((256, 28, 28), (128, 1, 1, 0)),
    "5x5": ((64, 27, 27), (192, 5, 1, 2)),
    "few pixels, many kernels": ((512, 7, 7), (512, 3, 1, 1)),
    "image": ((3, 112, 112), (64, 7, 2, 3)),
    "a line of each pixel": ((16, 55, 55), (64, 1, 1, 0)),
    "traces of a few lines": ((16, 28, 28), (32, 5, 1, 2)),
    "traces of a few lines, kernels split": ((48, 27, 27), (192, 3, 1, 1)),
    "few pixels, traces of a few lines": ((32, 14, 14), (64, 5, 1, 2)),
}
"""Input, and kernels, kernel size, stride and padding."""


@pytest.mark.parametrize("name", LAYERS)
def test_cycles_within_two_percent_and_bytes_exact(name: str, tmp_path: Path) -> None:
    shape, (kernels, size, stride, pad) = LAYERS[name]
    rng = np.random.default_rng(0)
    layer = convolution(rng, shape[0], kernels, size, stride=(stride, stride), padding=(pad, pad))
    _check(tmp_path / "net.t7", shape, layer)


def test_pool_before_a_convolution(tmp_path: Path) -> None:
    """Comparisons are issued beside traces, and columns move from tile to tile."""
    layer = convolution(np.random.default_rng(0), 528, 128, 1)
    _check(tmp_path / "net.t7", (528, 14, 14), nn.max_pool((3, 3), (1, 1), (1, 1)), layer)


def test_pool_behind_a_part_of_a_concatenation(tmp_path: Path) -> None:
    """Rows that windows of two tiles share move inside a bank, two cycles a line, before pixels are stored."""
    rng = np.random.default_rng(0)
    parts = nn.concat(convolution(rng, 32, 128, 1), convolution(rng, 32, 128, 3, padding=(1, 1)))
    _check(tmp_path / "net.t7", (32, 55, 55), parts, nn.max_pool((3, 3), (2, 2)), layers=2)


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "pad"),
    [
        pytest.param(256, 3, 1, 1, id="few taps, which wait for the MACs"),
        pytest.param(128, 2, 2, 0, id="four taps"),
        pytest.param(64, 4, 2, 1, id="more taps, which wait for the control core"),
    ],
)
def test_average_pools(channels: int, kernel: int, stride: int, pad: int, tmp_path: Path) -> None:
    """At borders, CUs have code of their own and wait for each other."""
    pool = nn.average_pool((kernel, kernel), (stride, stride), (pad, pad))
    save(tmp_path / "net.t7", nn.sequential(pool))
    program = compile_model(tmp_path / "net.t7", (channels, 17, 17))
    (layer,) = simulate(program, np.zeros((1, channels, 17, 17), np.float32)).report["layers"]
    assert layer["certificate"]["objective"] == pytest.approx(layer["cycles"], rel=0.03)
    if kernel == 3:
        # Nothing but the MACs: a CU has five rows, and waits for two of others; a line of a pixel is 4 times 16 cycles.
        assert layer["cycles"] < 1.1 * 7 * 17 * channels // 16 * 4 * 16


def _check(path: Path, shape: tuple[int, ...], *modules: TorchObject, layers: int = 1) -> None:
    """Compares the layers that modules become."""
    save(path, nn.sequential(*modules))
    rows = snow_bench_model.compare(path, shape)
    assert len(rows) == layers
    for row in rows:
        assert row["estimated_bytes"] == row["bytes"]
        assert row["estimated_cycles"] == pytest.approx(row["cycles"], rel=snow_bench_model.CLOSE)
