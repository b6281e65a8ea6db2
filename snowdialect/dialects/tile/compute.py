"""What operations of the tile dialect that compute a tile of a layer's result share, and the one with kernels.

Rows and columns have their place in the maps of the result: what lies outside is not computed, and a window reads no
padding. The maps tile lies in its buffer as the operation says: output row `r` of a tile reads its row `r * stride_h +
row_lead + ky * dilation_h`, output column `x` its column `x * stride_w + lead + kx * dilation_w`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple, cast

from xdsl.dialects.builtin import AffineMapAttr, IndexType, UnitAttr
from xdsl.ir import SSAValue
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
from snowdialect.dialects.properties import choice, flag
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.records import (
    Kernels,
    KernelsAttr,
    Shifts,
    ShiftsAttr,
    Span,
    SpanAttr,
    UnrolledAttr,
    Window,
    WindowAttr,
    moved,
)
from snowdialect.dialects.tile.structure import PART_FORMAT, TiledOp, check_words, outer_indices
from snowdialect.dialects.tile.types import MapsBufferType, Mode, ModeAttr, WeightsBufferType
from snowdialect.layout import Abreast, UnrolledRows, rows_in_part
from snowdialect.machine import Machine


class Leads(NamedTuple):
    """Row and column of the maps tile where the first tap of the tile's output (0, 0) is."""

    row: int
    column: int


class ComputeOp(TiledOp):
    """Base of what computes a tile of outputs, whose origin is in row `row` and column `column` of the result."""

    span = prop_def(SpanAttr)
    window = prop_def(WindowAttr)
    part_row = prop_def(AffineMapAttr)
    part_row_indices = var_operand_def(IndexType())
    part_column = prop_def(AffineMapAttr)
    part_column_indices = var_operand_def(IndexType())

    @property
    @abstractmethod
    def leads(self) -> Leads:
        """Where the maps tile is in its buffer."""

    @property
    def geometry(self) -> Window:
        """The window of an output over the maps that are read."""
        return self.window.record

    @property
    def extent(self) -> Span:
        """The part of the tile that is computed, from row `part_row` and column `part_column` of the tile on."""
        return self.span.record

    @property
    def mask(self) -> int:
        return self.span.record.cus

    def rows_at(self, indices: dict[SSAValue, int], cu: int) -> range:
        """Rows of its tile that a CU computes."""
        span = self.extent.moved(self.number("part_row", indices), 0)
        return span.rows_inside(self.number("row", indices), cu, self.geometry.out_h)

    def columns_at(self, indices: dict[SSAValue, int]) -> range:
        """Columns of the tile that are computed."""
        span = self.extent.moved(0, self.number("part_column", indices))
        return span.columns_inside(self.number("column", indices), self.geometry.out_w)

    def result_row_of(self, indices: dict[SSAValue, int], cu: int) -> int:
        """The row of the result where local row 0 of a CU is."""
        return self.number("row", indices) + cu * self.extent.share

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        rows: list[Hashable] = []
        top, left = self.number("part_row", indices), self.number("part_column", indices)
        for cu in range(machine_of(self).compute_units):
            mine, first = self.rows_at(indices, cu), self.result_row_of(indices, cu)
            rows.append((moved(mine, -top), tuple(self.row_class(first + local) for local in mine)))
        columns, first = self.columns_at(indices), self.number("column", indices)
        return tuple(rows), moved(columns, -left), tuple(self.column_class(first + local) for local in columns)

    @property
    def shape_places(self) -> tuple[IndexExpr, ...]:
        return self.address("row") + self.address("part_row"), self.address("column") + self.address("part_column")

    @property
    def result_move(self) -> IndexExpr:
        """How many rows below a row of the tile its results are in their buffer."""
        return IndexExpr()

    def row_class(self, y: int) -> Hashable:
        """Equal for output rows that need the same code."""
        return self.geometry.kernel_rows(y)

    def column_class(self, x: int) -> Hashable:
        """Equal for output columns that need the same code."""
        return self.geometry.kernel_columns(x)

    @property
    def abreast(self) -> int:
        """How many pixels side by side are computed together."""
        return 1

    def group_class(self, x: int, count: int) -> Hashable:
        """Equal for output columns, from `x` on so many that are computed together, that need the same code."""
        return self.column_class(x)

    def read_rows(self, y: int) -> range:
        """The rows under the kernel that are read for an output row."""
        return self.geometry.kernel_rows(y)

    def check_computed(self, maps: Sequence[SSAValue], results: Sequence[SSAValue]) -> None:
        """Checks the tiles that windows slide over and those that have the result's rows."""
        row, column = self.address("part_row"), self.address("part_column")
        for indices in self.extremes(row, row + self.result_move, column):
            self._check_computed_at(indices, maps, results)

    def _check_computed_at(
        self, indices: dict[SSAValue, int], maps: Sequence[SSAValue], results: Sequence[SSAValue]
    ) -> None:
        window, leads, move = self.geometry, self.leads, self.value(self.result_move, indices)
        columns, left = self.columns_at(indices), self.number("column", indices)
        for cu in range(machine_of(self).compute_units):
            rows, top = self.rows_at(indices, cu), self.result_row_of(indices, cu)
            read_rows = [
                local * window.stride_h + leads.row + ky * window.dilation_h
                for local in rows
                for ky in self.read_rows(top + local)
            ]
            read_columns = [
                local * window.stride_w + leads.column + kx * window.dilation_w
                for local in columns
                for kx in window.kernel_columns(left + local)
            ]
            for buffer in maps if read_rows and read_columns else ():
                spread = (min(read_rows), max(read_rows)), (min(read_columns), max(read_columns))
                self.check_tile(buffer, *spread, "reads")
            for buffer in results if rows and columns else ():
                spread = (rows[0] + move, rows[-1] + move), (columns[0], columns[-1])
                self.check_tile(buffer, *spread, "writes" if buffer is results[0] else "reads")


@grouped_op_definition
class ConvOp(ComputeOp):
    """A tile of a convolution or linear layer: maps and weights from their buffers, results to another.

    The tile's kernels compute the channels from `channel` on of each CU; they see the words of each pixel from
    `offset` on. Local row `r` of the result goes to row `r + result_row` of its buffer, the first of the channels to
    word `result_word` of a pixel. The bypass tile has the slot and the rows of the result; its pixels have all channels
    of all CUs, or, `sliced`, those of the result tile in the same words. Each output starts from the bias in front of
    its kernel, or from that in `biases`, a pixel of all channels that the CU has, in the slot of the maps. A later part
    of a kernel adds to what the parts before it left in the accumulators. Of `unrolled` rows the window sees one row,
    whose pixels hold all rows under the kernel; words of those that are outside the tensor are not read.
    """

    name = "tile.conv"
    mode = prop_def(ModeAttr)
    maps = operand_def(MapsBufferType)
    maps_slot = prop_def(AffineMapAttr)
    maps_slot_indices = var_operand_def(IndexType())
    weights = operand_def(WeightsBufferType)
    weights_slot = prop_def(AffineMapAttr)
    weights_slot_indices = var_operand_def(IndexType())
    biases = opt_operand_def(MapsBufferType)
    bypass = opt_operand_def(MapsBufferType)
    sliced = opt_prop_def(UnitAttr)
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
    result_row = prop_def(AffineMapAttr)
    result_row_indices = var_operand_def(IndexType())
    result_word = prop_def(AffineMapAttr)
    result_word_indices = var_operand_def(IndexType())
    kernels = prop_def(KernelsAttr)
    shifts = prop_def(ShiftsAttr)
    unrolled = opt_prop_def(UnrolledAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (Address,)
    assembly_format = (
        "$mode $maps custom<Address>($maps_slot, $maps_slot_indices) "
        "`,` $weights custom<Address>($weights_slot, $weights_slot_indices) "
        "(`biases` $biases^ `:` type($biases))? "
        "(`bypass` $bypass^ `:` type($bypass))? (`sliced` $sliced^)? "
        "`to` $result custom<Address>($result_slot, $result_slot_indices) "
        "`at` custom<Address>($result_row, $result_row_indices) "
        "`word` custom<Address>($result_word, $result_word_indices) "
        "`row` custom<Address>($row, $row_indices) `column` custom<Address>($column, $column_indices) "
        "`channel` custom<Address>($channel, $channel_indices) "
        "`offset` custom<Address>($offset, $offset_indices) "
        f"{PART_FORMAT}$span $window $kernels $shifts (`unrolled` $unrolled^)? (`relu` $relu^)? attr-dict "
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
        "result_row",
        "result_word",
        "part_row",
        "part_column",
    )

    def __init__(
        self,
        mode: Mode,
        maps: SSAValue,
        maps_slot: IndexExpr,
        weights: SSAValue,
        weights_slot: IndexExpr,
        biases: SSAValue | None,
        bypass: SSAValue | None,
        sliced: bool,
        result: SSAValue,
        result_slot: IndexExpr,
        row: IndexExpr,
        column: IndexExpr,
        channel: IndexExpr,
        offset: IndexExpr,
        result_row: IndexExpr,
        result_word: IndexExpr,
        part_row: IndexExpr,
        part_column: IndexExpr,
        span: Span,
        window: Window,
        kernels: Kernels,
        shifts: Shifts,
        relu: bool,
        unrolled: UnrolledRows | None = None,
    ) -> None:
        super().__init__(
            operands=[
                maps,
                maps_slot.indices(),
                weights,
                weights_slot.indices(),
                biases,
                bypass,
                result,
                result_slot.indices(),
                row.indices(),
                column.indices(),
                channel.indices(),
                offset.indices(),
                result_row.indices(),
                result_word.indices(),
                part_row.indices(),
                part_column.indices(),
            ],
            properties={
                "mode": choice(ModeAttr, mode),
                "maps_slot": maps_slot.map(),
                "weights_slot": weights_slot.map(),
                "result_slot": result_slot.map(),
                "row": row.map(),
                "column": column.map(),
                "channel": channel.map(),
                "offset": offset.map(),
                "result_row": result_row.map(),
                "result_word": result_word.map(),
                "part_row": part_row.map(),
                "part_column": part_column.map(),
                "span": SpanAttr.make(span),
                "window": WindowAttr.make(window),
                "kernels": KernelsAttr.make(kernels),
                "shifts": ShiftsAttr.make(shifts),
                "sliced": flag(sliced),
                "unrolled": None if unrolled is None else UnrolledAttr.make(unrolled),
                "relu": flag(relu),
            },
        )

    def row_class(self, y: int) -> Hashable:
        return super().row_class(y) if self.unrolled is None else self.unrolled.record.kernel_rows(y)

    @property
    def abreast(self) -> int:
        return self.kernels.record.abreast

    def shared(self, machine: Machine, pixels: int) -> Abreast:
        """How so many pixels abreast share the lanes of kernel steps."""
        kernels, window = self.kernels.record, self.geometry
        lanes = machine.vmacs * self.lanes(machine)
        return Abreast(pixels, kernels.channels, lanes, window.stride_w, window.kernel_w)

    def group_class(self, x: int, count: int) -> tuple[range, int]:
        """The columns under the windows of so many pixels that lie inside the maps, and the number of pixels."""
        return self.geometry.columns_seen(x, count), count

    def words_of(self, kernel_rows: range) -> range:
        """The words of an unrolled pixel that hold these rows under the kernel."""
        assert self.unrolled is not None
        words = self.kernels.record.depth // self.unrolled.record.kernel
        return range(kernel_rows.start * words, kernel_rows.stop * words)

    def read_rows(self, y: int) -> range:
        rows, kernels = super().read_rows(y), self.kernels.record
        if kernels.parts == 1:
            return rows
        mine = rows_in_part(kernels.part, kernels.part_words, self.geometry.kernel_w * kernels.depth)
        return range(max(rows.start, mine.start), min(rows.stop, mine.stop))

    @property
    def leads(self) -> Leads:
        return Leads(self.kernels.record.row_lead, self.kernels.record.lead)

    @property
    def shape_places(self) -> tuple[IndexExpr, ...]:
        return *super().shape_places, self.address("channel")

    @property
    def result_move(self) -> IndexExpr:
        return self.address("result_row")

    def head(self, machine: Machine) -> int:
        """Words of a block before those of the kernel."""
        return machine.line_words if self.biases is None else 0

    def lanes(self, machine: Machine) -> int:
        """Outputs that a vMAC has in flight."""
        return self.mode.data.lanes(machine)

    def channels_at(self, indices: dict[SSAValue, int], machine: Machine) -> int:
        """Words of a result pixel that this tile computes in a CU: of those that see one piece of the pixel."""
        kernels, channel = self.kernels.record, self.number("channel", indices)
        pieces = cast(MapsBufferType, self.maps.type).pixel.data // kernels.depth
        of_piece = max(1, kernels.channels // max(1, pieces))
        whole = kernels.steps * machine.vmacs * self.lanes(machine)
        return min(whole, of_piece - channel % of_piece, kernels.channels - channel)

    def _verify_abreast(self, kernels: Kernels) -> None:
        """Results of pixels abreast lie one behind the other, and all of a pixel is computed at once."""
        machine = machine_of(self)
        pixel, room = cast(MapsBufferType, self.result.type).pixel.data, kernels.steps * machine.vmacs
        if self.mode.data is not Mode.INDP or kernels.parts > 1 or kernels.share or self.bypass or self.biases:
            fail(self, "pixels abreast want mode indp, whole kernels with their biases, and no bypass")
        if kernels.channels != pixel or kernels.abreast * pixel > room * self.lanes(machine):
            fail(self, f"{kernels.abreast} pixels of {pixel} words do not fill {kernels.steps} kernel steps")
        if self.geometry.dilation_w > 1:
            fail(self, "pixels abreast want windows without gaps between columns")

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return super().shape_at(indices), self.channels_at(indices, machine_of(self))

    def verify_accesses(self) -> None:
        machine = machine_of(self)
        kernels = self.kernels.record
        taps = 1 if self.unrolled is None else self.unrolled.record.kernel
        if self.unrolled is not None and (kernels.depth % taps or self.geometry.kernel_h > 1):
            fail(self, f"a pixel of {kernels.depth} words does not hold the {taps} rows under a kernel")
        if self.mode.data is Mode.COOP and kernels.depth // taps % machine.line_words:
            fail(self, f"COOP reads whole lines of {machine.line_words} words, a kernel sees {kernels.depth // taps}")
        if kernels.abreast != 1:
            self._verify_abreast(kernels)
        if kernels.share and self.span.record.share:
            fail(self, "CUs share out either rows or kernels, not both")
        if kernels.part >= kernels.parts:
            fail(self, f"there is no part {kernels.part}, the number of parts is {kernels.parts}")
        block = cast(WeightsBufferType, self.weights.type).block.data
        lanes = self.lanes(machine)
        if self.head(machine) + kernels.part_words * lanes > block:
            fail(self, f"kernels of {kernels.part_words} words do not fit blocks of {block}")
        check_words(self, self.weights, kernels.steps * block)
        count = self.channels_at(outer_indices(self), machine)
        if count < 1:
            fail(self, f"there is no channel {self.bounds('channel')[1]}, the tiles of a CU have {kernels.channels}")
        self.check_pixel(self.maps, self.bounds("offset"), kernels.depth)
        self.check_pixel(self.result, self.bounds("result_word"), count)
        if self.biases is not None:
            self.check_pixel(self.biases, self.bounds("channel"), count)
            self.check_slot("maps_slot", self.biases)
            if kernels.share and self.bypass is not None and self.sliced is None:
                fail(self, "CUs with kernels and biases of their own want a sliced bypass")
        results = [self.result]
        if self.sliced is not None and self.bypass is None:
            fail(self, "there is no bypass that is sliced")
        if self.bypass is not None:
            first, last = self.bounds("result_word")
            if self.sliced is None:
                first, last = (channel + kernels.bypass_first for channel in self.bounds("channel"))
                last += (self.extent.cus.bit_length() - 1) * kernels.share
            self.check_pixel(self.bypass, (first, last), count)
            self.check_slot("result_slot", self.bypass)
            results.append(self.bypass)
        for slot, buffer in (("maps_slot", self.maps), ("weights_slot", self.weights), ("result_slot", self.result)):
            self.check_slot(slot, buffer)
        self.check_computed([self.maps], results)
