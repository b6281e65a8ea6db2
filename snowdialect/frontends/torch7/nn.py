"""Torch7 modules as `nn` and `cudnn` save them, to be written by `save`.

Sizes and paddings are (height, width) pairs, as everywhere in this project; weights are float32.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.frontends.torch7.objects import Storage, TorchObject, torch_object

Pair = tuple[int, int]
Floats = NDArray[np.float32]


def module(class_name: str, version: int = 1, **fields: Any) -> TorchObject:
    """A module in evaluation mode."""
    return torch_object(class_name, {**fields, "train": False, "_type": "torch.FloatTensor"}, version)


def sequential(*modules: TorchObject) -> TorchObject:
    """nn.Sequential."""
    return module("nn.Sequential", modules=list(modules))


def concat_table(*modules: TorchObject) -> TorchObject:
    """nn.ConcatTable: every module on the same input; a table comes out."""
    return module("nn.ConcatTable", modules=list(modules))


def concat(*modules: TorchObject) -> TorchObject:
    """nn.Concat over channels of a batch."""
    return module("nn.Concat", modules=list(modules), dimension=2)


def convolution(
    weight: Floats, bias: Floats | None, stride: Pair = (1, 1), padding: Pair = (0, 0), groups: int = 1
) -> TorchObject:
    """A convolution, weight (O, I / groups, kH, kW); of class cudnn.SpatialConvolution when there are groups."""
    outputs, inputs, height, width = weight.shape
    fields = {
        "nInputPlane": inputs * groups,
        "nOutputPlane": outputs,
        "kW": width,
        "kH": height,
        "dW": stride[1],
        "dH": stride[0],
        "padW": padding[1],
        "padH": padding[0],
        "weight": weight,
        "bias": bias,
    }
    # A field that is nil is not in a Lua table.
    fields = {name: value for name, value in fields.items() if value is not None}
    if groups == 1:
        return module("nn.SpatialConvolution", **fields)
    return module("cudnn.SpatialConvolution", groups=groups, **fields)


def linear(weight: Floats, bias: Floats | None) -> TorchObject:
    """nn.Linear, weight (outputs, inputs)."""
    return module("nn.Linear", weight=weight, **({} if bias is None else {"bias": bias}))


def batch_norm(mean: Floats, variance: Floats, scale: Floats, shift: Floats, eps: float = 1e-5) -> TorchObject:
    """nn.SpatialBatchNormalization with learned scale and shift, each (C,)."""
    return module(
        "nn.SpatialBatchNormalization",
        version=2,
        running_mean=mean,
        running_var=variance,
        weight=scale,
        bias=shift,
        eps=eps,
        momentum=0.1,
        affine=True,
    )


def max_pool(kernel: Pair, stride: Pair, padding: Pair = (0, 0), ceil: bool = False) -> TorchObject:
    """nn.SpatialMaxPooling."""
    return module("nn.SpatialMaxPooling", **_window(kernel, stride, padding, ceil))


def average_pool(
    kernel: Pair, stride: Pair, padding: Pair = (0, 0), ceil: bool = False, count_include_pad: bool = True
) -> TorchObject:
    """nn.SpatialAveragePooling."""
    window = _window(kernel, stride, padding, ceil)
    return module("nn.SpatialAveragePooling", **window, count_include_pad=count_include_pad, divide=True)


def relu() -> TorchObject:
    """nn.ReLU."""
    return module("nn.ReLU", threshold=0, val=0, inplace=False)


def view(*sizes: int) -> TorchObject:
    """nn.View of each input of a batch."""
    elements = int(np.prod([size for size in sizes if size >= 0]))
    return module("nn.View", size=Storage(np.array(sizes, np.int64), "Long"), numElements=elements)


def simple(name: str) -> TorchObject:
    """A module without fields, such as Identity, CAddTable or LogSoftMax."""
    return module(f"nn.{name}")


def _window(kernel: Pair, stride: Pair, padding: Pair, ceil: bool) -> dict[str, Any]:
    names: Sequence[str] = ("kH", "kW", "dH", "dW", "padH", "padW")
    return {**dict(zip(names, (*kernel, *stride, *padding), strict=True)), "ceil_mode": ceil}
