"""Loads of kernels that maps go past come when memory has time for them, and keep no results from it."""

from dataclasses import dataclass
from itertools import pairwise

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.tile_steps.conv import ConvSteps, conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.order import order
from lowering.tile_steps.steps import Access, Extent, Part, Role, Step, Template, Unit, maps_of
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine

MACHINE = load_machine()
CUS = MACHINE.compute_units
ROWS = 3


@dataclass(frozen=True)
class Named(Template):
    name: str


def rows(part: Part) -> Access:
    """Of the only result tile."""
    return Access(Role.RESULT_TILE, 0, Extent(part.top, part.bottom))


@dataclass(eq=False)
class Tile:
    """A tile that keeps the MACs busy for 5000 cycles a row, and is computed with kernels from a slot."""

    name: str
    slot: int
    cuts: tuple[int, ...]
    unit = Unit.MAC

    def parts(self) -> list[Part]:
        return [Part(top, bottom, 0, 1) for top, bottom in pairwise(self.cuts)]

    def step(self, part: Part) -> Step:
        name = Named(f"{self.name} rows {part.top} to {part.bottom}")
        kernels, takes = (Access(Role.WEIGHTS, self.slot),), 5000 * (part.bottom - part.top)
        return Step(name, (), Unit.MAC, kernels, (rows(part),), (16,) * CUS, 64, takes)


def store(row: int) -> Step:
    """Of more pixels than the queue of moves takes."""
    read = (rows(Part(row, row + 1, 0, 1)),)
    return Step(Named(f"store {row}"), (), Unit.MOVE, read, (), (32, *(0,) * (CUS - 1)), 32, 1000, to_memory=True)


def test_they_come_behind_stores_that_their_tile_waits_for() -> None:
    """There would be time for the load behind the first row of the second tile, but its other rows replace results that
    are not stored yet: these would wait for the load, and the MACs for them."""
    kernels = (Access(Role.WEIGHTS, 0),)
    load = Step(Named("kernels"), (), Unit.LOAD, (), kernels, (1,) * CUS, 8, 4000, patient=True)
    tiles = Tile("first", 0, (0, ROWS)), Tile("second", 1, (*range(ROWS + 1),))
    program = [tiles[0], *map(store, range(ROWS)), tiles[1], load]
    named = [step.template.name for step in order(program, MACHINE) if isinstance(step.template, Named)]
    assert named == [
        "first rows 0 to 3",
        "store 0",
        "second rows 0 to 1",
        "store 1",
        "second rows 1 to 2",
        "store 2",
        "kernels",
        "second rows 2 to 3",
    ]


def padded_layer() -> ConvSteps:
    """Kernels of 1x1 and a padding of 1, as in the last convolution of SqueezeNet: first and last row are biases."""
    maps = MapsLayout(13, 13, 512, 13 * 512, (Segment(512, 0),))
    result = MapsLayout(15, 15, 1024, 15 * 1024, (Segment(1000, 0),))
    window = Window(1, 1, 1, 1, 1, 1, 1, 1, 13, 13, 15, 15)
    problem = ConvProblem(MACHINE, window, maps, None, result, 1000, 1, 1, False)
    schedule = Schedule(Mode.INDP, Split.KERNELS, Order.KLOOP, 3, 15, 15, 1, 1, 1, 2, 2, 1, 0, 1, 1)
    return conv_steps(problem, plan_conv(problem, schedule), maps_of(maps, None, result), Swapped())


def test_rows_of_padding_alone_do_not_keep_the_macs_busy() -> None:
    """A queue full of traces lasts for 4096 cycles, one full of starts for 256: no more may come behind it."""
    steps = [(step.template, step.cycles) for step in padded_layer().program().steps]
    lasts = [(all(mine[-1] for mine in conv.rows), cycles) for conv, cycles in steps if isinstance(conv, Conv)]
    assert max(cycles for sees, cycles in lasts if not sees) <= MACHINE.queue_depth * MACHINE.macs
    assert max(cycles for sees, cycles in lasts if sees) == 4096
