"""Rewrites that note which layers became part of which others, whatever the patterns.

A layer is known by its name, the location of its operation. What replaces it says where it went: a ReLU whose result is
now that of a convolution is part of that convolution. What disappears without a replacement, as zeros around a map do,
became part of the layer that had read it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, Region, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriterListener,
    PatternRewriteWalker,
    RewritePattern,
)

from lowering.cnn.name_layers import is_layer
from snowdialect.dialects.layers import set_sources, source_layers
from snowdialect.dialects.locations import layer_name

PostWalk = Callable[[Region, PatternRewriterListener], bool]


def rewrite_layers(module: ModuleOp, patterns: Sequence[RewritePattern], post_walk: PostWalk | None = None) -> None:
    """Applies patterns until none matches, and notes in `snow.sources` what became of those that are gone."""
    follower = _Follower(module)
    listener = PatternRewriterListener(
        operation_insertion_handler=[follower.inserted],
        operation_modification_handler=[follower.modified],
        operation_replacement_handler=[follower.replaced],
    )
    PatternRewriteWalker(
        GreedyRewritePatternApplier(list(patterns)), post_walk_func=post_walk, listener=listener
    ).rewrite_module(module)
    gone = {**follower.read_by, **follower.replaced_by}
    for name in map(layer_name, filter(is_layer, module.body.block.ops)):
        gone.pop(name, None)
    sources = source_layers(module)
    if known := sources.keys() & gone.keys():
        set_sources(module, (sources | {name: sources[name]._replace(into=gone[name]) for name in known}).values())


class _Follower:
    """Listens to a rewriter."""

    def __init__(self, module: ModuleOp) -> None:
        self.read_by: dict[str, str] = {}
        """By a layer whose result another one no longer reads, the name of that one."""
        self.replaced_by: dict[str, str] = {}
        self._operands: dict[Operation, list[str]] = {}
        for op in module.body.block.ops:
            self.inserted(op)

    def inserted(self, op: Operation) -> None:
        self._operands[op] = _producers(op)

    def modified(self, op: Operation) -> None:
        self._no_longer_read(op, op)

    def replaced(self, op: Operation, results: Sequence[SSAValue | None]) -> None:
        new = results[0].owner if results and results[0] is not None else None
        if not isinstance(new, Operation) or not is_layer(op) or not is_layer(new):
            return
        if layer_name(new) != layer_name(op):
            self.replaced_by[layer_name(op)] = layer_name(new)
        self._no_longer_read(op, new)

    def _no_longer_read(self, op: Operation, new: Operation) -> None:
        now = _producers(new)
        for name in self._operands.get(op, ()):
            if name not in now and name != layer_name(new):
                self.read_by[name] = layer_name(new)
        self._operands[new] = now


def _producers(op: Operation) -> list[str]:
    """The layers whose results a layer reads."""
    if not is_layer(op):
        return []
    return [
        layer_name(value.owner) for value in op.operands if isinstance(value.owner, Operation) and is_layer(value.owner)
    ]
