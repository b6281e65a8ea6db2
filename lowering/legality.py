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
    kinds: set[type[Operation]] = {type(op) for op in module.walk()}.difference(legal)
    present = {kind for kind in kinds if kind in illegal or kind.dialect_name() in illegal}
    if present:
        op = next(op for op in module.walk() if type(op) in present)
        raise SnowError(f'{op.name} "{layer_name(op)}": {removed_by} should have removed it, but has no rule for it')
