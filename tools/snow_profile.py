"""The table of a report of the simulator, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import snow_cli

if TYPE_CHECKING:
    from rich.console import Console

_MILLION = 1e6
_WORK = ("kind", "mode", "order", "M-MAC", "cycles", "util %", "MB in", "MB out")
_WIDE = 140
"""Columns of a terminal that has room for work and ledger beside each other."""


def print_profile(report: Mapping[str, Any]) -> None:
    """Prints a row a layer: its work, its cycles, where they went, and a last row for the whole program.

    On a narrow terminal these are two tables.
    """
    names = [*(layer["name"] for layer in report["layers"]), "total"]
    rows = [*report["layers"], {**report, "kind": "", "mode": None, "order": None}]
    parts = list(report["ledger"])
    shares = [f"{part.replace('_', ' ').removeprefix('border and partial line ')} %" for part in parts]
    work, ledger = [_work(row) for row in rows], [_ledger(row, parts) for row in rows]
    console = snow_cli.open_console()
    if console.width >= _WIDE:
        both = [[*left, *right] for left, right in zip(work, ledger, strict=True)]
        _print_table(console, [*_WORK, *shares], names, both)
    else:
        _print_table(console, _WORK, names, work)
        console.print()
        _print_table(console, shares, names, ledger)
    console.print(
        f"{report['machine']}: {report['cycles']} cycles, {1e3 * report['seconds']:.3f} ms, "
        f"{report['frames_per_second']:.2f} frames/s, {report['gigabytes_per_second']:.2f} GB/s"
    )


def _print_table(console: "Console", headings: Sequence[str], names: list[str], rows: list[list[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("layer", no_wrap=True, overflow="ellipsis")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("kind", "mode", "order") else "right")
    for name, row in zip(names[:-1], rows[:-1], strict=True):
        table.add_row(name, *row)
    table.add_section()
    table.add_row(names[-1], *rows[-1], style="bold")
    console.print(table)


def _work(row: Mapping[str, Any]) -> list[str]:
    return [
        row["kind"],
        row["mode"] or "",
        row["order"] or "",
        f"{row['macs'] / _MILLION:.3f}",
        str(row["cycles"]),
        f"{100 * row['utilization']:.1f}",
        f"{row['dram_read_bytes'] / _MILLION:.3f}",
        f"{row['dram_write_bytes'] / _MILLION:.3f}",
    ]


def _ledger(row: Mapping[str, Any], parts: list[str]) -> list[str]:
    """Percent of the cycles of a layer that each part takes."""
    cycles = row["cycles"]
    return [f"{100 * row['ledger'].get(part, 0) / cycles if cycles else 0:.1f}" for part in parts]
