"""The meaning of the loop dialect: one trace at a time in NumPy, on the contents of memory and buffers."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Operation

from snowdialect.dialects import loop
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile import Mode, Space
from snowdialect.fixed_point import align, requantize
from snowdialect.interpreters.buffers import Buffers
from snowdialect.interpreters.state import run_state
from snowdialect.machine import Machine


@dataclass
class LoopState:
    """Accumulators and configuration registers."""

    machine: Machine
    buffers: Buffers
    sums: NDArray[np.int64]
    """(N, CU, vMAC, MAC): exact sums; a COOP output is the sum over its vMAC's MACs."""
    results: NDArray[np.int64]
    """(CU,): where the output that a CU has started will go."""
    registers: dict[loop.Register, int]
    bypass_offset: NDArray[np.int64]
    maxima: NDArray[np.int16]
    """(N, CU, line): the fed-back outputs of the comparators."""


@cache
def _units(mask: int) -> list[int]:
    return [unit for unit in range(mask.bit_length()) if mask >> unit & 1]


@cache
def _grid(cus: int, vmacs: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of every masked vMAC of every masked CU, to be broadcast against each other."""
    return np.array(_units(cus))[:, None], np.array(_units(vmacs))[None, :]


def _cu_index(op: loop.LoadOp | loop.StoreOp, args: PythonValues) -> int:
    """The loop index that the CUs of a transfer follow; 0 where they are the same throughout."""
    return 0 if op.cu_place is None else args[op.cu_place]


@register_impls
class LoopFunctions(InterpreterFunctions):
    """Loads arrive at once and nothing runs out of order: hazards are the business of the levels below."""

    def __init__(self) -> None:
        self._started: LoopState | None = None
        self._compiled: dict[loop.LoopOp, list[list[tuple[int, int, int]]]] = {}
        self._constants: dict[loop.LoopOp, list[int]] = {}

    def _state(self, interpreter: Interpreter, op: Operation) -> LoopState:
        if self._started is None:
            machine, run = machine_of(op), run_state(interpreter)
            self._started = LoopState(
                machine,
                run.buffers(machine),
                np.zeros((run.batch, machine.compute_units, machine.vmacs, machine.macs), np.int64),
                np.zeros(machine.compute_units, np.int64),
                dict.fromkeys(loop.Register, 0),
                np.zeros(machine.compute_units, np.int64),
                np.zeros((run.batch, machine.compute_units, machine.line_words), np.int16),
            )
        return self._started

    def _addresses(self, op: loop.LoopOp, args: PythonValues) -> list[int]:
        """The operation's addresses for the current loop indices."""
        if op not in self._compiled:
            self._compile(op)
        values: list[int] = []
        for constant, terms in zip(self._constants[op], self._compiled[op], strict=True):
            for position, factor, parity in terms:
                constant += factor * args[position] + parity * (args[position] % 2)
            values.append(constant)
        return values

    def _compile(self, op: loop.LoopOp) -> None:
        """Address terms as (operand, factor, factor of its parity), looked up once for all iterations."""
        position = {operand: index for index, operand in enumerate(op.operands)}
        forms = [op.address(name) for name in op.ADDRESSES]
        self._constants[op] = [form.constant for form in forms]
        self._compiled[op] = [
            [
                *((position[index], factor, 0) for index, factor in form.linear),
                *((position[index], 0, factor) for index, factor in form.parity),
            ]
            for form in forms
        ]

    @impl(loop.LayerOp)
    def run_layer(self, interpreter: Interpreter, op: loop.LayerOp, args: PythonValues) -> PythonValues:
        run_state(interpreter).enter(layer_name(op))
        return interpreter.run_ssacfg_region(op.body, (), op.name)

    @impl(loop.ForOp)
    def run_for(self, interpreter: Interpreter, op: loop.ForOp, args: PythonValues) -> PythonValues:
        for index in op.iterations:
            interpreter.run_ssacfg_region(op.body, (index,), op.name)
        return ()

    @impl(loop.ConfigOp)
    def run_config(self, interpreter: Interpreter, op: loop.ConfigOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, op)
        if op.cus is None:
            state.registers[op.register.data] = op.value.value.data
        else:
            state.bypass_offset[_units(op.cus.value.data)] = op.value.value.data
        return ()

    @impl(loop.WaitOp)
    def run_wait(self, interpreter: Interpreter, op: loop.WaitOp, args: PythonValues) -> PythonValues:
        return ()

    @impl(loop.LoadOp)
    def run_load(self, interpreter: Interpreter, op: loop.LoadOp, args: PythonValues) -> PythonValues:
        run, state = run_state(interpreter), self._state(interpreter, op)
        (source, target), region = self._addresses(op, args), args[0]
        transfer = state.machine.transfer_words
        words = op.units.value.data * transfer
        first = region.base + source * transfer
        vmac = op.buffer.data.vmac
        for cu in _units(op.cus.value.data << _cu_index(op, args)):
            if vmac is None:
                state.buffers.mbuf[:, cu, target : target + words] = run.dram[:, first : first + words]
            else:
                state.buffers.wbuf[cu, vmac, target : target + words] = run.dram[0, first : first + words]
        return ()

    @impl(loop.StoreOp)
    def run_store(self, interpreter: Interpreter, op: loop.StoreOp, args: PythonValues) -> PythonValues:
        run, state = run_state(interpreter), self._state(interpreter, op)
        source, target = self._addresses(op, args)
        region = args[len(op.source_indices)]
        transfer = state.machine.transfer_words
        words = op.units.value.data * transfer
        first = region.base + target * transfer
        cu = op.cu.value.data + _cu_index(op, args)
        run.dram[:, first : first + words] = state.buffers.mbuf[:, cu, source : source + words]
        return ()

    @impl(loop.MoveOp)
    def run_move(self, interpreter: Interpreter, op: loop.MoveOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, op)
        source, target = self._addresses(op, args)
        words = op.lines.value.data * state.machine.line_words
        lines = state.buffers.mbuf[:, op.source_cu.value.data, source : source + words].copy()
        state.buffers.mbuf[:, op.target_cu.value.data, target : target + words] = lines
        return ()

    @impl(loop.StartOp)
    def run_start(self, interpreter: Interpreter, op: loop.StartOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, op)
        source, target = self._addresses(op, args)
        lanes = op.mode.data.lanes(state.machine)
        name = loop.Register.BYPASS_SHIFT if op.alt is not None else loop.Register.BIAS_SHIFT
        cu, vmac = _grid(op.cus.value.data, op.vmacs.value.data)
        state.results[_units(op.cus.value.data)] = target
        if op.space.data is Space.WBUF:
            words = state.buffers.wbuf[cu, vmac, source : source + lanes]
        else:
            first = source + state.bypass_offset[cu] + vmac * lanes
            words = state.buffers.mbuf[:, cu[..., None], first[..., None] + np.arange(lanes)]
        if op.add is None:
            state.sums[:, cu, vmac] = 0
        state.sums[:, cu, vmac, :lanes] += align(words, state.registers[name])
        if op.last is not None:
            self._finish(interpreter, op, state)
        return ()

    @impl(loop.MacOp)
    def run_mac(self, interpreter: Interpreter, op: loop.MacOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, op)
        maps, weights = self._addresses(op, args)
        count, line = op.words.value.data, state.machine.line_words
        cu, vmac = _grid(op.cus.value.data, op.vmacs.value.data)
        # Sums of products of 16-bit words stay below 2^53: exact in float64, and BLAS is quick.
        trace = state.buffers.mbuf[:, cu[:, 0], maps : maps + count].transpose(1, 0, 2).astype(np.float64)
        if op.mode.data is Mode.COOP:
            kernels = state.buffers.wbuf[cu, vmac, weights : weights + count].astype(np.float64)
            products = (trace @ kernels.transpose(0, 2, 1)).transpose(1, 0, 2)
            state.sums[:, cu, vmac, 0] += products.astype(np.int64)
        else:
            kernels = state.buffers.wbuf[cu, vmac, weights : weights + count * line].astype(np.float64)
            products = trace[:, None] @ kernels.reshape(*kernels.shape[:2], count, line)
            state.sums[:, cu, vmac] += products.transpose(2, 0, 1, 3).astype(np.int64)
        if op.last is not None:
            self._finish(interpreter, op, state)
        return ()

    def _finish(self, interpreter: Interpreter, op: loop.StartOp | loop.MacOp, state: LoopState) -> None:
        """Writes back the outputs that the masked vMACs have in flight."""
        lanes = op.mode.data.lanes(state.machine)
        cu, vmac = _grid(op.cus.value.data, op.vmacs.value.data)
        rounded = requantize(state.sums[:, cu, vmac, :lanes], state.registers[loop.Register.RESULT_SHIFT])
        run_state(interpreter).count(layer_name(op), rounded.saturations, rounded.wraps)
        words = np.maximum(rounded.words, 0) if op.relu is not None else rounded.words
        first = state.results[cu] + vmac * lanes
        state.buffers.mbuf[:, cu[..., None], first[..., None] + np.arange(lanes)] = words

    @impl(loop.MaxOp)
    def run_max(self, interpreter: Interpreter, op: loop.MaxOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, op)
        source, target = self._addresses(op, args)
        line = state.machine.line_words
        stride = state.registers[loop.Register.MAX_STRIDE] * line
        starts = [source + position * stride for position in range(op.count.value.data)]
        cus = _units(op.cus.value.data)
        lines = np.stack([state.buffers.mbuf[:, cus, start : start + line] for start in starts])
        largest = lines.max(axis=0)
        if op.first is None:
            largest = np.maximum(state.maxima[:, cus], largest)
        state.maxima[:, cus] = largest
        if op.last is not None:
            state.buffers.mbuf[:, cus, target : target + line] = largest
        return ()
