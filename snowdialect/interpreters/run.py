"""Runs a module at whatever level its operations are."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter

from snowdialect.arrays import batch_size, input_batch
from snowdialect.dialects import cnn
from snowdialect.errors import SnowError
from snowdialect.interpreters.state import RunState, set_run_state
from snowdialect.weights import Weights

NO_MEANING = re.compile(r"Could not find interpretation function for op ([\w.]+)")
"""How xDSL says that no function is registered for an operation: its exception has nothing but this text."""


@dataclass(frozen=True)
class Run:
    """What a run produced. Arrays have a leading batch axis."""

    outputs: dict[str, NDArray[Any]]
    layers: dict[str, NDArray[Any]]
    """Result of each layer by name, in the order in which they were computed."""
    saturations: Counter[str]
    wraps: Counter[str]
    instructions: Counter[str]


def run_module(
    module: ModuleOp,
    inputs: Mapping[str, NDArray[Any]] | NDArray[Any],
    weights: Weights | None = None,
) -> Run:
    """Interprets `module` on a batch of inputs.

    `inputs` holds float arrays (N, ...) by input name, or is the array of the only input. Raises SnowError,
    one line, when an input is missing or has another shape, or when the weights file is needed but absent.
    """
    from snowdialect.universe import interpreter_functions

    declared = {op.input_name.data: op for op in module.body.block.ops if isinstance(op, cnn.InputOp)}
    if not isinstance(inputs, Mapping):
        if len(declared) != 1:
            raise SnowError(f"the module has {len(declared)} inputs; name each of them")
        inputs = {next(iter(declared)): inputs}
    state = RunState(weights=weights)
    for name, op in declared.items():
        if name not in inputs:
            raise SnowError(f"input '{name}' is missing")
        state.inputs[name] = input_batch(name, inputs[name], cnn.shape_of(op.result)[1:])
    state.batch = batch_size(state.inputs)
    interpreter = Interpreter(module)
    for functions in interpreter_functions(module):
        interpreter.register_implementations(functions)
    set_run_state(interpreter, state)
    try:
        interpreter.run_ssacfg_region(module.body, (), "module")
    except Exception as error:
        # xDSL wraps what an implementation raises in a report that holds the whole module.
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SnowError):
                raise cause from None
            if (missing := NO_MEANING.match(str(cause))) is not None:
                op = missing[1]
                raise SnowError(
                    f"{op} has no meaning in snowdialect/interpreters, see docs/add-a-dialect.md"
                ) from error
            cause = cause.__cause__
        raise
    for name in state.regions:
        state.observe_region(name)
    return Run(state.outputs, state.layers, state.saturations, state.wraps, state.instructions)
