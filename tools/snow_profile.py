"""The table of a report of the simulator, for a terminal."""

from collections.abc import Mapping
from typing import Any

_MILLION = 1e6


def print_profile(report: Mapping[str, Any]) -> None:
    """Prints a row a layer: its work, its cycles, where they went, and a last row for the whole program."""
    from rich.console import Console
    from rich.table import Table

    layers = report["layers"]
    parts = list(report["ledger"])
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("layer", "kind", "mode", "order"):
        table.add_column(name, no_wrap=name == "layer", overflow="ellipsis")
    for name in ("M-MAC", "cycles", "util %", "MB in", "MB out", *(f"{part} %".replace("_", " ") for part in parts)):
        table.add_column(name, justify="right", max_width=10)
    for layer in layers:
        texts = (layer["name"], layer["kind"], layer["mode"] or "", layer["order"] or "")
        table.add_row(*texts, *_numbers(layer, parts))
    table.add_section()
    table.add_row("total", "", "", "", *_numbers(report, parts), style="bold")
    console = Console(width=None if Console().is_terminal else 200, soft_wrap=True)
    console.print(table)
    console.print(
        f"{report['machine']}: {report['cycles']} cycles, {1e3 * report['seconds']:.3f} ms, "
        f"{report['frames_per_second']:.2f} frames/s, {report['gigabytes_per_second']:.2f} GB/s",
        highlight=False,
    )


def _numbers(row: Mapping[str, Any], parts: list[str]) -> list[str]:
    cycles = row["cycles"]
    shares = [row["ledger"].get(part, 0) / cycles if cycles else 0 for part in parts]
    return [
        f"{row['macs'] / _MILLION:.3f}",
        str(cycles),
        f"{100 * row['utilization']:.1f}",
        f"{_bytes(row['dram_read_bytes']) / _MILLION:.3f}",
        f"{_bytes(row['dram_write_bytes']) / _MILLION:.3f}",
        *(f"{100 * share:.1f}" for share in shares),
    ]


def _bytes(count: Any) -> int:
    """A number of bytes, or its parts."""
    return sum(count.values()) if isinstance(count, Mapping) else count
