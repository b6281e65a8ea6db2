"""The arrays of an ONNX file, or of files beside it: TensorProto to NumPy, every size checked before it is used."""

import os
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onnx import TensorProto
from snowdialect.dialects.cnn.shapes import MAXIMUM_ELEMENTS, format_shape
from snowdialect.errors import SnowError
from snowdialect.frontends.mapped import map_file
from snowdialect.frontends.network import MAXIMUM_DIMENSIONS, LayerError
from snowdialect.frontends.onnx.wire import Data

ELEMENT_TYPES: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype("<f4"),
    TensorProto.UINT8: np.dtype("u1"),
    TensorProto.INT8: np.dtype("i1"),
    TensorProto.UINT16: np.dtype("<u2"),
    TensorProto.INT16: np.dtype("<i2"),
    TensorProto.INT32: np.dtype("<i4"),
    TensorProto.INT64: np.dtype("<i8"),
    TensorProto.BOOL: np.dtype("?"),
    TensorProto.FLOAT16: np.dtype("<f2"),
    TensorProto.DOUBLE: np.dtype("<f8"),
    TensorProto.UINT32: np.dtype("<u4"),
    TensorProto.UINT64: np.dtype("<u8"),
}
"""Element types by their number in onnx.proto: those that NumPy has."""

TYPE_NUMBERS = {dtype: number for number, dtype in ELEMENT_TYPES.items()}

_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.INT64: "int64_data",
    TensorProto.DOUBLE: "double_data",
    TensorProto.UINT32: "uint64_data",
    TensorProto.UINT64: "uint64_data",
}
"""The field that holds numbers of a type one by one; it is `int32_data` for all others."""


class DataFiles:
    """The bytes that the tensors of a model lie in: its own file, and files in its folder."""

    def __init__(self, path: Path, data: Data) -> None:
        self._folder = path.parent
        self._files: dict[str, Data] = {"": data}

    def array(self, tensor: TensorProto) -> NDArray[Any]:
        """The array of a tensor, where possible a read-only view of a mapped file.

        Raises LayerError for an array that its tensor does not describe.
        """
        dtype = ELEMENT_TYPES.get(tensor.data_type)
        if dtype is None:
            raise LayerError(f"tensor '{tensor.name}' has elements of a type {tensor.data_type}, not supported")
        shape = tuple(tensor.dims)
        if len(shape) > MAXIMUM_DIMENSIONS or min(shape, default=1) < 0 or prod(shape) > MAXIMUM_ELEMENTS:
            raise LayerError(f"tensor '{tensor.name}' of {format_shape(shape[:MAXIMUM_DIMENSIONS])} cannot be")
        if tensor.data_location == TensorProto.EXTERNAL:
            data, start, size = self._external(tensor)
        elif tensor.HasField("raw_data"):
            data, start, size = tensor.raw_data, 0, len(tensor.raw_data)
        else:
            return _from_numbers(tensor, dtype, shape)
        expected = prod(shape) * dtype.itemsize
        if size != expected:
            raise LayerError(f"tensor '{tensor.name}' of {format_shape(shape)} takes {expected} bytes, has {size}")
        if not size:
            return np.empty(shape, dtype)
        return np.frombuffer(data, dtype, prod(shape), start).reshape(shape)

    def _external(self, tensor: TensorProto) -> tuple[Data, int, int]:
        """File, position and size of the bytes of a tensor."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        data = self._open(tensor.name, entries.get("location", ""))
        start = _whole(tensor.name, entries.get("offset", "0"))
        size = _whole(tensor.name, entries.get("length", str(max(len(data) - start, 0))))
        if start + size > len(data):
            raise LayerError(
                f"tensor '{tensor.name}' lies at bytes {start} to {start + size} of external data with {len(data)}"
            )
        return data, start, size

    def _open(self, name: str, location: str) -> Data:
        """The bytes of a file in the model's folder or below."""
        if location not in self._files:
            folder = Path(os.path.realpath(self._folder))
            try:
                path = Path(os.path.realpath(folder / location))
                confined = path.is_relative_to(folder) and ".." not in Path(location).parts
                if Path(location).is_absolute() or not confined:
                    raise LayerError(f"tensor '{name}' lies outside of the model's folder, in '{location}'")
                self._files[location] = map_file(path)
            except (SnowError, OSError, ValueError) as error:
                raise LayerError(f"tensor '{name}' has external data that cannot be read: {error}") from None
        return self._files[location]


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise LayerError(f"tensor '{name}' has external data at '{text}', expected a number")
    return int(text)


def _from_numbers(tensor: TensorProto, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array of a tensor that lists its elements; float16 is listed as the bits of integers."""
    numbers = getattr(tensor, _FIELDS.get(tensor.data_type, "int32_data"))
    if len(numbers) != prod(shape):
        raise LayerError(f"tensor '{tensor.name}' of {format_shape(shape)} has {len(numbers)} elements")
    array = np.array(numbers)
    if dtype.kind == "f" and dtype.itemsize == 2:
        array = array.astype(np.uint16).view(np.float16)
    return array.astype(dtype).reshape(shape)
