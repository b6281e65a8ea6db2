"""What a program takes of memory, what its host moves, and how good its schedules are: the parts of reports that no run
is needed for."""

from math import prod
from typing import Any

from snowdialect.backend.program import CodeStep, HostStep, Program, Region
from snowdialect.certificate import certificate_of_all
from snowdialect.machine.instructions import WORD_BITS

WORD_BYTES = WORD_BITS // 8


def static_report(program: Program) -> dict[str, Any]:
    """The parts of the report of a run that are known before it."""
    return {
        "machine_numbers": program.machine.to_dict(),
        "certificate": certificate_of_all(layer.certificate for layer in program.layers if layer.certificate),
        "coverage": [layer._asdict() for layer in program.coverage],
        "host": host_report(program),
        "memory": memory_report(program),
    }


def memory_report(program: Program) -> dict[str, Any]:
    """Bytes of memory by what lies there, and the map of it, under the names that docs/program.md lists."""
    maps = [region for region in program.regions if region.layout is not None]
    transfer = program.machine.transfer_words
    return {
        "bytes": program.memory_words * WORD_BYTES,
        "maps_bytes": max((region.address * transfer + region.words for region in maps), default=0) * WORD_BYTES,
        "maps_live_bytes": _most_live(program, maps) * WORD_BYTES,
        "weights_bytes": sum(len(image.words) for image in program.images) * WORD_BYTES,
        "instruction_bytes": sum(len(code.words) for code in program.codes) * program.block_words * WORD_BYTES,
        "regions": [
            {
                "name": region.name,
                "kind": region.kind,
                "address": region.address,
                "bytes": region.words * WORD_BYTES,
                "first_layer": region.first_layer,
                "last_layer": region.last_layer,
            }
            for region in program.regions
        ],
    }


def _most_live(program: Program, maps: list[Region]) -> int:
    """The most words of maps, in whole transfers, that are needed at the same time."""
    layers = [layer.name for layer in program.layers]
    number = {name: position for position, name in enumerate(layers)}
    transfer = program.machine.transfer_words
    most = 0
    # An input comes before all layers.
    for step in range(-1, len(layers)):
        end = live = 0
        alive = [region for region in maps if _lives(region, step, number, len(layers))]
        # The parts of a concatenation lie within the whole.
        for region in sorted(alive, key=lambda region: region.address):
            first = max(end, region.address)
            end = max(end, region.address + -(-region.words // transfer))
            live += end - min(first, end)
        most = max(most, live * transfer)
    return most


def _lives(region: Region, step: int, number: dict[str, int], end: int) -> bool:
    """Whether a layer, or one before and one behind it, needs a region."""
    first = -1 if region.first_layer is None else number.get(region.first_layer, -1)
    last = end if region.last_layer is None else number.get(region.last_layer, -1)
    return first <= step <= last


def host_report(program: Program) -> list[dict[str, Any]]:
    """What the host does while a program runs, in order: bytes of the accelerator's memory that it reads and writes for
    each input, layer and output, and why it computes the layer."""
    reasons = {layer.name: layer.reason for layer in program.coverage}
    rows: dict[tuple[str, bool], dict[str, Any]] = {}
    read: dict[int, int] = {}
    for step in program.steps:
        if isinstance(step, CodeStep):
            continue
        arriving = sum(read.pop(number, 0) for number in step.operands)
        if step.result is not None and step.operation in ("read", "quantize", "dequantize"):
            read[step.result] = arriving + (_bytes(program, step.result) if step.operation == "read" else 0)
            continue
        name = step.attributes["name"] if step.operation in ("input", "output") else step.layer
        key = (name if step.operation == "output" else step.layer, step.operation == "output")
        empty = {"name": name, "operation": step.operation, "read_bytes": 0, "write_bytes": 0, "repeated_bytes": 0}
        row = rows.setdefault(key, {**empty, "reason": reasons.get(name)})
        row["read_bytes"] += arriving
        if step.operation == "write":
            written, repeated = _written_bytes(program, step)
            row["write_bytes"] += written
            row["repeated_bytes"] += repeated
    return list(rows.values())


def _written_bytes(program: Program, step: HostStep) -> tuple[int, int]:
    """Bytes that the host writes to store a tensor, and those among them that it has written before: each word once, or
    wherever an unrolled row holds it."""
    layout = program.regions[step.attributes["region"]].layout
    if layout is None or layout.unrolled is None:
        return _bytes(program, step.operands[0]), 0
    held = [layout.unrolled.places(tap, layout.height)[1] for tap in range(layout.unrolled.kernel)]
    row = layout.width * layout.channels * WORD_BYTES
    written = sum(map(len, held))
    return written * row, (written - len(set().union(*held))) * row


def _bytes(program: Program, tensor: int) -> int:
    """Bytes of the words of a tensor."""
    return prod(program.tensors[tensor].shape) * WORD_BYTES
