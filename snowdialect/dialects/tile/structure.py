"""Operations of the tile dialect that hold the others: layers, buffers, tile loops and their indices.

A buffer has one or two slots, chosen by the parity of a tile index; with two, each lies in a bank of its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from itertools import combinations
from typing import ClassVar

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryAllocEffect, NoTerminator, Pure, RecursiveMemoryEffect

from snowdialect.dialects.addresses import Address, AddressedOp, IndexExpr
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsBufferType, WeightsBufferType


def integer(value: int) -> IntegerAttr:
    """A property that holds a number."""
    return IntegerAttr(value, i64)


def flag(value: bool) -> UnitAttr | None:
    """A property that is there or not."""
    return UnitAttr() if value else None


@irdl_op_definition
class LayerOp(IRDLOperation):
    """One layer in tiles; `kind` is that of the report, loc the layer's name."""

    name = "tile.layer"
    kind = prop_def(StringAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format = "$kind $body attr-dict"

    def __init__(self, kind: str, body: Region) -> None:
        super().__init__(properties={"kind": StringAttr(kind)}, regions=[body])

    def verify_(self) -> None:
        buffers = [op for op in self.body.walk() if isinstance(op, BufferOp)]
        for one, other in combinations(buffers, 2):
            if type(one.result.type) is type(other.result.type):
                other.check_apart(one)


@irdl_op_definition
class BufferOp(IRDLOperation):
    """`%b = tile.buffer words 9984 at 0 slots 2 every 16384 : !tile.mbuf<...>`: words of every MBuf or every WBuf."""

    name = "tile.buffer"
    words = prop_def(IntegerAttr[I64])
    start = prop_def(IntegerAttr[I64])
    slots = prop_def(IntegerAttr[I64])
    stride = prop_def(IntegerAttr[I64])
    result = result_def(MapsBufferType | WeightsBufferType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = "`words` $words `at` $start `slots` $slots `every` $stride attr-dict `:` type($result)"

    def __init__(
        self, words: int, start: int, slots: int, stride: int, result_type: MapsBufferType | WeightsBufferType
    ) -> None:
        super().__init__(
            properties={
                "words": integer(words),
                "start": integer(start),
                "slots": integer(slots),
                "stride": integer(stride),
            },
            result_types=[result_type],
        )

    def slot_ranges(self) -> list[range]:
        """The words of each slot."""
        return [
            range(first, first + self.words.value.data)
            for first in (
                self.start.value.data + slot * self.stride.value.data for slot in range(self.slots.value.data)
            )
        ]

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
        if not 1 <= self.slots.value.data <= 2:
            fail(self, f"wants one or two slots, has {self.slots.value.data}")
        if self.words.value.data < 1:
            fail(self, "wants at least one word")
        slots = self.slot_ranges()
        for slot in slots:
            if slot.start < 0 or slot.stop > size:
                fail(self, f"words {slot.start} to {slot.stop} do not fit {what} of {size} words")
            if slot.start % machine.transfer_words:
                fail(self, f"a slot starts at a multiple of {machine.transfer_words} words, this one at {slot.start}")
            if len(slots) == 2 and slot.start // bank != (slot.stop - 1) // bank:
                fail(
                    self,
                    f"words {slot.start} to {slot.stop} do not fit a bank of {bank} words: each of two slots lies in "
                    "a bank of its own",
                )
        if len({slot.start // bank for slot in slots}) < len(slots):
            fail(self, f"two slots {self.stride.value.data} words apart lie in the same bank of {bank} words")


@irdl_op_definition
class IndexOp(AddressedOp):
    """`%next = tile.index[%t + 1]`: an index computed from others."""

    name = "tile.index"
    value = prop_def(AffineMapAttr)
    value_indices = var_operand_def(IndexType())
    result = result_def(IndexType())
    traits = traits_def(Pure())
    custom_directives = (Address,)
    assembly_format = "custom<Address>($value, $value_indices) attr-dict"
    ADDRESSES: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self, value: IndexExpr) -> None:
        super().__init__(operands=[value.indices()], properties={"value": value.map()}, result_types=[IndexType()])


class TiledOp(AddressedOp):
    """Base of the operations that move or compute a tile."""

    @abstractmethod
    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        """What of the tile is really there for given tile indices: equal for tiles that need the same code."""

    def number(self, name: str, indices: dict[SSAValue, int]) -> int:
        """The value of an address for given tile indices; those that are not given are looked through."""
        expression = self.address(name)
        if any(index not in indices for index in expression.indices()):
            expression = resolve(expression)
        return expression.evaluate(indices)

    def check_slot(self, name: str, buffer: SSAValue) -> None:
        """Rejects the number of a slot that its buffer does not have in some iteration."""
        slots = buffer.owner.slots.value.data if isinstance(buffer.owner, BufferOp) else 2
        try:
            slot = resolve(self.address(name))
        except ValueError:
            slot = None
        if slot is None or slot.linear:
            fail(self, "the slot of a buffer is a number or the parity of a tile index")
        low = slot.constant + sum(min(0, c) for _, c in slot.parity)
        high = slot.constant + sum(max(0, c) for _, c in slot.parity)
        if low < 0 or high >= slots:
            fail(self, f"its buffer has no slot {high if high >= slots else low}")

    def check_inside(self, name: str, size: int) -> None:
        """Rejects a place that is outside of 0 to `size` - 1 in some iteration of the loops around it."""
        try:
            place = resolve(self.address(name))
        except ValueError as error:
            fail(self, f"its {name}: {error}")
        linear, parity = dict(place.linear), dict(place.parity)
        low = high = place.constant
        for index in place.indices():
            if not (isinstance(index, BlockArgument) and isinstance(loop := index.owner.parent_op(), ForOp)):
                fail(self, f"its {name} is a function of tile indices, and of nothing else")
            # A loop is verified after what is inside.
            loop.verify_()
            steps = loop.iterations
            ends = [linear.get(index, 0) * i + parity.get(index, 0) * (i % 2) for i in (*steps[:2], *steps[-2:])]
            low += min(ends)
            high += max(ends)
        if low < 0 or high >= size:
            fail(self, f"its {name} is {low} to {high}, outside 0 to {size - 1}")


def resolve(expression: IndexExpr) -> IndexExpr:
    """The expression over loop indices only: `tile.index` replaced by what it computes."""
    for index in expression.indices():
        if isinstance(op := index.owner, IndexOp):
            return resolve(expression.replaced(index, resolve(op.address("value"))))
    return expression


class LoadingOp(TiledOp):
    """Base of the operations that fill a slot of a buffer."""

    @property
    @abstractmethod
    def filled(self) -> SSAValue:
        """The buffer."""


def check_words(op: Operation, buffer: SSAValue, words: int) -> None:
    """Rejects a tile of more words than a slot of its buffer holds."""
    if isinstance(owner := buffer.owner, BufferOp) and words > owner.words.value.data:
        fail(op, f"a tile of {words} words does not fit a buffer of {owner.words.value.data}")


@irdl_op_definition
class ForOp(IRDLOperation):
    """`tile.for %t = 0 to 7 prefetch { ... }`: the body once a tile, in order.

    `prefetch`: the loads of the next tile are in flight while this one is computed; they are the loads among the
    operations of the body itself, and their buffers have two slots.
    """

    name = "tile.for"
    lower = prop_def(IntegerAttr[I64])
    upper = prop_def(IntegerAttr[I64])
    prefetch = opt_prop_def(UnitAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(self, lower: int, upper: int, body: Region | None = None, *, prefetch: bool = False) -> None:
        region = Region(Block(arg_types=[IndexType()])) if body is None else body
        super().__init__(
            properties={"lower": integer(lower), "upper": integer(upper), "prefetch": flag(prefetch)}, regions=[region]
        )

    @property
    def index(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def iterations(self) -> range:
        return range(self.lower.value.data, self.upper.value.data)

    def prefetched(self) -> list[LoadingOp]:
        """The loads that run one tile ahead."""
        if self.prefetch is None:
            return []
        return [op for op in self.body.block.ops if isinstance(op, LoadingOp)]

    def verify_(self) -> None:
        if [arg.type for arg in self.body.block.args] != [IndexType()]:
            fail(self, "the body takes one index")
        if not self.iterations:
            fail(self, f"{self.lower.value.data} to {self.upper.value.data} is empty: a loop runs at least once")
        if len(self.iterations) == 1:
            return
        for load in self.prefetched():
            buffer = load.filled.owner
            if isinstance(buffer, BufferOp) and buffer.slots.value.data < 2:
                fail(load, "a race: the next tile is prefetched into the only slot, which this tile still reads")
            if dict(load.address("slot").parity).get(self.index) not in (1, -1):
                fail(load, "a race: the next tile is prefetched into the slot that this tile still reads")

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        index = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        lower = parser.parse_integer()
        parser.parse_keyword("to")
        upper = parser.parse_integer()
        prefetch = parser.parse_optional_keyword("prefetch") is not None
        return cls(lower, upper, parser.parse_region([index]), prefetch=prefetch)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.index)
        printer.print_string(f" = {self.lower.value.data} to {self.upper.value.data} ")
        if self.prefetch is not None:
            printer.print_string("prefetch ")
        printer.print_region(self.body, print_entry_block_args=False)
