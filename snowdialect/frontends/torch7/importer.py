"""Turns a Torch7 network into an unquantised `cnn` module, layer for layer, and its weights."""

from collections.abc import Callable, Sequence
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from snowdialect.errors import SnowError
from snowdialect.frontends.network import MAXIMUM_LAYERS, Floats, LayerError, Network
from snowdialect.frontends.torch7.fields import Layer
from snowdialect.frontends.torch7.layers import JOINS, LAYERS, depth_join, join
from snowdialect.frontends.torch7.objects import TorchObject, sequence_of, type_name
from snowdialect.frontends.torch7.reader import MAXIMUM_DEPTH, load

MAXIMUM_INNER = 1000
"""Values that the tables in a table may have."""

MAXIMUM_TABLE_DEPTH = 16
"""Tables in each other, of which one holds the next."""

Value = SSAValue | list["Value"] | None
"""A tensor, or a Lua table of them; None is what a refused layer would have made."""


def import_model(path: str | Path, input_shape: Sequence[int] | None) -> tuple[ModuleOp, dict[str, Floats]]:
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
    return _Importer(path).run(root, tuple(input_shape))


class _Importer:
    def __init__(self, path: Path) -> None:
        # Double and half precision tensors become twice as much at most; views that overlap could become
        # anything.
        self._network = Network(path, weight_bytes=2 * path.stat().st_size)

    def run(self, root: TorchObject, input_shape: tuple[int, ...]) -> tuple[ModuleOp, dict[str, Floats]]:
        network = self._network
        x = network.input(input_shape)
        top = Layer("" if type_name(root) == "nn.Sequential" else "0", root)
        self._check_layers(top)
        result = self._convert(top, x)
        network.check_refused()
        assert result is not None
        if isinstance(result, list):
            raise SnowError(f"{network.path}: the network returns a table of {len(result)} values, expected a tensor")
        network.output("output", result)
        return network.module, network.weights

    def _check_layers(self, top: Layer) -> None:
        """Notes unknown layers and refuses endless networks, before anything is converted."""
        unknown: list[tuple[str, str]] = []
        count = 0

        def visit(layer: Layer, above: tuple[int, ...]) -> None:
            nonlocal count
            count += 1
            if count > MAXIMUM_LAYERS:
                raise SnowError(f"{self._network.path}: the network has more than {MAXIMUM_LAYERS} layers")
            if len(above) >= MAXIMUM_DEPTH:
                raise SnowError(f"{self._network.path}: layers nested deeper than {MAXIMUM_DEPTH} levels")
            if id(layer.module) in above:
                raise self._error(layer, "contains itself")
            if layer.type in CONTAINERS:
                for child in self._children(layer):
                    visit(child, (*above, id(layer.module)))
            elif layer.type not in LAYERS.keys() | JOINS.keys() | TABLES.keys():
                unknown.append((layer.path, layer.type))

        visit(top, ())
        self._network.refuse("layer", unknown)

    def _children(self, layer: Layer) -> list[Layer]:
        modules = sequence_of(layer.fields.get("modules"))
        if modules is None or not all(isinstance(module, TorchObject) for module in modules):
            raise self._error(layer, "its modules are no list of layers")
        prefix = f"{layer.path}." if layer.path else ""
        return [Layer(f"{prefix}{index}", module) for index, module in enumerate(modules)]

    def _convert(self, layer: Layer, value: Value) -> Value:
        """The value that a layer makes of a value; None where it, or one that it reads, is refused."""
        if layer.type in CONTAINERS:
            if value is None:
                return None
            return self._network.attempt(_title(layer), lambda: CONTAINERS[layer.type](self, layer, value))
        if layer.type in TABLES and isinstance(value, list):
            return self._network.attempt(_title(layer), lambda: TABLES[layer.type](layer, value))
        if _is_missing(value) or layer.type not in LAYERS.keys() | JOINS.keys() | TABLES.keys():
            return None

        def converted() -> Value:
            if layer.type in TABLES:
                raise LayerError("its input is a tensor, expected a table")
            if layer.type in JOINS:
                return JOINS[layer.type](self._network, layer, _tensors(value))
            if not isinstance(value, SSAValue):
                raise LayerError("its input is a table, expected a tensor")
            return LAYERS[layer.type](self._network, layer, value)

        return self._network.attempt(_title(layer), converted)

    def sequential(self, layer: Layer, value: Value) -> Value:
        """nn.Sequential, of which nn.SpatialLPPooling is one: powers, means, roots."""
        for child in self._children(layer):
            value = self._convert(child, value)
        return value

    def concat_table(self, layer: Layer, value: Value) -> Value:
        """nn.ConcatTable."""
        return _table([self._convert(child, value) for child in self._children(layer)])

    def concat(self, layer: Layer, value: Value) -> Value:
        """nn.Concat and nn.DepthConcat."""
        table = self.concat_table(layer, value)
        if _is_missing(table):
            return None
        parts = _tensors(table)
        return (depth_join if layer.kind == "DepthConcat" else join)(self._network, layer, parts)

    def parallel_table(self, layer: Layer, value: Value) -> Value:
        """nn.ParallelTable: each module on its own entry of a table."""
        children = self._children(layer)
        if not isinstance(value, list):
            raise LayerError("its input is a tensor, expected a table")
        if len(value) != len(children):
            raise LayerError(f"has {len(children)} layers for a table of {len(value)} values")
        return _table([self._convert(child, entry) for child, entry in zip(children, value, strict=True)])

    def _error(self, layer: Layer, problem: str) -> SnowError:
        return self._network.error(_title(layer), problem)


CONTAINERS: dict[str, Callable[[_Importer, Layer, Value], Value]] = {
    "nn.Sequential": _Importer.sequential,
    "nn.SpatialLPPooling": _Importer.sequential,
    "nn.ConcatTable": _Importer.concat_table,
    "nn.ParallelTable": _Importer.parallel_table,
    "nn.Concat": _Importer.concat,
    "nn.DepthConcat": _Importer.concat,
}


def select(layer: Layer, table: list[Value]) -> Value:
    """nn.SelectTable: one entry; negative numbers count from the end."""
    index = layer.real("index")
    position = index - 1 if index > 0 else len(table) + index
    if index != int(index) or not 0 <= position < len(table):
        raise LayerError(f"takes entry {index:g} of a table of {len(table)} values")
    return table[int(position)]


def narrow_table(layer: Layer, table: list[Value]) -> Value:
    """nn.NarrowTable: `length` entries from `offset` on."""
    first, length = layer.integer("offset", least=1), layer.integer("length", 1, least=1)
    if first + length - 1 > len(table):
        raise LayerError(f"takes entries {first} to {first + length - 1} of a table of {len(table)} values")
    return table[first - 1 : first - 1 + length]


def flatten(layer: Layer, table: list[Value]) -> list[Value]:
    """nn.FlattenTable: no table in a table."""
    return [entry for value in table for entry in (flatten(layer, value) if isinstance(value, list) else [value])]


TABLES: dict[str, Callable[[Layer, list[Value]], Value]] = {
    "nn.SelectTable": select,
    "nn.NarrowTable": narrow_table,
    "nn.FlattenTable": flatten,
}
"""Layers that take some entries of a table."""


def _title(layer: Layer) -> str:
    """Place and class of a layer, as in `0.2.1 nn.SpatialFullConvolution`."""
    return f"{layer.path} {layer.type}".lstrip()


def _table(entries: list[Value]) -> list[Value]:
    """A table; of tables in tables only small ones, since layers that take them apart could double them each time."""
    left, inner = [(entry, 1) for entry in entries if isinstance(entry, list)], 0
    while left:
        table, depth = left.pop()
        inner += len(table)
        if inner > MAXIMUM_INNER or depth > MAXIMUM_TABLE_DEPTH:
            raise LayerError("its tables in tables are too large")
        left += [(entry, depth + 1) for entry in table if isinstance(entry, list)]
    return entries


def _is_missing(value: Value) -> bool:
    """Whether a layer was refused that makes a value, or part of it."""
    return any(map(_is_missing, value)) if isinstance(value, list) else value is None


def _tensors(value: Value) -> list[SSAValue]:
    """The entries of a table of tensors; LayerError for anything else."""
    if not isinstance(value, list):
        raise LayerError("its input is a tensor, expected a table")
    if not value or any(isinstance(entry, list) for entry in value):
        raise LayerError("its input is no table of tensors")
    return [entry for entry in value if isinstance(entry, SSAValue)]
