"""Joins the programs of layers that follow each other without the host in between into one.

Until then each layer is a program of its own: nothing that a pass does in one depends on another, and all that they
agree on is that r0 holds zero. As any linker does, this pass makes labels unique, and of what every program brings
along, the registers that it names and its end, one is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.traits import MemoryEffectKind, only_has_effect

from lowering.snowflake.flat import RegisterFile
from lowering.snowflake.loops import all_loops, ops_in
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import inline, put, replace_by
from snowdialect.dialects.snowflake import (
    BranchOp,
    GetRegisterOp,
    LabelOp,
    MovBaseOp,
    ProgramOp,
    Stage,
    is_branch,
    target_of,
)
from snowdialect.dialects.tile.memory import ReshapeOp, end_of_memory, region_address


@dataclass(frozen=True)
class LinkPass(ModulePass):
    """Makes one program of each run of programs between which the host does nothing."""

    name = "snowflake-link"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for programs in tuple(_runs(op.body.block)):
            _join(programs, end_of_memory(op))
        for reshape in tuple(op.body.block.ops):
            # What maps look like is gone with the programs that asked for their addresses.
            if isinstance(reshape, ReshapeOp) and not reshape.result.uses:
                Rewriter.erase_op(reshape)


def _runs(block: Block) -> Iterator[list[ProgramOp]]:
    """Programs between which there is nothing but memory that is set aside."""
    run: list[ProgramOp] = []
    for op in block.ops:
        if isinstance(op, ProgramOp):
            run.append(op)
        elif run and not only_has_effect(op, MemoryEffectKind.ALLOC):
            yield run
            run = []
    if run:
        yield run


def _join(programs: Sequence[ProgramOp], code_address: int) -> None:
    """Puts what the programs hold into the last one, whose code lies from an address on, or further up."""
    *before, last = programs
    linked = Block()
    registers, numbers = RegisterFile(linked), count()
    for program in programs:
        program.expect(Stage.SCHEDULED, LinkPass.name)
        _fill_in_addresses(program)
        block = program.body.block
        _rename_labels(block, numbers)
        if program is not last:
            Rewriter.erase_op(program.end)
        for op in ops_in(block, GetRegisterOp):
            replace_by(op, registers.of(op.result))
        inline(block, linked)
    last.detach_region(last.body)
    last.add_region(Region(linked))
    last.code_address = IntegerAttr(max(code_address, last.code_address.value.data), i64)
    for program in before:
        Rewriter.erase_op(program)


def _fill_in_addresses(program: ProgramOp) -> None:
    """Makes all relocations instructions; what no MOV can say has been a constant all along."""
    for region, base in program.bases:
        address = region_address(region)
        for relocation in [use.operation for use in base.uses]:
            assert isinstance(relocation, MovBaseOp)
            mov = located(relocation.linked(address), relocation.location)
            assert relocation.parent is not None
            put((mov,), relocation.parent, relocation)
            replace_by(relocation, mov.rd)
    program.operands = ()
    for base in tuple(program.body.block.args):
        program.body.block.erase_arg(base)


def _rename_labels(block: Block, numbers: Iterator[int]) -> None:
    """Names the labels of a program by the next numbers."""
    blocks = (block, *(loop.block for loop in all_loops(block)))
    names: dict[str, str] = {}
    branches: list[BranchOp] = []
    for op in (op for inner in blocks for op in inner.ops):
        if type(op) is LabelOp:
            names[op.sym_name.data] = name = f"loop{next(numbers)}"
            op.sym_name = StringAttr(name)
        elif is_branch(op):
            branches.append(op)
    for branch in branches:
        branch.target = target_of(names[branch.label])
