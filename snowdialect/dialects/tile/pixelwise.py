"""Operations of the tile dialect that move words of each pixel between memory and buffers, pixel by pixel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.addresses import Address, IndexExpr, grouped_op_definition
from snowdialect.dialects.locations import fail
from snowdialect.dialects.properties import integer
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.records import Span, SpanAttr, stored_words
from snowdialect.dialects.tile.structure import PART_FORMAT
from snowdialect.dialects.tile.transfer import NOTHING, Pieces, TransferOp
from snowdialect.dialects.tile.types import MapsBufferType, MapsType


class PixelPlace(NamedTuple):
    """Where words of pixels are, in the buffer and in memory: the addresses of an operation that moves them."""

    slot: IndexExpr
    row: IndexExpr
    column: IndexExpr
    channel: IndexExpr
    part_row: IndexExpr
    part_column: IndexExpr


class PixelwiseOp(TransferOp):
    """Base of what moves `channels` words of each pixel, from word `channel` on, between a tile whose origin is in row
    `row` and column `column` and a slot; of the tile, the span from its row `part_row` and column `part_column` on.

    With `share`, CU `c` has the words that are `c * share` further on in memory.
    """

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
    part_row = prop_def(AffineMapAttr)
    part_row_indices = var_operand_def(IndexType())
    part_column = prop_def(AffineMapAttr)
    part_column_indices = var_operand_def(IndexType())
    channels = prop_def(IntegerAttr[I64])
    share = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    ADDRESSES: ClassVar[tuple[str, ...]] = PixelPlace._fields

    def __init__(
        self,
        buffer: SSAValue,
        region: SSAValue,
        place: PixelPlace,
        channels: int,
        share: int,
        span: Span,
        more_properties: Mapping[str, Attribute] = MappingProxyType({}),
    ) -> None:
        slot, *others = (number.indices() for number in place)
        super().__init__(
            operands=[buffer, slot, region, *others],
            properties={
                **{name: number.map() for name, number in place._asdict().items()},
                "channels": integer(channels),
                "share": integer(share),
                "span": SpanAttr.make(span),
                **more_properties,
            },
        )

    @property
    def maps(self) -> MapsType:
        maps = self.region_value.type
        assert isinstance(maps, MapsType)
        return maps

    @property
    def tile_buffer(self) -> SSAValue:
        return self.buffer

    @property
    def part(self) -> tuple[IndexExpr, IndexExpr]:
        return self.address("part_row"), self.address("part_column")

    @property
    def shape_places(self) -> tuple[IndexExpr, ...]:
        return *super().shape_places, self.address("channel")

    @abstractmethod
    def channels_at(self, indices: dict[SSAValue, int], cu: int) -> int:
        """Words of each pixel that a CU moves."""

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        words = tuple(self.channels_at(indices, cu) for cu in range(machine_of(self).compute_units))
        return super().shape_at(indices), words

    def place(self, column: IndexExpr) -> IndexExpr:
        return super().place(column) + self.address("channel")

    def check_channels(self, *, whole_pixels: bool) -> None:
        """Rejects words that are not there, and parts of pixels that are no whole transfers."""
        transfer, words = machine_of(self).transfer_words, self.channels.value.data
        maps, buffer, share = self.maps, self.buffer.type, self.share.value.data
        assert isinstance(buffer, MapsBufferType)
        if words < 1:
            fail(self, f"moves {words} words of a pixel")
        cus = self.span.record.cus
        if share < 0 or any(cu * share % transfer for cu in range(cus.bit_length()) if cus >> cu & 1):
            fail(self, f"words {share} apart for each CU do not begin at whole transfers of {transfer} words")
        if not whole_pixels and (words % transfer or maps.pixel.data % transfer):
            fail(self, f"{words} words of a pixel of {maps.pixel.data} are not whole transfers of {transfer} words")
        if words > buffer.pixel.data:
            fail(self, f"moves {words} words of pixels that have {buffer.pixel.data} in the buffer")
        self.check_slot("slot", self.buffer)
        self.check_inside("channel", maps.pixel.data)
        self.check_pieces()


@grouped_op_definition
class LoadPixelsOp(PixelwiseOp):
    """Words of each pixel to pixels that have no others, where those lie closer together than in memory: some channels
    of a bypass, or of what a pool reads. Each CU gets its own, of its rows or by its share of the words."""

    name = "tile.load_pixels"
    assembly_format = (
        "$region_value `row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`channel` custom<Address>($channel, $channel_indices) `words` $channels `share` $share "
        "`to` $buffer `slot` custom<Address>($slot, $slot_indices) "
        f"{PART_FORMAT}$span attr-dict `:` type($region_value) `to` type($buffer)"
    )

    def channels_at(self, indices: dict[SSAValue, int], cu: int) -> int:
        return self.channels.value.data

    def pieces_at(self, indices: dict[SSAValue, int], cu: int) -> Pieces:
        return Pieces(len(self.rows_at(indices, cu)), len(self.columns_at(indices)), self.channels.value.data)

    def verify_accesses(self) -> None:
        buffer = self.buffer.type
        assert isinstance(buffer, MapsBufferType)
        self.check_channels(whole_pixels=False)
        if not self.share.value.data and not self.span.record.share and self.span.record.cus.bit_count() > 1:
            fail(self, "CUs that get the same pixels have no use for loads of their own")
        words, last = self.channels.value.data, self.bounds("channel")[1]
        furthest = last + (self.span.record.cus.bit_length() - 1) * self.share.value.data + words
        if furthest > self.maps.pixel.data:
            fail(self, f"loads up to word {furthest} of pixels of {self.maps.pixel.data} words")
        if buffer.pixel.data % (transfer := machine_of(self).transfer_words):
            fail(self, f"pixels {buffer.pixel.data} words apart do not begin at whole transfers of {transfer} words")


@grouped_op_definition
class StoreOp(PixelwiseOp):
    """Words of the pixels of a tile to memory, from word `first` of each on, 0 without it; no CU stores beyond the
    `limit` words of a pixel there."""

    name = "tile.store"
    limit = prop_def(IntegerAttr[I64])
    first = opt_prop_def(IntegerAttr[I64])
    assembly_format = (
        "$buffer custom<Address>($slot, $slot_indices) `to` $region_value "
        "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`channel` custom<Address>($channel, $channel_indices) `words` $channels (`from` $first^)? `share` $share "
        f"`limit` $limit {PART_FORMAT}$span attr-dict `:` type($buffer) `to` type($region_value)"
    )

    def __init__(
        self,
        buffer: SSAValue,
        region: SSAValue,
        place: PixelPlace,
        channels: int,
        share: int,
        limit: int,
        span: Span,
        first: int = 0,
    ) -> None:
        properties = {"limit": integer(limit), **({"first": integer(first)} if first else {})}
        super().__init__(buffer, region, place, channels, share, span, properties)

    @property
    def first_word(self) -> int:
        """The word of a pixel of the tile where those that are stored begin."""
        return 0 if self.first is None else self.first.value.data

    def channels_at(self, indices: dict[SSAValue, int], cu: int) -> int:
        words, share, limit = self.channels.value.data, self.share.value.data, self.limit.value.data
        return stored_words(words, share, limit, self.number("channel", indices), cu)

    def pieces_at(self, indices: dict[SSAValue, int], cu: int) -> Pieces:
        rows, columns, words = self.rows_at(indices, cu), self.columns_at(indices), self.channels_at(indices, cu)
        maps, buffer = self.maps, self.buffer.type
        assert isinstance(buffer, MapsBufferType)
        if not rows or not columns or not words:
            return NOTHING
        if not self.channels.value.data == maps.pixel.data == buffer.pixel.data:
            return Pieces(len(rows), len(columns), words)
        if len(columns) == maps.width.data and maps.row == buffer.row:
            return Pieces(1, 1, len(rows) * maps.row.data)
        return Pieces(len(rows), 1, len(columns) * maps.pixel.data)

    def verify_accesses(self) -> None:
        transfer = machine_of(self).transfer_words
        maps, buffer, words = self.maps, self.buffer.type, self.channels.value.data
        assert isinstance(buffer, MapsBufferType)
        whole_pixels = words == maps.pixel.data == buffer.pixel.data
        if self.limit.value.data > maps.pixel.data:
            fail(self, f"its limit, {self.limit.value.data}, is beyond the {maps.pixel.data} words of a pixel")
        self.check_channels(whole_pixels=whole_pixels)
        if not 0 <= self.first_word <= buffer.pixel.data - words or self.first_word % machine_of(self).line_words:
            fail(self, f"{words} words from word {self.first_word} on are no lines of {buffer.pixel.data} words")
        ends = [(self.number("column", at), self.columns_at(at)) for at in self.extremes(*self.shape_places)]
        inner = any(first + columns.stop < maps.width.data for first, columns in ends)
        number = len(ends[0][1])
        if whole_pixels and inner and number * maps.pixel.data % transfer:
            fail(self, f"{number} pixels of {words} words are not whole transfers of {transfer} words")
