"""What every instruction of the dialect `snowflake` has in common: its row of the instruction table.

From the row follow the verifier of the fields and both texts, the assembly line and the MLIR syntax, which differ in
how they name registers: values in MLIR, with the registers behind a colon once they are allocated.

    %2 = snowflake.addi %1, 64                          %2 = snowflake.addi %1, 64 : r4 -> r5
    snowflake.mac coop %m, %k, 192, last, relu          snowflake.mac coop %m, %k, 192, last, relu : r1, r2
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from xdsl.backend.assembly_printer import AssemblyPrinter, OneLineAssemblyPrintable
from xdsl.backend.register_allocatable import RegisterAllocatableOperation
from xdsl.backend.register_allocator import BlockAllocator
from xdsl.backend.register_type import RegisterType
from xdsl.dialects.builtin import I32, IntAttr, IntegerAttr, SymbolRefAttr, UnitAttr, i32
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import IRDLOperation, irdl_attr_definition
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.operations import construct, operands_of
from snowdialect.machine.instructions import BY_NAME, Field, Instruction, Kind

if TYPE_CHECKING:
    from xdsl.backend.liveness import LivenessContext

_REGISTER_FIELD = next(field for field in BY_NAME["add"].fields if field.name == "rd")
_INDEX_BY_NAME = {f"r{index}": index for index in range(_REGISTER_FIELD.maximum + 1)}


@irdl_attr_definition
class ScalarRegister(RegisterType):
    """A register of the control core, 32 bits: `!snowflake.reg`, or `!snowflake.reg<r4>` once it is allocated."""

    name = "snowflake.reg"

    @classmethod
    def index_by_name(cls) -> dict[str, int]:
        return _INDEX_BY_NAME

    @classmethod
    def from_index(cls, index: int) -> Self:
        """The register with a number; there is one object for each."""
        return cls._numbered(index)

    @classmethod
    @cache
    def _numbered(cls, index: int) -> Self:
        return super().from_index(index)

    @classmethod
    def infinite_register_prefix(cls) -> str:
        return "j_"


@irdl_attr_definition
class BaseType(ParametrizedAttribute, TypeAttribute):
    """The address of a region of memory, in transfers, which is open until programs are linked. It has no register."""

    name = "snowflake.base"


BASE = BaseType()


def is_base(value: SSAValue) -> bool:
    """Whether a value is the address of a region of memory."""
    return type(value.type) is BaseType


UNALLOCATED = ScalarRegister.unallocated()
ZERO = ScalarRegister.from_name("r0")
"""Registers start at zero and compiled code never writes this one: loops count up to it."""
CODE_POINTER = ScalarRegister.from_name("r31")
"""Memory address, in transfers, of the block of instructions to fetch next; reserved by the compiler."""
ALLOCATABLE = tuple(
    register
    for register in map(ScalarRegister.from_index, reversed(_INDEX_BY_NAME.values()))
    if register not in (ZERO, CODE_POINTER)
)
"""The registers that values can have; the last is handed out first."""


@cache
def int_attr(value: int) -> IntegerAttr[I32]:
    """A number as a property; operations share the attributes of equal numbers."""
    return IntegerAttr(value, i32)


def register_index(value: SSAValue) -> int:
    """The number of the register that holds a value; raises VerifyException when none is allocated."""
    register = value.type
    if not isinstance(register, ScalarRegister) or not isinstance(register.index, IntAttr):
        raise VerifyException(f"value {value.name_hint or ''} has no register: run snowflake-allocate-registers")
    return register.index.data


def print_registers(printer: Printer, values: Sequence[SSAValue], results: Sequence[SSAValue] = ()) -> None:
    """` : r1, r2 -> r3`; nothing while no register is allocated."""

    def name(value: SSAValue) -> str:
        assert isinstance(value.type, ScalarRegister)
        return value.type.register_name.data or "reg"

    if all(isinstance(v.type, ScalarRegister) and not v.type.is_allocated for v in (*values, *results)):
        return
    printer.print_string(" :")
    if values:
        printer.print_string(" " + ", ".join(map(name, values)))
    if results:
        printer.print_string(" -> " + ", ".join(map(name, results)))


def parse_register(parser: Parser) -> ScalarRegister:
    """`r4`, or `reg` for a value that has no register yet."""
    start = parser.pos
    name = parser.parse_identifier()
    if name == "reg":
        return UNALLOCATED
    if name not in _INDEX_BY_NAME:
        parser.raise_error(f"unknown register {name}: expected r0 to r{_REGISTER_FIELD.maximum}", start, parser.pos)
    return ScalarRegister.from_name(name)


def parse_registers(parser: Parser, values: int, results: int = 0) -> list[ScalarRegister]:
    """The registers of `values` operands and `results` results, operands first; unallocated without a colon."""
    if not parser.parse_optional_punctuation(":"):
        return [UNALLOCATED] * (values + results)
    registers: list[ScalarRegister] = []
    for position in range(values + results):
        if position == values:
            parser.parse_punctuation("->")
        elif position:
            parser.parse_punctuation(",")
        registers.append(parse_register(parser))
    return registers


class InstructionOp(IRDLOperation, RegisterAllocatableOperation, OneLineAssemblyPrintable, ABC):
    """One instruction. Operands, results and properties of a subclass are named after the fields of its row."""

    ROW: ClassVar[Instruction]
    ENUMS: ClassVar[dict[str, type[EnumAttribute[Any]]]] = {}
    """The attribute of each field of kind CHOICE."""

    def __init__(
        self,
        *,
        operands: Sequence[SSAValue] = (),
        result_types: Sequence[ScalarRegister] = (),
        properties: Mapping[str, Attribute] = MappingProxyType({}),
    ) -> None:
        construct(self, operands=operands, result_types=result_types, properties=properties)

    @classmethod
    @cache
    def operand_fields(cls) -> tuple[Field, ...]:
        """The registers that are read, in the order of the text."""
        return tuple(f for f in cls.ROW.written_fields if f.kind is Kind.REGISTER and f is not cls.result_field())

    @classmethod
    @cache
    def result_field(cls) -> Field | None:
        """The register that is written, if any."""
        definition = cls.get_irdl_definition()
        return next((f for f in cls.ROW.fields if f.name in dict(definition.results)), None)

    @classmethod
    @cache
    def operand_places(cls) -> Mapping[str, int]:
        """For each register that is read, its place among the operands."""
        return {name: place for place, (name, _) in enumerate(cls.get_irdl_definition().operands)}

    # All operands are read, all results are written, and none is both. xDSL's `HasRegisterConstraints` would have that
    # declared, and compare it with operands and results whenever an instruction is verified.

    def update_liveness(self, ctx: LivenessContext) -> None:
        ctx.alive.update(operands_of(self))

    def allocate_registers(self, allocator: BlockAllocator) -> None:
        for result in self.results:
            allocator.free_value(allocator.allocate_value(result) or result)
        for operand in operands_of(self):
            allocator.allocate_value(operand)

    def field_value(self, field: Field) -> int | str:
        """The number that the field encodes; of a label, its name."""
        return self._reader(field)(self)

    def field_values(self) -> dict[str, int | str]:
        """The values of all fields that are written; whole networks are encoded by them."""
        registers = map(register_index, operands_of(self))
        values: dict[str, int | str] = dict(zip(self.operand_places(), registers, strict=True))
        for name, read in self._readers():
            values[name] = read(self)
        return values

    @classmethod
    @cache
    def _readers(cls) -> tuple[tuple[str, Callable[[InstructionOp], int | str]], ...]:
        """What reads each field that is written and no operand."""
        fields = (field for field in cls.ROW.written_fields if field.name not in cls.operand_places())
        return tuple((field.name, cls._reader(field)) for field in fields)

    @classmethod
    def _reader(cls, field: Field) -> Callable[[InstructionOp], int | str]:
        """What reads a field of an instruction of this kind."""
        name = field.name
        match field.kind:
            case Kind.FIXED:
                return lambda op: field.value
            case Kind.REGISTER if (place := cls.operand_places().get(name)) is not None:
                return lambda op: register_index(operands_of(op)[place])
            case Kind.REGISTER:
                return lambda op: register_index(op.results[0])
            case Kind.FLAGS:
                bits = [(flag, 1 << bit) for bit, flag in enumerate(field.names)]
                return lambda op: sum([value for flag, value in bits if flag in op.properties])
            case Kind.CHOICE:
                return lambda op: field.names.index(op.choice_name(name))
            case Kind.LABEL:
                return lambda op: cast(SymbolRefAttr, op.properties[name]).root_reference.data
            case Kind.SIGNED | Kind.UNSIGNED:
                return lambda op: cast(IntegerAttr, op.properties[name]).value.data

    @classmethod
    @cache
    def _numbers(cls) -> tuple[Field, ...]:
        """The fields that are numbers of their own."""
        return tuple(field for field in cls.ROW.fields if field.kind in (Kind.SIGNED, Kind.UNSIGNED))

    def choice_name(self, name: str) -> str:
        """The name that a field of kind CHOICE has."""
        return cast(EnumAttribute[Any], self.properties[name]).data.value

    def verify_(self) -> None:
        for field in self._numbers():
            value = cast(IntegerAttr[I32], self.properties[field.name]).value.data
            if not field.fits(value):
                raise VerifyException(
                    f"{field.name} {value} does not fit into {field.width} bits ({field.minimum} to {field.maximum})"
                )
        if "relu" in self.properties and "last" not in self.properties:
            raise VerifyException("relu acts on the write-back: it wants last")

    def _field_text(self, field: Field, register: str | None = None) -> str:
        value = self.field_value(field) if register is None else register
        match field.kind:
            case Kind.REGISTER:
                return f"r{value}"
            case Kind.CHOICE:
                assert isinstance(value, int)
                return field.names[value]
            case Kind.FLAGS:
                return "".join(f", {flag}" for flag in field.names if flag in self.properties)
            case _:
                return str(value)

    def assembly_line(self) -> str:
        row = self.ROW
        fields = {field.name: self._field_text(field) for field in row.written_fields}
        modifier, _, arguments = row.syntax.format(**fields).partition(" ")
        if modifier.startswith("."):
            return AssemblyPrinter.assembly_line(row.mnemonic + modifier, arguments)
        return AssemblyPrinter.assembly_line(row.mnemonic, f"{modifier} {arguments}")

    def print(self, printer: Printer) -> None:
        separator = " "
        for field in self.ROW.written_fields:
            if field is self.result_field():
                continue
            if field.kind is Kind.FLAGS:
                printer.print_string(self._field_text(field))
                continue
            printer.print_string(separator)
            if field.kind is Kind.REGISTER:
                printer.print_ssa_value(getattr(self, field.name))
            elif field.kind is Kind.LABEL:
                printer.print_attribute(self.properties[field.name])
            else:
                printer.print_string(self._field_text(field))
            separator = " " if self._is_modifier(field) else ", "
        printer.print_op_attributes(self.attributes)
        print_registers(printer, [getattr(self, f.name) for f in self.operand_fields()], self.results)

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        operands: dict[str, UnresolvedOperand] = {}
        properties: dict[str, Attribute] = {}
        comma = False
        for field in cls.ROW.written_fields:
            if field is cls.result_field():
                continue
            if field.kind is Kind.FLAGS:
                properties |= _parse_flags(parser, field)
                continue
            if comma:
                parser.parse_punctuation(",")
            comma = not cls._is_modifier(field)
            match field.kind:
                case Kind.REGISTER:
                    operands[field.name] = parser.parse_unresolved_operand()
                case Kind.LABEL:
                    properties[field.name] = SymbolRefAttr(parser.parse_symbol_name())
                case Kind.CHOICE:
                    properties[field.name] = cls._parse_choice(parser, field)
                case _:
                    properties[field.name] = int_attr(parser.parse_integer())
        attributes = parser.parse_optional_attr_dict()
        results = 0 if cls.result_field() is None else 1
        registers = parse_registers(parser, len(operands), results)
        values = {
            name: parser.resolve_operand(operand, register)
            for (name, operand), register in zip(operands.items(), registers, strict=False)
        }
        order = [name for name, _ in cls.get_irdl_definition().operands]
        return cls.create(
            operands=[values[name] for name in order],
            result_types=registers[len(operands) :],
            properties=properties,
            attributes=attributes,
        )

    @classmethod
    @cache
    def choice(cls, field: Field, name: str) -> Attribute:
        """The attribute for one of the names of a field of kind CHOICE."""
        kind = cls.ENUMS[field.name]
        return kind(kind.enum_type(name))

    @classmethod
    def _parse_choice(cls, parser: Parser, field: Field) -> Attribute:
        start = parser.pos
        name = parser.parse_identifier()
        if name not in field.names:
            parser.raise_error(f"unknown {field.name} {name}: expected {', '.join(field.names)}", start, parser.pos)
        return cls.choice(field, name)

    @classmethod
    def _is_modifier(cls, field: Field) -> bool:
        """Whether the field is part of the mnemonic, as in `mac.coop`."""
        return cls.ROW.syntax.startswith(f".{{{field.name}}}")


def _parse_flags(parser: Parser, field: Field) -> dict[str, Attribute]:
    flags: dict[str, Attribute] = {}
    while parser.parse_optional_punctuation(","):
        start = parser.pos
        flag = parser.parse_identifier()
        if flag not in field.names or flag in flags:
            parser.raise_error(f"unexpected flag {flag}: {', '.join(field.names)}, each once", start, parser.pos)
        flags[flag] = UnitAttr()
    return flags
