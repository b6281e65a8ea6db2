"""Parts of tiles, rolled into loops: together they compute and store every word of a result once."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.parser import Parser

from lowering import driver
from snowdialect.dialects import tile
from snowdialect.dialects.target import machine_of

MAPS, RESULT, POOLED = (f"tensor<1x{shape}x!cnn.fixed<8>>" for shape in ("16x23x20", "48x23x20", "48x12x10"))
TALL, TALL_RESULT = (f"tensor<1x{shape}x!cnn.fixed<8>>" for shape in ("16x32x8", "48x32x8"))
POOL = f"""  %y = cnn.max_pool %x {{kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}} : ({RESULT}) -> {POOLED}"""
ADD = f"""  %y = cnn.add %x, %x : ({RESULT}, {RESULT}) -> {RESULT}"""
Word = tuple[int, int, int]
"""Row, column and channel of a result."""


def conv(maps: str, result: str) -> str:
    """A convolution of 16 channels by 48 kernels."""
    return f"""  %wf = cnn.weight "w" : tensor<48x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<48x16x3x3xf32>) -> tensor<48x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {{pads = [1, 1, 1, 1]}} : ({maps}, tensor<48x16x3x3x!cnn.fixed<8>>) -> {result}"""


def tiles_of(layer: str, maps: str, result: str, **choices: str | int) -> ModuleOp:
    """The tile program of a layer."""
    text = f"""module attributes {{snow.machine = "zc706"}} {{
  %x = "test.op"() : () -> {maps}
{layer}
  "test.op"(%y) : ({result}) -> ()
}}"""
    context = driver.make_context()
    module = Parser(context, text).parse_module()
    passes = driver.Universe.get_multiverse().all_passes
    driver.apply_pass(context, module, passes["cnn-choose-schedule"](), {"cnn-choose-schedule": choices})
    driver.apply_pass(context, module, passes["convert-cnn-to-tile"]())
    return module


def iterations(op: Operation) -> Iterator[dict[SSAValue, int]]:
    """Every iteration of the loops around an operation."""
    loops: list[tile.ForOp] = []
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, tile.ForOp):
            loops.append(parent)
        parent = parent.parent_op()
    for numbers in product(*(loop.iterations for loop in loops)):
        yield {loop.index: number for loop, number in zip(loops, numbers, strict=True)}


def words(op: tile.ConvOp | tile.StoreOp) -> Iterator[Word]:
    """The words of the result that an operation works on; some may be padding of its channels."""
    machine = machine_of(op)
    share = op.share.value.data if isinstance(op, tile.StoreOp) else op.kernels.record.share
    for at in iterations(op):
        for cu in range(machine.compute_units):
            count = op.channels_at(at, cu) if isinstance(op, tile.StoreOp) else op.channels_at(at, machine)
            top, left = op.number("row", at) + cu * op.span.record.share, op.number("column", at)
            first = op.number("channel", at) + cu * share
            for row, column, channel in product(op.rows_at(at, cu), op.columns_at(at), range(count)):
                yield top + row, left + column, first + channel


def one_each(module: ModuleOp, kind: type[tile.ConvOp | tile.StoreOp], shape: Word) -> bool:
    """Whether the operations of a kind work on each word of a result once."""
    found = Counter(word for op in module.walk() if isinstance(op, kind) for word in words(op) if word[2] < shape[2])
    return found == Counter(product(*map(range, shape)))


@pytest.mark.parametrize(
    "choices",
    [{"split": "rows", "order": "mloop"}, {"split": "rows", "order": "kloop", "rows": 2}, {"split": "kernels"}],
)
def test_a_convolution_computes_every_word_once(choices: dict[str, str | int]) -> None:
    assert one_each(tiles_of(conv(MAPS, RESULT), MAPS, RESULT, **choices), tile.ConvOp, (23, 20, 48))


@pytest.mark.parametrize(
    ("layer", "maps", "result", "shape"),
    [
        (conv(MAPS, RESULT), MAPS, RESULT, (23, 20, 48)),
        (POOL, RESULT, POOLED, (12, 10, 48)),
        (ADD, RESULT, RESULT, (23, 20, 48)),
    ],
)
def test_every_word_is_stored_once(layer: str, maps: str, result: str, shape: Word) -> None:
    assert one_each(tiles_of(layer, maps, result), tile.StoreOp, shape)


def test_rows_that_are_stored_while_the_next_ones_are_computed_roll_into_a_loop() -> None:
    module = tiles_of(conv(TALL, TALL_RESULT), TALL, TALL_RESULT, split="rows", rows=8)
    for kind in (tile.ConvOp, tile.StoreOp):
        ops = [op for op in module.walk() if isinstance(op, kind)]
        assert any(op.address("part_row").linear for op in ops)
    assert one_each(module, tile.ConvOp, (32, 8, 48)) and one_each(module, tile.StoreOp, (32, 8, 48))
