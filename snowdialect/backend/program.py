"""A program as the accelerator and its host run it: code, memory, and what the host does before, between and after.

Plain NumPy, without xDSL: the simulator and a board's driver read this. docs/program.md describes the file that holds
one; `container.py` reads and writes it. Addresses count transfers of memory (64 B) from its start, as in the
instructions; words have 16 bits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snowdialect.certificate import Certificate
from snowdialect.machine import Machine
from snowdialect.machine.instructions import INSTRUCTION_BITS, WORD_BITS

NO_LAYER = NO_TILE = -1
"""In a source map: an instruction that belongs to no layer, or to a layer but to none of its tiles."""


class Channels(NamedTuple):
    """So many consecutive channels, from word `offset` of a pixel on."""

    channels: int
    offset: int


class Unrolled(NamedTuple):
    """Row y holds, for every column, the channels of `kernel` rows of maps that have `height` of them, one behind the
    other: rows y * stride - pad + t * dilation for each t below `kernel`. Of rows outside, the words mean nothing."""

    kernel: int
    stride: int
    dilation: int
    pad: int
    height: int

    def places(self, tap: int, rows: int) -> tuple[range, range]:
        """Those of so many rows whose place `tap` holds a row inside the maps, and the rows that they hold there."""
        above = self.pad - tap * self.dilation
        first = max(0, -(-above // self.stride))
        stop = max(first, min(rows, (self.height - 1 + above) // self.stride + 1))
        return range(first, stop), range(first * self.stride - above, stop * self.stride - above, self.stride)


class MapsLayout(NamedTuple):
    """How maps lie in a region: channel c of pixel (y, x) at word y * row + x * pixel + its place in the pixel.

    Channels lie in segments, one behind the other in the order of the channels; the words between them mean nothing. A
    word w stands for w / 2^frac.
    """

    height: int
    width: int
    pixel: int
    """Words from a pixel to its right neighbour."""
    row: int
    """Words from a pixel to its lower neighbour."""
    frac: int
    segments: tuple[Channels, ...]
    unrolled: Unrolled | None = None
    """What rows hold where the host unrolls them; None: a row of the maps each."""

    @property
    def reach(self) -> int:
        """Words from the first pixel to behind the last one, beside which there may be rows of others."""
        return (self.height - 1) * self.row + self.width * self.pixel

    @property
    def channels(self) -> int:
        """Channels that carry values."""
        return sum(segment.channels for segment in self.segments)


class Region(NamedTuple):
    """A region of memory with a meaning: the maps of a layer's result, or its packed weights."""

    name: str
    """Of the layer."""
    kind: str
    """`maps` or `weights`."""
    address: int
    words: int
    layout: MapsLayout | None
    """Of maps; None for weights, which lie as the weights buffers want them."""
    first_layer: str | None = None
    """The first layer that needs the region: before, others may use its memory. None: from the start."""
    last_layer: str | None = None
    """The last layer that needs it: behind, others may use its memory. None: to the end."""


class Tensor(NamedTuple):
    """An array that the host holds while a program runs. Arrays have a leading batch axis besides."""

    shape: tuple[int, ...]
    """Without batch axis."""
    frac: int | None
    """int16 words with so many fraction bits; None: float32."""


class Port(NamedTuple):
    """An input or output of the network."""

    name: str
    shape: tuple[int, ...]
    """Without batch axis. What goes in and comes out is float32."""
    frac: int | None
    """Fraction bits of the words in memory; None when the host alone handles this value."""
    region: int | None
    """The region of memory that holds the value, by its number in the program; None likewise."""


class HostStep(NamedTuple):
    """The host computes: `operation` is one of snowdialect/simulator/host.py."""

    operation: str
    layer: str
    operands: tuple[int, ...]
    """Tensors by number."""
    result: int | None
    """A tensor by number."""
    attributes: Mapping[str, Any]
    """Numbers, strings and lists of numbers, by name."""


class CodeStep(NamedTuple):
    """The accelerator runs a code segment from its start to `done`."""

    code: int
    """The segment by its number in the program."""


Step = HostStep | CodeStep


class Layer(NamedTuple):
    """What a report says about a layer before anything has run."""

    name: str
    kind: str
    """conv2d, linear, max_pool, avg_pool, add or host."""
    mode: str | None
    """coop or indp, for layers with kernels."""
    order: str | None
    """mloop or kloop: the order of their tile loops."""
    macs: int
    """Multiply-accumulates that the layer needs, without those on padding; of convolutions and linear layers."""
    can_wrap: bool | None = None
    """Whether some input can make a sum that 32 bits do not hold; None when that was not found out."""
    certificate: Certificate | None = None
    """What the layer takes by the compiler's estimate, and at least; None where it was compiled without a schedule."""
    alone: bool | None = None
    """Whether no layer of the accelerator is at work beside it; None when that is not known."""

    def row(self, measured: Mapping[str, Any]) -> dict[str, Any]:
        """The layer in a report, with what a run has measured."""
        known = self._asdict()
        del known["certificate"]
        certificate = None if self.certificate is None else self.certificate.report()
        return {**known, **measured, "certificate": certificate}


class Coverage(NamedTuple):
    """A layer of the network as it was read, and what became of it."""

    name: str
    operation: str
    """conv2d, batch_norm, softmax, ..."""
    fate: str | None
    """accelerated, folded or fused into another layer, or host."""
    into: str | None
    """The layer that does its work."""
    macs: int | None
    """As of a Layer; 0 unless accelerated."""
    reason: str | None
    """Why, for people."""


@dataclass(frozen=True)
class Image:
    """The contents of memory from `address` on, when a program starts."""

    address: int
    words: NDArray[np.int16]


@dataclass(frozen=True)
class Code:
    """One stretch of code: blocks of instructions, each for one bank of the instruction cache.

    The host puts block 0 into bank 0 and starts the core at its first instruction. In memory a block begins at a
    transfer, an instruction is two words, low word first.
    """

    address: int
    """Of block 0; the others follow it, `Program.block_transfers` apart."""
    words: NDArray[np.uint32]
    """(blocks, instructions of a bank)."""
    layers: NDArray[np.int32]
    """The source map, (blocks, instructions of a bank): the layer of each instruction by its number, or NO_LAYER."""
    tiles: NDArray[np.int32]
    """The tiles that each instruction is for, by their number in `Program.tiles`, or NO_TILE; the same shape."""


@dataclass(frozen=True)
class Program:
    """Everything that it takes to run a network on a machine."""

    model: str
    """The name of the model file."""
    machine: Machine
    regions: tuple[Region, ...]
    images: tuple[Image, ...]
    """Packed weights; memory that no image and no code covers holds zeros."""
    codes: tuple[Code, ...]
    tensors: tuple[Tensor, ...]
    steps: tuple[Step, ...]
    """In the order in which they run."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    layers: tuple[Layer, ...]
    tiles: tuple[str, ...]
    """Texts such as `rows 14 to 28`, for source maps and messages."""
    coverage: tuple[Coverage, ...] = ()
    """The layers of the network; none when the module did not know them."""

    @property
    def block_words(self) -> int:
        """Words of memory from one block of code to the next, in whole transfers."""
        words = self.machine.icache_instructions * INSTRUCTION_BITS // WORD_BITS
        return -(-words // self.machine.transfer_words) * self.machine.transfer_words

    @property
    def block_transfers(self) -> int:
        return self.block_words // self.machine.transfer_words

    @cached_property
    def memory_words(self) -> int:
        """Words of memory that the program uses, in whole transfers."""
        transfer = self.machine.transfer_words
        ends = [region.address * transfer + region.words for region in self.regions]
        ends += [image.address * transfer + len(image.words) for image in self.images]
        ends += [code.address * transfer + len(code.words) * self.block_words for code in self.codes]
        return -(-max(ends, default=0) // transfer) * transfer

    @property
    def instructions(self) -> int:
        """Instructions of all code, empty ones between them included; not those that fill up a last block."""
        count = 0
        for code in self.codes:
            layers = code.layers.reshape(-1)
            unnamed = int((layers[::-1] != NO_LAYER).argmax()) if (layers != NO_LAYER).any() else 0
            count += len(layers) - unnamed
        return count

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one input through all layers, without those on padding."""
        return sum(layer.macs for layer in self.layers)

    def initial_memory(self) -> NDArray[np.int16]:
        """Memory before the first step, (words,): images and code in their places, zeros elsewhere."""
        memory = np.zeros(self.memory_words, np.int16)
        transfer = self.machine.transfer_words
        for image in self.images:
            memory[image.address * transfer :][: len(image.words)] = image.words
        for code in self.codes:
            for block, words in enumerate(code.words):
                halves = np.ascontiguousarray(words, "<u4").view("<i2")
                memory[code.address * transfer + block * self.block_words :][: len(halves)] = halves
        return memory
