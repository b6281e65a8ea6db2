"""Which difference between two runs is reported."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnitAttr
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.universe import Universe

import snow_check
import snow_compile
from lowering import driver
from lowering.accuracy import compare_with_float
from lowering.check import Difference, LevelResult, Place, check, far_apart, first_difference, float_difference
from lowering.pipeline import LEVELS
from lowering.tile.assign_addresses import AssignAddressesPass
from lowering.tile.name_tiles import NameTilesPass
from snowdialect.backend.program import Program
from snowdialect.dialects import cnn, tile
from snowdialect.errors import SnowError
from snowdialect.interpreters import Run
from snowdialect.models import DIGITS, held_back_digits
from snowdialect.simulator import SimulationResult, simulate
from snowdialect.weights import Weights


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


@pytest.mark.parametrize("what", ["saturations", "wraps"])
@pytest.mark.parametrize(
    ("expected", "found", "different"),
    [
        # Halves, and several in one.
        ({"a": 5, "b": 1}, {"a.first": 2, "a.rest": 3, "b": 1}, None),
        ({"a": 5, "b": 1}, {"a.siblings": 6}, None),
        ({"a": 5, "b": 1}, {"a.siblings": 5}, ("a", 6, 5)),
        ({"a": 0, "b": 0}, {"a.siblings": 1}, ("a.siblings", 0, 1)),
        # What a layer has that both know is not made up for by another one.
        ({"a": 5, "b": 1}, {"a": 6, "b.siblings": 0}, ("a", 5, 6)),
        ({"a": 5, "b": 1}, {"a": 0, "b.siblings": 6}, ("a", 5, 0)),
    ],
)
def test_counts_of_layers(
    what: str, expected: dict[str, int], found: dict[str, int], different: tuple[str, int, int] | None
) -> None:
    place = first_difference(make_run(**{what: Counter(expected)}), make_run(**{what: Counter(found)}))
    assert place == (different and Place(different[0], what, (), *different[1:]))


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


class WrongPass(AssignAddressesPass):
    """Doubles the weights on the way."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        super().apply(ctx, op)
        for constant in op.walk():
            if isinstance(constant, cnn.ConstantOp):
                constant.properties["value"] = cnn.ConstantOp.splat(2.0, (2, 1, 1, 1)).value


def checked_with(kind: type[ModulePass], monkeypatch: pytest.MonkeyPatch) -> list[LevelResult]:
    """The results of a check in which a pass takes the place of the one of the same name."""
    universe = Universe.get_multiverse()
    universe.all_passes[kind.name] = lambda: kind
    monkeypatch.setattr(Universe, "get_multiverse", lambda: universe)
    context = driver.make_context()
    module = Parser(context, NETWORK).parse_module()
    return list(check(context, module, np.ones((1, 1, 4, 4), np.float32), None))


def test_the_pass_that_changed_the_result_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    results = checked_with(WrongPass, monkeypatch)
    assert [result.level for result in results] == ["float", "cnn", "tile"]
    expected = Place("conv1", "result", (0, 0, 0, 0), 256, 512)
    assert results[-1].difference == Difference("tile", "tile-assign-addresses", expected)


class InvalidPass(NameTilesPass):
    """Leaves layers whose kind is no name."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        super().apply(ctx, op)
        for layer in op.walk():
            if isinstance(layer, tile.LayerOp):
                layer.properties["kind"] = UnitAttr()


def test_the_pass_that_made_it_invalid_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels are verified as a whole, passes only to find which one is to blame."""
    with pytest.raises(SnowError, match="^tile-name-tiles: "):
        checked_with(InvalidPass, monkeypatch)


def simulated(monkeypatch: pytest.MonkeyPatch, change: Callable[[SimulationResult], SimulationResult]) -> LevelResult:
    """The last result of a check whose simulator makes a mistake."""

    def wrong(program: Program, batch: Any) -> SimulationResult:
        return change(simulate(program, batch))

    monkeypatch.setattr("snowdialect.simulator.simulate", wrong)
    context = driver.make_context()
    module = Parser(context, NETWORK).parse_module()
    results = list(check(context, module, np.ones((1, 1, 4, 4), np.float32), None))
    assert [result.level for result in results] == ["float", "cnn", "tile", "loop", "snowflake", "simulator"]
    assert all(result.difference is None for result in results[:-1])
    return results[-1]


def test_the_simulator_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    last = simulated(monkeypatch, lambda result: result)
    assert last.difference is None
    assert last.program is not None
    assert last.layers_compared == 1


def test_a_simulator_that_computes_something_else_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    last = simulated(monkeypatch, lambda result: result._replace(layers={"conv1": result.layers["conv1"] + 1}))
    assert str(last.difference) == (
        "simulator: layer conv1: result, element [0, 0, 0, 0]: 257, but 256 in the reference; "
        "first differs after assembly"
    )


def test_a_simulator_that_executes_other_instructions_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    last = simulated(monkeypatch, lambda result: result._replace(instructions=result.instructions + Counter(tmov=1)))
    assert last.difference is not None
    assert str(last.difference).startswith("simulator: executed tmov: ")


def test_a_program_that_differs_is_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(program: Program, batch: Any) -> SimulationResult:
        result = simulate(program, batch)
        return result._replace(outputs={name: array + 1 for name, array in result.outputs.items()})

    monkeypatch.setattr("snowdialect.simulator.simulate", wrong)
    images, _ = held_back_digits()
    np.save(tmp_path / "x.npy", images[:2])
    inputs, output = str(tmp_path / "x.npy"), tmp_path / "digits.snow"
    assert snow_compile.main([str(DIGITS), "--input-shape", "1x8x8", "--check", inputs, "-o", str(output)]) == 1
    assert capsys.readouterr().err.startswith("error: simulator: layer output: output, element [0, 0]: ")
    assert not output.exists()


LIMITED = """
    %x = cnn.input "x" : tensor<1x4x6x6xf32>
    %a = cnn.relu %x : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    %b = cnn.relu %a {limit = 1.0} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    cnn.output "y" %b : tensor<1x4x6x6xf32>
"""
TWO_AND_THREE = np.stack([np.full((4, 6, 6), number, np.float32) for number in (2, 3)])


def forget_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes cnn-canonicalize drop limits."""
    monkeypatch.setattr("snowdialect.dialects.cnn.patterns._limit", lambda op: 0.0)


def test_the_folded_network_is_compared_in_float(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_limits(monkeypatch)
    context = driver.make_context()
    module = Parser(context, LIMITED).parse_module()
    text = str(module)
    (result,) = check(context, module, TWO_AND_THREE, None)
    assert result.level == "float"
    assert result.difference == Difference("cnn", "cnn-canonicalize", Place("y", "output", (0, 0, 0, 0), 1.0, 2.0))
    assert str(module) == text
    assert float_difference(context, module, TWO_AND_THREE * 2**15, None, result.run) is None


def test_a_limit_that_no_word_holds_is_no_difference() -> None:
    text = """
        %x = cnn.input "x" : tensor<1x4x6x6xf32>
        %w = cnn.constant dense<5.0e+04> : tensor<4x4x1x1xf32>
        %a = cnn.conv2d %x, %w : (tensor<1x4x6x6xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x6x6xf32>
        %b = cnn.relu %a {limit = 1.0e+05} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
        cnn.output "y" %b : tensor<1x4x6x6xf32>
    """
    context = driver.make_context()
    results = list(check(context, Parser(context, text).parse_module(), TWO_AND_THREE, None))
    assert results[0].run.outputs["y"].max() == 1e5
    assert [result.level for result in results] == ["float", *LEVELS, "simulator"]
    assert all(result.difference is None for result in results)


def test_a_network_that_is_folded_into_another_one_has_no_accuracy(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_limits(monkeypatch)
    context = driver.make_context()
    with pytest.raises(SnowError, match="2.0, but 1.0 in the reference; first differs after cnn-canonicalize"):
        compare_with_float(context, Parser(context, LIMITED).parse_module(), TWO_AND_THREE, None)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_network_that_is_folded_into_another_one_fails_the_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, as_json: bool
) -> None:
    forget_limits(monkeypatch)
    (tmp_path / "net.mlir").write_text(LIMITED)
    np.save(tmp_path / "x.npy", TWO_AND_THREE)
    arguments = [str(tmp_path / "net.mlir"), "--input", str(tmp_path / "x.npy")]
    assert snow_check.main([*arguments, "--json"] if as_json else arguments) == 1
    out, error = capsys.readouterr()
    assert error.count("\n") == 1
    assert "first differs after cnn-canonicalize" in error
    assert "simulator" not in out


@pytest.mark.parametrize(
    ("found", "place"),
    [
        ([100.0, 1.9, np.inf], None),
        ([100.0, 3.1, np.inf], Place("output", "output", (1,), 2.0, 3.1)),
        ([100.0, 2.0, 5.0], None),
        ([100.0, 2.0, np.nan], None),
        ([np.nan, 2.0, np.inf], Place("output", "output", (0,), 100.0, pytest.approx(np.nan, nan_ok=True))),
        ([100.0, np.inf, np.inf], Place("output", "output", (1,), 2.0, np.inf)),
        ([100.0, 2.0], Place("output", "output's shape", (), (3,), (2,))),
    ],
)
def test_a_hundredth_of_the_largest_result_is_far(found: list[float], place: Place | None) -> None:
    reference = make_run(outputs={"output": np.array([100.0, 2.0, np.inf])})
    assert far_apart(reference, make_run(outputs={"output": np.array(found)})) == place


def test_what_float_rounds_off_is_near_zero() -> None:
    """Where a batch normalization takes away just what the bias before it adds, folded they leave float's last bits."""
    text = """
        %x = cnn.input "x" : tensor<1x4x6x6xf32>
        %w = cnn.weight "w" : tensor<4x4x1x1xf32>
        %b = cnn.weight "b" : tensor<4xf32>
        %v = cnn.weight "v" : tensor<4xf32>
        %c = cnn.conv2d %x, %w bias %b
            : (tensor<1x4x6x6xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
        %n = cnn.batch_norm %c, %b, %v {eps = 1.0e-5}
            : (tensor<1x4x6x6xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
        cnn.output "y" %n : tensor<1x4x6x6xf32>
    """
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 4, 1, 1), "b": (4,), "v": (4,)}
    weights = Weights({name: rng.random(shape, np.float32) + 0.1 for name, shape in shapes.items()})
    context = driver.make_context()
    module = Parser(context, text).parse_module()
    nothing = np.zeros((1, 4, 6, 6), np.float32)
    assert all(result.difference is None for result in check(context, module, nothing, weights))
