"""Numba for the simulator: functions compiled on first use, the machine code kept on disk.

Numba notices a change of the file that a function stands in, not of the files that it takes functions and constants
from. So the code of every state of these files has a folder of its own, for all copies of the project.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import types
from numba.core import config

from snowdialect.cache import cache_folder, fingerprint, usable
from snowdialect.machine import instructions

Function = TypeVar("Function", bound=Callable[..., Any])

_CONFIG: Any = config
"""Numba's options, which are set while it runs: its stubs know none of them."""
_NOT_COMPILED = ("__init__", "compiled", "host", "report", "simulate")
"""Files beside this one without a part in compiled code."""


def _cache_folder() -> Path | None:
    files = (path for path in Path(__file__).parent.glob("*.py") if path.stem not in _NOT_COMPILED)
    package = Path(__file__).parents[1]
    return cache_folder(fingerprint([numba.__version__], package, (*files, Path(instructions.__file__))))


_FOLDER = _cache_folder()
_FRESH = _FOLDER is None or not _FOLDER.exists()
_CACHED = usable(_FOLDER)


def compiled(function: Function) -> Function:
    """Compiles a function of numbers, arrays and tuples of them, which only compiled functions call."""
    # What makes a function callable from Python would be most of its code.
    return _compile(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def entry(function: Function) -> Function:
    """Compiles a function that Python calls. It runs without Python's lock.

    Its machine code holds that of all functions it calls, and is the only one kept on disk.
    """
    return _compile(function, cache=_CACHED)


class Locator:
    """Tells Numba where to keep the machine code of a function. Numba's own locators go by the path of a file, too, and
    by when it was written; the name of our folder already says all that the code follows from."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self.line = function.__code__.co_firstlineno
        self._py_file = file
        """Numba names it in warnings."""

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> "Locator":
        """The locator of a function in a file."""
        return cls(function, file)

    def ensure_cache_path(self) -> None:
        """Makes the folder."""
        Path(self.get_cache_path()).mkdir(parents=True, exist_ok=True)

    def get_cache_path(self) -> str:
        """The folder."""
        return str(_FOLDER)

    def get_source_stamp(self) -> str:
        """Nothing makes code in the folder stale: another state of the files has another folder."""
        return ""

    def get_disambiguator(self) -> str:
        """What tells functions of one name in one file apart."""
        return str(self.line)


def _compile(function: Function, **options: Any) -> Function:
    # Versions of Numba that know only a folder keep code by path in it, once for each copy of the project.
    ours = {"CACHE_DIR": str(_FOLDER), "CACHE_LOCATOR_CLASSES": f"{Locator.__module__}.{Locator.__qualname__}"}
    configured = {name: getattr(_CONFIG, name, "") for name in ours}
    try:
        for name, value in ours.items():
            setattr(_CONFIG, name, value)
        dispatcher: Any = numba.njit(nogil=True, error_model="numpy", **options)(function)
    finally:
        for name, value in configured.items():
            setattr(_CONFIG, name, value)
    _share_code(dispatcher)
    return dispatcher


def _share_code(dispatcher: Any) -> None:
    """Keeps Numba from compiling a function anew for every constant that it is called with."""
    template = dispatcher.get_call_template

    def get_call_template(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return template(tuple(map(types.unliteral, args)), {name: types.unliteral(kind) for name, kind in kws.items()})

    dispatcher.get_call_template = get_call_template


def announce_compilation() -> None:
    """Says on a terminal that the first run of this version takes longer."""
    global _FRESH
    if (_FRESH or not _CACHED) and sys.stderr.isatty():
        place = "your home folder is not known" if _FOLDER is None else f"{_FOLDER} cannot be written"
        kept = "kept for the next time" if _CACHED else f"{place}, so this happens every time"
        print(f"compiling the simulator, {kept} ...", file=sys.stderr)
    _FRESH = False
