"""Registers for values, with xDSL's allocator: block by block from the last operation to the first.

There is no scalar load or store, hence no spilling: a program that needs more registers is an error.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ordered_set import OrderedSet
from xdsl.backend.block_naive_allocator import BlockNaiveAllocator
from xdsl.backend.register_stack import RegisterStack
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import DiagnosticException

from lowering.legality import check_removed
from lowering.snowflake.carried_values import separate_carried_values
from lowering.snowflake.pressure import Register, live_ins, liveness, register_classes
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.operations import operands_of
from snowdialect.dialects.snowflake import ForOp, ScalarRegister
from snowdialect.errors import SnowError


class _Allocator(BlockNaiveAllocator):
    """xDSL's allocator, told which values are in one register because loops carry them."""

    def __init__(self, block: Block) -> None:
        super().__init__(RegisterStack.get(snowflake.ALLOCATABLE), ScalarRegister)
        self.live_ins_per_block = {inner: OrderedSet(used.values()) for inner, used in live_ins(block).items()}
        loops = [loop for inner in self.live_ins_per_block if isinstance(loop := inner.parent_op(), ForOp)]
        self.classes = register_classes(loops)
        self.members: defaultdict[Register, list[SSAValue]] = defaultdict(list)
        for loop in loops:
            for value in (*loop.carried, *operands_of(loop), *operands_of(loop.yielded), *loop.results):
                self.members[self.classes[id(value)]].append(value)

    def _replace_value_with_new_type(self, val: SSAValue, new_type: Attribute) -> SSAValue:
        # xDSL makes another value and puts it wherever this one is used, which takes as long as all else here.
        for member in self.members.get(self.classes.get(id(val), 0), (val,)):
            member._type = new_type  # pyright: ignore[reportPrivateUsage]
        return val


@dataclass(frozen=True)
class AllocateRegistersPass(ModulePass):
    """Gives every value a register."""

    name = "snowflake-allocate-registers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        check_removed(op, "snowflake-expand-addresses", illegal=(snowflake.AddressOp,))
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                separate_carried_values(program.body.block)
                _allocate(program.body.block)
                program.advance(snowflake.Stage.STRUCTURED, snowflake.Stage.ALLOCATED, self.name)


def _allocate(block: Block) -> None:
    """Raises SnowError, naming the layer, when registers run out."""
    try:
        _Allocator(block).allocate_block(block)
    except DiagnosticException as error:
        needs = {loop: liveness(loop).at[loop] for loop in block.ops if isinstance(loop, ForOp)}
        worst = max(needs, key=needs.__getitem__)
        raise SnowError(
            f"{layer_name(worst)}: needs {needs[worst]} registers at once, "
            f"and {len(snowflake.ALLOCATABLE)} can hold values"
        ) from error
