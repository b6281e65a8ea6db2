"""Measurements of whole networks, on small ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import snow_bench
import snow_bench_nets
import snow_bench_speed
from lowering.pipeline import OPTIONAL, pass_factories
from snow_bench_ablation import BASELINE, SCHEDULES, SWITCHES, switched_off
from snow_bench_machines import FACTORS
from snow_bench_published import HAND_CODE, NETWORKS
from snow_bench_speed import Compiled, Simulated, compile_networks, simulate_network
from snow_bench_zoo import features_of
from snowdialect.errors import SnowError


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> list[Compiled]:
    return compile_networks(["conv-residual"], tmp_path_factory.mktemp("bench"), features_only=True)


Measure = Callable[[str], dict[str, Any]]


@pytest.fixture
def measure(compiled: list[Compiled], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Measure:
    """The row that a benchmark prints for the network, which is compiled once for all of them."""

    def measure(benchmark: str) -> dict[str, Any]:
        for module in (snow_bench_nets, snow_bench_speed):
            monkeypatch.setattr(module, "compile_networks", lambda *_, **__: compiled)
        assert snow_bench.main([benchmark, "--nets", "conv-residual", "--json"]) == 0
        (row,) = json.loads(capsys.readouterr().out)[benchmark]
        return row

    return measure


MACS = 2 * 16 * 16 * 34 * 34
"""Of two 3x3 convolutions of 16 to 16 channels on 12x12 maps: 34 pairs of rows of kernel and maps, none on padding."""


def test_nets_are_measured_and_compared_with_the_reference(measure: Measure) -> None:
    row = measure("nets")
    assert row["macs"] == MACS and row["equal"] is True
    assert row["limit_fps"] == pytest.approx(256 * 250e6 / MACS)
    assert row["fps"] / row["limit_fps"] == pytest.approx(row["percent"] / 100)
    assert 0 < row["instructions"] < row["executed"]


def test_the_rule_of_a_published_simulator_gives_its_figure() -> None:
    with features_of(["resnet18"]) as (features,):
        fps = snow_bench_nets.scale_sim_fps(features.path, features.input_shape)
    assert fps == pytest.approx(NETWORKS["resnet18"].scale_sim_fps, abs=0.05)


def test_nets_says_when_the_simulator_differs(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(compiled: Compiled) -> Simulated:
        run = simulate_network(compiled)
        run.result.outputs["output"][0, 0, 0, 0] += 1
        return run

    monkeypatch.setattr(snow_bench_nets, "simulate_network", wrong)
    assert measure("nets")["equal"] is False


def test_speed(measure: Measure) -> None:
    row = measure("speed")
    assert row["macs"] == MACS
    assert row["gmac_per_second"] == pytest.approx(MACS / row["simulation_seconds"] / 1e9)
    # No process that imports NumPy takes less; a network of 20 KB needs little more than the compiler itself.
    assert 30 < row["compile_megabytes"] < 1000
    assert row["compile_seconds"] > row["simulation_seconds"] and row["compile_cpu_seconds"] > 0.1
    assert row["again_seconds"] > 0


def test_a_command_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnowError, match="snow_zoo conv: .*nowhere: no such directory"):
        compile_networks(["linear"], tmp_path / "nowhere", features_only=False)


def test_published_figures_of_layers_and_networks_agree() -> None:
    """Both tables of arXiv 1708.02579: what the layers of AlexNet take is its frames per second."""
    milliseconds = sum(layer.milliseconds for layer in HAND_CODE.values())
    assert NETWORKS["alexnet"].hand_fps == pytest.approx(1000 / milliseconds, rel=0.005)
    for name, network in NETWORKS.items():
        if network.hand_percent is not None:
            assert 90 < network.hand_percent < 100, name


def tables_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    assert snow_bench.main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_ablation_goes_from_everything_off_to_the_whole_compiler(capsys: pytest.CaptureFixture[str]) -> None:
    tables = tables_of(["ablation", "--nets", "conv-residual"], capsys)
    rows, chosen = tables["ablation"], tables["schedules"]
    assert [row["with"] for row in rows] == [BASELINE, *(switch.what for switch in SWITCHES)]
    assert all(row["equal"] for row in rows + chosen)
    first, last = rows[0], rows[-1]
    assert last["cycles"] < first["cycles"] and last["executed"] < first["executed"]
    assert (last["cycles"], last["dram_bytes"]) == (chosen[-1]["cycles"], chosen[-1]["dram_bytes"])
    assert [row["schedule"] for row in chosen] == list(SCHEDULES) and chosen[-1]["change_percent"] == 0


def test_ablation_knows_all_that_can_be_left_off() -> None:
    """Passes and options: an option that is not the pass's own default, or a pass that is optional."""
    factories = pass_factories()
    assert {switch.name for switch in SWITCHES if switch.off is None} == OPTIONAL
    for switch in SWITCHES:
        kind = factories[switch.name]()
        for option, value in (switch.off or {}).items():
            assert getattr(kind(), option) != value, f"{switch.what} is off already"
    assert switched_off([]) == ({}, frozenset())


def test_machines_are_the_default_one_with_more_or_less_of_something(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["machine"]: row for row in tables_of(["machines", "--nets", "conv"], capsys)["machines"]}
    assert list(rows) == list(FACTORS) and all(row["equal"] for row in rows.values())
    assert rows["default"]["times_cycles"] == 1
    assert rows["half the bandwidth"]["cycles"] > rows["default"]["cycles"]
    assert rows["a quarter of the CUs"]["times_cycles"] > 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["speed", "--nets", "alexnot"], "error: unknown network 'alexnot'; known are alexnet, resnet18,"),
        (["simulator", "--nets", "conv"], "simulator takes no --nets"),
    ],
)
def test_mistakes_are_named(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        assert snow_bench.main(arguments) == 1
    except SystemExit as error:
        assert error.code == 2
    assert problem in capsys.readouterr().err
