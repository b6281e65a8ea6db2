"""With kernels inside, those for which the weights buffer has slots stay there while one maps tile follows another."""

import pytest

from lowering.conv_tiling import ConvProblem, most_slots, plan_conv
from lowering.maps_tiling import TilingError
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import LoadWeights
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import Role, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
MAPS = MapsLayout(14, 14, 128, 14 * 128, (Segment(128, 0),))
PROBLEM = ConvProblem(MACHINE, Window(3, 3, 1, 1, 1, 1, 1, 1, 14, 14, 14, 14), MAPS, None, MAPS, 128, 1, 1, False)
BLOCK = 9 * 128 + 64
"""Words of a kernel and of its bias, in blocks of 64."""
KERNELS, PASSES = 8, 7
"""Kernel tiles of a CU, and result tiles; the first one has two maps tiles, which are there together."""


def steps_of(slots: int, turns: int = 1, order: Order = Order.MLOOP) -> ConvSteps:
    schedule = Schedule(Mode.COOP, Split.KERNELS, order, 2, 14, 2, 1, 1, 2, slots, 2, KERNELS, 0, turns)
    return conv_steps(PROBLEM, plan_conv(PROBLEM, schedule), maps_of(MAPS, None, MAPS), Swapped())


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("slots", [2, 4, 6, 8])
def test_each_pass_loads_the_others_only(slots: int, turns: int) -> None:
    """All slots but two keep theirs; the two that change have what was used last, which comes first in the way back."""
    loads = [step for step in steps_of(slots, turns).program().steps if isinstance(step.template, LoadWeights)]
    there = slots if turns or slots == KERNELS else slots - 2
    assert len(loads) == KERNELS + (PASSES - 1) * (KERNELS - there)
    slots_of = {step.numbers for step in loads}
    assert len(slots_of) == KERNELS, "kernels always come to the same slot"


def test_neighbours_lie_in_different_banks() -> None:
    steps = steps_of(6)
    weights = steps.buffers.of(Role.WEIGHTS)
    assert weights is not None
    starts = [weights.place.slot_start(slot) for slot in range(6)]
    assert starts == [bank * MACHINE.wbuf_bank_words + BLOCK * number for number in range(3) for bank in range(2)]
    used = [step.numbers[1] for step in steps.program().steps if isinstance(step.template, Conv)]
    assert all(one == other or (one + other) % 2 for one, other in zip(used, used[1:], strict=False))


def test_as_many_slots_as_there_is_room_for() -> None:
    room = MACHINE.wbuf_bank_words // BLOCK * 2
    assert most_slots(MACHINE, BLOCK, 100) == room
    assert most_slots(MACHINE, BLOCK, 5) == 6
    steps_of(room)
    with pytest.raises(TilingError, match="1 kernels of 1216 words do not fit 1170 words of a weights buffer"):
        steps_of(room + 2)
    with pytest.raises(TilingError, match="with kernels outside, none is used again"):
        steps_of(4, order=Order.KLOOP)
