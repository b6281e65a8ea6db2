"""Where each tensor of a quantised network lies in memory, decided from the network alone.

Maps are depth-minor. Channels are padded to whole lines where COOP traces read them, and stay packed where every
reader takes them word by word (INDP). The parts of a concatenation start at whole transfers, so that each producer
stores into place; a reader multiplies the words between them by zero.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from math import prod

from xdsl.dialects.builtin import UnrealizedConversionCastOp
from xdsl.ir import Operation, SSAValue

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.tile import MapsType, UnrolledAttr, WriteOp, maps_shape
from snowdialect.errors import SnowError
from snowdialect.layout import BLOCK_ALIGNMENT, MapsLayout, Segment, UnrolledRows, round_down, round_up
from snowdialect.machine import Machine

FUSED = "tile.fused"
"""The attribute of a max pool that is computed with the convolution that alone reads its result, and of a gather whose
channels a convolution stores apart from others: one of several that are one, or one whose channels are split."""

PADDING = 1 / 32
"""A part of a pixel that is hardly worth mentioning."""


def placement(value: SSAValue) -> tuple[cnn.WholeOp, int] | None:
    """The whole that `value` is written straight into, and its position there.

    A value has one place: that of its first use in a concatenation. What is itself a concatenation, or an operand
    twice over, has to be copied (see lowering/cnn/place_concats.py).
    """
    if isinstance(value.owner, cnn.WholeOp):
        return None
    for use in value.uses:
        if isinstance(use.operation, cnn.WholeOp):
            return use.operation, use.index
    return None


def several_in_one(op: Operation) -> cnn.Conv2dOp | None:
    """The convolution that stores apart what a gather takes; None for any other operation."""
    if isinstance(op, cnn.GatherOp) and FUSED in op.attributes and isinstance(op.x.owner, cnn.Conv2dOp):
        return op.x.owner
    return None


def concat_segments(shapes: Sequence[tuple[int, ...]], machine: Machine) -> tuple[Segment, ...]:
    """Where the parts of a concatenation lie in a pixel."""
    segments: list[Segment] = []
    offset = 0
    for shape in shapes:
        channels = maps_shape(shape)[0]
        segments.append(Segment(channels, offset))
        offset += round_up(channels, machine.transfer_words)
    return tuple(segments)


_KNOWN = ContextVar[dict[tuple[SSAValue, Machine], MapsType] | None]("_KNOWN", default=None)


@contextmanager
def while_nothing_changes() -> Generator[None]:
    """Each layout is worked out once in there, where no operation changes. That takes as long as a tensor has readers,
    and a concatenation parts, and all of these ask for it."""
    token = _KNOWN.set({})
    try:
        yield
    finally:
        _KNOWN.reset(token)


def layout_of(value: SSAValue, machine: Machine) -> MapsType:
    """The layout in memory of a fixed-point tensor; for a part of a concatenation, of its view of the whole."""
    if (known := _KNOWN.get()) is None:
        return _layout_of(value, machine)
    if (key := (value, machine)) not in known:
        known[key] = _layout_of(value, machine)
    return known[key]


def _layout_of(value: SSAValue, machine: Machine) -> MapsType:
    while (settled := _settled_layout(value, machine)) is None:
        owner = value.owner
        if not isinstance(owner, cnn.ReshapeOp) or not moves_nothing(owner):
            break
        value = owner.x
    if settled is not None:
        return settled
    if (unrolled := _unrolled(value, machine)) is not None:
        return unrolled
    channels, height, width = maps_shape(shape_of(value))
    if (like := _kept_layout(value, machine)) is not None and len(like.segments) > 1:
        return _maps_type(value, like.segments, like.pixel.data, machine)
    if height * width == 1:
        pixel = round_up(channels, machine.transfer_words)
    elif _read_by_word(value, machine):
        pixel = channels
    else:
        pixel = whole_pixel(channels, machine)
    return _maps_type(value, (Segment(channels, 0),), pixel, machine)


def whole_pixel(channels: int, machine: Machine) -> int:
    """Words of a pixel in whole lines; in whole transfers, which CUs with kernels of their own store one by one, where
    that takes hardly more."""
    lines, transfers = round_up(channels, machine.line_words), round_up(channels, machine.transfer_words)
    return transfers if transfers <= lines * (1 + PADDING) else lines


def _maps_type(value: SSAValue, segments: Sequence[Segment], pixel: int, machine: Machine) -> MapsType:
    _, height, width = maps_shape(shape_of(value))
    row = round_up(width * pixel, machine.transfer_words)
    return MapsType.make(height, width, pixel, row, _frac_bits(value), segments)


def _frac_bits(value: SSAValue) -> int:
    frac = frac_of(value)
    assert frac is not None
    return frac


def _settled_layout(value: SSAValue, machine: Machine) -> MapsType | None:
    """The layout of what is in memory already, of a concatenation, or of a part of one; None for any other value."""
    owner = value.owner
    if isinstance(owner, UnrealizedConversionCastOp) and isinstance(owner.inputs[0].type, MapsType):
        return owner.inputs[0].type
    for use in value.uses:
        # Once it is in memory, its readers are no longer all there to be asked.
        if isinstance(use.operation, WriteOp) and isinstance(use.operation.region.type, MapsType):
            return use.operation.region.type
    if (place := placement(value)) is not None:
        op, position = place
        whole = layout_of(op.results[0], machine)
        _, height, width = maps_shape(shape_of(value))
        if isinstance(op, cnn.InterleaveOp):
            part, row = whole.segments, whole.row.data * len(op.inputs)
        else:
            part, row = (whole.segment(position),), whole.row.data
        return MapsType.make(height, width, whole.pixel.data, row, _frac_bits(value), part)
    if isinstance(owner, cnn.ConcatOp):
        segments = concat_segments([shape_of(part) for part in owner.inputs], machine)
        pixel = round_up(segments[-1].offset + segments[-1].channels, machine.transfer_words)
        return _maps_type(value, segments, pixel, machine)
    return None


def _kept_layout(value: SSAValue, machine: Machine) -> MapsType | None:
    """The settled layout that a value has its channels from, through any number of operations that leave them where
    they are."""
    while not _is_residual(value) and (source := _keeps_channels(value)) is not None:
        if (settled := _settled_layout(source, machine)) is not None:
            return settled
        value = source
    return None


def unrolled_layout(value: SSAValue, machine: Machine) -> MapsType | None:
    """The layout of an input of the network in unrolled rows, where all that read it want the same ones; else None."""
    owner = value.owner
    source = owner.x.owner if isinstance(owner, cnn.QuantizeOp) else owner
    if not isinstance(source, cnn.InputOp) or not value.uses or not _read_by_word(value, machine):
        return None
    channels, height, width = maps_shape(shape_of(value))
    wanted: set[tuple[UnrolledRows, int]] = set()
    for use in value.uses:
        reader = use.operation
        assert isinstance(reader, cnn.Conv2dOp)
        geometry, kernel = reader.geometry, shape_of(reader.weight)[2]
        rows = UnrolledRows(kernel, geometry.strides[0], geometry.dilations[0], geometry.pads[0], height)
        wanted.add((rows, maps_shape(shape_of(reader.result))[1]))
    if len(wanted) > 1:
        return None
    rows, stored = wanted.pop()
    pixel = rows.kernel * channels
    row = round_up(width * pixel, machine.transfer_words)
    return MapsType.make(stored, width, pixel, row, _frac_bits(value), [Segment(channels, 0)], rows)


def _unrolled(value: SSAValue, machine: Machine) -> MapsType | None:
    """The layout of a tensor that the host stores in unrolled rows, as an attribute of its operation says."""
    owner = value.owner
    attribute = owner.attributes.get(UnrolledAttr.name) if isinstance(owner, Operation) else None
    if attribute is None:
        return None
    layout = unrolled_layout(value, machine)
    if layout is None or layout.unrolled != attribute:
        assert isinstance(owner, Operation)
        raise SnowError(f"{layer_name(owner)}: {UnrolledAttr.name} is not what all layers that read it want")
    return layout


def moves_nothing(op: cnn.ReshapeOp) -> bool:
    """Whether a reshape leaves every word where it is: between a vector and maps of one pixel."""
    return len({maps_shape(shape_of(value)) for value in (op.x, op.result)}) == 1


def _keeps_channels(value: SSAValue) -> SSAValue | None:
    """The operand whose channels an operation without kernels leaves where they are."""
    match value.owner:
        case cnn.MaxPoolOp(x=x) | cnn.AvgPoolOp(x=x) | cnn.ReluOp(x=x) | cnn.RescaleOp(x=x):
            return x
        case cnn.ReshapeOp(x=x) as reshape if moves_nothing(reshape):
            return x
        case cnn.AddOp(lhs=lhs):
            return lhs
        case _:
            return None


def _is_residual(value: SSAValue) -> bool:
    """Whether a convolution adds the value, and so wants its channels in a row."""
    return any(isinstance(op := use.operation, cnn.Conv2dOp) and op.residual is value for use in value.uses)


def _read_by_word(value: SSAValue, machine: Machine) -> bool:
    """Whether the host writes the value and only ungrouped convolutions read it, whose kernels fit side by side."""
    owner = value.owner
    if isinstance(owner, cnn.CnnOp) and not isinstance(owner, cnn.QuantizeOp | cnn.HostOp):
        return False
    if isinstance(owner, Operation) and several_in_one(owner) is not None:
        return False
    longest = round_down(machine.wbuf_bank_words, BLOCK_ALIGNMENT) // machine.line_words - 1
    return all(
        isinstance(op := use.operation, cnn.Conv2dOp)
        and use.index == 0
        and op.groups.value.data == 1
        and prod(shape_of(op.weight)[1:]) <= longest
        for use in value.uses
    )


def word_ranges(maps: MapsLayout, machine: Machine) -> tuple[int, int]:
    """First word and number of words of a pixel that hold the channels, in whole lines."""
    first = maps.segments[0].offset
    last = maps.segments[-1]
    return first, min(round_up(last.offset + last.channels - first, machine.line_words), maps.pixel - first)


def same_words(maps: Sequence[MapsLayout], machine: Machine) -> bool:
    """Whether channels lie in the same order and at the same distances, in whole lines, so that an operation without
    kernels can work on words instead of channels."""
    relative = {
        tuple((segment.channels, segment.offset - layout.segments[0].offset) for segment in joined(layout.segments))
        for layout in maps
    }
    lines = all(
        first % machine.line_words == 0 and words % machine.line_words == 0
        for first, words in (word_ranges(layout, machine) for layout in maps)
    )
    return len(relative) == 1 and lines


def joined(segments: Sequence[Segment]) -> list[Segment]:
    """The segments, those as one between which there is nothing."""
    found: list[Segment] = []
    for segment in segments:
        if found and found[-1].offset + found[-1].channels == segment.offset:
            last = found.pop()
            segment = last._replace(channels=last.channels + segment.channels)
        found.append(segment)
    return found


def has_empty_lines(maps: MapsLayout, machine: Machine) -> bool:
    """Whether there are lines between the channels that no layer writes."""
    return any(
        round_up(here.offset + here.channels, machine.line_words) != there.offset
        for here, there in pairwise(maps.segments)
    )
