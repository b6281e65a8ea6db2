"""Networks that ship with the project or can be written with seeded weights."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_FOLDER = Path(__file__).parent

DIGITS = _FOLDER / "digits.t7"
"""The trained digits classifier, a Torch7 file; its input is 1x8x8."""


def held_back_digits() -> tuple[NDArray[Any], NDArray[Any]]:
    """The digits that DIGITS was not trained on: images 300x1x8x8 float32 in 0..1, labels 300 uint8."""
    import numpy as np

    return np.load(_FOLDER / "digits_test_x.npy"), np.load(_FOLDER / "digits_test_label.npy")
