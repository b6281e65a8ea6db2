"""What becomes of each layer of a network: the accelerator or the host computes it, or another layer does its work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from lowering.cnn.name_layers import is_layer, is_layer_of_others
from lowering.host import host_reason
from lowering.layouts import several_in_one
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.layers import DescribedLayer, SourceLayer, source_layers
from snowdialect.dialects.locations import layer_name
from snowdialect.dialects.target import machine_of

ACCELERATED, FOLDED, FUSED, HOST = "accelerated", "folded", "fused", "host"

COMPUTE = ("add", "max_pool", "relu")
"""Operations that are still computed when they are part of another one; of all others nothing is left."""


def covered_layers(
    module: ModuleOp, described: dict[str, DescribedLayer], fused: dict[str, str]
) -> Iterator[SourceLayer]:
    """The layers of a quantised network, in its order, with what becomes of them.

    `described` holds the layers that the accelerator may compute, `fused` by a pool the layer that computes it.
    """
    machine = machine_of(module)
    present = {layer_name(op): op for op in module.body.block.ops if is_layer(op)}
    sources = source_layers(module)
    split = {
        owner
        for layer in described
        if (owner := _owner(layer, sources)) and owner not in present and sources[owner].into is None
    }
    left_of = partial(_became, sources=sources, present=present.keys() | split)
    parts = _parts(sources, described, left_of)
    by_host = _by_host(sources, present, left_of)
    of_others = {layer_name(op) for op in module.body.block.ops if is_layer_of_others(op)}
    for name, source in sources.items():
        if name in of_others:
            yield source._replace(reason="of a dialect that reports do not know")
            continue
        left = left_of(name)
        into = left and fused.get(left, left)
        if into is not None and into != name:
            fate = FUSED if source.operation in COMPUTE else FOLDED
            yield source._replace(into=into, fate=fate, macs=0, reason=f"{fate} into {into}")
        elif name in split:
            layers = parts[name]
            reason = f"split into {' and '.join(layer.name for layer in layers)}"
            yield source._replace(fate=ACCELERATED, macs=sum(layer.macs for layer in layers), reason=reason)
        elif name not in present:
            yield source._replace(fate=FOLDED, macs=0, reason="nothing reads its result")
        elif (whole := several_in_one(op := present[name])) is not None and source.operation == "gather":
            into = layer_name(whole)
            yield source._replace(into=into, fate=FOLDED, macs=0, reason=f"{into} stores its channels apart")
        elif whole is not None:
            macs, channels = described[layer_name(whole)].macs, shape_of(whole.result)[1]
            reason = f"computed as one with others, in {layer_name(whole)}"
            yield source._replace(fate=ACCELERATED, macs=macs * shape_of(op.results[0])[1] // channels, reason=reason)
        elif (reason := host_reason(op, machine)) is not None:
            yield source._replace(fate=HOST, macs=0, reason=reason)
        elif name not in described:
            yield source._replace(fate=FOLDED, macs=0, reason=_place(op))
        else:
            how = None if described[name].kind == source.operation else f"computed as {described[name].kind}"
            moved = [op.name for op in by_host[name] if host_reason(op, machine) is not None]
            if moved:
                kinds = " and ".join(kind.removeprefix(f"{cnn.Cnn.name}.") for kind in moved)
                how = f"{how or 'computed'}, then {kinds} by the host"
            macs = sum(layer.macs for layer in (described[name], *parts[name]))
            yield source._replace(fate=ACCELERATED, macs=macs, reason=how)


def _owner(name: str, sources: Container[str]) -> str:
    """The layer of the network that a layer was made for: `conv1.below` for `conv1`; empty where there is none."""
    while name and name not in sources:
        name = name.rpartition(".")[0]
    return name


def _parts(
    sources: Mapping[str, SourceLayer],
    described: Mapping[str, DescribedLayer],
    left_of: Callable[[str], str | None],
) -> Mapping[str, list[DescribedLayer]]:
    """The layers that passes made besides, by the layer that has the work of the one they were made for: `conv1.below`
    is a part of `conv1`, or of what that became part of."""
    parts: defaultdict[str, list[DescribedLayer]] = defaultdict(list)
    for name, layer in described.items():
        if (owner := _owner(name, sources)) not in ("", name):
            parts[left_of(owner) or owner].append(layer)
    return parts


def _by_host(
    sources: Mapping[str, SourceLayer], present: Mapping[str, Operation], left_of: Callable[[str], str | None]
) -> Mapping[str, list[cnn.HostOp]]:
    """What passes made besides for the host, by the layer that has the work of the one that it was made for."""
    made: defaultdict[str, list[cnn.HostOp]] = defaultdict(list)
    for name, op in present.items():
        if isinstance(op, cnn.HostOp) and (owner := _owner(name, sources)) not in ("", name):
            made[left_of(owner) or owner].append(op)
    return made


def _became(name: str, sources: Mapping[str, SourceLayer], present: Container[str]) -> str | None:
    """The layer that does the work of another one, step by step; None where nothing is left of it."""
    # A file may say that layers became part of each other.
    for _ in range(len(sources) + 1):
        if name in present:
            return name
        if name not in sources:
            return None
        name = sources[name].into or ""
    return None


def _place(op: Operation) -> str:
    """Why nothing is left to do."""
    return "its parts are written into place" if isinstance(op, cnn.WholeOp) else "all words stay where they are"
