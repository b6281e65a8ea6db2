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

A model in float runs in float first; how far the reference is from it, at most,
is what quantisation costs, and no error."""


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
    from lowering.check import FLOAT, check, output_distance

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
    elif results[0].level == FLOAT:
        print(f"fixed point is at most {output_distance(results[0].run, results[1].run):.4g} from float")
    if difference is not None:
        print(f"error: {difference}", file=sys.stderr)
        return 1
    return 0


def describe(result: "LevelResult") -> str:
    """One line about a level."""
    if result.level not in LEVELS:
        line = result.level
    else:
        verdict = "equal" if result.difference is None else "DIFFERS"
        if result.level == LEVELS[0]:
            verdict = "reference"
        saturations, wraps = counts(result)
        line = (
            f"{result.level:<10} {verdict:<10}{result.layers_compared:>4} layers"
            f"{saturations:>10} saturations{wraps:>8} wraps"
        )
    return f"{line:<64}{result.seconds:>8.2f} s"


def counts(result: "LevelResult") -> tuple[int, int]:
    """Saturations and accumulator wraps of a run, all layers together."""
    return sum(result.run.saturations.values()), sum(result.run.wraps.values())


def make_table(model: Path, results: "list[LevelResult]") -> dict[str, Any]:
    """The lines as JSON; `difference` is null when all levels agree."""
    from lowering.check import FLOAT, output_distance

    difference = results[-1].difference
    return {
        "model": str(model),
        "equal": difference is None,
        "distance_from_float": output_distance(results[0].run, results[1].run) if results[0].level == FLOAT else None,
        "levels": [
            {
                "level": result.level,
                "equal": result.difference is None,
                "layers": result.layers_compared,
                "saturations": counts(result)[0],
                "accumulator_wraps": counts(result)[1],
                "seconds": result.seconds,
            }
            for result in results
            if result.level != FLOAT
        ],
        "difference": None
        if difference is None
        else {"level": difference.level, "pass": difference.after, **difference.place._asdict()},
    }
