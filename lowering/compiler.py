"""From a model file to the program that a machine runs."""

from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lowering import driver
from lowering.context import ProgramContext, announce_nothing
from lowering.pipeline import LEVELS, TILE, passes_between
from lowering.processes import in_background
from snowdialect.backend.program import Coverage, Program
from snowdialect.errors import SnowError

if TYPE_CHECKING:
    from lowering.explain import Explanation
    from lowering.program_cache import ProgramCache


def compile_model(
    path: str | Path,
    input_shape: tuple[int, ...] | None = None,
    machine: str | Path | None = None,
    options: driver.PassOptions = driver.NO_OPTIONS,
    announce: Callable[[str], None] = announce_nothing,
    *,
    bound_accumulators: bool = False,
    without: Container[str] = (),
    outputs: Sequence[Path | None] = (),
    cache: "ProgramCache | None" = None,
) -> Program:
    """Compiles a model file, or a module or assembly at any level.

    `input_shape` is that of one input, without batch, for files that carry none; `machine` a shipped machine or a file,
    by default the one that the module names, else the default machine; `options` are those of passes that the module
    has still to go through; `announce` is called with what is about to be done. With `bound_accumulators` the program
    says which layers can wrap, if that can still be found out. Optional passes in `without` are left out. None of
    `outputs`, files to be written, may be that of the module's weights. What `cache` holds is taken from there, what is
    made is kept in it; not with `bound_accumulators`, whose answer depends on the weights, nor with passes left out.
    Raises SnowError, one line.
    """
    context, source = _read(Path(path), input_shape, machine, options, announce, outputs)
    with driver.without_collection():
        if driver.level_of(source.module) != LEVELS[0]:
            return _lower_further(context, source, options, without)
        driver.lower(context, source.module, LEVELS[0], None, options, verify_each=False, without=without)
        if bound_accumulators:
            options = {**options, driver.BOUND_ACCUMULATORS: {}}
        if cache is None or bound_accumulators or without:
            return _lower_network(context, source, options, without)
        return _lower_once(context, source, options, cache)


def _lower_once(
    context: ProgramContext, source: driver.Source, options: driver.PassOptions, cache: "ProgramCache"
) -> Program:
    """Lowers a network at level `cnn`, unless the cache holds the code of one like it."""
    key = cache.key(source.module, options)
    if (kept := cache.find(key, context)) is not None:
        context.announce("packing weights ...")
        return kept.with_weights(source.weights(), source.path.name)
    program = _lower_network(context, source, options, ())
    cache.keep(key, program, source.module)
    return program


def _lower_network(
    context: ProgramContext, source: driver.Source, options: driver.PassOptions, without: Container[str]
) -> Program:
    """Lowers a network that has gone through level `cnn`."""
    first = passes_between(LEVELS[0])[0]
    driver.lower(context, source.module, TILE.dialect, None, options, verify_each=False, first=first, without=without)
    return _lower_further(context, source, options, without)


def _lower_further(
    context: ProgramContext, source: driver.Source, options: driver.PassOptions, without: Container[str]
) -> Program:
    """Lowers a program that is below level `cnn`."""
    from snowdialect.backend.assemble import assemble_around
    from snowdialect.backend.images import Images, PackedConstants

    constants = PackedConstants(source.module, source.weights())
    # Packing weights takes as long as lowering some layers, and nothing before the program's file needs them.
    with in_background(constants.pack) as packed:

        def images() -> Images:
            packed()
            return constants.images

        driver.lower(context, source.module, LEVELS[-1], None, options, verify_each=False, without=without)
        driver.expect_placed(source.module, str(source.path))
        return assemble_around(images, source.module, source.path.name)


def cover_model(
    path: str | Path,
    input_shape: tuple[int, ...] | None = None,
    machine: str | Path | None = None,
    options: driver.PassOptions = driver.NO_OPTIONS,
    announce: Callable[[str], None] = announce_nothing,
) -> list[Coverage]:
    """What becomes of each layer of a model, in its order, without compiling it. Arguments and errors are those of
    `compile_model`."""
    from snowdialect.dialects.layers import source_layers

    context, source = _read(Path(path), input_shape, machine, options, announce)
    if driver.level_of(source.module) == LEVELS[0]:
        driver.lower(context, source.module, TILE.dialect, None, options, last=driver.DESCRIBE_LAYERS)
    return [Coverage(**layer._asdict()) for layer in source_layers(source.module).values()]


def explain_layer(
    path: str | Path,
    layer: str,
    input_shape: tuple[int, ...] | None = None,
    machine: str | Path | None = None,
    options: driver.PassOptions = driver.NO_OPTIONS,
    announce: Callable[[str], None] = announce_nothing,
) -> "Explanation":
    """Why a layer of a model has its schedule, without compiling it. Arguments and errors are those of
    `compile_model`."""
    context, source = _read(Path(path), input_shape, machine, options, announce)
    if (level := driver.level_of(source.module)) != LEVELS[0]:
        raise SnowError(f"{path}: is at level {level}: its schedules are chosen")
    driver.lower(context, source.module, TILE.dialect, None, options, last=driver.CHOOSE_SCHEDULE)
    from lowering.explain import explain

    return explain(source.module, layer, options.get(driver.CHOOSE_SCHEDULE, {}))


def _read(
    path: Path,
    input_shape: tuple[int, ...] | None,
    machine: str | Path | None,
    options: driver.PassOptions,
    announce: Callable[[str], None],
    outputs: Sequence[Path | None] = (),
) -> tuple[ProgramContext, driver.Source]:
    """A program, and the context for the passes that it has still to go through."""
    context = driver.make_context()
    context.announce = announce
    source = driver.read_source(context, path, input_shape, outputs)
    driver.expect_network(source.module, path)
    if machine is not None:
        driver.set_machine(source.module, machine)
    driver.expect_no_option_past(path, source.module, options)
    driver.expect_samples(source.module, options)
    return context, source
