"""Torch7 modules as `nn` saves them, to be written by `save`.

Sizes and paddings are (height, width) pairs, as everywhere in this project; weights are float32.
"""

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.frontends.torch7.objects import Storage, Tensor, TorchObject, fields_of, torch_object

Pair = tuple[int, int]
Floats = NDArray[np.float32] | Tensor


def module(class_name: str, fields: dict[str, Any], version: int = 1) -> TorchObject:
    """A module in evaluation mode, after `clearState()`: what it computed last is an empty tensor."""
    cleared = {"output": np.empty(0, np.float32), "gradInput": np.empty(0, np.float32)}
    return torch_object(class_name, {**cleared, "train": False, "_type": "torch.FloatTensor", **fields}, version)


def cuda(network: TorchObject) -> TorchObject:
    """The network itself, its tensors on the GPU, as `network:cuda()` leaves it."""
    fields = fields_of(network)
    for name, value in fields.items():
        if name == "modules":
            fields[name] = [cuda(part) for part in value]
        elif isinstance(value, np.ndarray):
            fields[name] = Tensor.of(value, "Cuda")
        elif isinstance(value, Tensor):
            fields[name] = replace(value, storage=replace(value.storage, kind="Cuda"))
    fields["_type"] = "torch.CudaTensor"
    return network


def sequential(*modules: TorchObject) -> TorchObject:
    """nn.Sequential."""
    return module("nn.Sequential", {"modules": list(modules)})


def concat_table(*modules: TorchObject) -> TorchObject:
    """nn.ConcatTable: every module on the same input; a table comes out."""
    return module("nn.ConcatTable", {"modules": list(modules), "output": []})


def add_table(inplace: bool = False) -> TorchObject:
    """nn.CAddTable: the sum of a table."""
    return module("nn.CAddTable", {"inplace": inplace, "gradInput": []})


def concat(*modules: TorchObject) -> TorchObject:
    """nn.Concat over channels of a batch."""
    return module("nn.Concat", {"modules": list(modules), "dimension": 2})


def convolution(weight: Floats, bias: Floats | None, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> TorchObject:
    """nn.SpatialConvolution, weight (O, I, kH, kW)."""
    return module("nn.SpatialConvolution", convolution_fields(weight, bias, stride, padding))


def convolution_fields(weight: Floats, bias: Floats | None, stride: Pair, padding: Pair) -> dict[str, Any]:
    """What the convolutions of nn and cudnn have in common."""
    outputs, inputs, height, width = weight.shape
    return {
        "nInputPlane": inputs,
        "nOutputPlane": outputs,
        "kW": width,
        "kH": height,
        "dW": stride[1],
        "dH": stride[0],
        "padW": padding[1],
        "padH": padding[0],
        **_parameters(weight, bias),
    }


def linear(weight: Floats, bias: Floats | None) -> TorchObject:
    """nn.Linear, weight (outputs, inputs)."""
    return module("nn.Linear", _parameters(weight, bias))


def batch_norm(mean: Floats, variance: Floats, scale: Floats, shift: Floats, eps: float = 1e-5) -> TorchObject:
    """nn.SpatialBatchNormalization with learned scale and shift, each (C,)."""
    fields = {
        "running_mean": mean,
        "running_var": variance,
        **_parameters(scale, shift),
        "eps": eps,
        "momentum": 0.1,
        "affine": True,
    }
    return module("nn.SpatialBatchNormalization", fields, version=2)


def max_pool(kernel: Pair, stride: Pair, padding: Pair = (0, 0), ceil: bool = False) -> TorchObject:
    """nn.SpatialMaxPooling."""
    return module("nn.SpatialMaxPooling", window_fields(kernel, stride, padding, ceil))


def average_pool(
    kernel: Pair, stride: Pair, padding: Pair = (0, 0), ceil: bool = False, count_include_pad: bool = True
) -> TorchObject:
    """nn.SpatialAveragePooling."""
    fields = {"count_include_pad": count_include_pad, "divide": True}
    return module("nn.SpatialAveragePooling", {**window_fields(kernel, stride, padding, ceil), **fields})


def cross_map_lrn(size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> TorchObject:
    """nn.SpatialCrossMapLRN."""
    return module("nn.SpatialCrossMapLRN", {"size": size, "alpha": alpha, "beta": beta, "k": k})


def relu(inplace: bool = False) -> TorchObject:
    """nn.ReLU."""
    return module("nn.ReLU", {"threshold": 0, "val": 0, "inplace": inplace})


def threshold(limit: float, value: float) -> TorchObject:
    """nn.Threshold: `value` in the place of everything up to `limit`."""
    return module("nn.Threshold", {"threshold": limit, "val": value, "inplace": False})


def dropout(probability: float) -> TorchObject:
    """nn.Dropout of version 2, which does nothing in evaluation mode."""
    return module("nn.Dropout", {"p": probability, "v2": True, "inplace": False})


def view(*sizes: int, input_dims: int | None = None) -> TorchObject:
    """nn.View of each input of a batch; `input_dims`, where given, by setNumInputDims."""
    elements = prod(size for size in sizes if size >= 0)
    fields = {"size": Storage(np.array(sizes, np.int64), "Long"), "numElements": elements}
    return module("nn.View", fields if input_dims is None else {**fields, "numInputDims": input_dims})


def simple(name: str) -> TorchObject:
    """A module without fields, such as Identity or LogSoftMax."""
    return module(f"nn.{name}", {})


def _parameters(weight: Floats, bias: Floats | None) -> dict[str, Any]:
    """A field that is nil is not in a Lua table."""
    return {"weight": weight} if bias is None else {"weight": weight, "bias": bias}


def window_fields(kernel: Pair, stride: Pair, padding: Pair, ceil: bool) -> dict[str, Any]:
    """What the pools of nn and cudnn have in common."""
    names = ("kH", "kW", "dH", "dW", "padH", "padW")
    return {**dict(zip(names, (*kernel, *stride, *padding), strict=True)), "ceil_mode": ceil}
