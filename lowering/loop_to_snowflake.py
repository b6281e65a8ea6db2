"""Loops and traces to programs: one pattern an operation of the dialect `loop`.

Each layer becomes a `snowflake.program`; snowflake-link joins them when they are instructions. What an instruction
addresses is still a linear function, of loop counters and masks of CUs now: `snowflake.address`, one for each address
register it will take.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Operation, SSAValue, Use
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.legality import check_removed
from lowering.snowflake.arithmetic import CONSTANT
from snowdialect.dialects import loop, snowflake
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located
from snowdialect.dialects.snowflake import Configuration
from snowdialect.dialects.tile.memory import end_of_memory, region_address, region_end
from snowdialect.dialects.tile.types import Space
from snowdialect.machine.instructions import (
    BUFFER_MBUF,
    BUFFER_SHIFT,
    CONFIGURATION_MASK_SHIFT,
    KERNEL_SHIFT,
    UNIT_MASK_SHIFT,
)

_CU_0 = IndexExpr(1 << UNIT_MASK_SHIFT)
"""The mask of CU 0 in an on-chip word."""


def _on_chip(address: IndexExpr, cus: int, buffer: int = BUFFER_MBUF, cu: IndexExpr = _CU_0) -> IndexExpr:
    """The on-chip word of an address in one buffer of the CUs of a mask, which counts from `cu`, a mask of one."""
    return address + cu * cus + (buffer << BUFFER_SHIFT)


def _kernel(address: IndexExpr, vmacs: int = 0) -> IndexExpr:
    """The kernel word of an address in the weights buffers of the vMACs of a mask."""
    return address * (1 << KERNEL_SHIFT) + vmacs


def _over_counters(op: loop.LoopOp, name: str) -> IndexExpr:
    """An address of an operation in terms of the counters of the loops around it."""
    return op.address(name).over(_over_counter)


def _over_counter(index: SSAValue) -> IndexExpr:
    over_counter = index.owner
    assert isinstance(over_counter, snowflake.AddressOp)
    return over_counter.expression


def _first_cu(op: loop.TransferOp) -> IndexExpr:
    """The mask of the CU from which those of a transfer count."""
    return _CU_0 if op.cu_index is None else _over_counter(op.cu_index)


def is_relocatable(region: SSAValue) -> bool:
    """Whether the address of a region may stay open until programs are linked: a MOV reaches all of it. Others, more
    than 128 MB up, are constants of two instructions more, as they are."""
    return CONSTANT.fits(region_end(region))


def _in_memory(op: loop.LoadOp | loop.StoreOp, name: str) -> IndexExpr:
    """The address of a transfer in memory."""
    program = op.parent_op()
    while not isinstance(program, snowflake.ProgramOp):
        assert program is not None
        program = program.parent_op()
    base = program.base_of(op.region_value)
    start = IndexExpr(region_address(op.region_value)) if base is None else IndexExpr.index(base)
    return start + _over_counters(op, name)


def _replace(
    rewriter: PatternRewriter, op: Operation, addresses: Iterable[snowflake.AddressOp], new: Operation
) -> None:
    rewriter.replace(op, [located(made, op.location) for made in (*addresses, new)], [])


def _flags(op: Operation, *names: str) -> list[str]:
    return [name for name in names if name in op.properties]


@dataclass(frozen=True)
class LowerLayer(RewritePattern):
    """A program that ends with `done`. The layer's name is the location of all that is in it."""

    code_address: int

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.LayerOp, rewriter: PatternRewriter) -> None:
        for inner in op.body.walk():
            if isinstance(inner.location, UnknownLoc):
                inner.location = op.location
        body = rewriter.move_region_contents_to_new_regions(op.body)
        body.block.add_op(located(snowflake.ConfigOp(Configuration.DONE, 0), op.location))
        transfers = (inner for inner in body.block.walk() if isinstance(inner, loop.LoadOp | loop.StoreOp))
        memory = [value for value in dict.fromkeys(op.region_value for op in transfers) if is_relocatable(value)]
        for place in range(len(memory)):
            body.block.insert_arg(snowflake.BASE, place)
        program = snowflake.ProgramOp(snowflake.Stage.STRUCTURED, self.code_address, body, memory)
        rewriter.replace(op, located(program, op.location))


class LowerFor(RewritePattern):
    """A loop whose counter ends at zero. A loop with a single iteration is none.

    What is still to be lowered takes the index, as a function of the counter, from a `snowflake.address`. Where CUs
    follow the index, the loop carries the mask of one CU: twice the mask is that of the next.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.ForOp, rewriter: PatternRewriter) -> None:
        first, last = op.iterations[0], op.iterations[-1]
        before = InsertPoint.before(op)
        following = _following(op.index)
        first_cu = self._address(rewriter, op, before, _CU_0 * (1 << first)) if following else None
        if first == last:
            index, cu = self._address(rewriter, op, before, IndexExpr(last)), first_cu
            body = before
        else:
            new = located(snowflake.ForOp(len(op.iterations), [] if first_cu is None else [first_cu]), op.location)
            new.counter.name_hint = op.index.name_hint
            doubled = [located(snowflake.AddOp(mask, mask), op.location) for mask in new.carried]
            new.body.block.add_ops([*doubled, located(snowflake.YieldOp(*(mask.rd for mask in doubled)), op.location)])
            start = InsertPoint.at_start(new.body.block)
            index = self._address(rewriter, op, start, IndexExpr.index(new.counter) + last)
            cu = self._address(rewriter, op, start, IndexExpr.index(new.carried[0])) if following else None
            rewriter.insert(new, before)
            body = InsertPoint.before(doubled[0] if doubled else new.yielded)
        for use in following:
            assert cu is not None
            use.operation.operands[use.index] = cu
        rewriter.inline_block(op.body.block, body, [index])
        rewriter.erase(op)

    @staticmethod
    def _address(rewriter: PatternRewriter, op: loop.ForOp, place: InsertPoint, expression: IndexExpr) -> SSAValue:
        address = located(snowflake.AddressOp(expression), op.location)
        rewriter.insert(address, place)
        return address.result


def _following(index: SSAValue) -> list[Use]:
    """Where the CUs of transfers follow a loop index."""
    return [
        use for use in index.uses if isinstance(use.operation, loop.TransferOp) and use.operation.cu_place == use.index
    ]


class LowerConfig(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.ConfigOp, rewriter: PatternRewriter) -> None:
        value = op.value.value.data
        if op.cus is not None:
            value += op.cus.value.data << CONFIGURATION_MASK_SHIFT
        _replace(rewriter, op, (), snowflake.ConfigOp(Configuration(op.register.data.value), value))


class LowerLoad(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.LoadOp, rewriter: PatternRewriter) -> None:
        vmac = op.buffer.data.vmac
        buffer = BUFFER_MBUF if vmac is None else vmac
        target = snowflake.AddressOp(_on_chip(_over_counters(op, "target"), op.cus.value.data, buffer, _first_cu(op)))
        source = snowflake.AddressOp(_in_memory(op, "source"))
        load = snowflake.LdOp(target.result, source.result, op.units.value.data, op.load_unit.value.data)
        _replace(rewriter, op, (target, source), load)


class LowerStore(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.StoreOp, rewriter: PatternRewriter) -> None:
        source = snowflake.AddressOp(_on_chip(_over_counters(op, "source"), 1 << op.cu.value.data, cu=_first_cu(op)))
        target = snowflake.AddressOp(_in_memory(op, "target"))
        kind = snowflake.MoveKind.MEMORY
        store = snowflake.TmovOp(kind, target.result, source.result, op.units.value.data)
        _replace(rewriter, op, (target, source), store)


class LowerMove(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.MoveOp, rewriter: PatternRewriter) -> None:
        source = snowflake.AddressOp(_on_chip(_over_counters(op, "source"), 1 << op.source_cu.value.data))
        target = snowflake.AddressOp(_on_chip(_over_counters(op, "target"), 1 << op.target_cu.value.data))
        kind = snowflake.MoveKind.CLUSTER
        move = snowflake.TmovOp(kind, target.result, source.result, op.lines.value.data)
        _replace(rewriter, op, (source, target), move)


class LowerStart(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.StartOp, rewriter: PatternRewriter) -> None:
        cus, vmacs = op.cus.value.data, op.vmacs.value.data
        target = snowflake.AddressOp(_on_chip(_over_counters(op, "target"), cus))
        flags = _flags(op, "add", "alt", "last", "relu")
        if op.space.data is Space.MBUF:
            flags.append("bypass")
            source = snowflake.AddressOp(_on_chip(_over_counters(op, "source"), cus))
        else:
            source = snowflake.AddressOp(_kernel(_over_counters(op, "source"), vmacs))
        start = snowflake.VmovOp(op.mode, target.result, source.result, vmacs, flags)
        _replace(rewriter, op, (target, source), start)


class LowerMac(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.MacOp, rewriter: PatternRewriter) -> None:
        maps = snowflake.AddressOp(_on_chip(_over_counters(op, "maps"), op.cus.value.data))
        weights = snowflake.AddressOp(_kernel(_over_counters(op, "weights"), op.vmacs.value.data))
        flags = _flags(op, "last", "relu")
        trace = snowflake.MacOp(op.mode, maps.result, weights.result, op.words.value.data, flags)
        _replace(rewriter, op, (maps, weights), trace)


class LowerMax(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.MaxOp, rewriter: PatternRewriter) -> None:
        cus = op.cus.value.data
        source = snowflake.AddressOp(_on_chip(_over_counters(op, "source"), cus))
        target = snowflake.AddressOp(_on_chip(_over_counters(op, "target"), cus))
        flags = _flags(op, "first", "last")
        lines = snowflake.MaxOp(target.result, source.result, op.count.value.data, flags)
        _replace(rewriter, op, (target, source), lines)


class LowerWait(RewritePattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: loop.WaitOp, rewriter: PatternRewriter) -> None:
        value = (op.units.value.data << CONFIGURATION_MASK_SHIFT) + op.pending.value.data
        _replace(rewriter, op, (), snowflake.ConfigOp(Configuration.WAIT, value))


def _erase_unused(module: ModuleOp) -> None:
    """Loop indices are gone: every address has taken its own from the counters."""
    for op in tuple(module.walk()):
        if isinstance(op, snowflake.AddressOp) and not op.result.uses:
            Rewriter.erase_op(op)


@dataclass(frozen=True)
class ConvertLoopToSnowflakePass(ModulePass):
    """Lowers the dialect loop to structured programs of the dialect snowflake."""

    name = "convert-loop-to-snowflake"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        patterns = GreedyRewritePatternApplier(
            [
                LowerLayer(end_of_memory(op)),
                LowerFor(),
                LowerConfig(),
                LowerLoad(),
                LowerStore(),
                LowerMove(),
                LowerStart(),
                LowerMac(),
                LowerMax(),
                LowerWait(),
            ],
            dce_enabled=False,
        )
        PatternRewriteWalker(patterns, apply_recursively=False).rewrite_module(op)
        _erase_unused(op)
        check_removed(op, self.name, illegal=(loop.Loop.name,))
