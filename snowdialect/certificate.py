"""What a layer takes by the compiler's estimate beside what it takes at least: how good its schedule is, certified.

docs/program.md has the fields; `snow-certify` checks certificates in reports. Both numbers are cycles of the layer by
itself, while layers of a program overlap.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

MOST_CYCLES = 1 << 63


class Certificate(NamedTuple):
    """Of one layer."""

    objective: int
    """Estimated cycles of the chosen schedule."""
    bounds: Mapping[str, int]
    """Cycles that the layer takes at least in any schedule, by resource of the machine."""
    layer: Mapping[str, Any]
    """What the bounds follow from: shapes, and words of pixels."""

    @property
    def lower_bound(self) -> int:
        """Cycles that the layer takes at least: the largest of the bounds."""
        return max(self.bounds.values())

    @property
    def binding(self) -> str:
        """The resource whose bound that is; of equal ones the first."""
        return next(resource for resource, cycles in self.bounds.items() if cycles == self.lower_bound)

    def report(self) -> dict[str, Any]:
        """The certificate as reports have it."""
        return {
            **_gap(self.objective, self.lower_bound),
            "binding": self.binding,
            "bounds": dict(self.bounds),
            "layer": dict(self.layer),
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Certificate":
        """The certificate of its fields; raises ValueError, one line, for what is none."""
        if set(entry) != set(cls._fields):
            raise ValueError(f"a certificate has {', '.join(cls._fields)}")
        objective, bounds, layer = (entry[field] for field in cls._fields)
        if not isinstance(bounds, Mapping) or not isinstance(layer, Mapping) or not bounds:
            raise ValueError("a certificate has bounds and a layer by name")
        for cycles in (objective, *bounds.values()):
            if not isinstance(cycles, int) or not 0 <= cycles < MOST_CYCLES:
                raise ValueError(f"a certificate has cycles {cycles!r}")
        if not max(bounds.values()):
            raise ValueError("a layer takes no cycles")
        return cls(objective, bounds, layer)


def certificate_of_all(certificates: Iterable[Certificate]) -> dict[str, Any] | None:
    """Sums over layers, as reports have them; None for a program without certificates."""
    sums = [(certificate.objective, certificate.lower_bound) for certificate in certificates]
    if not sums:
        return None
    objectives, bounds = zip(*sums, strict=True)
    return _gap(sum(objectives), sum(bounds))


def _gap(objective: int, lower_bound: int) -> dict[str, Any]:
    return {"objective": objective, "lower_bound": lower_bound, "gap": objective / lower_bound - 1}
