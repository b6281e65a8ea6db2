"""Inputs whose rows the host repeats, so that all words under a kernel lie one behind the other."""

import dataclasses
import json
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.driver import make_context
from lowering.layouts import layout_of, unrolled_layout
from snowdialect import compile
from snowdialect.backend import program as backend
from snowdialect.backend.container import load_program, write_program
from snowdialect.backend.memory_map import host_report
from snowdialect.dialects import cnn
from snowdialect.dialects.tile import MapsType, UnrolledAttr
from snowdialect.errors import SnowError
from snowdialect.frontends.torch7 import nn, save
from snowdialect.interpreters.buffers import Region, write_maps
from snowdialect.layout import Segment, UnrolledRows
from snowdialect.machine import load_machine
from snowdialect.simulator import host

MACHINE = load_machine()
UNTOUCHED = -7


class Case(NamedTuple):
    rows: UnrolledRows
    stored: int
    width: int
    channels: int


cases = st.builds(
    Case,
    st.builds(
        UnrolledRows,
        kernel=st.integers(1, 5),
        stride=st.integers(1, 7),
        dilation=st.integers(1, 3),
        pad=st.integers(0, 8),
        height=st.integers(1, 12),
    ),
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 3),
)


def by_loops(case: Case, array: NDArray[np.int16], row: int) -> NDArray[np.int16]:
    """Word by word, as docs/layout.md says."""
    rows = case.rows
    image = np.full((len(array), case.stored * row), UNTOUCHED, np.int16)
    for y in range(case.stored):
        for x in range(case.width):
            for tap in range(rows.kernel):
                source = y * rows.stride - rows.pad + tap * rows.dilation
                for channel in range(case.channels):
                    if 0 <= source < rows.height:
                        place = y * row + (x * rows.kernel + tap) * case.channels + channel
                        image[:, place] = array[:, channel, source, x]
    return image


@settings(deadline=None)
@given(cases)
def test_each_word_goes_where_the_page_says(case: Case) -> None:
    pixel = case.rows.kernel * case.channels
    row = case.width * pixel + 3
    random = np.random.default_rng(0)
    array = random.integers(0, 1000, (2, case.channels, case.rows.height, case.width)).astype(np.int16)
    expected = by_loops(case, array, row)
    interpreted, simulated = np.full_like(expected, UNTOUCHED), np.full_like(expected, UNTOUCHED)
    maps = MapsType.make(case.stored, case.width, pixel, row, 8, [Segment(case.channels, 0)], case.rows)
    write_maps(interpreted, Region(0, maps), array, 16)
    np.testing.assert_array_equal(interpreted, expected)
    layout = backend.MapsLayout(
        case.stored,
        case.width,
        pixel,
        row,
        8,
        (backend.Channels(case.channels, 0),),
        backend.Unrolled(*case.rows),
    )
    host.write_maps(simulated, 0, layout, array, 16)
    np.testing.assert_array_equal(simulated, expected)


def test_other_rows_are_another_attribute() -> None:
    rows = UnrolledRows(3, 1, 1, 0, 12)
    assert UnrolledAttr.make(rows) == UnrolledAttr.new(UnrolledAttr.make(rows).parameters)
    assert UnrolledAttr.make(rows) != UnrolledAttr.make(rows._replace(kernel=4))


def quantized(channels: int = 3) -> cnn.QuantizeOp:
    return cnn.QuantizeOp(cnn.InputOp("x", cnn.tensor_type((1, channels, 12, 12))).result, 8)


def convolution(x: cnn.QuantizeOp, **options: tuple[int, ...]) -> cnn.Conv2dOp:
    channels = cnn.shape_of(x.result)[1]
    weight = cnn.QuantizeOp(cnn.WeightOp("w", cnn.tensor_type((8, channels, 5, 3))).result, 8)
    return cnn.Conv2dOp(x.result, weight.result, result_type=None, **options)  # pyright: ignore[reportArgumentType]


def test_the_layout_is_that_of_the_window() -> None:
    x = quantized()
    convolution(x, strides=(2, 1), pads=(1, 0, 2, 0))
    maps = unrolled_layout(x.result, MACHINE)
    assert maps is not None
    assert maps.layout.unrolled == UnrolledRows(kernel=5, stride=2, dilation=1, pad=1, height=12)
    assert (maps.height.data, maps.width.data, maps.pixel.data) == (6, 12, 15)
    # 12 pixels of 15 words are 180, up to a whole transfer of 32.
    assert maps.row.data == 192


def test_layers_that_agree_share_the_rows() -> None:
    x = quantized()
    convolution(x, pads=(1, 0, 0, 0))
    convolution(x, pads=(1, 2, 0, 0))
    assert unrolled_layout(x.result, MACHINE) is not None
    convolution(x, pads=(0, 0, 1, 0))
    assert unrolled_layout(x.result, MACHINE) is None


def test_what_others_read_or_make_stays_as_it_is() -> None:
    x = quantized()
    assert unrolled_layout(x.result, MACHINE) is None
    y = convolution(x)
    convolution(cnn.QuantizeOp(cnn.ReluOp(cnn.DequantizeOp(y.result).result).result, 8))
    assert unrolled_layout(y.result, MACHINE) is None
    cnn.MaxPoolOp(x.result, kernel=(2, 2))
    assert unrolled_layout(x.result, MACHINE) is None


def test_an_attribute_that_no_layer_wants_is_named() -> None:
    x = quantized()
    convolution(x)
    x.attributes[UnrolledAttr.name] = UnrolledAttr.make(UnrolledRows(4, 1, 1, 0, 12))
    with pytest.raises(SnowError, match=r"tile.unrolled is not what all layers that read it want"):
        layout_of(x.result, MACHINE)


def test_no_layout_is_chosen_for_layers_whose_schedule_is() -> None:
    def chosen(scheduled: bool) -> bool:
        x = quantized()
        y = convolution(x)
        module = ModuleOp([x.x.owner, x, y.weight.owner.operands[0].owner, y.weight.owner, y])  # pyright: ignore
        if scheduled:
            ChooseSchedulePass(input_layout="as-is").apply(make_context(), module)
            assert UnrolledAttr.name not in x.attributes
        ChooseSchedulePass().apply(make_context(), module)
        return UnrolledAttr.name in x.attributes

    assert chosen(scheduled=False)
    assert not chosen(scheduled=True)


@pytest.fixture(scope="module")
def unrolled(tmp_path_factory: pytest.TempPathFactory) -> backend.Program:
    """A 3x3 convolution with stride 2 and a border of 1, of 3x12x12."""
    path = tmp_path_factory.mktemp("unrolled") / "conv.t7"
    weight = np.random.default_rng(0).normal(0, 0.2, (16, 3, 3, 3)).astype(np.float32)
    save(path, nn.sequential(nn.convolution(weight, None, (2, 2), (1, 1))))
    return compile(path, (3, 12, 12)).program


def test_the_host_says_what_it_repeats(unrolled: backend.Program) -> None:
    # Rows -1, 0, 1, then 1, 2, 3, and so on to 9, 10, 11: 17 that are there, 12 different ones.
    row = 12 * 3 * 2
    (work,) = (entry for entry in host_report(unrolled) if entry["operation"] == "input")
    assert (work["write_bytes"], work["repeated_bytes"]) == (17 * row, 5 * row)


def test_a_program_file_keeps_the_rows(unrolled: backend.Program, tmp_path: Path) -> None:
    write_program(unrolled, tmp_path / "p.snow")
    assert load_program(tmp_path / "p.snow").regions == unrolled.regions


def test_files_of_version_1_have_none(tmp_path: Path, unrolled: backend.Program) -> None:
    plain = dataclasses.replace(
        unrolled,
        regions=tuple(
            region if region.layout is None else region._replace(layout=region.layout._replace(unrolled=None))
            for region in unrolled.regions
        ),
    )
    path = tmp_path / "p.snow"
    write_program(plain, path)
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data, 24)[0]
    header = json.loads(data[32 : 32 + size])
    for region in header["regions"]:
        if region["layout"] is not None:
            del region["layout"]["unrolled"]
    text = json.dumps(header, separators=(",", ":")).encode().ljust(size)
    body = struct.pack("<QQ", len(data), size) + text + data[32 + size :]
    start = data[:8] + struct.pack("<I", 1)
    path.write_bytes(start + struct.pack("<I", zlib.crc32(body, zlib.crc32(start))) + body)
    assert load_program(path).regions == plain.regions


def test_rows_that_do_not_fit_the_pixels_are_refused(unrolled: backend.Program, tmp_path: Path) -> None:
    def altered(region: backend.Region) -> backend.Region:
        if region.layout is None or region.layout.unrolled is None:
            return region
        return region._replace(
            layout=region.layout._replace(unrolled=region.layout.unrolled._replace(kernel=4)),
        )

    wrong = dataclasses.replace(unrolled, regions=tuple(map(altered, unrolled.regions)))
    write_program(wrong, tmp_path / "p.snow")
    with pytest.raises(SnowError, match="the rows of region 'input' are not unrolled"):
        load_program(tmp_path / "p.snow")
