"""What the control core issues, counted from the loops that a step becomes."""

import pytest

from lowering.issue import Code, loop, straight
from lowering.loop_builder import WindowRows, compared_rows, shared_rows
from snowdialect.machine import DEFAULT_MACHINE, load_machine

MACHINE = load_machine(DEFAULT_MACHINE)


@pytest.mark.parametrize(
    ("before", "behind", "size", "cycles"),
    [
        # Branch and slots, in one of which is the count.
        (0, 1, 5, 5),
        (0, 3, 5, 5),
        # Nothing waits for the count where the slots are full either.
        (0, 4, 6, 6),
        (0, 5, 7, 7),
        (0, 9, 11, 11),
        # Only what stands behind an inner loop fills slots.
        (20, 1, 25, 25),
    ],
)
def test_iterations(before: int, behind: int, size: int, cycles: int) -> None:
    assert loop(MACHINE, 10, straight(before), behind) == Code(size, 10 * cycles)


def test_a_single_iteration_is_no_loop() -> None:
    assert loop(MACHINE, 1, straight(2), 3) == Code(5, 5)


def rows(*runs: tuple[range, int]) -> list[WindowRows]:
    return [WindowRows(*run) for run in runs]


@pytest.mark.parametrize(
    ("units", "outputs"),
    [
        ([(range(3), 15)], [rows((range(3), 15))]),
        # The first CU is at the upper border, the last one at the lower border.
        ([(range(1, 3), 1), (range(3), 14)], [rows((range(1), 14), (range(1, 3), 15))]),
        (
            [(range(1, 3), 1), (range(3), 6), (range(2), 8)],
            [rows((range(1), 14), (range(2, 3), 7), (range(1, 2), 15))],
        ),
        # Rows that several CUs lack, not the same ones.
        (
            [(range(2, 5), 1), (range(1, 5), 2), (range(5), 12)],
            [rows((range(1), 12), (range(1, 2), 14), (range(2, 5), 15))],
        ),
        # There is no row that all have.
        ([(range(1), 1), (range(2, 3), 2)], [rows((range(1), 1)), rows((range(2, 3), 2))]),
        ([(range(0), 1), (range(2), 2)], [rows((range(0), 1)), rows((range(2), 2))]),
    ],
)
def test_cus_share_the_rows_that_all_have(units: list[tuple[range, int]], outputs: list[list[WindowRows]]) -> None:
    assert shared_rows(units) == outputs
    assert shared_rows(units, apart=True) == [rows(unit) for unit in units]


@pytest.mark.parametrize(
    ("units", "results"),
    [
        ([(range(4), 15)], [rows((range(1), 15), (range(1, 3), 15), (range(3, 4), 15))]),
        ([(range(1), 15)], [rows((range(1), 15))]),
        ([(range(1, 3), 1), (range(3), 14)], [rows((range(1, 2), 15), (range(1), 14), (range(2, 3), 15))]),
        # One row cannot both begin a result and end it.
        ([(range(1, 2), 1), (range(2), 2)], [rows((range(1, 2), 1)), rows((range(1), 2), (range(1, 2), 2))]),
    ],
)
def test_a_row_of_all_cus_begins_a_result_and_another_one_ends_it(
    units: list[tuple[range, int]], results: list[list[WindowRows]]
) -> None:
    assert compared_rows(units) == results
