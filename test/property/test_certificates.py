"""Nothing is faster than its bound: random networks in random schedules, layer by layer, in the simulator."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
from hypothesis import assume, event, given
from hypothesis import strategies as st
from networks import MaxPool, Net, Relu, convs, nets
from test_schedules import legal_schedules
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

import snow_certify
from lowering import driver
from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.pipeline import passes_between
from lowering.problems import conv_problem
from snowdialect.backend.assemble import assemble
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn.shapes import ShapeError
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.errors import SnowError
from snowdialect.machine import Machine, load_machine
from snowdialect.simulator import simulate
from snowdialect.weights import Weights

CONTEXT = driver.make_context()
PASSES = driver.Universe.get_multiverse().all_passes
ALONE = {"convert-cnn-to-tile": {"overlap": False}}

MACHINES = st.builds(
    replace,
    st.just(load_machine()),
    compute_units=st.sampled_from([1, 2, 4]),
    vmacs=st.sampled_from([1, 3, 4]),
    mbuf_words=st.sampled_from([4096, 16384]),
    wbuf_words=st.sampled_from([2048, 8192]),
    bandwidth=st.sampled_from([500_000_000, 4_200_000_000]),
    memory_latency=st.sampled_from([1, 64]),
    write_back_latency=st.sampled_from([1, 12]),
    queue_depth=st.sampled_from([2, 16]),
)

SCHEDULES = st.fixed_dictionaries(
    {
        "mode": st.sampled_from([None, "coop", "indp"]),
        "split": st.sampled_from([None, "rows", "kernels"]),
        "order": st.sampled_from([None, "mloop", "kloop"]),
        "rows": st.sampled_from([None, 1, 2, 5]),
        "biases": st.sampled_from([None, 1]),
        "abreast": st.sampled_from([None, 1, 2, 4]),
        "input_layout": st.sampled_from(["as-is", "best"]),
    }
)


def run_apart(module: ModuleOp, weights: Weights, net: Net) -> list[dict[str, Any]]:
    """Rows of the report of a quantised network whose schedules are chosen, with certificates that hold."""
    for name in passes_between("cnn"):
        driver.apply_pass(CONTEXT, module, PASSES[name](), ALONE, verified=False)
    report = simulate(assemble(module, weights, "net"), np.zeros((1, *net.shape), np.float32)).report
    layers = [layer for layer in report["layers"] if layer["certificate"] is not None]
    for layer in layers:
        assert layer["alone"]
        assert layer["cycles"] >= layer["certificate"]["lower_bound"], layer
        event(f"{layer['kind']}: {layer['certificate']['binding']}")
    # The checker computes the same bounds from the shapes in the report.
    assert snow_certify.check_report(report) == len(layers)
    return layers


def quantised(net: Net, machine: Machine) -> tuple[ModuleOp, Weights]:
    module, weights = net.build()
    set_machine(module, machine)
    CONTEXT.weights = lambda: weights
    driver.lower(CONTEXT, module, "cnn")
    return module, weights


@given(nets(), MACHINES, SCHEDULES)
def test_no_layer_is_faster_than_its_bound(net: Net, machine: Machine, options: dict[str, Any]) -> None:
    module, weights = quantised(net, machine)
    try:
        ChooseSchedulePass(**options).apply(CONTEXT, module)
    except SnowError as error:
        assume("no tile of" not in str(error))
        raise
    run_apart(module, weights, net)


@st.composite
def convolutions(draw: st.DrawFn) -> Net:
    """A convolution, perhaps with a pool behind it, and enough of both maps and kernels to be cut into tiles."""
    shape = draw(st.integers(1, 96)), draw(st.integers(4, 30)), draw(st.integers(4, 30))
    layer = draw(convs(shape, 160))
    pool = MaxPool((2, 2), (2, 2)) if draw(st.booleans()) else Relu()
    net = Net(shape, (layer, pool))
    try:
        net.build()
    except (ShapeError, VerifyException):
        assume(False)
    return net


@given(convolutions(), MACHINES, st.data())
def test_no_legal_schedule_is_faster_than_the_bound(net: Net, machine: Machine, data: st.DataObject) -> None:
    module, weights = quantised(net, machine)
    driver.apply_pass(CONTEXT, module, PASSES["cnn-place-concats"]())
    for op in module.body.block.ops:
        if isinstance(op, cnn.Conv2dOp):
            random = Random(data.draw(st.integers(0, 1 << 16)))
            schedule = next(legal_schedules(conv_problem(op, machine), random), None)
            assume(schedule is not None)
            assert schedule is not None
            op.attributes[ScheduleAttr.name] = ScheduleAttr.make(schedule)
    (layer, *_) = run_apart(module, weights, net)
    assert layer["kind"] == "conv2d"
