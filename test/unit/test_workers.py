"""Lowering in several processes: the same program as in one, the same errors, and nobody left behind."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

import pytest
from xdsl.dialects.builtin import ModuleOp

import snow_compile
from lowering import driver, workers
from lowering.compiler import compile_model
from lowering.pipeline import BY_LAYER, passes_between
from lowering.serialize import dump_block, load_block
from snowdialect.backend.container import write_program
from snowdialect.dialects import tile
from snowdialect.dialects.snowflake import ProgramOp
from snowdialect.errors import SnowError
from snowdialect.models import DIGITS


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    yield
    assert not multiprocessing.active_children()


@pytest.fixture
def tiled() -> ModuleOp:
    """A network of several layers at level tile."""
    context = driver.make_context()
    module = driver.read_program(context, DIGITS, (1, 8, 8)).module
    driver.lower(context, module, "tile")
    return module


def lower_all(module: ModuleOp) -> None:
    for name in passes_between("tile"):
        if name in BY_LAYER:
            driver.apply_pass(driver.make_context(), module, driver.Universe.get_multiverse().all_passes[name]())


def but_in_layer(number: int, do: Callable[[], None], module: ModuleOp) -> None:
    """Does something else in the process that layer `number` is for."""
    layers = [op for op in module.body.block.ops if isinstance(op, tile.LayerOp)]
    if layers[number].body.block.ops:
        do()
    lower_all(module)


def fail(message: str) -> None:
    raise SnowError(message)


def end(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def test_several_processes_make_what_one_makes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files: list[Path] = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(workers, "available_processes", lambda count=count: count)
        files.append(tmp_path / f"{count}.snow")
        write_program(compile_model(DIGITS, (1, 8, 8)), files[-1])
    assert len({file.read_bytes() for file in files}) == 1


def test_the_command_uses_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[workers.Share] = []
    keep = workers.share_out
    monkeypatch.setattr(workers, "available_processes", lambda: 2)
    monkeypatch.setattr(workers, "share_out", lambda *given: [started.append(share) or share for share in keep(*given)])
    assert snow_compile.main([str(DIGITS), "--input-shape", "1x8x8", "-o", str(tmp_path / "p.snow")]) == 0
    assert len(started) == 2


def test_blocks_come_back_as_they_were(tiled: ModuleOp) -> None:
    lower_all(tiled)
    for program in (op for op in tiled.body.block.ops if isinstance(op, ProgramOp)):
        block = load_block(dump_block(program.body.block))
        assert block.is_structurally_equivalent(program.body.block)
        for here, there in zip(program.body.block.walk(), block.walk(), strict=True):
            assert here.location == there.location


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_error_in_any_process_is_the_error(number: int, tiled: ModuleOp) -> None:
    run = partial(but_in_layer, number, partial(fail, "conv7: needs 41 registers at once"), tiled)
    with pytest.raises(SnowError, match="^conv7: needs 41 registers at once$"):
        workers.lower_layers(tiled, run, 3)


def test_a_process_that_is_killed_is_one_line(tiled: ModuleOp) -> None:
    layers = [op for op in tiled.body.block.ops if isinstance(op, tile.LayerOp)]
    *_, most = workers.share_out([sum(1 for _ in layer.walk()) for layer in layers], 2)
    run = partial(but_in_layer, min(most), partial(end, signal.SIGKILL), tiled)
    with pytest.raises(SnowError, match="^a process that the compiler started was ended before its work was done$"):
        workers.lower_layers(tiled, run, 2)


def test_who_is_interrupted_waits_for_nobody(tiled: ModuleOp) -> None:
    parent = os.getpid()

    def run() -> None:
        if os.getpid() == parent:
            raise KeyboardInterrupt
        time.sleep(600)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        workers.lower_layers(tiled, run, 2)
    assert time.monotonic() - start < 60


def test_nothing_is_forked_beside_threads() -> None:
    assert 1 <= workers.available_processes() <= workers.MAX_PROCESSES
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert workers.available_processes() == 1
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("work", [[], [5], [3, 3, 2, 2, 2], [9, 1, 1, 1, 7], [4, 4, 4, 3, 3, 3]])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_layers_are_shared_out_evenly(work: list[int], processes: int) -> None:
    shares = workers.share_out(work, processes)
    loads = [sum(work[number] for number in share) for share in shares]
    assert sorted(number for share in shares for number in share) == list(range(len(work)))
    assert len(shares) == max(1, min(processes, len(work))) and loads[0] == min(loads)
    best = min(
        max(
            sum(size for size, mine in zip(work, owners, strict=True) if mine == process)
            for process in range(processes)
        )
        for owners in product(range(processes), repeat=len(work))
    )
    assert 3 * max(loads) <= 4 * best, "Graham's bound for longest first"
