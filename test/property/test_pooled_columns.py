"""Max pools that are made column by column for the convolution behind them: the same bits at every level and in the
simulator, whatever windows, borders and machines there are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from networks import Conv, MaxPool, Net

from lowering import driver
from lowering.check import SIMULATOR, check
from lowering.conv_tiling import ConvPlan, plan_conv
from lowering.maps_tiling import TilingError
from lowering.pipeline import TILE
from lowering.problems import conv_problem
from snowdialect.dialects import cnn, tile
from snowdialect.dialects.target import machine_of, set_machine
from snowdialect.machine import load_machine

flags = st.booleans()


@st.composite
def nets(draw: st.DrawFn) -> Net:
    """A max pool that moves by a column, and a convolution of 1x1."""
    kernel = draw(st.integers(1, 5)), draw(st.integers(2, 5))
    height, width = draw(st.integers(kernel[0], 13)), draw(st.integers(3, 11))
    top, left, bottom, right = (draw(st.integers(0, taps - 1)) for taps in (*kernel, *kernel))
    shape = draw(st.sampled_from([32, 64, 96])), height, width
    assume(width + left + right >= kernel[1])
    pool = MaxPool(kernel, (draw(st.integers(1, kernel[0])), 1), (top, left, bottom, right))
    conv = Conv(draw(st.sampled_from([16, 32, 64, 100, 130])), (1, 1), relu=draw(flags))
    return Net(shape, (pool, conv), 0.3)


def plan_of(op: cnn.Conv2dOp, schedule: tile.Schedule) -> ConvPlan | None:
    try:
        return plan_conv(conv_problem(op, machine_of(op)), schedule)
    except TilingError:
        return None


orders = st.sampled_from(["mloop", "kloop"])


@given(nets(), orders, st.integers(1, 2), st.integers(1, 13), flags, st.sampled_from([1, 2, 4]))
def test_all_levels_agree(net: Net, order: str, result_slots: int, rows: int, biases: bool, compute_units: int) -> None:
    module, weights = net.build()
    set_machine(module, replace(load_machine(), compute_units=compute_units))
    context = driver.make_context()
    context.weights = lambda: weights
    options = {driver.CHOOSE_SCHEDULE: {"pooled": 1, "order": order, "mode": "indp"}}
    driver.lower(context, module, TILE.dialect, None, options, last=driver.CHOOSE_SCHEDULE)
    (conv,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    attribute = conv.attributes[tile.ScheduleAttr.name]
    assert isinstance(attribute, tile.ScheduleAttr)
    schedule = attribute.record._replace(
        columns=1, maps_slots=2, result_slots=result_slots, rows=rows, biases=int(biases)
    )
    plan = plan_of(conv, schedule)
    assume(plan is not None and plan.maps.maxima is not None)
    conv.attributes[tile.ScheduleAttr.name] = tile.ScheduleAttr.make(schedule)
    results = list(check(context, module, net.inputs(), weights))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR


@pytest.mark.parametrize(
    ("channels", "pads", "mbuf_words", "compute_units"),
    [(32, (0, 0, 0, 2), 4096, 4), (160, (0, 1, 0, 0), 8192, 4), (160, (3, 0, 3, 0), 8192, 1)],
)
def test_tiles_of_padding_alone_are_not_pooled(
    channels: int, pads: tuple[int, int, int, int], mbuf_words: int, compute_units: int
) -> None:
    """A convolution of 1x1 with borders, of which small buffers hold a few rows or columns."""
    net = Net((channels, 12, 12), (MaxPool((3, 3), (1, 1), (1, 1, 1, 1)), Conv(32, pads=pads)), 0.1)
    module, weights = net.build()
    set_machine(module, replace(load_machine(), mbuf_words=mbuf_words, compute_units=compute_units))
    context = driver.make_context()
    context.weights = lambda: weights
    results = list(check(context, module, net.inputs(), weights))
    assert [str(result.difference) for result in results] == ["None"] * len(results)
    assert results[-1].level == SIMULATOR
