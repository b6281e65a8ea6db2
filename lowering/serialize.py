"""Blocks of operations as plain data: to compare them, to copy them, and for another process of the same compiler.

Exact, quick, and nothing to keep in files; the text of MLIR would do as well, but takes twenty times as long to print
and to parse. What a block has from outside, values and the names of layers in its locations, is named by number, so
that blocks that differ in nothing else are equal as data, and one can be made from the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xdsl.dialects.builtin import LocationAttr, NameLoc, StringAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue

from snowdialect.dialects.operations import construct, operands_of, put

_Named = tuple[tuple[str, int], ...]
"""Attributes by name; an attribute is a number in a table."""


_LocationData = tuple[int, int]
"""The number of the layer that a location names, -1 for none, and that of what else it says."""

_OperationData = tuple[
    type[Operation],
    tuple[int, ...],
    tuple[int, ...],
    _Named,
    _Named,
    _LocationData,
    "tuple[tuple[BlockData, ...], ...]",
]
"""The kind of an operation, its operands, types of results, properties, attributes, location and regions. Values are
numbered in the order in which they are defined, those from outside first. Fields have no names: what has is pickled by
calls of Python."""


class BlockData(NamedTuple):
    """A block, comparable and hashable."""

    arg_types: tuple[int, ...]
    ops: tuple[_OperationData, ...]


class Outside(NamedTuple):
    """What operations have from outside: values, and layers by the names in locations, in order of appearance."""

    values: tuple[SSAValue, ...]
    layers: tuple[str, ...]


@dataclass
class AttributeTable:
    """Attributes by number; equal ones have the same."""

    attributes: list[Attribute] = field(default_factory=list[Attribute])
    _by_value: dict[Attribute, int] = field(default_factory=dict[Attribute, int])
    _by_identity: dict[int, tuple[int, Attribute]] = field(default_factory=dict[int, tuple[int, Attribute]])
    """xDSL hashes attributes in Python, and most are shared; the attribute itself is held so that it keeps its id."""

    def number(self, attribute: Attribute) -> int:
        if (known := self._by_identity.get(id(attribute))) is not None:
            return known[0]
        number = self._by_value.setdefault(attribute, len(self.attributes))
        if number == len(self.attributes):
            self.attributes.append(attribute)
        self._by_identity[id(attribute)] = number, attribute
        return number


def outside_of(op: Operation) -> Outside:
    """What an operation and all in it have from outside."""
    values: dict[SSAValue, None] = {}
    layers: dict[str, None] = {}
    inside: set[int] = set()
    for inner in op.walk():
        inside.update(map(id, inner.results))
        inside.update(id(arg) for region in inner.regions for block in region.blocks for arg in block.args)
        values.update((operand, None) for operand in inner.operands if id(operand) not in inside)
        if isinstance(inner.location, NameLoc):
            layers[inner.location.desc.data] = None
    return Outside(tuple(values), tuple(layers))


def take_down(block: Block, outside: Outside, table: AttributeTable) -> BlockData:
    """A block, which has no successors, as data. Names of values are lost."""
    return _Taker(table, {name: number for number, name in enumerate(outside.layers)}).block(
        block, {id(value): number for number, value in enumerate(outside.values)}
    )


def build(data: BlockData, outside: Outside, attributes: Sequence[Attribute]) -> Block:
    """The block of some data, over what is outside of it."""
    return _Builder(attributes, outside.layers).block(data, list(outside.values))


@dataclass
class _Taker:
    table: AttributeTable
    layers: dict[str, int]
    locations: dict[int, _LocationData] = field(default_factory=dict[int, _LocationData])
    """By identity: operations share them."""

    def block(self, block: Block, numbers: dict[int, int]) -> BlockData:
        """The data of a block; `numbers` has the values known there, by identity: xDSL hashes values in Python."""
        number = self.table.number
        for arg in block.args:
            numbers[id(arg)] = len(numbers)
        ops: list[_OperationData] = []
        for op in block.ops:
            ops.append(
                (
                    type(op),
                    tuple([numbers[id(operand)] for operand in operands_of(op)]),
                    tuple([number(result.type) for result in op.results]),
                    tuple([(name, number(attribute)) for name, attribute in op.properties.items()]),
                    tuple([(name, number(attribute)) for name, attribute in op.attributes.items()]),
                    self.locations.get(id(op.location)) or self._location(op.location),
                    tuple([tuple([self.block(inner, numbers) for inner in region.blocks]) for region in op.regions]),
                )
            )
            for result in op.results:
                numbers[id(result)] = len(numbers)
        return BlockData(tuple([number(arg.type) for arg in block.args]), tuple(ops))

    def _location(self, location: LocationAttr) -> _LocationData:
        layer = self.layers.get(location.desc.data, -1) if isinstance(location, NameLoc) else -1
        rest = location.location if isinstance(location, NameLoc) and layer >= 0 else location
        found = layer, self.table.number(rest)
        self.locations[id(location)] = found
        return found


@dataclass
class _Builder:
    attributes: Sequence[Attribute]
    layers: Sequence[str]
    locations: dict[_LocationData, LocationAttr] = field(default_factory=dict[_LocationData, LocationAttr])

    def block(self, data: BlockData, values: list[SSAValue]) -> Block:
        table = self.attributes
        block = Block(arg_types=[table[number] for number in data.arg_types])
        values += block.args
        for kind, operands, result_types, properties, attributes, location, regions in data.ops:
            op = kind.__new__(kind)
            construct(
                op,
                operands=[values[number] for number in operands],
                result_types=[table[number] for number in result_types],
                properties={name: table[number] for name, number in properties},
                regions=[Region([self.block(inner, values) for inner in region]) for region in regions],
            )
            op.attributes.update((name, table[number]) for name, number in attributes)
            op.location = self.locations.get(location) or self._location(location)
            values += op.results
            put((op,), block)
        return block

    def _location(self, location: _LocationData) -> LocationAttr:
        layer, number = location
        rest = self.attributes[number]
        found = rest if layer < 0 else NameLoc(StringAttr(self.layers[layer]), rest)
        assert isinstance(found, LocationAttr)
        self.locations[location] = found
        return found
