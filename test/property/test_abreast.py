"""Pixels abreast, whose kernels share the lanes of a step: the same bits at every level and on the simulator, for every
width, border and number of pixels; and a schedule that has them where kernels are few."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st
from networks import Conv, MaxPool, Net

from lowering import driver
from lowering.candidates import Choices, conv_plans
from lowering.check import check
from lowering.cnn.choose_schedule import SCHEDULE, ChooseSchedulePass
from lowering.costs import best_abreast, per_output
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import Mode, ScheduleAttr
from snowdialect.machine import load_machine

CONTEXT = driver.make_context()
DEFAULT = load_machine()


@st.composite
def narrow_layers(draw: st.DrawFn) -> Net:
    """A convolution of few kernels whose windows overlap, on an input of few channels; perhaps a max pool behind."""
    kernel, stride = draw(st.integers(2, 7)), draw(st.integers(1, 3))
    pads = [draw(st.integers(0, kernel - 1)) for _ in range(4)]
    height, width = (draw(st.integers(max(kernel, 3), kernel + 18)) for _ in range(2))
    conv = Conv(
        draw(st.integers(1, 100)),
        (kernel, kernel),
        (draw(st.integers(1, 3)), min(stride, kernel - 1)),
        (pads[0], pads[1], pads[2], pads[3]),
        bias=draw(st.booleans()),
        relu=draw(st.booleans()),
    )
    rows, columns = (
        (size + pads[axis] + pads[axis + 2] - kernel) // conv.strides[axis] + 1
        for axis, size in enumerate((height, width))
    )
    pool = MaxPool((3, 3), (2, 2)) if draw(st.booleans()) and min(rows, columns) > 2 else None
    layers = (conv,) if pool is None else (conv, pool)
    return Net((draw(st.integers(1, 5)), height, width), layers, draw(st.sampled_from([0.05, 30.0])))


@given(narrow_layers(), st.integers(2, 5), st.sampled_from(["as-is", "best"]))
def test_any_number_of_pixels_abreast_computes_the_same(net: Net, pixels: int, layout: str) -> None:
    module, weights = net.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    ChooseSchedulePass(mode="indp", split="rows", abreast=pixels, input_layout=layout).apply(CONTEXT, module)
    found = [
        schedule.record.abreast
        for op in module.walk()
        if isinstance(schedule := op.attributes.get(SCHEDULE), ScheduleAttr)
    ]
    (conv,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    wanted = Choices((Mode.INDP,), abreast=pixels)
    possible = any(plan.schedule.abreast == pixels for plan in conv_plans(conv_problem(conv, DEFAULT), wanted))
    event(f"{found[0]} abreast")
    assert found == [pixels if possible else 1]
    for result in check(CONTEXT, module, net.inputs(), weights):
        assert str(result.difference) == "None"


def schedule_of(net: Net) -> ScheduleAttr:
    module, _ = net.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    (conv,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    ChooseSchedulePass().apply(CONTEXT, module)
    schedule = conv.attributes[SCHEDULE]
    assert isinstance(schedule, ScheduleAttr)
    return schedule


def test_few_kernels_share_lanes_and_many_do_not() -> None:
    narrow = schedule_of(Net((3, 40, 40), (Conv(32, (3, 3), (2, 2)),))).record
    assert (narrow.mode, narrow.abreast) == (Mode.INDP, 2)
    assert schedule_of(Net((3, 40, 40), (Conv(64, (3, 3), (2, 2)),))).record.abreast == 1


def test_what_pixels_abreast_take_by_hand() -> None:
    """96 kernels of 7x7, stride 2, over 3 channels in unrolled rows: by itself a pixel takes two steps of 147 words,
    which are 160 cycles each. Two abreast are three steps: of the first pixel, of both, of the second; nine columns
    are 189 words, 192 cycles."""
    module, _ = Net((3, 227, 227), (Conv(96, (7, 7), (2, 2)),)).build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "cnn")
    ChooseSchedulePass(input_layout="best").apply(CONTEXT, module)
    (conv,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    problem = conv_problem(conv, DEFAULT)
    assert per_output(problem, Mode.INDP) == 160
    assert per_output(problem, Mode.INDP, 2) == (160 + 192 + 160) // 3
    assert best_abreast(problem) == 2
