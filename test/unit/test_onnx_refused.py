"""ONNX networks and files that are refused: one line with file, node and reason."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from onnx_models import CONV, MAPS, WEIGHT, floats, network, node, one_convolution, reason, save

from snowdialect.frontends.onnx.wire import MAXIMUM_RECORDS

Refuse = Callable[..., str]


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """Saves a network and returns why it is refused."""

    def refuse(
        *nodes: NodeProto,
        shape: Sequence[int | str] = MAPS,
        constants: Mapping[str, NDArray[Any]] | None = None,
        opset: int = 13,
        given: Sequence[int] | None = None,
    ) -> str:
        return reason(save(network(nodes, shape, constants, opset), tmp_path / "net.onnx"), given)

    return refuse


@pytest.mark.parametrize(
    ("nodes", "options", "problem"),
    [
        ([node("Sin")], {}, "unsupported operator sin Sin"),
        (
            [node("Cos"), node("Sin", "Cos"), helper.make_node("Cos", ["Sin"], ["y"])],
            {},
            "unsupported operators cos Cos (and 1 more), sin Sin",
        ),
        (
            [
                node("Cos"),
                helper.make_node("Sigmoid", ["Cos"], ["s"]),
                helper.make_node("Mul", ["Cos", "s"], ["product"]),
                helper.make_node("MaxPool", ["product"], ["pooled"], kernel_shape=[2, 2], dilations=[2, 2]),
                helper.make_node("Concat", ["pooled", "pooled"], ["y"], axis=0),
            ],
            {"shape": (1, 3, 8, 8)},
            "unsupported operator cos Cos; pooled MaxPool: a pool with dilations is not supported; y Concat: takes "
            "axis 0, which is the batch",
        ),
        (
            # What reads a result of unknown shape is not looked at.
            [
                helper.make_node("Gelu", ["x"], ["g"], domain="com.microsoft"),
                helper.make_node("Concat", ["g", "x"], ["c"], axis=2),
                helper.make_node("Concat", ["x", "x"], ["d"], axis=0),
                helper.make_node("Add", ["c", "d"], ["y"]),
            ],
            {},
            "unsupported operator g com.microsoft.Gelu; d Concat: takes axis 0, which is the batch",
        ),
        (
            [helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")],
            {},
            "unsupported operator y com.microsoft.Gelu",
        ),
        (
            # Of what is refused itself, any result may be read.
            [
                helper.make_node("Halves", ["x"], ["a", "b"], domain="com.microsoft"),
                node("Cos", "b"),
                node("Add", "a", "Cos"),
            ],
            {},
            "unsupported operators a com.microsoft.Halves, cos Cos",
        ),
        ([node("Relu", "c")], {"constants": {"c": floats(3)}}, "unsupported operator relu Relu of constants"),
        ([node("Relu", "y")], {}, "relu Relu: its input 'y' is not the first result of a node before it"),
        (
            [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Add", ["x", "a"], ["b"])],
            {},
            "a Relu: its input 'b' is not the first result of a node before it",
        ),
        (
            [helper.make_node("Relu", ["x"], ["y"], name=name) for name in "ab"],
            {},
            "b Relu: its result has the name 'y', which is no new one",
        ),
        ([node("Relu", "y\n")], {}, "relu Relu: its input 'y?' is not the first result of a node before it"),
        ([node("Relu", "x", "x")], {}, "relu Relu: has 2 inputs"),
        ([node("Relu", slope=1.0)], {}, "relu Relu: has an unknown attribute 'slope'"),
        ([node("MaxPool")], {}, "maxpool MaxPool: attribute kernel_shape is missing"),
        (
            [node("MaxPool", kernel_shape=2)],
            {},
            "maxpool MaxPool: attribute kernel_shape is of another type than the operator's",
        ),
        (
            [node("MaxPool", kernel_shape=[2])],
            {"shape": (1, 4, 8)},
            "maxpool MaxPool: attribute kernel_shape is [2], expected two numbers of 1 or more: maps are CxHxW",
        ),
        (
            [node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])],
            {},
            "maxpool MaxPool: a pool with dilations is not supported",
        ),
        (
            [node("AveragePool", kernel_shape=[9, 2])],
            {},
            "averagepool AveragePool: kernel spans 9 rows, the padded input has 7",
        ),
        (
            [node("MaxPool", kernel_shape=[1, 1], pads=[1 << 24, 0, 0, 0])],
            {},
            "maxpool MaxPool: pads are [16777216, 0, 0, 0], expected four numbers of 0 to 4096: maps are CxHxW",
        ),
        (
            [node("MaxPool", kernel_shape=[1, 1])],
            {"shape": (1, 1, 1 << 28, 1)},
            "1x268435456x1 is no shape of an input",
        ),
        ([CONV], {}, "conv Conv: its input 'w' is not the first result of a node before it"),
        ([node("Conv", "x", "x")], {}, "conv Conv: its weight is no constant"),
        (
            [CONV],
            {"constants": {"w": floats(5, 3, 3, 3)}},
            "conv Conv: weight expects 3 input channels, input has 4",
        ),
        (
            [CONV],
            {"constants": {"w": np.full((5, 4, 3, 3), np.nan, np.float32)}},
            "conv Conv: its weight holds NaN, infinity or numbers beyond float32",
        ),
        (
            [CONV],
            {"constants": {"w": np.full((5, 4, 3, 3), 1e300)}},
            "conv Conv: its weight holds NaN, infinity or numbers beyond float32",
        ),
        (
            [CONV],
            {"constants": {"w": np.ones((5, 4, 3, 3), np.int8)}},
            "conv Conv: its weight is an array of 180 elements of int8, expected floats",
        ),
        (
            [node("Add", "x", "c")],
            {"constants": {"c": floats(6)}},
            "add Add: computes with 6 numbers, expected one, or one per channel",
        ),
        ([node("Div", "x", "c")], {"constants": {"c": floats(4, 1, 1) * 0}}, "div Div: divides by zero"),
        (
            [node("MaxPool", kernel_shape=[6, 1]), node("Mul", "MaxPool", "x")],
            {},
            "mul Mul: operands must have one shape, or the second one element along some axes, are 1x4x7x6 and 1x4x2x6",
        ),
        (
            [node("Flatten"), node("Mul", "x", "Flatten")],
            {},
            "mul Mul: multiplies 1x4x7x6 by 1x168, expected as many axes",
        ),
        (
            [node("Clip", min=float("inf"))],
            {"opset": 10},
            "clip Clip: clips to inf..inf, which leaves no number",
        ),
        ([node("Clip", max=float("nan"))], {"opset": 10}, "clip Clip: max is nan, expected a number"),
        (
            [node("Relu"), node("Max", "x", "Relu")],
            {},
            "max Max: compares two values of the network, supported are numbers",
        ),
        ([node("Min", "x", "c")], {"constants": {"c": floats(4, 1, 1)}}, "min Min: its limit is no number"),
        ([node("PRelu", "x", "x")], {}, "prelu PRelu: its slope is no constant"),
        (
            [node("PRelu", "x", "s")],
            {"constants": {"s": floats(6)}},
            "prelu PRelu: computes with 6 numbers, expected one, or one per channel",
        ),
        (
            [node("Pad", pads=[1, 1, 0, 0] * 2)],
            {"opset": 10},
            "pad Pad: pads the batch, or channels with what is not zero",
        ),
        (
            [node("Pad", "x", "p", mode="wrap")],
            {"opset": 19, "constants": {"p": np.zeros(8, np.int64)}},
            "pad Pad: pads in the mode wrap, supported are constant, edge and reflect",
        ),
        (
            [node("Pad", pads=[0, 0, 7, 0, 0, 0, 0, 0], mode="reflect")],
            {"opset": 10},
            "pad Pad: reflects 7 rows, there are 6 beside that at the border",
        ),
        (
            [node("Pad", pads=[0, 0, 0, 0, 0, 0, 4096, 4096], mode="edge")],
            {"opset": 10},
            "pad Pad: pads 7x6 to 4103x4102, which is mostly padding",
        ),
        (
            [node("Pad", pads=[0, 0, 0, -6, 0, 0, 0, 0], mode="edge")],
            {"opset": 10},
            "pad Pad: sizes must be at least 1, are [7, 0]",
        ),
        ([node("Concat", "x", "x", axis=4)], {}, "concat Concat: axis is 4, the value has 4 axes"),
        (
            [node("GlobalAveragePool"), node("Softmax", "GlobalAveragePool")],
            {},
            "softmax Softmax: is over a single element, so that its results are all the same",
        ),
        (
            [node("Transpose", perm=[0, 2, 3, 1]), node("GlobalAveragePool", "Transpose")],
            {},
            "globalaveragepool GlobalAveragePool: pools other axes than rows and columns of maps",
        ),
        (
            [node("MaxPool", kernel_shape=[6, 1]), node("Sub", "x", "MaxPool")],
            {},
            "sub Sub: operands must have one shape, are 1x4x7x6 and 1x4x2x6",
        ),
        (
            [node("HardSigmoid", alpha=1e38)],
            {},
            "hardsigmoid HardSigmoid: attribute alpha is 1e+38, expected a number",
        ),
        (
            [node("Slice", starts=[1], ends=[3], axes=[2])],
            {"opset": 9, "shape": (1, 4, 1)},
            "slice Slice: takes nothing of axis 2",
        ),
        (
            [node("Slice", starts=[1], ends=[1], axes=[0])],
            {"opset": 9},
            "slice Slice: takes nothing of axis 0",
        ),
        (
            [node("Slice", starts=[3], ends=[3], axes=[1])],
            {"opset": 9},
            "slice Slice: takes nothing of axis 1",
        ),
        (
            [node("Slice", starts=[3, 1], ends=[3], axes=[1])],
            {"opset": 9},
            "slice Slice: has 2 starts, 1 ends and 2 steps for 1 axes",
        ),
        (
            [node("GlobalMaxPool"), node("Cast", "GlobalMaxPool", to=7), node("Slice", "x", "Cast", "Cast")],
            {"shape": (1, 1, 4, 4)},
            "cast Cast: casts to another type than float32; slice Slice: its list of starts is no constant",
        ),
        (
            [helper.make_node("Split", ["x"], ["a", "b"], name="split"), node("Add", "a", "b")],
            {},
            "split Split: splits an axis of 1 into 2 parts of one size",
        ),
        (
            [helper.make_node("Split", ["x"], ["a", "b", "c"], name="split", axis=1), node("Add", "a", "b")],
            {},
            "split Split: splits an axis of 4 into 3 parts of one size",
        ),
        (
            [helper.make_node("Split", ["x"], ["a", "b"], name="split", axis=1, split=[1, 2]), node("Add", "a", "b")],
            {"opset": 11},
            "split Split: splits an axis of 4 into 2 parts of [1, 2]",
        ),
        (
            [helper.make_node("Split", ["x"], ["a", "a"], name="split", axis=1), node("Relu", "a")],
            {},
            "split Split: its result has the name 'a', which is no new one",
        ),
        *(
            ([node("ConvTranspose", "x", "w", **attributes)], {"constants": {"w": kernels}}, f"convtranspose {problem}")
            for attributes, kernels, problem in (
                ({}, floats(5, 4, 3, 3), "ConvTranspose: weight expects 5 input channels, input has 4"),
                ({}, floats(4, 5, 3), "ConvTranspose: its weight is 4x5x3, expected IxOxHxW: maps are CxHxW"),
                ({"group": 3}, WEIGHT[:4], "ConvTranspose: its weight is 4x4x3x3, which 3 groups cannot share"),
                ({"kernel_shape": [2, 3]}, WEIGHT[:4], "ConvTranspose: kernel_shape is 2x3, its weight 3x3"),
                ({"strides": [0, 1]}, WEIGHT[:4], "ConvTranspose: attribute strides is [0, 1], expected two numbers"),
                (
                    {"strides": [7, 1]},
                    WEIGHT[:4],
                    "ConvTranspose: strides of 7 rows leave more than half of the result",
                ),
                (
                    {"strides": [1 << 24] * 2},
                    WEIGHT[:4],
                    "ConvTranspose: strides of 16777216 rows leave more than half",
                ),
                (
                    {"strides": [2, 1], "dilations": [2, 1]},
                    WEIGHT[:4],
                    "ConvTranspose: strides and dilations of rows are",
                ),
                ({"dilations": [1 << 24] * 2}, WEIGHT[:4], "ConvTranspose: takes 144 weights for "),
                (
                    {"dilations": [1, 1 << 20]},
                    WEIGHT[:4],
                    "ConvTranspose: upsamples 7x6 to 9x2097158, which is too much",
                ),
                ({"pads": [5, 0, 4, 0]}, WEIGHT[:4], "ConvTranspose: pads of 5 and 4 rows leave nothing of 9"),
                (
                    {"pads": [-1, 0, 0, 0]},
                    WEIGHT[:4],
                    "ConvTranspose: pads are [-1, 0, 0, 0], expected four numbers of 0",
                ),
                (
                    {"output_padding": [1, 0]},
                    WEIGHT[:4],
                    "ConvTranspose: output_padding is [1, 0], expected two numbers",
                ),
                (
                    {"output_shape": [10, 8]},
                    WEIGHT[:4],
                    "ConvTranspose: output_shape is [10, 8], but no kernel ends so",
                ),
                (
                    {"output_shape": [1 << 20] * 2},
                    WEIGHT[:4],
                    "ConvTranspose: output_shape is [1048576, 1048576], expected",
                ),
                (
                    {"output_shape": [0, 8]},
                    WEIGHT[:4],
                    "ConvTranspose: output_shape is [0, 8], expected rows and columns",
                ),
            )
        ),
        (
            [node("ConvTranspose", "x", "w", strides=[60, 60])],
            {"constants": {"w": np.ones((1, 1, 60, 60), np.float32)}, "shape": (1, 1, 64, 64)},
            "convtranspose ConvTranspose: upsamples 64x64 to 3840x3840, which is too much",
        ),
        (
            [node("DepthToSpace", blocksize=3)],
            {},
            "depthtospace DepthToSpace: 4 channels cannot be split into blocks of 3x3",
        ),
        ([node("DepthToSpace", blocksize=0)], {}, "depthtospace DepthToSpace: block must be at least 1, are [0, 0]"),
        (
            [node("DepthToSpace", blocksize=1 << 40)],
            {},
            "depthtospace DepthToSpace: blocksize is 1099511627776, expected a number of at most 16777216",
        ),
        (
            [node("DepthToSpace", blocksize=2, mode="DRC")],
            {},
            "depthtospace DepthToSpace: mode is 'DRC', expected DCR or CRD",
        ),
        (
            [node("SpaceToDepth", blocksize=2)],
            {},
            "spacetodepth SpaceToDepth: 7x6 cannot be split into blocks of 2x2",
        ),
        (
            [node("Resize", "x", "", "s", mode="cubic")],
            {"constants": {"s": np.array([1, 1, 2, 2], np.float32)}},
            "resize Resize: resizes in the mode cubic, only nearest and linear are supported",
        ),
        *(
            (
                [node("Resize", "x", "", "s", mode="linear", **attributes)],
                {"constants": {"s": np.array(factors)}, "opset": 18},
                f"resize Resize: {problem}",
            )
            for factors, attributes, problem in (
                ([1.0, 1, 2, 2], {"antialias": 1}, "antialias is set, which is not supported"),
                ([1.0, 1, 2, 2], {"exclude_outside": 1}, "exclude_outside is set, which is not supported"),
                (
                    [1.0, 1, 2, 2],
                    {"coordinate_transformation_mode": "tf_crop_and_resize"},
                    "tf_crop_and_resize coordinates are not supported in the mode linear",
                ),
                ([1.0, 2, 2, 2], {}, "resizes 1x4x7x6 by 1x2x2x2, supported are rows and columns of maps"),
                ([1.0, 1, 1e300, 2], {}, "resizes 1x4x7x6 by 1x1x1e+300x2, supported are rows and columns of maps"),
                ([1.0, 1, 1e-300, 2], {}, "resizes 1x4x7x6 by 1x1x1e-300x2, supported are rows and columns of maps"),
                ([1.0, 1, 0, 2], {}, "resizes 1x4x7x6 by 0"),
                ([1.0, 1, -1, 2], {}, "resizes 1x4x7x6 by -1"),
                ([1.0, 1, 9000, 2], {}, "upsamples 7x6 to 63000x12, which is too much"),
                ([1.0, 1, 2], {}, "has 3 factors for 4 axes"),
            )
        ),
        (
            [node("Resize", "x", "", "s", mode="linear")],
            {"constants": {"s": np.array([1, 2, 2], np.float32)}, "shape": (1, 4, 6)},
            "resize Resize: resizes 1x4x6 by 1x2x2, supported are rows and columns of maps",
        ),
        (
            [node("Resize", "x", "", "s")],
            {"constants": {"s": np.array([1, 1, 2, 1.5], np.float32)}},
            "resize Resize: resizes 1x4x7x6 by 1x1x2x1.5, supported are whole factors",
        ),
        (
            [node("Resize", "x", "", "", "s")],
            {"constants": {"s": np.array([1, 4, 7, 3])}},
            "resize Resize: resizes 1x4x7x6 by 1x1x1x0.5, supported are whole factors",
        ),
        (
            [node("Resize", "x", "", "s")],
            {"constants": {"s": np.array([1, 2, 1, 1], np.float32)}},
            "resize Resize: repeats other axes than rows and columns of maps",
        ),
        *(
            (
                [node("Resize", "x", "", "s", coordinate_transformation_mode=coordinates, nearest_mode=rounding)],
                {"constants": {"s": np.array([1, 1, factor, 1], np.float32)}},
                f"resize Resize: {coordinates} coordinates, rounded by {rounding}, do not repeat",
            )
            for coordinates, rounding, factor in (
                ("align_corners", "floor", 2),
                ("asymmetric", "round_prefer_floor", 3),
                ("asymmetric", "round_prefer_ceil", 2),
                ("half_pixel", "floor", 2),
                ("half_pixel", "ceil", 2),
            )
        ),
        (
            [node("Resize", "x", "", "s")],
            {"constants": {"s": np.array([1, 1, np.nan, 1], np.float32)}},
            "resize Resize: its list of scales holds NaN or infinity",
        ),
        ([node("Resize", "x")], {}, "resize Resize: has neither scales nor sizes"),
        (
            [node("Resize", "x", "", "s")],
            {"constants": {"s": np.array([1, 1, 60, 60], np.float32)}, "shape": (1, 1, 64, 64)},
            "resize Resize: upsamples 64x64 to 3840x3840, which is too much",
        ),
        (
            [node("GlobalMaxPool"), node("Expand", "GlobalMaxPool", "s")],
            {"constants": {"s": np.array([2, 4, 1, 1])}},
            "expand Expand: repeats other axes than rows and columns of maps",
        ),
        (
            [node("Expand", "x", "s")],
            {"constants": {"s": np.array([7, 12])}},
            "expand Expand: expands 1x4x7x6 to 7x12, supported are rows and columns of maps",
        ),
        ([node("Div", "x", "x")], {}, "div Div: divides by a value of the network, supported are numbers per channel"),
        (
            [
                helper.make_node("Div", ["x", "x"], ["a"]),
                helper.make_node("Div", ["a", "x"], ["b"]),
                helper.make_node("Div", ["b", "a"], ["c"]),
            ],
            {},
            "a Div: divides by a value of the network, supported are numbers per channel (and 2 more)",
        ),
        (
            [node("Reshape", "x", "s")],
            {"constants": {"s": np.array([2, -1])}},
            "reshape Reshape: 1x4x7x6 cannot be reshaped to 2x84",
        ),
        (
            [node("ConstantOfShape", "s"), node("Add", "x", "ConstantOfShape")],
            {"constants": {"s": np.array([1 << 40])}},
            "constantofshape ConstantOfShape: its shape of 1099511627776 cannot be, or is too large",
        ),
        (
            [node("Expand", "c", "s"), node("Add", "x", "Expand")],
            {"constants": {"c": floats(1), "s": np.array([1 << 40])}},
            "expand Expand: the constants computed so far take too much memory",
        ),
        ([node("Relu")], {"opset": 6}, "operator set 6 is not supported, only 7 to "),
        (
            [node("BatchNormalization", "x", *"ccmm")],
            {"constants": {"c": floats(4), "m": -np.ones(4, np.float32)}},
            "batchnormalization BatchNormalization: its running_var + epsilon must be above zero",
        ),
        (
            [helper.make_node("BatchNormalization", ["x", *"cccc"], [*"ymvsu"], name="norm")],
            {"constants": {"c": np.ones(4, np.float32)}},
            "norm BatchNormalization: has more results than one, a network that is being trained cannot be",
        ),
        (
            [helper.make_node("Constant", [], ["c"], value_string="a"), node("Add", "x", "c")],
            {},
            "c Constant: attribute value_string is no array of numbers",
        ),
    ],
)
def test_networks_that_are_refused(
    refuse: Refuse, nodes: Sequence[NodeProto], options: dict[str, Any], problem: str
) -> None:
    assert refuse(*nodes, **options).startswith(problem)


@pytest.mark.parametrize("operator", ["Mul", "Add", "PRelu"])
def test_one_number_for_very_many_channels(refuse: Refuse, operator: str) -> None:
    """A file of some hundred bytes, for each node of which a number for each channel would take half a gigabyte."""
    nodes = [helper.make_node(operator, ["x", "k"], ["y"])]
    problem = refuse(*nodes, shape=(1, 1 << 27, 1, 1), constants={"k": floats(1)})
    assert problem == f"y {operator}: repeats numbers for its channels, of which a network may have 4194304"


def test_a_version_of_the_format_that_is_none(tmp_path: Path) -> None:
    path = save(one_convolution(ir_version=1 << 40), tmp_path / "net.onnx")
    assert reason(path).startswith("version 1099511627776 of the format is not supported, only up to ")


def test_control_flow_is_refused_as_an_operator(refuse: Refuse) -> None:
    """However deep it is nested: subgraphs are skipped."""
    graph = helper.make_graph([node("Relu")], "inner", [], [])
    for _ in range(30):
        graph = helper.make_graph([helper.make_node("If", ["x"], ["y"], then_branch=graph)], "outer", [], [])
    assert refuse(*graph.node) == "unsupported operator y If"


def test_a_sum_of_too_many_values_is_refused(refuse: Refuse, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input takes a few bytes of a file, and becomes an operation."""
    monkeypatch.setattr("snowdialect.frontends.network.MAXIMUM_OPERATIONS", 100)
    assert refuse(node("Sum", *("x",) * 102)) == "sum Sum: the network has more than 100 operations"


def test_models_without_a_network(tmp_path: Path) -> None:
    model = one_convolution()
    model.graph.output.append(model.graph.output[0])
    assert reason(save(model, tmp_path / "net.onnx")) == "two outputs of the network have the same name"
    model.graph.ClearField("output")
    assert reason(save(model, tmp_path / "net.onnx")) == "the network has no output"
    model = one_convolution()
    del model.opset_import[:]
    assert reason(save(model, tmp_path / "net.onnx")) == "not an ONNX network: it names no set of operators"
    model = one_convolution()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    assert reason(save(model, tmp_path / "net.onnx")) == "its input 'x' is no tensor of float32"
    model = one_convolution()
    model.graph.output[0].name = "w"
    assert reason(save(model, tmp_path / "net.onnx")) == "its output 'w' does not depend on its input"


def test_tensors_that_are_refused(tmp_path: Path) -> None:
    def problem(**fields: Any) -> str:
        model = one_convolution()
        (tensor,) = model.graph.initializer
        for name, value in fields.items():
            if isinstance(value, list):
                tensor.ClearField("dims")
                tensor.dims.extend(value)
            else:
                setattr(tensor, name, value)
        return reason(save(model, tmp_path / "net.onnx"))

    assert problem(dims=[5, 4, 3, -3]) == "conv Conv: tensor 'w' of 5x4x3x-3 cannot be"
    assert problem(dims=[1 << 40, 1 << 40]) == "conv Conv: tensor 'w' of 1099511627776x1099511627776 cannot be"
    assert problem(dims=[5, 4, 3, 4]) == "conv Conv: tensor 'w' of 5x4x3x4 takes 960 bytes, has 720"
    assert problem(dims=[0]) == "conv Conv: tensor 'w' of 0 takes 0 bytes, has 720"
    assert problem(data_type=8) == "conv Conv: tensor 'w' has elements of a type 8, not supported"
    assert problem(raw_data=b"12345678") == "conv Conv: tensor 'w' of 5x4x3x3 takes 720 bytes, has 8"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not an ONNX network: it names no set of operators"),
        (b"\x08\x08\x3a\x05\x0a\x7f", "truncated: 5 bytes wanted at byte 4, 2 are left"),
        (b"\x0b", "a record of unknown type 3 at byte 0"),
        (b"\x00\x00", "a record without a number at byte 0"),
        (b"\x38\x01", "a record of type 0 at byte 0, expected 2"),
        (b"\x08" + b"\xff" * 10, "a number of more than 64 bits before byte 11"),
        (b"\x08\x80", "truncated: a number wanted at byte 2"),
        (b"\x08\x00" * (MAXIMUM_RECORDS + 1), f"holds more than {MAXIMUM_RECORDS} records and numbers"),
        (b"\x42\x03\x0a\x01\xff", "a name that is no text at byte 4"),
        (b"\x42\x84\x20\x0a\x81\x20" + b"a" * 4097, "a name of 4097 bytes at byte 6"),
    ],
)
def test_damaged_files(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    assert reason(path) in (problem, f"not a readable ONNX file: {problem}")
