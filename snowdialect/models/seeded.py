"""Layers with seeded weights, and the networks that are made of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.frontends.torch7 import cudnn, nn
from snowdialect.frontends.torch7.objects import Generated, Storage, Tensor, TorchObject

Shape = tuple[int, int, int]
Modules = Sequence[TorchObject]
Build = Callable[[np.random.Generator], Modules]
"""Modules that follow one another."""

PART = 1 << 20
"""Numbers drawn at a time."""


@dataclass(frozen=True)
class Model:
    """A network by name: the shape CxHxW of its input, and how it is built."""

    about: str
    input_shape: Shape
    features: Build
    classifier: Build | None = None
    """The linear layers at the end and what belongs to them; None for a network that has none."""
    on_gpu: bool = False
    """Whether its file holds tensors of the GPU."""

    def build(self, rng: np.random.Generator, features_only: bool = False) -> TorchObject:
        """The network; its features have the same weights with and without the classifier."""
        modules = list(self.features(rng))
        if self.classifier is not None and not features_only:
            modules += self.classifier(rng)
        network = nn.sequential(*modules)
        return nn.cuda(network) if self.on_gpu else network


def normal(rng: np.random.Generator, deviation: float, shape: Sequence[int]) -> Tensor:
    """Normally distributed numbers around 0, drawn when they are written."""
    seed, size = int(rng.integers(1 << 63)), prod(shape)

    def parts() -> Iterator[NDArray[np.float32]]:
        draw = np.random.default_rng(seed)
        for first in range(0, size, PART):
            values = draw.standard_normal(min(PART, size - first), np.float32)
            yield values * np.float32(deviation)

    return Tensor.contiguous(Storage(Generated(size, parts), "Float"), shape)


def convolution(
    rng: np.random.Generator,
    inputs: int,
    outputs: int,
    size: int,
    *,
    groups: int = 1,
    bias: bool = True,
    on_gpu: bool = False,
    **options: Any,
) -> TorchObject:
    """A convolution whose results have about the size of its inputs (He et al., 2015).

    It is one of cudnn if it has groups or if the network is `on_gpu`, else one of nn.
    """
    fan_in = inputs // groups * size * size
    weight = normal(rng, (2 / fan_in) ** 0.5, (outputs, inputs // groups, size, size))
    biases = normal(rng, 0.1, (outputs,)) if bias else None
    if on_gpu or groups > 1:
        return cudnn.convolution(weight, biases, groups=groups, **options)
    return nn.convolution(weight, biases, **options)


def linear(rng: np.random.Generator, inputs: int, outputs: int) -> TorchObject:
    """A linear layer whose results have about the size of its inputs (He et al., 2015)."""
    weight = normal(rng, (2 / inputs) ** 0.5, (outputs, inputs))
    return nn.linear(weight, normal(rng, 0.1, (outputs,)))


def batch_norm(rng: np.random.Generator, channels: int, gain: float = 1.0) -> TorchObject:
    """A batch normalization near the multiplication by `gain`."""
    mean, shift = rng.normal(0, 0.2, (2, channels)).astype(np.float32)
    variance, scale = rng.uniform(0.5, 1.5, (2, channels)).astype(np.float32)
    return nn.batch_norm(mean, variance, np.float32(gain) * scale, shift)
