"""Programs in which values have registers: operands name the register, no matter which value in it they mean."""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.ir import Attribute, Block, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.snowflake.loops import ops_in
from snowdialect.dialects import snowflake
from snowdialect.dialects.locations import located
from snowdialect.dialects.operations import replace_uses
from snowdialect.dialects.snowflake import ForOp, ScalarRegister


@dataclass
class RegisterFile:
    """The values `snowflake.get_register` of a program, made at its start when first asked for."""

    block: Block
    values: dict[Attribute, SSAValue] = field(default_factory=dict[Attribute, SSAValue])
    """By number: xDSL hashes a register in Python, with all that is in it."""

    def __post_init__(self) -> None:
        for op in ops_in(self.block, snowflake.GetRegisterOp):
            self.values[_register(op.result).index] = op.result

    def __getitem__(self, register: ScalarRegister) -> SSAValue:
        value = self.values.get(register.index)
        if value is None:
            op = snowflake.GetRegisterOp(register)
            Rewriter.insert_op(op, InsertPoint.at_start(self.block))
            value = self.values[register.index] = op.result
        return value

    def of(self, value: SSAValue) -> SSAValue:
        """The register of a value."""
        return self[_register(value)]

    def open_loop(self, loop: ForOp) -> snowflake.MovOp:
        """Lets what a loop carries be named by register; returns its counter's first value, not inserted yet."""
        for value in (*loop.block.args, *loop.results):
            replace_uses(value, self.of(value))
        return located(snowflake.MovOp(loop.counts[0], _register(loop.counter)), loop.location)


def _register(value: SSAValue) -> ScalarRegister:
    assert isinstance(value.type, ScalarRegister)
    return value.type


def next_count(loop: ForOp, registers: RegisterFile) -> snowflake.AddiOp:
    """The step of a loop's counter."""
    counter = registers.of(loop.counter)
    return located(snowflake.AddiOp(counter, 1, _register(counter)), loop.location)
