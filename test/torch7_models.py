"""Torch7 networks of tests: saved, run, or refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snowdialect.errors import SnowError
from snowdialect.frontends.torch7 import import_model, save
from snowdialect.frontends.torch7.objects import TorchObject, torch_object
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights

Array = NDArray[np.float32]


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def run(path: Path, batch: Array) -> Array:
    """Output of a model file for a batch, in float."""
    module, weights = import_model(path, batch.shape[1:])
    module.verify()
    return run_module(module, batch, Weights(weights)).outputs["output"]


def reason(path: Path, network: Any, shape: Sequence[int]) -> str:
    """Saves a network and returns why it is refused, without the name of the file."""
    save(path, network)
    with pytest.raises(SnowError) as info:
        import_model(path, shape)
    message = str(info.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message.removeprefix(f"{path}: ")


def full_convolution(weight: Array, **fields: Any) -> TorchObject:
    inputs, outputs, height, width = weight.shape
    sizes = {"nInputPlane": inputs, "nOutputPlane": outputs, "kH": height, "kW": width}
    return torch_object("nn.SpatialFullConvolution", {**sizes, "weight": weight, **fields})
