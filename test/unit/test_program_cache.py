"""Programs that are kept on disk: what comes out is what would be made anew, whatever is on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snow_compile
import snow_zoo
from lowering import compiler, driver
from lowering.compiler import compile_model
from lowering.program_cache import ProgramCache
from snowdialect.backend.container import write_program
from snowdialect.backend.program import Program
from snowdialect.cache import fingerprint
from snowdialect.models import DIGITS
from snowdialect.models.small import SMALL_MODELS

RESIDUAL = "conv-residual"


@pytest.fixture
def cache(tmp_path: Path) -> ProgramCache:
    return ProgramCache(tmp_path / "cache")


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


def test_what_a_program_follows_from_is_in_its_key(cache: ProgramCache, tmp_path: Path) -> None:
    model, samples = model_of(RESIDUAL, tmp_path), tmp_path / "samples.npy"
    shape = SMALL_MODELS[RESIDUAL].input_shape
    np.save(samples, np.random.default_rng(0).normal(0, 40, (4, *shape)).astype(np.float32))
    for number, (size, machine, options) in enumerate(
        [
            (shape, None, driver.NO_OPTIONS),
            ((16, 12, 13), None, driver.NO_OPTIONS),
            (shape, "onecu", driver.NO_OPTIONS),
            (shape, None, driver.pass_options(schedule="paper")),
            (shape, None, driver.pass_options(calibrate=samples)),
        ]
    ):
        anew = written(compile_model(model, size, machine, options), tmp_path)
        for _ in range(2):
            program = compile_model(model, size, machine, options, cache=cache)
            assert written(program, tmp_path) == anew
            assert len(list(cache.folder.iterdir())) == number + 1


def test_what_depends_on_weights_is_not_kept(cache: ProgramCache, tmp_path: Path) -> None:
    model, shape = model_of(RESIDUAL, tmp_path), SMALL_MODELS[RESIDUAL].input_shape
    for _ in range(2):
        program = compile_model(model, shape, cache=cache, bound_accumulators=True)
        assert all(layer.can_wrap is not None for layer in program.layers)
        compile_model(model, shape, cache=cache, without=("cnn-fuse",))
    assert not cache.folder.exists()


@pytest.mark.parametrize("name", SMALL_MODELS)
def test_attributes_that_differ_have_texts_that_differ(name: str, tmp_path: Path) -> None:
    # Keys are made of texts; equal ones must mean equal networks.
    program = driver.read_program(driver.make_context(), model_of(name, tmp_path), SMALL_MODELS[name].input_shape)
    driver.lower(driver.make_context(), program.module, "cnn")
    attributes = {
        attribute for op in program.module.walk() for attribute in (*op.properties.values(), *op.attributes.values())
    }
    assert len({repr(attribute) for attribute in attributes}) == len(attributes) > 2


@pytest.mark.parametrize("keep", [0, 31, 32, 1000, -1])
def test_a_damaged_file_is_made_anew(
    keep: int, cache: ProgramCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, shape = model_of(RESIDUAL, tmp_path), SMALL_MODELS[RESIDUAL].input_shape
    anew = written(compile_model(model, shape, cache=cache), tmp_path)
    (path,) = cache.folder.iterdir()
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.find(path.name) is None
    assert written(compile_model(model, shape, cache=cache), tmp_path) == anew
    monkeypatch.setattr(compiler, "_lower_network", made_anew)
    assert written(compile_model(model, shape, cache=cache), tmp_path) == anew


def test_a_changed_file_is_not_read(cache: ProgramCache, tmp_path: Path) -> None:
    cache.folder.mkdir()
    (cache.folder / "key").write_bytes(bytes(32) + b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    assert cache.find("key") is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(cache: ProgramCache, tmp_path: Path) -> None:
    cache.folder.mkdir(mode=0o500)
    compile_model(DIGITS, (1, 8, 8), cache=cache)
    assert not list(cache.folder.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    compile_model(DIGITS, (1, 8, 8), cache=ProgramCache(tmp_path / "file" / "cache"))


def test_what_was_not_used_for_the_longest_time_goes(tmp_path: Path) -> None:
    models = [model_of(name, tmp_path) for name in ("conv", "max-pool", "linear")]
    shapes = [SMALL_MODELS[name].input_shape for name in ("conv", "max-pool", "linear")]
    probe = ProgramCache(tmp_path / "probe")
    sizes: list[int] = []
    for model, shape in zip(models, shapes, strict=True):
        compile_model(model, shape, cache=probe)
        sizes.append(sum(path.stat().st_size for path in probe.folder.iterdir()) - sum(sizes))
    cache = ProgramCache(tmp_path / "cache", most_bytes=sum(sizes) - 1)
    kept: list[set[Path]] = []
    for number in (0, 1, 0, 2):
        for age, path in enumerate(sorted(cache.folder.glob("*"), key=lambda path: path.stat().st_mtime)):
            os.utime(path, (age, age))
        compile_model(models[number], shapes[number], cache=cache)
        kept.append(set(cache.folder.iterdir()))
    first, second = kept[0], kept[1] - kept[0]
    assert kept[2] == kept[1]
    assert first < kept[3] and not second & kept[3] and len(kept[3]) == 2


def test_another_compiler_has_programs_of_its_own(tmp_path: Path) -> None:
    (source := tmp_path / "pass.py").write_text("a = 1\n")
    before = fingerprint(["1"], [source])
    assert fingerprint(["1"], [source]) == before != fingerprint(["2"], [source])
    source.write_text("a = 2\n")
    assert fingerprint(["1"], [source]) != before


def test_the_command_keeps_programs_unless_it_is_told_not_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lowering.program_cache.cache_folder", lambda name: tmp_path / name)
    arguments = [str(DIGITS), "--input-shape", "1x8x8", "-o", str(tmp_path / "digits.snow")]
    assert snow_compile.main([*arguments, "--no-cache"]) == 0
    assert not (tmp_path / "programs").exists()
    assert snow_compile.main(arguments) == 0
    monkeypatch.setattr(compiler, "_lower_network", made_anew)
    assert snow_compile.main(arguments) == 0
    with pytest.raises(AssertionError):
        compile_model(DIGITS, (1, 8, 8))
