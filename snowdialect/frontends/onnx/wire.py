"""Skims an ONNX file, which is one protobuf message: checks every size, and leaves out what is not needed.

A protobuf parser makes an object of each of its records, and a copy of each of its bytes. Skimmed, what is
left for it is the structure of the network: large arrays stay in the file, as external data that lies in the
file itself, and documentation, subgraphs and functions are dropped. The format is
https://protobuf.dev/programming-guides/encoding, the numbers of the fields are those of onnx.proto.
"""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

MAXIMUM_RECORDS = 200_000
"""Records, and numbers outside of arrays, in a file; a network of 1000 layers has 40,000."""

MAXIMUM_TEXT = 4096
"""Bytes in a name."""

LARGE_ARRAY = 256
"""Bytes above which an array stays in the file."""

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

EXTERNAL_DATA, DATA_LOCATION, EXTERNAL = 13, 14, 1
"""Two fields of TensorProto, and the value of the second that makes the first count."""

Data = mmap.mmap | bytes


class Damage(Exception):
    """Something in the file that cannot be; `load` adds the file's name."""


@dataclass(frozen=True)
class Message:
    """The fields of a protobuf message that are kept, by their numbers."""

    numbers: frozenset[int] = frozenset()
    texts: frozenset[int] = frozenset()
    arrays: frozenset[int] = frozenset()
    """Bytes, or packed numbers of a fixed size: both as they lie in memory."""
    parts: Mapping[int, "Message"] | None = None


_ENTRY = Message(texts=frozenset({1, 2}))
_TENSOR = Message(
    numbers=frozenset({1, 2, 5, 7, 11, DATA_LOCATION}),
    texts=frozenset({8}),
    arrays=frozenset({4, 9, 10}),
    parts={EXTERNAL_DATA: _ENTRY},
)
_ATTRIBUTE = Message(numbers=frozenset({2, 3, 7, 8, 20}), texts=frozenset({1, 4, 9}), parts={5: _TENSOR})
_NODE = Message(texts=frozenset({1, 2, 3, 4, 7}), parts={5: _ATTRIBUTE})
_DIMENSION = Message(numbers=frozenset({1}), texts=frozenset({2}))
_SHAPE = Message(parts={1: _DIMENSION})
_TENSOR_TYPE = Message(numbers=frozenset({1}), parts={2: _SHAPE})
_TYPE = Message(parts={1: _TENSOR_TYPE})
_VALUE_INFO = Message(texts=frozenset({1}), parts={2: _TYPE})
_GRAPH = Message(parts={1: _NODE, 5: _TENSOR, 11: _VALUE_INFO, 12: _VALUE_INFO})
_OPERATOR_SET = Message(numbers=frozenset({2}), texts=frozenset({1}))
MODEL = Message(numbers=frozenset({1}), parts={7: _GRAPH, 8: _OPERATOR_SET})
"""ModelProto: version, graph (nodes, initializers, inputs, outputs) and operator sets."""


class Field(NamedTuple):
    """A field of a message: where it starts, and where its value starts and stops."""

    number: int
    wire_type: int
    start: int
    value: int
    stop: int


def skim(data: Data) -> bytes:
    """The message in a file without what is not needed. Raises Damage for what is no ONNX file."""
    return _Skimmer(data).message(MODEL, 0, len(data))


class _Skimmer:
    def __init__(self, data: Data) -> None:
        self._data = data
        self._records_left = MAXIMUM_RECORDS

    def message(self, kind: Message, start: int, stop: int) -> bytes:
        """What is kept of the message between two positions."""
        kept: list[bytes] = []
        references: list[bytes] = []
        for field in self._fields(start, stop):
            part = None if kind.parts is None else kind.parts.get(field.number)
            if part is not None:
                self._expect(field, LENGTH)
                kept.append(_delimited(field.number, self.message(part, field.value, field.stop)))
            elif field.number in kind.arrays and field.stop - field.value > LARGE_ARRAY:
                self._expect(field, LENGTH)
                references.append(_reference(field))
            elif field.number in kind.texts:
                self._check_text(field)
                kept.append(self._data[field.start : field.stop])
            elif field.number in kind.numbers or field.number in kind.arrays:
                self._charge(field.stop - field.value if field.number in kind.numbers else 0)
                kept.append(self._data[field.start : field.stop])
        # Of a field that is there twice, protobuf takes the last.
        return b"".join(kept + references)

    def _fields(self, position: int, stop: int) -> Iterator[Field]:
        while position < stop:
            self._charge(1)
            start = position
            tag, position = self._varint(position, stop)
            number, wire_type = tag >> 3, tag & 7
            value = position
            if wire_type == VARINT:
                _, position = self._varint(position, stop)
            elif wire_type == LENGTH:
                length, value = self._varint(position, stop)
                position = value + length
            elif wire_type in (FIXED32, FIXED64):
                position += 4 if wire_type == FIXED32 else 8
            else:
                raise Damage(f"a record of unknown type {wire_type} at byte {start}")
            if not number:
                raise Damage(f"a record without a number at byte {start}")
            if position > stop:
                raise Damage(f"truncated: {position - value} bytes wanted at byte {value}, {stop - value} are left")
            yield Field(number, wire_type, start, value, position)

    def _varint(self, position: int, stop: int) -> tuple[int, int]:
        """A number of 7 bits a byte, least significant first, and where it ends."""
        number = 0
        for shift in range(0, 64, 7):
            if position >= stop:
                raise Damage(f"truncated: a number wanted at byte {position}")
            byte = self._data[position]
            position += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, position
        raise Damage(f"a number of more than 64 bits before byte {position}")

    def _check_text(self, field: Field) -> None:
        self._expect(field, LENGTH)
        if field.stop - field.value > MAXIMUM_TEXT:
            raise Damage(f"a name of {field.stop - field.value} bytes at byte {field.value}")
        try:
            self._data[field.value : field.stop].decode()
        except UnicodeDecodeError:
            raise Damage(f"a name that is no text at byte {field.value}") from None

    def _expect(self, field: Field, wire_type: int) -> None:
        if field.wire_type != wire_type:
            raise Damage(f"a record of type {field.wire_type} at byte {field.start}, expected {wire_type}")

    def _charge(self, records: int) -> None:
        self._records_left -= records
        if self._records_left < 0:
            raise Damage(f"holds more than {MAXIMUM_RECORDS} records and numbers")


def _encoded(number: int) -> bytes:
    """A number as a varint."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _delimited(number: int, value: bytes) -> bytes:
    """A field with a value of some length."""
    return _encoded(number << 3 | LENGTH) + _encoded(len(value)) + value


def _reference(field: Field) -> bytes:
    """An array as external data at a place without a name: in the file that is read."""
    entries = {"location": "", "offset": str(field.value), "length": str(field.stop - field.value)}
    external = b"".join(
        _delimited(EXTERNAL_DATA, _delimited(1, key.encode()) + _delimited(2, value.encode()))
        for key, value in entries.items()
    )
    return external + _encoded(DATA_LOCATION << 3 | VARINT) + _encoded(EXTERNAL)
