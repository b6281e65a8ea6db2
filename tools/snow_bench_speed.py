"""Speed of the compiler, as a command in a process of its own, and of the simulator, on networks of the zoo."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import snow_cli
from snow_bench import Row, Table, Tables
from snow_bench_zoo import check_names

if TYPE_CHECKING:
    from snowdialect.backend.program import Program
    from snowdialect.simulator import SimulationResult

WARM_UP = "conv"
"""The network that is compiled first, and not counted: what Python and Numba keep on disk is then there."""


_LAUNCHER = """if True:
    import resource, subprocess, sys, time
    started = time.perf_counter()
    run = f"import sys, {sys.argv[1]}; sys.exit({sys.argv[1]}.main())"
    done = subprocess.run([sys.executable, "-c", run, *sys.argv[2:]], stdout=subprocess.DEVNULL)
    seconds, usage = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    sys.exit(done.returncode)
"""
"""Runs a command and prints its cost. Linux counts the memory of who starts a process as that of the process, too; this
one has little."""


class Cost(NamedTuple):
    """What a command takes."""

    seconds: float
    """From its start to its end."""
    cpu_seconds: float
    """Of all cores: on a busy machine, the steadier figure."""
    megabytes: float
    """The most memory that it held."""


class Compiled(NamedTuple):
    """A network of the zoo as files, and what `snow-compile` took for it."""

    name: str
    model: Path
    program: Path
    command: tuple[str, ...]
    """What is given to `snow-compile` for it."""
    cost: Cost
    """Without what is kept of earlier compilations."""


class Simulated(NamedTuple):
    """A program and its run on one seeded input."""

    program: "Program"
    result: "SimulationResult"
    seconds: float
    """Of a second run, which compiles nothing."""


def measure(networks: Sequence[str]) -> Tables:
    """A row a network, whole: time and memory of compiling it, anew and when its code is kept, time of simulating one
    input."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_row(compiled) for compiled in compile_networks(networks, Path(folder), features_only=False)]
    return {"speed": Table("Compiling a model file to a program, anew and again, and simulating one input", rows)}


def _row(compiled: Compiled) -> Row:
    program, _, seconds = simulate_network(compiled)
    again = _compile_again(compiled)
    return {
        "network": compiled.name,
        "macs": program.macs,
        "instructions": program.instructions,
        "compile_seconds": compiled.cost.seconds,
        "compile_cpu_seconds": compiled.cost.cpu_seconds,
        "compile_megabytes": compiled.cost.megabytes,
        "again_seconds": again.seconds,
        "simulation_seconds": seconds,
        "gmac_per_second": program.macs / seconds / 1e9,
    }


def compile_networks(
    networks: Sequence[str], folder: Path, features_only: bool, input_layout: str = "best", machine: str = "zc706"
) -> list[Compiled]:
    """Writes and compiles networks into a folder, the commands being processes of their own.

    Raises SnowError for an unknown name and for a command that fails.
    """
    from snowdialect.models.zoo import MODELS

    check_names(networks)
    compiled: list[Compiled] = []
    for name in (WARM_UP, *networks):
        snow_cli.show_progress(f"compiling {name} ...")
        model, program = folder / f"{name}.t7", folder / f"{name}-{input_layout}-{machine}.snow"
        features = ["--features"] if features_only and MODELS[name].classifier is not None else []
        _run_alone("snow_zoo", name, "-o", str(model), *features)
        shape = "x".join(map(str, MODELS[name].input_shape))
        target = ["--input-layout", input_layout, "--machine", machine]
        command = (str(model), "--input-shape", shape, *target, "-o", str(program))
        cost = _run_alone("snow_compile", *command, "--no-cache")
        compiled.append(Compiled(name, model, program, command, cost))
    return compiled[1:]


def _compile_again(compiled: Compiled) -> Cost:
    """What it takes when the code of the network is kept."""
    snow_cli.show_progress(f"compiling {compiled.name} again ...")
    _run_alone("snow_compile", *compiled.command)
    return _run_alone("snow_compile", *compiled.command)


def _run_alone(module: str, *arguments: str) -> Cost:
    """Runs a command. Raises SnowError with what it says when it fails."""
    from snowdialect.errors import SnowError

    done = subprocess.run([sys.executable, "-c", _LAUNCHER, module, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SnowError(f"{module} {arguments[0]}: {done.stderr.strip().removeprefix('error: ')}")
    return Cost(*map(float, done.stdout.split()))


def simulate_network(compiled: Compiled) -> Simulated:
    """Runs a program twice on one input."""
    import numpy as np

    from snowdialect.backend.container import load_program
    from snowdialect.simulator import simulate

    snow_cli.show_progress(f"simulating {compiled.name} ...")
    program = load_program(compiled.program)
    batch = np.random.default_rng(0).normal(0, 1, (1, *program.inputs[0].shape))
    simulate(program, batch)
    started = time.perf_counter()
    result = simulate(program, batch)
    return Simulated(program, result, time.perf_counter() - started)
