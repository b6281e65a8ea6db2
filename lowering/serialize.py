"""Blocks of operations as bytes, for another process of the same compiler: exact, quick, and nothing to keep in files.

The text of MLIR would do as well, but takes twenty times as long to print and to parse.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import NamedTuple

from xdsl.dialects.builtin import LocationAttr
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue


class _OperationData(NamedTuple):
    """An operation; operands are named by the number of the value in order of definition."""

    kind: type[Operation]
    operands: list[int]
    result_types: list[Attribute]
    properties: Mapping[str, Attribute]
    attributes: Mapping[str, Attribute]
    location: LocationAttr
    regions: list[list[_BlockData]]


class _BlockData(NamedTuple):
    arg_types: list[Attribute]
    ops: list[_OperationData]


def dump_block(block: Block) -> bytes:
    """A block, which uses no values from outside and has no successors. Names of values are lost."""
    return pickle.dumps(_take_down(block, {}), pickle.HIGHEST_PROTOCOL)


def load_block(data: bytes) -> Block:
    """The block that `dump_block` of this process, or of one that it started, took down."""
    return _build(pickle.loads(data), [])


def _take_down(block: Block, numbers: dict[SSAValue, int]) -> _BlockData:
    for arg in block.args:
        numbers[arg] = len(numbers)
    ops: list[_OperationData] = []
    for op in block.ops:
        ops.append(
            _OperationData(
                type(op),
                [numbers[operand] for operand in op.operands],
                [result.type for result in op.results],
                op.properties,
                op.attributes,
                op.location,
                [[_take_down(inner, numbers) for inner in region.blocks] for region in op.regions],
            )
        )
        for result in op.results:
            numbers[result] = len(numbers)
    return _BlockData([arg.type for arg in block.args], ops)


def _build(data: _BlockData, values: list[SSAValue]) -> Block:
    block = Block(arg_types=data.arg_types)
    values += block.args
    for kind, operands, result_types, properties, attributes, location, regions in data.ops:
        op = kind.create(
            operands=[values[number] for number in operands],
            result_types=result_types,
            properties=properties,
            attributes=attributes,
            location=location,
            regions=[Region([_build(inner, values) for inner in region]) for region in regions],
        )
        values += op.results
        block.add_op(op)
    return block
