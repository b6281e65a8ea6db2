"""Programs that were compiled before, on disk, without their weights, which are packed anew.

What a program does follows from the layers of its network, their shapes and Q positions, not from what its weights are:
a network that was trained on has the same code. A key holds all that the passes below level `cnn` go by, their own
source included, so what is found is, bit for bit, what they would make. What is damaged is made anew.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Region

import lowering
import snowdialect
from lowering.driver import PassOptions
from lowering.pipeline import LEVELS, passes_between
from lowering.serialize import AttributeTable, BlockData, Outside, build, take_down
from snowdialect.backend.images import PackedOp
from snowdialect.backend.program import Image, Program
from snowdialect.cache import cache_folder, fingerprint, usable
from snowdialect.dialects.cnn import is_constant
from snowdialect.files import replacing

MOST_BYTES = 1 << 28
"""Of all programs that are kept; those that were not used for the longest time go first."""

_COMPRESSION = 1
"""Of zlib: code becomes a fifth within some milliseconds."""
_NOTHING = Outside((), ())


class KeptProgram(NamedTuple):
    """A program, and the operations that its weights follow from."""

    program: Program
    """Its images have no words."""
    constants: BlockData
    attributes: Sequence[Attribute]
    module_attributes: dict[str, Attribute]

    def module(self) -> ModuleOp:
        """A module that holds nothing but the packed constants, and what they follow from."""
        region = Region(build(self.constants, _NOTHING, self.attributes))
        module = ModuleOp(region)
        module.attributes.update(self.module_attributes)
        return module

    def with_weights(self, words: Sequence[np.ndarray], model: str) -> Program:
        """The program of a model file, with the words of its packed constants in their order."""
        images = zip(self.program.images, words, strict=True)
        return replace(self.program, model=model, images=tuple(Image(image.address, new) for image, new in images))


def kept_program(program: Program, module: ModuleOp) -> KeptProgram:
    """What is kept of a program and the module that it was made of, which loses its constants."""
    constants = Block()
    for op in list(module.body.block.ops):
        if isinstance(op, PackedOp) or (op.results and all(map(is_constant, op.results))):
            op.detach()
            constants.add_op(op)
    table = AttributeTable()
    data = take_down(constants, _NOTHING, table)
    images = tuple(Image(image.address, np.zeros(0, np.int16)) for image in program.images)
    return KeptProgram(replace(program, images=images), data, table.attributes, dict(module.attributes))


class ProgramCache:
    """Programs on disk, each in a file of its own."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self.folder = cache_folder("programs") if folder is None else folder
        self.most_bytes = most_bytes

    @cached_property
    def _compiler(self) -> str:
        packages = (Path(package.__path__[0]) for package in (lowering, snowdialect))
        files = (path for package in packages for path in package.rglob("*.py"))
        return fingerprint([sys.version, *map(version, ("numpy", "xdsl"))], files)

    def key(self, module: ModuleOp, options: PassOptions) -> str:
        """What the program of a network at level `cnn` follows from, but for its weights, as a number of 64 digits."""
        table = AttributeTable()
        network = take_down(module.body.block, _NOTHING, table)
        passes = passes_between(LEVELS[0], LEVELS[-1], options)
        wanted = [(name, sorted(options.get(name, {}).items())) for name in passes]
        text = repr((self._compiler, wanted, network, table.attributes, sorted(module.attributes.items())))
        return hashlib.sha256(text.encode()).hexdigest()

    def find(self, key: str) -> KeptProgram | None:
        """The program of a key, if it is there and undamaged."""
        path = self.folder / key
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        digest, packed = content[:32], content[32:]
        # The digest is looked at first: a pickle is a program, and this one of nobody else.
        if hashlib.sha256(packed).digest() != digest:
            return None
        return pickle.loads(zlib.decompress(packed))

    def keep(self, key: str, program: KeptProgram) -> None:
        """Keeps a program for the next time, where files can be kept."""
        packed = zlib.compress(pickle.dumps(program), _COMPRESSION)
        with suppress(OSError):
            if usable(self.folder):
                with replacing(self.folder / key, "wb") as file:
                    file.write(hashlib.sha256(packed).digest() + packed)
                self._trim()

    def _trim(self) -> None:
        """Removes the programs that there is no room for."""
        known = [(path.stat(), path) for path in self.folder.iterdir()]
        room = self.most_bytes
        for status, path in sorted(known, key=lambda entry: entry[0].st_mtime, reverse=True):
            room -= status.st_size
            if room < 0:
                path.unlink(missing_ok=True)
