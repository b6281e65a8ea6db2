"""Plugs our dialects, passes and targets into xDSL: plain `xdsl-opt` knows them too. Imports them when used.

The list of dialects and passes is `lowering/pipeline.py`. By convention the dialect NAME is the Dialect in
`snowdialect/dialects/NAME`, and its meaning the InterpreterFunctions in `snowdialect/interpreters/NAME`.
"""

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from xdsl.universe import Universe

from lowering.pipeline import PHASES, Phase, pass_factories

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.interpreter import InterpreterFunctions
    from xdsl.ir import Dialect
    from xdsl.utils.target import Target


def load_dialect(phase: Phase) -> "Dialect":
    """The dialect of a phase, with the operations that the phase adds to it."""
    from xdsl.ir import Dialect, Operation

    home = import_module(f"snowdialect.dialects.{phase.dialect}")
    found = [value for value in vars(home).values() if isinstance(value, Dialect)]
    dialect = next((dialect for dialect in found if dialect.name == phase.dialect), None)
    if dialect is None:
        raise ImportError(f"{home.__name__} holds no dialect called {phase.dialect}")
    added = [
        value
        for name in phase.operations
        for value in vars(import_module(name)).values()
        if isinstance(value, type) and issubclass(value, Operation) and value.__module__ == name
    ]
    return Dialect(dialect.name, [*dialect.operations, *added], [*dialect.attributes]) if added else dialect


def load_snowflake_asm() -> "type[Target]":
    from snowdialect.backend.assembly import SnowflakeAsmTarget

    return SnowflakeAsmTarget


def interpreter_functions(module: "ModuleOp") -> "Iterator[InterpreterFunctions]":
    """The meaning of every operation in `module`, from the interpreters that mirror the dialects' files.

    An operation NAME.op that PACKAGE.dialects.FILE defines gets its meaning in PACKAGE.interpreters.FILE, or
    in PACKAGE.interpreters.NAME.
    """
    from xdsl.interpreter import InterpreterFunctions

    mirrors: dict[str, None] = {}
    for kind in dict.fromkeys(type(op) for op in module.body.walk()):
        package, dialects, file = kind.__module__.partition(".dialects.")
        if dialects and package != "xdsl":
            for name in (kind.dialect_name(), file):
                mirrors[f"{package}.interpreters.{name}"] = None
    for mirror in mirrors:
        if not _exists(mirror):
            continue
        for value in vars(import_module(mirror)).values():
            own = isinstance(value, type) and value.__module__.startswith(mirror)
            if own and issubclass(value, InterpreterFunctions):
                yield value()


def _exists(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        # A parent is no package.
        return False


UNIVERSE = Universe(
    all_dialects={phase.dialect: partial(load_dialect, phase) for phase in PHASES},
    all_passes=pass_factories(),
    all_targets={"snowflake-asm": load_snowflake_asm},
)
