"""What a `.t7` file holds, as Python objects: shared by reader, writer and importer.

nil, booleans, numbers and strings are None, bool, int or float, and str. A Lua table is a dict (a list has
the keys 1 to n), a tensor or storage is a NumPy array, an object of any other Torch class is a
`torchfile.TorchObject`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torchfile import LuaFunction, TorchObject

__all__ = [
    "ELEMENT_TYPES",
    "Generated",
    "LuaFunction",
    "Storage",
    "Tensor",
    "TorchObject",
    "fields_of",
    "sequence_of",
    "torch_object",
    "type_name",
]

_NUMBERS = {
    "Byte": "<u1",
    "Char": "<i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Half": "<f2",
    "Float": "<f4",
    "Double": "<f8",
}

ELEMENT_TYPES: dict[str, np.dtype[Any]] = {
    **{kind: np.dtype(code) for kind, code in _NUMBERS.items()},
    **{f"Cuda{kind}": np.dtype(code) for kind, code in _NUMBERS.items() if kind != "Float"},
    "Cuda": np.dtype("<f4"),
}
"""Element type by kind, where a kind `Float` has the classes torch.FloatTensor and torch.FloatStorage."""


@dataclass(frozen=True, eq=False)
class Generated:
    """Values that exist only while they are written, part by part, so that large networks take little memory."""

    size: int
    parts: Callable[[], Iterator[NDArray[Any]]]
    """One-dimensional arrays, together of that size and the same each time; of the type of their storage."""


@dataclass(frozen=True, eq=False)
class Storage:
    """A storage to be written: `values` is one-dimensional, `kind` a key of ELEMENT_TYPES.

    Tensors that name the same Storage object share it in the file.
    """

    values: NDArray[Any] | Generated
    kind: str


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor to be written: a view of `storage`; offset and strides count elements."""

    storage: Storage
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @staticmethod
    def of(array: NDArray[Any], kind: str | None = None) -> "Tensor":
        """A contiguous tensor with a storage of its own; without `kind`, of the type of `array`."""
        if kind is None:
            kind = next((name for name, dtype in ELEMENT_TYPES.items() if dtype == array.dtype), "")
        if kind not in ELEMENT_TYPES:
            raise ValueError(f"Torch7 has no tensor of {kind or array.dtype}")
        return Tensor.contiguous(
            Storage(np.ascontiguousarray(array, ELEMENT_TYPES[kind]).reshape(-1), kind), array.shape
        )

    @staticmethod
    def contiguous(storage: Storage, shape: Sequence[int]) -> "Tensor":
        """All of a storage, the last axis being the innermost."""
        return Tensor(storage, tuple(shape), tuple(prod(shape[axis + 1 :]) for axis in range(len(shape))))


def torch_object(class_name: str, fields: dict[str, Any], version: int = 1) -> TorchObject:
    """An object of a Torch class such as `nn.ReLU`, as the reader makes it."""
    return TorchObject(class_name, dict(fields), version)


def type_name(value: Any) -> str:
    """The Torch or Lua name of a value's type, for messages: `nn.ReLU`, `table`, `number`."""
    if isinstance(value, TorchObject):
        name = value.torch_typename()
        name = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
        # A name in a damaged file can be long and hold line breaks; a message is one line.
        return name.encode("unicode_escape").decode()[:80]
    names = {
        type(None): "nil",
        bool: "boolean",
        int: "number",
        float: "number",
        str: "string",
        LuaFunction: "function",
    }
    if isinstance(value, np.ndarray):
        return "tensor"
    return names.get(type(value), "table")


def fields_of(value: TorchObject) -> dict[Any, Any]:
    """The fields of a Torch object; empty when the file gives it something else than a table."""
    content = value._obj
    return content if isinstance(content, dict) else {}


def sequence_of(table: Any) -> list[Any] | None:
    """The values of a Lua list, that is a table whose keys are 1 to n; None for anything else."""
    if not isinstance(table, dict):
        return None
    if not all(type(key) is int and 1 <= key <= len(table) for key in table):
        return None
    return [table[index] for index in range(1, len(table) + 1)]
