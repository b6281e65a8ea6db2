"""The loop dialect: every address an affine function of loop indices, every trace spelled out. See docs/loop.md.

On-chip addresses count 16-bit words inside one buffer; memory addresses count transfers (64 B) from the start of a
region. A mask has a bit for each CU (`cus`) or for each vMAC of a CU (`vmacs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import (
    Block,
    BlockArgument,
    Dialect,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect, NoTerminator, RecursiveMemoryEffect
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.addresses import Address, AddressedOp, IndexExpr, LinearForm
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsType, Mode, ModeAttr, PackedType, Space, SpaceAttr
from snowdialect.machine import Machine


class Buffer(StrEnum):
    """The buffer that a load fills: the MBuf of the masked CUs, or the WBuf of one of their vMACs."""

    MBUF = "mbuf"
    WBUF0 = "wbuf0"
    WBUF1 = "wbuf1"
    WBUF2 = "wbuf2"
    WBUF3 = "wbuf3"

    @property
    def vmac(self) -> int | None:
        """The vMAC whose WBuf this is; None for the MBuf."""
        return None if self is Buffer.MBUF else int(self.value[-1])

    @staticmethod
    def of_vmac(vmac: int) -> Buffer:
        return Buffer(f"wbuf{vmac}")


@irdl_attr_definition
class BufferAttr(EnumAttribute[Buffer], SpacedOpaqueSyntaxAttribute):
    name = "loop.buffer"


class Register(StrEnum):
    """The configuration registers that a layer sets."""

    RESULT_SHIFT = "result_shift"
    BIAS_SHIFT = "bias_shift"
    BYPASS_SHIFT = "bypass_shift"
    MAX_STRIDE = "max_stride"
    BYPASS_OFFSET = "bypass_offset"


@irdl_attr_definition
class RegisterAttr(EnumAttribute[Register], SpacedOpaqueSyntaxAttribute):
    name = "loop.register"


class LoopOp(AddressedOp):
    """Base of the operations on buffers; knows the range of its addresses over the loops around it."""

    def bounds(self, name: str) -> tuple[int, int]:
        """Smallest and largest value of an address over the iterations of the loops around the operation."""
        map = self.properties[name]
        assert isinstance(map, AffineMapAttr)
        form = LinearForm.of(map.data)
        low = high = form.constant
        for position, index in enumerate(getattr(self, f"{name}_indices")):
            values = self._index_range(index)
            ends = [
                form.linear[position] * i + form.parity[position] * (i % 2)
                for i in {values[0], values[-1], values[:2][-1], values[-2:][0]}
            ]
            low += min(ends)
            high += max(ends)
        return low, high

    def _index_range(self, index: SSAValue) -> range:
        if isinstance(index, BlockArgument) and isinstance(loop := index.owner.parent_op(), ForOp):
            # A loop is verified after what is inside.
            loop.verify_()
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


def _unit(flag: bool) -> UnitAttr | None:
    return UnitAttr() if flag else None


def _int(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)


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
class ForOp(IRDLOperation):
    """`loop.for %i = 0 to 4 { ... }`: the body once for each integer from `lower` to below `upper`, in order."""

    name = "loop.for"
    lower = prop_def(IntegerAttr[I64])
    upper = prop_def(IntegerAttr[I64])
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(self, lower: int, upper: int, body: Region | None = None) -> None:
        region = Region(Block(arg_types=[IndexType()])) if body is None else body
        super().__init__(properties={"lower": _int(lower), "upper": _int(upper)}, regions=[region])

    @property
    def index(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def iterations(self) -> range:
        return range(self.lower.value.data, self.upper.value.data)

    def verify_(self) -> None:
        if [arg.type for arg in self.body.block.args] != [IndexType()]:
            fail(self, "the body takes one index")
        if not self.iterations:
            fail(self, f"{self.lower.value.data} to {self.upper.value.data} is empty: a loop runs at least once")

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        index = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        lower = parser.parse_integer()
        parser.parse_keyword("to")
        upper = parser.parse_integer()
        return cls(lower, upper, parser.parse_region([index]))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.index)
        printer.print_string(f" = {self.lower.value.data} to {self.upper.value.data} ")
        printer.print_region(self.body, print_entry_block_args=False)


@irdl_op_definition
class ConfigOp(LoopOp):
    """Sets a configuration register, in order with the traces; `cus` only for bypass_offset."""

    name = "loop.config"
    register = prop_def(RegisterAttr)
    value = prop_def(IntegerAttr[I64])
    cus = opt_prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$register `=` $value (`cus` $cus^)? attr-dict"

    def __init__(self, register: Register, value: int, cus: int | None = None) -> None:
        super().__init__(
            properties={
                "register": RegisterAttr(register),
                "value": _int(value),
                "cus": None if cus is None else _int(cus),
            }
        )

    def verify_accesses(self) -> None:
        if (self.register.data is Register.BYPASS_OFFSET) != (self.cus is not None):
            fail(self, "bypass_offset, and it alone, is set for a mask of CUs")
        if self.cus is not None:
            self.check_mask(self.cus, machine_of(self).all_units, "CUs")
        if self.value.value.data < 0:
            fail(self, f"{self.register.data} cannot be negative")
        if self.register.data.value.endswith("_shift") and self.value.value.data > 31:
            fail(self, f"shift {self.value.value.data} is outside 0 to 31")


@irdl_op_definition
class LoadOp(LoopOp):
    """Memory to buffer: `units` transfers from `source` of the region to word `target` of the buffer of each CU."""

    name = "loop.load"
    region_value = operand_def(MapsType | PackedType)
    source = prop_def(AffineMapAttr)
    source_indices = var_operand_def(IndexType())
    buffer = prop_def(BufferAttr)
    target = prop_def(AffineMapAttr)
    target_indices = var_operand_def(IndexType())
    units = prop_def(IntegerAttr[I64])
    cus = prop_def(IntegerAttr[I64])
    load_unit = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$region_value custom<Address>($source, $source_indices) `to` $buffer "
        "custom<Address>($target, $target_indices) `units` $units `cus` $cus `through` $load_unit attr-dict "
        "`:` type($region_value)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(
        self,
        region: SSAValue,
        source: IndexExpr,
        buffer: Buffer,
        target: IndexExpr,
        units: int,
        cus: int,
        load_unit: int,
    ) -> None:
        super().__init__(
            operands=[region, source.indices(), target.indices()],
            properties={
                "source": source.map(),
                "buffer": BufferAttr(buffer),
                "target": target.map(),
                "units": _int(units),
                "cus": _int(cus),
                "load_unit": _int(load_unit),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        units = self.units.value.data
        if units < 1:
            fail(self, "wants at least one transfer")
        words = units * machine.transfer_words
        self.check_bounds("source", units, _region_units(self.region_value, machine), "the load", "transfers")
        vmac = self.buffer.data.vmac
        self.check_bounds("target", words, machine.mbuf_words if vmac is None else machine.wbuf_words, "the buffer")
        self.check_aligned("target", machine.transfer_words, "the buffer address")
        self.check_mask(self.cus, machine.all_units, "CUs")
        if vmac is not None and vmac >= machine.vmacs:
            fail(self, f"the machine has no vMAC {vmac}")
        if not 0 <= self.load_unit.value.data < machine.load_units:
            fail(self, f"the machine has no load unit {self.load_unit.value.data}")


def _region_units(region: SSAValue, machine: Machine) -> int:
    """Transfers that a region of memory holds."""
    words = region.type.words.data if isinstance(region.type, PackedType) else cast(MapsType, region.type).words
    return -(-words // machine.transfer_words)


@irdl_op_definition
class StoreOp(LoopOp):
    """Buffer to memory: `units` transfers from word `source` of the MBuf of CU `cu` to `target` of the region."""

    name = "loop.store"
    source = prop_def(AffineMapAttr)
    source_indices = var_operand_def(IndexType())
    cu = prop_def(IntegerAttr[I64])
    region_value = operand_def(MapsType)
    target = prop_def(AffineMapAttr)
    target_indices = var_operand_def(IndexType())
    units = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "`mbuf` custom<Address>($source, $source_indices) `cu` $cu `to` $region_value "
        "custom<Address>($target, $target_indices) `units` $units attr-dict `:` type($region_value)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(self, source: IndexExpr, cu: int, region: SSAValue, target: IndexExpr, units: int) -> None:
        super().__init__(
            operands=[source.indices(), region, target.indices()],
            properties={
                "source": source.map(),
                "cu": _int(cu),
                "target": target.map(),
                "units": _int(units),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        units = self.units.value.data
        if units < 1:
            fail(self, "wants at least one transfer")
        self.check_bounds("source", units * machine.transfer_words, machine.mbuf_words, "the buffer")
        self.check_bounds("target", units, _region_units(self.region_value, machine), "the store", "transfers")
        self.check_aligned("source", machine.line_words, "the buffer address")
        if not 0 <= self.cu.value.data < machine.compute_units:
            fail(self, f"the machine has no CU {self.cu.value.data}")


@irdl_op_definition
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
                "mode": ModeAttr(mode),
                "space": SpaceAttr(space),
                "source": source.map(),
                "target": target.map(),
                "cus": _int(cus),
                "vmacs": _int(vmacs),
                "add": _unit(add),
                "alt": _unit(alt),
                "last": _unit(last),
                "relu": _unit(relu),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        lanes = 1 if self.mode.data is Mode.COOP else machine.macs
        self.check_mask(self.cus, machine.all_units, "CUs")
        self.check_mask(self.vmacs, machine.all_vmacs, "vMACs")
        reach = lanes * self.vmacs.value.data.bit_length()
        if self.space.data is Space.WBUF:
            self.check_bounds("source", lanes, machine.wbuf_words, "the bias")
        else:
            self.check_bounds("source", reach, machine.mbuf_words, "the bypass value")
        self.check_bounds("target", reach, machine.mbuf_words, "the result")
        if lanes > 1:
            self.check_aligned("source", machine.line_words, "an INDP initial value")
            self.check_aligned("target", machine.line_words, "an INDP result")
        if self.relu is not None and self.last is None:
            fail(self, "relu goes with last")


@irdl_op_definition
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
                "mode": ModeAttr(mode),
                "maps": maps.map(),
                "weights": weights.map(),
                "words": _int(words),
                "cus": _int(cus),
                "vmacs": _int(vmacs),
                "last": _unit(last),
                "relu": _unit(relu),
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


@irdl_op_definition
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
                "count": _int(count),
                "cus": _int(cus),
                "first": _unit(first),
                "last": _unit(last),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        if self.count.value.data < 1:
            fail(self, "wants at least one line")
        self.check_mask(self.cus, machine.all_units, "CUs")
        for name in self.ADDRESSES:
            self.check_bounds(name, machine.line_words, machine.mbuf_words, f"the {name}")
            self.check_aligned(name, machine.line_words, f"the {name}")


@irdl_op_definition
class WaitOp(LoopOp):
    """Holds dispatch until each named unit has at most `pending` instructions queued or running."""

    name = "loop.wait"
    units = prop_def(IntegerAttr[I64])
    pending = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    UNITS: ClassVar[tuple[str, ...]] = ("mac", "max", "move", "load")
    """The units, in the order of their bits in the mask."""

    def __init__(self, units: Sequence[str], pending: int = 0) -> None:
        mask = sum(1 << self.UNITS.index(unit) for unit in units)
        super().__init__(properties={"units": _int(mask), "pending": _int(pending)})

    def verify_accesses(self) -> None:
        if not 0 < self.units.value.data < 1 << len(self.UNITS):
            fail(self, "names no unit")
        if self.pending.value.data < 0:
            fail(self, "the number of pending instructions cannot be negative")

    @classmethod
    def parse(cls, parser: Parser) -> WaitOp:
        def unit() -> str:
            start = parser.pos
            name = parser.parse_identifier()
            if name not in cls.UNITS:
                parser.raise_error(f"unknown unit {name}: expected one of {', '.join(cls.UNITS)}", start, parser.pos)
            return name

        units = parser.parse_comma_separated_list(parser.Delimiter.NONE, unit)
        parser.parse_keyword("pending")
        return cls(units, parser.parse_integer())

    def print(self, printer: Printer) -> None:
        mask = self.units.value.data
        names = ", ".join(name for bit, name in enumerate(self.UNITS) if mask >> bit & 1)
        printer.print_string(f" {names} pending {self.pending.value.data}")


Loop = Dialect(
    "loop",
    [LayerOp, ForOp, ConfigOp, LoadOp, StoreOp, StartOp, MacOp, MaxOp, WaitOp],
    [BufferAttr, RegisterAttr],
)
