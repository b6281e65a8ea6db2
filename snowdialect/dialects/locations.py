"""Layer names: the `loc("name")` of every operation of a layer, at every level down to the instructions."""

from __future__ import annotations

from typing import TypeVar

from xdsl.dialects.builtin import LocationAttr, NameLoc, NoneAttr, StringAttr
from xdsl.ir import Operation

_Op = TypeVar("_Op", bound=Operation)


def name_location(name: str) -> NameLoc:
    """The location `loc("name")`."""
    return NameLoc(StringAttr(name), NoneAttr())


def layer_name(op: Operation) -> str:
    """The name of the layer an operation belongs to; without a location, that of its result or its kind."""
    if isinstance(op.location, NameLoc):
        return op.location.desc.data
    if op.results and op.results[0].name_hint:
        return op.results[0].name_hint
    return op.name


def located(op: _Op, location: LocationAttr) -> _Op:
    """`op` with a location: xDSL's rewriter does not copy the one of the operation it replaces."""
    op.location = location
    return op
