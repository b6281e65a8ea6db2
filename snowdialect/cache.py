"""Where what takes long to make is kept on disk, for the next time: `~/.cache/snowdialect`, or what XDG says."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def cache_folder(name: str) -> Path | None:
    """The folder for one kind of thing, which need not exist; None where nobody says where files may be kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path has no meaning there.
        folder = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "snowdialect" / name


def usable(folder: Path | None) -> bool:
    """Whether files can be kept in a folder, which is made where it is not there yet."""
    if folder is None:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def fingerprint(versions: Iterable[str], folder: Path, files: Iterable[Path]) -> str:
    """16 digits for the versions of packages, and the names and contents of files below a folder, in whatever order."""
    digest = hashlib.sha256("\n".join(versions).encode())
    for path in sorted(files):
        digest.update(f"\n{path.relative_to(folder)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
