"""The simulator against the interpreter of the dialect snowflake: bits, counts and executed instructions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lowering import driver
from snowdialect.backend.assemble import assemble
from snowdialect.backend.program import Program
from snowdialect.dialects.target import set_machine
from snowdialect.frontends.torch7 import save
from snowdialect.interpreters import Run, run_module
from snowdialect.machine import Machine, load_machine
from snowdialect.models import DIGITS, held_back_digits
from snowdialect.models.zoo import MODELS
from snowdialect.simulator import SimulationResult, simulate

LEVEL = "snowflake"


def run_both(path: Path, batch: np.ndarray, machine: Machine | None = None) -> tuple[Program, SimulationResult, Run]:
    """Simulates and interprets a network on the same inputs."""
    context = driver.make_context()
    source = driver.read_model(path, batch.shape[1:])
    if machine is not None:
        set_machine(source.module, machine)
    driver.lower(context, source.module, LEVEL)
    program = assemble(source.module, source.weights(), path.name)
    return program, simulate(program, batch), run_module(source.module, batch, source.weights())


def assert_equal(result: SimulationResult, run: Run) -> None:
    for name, expected in run.outputs.items():
        np.testing.assert_array_equal(result.outputs[name], expected)
    for name, expected in run.layers.items():
        if name in result.layers:
            np.testing.assert_array_equal(result.layers[name].reshape(expected.shape), expected)
    assert +result.saturations == +run.saturations
    assert +result.wraps == +run.wraps
    assert result.instructions == run.instructions
    assert result.report["instructions_executed"] == run.instructions.total()


def assert_whole(program: Program, report: dict) -> None:
    """Cycles of the layers are those of the program, and the ledger divides them without rest."""
    layers = report["layers"]
    assert sum(layer["cycles"] for layer in layers) == report["cycles"] > 0
    for row in (report, *layers):
        assert sum(row["ledger"].values()) == row["cycles"]
        assert min(row["ledger"].values()) >= 0
        assert row["dram_read_bytes"] == row["maps_bytes"] + row["weights_bytes"] + row["instruction_bytes"]
    for name in ("dram_read_bytes", "dram_write_bytes", "macs"):
        assert sum(layer[name] for layer in layers) == report[name]
    assert report["macs"] <= report["cycles"] * program.machine.multipliers


def zoo_file(name: str, folder: Path) -> Path:
    path = folder / f"{name}.t7"
    save(path, MODELS[name].build(np.random.default_rng(0)))
    return path


def test_digits() -> None:
    images, labels = held_back_digits()
    program, result, run = run_both(DIGITS, images)
    assert_equal(result, run)
    assert_whole(program, result.report)
    assert np.mean(result.output.argmax(axis=1) == labels) >= 0.98


@pytest.mark.parametrize("name", [name for name in MODELS if np.prod(MODELS[name].input_shape) < 5000])
def test_single_layers(name: str, tmp_path: Path) -> None:
    # Twice the size of the words there are: some results are clamped.
    batch = np.random.default_rng(1).normal(0, 40, (2, *MODELS[name].input_shape)).astype(np.float32)
    program, result, run = run_both(zoo_file(name, tmp_path), batch)
    assert_equal(result, run)
    assert_whole(program, result.report)


@pytest.mark.parametrize("units", [1, 2])
@pytest.mark.parametrize("vmacs", [1, 2])
def test_other_machines(units: int, vmacs: int, tmp_path: Path) -> None:
    machine = replace(load_machine(), compute_units=units, vmacs=vmacs, mbuf_words=2048, wbuf_words=4096, load_units=2)
    batch = np.random.default_rng(2).normal(0, 2, (1, *MODELS["conv-residual"].input_shape)).astype(np.float32)
    program, result, run = run_both(zoo_file("conv-residual", tmp_path), batch, machine)
    assert_equal(result, run)
    assert_whole(program, result.report)


def test_sums_outside_32_bits(tmp_path: Path) -> None:
    """Products of the largest words wrap accumulators, and are counted as the interpreter counts them."""
    batch = np.full((1, *MODELS["linear"].input_shape), 200.0, np.float32)
    weights_are_large = MODELS["linear"].build(np.random.default_rng(0))
    path = tmp_path / "linear.t7"
    save(path, weights_are_large)
    _, result, run = run_both(path, batch * np.sign(np.random.default_rng(5).normal(size=batch.shape)))
    assert_equal(result, run)
