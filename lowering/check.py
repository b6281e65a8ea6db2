"""Runs a network at every level and on the simulator, and finds the first difference from the reference."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe

from lowering import driver
from lowering.cnn.quantize import DEFAULT_FRAC_BITS
from lowering.pipeline import LEVELS, passes_between
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import WORD_BITS
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.tile import maps_shape
from snowdialect.errors import SnowError
from snowdialect.interpreters import Run, run_module
from snowdialect.weights import Weights

if TYPE_CHECKING:
    from snowdialect.backend.program import Program
    from snowdialect.simulator import SimulationResult


class Place(NamedTuple):
    """Where a run first leaves the reference."""

    layer: str | None
    """None for a count of the whole program."""
    what: str
    """`result`, `output`, `saturations`, `wraps`, or `executed` and an instruction."""
    element: tuple[int, ...]
    """Index in a batch, (n, c, y, x) or (n, f); empty for a count."""
    reference: Any
    found: Any
    """Fixed-point words for a result, scaled back for an output."""


class Difference(NamedTuple):
    level: str
    after: str
    """The first pass, or ASSEMBLY, after which the program computes something else."""
    place: Place

    def __str__(self) -> str:
        layer, what, element, reference, found = self.place
        where = f"{what}, element {list(element)}" if element else what
        if layer is not None:
            where = f"layer {layer}: {where}"
        return f"{self.level}: {where}: {found}, but {reference} in the reference; first differs after {self.after}"


class LevelResult(NamedTuple):
    """What one level computed, and whether it is what the reference computed."""

    level: str
    """A level of the pipeline, FLOAT or SIMULATOR."""
    run: Run
    seconds: float
    """Time to lower to this level and to run it."""
    layers_compared: int
    difference: Difference | None = None
    program: "Program | None" = None
    """What the simulator ran."""


FLOAT = "float"
"""The network before quantisation, as it is read: no level of its own. What passes fold it into, still in float, must
compute about the same."""

LARGEST = 1 << WORD_BITS - 1
"""No word stands for it, whatever its fraction bits."""

ABOUT, LEAST = 0.01, 1 / (1 << DEFAULT_FRAC_BITS)
"""Folding changes no output by more than this part of the largest one and a word's last bit; most by float's last bits
alone, but where terms cancel, or an output is zero, these may be all there is."""

SIMULATOR = "simulator"
"""The program in the simulator of the machine, below all levels."""

ASSEMBLY = "assembly"
"""What makes the program of a module at the lowest level."""


def check(
    context: Context,
    module: ModuleOp,
    batch: NDArray[np.float32],
    weights: Weights | None,
    model: str = "",
    options: driver.PassOptions = driver.NO_OPTIONS,
    announce: Callable[[str], None] = lambda text: None,
) -> Iterator[LevelResult]:
    """Lowers a network of level `cnn` step by step, in place, and yields each level's result as it is known.

    `batch` is N x the shape of one input, `model` names the network in the program, `options` are those of passes;
    `announce` is called with what is about to be done. A network that is not quantised runs in float first, as it is
    and folded. Level `cnn`, fused and quantised, is the reference; the first level that differs is the last. At the
    end the simulator runs the program: it must give the bits of the reference, and execute the instructions of the
    lowest level. Raises SnowError, one line, also for a program that the machine could not run.
    """
    driver.expect_samples(module, options)
    started = time.perf_counter()
    if not _is_quantised(module):
        announce("running in float ...")
        run = run_module(module, batch, weights)
        difference = float_difference(context, module, batch, weights, run)
        yield LevelResult(FLOAT, run, time.perf_counter() - started, 0, difference)
        if difference is not None:
            return
    runs: list[Run] = []
    for level in LEVELS:
        started = time.perf_counter()
        above = module.clone()
        _lower(context, module, level, options, above)
        announce(f"running at level {level} ...")
        run = run_module(module, batch, weights)
        seconds = time.perf_counter() - started
        runs.append(run)
        reference, difference = runs[0], None
        if first_difference(reference, run) is not None:
            announce(f"looking for the pass after which level {level} differs ...")
            difference = _blame(context, above, level, batch, weights, reference, options)
        yield LevelResult(level, run, seconds, _compared(reference, run), difference)
        if difference is not None:
            return
        # A calibration must not be asked for again: from level cnn on there is no float.
        ran = passes_between(None, level, options)
        options = {name: fields for name, fields in options.items() if name not in ran}
    announce("running in the simulator ...")
    yield _simulate(module, batch, weights, model, runs[0], runs[-1])


def _lower(context: Context, module: ModuleOp, level: str, options: driver.PassOptions, above: ModuleOp) -> None:
    """Lowers a module to a level and verifies it there.

    Raises what a pass refuses, as it says it. Where a pass stumbles, or the level is invalid, `above`, a copy of the
    module before, is lowered and verified behind each pass: the first one to blame is named.
    """
    try:
        driver.lower(context, module, level, None, options, verify_each=False)
    except SnowError:
        raise
    except Exception:
        driver.lower(context, above, level, None, options)
        raise
    try:
        driver.verify(module, level)
    except SnowError:
        driver.lower(context, above, level, None, options)
        raise


def float_difference(
    context: Context, module: ModuleOp, batch: NDArray[np.float32], weights: Weights | None, run: Run
) -> Difference | None:
    """Where a float network, whose run is given, computes something else when the passes before its quantisation have
    folded it. The module stays as it is. Nothing is said of inputs that no word can hold: beside them, what float
    rounds off may be anything. Nor is it of limits that no word can hold, where they are reached: they are left out."""
    if not np.abs(batch).max(initial=0) < LARGEST or any(
        op.limit.value.data >= LARGEST and run.layers[layer_name(op)].max(initial=0) >= op.limit.value.data
        for op in module.walk()
        if isinstance(op, cnn.ReluOp) and op.limit is not None and layer_name(op) in run.layers
    ):
        return None
    names = passes_between(None, LEVELS[0])
    # As for number formats that are still to be chosen: else limits that no word reaches are left out.
    options = {driver.FOLD_LIMITS: {"calibrated": True}}
    folded = module.clone()
    driver.lower(context, folded, LEVELS[0], None, options, last=names[names.index(driver.QUANTIZE) - 1])
    place = far_apart(run, run_module(folded, batch, weights))
    if place is None:
        return None
    return _blame(context, module.clone(), LEVELS[0], batch, weights, run, options, far_apart)


def far_apart(reference: Run, run: Run) -> Place | None:
    """The first element of an output that is far from the reference, where that is finite."""
    for name, expected in reference.outputs.items():
        found = run.outputs[name]
        if expected.shape != found.shape:
            return Place(name, "output's shape", (), expected.shape, found.shape)
        finite = np.isfinite(expected)
        distance = np.subtract(found, expected, where=finite, out=np.zeros(expected.shape))
        near = np.abs(distance) <= ABOUT * np.abs(expected).max(where=finite, initial=0) + LEAST
        if not near.all():
            element = tuple(int(i) for i in np.unravel_index(int(near.argmin()), near.shape))
            return Place(name, "output", element, expected[element].item(), found[element].item())
    return None


def _simulate(
    module: ModuleOp, batch: NDArray[np.float32], weights: Weights | None, model: str, reference: Run, lowest: Run
) -> LevelResult:
    """Assembles a module of the lowest level, whose run was `lowest`, and simulates the program."""
    from snowdialect.backend.assemble import assemble
    from snowdialect.simulator import simulate

    started = time.perf_counter()
    program = assemble(module, weights, model)
    result = simulate(program, batch)
    run = simulated_run(result)
    place = first_difference(reference, run) or _first_count(lowest, run)
    difference = None if place is None else Difference(SIMULATOR, ASSEMBLY, place)
    return LevelResult(SIMULATOR, run, time.perf_counter() - started, _compared(reference, run), difference, program)


def simulated_run(result: "SimulationResult") -> Run:
    """What the simulator computed, to be compared with what an interpreter did."""
    return Run(result.outputs, result.layers, result.saturations, result.wraps, result.instructions)


def _first_count(lowest: Run, run: Run) -> Place | None:
    """The first instruction that was not executed as often as at the lowest level."""
    for name in sorted(lowest.instructions.keys() | run.instructions.keys()):
        expected, found = lowest.instructions[name], run.instructions[name]
        if expected != found:
            return Place(None, f"executed {name}", (), expected, found)
    return None


def _compared(reference: Run, run: Run) -> int:
    """How many layers both runs know."""
    return len(reference.layers.keys() & run.layers.keys())


def output_distance(run: Run, other: Run) -> float:
    """Largest absolute difference between the outputs of two runs; infinities of the same sign do not differ."""
    pairs = [(array, other.outputs[name]) for name, array in run.outputs.items()]
    distances = [np.abs(np.where(one == two, 0, one - two)).max() for one, two in pairs]
    return float(max(distances, default=0.0))


def first_difference(reference: Run, run: Run) -> Place | None:
    """The first element, in the order of the layers, in which a run leaves the reference; then counts."""
    for layer, expected in reference.layers.items():
        if layer in run.layers and (place := _compare(layer, "result", expected, run.layers[layer])):
            return place
    for name, expected in reference.outputs.items():
        if place := _compare(name, "output", expected, run.outputs[name]):
            return place
    for what in ("saturations", "wraps"):
        if place := _compare_counts(what, getattr(reference, what), getattr(run, what)):
            return place
    return None


def _compare_counts(what: str, expected: Mapping[str, int], found: Mapping[str, int]) -> Place | None:
    """The first layer with another count. Passes split a layer, or make one of several, under other names: so those
    that one of the runs does not know count together. Runs know layers that count nothing, too."""
    for layer, count in expected.items():
        if layer in found and found[layer] != count:
            return Place(layer, what, (), count, found[layer])
    gone = {layer: count for layer, count in expected.items() if layer not in found}
    new = {layer: count for layer, count in found.items() if layer not in expected}
    if (before := sum(gone.values())) != (after := sum(new.values())):
        first = next(layer for layer, count in (*gone.items(), *new.items()) if count)
        return Place(first, what, (), before, after)
    return None


def _compare(layer: str, what: str, expected: NDArray[Any], found: NDArray[Any]) -> Place | None:
    if found.shape[1:] == maps_shape((1, *expected.shape[1:])):
        # In memory every tensor is maps: a vector is a map of one pixel.
        found = found.reshape(expected.shape)
    if expected.shape != found.shape:
        return Place(layer, f"{what}'s shape", (), expected.shape, found.shape)
    # NaN, which a host operation may make, is equal to itself here.
    different = (expected != found) & ~((expected != expected) & (found != found))
    if not different.any():
        return None
    element = tuple(int(i) for i in np.unravel_index(int(different.argmax()), different.shape))
    return Place(layer, what, element, expected[element].item(), found[element].item())


def _blame(
    context: Context,
    module: ModuleOp,
    level: str,
    batch: NDArray[np.float32],
    weights: Weights | None,
    reference: Run,
    options: driver.PassOptions,
    differs: Callable[[Run, Run], Place | None] = first_difference,
) -> Difference:
    """Lowers again to a level that differs, and runs after every pass until one has changed the result."""
    available = Universe.get_multiverse().all_passes
    names = driver.passes_that_remain(module, level, options)
    for name in names:
        driver.apply_pass(context, module, available[name](), options)
        place = differs(reference, run_module(module, batch, weights))
        if place is not None:
            return Difference(level, name, place)
    raise AssertionError(f"level {level} differed, and does not after the same passes: {', '.join(names)}")


def _is_quantised(module: ModuleOp) -> bool:
    return any(isinstance(op, cnn.QuantizeOp) for op in module.walk())
