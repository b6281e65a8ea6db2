"""cnn to tile: tensors become regions of memory, layers become tile loops over buffers.

One pattern an operation, applied from the inputs to the outputs. What the accelerator does not compute stays an
operation of the host, behind a `tile.read` of its operands and before a `tile.write` of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, UnrealizedConversionCastOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import region_dce

from lowering.conv_tiling import ConvProblem, plan_conv
from lowering.host import host_reason
from lowering.layouts import concat_segments, layout_of, placement
from lowering.legality import check_removed
from lowering.maps_tiling import TilingError
from lowering.problems import (
    FUSED,
    check_quantised,
    conv_problem,
    fused_pool,
    linear_problem,
    pixel_window,
    pool_behind,
    pool_window,
    siblings_of,
)
from lowering.tile_steps.conv import conv_steps
from lowering.tile_steps.emit import Operands
from lowering.tile_steps.layer import Form, LayerBuffers
from lowering.tile_steps.neighbours import Swapped
from lowering.tile_steps.sequence import Layer, fill_sequence, sequences
from lowering.tile_steps.steps import Maps
from lowering.tile_steps.words import add_steps, average_weights, avg_pool_steps, max_pool_steps
from snowdialect.dialects import cnn, tile
from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.layers import describe_alone
from snowdialect.dialects.locations import layer_name, located, name_location
from snowdialect.dialects.target import machine_of
from snowdialect.errors import SnowError
from snowdialect.layout import MapsLayout
from snowdialect.machine import Machine

SCHEDULE = tile.ScheduleAttr.name


@dataclass(frozen=True)
class ConvertCnnToTilePass(ModulePass):
    """Lowers every fixed-point layer that the accelerator can compute."""

    name = "convert-cnn-to-tile"
    overlap: bool = True
    """Whether a layer begins while the one before it is still at work: loads its first tiles, and computes."""
    interleave: bool = True
    """Whether tiles are computed in parts with loads, moves and stores between; without, each step comes when the tile
    that it is for begins or ends."""
    roll: bool = True
    """Whether tiles that repeat become loops; without, each is code of its own."""

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        regions = Regions(machine_of(op))
        patterns = (
            LowerConv,
            LowerLinear,
            LowerMaxPool,
            LowerAvgPool,
            LowerAdd,
            LowerRelu,
            LowerRescale,
            LowerReshape,
            LowerWhole,
        )
        PatternRewriteWalker(
            GreedyRewritePatternApplier([pattern(regions) for pattern in patterns]), apply_recursively=False
        ).rewrite_module(op)
        PatternRewriteWalker(ReadRegion(), apply_recursively=False).rewrite_module(op)
        found = sequences(op.body.block, regions.layers)
        if not self.overlap:
            found = [[layer] for sequence in found for layer in sequence]
        for layers in found:
            fill_sequence(layers, Form(self.interleave, self.roll))
        describe_alone(op, {layer_name(layers[0].op) for layers in found if len(layers) == 1})
        region_dce(op.body)
        gone = UnrealizedConversionCastOp, cnn.Conv2dOp, cnn.LinearOp, cnn.ConcatOp, cnn.InterleaveOp
        check_removed(op, self.name, gone)


@dataclass
class Regions:
    """The memory of each tensor: what a layer reads from and writes to."""

    machine: Machine
    of_whole: dict[cnn.WholeOp, SSAValue] = field(default_factory=dict[cnn.WholeOp, SSAValue])
    """Of what several layers write their results into."""
    of_host: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    layers: list[Layer] = field(default_factory=list[Layer])
    """The layers, still empty."""

    def layer(self, kind: str, operands: Operands, steps: Callable[[Maps, Swapped], LayerBuffers]) -> tile.LayerOp:
        """A layer that is to be filled with these steps."""
        op = tile.LayerOp(kind, Region(Block()))
        self.layers.append(Layer(op, operands, partial(steps, operands.regions())))
        return op

    def read(self, value: SSAValue) -> SSAValue:
        """The region that holds a tensor; a tensor of the host is written to memory right behind its operation."""
        if isinstance(cast := value.owner, UnrealizedConversionCastOp):
            return cast.inputs[0]
        if value not in self.of_host:
            owner = value.owner
            assert isinstance(owner, Operation)
            point = InsertPoint.after(owner)
            region = self._make(value, point, f"{layer_name(owner)}")
            self.of_host[value] = region
            write = located(tile.WriteOp(value, region), owner.location)
            Rewriter.insert_op(write, InsertPoint.after(_last_of(region, owner)))
        return self.of_host[value]

    def write(self, op: Operation, before: Operation | None = None) -> SSAValue:
        """A region for the result of a layer, made before it, or before the layer that it is fused with."""
        return self._make(op.results[0], InsertPoint.before(before or op), layer_name(op))

    def _name_of(self, whole: cnn.WholeOp) -> str:
        """A name for the region of a whole. Rows in turns are not what the network has as that layer's result, nor as
        that of another one."""
        name = layer_name(whole)
        if isinstance(whole, cnn.InterleaveOp):
            assert (block := whole.parent) is not None
            taken = set(map(layer_name, block.ops))
            while name in taken:
                name = f"{name}.rows"
        return name

    def _make(self, value: SSAValue, point: InsertPoint, name: str) -> SSAValue:
        layout = layout_of(value, self.machine)
        if (place := placement(value)) is None:
            op = tile.RegionOp(name, layout)
        else:
            whole, position = place
            if whole not in self.of_whole:
                region = tile.RegionOp(self._name_of(whole), layout_of(whole.results[0], self.machine))
                Rewriter.insert_op(located(region, whole.location), point)
                self.of_whole[whole] = region.result
            first_row = position if isinstance(whole, cnn.InterleaveOp) else None
            op = tile.ViewOp(name, self.of_whole[whole], layout, first_row)
            made = self.of_whole[whole].owner
            assert isinstance(made, Operation)
            if point.insert_before is not None and not made.is_before_in_block(point.insert_before):
                point = InsertPoint.after(made)
        Rewriter.insert_op(located(op, name_location(name)), point)
        return op.result


def _last_of(region: SSAValue, owner: Operation) -> Operation:
    assert isinstance(region.owner, Operation)
    return region.owner if region.owner.parent is owner.parent else owner


@dataclass(frozen=True)
class LayerPattern(RewritePattern):
    """Base of the patterns: they share the regions."""

    regions: Regions

    def replace(
        self,
        op: Operation,
        new: list[Operation],
        region: SSAValue,
        rewriter: PatternRewriter,
    ) -> None:
        """Puts `new` in the place of `op`; whoever used its result finds the region behind a cast."""
        self.replace_all(op, new, {op: region}, rewriter)

    def replace_all(
        self, op: Operation, new: list[Operation], regions: Mapping[Operation, SSAValue], rewriter: PatternRewriter
    ) -> None:
        """Puts `new` in the place of `op` and of what is computed with it; whoever used the result of one of the
        operations in `regions` finds its region behind a cast."""
        casts = {op: UnrealizedConversionCastOp.get([region], [op.results[0].type]) for op, region in regions.items()}
        for made in (*new, *casts.values()):
            made.location = op.location
            for inner in made.walk():
                inner.location = op.location
        rewriter.insert([*new, *casts.values()], InsertPoint.before(op))
        for last, cast in casts.items():
            rewriter.replace_all_uses_with(last.results[0], cast.results[0])
        for dead in dict.fromkeys((*regions, op)):
            rewriter.erase(dead)


class LowerConv(LayerPattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.Conv2dOp, rewriter: PatternRewriter) -> None:
        check_quantised(op)
        self.lower(op, conv_problem(op, self.regions.machine), op.residual, "conv2d", rewriter)

    def lower(
        self,
        op: cnn.Conv2dOp | cnn.LinearOp,
        problem: ConvProblem,
        residual: SSAValue | None,
        kind: str,
        rewriter: PatternRewriter,
    ) -> None:
        attribute = op.attributes.get(SCHEDULE)
        if not isinstance(attribute, tile.ScheduleAttr):
            raise SnowError(f"{layer_name(op)}: no schedule is chosen; run cnn-choose-schedule first")
        try:
            plan = plan_conv(problem, attribute.record)
        except TilingError as error:
            raise SnowError(f"{layer_name(op)}: its schedule does not fit the machine: {error}") from error
        pool = pool_behind(op) if plan.schedule.fused else None
        before = None if isinstance(op, cnn.LinearOp) else fused_pool(op, self.regions.machine)
        maps = self.regions.read(op.x if before is None else before.x)
        bypass = None if residual is None else self.regions.read(residual)
        parts: list[Operation] = [] if isinstance(op, cnn.LinearOp) else [*siblings_of(op)]
        parts = parts or [pool or op]
        result, *siblings = [self.regions.write(part, op) for part in parts]
        weight, bias = op.weight, op.bias
        if more := problem.channels - shape_of(weight)[0]:
            weight = _filled_up(weight, more, rewriter)
            bias = None if bias is None else _filled_up(bias, more, rewriter)
        packed = tile.WeightsOp(weight, bias, plan.kernels.packing)
        accumulator = cnn.accumulator_frac(op)
        fracs = [frac_of(value) for value in (op.result, op.bias, residual) if value is not None]
        assert accumulator is not None and None not in fracs
        shifts = tile.Shifts(
            *(0 if value is None else accumulator - (frac_of(value) or 0) for value in (op.result, op.bias, residual))
        )
        reshapes: list[Operation] = []

        def seen(region: SSAValue, layout: MapsLayout) -> SSAValue:
            """The region in the rows that the plan is for."""
            assert isinstance(region.type, tile.MapsType)
            # Memory has the channels of the network, whatever words besides are computed with.
            rows = layout._replace(segments=region.type.layout.segments)
            if region.type.layout == rows:
                return region
            reshapes.append(reshape := tile.ReshapeOp(region, rows))
            return reshape.result

        operands = Operands(
            seen(maps, problem.loaded),
            bypass if bypass is None or problem.bypass is None else seen(bypass, problem.bypass),
            result if pool else seen(result, problem.results[0]),
            shifts,
            op.relu is not None,
            packed.result,
            tuple(seen(*both) for both in zip(siblings, problem.results[1:], strict=True)),
        )
        layer = self.regions.layer(kind, operands, partial(conv_steps, problem, plan))
        regions = dict(zip(parts, (result, *siblings), strict=True))
        self.replace_all(op, [packed, *reshapes, layer], regions, rewriter)
        if before is not None:
            rewriter.erase(before)


def _filled_up(constant: SSAValue, count: int, rewriter: PatternRewriter) -> SSAValue:
    """Kernels, or biases, and behind them so many of zeros."""
    quantized, frac = constant.owner, frac_of(constant)
    assert isinstance(quantized, cnn.QuantizeOp) and frac is not None
    zeros = cnn.ConstantOp.splat(0.0, (count, *shape_of(constant)[1:]))
    whole = cnn.ConcatKernelsOp([quantized.x, zeros.result])
    words = cnn.QuantizeOp(whole.result, frac)
    rewriter.insert([located(op, quantized.location) for op in (zeros, whole, words)], InsertPoint.after(quantized))
    return words.result


class LowerLinear(LowerConv):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.LinearOp, rewriter: PatternRewriter) -> None:
        check_quantised(op)
        # The input lies in memory with its spatial shape; its flat order C, H, W is that of the weights.
        self.lower(op, linear_problem(op, self.regions.machine), None, "linear", rewriter)


class WordsPattern(LayerPattern):
    """Base of the patterns for operations that leave channels where they are. Some stay with the host."""

    def on_accelerator(self, op: Operation) -> bool:
        return host_reason(op, self.regions.machine) is None

    def operands(self, op: Operation, maps: SSAValue, other: SSAValue | None = None) -> Operands:
        read = self.regions.read
        return Operands(read(maps), None if other is None else read(other), self.regions.write(op))


class LowerMaxPool(WordsPattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.MaxPoolOp, rewriter: PatternRewriter) -> None:
        if FUSED in op.attributes:
            self._check_fused(op)
        elif self.on_accelerator(op):
            operands = self.operands(op, op.x)
            steps = partial(max_pool_steps, self.regions.machine, pool_window(op))
            self.replace(op, [self.regions.layer("max_pool", operands, steps)], operands.result, rewriter)

    def _check_fused(self, op: cnn.MaxPoolOp) -> None:
        """The convolution that reads its result takes it along."""
        readers = [use.operation for use in op.result.uses]
        if not any(isinstance(reader, cnn.Conv2dOp) and reader.x is op.result for reader in readers):
            raise SnowError(f"{layer_name(op)}: {FUSED}, but no convolution reads its result")


class LowerAvgPool(WordsPattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AvgPoolOp, rewriter: PatternRewriter) -> None:
        if self.on_accelerator(op):
            machine = self.regions.machine
            frac, result_frac = frac_of(op.x), frac_of(op.result)
            assert frac is not None and result_frac is not None
            shift = frac + op.weight_frac - result_frac
            weights = average_weights(machine, op.axis_divisors)
            packed = tile.AverageWeightsOp(weights.values, weights.block * machine.vmacs)
            operands = replace(self.operands(op, op.x), shifts=tile.Shifts(shift, 0, 0), packed=packed.result)
            steps = partial(avg_pool_steps, machine, pool_window(op), weights)
            self.replace(op, [packed, self.regions.layer("avg_pool", operands, steps)], operands.result, rewriter)


class LowerAdd(WordsPattern):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.AddOp, rewriter: PatternRewriter) -> None:
        if self.on_accelerator(op):
            self.lower(op, op.lhs, op.rhs, op.relu is not None, rewriter)

    def lower(self, op: Operation, lhs: SSAValue, rhs: SSAValue | None, relu: bool, rewriter: PatternRewriter) -> None:
        left, right, result = frac_of(lhs), None if rhs is None else frac_of(rhs), frac_of(op.results[0])
        assert left is not None and result is not None
        accumulator = max(frac for frac in (left, right, result) if frac is not None)
        shifts = tile.Shifts(accumulator - result, accumulator - left, 0 if right is None else accumulator - right)
        operands = replace(self.operands(op, lhs, rhs), shifts=shifts, relu=relu)
        steps = partial(add_steps, self.regions.machine, pixel_window(lhs))
        self.replace(op, [self.regions.layer("add", operands, steps)], operands.result, rewriter)


class LowerRelu(LowerAdd):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReluOp, rewriter: PatternRewriter) -> None:
        if self.on_accelerator(op):
            self.lower(op, op.x, None, True, rewriter)


class LowerRescale(LowerAdd):
    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.RescaleOp, rewriter: PatternRewriter) -> None:
        if self.on_accelerator(op):
            self.lower(op, op.x, None, False, rewriter)


class LowerWhole(LayerPattern):
    """Nothing is left to do but to look: every part has been written into its place."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ConcatOp | cnn.InterleaveOp, rewriter: PatternRewriter) -> None:
        if frac_of(op.result) is None:
            return
        for position, part in enumerate(op.inputs):
            view = self.regions.read(part).owner
            if (
                not isinstance(view, tile.ViewOp)
                or view.region is not self.regions.of_whole.get(op)
                or not self._is_place(op, position, view)
            ):
                raise SnowError(f"{layer_name(op)}: a part of it has no place; run cnn-place-concats first")
        self.replace(op, [], self.regions.of_whole[op], rewriter)

    def _is_place(self, op: cnn.WholeOp, position: int, view: tile.ViewOp) -> bool:
        if isinstance(op, cnn.InterleaveOp):
            return view.first_row is not None and view.first_row.value.data == position
        segments = concat_segments([shape_of(part) for part in op.inputs], self.regions.machine)
        return view.result.type.segments == (segments[position],)


class LowerReshape(LayerPattern):
    """A reshape that leaves every word where it is: between a vector and maps of one pixel."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: cnn.ReshapeOp, rewriter: PatternRewriter) -> None:
        if host_reason(op, self.regions.machine) is None:
            self.replace(op, [], self.regions.read(op.x), rewriter)


class ReadRegion(RewritePattern):
    """An operation of the host takes its operand out of memory."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnrealizedConversionCastOp, rewriter: PatternRewriter) -> None:
        if not op.results[0].uses:
            rewriter.erase(op)
            return
        rewriter.replace(op, located(tile.ReadOp(op.inputs[0], op.results[0].type), op.location))
