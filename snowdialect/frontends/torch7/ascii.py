"""Reads the ASCII form of Torch7 files: the same values as the binary form, as text.

Format as in torch7's DiskFile.c: a number is followed by one line break; a string is its length, a line
break, its raw bytes and a line break; the elements of a storage stand on one line, except those of bytes and
chars, which are raw.
"""

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.frontends.torch7.reader import ByteSource, Damage, GuardedReader

_TOKEN = re.compile(rb"\s*([^\s]{1,64})(?=\s|\Z)")
_CHUNK = 1 << 20


class AsciiReader(GuardedReader):
    """The reader of objects over primitives of the ASCII form."""

    def __init__(self, source: ByteSource) -> None:
        super().__init__(source)
        # Text can be shorter than what it stands for: "0 " is two bytes, a double eight.
        self._allowance = 2 * len(source.data) + (64 << 20)

    def read_int(self) -> int:
        value = self._integer()
        if not -(2**31) <= value < 2**31:
            raise Damage(f"the number {value} before byte {self.source.position} is no 32-bit integer")
        return value

    def read_long(self) -> int:
        return self._integer()

    def read_double(self) -> float:
        text = self._token()
        try:
            return float(text)
        except ValueError:
            raise Damage(f"{_quoted(text)} before byte {self.source.position} is no number") from None

    def read_string(self, disable_utf8: bool = False) -> str | bytes:
        text = super().read_string(disable_utf8)
        self._skip_line_break()
        return text

    def read_array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        if dtype.itemsize == 1:
            values = super().read_array(dtype, count)
            self._skip_line_break()
            return values
        # Every element takes a digit and a separator, the last one perhaps only the digit.
        if not 0 <= count <= (self.source.remaining + 1) // 2:
            raise Damage(f"a storage of {count} elements at byte {self.source.position} does not fit in the file")
        self._allowance -= count * dtype.itemsize
        if self._allowance < 0:
            raise Damage("the numbers in it take far more memory than the file")
        values = np.empty(count, dtype)
        done = 0
        while done < count:
            part = _parse(self._line_part(), dtype)
            if part.size == 0 or part.size > count - done:
                raise Damage(f"a storage of {count} elements before byte {self.source.position} has another number")
            values[done : done + part.size] = part
            done += part.size
        values.setflags(write=False)
        return values

    def _integer(self) -> int:
        text = self._token()
        try:
            return int(text)
        except ValueError:
            raise Damage(f"{_quoted(text)} before byte {self.source.position} is no integer") from None

    def _token(self) -> bytes:
        """The next word, and the line break after it: what follows may be raw bytes."""
        match = _TOKEN.match(self.source.data, self.source.position)
        if match is None:
            left = self.source.remaining
            raise Damage(f"{'truncated' if left < 2 else 'a number was expected'} at byte {self.source.position}")
        self.source.position = match.end()
        self._skip_line_break()
        return match[1]

    def _skip_line_break(self) -> None:
        data, position = self.source.data, self.source.position
        if data[position : position + 1] == b"\n":
            self.source.position += 1

    def _line_part(self) -> bytes:
        """The rest of the line or about a megabyte of it, up to a space: text is not copied as a whole."""
        data, start = self.source.data, self.source.position
        limit = min(start + _CHUNK, len(data))
        end = data.find(b"\n", start, limit)
        if end < 0:
            space = data.find(b" ", limit - 1, limit + 64)
            end = space if space >= 0 else min(limit + 64, len(data))
        self.source.position = min(end + 1, len(data))
        return bytes(data[start:end])


def _parse(text: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers separated by spaces; empty when something else stands among them."""
    # NumPy has no text parser for half precision.
    parsed = np.dtype(np.float32) if dtype == np.float16 else dtype
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, parsed, sep=" ").astype(dtype, copy=False)
        except (ValueError, DeprecationWarning):
            return np.empty(0, dtype)


def _quoted(text: bytes) -> str:
    return repr(text.decode("ascii", "replace"))
