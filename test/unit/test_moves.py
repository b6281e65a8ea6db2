"""Lines that move between maps buffers: the same words from the loop dialect down to the simulator."""

import numpy as np
import pytest
from xdsl.parser import Parser

from lowering import driver
from lowering.pipeline import LEVELS
from snowdialect.backend.assemble import assemble
from snowdialect.interpreters import run_module
from snowdialect.simulator import simulate

MAPS = "!tile.maps<height 4, width 1, pixel 256, row 256, frac 0, channels [256 at 0]>"
"""Four rows of eight transfers: row `c` is what CU `c` loads, and what it stores."""

PROGRAM = """
module attributes {{snow.machine = "zc706", snow.layers = [{{name = "layer", kind = "add", macs = 0 : i64}}]}} {{
  %x = cnn.input "x" : tensor<1x256x4x1xf32>
  %q = cnn.quantize %x : (tensor<1x256x4x1xf32>) -> tensor<1x256x4x1x!cnn.fixed<0>>
  %in = tile.region "in" at 0 : {maps}
  tile.write %q to %in : tensor<1x256x4x1x!cnn.fixed<0>> to {maps}
  %out = tile.region "out" at 32 : {maps}
  loop.layer "add" {{
    {loads}
    loop.wait load pending 0
    {body}
    loop.wait move pending 0
    {stores}
  }} loc("layer")
  %r = tile.read %out : {maps} to tensor<1x256x4x1x!cnn.fixed<0>>
  %y = cnn.dequantize %r : (tensor<1x256x4x1x!cnn.fixed<0>>) -> tensor<1x256x4x1xf32>
  cnn.output "y" %y : tensor<1x256x4x1xf32>
}}
"""


def moved(body: str, words: np.ndarray) -> np.ndarray:
    """(N, CU, word): words 512 on of each CU, behind moves of words 0 on. Every level agrees on them."""
    loads = [f"loop.load %in[{8 * cu}] to mbuf[0] units 8 cus {1 << cu} through {cu} : {MAPS}" for cu in range(4)]
    zeros = [f"loop.load %out[0] to mbuf[512] units 8 cus 15 through 0 : {MAPS}"]
    stores = [f"loop.store mbuf[512] cu {cu} to %out[{8 * cu}] units 8 : {MAPS}" for cu in range(4)]
    text = PROGRAM.format(maps=MAPS, loads=" ".join(zeros + loads), body=body, stores=" ".join(stores))
    context = driver.make_context()
    module = Parser(context, text).parse_module()
    driver.verify(module, "test")
    batch = words.transpose(0, 2, 1)[..., None].astype(np.float32)
    runs = [run_module(module, batch)]
    driver.lower(context, module, LEVELS[-1])
    runs.append(run_module(module, batch))
    expected = runs[0].layers["out"]
    np.testing.assert_array_equal(runs[1].layers["out"], expected)
    np.testing.assert_array_equal(simulate(assemble(module, None, "test"), batch).layers["out"], expected)
    return expected[..., 0].transpose(0, 2, 1)


@pytest.mark.parametrize(("source", "target"), [(2, 1), (0, 3), (1, 1)])
def test_between_compute_units_and_inside_one(source: int, target: int) -> None:
    words = np.random.default_rng(8).integers(-(2**15), 2**15, (2, 4, 256))
    result = moved(
        f"""loop.for %i = 0 to 2 {{
          loop.move mbuf[%i * 64 + 16] cu {source} to mbuf[%i * 96 + 528] cu {target} lines 4
        }}""",
        words,
    )
    expected = np.zeros((2, 4, 256), int)
    for i in range(2):
        expected[:, target, 96 * i + 16 : 96 * i + 80] = words[:, source, 64 * i + 16 : 64 * i + 80]
    np.testing.assert_array_equal(result, expected)


def test_lines_of_source_and_target_move_to_the_front() -> None:
    words = np.random.default_rng(9).integers(-(2**15), 2**15, (2, 4, 256))
    result = moved(
        """loop.move mbuf[0] cu 3 to mbuf[528] cu 3 lines 10
        loop.wait move pending 0
        loop.move mbuf[528] cu 3 to mbuf[512] cu 3 lines 10""",
        words,
    )
    np.testing.assert_array_equal(result[:, 3, :160], words[:, 3, :160])
