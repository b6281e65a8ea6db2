"""Writes small networks as ONNX files: `networks.py NAME OUT`."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FIRST, LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def node(operator: str, inputs: str, result: str, **attributes: Any) -> NodeProto:
    """A node named after its result."""
    return helper.make_node(operator, inputs.split(), [result], name=result, **attributes)


def network(shape: list[int | str], nodes: list[NodeProto], **constants: Any) -> ModelProto:
    """A model with the input `x`; its output is the last result. Constants are given by value or shape."""
    arrays = {
        name: np.ones(value, np.float32) if isinstance(value, tuple) else np.array(value)
        for name, value in constants.items()
    }
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)


NETWORKS = {
    "residual": network(
        [1, 8, 6, 6],
        [
            node("Conv", "x w1 b1", "conv1", pads=[1, 1, 1, 1]),
            node("BatchNormalization", "conv1 c c c c", "bn1"),
            node("Relu", "bn1", "relu1"),
            node("Conv", "relu1 w1", "conv2", auto_pad="SAME_UPPER"),
            node("Add", "conv2 x", "add"),
            node("GlobalAveragePool", "add", "pool"),
            node("Shape", "pool", "shape"),
            node("Gather", "shape zero", "batch"),
            node("Unsqueeze", "batch zeros", "batches"),
            node("Concat", "batches rest", "sizes", axis=0),
            node("Reshape", "pool sizes", "vector"),
            node("Gemm", "vector fc b2", "gemm"),
            node("Softmax", "gemm", "softmax"),
        ],
        w1=(8, 8, 3, 3),
        b1=(8,),
        c=(8,),
        zero=0,
        zeros=[0],
        rest=[-1],
        fc=(8, 3),
        b2=(3,),
    ),
    "channels-last": network(
        ["batch", "rows", "columns", 3],
        [
            node("Mul", "x factor", "scale"),
            node("Transpose", "scale", "first", perm=FIRST),
            node("Conv", "first w", "conv", strides=[2, 2], auto_pad="SAME_UPPER"),
            node("Clip", "conv zero six", "relu6"),
            node("Transpose", "relu6", "last", perm=LAST),
        ],
        factor=np.float32(0.5),
        w=(4, 3, 3, 3),
        zero=np.float32(0),
        six=np.float32(6),
    ),
    "excitation": network(
        [1, 4, 8, 8],
        [
            node("Conv", "x w1", "conv"),
            node("GlobalAveragePool", "conv", "squeeze"),
            node("Conv", "squeeze w2", "excite"),
            node("HardSigmoid", "excite", "gate", alpha=0.25),
            node("Mul", "gate conv", "gated"),
            node("HardSwish", "gated", "swish"),
            node("Conv", "swish w2", "behind"),
        ],
        w1=(8, 4, 1, 1),
        w2=(8, 8, 1, 1),
    ),
    "shuffle": network(
        [1, 8, 4, 4],
        [
            node("Reshape", "x groups", "grouped"),
            node("Transpose", "grouped", "transposed", perm=[0, 2, 1, 3, 4]),
            node("Reshape", "transposed maps", "shuffle"),
            helper.make_node("Split", ["shuffle"], ["left", "right"], name="halves", axis=1),
            node("Conv", "right w", "conv"),
            node("Concat", "left conv", "joined", axis=1),
            node("Slice", "joined one many one two", "slice"),
            helper.make_node("Resize", ["slice", "", "scales"], ["resize"], name="resize"),
        ],
        scales=np.array([1, 1, 2, 3], np.float32),
        groups=[1, 2, 4, 4, 4],
        maps=[1, 8, 4, 4],
        w=(4, 4, 1, 1),
        one=[1],
        two=[2],
        many=[1 << 40],
    ),
    "pixels": network(
        [1, 3, 4, 6],
        [
            node("SpaceToDepth", "x", "depth", blocksize=2),
            node("Conv", "depth w", "conv", pads=[1, 1, 1, 1]),
            node("DepthToSpace", "conv", "space", blocksize=2, mode="CRD"),
            node("Relu", "space", "relu"),
            node("Reshape", "relu axes", "six"),
            node("Transpose", "six", "ordered", perm=[0, 3, 4, 1, 5, 2]),
            node("Reshape", "ordered maps", "shuffle"),
        ],
        w=(48, 12, 3, 3),
        axes=[1, 2, 2, 3, 4, 6],
        maps=[1, 3, 8, 12],
    ),
    "transposed": network(
        [1, 4, 6, 6],
        [
            node("ConvTranspose", "x w1 b", "up1", strides=[2, 2], pads=[1, 1, 1, 1]),
            node("BatchNormalization", "up1 b b b b", "bn1"),
            node("Relu", "bn1", "relu1"),
            node("ConvTranspose", "relu1 w2", "up2", strides=[2, 1], auto_pad="SAME_UPPER", group=2),
        ],
        w1=(4, 8, 4, 4),
        w2=(8, 1, 3, 3),
        b=(8,),
    ),
    "linear": network(
        [1, 4, 6, 5],
        [
            node("Conv", "x w", "conv"),
            helper.make_node("Resize", ["conv", "", "scales"], ["up"], name="up", mode="linear"),
            helper.make_node(
                "Resize",
                ["up", "", "", "sizes"],
                ["corners"],
                name="corners",
                mode="linear",
                coordinate_transformation_mode="align_corners",
            ),
            node("Conv", "corners w", "last"),
        ],
        w=(4, 4, 3, 3),
        scales=np.array([1, 1, 2, 4 / 3], np.float32),
        sizes=[1, 4, 6, 10],
    ),
    "focus": network(
        [1, 3, 8, 6],
        [
            *(
                node("Slice", f"{source} {start} end {axis} two", name)
                for source, start, axis, name in (
                    ("x", "zero", "rows", "top"),
                    ("x", "one", "rows", "bottom"),
                    ("top", "zero", "columns", "a"),
                    ("bottom", "zero", "columns", "b"),
                    ("top", "one", "columns", "c"),
                    ("bottom", "one", "columns", "d"),
                )
            ),
            node("Concat", "a b c d", "focus", axis=1),
            node("Pad", "focus pads", "border", mode="reflect"),
            node("Conv", "border w", "conv"),
            node("Pad", "conv pads", "edge", mode="edge"),
            node("Conv", "edge v", "last"),
        ],
        zero=[0],
        one=[1],
        two=[2],
        end=[9],
        rows=[2],
        columns=[3],
        pads=[0, 0, 1, 1, 0, 0, 1, 1],
        w=(4, 12, 3, 3),
        v=(4, 4, 3, 3),
    ),
    "pieces": network(
        [1, 4, 6, 6],
        [
            node("Conv", "x w", "conv"),
            node("PRelu", "conv slopes", "prelu"),
            node("Neg", "prelu", "neg"),
            node("Abs", "neg", "abs"),
            node("Sub", "abs conv", "sub"),
            node("Max", "sub low", "max"),
            node("Min", "max high", "min"),
            node("Clip", "min above high", "clip"),
        ],
        w=(4, 4, 3, 3),
        slopes=np.array([[[-0.5]], [[0.25]], [[1]], [[3]]], np.float32),
        low=np.float32(-1),
        above=np.float32(0.5),
        high=np.float32(20),
    ),
    "unsupported": network(
        [1, 8],
        [
            node("Cos", "x", "cos1"),
            node("Sin", "cos1", "sine"),
            node("Cos", "sine", "cos2"),
        ],
    ),
    "misfit": network([1, 3, 8, 8], [node("Conv", "x w", "conv")], w=(4, 2, 3, 3)),
}

if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(NETWORKS[sys.argv[1]].SerializeToString())
