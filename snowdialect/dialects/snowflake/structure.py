"""What a program has before it is instructions only: addresses still to be computed, loops that carry values."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import cast

from xdsl.backend.liveness import LivenessContext
from xdsl.backend.register_allocatable import RegisterAllocatableOperation
from xdsl.backend.register_allocator import BlockAllocator
from xdsl.dialects.builtin import I32, AffineMapAttr, DenseArrayBase, IntegerAttr, i32
from xdsl.dialects.utils import parse_assignment, print_assignment
from xdsl.ir import Block, BlockArgument, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    lazy_traits_def,
    opt_operand_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    ParsingState,
    PrintingState,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsTerminator,
    NoMemoryEffect,
    Pure,
    RecursiveMemoryEffect,
    SingleBlockImplicitTerminator,
    ensure_terminator,
)
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.addresses import Address, IndexExpr, verify_address
from snowdialect.dialects.operations import construct, operands_of
from snowdialect.dialects.snowflake.base import (
    BASE,
    UNALLOCATED,
    ScalarRegister,
    int_attr,
    is_base,
    parse_register,
    parse_registers,
    print_registers,
)
from snowdialect.machine.instructions import BY_NAME


@irdl_custom_directive
class RegisterAddress(Address):
    """An address over registers: `[%i * 640 + %t mod 2 * 16384 + 16]`."""

    map: AttributeVariable
    indices: VariadicOperandVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        super().parse(parser, state)
        count = len(state.operand_types[self.indices.index] or ())
        self.indices.set_types(state, [UNALLOCATED] * count)

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        printer.print_string(" ")
        super().print(printer, state, op)


@cache
def _segments(bases: int, indices: int) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, (bases, indices))


@irdl_op_definition
class AddressOp(IRDLOperation):
    """A linear function of counters and other values that loops carry, mod 2^32: what an address is before instructions
    compute it. In a region of memory whose address is open it counts from there: `snowflake.address %maps [%i * 4]`."""

    name = "snowflake.address"
    map = prop_def(AffineMapAttr)
    base = opt_operand_def(BASE)
    """The address of the region of memory that it lies in, while that is open."""
    indices = var_operand_def(UNALLOCATED)
    result = result_def(UNALLOCATED)
    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    custom_directives = (RegisterAddress,)
    assembly_format = "($base^)? custom<RegisterAddress>($map, $indices) attr-dict"

    def __init__(self, expression: IndexExpr) -> None:
        base, terms = in_region(expression)
        indices = expression.indices()
        if base is not None:
            expression = IndexExpr(expression.constant, terms, expression.parity)
            indices = (base, *expression.indices())
        segments = _segments(1, len(indices) - 1) if base is not None else _segments(0, len(indices))
        construct(
            self,
            operands=indices,
            properties={"map": expression.map(), AttrSizedOperandSegments.attribute_name: segments},
            result_types=[UNALLOCATED],
        )

    @property
    def expression(self) -> IndexExpr:
        # IRDL's accessors unpack the sizes of both groups of operands each time.
        operands, map = operands_of(self), cast(AffineMapAttr, self.properties["map"])
        if not operands or not is_base(operands[0]):
            return IndexExpr.of(map, operands)
        return IndexExpr.index(operands[0]) + IndexExpr.of(map, operands[1:])

    def verify_(self) -> None:
        verify_address(self.map, self.indices)


def in_region(expression: IndexExpr) -> tuple[SSAValue | None, tuple[tuple[SSAValue, int], ...]]:
    """The address of the region of memory that a linear function begins with, if any, and its other terms."""
    for value, _ in expression.linear:
        if is_base(value):
            return value, tuple(term for term in expression.linear if term[0] is not value)
    return None, expression.linear


@irdl_op_definition
class YieldOp(IRDLOperation):
    """Ends the body of a loop: the values that its next iteration, or what follows it, sees."""

    name = "snowflake.yield"
    values = var_operand_def(ScalarRegister)
    traits = lazy_traits_def(lambda: (IsTerminator(), HasParent(ForOp), NoMemoryEffect()))

    def __init__(self, *values: SSAValue) -> None:
        construct(self, operands=values)

    def print(self, printer: Printer) -> None:
        if self.values:
            printer.print_string(" ")
            printer.print_list(self.values, printer.print_ssa_value)
            print_registers(printer, self.values)

    @classmethod
    def parse(cls, parser: Parser) -> YieldOp:
        names = parser.parse_optional_undelimited_comma_separated_list(
            parser.parse_optional_unresolved_operand, parser.parse_unresolved_operand
        )
        registers = parse_registers(parser, len(names or ()))
        return cls(*map(parser.resolve_operand, names or (), registers))


@irdl_op_definition
class ForOp(RegisterAllocatableOperation, IRDLOperation):
    """A loop that runs `times` times. Its counter goes up from 1 - times and is zero in the last iteration.

    So one register that holds zero bounds every loop. The values in iter_args are carried from one iteration to the
    next; counter, carried values and results have registers of their own, each carried value the same one throughout.
    """

    name = "snowflake.for"
    times = prop_def(IntegerAttr[I32])
    iter_args = var_operand_def(ScalarRegister)
    res = var_result_def(ScalarRegister)
    body = region_def("single_block")
    traits = traits_def(SingleBlockImplicitTerminator(YieldOp), RecursiveMemoryEffect())

    def __init__(self, times: int, iter_args: Sequence[SSAValue], body: Region | None = None) -> None:
        types = [value.type for value in iter_args]
        region = Region(Block(arg_types=[UNALLOCATED, *types])) if body is None else body
        construct(
            self,
            operands=iter_args,
            result_types=types,
            properties={"times": int_attr(times)},
            regions=[region],
        )

    @property
    def block(self) -> Block:
        """The block of the body."""
        # Passes ask for it all the time, and IRDL's accessor of a region counts regions first.
        return self.regions[0].block

    @property
    def counter(self) -> BlockArgument:
        return self.block.args[0]

    @property
    def carried(self) -> Sequence[BlockArgument]:
        """The carried values, as the body sees them."""
        return self.block.args[1:]

    @property
    def yielded(self) -> YieldOp:
        terminator = self.block.last_op
        assert isinstance(terminator, YieldOp)
        return terminator

    @property
    def counts(self) -> range:
        """The values that the counter takes."""
        return range(1 - self.times.value.data, 1)

    def verify_(self) -> None:
        if self.times.value.data < 1:
            raise VerifyException(f"times {self.times.value.data}: a loop runs at least once")
        if not BY_NAME["mov"].field("immediate").fits(1 - self.times.value.data):
            raise VerifyException(f"times {self.times.value.data}: the counter does not fit into a MOV")
        args = self.block.args
        if len(args) != 1 + len(self.iter_args) or not all(isinstance(arg.type, ScalarRegister) for arg in args):
            raise VerifyException(f"the body takes the counter and {len(self.iter_args)} carried values")
        if len(self.yielded.values) != len(self.iter_args):
            raise VerifyException(f"yields {len(self.yielded.values)} values, carries {len(self.iter_args)}")
        for values in zip(self.carried, self.iter_args, self.yielded.values, self.results, strict=True):
            if len({value.type for value in values}) != 1:
                raise VerifyException(f"carried value %{values[0].name_hint} changes its register")

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.counter)
        printer.print_string(f" times {self.times.value.data}")
        if self.iter_args:
            printer.print_string(" iter_args")
            with printer.in_parens():
                printer.print_list(
                    zip(self.carried, self.iter_args, strict=True),
                    lambda pair: print_assignment(printer, *pair),
                )
        print_registers(printer, self.block.args)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False, print_block_terminators=bool(self.iter_args))

    @classmethod
    def parse(cls, parser: Parser) -> ForOp:
        counter = parser.parse_argument(expect_type=False)
        parser.parse_keyword("times")
        times = parser.parse_integer()
        pairs: list[tuple[Parser.UnresolvedArgument, UnresolvedOperand]] = []
        if parser.parse_optional_keyword("iter_args"):
            pairs = parser.parse_comma_separated_list(parser.Delimiter.PAREN, lambda: parse_assignment(parser))
        counter_register, *registers = parse_registers(parser, 1 + len(pairs))
        values = [
            parser.resolve_operand(operand, register) for (_, operand), register in zip(pairs, registers, strict=True)
        ]
        arguments = [arg.resolve(register) for (arg, _), register in zip(pairs, registers, strict=True)]
        body = parser.parse_region([counter.resolve(counter_register), *arguments])
        loop = cls(times, values, body)
        if not pairs:
            for trait in loop.get_traits_of_type(SingleBlockImplicitTerminator):
                ensure_terminator(loop, trait)
        return loop

    def allocate_registers(self, allocator: BlockAllocator) -> None:
        for value in allocator.live_ins_per_block[self.block]:
            allocator.allocate_value(value)
        groups = zip(self.carried, operands_of(self), operands_of(self.yielded), self.results, strict=True)
        for group in tuple(groups):
            allocator.allocate_values_same_reg(group)
        allocator.allocate_value(self.counter)
        # What is carried keeps its register throughout the body, also where no value of the body is in it.
        carried = [value.type for value in operands_of(self) if isinstance(value.type, ScalarRegister)]
        with allocator.available_registers.reserve_registers(carried):
            allocator.allocate_block(self.block)
        allocator.free_value(self.counter)

    def update_liveness(self, ctx: LivenessContext) -> None:
        inside = ctx.copy(set(self.yielded.values))
        inside.process_block(self.block)
        ctx.alive.update(inside.alive, self.iter_args)


@irdl_op_definition
class GetRegisterOp(RegisterAllocatableOperation, IRDLOperation):
    """The value that a register has wherever it is used: `%r4 = snowflake.get_register r4`. No instruction."""

    name = "snowflake.get_register"
    result = result_def(ScalarRegister)
    traits = traits_def(Pure())

    def __init__(self, register: ScalarRegister) -> None:
        super().__init__(result_types=[register])
        self.result.name_hint = register.register_name.data

    def print(self, printer: Printer) -> None:
        assert isinstance(self.result.type, ScalarRegister)
        printer.print_string(f" {self.result.type.register_name.data}")

    @classmethod
    def parse(cls, parser: Parser) -> GetRegisterOp:
        return cls(parse_register(parser))

    def allocate_registers(self, allocator: BlockAllocator) -> None:
        """It has its register."""

    def update_liveness(self, ctx: LivenessContext) -> None:
        """It reads nothing."""
