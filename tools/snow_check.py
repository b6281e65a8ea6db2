"""`snow-check`: runs a network at every level and on the simulator, and names the first difference."""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import snow_check_float
import snow_cli
from lowering.pipeline import LEVELS
from snowdialect.errors import SnowError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lowering.check import LevelResult
    from lowering.context import ProgramContext
    from lowering.driver import Source

DESCRIPTION = """\
Compiles MODEL, runs every level and the simulator on the same inputs and compares
all layers with the reference, the fused and quantised network, bit by bit. Prints
one line per level; exits with 1 at the first difference, naming pass, layer and
element. The simulator must execute as many instructions as the lowest level, too.

A model in float runs in float first, as it is read, and as passes fold it before
quantisation: outputs may differ by 1 % of the largest and 1/256. How far the
reference is from it, at most, is what quantisation costs, and no error.

With --float only the reference runs, and every layer of it is compared with the
same layer in float: its fraction bits; its signal-to-noise ratio over all inputs,
where noise is what fixed point changes; how many of its results saturated or
wrapped; whether any input at all could make a sum wrap. The first layer whose
ratio is below 20 dB, or more than 20 dB below the worst that it reads (60 dB at
most), falls off a cliff and is marked."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-check", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="model file, or .mlir at level cnn")
    parser.add_argument("--input", metavar="X.npy", type=Path, required=True, help="one input or a batch")
    parser.add_argument("--json", action="store_true", help="print the table as JSON")
    parser.add_argument("--float", action="store_true", help="compare each layer with float, instead of levels")
    parser.add_argument(
        "--input-range",
        metavar="LOW:HIGH",
        type=snow_check_float.span,
        help="with --float: numbers that inputs lie between, for what can wrap (default: all that its words can hold); "
        "write --input-range=LOW:HIGH when LOW is negative",
    )
    snow_cli.add_model_arguments(parser)
    snow_cli.add_compile_arguments(parser)
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug)


def run(options: argparse.Namespace) -> int:
    if options.float:
        for option in ("schedule", "input_layout"):
            if getattr(options, option) is not None:
                raise SnowError(f"--{option.replace('_', '-')} changes no bits, and so nothing that --float compares")
        return run_float(options)
    if options.input_range is not None:
        raise SnowError("--input-range is for --float: levels are compared on the inputs given")
    results = compare(options, options.input, describe_on_output=not options.json)
    if options.json:
        print(json.dumps(make_table(options.model, results), indent=2))
    return report_difference(results)


def run_float(options: argparse.Namespace) -> int:
    """Compares the reference with float, layer by layer."""
    from lowering import driver
    from lowering.accuracy import compare_with_float

    context, source, batch = read(options, options.input)
    accuracy = compare_with_float(
        context,
        source.module,
        batch,
        source.weights(),
        driver.pass_options(calibrate=options.calibrate),
        options.input_range,
    )
    snow_cli.show_progress()
    snow_check_float.print_accuracy(options.model, accuracy, as_json=options.json)
    return 0


def read(
    options: argparse.Namespace, inputs: Path, outputs: Sequence[Path | None] = ()
) -> "tuple[ProgramContext, Source, NDArray[np.float32]]":
    """The network that a command is given, at level cnn, and a batch of inputs for it."""
    from lowering import driver
    from snowdialect import arrays

    snow_cli.show_progress(f"reading {options.model} ...")
    context = driver.make_context()
    context.announce = snow_cli.show_progress
    source = driver.read_source(context, options.model, options.input_shape, outputs)
    driver.expect_network(source.module, options.model)
    if (level := driver.level_of(source.module)) != LEVELS[0]:
        raise SnowError(f"{options.model}: is at level {level}; the comparison starts at {LEVELS[0]}")
    if options.machine is not None:
        driver.set_machine(source.module, options.machine)
    return context, source, arrays.read_input(inputs, driver.input_shape(source.module)).batch


def compare(
    options: argparse.Namespace,
    inputs: Path,
    *,
    describe_on_output: bool,
    bound_accumulators: bool = False,
    outputs: Sequence[Path | None] = (),
) -> "list[LevelResult]":
    """Compiles a network and runs it at every level and on the simulator.

    `options` are those of a command that compiles. `describe_on_output`: a line a level goes to the standard output;
    `bound_accumulators`: the program says which layers can wrap; `outputs` are files to be written.
    """
    from lowering import driver
    from lowering.check import FLOAT, check, output_distance

    context, source, batch = read(options, inputs, outputs)
    passes = driver.pass_options(options.schedule, options.calibrate, options.input_layout)
    if bound_accumulators:
        passes = {**passes, driver.BOUND_ACCUMULATORS: {}}
    results: list[LevelResult] = []
    for result in check(
        context,
        source.module,
        batch,
        source.weights(),
        options.model.name,
        passes,
        snow_cli.show_progress,
    ):
        results.append(result)
        if describe_on_output:
            snow_cli.show_progress()
            print(describe(result), flush=True)
    snow_cli.show_progress()
    if describe_on_output and results[0].level == FLOAT and len(results) > 1:
        print(f"fixed point is at most {output_distance(results[0].run, results[1].run):.4g} from float")
    if describe_on_output:
        for row in layer_counts(results):
            if row["saturations"] or row["accumulator_wraps"]:
                print(f"layer {row['name']}: {row['saturations']} saturations, {row['accumulator_wraps']} wraps")
    return results


def report_difference(results: "list[LevelResult]") -> int:
    """The status of a comparison; a difference goes to the standard error, as one line."""
    difference = results[-1].difference
    if difference is None:
        return 0
    print(f"error: {difference}", file=sys.stderr)
    return 1


def describe(result: "LevelResult") -> str:
    """One line about a level."""
    from lowering.check import FLOAT

    if result.level == FLOAT:
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


def layer_counts(results: "list[LevelResult]") -> list[dict[str, Any]]:
    """Saturations and wraps of inputs and of each layer of the reference: those of all levels. None where it is not
    known."""
    run = next((result.run for result in results if result.level == LEVELS[0]), None)
    if run is None:
        return []
    return [
        {"name": name, "saturations": run.saturations[name], "accumulator_wraps": run.wraps[name]}
        for name in (*(name for name in run.saturations if name not in run.layers), *run.layers)
    ]


def make_table(model: Path, results: "list[LevelResult]") -> dict[str, Any]:
    """The lines as JSON; `difference` is null when all levels agree, the distance when float has no finite output."""
    from lowering.check import FLOAT, output_distance

    difference = results[-1].difference
    in_float = results[0].level == FLOAT and len(results) > 1
    distance = output_distance(results[0].run, results[1].run) if in_float else math.nan
    return {
        "model": model.name,
        "equal": difference is None,
        "distance_from_float": distance if math.isfinite(distance) else None,
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
        "layers": layer_counts(results),
        "difference": None
        if difference is None
        else {"level": difference.level, "pass": difference.after, **difference.place._asdict()},
    }
