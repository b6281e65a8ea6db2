"""Parities of loop counters (`%i mod 2`: which of two buffers a step uses) as carried values that flip: t = 1 - t."""

from __future__ import annotations

from itertools import compress

from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.carried_values import carry
from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import IndexExpr, LinearForm
from snowdialect.dialects.locations import located


def carry_parities(block: Block) -> None:
    """Replaces the parities in all addresses of a block and the loops in it."""
    parities: set[SSAValue] = set()
    loops: list[snowflake.ForOp] = []
    for op in block.walk():
        if isinstance(op, snowflake.AddressOp):
            parity = LinearForm.of(op.map.data).parity
            if any(parity):
                parities.update(compress(op.indices, parity))
        elif op.regions:
            assert isinstance(op, snowflake.ForOp)
            loops.append(op)
    for loop in loops:
        if loop.counter in parities:
            _carry_parity(loop)


def _carry_parity(loop: snowflake.ForOp) -> None:
    body, counter = loop.body.block, loop.counter
    parity = body.insert_arg(snowflake.UNALLOCATED, len(body.args))
    parity.name_hint = f"{counter.name_hint}_parity" if counter.name_hint else None
    for use in tuple(counter.uses):
        address = use.operation
        if not isinstance(address, snowflake.AddressOp) or counter not in dict(address.expression.parity):
            continue
        expression = address.expression
        coefficient = dict(expression.parity)[counter]
        others = tuple(term for term in expression.parity if term[0] is not counter)
        replaced = IndexExpr(expression.constant, expression.linear, others)
        new = located(snowflake.AddressOp(replaced + IndexExpr.index(parity, coefficient)), address.location)
        Rewriter.replace_op(address, new)
    first = located(snowflake.AddressOp(IndexExpr(loop.counts[0] % 2)), loop.location)
    negated = located(snowflake.MuliOp(parity, -1), loop.location)
    flipped = located(snowflake.AddiOp(negated.rd, 1), loop.location)
    Rewriter.insert_op(first, InsertPoint.before(loop))
    Rewriter.insert_op((negated, flipped), InsertPoint.before(loop.yielded))
    carry(loop, [first.result], [flipped.rd])
