"""`snow-asm`: programs as text, and back."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import snow_cli

if TYPE_CHECKING:
    from snowdialect.backend.program import Program

DESCRIPTION = """\
disassemble P.snow -o P.s
    writes the code of a program as text.
assemble P.s --replace P.snow -o Q.snow
    writes a program with the code of P.s and all else from P.snow: so an edited
    instruction can be run, and its cycles and results be seen.
assemble P.s -o Q.snow
    writes the program of a text that brings its data along, as snow-opt prints
    it with -t snowflake-asm.

The two directions are exact: text, program and text again are the same."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "snow-asm", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    disassembler = commands.add_parser(
        "disassemble", help="program to text", description="Writes the code of a program as text."
    )
    disassembler.add_argument("input", metavar="P.snow", type=Path, help="program")
    disassembler.add_argument("-o", "--output", metavar="P.s", type=Path, required=True, help="file to write")
    disassembler.set_defaults(run=disassemble)
    assembler = commands.add_parser("assemble", help="text to program", description="Writes the program of a text.")
    assembler.add_argument("input", metavar="P.s", type=Path, help="text")
    assembler.add_argument(
        "--replace", metavar="P.snow", type=Path, help="program to take all but the code from, for a text without data"
    )
    assembler.add_argument("-o", "--output", metavar="Q.snow", type=Path, required=True, help="file to write")
    assembler.set_defaults(run=assemble)
    for command in (disassembler, assembler):
        snow_cli.add_debug_argument(command)
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: options.run(options), options.debug, alone=arguments is None)


def disassemble(options: argparse.Namespace) -> int:
    from snowdialect.backend import code_text
    from snowdialect.backend.container import load_program
    from snowdialect.errors import SnowError
    from snowdialect.files import check_outputs, replacing

    check_outputs((options.output,), (options.input,))
    try:
        text = code_text.disassemble(load_program(options.input))
    except code_text.IllegalCode as error:
        raise SnowError(f"{options.input}: {error}") from error
    with replacing(options.output) as file:
        file.write(text)
    return 0


def assemble(options: argparse.Namespace) -> int:
    from snowdialect.backend.container import write_program
    from snowdialect.files import check_outputs

    check_outputs((options.output,), (options.input, options.replace))
    replace = options.replace is not None
    program = replaced(options.input, options.replace) if replace else compiled(options.input, options.output)
    write_program(program, options.output)
    return 0


def compiled(path: Path, output: Path) -> "Program":
    """The program of a text with data, for file `output`."""
    from lowering.compiler import compile_model
    from snowdialect.errors import SnowError

    if path.suffix.lower() != ".s":
        raise SnowError(f"{path}: not assembly (.s); snow-compile takes models and modules")
    return compile_model(path, outputs=(output,))


def replaced(path: Path, source: Path) -> "Program":
    """The program in file `source` with the code of a text."""
    from snowdialect.backend.code_text import assemble_code
    from snowdialect.backend.container import load_program

    return assemble_code(read_text(path), str(path), load_program(source))


def read_text(path: Path) -> str:
    from snowdialect.errors import SnowError

    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise SnowError(f"{path}: not a text file") from None
