"""What the host of a program computes is, bit by bit, what the interpreters of the dialects compute."""

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from lowering import driver
from snowdialect.backend.assemble import assemble
from snowdialect.backend.program import Channels, HostStep, MapsLayout, Port, Program, Tensor
from snowdialect.errors import SnowError
from snowdialect.interpreters import run_module
from snowdialect.simulator import simulate
from snowdialect.simulator.host import Host, read_maps, write_maps


def parse(text: str) -> ModuleOp:
    module = Parser(
        driver.make_context(), f'module attributes {{snow.machine = "zc706"}} {{\n{text}\n}}'
    ).parse_module()
    module.verify()
    return module


def run_host(program: Program, x: np.ndarray) -> Host:
    host = Host(program, x)
    memory = np.zeros((len(x), program.memory_words), np.int16)
    for step in program.steps:
        assert isinstance(step, HostStep)
        host.run(step, memory)
    return host


FIXED_MAPS = "tensor<1x3x7x5x!cnn.fixed<8>>"

CASES = {
    "max_pool": f"""
        %y = cnn.max_pool %q {{kernel = [3, 2], strides = [2, 2], pads = [1, 0, 1, 1], ceil_mode}}
          : ({FIXED_MAPS}) -> tensor<1x3x4x3x!cnn.fixed<8>> loc("pool")
        %r = cnn.dequantize %y : (tensor<1x3x4x3x!cnn.fixed<8>>) -> tensor<1x3x4x3xf32>""",
    "avg_pool": f"""
        %y = cnn.avg_pool %q {{kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode}}
          : ({FIXED_MAPS}) -> tensor<1x3x4x3x!cnn.fixed<6>> loc("pool")
        %r = cnn.dequantize %y : (tensor<1x3x4x3x!cnn.fixed<6>>) -> tensor<1x3x4x3xf32>""",
    "avg_pool of a padded input": f"""
        %y = cnn.avg_pool %q {{kernel = [4, 5], strides = [3, 1], pads = [1, 2, 1, 2], count_include_pad}}
          : ({FIXED_MAPS}) -> tensor<1x3x2x5x!cnn.fixed<12>> loc("pool")
        %r = cnn.dequantize %y : (tensor<1x3x2x5x!cnn.fixed<12>>) -> tensor<1x3x2x5xf32>""",
    "avg_pool in float": """
        %r = cnn.avg_pool %x {kernel = [4, 5], strides = [3, 1], pads = [1, 2, 1, 2]}
          : (tensor<1x3x7x5xf32>) -> tensor<1x3x2x5xf32> loc("pool")""",
    "add, relu, rescale": f"""
        %a = cnn.rescale %q : ({FIXED_MAPS}) -> tensor<1x3x7x5x!cnn.fixed<11>> loc("a")
        %b = cnn.add %a, %q : (tensor<1x3x7x5x!cnn.fixed<11>>, {FIXED_MAPS}) -> tensor<1x3x7x5x!cnn.fixed<7>> loc("b")
        %c = cnn.relu %b : (tensor<1x3x7x5x!cnn.fixed<7>>) -> tensor<1x3x7x5x!cnn.fixed<7>> loc("c")
        %r = cnn.dequantize %c : (tensor<1x3x7x5x!cnn.fixed<7>>) -> tensor<1x3x7x5xf32>""",
    "multiply": f"""
        %f = cnn.avg_pool %q {{kernel = [7, 5]}} : ({FIXED_MAPS}) -> tensor<1x3x1x1x!cnn.fixed<11>> loc("mean")
        %a = cnn.multiply %q, %f
          : ({FIXED_MAPS}, tensor<1x3x1x1x!cnn.fixed<11>>) -> tensor<1x3x7x5x!cnn.fixed<10>> loc("a")
        %b = cnn.multiply %a, %a
          : (tensor<1x3x7x5x!cnn.fixed<10>>, tensor<1x3x7x5x!cnn.fixed<10>>) -> tensor<1x3x7x5x!cnn.fixed<3>> loc("b")
        %r = cnn.dequantize %b : (tensor<1x3x7x5x!cnn.fixed<3>>) -> tensor<1x3x7x5xf32>""",
    "multiply in float": """
        %f = cnn.avg_pool %x {kernel = [7, 5]} : (tensor<1x3x7x5xf32>) -> tensor<1x3x1x1xf32> loc("mean")
        %r = cnn.multiply %x, %f : (tensor<1x3x7x5xf32>, tensor<1x3x1x1xf32>) -> tensor<1x3x7x5xf32> loc("a")""",
    "gather": f"""
        %a = cnn.gather %q {{offset = 1, sizes = [2, 3], strides = [-1, 0]}}
          : ({FIXED_MAPS}) -> tensor<1x6x7x5x!cnn.fixed<8>> loc("a")
        %b = cnn.dequantize %a : (tensor<1x6x7x5x!cnn.fixed<8>>) -> tensor<1x6x7x5xf32>
        %r = cnn.gather %b {{sizes = [3, 2], strides = [1, 3]}} : (tensor<1x6x7x5xf32>) -> tensor<1x6x7x5xf32>""",
    "upsample": f"""
        %a = cnn.upsample %q {{factors = [2, 1]}} : ({FIXED_MAPS}) -> tensor<1x3x14x5x!cnn.fixed<8>> loc("a")
        %b = cnn.dequantize %a : (tensor<1x3x14x5x!cnn.fixed<8>>) -> tensor<1x3x14x5xf32>
        %r = cnn.upsample %b {{factors = [1, 3]}} : (tensor<1x3x14x5xf32>) -> tensor<1x3x14x15xf32>""",
    "depth_to_space and space_to_depth": f"""
        %a = cnn.upsample %q {{factors = [2, 4]}} : ({FIXED_MAPS}) -> tensor<1x3x14x20x!cnn.fixed<8>> loc("a")
        %b = cnn.space_to_depth %a {{block = [2, 1]}}
          : (tensor<1x3x14x20x!cnn.fixed<8>>) -> tensor<1x6x7x20x!cnn.fixed<8>> loc("b")
        %c = cnn.space_to_depth %b {{block = [1, 4], blocks_first}}
          : (tensor<1x6x7x20x!cnn.fixed<8>>) -> tensor<1x24x7x5x!cnn.fixed<8>> loc("c")
        %d = cnn.depth_to_space %c {{block = [3, 2], crop = [1, 2, 3, 0]}}
          : (tensor<1x24x7x5x!cnn.fixed<8>>) -> tensor<1x4x17x8x!cnn.fixed<8>> loc("d")
        %e = cnn.dequantize %d : (tensor<1x4x17x8x!cnn.fixed<8>>) -> tensor<1x4x17x8xf32>
        %r = cnn.depth_to_space %e {{block = [1, 2], blocks_first}}
          : (tensor<1x4x17x8xf32>) -> tensor<1x2x17x16xf32>""",
    "functions in f64": f"""
        %a = cnn.dequantize %q : ({FIXED_MAPS}) -> tensor<1x3x7x5xf32>
        %b = cnn.elu %a {{alpha = 0.3 : f64}} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("elu")
        %c = cnn.softplus %b : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("softplus")
        %d = cnn.power %c {{exponent = 0.7 : f64}} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("power")
        %e = cnn.multiply %a, %d : (tensor<1x3x7x5xf32>, tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("product")
        %f = cnn.softsign %e : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("softsign")
        %g = cnn.erf %f {{scale = 1.7 : f64, factor = -3.0 : f64, shift = 0.1 : f64}}
          : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("erf")
        %h = cnn.normalize %g {{p = 3.0 : f64, eps = 0.1 : f64}}
          : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("normalize")
        %r = cnn.instance_norm %h {{eps = 0.001 : f64}} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32>""",
    "functions of the input": """
        %a = cnn.instance_norm %x {eps = 0.001 : f64} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("norm")
        %b = cnn.power %x {exponent = 16.0 : f64} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("power")
        %c = cnn.normalize %b {p = 4.0 : f64, eps = 0.0 : f64}
          : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("normalize")
        %r = cnn.add %a, %c : (tensor<1x3x7x5xf32>, tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32>""",
    "one channel": f"""
        %m = cnn.channel_max %q : ({FIXED_MAPS}) -> tensor<1x1x7x5x!cnn.fixed<8>> loc("most")
        %n = cnn.channel_mean %q : ({FIXED_MAPS}) -> tensor<1x1x7x5x!cnn.fixed<8>> loc("mean")
        %p = cnn.multiply %q, %n : ({FIXED_MAPS}, tensor<1x1x7x5x!cnn.fixed<8>>) -> {FIXED_MAPS} loc("p")
        %o = cnn.multiply %p, %m : ({FIXED_MAPS}, tensor<1x1x7x5x!cnn.fixed<8>>) -> {FIXED_MAPS} loc("o")
        %d = cnn.dequantize %o : ({FIXED_MAPS}) -> tensor<1x3x7x5xf32>
        %a = cnn.channel_mean %x : (tensor<1x3x7x5xf32>) -> tensor<1x1x7x5xf32> loc("a")
        %b = cnn.channel_max %x : (tensor<1x3x7x5xf32>) -> tensor<1x1x7x5xf32> loc("b")
        %c = cnn.multiply %a, %b : (tensor<1x1x7x5xf32>, tensor<1x1x7x5xf32>) -> tensor<1x1x7x5xf32> loc("c")
        %r = cnn.multiply %d, %c : (tensor<1x3x7x5xf32>, tensor<1x1x7x5xf32>) -> tensor<1x3x7x5xf32>""",
    "transpose": f"""
        %a = cnn.transpose %q {{order = [0, 3, 1, 2]}} : ({FIXED_MAPS}) -> tensor<1x5x3x7x!cnn.fixed<8>> loc("a")
        %b = cnn.dequantize %a : (tensor<1x5x3x7x!cnn.fixed<8>>) -> tensor<1x5x3x7xf32>
        %c = cnn.softmax %b : (tensor<1x5x3x7xf32>) -> tensor<1x5x3x7xf32> loc("c")
        %d = cnn.reshape %c : (tensor<1x5x3x7xf32>) -> tensor<1x5x3x1x7xf32> loc("d")
        %e = cnn.transpose %d {{order = [0, 4, 1, 3, 2]}} : (tensor<1x5x3x1x7xf32>) -> tensor<1x7x5x1x3xf32> loc("e")
        %r = cnn.tanh %e : (tensor<1x7x5x1x3xf32>) -> tensor<1x7x5x1x3xf32>""",
    "sample": f"""
        %a = cnn.sample %q {{offsets = [-2, 4], sizes = [11, 3], steps = [1, -2]}}
          : ({FIXED_MAPS}) -> tensor<1x3x11x3x!cnn.fixed<8>> loc("a")
        %b = cnn.dequantize %a : (tensor<1x3x11x3x!cnn.fixed<8>>) -> tensor<1x3x11x3xf32>
        %r = cnn.sample %b {{offsets = [-10, -1], sizes = [31, 5], reflect}}
          : (tensor<1x3x11x3xf32>) -> tensor<1x3x31x5xf32>""",
    "interpolate": f"""
        %a = cnn.interpolate %q {{sizes = [10, 4], steps = [4, 3], offsets = [-3, 1], units = [6, 2]}}
          : ({FIXED_MAPS}) -> tensor<1x3x10x4x!cnn.fixed<8>> loc("a")
        %b = cnn.dequantize %a : (tensor<1x3x10x4x!cnn.fixed<8>>) -> tensor<1x3x10x4xf32>
        %r = cnn.interpolate %b {{sizes = [3, 9], steps = [4194303, 1000], units = [4194301, 4194304]}}
          : (tensor<1x3x10x4xf32>) -> tensor<1x3x3x9xf32>""",
    "interpolate by the smallest parts": f"""
        %a = cnn.interpolate %q
          {{sizes = [9, 9], steps = [2999999, 1999999], offsets = [7, -3], units = [4194304, 4194303]}}
          : ({FIXED_MAPS}) -> tensor<1x3x9x9x!cnn.fixed<8>> loc("a")
        %r = cnn.dequantize %a : (tensor<1x3x9x9x!cnn.fixed<8>>) -> tensor<1x3x9x9xf32>""",
    "pad and reshape": f"""
        %a = cnn.pad %q {{pads = [2, -1, -3, 4]}} : ({FIXED_MAPS}) -> tensor<1x3x6x8x!cnn.fixed<8>> loc("a")
        %b = cnn.reshape %a : (tensor<1x3x6x8x!cnn.fixed<8>>) -> tensor<1x144x!cnn.fixed<8>> loc("b")
        %r = cnn.dequantize %b : (tensor<1x144x!cnn.fixed<8>>) -> tensor<1x144xf32>""",
    "local response normalization": """
        %a = cnn.lrn %x {size = 2, alpha = 0.5, beta = 0.75, k = 2.0} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32>
        %r = cnn.lrn %a {size = 9, alpha = 1.0, beta = 1.5, k = 1.0} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32>""",
    "functions": """
        %a = cnn.softmax %x : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("a")
        %h = cnn.hard_sigmoid %a {alpha = 3.0, beta = -0.3} : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("h")
        %b = cnn.tanh %h : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("b")
        %c = cnn.sigmoid %b : (tensor<1x3x7x5xf32>) -> tensor<1x3x7x5xf32> loc("c")
        %d = cnn.reshape %c : (tensor<1x3x7x5xf32>) -> tensor<1x105xf32> loc("d")
        %r = cnn.log_softmax %d : (tensor<1x105xf32>) -> tensor<1x105xf32> loc("e")""",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("batch", [1, 5])
def test_an_operation_equals_its_interpreter(text: str, batch: int) -> None:
    result = text.rpartition("-> ")[2].split(" loc")[0]
    module = parse(
        f"""%x = cnn.input "image" : tensor<1x3x7x5xf32>
        %q = cnn.quantize %x : (tensor<1x3x7x5xf32>) -> {FIXED_MAPS} loc("image")
        {text}
        cnn.output "result" %r : {result}"""
    )
    # Some values are too large for their words, and for those of the layers behind them.
    x = np.random.default_rng(0).normal(0, 60, (batch, 3, 7, 5)).astype(np.float32)
    expected = run_module(module, x)
    host = run_host(assemble(module, None, "test"), x)
    assert host.outputs["result"].dtype == np.float32
    np.testing.assert_array_equal(host.outputs["result"], expected.outputs["result"])
    assert +host.saturations == +expected.saturations
    assert +host.wraps == +expected.wraps
    assert host.layers.keys() == expected.layers.keys()
    for name, layer in host.layers.items():
        np.testing.assert_array_equal(layer, expected.layers[name])


def test_a_sum_outside_32_bits_wraps_and_is_counted() -> None:
    module = parse(
        """%x = cnn.input "image" : tensor<1x1xf32>
        %a = cnn.quantize %x : (tensor<1x1xf32>) -> tensor<1x1x!cnn.fixed<0>> loc("image")
        %b = cnn.rescale %a : (tensor<1x1x!cnn.fixed<0>>) -> tensor<1x1x!cnn.fixed<20>> loc("far")
        %r = cnn.dequantize %b : (tensor<1x1x!cnn.fixed<20>>) -> tensor<1x1xf32>
        cnn.output "result" %r : tensor<1x1xf32>"""
    )
    x = np.array([[4096], [3]], np.float32)
    host, expected = run_host(assemble(module, None, "test"), x), run_module(module, x)
    assert host.wraps == Counter({"far": 1}) == +expected.wraps
    np.testing.assert_array_equal(host.outputs["result"], expected.outputs["result"])


def test_maps_lie_in_memory_as_their_layout_says() -> None:
    layout = MapsLayout(2, 3, 10, 32, 8, (Channels(3, 0), Channels(2, 7)))
    memory = np.full((2, 100), 7, np.int16)
    maps = np.arange(2 * 5 * 2 * 3, dtype=np.int16).reshape(2, 5, 2, 3)
    write_maps(memory, 32, layout, maps, line=4)
    assert memory[1, 32 + 1 * 32 + 2 * 10 + 7 + 1] == maps[1, 4, 1, 2]
    # Zeros fill up lines, as far as the pixel goes; nothing else changes.
    assert memory[0, 32 + 3] == memory[0, 32 + 9] == 0
    for untouched in (slice(0, 32), slice(32 + 4, 32 + 7), slice(62, 64), slice(96, None)):
        assert (memory[:, untouched] == 7).all()
    np.testing.assert_array_equal(read_maps(memory, 32, layout), maps)


@pytest.mark.parametrize(
    ("operation", "shape", "result", "attributes"),
    [
        ("depth_to_space", (4, 2, 2), (1, 4, 4), {"block": [0, 2], "crop": [0, 0, 0, 0]}),
        ("depth_to_space", (4, 2, 2), (1, 4, 4), {"block": [2, 2], "crop": [0, 0, 0, -1]}),
        ("depth_to_space", (4, 2, 2), (0, 1 << 31, 1 << 31), {"block": [1 << 30, 1 << 30], "crop": [0, 0, 0, 0]}),
        ("depth_to_space", (1 << 40, 0, 0), (1, 0, 0), {"block": [1 << 20, 1 << 20], "crop": [0, 0, 0, 0]}),
        ("depth_to_space", (4, 2, 2), (1, 4, 4), {"block": [2, "2"], "crop": [0, 0, 0, 0]}),
        ("space_to_depth", (1, 4, 4), (4, 2, 2), {"block": [3, 2]}),
        ("space_to_depth", (0, 1 << 20, 1 << 20), (0, 1, 1), {"block": [1 << 20, 1 << 20]}),
        ("transpose", (1, 4, 2), (4, 1, 2), {"order": [1, 0, 2, 3]}),
        ("transpose", (1, 4, 2), (4, 1, 2), {"order": [0, 2, 2, 3]}),
        ("transpose", (1, 4, 2), (4, 1, 2), {"order": [0, 2, 1]}),
        ("transpose", (1, 4, 2), (4, 1, 2), {"order": []}),
        ("sample", (1, 4, 4), (1, 2, 2), {"rows": [0, 1], "columns": [0]}),
        ("sample", (1, 4, 4), (1, 2, 2), {"rows": [0, 4], "columns": [0, 1]}),
        ("sample", (1, 4, 4), (1, 2, 2), {"rows": [0, 1], "columns": [0, None]}),
        ("sample", (1, 4, 4), (1, 2, 2), {"rows": 2, "columns": 2}),
        ("interpolate", (1, 4, 4), (1, 2, 2), {"sizes": [2, 3]}),
        ("interpolate", (1, 4, 4), (1, 2, 2), {"sizes": [2, 2], "units": [0, 1]}),
        ("interpolate", (1, 4, 4), (1, 2, 2), {"sizes": [2, 2], "units": [1 << 40, 1]}),
        ("interpolate", (1, 4, 4), (1, 2, 2), {"sizes": [2, 2], "steps": [0.5, 1]}),
        ("interpolate", (1, 4, 0), (1, 1 << 40, 0), {"sizes": [1 << 40, 0]}),
    ],
)
def test_steps_that_cannot_be_end_in_a_line(
    operation: str, shape: tuple[int, ...], result: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    """A program file may ask for anything: neither for hours nor for gigabytes, though."""
    module = parse('%x = cnn.input "image" : tensor<1x3xf32>\ncnn.output "result" %x : tensor<1x3xf32>')
    filled = {"blocks_first": False, "steps": [1, 1], "offsets": [0, 0], "units": [1, 1], **attributes}
    program = replace(
        assemble(module, None, "test"),
        tensors=(Tensor(shape, None), Tensor(result, None)),
        inputs=(Port("image", shape, None, None),),
    )
    host = Host(program, np.zeros((1, *shape), np.float32))
    memory = np.zeros((1, 0), np.int16)
    host.run(HostStep("input", "image", (), 0, {"name": "image"}), memory)
    with pytest.raises(SnowError, match=f"^layer bad: the host cannot do '{operation}': "):
        host.run(HostStep(operation, "bad", (0,), 1, filled), memory)


def test_inputs_are_checked() -> None:
    module = parse('%x = cnn.input "image" : tensor<1x3xf32>\ncnn.output "result" %x : tensor<1x3xf32>')
    program = assemble(module, None, "test")
    with pytest.raises(SnowError, match=r"input 'image' has shape \(3,\); want a batch Nx3"):
        Host(program, np.zeros(3))
    with pytest.raises(SnowError, match="input 'image' holds values that are not finite"):
        Host(program, [[1, np.nan, 2]])
    with pytest.raises(SnowError, match="input 'image' is missing"):
        Host(program, {"picture": [[1, 2, 3]]})


def test_there_are_as_many_of_each_input() -> None:
    text = """%x = cnn.input "image" : tensor<1x3xf32>
        %z = cnn.input "mask" : tensor<1x3xf32>
        %y = cnn.add %x, %z : (tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
        cnn.output "result" %y : tensor<1x3xf32>"""
    module, inputs = parse(text), {"image": np.zeros((3, 3), np.float32), "mask": np.zeros((1, 3), np.float32)}
    program = assemble(module, None, "test")
    for run in (partial(simulate, program), partial(run_module, module)):
        with pytest.raises(SnowError, match="^as many of each input are wanted, not 3 of .*image.*, 1 of .*mask"):
            run(inputs)


def test_ports_are_told_apart_by_their_names() -> None:
    text = (
        '%x = cnn.input "x" : tensor<1x3xf32>\ncnn.output "y" %x : tensor<1x3xf32>\ncnn.output "y" %x : tensor<1x3xf32>'
    )
    with pytest.raises(SnowError, match="^net.mlir: several outputs are called 'y'$"):
        driver.verify(parse(text), "net.mlir")
