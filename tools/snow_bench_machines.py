"""Networks of the zoo on machines that differ from the default one in one thing: the same search fits them all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from snow_bench import Row, Table, Tables
from snow_bench_zoo import Features, features_of
from snowdialect.machine import Machine, load_machine

FACTORS: Mapping[str, Mapping[str, float]] = {
    "default": {},
    "half the bandwidth": {"bandwidth": 1 / 2},
    "twice the bandwidth": {"bandwidth": 2},
    "half the maps buffers": {"mbuf_words": 1 / 2},
    "half the weights buffers": {"wbuf_words": 1 / 2},
    "half of all buffers": {"mbuf_words": 1 / 2, "wbuf_words": 1 / 2},
    "twice all buffers": {"mbuf_words": 2, "wbuf_words": 2},
    "half the vMACs": {"vmacs": 1 / 2},
    "half the CUs": {"compute_units": 1 / 2},
    "a quarter of the CUs": {"compute_units": 1 / 4},
}
"""What a machine has of what the default one has. Buffers are those of each CU and of each vMAC."""


def scaled(machine: Machine, name: str, factors: Mapping[str, float]) -> Machine:
    """A machine with so much of what another one has."""
    return replace(machine, name=name, **{key: int(getattr(machine, key) * by) for key, by in factors.items()})


def measure(networks: Sequence[str]) -> Tables:
    """A row for each network and machine."""
    with features_of(networks) as files, TemporaryDirectory() as folder:
        rows = [row for features in files for row in _rows(features, Path(folder))]
    return {"machines": Table("Other machines, without linear layers, one input", rows)}


def _rows(features: Features, folder: Path) -> Iterator[Row]:
    reference, cycles = features.reference(), 0
    for number, (name, factors) in enumerate(FACTORS.items()):
        file = folder / f"{number}.toml"
        file.write_text(scaled(load_machine(), name, factors).to_toml())
        measured = features.run(machine=str(file))
        report = measured.report
        cycles = cycles or report["cycles"]
        yield {
            "network": features.name,
            "machine": name,
            "cycles": report["cycles"],
            "times_cycles": report["cycles"] / cycles,
            "utilization_percent": 100 * report["utilization"],
            "fps": report["frames_per_second"],
            "dram_bytes": measured.dram_bytes,
            "gb_per_second": report["gigabytes_per_second"],
            "instructions": report["instructions_static"],
            "equal": measured.equals(reference),
        }
