"""Addresses to instructions: what no loop carries is computed from the loop counters, and from other addresses.

An address that differs from one computed before it in the same block by a constant is that value plus the constant:
one instruction where ADDI reaches, or where the distance is wanted more than once and then has a register. How many
values are kept for this follows from a count of live registers; what is not kept is computed anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from lowering.legality import check_removed
from lowering.snowflake.arithmetic import IMMEDIATE, Emitter, Terms, cost, signed
from lowering.snowflake.carried_values import separate_carried_values, separate_in_block
from lowering.snowflake.loops import loops_by_height, loops_in, ops_in
from lowering.snowflake.parities import carry_parities
from lowering.snowflake.pressure import liveness
from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.operations import replace_by
from snowdialect.dialects.snowflake import ForOp

_TEMPORARIES = 4
"""Registers kept back: computing one address may take two besides its result, and addresses that follow each other want
registers of their own, since each is read some cycles behind its computation."""


@dataclass(frozen=True)
class _Kept:
    """An address, or a constant, that is in a register."""

    terms: Terms
    constant: int
    value: SSAValue


@dataclass
class _BlockExpander:
    """Computes the addresses of one block; `live` is how many registers are taken at each of its operations."""

    live: Mapping[Operation, int]
    repeated: Counter[tuple[Terms, int]]
    """How often an address lies at a distance too large for ADDI from the one before it with the same terms."""
    kept: list[_Kept] = field(default_factory=list[_Kept])
    """What is in registers, used last last."""
    room: int = 0
    """How many registers there are for that where the block has come to."""

    def run(self, block: Block) -> None:
        for op in tuple(block.ops):
            self.room = max(0, len(snowflake.ALLOCATABLE) - self.live.get(op, 0) - _TEMPORARIES)
            self._forget()
            if type(op) is snowflake.AddressOp:
                replace_by(op, self._compute(Emitter(InsertPoint.before(op), op.location), op.expression))

    def _compute(self, emitter: Emitter, expression: IndexExpr) -> SSAValue:
        terms, constant = _parts(expression)
        if cost(expression) == 1 and not snowflake.in_region(expression)[1]:
            return emitter.linear(expression)
        relatives = [kept for kept in reversed(self.kept) if kept.terms == terms]
        for kept in relatives:
            if IMMEDIATE.fits(signed(constant - kept.constant)):
                self._keep(kept)
                return emitter.plus(kept.value, constant - kept.constant)
        value = self._from_afar(emitter, relatives, expression) or emitter.linear(expression)
        self._keep(_Kept(terms, constant, value))
        return value

    def _from_afar(self, emitter: Emitter, relatives: list[_Kept], expression: IndexExpr) -> SSAValue | None:
        """An address that only ADD reaches from another one; None where that takes no fewer instructions."""
        terms, constant = _parts(expression)
        for kept in relatives:
            step = self._distance(emitter, terms, signed(constant - kept.constant))
            if step is not None:
                return emitter.sum(kept.value, step)
        if relatives:
            distance = signed(constant - relatives[0].constant)
            if cost(IndexExpr(distance)) + 1 < cost(expression):
                return emitter.sum(relatives[0].value, emitter.constant(distance))
        return None

    def _distance(self, emitter: Emitter, terms: Terms, distance: int) -> SSAValue | None:
        """The register of a distance between addresses, if it has one or is worth one."""
        for kept in self.kept:
            if not kept.terms and kept.constant == distance:
                self._keep(kept)
                return kept.value
        if self.repeated[terms, distance] < 2 or self.room < 2:
            return None
        value = emitter.constant(distance)
        self._keep(_Kept(frozenset(), distance, value))
        return value

    def _keep(self, kept: _Kept) -> None:
        """Keeps a value, or that it was used now."""
        if kept in self.kept:
            self.kept.remove(kept)
        self.kept.append(kept)
        self._forget()

    def _forget(self) -> None:
        """Keeps no more than there is room for: what was used last."""
        del self.kept[: max(0, len(self.kept) - self.room)]


def _parts(expression: IndexExpr) -> tuple[Terms, int]:
    return frozenset(expression.linear), signed(expression.constant)


def _repeated(block: Block) -> Counter[tuple[Terms, int]]:
    found: Counter[tuple[Terms, int]] = Counter()
    last: dict[Terms, int] = {}
    for op in ops_in(block, snowflake.AddressOp):
        terms, constant = _parts(op.expression)
        distance = signed(constant - last.get(terms, constant))
        last[terms] = constant
        if not IMMEDIATE.fits(distance):
            found[terms, distance] += 1
    return found


def _expand(blocks: Iterable[Block], whole: Block | ForOp) -> None:
    """Expands the addresses directly in some blocks of a nest or program, none of which lies in another."""
    repeated = {block: _repeated(block) for block in blocks if ops_in(block, snowflake.AddressOp)}
    if repeated:
        live = liveness(whole).at
        for block, distances in repeated.items():
            _BlockExpander(live, distances).run(block)
            # A value that a loop starts from and that is kept as well has two registers, which count from here on.
            separate_in_block(block)


@dataclass(frozen=True)
class ExpandAddressesPass(ModulePass):
    """Replaces every snowflake.address by MOV, MULI, ADD and ADDI."""

    name = "snowflake-expand-addresses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                block = program.body.block
                carry_parities(block)
                separate_carried_values(block)
                for nest in loops_in(block):
                    for loops in loops_by_height(nest):
                        _expand([loop.block for loop in loops], nest)
                _expand([block], block)
        check_removed(op, self.name, illegal=(snowflake.AddressOp,))
