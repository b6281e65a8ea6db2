"""A part of cnn-choose-schedule: convolutions of the same maps are computed as one where that is quicker, and one whose
channels are split stores them apart.

The branches of an inception module begin with 1x1 convolutions of the same maps, some of few kernels: each loads the
maps again, waits for its first tile, and may leave lanes without a kernel. As one they do it once:

    %a = cnn.conv2d %x, %v                      // 64 kernels
    %b = cnn.conv2d %x, %w                      // 96 kernels

    %k = cnn.concat_kernels %v, %w              // 160 kernels
    %y = cnn.conv2d %x, %k
    %a = cnn.gather %y sizes [64] {tile.fused}
    %b = cnn.gather %y offset 64 sizes [96] {tile.fused}

Nothing is gathered at run time: each part of a tile is stored straight to where its result lies, as if a layer of its
own had made it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp, TensorType, UnitAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.conv_tiling import ConvProblem
from lowering.costs import limit_cycles
from lowering.layouts import FUSED, layout_of, placement
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

Family = Sequence[cnn.Conv2dOp]
"""Convolutions that may be one, in the order of their channels."""


def merge_siblings(module: ModuleOp, machine: Machine, costs: Costs | None = None) -> None:
    """Makes one of convolutions of the same maps that cost less as one, each behind another layer; without `costs` of
    all that can be one."""
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
            alike[op.x, shape_of(op.weight)[1:], fracs, tuple(op.properties.items())].append(op)
    taken = set(map(layer_name, module.body.block.ops))
    for ops in alike.values():
        family = _in_order(ops[:MOST], machine)
        if len(family) > 1 and _name(family) not in taken:
            yield family


def _is_alone(op: cnn.Conv2dOp) -> bool:
    """Whether a convolution has no schedule, and nothing but maps, kernels and biases."""
    if ScheduleAttr.name in op.attributes or frac_of(op.result) is None or op.residual is not None:
        return False
    place = placement(op.result)
    return (
        op.geometry.groups == 1
        and pool_behind(op) is None
        and not siblings_of(op)
        and bool(op.result.uses)
        and (place is None or isinstance(place[0], cnn.ConcatOp))
        and all(isinstance(value.owner, cnn.QuantizeOp) for value in (op.weight, op.bias) if value is not None)
    )


def _in_order(ops: Sequence[cnn.Conv2dOp], machine: Machine) -> Family:
    """Those of some convolutions that may be one, in the order in which a tile has their channels.

    Each begins with a line of the tile, best with a transfer, and is stored pixel by pixel, in whole transfers; so of
    those whose channels are no whole lines, the one of most comes last.
    """
    transfer, line = machine.transfer_words, machine.line_words
    stored = [op for op in ops if layout_of(op.result, machine).layout.pixel % transfer == 0]
    whole = [op for op in stored if shape_of(op.result)[1] % line == 0]
    others = [op for op in stored if op not in whole]
    whole.sort(key=lambda op: shape_of(op.result)[1] % transfer > 0)
    return [*whole, *sorted(others, key=lambda op: shape_of(op.result)[1])[-1:]]


def store_apart(module: ModuleOp, machine: Machine, costs: Costs) -> None:
    """Has a convolution store apart the channels that gathers share out, as a split does, wherever the machine can."""
    apart = {
        op: parts
        for op in module.body.block.ops
        if isinstance(op, cnn.Conv2dOp) and _is_alone(op) and (parts := _parts(op))
    }
    for part in (part for parts in apart.values() for part in parts):
        part.attributes[FUSED] = UnitAttr()
    problems = {op: conv_problem(op, machine) for op in apart}
    cost = costs([*problems.values()])
    for part in (part for op, parts in apart.items() if cost[problems[op]] == inf for part in parts):
        del part.attributes[FUSED]


def _parts(op: cnn.Conv2dOp) -> list[cnn.GatherOp]:
    """The gathers that share out the channels of a convolution, where nothing else reads them; else none."""
    readers = [use.operation for use in op.result.uses]
    parts = [reader for reader in readers if isinstance(reader, cnn.GatherOp) and FUSED not in reader.attributes]
    channels = [channel for part in sorted(parts, key=lambda part: part.channels) for channel in part.channels]
    return parts if len(parts) == len(readers) and channels == list(range(shape_of(op.result)[1])) else []


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
    alone = {op: conv_problem(op, machine) for family in families for op in family}
    cost = dict(costs([*alone.values()]))

    def lost(family: Family) -> float:
        return sum(cost[alone[op]] - (1 + WORTH_IT) * limit_cycles(alone[op]) for op in family)

    tried = [
        [_Choice(some, [alone[op] for op in some], siblings_problem(some, machine)) for some in _some_of(family)]
        for family in families
        if lost(family) > 0
    ]
    cost |= costs([choice.merged for choices in tried for choice in choices])
    best = (max(choices, key=lambda choice: choice.won(cost)) for choices in tried)
    return [choice.family for choice in best if choice.won(cost) > WORTH_IT * choice.cost_alone(cost)]


def _some_of(family: Family) -> list[Family]:
    """The family, and what is left of it without the one of most kernels."""
    most = max(family, key=lambda op: shape_of(op.weight)[0])
    others = [op for op in family if op is not most]
    return [family, others] if len(others) > 1 else [family]


def _name(family: Family) -> str:
    return f"{layer_name(family[0])}.siblings"


def _merge(family: Family) -> None:
    """Puts one convolution in the place of the first of several, and gathers of its channels in the place of all."""
    block = family[0].parent
    assert block is not None
    first = next(op for op in block.ops if isinstance(op, cnn.Conv2dOp) and op in family)
    for op in family:
        for value in op.operands[1:]:
            _bring_forward(value, first)
    new: list[Operation] = []
    weight = _concat([op.weight for op in family], new)
    bias = _concat([op.bias for op in family if op.bias is not None], new)
    shape = shape_of(first.result)
    assert isinstance(first.result.type, TensorType) and weight is not None
    merged = cnn.Conv2dOp.create(
        operands=[first.x, weight, *([] if bias is None else [bias])],
        properties=dict(first.properties),
        result_types=[TensorType(first.result.type.element_type, (shape[0], shape_of(weight)[0], *shape[2:]))],
        location=name_location(_name(family)),
    )
    new.append(merged)
    offset = 0
    for op in family:
        count = shape_of(op.result)[1]
        part = located(cnn.GatherOp(merged.results[0], sizes=(count,), offset=offset), op.location)
        part.attributes[FUSED] = UnitAttr()
        part.result.name_hint = op.result.name_hint
        op.result.replace_all_uses_with(part.result)
        offset += count
        new.append(part)
    Rewriter.insert_op(new, InsertPoint.before(first))
    for op in family:
        constants = [value.owner for value in op.operands[1:]]
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


def _concat(constants: Sequence[SSAValue], new: list[Operation]) -> SSAValue | None:
    """The words of some kernels, or biases, one behind the other."""
    if not constants:
        return None
    quantized = [op for value in constants if isinstance(op := value.owner, cnn.QuantizeOp)]
    frac = frac_of(constants[0])
    assert frac is not None
    new.append(whole := located(cnn.ConcatKernelsOp([op.x for op in quantized]), quantized[0].location))
    new.append(words := located(cnn.QuantizeOp(whole.result, frac), quantized[0].location))
    return words.result
