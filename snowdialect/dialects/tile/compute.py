"""Operations of the tile dialect inside a layer: buffers, tile loops, loads and stores, and what computes a tile.

A buffer has one or two slots, chosen by the parity of a tile index; with two, each lies in a bank of its own. Rows
and columns are those of the layer's maps in memory, so that borders need no case of their own: what lies outside the
maps is not loaded, not computed and not stored.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import ClassVar, NamedTuple

from xdsl.dialects.builtin import I64, AffineMapAttr, DenseArrayBase, IndexType, IntegerAttr, StringAttr, UnitAttr, i64
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    MemoryAllocEffect,
    MemoryReadEffect,
    MemoryWriteEffect,
    NoTerminator,
    Pure,
    RecursiveMemoryEffect,
)
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.addresses import Address, AddressedOp, IndexExpr
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.memory import WeightsOp
from snowdialect.dialects.tile.types import (
    Kernels,
    KernelsAttr,
    MapsBufferType,
    MapsType,
    Mode,
    ModeAttr,
    PackedType,
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


def _int(value: int) -> IntegerAttr:
    return IntegerAttr(value, i64)


def _unit(flag: bool) -> UnitAttr | None:
    return UnitAttr() if flag else None


@irdl_op_definition
class LayerOp(IRDLOperation):
    """One layer in tiles; `kind` is that of the report, loc the layer's name."""

    name = "tile.layer"
    kind = prop_def(StringAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format = "$kind $body attr-dict"

    def __init__(self, kind: str, body: Region) -> None:
        super().__init__(properties={"kind": StringAttr(kind)}, regions=[body])

    def verify_(self) -> None:
        buffers = [op for op in self.body.walk() if isinstance(op, BufferOp)]
        for position, buffer in enumerate(buffers):
            for other in buffers[:position]:
                if isinstance(buffer.result.type, MapsBufferType) == isinstance(other.result.type, MapsBufferType):
                    buffer.check_apart(other)


@irdl_op_definition
class BufferOp(IRDLOperation):
    """`%b = tile.buffer words 9984 at 0 slots 2 every 16384 : !tile.mbuf<...>`: words of every MBuf or every WBuf."""

    name = "tile.buffer"
    words = prop_def(IntegerAttr[I64])
    start = prop_def(IntegerAttr[I64])
    slots = prop_def(IntegerAttr[I64])
    stride = prop_def(IntegerAttr[I64])
    result = result_def(MapsBufferType | WeightsBufferType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = "`words` $words `at` $start `slots` $slots `every` $stride attr-dict `:` type($result)"

    def __init__(
        self, words: int, start: int, slots: int, stride: int, result_type: MapsBufferType | WeightsBufferType
    ) -> None:
        super().__init__(
            properties={"words": _int(words), "start": _int(start), "slots": _int(slots), "stride": _int(stride)},
            result_types=[result_type],
        )

    def slot_ranges(self) -> list[range]:
        """The words of each slot."""
        return [
            range(first, first + self.words.value.data)
            for first in (
                self.start.value.data + slot * self.stride.value.data for slot in range(self.slots.value.data)
            )
        ]

    def check_apart(self, other: BufferOp) -> None:
        """Rejects buffers that share words."""
        for mine in self.slot_ranges():
            for theirs in other.slot_ranges():
                if max(mine.start, theirs.start) < min(mine.stop, theirs.stop):
                    raise VerifyException(
                        f"tile.buffer: words {mine.start} to {mine.stop} overlap another buffer at "
                        f"{theirs.start} to {theirs.stop}"
                    )

    def verify_(self) -> None:
        machine = machine_of(self)
        if isinstance(self.result.type, MapsBufferType):
            size, bank, what = machine.mbuf_words, machine.mbuf_bank_words, "the maps buffer"
        else:
            size, bank, what = machine.wbuf_words, machine.wbuf_bank_words, "the weights buffer"
        if not 1 <= self.slots.value.data <= 2:
            raise VerifyException("tile.buffer: wants one or two slots")
        for slot in self.slot_ranges():
            if slot.start < 0 or slot.stop > size:
                raise VerifyException(
                    f"tile.buffer: words {slot.start} to {slot.stop} do not fit {what} of {size} words"
                )
            if slot.start % machine.transfer_words:
                raise VerifyException(f"tile.buffer: a slot starts at a multiple of {machine.transfer_words} words")
            if self.slots.value.data == 2 and slot.start // bank != (slot.stop - 1) // bank:
                raise VerifyException(
                    f"tile.buffer: words {slot.start} to {slot.stop} do not fit a bank of {bank} words: "
                    "a slot of two lies in one bank"
                )


@irdl_op_definition
class IndexOp(AddressedOp):
    """`%next = tile.index[%t + 1]`: an index computed from others."""

    name = "tile.index"
    value = prop_def(AffineMapAttr)
    value_indices = var_operand_def(IndexType())
    result = result_def(IndexType())
    traits = traits_def(Pure())
    custom_directives = (Address,)
    assembly_format = "custom<Address>($value, $value_indices) attr-dict"
    ADDRESSES: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self, value: IndexExpr) -> None:
        super().__init__(operands=[value.indices()], properties={"value": value.map()}, result_types=[IndexType()])


@irdl_op_definition
class ForOp(IRDLOperation):
    """`tile.for %t = 0 to 7 prefetch { ... }`: the body once a tile, in order.

    `prefetch`: the loads of the next tile are in flight while this one is computed; they are the loads among the
    operations of the body itself, and their buffers have two slots.
    """

    name = "tile.for"
    lower = prop_def(IntegerAttr[I64])
    upper = prop_def(IntegerAttr[I64])
    prefetch = opt_prop_def(UnitAttr)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(self, lower: int, upper: int, body: Region | None = None, *, prefetch: bool = False) -> None:
        region = Region(Block(arg_types=[IndexType()])) if body is None else body
        super().__init__(
            properties={"lower": _int(lower), "upper": _int(upper), "prefetch": _unit(prefetch)}, regions=[region]
        )

    @property
    def index(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def iterations(self) -> range:
        return range(self.lower.value.data, self.upper.value.data)

    def prefetched(self) -> list[LoadOp | LoadWeightsOp]:
        """The loads that run one tile ahead."""
        if self.prefetch is None:
            return []
        return [op for op in self.body.block.ops if isinstance(op, LoadOp | LoadWeightsOp)]

    def verify_(self) -> None:
        if [arg.type for arg in self.body.block.args] != [IndexType()]:
            raise VerifyException("tile.for: the body takes one index")
        if not self.iterations:
            raise VerifyException("tile.for: a loop runs at least once")
        for load in self.prefetched():
            buffer = load.buffer.owner
            if isinstance(buffer, BufferOp) and buffer.slots.value.data < 2 and len(self.iterations) > 1:
                raise VerifyException(
                    f"{load.name}: a race: the next tile is prefetched into the only slot, which this tile still reads"
                )
            if len(self.iterations) > 1 and dict(load.address("slot").parity).get(self.index) not in (1, -1):
                raise VerifyException(f"{load.name}: a race: prefetched tiles must alternate between two slots")

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        index = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        lower = parser.parse_integer()
        parser.parse_keyword("to")
        upper = parser.parse_integer()
        prefetch = parser.parse_optional_keyword("prefetch") is not None
        return cls(lower, upper, parser.parse_region([index]), prefetch=prefetch)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.index)
        printer.print_string(f" = {self.lower.value.data} to {self.upper.value.data} ")
        if self.prefetch is not None:
            printer.print_string("prefetch ")
        printer.print_region(self.body, print_entry_block_args=False)


class TiledOp(AddressedOp):
    """Base of the operations that move or compute a tile."""

    @abstractmethod
    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        """What of the tile is really there for given tile indices: equal for tiles that need the same code."""

    def number(self, name: str, indices: dict[SSAValue, int]) -> int:
        """The value of an address for given tile indices; those that are not given are looked through."""
        expression = self.address(name)
        if any(index not in indices for index in expression.indices()):
            expression = resolve(expression)
        return expression.evaluate(indices)


def resolve(expression: IndexExpr) -> IndexExpr:
    """The expression over loop indices only: `tile.index` replaced by what it computes."""
    for index in expression.indices():
        if isinstance(op := index.owner, IndexOp):
            return resolve(expression.replaced(index, resolve(op.address("value"))))
    return expression


def tile_rows(span: Span, row: int, cu: int, height: int) -> range:
    """The rows of the output that CU `cu` has in a tile that starts at `row`; empty for a CU without work."""
    if not span.cus >> cu & 1:
        return range(0)
    first = row + cu * span.share
    limit = min(height, (cu + 1) * span.share) if span.share else height
    return range(first, max(first, min(first + span.rows, limit)))


@irdl_op_definition
class LoadOp(TiledOp):
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
            raise VerifyException(f"tile.load: pixels of {maps.pixel.data} words cannot lie {buffer.pixel.data} apart")
        if self.span.record.columns * buffer.pixel.data > buffer.row.data:
            raise VerifyException("tile.load: the columns of a tile do not fit a row of the buffer")


@irdl_op_definition
class LoadWeightsOp(TiledOp):
    """Kernel tile `tile` of the packed weights, `part` of it, into a slot of every WBuf.

    `steps` of the tile's steps, fewer where the layer ends at step `total`.
    """

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
            properties={"tile": tile.map(), "part": _int(part), "slot": slot.map(), "cus": _int(cus)},
        )

    def shape_at(self, indices: dict[SSAValue, int]) -> Hashable:
        return None

    def runs(self, tile: int) -> list[WeightsRun]:
        """What is loaded for kernel tile number `tile`, one run for each buffer that has kernels of its own."""
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
                ]
            case _:
                machine = machine_of(self)
                assert isinstance(self.packed.type, PackedType)
                words = self.packed.type.words.data // machine.vmacs
                return [WeightsRun(vmac * words, vmac, masked, words) for vmac in range(machine.vmacs)]


class WeightsRun(NamedTuple):
    """`words` words from word `source` of a packed region to the WBuf of one vMAC in some CUs."""

    source: int
    vmac: int
    cus: list[int]
    words: int


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
                "relu": _unit(relu),
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
            raise VerifyException(
                f"tile.conv: COOP reads whole lines of {machine.line_words} words, a pixel has {kernels.depth}"
            )
        if kernels.share and self.span.record.share:
            raise VerifyException("tile.conv: CUs share out either rows or kernels, not both")
        if not 0 <= kernels.part < kernels.parts:
            raise VerifyException(f"tile.conv: part {kernels.part} of {kernels.parts}")


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
            raise VerifyException("tile.avg_pool: every row and column of the result has a weight class")


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
                "relu": _unit(relu),
            },
        )

    @property
    def geometry(self) -> Window:
        return self.window.record

    @property
    def extent(self) -> Span:
        return self.span.record


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
                "channels": _int(channels),
                "share": _int(share),
                "limit": _int(limit),
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
            raise VerifyException(
                f"tile.store: {self.channels.value.data} words of a pixel of {maps.pixel.data} are not whole transfers "
                f"of {machine.transfer_words} words"
            )


def layer_of(op: Operation) -> LayerOp | None:
    """The layer that holds `op`."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, LayerOp):
        parent = parent.parent_op()
    return parent
