"""Output files that appear whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from snowdialect.errors import SnowError


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Finds out before the work what `replacing` would stop at, and what would be lost. None is skipped.

    Raises OSError for a place that cannot be written, SnowError for one that is an input or another output, too.
    """
    taken = {path.resolve() for path in inputs if path is not None}
    for path in (path for path in outputs if path is not None):
        check_replaceable(path)
        if path.is_char_device():
            continue
        if path.resolve() in taken:
            raise SnowError(f"{path}: is a file of this command already, which the output would replace")
        taken.add(path.resolve())


def check_replaceable(path: Path) -> None:
    """Raises OSError for a directory, and for a file in none."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such directory", str(path.parent))


@contextmanager
def replacing(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a new file that takes the place of `path` when the block ends without an exception.

    Something that is no regular file, such as /dev/null or a pipe, is written directly.
    """
    path = Path(path)
    check_replaceable(path)
    if path.exists() and not path.is_file():
        with open(path, mode) as file:
            yield file
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, mode) as file:
            yield file
        # mkstemp makes files private; an output gets the permissions of any other new file.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
