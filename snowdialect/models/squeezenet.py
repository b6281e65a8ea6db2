"""SqueezeNet 1.0 (Iandola et al., 2016), with the layers of its published Caffe definition.

It has no linear layer: the last convolution gives each class a map, whose mean is the score. So what `--features`
leaves off is the softmax alone.
"""

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.models.seeded import Model, Modules, convolution

FIRES = (
    ((96, 16, 64), (128, 16, 64), (128, 32, 128)),
    ((256, 32, 128), (256, 48, 192), (384, 48, 192), (384, 64, 256)),
    ((512, 64, 256),),
)
"""Fire modules 2 to 4, 5 to 8, and 9: input channels, those of the squeeze layer, and half of those that come out.

A max-pool goes before each group.
"""


def fire(rng: np.random.Generator, inputs: int, squeezed: int, half: int) -> Modules:
    """A squeeze layer, and the two expand layers side by side."""
    return (
        convolution(rng, inputs, squeezed, 1),
        nn.relu(inplace=True),
        nn.concat(
            nn.sequential(convolution(rng, squeezed, half, 1), nn.relu(inplace=True)),
            nn.sequential(convolution(rng, squeezed, half, 3, padding=(1, 1)), nn.relu(inplace=True)),
        ),
    )


def _features(rng: np.random.Generator) -> Modules:
    modules: list[TorchObject] = [convolution(rng, 3, 96, 7, stride=(2, 2)), nn.relu(inplace=True)]
    for group in FIRES:
        modules.append(nn.max_pool((3, 3), (2, 2), ceil=True))
        modules += [module for sizes in group for module in fire(rng, *sizes)]
    scores = convolution(rng, 512, 1000, 1, padding=(1, 1))
    return [*modules, nn.dropout(0.5), scores, nn.relu(inplace=True), nn.average_pool((15, 15), (1, 1))]


def _classifier(rng: np.random.Generator) -> Modules:
    return nn.view(1000), nn.simple("LogSoftMax")


SQUEEZENET = Model("SqueezeNet 1.0", (3, 227, 227), _features, _classifier)
