"""Names of layers: every operation carries the name of its layer in its location."""

from xdsl.dialects.builtin import ArrayAttr, FileLineColLoc, FusedLoc, NameLoc
from xdsl.ir import Attribute, Operation


def location_name(location: Attribute) -> str | None:
    """The name in `loc("name")`, or `file:line:col`; None for an unknown location."""
    match location:
        case NameLoc():
            return location.desc.data
        case FileLineColLoc():
            return f"{location.filename.data}:{location.line.data}:{location.column.data}"
        case FusedLoc() if isinstance(location.locations, ArrayAttr):
            names = (location_name(part) for part in location.locations)
            return next((name for name in names if name is not None), None)
        case _:
            return None


def layer_of(op: Operation) -> str | None:
    """The layer that an operation belongs to, by its own location or by that of an enclosing operation."""
    current: Operation | None = op
    while current is not None:
        name = location_name(current.location)
        if name is not None:
            return name
        current = current.parent_op()
    return None
