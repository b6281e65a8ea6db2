"""Small networks, for one kind of layer each."""

import numpy as np

from snowdialect.frontends.torch7 import nn
from snowdialect.models.seeded import Model, Modules, batch_norm, convolution, linear


def _conv(rng: np.random.Generator) -> Modules:
    return convolution(rng, 16, 32, 3, padding=(1, 1)), nn.relu()


def _conv_rgb(rng: np.random.Generator) -> Modules:
    return convolution(rng, 3, 64, 5, stride=(2, 2), padding=(2, 2)), nn.relu()


def _conv_grouped(rng: np.random.Generator) -> Modules:
    return convolution(rng, 32, 32, 3, groups=2, padding=(1, 1)), nn.relu()


def _conv_residual(rng: np.random.Generator) -> Modules:
    branch = nn.sequential(
        convolution(rng, 16, 16, 3, padding=(1, 1)), nn.relu(), convolution(rng, 16, 16, 3, padding=(1, 1))
    )
    return nn.concat_table(branch, nn.simple("Identity")), nn.add_table(), nn.relu()


def _conv_bn(rng: np.random.Generator) -> Modules:
    return (
        convolution(rng, 16, 16, 3, bias=False, padding=(1, 1)),
        batch_norm(rng, 16),
        nn.relu(),
        batch_norm(rng, 16),
    )


def _concat(rng: np.random.Generator) -> Modules:
    narrow = nn.sequential(convolution(rng, 16, 16, 1), nn.relu())
    wide = nn.sequential(convolution(rng, 16, 32, 3, padding=(1, 1)), nn.relu())
    return (nn.concat(narrow, wide),)


def _max_pool(rng: np.random.Generator) -> Modules:
    return (nn.max_pool((3, 3), (2, 2), ceil=True),)


def _avg_pool(rng: np.random.Generator) -> Modules:
    return (nn.average_pool((3, 3), (2, 2), padding=(1, 1)),)


def _linear(rng: np.random.Generator) -> Modules:
    return nn.view(16 * 4 * 4), linear(rng, 16 * 4 * 4, 40)


SMALL_MODELS: dict[str, Model] = {
    "conv": Model("convolution 3x3, ReLU", (16, 12, 12), _conv),
    "conv-rgb": Model("convolution 5x5, stride 2, on three channels, ReLU", (3, 21, 21), _conv_rgb),
    "conv-grouped": Model("convolution 3x3 in two groups, ReLU", (32, 8, 8), _conv_grouped),
    "conv-residual": Model("two convolutions and a residual add", (16, 12, 12), _conv_residual),
    "conv-bn": Model("batch normalization before and after a ReLU", (16, 8, 8), _conv_bn),
    "concat": Model("two convolutions side by side", (16, 8, 8), _concat),
    "max-pool": Model("max-pool 3x3, stride 2, ceil", (16, 12, 12), _max_pool),
    "avg-pool": Model("average pool 3x3, stride 2, padding counted", (16, 11, 11), _avg_pool),
    "linear": Model("linear layer", (16, 4, 4), _linear),
}
