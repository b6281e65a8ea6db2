"""Values that loops carry. Each has one register throughout: before the loop, in it, yielded, and behind it.

So every such value must be the only one that is wanted from its register; where it is not, copies make it so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count

from xdsl.ir import Block, BlockArgument, Operation, OpResult, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.loops import loops_in
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import operands_of
from snowdialect.dialects.snowflake import ForOp


def carry(loop: snowflake.ForOp, initial: Sequence[SSAValue], yielded: Sequence[SSAValue]) -> snowflake.ForOp:
    """Replaces a loop by one that carries more values: the last arguments of its body, which exist already."""
    body = loop.detach_region(loop.body)
    terminator = body.block.last_op
    assert isinstance(terminator, snowflake.YieldOp)
    terminator.operands = [*operands_of(terminator), *yielded]
    new = located(snowflake.ForOp(loop.times.value.data, [*operands_of(loop), *initial], body), loop.location)
    for old_result, result in zip(loop.results, new.results, strict=False):
        result.name_hint = old_result.name_hint
    Rewriter.replace_op(loop, new, new.results[: len(loop.results)])
    return new


def separate_carried_values(block: Block) -> None:
    """Inserts copies until no register that a loop carries is wanted by two values at once."""
    loops = loops_in(block)
    for loop in loops:
        separate_carried_values(loop.block)
    _Separator(block, loops).run()


def separate_in_block(block: Block) -> None:
    """Does so for the loops that are directly in a block, and for the loop whose body it is."""
    _Separator(block, loops_in(block)).run()


@dataclass(frozen=True)
class _Separator:
    """Separates what the loops of one block carry, and what the loop around it does."""

    block: Block
    loops: Sequence[ForOp]

    @cached_property
    def places(self) -> dict[Operation, float]:
        """Where each operation of the block is; a copy lies just before the loop that it is for."""
        return dict(zip(self.block.ops, count()))

    def run(self) -> None:
        for loop in self.loops:
            for place, value in enumerate(operands_of(loop)):
                if not self._ends_at(value, loop, place):
                    copy = located(snowflake.AddiOp(value, 0), loop.location)
                    self.places[copy] = self.places[loop] - 0.5
                    Rewriter.insert_op(copy, InsertPoint.before(loop))
                    loop.operands[place] = copy.rd
        if isinstance(around := self.block.parent_op(), ForOp):
            self._separate_yielded(around)

    def _ends_at(self, value: SSAValue, loop: ForOp, place: int) -> bool:
        """Whether nothing needs a value any more once a loop of the block has taken it over in `place`."""
        defined_in = value.block if isinstance(value, BlockArgument) else value.owner.parent
        if defined_in is not self.block:
            return False  # It comes from outside an enclosing loop, whose next iteration wants it again.
        for use in value.uses:
            user = _ancestor(use.operation, self.block)
            if user is loop:
                if use.operation is not loop or use.index != place:
                    return False
            elif self.places[user] > self.places[loop]:
                return False
        return True

    def _separate_yielded(self, loop: ForOp) -> None:
        """Copies what is yielded where it is not made after the last use of the value that it replaces."""
        terminator = loop.yielded
        yielded = operands_of(terminator)
        copied = [
            place
            for place, (carried, value) in enumerate(zip(loop.carried, yielded, strict=True))
            if not self._follows(value, carried) or yielded.count(value) > 1
        ]
        # Copies of several values could overwrite each other's sources: each goes through a register of its own.
        for _ in range(2 if len(copied) > 1 else 1):
            for place in copied:
                copy = located(snowflake.AddiOp(terminator.values[place], 0), loop.location)
                Rewriter.insert_op(copy, InsertPoint.before(terminator))
                terminator.operands[place] = copy.rd

    def _follows(self, yielded: SSAValue, carried: BlockArgument) -> bool:
        """Whether the yielded value can live in the register of the carried value from where it is made."""
        last: SSAValue = carried
        while (taken := self._taken_by(last)) is not None:
            last = taken
        first = yielded
        if first is last:
            return True
        while isinstance(first, OpResult) and isinstance(first.op, ForOp) and first.op.parent is self.block:
            first = operands_of(first.op)[first.index]
        if not isinstance(first, OpResult) or first.op.parent is not self.block:
            return False
        users = {_ancestor(use.operation, self.block) for use in last.uses}
        behind = first.op.next_op
        while behind is not None and behind not in users:
            behind = behind.next_op
        return behind is None

    def _taken_by(self, value: SSAValue) -> SSAValue | None:
        """The result of the loop in this block that carries on with a value, once no one else needs it."""
        for use in value.uses:
            user = use.operation
            if type(user) is ForOp and user.parent is self.block and self._ends_at(value, user, use.index):
                return user.results[use.index]
        return None


def _ancestor(op: Operation, block: Block) -> Operation:
    """The operation of the block that holds `op`, or is it."""
    while op.parent is not block:
        parent = op.parent_op()
        assert parent is not None, "a value is used outside the region that defines it"
        op = parent
    return op
