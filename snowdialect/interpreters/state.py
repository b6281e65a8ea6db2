"""What a run knows besides the values of the IR: inputs, weights, memory, and what it observed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from xdsl.interpreter import Interpreter, InterpreterFunctions
from xdsl.ir import SSAValue

if TYPE_CHECKING:
    from snowdialect.interpreters.buffers import Buffers, Region
    from snowdialect.machine import Machine
    from snowdialect.weights import Weights


@dataclass
class RunState:
    """The state of one run. Every array of activations has a leading batch axis N; constants have none."""

    inputs: dict[str, NDArray[np.float32]] = field(default_factory=dict[str, Any])
    """Network input by name: (N, ...) float32."""
    weights: "Weights | None" = None
    batch: int = 1
    outputs: dict[str, NDArray[Any]] = field(default_factory=dict[str, Any])
    layers: dict[str, NDArray[Any]] = field(default_factory=dict[str, Any])
    """Result of each layer in logical order, (N, C, H, W) or (N, F), by layer name."""
    saturations: Counter[str] = field(default_factory=Counter[str])
    wraps: Counter[str] = field(default_factory=Counter[str])
    constants: dict[SSAValue, NDArray[Any]] = field(default_factory=dict[SSAValue, Any])
    """Constant expressions evaluated so far."""
    dram: NDArray[np.int16] = field(default_factory=lambda: np.zeros((1, 0), np.int16))
    """Memory of the accelerator: (N, words); a 64 B unit is 32 words."""
    regions: dict[str, "Region"] = field(default_factory=dict[str, Any])
    """Regions of maps by the name of the layer whose result they hold."""
    layer: str | None = None
    """The layer that uses memory."""
    _entered: set[str] = field(default_factory=set[str])
    """Layers that have used memory so far, the current one included."""
    partial_sums: dict[tuple[SSAValue, int], NDArray[np.int64]] = field(default_factory=dict[Any, Any])
    """Accumulators between the parts of a kernel, by result buffer and CU."""
    instructions: Counter[str] = field(default_factory=Counter[str])
    """Executed instructions by mnemonic."""
    _buffers: "Buffers | None" = None

    def observe(self, layer: str, result: NDArray[Any]) -> None:
        """Remembers what a layer computed, to be compared between levels."""
        self.layers[layer] = result

    def enter(self, layer: str) -> None:
        """A layer comes to memory: before it writes there, observes the regions that no layer needs any more."""
        for name, region in self.regions.items():
            if region.last_layer in self._entered and region.last_layer != layer:
                self.observe_region(name)
        self.layer = layer
        self._entered.add(layer)

    def observe_region(self, name: str) -> None:
        """Remembers the maps of a region. Where the host computed them, its result is what it computed; rows that it
        unrolled are an input, which is no layer's result."""
        maps = self.regions[name].maps
        if name not in self.layers and maps is not None and maps.layout.unrolled is None:
            from snowdialect.interpreters.buffers import read_maps

            self.observe(name, read_maps(self.dram, self.regions[name]))

    def count(self, layer: str, saturations: int, wraps: int) -> None:
        """Adds to a layer's clamped results and to its results whose exact sum left 32 bits."""
        self.saturations[layer] += saturations
        self.wraps[layer] += wraps

    def buffers(self, machine: "Machine") -> "Buffers":
        """The on-chip buffers, empty before their first use."""
        if self._buffers is None:
            from snowdialect.interpreters.buffers import Buffers

            self._buffers = Buffers.of(machine, self.batch)
        return self._buffers

    def reserve_memory(self, words: int) -> None:
        """Grows memory to at least `words` words per batch element; what is new reads as zero."""
        if words > self.dram.shape[1]:
            grown = np.zeros((self.batch, words), np.int16)
            grown[:, : self.dram.shape[1]] = self.dram
            self.dram = grown


class _StateKey(InterpreterFunctions):
    """The owner under which an interpreter keeps its RunState."""


def run_state(interpreter: Interpreter) -> RunState:
    """The state of this interpreter's run, made on first use."""
    return interpreter.get_data(_StateKey, "state", RunState)


def set_run_state(interpreter: Interpreter, state: RunState) -> None:
    """Gives an interpreter the state to run with."""
    interpreter.set_data(_StateKey, "state", state)
