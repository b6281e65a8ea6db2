"""A line of assembly to the operation of its instruction, by the instruction table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable

from xdsl.dialects.builtin import SymbolRefAttr, UnitAttr
from xdsl.ir import Attribute, SSAValue

from snowdialect.dialects.snowflake import InstructionOp, MovBaseOp, ScalarRegister, Snowflake, int_attr
from snowdialect.machine.instructions import Field, Kind
from snowdialect.machine.reference import assembly_form

_LINE = re.compile(r"\s*([a-z]+)(\.[a-z]+)?(?:\s+(.*))?$")

_BY_MNEMONIC: defaultdict[str, list[type[InstructionOp]]] = defaultdict(list)
for _operation in Snowflake.operations:
    # Assembly is linked: there are no relocations in it.
    if issubclass(_operation, InstructionOp) and _operation is not MovBaseOp:
        _BY_MNEMONIC[_operation.ROW.mnemonic].append(_operation)


def parse_instruction(line: str, register: Callable[[ScalarRegister], SSAValue]) -> InstructionOp:
    """The instruction on a line without comment; `register` gives the value that stands for a register.

    Raises ValueError, one line, for a text that is none.
    """
    match = _LINE.match(line)
    if match is None or match[1] not in _BY_MNEMONIC:
        word = line.split()[0]
        raise ValueError(f"unknown instruction '{word}'")
    text = f"{match[2] or ''} {match[3] or ''}".rstrip()
    forms = _BY_MNEMONIC[match[1]]
    for form in forms:
        if fields := form.ROW.pattern.fullmatch(text if form.ROW.syntax.startswith(".") else text.lstrip()):
            return _build(form, fields.groupdict(), register)
    wanted = " or ".join(assembly_form(form.ROW) for form in forms)
    raise ValueError(f"'{line.strip()}' is not of the form {wanted}")


def _build(
    form: type[InstructionOp], texts: dict[str, str], register: Callable[[ScalarRegister], SSAValue]
) -> InstructionOp:
    registers: dict[str, ScalarRegister] = {}
    properties: dict[str, Attribute] = {}
    for field in form.ROW.written_fields:
        text = texts[field.name]
        match field.kind:
            case Kind.REGISTER:
                registers[field.name] = _register(field, text)
            case Kind.LABEL:
                properties[field.name] = SymbolRefAttr(text)
            case Kind.CHOICE:
                properties[field.name] = form.choice(field, _one_of(field, text))
            case Kind.FLAGS:
                properties |= {_one_of(field, flag): UnitAttr() for flag in re.findall(r"\w+", text)}
            case _:
                value = int(text, 0)
                if not field.fits(value):
                    raise ValueError(f"{field.name} {value} is outside {field.minimum} to {field.maximum}")
                properties[field.name] = int_attr(value)
    result = form.result_field()
    definition = form.get_irdl_definition()
    return form.create(
        operands=[register(registers[name]) for name, _ in definition.operands],
        result_types=[] if result is None else [registers[result.name]],
        properties=properties,
    )


def _register(field: Field, text: str) -> ScalarRegister:
    index = int(text.removeprefix("r"))
    if not field.fits(index):
        raise ValueError(f"unknown register {text}: expected r0 to r{field.maximum}")
    return ScalarRegister.from_index(index)


def _one_of(field: Field, text: str) -> str:
    if text not in field.names:
        raise ValueError(f"unknown {field.name.removesuffix('s')} {text}: expected {', '.join(field.names)}")
    return text
