"""Where what takes long to make is kept on disk, for the next time: `~/.cache/snowdialect`, or what XDG says."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder for one kind of thing; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "snowdialect" / name


def usable(folder: Path) -> bool:
    """Whether files can be kept in a folder, which is made where it is not there yet."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def fingerprint(versions: Iterable[str], files: Iterable[Path]) -> str:
    """16 digits for the versions of packages and the contents of source files, whatever the order of these."""
    digest = hashlib.sha256("\n".join(versions).encode())
    for path in sorted(files):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
