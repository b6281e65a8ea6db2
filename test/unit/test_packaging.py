"""What an installed wheel puts into site-packages."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Paths in a wheel built from a copy of the sources, so that nothing left from older builds gets in."""
    source = tmp_path_factory.mktemp("source") / "snowdialect"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__"))
    target = tmp_path_factory.mktemp("wheel")
    command = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        target,
        source,
    )
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = target.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_top_level_names_are_ours(wheel_files: list[str]) -> None:
    names = {path.partition("/")[0] for path in wheel_files}
    metadata = {name for name in names if name.endswith(".dist-info")}
    commands = {path.name for path in (ROOT / "tools").glob("snow_*.py")}
    assert names - metadata == {"snowdialect", "lowering"} | commands


def test_every_module_is_packed(wheel_files: list[str]) -> None:
    for package in ("snowdialect", "lowering"):
        for path in (ROOT / package).rglob("*.py"):
            assert path.relative_to(ROOT).as_posix() in wheel_files


def test_data_files_are_packed(wheel_files: list[str]) -> None:
    data = [*(ROOT / "snowdialect/machine").glob("*.toml"), *(ROOT / "snowdialect/models").glob("*.*")]
    assert data
    for path in data:
        assert path.relative_to(ROOT).as_posix() in wheel_files
