"""What the control core issues, counted from the loops that a step becomes."""

import pytest

from lowering.issue import Code, loop, straight
from snowdialect.machine import DEFAULT_MACHINE, load_machine

MACHINE = load_machine(DEFAULT_MACHINE)


@pytest.mark.parametrize(
    ("before", "behind", "size", "cycles"),
    [
        # Count, branch and full slots; the branch waits two cycles for the count.
        (0, 4, 6, 8),
        (0, 1, 6, 8),
        # What stands between count and branch is that much less to wait for.
        (0, 5, 7, 8),
        (0, 6, 8, 8),
        (0, 9, 11, 11),
        # An inner loop hides the wait, but only what stands behind it fills slots.
        (20, 1, 26, 26),
    ],
)
def test_iterations(before: int, behind: int, size: int, cycles: int) -> None:
    assert loop(MACHINE, 10, straight(before), behind) == Code(size, 10 * cycles)


def test_a_single_iteration_is_no_loop() -> None:
    assert loop(MACHINE, 1, straight(2), 3) == Code(5, 5)
