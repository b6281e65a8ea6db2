"""What a program can do that the machine could not execute: numbers for compiled code, texts for people."""

from snowdialect.errors import SnowError
from snowdialect.simulator.jit import compiled


class IllegalProgram(SnowError):
    """A program that breaks a rule of docs/isa.md; names layer, instruction and rule in one line."""


_TEXTS: list[str] = [""]


def _fault(text: str) -> int:
    """A new fault; up to three numbers say more."""
    _TEXTS.append(text)
    return len(_TEXTS) - 1


NO_INSTRUCTION = _fault("the word {0:#010x} is no instruction")
EMPTY_BANK = _fault("execution enters an instruction bank that has not been filled since it was last left")
SHORT_BANK = _fault("execution leaves the {0} instructions that were fetched into this bank")
BRANCH_OUT = _fault("the branch goes to place {0}, but a bank has places 0 to {1}")
SLOTS_OUT = _fault("the {0} delay slots of the branch leave its bank")
BRANCH_IN_SLOT = _fault("a branch in a delay slot")
NO_CODE = _fault("memory from transfer {0} on holds no code of this stretch")
LONG_REFILL = _fault("{0} transfers are more than an instruction bank holds")
DOUBLE_REFILL = _fault("an earlier load still fills this instruction bank")

NO_UNIT = _fault("CU mask {0:#x} of on-chip word {1:#010x} is empty or names absent CUs")
MANY_UNITS = _fault("on-chip word {0:#010x} must name one CU")
NOT_MAPS = _fault("on-chip word {0:#010x} does not name the maps buffer")
NO_BUFFER = _fault("on-chip word {0:#010x} names an absent buffer")
NO_VMAC = _fault("vMAC mask {0:#x} is empty or names absent vMACs")
NO_LOAD_UNIT = _fault("there is no load unit {0}")
OUT_OF_MAPS = _fault("words {0} to {1} leave the maps buffer of {2} words")
OUT_OF_WEIGHTS = _fault("words {0} to {1} leave the weights buffer of {2} words")
OUT_OF_MEMORY = _fault("words {0} to {1} leave the memory of {2} words")
UNALIGNED = _fault("address {0} is not a multiple of {1} words")
UNALIGNED_LENGTH = _fault("a length of {0} words is not a multiple of {1}")
NO_LENGTH = _fault("a length of zero")
MOVE_OVER_SOURCE = _fault("writes words from {0} on before they are read")
NOT_STARTED = _fault("accumulators of CU {0}, vMAC {1} were not started by a VMOV in this mode")

LOAD_OVER_TRACE = _fault("loads into words {0} to {1} of CU {2}, which a queued or running trace still reads")
LOAD_OVER_RESULT = _fault("loads into words {0} to {1} of CU {2}, where a result has not arrived yet")
LOAD_OVER_LOAD = _fault("loads into words {0} to {1} of CU {2}, into which a load of another unit is in flight")
RESULT_OVER_LOAD = _fault("writes words {0} to {1} of CU {2}, into which a load is in flight")
RESULT_OVER_READ = _fault("writes words {0} to {1} of CU {2}, which a queued or running instruction still reads")
RESULT_OVER_RESULT = _fault("writes words {0} to {1} of CU {2}, where a result of another unit has not arrived yet")
READ_OF_RESULT = _fault("reads words {0} to {1} of CU {2}, where a result has not arrived yet")
LOAD_OF_STORE = _fault("loads memory from transfer {0} on, where a store has not finished")
STORE_OVER_LOAD = _fault("stores to memory from transfer {0} on, which a load in flight still reads")


@compiled
def stop(fault, code, first, second, third):
    """Notes why the program cannot go on. True."""
    fault[0], fault[1], fault[2], fault[3] = code, first, second, third
    return True


def describe(fault: int, numbers: tuple[int, int, int]) -> str:
    """The text of a fault."""
    return _TEXTS[fault].format(*numbers)
