"""Operations of the tile dialect that hold the others: layers, buffers and tile loops; and waits.

A buffer has one or two slots, chosen by a tile index; with two, each lies in a bank of its own. A weights buffer may
have more, half of them in each bank.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from itertools import combinations

from xdsl.dialects.builtin import I64, IntegerAttr, StringAttr, UnitAttr
from xdsl.ir import Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.traits import MemoryAllocEffect, NoTerminator, RecursiveMemoryEffect

from snowdialect.dialects.addresses import AddressedOp, IndexExpr
from snowdialect.dialects.locations import fail
from snowdialect.dialects.loops import CountedLoop
from snowdialect.dialects.properties import flag, integer
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsBufferType, WeightsBufferType
from snowdialect.dialects.waits import WaitingOp

PART_FORMAT = (
    "`part` custom<Address>($part_row, $part_row_indices) `,` ` ` custom<Address>($part_column, $part_column_indices) "
)
"""How the place of a part in its tile looks in the text: `part[%t], [0]`."""


@irdl_op_definition
class LayerOp(IRDLOperation):
    """One layer in tiles; `kind` is that of the report, loc the layer's name.

    It begins when all of the layer before it is done. If it `overlaps` that one, it waits itself for what it needs.
    """

    name = "tile.layer"
    kind = prop_def(StringAttr)
    overlaps = opt_prop_def(UnitAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format = "$kind (`overlaps` $overlaps^)? $body attr-dict"

    def __init__(self, kind: str, body: Region) -> None:
        super().__init__(properties={"kind": StringAttr(kind)}, regions=[body])

    def verify_(self) -> None:
        buffers = [op for op in self.body.walk() if isinstance(op, BufferOp)]
        for one, other in combinations(buffers, 2):
            if type(one.result.type) is type(other.result.type) and one.ahead == other.ahead:
                other.check_apart(one)


@irdl_op_definition
class BufferOp(IRDLOperation):
    """`%b = tile.buffer words 9984 at 0 slots 2 every 16384 : !tile.mbuf<...>`: words of every MBuf or every WBuf.

    One that is filled `ahead` is a buffer of the layer behind. It may share words with those of its own layer, which
    fills it when it needs these no more.
    """

    name = "tile.buffer"
    words = prop_def(IntegerAttr[I64])
    start = prop_def(IntegerAttr[I64])
    slots = prop_def(IntegerAttr[I64])
    stride = prop_def(IntegerAttr[I64])
    ahead = opt_prop_def(UnitAttr)
    result = result_def(MapsBufferType | WeightsBufferType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = (
        "`words` $words `at` $start `slots` $slots `every` $stride (`ahead` $ahead^)? attr-dict `:` type($result)"
    )

    def __init__(
        self,
        words: int,
        start: int,
        slots: int,
        stride: int,
        result_type: MapsBufferType | WeightsBufferType,
        ahead: bool = False,
    ) -> None:
        super().__init__(
            properties={
                "words": integer(words),
                "start": integer(start),
                "slots": integer(slots),
                "stride": integer(stride),
                "ahead": flag(ahead),
            },
            result_types=[result_type],
        )

    def slot_ranges(self) -> list[range]:
        """The words of each slot."""
        start, stride, words = self.start.value.data, self.stride.value.data, self.words.value.data
        starts = (start + slot % 2 * stride + slot // 2 * words for slot in range(self.slots.value.data))
        return [range(first, first + words) for first in starts]

    def address_of(self, slot: IndexExpr) -> IndexExpr:
        """First word of a slot; raises ValueError where there are more than two, and the parity of its number is no
        address."""
        start, stride, words = self.start.value.data, self.stride.value.data, self.words.value.data
        if self.slots.value.data <= 2:
            return slot * stride + start
        # slot // 2 is (slot - slot mod 2) / 2.
        return slot * (words // 2) + slot.mod2() * (stride - words // 2) + start

    def check_apart(self, other: BufferOp) -> None:
        """Rejects buffers that share words."""
        for mine in self.slot_ranges():
            for theirs in other.slot_ranges():
                if max(mine.start, theirs.start) < min(mine.stop, theirs.stop):
                    fail(
                        self,
                        f"words {mine.start} to {mine.stop} overlap another buffer at {theirs.start} to {theirs.stop}",
                    )

    def verify_(self) -> None:
        machine = machine_of(self)
        if isinstance(self.result.type, MapsBufferType):
            size, bank, what = machine.mbuf_words, machine.mbuf_bank_words, "the maps buffer"
        else:
            size, bank, what = machine.wbuf_words, machine.wbuf_bank_words, "the weights buffer"
        count = self.slots.value.data
        if isinstance(self.result.type, MapsBufferType) and not 1 <= count <= 2:
            fail(self, f"wants one or two slots, has {count}")
        if not (count == 1 or 2 <= count <= size and count % 2 == 0):
            fail(self, f"wants one slot or an even number, has {count}")
        if self.words.value.data < 1:
            fail(self, "wants at least one word")
        slots = self.slot_ranges()
        for slot in slots:
            if slot.start < 0 or slot.stop > size:
                fail(self, f"words {slot.start} to {slot.stop} do not fit {what} of {size} words")
            if slot.start % machine.transfer_words:
                fail(self, f"a slot starts at a multiple of {machine.transfer_words} words, this one at {slot.start}")
            if count > 1 and slot.start // bank != (slot.stop - 1) // bank:
                fail(
                    self,
                    f"words {slot.start} to {slot.stop} do not fit a bank of {bank} words: where there are several "
                    "slots, each lies in one bank",
                )
        if count > 1 and 2 * sum(slot.start < bank for slot in slots) != count:
            fail(self, f"slots {self.stride.value.data} words apart do not lie half in each bank of {bank} words")
        if count > 2 and self.words.value.data % 2:
            fail(self, f"several slots in a bank have an even number of words, got {self.words.value.data}")


class TiledOp(AddressedOp):
    """Base of the operations that move or compute a tile."""

    @abstractmethod
    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        """What of the tile is really there for given tile indices: equal for tiles that need the same code."""

    @property
    def shape_places(self) -> tuple[IndexExpr, ...]:
        """What the shape is a function of: where these are least and greatest, all that is clipped shows."""
        return ()

    @property
    @abstractmethod
    def mask(self) -> int:
        """The CUs that have part in it, a bit for each."""

    def verify_(self) -> None:
        super().verify_()
        units = machine_of(self).compute_units
        if not 0 < self.mask < 1 << units:
            fail(self, f"the mask {self.mask} is none of {units} CUs")
        first, *others = self.extremes(*self.shape_places)
        for indices in others:
            if self.shape_at(indices) != self.shape_at(first):
                numbers = ", ".join(map(str, reversed(indices.values())))
                fail(self, f"its tile has another shape in iteration {numbers} of the loops around than in the first")

    def number(self, name: str, indices: dict[SSAValue, int]) -> int:
        """The value of an address for given tile indices."""
        return self.value(self.address(name), indices)

    def value(self, place: IndexExpr, indices: dict[SSAValue, int]) -> int:
        """The value of an expression for given tile indices."""
        try:
            return place.evaluate(indices)
        except KeyError:
            fail(self, "an address is a function of the indices of the loops around it, and of nothing else")

    def extremes(self, *places: IndexExpr) -> list[dict[SSAValue, int]]:
        """The first iteration of the loops around the operation, and those where each place is least and greatest."""
        loops, first = loops_around(self), outer_indices(self)
        found = [first]
        for place in places:
            linear, parity = dict(place.linear), dict(place.parity)
            least, greatest = dict(first), dict(first)
            for index in loops.keys() & {*linear, *parity}:
                steps = loops[index]
                terms = {
                    i: linear.get(index, 0) * i + parity.get(index, 0) * (i % 2) for i in (*steps[:2], *steps[-2:])
                }
                least[index], greatest[index] = min(terms, key=terms.__getitem__), max(terms, key=terms.__getitem__)
            found += [indices for indices in (least, greatest) if indices not in found]
        return found

    def bounds(self, name: str) -> tuple[int, int]:
        """Smallest and largest value of an address over the iterations of the loops around the operation."""
        numbers = [self.number(name, indices) for indices in self.extremes(self.address(name))]
        return min(numbers), max(numbers)

    def check_inside(self, name: str, size: int) -> None:
        """Rejects a place that is outside of 0 to `size` - 1 in some iteration of the loops around it."""
        low, high = self.bounds(name)
        if low < 0 or high >= size:
            fail(self, f"its {_words(name)} is {low} to {high}, outside 0 to {size - 1}")

    def check_slot(self, name: str, buffer: SSAValue) -> None:
        """Rejects the number of a slot that its buffer does not have in some iteration."""
        slots = buffer.owner.slots.value.data if isinstance(buffer.owner, BufferOp) else 2
        if slots <= 2 and self.address(name).linear:
            fail(self, "the slot of a buffer is a number or the parity of a tile index")
        try:
            self.address(name).mod2()
        except ValueError as error:
            fail(self, f"its {_words(name)} tells no bank: {error}")
        low, high = self.bounds(name)
        if low < 0 or high >= slots:
            fail(self, f"its buffer has no slot {high if high >= slots else low}")

    def check_tile(self, buffer: SSAValue, rows: tuple[int, int], columns: tuple[int, int], what: str) -> None:
        """Rejects a tile whose rows or columns, first to last, are not all in a slot of its buffer."""
        layout = buffer.type
        assert isinstance(layout, MapsBufferType)
        if rows[0] < 0:
            fail(self, f"{what} row {rows[0]} of a tile")
        width = layout.row.data // layout.pixel.data
        if columns[0] < 0 or columns[1] >= width:
            outside = columns[0] if columns[0] < 0 else columns[1]
            fail(self, f"{what} column {outside} of a tile whose rows have {width} pixels")
        check_words(self, buffer, rows[1] * layout.row.data + (columns[1] + 1) * layout.pixel.data)

    def check_pixel(self, buffer: SSAValue, first: tuple[int, int], words: int) -> None:
        """Rejects `words` words of a pixel, from the least or the most of `first` on, that a buffer's pixels lack."""
        layout = buffer.type
        assert isinstance(layout, MapsBufferType)
        if first[0] < 0 or first[1] + words > layout.pixel.data:
            fail(self, f"words {first[0]} to {first[1] + words} are not in a pixel of {layout.pixel.data} words")


def _words(name: str) -> str:
    return name.replace("_", " ")


def check_words(op: Operation, buffer: SSAValue, words: int) -> None:
    """Rejects a tile of more words than a slot of its buffer holds."""
    if isinstance(owner := buffer.owner, BufferOp) and words > owner.words.value.data:
        fail(op, f"a tile of {words} words does not fit a buffer of {owner.words.value.data}")


@irdl_op_definition
class ForOp(CountedLoop):
    """`tile.for %t = 0 to 7 { ... }`: the body once a tile, in order; every iteration needs the same code."""

    name = "tile.for"


def outer_indices(op: Operation) -> dict[SSAValue, int]:
    """The first iteration of the loops around an operation."""
    return {index: iterations[0] for index, iterations in loops_around(op).items()}


def loops_around(op: Operation) -> dict[SSAValue, range]:
    """The iterations of the loops around an operation, from the inside out, by their indices."""
    loops: dict[SSAValue, range] = {}
    parent = op.parent_op()
    while parent is not None:
        if isinstance(parent, ForOp):
            # A loop is verified after what is inside.
            parent.check_iterations()
            loops[parent.index] = parent.iterations
        parent = parent.parent_op()
    return loops


@irdl_op_definition
class WaitOp(WaitingOp):
    """`tile.wait mac, max pending 0`: holds what follows until each unit has at most so many instructions pending."""

    name = "tile.wait"
