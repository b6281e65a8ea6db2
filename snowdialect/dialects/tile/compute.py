"""Operations of the tile dialect that compute a tile of a layer's result.

Rows and columns are those of the result in memory: what lies outside is not computed, and a window reads no padding.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, cast

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, IndexType, UnitAttr, i64
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.addresses import Address, IndexExpr
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.structure import TiledOp, check_words, flag
from snowdialect.dialects.tile.transfer import tile_rows
from snowdialect.dialects.tile.types import (
    Kernels,
    KernelsAttr,
    MapsBufferType,
    Mode,
    ModeAttr,
    Pixels,
    PixelsAttr,
    Shifts,
    ShiftsAttr,
    Span,
    SpanAttr,
    WeightsBufferType,
    Window,
    WindowAttr,
)
from snowdialect.machine import Machine


class ComputeOp(TiledOp):
    """Base of what computes a tile of outputs: the tile starts at `row` and `column` of the result."""

    @property
    @abstractmethod
    def geometry(self) -> Window:
        """The window of an output over the maps that are read."""

    @property
    @abstractmethod
    def extent(self) -> Span:
        """The part of the result that the tile covers."""

    def rows_at(self, indices: dict[SSAValue, int], cu: int) -> range:
        """Rows of the result that a CU computes."""
        return tile_rows(self.extent, self.number("row", indices), cu, self.geometry.out_h)

    def columns_at(self, indices: dict[SSAValue, int]) -> range:
        """Columns of the result in the tile."""
        first = self.number("column", indices)
        return range(first, max(first, min(first + self.extent.columns, self.geometry.out_w)))

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        window = self.geometry
        rows = tuple(
            tuple(self.row_class(y) for y in self.rows_at(indices, cu)) for cu in range(machine_of(self).compute_units)
        )
        return rows, tuple(self.column_class(x) for x in self.columns_at(indices)), window

    def row_class(self, y: int) -> Hashable:
        """Equal for output rows that need the same code."""
        return self.geometry.kernel_rows(y)

    def column_class(self, x: int) -> Hashable:
        """Equal for output columns that need the same code."""
        return self.geometry.kernel_columns(x)

    def check_tile(self, slot: str, buffer: SSAValue, rows: int) -> None:
        """Rejects a tile of more rows than its buffer holds, and a slot that it does not have."""
        check_words(self, buffer, rows * cast(MapsBufferType, buffer.type).row.data)
        self.check_slot(slot, buffer)

    def check_tiles(self, maps: SSAValue, result: SSAValue) -> None:
        """Checks the tiles that are read and written."""
        self.check_tile("maps_slot", maps, self.geometry.rows_read(self.extent.rows))
        self.check_tile("result_slot", result, self.extent.rows)


@irdl_op_definition
class ConvOp(ComputeOp):
    """A tile of a convolution or linear layer: maps and weights from their buffers, results to another.

    The tile's kernels compute the channels from `channel` on of each CU; they see the words of each pixel from
    `offset` on. The bypass tile has the slot of the result. A later part of a kernel adds to what the parts
    before it left in the accumulators.
    """

    name = "tile.conv"
    mode = prop_def(ModeAttr)
    maps = operand_def(MapsBufferType)
    maps_slot = prop_def(AffineMapAttr)
    maps_slot_indices = var_operand_def(IndexType())
    weights = operand_def(WeightsBufferType)
    weights_slot = prop_def(AffineMapAttr)
    weights_slot_indices = var_operand_def(IndexType())
    bypass = opt_operand_def(MapsBufferType)
    result = operand_def(MapsBufferType)
    result_slot = prop_def(AffineMapAttr)
    result_slot_indices = var_operand_def(IndexType())
    row = prop_def(AffineMapAttr)
    row_indices = var_operand_def(IndexType())
    column = prop_def(AffineMapAttr)
    column_indices = var_operand_def(IndexType())
    channel = prop_def(AffineMapAttr)
    channel_indices = var_operand_def(IndexType())
    offset = prop_def(AffineMapAttr)
    offset_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    window = prop_def(WindowAttr)
    kernels = prop_def(KernelsAttr)
    shifts = prop_def(ShiftsAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$mode $maps custom<Address>($maps_slot, $maps_slot_indices) "
        "`,` $weights custom<Address>($weights_slot, $weights_slot_indices) "
        "(`bypass` $bypass^ `:` type($bypass))? `to` $result custom<Address>($result_slot, $result_slot_indices) "
        "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`channel` custom<Address>($channel, $channel_indices) "
        "`offset` custom<Address>($offset, $offset_indices) "
        "$span $window $kernels $shifts (`relu` $relu^)? attr-dict "
        "`:` type($maps) `,` type($weights) `to` type($result)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = (
        "maps_slot",
        "weights_slot",
        "result_slot",
        "row",
        "column",
        "channel",
        "offset",
    )

    def __init__(
        self,
        mode: Mode,
        maps: SSAValue,
        maps_slot: IndexExpr,
        weights: SSAValue,
        weights_slot: IndexExpr,
        bypass: SSAValue | None,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        channel: IndexExpr,
        offset: IndexExpr,
        span: Span,
        window: Window,
        kernels: Kernels,
        shifts: Shifts,
        relu: bool,
    ) -> None:
        super().__init__(
            operands=[
                maps,
                maps_slot.indices(),
                weights,
                weights_slot.indices(),
                bypass,
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
                channel.indices(),
                offset.indices(),
            ],
            properties={
                "mode": ModeAttr(mode),
                "maps_slot": maps_slot.map(),
                "weights_slot": weights_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "channel": channel.map(),
                "offset": offset.map(),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                "kernels": KernelsAttr.make(kernels),
                "shifts": ShiftsAttr.make(shifts),
                "relu": flag(relu),
            },
        )

    @property
    def geometry(self) -> Window:
        return self.window.record

    @property
    def extent(self) -> Span:
        return self.span.record

    def lanes(self, machine: Machine) -> int:
        """Outputs that a vMAC has in flight."""
        return 1 if self.mode.data is Mode.COOP else machine.macs

    def channels_at(self, indices: dict[SSAValue, int], machine: Machine) -> int:
        """Words of a result pixel that this tile computes in a CU."""
        kernels = self.kernels.record
        whole = kernels.steps * machine.vmacs * self.lanes(machine)
        return min(whole, kernels.channels - self.number("channel", indices))

    def result_word(self) -> IndexExpr:
        """Where the tile's first channel lies in a pixel of the result tile."""
        return IndexExpr() if self.kernels.record.alone else self.address("channel")

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return super().shape_at(indices), self.channels_at(indices, machine_of(self))

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        kernels = self.kernels.record
        if self.mode.data is Mode.COOP and kernels.depth % machine.line_words:
            fail(self, f"COOP reads whole lines of {machine.line_words} words, a kernel sees {kernels.depth}")
        if kernels.share and self.span.record.share:
            fail(self, "CUs share out either rows or kernels, not both")
        if not 0 <= kernels.part < kernels.parts:
            fail(self, f"there is no part {kernels.part}, the number of parts is {kernels.parts}")
        block = cast(WeightsBufferType, self.weights.type).block.data
        lanes = self.lanes(machine)
        if machine.line_words + kernels.part_words * lanes > block:
            fail(self, f"kernels of {kernels.part_words} words do not fit blocks of {block}")
        check_words(self, self.weights, kernels.steps * block)
        words = kernels.steps * machine.vmacs * lanes if kernels.alone else kernels.channels
        pixel = cast(MapsBufferType, self.result.type).pixel.data
        if words > pixel:
            fail(self, f"{words} channels do not fit pixels of {pixel} words in the result buffer")
        if self.bypass is not None:
            self.check_tile("result_slot", self.bypass, self.extent.rows)
        self.check_slot("weights_slot", self.weights)
        self.check_tiles(self.maps, self.result)


class PoolOp(ComputeOp):
    """Base of what reads one maps tile pixel by pixel and leaves its channels where they are."""

    maps = operand_def(MapsBufferType)
    maps_slot = prop_def(AffineMapAttr)
    maps_slot_indices = var_operand_def(IndexType())
    result = operand_def(MapsBufferType)
    result_slot = prop_def(AffineMapAttr)
    result_slot_indices = var_operand_def(IndexType())
    row = prop_def(AffineMapAttr)
    row_indices = var_operand_def(IndexType())
    column = prop_def(AffineMapAttr)
    column_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    window = prop_def(WindowAttr)
    pixels = prop_def(PixelsAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    ADDRESSES: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column")

    @property
    def geometry(self) -> Window:
        return self.window.record

    @property
    def extent(self) -> Span:
        return self.span.record

    def verify_accesses(self) -> None:
        self.check_tiles(self.maps, self.result)


_POOL_FORMAT = (
    "$maps custom<Address>($maps_slot, $maps_slot_indices) "
    "`to` $result custom<Address>($result_slot, $result_slot_indices) "
    "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
    "$span $window $pixels "
)


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """A tile of a max pool, on the vMAX of each CU."""

    name = "tile.max_pool"
    assembly_format = _POOL_FORMAT + "attr-dict `:` type($maps) `to` type($result)"

    def __init__(
        self,
        maps: SSAValue,
        maps_slot: IndexExpr,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        span: Span,
        window: Window,
        pixels: Pixels,
    ) -> None:
        super().__init__(
            operands=[
                maps,
                maps_slot.indices(),
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
            ],
            properties={
                "maps_slot": maps_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "pixels": PixelsAttr.make(pixels),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
            },
        )


@irdl_op_definition
class AvgPoolOp(PoolOp):
    """A tile of an average pool: a depthwise COOP convolution, whose weight depends on the elements in the window.

    Row class `i` of the output (`row_weights[y]`) and column class `j` (`column_weights[x]`) select weight
    `i * column_classes + j` of the packed weights.
    """

    name = "tile.avg_pool"
    weights = operand_def(WeightsBufferType)
    row_weights = prop_def(DenseArrayBase.constr(i64))
    column_weights = prop_def(DenseArrayBase.constr(i64))
    shifts = prop_def(ShiftsAttr)
    assembly_format = (
        _POOL_FORMAT + "`with` $weights `rows` $row_weights `columns` $column_weights $shifts attr-dict "
        "`:` type($maps) `,` type($weights) `to` type($result)"
    )

    def __init__(
        self,
        maps: SSAValue,
        maps_slot: IndexExpr,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        span: Span,
        window: Window,
        pixels: Pixels,
        weights: SSAValue,
        row_weights: Sequence[int],
        column_weights: Sequence[int],
        shifts: Shifts,
    ) -> None:
        super().__init__(
            operands=[
                weights,
                maps,
                maps_slot.indices(),
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
            ],
            properties={
                "maps_slot": maps_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "pixels": PixelsAttr.make(pixels),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                "row_weights": DenseArrayBase.from_list(i64, row_weights),
                "column_weights": DenseArrayBase.from_list(i64, column_weights),
                "shifts": ShiftsAttr.make(shifts),
            },
        )

    def weight_of(self, y: int, x: int) -> int:
        """Which of the packed weights an output has."""
        return self.weight_number(self.row_weights.get_values()[y], self.column_weights.get_values()[x])

    def weight_number(self, row_class: int, column_class: int) -> int:
        """Which of the packed weights the outputs of a row class and a column class have."""
        return row_class * (max(self.column_weights.get_values()) + 1) + column_class

    def row_class(self, y: int) -> Hashable:
        return super().row_class(y), self.row_weights.get_values()[y]

    def column_class(self, x: int) -> Hashable:
        return super().column_class(x), self.column_weights.get_values()[x]

    def verify_accesses(self) -> None:
        window = self.geometry
        if len(self.row_weights) != window.out_h or len(self.column_weights) != window.out_w:
            fail(
                self,
                f"{len(self.row_weights)} and {len(self.column_weights)} weight classes for {window.out_h} rows and "
                f"{window.out_w} columns",
            )
        super().verify_accesses()


@irdl_op_definition
class AddOp(ComputeOp):
    """A tile of `maps + other`, or of `maps` alone brought to another Q position, through the accumulators' start."""

    name = "tile.add"
    maps = operand_def(MapsBufferType)
    other = opt_operand_def(MapsBufferType)
    maps_slot = prop_def(AffineMapAttr)
    maps_slot_indices = var_operand_def(IndexType())
    result = operand_def(MapsBufferType)
    result_slot = prop_def(AffineMapAttr)
    result_slot_indices = var_operand_def(IndexType())
    row = prop_def(AffineMapAttr)
    row_indices = var_operand_def(IndexType())
    column = prop_def(AffineMapAttr)
    column_indices = var_operand_def(IndexType())
    span = prop_def(SpanAttr)
    window = prop_def(WindowAttr)
    pixels = prop_def(PixelsAttr)
    shifts = prop_def(ShiftsAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$maps (`,` $other^ `:` type($other))? `slot` custom<Address>($maps_slot, $maps_slot_indices) "
        "`to` $result custom<Address>($result_slot, $result_slot_indices) "
        "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "$span $window $pixels $shifts (`relu` $relu^)? attr-dict `:` type($maps) `to` type($result)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column")

    def __init__(
        self,
        maps: SSAValue,
        other: SSAValue | None,
        maps_slot: IndexExpr,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        span: Span,
        window: Window,
        pixels: Pixels,
        shifts: Shifts,
        relu: bool,
    ) -> None:
        super().__init__(
            operands=[
                maps,
                other,
                maps_slot.indices(),
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
            ],
            properties={
                "maps_slot": maps_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                "pixels": PixelsAttr.make(pixels),
                "shifts": ShiftsAttr.make(shifts),
                "relu": flag(relu),
            },
        )

    @property
    def geometry(self) -> Window:
        return self.window.record

    @property
    def extent(self) -> Span:
        return self.span.record

    def verify_accesses(self) -> None:
        self.check_tiles(self.maps, self.result)
        if self.other is not None:
            self.check_tile("maps_slot", self.other, self.extent.rows)
