"""Memory images of constants: weights evaluated, quantised and packed, and the weights of average pools."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from snowdialect.dialects import tile
from snowdialect.dialects.target import machine_of
from snowdialect.dialects.tile.types import PackedType
from snowdialect.interpreters.cnn import evaluate_constant
from snowdialect.interpreters.state import RunState
from snowdialect.layout import pack_average, pack_weights
from snowdialect.weights import Weights

_WORD = np.dtype(np.int16)

PackedOp = tile.WeightsOp | tile.AverageWeightsOp

Images = Sequence[NDArray[np.int16]]
"""The words of each packed constant of a module, in the order of their operations."""


class PackedConstants:
    """The packed constants of a module, in memory that a process shares with its forks: any of them may pack."""

    def __init__(self, module: ModuleOp, weights: Weights | None) -> None:
        self.weights = weights
        self.ops = [op for op in module.body.block.ops if isinstance(op, PackedOp)]
        lengths = [packed_length(op) for op in self.ops]
        memory = np.frombuffer(mmap.mmap(-1, max(1, sum(lengths)) * _WORD.itemsize), _WORD)
        ends = list(accumulate(lengths))
        self.images: Images = [memory[end - length : end] for length, end in zip(lengths, ends, strict=True)]
        """Zeros until they are packed."""

    def pack(self) -> None:
        """Fills the images. Raises SnowError for weights that are missing or do not fit."""
        for op, image in zip(self.ops, self.images, strict=True):
            image[:] = packed_words(op, self.weights)


def packed_length(op: PackedOp) -> int:
    """How many words a packed constant has."""
    assert isinstance(op.result.type, PackedType)
    return op.result.type.words.data


def packed_words(op: PackedOp, weights: Weights | None) -> NDArray[np.int16]:
    """The words of one packed constant. Raises SnowError for weights that are missing or do not fit."""
    if isinstance(op, tile.AverageWeightsOp):
        machine = machine_of(op)
        values = tuple(op.values.get_values())
        return pack_average(values, machine.vmacs, machine.line_words, machine.transfer_words)
    packing = op.packing.record
    # A state of its own: what one layer's constants share is not kept for the next.
    state = RunState(weights=weights)
    array = evaluate_constant(op.weights, state)
    bias = None if op.bias is None else evaluate_constant(op.bias, state)
    return pack_weights(array.reshape(packing.channels, -1, packing.kernel_h, packing.kernel_w), bias, packing)
