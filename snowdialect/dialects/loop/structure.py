"""Layers, loops, and what all operations on buffers share: the ranges of their addresses over the loops around them."""

from __future__ import annotations

from xdsl.dialects.builtin import AffineMapAttr, IntegerAttr, StringAttr
from xdsl.ir import BlockArgument, Region, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, region_def, traits_def
from xdsl.traits import NoTerminator, RecursiveMemoryEffect

from snowdialect.dialects.addresses import AddressedOp, LinearForm
from snowdialect.dialects.locations import fail
from snowdialect.dialects.loops import CountedLoop


@irdl_op_definition
class LayerOp(IRDLOperation):
    """The code of one layer; loc is its name."""

    name = "loop.layer"
    kind = prop_def(StringAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format = "$kind $body attr-dict"

    def __init__(self, kind: str, body: Region) -> None:
        super().__init__(properties={"kind": StringAttr(kind)}, regions=[body])


@irdl_op_definition
class ForOp(CountedLoop):
    """`loop.for %i = 0 to 4 { ... }`: the body once for each integer from `lower` to below `upper`, in order."""

    name = "loop.for"


class LoopOp(AddressedOp):
    """Base of the operations on buffers; knows the range of its addresses over the loops around it."""

    def bounds(self, name: str) -> tuple[int, int]:
        """Smallest and largest value of an address over the iterations of the loops around the operation."""
        map = self.properties[name]
        assert isinstance(map, AffineMapAttr)
        form = LinearForm.of(map.data)
        low = high = form.constant
        for position, index in enumerate(getattr(self, f"{name}_indices")):
            values = self.index_range(index)
            ends = [
                form.linear[position] * i + form.parity[position] * (i % 2)
                for i in {values[0], values[-1], values[:2][-1], values[-2:][0]}
            ]
            low += min(ends)
            high += max(ends)
        return low, high

    def index_range(self, index: SSAValue) -> range:
        """The values of the index of a loop around the operation."""
        if isinstance(index, BlockArgument) and isinstance(loop := index.owner.parent_op(), ForOp):
            # A loop is verified after what is inside.
            loop.check_iterations()
            return loop.iterations
        fail(self, "an address is a function of the indices of the loops around it, and of nothing else")

    def check_bounds(self, name: str, count: int, capacity: int, what: str, unit: str = "words") -> None:
        """Rejects an access of `count` units at address `name` that leaves 0 .. capacity."""
        low, high = self.bounds(name)
        if low < 0 or high + count > capacity:
            fail(self, f"{what} covers {unit} {low} to {high + count}, outside 0 to {capacity}")

    def check_aligned(self, name: str, unit: int, what: str) -> None:
        """Rejects an address that is not always a multiple of `unit` words."""
        map = self.properties[name]
        assert isinstance(map, AffineMapAttr)
        form = LinearForm.of(map.data)
        if any(value % unit for value in (form.constant, *form.linear, *form.parity)):
            fail(self, f"{what} must be a multiple of {unit} words")

    def check_mask(self, mask: IntegerAttr, full: int, what: str) -> None:
        """Rejects an empty mask and one with bits the machine does not have."""
        if not 0 < mask.value.data <= full:
            fail(self, f"the mask of {what}, {mask.value.data}, is outside 1 to {full}")
