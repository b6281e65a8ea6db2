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

from lowering.pipeline import PHASES, pass_factories

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp
    from xdsl.interpreter import InterpreterFunctions
    from xdsl.ir import Dialect
    from xdsl.utils.target import Target


def load_dialect(name: str) -> "Dialect":
    """The dialect called `name`."""
    from xdsl.ir import Dialect

    module = import_module(f"snowdialect.dialects.{name}")
    for value in vars(module).values():
        if isinstance(value, Dialect) and value.name == name:
            return value
    raise ImportError(f"{module.__name__} holds no dialect called {name}")


def load_snowflake_asm() -> "type[Target]":
    from snowdialect.backend.assembly import SnowflakeAsmTarget

    return SnowflakeAsmTarget


def interpreter_functions(module: "ModuleOp") -> "Iterator[InterpreterFunctions]":
    """The meaning of every operation in `module`, from the interpreters that mirror the dialects' files.

    An operation NAME.op that PACKAGE.dialects.FILE defines gets its meaning in PACKAGE.interpreters.NAME or
    PACKAGE.interpreters.FILE.
    """
    from xdsl.interpreter import InterpreterFunctions

    mirrors: dict[str, None] = {}
    for kind in dict.fromkeys(type(op) for op in module.body.walk()):
        package, dialects, file = kind.__module__.partition(".dialects.")
        if dialects and package != "xdsl":
            for name in (kind.dialect_name(), file.partition(".")[0]):
                mirrors[f"{package}.interpreters.{name}"] = None
    for mirror in mirrors:
        if find_spec(mirror) is None:
            continue
        for value in vars(import_module(mirror)).values():
            own = isinstance(value, type) and value.__module__.startswith(mirror)
            if own and issubclass(value, InterpreterFunctions):
                yield value()


UNIVERSE = Universe(
    all_dialects={phase.dialect: partial(load_dialect, phase.dialect) for phase in PHASES},
    all_passes=pass_factories(),
    all_targets={"snowflake-asm": load_snowflake_asm},
)
