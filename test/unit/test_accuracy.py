"""The comparison of the reference with float, layer by layer."""

import numpy as np
import pytest
from xdsl.parser import Parser

from lowering import driver
from lowering.accuracy import Accuracy, compare_with_float, falls
from lowering.cnn import ranges

NETWORK = """
%x = cnn.input "x" : tensor<1x2x3x3xf32>
%w = cnn.constant dense<[[[[0.3]], [[-0.7]]], [[[1.1]], [[0.01]]]]> : tensor<2x2x1x1xf32>
%0 = cnn.conv2d %x, %w : (tensor<1x2x3x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x3x3xf32>
%1 = cnn.conv2d %0, %w {relu} : (tensor<1x2x3x3xf32>, tensor<2x2x1x1xf32>) -> tensor<1x2x3x3xf32>
%2 = cnn.add %0, %1 : (tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> loc("sum")
%3 = cnn.sigmoid %2 : (tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32> loc("sigmoid")
cnn.output "y" %3 : tensor<1x2x3x3xf32>
"""


def compare(batch: np.ndarray) -> Accuracy:
    context = driver.make_context()
    return compare_with_float(context, Parser(context, NETWORK).parse_module(), batch, None)


def test_ratios_are_those_of_a_network_rounded_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = np.random.default_rng(0).normal(0, 2, (7, 2, 3, 3)).astype(np.float32)
    weight = np.array([[0.3, -0.7], [1.1, 0.01]])

    def rounded(x: np.ndarray) -> np.ndarray:
        return np.floor(x * 256 + 0.5) / 256

    def conv(w: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.einsum("oi,nihw->nohw", w, x)

    def ratio(exact: np.ndarray, found: np.ndarray) -> float:
        return 10 * np.log10((exact**2).sum() / ((exact - found) ** 2).sum())

    first, fixed_first = conv(weight, batch), rounded(conv(rounded(weight), rounded(batch)))
    second, fixed_second = np.maximum(conv(weight, first), 0), rounded(conv(rounded(weight), fixed_first))
    total, fixed_total = first + second, fixed_first + np.maximum(fixed_second, 0)
    expected = {
        "x": ratio(batch, rounded(batch)),
        "conv2d": ratio(first, fixed_first),
        "sum": ratio(total, fixed_total),
        "sigmoid": ratio(1 / (1 + np.exp(-total)), 1 / (1 + np.exp(-fixed_total))),
    }
    # One input after the other must give what all of them together do.
    for memory in (1 << 27, 1):
        monkeypatch.setattr(ranges, "RESULTS_BYTES", memory)
        accuracy = compare(batch)
        found = {row.name: row.snr for row in accuracy.layers}
        assert found == pytest.approx(found | expected, abs=1e-3)
        assert found.keys() >= expected.keys()
        assert accuracy.inputs == accuracy.agreeing == 7


@pytest.mark.parametrize(
    "snr, operands, verdict",
    [
        (19, [], True),
        (21, [], False),
        (39, [90], True),
        (41, [90], False),
        (25, [44, 50], False),
        (25, [50, 90], True),
        (24, [90, 43], False),
    ],
)
def test_what_falls_off_a_cliff(snr: float, operands: list[float], verdict: bool) -> None:
    assert falls(snr, operands) == verdict
