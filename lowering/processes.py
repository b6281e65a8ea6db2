"""Tasks are done at the same time: forks of the compiler share them out, each taking the next one when it has time.

A fork has all that the compiler has, so tasks need not be sent; results are, by pickle. What comes out does not depend
on how many processes there are, nor on who does what.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Generic, NamedTuple, Self, TypeVar

from snowdialect.errors import SnowError

Task = TypeVar("Task")
Result = TypeVar("Result")

MAX_PROCESSES = 8
"""More would wait for the one that puts all together."""

LOWEST_PRIORITY = 19
PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""

_ENTRY_BYTES = 4
_MOST_ENTRIES = 1024
"""A queue is a pipe, and every pipe holds so many entries."""


def available_processes() -> int:
    """How many processes may run at once; one where a fork is not safe: away from Linux, and beside other threads."""
    if not hasattr(os, "sched_getaffinity") or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES)


def map_in_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int | None = None
) -> list[Result]:
    """What `work` makes of each task, in their order; tasks are begun in that order, so the longest should come first.

    By default there is a process for each CPU, this one included, and only this one where no process can be forked.
    Raises what `work` raises for the first task for which it does so, and SnowError when a process ends before its
    work is done.
    """
    count = min(processes or available_processes(), len(tasks))
    if count <= 1:
        return [work(task) for task in tasks]
    queue = _Queue(len(tasks))
    with ExitStack() as stack:
        stack.callback(queue.close)
        others = [stack.enter_context(_Process(_do_tasks, work, tasks, queue)) for _ in range(count - 1)]
        outcomes = [_do_tasks(work, tasks, queue), *(process.result() for process in others)]
    if errors := [outcome.error for outcome in outcomes if outcome.error is not None]:
        raise min(errors, key=lambda error: error.task).exception
    results = {task: result for outcome in outcomes for task, result in outcome.results}
    return [results[task] for task in range(len(tasks))]


@contextmanager
def in_background(work: Callable[[], Result]) -> Generator[Callable[[], Result]]:
    """Begins some work in a process of its own, which gives way to all others; what is given waits for it and returns
    its result.

    Where no process can be forked, the work is done then. Raises what `work` raises, and SnowError when the process
    ends before its work is done.
    """
    if available_processes() == 1:
        yield work
        return
    with _Process(partial(_give_way, work)) as process:
        yield process.result


def _give_way(work: Callable[[], Result]) -> Result:
    os.nice(LOWEST_PRIORITY)
    return work()


class _Error(NamedTuple):
    task: int
    exception: Exception


class _Outcome(NamedTuple):
    """What a process made of its tasks, up to the one that failed."""

    results: list[tuple[int, Any]]
    error: _Error | None = None


def _do_tasks(work: Callable[[Task], Any], tasks: Sequence[Task], queue: _Queue) -> _Outcome:
    """Does tasks as long as there are any. Tasks before one that fails are with others, who do them."""
    results: list[tuple[int, Any]] = []
    for number in queue:
        try:
            results.append((number, work(tasks[number])))
        except Exception as error:
            return _Outcome([], _Error(number, error))
    return _Outcome(results)


class _Queue:
    """Numbers from 0 to below `length`, each of which one of the processes takes."""

    def __init__(self, length: int) -> None:
        self.length, self.entries = length, min(length, _MOST_ENTRIES)
        self.reader, writer = os.pipe()
        os.write(writer, b"".join(number.to_bytes(_ENTRY_BYTES, "little") for number in range(self.entries)))
        # Nobody writes any more: who finds it empty is done.
        os.close(writer)

    def __iter__(self) -> Iterator[int]:
        while entry := os.read(self.reader, _ENTRY_BYTES):
            yield from range(int.from_bytes(entry, "little"), self.length, self.entries)

    def close(self) -> None:
        os.close(self.reader)


class _Process(Generic[Result]):
    """A fork that does some work; it ends with the block that it is a context for."""

    def __init__(self, work: Callable[..., Result], *arguments: Any) -> None:
        context = get_context("fork")
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_run, args=(os.getpid(), sender, self.receiver, work, *arguments), daemon=True
        )
        self.process.start()
        sender.close()

    def result(self) -> Result:
        """What was made, once it is."""
        try:
            result = self.receiver.recv()
        except EOFError:
            raise SnowError("a process that the compiler started was ended before its work was done") from None
        if isinstance(result, BaseException):
            raise result
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.receiver.close()
        self.process.kill()
        self.process.join()


def _run(parent: int, sender: Connection, receiver: Connection, work: Callable[..., Any], *arguments: Any) -> None:
    """What a fork does; it sends the result, or the error that stopped it."""
    # Only who waits may hold this end: when it is gone, so is a fork that has something to send.
    receiver.close()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _end_with(parent)
    try:
        result = work(*arguments)
    except Exception as error:
        result = error
    with suppress(BrokenPipeError):
        sender.send(result)


def _end_with(parent: int) -> None:
    """Has Linux end this process when its parent ends, be it killed: nobody else would."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
