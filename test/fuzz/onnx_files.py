"""Small ONNX networks, and damage that knows their form: varints of the file, and nodes and tensors of its graph."""

from __future__ import annotations

import struct
from functools import cache
from random import Random
from typing import Any

import numpy as np
from mutations import BYTES, INTEGERS, LONG_INTEGERS, REALS, Mutation, any_of
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from snowdialect.frontends.onnx.folding import FOLDED
from snowdialect.frontends.onnx.layers import LAYERS, RESHAPES
from snowdialect.frontends.onnx.wire import MODEL, _Skimmer

OPERATORS = (*LAYERS, *RESHAPES, *FOLDED, "If", "Loop", "Scan")
ATTRIBUTES = (
    "pads",
    "strides",
    "kernel_shape",
    "dilations",
    "output_padding",
    "output_shape",
    "group",
    "axis",
    "perm",
    "auto_pad",
    "to",
    "size",
    "blocksize",
    "coordinate_transformation_mode",
    "split",
    "axes",
    "mode",
    "value",
)
PATHS = ("/etc/hostname", "../x", "/dev/zero", "/dev/stdin", ".", "", "no such file", "\0", "x" * 300)
SHAPE = ("--input-shape", "4x12x12")

_rng = np.random.default_rng(1)


def _normal(*shape: int) -> NDArray[np.float32]:
    return _rng.standard_normal(shape).astype(np.float32)


def _sizes(*sizes: int) -> NDArray[np.int64]:
    return np.array(sizes, np.int64)


def model(nodes: list[NodeProto], constants: dict[str, NDArray[Any]], opset: int = 13) -> bytes:
    """A file: maps 4x12x12 with the name `x` go in, whatever has the name `y` comes out."""
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 12, 12))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    return made.SerializeToString()


def classifier() -> bytes:
    """Convolution, pools, flattened into a matrix."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"], "conv", pads=[1, 1, 0, 0], strides=[1, 1], group=2),
        node("Relu", ["c"], ["r"]),
        node("MaxPool", ["r"], ["m"], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        node("AveragePool", ["m"], ["a"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        node("Flatten", ["a"], ["f"], axis=1),
        node("Gemm", ["f", "m1", "m2"], ["g"], transB=1, alpha=1.0, beta=1.0),
        node("Softmax", ["g"], ["y"], axis=1),
    ]
    return model(nodes, {"w": _normal(8, 2, 3, 3), "b": _normal(8), "m1": _normal(5, 72), "m2": _normal(5)})


def residual() -> bytes:
    """Branches that are added and joined, batch normalisation, local response normalisation."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        node("BatchNormalization", ["c", "s", "s", "s", "s"], ["n"], epsilon=1e-5),
        node("Add", ["n", "x"], ["a"]),
        node("Concat", ["a", "x", "n"], ["j"], axis=1),
        node("LRN", ["j"], ["l"], size=3, alpha=1e-4, beta=0.75, bias=1.0),
        node("Clip", ["l", "low", "high"], ["k"]),
        node("GlobalAveragePool", ["k"], ["y"]),
    ]
    ones = np.ones(4, np.float32)
    limits = {"low": np.float32(0), "high": np.float32(6)}
    return model(nodes, {"w": _normal(4, 4, 3, 3), "s": ones, **{name: np.array(v) for name, v in limits.items()}})


def computed() -> bytes:
    """Sizes and weights that nodes compute, as exporters write them; channels last at the entrance."""
    node = helper.make_node
    nodes = [
        node("ConstantOfShape", ["ws"], ["w0"], value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5])),
        node("Constant", [], ["half"], value=helper.make_tensor("h", TensorProto.FLOAT, [], [0.5])),
        node("Mul", ["w0", "half"], ["w"]),
        node("Pad", ["x", "pads"], ["p"], mode="constant"),
        node("Conv", ["p", "w"], ["c"]),
        node("Shape", ["c"], ["all"]),
        node("Gather", ["all", "zero"], ["batch"], axis=0),
        node("Unsqueeze", ["batch", "zeros"], ["batch1"]),
        node("Concat", ["batch1", "minus"], ["target"], axis=0),
        node("Reshape", ["c", "target"], ["f"]),
        node("MatMul", ["f", "m"], ["g"]),
        node("Dropout", ["g"], ["d"]),
        node("LogSoftmax", ["d"], ["y"], axis=-1),
    ]
    constants = {"pads": _sizes(0, 0, 1, 1, 0, 0, 1, 1), "ws": _sizes(2, 4, 3, 3), "zero": np.array(0, np.int64)}
    return model(nodes, {**constants, "zeros": _sizes(0), "minus": _sizes(-1), "m": _normal(288, 3)})


def mobile() -> bytes:
    """Channels that are shuffled, split, sliced and multiplied; maps that become larger."""
    node = helper.make_node
    nodes = [
        node("Reshape", ["x", "groups"], ["g"]),
        node("Transpose", ["g"], ["t"], perm=[0, 2, 1, 3, 4]),
        node("Reshape", ["t", "maps"], ["s"]),
        node("Split", ["s", "parts"], ["a", "b"], axis=1),
        node("GlobalAveragePool", ["a"], ["m"]),
        node("HardSigmoid", ["m"], ["h"], alpha=0.25, beta=0.5),
        node("Mul", ["h", "a"], ["p"]),
        node("Slice", ["b", "zero", "one", "one"], ["c"]),
        node("Concat", ["p", "c"], ["j"], axis=1),
        node(
            "Resize",
            ["j", "", "scales"],
            ["r"],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        ),
        node("Mul", ["r", "r"], ["q"]),
        node("Slice", ["q", "one", "far", "axis", "three"], ["u"]),
        node("Pad", ["u", "pads"], ["y"], mode="reflect"),
    ]
    sides = {"far": _sizes(-1), "axis": _sizes(2), "three": _sizes(3), "pads": _sizes(0, 0, 2, 1, 0, 0, 0, -1)}
    sizes = {
        **sides,
        "groups": _sizes(1, 2, 2, 12, 12),
        "maps": _sizes(1, 4, 12, 12),
        "parts": _sizes(3, 1),
        "zero": _sizes(0),
    }
    return model(nodes, {**sizes, "one": _sizes(1), "scales": np.array([1, 1, 2, 3], np.float32)})


class _Traced(_Skimmer):
    """Notes where the varints of a file stand: tags, lengths and numbers."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.places: list[tuple[int, int]] = []

    def _varint(self, position: int, stop: int) -> tuple[int, int]:
        number, end = super()._varint(position, stop)
        self.places.append((position, end))
        return number, end


@cache
def _varints(content: bytes) -> list[tuple[int, int]]:
    skimmer = _Traced(content)
    skimmer.message(MODEL, 0, len(content))
    return skimmer.places


def replace_varint(content: bytes, rng: Random) -> bytes:
    start, stop = rng.choice(_varints(content))
    number = rng.choice((*range(30), *LONG_INTEGERS)) % 2**64
    groups = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return content[:start] + bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:]) + content[stop:]


def change_graph(content: bytes, rng: Random) -> bytes:
    """A few nodes, attributes, tensors and values that are others, gone, or there twice."""
    changed = ModelProto.FromString(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        graph = changed.graph
        match rng.randrange(8):
            case 0 | 1 if graph.node:
                _change_node(rng.choice(graph.node), graph, rng)
            case 2 | 3 | 4 if graph.node:
                _change_attribute(rng.choice(graph.node), rng)
            case 5 | 6 if graph.initializer:
                _change_tensor(rng.choice(graph.initializer), graph, rng)
            case _:
                _change_frame(changed, rng)
    return changed.SerializeToString()


def _names(graph: GraphProto) -> list[str]:
    return [name for node in graph.node for name in (*node.input, *node.output)] + ["x", "y", "", "nobody"]


def _change_node(node: NodeProto, graph: GraphProto, rng: Random) -> None:
    match rng.randrange(6):
        case 0:
            node.op_type = rng.choice(OPERATORS)
        case 1 if node.input:
            node.input[rng.randrange(len(node.input))] = rng.choice(_names(graph))
        case 2:
            node.input.extend(rng.choices(_names(graph), k=rng.choice((1, 2, 3000))))
        case 3:
            del node.input[rng.randrange(len(node.input) + 1) :]
        case 4:
            node.output[:] = rng.choices(_names(graph), k=rng.choice((0, 1, 2)))
        case _:
            copies = [graph.node[index] for index in rng.choices(range(len(graph.node)), k=rng.choice((1, 20, 2000)))]
            graph.node.extend(copies)


def _change_attribute(node: NodeProto, rng: Random) -> None:
    if not node.attribute or rng.random() < 0.3:
        numbers = rng.choices(LONG_INTEGERS[:-1], k=rng.choice((1, 2, 4, 5000)))
        value = rng.choice((numbers, numbers[0], rng.choice(REALS), "SAME_LOWER", "\0"))
        node.attribute.append(helper.make_attribute(rng.choice(ATTRIBUTES), value))
        return
    attribute: Any = rng.choice(node.attribute)
    match rng.randrange(6):
        case 0:
            attribute.type = rng.choice(list(AttributeProto.AttributeType.values()))
        case 1:
            attribute.name = rng.choice(ATTRIBUTES)
        case 2:
            node.attribute.remove(attribute)
        case 3:
            attribute.f = rng.choice(REALS[:5] + (float("nan"),)) if attribute.type == AttributeProto.FLOAT else 1
        case _ if attribute.ints:
            attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(LONG_INTEGERS)
        case _:
            attribute.i = rng.choice(LONG_INTEGERS)


def _change_tensor(tensor: TensorProto, graph: GraphProto, rng: Random) -> None:
    match rng.randrange(8):
        case 0 if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(LONG_INTEGERS)
        case 1:
            tensor.dims[:] = rng.choices((0, 1, 2, 4, 2**20), k=rng.choice((0, 1, 4, 100)))
        case 2:
            tensor.data_type = rng.choice(range(30))
        case 3:
            tensor.name = rng.choice(_names(graph))
        case 4:
            tensor.ClearField("raw_data")
            tensor.data_location = TensorProto.EXTERNAL
            entries = {"location": rng.choice(PATHS), "offset": str(rng.choice(INTEGERS)), "length": "4"}
            for key in rng.sample(sorted(entries), 2):
                tensor.external_data.add(key=key, value=entries[key])
        case 5:
            graph.initializer.remove(tensor)
        case _:
            form, numbers = ("<q", LONG_INTEGERS) if tensor.data_type == TensorProto.INT64 else ("<f", REALS[-3:])
            number = struct.pack(form, rng.choice(numbers))
            at = rng.randrange(len(tensor.raw_data) // len(number) + 1) * len(number)
            tensor.raw_data = tensor.raw_data[:at] + number + tensor.raw_data[at + len(number) :]


def _change_frame(changed: ModelProto, rng: Random) -> None:
    """Versions, inputs and outputs."""
    graph = changed.graph
    match rng.randrange(6):
        case 0 if changed.opset_import:
            changed.opset_import[0].version = rng.choice((*range(1, 30), *LONG_INTEGERS))
        case 1:
            changed.opset_import.add(domain=rng.choice(("", "ai.onnx", "x")), version=rng.choice(INTEGERS))
        case 2:
            changed.ir_version = rng.choice(LONG_INTEGERS)
        case 3 if graph.input and graph.input[0].type.tensor_type.shape.dim:
            dim = rng.choice(graph.input[0].type.tensor_type.shape.dim)
            dim.dim_value = rng.choice(LONG_INTEGERS)
        case 4 if graph.input:
            graph.input[0].type.tensor_type.elem_type = rng.choice(range(30))
        case _:
            values = rng.choice((graph.input, graph.output))
            values.extend([helper.make_tensor_value_info(rng.choice(_names(graph)), 1, None)] * rng.choice((1, 1000)))
            del values[: rng.choice((0, 1))]


MUTATION: Mutation = any_of(BYTES, (replace_varint,) * 2 + (change_graph,) * 14)


def bombs() -> dict[str, bytes]:
    """Files of a few bytes, or kilobytes, that stand for more than any machine can hold or finish."""
    node = helper.make_node
    filled = node("ConstantOfShape", ["s"], ["w"])
    conv = node("Conv", ["x", "w"], ["y"])
    return {
        "deep subgraphs": _wrapped(b"", (7, 1, 5, 6), 20000),
        "deep groups": b"\x0b" * 10**5,
        "a graph of 2^31 bytes": b"\x3a\xff\xff\xff\xff\x07",
        "a million empty nodes": _record(7, b"\x0a\x00" * 10**6),
        "a million numbers of an attribute": _record(7, _record(1, _record(5, b"\x40\x01" * 10**6))),
        "20 filled weights of 2^26 elements": model(
            [
                node("ConstantOfShape", ["s"], ["w"]),
                node("Conv", ["x", "v"], ["y0"]),
                *(node("ConstantOfShape", ["s"], [f"w{index}"]) for index in range(20)),
                *(node("Conv", [f"y{index}", f"w{index}"], [f"y{index + 1}"]) for index in range(20)),
                node("Identity", ["y20"], ["y"]),
            ],
            {"s": _sizes(2**13, 2**13, 1, 1), "v": np.ones((2**13, 4, 1, 1), np.float32)},
        ),
        "a filled weight of 2^28 elements": model([filled, conv], {"s": _sizes(2**26, 4, 1, 1)}),
        "a filled weight, transposed": model(
            [node("ConstantOfShape", ["s"], ["v"]), node("Transpose", ["v"], ["w"]), conv],
            {"s": _sizes(1, 1, 4, 2**26)},
        ),
        "a filled weight, computed with": model(
            [node("ConstantOfShape", ["s"], ["v"]), node("Add", ["v", "v"], ["w"]), conv], {"s": _sizes(2**26, 4, 1, 1)}
        ),
        "Expand to 2^40": model([node("Expand", ["one", "s"], ["w"]), conv], {"one": _normal(1), "s": _sizes(2**40)}),
        "Range of 2^40": model(
            [node("Range", ["a", "b", "c"], ["w"]), conv],
            {name: np.array(value, np.int64) for name, value in (("a", 0), ("b", 2**40), ("c", 1))},
        ),
        "Pad by 2^40": model([node("Pad", ["x", "p"], ["y"])], {"p": _sizes(0, 0, 2**40, 2**40, 0, 0, 0, 0)}),
        "Pad by 2^13": model([node("Pad", ["x", "p"], ["y"])], {"p": _sizes(0, 0, 2**13, 2**13, 0, 0, 0, 0)}),
        "doubled 40 times": model([node("Concat", [name, name], [after], axis=1) for name, after in _steps(40)], {}),
        "constants doubled 40 times": model(
            [node("Concat", [name, name], [after], axis=0) for name, after in _steps(40, "w0", "w")] + [conv],
            {"w0": _normal(1, 4, 1, 1)},
        ),
        "a million of nodes that compute one constant": model(
            [node("Add", [name, name], [after]) for name, after in _steps(3000, "w0", "w")] + [conv],
            {"w0": _normal(4, 4, 1, 1)},
        ),
        "30000 nodes": model([node("Relu", [name], [after]) for name, after in _steps(30000)], {}),
        "Concat of 10000": model([node("Concat", ["x"] * 10000, ["y"], axis=1)], {}),
        "Split into 100000": model([node("Split", ["x"], ["y", *(f"z{index}" for index in range(10**5))], axis=1)], {}),
        "Slice of what repeats": model(
            [node("Slice", [name, *"aab"], [after]) for name, after in _steps(300)],
            {"a": _sizes(0), "b": _sizes(2**62)},
        ),
        "Resize by 2^40": model([node("Resize", ["x", "", "s"], ["y"])], {"s": np.array([1, 1, 2**40, 1], np.float32)}),
        "resized 40 times": model(
            [node("Resize", [name, "", "s"], [after]) for name, after in _steps(40)],
            {"s": np.array([1, 1, 2, 2], np.float32)},
        ),
        "Resize by 2^40, linear": model(
            [node("Resize", ["x", "", "s"], ["y"], mode="linear")], {"s": np.array([1, 1, 2**40, 1], np.float32)}
        ),
        "transposed by strides of 2^40": model(
            [node("ConvTranspose", ["x", "k"], ["y"], strides=[2**40, 2**40])], {"k": _normal(4, 1, 3, 3)}
        ),
        "a filled kernel of 2^13 x 2^13, transposed": model(
            [filled, node("ConvTranspose", ["x", "w"], ["y"], strides=[2**13, 2**13])],
            {"s": _sizes(4, 1, 2**13, 2**13)},
        ),
        "a pixel spread 40 times": model(
            [filled] + [node("ConvTranspose", [name, "w"], [after], strides=[45, 45]) for name, after in _steps(40)],
            {"s": _sizes(4, 4, 45, 45)},
        ),
        "a square of squares": model([node("Mul", [name, name], [after]) for name, after in _steps(300)], {}),
        "a cycle": model([node("Add", ["x", "y"], ["z"]), node("Relu", ["z"], ["y"])], {}),
    }


def _steps(count: int, first: str = "x", last: str = "y") -> list[tuple[str, str]]:
    """Names of values on a way of `count` steps."""
    names = [first, *(f"step{index}" for index in range(1, count)), last]
    return list(zip(names, names[1:], strict=False))


def _record(number: int, content: bytes) -> bytes:
    """A protobuf record with content of some length."""
    size = len(content)
    groups = [size >> shift & 0x7F for shift in range(0, max(size.bit_length(), 1), 7)]
    return bytes([number << 3 | 2]) + bytes(group | 0x80 for group in groups[:-1]) + bytes(groups[-1:]) + content


def _wrapped(content: bytes, numbers: tuple[int, ...], times: int) -> bytes:
    """Content in a record in a record, and so on: the first number outermost, the others in turn."""
    for index in range(times):
        content = _record(numbers[1 + index % (len(numbers) - 1)], content)
    return _record(numbers[0], content)
