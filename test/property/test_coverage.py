"""What is said of the layers of random networks before they are compiled is what becomes of them."""

from __future__ import annotations

from hypothesis import assume, example, given
from networks import Add, BatchNorm, Concat, Conv, Linear, MaxPool, Net, Relu, Reshape, nets
from xdsl.dialects.builtin import ModuleOp

from lowering import driver
from lowering.cnn.name_layers import is_layer
from snowdialect.dialects import cnn, tile
from snowdialect.dialects.layers import described_layers, source_layers
from snowdialect.dialects.locations import layer_name
from snowdialect.errors import SnowError

CONTEXT = driver.make_context()


def names_of(module: ModuleOp) -> set[str]:
    return {layer_name(op) for op in module.body.block.ops if is_layer(op) and not isinstance(op, cnn.InputOp)}


def is_made(name: str) -> bool:
    """Whether a layer is made on the way: copies of parts, a ReLU for each operand, what a limit takes besides, and
    what makes a map of a vector for it."""
    return any(part in name for part in (".copy", ".operand", ".below", ".above", ".limit", ".map", ".vector"))


@example(Net((16, 9, 9), (Conv(16, (3, 3)), BatchNorm(), Relu(), Conv(16, residual=True), MaxPool((2, 2)), Linear(9))))
@example(Net((1, 1, 1), (Relu(limit=6.0),), 0.05))
@example(Net((4, 9, 9), (Conv(4), Add(), Relu(limit=2.5), MaxPool((2, 2)))))
@example(Net((6, 4, 4), (Concat((3, 0)), Relu(), Reshape((9, 16)), Add(), Concat((0, 0)))))
@given(nets(moves=True))
def test_each_layer_ends_as_it_is_said(net: Net) -> None:
    module, _ = net.build()
    listed = [layer_name(op) for op in module.body.block.ops if is_layer(op) and not isinstance(op, cnn.InputOp)]
    try:
        driver.lower(CONTEXT, module, "tile")
    except SnowError as error:
        assume("no tile of" not in str(error))
        raise
    sources = source_layers(module)
    assert list(sources) == listed
    fates = {fate: {name for name, layer in sources.items() if layer.fate == fate} for fate in ("accelerated", "host")}
    assert fates["host"] == {name for name in names_of(module) if not is_made(name)}
    tiled = {layer_name(op) for op in module.body.block.ops if isinstance(op, tile.LayerOp)}
    assert fates["accelerated"] == {name for name in tiled if not is_made(name)}
    for layer in sources.values():
        assert layer.into is None or layer.into == "input1" or sources[layer.into].into is None
    described = described_layers(module)
    assert all(sources[name].macs for name, layer in described.items() if layer.macs and not is_made(name))
    assert sum(layer.macs or 0 for layer in sources.values()) == sum(layer.macs for layer in described.values())
