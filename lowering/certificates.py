"""Certificates of layers: the estimate of the chosen schedule, and the bounds of any, with what they follow from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from lowering.bounds import Bounds, add_bounds, avg_pool_bounds, conv_bounds, max_pool_bounds, pixel_lines
from lowering.cnn.choose_schedule import steps_of
from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.host import host_reason
from lowering.layouts import layout_of
from lowering.maps_tiling import MapsProblem, TilingError
from lowering.problems import conv_problem, conv_window, linear_problem, pixel_window, pool_window
from lowering.tile_steps.layer import LayerBuffers
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.steps import maps_of
from lowering.tile_steps.words import add_steps, average_weights, avg_pool_steps, max_pool_steps
from lowering.timing import estimate
from lowering.words_tiling import words_problem
from snowdialect.certificate import Certificate
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.tile import EstimateAttr, Schedule, ScheduleAttr, Window, maps_shape
from snowdialect.layout import MapsLayout, round_up
from snowdialect.machine import Machine


def certificate_of(op: Operation, machine: Machine) -> Certificate | None:
    """The certificate of a layer; None for one that the host computes, or whose schedule does not fit the machine."""
    if host_reason(op, machine) is not None:
        return None
    match op:
        case cnn.Conv2dOp():
            problem, window = conv_problem(op, machine), conv_window(op)
            return _of_kernels(op, problem, window, shape_of(op.x), "conv2d")
        case cnn.LinearOp():
            problem = linear_problem(op, machine)
            maps = problem.maps
            return _of_kernels(op, problem, problem.window, (1, maps.channels, maps.height, maps.width), "linear")
        case cnn.MaxPoolOp(x=x):
            return _of_words(op, machine, pool_window(op), x)
        case cnn.AvgPoolOp(x=x):
            return _of_words(op, machine, pool_window(op), x)
        case cnn.AddOp(lhs=lhs, rhs=rhs):
            return _of_words(op, machine, pixel_window(lhs), lhs, rhs)
        case cnn.ReluOp(x=x) | cnn.RescaleOp(x=x):
            return _of_words(op, machine, pixel_window(x), x)
        case _:
            return None


def _of_kernels(
    op: cnn.Conv2dOp | cnn.LinearOp, problem: ConvProblem, window: Window, shape: tuple[int, ...], kind: str
) -> Certificate | None:
    """The certificate of a layer with kernels; its shapes are those of the network, not of reshaped maps."""
    schedule = op.attributes.get(ScheduleAttr.name)
    if not isinstance(schedule, ScheduleAttr) or (cycles := _estimate(op, problem, schedule.record)) is None:
        return None
    layer = {
        "kind": kind,
        "input": list(maps_shape(shape)),
        "output": [problem.channels, window.out_h, window.out_w],
        **_window_entry(window),
        "groups": problem.groups,
        "pixel": problem.maps.pixel,
        "depth": problem.depth,
        "unrolled": problem.maps.unrolled is not None,
        "residual": problem.bypass is not None,
        "result_pixel": problem.result.pixel,
    }
    if problem.siblings:
        layer["results"] = [[sibling.channels, sibling.result.pixel] for sibling in problem.siblings]
    if schedule.record.fused and problem.pool is not None:
        channels, window = problem.channels, problem.pool.window
        shapes = [channels, window.in_h, window.in_w], [channels, window.out_h, window.out_w]
        words = round_up(channels, problem.machine.line_words)
        layer["pool"] = _words_entry("max_pool", *shapes, window, words, 1, problem.pool.result)
    if problem.before is not None:
        maps, window = problem.maps, problem.before.window
        shapes = [maps.channels, window.in_h, window.in_w], [maps.channels, window.out_h, window.out_w]
        words = pixel_lines(problem.machine, problem.before.maps) * problem.machine.line_words
        layer["pool_before"] = _words_entry("max_pool", *shapes, window, words, 1, maps)
    return _certificate(cycles, conv_bounds(problem, bool(schedule.record.fused)), layer)


def _estimate(op: Operation, problem: ConvProblem, schedule: Schedule) -> int | None:
    """Cycles of a schedule; None for one that does not fit."""
    if isinstance(noted := op.attributes.get(EstimateAttr.name), EstimateAttr):
        return noted.record.cycles
    try:
        return estimate(steps_of(problem, plan_conv(problem, schedule))).cycles
    except TilingError:
        return None


def _of_words(
    op: Operation, machine: Machine, window: Window, maps: SSAValue, other: SSAValue | None = None
) -> Certificate:
    """The certificate of a layer that works on the words of pixels."""
    second = None if other is None else layout_of(other, machine).layout
    result = layout_of(op.results[0], machine).layout
    average = isinstance(op, cnn.AvgPoolOp)
    problem = words_problem(machine, window, layout_of(maps, machine).layout, second, result, average=average)
    kind = op.name.split(".")[1] if isinstance(op, cnn.MaxPoolOp | cnn.AvgPoolOp) else "add"
    shapes = maps_shape(shape_of(maps)), maps_shape(shape_of(op.results[0]))
    words = pixel_lines(machine, problem.maps) * machine.line_words
    steps, bounds = _steps_of_words(op, problem)
    layer = _words_entry(kind, *shapes, window, words, 1 if other is None else 2, result)
    return _certificate(estimate(steps).cycles, bounds, layer)


def _steps_of_words(op: Operation, problem: MapsProblem) -> tuple[LayerBuffers, Bounds]:
    machine, window = problem.machine, problem.window
    regions = maps_of(problem.maps, problem.other, problem.result)
    match op:
        case cnn.MaxPoolOp():
            return max_pool_steps(machine, window, regions, Swapped()), max_pool_bounds(problem)
        case cnn.AvgPoolOp():
            weights = average_weights(machine, op.axis_divisors)
            return avg_pool_steps(machine, window, weights, regions, Swapped()), avg_pool_bounds(problem)
        case _:
            return add_steps(machine, window, regions, Swapped()), add_bounds(problem)


def _words_entry(
    kind: str,
    maps: Sequence[int],
    output: Sequence[int],
    window: Window,
    words: int,
    operands: int,
    result: MapsLayout,
) -> dict[str, Any]:
    """A layer that computes on `words` of each pixel of maps."""
    return {
        "kind": kind,
        "input": list(maps),
        "output": list(output),
        **_window_entry(window),
        "words": words,
        "operands": operands,
        "result_pixel": result.pixel,
    }


def _window_entry(window: Window) -> dict[str, Any]:
    return {
        "kernel": [window.kernel_h, window.kernel_w],
        "strides": [window.stride_h, window.stride_w],
        "dilations": [window.dilation_h, window.dilation_w],
        "pads": [window.pad_top, window.pad_left],
    }


def _certificate(objective: int, bounds: Bounds, layer: dict[str, Any]) -> Certificate:
    return Certificate(objective, bounds._asdict(), layer)
