"""Cycles of small programs against arithmetic by hand, from the rules under "Timing" in docs/isa.md."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from machine_code import DATA_TRANSFERS, MACHINE, kernel, maps, memory_of, put, run, weights

from snowdialect.machine import description, load_machine
from snowdialect.machine.instructions import NOP

M = MACHINE
REGISTERS = [
    *put(7, maps(8192)),
    *put(1, maps(0, cus=15)),
    *put(2, maps(24576, cus=15)),
    *put(3, kernel(0, 15)),
    *put(4, 0),
    *put(6, 0),
]


def cycles(lines: Sequence[str], machine=M) -> int:
    return run([*REGISTERS, *lines], machine).cycles


def each(lines: Sequence[str], few: int = 10, many: int = 40, setup: Sequence[str] = ()) -> float:
    """Cycles that one more repetition takes."""
    return (cycles([*setup, *[*lines] * many]) - cycles([*setup, *[*lines] * few])) / (many - few)


def output(trace: str) -> list[str]:
    return [f"vmov.{trace.split()[0].split('.')[1]} r2, r3, 15", f"{trace}, last"]


def test_the_isa_document_has_every_number() -> None:
    text = (Path(__file__).parents[2] / "docs" / "isa.md").read_text()
    numbers = dict(re.findall(r"^\| (\w+) \| (\d+) \|", text, re.MULTILINE))
    with open(Path(description.__file__).parent / "zc706.toml", "rb") as file:
        timing = tomllib.load(file)["timing"]
    assert {name: int(numbers[name]) for name in timing} == timing


# The control core


def test_independent_instructions_issue_one_a_cycle() -> None:
    assert each(["addi r10, r4, 1", "addi r11, r4, 1", "addi r12, r4, 1", "addi r13, r4, 1"]) == 4


@pytest.mark.parametrize(
    ("line", "latency"), [("addi r10, r10, 1", M.scalar_latency), ("muli r10, r10, 3", M.multiply_latency)]
)
def test_dependent_instructions_wait(line: str, latency: int) -> None:
    assert each([line]) == latency


def test_taken_branch_costs_its_slots() -> None:
    def loop(times: int) -> int:
        body = ["loop:", "addi r11, r10, 0", *[NOP] * 4]
        return cycles([*put(10, 1 - times), *body, "ble r11, r4, loop", "addi r10, r10, 1", *[NOP] * 3])

    assert (loop(30) - loop(10)) / 20 == 10


def test_next_bank_waits_for_its_refill() -> None:
    bank = M.icache_instructions
    fetch = [*put(7, 1024 + 32), "ld.icache r7, 32, 0"]
    transfer = bank * 4 / (M.bandwidth / M.clock_hz / M.load_units)
    expected = len(fetch) + M.queue_latency + M.transfer_overhead + transfer + M.memory_latency
    # The code of the first bank is through before the second one is there.
    waiting = cycles([*fetch, f".fill {bank}", NOP])
    assert waiting == pytest.approx(expected + len(REGISTERS) + M.multiply_latency, abs=20)
    assert waiting > bank


# The MAC decoder


@pytest.mark.parametrize(("words", "expected"), [(1152, 72), (576, 36), (256, 16), (240, 16), (16, 16)])
def test_coop_outputs_follow_each_other(words: int, expected: int) -> None:
    """A line a cycle without a gap; the 16 cycles of the reduction overlap the next output."""
    assert each(output(f"mac.coop r1, r3, {words}")) == expected


@pytest.mark.parametrize(("first", "lines"), [(0, 1), (12, 1), (13, 2), (15, 2)])
def test_coop_results_across_the_end_of_a_line_take_two_cycles_of_the_port(first: int, lines: int) -> None:
    """An output every 16 cycles, 15 of which the port gives to comparisons."""
    setup = [*put(2, maps(24576 + first, cus=15)), *put(7, maps(16384, cus=15))]
    repeated = [*output("mac.coop r1, r3, 16"), "max r7, r7, 15, first"]
    assert each(repeated, 40, 140, setup) == pytest.approx(15 + lines, abs=0.05)


@pytest.mark.parametrize(("first", "lines"), [(0, 1), (12, 1), (13, 2), (15, 2)])
def test_coop_operands_across_the_end_of_a_line_take_two_cycles_of_the_port(first: int, lines: int) -> None:
    setup = [*put(10, maps(4096 + first, cus=15)), *put(7, maps(8192, cus=15))]
    repeated = ["vmov.coop r2, r10, 15, bypass", "mac.coop r1, r3, 16, last", "max r7, r7, 15, first"]
    assert each(repeated, 40, 140, setup) == pytest.approx(15 + lines, abs=0.05)


@pytest.mark.parametrize(("words", "expected"), [(33, 48), (32, 32), (1, 16)])
def test_indp_outputs_take_whole_lines(words: int, expected: int) -> None:
    assert each(output(f"mac.indp r1, r3, {words}")) == expected


def test_traces_of_an_output_follow_each_other() -> None:
    trace = "mac.coop r1, r3, 576"
    assert each(["vmov.coop r2, r3, 15", trace, trace, f"{trace}, last"]) == 3 * 36


def test_addition_of_two_operands_leaves_through_the_shift_registers() -> None:
    lines = ["vmov.indp r2, r1, 15, bypass", "vmov.indp r2, r1, 15, bypass, add, last"]
    assert each(lines) == 16


def test_compute_units_work_side_by_side() -> None:
    apart = [
        *(f"vmov.coop r{20 + cu}, r3, 15" for cu in range(4)),
        *(f"mac.coop r{24 + cu}, r3, 1152, last" for cu in range(4)),
    ]
    setup = [line for cu in range(4) for line in (*put(20 + cu, maps(24576, 1 << cu)), *put(24 + cu, maps(0, 1 << cu)))]
    assert cycles([*setup, *apart * 20]) - cycles([*setup, *apart * 10]) == 10 * 72


def test_queue_hides_scalar_code() -> None:
    scalar = ["addi r10, r10, 1"] * 20
    assert each([*output("mac.coop r1, r3, 1152"), *scalar], 5, 10) == 72


# The MAX decoder


def test_comparisons_take_a_line_a_cycle_and_their_result_another() -> None:
    assert each(["max r7, r1, 9, first, last"]) == 10
    # The port of the other bank is free.
    assert each(["max r2, r1, 9, first, last"]) == 9


# Memory


def transfer_time(transfers: int, units: int) -> float:
    """Cycles that load units working side by side move so many transfers each."""
    return transfers * 64 / (M.bandwidth / M.clock_hz) * M.load_units / min(units, M.load_units)


def test_a_load_unit_has_its_share_of_the_bandwidth() -> None:
    length = 64
    loads = [f"ld r{20 + i}, r4, {length}, %d" for i in range(4)]
    setup = [line for i in range(4) for line in put(20 + i, weights(0, i))]
    one = cycles([*setup, *(load % 0 for load in loads)])
    four = cycles([*setup, *(load % i for i, load in enumerate(loads))])
    single = transfer_time(length, 1)
    assert one - four == pytest.approx(3 * (single + M.transfer_overhead), abs=8)
    assert four == pytest.approx(
        len(REGISTERS) + len(setup) + M.queue_latency + M.transfer_overhead + single + M.memory_latency, abs=80
    )


def test_broadcast_costs_memory_once() -> None:
    result = run([*put(1, maps(0, cus=15)), *put(4, 0), "ld r1, r4, 8, 0"])
    assert result.report["maps_bytes"] == 8 * 64


def test_stores_use_the_whole_bandwidth_in_order() -> None:
    store = "tmov.memory r4, r7, 64"
    expected = 64 * 64 / (M.bandwidth / M.clock_hz) + M.transfer_overhead
    setup = put(7, maps(0))
    taken = (cycles([*setup, *[store] * 8]) - cycles([*setup, *[store] * 4])) / 4
    # Words leave the buffer a little before they pass the memory's port.
    assert taken == pytest.approx(expected, abs=3)


@pytest.mark.parametrize(
    ("target", "cycles_a_line"), [(maps(8192, cus=2), 1), (maps(16384, cus=1), 1), (maps(8192, cus=1), 2)]
)
def test_a_move_inside_a_bank_takes_two_cycles_a_line(target: int, cycles_a_line: int) -> None:
    """To another CU or another bank, reads and writes have a port each."""
    assert each([*put(10, target), *put(11, maps(12288)), "tmov.cluster r10, r11, 200"], 5, 20) == 200 * cycles_a_line


def test_a_move_goes_on_in_the_next_bank() -> None:
    """The first 100 lines go from one bank to the other; those behind them stay in one."""
    setup = [*put(10, maps(16384 - 1600)), *put(11, maps(16384))]
    times = {lines: cycles([*setup, f"tmov.cluster r10, r11, {lines}"]) for lines in (50, 100, 200)}
    assert times[100] - times[50] == 50
    assert times[200] - times[100] == 2 * 100


@pytest.mark.parametrize("cus", [1, 2])
def test_traces_run_on_while_lines_move(cus: int) -> None:
    """A trace reads over the first port: a move in its bank costs it nothing."""
    setup = [*put(8, maps(4096, cus)), *put(9, maps(8192))]
    traces = output("mac.coop r1, r3, 1152") * 20
    many, one = (cycles([*setup, f"tmov.cluster r8, r9, {lines}", *traces]) for lines in (250, 1))
    assert many == one


def test_loads_and_stores_share_the_bandwidth() -> None:
    setup = [*put(7, maps(0)), *(line for i in range(4) for line in put(20 + i, weights(0, i)))]
    loads = [f"ld r{20 + i}, r4, 128, {i}" for i in range(4)]
    stores = [*put(8, 256), "tmov.memory r8, r7, 255"]
    both = cycles([*setup, *loads, *stores])
    total = (4 * 128 + 255) * 64 / (M.bandwidth / M.clock_hz)
    assert both > total


def test_dispatch_holds_a_trace_whose_bank_is_loading() -> None:
    load, trace = "ld r1, r4, 64, 0", ["vmov.coop r2, r3, 15", "mac.coop r7, r3, 16, last"]
    same = [*put(7, maps(8192, cus=15)), load, *trace]
    other = [*put(7, maps(16384, cus=15)), load, *trace]
    assert cycles(same) > cycles(other)


def test_wait_lets_some_instructions_run_on() -> None:
    traces = output("mac.coop r1, r3, 1152") * 4
    after = ["addi r10, r10, 1"] * 40
    drained = cycles([*traces, f"mov wait, {1 << 18}", *after])
    assert cycles([*traces, f"mov wait, {(1 << 18) + 4}", *after]) < drained


def test_port_conflicts_are_counted() -> None:
    """A comparison and a store of the same bank take turns."""
    setup = [*put(7, maps(8192)), *put(8, 64)]
    lines = [*setup, "mov max_stride, 1", "tmov.memory r8, r7, 64", "max r2, r1, 400, first"]
    result = run([*REGISTERS, *lines])
    assert result.report["port_conflict_cycles"] > 100
    apart = [*put(7, maps(16384)), *put(8, 64), *lines[len(setup) :]]
    assert run([*REGISTERS, *apart]).report["port_conflict_cycles"] == 0


# A layer


def one_compute_unit(rows: int) -> tuple[float, int]:
    """Cycles of 3x3 outputs over 192 channels, `rows` of 13, on the one-CU machine; kernels stream in meanwhile."""
    machine = load_machine("onecu")
    setup = [*put(1, maps(0)), *put(2, maps(16384)), *put(3, kernel(0, 15)), *put(4, 0), *put(10, 1 - 13 * rows)]
    loads = [line for i in range(4) for line in (*put(20 + i, weights(8192, i)), f"ld r{20 + i}, r4, 55, {i}")]
    loop = [
        "loop:",
        "vmov.coop r2, r3, 15",
        "mac.coop r1, r3, 576",
        "mac.coop r1, r3, 576",
        "addi r11, r10, 0",
        "addi r10, r10, 1",
        "ble r11, r4, loop",
        "mac.coop r1, r3, 576, last",
        "addi r1, r1, 0",
        NOP,
        NOP,
    ]
    result = run([*setup, *loads, *loop], machine)
    return 108 * 13 * rows / result.cycles, result.cycles


def test_published_efficiency_is_within_reach() -> None:
    """Table 4.3 of the published figures: 99.7 % for 13x13, 192 -> 384. Nothing but the start and the end is lost."""
    assert one_compute_unit(100)[0] > 0.998
    assert one_compute_unit(100)[1] - one_compute_unit(90)[1] == 10 * 13 * 108


# What is computed, beside the clock


def test_memory_after_a_run() -> None:
    data = np.arange(-512, 512).astype(np.int16)
    lines = [*put(1, maps(0)), *put(4, 0), *put(5, DATA_TRANSFERS - 32), "ld r1, r4, 32, 0", "tmov.memory r5, r1, 32"]
    memory = memory_of(run(lines, data=data))
    np.testing.assert_array_equal(memory[-1024:], data)


def test_buffers_of_another_size() -> None:
    machine = replace(M, queue_depth=1, load_queue_depth=1)
    assert cycles([*output("mac.coop r1, r3, 1152")] * 10, machine) >= cycles([*output("mac.coop r1, r3, 1152")] * 10)
