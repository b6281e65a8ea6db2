"""Model files as read-only maps of memory: what is not looked at is not read."""

import mmap
from pathlib import Path

from snowdialect.errors import SnowError


def map_file(path: Path) -> mmap.mmap | bytes:
    """The bytes of a regular file. Raises SnowError, one line, when there is none that can be read."""
    if not path.is_file():
        raise SnowError(f"{path}: no such file" if not path.exists() else f"{path}: not a regular file")
    try:
        with open(path, "rb") as file:
            # An empty file cannot be mapped.
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
    except OSError as error:
        raise SnowError(f"{path}: cannot be read: {error.strerror}") from None
