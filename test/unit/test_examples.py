"""What the pages of the dialects show of a layer is what the compiler makes of it."""

import re
from io import StringIO
from pathlib import Path

import pytest
from xdsl.parser import Parser
from xdsl.printer import Printer

from lowering import driver

DOCS = Path(__file__).parents[2] / "docs"
SCHEDULE = """#tile.schedule<coop, rows, mloop, rows 4, columns 8, maps_rows 48, steps 1, parts 1, maps_slots 2,
  weights_slots 2, result_slots 2, result_tiles 8, fused 0, turns 1, biases 0, abreast 1>"""
CONV1 = f"""
module attributes {{snow.machine = "zc706"}} {{
  %f = cnn.input "input" : tensor<1x16x48x8xf32>
  %x = cnn.quantize %f : (tensor<1x16x48x8xf32>) -> tensor<1x16x48x8x!cnn.fixed<8>> loc("input")
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {{pads = [1, 1, 1, 1], relu}} attributes {{tile.schedule = {SCHEDULE}}}
    : (tensor<1x16x48x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x48x8x!cnn.fixed<8>> loc("conv1")
  %d = cnn.dequantize %y : (tensor<1x32x48x8x!cnn.fixed<8>>) -> tensor<1x32x48x8xf32>
  cnn.output "output" %d : tensor<1x32x48x8xf32>
}}"""


def shown(page: str) -> list[str]:
    """The lines of the first block of IR of a page; what goes on in the next line begins with an attribute there."""
    found = re.search(r"^```mlir\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    lines: list[str] = []
    for line in map(str.strip, found[1].splitlines()):
        if line.startswith("<"):
            lines[-1] += f" {line}"
        elif line != "...":
            lines.append(line)
    return lines


@pytest.mark.parametrize("level", ["tile", "loop"])
def test_a_page_shows_what_the_compiler_makes(level: str) -> None:
    context = driver.make_context()
    module = Parser(context, CONV1).parse_module()
    driver.lower(context, module, level)
    text = StringIO()
    Printer(text, print_debuginfo=True).print_op(module)
    made = iter(text.getvalue().splitlines())
    for line in shown(f"{level}.md"):
        # Three dots are what is left out; so are types at the end.
        pattern = ".*".join(map(re.escape, re.split(r" ?\.\.\. ?", line)))
        assert any(re.match(rf"\s*{pattern}", other) for other in made), line
