"""Gives every layer a name of its own: regions of memory, counts and rows of reports go by name.

A layer without a name gets that of its result, else of its kind; an input is named for what it is given. Of layers that
share a name, all but the first get a number. What cannot be printed becomes a question mark, as in names of ONNX files.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from snowdialect.dialects import cnn
from snowdialect.dialects.layers import SOURCES, SourceLayer, set_sources
from snowdialect.dialects.locations import layer_name, location_names, name_location
from snowdialect.errors import printable


@dataclass(frozen=True)
class NameLayersPass(ModulePass):
    """Sets the location of layers without a name, and of those whose name is taken; lists all in `snow.sources`."""

    name = "cnn-name-layers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.body.block.ops:
            names = location_names(inner.location)[:2]
            if names != (clean := tuple(map(printable, names))):
                inner.location = name_location(*clean)
        layers = [layer for layer in op.body.block.ops if is_layer(layer) or is_layer_of_others(layer)]
        taken = {name for layer in layers for name in location_names(layer.location)[:1]}
        seen: set[str] = set()
        for layer in layers:
            given = location_names(layer.location)[:1]
            name = given[0] if given else _made_up(layer)
            if name in seen or (not given and name in taken):
                name = unused_name(name, taken)
            if given != (name,):
                layer.location = name_location(name)
            seen.add(name)
            taken.add(name)
        if SOURCES not in op.attributes:
            named = (layer for layer in layers if not isinstance(layer, cnn.InputOp))
            set_sources(op, (SourceLayer(layer_name(layer), _operation(layer)) for layer in named))


def unused_name(wish: str, taken: Container[str]) -> str:
    """A name for a layer that a pass makes: the one that is wished for or, if that is taken, with a number behind."""
    return wish if wish not in taken else next(name for n in count(2) if (name := f"{wish}.{n}") not in taken)


def is_layer(op: Operation) -> bool:
    """Whether an operation is a layer of the network, or an input: no constant, and no border of fixed point."""
    if isinstance(op, cnn.QuantizeOp | cnn.DequantizeOp) or not isinstance(op, cnn.CnnOp | cnn.InputOp):
        return False
    return not cnn.is_constant(op.result)


def is_layer_of_others(op: Operation) -> bool:
    """Whether an operation of another dialect than cnn makes tensors of tensors, as a layer does."""
    if op.dialect_name() == cnn.Cnn.name or not op.results:
        return False
    reads = any(isinstance(operand.type, TensorType) for operand in op.operands)
    return reads and all(isinstance(result.type, TensorType) for result in op.results)


def _operation(layer: Operation) -> str:
    return layer.name.removeprefix(f"{cnn.Cnn.name}.")


def _made_up(layer: Operation) -> str:
    if isinstance(layer, cnn.InputOp):
        return printable(layer.input_name.data)
    return layer_name(layer).removeprefix(f"{cnn.Cnn.name}.")
