"""Residual networks (He et al., 2016) as fb.resnet.torch defines and saves them, with shortcuts of its type B.

Convolutions are of cudnn and have no bias, the stride of a bottleneck is that of its 3x3 convolution, and a shortcut
is a 1x1 convolution where the number of channels changes.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from snowdialect.frontends.torch7 import cudnn, nn
from snowdialect.frontends.torch7.objects import TorchObject
from snowdialect.models.seeded import Model, Modules, batch_norm, convolution, linear

BRANCH_GAIN = 0.3
"""How much of a block's input its branch adds: sums along the network stay small."""


def _convolution(
    rng: np.random.Generator, inputs: int, outputs: int, size: int, stride: int = 1, gain: float = 1.0
) -> list[TorchObject]:
    """A convolution that pads as much as keeps the size, and its batch normalization."""
    padding = (size // 2, size // 2)
    filters = convolution(rng, inputs, outputs, size, bias=False, on_gpu=True, stride=(stride, stride), padding=padding)
    return [filters, batch_norm(rng, outputs, gain)]


def _block(rng: np.random.Generator, inputs: int, outputs: int, stride: int, branch: list[TorchObject]) -> TorchObject:
    shortcut = nn.simple("Identity")
    if inputs != outputs:
        shortcut = nn.sequential(*_convolution(rng, inputs, outputs, 1, stride))
    return nn.sequential(
        nn.concat_table(nn.sequential(*branch), shortcut), nn.add_table(inplace=True), cudnn.relu(inplace=True)
    )


def basic(rng: np.random.Generator, inputs: int, width: int, stride: int) -> TorchObject:
    """A block of two 3x3 convolutions."""
    branch = [
        *_convolution(rng, inputs, width, 3, stride),
        cudnn.relu(inplace=True),
        *_convolution(rng, width, width, 3, gain=BRANCH_GAIN),
    ]
    return _block(rng, inputs, width, stride, branch)


def bottleneck(rng: np.random.Generator, inputs: int, width: int, stride: int) -> TorchObject:
    """A block of a 3x3 convolution between 1x1 ones, from which 4 * width channels come."""
    branch = [
        *_convolution(rng, inputs, width, 1),
        cudnn.relu(inplace=True),
        *_convolution(rng, width, width, 3, stride),
        cudnn.relu(inplace=True),
        *_convolution(rng, width, 4 * width, 1, gain=BRANCH_GAIN),
    ]
    return _block(rng, inputs, 4 * width, stride, branch)


Block = Callable[[np.random.Generator, int, int, int], TorchObject]
"""Generator, input channels, width and stride."""


def _features(rng: np.random.Generator, block: Block, expansion: int, counts: tuple[int, ...]) -> Modules:
    modules = [*_convolution(rng, 3, 64, 7, 2), cudnn.relu(inplace=True), nn.max_pool((3, 3), (2, 2), (1, 1))]
    channels = 64
    for stage, count in enumerate(counts):
        width = 64 << stage
        blocks: list[TorchObject] = []
        for index in range(count):
            blocks.append(block(rng, channels, width, 2 if stage and not index else 1))
            channels = width * expansion
        modules.append(nn.sequential(*blocks))
    return [*modules, cudnn.average_pool((7, 7), (1, 1))]


def _classifier(rng: np.random.Generator, channels: int) -> Modules:
    return nn.view(channels, input_dims=3), linear(rng, channels, 1000)


def _resnet(depth: int, block: Block, expansion: int, counts: tuple[int, ...]) -> Model:
    return Model(
        f"residual network of {depth} layers",
        (3, 224, 224),
        partial(_features, block=block, expansion=expansion, counts=counts),
        partial(_classifier, channels=512 * expansion),
        on_gpu=True,
    )


RESNET18 = _resnet(18, basic, 1, (2, 2, 2, 2))
RESNET34 = _resnet(34, basic, 1, (3, 4, 6, 3))
RESNET50 = _resnet(50, bottleneck, 4, (3, 4, 6, 3))
