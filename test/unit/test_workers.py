"""Layers lowered by themselves, in several processes: what the passes make of the whole module."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from chains import chain
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

import snow_compile
from lowering import driver, processes, workers
from lowering.compiler import compile_model
from lowering.pipeline import BY_LAYER, passes_between
from lowering.serialize import AttributeTable, build, outside_of, take_down
from snowdialect.backend.container import write_program
from snowdialect.dialects import tile
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.snowflake import ProgramOp
from snowdialect.errors import SnowError
from snowdialect.models import DIGITS

BY_LAYER_PASSES = tuple(name for name in passes_between("tile") if name in BY_LAYER)


@pytest.fixture
def tiled() -> ModuleOp:
    """A network of several layers at level tile."""
    context = driver.make_context()
    module = driver.read_source(context, DIGITS, (1, 8, 8)).module
    driver.lower(context, module, "tile")
    return module


@pytest.fixture
def alike() -> ModuleOp:
    """Six layers at level tile. Those at the ends have neighbours on one side only; the others are alike."""
    context = driver.make_context()
    module = Parser(context, chain(32, 12)).parse_module()
    driver.lower(context, module, "tile")
    return module


def layers_of(module: ModuleOp) -> list[tile.LayerOp]:
    return [op for op in module.body.block.ops if isinstance(op, tile.LayerOp)]


def lower_all(module: ModuleOp) -> None:
    for name in BY_LAYER_PASSES:
        kind = driver.Universe.get_multiverse().all_passes[name]()
        # A layer by itself uses memory of another module, which no verifier would let pass.
        driver.apply_pass(driver.make_context(), module, kind, verified=False)


def but_in_layer(name: str, do: Callable[[], None], module: ModuleOp) -> None:
    """Does something else in the process that a layer is for."""
    if any(layer_name(layer) == name for layer in layers_of(module)):
        do()
    lower_all(module)


def fail(message: str) -> None:
    raise SnowError(message)


def test_several_processes_make_what_one_makes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files: list[Path] = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(processes, "available_processes", lambda count=count: count)
        files.append(tmp_path / f"{count}.snow")
        write_program(compile_model(DIGITS, (1, 8, 8)), files[-1])
    assert len({file.read_bytes() for file in files}) == 1


@pytest.mark.parametrize("network", ["tiled", "alike"])
@pytest.mark.parametrize("level", ["loop", "snowflake"])
def test_layers_by_themselves_become_what_they_become_in_their_module(
    request: pytest.FixtureRequest, network: str, level: str
) -> None:
    module: ModuleOp = request.getfixturevalue(network)
    whole, context = module.clone(), driver.make_context()
    driver.lower(context, module, level, verify_each=False)
    driver.lower(context, whole, level)
    for here, there in zip(module.walk(), whole.walk(), strict=True):
        assert (here.name, here.properties, here.location) == (there.name, there.properties, there.location)
    driver.verify(module, level)


def test_layers_that_are_alike_are_lowered_once(alike: ModuleOp) -> None:
    lowered: list[str] = []

    def run(module: ModuleOp) -> None:
        lowered.append(layer_name(layers_of(module)[0]))
        lower_all(module)

    workers.lower_layers(alike, run, 1)
    programs = [op for op in alike.body.block.ops if isinstance(op, ProgramOp)]
    assert sorted(lowered) == ["conv0", "conv1", "conv5"]
    assert [layer_name(program) for program in programs] == [f"conv{number}" for number in range(6)]
    assert programs[1].body.is_structurally_equivalent(programs[3].body)
    assert len(programs[1].memory) == 4 and not set(programs[1].memory) & set(programs[3].memory)


def test_the_command_uses_several_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tasks: list[int] = []
    inside = processes.share_out

    def noted(work: Any, given: list[Any], take: Any, number: int | None = None) -> None:
        tasks.append(len(given))
        inside(work, given, take, number)

    monkeypatch.setattr(workers, "share_out", noted)
    assert snow_compile.main([str(DIGITS), "--input-shape", "1x8x8", "-o", str(tmp_path / "p.snow")]) == 0
    assert tasks == [3]


def test_blocks_come_back_as_they_were(tiled: ModuleOp) -> None:
    lower_all(tiled)
    outside, table = outside_of(tiled), AttributeTable()
    block = build(take_down(tiled.body.block, outside, table), outside, table.attributes)
    assert block.is_structurally_equivalent(tiled.body.block)
    for here, there in zip(tiled.body.block.walk(), block.walk(), strict=True):
        assert here.location == there.location


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_error_in_any_layer_is_the_error(number: int, tiled: ModuleOp) -> None:
    name = layer_name(layers_of(tiled)[number])
    run = partial(but_in_layer, name, partial(fail, f"{name}: needs 41 registers at once"))
    with pytest.raises(SnowError, match=f"^{name}: needs 41 registers at once$"):
        workers.lower_layers(tiled, run, 3)
