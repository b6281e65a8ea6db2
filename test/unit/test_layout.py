"""The tree is what docs say it is: each dialect and pass has its mirror images, and imports go one way."""

import ast
import configparser
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from xdsl.ir import Operation

from lowering.pipeline import PHASES, Pass

ROOT = Path(__file__).parents[2]
DIALECTS = [phase.dialect for phase in PHASES]
PASSES = [step for phase in PHASES for step in phase.passes]
STAGES = (*DIALECTS, "backend", "simulator")
SCRIPTS = [script.name for script in entry_points(group="console_scripts")]
COMMANDS = sorted(name for name in SCRIPTS if name.startswith("snow-"))


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def exists(path: str) -> bool:
    """Whether there is a module at `path`, as a file or as a package."""
    return (ROOT / f"{path}.py").is_file() or (ROOT / path / "__init__.py").is_file()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialect_has_its_mirror_images(dialect: str) -> None:
    assert exists(f"snowdialect/dialects/{dialect}")
    assert exists(f"snowdialect/interpreters/{dialect}")
    assert (ROOT / f"docs/{dialect}.md").is_file()
    for test in ("ops.mlir", "invalid.mlir"):
        assert (ROOT / "test/filecheck/dialects" / dialect / test).is_file()


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.name)
def test_pass_has_a_file_of_its_name_and_a_test(step) -> None:
    assert exists(step.module.replace(".", "/"))
    folder, _, stem = step.module.replace(".", "/").rpartition("/")
    tests = sorted((ROOT / "test/filecheck" / folder).glob(f"{stem.replace('_', '[-_]')}*"))
    assert any(step.name in path.read_text() for path in tests if path.is_file())


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.name)
def test_pass_is_on_the_page_of_its_phase_or_its_dialect(step: Pass) -> None:
    (dialect,) = (phase.dialect for phase in PHASES if step in phase.passes)
    pages = [ROOT / f"docs/{name}.md" for name in (dialect, step.level)]
    assert any(f"`{step.name}" in page.read_text() for page in pages)


def test_operations_in_files_of_their_own_have_their_mirror_images() -> None:
    for phase in PHASES:
        tests = [path.read_text() for path in (ROOT / "test/filecheck/dialects" / phase.dialect).glob("*.mlir")]
        for module in phase.operations:
            assert exists(module.replace(".dialects.", ".interpreters.").replace(".", "/"))
            names = [
                value.name
                for value in vars(import_module(module)).values()
                if isinstance(value, type) and issubclass(value, Operation) and value.__module__ == module
            ]
            assert names
            for name in names:
                assert any(name in text for text in tests), f"{name} is in no test of the dialect {phase.dialect}"


def test_every_test_mirrors_something() -> None:
    for dialect in (ROOT / "test/filecheck/dialects").iterdir():
        assert dialect.name in DIALECTS


def test_no_class_defines_a_verifier_that_xdsl_ignores() -> None:
    for path in sources("snowdialect", "lowering"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                methods = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
                assert "_verify" not in methods, f"{path}: {node.name}: xDSL calls verify_, not _verify"


def imported_modules(path: Path) -> Iterator[str]:
    """Absolute names of what a file imports, at its top or inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def stage(module: str) -> int | None:
    """Position of a module on the way from network to machine; of a conversion, that of its target."""
    found = None
    for part in module.split(".")[1:]:
        words = part.split("_")
        for position, name in enumerate(STAGES):
            if words[0] == name or ("to" in words and words[-1] == name):
                found = position if found is None else max(found, position)
    return found


def test_nothing_imports_to_its_right() -> None:
    # A pass belongs to the level that its phase leads to, whatever it is called.
    homes = {step.module: STAGES.index(phase.dialect) for phase in PHASES for step in phase.passes}
    for path in sources("snowdialect", "lowering"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        own = homes.get(module, stage(module))
        if "frontends" in module:
            own = STAGES.index("cnn")
        if own is None:
            continue
        for imported in imported_modules(path):
            if imported.partition(".")[0] not in ("snowdialect", "lowering"):
                continue
            theirs = stage(imported)
            assert theirs is None or theirs <= own, f"{module} imports {imported}, which is to its right"


def test_only_two_modules_of_snowdialect_know_the_passes() -> None:
    allowed = {ROOT / "snowdialect/__init__.py", ROOT / "snowdialect/universe.py"}
    for path in sources("snowdialect"):
        if path not in allowed:
            assert not any(name.partition(".")[0] == "lowering" for name in imported_modules(path)), path


def test_machine_imports_nothing_of_ours() -> None:
    # But for what a mistake of a user is, which itself imports nothing.
    for path in (*sources("snowdialect/machine"), ROOT / "snowdialect/errors.py"):
        for name in imported_modules(path):
            ours = name.partition(".")[0] in ("snowdialect", "lowering")
            allowed = name.startswith(("snowdialect.machine", "snowdialect.errors"))
            assert not ours or allowed, f"{path} imports {name}"


def test_every_command_is_installed_and_a_module_of_tools() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = [line.split() for line in setup["options.entry_points"]["console_scripts"].strip().splitlines()]
    assert sorted(words[0] for words in declared) == COMMANDS
    for name, _, target in declared:
        assert target == f"{name.replace('-', '_')}:main"
        assert (ROOT / "tools" / f"{name.replace('-', '_')}.py").is_file()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_does(command: str) -> None:
    done = subprocess.run([Path(sys.executable).parent / command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: {command}")
    assert done.stderr == ""


def test_help_of_snow_opt_imports_nothing_heavy() -> None:
    program = """
import sys, snow_opt
try:
    snow_opt.main(["--help"])
except SystemExit:
    heavy = {"numpy", "rich", "safetensors", "torchfile", "snowdialect.dialects.cnn"} & set(sys.modules)
    print("heavy:", sorted(heavy))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


@pytest.mark.parametrize("step", PASSES, ids=lambda step: step.name)
def test_the_name_of_a_pass_begins_with_a_level(step: Pass) -> None:
    assert step.level in DIALECTS
