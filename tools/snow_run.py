"""`snow-run`: interprets a program at one of its levels."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import snow_cli
from lowering.pipeline import LEVELS

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from snowdialect.interpreters import Run

DESCRIPTION = """\
Runs F on inputs and writes what comes out.

F is MLIR text (.mlir), assembly (.s) or a Torch7 model (.t7, .net, .txt). It is
lowered to --level when it is above, and run as it is by default; so a model file
runs in float at its own level, cnn, and in fixed point at every other.

X.npy holds one input CxHxW or a batch NxCxHxW, float32. Y.npy gets the same
leading shape, float32: a fixed-point result is scaled back."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-run", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program", metavar="F", type=Path, help="what to run")
    parser.add_argument("--level", choices=LEVELS, help="level to run at (default: that of F)")
    parser.add_argument("--input", metavar="X.npy", type=Path, required=True)
    parser.add_argument("--output", metavar="Y.npy", type=Path, required=True)
    parser.add_argument("--report", metavar="R.json", type=Path, help="write counts, in all and by layer")
    snow_cli.add_model_arguments(parser)
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug)


def run(options: argparse.Namespace) -> int:
    import numpy as np

    import snow_arrays
    from lowering import driver
    from snowdialect.files import replacing
    from snowdialect.interpreters import run_module

    snow_cli.show_progress(f"reading {options.program} ...")
    context = driver.make_context()
    program = driver.read_program(context, options.program, options.input_shape)
    if options.machine is not None:
        driver.set_machine(program.module, options.machine)
    if options.level is not None and options.level != driver.level_of(program.module):
        snow_cli.show_progress(f"lowering to {options.level} ...")
        driver.lower(context, program.module, options.level)
    inputs = snow_arrays.read_input(options.input, driver.input_shape(program.module))
    snow_cli.show_progress(f"running {len(inputs.batch)} input(s) ...")
    result = run_module(program.module, inputs.batch, program.weights())
    snow_cli.show_progress()
    output = snow_arrays.only_output(result.outputs)
    with replacing(options.output, "wb") as file:
        np.save(file, inputs.like_input(output).astype(np.float32))
    if options.report is not None:
        report = make_report(options.program, program.module, result)
        with replacing(options.report) as file:
            file.write(json.dumps(report, indent=2) + "\n")
    return 0


def make_report(path: Path, module: "ModuleOp", result: "Run") -> dict[str, Any]:
    """What a run at a dialect level knows; names as in the reports of the other commands."""
    from lowering import driver
    from snowdialect.dialects.snowflake import InstructionOp
    from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of

    level = driver.level_of(module)
    report: dict[str, Any] = {
        "model": str(path),
        "level": level,
        "saturations": sum(result.saturations.values()),
        "accumulator_wraps": sum(result.wraps.values()),
    }
    if MACHINE_ATTRIBUTE in module.attributes:
        report["machine"] = machine_of(module).name
    if level == LEVELS[-1]:
        report["instructions_static"] = sum(isinstance(op, InstructionOp) for op in module.walk())
        report["instructions_executed"] = sum(result.instructions.values())
    report["layers"] = [
        {
            "name": name,
            "saturations": result.saturations[name],
            "accumulator_wraps": result.wraps[name],
        }
        for name in result.layers
    ]
    return report
