"""A whole program: the host's steps, and the machine's in threads, one for the clock and one for each input."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import cache, partial
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snowdialect.arrays import batch_size, numbers
from snowdialect.backend.program import NO_LAYER, NO_TILE, Code, CodeStep, Program, Region
from snowdialect.errors import SnowError
from snowdialect.machine.instructions import BY_NAME
from snowdialect.simulator import state
from snowdialect.simulator.core import execute
from snowdialect.simulator.decode import ILLEGAL, NAMES, decode_code
from snowdialect.simulator.faults import IllegalProgram, describe
from snowdialect.simulator.host import Host, read_maps
from snowdialect.simulator.jit import announce_compilation
from snowdialect.simulator.report import Timing, make_report
from snowdialect.simulator.state import Numbers, Records, Words

_SLICE = 1 << 22
"""Instructions that run before a thread looks whether it is still wanted."""
_LONGEST = 1 << 30
"""Instructions after which a run is given up: a hundred times those of the largest network that is known here."""
_CHUNK_BYTES = 1 << 28
"""Memories of inputs that are kept at a time."""


class SimulationResult(NamedTuple):
    """What a run produced. Arrays have a leading batch axis."""

    output: NDArray[Any]
    """Of the only output, (N, ...) float32; of the first one when there are several."""
    outputs: dict[str, NDArray[Any]]
    layers: dict[str, NDArray[Any]]
    """Result of each layer by name: words (N, C, H, W), or what the host computed."""
    saturations: Counter[str]
    wraps: Counter[str]
    """By layer, over the whole batch."""
    instructions: Counter[str]
    """Executed instructions by mnemonic, for one input."""
    cycles: int
    """For one input, from memory to memory."""
    report: dict[str, Any]

    def __repr__(self) -> str:
        speed = self.report["frames_per_second"]
        return f"<SimulationResult {self.output.shape}: {self.cycles} cycles, {speed:.1f} frames/s>"


@dataclass
class _Totals:
    saturations: Counter[str] = field(default_factory=Counter[str])
    wraps: Counter[str] = field(default_factory=Counter[str])
    instructions: Counter[str] = field(default_factory=Counter[str])


def simulate(program: Program, x: Mapping[str, ArrayLike] | ArrayLike) -> SimulationResult:
    """Runs a program on a batch.

    `x` holds numbers (N, ...) by input name, or is the array (N, ...) of the only input. Cycles do not depend on the
    input, so the clock runs once. Raises IllegalProgram, one line, when the machine could not run the program, and
    SnowError for an input that is missing or has another shape.
    """
    announce_compilation()
    totals, timing = _Totals(), Timing.of(program)
    chunks: list[tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]] = []
    size = max(1, _CHUNK_BYTES // max(1, 2 * program.memory_words))
    rows = [decode_code(program, code) for code in program.codes]
    for number, part in enumerate(_parts(x, size)):
        chunks.append(_run_chunk(program, part, rows, totals, timing if number == 0 else None))
    outputs, layers = (
        {name: np.concatenate([chunk[i][name] for chunk in chunks]) for name in chunks[0][i]} for i in range(2)
    )
    report = make_report(program, timing, totals.saturations, totals.wraps)
    return SimulationResult(
        next(iter(outputs.values())),
        outputs,
        layers,
        totals.saturations,
        totals.wraps,
        totals.instructions,
        timing.cycles,
        report,
    )


def _parts(inputs: Mapping[str, ArrayLike] | ArrayLike, size: int) -> Iterator[Any]:
    """The inputs in pieces of at most `size`."""
    named = isinstance(inputs, Mapping)
    arrays = {f"input '{name}'": array for name, array in inputs.items()} if named else {"the input": inputs}
    batches = {name: np.atleast_1d(numbers(name, array)) for name, array in arrays.items()}
    count = batch_size(batches)
    if count == 0:
        raise SnowError("the batch of inputs is empty")
    for start in range(0, count, size):
        parts = [batch[start : start + size] for batch in batches.values()]
        yield dict(zip(inputs, parts, strict=True)) if named else parts[0]


def _run_chunk(
    program: Program, inputs: Any, rows: Sequence[Records], totals: _Totals, timing: Timing | None
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Runs all steps on some inputs; returns outputs and results of layers."""
    host = Host(program, inputs)
    memory = program.initial_memory()[None]
    if host.batch > 1:  # A copy would take memory for words that nobody uses, too.
        memory = np.tile(memory, (host.batch, 1))
    results = [Results(program, memory[number : number + 1]) for number in range(host.batch)]
    for step in program.steps:
        if isinstance(step, CodeStep):
            _run_code(program, program.codes[step.code], rows[step.code], results, totals, timing)
        else:
            for result in results:
                result.enter(step.layer)
            host.run(step, memory)
    totals.saturations.update(host.saturations)
    totals.wraps.update(host.wraps)
    ended = [result.all() for result in results]
    layers = {name: np.concatenate([maps[name] for maps in ended]) for name in ended[0]}
    return host.outputs, layers | host.layers


class Results:
    """The results of layers in a memory (1, words), each kept before others may use its words."""

    def __init__(self, program: Program, memory: NDArray[np.int16]) -> None:
        self.program, self.memory = program, memory
        self._kept: dict[str, NDArray[np.int16]] = {}
        self._entered: set[str] = set()

    def enter(self, layer: str) -> None:
        """A layer comes to memory: before it writes there, keeps what no layer needs any more."""
        for region in self.program.regions:
            if region.last_layer in self._entered and region.last_layer != layer:
                self._keep(region)
        self._entered.add(layer)

    def all(self) -> dict[str, NDArray[np.int16]]:
        """The maps (1, C, H, W) of every region, by name, when the program has ended."""
        for region in self.program.regions:
            self._keep(region)
        return self._kept

    def _keep(self, region: Region) -> None:
        # Rows that the host has unrolled are an input, which is no layer's result.
        if region.layout is not None and region.layout.unrolled is None and region.name not in self._kept:
            address = region.address * self.program.machine.transfer_words
            self._kept[region.name] = read_maps(self.memory, address, region.layout)


def _run_code(
    program: Program,
    code: Code,
    rows: Records,
    results: Sequence[Results],
    totals: _Totals,
    timing: Timing | None,
) -> None:
    """Runs a stretch of code on the memory of every result, and its clock when `timing` is to be added to."""
    stop = Event()
    counts = np.zeros((len(program.layers), 2), np.int64)
    clock = None if timing is None else Execution(program, code, rows, clock=state.new_clock(program, rows))

    def compute(result: Results) -> NDArray[np.int64]:
        # Buffers exist while a thread runs, not for the whole batch.
        data = state.new_data()
        Execution(program, code, rows, memory=result.memory[0], data=data, enter=result.enter).run(stop)
        return data["counts"][0, : len(counts)].copy()

    runs: list[Callable[[], Any]] = [] if clock is None else [partial(clock.run, stop)]
    for result in _in_threads([*runs, *(partial(compute, result) for result in results)], stop)[len(runs) :]:
        counts += result
    for layer, (saturations, wraps) in zip(program.layers, counts.tolist(), strict=True):
        totals.saturations[layer.name] += saturations
        totals.wraps[layer.name] += wraps
    if timing is None or clock is None:
        return
    assert clock.clock is not None
    timing.add(clock.clock, clock.control)
    for operation, name in enumerate(NAMES):
        times = int(clock.executed[rows["operation"] == operation].sum())
        if times:
            totals.instructions[BY_NAME[name].mnemonic] += times


def _in_threads(runs: Sequence[Callable[[], Any]], stop: Event) -> list[Any]:
    """Results of the runs, in order. Raises what the first of them raised, when all have ended."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            futures: list[Future[Any]] = [pool.submit(run) for run in runs]
            wait(futures)
        finally:
            stop.set()
    return [future.result() for future in futures]


@cache
def _unused(kind: np.dtype[np.void]) -> Records:
    """What stands for a clock or data where there is none; nobody writes to it."""
    return np.zeros(1, kind)


class Execution:
    """A run of one stretch of code, with a clock, or with a memory and data."""

    def __init__(
        self,
        program: Program,
        code: Code,
        rows: Records,
        clock: Records | None = None,
        memory: Words | None = None,
        data: Records | None = None,
        enter: Callable[[str], None] = lambda layer: None,
    ) -> None:
        """`enter` is called, in a run with a memory, before a layer's first move to memory or between CUs."""
        self.program, self.code, self.rows = program, code, rows
        self.clock, self.memory, self.data, self.enter = clock, memory, data, enter
        self.control = state.new_control(program.machine)
        self.executed = np.zeros(len(rows), np.int64)

    def run(self, stop: Event) -> None:
        """Runs from start to end, unless `stop` is set meanwhile. Raises IllegalProgram."""
        sizes, fault = state.sizes_of(self.program, self.code), np.zeros(4, np.int64)
        memory = np.zeros(1, np.int16) if self.memory is None else self.memory
        data = _unused(state.DATA) if self.data is None else self.data
        clock = _unused(state.CLOCK) if self.clock is None else self.clock
        timed, functional = self.clock is not None, self.data is not None
        while not self.control["halted"][0] and not stop.is_set():
            self.control["entered"] = NO_LAYER
            number = execute(
                sizes, self.rows, self.executed, self.control, memory, data, clock, timed, functional, _SLICE, fault
            )
            if number >= 0:
                raise _illegal(self.program, self.code, self.rows, number, fault)
            if (entered := int(self.control["entered"][0])) != NO_LAYER:
                self.enter(self.program.layers[entered].name)
            if int(self.executed.sum()) > _LONGEST:
                raise IllegalProgram(f"the program has not ended after {_LONGEST} instructions")


def _illegal(program: Program, code: Code, rows: Records, number: int, fault: Numbers) -> IllegalProgram:
    """Names layer, tiles, instruction and reason."""
    block, place = divmod(number, len(rows) // len(code.words))
    inside = place < code.layers.shape[1]
    layer = int(code.layers[block, place]) if inside else NO_LAYER
    tile = int(code.tiles[block, place]) if inside else NO_TILE
    where = "no layer" if layer == NO_LAYER else f"layer {program.layers[layer].name}"
    if tile != NO_TILE:
        where += f", {program.tiles[tile]}"
    operation = int(rows["operation"][number])
    name = "" if operation == ILLEGAL else f" ({BY_NAME[NAMES[operation]].mnemonic})"
    numbers = (int(fault[1]), int(fault[2]), int(fault[3]))
    reason = describe(int(fault[0]), numbers)
    return IllegalProgram(f"{where}: instruction {place} of block {block}{name}: {reason}")
