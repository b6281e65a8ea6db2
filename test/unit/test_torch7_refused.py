"""Torch7 networks that are refused: one line with file, layer and reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch7_models import floats, full_convolution, reason

from snowdialect.errors import SnowError
from snowdialect.frontends.torch7 import import_model, nn
from snowdialect.frontends.torch7.objects import Storage, Tensor, TorchObject, torch_object
from snowdialect.models import DIGITS


@pytest.fixture
def refuse(tmp_path: Path):
    """Saves a network and returns why it is refused, without the name of the file."""
    return lambda network, *shape: reason(tmp_path / "net.t7", network, shape)


def convolution(**fields: Any) -> TorchObject:
    sizes = {"nInputPlane": 3, "nOutputPlane": 4, "kW": 3, "kH": 3, "weight": floats(4, 3, 3, 3)}
    return nn.sequential(
        nn.simple("Identity"), nn.sequential(torch_object("nn.SpatialConvolution", {**sizes, **fields}))
    )


NAN = np.full((4, 3, 3, 3), np.nan, np.float32)
EXPANDED = Tensor(Storage(np.ones(1, np.float32), "Float"), (4, 3, 3, 3), (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"nInputPlane": 5, "weight": floats(4, 5, 3, 3)}, "weight expects 5 input channels, input has 3"),
        ({"weight": floats(4, 26)}, "weight is 4x26, expected 4x3x3x3"),
        ({"weight": NAN}, "field weight holds NaN, infinity or numbers beyond float32"),
        (
            {"weight": 1e300 * np.ones((4, 3, 3, 3))},
            "field weight holds NaN, infinity or numbers beyond float32",
        ),
        ({"weight": np.ones((4, 3, 3, 3), np.int64)}, "field weight is tensor, expected a tensor of floats"),
        ({"weight": EXPANDED}, "field weight is a tensor whose elements overlap in memory"),
        ({"bias": floats(5)}, "bias is 5, expected 4"),
        ({"dW": 0}, "field dW is 0, expected a whole number of 1 or more"),
        ({"dH": 1.5}, "field dH is 1.5, expected a whole number of 1 or more"),
        ({"kH": None}, "field kH is nil, expected a number"),
        ({"padW": -1}, "field padW is -1, expected a whole number of 0 or more"),
        ({"kW": 9, "weight": floats(4, 3, 3, 9)}, "kernel spans 9 columns, the padded input has 8"),
        ({"padH": 1 << 24, "padW": 1 << 24}, "its result of 4x33554438x33554438 is too large"),
        ({"padH": 1 << 16}, "pads 8x8 to 131078x6, which is mostly padding"),
    ],
)
def test_convolutions_that_do_not_fit(refuse: Any, fields: dict[str, Any], problem: str) -> None:
    assert refuse(convolution(**fields), 3, 8, 8) == f"1.0 nn.SpatialConvolution: {problem}"


@pytest.mark.parametrize(
    ("network", "shape", "problem"),
    [
        (nn.simple("HardShrink"), (3,), "unsupported layer 0 nn.HardShrink"),
        (
            nn.sequential(nn.simple("HardShrink"), nn.relu(), nn.concat_table(nn.simple("Max"))),
            (3,),
            "unsupported layers 0 nn.HardShrink, 2.0 nn.Max",
        ),
        (
            nn.sequential(*(nn.simple(name) for name in ("HardShrink", "Max", "HardShrink", "HardShrink"))),
            (3,),
            "unsupported layers 0 nn.HardShrink (and 2 more), 1 nn.Max",
        ),
        (
            nn.sequential(
                nn.concat_table(
                    nn.sequential(nn.simple("HardShrink"), torch_object("nn.Dropout", {"p": 2.5})),
                    torch_object("nn.Dropout", {"p": 1.5}),
                    nn.sequential(nn.concat_table(nn.relu()), nn.relu()),
                ),
                nn.simple("CAddTable"),
                nn.relu(),
            ),
            (3,),
            "unsupported layer 0.0.0 nn.HardShrink; 0.1 nn.Dropout: p must be a probability below 1, is 1.5; "
            "0.2.1 nn.ReLU: its input is a table, expected a tensor",
        ),
        ([1, 2], (3,), "holds a table, not a network"),
        (
            nn.concat_table(nn.relu(), nn.relu()),
            (3,),
            "the network returns a table of 2 values, expected a tensor",
        ),
        (
            torch_object("nn.PReLU", {"nOutputPlane": 2, "weight": floats(2)}),
            (3, 4, 4),
            "0 nn.PReLU: weight is 2, the input has 3 channels",
        ),
        (
            nn.sequential(nn.concat_table(*[nn.relu()] * 3), nn.simple("CSubTable")),
            (3,),
            "1 nn.CSubTable: its input is a table of 3 tensors, expected two",
        ),
        (
            nn.sequential(nn.simple("CAddTable")),
            (3,),
            "0 nn.CAddTable: its input is a tensor, expected a table",
        ),
        (
            nn.sequential(nn.concat_table(nn.relu()), nn.relu()),
            (3,),
            "1 nn.ReLU: its input is a table, expected a tensor",
        ),
        (
            torch_object("nn.Narrow", {"dimension": 5, "index": 1, "length": 2}),
            (3, 4, 4),
            "0 nn.Narrow: narrows dimension 5, which an input of 3 dimensions does not have",
        ),
        (
            torch_object("nn.Narrow", {"dimension": -1, "index": 4, "length": 2}),
            (3, 4, 4),
            "0 nn.Narrow: takes 2 columns from column 4 on, the input has 4",
        ),
        (
            torch_object("nn.Narrow", {"dimension": 3, "index": 1, "length": 2}),
            (3, 4),
            "0 nn.Narrow: its input is 3x4, expected maps CxHxW",
        ),
        (
            torch_object("nn.SpatialReflectionPadding", {"pad_l": 4}),
            (3, 4, 4),
            "0 nn.SpatialReflectionPadding: reflects 4 rows, there are 3 beside that at the border",
        ),
        (
            torch_object("nn.SpatialReplicationPadding", {"pad_l": 1 << 12}),
            (3, 4, 4),
            "0 nn.SpatialReplicationPadding: pads 4x4 to 8196x8196, which is mostly padding",
        ),
        (
            torch_object("nn.Narrow", {"dimension": 2, "index": 3, "length": 2}),
            (3, 4, 4),
            "0 nn.Narrow: takes 2 channels from channel 3 on, the input has 3",
        ),
        (
            torch_object("nn.SpatialUpSamplingNearest", {"scale_factor": 1.5}),
            (3, 4, 4),
            "0 nn.SpatialUpSamplingNearest: field scale_factor is 1.5, expected a whole number of 1 or more",
        ),
        (
            full_convolution(floats(3, 4, 2, 2), kH=3),
            (3, 4, 4),
            "0 nn.SpatialFullConvolution: weight is 3x4x2x2, expected 3x4x3x2",
        ),
        (
            full_convolution(floats(3, 4, 2, 2), dH=2, dW=2, adjH=2),
            (3, 4, 4),
            "0 nn.SpatialFullConvolution: adjH and adjW are [2, 0], which is not below strides of [2, 2]",
        ),
        (
            full_convolution(floats(3, 4, 2, 2), dW=1e9),
            (3, 4, 4),
            "0 nn.SpatialFullConvolution: field dW is 1000000000, expected a whole number of 1 or more",
        ),
        (
            full_convolution(floats(3, 4, 2, 2), padH=9),
            (3, 4, 4),
            "0 nn.SpatialFullConvolution: pads of 9 and 9 rows leave nothing of 5",
        ),
        (
            torch_object("nn.SpatialUpSamplingBilinear", {"scale_factor": 1e6}),
            (3, 4, 4),
            "0 nn.SpatialUpSamplingBilinear: its result of 3x4000000x4000000 is too large",
        ),
        (
            torch_object("nn.SpatialUpSamplingBilinear", {"oheight": 4}),
            (3, 4, 4),
            "0 nn.SpatialUpSamplingBilinear: field owidth is nil, expected a number",
        ),
        (
            torch_object("nn.PixelShuffle", {"upscaleFactor": 2}),
            (3, 4, 4),
            "0 nn.PixelShuffle: 3 channels cannot be split into blocks of 2x2",
        ),
        (
            torch_object("nn.Threshold", {"threshold": 0.5}),
            (3,),
            "0 nn.Threshold: a threshold of 0.5 with value 0 is no ReLU, which is all that is supported",
        ),
        (
            nn.linear(floats(2, 7), None),
            (13, 7),
            "0 nn.Linear: weight expects 7 inputs, input has 91 (1x13x7)",
        ),
        (nn.simple("SoftMax"), (3, 4), "0 nn.SoftMax: input is 3x4, expected a vector or maps CxHxW"),
        (
            torch_object("cudnn.LogSoftMax", {}),
            (3, 2, 2),
            "0 cudnn.LogSoftMax: cudnn.LogSoftMax over all elements of maps 3x2x2 is not supported",
        ),
        (
            nn.max_pool((2, 2), (2, 2), padding=(2, 2)),
            (1, 4, 4),
            "0 nn.SpatialMaxPooling: padding 2x2 is more than half the kernel 2x2",
        ),
        (
            nn.batch_norm(floats(5), floats(5), floats(5), floats(5)),
            (3, 2, 2),
            "0 nn.SpatialBatchNormalization: running_mean is for 5 channels, the input has 3",
        ),
        (
            nn.batch_norm(floats(3), -np.ones(3, np.float32), floats(3), floats(3)),
            (3, 2, 2),
            "0 nn.SpatialBatchNormalization: running_var + eps must be above zero",
        ),
        (
            torch_object("nn.Sequential", {"modules": 3}),
            (3,),
            "nn.Sequential: its modules are no list of layers",
        ),
        (
            torch_object("nn.Dropout", {"p": 1.5}),
            (3,),
            "0 nn.Dropout: p must be a probability below 1, is 1.5",
        ),
    ],
)
def test_networks_that_do_not_fit(refuse: Any, network: Any, shape: tuple[int, ...], problem: str) -> None:
    assert refuse(network, *shape) == problem


def test_networks_without_end(refuse: Any) -> None:
    layers = [nn.relu()]
    looped = torch_object("nn.Sequential", {"modules": layers})
    layers.append(looped)
    assert refuse(looped, 3) == "1 nn.Sequential: contains itself"
    doubled = nn.relu()
    for _ in range(30):
        doubled = nn.sequential(doubled, doubled)
    assert refuse(doubled, 3) == "the network has more than 20000 layers"


def test_a_file_that_is_flat_can_hold_a_network_that_is_deep(refuse: Any) -> None:
    """Each container refers to one that stands before it, so the file nests no deeper than any other."""
    parts = [nn.relu()]
    for _ in range(5000):
        parts.append(nn.sequential(parts[-1]))
    network = torch_object("nn.Sequential", {"parts": parts, "modules": parts[-1:]})
    assert refuse(network, 3) == "layers nested deeper than 150 levels"


def test_the_input_shape_is_needed() -> None:
    with pytest.raises(SnowError, match="carries no input shape; give it with --input-shape CxHxW"):
        import_model(DIGITS, None)
    with pytest.raises(SnowError, match="1x0x8 is no shape of an input"):
        import_model(DIGITS, (1, 0, 8))
