"""Where snowflake-place-banks puts the banks of a program."""

from dataclasses import replace

import pytest
from xdsl.context import Context
from xdsl.parser import Parser

from lowering import driver
from lowering.snowflake.place_banks import PlaceBanksPass
from snowdialect.dialects import snowflake
from snowdialect.dialects.target import set_machine
from snowdialect.machine import load_machine

BANKS = replace(load_machine(), name="banks", icache_instructions=64)
BODY = [snowflake.ScalarRegister.from_name(name) for name in ("r1", "r2", "r3")]
"""The registers that the loop writes."""


def looped(context: Context, length: int) -> snowflake.ProgramOp:
    """A loop of a load, behind which the fetch of its bank comes, and so many more instructions."""
    adds = "\n".join(f"%a{number} = snowflake.addi %r1, {number} : r1 -> r1" for number in range(length))
    module = Parser(
        context,
        f"""
        snowflake.program scheduled at 100 {{
          %r0 = snowflake.get_register r0
          %r1 = snowflake.get_register r1
          %r2 = snowflake.get_register r2
          snowflake.for %i times 3 : r3 {{
            %b = snowflake.addi %r2, 7 : r2 -> r2
            snowflake.ld %r1, %r1, 1, 0 : r1, r1
            {adds}
          }}
          snowflake.config done, 0
        }}
        """,
    ).parse_module()
    set_machine(module, BANKS)
    PlaceBanksPass().apply(context, module)
    module.verify()
    (program,) = (op for op in module.body.block.ops if isinstance(op, snowflake.ProgramOp))
    return program


@pytest.mark.parametrize("length", range(40, 64))
def test_each_bank_begins_where_the_one_before_is_full(length: int) -> None:
    """Also where delay slots of what repeats a loop over banks are filled from what was there already."""
    size, place, banks = BANKS.icache_instructions, 0, list[int]()
    for op in looped(driver.make_context(), length).body.block.ops:
        if isinstance(op, snowflake.FillOp):
            place += (op.offset.value.data - place) % size
        elif isinstance(op, snowflake.LabelOp) and op.sym_name.data.startswith("bank"):
            banks.append(place)
        elif snowflake.is_instruction(op):
            place += 1
    assert len(banks) > 2 and banks == [size * number for number in range(len(banks))]


@pytest.mark.parametrize("length", range(80, 200, 3))
def test_the_banks_of_a_loop_are_as_full_as_each_other(length: int) -> None:
    """With an instruction less in each, there would be one bank more: all but the last one have as many."""
    program = looped(driver.make_context(), length)
    counts: list[int] = []
    for op in program.body.block.ops:
        if isinstance(op, snowflake.LabelOp) and op.sym_name.data.startswith("bank"):
            counts.append(0)
        elif isinstance(op, snowflake.LdOp) or (isinstance(op, snowflake.AddiOp) and op.rd.type in BODY):
            counts[-1] += 1
    # The first bank has what comes before the loop, the last one what comes behind it.
    of_loop = counts[1:-1]
    assert sum(of_loop) == length + len(("addi", "ld", "the count"))
    assert set(of_loop[:-1]) == {max(of_loop)}
    assert (max(of_loop) - 1) * len(of_loop) < sum(of_loop)
