"""Damages files in thousands of ways: every command that reads one works, or refuses it in one line.

    python test/fuzz/fuzz.py [TARGET ...] [--count N] [--seed S] [--keep DIR]

A case is made by target, seed and number alone, so --only N repeats it. Files that did harm are kept in DIR; a case
that brings down the process leaves its file there, too, as `now`. Linux only: memory is measured through /proc.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Iterator
from math import prod
from pathlib import Path

import program_files
from targets import TARGETS, Subject, Target
from watch import Watch


def cases(
    name: str, target: Target, subjects: list[Subject], numbers: range, seed: int
) -> Iterator[tuple[str, Subject]]:
    """Names and contents: first the files that are built to do harm, then damaged ones."""
    for bomb, content in target.bombs().items() if numbers.start == 0 else ():
        yield f"{name}: {bomb}", Subject(content, target.bomb_options)
    for number in numbers:
        rng = random.Random(f"{name} {seed} {number}")
        subject = rng.choice(subjects)
        yield f"{name} --seed {seed} --only {number}", subject._replace(content=target.mutate(subject.content, rng))


def run_case(
    watch: Watch, target: Target, subject: Subject, rng: random.Random | None = None, stages: int | None = None
) -> tuple[int, str | None]:
    """The number of stages, of the first `stages`, that could read the content, and what is wrong.

    `rng` chooses whether a stage is tried; without it all are.
    """
    path, output = watch.folder / f"now.{target.suffix}", str(watch.folder / "out")
    for name in subject.beside:
        (watch.folder / name).write_bytes(program_files.files()[name])
    path.write_bytes(subject.content)
    small = False
    for number, stage in enumerate(target.stages[:stages]):
        if rng is not None and (rng.random() > stage.share or stage.small_only and not small):
            return number, None
        words = [word.format(path=path, output=output, folder=watch.folder) for word in stage.arguments.split()]
        written = next(Path(word) for word in words if word.startswith(output))
        ending = watch.run([*words, *subject.options], path, written)
        small = is_small(ending.output)
        if ending.problem or ending.status:
            return number, ending.problem and f"{words[0]}: {ending.problem}"
    return len(target.stages[:stages]), None


def is_small(module: bytes) -> bool:
    """Whether a module has few layers, of few numbers each."""
    shapes = [[int(size) for size in shape.split(b"x")] for shape in re.findall(rb"<([0-9x]+)x[a-z]", module)]
    return len(shapes) < 500 and sum(map(prod, shapes)) < 1 << 20


def run_target(watch: Watch, name: str, numbers: range, seed: int) -> int:
    """Runs the cases of a target; returns the number of those that did harm."""
    target = TARGETS[name]
    subjects = target.subjects()
    for number, subject in enumerate(subjects):
        # One goes all the way, so that all that is loaded or compiled on first use counts as idle.
        wanted = len(target.stages) if number == 0 else 1
        if run_case(watch, target, subject, stages=wanted) != (wanted, None):
            print(f"{name}: intact file {number} cannot be used")
            return 1
    watch.settle()
    harmful = refused = 0
    started = time.perf_counter()
    for case, subject in cases(name, target, subjects, numbers, seed):
        read, problem = run_case(watch, target, subject, random.Random(case))
        refused += read == 0
        if problem:
            harmful += 1
            kept = watch.folder / f"harm-{name}-{harmful}.{target.suffix}"
            kept.write_bytes(subject.content)
            print(f"{case}: {problem} ({kept} {' '.join(subject.options)})", flush=True)
    seconds = time.perf_counter() - started
    print(f"{name}: {len(numbers)} cases, {refused} not read, {harmful} harmful, {seconds:.0f} s", flush=True)
    return harmful


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--count", type=int, default=1000, help="cases for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="N", help="only case N")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), metavar="DIR")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(TARGETS):
        parser.error(f"no target is called {', '.join(sorted(unknown))}")
    options.keep.mkdir(parents=True, exist_ok=True)
    watch = Watch(options.keep)
    numbers = range(options.count) if options.only is None else range(options.only, options.only + 1)
    return min(1, sum(run_target(watch, name, numbers, options.seed) for name in options.targets or TARGETS))


if __name__ == "__main__":
    sys.exit(main())
