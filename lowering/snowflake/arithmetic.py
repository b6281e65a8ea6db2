"""Constants and linear functions as instructions: MOV has 22 bits, ADDI and MULI have 17."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint

from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import put
from snowdialect.machine.instructions import BY_NAME, INSTRUCTION_BITS

IMMEDIATE = BY_NAME["addi"].field("immediate")
CONSTANT = BY_NAME["mov"].field("immediate")
_LOW_BITS = IMMEDIATE.width - 2
"""MULI by two to this moves a MOV up; what is left below fits ADDI."""

LinearTerms = tuple[tuple[SSAValue, int], ...]

Terms = frozenset[tuple[SSAValue, int]]
"""A linear function without its constant."""


def signed(value: int) -> int:
    """A value mod 2^32 as a signed number."""
    half = 1 << INSTRUCTION_BITS - 1
    return (value + half) % (2 * half) - half


@dataclass
class Emitter:
    """Inserts instructions at a place; each method returns the value computed."""

    place: InsertPoint
    location: LocationAttr
    register: snowflake.ScalarRegister = snowflake.UNALLOCATED
    """Where every result goes."""

    def _insert(self, op: Operation) -> SSAValue:
        put((located(op, self.location),), self.place.block, self.place.insert_before)
        return op.results[0]

    def constant(self, value: int) -> SSAValue:
        """A constant mod 2^32 in one to three instructions."""
        value = signed(value)
        if CONSTANT.fits(value):
            return self._insert(snowflake.MovOp(value, self.register))
        high, low = value >> _LOW_BITS, value % (1 << _LOW_BITS)
        return self.plus(self._insert(snowflake.MuliOp(self.constant(high), 1 << _LOW_BITS, self.register)), low)

    def plus(self, value: SSAValue, constant: int) -> SSAValue:
        """The sum of a value and a constant mod 2^32; the value itself if that is zero."""
        constant = signed(constant)
        if not constant:
            return value
        if IMMEDIATE.fits(constant):
            return self._insert(snowflake.AddiOp(value, constant, self.register))
        part = IMMEDIATE.maximum if constant > 0 else IMMEDIATE.minimum
        if IMMEDIATE.fits(constant - part):
            return self.plus(self.plus(value, part), constant - part)
        return self.sum(value, self.constant(constant))

    def sum(self, value: SSAValue, other: SSAValue) -> SSAValue:
        """The sum of two values mod 2^32."""
        return self._insert(snowflake.AddOp(value, other, self.register))

    def times(self, value: SSAValue, factor: int) -> SSAValue:
        """The product of a value and a constant mod 2^32."""
        factor = signed(factor)
        if factor == 1:
            return value
        if IMMEDIATE.fits(factor):
            return self._insert(snowflake.MuliOp(value, factor, self.register))
        return self._insert(snowflake.MulOp(value, self.constant(factor), self.register))

    def linear(self, expression: IndexExpr) -> SSAValue:
        """A linear function mod 2^32, which must have no parities."""
        assert not expression.parity, "parities are carried before addresses are computed"
        base, terms = snowflake.in_region(expression)
        if base is not None:
            return self._plus_terms(self._insert(snowflake.MovBaseOp(base, expression.constant, self.register)), terms)
        constant = signed(expression.constant)
        if not expression.linear:
            return self.constant(constant)
        total: SSAValue | None = None
        if not IMMEDIATE.fits(constant):
            # What MOV and MULI build of a large constant comes first; its low bits join in at the end.
            low = 0 if CONSTANT.fits(constant) else constant % (1 << _LOW_BITS)
            total = self.constant(constant - low)
            constant = low
        return self.plus(self._plus_terms(total, terms), constant)

    def _plus_terms(self, total: SSAValue | None, terms: LinearTerms) -> SSAValue:
        for value, factor in terms:
            term = self.times(value, factor)
            total = term if total is None else self.sum(total, term)
        assert total is not None
        return total


def advance(value: SSAValue, distance: int, before: Operation) -> SSAValue:
    """The value plus a constant, computed just before an operation and for it; the value itself when that is zero."""
    return Emitter(InsertPoint.before(before), before.location).plus(value, distance) if distance else value


def cost(expression: IndexExpr) -> int:
    """How many instructions the computation of a linear function takes."""
    base, terms = snowflake.in_region(expression)
    constant = signed(expression.constant)
    if base is not None:
        instructions = 1
    else:
        instructions = 0 if not constant else 1 if IMMEDIATE.fits(constant) or CONSTANT.fits(constant) else 3
    return instructions + sum(1 if factor == 1 else 2 for _, factor in terms)
