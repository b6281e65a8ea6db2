"""The check at the end of a conversion: what it was to remove is gone."""

from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from snowdialect.dialects.locations import layer_name
from snowdialect.errors import SnowError


def check_removed(
    module: ModuleOp,
    removed_by: str,
    illegal: Iterable[type[Operation] | str],
    legal: Iterable[type[Operation]] = (),
) -> None:
    """Raises SnowError for the first operation that the pass `removed_by` should have removed and did not.

    `illegal` holds operation classes and names of whole dialects; `legal` holds the exceptions from them.
    """
    illegal = frozenset(illegal)
    kinds: set[type[Operation]] = set()
    _collect_kinds(module, kinds)
    present = {kind for kind in kinds.difference(legal) if kind in illegal or kind.dialect_name() in illegal}
    if present:
        op = next(op for op in module.walk() if type(op) in present)
        raise SnowError(f'{op.name} "{layer_name(op)}": {removed_by} should have removed it, but has no rule for it')


def _collect_kinds(op: Operation, kinds: set[type[Operation]]) -> None:
    """Finds the classes of all operations in one; xDSL's walk hands each of them up through its generators."""
    for block in (block for region in op.regions for block in region.blocks):
        inner = block.first_op
        while inner is not None:
            kinds.add(type(inner))
            if inner.regions:
                _collect_kinds(inner, kinds)
            inner = inner.next_op
