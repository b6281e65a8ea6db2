"""The tile program of a convolution or a linear layer, with the max pool behind it where that is fused."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import replace
from functools import cache, cached_property
from math import gcd

from lowering.conv_tiling import ConvPlan, ConvProblem, weights_place
from lowering.costs import instructions_per_output, per_output
from lowering.maps_tiling import ColumnTile
from lowering.row_tiles import MapsTile, RowTile
from lowering.tile_steps.conv_tile import ConvTile, KernelTile, ResultTile, TileShapes
from lowering.tile_steps.layer import (
    CYCLES_PER_INSTRUCTION,
    LayerBuffers,
    LoadBiases,
    LoadWeights,
    Origin,
    Piece,
    Slice,
    Slots,
    Transfer,
    memory_cycles,
)
from lowering.tile_steps.neighbours import FirstLoad, Stored, Swapped
from lowering.tile_steps.pool import PoolTile
from lowering.tile_steps.pooled_maps import PooledColumns, PooledMaps
from lowering.tile_steps.steps import Access, Buffer, Extent, Maps, Role, Step, Unit
from snowdialect.dialects import tile
from snowdialect.layout import round_up

KEPT_WAITING = 3
"""Kernels that are loaded beside maps that go past others come in pieces, each so many times shorter than the tile of
maps that it may keep waiting,"""
HALVES = 2
"""but in no shorter ones than so many of each kernel."""
FIRST_PIECES = 4
"""Kernels that a layer begins with come in so many pieces at most: each is a load for every weights buffer."""


class ConvSteps(LayerBuffers):
    """Collects the tile program of a convolution."""

    def __init__(self, problem: ConvProblem, plan: ConvPlan, regions: Maps, swapped: Swapped) -> None:
        super().__init__(problem.machine, problem.window, plan.maps, regions, swapped)
        self.problem, self.conv_plan = problem, plan
        schedule = plan.schedule
        self.result = self.buffer(Role.RESULT_TILE, plan.maps.result, plan.tile_words)
        self.result_slots = Slots(plan.maps.result.slots)
        pooled, halo, kept = plan.maps.pooled, plan.maps.halo, plan.maps.kept
        self.pooled = None if pooled is None else self.buffer(Role.POOLED_TILE, pooled, plan.kernels.stored_words)
        self.pooled_slots = Slots(1 if pooled is None else pooled.slots)
        self.halo = None if halo is None else self.buffer(Role.HALO, halo, plan.tile_words)
        self.kept = None if kept is None else self.buffer(Role.KEPT, kept, plan.tile_words)
        block, slots = plan.kernels.packing.block, schedule.weights_slots
        self.buffer(Role.WEIGHTS, weights_place(self.machine, schedule.steps * block, slots, block), block)
        self.weights_slots = Slots(slots)
        biases = plan.maps.biases
        self.biases = None if biases is None else self.buffer(Role.BIASES, biases, biases.words)
        self.biased = set[int]()
        """The slots of maps beside which biases are there."""
        self.tile_channels = schedule.steps * self.machine.vmacs * schedule.mode.lanes(self.machine)
        tiles = [KernelTile(w, k) for w in range(plan.kernels.windows) for k in range(plan.kernels.kernel_tiles)]
        count = schedule.result_tiles
        self._shapes: dict[tuple[MapsTile, ColumnTile, int, int], TileShapes] = {}
        self._alike: dict[Hashable, TileShapes] = {}
        """The first ones of each kind."""
        self.output_cycles = per_output(problem, schedule.mode, schedule.abreast)
        self.output_instructions = instructions_per_output(problem)
        self.cover = self.machine.queue_depth * self.output_cycles // self.output_instructions
        self.ends = tiles[0], tiles[-1]
        """The kernel tiles with which passes over all of them begin and end."""
        self.groups = [tiles[first : first + count] for first in range(0, len(tiles), count)]
        self.pooled_maps: PooledMaps | None = None
        if problem.before is not None:
            passes = len(tiles) if schedule.order is tile.Order.KLOOP else 1
            visits = [(maps, columns) for rows, columns in self._places() for maps in rows.maps]
            kind = PooledMaps if self.maxima is None else PooledColumns
            self.pooled_maps = kind(self, problem.before, visits * passes)
        self._collect()

    def _collect(self) -> None:
        places = self._places()
        # Back and forth, where not all stays of what goes past the other: that which came last is used first.
        schedule = self.conv_plan.schedule
        if schedule.order is tile.Order.KLOOP:
            # A residual lies in the bank of the maps that it is for: slots of both have to keep step.
            alone = self.pooled is None and self.other is None and self.pooled_maps is None
            turns = bool(schedule.turns) and alone and self.tiles.maps_tiles > self.maps_slots.count
            passes = [(group, kernel) for group in self.groups for kernel in group]
            for number, (group, kernel) in enumerate(passes):
                backwards = turns and number % 2 == 1
                for rows, columns in reversed(places) if backwards else places:
                    self._result_tile(rows, columns, group, [kernel], backwards=backwards)
        else:
            all_stay = sum(map(len, self.groups)) * schedule.parts <= self.weights_slots.count
            turns = bool(schedule.turns) and not all_stay
            passes = 0
            for rows, columns in places:
                backwards = turns and passes % 2 == 1
                leaving = all_stay and (rows, columns) == places[-1]
                for group in reversed(self.groups) if backwards else self.groups:
                    past = group[::-1] if backwards else group
                    self._result_tile(rows, columns, group, past, turns=turns, leaving=leaving)
                # Where maps tiles come one after the other, all kernels are in one group.
                passes += 1 if self.tiles.together else len(rows.maps)

    def _places(self) -> list[tuple[RowTile, ColumnTile]]:
        """The result tiles, in order."""
        places = [(rows, columns) for rows in self.tiles.rows for columns in self.tiles.columns]
        if self.pooled is not None:
            # Rows that stay for the next tile are those of its columns.
            places.sort(key=lambda place: place[1].stored_first)
        return places

    def shapes(self, maps: MapsTile, columns: ColumnTile, part: int, channels: int) -> TileShapes:
        """Those of tiles which compute so many channels of a place with a part of their kernels."""
        key = maps, columns, part, channels
        if key not in self._shapes:
            shapes = TileShapes(self, maps, columns, part, channels)
            # Most tiles are as far from the borders of the maps as others.
            self._shapes[key] = self._alike.setdefault(shapes.kind, shapes)
        return self._shapes[key]

    def _result_tile(
        self,
        rows: RowTile,
        columns: ColumnTile,
        group: list[KernelTile],
        kernels: list[KernelTile],
        *,
        backwards: bool = False,
        turns: bool = False,
        leaving: bool = False,
    ) -> None:
        """Computes of the result tile of a group of kernel tiles what some of these give, which may be all; loads what
        is added before the first of the group, stores behind the last. Backwards, maps come from below; in turns,
        kernels come in the other order for every second maps tile. `leaving`: it is the last tile, and nothing but
        the layer behind comes in the place of kernels."""
        channel = self._channel(group[0]) if len(self.groups) > 1 else 0
        slot, _ = self.result_slots.take((rows.base, columns.stored_first, channel))
        result = ResultTile(slot, rows.base, channel)
        whole = len(kernels) == len(group)
        begins, ends = whole or kernels[0] == group[0], whole or kernels[-1] == group[-1]
        together = self.tiles.together and len(rows.maps) > 1
        for chunk in self._chunks(kernels) if together else [kernels]:
            for number, maps in enumerate(reversed(rows.maps) if backwards else rows.maps):
                self._bring_back(maps, columns, result)
                past = chunk[::-1] if turns and not together and number % 2 else chunk
                if leaving and not together and number == len(rows.maps) - 1:
                    past = self._leave_bank_by_bank(past)
                for kernel in past:
                    first = begins and chunk[0] is kernels[0] and kernel is past[0]
                    self._kernel_tile(maps, columns, kernel, result, first=first)
                if self.pooled_maps is not None:
                    self.pooled_maps.load_behind()
                self._keep(maps, columns, result)
        if not ends:
            return
        if self.pooled is None:
            self._store(self.result, slot, rows, columns, channel)
        else:
            self._pool(rows, columns, result)

    def _leave_bank_by_bank(self, kernels: list[KernelTile]) -> list[KernelTile]:
        """Kernel tiles in the order in which they leave: those in the first bank before those in the second one; slots
        have the banks in turns. So the layer behind may load its own into the first while the second is computed with.
        Tiles that are still to be loaded, or lie in several slots, keep their order."""
        held = self.weights_slots.held
        tiles = [part for kernel in kernels for part in self._parts_of(kernel)]
        if len(tiles) > len(kernels) or not all(tile in held for tile in tiles):
            return kernels
        slots = {kernel: held.index(tile) for kernel, tile in zip(kernels, tiles, strict=True)}
        return sorted(kernels, key=lambda kernel: slots[kernel] % 2)

    def _parts_of(self, kernel: KernelTile) -> list[tuple[int, int]]:
        """The parts of a kernel tile, as slots hold them."""
        number = kernel.window * self.conv_plan.kernels.kernel_tiles + kernel.number
        return [(number, part) for part in range(self.conv_plan.schedule.parts)]

    def _chunks(self, kernels: list[KernelTile]) -> list[list[KernelTile]]:
        """Which kernel tiles go together past one of the maps tiles that are there, then past the next: one at a time,
        but as many as have slots in turns at the ends of a pass over all kernels.

        So what replaces a maps tile has time to come: while all of these go past the other one.
        """
        together = min(self.weights_slots.count, 2)
        first = min(together, len(kernels)) if kernels[0] in self.ends else 0
        last = min(together, len(kernels) - first) if kernels[-1] in self.ends else 0
        middle = kernels[first : len(kernels) - last]
        chunks = kernels[:first], *([kernel] for kernel in middle), kernels[len(kernels) - last :]
        return [chunk for chunk in chunks if chunk]

    def _channel(self, kernel: KernelTile) -> int:
        return kernel.window * self.conv_plan.kernels.channels + kernel.number * self.tile_channels

    def _kernel_tile(
        self, maps: MapsTile, columns: ColumnTile, kernel: KernelTile, result: ResultTile, *, first: bool
    ) -> None:
        for number, part in self._parts_of(kernel):
            weights_slot, missing = self.weights_slots.take((number, part))
            if missing:
                self._load_weights(number, part, weights_slot)
            seen = self.conv_plan.maps_of_part(maps, self.window, part)
            maps_slot = self._maps_slot(seen, columns)
            if first and part == 0:
                self._load_bypass(maps, columns, result)
            self.steps.append(ConvTile(self, seen, columns, kernel, result, maps_slot, weights_slot, part))

    def _maps_slot(self, maps: MapsTile, columns: ColumnTile) -> int:
        """Sees to it that a maps tile is in its buffer, loaded or pooled, and biases beside it; returns the slot."""
        if self.pooled_maps is None:
            own = self.conv_plan.kernels.slice
            slot = self.load_maps(maps, columns, Slice(0, own, own) if own else None)
            self._load_biases(slot)
            return slot
        # Those of the second slot would else wait for maps that are loaded before them, and the MACs for both.
        for slot in self.pooled_maps.used_slots:
            self._load_biases(slot)
        return self.pooled_maps.slot_of(maps, columns)

    def _load_bypass(self, maps: MapsTile, columns: ColumnTile, result: ResultTile) -> None:
        if not self.tiles.sliced:
            self.load_other(result.base, maps, columns, result.slot)
            return
        assert self.regions.other is not None
        first = self.regions.other.layout.segments[0].offset
        left = self.conv_plan.kernels.channels * self.conv_plan.kernels.windows - result.channel
        words = min(self.conv_plan.tile_words, round_up(left, self.machine.transfer_words))
        wanted = Slice(result.channel + first, words, self.conv_plan.kernels.share)
        self.load_other(result.base, maps, columns, result.slot, wanted)

    def _load_biases(self, slot: int) -> None:
        """Sees to it that the biases of all kernels are beside a slot of maps, where they have a place there."""
        if self.biases is None or slot in self.biased:
            return
        self.biased.add(slot)
        load = LoadBiases(self.tiles.cus)
        transfers = self.bias_transfers(load)
        self.steps.append(
            Step(
                load,
                (slot,),
                Unit.LOAD,
                (),
                (Access(Role.BIASES, slot),),
                (1,) * self.machine.compute_units,
                len(transfers) * CYCLES_PER_INSTRUCTION,
                memory_cycles(self.machine, 1, sum(transfer.words for transfer in transfers)),
            )
        )

    def _load_weights(self, number: int, part: int, slot: int) -> None:
        machine, packing = self.machine, self.conv_plan.kernels.packing
        beside_maps = (
            self.conv_plan.schedule.order is tile.Order.KLOOP and self.tiles.maps_tiles > self.maps_slots.count
        )
        patient = number > 0 and beside_maps and self.weights_slots.count > 1
        loads = self._pieces if patient else [LoadWeights(part, self.tiles.cus)]
        written = (Access(Role.WEIGHTS, slot),)
        self.steps += [
            Step(
                load,
                (number, slot),
                Unit.LOAD,
                (),
                written,
                (1,) * machine.compute_units,
                machine.vmacs * min(packing.cus, load.cus.bit_count()) * CYCLES_PER_INSTRUCTION,
                memory_cycles(machine, 1, packing.tile_words // len(loads)),
                # Free slots beside the kernels that are computed with have to wait.
                held=self.buffers.whole_banks_of(written) if self.weights_slots.count > 2 else (),
                patient=patient,
            )
            for load in loads
        ]

    @cached_property
    def _pieces(self) -> list[LoadWeights]:
        """The loads of a kernel tile in pieces, CU by CU where these have kernels of their own."""
        machine, packing = self.machine, self.conv_plan.kernels.packing
        rows = min(maps.stop - maps.first for tile in self.tiles.rows for maps in tile.maps)
        outputs = rows * min(columns.stop - columns.first for columns in self.tiles.columns)
        most = outputs * packing.steps * self.output_cycles // KEPT_WAITING
        if memory_cycles(machine, 1, packing.tile_words) <= most:
            return [LoadWeights(0, self.tiles.cus)]
        cus = [self.tiles.cus]
        if packing.cus > 1:
            cus = [1 << cu for cu in range(machine.compute_units) if self.tiles.cus >> cu & 1]
        words = packing.tile_words // len(cus)
        finest = self._finest_pieces
        pieces = next((n for n in divisors(finest) if memory_cycles(machine, 1, words // n) <= most), finest)
        return [LoadWeights(0, mine, piece, pieces) for piece in range(pieces) for mine in cus]

    @property
    def _finest_pieces(self) -> int:
        """Into how many pieces a kernel tile may be cut."""
        packing = self.conv_plan.kernels.packing
        return gcd(HALVES, packing.block // self.machine.transfer_words) * packing.steps

    def first_loads(self, before: LayerBuffers, stored: Collection[Stored]) -> tuple[FirstLoad, ...]:
        """Kernels that lie in both banks come in pieces: those in one bank while the layer before computes with kernels
        in the other one."""
        loads = super().first_loads(before, stored)
        return tuple(piece for load in loads for piece in self._pieces_of_first(load))

    def _pieces_of_first(self, first: FirstLoad) -> list[FirstLoad]:
        """A first load in equal pieces, or whole if it is not one of kernels in both banks."""
        load, words = first.template.load, first.words.words
        if not isinstance(load, LoadWeights) or load.pieces > 1 or len(self.buffers.banks(first.words)) == 1:
            return [first]
        pieces = max(number for number in divisors(self._finest_pieces) if number <= FIRST_PIECES)
        size = (words.stop - words.first) // pieces
        return [
            first._replace(
                template=replace(first.template, load=replace(load, piece=piece, pieces=pieces)),
                words=first.words._replace(words=Extent(begin, begin + size)),
                takes=memory_cycles(self.machine, 1, self.conv_plan.kernels.packing.tile_words // pieces),
            )
            for piece, begin in enumerate(range(words.first, words.stop, size))
        ]

    def weights_transfers(self, load: LoadWeights) -> list[Transfer]:
        packing, machine = self.conv_plan.kernels.packing, self.machine
        words = packing.steps * packing.block // load.pieces
        return [
            Transfer((cu * machine.vmacs + vmac) % machine.load_units, 1, words)
            for cu in range(packing.cus)
            if packing.cus == 1 or load.cus >> cu & 1
            for vmac in range(packing.vmacs)
            if vmac * packing.lanes < packing.abreast * packing.kernels_of_cu
        ]

    def bias_transfers(self, load: LoadBiases) -> list[Transfer]:
        packing, units = self.conv_plan.kernels.packing, self.machine.load_units
        cus = [cu for cu in range(packing.cus) if packing.cus == 1 or load.cus >> cu & 1]
        return [Transfer(cu % units, 1, packing.bias_words) for cu in cus]

    def _store(self, buffer: Buffer, slot: int, rows: RowTile, columns: ColumnTile, channel: int) -> None:
        plan, region = self.conv_plan.kernels, self.regions.result.layout
        column, width = columns.stored_first, columns.stored_stop - columns.stored_first
        if plan.gathered > 1:
            self._gather(buffer, slot, rows.stop - rows.first, width)
        leaders = sum(1 << cu for cu in range(0, self.machine.compute_units, plan.gathered)) & self.tiles.cus
        span = tile.Span(0, rows.stop - rows.first, 0, width, self.tiles.share, leaders)
        if self.problem.siblings:
            self._store_siblings(buffer, slot, (rows.first, column), channel, span)
            return
        if self.conv_plan.whole_pixels:
            self.store(buffer, slot, (rows.first, column, 0), region.pixel, 0, region.pixel, span)
            return
        first = region.segments[0].offset
        limit = first + round_up(self.problem.channels, self.machine.transfer_words)
        words = plan.stored_words
        if len(self.groups) > 1:
            words = min(words, round_up(plan.channels * plan.windows - channel, self.machine.transfer_words))
        self.store(buffer, slot, (rows.first, column, channel + first), words, plan.share, limit, span)

    def _store_siblings(self, buffer: Buffer, slot: int, place: tuple[int, int], channel: int, span: tile.Span) -> None:
        """Stores of a tile that begins with some channel what each of several convolutions has there, into its own
        result."""
        transfer, first = self.machine.transfer_words, 0
        end = channel + self.conv_plan.kernels.stored_words
        for number, sibling in enumerate(self.problem.siblings):
            begin, stop = max(first, channel), min(first + round_up(sibling.channels, transfer), end)
            if begin < stop:
                offset = sibling.result.segments[0].offset
                limit = offset + round_up(sibling.channels, transfer)
                target = *place, offset + begin - first
                self.store(buffer, slot, target, stop - begin, 0, limit, span, Piece(begin - channel, number))
            first += sibling.channels

    def _gather(self, buffer: Buffer, slot: int, rows: int, columns: int) -> None:
        """Brings the channels of neighbouring CUs together, so that they make whole transfers."""
        plan = self.conv_plan.kernels
        for down in range(1, plan.gathered):
            cus = sum(1 << cu for cu in range(down, self.machine.compute_units, plan.gathered)) & self.tiles.cus
            if cus:
                target = Origin(buffer, slot, word=down * plan.share)
                self.move(Origin(buffer, slot), target, (rows, columns, plan.share), cus, down)

    def _bring_back(self, maps: MapsTile, columns: ColumnTile, result: ResultTile) -> None:
        """Moves the columns that the tile to the left has kept to the start of these rows."""
        if self.kept is not None and columns.kept:
            target = Origin(self.result, result.slot, maps.first - result.base)
            size = maps.stop - maps.first, columns.kept, self.conv_plan.tile_words
            self.move(Origin(self.kept, row=self._kept_row(maps)), target, size, maps.cus, 0)

    def _keep(self, maps: MapsTile, columns: ColumnTile, result: ResultTile) -> None:
        """Moves the last columns of these rows to where they stay for the tile to the right."""
        if self.kept is not None and columns is not self.tiles.columns[-1]:
            count = self.tiles.columns[self.tiles.columns.index(columns) + 1].kept
            left = columns.stop - columns.first - count
            source = Origin(self.result, result.slot, maps.first - result.base, left)
            size = maps.stop - maps.first, count, self.conv_plan.tile_words
            self.move(source, Origin(self.kept, row=self._kept_row(maps)), size, maps.cus, 0)

    def _kept_row(self, maps: MapsTile) -> int:
        return maps.first - min(tile.first for rows in self.tiles.rows for tile in rows.maps)

    def _pool(self, rows: RowTile, columns: ColumnTile, result: ResultTile) -> None:
        """Pools and stores; hands on the rows that two tiles, or two CUs, share."""
        plan = self.tiles
        assert self.problem.pool is not None and self.pooled is not None
        pool = self.problem.pool.window
        overlap, words, width = plan.overlap, self.conv_plan.tile_words, columns.stop - columns.first
        here, size = result.slot, (overlap, width, words)
        # Rows of the tile that the one above it has in common with it, and the one below.
        above, below = Origin(self.result, here), Origin(self.result, here, (rows.stop - rows.first) * pool.stride_h)
        if self.halo is not None:
            all_but_first, all_but_last = plan.cus & ~1, plan.cus & plan.cus >> 1
            if rows is plan.rows[0] and plan.upwards:
                # The last rows of a CU are the first ones of the next CU.
                self.move(below, Origin(self.halo), size, all_but_last, -1)
            elif rows is plan.rows[0]:
                self.move(above, Origin(self.halo), size, all_but_first, 1)
            if rows is plan.rows[-1] and plan.upwards:
                self.move(Origin(self.halo), above, size, all_but_first, 0)
            elif rows is plan.rows[-1]:
                self.move(Origin(self.halo), below, size, all_but_last, 0)
        column = columns.stored_first
        slot, _ = self.pooled_slots.take((rows.first, column, result.channel))
        span = tile.Span(0, rows.stop - rows.first, 0, columns.stored_stop - column, plan.share, plan.cus)
        channels = tile.Pixels(words, 0, 0, 0, column * pool.stride_w - pool.pad_left - columns.first, 0)
        maps, pooled = (self.result.role, here), (self.pooled.role, slot)
        self.steps.append(PoolTile(self.machine, pool, maps, pooled, (rows.first, column), span, channels))
        if overlap and rows is not plan.rows[-1]:
            following = plan.rows[plan.rows.index(rows) + 1]
            end = Origin(self.result, here, (following.stop - following.first) * pool.stride_h)
            self.move(*((above, end) if plan.upwards else (below, above)), size, plan.cus, 0)
        self._store(self.pooled, slot, rows, columns, result.channel)


@cache
def conv_steps(problem: ConvProblem, plan: ConvPlan, regions: Maps, swapped: Swapped) -> ConvSteps:
    """The tile program of a convolution or a linear layer; layers that are alike share it."""
    return ConvSteps(problem, plan, regions, swapped)


def divisors(number: int) -> list[int]:
    """The numbers that divide another one, smallest first."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
