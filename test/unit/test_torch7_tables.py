"""Torch7 layers that take tables apart, and what changes the sizes of maps: as torch/nn has it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch7_models import floats, full_convolution, reason, run

from lowering import driver
from lowering.check import SIMULATOR, check
from snowdialect.frontends.torch7 import nn, save
from snowdialect.frontends.torch7.objects import TorchObject, torch_object

BATCH = floats(2, 4, 6, 9)


def computed(path: Path, network: TorchObject) -> np.ndarray:
    save(path / "net.t7", network)
    return run(path / "net.t7", BATCH)


def times(factor: float) -> TorchObject:
    return torch_object("nn.MulConstant", {"constant_scalar": factor})


def parallel(*modules: TorchObject) -> TorchObject:
    return torch_object("nn.ParallelTable", {"modules": list(modules)})


def test_parallel_table_has_a_layer_for_each_value(tmp_path: Path) -> None:
    table = nn.concat_table(times(2), times(3))
    found = computed(tmp_path, nn.sequential(table, parallel(times(5), nn.simple("Square")), nn.add_table()))
    np.testing.assert_allclose(found, 10 * BATCH + (3 * BATCH) ** 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("layers", "factor"),
    [
        ([torch_object("nn.SelectTable", {"index": 2})], 3),
        ([torch_object("nn.SelectTable", {"index": -1})], 5),
        ([torch_object("nn.NarrowTable", {"offset": 2, "length": 2}), nn.add_table()], 8),
        ([torch_object("nn.NarrowTable", {"offset": 3}), nn.add_table()], 5),
    ],
)
def test_some_values_of_a_table(tmp_path: Path, layers: list[TorchObject], factor: float) -> None:
    found = computed(tmp_path, nn.sequential(nn.concat_table(times(2), times(3), times(5)), *layers))
    np.testing.assert_allclose(found, factor * BATCH, rtol=1e-6)


def test_flatten_table(tmp_path: Path) -> None:
    inner = nn.concat_table(times(2), nn.concat_table(times(3), times(5)))
    found = computed(tmp_path, nn.sequential(inner, nn.simple("FlattenTable"), nn.add_table()))
    np.testing.assert_allclose(found, 10 * BATCH, rtol=1e-5)


def test_tables_do_not_grow_without_end(tmp_path: Path) -> None:
    """A few layers could stand for any number of values, or for tables of any depth."""
    flatten = nn.simple("FlattenTable")
    doubled = nn.sequential(nn.concat_table(nn.relu(), nn.relu()), *[nn.concat_table(flatten, flatten), flatten] * 40)
    assert "its tables in tables are too large" in reason(tmp_path / "net.t7", doubled, (3,))
    first = torch_object("nn.NarrowTable", {"offset": 1})
    for inner in ([first], [first, first]):
        deep = nn.sequential(nn.concat_table(nn.relu()), *[nn.concat_table(*inner)] * 3000)
        assert "its tables in tables are too large" in reason(tmp_path / "net.t7", deep, (3,))


def padded(dimension: int, amount: int, **fields: Any) -> TorchObject:
    return torch_object("nn.Padding", {"dim": dimension, "pad": amount, "value": 0, "index": 1, **fields})


@pytest.mark.parametrize(
    ("layer", "pads"),
    [
        (padded(2, 3), ((0, 3), (0, 0), (0, 0))),
        (padded(1, -3, nInputDim=3), ((3, 0), (0, 0), (0, 0))),
        (padded(2, 1, nInputDim=3), ((0, 0), (0, 1), (0, 0))),
        (padded(4, -2, nInputDim=4), ((0, 0), (0, 0), (2, 0))),
        (torch_object("nn.ShaveImage", {"size": 2}), ((0, 0), (-2, -2), (-2, -2))),
    ],
)
def test_maps_of_other_sizes(tmp_path: Path, layer: TorchObject, pads: tuple[tuple[int, int], ...]) -> None:
    wanted = np.pad(BATCH, ((0, 0), *(tuple(max(0, pad) for pad in pair) for pair in pads)))
    wanted = wanted[(slice(None), *(slice(max(0, -low), -max(0, -high) or None) for low, high in pads))]
    np.testing.assert_array_equal(computed(tmp_path, layer), wanted)


@pytest.mark.parametrize(
    ("fields", "order"),
    [
        ({"permutations": [[2, 3], [3, 4]]}, (0, 2, 3, 1)),
        ({"permutations": [[1, 3]], "numInputDims": 3}, (0, 3, 2, 1)),
        ({"permutations": []}, (0, 1, 2, 3)),
    ],
)
def test_transpose(tmp_path: Path, fields: dict[str, Any], order: tuple[int, ...]) -> None:
    found = computed(tmp_path, torch_object("nn.Transpose", fields))
    np.testing.assert_array_equal(found, BATCH.transpose(order))


@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_adaptive_pools(tmp_path: Path, kind: str) -> None:
    windows = BATCH.reshape(2, 4, 2, 3, 3, 3)
    wanted = windows.max((3, 5)) if kind == "Max" else windows.mean((3, 5))
    found = computed(tmp_path, torch_object(f"nn.SpatialAdaptive{kind}Pooling", {"H": 2, "W": 3}))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_network_for_styles(tmp_path: Path) -> None:
    """As fast-neural-style has it, made small: all levels agree, and the numbers are those of float."""

    def norm(channels: int) -> TorchObject:
        numbers = {"weight": floats(channels, seed=1) ** 2 + np.float32(0.5), "bias": floats(channels, seed=2)}
        return torch_object("nn.InstanceNormalization", {"eps": 1e-5, "nOutput": channels, **numbers})

    def conv(inputs: int, outputs: int, kernel: int, stride: int = 1, pad: int = 0) -> TorchObject:
        weight = floats(outputs, inputs, kernel, kernel) / np.float32(kernel * inputs**0.5)
        return nn.convolution(weight, floats(outputs), (stride, stride), (pad, pad))

    sides = {f"pad_{side}": 4 for side in "lrtb"}
    branch = nn.sequential(conv(24, 24, 3), norm(24), nn.relu(), conv(24, 24, 3), norm(24))
    network = nn.sequential(
        torch_object("nn.SpatialReflectionPadding", sides),
        conv(3, 12, 5, 1, 2),
        norm(12),
        nn.relu(),
        conv(12, 24, 3, 2, 1),
        norm(24),
        nn.relu(),
        nn.concat_table(branch, torch_object("nn.ShaveImage", {"size": 2})),
        nn.add_table(),
        full_convolution(floats(24, 12, 3, 3) / np.float32(10), dH=2, dW=2, padH=1, padW=1, adjH=1, adjW=1),
        norm(12),
        nn.relu(),
        conv(12, 3, 5, 1, 2),
        nn.simple("Tanh"),
        times(150),
        torch_object("nn.TotalVariation", {"strength": 1e-6}),
    )
    save(tmp_path / "net.t7", network)
    x = floats(2, 3, 12, 14)
    np.save(tmp_path / "x.npy", x)
    program, context = driver.read_model(tmp_path / "net.t7", (3, 12, 14)), driver.make_context()
    context.weights = program.weights
    options = driver.pass_options(calibrate=tmp_path / "x.npy")
    results = list(check(context, program.module, x, program.weights(), options=options))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR
    fixed = results[-1].run.outputs["output"]
    np.testing.assert_allclose(fixed, run(tmp_path / "net.t7", x), rtol=0, atol=6)


TABLE = nn.concat_table(nn.simple("Identity"), nn.simple("Identity"))


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        (parallel(nn.relu()), "0 nn.ParallelTable: its input is a tensor, expected a table"),
        (nn.sequential(TABLE, parallel(nn.relu())), "1 nn.ParallelTable: has 1 layers for a table of 2 values"),
        (torch_object("nn.SelectTable", {"index": 1}), "0 nn.SelectTable: its input is a tensor, expected a table"),
        (
            nn.sequential(TABLE, torch_object("nn.SelectTable", {"index": 3})),
            "1 nn.SelectTable: takes entry 3 of a table of 2 values",
        ),
        (
            nn.sequential(TABLE, torch_object("nn.NarrowTable", {"offset": 2, "length": 2})),
            "1 nn.NarrowTable: takes entries 2 to 3 of a table of 2 values",
        ),
        (padded(2, 1, value=1), "0 nn.Padding: pads with what is not zero, or inside"),
        (padded(5, 1), "0 nn.Padding: pads dimension 5, which maps do not have"),
        (padded(2, 1 << 21), "0 nn.Padding: repeats numbers for its channels, of which a network may have 4194304"),
        (torch_object("nn.Transpose", {}), "0 nn.Transpose: field permutations is no list of pairs"),
        (
            torch_object("nn.Transpose", {"permutations": [[1, 2]]}),
            "0 nn.Transpose: transposes other dimensions than those of an input of 3",
        ),
        (
            torch_object("nn.Transpose", {"permutations": [3]}),
            "0 nn.Transpose: transposes other dimensions than those of an input of 3",
        ),
        (torch_object("nn.ShaveImage", {"size": 3}), "0 nn.ShaveImage: sizes must be at least 1, are [0, 3]"),
        (
            torch_object("nn.SpatialAdaptiveMaxPooling", {"H": 4, "W": 3}),
            "0 nn.SpatialAdaptiveMaxPooling: makes 4x3 of 6x9, of windows that are not alike",
        ),
        (
            nn.sequential(nn.simple("SpatialMaxUnpooling"), torch_object("nn.ShaveImage", {"size": -1})),
            "unsupported layer 0 nn.SpatialMaxUnpooling",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, network: TorchObject, problem: str) -> None:
    assert reason(tmp_path / "net.t7", network, BATCH.shape[1:]) == problem
