"""Every instruction with random fields through the interpreter and the simulator, which are written apart."""

from threading import Event

import numpy as np
import pytest
from machine_code import make_program
from test_snowflake_interpreter import LINE, MACHINE, MEMORY, Generator, random_memory
from test_snowflake_interpreter import run as interpret

from snowdialect.simulator import state
from snowdialect.simulator.decode import decode_code
from snowdialect.simulator.simulate import Execution

WAIT_FOR_ALL = f"mov wait, {15 << 18}"
ORDERED = ("ld", "tmov", "vmov", "mac", "max")
"""What may be in flight together in ways that only a program's author can keep apart."""

KINDS = ("ld", "ld", "tmov", "mov", "vmov", "vmov", "mac", "mac", "max", "scalar")


def simulate(lines: list[str], memory: np.ndarray) -> Execution:
    program = make_program([line for text in lines for line in in_order(text)], MACHINE, memory)
    words = program.initial_memory()
    rows = decode_code(program, program.codes[0])
    execution = Execution(program, program.codes[0], rows, state.new_clock(program, rows), words, state.new_data())
    execution.run(Event())
    return execution


def in_order(line: str) -> list[str]:
    """An instruction behind which everything before it is done."""
    return [WAIT_FOR_ALL, line] if line.startswith(ORDERED) else [line]


@pytest.mark.parametrize("seed", range(30))
def test_interpreter_and_simulator_agree(seed: int) -> None:
    generator = Generator(seed)
    kinds = [
        getattr(generator, name) for name in ("ld", "ld", "tmov", "mov", "vmov", "vmov", "mac", "mac", "max", "scalar")
    ]
    for _ in range(30):
        generator.random.choice(kinds)()
    memory = random_memory(seed)[:1]
    interpreted, simulated = interpret(generator.lines, memory), simulate(generator.lines, memory[0])
    units, vmacs = MACHINE.compute_units, MACHINE.vmacs
    data, core = simulated.data, interpreted.core
    assert data is not None and simulated.memory is not None
    np.testing.assert_array_equal(simulated.memory[:MEMORY], interpreted.state.dram[0])
    np.testing.assert_array_equal(data["mbuf"][0, :units, : MACHINE.mbuf_words], core.mbuf[..., 0])
    np.testing.assert_array_equal(data["wbuf"][0, :units, :vmacs, : MACHINE.wbuf_words], core.wbuf)
    np.testing.assert_array_equal(data["comparators"][0, :units, :LINE], core.comparators[..., 0])
    registers = np.array(interpreted.registers[: MACHINE.registers], np.uint32).astype(np.int32)
    np.testing.assert_array_equal(simulated.control["registers"][0], registers)
    saturations, wraps = data["counts"][0].sum(axis=0)
    tallies = interpreted.tallies.values()
    assert saturations == sum(tally.saturations for tally in tallies)
    assert wraps == sum(tally.wraps for tally in tallies)
