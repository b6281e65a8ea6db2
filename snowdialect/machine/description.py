"""The machine as data: a TOML file read into a frozen dataclass that every pass, verifier and interpreter asks.

The shipped files lie beside this module; a user's file has the same keys. Nothing else in the project holds a
size, a count or a rate of the hardware.
"""

import json
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from snowdialect.errors import SnowError

DEFAULT_MACHINE = "zc706"

_SECTIONS = {
    "compute": ("clusters", "compute_units", "vmacs", "macs", "clock_hz"),
    "buffers": ("mbuf_words", "mbuf_banks", "wbuf_words", "wbuf_banks"),
    "control": ("registers", "delay_slots", "icache_instructions", "icache_banks"),
    "memory": ("bandwidth", "load_units", "transfer_words"),
    "timing": (
        "scalar_latency",
        "multiply_latency",
        "queue_depth",
        "queue_latency",
        "buffer_latency",
        "write_back_latency",
        "load_queue_depth",
        "transfer_overhead",
        "memory_latency",
    ),
}

LARGEST = (1 << 63) - 1
"""The largest number that a TOML file need be able to hold."""
CLOCK = (1_000, 10_000_000_000)
MOST_CYCLES = 1_000_000
"""A latency that is longer would be one of no memory, and times would no longer be exact in floating point."""
BYTES_PER_CYCLE = (1 / 100, 4_096)
"""What memory may move in a cycle. With less, choosing schedules takes minutes; no bus is as wide as the upper end."""
MOST_LOADS = 4_096
"""The simulator keeps a list of the loads in flight."""


class MachineError(SnowError):
    """A machine file that is missing, malformed or describes hardware that this project cannot target."""


@dataclass(frozen=True)
class Machine:
    """One Snowflake machine. A word has 16 bits; a line is one word per MAC of a vMAC.

    Raises MachineError, one line, for one that cannot be targeted.
    """

    name: str
    clusters: int
    compute_units: int
    """CUs of a cluster; each has one maps buffer (MBuf) shared by its vMACs."""
    vmacs: int
    """vMACs of a CU; each has its own weights buffer (WBuf)."""
    macs: int
    """Multipliers of a vMAC."""
    clock_hz: int
    mbuf_words: int
    mbuf_banks: int
    wbuf_words: int
    wbuf_banks: int
    registers: int
    delay_slots: int
    icache_instructions: int
    """Instructions of one bank of the instruction cache."""
    icache_banks: int
    bandwidth: int
    """Bytes a second between memory and the cluster."""
    load_units: int
    transfer_words: int
    """Words of the smallest unit that a load or store moves."""
    scalar_latency: int
    """Cycles from the issue of MOV, ADD or ADDI to that of an instruction that reads the result."""
    multiply_latency: int
    """Cycles from the issue of MUL or MULI to that of an instruction that reads the result."""
    queue_depth: int
    """Instructions that wait in front of a decoder."""
    queue_latency: int
    """Cycles from the issue of an instruction to the earliest start in its decoder or load unit."""
    buffer_latency: int
    """Cycles from the request of a line to its words."""
    write_back_latency: int
    """Cycles from the last request of a trace, or from the end of its reduction, to a result in its buffer."""
    load_queue_depth: int
    """Loads that wait in front of a load unit."""
    transfer_overhead: int
    """Cycles that a load or store takes of its unit besides those in which words move."""
    memory_latency: int
    """Cycles that words are on their way between memory and buffer; units do not wait for them."""

    @property
    def line_words(self) -> int:
        """Words of a buffer line: what a trace decoder fetches in a cycle."""
        return self.macs

    @property
    def mbuf_bank_words(self) -> int:
        return self.mbuf_words // self.mbuf_banks

    @property
    def wbuf_bank_words(self) -> int:
        return self.wbuf_words // self.wbuf_banks

    @property
    def all_units(self) -> int:
        """Mask that selects every CU."""
        return (1 << self.compute_units) - 1

    @property
    def all_vmacs(self) -> int:
        """Mask that selects every vMAC of a CU."""
        return (1 << self.vmacs) - 1

    @property
    def multipliers(self) -> int:
        """Multiply-accumulate operations of the whole machine in a cycle."""
        return self.clusters * self.compute_units * self.vmacs * self.macs

    @property
    def bytes_per_cycle(self) -> float:
        """What memory moves in a cycle at most, loads and stores together."""
        return self.bandwidth / self.clock_hz

    @property
    def loads_in_flight(self) -> int:
        """More loads than can be in flight at once: of each unit those in its queue, those whose words are on the way,
        one in every overhead, and those at work at either end."""
        return self.load_units * (self.load_queue_depth + self.memory_latency // self.transfer_overhead + 4)

    def to_dict(self) -> dict[str, str | int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def to_toml(self) -> str:
        """The text of the machine's file."""
        sections = (
            f"[{section}]\n" + "".join(f"{key} = {getattr(self, key)}\n" for key in keys)
            for section, keys in _SECTIONS.items()
        )
        return "\n".join((f"name = {json.dumps(self.name)}\n", *sections))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Machine":
        """Checks names and ranges; raises MachineError with one line."""
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise MachineError(f"unknown machine key '{unknown[0]}'")
        if missing := sorted(known - set(values)):
            raise MachineError(f"missing machine key '{missing[0]}'")
        for key, value in values.items():
            if key == "name":
                # Names stand in reports and messages.
                if not isinstance(value, str) or not value or not value.isprintable():
                    raise MachineError("machine key 'name' wants a non-empty string of printable characters")
            elif not isinstance(value, int) or isinstance(value, bool) or value <= 0:
                raise MachineError(f"machine key '{key}' wants a positive integer, got {value!r}")
            elif value > LARGEST:
                raise MachineError(f"machine key '{key}' wants a number below 2^63")
        return cls(**values)

    def __post_init__(self) -> None:
        def demand(condition: bool, message: str) -> None:
            if not condition:
                raise MachineError(f"machine '{self.name}': {message}")

        demand(self.clusters == 1, f"{self.clusters} clusters: only one cluster can be targeted")
        demand(self.macs == 16, f"{self.macs} MACs a vMAC: only 16 can be targeted")
        # The masks of an on-chip word and of a kernel word have four bits each.
        demand(self.compute_units in (1, 2, 4), f"{self.compute_units} compute units: want 1, 2 or 4")
        demand(self.vmacs in (1, 2, 3, 4), f"{self.vmacs} vMACs a compute unit: want 1 to 4")
        demand(self.registers == 32, f"{self.registers} registers: instruction fields address 32")
        demand(self.delay_slots == 4, f"{self.delay_slots} delay slots: the control core has 4")
        demand(self.icache_banks == 2, f"{self.icache_banks} instruction banks: the control core has 2")
        demand(
            64 <= self.icache_instructions <= 2048,
            f"{self.icache_instructions} instructions a bank: a branch reaches 64 to 2048",
        )
        demand(1 <= self.load_units <= 4, f"{self.load_units} load units: want 1 to 4")
        demand(self.queue_depth <= 1024, f"queues of {self.queue_depth} instructions: want at most 1024")
        demand(self.load_queue_depth <= 1024, f"queues of {self.load_queue_depth} loads: want at most 1024")
        demand(self.transfer_words == 32, f"{self.transfer_words} words a transfer: want 32 (64 B)")
        for buffer, words, banks in (
            ("mbuf", self.mbuf_words, self.mbuf_banks),
            ("wbuf", self.wbuf_words, self.wbuf_banks),
        ):
            demand(banks == 2, f"{buffer}_banks = {banks}: want 2")
            demand(
                words % (banks * self.transfer_words) == 0,
                f"{buffer}_words = {words}: a bank must hold whole transfers of {self.transfer_words} words",
            )
            # An on-chip word addresses 2^25 words, a kernel word 2^28; ADDI reaches 2^16.
            demand(words <= 65536, f"{buffer}_words = {words}: want at most 65536")
        low, high = CLOCK
        demand(low <= self.clock_hz <= high, f"clock_hz = {self.clock_hz}: want {low} to {high}")
        low, high = (round(bytes_per_cycle * self.clock_hz) for bytes_per_cycle in BYTES_PER_CYCLE)
        demand(
            low <= self.bandwidth <= high,
            f"bandwidth = {self.bandwidth}: want {low} to {high} bytes a second at this clock",
        )
        for key in _SECTIONS["timing"]:
            demand(
                getattr(self, key) <= MOST_CYCLES,
                f"{key} = {getattr(self, key)}: want at most {MOST_CYCLES} cycles",
            )
        keys = ("load_units", "load_queue_depth", "memory_latency", "transfer_overhead")
        given = ", ".join(f"{key} = {getattr(self, key)}" for key in keys)
        demand(
            self.loads_in_flight <= MOST_LOADS,
            f"{self.loads_in_flight} loads could be in flight with {given}: want at most {MOST_LOADS}",
        )


def shipped_machines() -> list[str]:
    """Names of the machine files that come with the project."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))


def load_machine(name_or_path: str | Path = DEFAULT_MACHINE) -> Machine:
    """Reads a shipped machine by name, or a user's file by path (anything with a `.toml` ending).

    Raises MachineError, one line, for a file that cannot be read or does not describe a machine.
    """
    if not isinstance(name_or_path, str | Path):
        raise MachineError(f"a machine is a name or a .toml file, not {name_or_path!r}")
    path, name = Path(name_or_path), str(name_or_path)
    if not name.endswith(".toml"):
        if name not in shipped_machines():
            choices = ", ".join(shipped_machines())
            raise MachineError(f"unknown machine '{name}' (shipped: {choices}; or give a .toml file)")
        path = Path(__file__).parent / f"{name}.toml"
    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise MachineError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        # Of TOML, of UTF-8, or of a number with more digits than Python reads.
        raise MachineError(f"{path}: {error}") from error
    except RecursionError:
        raise MachineError(f"{path}: is nested too deep") from None
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key == "name":
            values["name"] = value
        elif key not in _SECTIONS:
            raise MachineError(f"{path}: unknown section or key '{key}'")
        elif not isinstance(value, dict):
            raise MachineError(f"{path}: '{key}' must be a section")
        else:
            for inner, number in value.items():
                if inner not in _SECTIONS[key]:
                    raise MachineError(f"{path}: unknown key '{inner}' in section [{key}]")
                values[inner] = number
    try:
        return Machine.from_dict(values)
    except MachineError as error:
        raise MachineError(f"{path}: {error}") from error
