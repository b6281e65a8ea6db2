"""Files that the compiler makes itself of a small network, and those that it takes along: all levels, all kinds."""

from __future__ import annotations

import json
import struct
import tempfile
import zlib
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from mutations import BYTES, LONG_INTEGERS, REALS, Mutation, any_of, replace_number

from lowering.pipeline import LEVELS, passes_between
from snowdialect.frontends.torch7 import save
from snowdialect.models.small import SMALL_MODELS

SHAPE = "16x12x12"
_PREAMBLE = struct.Struct("<8sIIQQ")


@cache
def files() -> dict[str, bytes]:
    """By name: net.t7, net.mlir, cnn.mlir and the other levels, net.safetensors, net.s, net.snow, code.s, input.npy."""
    commands = [f"snow-opt net.t7 --input-shape {SHAPE} -o net.mlir"]
    for level in LEVELS:
        commands.append(f"snow-opt net.mlir -p {','.join(passes_between(level=level))} -o {level}.mlir")
    commands.append("snow-opt net.mlir --lower-to-snowflake -t snowflake-asm -o net.s")
    commands.append("snow-compile net.mlir --no-cache -o net.snow")
    commands.append("snow-asm disassemble net.snow -o code.s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(folder / "net.t7", SMALL_MODELS["conv"].build(np.random.default_rng(1)))
        np.save(folder / "input.npy", np.ones((16, 12, 12), np.float32))
        for command in commands:
            words = [str(folder / word) if "." in word else word for word in command.split()]
            if import_module(words[0].replace("-", "_")).main(words[1:]):
                raise RuntimeError(f"{command} failed")
        made = {path.name: path.read_bytes() for path in folder.iterdir()}
    # The file under test is called `now`.
    return {**made, "now.mlir": made["net.mlir"].replace(b"net.safetensors", b"now.safetensors")}


def change_program(content: bytes, rng: Random) -> bytes:
    """A number in the header of a program, or a word behind it, under a checksum that is right."""
    magic, version, _, _, size = _PREAMBLE.unpack_from(content)
    header, rest = content[_PREAMBLE.size :][:size], content[_PREAMBLE.size + size :]
    if rng.random() < 0.2:
        word = struct.pack("<I", rng.getrandbits(32))
        at = rng.randrange(len(rest) // 4) * 4
        rest = rest[:at] + word + rest[at + 4 :]
    else:
        header = rng.choice((replace_number, _change_entry))(header, rng)
    damaged = bytearray(_PREAMBLE.pack(magic, version, 0, _PREAMBLE.size + len(header + rest), len(header)))
    damaged += header + rest
    checksum = zlib.crc32(damaged[16:], zlib.crc32(damaged[:12]))
    return bytes(damaged[:12]) + struct.pack("<I", checksum) + bytes(damaged[16:])


def _change_entry(content: bytes, rng: Random) -> bytes:
    """A value somewhere in a JSON text, replaced by one of any type, or removed."""
    root = json.loads(content)
    places = list(_places(root))
    holder, key = rng.choice(places)
    if rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = rng.choice((*LONG_INTEGERS, *REALS[:5], None, True, "x", [], {}, [1, 2], [{}], "\n"))
    return json.dumps(root).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every object or list in a JSON value, with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *_places(inner)]]


def change_tensors(content: bytes, rng: Random) -> bytes:
    """A value in the header of a safetensors file."""
    size = int.from_bytes(content[:8], "little")
    header = rng.choice((replace_number, _change_entry))(content[8 : 8 + size], rng)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


PROGRAM: Mutation = any_of(BYTES, (change_program,) * 12)
TENSORS: Mutation = any_of(BYTES, (change_tensors,) * 8)
