"""Programs that are kept on disk: what comes out is what would be made anew, whatever is on the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snow_compile
import snow_zoo
from lowering import compiler, driver, program_cache
from lowering.compiler import compile_model
from lowering.program_cache import ProgramCache
from snowdialect.backend.container import write_program
from snowdialect.backend.program import Program
from snowdialect.cache import cache_folder, fingerprint
from snowdialect.errors import SnowError
from snowdialect.machine import load_machine
from snowdialect.models import DIGITS
from snowdialect.models.small import SMALL_MODELS

CONTEXT = driver.make_context()
RESIDUAL = "conv-residual"
SHAPE = SMALL_MODELS[RESIDUAL].input_shape


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> ProgramCache:
    return ProgramCache(folder)


def model_of(name: str, folder: Path, seed: int = 0) -> Path:
    path = folder / f"{name}-{seed}.t7"
    assert snow_zoo.main([name, "--seed", str(seed), "-o", str(path)]) == 0
    return path


def written(program: Program, folder: Path) -> bytes:
    """All that a program is."""
    write_program(program, folder / "program.snow")
    return (folder / "program.snow").read_bytes()


def made_anew(*_: Any) -> Program:
    raise AssertionError("a program that is kept was made anew")


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_a_network_with_other_weights_has_the_code_that_is_kept(
    name: str, cache: ProgramCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = SMALL_MODELS[name].input_shape
    compile_model(model_of(name, tmp_path), shape, cache=cache)
    other = model_of(name, tmp_path, seed=1)
    anew = written(compile_model(other, shape), tmp_path)
    monkeypatch.setattr(compiler, "_lower_network", made_anew)
    assert written(compile_model(other, shape, cache=cache), tmp_path) == anew


def test_steps_of_the_host_are_kept(cache: ProgramCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    anew = compile_model(DIGITS, (1, 8, 8), cache=cache)
    monkeypatch.setattr(compiler, "_lower_network", made_anew)
    assert written(compile_model(DIGITS, (1, 8, 8), cache=cache), tmp_path) == written(anew, tmp_path)


def test_what_a_program_follows_from_is_in_its_key(folder: Path, cache: ProgramCache, tmp_path: Path) -> None:
    model, samples = model_of(RESIDUAL, tmp_path), tmp_path / "samples.npy"
    np.save(samples, np.random.default_rng(0).normal(0, 40, (4, *SHAPE)).astype(np.float32))
    for number, (size, machine, options) in enumerate(
        [
            (SHAPE, None, driver.NO_OPTIONS),
            ((16, 12, 13), None, driver.NO_OPTIONS),
            (SHAPE, "onecu", driver.NO_OPTIONS),
            (SHAPE, None, driver.pass_options(schedule="paper")),
            (SHAPE, None, driver.pass_options(calibrate=samples)),
        ]
    ):
        anew = written(compile_model(model, size, machine, options), tmp_path)
        for _ in range(2):
            program = compile_model(model, size, machine, options, cache=cache)
            assert written(program, tmp_path) == anew
            assert len(list(folder.iterdir())) == number + 1


@pytest.mark.parametrize("how", ["argument", "option", "default"])
def test_a_machine_is_what_its_file_says(
    how: str, cache: ProgramCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "m.toml"
    machine = str(file) if how == "argument" else None
    options = {driver.CHOOSE_SCHEDULE: {"machine": str(file)}} if how == "option" else driver.NO_OPTIONS
    found: list[int] = []
    for latency in (20, 640):
        file.write_text(replace(load_machine(), memory_latency=latency).to_toml())
        if how == "default":
            monkeypatch.setattr(program_cache, "DEFAULT_MACHINE", str(file))
            monkeypatch.setattr("lowering.cnn.choose_schedule.DEFAULT_MACHINE", str(file))
        found.append(compile_model(DIGITS, (1, 8, 8), machine, options, cache=cache).machine.memory_latency)
    assert found == [20, 640]


def test_names_of_values_may_be_names_of_layers(cache: ProgramCache, tmp_path: Path) -> None:
    text = (
        'builtin.module {{\n  %x = cnn.input "input" : tensor<1x16x4x4xf32>\n'
        "  %{name} = cnn.relu %x : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>\n"
        '  cnn.output "output" %{name} : tensor<1x16x4x4xf32>\n}}\n'
    )
    names: list[list[str]] = []
    for name in ("first", "second"):
        (tmp_path / "net.mlir").write_text(text.format(name=name))
        names.append([layer.name for layer in compile_model(tmp_path / "net.mlir", cache=cache).layers])
    assert names == [["first"], ["second"]]


def test_operations_of_others_are_compiled_without(cache: ProgramCache, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "net.mlir").write_text(
        'builtin.module {\n  %x = cnn.input "input" : tensor<1x16x4x4xf32>\n'
        '  cnn.output "output" %x : tensor<1x16x4x4xf32>\n  func.func @f() {\n    func.return\n  }\n}\n'
    )
    with pytest.raises(SnowError, match="func.func.*has no name in program files, see docs/add-a-dialect.md"):
        compile_model(tmp_path / "net.mlir", cache=cache)
    assert not folder.exists()


def test_what_depends_on_weights_is_not_kept(cache: ProgramCache, folder: Path, tmp_path: Path) -> None:
    model = model_of(RESIDUAL, tmp_path)
    for _ in range(2):
        program = compile_model(model, SHAPE, cache=cache, bound_accumulators=True)
        assert all(layer.can_wrap is not None for layer in program.layers)
        compile_model(model, SHAPE, cache=cache, without=("cnn-fuse",))
    assert not folder.exists()


def cut(keep: int) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes()[:keep])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


def enlarge(path: Path) -> None:
    os.truncate(path, 1 << 40)


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("damage", [cut(0), cut(31), cut(1000), cut(-1), flip, enlarge, become_a_pipe, become_endless])
def test_damage_is_made_anew(
    damage: Callable[[Path], object], cache: ProgramCache, folder: Path, tmp_path: Path
) -> None:
    model = model_of(RESIDUAL, tmp_path)
    anew = written(compile_model(model, SHAPE, cache=cache), tmp_path)
    (path,) = folder.iterdir()
    damage(path)
    assert cache.find(path.name, CONTEXT) is None
    assert written(compile_model(model, SHAPE, cache=cache), tmp_path) == anew
    if damage not in (become_a_pipe, become_endless):
        # What is no file stays as it is.
        assert cache.find(path.name, CONTEXT) is not None


def test_a_program_under_the_key_of_another_is_not_found(cache: ProgramCache, folder: Path, tmp_path: Path) -> None:
    model = model_of(RESIDUAL, tmp_path)
    compile_model(model, SHAPE, cache=cache)
    (ours,) = folder.iterdir()
    anew = written(compile_model(model, SHAPE, "onecu", cache=cache), tmp_path)
    (theirs,) = set(folder.iterdir()) - {ours}
    shutil.copy(ours, theirs)
    assert written(compile_model(model, SHAPE, "onecu", cache=cache), tmp_path) == anew


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(cache: ProgramCache, folder: Path) -> None:
    folder.mkdir(mode=0o500)
    compile_model(DIGITS, (1, 8, 8), cache=cache)
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    compile_model(DIGITS, (1, 8, 8), cache=ProgramCache(tmp_path / "file" / "cache"))


def test_where_folders_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("programs") == tmp_path / "snowdialect" / "programs"
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for meaningless in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", meaningless)
        assert cache_folder("programs") == tmp_path / "home" / ".cache" / "snowdialect" / "programs"
    monkeypatch.setattr(Path, "home", nowhere)
    assert cache_folder("programs") is None
    monkeypatch.setattr(program_cache, "cache_folder", cache_folder)
    compile_model(DIGITS, (1, 8, 8), cache=ProgramCache())


def test_what_was_not_used_for_the_longest_time_goes(folder: Path, tmp_path: Path) -> None:
    models = [model_of(name, tmp_path) for name in ("conv", "max-pool", "linear")]
    shapes = [SMALL_MODELS[name].input_shape for name in ("conv", "max-pool", "linear")]
    probe, sizes = ProgramCache(tmp_path / "probe"), list[int]()
    for model, shape in zip(models, shapes, strict=True):
        compile_model(model, shape, cache=probe)
        sizes.append(sum(path.stat().st_size for path in (tmp_path / "probe").iterdir()) - sum(sizes))
    cache = ProgramCache(folder, most_bytes=sum(sizes) - 1)
    folder.mkdir()
    (folder / "notes").write_bytes(bytes(2 * sum(sizes)))
    kept: list[set[Path]] = []
    for number in (0, 1, 0, 2):
        programs = [path for path in folder.iterdir() if path.name != "notes"]
        for age, path in enumerate(sorted(programs, key=lambda path: path.stat().st_mtime)):
            os.utime(path, (age, age))
        compile_model(models[number], shapes[number], cache=cache)
        kept.append(set(folder.iterdir()) - {folder / "notes"})
    first, second = kept[0], kept[1] - kept[0]
    assert kept[2] == kept[1]
    assert first < kept[3] and not second & kept[3] and len(kept[3]) == 2
    assert (folder / "notes").exists()


def test_another_compiler_has_programs_of_its_own(tmp_path: Path) -> None:
    (source := tmp_path / "pass.py").write_text("a = 1\n")
    before = fingerprint(["1"], tmp_path, [source])
    assert fingerprint(["1"], tmp_path, [source]) == before != fingerprint(["2"], tmp_path, [source])
    renamed = source.rename(tmp_path / "other.py")
    assert fingerprint(["1"], tmp_path, [renamed]) != before
    source.write_text("a = 2\n")
    assert fingerprint(["1"], tmp_path, [source]) != before


def test_a_compiler_that_is_changed_meanwhile_keeps_nothing(cache: ProgramCache, folder: Path) -> None:
    cache.compiler = "what it was before"
    compile_model(DIGITS, (1, 8, 8), cache=cache)
    assert not folder.exists()


def test_passes_of_others_are_not_known(cache: ProgramCache, monkeypatch: pytest.MonkeyPatch) -> None:
    *phases, last = program_cache.PHASES
    foreign = last._replace(passes=(*last.passes, last.passes[-1]._replace(module="others.passes")))
    monkeypatch.setattr(program_cache, "PHASES", (*phases, foreign))
    assert cache.compiler is not None
    assert ProgramCache().compiler is None


def test_the_command_keeps_programs_unless_it_is_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_cache, "cache_folder", lambda name: tmp_path / name)
    arguments = [str(DIGITS), "--input-shape", "1x8x8", "-o", str(tmp_path / "digits.snow")]
    assert snow_compile.main([*arguments, "--no-cache"]) == 0
    assert not (tmp_path / "programs").exists()
    assert snow_compile.main(arguments) == 0
    monkeypatch.setattr(compiler, "_lower_network", made_anew)
    assert snow_compile.main(arguments) == 0
    with pytest.raises(AssertionError):
        compile_model(DIGITS, (1, 8, 8))
