"""ONNX operators compute what onnxruntime does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx_models import computed, expected, floats, network, node, save

from snowdialect.frontends.onnx import import_model
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights

MAPS = (1, 4, 7, 6)


class Case(NamedTuple):
    """A network, by name."""

    name: str
    nodes: Sequence[NodeProto]
    shape: tuple[int, ...] = MAPS
    constants: Mapping[str, NDArray[Any]] = {}
    opset: int = 13


def integers(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def numbers(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def conv(name: str, kernel: tuple[int, int] = (3, 3), groups: int = 1, bias: bool = True, **attributes: Any) -> Case:
    constants = {"w": floats(6, 4 // groups, *kernel, seed=1)} | ({"b": floats(6, seed=2)} if bias else {})
    inputs = ("x", "w", "b") if bias else ("x", "w")
    return Case(name, [node("Conv", *inputs, group=groups, **attributes)], constants=constants)


def transposed(
    name: str,
    kernel: tuple[int, int] = (3, 3),
    shape: tuple[int, ...] = MAPS,
    groups: int = 1,
    bias: bool = True,
    **attributes: Any,
) -> Case:
    constants = {"w": floats(4, 3, *kernel, seed=1)} | ({"b": floats(3 * groups, seed=2)} if bias else {})
    return Case(name, [node("ConvTranspose", "x", *constants, group=groups, **attributes)], shape, constants)


def pool(name: str, operator: str, opset: int = 13, shape: tuple[int, ...] = MAPS, **attributes: Any) -> Case:
    return Case(name, [node(operator, **attributes)], shape, opset=opset)


def elementwise(name: str, operator: str, opset: int = 13, shape: tuple[int, ...] = MAPS, **attributes: Any) -> Case:
    return Case(name, [node(operator, **attributes)], shape, opset=opset)


def with_constants(
    name: str,
    operator: str,
    *inputs: str,
    shape: tuple[int, ...] = MAPS,
    opset: int = 13,
    constants: Mapping[str, NDArray[Any]],
    **attributes: Any,
) -> Case:
    return Case(name, [node(operator, *inputs, **attributes)], shape, constants, opset)


def sliced(name: str, shape: tuple[int, ...] = MAPS, **constants: NDArray[Any]) -> Case:
    return Case(name, [node("Slice", "x", *constants)], shape, constants)


def split(*results: str, sizes: str | None = None, **attributes: Any) -> NodeProto:
    return helper.make_node("Split", ["x", *([sizes] if sizes else [])], results, axis=1, **attributes)


def shuffled(name: str, shape: tuple[int, ...], groups: tuple[int, ...]) -> Case:
    nodes = [
        node("Reshape", "x", "groups"),
        helper.make_node("Transpose", ["Reshape"], ["t"], perm=[0, 2, 1, *range(3, len(groups))]),
        helper.make_node("Reshape", ["t", "back"], ["y"]),
    ]
    return Case(name, nodes, shape, {"groups": integers(*groups), "back": integers(*shape)})


def reordered(name: str, shape: tuple[int, ...], axes: tuple[int, ...], perm: list[int], back: tuple[int, ...]) -> Case:
    nodes = [
        node("Reshape", "x", "axes"),
        helper.make_node("Transpose", ["Reshape"], ["t"], perm=perm),
        helper.make_node("Reshape", ["t", "back"], ["y"]),
    ]
    return Case(name, nodes, shape, {"axes": integers(*axes), "back": integers(*back)})


def scales(*factors: float) -> NDArray[np.float32]:
    return np.array([1, 1, *factors], np.float32)


def resized(name: str, opset: int = 13, factors: tuple[float, float] = (3, 5), **attributes: Any) -> Case:
    constants = {"none": np.zeros(0, np.float32), "s": scales(*factors)}
    return Case(name, [node("Resize", "x", "none", "s", **attributes)], MAPS, constants, opset)


ALL = integers(0, 1)

STATISTICS = {"s": floats(4), "b": floats(4, seed=1), "m": floats(4, seed=2), "v": floats(4, seed=3) ** 2 + 0.1}

CASES = [
    conv("conv"),
    conv("conv-without-bias", bias=False),
    conv("conv-asymmetric-pads", pads=[2, 0, 1, 3]),
    conv("conv-same-upper", kernel=(2, 4), auto_pad="SAME_UPPER", strides=[2, 3]),
    conv("conv-same-lower", kernel=(2, 4), auto_pad="SAME_LOWER", strides=[2, 3]),
    conv("conv-valid", auto_pad="VALID", strides=[2, 1]),
    conv("conv-dilated", kernel=(2, 2), dilations=[3, 2], pads=[1, 1, 1, 1]),
    conv("conv-grouped", groups=2, pads=[1, 1, 1, 1]),
    Case("conv-depthwise", [node("Conv", "x", "w", group=4)], constants={"w": floats(8, 1, 3, 3)}),
    transposed("transposed"),
    transposed("transposed-2x2", kernel=(2, 2), strides=[2, 2]),
    transposed("transposed-dcgan", kernel=(4, 4), strides=[2, 2], pads=[1, 1, 1, 1], bias=False),
    transposed("transposed-of-one-pixel", kernel=(4, 4), shape=(1, 4, 1, 1)),
    transposed("transposed-of-one-row", kernel=(4, 3), shape=(1, 4, 1, 6), strides=[5, 2], pads=[1, 0, 2, 1]),
    transposed("transposed-3x3", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
    transposed("transposed-fcn", kernel=(16, 16), strides=[8, 8], pads=[4, 4, 4, 4]),
    transposed("transposed-gaps", kernel=(1, 2), strides=[2, 3], output_padding=[1, 0]),
    transposed("transposed-asymmetric", kernel=(5, 2), strides=[3, 1], pads=[2, 0, 4, 1], output_padding=[2, 0]),
    transposed("transposed-far-pads", kernel=(3, 3), strides=[1, 2], pads=[4, 7, 3, 0]),
    transposed("transposed-dilated", kernel=(3, 2), strides=[1, 2], dilations=[3, 1], pads=[4, 1, 0, 0]),
    transposed("transposed-dilated-pixel", kernel=(3, 2), shape=(1, 4, 1, 1), strides=[2, 3], dilations=[2, 3]),
    transposed("transposed-grouped", groups=2, strides=[2, 2]),
    transposed("transposed-depthwise", groups=4, strides=[2, 1], pads=[1, 1, 1, 1]),
    transposed("transposed-shape", strides=[3, 2], output_shape=[20, 12]),
    transposed("transposed-shape-upper", strides=[3, 2], output_shape=[20, 12], auto_pad="SAME_UPPER"),
    transposed("transposed-shape-beyond", strides=[2, 2], output_shape=[16, 13]),
    transposed("transposed-same-upper", kernel=(4, 3), strides=[3, 2], auto_pad="SAME_UPPER"),
    transposed("transposed-same-lower", kernel=(4, 3), strides=[3, 2], auto_pad="SAME_LOWER"),
    transposed("transposed-valid", strides=[2, 2], auto_pad="VALID", output_padding=[1, 0]),
    pool("max-pool", "MaxPool", kernel_shape=[3, 2], strides=[2, 2]),
    pool("max-pool-of-strides-one", "MaxPool", kernel_shape=[3, 3]),
    pool("max-pool-ceil", "MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    pool("max-pool-ceil-padded", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1),
    pool("max-pool-ceil-gap", "MaxPool", kernel_shape=[1, 1], strides=[4, 4], ceil_mode=1),
    pool("max-pool-ceil-one-gap", "MaxPool", kernel_shape=[3, 1], strides=[3, 4], ceil_mode=1),
    pool("max-pool-same", "MaxPool", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_LOWER"),
    pool("max-pool-opset-8", "MaxPool", opset=8, kernel_shape=[2, 2], strides=[2, 2]),
    pool("average-pool", "AveragePool", kernel_shape=[3, 2], strides=[2, 1]),
    pool("average-pool-pads", "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 0, 1, 2]),
    pool("average-pool-include", "AveragePool", kernel_shape=[3, 3], pads=[1, 0, 1, 2], count_include_pad=1),
    pool("average-pool-ceil", "AveragePool", kernel_shape=[3, 3], strides=[3, 3], ceil_mode=1),
    pool("average-pool-ceil-one-gap", "AveragePool", kernel_shape=[3, 1], strides=[3, 4], ceil_mode=1),
    pool(
        "average-pool-ceil-one-gap-include",
        "AveragePool",
        shape=(1, 5, 12, 11),
        kernel_shape=[3, 2],
        strides=[5, 4],
        ceil_mode=1,
        count_include_pad=1,
    ),
    pool(
        "average-pool-ceil-include",
        "AveragePool",
        opset=19,
        kernel_shape=[3, 3],
        strides=[3, 3],
        pads=[1, 1, 1, 1],
        ceil_mode=1,
        count_include_pad=1,
    ),
    pool("average-pool-same", "AveragePool", kernel_shape=[3, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
    pool("average-pool-opset-7", "AveragePool", opset=7, kernel_shape=[2, 2]),
    pool("global-average-pool", "GlobalAveragePool"),
    pool("global-max-pool", "GlobalMaxPool"),
    pool("reduce-mean", "ReduceMean", axes=[2, 3], keepdims=1),
    pool("reduce-mean-to-vector", "ReduceMean", axes=[-1, -2], keepdims=0),
    with_constants("reduce-mean-18", "ReduceMean", "x", "a", opset=18, constants={"a": integers(2, 3)}),
    elementwise("relu", "Relu"),
    elementwise("leaky-relu", "LeakyRelu"),
    elementwise("leaky-relu-alpha", "LeakyRelu", opset=10, alpha=0.25),
    elementwise("leaky-relu-vector", "LeakyRelu", shape=(1, 10), alpha=-0.5),
    elementwise("sigmoid", "Sigmoid"),
    elementwise("tanh", "Tanh"),
    elementwise("hard-sigmoid", "HardSigmoid"),
    elementwise("hard-sigmoid-numbers", "HardSigmoid", shape=(1, 50), alpha=-1.5, beta=0.25),
    elementwise("hard-swish", "HardSwish", opset=14, shape=(1, 500)),
    Case("silu", [node("Sigmoid"), node("Mul", "x", "Sigmoid")]),
    elementwise("identity", "Identity"),
    elementwise("dropout", "Dropout", opset=10, ratio=0.3),
    elementwise("dropout-13", "Dropout"),
    elementwise("cast", "Cast", to=1),
    elementwise("lrn", "LRN", size=3, alpha=0.1, beta=0.6, bias=2.0),
    elementwise("clip-attributes", "Clip", opset=10, min=0.0, max=0.5),
    elementwise("clip-open", "Clip", opset=10, min=0.0),
    with_constants(
        "clip-inputs", "Clip", "x", "l", "h", constants={"l": np.array(0, np.float32), "h": np.array(0.5, np.float32)}
    ),
    with_constants("clip-below", "Clip", "x", "l", constants={"l": np.array(0, np.float32)}),
    *(
        elementwise(f"clip-{low}-to-{high}", "Clip", opset=10, min=low, max=high)
        for low, high in ((-0.5, 0.25), (-1.0, -0.5), (0.25, 1.0), (-0.5, 0.0), (0.0, 0.0))
    ),
    with_constants(
        "clip-crossed", "Clip", *"xlh", constants={"l": np.array(0.5, np.float32), "h": np.array(-0.25, np.float32)}
    ),
    elementwise("clip-nothing", "Clip", opset=10),
    with_constants("max", "Max", *"xab", constants={"a": floats(1), "b": np.array(-0.5, np.float32)}),
    with_constants("max-of-zero", "Max", "z", "x", shape=(1, 9), constants={"z": np.zeros((1, 1), np.float32)}),
    with_constants("min", "Min", "x", "m", constants={"m": np.array(-0.5, np.float32)}),
    elementwise("min-of-one", "Min"),
    Case(
        "min-of-max",
        [node("Max", "x", "l"), node("Min", "h", "Max")],
        constants={"l": numbers(0), "h": numbers(1)},
    ),
    elementwise("neg", "Neg"),
    elementwise("abs", "Abs", shape=(1, 9)),
    with_constants("prelu-channels", "PRelu", "x", "s", constants={"s": numbers(-0.5, 0.25, 1, 3)[:, None, None]}),
    with_constants("prelu-one", "PRelu", "x", "s", opset=16, constants={"s": np.full((1, 1, 1), 1.5, np.float32)}),
    with_constants("prelu-vector", "PRelu", "x", "s", opset=7, shape=(1, 9), constants={"s": floats(9)}),
    elementwise("softmax-vector", "Softmax", shape=(1, 10)),
    elementwise("softmax-channels", "Softmax", axis=1),
    elementwise("softmax-all", "Softmax", opset=9),
    elementwise("softmax-all-from-channels", "LogSoftmax", opset=11, axis=1),
    elementwise("softmax-old-unit-maps", "Softmax", opset=9, shape=(1, 10, 1, 1)),
    elementwise("log-softmax", "LogSoftmax", shape=(1, 10)),
    elementwise("softmax-single-channel", "Softmax", shape=(1, 1, 3, 4), axis=1),
    elementwise("log-softmax-single-channel", "LogSoftmax", shape=(1, 1, 3, 4), axis=-3),
    with_constants("batch-norm", "BatchNormalization", "x", *"sbmv", constants=STATISTICS, epsilon=0.01),
    with_constants("batch-norm-vector", "BatchNormalization", "x", *"sbmv", shape=(1, 4), constants=STATISTICS),
    with_constants("batch-norm-8", "BatchNormalization", "x", *"sbmv", opset=8, constants=STATISTICS),
    with_constants("batch-norm-15", "BatchNormalization", "x", *"sbmv", opset=15, constants=STATISTICS),
    with_constants("gemm", "Gemm", "x", "b", "c", shape=(1, 5), constants={"b": floats(5, 3), "c": floats(3)}),
    with_constants(
        "gemm-factors",
        "Gemm",
        *"xbc",
        shape=(1, 5),
        constants={"b": floats(3, 5), "c": floats(1, 3)},
        alpha=0.5,
        beta=3.0,
        transB=1,
    ),
    with_constants("gemm-without-bias", "Gemm", "x", "b", shape=(1, 5), constants={"b": floats(5, 3)}),
    with_constants(
        "gemm-scalar", "Gemm", *"xbc", shape=(1, 5), constants={"b": floats(5, 3), "c": np.array(2, np.float32)}
    ),
    with_constants("matmul", "MatMul", "x", "w", shape=(1, 5), constants={"w": floats(5, 3)}),
    Case(
        "matmul-add",
        [node("MatMul", "x", "w"), node("Add", "b", "MatMul")],
        (1, 5),
        {"w": floats(5, 3), "b": floats(3)},
    ),
    with_constants("add-channels", "Add", "x", "c", constants={"c": floats(4, 1, 1)}),
    with_constants("add-number", "Add", "c", "x", constants={"c": np.array(2, np.float32)}),
    with_constants("sub-channels", "Sub", "x", "c", constants={"c": floats(1, 4, 1, 1)}),
    with_constants("sub-from", "Sub", "c", "x", constants={"c": floats(1)}),
    with_constants("mul-channels", "Mul", "x", "c", constants={"c": floats(1, 4, 1, 1)}),
    with_constants("mul-number", "Mul", "c", "x", constants={"c": floats(1, 1)}),
    with_constants("div-channels", "Div", "x", "c", constants={"c": floats(4, 1, 1)}),
    Case("add", [node("Relu"), node("Add", "x", "Relu")]),
    Case("sub", [node("Relu"), node("Sub", "x", "Relu")]),
    Case("sub-vectors", [node("Tanh"), node("Sub", "Tanh", "x")], (1, 9)),
    Case("mul", [node("Relu"), node("Mul", "x", "Relu")]),
    Case("mul-by-itself", [node("Mul", "x", "x")]),
    Case("mul-vectors", [node("Tanh"), node("Mul", "x", "Tanh")], (1, 9)),
    Case("mul-by-channel", [node("GlobalAveragePool"), node("Mul", "x", "GlobalAveragePool")]),
    Case("mul-channels-by", [node("GlobalMaxPool"), node("Sigmoid", "GlobalMaxPool"), node("Mul", "Sigmoid", "x")]),
    Case("sum", [node("Relu"), node("Tanh"), node("Sum", "x", "Relu", "c", "Tanh")], constants={"c": floats(1)}),
    Case("sum-of-one", [node("Sum", "x")]),
    Case("concat", [node("Relu"), node("Concat", "x", "Relu", "x", axis=1)]),
    Case("concat-from-end", [node("Relu"), node("Concat", "Relu", "x", axis=-3)]),
    elementwise("pad-attributes", "Pad", opset=10, pads=[0, 0, 1, 2, 0, 0, 0, 3]),
    with_constants("pad-inputs", "Pad", "x", "p", constants={"p": integers(0, 0, 1, -2, 0, 0, 0, 3)}),
    with_constants(
        "pad-axes", "Pad", *("x", "p", "", "a"), opset=18, constants={"p": integers(1, 2, 3, 4), "a": integers(3, -2)}
    ),
    elementwise("slice-attributes", "Slice", opset=9, starts=[1], ends=[-1], axes=[1]),
    elementwise("slice-attributes-of-all-axes", "Slice", opset=9, starts=[0, 2, 0, 0], ends=[1, 2**63 - 1, 9, 6]),
    sliced("slice", starts=integers(2), ends=integers(100), axes=integers(-3)),
    sliced("slice-backwards", starts=integers(-1), ends=integers(-(2**63)), axes=integers(1), steps=integers(-2)),
    sliced(
        "slice-vector", (1, 9), starts=integers(0, 1), ends=integers(1, 8), axes=integers(0, 1), steps=integers(1, 3)
    ),
    sliced("slice-rows", starts=integers(1, 5), ends=integers(100, 0), axes=integers(2, -1), steps=integers(2, -3)),
    sliced(
        "slice-all",
        starts=integers(1, 2, -1),
        ends=integers(3, 6, -9),
        axes=integers(1, 2, 3),
        steps=integers(1, 3, -1),
    ),
    elementwise("pad-reflect", "Pad", opset=10, pads=[0, 0, 6, 2, 0, 0, 3, 5], mode="reflect"),
    elementwise("pad-reflect-and-crop", "Pad", opset=10, pads=[0, 0, -2, 3, 0, 0, 2, -1], mode="reflect"),
    elementwise("pad-edge", "Pad", opset=10, pads=[0, 0, 1, 9, 0, 0, 8, -2], mode="edge"),
    sliced("slice-nothing", starts=integers(0), ends=integers(7), axes=integers(2)),
    Case("split", [split("a", "b"), node("Concat", "b", "a", "x", axis=1)]),
    Case("split-attribute", [split("a", "b", split=[1, 3]), node("Tanh", "b")], opset=11),
    Case("split-sizes", [split("a", "b", "c", sizes="s"), node("Add", "a", "c")], constants={"s": integers(1, 2, 1)}),
    Case("split-uneven", [split("a", "b", "c", num_outputs=3), node("Tanh", "c")], (1, 7, 2, 2), opset=18),
    shuffled("shuffle", (1, 6, 3, 2), (1, 2, 3, 3, 2)),
    shuffled("shuffle-flat-maps", (1, 6, 3, 2), (1, 3, 2, 6)),
    shuffled("shuffle-channels-of-maps-of-one-pixel", (1, 6, 1, 1), (1, 3, 2, 1, 1)),
    elementwise("depth-to-space", "DepthToSpace", opset=9, shape=(1, 18, 2, 3), blocksize=3),
    elementwise("depth-to-space-dcr", "DepthToSpace", shape=(1, 12, 2, 3), blocksize=2, mode="DCR"),
    elementwise("depth-to-space-crd", "DepthToSpace", shape=(1, 12, 2, 3), blocksize=2, mode="CRD"),
    elementwise("space-to-depth", "SpaceToDepth", shape=(1, 3, 4, 6), blocksize=2),
    reordered("pixel-shuffle", (1, 12, 4, 5), (1, 2, 3, 2, 4, 5), [0, 1, 4, 2, 5, 3], (1, 2, 12, 10)),
    reordered("pixel-shuffle-blocks-first", (1, 12, 4, 5), (1, 3, 2, 2, 4, 5), [0, 3, 4, 1, 5, 2], (1, 2, 12, 10)),
    reordered("pixel-unshuffle", (1, 2, 6, 8), (1, 2, 2, 3, 4, 2), [0, 1, 3, 5, 2, 4], (1, 12, 2, 4)),
    reordered("pixel-unshuffle-blocks-first", (1, 2, 6, 8), (1, 2, 2, 3, 4, 2), [0, 3, 5, 1, 2, 4], (1, 12, 2, 4)),
    elementwise("upsample-attribute", "Upsample", opset=7, mode="nearest", scales=[1.0, 1.0, 2.0, 3.0]),
    with_constants("upsample-9", "Upsample", "x", "s", opset=9, constants={"s": scales(3, 1)}),
    with_constants("resize-10", "Resize", "x", "s", opset=10, constants={"s": scales(2, 2)}),
    resized("resize-11", opset=11, coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
    resized("resize-13"),
    resized("resize-by-two", factors=(2, 2), coordinate_transformation_mode="asymmetric"),
    resized("resize-tensorflow", 11, coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor"),
    resized("resize-pytorch", coordinate_transformation_mode="pytorch_half_pixel", nearest_mode="round_prefer_ceil"),
    resized("resize-symmetric", 19, coordinate_transformation_mode="half_pixel_symmetric"),
    resized("resize-by-one", factors=(1, 1), coordinate_transformation_mode="align_corners"),
    *(
        resized(f"linear-{mode.replace('_', '-')}-{rows}x{columns}", 19, (rows, columns), mode="linear", **coordinates)
        for rows, columns in ((2, 3), (1.5, 0.75), (1 / 3, 1.3), (1, 4 / 3))
        for mode in (*("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"),)
        for coordinates in [{"coordinate_transformation_mode": mode}]
    ),
    with_constants(
        "linear-sizes", "Resize", *("x", "", "", "s"), mode="linear", constants={"s": integers(1, 4, 10, 4)}
    ),
    with_constants(
        "linear-to-one-pixel",
        "Resize",
        *("x", "", "", "s"),
        constants={"s": integers(1, 4, 1, 1)},
        mode="linear",
        coordinate_transformation_mode="pytorch_half_pixel",
    ),
    with_constants(
        "linear-corners-to-one-row",
        "Resize",
        *("x", "", "", "s"),
        constants={"s": integers(1, 4, 1, 9)},
        mode="linear",
        coordinate_transformation_mode="align_corners",
    ),
    with_constants(
        "linear-of-one-pixel",
        "Resize",
        *("x", "", "", "s"),
        shape=(1, 4, 1, 1),
        constants={"s": integers(1, 4, 3, 2)},
        mode="linear",
    ),
    with_constants("linear-10", "Resize", "x", "s", opset=10, constants={"s": scales(2, 1.6)}, mode="linear"),
    with_constants("linear-upsample-9", "Upsample", "x", "s", opset=9, constants={"s": scales(3, 2)}, mode="linear"),
    with_constants(
        "linear-axes",
        "Resize",
        *("x", "", "s"),
        opset=18,
        constants={"s": scales(2, 3)[2:]},
        axes=[3, 2],
        mode="linear",
    ),
    with_constants("resize-sizes", "Resize", *("x", "", "", "s"), constants={"s": integers(1, 4, 21, 12)}),
    with_constants("resize-axes", "Resize", *("x", "", "s"), opset=18, constants={"s": scales(2, 3)[2:]}, axes=[3, 2]),
    Case("expand", [node("GlobalMaxPool"), node("Expand", "GlobalMaxPool", "s")], constants={"s": integers(4, 3, 5)}),
    Case(
        "expand-columns",
        [node("MaxPool", kernel_shape=[1, 6]), node("Expand", "MaxPool", "s")],
        constants={"s": integers(1, 1, 7, 2)},
    ),
    with_constants("expand-nothing", "Expand", "x", "s", constants={"s": integers(1)}),
    elementwise("flatten", "Flatten"),
    elementwise("flatten-all", "Flatten", axis=-4),
    with_constants("reshape", "Reshape", "x", "s", constants={"s": integers(1, -1)}),
    with_constants("reshape-maps", "Reshape", "x", "s", constants={"s": integers(0, 2, -1, 6)}),
    elementwise("squeeze-attributes", "Squeeze", opset=11, shape=(1, 5, 1, 1), axes=[2, 3]),
    with_constants("squeeze-inputs", "Squeeze", "x", "a", shape=(1, 5, 1, 1), constants={"a": integers(-1, 2)}),
    with_constants("unsqueeze", "Unsqueeze", "x", "a", shape=(1, 5), constants={"a": integers(2, 3)}),
]


def agree(path: Path, shape: tuple[int, ...]) -> None:
    x = floats(*shape, seed=7)
    theirs = expected(path, x)
    ours = computed(path, x)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_operators(case: Case, tmp_path: Path) -> None:
    agree(save(network(case.nodes, case.shape, case.constants, case.opset), tmp_path / "net.onnx"), case.shape)


@pytest.mark.parametrize(
    "case",
    [
        conv("automatic-padding-of-a-dilated-kernel", auto_pad="SAME_UPPER", dilations=[2, 1]),
        elementwise("space-to-depth-crd", "SpaceToDepth", opset=28, shape=(1, 3, 4, 6), blocksize=2, mode="CRD"),
        elementwise("space-to-depth-dcr", "SpaceToDepth", opset=28, shape=(1, 3, 4, 6), blocksize=2),
    ],
    ids=lambda case: case.name,
)
def test_what_onnxruntime_does_not_have(case: Case, tmp_path: Path) -> None:
    """Against the definition of ONNX."""
    path = save(network(case.nodes, case.shape, case.constants, case.opset), tmp_path / "net.onnx")
    x = floats(*case.shape)
    (reference,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    assert isinstance(reference, np.ndarray)
    np.testing.assert_allclose(computed(path, x), reference, rtol=1e-4, atol=1e-5)


CHANNELS_FIRST, CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


def transpose(x: str, result: str, perm: list[int]) -> NodeProto:
    return helper.make_node("Transpose", [x], [result], perm=perm)


LAST_TO_FIRST = transpose("x", "maps", CHANNELS_FIRST)
CONV = helper.make_node("Conv", ["maps", "w"], ["y"])


def test_channels_last(tmp_path: Path) -> None:
    """Input and output are CxHxW here, HxWxC in the file; in between, axes are counted as there."""
    nodes = [
        node("Mul", "x", "std"),
        node("Sub", "Mul", "mean"),
        transpose("Sub", "maps", CHANNELS_FIRST),
        CONV,
        transpose("y", "last", CHANNELS_LAST),
        node("Relu", "last"),
        node("Concat", "last", "Relu", axis=3),
        node("Softmax", "Concat", axis=-1),
    ]
    constants = {"std": np.array(3, np.float32), "mean": floats(4), "w": floats(5, 4, 3, 3)}
    path = save(network(nodes, ("N", "H", "W", 4), constants), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)), (4, 7, 6))
    np.testing.assert_allclose(ours.transpose(CHANNELS_LAST), expected(path, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("flatten", ["Flatten", "Reshape"])
def test_linear_layer_of_flattened_channels_last(tmp_path: Path, flatten: str) -> None:
    """The columns of its weights follow the order of the axes."""
    nodes = [
        LAST_TO_FIRST,
        CONV,
        transpose("y", "last", CHANNELS_LAST),
        node(flatten, "last", *(["sizes"] if flatten == "Reshape" else [])),
        node("Relu", flatten),
        node("MatMul", "Relu", "fc"),
    ]
    constants = {"w": floats(5, 4, 3, 3), "fc": floats(100, 3), "sizes": integers(-1, 100)}
    path = save(network(nodes, (1, 7, 6, 4), constants), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)))
    np.testing.assert_allclose(ours, expected(path, x), rtol=1e-4, atol=1e-5)


def test_pad_of_channels_last(tmp_path: Path) -> None:
    """Before the input is transposed, as in networks of Keras, and behind its last layer."""
    nodes = [
        node("Pad", "x", "first"),
        transpose("Pad", "maps", CHANNELS_FIRST),
        CONV,
        transpose("y", "last", CHANNELS_LAST),
        helper.make_node("Pad", ["last", "second"], ["padded"]),
    ]
    constants = {
        "first": integers(0, 1, 2, 0, 0, 3, 0, 0),
        "w": floats(5, 4, 3, 3),
        "second": integers(0, 0, 1, 0, 0, -1, 2, 0),
    }
    path = save(network(nodes, (1, 7, 6, 4), constants), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)))
    np.testing.assert_allclose(ours.transpose(CHANNELS_LAST), expected(path, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1, 4), (1, 4, 1, 1)])
def test_excitation_of_channels_last(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """As networks of Keras have it: what the channels are multiplied by comes from linear layers."""
    nodes = [
        LAST_TO_FIRST,
        transpose("maps", "last", CHANNELS_LAST),
        node("ReduceMean", "last", axes=[1, 2], keepdims=0),
        node("MatMul", "ReduceMean", "fc"),
        node("Reshape", "MatMul", "sizes"),
        node("Mul", *(("last", "Reshape") if shape[3] == 4 else ("maps", "Reshape"))),
    ]
    constants = {"fc": floats(4, 4), "sizes": integers(*shape)}
    path = save(network(nodes, (1, 7, 6, 4), constants), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)))
    theirs = expected(path, x).transpose(CHANNELS_FIRST) if shape[3] == 4 else expected(path, x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_linear_resize_of_channels_last(tmp_path: Path) -> None:
    nodes = [
        transpose("x", "first", [0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["c"]),
        transpose("c", "last", [0, 2, 3, 1]),
        helper.make_node("Resize", ["last", "", "s"], ["y"], mode="linear"),
    ]
    # onnxruntime has no linear Resize of channels that come last: of rows and columns behind them instead.
    first = [*nodes[:2], helper.make_node("Resize", ["c", "", "t"], ["y"], mode="linear")]
    factors = {"s": numbers(1, 2, 1.5, 1), "t": numbers(1, 1, 2, 1.5)}
    last = save(network(nodes, (1, 6, 7, 4), {"w": floats(3, 4, 2, 2)} | factors), tmp_path / "last.onnx")
    path = save(network(first, (1, 6, 7, 4), {"w": floats(3, 4, 2, 2)} | factors), tmp_path / "first.onnx")
    x = floats(1, 6, 7, 4, seed=7)
    ours = computed(last, x.transpose(0, 3, 1, 2), (4, 6, 7))
    np.testing.assert_allclose(ours, expected(path, x), rtol=1e-4, atol=1e-5)


def test_pieces_of_channels_last(tmp_path: Path) -> None:
    """Slopes are along the last axis; values that are subtracted have their axes in one order."""
    nodes = [
        transpose("x", "first", [0, 3, 1, 2]),
        helper.make_node("Conv", ["first", "w"], ["c"]),
        transpose("c", "last", [0, 2, 3, 1]),
        helper.make_node("PRelu", ["last", "s"], ["p"]),
        helper.make_node("Sub", ["last", "p"], ["d"]),
        helper.make_node("Min", ["d", "h"], ["y"]),
    ]
    constants = {"w": floats(3, 4, 2, 2), "s": floats(3), "h": numbers(0.5)}
    path = save(network(nodes, (1, 6, 7, 4), constants), tmp_path / "net.onnx")
    x = floats(1, 6, 7, 4, seed=7)
    ours = computed(path, x.transpose(0, 3, 1, 2), (4, 6, 7))
    np.testing.assert_allclose(ours.transpose(0, 2, 3, 1), expected(path, x), rtol=1e-4, atol=1e-5)


def test_resize_of_channels_last(tmp_path: Path) -> None:
    nodes = [
        LAST_TO_FIRST,
        transpose("maps", "last", CHANNELS_LAST),
        node("Resize", "last", "", "scales"),
        node("Slice", "Resize", "one", "three", "three"),
        helper.make_node("Slice", ["Slice", "starts", "ends", "sides", "steps"], ["y"]),
    ]
    bounds = {"starts": integers(1, -2), "ends": integers(9, -99), "sides": integers(1, 2), "steps": integers(2, -3)}
    constants = {"scales": np.array([1, 2, 3, 1], np.float32), "one": integers(1), "three": integers(3), **bounds}
    path = save(network(nodes, (1, 7, 6, 4), constants), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)))
    np.testing.assert_array_equal(ours.transpose(CHANNELS_LAST), expected(path, x))


def test_pool_and_squeeze_of_channels_last(tmp_path: Path) -> None:
    nodes = [
        LAST_TO_FIRST,
        transpose("maps", "last", CHANNELS_LAST),
        node("ReduceMean", "last", axes=[1, 2], keepdims=1),
        node("Squeeze", "ReduceMean", "axes"),
    ]
    path = save(network(nodes, (1, 7, 6, 4), {"axes": integers(1, 2)}), tmp_path / "net.onnx")
    x = floats(1, 7, 6, 4)
    ours = computed(path, np.ascontiguousarray(x.transpose(CHANNELS_FIRST)))
    np.testing.assert_allclose(ours, expected(path, x), rtol=1e-4, atol=1e-5)


def test_sizes_that_are_computed(tmp_path: Path) -> None:
    """x.view(x.size(0), -1), as PyTorch writes it."""
    nodes = [
        node("Shape"),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(integers(0)[0:1].reshape(()))),
        node("Gather", "Shape", "zero", axis=0),
        node("Unsqueeze", "Gather", axes=[0]),
        helper.make_node("Constant", [], ["rest"], value=numpy_helper.from_array(integers(-1))),
        node("Concat", "Unsqueeze", "rest", axis=0),
        node("Reshape", "x", "Concat"),
    ]
    agree(save(network(nodes, ("N", 4, 7, 6), opset=11), tmp_path / "net.onnx"), MAPS)


def test_weights_that_are_computed(tmp_path: Path) -> None:
    """Filled, reshaped, cast from float16 and double; a result without a name is one that nobody reads."""
    nodes = [
        node("ConstantOfShape", "sizes", value=numpy_helper.from_array(np.array([0.5], np.float32))),
        node("Conv", "x", "ConstantOfShape"),
        helper.make_node("Dropout", ["Conv"], ["kept", "mask"]),
        node("Cast", "half", to=1),
        node("Transpose", "Cast", perm=[1, 0]),
        node("Flatten", "kept"),
        node("MatMul", "Flatten", "Transpose"),
        node("Div", "MatMul", "numbers"),
        node("Sqrt", "numbers"),
        node("Add", "Div", "Sqrt"),
    ]
    constants = {"sizes": integers(2, 4, 7, 6), "half": floats(3, 2).astype(np.float16), "numbers": floats(3) ** 2 + 1}
    agree(save(network(nodes, MAPS, constants), tmp_path / "net.onnx"), MAPS)


def test_several_outputs(tmp_path: Path) -> None:
    """Each under its name, with question marks for what cannot be printed, and none twice."""
    model = network(
        [
            helper.make_node("Conv", ["x", "w"], ["maps"], name="conv"),
            helper.make_node("Relu", ["maps"], ["a\n"], name="relu"),
            helper.make_node("GlobalAveragePool", ["a\n"], ["a?"], name="mean"),
        ],
        MAPS,
        {"w": floats(6, 4, 3, 3)},
    )
    for name in ("a\n", "maps"):
        model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    path, x = save(model, tmp_path / "net.onnx"), floats(*MAPS)
    module, weights = import_model(path, None)
    outputs = run_module(module, x, Weights(weights)).outputs
    assert list(outputs) == ["a?", "a?.1", "maps"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for ours, theirs in zip(outputs.values(), session.run(None, {"x": x}), strict=True):
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-6)


def test_only_what_the_output_needs_is_converted(tmp_path: Path) -> None:
    nodes = [node("NonZero"), node("Relu")]
    agree(save(network(nodes, MAPS), tmp_path / "net.onnx"), MAPS)
