"""`snow-bench`: measurements, as tables."""

import argparse
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import snow_cli

Row = dict[str, Any]
"""A row of a table: values by the names of its columns."""


class Benchmark(NamedTuple):
    """A benchmark: the module whose function `measure` yields its rows, and what it is about."""

    module: str
    about: str


BENCHMARKS = {
    "simulator": Benchmark("snow_bench_simulator", "speed of the simulator on AlexNet's convolutions"),
}

DESCRIPTION = "Measures, and prints a table.\n\n" + "\n".join(
    f"{name}: {benchmark.about}" for name, benchmark in BENCHMARKS.items()
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="NAME", choices=list(BENCHMARKS), help="what to measure")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug)


def run(options: argparse.Namespace) -> int:
    measure: Callable[[], list[Row]] = import_module(BENCHMARKS[options.name].module).measure
    rows = measure()
    snow_cli.show_progress()
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print_table(rows)
    return 0


def print_table(rows: Sequence[Row]) -> None:
    """Prints rows that have the same columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name, value in rows[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=None if Console().is_terminal else 200).print(table)
