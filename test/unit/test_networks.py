"""Networks of the zoo without their linear layers: what is chosen for them is foreseen, and no worse than what the
published hand code did. Three of them here, all with `make test-long`."""

from collections import Counter
from typing import Any

import pytest

import snow_certify
from snow_bench_ablation import CHOOSE
from snow_bench_model import APART, estimates_of, is_close, rows_of
from snow_bench_model import CLOSE as FORESEEN
from snow_bench_zoo import features_of
from snowdialect.models.zoo import PUBLISHED_MODELS

SHORT = ("alexnet", "resnet18", "squeezenet")
WHOLE = ("alexnet",)
"""Of these, those whose layers are also run beside each other."""

NETWORKS = [
    pytest.param(name, marks=() if name in SHORT else pytest.mark.needs_time, id=name) for name in PUBLISHED_MODELS
]


def cycles_alone(*reports: dict[str, Any]) -> list[Counter[str]]:
    """Cycles of the layers of several programs of a network. What one of them computes together counts together in all:
    a max pool and a convolution, or all that a concatenation before it is of; parts of a layer whose kernels are split;
    convolutions of the same maps."""
    rows = [row for report in reports for row in report["coverage"]]
    sources = {row["name"] for row in rows}
    wholes = {row["name"]: row["into"] for row in rows if row["operation"] == "max_pool" and row["into"]}
    wholes |= {row["name"]: row["reason"].split()[-1] for row in rows if "as one with others" in (row["reason"] or "")}

    def whole_of(name: str) -> str:
        # What passes made is named for the layer of the network that it was made for.
        while name not in sources | {*wholes.values()} and "." in name:
            name = name.rpartition(".")[0]
        while name in wholes:
            name = wholes[name]
        return next((whole for whole in wholes.values() if name.startswith(f"{whole}.")), name)

    found = [Counter[str]() for _ in reports]
    for cycles, report in zip(found, reports, strict=True):
        for row in report["layers"]:
            cycles[whole_of(row["name"])] += row["cycles"]
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str, long: bool) -> None:
    """What all layers take by themselves is foreseen, with every byte, and no less than their bounds; the network is no
    slower than with schedules as published, nor is any layer by itself, as far as estimates tell."""
    with features_of([name]) as (features,):
        alone, paper_alone = (features.run({CHOOSE: {"schedule": chosen}, **APART}) for chosen in ("best", "paper"))
        if long or name in WHOLE:
            whole, paper = (features.run({CHOOSE: {"schedule": chosen}}) for chosen in ("best", "paper"))
            assert whole.report["cycles"] <= paper.report["cycles"]
        rows = rows_of(alone.report, estimates_of(features.path, features.input_shape))
    certified = [layer for layer in alone.report["layers"] if layer["kind"] != "host"]
    assert all(layer["alone"] for layer in certified)
    assert snow_certify.check_report(alone.report) == len(certified)
    ours, published = cycles_alone(alone.report, paper_alone.report)
    assert ours.keys() == published.keys()
    assert {layer for layer, cycles in ours.items() if cycles > (1 + FORESEEN) * published[layer]} == set()
    assert [row["layer"] for row in rows if row["estimated_bytes"] != row["bytes"]] == []
    estimated, cycles = (sum(row[name] for row in rows) for name in ("estimated_cycles", "cycles"))
    assert estimated == pytest.approx(cycles, rel=FORESEEN)
    if long:
        assert {row["layer"]: row["error_percent"] for row in rows if not is_close(row)} == {}
