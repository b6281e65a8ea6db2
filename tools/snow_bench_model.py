"""What the compiler expects of each layer beside what the simulator says, on networks of the zoo."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import snow_cli
from snow_bench import Row, Table, Tables
from snow_bench_zoo import features_of

if TYPE_CHECKING:
    from snowdialect.dialects.tile import Estimate

APART = {"convert-cnn-to-tile": {"overlap": False}}
"""Estimates are of layers by themselves, so the layers are measured one after the other."""

CLOSE = 0.02
"""An estimate within so much of the simulator is close enough to choose by."""


def measure(networks: Sequence[str]) -> Tables:
    """A row a network: how many layers are close; a row for each layer that is not, or whose bytes differ."""
    layers = {name: layers_of(name) for name in networks}
    far = [{"network": name, **row} for name, rows in layers.items() for row in rows if not is_close(row)]
    tables = {"model": Table("Estimated cycles of each layer against the simulator", [*map(_summary, layers.items())])}
    if far:
        tables["far"] = Table(f"Layers more than {100 * CLOSE:.0f} % off, or with other bytes", far)
    return tables


def is_close(row: Row) -> bool:
    """Whether an estimate has the right bytes, and nearly the right cycles."""
    return abs(row["error_percent"]) <= 100 * CLOSE and row["estimated_bytes"] == row["bytes"]


def layers_of(network: str) -> list[Row]:
    """Estimated and simulated cycles and bytes, but for those of instructions, of the layers of a zoo network."""
    with features_of([network]) as (features,):
        return compare(features.path, features.input_shape)


def compare(model: Path, input_shape: tuple[int, ...]) -> list[Row]:
    """Estimated and simulated cycles and bytes, but for those of instructions, of the layers of a model file."""
    estimates = estimates_of(model, input_shape)
    return rows_of(_simulated_apart(model, input_shape), estimates)


def rows_of(report: dict[str, Any], estimates: dict[str, "Estimate"]) -> list[Row]:
    """Estimates beside the report of a program of layers that do not overlap."""
    return [_row(layer, estimates[layer["name"]]) for layer in report["layers"] if layer["name"] in estimates]


def _simulated_apart(model: Path, input_shape: tuple[int, ...]) -> dict[str, Any]:
    import numpy as np

    from lowering.compiler import compile_model
    from snowdialect.simulator import simulate

    snow_cli.show_progress(f"compiling {model.stem} ...")
    program = compile_model(model, input_shape, options=APART)
    snow_cli.show_progress(f"simulating {model.stem} ...")
    return simulate(program, np.zeros((1, *input_shape), np.float32)).report


def estimates_of(model: Path, input_shape: tuple[int, ...]) -> dict[str, "Estimate"]:
    """What the chooser of schedules expects of each layer that has one."""
    from lowering import driver
    from lowering.pipeline import TILE
    from snowdialect.dialects.locations import layer_name
    from snowdialect.dialects.tile import EstimateAttr

    module = driver.read_model(model, input_shape).module
    driver.lower(driver.make_context(), module, TILE.dialect, last=driver.CHOOSE_SCHEDULE)
    return {
        layer_name(op): estimate.record
        for op in module.walk()
        if isinstance(estimate := op.attributes.get(EstimateAttr.name), EstimateAttr)
    }


def _row(layer: dict[str, Any], estimate: "Estimate") -> Row:
    return {
        "layer": layer["name"],
        "kind": layer["kind"],
        "estimated_cycles": estimate.cycles,
        "cycles": layer["cycles"],
        "error_percent": 100 * (estimate.cycles / layer["cycles"] - 1),
        "estimated_bytes": estimate.read + estimate.written,
        "bytes": layer["maps_bytes"] + layer["weights_bytes"] + layer["dram_write_bytes"],
    }


def _summary(entry: tuple[str, list[Row]]) -> Row:
    network, rows = entry
    errors = [abs(row["error_percent"]) for row in rows]
    estimated, cycles = (sum(row[name] for row in rows) for name in ("estimated_cycles", "cycles"))
    return {
        "network": network,
        "layers": len(rows),
        "close": sum(map(is_close, rows)),
        "mean_error_percent": mean(errors),
        "largest_error_percent": max(errors),
        "error_of_all_percent": 100 * (estimated / cycles - 1),
    }
