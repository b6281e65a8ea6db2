"""The meaning of the loop dialect: one trace at a time in NumPy, on the contents of memory and buffers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls

from snowdialect.dialects import loop
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile import Mode, Space
from snowdialect.fixed_point import align, requantize
from snowdialect.interpreters.state import run_state
from snowdialect.machine import Machine


@dataclass
class LoopState:
    """Accumulators and configuration registers."""

    sums: NDArray[np.int64]
    """(N, CU, vMAC, MAC): exact sums; a COOP output is the sum over its vMAC's MACs."""
    results: NDArray[np.int64]
    """(CU,): where the output that a CU has started will go."""
    registers: dict[loop.Register, int]
    bypass_offset: NDArray[np.int64]
    maxima: NDArray[np.int16]
    """(N, CU, line): the fed-back outputs of the comparators."""


def _units(mask: int) -> list[int]:
    return [unit for unit in range(mask.bit_length()) if mask >> unit & 1]


@register_impls
class LoopFunctions(InterpreterFunctions):
    """Loads arrive at once and nothing runs out of order: hazards are the business of the levels below."""

    def __init__(self) -> None:
        self.state: LoopState | None = None

    def _state(self, interpreter: Interpreter, machine: Machine) -> LoopState:
        if self.state is None:
            batch = run_state(interpreter).batch
            self.state = LoopState(
                np.zeros((batch, machine.compute_units, machine.vmacs, machine.macs), np.int64),
                np.zeros(machine.compute_units, np.int64),
                dict.fromkeys(loop.Register, 0),
                np.zeros(machine.compute_units, np.int64),
                np.zeros((batch, machine.compute_units, machine.line_words), np.int16),
            )
        return self.state

    @impl(loop.LayerOp)
    def run_layer(self, interpreter: Interpreter, op: loop.LayerOp, args: PythonValues) -> PythonValues:
        return interpreter.run_ssacfg_region(op.body, (), op.name)

    @impl(loop.ForOp)
    def run_for(self, interpreter: Interpreter, op: loop.ForOp, args: PythonValues) -> PythonValues:
        for index in op.iterations:
            interpreter.run_ssacfg_region(op.body, (index,), op.name)
        return ()

    @impl(loop.ConfigOp)
    def run_config(self, interpreter: Interpreter, op: loop.ConfigOp, args: PythonValues) -> PythonValues:
        state = self._state(interpreter, machine_of(op))
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
        run, machine = run_state(interpreter), machine_of(op)
        (source, target), region = _addresses(op, args), args[0]
        words = op.units.value.data * machine.transfer_words
        first = region.base + source * machine.transfer_words
        buffers = run.buffers(machine)
        vmac = op.buffer.data.vmac
        for cu in _units(op.cus.value.data):
            if vmac is None:
                buffers.mbuf[:, cu, target : target + words] = run.dram[:, first : first + words]
            else:
                buffers.wbuf[cu, vmac, target : target + words] = run.dram[0, first : first + words]
        return ()

    @impl(loop.StoreOp)
    def run_store(self, interpreter: Interpreter, op: loop.StoreOp, args: PythonValues) -> PythonValues:
        run, machine = run_state(interpreter), machine_of(op)
        source, target = _addresses(op, args)
        region = args[len(op.source_indices)]
        words = op.units.value.data * machine.transfer_words
        first = region.base + target * machine.transfer_words
        run.dram[:, first : first + words] = run.buffers(machine).mbuf[:, op.cu.value.data, source : source + words]
        return ()

    @impl(loop.StartOp)
    def run_start(self, interpreter: Interpreter, op: loop.StartOp, args: PythonValues) -> PythonValues:
        machine = machine_of(op)
        state, buffers = self._state(interpreter, machine), run_state(interpreter).buffers(machine)
        source, target = _addresses(op, args)
        lanes = 1 if op.mode.data is Mode.COOP else machine.macs
        name = loop.Register.BYPASS_SHIFT if op.alt is not None else loop.Register.BIAS_SHIFT
        for cu in _units(op.cus.value.data):
            state.results[cu] = target
            for vmac in _units(op.vmacs.value.data):
                if op.space.data is Space.WBUF:
                    words = buffers.wbuf[cu, vmac, source : source + lanes]
                else:
                    first = source + int(state.bypass_offset[cu]) + vmac * lanes
                    words = buffers.mbuf[:, cu, first : first + lanes]
                sums = state.sums[:, cu, vmac]
                if op.add is None:
                    sums[...] = 0
                sums[:, :lanes] += align(words, state.registers[name])
        if op.last is not None:
            self._finish(interpreter, op, machine)
        return ()

    @impl(loop.MacOp)
    def run_mac(self, interpreter: Interpreter, op: loop.MacOp, args: PythonValues) -> PythonValues:
        machine = machine_of(op)
        state, buffers = self._state(interpreter, machine), run_state(interpreter).buffers(machine)
        maps, weights = _addresses(op, args)
        count, line = op.words.value.data, machine.line_words
        for cu in _units(op.cus.value.data):
            trace = buffers.mbuf[:, cu, maps : maps + count].astype(np.float64)
            for vmac in _units(op.vmacs.value.data):
                # Sums of products of 16-bit words stay below 2^53: exact in float64, and BLAS is quick.
                if op.mode.data is Mode.COOP:
                    kernel = buffers.wbuf[cu, vmac, weights : weights + count].astype(np.float64)
                    state.sums[:, cu, vmac, 0] += (trace @ kernel).astype(np.int64)
                else:
                    kernels = buffers.wbuf[cu, vmac, weights : weights + count * line].reshape(count, line)
                    state.sums[:, cu, vmac] += (trace @ kernels.astype(np.float64)).astype(np.int64)
        if op.last is not None:
            self._finish(interpreter, op, machine)
        return ()

    def _finish(self, interpreter: Interpreter, op: loop.StartOp | loop.MacOp, machine: Machine) -> None:
        """Writes back the outputs that the masked vMACs have in flight."""
        run, state = run_state(interpreter), self._state(interpreter, machine)
        lanes = 1 if op.mode.data is Mode.COOP else machine.macs
        vmacs = _units(op.vmacs.value.data)
        for cu in _units(op.cus.value.data):
            rounded = requantize(state.sums[:, cu, vmacs, :lanes], state.registers[loop.Register.RESULT_SHIFT])
            run.count(layer_name(op), rounded.saturations, rounded.wraps)
            words = np.maximum(rounded.words, 0) if op.relu is not None else rounded.words
            for position, vmac in enumerate(vmacs):
                first = int(state.results[cu]) + vmac * lanes
                run.buffers(machine).mbuf[:, cu, first : first + lanes] = words[:, position]

    @impl(loop.MaxOp)
    def run_max(self, interpreter: Interpreter, op: loop.MaxOp, args: PythonValues) -> PythonValues:
        machine = machine_of(op)
        state, buffers = self._state(interpreter, machine), run_state(interpreter).buffers(machine)
        source, target = _addresses(op, args)
        line = machine.line_words
        stride = state.registers[loop.Register.MAX_STRIDE] * line
        starts = [source + position * stride for position in range(op.count.value.data)]
        for cu in _units(op.cus.value.data):
            lines = np.stack([buffers.mbuf[:, cu, start : start + line] for start in starts])
            largest = lines.max(axis=0)
            state.maxima[:, cu] = largest if op.first is not None else np.maximum(state.maxima[:, cu], largest)
            if op.last is not None:
                buffers.mbuf[:, cu, target : target + line] = state.maxima[:, cu]
        return ()


def _addresses(op: loop.LoopOp, args: PythonValues) -> list[int]:
    values = dict(zip(op.operands, args, strict=True))
    return [op.address(name).evaluate(values) for name in op.ADDRESSES]
