"""The machine runs: one instruction after the other, what it computes and when.

Control flow and addresses never depend on data. So one run may keep the clock, another compute, in threads of their
own; both check what an instruction says, the one with the clock also what it gets into the way of.
"""

from snowdialect.machine.instructions import (
    CONFIGURATION_MASK_SHIFT,
    INSTRUCTION_BITS,
    MAX_PENDING,
    OFFSET_MASK,
    REGISTER_MASK,
)
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
    ILLEGAL,
    LD,
    MAC,
    MAX,
    MAX_STRIDE,
    MOV,
    MUL,
    REFILL,
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
    MAC_UNIT,
    MAX_UNIT,
    Clock,
    Control,
    Sizes,
)

_SIGN = 1 << INSTRUCTION_BITS - 1


@compiled
def _signed(value):
    """A number mod 2^32, signed."""
    return ((value + _SIGN) & REGISTER_MASK) - _SIGN


@compiled
def _refill(s: Sizes, control: Control, clock: Clock, row, places, timed, fault):
    """LD to the bank of the instruction cache that is not executing."""
    address, transfers, unit = control.registers[row.first] & REGISTER_MASK, row.number, row.flags
    first = (address - s.code_address) * s.transfer_places
    count = transfers * s.transfer_places
    bank = 1 - control.bank
    if unit >= s.load_units:
        return stop(fault, NO_LOAD_UNIT, unit, 0, 0)
    if count == 0:
        return stop(fault, NO_LENGTH, 0, 0, 0)
    if count - s.transfer_places >= s.bank_places:
        return stop(fault, LONG_REFILL, transfers, 0, 0)
    if first < 0 or first + count > places:
        return stop(fault, NO_CODE, address, 0, 0)
    control.bank_base[bank] = first
    control.bank_count[bank] = min(count, s.bank_places)
    control.bank_filled[bank] = 1
    if timed:
        time = timing.issue_at(clock, clock.ready[row.first])
        if clock.bank_ready[bank] > time:
            return stop(fault, DOUBLE_REFILL, 0, 0, 0)
        words = transfers * s.transfer
        if hazards.is_memory_written(clock, time, address * s.transfer, address * s.transfer + words):
            return stop(fault, LOAD_OF_STORE, address, 0, 0)
        clock.now = timing.run_refill(s, clock, time, unit, bank, words, row.layer)
    return False


# The control core


@compiled
def _configure(s: Sizes, control: Control, clock: Clock, row, timed):
    """MOV to a configuration register."""
    register, value = row.first, row.number
    time = timing.issue_at(clock, 0)
    everyone = (1 << s.cus) - 1
    if register == DONE:
        control.halted = 1
        if timed:
            timing.end_of_program(s, clock, time)
            ledger.close_program(s, clock, row.layer)
        return
    if register == WAIT:
        if timed:
            time = timing.wait(s, clock, time, value >> CONFIGURATION_MASK_SHIFT, value & MAX_PENDING)
    elif register == BYPASS_OFFSET:
        for cu in range(s.cus):
            if value >> CONFIGURATION_MASK_SHIFT >> cu & 1:
                control.offsets[cu] = value & OFFSET_MASK
        if timed:
            time = timing.configure(s, clock, time, MAC_UNIT, value >> CONFIGURATION_MASK_SHIFT & everyone)
    else:
        control.settings[register] = value
        if timed:
            unit = MAX_UNIT if register == MAX_STRIDE else MAC_UNIT
            time = timing.configure(s, clock, time, unit, everyone)
    if timed:
        clock.now = time


@compiled
def _scalar(s: Sizes, control: Control, clock: Clock, row, timed):
    """MOV, ADD, ADDI, MUL, MULI."""
    operation, target = row.operation, row.first
    registers, ready = control.registers, 0
    latency = s.scalar_latency
    if operation == ADDI and target == 0 and row.second == 0 and row.number == 0:
        # The empty instruction waits for nothing, and nothing waits for it.
        if timed:
            clock.now = timing.issue_at(clock, 0)
        return
    if operation == MOV:
        value = row.number
    else:
        left = registers[row.second]
        ready = clock.ready[row.second]
        if operation in (ADD, MUL):
            right = registers[row.third]
            ready = max(ready, clock.ready[row.third])
        else:
            right = row.number
        if operation in (ADD, ADDI):
            value = _signed(left + right)
        else:
            value = _signed(left * right)
            latency = s.multiply_latency
    registers[target] = value
    if timed:
        time = timing.issue_at(clock, ready)
        clock.now = time
        # Results are written in order, so that a slow one cannot come behind a later quick one.
        clock.ready[target] = max(time + latency, clock.ready[target])


@compiled
def _branch(s: Sizes, control: Control, clock: Clock, row, timed, fault):
    left, right = control.registers[row.first], control.registers[row.second]
    operation, place = row.operation, control.place
    target = place + row.number
    if control.slots > 0:
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
    control.slots = s.delay_slots + 1
    control.target = target if taken else place + s.delay_slots + 1
    if timed:
        clock.now = timing.issue(clock, row)
    return False


@compiled
def _next_bank(s: Sizes, control: Control, clock: Clock, timed, fault):
    """Execution falls off the end of a bank."""
    bank = control.bank
    control.bank_filled[bank] = 0
    bank = 1 - bank
    if not control.bank_filled[bank]:
        return stop(fault, EMPTY_BANK, 0, 0, 0)
    control.bank, control.place = bank, 0
    if timed:
        clock.now = max(clock.now, clock.bank_ready[bank])
    return False


@entry
def execute(sizes, rows, executed, controls, memory, datas, clocks, timed, functional, budget: int, fault) -> int:
    """Runs until the program has ended, it is stopped, a layer begins to store, or `budget` instructions have run.

    The state of the machine is in records of one element. Returns the number of the instruction that it stops at, with
    the reason in `fault`, else -1.
    """
    s, control, data, clock = sizes[0], controls[0], datas[0], clocks[0]
    for _ in range(budget):
        if control.place >= s.bank_places and _next_bank(s, control, clock, timed, fault):
            bank = control.bank
            return control.bank_base[bank] + control.bank_count[bank] - 1
        place, bank = control.place, control.bank
        number = control.bank_base[bank] + place
        if place >= control.bank_count[bank]:
            stop(fault, SHORT_BANK, control.bank_count[bank], 0, 0)
            return number - 1
        row = rows[number]
        operation = row.operation
        if operation == TMOV and functional and row.layer != control.layer:
            control.layer = control.entered = row.layer
            return -1
        executed[number] += 1
        control.steps += 1
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
            stopped = vector.load(s, control, data, memory, clock, row, timed, functional, fault)
        elif operation == TMOV:
            stopped = vector.tmov(s, control, data, memory, clock, row, timed, functional, fault)
        elif operation == REFILL:
            stopped = _refill(s, control, clock, row, rows.shape[0], timed, fault)
        elif operation == ILLEGAL:
            stopped = stop(fault, NO_INSTRUCTION, row.number, 0, 0)
        else:
            _scalar(s, control, clock, row, timed)
        if stopped:
            return number
        if control.halted:
            return -1
        control.place += 1
        if control.slots > 0:
            control.slots -= 1
            if control.slots == 0:
                control.place = control.target
    return -1
