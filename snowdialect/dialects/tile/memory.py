"""Operations of the tile dialect on memory: regions and packed weights, and how the host reads and writes them.

They stay in the module at the levels below, where code refers to their addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.dialects.builtin import I64, DenseArrayBase, IntAttr, IntegerAttr, ModuleOp, StringAttr, TensorType, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import MemoryAllocEffect, MemoryReadEffect, MemoryWriteEffect, Pure
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.cnn import frac_of, shape_of
from snowdialect.dialects.locations import fail
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import MapsType, Mode, PackedType, PackingAttr
from snowdialect.layout import MapsLayout, Packing, average_block


def maps_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Channels, height and width of a tensor shape 1xCxHxW, 1xAxB (as Ax1xB) or 1xF (as Fx1x1).

    Of more axes, all but the last two are channels. Raises VerifyException for a shape without any.
    """
    match shape:
        case (1, *channels, height, width) if channels:
            return prod(channels), height, width
        case (1, channels, width):
            return channels, 1, width
        case (1, channels):
            return channels, 1, 1
        case _:
            raise VerifyException(f"a tensor {'x'.join(map(str, shape))} has no place as maps in memory")


@irdl_op_definition
class RegionOp(IRDLOperation):
    """`tile.region "conv1" at 128 from "conv1" to "pool2" : !tile.maps<...>`: memory for maps, with the layer's name.

    The address counts transfers (64 B). With the address come the first and the last layer that need the region: before
    and after, others may have its memory, so that words that nothing has written may be anything.
    """

    name = "tile.region"
    region_name = prop_def(StringAttr)
    address = opt_prop_def(IntegerAttr[I64])
    first_layer = opt_prop_def(StringAttr)
    last_layer = opt_prop_def(StringAttr)
    result = result_def(MapsType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = (
        "$region_name (`at` $address^)? (`from` $first_layer^ `to` $last_layer)? attr-dict `:` type($result)"
    )

    def __init__(self, name: str, result_type: MapsType) -> None:
        super().__init__(properties={"region_name": StringAttr(name)}, result_types=[result_type])

    def verify_(self) -> None:
        _check_address(self)


@irdl_op_definition
class ViewOp(IRDLOperation):
    """Some of the channels of a region, or every so many of its rows from `first_row` on, under the name of the layer
    that writes them."""

    name = "tile.view"
    region_name = prop_def(StringAttr)
    first_row = opt_prop_def(IntegerAttr[I64])
    region = operand_def(MapsType)
    result = result_def(MapsType)
    traits = traits_def(Pure())
    assembly_format = "$region_name `of` $region (`row` $first_row^)? attr-dict `:` type($region) `to` type($result)"

    def __init__(self, name: str, region: SSAValue, result_type: MapsType, first_row: int | None = None) -> None:
        super().__init__(
            properties={
                "region_name": StringAttr(name),
                "first_row": None if first_row is None else IntegerAttr(first_row, i64),
            },
            operands=[region],
            result_types=[result_type],
        )

    @property
    def start(self) -> int:
        """Words from the start of the region to that of the view."""
        assert isinstance(self.region.type, MapsType)
        return 0 if self.first_row is None else self.first_row.value.data * self.region.type.row.data

    def verify_(self) -> None:
        whole, part = self.region.type, self.result.type
        assert isinstance(whole, MapsType) and isinstance(part, MapsType)
        if self.first_row is not None:
            self._verify_rows(whole, part, self.first_row.value.data)
            return
        for field in ("height", "width", "pixel", "row", "frac"):
            if getattr(whole, field) != getattr(part, field):
                mine, theirs = getattr(part, field).data, getattr(whole, field).data
                fail(self, f"a view has the {field} of its region, {theirs}; this one has {mine}")

    def _verify_rows(self, whole: MapsType, part: MapsType, first: int) -> None:
        """Rows of the region, as many apart as there are views that take turns."""
        all_rows = part.layout._replace(height=whole.height.data, row=whole.row.data)
        if part.frac != whole.frac or all_rows != whole.layout:
            fail(self, "a view of some rows has the pixels of its region")
        turns = whole.height.data // part.height.data
        if (part.height.data * turns, part.row.data) != (whole.height.data, turns * whole.row.data):
            mine = f"{part.height.data} rows, {part.row.data} words apart"
            fail(self, f"{mine}, do not take turns in {whole.height.data} rows, {whole.row.data} words apart")
        if not 0 <= first < turns:
            fail(self, f"the first row {first} is none of the first {turns}")
        if self.start % (transfer := machine_of(self).transfer_words):
            fail(self, f"does not begin at whole transfers of {transfer} words")


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The pixels of a region as rows of another length, or without the rows that nothing reads: the same words, at the
    same addresses."""

    name = "tile.reshape"
    region = operand_def(MapsType)
    result = result_def(MapsType)
    traits = traits_def(Pure())
    assembly_format = "$region attr-dict `:` type($region) `to` type($result)"

    def __init__(self, region: SSAValue, layout: MapsLayout) -> None:
        maps = region.type
        assert isinstance(maps, MapsType)
        kind = MapsType.make(layout.height, layout.width, layout.pixel, layout.row, maps.frac.data, layout.segments)
        super().__init__(operands=[region], result_types=[kind])

    def verify_(self) -> None:
        maps, seen = self.region.type, self.result.type
        assert isinstance(maps, MapsType) and isinstance(seen, MapsType)
        before, after = maps.layout, seen.layout
        same_rows = after._replace(height=before.height, width=before.width, row=before.row)
        if maps.frac != seen.frac or before != same_rows:
            fail(self, "changes the pixels of its region, not only their rows")
        skips = after.width == before.width and after.row % before.row == 0
        gapless = before.row == before.width * before.pixel and after.row % before.pixel == 0
        if not skips and not gapless:
            fail(
                self,
                f"rows of {after.width} pixels, {after.row} words apart, are no pixels of rows of {before.width}, "
                f"{before.row} words apart",
            )
        end = (after.height - 1) * after.row + after.width * after.pixel
        if end > maps.words:
            fail(self, f"ends at word {end} of a region of {maps.words}")


@irdl_op_definition
class WeightsOp(IRDLOperation):
    """Memory filled, when a program is written, with kernels and biases packed as the weights buffers want them."""

    name = "tile.weights"
    weights = operand_def(TensorType)
    bias = opt_operand_def(TensorType)
    packing = prop_def(PackingAttr)
    address = opt_prop_def(IntegerAttr[I64])
    result = result_def(PackedType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = (
        "$weights (`bias` $bias^ `:` type($bias))? `as` $packing (`at` $address^)? attr-dict "
        "`:` type($weights) `to` type($result)"
    )

    def __init__(self, weights: SSAValue, bias: SSAValue | None, packing: Packing) -> None:
        super().__init__(
            operands=[weights, bias],
            properties={"packing": PackingAttr.make(packing)},
            result_types=[PackedType(IntAttr(packing.words))],
        )

    def verify_(self) -> None:
        _check_address(self)
        packing = self.packing.record
        shape = shape_of(self.weights)
        if len(shape) == 2:
            kernels, inputs = shape[0], shape[1]
            # A linear layer: its inputs are the channels of every pixel under the kernel.
            inputs //= packing.kernel_h * packing.kernel_w
        elif len(shape) == 4:
            kernels, inputs = shape[:2]
            if shape[2:] != (packing.kernel_h, packing.kernel_w):
                fail(
                    self,
                    f"a kernel {shape[2]}x{shape[3]} is packed as {packing.kernel_h}x{packing.kernel_w}",
                )
        else:
            fail(self, f"{'x'.join(map(str, shape))} are not the weights of a convolution or a linear layer")
        channels = sum(segment.channels for segment in packing.segments)
        if kernels != packing.channels or inputs * packing.groups != channels:
            fail(
                self,
                f"weights {'x'.join(map(str, shape))} do not fit {packing.channels} kernels over {channels} channels "
                f"in {packing.groups} groups",
            )
        end = 0
        for count, offset in packing.segments:
            if offset < end:
                fail(self, f"the channels from word {offset} on overlap those before them")
            end = offset + count
        if end > packing.windows * packing.depth:
            fail(self, f"channels end at word {end}, kernels see {packing.windows * packing.depth} words of a pixel")
        self._verify_abreast(packing)
        if _words(self.result) != packing.words:
            fail(self, f"the packing takes {packing.words} words, the result has {_words(self.result)}")

    def _verify_abreast(self, packing: Packing) -> None:
        """Pixels abreast have all their kernels in one tile, which overlap."""
        if packing.abreast == 1 and packing.advance == 0:
            return
        alone = packing.groups == packing.windows == packing.cus == packing.tiles == packing.parts == 1
        if packing.abreast < 2 or not alone or packing.mode != Mode.INDP.value or packing.apart:
            fail(self, f"there are no {packing.abreast} pixels abreast in packed kernels of this kind")
        if not 0 < packing.advance < packing.kernel_w:
            fail(self, f"pixels abreast are {packing.advance} columns apart, a kernel has {packing.kernel_w}")
        lanes = packing.steps * packing.vmacs * packing.lanes
        if packing.abreast * packing.kernels_of_cu > lanes:
            fail(self, f"{packing.abreast} pixels of {packing.kernels_of_cu} channels do not fit {lanes} lanes")


@irdl_op_definition
class AverageWeightsOp(IRDLOperation):
    """Memory filled with the weights of an average pool, one for each number of elements under its window."""

    name = "tile.average_weights"
    values = prop_def(DenseArrayBase.constr(i64))
    address = opt_prop_def(IntegerAttr[I64])
    result = result_def(PackedType)
    traits = traits_def(MemoryAllocEffect())
    assembly_format = "$values (`at` $address^)? attr-dict `:` type($result)"

    def __init__(self, values: Sequence[int], words: int) -> None:
        super().__init__(
            properties={"values": DenseArrayBase.from_list(i64, values)},
            result_types=[PackedType(IntAttr(words))],
        )

    def verify_(self) -> None:
        _check_address(self)
        machine = machine_of(self)
        block = average_block(len(self.values), machine.vmacs, machine.line_words, machine.transfer_words)
        if _words(self.result) != block * machine.vmacs:
            fail(self, f"the weights take {block * machine.vmacs} words, the result has {_words(self.result)}")


@irdl_op_definition
class WriteOp(IRDLOperation):
    """The host puts a tensor into memory; what it has no channel for stays as it is."""

    name = "tile.write"
    tensor = operand_def(TensorType)
    region = operand_def(MapsType)
    traits = traits_def(MemoryWriteEffect())
    assembly_format = "$tensor `to` $region attr-dict `:` type($tensor) `to` type($region)"

    def __init__(self, tensor: SSAValue, region: SSAValue) -> None:
        super().__init__(operands=[tensor, region])

    def verify_(self) -> None:
        verify_transfer(self, self.tensor, self.region)


@irdl_op_definition
class ReadOp(IRDLOperation):
    """The host takes a tensor out of memory."""

    name = "tile.read"
    region = operand_def(MapsType)
    result = result_def(TensorType)
    traits = traits_def(MemoryReadEffect())
    assembly_format = "$region attr-dict `:` type($region) `to` type($result)"

    def __init__(self, region: SSAValue, result_type: Attribute) -> None:
        super().__init__(operands=[region], result_types=[result_type])

    def verify_(self) -> None:
        verify_transfer(self, self.result, self.region)
        if isinstance(self.region.type, MapsType) and self.region.type.layout.unrolled is not None:
            fail(self, "rows that the host has unrolled are not read back")


def _check_address(op: RegionOp | WeightsOp | AverageWeightsOp) -> None:
    if op.address is not None and op.address.value.data < 0:
        fail(op, f"memory has no address {op.address.value.data}")


def _words(packed: SSAValue) -> int:
    assert isinstance(packed.type, PackedType)
    return packed.type.words.data


def verify_transfer(op: IRDLOperation, tensor: SSAValue, region: SSAValue) -> None:
    """Raises VerifyException unless tensor and region have the same shape and Q position."""
    maps = region.type
    assert isinstance(maps, MapsType)
    shape = maps_shape(shape_of(tensor))
    if shape != (maps.channels, maps.tensor_height, maps.width.data) or frac_of(tensor) != maps.frac.data:
        fail(
            op,
            f"a tensor {'x'.join(map(str, shape_of(tensor)))} of {_position(frac_of(tensor))} does not fit maps of "
            f"{maps.channels} channels, {maps.tensor_height}x{maps.width.data}, of {_position(maps.frac.data)}",
        )


def _position(frac: int | None) -> str:
    return "numbers" if frac is None else f"words with {frac} fraction bits"


def whole_region(value: SSAValue) -> SSAValue:
    """The region of memory of which a value is a view, or the same pixels in other rows."""
    while isinstance(owner := value.owner, ViewOp | ReshapeOp):
        value = owner.region
    return value


def region_start(value: SSAValue) -> int:
    """Words from the start of the region of which a value is a view to that of the view."""
    start = 0
    while isinstance(owner := value.owner, ViewOp | ReshapeOp):
        start += owner.start if isinstance(owner, ViewOp) else 0
        value = owner.region
    return start


def region_address(value: SSAValue) -> int:
    """Address of a region of memory in transfers (64 B), once addresses are assigned; raises VerifyException before."""
    owner = whole_region(value).owner
    if isinstance(owner, RegionOp | WeightsOp | AverageWeightsOp) and owner.address is not None:
        start = region_start(value)
        return owner.address.value.data + (start // machine_of(owner).transfer_words if start else 0)
    raise VerifyException("a region of memory has no address yet: run tile-assign-addresses")


def end_of_memory(module: ModuleOp) -> int:
    """The first transfer of memory behind all regions; code lies there."""
    regions = (op.result for op in module.body.block.ops if isinstance(op, RegionOp | WeightsOp | AverageWeightsOp))
    return max(map(region_end, regions), default=0)


def region_end(value: SSAValue) -> int:
    """The first transfer of memory behind a region."""
    region = whole_region(value)
    words = region.type.words if isinstance(region.type, MapsType) else _words(region)
    assert isinstance(region.owner, Operation)
    return region_address(region) + -(-words // machine_of(region.owner).transfer_words)


def region_life(value: SSAValue) -> tuple[StringAttr | None, StringAttr | None]:
    """The first and the last layer that need a region of maps, or the whole of which it is a view."""
    owner = whole_region(value).owner
    return (owner.first_layer, owner.last_layer) if isinstance(owner, RegionOp) else (None, None)
