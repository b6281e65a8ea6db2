"""Sums of products of a trace, in 32 bits: the innermost loops of the simulator.

Written for LLVM, so that the words of maps are read once for all kernels, and that two products are formed and added up
in one instruction where the processor has it. The caller knows that no sum leaves 32 bits.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from snowdialect.simulator.state import MACS

_WORD, _HALF, _WHOLE = (ir.IntType(bits) for bits in (16, 32, 64))
_HALVES = ir.VectorType(_HALF, MACS)


def _row(builder: ir.IRBuilder, array: Any, row: int, first: Any) -> Any:
    """Where in a row of an array an element lies."""
    stride = builder.extract_value(array.strides, 0)
    start = builder.ptrtoint(array.data, _WHOLE)
    start = builder.add(start, builder.mul(stride, _WHOLE(row)))
    return builder.gep(builder.inttoptr(start, array.data.type), [first])


def _line(builder: ir.IRBuilder, words: Any, number: Any) -> Any:
    """A line of words as numbers of 32 bits."""
    lines = builder.bitcast(words, ir.VectorType(_WORD, MACS).as_pointer())
    return builder.sext(builder.load(builder.gep(lines, [number]), align=2), _HALVES)


def _everywhere(builder: ir.IRBuilder, number: Any) -> Any:
    """A line of numbers of 32 bits, all the same."""
    first = builder.insert_element(ir.Constant(_HALVES, ir.Undefined), number, _HALF(0))
    return builder.shuffle_vector(first, first, _HALVES([0] * MACS))


def _add_pairs(builder: ir.IRBuilder, numbers: Any) -> Any:
    """Sums of neighbours in a vector."""
    count = numbers.type.count
    even, odd = (
        builder.shuffle_vector(
            numbers,
            ir.Constant(numbers.type, ir.Undefined),
            ir.Constant(ir.VectorType(_HALF, count // 2), list(range(start, count, 2))),
        )
        for start in range(2)
    )
    return builder.add(even, odd)


def _sum(builder: ir.IRBuilder, numbers: Any) -> Any:
    """The sum of all elements of a vector."""
    while numbers.type.count > 1:
        numbers = _add_pairs(builder, numbers)
    return builder.extract_element(numbers, _HALF(0))


def _dots_of(kernels: int) -> Any:
    """Makes a function that adds sums of products of one trace and so many kernels.

    The function takes words of maps, lines of weights (kernel, word) and the place from which on they count, and sums
    of 64 bits (kernel, MAC), of which it adds to the first.
    """

    def add_dots(typing_context: Any, maps: Any, weights: Any, first: Any, sums: Any) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            kinds, (maps, weights, first, sums) = signature.args, arguments
            maps, weights, sums = (
                cgutils.create_struct_proxy(kind)(context, builder, value)
                for kind, value in ((kinds[0], maps), (kinds[1], weights), (kinds[3], sums))
            )
            pairs = ir.VectorType(_HALF, MACS // 2)
            totals = [cgutils.alloca_once_value(builder, ir.Constant(pairs, None)) for _ in range(kernels)]
            rows = [_row(builder, weights, number, first) for number in range(kernels)]
            lines = builder.udiv(builder.extract_value(maps.shape, 0), _WHOLE(MACS))
            with cgutils.for_range(builder, lines) as loop:
                trace = _line(builder, maps.data, loop.index)
                for row, total in zip(rows, totals, strict=True):
                    products = builder.mul(trace, _line(builder, row, loop.index))
                    builder.store(builder.add(builder.load(total), _add_pairs(builder, products)), total)
            for number, total in enumerate(totals):
                target = _row(builder, sums, number, _WHOLE(0))
                dot = builder.sext(_sum(builder, builder.load(total)), _WHOLE)
                builder.store(builder.add(builder.load(target), dot), target)
            return context.get_dummy_value()

        return types.none(maps, weights, first, sums), generate

    return intrinsic(add_dots)


add_dots, add_four_dots = _dots_of(1), _dots_of(4)


def _add_products(typing_context: Any, maps: Any, weights: Any, sums: Any) -> Any:
    """Adds one word of maps times a line of weights after the other to a line of sums of 64 bits, each of one piece."""

    def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
        arrays = zip(signature.args, arguments, strict=True)
        maps, weights, sums = (cgutils.create_struct_proxy(kind)(context, builder, value) for kind, value in arrays)
        total = cgutils.alloca_once_value(builder, ir.Constant(_HALVES, None))
        words = builder.extract_value(maps.shape, 0)
        pairs = builder.lshr(words, _WHOLE(1))
        two_words = builder.bitcast(maps.data, _HALF.as_pointer())
        two_lines = builder.bitcast(weights.data, ir.VectorType(_WORD, 2 * MACS).as_pointer())
        both = ir.VectorType(_HALF, 2 * MACS)
        with cgutils.for_range(builder, pairs) as loop:
            pair = _everywhere(builder, builder.load(builder.gep(two_words, [loop.index]), align=2))
            pair = builder.sext(builder.bitcast(pair, ir.VectorType(_WORD, 2 * MACS)), both)
            lines = builder.load(builder.gep(two_lines, [loop.index]), align=2)
            order = [place for lane in range(MACS) for place in (lane, MACS + lane)]
            lines = builder.shuffle_vector(lines, lines, ir.Constant(ir.VectorType(_HALF, 2 * MACS), order))
            products = builder.mul(pair, builder.sext(lines, both))
            builder.store(builder.add(builder.load(total), _add_pairs(builder, products)), total)
        with builder.if_then(builder.trunc(words, ir.IntType(1))):
            last = builder.sub(words, _WHOLE(1))
            word = builder.sext(builder.load(builder.gep(maps.data, [last])), _HALF)
            products = builder.mul(_everywhere(builder, word), _line(builder, weights.data, last))
            builder.store(builder.add(builder.load(total), products), total)
        wholes = ir.VectorType(_WHOLE, MACS)
        target = builder.bitcast(sums.data, wholes.as_pointer())
        result = builder.add(builder.load(target, align=8), builder.sext(builder.load(total), wholes))
        builder.store(result, target, align=8)
        return context.get_dummy_value()

    return types.none(maps, weights, sums), generate


add_products: Any = intrinsic(_add_products)
