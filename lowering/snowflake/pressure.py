"""How many registers a program needs: which values share one, and how many are live at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xdsl.ir import Block, Operation, SSAValue

from snowdialect.dialects import snowflake
from snowdialect.dialects.snowflake import ForOp


def register_classes(block: Block) -> dict[SSAValue, SSAValue]:
    """For each value that loops carry, one value that stands for all that must be in the same register."""
    return _classes(op for op in block.walk() if isinstance(op, ForOp))


def _classes(loops: Iterable[ForOp]) -> dict[SSAValue, SSAValue]:
    parent: dict[SSAValue, SSAValue] = {}

    def root(value: SSAValue) -> SSAValue:
        while (above := parent.setdefault(value, value)) is not value:
            value = above
        return value

    for loop in loops:
        for carried, *others in zip(loop.carried, loop.iter_args, loop.yielded.values, loop.results, strict=True):
            representative = root(carried)
            for value in others:
                parent[root(value)] = representative
    return {value: root(value) for value in parent}


def loops_by_height(nest: ForOp) -> list[list[ForOp]]:
    """The loops of a nest, innermost ones first: those without inner loops, those with one level of them, ...

    What happens in one loop, or directly before it, leaves what is live in another one of the same height as it is, so
    a pass needs one count for each height.
    """
    levels: list[list[ForOp]] = []

    def height(loop: ForOp) -> int:
        own = max((height(op) + 1 for op in loop.body.block.ops if isinstance(op, ForOp)), default=0)
        levels.extend([] for _ in range(own + 1 - len(levels)))
        levels[own].append(loop)
        return own

    height(nest)
    return levels


def liveness(whole: ForOp | Block) -> Liveness:
    """What is live in a nest, all that the nest uses included, or in a block and the loops in it."""
    block = whole.body.block if isinstance(whole, ForOp) else whole
    live_ins: dict[Block, set[SSAValue]] = {}
    _find_live_ins(block, live_ins)
    loops = (loop for inner in live_ins if isinstance(loop := inner.parent_op(), ForOp))
    result = Liveness(_classes(loops), live_ins)
    if isinstance(whole, ForOp):
        result.enter(whole, set())
    else:
        result.walk(block, set())
    return result


def _find_live_ins(block: Block, found: dict[Block, set[SSAValue]]) -> None:
    """Finds what a block, and each one in it, uses and does not define; xDSL's lists of these keep an order, slowly."""
    used: set[SSAValue] = set()
    defined: set[SSAValue] = set(block.args)
    for op in block.ops:
        used.update(op.operands)
        defined.update(op.results)
        if isinstance(op, ForOp):
            _find_live_ins(op.body.block, found)
            used |= found[op.body.block]
    found[block] = used - defined


@dataclass
class Liveness:
    """Which registers are live where; one that loops carry is named by the value that stands for it."""

    classes: dict[SSAValue, SSAValue]
    live_ins: Mapping[Block, Iterable[SSAValue]]
    at: dict[Operation, int] = field(default_factory=dict[Operation, int])
    """How many registers are live at each operation; at a loop, the most inside it.

    An address counts with the temporary that its computation takes.
    """
    behind: dict[Operation, set[SSAValue]] = field(default_factory=dict[Operation, set[SSAValue]])
    """What is live directly behind each operation, its own results included."""
    throughout: dict[Block, set[SSAValue]] = field(default_factory=dict[Block, set[SSAValue]])
    """What is live in all of a block."""

    def of(self, values: Iterable[SSAValue]) -> set[SSAValue]:
        """The registers of values."""
        return {self.classes.get(value, value) for value in values}

    def enter(self, loop: ForOp, live: set[SSAValue]) -> set[SSAValue]:
        """Counts in a loop behind which `live` are wanted; returns what is live throughout it."""
        block = loop.body.block
        inside = live | self.of(self.live_ins[block]) | self.of(block.args)
        self.at[loop] = self.walk(block, inside)
        return inside - {loop.counter}

    def walk(self, block: Block, throughout: set[SSAValue]) -> int:
        """The most that are live in a block through all of which `throughout` are."""
        self.throughout[block] = throughout
        live = set(throughout)
        most = len(live)
        for op in reversed(block.ops):
            results = self.of(op.results)
            self.behind[op] = behind = live | results
            live = behind - (results - throughout)
            if isinstance(op, ForOp):
                live = self.enter(op, live)
                self.at[op] = max(self.at[op], len(behind))
            else:
                live |= self.of(op.operands)
                temporaries = 1 if isinstance(op, snowflake.AddressOp) and op.operands else 0
                self.at[op] = max(len(behind), len(live) + len(results - live)) + temporaries
            most = max(most, self.at[op])
        return most
