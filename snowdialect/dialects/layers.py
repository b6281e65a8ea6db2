"""What reports say of the layers of a module, in the module: instructions keep no more of a layer than its name.

`snow.layers = [{name = "conv1", kind = "conv2d", mode = "coop", order = "kloop", macs = 1024 : i64, ...}, ...]`, set by
cnn-describe-layers, read when a program is written. `snow.sources` likewise holds the layers of the network as it was
read, set by cnn-name-layers, and what became of each, noted by the passes behind it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, IntegerAttr, IntegerType, ModuleOp, StringAttr, i1, i64
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException

from snowdialect.certificate import Certificate

LAYERS = "snow.layers"
SOURCES = "snow.sources"


class DescribedLayer(NamedTuple):
    """A layer that the accelerator computes."""

    name: str
    kind: str
    """conv2d, linear, max_pool, avg_pool or add."""
    mode: str | None = None
    """coop or indp, for layers with kernels."""
    order: str | None = None
    """mloop or kloop, for layers with kernels."""
    macs: int = 0
    """Multiply-accumulates that the layer needs, without those on padding; of convolutions and linear layers."""
    can_wrap: bool | None = None
    """Whether some input can make a sum that 32 bits do not hold; None when that was not found out."""
    certificate: Certificate | None = None
    """What it takes by estimate, and at least; None for what has no schedule."""
    alone: bool | None = None
    """Whether it begins when the layer before it is done, and ends before the next one begins."""


class SourceLayer(NamedTuple):
    """A layer of the network as it was read, and what became of it."""

    name: str
    operation: str
    """Of the dialect cnn, without its prefix; of others, with theirs."""
    into: str | None = None
    """The layer that it became part of, which may have become part of another one."""
    fate: str | None = None
    """accelerated, folded, fused or host; None until it is known, and for operations of other dialects."""
    macs: int | None = None
    """As of a DescribedLayer; None until it is known."""
    reason: str | None = None
    """Why that is its fate, for people."""


_Record = TypeVar("_Record", DescribedLayer, SourceLayer)


def describe_layers(module: ModuleOp, layers: Iterable[DescribedLayer]) -> None:
    """Puts layers into the module."""
    module.attributes[LAYERS] = _rows(layers)


def describe_alone(module: ModuleOp, names: Collection[str]) -> None:
    """Notes which layers of a module run by themselves; all others overlap with their neighbours."""
    if LAYERS in module.attributes:
        layers = described_layers(module).values()
        describe_layers(module, (layer._replace(alone=layer.name in names) for layer in layers))


def described_layers(module: ModuleOp) -> dict[str, DescribedLayer]:
    """The layers of a module by name; empty for one that holds no description.

    Raises VerifyException, one line, for a description of another form.
    """
    return {layer.name: layer for layer in _records(module, LAYERS, DescribedLayer)}


def set_sources(module: ModuleOp, layers: Iterable[SourceLayer]) -> None:
    """Puts into the module what became of the layers of the network."""
    module.attributes[SOURCES] = _rows(layers)


def source_layers(module: ModuleOp) -> dict[str, SourceLayer]:
    """What became of the layers of the network, by name and in their order; empty for a module that does not know.

    Raises VerifyException, one line, for a description of another form.
    """
    return {layer.name: layer for layer in _records(module, SOURCES, SourceLayer)}


def _rows(records: Iterable[DescribedLayer | SourceLayer]) -> ArrayAttr[DictionaryAttr]:
    return ArrayAttr(
        DictionaryAttr({key: _attribute(value) for key, value in record._asdict().items() if value is not None})
        for record in records
    )


def _attribute(value: Any) -> Attribute:
    """Numbers, texts, and lists and dictionaries of such."""
    match value:
        case bool():
            return IntegerAttr.from_bool(value)
        case int():
            return IntegerAttr(value, i64)
        case str():
            return StringAttr(value)
        case Certificate():
            return _attribute(value._asdict())
        case Mapping():
            entries = cast("Mapping[str, Any]", value)
            return DictionaryAttr({key: _attribute(entry) for key, entry in entries.items()})
        case _:
            return ArrayAttr(_attribute(entry) for entry in cast("Sequence[Any]", value))


def _plain(attribute: Attribute) -> Any:
    """What `_attribute` made an attribute of; raises ValueError for others."""
    match attribute:
        case IntegerAttr():
            number = cast("IntegerAttr[IntegerType]", attribute)
            return bool(number.value.data) if number.type == i1 else number.value.data
        case StringAttr():
            return attribute.data
        case DictionaryAttr():
            return {key: _plain(entry) for key, entry in attribute.data.items()}
        case ArrayAttr():
            return [_plain(entry) for entry in attribute]
        case _:
            raise ValueError(f"{attribute} is no number, text, list or dictionary")


def _records(module: ModuleOp, attribute_name: str, kind: type[_Record]) -> list[_Record]:
    attribute = module.attributes.get(attribute_name)
    if attribute is None:
        return []
    entries = cast("ArrayAttr[Attribute]", attribute).data if isinstance(attribute, ArrayAttr) else (attribute,)
    records = [record for entry in entries if (record := _record(entry, kind)) is not None]
    if len(records) < len(entries):
        raise VerifyException(f"{attribute_name} wants a list of layers, each with {', '.join(kind._fields)}")
    return records


_NUMBERS: dict[str, type[int]] = {"macs": int, "can_wrap": bool, "alone": bool}
"""The fields that are no texts."""


def _record(entry: Attribute, kind: type[_Record]) -> _Record | None:
    """The record of an entry; None for one that lacks a field, or has one of another name or type."""
    if not isinstance(entry, DictionaryAttr):
        return None
    values: dict[str, Any] = {}
    for key, value in entry.data.items():
        if key in _NUMBERS and isinstance(value, IntegerAttr):
            values[key] = _NUMBERS[key](value.value.data)
        elif key == "certificate" and isinstance(value, DictionaryAttr):
            try:
                values[key] = Certificate.from_dict(_plain(value))
            except ValueError:
                return None
        elif key not in _NUMBERS and isinstance(value, StringAttr):
            values[key] = value.data
        else:
            return None
    required = set(kind._fields) - set(kind._field_defaults)
    return kind(**values) if required <= set(values) <= set(kind._fields) else None
