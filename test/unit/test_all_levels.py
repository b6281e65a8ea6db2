"""Real networks through the whole compiler: every level computes the same bits, and the right answer."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lowering import driver
from lowering.check import FLOAT, SIMULATOR, LevelResult, check
from lowering.pipeline import LEVELS
from snowdialect.frontends.torch7 import load, nn, save
from snowdialect.models import DIGITS, held_back_digits
from snowdialect.models.googlenet import Inception
from snowdialect.models.resnet import basic, bottleneck
from snowdialect.models.squeezenet import fire

PUBLISHED = [
    *("batch_norm", "cadd_table", "concat", "conv", "linear_2d", "logsoftmax", "pool_ave", "pool_max"),
    *("reshape_batch", "reshape_channels", "reshape_single_sample", "simple", "softmax", "softmax_spatial"),
]


def check_file(path: Path, batch: NDArray[Any]) -> list[LevelResult]:
    """Float, every level and the simulator; fails at the first difference."""
    batch = batch.astype(np.float32)
    program = driver.read_model(path, batch.shape[1:])
    results = list(check(driver.make_context(), program.module, batch, program.weights()))
    assert str(results[-1].difference) == "None"
    assert [result.level for result in results] == [FLOAT, *LEVELS, SIMULATOR]
    return results


def answers(result: LevelResult) -> NDArray[np.int64]:
    """The most likely class of each input."""
    output = result.run.outputs["output"]
    return np.argmax(output.reshape(len(output), -1), axis=1)


def test_digits() -> None:
    images, labels = held_back_digits()
    results = check_file(DIGITS, images)
    assert np.mean(answers(results[0]) == labels) >= 0.98
    assert np.mean(answers(results[-1]) == labels) >= 0.98


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_torch7_nets(shared_models: Path, name: str) -> None:
    folder = shared_models / "torch7" / "opencv"
    check_file(folder / f"net_{name}_net.t7", load(folder / f"net_{name}_input.t7"))


@pytest.mark.parametrize("name", ["concat", "linear_2d", "simple"])
def test_published_torch7_nets_in_text_form(shared_models: Path, name: str) -> None:
    folder = shared_models / "torch7" / "opencv" / "ascii"
    check_file(folder / f"net_{name}_net.txt", load(folder / f"net_{name}_input.txt"))


@pytest.mark.parametrize("name", ["resnet_2b", "cifar_base_kw", "mnist_convnet_maxpool"])
def test_trained_nets_answer_as_in_float(shared_models: Path, name: str) -> None:
    folder = shared_models / "torch7" / "trained"
    data = np.load(folder / f"{name}.npz")
    results = check_file(folder / f"{name}.t7", data["x"])
    assert np.sum(answers(results[-1]) == np.argmax(data["y"], axis=1)) >= 19


def test_batch_norm_that_cannot_fold_and_asymmetric_padding(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "trained"
    check_file(folder / "resnet8_cifar10_bn.t7", np.load(folder / "resnet8_cifar10_bn.npz")["x"])


def test_face_detector(shared_models: Path) -> None:
    folder = shared_models / "torch7" / "trained"
    data = np.load(folder / "face_lfw_lcn_inputs.npz")
    results = check_file(folder / "elab_face_16_32_v2.net", data["x"][:, None])
    assert np.mean(answers(results[0]) == data["label"]) == 0.95
    assert np.mean(answers(results[-1]) == data["label"]) >= 0.945


def zoo_blocks() -> dict[str, nn.TorchObject]:
    """A few channels of what the networks of the zoo are made of."""
    rng = np.random.default_rng(0)
    return {
        "basic": nn.sequential(basic(rng, 16, 16, 1), basic(rng, 16, 32, 2)),
        "bottleneck": nn.cuda(nn.sequential(bottleneck(rng, 16, 16, 2), bottleneck(rng, 64, 16, 1))),
        "inception": nn.sequential(nn.cross_map_lrn(5), Inception(16, 16, 8, 24, 8, 16, 16).module(rng)),
        "fire": nn.sequential(nn.max_pool((3, 3), (2, 2), ceil=True), *fire(rng, 16, 8, 24), *fire(rng, 48, 16, 16)),
    }


@pytest.mark.parametrize("name", zoo_blocks())
def test_blocks_of_the_zoo(tmp_path: Path, name: str) -> None:
    save(tmp_path / "block.t7", zoo_blocks()[name])
    check_file(tmp_path / "block.t7", np.random.default_rng(1).normal(0, 1, (2, 16, 9, 9)))
