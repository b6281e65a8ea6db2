"""What is done to operations past xDSL is what xDSL does."""

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

import pytest
from xdsl.dialects.builtin import I64, IntegerAttr, i64
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, region_def, var_operand_def, var_result_def
from xdsl.rewriter import InsertPoint, Rewriter

from snowdialect.dialects.operations import construct, inline, operands_of, put, rearrange, replace_by, replace_uses


@irdl_op_definition
class QuickOp(IRDLOperation):
    name = "test.quick"
    size = prop_def(IntegerAttr[I64])
    values = var_operand_def()
    made = var_result_def()
    body = region_def()


@irdl_op_definition
class DefaultOp(IRDLOperation):
    name = "test.default"
    size = prop_def(IntegerAttr[I64], default_value=IntegerAttr(3, i64))


def by_xdsl(op: IRDLOperation, **arguments) -> None:
    Operation.__init__(op, **arguments)


def make(constructor: Callable[..., None], kind: type[IRDLOperation], **arguments) -> IRDLOperation:
    op = kind.__new__(kind)
    constructor(op, **arguments)
    return op


def described(op: Operation, values: list[SSAValue]) -> dict[str, object]:
    """All that xDSL keeps of an operation, by what it is and not by who."""
    return {
        "operands": [values.index(operand) for operand in op.operands],
        "uses": [[(use.operation is op, use.index) for use in value.uses] for value in values],
        "results": [(type(result), result.type, result.op is op, result.index) for result in op.results],
        "results of": type(op.results),
        "operands of": type(op._operands),
        "properties": op.properties,
        "attributes": op.attributes,
        "location": op.location,
        "successors": tuple(op.successors),
        "regions": [region.parent is op for region in op.regions],
        "around": (op.parent, op.next_op, op.prev_op),
        "fields": {name for name in vars(op) if getattr(op, name) != getattr(type(op), name, None)},
    }


@pytest.mark.parametrize("operands", [(), (0,), (1, 0, 1)])
@pytest.mark.parametrize("results", [(), (i64, i64)])
@pytest.mark.parametrize("regions", [0, 1])
def test_what_is_constructed_is_what_xdsl_constructs(
    operands: tuple[int, ...], results: tuple[Attribute, ...], regions: int
) -> None:
    made: list[dict[str, object]] = []
    for constructor in (by_xdsl, construct):
        values = list[SSAValue](Block(arg_types=[i64, i64]).args)
        op = make(
            constructor,
            QuickOp,
            operands=[values[place] for place in operands],
            result_types=results,
            properties={"size": IntegerAttr(5, i64)},
            regions=[Region(Block()) for _ in range(regions)],
        )
        made.append(described(op, values))
        for place in range(len(operands)):
            op.operands[place] = values[0]
        assert sum(1 for _ in values[0].uses) == len(operands)
        assert not values[1].uses
    assert made[0] == made[1]


def test_properties_that_are_not_given_have_their_defaults() -> None:
    ops = [make(constructor, DefaultOp) for constructor in (by_xdsl, construct)]
    assert ops[0].properties == ops[1].properties == {"size": IntegerAttr(3, i64)}


def users(value: SSAValue) -> list[tuple[int, int]]:
    """Who uses a value, in the order in which xDSL tells: the size that is said of the operation, and the place."""
    found = [(use.operation, use.index) for use in value.uses]
    assert all(op.operands[place] is value and operands_of(op) == tuple(op.operands) for op, place in found)
    return [(op.size.value.data, place) for op, place in found if isinstance(op, QuickOp)]


def chain() -> tuple[Block, list[SSAValue], list[IRDLOperation]]:
    """Four operations that take the block's arguments and the result of the first of them."""
    block = Block(arg_types=[i64, i64])
    values = list[SSAValue](block.args)
    ops: list[IRDLOperation] = []
    for size, places in enumerate([(0, 1), (2, 0, 2), (1, 2), (0,)]):
        op = QuickOp.create(
            operands=[values[place] for place in places],
            result_types=[i64],
            properties={"size": IntegerAttr(size, i64)},
        )
        block.add_op(op)
        values.append(op.results[0])
        ops.append(op)
    return block, values, ops


@pytest.mark.parametrize("new", [0, 1, 2])
@pytest.mark.parametrize("hint", [None, "named"])
def test_uses_are_replaced_as_xdsl_does_it(new: int, hint: str | None) -> None:
    seen: list[object] = []
    for replace in (SSAValue.replace_all_uses_with, replace_uses):
        _, values, _ = chain()
        values[2].name_hint = hint
        replace(values[2], values[new])
        seen.append(([users(value) for value in values], [value.name_hint for value in values]))
    assert seen[0] == seen[1]


def test_a_value_comes_in_the_place_of_an_operation_as_xdsl_does_it() -> None:
    seen: list[object] = []
    for replace in (lambda op, value: Rewriter.replace_op(op, (), [value]), replace_by):
        block, values, (first, *others) = chain()
        replace(first, values[0])
        assert first.parent is None
        assert list(block.ops) == others
        seen.append([users(value) for value in values])
    assert seen[0] == seen[1]


IN_A_BLOCK = pytest.mark.parametrize(("target_length", "place"), [(0, 0), (2, 0), (2, 1), (2, 2)])
"""Blocks of so many operations, and before which one, or behind them, others are put."""


def without_operands(sizes: Iterable[int]) -> list[Operation]:
    return [make(construct, QuickOp, properties={"size": IntegerAttr(size, i64)}) for size in sizes]


def check_links(block: Block, wanted: Sequence[Operation]) -> None:
    """The block has these operations, whichever way one goes through it."""
    assert list(block.ops) == list(wanted)
    assert list(reversed(block.ops)) == list(wanted)[::-1]
    assert all(op.parent is block for op in wanted)
    assert (block.first_op, block.last_op) == ((wanted[0], wanted[-1]) if wanted else (None, None))


@pytest.mark.parametrize("length", [0, 1, 3])
@IN_A_BLOCK
def test_operations_are_put_into_blocks(target_length: int, place: int, length: int) -> None:
    target, new = without_operands(range(target_length)), without_operands(range(length))
    block = Block(target)
    put(iter(new), block, target[place] if place < target_length else None)
    check_links(block, [*target[:place], *new, *target[place:]])


@pytest.mark.parametrize("length", [0, 1, 3])
@IN_A_BLOCK
def test_blocks_are_put_into_others_as_xdsl_does_it(target_length: int, place: int, length: int) -> None:
    seen: list[list[int]] = []
    for xdsl in (True, False):
        source, target = (Block(without_operands(sizes)) for sizes in (range(length), range(10, 10 + target_length)))
        before = dict(enumerate(target.ops)).get(place)
        if not xdsl:
            inline(source, target, before)
            assert source.is_empty
        else:
            Rewriter.inline_block(source, InsertPoint.at_end(target) if before is None else InsertPoint.before(before))
        ops = list(target.ops)
        check_links(target, ops)
        seen.append([op.size.value.data for op in ops if isinstance(op, QuickOp)])
    assert seen[0] == seen[1]
    assert len(seen[0]) == length + target_length


@pytest.mark.parametrize(("first", "stop"), [(0, 4), (1, 4), (0, 3), (1, 3), (2, 3)])
def test_operations_are_rearranged_as_if_taken_out_and_put_in(first: int, stop: int) -> None:
    for order in permutations(range(stop - first)):
        block, _, ops = chain()
        rearrange(ops[first:stop], order)
        check_links(block, [*ops[:first], *(ops[first + number] for number in order), *ops[stop:]])
