"""Programs that were compiled before, on disk, without their weights, which are packed anew.

What a program does follows from the layers of its network, their shapes and Q positions, not from what its weights are:
a network that was trained on has the same code. A key holds all that the passes below level `cnn` go by, their own
source included, so what is found is, bit for bit, what they would make. What is damaged is made anew.

A file is a ZIP archive, which has checksums, of the program as in a `.snow` file and of the operations that its weights
follow from as MLIR: nothing that Python would execute.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.printer import Printer

import lowering
from lowering.driver import CHOOSE_SCHEDULE, PassOptions
from lowering.pipeline import LEVELS, PHASES, passes_between
from snowdialect.backend.container import parse_program, program_bytes
from snowdialect.backend.images import PackedConstants, PackedOp
from snowdialect.backend.program import Image, Program
from snowdialect.cache import cache_folder, fingerprint
from snowdialect.dialects.cnn import is_constant
from snowdialect.dialects.target import MACHINE_ATTRIBUTE, machine_of, set_machine
from snowdialect.files import replacing
from snowdialect.machine import DEFAULT_MACHINE, Machine, load_machine
from snowdialect.weights import Weights

MOST_BYTES = 1 << 28
"""Of all programs that are kept; those that were not used for the longest time go first."""

_COMPRESSION = 1
"""Of ZIP: code becomes a fifth within some milliseconds."""
_NAME = re.compile("[0-9a-f]{64}")
"""Of a file: its key."""
_OURS = ("lowering", "snowdialect")
"""The packages whose source is in the keys."""


class KeptProgram(NamedTuple):
    """A program, and what its weights follow from."""

    program: Program
    """Its images have no words."""
    constants: ModuleOp
    """The packed constants in the order of the images, and what they follow from."""

    def with_weights(self, weights: Weights | None, model: str) -> Program:
        """The program of a model file with these weights. Raises SnowError for weights that are missing or do not
        fit."""
        packed = PackedConstants(self.constants, weights)
        packed.pack()
        return replace(_with_words(self.program, packed.images), model=model)


def _with_words(program: Program, words: Iterable[NDArray[np.int16]]) -> Program:
    images = zip(program.images, words, strict=True)
    return replace(program, images=tuple(Image(image.address, new) for image, new in images))


def _take_constants(module: ModuleOp) -> ModuleOp:
    """Takes the packed constants, and what they follow from, out of a module that is not needed any more."""
    taken = ModuleOp([])
    for op in list(module.body.block.ops):
        if isinstance(op, PackedOp) or (op.results and all(map(is_constant, op.results))):
            op.detach()
            taken.body.block.add_op(op)
    set_machine(taken, machine_of(module))
    return taken


class ProgramCache:
    """Programs on disk, each in a file of its own. It has to be made before passes are imported: keys hold the source
    that it finds then."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = cache_folder("programs") if folder is None else folder
        self.most_bytes = most_bytes
        self.compiler = _compiler()

    def key(self, module: ModuleOp, options: PassOptions) -> str | None:
        """What the program of a network at level `cnn` follows from, but for its weights, as 64 digits. None where some
        of that is not known: operations or passes of others. Raises SnowError as loading the machine does."""
        if self.compiler is None or not all(_package(type(op)) in (*_OURS, "xdsl") for op in module.walk()):
            return None
        passes = passes_between(LEVELS[0], LEVELS[-1], options)
        wanted = [(name, sorted(options.get(name, {}).items())) for name in passes]
        machine = _machine(module, options).to_dict()
        return hashlib.sha256(repr((self.compiler, wanted, machine, _text(module))).encode()).hexdigest()

    def find(self, key: str | None, context: Context) -> KeptProgram | None:
        """The program of a key, if it is there and undamaged."""
        if key is None or self.folder is None:
            return None
        path = self.folder / key
        # Whatever is wrong with a file, the program is made anew; what is no file, such as a pipe, is not even opened.
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size > self.most_bytes:
                return None
            with ZipFile(path) as archive:
                content, text = (_member(archive, f"{key}{ending}", self.most_bytes) for ending in (".snow", ".mlir"))
            kept = KeptProgram(parse_program(memoryview(content), path), Parser(context, text.decode()).parse_module())
        except Exception:
            return None
        with suppress(OSError):
            os.utime(path)
        return kept

    def keep(self, key: str | None, program: Program, module: ModuleOp) -> None:
        """Keeps a program for the next time, where files can be kept; not if the compiler was changed meanwhile. The
        module that it was made of, which nobody needs any more, loses its constants."""
        if key is None or self.folder is None or _compiler() != self.compiler:
            return
        bare = _with_words(program, (np.zeros(0, np.int16) for _ in program.images))
        path = self.folder / key
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            if path.exists() and not path.is_file():
                return  # It would be written to as it is: a pipe until somebody reads.
            with replacing(path, "wb") as file, ZipFile(file, "w", ZIP_DEFLATED, True, _COMPRESSION) as archive:
                archive.writestr(f"{key}.snow", b"".join(program_bytes(bare)))
                archive.writestr(f"{key}.mlir", _text(_take_constants(module)))
            self._trim()

    def _trim(self) -> None:
        """Removes the programs that there is no room for."""
        assert self.folder is not None
        known = [(path.lstat(), path) for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        room = self.most_bytes
        for status, path in sorted(known, key=lambda entry: entry[0].st_mtime, reverse=True):
            if status.st_size <= room:
                room -= status.st_size
            elif not stat.S_ISDIR(status.st_mode):
                path.unlink(missing_ok=True)


def _member(archive: ZipFile, name: str, most_bytes: int) -> bytes:
    """A file in an archive. Raises ValueError for one that is larger than all may be."""
    if archive.getinfo(name).file_size > most_bytes:
        raise ValueError(f"{name} is too large")
    return archive.read(name)


def _text(module: ModuleOp) -> str:
    """All of a module, with the locations and names that layers have from there."""
    output = StringIO()
    Printer(output, print_debuginfo=True).print_op(module)
    return output.getvalue()


def _machine(module: ModuleOp, options: PassOptions) -> Machine:
    """The machine that the module is going to be lowered for."""
    name = options.get(CHOOSE_SCHEDULE, {}).get("machine")
    if name is None and MACHINE_ATTRIBUTE in module.attributes:
        return machine_of(module)
    return load_machine(name or DEFAULT_MACHINE)


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _compiler() -> str | None:
    """All that the compiler is; None where some of it is not known: where it has passes of others, or no source."""
    modules = [step.module for phase in PHASES for step in phase.passes]
    modules += [module for phase in PHASES for module in phase.operations]
    folder = Path(lowering.__path__[0]).parent
    files = list(_source(folder))
    if not files or any(module.partition(".")[0] not in _OURS for module in modules):
        return None
    return fingerprint([sys.version, *map(version, ("numpy", "xdsl"))], folder, files)


def _source(folder: Path) -> Iterator[Path]:
    for package in _OURS:
        for ending in (".py", ".toml"):
            yield from (folder / package).rglob(f"*{ending}")
