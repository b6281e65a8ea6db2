"""Tiles in parts, results somewhere in their pixels, and moves: written by hand, run as tiles and as loops."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.parser import Parser

from lowering import driver
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights

MAPS = "!tile.maps<height 8, width 8, pixel {0}, row {1}, frac 0, channels [{0} at 0]>"
IN, OUT = MAPS.format(16, 128), MAPS.format(32, 256)
TILE, RESULT = "!tile.mbuf<pixel 16, row 128>", "!tile.mbuf<pixel 32, row 256>"
WINDOW = (
    "<kernel_h {0}, kernel_w {0}, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top {1}, pad_left {1}, "
    "in_h 8, in_w 8, out_h 8, out_w 8>"
)
Array = NDArray[Any]
LEVELS = pytest.mark.parametrize("level", ["tile", "loop"])


def span(top: int, bottom: int, left: int, right: int, share: int, cus: int) -> str:
    return f"<top {top}, bottom {bottom}, left {left}, right {right}, share {share}, cus {cus}>"


def part(top: int, bottom: int, left: int, right: int, share: int, cus: int, row: str = "0", column: str = "0") -> str:
    """A span, and the place in the tile where it begins."""
    return f"part[{row}], [{column}] {span(top, bottom, left, right, share, cus)}"


def run(body: str, x: Array, level: str) -> Array:
    """What a layer makes of maps of 16 channels, 8x8, whose words are `x`: maps of 32 channels."""
    text = f"""module attributes {{snow.machine = "zc706"}} {{
  %x = cnn.input "x" : tensor<1x16x8x8xf32>
  %q = cnn.quantize %x : (tensor<1x16x8x8xf32>) -> tensor<1x16x8x8x!cnn.fixed<0>>
  %in = tile.region "x" at 0 : {IN}
  %out = tile.region "y" at 32 : {OUT}
  tile.write %q to %in : tensor<1x16x8x8x!cnn.fixed<0>> to {IN}
  tile.layer "add" {{
    %m = tile.buffer words 512 at 0 slots 1 every 0 : {TILE}
    %o = tile.buffer words 1024 at 1024 slots 1 every 0 : {RESULT}
{body}
  }} loc("y")
  %y = tile.read %out : {OUT} to tensor<1x32x8x8x!cnn.fixed<0>>
  %r = cnn.dequantize %y : (tensor<1x32x8x8x!cnn.fixed<0>>) -> tensor<1x32x8x8xf32>
  cnn.output "y" %r : tensor<1x32x8x8xf32>
}}"""
    context = driver.make_context()
    module = Parser(context, text).parse_module()
    driver.verify(module, "test")
    if level == "loop":
        driver.apply_pass(context, module, driver.Universe.get_multiverse().all_passes["convert-tile-to-loop"]())
    return run_module(module, {"x": x.astype(np.float32)}, Weights({})).outputs["y"].astype(int)


def load(top: int, bottom: int, row: int, share: int) -> str:
    return f"tile.load %in row[{row}] column[0] to %m slot[0] {span(top, bottom, 0, 8, share, 15)} : {IN} to {TILE}"


def add(first: int, target: int, row: int, where: str, row_lead: int = 0) -> str:
    pixels = f"<words 16, first {first}, other 0, target {target}, lead 0, row_lead {row_lead}>"
    return (
        f"tile.add %m slot[0] to %o[0] row[{row}] column[0] {where} {WINDOW.format(1, 0)} {pixels} "
        f"<result 0, bias 0, bypass 0> : {TILE} to {RESULT}"
    )


def store(row: int, where: str) -> str:
    return (
        f"tile.store %o[0] to %out row[{row}] column[0] channel[0] words 32 share 0 limit 32 {where} "
        f": {RESULT} to {OUT}"
    )


@pytest.fixture
def words() -> Array:
    return np.random.default_rng(7).integers(-30000, 30000, (2, 16, 8, 8))


@LEVELS
def test_parts_of_a_tile_and_their_places_in_a_pixel(level: str, words: Array) -> None:
    """Rows of a tile in two parts, columns in two; each word of the maps twice in a pixel of the result."""
    body = [load(1, 4, -1, 2)]
    for target in (0, 16):
        body += [add(0, target, 0, part(0, 1, 0, 8, 2, 15), 1)]
        body += [add(0, target, 0, part(1, 2, left, right, 2, 15), 1) for left, right in ((0, 3), (3, 8))]
    y = run("\n".join([*body, store(0, part(0, 2, 0, 8, 2, 15))]), words, level)
    np.testing.assert_array_equal(y, np.concatenate([words, words], axis=1))


@LEVELS
def test_parts_move_with_the_loops_around_them(level: str, words: Array) -> None:
    """Quarters of a tile: computed from left to right, then down; stored from the right, upwards."""
    one = (0, 1, 0, 4, 2, 15)
    body = f"""{load(1, 3, -1, 2)}
  tile.for %r = 0 to 2 {{
    tile.for %c = 0 to 2 {{
      {add(0, 16, 0, part(*one, row="%r", column="%c * 4"), 1)}
    }}
  }}
  tile.for %d = 0 to 2 {{
    tile.for %u = 0 to 2 {{
      {store(0, part(*one, row="%u * -1 + 1", column="%d * -4 + 4"))}
    }}
  }}"""
    y = run(body, words, level)
    np.testing.assert_array_equal(y, np.concatenate([np.zeros_like(words), words], axis=1))


@LEVELS
def test_a_pool_reads_a_tile_that_begins_above_it(level: str, words: Array) -> None:
    pool = (
        f"tile.max_pool %m[0] to %o[0] row[0] column[0] {part(0, 2, 0, 8, 2, 15)} {WINDOW.format(3, 1)} "
        f"<words 16, first 0, other 0, target 16, lead -1, row_lead 0> : {TILE} to {RESULT}"
    )
    y = run("\n".join([load(0, 4, -1, 2), pool, store(0, part(0, 2, 0, 8, 2, 15))]), words, level)
    padded = np.pad(words, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-(2**15))
    expected = np.max([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)], axis=0)
    np.testing.assert_array_equal(y[:, 16:], expected)
    assert not y[:, :16].any()


@LEVELS
def test_moves(level: str, words: Array) -> None:
    """Each CU gets the first row of the next one behind its own two, and stores rows 1 and 2; columns 2 and 3 of row 1
    get words of columns 6 and 7."""
    body = [
        load(0, 2, 0, 2),
        add(0, 0, 0, part(0, 2, 0, 8, 2, 15)),
        f"tile.move %o[0] row[0] column[0] word[0] to %o[0] row[2] column[0] word[0] words 32 down 1 "
        f"{span(0, 1, 0, 8, 0, 14)} : {RESULT} to {RESULT}",
        f"tile.move %m[0] row[1] column[4] word[0] to %o[0] row[1] column[0] word[16] words 16 down 0 "
        f"{span(0, 1, 2, 4, 0, 15)} : {TILE} to {RESULT}",
        store(0, part(1, 3, 0, 8, 2, 15)),
    ]
    y = run("\n".join(body), words, level)
    expected = np.zeros((2, 32, 8, 8), int)
    expected[:, :16, 1:] = words[:, :, 1:]
    expected[:, 16:, 1::2, 2:4] = words[:, :, 1::2, 6:]
    np.testing.assert_array_equal(y, expected)


@LEVELS
def test_moves_to_the_cu_behind(level: str, words: Array) -> None:
    """Each CU gets the last row of the one before it behind its own two, and stores rows 1 and 2."""
    body = [
        load(0, 2, 0, 2),
        add(0, 0, 0, part(0, 2, 0, 8, 2, 15)),
        f"tile.move %o[0] row[1] column[0] word[0] to %o[0] row[2] column[0] word[0] words 32 down -1 "
        f"{span(0, 1, 0, 8, 0, 7)} : {RESULT} to {RESULT}",
        store(0, part(1, 3, 0, 8, 2, 15)),
    ]
    y = run("\n".join(body), words, level)
    expected = np.zeros((2, 32, 8, 8), int)
    expected[:, :16, 1::2] = words[:, :, 1::2]
    expected[:, :16, 4::2] = words[:, :, 1:-3:2]
    np.testing.assert_array_equal(y, expected)
