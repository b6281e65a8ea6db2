"""docs/add-a-dialect.md is true: its code, put into a copy of the project, works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```\w+\n(?:#|//) ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """The code of the page: name of its file, and text."""
    return BLOCK.findall((ROOT / "docs/add-a-dialect.md").read_text())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with everything that the page adds."""
    root = tmp_path_factory.mktemp("copy") / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", "Output")
    shutil.copytree(ROOT, root, ignore=ignored)
    entries: dict[str, str] = {}
    for title, text in blocks():
        if title.startswith("entry in "):
            entries[title.removeprefix("entry in ")] = text
            continue
        path = root / title
        assert not path.exists(), "the page may only add files"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    add_entries(root / "lowering/pipeline.py", entries)
    return root


def add_entries(path: Path, entries: dict[str, str]) -> None:
    """The only change to a file that is there: one entry for the dialect, one for the operation."""
    text = path.read_text()
    phases = "PHASES = (CNN, TILE, LOOP, SNOWFLAKE)"
    assert phases in text
    text = text.replace(phases, f"PHASES = (CNN, TILE, LOOP, SNOWFLAKE,\n{entries['PHASES']})")
    head, cnn, tail = re.split(r"(^CNN = Phase\(.*?)^\)$", text, maxsplit=1, flags=re.MULTILINE | re.DOTALL)
    path.write_text(f"{head}{cnn}{entries['CNN']}){tail}")


def run(root: Path, *command: str | Path) -> str:
    """Runs a command on the copy instead of what is installed."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join((str(root), str(root / "tools"))),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_lit_tests_pass(copy: Path) -> None:
    folder = copy / "test/filecheck"
    tests = ("dialects/pwl", "dialects/cnn/softplus.mlir", "lowering/cnn_to_pwl.mlir")
    assert "Passed: 4" in run(copy, "lit", "-v", *(folder / test for test in tests))


def test_the_tree_is_complete(copy: Path) -> None:
    passed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "test/unit/test_layout.py", "-k", "pwl")
    assert "passed" in passed


def test_the_linters_agree(copy: Path) -> None:
    added = [title for title, _ in blocks() if title.endswith(".py")]
    run(copy, "ruff", "check", *added)
    run(copy, "ruff", "format", "--check", *added)
    run(copy, "pyright", *added)


def test_the_dialect_runs(copy: Path, tmp_path: Path) -> None:
    x = np.linspace(-9, 9, 40, dtype=np.float32).reshape(4, 10)
    y = run_text(
        copy,
        tmp_path,
        """%x = cnn.input "input" : tensor<1x10xf32>
           %y = cnn.sigmoid %x : (tensor<1x10xf32>) -> tensor<1x10xf32>
           cnn.output "output" %y : tensor<1x10xf32>""",
        x,
        "convert-cnn-to-pwl",
    )
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-x)), atol=5e-3)


def test_the_operation_runs(copy: Path, tmp_path: Path) -> None:
    x = np.linspace(-9, 9, 40, dtype=np.float32).reshape(4, 10)
    y = run_text(
        copy,
        tmp_path,
        """%x = cnn.input "input" : tensor<1x10xf32>
           %y = cnn.softplus %x : (tensor<1x10xf32>) -> tensor<1x10xf32>
           cnn.output "output" %y : tensor<1x10xf32>""",
        x,
        "cnn-canonicalize",
    )
    np.testing.assert_allclose(y, np.log1p(np.exp(x)), rtol=1e-5)


def run_text(root: Path, folder: Path, text: str, x: np.ndarray, passes: str) -> np.ndarray:
    (folder / "in.mlir").write_text(text)
    np.save(folder / "x.npy", x)
    run(root, "snow-opt", folder / "in.mlir", "-p", passes, "-o", folder / "out.mlir")
    run(root, "snow-run", folder / "out.mlir", "--input", folder / "x.npy", "--output", folder / "y.npy")
    return np.load(folder / "y.npy")
