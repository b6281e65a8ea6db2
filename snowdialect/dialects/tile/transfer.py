"""Operations of the tile dialect that move tiles between memory and buffers.

Rows and columns are those of the maps in memory, so that borders need no case of their own: what lies outside the maps
is not loaded and not stored.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import AttrSizedOperandSegments, irdl_op_definition, operand_def, prop_def, traits_def, var_operand_def
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.addresses import Address, IndexExpr
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.memory import WeightsOp
from snowdialect.dialects.tile.structure import LoadingOp, TiledOp, check_words, integer
from snowdialect.dialects.tile.types import MapsBufferType, MapsType, PackedType, Span, SpanAttr, WeightsBufferType


def tile_rows(span: Span, row: int, cu: int, height: int) -> range:
    """The rows of the output that CU `cu` has in a tile that starts at `row`; empty for a CU without work."""
    if not span.cus >> cu & 1:
        return range(0)
    first = row + cu * span.share
    limit = min(height, (cu + 1) * span.share) if span.share else height
    return range(first, max(first, min(first + span.rows, limit)))


@irdl_op_definition
class LoadOp(LoadingOp):
    """Rows `row` and on, columns `column` and on of a region, into a slot; what lies outside the maps is left out.

    With a share, CU `c` gets the rows that are `c * share` further down; without, all get the same in one broadcast.
    """

    name = "tile.load"
    region_value = operand_def(MapsType)
    row = prop_def(AffineMapAttr)
    row_indices = var_operand_def(IndexType())
    column = prop_def(AffineMapAttr)
    column_indices = var_operand_def(IndexType())
    buffer = operand_def(MapsBufferType)
    slot = prop_def(AffineMapAttr)
    slot_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$region_value `row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`to` $buffer `slot` custom<Address>($slot, $slot_indices) $span attr-dict "
        "`:` type($region_value) `to` type($buffer)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("row", "column", "slot")

    def __init__(
        self, region: SSAValue, row: IndexExpr, column: IndexExpr, buffer: SSAValue, slot: IndexExpr, span: Span
    ) -> None:
        super().__init__(
            operands=[region, row.indices(), column.indices(), buffer, slot.indices()],
            properties={"row": row.map(), "column": column.map(), "slot": slot.map(), "span": SpanAttr.make(span)},
        )

    @property
    def filled(self) -> SSAValue:
        return self.buffer

    def rows_at(self, indices: dict[SSAValue, int], cu: int) -> range:
        """Rows loaded by a CU, relative to the first row of the tile."""
        maps = self.region_value.type
        assert isinstance(maps, MapsType)
        span = self.span.record
        if not span.cus >> cu & 1:
            return range(0)
        first = self.number("row", indices) + cu * span.share
        low, high = max(0, -first), min(span.rows, maps.height.data - first)
        return range(low, max(low, high))

    def columns_at(self, indices: dict[SSAValue, int]) -> range:
        """Columns loaded, relative to the first column of the tile."""
        maps = self.region_value.type
        assert isinstance(maps, MapsType)
        first = self.number("column", indices)
        low, high = max(0, -first), min(self.span.record.columns, maps.width.data - first)
        return range(low, max(low, high))

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        machine = machine_of(self)
        rows = tuple(self.rows_at(indices, cu) for cu in range(machine.compute_units))
        return rows, self.columns_at(indices)

    def verify_accesses(self) -> None:
        maps, buffer = self.region_value.type, self.buffer.type
        assert isinstance(maps, MapsType) and isinstance(buffer, MapsBufferType)
        if maps.pixel != buffer.pixel:
            fail(self, f"pixels of {maps.pixel.data} words cannot lie {buffer.pixel.data} apart in the buffer")
        span = self.span.record
        if span.columns * buffer.pixel.data > buffer.row.data:
            fail(self, f"{span.columns} columns do not fit a row of {buffer.row.data} words of the buffer")
        check_words(self, self.buffer, span.rows * buffer.row.data)
        self.check_slot("slot", self.buffer)


class WeightsRun(NamedTuple):
    """`words` words from word `source` of a packed region to the WBuf of one vMAC in some CUs."""

    source: int
    vmac: int
    cus: list[int]
    words: int


@irdl_op_definition
class LoadWeightsOp(LoadingOp):
    """Kernel tile `tile` of the packed weights, `part` of it, into a slot of the WBufs of the masked CUs."""

    name = "tile.load_weights"
    packed = operand_def(PackedType)
    tile = prop_def(AffineMapAttr)
    tile_indices = var_operand_def(IndexType())
    part = prop_def(IntegerAttr[I64])
    buffer = operand_def(WeightsBufferType)
    slot = prop_def(AffineMapAttr)
    slot_indices = var_operand_def(IndexType())
    cus = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$packed `tile` custom<Address>($tile, $tile_indices) `part` $part `to` $buffer "
        "`slot` custom<Address>($slot, $slot_indices) `cus` $cus attr-dict `:` type($packed) `to` type($buffer)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("tile", "slot")

    def __init__(
        self, packed: SSAValue, tile: IndexExpr, part: int, buffer: SSAValue, slot: IndexExpr, cus: int
    ) -> None:
        super().__init__(
            operands=[packed, tile.indices(), buffer, slot.indices()],
            properties={"tile": tile.map(), "part": integer(part), "slot": slot.map(), "cus": integer(cus)},
        )

    @property
    def filled(self) -> SSAValue:
        return self.buffer

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return None

    def verify_accesses(self) -> None:
        if isinstance(weights := self.packed.owner, WeightsOp):
            parts = weights.packing.record.parts
            if not 0 <= self.part.value.data < parts:
                fail(self, f"there is no part {self.part.value.data}, the number of parts is {parts}")
        check_words(self, self.buffer, self.runs(0)[0].words)
        self.check_slot("slot", self.buffer)

    def runs(self, tile: int) -> list[WeightsRun]:
        """What is loaded for kernel tile number `tile`, one run for each buffer that has kernels."""
        masked = [cu for cu in range(self.cus.value.data.bit_length()) if self.cus.value.data >> cu & 1]
        match self.packed.owner:
            case WeightsOp() as weights:
                packing, part = weights.packing.record, self.part.value.data
                start = tile * (packing.words // packing.tiles)
                return [
                    WeightsRun(
                        start + packing.load_offset(part, cu, vmac),
                        vmac,
                        [cu] if packing.cus > 1 else masked,
                        packing.steps * packing.block,
                    )
                    for cu in range(packing.cus)
                    for vmac in range(packing.vmacs)
                    if vmac * packing.lanes < packing.kernels_of_cu
                ]
            case _:
                machine = machine_of(self)
                assert isinstance(self.packed.type, PackedType)
                words = self.packed.type.words.data // machine.vmacs
                return [WeightsRun(vmac * words, vmac, masked, words) for vmac in range(machine.vmacs)]


@irdl_op_definition
class StoreOp(TiledOp):
    """The result tile that starts at `row` and `column` to memory, `channels` words of each pixel from `channel` on.

    With `share`, CU `c` stores to `c * share` words further, and no CU beyond the `limit` words of a pixel.
    """

    name = "tile.store"
    buffer = operand_def(MapsBufferType)
    slot = prop_def(AffineMapAttr)
    slot_indices = var_operand_def(IndexType())
    region_value = operand_def(MapsType)
    row = prop_def(AffineMapAttr)
    row_indices = var_operand_def(IndexType())
    column = prop_def(AffineMapAttr)
    column_indices = var_operand_def(IndexType())
    channel = prop_def(AffineMapAttr)
    channel_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    channels = prop_def(IntegerAttr[I64])
    share = prop_def(IntegerAttr[I64])
    limit = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$buffer custom<Address>($slot, $slot_indices) `to` $region_value "
        "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`channel` custom<Address>($channel, $channel_indices) `words` $channels `share` $share `limit` $limit "
        "$span attr-dict `:` type($buffer) `to` type($region_value)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("slot", "row", "column", "channel")

    def __init__(
        self,
        buffer: SSAValue,
        slot: IndexExpr,
        region: SSAValue,
        row: IndexExpr,
        column: IndexExpr,
        channel: IndexExpr,
        channels: int,
        share: int,
        limit: int,
        span: Span,
    ) -> None:
        super().__init__(
            operands=[buffer, slot.indices(), region, row.indices(), column.indices(), channel.indices()],
            properties={
                "slot": slot.map(),
                "row": row.map(),
                "column": column.map(),
                "channel": channel.map(),
                "channels": integer(channels),
                "share": integer(share),
                "limit": integer(limit),
                "span": SpanAttr.make(span),
            },
        )

    @property
    def maps(self) -> MapsType:
        """The layout of the region."""
        maps = self.region_value.type
        assert isinstance(maps, MapsType)
        return maps

    def rows_at(self, indices: dict[SSAValue, int], cu: int) -> range:
        """Rows of the region that a CU stores."""
        return tile_rows(self.span.record, self.number("row", indices), cu, self.maps.height.data)

    def columns_at(self, indices: dict[SSAValue, int]) -> range:
        """Columns of the region in the tile."""
        first = self.number("column", indices)
        return range(first, max(first, min(first + self.span.record.columns, self.maps.width.data)))

    def channels_at(self, indices: dict[SSAValue, int], cu: int) -> int:
        """Words of each pixel that a CU stores."""
        first = self.number("channel", indices) + cu * self.share.value.data
        return max(0, min(self.channels.value.data, self.limit.value.data - first))

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        cus = range(machine_of(self).compute_units)
        return (
            tuple(len(self.rows_at(indices, cu)) for cu in cus),
            len(self.columns_at(indices)),
            tuple(self.channels_at(indices, cu) for cu in cus),
        )

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        maps, buffer = self.maps, self.buffer.type
        assert isinstance(buffer, MapsBufferType)
        whole_pixels = self.channels.value.data == maps.pixel.data == buffer.pixel.data
        if not whole_pixels and (
            self.channels.value.data % machine.transfer_words or maps.pixel.data % machine.transfer_words
        ):
            fail(
                self,
                f"{self.channels.value.data} words of a pixel of {maps.pixel.data} are not whole transfers of "
                f"{machine.transfer_words} words",
            )
        if self.channels.value.data > buffer.pixel.data:
            fail(self, f"stores {self.channels.value.data} words of pixels that have {buffer.pixel.data} in the buffer")
        check_words(self, self.buffer, self.span.record.rows * buffer.row.data)
        self.check_slot("slot", self.buffer)
        for name, size in (("row", maps.height), ("column", maps.width), ("channel", maps.pixel)):
            self.check_inside(name, size.data)
        if self.limit.value.data > maps.pixel.data:
            fail(self, f"its limit, {self.limit.value.data}, is beyond the {maps.pixel.data} words of a pixel")
