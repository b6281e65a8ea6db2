"""Torch7 modules as `cudnn` saves them; see `nn`."""

import numpy as np

from snowdialect.frontends.torch7.nn import Floats, Pair, convolution_fields, module, window_fields
from snowdialect.frontends.torch7.objects import Storage, TorchObject


def convolution(
    weight: Floats, bias: Floats | None, stride: Pair = (1, 1), padding: Pair = (0, 0), groups: int = 1
) -> TorchObject:
    """cudnn.SpatialConvolution, weight (O, I / groups, kH, kW)."""
    fields = convolution_fields(weight, bias, stride, padding)
    inputs = weight.shape[1] * groups
    return module("cudnn.SpatialConvolution", {**fields, "nInputPlane": inputs, "groups": groups})


def average_pool(kernel: Pair, stride: Pair) -> TorchObject:
    """cudnn.SpatialAveragePooling."""
    last_input = Storage(np.zeros(4, np.int64), "Long")
    fields = {**window_fields(kernel, stride, (0, 0), ceil=False), "iSize": last_input}
    return module("cudnn.SpatialAveragePooling", fields)


def relu(inplace: bool = False) -> TorchObject:
    """cudnn.ReLU."""
    return module("cudnn.ReLU", {"inplace": inplace})
