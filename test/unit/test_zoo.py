"""The networks with seeded weights are the published ones."""

from pathlib import Path

import numpy as np
import pytest

from lowering import driver
from lowering.cnn.describe_layers import macs
from snowdialect.dialects import cnn
from snowdialect.frontends.torch7 import import_model, load, save
from snowdialect.models.zoo import MODELS

WITH_CLASSIFIER = [name for name, model in MODELS.items() if model.classifier is not None]


def imported(name: str, folder: Path, features_only: bool = True) -> driver.Program:
    path = folder / f"{name}.t7"
    save(path, MODELS[name].build(np.random.default_rng(0), features_only))
    return driver.read_model(path, MODELS[name].input_shape)


def test_alexnet_has_the_published_operations(tmp_path: Path) -> None:
    """Padding-free millions of operations of each convolution and of all; a multiply-accumulate is two."""
    convolutions = [op for op in imported("alexnet", tmp_path).module.walk() if isinstance(op, cnn.Conv2dOp)]
    operations = [round(2 * macs(op) / 1e6) for op in convolutions]
    assert operations == [139, 409, 202, 269, 179]
    assert sum(operations) == 1198


@pytest.mark.parametrize("name", WITH_CLASSIFIER)
def test_features_have_the_same_weights_with_and_without_classifier(name: str, tmp_path: Path) -> None:
    features = dict(imported(name, tmp_path).weights() or {})
    whole = dict(imported(name, tmp_path, features_only=False).weights() or {})
    assert features.keys() < whole.keys()
    for key, values in features.items():
        np.testing.assert_array_equal(values, whole[key])


def test_alexnet_is_nested_as_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "alexnet.t7"
    save(path, MODELS["alexnet"].build(np.random.default_rng(0)))
    parts = load(path)._obj["modules"]
    names = [
        [m.torch_typename().decode().removeprefix("nn.") for m in part._obj["modules"].values()]
        for part in parts.values()
    ]
    convolution, pool = ["SpatialConvolution", "ReLU"], ["SpatialMaxPooling"]
    assert names[0] == [*convolution, *pool, *convolution, *pool, *convolution, *convolution, *convolution, *pool]
    assert names[1] == ["View", "Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear", "LogSoftMax"]
    module, weights = import_model(path, (3, 224, 224))
    assert sum(array.size for array in weights.values()) == 61_100_840
    (output,) = (op for op in module.walk() if isinstance(op, cnn.OutputOp))
    assert cnn.shape_of(output.x) == (1, 1000)
