"""Operations of the tile dialect that move tiles between memory and buffers, and from buffer to buffer.

A tile's origin has its place in the maps in memory, so that borders need no case of their own: what lies outside the
maps is not loaded and not stored.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import ClassVar, NamedTuple

from xdsl.dialects.builtin import I64, AffineMapAttr, IndexType, IntegerAttr
from xdsl.ir import SSAValue
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
from snowdialect.dialects.tile.memory import WeightsOp
from snowdialect.dialects.tile.records import Span, SpanAttr, moved
from snowdialect.dialects.tile.structure import BufferOp, TiledOp, check_words, outer_indices
from snowdialect.dialects.tile.types import MapsBufferType, MapsType, PackedType, WeightsBufferType
from snowdialect.layout import round_up


class Pieces(NamedTuple):
    """How a CU's part of a tile is transferred: `rows` times `columns` pieces of `words` words each."""

    rows: int
    columns: int
    words: int

    @property
    def number(self) -> int:
        """Pieces, each an instruction."""
        return self.rows * self.columns


NOTHING = Pieces(0, 0, 0)


class TransferOp(TiledOp):
    """Base of what moves maps between a region of memory and a buffer."""

    span = prop_def(SpanAttr)

    @property
    @abstractmethod
    def maps(self) -> MapsType:
        """The layout of the region."""

    @property
    @abstractmethod
    def tile_buffer(self) -> SSAValue:
        """The buffer."""

    @property
    def mask(self) -> int:
        return self.span.record.cus

    def rows_at(self, indices: dict[SSAValue, int], cu: int) -> range:
        """Rows of its tile that a CU transfers."""
        span = self.span.record.moved(self.value(self.part[0], indices), 0)
        return span.rows_inside(self.number("row", indices), cu, self.maps.height.data)

    def columns_at(self, indices: dict[SSAValue, int]) -> range:
        """Columns of the tile that are transferred."""
        span = self.span.record.moved(0, self.value(self.part[1], indices))
        return span.columns_inside(self.number("column", indices), self.maps.width.data)

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        top, left = (self.value(place, indices) for place in self.part)
        rows = tuple(moved(self.rows_at(indices, cu), -top) for cu in range(machine_of(self).compute_units))
        return rows, moved(self.columns_at(indices), -left)

    @abstractmethod
    def pieces_at(self, indices: dict[SSAValue, int], cu: int) -> Pieces:
        """The pieces that a CU transfers."""

    def check_aligned(self, place: IndexExpr) -> None:
        """Rejects a place in memory, in words, that is not always at a whole transfer."""
        transfer = machine_of(self).transfer_words
        if any(part % transfer for part in (place.constant, *(c for _, c in (*place.linear, *place.parity)))):
            fail(self, f"does not begin at whole transfers of {transfer} words")

    def first_row(self, indices: dict[SSAValue, int], cu: int) -> IndexExpr:
        """The first row of its tile that a CU transfers, in every iteration of the loops around."""
        return self.part[0] + (self.rows_at(indices, cu).start - self.value(self.part[0], indices))

    def first_column(self, indices: dict[SSAValue, int]) -> IndexExpr:
        """The first column of the tile that is transferred, in every iteration of the loops around."""
        return self.part[1] + (self.columns_at(indices).start - self.value(self.part[1], indices))

    def place(self, column: IndexExpr) -> IndexExpr:
        """Where a column of the tile's local row 0 in CU 0 begins in the region, in words."""
        return self.address("row") * self.maps.row.data + (self.address("column") + column) * self.maps.pixel.data

    @property
    def part(self) -> tuple[IndexExpr, IndexExpr]:
        """Row and column of the tile from which the span counts."""
        return IndexExpr(), IndexExpr()

    @property
    def shape_places(self) -> tuple[IndexExpr, ...]:
        row, column = self.part
        return self.address("row") + row, self.address("column") + column

    def check_pieces(self) -> None:
        """Rejects what does not fit the buffer or does not begin at whole transfers."""
        for indices in self.extremes(*self.part):
            self._check_pieces_at(indices)

    def _check_pieces_at(self, indices: dict[SSAValue, int]) -> None:
        transfer, layout = machine_of(self).transfer_words, self.tile_buffer.type
        assert isinstance(layout, MapsBufferType)
        columns = self.columns_at(indices)
        for cu in range(machine_of(self).compute_units):
            rows, pieces = self.rows_at(indices, cu), self.pieces_at(indices, cu)
            if not pieces.number:
                continue
            self.check_tile(self.tile_buffer, (rows[0], rows[-1]), (columns[0], columns[-1]), "transfers")
            first_row = self.first_row(indices, cu)
            self.check_aligned(self.place(self.first_column(indices)) + first_row * self.maps.row.data)
            if len(rows) > 1 or self.span.record.share:
                self.check_aligned(IndexExpr(self.maps.row.data))
            last = rows[0] if pieces.rows == 1 else rows[-1]
            words = columns.start * layout.pixel.data + (pieces.columns - 1) * layout.pixel.data
            words += round_up(pieces.words, transfer)
            if pieces.rows > 1 and words > layout.row.data:
                fail(self, f"{words} words, up to a whole transfer, do not fit a row of {layout.row.data} words")
            check_words(self, self.tile_buffer, last * layout.row.data + words)


@grouped_op_definition
class LoadOp(TransferOp):
    """A tile of a region, whose origin is in row `row` and column `column`, to a slot.

    Without a share all CUs get the same rows in one broadcast.
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
    def maps(self) -> MapsType:
        maps = self.region_value.type
        assert isinstance(maps, MapsType)
        return maps

    @property
    def tile_buffer(self) -> SSAValue:
        return self.buffer

    def pieces_at(self, indices: dict[SSAValue, int], cu: int) -> Pieces:
        rows, columns = self.rows_at(indices, cu), self.columns_at(indices)
        maps, buffer = self.maps, self.buffer.type
        assert isinstance(buffer, MapsBufferType)
        if not rows or not columns:
            return NOTHING
        if len(columns) == maps.width.data and maps.row == buffer.row:
            return Pieces(1, 1, len(rows) * maps.row.data)
        return Pieces(len(rows), 1, len(columns) * maps.pixel.data)

    def verify_accesses(self) -> None:
        buffer = self.buffer.type
        assert isinstance(buffer, MapsBufferType)
        if self.maps.pixel != buffer.pixel:
            fail(self, f"pixels of {self.maps.pixel.data} words cannot lie {buffer.pixel.data} apart in the buffer")
        self.check_slot("slot", self.buffer)
        self.check_pieces()
        transfer, columns = machine_of(self).transfer_words, self.columns_at(outer_indices(self))
        if columns and columns.start * buffer.pixel.data % transfer:
            fail(self, f"column {columns.start} of the buffer does not begin at a whole transfer of {transfer} words")


class WeightsRun(NamedTuple):
    """`words` words from word `source` of a packed region to the WBuf of one vMAC in some CUs, from word `target` of a
    slot on."""

    source: int
    vmac: int
    cus: list[int]
    words: int
    target: int = 0


class BiasesRun(NamedTuple):
    """`words` words from word `source` of a packed region to the maps buffers of the masked CUs."""

    source: int
    cus: int
    words: int


def check_packing(op: TiledOp, weights: WeightsOp) -> None:
    """Rejects kernels that are packed for other vMACs or CUs than those that they are loaded to."""
    packing, machine = weights.packing.record, machine_of(op)
    if (packing.vmacs, packing.line) != (machine.vmacs, machine.line_words):
        fail(op, f"kernels are packed for {packing.vmacs} vMACs and lines of {packing.line} words")
    if packing.cus > 1 and op.mask >= 1 << packing.cus:
        fail(op, f"the mask {op.mask} is none of the {packing.cus} CUs that have kernels")


@grouped_op_definition
class LoadWeightsOp(TiledOp):
    """Kernel tile `tile` of the packed weights, `part` of it, into a slot of the WBufs of the masked CUs: all that each
    gets, or one of so many equal pieces of that."""

    name = "tile.load_weights"
    packed = operand_def(PackedType)
    tile = prop_def(AffineMapAttr)
    tile_indices = var_operand_def(IndexType())
    part = prop_def(IntegerAttr[I64])
    buffer = operand_def(WeightsBufferType)
    slot = prop_def(AffineMapAttr)
    slot_indices = var_operand_def(IndexType())
    cus = prop_def(IntegerAttr[I64])
    piece = opt_prop_def(IntegerAttr[I64])
    pieces = opt_prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$packed `tile` custom<Address>($tile, $tile_indices) `part` $part (`piece` $piece^ `of` $pieces)? "
        "`to` $buffer "
        "`slot` custom<Address>($slot, $slot_indices) `cus` $cus attr-dict `:` type($packed) `to` type($buffer)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("tile", "slot")

    def __init__(
        self,
        packed: SSAValue,
        tile: IndexExpr,
        part: int,
        buffer: SSAValue,
        slot: IndexExpr,
        cus: int,
        piece: int = 0,
        pieces: int = 1,
    ) -> None:
        super().__init__(
            operands=[packed, tile.indices(), buffer, slot.indices()],
            properties={
                "tile": tile.map(),
                "part": integer(part),
                "slot": slot.map(),
                "cus": integer(cus),
                "piece": None if pieces == 1 else integer(piece),
                "pieces": None if pieces == 1 else integer(pieces),
            },
        )

    @property
    def mask(self) -> int:
        return self.cus.value.data

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return None

    def verify_accesses(self) -> None:
        if isinstance(weights := self.packed.owner, WeightsOp):
            check_packing(self, weights)
            parts = weights.packing.record.parts
            if not 0 <= self.part.value.data < parts:
                fail(self, f"there is no part {self.part.value.data}, the number of parts is {parts}")
            self.check_inside("tile", weights.packing.record.tiles)
        piece, pieces = self._piece
        if not 0 <= piece < pieces:
            fail(self, f"there is no piece {piece}, the number of pieces is {pieces}")
        if isinstance(weights := self.packed.owner, WeightsOp) and pieces > 1:
            packing, transfer = weights.packing.record, machine_of(self).transfer_words
            if packing.steps * packing.block % (pieces * transfer):
                words = packing.steps * packing.block
                fail(self, f"{pieces} pieces of {words} words are no whole transfers of {transfer} words")
        run = self.runs(0)[0]
        check_words(self, self.buffer, run.target + run.words)
        self.check_slot("slot", self.buffer)

    @property
    def _piece(self) -> tuple[int, int]:
        """The number of the piece, and how many there are."""
        if self.piece is None or self.pieces is None:
            return 0, 1
        return self.piece.value.data, self.pieces.value.data

    @property
    def kernels_of_cus(self) -> bool:
        """Whether each CU has kernels of its own."""
        return isinstance(weights := self.packed.owner, WeightsOp) and weights.packing.record.cus > 1

    def runs(self, tile: int) -> list[WeightsRun]:
        """What is loaded for kernel tile number `tile`, one run for each buffer that has kernels."""
        masked = [cu for cu in range(self.cus.value.data.bit_length()) if self.cus.value.data >> cu & 1]
        match self.packed.owner:
            case WeightsOp() as weights:
                packing, part = weights.packing.record, self.part.value.data
                start = tile * packing.tile_words
                piece, pieces = self._piece
                words = packing.steps * packing.block // pieces
                return [
                    WeightsRun(
                        start + packing.load_offset(part, cu, vmac) + piece * words,
                        vmac,
                        [cu] if packing.cus > 1 else masked,
                        words,
                        piece * words,
                    )
                    for cu in (masked if packing.cus > 1 else [0])
                    for vmac in range(packing.vmacs)
                    if vmac * packing.lanes < packing.abreast * packing.kernels_of_cu
                ]
            case _:
                machine = machine_of(self)
                assert isinstance(self.packed.type, PackedType)
                words = self.packed.type.words.data // machine.vmacs
                return [WeightsRun(vmac * words, vmac, masked, words) for vmac in range(machine.vmacs)]


@grouped_op_definition
class LoadBiasesOp(TiledOp):
    """The biases of packed weights that lie apart from their kernels, all that each of the masked CUs has, into a slot
    of its maps buffer: one behind the other, in the order of the channels that the CU computes."""

    name = "tile.load_biases"
    packed = operand_def(PackedType)
    buffer = operand_def(MapsBufferType)
    slot = prop_def(AffineMapAttr)
    slot_indices = var_operand_def(IndexType())
    cus = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$packed `to` $buffer `slot` custom<Address>($slot, $slot_indices) `cus` $cus attr-dict "
        "`:` type($packed) `to` type($buffer)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("slot",)

    def __init__(self, packed: SSAValue, buffer: SSAValue, slot: IndexExpr, cus: int) -> None:
        super().__init__(
            operands=[packed, buffer, slot.indices()], properties={"slot": slot.map(), "cus": integer(cus)}
        )

    @property
    def mask(self) -> int:
        return self.cus.value.data

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return None

    def verify_accesses(self) -> None:
        if not isinstance(weights := self.packed.owner, WeightsOp) or not weights.packing.record.apart:
            fail(self, "there are no biases that lie apart from their kernels")
        check_packing(self, weights)
        self.check_pixel(self.buffer, (0, 0), weights.packing.record.bias_words)
        self.check_slot("slot", self.buffer)

    def runs(self) -> list[BiasesRun]:
        """What is loaded: for each CU its own, or the same for all."""
        assert isinstance(self.packed.owner, WeightsOp)
        packing, mask = self.packed.owner.packing.record, self.cus.value.data
        masks = [1 << cu for cu in range(mask.bit_length()) if mask >> cu & 1] if packing.cus > 1 else [mask]
        return [
            BiasesRun(packing.bias_offset(cus.bit_length() - 1 if packing.cus > 1 else 0), cus, packing.bias_words)
            for cus in masks
        ]


@grouped_op_definition
class MoveOp(TiledOp):
    """Words from one maps buffer to another: of CU `c`, for each CU in the span, to CU `c - down`: the same CU, the one
    before it (1) or the one behind it (-1).

    The rows of the span count from `source_row` of the one tile and `target_row` of the other, its columns from
    `source_column` and `target_column`; of each pixel, `words` words move from word `source_word` to word
    `target_word`. The share of the span is not used.
    """

    name = "tile.move"
    source = operand_def(MapsBufferType)
    source_slot = prop_def(AffineMapAttr)
    source_slot_indices = var_operand_def(IndexType())
    source_row = prop_def(AffineMapAttr)
    source_row_indices = var_operand_def(IndexType())
    source_column = prop_def(AffineMapAttr)
    source_column_indices = var_operand_def(IndexType())
    source_word = prop_def(AffineMapAttr)
    source_word_indices = var_operand_def(IndexType())
    target = operand_def(MapsBufferType)
    target_slot = prop_def(AffineMapAttr)
    target_slot_indices = var_operand_def(IndexType())
    target_row = prop_def(AffineMapAttr)
    target_row_indices = var_operand_def(IndexType())
    target_column = prop_def(AffineMapAttr)
    target_column_indices = var_operand_def(IndexType())
    target_word = prop_def(AffineMapAttr)
    target_word_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    words = prop_def(IntegerAttr[I64])
    down = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$source custom<Address>($source_slot, $source_slot_indices) "
        "`row` custom<Address>($source_row, $source_row_indices) "
        "`column` custom<Address>($source_column, $source_column_indices) "
        "`word` custom<Address>($source_word, $source_word_indices) "
        "`to` $target custom<Address>($target_slot, $target_slot_indices) "
        "`row` custom<Address>($target_row, $target_row_indices) "
        "`column` custom<Address>($target_column, $target_column_indices) "
        "`word` custom<Address>($target_word, $target_word_indices) "
        "`words` $words `down` $down $span attr-dict `:` type($source) `to` type($target)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = (
        "source_slot",
        "source_row",
        "source_column",
        "source_word",
        "target_slot",
        "target_row",
        "target_column",
        "target_word",
    )

    def __init__(
        self,
        source: SSAValue,
        source_slot: IndexExpr,
        source_row: IndexExpr,
        source_column: IndexExpr,
        source_word: IndexExpr,
        target: SSAValue,
        target_slot: IndexExpr,
        target_row: IndexExpr,
        target_column: IndexExpr,
        target_word: IndexExpr,
        span: Span,
        words: int,
        down: int,
    ) -> None:
        super().__init__(
            operands=[
                source,
                source_slot.indices(),
                source_row.indices(),
                source_column.indices(),
                source_word.indices(),
                target,
                target_slot.indices(),
                target_row.indices(),
                target_column.indices(),
                target_word.indices(),
            ],
            properties={
                "source_slot": source_slot.map(),
                "source_row": source_row.map(),
                "source_column": source_column.map(),
                "source_word": source_word.map(),
                "target_slot": target_slot.map(),
                "target_row": target_row.map(),
                "target_column": target_column.map(),
                "target_word": target_word.map(),
                "span": SpanAttr.make(span),
                "words": integer(words),
                "down": integer(down),
            },
        )

    @property
    def layouts(self) -> tuple[MapsBufferType, MapsBufferType]:
        """How pixels and rows lie in the source and in the target."""
        source, target = self.source.type, self.target.type
        assert isinstance(source, MapsBufferType) and isinstance(target, MapsBufferType)
        return source, target

    @property
    def pieces(self) -> Pieces:
        """What each CU moves: as much at a time as lies in a row on both sides."""
        span, words, (source, target) = self.span.record, self.words.value.data, self.layouts
        height, width = span.bottom - span.top, span.right - span.left
        if not words == source.pixel.data == target.pixel.data:
            return Pieces(height, width, words) if width > 1 else Pieces(height, 1, words)
        if not width * words == source.row.data == target.row.data:
            return Pieces(height, 1, width * words)
        return Pieces(1, 1, height * width * words)

    def start(self, side: str) -> IndexExpr:
        """The first word of the `source` or of the `target` in a maps buffer."""
        buffer: SSAValue = getattr(self, side)
        layout, span = self.layouts[side == "target"], self.span.record
        row, column = self.address(f"{side}_row") + span.top, self.address(f"{side}_column") + span.left
        start = row * layout.row.data + column * layout.pixel.data + self.address(f"{side}_word")
        if isinstance(buffer.owner, BufferOp):
            start = start + buffer.owner.address_of(self.address(f"{side}_slot"))
        return start

    @property
    def mask(self) -> int:
        return self.span.record.cus

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return None

    def verify_accesses(self) -> None:
        machine, span, words = machine_of(self), self.span.record, self.words.value.data
        down = self.down.value.data
        if words < 1 or words % machine.line_words:
            fail(self, f"{words} words of a pixel are not whole lines of {machine.line_words}")
        if down not in (-1, 0, 1):
            fail(self, f"moves to the same CU, to the one before or to the one behind, not to the {down}. before")
        if down == 1 and span.cus & 1:
            fail(self, "there is no CU before CU 0")
        if down == -1 and span.cus >> (last := machine.compute_units - 1) & 1:
            fail(self, f"there is no CU behind CU {last}")
        for side, layout in zip(("source", "target"), self.layouts, strict=True):
            buffer: SSAValue = getattr(self, side)
            self.check_slot(f"{side}_slot", buffer)
            pixel = layout.pixel.data
            self.check_pixel(buffer, self.bounds(f"{side}_word"), words)
            word = self.address(f"{side}_word")
            parts = (pixel, layout.row.data, word.constant, *(c for _, c in (*word.linear, *word.parity)))
            if any(part % machine.line_words for part in parts):
                fail(self, f"its {side} does not lie in whole lines of {machine.line_words} words")
            low, high = self.bounds(f"{side}_row")
            left, right = self.bounds(f"{side}_column")
            columns = left + span.left, right + span.right - 1
            self.check_tile(buffer, (low + span.top, high + span.bottom - 1), columns, "moves")
        if not down and self.source == self.target:
            self._check_overlap()

    def _check_overlap(self) -> None:
        """Rejects a move within a buffer that would overwrite words before they are read: pieces move in order."""
        distance, span, layout = self.start("target") + self.start("source") * -1, self.span.record, self.layouts[0]
        words = (span.bottom - span.top - 1) * layout.row.data + (span.right - span.left) * layout.pixel.data
        if not distance.indices() and 0 < distance.constant < words:
            fail(self, f"moves back by {distance.constant} words, over some of {words} that are still to be moved")
