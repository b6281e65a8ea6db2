"""What moves words as they are: memory to buffers, buffers to memory, and between the maps buffers of CUs."""

from __future__ import annotations

from typing import ClassVar, cast

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_attr_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.addresses import Address, IndexExpr, grouped_op_definition
from snowdialect.dialects.locations import fail
from snowdialect.dialects.loop.structure import LoopOp
from snowdialect.dialects.properties import choice, integer
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsType, PackedType
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


class TransferOp(LoopOp):
    """Base of what moves words between memory and buffers. Its CUs may follow the index of a loop, `cu_index`: the
    number of a CU is the one that is there for index 0 plus the index, a mask is shifted by it."""

    cu_index = opt_operand_def(IndexType())

    @property
    def cu_place(self) -> int | None:
        """The place of `cu_index` among the operands, if it is there: behind those of the operation itself."""
        return None if self.cu_index is None else len(self.operands) - 1

    def check_cu(self, cu: int) -> None:
        """Rejects the number of a CU that the machine does not have, for every index."""
        for number in (cu + index for index in self._cu_indices()):
            if not 0 <= number < machine_of(self).compute_units:
                fail(self, f"the machine has no CU {number}")

    def check_cus(self, cus: int) -> None:
        """Rejects a mask without a CU, or with one that the machine does not have, for every index."""
        for index in self._cu_indices():
            if index < 0:
                fail(self, f"a mask of CUs cannot be shifted by {index}")
            self.check_mask(integer(cus << index), machine_of(self).all_units, "CUs")

    def _cu_indices(self) -> tuple[int, ...]:
        """The smallest and the largest index that the CUs follow; 0 where they are the same throughout."""
        if self.cu_index is None:
            return (0,)
        indices = self.index_range(self.cu_index)
        return indices[0], indices[-1]


@grouped_op_definition
class LoadOp(TransferOp):
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
        "custom<Address>($target, $target_indices) `units` $units `cus` $cus (`shifted` $cu_index^)? "
        "`through` $load_unit attr-dict `:` type($region_value)"
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
        cu_index: SSAValue | None = None,
    ) -> None:
        super().__init__(
            operands=[region, source.indices(), target.indices(), cu_index],
            properties={
                "source": source.map(),
                "buffer": choice(BufferAttr, buffer),
                "target": target.map(),
                "units": integer(units),
                "cus": integer(cus),
                "load_unit": integer(load_unit),
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
        self.check_cus(self.cus.value.data)
        if vmac is not None and vmac >= machine.vmacs:
            fail(self, f"the machine has no vMAC {vmac}")
        if not 0 <= self.load_unit.value.data < machine.load_units:
            fail(self, f"the machine has no load unit {self.load_unit.value.data}")


def _region_units(region: SSAValue, machine: Machine) -> int:
    """Transfers that a region of memory holds."""
    words = region.type.words.data if isinstance(region.type, PackedType) else cast(MapsType, region.type).words
    return -(-words // machine.transfer_words)


@grouped_op_definition
class StoreOp(TransferOp):
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
        "`mbuf` custom<Address>($source, $source_indices) `cu` $cu (`+` $cu_index^)? `to` $region_value "
        "custom<Address>($target, $target_indices) `units` $units attr-dict `:` type($region_value)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(
        self,
        source: IndexExpr,
        cu: int,
        region: SSAValue,
        target: IndexExpr,
        units: int,
        cu_index: SSAValue | None = None,
    ) -> None:
        super().__init__(
            operands=[source.indices(), region, target.indices(), cu_index],
            properties={
                "source": source.map(),
                "cu": integer(cu),
                "target": target.map(),
                "units": integer(units),
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
        self.check_cu(self.cu.value.data)


@grouped_op_definition
class MoveOp(LoopOp):
    """Buffer to buffer: `lines` lines from word `source` of the MBuf of one CU to word `target` of another one's.

    Both may be the same CU. Lines move one after the other, so those that lie in source and target move to the front.
    """

    name = "loop.move"
    source = prop_def(AffineMapAttr)
    source_indices = var_operand_def(IndexType())
    source_cu = prop_def(IntegerAttr[I64])
    target = prop_def(AffineMapAttr)
    target_indices = var_operand_def(IndexType())
    target_cu = prop_def(IntegerAttr[I64])
    lines = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "`mbuf` custom<Address>($source, $source_indices) `cu` $source_cu `to` "
        "`mbuf` custom<Address>($target, $target_indices) `cu` $target_cu `lines` $lines attr-dict"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("source", "target")

    def __init__(self, source: IndexExpr, source_cu: int, target: IndexExpr, target_cu: int, lines: int) -> None:
        super().__init__(
            operands=[source.indices(), target.indices()],
            properties={
                "source": source.map(),
                "source_cu": integer(source_cu),
                "target": target.map(),
                "target_cu": integer(target_cu),
                "lines": integer(lines),
            },
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        lines = self.lines.value.data
        if lines < 1:
            fail(self, "wants at least one line")
        words = lines * machine.line_words
        for name, cu in (("source", self.source_cu), ("target", self.target_cu)):
            self.check_bounds(name, words, machine.mbuf_words, f"the {name}")
            self.check_aligned(name, machine.line_words, f"the {name}")
            if not 0 <= cu.value.data < machine.compute_units:
                fail(self, f"the machine has no CU {cu.value.data}")
        distance = self.address("target") + self.address("source") * -1
        if self.source_cu == self.target_cu and not distance.indices() and 0 < distance.constant < words:
            overwritten = "some would be overwritten before they are read"
            fail(self, f"{words} words of a buffer move back by {distance.constant}: {overwritten}")
