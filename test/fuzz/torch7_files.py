"""Damage of Torch7 files that knows their form: single fields of the stream, and modules with odd fields."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from mutations import BYTES, INTEGERS, LONG_INTEGERS, REALS, TEXT, Mutation, any_of
from numpy.typing import NDArray

from snowdialect.frontends.torch7 import nn, save
from snowdialect.frontends.torch7.ascii import AsciiReader
from snowdialect.frontends.torch7.importer import CONTAINERS, TABLES
from snowdialect.frontends.torch7.layers import JOINS, LAYERS
from snowdialect.frontends.torch7.objects import Storage, Tensor, TorchObject, fields_of, torch_object
from snowdialect.frontends.torch7.reader import ByteSource, GuardedReader

CLASSES = (*LAYERS, *JOINS, *CONTAINERS, *TABLES)
RARE_FIELDS = [
    *("groups", "padding", "padW", "padH", "dilationH", "pad_l", "pad_t", "numInputDims", "ceil_mode"),
    *("dimension", "index", "length", "scale_factor", "upscaleFactor", "nOutputPlane", "min_val", "adjH", "owidth"),
    *("alpha", "beta", "pow", "p", "eps", "constant_scalar", "lower", "lambda", "pad_b", "dim", "pad", "offset"),
]


class Field(NamedTuple):
    """A number of the stream."""

    form: str
    """The letter that `struct` has for it."""
    start: int
    stop: int


class _Traced(GuardedReader):
    """Notes where the numbers of a stream stand, while a reader reads it."""

    source: ByteSource
    fields: list[Field]

    def _note(self, form: str, read: Callable[[], Any]) -> Any:
        start = self.source.position
        value = read()
        self.fields.append(Field(form, start, self.source.position))
        return value

    def read_int(self) -> int:
        return self._note("i", super().read_int)

    def read_long(self) -> int:
        return self._note("q", super().read_long)

    def read_double(self) -> float:
        return self._note("d", super().read_double)


class _TracedAscii(_Traced, AsciiReader):
    """The same for Torch7's text form."""


@cache
def fields(content: bytes) -> list[Field]:
    """The numbers of an intact stream: type codes, object numbers, counts, sizes, strides, offsets, values."""
    source = ByteSource(content)
    reader = _TracedAscii(source) if is_ascii(content) else _Traced(source)
    reader.fields = []
    reader.read_obj()
    return reader.fields


def is_ascii(content: bytes) -> bool:
    return content[1:2] == b"\n"


def replace_field(content: bytes, rng: Random) -> bytes:
    """A number of the stream, replaced by one that is extreme or that another place of the stream has."""
    form, start, stop = rng.choice(fields(content))
    numbers = {"i": (*range(10), *INTEGERS[:-3]), "q": LONG_INTEGERS, "d": (*INTEGERS, *REALS)}[form]
    number = rng.choice(numbers)
    encoded = f"{number}\n".encode() if is_ascii(content) else struct.pack(f"<{form}", number)
    return content[:start] + encoded + content[stop:]


def change_tree(content: bytes, rng: Random) -> bytes:
    """A few fields of modules without, with other or with more values; modules twice, nested, of another class."""
    source = ByteSource(content)
    root = (AsciiReader if is_ascii(content) else GuardedReader)(source).read_obj()
    modules = list(_modules(root))
    for _ in range(rng.choice((1, 1, 2, 5))):
        _change_module(rng.choice(modules), modules, rng)
    return written(root, is_ascii(content))


def written(root: Any, ascii: bool = False) -> bytes:
    """What `save` makes of a tree."""
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder, "x.t7"), root, ascii)
        return Path(folder, "x.t7").read_bytes()


def _modules(value: Any) -> Iterator[TorchObject]:
    """The modules of a tree; sizes become storages, as which they were written."""
    if isinstance(value, TorchObject):
        yield value
        value = value._obj
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, np.ndarray) and inner.dtype == np.int64:
                value[key] = Storage(inner, "Long")
            yield from _modules(inner)


def _change_module(module: TorchObject, modules: list[TorchObject], rng: Random) -> None:
    fields = fields_of(module)
    children = fields.get("modules")
    change = rng.randrange(8)
    if change == 0:
        module._typename = rng.choice(CLASSES).encode()
    elif change == 1 and fields:
        fields.pop(rng.choice(list(fields)))
    elif change in (2, 3) and isinstance(children, dict) and children:
        parts = [*children.values(), rng.choice(modules)]
        fields["modules"] = rng.choices(parts, k=rng.choice((1, 2, len(parts), 50, 5000)))
    else:
        numbers = [name for name, value in fields.items() if type(value) in (int, float, Storage)]
        name = rng.choice(rng.choice((numbers or RARE_FIELDS, list(fields) or RARE_FIELDS, RARE_FIELDS)))
        fields[name] = _odd_value(fields.get(name), modules, rng)


def _odd_value(value: Any, modules: list[TorchObject], rng: Random) -> Any:
    if isinstance(value, Storage):
        sizes = np.array(value.values)
        sizes[rng.randrange(len(sizes))] = rng.choice(LONG_INTEGERS[:-3])
        return Storage(np.resize(sizes, rng.choice((len(sizes), len(sizes), 1, 4, 20))), "Long")
    if isinstance(value, np.ndarray) and value.size:
        return _odd_tensor(value, rng)
    if rng.random() < 0.8:
        return rng.choice((*INTEGERS, *REALS))
    return rng.choice((None, True, False, "x", {}, {1: 1}, np.ones(3, np.float32), np.arange(4), *modules))


def _odd_tensor(value: NDArray[Any], rng: Random) -> Tensor:
    """A tensor with a number that is none, or of another shape, strides or type."""
    values = value.copy().reshape(-1)
    whole, count = Tensor.of(values), values.size
    shapes = (value.shape, value.shape[::-1], (count,), (1, *value.shape), (count, 1, 1, 1), (10**6, 10**6, 1, 1))
    match rng.randrange(3):
        case 0:
            values[rng.randrange(count)] = rng.choice((np.nan, np.inf, -np.inf, 3e38))
            return Tensor.of(values.reshape(value.shape))
        case 1:
            shape = rng.choice(shapes)
            strides = rng.choice(((0,) * len(shape), (1,) * len(shape), Tensor.of(value).strides))
            strides = np.resize(strides, len(shape)).tolist()
            return Tensor(whole.storage, shape, tuple(strides), rng.choice((0, 0, 1, count, 2**62)))
        case _:
            with np.errstate(all="ignore"):
                return Tensor.of(value, rng.choice(("Double", "Half", "Long", "Byte", "CudaHalf")))


BINARY: Mutation = any_of(BYTES, (replace_field,) * 3 + (change_tree,) * 5)
ASCII: Mutation = any_of(TEXT, (replace_field, replace_field, change_tree))


def bombs() -> dict[str, bytes]:
    """Files of a few bytes, or kilobytes, that stand for more than any machine can hold or finish."""
    deep_tables = b"".join(_ints(3, index, 1) for index in range(10**5))
    deep_keys = b"".join(_ints(3, index, 1) + _ints(5, 1) for index in range(10**5))
    wide = _ints(3, 1, 10**6) + _ints(5, 1, 5, 0) * 10**6
    tables = _ints(3, 1, 10**6) + b"".join(_ints(5, 1, 3, index + 2, 0) for index in range(2 * 10**5))
    identity = nn.simple("Identity")
    looped = nn.sequential(identity)
    fields_of(looped)["modules"].append(looped)
    return {
        "deep tables": deep_tables,
        "deep tables in keys": deep_keys,
        "deep functions": b"".join(_ints(8, index, 0) for index in range(10**5)),
        "deep tables as text": b"".join(b"3\n%d\n1\n" % index for index in range(10**5)),
        "more values than the limit": wide,
        "more tables than the limit": tables,
        "tensors of one storage": _tensors(130_000),
        "text that takes four bytes a letter": _ints(2, 40 << 20) + "\U0001f600".encode() + b"a" * (40 << 20),
        "a string of 2 GB": _ints(2, 2**31 - 1) + b"abc",
        "a table of 2^31 entries": _ints(3, 1, 2**31 - 1),
        "a number of a million digits": b"1\n" + b"9" * 10**6 + b"\n",
        "a network in itself": written(looped),
        "Concat of 3000 branches": written(nn.sequential(nn.concat(*[identity] * 3000))),
        "Concat of 30000 branches": written(nn.sequential(nn.concat(*[identity] * 30000))),
        "sum of 3000 branches": written(nn.sequential(nn.concat_table(*[identity] * 3000), nn.simple("CAddTable"))),
        "doubling references": written(_doubled(nn.sequential(identity), nn.sequential)),
        "tables of tables": written(_doubled(nn.sequential(), nn.concat_table)),
        "nesting by references": written(_flat_chain(10000)),
        "growing maps": written(nn.sequential(*[nn.concat(identity, identity)] * 40)),
        "padding": written(nn.sequential(*[nn.module("nn.SpatialZeroPadding", {"pad_l": 2**13})] * 3)),
        "padding, then pooling": written(
            nn.sequential(nn.module("nn.SpatialZeroPadding", {"pad_l": 0, "pad_b": 2**26}), nn.max_pool((1, 1), (1, 1)))
        ),
        "upsampling": written(nn.sequential(*[nn.module("nn.SpatialUpSamplingNearest", {"scale_factor": 3})] * 40)),
        "pool of 2^24 pixels": written(nn.sequential(nn.max_pool((2**24, 2**24), (1, 1), (2**23, 2**23)))),
        "convolution with padding 2^24": written(
            nn.sequential(nn.convolution(np.ones((1, 1, 1, 1), np.float32), None, (2**22, 2**22), (2**24, 2**24)))
        ),
        "million channels": written(nn.sequential(_wide_convolution())),
    }


def _wide_convolution() -> TorchObject:
    """A million channels, of which the file holds one weight."""
    one = Tensor.of(np.ones(1, np.float32))
    fields = {"nInputPlane": 10**6, "nOutputPlane": 10**6, "kH": 1, "kW": 1}
    return nn.module(
        "nn.SpatialConvolution", {**fields, "weight": Tensor(one.storage, (10**6, 10**6, 1, 1), (0, 0, 0, 0))}
    )


def _tensors(count: int) -> bytes:
    """Tensors that cost a file a few bytes each: they share a storage of one number."""
    head = _ints(3, 1, count + 1, 5, 0) + _class(2, "FloatStorage") + struct.pack("<qf", 1, 1)
    return head + b"".join(
        _ints(5, 1) + _class(number, "FloatTensor") + struct.pack("<iqqqii", 1, 1, 1, 1, 4, 2)
        for number in range(3, count + 3)
    )


def _class(number: int, name: str) -> bytes:
    """How an object of a Torch class begins, in the form without a version."""
    return _ints(4, number, len(name) + 6) + f"torch.{name}".encode()


def _doubled(inner: TorchObject, wrap: Callable[..., TorchObject]) -> TorchObject:
    for _ in range(25):
        inner = wrap(inner, inner)
    return nn.sequential(inner)


def _flat_chain(length: int) -> TorchObject:
    """Sequentials one in the other, deeper than a file can nest them: each refers to one that stands before it."""
    inner = nn.simple("Identity")
    parts = [inner]
    for _ in range(length):
        inner = nn.sequential(inner)
        parts.append(inner)
    return torch_object("nn.Sequential", {"parts": parts, "modules": [inner]})


def _ints(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)
