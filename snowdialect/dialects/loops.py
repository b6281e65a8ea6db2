"""The counted loop that the tile and the loop dialect have in common."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import I64, IndexType, IntegerAttr
from xdsl.ir import Block, BlockArgument, Region
from xdsl.irdl import IRDLOperation, prop_def, region_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import NoTerminator, RecursiveMemoryEffect

from snowdialect.dialects.locations import fail
from snowdialect.dialects.operations import construct
from snowdialect.dialects.properties import integer

INDEX = IndexType()


class CountedLoop(IRDLOperation):
    """Base of `%i = 0 to 4 { ... }`: the body once for each integer from `lower` to below `upper`, in order."""

    lower = prop_def(IntegerAttr[I64])
    upper = prop_def(IntegerAttr[I64])
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())

    def __init__(self, lower: int, upper: int, body: Region | None = None) -> None:
        region = Region(Block(arg_types=[INDEX])) if body is None else body
        bounds = {"lower": integer(lower), "upper": integer(upper)}
        construct(self, properties=bounds, regions=[region])

    @property
    def index(self) -> BlockArgument:
        return self.body.block.args[0]

    @property
    def iterations(self) -> range:
        return range(self.lower.value.data, self.upper.value.data)

    def check_iterations(self) -> None:
        """Rejects a loop that does not run, or has no index."""
        if [arg.type for arg in self.body.block.args] != [INDEX]:
            fail(self, "the body takes one index")
        if not self.iterations:
            fail(self, f"{self.lower.value.data} to {self.upper.value.data} is empty: a loop runs at least once")

    def verify_(self) -> None:
        self.check_iterations()

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        index = parser.parse_argument(expect_type=False).resolve(INDEX)
        parser.parse_punctuation("=")
        lower = parser.parse_integer()
        parser.parse_keyword("to")
        upper = parser.parse_integer()
        return cls(lower, upper, parser.parse_region([index]))

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.index)
        printer.print_string(f" = {self.lower.value.data} to {self.upper.value.data} ")
        printer.print_region(self.body, print_entry_block_args=False)
