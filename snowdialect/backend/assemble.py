"""A module whose programs are placed, and its weights, as the program that the accelerator and its host run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import LocationAttr, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from snowdialect.backend.code_text import EMPTY
from snowdialect.backend.encoding import encode
from snowdialect.backend.images import Images, PackedConstants, packed_length
from snowdialect.backend.program import (
    NO_LAYER,
    NO_TILE,
    Channels,
    Code,
    CodeStep,
    Coverage,
    HostStep,
    Image,
    Layer,
    MapsLayout,
    Port,
    Program,
    Region,
    Step,
    Tensor,
    Unrolled,
)
from snowdialect.dialects import cnn, loop, snowflake, tile
from snowdialect.dialects.cnn import frac_of, is_constant, shape_of
from snowdialect.dialects.layers import DescribedLayer, described_layers, source_layers
from snowdialect.dialects.locations import described, layer_name, location_names
from snowdialect.dialects.snowflake import BranchOp, LabelOp, ProgramOp, Stage, fill_length, is_branch, is_instruction
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.memory import region_address, region_life
from snowdialect.errors import SnowError
from snowdialect.machine import Machine
from snowdialect.weights import Weights

_LEVELS = (cnn.Cnn.name, tile.Tile.name, loop.Loop.name, snowflake.Snowflake.name)
"""The dialects of a program on its way; what it holds of others stays in it at every level."""

UNKNOWN = "unknown"
"""Kind of a layer that the module does not describe."""


def assemble(module: ModuleOp, weights: Weights | None, model: str) -> Program:
    """The program of a module at level `snowflake`; `model` names the network in reports.

    Raises SnowError, one line, for a module that is not ready and for weights that are missing or do not fit.
    """
    constants = PackedConstants(module, weights)

    def images() -> Images:
        constants.pack()
        return constants.images

    return assemble_around(images, module, model)


def assemble_around(images: Callable[[], Images], module: ModuleOp, model: str) -> Program:
    """The program of a module whose constants someone else packs; they are asked for when all else is done."""
    try:
        machine = machine_of(module)
        sources = [source._asdict() for source in source_layers(module).values()]
        assembler = _Assembler(machine, described_layers(module))
        for op in module.body.block.ops:
            assembler.take(op)
        words = images()
    except VerifyException as error:
        raise SnowError(str(error)) from error
    return Program(
        model=model,
        machine=machine,
        regions=tuple(assembler.regions),
        images=tuple(map(Image, assembler.image_addresses, words)),
        codes=tuple(assembler.codes),
        tensors=tuple(assembler.tensors),
        steps=tuple(assembler.steps),
        inputs=tuple(map(assembler.input_port, (op for op in module.body.block.ops if isinstance(op, cnn.InputOp)))),
        outputs=tuple(map(assembler.output_port, (op for op in module.body.block.ops if isinstance(op, cnn.OutputOp)))),
        layers=tuple(assembler.layers),
        tiles=tuple(assembler.tiles),
        coverage=tuple(Coverage(**source) for source in sources),
    )


def _numbers(value: Any) -> list[int]:
    return [int(number) for number in value]


def _max_pool(op: cnn.MaxPoolOp) -> dict[str, Any]:
    geometry = op.geometry
    return {
        "kernel": _numbers(geometry.kernel),
        "strides": _numbers(geometry.strides),
        "pads": _numbers(geometry.pads),
    }


def _avg_pool(op: cnn.AvgPoolOp) -> dict[str, Any]:
    rows, columns = op.axis_divisors
    geometry = op.geometry
    return {
        "kernel": _numbers(geometry.kernel),
        "strides": _numbers(geometry.strides),
        "pads": _numbers(geometry.pads),
        "row_divisors": _numbers(rows),
        "column_divisors": _numbers(columns),
        "weight_frac": op.weight_frac,
    }


def _block(op: cnn.DepthToSpaceOp | cnn.SpaceToDepthOp) -> dict[str, Any]:
    return {"block": _numbers(op.block.get_values()), "blocks_first": op.blocks_first is not None}


def _interpolate(op: cnn.InterpolateOp) -> dict[str, Any]:
    numbers = {"sizes": op.sizes, "steps": op.steps, "offsets": op.offsets, "units": op.units}
    return {name: _numbers(values.get_values()) for name, values in numbers.items()}


def _sample(op: cnn.SampleOp) -> dict[str, Any]:
    rows, columns = op.axes
    return {"rows": rows.lines, "columns": columns.lines}


def _numbers_of(op: cnn.FunctionOp) -> dict[str, Any]:
    return op.numbers


HOST_OPERATIONS: dict[type[Operation], tuple[str, Callable[[Any], dict[str, Any]]]] = {
    cnn.InputOp: ("input", lambda op: {"name": op.input_name.data}),
    cnn.OutputOp: ("output", lambda op: {"name": op.output_name.data}),
    cnn.QuantizeOp: ("quantize", lambda op: {}),
    cnn.DequantizeOp: ("dequantize", lambda op: {}),
    cnn.AddOp: ("add", lambda op: {"relu": op.relu is not None}),
    cnn.ReluOp: ("relu", lambda op: {"relu": True}),
    cnn.RescaleOp: ("rescale", lambda op: {"relu": False}),
    cnn.MaxPoolOp: ("max_pool", _max_pool),
    cnn.AvgPoolOp: ("avg_pool", _avg_pool),
    cnn.PadOp: ("pad", lambda op: {"pads": _numbers(op.pads.get_values())}),
    cnn.GatherOp: ("gather", lambda op: {"channels": op.channels}),
    cnn.UpsampleOp: ("upsample", lambda op: {"factors": _numbers(op.factors.get_values())}),
    cnn.DepthToSpaceOp: ("depth_to_space", lambda op: {**_block(op), "crop": _numbers(op.crop.get_values())}),
    cnn.SpaceToDepthOp: ("space_to_depth", lambda op: _block(op)),
    cnn.TransposeOp: ("transpose", lambda op: {"order": _numbers(op.order.get_values())}),
    cnn.SampleOp: ("sample", _sample),
    cnn.ChannelMaxOp: ("channel_max", lambda op: {}),
    cnn.ChannelMeanOp: ("channel_mean", lambda op: {}),
    cnn.InterpolateOp: ("interpolate", _interpolate),
    cnn.ReshapeOp: ("reshape", lambda op: {}),
    cnn.MultiplyOp: ("multiply", lambda op: {}),
    cnn.SoftmaxOp: ("softmax", lambda op: {}),
    cnn.LogSoftmaxOp: ("log_softmax", lambda op: {}),
    cnn.SigmoidOp: ("sigmoid", lambda op: {}),
    cnn.HardSigmoidOp: ("hard_sigmoid", lambda op: dict(zip(("alpha", "beta"), op.numbers, strict=True))),
    cnn.TanhOp: ("tanh", lambda op: {}),
    cnn.EluOp: ("elu", _numbers_of),
    cnn.SoftplusOp: ("softplus", _numbers_of),
    cnn.SoftsignOp: ("softsign", _numbers_of),
    cnn.ErfOp: ("erf", _numbers_of),
    cnn.PowerOp: ("power", _numbers_of),
    cnn.NormalizeOp: ("normalize", _numbers_of),
    cnn.InstanceNormOp: ("instance_norm", _numbers_of),
    cnn.LrnOp: ("lrn", lambda op: dict(zip(("size", "alpha", "beta", "k"), op.numbers, strict=True))),
}
"""The operation of the host, and its attributes, for each operation that may be left to it."""

_NO_LAYERS = (cnn.InputOp, cnn.OutputOp, cnn.QuantizeOp, cnn.DequantizeOp)
"""What the host does for the sake of layers."""


@dataclass
class _Assembler:
    machine: Machine
    described: dict[str, DescribedLayer]
    regions: list[Region] = field(default_factory=list[Region])
    image_addresses: list[int] = field(default_factory=list[int])
    codes: list[Code] = field(default_factory=list[Code])
    tensors: list[Tensor] = field(default_factory=list[Tensor])
    steps: list[Step] = field(default_factory=list[Step])
    layers: list[Layer] = field(default_factory=list[Layer])
    tiles: list[str] = field(default_factory=list[str])
    region_of: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    tensor_of: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])
    layer_of: dict[str, int] = field(default_factory=dict[str, int])
    tile_of: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, op: Operation) -> None:
        """Adds what an operation of the module stands for."""
        match op:
            case tile.RegionOp() | tile.ViewOp():
                self._maps(op)
            case tile.WeightsOp() | tile.AverageWeightsOp():
                self._image(op)
            case tile.WriteOp():
                attributes = {"region": self.region_of[op.region]}
                self.steps.append(HostStep("write", layer_name(op), (self.tensor_of[op.tensor],), None, attributes))
            case tile.ReadOp():
                attributes = {"region": self.region_of[op.region]}
                self.steps.append(HostStep("read", layer_name(op), (), self._tensor(op.result), attributes))
            case ProgramOp():
                self.steps.append(CodeStep(len(self.codes)))
                self.codes.append(self._code(op))
            case _ if op.results and all(map(is_constant, op.results)):
                pass
            case _ if type(op) in HOST_OPERATIONS:
                self._host(op)
            case _ if isinstance(op, cnn.HostOp) or op.dialect_name() not in _LEVELS:
                raise SnowError(f"{described(op)}: has no name in program files, see docs/add-a-dialect.md")
            case _:
                raise SnowError(f"{described(op)} has no place in a program: lower the module to snowflake first")

    def _maps(self, op: tile.RegionOp | tile.ViewOp) -> None:
        maps = op.result.type
        assert isinstance(maps, tile.MapsType)
        segments = tuple(Channels(*segment) for segment in maps.segments)
        rows = maps.layout.unrolled
        layout = MapsLayout(
            maps.height.data,
            maps.width.data,
            maps.pixel.data,
            maps.row.data,
            maps.frac.data,
            segments,
            None if rows is None else Unrolled(*rows),
        )
        self.region_of[op.result] = len(self.regions)
        life = (None if layer is None else layer.data for layer in region_life(op.result))
        whole = tile.whole_region(op.result).type
        assert isinstance(whole, tile.MapsType)
        words = whole.words - tile.region_start(op.result)
        self.regions.append(Region(op.region_name.data, "maps", region_address(op.result), words, layout, *life))

    def _image(self, op: tile.WeightsOp | tile.AverageWeightsOp) -> None:
        address = region_address(op.result)
        self.regions.append(Region(layer_name(op), "weights", address, packed_length(op), None))
        self.image_addresses.append(address)

    def _tensor(self, value: SSAValue) -> int:
        self.tensor_of[value] = len(self.tensors)
        self.tensors.append(Tensor(shape_of(value)[1:], frac_of(value)))
        return self.tensor_of[value]

    def _host(self, op: Operation) -> None:
        name, attributes = HOST_OPERATIONS[type(op)]
        operands = tuple(self.tensor_of[operand] for operand in op.operands)
        result = self._tensor(op.results[0]) if op.results else None
        self.steps.append(HostStep(name, layer_name(op), operands, result, attributes(op)))
        if not isinstance(op, _NO_LAYERS):
            number = self._layer(layer_name(op))
            self.layers[number] = self.layers[number]._replace(kind="host", mode=None, order=None)

    def _layer(self, name: str) -> int:
        if name not in self.layer_of:
            self.layer_of[name] = len(self.layers)
            described = self.described.get(name)
            self.layers.append(Layer(name, UNKNOWN, None, None, 0) if described is None else Layer(*described))
        return self.layer_of[name]

    def _code(self, program: ProgramOp) -> Code:
        if program.stage.data is not Stage.PLACED:
            raise SnowError(f"a program that is {program.stage.data} has no code yet: run the remaining passes")
        bank = self.machine.icache_instructions
        words: list[int] = []
        layers: list[int] = []
        tiles: list[int] = []
        labels: dict[str, int] = {}
        branches: list[tuple[int, BranchOp]] = []
        for location, ops in groupby(program.body.block.ops, attrgetter("location")):
            first = len(words)
            for op in ops:
                if is_branch(op):
                    branches.append((len(words), op))
                    words.append(EMPTY)
                elif is_instruction(op):
                    words.append(encode(op.ROW.name, cast(dict[str, int], op.field_values())))
                elif type(op) is LabelOp:
                    labels[op.sym_name.data] = len(words)
                elif type(op) is snowflake.FillOp:
                    words += [EMPTY] * fill_length(op, len(words), bank)
            if len(words) > first:
                layer, place = self._place(location)
                layers += [layer] * (len(words) - first)
                tiles += [place] * (len(words) - first)
        for position, branch in branches:
            words[position] = _encoded_branch(branch, position, labels)
        missing = -len(words) % bank
        return Code(
            program.code_address.value.data,
            np.array(words + [EMPTY] * missing, np.uint32).reshape(-1, bank),
            np.array(layers + [NO_LAYER] * missing, np.int32).reshape(-1, bank),
            np.array(tiles + [NO_TILE] * missing, np.int32).reshape(-1, bank),
        )

    def _place(self, location: LocationAttr) -> tuple[int, int]:
        """The numbers of the layer and of the tiles that instructions belong to: `loc("conv1"("rows 0 to 14"))`."""
        names = location_names(location)
        if not names:
            return NO_LAYER, NO_TILE
        layer = self._layer(names[0])
        if len(names) == 1:
            return layer, NO_TILE
        if names[1] not in self.tile_of:
            self.tile_of[names[1]] = len(self.tiles)
            self.tiles.append(names[1])
        return layer, self.tile_of[names[1]]

    def input_port(self, op: cnn.InputOp) -> Port:
        """An input, and where its words lie when it goes straight to the accelerator."""
        shape = shape_of(op.result)[1:]
        for use in op.result.uses:
            if isinstance(quantize := use.operation, cnn.QuantizeOp):
                for words in quantize.result.uses:
                    if isinstance(write := words.operation, tile.WriteOp):
                        return Port(op.input_name.data, shape, frac_of(quantize.result), self.region_of[write.region])
        return Port(op.input_name.data, shape, None, None)

    def output_port(self, op: cnn.OutputOp) -> Port:
        """An output, and where its words lie when it comes straight from the accelerator."""
        value = op.operands[0]
        shape = shape_of(value)[1:]
        if isinstance(dequantize := value.owner, cnn.DequantizeOp) and isinstance(
            read := dequantize.x.owner, tile.ReadOp
        ):
            return Port(op.output_name.data, shape, frac_of(read.result), self.region_of[read.region])
        return Port(op.output_name.data, shape, None, None)


def _encoded_branch(op: BranchOp, position: int, labels: dict[str, int]) -> int:
    """The word of a branch at a position."""
    values = op.field_values().items()
    return encode(
        op.ROW.name,
        {name: labels[value] - position if isinstance(value, str) else value for name, value in values},
    )
