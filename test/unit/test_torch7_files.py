"""Torch7 files are written as torch.save does and read back whole, or refused in one line."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchfile

from snowdialect.errors import SnowError
from snowdialect.frontends.torch7 import load, nn, save
from snowdialect.frontends.torch7.objects import ELEMENT_TYPES, Storage, Tensor, TorchObject, torch_object
from snowdialect.models import DIGITS

FORMS = pytest.mark.parametrize("ascii", [False, True], ids=["binary", "ascii"])


def assert_same(left: Any, right: Any) -> None:
    """Equal trees: values, types of elements, classes, order of fields."""
    assert type(left) is type(right)
    if isinstance(left, np.ndarray):
        assert left.dtype == right.dtype
        np.testing.assert_array_equal(left, right)
    elif isinstance(left, TorchObject):
        assert left.torch_typename() == right.torch_typename()
        assert_same(left._obj, right._obj)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for key in left:
            assert_same(left[key], right[key])
    else:
        assert left == right


@FORMS
@pytest.mark.parametrize("kind", ELEMENT_TYPES)
def test_tensors_of_every_class(tmp_path: Path, kind: str, ascii: bool) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(ELEMENT_TYPES[kind])
    save(tmp_path / "x.t7", {"x": Tensor.of(array, kind), "s": Storage(array.reshape(-1), kind)}, ascii)
    tree = load(tmp_path / "x.t7")
    assert_same(tree["x"], array)
    assert_same(tree["s"], array.reshape(-1))


@FORMS
def test_floats_are_exact(tmp_path: Path, ascii: bool) -> None:
    rng = np.random.default_rng(1)
    floats = rng.integers(0, 2**31, 500, dtype=np.uint32).view(np.float32)
    doubles = np.array([np.pi, -0.0, 5e-324, 1.7e308, np.inf, -np.inf, np.nan])
    save(tmp_path / "x.t7", [floats, doubles, 0.1, -3], ascii)
    tree = load(tmp_path / "x.t7")
    np.testing.assert_array_equal(tree[1], floats)
    np.testing.assert_array_equal(tree[2], doubles)
    assert (tree[3], tree[4]) == (0.1, -3)


@FORMS
def test_values_of_every_type(tmp_path: Path, ascii: bool) -> None:
    tree = {
        "nil": None,
        "yes": True,
        "no": False,
        "text": "a\nb \xe9\0",
        "empty": "",
        1: {},
        "list": [1, [2.5]],
    }
    save(tmp_path / "x.t7", tree, ascii)
    read = load(tmp_path / "x.t7")
    assert list(read) == list(tree)
    assert read["list"][1] == 1 and dict(read["list"][2]) == {1: 2.5}
    assert [read[key] for key in ("nil", "yes", "no", "text", "empty")] == [
        None,
        True,
        False,
        "a\nb \xe9\0",
        "",
    ]


@FORMS
def test_empty_and_strided_tensors(tmp_path: Path, ascii: bool) -> None:
    storage = Storage(np.arange(20, dtype=np.float32), "Float")
    column = Tensor(storage, (3,), (5,), offset=2)
    save(tmp_path / "x.t7", [np.empty((0, 3), np.float32), column, storage], ascii)
    tree = load(tmp_path / "x.t7")
    assert tree[1].size == 0
    np.testing.assert_array_equal(tree[2], [2, 7, 12])
    assert np.shares_memory(tree[2], tree[3])


@FORMS
def test_what_is_shared_stays_shared(tmp_path: Path, ascii: bool) -> None:
    weight = np.ones((2, 3), np.float32)
    layer = nn.linear(weight, None)
    looped: dict[str, Any] = {"layer": layer}
    looped["self"] = looped
    save(tmp_path / "x.t7", [layer, layer, weight, looped], ascii)
    tree = load(tmp_path / "x.t7")
    assert tree[1] is tree[2] is tree[4]["layer"]
    assert tree[1]._obj["weight"] is tree[3]
    assert tree[4]["self"] is tree[4]


def test_torchfile_reads_what_we_write(tmp_path: Path) -> None:
    """torchfile is the outside reference for the binary form."""
    weight = np.random.default_rng(0).normal(size=(4, 3, 2, 2)).astype(np.float32)
    cuda = Tensor.of(weight, "Cuda")
    network = nn.sequential(nn.convolution(weight, None), nn.relu(), nn.view(-1, 16))
    save(tmp_path / "x.t7", {"network": network, "cuda": cuda, "label": 7})
    tree: Any = torchfile.load(str(tmp_path / "x.t7"))
    modules = tree[b"network"][b"modules"]
    assert [module.torch_typename() for module in modules] == [
        b"nn.SpatialConvolution",
        b"nn.ReLU",
        b"nn.View",
    ]
    np.testing.assert_array_equal(modules[0][b"weight"], weight)
    assert b"bias" not in modules[0]._obj
    np.testing.assert_array_equal(modules[2][b"size"], [-1, 16])
    np.testing.assert_array_equal(tree[b"cuda"], weight)
    assert tree[b"label"] == 7


def test_lists_of_tensors_are_read(tmp_path: Path) -> None:
    """torchfile's own list heuristic fails on them."""
    save(tmp_path / "x.t7", [np.ones(2, np.float32), np.zeros(3, np.float32)])
    assert [array.size for array in load(tmp_path / "x.t7").values()] == [2, 3]


@pytest.mark.parametrize("name", ["concat", "linear_2d", "simple"])
@pytest.mark.parametrize("part", ["net", "input", "output"])
def test_published_ascii_equals_binary(shared_models: Path, name: str, part: str) -> None:
    folder = shared_models / "torch7" / "opencv"
    binary = load(folder / f"net_{name}_{part}.t7")
    assert_same(load(folder / "ascii" / f"net_{name}_{part}.txt"), binary)


def refusal(path: Path) -> str:
    with pytest.raises(SnowError) as info:
        load(path)
    message = str(info.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    return message


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.t7")
    assert "not a regular file" in refusal(tmp_path)
    (tmp_path / "empty.t7").touch()
    assert "truncated" in refusal(tmp_path / "empty.t7")


def ints(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}i", *values)


def classed(number: int, name: str) -> bytes:
    return ints(4, number, 3) + b"V 1" + ints(len(name)) + name.encode()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (ints(2, -5), "negative size -5"),
        (ints(2, 2**31 - 1) + b"abc", "truncated: 2147483647 bytes wanted"),
        (ints(3, 1, 2**31 - 1), "truncated"),
        (ints(99), "unknown object type"),
        (classed(1, "torch.FloatStorage") + struct.pack("<q", 2**60), "truncated"),
        (classed(1, "torch.FloatStorage") + struct.pack("<q", -1), "negative size"),
        (classed(1, "torch.FloatTensor") + ints(10**6), "a tensor of 1000000 dimensions"),
        (
            classed(1, "torch.FloatTensor")
            + ints(1)
            + struct.pack("<qqq", 9, 1, 1)
            + classed(2, "torch.FloatStorage")
            + struct.pack("<q2f", 2, 0, 0),
            "reaches beyond its storage of 2 elements",
        ),
        (
            classed(1, "torch.DoubleTensor")
            + ints(1)
            + struct.pack("<qqq", 1, 1, 1)
            + classed(2, "torch.FloatStorage")
            + struct.pack("<q2f", 2, 0, 0),
            "a tensor of float64 whose storage is something else",
        ),
        (b"".join(ints(3, index, 1) for index in range(10**5)), "nested deeper than"),
        (ints(3, 1, 900_000) + (ints(1) + struct.pack("<d", 1)) * 900_000, "holds more than 400000 values"),
        (ints(2, 17 << 20) + bytes(17 << 20), "holds more than 16 MB of text"),
        (b"3\n1\nx\n", "'x' before byte 6 is no integer"),
        (b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n4\n1 2 3\n", "a storage of 4 elements"),
        (b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n3\n1 zwei 3\n", "a storage of 3 elements"),
        (b"4\n1\n3\nV 1\n18\ntorch.FloatStorage\n999999999\n1 2 3\n", "does not fit in the file"),
    ],
)
def test_damage_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "x.t7").write_bytes(content)
    assert problem in refusal(tmp_path / "x.t7")


def test_a_lua_function_is_bytes(tmp_path: Path) -> None:
    """Code in a file is never run; a function is kept as it was dumped."""
    (tmp_path / "x.t7").write_bytes(ints(8, 1, 3) + b"\x1bLJ" + ints(0))
    assert load(tmp_path / "x.t7").dumped == b"\x1bLJ"


def test_what_has_no_torch_form(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="a set has no Torch7 form"):
        save(tmp_path / "x.t7", {"x": {1}})
    with pytest.raises(ValueError, match="no tensor of complex64"):
        save(tmp_path / "x.t7", np.ones(2, np.complex64))
    assert not list(tmp_path.iterdir())


def test_the_shipped_model_is_ours(tmp_path: Path) -> None:
    """The file is what the writer makes of its tree, where sizes are storages again."""
    tree = load(DIGITS)
    view = tree._obj["modules"][6]._obj
    view["size"] = Storage(view["size"], "Long")
    save(tmp_path / "x.t7", torch_object("nn.Sequential", tree._obj))
    assert (tmp_path / "x.t7").read_bytes() == DIGITS.read_bytes()
