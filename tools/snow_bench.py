"""`snow-bench`: measurements, as tables."""

import argparse
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import snow_cli

Row = dict[str, Any]
"""A row of a table: values by the names of its columns."""


class Table(NamedTuple):
    title: str
    rows: list[Row]
    """Rows that have the same columns."""


Tables = dict[str, Table]
"""Tables by the names that they have in JSON."""


class Benchmark(NamedTuple):
    """A benchmark: the module whose function `measure` returns its tables, and what it is about."""

    module: str
    about: str
    networks: tuple[str, ...] = ()
    """For one that measures networks of the zoo: those it takes unless others are asked for."""


BENCHMARKS = {
    "paper": Benchmark("snow_bench_paper", "the published figures of hand code and compiler beside ours"),
    "nets": Benchmark(
        "snow_bench_nets",
        "networks without linear layers: instructions, traffic, frames per second, time to compile",
        ("alexnet", "resnet18", "resnet34", "resnet50", "vgg16", "googlenet", "squeezenet"),
    ),
    "model": Benchmark(
        "snow_bench_model",
        "cycles and bytes that the compiler expects of each layer beside those of the simulator",
        ("alexnet", "resnet18", "squeezenet"),
    ),
    "ablation": Benchmark(
        "snow_bench_ablation", "what each pass and each choice of a schedule brings", ("alexnet", "resnet18")
    ),
    "machines": Benchmark(
        "snow_bench_machines", "the same networks on machines of other sizes", ("alexnet", "resnet18")
    ),
    "speed": Benchmark(
        "snow_bench_speed", "time and memory of compiling whole networks, speed of the simulator on them", ("resnet18",)
    ),
    "simulator": Benchmark("snow_bench_simulator", "speed of the simulator on AlexNet's convolutions"),
}

DESCRIPTION = "Measures, and prints tables.\n\n" + "\n".join(
    f"{name}: {benchmark.about}" for name, benchmark in BENCHMARKS.items()
)


def main(arguments: Sequence[str] | None = None) -> int:
    measuring = {name: ", ".join(benchmark.networks) for name, benchmark in BENCHMARKS.items() if benchmark.networks}
    defaults = "; ".join(f"for {name} {networks}" for name, networks in measuring.items())
    parser = argparse.ArgumentParser(
        "snow-bench", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="NAME", choices=list(BENCHMARKS), help="what to measure")
    parser.add_argument(
        "--nets",
        metavar="NAME,...",
        type=lambda text: tuple(text.split(",")),
        help=f"networks of snow-zoo to measure (default: {defaults})",
    )
    parser.add_argument("--json", action="store_true", help="print the tables as JSON")
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    if options.nets and not BENCHMARKS[options.name].networks:
        parser.error(f"{options.name} takes no --nets")
    return snow_cli.run_command(lambda: run(options), options.debug)


def run(options: argparse.Namespace) -> int:
    benchmark = BENCHMARKS[options.name]
    measure: Callable[..., Tables] = import_module(benchmark.module).measure
    tables = measure(options.nets or benchmark.networks) if benchmark.networks else measure()
    snow_cli.show_progress()
    if options.json:
        print(json.dumps({name: table.rows for name, table in tables.items()}, indent=2))
    else:
        print_tables(tables)
    return 0


def print_tables(tables: Tables) -> None:
    from rich import table

    console = snow_cli.open_console()
    for title, rows in tables.values():
        grid = table.Table(box=None, header_style="bold", pad_edge=False)
        for name, value in rows[0].items():
            heading = name.replace("percent", "%").replace("mops", "M-ops").replace("_", " ")
            grid.add_column(heading, justify="left" if isinstance(value, str) else "right")
        for row in rows:
            grid.add_row(*map(text_of, row.values()))
        console.print(title, style="bold")
        console.print(grid)
        console.print()


def text_of(value: Any) -> str:
    """A value for a table: numbers as many digits as tell something."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
