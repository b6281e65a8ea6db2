"""What passes do with operations a hundred thousand times a network, without the views and checks of xDSL between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from operator import attrgetter
from types import MappingProxyType

from xdsl.dialects.builtin import UNKNOWN_LOC
from xdsl.ir import Attribute, Operation, OpResult, Region, SSAValue
from xdsl.ir.core import SSAValues, Use
from xdsl.irdl import IRDLOperation

# pyright: reportPrivateUsage=false

operands_of: Callable[[Operation], tuple[SSAValue, ...]] = attrgetter("_operands")
"""The operands of an operation, as it keeps them."""


def construct(
    op: IRDLOperation,
    *,
    operands: Iterable[SSAValue] = (),
    result_types: Iterable[Attribute] = (),
    properties: Mapping[str, Attribute] = MappingProxyType({}),
    regions: Iterable[Region] = (),
) -> None:
    """What `Operation.__init__` does to a new operation that has no successors, in half the time: to make operations is
    a tenth of all that compiling takes. IRDL's own constructor takes thrice as long as that."""
    values = SSAValues(operands)
    uses = tuple([Use(op, place) for place in range(len(values))])
    for value, use in zip(values, uses, strict=True):
        value.add_use(use)
    op._operands, op._operand_uses = values, uses
    op.results = SSAValues([OpResult(kind, op, place) for place, kind in enumerate(result_types)])
    op.properties = dict(properties)
    op.attributes = {}
    op.location = UNKNOWN_LOC
    for region in regions:
        op.add_region(region)
    if _has_defaults(type(op)):
        op.__post_init__()


@cache
def _has_defaults(kind: type[IRDLOperation]) -> bool:
    """Whether a kind of operation has properties or attributes that are there even if they are not given."""
    definition = kind.get_irdl_definition()
    return any(
        getattr(attribute, "default_value", None) is not None
        for attribute in (*definition.properties.values(), *definition.attributes.values())
    )


def replace_uses(old: SSAValue, new: SSAValue) -> None:
    """What `SSAValue.replace_all_uses_with` does, in a third of the time."""
    if new is old:
        return
    use, old.first_use = old.first_use, None
    while use is not None:
        behind, op = use._next_use, use._operation
        operands = list(op._operands)
        operands[use._index] = new
        op._operands = SSAValues(operands)
        new.add_use(use)
        use = behind
    if new.name_hint is None:
        new.name_hint = old.name_hint


def replace_by(op: Operation, value: SSAValue) -> None:
    """Puts a value that is there already in the place of an operation's only result, and takes the operation away."""
    assert op.parent is not None
    (result,) = op.results
    replace_uses(result, value)
    op.detach()
    op.drop_all_references()
