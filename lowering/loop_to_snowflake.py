"""Loops and traces to programs: one rule an operation of the dialect `loop`.

Each layer becomes a `snowflake.program`; snowflake-link joins them when they are instructions. What an instruction
addresses is still a linear function, of loop counters and masks of CUs now: `snowflake.address`, one for each address
register it will take. All of a layer becomes something else, so the program is written anew, in one walk.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import singledispatch

from xdsl.context import Context
from xdsl.dialects.builtin import LocationAttr, ModuleOp, UnknownLoc
from xdsl.ir import Block, BlockArgument, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from lowering.legality import check_removed
from lowering.snowflake.arithmetic import CONSTANT
from snowdialect.dialects import loop, snowflake
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import put
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


def _kernel(address: IndexExpr, vmacs: int) -> IndexExpr:
    """The kernel word of an address in the weights buffers of the vMACs of a mask."""
    return address * (1 << KERNEL_SHIFT) + vmacs


def is_relocatable(region: SSAValue) -> bool:
    """Whether the address of a region may stay open until programs are linked: a MOV reaches all of it. Others, more
    than 128 MB up, are constants of two instructions more, as they are."""
    return CONSTANT.fits(region_end(region))


@dataclass
class _Program:
    """The program that a layer becomes, as far as it is written."""

    block: Block
    """Where the next operation goes, behind all others: in the whole program, or in the body of a loop."""
    whole: Block
    layer: LocationAttr
    """The name of the layer, the location of all that has none of its own."""
    bases: dict[SSAValue, BlockArgument] = field(default_factory=dict[SSAValue, BlockArgument])
    """The addresses of regions of memory that are open."""
    indices: dict[SSAValue, IndexExpr] = field(default_factory=dict[SSAValue, IndexExpr])
    """The indices of loops as functions of counters."""
    masks: dict[SSAValue, IndexExpr] = field(default_factory=dict[SSAValue, IndexExpr])
    """The mask of the CU that follows the index of a loop."""

    def lower(self, block: Block) -> None:
        """Adds what the operations of a block become."""
        for op in block.ops:
            _lower(op, self)

    def add(self, source: Operation, *made: Operation) -> None:
        """Adds what an operation becomes, with its location."""
        location = self.layer if isinstance(source.location, UnknownLoc) else source.location
        put((located(op, location) for op in made), self.block)

    def address(self, op: loop.LoopOp, name: str) -> IndexExpr:
        """An address of an operation in terms of the counters of the loops around it."""
        return op.address(name).over(self.indices.__getitem__)

    def in_memory(self, op: loop.LoadOp | loop.StoreOp, name: str) -> IndexExpr:
        """The address of a transfer in memory."""
        region = op.region_value
        if not is_relocatable(region):
            return self.address(op, name) + region_address(region)
        if region not in self.bases:
            self.bases[region] = self.whole.insert_arg(snowflake.BASE, len(self.bases))
        return IndexExpr.index(self.bases[region]) + self.address(op, name)

    def first_cu(self, op: loop.TransferOp) -> IndexExpr:
        """The mask of the CU from which those of a transfer count; a loop whose index they follow carries it."""
        if op.cu_index is None:
            return _CU_0
        if op.cu_index not in self.masks:
            ((counter, _),) = self.indices[op.cu_index].linear
            assert isinstance(counter, BlockArgument)
            self.masks[op.cu_index] = IndexExpr.index(counter.block.insert_arg(snowflake.UNALLOCATED, 1))
        return self.masks[op.cu_index]


def _flags(op: Operation, *names: str) -> list[str]:
    return [name for name in names if name in op.properties]


@singledispatch
def _lower(op: Operation, program: _Program) -> None:
    """Adds to a program what an operation becomes. What there is no rule for stays, and is reported in the end."""
    op.detach()
    program.block.add_op(op)


@_lower.register
def _(op: loop.ForOp, program: _Program) -> None:
    """A loop whose counter ends at zero. A loop with a single iteration is none.

    Where CUs follow the index, the loop carries the mask of one CU: twice the mask is that of the next.
    """
    first, last = op.iterations[0], op.iterations[-1]
    if first == last:
        program.indices[op.index] = IndexExpr(last)
        # Only CUs follow an index with a mask, and there is none before the first one.
        program.masks[op.index] = _CU_0 * (1 << max(0, first))
        program.lower(op.body.block)
        return
    body = Block(arg_types=[snowflake.UNALLOCATED])
    counter = body.args[0]
    counter.name_hint = op.index.name_hint
    program.indices[op.index] = IndexExpr.index(counter) + last
    inside = replace(program, block=body)
    inside.lower(op.body.block)
    masks = [snowflake.AddressOp(_CU_0 * (1 << first)) for _ in body.args[1:]]
    doubled = [snowflake.AddOp(mask, mask) for mask in body.args[1:]]
    inside.add(op, *doubled, snowflake.YieldOp(*(mask.rd for mask in doubled)))
    program.add(op, *masks, snowflake.ForOp(len(op.iterations), [mask.result for mask in masks], Region(body)))


@_lower.register
def _(op: loop.ConfigOp, program: _Program) -> None:
    value = op.value.value.data
    if op.cus is not None:
        value += op.cus.value.data << CONFIGURATION_MASK_SHIFT
    program.add(op, snowflake.ConfigOp(Configuration(op.register.data.value), value))


@_lower.register
def _(op: loop.LoadOp, program: _Program) -> None:
    vmac = op.buffer.data.vmac
    buffer = BUFFER_MBUF if vmac is None else vmac
    on_chip = _on_chip(program.address(op, "target"), op.cus.value.data, buffer, program.first_cu(op))
    target = snowflake.AddressOp(on_chip)
    source = snowflake.AddressOp(program.in_memory(op, "source"))
    load = snowflake.LdOp(target.result, source.result, op.units.value.data, op.load_unit.value.data)
    program.add(op, target, source, load)


@_lower.register
def _(op: loop.StoreOp, program: _Program) -> None:
    on_chip = _on_chip(program.address(op, "source"), 1 << op.cu.value.data, cu=program.first_cu(op))
    source = snowflake.AddressOp(on_chip)
    target = snowflake.AddressOp(program.in_memory(op, "target"))
    kind = snowflake.MoveKind.MEMORY
    program.add(op, target, source, snowflake.TmovOp(kind, target.result, source.result, op.units.value.data))


@_lower.register
def _(op: loop.MoveOp, program: _Program) -> None:
    source = snowflake.AddressOp(_on_chip(program.address(op, "source"), 1 << op.source_cu.value.data))
    target = snowflake.AddressOp(_on_chip(program.address(op, "target"), 1 << op.target_cu.value.data))
    kind = snowflake.MoveKind.CLUSTER
    program.add(op, source, target, snowflake.TmovOp(kind, target.result, source.result, op.lines.value.data))


@_lower.register
def _(op: loop.StartOp, program: _Program) -> None:
    cus, vmacs = op.cus.value.data, op.vmacs.value.data
    target = snowflake.AddressOp(_on_chip(program.address(op, "target"), cus))
    flags = _flags(op, "add", "alt", "last", "relu")
    if op.space.data is Space.MBUF:
        flags.append("bypass")
        source = snowflake.AddressOp(_on_chip(program.address(op, "source"), cus))
    else:
        source = snowflake.AddressOp(_kernel(program.address(op, "source"), vmacs))
    program.add(op, target, source, snowflake.VmovOp(op.mode, target.result, source.result, vmacs, flags))


@_lower.register
def _(op: loop.MacOp, program: _Program) -> None:
    maps = snowflake.AddressOp(_on_chip(program.address(op, "maps"), op.cus.value.data))
    weights = snowflake.AddressOp(_kernel(program.address(op, "weights"), op.vmacs.value.data))
    flags = _flags(op, "last", "relu")
    program.add(op, maps, weights, snowflake.MacOp(op.mode, maps.result, weights.result, op.words.value.data, flags))


@_lower.register
def _(op: loop.MaxOp, program: _Program) -> None:
    cus = op.cus.value.data
    source = snowflake.AddressOp(_on_chip(program.address(op, "source"), cus))
    target = snowflake.AddressOp(_on_chip(program.address(op, "target"), cus))
    flags = _flags(op, "first", "last")
    program.add(op, target, source, snowflake.MaxOp(target.result, source.result, op.count.value.data, flags))


@_lower.register
def _(op: loop.WaitOp, program: _Program) -> None:
    value = (op.units.value.data << CONFIGURATION_MASK_SHIFT) + op.pending.value.data
    program.add(op, snowflake.ConfigOp(Configuration.WAIT, value))


def _program_of(layer: loop.LayerOp, code_address: int) -> snowflake.ProgramOp:
    """A program that ends with `done`. The layer's name is the location of all that is in it."""
    whole = Block()
    program = _Program(whole, whole, layer.location)
    program.lower(layer.body.block)
    program.add(layer, snowflake.ConfigOp(Configuration.DONE, 0))
    made = snowflake.ProgramOp(snowflake.Stage.STRUCTURED, code_address, Region(whole), tuple(program.bases))
    return located(made, layer.location)


@dataclass(frozen=True)
class ConvertLoopToSnowflakePass(ModulePass):
    """Lowers the dialect loop to structured programs of the dialect snowflake."""

    name = "convert-loop-to-snowflake"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        code_address = end_of_memory(op)
        for layer in op.body.block.ops:
            if isinstance(layer, loop.LayerOp):
                Rewriter.replace_op(layer, _program_of(layer, code_address))
        check_removed(op, self.name, illegal=(loop.Loop.name,))
