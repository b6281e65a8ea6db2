"""Regions share memory: every level computes the same although nobody clears what was there before."""

from __future__ import annotations

import numpy as np
import pytest
from networks import Add, AvgPool, Concat, Conv, Host, Linear, MaxPool, Net, Relu, Reshape
from test_levels import CONTEXT, DEFAULT, levels_agree

from lowering import driver
from snowdialect.backend.program import Program
from snowdialect.dialects import tile
from snowdialect.dialects.target import set_machine
from snowdialect.interpreters.state import RunState

SAME = Conv(20, (3, 3), pads=(1, 1, 1, 1), relu=True)

NETS = {
    "residual": Net((10, 6, 6), (SAME, SAME._replace(relu=False, residual=True), SAME._replace(residual=True), Add())),
    "concat": Net((20, 6, 6), (Concat((12, 7, 0)), MaxPool((2, 2)), Concat((9, 0)), AvgPool((5, 5)), Linear(10))),
    "host": Net(
        (10, 6, 6), (SAME, Host("tanh"), Add(), SAME, Host("softmax"), SAME, Add(), Linear(7), Host("sigmoid"))
    ),
    "reshape": Net((10, 6, 6), (Relu(), SAME, Reshape((40, 3, 6)), Add(), Conv(7), Reshape((126,)), Add(), Linear(5))),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_what_was_in_memory_is_no_matter(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared = Program.initial_memory
    noise = np.random.default_rng(1)

    def reserve(state: RunState, words: int) -> None:
        missing = max(0, words - state.dram.shape[1])
        # Weights have no batch axis: what lies there is the same for all inputs.
        other = np.repeat(noise.integers(-(2**15), 2**15, (1, missing)), state.batch, axis=0)
        before = np.broadcast_to(state.dram, (state.batch, state.dram.shape[1]))
        state.dram = np.concatenate([before, other.astype(np.int16)], axis=1)

    def initial(program: Program) -> np.ndarray:
        memory, transfer = cleared(program), program.machine.transfer_words
        for region in program.regions:
            if region.kind == "maps":
                words = slice(region.address * transfer, region.address * transfer + region.words)
                memory[words] = noise.integers(-(2**15), 2**15, region.words)
        return memory

    monkeypatch.setattr(RunState, "reserve_memory", reserve)
    monkeypatch.setattr(Program, "initial_memory", initial)
    levels_agree(net, DEFAULT)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_memory_is_shared(net: Net) -> None:
    module, _ = net.build()
    set_machine(module, DEFAULT)
    driver.lower(CONTEXT, module, "tile")
    regions = [op for op in module.body.block.ops if isinstance(op, tile.RegionOp)]
    words = [op.result.type.words for op in regions]
    starts = [op.address.value.data * DEFAULT.transfer_words for op in regions if op.address is not None]
    assert len(starts) == len(regions)
    assert max(map(sum, zip(starts, words, strict=True))) < 0.8 * sum(words)
