"""Random nests of loops through all passes to instruction banks: every stage executes the same vector instructions.

"The same" is exact: kind, operands' 32-bit words, lengths, flags, and configuration, in order. What the instructions
compute is tested elsewhere, so here they only leave a trace.
"""

from dataclasses import replace
from math import prod
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Block, Region, SSAValue
from xdsl.parser import Parser
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination

from lowering.driver import make_context
from lowering.loop_to_snowflake import ConvertLoopToSnowflakePass
from lowering.snowflake.allocate_registers import AllocateRegistersPass
from lowering.snowflake.expand_addresses import ExpandAddressesPass
from lowering.snowflake.fill_delay_slots import FillDelaySlotsPass
from lowering.snowflake.link import LinkPass
from lowering.snowflake.lower_control_flow import LowerControlFlowPass
from lowering.snowflake.place_banks import PlaceBanksPass
from lowering.snowflake.pressure import liveness
from lowering.snowflake.reduce_addresses import ReduceAddressesPass
from lowering.snowflake.schedule import SchedulePass
from snowdialect.dialects import loop, snowflake, tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import layer_name, name_location
from snowdialect.dialects.snowflake import InstructionOp, ProgramOp
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile.types import Mode, Space
from snowdialect.errors import SnowError
from snowdialect.interpreters.snowflake.code import Execution
from snowdialect.interpreters.snowflake.core import Core, Registers, Step
from snowdialect.interpreters.state import RunState
from snowdialect.layout import Segment
from snowdialect.machine import Machine, load_machine

MAX_DEPTH = 4
MAX_REPEATS = 60
REGION_STRIDE = 70_000
"""The largest stride in a region of memory: MOV reaches all of one whose address is open."""
TO_ALLOCATION = (ConvertLoopToSnowflakePass, ReduceAddressesPass, ExpandAddressesPass)
FROM_ALLOCATION = (AllocateRegistersPass, LowerControlFlowPass, FillDelaySlotsPass, LinkPass, PlaceBanksPass)


class Recorder(Core):
    """A core that writes down what it is told to do."""

    trace: list[Any]

    def _record(self, name: str, registers: Registers, *operands: Any) -> Step:
        first, second, *rest = operands

        def run() -> None:
            self.trace.append((name, registers[first], registers[second], *rest))

        return run

    def configure(self, register: str, value: int) -> Step:
        return lambda: self.trace.append((register, value))

    def load(self, registers: Registers, rd: int, rs: int, length: int) -> Step:
        return self._record("load", registers, rd, rs, length)

    def vmov(self, registers: Registers, rd: int, rs: int, mode: str, vmacs: int, flags: Any, tally: Any) -> Step:
        return self._record("vmov", registers, rd, rs, mode, vmacs, flags)

    def mac(self, registers: Registers, rm: int, rk: int, mode: str, length: int, flags: Any, tally: Any) -> Step:
        return self._record("mac", registers, rm, rk, mode, length, flags)


def programs(module: ModuleOp) -> list[ProgramOp]:
    return [op for op in module.body.block.ops if isinstance(op, ProgramOp)]


def trace(module: ModuleOp, machine: Machine) -> list[Any]:
    state = RunState()
    core = Recorder(machine, state)
    core.trace = []
    for program in programs(module):
        Execution(program, machine, state, core).run()
    return core.trace


@st.composite
def addresses(draw: st.DrawFn, indices: list[SSAValue], farthest: int = 3_000_000) -> IndexExpr:
    """A linear function of loop indices, with strides small, large, negative and beyond ADDI, and parities."""
    expression = IndexExpr(draw(st.sampled_from([0, 16, 48, 100_000])))
    for index in indices:
        if draw(st.booleans()):
            expression = expression + IndexExpr.index(index, draw(st.sampled_from([16, 640, -64, 70_000, farthest])))
        if draw(st.integers(0, 5)) == 0:
            expression = expression + (IndexExpr.index(index) + draw(st.integers(0, 1))).mod2() * 16384
    return expression


@st.composite
def bodies(draw: st.DrawFn, block: Block, indices: list[SSAValue], repeats: int, region: SSAValue) -> None:
    """Fills a block, which runs `repeats` times, with loops, traces, and loads whose CUs may follow an index."""
    for _ in range(draw(st.integers(1, 3))):
        times = draw(st.sampled_from([1, 2, 3, 5]))
        if len(indices) < MAX_DEPTH and repeats * times <= MAX_REPEATS and draw(st.booleans()):
            lower = draw(st.integers(-1, 2))
            nested = loop.ForOp(lower, lower + times)
            draw(bodies(nested.body.block, [*indices, nested.index], repeats * times, region))
            block.add_op(nested)
            continue
        first, second = draw(addresses(indices)), draw(addresses(indices))
        if draw(st.integers(0, 2)) == 0:
            first = draw(addresses(indices, REGION_STRIDE))
            cu_index = draw(st.sampled_from([None, *filter(shifts, indices)]))
            buffer = draw(st.sampled_from([loop.Buffer.MBUF, loop.Buffer.WBUF3]))
            block.add_op(loop.LoadOp(region, first, buffer, second, 1, draw(st.sampled_from([1, 3])), 0, cu_index))
        elif draw(st.booleans()):
            space = draw(st.sampled_from([Space.WBUF, Space.MBUF]))
            block.add_op(loop.StartOp(Mode.COOP, space, first, second, draw(st.sampled_from([1, 15])), 15))
        else:
            block.add_op(loop.MacOp(Mode.COOP, first, second, 16, 15, 15))


def shifts(index: SSAValue) -> bool:
    """Whether a mask may be shifted by all values of a loop index."""
    nested = index.owner.parent_op() if isinstance(index.owner, Block) else None
    return isinstance(nested, loop.ForOp) and nested.iterations.start >= 0


@st.composite
def modules(draw: st.DrawFn) -> ModuleOp:
    region = tile.RegionOp("maps", tile.MapsType.make(8, 8, 16, 128, 8, [Segment(16, 0)]))
    region.address = IntegerAttr(64, i64)
    layers: list[loop.LayerOp] = []
    for number in range(draw(st.integers(1, 2))):
        block = Block()
        draw(bodies(block, [], 1, region.result))
        layer = loop.LayerOp("conv2d", Region(block))
        layer.location = name_location(f"layer{number}")
        layers.append(layer)
    return ModuleOp([region, *layers])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(modules(), st.sampled_from([64, 96, 512]), st.booleans(), st.booleans(), st.booleans())
def test_every_pass_keeps_what_the_program_does(
    module: ModuleOp, bank: int, reduce: bool, cse: bool, schedule: bool
) -> None:
    machine = replace(load_machine(), icache_instructions=bank)
    set_machine(module, machine)
    passes = [
        *TO_ALLOCATION[: 1 + reduce],
        ExpandAddressesPass,
        *([CommonSubexpressionElimination] if cse else []),
        *([SchedulePass] if schedule else []),
        *FROM_ALLOCATION,
    ]
    expected: list[Any] | None = None
    for kind in passes:
        try:
            kind().apply(Context(), module)
        except SnowError as error:
            assume(not (cse and "registers at once" in str(error)))  # It merges values however far they are apart.
            raise
        module.verify()
        if expected is None:
            expected = trace(module, machine)
        assert trace(module, machine) == expected, kind.name
    assert len(programs(module)) == 1, "layers that follow each other are linked"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(modules())
def test_every_instruction_names_its_layer(module: ModuleOp) -> None:
    set_machine(module, load_machine())
    for kind in (*TO_ALLOCATION, SchedulePass, *FROM_ALLOCATION):
        kind().apply(Context(), module)
    for op in module.walk():
        if isinstance(op, InstructionOp):
            assert layer_name(op).startswith("layer"), op


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(modules())
def test_values_with_one_bit_are_never_live_at_once(module: ModuleOp) -> None:
    """As many registers are live at each operation, and instructions come in the same order, as when every value has a
    bit of its own."""
    set_machine(module, load_machine())
    for kind in (*TO_ALLOCATION[:1], ExpandAddressesPass):
        kind().apply(Context(), module)
    other = module.clone()
    found = [liveness(program.body.block).at for program in programs(module)]
    SchedulePass().apply(Context(), module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lowering.snowflake.pressure._Bits.release", lambda bits: None)
        alone = [liveness(program.body.block).at for program in programs(other)]
        SchedulePass().apply(Context(), other)
    assert [list(at.values()) for at in found] == [list(at.values()) for at in alone]
    assert str(module) == str(other)


def test_sets_of_registers_do_not_grow_with_the_loops() -> None:
    def bits(loops: int) -> int:
        block = Block()
        for _ in range(loops):
            nested = snowflake.ForOp(2, [])
            address = snowflake.AddiOp(nested.counter, 16)
            nested.body.block.add_ops([address, snowflake.MaxOp(address.rd, address.rd, 1), snowflake.YieldOp()])
            value = snowflake.MovOp(7)
            block.add_ops([value, nested, snowflake.MaxOp(value.rd, value.rd, 1)])
        ModuleOp([ProgramOp(snowflake.Stage.STRUCTURED, 0, Region(block))])
        return liveness(block).bits.given

    assert bits(4) == bits(40) < 10


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_loops_over_banks_that_begin_with_one(depth: int) -> None:
    """Each but the innermost holds another one, and nothing before it."""
    adds = "\n".join(f"%a{number} = snowflake.addi %r1, {number} : r1 -> r1" for number in range(70))
    body = f"snowflake.mac coop %i1, %i{depth}, 16 : r2, r{depth + 1}\n{adds}"
    for level in range(depth, 0, -1):
        body = f"snowflake.for %i{level} times {level + 1} : r{level + 1} {{\n{body}\n}}"
    text = f"""
        snowflake.program scheduled at 100 {{
          %r0 = snowflake.get_register r0
          %r1 = snowflake.get_register r1
          {body}
          snowflake.config done, 0
        }}
        """
    machine, context = replace(load_machine(), icache_instructions=64), make_context()
    module = Parser(context, text).parse_module()
    set_machine(module, machine)
    expected = trace(module, machine)
    assert [name for name, *_ in expected].count("mac") == prod(range(2, depth + 2))
    PlaceBanksPass().apply(context, module)
    module.verify()
    assert trace(module, machine) == expected


def test_a_program_that_needs_too_many_registers_is_one_line() -> None:
    block = Block()
    values = [snowflake.MovOp(number) for number in range(40)]
    nest = snowflake.ForOp(2, [])
    nest.body.block.add_ops(snowflake.MaxOp(value.rd, value.rd, 1) for value in values)
    nest.body.block.add_op(snowflake.YieldOp())
    nest.location = name_location("conv7")
    block.add_ops([*values, nest])
    module = ModuleOp([ProgramOp(snowflake.Stage.STRUCTURED, 0, Region(block))])
    with pytest.raises(Exception, match="^conv7: needs 41 registers at once, and 30 can hold values$"):
        AllocateRegistersPass().apply(Context(), module)
