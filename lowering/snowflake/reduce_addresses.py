"""Strength reduction: addresses that advance with a loop become values that the loop carries.

From the innermost loop outwards, each loop takes as many of the addresses in its body as registers allow; the others
stay, to be computed from the counters in every iteration. Addresses that differ only by a constant form a family and
share one carried value. It runs through the body: what an inner loop carries starts as that value and ends as it, at
a known distance, so a family takes one register for the whole nest of loops.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.arithmetic import IMMEDIATE, Emitter, Terms, advance, cost
from lowering.snowflake.carried_values import carry, separate_carried_values, separate_in_block
from lowering.snowflake.loops import loops_by_height, loops_in, ops_in
from lowering.snowflake.parities import carry_parities
from lowering.snowflake.pressure import liveness
from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import operands_of, replace_by
from snowdialect.dialects.snowflake import ForOp

_TEMPORARIES = 3
"""Registers kept back: a step too large for ADDI takes one at the end of the body, and where addresses are computed one
after the other, each is read some cycles behind its computation."""
_FOR_OUTER_LOOPS = 6
"""Registers that a loop leaves to the loops around it when all that it saves is one ADDI."""


@dataclass
class Family:
    """Addresses of one loop body that differ by a constant only, in the order of the body."""

    step: IndexExpr
    """How far they advance in an iteration: by a number, and by values that the loop doubles."""
    end: Operation
    """In front of what they advance, at the end of the body, where what is doubled still is as they have it."""
    initial: IndexExpr
    """What they have from outside of the loop, without their constants: what is doubled as it is in the beginning."""
    members: dict[snowflake.AddressOp, IndexExpr] = field(default_factory=dict[snowflake.AddressOp, IndexExpr])
    """Each address, and what it is."""

    @cached_property
    def base(self) -> int:
        """The constant of the first one."""
        return next(iter(self.members.values())).constant

    @cached_property
    def saving(self) -> int:
        """Instructions of an iteration that go when the family is carried."""
        return sum(map(cost, self.members.values()))


@dataclass
class NestReducer:
    """Reduces the loops of a nest; `travel` is how far each carried value moves in all of its loop."""

    travel: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def reduce(self, nest: ForOp) -> None:
        separate_carried_values(nest.block)
        for loops in loops_by_height(nest):
            live = liveness(nest).at
            for loop in loops:
                body = loop.block
                self._reduce_loop(loop, len(snowflake.ALLOCATABLE) - live[loop] - _TEMPORARIES)
                separate_in_block(body)

    def _reduce_loop(self, loop: ForOp, spare: int) -> None:
        initial: list[SSAValue] = []
        yielded: list[SSAValue] = []
        unchanged: list[Family] = []
        for family in sorted(_families(loop), key=lambda family: -family.saving):
            runs = family.step != IndexExpr() or any(self._inner_loop(member) for member in family.members)
            if not spare:
                break
            spare -= 1
            if runs:
                first, last = self._carry(loop, family)
                initial.append(first)
                yielded.append(last)
            else:
                unchanged.append(family)
        for family in unchanged:
            spare -= _hoist(loop, family, spare - _FOR_OUTER_LOOPS)
        body = loop.block
        if initial:
            carry(loop, initial, yielded)
        _share(body, spare)

    def _inner_loop(self, member: snowflake.AddressOp) -> tuple[ForOp, int] | None:
        """The inner loop that begins with this address, and the place of the value that it carries."""
        (result,) = member.results
        use = result.get_unique_use()
        if use is None or not isinstance(inner := use.operation, ForOp) or inner.parent is not member.parent:
            return None
        return (inner, use.index) if inner.carried[use.index] in self.travel else None

    def _carry(self, loop: ForOp, family: Family) -> tuple[SSAValue, SSAValue]:
        """Makes the body take its addresses from a new argument; returns its first value and the one to yield."""
        body = loop.block
        pointer = body.insert_arg(snowflake.UNALLOCATED, len(body.args))
        current: SSAValue = pointer
        distance = 0
        followers = (*tuple(family.members)[1:], None)
        for (member, expression), follower in zip(family.members.items(), followers, strict=True):
            wanted = expression.constant - family.base
            value = advance(current, wanted - distance, member)
            inner = self._inner_loop(member)
            replace_by(member, value)
            if inner is None or value is not current:
                continue  # A value that was moved on has a register of its own, which is free behind the inner loop.
            if follower is None or inner[0].is_before_in_block(follower):
                current = inner[0].results[inner[1]]
                distance = wanted + self.travel[inner[0].carried[inner[1]]]
        emitter = Emitter(InsertPoint.before(family.end), loop.location)
        last = emitter.plus(current, family.step.constant - distance)
        for value, factor in family.step.linear:
            last = emitter.sum(last, emitter.times(value, factor))
        first = family.initial + (family.base + family.step.constant * loop.counts[0])
        start = located(snowflake.AddressOp(first), loop.location)
        Rewriter.insert_op(start, InsertPoint.before(loop))
        if not family.step.linear:
            self.travel[pointer] = family.step.constant * len(loop.counts)
        return start.result, last


def _doubled(loop: ForOp) -> dict[SSAValue, Operation]:
    """The carried values that the loop doubles in every iteration, and what does it."""
    found: dict[SSAValue, Operation] = {}
    for carried, value in zip(loop.carried, operands_of(loop.yielded), strict=True):
        if isinstance(value.owner, snowflake.AddOp) and operands_of(value.owner) == (carried, carried):
            found[carried] = value.owner
    return found


def _families(loop: ForOp) -> list[Family]:
    """The addresses directly in the body that are known one iteration ahead."""
    families: list[Family] = []
    with_terms: defaultdict[tuple[IndexExpr, Terms], list[Family]] = defaultdict(list)
    doubled = _doubled(loop)
    before = {value: _before(loop, value) for value in doubled}
    for op in ops_in(loop.block, snowflake.AddressOp):
        expression = op.expression
        terms = dict(expression.linear)
        number = terms.pop(loop.counter, 0)
        step = IndexExpr(number, tuple((value, terms.pop(value)) for value in doubled if value in terms))
        if any(isinstance(value, BlockArgument) and value.owner is loop.block for value in terms):
            continue
        alike = with_terms[step, frozenset(terms.items())]
        family = next((family for family in alike if IMMEDIATE.fits(expression.constant - family.base)), None)
        if family is None:
            initial = IndexExpr(0, tuple(terms.items())) + IndexExpr(0, step.linear).over(before.__getitem__)
            ends = [end for value, end in doubled.items() if value in dict(step.linear)]
            family = Family(step, ends[0] if ends else loop.yielded, initial)
            alike.append(family)
            families.append(family)
        family.members[op] = expression
    return families


def _before(loop: ForOp, carried: SSAValue) -> IndexExpr:
    """What a carried value is when the loop begins."""
    value = loop.iter_args[loop.carried.index(carried)]
    return value.owner.expression if isinstance(value.owner, snowflake.AddressOp) else IndexExpr.index(value)


def _hoist(loop: ForOp, family: Family, spare: int) -> int:
    """Computes addresses that the loop does not change before it, the first and as many others as registers allow.

    What remains is a constant away from the first. Returns how many registers were taken besides that of the first.
    """
    hoisted: dict[int, SSAValue] = {}
    for member, expression in family.members.items():
        constant = expression.constant
        if constant in hoisted:
            replace_by(member, hoisted[constant])
        elif len(hoisted) <= max(0, spare):
            member.detach()
            Rewriter.insert_op(member, InsertPoint.before(loop))
            hoisted[constant] = member.result
        else:
            distance = constant - family.base
            value = advance(hoisted[family.base], distance, member)
            replace_by(member, value)
    return len(hoisted) - 1


def _share(body: Block, registers: int) -> None:
    """Lets addresses of a loop body that are as far from the same value share the computation, as long as no more of
    them wait for a later use than there are registers."""
    known = OrderedDict[tuple[SSAValue, int], SSAValue]()
    for op in ops_in(body, snowflake.AddiOp):
        carried = any(isinstance(use.operation, ForOp | snowflake.YieldOp) for use in op.rd.uses)
        if carried or not op.immediate.value.data:
            continue  # What a loop carries, and each copy, has a register of its own.
        key = op.rs, op.immediate.value.data
        if key in known:
            replace_by(op, known[key])
        elif registers > 0:
            known[key] = op.rd
        if key in known:
            known.move_to_end(key)
        while len(known) > max(0, registers):
            known.popitem(last=False)


@dataclass(frozen=True)
class ReduceAddressesPass(ModulePass):
    """Carries addresses through loops instead of computing them anew. Optional: the result stays correct without."""

    name = "snowflake-reduce-addresses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                carry_parities(program.body.block)
                for nest in loops_in(program.body.block):
                    NestReducer().reduce(nest)
