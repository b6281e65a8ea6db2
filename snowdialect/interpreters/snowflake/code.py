"""Runs programs: each operation becomes a closure once, and control flow calls closures.

Before registers are allocated every value has a place of its own behind the registers, so the same closures run
loops that carry values and, later, branches with delay slots and instruction banks.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Block, Operation, SSAValue

from snowdialect.dialects import snowflake
from snowdialect.dialects.addresses import LinearForm
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.snowflake import Configuration, InstructionOp, MoveKind, Stage
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.memory import region_address
from snowdialect.errors import SnowError
from snowdialect.interpreters.snowflake.core import Core, IllegalProgram, Tally
from snowdialect.interpreters.state import RunState, run_state
from snowdialect.machine import Machine
from snowdialect.machine.instructions import INSTRUCTION_BITS, REGISTER_MASK

_SIGN = 1 << INSTRUCTION_BITS - 1

Step = Callable[[], int | None]
"""One operation. A branch that is taken returns the index of its target, anything else None."""


class _Done(Exception):
    """The program reached its end."""


@dataclass
class _Code:
    """A block of operations as closures, and how often each one ran."""

    steps: list[Step] = field(default_factory=list[Step])
    operations: list[Operation] = field(default_factory=list[Operation])
    executed: list[int] = field(default_factory=list[int])

    def append(self, step: Step, operation: Operation) -> None:
        self.steps.append(step)
        self.operations.append(operation)
        self.executed.append(0)

    def run(self, first: int, end: int, slots: int) -> None:
        """Runs from `first` until control reaches `end`; a taken branch runs `slots` steps behind it first."""
        steps, executed = self.steps, self.executed
        position = first
        try:
            while position < end:
                executed[position] += 1
                target = steps[position]()
                position += 1
                if target is not None:
                    for _ in range(slots):
                        executed[position] += 1
                        steps[position]()
                        position += 1
                    position = target
        except IllegalProgram as error:
            raise SnowError(_describe(self.operations[position], position, error)) from error

    def count(self, counter: Counter[str]) -> None:
        """Adds the executed instructions by mnemonic."""
        for operation, times in zip(self.operations, self.executed, strict=True):
            if isinstance(operation, InstructionOp):
                counter[operation.ROW.mnemonic] += times
            elif isinstance(operation, snowflake.FillOp):
                counter[snowflake.AddiOp.ROW.mnemonic] += times


def _describe(operation: Operation, position: int, error: IllegalProgram) -> str:
    return f"{layer_name(operation)}: instruction {position} ({operation.name}): {error}"


class Execution:
    """Compiles a program to closures over one register file and one core, and runs it."""

    def __init__(
        self, program: snowflake.ProgramOp, machine: Machine, state: RunState, core: Core | None = None
    ) -> None:
        self.stage = program.stage.data
        self.code_address = program.code_address.value.data
        self.machine = machine
        self.state = state
        self.core = Core(machine, state) if core is None else core
        self.registers = [0] * machine.registers
        self.places: dict[SSAValue, int] = {}
        self.tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self.codes: list[_Code] = []
        self.next_block: int | None = None
        for region, base in program.bases:
            self.registers[self.place(base)] = region_address(region)
        self.main = self.compile(program.body.block)

    @property
    def slots(self) -> int:
        return self.machine.delay_slots if self.stage.delayed else 0

    def run(self) -> None:
        try:
            if self.stage is Stage.PLACED:
                self.run_banks()
            else:
                self.main.run(0, len(self.main.steps), self.slots)
        except _Done:
            pass
        for code in self.codes:
            code.count(self.state.instructions)
        for layer, tally in self.tallies.items():
            self.state.count(layer, tally.saturations, tally.wraps)

    def run_banks(self) -> None:
        """Runs block after block: what falls off the end of a bank enters the block that was fetched meanwhile."""
        bank, length = self.machine.icache_instructions, len(self.main.steps)
        block: int | None = 0
        while block is not None:
            self.next_block = None
            first = block * bank
            self.main.run(first, min(first + bank, length), self.slots)
            block = self.next_block
        raise SnowError("the program runs into an instruction bank that nothing has filled")

    def compile(self, block: Block) -> _Code:
        code = _Code()
        self.codes.append(code)
        labels: dict[str, int] = {}
        for op in block.ops:
            match op:
                case snowflake.LabelOp():
                    labels[op.sym_name.data] = len(code.steps)
                case snowflake.GetRegisterOp() | snowflake.YieldOp():
                    pass
                case snowflake.FillOp():
                    for _ in range(snowflake.fill_length(op, len(code.steps), self.machine.icache_instructions)):
                        code.append(_nothing, op)
                case snowflake.BranchOp():
                    code.append(self.branch(op, labels), op)
                case snowflake.ForOp():
                    code.append(self.loop(op), op)
                case _:
                    code.append(self.step(op), op)
        return code

    def place(self, value: SSAValue) -> int:
        """Where a value is in the list of registers."""
        if isinstance(value.type, snowflake.ScalarRegister) and value.type.is_allocated:
            return snowflake.register_index(value)
        if value not in self.places:
            self.places[value] = len(self.registers)
            self.registers.append(0)
        return self.places[value]

    def branch(self, op: snowflake.BranchOp, labels: dict[str, int]) -> Step:
        registers, label = self.registers, op.label
        rs, rt = self.place(op.rs), self.place(op.rt)
        match op:
            case snowflake.BleOp():
                return lambda: labels[label] if registers[rs] ^ _SIGN <= registers[rt] ^ _SIGN else None
            case snowflake.BgtOp():
                return lambda: labels[label] if registers[rs] ^ _SIGN > registers[rt] ^ _SIGN else None
            case _:
                return lambda: labels[label] if registers[rs] == registers[rt] else None

    def loop(self, op: snowflake.ForOp) -> Step:
        registers = self.registers
        counter = self.place(op.counter)
        initial, carried, yielded, results = (
            tuple(map(self.place, values)) for values in (op.iter_args, op.carried, op.yielded.values, op.results)
        )
        body = self.compile(op.block)
        counts, end, slots = op.counts, len(body.steps), self.slots

        def copy(sources: tuple[int, ...], targets: tuple[int, ...]) -> None:
            values = [registers[place] for place in sources]
            for place, value in zip(targets, values, strict=True):
                registers[place] = value

        def run() -> None:
            copy(initial, carried)
            for count in counts:
                registers[counter] = count & REGISTER_MASK
                body.run(0, end, slots)
                copy(yielded, carried)
            copy(carried, results)

        return run

    def step(self, op: Operation) -> Step:
        """The closure of an operation that always goes on to the next one."""
        registers, core = self.registers, self.core
        match op:
            case snowflake.AddressOp():
                return self.address(op)
            case snowflake.MovOp():
                return _set(registers, self.place(op.rd), op.immediate.value.data)
            case snowflake.MovBaseOp():
                base = registers[self.place(op.base)]
                return _set(registers, self.place(op.rd), base + op.immediate.value.data)
            case snowflake.RegisterOp():
                return _combine(op, registers, self.place(op.rd), self.place(op.rs), self.place(op.rt))
            case snowflake.ImmediateOp():
                return _combine_constant(op, registers, self.place(op.rd), self.place(op.rs))
            case snowflake.ConfigOp():
                if op.register.data is Configuration.DONE:
                    return _finish
                return core.configure(op.register.data.value, op.immediate.value.data)
            case snowflake.LdOp():
                return core.load(registers, self.place(op.rd), self.place(op.rs), op.length.value.data)
            case snowflake.RefillOp():
                return self.refill(self.place(op.rs), op.length.value.data)
            case snowflake.TmovOp():
                operands = registers, self.place(op.rd), self.place(op.rs), op.length.value.data
                return self.store(op, *operands) if op.kind.data is MoveKind.MEMORY else core.move(*operands)
            case snowflake.MaxOp():
                return core.max(registers, self.place(op.rd), self.place(op.rs), op.count.value.data, _flags(op))
            case snowflake.VmovOp():
                return core.vmov(
                    registers,
                    self.place(op.rd),
                    self.place(op.rs),
                    op.mode.data.value,
                    op.vmacs.value.data,
                    _flags(op),
                    self.tallies[layer_name(op)],
                )
            case snowflake.MacOp():
                return core.mac(
                    registers,
                    self.place(op.rm),
                    self.place(op.rk),
                    op.mode.data.value,
                    op.length.value.data,
                    _flags(op),
                    self.tallies[layer_name(op)],
                )
            case _:
                raise SnowError(f"{op.name} has no meaning in a program")

    def store(self, op: snowflake.TmovOp, registers: list[int], rd: int, rs: int, length: int) -> Step:
        """TMOV to memory. Instructions of two layers may mix, but a layer stores behind those before it."""
        state, layer, store = self.state, layer_name(op), self.core.store(registers, rd, rs, length)

        def run() -> None:
            if state.layer != layer:
                state.enter(layer)
            store()

        return run

    def address(self, op: snowflake.AddressOp) -> Step:
        registers, target = self.registers, self.place(op.result)
        form = LinearForm.of(op.map.data)
        places = tuple(map(self.place, op.indices))
        bases = () if op.base is None else (self.place(op.base),)

        def run() -> None:
            offset = form.evaluate([registers[place] for place in places])
            registers[target] = (sum(registers[base] for base in bases) + offset) & REGISTER_MASK

        return run

    def refill(self, rs: int, length: int) -> Step:
        """LD to the instruction cache: remembers which block of the program now lies in the other bank."""
        registers, code_address = self.registers, self.code_address
        size = snowflake.block_transfers(self.machine)
        bank = self.machine.icache_instructions

        def run() -> None:
            block, remainder = divmod(registers[rs] - code_address, size)
            if remainder or block < 0 or block * bank >= len(self.main.steps):
                raise IllegalProgram(f"memory address {registers[rs]} is not that of a block of the program")
            if length != size:
                raise IllegalProgram(f"fetches {length} transfers of a block of {size}")
            self.next_block = block

        return run


def _flags(op: InstructionOp) -> frozenset[str]:
    """The flags that an instruction has set."""
    return frozenset(name for field in op.ROW.fields for name in field.names if name in op.properties)


def _nothing() -> None:
    return None


def _finish() -> None:
    raise _Done


def _set(registers: list[int], target: int, value: int) -> Step:
    word = value & REGISTER_MASK

    def run() -> None:
        registers[target] = word

    return run


def _combine(op: Operation, registers: list[int], target: int, left: int, right: int) -> Step:
    def add() -> None:
        registers[target] = registers[left] + registers[right] & REGISTER_MASK

    def multiply() -> None:
        registers[target] = registers[left] * registers[right] & REGISTER_MASK

    return add if isinstance(op, snowflake.AddOp) else multiply


def _combine_constant(op: snowflake.ImmediateOp, registers: list[int], target: int, left: int) -> Step:
    constant = op.immediate.value.data

    def add() -> None:
        registers[target] = registers[left] + constant & REGISTER_MASK

    def multiply() -> None:
        registers[target] = registers[left] * constant & REGISTER_MASK

    return add if isinstance(op, snowflake.AddiOp) else multiply


@register_impls
class SnowflakeFunctions(InterpreterFunctions):
    """Runs each program of a module where it stands."""

    @impl(snowflake.ProgramOp)
    def run_program(self, interpreter: Interpreter, op: snowflake.ProgramOp, args: PythonValues) -> PythonValues:
        Execution(op, machine_of(op), run_state(interpreter)).run()
        return ()
