"""Code words to rows of numbers, by the instruction table: what the compiled loop reads."""

import numpy as np
from numpy.typing import NDArray

from snowdialect.backend.program import Code, Program
from snowdialect.machine.instructions import (
    CONFIGURATION,
    INSTRUCTION_BITS,
    INSTRUCTIONS,
    OPCODE_BITS,
    WORD_BITS,
    Instruction,
    Kind,
)

ROW = np.dtype([(name, np.int64) for name in ("operation", "first", "second", "third", "number", "flags", "layer")])
"""An instruction: operation, registers, immediate or length or distance, mode and flags, layer."""

ILLEGAL = -1
"""Operation of a word that is no instruction."""

(MOV, CONFIG, VMOV, TMOV, ADD, ADDI, MUL, MULI, MAC, MAX, BLE, BGT, BEQ, LD, REFILL) = range(15)
NAMES = (
    *("mov", "config", "vmov", "tmov", "add", "addi", "mul", "muli", "mac", "max"),
    *("ble", "bgt", "beq", "ld", "refill"),
)
"""Names of the operations in the instruction table, by number."""

INDP, LAST, RELU, BYPASS, ADDING, ALTERNATE, BEGIN, CLUSTER = (1 << bit for bit in range(8))
"""Bits of the flags. For LD the load unit stands there."""

RESULT_SHIFT, BIAS_SHIFT, BYPASS_SHIFT, MAX_STRIDE, BYPASS_OFFSET, WAIT, DONE = range(7)
"""Configuration registers."""

_BITS = {
    "indp": INDP,
    "last": LAST,
    "relu": RELU,
    "bypass": BYPASS,
    "add": ADDING,
    "alt": ALTERNATE,
    "first": BEGIN,
    "cluster": CLUSTER,
}
_PLACES = {
    "mov": ("rd",),
    "config": ("register",),
    "vmov": ("rd", "rs", "vmacs"),
    "tmov": ("rd", "rs"),
    "add": ("rd", "rs", "rt"),
    "addi": ("rd", "rs"),
    "mul": ("rd", "rs", "rt"),
    "muli": ("rd", "rs"),
    "mac": ("rm", "rk"),
    "max": ("rd", "rs"),
    "ble": ("rs", "rt"),
    "bgt": ("rs", "rt"),
    "beq": ("rs", "rt"),
    "ld": ("rd", "rs"),
    "refill": ("rs",),
}
"""Fields that go to first, second and third; `vmacs` is no register."""
_NUMBERS = ("immediate", "length", "count", "target")


def decode_code(program: Program, code: Code) -> NDArray[np.void]:
    """A record ROW for each place of an instruction in memory, block behind block."""
    blocks, bank = code.words.shape
    stride = program.block_words * WORD_BITS // INSTRUCTION_BITS
    rows = np.zeros((blocks, stride), ROW)
    rows["operation"] = ILLEGAL
    rows["layer"] = -1
    rows["layer"][:, :bank] = code.layers
    words = np.zeros((blocks, stride), np.int64)
    words[:, :bank] = code.words
    rows["number"] = words
    rows, words = rows.reshape(-1), words.reshape(-1)
    opcodes = words >> INSTRUCTION_BITS - OPCODE_BITS
    places = {opcode: np.flatnonzero(opcodes == opcode) for opcode in {row.opcode for row in INSTRUCTIONS}}
    for number, name in enumerate(NAMES):
        row = next(row for row in INSTRUCTIONS if row.name == name)
        _decode_row(row, number, words[places[row.opcode]], places[row.opcode], rows)
    return rows


def _decode_row(
    row: Instruction, number: int, words: NDArray[np.int64], places: NDArray[np.intp], rows: NDArray[np.void]
) -> None:
    """Fills the rows of the words that are this instruction; `words` are those with its opcode, at `places`."""
    fits = np.ones(len(words), np.bool_)
    values: dict[str, NDArray[np.int64]] = {}
    lowest = INSTRUCTION_BITS - OPCODE_BITS
    for field in row.fields:
        lowest = row.low_bit(field)
        value = words >> lowest & (1 << field.width) - 1
        if field.kind in (Kind.SIGNED, Kind.LABEL):
            value = value - ((value > field.maximum).astype(np.int64) << field.width)
        fits &= value == field.value if field.kind is Kind.FIXED else value <= field.maximum
        values[field.name] = value
    fits &= words & (1 << lowest) - 1 == 0
    if row.name == "config":
        limits = np.array([register.maximum for register in CONFIGURATION])
        which = np.minimum(values["register"], len(limits) - 1)
        fits &= values["immediate"] <= limits[which]
    chosen = places[fits]
    rows["operation"][chosen] = number
    for column, name in zip(("first", "second", "third"), _PLACES[row.name], strict=False):
        rows[column][chosen] = values[name][fits]
    for name in _NUMBERS:
        if name in values:
            rows["number"][chosen] = values[name][fits]
    if "unit" in values:
        rows["flags"][chosen] = values["unit"][fits]
        return
    flags = np.zeros_like(words)
    for field in row.fields:
        if field.kind is Kind.FLAGS:
            for bit, name in enumerate(field.names):
                flags |= (values[field.name] >> bit & 1) * _BITS[name]
        elif field.kind is Kind.CHOICE and field.name in ("mode", "kind"):
            flags |= (values[field.name] == 1) * _BITS[field.names[1]]
    rows["flags"][chosen] = flags[fits]
