"""What computes: initial values, traces and comparisons."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr, UnitAttr
from xdsl.irdl import (
    AttrSizedOperandSegments,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.addresses import Address, IndexExpr, grouped_op_definition
from snowdialect.dialects.locations import fail
from snowdialect.dialects.loop.structure import LoopOp
from snowdialect.dialects.properties import choice, flag, integer
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import Mode, ModeAttr, Space, SpaceAttr


@grouped_op_definition
class StartOp(LoopOp):
    """Starts the accumulators of an output from a bias or a bypass value, and says where the result goes.

    `add` adds to what an earlier start left; `alt` shifts the value by bypass_shift instead of bias_shift; `last`
    writes the result back at once, for an output without traces.
    """

    name = "loop.start"
    mode = prop_def(ModeAttr)
    space = prop_def(SpaceAttr)
    source = prop_def(AffineMapAttr)
    source_indices = var_operand_def(IndexType())
    target = prop_def(AffineMapAttr)
    target_indices = var_operand_def(IndexType())
    cus = prop_def(IntegerAttr[I64])
    vmacs = prop_def(IntegerAttr[I64])
    add = opt_prop_def(UnitAttr)
    alt = opt_prop_def(UnitAttr)
    last = opt_prop_def(UnitAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$mode $space custom<Address>($source, $source_indices) `to` `mbuf` "
        "custom<Address>($target, $target_indices) `cus` $cus `vmacs` $vmacs "
        "(`add` $add^)? (`alt` $alt^)? (`last` $last^)? (`relu` $relu^)? attr-dict"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(
        self,
        mode: Mode,
        space: Space,
        source: IndexExpr,
        target: IndexExpr,
        cus: int,
        vmacs: int,
        *,
        add: bool = False,
        alt: bool = False,
        last: bool = False,
        relu: bool = False,
    ) -> None:
        super().__init__(
            operands=[source.indices(), target.indices()],
            properties={
                "mode": choice(ModeAttr, mode),
                "space": choice(SpaceAttr, space),
                "source": source.map(),
                "target": target.map(),
                "cus": integer(cus),
                "vmacs": integer(vmacs),
                "add": flag(add),
                "alt": flag(alt),
                "last": flag(last),
                "relu": flag(relu),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        lanes = self.mode.data.lanes(machine)
        self.check_mask(self.cus, machine.all_units, "CUs")
        self.check_mask(self.vmacs, machine.all_vmacs, "vMACs")
        reach = lanes * self.vmacs.value.data.bit_length()
        if self.space.data is Space.WBUF:
            self.check_bounds("source", lanes, machine.wbuf_words, "the bias")
        else:
            self.check_bounds("source", reach, machine.mbuf_words, "the initial value")
        self.check_bounds("target", reach, machine.mbuf_words, "the result")
        if lanes > 1:
            self.check_aligned("source", machine.line_words, "an INDP initial value")
            self.check_aligned("target", machine.line_words, "an INDP result")
        if self.relu is not None and self.last is None:
            fail(self, "relu goes with last")


@grouped_op_definition
class MacOp(LoopOp):
    """A trace of `words` words of maps against weights; `last` ends the output, `relu` clamps it at zero."""

    name = "loop.mac"
    mode = prop_def(ModeAttr)
    maps = prop_def(AffineMapAttr)
    maps_indices = var_operand_def(IndexType())
    weights = prop_def(AffineMapAttr)
    weights_indices = var_operand_def(IndexType())
    words = prop_def(IntegerAttr[I64])
    cus = prop_def(IntegerAttr[I64])
    vmacs = prop_def(IntegerAttr[I64])
    last = opt_prop_def(UnitAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$mode `mbuf` custom<Address>($maps, $maps_indices) `wbuf` custom<Address>($weights, $weights_indices) "
        "`words` $words `cus` $cus `vmacs` $vmacs (`last` $last^)? (`relu` $relu^)? attr-dict"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("maps", "weights")

    def __init__(
        self,
        mode: Mode,
        maps: IndexExpr,
        weights: IndexExpr,
        words: int,
        cus: int,
        vmacs: int,
        *,
        last: bool = False,
        relu: bool = False,
    ) -> None:
        super().__init__(
            operands=[maps.indices(), weights.indices()],
            properties={
                "mode": choice(ModeAttr, mode),
                "maps": maps.map(),
                "weights": weights.map(),
                "words": integer(words),
                "cus": integer(cus),
                "vmacs": integer(vmacs),
                "last": flag(last),
                "relu": flag(relu),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        words = self.words.value.data
        if words < 1:
            fail(self, "a trace wants at least one word")
        self.check_mask(self.cus, machine.all_units, "CUs")
        self.check_mask(self.vmacs, machine.all_vmacs, "vMACs")
        self.check_bounds("maps", words, machine.mbuf_words, "the maps trace")
        self.check_aligned("weights", machine.line_words, "the weights trace")
        if self.mode.data is Mode.COOP:
            if words % machine.line_words:
                fail(self, f"a COOP trace of {words} words is not a whole number of lines of {machine.line_words}")
            self.check_aligned("maps", machine.line_words, "a COOP maps trace")
            self.check_bounds("weights", words, machine.wbuf_words, "the weights trace")
        else:
            self.check_bounds("weights", words * machine.line_words, machine.wbuf_words, "the weights trace")
        if self.relu is not None and self.last is None:
            fail(self, "relu goes with last")


@grouped_op_definition
class MaxOp(LoopOp):
    """`count` lines, max_stride apart, into the fed-back comparators; `first` starts, `last` stores the result."""

    name = "loop.max"
    source = prop_def(AffineMapAttr)
    source_indices = var_operand_def(IndexType())
    target = prop_def(AffineMapAttr)
    target_indices = var_operand_def(IndexType())
    count = prop_def(IntegerAttr[I64])
    cus = prop_def(IntegerAttr[I64])
    first = opt_prop_def(UnitAttr)
    last = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "`mbuf` custom<Address>($source, $source_indices) `to` `mbuf` custom<Address>($target, $target_indices) "
        "`count` $count `cus` $cus (`first` $first^)? (`last` $last^)? attr-dict"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(self, source: IndexExpr, target: IndexExpr, count: int, cus: int, *, first: bool, last: bool) -> None:
        super().__init__(
            operands=[source.indices(), target.indices()],
            properties={
                "source": source.map(),
                "target": target.map(),
                "count": integer(count),
                "cus": integer(cus),
                "first": flag(first),
                "last": flag(last),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        if self.count.value.data < 1:
            fail(self, "wants at least one line")
        if self.count.value.data > (lines := machine.mbuf_words // machine.line_words):
            fail(self, f"compares {self.count.value.data} lines, a maps buffer has {lines}")
        self.check_mask(self.cus, machine.all_units, "CUs")
        for name in self.ADDRESSES:
            self.check_bounds(name, machine.line_words, machine.mbuf_words, f"the {name}")
            self.check_aligned(name, machine.line_words, f"the {name}")
