"""Layers with seeded weights, and the networks that are made of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject

Shape = tuple[int, int, int]
Modules = Sequence[TorchObject]
Build = Callable[[np.random.Generator], Modules]
"""Modules that follow one another."""


@dataclass(frozen=True)
class Model:
    """A network by name: the shape CxHxW of its input, and how it is built."""

    about: str
    input_shape: Shape
    features: Build
    classifier: Build | None = None
    """The linear layers at the end and what belongs to them; None for a network that has none."""

    def build(self, rng: np.random.Generator, features_only: bool = False) -> TorchObject:
        """The network; its features have the same weights with and without the classifier."""
        modules = list(self.features(rng))
        if self.classifier is not None and not features_only:
            modules += self.classifier(rng)
        return nn.sequential(*modules)


def normal(rng: np.random.Generator, deviation: float, shape: Sequence[int]) -> nn.Floats:
    """Normally distributed numbers around 0, drawn as float32: large layers have no room for anything wider."""
    values = rng.standard_normal(shape, np.float32)
    values *= np.float32(deviation)
    return values


def convolution(
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
    weight = normal(rng, (2 / fan_in) ** 0.5, (outputs, inputs // groups, size, size))
    return nn.convolution(weight, normal(rng, 0.1, (outputs,)) if bias else None, groups=groups, **options)


def linear(rng: np.random.Generator, inputs: int, outputs: int) -> TorchObject:
    """A linear layer whose results have about the size of its inputs (He et al., 2015)."""
    weight = normal(rng, (2 / inputs) ** 0.5, (outputs, inputs))
    return nn.linear(weight, normal(rng, 0.1, (outputs,)))


def batch_norm(rng: np.random.Generator, channels: int) -> TorchObject:
    """A batch normalization near the identity."""
    mean, shift = normal(rng, 0.2, (2, channels))
    variance, scale = rng.uniform(0.5, 1.5, (2, channels)).astype(np.float32)
    return nn.batch_norm(mean, variance, scale, shift)
