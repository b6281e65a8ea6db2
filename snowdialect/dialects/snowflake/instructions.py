"""The instructions, one operation each. docs/isa.md says what they do, machine/instructions.py how they are encoded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, TypeGuard

from xdsl.backend.register_type import RegisterAllocatedMemoryEffect
from xdsl.dialects.builtin import I32, FlatSymbolRefAttrConstr, IntegerAttr, SymbolRefAttr, UnitAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import SpacedOpaqueSyntaxAttribute, SSAValue
from xdsl.irdl import (
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import AlwaysSpeculatable, MemoryReadEffect, MemoryWriteEffect
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.properties import PRESENT, choice
from snowdialect.dialects.snowflake.base import (
    BASE,
    UNALLOCATED,
    BaseType,
    InstructionOp,
    ScalarRegister,
    int_attr,
    parse_registers,
    print_registers,
)
from snowdialect.dialects.tile.types import ModeAttr
from snowdialect.machine.instructions import BY_NAME, CONFIGURATION


class MoveKind(StrEnum):
    MEMORY = "memory"
    CLUSTER = "cluster"


@irdl_attr_definition
class MoveKindAttr(EnumAttribute[MoveKind], SpacedOpaqueSyntaxAttribute):
    """Where TMOV moves to: memory, or the maps buffer of another CU of the cluster."""

    name = "snowflake.move_kind"


class Configuration(StrEnum):
    RESULT_SHIFT = "result_shift"
    BIAS_SHIFT = "bias_shift"
    BYPASS_SHIFT = "bypass_shift"
    MAX_STRIDE = "max_stride"
    BYPASS_OFFSET = "bypass_offset"
    WAIT = "wait"
    DONE = "done"


@irdl_attr_definition
class ConfigurationAttr(EnumAttribute[Configuration], SpacedOpaqueSyntaxAttribute):
    """A configuration register; the instruction table says what each one means."""

    name = "snowflake.configuration"


_SCALAR = (RegisterAllocatedMemoryEffect(), AlwaysSpeculatable())
_VECTOR = (MemoryReadEffect(), MemoryWriteEffect(), RegisterAllocatedMemoryEffect())


@irdl_op_definition
class MovOp(InstructionOp):
    """A constant into a register."""

    name = "snowflake.mov"
    ROW: ClassVar = BY_NAME["mov"]
    rd = result_def(ScalarRegister)
    immediate = prop_def(IntegerAttr[I32])
    traits = traits_def(*_SCALAR)

    def __init__(self, immediate: int, rd: ScalarRegister = UNALLOCATED) -> None:
        super().__init__(result_types=[rd], properties={"immediate": int_attr(immediate)})


@irdl_op_definition
class MovBaseOp(InstructionOp):
    """A relocation: the address of a region of memory, plus a constant, into a register.

    It is a `mov` whose immediate snowflake-link fills in: `%1 = snowflake.mov_base %region, 12`.
    """

    name = "snowflake.mov_base"
    ROW: ClassVar = BY_NAME["mov"]
    base = operand_def(BaseType)
    rd = result_def(ScalarRegister)
    immediate = prop_def(IntegerAttr[I32])
    traits = traits_def(*_SCALAR)

    def __init__(self, base: SSAValue, immediate: int, rd: ScalarRegister = UNALLOCATED) -> None:
        super().__init__(operands=[base], result_types=[rd], properties={"immediate": int_attr(immediate)})

    def linked(self, address: int) -> MovOp:
        """The instruction, once the address of the region is known."""
        assert isinstance(self.rd.type, ScalarRegister)
        return MovOp(address + self.immediate.value.data, self.rd.type)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.base)
        printer.print_string(f", {self.immediate.value.data}")
        printer.print_op_attributes(self.attributes)
        print_registers(printer, (), self.results)

    @classmethod
    def parse(cls, parser: Parser) -> MovBaseOp:
        base = parser.resolve_operand(parser.parse_unresolved_operand(), BASE)
        parser.parse_punctuation(",")
        immediate = parser.parse_integer()
        attributes = parser.parse_optional_attr_dict()
        op = cls(base, immediate, *parse_registers(parser, 0, 1))
        op.attributes = attributes
        return op


@irdl_op_definition
class ConfigOp(InstructionOp):
    """A constant into a configuration register, in order with the vector instructions."""

    name = "snowflake.config"
    ROW: ClassVar = BY_NAME["config"]
    ENUMS: ClassVar[dict[str, type[EnumAttribute[Any]]]] = {"register": ConfigurationAttr}
    register = prop_def(ConfigurationAttr)
    immediate = prop_def(IntegerAttr[I32])
    traits = traits_def(*_VECTOR)

    def __init__(self, register: Configuration, immediate: int) -> None:
        super().__init__(properties={"register": choice(ConfigurationAttr, register), "immediate": int_attr(immediate)})

    def verify_(self) -> None:
        super().verify_()
        limit = next(row.maximum for row in CONFIGURATION if row.name == self.register.data.value)
        if self.immediate.value.data > limit:
            raise VerifyException(f"{self.register.data} {self.immediate.value.data} is above its maximum of {limit}")


class RegisterOp(InstructionOp):
    """Base of the instructions that compute a register from two."""

    rs = operand_def(ScalarRegister)
    rt = operand_def(ScalarRegister)
    rd = result_def(ScalarRegister)
    traits = traits_def(*_SCALAR)

    def __init__(self, rs: SSAValue, rt: SSAValue, rd: ScalarRegister = UNALLOCATED) -> None:
        super().__init__(operands=[rs, rt], result_types=[rd])


class ImmediateOp(InstructionOp):
    """Base of the instructions that compute a register from another and a constant."""

    rs = operand_def(ScalarRegister)
    immediate = prop_def(IntegerAttr[I32])
    rd = result_def(ScalarRegister)
    traits = traits_def(*_SCALAR)

    def __init__(self, rs: SSAValue, immediate: int, rd: ScalarRegister = UNALLOCATED) -> None:
        super().__init__(operands=[rs], result_types=[rd], properties={"immediate": int_attr(immediate)})


@irdl_op_definition
class AddOp(RegisterOp):
    """Sum of two registers."""

    name = "snowflake.add"
    ROW: ClassVar = BY_NAME["add"]


@irdl_op_definition
class AddiOp(ImmediateOp):
    """Sum of a register and a constant."""

    name = "snowflake.addi"
    ROW: ClassVar = BY_NAME["addi"]


@irdl_op_definition
class MulOp(RegisterOp):
    """Product of two registers."""

    name = "snowflake.mul"
    ROW: ClassVar = BY_NAME["mul"]


@irdl_op_definition
class MuliOp(ImmediateOp):
    """Product of a register and a constant."""

    name = "snowflake.muli"
    ROW: ClassVar = BY_NAME["muli"]


@cache
def target_of(label: str) -> SymbolRefAttr:
    """What branches to a label name as their target. There is one for each name: layers name their labels alike."""
    return SymbolRefAttr(label)


class BranchOp(InstructionOp):
    """Base of the branches, which compare two registers as signed numbers. Effects unknown: they cannot be moved."""

    rs = operand_def(ScalarRegister)
    rt = operand_def(ScalarRegister)
    target = prop_def(FlatSymbolRefAttrConstr)

    def __init__(self, rs: SSAValue, rt: SSAValue, target: str) -> None:
        super().__init__(operands=[rs, rt], properties={"target": target_of(target)})

    @property
    def label(self) -> str:
        """Name of the label that the branch goes to."""
        return self.target.root_reference.data


@cache
def _is_a(kind: type[object], base: type[InstructionOp]) -> bool:
    return issubclass(kind, base)


def is_instruction(op: object) -> TypeGuard[InstructionOp]:
    """`isinstance`, for passes that ask it of every operation: that goes by abc, and takes three times as long."""
    return _is_a(type(op), InstructionOp)


def is_branch(op: object) -> TypeGuard[BranchOp]:
    """The same for branches."""
    return _is_a(type(op), BranchOp)


@irdl_op_definition
class BleOp(BranchOp):
    """Branch if less or equal."""

    name = "snowflake.ble"
    ROW: ClassVar = BY_NAME["ble"]


@irdl_op_definition
class BgtOp(BranchOp):
    """Branch if greater."""

    name = "snowflake.bgt"
    ROW: ClassVar = BY_NAME["bgt"]


@irdl_op_definition
class BeqOp(BranchOp):
    """Branch if equal."""

    name = "snowflake.beq"
    ROW: ClassVar = BY_NAME["beq"]


class LoadOp(InstructionOp):
    """Base of the transfers from memory."""

    length = prop_def(IntegerAttr[I32])
    unit = prop_def(IntegerAttr[I32])
    traits = traits_def(*_VECTOR)

    def verify_(self) -> None:
        super().verify_()
        if not self.length.value.data:
            raise VerifyException("length 0: wants at least one transfer")


@irdl_op_definition
class LdOp(LoadOp):
    """Memory at `rs`, in transfers, into the buffers that the on-chip word `rd` names."""

    name = "snowflake.ld"
    ROW: ClassVar = BY_NAME["ld"]
    rd = operand_def(ScalarRegister)
    rs = operand_def(ScalarRegister)

    def __init__(self, rd: SSAValue, rs: SSAValue, length: int, unit: int) -> None:
        super().__init__(operands=[rd, rs], properties={"length": int_attr(length), "unit": int_attr(unit)})


@irdl_op_definition
class RefillOp(LoadOp):
    """Memory at `rs`, in transfers, into the instruction bank that is not executing."""

    name = "snowflake.refill"
    ROW: ClassVar = BY_NAME["refill"]
    rs = operand_def(ScalarRegister)

    def __init__(self, rs: SSAValue, length: int, unit: int) -> None:
        super().__init__(operands=[rs], properties={"length": int_attr(length), "unit": int_attr(unit)})


@irdl_op_definition
class TmovOp(InstructionOp):
    """A trace of a maps buffer to memory or to another CU."""

    name = "snowflake.tmov"
    ROW: ClassVar = BY_NAME["tmov"]
    ENUMS: ClassVar[dict[str, type[EnumAttribute[Any]]]] = {"kind": MoveKindAttr}
    kind = prop_def(MoveKindAttr)
    rd = operand_def(ScalarRegister)
    rs = operand_def(ScalarRegister)
    length = prop_def(IntegerAttr[I32])
    traits = traits_def(*_VECTOR)

    def __init__(self, kind: MoveKind, rd: SSAValue, rs: SSAValue, length: int) -> None:
        super().__init__(operands=[rd, rs], properties={"kind": choice(MoveKindAttr, kind), "length": int_attr(length)})

    def verify_(self) -> None:
        super().verify_()
        if not self.length.value.data:
            raise VerifyException("length 0: wants at least one transfer")


@irdl_op_definition
class VmovOp(InstructionOp):
    """The initial value of the accumulators, and where their results go."""

    name = "snowflake.vmov"
    ROW: ClassVar = BY_NAME["vmov"]
    ENUMS: ClassVar[dict[str, type[EnumAttribute[Any]]]] = {"mode": ModeAttr}
    mode = prop_def(ModeAttr)
    rd = operand_def(ScalarRegister)
    rs = operand_def(ScalarRegister)
    vmacs = prop_def(IntegerAttr[I32])
    bypass = opt_prop_def(UnitAttr)
    add = opt_prop_def(UnitAttr)
    alt = opt_prop_def(UnitAttr)
    last = opt_prop_def(UnitAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(*_VECTOR)

    def __init__(self, mode: ModeAttr, rd: SSAValue, rs: SSAValue, vmacs: int, flags: Sequence[str] = ()) -> None:
        properties = {"mode": mode, "vmacs": int_attr(vmacs), **{flag: PRESENT for flag in flags}}
        super().__init__(operands=[rd, rs], properties=properties)


@irdl_op_definition
class MacOp(InstructionOp):
    """A trace of maps against weights."""

    name = "snowflake.mac"
    ROW: ClassVar = BY_NAME["mac"]
    ENUMS: ClassVar[dict[str, type[EnumAttribute[Any]]]] = {"mode": ModeAttr}
    mode = prop_def(ModeAttr)
    rm = operand_def(ScalarRegister)
    rk = operand_def(ScalarRegister)
    length = prop_def(IntegerAttr[I32])
    last = opt_prop_def(UnitAttr)
    relu = opt_prop_def(UnitAttr)
    traits = traits_def(*_VECTOR)

    def __init__(self, mode: ModeAttr, rm: SSAValue, rk: SSAValue, length: int, flags: Sequence[str] = ()) -> None:
        properties = {"mode": mode, "length": int_attr(length), **{flag: PRESENT for flag in flags}}
        super().__init__(operands=[rm, rk], properties=properties)

    def verify_(self) -> None:
        super().verify_()
        if not self.length.value.data:
            raise VerifyException("length 0: wants at least one word")


@irdl_op_definition
class MaxOp(InstructionOp):
    """Lines of a maps buffer into the comparators with fed-back output."""

    name = "snowflake.max"
    ROW: ClassVar = BY_NAME["max"]
    rd = operand_def(ScalarRegister)
    rs = operand_def(ScalarRegister)
    count = prop_def(IntegerAttr[I32])
    first = opt_prop_def(UnitAttr)
    last = opt_prop_def(UnitAttr)
    traits = traits_def(*_VECTOR)

    def __init__(self, rd: SSAValue, rs: SSAValue, count: int, flags: Sequence[str] = ()) -> None:
        properties = {"count": int_attr(count), **{flag: PRESENT for flag in flags}}
        super().__init__(operands=[rd, rs], properties=properties)

    def verify_(self) -> None:
        super().verify_()
        if not self.count.value.data:
            raise VerifyException("count 0: wants at least one line")
