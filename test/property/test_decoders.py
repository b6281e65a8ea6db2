"""What the timing says that decoders get of a convolution, against what the code holds that the step becomes."""

from typing import Any

import pytest
from networks import Conv, Net
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block

from lowering import driver
from lowering.cnn.choose_schedule import SCHEDULE, ChooseSchedulePass, steps_of
from lowering.conv_tiling import plan_conv
from lowering.issue import convolution
from lowering.problems import conv_problem
from lowering.tile_steps.conv_tile import Conv as ConvStep
from snowdialect.dialects import cnn
from snowdialect.dialects import loop as loop_dialect
from snowdialect.dialects.tile import Mode, ScheduleAttr
from snowdialect.machine import DEFAULT_MACHINE, load_machine

MACHINE = load_machine(DEFAULT_MACHINE)


def decoded(module: ModuleOp) -> list[list[int]]:
    """Instructions and cycles of each CU's MAC decoder, counted in the code of a module at level loop, run in order."""
    counts = [[0, 0] for _ in range(MACHINE.compute_units)]
    output = [0] * MACHINE.compute_units

    def run(block: Block) -> None:
        for op in block.ops:
            if isinstance(op, loop_dialect.ForOp):
                for _ in op.iterations:
                    run(op.body.block)
            elif isinstance(op, loop_dialect.StartOp | loop_dialect.MacOp):
                lines = -(-op.words.value.data // MACHINE.line_words) if isinstance(op, loop_dialect.MacOp) else 0
                for cu in range(MACHINE.compute_units):
                    if op.cus.value.data >> cu & 1:
                        counts[cu][0] += 1
                        output[cu] += lines * (1 if op.mode.data is Mode.COOP else MACHINE.line_words)
                        if op.last is not None:
                            counts[cu][1] += max(MACHINE.macs, output[cu])
                            output[cu] = 0

    for op in module.body.block.ops:
        if isinstance(op, loop_dialect.LayerOp):
            run(op.body.block)
    return counts


@pytest.mark.parametrize(
    ("net", "wish"),
    [
        *(((32, 3, 1, 1, 1), {"abreast": pixels}) for pixels in (1, 2, 3, 5, 8)),
        *(((80, 3, 1, 1, 1), {"abreast": pixels, "input_layout": "as-is"}) for pixels in (2, 4)),
        ((96, 7, 2, 3, 1), {"abreast": 2}),
        ((16, 5, 2, 2, 1), {"abreast": 7, "input_layout": "as-is"}),
        # Depthwise: short outputs in wide rows, others in narrow ones.
        ((32, 3, 1, 1, 32), {"mode": "coop"}),
        ((64, 3, 2, 1, 64), {"mode": "coop"}),
        ((32, 5, 1, 2, 32), {"mode": "coop"}),
        ((48, 3, 1, 1, 48), {}),
    ],
)
def test_what_decoders_get_is_what_the_code_has(net: tuple[int, ...], wish: dict[str, Any]) -> None:
    kernels, size, stride, pad, groups = net
    inputs = 3 if groups == 1 else kernels
    module, _ = Net(
        (inputs, 21, 37), (Conv(kernels, (size, size), (stride, stride), (pad, pad, pad, pad), groups=groups),)
    ).build()
    context = driver.make_context()
    driver.lower(context, module, "cnn")
    ChooseSchedulePass(**wish).apply(context, module)
    (op,) = (op for op in module.walk() if isinstance(op, cnn.Conv2dOp))
    schedule = op.attributes[SCHEDULE]
    assert isinstance(schedule, ScheduleAttr)
    assert schedule.record.abreast == wish.get("abreast", 1)
    problem = conv_problem(op, MACHINE)
    layer = steps_of(problem, plan_conv(problem, schedule.record))
    estimated = [[0, 0] for _ in range(MACHINE.compute_units)]
    for step in layer.program().steps:
        if isinstance(step.template, ConvStep):
            kernel = step.template.kernels
            joined = kernel.depth == problem.maps.pixel and step.template.window.dilation_w == 1
            for stretch in convolution(MACHINE, step.template, joined):
                for cu, work in enumerate(stretch.works):
                    estimated[cu][0] += work.instructions
                    estimated[cu][1] += work.cycles
    driver.lower(context, module, "loop")
    assert estimated == decoded(module)
