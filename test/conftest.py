"""Fixtures for every test."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED_MODELS = Path(__file__).parents[2] / "shared" / "models"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="whole zoo, more random schedules: what make test-long runs")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_time: runs with --long only")


def pytest_sessionstart() -> None:
    """Each of several processes that run tests gets a CPU. So the compiler has one process, and what it has worked out
    for one test is there for the next; forks would take that with them. Tests of several processes ask for them."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {available[int(worker.removeprefix("gw")) % len(available)]})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--long"):
        late = [item for item in items if item.get_closest_marker("needs_time")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]


@pytest.fixture(scope="module", autouse=True)
def collects_between_modules() -> Iterator[None]:
    """Python's collector of cycles runs behind each file of tests, hardly ever in one: IR is all cycles, through which
    it would go again and again, in a fifth of the time. What it finds alive it never looks at again: modules and what
    they have worked out, through which it takes a second to go."""
    thresholds = gc.get_threshold()
    gc.set_threshold(1_000_000, *thresholds[1:])
    yield
    gc.set_threshold(*thresholds)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def keeps_no_programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands that run in the tests' own process compile all anew: some tests change the compiler in memory, of which
    the keys of kept programs know nothing."""
    nowhere = tmp_path_factory.mktemp("cache") / "file"
    nowhere.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lowering.program_cache.cache_folder", nowhere.joinpath)
        yield


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether time does not matter."""
    return bool(request.config.getoption("--long"))


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of real networks that lies beside the checkout on the developers' machines."""
    if not SHARED_MODELS.is_dir():
        pytest.skip("needs ../shared/models, real networks that do not come with the project")
    return SHARED_MODELS
