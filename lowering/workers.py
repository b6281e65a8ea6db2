"""Layers are lowered at the same time: processes share them out where passes work on every layer by itself.

A worker is a fork of the compiler, so it has all layers already; it empties those that are not its own, runs the same
passes, and sends back the programs that became of its layers. What comes out is the same, bit for bit, as without.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Self

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block

from lowering.serialize import dump_block, load_block
from snowdialect.dialects import tile
from snowdialect.dialects.snowflake import ProgramOp
from snowdialect.errors import SnowError

MAX_PROCESSES = 8
"""More would wait for the one that puts all together."""

Share = frozenset[int]
"""The numbers of the layers that one process lowers."""


def lower_layers(module: ModuleOp, run: Callable[[], None], processes: int | None = None) -> None:
    """Calls `run`, which makes programs of all layers of a module, in several processes, this one included.

    By default there is one for each CPU, and only this one where no process can be forked. Raises what `run` raises
    in any of them, and SnowError when one ends before it is done.
    """
    layers = [op for op in module.body.block.ops if isinstance(op, tile.LayerOp)]
    own, *others = share_out([sum(1 for _ in layer.walk()) for layer in layers], processes or available_processes())
    with ExitStack() as stack:
        workers = [stack.enter_context(_Worker(module, layers, share, run)) for share in others]
        _keep(layers, own)
        run()
        programs = _programs(module)
        for worker, share in zip(workers, others, strict=True):
            for number, data in zip(sorted(share), worker.result(), strict=True):
                _replace_body(programs[number], load_block(data))


def available_processes() -> int:
    """How many processes may run at once; one where a fork is not safe: away from Linux, and beside other threads."""
    if not hasattr(os, "sched_getaffinity") or threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES)


def share_out(work: Sequence[int], processes: int) -> list[Share]:
    """Divides layers, by how much work each is, among so many processes, or as many as there are layers.

    Those with most work are given out first, each to whom has least to do. The first share is the least: who takes it
    has to put all together.
    """
    shares: list[set[int]] = [set() for _ in range(max(1, min(processes, len(work))))]

    def load(share: set[int]) -> int:
        return sum(work[number] for number in share)

    for number in sorted(range(len(work)), key=work.__getitem__, reverse=True):
        min(shares, key=load).add(number)
    return list(map(frozenset, sorted(shares, key=load)))


class _Worker:
    """A process that lowers a share of the layers; it ends with the block that it is a context for."""

    def __init__(self, module: ModuleOp, layers: Sequence[tile.LayerOp], share: Share, run: Callable[[], None]) -> None:
        context = get_context("fork")
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_work, args=(sender, self.receiver, module, layers, share, run), daemon=True
        )
        self.process.start()
        sender.close()

    def result(self) -> list[bytes]:
        """The bodies of the programs, in order, once they are made."""
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


def _work(
    sender: Connection,
    receiver: Connection,
    module: ModuleOp,
    layers: Sequence[tile.LayerOp],
    share: Share,
    run: Callable[[], None],
) -> None:
    """What a worker does; it sends the bodies of its programs, or the error that stopped it."""
    # Only who waits may hold this end: when it is gone, so is a worker that has something to send.
    receiver.close()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        _keep(layers, share)
        run()
        programs = _programs(module)
        result = [dump_block(programs[number].body.block) for number in sorted(share)]
    except Exception as error:
        result = error
    with suppress(BrokenPipeError):
        sender.send(result)


def _keep(layers: Sequence[tile.LayerOp], share: Share) -> None:
    """Empties the layers that are not in a share; they stay in their places."""
    for number, layer in enumerate(layers):
        if number not in share:
            _replace_body(layer, Block())


def _programs(module: ModuleOp) -> list[ProgramOp]:
    return [op for op in module.body.block.ops if isinstance(op, ProgramOp)]


def _replace_body(op: tile.LayerOp | ProgramOp, block: Block) -> None:
    op.body.erase_block(op.body.block)
    op.body.add_block(block)
