"""Which layers the host computes, and why: what no trace of the accelerator does, or not with these maps."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from lowering.candidates import quickest_tiles
from lowering.layouts import has_empty_lines, layout_of, moves_nothing, placement, same_words, several_in_one
from lowering.maps_tiling import TilingError
from lowering.problems import pixel_window, pool_window
from lowering.words_tiling import words_problem
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of
from snowdialect.dialects.tile import Window
from snowdialect.layout import average_block
from snowdialect.machine import Machine


def host_reason(op: Operation, machine: Machine) -> str | None:
    """Why the host computes a layer; None for one that the accelerator computes, or that leaves all words in place."""
    if several_in_one(op) is not None:
        return None
    if not isinstance(op, ACCELERATED):
        return "no trace of the accelerator computes it"
    if frac_of(op.result) is None or cnn.is_constant(op.result):
        return "is not in fixed point"
    match op:
        case cnn.ReshapeOp():
            stays = placement(op.result) is None and moves_nothing(op)
            return None if stays else "its words change places"
        case cnn.MaxPoolOp():
            return _words_reason(op, machine, pool_window(op), op.x)
        case cnn.AvgPoolOp():
            return _words_reason(op, machine, pool_window(op), op.x) or _weights_reason(op, machine)
        case cnn.AddOp():
            return _words_reason(op, machine, pixel_window(op.lhs), op.lhs, op.rhs)
        case cnn.ReluOp() | cnn.RescaleOp():
            return _words_reason(op, machine, pixel_window(op.x), op.x)
        case _:
            return None


ACCELERATED = (
    cnn.Conv2dOp,
    cnn.LinearOp,
    cnn.MaxPoolOp,
    cnn.AvgPoolOp,
    cnn.AddOp,
    cnn.ReluOp,
    cnn.RescaleOp,
    cnn.ConcatOp,
    cnn.InterleaveOp,
    cnn.ReshapeOp,
)
"""What the accelerator computes in fixed point, or gets done by where words lie."""


def _words_reason(
    op: Operation, machine: Machine, window: Window, maps: SSAValue, other: SSAValue | None = None
) -> str | None:
    """An operation without kernels works on words: channels must lie alike in operands and result, and the maps under
    one window, or some of their channels, must fit a buffer."""
    values = [value for value in (maps, other, op.results[0]) if value is not None]
    if any(frac_of(value) is None for value in values):
        return "is not in fixed point"
    layouts = [layout_of(value, machine).layout for value in values]
    try:
        second = layouts[1] if other is not None else None
        quickest_tiles(
            words_problem(machine, window, layouts[0], second, layouts[-1], average=isinstance(op, cnn.AvgPoolOp))
        )
    except TilingError as error:
        return str(error)
    if not same_words(layouts, machine):
        return "the channels of operands and result lie differently"
    # A maximum of words that nobody reads does no harm, but a sum of them could saturate.
    if not isinstance(op, cnn.MaxPoolOp) and any(has_empty_lines(layout, machine) for layout in layouts):
        return "there are lines without channels between those with channels"
    return None


def _weights_reason(op: cnn.AvgPoolOp, machine: Machine) -> str | None:
    """A weights buffer must hold the weights of every class of rows and columns."""
    rows, columns = (len(set(numbers)) for numbers in op.axis_divisors)
    block = average_block(rows * columns, machine.vmacs, machine.line_words, machine.transfer_words)
    return None if block <= machine.wbuf_words else "its weights do not fit a buffer"
