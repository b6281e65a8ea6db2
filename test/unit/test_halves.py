"""Maps that stay while all kernels go past take both slots: what replaces one half comes beside the other."""

from itertools import groupby

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.tile_steps.conv import conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadWeights
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import Step, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
MAPS = MapsLayout(32, 7, 1024, 7 * 1024, (Segment(1024, 0),))
RESULT = MapsLayout(32, 7, 256, 7 * 256, (Segment(256, 0),))
WINDOW = Window(1, 1, 1, 1, 1, 1, 0, 0, 32, 7, 32, 7)


def steps() -> list[Step]:
    """Four rows of the eight of a CU at a time, two in a slot; 16 kernel tiles, two of them to a result tile."""
    problem = ConvProblem(MACHINE, WINDOW, MAPS, None, RESULT, 256, 1, 1, False)
    schedule = Schedule(Mode.COOP, Split.ROWS, Order.MLOOP, 4, 7, 2, 4, 1, 2, 2, 2, 2, 0, 1)
    return list(
        conv_steps(problem, plan_conv(problem, schedule), maps_of(MAPS, None, RESULT), Swapped()).program().steps
    )


def test_kernels_go_in_pairs_where_maps_are_replaced() -> None:
    """In turns past one half and the other, but for the first and the last pair of kernel tiles."""
    computed = [step.numbers for step in steps() if isinstance(step.template, Conv)]
    tiles = [key for key, _ in groupby((row, channel // 16) for _, _, _, row, _, channel, *_ in computed)]
    pairs, single = 4, 12
    for tile, last in ((tiles[: len(tiles) // 2], 15), (tiles[len(tiles) // 2 :], 0)):
        first_row, first = tile[0]
        here = [kernel for row, kernel in tile if row == first_row]
        step = 1 if first == 0 else -1
        assert here == list(range(first, last + step, step)), "all kernels, each once, back and forth"
        halves = [0 if row == first_row else 1 for row, _ in tile]
        assert halves == [0, 0, 1, 1, *[0, 1] * single, 0, 0, 1, 1]
        assert len(tile) == 2 * (pairs + single)


def test_each_half_is_replaced_beside_the_other() -> None:
    """All kernel tiles that have slots go past the other half meanwhile."""
    program = steps()
    loads = [number for number, step in enumerate(program) if isinstance(step.template, Load)]
    replaced = [number for number in loads if program[number].numbers[0] >= 4]
    assert len(replaced) == 2
    for number in replaced:
        _, _, slot = program[number].numbers
        behind = (step for step in program[number:] if isinstance(step.template, Conv))
        waits = next(position for position, step in enumerate(behind) if step.numbers[0] == slot)
        beside = [step for step in program[number:] if isinstance(step.template, Conv)][:waits]
        assert {step.numbers[1] for step in beside} == {0, 1}, "kernels of both slots"


def test_kernels_stay_where_maps_are_replaced() -> None:
    loaded = [step.numbers[0] for step in steps() if isinstance(step.template, LoadWeights)]
    assert loaded == [*range(16), *reversed(range(14))]
