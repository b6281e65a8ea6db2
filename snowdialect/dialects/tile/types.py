"""Types and attributes of the tile dialect: where maps lie in memory, what a window is, how a layer is scheduled."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar, cast

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from snowdialect.layout import Packing, Segment

RecordT = TypeVar("RecordT", bound=tuple[int, ...])


def _parse_fields(parser: AttrParser, names: Sequence[str]) -> list[Attribute]:
    """`name 1, name 2, ...`: one integer each, in this order."""
    values: list[Attribute] = []
    for position, name in enumerate(names):
        if position:
            parser.parse_punctuation(",")
        parser.parse_keyword(name)
        values.append(IntAttr(parser.parse_integer()))
    return values


def _print_fields(printer: Printer, names: Sequence[str], values: Sequence[int]) -> None:
    printer.print_string(", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)))


class Mode(StrEnum):
    COOP = "coop"
    INDP = "indp"


@irdl_attr_definition
class ModeAttr(EnumAttribute[Mode], SpacedOpaqueSyntaxAttribute):
    """How the 16 MACs of a vMAC work: coop, together on one output; indp, each on an output of its own."""

    name = "tile.mode"


class Split(StrEnum):
    ROWS = "rows"
    KERNELS = "kernels"


@irdl_attr_definition
class SplitAttr(EnumAttribute[Split], SpacedOpaqueSyntaxAttribute):
    """What the CUs share out among them: rows of the output, or its channels."""

    name = "tile.split"


class Order(StrEnum):
    MLOOP = "mloop"
    KLOOP = "kloop"


@irdl_attr_definition
class OrderAttr(EnumAttribute[Order], SpacedOpaqueSyntaxAttribute):
    """The outer tile loop: mloop keeps a maps tile and streams kernels; kloop keeps kernels and streams maps."""

    name = "tile.order"


class Space(StrEnum):
    MBUF = "mbuf"
    WBUF = "wbuf"


@irdl_attr_definition
class SpaceAttr(EnumAttribute[Space], SpacedOpaqueSyntaxAttribute):
    """A kind of on-chip buffer: the maps buffer of a CU or the weights buffer of a vMAC."""

    name = "tile.space"


def _parse_segments(parser: AttrParser) -> tuple[ArrayAttr[IntAttr], ArrayAttr[IntAttr]]:
    def segment() -> tuple[IntAttr, IntAttr]:
        count = parser.parse_integer()
        parser.parse_keyword("at")
        return IntAttr(count), IntAttr(parser.parse_integer())

    parser.parse_keyword("channels")
    segments = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, segment)
    return ArrayAttr([count for count, _ in segments]), ArrayAttr([offset for _, offset in segments])


def _format_segments(segments: Sequence[Segment]) -> str:
    return f"channels [{', '.join(f'{count} at {offset}' for count, offset in segments)}]"


_PACKING_NUMBERS = Packing._fields[1:-1]
_MAPS_FIELDS = ("height", "width", "pixel", "row", "frac")


@irdl_attr_definition
class MapsType(ParametrizedAttribute, TypeAttribute):
    """Maps in memory, depth-minor: pixel (y, x) starts at word y * row + x * pixel, its channels lie in segments.

    A concatenation has a segment for each part, so that each producer stores whole transfers; the words between
    segments are zero. `frac` is the Q position of the words. Written
    `!tile.maps<height 4, width 3, pixel 96, row 288, frac 8, channels [6 at 0, 6 at 32]>`.
    """

    name = "tile.maps"
    height: IntAttr
    width: IntAttr
    pixel: IntAttr
    """Words from a pixel to its right neighbour."""
    row: IntAttr
    """Words from a pixel to its lower neighbour."""
    frac: IntAttr
    counts: ArrayAttr[IntAttr]
    offsets: ArrayAttr[IntAttr]

    @staticmethod
    def make(height: int, width: int, pixel: int, row: int, frac: int, segments: Sequence[Segment]) -> MapsType:
        return MapsType(
            IntAttr(height),
            IntAttr(width),
            IntAttr(pixel),
            IntAttr(row),
            IntAttr(frac),
            ArrayAttr([IntAttr(segment.channels) for segment in segments]),
            ArrayAttr([IntAttr(segment.offset) for segment in segments]),
        )

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(Segment(c.data, o.data) for c, o in zip(self.counts, self.offsets, strict=True))

    @property
    def channels(self) -> int:
        """Channels that carry values, without the words between segments."""
        return sum(count.data for count in self.counts)

    @property
    def words(self) -> int:
        """Words of memory that the maps occupy."""
        return self.height.data * self.row.data

    def verify(self) -> None:
        if min(self.height.data, self.width.data, self.pixel.data) < 1:
            raise VerifyException("maps want a positive height, width and pixel pitch")
        if len(self.counts) != len(self.offsets) or not len(self.counts):
            raise VerifyException("maps want at least one segment of channels")
        end = 0
        for count, offset in self.segments:
            if count < 1 or offset < end:
                raise VerifyException(f"channel segment {count} at {offset} is empty or overlaps the one before it")
            end = offset + count
        if end > self.pixel.data:
            raise VerifyException(f"channels end at word {end} of a pixel of {self.pixel.data} words")
        if self.row.data < self.width.data * self.pixel.data:
            raise VerifyException(
                f"a row of {self.row.data} words cannot hold {self.width.data} pixels of {self.pixel.data}"
            )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            values = _parse_fields(parser, _MAPS_FIELDS)
            parser.parse_punctuation(",")
            return [*values, *_parse_segments(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            numbers = (self.height.data, self.width.data, self.pixel.data, self.row.data, self.frac.data)
            _print_fields(printer, _MAPS_FIELDS, numbers)
            printer.print_string(f", {_format_segments(self.segments)}")


@irdl_attr_definition
class PackedType(ParametrizedAttribute, TypeAttribute):
    """Weights in memory as the WBufs want them, `words` words: `!tile.packed<4736>`."""

    name = "tile.packed"
    words: IntAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [IntAttr(parser.parse_integer())]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.words.data}")


@irdl_attr_definition
class MapsBufferType(ParametrizedAttribute, TypeAttribute):
    """A maps tile in every MBuf: pixels `pixel` words apart, rows `row` words: `!tile.mbuf<pixel 64, row 832>`."""

    name = "tile.mbuf"
    pixel: IntAttr
    row: IntAttr

    def __init__(self, pixel: int | IntAttr, row: int | IntAttr) -> None:
        super().__init__(
            IntAttr(pixel) if isinstance(pixel, int) else pixel, IntAttr(row) if isinstance(row, int) else row
        )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return _parse_fields(parser, ("pixel", "row"))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            _print_fields(printer, ("pixel", "row"), (self.pixel.data, self.row.data))


@irdl_attr_definition
class WeightsBufferType(ParametrizedAttribute, TypeAttribute):
    """Kernel blocks of `block` words in the WBuf of every vMAC: `!tile.wbuf<block 640>`."""

    name = "tile.wbuf"
    block: IntAttr

    def __init__(self, block: int | IntAttr) -> None:
        super().__init__(IntAttr(block) if isinstance(block, int) else block)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return _parse_fields(parser, ("block",))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            _print_fields(printer, ("block",), (self.block.data,))


class Window(NamedTuple):
    """A sliding window over maps. Output (y, x) reads rows y * stride_h - pad_top + ky * dilation_h, likewise columns.

    What falls outside in_h x in_w is padding and is never read.
    """

    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_top: int
    pad_left: int
    in_h: int
    in_w: int
    out_h: int
    out_w: int

    def rows_read(self, rows: int) -> int:
        """Input rows, padding included, under `rows` successive output rows."""
        return (rows - 1) * self.stride_h + (self.kernel_h - 1) * self.dilation_h + 1

    def columns_read(self, columns: int) -> int:
        """Input columns, padding included, under `columns` successive output columns."""
        return (columns - 1) * self.stride_w + (self.kernel_w - 1) * self.dilation_w + 1

    def kernel_rows(self, y: int) -> range:
        """The kernel rows that fall inside the maps for output row y."""
        return _inside(y * self.stride_h - self.pad_top, self.dilation_h, self.kernel_h, self.in_h)

    def kernel_columns(self, x: int) -> range:
        """The kernel columns that fall inside the maps for output column x."""
        return _inside(x * self.stride_w - self.pad_left, self.dilation_w, self.kernel_w, self.in_w)


def _inside(origin: int, dilation: int, taps: int, size: int) -> range:
    first = max(0, -(origin // dilation))
    last = min(taps, (size - 1 - origin) // dilation + 1)
    return range(first, max(first, last))


@cache
def _record(kind: type[NamedTuple], values: ArrayAttr[IntAttr]) -> tuple[int, ...]:
    return kind._make(value.data for value in values)


class RecordAttr(ParametrizedAttribute, ABC, Generic[RecordT]):
    """Base of attributes that hold a named tuple of integers: `#tile.span<rows 4, share 4, columns 13, cus 15>`."""

    values: ArrayAttr[IntAttr]

    RECORD: ClassVar[type[NamedTuple]]

    @classmethod
    def make(cls, record: RecordT) -> Self:
        return cls(ArrayAttr([IntAttr(value) for value in record]))

    @property
    def record(self) -> RecordT:
        return cast(RecordT, _record(type(self).RECORD, self.values))

    def verify(self) -> None:
        fields = type(self).RECORD._fields
        if len(self.values) != len(fields):
            raise VerifyException(f"{self.name} has the numbers {', '.join(fields)}; got {len(self.values)}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [ArrayAttr(_parse_fields(parser, cls.RECORD._fields))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            _print_fields(printer, type(self).RECORD._fields, [value.data for value in self.values])


@irdl_attr_definition
class WindowAttr(RecordAttr[Window]):
    """A Window as an attribute."""

    name = "tile.window"
    RECORD: ClassVar[type[NamedTuple]] = Window

    def verify(self) -> None:
        super().verify()
        window = self.record
        if min(window[:6] + window[8:]) < 1:
            raise VerifyException("a window wants a positive kernel, stride, dilation and size")


class Span(NamedTuple):
    """The part of an output that a tile covers, in every CU `c` of the mask `cus`.

    Rows `row + c * share` up to `rows` of them, below `(c + 1) * share` when rows are shared out (share > 0), and
    columns `column` up to `columns` of them; what leaves the output is not there.
    """

    rows: int
    share: int
    columns: int
    cus: int


@irdl_attr_definition
class SpanAttr(RecordAttr[Span]):
    """A Span as an attribute."""

    name = "tile.span"
    RECORD: ClassVar[type[NamedTuple]] = Span

    def verify(self) -> None:
        super().verify()
        span = self.record
        if min(span.rows, span.columns, span.cus) < 1 or span.share < 0:
            raise VerifyException("a span wants rows, columns and CUs")


class Kernels(NamedTuple):
    """The kernels of a tile, and how they meet the maps in the buffer."""

    depth: int
    """Words of a pixel that a kernel sees."""
    steps: int
    """Kernel steps of the tile."""
    channels: int
    """Words of a result pixel that all tiles together compute in a CU."""
    share: int
    """Channels from the first of a CU to the first of the next; 0: all CUs have the same kernels."""
    alone: int
    """1: the result tile begins with the first channel of this kernel tile; 0: of the CU."""
    lead: int
    """Columns of the maps tile before the first tap of the tile's first output; negative where padding is left out."""
    bypass_first: int
    """Word of a bypass pixel where the layer's channels begin."""
    part: int
    """Which piece of the kernel this is, and its words: a kernel too long for its buffer comes in pieces."""
    parts: int
    part_words: int


@irdl_attr_definition
class KernelsAttr(RecordAttr[Kernels]):
    """Kernels as an attribute."""

    name = "tile.kernels"
    RECORD: ClassVar[type[NamedTuple]] = Kernels


class Pixels(NamedTuple):
    """Which words of a pixel an operation without kernels works on."""

    words: int
    """Words of a pixel of the result."""
    first: int
    """Where they begin in a pixel of the maps."""
    other: int
    """Where they begin in a pixel of the second operand."""
    lead: int
    """Columns of the maps tile before the first tap of the tile's first output, as in Kernels."""


@irdl_attr_definition
class PixelsAttr(RecordAttr[Pixels]):
    """Pixels as an attribute."""

    name = "tile.pixels"
    RECORD: ClassVar[type[NamedTuple]] = Pixels


class Shifts(NamedTuple):
    """Shifts of an accumulator: of the result to the right, of what it starts from to the left; 0 .. 31."""

    result: int
    bias: int
    bypass: int


@irdl_attr_definition
class ShiftsAttr(RecordAttr[Shifts]):
    """Shifts as an attribute."""

    name = "tile.shifts"
    RECORD: ClassVar[type[NamedTuple]] = Shifts

    def verify(self) -> None:
        super().verify()
        for what, shift in self.record._asdict().items():
            if not 0 <= shift <= 31:
                raise VerifyException(f"{what} shift {shift} is outside 0 to 31")


@irdl_attr_definition
class PackingAttr(ParametrizedAttribute):
    """A layout.Packing as an attribute: `#tile.packing<coop, groups 1, ..., channels [64 at 0]>`."""

    name = "tile.packing"
    mode: ModeAttr
    values: ArrayAttr[IntAttr]
    counts: ArrayAttr[IntAttr]
    offsets: ArrayAttr[IntAttr]

    @staticmethod
    def make(packing: Packing) -> PackingAttr:
        return PackingAttr(
            ModeAttr(Mode(packing.mode)),
            ArrayAttr([IntAttr(value) for value in packing[1:-1]]),
            ArrayAttr([IntAttr(segment.channels) for segment in packing.segments]),
            ArrayAttr([IntAttr(segment.offset) for segment in packing.segments]),
        )

    @property
    def record(self) -> Packing:
        segments = tuple(Segment(c.data, o.data) for c, o in zip(self.counts, self.offsets, strict=True))
        return Packing._make((self.mode.data.value, *(value.data for value in self.values), segments))

    def verify(self) -> None:
        if len(self.values) != len(_PACKING_NUMBERS) or len(self.counts) != len(self.offsets):
            raise VerifyException(f"a packing has {len(_PACKING_NUMBERS)} numbers and its channel segments")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            mode = ModeAttr(parser.parse_str_enum(Mode))
            parser.parse_punctuation(",")
            values = _parse_fields(parser, _PACKING_NUMBERS)
            parser.parse_punctuation(",")
            counts, offsets = _parse_segments(parser)
        return [mode, ArrayAttr(values), counts, offsets]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.mode.data.value}, ")
            _print_fields(printer, _PACKING_NUMBERS, [value.data for value in self.values])
            printer.print_string(f", {_format_segments(self.record.segments)}")


class Schedule(NamedTuple):
    """How a layer is cut into tiles. Rows, columns and kernel steps are those of one tile in one CU."""

    mode: Mode
    split: Split
    order: Order
    rows: int
    columns: int
    steps: int
    """Kernel steps: in a step every vMAC has one kernel (coop) or one for each of its MACs (indp)."""
    parts: int
    """Pieces in which a kernel is streamed when it is too long for its buffer; 1: whole."""
    maps_slots: int
    """2: the next maps tile is loaded into the other bank while this one is used; 1: it has the whole buffer."""
    weights_slots: int


@irdl_attr_definition
class ScheduleAttr(ParametrizedAttribute):
    """What a chooser decided for a layer: `#tile.schedule<coop, rows, mloop, rows 4, columns 13, ...>`."""

    name = "tile.schedule"
    mode: ModeAttr
    split: SplitAttr
    order: OrderAttr
    values: ArrayAttr[IntAttr]

    @staticmethod
    def make(schedule: Schedule) -> ScheduleAttr:
        return ScheduleAttr(
            ModeAttr(schedule.mode),
            SplitAttr(schedule.split),
            OrderAttr(schedule.order),
            ArrayAttr([IntAttr(value) for value in schedule[3:]]),
        )

    @property
    def record(self) -> Schedule:
        return Schedule(self.mode.data, self.split.data, self.order.data, *(value.data for value in self.values))

    def verify(self) -> None:
        if len(self.values) != len(Schedule._fields) - 3:
            raise VerifyException(f"a schedule has {len(Schedule._fields) - 3} numbers, got {len(self.values)}")
        schedule = self.record
        if min(schedule[3:]) < 1 or max(schedule.maps_slots, schedule.weights_slots) > 2:
            raise VerifyException("a schedule wants positive tile sizes and one or two slots of each buffer")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            mode = ModeAttr(parser.parse_str_enum(Mode))
            parser.parse_punctuation(",")
            split = SplitAttr(parser.parse_str_enum(Split))
            parser.parse_punctuation(",")
            order = OrderAttr(parser.parse_str_enum(Order))
            parser.parse_punctuation(",")
            return [mode, split, order, ArrayAttr(_parse_fields(parser, Schedule._fields[3:]))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            schedule = self.record
            printer.print_string(f"{schedule.mode.value}, {schedule.split.value}, {schedule.order.value}, ")
            _print_fields(printer, Schedule._fields[3:], schedule[3:])
