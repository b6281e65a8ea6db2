"""What a run says about itself: cycles, bytes, and where the time went, for the whole program and each layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from snowdialect.backend.memory_map import static_report
from snowdialect.backend.program import Layer, Program
from snowdialect.simulator import state
from snowdialect.simulator.state import Numbers, Records

LEDGER = (
    "compute",
    "border_and_partial_line_waste",
    "imbalance",
    "issue_stalls",
    "memory_wait",
    "fill_and_drain",
)
"""Where cycles go. Cycles of a layer are divided among these without rest."""
_TRAFFIC = (state.MAPS_BYTES, state.WEIGHTS_BYTES, state.CODE_BYTES, state.STORED_BYTES)


@dataclass
class Timing:
    """Cycles and bytes of the stretches of code of a program, which run one after the other."""

    cycles: int
    executed: int
    conflicts: int
    layers: Numbers
    """(layers, state.LAYER_COLUMNS)."""

    @classmethod
    def of(cls, program: Program) -> "Timing":
        rows = len(program.layers)
        return cls(0, 0, 0, np.zeros((rows, state.LAYER_COLUMNS), np.int64))

    def add(self, clock: Records, control: Records) -> None:
        """Adds a stretch of code that has ended."""
        self.cycles += int(clock["end"][0])
        self.executed += int(control["steps"][0])
        self.conflicts += int(clock["conflicts"][0])
        self.layers += clock["layers"][0, : len(self.layers)]


def make_report(
    program: Program, timing: Timing, saturations: Mapping[str, int], wraps: Mapping[str, int]
) -> dict[str, Any]:
    """The report of a run, under the names that docs/program.md lists; `saturations` and `wraps` are by layer."""
    machine = program.machine
    rows = [
        {
            **_layer(program, number, timing),
            "saturations": saturations.get(layer.name, 0),
            "accumulator_wraps": wraps.get(layer.name, 0),
        }
        for number, layer in enumerate(program.layers)
    ]
    seconds = timing.cycles / machine.clock_hz
    traffic = timing.layers.sum(axis=0)
    total = {
        "model": program.model,
        "machine": machine.name,
        "clock_hz": machine.clock_hz,
        "macs": program.macs,
        "cycles": timing.cycles,
        "seconds": seconds,
        "frames_per_second": 1 / seconds if seconds else 0.0,
        "utilization": _share(program.macs, timing.cycles * machine.multipliers),
        **_bytes(traffic),
        "gigabytes_per_second": sum(map(int, traffic[list(_TRAFFIC)])) / seconds / 1e9 if seconds else 0.0,
        "instructions_static": program.instructions,
        "instructions_executed": timing.executed,
        "saturations": sum(saturations.values()),
        "accumulator_wraps": sum(wraps.values()),
        "port_conflict_cycles": timing.conflicts,
        "ledger": {part: sum(row["ledger"][part] for row in rows) for part in LEDGER},
        "layers": rows,
        **static_report(program),
    }
    return total


def _layer(program: Program, number: int, timing: Timing) -> dict[str, Any]:
    layer, machine = program.layers[number], program.machine
    cycles = int(timing.layers[number, state.CYCLES])
    measured = {
        "cycles": cycles,
        "ideal_cycles": -(-layer.macs // machine.multipliers),
        "utilization": _share(layer.macs, cycles * machine.multipliers),
        **_bytes(timing.layers[number]),
        "ledger": _ledger(program, layer, timing.layers[number]),
    }
    return layer.row(measured)


def _bytes(row: Numbers) -> dict[str, int]:
    maps, weights, code, stored = row[list(_TRAFFIC)].tolist()
    return {
        "dram_read_bytes": maps + weights + code,
        "maps_bytes": maps,
        "weights_bytes": weights,
        "instruction_bytes": code,
        "dram_write_bytes": stored,
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _ledger(program: Program, layer: Layer, row: Numbers) -> Mapping[str, int]:
    """Cycles by part, which sum to those of the layer."""
    machine = program.machine
    masked = row[state.MASKED] / machine.vmacs
    working = row[state.BUSY] - masked
    # Cycles of CUs in which every multiplier has something to do. Without multiplications all work counts.
    useful = min(layer.macs / (machine.vmacs * machine.macs), working) if layer.macs else working
    parts = np.array(
        [
            useful,
            working - useful,
            masked + row[state.IMBALANCE],
            row[state.ISSUE],
            row[state.MEMORY],
            row[state.FILL] + row[state.DRAIN],
        ]
    )
    # From cycles of CUs to cycles, rounded so that the sum stays.
    edges = np.rint(np.cumsum(parts) / machine.compute_units).astype(np.int64)
    return dict(zip(LEDGER, np.diff(edges, prepend=0).tolist(), strict=True))
