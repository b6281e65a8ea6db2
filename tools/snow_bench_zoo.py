"""What the benchmarks share: networks of the zoo as files, programs made of them, and the reference they must equal."""

from collections.abc import Container, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import snow_cli
from snowdialect.errors import SnowError

if TYPE_CHECKING:
    from lowering.driver import PassOptions
    from snowdialect.interpreters import Run

NO_OPTIONS: "PassOptions" = {}


def check_names(networks: Sequence[str]) -> None:
    """Raises SnowError for a name that is not in the zoo."""
    from snowdialect.models.zoo import MODELS

    if unknown := [name for name in networks if name not in MODELS]:
        raise SnowError(f"unknown network '{unknown[0]}'; known are {', '.join(MODELS)}")


class Features(NamedTuple):
    """A network of the zoo without its linear layers, as a file."""

    name: str
    path: Path
    input_shape: tuple[int, ...]

    def run(
        self, options: "PassOptions" = NO_OPTIONS, machine: str | None = None, without: Container[str] = ()
    ) -> "Measured":
        """Compiles it and simulates one seeded input."""
        import numpy as np

        from lowering.check import simulated_run
        from lowering.compiler import compile_model
        from snowdialect.simulator import simulate

        snow_cli.show_progress(f"compiling {self.name} ...")
        program = compile_model(self.path, self.input_shape, machine, options, without=without)
        snow_cli.show_progress(f"simulating {self.name} ...")
        batch = np.random.default_rng(0).normal(0, 1, (1, *self.input_shape))
        result = simulate(program, batch)
        return Measured(result.report, simulated_run(result))

    def reference(self, without: Container[str] = ()) -> "Run":
        """Bits, saturations and wraps of the quantised network at level cnn on the same input."""
        import numpy as np

        from lowering import driver
        from lowering.pipeline import LEVELS
        from snowdialect.interpreters import run_module

        snow_cli.show_progress(f"running the reference of {self.name} ...")
        network = driver.read_model(self.path, self.input_shape)
        driver.lower(driver.make_context(), network.module, LEVELS[0], without=without)
        batch = np.random.default_rng(0).normal(0, 1, (1, *self.input_shape))
        return run_module(network.module, batch.astype(np.float32), network.weights())


class Measured(NamedTuple):
    """A program's run on the simulator."""

    report: dict[str, Any]
    run: "Run"

    @property
    def dram_bytes(self) -> int:
        return self.report["dram_read_bytes"] + self.report["dram_write_bytes"]

    def equals(self, reference: "Run") -> bool:
        from lowering.check import first_difference

        return first_difference(reference, self.run) is None


@contextmanager
def features_of(networks: Sequence[str]) -> Generator[list[Features]]:
    """Networks of the zoo, in a folder that goes in the end. Raises SnowError for an unknown name."""
    import numpy as np

    from snowdialect.frontends.torch7.writer import save
    from snowdialect.models.zoo import MODELS

    check_names(networks)
    with TemporaryDirectory() as folder:
        files: list[Features] = []
        for name in networks:
            model, path = MODELS[name], Path(folder) / f"{name}.t7"
            save(path, model.build(np.random.default_rng(0), model.classifier is not None))
            files.append(Features(name, path, model.input_shape))
        yield files
