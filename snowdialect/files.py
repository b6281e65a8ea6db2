"""Output files that appear whole or not at all."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from snowdialect.errors import SnowError

_PREFIX = ".snow-"
"""How the names of temporary files begin."""


def check_outputs(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Finds out before the work what `replacing` would stop at, and what would be lost. None is skipped.

    Raises OSError for a place that cannot be written, SnowError for one that is an input or another output, too.
    """
    taken = {os.path.realpath(path) for path in inputs if path is not None}
    for path in (path for path in outputs if path is not None):
        check_replaceable(path)
        if path.is_char_device():
            continue
        if (place := os.path.realpath(path)) in taken:
            raise SnowError(f"{path}: is a file of this command already, which the output would replace")
        taken.add(place)


def check_replaceable(path: Path) -> None:
    """Raises OSError, which names `path`, for a directory, and for what cannot be written or created."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a directory", str(path))
    with _naming(path):
        if _is_special(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
    folder = _target(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such directory", str(folder))
    with _naming(path):
        # What a folder allows is not all in its permissions: that of a read-only file system or of processes.
        descriptor, temporary = _temporary(path)
        os.close(descriptor)
        os.unlink(temporary)


@contextmanager
def replacing(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a new file that takes the place of `path` when the block ends without an exception.

    Something that is no regular file, such as /dev/null or a pipe, is written directly; a symbolic link stays, and what
    it leads to is replaced. Raises OSError, which names `path`, for what cannot be written.
    """
    path = Path(path)
    check_replaceable(path)
    with _naming(path):
        if _is_special(path):
            with open(path, mode) as file:
                yield file
            return
        descriptor, temporary = _temporary(path)
        try:
            with open(descriptor, mode) as file:
                yield file
            # mkstemp makes files private; an output gets the permissions of any other new file.
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(temporary, 0o666 & ~mask)
            os.replace(temporary, _target(path))
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise


def _is_special(path: Path) -> bool:
    """Whether a path leads to something that is no regular file. Raises OSError when that cannot be known."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _target(path: Path) -> Path:
    """What is replaced: `path`, or what it leads to as a symbolic link, even if there is nothing yet."""
    if not path.is_symlink():
        return path
    try:
        return Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(path))


def _temporary(path: Path) -> tuple[int, str]:
    """A new file in the folder of what is replaced, open, and its name."""
    return tempfile.mkstemp(dir=_target(path).parent, prefix=_PREFIX)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Names `path` in an OSError that names no file, or a temporary one, which is of no use to a user."""
    try:
        yield
    except OSError as error:
        if error.filename is None or Path(error.filename).name.startswith(_PREFIX):
            error.filename, error.filename2 = str(path), None
        raise
