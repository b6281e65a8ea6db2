"""Speed of the simulator, bits and cycles together, on the convolutions of AlexNet (one weird trick)."""

import resource
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import snow_cli

RUNS = 3
"""Runs of which the fastest counts, behind one that compiles and warms up."""


class Convolution(NamedTuple):
    name: str
    inputs: int
    outputs: int
    size: int
    """Of the maps, which are square."""
    kernel: int
    stride: int
    padding: int


LAYERS = (
    Convolution("conv1", 3, 64, 224, 11, 4, 2),
    Convolution("conv2", 64, 192, 27, 5, 1, 2),
    Convolution("conv3", 192, 384, 13, 3, 1, 1),
    Convolution("conv4", 384, 256, 13, 3, 1, 1),
    Convolution("conv5", 256, 256, 13, 3, 1, 1),
)


def measure() -> list[dict[str, Any]]:
    """A row a layer, and one for all: seconds of the fastest run, and MACs (padding-free) in a second."""
    rows: list[dict[str, Any]] = []
    for layer in LAYERS:
        snow_cli.show_progress(f"compiling and simulating {layer.name} ...")
        rows.append(_measure_layer(layer))
    macs, seconds = (sum(row[name] for row in rows) for name in ("macs", "seconds"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(_row("all", macs, sum(row["instructions"] for row in rows), seconds, peak))
    return rows


def _measure_layer(layer: Convolution) -> dict[str, Any]:
    import numpy as np

    from lowering.compiler import compile_model
    from snowdialect.frontends.torch7 import nn, save
    from snowdialect.simulator import simulate

    random = np.random.default_rng(0)
    shape = (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
    weight = random.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
    bias = random.normal(0, 0.1, layer.outputs).astype(np.float32)
    convolution = nn.convolution(weight, bias, (layer.stride, layer.stride), (layer.padding, layer.padding))
    maps = (layer.inputs, layer.size, layer.size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.t7"
        save(path, nn.sequential(convolution, nn.relu()))
        program = compile_model(path, maps)
    batch = random.normal(0, 1, (1, *maps))
    result, times = simulate(program, batch), list[float]()
    for _ in range(RUNS):
        started = time.perf_counter()
        result = simulate(program, batch)
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _row(layer.name, program.macs, result.report["instructions_executed"], min(times), peak)


def _row(layer: str, macs: int, instructions: int, seconds: float, peak: float) -> dict[str, Any]:
    return {
        "layer": layer,
        "macs": macs,
        "instructions": instructions,
        "seconds": seconds,
        "gmac_per_second": macs / seconds / 1e9,
        "peak_megabytes": peak,
    }
