"""Random networks compute the same bits at every level, on every machine and with every legal schedule."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from typing import NamedTuple

import numpy as np
from hypothesis import assume, event, example, given, reject
from hypothesis import strategies as st
from networks import Add, AvgPool, BatchNorm, Concat, Conv, Linear, MaxPool, Net, Relu, Reshape, nets
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.candidates import Choices, conv_plans
from lowering.check import check, first_difference
from lowering.cnn.choose_schedule import SCHEDULE, ChooseSchedulePass
from lowering.cnn.place_concats import PlaceConcatsPass
from lowering.conv_tiling import plan_conv
from lowering.layouts import unrolled_layout
from lowering.maps_tiling import TilingError, tile_columns
from lowering.pipeline import LEVELS
from lowering.problems import conv_problem, linear_problem
from snowdialect.backend.assembly import SnowflakeAsmTarget, parse_assembly
from snowdialect.dialects import cnn
from snowdialect.dialects.target import machine_of, set_machine
from snowdialect.dialects.tile import Mode, Order, Schedule, ScheduleAttr, Split, UnrolledAttr
from snowdialect.errors import SnowError
from snowdialect.interpreters import Run, run_module
from snowdialect.machine import Machine, load_machine
from snowdialect.weights import Weights

CONTEXT = driver.make_context()
DEFAULT = load_machine()

Chooser = Callable[[ModuleOp], None]
"""Sets schedules of a quantised network; layers without one get theirs from the compiler."""


def small(compute_units: int, vmacs: int, mbuf_words: int, wbuf_words: int, icache: int = 512) -> Machine:
    """A machine like the default one, with fewer units and smaller buffers."""
    return replace(
        DEFAULT,
        name="small",
        compute_units=compute_units,
        vmacs=vmacs,
        mbuf_words=mbuf_words,
        wbuf_words=wbuf_words,
        icache_instructions=icache,
    )


machines = st.builds(
    small,
    st.sampled_from([1, 2, 4]),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([4096, 6144, 8192, 16384, 32768]),
    st.sampled_from([2048, 4096, 8192, 16384]),
    st.sampled_from([128, 256, 512]),
)

wishes = st.builds(
    ChooseSchedulePass,
    mode=st.sampled_from([None, "coop", "indp"]),
    split=st.sampled_from([None, "rows", "kernels"]),
    order=st.sampled_from([None, "mloop", "kloop"]),
    schedule=st.sampled_from(["best", "paper"]),
    rows=st.one_of(st.none(), st.integers(1, 8)),
    biases=st.sampled_from([None, 0, 1]),
    abreast=st.sampled_from([None, 1, 2, 3]),
)


def levels_agree(net: Net, machine: Machine, choose: Chooser | None = None) -> None:
    """Lowers a network and runs it at every level, from its assembly and on the simulator."""
    module, weights = net.build()
    batch = net.inputs()
    set_machine(module, machine)
    driver.lower(CONTEXT, module, LEVELS[0])
    if choose is not None:
        PlaceConcatsPass().apply(CONTEXT, module)
        choose(module)
    runs: list[Run] = []
    for result in check(CONTEXT, module, batch, weights):
        assert str(result.difference) == "None"
        runs.append(result.run)
    assert len(runs) > len(LEVELS)
    assembly_is_the_program(module, batch, weights, runs[-1])


def assembly_is_the_program(module: ModuleOp, batch: NDArray[np.float32], weights: Weights, run: Run) -> None:
    """Print, parse, print is the identity, and what was read computes the same with as many instructions."""
    text = print_assembly(module)
    again = parse_assembly(CONTEXT, text, "net.s")
    assert print_assembly(again) == text
    other = run_module(again, batch, weights)
    assert str(first_difference(run, other)) == "None"
    assert other.instructions == run.instructions


def print_assembly(module: ModuleOp) -> str:
    output = StringIO()
    SnowflakeAsmTarget().emit(CONTEXT, module, output)
    return output.getvalue()


def agree_or_do_not_fit(net: Net, machine: Machine, choose: Chooser | None = None) -> None:
    """A layer may not fit a machine; then one line says which and why."""
    try:
        levels_agree(net, machine, choose)
    except SnowError as error:
        assert re.fullmatch(
            r"[\w, ]+: no tile of (this layer|these layers) fits the buffers of machine '\w+': .+", str(error)
        )
        reject()


class Chosen(NamedTuple):
    """A network whose schedules are chosen, and what it computed before: choosing may have changed its layers."""

    net: Net
    module: ModuleOp
    weights: Weights
    before: Run

    def assert_all_levels_agree(self) -> None:
        """All levels and the simulator compute what the network computed before."""
        runs = [result.run for result in check(CONTEXT, self.module, self.net.inputs(), self.weights)]
        assert len(runs) == 5
        for run in runs:
            assert str(first_difference(self.before, run)) == "None"


def choose(net: Net, machine: Machine, wanted: ChooseSchedulePass) -> Chosen:
    """Quantises a network and chooses its schedules."""
    module, weights = net.build()
    set_machine(module, machine)
    driver.lower(CONTEXT, module, "cnn")
    before = run_module(module, net.inputs(), weights)
    PlaceConcatsPass().apply(CONTEXT, module)
    wanted.apply(CONTEXT, module)
    return Chosen(net, module, weights, before)


def chosen_by(wish: ChooseSchedulePass) -> Chooser:
    return lambda module: wish.apply(CONTEXT, module)


# Each of these went wrong once.
@example(Net((39, 4, 7), (Concat((35, 15, 1)),)))
@example(Net((41, 32, 11), (Linear(72),), 0.05))
@example(Net((67, 16, 2), (Relu(), Reshape((536, 4, 1)), Conv(55, (3, 7), pads=(0, 3, 1, 3))), 30.0))
@example(Net((67, 16, 12), (Relu(), Reshape((67, 3, 64)), Conv(55, (3, 7), pads=(0, 3, 1, 3), dilations=(1, 3)))))
@example(Net((52, 3, 6), (Relu(), Reshape((156, 1, 2, 3)), Add(), Add()), 0.4))
@example(Net((21, 3, 1), (Concat((0, 0)), Conv(42, groups=3), Add()), 30.0))
@example(Net((16, 3, 4), (Concat((20, 5)), Conv(25), Conv(25), Add())))
@example(Net((16, 5, 6), (Concat((16, 0)), MaxPool((3, 3), pads=(1, 1, 1, 1)), Conv(16, (3, 3)), Relu())))
@example(Net((39, 19, 11), (Reshape((8151,)), Concat((0, 0)))))
@example(
    Net((16, 6, 6), (MaxPool((3, 3), (2, 2), (1, 1, 1, 1), True), AvgPool((3, 2), (2, 1), (1, 0, 1, 1), True, True)))
)
@example(Net((5, 6, 6), (Conv(20, (3, 3), pads=(1, 1, 1, 1), relu=True), BatchNorm(), Conv(7)), 127.0))
@example(Net((16, 9, 18), (Conv(16, (3, 5), dilations=(1, 2)),)))
@example(Net((16, 13, 13), (Conv(32, (3, 3), pads=(1, 1, 1, 1), relu=True), MaxPool((3, 3), (2, 2), (1, 1, 1, 1)))))
@example(Net((2, 46, 46), (Conv(8), MaxPool((46, 46)))))
@example(Net((1, 64, 64), (Linear(10),), 0.4))
@example(Net((6, 1, 1), (Reshape((2, 3)), Relu(limit=6.0)), 30.0))
@example(Net((1, 1, 1), (Reshape((1,)), Concat((0, 0)), Relu(), Concat((0, 0))), 0.05))
@example(Net((8192, 14, 1), (Add(),)))
@given(nets())
def test_default_machine(net: Net) -> None:
    agree_or_do_not_fit(net, DEFAULT)


@example(
    Net((45, 22, 4), (Concat((0, 8)), Linear(74, bias=False, frac=4)), 2.0),
    ChooseSchedulePass(mode="indp", split="kernels", order="kloop"),
)
@example(
    Net((16, 32, 1), (Conv(64, relu=True),)),
    ChooseSchedulePass(schedule="paper", split="kernels", rows=6),
)
@given(nets(), wishes)
def test_wanted_schedules(net: Net, wish: ChooseSchedulePass) -> None:
    agree_or_do_not_fit(net, DEFAULT, chosen_by(wish))


@example(Net((59, 38, 1), (Linear(36), Relu()), 0.4), small(1, 2, 8192, 8192), ChooseSchedulePass(mode="indp"))
@example(
    Net((63, 21, 8), (Conv(49, (2, 5), pads=(1, 2, 3, 0), residual=True), Conv(49, (2, 5), residual=True))),
    small(2, 2, 4096, 16384),
    ChooseSchedulePass(mode="indp", split="rows", order="kloop"),
)
@example(
    Net((3, 23, 21), (Conv(40, (5, 5), (2, 2), (2, 2, 2, 2), relu=True), MaxPool((3, 3), (2, 2), (1, 1, 1, 1)))),
    small(4, 2, 4096, 16384),
    ChooseSchedulePass(schedule="paper"),
)
@example(
    Net((32, 15, 13), (Conv(48, (3, 3), pads=(1, 1, 1, 1), relu=True), MaxPool((3, 3), (2, 2), (0, 0, 0, 0)))),
    small(2, 3, 8192, 16384),
    ChooseSchedulePass(schedule="paper", split="kernels"),
)
@example(
    Net((26, 16, 6), (Concat((0, 0)), MaxPool((1, 4), (3, 1), (0, 0, 0, 1)))),
    small(2, 1, 4096, 16384),
    ChooseSchedulePass(),
)
@example(
    Net((64, 14, 14), (Conv(64, (3, 3), pads=(1, 1, 1, 1), relu=True),)),
    small(2, 4, 8192, 16384),
    ChooseSchedulePass(order="kloop"),
)
@example(Net((67, 2, 28), (Reshape((3752,)), Linear(1))), small(1, 1, 4096, 2048, 128), ChooseSchedulePass())
@given(nets(most_pixels=120), machines, wishes)
def test_small_machines(net: Net, machine: Machine, wish: ChooseSchedulePass) -> None:
    agree_or_do_not_fit(net, machine, chosen_by(wish))


@st.composite
def first_layers(draw: st.DrawFn) -> Net:
    """A convolution of the input, or two of the same kind, whose results are added; perhaps a max pool behind it."""
    kernel = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    dilations = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    reach = [step * (taps - 1) + 1 for taps, step in zip(kernel, dilations, strict=True)]
    top, left, bottom, right = (draw(st.integers(0, size)) for size in (*reach, *reach))
    height, width = (draw(st.integers(size, size + 14)) for size in reach)
    strides = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    conv = Conv(
        draw(st.integers(1, 70)),
        kernel,
        strides,
        (top, left, bottom, right),
        dilations,
        residual=draw(st.booleans()),
        relu=draw(st.booleans()),
    )
    size = (
        (height + top + bottom - reach[0]) // strides[0] + 1,
        (width + left + right - reach[1]) // strides[1] + 1,
    )
    pools = [MaxPool((3, 3), (2, 2), ceil_mode=draw(st.booleans()))] if min(size) >= 3 and draw(st.booleans()) else []
    return Net((draw(st.sampled_from([1, 2, 3, 4, 16])), height, width), (conv, *pools))


@example(
    Net((3, 27, 27), (Conv(64, (11, 11), (4, 4), (2, 2, 2, 2), relu=True), MaxPool((3, 3), (2, 2)))),
    DEFAULT,
    ChooseSchedulePass(),
)
@example(Net((16, 9, 9), (Conv(16, (3, 3), pads=(1, 1, 1, 1)),)), DEFAULT, ChooseSchedulePass(mode="coop"))
@example(
    # What is loaded next, for the pool, may not come where unrolled rows are still read.
    Net((4, 13, 13), (Conv(10, (7, 3), (2, 4), (3, 0, 1, 2), (2, 1), relu=True), MaxPool((3, 3), (2, 2)))),
    small(2, 3, 6144, 16384, 256),
    ChooseSchedulePass(mode="indp", order="kloop", biases=0, abreast=1),
)
@given(first_layers(), machines, wishes)
def test_unrolled_rows(net: Net, machine: Machine, wish: ChooseSchedulePass) -> None:
    """Wherever the host can unroll the rows of the input, and whether or not that is faster."""

    def choose(module: ModuleOp) -> None:
        for op in module.walk():
            if isinstance(op, cnn.QuantizeOp) and (maps := unrolled_layout(op.result, machine)) is not None:
                event("unrolled")
                op.attributes[UnrolledAttr.name] = maps.unrolled
        wish.apply(CONTEXT, module)

    agree_or_do_not_fit(net, machine, choose)


@given(nets(most_layers=2, most_pixels=120), machines, st.data())
def test_any_legal_schedule(net: Net, machine: Machine, data: st.DataObject) -> None:
    def choose(module: ModuleOp) -> None:
        for op in module.walk():
            if isinstance(op, cnn.Conv2dOp | cnn.LinearOp):
                op.attributes.update(drawn_schedule(op, data))

    agree_or_do_not_fit(net, machine, choose)


@st.composite
def pooled_convolutions(draw: st.DrawFn) -> Net:
    """A convolution and a max pool that alone reads its result."""
    kernel, stride = draw(st.sampled_from([1, 3, 5])), draw(st.integers(1, 2))
    edge, channels = kernel // 2, draw(st.sampled_from([16, 32, 64]))
    conv = Conv(channels, (kernel, kernel), (stride, stride), (edge, edge, edge, edge), relu=True)
    wide, step, pad = draw(st.sampled_from([(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (3, 3, 1)]))
    pool = MaxPool((wide, wide), (step, step), (pad, pad, pad, pad), draw(st.booleans()))
    return Net((draw(st.sampled_from([3, 16, 32])), *draw(st.tuples(*[st.integers(8, 24)] * 2))), (conv, pool))


@given(pooled_convolutions(), st.data())
def test_tiles_of_fused_pools(net: Net, data: st.DataObject) -> None:
    def choose(module: ModuleOp) -> None:
        (op,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
        problem = conv_problem(op, DEFAULT)
        assert problem.pool is not None
        plans = [plan for plan in conv_plans(problem, Choices()) if plan.schedule.fused]
        assume(plans)
        schedule = data.draw(st.sampled_from(plans)).schedule
        smaller = schedule._replace(
            rows=data.draw(st.integers(1, schedule.rows)),
            columns=data.draw(st.integers(1, problem.pool.window.out_w)),
            maps_rows=data.draw(st.integers(1, 4)),
        )
        try:
            plan_conv(problem, smaller)
        except TilingError:
            reject()
        event(f"{smaller.columns} columns of {problem.pool.window.out_w}")
        op.attributes[SCHEDULE] = ScheduleAttr.make(smaller)

    levels_agree(net, DEFAULT, choose)


def drawn_schedule(op: cnn.Conv2dOp | cnn.LinearOp, data: st.DataObject) -> dict[str, ScheduleAttr]:
    """Any schedule that the compiler thinks legal, or none."""
    machine = machine_of(op)
    problem = conv_problem(op, machine) if isinstance(op, cnn.Conv2dOp) else linear_problem(op, machine)
    window, fused = problem.window, 0
    if problem.pool is not None and data.draw(st.booleans()):
        window, fused = problem.pool.window, 1
    sizes = st.one_of(st.just(1), st.integers(1, 8))
    schedule = data.draw(
        st.builds(
            Schedule,
            st.sampled_from(Mode),
            st.sampled_from(Split),
            st.sampled_from(Order),
            rows=st.integers(1, window.out_h),
            columns=st.one_of(
                st.sampled_from(tile_columns(machine, problem.maps, window.out_w)), st.integers(1, window.out_w)
            ),
            maps_rows=st.integers(1, problem.window.out_h),
            steps=sizes,
            parts=st.one_of(st.just(1), sizes),
            maps_slots=st.integers(1, 2),
            weights_slots=st.sampled_from((1, 2, 4, 6)),
            result_slots=st.integers(1, 2),
            result_tiles=st.one_of(sizes, st.just(problem.channels)),
            fused=st.just(fused),
            turns=st.integers(0, 1),
            biases=st.integers(0, 1),
            abreast=st.sampled_from((1, 1, 1, 2, 3)),
        )
    )
    try:
        plan_conv(problem, schedule)
    except TilingError:
        return {}
    event(f"{schedule.mode.value}, {schedule.split.value}, {schedule.order.value}{', fused' * fused}")
    return {SCHEDULE: ScheduleAttr.make(schedule)}
