"""Assembly text of a whole module, and back: print, parse, print is the identity.

    .weights "face.safetensors"                          attributes snow.* of the module
    .const %w = cnn.weight "conv1.weight" : tensor<...>  what host and memory hold: the operation itself, on one line
    .program 4096                                        code, and its address in transfers of memory
    .loc "conv1" "rows 0 to 14"                          layer, and part of it, that the following lines belong to
    loop0:
        mac.coop r4, r5, 192, last, relu                 ; instructions as the table of docs/isa.md writes them
        .fill 511                                        empty instructions up to this place in the bank
    .end

Labels are those of their program. A semicolon begins a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import StringIO
from typing import IO

from xdsl.backend.assembly_printer import AssemblyPrinter, OneLineAssemblyPrintable
from xdsl.context import Context
from xdsl.dialects.builtin import LocationAttr, ModuleOp, NameLoc, StringAttr, UnknownLoc
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryAllocEffect
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.target import Target

from snowdialect.backend.assemble import HOST_OPERATIONS
from snowdialect.backend.instruction_text import parse_instruction
from snowdialect.dialects import snowflake
from snowdialect.dialects.cnn import Cnn, InputOp, OutputOp, is_constant
from snowdialect.dialects.layers import LAYERS
from snowdialect.dialects.locations import layer_name, location_names, name_location
from snowdialect.dialects.snowflake import LabelOp, ProgramOp, ScalarRegister, Stage
from snowdialect.errors import SnowError, SourceError
from snowdialect.parser import SnowParser

_MODULE_ATTRIBUTES = "snow."
_DATA = ("input", "output", "const", "region", "host")
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*")|;.*')
_DIRECTIVE = re.compile(r"\s*\.(\w+)(?:\s+(.*))?$")
_LABEL = re.compile(r"\s*([A-Za-z_][\w.$]*):\s*$")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_NAMES = re.compile(rf"(?:{_STRING.pattern}(?:\s+{_STRING.pattern})?)?$")


class _Printer(AssemblyPrinter):
    """Prints a module whose programs are placed; what is not code is printed as MLIR, an operation a line."""

    def __init__(self, output: IO[str]) -> None:
        super().__init__(stream=output)
        self.text = StringIO()
        self.data = Printer(self.text)
        """One printer for all data, so that it keeps giving the same names to the same values."""

    def print_module(self, module: ModuleOp) -> None:
        for name, attribute in module.attributes.items():
            self._line(f".{name.removeprefix(_MODULE_ATTRIBUTES)} {attribute}")
        for op in module.body.block.ops:
            if isinstance(op, ProgramOp):
                self._print_program(op)
            else:
                self._line(f".{_directive(op)} {self._data_text(op)}")

    def _data_text(self, op: Operation) -> str:
        if op.regions:
            raise SnowError(f"{layer_name(op)}: {op.name} has no assembly: lower the program to snowflake first")
        start = self.text.tell()
        self.data.print_debuginfo = isinstance(op.location, NameLoc)
        self.data.print_op(op)
        self.text.seek(start)
        text = self.text.read()
        if "\n" in text:
            raise SnowError(f"{layer_name(op)}: {op.name} does not fit into one line of assembly")
        return text

    def _print_program(self, program: ProgramOp) -> None:
        stage = program.stage.data
        if stage is not Stage.PLACED:
            raise SnowError(f"assembly wants a program that is placed, this one is {stage}: run the remaining passes")
        self._line(f".program {program.code_address.value.data}")
        location: LocationAttr = UnknownLoc()
        for op in program.body.block.ops:
            if not isinstance(op, OneLineAssemblyPrintable):
                continue
            if op.location != location:
                location = op.location
                names = [str(StringAttr(name)) for name in location_names(location)]
                self._line(" ".join([".loc", *names]))
            op.print_assembly(self)
        self._line(".end")

    def _line(self, text: str) -> None:
        self.print_string(text)
        self.print_string("\n")


def _directive(op: Operation) -> str:
    """The kind of data that an operation stands for. For the reader: all are read alike."""
    if isinstance(op, InputOp):
        return "input"
    if isinstance(op, OutputOp):
        return "output"
    if op.has_trait(MemoryAllocEffect):
        return "region"
    return "const" if op.results and all(map(is_constant, op.results)) else "host"


@dataclass(frozen=True)
class SnowflakeAsmTarget(Target):
    """Prints a module whose programs are placed as assembly. Raises SnowError for any other."""

    name = "snowflake-asm"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        check_lowered(module)
        _Printer(output).print_module(module)


def check_lowered(module: ModuleOp) -> None:
    """Raises SnowError, one line, for a module above level `snowflake`."""
    for op in module.body.block.ops:
        if op.dialect_name() == Cnn.name and type(op) not in HOST_OPERATIONS and not is_constant(op.results[0]):
            raise SnowError(f"{layer_name(op)}: {op.name} has no assembly: lower the program to snowflake first")
    # What the host may compute does not tell whether the accelerator was meant to.
    if LAYERS not in module.attributes and not any(isinstance(op, ProgramOp) for op in module.body.block.ops):
        raise SnowError("a module without layers and code has no assembly: lower the program to snowflake first")


@dataclass
class _ProgramText:
    """The lines of one program, as they are read."""

    registers: dict[ScalarRegister, SSAValue] = field(default_factory=dict[ScalarRegister, SSAValue])
    declarations: list[Operation] = field(default_factory=list[Operation])
    code: list[Operation] = field(default_factory=list[Operation])
    location: LocationAttr = field(default_factory=UnknownLoc)

    def register(self, register: ScalarRegister) -> SSAValue:
        if register not in self.registers:
            op = snowflake.GetRegisterOp(register)
            self.declarations.append(op)
            self.registers[register] = op.result
        return self.registers[register]

    def append(self, op: Operation) -> None:
        op.location = self.location
        self.code.append(op)

    def block(self) -> Block:
        return Block([*self.declarations, *self.code])


class _Reader:
    """Splits a text into data, which xDSL parses at the place where it stands, and programs."""

    def __init__(self, text: str, name: str) -> None:
        self.name = name
        self.number = 0
        self.data: list[str] = []
        """MLIR text, line by line as in the file."""
        self.attributes: list[tuple[int, str, str]] = []
        self.programs: list[_ProgramText] = []
        self.open: _ProgramText | None = None
        for self.number, line in enumerate(text.splitlines(), 1):
            self.data.append(self._read(_COMMENT.sub(lambda match: match[1] or "", line).rstrip()))
        if self.open is not None:
            raise self.error("the last program has no .end")

    def operations(self, context: Context) -> list[Operation]:
        """The data and, still empty, the programs of the text: one operation a line."""
        lines = [number for number, text in enumerate(self.data, 1) if text.strip()]
        parser = SnowParser(context, "\n".join(self.data), self.name)
        operations: list[Operation] = []
        try:
            for _ in lines:
                operations.append(parser.parse_operation())
            if parser.parse_optional_operation() is not None:
                raise self.error("a line holds more than one operation", lines[-1])
        except ParseError as error:
            raise self.error(_first_line(error.msg), lines[min(len(operations), len(lines) - 1)]) from None
        for name in parser.forward_ssa_references:
            line = next(number for number in lines if f"%{name}" in self.data[number - 1])
            raise self.error(f"%{name} is used but not defined", line)
        return operations

    def error(self, message: object, line: int | None = None) -> SourceError:
        return SourceError(self.name, self.number if line is None else line, message)

    def _read(self, line: str) -> str:
        """Takes one line in; returns what of it is MLIR."""
        if not line.strip():
            return ""
        if match := _DIRECTIVE.match(line):
            return self._directive(match[1], match[2] or "", match.start(2))
        if self.open is None:
            raise self.error(f"'{line.strip()}' stands outside a program: code begins with .program ADDRESS")
        if match := _LABEL.match(line):
            self.open.append(LabelOp(match[1]))
            return ""
        try:
            self.open.append(parse_instruction(line, self.open.register))
        except ValueError as error:
            raise self.error(error) from None
        return ""

    def _directive(self, word: str, rest: str, column: int) -> str:
        match word:
            case "loc" | "fill" | "end":
                if self.open is None:
                    raise self.error(f".{word} stands outside a program")
                self._code_directive(self.open, word, rest)
                return ""
            case "program":
                if self.open is not None:
                    raise self.error("a program begins before the one above has its .end")
                if not rest.isdecimal():
                    raise self.error(".program wants the address of its code, in transfers of memory")
                self.open = _ProgramText()
                self.programs.append(self.open)
                return f"{ProgramOp.name} {Stage.PLACED} at {rest} {{ }}"
            case _:
                pass
        if self.open is not None:
            raise self.error(f".{word} stands inside a program")
        if word in _DATA:
            return " " * max(column, 0) + rest
        if not rest:
            raise self.error(f".{word} wants a value")
        self.attributes.append((self.number, _MODULE_ATTRIBUTES + word, rest))
        return ""

    def _code_directive(self, program: _ProgramText, word: str, rest: str) -> None:
        match word:
            case "loc":
                if not _NAMES.match(rest):
                    raise self.error(f".loc wants the name of a layer, and of a part of it, in quotes, got {rest}")
                names = [_unescaped(literal[0]) for literal in _STRING.finditer(rest)]
                program.location = name_location(*names) if names else UnknownLoc()
            case "fill":
                if not rest.isdecimal():
                    raise self.error(".fill wants a place in the bank")
                program.append(snowflake.FillOp(int(rest)))
            case _:
                self.open = None


def _unescaped(literal: str) -> str:
    """The text of a string literal of MLIR."""
    attribute = Parser(Context(), literal).parse_attribute()
    assert isinstance(attribute, StringAttr)
    return attribute.data


def parse_assembly(context: Context, text: str, name: str) -> ModuleOp:
    """The module that an assembly text stands for, verified; the file's name is for messages.

    Raises SnowError, `file:line: reason`, for a text that is no assembly or no legal program.
    """
    reader = _Reader(text, name)
    module = ModuleOp(reader.operations(context))
    for line, key, value in reader.attributes:
        try:
            module.attributes[key] = Parser(context, value, name).parse_attribute()
        except ParseError as error:
            raise reader.error(_first_line(error.msg), line) from None
    programs = [op for op in module.body.block.ops if isinstance(op, ProgramOp)]
    for program, content in zip(programs, reader.programs, strict=True):
        program.detach_region(program.body)
        program.add_region(Region(content.block()))
        program.location = content.location
    try:
        module.verify()
    except VerifyException as error:
        raise SnowError(f"{name}: {_first_line(error)}") from error
    return module


def _first_line(message: object) -> str:
    return next((line.strip() for line in str(message).splitlines() if line.strip()), "")
