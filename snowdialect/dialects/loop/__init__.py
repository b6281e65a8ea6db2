"""The loop dialect: every address an affine function of loop indices, every trace spelled out. See docs/loop.md.

On-chip addresses count 16-bit words inside one buffer; memory addresses count transfers (64 B) from the start of a
region. A mask has a bit for each CU (`cus`) or for each vMAC of a CU (`vmacs`).
"""

from xdsl.ir import Dialect

from snowdialect.dialects.loop.compute import MacOp, MaxOp, StartOp
from snowdialect.dialects.loop.control import ConfigOp, Register, RegisterAttr, WaitOp
from snowdialect.dialects.loop.structure import ForOp, LayerOp, LoopOp
from snowdialect.dialects.loop.transfer import Buffer, BufferAttr, LoadOp, MoveOp, StoreOp, TransferOp

Loop = Dialect(
    "loop",
    [LayerOp, ForOp, ConfigOp, LoadOp, StoreOp, MoveOp, StartOp, MacOp, MaxOp, WaitOp],
    [BufferAttr, RegisterAttr],
)

__all__ = [
    "Buffer",
    "BufferAttr",
    "ConfigOp",
    "ForOp",
    "LayerOp",
    "LoadOp",
    "Loop",
    "LoopOp",
    "MacOp",
    "MaxOp",
    "MoveOp",
    "Register",
    "RegisterAttr",
    "StartOp",
    "StoreOp",
    "TransferOp",
    "WaitOp",
]
