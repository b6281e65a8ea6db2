"""Writes Torch7 files, binary and ASCII, as torch.save does.

Format as in torch7's File.lua and DiskFile.c, the counterpart of what `reader` and `ascii` read.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torchfile
from numpy.typing import NDArray

from snowdialect.files import replacing
from snowdialect.frontends.torch7.objects import Generated, Storage, Tensor, TorchObject

MAXIMUM_DEPTH = 150


class _BinaryForm:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write_int(self, value: int) -> None:
        self._file.write(struct.pack("<i", value))

    def write_long(self, value: int) -> None:
        self._file.write(struct.pack("<q", value))

    def write_longs(self, values: Sequence[int]) -> None:
        self._file.write(struct.pack(f"<{len(values)}q", *values))

    def write_double(self, value: float) -> None:
        self._file.write(struct.pack("<d", value))

    def write_string(self, text: bytes) -> None:
        self.write_int(len(text))
        self._file.write(text)

    def write_array(self, values: NDArray[Any] | Generated) -> None:
        for part in values.parts() if isinstance(values, Generated) else (values,):
            self._file.write(np.ascontiguousarray(part).data)


class _AsciiForm:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def _line(self, text: str) -> None:
        self._file.write(text.encode() + b"\n")

    def write_int(self, value: int) -> None:
        self._line(str(value))

    def write_long(self, value: int) -> None:
        self._line(str(value))

    def write_longs(self, values: Sequence[int]) -> None:
        # An empty array leaves no line behind.
        if values:
            self._line(" ".join(map(str, values)))

    def write_double(self, value: float) -> None:
        self._line(f"{value:.17g}")

    def write_string(self, text: bytes) -> None:
        self.write_int(len(text))
        self._file.write(text + b"\n")

    def write_array(self, values: NDArray[Any] | Generated) -> None:
        if values.size == 0:
            return
        if isinstance(values, Generated):
            values = np.concatenate(list(values.parts()))
        if values.dtype.itemsize == 1:
            self._file.write(values.tobytes() + b"\n")
        elif values.dtype.kind == "i":
            self._line(" ".join(map(str, values.tolist())))
        else:
            # The shortest numbers of digits that give the same float or double back.
            digits = 17 if values.dtype.itemsize == 8 else 9
            self._line(" ".join(f"{value:.{digits}g}" for value in values.tolist()))


class _Writer:
    """Numbers the objects as it meets them; an object met again is written as its number alone."""

    def __init__(self, form: _BinaryForm | _AsciiForm) -> None:
        self._form = form
        self._numbers: dict[int, int] = {}
        self._tensors: dict[int, Tensor] = {}
        self._depth = 0

    def write(self, value: Any) -> None:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise ValueError(f"nested deeper than {MAXIMUM_DEPTH} levels")
        self._write_value(value)
        self._depth -= 1

    def _write_value(self, value: Any) -> None:
        form = self._form
        match value:
            case None:
                form.write_int(torchfile.TYPE_NIL)
            case bool():
                form.write_int(torchfile.TYPE_BOOLEAN)
                form.write_int(int(value))
            case int() | float():
                form.write_int(torchfile.TYPE_NUMBER)
                form.write_double(float(value))
            case str():
                form.write_int(torchfile.TYPE_STRING)
                form.write_string(value.encode("utf-8", "surrogateescape"))
            case dict():
                if self._first_time(value, torchfile.TYPE_TABLE):
                    self._write_items(list(value.items()))
            case list() | tuple():
                if self._first_time(value, torchfile.TYPE_TABLE):
                    self._write_items(list(enumerate(value, 1)))
            case TorchObject():
                if self._first_time(value, torchfile.TYPE_TORCH):
                    self._write_class(_text(value.torch_typename()), value._version_number)
                    self.write(value._obj)
            case Storage():
                if self._first_time(value, torchfile.TYPE_TORCH):
                    self._write_class(f"torch.{value.kind}Storage")
                    form.write_long(value.values.size)
                    form.write_array(value.values)
            case Tensor():
                if self._first_time(value, torchfile.TYPE_TORCH):
                    self._write_tensor(value)
            case np.ndarray():
                # One Tensor an array, kept: an array that appears twice is one shared tensor.
                self._write_value(self._tensors.setdefault(id(value), Tensor.of(value)))
            case _:
                raise TypeError(f"a {type(value).__name__} has no Torch7 form")

    def _first_time(self, value: Any, type_code: int) -> bool:
        """Writes type and number of an object; False when its content is in the file already."""
        known = id(value) in self._numbers
        number = self._numbers.setdefault(id(value), len(self._numbers) + 1)
        self._form.write_int(type_code)
        self._form.write_int(number)
        return not known

    def _write_class(self, name: str, version: int = 1) -> None:
        self._form.write_string(f"V {version}".encode())
        self._form.write_string(name.encode())

    def _write_items(self, items: list[tuple[Any, Any]]) -> None:
        self._form.write_int(len(items))
        for key, value in items:
            self.write(key)
            self.write(value)

    def _write_tensor(self, tensor: Tensor) -> None:
        self._write_class(f"torch.{tensor.storage.kind}Tensor")
        shape = tensor.shape if 0 not in tensor.shape else ()
        self._form.write_int(len(shape))
        self._form.write_longs(shape)
        self._form.write_longs(tensor.strides if shape else ())
        self._form.write_long(tensor.offset + 1)
        self.write(tensor.storage if shape else None)


def save(path: str | Path, tree: Any, ascii: bool = False) -> None:
    """Writes an object tree (see `objects`) as a `.t7` file, whole or not at all.

    An array becomes a tensor of its element type (float32 a FloatTensor); `Tensor` and `Storage` choose
    another class or share a storage. An object that appears twice is written once and referred to. Raises
    TypeError for a value that has no Torch7 form, ValueError for one nested too deep, OSError when the file
    cannot be written.
    """
    with replacing(path, "wb") as file:
        _Writer(_AsciiForm(file) if ascii else _BinaryForm(file)).write(tree)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
