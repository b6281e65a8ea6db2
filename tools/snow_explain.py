"""Why a layer has its schedule, for a terminal and as JSON."""

from typing import TYPE_CHECKING, Any

import snow_cli

if TYPE_CHECKING:
    from lowering.explain import Candidate, Explanation


def to_json(explanation: "Explanation") -> dict[str, Any]:
    """The explanation under the names that docs/program.md lists."""
    chosen = explanation.chosen
    return {
        "layer": explanation.layer,
        "machine": explanation.machine,
        "chosen": _entry(chosen),
        "certificate": explanation.certificate.report(),
        "candidates": explanation.candidates,
        "rejected": [
            {
                **_entry(candidate),
                "longer": candidate.cycles / chosen.cycles - 1,
                "longer_by": candidate.longer_by(chosen),
                "rejected_by": _rejected_by(candidate),
            }
            for candidate in explanation.rejected
        ],
        "constraints": [constraint._asdict() for constraint in explanation.constraints],
    }


def _entry(candidate: "Candidate") -> dict[str, Any]:
    return {
        "schedule": candidate.schedule._asdict(),
        "first_estimate": candidate.estimate,
        "cycles": candidate.cycles,
        "parts": candidate.parts,
        "dominating": candidate.dominating,
    }


def _rejected_by(candidate: "Candidate") -> str:
    return "timing" if candidate.timed else "first estimate"


def _why_not(candidate: "Candidate", chosen: "Candidate") -> tuple[str, str]:
    """What makes a candidate longer than the chosen one, and what has rejected it, as it is or although it is not."""
    if (longer := candidate.longer_by(chosen)) is not None:
        return longer, _rejected_by(candidate)
    shorter = "is shorter" if candidate.cycles < chosen.cycles else "as long"
    return shorter, "more traffic or code" if candidate.timed else "first estimate, so not timed"


def print_explanation(explanation: "Explanation") -> None:
    """Prints the chosen schedule and its bounds, the best of the others, and what makes more of them illegal."""
    from rich.table import Table

    certificate, chosen = explanation.certificate, explanation.chosen
    console = snow_cli.open_console()
    show = console.print
    report = certificate.report()
    bounds = ", ".join(f"{name} {cycles}" for name, cycles in certificate.bounds.items() if cycles)
    show(f"{explanation.layer} on {explanation.machine}: {certificate.objective} cycles by itself.")
    bound = f"{certificate.lower_bound} at least ({certificate.binding})"
    show(f"Any schedule takes {bound}, this one {100 * report['gap']:.1f} % more.")
    show(f"Bounds: {bounds}")
    show(f"\n{explanation.candidates} schedules fit. The chosen one, and the best of the others:")
    table = Table(box=None, header_style="bold", pad_edge=False)
    left = ("schedule", "longer by", "rejected by")
    for heading in ("schedule", "first estimate", "cycles", "more %", *chosen.parts, *left[1:]):
        table.add_column(heading, justify="left" if heading in left else "right", no_wrap=heading == "schedule")
    table.add_row(*_row(chosen, chosen), "", "chosen", style="bold")
    for candidate in explanation.rejected:
        table.add_row(*_row(candidate, chosen), *_why_not(candidate, chosen))
    console.print(table)
    if explanation.constraints:
        show("\nSchedules that do not fit, and what keeps the nearest of them from it:")
        for reason, schedules in explanation.constraints:
            show(f"{schedules:6} {reason}")


def _row(candidate: "Candidate", chosen: "Candidate") -> list[str]:
    more = round(100 * (candidate.cycles / chosen.cycles - 1), 1) + 0.0
    numbers = [candidate.estimate, candidate.cycles, f"{more:.1f}", *candidate.parts.values()]
    return [describe(candidate), *map(str, numbers)]


def describe(candidate: "Candidate") -> str:
    """A schedule in a few words: `coop rows mloop, 4x13 of 8 steps, 2 tiles a result, slots 2 2 1, fused`."""
    schedule = candidate.schedule
    words = [
        f"{schedule.mode} {schedule.split} {schedule.order}",
        f"{schedule.rows}x{schedule.columns} of {schedule.steps} steps",
        *([f"maps for {schedule.maps_rows} rows"] if schedule.maps_rows < schedule.rows or schedule.fused else []),
        *([f"{schedule.result_tiles} tiles a result"] if schedule.result_tiles > 1 else []),
        f"slots {schedule.maps_slots} {schedule.weights_slots} {schedule.result_slots}",
        *([f"{schedule.parts} parts"] if schedule.parts > 1 else []),
        *(["fused"] if schedule.fused else []),
        *(["biases beside the maps"] if schedule.biases else []),
        *([f"{schedule.abreast} pixels abreast"] if schedule.abreast > 1 else []),
    ]
    return ", ".join(words)
