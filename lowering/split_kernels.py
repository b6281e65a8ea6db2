"""A part of cnn-choose-schedule: kernels are split unevenly between two layers, where that is quicker.

A layer of 208 kernels has four CUs store 64, 64, 64 and 16 channels, since each stores whole transfers, and the MACs of
the last one have nothing to do for most of the time. 192 kernels give each CU as many, and the 16 that are left may
have their rows shared out:

    %y = cnn.conv2d %x, %w                                      // 208 kernels
    %c = cnn.concat %a, %y, %b

    %w0 = cnn.slice_kernels %w {first = 0, count = 192}
    %w1 = cnn.slice_kernels %w {first = 192, count = 16}
    %y0 = cnn.conv2d %x, %w0
    %y1 = cnn.conv2d %x, %w1
    %c = cnn.concat %a, %y0, %y1, %b

Each half has a schedule of its own, and its place in the concatenation, which the layer has to be a part of: elsewhere
those that read it would find its channels in two pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeGuard

from xdsl.dialects.builtin import ModuleOp, TensorType
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from lowering.conv_tiling import ConvProblem
from lowering.costs import limit_cycles
from lowering.layouts import placement
from lowering.problems import Costs, conv_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.dialects.tile import ScheduleAttr
from snowdialect.layout import Segment, round_down
from snowdialect.machine import Machine

WORTH_IT = 0.02
"""Both halves have to take less by this part, about as much as estimates are wrong, and a layer near to what its MACs
need at least is left alone."""


def split_kernels(module: ModuleOp, machine: Machine, costs: Costs | None = None) -> None:
    """Splits the kernels of all layers whose halves cost less; without `costs` of all that can be split."""
    taken = set(map(layer_name, module.body.block.ops))
    layers = {
        op: conv_problem(op, machine)
        for op in module.body.block.ops
        if _can_be_split(op, machine) and taken.isdisjoint(_names(op))
    }
    for op in layers if costs is None else _worth_it(layers, costs):
        _split(op, _first_half(shape_of(op.weight)[0], machine))


def _worth_it(layers: Mapping[cnn.Conv2dOp, ConvProblem], costs: Costs) -> Iterator[cnn.Conv2dOp]:
    """The layers whose halves cost less. Halves are planned only of those that take longer than they must."""
    cost = costs([*layers.values()])
    slow = {op: whole for op, whole in layers.items() if cost[whole] > (1 + WORTH_IT) * limit_cycles(whole)}
    halves = {op: _halves(whole) for op, whole in slow.items()}
    cost_of_half = costs([half for both in halves.values() for half in both])
    for op, both in halves.items():
        if sum(map(cost_of_half.__getitem__, both)) < (1 - WORTH_IT) * cost[slow[op]]:
            yield op


class _Halves(NamedTuple):
    """The layers that are to be planned in the place of one."""

    first: ConvProblem
    rest: ConvProblem


def _can_be_split(op: Operation, machine: Machine) -> TypeGuard[cnn.Conv2dOp]:
    """Whether a layer without a schedule is a part of a concatenation that nothing else reads, and has more kernels
    than a CU computes side by side in mode indp, but no multiple of that."""
    if not isinstance(op, cnn.Conv2dOp) or ScheduleAttr.name in op.attributes or frac_of(op.result) is None:
        return False
    if op.geometry.groups > 1 or op.residual is not None or not op.result.has_one_use():
        return False
    constants = all(isinstance(value.owner, cnn.QuantizeOp) for value in (op.weight, op.bias) if value is not None)
    place, kernels, lanes = placement(op.result), shape_of(op.weight)[0], machine.vmacs * machine.macs
    return constants and place is not None and isinstance(place[0], cnn.ConcatOp) and 0 < kernels % lanes < kernels


def _names(op: cnn.Conv2dOp) -> tuple[str, str]:
    """Those of both halves. Where another layer has one of them, what is said of it would be said of both."""
    return f"{layer_name(op)}.first", f"{layer_name(op)}.rest"


def _first_half(kernels: int, machine: Machine) -> int:
    """How many kernels the first half has: the most that are a multiple of what a CU computes side by side."""
    return round_down(kernels, machine.vmacs * machine.macs)


def _halves(whole: ConvProblem) -> _Halves:
    """The problems of both halves, as they will be once the layer is split."""
    (segment,), first = whole.result.segments, _first_half(whole.channels, whole.machine)

    def half(begin: int, count: int) -> ConvProblem:
        result = whole.result._replace(segments=(Segment(count, segment.offset + begin),))
        return whole._replace(channels=count, result=result)

    return _Halves(half(0, first), half(first, whole.channels - first))


def _split(op: cnn.Conv2dOp, first: int) -> None:
    """Puts two layers in the place of one."""
    place = placement(op.result)
    assert place is not None
    concat, position = place
    parts = list(concat.inputs)
    of_first, of_rest = _names(op)
    rest = shape_of(op.weight)[0] - first
    parts[position : position + 1] = _layer_of(op, 0, first, of_first), _layer_of(op, first, rest, of_rest)
    whole = located(cnn.ConcatOp(parts), concat.location)
    whole.result.name_hint = concat.results[0].name_hint
    Rewriter.insert_op(whole, InsertPoint.before(concat))
    concat.results[0].replace_all_uses_with(whole.result)
    constants = [value.owner for value in (op.weight, op.bias) if value is not None]
    for dead in (concat, op, *constants):
        if isinstance(dead, Operation) and not any(result.uses for result in dead.results):
            Rewriter.erase_op(dead)


def _layer_of(op: cnn.Conv2dOp, first: int, count: int, name: str) -> SSAValue:
    """The result of a layer of some of the kernels."""
    new = [] if op.bias is None else [*_some_of(op.bias, first, count)]
    bias = new[-1].results[0] if new else None
    new += _some_of(op.weight, first, count)
    shape = shape_of(op.result)
    assert isinstance(op.result.type, TensorType)
    layer = cnn.Conv2dOp.create(
        operands=[op.x, new[-1].results[0], *([] if bias is None else [bias])],
        properties=dict(op.properties),
        attributes=dict(op.attributes),
        result_types=[TensorType(op.result.type.element_type, (shape[0], count, *shape[2:]))],
        location=name_location(name),
    )
    Rewriter.insert_op((*new, layer), InsertPoint.before(op))
    return layer.results[0]


def _some_of(constant: SSAValue, first: int, count: int) -> Iterator[Operation]:
    """Some kernels, or their biases, and their words."""
    quantized, frac = constant.owner, frac_of(constant)
    assert isinstance(quantized, cnn.QuantizeOp) and frac is not None
    yield (some := located(cnn.SliceKernelsOp(quantized.x, first, count), quantized.location))
    yield located(cnn.QuantizeOp(some.result, frac), quantized.location)
