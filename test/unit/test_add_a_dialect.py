"""docs/add-a-dialect.md is true: its code, put into a copy of the project, works."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```\w+\n(?:#|//) ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


SIGMOID = """
%x = cnn.input "input" : tensor<1x16x8x8xf32>
%w = cnn.constant dense<0.1> : tensor<16x16x1x1xf32>
%c = cnn.conv2d %x, %w : (tensor<1x16x8x8xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x8x8xf32> loc("conv")
%y = cnn.sigmoid %c : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8xf32> loc("squash")
cnn.output "output" %y : tensor<1x16x8x8xf32>
"""


def blocks() -> list[tuple[str, str]]:
    """The code of the page: name of its file, and text."""
    return BLOCK.findall((ROOT / "docs/add-a-dialect.md").read_text())


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with everything that the page adds."""
    root = tmp_path_factory.mktemp("copy") / "project"
    ignored = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "Output", "*.pyc.*")
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
    for place, text in entries.items():
        if place.endswith(".md"):
            (root / place).write_text((root / place).read_text() + text)
        elif ": " in place:
            path, table = place.split(": ")
            add_entry(root / path, table, text)
    return root


def add_entries(path: Path, entries: dict[str, str]) -> None:
    """The only change to the pipeline: one entry for the dialect, one for the operation, one for the pass."""
    text = path.read_text()
    behind = '        Pass("cnn-canonicalize", "lowering.cnn.canonicalize"),\n'
    assert behind in text
    text = text.replace(behind, behind + entries["CNN, behind cnn-canonicalize"])
    phases = "PHASES = (CNN, TILE, LOOP, SNOWFLAKE)"
    assert phases in text
    text = text.replace(phases, f"PHASES = (CNN, TILE, LOOP, SNOWFLAKE,\n{entries['PHASES']})")
    head, cnn, tail = re.split(r"(^CNN = Phase\(.*?)^\)$", text, maxsplit=1, flags=re.MULTILINE | re.DOTALL)
    path.write_text(f"{head}{cnn}{entries['CNN']}){tail}")


def add_entry(path: Path, table: str, entry: str) -> None:
    """Puts an entry into a table of another file, and the imports it begins with before the others of the project."""
    imports, _, line = entry.rpartition("\n\n")
    text, places = re.subn(rf"^({table}: .*{{\n)", lambda found: found[1] + line, path.read_text(), flags=re.MULTILINE)
    assert places == 1
    path.write_text(re.sub(r"^(?=from snowdialect)", f"{imports}\n", text, count=1, flags=re.MULTILINE))


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
    tests = (
        *("dialects/pwl", "dialects/cnn/atan.mlir"),
        *("lowering/cnn_to_pwl.mlir", "lowering/cnn/drop_softmax.mlir"),
    )
    assert "Passed: 5" in run(copy, "lit", "-v", *(folder / test for test in tests))


def test_the_tree_is_complete(copy: Path) -> None:
    passed = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "test/unit/test_layout.py", "-k", "not help")
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


def test_a_pass_on_request_takes_options_beside_the_others(copy: Path, tmp_path: Path) -> None:
    (tmp_path / "net.mlir").write_text(SIGMOID)
    command = ("snow-opt", tmp_path / "net.mlir", "--lower-to-snowflake", "-p", "convert-cnn-to-pwl{pieces=2}")
    assert "pwl.apply" in run(copy, *command)


def test_a_dialect_between_others_is_a_level(copy: Path, tmp_path: Path) -> None:
    between = tmp_path / "project"
    shutil.copytree(copy, between)
    path = between / "lowering/pipeline.py"
    text, entries = path.read_text(), dict(blocks())
    entry = entries["entry in PHASES"]
    text = text.replace(f"\n{entry}", "").replace("(CNN,", f"(CNN,\n{entry.replace(', on_request=True', '')}")
    path.write_text(text)
    (tmp_path / "net.mlir").write_text(SIGMOID)
    lowered = run(between, "snow-opt", tmp_path / "net.mlir", "--lower-to-snowflake")
    assert "pwl.apply" in lowered and "snowflake.program placed" in lowered
    coverage = run(between, "snow-compile", tmp_path / "net.mlir", "--coverage")
    assert re.search(r"^conv +conv2d +accelerated", coverage, re.MULTILINE)
    assert re.search(r"^squash +sigmoid +unknown +of a dialect that reports do not know", coverage, re.MULTILINE)
    assert "conv on zc706" in run(between, "snow-compile", tmp_path / "net.mlir", "--explain", "conv")


def test_the_operation_runs(copy: Path, tmp_path: Path) -> None:
    x = np.linspace(-9, 9, 40, dtype=np.float32).reshape(4, 10)
    y = run_text(
        copy,
        tmp_path,
        """%x = cnn.input "input" : tensor<1x10xf32>
           %y = cnn.atan %x : (tensor<1x10xf32>) -> tensor<1x10xf32>
           cnn.output "output" %y : tensor<1x10xf32>""",
        x,
        "cnn-canonicalize",
    )
    np.testing.assert_allclose(y, np.arctan(x), rtol=1e-5)


def test_the_operation_goes_from_a_model_into_a_program(copy: Path, tmp_path: Path) -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, 4, 5, 5)) for name in ("x", "y")]
    weights = numpy_helper.from_array(np.linspace(-2, 2, 16, dtype=np.float32).reshape(4, 4, 1, 1), "w")
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Atan", ["c"], ["y"])]
    model = helper.make_model(helper.make_graph(nodes, "net", ends[:1], ends[1:], [weights]))
    save(model, tmp_path / "net.onnx")
    x = np.random.default_rng(3).normal(size=(2, 4, 5, 5)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    files = (tmp_path / "net.onnx", "-o", tmp_path / "net.snow", "--check", tmp_path / "x.npy")
    assert re.search(r"^simulator +equal +2 layers", run(copy, "snow-compile", *files), re.MULTILINE)
    run(copy, "snow-run", tmp_path / "net.snow", "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    expected: Any = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), expected[0], atol=0.05)


def run_text(root: Path, folder: Path, text: str, x: np.ndarray, passes: str) -> np.ndarray:
    (folder / "in.mlir").write_text(text)
    np.save(folder / "x.npy", x)
    run(root, "snow-opt", folder / "in.mlir", "-p", passes, "-o", folder / "out.mlir")
    run(root, "snow-run", folder / "out.mlir", "--input", folder / "x.npy", "--output", folder / "y.npy")
    return np.load(folder / "y.npy")
