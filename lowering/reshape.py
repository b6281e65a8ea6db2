"""Kernels of 1x1 see pixels, not pictures: their maps may be cut into rows of any length. Pure arithmetic on layouts.

Fourteen rows shared out among four CUs leave two of the last one's four idle; the same pixels as 28 rows do not. And
rows that a stride steps over are not there at all in rows that lie as far apart.
"""

from __future__ import annotations

from lowering.conv_tiling import ConvProblem
from snowdialect.dialects.tile import Window
from snowdialect.layout import MapsLayout
from snowdialect.machine import Machine

SLACK = 1.02
"""Rows that leave a CU so many times the fewest pixels are as good: longer ones are loaded and stored faster."""


def reshaped(problem: ConvProblem) -> ConvProblem:
    """The problem with its maps seen as rows that suit the machine best; the same pixels in the same
    order. Only kernels of 1x1 without padding have a choice, where no pool wants the rows of their result."""
    window = problem.window
    if (window.kernel_h, window.kernel_w, window.pad_top, window.pad_left) != (1, 1, 0, 0):
        return problem
    if problem.pool is not None or problem.maps.unrolled is not None:
        return problem
    if (window.out_h - 1) * window.stride_h >= window.in_h or (window.out_w - 1) * window.stride_w >= window.in_w:
        return problem
    if window.stride_h > 1:
        return _without_rows(problem)
    if window.stride_w > 1:
        return problem
    layouts = [maps for maps in (problem.maps, problem.bypass, *problem.results) if maps is not None]
    width = _row_width(problem.machine, layouts, window.out_h * window.out_w)
    return problem if width == window.out_w else _in_rows_of(problem, width)


def _without_rows(problem: ConvProblem) -> ConvProblem:
    """Without the rows that no output reads."""
    window, maps = problem.window, problem.maps
    return problem._replace(
        window=window._replace(stride_h=1, in_h=window.out_h),
        maps=maps._replace(height=window.out_h, row=window.stride_h * maps.row),
    )


def _row_width(machine: Machine, layouts: list[MapsLayout], pixels: int) -> int:
    """The longest rows, up to those that maps have, that leave the busiest CU the fewest pixels."""
    width = layouts[0].width
    if any(maps.row != maps.width * maps.pixel for maps in layouts):
        return width
    possible = [
        size
        for size in range(1, width + 1)
        if pixels % size == 0 and all(size * maps.pixel % machine.transfer_words == 0 for maps in layouts)
    ]
    busiest = {size: -(-pixels // size // machine.compute_units) * size for size in possible}
    fewest = min(busiest.values(), default=0)
    return max((size for size in possible if busiest[size] <= fewest * SLACK), default=width)


def _in_rows_of(problem: ConvProblem, width: int) -> ConvProblem:
    def cut(maps: MapsLayout) -> MapsLayout:
        return maps._replace(height=maps.height * maps.width // width, width=width, row=width * maps.pixel)

    height = problem.result.height * problem.result.width // width
    return problem._replace(
        window=Window(1, 1, 1, 1, 1, 1, 0, 0, height, width, height, width),
        maps=cut(problem.maps),
        bypass=None if problem.bypass is None else cut(problem.bypass),
        result=cut(problem.result),
        siblings=tuple(sibling._replace(result=cut(sibling.result)) for sibling in problem.siblings),
    )
