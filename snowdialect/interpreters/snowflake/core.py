"""What the instructions do to buffers, accumulators and memory: the definition of the machine, on batches.

Buffers hold 16-bit words and accumulators exact sums, all as float64: a product of words is below 2^30, so sums are
exact below 2^53, and matrix products run at full speed. A sum is taken mod 2^32 when it is written back. The batch is
the last axis of everything that depends on the input; weights have none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.errors import SnowError
from snowdialect.interpreters.state import RunState
from snowdialect.machine import Machine
from snowdialect.machine.instructions import (
    ADDRESS_MASK,
    BUFFER_MASK,
    BUFFER_MBUF,
    BUFFER_SHIFT,
    CONFIGURATION,
    CONFIGURATION_MASK_SHIFT,
    KERNEL_SHIFT,
    OFFSET_MASK,
    UNIT_MASK_SHIFT,
    VMAC_MASK,
)

_LIMIT32 = 2.0**31
_LIMIT_EXACT = 2.0**53
_MINIMUM16, _MAXIMUM16 = -(2**15), 2**15 - 1

Registers = list[int]
Step = Callable[[], None]


class IllegalProgram(SnowError):
    """An instruction that the machine could not execute."""


@dataclass
class Tally:
    """What the write-backs of one layer had to change."""

    saturations: int = 0
    wraps: int = 0


@dataclass
class _Group:
    """The CUs or vMACs of a mask: each number, and runs of neighbours as slices."""

    numbers: tuple[int, ...]
    runs: tuple[slice, ...]


def _group(mask: int) -> _Group:
    numbers = tuple(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n + 1 for n in numbers if n + 1 not in numbers]
    return _Group(numbers, tuple(slice(*ends) for ends in zip(starts, ends, strict=True)))


@dataclass
class Core:
    """Buffers, accumulators and configuration of the cluster while one program runs."""

    machine: Machine
    state: RunState
    configuration: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        machine, batch = self.machine, self.state.batch
        units, vmacs, line = machine.compute_units, machine.vmacs, machine.line_words
        self.mbuf = np.zeros((units, machine.mbuf_words, batch))
        self.wbuf = np.zeros((units, vmacs, machine.wbuf_words))
        self.coop = np.zeros((units, vmacs, batch))
        """Sum over the MACs of each vMAC, for outputs that were started in mode coop."""
        self.indp = np.zeros((units, vmacs, line, batch))
        self.comparators = np.zeros((units, line, batch))
        self.started = {"coop": 0, "indp": 0}
        """Mask of the vMACs of all CUs whose accumulators were started in that mode."""
        self.latches = [0] * units
        self.offsets = [0] * units
        self.configuration = {register.name: 0 for register in CONFIGURATION}
        self.units = [_group(mask) for mask in range(machine.all_units + 1)]
        self.vmacs = [_group(mask) for mask in range(machine.all_vmacs + 1)]

    # Operands

    def _maps(self, word: int) -> tuple[_Group, int]:
        """CUs and address of an on-chip word that must name maps buffers."""
        if word >> BUFFER_SHIFT & BUFFER_MASK != BUFFER_MBUF:
            raise IllegalProgram(f"on-chip word {word:#010x} does not name the maps buffer")
        return self._unit_group(word), word & ADDRESS_MASK

    def _unit_group(self, word: int) -> _Group:
        mask = word >> UNIT_MASK_SHIFT
        if not 0 < mask <= self.machine.all_units:
            raise IllegalProgram(f"CU mask {mask:#x} of on-chip word {word:#010x} is empty or names absent CUs")
        return self.units[mask]

    def _vmac_group(self, mask: int) -> _Group:
        if not 0 < mask <= self.machine.all_vmacs:
            raise IllegalProgram(f"vMAC mask {mask:#x} is empty or names absent vMACs")
        return self.vmacs[mask]

    def _single_unit(self, word: int) -> tuple[int, int]:
        units, address = self._maps(word)
        if len(units.numbers) != 1:
            raise IllegalProgram(f"on-chip word {word:#010x} must name one CU")
        return units.numbers[0], address

    def _in_maps(self, address: int, words: int) -> None:
        if address < 0 or address + words > self.machine.mbuf_words:
            raise IllegalProgram(f"words {address} to {address + words} leave the maps buffer")

    def _in_weights(self, address: int, words: int) -> None:
        if address + words > self.machine.wbuf_words:
            raise IllegalProgram(f"words {address} to {address + words} leave the weights buffer")

    def _in_memory(self, address: int, words: int) -> None:
        if address + words > self.state.dram.shape[1]:
            raise IllegalProgram(f"words {address} to {address + words} leave the memory regions")

    @staticmethod
    def _aligned(address: int, unit: int, what: str) -> None:
        if address % unit:
            raise IllegalProgram(f"{what} {address} is not a multiple of {unit}")

    # Configuration

    def configure(self, register: str, value: int) -> Step:
        """MOV to a configuration register."""
        if register == "bypass_offset":
            units, words = (
                self.units[value >> CONFIGURATION_MASK_SHIFT],
                value & OFFSET_MASK,
            )

            def set_offset() -> None:
                for unit in units.numbers:
                    self.offsets[unit] = words

            return set_offset

        def set_register() -> None:
            self.configuration[register] = value

        return set_register

    # Memory

    def load(self, registers: Registers, rd: int, rs: int, length: int) -> Step:
        """LD to a buffer. Weights are the same for every element of the batch."""
        words = length * self.machine.transfer_words

        def run() -> None:
            word, source = registers[rd], registers[rs] * self.machine.transfer_words
            buffer, target = word >> BUFFER_SHIFT & BUFFER_MASK, word & ADDRESS_MASK
            units = self._unit_group(word)
            self._aligned(target, self.machine.transfer_words, "buffer address")
            self._in_memory(source, words)
            data = self.state.dram[:, source : source + words]
            if buffer == BUFFER_MBUF:
                self._in_maps(target, words)
                for run in units.runs:
                    self.mbuf[run, target : target + words] = data.T
                return
            if buffer >= self.machine.vmacs:
                raise IllegalProgram(f"on-chip word {word:#010x} names an absent buffer")
            self._in_weights(target, words)
            if data.shape[0] > 1 and (data != data[0]).any():
                raise IllegalProgram("loads data that depends on the input into a weights buffer")
            for run in units.runs:
                self.wbuf[run, buffer, target : target + words] = data[0]

        return run

    def store(self, registers: Registers, rd: int, rs: int, length: int) -> Step:
        """TMOV to memory."""
        words = length * self.machine.transfer_words

        def run() -> None:
            unit, source = self._single_unit(registers[rs])
            target = registers[rd] * self.machine.transfer_words
            self._aligned(source, self.machine.line_words, "source address")
            self._in_maps(source, words)
            self._in_memory(target, words)
            self.state.dram[:, target : target + words] = self.mbuf[unit, source : source + words].T

        return run

    def move(self, registers: Registers, rd: int, rs: int, length: int) -> Step:
        """TMOV to a maps buffer, of another CU or the same."""
        words = length * self.machine.line_words

        def run() -> None:
            (unit, source), (other, target) = (
                self._single_unit(registers[rs]),
                self._single_unit(registers[rd]),
            )
            for address in (source, target):
                self._aligned(address, self.machine.line_words, "line address")
                self._in_maps(address, words)
            if other == unit and source < target < source + words:
                raise IllegalProgram(f"writes words from {target} on before they are read")
            self.mbuf[other, target : target + words] = self.mbuf[unit, source : source + words].copy()

        return run

    # Outputs

    def vmov(
        self,
        registers: Registers,
        rd: int,
        rs: int,
        mode: str,
        vmacs: int,
        flags: frozenset[str],
        tally: Tally,
    ) -> Step:
        """VMOV; `flags` as in the instruction table."""
        group = self._vmac_group(vmacs)
        accumulators = self.coop if mode == "coop" else self.indp
        line = self.machine.line_words
        lanes = 1 if mode == "coop" else line
        shift = "bypass_shift" if "alt" in flags else "bias_shift"
        bypass, add, last, relu = (flag in flags for flag in ("bypass", "add", "last", "relu"))
        other = "indp" if mode == "coop" else "coop"

        def value(unit: slice, vmac: slice, source: int) -> NDArray[Any]:
            """The words to start from, (CUs, vMACs, batch) or (CUs, vMACs, MACs, batch); without batch from WBuf."""
            if not bypass:
                weights = self.wbuf[unit, vmac, source : source + lanes]
                return weights if mode == "coop" else weights[..., None]
            first = source + self.offsets[unit.start] + lanes * vmac.start
            words = lanes * (vmac.stop - vmac.start)
            self._in_maps(first, words)
            maps = self.mbuf[unit, first : first + words]
            return maps if mode == "coop" else maps.reshape(len(maps), -1, line, maps.shape[-1])

        def run() -> None:
            units, target = self._maps(registers[rd])
            source = registers[rs] & ADDRESS_MASK if bypass else registers[rs] >> KERNEL_SHIFT
            if not bypass:
                self._in_weights(source, lanes)
            factor = float(1 << self.configuration[shift])
            bits = self._bits(units, vmacs)
            if add:
                self._require_started(mode, bits)
            else:
                self.started[mode] |= bits
                self.started[other] &= ~bits
            for unit in units.numbers:
                self.latches[unit] = target
            runs = units.runs if not bypass else tuple(slice(unit, unit + 1) for unit in units.numbers)
            for unit in runs:
                for vmac in group.runs:
                    if add:
                        accumulators[unit, vmac] += value(unit, vmac, source) * factor
                    else:
                        accumulators[unit, vmac] = value(unit, vmac, source) * factor
            if last:
                self._write_back(mode, units, group, relu, tally)

        return run

    def mac(
        self,
        registers: Registers,
        rm: int,
        rk: int,
        mode: str,
        length: int,
        flags: frozenset[str],
        tally: Tally,
    ) -> Step:
        """MAC; `flags` as in the instruction table."""
        line = self.machine.line_words
        last, relu = "last" in flags, "relu" in flags
        wbuf, mbuf, coop, indp = self.wbuf, self.mbuf, self.coop, self.indp

        def run() -> None:
            units, maps = self._maps(registers[rm])
            kernel = registers[rk]
            vmacs = self._vmac_group(kernel & VMAC_MASK)
            weights = kernel >> KERNEL_SHIFT
            self._in_maps(maps, length)
            self._aligned(weights, line, "weights address")
            self._require_started(mode, self._bits(units, kernel & VMAC_MASK))
            if mode == "coop":
                self._aligned(maps, line, "maps address")
                self._aligned(length, line, "trace length")
                self._in_weights(weights, length)
                for unit in units.runs:
                    trace = mbuf[unit, maps : maps + length]
                    for vmac in vmacs.runs:
                        coop[unit, vmac] += wbuf[unit, vmac, weights : weights + length] @ trace
            else:
                self._in_weights(weights, length * line)
                for unit in units.runs:
                    trace = mbuf[unit, None, maps : maps + length]
                    for vmac in vmacs.runs:
                        lines = wbuf[unit, vmac, weights : weights + length * line]
                        lines = lines.reshape(*lines.shape[:2], length, line)
                        indp[unit, vmac] += lines.swapaxes(-1, -2) @ trace
            if last:
                self._write_back(mode, units, vmacs, relu, tally)

        return run

    def max(self, registers: Registers, rd: int, rs: int, count: int, flags: frozenset[str]) -> Step:
        """MAX; `flags` as in the instruction table."""
        line = self.machine.line_words
        first, last = "first" in flags, "last" in flags

        def run() -> None:
            units, source = self._maps(registers[rs])
            step = line * self.configuration["max_stride"]
            self._aligned(source, line, "source address")
            self._in_maps(source, (count - 1) * step + line)
            for unit in units.runs:
                compared = self.comparators[unit]
                for operand in range(count):
                    words = self.mbuf[unit, source + operand * step : source + operand * step + line]
                    if first and not operand:
                        compared[:] = words
                    else:
                        np.maximum(compared, words, out=compared)
            if not last:
                return
            target = registers[rd] & ADDRESS_MASK
            self._aligned(target, line, "result address")
            self._in_maps(target, line)
            for unit in units.runs:
                self.mbuf[unit, target : target + line] = self.comparators[unit]

        return run

    def _bits(self, units: _Group, vmacs: int) -> int:
        """The vMACs of all CUs that take part, as a mask."""
        return sum(vmacs << unit * self.machine.vmacs for unit in units.numbers)

    def _require_started(self, mode: str, bits: int) -> None:
        if bits & ~self.started[mode]:
            raise IllegalProgram(f"accumulators were not started by a VMOV in mode {mode}")

    def _write_back(self, mode: str, units: _Group, vmacs: _Group, relu: bool, tally: Tally) -> None:
        line = self.machine.line_words
        for unit in units.runs:
            for vmac in vmacs.runs:
                sums = self.coop[unit, vmac] if mode == "coop" else self.indp[unit, vmac]
                words = self._results(sums, relu, tally)
                lanes = 1 if mode == "coop" else line
                words = words.reshape(len(words), -1, words.shape[-1])
                targets = self.latches[unit]
                if len(set(targets)) == 1:
                    self._put(unit, targets[0], lanes, vmac, words)
                    continue
                for position, target in enumerate(targets):
                    number = unit.start + position
                    self._put(slice(number, number + 1), target, lanes, vmac, words[position])

    def _put(self, unit: slice, target: int, lanes: int, vmac: slice, words: NDArray[Any]) -> None:
        """Stores results, (CUs, words, batch), behind the write-back address."""
        if lanes == self.machine.line_words:
            self._aligned(target, lanes, "write-back address")
        first = target + lanes * vmac.start
        count = lanes * (vmac.stop - vmac.start)
        self._in_maps(first, count)
        self.mbuf[unit, first : first + count] = words

    def _results(self, sums: NDArray[Any], relu: bool, tally: Tally) -> NDArray[Any]:
        """Sums mod 2^32, rounded half up, shifted, clamped: 16-bit words. Counts wraps and saturations."""
        low, high = float(sums.min()), float(sums.max())
        if low < -_LIMIT32 or high >= _LIMIT32:
            if max(-low, high) >= _LIMIT_EXACT:
                raise IllegalProgram("a sum leaves 53 bits: this interpreter cannot tell its value")
            wrapped = sums - 2 * _LIMIT32 * np.floor((sums + _LIMIT32) / (2 * _LIMIT32))
            tally.wraps += int(np.count_nonzero(wrapped != sums))
            sums, low, high = wrapped, float(wrapped.min()), float(wrapped.max())
        shift = self.configuration["result_shift"]
        scale = 2.0**-shift
        half = 2.0 ** (shift - 1) if shift else 0.0
        words = np.floor((sums + half) * scale)
        if (low + half) * scale < _MINIMUM16 or (high + half) * scale >= _MAXIMUM16 + 1:
            clamped = np.clip(words, _MINIMUM16, _MAXIMUM16)
            tally.saturations += int(np.count_nonzero(clamped != words))
            words = clamped
        return np.maximum(words, 0, out=words) if relu else words
