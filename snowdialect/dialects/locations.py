"""Layer names: the `loc("name")` of every operation of a layer, at every level down to the instructions."""

from __future__ import annotations

from typing import NoReturn, TypeVar, cast

from xdsl.dialects.builtin import LocationAttr, NameLoc, NoneAttr, StringAttr
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

_Op = TypeVar("_Op", bound=Operation)


def name_location(name: str, part: str | None = None) -> NameLoc:
    """The location `loc("name")`, or `loc("name"("part"))` for a part of a layer."""
    return NameLoc(StringAttr(name), NoneAttr() if part is None else name_location(part))


def location_names(location: LocationAttr) -> tuple[str, ...]:
    """The names of a location: layer, or layer and part; none when it is unknown."""
    names: list[str] = []
    while isinstance(location, NameLoc):
        names.append(location.desc.data)
        location = cast(LocationAttr, location.location)
    return tuple(names)


def layer_name(op: Operation) -> str:
    """The name of the layer an operation belongs to; without a location, that of its result or its kind."""
    if isinstance(op.location, NameLoc):
        return op.location.desc.data
    if op.results and op.results[0].name_hint:
        return op.results[0].name_hint
    return op.name


def described(op: Operation) -> str:
    """An operation in a message: its kind and its layer."""
    name = layer_name(op)
    return op.name if name == op.name else f'{op.name} "{name}"'


def fail(op: Operation, message: str) -> NoReturn:
    """Rejects an operation; the message starts with its kind and its layer."""
    raise VerifyException(f"{described(op)}: {message}")


def located(op: _Op, location: LocationAttr) -> _Op:
    """`op` with a location: xDSL's rewriter does not copy the one of the operation it replaces."""
    op.location = location
    return op
