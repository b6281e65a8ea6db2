"""Local response normalization of maps of any shape, against its formula number by number and at every level."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import Conv, Lrn, Net, shapes
from test_levels import DEFAULT, levels_agree

from snowdialect.interpreters import run_module

lrns = st.builds(Lrn, st.integers(1, 12), st.floats(0, 4), st.floats(0, 2), st.floats(0.1, 3))


@given(shapes(12, 40), lrns, st.integers(0, 2**16))
def test_the_formula(shape: tuple[int, int, int], layer: Lrn, seed: int) -> None:
    """A. Krizhevsky et al., ImageNet classification with deep convolutional neural networks, 2012, 3.3."""
    net = Net(shape, (layer,), seed=seed)
    module, weights = net.build()
    batch = net.inputs()
    result = run_module(module, batch, weights).outputs["output"]
    for channel in range(shape[0]):
        first = channel - (layer.size - 1) // 2
        around = range(max(0, first), min(shape[0], first + layer.size))
        total = np.sum([batch[:, other].astype(np.float64) ** 2 for other in around], axis=0)
        expected = batch[:, channel] / (layer.k + layer.alpha / layer.size * total) ** layer.beta
        np.testing.assert_allclose(result[:, channel], expected, rtol=1e-6)


@settings(max_examples=8)
@given(shapes(20, 40), lrns, st.integers(0, 2**16))
def test_every_level(shape: tuple[int, int, int], layer: Lrn, seed: int) -> None:
    levels_agree(Net(shape, (Conv(9), layer, Conv(5)), seed=seed), DEFAULT)
