"""Two parts of assembly formats that xDSL's declarative ones lack: options, and operand types with gaps.

MLIR's attribute dictionary prints a list of integers as `array<i64: 2, 2>`, which nobody wants to write;
here it is `{strides = [2, 2], relu}`. An option that has its default value is not printed, and the braces go
when nothing is left.
"""

from __future__ import annotations

from abc import ABC

from xdsl.irdl import IRDLOperation
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    OptionalUnitAttrVariable,
    ParsingState,
    PrintingState,
    TypeDirective,
    VariableDirective,
)
from xdsl.parser import Parser
from xdsl.printer import Printer


class OptionsDirective(CustomDirective, ABC):
    """Base of the directives that list the options of an operation: one field of a subclass an option."""

    def _options(self) -> tuple[AttributeVariable, ...]:
        return tuple(getattr(self, name) for name in type(self).parameters)

    def parse(self, parser: Parser, state: ParsingState) -> None:
        parser.parse_optional_comma_separated_list(parser.Delimiter.BRACES, lambda: self._parse_option(parser, state))

    def _parse_option(self, parser: Parser, state: ParsingState) -> None:
        start = parser.pos
        name = parser.parse_identifier()
        option = next((option for option in self._options() if option.name == name), None)
        if option is None:
            known = ", ".join(option.name for option in self._options())
            parser.raise_error(f"unknown option {name}: expected one of {known}", start, parser.pos)
        if option.name in state.properties:
            parser.raise_error(f"option {name} is given twice", start, parser.pos)
        if not isinstance(option, OptionalUnitAttrVariable):
            parser.parse_punctuation("=")
        option.parse(parser, state)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        options = [option for option in self._options() if option.is_present(op)]
        if not options:
            return
        state.print_whitespace(printer)
        with printer.in_braces():
            printer.print_list(options, lambda option: _print_option(printer, option, op))


def _print_option(printer: Printer, option: AttributeVariable, op: IRDLOperation) -> None:
    printer.print_string(option.name)
    if not isinstance(option, OptionalUnitAttrVariable):
        printer.print_string(" =")
        option.print(printer, PrintingState(), op)


class SignatureDirective(CustomDirective, ABC):
    """Base of the directives that list operand types in parentheses, leaving out those of absent operands.

    `functional-type` cannot tell to which of two optional operands a type belongs. A subclass declares one
    field an operand.
    """

    def _types(self) -> tuple[TypeDirective, ...]:
        return tuple(getattr(self, name) for name in type(self).parameters)

    def parse(self, parser: Parser, state: ParsingState) -> None:
        start = parser.pos
        types = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        operands = [state.operands[_index(directive)] or () for directive in self._types()]
        expected = sum(map(len, operands))
        if len(types) != expected:
            parser.raise_error(f"{expected} operands have {len(types)} types", start, parser.pos)
        for directive, group in zip(self._types(), operands, strict=True):
            directive.set(state, types[: len(group)])
            types = types[len(group) :]

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        state.print_whitespace(printer)
        types = [type for directive in self._types() for type in directive.get(op)]
        with printer.in_parens():
            printer.print_list(types, printer.print_attribute)


def _index(directive: TypeDirective) -> int:
    assert isinstance(directive.inner, VariableDirective)
    return directive.inner.index
