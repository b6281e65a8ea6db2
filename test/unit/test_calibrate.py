"""Fraction bits by calibration: what trained networks answer in fixed point is what they answer in float."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import snowdialect as snow
from lowering import driver
from lowering.check import SIMULATOR, check
from lowering.cnn.calibrate import most_frac_bits, most_sum_frac_bits
from lowering.cnn.ranges import Range
from snowdialect.fixed_point import quantize
from snowdialect.interpreters import run_module
from snowdialect.models import DIGITS, held_back_digits

Array = NDArray[np.float32]


def answers(path: Path, inputs: Array, samples: Path | None = None) -> NDArray[np.int64]:
    """The classes that a network answers at level cnn: in fixed point, calibrated on `samples`, or else in float."""
    context = driver.make_context()
    program = driver.read_source(context, path, inputs.shape[1:])
    if samples is not None:
        driver.lower(context, program.module, "cnn", options=driver.pass_options(calibrate=samples))
        assert not any(op.name == "cnn.rescale" for op in program.module.body.block.ops)
    parts = [inputs[first : first + 10] for first in range(0, len(inputs), 10)]
    outputs = [run_module(program.module, part, program.weights()).outputs["output"] for part in parts]
    return np.concatenate(outputs).reshape(len(inputs), -1).argmax(axis=1)


def test_squeezenet_on_photographs(shared_models: Path, tmp_path: Path) -> None:
    data = np.load(shared_models / "torch7/trained/squeezenet_v1_0.npz")
    photographs = data["x_uint8_bgr"] - data["mean_bgr"].reshape(1, 3, 1, 1)
    np.save(tmp_path / "samples.npy", photographs[:5])
    fixed = answers(shared_models / "torch7/trained/squeezenet_v1_0.t7", photographs, tmp_path / "samples.npy")
    assert np.count_nonzero(fixed == data["y"].argmax(axis=1)) >= 18


@pytest.mark.parametrize(
    "name, scale, mean, deviation",
    [
        ("resnet8_cifar10_bn", 1, (0, 0, 0), (1, 1, 1)),
        ("resnet_2b", 255, (0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616)),
    ],
)
def test_accuracy_on_cifar10(
    name: str,
    scale: float,
    mean: tuple[float, ...],
    deviation: tuple[float, ...],
    shared_models: Path,
    tmp_path: Path,
) -> None:
    rows = np.loadtxt(shared_models / "data/cifar10_test_100.csv", np.float32, delimiter=",")
    pixels = rows[:, 1:].reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2) / scale
    images = ((pixels - np.reshape(mean, (3, 1, 1))) / np.reshape(deviation, (3, 1, 1))).astype(np.float32)
    path = shared_models / "torch7/trained" / f"{name}.t7"
    np.save(tmp_path / "samples.npy", np.load(path.with_suffix(".npz"))["x"][:10])
    in_float, in_fixed = (
        np.count_nonzero(answers(path, images, samples) == rows[:, 0]) for samples in (None, tmp_path / "samples.npy")
    )
    assert in_float > 70
    assert in_fixed >= in_float - 2


def test_from_python(tmp_path: Path) -> None:
    images, _ = held_back_digits()
    np.save(tmp_path / "samples.npy", images[:3])
    output = snow.compile(DIGITS, (1, 8, 8), "onecu", calibrate=tmp_path / "samples.npy").run(images).output
    context = driver.make_context()
    source = driver.read_source(context, DIGITS, (1, 8, 8))
    in_float = run_module(source.module, images, source.weights()).outputs["output"]
    driver.lower(context, source.module, "cnn")
    in_q8_8 = run_module(source.module, images, source.weights()).outputs["output"]
    assert np.abs(output - in_float).max() < np.abs(in_q8_8 - in_float).max() / 4


def test_all_levels_agree(tmp_path: Path) -> None:
    images, _ = held_back_digits()
    np.save(tmp_path / "samples.npy", images[:3])
    context = driver.make_context()
    source = driver.read_source(context, DIGITS, (1, 8, 8))
    options = driver.pass_options(calibrate=tmp_path / "samples.npy")
    last = list(check(context, source.module, images[:2], source.weights(), options=options))[-1]
    assert last.level == SIMULATOR
    assert last.difference is None


@pytest.mark.parametrize("low, high", [(0, 1), (-1, 0.5), (-3, 9147.0), (0, 32767.4), (-(2.0**15), 0), (0, 1e-9)])
def test_the_most_fraction_bits_are_the_last_that_do_not_saturate(low: float, high: float) -> None:
    frac = most_frac_bits(Range(low, high))
    assert not quantize([low, high], frac).saturations
    assert frac == 31 or quantize([low, high], frac + 1).saturations


def test_what_does_not_fit_and_what_is_not_used() -> None:
    assert most_frac_bits(Range(-1e6, 0)) == 0
    assert most_frac_bits(Range(0, 0)) == 8


@pytest.mark.parametrize("low, high", [(-5, 3), (0, 1e-3), (-1e7, 1e6)])
def test_sums_have_room_for_two_bits_more(low: float, high: float) -> None:
    frac = most_sum_frac_bits(Range(low, high))
    assert 2**29 > max(-low, high) * 2.0**frac * 4 / 4 > 2**28
