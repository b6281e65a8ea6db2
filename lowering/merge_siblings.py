"""A part of cnn-choose-schedule: convolutions of the same maps are computed as one, where that is quicker.

The branches of an inception module begin with 1x1 convolutions of the same maps, some of few kernels: each loads the
maps again, waits for its first tile, and may leave lanes without a kernel. As one they do it once:

    %a = cnn.conv2d %x, %v                      // 64 kernels
    %b = cnn.conv2d %x, %w                      // 96 kernels

    %k = cnn.concat_kernels %v, %w              // 160 kernels
    %y = cnn.conv2d %x, %k
    %a = cnn.gather %y {sizes = [64]} attributes {tile.fused}
    %b = cnn.gather %y {offset = 64, sizes = [96]} attributes {tile.fused}

Nothing is gathered at run time: each part of a tile is stored straight to where its result lies, as if a layer of its
own had made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp, TensorType, UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.conv_tiling import ConvProblem
from lowering.costs import limit_cycles
from lowering.layouts import FUSED, layout_of, placement, while_nothing_changes
from lowering.problems import Costs, conv_problem, pool_behind, siblings_of, siblings_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, is_constant, shape_of
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.machine import Machine

WORTH_IT = 0.015
"""As one they have to take less by this part; and layers that are as near to what their MACs need at least are left
alone."""
MOST = 8
"""So many are one at most."""


class Family(NamedTuple):
    """Convolutions that may be one."""

    members: tuple[cnn.Conv2dOp, ...]
    """In the order of their channels."""
    first: cnn.Conv2dOp
    """The one that comes first in the network."""

    @property
    def name(self) -> str:
        """That of the convolution that is all of them."""
        return _name(self.members[0])


def _name(first: cnn.Conv2dOp) -> str:
    return f"{layer_name(first)}.siblings"


def merge_siblings(module: ModuleOp, machine: Machine, costs: Costs | None = None) -> None:
    """Makes one of convolutions of the same maps that cost less as one, each behind another layer; without `costs` of
    all that can be one."""
    with while_nothing_changes():
        families = list(_families(module, machine))
        if costs is not None:
            families = _worth_it(families, machine, costs)
    for family in families:
        _merge(family)


def _families(module: ModuleOp, machine: Machine) -> Iterator[Family]:
    """Convolutions that differ in nothing but their kernels, at least two, as many as can be one."""
    alike: defaultdict[Hashable, list[cnn.Conv2dOp]] = defaultdict(list)
    for op in module.body.block.ops:
        if isinstance(op, cnn.Conv2dOp) and _is_alone(op):
            fracs = tuple(frac_of(value) for value in (op.result, op.weight, op.bias) if value is not None)
            options = frozenset(op.properties.items()), frozenset(op.attributes.items())
            alike[op.x, shape_of(op.weight)[1:], fracs, options].append(op)
    taken = set(map(layer_name, module.body.block.ops))
    for ops in alike.values():
        for family in _in_order(ops, machine):
            if len(family.members) > 1 and taken.isdisjoint(map(_name, family.members)):
                yield family


def _is_alone(op: cnn.Conv2dOp) -> bool:
    """Whether a convolution has no schedule, no pool or other layer that is computed with it, and nothing but maps,
    kernels and biases."""
    if ScheduleAttr.name in op.attributes or frac_of(op.result) is None or op.residual is not None:
        return False
    place, maker = placement(op.result), op.x.owner
    return (
        op.geometry.groups == 1
        and pool_behind(op) is None
        and not (isinstance(maker, cnn.MaxPoolOp) and FUSED in maker.attributes)
        and not siblings_of(op)
        and bool(op.result.uses)
        and (place is None or isinstance(place[0], cnn.ConcatOp))
        and all(isinstance(value.owner, cnn.QuantizeOp) for value in (op.weight, op.bias) if value is not None)
    )


def _in_order(ops: Sequence[cnn.Conv2dOp], machine: Machine) -> Iterator[Family]:
    """Those of some convolutions that may be one, in the order in which a tile has their channels; of many, some at a
    time.

    Each begins with a line of the tile, best with a transfer, and is stored pixel by pixel, in whole transfers; so of
    those whose channels are no whole lines, the one of most comes last.
    """
    transfer, line = machine.transfer_words, machine.line_words
    stored = [op for op in ops if layout_of(op.result, machine).layout.pixel % transfer == 0]
    for some in (stored[first : first + MOST] for first in range(0, len(stored), MOST)):
        whole = [op for op in some if shape_of(op.result)[1] % line == 0]
        others = [op for op in some if op not in whole]
        whole.sort(key=lambda op: shape_of(op.result)[1] % transfer > 0)
        members = [*whole, *sorted(others, key=lambda op: shape_of(op.result)[1])[-1:]]
        yield Family(tuple(members), next(op for op in some if op in members))


class _Choice(NamedTuple):
    """Some convolutions, by themselves and as one."""

    family: Family
    alone: Sequence[ConvProblem]
    merged: ConvProblem

    def cost_alone(self, cost: Mapping[ConvProblem, float]) -> float:
        """What they cost by themselves."""
        return sum(map(cost.__getitem__, self.alone))

    def won(self, cost: Mapping[ConvProblem, float]) -> float:
        """What they cost less as one."""
        return self.cost_alone(cost) - cost[self.merged]


def _worth_it(families: Sequence[Family], machine: Machine, costs: Costs) -> list[Family]:
    """Of each family as many as cost least as one: all, or all but the one with the most kernels."""
    alone = {op: conv_problem(op, machine) for family in families for op in family.members}
    cost = dict(costs([*alone.values()]))

    def lost(family: Family) -> float:
        return sum(cost[alone[op]] - (1 + WORTH_IT) * limit_cycles(alone[op]) for op in family.members)

    tried = [
        [
            _Choice(some, [alone[op] for op in some.members], siblings_problem(some.members, machine))
            for some in _some_of(family)
        ]
        for family in families
        if lost(family) > 0
    ]
    cost |= costs([choice.merged for choices in tried for choice in choices])
    best = (max(choices, key=lambda choice: choice.won(cost)) for choices in tried)
    return [choice.family for choice in best if choice.won(cost) > WORTH_IT * choice.cost_alone(cost)]


def _some_of(family: Family) -> list[Family]:
    """The family, and what is left of it without the one of most kernels."""
    most = max(family.members, key=lambda op: shape_of(op.weight)[0])
    others = tuple(op for op in family.members if op is not most)
    if len(others) == 1:
        return [family]
    # Where the first one is left out, its place is as good as any behind it.
    return [family, Family(others, family.first)]


def _merge(family: Family) -> None:
    """Puts one convolution in the place of the first of several, and gathers of its channels in the place of all."""
    first, members = family.first, family.members
    for value in (value for op in members for value in (op.weight, op.bias) if value is not None):
        _bring_forward(value, first)
    new: list[Operation] = []
    operands = [first.x, _concat([op.weight for op in members], new)]
    if biases := [op.bias for op in members if op.bias is not None]:
        operands.append(_concat(biases, new))
    shape, channels = shape_of(first.result), sum(shape_of(op.result)[1] for op in members)
    assert isinstance(first.result.type, TensorType)
    merged = cnn.Conv2dOp.create(
        operands=operands,
        properties=dict(first.properties),
        attributes=dict(first.attributes),
        result_types=[TensorType(first.result.type.element_type, (shape[0], channels, *shape[2:]))],
        location=name_location(family.name),
    )
    new.append(merged)
    offset = 0
    for op in members:
        count = shape_of(op.result)[1]
        part = located(cnn.GatherOp(merged.results[0], sizes=(count,), offset=offset), op.location)
        part.attributes[FUSED] = UnitAttr()
        part.result.name_hint = op.result.name_hint
        op.result.replace_all_uses_with(part.result)
        offset += count
        new.append(part)
    Rewriter.insert_op(new, InsertPoint.before(first))
    for op in members:
        constants = [value.owner for value in (op.weight, op.bias) if value is not None]
        for dead in (op, *constants):
            if isinstance(dead, Operation) and not any(result.uses for result in dead.results):
                Rewriter.erase_op(dead)


def _bring_forward(value: SSAValue, place: Operation) -> None:
    """Moves a constant, and what it follows from, before an operation."""
    op = value.owner
    if not isinstance(op, Operation) or not is_constant(value) or op.is_before_in_block(place):
        return
    for operand in op.operands:
        _bring_forward(operand, place)
    op.detach()
    Rewriter.insert_op(op, InsertPoint.before(place))


def _concat(constants: Sequence[SSAValue], new: list[Operation]) -> SSAValue:
    """The words of some kernels, or biases, one behind the other; adds what makes them to `new`."""
    quantized = [op for value in constants if isinstance(op := value.owner, cnn.QuantizeOp)]
    frac = frac_of(constants[0])
    assert frac is not None
    new.append(whole := located(cnn.ConcatKernelsOp([op.x for op in quantized]), quantized[0].location))
    new.append(words := located(cnn.QuantizeOp(whole.result, frac), quantized[0].location))
    return words.result
