"""The code of a program as assembly text, and back, exactly; labels stand for the targets of branches.

    .program 4096                              a stretch of code, and its address in transfers of memory
    .loc "conv1" "rows 0 to 14"                layer and tiles that the following instructions belong to; both optional
    at0_17:                                    a label: block 0, instruction 17
        mac.coop r4, r5, 192, last, relu       ; instructions as the table of docs/isa.md writes them
        .fill 511                              empty instructions up to this place in the bank
    .end

The last block is filled up with empty instructions that belong to no layer.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from snowdialect.backend.encoding import EncodingError, decode, encode
from snowdialect.backend.program import NO_LAYER, NO_TILE, Code, Program
from snowdialect.errors import SnowError, SourceError
from snowdialect.machine.instructions import INSTRUCTIONS, Field, Instruction, Kind
from snowdialect.machine.reference import assembly_form

EMPTY = encode("addi", {"rd": 0, "rs": 0, "immediate": 0})
"""The word of the instruction that stands for none."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_COMMENT = re.compile(rf"({_STRING})|;.*")
_DIRECTIVE = re.compile(r"\.(\w+)(?:\s+(.*))?$")
_LOCATION = re.compile(rf"(?:({_STRING})(?:\s+({_STRING}))?)?$")
_LABEL = re.compile(r"([A-Za-z_][\w.$]*):$")
_INSTRUCTION = re.compile(r"([a-z]+)(\.[a-z]+)?(?:\s+(.*))?$")

_BY_MNEMONIC: defaultdict[str, list[Instruction]] = defaultdict(list)
for _row in INSTRUCTIONS:
    _BY_MNEMONIC[_row.mnemonic].append(_row)


class IllegalCode(SnowError):
    """A program that holds a word which is no instruction."""


def disassemble(program: Program) -> str:
    """The code of a program as text. Raises IllegalCode, one line, for a word that is no instruction."""
    lines: list[str] = []
    for number, code in enumerate(program.codes):
        lines.append(f".program {code.address}")
        lines += _code_lines(program, code, number)
        lines.append(".end")
    return "\n".join(lines) + "\n"


def assemble_code(text: str, name: str, program: Program) -> Program:
    """`program` with the code of a text in the place of its own; `name` is that of the text's file.

    Raises SourceError for a text that is no code, for a layer that the program does not have, and for code that
    covers other parts of the program's memory.
    """
    reader = _Reader(name, program)
    for reader.number, line in enumerate(text.split("\n"), 1):
        reader.read(_COMMENT.sub(lambda match: match[1] or "", line).strip())
    return reader.finish()


# Disassembly


def _code_lines(program: Program, code: Code, number: int) -> Iterator[str]:
    bank = program.machine.icache_instructions
    words, layers, tiles = (array.reshape(-1).tolist() for array in (code.words, code.layers, code.tiles))
    decoded: list[tuple[Instruction, dict[str, int]]] = []
    for position, word in enumerate(words):
        try:
            decoded.append(decode(word))
        except EncodingError as error:
            place = f"code {number}, block {position // bank}, instruction {position % bank}"
            raise IllegalCode(f"{place}: {error}") from None
    targets: set[int] = set()
    for position, (row, values) in enumerate(decoded):
        targets |= {position + values[field.name] for field in row.written_fields if field.kind is Kind.LABEL}
    if outside := [target for target in targets if not 0 <= target < len(words)]:
        raise IllegalCode(f"code {number}: a branch goes to instruction {outside[0]} of {len(words)}")
    end, last = len(words), max(targets, default=0)
    while end > last and (words[end - 1], layers[end - 1], tiles[end - 1]) == (EMPTY, NO_LAYER, NO_TILE):
        end -= 1
    location = (NO_LAYER, NO_TILE)
    position = 0
    while position < end:
        here = (layers[position], tiles[position])
        if here != location:
            location = here
            yield _location_line(program, *here)
        if position in targets:
            yield f"{_label(position, bank)}:"
        stop = position
        limit = min(end, (position // bank + 1) * bank)
        while (
            stop < limit
            and words[stop] == EMPTY
            and (layers[stop], tiles[stop]) == here
            and (stop == position or stop not in targets)
        ):
            stop += 1
        if stop > position + 1:
            yield f"    .fill {(stop - 1) % bank + 1}"
            position = stop
        else:
            row, values = decoded[position]
            yield "    " + _instruction_line(row, values, position, bank)
            position += 1
    if end in targets:
        yield f"{_label(end, bank)}:"


def _location_line(program: Program, layer: int, tile: int) -> str:
    if layer == NO_LAYER:
        return ".loc"
    texts = [program.layers[layer].name, *([] if tile == NO_TILE else [program.tiles[tile]])]
    return ".loc " + " ".join(json.dumps(text, ensure_ascii=False) for text in texts)


def _label(position: int, bank: int) -> str:
    return f"at{position // bank}_{position % bank}"


def _instruction_line(row: Instruction, values: dict[str, int], position: int, bank: int) -> str:
    texts = {field.name: _field_text(field, values[field.name], position, bank) for field in row.written_fields}
    text = row.syntax.format(**texts)
    return row.mnemonic + text if text.startswith(".") else f"{row.mnemonic} {text}"


def _field_text(field: Field, value: int, position: int, bank: int) -> str:
    match field.kind:
        case Kind.REGISTER:
            return f"r{value}"
        case Kind.CHOICE:
            return field.names[value]
        case Kind.FLAGS:
            return "".join(f", {name}" for bit, name in enumerate(field.names) if value >> bit & 1)
        case Kind.LABEL:
            return _label(position + value, bank)
        case _:
            return str(value)


# Assembly


class _Branch(NamedTuple):
    """An instruction whose target is not known yet."""

    line: int
    position: int
    row: Instruction
    values: dict[str, int]
    label: str


@dataclass
class _Stretch:
    """The lines of one program, as they are read."""

    address: int
    line: int
    words: list[int] = field(default_factory=list[int])
    layers: list[int] = field(default_factory=list[int])
    tiles: list[int] = field(default_factory=list[int])
    labels: dict[str, int] = field(default_factory=dict[str, int])
    branches: list[_Branch] = field(default_factory=list[_Branch])
    location: tuple[int, int] = (NO_LAYER, NO_TILE)

    def append(self, word: int) -> None:
        self.words.append(word)
        self.layers.append(self.location[0])
        self.tiles.append(self.location[1])


class _Reader:
    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self.program = program
        self.bank = program.machine.icache_instructions
        self.number = 0
        self.stretches: list[_Stretch] = []
        self.open: _Stretch | None = None
        self.layers = {layer.name: number for number, layer in enumerate(program.layers)}
        self.tiles = {tile: number for number, tile in enumerate(program.tiles)}

    def error(self, reason: object, line: int | None = None) -> SourceError:
        return SourceError(self.name, self.number if line is None else line, reason)

    def read(self, line: str) -> None:
        """Takes in one line, without comment."""
        if not line:
            return
        if match := _DIRECTIVE.match(line):
            self._directive(match[1], match[2] or "")
        elif self.open is None:
            raise self.error(f"'{line}' stands outside a program: code begins with .program ADDRESS")
        elif match := _LABEL.match(line):
            if match[1] in self.open.labels:
                raise self.error(f"label '{match[1]}' stands here a second time")
            self.open.labels[match[1]] = len(self.open.words)
        else:
            self._instruction(self.open, line)

    def _directive(self, word: str, rest: str) -> None:
        if word == "program":
            if self.open is not None:
                raise self.error("a program begins before the one above has its .end")
            self.open = _Stretch(self._number(rest, "the address of its code, in transfers of memory"), self.number)
            self.stretches.append(self.open)
            return
        if word not in ("loc", "fill", "end"):
            raise self.error(f"unknown directive .{word}: code has .program, .loc, .fill and .end")
        if self.open is None:
            raise self.error(f".{word} stands outside a program")
        match word:
            case "loc":
                if (match := _LOCATION.match(rest)) is None:
                    raise self.error(f".loc wants the name of a layer, and of its tiles, in quotes, got {rest}")
                self.open.location = self._location(*match.groups())
            case "fill":
                place = self._number(rest, "a place in the bank")
                used = len(self.open.words) % self.bank
                if not used <= place <= self.bank:
                    raise self.error(f".fill to {place}, but the bank is filled to {used} of {self.bank}")
                for _ in range(place - used):
                    self.open.append(EMPTY)
            case _:
                self.open = None

    def _location(self, layer: str | None, tile: str | None) -> tuple[int, int]:
        try:
            names = [None if literal is None else str(json.loads(literal)) for literal in (layer, tile)]
        except ValueError as error:
            raise self.error(f".loc wants text as JSON quotes it: {error}") from None
        if names[0] is not None and names[0] not in self.layers:
            raise self.error(f"the program has no layer '{names[0]}'")
        return (
            NO_LAYER if names[0] is None else self.layers[names[0]],
            NO_TILE if names[1] is None else self.tiles.setdefault(names[1], len(self.tiles)),
        )

    def _number(self, text: str, what: str) -> int:
        if not re.fullmatch(r"[0-9]+", text):
            raise self.error(f"wants {what}, got '{text}'")
        return int(text)

    def _instruction(self, stretch: _Stretch, line: str) -> None:
        try:
            row, texts = _match(line)
            label = ""
            values: dict[str, int] = {}
            for item in row.written_fields:
                if item.kind is Kind.LABEL:
                    label, values[item.name] = texts[item.name], 0
                else:
                    values[item.name] = _field_value(item, texts[item.name])
            if label:
                stretch.branches.append(_Branch(self.number, len(stretch.words), row, values, label))
            stretch.append(encode(row.name, values))
        except (ValueError, EncodingError) as error:
            raise self.error(error) from None

    def finish(self) -> Program:
        """The program with what has been read as its code."""
        if self.open is not None:
            raise self.error("the last program has no .end")
        program = self.program
        if len(self.stretches) != len(program.codes):
            raise self.error(f"holds {len(self.stretches)} programs, to replace {len(program.codes)}")
        made = replace(program, codes=tuple(map(self._code, self.stretches)), tiles=tuple(self.tiles))
        self._check_memory(made)
        return made

    def _code(self, stretch: _Stretch) -> Code:
        for branch in stretch.branches:
            if branch.label not in stretch.labels:
                raise self.error(f"label '{branch.label}' is not in this program", branch.line)
            target = stretch.labels[branch.label]
            if target // self.bank != branch.position // self.bank:
                raise self.error(f"'{branch.label}' lies in another instruction bank than its branch", branch.line)
            values = {
                item.name: target - branch.position if item.kind is Kind.LABEL else branch.values[item.name]
                for item in branch.row.written_fields
            }
            try:
                stretch.words[branch.position] = encode(branch.row.name, values)
            except EncodingError as error:
                raise self.error(error, branch.line) from None
        if not stretch.words:
            raise self.error("a program wants at least one instruction", stretch.line)
        missing = -len(stretch.words) % self.bank
        shape = (-1, self.bank)
        return Code(
            stretch.address,
            np.array(stretch.words + [EMPTY] * missing, np.uint32).reshape(shape),
            np.array(stretch.layers + [NO_LAYER] * missing, np.int32).reshape(shape),
            np.array(stretch.tiles + [NO_TILE] * missing, np.int32).reshape(shape),
        )

    def _check_memory(self, program: Program) -> None:
        """Rejects code over what else lies in memory: longer code than before may want another address."""
        transfer = program.machine.transfer_words
        taken = [
            (region.address, -(-region.words // transfer), f"region '{region.name}'") for region in program.regions
        ]
        for stretch, code in zip(self.stretches, program.codes, strict=True):
            length = len(code.words) * program.block_transfers
            for address, size, what in taken:
                if max(address, code.address) < min(address + size, code.address + length):
                    raise self.error(
                        f"this code, at {code.address} to {code.address + length}, covers {what}", stretch.line
                    )
            taken.append((code.address, length, f"the code at {code.address}"))


def _match(line: str) -> tuple[Instruction, dict[str, str]]:
    """The instruction on a line and the texts of its fields; raises ValueError for a line that holds none."""
    match = _INSTRUCTION.match(line)
    if match is None or match[1] not in _BY_MNEMONIC:
        raise ValueError(f"unknown instruction '{line.split()[0]}'")
    text = f"{match[2] or ''} {match[3] or ''}".rstrip()
    rows: Sequence[Instruction] = _BY_MNEMONIC[match[1]]
    for row in rows:
        if fields := row.pattern.fullmatch(text if row.syntax.startswith(".") else text.lstrip()):
            return row, fields.groupdict()
    raise ValueError(f"'{line}' is not of the form {' or '.join(map(assembly_form, rows))}")


def _field_value(field: Field, text: str) -> int:
    match field.kind:
        case Kind.REGISTER:
            value = int(text.removeprefix("r"))
            if not field.fits(value):
                raise ValueError(f"unknown register {text}: expected r0 to r{field.maximum}")
            return value
        case Kind.CHOICE:
            return _position(field, text)
        case Kind.FLAGS:
            flags = [_position(field, name) for name in re.findall(r"\w+", text)]
            if len(flags) != len(set(flags)):
                raise ValueError(f"a flag stands twice in '{text.strip(' ,')}'")
            return sum(1 << flag for flag in flags)
        case _:
            return int(text, 0)


def _position(field: Field, name: str) -> int:
    if name not in field.names:
        raise ValueError(f"unknown {field.name.removesuffix('s')} {name}: expected {', '.join(field.names)}")
    return field.names.index(name)
