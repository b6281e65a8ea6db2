"""What reports say of the layers of a module, in the module: instructions keep no more of a layer than its name.

`snow.layers = [{name = "conv1", kind = "conv2d", mode = "coop", order = "kloop", macs = 1024 : i64}, ...]`, set by
cnn-describe-layers, read when a program is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

LAYERS = "snow.layers"


class DescribedLayer(NamedTuple):
    """A layer that the accelerator computes."""

    name: str
    kind: str
    """conv2d, linear, max_pool, avg_pool or add."""
    mode: str | None
    """coop or indp, for layers with kernels."""
    order: str | None
    """mloop or kloop, likewise."""
    macs: int
    """Multiply-accumulates that the layer needs, without those on padding; of convolutions and linear layers."""
    can_wrap: bool | None = None
    """Whether some input can make a sum that 32 bits do not hold; None when that was not found out."""


def describe_layers(module: ModuleOp, layers: Iterable[DescribedLayer]) -> None:
    """Puts layers into the module."""
    module.attributes[LAYERS] = ArrayAttr(
        DictionaryAttr({key: _attribute(value) for key, value in layer._asdict().items() if value is not None})
        for layer in layers
    )


def _attribute(value: bool | int | str) -> Attribute:
    if isinstance(value, bool):
        return IntegerAttr.from_bool(value)
    return IntegerAttr(value, i64) if isinstance(value, int) else StringAttr(value)


def described_layers(module: ModuleOp) -> dict[str, DescribedLayer]:
    """The layers of a module by name; empty for one that holds no description.

    Raises VerifyException, one line, for a description of another form.
    """
    attribute = module.attributes.get(LAYERS)
    if attribute is None:
        return {}
    entries = cast("ArrayAttr[Attribute]", attribute).data if isinstance(attribute, ArrayAttr) else (attribute,)
    layers = [row for row in map(_row, entries) if row is not None]
    if len(layers) < len(entries):
        raise VerifyException(f"{LAYERS} wants a list of layers, each with {', '.join(DescribedLayer._fields)}")
    return {layer.name: layer for layer in layers}


def _row(entry: Attribute) -> DescribedLayer | None:
    if not isinstance(entry, DictionaryAttr) or set(entry.data) - set(DescribedLayer._fields):
        return None
    texts = {key: value.data for key, value in entry.data.items() if isinstance(value, StringAttr)}
    numbers = {key: value.value.data for key, value in entry.data.items() if isinstance(value, IntegerAttr)}
    if not {"name", "kind"} <= texts.keys() or "macs" not in numbers:
        return None
    can_wrap = bool(numbers["can_wrap"]) if "can_wrap" in numbers else None
    return DescribedLayer(
        texts["name"], texts["kind"], texts.get("mode"), texts.get("order"), numbers["macs"], can_wrap
    )
