"""What `snow-check --float` prints: a row a layer, what fixed point costs it."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lowering.accuracy import Accuracy, LayerAccuracy


def span(text: str) -> tuple[float, float]:
    """Parses `LOW:HIGH` for argparse."""
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form LOW:HIGH") from None
    if not -math.inf < low <= high < math.inf:
        raise argparse.ArgumentTypeError(f"'{text}' is no range: LOW must not be above HIGH, and both finite")
    return low, high


def print_table(accuracy: "Accuracy") -> None:
    """One line a layer, then what is worth a sentence."""
    width = max((5, *(len(row.name) for row in accuracy.layers)))
    kinds = max((11, *(len(row.kind) for row in accuracy.layers)))
    print(f"{'layer':<{width}}  {'kind':<{kinds}}{'bits':>5}{'SNR dB':>8}{'saturations':>13}{'wraps':>8}  can wrap")
    for row in accuracy.layers:
        bits = "" if row.frac_bits is None else row.frac_bits
        print(
            f"{row.name:<{width}}  {row.kind:<{kinds}}{bits:>5}{row.snr:>8.1f}{row.saturations:>13}{row.wraps:>8}"
            f"  {'yes' if row.can_wrap else 'no'}{'  <- falls off a cliff' if row.cliff else ''}"
        )
    print(f"the largest output is that of float for {accuracy.agreeing} of {accuracy.inputs} inputs")


def make_table(model: Path, accuracy: "Accuracy") -> dict[str, Any]:
    """The lines as JSON; `cliff` names a layer or is null.

    `snr_db` is null where it is infinite: for a result that is exact, and for one that is zero in float alone.
    """
    return {
        "model": model.name,
        "inputs": accuracy.inputs,
        "agreeing": accuracy.agreeing,
        "cliff": next((row.name for row in accuracy.layers if row.cliff), None),
        "layers": [_row(row) for row in accuracy.layers],
    }


def print_accuracy(model: Path, accuracy: "Accuracy", *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(make_table(model, accuracy), indent=2))
    else:
        print_table(accuracy)


def _row(row: "LayerAccuracy") -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "frac_bits": row.frac_bits,
        "snr_db": row.snr if math.isfinite(row.snr) else None,
        "saturations": row.saturations,
        "accumulator_wraps": row.wraps,
        "accumulator_range": row.sums,
        "can_wrap": row.can_wrap,
        "cliff": row.cliff,
    }
