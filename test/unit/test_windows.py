"""Of how many groups a kernel sees the channels, with zeros for all but its own: what is chosen is the quickest."""

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp, TensorType, f32

from lowering import driver, problems
from lowering.check import check
from lowering.cnn.choose_schedule import plans_for
from lowering.conv_tiling import possible_windows
from lowering.problems import conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.machine import load_machine
from snowdialect.simulator import simulate
from snowdialect.weights import Weights

MACHINE = load_machine()
WITHIN = 1.07


def grouped(channels: int, kernel: int, groups: int, size: int) -> tuple[ModuleOp, Weights, NDArray[np.float32]]:
    """A convolution as wide as its input, which is square; its constants, and an input."""
    rng = np.random.default_rng(channels)
    shape = (channels, channels // groups, kernel, kernel)
    weights = Weights({"w": rng.uniform(-1, 1, shape).astype(np.float32)})
    x = cnn.InputOp("input", cnn.tensor_type((1, channels, size, size)))
    weight = cnn.WeightOp("w", TensorType(f32, shape))
    conv = cnn.Conv2dOp(x.result, weight.result, pads=[kernel // 2] * 4, groups=groups)
    module = ModuleOp([x, weight, conv, cnn.OutputOp("output", conv.result)])
    set_machine(module, MACHINE)
    return module, weights, rng.uniform(-2, 2, (1, channels, size, size)).astype(np.float32)


def chosen(module: ModuleOp) -> int:
    """The pieces of a pixel of which a kernel sees one."""
    lowered = module.clone()
    driver.lower(driver.make_context(), lowered, "cnn")
    (conv,) = (op for op in lowered.walk() if isinstance(op, cnn.Conv2dOp))
    return conv_problem(conv, MACHINE).windows


@pytest.mark.parametrize(
    ("channels", "kernel", "groups", "windows"),
    [
        (32, 3, 32, 1),  # COOP: three traces of 6 lines, not nine of one
        (96, 1, 96, 2),  # INDP: 48 words for 48 kernels
        # INDP: 16 words for 16 kernels, not 144 issues for as many
        pytest.param(128, 3, 128, 8, marks=pytest.mark.needs_time),
        (128, 3, 2, 2),
    ],
)
def test_the_windows_that_are_chosen_are_the_quickest_on_the_simulator(
    channels: int, kernel: int, groups: int, windows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, weights, batch = grouped(channels, kernel, groups, 12)
    assert chosen(module) == windows
    cycles: dict[int, int] = {}
    for number in possible_windows(channels, channels, groups, packed=True, machine=MACHINE):
        monkeypatch.setattr(problems, "possible_windows", lambda *_, number=number: [number])
        plans_for.cache_clear()
        *others, last = check(driver.make_context(), module.clone(), batch, weights)
        assert [str(result.difference) for result in (*others, last)] == ["None"] * (len(others) + 1)
        assert last.program is not None
        cycles[number] = simulate(last.program, batch).cycles
    assert cycles[windows] <= WITHIN * min(cycles.values()), cycles
