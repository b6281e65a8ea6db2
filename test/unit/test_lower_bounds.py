"""Bounds of layers, worked out by hand. That no layer of a network is faster than its own: test_networks.py."""

from dataclasses import replace

from test_tiling import convolution, maps

from lowering.bounds import Bounds, Demand, add_bounds, conv_bounds, loaded_words, max_pool_bounds
from lowering.words_tiling import words_problem
from snowdialect.dialects.tile import Window
from snowdialect.machine import load_machine

ZC706 = load_machine()

# From docs/isa.md, "Timing", with the numbers of zc706.
STORE = 4 + 16 + 64
"""A queue, the overhead of a transfer, the way to memory."""
FILL = STORE + 4
"""The first load, and the queue that the first trace then goes through."""
WRITTEN = 12 + STORE
"""The last result is written back and stored."""


def moved(words: int) -> int:
    """Words of two bytes, at 4.2e9 bytes a second and 250 MHz: 84 bytes in five cycles."""
    return -(-words * 2 * 5 // 84)


def test_3x3_takes_the_lines_under_its_kernels() -> None:
    # 26 rows and columns have three taps, two have two: 82 * 82 taps of 4 lines, in 16 steps of 4 kernels, in 4 CUs.
    assert conv_bounds(convolution(64, 64, (28, 28), 3), fused=False) == Bounds(
        macs=FILL + 82 * 82 * 4 * 16 // 4 + 16 + WRITTEN,
        reduction=FILL + 82 * 82 * 4 * 16 // 4 + WRITTEN,
        comparisons=0,
        # Maps, kernels of 16 + 9 * 64 words in whole transfers, results.
        bandwidth=STORE + moved(28 * 28 * 64 + 64 * 576 + 28 * 28 * 64),
        # A start and a trace for each kernel row.
        issue=FILL + (28 * 28 + 82 * 28) * 16 // 4 + STORE,
        buffer=STORE + moved(28 * 28 * 64 + 64 * 576 + 28 * 28 * 64),
    )


def test_1x1_over_few_channels_is_best_word_by_word() -> None:
    # In COOP an output has 4 lines but takes 16 cycles, 8 steps a pixel; in INDP 64 words, one step a pixel.
    bounds = conv_bounds(convolution(64, 32, (14, 14), 1), fused=False)
    assert bounds.macs == bounds.cycles == FILL + 14 * 14 * 64 // 4 + 16 + WRITTEN
    assert bounds.bandwidth == STORE + moved(14 * 14 * 64 + 2 * 1024 + 14 * 14 * 32)
    assert bounds.issue == FILL + 14 * 14 * 2 // 4 + STORE


def test_results_leave_one_after_the_other() -> None:
    # 192 words are 12 lines, but an output takes 16 cycles; in INDP, 48 kernels take 192 cycles for all 64 lanes.
    bounds = conv_bounds(convolution(192, 48, (14, 14), 1), fused=False)
    assert bounds.macs == FILL + 14 * 14 * 12 * 12 // 4 + 16 + WRITTEN
    assert bounds.reduction == bounds.cycles == FILL + 14 * 14 * 12 * 16 // 4 + WRITTEN


def test_a_fused_pool_compares_beside_the_macs_and_is_all_that_is_stored() -> None:
    problem = convolution(64, 64, (28, 28), 3, pool=(2, 2, 0))
    alone, fused = conv_bounds(problem, fused=False), conv_bounds(problem, fused=True)
    assert (alone.macs, alone.comparisons) == (fused.macs, 0)
    assert fused.comparisons == FILL + 14 * 14 * 4 * 4 // 4 + STORE
    assert fused.bandwidth == STORE + moved(28 * 28 * 64 + 64 * 576 + 14 * 14 * 64)


def test_a_residual_is_moved_and_started_from() -> None:
    alone, added = (conv_bounds(convolution(64, 64, (28, 28), 3, residual=r), fused=False) for r in (False, True))
    assert added.bandwidth - STORE == moved(3 * 28 * 28 * 64 + 64 * 576)
    assert added.issue - alone.issue == 28 * 28 * 16 // 4


def test_pools_and_additions_wait_for_memory() -> None:
    window = Window(2, 2, 2, 2, 1, 1, 0, 0, 28, 28, 14, 14)
    pool = max_pool_bounds(words_problem(ZC706, window, maps(28, 28, 64), None, maps(14, 14, 64)))
    assert pool.comparisons == FILL + 14 * 14 * 4 * 4 // 4 + STORE
    assert pool.issue == FILL + 14 * 14 * 2 * 4 // 4 + STORE
    assert pool.bandwidth == pool.cycles == STORE + moved((28 * 28 + 14 * 14) * 64)
    pixels = Window(1, 1, 1, 1, 1, 1, 0, 0, 28, 28, 28, 28)
    add = add_bounds(words_problem(ZC706, pixels, *[maps(28, 28, 64)] * 3))
    assert add.reduction == FILL + 28 * 28 * 16 // 4 + WRITTEN
    assert add.bandwidth == add.cycles == STORE + moved(3 * 28 * 28 * 64)


def test_what_the_buffers_cannot_keep_is_loaded_again() -> None:
    # 1024 pixels of 64 words, 64 kernels of 96 words: 2^22 products, each found by a load of one of the two.
    machine = replace(ZC706, mbuf_words=1024, wbuf_words=128)
    layer = Demand(maps=1 << 16, weights=6144, reuse=1 << 28)
    # Maps once, which finds 2^16 * 2048 of the 2^28; for the others 4096 products * 64 a word of kernels.
    assert loaded_words(machine, layer) == (1 << 16) + (1 << 15)
    # Where all kernels stay, nothing comes again.
    assert loaded_words(replace(machine, wbuf_words=512), layer) == (1 << 16) + 6144
