"""Turns a Torch7 network into an unquantised `cnn` module, layer for layer, and its weights."""

from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.dialects.locations import located, name_location
from snowdialect.errors import SnowError
from snowdialect.frontends.torch7.fields import Layer, LayerError
from snowdialect.frontends.torch7.layers import JOINS, LAYERS, depth_join, join
from snowdialect.frontends.torch7.objects import TorchObject, sequence_of, type_name
from snowdialect.frontends.torch7.reader import load

Value = SSAValue | list["Value"]
"""A tensor, or a Lua table of them."""

MAXIMUM_LAYERS = 20_000
"""Layers that a network may have; a file of few bytes can refer to its own parts any number of times."""

MAXIMUM_ELEMENTS = 1 << 31
"""Elements that the result of a layer may have."""


def import_model(
    path: str | Path, input_shape: Sequence[int] | None
) -> tuple[ModuleOp, dict[str, NDArray[np.float32]]]:
    """The network in a `.t7` file as a `cnn` module in float, and its weights by name.

    `input_shape` is that of one input without batch, such as (3, 224, 224); Torch7 files carry none. Layers
    compute what Torch7 does in evaluation mode. Positions from 0 make the names: the second layer of the
    third has the location `2.1` and the weight `2.1.weight`. Weights are float32, where possible views of the
    mapped file; tensors that the file shares have one name. Raises SnowError, one line with file, layer and
    problem.
    """
    path = Path(path)
    root = load(path)
    if not isinstance(root, TorchObject):
        raise SnowError(f"{path}: holds a {type_name(root)}, not a network")
    if input_shape is None:
        raise SnowError(f"{path}: a Torch7 file carries no input shape; give it with --input-shape CxHxW")
    if not input_shape or min(input_shape) < 1 or prod(input_shape) > MAXIMUM_ELEMENTS:
        raise SnowError(f"{path}: {format_shape(input_shape)} is no shape of an input")
    return _Importer(path).run(root, tuple(input_shape))


class _Importer:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._module = ModuleOp([])
        self._weights: dict[str, NDArray[np.float32]] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        # Double and half precision tensors become twice as much at most; views that overlap could become
        # anything.
        self._bytes_left = 2 * path.stat().st_size

    def run(self, root: TorchObject, input_shape: tuple[int, ...]) -> tuple[ModuleOp, dict[str, NDArray[np.float32]]]:
        top = Layer("" if type_name(root) == "nn.Sequential" else "0", root)
        self._check_layers(top)
        x = self.add(cnn.InputOp("input", cnn.tensor_type((1, *input_shape))), "input")
        result = self._convert(top, x)
        if isinstance(result, list):
            raise SnowError(f"{self._path}: the network returns a table of {len(result)} values, expected a tensor")
        self._append(cnn.OutputOp("output", result), "output")
        return self._module, self._weights

    def _check_layers(self, top: Layer) -> None:
        """Refuses unknown layers, all of them at once, and endless networks, before anything is converted."""
        unknown: list[str] = []
        count = 0

        def visit(layer: Layer, above: tuple[int, ...]) -> None:
            nonlocal count
            count += 1
            if count > MAXIMUM_LAYERS:
                raise SnowError(f"{self._path}: the network has more than {MAXIMUM_LAYERS} layers")
            if id(layer.module) in above:
                raise self._error(layer, "contains itself")
            if layer.type in CONTAINERS:
                for child in self._children(layer):
                    visit(child, (*above, id(layer.module)))
            elif layer.type not in LAYERS and layer.type not in JOINS:
                unknown.append(_title(layer))

        visit(top, ())
        if unknown:
            more = f" and {len(unknown) - 20} more" if len(unknown) > 20 else ""
            plural = "s" if len(unknown) > 1 else ""
            raise SnowError(f"{self._path}: unsupported layer{plural} {', '.join(unknown[:20])}{more}")

    def _children(self, layer: Layer) -> list[Layer]:
        modules = sequence_of(layer.fields.get("modules"))
        if modules is None or not all(isinstance(module, TorchObject) for module in modules):
            raise self._error(layer, "its modules are no list of layers")
        prefix = f"{layer.path}." if layer.path else ""
        return [Layer(f"{prefix}{index}", module) for index, module in enumerate(modules)]

    def _convert(self, layer: Layer, value: Value) -> Value:
        """The value that a layer makes of a value."""
        try:
            if layer.type in CONTAINERS:
                return CONTAINERS[layer.type](self, layer, value)
            if layer.type in JOINS:
                return JOINS[layer.type](self, layer, _tensors(value))
            if isinstance(value, list):
                raise LayerError("its input is a table, expected a tensor")
            return LAYERS[layer.type](self, layer, value)
        except LayerError as error:
            raise self._error(layer, str(error)) from None
        except VerifyException as error:
            # The dialect's own words, without the name of the operation that they start with.
            _, _, problem = str(error).partition("\n")[0].partition(": ")
            raise self._error(layer, problem) from None

    def sequential(self, layer: Layer, value: Value) -> Value:
        """nn.Sequential."""
        for child in self._children(layer):
            value = self._convert(child, value)
        return value

    def concat_table(self, layer: Layer, value: Value) -> Value:
        """nn.ConcatTable."""
        return [self._convert(child, value) for child in self._children(layer)]

    def concat(self, layer: Layer, value: Value) -> Value:
        """nn.Concat and nn.DepthConcat."""
        parts = _tensors(self.concat_table(layer, value))
        return (depth_join if layer.kind == "DepthConcat" else join)(self, layer, parts)

    def add(self, op: Operation, name: str) -> SSAValue:
        """Appends a verified operation of the layer `name` and returns its result."""
        op = self._append(op, name)
        (result,) = op.results
        if prod(shape_of(result)) > MAXIMUM_ELEMENTS:
            raise LayerError(f"its result of {format_shape(shape_of(result)[1:])} is too large")
        return result

    def weight(self, layer: Layer, name: str, array: NDArray[np.float32]) -> SSAValue:
        """A constant of a layer; a tensor that the file shares between layers keeps the name of the first."""
        key = (array.__array_interface__["data"][0], array.shape)
        full_name = self._names.setdefault(key, f"{layer.path}.{name}")
        if full_name not in self._weights:
            self._bytes_left -= array.nbytes
            if self._bytes_left < 0:
                raise LayerError("the weights so far take more memory than the file can hold")
            self._weights[full_name] = array
        return self.add(cnn.WeightOp(full_name, cnn.tensor_type(array.shape)), layer.path)

    def _append(self, op: Operation, name: str) -> Operation:
        located(op, name_location(name))
        op.verify(verify_nested_ops=False)
        self._module.body.block.add_op(op)
        return op

    def _error(self, layer: Layer, problem: str) -> SnowError:
        return SnowError(f"{self._path}: {_title(layer)}: {problem}")


CONTAINERS: dict[str, Callable[[_Importer, Layer, Value], Value]] = {
    "nn.Sequential": _Importer.sequential,
    "nn.ConcatTable": _Importer.concat_table,
    "nn.Concat": _Importer.concat,
    "nn.DepthConcat": _Importer.concat,
}


def _title(layer: Layer) -> str:
    """Place and class of a layer, as in `0.2.1 nn.SpatialFullConvolution`."""
    return f"{layer.path} {layer.type}".lstrip()


def _tensors(value: Value) -> list[SSAValue]:
    """The entries of a table of tensors; LayerError for anything else."""
    if not isinstance(value, list):
        raise LayerError("its input is a tensor, expected a table")
    if not value or any(isinstance(entry, list) for entry in value):
        raise LayerError("its input is no table of tensors")
    return [entry for entry in value if isinstance(entry, SSAValue)]
