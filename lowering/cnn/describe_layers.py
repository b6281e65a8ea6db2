"""Notes what reports say of each layer, before layers become tiles and instructions.

The attribute `snow.layers` of the module holds name, kind, mode, order, multiply-accumulates, the certificate of the
schedule, and whether sums can wrap where cnn-bound-accumulators has found out; it travels down to the program file.
Multiply-accumulates are counted as published: those of convolutions and linear layers, none on padding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, IntegerType, ModuleOp
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass

from lowering.certificates import certificate_of
from lowering.cnn.bound_accumulators import ACCUMULATOR_RANGE, can_wrap
from lowering.cnn.coverage import covered_layers
from lowering.layouts import while_nothing_changes
from lowering.problems import FUSED, conv_window
from snowdialect.dialects import cnn, tile
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.layers import DescribedLayer, describe_layers, set_sources
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of

SCHEDULE = tile.ScheduleAttr.name

KINDS: dict[type[Operation], str] = {
    cnn.Conv2dOp: "conv2d",
    cnn.LinearOp: "linear",
    cnn.MaxPoolOp: "max_pool",
    cnn.AvgPoolOp: "avg_pool",
    cnn.AddOp: "add",
    cnn.ReluOp: "add",
    cnn.RescaleOp: "add",
}
"""What computes on the accelerator. A ReLU or a rescale of its own is an addition of one operand."""


@dataclass(frozen=True)
class DescribeLayersPass(ModulePass):
    """Sets `snow.layers` and completes `snow.sources`; wants schedules to be chosen."""

    name = "cnn-describe-layers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        with while_nothing_changes():
            self._describe(op)

    def _describe(self, op: ModuleOp) -> None:
        layers: dict[str, DescribedLayer] = {}
        for layer in op.body.block.ops:
            if type(layer) in KINDS and frac_of(layer.results[0]) is not None and fused_with(layer) is None:
                described = describe(layer)._replace(certificate=certificate_of(layer, machine_of(op)))
                if (before := layers.get(described.name)) is not None:
                    # Without locations, layers of a kind share a name.
                    described = before._replace(
                        macs=before.macs + described.macs,
                        can_wrap=before.can_wrap or described.can_wrap,
                        certificate=None,
                    )
                layers[described.name] = described
        describe_layers(op, layers.values())
        fused = {
            layer_name(pool): layer_name(layer) for pool in op.body.block.ops if (layer := fused_with(pool)) is not None
        }
        if sources := list(covered_layers(op, layers, fused)):
            set_sources(op, sources)


def fused_with(op: Operation) -> Operation | None:
    """The layer that a max pool is computed with, and to whose row it belongs."""
    if not isinstance(op, cnn.MaxPoolOp) or not isinstance(layer := op.x.owner, Operation):
        return None
    if FUSED in op.attributes:
        return next((use.operation for use in op.result.uses), None)
    schedule = schedule_of(layer)
    return layer if schedule is not None and schedule.fused else None


def schedule_of(op: Operation | Block) -> tile.Schedule | None:
    """What was chosen for a layer."""
    schedule = op.attributes.get(SCHEDULE) if isinstance(op, Operation) else None
    return schedule.record if isinstance(schedule, tile.ScheduleAttr) else None


def describe(op: Operation) -> DescribedLayer:
    """The row of a layer of the accelerator."""
    schedule = schedule_of(op)
    mode, order = (None, None) if schedule is None else (schedule.mode.value, schedule.order.value)
    return DescribedLayer(layer_name(op), KINDS[type(op)], mode, order, macs(op), wraps(op))


def wraps(op: Operation) -> bool | None:
    """Whether some input can make a sum that 32 bits do not hold, if cnn-bound-accumulators has found out."""
    sums = op.attributes.get(ACCUMULATOR_RANGE)
    return None if sums is None else can_wrap(*cast("DenseArrayBase[IntegerType]", sums).get_values())


def macs(op: Operation) -> int:
    """Multiply-accumulates that a layer needs when padding is never multiplied."""
    match op:
        case cnn.Conv2dOp():
            window = conv_window(op)
            kernels, inputs = shape_of(op.weight)[:2]
            rows = sum(len(window.kernel_rows(y)) for y in range(window.out_h))
            columns = sum(len(window.kernel_columns(x)) for x in range(window.out_w))
            return kernels * inputs * rows * columns
        case cnn.LinearOp():
            outputs, inputs = shape_of(op.weight)
            return outputs * inputs
        case _:
            return 0
