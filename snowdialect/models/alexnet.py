"""AlexNet of one weird trick (Krizhevsky, 2014), as soumith's imagenet-multiGPU.torch defines and saves it."""

from typing import NamedTuple

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.models.seeded import Model, Modules, Shape, convolution, linear


class Stage(NamedTuple):
    """A convolution with its ReLU, and with the max-pool 3x3/2 that follows some."""

    name: str
    inputs: int
    outputs: int
    size: int
    """Rows and columns of the maps that come in."""
    kernel: int
    stride: int
    padding: int
    pool: bool

    @property
    def input_shape(self) -> Shape:
        return self.inputs, self.size, self.size

    def modules(self, rng: np.random.Generator) -> list[TorchObject]:
        """Two or three modules, as they follow one another in the network."""
        stride, padding = (self.stride, self.stride), (self.padding, self.padding)
        filters = convolution(rng, self.inputs, self.outputs, self.kernel, stride=stride, padding=padding)
        pool = [nn.max_pool((3, 3), (2, 2))] if self.pool else []
        return [filters, nn.relu(inplace=True), *pool]


STAGES = (
    Stage("conv1", 3, 64, 224, 11, 4, 2, pool=True),
    Stage("conv2", 64, 192, 27, 5, 1, 2, pool=True),
    Stage("conv3", 192, 384, 13, 3, 1, 1, pool=False),
    Stage("conv4", 384, 256, 13, 3, 1, 1, pool=False),
    Stage("conv5", 256, 256, 13, 3, 1, 1, pool=True),
)


def _features(rng: np.random.Generator) -> Modules:
    return (nn.sequential(*(module for stage in STAGES for module in stage.modules(rng))),)


def _classifier(rng: np.random.Generator) -> Modules:
    elements = 256 * 6 * 6
    return (
        nn.sequential(
            nn.view(elements),
            nn.dropout(0.5),
            linear(rng, elements, 4096),
            nn.relu(),
            nn.dropout(0.5),
            linear(rng, 4096, 4096),
            nn.relu(),
            linear(rng, 4096, 1000),
            nn.simple("LogSoftMax"),
        ),
    )


ALEXNET = Model("AlexNet (one weird trick)", STAGES[0].input_shape, _features, _classifier)
