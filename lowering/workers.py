"""Lowers layers in parallel, each as a module of its own; identical layers only once.

What comes out is the same, bit for bit, as when the passes run over the whole module.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property, partial
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.rewriter import Rewriter

from lowering.loop_to_snowflake import is_relocatable
from lowering.processes import share_out
from lowering.serialize import AttributeTable, BlockData, Outside, build, outside_of, take_down
from snowdialect.dialects import tile

Run = Callable[[ModuleOp], None]
"""Passes, which work on every layer of a module by itself."""


def lower_layers(module: ModuleOp, run: Run, processes: int | None = None) -> None:
    """Puts what `run` makes of each layer of a module, at level `tile`, in its place, with several processes.

    By default there is one for each CPU, this one included, and only this one where no process can be forked. Raises
    what `run` raises, for the largest layer for which it does so, and SnowError when a process ends before it is done.
    """
    alike: dict[Hashable, list[_Layer]] = {}
    table = AttributeTable()
    for op in module.body.block.ops:
        if isinstance(op, tile.LayerOp):
            layer = _Layer(op, outside_of(op))
            alike.setdefault(layer.key(table), []).append(layer)
    groups = sorted(alike.values(), key=lambda layers: layers[0].size, reverse=True)

    def put_in(number: int, code: _LoweredLayer) -> None:
        for layer in reversed(groups[number]):
            Rewriter.replace_op(layer.op, code.ops_for(layer.outside), [])

    share_out(partial(_lower, module, run), [layers[0] for layers in groups], put_in, processes)


class _Layer(NamedTuple):
    op: tile.LayerOp
    outside: Outside

    @property
    def size(self) -> int:
        """About how much work it is."""
        return sum(1 for _ in self.op.walk())

    def key(self, table: AttributeTable) -> Hashable:
        """What its code follows from: equal for layers that only differ in where their memory is, and in names."""
        properties = tuple((name, table.number(attribute)) for name, attribute in self.op.properties.items())
        memory = tuple(_what_code_knows(value, table) for value in self.outside.values)
        return properties, take_down(self.op.body.block, self.outside, table), memory


def _what_code_knows(value: SSAValue, table: AttributeTable) -> Hashable:
    """What the code of a layer follows from of its memory: not where it is, unless linking could not fill that in."""
    packing = value.owner.packing if isinstance(value.owner, tile.WeightsOp) else value.type
    address = None if is_relocatable(value) else tile.region_address(value)
    return table.number(value.type), table.number(packing), address


def _lower(module: ModuleOp, run: Run, layer: _Layer) -> _LoweredLayer:
    """Lowers a layer in a module that holds nothing else; memory stays where it is."""
    alone = ModuleOp([], attributes=module.attributes)
    body = layer.op.detach_region(layer.op.body)
    alone.body.block.add_op(
        tile.LayerOp.create(
            properties=layer.op.properties, attributes=layer.op.attributes, location=layer.op.location, regions=[body]
        )
    )
    run(alone)
    return _LoweredLayer(alone.body.block, layer.outside)


class _LoweredLayer:
    """What became of a layer; as data, for others that are alike and for another process."""

    def __init__(self, block: Block, outside: Outside) -> None:
        self.block: Block | None = block
        self.outside = outside

    @cached_property
    def data(self) -> tuple[BlockData, Sequence[Attribute]]:
        assert self.block is not None
        table = AttributeTable()
        return take_down(self.block, self.outside, table), table.attributes

    def __getstate__(self) -> dict[str, object]:
        return {"block": None, "data": self.data}

    def ops_for(self, outside: Outside) -> list[Operation]:
        """The operations for a layer that is alike, over what that one has from outside; for the layer itself last."""
        if self.block is None or outside is not self.outside:
            data, attributes = self.data
            block = build(data, outside, attributes)
        else:
            block = self.block
        ops = list(block.ops)
        for op in ops:
            op.detach()
        return ops
