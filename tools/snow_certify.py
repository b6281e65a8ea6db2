"""`snow-certify`: recomputes from a report what each layer takes at least, and checks that nothing takes less.

It shares no code with the compiler. docs/schedules.md, "How near to the limit", has the rules.
"""

import argparse
import json
import math
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import snow_cli

Entry = dict[str, Any]
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, RecursionError)
LARGEST, MOST_TAPS = 1 << 16, 1 << 20
LARGEST_OF_MACHINE = 1 << 63
"""Numbers of machines are below it."""
SHOWN = 200
"""So much is shown of what a report states."""


class Wrong(ValueError):
    """A certificate does not hold; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("snow-certify", description="Recomputes the certificates of a report.")
    parser.add_argument("report", metavar="R.json", type=Path, help="of snow-compile --report or snow-run --report")
    parser.add_argument("--debug", action="store_true", help="on an error, print the traceback too")
    options = parser.parse_args(arguments)
    return snow_cli.run_command(lambda: run(options), options.debug, alone=arguments is None)


def run(options: argparse.Namespace) -> int:
    path: Path = options.report
    try:
        number = check_report(json.loads(path.read_text()))
    except (OSError, *DAMAGED) as error:
        if options.debug:
            traceback.print_exc()
        print(f"error: {path}: {text(error)}", file=sys.stderr)
        return 1
    print(f"{number} certificates hold" if number else "there are no certificates")
    return 0


def text(error: Exception) -> str:
    match error:
        case OSError():
            return str(error.strerror)
        case Wrong():
            return str(error)
        case json.JSONDecodeError() | UnicodeDecodeError():
            return f"not JSON: {error}"
        case KeyError():
            return f"damaged: {error} is missing"
        case _:
            return "damaged: a value is not what a report holds there"


def check_report(report: Any) -> int:
    """Checks every certificate, and their sums; returns how many there are. Raises Wrong for the first that fails."""
    if not isinstance(report, dict) or not isinstance(report.get("layers"), list):
        raise Wrong("not a report: it has no list of layers")
    if missing := [name for name in ("machine_numbers", "certificate") if name not in report]:
        raise Wrong(f"not a report of a program: it has no {missing[0]}")
    check_machine(report["machine_numbers"])
    rows = [row for row in report["layers"] if row["certificate"] is not None]
    if not rows:
        demand(report["certificate"], None, "the certificate of a network without any")
    for row in rows:
        try:
            check_layer(row, report["machine_numbers"])
        except DAMAGED as error:
            raise Wrong(f"{row['name']}: {text(error)}") from error
    for name in ("objective", "lower_bound") if rows else ():
        demand(report["certificate"][name], sum(row["certificate"][name] for row in rows), f"the sum of {name}")
    if rows:
        check_gap(report["certificate"])
    return len(rows)


def check_machine(machine: Any) -> None:
    if not isinstance(machine, dict):
        raise Wrong("machine_numbers do not describe a machine")
    for name, number in machine.items():
        if name != "name" and not (type(number) is int and 0 <= number < LARGEST_OF_MACHINE):
            raise Wrong(f"machine_numbers: {shown(name)} is {shown(number)}, which no machine has")


def check_layer(row: Entry, machine: Entry) -> None:
    stated, layer = row["certificate"], row["certificate"]["layer"]
    demand(layer["kind"], row["kind"], "kind")
    conv = layer["kind"] in ("conv2d", "linear")
    works = kernels_works(layer, machine) if conv else [words_work(layer, machine)]
    pairs = count(windows(layer, 0)) * count(windows(layer, 1)) * layer["input"][0] * layer["output"][0]
    demand(row["macs"], pairs // layer["groups"] if conv else 0, "macs")
    if conv and "pool" in layer:
        demand(layer["pool"]["input"], layer["output"], "what is pooled")
    if conv and "pool_before" in layer:
        demand(layer["pool_before"]["output"], layer["input"], "what is pooled before")
    bounds = min((in_cycles(work, machine) for work in works), key=lambda bounds: max(bounds.values()))
    demand(stated["bounds"], bounds, "bounds")
    demand(stated["lower_bound"], least := max(bounds.values()), "lower_bound")
    demand(stated["binding"], max(bounds, key=lambda name: bounds[name]), "binding")
    check_gap(stated)
    measured = [stated["objective"]] + [row["cycles"]] * (row["alone"] is True and row["cycles"] is not None)
    if min(measured) < least:
        raise Wrong(f"takes {shown(min(measured))} cycles, but needs {shown(least)} at least")


def demand(stated: object, right: object, what: str) -> None:
    if stated != right:
        raise Wrong(f"{what}: {shown(stated)} should be {shown(right)}")


def shown(value: object) -> str:
    whole = str(value)
    return whole if len(whole) <= SHOWN else f"{whole[:SHOWN]} ..."


def check_gap(stated: Entry) -> None:
    if not math.isclose(stated["gap"], gap := stated["objective"] / stated["lower_bound"] - 1, abs_tol=1e-9):
        raise Wrong(f"gap: {shown(stated['gap'])} should be {shown(gap)}")


def windows(layer: Entry, axis: int) -> list[dict[int, int]]:
    """For each output row (axis 0) or column (1) the taps that see maps, and the row or column that each sees."""
    size, outputs = layer["input"][1 + axis], layer["output"][1 + axis]
    kernel, stride, dilation, pad = (layer[name][axis] for name in ("kernel", "strides", "dilations", "pads"))
    if not all(0 < number < LARGEST for number in (size, outputs, kernel, stride, dilation, pad + 1)):
        raise Wrong("a size is out of range")
    if kernel * outputs > MOST_TAPS:
        raise Wrong(f"{outputs} windows of {kernel} taps are more than any layer has")
    found = ({tap: y * stride - pad + tap * dilation for tap in range(kernel)} for y in range(outputs))
    return [{tap: place for tap, place in window.items() if 0 <= place < size} for window in found]


def count(taps: list[dict[int, int]]) -> int:
    return sum(map(len, taps))


def places(taps: list[dict[int, int]]) -> int:
    return len({place for window in taps for place in window.values()})


def extents(rows: list[dict[int, int]], columns: list[dict[int, int]]) -> Counter[tuple[int, int]]:
    """How many outputs have so many rows and columns of taps."""
    high, wide = Counter(map(len, rows)), Counter(map(len, columns))
    return Counter({(y, x): high[y] * wide[x] for y, x in product(high, wide)})


def blocks(amount: int, size: int) -> int:
    return -(-amount // size)


def stored(layer: Entry, machine: Entry) -> int:
    channels, height, width = layer["output"]
    transfer, results = machine["transfer_words"], layer.get("results", [[channels, layer["result_pixel"]]])
    demand(sum(number for number, _ in results), channels, "channels of all results")
    return height * width * sum(min(pixel, blocks(number, transfer) * transfer) for number, pixel in results)


def words_work(layer: Entry, machine: Entry) -> Entry:
    """What all CUs together do for a pool or an addition."""
    rows, columns, line = windows(layer, 0), windows(layer, 1), machine["macs"]
    lines = blocks(layer["words"], line)
    maps = places(rows) * places(columns) * lines * line * layer["operands"]
    work = {"maps": maps, "streamed": stored(layer, machine)}
    if layer["kind"] == "max_pool":
        # At once, or the rows under a window first, of each column that some window reads, and then these.
        once, first = count(rows) * count(columns), count(rows) * places(columns)
        comparisons = min(once, first + len(rows) * count(columns))
        issue = min(count(rows) * len(columns), len(rows) * (places(columns) + len(columns)))
        return {**work, "comparisons": comparisons * lines, "issue": issue * lines}
    if layer["kind"] == "add":
        outputs = len(rows) * len(columns) * blocks(lines, machine["vmacs"])
        return {**work, "reduction": outputs * line, "issue": outputs * layer["operands"]}
    steps, outputs = blocks(line, machine["vmacs"]), extents(rows, columns).items()
    sums = {
        "macs": sum(times * high * wide for (high, wide), times in outputs),
        "reduction": sum(times * max(line, high * wide) for (high, wide), times in outputs),
        "issue": sum(times * (high * wide + 1) for (high, wide), times in outputs),
    }
    weights = blocks(line * (1 + steps), machine["transfer_words"]) * machine["transfer_words"] * machine["vmacs"]
    return {**work, "weights": weights, **{name: amount * lines * steps for name, amount in sums.items()}}


def kernels_works(layer: Entry, machine: Entry) -> list[Entry]:
    """What all CUs together do for a convolution in each mode: COOP with a kernel a vMAC, INDP with one a lane."""
    rows, columns, line, unrolled = windows(layer, 0), windows(layer, 1), machine["macs"], layer["unrolled"]
    kernels, height, pieces = layer["output"][0], layer["kernel"][0], layer["pixel"] // layer["depth"]
    grain, transfer = layer["depth"] // (height if unrolled else 1), machine["transfer_words"]
    if grain * layer["groups"] < layer["input"][0] or layer["depth"] * pieces != layer["pixel"]:
        raise Wrong("kernels do not see the channels of their group")
    pool = words_work(layer["pool"], machine) if "pool" in layer else {"streamed": stored(layer, machine)}
    seen = len({tap for row in rows for tap in row}) * len({tap for column in columns for tap in column})
    once = {
        "maps": (count(rows) * grain if unrolled else places(rows) * layer["pixel"]) * places(columns),
        "streamed": pool["streamed"] + len(rows) * len(columns) * kernels * layer["residual"],
        "comparisons": pool.get("comparisons", 0),
        "reuse": count(rows) * count(columns) * grain * kernels * layer["pixel"],
    }
    before = words_work(layer["pool_before"], machine) if "pool_before" in layer else {"comparisons": 0, "issue": 0}
    if "maps" in before:
        once |= {"maps": before["maps"], "reuse": 0}
    once["comparisons"] += before["comparisons"]
    # Pixels side by side may share the lanes of a step, of which each vMAC has one of them.
    alone = layer["groups"] == pieces == layer["dilations"][1] == 1 and not layer["residual"]
    abreast = alone and layer["kernel"][1] > layer["strides"][1]
    works: list[Entry] = []
    for lanes in [1] * (grain % line == 0) + [line]:
        macs, reduction, issue = Fraction(), Fraction(), Fraction(pool.get("issue", 0) + before["issue"])
        steps = Fraction(pieces * blocks(kernels // pieces, machine["vmacs"] * lanes))
        if lanes == line and abreast:
            steps = Fraction(blocks(kernels, lanes), machine["vmacs"])
        for (high, wide), times in extents(rows, columns).items():
            number, length = (high > 0) * (1 if unrolled else high) * wide, grain * (high if unrolled else 1)
            if pieces == layer["dilations"][1] == 1 and wide and (not unrolled or high == height):
                number, length = number // wide, length * wide
            cycles = number * blocks(length, line) * lanes
            macs, reduction = macs + times * steps * cycles, reduction + times * steps * max(cycles, line)
            issue += times * steps * (number + 1 + layer["residual"])
        weights = blocks(seen * grain * lanes, transfer) * transfer * pieces * blocks(kernels // pieces, lanes)
        sums = {"macs": macs, "reduction": reduction, "issue": issue}
        works.append({**once, **{name: math.ceil(amount) for name, amount in sums.items()}, "weights": weights})
    return works


def in_cycles(work: Entry, machine: Entry) -> dict[str, int]:
    """Bounds from what is to be done: shared out evenly, between the first load and the last store."""
    units, back = machine["compute_units"], machine["write_back_latency"]
    store = machine["queue_latency"] + machine["transfer_overhead"] + machine["memory_latency"]
    maps, weights, reuse = (work.get(name, 0) for name in ("maps", "weights", "reuse"))
    maps_room, weights_room = units * machine["mbuf_words"], units * machine["vmacs"] * machine["wbuf_words"]
    more_maps = max(maps, blocks(reuse - weights * maps_room, weights_room))
    more_weights = max(weights, blocks(reuse - maps * weights_room, maps_room))

    def shared(name: str, after: int) -> int:
        amount = work.get(name, 0)
        return 2 * store + machine["queue_latency"] + blocks(amount, units) + after if amount else 0

    def moved(words: int) -> int:
        return store + blocks(2 * (words + work["streamed"]) * machine["clock_hz"], machine["bandwidth"])

    return {
        "macs": shared("macs", back + machine["macs"]),
        "reduction": shared("reduction", back),
        "comparisons": shared("comparisons", 0),
        "bandwidth": moved(maps + weights),
        "issue": shared("issue", 0),
        "buffer": moved(min(maps + more_weights, weights + more_maps)),
    }


if __name__ == "__main__":
    sys.exit(main())
