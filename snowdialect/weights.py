"""The file that holds a module's weights: safetensors, one source tensor a name, read when asked for."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.errors import SnowError
from snowdialect.files import replacing

PART = 1 << 20
"""Elements that are written at a time."""


class Weights(Mapping[str, NDArray[Any]]):
    """Source tensors by weight name: those of a file, or arrays at hand.

    `weights[name]` raises SnowError, one line, when there is no such tensor.
    """

    def __init__(self, tensors: Mapping[str, NDArray[Any]], source: str = "the given weights") -> None:
        self.source = source
        self._tensors = tensors

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._tensors:
            raise SnowError(f"{self.source}: holds no weight '{name}'")
        return self._tensors[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tensors

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


class _FileTensors(Mapping[str, NDArray[Any]]):
    """The tensors of a memory-mapped safetensors file."""

    def __init__(self, path: Path) -> None:
        from safetensors import SafetensorError, safe_open

        self._path = path
        try:
            self._file = safe_open(str(path), framework="numpy")
        except (OSError, SafetensorError) as error:
            raise SnowError(f"{path}: not a safetensors file: {_first_line(error)}") from None
        self._names = list(self._file.keys())

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            return self._file.get_tensor(name)
        except Exception as error:
            # The library reports a type that NumPy lacks (bfloat16) by several exceptions of its own.
            raise SnowError(f"{self._path}: weight '{name}' cannot be read: {_first_line(error)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def open_weights(path: str | Path) -> Weights:
    """Opens a safetensors file; a tensor is read from the memory map when it is asked for.

    Raises SnowError, one line, when the file is missing or no safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise SnowError(f"{path}: weights file not found")
    return Weights(_FileTensors(path), str(path))


def write_weights(path: str | Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Writes `tensors` (float32, any shape) as a safetensors file, whole or not at all.

    Tensors are written one after the other, in parts: the library's own writer first copies all of them, and
    one that repeats a number may be far larger than the memory it takes.
    Format: https://github.com/huggingface/safetensors#format. Raises OSError when it cannot be written.
    """
    header: dict[str, Any] = {}
    end = 0
    for name, array in tensors.items():
        start, end = end, end + array.size * 4
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with replacing(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            flat = array.reshape(-1)
            for start in range(0, flat.size, PART):
                file.write(np.ascontiguousarray(flat[start : start + PART], "<f4").data)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
