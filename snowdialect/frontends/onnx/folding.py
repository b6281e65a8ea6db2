"""Constants that an ONNX network computes: evaluated once, by the reference evaluator of the package `onnx`."""

from math import prod
from typing import Any

import numpy as np

import onnx
from onnx import AttributeProto, TypeProto, helper, shape_inference
from snowdialect.dialects.cnn.shapes import Shape, format_shape
from snowdialect.frontends.network import MAXIMUM_DIMENSIONS, LayerError
from snowdialect.frontends.onnx.node import Array, Node, Value
from snowdialect.frontends.onnx.reader import Model
from snowdialect.frontends.onnx.tensors import TYPE_NUMBERS

MAXIMUM_FILLED = 1 << 28
"""Elements of an array that is full of one number; it takes no memory before it is used."""

MAXIMUM_INPUT = 4096
"""Bytes of a constant that shape inference is told; a list of sizes or indices has less."""

EVALUATED = frozenset(
    {
        *("Add", "Cast", "Ceil", "Concat", "Div", "Equal", "Expand", "Flatten", "Floor", "Gather", "Identity"),
        *("Max", "Min", "Mul", "Neg", "Pow", "Range", "Reciprocal", "ReduceProd", "Reshape", "Slice", "Sqrt"),
        *("Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"),
    }
)
FOLDED = EVALUATED | {"Constant", "ConstantOfShape", "Shape", "Size"}
"""Operators that constants may be computed with."""


class Folder:
    """Evaluates nodes of a model; what they compute together is limited."""

    def __init__(self, model: Model, bytes_left: int) -> None:
        self._model = model
        self._bytes_left = bytes_left

    def fold(self, node: Node) -> Array:
        """The result of a node of constants, or of the shapes of values. Raises LayerError where there is none."""
        kind = node.proto.op_type
        if kind == "Constant":
            return self._constant(node)
        if kind == "ConstantOfShape":
            return self._filled(node)
        (first, *_) = node.inputs
        if kind == "Shape" and first is not None:
            return np.array(_shape_part(node, first.shape), np.int64)
        if kind == "Size" and first is not None:
            return np.array(prod(first.shape), np.int64)
        return self._evaluated(node)

    def _constant(self, node: Node) -> Array:
        if len(node.proto.attribute) != 1:
            raise LayerError(f"has {len(node.proto.attribute)} attributes, expected one")
        (attribute,) = node.proto.attribute
        if attribute.type == AttributeProto.TENSOR:
            return self._model.files.array(attribute.t)
        values: dict[int, Any] = {
            AttributeProto.FLOAT: np.array(attribute.f, np.float32),
            AttributeProto.FLOATS: np.array(attribute.floats, np.float32),
            AttributeProto.INT: np.array(attribute.i, np.int64),
            AttributeProto.INTS: np.array(attribute.ints, np.int64),
        }
        if attribute.type not in values:
            raise LayerError(f"attribute {attribute.name} is no array of numbers")
        return values[attribute.type]

    def _filled(self, node: Node) -> Array:
        sizes = node.constant(0, "its shape")
        if sizes.dtype != np.int64 or sizes.ndim != 1 or sizes.size > MAXIMUM_DIMENSIONS:
            raise LayerError("its shape is no list of sizes")
        shape = tuple(map(int, sizes))
        if min(shape, default=1) < 0 or prod(shape) > MAXIMUM_FILLED:
            raise LayerError(f"its shape of {format_shape(shape)} cannot be, or is too large")
        value = np.zeros(1, np.float32)
        if node.proto.attribute:
            value = self._model.files.array(node.proto.attribute[0].t)
        if value.size != 1:
            raise LayerError(f"its value has {value.size} elements, expected one")
        return np.broadcast_to(value.reshape(()), shape)

    def _evaluated(self, node: Node) -> Array:
        from onnx.reference import ReferenceEvaluator

        shape, itemsize = self._inferred(node)
        self._bytes_left -= prod(shape) * itemsize
        if self._bytes_left < 0:
            raise LayerError("the constants computed so far take too much memory")
        inputs = {name: value for name, value in zip(node.proto.input, node.inputs, strict=True) if value is not None}
        # Of a node alone, the evaluator takes the newest version.
        graph = helper.make_graph(
            [node.proto],
            "folded",
            [helper.make_value_info(name, _type_of(value)) for name, value in inputs.items()],
            [helper.make_value_info(node.proto.output[0], TypeProto())],
        )
        try:
            with np.errstate(all="ignore"):
                (result,) = ReferenceEvaluator(graph, opsets={"": self._model.opset}).run(None, inputs)
        except Exception as error:
            # The evaluator has no exceptions of its own: anything that NumPy raises comes out.
            raise LayerError(f"cannot be computed: {str(error).partition(chr(10))[0]}") from None
        result = np.asarray(result)
        if result.shape != shape:
            raise LayerError(f"is {format_shape(result.shape)} when computed, should be {format_shape(shape)}")
        return result

    def _inferred(self, node: Node) -> tuple[Shape, int]:
        """Shape and bytes an element of the result of a node, by the definition of its operator."""
        kind = infer_type(node, self._model)
        dtype = next((dtype for dtype, number in TYPE_NUMBERS.items() if number == kind.elem_type), None)
        if dtype is None:
            raise LayerError("its result is no array of numbers")
        return shape_in(kind), dtype.itemsize


def infer_type(node: Node, model: Model) -> TypeProto.Tensor:
    """The type of the first result of a node, by the shape inference of its operator.

    Raises LayerError when the definition of the operator does not allow such inputs.
    """
    values = {name: value for name, value in zip(node.proto.input, node.inputs, strict=True) if value is not None}
    try:
        inferred = shape_inference.infer_node_outputs(
            node.schema,
            node.proto,
            {name: _type_of(value) for name, value in values.items()},
            {
                name: onnx.numpy_helper.from_array(np.ascontiguousarray(value), name)
                for name, value in values.items()
                if isinstance(value, np.ndarray) and value.nbytes <= MAXIMUM_INPUT
            },
            opset_imports=[helper.make_opsetid("", model.opset)],
            ir_version=model.ir_version,
        )
    except Exception as error:
        # Its errors are of several types, and of several lines.
        raise LayerError(" ".join(str(error).split())) from None
    kind = inferred.get(node.proto.output[0])
    if kind is None:
        raise LayerError("the type of its result is not known")
    return kind.tensor_type


def shape_in(kind: TypeProto.Tensor) -> Shape:
    """The shape in a type; LayerError when it is not known."""
    if not kind.HasField("shape") or not all(dim.HasField("dim_value") for dim in kind.shape.dim):
        raise LayerError("the shape of its result depends on more than constants and shapes")
    shape = tuple(dim.dim_value for dim in kind.shape.dim)
    if min(shape, default=1) < 0:
        raise LayerError(f"the shape of its result is {format_shape(shape)}")
    return shape


def _type_of(value: Value) -> TypeProto:
    """The type of a value; all that depends on the input is float32."""
    number = TYPE_NUMBERS.get(value.dtype) if isinstance(value, np.ndarray) else onnx.TensorProto.FLOAT
    if number is None:
        raise LayerError("an input has elements of a type that is not supported")
    return helper.make_tensor_type_proto(number, value.shape)


def _shape_part(node: Node, shape: Shape) -> Shape:
    """What Shape returns of a shape: since version 15 from `start` to `end`, which may be beyond its ends."""
    if node.version < 15:
        return shape
    return shape[node.integer("start") : node.integer("end", len(shape))]
