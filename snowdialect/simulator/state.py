"""The state of the machine as tuples of arrays, which compiled code can take."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snowdialect.backend.program import Code, Program
from snowdialect.machine import Machine
from snowdialect.machine.instructions import INSTRUCTION_BITS, WORD_BITS
from snowdialect.simulator.decode import LAYER, MAC, MAX, OPERATION, VMOV

Numbers = NDArray[np.int64]
Words = NDArray[np.int16]

MAC_UNIT, MAX_UNIT, MOVE_UNIT = range(3)
"""Decoders. Those for MAC and MAX exist once a CU, the one for moves once a cluster."""

BUCKET = 64
"""Cycles of an entry in the calendars of memory and of buffer ports."""
HISTORY = 4096
"""Instructions of a decoder that a `wait` can look back on; more than its field can say."""
ICACHE_BANKS = 2

# Control.core: where execution is, then the configuration registers, the registers and the instruction banks.
BANK, PLACE, SLOTS, TARGET, HALTED, EXECUTED, SETTINGS = range(7)
REGISTERS = SETTINGS + 8
BANKS = REGISTERS + 32
# Of each bank: its first instruction, how many it holds, whether it has been filled since it was left.
BASE, COUNT, FILLED, BANK_COLUMNS = range(4)
_CONTROL_CORE = BANKS + ICACHE_BANKS * BANK_COLUMNS
# Control.cus: write-back address, bypass_offset, then for each vMAC -1 or the mode (0 COOP, 1 INDP) in which a VMOV
# started its accumulators.
LATCH, OFFSET, MODES = range(3)

# Clock.core: the cycle of the last instruction, how long the core waited for what, loads in flight, the layer at work,
# since when, the end, conflicts on ports, stores; then when instructions that read a register may issue, and when each
# instruction bank is filled.
NOW, STALL_MEMORY, STALL_DRAIN, STALL_QUEUE, LOADING_UNTIL, LOADS, CURRENT_LAYER, BOUNDARY, END, CONFLICTS = range(10)
STORES = CONFLICTS + 1
STORE_BOX = STORES + 1
READY = STORE_BOX + 3
BANK_READY = READY + 32
_CLOCK_CORE = BANK_READY + ICACHE_BANKS
# Clock.units, a row a decoder: instructions dispatched, when it takes the next one from its queue, when the traces
# before are through.
ISSUED, DECODE_FREE, UNIT_FREE, _UNIT_COLUMNS = range(4)
# Clock.queues: when each instruction left the queue, and when all that it does was done.
STARTS, FINISHES = range(2)
# Clock.cus: when the initial values of the next output are there, when the shift registers take the next output, when
# the VMOV of the output left the queue; then for the ledger: up to when the time of the CU is accounted for, stalls of
# the core when it last had work, cycles since then of instructions that left it out, the instruction at hand.
STAGED, OUTPUT_FREE, OUTPUT_BEGUN, CURSOR, SEEN, _, _, IDLE, BEGINS, ENDS, _CU_COLUMNS = range(11)
# Clock.load_units: loads dispatched, when the last one is through, when each of the last ones left the queue.
LOADS_ISSUED, LOAD_FREE, LOAD_STARTS = range(3)
# Clock.loads: a load in flight.
L_UNITS, L_BUFFER, L_START, L_END, L_FINISH, L_SOURCE, L_SOURCE_END, _LOAD_COLUMNS = range(8)
# Clock.records: by decoder what dispatched instructions read in the maps buffers; what they write there; what they read
# in the weights buffers.
WRITES, WEIGHTS, _RECORD_KINDS = range(3, 6)
# A record: COUNT pieces of WORDS from START on, STEP apart; the decoder, or of weights the mask of vMACs.
A_START, A_WORDS, A_COUNT, A_STEP, A_FINISH, A_UNIT, _RECORD_COLUMNS = range(7)
# A box around records that have not finished, and how many records there ever were.
LOW, HIGH, UNTIL, NOTED, _BOX_COLUMNS = range(5)
# Clock.layers: cycles, when all is done, when the last work is, cycles of CUs; bytes; the decoder whose work is that of
# the layer.
CYCLES, FINISH, LAST_WORK, BUSY, MASKED, FILL, DRAIN, ISSUE, MEMORY, IMBALANCE = range(10)
MAPS_BYTES, WEIGHTS_BYTES, CODE_BYTES, STORED_BYTES, KIND, LAYER_COLUMNS = range(10, 16)

SATURATIONS, WRAPS = range(2)


class Sizes(NamedTuple):
    """Numbers of the machine."""

    cus: int
    vmacs: int
    line: int
    transfer: int
    mbuf_words: int
    wbuf_words: int
    mbuf_bank: int
    wbuf_bank: int
    bank_places: int
    delay_slots: int
    transfer_places: int
    """Instructions of a transfer."""
    load_units: int
    memory_words: int
    code_address: int
    scalar_latency: int
    multiply_latency: int
    queue_depth: int
    queue_latency: int
    buffer_latency: int
    write_back_latency: int
    load_queue_depth: int
    transfer_overhead: int
    memory_latency: int
    bytes_per_cycle: float
    """Of memory."""


class Control(NamedTuple):
    """What the control core and the decoders know: never depends on the input."""

    core: Numbers
    cus: Numbers
    executed: Numbers
    """How often each instruction ran."""


class Data(NamedTuple):
    """What lies in memory, buffers and accumulators for one input."""

    memory: Words
    mbuf: Words
    """(CUs, words)."""
    wbuf: Words
    """(CUs, vMACs, words)."""
    sums: Numbers
    """(CUs, vMACs, MACs): exact sums. In COOP the first is that of all MACs."""
    comparators: Words
    """(CUs, MACs)."""
    peaks: Numbers
    """(CUs, vMACs + 1): no word of the buffer is larger in size; the last is the maps buffer."""
    counts: Numbers
    """(layers + 1, 2): saturations and wraps."""
    lanes: NDArray[np.int32]
    """(MACs,) scratch."""


class Clock(NamedTuple):
    """What happens when. Times are cycles from the start of the code."""

    core: Numbers
    units: Numbers
    """(decoders, columns)."""
    queues: Numbers
    """(decoders, HISTORY, 2)."""
    cus: Numbers
    """(CUs, columns)."""
    load_units: Numbers
    """(load units, columns)."""
    loads: Numbers
    """(room, columns)."""
    loading_until: Numbers
    """(CUs, vMACs + 1, banks) when the last load into a bank arrives; the last buffer is the maps buffer."""
    records: Numbers
    """(CUs, kinds, room, columns)."""
    boxes: Numbers
    """(CUs, kinds, columns)."""
    stores: Numbers
    """(room, 3): first word of memory, end, finish."""
    used: NDArray[np.float64]
    """(1 + CUs x banks, room): bytes of memory, then lines over the second port of each bank, in each bucket."""
    tags: Numbers
    """Likewise: which bucket it is."""
    layers: Numbers
    """(layers + 1, columns)."""


def sizes_of(program: Program, code: Code) -> Sizes:
    machine = program.machine
    return Sizes(
        cus=machine.compute_units,
        vmacs=machine.vmacs,
        line=machine.line_words,
        transfer=machine.transfer_words,
        mbuf_words=machine.mbuf_words,
        wbuf_words=machine.wbuf_words,
        mbuf_bank=machine.mbuf_bank_words,
        wbuf_bank=machine.wbuf_bank_words,
        bank_places=machine.icache_instructions,
        delay_slots=machine.delay_slots,
        transfer_places=machine.transfer_words * WORD_BITS // INSTRUCTION_BITS,
        load_units=machine.load_units,
        memory_words=program.memory_words,
        code_address=code.address,
        scalar_latency=machine.scalar_latency,
        multiply_latency=machine.multiply_latency,
        queue_depth=machine.queue_depth,
        queue_latency=machine.queue_latency,
        buffer_latency=machine.buffer_latency,
        write_back_latency=machine.write_back_latency,
        load_queue_depth=machine.load_queue_depth,
        transfer_overhead=machine.transfer_overhead,
        memory_latency=machine.memory_latency,
        bytes_per_cycle=machine.bandwidth / machine.clock_hz,
    )


def new_control(program: Program, code: Code, instructions: int) -> Control:
    """The machine as the host starts it: block 0 in bank 0, registers zero."""
    machine = program.machine
    control = Control(_zeros(_CONTROL_CORE), _zeros(machine.compute_units, MODES + machine.vmacs), _zeros(instructions))
    control.core[BANKS + COUNT] = machine.icache_instructions
    control.core[BANKS + FILLED] = 1
    control.cus[:, MODES:] = -1
    return control


def new_data(machine: Machine, layers: int, memory: Words) -> Data:
    """Empty buffers and accumulators over a memory (words,), which the program changes."""
    cus, vmacs = machine.compute_units, machine.vmacs
    return Data(
        memory=memory,
        mbuf=np.zeros((cus, machine.mbuf_words), np.int16),
        wbuf=np.zeros((cus, vmacs, machine.wbuf_words), np.int16),
        sums=_zeros(cus, vmacs, machine.macs),
        comparators=np.zeros((cus, machine.macs), np.int16),
        peaks=_zeros(cus, vmacs + 1),
        counts=_zeros(layers + 1, 2),
        lanes=np.zeros(machine.macs, np.int32),
    )


def no_data() -> Data:
    """Stands where data would be when only the clock runs."""
    words = np.zeros((1, 1, 1), np.int16)
    numbers = _zeros(1, 1, 1)
    return Data(words[0, 0], words[0], words, numbers, words[0], numbers[0], numbers[0], np.zeros(1, np.int32))


def new_clock(program: Program, rows: Numbers) -> Clock:
    """A clock at zero, with every queue, unit and port empty. `rows` is the decoded code."""
    machine, layers = program.machine, len(program.layers)
    cus, vmacs, units = machine.compute_units, machine.vmacs, machine.load_units
    decoders = 2 * cus + 1
    room = _power_of_two(machine.queue_depth + machine.write_back_latency + 64)
    in_flight = machine.load_queue_depth + machine.memory_latency // machine.transfer_overhead + 4
    # So far may what is queued reach ahead, if all transfers are as long as they can be and a unit does all of them.
    longest = 4096 * machine.transfer_words * 2
    transfers = units * (machine.load_queue_depth + 2) + machine.queue_depth + 2
    ahead = 2 * transfers * longest * units * machine.clock_hz // machine.bandwidth
    calendar = _power_of_two(min(ahead // BUCKET + 1024, 1 << 18))
    calendars = 1 + cus * machine.mbuf_banks
    clock = Clock(
        core=_zeros(_CLOCK_CORE),
        units=_zeros(decoders, _UNIT_COLUMNS),
        queues=_zeros(decoders, HISTORY, 2),
        cus=_zeros(cus, _CU_COLUMNS),
        load_units=_zeros(units, LOAD_STARTS + machine.load_queue_depth),
        loads=_zeros(units * in_flight, _LOAD_COLUMNS),
        loading_until=_zeros(cus, vmacs + 1, machine.mbuf_banks),
        records=_zeros(cus, _RECORD_KINDS, room, _RECORD_COLUMNS),
        boxes=_zeros(cus, _RECORD_KINDS, _BOX_COLUMNS),
        stores=_zeros(_power_of_two(machine.queue_depth + machine.memory_latency + 64), 3),
        used=np.zeros((calendars, calendar)),
        tags=np.full((calendars, calendar), -1),
        layers=_zeros(layers + 1, LAYER_COLUMNS),
    )
    clock.core[NOW] = -1
    clock.core[CURRENT_LAYER] = -1
    clock.layers[:, KIND] = _work_of_layers(rows, layers)
    return clock


def no_clock() -> Clock:
    """Stands where a clock would be when only data is computed."""
    one, two, three, four = (_zeros(*[1] * axes) for axes in range(1, 5))
    used = np.zeros((1, 1))
    core = _zeros(_CLOCK_CORE)
    return Clock(core, two, three, two, two, two, three, four, three, two, used, two, two)


def _work_of_layers(rows: Numbers, layers: int) -> Numbers:
    """The decoder whose work is the work of each layer: MAC if it has any, else MAX, else moves."""
    kinds = np.full(layers + 1, MOVE_UNIT, np.int64)
    for kind, operations in ((MAX_UNIT, (MAX,)), (MAC_UNIT, (MAC, VMOV))):
        uses = rows[np.isin(rows[:, OPERATION], operations), LAYER]
        kinds[uses] = kind
    return kinds


def _zeros(*shape: int) -> Numbers:
    return np.zeros(shape, np.int64)


def _power_of_two(least: int) -> int:
    return 1 << (int(least) - 1).bit_length()
