"""Torch7 layers compute what Torch7 does: against its own results, and NumPy where there are none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch7_models import Array, floats, full_convolution, reason, run

from snowdialect.dialects import cnn
from snowdialect.frontends.torch7 import cudnn, import_model, load, nn, save
from snowdialect.frontends.torch7.objects import Storage, Tensor, TorchObject, torch_object
from snowdialect.models import DIGITS, held_back_digits


@pytest.fixture
def apply(tmp_path: Path):
    """Saves a network and runs it."""

    def apply(network: TorchObject, batch: Array) -> Array:
        save(tmp_path / "net.t7", network)
        return run(tmp_path / "net.t7", batch)

    return apply


@pytest.fixture
def refuse(tmp_path: Path):
    """Saves a network and returns why it is refused, without the name of the file."""
    return lambda network, *shape: reason(tmp_path / "net.t7", network, shape)


PUBLISHED = [
    *("batch_norm", "cadd_table", "concat", "conv", "linear_2d", "logsoftmax", "pool_ave", "pool_max"),
    *(
        "deconv",
        "prelu",
        "reshape_batch",
        "reshape_channels",
        "reshape_single_sample",
        "simple",
        "softmax",
        "softmax_spatial",
    ),
]


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_results(shared_models: Path, name: str) -> None:
    """Inputs and outputs that Torch7 itself computed."""
    folder = shared_models / "torch7" / "opencv"
    batch, expected = (load(folder / f"net_{name}_{part}.t7") for part in ("input", "output"))
    output = run(folder / f"net_{name}_net.t7", batch.astype(np.float32))
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["concat", "linear_2d", "simple"])
def test_published_results_of_ascii_files(shared_models: Path, name: str) -> None:
    folder = shared_models / "torch7" / "opencv" / "ascii"
    batch, expected = (load(folder / f"net_{name}_{part}.txt") for part in ("input", "output"))
    output = run(folder / f"net_{name}_net.txt", batch.astype(np.float32))
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["cifar_base_kw", "mnist_convnet_maxpool", "resnet8_cifar10_bn", "resnet_2b"])
def test_trained_networks(shared_models: Path, name: str) -> None:
    data = np.load(shared_models / "torch7" / "trained" / f"{name}.npz")
    output = run(shared_models / "torch7" / "trained" / f"{name}.t7", data["x"].astype(np.float32))
    np.testing.assert_allclose(output, data["y"], rtol=1e-4, atol=1e-4)


def test_squeezenet(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "trained"
    data = np.load(folder / "squeezenet_v1_0.npz")
    photographs = data["x_uint8_bgr"][:2].astype(np.float32) - data["mean_bgr"].reshape(3, 1, 1)
    output = run(folder / "squeezenet_v1_0.t7", photographs)
    np.testing.assert_allclose(output.reshape(2, -1), data["y"][:2], rtol=1e-4, atol=1e-3)


def test_face_detector(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "trained"
    data = np.load(folder / "face_lfw_lcn_inputs.npz")
    output = run(folder / "elab_face_16_32_v2.net", data["x"][:, None].astype(np.float32))
    np.testing.assert_allclose(output, np.load(folder / "elab_face_16_32_v2.out.npz")["y"], rtol=1e-4, atol=1e-4)
    assert np.mean(output.argmax(1) == data["label"]) == 0.95


def test_digits() -> None:
    images, labels = held_back_digits()
    assert images.shape == (300, 1, 8, 8) and images.dtype == np.float32
    assert np.mean(run(DIGITS, images).argmax(1) == labels) >= 0.98


def test_convolution_of_old_files(apply: Any) -> None:
    """SpatialConvolutionMM: 2-D weights, `padding` for both axes, no strides, no bias."""
    weight, batch = floats(4, 3, 3, 3), floats(2, 3, 6, 7)
    sizes = {"nInputPlane": 3, "nOutputPlane": 4, "kW": 3, "kH": 3}
    modern = apply(nn.convolution(weight, None, padding=(1, 1)), batch)
    for flat in (Tensor.of(weight.reshape(4, 27), "Cuda"), weight.reshape(4, 27).astype(np.float64)):
        old = torch_object("nn.SpatialConvolutionMM", {**sizes, "padding": 1, "weight": flat})
        np.testing.assert_array_equal(apply(old, batch), modern)


@pytest.mark.parametrize(
    ("kernel", "strides", "padding", "more"),
    [((3, 2), (1, 1), (0, 0), (0, 0)), ((4, 3), (2, 3), (1, 0), (1, 2)), ((2, 2), (2, 2), (0, 1), (0, 1))],
)
def test_full_convolution(
    apply: Any, kernel: tuple[int, int], strides: tuple[int, int], padding: tuple[int, int], more: tuple[int, int]
) -> None:
    """As torch/nn defines it: each pixel, times a kernel, is added from its place on."""
    weight, bias, batch = floats(3, 4, *kernel), floats(4, seed=1), floats(2, 3, 4, 5, seed=2)
    layer = full_convolution(
        weight,
        bias=bias,
        dH=strides[0],
        dW=strides[1],
        padH=padding[0],
        padW=padding[1],
        **({"adjH": more[0], "adjW": more[1]} if any(more) else {}),
    )
    sizes = [
        (size - 1) * stride - 2 * pad + taps + extra
        for size, stride, pad, taps, extra in zip((4, 5), strides, padding, kernel, more, strict=True)
    ]
    expected = np.zeros((2, 4, *sizes)) + bias.reshape(-1, 1, 1)
    for y, x, row, column in np.ndindex(4, 5, *kernel):
        place = y * strides[0] + row - padding[0], x * strides[1] + column - padding[1]
        if 0 <= place[0] < sizes[0] and 0 <= place[1] < sizes[1]:
            expected[:, :, *place] += batch[:, :, y, x] @ weight[:, :, row, column]
    np.testing.assert_allclose(apply(layer, batch), expected, rtol=1e-4, atol=1e-5)


def test_cudnn_groups(apply: Any) -> None:
    weight, batch = floats(4, 2, 3, 3), floats(2, 4, 5, 5)
    halves = [
        apply(nn.convolution(weight[half], None), np.ascontiguousarray(batch[:, half]))
        for half in (slice(0, 2), slice(2, 4))
    ]
    grouped = apply(cudnn.convolution(weight, None, groups=2), batch)
    np.testing.assert_allclose(grouped, np.concatenate(halves, 1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("fields", [{"threshold": 1e-6, "val": 0}, {}, {"threshold": 0, "val": 0, "inplace": True}])
def test_threshold_is_relu(apply: Any, fields: dict[str, Any]) -> None:
    batch = floats(2, 3)
    np.testing.assert_array_equal(apply(torch_object("nn.Threshold", fields), batch), np.maximum(batch, 0))


def test_relu6(apply: Any) -> None:
    batch = 5 * floats(2, 3, 4, 5)
    assert (batch > 6).any()
    fields = {"inplace": False, "threshold": 0, "val": 0}
    np.testing.assert_array_equal(apply(torch_object("nn.ReLU6", fields), batch), np.clip(batch, 0, 6))


@pytest.mark.parametrize(
    ("fields", "slope"), [({"negval": 0.2, "inplace": False}, 0.2), ({}, 0.01), ({"negval": 1.5}, 1.5)]
)
def test_leaky_relu(apply: Any, fields: dict[str, Any], slope: float) -> None:
    for batch in (floats(2, 3), floats(2, 3, 4, 5)):
        found = apply(torch_object("nn.LeakyReLU", fields), batch)
        np.testing.assert_allclose(found, np.where(batch > 0, batch, slope * batch), rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(found[batch > 0], batch[batch > 0])


@pytest.mark.parametrize("slopes", [[0.25], [0.25, -1.0, 3.0]])
def test_prelu(apply: Any, slopes: list[float]) -> None:
    weight = np.array(slopes, np.float32)
    fields = {"nOutputPlane": 0 if len(slopes) == 1 else 3, "weight": weight}
    for batch in (floats(2, 3), floats(2, 3, 4, 5)):
        below = weight.reshape(-1, *[1] * (batch.ndim - 2)) * batch
        found = apply(torch_object("nn.PReLU", fields), batch)
        np.testing.assert_allclose(found, np.where(batch > 0, batch, below), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "fields", "low", "high"),
    [
        ("nn.HardTanh", {}, -1, 1),
        ("nn.HardTanh", {"min_val": 0, "max_val": 6, "inplace": True}, 0, 6),
        ("nn.Clamp", {"min_val": -0.5, "max_val": 0.25}, -0.5, 0.25),
    ],
)
def test_clamp(apply: Any, name: str, fields: dict[str, Any], low: float, high: float) -> None:
    batch = floats(2, 3, 4, 5)
    np.testing.assert_allclose(apply(torch_object(name, fields), batch), np.clip(batch, low, high), atol=1e-6)


def test_magnitudes_and_differences(apply: Any) -> None:
    batch = floats(2, 3, 4, 5)
    table = nn.concat_table(nn.simple("Abs"), nn.simple("Identity"))
    found = apply(nn.sequential(table, nn.simple("CSubTable")), batch)
    np.testing.assert_allclose(found, np.abs(batch) - batch, atol=1e-6)


@pytest.mark.parametrize(
    ("class_name", "fields", "factor"),
    [
        ("nn.Dropout", {"p": 0.25, "v2": True}, 1.0),
        ("nn.Dropout", {"p": 0.25}, 0.75),
        ("nn.Dropout", {"p": 0.25, "v2": False}, 0.75),
        ("nn.SpatialDropout", {"p": 0.25}, 0.75),
    ],
)
def test_dropout(apply: Any, class_name: str, fields: dict[str, Any], factor: float) -> None:
    batch = floats(2, 3, 2, 2)
    np.testing.assert_allclose(apply(torch_object(class_name, fields), batch), batch * np.float32(factor), rtol=1e-6)


def test_batch_normalization_of_old_files(apply: Any) -> None:
    """running_std is 1 / sqrt(var + eps); without affine parameters there is neither weight nor bias."""
    mean, std, batch = floats(3), np.array([0.5, 1, 2], np.float32), floats(2, 3)
    old = torch_object("nn.BatchNormalization", {"running_mean": mean, "running_std": std, "eps": 1e-3})
    np.testing.assert_allclose(apply(old, batch), (batch - mean) * std, rtol=1e-5, atol=1e-6)


def average(class_name: str, **fields: Any) -> TorchObject:
    return torch_object(class_name, {"kW": 2, "kH": 2, "dW": 2, "dH": 2, **fields})


def test_average_pool_without_divide_is_a_sum(apply: Any) -> None:
    batch = floats(2, 3, 4, 4)
    means = batch.reshape(2, 3, 2, 2, 2, 2).mean((3, 5))
    for fields in ({}, {"ceil_mode": False, "divide": False}):
        np.testing.assert_allclose(apply(average("nn.SpatialAveragePooling", **fields), batch), 4 * means, rtol=1e-4)
    for name, fields in (("nn.SpatialAveragePooling", {"divide": True}), ("cudnn.SpatialAveragePooling", {})):
        np.testing.assert_allclose(apply(average(name, **fields), batch), means, rtol=1e-4, atol=1e-6)


def test_cudnn_pools_take_whole_windows_in_ceil_mode(apply: Any) -> None:
    """nn clips the last window of an average to the map, cudnn divides by all of its elements."""
    batch = np.ones((1, 1, 3, 3), np.float32)
    fields = {"ceil_mode": True, "divide": True}
    ours = apply(average("nn.SpatialAveragePooling", **fields), batch)
    theirs = apply(average("cudnn.SpatialAveragePooling", **fields), batch)
    np.testing.assert_allclose(ours[0, 0], [[1, 1], [1, 1]], rtol=1e-6)
    np.testing.assert_allclose(theirs[0, 0], [[1, 0.5], [0.5, 0.25]], rtol=1e-6)


def test_zero_padding_and_cropping(apply: Any) -> None:
    batch = floats(2, 1, 3, 4)
    layer = torch_object("nn.SpatialZeroPadding", {"pad_l": 1, "pad_r": -2, "pad_t": 0, "pad_b": 2})
    expected = np.pad(batch[..., :2], ((0, 0), (0, 0), (0, 2), (1, 0)))
    np.testing.assert_array_equal(apply(layer, batch), expected)


def test_depth_concat_centres_smaller_maps(apply: Any) -> None:
    batch = np.ones((1, 1, 4, 4), np.float32)
    crop = torch_object("nn.SpatialZeroPadding", {"pad_l": -1, "pad_r": 0, "pad_t": -1, "pad_b": 0})
    parts = {"dimension": 2, "modules": [nn.simple("Identity"), crop]}
    output = apply(torch_object("nn.DepthConcat", parts), batch)
    np.testing.assert_array_equal(output[0, 0], np.ones((4, 4)))
    np.testing.assert_array_equal(output[0, 1], np.pad(np.ones((3, 3)), ((0, 1), (0, 1))))


@pytest.mark.parametrize(
    "fields", [{"dimension": 2}, {"dimension": 1}, {"dimension": 1, "nInputDims": 3}, {"dimension": -3}]
)
def test_join_table_counts_dimensions_with_and_without_batch(apply: Any, fields: dict[str, Any]) -> None:
    batch = floats(2, 3, 2, 2)
    table = nn.concat_table(nn.simple("Identity"), nn.relu())
    output = apply(nn.sequential(table, torch_object("nn.JoinTable", fields)), batch)
    np.testing.assert_array_equal(output, np.concatenate([batch, np.maximum(batch, 0)], 1))


@pytest.mark.parametrize("fields", [{"dimension": 3}, {"dimension": -1}, {"dimension": 2, "nInputDims": 3}])
def test_joins_of_rows_and_columns_are_refused(refuse: Any, fields: dict[str, Any]) -> None:
    table = nn.concat_table(nn.simple("Identity"), nn.relu())
    network = nn.sequential(table, torch_object("nn.JoinTable", fields))
    assert (
        refuse(network, 3, 2, 2) == f"1 nn.JoinTable: joins dimension {fields['dimension']}, which is not the channels"
    )


def test_add_of_many(apply: Any) -> None:
    batch = floats(2, 3)
    table = nn.concat_table(*[nn.simple("Identity")] * 3)
    np.testing.assert_allclose(apply(nn.sequential(table, nn.simple("CAddTable")), batch), 3 * batch, rtol=1e-6)


def test_product_of_many(apply: Any) -> None:
    batch = floats(2, 3, 2, 2)
    table = nn.concat_table(nn.simple("Identity"), nn.simple("Sigmoid"), nn.relu())
    product = batch / (1 + np.exp(-batch)) * np.maximum(batch, 0)
    np.testing.assert_allclose(apply(nn.sequential(table, nn.simple("CMulTable")), batch), product, rtol=1e-5)


@pytest.mark.parametrize(
    ("dimension", "index", "length", "axis", "wanted"),
    [
        (2, 2, 3, 1, slice(1, 4)),
        (1, 1, None, 1, slice(0, 1)),
        (-3, 3, -1, 1, slice(2, 6)),
        (2, 2, -3, 1, slice(1, 4)),
        (3, 2, 2, 2, slice(1, 3)),
        (4, 1, -2, 3, slice(0, 4)),
        (-1, 5, None, 3, slice(4, 5)),
    ],
)
def test_narrow(apply: Any, dimension: int, index: int, length: int | None, axis: int, wanted: slice) -> None:
    batch = floats(2, 6, 4, 5)
    fields = {"dimension": dimension, "index": index} | ({} if length is None else {"length": length})
    expected = batch[(slice(None),) * axis + (wanted,)]
    np.testing.assert_array_equal(apply(torch_object("nn.Narrow", fields), batch), expected)


@pytest.mark.parametrize("pads", [(2, 3, 1, 4), (0, -2, 3, -1), (-1, 2, -2, 0)])
@pytest.mark.parametrize("kind", ["Reflection", "Replication"])
def test_padding_that_repeats(apply: Any, kind: str, pads: tuple[int, int, int, int]) -> None:
    """Written as the loops of THNN are, which count from what is left of the map."""
    top, left, bottom, right = pads
    batch = floats(2, 3, 5, 6)
    expected = np.empty((2, 3, 5 + top + bottom, 6 + left + right), np.float32)

    def place(index: int, before: int, size: int) -> int:
        if kind == "Replication":
            source = min(max(index, before), size + before - 1)
        elif index < before:
            source = 2 * before - index
        else:
            source = index if index < size + before else 2 * (size + before - 1) - index
        return source - max(0, before) + max(0, -before)

    for row, column in np.ndindex(expected.shape[2:]):
        expected[:, :, row, column] = batch[:, :, place(row, top, 5), place(column, left, 6)]
    fields = {"pad_t": top, "pad_l": left, "pad_b": bottom, "pad_r": right}
    np.testing.assert_array_equal(apply(torch_object(f"nn.Spatial{kind}Padding", fields), batch), expected)


def test_upsampling(apply: Any) -> None:
    batch = floats(2, 3, 2, 4)
    output = apply(torch_object("nn.SpatialUpSamplingNearest", {"scale_factor": 3}), batch)
    np.testing.assert_array_equal(output, np.kron(batch, np.ones((3, 3), np.float32)))


@pytest.mark.parametrize("fields", [{"scale_factor": 3}, {"oheight": 7, "owidth": 1}, {"oheight": 2, "owidth": 9}])
def test_bilinear_upsampling(apply: Any, fields: dict[str, int]) -> None:
    """As torch/nn has it: the corners of both maps are the same pixels, and others lie evenly between them."""
    batch = floats(2, 3, 2, 4)
    rows, columns = fields.get("oheight", 6), fields.get("owidth", 12)
    expected = np.zeros((2, 3, rows, columns))
    for row, column in np.ndindex(rows, columns):
        y, x = row * 1 / max(1, rows - 1), column * 3 / max(1, columns - 1)
        for tap in np.ndindex(2, 4):
            share = max(0, 1 - abs(y - tap[0])) * max(0, 1 - abs(x - tap[1]))
            expected[:, :, row, column] += share * batch[:, :, *tap]
    found = apply(torch_object("nn.SpatialUpSamplingBilinear", fields), batch)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_pixel_shuffle(apply: Any) -> None:
    batch = floats(2, 18, 2, 4)
    expected = np.zeros((2, 2, 6, 12), np.float32)
    for channel, row, column in np.ndindex(2, 6, 12):
        place = channel * 9 + row % 3 * 3 + column % 3
        expected[:, channel, row, column] = batch[:, place, row // 3, column // 3]
    np.testing.assert_array_equal(apply(torch_object("nn.PixelShuffle", {"upscaleFactor": 3}), batch), expected)


def view(*sizes: int, **fields: Any) -> TorchObject:
    return torch_object("nn.View", {"size": Storage(np.array(sizes, np.int64), "Long"), **fields})


def reshape(*sizes: int, **fields: Any) -> TorchObject:
    return torch_object("nn.Reshape", {"size": Storage(np.array(sizes, np.int64), "Long"), **fields})


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (view(60), (60,)),
        (view(-1), (60,)),
        (view(-1, numInputDims=3), (60,)),
        (view(60, numInputDims=3), (60,)),
        (view(-1, 60), (60,)),
        (view(5, 4, 3), (5, 4, 3)),
        (view(3, -1, numInputDims=3), (3, 20)),
        (reshape(60), (60,)),
        (reshape(-1), (60,)),
        (reshape(5, 12, batchMode=True), (5, 12)),
        (reshape(60, batchMode=False), (60,)),
    ],
)
def test_views(tmp_path: Path, layer: TorchObject, expected: tuple[int, ...]) -> None:
    save(tmp_path / "net.t7", layer)
    module, _ = import_model(tmp_path / "net.t7", (3, 4, 5))
    (result,) = (op for op in module.body.block.ops if isinstance(op, cnn.ReshapeOp))
    assert cnn.shape_of(result.result) == (1, *expected)


@pytest.mark.parametrize(
    "layer", [view(20), view(120), view(7), view(-1, 7), reshape(20), reshape(5, 4, 3, 2), view(0)]
)
def test_views_that_mix_the_batch_are_refused(refuse: Any, layer: TorchObject) -> None:
    assert "without mixing the inputs of a batch" in refuse(layer, 3, 4, 5)


@pytest.mark.parametrize(
    ("class_name", "constant"),
    [("nn.SpatialCrossMapLRN", "k"), ("cudnn.SpatialCrossMapLRN", "k"), ("cudnn.SpatialCrossMapLRN", "K")],
)
def test_local_response_normalization(apply: Any, refuse: Any, class_name: str, constant: str) -> None:
    batch = floats(2, 3, 2, 2)
    numbers = {"size": 3, "alpha": 0.6, "beta": 0.5, constant: 2}
    padded = np.pad(batch**2, ((0, 0), (1, 1), (0, 0), (0, 0)))
    expected = batch / np.sqrt(2 + 0.2 * (padded[:, :3] + padded[:, 1:4] + padded[:, 2:]))
    np.testing.assert_allclose(apply(torch_object(class_name, numbers), batch), expected, rtol=1e-5)
    layer = torch_object(class_name, {**numbers, constant: 0})
    assert refuse(nn.sequential(layer), 3, 2, 2) == f"0 {class_name}: k must be at least 1e-05, is 0.0"
    assert refuse(nn.sequential(layer), 3) == f"0 {class_name}: input is 3, expected maps CxHxW"


def test_shared_tensors_have_one_name(tmp_path: Path) -> None:
    layer = nn.linear(floats(4, 4), floats(4))
    save(tmp_path / "net.t7", nn.sequential(layer, nn.relu(), layer))
    module, weights = import_model(tmp_path / "net.t7", (4,))
    assert sorted(weights) == ["0.bias", "0.weight"]
    names = [op.weight_name.data for op in module.body.block.ops if isinstance(op, cnn.WeightOp)]
    assert names == ["0.weight", "0.bias"] * 2
