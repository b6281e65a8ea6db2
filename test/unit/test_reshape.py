"""Kernels of 1x1 see the same pixels, in the same order, whatever rows their maps are cut into."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowering.conv_tiling import ConvProblem
from lowering.reshape import SLACK, reshaped
from snowdialect.dialects.tile import Window
from snowdialect.layout import MapsLayout, Segment, round_up
from snowdialect.machine import load_machine

ZC706 = load_machine()
sides = st.integers(1, 60)
cu_counts = st.sampled_from((1, 2, 4))


def maps(height: int, width: int, pixel: int) -> MapsLayout:
    return MapsLayout(height, width, pixel, round_up(width * pixel, ZC706.transfer_words), (Segment(pixel, 0),))


def pixelwise(
    height: int, width: int, pixels: tuple[int, int] = (32, 64), stride: int = 1, *, cus: int = 4
) -> ConvProblem:
    """A kernel of 1x1 over maps of so many rows and columns; words of a pixel that it reads, and writes."""
    out_h, out_w = -(-height // stride), -(-width // stride)
    window = Window(1, 1, stride, stride, 1, 1, 0, 0, height, width, out_h, out_w)
    read, written = pixels
    machine = replace(ZC706, compute_units=cus)
    result = maps(out_h, out_w, written)
    return ConvProblem(machine, window, maps(height, width, read), result, result, written, 1, 1, False)


def addresses(layout: MapsLayout, window: Window | None = None) -> list[int]:
    """The first word of each pixel, row by row; with a window, of those that its outputs read."""
    size = (layout.height, layout.width) if window is None else (window.out_h, window.out_w)
    step = (1, 1) if window is None else (window.stride_h, window.stride_w)
    return [y * step[0] * layout.row + x * step[1] * layout.pixel for y in range(size[0]) for x in range(size[1])]


def busiest(problem: ConvProblem) -> int:
    """Pixels of the CU that has the most rows."""
    return -(-problem.window.out_h // problem.machine.compute_units) * problem.window.out_w


@given(sides, sides, st.sampled_from([16, 32, 48, 64]), st.sampled_from([16, 32]), st.integers(1, 3), cu_counts)
def test_outputs_read_and_write_the_pixels_that_they_did(
    height: int, width: int, read: int, written: int, stride: int, cus: int
) -> None:
    problem = pixelwise(height, width, (read, written), stride, cus=cus)
    seen = reshaped(problem)
    assert addresses(seen.maps, seen.window) == addresses(problem.maps, problem.window)
    assert addresses(seen.result) == addresses(problem.result)
    assert seen.bypass == seen.result
    assert seen.maps.row % ZC706.transfer_words == seen.result.row % ZC706.transfer_words == 0
    assert (seen.maps.height, seen.maps.width) == (seen.window.in_h, seen.window.in_w)
    assert (seen.result.height, seen.result.width) == (seen.window.out_h, seen.window.out_w)
    assert busiest(seen) <= busiest(problem)


@given(sides, sides, cu_counts)
def test_the_busiest_cu_has_its_share_of_the_pixels_and_hardly_more(height: int, width: int, cus: int) -> None:
    seen = reshaped(pixelwise(height, width, cus=cus))
    assert busiest(seen) <= SLACK * -(-height * width // cus)


@pytest.mark.parametrize(
    ("size", "rows"),
    [((14, 14), (28, 7)), ((7, 7), (49, 1)), ((13, 13), (169, 1)), ((27, 27), (243, 3)), ((56, 56), (56, 56))],
    ids=str,
)
def test_rows_are_as_long_as_can_be(size: tuple[int, int], rows: tuple[int, int]) -> None:
    """By hand: 14 rows over four CUs are 4 rows, 56 pixels; 28 of 7 are 49, and so are 196 of 1."""
    seen = reshaped(pixelwise(*size))
    assert (seen.window.out_h, seen.window.out_w) == rows


def test_rows_that_a_stride_steps_over_are_not_loaded() -> None:
    seen = reshaped(pixelwise(14, 14, stride=2))
    assert (seen.maps.height, seen.maps.row, seen.window.in_h) == (7, 2 * 14 * 32, 7)


@pytest.mark.parametrize("change", [{"kernel_h": 3}, {"pad_left": 1}, {"out_w": 15}], ids=str)
def test_windows_that_see_more_than_a_pixel_keep_their_rows(change: dict[str, int]) -> None:
    problem = pixelwise(14, 14)
    problem = problem._replace(window=problem.window._replace(**change))
    assert reshaped(problem) is problem
