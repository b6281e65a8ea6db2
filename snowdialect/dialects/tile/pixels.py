"""Operations of the tile dialect that compute a tile pixel by pixel and leave channels where they are."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, cast

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, IndexType, UnitAttr, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.addresses import Address, IndexExpr, grouped_op_definition
from snowdialect.dialects.locations import fail
from snowdialect.dialects.properties import flag
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.compute import ComputeOp, Leads
from snowdialect.dialects.tile.records import Pixels, PixelsAttr, Shifts, ShiftsAttr, Span, SpanAttr, Window, WindowAttr
from snowdialect.dialects.tile.structure import PART_FORMAT
from snowdialect.dialects.tile.types import MapsBufferType, WeightsBufferType
from snowdialect.layout import average_steps


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
    pixels = prop_def(PixelsAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    ADDRESSES: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column", "part_row", "part_column")

    def __init__(
        self,
        maps: SSAValue,
        maps_slot: IndexExpr,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        part_row: IndexExpr,
        part_column: IndexExpr,
        span: Span,
        window: Window,
        pixels: Pixels,
        more_operands: Sequence[SSAValue] = (),
        more_properties: Mapping[str, Attribute] = MappingProxyType({}),
    ) -> None:
        """What a subclass has besides comes before the operands that all have."""
        super().__init__(
            operands=[
                *more_operands,
                maps,
                maps_slot.indices(),
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
                part_row.indices(),
                part_column.indices(),
            ],
            properties={
                "maps_slot": maps_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "pixels": PixelsAttr.make(pixels),
                "part_row": part_row.map(),
                "part_column": part_column.map(),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                **more_properties,
            },
        )

    @property
    def leads(self) -> Leads:
        return Leads(self.pixels.record.row_lead, self.pixels.record.lead)

    def verify_accesses(self) -> None:
        window = self.geometry
        # The first window ends before any other, the last one starts behind all others: these two tell.
        rows = map(window.kernel_rows, (0, window.out_h - 1))
        columns = map(window.kernel_columns, (0, window.out_w - 1))
        if window.dilation_h * window.dilation_w != 1 or not (all(rows) and all(columns)):
            fail(self, "a window of a pool covers elements of the maps, without gaps")
        check_pixels(self, [(self.maps, self.pixels.record.first)], self.result)


def check_pixels(op: PoolOp | AddOp, operands: Sequence[tuple[SSAValue, int]], result: SSAValue) -> None:
    """Checks the tiles of an operation on the words of pixels; operands come with the word where they begin."""
    words = op.pixels.record.words
    for buffer, first in (*operands, (result, op.pixels.record.target)):
        op.check_pixel(buffer, (first, first), words)
    for buffer, _ in operands:
        op.check_slot("maps_slot", buffer)
    op.check_slot("result_slot", result)
    op.check_computed([buffer for buffer, _ in operands], [result])


_POOL_FORMAT = (
    "$maps custom<Address>($maps_slot, $maps_slot_indices) "
    "`to` $result custom<Address>($result_slot, $result_slot_indices) "
    "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
    f"{PART_FORMAT}$span $window $pixels "
)


@grouped_op_definition
class MaxPoolOp(PoolOp):
    """A tile of a max pool, on the vMAX of each CU."""

    name = "tile.max_pool"
    assembly_format = _POOL_FORMAT + "attr-dict `:` type($maps) `to` type($result)"


@grouped_op_definition
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
        part_row: IndexExpr,
        part_column: IndexExpr,
        span: Span,
        window: Window,
        pixels: Pixels,
        weights: SSAValue,
        row_weights: Sequence[int],
        column_weights: Sequence[int],
        shifts: Shifts,
    ) -> None:
        super().__init__(
            maps,
            maps_slot,
            result,
            result_slot,
            row,
            column,
            part_row,
            part_column,
            span,
            window,
            pixels,
            [weights],
            {
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
        rows, columns = self.row_weights.get_values(), self.column_weights.get_values()
        if min(*rows, *columns) < 0:
            fail(self, "the number of a weight class is not negative")
        machine, block = machine_of(self), cast(WeightsBufferType, self.weights.type).block.data
        values = self.weight_number(max(rows), max(columns)) + 1
        if machine.line_words * (1 + values * average_steps(machine.vmacs, machine.line_words)) > block:
            fail(self, f"{values} weights do not fit blocks of {block} words")
        super().verify_accesses()


@grouped_op_definition
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
        f"{PART_FORMAT}$span $window $pixels $shifts (`relu` $relu^)? attr-dict `:` type($maps) `to` type($result)"
    )
    ADDRESSES: ClassVar[tuple[str, ...]] = ("maps_slot", "result_slot", "row", "column", "part_row", "part_column")

    def __init__(
        self,
        maps: SSAValue,
        other: SSAValue | None,
        maps_slot: IndexExpr,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        part_row: IndexExpr,
        part_column: IndexExpr,
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
                part_row.indices(),
                part_column.indices(),
            ],
            properties={
                "maps_slot": maps_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "part_row": part_row.map(),
                "part_column": part_column.map(),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                "pixels": PixelsAttr.make(pixels),
                "shifts": ShiftsAttr.make(shifts),
                "relu": flag(relu),
            },
        )

    @property
    def leads(self) -> Leads:
        return Leads(self.pixels.record.row_lead, self.pixels.record.lead)

    def verify_accesses(self) -> None:
        operands = [(self.maps, self.pixels.record.first)]
        if self.other is not None:
            operands.append((self.other, self.pixels.record.other))
        check_pixels(self, operands, self.result)
