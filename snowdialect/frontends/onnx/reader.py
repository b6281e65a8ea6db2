"""Reads ONNX files through the package `onnx`, which trusts a file: what it gets has been skimmed before."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from numpy.typing import NDArray

import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto
from snowdialect.errors import SnowError, printable
from snowdialect.frontends.mapped import map_file
from snowdialect.frontends.onnx.tensors import DataFiles
from snowdialect.frontends.onnx.wire import Damage, skim

OLDEST_OPERATORS = 7
"""Operator sets before this one broadcast in another way, and have layers that are being trained."""

DOMAINS = ("", "ai.onnx")
"""Two names of ONNX's own operators."""


@dataclass(frozen=True)
class Model:
    """A network in an ONNX file: nodes in order, each with a name of its own, and arrays by name."""

    path: Path
    opset: int
    ir_version: int
    input: ValueInfoProto
    outputs: dict[str, str]
    """What the file and what the network calls each output: the latter `output`, if it is the only one."""
    nodes: Sequence[tuple[str, NodeProto]]
    initializers: dict[str, TensorProto]
    files: DataFiles

    def initializer(self, name: str) -> NDArray[Any]:
        """The array with a name; LayerError when its tensor is damaged."""
        return self.files.array(self.initializers[name])


def load(path: str | Path) -> Model:
    """The network in an `.onnx` file, one input and one output or several, as far as its structure is in order.

    Arrays are not looked at before they are used. Raises SnowError, one line naming the file and the reason,
    for anything else.
    """
    path = Path(path)
    data = map_file(path)
    try:
        model = onnx.ModelProto.FromString(skim(data))
    except (Damage, DecodeError) as error:
        raise SnowError(f"{path}: not a readable ONNX file: {str(error).partition(chr(10))[0]}") from None
    opset = _operator_set(path, model)
    if not 0 <= model.ir_version <= onnx.IR_VERSION:
        raise SnowError(
            f"{path}: version {model.ir_version} of the format is not supported, only up to {onnx.IR_VERSION}"
        )
    graph = model.graph
    for node in graph.node:
        if node.domain in DOMAINS:
            node.domain = ""
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in initializers]
    if len(inputs) != 1:
        raise SnowError(f"{path}: the network has {len(inputs)} inputs, expected one")
    outputs = [value.name for value in graph.output]
    if not outputs:
        raise SnowError(f"{path}: the network has no output")
    if len(set(outputs)) < len(outputs):
        raise SnowError(f"{path}: two outputs of the network have the same name")
    return Model(
        path,
        opset,
        model.ir_version,
        inputs[0],
        dict(zip(outputs, _distinct(map(printable, outputs)) if len(outputs) > 1 else ["output"], strict=True)),
        list(zip(_distinct(_names(graph)), graph.node, strict=True)),
        initializers,
        DataFiles(path, data),
    )


def _operator_set(path: Path, model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that a model uses."""
    newest = onnx.defs.onnx_opset_version()
    versions = [entry.version for entry in model.opset_import if entry.domain in DOMAINS]
    if not versions:
        raise SnowError(f"{path}: not an ONNX network: it names no set of operators")
    version = versions[-1]
    if not OLDEST_OPERATORS <= version <= newest:
        raise SnowError(f"{path}: operator set {version} is not supported, only {OLDEST_OPERATORS} to {newest}")
    return version


def _names(graph: GraphProto) -> Iterator[str]:
    """What each node is called: its name where it is the only one that has it, or else its first result."""
    counts = Counter(node.name for node in graph.node)
    for index, node in enumerate(graph.node):
        wanted = node.name if node.name and counts[node.name] == 1 else next(iter(node.output), "")
        yield printable(wanted) or f"node{index}"


def _distinct(names: Iterable[str]) -> list[str]:
    """The names, no two alike."""
    taken: dict[str, None] = {}
    for index, name in enumerate(names):
        if name in taken:
            name = f"{name}.{index}"
        while name in taken:
            name += "'"
        taken[name] = None
    return list(taken)
