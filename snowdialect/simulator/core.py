"""The machine runs: one instruction after the other, what it computes and when.

Control flow and addresses never depend on data. So one run may keep the clock, another compute, in threads of their
own; both check what an instruction says, the one with the clock also what it gets into the way of.
"""

from snowdialect.simulator import hazards, ledger, timing, vector
from snowdialect.simulator.decode import (
    ADD,
    ADDI,
    BEQ,
    BGT,
    BLE,
    BYPASS_OFFSET,
    CONFIG,
    DONE,
    FIRST,
    FLAGS,
    ILLEGAL,
    LAYER,
    LD,
    MAC,
    MAX,
    MAX_STRIDE,
    MOV,
    MUL,
    NUMBER,
    OPERATION,
    REFILL,
    SECOND,
    THIRD,
    TMOV,
    VMOV,
    WAIT,
)
from snowdialect.simulator.faults import (
    BRANCH_IN_SLOT,
    BRANCH_OUT,
    DOUBLE_REFILL,
    EMPTY_BANK,
    LOAD_OF_STORE,
    LONG_REFILL,
    NO_CODE,
    NO_INSTRUCTION,
    NO_LENGTH,
    NO_LOAD_UNIT,
    SHORT_BANK,
    SLOTS_OUT,
    stop,
)
from snowdialect.simulator.jit import compiled, entry
from snowdialect.simulator.state import (
    BANK,
    BANK_COLUMNS,
    BANK_READY,
    BANKS,
    BASE,
    COUNT,
    EXECUTED,
    FILLED,
    HALTED,
    MAC_UNIT,
    MAX_UNIT,
    NOW,
    OFFSET,
    PLACE,
    READY,
    REGISTERS,
    SETTINGS,
    SLOTS,
    TARGET,
    Clock,
    Control,
    Data,
    Sizes,
)

_WORD = (1 << 32) - 1
_OFFSET_MASK = (1 << 18) - 1


@compiled
def _signed(value):
    """A number mod 2^32, signed."""
    return ((value + (1 << 31)) & _WORD) - (1 << 31)


@compiled
def _refill(s: Sizes, control: Control, clock: Clock, row, places, timed, fault):
    """LD to the bank of the instruction cache that is not executing."""
    address, transfers, unit = control.core[REGISTERS + row[FIRST]] & _WORD, row[NUMBER], row[FLAGS]
    first = (address - s.code_address) * s.transfer_places
    count = transfers * s.transfer_places
    bank = 1 - control.core[BANK]
    if unit >= s.load_units:
        return stop(fault, NO_LOAD_UNIT, unit, 0, 0)
    if count == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    if count - s.transfer_places >= s.bank_places:
        return stop(fault, LONG_REFILL, transfers, 0, 0)
    if first < 0 or first + count > places:
        return stop(fault, NO_CODE, address, 0, 0)
    control.core[BANKS + bank * BANK_COLUMNS + BASE] = first
    control.core[BANKS + bank * BANK_COLUMNS + COUNT] = min(count, s.bank_places)
    control.core[BANKS + bank * BANK_COLUMNS + FILLED] = 1
    if timed:
        time = timing.issue_at(clock, clock.core[READY + row[FIRST]])
        if clock.core[BANK_READY + bank] > time:
            return stop(fault, DOUBLE_REFILL, 0, 0, 0)
        words = transfers * s.transfer
        if hazards.is_memory_written(clock, time, address * s.transfer, address * s.transfer + words):
            return stop(fault, LOAD_OF_STORE, address, 0, 0)
        clock.core[NOW] = timing.run_refill(s, clock, time, unit, bank, words, row[LAYER])
    return False


# The control core


@compiled
def _configure(s: Sizes, control: Control, clock: Clock, row, timed):
    """MOV to a configuration register."""
    register, value = row[FIRST], row[NUMBER]
    time = timing.issue_at(clock, 0)
    everyone = (1 << s.cus) - 1
    if register == DONE:
        control.core[HALTED] = 1
        if timed:
            timing.end_of_program(s, clock, time)
            ledger.close_program(s, clock, row[LAYER])
        return
    if register == WAIT:
        if timed:
            time = timing.wait(s, clock, time, value >> 18, value & 4095)
    elif register == BYPASS_OFFSET:
        for cu in range(s.cus):
            if value >> 18 >> cu & 1:
                control.cus[cu, OFFSET] = value & _OFFSET_MASK
        if timed:
            time = timing.configure(s, clock, time, MAC_UNIT, value >> 18 & everyone)
    else:
        control.core[SETTINGS + register] = value
        if timed:
            unit = MAX_UNIT if register == MAX_STRIDE else MAC_UNIT
            time = timing.configure(s, clock, time, unit, everyone)
    clock.core[NOW] = time


@compiled
def _scalar(s: Sizes, control: Control, clock: Clock, row, timed):
    """MOV, ADD, ADDI, MUL, MULI."""
    operation, target = row[OPERATION], row[FIRST]
    registers, ready = control.core[REGISTERS : REGISTERS + 32], 0
    latency = s.scalar_latency
    if operation == MOV:
        value = row[NUMBER]
    else:
        left = registers[row[SECOND]]
        ready = clock.core[READY + row[SECOND]]
        if operation in (ADD, MUL):
            right = registers[row[THIRD]]
            ready = max(ready, clock.core[READY + row[THIRD]])
        else:
            right = row[NUMBER]
        if operation in (ADD, ADDI):
            value = _signed(left + right)
        else:
            value = _signed(left * right)
            latency = s.multiply_latency
    registers[target] = value
    if timed:
        time = timing.issue_at(clock, ready)
        clock.core[NOW] = time
        # Results are written in order, so that a slow one cannot come behind a later quick one.
        clock.core[READY + target] = max(time + latency, clock.core[READY + target])


@compiled
def _branch(s: Sizes, control: Control, clock: Clock, row, timed, fault):
    left, right = control.core[REGISTERS + row[FIRST]], control.core[REGISTERS + row[SECOND]]
    operation, place = row[OPERATION], control.core[PLACE]
    target = place + row[NUMBER]
    if control.core[SLOTS] > 0:
        return stop(fault, BRANCH_IN_SLOT, 0, 0, 0)
    if place + s.delay_slots >= s.bank_places:
        return stop(fault, SLOTS_OUT, s.delay_slots, 0, 0)
    if target < 0 or target >= s.bank_places:
        return stop(fault, BRANCH_OUT, target, s.bank_places - 1, 0)
    if operation == BLE:
        taken = left <= right
    elif operation == BGT:
        taken = left > right
    else:
        taken = left == right
    control.core[SLOTS] = s.delay_slots + 1
    control.core[TARGET] = target if taken else place + s.delay_slots + 1
    if timed:
        clock.core[NOW] = timing.issue(clock, row)
    return False


@compiled
def _next_bank(s: Sizes, control: Control, clock: Clock, timed, fault):
    """Execution falls off the end of a bank."""
    bank = control.core[BANK]
    control.core[BANKS + bank * BANK_COLUMNS + FILLED] = 0
    bank = 1 - bank
    if not control.core[BANKS + bank * BANK_COLUMNS + FILLED]:
        return stop(fault, EMPTY_BANK, 0, 0, 0)
    control.core[BANK], control.core[PLACE] = bank, 0
    if timed:
        clock.core[NOW] = max(clock.core[NOW], clock.core[BANK_READY + bank])
    return False


@entry
def execute(s: Sizes, rows, control: Control, data: Data, clock: Clock, timed, functional, budget: int, fault) -> int:
    """Runs until the program has ended, it is stopped, or `budget` instructions have run.

    Returns the number of the instruction that it stops at, with the reason in `fault`, else -1.
    """
    core = control.core
    for _ in range(budget):
        if core[PLACE] >= s.bank_places and _next_bank(s, control, clock, timed, fault):
            bank = core[BANK]
            return (
                control.core[BANKS + bank * BANK_COLUMNS + BASE] + control.core[BANKS + bank * BANK_COLUMNS + COUNT] - 1
            )
        place, bank = core[PLACE], core[BANK]
        number = control.core[BANKS + bank * BANK_COLUMNS + BASE] + place
        if place >= control.core[BANKS + bank * BANK_COLUMNS + COUNT]:
            stop(fault, SHORT_BANK, control.core[BANKS + bank * BANK_COLUMNS + COUNT], 0, 0)
            return number - 1
        row = rows[number]
        operation = row[OPERATION]
        control.executed[number] += 1
        core[EXECUTED] += 1
        stopped = False
        if operation == MAC:
            stopped = vector.mac(s, control, data, clock, row, timed, functional, fault)
        elif operation == VMOV:
            stopped = vector.vmov(s, control, data, clock, row, timed, functional, fault)
        elif operation in (BLE, BGT, BEQ):
            stopped = _branch(s, control, clock, row, timed, fault)
        elif operation == CONFIG:
            _configure(s, control, clock, row, timed)
        elif operation == MAX:
            stopped = vector.compare(s, control, data, clock, row, timed, functional, fault)
        elif operation == LD:
            stopped = vector.load(s, control, data, clock, row, timed, functional, fault)
        elif operation == TMOV:
            stopped = vector.tmov(s, control, data, clock, row, timed, functional, fault)
        elif operation == REFILL:
            stopped = _refill(s, control, clock, row, rows.shape[0], timed, fault)
        elif operation == ILLEGAL:
            stopped = stop(fault, NO_INSTRUCTION, row[NUMBER], 0, 0)
        else:
            _scalar(s, control, clock, row, timed)
        if stopped:
            return number
        if core[HALTED]:
            return -1
        core[PLACE] += 1
        if core[SLOTS] > 0:
            core[SLOTS] -= 1
            if core[SLOTS] == 0:
                core[PLACE] = core[TARGET]
    return -1
