"""The state of the machine as NumPy records, whose fields compiled code reads and writes by name.

Their arrays have room for the largest machine that a description can say, so that the compiled code is the same for
every machine.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.backend.program import Code, Program
from snowdialect.errors import SnowError
from snowdialect.machine import Machine
from snowdialect.machine.description import MOST_LOADS
from snowdialect.machine.instructions import INSTRUCTION_BITS, WORD_BITS
from snowdialect.simulator.decode import MAC, MAX, VMOV

Numbers = NDArray[np.int64]
Words = NDArray[np.int16]
Records = NDArray[np.void]

MAC_UNIT, MAX_UNIT, MOVE_UNIT = range(3)
"""Decoders. Those for MAC and MAX exist once a CU, the one for moves once a cluster."""

BUCKET = 64
"""Cycles of an entry in the calendars of memory and of buffer ports."""
CALENDAR = 1 << 14
"""Entries of a calendar: a ring, longer than queues full of the longest transfers reach ahead."""
HISTORY = 4096
"""Instructions of a decoder that a `wait` can look back on; more than its field can say."""

MACS = 16
"""Of a vMAC: the one number of a machine that its description cannot change."""

# Room in the records.
_CUS, _VMACS, _UNITS, _BANKS = 4, 4, 4, 2
_DECODERS = 2 * _CUS + 1
_BUFFER = (1 << 16) + 1056
"""Words of a buffer; not a power of two, so that buffers do not compete for the same lines of the processor's cache."""
_QUEUE = 1024
_RECORDS = 1 << 11
_SPARE_RECORDS = 64
"""Beside those of a full queue and of what is on its way, a result a cycle: of what is at work, and of what the other
decoders, whose results lie in the same ring, have begun."""
MAX_LAYERS = 1 << 12

MEMORY_STALL, DRAIN_STALL, QUEUE_STALL, _STALLS = range(4)
"""Why the control core waits: for loads and stores, for results, for room in a queue."""

# Columns of Clock.loads: a load in flight.
L_UNITS, L_BUFFER, L_START, L_END, L_FINISH, L_SOURCE, L_SOURCE_END, L_UNIT, _LOAD_COLUMNS = range(9)
# Kinds of Clock.records: by decoder what dispatched instructions read in the maps buffers; what they write there; what
# they read in the weights buffers.
WRITES, WEIGHTS, _RECORD_KINDS = range(3, 6)
# A record: COUNT pieces of WORDS from START on, STEP apart; the decoder, or of weights the mask of vMACs.
A_START, A_WORDS, A_COUNT, A_STEP, A_FINISH, A_UNIT, _RECORD_COLUMNS = range(7)
# A box around records that have not finished, and how many records there ever were.
LOW, HIGH, UNTIL, NOTED, _BOX_COLUMNS = range(5)
# Columns of Clock.layers: cycles, when all is done, when the last work is, cycles of CUs; bytes; the decoder whose work
# is that of the layer.
CYCLES, FINISH, LAST_WORK, BUSY, MASKED, FILL, DRAIN, ISSUE, MEMORY, IMBALANCE = range(10)
MAPS_BYTES, WEIGHTS_BYTES, CODE_BYTES, STORED_BYTES, KIND, LAYER_COLUMNS = range(10, 16)

SATURATIONS, WRAPS = range(2)


Sizes = Control = Data = Clock = Any
"""Records of these types, as compiled code sees them."""


def _record(**fields: tuple[Any, ...]) -> np.dtype[np.void]:
    """A record of numbers: the type and then the shape of each field."""
    return np.dtype([(name, kind[0], kind[1:]) for name, kind in fields.items()])


_INT, _WORD = np.int64, np.int16

SIZES = _record(
    **{
        name: (_INT,)
        for name in (
            *("cus", "vmacs", "line", "transfer", "mbuf_words", "wbuf_words", "mbuf_bank", "wbuf_bank"),
            *("bank_places", "delay_slots", "transfer_places", "load_units", "memory_words", "code_address"),
            *("scalar_latency", "multiply_latency", "queue_depth", "queue_latency", "buffer_latency"),
            *("write_back_latency", "load_queue_depth", "transfer_overhead", "memory_latency"),
        )
    },
    bytes_per_cycle=(np.float64,),
)
"""Numbers of the machine. `transfer_places` are the instructions of a transfer, `bytes_per_cycle` those of memory."""

CONTROL = _record(
    registers=(_INT, 32),
    settings=(_INT, 8),
    latches=(_INT, _CUS),
    offsets=(_INT, _CUS),
    modes=(_INT, _CUS, _VMACS),
    bank=(_INT,),
    place=(_INT,),
    slots=(_INT,),
    target=(_INT,),
    halted=(_INT,),
    steps=(_INT,),
    layer=(_INT,),
    entered=(_INT,),
    bank_base=(_INT, _BANKS),
    bank_count=(_INT, _BANKS),
    bank_filled=(_INT, _BANKS),
)
"""What the control core and the decoders know; it never depends on the input.

`settings` are the configuration registers, `latches` the write-back addresses; `modes` is -1, or the mode (0 COOP,
1 INDP) in which a VMOV started the accumulators of a vMAC. Of each instruction bank: the number of its first
instruction, how many it holds, whether it was filled since it was left. `layer` is that
of the moves; `entered` the same when execution has paused before its first one, else -1.
"""

DATA = _record(
    mbuf=(_WORD, _CUS, _BUFFER),
    wbuf=(_WORD, _CUS, _VMACS, _BUFFER),
    sums=(_INT, _CUS, _VMACS, MACS),
    comparators=(_WORD, _CUS, MACS),
    peaks=(_INT, _CUS, _VMACS + 1),
    counts=(_INT, MAX_LAYERS + 1, 2),
)
"""What lies in buffers and accumulators for one input.

`sums` are exact; in COOP the first of a vMAC is that of all its MACs. No word of a buffer is larger in size than its
place in `peaks`, where the last buffer is the maps buffer. `counts` are saturations and wraps of each layer.
"""

CLOCK = _record(
    now=(_INT,),
    stalls=(_INT, _STALLS),
    ready=(_INT, 32),
    bank_ready=(_INT, _BANKS),
    issued=(_INT, _DECODERS),
    decode_free=(_INT, _DECODERS),
    unit_free=(_INT, _DECODERS),
    starts=(_INT, _DECODERS, HISTORY),
    finishes=(_INT, _DECODERS, HISTORY),
    staged=(_INT, _CUS),
    output_free=(_INT, _CUS),
    output_begun=(_INT, _CUS),
    load_issued=(_INT, _UNITS),
    load_free=(_INT, _UNITS),
    load_starts=(_INT, _UNITS, _QUEUE),
    loads=(_INT, MOST_LOADS, _LOAD_COLUMNS),
    load_count=(_INT,),
    loading_until=(_INT,),
    buffer_loading=(_INT, _VMACS + 1),
    bank_loading=(_INT, _CUS, _VMACS + 1, _BANKS),
    room=(_INT,),
    records=(_INT, _CUS, _RECORD_KINDS, _RECORDS, _RECORD_COLUMNS),
    boxes=(_INT, _CUS, _RECORD_KINDS, _BOX_COLUMNS),
    stores=(_INT, _RECORDS, 3),
    store_count=(_INT,),
    store_box=(_INT, _BOX_COLUMNS),
    used=(np.float64, 1 + _CUS * _BANKS, CALENDAR),
    tags=(_INT, 1 + _CUS * _BANKS, CALENDAR),
    conflicts=(_INT,),
    layers=(_INT, MAX_LAYERS + 1, LAYER_COLUMNS),
    layer=(_INT,),
    boundary=(_INT,),
    end=(_INT,),
    cursor=(_INT, _CUS),
    seen=(_INT, _CUS, _STALLS),
    idle=(_INT, _CUS),
    begins=(_INT, _CUS),
    ends=(_INT, _CUS),
)
"""What happens when, in cycles from the start of the code.

`now` is when the last instruction issued, `ready` when one may issue that reads a register. Of each decoder: how many
instructions it was given, when it takes the next one, when the traces before are through; in a ring, when each left the
queue and when all that it does was done. Of each CU: when the initial values of the next output are there, when the
shift registers take the next output, when the VMOV of the output left the queue. Likewise of the load units.
`buffer_loading` is when the last load into a buffer of any CU arrives, `bank_loading` into a bank of one. `records` and
`stores` are rings of `room` rows, `boxes` what surrounds those that have not finished. `used` says how much of each
stretch of BUCKET cycles is taken, of memory in bytes, then of the second port of each bank of the maps buffers in
lines, `tags` which stretch it is, plus 1. From `layer` on, the ledger: the layer at work and since when; of each CU up
to when its time is accounted for, stalls of the core when it last had work, cycles since then of instructions that left
it out; the instruction at hand.
"""


def sizes_of(program: Program, code: Code) -> Records:
    """A record SIZES."""
    machine = program.machine
    sizes = np.zeros(1, SIZES)
    values = {
        "cus": machine.compute_units,
        "line": machine.line_words,
        "transfer": machine.transfer_words,
        "mbuf_bank": machine.mbuf_bank_words,
        "wbuf_bank": machine.wbuf_bank_words,
        "bank_places": machine.icache_instructions,
        "transfer_places": machine.transfer_words * WORD_BITS // INSTRUCTION_BITS,
        "memory_words": program.memory_words,
        "code_address": code.address,
        "bytes_per_cycle": machine.bytes_per_cycle,
    }
    for name in SIZES.names or ():
        sizes[name] = values[name] if name in values else getattr(machine, name)
    return sizes


def new_control(machine: Machine) -> Records:
    """A record CONTROL of the machine as the host starts it: block 0 in bank 0, registers zero."""
    control = np.zeros(1, CONTROL)
    control["bank_count"][0, 0] = machine.icache_instructions
    control["bank_filled"][0, 0] = 1
    control["modes"] = control["layer"] = control["entered"] = -1
    return control


def new_data() -> Records:
    """A record DATA: buffers and accumulators hold zeros."""
    return np.zeros(1, DATA)


def new_clock(program: Program, rows: Records) -> Records:
    """A record CLOCK at zero, with every queue, unit and port empty. `rows` is the decoded code.

    Raises SnowError for more layers than there is room for.
    """
    machine = program.machine
    if len(program.layers) > MAX_LAYERS:
        raise SnowError(f"{len(program.layers)} layers: the simulator has room for {MAX_LAYERS}")
    clock = np.zeros(1, CLOCK)
    clock["now"] = clock["layer"] = -1
    on_the_way = machine.write_back_latency + machine.memory_latency
    clock["room"] = min(_RECORDS, machine.queue_depth + on_the_way + _SPARE_RECORDS)
    # The work of a layer is that of the MAC decoder if it has any, else of MAX, else of moves.
    kinds = clock["layers"][0, :, KIND]
    kinds[:] = MOVE_UNIT
    for kind, operations in ((MAX_UNIT, (MAX,)), (MAC_UNIT, (MAC, VMOV))):
        kinds[rows["layer"][np.isin(rows["operation"], operations)]] = kind
    return clock
