"""The same networks on machines with more and less of everything: every level and the simulator agree, and who has half
of something takes twice as long at most."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from networks import AvgPool, Concat, Conv, Linear, MaxPool, Net, layers_alone
from test_levels import CONTEXT, levels_agree, small
from test_schedules import simulated

from lowering import driver
from lowering.check import first_difference
from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.pipeline import LEVELS
from snowdialect.dialects.target import set_machine
from snowdialect.interpreters import run_module
from snowdialect.machine import load_machine

DEFAULT = load_machine()

MOST = 2 * 1.02
"""The chosen schedule is within 2 % of the best one."""

NETS = (
    Net(
        (16, 6, 6),
        (
            Conv(20, (3, 3), pads=(1, 1, 1, 1), relu=True),
            MaxPool((2, 2), (2, 2)),
            Conv(7, residual=True),
            AvgPool((3, 3)),
        ),
    ),
    Net((39, 4, 7), (Concat((35, 15, 1)), Linear(11))),
)


ALWAYS = {(1, 1), (2, 3), (4, 2)}
"""CUs and vMACs; other machines are for --long."""


# With 3 vMACs, results of a COOP output cross the ends of lines.
@pytest.mark.parametrize("mode", [None, "indp"])
@pytest.mark.parametrize("net", NETS, ids=["maps", "vectors"])
@pytest.mark.parametrize(
    ("compute_units", "vmacs"),
    [
        pytest.param(*units, marks=() if units in ALWAYS else pytest.mark.needs_time)
        for units in product((1, 2, 4), (1, 2, 3, 4))
    ],
)
def test_machines(compute_units: int, vmacs: int, net: Net, mode: str | None) -> None:
    machine = small(compute_units, vmacs, mbuf_words=16384, wbuf_words=16384)
    levels_agree(net, machine, lambda module: ChooseSchedulePass(mode=mode).apply(CONTEXT, module))


HALVES = ("bandwidth", "mbuf_words", "wbuf_words", "compute_units", "vmacs")


@settings(phases=(Phase.explicit, Phase.generate))
@given(net=layers_alone(), halved=st.sampled_from(HALVES))
def test_half_of_anything_takes_twice_as_long_at_most(net: Net, halved: str) -> None:
    """What a machine does in a cycle, one with half the bandwidth, half the CUs or half the vMACs does in two. One with
    half of a buffer cuts each tile in two, and loads what both need twice: maps, kernels, or rows that they share."""
    module, weights = net.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, LEVELS[0])
    reference = run_module(module, net.inputs(1), weights)

    def cycles(number: int) -> int:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "machine.toml"
            file.write_text(replace(DEFAULT, **{halved: number}).to_toml())
            machine = load_machine(str(file))
        own = module.clone()
        set_machine(own, machine)
        run, cycles = simulated(own, weights, net.inputs(1), None)
        assert str(first_difference(reference, run)) == "None"
        return cycles

    whole = getattr(DEFAULT, halved)
    assert cycles(whole // 2) <= MOST * cycles(whole)
