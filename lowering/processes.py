"""Tasks are done at the same time: forks of the compiler share them out, each taking the next one when it has time.

A fork has all that the compiler has, so tasks need not be sent; results are, by pickle. What comes out does not depend
on how many processes there are, nor on who does what.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Self, TypeVar

from snowdialect.errors import SnowError

Task = TypeVar("Task")
Result = TypeVar("Result")

MAX_PROCESSES = 8
"""More would wait for the one that puts all together."""

LOWEST_PRIORITY = 19
PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""

_PIPE_BYTES = 1 << 20
"""What a pipe may hold, the most that Linux grants to all: who sends goes on while who receives is at a task."""

_ENTRY_BYTES = 4
_MOST_ENTRIES = 1024
"""A queue is a pipe, and every pipe holds so many entries."""


def available_processes() -> int:
    """How many processes may run at once; one where a fork is not safe (away from Linux, and beside other threads) or
    not allowed (in a worker of multiprocessing.Pool)."""
    if not hasattr(os, "sched_getaffinity") or threading.active_count() > 1 or current_process().daemon:
        return 1
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES)


def map_in_processes(
    work: Callable[[Task], Result], tasks: Sequence[Task], processes: int | None = None
) -> list[Result]:
    """What `work` makes of each task, in their order. Arguments and errors are those of `share_out`."""
    results: dict[int, Result] = {}
    share_out(work, tasks, results.__setitem__, processes)
    return [results[task] for task in range(len(tasks))]


def share_out(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    take: Callable[[int, Result], None],
    processes: int | None = None,
) -> None:
    """Calls `take` with the number of each task and what `work` makes of it. Tasks are begun in their order, so the
    longest should come first; results are taken in this process, in any order, while other tasks are still at work.

    By default there is a process for each CPU, this one included, and only this one where no process can be forked.
    Raises what `work` raises for the first task for which it does so, and SnowError when a process ends before its
    work is done.
    """
    count = min(processes or available_processes(), len(tasks))
    if count <= 1:
        for number, task in enumerate(tasks):
            take(number, work(task))
        return
    queue = _Queue(len(tasks))
    errors: list[_Error] = []

    def receive(outcomes: Iterable[_Outcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, _Error):
                errors.append(outcome)
            else:
                take(*outcome)

    with ExitStack() as stack:
        stack.callback(queue.close)
        others = [stack.enter_context(_Process(_do_tasks, work, tasks, queue)) for _ in range(count - 1)]
        for outcome in _do_tasks(work, tasks, queue):
            receive((outcome,))
            for process in others:
                receive(process.sent())
        for process in others:
            receive(process.rest())
    if errors:
        raise min(errors, key=lambda error: error.task).exception


@contextmanager
def in_background(work: Callable[[], Result]) -> Generator[Callable[[], Result]]:
    """Begins some work in a process of its own, which gives way to all others; what is given waits for it and returns
    its result, once.

    Where no process can be forked, the work is done then. Raises what `work` raises, and SnowError when the process
    ends before its work is done.
    """
    if available_processes() == 1:
        yield work
        return
    with _Process(_give_way, work) as process:

        def result() -> Result:
            (outcome,) = process.rest()
            if isinstance(outcome, _Error):
                raise outcome.exception
            return outcome.result

        yield result


class _Made(NamedTuple):
    task: int
    result: Any


class _Error(NamedTuple):
    task: int
    exception: Exception


_Outcome = _Made | _Error
_END = None
"""What a process sends last."""


def _do_tasks(work: Callable[[Task], Any], tasks: Sequence[Task], queue: _Queue) -> Iterator[_Outcome]:
    """Does tasks as long as there are any, up to the one that fails. Those before it are with others, who do them."""
    for number in queue:
        outcome = _do(work, number, tasks[number])
        yield outcome
        if isinstance(outcome, _Error):
            return


def _give_way(work: Callable[[], Any]) -> Iterator[_Outcome]:
    os.nice(LOWEST_PRIORITY)
    yield _do(work, 0)


def _do(work: Callable[..., Any], number: int, *arguments: Any) -> _Outcome:
    try:
        return _Made(number, work(*arguments))
    except Exception as error:
        return _Error(number, error)


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


class _Process:
    """A fork that does some work; it ends with the block that it is a context for."""

    def __init__(self, work: Callable[..., Iterator[_Outcome]], *arguments: Any) -> None:
        context = get_context("fork")
        self.receiver, sender = context.Pipe(duplex=False)
        _widen(sender)
        self.process = context.Process(
            target=_run, args=(os.getpid(), sender, self.receiver, work, *arguments), daemon=True
        )
        self.process.start()
        sender.close()
        self.ended = False
        """Whether it has sent all."""

    def sent(self) -> Iterator[_Outcome]:
        """What it has sent by now."""
        while not self.ended and self.receiver.poll():
            yield from self._receive()

    def rest(self) -> Iterator[_Outcome]:
        """All that it still sends."""
        while not self.ended:
            yield from self._receive()

    def _receive(self) -> Iterator[_Outcome]:
        try:
            outcome = self.receiver.recv()
        except (EOFError, OSError):
            # It may end in the middle of a message.
            raise SnowError("a process that the compiler started was ended before its work was done") from None
        if outcome is _END:
            self.ended = True
        else:
            yield outcome

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.receiver.close()
        self.process.kill()
        self.process.join()


def _run(
    parent: int, sender: Connection, receiver: Connection, work: Callable[..., Iterator[_Outcome]], *arguments: Any
) -> None:
    """What a fork does; it sends each outcome."""
    # Only who waits may hold this end: when it is gone, so is a fork that has something to send.
    receiver.close()
    # What these end in the compiler, which cleans up, ends here at once.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    _end_with(parent)
    with suppress(BrokenPipeError):
        for outcome in work(*arguments):
            sender.send(outcome)
        sender.send(_END)


def _widen(sender: Connection) -> None:
    """Lets Linux hold as much of what is sent as it lets anybody."""
    from fcntl import F_SETPIPE_SZ, fcntl

    with suppress(OSError):
        fcntl(sender.fileno(), F_SETPIPE_SZ, _PIPE_BYTES)


def _end_with(parent: int) -> None:
    """Has Linux end this process when its parent ends, be it killed: nobody else would."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
