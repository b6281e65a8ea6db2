"""How many registers a program needs: which values share one, and how many are live at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from xdsl.ir import Block, Operation, SSAValue

from snowdialect.dialects import snowflake
from snowdialect.dialects.snowflake import ForOp, InstructionOp, ProgramOp

Register = int
"""The identity of a value; of values that loops carry, that of the one that stands for all. xDSL hashes values in
Python, which is most of the time that sets of them take."""

_NOTHING = frozenset[Register]()


def register_classes(loops: Iterable[ForOp]) -> dict[Register, Register]:
    """The register of each value that loops carry: one for all that must be in the same."""
    above: dict[Register, Register] = {}

    def root(value: Register) -> Register:
        while (next_above := above.setdefault(value, value)) != value:
            value = next_above
        return value

    for loop in loops:
        for carried, *others in zip(loop.carried, loop.iter_args, loop.yielded.operands, loop.results, strict=True):
            representative = root(id(carried))
            for value in others:
                above[root(id(value))] = representative
    return {value: root(value) for value in above}


def live_ins(block: Block) -> dict[Block, Mapping[Register, SSAValue]]:
    """For a block, and each one in it, what it uses and does not define, what is used last first.

    xDSL's sets of these keep their order, too, but take the square of the time.
    """
    found: dict[Block, Mapping[Register, SSAValue]] = {}
    _find_live_ins(block, found)
    return found


def _find_live_ins(block: Block, found: dict[Block, Mapping[Register, SSAValue]]) -> dict[Register, SSAValue]:
    used: dict[Register, SSAValue] = {}
    for op in reversed(block.ops):
        for result in op.results:
            used.pop(id(result), None)
        for operand in op.operands:
            used[id(operand)] = operand
        for region in op.regions:
            used |= _find_live_ins(region.block, found)
    for arg in block.args:
        used.pop(id(arg), None)
    found[block] = used
    return used


def liveness(whole: ForOp | Block) -> Liveness:
    """What is live in a nest, all that the nest uses included, or in a block and the loops in it."""
    block = whole.body.block if isinstance(whole, ForOp) else whole
    used = live_ins(block)
    loops = (loop for inner in used if isinstance(loop := inner.parent_op(), ForOp))
    result = Liveness(register_classes(loops), used, frozenset(map(id, _program_around(block).body.block.args)))
    if isinstance(whole, ForOp):
        result.enter(whole, set())
    else:
        result.walk(block, set())
    return result


def _program_around(block: Block) -> ProgramOp:
    op = block.parent_op()
    while not isinstance(op, ProgramOp):
        assert op is not None
        op = op.parent_op()
    return op


@dataclass
class Liveness:
    """Which registers are live where."""

    classes: Mapping[Register, Register]
    live_ins: Mapping[Block, Mapping[Register, SSAValue]]
    bases: frozenset[int]
    """Addresses of memory, by identity: they are values without registers."""
    at: dict[Operation, int] = field(default_factory=dict[Operation, int])
    """How many registers are live at each operation; at a loop, the most inside it.

    An address counts with the temporary that its computation takes.
    """
    behind: dict[Operation, set[Register]] = field(default_factory=dict[Operation, set[Register]])
    """What is live directly behind an instruction that no other one follows, its own results included."""
    throughout: dict[Block, set[Register]] = field(default_factory=dict[Block, set[Register]])
    """What is live in all of a block."""

    def of(self, values: Iterable[SSAValue]) -> set[Register]:
        """The registers of values."""
        register = self.classes.get
        found = {register(value, value) for value in map(id, values)}
        return found if found.isdisjoint(self.bases) else found - self.bases

    def enter(self, loop: ForOp, live: set[Register]) -> set[Register]:
        """Counts in a loop behind which `live` are wanted; returns what is live throughout it."""
        block = loop.body.block
        inside = live | self.of(self.live_ins[block].values()) | self.of(block.args)
        self.at[loop] = self.walk(block, inside)
        return inside - {id(loop.counter)}

    def walk(self, block: Block, throughout: set[Register]) -> int:
        """The most that are live in a block through all of which `throughout` are."""
        self.throughout[block] = throughout
        live = set(throughout)
        most = len(live)
        followed = False
        for op in reversed(block.ops):
            results = self.of(op.results) if op.results else _NOTHING
            live |= results
            count = len(live)
            is_last, followed = not followed, _is_instruction(type(op))
            if is_last and followed:
                self.behind[op] = set(live)
            live -= results - throughout
            if op.regions and isinstance(op, ForOp):
                live = self.enter(op, live)
                count = max(self.at[op], count)
            else:
                operands = op.operands
                live |= self.of(operands)
                count = max(count, len(live | results) if results else len(live))
                if type(op) is snowflake.AddressOp and operands:
                    count += 1
            self.at[op] = count
            most = max(most, count)
        return most


@cache
def _is_instruction(kind: type[Operation]) -> bool:
    return issubclass(kind, InstructionOp)
