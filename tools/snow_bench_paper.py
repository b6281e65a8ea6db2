"""Published figures of the machine beside what our programs take on the simulator.

The figures are of the hand-written code of arXiv 1708.02579 and of the compiler of EMC2 2018, both of the same
machine. Every layer is compiled alone, with its ReLU and max-pool, for `--schedule paper`, with its input as it is; the
columns `prepared` have the same with rows that the host repeats where that is faster. Input and weights are seeded, and
cycles do not depend on them.
"""

import tempfile
from pathlib import Path
from typing import Any

import snow_cli
from lowering import driver
from snow_bench import Row, Table, Tables
from snow_bench_published import HAND_CODE, MAPS_STATIONARY_BYTES, ONE_UNIT
from snowdialect.models.alexnet import STAGES, Stage

MAPS_STATIONARY = Stage("conv", 256, 256, 16, 3, 1, 0, pool=False)
"""The layer whose bytes are published: two output rows a tile, all kernels sent again for each."""

MAPS_STATIONARY_OPTIONS = {"mode": "coop", "split": "kernels", "order": "mloop", "rows": 2, "turns": 0}


def measure() -> Tables:
    """Tables of milliseconds, percent from the published figure, and bytes."""
    return {
        "alexnet": Table("AlexNet (one weird trick): hand code, 250 MHz", [_hand_code_row(stage) for stage in STAGES]),
        "one_cu": Table(
            "One CU, 142.86 MHz, 13x13 maps, 3x3 kernels: hand code, and compiler, from which we deviate",
            [_one_unit_row(stage) for stage in STAGES if stage.name in ONE_UNIT],
        ),
        "bytes": Table("Maps-stationary 16x16x256 to 14x14x256, 3x3 kernels: bytes", _byte_rows()),
    }


def _hand_code_row(stage: Stage) -> Row:
    report = _simulate(stage, "zc706", {"schedule": "paper"})
    prepared = _simulate(stage, "zc706", {"schedule": "paper", "input_layout": "best"})
    published = HAND_CODE[stage.name]
    return {
        "layer": stage.name,
        "published_mops": published.mops,
        "ours_mops": 2 * report["macs"] / 1e6,
        "ideal_ms": _ideal(report),
        "published_ms": published.milliseconds,
        "published_percent": published.efficiency,
        "ours_ms": 1e3 * report["seconds"],
        "ours_percent": 100 * report["utilization"],
        "deviation_percent": _deviation(1e3 * report["seconds"], published.milliseconds),
        "prepared_ms": 1e3 * prepared["seconds"],
        "prepared_percent": 100 * prepared["utilization"],
        **host_work(prepared),
    }


def host_work(report: Row) -> Row:
    """What the host writes of the input, and what of that repeats words, in bytes."""
    rows = [row for row in report["host"] if row["operation"] == "input"]
    return {f"host_{name}": sum(row[name] for row in rows) for name in ("write_bytes", "repeated_bytes")}


def _one_unit_row(stage: Stage) -> Row:
    report = _simulate(stage._replace(pool=False), "onecu", {"schedule": "paper"})
    published = ONE_UNIT[stage.name]
    return {
        "layer": f"{stage.inputs} -> {stage.outputs}",
        "ideal_ms": _ideal(report),
        "published_hand_ms": published.hand_milliseconds,
        "published_compiler_ms": published.compiler_milliseconds,
        "ours_ms": 1e3 * report["seconds"],
        "ours_percent": 100 * report["utilization"],
        "deviation_percent": _deviation(1e3 * report["seconds"], published.compiler_milliseconds),
    }


def _byte_rows() -> list[Row]:
    report = _simulate(MAPS_STATIONARY, "zc706", MAPS_STATIONARY_OPTIONS)
    ours = {
        "maps and weights in": report["maps_bytes"] + report["weights_bytes"],
        "maps out": report["dram_write_bytes"],
    }
    return [
        {"what": name, "published": published, "ours": ours[name], "difference": ours[name] - published}
        for name, published in MAPS_STATIONARY_BYTES.items()
    ]


def _simulate(stage: Stage, machine: str, schedule: dict[str, Any]) -> dict[str, Any]:
    """The report of a layer that is alone on the machine."""
    import numpy as np

    from lowering.compiler import compile_model
    from snowdialect.frontends.torch7 import nn, save
    from snowdialect.simulator import simulate

    snow_cli.show_progress(f"compiling and simulating {stage.name} on {machine} ...")
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{stage.name}.t7"
        save(path, nn.sequential(*stage.modules(random)))
        options = {driver.CHOOSE_SCHEDULE: schedule}
        program = compile_model(path, stage.input_shape, machine, options=options)
    return simulate(program, random.normal(0, 1, (1, *stage.input_shape))).report


def _ideal(report: dict[str, Any]) -> float:
    """Milliseconds in which all multipliers together do the padding-free multiply-accumulates."""
    return 1e3 * report["seconds"] * report["utilization"]


def _deviation(ours: float, published: float) -> float:
    return 100 * (ours / published - 1)
