"""Runs the commands that lit's tests name, each in a fork of this process, which has imported everything already.

Most of the time of a short command goes into imports. A fork has the arguments, folder, environment and streams of its
client, and nothing of any command before it.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import chdir
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NoReturn

CLIENT = Path(__file__).with_name("client.py")
PACKAGES = ("snowdialect", "lowering")
NOT_BEFORE = "snowdialect.simulator"
"""Looks for its machine code where the environment says when it is imported."""
LIBRARIES = ("numba", "onnx", "rich.console", "rich.table")

Command = Callable[[], Any]

SERVERS: list[subprocess.Popen[bytes]] = []
"""Those of this process, which hold their standard inputs open."""


def start() -> Path:
    """Starts a server that ends with this process; the folder of the clients, which have the names of the commands."""
    folder = Path(tempfile.mkdtemp(prefix="snowdialect-lit-"))
    for script in _scripts():
        client = folder / script.name
        client.write_text(f"#!{sys.executable} -IS\n{CLIENT.read_text()}")
        client.chmod(0o755)
    listener = socket.socket(socket.AF_UNIX)
    with chdir(folder):
        # The path of a socket has to be short.
        listener.bind("socket")
    listener.listen()
    number = listener.fileno()
    command = (sys.executable, __file__, str(number), folder)
    SERVERS.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=(number,)))
    return folder


def _scripts() -> list[EntryPoint]:
    """The commands that a server runs."""
    scripts = entry_points(group="console_scripts")
    return [script for script in scripts if script.name.startswith(("snow-", "filecheck"))]


def load_commands() -> dict[str, Command]:
    """The functions of the project's commands, and of filecheck, with all that they may need."""
    for name in LIBRARIES:
        import_module(name)
    for package in map(import_module, PACKAGES):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(NOT_BEFORE):
                import_module(module.name)
    return {script.name: script.load() for script in _scripts()}


def serve(listener: socket.socket, commands: dict[str, Command]) -> None:
    """Runs commands as they come, until lit is gone, which holds the other end of the standard input."""
    # Nobody asks how forks ended: they tell their clients. What interrupts lit interrupts these, too.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            listener.close()
            answer(connection, commands)
        connection.close()


def end_with(connection: socket.socket) -> None:
    """Has Linux end this process when the client is gone, be it killed: nobody else would. It has sent all before: with
    more it would end the process, too."""
    number = connection.fileno()
    fcntl.fcntl(number, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(number, fcntl.F_SETFL, fcntl.fcntl(number, fcntl.F_GETFL) | os.O_ASYNC)


def answer(connection: socket.socket, commands: dict[str, Command]) -> NoReturn:
    """Is the command that a client asks for: has its streams, folder, environment and arguments."""
    size, streams, _, _ = socket.recv_fds(connection, 4, 3)
    request = connection.recv(int.from_bytes(size), socket.MSG_WAITALL)
    end_with(connection)
    sys.argv, folder, environment = json.loads(request)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    status = status_of(commands[Path(sys.argv[0]).name])
    connection.send(bytes([status]))
    os._exit(status)


def status_of(command: Command) -> int:
    """Calls a command as its installed script would; what Python's exit status would then be."""
    status: object = 1
    try:
        status = command()
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if status is None or isinstance(status, int):
        return (status or 0) & 0xFF
    print(status, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    number, folder = sys.argv[1:]
    try:
        serve(socket.socket(fileno=int(number)), load_commands())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
