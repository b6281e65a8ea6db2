"""Concatenations whose parts lie row by row: the same bits as side by side, at every level and on the simulator, for
kernels of any size, stride and padding; and where it pays, it is done."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from networks import Concat, Conv, MaxPool, Net, Relu
from test_levels import CONTEXT, DEFAULT, agree_or_do_not_fit, choose, small
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.check import check
from lowering.cnn.bound_accumulators import bound_accumulators
from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.cnn_to_tile import ConvertCnnToTilePass
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import layer_name, name_location
from snowdialect.dialects.target import set_machine
from snowdialect.errors import SnowError
from snowdialect.machine import Machine

EXAMPLES = settings().max_examples // 2
"""Its networks are large."""
IN_TURNS = ChooseSchedulePass(concats="rows")


@st.composite
def concatenations(draw: st.DrawFn) -> Net:
    """Some 1x1 convolutions of as many channels each, perhaps pooled, and a convolution of them all."""
    parts, channels = draw(st.integers(2, 3)), draw(st.sampled_from([32, 64, 96]))
    height, width = draw(st.integers(4, 11)), draw(st.integers(4, 11))
    pool = [MaxPool((3, 3), (2, 2))] if draw(st.booleans()) else []
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pads = draw(st.tuples(*(st.integers(0, size - 1) for size in (*kernel, *kernel))))
    dilations = (1 if kernel[0] > 1 else draw(st.integers(1, 2))), draw(st.integers(1, 2))
    reach = [step * (taps - 1) + 1 for taps, step in zip(kernel, dilations, strict=True)]
    seen = [(size - 1) // 2 if pool else size for size in (height, width)]
    assume(all(size >= wide for size, wide in zip(seen, reach, strict=True)))
    strides = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    conv = Conv(draw(st.sampled_from([7, 16, 40])), kernel, strides, pads, dilations, relu=draw(st.booleans()))
    return Net((draw(st.sampled_from([3, 16, 48])), height, width), (Concat((channels,) * parts), Relu(), *pool, conv))


def in_turns(net: Net, machine: Machine, wanted: ChooseSchedulePass = IN_TURNS) -> bool:
    """Whether the parts of a network's only concatenation lie in turns; if so, all levels compute the same as with the
    parts side by side."""
    chosen = choose(net, machine, wanted)
    if any(isinstance(op, cnn.ConcatOp) for op in chosen.module.walk()):
        return False
    chosen.assert_all_levels_agree()
    return True


# Rows of three times 32 words, and of 11 times as many; rows of the pools; kernels that reach beyond the border.
@example(Net((16, 9, 11), (Concat((32, 32, 32)), Conv(16, (3, 3), (1, 2), (2, 1, 2, 1)))))
@example(Net((3, 15, 13), (Concat((64, 64)), Relu(), MaxPool((3, 3), (2, 2)), Conv(16))))
@settings(max_examples=EXAMPLES)
@given(concatenations())
def test_rows_in_turns_compute_the_same(net: Net) -> None:
    assert in_turns(net, DEFAULT)


@pytest.mark.parametrize(("compute_units", "mbuf_words"), [(1, 4096), (2, 8192), (4, 4096)])
def test_other_machines(compute_units: int, mbuf_words: int) -> None:
    net = Net((16, 13, 10), (Concat((32, 32)), Conv(24, (2, 3), pads=(1, 1, 0, 1))))
    assert in_turns(net, small(compute_units, 4, mbuf_words, 8192))


@given(concatenations(), st.sampled_from([None, "coop", "indp"]), st.sampled_from([None, "rows", "kernels"]))
@settings(max_examples=EXAMPLES)
def test_any_schedule(net: Net, mode: str | None, split: str | None) -> None:
    wanted = ChooseSchedulePass(concats="rows", mode=mode, split=split, timed=False)
    agree_or_do_not_fit(net, DEFAULT, lambda module: wanted.apply(CONTEXT, module))


FIRE = Net((16, 27, 29), (Concat((64, 64)), Conv(16)))
"""The shapes of a fire module, but for the size of its second kernel."""


def test_sums_have_the_same_bounds() -> None:
    def bounds(wanted: ChooseSchedulePass) -> list[tuple[int, int]]:
        module, weights = FIRE.build()
        set_machine(module, DEFAULT)
        driver.lower(CONTEXT, module, "cnn")
        wanted.apply(CONTEXT, module)
        return [sums.ends for sums in bound_accumulators(module, weights, (-1.0, 1.0)).values()]

    assert bounds(IN_TURNS) == bounds(ChooseSchedulePass(concats="pixels", siblings=0))


def test_where_it_is_quicker() -> None:
    assert in_turns(FIRE, DEFAULT, ChooseSchedulePass())
    assert not in_turns(FIRE, DEFAULT, ChooseSchedulePass(concats="pixels"))
    assert not in_turns(FIRE, DEFAULT, ChooseSchedulePass(schedule="paper"))


def test_where_makers_win_much_more_than_readers_lose() -> None:
    # 54 rows of pixels cannot be shared out as evenly as 162 rows of a third of them.
    chosen = choose(Net((16, 54, 54), (Concat((64, 64)), Conv(16))), DEFAULT, ChooseSchedulePass())
    assert any(isinstance(op, cnn.InterleaveOp) for op in chosen.module.walk())


def test_not_where_readers_lose() -> None:
    # Their traces are shorter, and as many times more.
    assert not in_turns(Net((32, 13, 14), (Concat((32, 32, 32, 32)), Conv(64, (3, 3)))), DEFAULT, ChooseSchedulePass())


def test_rows_at_the_end_of_memory() -> None:
    # The last part begins behind the first ones, and ends with the memory of all.
    assert in_turns(Net((3, 4, 60), (Concat((64, 64, 64)), Conv(16))), DEFAULT)


def test_a_layer_has_the_name_of_the_rows() -> None:
    module, weights = FIRE.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    (concat,) = (op for op in module.walk() if isinstance(op, cnn.ConcatOp))
    (reader,) = (use.operation for use in concat.result.uses)
    reader.location = name_location(f"{layer_name(concat)}.rows")
    IN_TURNS.apply(CONTEXT, module)
    assert {str(result.difference) for result in check(CONTEXT, module, FIRE.inputs(), weights)} == {"None"}


@pytest.mark.parametrize(
    "net",
    [
        Net((16, 9, 11), (Concat((32, 64)), Conv(16))),
        Net((16, 9, 11), (Concat((32, 0)), Conv(16))),
        Net((32, 9, 11), (Concat((0, 32)), Conv(16))),
        Net((16, 9, 11), (Concat((24, 24)), Conv(16))),
        Net((16, 9, 11), (Concat((32, 32)), Conv(16, groups=2))),
        Net((16, 9, 11), (Concat((32, 32)), Conv(16, (2, 1), dilations=(2, 1)))),
        Net((16, 9, 11), (Concat((32, 32)),)),
        Net((16, 9, 11), (Concat((32, 32)), MaxPool((2, 2)), Concat((0, 0)), Conv(16))),
    ],
    ids=["unequal", "input", "input behind", "no whole lines", "groups", "dilated rows", "output", "twice"],
)
def test_where_it_cannot_be(net: Net) -> None:
    assert not in_turns(net, DEFAULT)


def one_part_twice() -> ModuleOp:
    module, _ = FIRE.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    IN_TURNS.apply(CONTEXT, module)
    (interleave,) = (op for op in module.walk() if isinstance(op, cnn.InterleaveOp))
    interleave.operands[1] = interleave.operands[0]
    return module


def test_one_part_twice_is_copied() -> None:
    _, weights = FIRE.build()
    results = list(check(CONTEXT, one_part_twice(), FIRE.inputs(), weights))
    assert len(results) == 5
    assert {str(result.difference) for result in results} == {"None"}


def test_one_part_twice_without_a_copy_is_one_line() -> None:
    with pytest.raises(SnowError, match="^[\\w.]+: a part of it has no place; run cnn-place-concats first"):
        ConvertCnnToTilePass().apply(CONTEXT, one_part_twice())
