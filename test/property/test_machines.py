"""The same networks on machines with more and fewer CUs and vMACs: every level and the simulator agree."""

import pytest
from networks import AvgPool, Concat, Conv, Linear, MaxPool, Net
from test_levels import CONTEXT, levels_agree, small

from lowering.cnn.choose_schedule import ChooseSchedule

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


# With 3 vMACs, results of a COOP output cross the ends of lines.
@pytest.mark.parametrize("mode", [None, "indp"])
@pytest.mark.parametrize("net", NETS, ids=["maps", "vectors"])
@pytest.mark.parametrize("vmacs", [1, 2, 3, 4])
@pytest.mark.parametrize("compute_units", [1, 2, 4])
def test_machines(compute_units: int, vmacs: int, net: Net, mode: str | None) -> None:
    machine = small(compute_units, vmacs, mbuf_words=16384, wbuf_words=16384)
    levels_agree(net, machine, lambda module: ChooseSchedule(mode=mode).apply(CONTEXT, module))
