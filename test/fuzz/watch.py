"""Runs a command as a user would, in this process, and says what is wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from xdsl.universe import Universe

MEGABYTE = 1 << 20
ALLOWED_MEMORY = 200 * MEGABYTE
"""What a command may take above the idle process, besides twice the size of its input."""

SECONDS = 30
"""Processor time after which a case counts as hanging; every one takes less than a tenth of it."""

HIGHEST_MEMORY = 4096 * MEGABYTE
"""Address space that a case gets besides what the process has: more than it may use, less than would hurt."""

ROOT = Path(__file__).parents[2]
_PROGRAMS = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.", "socket.", "pickle.")


class Hang(BaseException):
    """The time is up. No Exception, so that nothing catches it."""


class Ending(NamedTuple):
    status: int
    problem: str | None
    """What is wrong, None when the command did its work or refused it in the right way."""
    output: bytes = b""
    """What it wrote."""


class Watch:
    """Watches commands that work inside one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._events: list[str] = []
        self._watching = False
        self._allowed = tuple(map(str, (self.folder, ROOT, sys.prefix, sys.base_prefix, "/proc/self/", "/usr/")))
        # Commands ask for all installed packages each time; a process that runs thousands asks once.
        Universe.get_multiverse = cache(Universe.get_multiverse)
        self._idle = sys.maxsize
        # On one CPU the compiler forks no workers: memory, time and what files make it do are those of this process.
        # Not all on the same one: targets are fuzzed at the same time.
        available = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {available[os.getpid() % len(available)]})
        signal.signal(signal.SIGPROF, _raise_hang)
        sys.addaudithook(self._audit)

    def settle(self) -> None:
        """Takes the memory that the process has now for that of the idle process."""
        self._idle = _memory("VmRSS")
        limit = _memory("VmSize") + HIGHEST_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))

    def run(self, command: Sequence[str], path: Path, output: Path) -> Ending:
        """Runs a command that reads `path` and writes `output`, which is removed."""
        before = set(self.folder.iterdir())
        Path("/proc/self/clear_refs").write_text("5")
        out, err = io.StringIO(), io.StringIO()
        started = time.perf_counter()
        try:
            with self._limits(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                status = import_module(command[0].replace("-", "_")).main(command[1:])
        except Hang:
            return Ending(1, f"not finished after {SECONDS} s of processor time")
        except BaseException as error:
            return Ending(1, f"{type(error).__name__} escaped: {str(error)[:300]}")
        taken = _memory("VmHWM") - self._idle - 2 * path.stat().st_size
        left = sorted(file.name for file in set(self.folder.iterdir()) - before - {output})
        written = output.read_bytes() if output.exists() else None
        for file in set(self.folder.iterdir()) - before:
            file.unlink()
        problem = _problem(status, err.getvalue(), written is not None)
        if self._events:
            problem = f"did what no file may ask for: {self._events.pop()}"
        elif problem is None and left and status:
            problem = f"left {', '.join(left)} behind"
        elif problem is None and taken > ALLOWED_MEMORY:
            problem = f"took {taken // MEGABYTE} MB and {time.perf_counter() - started:.1f} s"
        self._events.clear()
        return Ending(status, problem, written or b"")

    @contextlib.contextmanager
    def _limits(self) -> Iterator[None]:
        self._watching = self._idle < sys.maxsize
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self._watching = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event.startswith(_PROGRAMS):
            self._events.append(event)
        elif event == "open" and isinstance(arguments[0], str | bytes):
            opened = os.path.realpath(os.fsdecode(arguments[0]))
            if not opened.startswith(self._allowed):
                self._events.append(f"open {opened}")


def _problem(status: int, message: str, written: bool) -> str | None:
    if status == 0:
        return None if written else "status 0 without an output"
    if status != 1:
        return f"status {status}"
    if written:
        return "an output in spite of an error"
    if not message.startswith("error: ") or message.count("\n") != 1 or not message.endswith("\n"):
        return f"not one line with an error: {message[:300]!r}"
    if "internal error" in message or "out of memory" in message:
        return message.strip()
    return None


def _raise_hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def _memory(field: str) -> int:
    """Bytes of this process by a name of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) * 1024
