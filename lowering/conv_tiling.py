"""How a convolution or linear layer is cut into tiles: its kernels and channels, on top of the maps tiles of
lowering/maps_tiling.py. Pure arithmetic on layouts.
"""

from __future__ import annotations

from itertools import accumulate
from math import gcd
from typing import NamedTuple

from lowering.maps_tiling import (
    ColumnsPlan,
    MapsProblem,
    Place,
    PoolBefore,
    TilePlan,
    TileSize,
    TilingError,
    plan_maps,
)
from lowering.row_tiles import MapsTile
from snowdialect.dialects.tile import Mode, Order, Schedule, Split, Window
from snowdialect.layout import Abreast, MapsLayout, Packing, Segment, round_up, rows_in_part
from snowdialect.machine import Machine


class PoolBehind(NamedTuple):
    """A max pool that alone reads the result of a convolution, and so may be fused with it."""

    window: Window
    result: MapsLayout
    """The layout of its result in memory, and whether that is a part of wider pixels."""
    view: bool


class Sibling(NamedTuple):
    """One of several convolutions of the same maps that are computed as one; or, of one, channels that are stored
    apart."""

    channels: int
    result: MapsLayout
    """The layout of its result in memory."""
    view: bool
    """Its result is a part of wider pixels."""


class ConvProblem(NamedTuple):
    """A convolution or linear layer to be scheduled."""

    machine: Machine
    window: Window
    maps: MapsLayout
    bypass: MapsLayout | None
    result: MapsLayout
    channels: int
    """Output channels."""
    groups: int
    windows: int
    """Pieces of a pixel of which a kernel sees one."""
    view: bool
    """The result is a part of wider pixels."""
    pool: PoolBehind | None = None
    before: PoolBefore | None = None
    """The max pool that makes the maps, and is computed with the layer."""
    siblings: tuple[Sibling, ...] = ()
    """The convolutions that it is made of, in the order of their channels, if it is several: then `result` is what a
    tile of all of them holds, which is not in memory."""

    @property
    def results(self) -> tuple[MapsLayout, ...]:
        """The layouts of all that is stored, without a pool behind."""
        return tuple(sibling.result for sibling in self.siblings) or (self.result,)

    @property
    def loaded(self) -> MapsLayout:
        """The layout of what is loaded."""
        return self.maps if self.before is None else self.before.maps

    @property
    def depth(self) -> int:
        """Words of a pixel that a kernel sees."""
        return self.maps.pixel // self.windows

    @property
    def grain(self) -> int:
        """Words of which each trace has a multiple: those that a kernel sees of a pixel of the tensor."""
        return self.depth // self.maps.taps

    def kernel_rows(self, y: int) -> range:
        """The rows under the kernel that lie inside the maps for row y of the window's output."""
        return (self.window if self.maps.unrolled is None else self.maps.unrolled).kernel_rows(y)

    @property
    def may_be_abreast(self) -> bool:
        """Whether pixels side by side may share the lanes of kernel steps: they see the same channels, in columns
        without gaps, some of which lie under the windows of both."""
        alone = self.groups == self.windows == 1 and self.bypass is None
        return alone and self.window.dilation_w == 1 and self.window.kernel_w > self.window.stride_w

    def abreast(self, pixels: int) -> Abreast:
        """So many pixels side by side that share the lanes of kernel steps, in mode indp."""
        machine, window = self.machine, self.window
        words = round_up(self.channels, machine.line_words)
        return Abreast(pixels, words, machine.vmacs * machine.macs, window.stride_w, window.kernel_w)


class KernelPlan(NamedTuple):
    """What follows from a schedule for kernels and channels, whatever rows and columns its tiles have."""

    packing: Packing
    windows: int
    """Windows that a CU has kernels for."""
    kernel_tiles: int
    """Kernel tiles of each window."""
    channels: int
    """Words of a result pixel that a CU computes in each window."""
    slice: int
    """Words of each pixel that a CU loads, its own windows; 0: all CUs have all."""
    share: int
    """Channels from the first of a CU to the first of the next; 0: all CUs have the same kernels."""
    units: int
    """CUs among which kernels are split; 0: all have the same."""
    gathered: int
    """CUs whose channels one of them stores, because those of a single one are no whole transfers; 1: each its own."""
    partial: bool
    """A result tile has some of the channels."""
    stored_words: int
    """Words of a pixel that a CU stores."""
    maps: MapsProblem
    """What is left to be planned."""


class ConvPlan(NamedTuple):
    """What follows from a schedule."""

    schedule: Schedule
    maps: TilePlan
    kernels: KernelPlan

    @property
    def tile_words(self) -> int:
        """Words of a pixel in a tile of the window's output."""
        return self.kernels.maps.result_words

    @property
    def in_parts(self) -> bool:
        """Whether maps come in parts, as kernels do."""
        return bool(self.kernels.maps.part_rows)

    def maps_of_part(self, maps: MapsTile, window: Window, part: int) -> MapsTile:
        """What of a maps tile is loaded for a part of the kernels: the rows under it, where maps come in parts, too."""
        if not self.in_parts:
            return maps
        rows = _rows_of_part(window, self.kernels.packing, part)
        first = maps.first * window.stride_h - window.pad_top + rows.start * window.dilation_h
        return maps._replace(load_first=first, load_stop=first + _rows_read(window, rows))

    @property
    def whole_pixels(self) -> bool:
        """Whether what a CU stores of a pixel is all of it in memory."""
        return self.kernels.maps.whole_pixels


def possible_windows(channels_in: int, channels_out: int, groups: int, packed: bool, machine: Machine) -> list[int]:
    """Into how many pieces a pixel may be cut for a grouped convolution, most first: groups, or groups that are merged
    until a piece has whole lines and whole steps, down to the whole pixel.

    `packed`: the channels of a pixel lie without gaps, so that pieces can be cut at all.
    """
    return [
        windows
        for windows in range(groups, 0, -1)
        if windows == 1
        or (
            packed
            and groups % windows == 0
            and channels_in % windows == 0
            and channels_out % windows == 0
            and channels_in // windows % machine.line_words == 0
            and channels_out // windows % machine.vmacs == 0
        )
    ]


def kernel_share(problem: ConvProblem) -> int:
    """Channels of a CU when kernels are split over the CUs, in whole lines."""
    machine = problem.machine
    words = round_up(problem.channels, machine.line_words)
    return round_up(-(-words // machine.compute_units), machine.line_words)


def windows_of_cu(problem: ConvProblem, split: Split) -> int:
    """Windows of a pixel that a CU has kernels for; where it shares out windows, and there are too few, none."""
    return problem.windows // problem.machine.compute_units if shares_windows(problem, split) else problem.windows


def shares_windows(problem: ConvProblem, split: Split) -> bool:
    """Whether CUs share out the windows of a pixel, not the kernels of one."""
    return split is Split.KERNELS and problem.windows > 1


def plan_conv(problem: ConvProblem, schedule: Schedule) -> ConvPlan:
    """The tiles of a schedule; raises TilingError where they do not fit the machine."""
    return plan_tiles(problem, schedule, plan_kernels(problem, schedule))


def plan_tiles(
    problem: ConvProblem, schedule: Schedule, kernels: KernelPlan, columns: ColumnsPlan | None = None
) -> ConvPlan:
    """The tiles of a schedule whose kernels, and perhaps columns, are planned; raises TilingError where they do not fit
    the machine."""
    if problem.before is not None and schedule.split is not Split.ROWS:
        raise TilingError("where a pool comes before the layer, rows are shared out")
    if problem.siblings and (schedule.split, schedule.abreast) != (Split.ROWS, 1):
        raise TilingError("of channels that are stored apart, rows are shared out, and pixels are by themselves")
    if schedule.parts > 1 and (schedule.rows, schedule.columns, schedule.steps, schedule.fused) != (1, 1, 1, 0):
        raise TilingError("a kernel in parts keeps one output in the accumulators")
    several = kernels.kernel_tiles * kernels.windows > 1
    size = TileSize(schedule.rows, schedule.columns, schedule.maps_rows, schedule.maps_slots, schedule.result_slots)
    maps = plan_maps(kernels.maps, schedule.split, size, kernels.units, columns)
    if schedule.parts > 1 and any(tile.stop - tile.first > 1 for row in maps.rows for tile in row.maps):
        raise TilingError("a kernel in parts keeps one output in the accumulators")
    if schedule.order is Order.MLOOP and several and kernels.partial:
        tiles = max(len(row.maps) for row in maps.rows)
        if tiles > 1 and not maps.together:
            raise TilingError(f"{tiles} maps tiles to a result tile of some kernels want as many slots")
    if schedule.order is Order.KLOOP and several and schedule.result_tiles > 1:
        # Each waits for all its kernels, while maps go past one kernel tile after the other.
        tiles = len(maps.rows) * len(maps.columns)
        if tiles > maps.result.slots:
            raise TilingError(f"with kernels outside, {tiles} result tiles of several kernel tiles want {tiles} slots")
    return ConvPlan(schedule, maps, kernels)


def plan_kernels(problem: ConvProblem, schedule: Schedule) -> KernelPlan:
    """How a schedule cuts kernels and channels; raises TilingError where they do not fit the machine."""
    machine, pool = problem.machine, None
    if schedule.mode is Mode.COOP and problem.grain % machine.line_words:
        raise TilingError(f"COOP reads whole lines, a pixel has {problem.grain} words")
    if schedule.fused:
        if problem.pool is None:
            raise TilingError("there is no max pool to fuse")
        pool = problem.pool.window
        problem = problem._replace(result=problem.pool.result, view=problem.pool.view)
    shares = _shares(problem, schedule.split)
    steps = -(-schedule.abreast * shares.words // (machine.vmacs * schedule.mode.lanes(machine)))
    tiles = -(-steps // schedule.steps)
    _check_abreast(problem, schedule, tiles)
    packing = _packing(problem, schedule, shares, tiles)
    _check_kernel_tiles(problem, schedule, packing, shares.words, steps)
    words, partial = _channels_of_tile(problem, schedule, shares, tiles)
    _check_siblings(problem, partial=partial)
    stored = words * (1 if partial else shares.gathered)
    if not partial and problem.siblings:
        stored = problem.result.pixel
    elif not partial and stored != problem.result.pixel:
        stored = round_up(stored, machine.transfer_words)
    whole = not problem.view and not shares.share and not partial and stored == problem.result.pixel
    if not whole and problem.result.pixel % machine.transfer_words:
        raise TilingError("pixels that are stored one by one are whole transfers")
    if pool is None:
        words = stored
    if schedule.abreast > 1 and words != shares.words:
        raise TilingError(f"pixels abreast lie one behind the other, those of the tile are {words} words apart")
    sliced = bool(partial or shares.share) and _can_slice(problem.bypass, machine, words, shares.share)
    if schedule.biases and shares.share and problem.bypass is not None and not sliced:
        raise TilingError("a CU does not find its own biases where it finds its part of a bypass of all channels")
    loaded, maps = 0, problem.maps
    if shares.windows < problem.windows:
        loaded = shares.windows * problem.depth
        row = round_up(maps.width * loaded, machine.transfer_words)
        maps = MapsLayout(maps.height, maps.width, loaded, row, (Segment(loaded, 0),))
    maps_problem = MapsProblem(
        machine,
        problem.window,
        maps,
        problem.bypass,
        problem.result,
        words,
        whole,
        pool,
        stored,
        sliced=sliced,
        before=problem.before,
        bias_words=packing.bias_words,
        part_rows=_part_rows(problem, schedule, packing),
    )
    gathered = 1 if partial else shares.gathered
    words, share = shares.words, shares.share
    return KernelPlan(
        packing, shares.windows, tiles, words, loaded, share, shares.units, gathered, partial, stored, maps_problem
    )


def _part_rows(problem: ConvProblem, schedule: Schedule, packing: Packing) -> int:
    """Rows of the maps that are there for a part of the kernels, where these come in parts, and all that an output sees
    does not fit two slots; else 0."""
    window = problem.window
    seen = window.rows_read(1) * window.columns_read(1) * problem.maps.pixel
    can_be = schedule.parts > 1 and schedule.maps_slots > 1 and problem.maps.unrolled is None
    if not can_be or 2 * seen <= problem.machine.mbuf_words:
        return 0
    rows = (_rows_of_part(window, packing, part) for part in range(schedule.parts))
    return max(_rows_read(window, part) for part in rows)


def _rows_of_part(window: Window, packing: Packing, part: int) -> range:
    rows = rows_in_part(part, packing.part_words, packing.kernel_w * packing.depth)
    return range(rows.start, min(rows.stop, window.kernel_h))


def _rows_read(window: Window, kernel_rows: range) -> int:
    """Rows of the maps from the first to the last of some kernel rows."""
    return (len(kernel_rows) - 1) * window.dilation_h + 1


class _Shares(NamedTuple):
    """How kernels are shared out."""

    words: int
    """Words of a result pixel, or of a window's part of it, that a CU computes."""
    share: int = 0
    """Channels from the first of a CU to the first of the next; 0: all CUs have all kernels."""
    units: int = 0
    """CUs that have kernels."""
    gathered: int = 1
    """CUs whose channels one of them stores."""
    windows: int = 1
    """Windows that a CU has kernels for."""


def _shares(problem: ConvProblem, split: Split) -> _Shares:
    machine, transfer = problem.machine, problem.machine.transfer_words
    words = round_up(problem.channels // problem.windows, machine.line_words if problem.windows == 1 else 1)
    if split is not Split.KERNELS:
        return _Shares(words, windows=problem.windows)
    if problem.result.pixel % transfer:
        raise TilingError("kernels that are shared out are stored in whole transfers")
    if shares_windows(problem, split):
        return _shares_of_windows(problem, words)
    share = kernel_share(problem)
    if problem.bypass is not None and share * machine.compute_units != words:
        raise TilingError("kernels with a bypass are shared out evenly")
    units = -(-words // share)
    return _Shares(share, share, units, transfer // gcd(share, transfer) if units > 1 else 1)


def _shares_of_windows(problem: ConvProblem, words: int) -> _Shares:
    """CUs share out the windows of a pixel, `words` of the result each, and load no others."""
    machine, transfer = problem.machine, problem.machine.transfer_words
    windows, left = divmod(problem.windows, machine.compute_units)
    if left or machine.compute_units == 1 or problem.bypass is not None:
        raise TilingError("groups are shared out evenly over several CUs, and without a bypass")
    if problem.maps.pixel % transfer or windows * problem.depth % transfer:
        raise TilingError("groups that are shared out are loaded in whole transfers")
    share = windows * words
    gathered = transfer // gcd(share, transfer)
    if gathered > 1 and share % machine.line_words:
        raise TilingError(f"{share} channels of a CU are no whole lines, in which another one would gather them")
    return _Shares(words, share, machine.compute_units, gathered, windows)


def _check_abreast(problem: ConvProblem, schedule: Schedule, tiles: int) -> None:
    """Raises TilingError where pixels cannot share the lanes of kernel steps, of so many tiles."""
    if schedule.abreast == 1:
        return
    if not problem.may_be_abreast:
        raise TilingError("pixels abreast see the same channels, in windows that overlap")
    if schedule.mode is not Mode.INDP or schedule.split is not Split.ROWS or schedule.parts > 1 or schedule.biases:
        raise TilingError("pixels abreast want mode indp, rows shared out, and whole kernels with their biases")
    if tiles > 1:
        raise TilingError("pixels abreast have all their kernels in one tile")


def _check_siblings(problem: ConvProblem, *, partial: bool) -> None:
    """Raises TilingError where the results of several convolutions in one cannot be stored from a tile of all of their
    channels, or of some."""
    machine = problem.machine
    starts = [0, *accumulate(sibling.channels for sibling in problem.siblings[:-1])]
    if any(sibling.result.pixel % machine.transfer_words for sibling in problem.siblings):
        raise TilingError("pixels that are stored one by one are whole transfers")
    if any(start % (machine.transfer_words if partial else machine.line_words) for start in starts):
        what = "transfers" if partial else "lines"
        raise TilingError(f"channels that are stored apart begin at whole {what} of a tile's pixels")


def _packing(problem: ConvProblem, schedule: Schedule, shares: _Shares, tiles: int) -> Packing:
    """How kernels lie in memory, in so many tiles a window."""
    return Packing(
        mode=schedule.mode.value,
        groups=problem.groups,
        windows=problem.windows,
        depth=problem.grain,
        kernel_h=problem.window.kernel_h * problem.maps.taps,
        kernel_w=problem.window.kernel_w,
        channels=problem.channels,
        cus=shares.units or 1,
        share=shares.share,
        vmacs=problem.machine.vmacs,
        line=problem.machine.line_words,
        steps=schedule.steps,
        tiles=tiles * shares.windows,
        parts=schedule.parts,
        abreast=schedule.abreast,
        advance=problem.window.stride_w if schedule.abreast > 1 else 0,
        segments=problem.maps.segments,
        unrolled=problem.maps.unrolled is not None,
        apart=bool(schedule.biases),
    )


def _check_kernel_tiles(problem: ConvProblem, schedule: Schedule, packing: Packing, words: int, steps: int) -> None:
    """Raises TilingError for kernel tiles of a CU's `words` channels, or `steps` kernel steps, that cannot be."""
    machine = problem.machine
    if problem.windows > 1 and steps % schedule.steps:
        raise TilingError("the kernels of a group are cut into equal tiles")
    if problem.windows > 1 and words % (machine.vmacs if schedule.mode is Mode.COOP else machine.macs):
        raise TilingError("the kernels of a group fill whole steps, or all lanes of some vMACs")
    weights_place(machine, schedule.steps * packing.block, schedule.weights_slots, packing.block)
    if schedule.weights_slots > 2 and schedule.order is Order.KLOOP:
        raise TilingError("with kernels outside, none is used again, and two slots are enough")
    if packing.part_words * (schedule.parts - 1) >= packing.kernel_words:
        raise TilingError(f"a kernel of {packing.kernel_words} words has no {schedule.parts} parts")
    if problem.bypass is not None and len(problem.bypass.segments) > 1:
        raise TilingError("a convolution adds channels in a row")
    if schedule.parts > 1 and schedule.order is Order.KLOOP:
        raise TilingError("the parts of a kernel follow one another inside the loop over maps")


def _channels_of_tile(problem: ConvProblem, schedule: Schedule, shares: _Shares, tiles: int) -> tuple[int, bool]:
    """Words of a pixel that a result tile holds, those of some of so many kernel tiles a window or of all of them, and
    whether it is some."""
    machine, words = problem.machine, shares.words
    partial = schedule.result_tiles < tiles * shares.windows
    if partial and schedule.fused and schedule.order is Order.MLOOP:
        raise TilingError("a fused pool keeps rows of all channels from tile to tile")
    if partial and shares.windows > 1 and tiles % schedule.result_tiles:
        raise TilingError("a result tile has channels of one group")
    step = machine.vmacs * schedule.mode.lanes(machine)
    held = min(schedule.result_tiles * schedule.steps * step, words) if partial else words * shares.windows
    if partial and (held % machine.transfer_words or shares.share % machine.transfer_words):
        raise TilingError(f"a tile of {held} channels is not stored in whole transfers")
    if partial and shares.windows > 1 and words % machine.transfer_words:
        raise TilingError(f"tiles of a group of {words} channels do not begin at whole transfers")
    if schedule.fused and held % machine.line_words:
        raise TilingError(f"a pool reads whole lines, a tile has {held} channels")
    return held, partial


def weights_place(machine: Machine, words: int, slots: int, block: int) -> Place:
    """Where kernel tiles of so many words lie, in blocks of so many; raises TilingError where they do not fit.

    Half of several slots lie in each bank.
    """
    capacity = machine.wbuf_words if slots == 1 else machine.wbuf_bank_words // (slots // 2)
    if words > capacity:
        raise TilingError(f"{words // block} kernels of {block} words do not fit {capacity} words of a weights buffer")
    return Place(words, 0, slots, machine.wbuf_bank_words, block)


def most_slots(machine: Machine, words: int, wanted: int) -> int:
    """How many slots of so many words a weights buffer has: an even number, no more than are wanted."""
    return 2 * min(machine.wbuf_bank_words // words, -(-wanted // 2))


def _can_slice(bypass: MapsLayout | None, machine: Machine, words: int, share: int) -> bool:
    """Whether tiles, and CUs, have whole transfers of a bypass each."""
    if bypass is None:
        return False
    return not any(
        number % machine.transfer_words for number in (words, share, bypass.pixel, bypass.segments[0].offset)
    )
