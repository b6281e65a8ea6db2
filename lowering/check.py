"""Runs a network at every level on the same inputs and finds the first difference from the reference."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.universe import Universe

from lowering import driver
from lowering.pipeline import LEVELS, passes_between
from snowdialect.dialects import cnn
from snowdialect.dialects.tile import maps_shape
from snowdialect.interpreters import Run, run_module
from snowdialect.weights import Weights


class Place(NamedTuple):
    """Where a run first leaves the reference."""

    layer: str
    what: str
    """`result`, `output`, `saturations` or `wraps`."""
    element: tuple[int, ...]
    """Index in a batch, (n, c, y, x) or (n, f); empty for a count."""
    reference: Any
    found: Any
    """Fixed-point words for a result, scaled back for an output."""


class Difference(NamedTuple):
    level: str
    after: str
    """The first pass after which the program computes something else."""
    place: Place

    def __str__(self) -> str:
        layer, what, element, reference, found = self.place
        where = f"{what}, element {list(element)}" if element else what
        return (
            f"{self.level}: layer {layer}: {where}: {found}, but {reference} in the reference; "
            f"first differs after {self.after}"
        )


class LevelResult(NamedTuple):
    """What one level computed, and whether it is what the reference computed."""

    level: str
    """A level of the pipeline, or FLOAT."""
    run: Run
    seconds: float
    """Time to lower to this level and to run it."""
    layers_compared: int
    difference: Difference | None = None


FLOAT = "float"
"""The network before quantisation: no level of its own, and compared with nothing."""


def check(
    context: Context, module: ModuleOp, batch: NDArray[np.float32], weights: Weights | None
) -> Iterator[LevelResult]:
    """Lowers a network of level `cnn` step by step, in place, and yields each level's result as it is known.

    `batch` is N x the shape of one input. A network that is not quantised runs in float first. Level `cnn`,
    fused and quantised, is the reference; the first level that differs from it is the last.
    """
    started = time.perf_counter()
    if not _is_quantised(module):
        yield LevelResult(FLOAT, run_module(module, batch, weights), time.perf_counter() - started, 0)
    reference: Run | None = None
    for level in LEVELS:
        started = time.perf_counter()
        above = module.clone()
        driver.lower(context, module, level)
        run = run_module(module, batch, weights)
        seconds = time.perf_counter() - started
        if reference is None:
            reference = run
        difference = None
        if first_difference(reference, run) is not None:
            difference = _blame(context, above, level, batch, weights, reference)
        compared = len(reference.layers.keys() & run.layers.keys())
        yield LevelResult(level, run, seconds, compared, difference)
        if difference is not None:
            return


def output_distance(run: Run, other: Run) -> float:
    """Largest absolute difference between the outputs of two runs."""
    distances = [np.abs(array - other.outputs[name]).max() for name, array in run.outputs.items()]
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
        expected, found = getattr(reference, what), getattr(run, what)
        for layer in dict.fromkeys((*expected, *found)):
            if expected[layer] != found[layer]:
                return Place(layer, what, (), expected[layer], found[layer])
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
) -> Difference:
    """Lowers again to a level that differs, and runs after every pass until one has changed the result."""
    available = Universe.get_multiverse().all_passes
    names = passes_between(driver.level_of(module), level)
    for name in names:
        driver.apply_pass(context, module, available[name]())
        place = first_difference(reference, run_module(module, batch, weights))
        if place is not None:
            return Difference(level, name, place)
    raise AssertionError(f"level {level} differed, and does not after the same passes: {', '.join(names)}")


def _is_quantised(module: ModuleOp) -> bool:
    return any(isinstance(op, cnn.QuantizeOp) for op in module.walk())
