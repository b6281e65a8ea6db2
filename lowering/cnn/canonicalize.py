"""cnn-canonicalize: removes layers that do nothing, and merges those that say in two steps what takes one.

Dropout and identity go, reshapes go into linear layers, zeros around a map into the pads of its convolution.
No bit of the result changes. The patterns belong to the dialect; xDSL's own `canonicalize` applies them too.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms.dead_code_elimination import region_dce

from lowering.cnn.merging import rewrite_layers
from snowdialect.dialects.cnn.patterns import PATTERNS


@dataclass(frozen=True)
class CnnCanonicalizePass(ModulePass):
    """Applies the canonicalization patterns of the cnn dialect, and removes what nothing uses."""

    name = "cnn-canonicalize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        patterns = [pattern for patterns in PATTERNS.values() for pattern in patterns]
        rewrite_layers(op, patterns, region_dce)
