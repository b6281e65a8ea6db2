"""Biases lie in the maps buffers, beside each slot of maps, where two slots of kernels fit only without them: which
schedules have them there, and every level computes the same."""

from dataclasses import replace

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp, TensorType, f32

from lowering import driver
from lowering.candidates import Choices, conv_plans
from lowering.check import check
from lowering.cnn.choose_schedule import ChooseSchedulePass, best_plan
from lowering.conv_tiling import ConvPlan, ConvProblem, plan_conv
from lowering.maps_tiling import PoolBefore
from lowering.tile_steps.conv import conv_steps
from lowering.tile_steps.conv_tile import Conv
from lowering.tile_steps.layer import Load, LoadBiases, LoadWeights
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import Access, Role, Step, Unit, maps_of
from snowdialect.dialects import cnn
from snowdialect.dialects.target import set_machine
from snowdialect.dialects.tile import Mode, Order, Schedule, ScheduleAttr, Split, Window
from snowdialect.layout import MapsLayout, Segment
from snowdialect.machine import load_machine
from snowdialect.weights import Weights

MACHINE = load_machine()


def problem_of(channels: int, kernels: int = 1024) -> ConvProblem:
    """A 1x1 convolution over 14x14 pixels."""
    maps, result = (MapsLayout(14, 14, depth, 14 * depth, (Segment(depth, 0),)) for depth in (channels, kernels))
    window = Window(1, 1, 1, 1, 1, 1, 0, 0, 14, 14, 14, 14)
    return ConvProblem(MACHINE, window, maps, None, result, kernels, 1, 1, False)


def plans_of(problem: ConvProblem, choices: Choices) -> list[ConvPlan]:
    return [plan for plan in conv_plans(problem, choices) if plan.schedule.mode is Mode.INDP]


def test_sixteen_kernels_that_fill_a_bank_have_two_slots_without_their_biases() -> None:
    """16 kernels of 512 words fill a bank of 8192."""
    plans = plans_of(problem_of(512), Choices())
    slots = {(plan.schedule.biases, plan.schedule.weights_slots) for plan in plans}
    assert (1, 2) in slots and (0, 1) in slots
    assert not any(biases == 0 and number > 1 for biases, number in slots)
    for plan in plans:
        places = plan.maps.biases
        assert (places is not None) is (plan.kernels.packing.bias_words > 0) is bool(plan.schedule.biases)
        if places is not None:
            assert places.slots == plan.maps.maps.slots
            assert places.words == (256 if plan.schedule.split is Split.KERNELS else 1024)


@pytest.mark.parametrize("channels", [496, 528])
def test_others_keep_them_in_front_of_their_kernels(channels: int) -> None:
    """Shorter kernels fit with them, longer ones do not fit without them either."""
    assert not any(plan.schedule.biases for plan in plans_of(problem_of(channels), Choices()))
    assert not any(plan.schedule.biases for plan in plans_of(problem_of(512), Choices(biases=0)))
    assert all(plan.schedule.biases for plan in plans_of(problem_of(channels), Choices(biases=1)))


def test_the_compiler_takes_them_where_they_pay() -> None:
    plan = best_plan(problem_of(512), ChooseSchedulePass())
    assert plan is not None and plan.schedule.biases and plan.schedule.weights_slots == 2
    plan = best_plan(problem_of(512), ChooseSchedulePass(schedule="paper", mode="indp"))
    assert plan is not None and not plan.schedule.biases


def test_biases_are_loaded_once_for_each_slot_of_maps_and_read_there() -> None:
    problem = problem_of(512)
    schedule = Schedule(Mode.INDP, Split.KERNELS, Order.KLOOP, 1, 14, 14, 1, 1, 2, 2, 2, 1, 0, 1, 1)
    layer = conv_steps(problem, plan_conv(problem, schedule), maps_of(problem.maps, None, problem.result), Swapped())
    steps = layer.program().steps
    loaded = [step.numbers for step in steps if isinstance(step.template, LoadBiases)]
    assert loaded == [(0,), (1,)]
    assert sum(isinstance(step.template, LoadWeights) for step in steps) >= 4
    for step in steps:
        if isinstance(step.template, Conv):
            assert step.template.biases
            assert Access(Role.BIASES, step.numbers[0]) in step.reads


def pooled(channels: int, columns: int) -> list[Step]:
    """The loads of a max pool and the 1x1 convolution of its maps, in tiles of so many columns, all rows of a CU."""
    problem = problem_of(channels, 64)
    window = Window(3, 3, 1, 1, 1, 1, 1, 1, 14, 14, 14, 14)
    problem = problem._replace(before=PoolBefore(window, problem.maps))
    schedule = Schedule(Mode.INDP, Split.ROWS, Order.MLOOP, 4, columns, 14, 1, 1, 2, 2, 2, 1, 0, 1, 1)
    layer = conv_steps(problem, plan_conv(problem, schedule), maps_of(problem.maps, None, problem.result), Swapped())
    return [step for step in layer.program().steps if step.unit is Unit.LOAD]


def test_biases_beside_maps_that_a_pool_makes_are_there_before_anything_is_pooled() -> None:
    """Both slots of maps are soon filled, by the pool: biases that come with the second one would wait for what is
    loaded for later columns, and the MACs for them."""
    loads = pooled(512, 1)
    assert [type(step.template) for step in loads[:4]] == [LoadWeights, LoadBiases, LoadBiases, Load]
    assert [step.numbers for step in loads if isinstance(step.template, LoadBiases)] == [(0,), (1,)]


def test_a_slot_that_no_tile_is_pooled_into_has_no_biases() -> None:
    assert len([step for step in pooled(64, 14) if isinstance(step.template, LoadBiases)]) == 1


def network(residual: bool) -> tuple[ModuleOp, Weights]:
    """Two 1x1 convolutions with biases, one behind the other; the second one perhaps adds what the first one reads."""
    rng = np.random.default_rng(0)
    shapes = {"v": (128, 128, 1, 1), "vb": (128,), "w": (128 if residual else 200, 128, 1, 1)}
    shapes["wb"] = shapes["w"][:1]
    tensors = {name: rng.normal(scale=0.1, size=shape).astype(np.float32) for name, shape in shapes.items()}
    x = cnn.InputOp("x", cnn.tensor_type((1, 128, 6, 6)))
    v, vb, w, wb = (cnn.WeightOp(name, TensorType(f32, shape)) for name, shape in shapes.items())
    first = cnn.Conv2dOp(x.result, v.result, bias=vb.result, relu=True)
    second = cnn.Conv2dOp(first.result, w.result, bias=wb.result, residual=x.result if residual else None)
    return ModuleOp([x, v, vb, w, wb, first, second, cnn.OutputOp("y", second.result)]), Weights(tensors, "test")


@pytest.mark.parametrize("split", ["rows", "kernels"])
@pytest.mark.parametrize("mode", ["coop", "indp"])
@pytest.mark.parametrize("residual", [False, True])
def test_every_level_computes_the_same(mode: str, split: str, residual: bool) -> None:
    module, weights = network(residual)
    context = driver.make_context()
    driver.lower(context, module, "cnn")
    set_machine(module, replace(MACHINE, wbuf_words=2048, mbuf_words=8192))
    ChooseSchedulePass(mode=mode, split=split, biases=1).apply(context, module)
    schedules = [op.attributes[ScheduleAttr.name] for op in module.walk() if isinstance(op, cnn.Conv2dOp)]
    chosen = [attribute.record for attribute in schedules if isinstance(attribute, ScheduleAttr)]
    assert len(chosen) == 2 and all(schedule.biases for schedule in chosen)
    batch = np.random.default_rng(1).normal(size=(2, 128, 6, 6)).astype(np.float32)
    results = list(check(context, module, batch, weights))
    assert str(results[-1].difference) == "None"
