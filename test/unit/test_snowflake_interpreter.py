"""Each instruction with random fields against a reference that spells docs/isa.md out in Python integers."""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region

from snowdialect.backend.instruction_text import parse_instruction
from snowdialect.dialects import snowflake
from snowdialect.dialects.snowflake import ProgramOp, Stage
from snowdialect.dialects.target import set_machine
from snowdialect.errors import SnowError
from snowdialect.interpreters.snowflake.code import Execution
from snowdialect.interpreters.state import RunState
from snowdialect.machine import Machine, load_machine

MACHINE = replace(load_machine(), compute_units=2, vmacs=3, mbuf_words=512, wbuf_words=512)
BATCH = 2
MEMORY = 2048
COMMON = 1024
"""Words of memory that do not depend on the input: only they can be weights."""
LINE, TRANSFER = 16, 32


def run(lines: list[str], memory: np.ndarray, stage: Stage = Stage.SCHEDULED, machine: Machine = MACHINE) -> Execution:
    """Runs assembly lines; `name:` is a label."""
    registers: dict[snowflake.ScalarRegister, snowflake.GetRegisterOp] = {}

    def register(kind: snowflake.ScalarRegister):
        return registers.setdefault(kind, snowflake.GetRegisterOp(kind)).result

    code = [snowflake.LabelOp(line[:-1]) if line.endswith(":") else parse_instruction(line, register) for line in lines]
    program = ProgramOp(stage, 0, Region(Block([*registers.values(), *code])))
    module = ModuleOp([program])
    set_machine(module, machine)
    module.verify()
    state = RunState(batch=memory.shape[0], dram=memory.copy())
    execution = Execution(program, machine, state)
    execution.run()
    return execution


def wrapped(value: int) -> int:
    """A number mod 2^32, signed."""
    return (value + 2**31) % 2**32 - 2**31


@dataclass
class Reference:
    """The machine, one element of a batch."""

    memory: list[int]
    registers: list[int] = field(default_factory=lambda: [0] * 32)
    configuration: Counter[str] = field(default_factory=Counter)
    saturations: int = 0
    wraps: int = 0

    def __post_init__(self) -> None:
        units, vmacs = range(MACHINE.compute_units), range(MACHINE.vmacs)
        self.maps = [[0] * MACHINE.mbuf_words for _ in units]
        self.weights = [[[0] * MACHINE.wbuf_words for _ in vmacs] for _ in units]
        self.sums = [[[0] * LINE for _ in vmacs] for _ in units]
        self.comparators = [[0] * LINE for _ in units]
        self.latch = [0 for _ in units]
        self.offset = [0 for _ in units]

    def execute(self, line: str) -> None:
        mnemonic, _, rest = line.partition(" ")
        words = [word.strip() for word in rest.split(",")]
        name, _, modifier = mnemonic.partition(".")
        getattr(self, f"do_{name}")(modifier, *words)

    def value(self, register: str) -> int:
        return self.registers[int(register[1:])] % 2**32

    def store(self, register: str, value: int) -> None:
        self.registers[int(register[1:])] = wrapped(value)

    def units(self, word: int) -> list[int]:
        return [unit for unit in range(MACHINE.compute_units) if word >> 28 >> unit & 1]

    def do_mov(self, _: str, target: str, immediate: str) -> None:
        if target.startswith("r") and target[1:].isdigit():
            self.store(target, int(immediate))
        elif target == "bypass_offset":
            for unit in range(MACHINE.compute_units):
                if int(immediate) >> 18 >> unit & 1:
                    self.offset[unit] = int(immediate) % 2**18
        else:
            self.configuration[target] = int(immediate)

    def do_add(self, _: str, rd: str, rs: str, rt: str) -> None:
        self.store(rd, self.value(rs) + self.value(rt))

    def do_mul(self, _: str, rd: str, rs: str, rt: str) -> None:
        self.store(rd, self.value(rs) * self.value(rt))

    def do_addi(self, _: str, rd: str, rs: str, immediate: str) -> None:
        self.store(rd, self.value(rs) + int(immediate))

    def do_muli(self, _: str, rd: str, rs: str, immediate: str) -> None:
        self.store(rd, self.value(rs) * int(immediate))

    def do_ld(self, _: str, rd: str, rs: str, length: str, unit: str) -> None:
        word, source = self.value(rd), TRANSFER * self.value(rs)
        buffer, target = word >> 25 & 7, word % 2**25
        for i in range(TRANSFER * int(length)):
            for cu in self.units(word):
                if buffer == 4:
                    self.maps[cu][target + i] = self.memory[source + i]
                else:
                    self.weights[cu][buffer][target + i] = self.memory[source + i]

    def do_tmov(self, kind: str, rd: str, rs: str, length: str) -> None:
        (cu,), source = self.units(self.value(rs)), self.value(rs) % 2**25
        if kind == "memory":
            for i in range(TRANSFER * int(length)):
                self.memory[TRANSFER * self.value(rd) + i] = self.maps[cu][source + i]
        else:
            (other,), target = self.units(self.value(rd)), self.value(rd) % 2**25
            moved = [self.maps[cu][source + i] for i in range(LINE * int(length))]
            for i, word in enumerate(moved):
                self.maps[other][target + i] = word

    def do_vmov(self, mode: str, rd: str, rs: str, vmacs: str, *flags: str) -> None:
        shift = self.configuration["bypass_shift" if "alt" in flags else "bias_shift"]
        targets = [(cu, v) for cu in self.units(self.value(rd)) for v in range(3) if int(vmacs) >> v & 1]
        for cu in self.units(self.value(rd)):
            self.latch[cu] = self.value(rd) % 2**25
        for cu, v in targets:
            for lane in range(1 if mode == "coop" else LINE):
                if "bypass" in flags:
                    place = v if mode == "coop" else LINE * v + lane
                    x = self.maps[cu][self.value(rs) % 2**25 + self.offset[cu] + place]
                else:
                    x = self.weights[cu][v][(self.value(rs) >> 4) + lane]
                old = self.sums[cu][v][lane] if "add" in flags else 0
                self.sums[cu][v][lane] = old + (x << shift)
            if mode == "coop" and "add" not in flags:
                self.sums[cu][v][1:] = [0] * (LINE - 1)
        if "last" in flags:
            self.write_back(mode, targets, "relu" in flags)

    def do_mac(self, mode: str, rm: str, rk: str, length: str, *flags: str) -> None:
        maps, weights = self.value(rm) % 2**25, self.value(rk) >> 4
        targets = [(cu, v) for cu in self.units(self.value(rm)) for v in range(3) if self.value(rk) >> v & 1]
        for cu, v in targets:
            for i in range(int(length)):
                if mode == "coop":
                    self.sums[cu][v][i % LINE] += self.maps[cu][maps + i] * self.weights[cu][v][weights + i]
                    continue
                for lane in range(LINE):
                    weight = self.weights[cu][v][weights + LINE * i + lane]
                    self.sums[cu][v][lane] += self.maps[cu][maps + i] * weight
        if "last" in flags:
            self.write_back(mode, targets, "relu" in flags)

    def write_back(self, mode: str, targets: list[tuple[int, int]], relu: bool) -> None:
        for cu, v in targets:
            if mode == "coop":
                self.maps[cu][self.latch[cu] + v] = self.result(sum(self.sums[cu][v]), relu)
            else:
                for lane in range(LINE):
                    self.maps[cu][self.latch[cu] + LINE * v + lane] = self.result(self.sums[cu][v][lane], relu)

    def result(self, exact: int, relu: bool) -> int:
        x, s = wrapped(exact), self.configuration["result_shift"]
        self.wraps += x != exact
        y = (x + (2 ** (s - 1) if s else 0)) >> s
        self.saturations += not -(2**15) <= y < 2**15
        y = min(max(y, -(2**15)), 2**15 - 1)
        return max(y, 0) if relu else y

    def do_max(self, _: str, rd: str, rs: str, count: str, *flags: str) -> None:
        source, target = self.value(rs) % 2**25, self.value(rd) % 2**25
        for cu in self.units(self.value(rs)):
            for lane in range(LINE):
                step = LINE * self.configuration["max_stride"]
                x = [self.maps[cu][source + step * i + lane] for i in range(int(count))]
                kept = [] if "first" in flags else [self.comparators[cu][lane]]
                self.comparators[cu][lane] = max(x + kept)
        if "last" in flags:
            for cu in self.units(self.value(rs)):
                for lane in range(LINE):
                    self.maps[cu][target + lane] = self.comparators[cu][lane]


class Generator:
    """Random legal instructions."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.started = {"coop": set[tuple[int, int]](), "indp": set[tuple[int, int]]()}
        self.latched: dict[int, str] = {}
        """The mode of each CU's last VMOV, which its write-back address is from."""
        self.line("mov max_stride, 1")

    def line(self, text: str) -> None:
        self.lines.append(text)

    def put(self, register: str, value: int) -> None:
        """A 32-bit value into a register, as compiled code does it."""
        value = wrapped(value)
        self.line(f"mov {register}, {value >> 15}")
        self.line(f"muli {register}, {register}, {1 << 15}")
        self.line(f"addi {register}, {register}, {value % (1 << 15)}")

    def below(self, limit: int, unit: int = 1) -> int:
        """A random multiple of `unit` from 0 to `limit`."""
        return self.random.randint(0, limit // unit) * unit

    def flags(self, *names: str) -> str:
        return "".join(f", {name}" for name in names if self.random.random() < 0.4)

    def onchip(self, units: int, address: int, buffer: int = 4) -> int:
        return units << 28 | buffer << 25 | address

    def some_units(self) -> int:
        return self.random.choice((1, 2, 3))

    def ld(self) -> None:
        length, buffer = self.random.randint(1, 3), self.random.choice((0, 1, 2, 4))
        end = MACHINE.wbuf_words if buffer < 4 else MACHINE.mbuf_words
        self.put("r1", self.onchip(self.some_units(), self.below(end - length * TRANSFER, TRANSFER), buffer))
        last = (COMMON if buffer < 4 else MEMORY) // TRANSFER - length
        self.put("r2", self.below(last))
        self.line(f"ld r1, r2, {length}, {self.random.randrange(4)}")

    def tmov(self) -> None:
        length = self.random.randint(1, 3)
        source = self.onchip(self.random.choice((1, 2)), self.below(MACHINE.mbuf_words - length * TRANSFER, LINE))
        self.put("r1", source)
        if self.random.random() < 0.5:
            self.put("r2", COMMON // TRANSFER + self.below((MEMORY - COMMON) // TRANSFER - length))
            self.line(f"tmov.memory r2, r1, {length}")
        else:
            target = source + 1
            while source < target < source + length * LINE:
                place = self.below(MACHINE.mbuf_words - length * LINE, LINE)
                target = self.onchip(self.random.choice((1, 2)), place)
            self.put("r2", target)
            self.line(f"tmov.cluster r2, r1, {length}")

    def mov(self) -> None:
        kind = self.random.choice(("result_shift", "bias_shift", "bypass_shift", "max_stride", "bypass_offset"))
        match kind:
            case "max_stride":
                self.line(f"mov max_stride, {self.random.randint(0, 5)}")
            case "bypass_offset":
                self.line(f"mov bypass_offset, {self.some_units() << 18 | self.below(64, LINE)}")
            case _:
                self.line(f"mov {kind}, {self.random.choice((0, 1, 8, 15, 31))}")

    def vmov(self) -> None:
        mode, units, vmacs = self.random.choice(("coop", "indp")), self.some_units(), self.random.randint(1, 7)
        taking = {(cu, v) for cu in range(2) for v in range(3) if units >> cu & 1 and vmacs >> v & 1}
        flags = self.flags("bypass", "alt", "last")
        if taking <= self.started[mode] and self.random.random() < 0.5:
            flags += ", add"
        if "last" in flags:
            flags += self.flags("relu")
        for other, begun in self.started.items():
            self.started[other] = begun | taking if other == mode else begun - taking
        self.latched.update({cu: mode for cu in range(2) if units >> cu & 1})
        unit = 1 if mode == "coop" else LINE
        self.put("r1", self.onchip(units, self.below(MACHINE.mbuf_words - 3 * LINE, unit)))
        if "bypass" in flags:
            self.put("r2", self.onchip(units, self.below(MACHINE.mbuf_words - 3 * LINE - 64)))
        else:
            self.put("r2", self.below(MACHINE.wbuf_words - LINE) << 4)
        self.line(f"vmov.{mode} r1, r2, {vmacs}{flags}")

    def mac(self) -> None:
        mode, units, vmacs = self.random.choice(("coop", "indp")), self.some_units(), self.random.randint(1, 7)
        if (
            not {(cu, v) for cu in range(2) for v in range(3) if units >> cu & 1 and vmacs >> v & 1}
            <= self.started[mode]
        ):
            return
        length = self.random.choice((16, 32, 80)) if mode == "coop" else self.random.randint(1, 20)
        trace = length if mode == "coop" else length * LINE
        self.put("r1", self.onchip(units, self.below(MACHINE.mbuf_words - length, LINE if mode == "coop" else 1)))
        self.put("r2", self.below(MACHINE.wbuf_words - trace, LINE) << 4 | vmacs)
        # Only a VMOV in INDP is sure to leave an address at which a line begins.
        whole = mode == "coop" or all(self.latched[cu] == mode for cu in range(2) if units >> cu & 1)
        flags = self.flags("last") if whole else ""
        self.line(f"mac.{mode} r1, r2, {length}{flags}{self.flags('relu') if flags else ''}")

    def max(self) -> None:
        count = self.random.randint(1, 4)
        self.put("r1", self.onchip(self.some_units(), self.below(MACHINE.mbuf_words - 16 * LINE, LINE)))
        self.put("r2", self.onchip(1, self.below(MACHINE.mbuf_words - LINE, LINE)))
        self.line(f"max r2, r1, {count}{self.flags('first', 'last')}")

    def scalar(self) -> None:
        rd, rs, rt = (f"r{self.random.randint(3, 6)}" for _ in range(3))
        self.put(rs, self.random.getrandbits(32))
        self.line(
            self.random.choice(
                (
                    f"add {rd}, {rs}, {rt}",
                    f"mul {rd}, {rs}, {rt}",
                    f"addi {rd}, {rs}, {self.random.randint(-(2**16), 2**16 - 1)}",
                    f"muli {rd}, {rs}, {self.random.randint(-(2**16), 2**16 - 1)}",
                )
            )
        )


def random_memory(seed: int) -> np.ndarray:
    words = np.random.default_rng(seed).integers(-(2**15), 2**15, (BATCH, MEMORY)).astype(np.int16)
    words[:, :COMMON] = words[0, :COMMON]
    return words


@pytest.mark.parametrize("seed", range(40))
def test_instructions_do_what_the_isa_says(seed: int) -> None:
    generator = Generator(seed)
    kinds = (
        generator.ld,
        generator.ld,
        generator.tmov,
        generator.mov,
        generator.vmov,
        generator.vmov,
        generator.mac,
        generator.mac,
        generator.max,
        generator.scalar,
    )
    for _ in range(60):
        generator.random.choice(kinds)()
    memory = random_memory(seed)
    execution = run(generator.lines, memory)
    references = [Reference([int(word) for word in words]) for words in memory]
    for reference in references:
        for line in generator.lines:
            reference.execute(line)

    core, state = execution.core, execution.state
    for element, reference in enumerate(references):
        assert [wrapped(value) for value in execution.registers] == reference.registers
        np.testing.assert_array_equal(state.dram[element], reference.memory)
        np.testing.assert_array_equal(core.mbuf[..., element], reference.maps)
        np.testing.assert_array_equal(core.wbuf, reference.weights)
    assert sum(state.saturations.values()) == sum(reference.saturations for reference in references)
    assert sum(state.wraps.values()) == sum(reference.wraps for reference in references)


def test_executed_instructions_are_counted_by_mnemonic() -> None:
    execution = run(["mov r1, -2", "again:", "addi r1, r1, 1", "ble r1, r0, again", *["addi r2, r2, 1"] * 4], EMPTY)
    assert execution.state.instructions == {"mov": 1, "addi": 15, "ble": 3}


EMPTY = np.zeros((1, 64), np.int16)


@pytest.mark.parametrize(
    "branch, taken",
    [
        ("ble r1, r2, over", lambda a, b: a <= b),
        ("bgt r1, r2, over", lambda a, b: a > b),
        ("beq r1, r2, over", lambda a, b: a == b),
    ],
)
def test_branches_compare_signed_and_execute_their_slots(branch: str, taken) -> None:
    for a in (-3, 0, 3):
        for b in (-3, 0, 3):
            lines = [f"mov r1, {a}", f"mov r2, {b}", branch, *[f"addi r{3 + i}, r0, 1" for i in range(4)]]
            execution = run([*lines, "addi r7, r0, 1", "over:", "mov done, 0"], EMPTY)
            assert execution.registers[3:8] == [1, 1, 1, 1, 0 if taken(a, b) else 1]


def test_before_slots_are_filled_a_branch_takes_effect_at_once() -> None:
    lines = ["beq r0, r0, over", "addi r3, r0, 1", "over:", "mov done, 0"]
    assert run(lines, EMPTY, Stage.BRANCHES).registers[3] == 0


def test_nothing_runs_after_done() -> None:
    assert run(["mov done, 0", "mov r1, 1"], EMPTY).registers[1] == 0


SMALL_BANKS = replace(MACHINE, icache_instructions=64)


def test_what_falls_off_a_bank_enters_the_block_that_was_fetched() -> None:
    second, third = 64 * 2 // TRANSFER, 2 * 64 * 2 // TRANSFER
    lines = [f"mov r31, {third}", "ld.icache r31, 4, 0", *["addi r1, r1, 1"] * 62]
    lines += ["mov r2, 1", "mov done, 0", *["addi r0, r0, 0"] * 62]
    lines += ["mov r3, 1", "mov done, 0"]
    assert second * 2 == third
    execution = run(lines, EMPTY, Stage.PLACED, SMALL_BANKS)
    assert execution.registers[1:4] == [62, 0, 1]


@pytest.mark.parametrize(
    "lines, reason",
    [
        (["mac.coop r1, r2, 16"], "on-chip word 0x00000000 does not name the maps buffer"),
        (["mov r1, 4096", "muli r1, r1, 32768", "mac.coop r1, r2, 16"], "CU mask 0x0"),
        ([*("mov r1, 12288", "muli r1, r1, 32768"), "mov r2, 1", "mac.coop r1, r2, 16"], "not started by a VMOV"),
        ([*("mov r1, 12288", "muli r1, r1, 32768"), "vmov.coop r1, r2, 1", "mov r2, 1", "mac.indp r1, r2, 4"], "indp"),
        ([*("mov r1, 12288", "muli r1, r1, 32768"), "ld r1, r2, 3, 0"], "leave the memory regions"),
        ([*("mov r1, 12288", "muli r1, r1, 32768"), "addi r1, r1, 16", "ld r1, r2, 1, 0"], "multiple of 32"),
        (
            [*("mov r1, 12288", "muli r1, r1, 32768"), "addi r1, r1, 496", "max r1, r1, 2, first"],
            "leave the maps buffer",
        ),
    ],
)
def test_what_the_machine_cannot_do_is_named(lines: list[str], reason: str) -> None:
    with pytest.raises(SnowError, match=reason):
        run(["mov max_stride, 1", *lines], EMPTY)


def test_a_bank_that_nothing_filled_is_named() -> None:
    with pytest.raises(SnowError, match="runs into an instruction bank that nothing has filled"):
        run([*["addi r0, r0, 0"] * 64, "mov done, 0"], EMPTY, Stage.PLACED, SMALL_BANKS)


def test_weights_cannot_depend_on_the_input() -> None:
    memory = np.array([[0] * 64, [1] * 64], np.int16)
    with pytest.raises(SnowError, match="depends on the input"):
        run(["mov r1, 8192", "muli r1, r1, 32768", "ld r1, r0, 1, 0"], memory)
