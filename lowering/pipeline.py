"""The compiler, read from top to bottom: every pass, in the order in which `--lower-to-snowflake` runs them.

A pass is one entry: its name, and the module that holds the ModulePass of that name. A dialect is one Phase: its name,
for which `snowdialect/dialects/NAME`, a file or a package, holds the Dialect and `snowdialect/interpreters/NAME` its
meaning, and the passes that lead to it and stay inside it. Nothing is imported until a pass is used.
"""

from collections.abc import Callable, Container
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from xdsl.passes import ModulePass


class Pass(NamedTuple):
    name: str
    module: str
    on_request: bool = False
    """Runs only when it is named, or when options for it are given."""
    by_layer: bool = False
    """Works on every layer by itself, so that processes may share layers out."""
    optional: bool = False
    """Programs are right without it, and slower; where it comes before cnn-quantize, words may be rounded elsewhere."""

    @property
    def level(self) -> str:
        """The level whose operations it works on, with which its name begins: `cnn-fuse`, `convert-cnn-to-tile`."""
        return self.name.removeprefix("convert-").partition("-")[0]


class Phase(NamedTuple):
    """The part of the pipeline at whose end a program is in `dialect`."""

    dialect: str
    passes: tuple[Pass, ...]
    operations: tuple[str, ...] = ()
    """Modules that add operations to the dialect, beyond those in its own `Dialect`."""

    def passes_run(self, requested: Container[str] = ()) -> tuple[str, ...]:
        """Names of the passes that run, in order, when those in `requested` are asked for."""
        return tuple(step.name for step in self.passes if not step.on_request or step.name in requested)


CNN = Phase(
    "cnn",
    (
        Pass("cnn-name-layers", "lowering.cnn.name_layers"),
        Pass("cnn-expand-transposed", "lowering.cnn.expand_transposed"),
        Pass("cnn-canonicalize", "lowering.cnn.canonicalize"),
        Pass("cnn-fold-limits", "lowering.cnn.fold_limits"),
        Pass("cnn-fold-batch-norm", "lowering.cnn.fold_batch_norm"),
        Pass("cnn-move-averages", "lowering.cnn.move_averages", optional=True),
        Pass("cnn-fuse", "lowering.cnn.fuse", optional=True),
        Pass("cnn-split-averages", "lowering.cnn.split_averages"),
        Pass("cnn-calibrate", "lowering.cnn.calibrate", on_request=True),
        Pass("cnn-quantize", "lowering.cnn.quantize"),
    ),
)

# Down to here a network knows no hardware: the end of the phase CNN is what every level below is compared with.
TILE = Phase(
    "tile",
    (
        Pass("cnn-place-concats", "lowering.cnn.place_concats"),
        Pass("cnn-choose-schedule", "lowering.cnn.choose_schedule"),
        Pass("cnn-bound-accumulators", "lowering.cnn.bound_accumulators", on_request=True),
        Pass("cnn-describe-layers", "lowering.cnn.describe_layers"),
        Pass("convert-cnn-to-tile", "lowering.cnn_to_tile"),
        Pass("tile-assign-addresses", "lowering.tile.assign_addresses"),
    ),
)

LOOP = Phase(
    "loop",
    (
        Pass("tile-name-tiles", "lowering.tile.name_tiles", by_layer=True),
        Pass("convert-tile-to-loop", "lowering.tile_to_loop", by_layer=True),
    ),
)

SNOWFLAKE = Phase(
    "snowflake",
    (
        Pass("convert-loop-to-snowflake", "lowering.loop_to_snowflake", by_layer=True),
        Pass("snowflake-reduce-addresses", "lowering.snowflake.reduce_addresses", by_layer=True, optional=True),
        Pass("snowflake-expand-addresses", "lowering.snowflake.expand_addresses", by_layer=True),
        Pass("snowflake-schedule", "lowering.snowflake.schedule", by_layer=True, optional=True),
        Pass("snowflake-allocate-registers", "lowering.snowflake.allocate_registers", by_layer=True),
        Pass("snowflake-lower-control-flow", "lowering.snowflake.lower_control_flow", by_layer=True),
        Pass("snowflake-fill-delay-slots", "lowering.snowflake.fill_delay_slots", by_layer=True),
        Pass("snowflake-link", "lowering.snowflake.link"),
        Pass("snowflake-place-banks", "lowering.snowflake.place_banks"),
    ),
)

PHASES = (CNN, TILE, LOOP, SNOWFLAKE)

BY_LAYER = frozenset(step.name for phase in PHASES for step in phase.passes if step.by_layer)
"""The passes that work on every layer by itself."""

LEVEL_OF_PASS = {step.name: step.level for phase in PHASES for step in phase.passes}
"""The level whose operations a pass works on, for each of ours."""

OPTIONAL = frozenset(step.name for phase in PHASES for step in phase.passes if step.optional)
"""The passes that may be left out."""

LAST_PASSES = tuple(phase.passes_run()[-1] for phase in PHASES if phase.passes_run())
"""The pass at whose end a program is at a level, for each of them."""

LEVELS = tuple(phase.dialect for phase in PHASES if phase.passes_run())
"""The levels of a program, from network to machine."""

_DIALECTS = tuple(phase.dialect for phase in PHASES)


def passes_between(
    above: str | None = None, level: str = LEVELS[-1], requested: Container[str] = ()
) -> tuple[str, ...]:
    """Names of the passes, in order, that bring a program of level `above` to `level`; None: as imported.

    `requested` names passes that run besides, of those that run on request only.
    """
    first = 0 if above is None else _DIALECTS.index(above) + 1
    phases = PHASES[first : _DIALECTS.index(level) + 1]
    return tuple(name for phase in phases for name in phase.passes_run(requested))


def latest_level(name: str) -> str:
    """The lowest level that a program may have reached before a pass: the one above the dialect of its phase or, for a
    pass that works on this dialect itself, that. Passes of others may come at any level, those of a phase that is no
    level at that of their operations."""
    for phase in PHASES:
        for step in phase.passes:
            if step.name == name and phase.dialect in LEVELS:
                return phase.dialect if step.level == phase.dialect else LEVELS[LEVELS.index(phase.dialect) - 1]
    return LEVEL_OF_PASS.get(name, LEVELS[-1])


def load_pass(step: Pass) -> "type[ModulePass]":
    """The class in the module of an entry whose `name` is the entry's."""
    for value in vars(import_module(step.module)).values():
        if isinstance(value, type) and vars(value).get("name") == step.name:
            return value
    raise ImportError(f"{step.module} holds no pass called {step.name}")


def pass_factories() -> "dict[str, Callable[[], type[ModulePass]]]":
    """Every pass by name; calling the value imports it."""
    return {step.name: partial(load_pass, step) for phase in PHASES for step in phase.passes}
