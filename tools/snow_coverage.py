"""The table of what becomes of the layers of a network, for a terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import snow_cli


def print_coverage(layers: Sequence[Mapping[str, Any]]) -> None:
    """Prints a row a layer, as `coverage` in reports has them, and their sums."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("layer", "operation", "is", "M-MAC", "why"):
        table.add_column(heading, justify="right" if heading == "M-MAC" else "left", overflow="fold")
    for layer in layers:
        table.add_row(
            layer["name"],
            layer["operation"],
            layer["fate"] or "unknown",
            f"{layer['macs'] / 1e6:.3f}" if layer["macs"] else "",
            layer["reason"] or "",
        )
    table.add_section()
    fates = Counter(layer["fate"] or "unknown" for layer in layers)
    counts = ", ".join(f"{count} {fate}" for fate, count in sorted(fates.items()))
    macs = sum(layer["macs"] or 0 for layer in layers)
    table.add_row(f"{len(layers)} layers", "", "", f"{macs / 1e6:.3f}", counts, style="bold")
    snow_cli.open_console().print(table)
