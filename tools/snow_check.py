"""`snow-check`: runs a network at every level and names the first difference."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import snow_cli
from lowering.pipeline import LEVELS
from snowdialect.errors import SnowError

if TYPE_CHECKING:
    from lowering.check import LevelResult

DESCRIPTION = """\
Compiles MODEL, runs every level on the same inputs and compares all layers with
the reference, the fused and quantised network, bit by bit. Prints one line per
level; exits with 1 at the first difference, naming pass, layer and element.

Beside the reference stands how far its output is from the float network's, at
most; that is what quantisation costs, and no difference."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-check", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file, or .mlir at level cnn")
    parser.add_argument("--input", metavar="X.npy", type=Path, required=True, help="one input or a batch")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    snow_cli.add_model_arguments(parser)
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug)


def run(options: argparse.Namespace) -> int:
    import snow_arrays
    from lowering import driver
    from lowering.check import check

    context = driver.make_context()
    program = driver.read_program(context, options.model, options.input_shape)
    if (level := driver.level_of(program.module)) != LEVELS[0]:
        raise SnowError(f"{options.model}: is at level {level}; the comparison starts at {LEVELS[0]}")
    if options.machine is not None:
        driver.set_machine(program.module, options.machine)
    inputs = snow_arrays.read_input(options.input, driver.input_shape(program.module))
    results: list[LevelResult] = []
    for result in check(context, program.module, inputs.batch, program.weights()):
        results.append(result)
        if not options.json:
            print(describe(result), flush=True)
    difference = results[-1].difference
    if options.json:
        print(json.dumps(make_table(options.model, results), indent=2))
    if difference is not None:
        print(f"error: {difference}", file=sys.stderr)
        return 1
    return 0


def describe(result: "LevelResult") -> str:
    """One line about a level."""
    if result.level == LEVELS[0]:
        verdict = "reference"
    else:
        verdict = "equal" if result.difference is None else "DIFFERS"
    line = (
        f"{result.level:<10} {verdict:<10} {result.layers:>4} layers {result.saturations:>8} saturations "
        f"{result.wraps:>6} wraps {result.seconds:>8.2f} s"
    )
    if result.float_distance is not None:
        line += f"   at most {result.float_distance:.4g} from float"
    return line


def make_table(model: Path, results: "list[LevelResult]") -> dict[str, Any]:
    """The lines as JSON; `difference` is null when all levels agree."""
    difference = results[-1].difference
    return {
        "model": str(model),
        "equal": difference is None,
        "distance_from_float": results[0].float_distance,
        "levels": [
            {
                "level": result.level,
                "equal": result.difference is None,
                "layers": result.layers,
                "saturations": result.saturations,
                "accumulator_wraps": result.wraps,
                "seconds": result.seconds,
            }
            for result in results
        ],
        "difference": None
        if difference is None
        else {"level": difference.level, "pass": difference.after, **difference.place._asdict()},
    }
