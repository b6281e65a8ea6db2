"""Operations of the loop dialect, one at a time on known words, against sums written out in NumPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.parser import Parser

from lowering import driver
from snowdialect.interpreters import Run, run_module

Words = NDArray[Any]
MAPS = "!tile.maps<height 4, width 1, pixel 256, row 256, frac 0, channels [256 at 0]>"
"""Four rows of eight transfers."""


def run(body: str, words: Words) -> Run:
    """Loads row `c` of 4x256 input words into CU `c` at word 0, runs `body`, and stores words 512 on as row `c`."""
    moves = (
        [f"loop.load %in[{8 * cu}] to mbuf[0] units 8 cus {1 << cu} through 0 : {MAPS}" for cu in range(4)],
        [f"loop.store mbuf[512] cu {cu} to %out[{8 * cu}] units 8 : {MAPS}" for cu in range(4)],
    )
    text = f"""
    module attributes {{snow.machine = "zc706"}} {{
      %x = cnn.input "x" : tensor<1x256x4x1xf32>
      %q = cnn.quantize %x : (tensor<1x256x4x1xf32>) -> tensor<1x256x4x1x!cnn.fixed<0>>
      %in = tile.region "in" at 0 : {MAPS}
      tile.write %q to %in : tensor<1x256x4x1x!cnn.fixed<0>> to {MAPS}
      %out = tile.region "out" at 32 : {MAPS}
      loop.layer "conv2d" {{
        {" ".join(moves[0])}
        {body}
        {" ".join(moves[1])}
      }} loc("layer")
    }}"""
    module = Parser(driver.make_context(), text).parse_module()
    driver.verify(module, "test")
    return run_module(module, words.transpose(0, 2, 1)[..., None].astype(np.float32))


def stored(result: Run) -> Words:
    """(N, CU, word): what each CU stored."""
    return result.layers["out"][..., 0].transpose(0, 2, 1)


def random_words(seed: int, low: int = -(2**15), high: int = 2**15) -> Words:
    return np.random.default_rng(seed).integers(low, high, (2, 4, 256))


def rounded(sums: Words, shift: int) -> Words:
    wrapped = (sums + 2**31) % 2**32 - 2**31
    return np.clip((wrapped + (1 << shift >> 1)) >> shift, -(2**15), 2**15 - 1)


# A weights buffer is filled from memory as any other: the words of row 0, which all CUs then have as kernels.
KERNELS = " ".join(
    f"loop.load %in[0] to wbuf{vmac}[{{at}}] units 8 cus 15 through 0 : {MAPS}".replace("{at}", str(32 * vmac))
    for vmac in range(4)
)
seeds = settings(deadline=None, max_examples=10)


@seeds
@given(st.integers(0, 2**32 - 1), st.integers(0, 31), st.booleans())
def test_coop_sums_the_products_of_a_trace_in_every_vmac(seed: int, shift: int, relu: bool) -> None:
    words = random_words(seed)
    words[1, 0] = words[0, 0]  # Weights are constants: the same in the whole batch.
    result = run(
        f"""{KERNELS} loop.config result_shift = {shift} loop.config bias_shift = 3
        loop.start coop wbuf[97] to mbuf[516] cus 15 vmacs 15
        loop.mac coop mbuf[16] wbuf[96] words 48 cus 15 vmacs 15
        loop.mac coop mbuf[128] wbuf[160] words 64 cus 15 vmacs 15 last{" relu" if relu else ""} loc("layer")""",
        words,
    )
    # vMAC v has its kernels from word 32 v on.
    kernels = np.stack([np.pad(words[0, 0], (32 * vmac, 96 - 32 * vmac)) for vmac in range(4)])
    sums = (
        (kernels[:, 97] << 3) + words[..., 16:64] @ kernels[:, 96:144].T + words[..., 128:192] @ kernels[:, 160:224].T
    )
    expected = rounded(sums, shift)
    np.testing.assert_array_equal(stored(result)[..., 4:8], np.maximum(expected, 0) if relu else expected)
    unclamped = ((sums + 2**31) % 2**32 - 2**31 + (1 << shift >> 1)) >> shift
    assert result.saturations["layer"] == np.count_nonzero(unclamped != expected)
    assert result.wraps["layer"] == np.count_nonzero((sums < -(2**31)) | (sums >= 2**31))


@seeds
@given(st.integers(0, 2**32 - 1))
def test_indp_gives_every_mac_an_output_of_its_own(seed: int) -> None:
    words = random_words(seed, -300, 300)
    words[1, 0] = words[0, 0]
    result = run(
        f"""{KERNELS} loop.config result_shift = 5 loop.config bias_shift = 0
        loop.start indp wbuf[96] to mbuf[512] cus 5 vmacs 3
        loop.mac indp mbuf[7] wbuf[112] words 9 cus 5 vmacs 3 last""",
        words,
    )
    expected = np.zeros((2, 4, 32), int)
    for cu in (0, 2):
        for vmac in (0, 1):
            first = 96 - 32 * vmac
            kernels = words[0, 0, first + 16 : first + 16 + 9 * 16].reshape(9, 16)
            sums = words[0, 0, first : first + 16] + words[:, cu, 7:16] @ kernels
            expected[:, cu, 16 * vmac : 16 * vmac + 16] = rounded(sums, 5)
    np.testing.assert_array_equal(stored(result)[..., :32], expected)


def test_starts_add_operands_at_the_offset_of_each_cu() -> None:
    words = random_words(3)
    offsets = " ".join(f"loop.config bypass_offset = {16 * cu} cus {1 << cu}" for cu in range(4))
    result = run(
        f"""loop.config result_shift = 2 loop.config bias_shift = 1 loop.config bypass_shift = 2 {offsets}
        loop.start indp mbuf[0] to mbuf[512] cus 15 vmacs 3
        loop.start indp mbuf[64] to mbuf[512] cus 15 vmacs 3 add alt last relu""",
        words,
    )
    for cu in range(4):
        first, second = words[:, cu, 16 * cu :][:, :32], words[:, cu, 64 + 16 * cu :][:, :32]
        np.testing.assert_array_equal(stored(result)[:, cu, :32], np.maximum(rounded(2 * first + 4 * second, 2), 0))


def test_a_coop_start_gives_each_vmac_a_word() -> None:
    words = random_words(4)
    result = run(
        """loop.config result_shift = 0 loop.config bias_shift = 0
        loop.start coop mbuf[5] to mbuf[512] cus 15 vmacs 15 last""",
        words,
    )
    np.testing.assert_array_equal(stored(result)[..., :4], words[..., 5:9])


def test_comparisons_go_on_until_the_last() -> None:
    words = random_words(5)
    result = run(
        """loop.config max_stride = 2
        loop.max mbuf[0] to mbuf[512] count 3 cus 15 first
        loop.max mbuf[128] to mbuf[512] count 1 cus 15
        loop.max mbuf[160] to mbuf[512] count 2 cus 15 last
        loop.max mbuf[48] to mbuf[528] count 1 cus 8 first last""",
        words,
    )
    lines = words.reshape(2, 4, 16, 16)
    np.testing.assert_array_equal(stored(result)[..., :16], lines[:, :, [0, 2, 4, 8, 10, 12]].max(axis=2))
    np.testing.assert_array_equal(stored(result)[:, 3, 16:32], lines[:, 3, 3])
    assert not stored(result)[:, :3, 16:32].any()


def test_addresses_follow_the_loops_around_them() -> None:
    words = random_words(6)
    result = run(
        """loop.config result_shift = 0 loop.config bias_shift = 0
        loop.for %i = 1 to 4 {
          loop.for %j = 0 to 2 {
            loop.start indp mbuf[%i * 32 + %j mod 2 * 16] to mbuf[%i * 32 + %j * 16 + 480] cus 15 vmacs 1 last
          }
        }""",
        words,
    )
    np.testing.assert_array_equal(stored(result)[..., :96], words[..., 32:128])


def test_cus_follow_the_index_of_a_loop() -> None:
    words = random_words(5)
    result = run(
        f"""
        loop.for %c = 0 to 3 {{ loop.store mbuf[0] cu 1 + %c to %in[%c * 8] units 8 : {MAPS} }}
        loop.for %c = 1 to 4 {{ loop.load %in[%c * -8 + 24] to mbuf[512] units 8 cus 1 shifted %c through 0 : {MAPS} }}
        """,
        words,
    )
    # Row r is now that of CU r + 1, and CU c gets row 3 - c.
    np.testing.assert_array_equal(stored(result)[:, 1:], words[:, [3, 2, 1]])
    assert not stored(result)[:, 0].any()


@pytest.mark.parametrize("units", [1, 3])
def test_loads_and_stores_move_whole_transfers_and_no_more(units: int) -> None:
    words = random_words(7)
    result = run(f"loop.load %in[9] to mbuf[512] units {units} cus 6 through 2 : {MAPS}", words)
    expected = np.zeros((2, 4, 256), int)
    expected[:, 1:3, : 32 * units] = words[:, None, 1, 32 : 32 + 32 * units]
    np.testing.assert_array_equal(stored(result), expected)
