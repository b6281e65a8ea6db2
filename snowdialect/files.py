"""Output files that appear whole or not at all."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


def check_replaceable(*paths: str | Path | None) -> None:
    """Raises the OSError that `replacing` would, for commands to call before the work. None is skipped."""
    for path in (Path(path) for path in paths if path is not None):
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
