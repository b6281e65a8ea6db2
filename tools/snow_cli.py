"""What the commands share: argument types, and how a failure looks."""

import argparse
import gc
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_OF_FILES = 1000
"""More columns than any table has."""


def shape(text: str) -> tuple[int, ...]:
    """Parses `3x224x224`, of any rank and without batch, for argparse."""
    try:
        sizes = tuple(int(size) for size in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form 3x224x224") from None
    if any(size < 1 for size in sizes):
        raise argparse.ArgumentTypeError(f"'{text}' has a size below 1")
    return sizes


def add_debug_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug", action="store_true", help="on an error, print the traceback too")


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that reads a model file or chooses schedules."""
    parser.add_argument(
        "--input-shape",
        type=shape,
        metavar="CxHxW",
        help="shape of one input, without batch, for model files that leave it open",
    )
    parser.add_argument(
        "--machine", metavar="NAME|FILE", help="shipped machine or .toml file to compile for (default: zc706)"
    )


def machine_file(machine: str | None) -> Path | None:
    """The file that `--machine` names, if it is a file."""
    return Path(machine) if machine is not None and machine.endswith(".toml") else None


def add_compile_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of every command that compiles a network; `lowering.driver.pass_options` takes them."""
    parser.add_argument(
        "--schedule",
        choices=("best", "paper"),
        help="how layers are cut into tiles: paper keeps to what the published hand code did (default: best)",
    )
    parser.add_argument(
        "--input-layout",
        choices=("as-is", "best"),
        help="how the host stores inputs: as-is, pixel by pixel, as paper does; or with rows repeated where the first "
        "layer is faster by that (default: best)",
    )
    parser.add_argument(
        "--calibrate",
        metavar="X.npy",
        help="choose the fraction bits of every tensor by the range it takes on these inputs (default: Q8.8 for all)",
    )


def open_console() -> "Console":
    """A console for tables whose words, names of layers among them, are shown as they are. Away from a terminal lines
    are as long as they have to be."""
    from rich.console import Console

    width = None if Console().is_terminal else WIDTH_OF_FILES
    return Console(width=width, soft_wrap=True, markup=False, emoji=False, highlight=False)


def show_progress(text: str = "") -> None:
    """Replaces the line that says what is going on, on a terminal; without text, removes it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def show_note(text: str) -> None:
    """Prints a line on the standard error, in place of the one that says what is going on."""
    show_progress()
    print(text, file=sys.stderr)


def run_command(body: Callable[[], int], debug: bool, *, alone: bool = False) -> int:
    """Runs the body of a command: its status, or 1 after printing `error: ...` on one line.

    `alone`: the process ends with the command.
    """
    if alone:
        # It gives back its memory as a whole. To look for dead cycles before takes a tenth of a compilation.
        gc.disable()
    _replace_closed_streams()
    try:
        # Sums beyond float are part of the results, and no news for the standard error.
        with _terminable(), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            status = body()
            sys.stdout.flush()
    except BrokenPipeError:
        status = 1  # The reader of our output has gone.
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 128 + signal.SIGINT
    except _Terminated:
        print("terminated", file=sys.stderr)
        status = 128 + signal.SIGTERM
    except Exception as error:
        show_progress()
        if debug:
            traceback.print_exc()
        print(f"error: {describe(error)}", file=sys.stderr)
        status = 1
    try:
        sys.stdout.flush()
    except OSError:
        # What it could not take has been an error; keep the interpreter from flushing it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _replace_closed_streams() -> None:
    """Python has None for a standard stream that is closed when it starts, which nothing that writes expects. In their
    order, so that a file of the command does not become one of them to the code of others."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


class _Terminated(BaseException):
    """SIGTERM has come."""


@contextmanager
def _terminable() -> Generator[None]:
    """Makes SIGTERM an exception: outputs that are half written are removed on its way. Not where somebody else handles
    it already, or ignores it."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def terminate(*_: object) -> None:
        # Who ends a group of processes may send it twice; the second one must not stop the cleaning up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Terminated

    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def describe(error: Exception) -> str:
    """One line that tells a user what is wrong."""
    from xdsl.utils.exceptions import DiagnosticException, ParseError

    from lowering.driver import describe_parse_error, first_line
    from snowdialect.errors import SnowError, describe_file_error

    match error:
        case SnowError() | DiagnosticException():
            return first_line(error)
        case ParseError():
            return describe_parse_error(error)
        case OSError() if error.strerror is not None:
            return describe_file_error(error)
        case MemoryError():
            return "out of memory"
        case RecursionError():
            return "operations depend on each other too many levels deep"
        case _:
            kind = type(error).__name__
            return f"internal error: {kind}: {first_line(error)} (--debug prints where)"
