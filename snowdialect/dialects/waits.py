"""Waits for units of the machine, as tile and loop have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from xdsl.dialects.builtin import I64, IntegerAttr
from xdsl.irdl import IRDLOperation, prop_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import MemoryReadEffect, MemoryWriteEffect

from snowdialect.dialects.locations import fail
from snowdialect.dialects.operations import construct
from snowdialect.dialects.properties import integer


class WaitingOp(IRDLOperation):
    """Base of what holds dispatch until each named unit has at most `pending` instructions queued or running."""

    units = prop_def(IntegerAttr[I64])
    pending = prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryReadEffect(), MemoryWriteEffect())

    UNITS: ClassVar[tuple[str, ...]] = ("mac", "max", "move", "load")
    """The units, in the order of their bits in the mask."""

    def __init__(self, units: Sequence[str], pending: int = 0) -> None:
        mask = sum(1 << self.UNITS.index(unit) for unit in units)
        construct(self, properties={"units": integer(mask), "pending": integer(pending)})

    @property
    def names(self) -> tuple[str, ...]:
        """The units that are waited for."""
        return tuple(name for bit, name in enumerate(self.UNITS) if self.units.value.data >> bit & 1)

    def verify_(self) -> None:
        if not 0 < self.units.value.data < 1 << len(self.UNITS):
            fail(self, "names no unit")
        if self.pending.value.data < 0:
            fail(self, "the number of pending instructions cannot be negative")

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        def unit() -> str:
            start = parser.pos
            name = parser.parse_identifier()
            if name not in cls.UNITS:
                parser.raise_error(f"unknown unit {name}: expected one of {', '.join(cls.UNITS)}", start, parser.pos)
            return name

        units = parser.parse_comma_separated_list(parser.Delimiter.NONE, unit)
        parser.parse_keyword("pending")
        return cls(units, parser.parse_integer())

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {', '.join(self.names)} pending {self.pending.value.data}")
