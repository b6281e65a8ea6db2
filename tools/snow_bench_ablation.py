"""What each pass and each choice brings: networks of the zoo compiled plainly, then with one more thing at a time.

Every row is right: it gives the bits of the quantised network, which the ones without fused layers round more often.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from snow_bench import Row, Table, Tables
from snow_bench_zoo import Features, Measured, features_of

if TYPE_CHECKING:
    from snowdialect.interpreters import Run

CHOOSE, CONVERT = "cnn-choose-schedule", "convert-cnn-to-tile"
MOVE, FUSE = "cnn-move-averages", "cnn-fuse"
FILL, PLACE = "snowflake-fill-delay-slots", "tile-assign-addresses"
REDUCE, ORDER = "snowflake-reduce-addresses", "snowflake-schedule"


class Switch(NamedTuple):
    """Something of the compiler that can be left off."""

    what: str
    name: str
    """The pass that does it."""
    off: Mapping[str, Any] | None = None
    """Its options without; None: the pass is left out."""


SWITCHES = (
    Switch("loops over tiles", CONVERT, {"roll": False}),
    Switch("addresses carried through loops", REDUCE),
    Switch("instructions in the order of their latencies", ORDER),
    Switch("delay slots filled", FILL, {"move": False}),
    Switch("averages of fewer channels", MOVE),
    Switch("ReLU and residual in the layer before", FUSE),
    Switch("loads and stores between parts of tiles", CONVERT, {"interleave": False}),
    Switch("buffers of two slots", CHOOSE, {"slots": 1}),
    Switch("max pool in the convolution before", CHOOSE, {"fused": 0}),
    Switch("max pool in the convolution behind", CHOOSE, {"pooled": 0}),
    Switch("either loop order", CHOOSE, {"order": "mloop"}),
    Switch("rows or kernels shared out", CHOOSE, {"split": "rows"}),
    Switch("either mode", CHOOSE, {"mode": "coop"}),
    Switch("kernels or maps back and forth", CHOOSE, {"turns": 0}),
    Switch("biases beside the maps", CHOOSE, {"biases": 0}),
    Switch("pixels abreast", CHOOSE, {"abreast": 1}),
    Switch("input in unrolled rows", CHOOSE, {"input_layout": "as-is"}),
    Switch("concatenations row by row", CHOOSE, {"concats": "pixels"}),
    Switch("results stored apart, convolutions of the same maps as one", CHOOSE, {"siblings": 0}),
    Switch("kernels split unevenly", CHOOSE, {"uneven": 0}),
    Switch("plans timed by their steps", CHOOSE, {"timed": False}),
    Switch("layers overlap", CONVERT, {"overlap": False}),
    Switch("results share memory", PLACE, {"reuse": False}),
)
"""In the order in which they are switched on."""

BASELINE = "baseline: all of the below off"

SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "paper": {"schedule": "paper"},
    "mloop only": {"order": "mloop"},
    "kloop only": {"order": "kloop"},
    "coop only": {"mode": "coop"},
    "indp only": {"mode": "indp"},
    "rows shared out only": {"split": "rows"},
    "kernels shared out only": {"split": "kernels"},
    "best": {},
}
"""Options of cnn-choose-schedule. Layers that cannot have what is asked for take the best of the rest."""


def measure(networks: Sequence[str]) -> Tables:
    """A row for each thing that is switched on, beside those before it; and one for each way to choose schedules."""
    with features_of(networks) as files:
        switched = [row for features in files for row in _switched(features)]
        chosen = [row for features in files for row in _chosen(features)]
    return {
        "ablation": Table("One more pass or choice in each row, without linear layers, one input", switched),
        "schedules": Table("Restricted schedules", chosen),
    }


def _switched(features: Features) -> Iterator[Row]:
    before: int | None = None
    references: dict[frozenset[str], Run] = {}
    for count in range(len(SWITCHES) + 1):
        options, without = switched_off(SWITCHES[count:])
        # Passes before cnn-quantize change what is rounded.
        changing = without & {MOVE, FUSE}
        if changing not in references:
            references[changing] = features.reference(changing)
        measured = features.run(options, without=without)
        what = SWITCHES[count - 1].what if count else BASELINE
        yield {"network": features.name, "with": what, **_figures(measured, before, references[changing])}
        before = measured.report["cycles"]


def switched_off(switches: Sequence[Switch]) -> tuple[dict[str, dict[str, Any]], frozenset[str]]:
    """Options of passes, and the passes that are left out, without what the switches stand for."""
    options: dict[str, dict[str, Any]] = {}
    for switch in switches:
        if switch.off is not None:
            options.setdefault(switch.name, {}).update(switch.off)
    return options, frozenset(switch.name for switch in switches if switch.off is None)


def _chosen(features: Features) -> Iterator[Row]:
    reference = features.reference()
    best = features.run().report["cycles"]
    for name, wanted in SCHEDULES.items():
        measured = features.run({CHOOSE: wanted})
        yield {"network": features.name, "schedule": name, **_figures(measured, best, reference)}


def _figures(measured: Measured, other: int | None, reference: "Run") -> Row:
    """Figures of a program, its cycles against other ones."""
    report = measured.report
    return {
        "cycles": report["cycles"],
        "change_percent": None if other is None else 100 * (report["cycles"] / other - 1),
        "utilization_percent": 100 * report["utilization"],
        "fps": report["frames_per_second"],
        "dram_bytes": measured.dram_bytes,
        "gb_per_second": report["gigabytes_per_second"],
        "memory_bytes": report["memory"]["bytes"],
        "instructions": report["instructions_static"],
        "executed": report["instructions_executed"],
        "equal": measured.equals(reference),
    }
