"""Which difference between two runs is reported."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.universe import Universe

from lowering import driver
from lowering.check import Difference, Place, check, first_difference
from lowering.tile.assign_addresses import AssignAddresses
from snowdialect.dialects import cnn
from snowdialect.interpreters import Run


def make_run(**changes: Any) -> Run:
    """A run of two layers on two inputs."""
    parts: dict[str, Any] = {
        "outputs": {"output": np.zeros((2, 3), np.float32)},
        "layers": {"conv1": np.zeros((2, 4, 5, 5), np.int16), "fc": np.zeros((2, 3), np.int16)},
        "saturations": Counter({"conv1": 2}),
        "wraps": Counter(),
        "instructions": Counter(),
    }
    return Run(**(parts | changes))


def layers_with(layer: str, index: tuple[int, ...], value: int) -> dict:
    layers = make_run().layers
    layers[layer][index] = value
    return {"layers": layers}


def test_equal_runs_have_none() -> None:
    assert first_difference(make_run(), make_run()) is None


def test_the_first_element_of_the_first_layer_counts() -> None:
    layers = layers_with("conv1", (1, 2, 3, 4), 7)["layers"]
    layers["fc"][0, 0] = 1
    place = first_difference(make_run(), make_run(layers=layers))
    assert place == Place("conv1", "result", (1, 2, 3, 4), 0, 7)


def test_a_layer_that_the_run_does_not_know_is_passed_over() -> None:
    layers = layers_with("fc", (1, 2), -1)["layers"]
    del layers["conv1"]
    place = first_difference(make_run(), make_run(layers=layers))
    assert place == Place("fc", "result", (1, 2), 0, -1)


def test_a_vector_may_be_a_map_of_one_pixel() -> None:
    layers = make_run().layers
    layers["fc"] = layers["fc"].reshape(2, 3, 1, 1)
    assert first_difference(make_run(), make_run(layers=layers)) is None
    layers["fc"][1, 2] = 5
    assert first_difference(make_run(), make_run(layers=layers)) == Place("fc", "result", (1, 2), 0, 5)


def test_an_output_counts_after_all_layers() -> None:
    place = first_difference(make_run(), make_run(outputs={"output": np.full((2, 3), 0.5, np.float32)}))
    assert place == Place("output", "output", (0, 0), 0.0, 0.5)


def test_nan_is_equal_to_nan() -> None:
    outputs = {"output": np.full((2, 3), np.nan, np.float32)}
    assert first_difference(make_run(outputs=outputs), make_run(outputs=outputs)) is None


def test_counts_must_agree_too() -> None:
    place = first_difference(make_run(), make_run(wraps=Counter({"fc": 3})))
    assert place == Place("fc", "wraps", (), 0, 3)


def test_a_difference_reads_as_one_line() -> None:
    place = Place("conv1", "result", (0, 3, 1, 2), 100, 101)
    assert str(Difference("loop", "convert-tile-to-loop", place)) == (
        "loop: layer conv1: result, element [0, 3, 1, 2]: 101, but 100 in the reference; "
        "first differs after convert-tile-to-loop"
    )


NETWORK = """
%x = cnn.input "input" : tensor<1x1x4x4xf32>
%w = cnn.constant dense<1.0> : tensor<2x1x1x1xf32>
%y = cnn.conv2d %x, %w : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32> loc("conv1")
cnn.output "output" %y : tensor<1x2x4x4xf32>
"""


class WrongPass(AssignAddresses):
    """Doubles the weights on the way."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        super().apply(ctx, op)
        for constant in op.walk():
            if isinstance(constant, cnn.ConstantOp):
                constant.properties["value"] = cnn.ConstantOp.splat(2.0, (2, 1, 1, 1)).value


def test_the_pass_that_changed_the_result_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    universe = Universe.get_multiverse()
    universe.all_passes[WrongPass.name] = lambda: WrongPass
    monkeypatch.setattr(Universe, "get_multiverse", lambda: universe)
    context = driver.make_context()
    module = Parser(context, NETWORK).parse_module()
    results = list(check(context, module, np.ones((1, 1, 4, 4), np.float32), None))
    assert [result.level for result in results] == ["float", "cnn", "tile"]
    expected = Place("conv1", "result", (0, 0, 0, 0), 256, 512)
    assert results[-1].difference == Difference("tile", "tile-assign-addresses", expected)
