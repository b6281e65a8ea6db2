"""Types and attributes of the tile dialect: where maps and weights lie, how a layer is scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from xdsl.dialects.builtin import ArrayAttr, IntAttr, NoneAttr, UnitAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Attribute, ParametrizedAttribute, SpacedOpaqueSyntaxAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.tile.records import UnrolledAttr, parse_fields, print_fields
from snowdialect.layout import MapsLayout, Packing, Segment, UnrolledRows
from snowdialect.machine import Machine


class Mode(StrEnum):
    COOP = "coop"
    INDP = "indp"

    def lanes(self, machine: Machine) -> int:
        """Outputs that a vMAC has in flight."""
        return 1 if self is Mode.COOP else machine.macs


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


def _expect_positive(name: str, **sizes: IntAttr) -> None:
    for what, size in sizes.items():
        if size.data < 1:
            raise VerifyException(f"{name}: {what} is at least 1, not {size.data}")


def _parse_segments(parser: AttrParser) -> tuple[ArrayAttr[IntAttr], ArrayAttr[IntAttr]]:
    def segment() -> tuple[IntAttr, IntAttr]:
        count = parser.parse_integer()
        parser.parse_keyword("at")
        return IntAttr(count), IntAttr(parser.parse_integer())

    parser.parse_keyword("channels")
    segments = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, segment)
    return ArrayAttr([count for count, _ in segments]), ArrayAttr([offset for _, offset in segments])


def _parse_unrolled(parser: AttrParser) -> UnrolledAttr | NoneAttr:
    if parser.parse_optional_punctuation(",") is None:
        return NoneAttr()
    parser.parse_keyword("unrolled")
    return UnrolledAttr.new(UnrolledAttr.parse_parameters(parser))


def _format_segments(segments: Sequence[Segment]) -> str:
    return f"channels [{', '.join(f'{count} at {offset}' for count, offset in segments)}]"


_PACKING_NUMBERS = Packing._fields[1:-3]
_PACKING_FLAGS = Packing._fields[-2:]
_MAPS_FIELDS = ("height", "width", "pixel", "row", "frac")


def _parse_flags(parser: AttrParser) -> list[UnitAttr | NoneAttr]:
    found = set[str]()
    while parser.parse_optional_punctuation(",") is not None:
        missing = [flag for flag in _PACKING_FLAGS if flag not in found]
        given = (flag for flag in missing if parser.parse_optional_keyword(flag) is not None)
        found.add(parser.expect(lambda given=given: next(given, None), f"{' or '.join(missing)} expected"))
    return [UnitAttr() if flag in found else NoneAttr() for flag in _PACKING_FLAGS]


@irdl_attr_definition
class MapsType(ParametrizedAttribute, TypeAttribute):
    """Maps in memory, depth-minor: pixel (y, x) starts at word y * row + x * pixel, its channels lie in segments.

    A concatenation has a segment for each part, so that each producer stores whole transfers; the words between
    segments are zero. `frac` is the Q position of the words. Written
    `!tile.maps<height 4, width 3, pixel 96, row 288, frac 8, channels [6 at 0, 6 at 32]>`, with `, unrolled <kernel 3,
    ...>` at the end where a row holds all that is under the kernel for a row of the result.
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
    unrolled: UnrolledAttr | NoneAttr

    @staticmethod
    def make(
        height: int,
        width: int,
        pixel: int,
        row: int,
        frac: int,
        segments: Sequence[Segment],
        unrolled: UnrolledRows | None = None,
    ) -> MapsType:
        return MapsType(
            IntAttr(height),
            IntAttr(width),
            IntAttr(pixel),
            IntAttr(row),
            IntAttr(frac),
            ArrayAttr([IntAttr(segment.channels) for segment in segments]),
            ArrayAttr([IntAttr(segment.offset) for segment in segments]),
            NoneAttr() if unrolled is None else UnrolledAttr.make(unrolled),
        )

    @property
    def segments(self) -> tuple[Segment, ...]:
        return tuple(map(self.segment, range(len(self.counts))))

    def segment(self, position: int) -> Segment:
        """The segment of one part of a concatenation."""
        return Segment(self.counts.data[position].data, self.offsets.data[position].data)

    @property
    def layout(self) -> MapsLayout:
        """Where the words lie, whatever their Q position."""
        rows = self.unrolled.record if isinstance(self.unrolled, UnrolledAttr) else None
        return MapsLayout(self.height.data, self.width.data, self.pixel.data, self.row.data, self.segments, rows)

    @property
    def tensor_height(self) -> int:
        """Rows of the tensor that is stored."""
        return self.unrolled.record.height if isinstance(self.unrolled, UnrolledAttr) else self.height.data

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
        layout = self.layout
        if layout.unrolled is not None and self.segments != (Segment(self.pixel.data // layout.taps, 0),):
            raise VerifyException("unrolled rows hold the channels of each row under the kernel, one behind the other")
        if self.row.data < self.width.data * self.pixel.data:
            raise VerifyException(
                f"a row of {self.row.data} words cannot hold {self.width.data} pixels of {self.pixel.data}"
            )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            values = parse_fields(parser, _MAPS_FIELDS)
            parser.parse_punctuation(",")
            return [*values, *_parse_segments(parser), _parse_unrolled(parser)]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            numbers = (self.height.data, self.width.data, self.pixel.data, self.row.data, self.frac.data)
            print_fields(printer, _MAPS_FIELDS, numbers)
            printer.print_string(f", {_format_segments(self.segments)}")
            if isinstance(self.unrolled, UnrolledAttr):
                printer.print_string(", unrolled ")
                self.unrolled.print_parameters(printer)


@irdl_attr_definition
class PackedType(ParametrizedAttribute, TypeAttribute):
    """Weights in memory as the WBufs want them, `words` words: `!tile.packed<4736>`."""

    name = "tile.packed"
    words: IntAttr

    def verify(self) -> None:
        _expect_positive(self.name, words=self.words)

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

    def verify(self) -> None:
        _expect_positive(self.name, pixel=self.pixel, row=self.row)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return parse_fields(parser, ("pixel", "row"))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_fields(printer, ("pixel", "row"), (self.pixel.data, self.row.data))


@irdl_attr_definition
class WeightsBufferType(ParametrizedAttribute, TypeAttribute):
    """Kernel blocks of `block` words in the WBuf of every vMAC: `!tile.wbuf<block 640>`."""

    name = "tile.wbuf"
    block: IntAttr

    def __init__(self, block: int | IntAttr) -> None:
        super().__init__(IntAttr(block) if isinstance(block, int) else block)

    def verify(self) -> None:
        _expect_positive(self.name, block=self.block)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return parse_fields(parser, ("block",))

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_fields(printer, ("block",), (self.block.data,))


@irdl_attr_definition
class PackingAttr(ParametrizedAttribute):
    """A layout.Packing as an attribute: `#tile.packing<coop, groups 1, ..., channels [64 at 0]>`, with `, unrolled` and
    `, apart` at the end where that is so."""

    name = "tile.packing"
    mode: ModeAttr
    values: ArrayAttr[IntAttr]
    counts: ArrayAttr[IntAttr]
    offsets: ArrayAttr[IntAttr]
    unrolled: UnitAttr | NoneAttr
    apart: UnitAttr | NoneAttr

    @staticmethod
    def make(packing: Packing) -> PackingAttr:
        return PackingAttr(
            ModeAttr(Mode(packing.mode)),
            ArrayAttr([IntAttr(value) for value in packing[1:-3]]),
            ArrayAttr([IntAttr(segment.channels) for segment in packing.segments]),
            ArrayAttr([IntAttr(segment.offset) for segment in packing.segments]),
            *(UnitAttr() if flag else NoneAttr() for flag in packing[-2:]),
        )

    @property
    def record(self) -> Packing:
        segments = tuple(Segment(c.data, o.data) for c, o in zip(self.counts, self.offsets, strict=True))
        numbers = (value.data for value in self.values)
        flags = (value == UnitAttr() for value in (self.unrolled, self.apart))
        return Packing._make((self.mode.data.value, *numbers, segments, *flags))

    def verify(self) -> None:
        if len(self.values) != len(_PACKING_NUMBERS) or len(self.counts) != len(self.offsets):
            raise VerifyException(f"a packing has {len(_PACKING_NUMBERS)} numbers and its channel segments")
        for name, value in zip(_PACKING_NUMBERS, self.values, strict=True):
            if value.data < (least := int(name not in ("share", "advance"))):
                raise VerifyException(f"{self.name}: {name} is at least {least}, not {value.data}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            mode = ModeAttr(parser.parse_str_enum(Mode))
            parser.parse_punctuation(",")
            values = parse_fields(parser, _PACKING_NUMBERS)
            parser.parse_punctuation(",")
            counts, offsets = _parse_segments(parser)
            flags = _parse_flags(parser)
        return [mode, ArrayAttr(values), counts, offsets, *flags]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_string(f"{self.mode.data.value}, ")
            print_fields(printer, _PACKING_NUMBERS, [value.data for value in self.values])
            printer.print_string(f", {_format_segments(self.record.segments)}")
            for flag in _PACKING_FLAGS:
                if getattr(self.record, flag):
                    printer.print_string(f", {flag}")


class Schedule(NamedTuple):
    """How a layer is cut into tiles. Rows, columns and kernel steps are those of one tile in one CU."""

    mode: Mode
    split: Split
    order: Order
    rows: int
    """Rows and columns of a result tile: pooled ones where a pool is fused."""
    columns: int
    maps_rows: int
    """Rows of the convolution that are computed from one maps tile; a result tile may take several."""
    steps: int
    """Kernel steps: in a step every vMAC has one kernel (coop) or one for each of its MACs (indp)."""
    parts: int
    """Pieces in which a kernel is streamed when it is too long for its buffer; 1: whole."""
    maps_slots: int
    """2: the next maps tile is loaded into the other bank while this one is used; 1: it has the whole buffer."""
    weights_slots: int
    """2: the next kernel tile is loaded into the other bank while this one is used; 1: it has the whole buffer; more:
    half of them in each bank, and kernel tiles stay there."""
    result_slots: int
    """2: a result tile is stored while the next one is computed."""
    result_tiles: int
    """Kernel tiles whose channels a result tile holds before it is stored."""
    fused: int
    """1: the max pool behind the convolution is computed with it."""
    turns: int
    """1: what goes past the other, kernels or maps, goes back and forth, so that what came last is used first and not
    loaded again; 0: always forwards."""
    biases: int = 0
    """1: biases lie in the maps buffers, beside each slot of maps; 0: each in front of its kernel."""
    abreast: int = 1
    """Pixels of the result side by side whose kernels share the lanes of a step (indp); 1: each by itself."""


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
        slots = (schedule.maps_slots, schedule.result_slots)
        flags = schedule.fused, schedule.turns, schedule.biases
        sizes = (*schedule[3:-4], schedule.abreast)
        if min(sizes) < 1 or max(slots) > 2 or not set(flags) <= {0, 1}:
            raise VerifyException("a schedule wants positive tile sizes and one or two slots of each buffer")
        if schedule.weights_slots > 1 and schedule.weights_slots % 2:
            raise VerifyException(
                f"a schedule wants one slot of weights or an even number, got {schedule.weights_slots}"
            )

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            mode = ModeAttr(parser.parse_str_enum(Mode))
            parser.parse_punctuation(",")
            split = SplitAttr(parser.parse_str_enum(Split))
            parser.parse_punctuation(",")
            order = OrderAttr(parser.parse_str_enum(Order))
            parser.parse_punctuation(",")
            return [mode, split, order, ArrayAttr(parse_fields(parser, Schedule._fields[3:]))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            schedule = self.record
            printer.print_string(f"{schedule.mode.value}, {schedule.split.value}, {schedule.order.value}, ")
            print_fields(printer, Schedule._fields[3:], schedule[3:])
