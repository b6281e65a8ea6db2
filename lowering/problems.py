"""A cnn layer as a tiling problem: its window, and the layouts of what it reads and writes."""

from __future__ import annotations

from xdsl.ir import SSAValue

from lowering.layouts import layout_of, placement
from lowering.reshape import reshaped
from lowering.tiling import ConvProblem, PoolBehind, merged_windows
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.tile import Window, maps_shape
from snowdialect.layout import MapsLayout
from snowdialect.machine import Machine


def conv_window(op: cnn.Conv2dOp, unrolled: bool = False) -> Window:
    """The window of a convolution; over unrolled rows, each of which holds all that is under the kernel."""
    geometry = op.geometry
    _, height, width = maps_shape(shape_of(op.x))
    _, out_h, out_w = maps_shape(shape_of(op.result))
    kernel = shape_of(op.weight)[2:]
    window = Window._make(
        (*kernel, *geometry.strides, *geometry.dilations, *geometry.pads[:2], height, width, out_h, out_w)
    )
    return window._replace(kernel_h=1, stride_h=1, dilation_h=1, pad_top=0, in_h=out_h) if unrolled else window


def pool_window(op: cnn.MaxPoolOp | cnn.AvgPoolOp) -> Window:
    """The window of a pool."""
    geometry = op.geometry
    _, height, width = maps_shape(shape_of(op.x))
    _, out_h, out_w = maps_shape(shape_of(op.result))
    return Window._make((*geometry.kernel, *geometry.strides, 1, 1, *geometry.pads[:2], height, width, out_h, out_w))


def pixel_window(value: SSAValue) -> Window:
    """The window of an operation that reads each pixel by itself."""
    _, height, width = maps_shape(shape_of(value))
    return Window(1, 1, 1, 1, 1, 1, 0, 0, height, width, height, width)


def pool_behind(op: cnn.Conv2dOp | cnn.LinearOp) -> cnn.MaxPoolOp | None:
    """The max pool that alone reads the result of a layer, and so can be computed with it."""
    uses = list(op.result.uses)
    if len(uses) == 1 and isinstance(pool := uses[0].operation, cnn.MaxPoolOp) and placement(op.result) is None:
        return pool
    return None


def conv_problem(op: cnn.Conv2dOp, machine: Machine, maps: MapsLayout | None = None) -> ConvProblem:
    """A convolution as a tiling problem, in the rows that suit it best; of maps that lie as they do, or in another
    layout."""
    maps = maps or layout_of(op.x, machine).layout
    groups = op.geometry.groups
    channels = shape_of(op.result)[1]
    pool = pool_behind(op)
    windows = merged_windows(maps.channels, channels, groups, _gapless(maps), machine)
    problem = ConvProblem(
        machine,
        conv_window(op, maps.unrolled is not None),
        maps,
        None if op.residual is None else layout_of(op.residual, machine).layout,
        layout_of(op.result, machine).layout,
        channels,
        groups,
        windows,
        placement(op.result) is not None,
        None
        if pool is None
        else PoolBehind(pool_window(pool), layout_of(pool.result, machine).layout, placement(pool.result) is not None),
    )
    return reshaped(problem)


def linear_problem(op: cnn.LinearOp, machine: Machine) -> ConvProblem:
    """A linear layer: a convolution whose kernel covers all of its input, which gives a single pixel."""
    maps = layout_of(op.x, machine).layout
    size = maps.height, maps.width
    return ConvProblem(
        machine,
        Window(*size, 1, 1, 1, 1, 0, 0, *size, 1, 1),
        maps,
        None,
        layout_of(op.result, machine).layout,
        shape_of(op.result)[1],
        1,
        1,
        placement(op.result) is not None,
    )


def _gapless(maps: MapsLayout) -> bool:
    return len(maps.segments) == 1 and maps.channels * maps.taps == maps.pixel
