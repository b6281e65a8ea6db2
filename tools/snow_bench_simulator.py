"""Speed of the simulator, bits and cycles together, on the convolutions of AlexNet (one weird trick)."""

import resource
import tempfile
import time
from pathlib import Path

import snow_cli
from snow_bench import Row, Table, Tables
from snowdialect.models.alexnet import STAGES, Stage

RUNS = 3
"""Runs of which the fastest counts, behind one that compiles and warms up."""


def measure() -> Tables:
    """A row a layer, and one for all: seconds of the fastest run, and MACs (padding-free) in a second."""
    rows: list[Row] = []
    for stage in STAGES:
        snow_cli.show_progress(f"compiling and simulating {stage.name} ...")
        rows.append(_measure_convolution(stage))
    macs, seconds = (sum(row[name] for row in rows) for name in ("macs", "seconds"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(_row("all", macs, sum(row["instructions"] for row in rows), seconds, peak))
    return {"simulator": Table("Simulator, bits and cycles, on AlexNet's convolutions", rows)}


def _measure_convolution(stage: Stage) -> Row:
    """A convolution and its ReLU, without the pool that may follow: it has no MACs."""
    import numpy as np

    from lowering.compiler import compile_model
    from snowdialect.frontends.torch7 import nn, save
    from snowdialect.simulator import simulate

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.t7"
        save(path, nn.sequential(*stage._replace(pool=False).modules(random)))
        program = compile_model(path, stage.input_shape)
    batch = random.normal(0, 1, (1, *stage.input_shape))
    result, times = simulate(program, batch), list[float]()
    for _ in range(RUNS):
        started = time.perf_counter()
        result = simulate(program, batch)
        times.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return _row(stage.name, program.macs, result.report["instructions_executed"], min(times), peak)


def _row(layer: str, macs: int, instructions: int, seconds: float, peak: float) -> Row:
    return {
        "layer": layer,
        "macs": macs,
        "instructions": instructions,
        "seconds": seconds,
        "gmac_per_second": macs / seconds / 1e9,
        "peak_megabytes": peak,
    }
