"""The instruction table is consistent, and docs/isa.md and the dialect say what it says."""

from pathlib import Path

import pytest

from snowdialect.dialects.snowflake import Configuration, InstructionOp, MovBaseOp, Snowflake
from snowdialect.machine.instructions import (
    BY_NAME,
    CONFIGURATION,
    INSTRUCTION_BITS,
    INSTRUCTIONS,
    OPCODE_BITS,
    Instruction,
    Kind,
)
from snowdialect.machine.reference import updated

ISA = Path(__file__).parents[2] / "docs" / "isa.md"


def test_the_machine_has_thirteen_instructions() -> None:
    assert len({instruction.mnemonic for instruction in INSTRUCTIONS}) == 13
    assert len({instruction.opcode for instruction in INSTRUCTIONS}) == 13


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda instruction: instruction.name)
def test_fields_fit_into_an_instruction(instruction: Instruction) -> None:
    assert 0 <= instruction.opcode < 1 << OPCODE_BITS
    assert sum(field.width for field in instruction.fields) <= INSTRUCTION_BITS - OPCODE_BITS
    for field in instruction.fields:
        assert instruction.low_bit(field) >= 0
        assert field.maximum < 1 << field.width
        assert field.kind is not Kind.FIXED or field.fits(field.value)


@pytest.mark.parametrize("instruction", INSTRUCTIONS, ids=lambda instruction: instruction.name)
def test_every_field_that_is_not_fixed_is_written(instruction: Instruction) -> None:
    written = {field.name for field in instruction.written_fields}
    assert written == {field.name for field in instruction.fields if field.kind is not Kind.FIXED}


def test_instructions_that_share_an_opcode_differ_in_a_fixed_field() -> None:
    seen = {(i.opcode, tuple((f.name, f.value) for f in i.fields if f.kind is Kind.FIXED)) for i in INSTRUCTIONS}
    assert len(seen) == len(INSTRUCTIONS)


def test_the_dialect_has_one_operation_for_each_row() -> None:
    operations = [op for op in Snowflake.operations if issubclass(op, InstructionOp) and op is not MovBaseOp]
    assert {op.name for op in operations} == {f"snowflake.{name}" for name in BY_NAME}
    for op in operations:
        definition = op.get_irdl_definition()
        members = [*definition.operands, *definition.results, *definition.properties.items()]
        flags = [name for field in op.ROW.fields if field.kind is Kind.FLAGS for name in field.names]
        fields = [field.name for field in op.ROW.fields if field.kind not in (Kind.FLAGS, Kind.FIXED)]
        assert sorted(name for name, _ in members) == sorted(fields + flags)


def test_the_dialect_has_every_configuration_register() -> None:
    assert [register.value for register in Configuration] == [register.name for register in CONFIGURATION]


def test_the_isa_document_is_made_from_the_table() -> None:
    text = ISA.read_text()
    assert text == updated(text), "run: python -m snowdialect.machine.reference docs/isa.md"
