"""What passes may ask of the command that runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xdsl.context import Context

if TYPE_CHECKING:
    from snowdialect.weights import Weights


def no_weights() -> Weights | None:
    return None


def announce_nothing(text: str) -> None:
    """Says nothing of what is going on."""


@dataclass
class ProgramContext(Context):
    """A context that knows, besides dialects, the program that passes work on."""

    weights: Callable[[], Weights | None] = no_weights
    """Opens the weights of the program. Raises SnowError when their file is absent."""
    announce: Callable[[str], None] = announce_nothing
    """Called with what a pass is about to do, if that takes long."""
    note: Callable[[str], None] = announce_nothing
    """Called with what a pass could not do as it was told, in a line."""


def program_context(context: Context) -> ProgramContext:
    """The context of our commands; in a driver of others, one that knows no weights."""
    return context if isinstance(context, ProgramContext) else ProgramContext()
