"""What makes a schedule longer than the chosen one, and what the best of the others are."""

from pathlib import Path

import numpy as np
import pytest

from lowering.compiler import compile_model, explain_layer
from lowering.explain import Candidate, Explanation
from lowering.timing import Busy
from snow_explain import print_explanation
from snowdialect.frontends.torch7 import nn
from snowdialect.frontends.torch7.writer import save
from snowdialect.models.seeded import convolution

SHAPE = (64, 28, 28)


def candidate(explanation: Explanation, busy: Busy, exposed: int) -> Candidate:
    return explanation.chosen._replace(busy=busy, exposed=exposed, cycles=max(busy) + exposed)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "net.t7"
    layer = convolution(np.random.default_rng(0), 64, 64, 3, padding=(1, 1))
    save(path, nn.sequential(layer))
    return path


@pytest.fixture(scope="module")
def explanation(model: Path) -> Explanation:
    return explain_layer(model, "0", SHAPE)


def test_what_is_explained_is_what_is_compiled(model: Path, explanation: Explanation) -> None:
    (layer,) = compile_model(model, SHAPE).layers
    assert (layer.mode, layer.order) == (explanation.chosen.schedule.mode, explanation.chosen.schedule.order)
    assert layer.certificate == explanation.certificate
    assert explanation.certificate.objective == explanation.chosen.cycles


def test_others_differ_from_the_chosen_one_and_from_each_other(explanation: Explanation) -> None:
    schedules = [explanation.chosen.schedule, *(found.schedule for found in explanation.rejected)]
    assert len(set(schedules)) == len(schedules) > 3
    assert {found.schedule.split for found in explanation.rejected} == {"rows", "kernels"}
    cycles = [found.cycles for found in explanation.rejected]
    assert cycles == sorted(cycles)
    assert len(explanation.rejected) < explanation.candidates
    # All MACs of a candidate are work that no schedule is without.
    least = 26 * 26 * 9 * 4 + 4 * 26 * 6 * 4 + 4 * 4 * 4
    assert all(found.busy.macs >= least * 16 // 4 for found in explanation.rejected)


def test_constraints_are_counted_by_kind(explanation: Explanation) -> None:
    kinds = ["".join(c for c in constraint.reason if not c.isdigit()) for constraint in explanation.constraints]
    assert len(set(kinds)) == len(kinds) > 1
    counts = [constraint.schedules for constraint in explanation.constraints]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("busy", "exposed", "reason"),
    [
        (Busy(1000, 0, 100, 500), 10, None),
        (Busy(1200, 0, 100, 900), 20, "macs"),
        (Busy(1000, 0, 990, 900), 200, "exposed"),
        (Busy(1000, 0, 1500, 900), 10, "memory"),
        (Busy(1000, 0, 100, 1300), 0, "issue"),
    ],
)
def test_what_makes_a_schedule_longer(explanation: Explanation, busy: Busy, exposed: int, reason: str | None) -> None:
    chosen = candidate(explanation, Busy(1000, 0, 100, 500), 10)
    assert candidate(explanation, busy, exposed).longer_by(chosen) == reason


@pytest.mark.parametrize(
    ("cycles", "timed", "reasons"),
    [
        (1, True, ("macs", "timing")),
        (1, False, ("macs", "first estimate")),
        (0, True, ("as long", "more traffic or code")),
        (-1, True, ("is shorter", "more traffic or code")),
        (-1, False, ("is shorter", "first estimate, so not timed")),
    ],
)
def test_a_schedule_that_is_no_longer_is_not_said_to_be(
    explanation: Explanation, capsys: pytest.CaptureFixture[str], cycles: int, timed: bool, reasons: tuple[str, str]
) -> None:
    chosen = explanation.chosen
    other = chosen._replace(cycles=chosen.cycles + cycles, timed=timed)
    print_explanation(explanation._replace(rejected=[other]))
    line = capsys.readouterr().out.partition("  chosen")[2].splitlines()[1]
    assert line.rstrip().endswith(reasons[1]) and line.rstrip().removesuffix(reasons[1]).rstrip().endswith(reasons[0])
