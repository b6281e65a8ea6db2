"""Plugs our dialects, passes and targets into xDSL: plain `xdsl-opt` knows them too. Imports them when used.

The list of dialects and passes is `lowering/pipeline.py`. By convention the dialect NAME is the Dialect in
`snowdialect/dialects/NAME.py`, and the meaning of the operations that a module `....dialects.X` defines is
the InterpreterFunctions in `....interpreters.X`.
"""

from collections.abc import Iterator
from functools import partial
from importlib import import_module
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
    """The meaning of every operation in `module`: the interpreters that mirror its operations' modules."""
    from xdsl.interpreter import InterpreterFunctions

    homes = dict.fromkeys(type(op).__module__ for op in module.body.walk())
    for home in homes:
        package, _, name = home.rpartition(".dialects.")
        if not package:
            continue
        mirror = import_module(f"{package}.interpreters.{name}")
        for value in vars(mirror).values():
            own = isinstance(value, type) and value.__module__ == mirror.__name__
            if own and issubclass(value, InterpreterFunctions):
                yield value()


UNIVERSE = Universe(
    all_dialects={phase.dialect: partial(load_dialect, phase.dialect) for phase in PHASES},
    all_passes=pass_factories(),
    all_targets={"snowflake-asm": load_snowflake_asm},
)
