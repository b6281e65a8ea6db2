"""Where tensors lie in memory, of networks that are deep or wide."""

import pytest
from xdsl.ir import SSAValue

from lowering.cnn.calibrate import is_rectified
from lowering.layouts import concat_segments, layout_of, while_nothing_changes
from snowdialect.dialects import cnn
from snowdialect.layout import Segment
from snowdialect.machine import Machine, load_machine

DEEP = 1500
"""More operations than Python nests calls."""


def pools(value: SSAValue) -> SSAValue:
    """A long chain of pools, which leave channels where they are."""
    for _ in range(DEEP):
        value = cnn.MaxPoolOp(value, kernel=(1, 1)).result
    return value


@pytest.mark.parametrize("parts, segments", [((6, 6), [(6, 0), (6, 32)]), ((12,), [(12, 0)])])
def test_channels_are_kept_through_any_number_of_layers(
    parts: tuple[int, ...], segments: list[tuple[int, int]]
) -> None:
    operands = [cnn.QuantizeOp(cnn.InputOp(str(size), cnn.tensor_type((1, size, 2, 2))).result, 8) for size in parts]
    value = cnn.ConcatOp([operand.result for operand in operands]).result if len(parts) > 1 else operands[0].result
    layout = layout_of(pools(value), load_machine())
    assert [(segment.channels, segment.offset) for segment in layout.segments] == segments


def test_parts_of_a_wide_concatenation_ask_once_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, asked = load_machine(), list[int]()

    def counted(shapes: list[tuple[int, ...]], machine: Machine) -> tuple[Segment, ...]:
        asked.append(len(shapes))
        return concat_segments(shapes, machine)

    x = cnn.QuantizeOp(cnn.InputOp("x", cnn.tensor_type((1, 6, 2, 2))).result, 8).result
    parts = [cnn.ReluOp(x).result for _ in range(DEEP)]
    whole = cnn.ConcatOp(parts)
    monkeypatch.setattr("lowering.layouts.concat_segments", counted)
    with while_nothing_changes():
        offsets = [layout_of(part, machine).segments[0].offset for part in parts]
    assert offsets == [32 * number for number in range(DEEP)] and asked == [DEEP]
    # Behind it, what has changed is seen.
    whole.operands = parts[1:]
    assert layout_of(parts[1], machine).segments[0].offset == 0


def test_a_rectified_value_stays_so_through_any_number_of_layers() -> None:
    x = cnn.InputOp("x", cnn.tensor_type((1, 3, 2, 2))).result
    assert is_rectified(pools(cnn.ReluOp(x).result))
    assert not is_rectified(pools(x))
    assert not is_rectified(pools(cnn.ConcatOp([cnn.ReluOp(x).result, x]).result))
