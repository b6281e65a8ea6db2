"""Attributes of the tile dialect that are records of integers: windows, spans of tiles, kernels, shifts."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar, cast

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.ir import Attribute, ParametrizedAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from snowdialect.layout import UnrolledRows, taps_inside

RecordT = TypeVar("RecordT", bound=tuple[int, ...])


def parse_fields(parser: AttrParser, names: Sequence[str]) -> list[Attribute]:
    """`name 1, name 2, ...`: one integer each, in this order."""
    values: list[Attribute] = []
    for position, name in enumerate(names):
        if position:
            parser.parse_punctuation(",")
        parser.parse_keyword(name)
        values.append(IntAttr(parser.parse_integer()))
    return values


def print_fields(printer: Printer, names: Sequence[str], values: Sequence[int]) -> None:
    """Prints what `parse_fields` parses."""
    printer.print_string(", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)))


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
        return taps_inside(y * self.stride_h - self.pad_top, self.dilation_h, self.kernel_h, self.in_h)

    def kernel_columns(self, x: int) -> range:
        """The kernel columns that fall inside the maps for output column x."""
        return taps_inside(x * self.stride_w - self.pad_left, self.dilation_w, self.kernel_w, self.in_w)

    @property
    def passes(self) -> tuple[Window, Window]:
        """The window of a maximum as two, the second over what the first one makes: its rows, then its columns."""
        rows = self._replace(kernel_w=1, stride_w=1, dilation_w=1, pad_left=0, out_w=self.in_w)
        columns = self._replace(kernel_h=1, stride_h=1, dilation_h=1, pad_top=0, in_h=self.out_h)
        return rows, columns

    def columns_seen(self, x: int, count: int) -> range:
        """The columns under `count` output columns from x on, without gaps, that fall inside the maps; from the first
        one under column x."""
        origin, width = x * self.stride_w - self.pad_left, (count - 1) * self.stride_w + self.kernel_w
        return taps_inside(origin, self.dilation_w, width, self.in_w)


@dataclass(frozen=True, init=False)
class RecordAttr(ParametrizedAttribute, ABC, Generic[RecordT]):
    """Base of attributes that hold a named tuple of integers: `#tile.shifts<result 8, bias 0, bypass 0>`."""

    values: ArrayAttr[IntAttr]

    RECORD: ClassVar[type[NamedTuple]]
    LEAST: ClassVar[Mapping[str, int]] = MappingProxyType({})
    """The least value of fields that have one."""

    @classmethod
    @cache
    def make(cls, record: RecordT) -> Self:
        """The attribute of a record, which operations share."""
        return cls(ArrayAttr([IntAttr(value) for value in record]))

    @property
    def record(self) -> RecordT:
        # Kept beside the fields, like a cached_property, which xDSL takes for a parameter.
        kept = vars(self)
        if "_record" not in kept:
            kept["_record"] = type(self).RECORD._make(value.data for value in self.values)
        return cast(RecordT, kept["_record"])

    def verify(self) -> None:
        fields = type(self).RECORD._fields
        if len(self.values) != len(fields):
            raise VerifyException(f"{self.name} has the numbers {', '.join(fields)}; got {len(self.values)}")
        for field, least in self.LEAST.items():
            if (value := getattr(self.record, field)) < least:
                raise VerifyException(f"{self.name}: {field} is at least {least}, not {value}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        with parser.in_angle_brackets():
            return [ArrayAttr(parse_fields(parser, cls.RECORD._fields))]

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            print_fields(printer, type(self).RECORD._fields, [value.data for value in self.values])


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
        if max(map(abs, window)) >= 1 << 31:
            raise VerifyException("a window has numbers of 32 bits")


@irdl_attr_definition
class UnrolledAttr(RecordAttr[UnrolledRows]):
    """UnrolledRows as an attribute: of maps in memory, of the tensor that the host stores so, of who reads them."""

    name = "tile.unrolled"
    RECORD: ClassVar[type[NamedTuple]] = UnrolledRows

    def verify(self) -> None:
        super().verify()
        rows = self.record
        if min(rows.kernel, rows.stride, rows.dilation, rows.height) < 1:
            raise VerifyException("unrolled rows want a positive kernel, stride, dilation and height")


class Span(NamedTuple):
    """The part of a tile that an operation works on, in every CU `c` of the mask `cus`.

    Rows `top` to below `bottom` and columns `left` to below `right` count from the tile's origin, which the operation
    places in the maps: local row `r` of CU `c` is row `row + c * share + r` of the maps, local column `x` is column
    `column + x`. What leaves the maps is not there.
    """

    top: int
    bottom: int
    left: int
    right: int
    share: int
    """Rows from the origin of a CU's tile to that of the next CU; 0: all CUs have the same rows."""
    cus: int

    def moved(self, rows: int, columns: int) -> Span:
        """The span so many rows further down and columns further right."""
        return self._replace(
            top=self.top + rows, bottom=self.bottom + rows, left=self.left + columns, right=self.right + columns
        )

    def rows_inside(self, row: int, cu: int, height: int) -> range:
        """The local rows of a CU that lie in maps of `height` rows, where the tile's origin is in row `row`; none for
        a CU that has no part in the tile."""
        if not self.cus >> cu & 1:
            return range(0)
        return _clipped(self.top, self.bottom, row + cu * self.share, height)

    def columns_inside(self, column: int, width: int) -> range:
        """The local columns that lie in maps of `width` columns, where the tile's origin is in column `column`."""
        return _clipped(self.left, self.right, column, width)


def stored_words(words: int, share: int, limit: int, channel: int, cu: int) -> int:
    """Words of each pixel that a CU stores, where the first one begins at a channel, and each has `words` that lie
    `share` further on than those of the one before: none beyond the `limit` words of a pixel."""
    return max(0, min(words, limit - channel - cu * share))


def moved(places: range, distance: int) -> range:
    """The rows or columns a distance further on."""
    return range(places.start + distance, places.stop + distance)


def _clipped(start: int, stop: int, origin: int, size: int) -> range:
    first = max(start, -origin)
    return range(first, max(first, min(stop, size - origin)))


@irdl_attr_definition
class SpanAttr(RecordAttr[Span]):
    """A Span as an attribute."""

    name = "tile.span"
    RECORD: ClassVar[type[NamedTuple]] = Span

    def verify(self) -> None:
        super().verify()
        span = self.record
        if min(span.top, span.left, span.share) < 0:
            raise VerifyException("the rows and columns of a span, and its share, are not negative")
        if span.bottom <= span.top or span.right <= span.left or span.cus < 1:
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
    lead: int
    """Column of the maps tile where the first tap of output column 0 is; negative where padding is left out."""
    row_lead: int
    """Row of the maps tile where the first tap of output row 0 is; negative where padding is left out."""
    bypass_first: int
    """Word of a bypass pixel where the layer's channels begin."""
    part: int
    """Which piece of the kernel this is, and its words: a kernel too long for its buffer comes in pieces."""
    parts: int
    part_words: int
    abreast: int
    """Pixels of the result side by side that the steps compute together; as in Packing."""


@irdl_attr_definition
class KernelsAttr(RecordAttr[Kernels]):
    """Kernels as an attribute."""

    name = "tile.kernels"
    RECORD: ClassVar[type[NamedTuple]] = Kernels
    LEAST: ClassVar[Mapping[str, int]] = MappingProxyType(
        {
            **dict.fromkeys(("depth", "steps", "channels", "parts", "part_words", "abreast"), 1),
            **dict.fromkeys(("share", "bypass_first", "part"), 0),
        }
    )


class Pixels(NamedTuple):
    """Which words of a pixel an operation without kernels works on."""

    words: int
    """Words of a pixel of the result."""
    first: int
    """Where they begin in a pixel of the maps."""
    other: int
    """Where they begin in a pixel of the second operand."""
    target: int
    """Where they begin in a pixel of the result."""
    lead: int
    """Column of the maps tile where the first tap of output column 0 is, as in Kernels."""
    row_lead: int
    """Row of the maps tile where the first tap of output row 0 is."""


@irdl_attr_definition
class PixelsAttr(RecordAttr[Pixels]):
    """Pixels as an attribute."""

    name = "tile.pixels"
    RECORD: ClassVar[type[NamedTuple]] = Pixels
    LEAST: ClassVar[Mapping[str, int]] = MappingProxyType({"words": 1})


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


class Estimate(NamedTuple):
    """What a layer takes by itself, from its first instruction to the end of its last store."""

    cycles: int
    read: int
    """Bytes of maps and weights from memory."""
    written: int
    """Bytes to memory."""


@irdl_attr_definition
class EstimateAttr(RecordAttr[Estimate]):
    """An Estimate as an attribute."""

    name = "tile.estimate"
    RECORD: ClassVar[type[NamedTuple]] = Estimate
