"""The instruction table: opcode, fields, assembly syntax, timing class and meaning of every instruction, side by side.

Assembler, disassembler, encoder, verifiers and the reference in docs/isa.md derive from `INSTRUCTIONS`. The dialect
interpreter and the machine simulator each implement the semantics, written apart from each other.

The semantics are formulas over this state (docs/isa.md introduces it):
R[r] register, M[c][a] word of the maps buffer of CU c, W[c][v][a] word of the weights buffer of its vMAC v,
A[c][v][l] accumulator of MAC l, B[c] write-back address, D[a] word of memory. For an on-chip word w: cus(w) is the set
of CUs in w[31:28], buf(w) = w[27:25], adr(w) = w[24:0]. For a kernel word k: adr(k) = k[31:4], vmacs(k) is the set in
k[3:0]. L is the number of words in a line (16), T in a transfer of memory (32), V the number of vMACs of a CU.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import accumulate

INSTRUCTION_BITS = 32
REGISTER_MASK = (1 << INSTRUCTION_BITS) - 1
"""The bits of a register: as many as those of an instruction."""
WORD_BITS = 16
OPCODE_BITS = 4
BUFFER_MBUF = 4
"""Buffer number of the maps buffer in an on-chip word; a smaller one is the weights buffer of that vMAC."""
UNIT_MASK_SHIFT = 28
BUFFER_SHIFT = 25
BUFFER_MASK = (1 << UNIT_MASK_SHIFT - BUFFER_SHIFT) - 1
ADDRESS_MASK = (1 << BUFFER_SHIFT) - 1
KERNEL_SHIFT = 4
"""A kernel word is a word address of a weights buffer, shifted left by this, and a mask of vMACs below it."""
VMAC_MASK = (1 << KERNEL_SHIFT) - 1

CONFIGURATION_MASK_SHIFT = 18
"""Where the mask of CUs or units begins in the values of bypass_offset and wait."""
OFFSET_MASK = (1 << CONFIGURATION_MASK_SHIFT) - 1
"""What is below it: an offset, or a number of instructions."""
MAX_PENDING = (1 << 12) - 1
"""The most instructions that wait can leave pending."""


class Kind(Enum):
    """How the bits of a field are read, and what stands for it in the assembly text."""

    REGISTER = "register"
    SIGNED = "signed"
    UNSIGNED = "unsigned"
    LABEL = "label"
    """Signed distance to an instruction, counted from the branch itself; a label in the text."""
    CHOICE = "choice"
    """One of the field's names, encoded by its position."""
    FLAGS = "flags"
    """Any of the field's names; the first is the lowest bit."""
    FIXED = "fixed"
    """Always the field's value: it tells apart instructions that share an opcode."""


@dataclass(frozen=True)
class Field:
    name: str
    width: int
    kind: Kind
    names: tuple[str, ...] = ()
    value: int = 0

    @cached_property
    def mask(self) -> int:
        """As many ones as the field has bits."""
        return (1 << self.width) - 1

    @cached_property
    def minimum(self) -> int:
        return -(1 << self.width - 1) if self.kind in (Kind.SIGNED, Kind.LABEL) else 0

    @cached_property
    def maximum(self) -> int:
        """The largest value that the field can say."""
        match self.kind:
            case Kind.SIGNED | Kind.LABEL:
                return (1 << self.width - 1) - 1
            case Kind.CHOICE:
                return len(self.names) - 1
            case Kind.FLAGS:
                return (1 << len(self.names)) - 1
            case _:
                return (1 << self.width) - 1

    def fits(self, value: int) -> bool:
        return self.minimum <= value <= self.maximum


class Timing(Enum):
    """Where an instruction executes: what it can overlap with, and whose queue it waits in."""

    SCALAR = "control core, one cycle"
    BRANCH = "control core, one cycle; the delay slots follow"
    CONFIGURATION = "control core; takes effect in order with the instructions of the decoder queues"
    LOAD = "load unit"
    MAC = "MAC decoder"
    MAX = "MAX decoder"
    MOVE = "trace-move decoder"


@dataclass(frozen=True)
class Instruction:
    name: str
    """Name of the operation in the dialect `snowflake`; unique."""
    mnemonic: str
    opcode: int
    fields: tuple[Field, ...]
    """From bit 27 downwards; bits below the last field are zero."""
    syntax: str
    """The assembly text, with a `{field}` for every field that is written."""
    timing: Timing
    semantics: str
    mark: str
    """What is published, derived or chosen about it, and why."""

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def low_bit(self, field: Field) -> int:
        """Position of the lowest bit of a field in the 32-bit word."""
        return next(low for other, low in self.places if other == field)

    @cached_property
    def places(self) -> tuple[tuple[Field, int], ...]:
        """Each field, and the position of its lowest bit in the 32-bit word."""
        ends = accumulate(field.width for field in self.fields)
        return tuple(
            (field, INSTRUCTION_BITS - OPCODE_BITS - end) for field, end in zip(self.fields, ends, strict=True)
        )

    @cached_property
    def written_fields(self) -> tuple[Field, ...]:
        """The fields that appear in the text, in the order of the text."""
        return tuple(self.field(name) for name in re.findall(r"{(\w+)}", self.syntax))

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a line of text with this instruction looks like; one group a written field."""
        pattern = re.sub(r"\\{(\w+)\\}", lambda match: _group(self.field(match[1])), re.escape(self.syntax))
        return re.compile(pattern.replace(r",\ ", r"\s*,\s*").replace(r"\ ", r"\s+"))


def _group(field: Field) -> str:
    match field.kind:
        case Kind.REGISTER:
            text = r"r\d+"
        case Kind.SIGNED | Kind.UNSIGNED:
            text = r"-?(?:0x[0-9a-f]+|\d+)"
        case Kind.LABEL:
            text = r"[A-Za-z_][\w.$]*"
        case Kind.CHOICE:
            text = r"\w+"
        case Kind.FLAGS:
            # A list of flags brings its own commas, so that an empty one leaves none behind.
            text = r"(?:\s*,\s*[A-Za-z]\w*)*"
        case Kind.FIXED:
            raise ValueError(f"field {field.name} is fixed and has no text")
    return f"(?P<{field.name}>{text})"


def _register(name: str) -> Field:
    return Field(name, 5, Kind.REGISTER)


def _signed(name: str, width: int) -> Field:
    return Field(name, width, Kind.SIGNED)


def _unsigned(name: str, width: int) -> Field:
    return Field(name, width, Kind.UNSIGNED)


def _fixed(name: str, width: int, value: int) -> Field:
    return Field(name, width, Kind.FIXED, value=value)


_MODE = Field("mode", 1, Kind.CHOICE, ("coop", "indp"))
_LENGTH = _unsigned("length", 12)
_OFFSET = Field("target", 12, Kind.LABEL)


@dataclass(frozen=True)
class ConfigurationRegister:
    """A register that MOV writes when its c bit is set. Its number is its place in `CONFIGURATION`."""

    name: str
    maximum: int
    meaning: str


CONFIGURATION = (
    ConfigurationRegister("result_shift", 31, "s of the write-back: how far a sum moves right"),
    ConfigurationRegister("bias_shift", 31, "how far VMOV moves a value left, without flag alt"),
    ConfigurationRegister("bypass_shift", 31, "how far VMOV moves a value left, with flag alt"),
    ConfigurationRegister("max_stride", OFFSET_MASK, "lines between successive operands of one MAX"),
    ConfigurationRegister(
        "bypass_offset",
        (1 << 22) - 1,
        "[21:18] CUs, [17:0] words that those CUs add to the source address of a VMOV from the maps buffer",
    ),
    ConfigurationRegister(
        "wait",
        (1 << 22) - 1,
        "[21:18] units (1 MAC, 2 MAX, 4 move, 8 load), [11:0] n: dispatch holds until each has at most n "
        "instructions queued or running",
    ),
    ConfigurationRegister(
        "done", 0, "end of the program: everything drains, the host's output counter is set, the core halts"
    ),
)

WRITE_BACK = (
    "Write-back, for each sum x mod 2^32 as a signed number: y = clamp16((x + 2^(s-1)) >> s) with s = result_shift, "
    "the addition wider than 32 bits and its term absent at s = 0; then y = max(y, 0) with flag relu. "
    "coop: x = sum over l of A[c][v][l] and M[c][B[c] + v] = y, also across the end of a line. "
    "indp: x = A[c][v][l] and M[c][B[c] + L*v + l] = y; B[c] must be a multiple of L."
)
"""What VMOV and MAC do with flag last, for the CUs and vMACs that take part."""

_CHOSEN_OPCODE = "Opcode number chosen: the published list in its order."

INSTRUCTIONS = (
    Instruction(
        "mov",
        "mov",
        0,
        (_fixed("c", 1, 0), _register("rd"), _signed("immediate", 22)),
        "{rd}, {immediate}",
        Timing.SCALAR,
        "R[rd] = immediate",
        "22-bit immediate derived; the sign chosen, so that one MULI and one ADDI build any 32-bit value.",
    ),
    Instruction(
        "config",
        "mov",
        0,
        (
            _fixed("c", 1, 1),
            Field("register", 5, Kind.CHOICE, tuple(register.name for register in CONFIGURATION)),
            _unsigned("immediate", 22),
        ),
        "{register}, {immediate}",
        Timing.CONFIGURATION,
        "configuration register = immediate, for the vector instructions behind it in program order",
        "Chosen: MAC and VMOV have no bits left for shifts and offsets. The write travels through the queue "
        "of the vector instructions, which costs it one slot there and needs no draining.",
    ),
    Instruction(
        "vmov",
        "vmov",
        1,
        (
            _MODE,
            Field("flags", 5, Kind.FLAGS, ("bypass", "add", "alt", "last", "relu")),
            _register("rs"),
            _register("rd"),
            _unsigned("vmacs", 4),
        ),
        ".{mode} {rd}, {rs}, {vmacs}{flags}",
        Timing.MAC,
        "for c in cus(R[rd]), v in vmacs: B[c] = adr(R[rd]); n = bypass_shift with alt, else bias_shift. "
        "coop: x = M[c][adr(R[rs]) + bypass_offset[c] + v] with bypass, else W[c][v][adr(R[rs])]; "
        "A[c][v][0] = x << n, the other A[c][v][l] = 0; with add A[c][v][0] += x << n and the others stay. "
        "indp: x[l] = M[c][adr(R[rs]) + bypass_offset[c] + L*v + l] with bypass, else W[c][v][adr(R[rs]) + l]; "
        "A[c][v][l] = x[l] << n, with add A[c][v][l] += x[l] << n. Mod 2^32. With last: write-back. "
        "R[rs] is an on-chip word with bypass (only its address counts), else a kernel word (likewise).",
        "Published: loads the initial value of the accumulators, bias or bypass. Chosen: flag add (a layer with "
        "bias and bypass), flag last (outputs that have no MAC at all, residual additions), the write-back address "
        "in rd (MAC's 32 bits are full).",
    ),
    Instruction(
        "tmov",
        "tmov",
        2,
        (Field("kind", 1, Kind.CHOICE, ("memory", "cluster")), _register("rs"), _register("rd"), _LENGTH),
        ".{kind} {rd}, {rs}, {length}",
        Timing.MOVE,
        "c the only CU of cus(R[rs]), a = adr(R[rs]) a multiple of L. "
        "memory: D[T*R[rd] + i] = M[c][a + i] for i < T*length. "
        "cluster: M[d][adr(R[rd]) + i] = M[c][a + i] for i < L*length, d the only CU of cus(R[rd]), "
        "adr(R[rd]) a multiple of L and, if d = c, none of a + 1 to a + L*length - 1.",
        "Published: maps buffer to memory or to the maps buffer of another CU; 64 B granularity of memory. "
        "Chosen: one source, one destination, no strides: a second port or a broadcast would have to be paid for; "
        "the same CU may be both, which takes no further wire; its lines move one after the other, so never over what "
        "is still to be read.",
    ),
    Instruction(
        "add",
        "add",
        3,
        (_register("rd"), _register("rs"), _register("rt")),
        "{rd}, {rs}, {rt}",
        Timing.SCALAR,
        "R[rd] = (R[rs] + R[rt]) mod 2^32",
        _CHOSEN_OPCODE,
    ),
    Instruction(
        "addi",
        "addi",
        4,
        (_register("rd"), _register("rs"), _signed("immediate", 17)),
        "{rd}, {rs}, {immediate}",
        Timing.SCALAR,
        "R[rd] = (R[rs] + immediate) mod 2^32",
        "17-bit immediate derived.",
    ),
    Instruction(
        "mul",
        "mul",
        5,
        (_register("rd"), _register("rs"), _register("rt")),
        "{rd}, {rs}, {rt}",
        Timing.SCALAR,
        "R[rd] = (R[rs] * R[rt]) mod 2^32",
        _CHOSEN_OPCODE,
    ),
    Instruction(
        "muli",
        "muli",
        6,
        (_register("rd"), _register("rs"), _signed("immediate", 17)),
        "{rd}, {rs}, {immediate}",
        Timing.SCALAR,
        "R[rd] = (R[rs] * immediate) mod 2^32",
        "Immediate as wide as that of ADDI (chosen).",
    ),
    Instruction(
        "mac",
        "mac",
        7,
        (_MODE, Field("flags", 5, Kind.FLAGS, ("last", "relu")), _register("rm"), _register("rk"), _LENGTH),
        ".{mode} {rm}, {rk}, {length}{flags}",
        Timing.MAC,
        "m = adr(R[rm]), k = adr(R[rk]), n = length > 0; for c in cus(R[rm]), v in vmacs(R[rk]), mod 2^32. "
        "coop: A[c][v][i mod L] += M[c][m + i] * W[c][v][k + i] for i < n; m, k and n are multiples of L. "
        "indp: A[c][v][l] += M[c][m + i] * W[c][v][k + L*i + l] for i < n and l < L; k is a multiple of L. "
        "With last: write-back.",
        "Published: trace of maps against weights, 12-bit length in words, mode bit, 5 flag bits (three of them "
        "unused here). Derived: kernel word. Chosen: meaning of the flags; alignment (a decoder requests one line a "
        "cycle, and only indp can feed its MACs from the middle of a maps line).",
    ),
    Instruction(
        "max",
        "max",
        8,
        (
            Field("flags", 2, Kind.FLAGS, ("first", "last")),
            _register("rs"),
            _register("rd"),
            _unsigned("count", 12),
        ),
        "{rd}, {rs}, {count}{flags}",
        Timing.MAX,
        "a = adr(R[rs]), count > 0; for c in cus(R[rs]), l < L: x[i] = M[c][a + L*max_stride*i + l] for i < count; "
        "C[c][l] = max over i of x[i], and of C[c][l] without first. With last: M[c][adr(R[rd]) + l] = C[c][l]. "
        "Addresses are multiples of L.",
        "Published: comparators with fed-back output, operands and result in the maps buffer. Chosen: a count of "
        "operands at a fixed stride, first and last, so that a pooling window is one instruction a row.",
    ),
    Instruction(
        "ble",
        "ble",
        9,
        (_register("rs"), _register("rt"), _OFFSET),
        "{rs}, {rt}, {target}",
        Timing.BRANCH,
        "the delay slots execute; then execution goes on at target if R[rs] <= R[rt] (signed), else behind the slots",
        "12-bit offset derived; four delay slots remembered by readers of the paper. Chosen: offset counted from the "
        "branch; slots always execute and hold no branch; branch, slots and target lie in one bank.",
    ),
    Instruction(
        "bgt",
        "bgt",
        10,
        (_register("rs"), _register("rt"), _OFFSET),
        "{rs}, {rt}, {target}",
        Timing.BRANCH,
        "likewise, if R[rs] > R[rt] (signed)",
        "As BLE.",
    ),
    Instruction(
        "beq",
        "beq",
        11,
        (_register("rs"), _register("rt"), _OFFSET),
        "{rs}, {rt}, {target}",
        Timing.BRANCH,
        "likewise, if R[rs] = R[rt]",
        "As BLE.",
    ),
    Instruction(
        "ld",
        "ld",
        12,
        (_fixed("kind", 1, 0), _unsigned("unit", 2), _register("rd"), _register("rs"), _LENGTH),
        "{rd}, {rs}, {length}, {unit}",
        Timing.LOAD,
        "length > 0; x[i] = D[T*R[rs] + i] for i < T*length; for c in cus(R[rd]): M[c][adr(R[rd]) + i] = x[i] if "
        "buf(R[rd]) = 4, else W[c][buf(R[rd])][adr(R[rd]) + i] = x[i]. adr(R[rd]) is a multiple of T.",
        "Published: memory to maps buffer, weights buffer or instruction cache, 64 B units, one buffer or a broadcast "
        "over the CUs. Chosen: the load unit is named, alignment of the destination to a transfer.",
    ),
    Instruction(
        "refill",
        "ld",
        12,
        (_fixed("kind", 1, 1), _unsigned("unit", 2), _fixed("rd", 5, 0), _register("rs"), _LENGTH),
        ".icache {rs}, {length}, {unit}",
        Timing.LOAD,
        "the bank of the instruction cache that is not executing = the T*length words from D[T*R[rs]], from its start",
        "Published: the next block is fetched while one runs.",
    ),
)  # fmt: skip
"""Every instruction. MOV and LD stand here twice: once for each meaning of the bit that follows their opcode."""

BY_NAME = {instruction.name: instruction for instruction in INSTRUCTIONS}

NOP = "addi r0, r0, 0"
"""The instruction that stands for none: no encoding is set aside for it (chosen)."""
