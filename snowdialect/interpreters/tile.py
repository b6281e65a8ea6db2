"""The meaning of the tile dialect: whole tiles in NumPy, on the real contents of memory and buffers."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import IndexType
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import SSAValue

from snowdialect.dialects import tile
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of
from snowdialect.fixed_point import align, requantize
from snowdialect.interpreters.buffers import Region, Words, pixels, read_maps, region_pixels, write_maps
from snowdialect.interpreters.cnn import evaluate_constant
from snowdialect.interpreters.state import RunState, run_state
from snowdialect.layout import average_steps, pack_average, pack_weights
from snowdialect.machine import Machine


def allocate(state: RunState, op: tile.RegionOp | tile.WeightsOp | tile.AverageWeightsOp, words: int) -> int:
    """First word of a region: at its address, or behind all others while addresses are not assigned."""
    transfer = machine_of(op).transfer_words
    start = state.dram.shape[1] if op.address is None else op.address.value.data * transfer
    state.reserve_memory(start + -(-words // transfer) * transfer)
    return start


@register_impls
class TileFunctions(InterpreterFunctions):
    """Tiles are computed from buffer contents, so that a wrong address shows as a wrong result."""

    @impl(tile.RegionOp)
    def run_region(self, interpreter: Interpreter, op: tile.RegionOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        maps = cast(tile.MapsType, op.result.type)
        last = None if op.last_layer is None else op.last_layer.data
        region = Region(allocate(state, op, maps.words), maps, last)
        state.regions[op.region_name.data] = region
        return (region,)

    @impl(tile.ViewOp)
    def run_view(self, interpreter: Interpreter, op: tile.ViewOp, args: PythonValues) -> PythonValues:
        view = replace(args[0], base=args[0].base + op.start, maps=cast(tile.MapsType, op.result.type))
        run_state(interpreter).regions[op.region_name.data] = view
        return (view,)

    @impl(tile.ReshapeOp)
    def run_reshape(self, interpreter: Interpreter, op: tile.ReshapeOp, args: PythonValues) -> PythonValues:
        return (replace(args[0], maps=cast(tile.MapsType, op.result.type)),)

    @impl(tile.WeightsOp)
    def run_weights(self, interpreter: Interpreter, op: tile.WeightsOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        packing = op.packing.record
        weights = evaluate_constant(op.weights, state)
        bias = None if op.bias is None else evaluate_constant(op.bias, state)
        shape = (packing.channels, -1, packing.kernel_h, packing.kernel_w)
        return (_constant_region(state, op, pack_weights(weights.reshape(shape), bias, packing)),)

    @impl(tile.AverageWeightsOp)
    def run_average_weights(
        self, interpreter: Interpreter, op: tile.AverageWeightsOp, args: PythonValues
    ) -> PythonValues:
        machine = machine_of(op)
        image = pack_average(tuple(op.values.get_values()), machine.vmacs, machine.line_words, machine.transfer_words)
        return (_constant_region(run_state(interpreter), op, image),)

    @impl(tile.WriteOp)
    def run_write(self, interpreter: Interpreter, op: tile.WriteOp, args: PythonValues) -> PythonValues:
        tensor, region = args
        state = run_state(interpreter)
        state.enter(layer_name(op))
        write_maps(state.dram, region, tensor, machine_of(op).line_words)
        return ()

    @impl(tile.ReadOp)
    def run_read(self, interpreter: Interpreter, op: tile.ReadOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        state.enter(layer_name(op))
        maps = read_maps(state.dram, args[0])
        return (maps.reshape(-1, *shape_of(op.result)[1:]),)

    @impl(tile.LayerOp)
    def run_layer(self, interpreter: Interpreter, op: tile.LayerOp, args: PythonValues) -> PythonValues:
        run_state(interpreter).enter(layer_name(op))
        return interpreter.run_ssacfg_region(op.body, (), op.name)

    @impl(tile.BufferOp)
    def run_buffer(self, interpreter: Interpreter, op: tile.BufferOp, args: PythonValues) -> PythonValues:
        return ([slot.start for slot in op.slot_ranges()],)

    @impl(tile.ForOp)
    def run_for(self, interpreter: Interpreter, op: tile.ForOp, args: PythonValues) -> PythonValues:
        for index in op.iterations:
            interpreter.run_ssacfg_region(op.body, (index,), op.name)
        return ()

    @impl(tile.LoadOp)
    def run_load(self, interpreter: Interpreter, op: tile.LoadOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        indices = _indices(values)
        region: Region = values[op.region_value]
        start = values[op.buffer][op.number("slot", indices)]
        span, layout = op.span.record, cast(tile.MapsBufferType, op.buffer.type)
        columns = op.columns_at(indices)
        first_column = op.number("column", indices)
        source = region_pixels(state.dram, region)
        for cu in range(machine.compute_units):
            rows = op.rows_at(indices, cu)
            if not rows or not columns:
                continue
            first_row = op.number("row", indices) + cu * span.share
            target = start + rows.start * layout.row.data + columns.start * layout.pixel.data
            view = pixels(
                state.buffers(machine).mbuf[:, cu], target, len(rows), len(columns), layout.pixel.data, layout.row.data
            )
            view[...] = source[
                :,
                first_row + rows.start : first_row + rows.stop,
                first_column + columns.start : first_column + columns.stop,
            ]
        return ()

    @impl(tile.LoadPixelsOp)
    def run_load_pixels(self, interpreter: Interpreter, op: tile.LoadPixelsOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        indices = _indices(values)
        source = region_pixels(state.dram, values[op.region_value])
        columns, left = op.columns_at(indices), op.number("column", indices)
        for cu in range(machine.compute_units):
            rows, top = op.rows_at(indices, cu), op.number("row", indices) + cu * op.span.record.share
            if not rows or not columns:
                continue
            start, layout = values[op.buffer][op.number("slot", indices)], cast(tile.MapsBufferType, op.buffer.type)
            first = op.number("channel", indices) + cu * op.share.value.data
            count = op.channels_at(indices, cu)
            _tile(state.buffers(machine).mbuf[:, cu], start, rows, columns, layout)[..., :count] = source[
                :,
                top + rows.start : top + rows.stop,
                left + columns.start : left + columns.stop,
                first : first + count,
            ]
        return ()

    @impl(tile.LoadWeightsOp)
    def run_load_weights(self, interpreter: Interpreter, op: tile.LoadWeightsOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        indices = _indices(values)
        region: Region = values[op.packed]
        start = values[op.buffer][op.number("slot", indices)]
        for run in op.runs(op.number("tile", indices)):
            words = state.dram[0, region.base + run.source :][: run.words]
            for cu in run.cus:
                first = start + run.target
                state.buffers(machine).wbuf[cu, run.vmac, first : first + run.words] = words
        return ()

    @impl(tile.LoadBiasesOp)
    def run_load_biases(self, interpreter: Interpreter, op: tile.LoadBiasesOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        region: Region = values[op.packed]
        start = values[op.buffer][op.number("slot", _indices(values))]
        for run in op.runs():
            words = state.dram[0, region.base + run.source :][: run.words]
            for cu in range(machine.compute_units):
                if run.cus >> cu & 1:
                    state.buffers(machine).mbuf[:, cu, start : start + run.words] = words
        return ()

    @impl(tile.ConvOp)
    def run_conv(self, interpreter: Interpreter, op: tile.ConvOp, args: PythonValues) -> PythonValues:
        state, kernels = run_state(interpreter), op.kernels.record
        for cu in range(machine_of(op).compute_units):
            conv = _Conv(op, args, state, cu)
            if not conv.rows or not conv.columns:
                continue
            sums = conv.initial_sums() if kernels.part == 0 else state.partial_sums.pop((op.result, cu))
            conv.add_products(sums)
            if kernels.part == kernels.parts - 1:
                conv.target[...] = _finish(op, state, sums)
            else:
                state.partial_sums[op.result, cu] = sums
        return ()

    @impl(tile.MaxPoolOp)
    def run_max_pool(self, interpreter: Interpreter, op: tile.MaxPoolOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        for output in _pool_windows(op, args, state):
            output.target[...] = np.max(np.stack(output.source), axis=0)
        return ()

    @impl(tile.AvgPoolOp)
    def run_avg_pool(self, interpreter: Interpreter, op: tile.AvgPoolOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        line, steps = machine.line_words, average_steps(machine.vmacs, machine.line_words)
        weights = state.buffers(machine).wbuf
        start = _values(op, args)[op.weights][0]
        for output in _pool_windows(op, args, state):
            # A weight stands in the lane of each vMAC's channel; the first vMAC has the first channel.
            weight = int(weights[output.cu, 0, start + line * (1 + op.weight_of(output.y, output.x) * steps)])
            sums = np.sum(np.stack(output.source).astype(np.int64), axis=0) * weight
            output.target[...] = _finish(op, state, sums)
        return ()

    @impl(tile.AddOp)
    def run_add(self, interpreter: Interpreter, op: tile.AddOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        indices = _indices(values)
        buffers, part, shifts = state.buffers(machine), op.pixels.record, op.shifts.record
        columns = op.columns_at(indices)
        slot = op.number("maps_slot", indices)
        for cu in range(machine.compute_units):
            rows = op.rows_at(indices, cu)
            if not rows or not columns:
                continue
            memory = buffers.mbuf[:, cu]
            maps_rows = range(rows.start + part.row_lead, rows.stop + part.row_lead)
            maps_columns = range(columns.start + part.lead, columns.stop + part.lead)

            def words(
                buffer: SSAValue, start: int, rows: range, columns: range, first: int, memory: Words = memory
            ) -> Words:
                layout = cast(tile.MapsBufferType, buffer.type)
                return _tile(memory, start, rows, columns, layout)[..., first : first + part.words]

            sums = align(words(op.maps, values[op.maps][slot], maps_rows, maps_columns, part.first), shifts.bias)
            if op.other is not None:
                other = words(op.other, values[op.other][slot], maps_rows, maps_columns, part.other)
                sums = sums + align(other, shifts.bypass)
            result = values[op.result][op.number("result_slot", indices)]
            words(op.result, result, rows, columns, part.target)[...] = _finish(op, state, sums)
        return ()

    @impl(tile.StoreOp)
    def run_store(self, interpreter: Interpreter, op: tile.StoreOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine = machine_of(op)
        values = _values(op, args)
        indices = _indices(values)
        columns = op.columns_at(indices)
        target = region_pixels(state.dram, values[op.region_value])
        first = op.number("channel", indices)
        for cu in range(machine.compute_units):
            rows, count = op.rows_at(indices, cu), op.channels_at(indices, cu)
            if not rows or not columns or not count:
                continue
            source = _tile(
                state.buffers(machine).mbuf[:, cu],
                values[op.buffer][op.number("slot", indices)],
                rows,
                columns,
                cast(tile.MapsBufferType, op.buffer.type),
            )
            top, left = op.number("row", indices) + cu * op.span.record.share, op.number("column", indices)
            channel = first + cu * op.share.value.data
            target[
                :,
                top + rows.start : top + rows.stop,
                left + columns.start : left + columns.stop,
                channel : channel + count,
            ] = source[..., op.first_word : op.first_word + count]
        return ()

    @impl(tile.MoveOp)
    def run_move(self, interpreter: Interpreter, op: tile.MoveOp, args: PythonValues) -> PythonValues:
        state = run_state(interpreter)
        machine, span, count, down = machine_of(op), op.span.record, op.words.value.data, op.down.value.data
        values = _values(op, args)
        indices = _indices(values)

        def words(side: str, cu: int) -> Words:
            buffer: SSAValue = getattr(op, side)
            row, column, word = (op.number(f"{side}_{place}", indices) for place in ("row", "column", "word"))
            rows, columns = range(span.top + row, span.bottom + row), range(span.left + column, span.right + column)
            start = values[buffer][op.number(f"{side}_slot", indices)]
            layout = cast(tile.MapsBufferType, buffer.type)
            return _tile(state.buffers(machine).mbuf[:, cu], start, rows, columns, layout)[..., word : word + count]

        cus = [cu for cu in range(machine.compute_units) if span.cus >> cu & 1]
        for cu, moved in [(cu, words("source", cu).copy()) for cu in cus]:
            words("target", cu - down)[...] = moved
        return ()

    @impl(tile.WaitOp)
    def run_wait(self, interpreter: Interpreter, op: tile.WaitOp, args: PythonValues) -> PythonValues:
        return ()


class PoolWindow(NamedTuple):
    """One output pixel of a pool: its place, the words (N, channels) under its window, its words to be."""

    cu: int
    y: int
    x: int
    source: list[Words]
    target: Words


class _Blocks(NamedTuple):
    bias: NDArray[np.int16]
    """What lies in front of the kernels: of each channel of the tile its bias, unless that lies elsewhere."""
    taps: NDArray[np.float64]
    """(kernel words, channels); zero outside the part that is loaded."""


def _blocks(wbuf: Words, start: int, op: tile.ConvOp, machine: Machine) -> _Blocks:
    """The kernels in the WBufs of a CU, (vMAC, words): what the vMACs have in each step of the tile."""
    kernels, window = op.kernels.record, op.window.record
    lanes, head = op.lanes(machine), op.head(machine)
    block = cast(tile.WeightsBufferType, op.weights.type).block.data
    whole = window.kernel_h * op.shared(machine, op.abreast).columns * kernels.depth
    first = kernels.part * kernels.part_words
    length = min(kernels.part_words, whole - first)
    shaped = wbuf[:, start : start + kernels.steps * block].reshape(machine.vmacs, kernels.steps, block)
    # Channels run over lanes, then vMACs, then steps.
    taps = shaped[:, :, head : head + length * lanes].reshape(machine.vmacs, kernels.steps, length, lanes)
    channels = kernels.steps * machine.vmacs * lanes
    matrix = np.zeros((whole, channels))
    matrix[first : first + length] = taps.transpose(2, 1, 0, 3).reshape(length, channels)
    return _Blocks(shaped[:, :, :lanes].transpose(1, 0, 2).reshape(channels), matrix)


class _Conv:
    """What a convolution computes in one CU. Sums and words are (batch, rows, columns, channels of its kernel tile)."""

    def __init__(self, op: tile.ConvOp, args: PythonValues, state: RunState, cu: int) -> None:
        self.op, self.state, self.cu, self.machine = op, state, cu, machine_of(op)
        self.values = _values(op, args)
        self.indices = _indices(self.values)
        self.rows, self.columns = op.rows_at(self.indices, cu), op.columns_at(self.indices)
        """Local rows and columns of the result tile that are computed."""
        self.channel, self.word = self._number("channel"), self._number("result_word")
        self.channels = op.channels_at(self.indices, self.machine)
        buffers = state.buffers(self.machine)
        self.memory, self.wbuf = buffers.mbuf[:, cu], buffers.wbuf[cu]

    def _number(self, name: str) -> int:
        return self.op.number(name, self.indices)

    @cached_property
    def _blocks(self) -> _Blocks:
        return _blocks(self.wbuf, self.values[self.op.weights][self._number("weights_slot")], self.op, self.machine)

    def _result_tile(self, buffer: SSAValue) -> Words:
        """The pixels that are computed, in the result tile or in that of a residual, which lies alike."""
        start, row = self.values[buffer][self._number("result_slot")], self._number("result_row")
        rows = range(self.rows.start + row, self.rows.stop + row)
        return _tile(self.memory, start, rows, self.columns, cast(tile.MapsBufferType, buffer.type))

    @property
    def target(self) -> Words:
        """The words of the result."""
        return self._result_tile(self.op.result)[..., self.word : self.word + self.channels]

    def initial_sums(self) -> NDArray[np.int64]:
        """Bias plus residual, at the position of the accumulator."""
        op, shifts = self.op, self.op.shifts.record
        sums = np.zeros((self.state.batch, len(self.rows), len(self.columns), self.channels), np.int64)
        bias = self._blocks.bias[: self.channels]
        if op.biases is not None:
            start = self.values[op.biases][self._number("maps_slot")] + self.channel
            bias = self.memory[0, start : start + self.channels]
        sums += align(bias, shifts.bias)
        if op.bypass is not None:
            kernels = op.kernels.record
            # A residual of all channels has those of the other CUs, too.
            whole = kernels.bypass_first + self.channel + self.cu * kernels.share
            first = whole if op.sliced is None else self.word
            sums += align(self._result_tile(op.bypass)[..., first : first + self.channels], shifts.bypass)
        return sums

    def add_products(self, sums: NDArray[np.int64]) -> None:
        """Adds maps times kernels, one element of the kernel after the other; what lies in the padding adds nothing."""
        op, window, depth = self.op, self.op.window.record, self.op.kernels.record.depth
        # Of pixels abreast, the kernels of the first one stand for all.
        taps = self._blocks.taps[:, : self.channels].reshape(window.kernel_h, -1, depth, self.channels)
        first_y, first_x = op.result_row_of(self.indices, self.cu), self._number("column")
        for ky in range(window.kernel_h):
            ys = [i for i, local in enumerate(self.rows) if ky in window.kernel_rows(first_y + local)]
            for kx in range(window.kernel_w):
                xs = [i for i, local in enumerate(self.columns) if kx in window.kernel_columns(first_x + local)]
                if not ys or not xs or not taps[ky, kx].any():
                    continue
                # Products of 16-bit words summed below 2^53 are exact in float64, and BLAS is quick.
                words = self._words_under(ky, kx, ys, xs).astype(np.float64)
                if op.unrolled is not None:
                    for i, y in enumerate(ys):
                        inside = op.words_of(op.unrolled.record.kernel_rows(first_y + self.rows[y]))
                        words[:, i, :, : inside.start] = words[:, i, :, inside.stop :] = 0
                sums[:, ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += (words @ taps[ky, kx]).astype(np.int64)

    def _words_under(self, ky: int, kx: int, ys: list[int], xs: list[int]) -> Words:
        """The pixels of the maps tile under an element of the kernel, for those of the rows and columns."""
        window, leads = self.op.window.record, self.op.leads
        layout = cast(tile.MapsBufferType, self.op.maps.type)
        row, pixel = layout.row.data, layout.pixel.data
        top = leads.row + self.rows[ys[0]] * window.stride_h + ky * window.dilation_h
        left = leads.column + self.columns[xs[0]] * window.stride_w + kx * window.dilation_w
        start = self.values[self.op.maps][self._number("maps_slot")] + self._number("offset")
        return pixels(
            self.memory,
            start + top * row + left * pixel,
            len(ys),
            len(xs),
            pixel * window.stride_w,
            row * window.stride_h,
            self.op.kernels.record.depth,
        )


def _constant_region(state: RunState, op: tile.WeightsOp | tile.AverageWeightsOp, image: NDArray[np.int16]) -> Region:
    region = Region(allocate(state, op, image.size), None)
    state.dram[:, region.base : region.base + image.size] = image
    return region


def _values(op: tile.TiledOp, args: PythonValues) -> dict[SSAValue, Any]:
    return dict(zip(op.operands, args, strict=True))


def _indices(values: dict[SSAValue, Any]) -> dict[SSAValue, int]:
    return {value: number for value, number in values.items() if isinstance(value.type, IndexType)}


def _tile(memory: Words, start: int, rows: range, columns: range, layout: tile.MapsBufferType) -> Words:
    """Some rows and columns of a tile that starts at word `start` of a buffer (N, words)."""
    first = start + rows.start * layout.row.data + columns.start * layout.pixel.data
    return pixels(memory, first, len(rows), len(columns), layout.pixel.data, layout.row.data)


def _finish(op: tile.ConvOp | tile.AvgPoolOp | tile.AddOp, state: RunState, sums: NDArray[np.int64]) -> Words:
    """Words from exact sums, counted for the layer."""
    rounded = requantize(sums, op.shifts.record.result)
    state.count(layer_name(op), rounded.saturations, rounded.wraps)
    relu = not isinstance(op, tile.AvgPoolOp) and op.relu is not None
    return np.maximum(rounded.words, 0) if relu else rounded.words


def _pool_windows(op: tile.PoolOp, args: PythonValues, state: RunState) -> Iterator[PoolWindow]:
    """Every output of a pool tile: where it is, the words under its window, and where its words go."""
    machine = machine_of(op)
    values = _values(op, args)
    indices = _indices(values)
    window, part, leads = op.geometry, op.pixels.record, op.leads
    maps, result = cast(tile.MapsBufferType, op.maps.type), cast(tile.MapsBufferType, op.result.type)
    maps_start = values[op.maps][op.number("maps_slot", indices)] + part.first
    result_start = values[op.result][op.number("result_slot", indices)] + part.target
    for cu in range(machine.compute_units):
        memory = state.buffers(machine).mbuf[:, cu]
        for row in op.rows_at(indices, cu):
            y, top = op.result_row_of(indices, cu) + row, leads.row + row * window.stride_h
            for column in op.columns_at(indices):
                x, left = op.number("column", indices) + column, leads.column + column * window.stride_w
                starts = [
                    maps_start
                    + (top + ky * window.dilation_h) * maps.row.data
                    + (left + kx * window.dilation_w) * maps.pixel.data
                    for ky in window.kernel_rows(y)
                    for kx in window.kernel_columns(x)
                ]
                target = result_start + row * result.row.data + column * result.pixel.data
                yield PoolWindow(
                    cu,
                    y,
                    x,
                    [memory[:, start : start + part.words] for start in starts],
                    memory[:, target : target + part.words],
                )
