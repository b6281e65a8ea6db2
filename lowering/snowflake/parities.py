"""Parities of loop counters (`%i mod 2`: which of two buffers a step uses) as carried values that flip: t = 1 - t."""

from __future__ import annotations

from itertools import compress

from xdsl.ir import Block, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.carried_values import carry
from lowering.snowflake.loops import all_loops, ops_in
from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import IndexExpr, LinearForm
from snowdialect.dialects.locations import located


def carry_parities(block: Block) -> None:
    """Replaces the parities in all addresses of a block and the loops in it."""
    loops = list(all_loops(block))
    parities: set[SSAValue] = set()
    for inner in (block, *(loop.block for loop in loops)):
        for op in ops_in(inner, snowflake.AddressOp):
            if any(parity := LinearForm.of(op.map.data).parity):
                parities.update(compress(op.indices, parity))
    for loop in loops:
        if loop.counter in parities:
            _carry_parity(loop)


def _carry_parity(loop: snowflake.ForOp) -> None:
    body, counter = loop.block, loop.counter
    parity = body.insert_arg(snowflake.UNALLOCATED, len(body.args))
    parity.name_hint = f"{counter.name_hint}_parity" if counter.name_hint else None
    for address in [use.operation for use in counter.uses]:
        if not isinstance(address, snowflake.AddressOp):
            continue
        expression = address.expression
        parities = dict(expression.parity)
        if coefficient := parities.pop(counter, 0):
            replaced = IndexExpr(expression.constant, expression.linear, tuple(parities.items()))
            new = located(snowflake.AddressOp(replaced + IndexExpr.index(parity, coefficient)), address.location)
            Rewriter.replace_op(address, new)
    first = located(snowflake.AddressOp(IndexExpr(loop.counts[0] % 2)), loop.location)
    negated = located(snowflake.MuliOp(parity, -1), loop.location)
    flipped = located(snowflake.AddiOp(negated.rd, 1), loop.location)
    Rewriter.insert_op(first, InsertPoint.before(loop))
    Rewriter.insert_op((negated, flipped), InsertPoint.before(loop.yielded))
    carry(loop, [first.result], [flipped.rd])
