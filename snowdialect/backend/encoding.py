"""Instructions as 32-bit words, and back, by the instruction table alone."""

from collections.abc import Mapping
from typing import NamedTuple

from snowdialect.errors import SnowError
from snowdialect.machine.instructions import (
    BY_NAME,
    CONFIGURATION,
    INSTRUCTION_BITS,
    INSTRUCTIONS,
    OPCODE_BITS,
    Instruction,
    Kind,
)

_SIGNED = (Kind.SIGNED, Kind.LABEL)


class EncodingError(SnowError):
    """A word that is no instruction, or a value that its field cannot hold."""


class Decoded(NamedTuple):
    """An instruction and the values of its written fields: register numbers, immediates, positions of names, flags as
    a mask, distances of branches."""

    row: Instruction
    values: dict[str, int]


def encode(name: str, values: Mapping[str, int]) -> int:
    """The word of an instruction with a value for each field that is written.

    Raises EncodingError, one line, for a value that does not fit.
    """
    row = BY_NAME[name]
    word = row.opcode << INSTRUCTION_BITS - OPCODE_BITS
    for field, low in row.places:
        value = field.value if field.kind is Kind.FIXED else values[field.name]
        if not field.minimum <= value <= field.maximum:
            raise EncodingError(
                f"{row.mnemonic}: {field.name} {value} does not fit into its field ({field.minimum} to {field.maximum})"
            )
        word |= (value & field.mask) << low
    if (reason := _illegal_configuration(row, values)) is not None:
        raise EncodingError(reason)
    return word


def decode(word: int) -> Decoded:
    """The instruction that a word stands for. Raises EncodingError, one line, for a word that stands for none."""
    opcode = word >> INSTRUCTION_BITS - OPCODE_BITS
    row = next((row for row in INSTRUCTIONS if row.opcode == opcode and _has_form(row, word)), None)
    if row is None:
        raise EncodingError(f"{word:#010x} is no instruction: opcode {opcode}")
    values: dict[str, int] = {}
    reason = _read_fields(row, word, values) or _illegal_configuration(row, values)
    if reason is not None:
        raise EncodingError(f"{word:#010x} is no instruction: {reason}")
    return Decoded(row, values)


def _has_form(row: Instruction, word: int) -> bool:
    """Whether the field that tells apart instructions of the same opcode has this one's value."""
    first = row.fields[0]
    return first.kind is not Kind.FIXED or word >> row.low_bit(first) & first.mask == first.value


def _read_fields(row: Instruction, word: int, values: dict[str, int]) -> str | None:
    """Puts the values of the written fields into `values`; a text says why the word is not this instruction."""
    unused = INSTRUCTION_BITS - OPCODE_BITS
    for field, unused in row.places:
        value = word >> unused & field.mask
        if field.kind in _SIGNED and value > field.maximum:
            value -= 1 << field.width
        if field.kind is Kind.FIXED:
            if value != field.value:
                return f"{row.mnemonic} wants {field.value} in its field {field.name}, not {value}"
            continue
        if not field.fits(value):
            return f"{row.mnemonic} has no {field.name} {value}"
        values[field.name] = value
    if rest := word & (1 << unused) - 1:
        return f"{row.mnemonic} has no use for its lowest {unused} bits, which hold {rest}"
    return None


def _illegal_configuration(row: Instruction, values: Mapping[str, int]) -> str | None:
    """A configuration register may hold less than the immediate can say."""
    if row.name != "config":
        return None
    register = CONFIGURATION[values["register"]]
    if values["immediate"] > register.maximum:
        return f"{register.name} {values['immediate']} is above its maximum of {register.maximum}"
    return None
