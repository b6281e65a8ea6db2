"""Networks with seeded weights that snow-zoo writes: small ones, for one kind of layer each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Model:
    """A network by name: the shape CxHxW of its input, and how it is built."""

    about: str
    input_shape: Shape
    build: Callable[[np.random.Generator], TorchObject]


def _floats(values: Any) -> nn.Floats:
    return np.asarray(values, np.float32)


def _convolution(
    rng: np.random.Generator,
    inputs: int,
    outputs: int,
    size: int,
    groups: int = 1,
    bias: bool = True,
    **options: Any,
) -> TorchObject:
    """A convolution whose results have about the size of its inputs (He et al., 2015)."""
    fan_in = inputs // groups * size * size
    weight = _floats(rng.normal(0, np.sqrt(2 / fan_in), (outputs, inputs // groups, size, size)))
    return nn.convolution(weight, _floats(rng.normal(0, 0.1, outputs)) if bias else None, groups=groups, **options)


def _linear(rng: np.random.Generator, inputs: int, outputs: int) -> TorchObject:
    weight = _floats(rng.normal(0, np.sqrt(2 / inputs), (outputs, inputs)))
    return nn.linear(weight, _floats(rng.normal(0, 0.1, outputs)))


def _batch_norm(rng: np.random.Generator, channels: int) -> TorchObject:
    mean, shift = _floats(rng.normal(0, 0.2, (2, channels)))
    variance, scale = _floats(rng.uniform(0.5, 1.5, (2, channels)))
    return nn.batch_norm(mean, variance, scale, shift)


def _conv(rng: np.random.Generator) -> TorchObject:
    return nn.sequential(_convolution(rng, 16, 32, 3, padding=(1, 1)), nn.relu())


def _conv_rgb(rng: np.random.Generator) -> TorchObject:
    return nn.sequential(_convolution(rng, 3, 64, 5, stride=(2, 2), padding=(2, 2)), nn.relu())


def _conv_grouped(rng: np.random.Generator) -> TorchObject:
    return nn.sequential(_convolution(rng, 32, 32, 3, groups=2, padding=(1, 1)), nn.relu())


def _conv_residual(rng: np.random.Generator) -> TorchObject:
    branch = nn.sequential(
        _convolution(rng, 16, 16, 3, padding=(1, 1)), nn.relu(), _convolution(rng, 16, 16, 3, padding=(1, 1))
    )
    return nn.sequential(nn.concat_table(branch, nn.simple("Identity")), nn.simple("CAddTable"), nn.relu())


def _conv_bn(rng: np.random.Generator) -> TorchObject:
    return nn.sequential(
        _convolution(rng, 16, 16, 3, bias=False, padding=(1, 1)),
        _batch_norm(rng, 16),
        nn.relu(),
        _batch_norm(rng, 16),
    )


def _concat(rng: np.random.Generator) -> TorchObject:
    narrow = nn.sequential(_convolution(rng, 16, 16, 1), nn.relu())
    wide = nn.sequential(_convolution(rng, 16, 32, 3, padding=(1, 1)), nn.relu())
    return nn.sequential(nn.concat(narrow, wide))


def _linear_net(rng: np.random.Generator) -> TorchObject:
    return nn.sequential(nn.view(16 * 4 * 4), _linear(rng, 16 * 4 * 4, 40))


MODELS: dict[str, Model] = {
    "conv": Model("convolution 3x3, ReLU", (16, 12, 12), _conv),
    "conv-rgb": Model("convolution 5x5, stride 2, on three channels, ReLU", (3, 21, 21), _conv_rgb),
    "conv-grouped": Model("convolution 3x3 in two groups, ReLU", (32, 8, 8), _conv_grouped),
    "conv-residual": Model("two convolutions and a residual add", (16, 12, 12), _conv_residual),
    "conv-bn": Model("batch normalization before and after a ReLU", (16, 8, 8), _conv_bn),
    "concat": Model("two convolutions side by side", (16, 8, 8), _concat),
    "max-pool": Model(
        "max-pool 3x3, stride 2, ceil",
        (16, 12, 12),
        lambda rng: nn.sequential(nn.max_pool((3, 3), (2, 2), ceil=True)),
    ),
    "avg-pool": Model(
        "average pool 3x3, stride 2, padding counted",
        (16, 11, 11),
        lambda rng: nn.sequential(nn.average_pool((3, 3), (2, 2), padding=(1, 1))),
    ),
    "linear": Model("linear layer", (16, 4, 4), _linear_net),
}
"""The networks by name."""
