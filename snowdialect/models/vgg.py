"""VGG of 16 layers (Simonyan and Zisserman, 2015), as soumith's imagenet-multiGPU.torch defines and saves it."""

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.models.seeded import Model, Modules, convolution, linear

GROUPS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Output channels of the convolutions, all 3x3; a max-pool follows each group."""


def _features(rng: np.random.Generator) -> Modules:
    modules: list[TorchObject] = []
    channels = 3
    for group in GROUPS:
        for outputs in group:
            modules += [convolution(rng, channels, outputs, 3, padding=(1, 1)), nn.relu(inplace=True)]
            channels = outputs
        modules.append(nn.max_pool((2, 2), (2, 2)))
    return (nn.sequential(*modules),)


def _classifier(rng: np.random.Generator) -> Modules:
    elements = 512 * 7 * 7
    return (
        nn.sequential(
            nn.view(elements),
            linear(rng, elements, 4096),
            nn.threshold(0, 1e-6),
            nn.dropout(0.5),
            linear(rng, 4096, 4096),
            nn.threshold(0, 1e-6),
            nn.dropout(0.5),
            linear(rng, 4096, 1000),
            nn.simple("LogSoftMax"),
        ),
    )


VGG16 = Model("VGG of 16 layers", (3, 224, 224), _features, _classifier)
