"""The `.snow` file: a program in one versioned, checksummed, memory-mapped file. docs/program.md has its format.

0   8  magic "SNOWPROG"
8   4  version of the format
12  4  CRC-32 of all other bytes
16  8  bytes of the whole file
24  8  bytes of the header
32     header, JSON; then the arrays it names, each at a multiple of 64 bytes
"""

import json
import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, TypeGuard, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray

from snowdialect.backend.program import (
    Channels,
    Code,
    CodeStep,
    Coverage,
    HostStep,
    Image,
    Layer,
    MapsLayout,
    Port,
    Program,
    Region,
    Step,
    Tensor,
    Unrolled,
)
from snowdialect.certificate import Certificate
from snowdialect.errors import SnowError
from snowdialect.files import replacing
from snowdialect.machine import Machine

MAGIC = b"SNOWPROG"
VERSION = 2
"""2: the host may unroll rows."""
_PREAMBLE = struct.Struct("<8sIIQQ")
_CHECKSUM = slice(12, 16)
_ALIGNMENT = 64
MOST_WORDS = 1 << 30
"""Of memory: 2 GB, twice as much as a board of this kind has."""
_TYPES = ("<i2", "<u4", "<i4")
"""Types that an array of the file may have."""


def write_program(program: Program, path: str | Path) -> None:
    """Writes a program as a `.snow` file, whole or not at all. Raises OSError when it cannot be written."""
    pieces = program_bytes(program)
    with replacing(path, "wb") as file:
        file.writelines(pieces)


def program_bytes(program: Program) -> Iterator[bytes | memoryview]:
    """A `.snow` file, piece by piece."""
    arrays: list[NDArray[Any]] = []
    offset = 0

    def store(array: NDArray[Any], kind: str) -> dict[str, Any]:
        nonlocal offset
        arrays.append(np.ascontiguousarray(array, kind))
        entry = {"type": kind, "shape": list(array.shape), "offset": offset}
        offset += _aligned(arrays[-1].nbytes)
        return entry

    header = json.dumps(_describe(program, store), separators=(",", ":")).encode()
    header += b" " * (_aligned(_PREAMBLE.size + len(header)) - _PREAMBLE.size - len(header))
    total = _PREAMBLE.size + len(header) + offset
    preamble = bytearray(_PREAMBLE.pack(MAGIC, VERSION, 0, total, len(header)))
    checksum = zlib.crc32(preamble[: _CHECKSUM.start] + preamble[_CHECKSUM.stop :])
    for piece in (header, *_pieces(arrays)):
        checksum = zlib.crc32(piece, checksum)
    preamble[_CHECKSUM] = struct.pack("<I", checksum)
    yield bytes(preamble) + header
    yield from _pieces(arrays)


def load_program(path: str | Path) -> Program:
    """Reads a `.snow` file; its arrays are read-only views of the memory-mapped file.

    Raises SnowError, one line, for a file that is no program, truncated, altered or of a newer version, and OSError
    for one that cannot be read.
    """
    with open(path, "rb") as file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:
            raise SnowError(f"{path}: is empty, not a program") from None
    return parse_program(data, path)


def parse_program(data: memoryview, name: str | Path) -> Program:
    """The program that the bytes of a `.snow` file hold; its arrays are views of them. Raises SnowError, which begins
    with `name`, as `load_program` does."""
    header, payload = _checked(data, name)
    try:
        return _restore(json.loads(bytes(header)), payload)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError, SnowError) as error:
        raise SnowError(f"{name}: not a valid program: {error or type(error).__name__}") from None


def _checked(data: memoryview, path: str | Path) -> tuple[memoryview, memoryview]:
    """Header and arrays of a file whose preamble and checksum are right."""
    if bytes(data[: len(MAGIC)]) != MAGIC[: len(data)]:
        raise SnowError(f"{path}: not a program (it does not begin with {MAGIC.decode()})")
    if len(data) < _PREAMBLE.size:
        raise SnowError(f"{path}: truncated: {len(data)} bytes do not hold the beginning of a program")
    _, version, checksum, total, header = _PREAMBLE.unpack_from(data)
    if version > VERSION:
        raise SnowError(f"{path}: has version {version} of the format; this snowdialect reads {VERSION} and older")
    if len(data) < total:
        raise SnowError(f"{path}: truncated: {len(data)} of {total} bytes")
    found = zlib.crc32(data[_CHECKSUM.stop :], zlib.crc32(data[: _CHECKSUM.start]))
    if len(data) > total or found != checksum:
        raise SnowError(f"{path}: altered or damaged: its checksum is wrong")
    end = _PREAMBLE.size + header
    if version < 1 or end > total:
        raise SnowError(f"{path}: not a valid program: version {version}, header of {header} bytes")
    return data[_PREAMBLE.size : end], data[end:]


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _pieces(arrays: list[NDArray[Any]]) -> Iterator[bytes | memoryview]:
    for array in arrays:
        yield array.reshape(-1).view(np.uint8).data
        yield bytes(_aligned(array.nbytes) - array.nbytes)


def _describe(program: Program, store: Any) -> dict[str, Any]:
    """The header of a program; `store` takes an array and returns the entry that finds it."""
    return {
        "model": program.model,
        "machine": program.machine.to_dict(),
        "regions": [
            {**region._asdict(), "layout": None if region.layout is None else _layout_entry(region.layout)}
            for region in program.regions
        ],
        "images": [{"address": image.address, "words": store(image.words, "<i2")} for image in program.images],
        "codes": [
            {
                "address": code.address,
                "words": store(code.words, "<u4"),
                "layers": store(code.layers, "<i4"),
                "tiles": store(code.tiles, "<i4"),
            }
            for code in program.codes
        ],
        "tensors": [tensor._asdict() for tensor in program.tensors],
        "steps": [{**step._asdict()} for step in program.steps],
        "inputs": [port._asdict() for port in program.inputs],
        "outputs": [port._asdict() for port in program.outputs],
        "layers": [_layer_entry(layer) for layer in program.layers],
        "tiles": list(program.tiles),
        "coverage": [layer._asdict() for layer in program.coverage],
    }


def _restore(header: dict[str, Any], payload: memoryview) -> Program:
    """The program of a header and the arrays behind it; raises what a wrong one makes Python raise."""

    def load(entry: dict[str, Any]) -> NDArray[Any]:
        if entry["type"] not in _TYPES:
            raise ValueError(f"an array of type {entry['type']}")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        return np.frombuffer(payload, entry["type"], count, entry["offset"]).reshape(entry["shape"])

    program = Program(
        model=header["model"],
        machine=Machine.from_dict(header["machine"]),
        regions=tuple(_region(entry) for entry in header["regions"]),
        images=tuple(Image(entry["address"], load(entry["words"])) for entry in header["images"]),
        codes=tuple(
            Code(entry["address"], load(entry["words"]), load(entry["layers"]), load(entry["tiles"]))
            for entry in header["codes"]
        ),
        tensors=tuple(Tensor(tuple(entry["shape"]), entry["frac"]) for entry in header["tensors"]),
        steps=tuple(_step(entry) for entry in header["steps"]),
        inputs=tuple(_port(entry) for entry in header["inputs"]),
        outputs=tuple(_port(entry) for entry in header["outputs"]),
        layers=tuple(_layer(entry) for entry in header["layers"]),
        tiles=tuple(header["tiles"]),
        coverage=tuple(Coverage(**entry) for entry in header.get("coverage", ())),
    )
    for name in ("model", "regions", "tensors", "steps", "inputs", "outputs", "layers", "tiles", "coverage"):
        _expect_types(getattr(program, name), get_type_hints(Program)[name], name)
    check_program(program)
    return program


def _expect_types(value: object, hint: Any, name: str) -> None:
    """Raises TypeError where a value, or something in it, is not what the annotation of its field says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if not any(_is_of(value, argument, name) for argument in arguments):
            raise TypeError(f"{name} is {value!r}")
    elif origin is tuple:
        assert isinstance(value, tuple)
        for element in value:
            _expect_types(element, arguments[0], name)
    elif not isinstance(value, origin or hint) or hint is int and isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}")
    elif isinstance(value, tuple):
        for field, inner in get_type_hints(type(value)).items():
            _expect_types(getattr(value, field), inner, field)


def _is_of(value: object, hint: Any, name: str) -> bool:
    try:
        _expect_types(value, hint, name)
    except TypeError:
        return False
    return True


def _layer_entry(layer: Layer) -> dict[str, Any]:
    return {**layer._asdict(), "certificate": None if layer.certificate is None else layer.certificate._asdict()}


def _layer(entry: dict[str, Any]) -> Layer:
    certificate = entry.get("certificate")
    return Layer(**{**entry, "certificate": None if certificate is None else Certificate.from_dict(certificate)})


def _layout_entry(layout: MapsLayout) -> dict[str, Any]:
    return {**layout._asdict(), "unrolled": None if layout.unrolled is None else layout.unrolled._asdict()}


def _region(entry: dict[str, Any]) -> Region:
    layout = entry["layout"]
    if layout is not None:
        unrolled = layout.get("unrolled")
        parts = {
            "segments": tuple(Channels(*segment) for segment in layout["segments"]),
            "unrolled": None if unrolled is None else Unrolled(**unrolled),
        }
        layout = MapsLayout(**{**layout, **parts})
    return Region(**{**entry, "layout": layout})


def _step(entry: dict[str, Any]) -> Step:
    if "code" in entry:
        return CodeStep(**entry)
    return HostStep(**{**entry, "operands": tuple(entry["operands"])})


def _port(entry: dict[str, Any]) -> Port:
    return Port(**{**entry, "shape": tuple(entry["shape"])})


def check_program(program: Program) -> None:
    """Raises ValueError, one line, for numbers that refer to nothing and arrays of a wrong shape."""
    bank = program.machine.icache_instructions

    def demand(condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(message)

    for code in program.codes:
        demand(code.words.ndim == 2 and code.words.shape[1] == bank, f"code is not in blocks of {bank} instructions")
        demand(code.words.shape == code.layers.shape == code.tiles.shape, "code and source map differ in length")
        for numbers, table in ((code.layers, program.layers), (code.tiles, program.tiles)):
            demand(bool((numbers >= -1).all() and (numbers < len(table)).all()), "a source map leaves its table")
    for image in program.images:
        demand(image.words.ndim == 1, "an image is no row of words")
    for start in (*program.regions, *program.images, *program.codes):
        demand(isinstance(start.address, int) and start.address >= 0, f"memory address {start.address}")
    demand(program.memory_words <= MOST_WORDS, f"takes {program.memory_words} words of memory, more than {MOST_WORDS}")
    for region in program.regions:
        if (layout := region.layout) is not None:
            end = max(segment.offset + segment.channels for segment in layout.segments)
            demand(
                min(layout.height, layout.width, layout.pixel) > 0
                and end <= layout.pixel
                and layout.width * layout.pixel <= layout.row
                and layout.reach <= region.words,
                f"the maps of region '{region.name}' leave it",
            )
            if (rows := layout.unrolled) is not None:
                demand(
                    min(rows.kernel, rows.stride, rows.dilation, rows.height) > 0
                    and rows.kernel <= layout.pixel
                    and layout.segments == (Channels(layout.pixel // rows.kernel, 0),),
                    f"the rows of region '{region.name}' are not unrolled",
                )
    for step in program.steps:
        if isinstance(step, CodeStep):
            demand(0 <= step.code < len(program.codes), f"there is no code {step.code}")
            continue
        for number in step.operands if step.result is None else (*step.operands, step.result):
            demand(0 <= number < len(program.tensors), f"there is no tensor {number}")
        if step.operation in ("read", "write"):
            region = step.attributes["region"]
            demand(isinstance(region, int) and 0 <= region < len(program.regions), f"there is no region {region}")
    for port in (*program.inputs, *program.outputs):
        demand(port.region is None or 0 <= port.region < len(program.regions), f"there is no region {port.region}")
    for operation, ports in (("input", program.inputs), ("output", program.outputs)):
        made = [step.attributes["name"] for step in program.steps if _is_step(step, operation)]
        demand(sorted(made) == sorted(port.name for port in ports), f"steps and ports differ in their {operation}s")


def _is_step(step: Step, operation: str) -> TypeGuard[HostStep]:
    return isinstance(step, HostStep) and step.operation == operation
