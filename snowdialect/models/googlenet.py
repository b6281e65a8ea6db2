"""GoogLeNet (Szegedy et al., 2015) with the layers of Caffe's bvlc_googlenet, without the two auxiliary classifiers.

A module is nested as in soumith's imagenet-multiGPU.torch: an nn.Concat of four branches.
"""

from typing import NamedTuple

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.models.seeded import Model, Modules, convolution, linear


class Inception(NamedTuple):
    """Output channels of the convolutions of a module, in the order of the paper's table 1."""

    inputs: int
    direct: int
    reduce3: int
    convolve3: int
    reduce5: int
    convolve5: int
    project: int

    def module(self, rng: np.random.Generator) -> TorchObject:
        return nn.concat(
            nn.sequential(*_convolution(rng, self.inputs, self.direct, 1)),
            nn.sequential(
                *_convolution(rng, self.inputs, self.reduce3, 1), *_convolution(rng, self.reduce3, self.convolve3, 3)
            ),
            nn.sequential(
                *_convolution(rng, self.inputs, self.reduce5, 1), *_convolution(rng, self.reduce5, self.convolve5, 5)
            ),
            nn.sequential(
                nn.max_pool((3, 3), (1, 1), (1, 1), ceil=True), *_convolution(rng, self.inputs, self.project, 1)
            ),
        )


INCEPTIONS = (
    (
        Inception(192, 64, 96, 128, 16, 32, 32),
        Inception(256, 128, 128, 192, 32, 96, 64),
    ),
    (
        Inception(480, 192, 96, 208, 16, 48, 64),
        Inception(512, 160, 112, 224, 24, 64, 64),
        Inception(512, 128, 128, 256, 24, 64, 64),
        Inception(512, 112, 144, 288, 32, 64, 64),
        Inception(528, 256, 160, 320, 32, 128, 128),
    ),
    (
        Inception(832, 256, 160, 320, 32, 128, 128),
        Inception(832, 384, 192, 384, 48, 128, 128),
    ),
)
"""The modules 3a and 3b, 4a to 4e, 5a and 5b; a max-pool goes before each group."""


def _convolution(rng: np.random.Generator, inputs: int, outputs: int, size: int, stride: int = 1) -> Modules:
    """A convolution that pads as much as keeps the size, and its ReLU."""
    padding = (size // 2, size // 2)
    return convolution(rng, inputs, outputs, size, stride=(stride, stride), padding=padding), nn.relu(inplace=True)


def _pool() -> TorchObject:
    return nn.max_pool((3, 3), (2, 2), ceil=True)


def _features(rng: np.random.Generator) -> Modules:
    modules = [
        *_convolution(rng, 3, 64, 7, 2),
        _pool(),
        nn.cross_map_lrn(5),
        *_convolution(rng, 64, 64, 1),
        *_convolution(rng, 64, 192, 3),
        nn.cross_map_lrn(5),
    ]
    for group in INCEPTIONS:
        modules += [_pool(), *(inception.module(rng) for inception in group)]
    return [*modules, nn.average_pool((7, 7), (1, 1))]


def _classifier(rng: np.random.Generator) -> Modules:
    return nn.dropout(0.4), nn.view(1024, input_dims=3), linear(rng, 1024, 1000), nn.simple("LogSoftMax")


GOOGLENET = Model("GoogLeNet", (3, 224, 224), _features, _classifier)
