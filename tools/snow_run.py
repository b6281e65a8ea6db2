"""`snow-run`: simulates the program of a machine, or interprets one at a level above."""

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

A program of a machine (.snow, from snow-compile) runs in the simulator of the
machine it is for, which counts cycles besides. With --profile, a table of the
layers goes to the standard output.

Otherwise F is MLIR text (.mlir), assembly (.s), a Torch7 model (.t7, .net, .txt) or
an ONNX model (.onnx). It is lowered to --level when it is above, and run as it is
by default; so a model file runs in float at its own level, cnn, and in fixed point
at every other.

X.npy holds one input CxHxW or a batch NxCxHxW, float32. Y.npy gets the same
leading shape, float32: a fixed-point result is scaled back. A network with several
outputs wants Y.npz, which holds each by its name."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-run", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program", metavar="F", type=Path, help="what to run")
    parser.add_argument("--level", choices=LEVELS, help="level to run at (default: that of F)")
    parser.add_argument("--input", metavar="X.npy", type=Path, required=True, help="one input or a batch")
    parser.add_argument("--output", metavar="Y.npy", type=Path, required=True, help="file to write, or Y.npz")
    parser.add_argument("--report", metavar="R.json", type=Path, help="write counts, in all and by layer")
    parser.add_argument("--profile", action="store_true", help="print where the cycles of a .snow program went")
    snow_cli.add_model_arguments(parser)
    snow_cli.add_debug_argument(parser)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug, alone=arguments is None)


def run(options: argparse.Namespace) -> int:
    from snowdialect.files import check_outputs

    machine = snow_cli.machine_file(options.machine)
    check_outputs((options.output, options.report), (options.program, machine, options.input))
    return simulate(options) if is_program(options.program) else interpret(options)


def is_program(path: Path) -> bool:
    """Whether a file is a program, by its ending or by how it begins."""
    from snowdialect.backend.container import MAGIC

    is_called_so = path.suffix.lower() == ".snow"
    if is_called_so or not path.is_file():
        return is_called_so
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def simulate(options: argparse.Namespace) -> int:
    """Runs a .snow file."""
    from snowdialect import arrays, simulator
    from snowdialect.backend.container import load_program
    from snowdialect.errors import SnowError

    for option in ("level", "machine", "input_shape"):
        if getattr(options, option) is not None:
            raise SnowError(f"--{option.replace('_', '-')} is for what is still to be lowered, not for a .snow program")
    program = load_program(options.program)
    if len(program.inputs) != 1:
        raise SnowError(f"the program has {len(program.inputs)} inputs; from files only programs with one can be run")
    arrays.check_output_kind(options.output, [port.name for port in program.outputs])
    inputs = arrays.read_input(options.input, program.inputs[0].shape)
    snow_cli.show_progress(f"simulating {len(inputs.batch)} input(s) ...")
    result = simulator.simulate(program, inputs.batch)
    snow_cli.show_progress()
    arrays.write_outputs(options.output, inputs.like_input(result.outputs))
    if options.report is not None:
        write_report(options.report, result.report)
    if options.profile:
        from snow_profile import print_profile

        print_profile(result.report)
    return 0


def interpret(options: argparse.Namespace) -> int:
    """Runs a program at a level of the compiler."""
    from lowering import driver
    from snowdialect import arrays
    from snowdialect.errors import SnowError
    from snowdialect.interpreters import run_module

    if options.profile:
        raise SnowError("--profile wants a .snow program: only the simulator counts cycles")
    snow_cli.show_progress(f"reading {options.program} ...")
    context = driver.make_context()
    outputs = options.output, options.report
    program = driver.read_source(context, options.program, options.input_shape, outputs)
    if options.machine is not None:
        driver.set_machine(program.module, options.machine)
    if options.level is not None and options.level != driver.level_of(program.module):
        snow_cli.show_progress(f"lowering to {options.level} ...")
        driver.lower(context, program.module, options.level)
    arrays.check_output_kind(options.output, driver.output_names(program.module))
    inputs = arrays.read_input(options.input, driver.input_shape(program.module))
    snow_cli.show_progress(f"running {len(inputs.batch)} input(s) ...")
    result = run_module(program.module, inputs.batch, program.weights())
    snow_cli.show_progress()
    arrays.write_outputs(options.output, inputs.like_input(result.outputs))
    if options.report is not None:
        write_report(options.report, make_report(options.program, program.module, result))
    return 0


def write_report(path: Path, report: dict[str, Any]) -> None:
    from snowdialect.files import replacing

    with replacing(path) as file:
        file.write(json.dumps(report, indent=2) + "\n")


def make_report(path: Path, module: "ModuleOp", result: "Run") -> dict[str, Any]:
    """What a run at a dialect level knows; names as in the reports of the other commands."""
    from lowering import driver
    from snowdialect.dialects.snowflake import InstructionOp, ProgramOp, Stage, positions
    from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of

    level = driver.level_of(module)
    report: dict[str, Any] = {
        "model": path.name,
        "level": level,
        "saturations": sum(result.saturations.values()),
        "accumulator_wraps": sum(result.wraps.values()),
    }
    if MACHINE_ATTRIBUTE in module.attributes:
        report["machine"] = machine_of(module).name
    if level == LEVELS[-1]:
        programs = [op for op in module.body.block.ops if isinstance(op, ProgramOp)]
        if all(program.stage.data is Stage.PLACED for program in programs):
            bank = machine_of(module).icache_instructions
            lengths = [max(place for _, place in positions(program.body.block, bank)) + 1 for program in programs]
            report["instructions_static"] = sum(lengths)
        else:
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
