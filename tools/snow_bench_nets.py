"""Networks of the zoo without their linear layers on the machine, beside what is published of them.

The figures are those with rows of the input that the host repeats where that is faster; `as_is` those without.
"""

import tempfile
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import snow_cli
from snow_bench import Row, Table, Tables
from snow_bench_paper import host_work
from snow_bench_published import NETWORKS, Network, scale_sim_cycles
from snow_bench_speed import Compiled, Simulated, compile_networks, simulate_network

SLOWER_CLOCK = "zc706-200mhz"
"""The machine of some published times."""


def measure(networks: Sequence[str]) -> Tables:
    """What each network takes, and frames per second beside published ones."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = compile_networks(networks, Path(folder), features_only=True)
        plain = compile_networks(networks, Path(folder), features_only=True, input_layout="as-is")
        slower = [name for name in networks if published_of(name).milliseconds_at_200_mhz is not None]
        slow = compile_networks(slower, Path(folder), features_only=True, machine=SLOWER_CLOCK) if slower else []
        rows = [_row(compiled, as_is) for compiled, as_is in zip(prepared, plain, strict=True)]
        others = [_published_row(row, compiled) for row, compiled in zip(rows, prepared, strict=True)]
        milliseconds = [_milliseconds_row(compiled) for compiled in slow]
    tables = {
        "nets": Table("Networks without linear layers, one input", rows),
        "published": Table("Frames per second beside published ones, of 256 multipliers at 250 MHz", others),
    }
    if milliseconds:
        tables["milliseconds"] = Table("Milliseconds at 200 MHz beside those of the published compiler", milliseconds)
    return tables


def published_of(network: str) -> Network:
    """What is published of a network."""
    return NETWORKS.get(network, Network())


def _row(compiled: Compiled, as_is: Compiled) -> Row:
    run = simulate_network(compiled)
    report, plain = run.result.report, simulate_network(as_is).result.report
    return {
        "network": compiled.name,
        "macs": report["macs"],
        "instructions": report["instructions_static"],
        "executed": report["instructions_executed"],
        "dram_bytes": report["dram_read_bytes"] + report["dram_write_bytes"],
        "gb_per_second": report["gigabytes_per_second"],
        "fps": report["frames_per_second"],
        "limit_fps": report["frames_per_second"] / report["utilization"] if report["macs"] else None,
        "percent": 100 * report["utilization"],
        "as_is_fps": plain["frames_per_second"],
        "as_is_percent": 100 * plain["utilization"],
        **host_work(report),
        "compile_seconds": compiled.cost.seconds,
        "simulation_seconds": run.seconds,
        "saturations": report["saturations"],
        "equal": _equals_reference(compiled, run),
    }


def _published_row(row: Row, compiled: Compiled) -> Row:
    from snowdialect.models.zoo import MODELS

    published: dict[str, Any] = published_of(row["network"])._asdict()
    del published["milliseconds_at_200_mhz"]
    published["scale_sim_rule_fps"] = scale_sim_fps(compiled.model, MODELS[compiled.name].input_shape)
    ours = {"limit_fps": row["limit_fps"], "ours_fps": row["fps"], "ours_percent": row["percent"]}
    ours |= {"ours_gb_per_second": row["gb_per_second"]}
    ours |= {"ours_as_is_fps": row["as_is_fps"], "ours_as_is_percent": row["as_is_percent"]}
    instructions = {"ours_instructions": row["instructions"], "published_instructions": published.pop("instructions")}
    return {"network": row["network"], **ours, **published, **instructions}


def _milliseconds_row(compiled: Compiled) -> Row:
    report = simulate_network(compiled).result.report
    ours, published = 1e3 * report["seconds"], published_of(compiled.name).milliseconds_at_200_mhz
    assert published is not None
    return {
        "network": compiled.name,
        "published_ms": published,
        "ours_ms": ours,
        "ours_percent": 100 * report["utilization"],
        "times_as_fast": published / ours,
    }


def scale_sim_fps(model: Path, input_shape: tuple[int, ...]) -> float:
    """Frames per second by the rule of SCALE-Sim for a layer, of all convolutions of a network one after the other."""
    from lowering import driver
    from snowdialect.dialects import cnn
    from snowdialect.dialects.cnn import shape_of
    from snowdialect.machine import load_machine

    module = driver.read_model(model, input_shape).module
    cycles = 0
    for op in module.walk():
        if isinstance(op, cnn.Conv2dOp):
            kernels, *words = shape_of(op.weight)
            height, width = shape_of(op.result)[2:]
            groups = op.groups.value.data
            cycles += groups * scale_sim_cycles(height * width, kernels // groups, prod(words))
    return load_machine().clock_hz / cycles


def _equals_reference(compiled: Compiled, run: Simulated) -> bool:
    """Whether the simulator gave the bits, saturations and wraps of the quantised network at level cnn."""
    import numpy as np

    from lowering import driver
    from lowering.check import first_difference, simulated_run
    from lowering.pipeline import LEVELS
    from snowdialect.interpreters import run_module

    snow_cli.show_progress(f"running the reference of {compiled.name} ...")
    shape = run.program.inputs[0].shape
    network = driver.read_model(compiled.model, shape)
    driver.lower(driver.make_context(), network.module, LEVELS[0])
    batch = np.random.default_rng(0).normal(0, 1, (1, *shape))
    reference = run_module(network.module, batch.astype(np.float32), network.weights())
    return first_difference(reference, simulated_run(run.result)) is None
