"""A cnn layer as a tiling problem: its window, and the layouts of what it reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from xdsl.ir import SSAValue

from lowering.conv_tiling import ConvProblem, PoolBehind, Sibling, possible_windows
from lowering.costs import grouped_cycles
from lowering.layouts import FUSED, layout_of, placement, several_in_one, word_ranges
from lowering.maps_tiling import PoolBefore
from lowering.reshape import reshaped
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.tile import Window, maps_shape
from snowdialect.errors import SnowError
from snowdialect.layout import MapsLayout, Segment, round_up
from snowdialect.machine import Machine

Costs = Callable[[Sequence[ConvProblem]], Mapping[ConvProblem, float]]
"""What layers cost with their best plans, for passes that change the network where that is quicker."""


def check_quantised(op: cnn.Conv2dOp | cnn.LinearOp) -> None:
    """Raises SnowError for a layer in float: the accelerator has none."""
    if frac_of(op.result) is None:
        raise SnowError(f"{layer_name(op)}: is in float; run cnn-quantize first")


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


def pool_before(op: cnn.Conv2dOp, machine: Machine) -> cnn.MaxPoolOp | None:
    """The max pool whose result a convolution alone reads, and so can compute: all of it is read, and it leaves the
    words of a pixel where they are. Not one that can be computed with a convolution before it, nor for a convolution
    with several results."""
    pool = op.x.owner
    if not isinstance(pool, cnn.MaxPoolOp) or not op.x.has_one_use() or frac_of(op.x) is None or siblings_of(op):
        return None
    if isinstance(layer := pool.x.owner, cnn.Conv2dOp | cnn.LinearOp) and pool_behind(layer) is pool:
        return None
    read, pooled, window = layout_of(pool.x, machine).layout, layout_of(op.x, machine).layout, conv_window(op)
    stays = read.pixel == pooled.pixel and read.segments == pooled.segments and read.unrolled is None
    whole = word_ranges(read, machine)[0] == 0 and read.pixel % machine.line_words == 0
    inside = window.rows_read(window.out_h), window.columns_read(window.out_w)
    all_read = (
        window.stride_h <= window.kernel_h
        and window.stride_w <= window.kernel_w
        and (window.dilation_h, window.dilation_w) == (1, 1)
        and inside[0] - window.pad_top >= window.in_h
        and inside[1] - window.pad_left >= window.in_w
    )
    return pool if stays and whole and all_read else None


def fused_pool(op: cnn.Conv2dOp, machine: Machine) -> cnn.MaxPoolOp | None:
    """The max pool that a convolution is to compute, as an attribute of that says. Raises SnowError where it cannot."""
    pool = op.x.owner
    if not isinstance(pool, cnn.MaxPoolOp) or FUSED not in pool.attributes:
        return None
    if pool_before(op, machine) is not pool:
        raise SnowError(f"{layer_name(pool)}: {FUSED}, but {layer_name(op)} cannot compute it")
    return pool


def conv_problem(op: cnn.Conv2dOp, machine: Machine, maps: MapsLayout | None = None) -> ConvProblem:
    """A convolution as a tiling problem, with the max pool before it if that is to be fused; else in the rows that suit
    it best, of maps that lie as they do, or in another layout."""
    if (pool := fused_pool(op, machine)) is not None:
        return pooled_problem(op, pool, machine)
    problem = _conv_problem(op, machine, maps or layout_of(op.x, machine).layout)
    siblings = [_sibling(part.result, machine) for part in siblings_of(op)]
    return reshaped(_joined(problem, siblings) if siblings else problem)


def pooled_problem(op: cnn.Conv2dOp, pool: cnn.MaxPoolOp, machine: Machine) -> ConvProblem:
    """A convolution, and the max pool before it."""
    before = PoolBefore(pool_window(pool), layout_of(pool.x, machine).layout)
    return _conv_problem(op, machine, layout_of(op.x, machine).layout)._replace(before=before)


def siblings_of(op: cnn.Conv2dOp) -> list[cnn.GatherOp]:
    """What a convolution stores apart, in the order of the channels: the results of those that it is made of, or what
    is split of it. Empty: it has one result. Raises SnowError where some channels are in none of them, or in several,
    or are read besides."""
    fused = [use.operation for use in op.result.uses if several_in_one(use.operation)]
    if not fused:
        return []
    if len(parts := shares_of(op)) > len(fused) or not parts:
        raise SnowError(f"{layer_name(fused[0])}: {FUSED}, but {layer_name(op)} has other channels or readers besides")
    return parts


def shares_of(op: cnn.Conv2dOp) -> list[cnn.GatherOp]:
    """The gathers that share out the channels of a convolution, in their order, where nothing else reads it; else
    none."""
    readers, channels = [use.operation for use in op.result.uses], shape_of(op.result)[1]
    parts = [reader for reader in readers if isinstance(reader, cnn.GatherOp)]
    # Many gathers of many channels would make a long list.
    if len(parts) < len(readers) or sum(shape_of(part.result)[1] for part in parts) != channels:
        return []
    parts.sort(key=lambda part: part.offset.value.data)
    return parts if [channel for part in parts for channel in part.channels] == list(range(channels)) else []


def siblings_problem(ops: Sequence[cnn.Conv2dOp], machine: Machine) -> ConvProblem:
    """Convolutions that differ in their kernels alone, as one."""
    maps = layout_of(ops[0].x, machine).layout
    return reshaped(_joined(_conv_problem(ops[0], machine, maps), [_sibling(op.result, machine) for op in ops]))


def _sibling(result: SSAValue, machine: Machine) -> Sibling:
    return Sibling(shape_of(result)[1], layout_of(result, machine).layout, placement(result) is not None)


def _joined(problem: ConvProblem, siblings: Sequence[Sibling]) -> ConvProblem:
    """The problem of one convolution as that of several."""
    channels, window = sum(sibling.channels for sibling in siblings), problem.window
    transfer, last = problem.machine.transfer_words, siblings[-1].channels
    # The last one has whole transfers, too, wherever it begins.
    pixel = round_up(channels - last + round_up(last, transfer), transfer)
    held = MapsLayout(window.out_h, window.out_w, pixel, window.out_w * pixel, (Segment(channels, 0),))
    return problem._replace(channels=channels, result=held, view=True, pool=None, siblings=tuple(siblings))


def _conv_problem(op: cnn.Conv2dOp, machine: Machine, maps: MapsLayout) -> ConvProblem:
    groups, channels = op.geometry.groups, shape_of(op.result)[1]
    if more := empty_channels(op, maps, machine):
        groups = channels = channels + more
        maps = maps._replace(segments=(Segment(channels, 0),))
    pool = pool_behind(op)
    problem = ConvProblem(
        machine,
        conv_window(op, maps.unrolled is not None),
        maps,
        None if op.residual is None else layout_of(op.residual, machine).layout,
        layout_of(op.result, machine).layout,
        channels,
        groups,
        1,
        placement(op.result) is not None,
        None
        if pool is None
        else PoolBehind(pool_window(pool), layout_of(pool.result, machine).layout, placement(pool.result) is not None),
    )
    # Kernels that see fewer groups have less to multiply, and more traces.
    windows = possible_windows(maps.channels, channels, groups, _gapless(maps), machine)
    return min((problem._replace(windows=number) for number in windows), key=grouped_cycles)


def empty_channels(op: cnn.Conv2dOp, maps: MapsLayout, machine: Machine) -> int:
    """How many channels a depthwise convolution of some maps is computed with besides its own: those that fill up the
    last line of each pixel, with kernels of zeros, so that kernels need not see more than a line."""
    channels = maps.channels
    depthwise = op.geometry.groups == channels == shape_of(op.result)[1] and shape_of(op.weight)[1] == 1
    constants = all(isinstance(value.owner, cnn.QuantizeOp) for value in (op.weight, op.bias) if value is not None)
    lines = round_up(channels, machine.line_words)
    as_they_lie = maps.unrolled is None and maps.segments == (Segment(channels, 0),) and maps.pixel == lines
    return lines - channels if depthwise and constants and as_they_lie and channels > 1 else 0


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
    return maps.channels * maps.taps == maps.pixel
