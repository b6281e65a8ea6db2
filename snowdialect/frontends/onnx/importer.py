"""Turns an ONNX network into an unquantised `cnn` module, node for node, and its weights."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from functools import partial
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from onnx import NodeProto, TensorProto, defs
from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.errors import SnowError, printable
from snowdialect.frontends.network import MAXIMUM_LAYERS, Floats, LayerError, Network
from snowdialect.frontends.onnx.folding import FOLDED, Folder, infer_type, shape_in
from snowdialect.frontends.onnx.layers import LAYERS, RESHAPES, SEVERAL_RESULTS, reshaped
from snowdialect.frontends.onnx.node import CHANNELS_LAST, Activation, Node, Value
from snowdialect.frontends.onnx.orders import straight
from snowdialect.frontends.onnx.reader import Model, load

CHANNELS_FIRST = (0, 3, 1, 2)
"""The perm of a Transpose of maps N, H, W, C to N, C, H, W."""

COMPUTED_BYTES = 1 << 26
"""Memory that constants may take which the network computes, beside twice the file's size."""

WEIGHT_BYTES = 1 << 30
"""Memory that all weights may take, beside twice the file's size: a few bytes of a file fill large arrays."""

IN_ANY_ORDER = frozenset({"Add", "Cast", "Clip", "Div", "Identity", "Mul", "Pad", "Relu", "Sub"})
"""Operators that may lie between the input and its Transpose: they take axes in any order."""


def import_model(path: str | Path, input_shape: Sequence[int] | None) -> tuple[ModuleOp, dict[str, Floats]]:
    """The network in an `.onnx` file as a `cnn` module in float, and its weights by name.

    `input_shape` is that of one input without batch, CxHxW even where the file has the channels last; without
    it, that of the file, whose batch may be open. A node is known by its name, or where it has none of its
    own, by that of its result: its operations have the location `NAME`, its weights are `NAME.weight` and the
    like. Weights are float32, where possible views of the mapped file. Raises SnowError, one line with file,
    node and problem.
    """
    model = load(path)
    return _Importer(model).run(input_shape)


class _Importer:
    def __init__(self, model: Model) -> None:
        size = 2 * model.path.stat().st_size
        self._model = model
        self._network = Network(model.path, weight_bytes=size + WEIGHT_BYTES)
        self._folder = Folder(model, size + COMPUTED_BYTES)
        self._values: dict[str, Value] = {}

    def run(self, input_shape: Sequence[int] | None) -> tuple[ModuleOp, dict[str, Floats]]:
        model, network = self._model, self._network
        nodes = list(self._needed())
        unsupported = list(self._unsupported(nodes))
        self._check_order(nodes, {name for name, _ in unsupported})
        network.refuse("operator", unsupported)
        last = _is_transposed(model.input.name, nodes)
        try:
            shape = self._input_shape(input_shape, last)
        except SnowError:
            network.check_refused()
            raise
        x = network.input(shape)
        self._values[model.input.name] = Activation(x, CHANNELS_LAST) if last else Activation.of(x)
        self._convert_all(nodes, {name for name, _ in unsupported})
        network.check_refused()
        for name, called in model.outputs.items():
            result = self._values.get(name)
            if not isinstance(result, Activation):
                raise SnowError(f"{model.path}: its output '{printable(name)}' does not depend on its input")
            with network.layer(f"output {name}"):
                last = result.order == CHANNELS_LAST and not result.flattened
                network.output(called, result.value if last else straight(network, called, result))
        return network.module, network.weights

    def _convert_all(self, nodes: Sequence[tuple[str, NodeProto]], unsupported: Set[str]) -> None:
        """Converts nodes; those that read what a refused one would have made are looked at if its shape is known."""
        missing: set[str] = set()
        for name, node in nodes:
            missing.update(filter(None, node.output))
            if not missing.isdisjoint(node.input):
                continue
            values = None
            if name not in unsupported:
                values = self._network.attempt(f"{name} {node.op_type}", partial(self._convert, name, node))
            if values is None:
                values = self._stand_in(name, node)
            known = dict(zip(node.output, values, strict=False))
            self._values.update(known)
            missing.difference_update(known)

    def _stand_in(self, name: str, proto: NodeProto) -> tuple[Activation, ...]:
        """A value of the shape that the first result of a refused node would have had; none where that is not known for
        certain."""
        try:
            node = self._node(name, proto)
            shape = shape_in(infer_type(node, self._model))
            values = [value for value in node.inputs if isinstance(value, Activation)]
            if not values or shape[:1] != (1,) or not all(value.is_plain for value in values):
                return ()
            return (Activation.of(self._network.input(shape[1:])),)
        except (LayerError, SnowError):
            return ()

    def _needed(self) -> Iterator[tuple[str, NodeProto]]:
        """The nodes that the outputs need, in the order of the file."""
        nodes = self._model.nodes
        if len(nodes) > MAXIMUM_LAYERS:
            raise SnowError(f"{self._model.path}: the network has more than {MAXIMUM_LAYERS} nodes")
        names = set(self._model.outputs)
        needed: list[bool] = []
        for _, node in reversed(nodes):
            needed.append(not names.isdisjoint(node.output))
            if needed[-1]:
                names.update(node.input)
        return (node for node, wanted in zip(nodes, reversed(needed), strict=True) if wanted)

    def _check_order(self, nodes: Sequence[tuple[str, NodeProto]], unsupported: Set[str]) -> None:
        """Every node must come behind those that it reads, so there are no cycles; of its results, the first counts, or
        all where there may be several or the node is refused anyway."""
        known = {"", self._model.input.name, *self._model.initializers}
        for name, node in nodes:
            unknown = next((value for value in node.input if value not in known), None)
            several = node.op_type in SEVERAL_RESULTS
            results = tuple(node.output if several else node.output[:1]) or ("",)
            taken = next((result for result, count in Counter(results).items() if result in known or count > 1), None)
            if unknown is not None:
                problem = f"its input '{unknown}' is not the first result of a node before it"
            elif taken is not None:
                problem = f"its result has the name '{taken}', which is no new one"
            else:
                known.update(node.output if name in unsupported else results)
                continue
            raise self._network.error(f"{name} {node.op_type}", problem)

    def _unsupported(self, nodes: Sequence[tuple[str, NodeProto]]) -> Iterator[tuple[str, str]]:
        """Names and operators of the nodes that are no layer we know, nor compute a constant."""
        dependent = {self._model.input.name}
        for name, node in nodes:
            kind = f"{node.domain}.{node.op_type}".lstrip(".")
            if _reads(node, dependent):
                dependent.update(node.output)
                if kind not in LAYERS and kind not in RESHAPES:
                    yield name, kind
            elif kind not in FOLDED:
                yield name, f"{kind} of constants" if kind in LAYERS else kind

    def _input_shape(self, given: Sequence[int] | None, channels_last: bool) -> tuple[int, ...]:
        """The shape of one input, CxHxW: the given one, or that of the file where it leaves nothing open."""
        path, kind = self._model.path, self._model.input.type.tensor_type
        if kind.elem_type != TensorProto.FLOAT:
            raise SnowError(f"{path}: its input '{self._model.input.name}' is no tensor of float32")
        sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]
        if channels_last and len(sizes) == 4:
            sizes = [sizes[axis] for axis in CHANNELS_FIRST]
        shape = tuple(sizes[1:])
        listed = "x".join(str(size) if size > 0 else "?" for size in shape) or "of unknown shape"
        if given is None:
            if not shape or min(shape) < 1:
                raise SnowError(f"{path}: its input is {listed}; give its shape with --input-shape CxHxW")
            return shape
        if shape and len(given) != len(shape) or channels_last and len(given) != 3:
            raise SnowError(f"{path}: its input is {listed}, not {format_shape(given)}")
        return tuple(given)

    def _convert(self, name: str, proto: NodeProto) -> tuple[Value, ...]:
        """The results of a node, or the first one, where others may be there, but nothing reads them."""
        node = self._node(name, proto)
        dependent = {name for name in proto.input if isinstance(self._values.get(name), Activation)}
        if not _reads(proto, dependent):
            return (self._folder.fold(node),)
        if proto.op_type in RESHAPES:
            return (reshaped(self._network, node, shape_in(infer_type(node, self._model))),)
        result = LAYERS[proto.op_type](self._network, node)
        return result if isinstance(result, tuple) else (result,)

    def _node(self, name: str, proto: NodeProto) -> Node:
        return Node(name, proto, self._schema(proto), [self._value(value) for value in proto.input])

    def _schema(self, proto: NodeProto) -> defs.OpSchema:
        """The definition of a node's operator, to which its inputs and attributes must be."""
        try:
            schema = defs.get_schema(proto.op_type, self._model.opset, "")
        except defs.SchemaError:
            raise LayerError(f"operator set {self._model.opset} has no such operator") from None
        if not schema.min_input <= len(proto.input) <= schema.max_input:
            raise LayerError(f"has {len(proto.input)} inputs")
        unknown = [attribute.name for attribute in proto.attribute if attribute.name not in schema.attributes]
        if unknown:
            raise LayerError(f"has an unknown attribute '{unknown[0]}'")
        return schema

    def _value(self, name: str) -> Value | None:
        """What is known under a name; None for an input that is left out."""
        if name and name not in self._values:
            self._values[name] = self._model.initializer(name)
        return self._values[name] if name else None


def _reads(node: NodeProto, names: Set[str]) -> bool:
    """Whether a node depends on the elements, not only on the shapes, of values."""
    return node.op_type not in ("Shape", "Size") and not names.isdisjoint(node.input)


def _is_transposed(name: str, nodes: Sequence[tuple[str, NodeProto]]) -> bool:
    """Whether a network takes maps with the channels last: the first thing it does is to put them first."""
    names = {name}
    for _, node in nodes:
        if not _reads(node, names):
            continue
        if node.op_type == "Transpose":
            return any(tuple(perm.ints) == CHANNELS_FIRST for perm in node.attribute)
        if node.op_type not in IN_ANY_ORDER:
            return False
        names.update(node.output)
    return False
