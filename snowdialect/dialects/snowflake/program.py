"""Programs, the stages they go through, and what must hold at each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.backend.assembly_printer import AssemblyPrinter, OneLineAssemblyPrintable
from xdsl.dialects.builtin import I32, I64, IntegerAttr, StringAttr, SymbolNameConstraint, i64
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Block, BlockArgument, Operation, Region, SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_attr_definition,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import (
    IsolatedFromAbove,
    MemoryReadEffect,
    MemoryWriteEffect,
    NoTerminator,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.operations import construct
from snowdialect.dialects.snowflake.base import BASE, InstructionOp, ScalarRegister, int_attr
from snowdialect.dialects.snowflake.instructions import BranchOp, ConfigOp, Configuration, RefillOp, is_instruction
from snowdialect.dialects.snowflake.structure import AddressOp, ForOp
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsType, PackedType
from snowdialect.machine import Machine
from snowdialect.machine.instructions import INSTRUCTION_BITS, WORD_BITS


class Stage(StrEnum):
    """How far a program has come; each pass of lowering/snowflake makes the next one of the one before."""

    STRUCTURED = "structured"
    """Values in SSA form, loops as operations."""
    ALLOCATED = "allocated"
    """Every value has a register."""
    BRANCHES = "branches"
    """Loops that fit a bank are labels and branches that take effect at once."""
    SCHEDULED = "scheduled"
    """Branches have delay slots."""
    PLACED = "placed"
    """One block of labels and instructions, cut into banks that fetch each other."""

    @property
    def allocated(self) -> bool:
        return self is not Stage.STRUCTURED

    @property
    def delayed(self) -> bool:
        """Whether the instructions in the delay slots of a branch execute before it takes effect."""
        return self in (Stage.SCHEDULED, Stage.PLACED)


@irdl_attr_definition
class StageAttr(EnumAttribute[Stage], SpacedOpaqueSyntaxAttribute):
    name = "snowflake.stage"


@irdl_op_definition
class LabelOp(IRDLOperation, OneLineAssemblyPrintable):
    """A place that branches of the same block go to. Effects unknown: nothing may move over it."""

    name = "snowflake.label"
    sym_name = prop_def(SymbolNameConstraint())
    traits = traits_def(SymbolOpInterface())
    assembly_format = "$sym_name attr-dict"

    def __init__(self, name: str) -> None:
        construct(self, properties={"sym_name": StringAttr(name)})

    def assembly_line(self) -> str:
        return f"{self.sym_name.data}:"


@irdl_op_definition
class FillOp(IRDLOperation, OneLineAssemblyPrintable):
    """Empty instructions until the next one lies at position `offset` of its bank."""

    name = "snowflake.fill"
    offset = prop_def(IntegerAttr[I32])
    assembly_format = "$offset attr-dict"

    def __init__(self, offset: int) -> None:
        super().__init__(properties={"offset": int_attr(offset)})

    def assembly_line(self) -> str:
        return AssemblyPrinter.assembly_line(".fill", str(self.offset.value.data))


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """What the control core runs from its start to `config done`. Its code lies at `code_address`, in transfers.

    `snowflake.program structured at 4096 over %0 : !tile.packed<6144> { ^0(%1 : !snowflake.base): ... }`: until it is
    linked, the addresses of the memory that it uses are open; in its body they are values, one for each region.
    """

    name = "snowflake.program"
    stage = prop_def(StageAttr)
    code_address = prop_def(IntegerAttr[I64])
    memory = var_operand_def(MapsType | PackedType)
    body = region_def("single_block")
    traits = traits_def(NoTerminator(), SymbolTable(), IsolatedFromAbove(), MemoryReadEffect(), MemoryWriteEffect())
    assembly_format = "$stage `at` $code_address (`over` $memory^ `:` type($memory))? $body attr-dict"

    def __init__(self, stage: Stage, code_address: int, body: Region, memory: Sequence[SSAValue] = ()) -> None:
        super().__init__(
            operands=[memory],
            properties={"stage": StageAttr(stage), "code_address": IntegerAttr(code_address, i64)},
            regions=[body],
        )

    def verify_(self) -> None:
        stage = self.stage.data
        if [arg.type for arg in self.body.block.args] != [BASE] * len(self.memory):
            raise VerifyException(f"the body takes the addresses of the {len(self.memory)} regions that it uses")
        if self.memory and stage is Stage.PLACED:
            raise VerifyException(
                "addresses are open in a program that is placed: snowflake-link should have filled them in"
            )
        for op in self.body.walk():
            _verify_stage(op, stage)
        for block in (self.body.block, *(op.block for op in self.body.walk() if isinstance(op, ForOp))):
            _verify_branches(block, stage)
        if stage is Stage.PLACED:
            _verify_banks(self.body.block, machine_of(self))

    @property
    def end(self) -> ConfigOp:
        """The `config done` that the program ends with; raises VerifyException when there is none."""
        return _end(self.body.block.last_op)

    @property
    def bases(self) -> Iterator[tuple[SSAValue, BlockArgument]]:
        """The regions of memory that it uses, and their addresses in the body."""
        return zip(self.memory, self.body.block.args, strict=True)

    def expect(self, stage: Stage, wanted_by: str) -> None:
        """Raises VerifyException when the program is not at a stage."""
        if self.stage.data is not stage:
            raise VerifyException(f"{wanted_by} wants a program that is {stage}, this one is {self.stage.data}")

    def advance(self, before: Stage, after: Stage, done_by: str) -> None:
        """Moves the program from one stage to the next; raises VerifyException when it is not at `before`."""
        self.expect(before, done_by)
        self.stage = StageAttr(after)


def positions(block: Block, bank: int) -> Iterator[tuple[Operation, int]]:
    """Each operation of a placed program and the position of the first instruction at or behind it.

    `bank` is the number of instructions in a bank. An instruction occupies its position; a fill those up to the
    position of what follows.
    """
    position = 0
    for op in block.ops:
        yield op, position
        if is_instruction(op):
            position += 1
        elif isinstance(op, FillOp):
            position += fill_length(op, position, bank)


def fill_length(fill: FillOp, position: int, bank: int) -> int:
    """How many empty instructions a fill at `position` stands for."""
    return max(0, fill.offset.value.data - position % bank)


def block_transfers(machine: Machine) -> int:
    """Transfers of memory that the instructions of one bank fill."""
    words = machine.icache_instructions * INSTRUCTION_BITS // WORD_BITS
    return -(-words // machine.transfer_words)


def _verify_stage(op: Operation, stage: Stage) -> None:
    """What the stage says about a single operation."""
    if isinstance(op, LabelOp | BranchOp) and stage in (Stage.STRUCTURED, Stage.ALLOCATED):
        raise VerifyException(f"{op.name} in a program that is {stage}: control flow is snowflake.for there")
    if isinstance(op, FillOp | RefillOp) and stage is not Stage.PLACED:
        raise VerifyException(f"{op.name} in a program that is {stage}: only a placed one has instruction banks")
    if isinstance(op, ForOp) and stage is Stage.PLACED:
        raise VerifyException("snowflake.for in a program that is placed: snowflake-place-banks should have removed it")
    if not stage.allocated:
        return
    if isinstance(op, AddressOp):
        raise VerifyException(
            f"snowflake.address in a program that is {stage}: snowflake-expand-addresses should have removed it"
        )
    arguments = [arg for region in op.regions for block in region.blocks for arg in block.args]
    for value in (*op.operands, *op.results, *arguments):
        if isinstance(value.type, ScalarRegister) and not value.type.is_allocated:
            raise VerifyException(f"{op.name} has a value without a register in a program that is {stage}")


def _verify_branches(block: Block, stage: Stage) -> None:
    """Targets are labels of the same block; delay slots hold instructions that are no branches."""
    labels = {op.sym_name.data for op in block.ops if isinstance(op, LabelOp)}
    for op in block.ops:
        if not isinstance(op, BranchOp):
            continue
        if op.label not in labels:
            raise VerifyException(f"{op.name} goes to @{op.label}, which is no label of the same block")
        if not stage.delayed:
            continue
        last: Operation = op
        for slot in range(1, machine_of(op).delay_slots + 1):
            follower = last.next_op
            if isinstance(follower, InstructionOp) and not isinstance(follower, BranchOp):
                last = follower
            else:
                found = "nothing" if follower is None else follower.name
                raise VerifyException(
                    f"delay slot {slot} of {op.name} to @{op.label} holds {found}, not an instruction that is no branch"
                )


def _verify_banks(block: Block, machine: Machine) -> None:
    """A branch, its delay slots and its target lie in one bank, its distance in its field; the program ends."""
    bank = machine.icache_instructions
    places = list(positions(block, bank))
    targets = {op.sym_name.data: position for op, position in places if isinstance(op, LabelOp)}
    last = None
    for op, position in places:
        if isinstance(op, FillOp) and not position % bank <= op.offset.value.data <= bank:
            raise VerifyException(
                f"snowflake.fill to {op.offset.value.data}, but the bank is filled to {position % bank} of {bank}"
            )
        if isinstance(op, InstructionOp):
            last = op
        if not isinstance(op, BranchOp):
            continue
        target = targets[op.label]
        if not position // bank == target // bank == (position + machine.delay_slots) // bank:
            raise VerifyException(
                f"{op.name} at {position} goes to @{op.label} at {target}: branch, delay slots and target "
                f"must lie in one bank of {bank} instructions"
            )
        field = op.ROW.field("target")
        if not field.fits(target - position):
            raise VerifyException(f"{op.name}: distance {target - position} does not fit into {field.width} bits")
    _end(last)


def _end(last: Operation | None) -> ConfigOp:
    if not isinstance(last, ConfigOp) or last.register.data is not Configuration.DONE:
        raise VerifyException("the program does not end with config done")
    return last
