"""tile to loop: the operations that compute, as loops over kernel steps, rows and columns around traces.

Every output is the same few operations: a start, its traces, the last of which ends it. Rows and columns near a border
have fewer and shorter traces; ranges of them that need the same traces share their code. CUs that need different
traces for the same row of their tiles share those that all need; others are under masks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, singledispatch
from itertools import groupby
from typing import NamedTuple, cast

from xdsl.ir import Operation

from lowering.comparisons import compares_down, written_out_lines
from lowering.loop_builder import (
    UNROLLED_TRACES,
    LoopBuilder,
    Piece,
    Step,
    WindowRows,
    column_pieces,
    column_runs,
    compared_rows,
    is_written_out,
    outputs_apart,
    row_pieces,
    shared_rows,
    short_outputs,
    slot_address,
    steps_of,
    written_out_runs,
)
from snowdialect.dialects import loop, tile
from snowdialect.dialects.addresses import IndexExpr
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.layout import average_steps, round_down
from snowdialect.machine import Machine
from snowdialect.machine.instructions import BY_NAME


@singledispatch
def compute(op: Operation, builder: LoopBuilder) -> None:
    """Adds what an operation that computes becomes."""
    fail(op, "there is no rule for what it computes")


class Pixel(NamedTuple):
    """A range of output pixels: their row and column in the tile, and the pieces that they belong to."""

    row: IndexExpr
    column: IndexExpr
    rows: Piece
    columns: Piece


def pixels(op: tile.ComputeOp, builder: LoopBuilder, written_out: int = 1) -> Iterator[Pixel]:
    """The loops over the output pixels of a tile, one nest for each pair of pieces; so many pixels of a row that are
    alike are written out in each iteration."""
    machine = machine_of(op)
    indices = tile.outer_indices(op)
    rows = [op.rows_at(indices, cu) for cu in range(machine.compute_units)]
    left = op.number("column", indices)
    # The pieces are those of the first tile; in another one they are as far down and right as its part is.
    down = op.address("part_row") + -op.number("part_row", indices)
    right = op.address("part_column") + -op.number("part_column", indices)

    def row_class(cu: int, row: int) -> Hashable:
        return op.row_class(op.result_row_of(indices, cu) + row)

    # A group is so many columns as are computed together; it goes by the number of its first one.
    columns = op.columns_at(indices)
    groups = range(columns.start, columns.start + -(-len(columns) // op.abreast))

    def group_class(group: int) -> Hashable:
        first = columns.start + (group - columns.start) * op.abreast
        return op.group_class(left + first, min(op.abreast, columns.stop - first))

    for row_piece in row_pieces(rows, row_class):
        with builder.loop(row_piece.first, row_piece.stop) as row:
            for column_piece in column_pieces(groups, group_class):
                for run, count in written_out_runs(column_piece.first, column_piece.stop, written_out, op.geometry):
                    begin = run.start if count == 1 else 0
                    with builder.loop(begin, begin + len(run) // count) as number:
                        for place in range(count):
                            group = number * count + (run.start - begin + place)
                            column = group * op.abreast + columns.start * (1 - op.abreast)
                            yield Pixel(row + down, column + right, row_piece, column_piece)


def start_of(op: tile.ComputeOp, operand: str, slot: str) -> IndexExpr:
    """First word of the slot that an operand has in this tile."""
    return slot_address(getattr(op, operand), op.address(slot))


class Tap(NamedTuple):
    """A trace relative to the first word under the window: words of maps, and where they and their weights begin."""

    maps: int
    kernel: int
    words: int


def taps(
    kernel_rows: range, kernel_columns: range, op: tile.ConvOp, part: int, block_columns: range
) -> list[list[Tap]]:
    """The traces of a part of an output, by kernel row: as long as words lie in a row, and no longer than allowed.

    `block_columns` are the kernel columns for which a block has weights.

    Of unrolled rows, the kernel rows are those inside the tensor: words of each pixel.
    """
    window, kernels = op.geometry, op.kernels.record
    layout = cast(tile.MapsBufferType, op.maps.type)
    pixel, depth = layout.pixel.data, kernels.depth
    seen = range(depth)
    if op.unrolled is not None:
        seen, kernel_rows = op.words_of(kernel_rows), range(min(1, len(kernel_rows)))
    joined = window.dilation_w == 1 and len(seen) == pixel
    longest = round_down(BY_NAME["mac"].field("length").maximum, machine_of(op).line_words)
    first = part * kernels.part_words
    stop = first + kernels.part_words
    rows: list[list[Tap]] = []
    for ky in kernel_rows:
        runs = [kernel_columns] if joined and kernel_columns else [range(kx, kx + 1) for kx in kernel_columns]
        row: list[Tap] = []
        for run in runs:
            position = (ky * len(block_columns) + run.start - block_columns.start) * depth + seen.start
            maps = ky * window.dilation_h * layout.row.data + run.start * window.dilation_w * pixel + seen.start
            low, high = max(position, first), min(position + len(run) * len(seen), stop)
            for begin in range(low, high, longest):
                row.append(Tap(maps + begin - position, begin - first, min(longest, high - begin)))
        if row:
            rows.append(row)
    return rows


@compute.register
def _(op: tile.ConvOp, builder: LoopBuilder) -> None:
    """Loops over kernel steps, rows and columns around start and traces."""
    machine = machine_of(op)
    kernels, shifts = op.kernels.record, op.shifts.record
    configure(builder, shifts)
    if op.bypass is not None or op.biases is not None:
        share = 0 if op.sliced or op.bypass is None else kernels.share
        for cu in range(machine.compute_units if share else 1):
            mask = 1 << cu if share else machine.all_units
            builder.add(loop.ConfigOp(loop.Register.BYPASS_OFFSET, cu * share, mask))
    channels = op.channels_at(tile.outer_indices(op), machine)
    block = cast(tile.WeightsBufferType, op.weights.type).block.data
    shape = op.mode.data, machine, op.geometry, kernels.depth
    short = short_outputs(*shape, parts=kernels.parts, joined=_joined(op))
    apart = outputs_apart(kernels, op.unrolled is not None)

    def outputs(pixel: Pixel, kernel: IndexExpr, columns: range, vmacs: int) -> None:
        """A kernel step of a pixel, or of pixels abreast, which sees these columns of those under the windows."""
        seen, _ = cast(tuple[range, int], pixel.columns.classes[0])
        inside = range(max(seen.start, columns.start), min(seen.stop, columns.stop))
        for rows in shared_rows(pixel.rows.units(), apart=apart):
            Output(op, builder, machine, pixel, kernel, block, columns.start, vmacs, short > 0).build(rows, inside)

    if op.abreast == 1:
        # Kernel steps are outside: so all pixels have the weights of a step where these are, in the same registers.
        for step, columns in _kernel_steps(op, channels, 1, machine):
            with builder.loop(step.first, step.stop) as kernel:
                for pixel in pixels(op, builder, max(1, short)):
                    outputs(pixel, kernel, columns, step.vmacs)
        return
    # Pixels abreast share the lanes of steps, each of which sees other columns.
    for pixel in pixels(op, builder):
        _, count = cast(tuple[range, int], pixel.columns.classes[0])
        for step, columns in _kernel_steps(op, channels, count, machine):
            with builder.loop(step.first, step.stop) as kernel:
                outputs(pixel, kernel, columns, step.vmacs)


def _joined(op: tile.ConvOp) -> bool:
    """Whether the words under a kernel row follow each other, so that they are one trace."""
    pixel = cast(tile.MapsBufferType, op.maps.type).pixel.data
    return op.geometry.dilation_w == 1 and op.kernels.record.depth == pixel


def _kernel_steps(op: tile.ConvOp, channels: int, pixels: int, machine: Machine) -> list[tuple[Step, range]]:
    """The kernel steps for so many channels of so many pixels abreast, and the columns under the windows that each
    sees; those alike that follow each other together."""
    lanes, shared = op.lanes(machine), op.shared(machine, pixels)
    if pixels == 1:
        return [(step, range(shared.kernel_w)) for step in steps_of(channels, lanes, machine.vmacs)]
    return [
        (Step(alike[0], alike[-1] + 1, step.vmacs), columns)
        for step in steps_of(pixels * channels, lanes, machine.vmacs)
        for columns, run in groupby(range(step.first, step.stop), shared.columns_of)
        for alike in [list(run)]
    ]


@dataclass
class Output:
    """One output of a convolution in each of some vMACs."""

    op: tile.ConvOp
    builder: LoopBuilder
    machine: Machine
    pixel: Pixel
    kernel: IndexExpr
    block: int
    first_column: int
    """Of those under the windows of pixels abreast, the first one for which the blocks have weights."""
    vmacs: int
    written_out: bool
    """Of all traces, column by column: the next pixel has the addresses of all columns but the first one, too."""

    def build(self, kernel_rows: Sequence[WindowRows], kernel_columns: range) -> None:
        """Adds the start and the traces of the part of the output that the operation computes. The kernel rows that
        come last are those of all CUs."""
        kernels = self.op.kernels.record
        relu = self.op.relu is not None
        *some, (common, cus) = kernel_rows
        rows = self._taps(common, kernel_columns, kernels.part)
        # Near a border the parts that follow may have no trace to write the result back.
        later = range(kernels.part + 1, kernels.parts)
        final = not any(self._taps(common, kernel_columns, part) for part in later)
        if kernels.part == 0:
            self._start(cus, final and not rows, relu)
        for own, owners in some:
            self._traces(self._taps(own, kernel_columns, kernels.part), owners, False, relu)
        self._traces(rows, cus, final, relu)

    def _taps(self, kernel_rows: range, kernel_columns: range, part: int) -> list[list[Tap]]:
        op = self.op
        columns = range(self.first_column, self.first_column + op.shared(self.machine, op.abreast).columns)
        return taps(kernel_rows, kernel_columns, op, part, columns)

    def _start(self, cus: int, last: bool, relu: bool) -> None:
        op, kernels = self.op, self.op.kernels.record
        mode = op.mode.data
        channels = self.kernel * (self.machine.vmacs * op.lanes(self.machine))
        result = self._place("result") + op.address("result_word") + channels
        bypass = op.bypass is not None
        space, bias = tile.Space.WBUF, self.weights
        if op.biases is not None:
            space, bias = tile.Space.MBUF, start_of(op, "biases", "maps_slot") + op.address("channel") + channels
        self.builder.add(
            loop.StartOp(
                mode,
                space,
                bias,
                result,
                cus,
                self.vmacs,
                last=last and not bypass,
                relu=last and relu and not bypass,
            )
        )
        if bypass:
            first = op.address("channel") + kernels.bypass_first if op.sliced is None else op.address("result_word")
            self.builder.add(
                loop.StartOp(
                    mode,
                    tile.Space.MBUF,
                    self._place("bypass") + first + channels,
                    result,
                    cus,
                    self.vmacs,
                    add=True,
                    alt=True,
                    last=last,
                    relu=last and relu,
                )
            )

    def _traces(self, rows: list[list[Tap]], cus: int, final: bool, relu: bool) -> None:
        """The traces, kernel rows in a loop where there are many and they are alike."""
        count = sum(map(len, rows))
        if self.written_out or count <= UNROLLED_TRACES or len(rows) < 3 or not _regular(rows):
            flat = [tap for row in rows for tap in row]
            if self.written_out:
                flat = [row[column] for column in range(len(rows[0])) for row in rows] if rows else []
            for position, tap in enumerate(flat):
                last = final and position == count - 1
                self._mac(IndexExpr(tap.maps), IndexExpr(tap.kernel), tap.words, cus, last, relu)
            return
        maps_step = rows[1][0].maps - rows[0][0].maps
        kernel_step = rows[1][0].kernel - rows[0][0].kernel
        with self.builder.loop(0, len(rows) - 1) as row:
            self._row(rows[0], row * maps_step, row * kernel_step, cus, False, relu)
        self._row(rows[-1], IndexExpr(), IndexExpr(), cus, final, relu)

    def _row(self, row: list[Tap], maps: IndexExpr, kernel: IndexExpr, cus: int, final: bool, relu: bool) -> None:
        """The traces of a kernel row, in a loop where there are many."""
        if len(row) > UNROLLED_TRACES and _regular([[tap] for tap in row]):
            maps_step, kernel_step = row[1].maps - row[0].maps, row[1].kernel - row[0].kernel
            with self.builder.loop(0, len(row) - 1) as column:
                self._mac(
                    maps + column * maps_step + row[0].maps,
                    kernel + column * kernel_step + row[0].kernel,
                    row[0].words,
                    cus,
                    False,
                    relu,
                )
            row = row[-1:]
        for position, tap in enumerate(row):
            last = final and position == len(row) - 1
            self._mac(maps + tap.maps, kernel + tap.kernel, tap.words, cus, last, relu)

    def _mac(self, maps: IndexExpr, kernel: IndexExpr, words: int, cus: int, last: bool, relu: bool) -> None:
        source = self.origin + maps
        weights = self.weights + self.op.head(self.machine) + kernel * self.op.lanes(self.machine)
        self.builder.add(
            loop.MacOp(self.op.mode.data, source, weights, words, cus, self.vmacs, last=last, relu=last and relu)
        )

    @cached_property
    def origin(self) -> IndexExpr:
        """First word under the window."""
        op, window, leads = self.op, self.op.geometry, self.op.leads
        layout = cast(tile.MapsBufferType, op.maps.type)
        row = self.pixel.row * window.stride_h + leads.row
        column = self.pixel.column * window.stride_w + leads.column
        slot = start_of(op, "maps", "maps_slot")
        return slot + row * layout.row.data + column * layout.pixel.data + op.address("offset")

    @cached_property
    def weights(self) -> IndexExpr:
        """First word of the kernel blocks."""
        return start_of(self.op, "weights", "weights_slot") + self.kernel * self.block

    def _place(self, operand: str) -> IndexExpr:
        moved = self.pixel._replace(row=self.pixel.row + self.op.address("result_row"))
        return _pixel_word(self.op, operand, "result_slot", moved)


def _regular(rows: list[list[Tap]]) -> bool:
    """Whether each row is the one before it, moved on by the same distances."""
    moves = {
        (len(here), len(there), tuple((b.maps - a.maps, b.kernel - a.kernel, b.words - a.words) for a, b in pairs))
        for here, there in zip(rows, rows[1:], strict=False)
        for pairs in [list(zip(here, there, strict=False))]
    }
    return (
        len(moves) == 1
        and len({move for _, _, taps in moves for move in taps}) == 1
        and all(a == b and all(words == 0 for *_, words in taps) for a, b, taps in moves)
    )


def _pixel_word(op: tile.ComputeOp, operand: str, slot: str, pixel: Pixel) -> IndexExpr:
    """First word of a pixel in a slot of a buffer."""
    layout = cast(tile.MapsBufferType, getattr(op, operand).type)
    return start_of(op, operand, slot) + pixel.row * layout.row.data + pixel.column * layout.pixel.data


def _result_word(op: tile.PoolOp | tile.AddOp, pixel: Pixel) -> IndexExpr:
    """Where the words of an output pixel go."""
    return _pixel_word(op, "result", "result_slot", pixel) + op.pixels.record.target


def _window_word(op: tile.PoolOp | tile.AddOp, operand: str, first: int, pixel: Pixel) -> IndexExpr:
    """Word `first` of the pixel where the first tap of an output would be if nothing were cut off."""
    window = op.geometry
    row, column = pixel.row * window.stride_h + op.leads.row, pixel.column * window.stride_w + op.leads.column
    return _pixel_word(op, operand, "maps_slot", pixel._replace(row=row, column=column)) + first


@compute.register
def _(op: tile.MaxPoolOp, builder: LoopBuilder) -> None:
    """For each output pixel and line of channels, one comparison trace for each row under the window, or for each
    column."""
    machine, layout = machine_of(op), cast(tile.MapsBufferType, op.maps.type)
    line, down = machine.line_words, compares_down(op.geometry)
    builder.add(loop.ConfigOp(loop.Register.MAX_STRIDE, (layout.row if down else layout.pixel).data // line))
    lines = written_out_lines(machine, op.geometry, op.pixels.record.words // line)
    for pixel in pixels(op, builder):
        columns = cast(range, pixel.columns.classes[0])
        source = _window_word(op, "maps", op.pixels.record.first, pixel)
        target = _result_word(op, pixel)
        for runs in shared_rows(pixel.rows.units(), apart=True) if down else compared_rows(pixel.rows.units()):
            for run, count in lines:
                with builder.loop(0, len(run) // count) as number:
                    for place in range(run.start, run.start + count):
                        channel = (number * count + place) * line
                        if down:
                            _compare_down(builder, layout, source + channel, target + channel, runs[0], columns)
                        else:
                            _compare_along(builder, layout, source + channel, target + channel, runs, columns)


def _compare_along(
    builder: LoopBuilder,
    layout: tile.MapsBufferType,
    source: IndexExpr,
    target: IndexExpr,
    runs: Sequence[WindowRows],
    columns: range,
) -> None:
    """The comparisons of a line of an output, a trace for each row under its window: the first row is by itself, as is
    the last."""
    for rows, cus in runs:
        with builder.loop(rows.start, rows.stop) as row:
            words = source + row * layout.row.data + columns.start * layout.pixel.data
            first, last = rows is runs[0].rows, rows is runs[-1].rows
            builder.add(loop.MaxOp(words, target, len(columns), cus, first=first, last=last))


def _compare_down(
    builder: LoopBuilder,
    layout: tile.MapsBufferType,
    source: IndexExpr,
    target: IndexExpr,
    rows: WindowRows,
    columns: range,
) -> None:
    """Likewise, a trace for each column, of which there are few."""
    for column in columns:
        words = source + rows.rows.start * layout.row.data + column * layout.pixel.data
        first, last = column == columns[0], column == columns[-1]
        builder.add(loop.MaxOp(words, target, len(rows.rows), rows.cus, first=first, last=last))


@compute.register
def _(op: tile.AvgPoolOp, builder: LoopBuilder) -> None:
    """A depthwise COOP convolution: a line of maps against a line with the weight in the lane of the channel."""
    machine = machine_of(op)
    line = machine.line_words
    configure(builder, op.shifts.record)
    weights = slot_address(op.weights, IndexExpr())
    steps = average_steps(machine.vmacs, line)
    for pixel in pixels(op, builder):
        columns, column_weight = cast(tuple[range, int], pixel.columns.classes[0])
        for kind, cus in pixel.rows.units():
            rows, row_weight = cast(tuple[range, int], kind)
            weight = op.weight_number(row_weight, column_weight)
            written_out = is_written_out(len(rows) * len(columns))
            with builder.loop(0, op.pixels.record.words // line) as channel:
                for step in steps_of(line, 1, machine.vmacs):
                    for number in builder.each(range(step.first, step.stop), written_out=written_out):
                        source = _window_word(op, "maps", op.pixels.record.first, pixel) + channel * line
                        target = _result_word(op, pixel) + channel * line
                        lanes = weights + line * (1 + weight * steps) + number * line
                        builder.add(
                            loop.StartOp(
                                tile.Mode.COOP,
                                tile.Space.WBUF,
                                weights,
                                target + number * machine.vmacs,
                                cus,
                                step.vmacs,
                            )
                        )
                        _average_taps(op, builder, rows, columns, source, lanes, line, cus, step.vmacs)


def _average_taps(
    op: tile.AvgPoolOp,
    builder: LoopBuilder,
    rows: range,
    columns: range,
    source: IndexExpr,
    lanes: IndexExpr,
    line: int,
    cus: int,
    vmacs: int,
) -> None:
    """One trace of a line for each pixel under the window; many columns in a loop over pieces, but for the last one."""
    layout = cast(tile.MapsBufferType, op.maps.type)
    pieces = column_runs(len(columns))

    def mac(row: IndexExpr, column: IndexExpr, last: bool) -> None:
        maps = source + row * layout.row.data + column * layout.pixel.data
        builder.add(loop.MacOp(tile.Mode.COOP, maps, lanes, line, cus, vmacs, last=last))

    def taps_of(row: IndexExpr, last: bool) -> None:
        *alike, flat = pieces
        if alike:
            with builder.loop(0, len(alike)) as piece:
                for column in alike[0]:
                    mac(row, piece * len(alike[0]) + columns.start + column, False)
        for column in flat:
            mac(row, IndexExpr(columns.start + column), last and column == flat[-1])

    for row in builder.each(rows[:-1], written_out=is_written_out(len(rows) * len(columns))):
        taps_of(row, False)
    taps_of(IndexExpr(rows.stop - 1), True)


@compute.register
def _(op: tile.AddOp, builder: LoopBuilder) -> None:
    """No traces: the operands start the accumulators, 16 channels a vMAC, and the results are written back at once."""
    machine = machine_of(op)
    part, relu = op.pixels.record, op.relu is not None
    configure(builder, op.shifts.record)
    builder.add(loop.ConfigOp(loop.Register.BYPASS_OFFSET, 0, machine.all_units))
    for pixel in pixels(op, builder):
        for step in steps_of(part.words, machine.macs, machine.vmacs):
            with builder.loop(step.first, step.stop) as number:
                word = number * (machine.vmacs * machine.macs)
                target = _result_word(op, pixel) + word
                operands = [(_window_word(op, "maps", part.first, pixel), False)]
                if op.other is not None:
                    operands.append((_window_word(op, "other", part.other, pixel), True))
                for _, cus in pixel.rows.units():
                    for source, second in operands:
                        last = second or op.other is None
                        builder.add(
                            loop.StartOp(
                                tile.Mode.INDP,
                                tile.Space.MBUF,
                                source + word,
                                target,
                                cus,
                                step.vmacs,
                                add=second,
                                alt=second,
                                last=last,
                                relu=last and relu,
                            )
                        )


def configure(builder: LoopBuilder, shifts: tile.Shifts) -> None:
    """Sets the shifts of an operation."""
    for register, value in zip(
        (loop.Register.RESULT_SHIFT, loop.Register.BIAS_SHIFT, loop.Register.BYPASS_SHIFT), shifts, strict=True
    ):
        builder.add(loop.ConfigOp(register, value))
