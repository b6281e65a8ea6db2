"""`snow-compile`: a model file to the program that a machine runs."""

import argparse
import atexit
import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import snow_cli
from snowdialect.errors import SnowError

if TYPE_CHECKING:
    from snowdialect.backend.program import Program

DESCRIPTION = """\
Compiles MODEL to a program: instructions, packed weights and the map of memory
in one file, for snow-run and for a board. docs/program.md describes it.

MODEL is a Torch7 model (.t7, .net, .txt) or an ONNX model (.onnx); MLIR text
(.mlir) and assembly (.s) of any level are taken from there on.

With --check X.npy the program is written only if it computes, on these inputs and
in the simulator, what every level of the compiler does, bit by bit; otherwise the
first difference is named, as by snow-check."""

TRAFFIC = ("dram_read_bytes", "maps_bytes", "weights_bytes", "instruction_bytes", "dram_write_bytes")

MEASURED = (
    "cycles",
    "seconds",
    "frames_per_second",
    "utilization",
    *TRAFFIC,
    "gigabytes_per_second",
    "instructions_executed",
    "saturations",
    "accumulator_wraps",
    "port_conflict_cycles",
    "ledger",
)
"""What of a report only a run can tell."""

MEASURED_OF_LAYER = (
    "cycles",
    "ideal_cycles",
    "utilization",
    *TRAFFIC,
    "saturations",
    "accumulator_wraps",
    "ledger",
)


def main(arguments: Sequence[str] | None = None) -> int:
    if arguments is None:
        # A process of its own, which ends when it is done: Python's collector of cycles has nothing to find, neither
        # meanwhile nor at the end, and would take a fifth of the time.
        gc.disable()
        atexit.register(gc.freeze)
    parser = argparse.ArgumentParser(
        "snow-compile", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL", type=Path, help="what to compile")
    snow_cli.add_model_arguments(parser)
    snow_cli.add_compile_arguments(parser)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("-o", "--output", metavar="P.snow", type=Path, help="file to write")
    target.add_argument(
        "--coverage", action="store_true", help="compile nothing, but print what becomes of each layer, and why"
    )
    target.add_argument(
        "--explain",
        metavar="LAYER",
        help="compile nothing, but print why a layer has its schedule, and not another one",
    )
    parser.add_argument("--json", action="store_true", help="with --coverage or --explain: print it as JSON")
    parser.add_argument(
        "--report", metavar="R.json", type=Path, help="write what is known before a run; null stands for the rest"
    )
    parser.add_argument("--check", metavar="X.npy", type=Path, help="compare all levels and the simulator")
    parser.add_argument(
        "--no-cache", action="store_true", help="compile everything, even if the code of such a network is kept"
    )
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug, alone=arguments is None)


def run(options: argparse.Namespace) -> int:
    from snowdialect.backend.container import write_program
    from snowdialect.files import check_outputs, replacing

    if options.output is None:
        if options.check is not None or options.report is not None:
            option = "--coverage" if options.coverage else "--explain"
            raise SnowError(f"{option} compiles nothing; --check and --report are for a program")
        return cover(options) if options.coverage else explain(options)
    if options.json:
        raise SnowError("--json is for --coverage and --explain")
    calibrate = None if options.calibrate is None else Path(options.calibrate)
    machine = snow_cli.machine_file(options.machine)
    check_outputs((options.output, options.report), (options.model, machine, calibrate, options.check))
    program = compile_plainly(options) if options.check is None else compile_checked(options)
    if program is None:
        return 1
    snow_cli.show_progress(f"writing {options.output} ...")
    write_program(program, options.output)
    snow_cli.show_progress()
    if options.report is not None:
        with replacing(options.report) as file:
            file.write(json.dumps(make_report(program), indent=2) + "\n")
    return 0


def cover(options: argparse.Namespace) -> int:
    """Prints what becomes of each layer."""
    import snow_coverage
    from lowering import driver
    from lowering.compiler import cover_model

    snow_cli.show_progress(f"reading {options.model} ...")
    passes = driver.pass_options(options.schedule, options.calibrate, options.input_layout)
    layers = cover_model(options.model, options.input_shape, options.machine, passes, snow_cli.show_progress)
    snow_cli.show_progress()
    rows = [layer._asdict() for layer in layers]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        snow_coverage.print_coverage(rows)
    return 0


def explain(options: argparse.Namespace) -> int:
    """Prints why a layer has its schedule."""
    import snow_explain
    from lowering import driver
    from lowering.compiler import explain_layer

    snow_cli.show_progress(f"reading {options.model} ...")
    passes = driver.pass_options(options.schedule, options.calibrate, options.input_layout)
    arguments = options.input_shape, options.machine, passes, snow_cli.show_progress
    explanation = explain_layer(options.model, options.explain, *arguments)
    snow_cli.show_progress()
    if options.json:
        print(json.dumps(snow_explain.to_json(explanation), indent=2))
    else:
        snow_explain.print_explanation(explanation)
    return 0


def compile_plainly(options: argparse.Namespace) -> "Program":
    from lowering import driver
    from lowering.compiler import compile_model
    from lowering.program_cache import ProgramCache

    cache = None if options.no_cache or options.report is not None else ProgramCache()
    snow_cli.show_progress(f"reading {options.model} ...")
    return compile_model(
        options.model,
        options.input_shape,
        options.machine,
        driver.pass_options(options.schedule, options.calibrate, options.input_layout),
        snow_cli.show_progress,
        bound_accumulators=options.report is not None,
        outputs=(options.output, options.report),
        cache=cache,
    )


def compile_checked(options: argparse.Namespace) -> "Program | None":
    """The program, if every level and the simulator compute the same; None after a difference was named."""
    import snow_check

    results = snow_check.compare(
        options,
        options.check,
        describe_on_output=True,
        bound_accumulators=options.report is not None,
        outputs=(options.output, options.report),
    )
    return results[-1].program if snow_check.report_difference(results) == 0 else None


def make_report(program: "Program") -> dict[str, Any]:
    """What is known of a program before it runs, under the names of the report of a run."""
    from snowdialect.backend.memory_map import static_report

    return {
        "model": program.model,
        "machine": program.machine.name,
        "clock_hz": program.machine.clock_hz,
        "macs": program.macs,
        "instructions_static": program.instructions,
        **dict.fromkeys(MEASURED),
        "layers": [layer.row(dict.fromkeys(MEASURED_OF_LAYER)) for layer in program.layers],
        **static_report(program),
    }
