"""What the decoders are told besides traces: configuration registers and waits."""

from __future__ import annotations

from xdsl.dialects.builtin import I64, IntegerAttr
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition, irdl_op_definition, opt_prop_def, prop_def, traits_def
from xdsl.traits import MemoryWriteEffect
from xdsl.utils.str_enum import StrEnum

from snowdialect.dialects.locations import fail
from snowdialect.dialects.loop.structure import LoopOp
from snowdialect.dialects.properties import choice, integer
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.waits import WaitingOp


class Register(StrEnum):
    """The configuration registers that a layer sets."""

    RESULT_SHIFT = "result_shift"
    BIAS_SHIFT = "bias_shift"
    BYPASS_SHIFT = "bypass_shift"
    MAX_STRIDE = "max_stride"
    BYPASS_OFFSET = "bypass_offset"


@irdl_attr_definition
class RegisterAttr(EnumAttribute[Register], SpacedOpaqueSyntaxAttribute):
    name = "loop.register"


@irdl_op_definition
class ConfigOp(LoopOp):
    """Sets a configuration register, in order with the traces; `cus` only for bypass_offset."""

    name = "loop.config"
    register = prop_def(RegisterAttr)
    value = prop_def(IntegerAttr[I64])
    cus = opt_prop_def(IntegerAttr[I64])
    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$register `=` $value (`cus` $cus^)? attr-dict"

    def __init__(self, register: Register, value: int, cus: int | None = None) -> None:
        super().__init__(
            properties={
                "register": choice(RegisterAttr, register),
                "value": integer(value),
                "cus": None if cus is None else integer(cus),
            }
        )

    def verify_accesses(self) -> None:
        if (self.register.data is Register.BYPASS_OFFSET) != (self.cus is not None):
            fail(self, "bypass_offset, and it alone, is set for a mask of CUs")
        if self.cus is not None:
            self.check_mask(self.cus, machine_of(self).all_units, "CUs")
        if self.value.value.data < 0:
            fail(self, f"{self.register.data} cannot be negative")
        if self.register.data.value.endswith("_shift") and self.value.value.data > 31:
            fail(self, f"shift {self.value.value.data} is outside 0 to 31")


@irdl_op_definition
class WaitOp(WaitingOp):
    """`loop.wait mac, max pending 0`: holds dispatch until each unit has at most so many instructions pending."""

    name = "loop.wait"
