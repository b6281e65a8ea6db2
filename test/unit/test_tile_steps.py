"""Steps of a layer: rolling them into loops changes none of their numbers, and however far units lag behind, no step
meets words that an earlier one still works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects import test
from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.parser import Parser

from lowering import driver
from lowering.cnn.choose_schedule import ChooseSchedulePass
from lowering.cnn_to_tile import ConvertCnnToTilePass
from lowering.tile_steps.conv import conv_steps
from lowering.tile_steps.emit import emit
from lowering.tile_steps.order import order
from lowering.tile_steps.roll import Loop, Node, roll
from lowering.tile_steps.steps import Access, Extent, Part, Role, Step, Template, Unit, Work
from lowering.tile_steps.waits import Bank, Pending, Wait, Waits
from snowdialect.dialects import tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.machine import load_machine

# Rolling


class Emitted(NamedTuple):
    """What was made of a step."""

    kind: int
    numbers: tuple[IndexExpr, ...]


@dataclass(frozen=True)
class Numbered(Template):
    """Template of an operation of some kind."""

    kind: int

    @property
    def slots(self) -> tuple[int, ...]:
        return (0,) if self.kind else ()


Flat = list[tuple[int, tuple[int, ...]]]
"""Kinds and numbers of steps."""


def steps_of(flat: Flat) -> list[Step]:
    return [Step(Numbered(kind), numbers, Unit.LOAD, (), (), ()) for kind, numbers in flat]


def unrolled(block: Block, built: dict[Operation, Emitted], indices: dict[SSAValue, int]) -> Iterator[tuple[int, ...]]:
    for op in block.ops:
        if isinstance(op, tile.ForOp):
            for number in op.iterations:
                yield from unrolled(op.body.block, built, {**indices, op.index: number})
        else:
            made = built[op]
            yield made.kind, *(number.evaluate(indices) for number in made.numbers)


def check_rolled(flat: Flat) -> list[Node]:
    built: dict[Operation, Emitted] = {}
    nodes = roll(steps_of(flat))
    block = Block()

    def build(template: Template, numbers: Sequence[IndexExpr]) -> Operation:
        assert isinstance(template, Numbered)
        op = test.TestOp()
        for slot in template.slots:
            numbers[slot].mod2()  # Raises ValueError where it tells no bank.
        built[op] = Emitted(template.kind, tuple(numbers))
        return op

    emit(nodes, block, build)
    assert list(unrolled(block, built, {})) == [(kind, *numbers) for kind, numbers in flat]
    return nodes


NUMBERS = {0: 0, 1: 1, 2: 2, 3: 3}
"""How many numbers a step of each kind has."""


@st.composite
def programs(draw: st.DrawFn, depth: int = 3) -> Flat:
    """Sequences with repeats in them: nests of loops, whose numbers grow, alternate, or both, laid out flat."""
    flat: Flat = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            body = draw(programs(depth - 1))
            count = draw(st.integers(1, 4))
            changes = [[draw(st.tuples(st.integers(-2, 2), st.integers(-1, 1))) for _ in step] for _, step in body]
            for index in range(count):
                for (kind, numbers), change in zip(body, changes, strict=True):
                    moved = (n + a * index + b * (index % 2) for n, (a, b) in zip(numbers, change, strict=True))
                    flat.append((kind, tuple(moved)))
        else:
            kind = draw(st.sampled_from(sorted(NUMBERS)))
            flat.append((kind, tuple(draw(st.integers(-1, 3)) for _ in range(NUMBERS[kind]))))
    return flat


@settings(deadline=None, max_examples=200)
@given(programs())
def test_loops_unrolled_are_the_steps_that_were_rolled(flat: Flat) -> None:
    check_rolled(flat)


def test_a_nest_of_loops_is_found() -> None:
    """Two rows of tiles, for each of which five kernel tiles are loaded and used in turns of two slots."""
    flat = [
        step
        for row in range(6)
        for step in (
            (0, ()),
            *(step for k in range(5) for step in ((2, (k, k % 2)), (3, (row % 2, k % 2, row * 4 - 1)))),
        )
    ]
    (outer,) = check_rolled(flat)
    assert isinstance(outer, Loop) and outer.count == 6
    assert [isinstance(node, Loop) and node.count for node in outer.body] == [False, 5]


def test_what_differs_at_the_ends_stays_outside() -> None:
    first, last = (1, (7,)), (1, (9,))
    nodes = check_rolled([first, *((2, (index, 3 - index)) for index in range(4)), last])
    assert [isinstance(node, Loop) and node.count for node in nodes] == [False, 4, False]


def test_two_slots_are_told_from_two_tiles() -> None:
    """Of two iterations, 0 and 1 are the slots of a buffer; with a third it is clear what they are."""
    (loop,) = check_rolled([(2, (0, 4)), (0, ()), (2, (1, 5)), (0, ())])
    assert isinstance(loop, Loop) and loop.changes == ((0, 1), (1, 0))
    (loop,) = check_rolled([(2, (0, index)) for index in range(3)])
    assert isinstance(loop, Loop) and loop.changes == ((0, 0), (1, 0))


def test_the_bank_of_a_slot_follows_from_one_index() -> None:
    """Three slots after each other, then those so many further on, four times."""

    def loops(distance: int) -> list[Node]:
        slots = (distance * turn + slot for turn in range(4) for slot in range(3))
        return check_rolled([step for slot in slots for step in ((0, ()), (1, (slot,)))])

    (one,) = loops(3)
    assert isinstance(one, Loop) and one.count == 12
    (outer,) = loops(4)
    assert isinstance(outer, Loop) and (outer.count, len(outer.body)) == (4, 1)
    # Both indices would turn the bank. With two inner loops in the outer one, slots move by 10 there.
    (outer,) = loops(5)
    assert isinstance(outer, Loop) and (outer.count, len(outer.body)) == (2, 2)


# Sharing

LAYER = """
module attributes {{snow.machine = "zc706"}} {{
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {{pads = [{pad}, 1, {pad}, 1]{relu}}} :
    (tensor<1x16x8x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x{height}x8x!cnn.fixed<{frac}>>
  "test.op"(%y) : (tensor<1x32x{height}x8x!cnn.fixed<{frac}>>) -> ()
}}
"""


def lowered(frac: int, relu: str, pad: int = 1) -> list[tile.ConvOp]:
    """The tiles of a convolution whose results have so many fraction bits."""
    context = driver.make_context()
    module = Parser(context, LAYER.format(frac=frac, relu=relu, pad=pad, height=6 + 2 * pad)).parse_module()
    for kind in (ChooseSchedulePass, ConvertCnnToTilePass):
        kind().apply(context, module)
    module.verify()
    return [op for op in module.walk() if isinstance(op, tile.ConvOp)]


def test_layers_that_differ_in_what_sums_become_share_their_steps() -> None:
    one = lowered(8, "")
    made = conv_steps.cache_info().misses
    other = lowered(6, ", relu")
    assert conv_steps.cache_info().misses == made
    assert {(op.shifts.record.result, op.relu) for op in one} == {(8, None)}
    assert {(op.shifts.record.result, op.relu) for op in other} == {(10, UnitAttr())}
    lowered(8, "", pad=0)
    assert conv_steps.cache_info().misses > made


# Layers that follow each other


def tiles_of(text: str, overlap: bool) -> str:
    """A module with schedules in the tile dialect, as text."""
    context = driver.make_context()
    module = Parser(context, text).parse_module()
    ChooseSchedulePass().apply(context, module)
    ConvertCnnToTilePass(overlap).apply(context, module)
    module.verify()
    return str(module)


def test_a_layer_alone_overlaps_nothing() -> None:
    text = LAYER.format(frac=8, relu="", pad=1, height=8)
    assert tiles_of(text, overlap=True) == tiles_of(text, overlap=False)


# Ordering and waiting

MACHINE = replace(load_machine(), compute_units=2, queue_depth=4)
BUFFERS = (Role.MAPS_TILE, Role.OTHER_TILE, Role.RESULT_TILE)
SIZE = 3
"""Rows, and columns, of the tiles in them."""


@dataclass(frozen=True)
class Origin(Template):
    """Template that says which item of the program a step comes from, and which part of it it is."""

    item: int
    part: Part | None


class Instructions(NamedTuple):
    """Instructions of a unit that belong together: they are done before what they touched may be touched again."""

    item: int
    pixel: tuple[int, int] | None
    unit: Unit
    reads: tuple[Access, ...]
    writes: tuple[Access, ...]
    counts: tuple[int, ...]
    """How many each CU gets."""

    def conflicts(self, other: Instructions) -> bool:
        pairs = (self.writes, other.reads), (self.writes, other.writes), (self.reads, other.writes)
        return any(mine.meets(theirs) for ours, others in pairs for mine in ours for theirs in others)


def banks_of(access: Access) -> frozenset[Bank]:
    """Buffers share banks, and the last row of a slot is in another one than those before it."""
    first = BUFFERS.index(access.place) + access.slot
    rows = range(access.rows.first, access.rows.stop)
    return frozenset((False, (first + (row == SIZE - 1)) % 3) for row in rows)


def words(buffer: int, slot: int, part: Part) -> Access:
    return Access(BUFFERS[buffer], slot, Extent(part.top, part.bottom), Extent(part.left, part.right))


@dataclass
class Tile:
    """A tile that is computed pixel by pixel, row by row, once or in several passes: each pixel reads one place and
    writes one."""

    item: int
    unit: Unit
    source: tuple[int, int]
    """Buffer and slot."""
    target: tuple[int, int]
    counts: tuple[int, ...]
    """Instructions of a pixel in each CU, in each pass."""
    passes: int
    tall: bool
    """Its smallest parts have all rows."""
    cuts: tuple[int, ...]
    """Columns where it may be cut."""

    def parts(self) -> list[Part]:
        columns = list(pairwise((0, *self.cuts, SIZE)))
        if self.tall:
            return [Part(0, SIZE, left, right) for left, right in columns]
        return [Part(row, row + 1, left, right) for row in range(SIZE) for left, right in columns]

    def step(self, part: Part) -> Step:
        pixels = (part.bottom - part.top) * (part.right - part.left)
        reads = (words(*self.source, part),)
        return Step(
            Origin(self.item, part),
            (),
            self.unit,
            reads,
            (words(*self.target, part),),
            tuple(count * pixels * self.passes for count in self.counts),
            cycles=8 * pixels,
            takes=8 * pixels,
            seen=reads,
            passes=self.passes,
        )

    def instructions(self, part: Part) -> list[Instructions]:
        return [
            Instructions(
                self.item,
                (row, column),
                self.unit,
                (words(*self.source, pixel),),
                (words(*self.target, pixel),),
                self.counts,
            )
            for _ in range(self.passes)
            for row in range(part.top, part.bottom)
            for column in range(part.left, part.right)
            for pixel in [Part(row, row + 1, column, column + 1)]
        ]


@dataclass
class Rows:
    """A store of rows that lie in one piece: however many there are, they are one instruction for each CU."""

    item: int
    source: tuple[int, int]
    counts: tuple[int, ...]
    unit = Unit.MOVE

    def parts(self) -> list[Part]:
        return [Part(row, row + 1, 0, SIZE) for row in range(SIZE)]

    def step(self, part: Part) -> Step:
        reads = (words(*self.source, part),)
        return Step(Origin(self.item, part), (), self.unit, reads, (), self.counts, 4, 40, to_memory=True)


COUNTS = st.tuples(st.integers(0, 3), st.integers(0, 3)).filter(any)
PLACES = st.tuples(st.integers(0, len(BUFFERS) - 1), st.integers(0, 1))


@st.composite
def accesses(draw: st.DrawFn) -> Access:
    top, left = draw(st.integers(0, SIZE - 1)), draw(st.integers(0, SIZE - 1))
    bottom, right = draw(st.integers(top + 1, SIZE)), draw(st.integers(left + 1, SIZE))
    return words(*draw(PLACES), Part(top, bottom, left, right))


@st.composite
def tile_programs(draw: st.DrawFn, first: int = 0) -> list[Step | Work]:
    """Loads, stores and moves of some words between tiles that are computed in parts."""
    program: list[Step | Work] = []
    for item in range(first, first + draw(st.integers(1, 10))):
        unit = draw(st.sampled_from([Unit.MAC, Unit.MAC, Unit.MAX, Unit.MOVE, Unit.LOAD]))
        if unit in (Unit.MAC, Unit.MAX):
            cuts = draw(st.sets(st.integers(1, SIZE - 1)))
            source, target = draw(PLACES), draw(PLACES)
            program.append(
                Tile(
                    item,
                    unit,
                    source,
                    target,
                    draw(COUNTS),
                    draw(st.sampled_from([1, 1, 2, 3])),
                    draw(st.booleans()),
                    tuple(sorted(cuts)),
                )
                if source != target
                else Step(Origin(item, None), (), unit, (), (words(*target, Part(0, 1, 0, 1)),), draw(COUNTS), 8, 8)
            )
            continue
        if unit is Unit.MOVE and draw(st.booleans()):
            program.append(Rows(item, draw(PLACES), (draw(st.integers(1, 3)), 0)))
            continue
        reads = (draw(accesses()),) if unit is Unit.MOVE else ()
        writes = () if reads and draw(st.booleans()) else (draw(accesses()),)
        counts = (draw(st.integers(1, 3)), 0)
        cycles = draw(st.sampled_from([1, 10, 60]))
        program.append(Step(Origin(item, None), (), unit, reads, writes, counts, cycles, cycles, not writes))
    return program


def instructions_of(step: Step, program: Sequence[Step | Work]) -> list[Instructions]:
    assert isinstance(step.template, Origin)
    item, part = step.template.item, step.template.part
    work = program[item]
    if isinstance(work, Tile):
        assert part is not None
        return work.instructions(part)
    made = Instructions(item, None, step.unit, step.reads, step.writes, step.counts)
    return [made] if part is None else [made._replace(pixel=(part.top, part.bottom))]


def all_of(work: Step | Work, program: Sequence[Step | Work]) -> list[Instructions]:
    """The instructions of an item of the program."""
    return instructions_of(work if isinstance(work, Step) else work.step(Part(0, SIZE, 0, SIZE)), program)


class Queues:
    """What is certain to be done: units lag behind as far as the waits let them."""

    def __init__(self) -> None:
        self.issued = {unit: [0] * MACHINE.compute_units for unit in Unit}
        self.done = {unit: [0] * MACHINE.compute_units for unit in Unit}

    def issue(self, made: Instructions) -> tuple[int, ...]:
        """How many instructions of its unit each CU has to have done until these are."""
        self.issued[made.unit] = [
            total + count for total, count in zip(self.issued[made.unit], made.counts, strict=True)
        ]
        return tuple(total if count else 0 for total, count in zip(self.issued[made.unit], made.counts, strict=True))

    def wait(self, wait: Wait) -> None:
        for unit in wait.units:
            self.done[unit] = [
                max(done, issued - wait.pending)
                for done, issued in zip(self.done[unit], self.issued[unit], strict=True)
            ]

    def is_done(self, unit: Unit, ends: tuple[int, ...]) -> bool:
        return all(end <= done for end, done in zip(ends, self.done[unit], strict=True))


@dataclass(eq=False)
class Seen:
    """Instructions that have been issued."""

    made: Instructions
    ends: tuple[int, ...]
    flying: set[Bank]
    """Of a load, the banks from which no CU has been kept since, as dispatch keeps what reads them until it arrives."""

    def is_done(self, queues: Queues) -> bool:
        landed = self.made.unit is Unit.LOAD and not self.flying
        return landed or queues.is_done(self.made.unit, self.ends)


def must_be_done(before: Instructions, after: Instructions) -> bool:
    """Whether the machine starts the one before the other is done, unless a wait holds it: units run beside each other,
    and a unit reads before its last results are written. Dispatch holds what reads words that are being loaded."""
    reads = any(mine.meets(theirs) for mine in before.writes for theirs in after.reads)
    if before.unit is after.unit:
        return reads and before.unit is not Unit.LOAD
    writes = any(mine.meets(theirs) for mine in (*before.reads, *before.writes) for theirs in after.writes)
    return writes or (reads and before.unit is not Unit.LOAD)


def check_order(ordered: Iterable[Step], program: Sequence[Step | Work], behind: int) -> None:
    """Checks steps against the order of their program, whose items from `behind` on are those of the layer behind."""
    queues = Queues()
    seen: list[Seen] = []

    def too_soon(before: Instructions, after: Instructions) -> bool:
        if before.unit is after.unit is Unit.LOAD:
            # Two layers may load the same words through different units.
            return before.item < behind <= after.item
        return must_be_done(before, after)

    for step in ordered:
        if isinstance(step.template, Wait):
            queues.wait(step.template)
            continue
        batch = instructions_of(step, program)
        for made in batch:
            for known in seen:
                other = known.made
                if other.item == made.item or not made.conflicts(other):
                    continue
                assert other.item < made.item, f"{made} comes too late"
                assert not too_soon(other, made) or known.is_done(queues), f"{made} meets {other}"
            if made.unit in (Unit.MAC, Unit.MAX) and all(made.counts):
                for known in seen:
                    known.flying -= {bank for access in made.reads for bank in banks_of(access)}
        seen += [
            Seen(made, queues.issue(made), {bank for access in made.writes for bank in banks_of(access)})
            for made in batch
        ]
    assert _touched(known.made for known in seen) == _touched(
        made for work in program for made in all_of(work, program)
    )


@settings(deadline=None, max_examples=250)
@given(tile_programs())
def test_no_step_meets_words_that_an_earlier_one_works_on(program: list[Step | Work]) -> None:
    check_order(order(program, MACHINE, Waits(MACHINE, banks_of)), program, len(program))


@settings(deadline=None, max_examples=250)
@given(st.data())
def test_no_step_meets_words_that_the_layer_before_works_on(data: st.DataObject) -> None:
    before = data.draw(tile_programs())
    behind = data.draw(tile_programs(len(before)))
    loads: list[Step] = []
    for work in behind:
        if not isinstance(work, Step) or work.unit is not Unit.LOAD or any(map(work.conflicts, loads)):
            break
        loads.append(work)
    waits, waits_behind = Waits(MACHINE, banks_of), Waits(MACHINE, banks_of)
    ordered = order([*before, *(replace(load, ahead=True) for load in loads)], MACHINE, waits)
    waits_behind.begin_behind(waits.pending())
    none_behind = (0,) * MACHINE.compute_units
    waits_behind.begin_behind(Pending(Unit.LOAD, True, load.writes, none_behind) for load in loads)
    ordered += order(behind[len(loads) :], MACHINE, waits_behind)
    check_order(ordered, [*before, *behind], len(before))


def test_parts_that_stay_apart_are_waited_for_apart() -> None:
    """Behind the first part of the second row comes the store of the first row, whose parts are one step by then: all
    passes over the first part of the second row are behind it."""
    tile = Tile(0, Unit.MAC, (0, 0), (1, 0), (1, 1), 2, False, (1,))
    store = Step(Origin(1, None), (), Unit.MOVE, (words(1, 0, Part(0, 1, 0, SIZE)),), (), (1, 0), 1, 1, to_memory=True)
    waits = [step.template for step in order([tile, store], MACHINE) if isinstance(step.template, Wait)]
    assert [(wait.units, wait.pending) for wait in waits] == [((Unit.MAC,), 2)]


def _touched(instructions: Iterable[Instructions]) -> set[tuple[int, Access, int, int]]:
    """The words, row by row, that each item of the program reads and writes."""
    return {
        (made.item, access._replace(rows=Extent(0, 0), columns=Extent(0, 0)), row, column)
        for made in instructions
        for access in (*made.reads, *made.writes)
        for row in range(access.rows.first, access.rows.stop)
        for column in range(access.columns.first, access.columns.stop)
    }
