"""Reads Torch7 files through `torchfile`, which trusts a file blindly: here every size is checked before it
is used.

Differences to plain torchfile: Lua lists stay tables (its list heuristic fails on lists of tensors), strings
are `str`, Half tensors are read, storages are views of the memory-mapped file, and damage ends in one line.
"""

import mmap
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torchfile
from numpy.typing import NDArray

from snowdialect.errors import SnowError
from snowdialect.frontends.mapped import map_file
from snowdialect.frontends.network import MAXIMUM_DIMENSIONS
from snowdialect.frontends.torch7.objects import ELEMENT_TYPES

MAXIMUM_DEPTH = 150
"""Nesting of objects within objects; trained networks stay below 60, and each level takes Python stack."""

MAXIMUM_VALUES = 400_000
"""Values of any kind; a network of 1000 layers has 80,000. A tensor takes 400 bytes of memory besides its numbers."""

MAXIMUM_TEXT = 16 << 20
"""Bytes of all strings; in memory they may take five times as much."""

_INT, _LONG, _DOUBLE = struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<d")


class Damage(Exception):
    """Something in the file that cannot be; `load` adds the file's name."""


class ByteSource:
    """The bytes of a file in order; `torchfile` takes it for the file object."""

    def __init__(self, data: mmap.mmap | bytes) -> None:
        self.data = data
        self.size = len(data)
        self.position = 0

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self.size - self.position

    def advance(self, count: int) -> int:
        """Skips `count` bytes and returns where they start."""
        start = self.position
        if count < 0:
            raise Damage(f"negative size {count} at byte {start}")
        if start + count > self.size:
            raise Damage(f"truncated: {count} bytes wanted at byte {start}, {self.remaining} are left")
        self.position = start + count
        return start

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self.advance(count)
        return bytes(self.data[start : start + count])


class GuardedReader(torchfile.T7Reader):
    """torchfile's reader of objects over checked primitives: those of the binary form."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__(source, use_list_heuristic=False)
        self.source = source
        self._depth = 0
        self._values = 0
        self._text = 0

    def read_obj(self) -> Any:
        """The next value with everything in it."""
        self._values += 1
        if self._values > MAXIMUM_VALUES:
            raise Damage(f"holds more than {MAXIMUM_VALUES} values")
        if self._depth >= MAXIMUM_DEPTH:
            raise Damage(f"nested deeper than {MAXIMUM_DEPTH} levels")
        self._depth += 1
        value = super().read_obj()
        self._depth -= 1
        return value

    def read_int(self) -> int:
        return _INT.unpack_from(self.source.data, self.source.advance(4))[0]

    def read_long(self) -> int:
        return _LONG.unpack_from(self.source.data, self.source.advance(8))[0]

    def read_double(self) -> float:
        return _DOUBLE.unpack_from(self.source.data, self.source.advance(8))[0]

    def read_long_array(self, n: int) -> list[int]:
        return [self.read_long() for _ in range(n)]

    def read_string(self, disable_utf8: bool = False) -> str | bytes:
        """Class names as bytes, as torchfile's table of classes wants them; any other string as str."""
        size = self.read_int()
        start = self.source.advance(size)
        self._text += size
        if self._text > MAXIMUM_TEXT:
            raise Damage(f"holds more than {MAXIMUM_TEXT >> 20} MB of text")
        text = bytes(self.source.data[start : start + size])
        return text if disable_utf8 else text.decode("utf-8", "surrogateescape")

    def read_array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The `count` elements of a storage."""
        start = self.source.advance(count * dtype.itemsize)
        return np.frombuffer(self.source.data, dtype, count, start)


def _read_storage(reader: GuardedReader, dtype: np.dtype[Any]) -> NDArray[Any]:
    return reader.read_array(dtype, reader.read_long())


def _read_tensor(reader: GuardedReader, dtype: np.dtype[Any]) -> NDArray[Any]:
    dimensions = reader.read_int()
    if not 0 <= dimensions <= MAXIMUM_DIMENSIONS:
        raise Damage(f"a tensor of {dimensions} dimensions")
    shape = reader.read_long_array(dimensions)
    strides = reader.read_long_array(dimensions)
    offset = reader.read_long() - 1
    storage = reader.read_obj()
    if storage is None or dimensions == 0:
        return np.empty(0, dtype)
    if not isinstance(storage, np.ndarray) or storage.ndim != 1 or storage.dtype != dtype:
        raise Damage(f"a tensor of {dtype} whose storage is something else")
    if min(shape) < 0 or min(strides) < 0 or offset < 0:
        raise Damage(f"a tensor with negative size, stride or offset: size {shape}, stride {strides}")
    if 0 in shape:
        return np.empty(0, dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if last >= storage.size:
        raise Damage(f"a tensor of size {shape} reaches beyond its storage of {storage.size} elements")
    size = dtype.itemsize
    return np.ndarray(shape, dtype, storage, offset * size, [stride * size for stride in strides])


def _install(
    class_name: str, read: Callable[[GuardedReader, np.dtype[Any]], NDArray[Any]], dtype: np.dtype[Any]
) -> None:
    """Makes torchfile read a class by `read` under a GuardedReader; other readers are unaffected."""
    key = class_name.encode()
    original = torchfile.type_handlers.get(key)

    def handler(reader: torchfile.T7Reader, version: bytes) -> Any:
        if isinstance(reader, GuardedReader):
            return read(reader, dtype)
        if original is None:
            raise torchfile.T7ReaderException(f"no reader for {class_name}")
        return original(reader, version)

    torchfile.type_handlers[key] = handler


for _kind, _dtype in ELEMENT_TYPES.items():
    _install(f"torch.{_kind}Storage", _read_storage, _dtype)
    _install(f"torch.{_kind}Tensor", _read_tensor, _dtype)


def load(path: str | Path) -> Any:
    """The object in a `.t7` file, binary or ASCII (told apart by the first bytes); see `objects` for its
    parts.

    Nothing in the file is executed: a Lua function stays bytes. Arrays are read-only views of the mapped
    file. Raises SnowError, one line naming the file and the place, for anything that is no whole Torch7 file.
    """
    path = Path(path)
    reader = _reader_for(map_file(path))
    try:
        return reader.read_obj()
    except Damage as damage:
        problem = str(damage)
    except torchfile.T7ReaderException as error:
        problem = f"{error} before byte {reader.source.position}"
    except (ValueError, TypeError, ArithmeticError, AttributeError, RecursionError) as error:
        # What torchfile and NumPy raise on impossible values: a version that is no number, a tensor as table
        # key.
        problem = f"damaged before byte {reader.source.position} ({str(error).partition(chr(10))[0]})"
    raise SnowError(f"{path}: not a readable Torch7 file: {problem}")


def _reader_for(data: mmap.mmap | bytes) -> GuardedReader:
    """The reader for the form of the file: ASCII starts with a type code, a digit on a line of its own."""
    source = ByteSource(data)
    if data[:1].isdigit() and data[1:2].isspace():
        from snowdialect.frontends.torch7.ascii import AsciiReader

        return AsciiReader(source)
    return GuardedReader(source)
