"""Addresses to instructions: what no loop carries is computed from the loop counters."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint

from lowering.legality import check_removed
from lowering.snowflake.arithmetic import Emitter
from lowering.snowflake.parities import carry_parities
from snowdialect.dialects import snowflake


class ExpandAddress(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: snowflake.AddressOp, rewriter: PatternRewriter) -> None:
        value = Emitter(InsertPoint.before(op), op.location).linear(op.expression)
        rewriter.replace(op, (), [value])


@dataclass(frozen=True)
class ExpandAddressesPass(ModulePass):
    """Replaces every snowflake.address by MOV, MULI, ADD and ADDI."""

    name = "snowflake-expand-addresses"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in op.body.block.ops:
            if isinstance(program, snowflake.ProgramOp):
                carry_parities(program.body.block)
        PatternRewriteWalker(ExpandAddress(), apply_recursively=False).rewrite_module(op)
        check_removed(op, self.name, illegal=(snowflake.AddressOp,))
