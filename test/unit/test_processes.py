"""Tasks in several processes: the same results as in one, the same errors, and nobody left behind."""

import mmap
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from lowering import processes
from lowering.processes import in_background, map_in_processes, share_out
from snowdialect.errors import SnowError, SourceError

ENDED = "^a process that the compiler started was ended before its work was done$"


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    yield
    assert not multiprocessing.active_children()


def failing(numbers: set[int], task: int) -> int:
    if task in numbers:
        raise SnowError(f"task {task}")
    return task


@pytest.mark.parametrize("count", [0, 1, 2, 5, 2500])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_results_are_in_the_order_of_the_tasks(count: int, number: int) -> None:
    done = mmap.mmap(-1, max(1, count))

    def square(task: int) -> int:
        done[task] += 1
        return task * task

    assert map_in_processes(square, range(count), number) == [task * task for task in range(count)]
    assert done[:count] == bytes([1] * count), "each is done once"


def test_tasks_are_done_in_other_processes_too() -> None:
    begun = mmap.mmap(-1, 2)

    def who(task: int) -> int:
        begun[task] = 1
        deadline = time.monotonic() + 60
        while not all(begun[:2]) and time.monotonic() < deadline:
            time.sleep(0.01)
        return os.getpid()

    first, second = map_in_processes(who, [0, 1], 2)
    assert os.getpid() in (first, second) and first != second


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("wrong", [{0}, {4}, {2, 1}, {3, 4}])
def test_the_first_error_is_the_error(wrong: set[int], number: int) -> None:
    with pytest.raises(SnowError, match=f"^task {min(wrong)}$"):
        map_in_processes(partial(failing, wrong), range(5), number)


def test_a_process_that_is_killed_is_one_line() -> None:
    parent, killed = os.getpid(), mmap.mmap(-1, 1)

    def work(task: int) -> None:
        if os.getpid() != parent:
            killed[0] = 1
            os.kill(os.getpid(), signal.SIGKILL)
        while not killed[0]:
            time.sleep(0.01)

    with pytest.raises(SnowError, match=ENDED):
        map_in_processes(work, range(2), 2)


def test_signals_end_a_process_whatever_the_compiler_does_at_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "available_processes", lambda: 2)

    def end_it() -> list[bool]:
        return [signal.getsignal(number) == signal.SIG_DFL for number in (signal.SIGINT, signal.SIGTERM)]

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with in_background(end_it) as result:
            assert result() == [True, True]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_process_that_is_killed_while_it_sends_is_one_line() -> None:
    parent, other = os.getpid(), multiprocessing.Value("i")

    def work(task: int) -> bytes:
        if os.getpid() != parent:
            other.value = os.getpid()
            return bytes(8 << 20)
        wait_until(lambda: other.value != 0)
        time.sleep(0.5)  # More than a pipe holds: it cannot have sent all.
        os.kill(other.value, signal.SIGKILL)
        return b""

    with pytest.raises(SnowError, match=ENDED):
        map_in_processes(work, range(2), 2)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_results_are_taken_here_one_by_one(number: int) -> None:
    taken: dict[int, bytes] = {}

    def take(task: int, result: bytes) -> None:
        assert not taken.get(task)
        taken[task] = result

    share_out(lambda task: bytes([task]) * (2 << 20), range(6), take, number)
    assert taken == {task: bytes([task]) * (2 << 20) for task in range(6)}


def test_an_error_of_who_takes_results_is_the_error() -> None:
    def take(task: int, result: int) -> None:
        raise SnowError(f"no place for {task - task}")

    with pytest.raises(SnowError, match="^no place for 0$"):
        share_out(lambda task: task, range(5), take, 2)


def test_who_is_interrupted_waits_for_nobody() -> None:
    parent = os.getpid()

    def work(task: int) -> None:
        if os.getpid() == parent:
            raise KeyboardInterrupt
        time.sleep(600)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        map_in_processes(work, range(5), 2)
    assert time.monotonic() - start < 60


def test_work_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    for count in (1, 2):
        monkeypatch.setattr(processes, "available_processes", lambda count=count: count)
        with in_background(os.getpid) as result:
            assert (result() == os.getpid()) == (count == 1)
        with pytest.raises(SnowError, match="^task 1$"), in_background(partial(failing, {1}, 1)) as result:
            result()


def test_work_in_the_background_that_nobody_waits_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "available_processes", lambda: 2)
    with in_background(partial(time.sleep, 600)):
        pass


def test_nothing_is_forked_beside_threads() -> None:
    assert 1 <= processes.available_processes() <= processes.MAX_PROCESSES
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert processes.available_processes() == 1
    finally:
        done.set()
        thread.join()


def test_nothing_is_forked_in_a_worker_of_a_pool() -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(processes.available_processes) == 1


def test_who_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    script = f"""if True:
        import os, time
        from pathlib import Path
        from lowering.processes import map_in_processes
        def work(task):
            (Path({str(tmp_path)!r}) / str(os.getpid())).touch()
            time.sleep(600)
        map_in_processes(work, range(2), 2)
    """
    parent = subprocess.Popen([sys.executable, "-c", script])
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(Path(f"/proc/{path.name}").exists() for path in tmp_path.iterdir()))


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits for what comes within a minute."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_error_with_a_place_comes_back_as_one_line() -> None:
    def work(task: int) -> None:
        raise SourceError("net.s", task, "nonsense")

    with pytest.raises(SnowError, match="^net.s:0: nonsense$"):
        map_in_processes(work, range(1), 1)
    assert str(pickle.loads(pickle.dumps(SourceError("net.s", 7, "nonsense")))) == "net.s:7: nonsense"
