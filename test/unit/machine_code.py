"""Hand-written programs for tests of the simulator."""

from collections.abc import Sequence

import numpy as np

from snowdialect.backend.code_text import assemble_code
from snowdialect.backend.program import (
    Channels,
    Code,
    CodeStep,
    HostStep,
    Image,
    Layer,
    MapsLayout,
    Port,
    Program,
    Region,
    Tensor,
)
from snowdialect.machine import Machine, load_machine
from snowdialect.simulator import SimulationResult, simulate

DATA_TRANSFERS = 512
CODE_ADDRESS = 1024
MACHINE = load_machine()


def put(register: int, value: int) -> list[str]:
    """Instructions that put a 32-bit number into a register."""
    value = (value + (1 << 31)) % (1 << 32) - (1 << 31)
    if -(1 << 21) <= value < 1 << 21:
        return [f"mov r{register}, {value}"]
    return [
        f"mov r{register}, {value >> 15}",
        f"muli r{register}, r{register}, 32768",
        f"addi r{register}, r{register}, {value % 32768}",
    ]


def maps(address: int, cus: int = 1) -> int:
    """The on-chip word of an address in the maps buffers of some CUs."""
    return cus << 28 | 4 << 25 | address


def weights(address: int, vmac: int = 0, cus: int = 1) -> int:
    """The on-chip word of an address in a weights buffer of some CUs."""
    return cus << 28 | vmac << 25 | address


def kernel(address: int, vmacs: int = 1) -> int:
    return address << 4 | vmacs


def make_program(lines: Sequence[str], machine: Machine = MACHINE, data: np.ndarray | None = None) -> Program:
    """A program of one layer, "layer", whose memory begins with `data`; it ends with `done` unless it says so."""
    words = np.zeros(DATA_TRANSFERS * machine.transfer_words, np.int16)
    if data is not None:
        words[: len(data)] = data
    layout = MapsLayout(1, DATA_TRANSFERS, 32, 32 * DATA_TRANSFERS, 0, (Channels(32, 0),))
    empty = np.zeros((1, machine.icache_instructions))
    program = Program(
        model="test",
        machine=machine,
        regions=(Region("memory", "maps", 0, len(words), layout),),
        images=(Image(0, words),),
        codes=(Code(CODE_ADDRESS, empty.astype(np.uint32), empty.astype(np.int32), empty.astype(np.int32)),),
        tensors=(Tensor((1,), None),),
        steps=(
            HostStep("input", "input", (), 0, {"name": "input"}),
            CodeStep(0),
            HostStep("output", "output", (0,), None, {"name": "output"}),
        ),
        inputs=(Port("input", (1,), None, None),),
        outputs=(Port("output", (1,), None, None),),
        layers=(Layer("layer", "conv2d", "coop", None, 0),),
        tiles=(),
    )
    text = "\n".join((f".program {CODE_ADDRESS}", '.loc "layer"', *lines, "mov done, 0", ".end"))
    return assemble_code(text, "test.s", program)


def run(lines: Sequence[str], machine: Machine = MACHINE, data: np.ndarray | None = None) -> SimulationResult:
    return simulate(make_program(lines, machine, data), np.zeros((1, 1)))


def memory_of(result: SimulationResult) -> np.ndarray:
    """The data words of memory after a run."""
    return result.layers["memory"][0, :, 0, :].T.reshape(-1)
