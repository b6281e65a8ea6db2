"""What the machine could not run: a small program for each rule of docs/isa.md, stopped and named."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from machine_code import CODE_ADDRESS, DATA_TRANSFERS, MACHINE, kernel, make_program, maps, put, run, weights

from snowdialect.backend.encoding import encode
from snowdialect.machine.instructions import NOP
from snowdialect.simulator import IllegalProgram, simulate

# r1 is the start of the maps buffer of CU 0, r2 in its other bank, r3 the kernel at 0 of vMAC 0, r4 memory 0, r5 the
# weights buffer of that vMAC, r6 zero.
REGISTERS = [
    *put(1, maps(0)),
    *put(2, maps(24576)),
    *put(3, kernel(0)),
    *put(4, 0),
    *put(5, weights(0)),
    *put(6, 0),
]
START = ["vmov.coop r2, r3, 1"]
WAIT_ALL = [f"mov wait, {15 << 18}"]


def stop(*lines: str, setup: list[str] = REGISTERS, machine=MACHINE) -> str:
    """The message with which a program is stopped."""
    with pytest.raises(IllegalProgram) as caught:
        run([*setup, *lines], machine)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("layer layer: instruction ") or message.startswith("no layer: instruction ")
    return message


def runs(*lines: str, setup: list[str] = REGISTERS) -> None:
    run([*setup, *lines])


# Loads


def test_load_over_a_queued_trace() -> None:
    trace = [*START, "mac.coop r1, r3, 1024", "ld r1, r4, 1, 0"]
    assert "(ld): loads into words 0 to 32 of CU 0, which a queued or running trace still reads" in stop(*trace)
    runs(*START, "mac.coop r1, r3, 1024, last", *WAIT_ALL, "ld r1, r4, 1, 0")


def test_load_over_the_weights_of_a_queued_trace() -> None:
    assert "which a queued or running trace still reads" in stop(*START, "mac.coop r1, r3, 1024", "ld r5, r4, 1, 0")
    # Those of another vMAC are not read.
    runs(*START, "mac.coop r1, r3, 1024", *put(7, weights(0, vmac=1)), "ld r7, r4, 1, 0")


def test_load_over_a_comparison_reads_exactly_its_lines() -> None:
    comparison = ["mov max_stride, 4", "max r2, r1, 64, first, last"]
    assert "still reads" in stop(*comparison, *put(7, maps(64)), "ld r7, r4, 1, 0")
    runs(*comparison, *put(7, maps(32)), "ld r7, r4, 1, 0")


def test_load_over_a_store() -> None:
    assert "still reads" in stop(*put(7, 64), "tmov.memory r7, r1, 64", "ld r1, r4, 1, 0")


def test_load_over_a_result_to_come() -> None:
    lines = [*START, "mac.coop r1, r3, 16, last", "ld r2, r4, 1, 0"]
    assert "where a result has not arrived yet" in stop(*lines)


def test_two_loads_into_the_same_words() -> None:
    assert "into which a load of another unit is in flight" in stop("ld r1, r4, 2, 0", "ld r1, r4, 1, 1")
    runs("ld r1, r4, 2, 0", "ld r1, r4, 1, 0")
    runs("ld r1, r4, 2, 0", f"mov wait, {8 << 18}", "ld r1, r4, 1, 1")


def test_load_of_what_a_store_has_not_finished() -> None:
    lines = ["tmov.memory r6, r1, 4", "ld r2, r4, 1, 0"]
    assert "loads memory from transfer 0 on, where a store has not finished" in stop(*lines)
    runs(lines[0], f"mov wait, {4 << 18}", lines[1])


def test_store_over_a_load_in_flight() -> None:
    assert "which a load in flight still reads" in stop("ld r1, r4, 64, 0", "tmov.memory r4, r2, 1")


# Results


def test_result_over_a_load_in_flight() -> None:
    lines = ["ld r2, r4, 1, 0", *START, "mac.coop r1, r3, 16, last"]
    assert "writes words 24576 to 24577 of CU 0, into which a load is in flight" in stop(*lines)


def test_result_over_what_a_store_still_reads() -> None:
    lines = [*put(7, 64), "tmov.memory r7, r2, 16", *START, "mac.coop r1, r3, 16, last"]
    assert "which a queued or running instruction still reads" in stop(*lines)


def test_result_over_what_a_comparison_still_reads() -> None:
    lines = ["mov max_stride, 1", "max r1, r2, 64, first", *START, "mac.coop r1, r3, 16, last"]
    assert "which a queued or running instruction still reads" in stop(*lines)


def test_comparison_over_what_a_trace_still_reads() -> None:
    lines = [*START, "mac.coop r1, r3, 1024", "mov max_stride, 1", "max r1, r2, 1, first, last"]
    assert "(max): writes words 0 to 16 of CU 0, which a queued or running instruction still reads" in stop(*lines)


def test_results_of_two_units_in_the_same_words() -> None:
    lines = [*START, "mac.coop r1, r3, 16, last", "mov max_stride, 1", "max r2, r1, 1, first, last"]
    assert "where a result of another unit has not arrived yet" in stop(*lines)


def test_an_output_may_replace_its_own_operand() -> None:
    runs(*START, "mac.coop r2, r3, 16, last")


def test_trace_of_a_result_to_come() -> None:
    lines = [*START, "mac.coop r1, r3, 16, last", *START, "mac.coop r2, r3, 16, last"]
    assert "reads words 24576 to 24592 of CU 0, where a result has not arrived yet" in stop(*lines)
    runs(*lines[:2], f"mov wait, {1 << 18}", *lines[2:])


def test_store_of_a_result_to_come() -> None:
    lines = [*START, "mac.coop r1, r3, 16, last", "tmov.memory r4, r2, 1"]
    assert "(tmov): reads words 24576 to 24608 of CU 0, where a result has not arrived yet" in stop(*lines)


def test_bypass_of_a_result_to_come() -> None:
    lines = [*START, "mac.coop r1, r3, 16, last", "vmov.coop r1, r2, 1, bypass"]
    assert "where a result has not arrived yet" in stop(*lines)


def test_move_over_what_a_trace_of_the_other_unit_reads() -> None:
    other = [*put(7, maps(0, cus=2)), *put(8, maps(24576, cus=2))]
    lines = ["vmov.coop r8, r3, 1", "mac.coop r7, r3, 1024", "tmov.cluster r7, r2, 1"]
    assert "writes words 0 to 16 of CU 1" in stop(*other, *lines)


# Addresses


@pytest.mark.parametrize(
    ("value", "line", "reason"),
    [
        (maps(32768 - 16), "mac.coop r7, r3, 32", "words 32752 to 32784 leave the maps buffer of 32768 words"),
        (maps(8), "mac.coop r7, r3, 16", "address 8 is not a multiple of 16 words"),
        (maps(0), "mac.coop r7, r3, 24", "a length of 24 words is not a multiple of 16"),
        (maps(0), "mac.coop r7, r3, 0", "a length of zero"),
        (weights(0), "mac.coop r7, r3, 16", "does not name the maps buffer"),
        (maps(0, cus=0), "mac.coop r7, r3, 16", "CU mask 0x0"),
        (kernel(16384 - 16, 0), "mac.coop r1, r7, 32", "vMAC mask 0x0 is empty"),
        (kernel(16384 - 16, 1), "mac.coop r1, r7, 32", "words 16368 to 16400 leave the weights buffer of 16384 words"),
        (kernel(8, 1), "mac.coop r1, r7, 16", "address 8 is not a multiple of 16 words"),
        (maps(32768 - 32), "max r1, r7, 3, first", "leave the maps buffer"),
        (maps(8), "max r1, r7, 1, first", "address 8 is not a multiple of 16 words"),
        (maps(16), "ld r7, r4, 1, 0", "address 16 is not a multiple of 32 words"),
        (maps(32768 - 32), "ld r7, r4, 2, 0", "leave the maps buffer"),
        (weights(0, vmac=5), "ld r7, r4, 1, 0", "names an absent buffer"),
        (2 * CODE_ADDRESS, "ld r1, r7, 1, 0", "leave the memory"),
        (2 * CODE_ADDRESS, "tmov.memory r7, r1, 1", "leave the memory"),
        (maps(0, cus=3), "tmov.memory r4, r7, 1", "must name one CU"),
        (maps(8), "tmov.memory r4, r7, 1", "address 8 is not a multiple of 16 words"),
        (maps(32768 - 16), "tmov.memory r4, r7, 1", "leave the maps buffer"),
        (maps(8), "tmov.cluster r7, r2, 1", "address 8 is not a multiple of 16 words"),
        (maps(32768 - 3), "vmov.coop r7, r3, 15, last", "words 32765 to 32769 leave the maps buffer"),
        (maps(24576 + 16), "tmov.cluster r7, r2, 2", "writes words from 24592 on before they are read"),
        (maps(8), "vmov.indp r7, r3, 1, last", "address 8 is not a multiple of 16 words"),
        (maps(32768 - 48), "vmov.indp r7, r3, 15, last", "leave the maps buffer"),
        (maps(32768 - 8), "vmov.indp r1, r7, 1, bypass", "leave the maps buffer"),
        (kernel(16384 - 8), "vmov.indp r1, r7, 1", "leave the weights buffer"),
    ],
)
def test_addresses(value: int, line: str, reason: str) -> None:
    with pytest.raises(IllegalProgram) as caught:
        run([*REGISTERS, *START, *put(7, value), "mov max_stride, 1", line])
    assert reason in str(caught.value)


def test_absent_parts() -> None:
    small = replace(MACHINE, compute_units=2, vmacs=2, load_units=2)
    assert "CU mask 0x4" in stop(*put(7, maps(0, cus=4)), "ld r7, r4, 1, 0", machine=small)
    assert "names an absent buffer" in stop(*put(7, weights(0, vmac=2)), "ld r7, r4, 1, 0", machine=small)
    assert "there is no load unit 2" in stop("ld r1, r4, 1, 2", machine=small)
    assert "vMAC mask 0x4" in stop("vmov.coop r2, r3, 4", machine=small)


def test_accumulators_that_no_vmov_started() -> None:
    assert "accumulators of CU 0, vMAC 0 were not started" in stop("mac.coop r1, r3, 16")
    assert "were not started" in stop(*START, "mac.indp r1, r3, 16")
    assert "were not started" in stop("vmov.coop r2, r3, 1, add")


# Control flow


def test_branch_in_a_delay_slot() -> None:
    assert "a branch in a delay slot" in stop("end:", "beq r6, r6, end", NOP, "beq r6, r6, end", NOP, NOP, NOP)


def test_branch_out_of_its_bank() -> None:
    bank = MACHINE.icache_instructions
    program = ["there:", NOP, f".fill {bank - 4}", "beq r6, r6, there"]
    assert "the 4 delay slots of the branch leave its bank" in stop(*program, *[NOP] * 8, setup=[])


def test_program_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["snowdialect.simulator.simulate"], "_LONGEST", 1 << 23)
    program = make_program(["there:", "beq r6, r6, there", *[NOP] * 4])
    with pytest.raises(IllegalProgram, match="the program has not ended after 8388608 instructions"):
        simulate(program, np.zeros((1, 1)))


def test_branch_to_another_bank() -> None:
    program = make_program([NOP] * 8)
    program.codes[0].words[0, 0] = encode("beq", {"rs": 0, "rt": 0, "target": -3})
    with pytest.raises(IllegalProgram, match="goes to place -3, but a bank has places 0 to 511"):
        simulate(program, np.zeros((1, 1)))


def test_bank_that_nothing_has_filled() -> None:
    bank = MACHINE.icache_instructions
    program = [NOP, f".fill {bank}", NOP]
    message = stop(*program, setup=[])
    assert "instruction 511 of block 0" in message
    assert "execution enters an instruction bank that has not been filled since it was last left" in message


def test_bank_that_was_filled_before_it_was_left() -> None:
    bank = MACHINE.icache_instructions
    fetch = [*put(7, CODE_ADDRESS + 32), "ld.icache r7, 32, 0"]
    # Block 1 runs, and block 0 behind it would be what bank 0 held when it was left.
    assert "not been filled" in stop(*fetch, f".fill {bank}", NOP, f".fill {bank}", NOP, setup=[])


def test_part_of_a_bank() -> None:
    bank = MACHINE.icache_instructions
    fetch = [*put(7, CODE_ADDRESS + 32), "ld.icache r7, 1, 0"]
    message = stop(*fetch, f".fill {bank}", *[NOP] * 20, setup=[])
    assert "execution leaves the 16 instructions that were fetched into this bank" in message


def test_refill() -> None:
    assert "holds no code" in stop("ld.icache r4, 32, 0")
    assert "33 transfers are more than an instruction bank holds" in stop(*put(7, CODE_ADDRESS), "ld.icache r7, 33, 0")
    fetch = [*put(7, CODE_ADDRESS), "ld.icache r7, 32, 0"]
    assert "an earlier load still fills this instruction bank" in stop(*fetch, fetch[-1])


def test_word_that_is_no_instruction() -> None:
    program = make_program([NOP])
    program.codes[0].words[0, 0] = 0xF0000000
    with pytest.raises(IllegalProgram, match="layer layer: instruction 0 of block 0: the word 0xf0000000 is no"):
        simulate(program, np.zeros((1, 1)))


def test_all_of_memory_may_be_used() -> None:
    runs(*put(7, DATA_TRANSFERS - 1), "ld r1, r7, 1, 0")
