"""Reads MLIR text: xDSL's parser, with messages that say where something is wrong and what was expected."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NoReturn, TypeVar

from xdsl.context import Context
from xdsl.ir import Operation
from xdsl.parser import Parser, Position
from xdsl.utils.exceptions import ParseError, VerifyException
from xdsl.utils.lexer import Span
from xdsl.utils.mlir_lexer import MLIRTokenKind

from snowdialect.errors import did_you_mean

Result = TypeVar("Result")

_REASONS = {
    " in block definition": "an operation or '}' expected",
    "Could not parse entire input!": "an operation expected",
}
"""What some of xDSL's messages mean."""


class SnowParser(Parser):
    """Raises ParseError also for what is wrong in itself, such as an attribute that its own verifier rejects."""

    def __init__(self, ctx: Context, input: str | bytes, name: str) -> None:
        super().__init__(ctx, input, name)
        self._begun: list[Position] = []
        """Where the operations, or the alias, begin that are being read, the innermost last."""

    def parse_operation(self) -> Operation:
        return self._locating(super().parse_operation)

    def _parse_alias_def(self) -> None:
        self._locating(super()._parse_alias_def)

    def _locating(self, parse: Callable[[], Result]) -> Result:
        """Parses something that begins here; an error without a place is there."""
        self._begun.append(self.pos)
        try:
            return parse()
        except (VerifyException, struct.error) as error:
            # What struct says of a number means nothing to a user.
            number = isinstance(error, struct.error)
            reason = "a number does not fit the type of its array" if number else str(error)
            raise ParseError(Span(self._begun[-1], self._begun[-1], self.lexer.input), reason) from error
        finally:
            self._begun.pop()

    def raise_error(
        self, msg: str, at_position: Span[str] | Position | None = None, end_position: Position | None = None
    ) -> NoReturn:
        token = self._current_token
        reason = _REASONS.get(msg, msg)
        # Outside of operations the end is what the parser waits for; there it says what the whole text lacks.
        if self._begun and token.kind == MLIRTokenKind.EOF and at_position in (None, token.span):
            reason = f"the text ends too early: {reason}"
        if end_position is not None:
            assert isinstance(at_position, Position)
            at_position = Span(at_position, end_position, self.lexer.input)
        super().raise_error(reason, at_position)

    def _get_op_by_name(self, name: str) -> type[Operation]:
        kind = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if kind is None:
            known = [op.name for op in self.ctx.loaded_ops]
            self.raise_error(f"unknown operation '{name}'{did_you_mean(name, known)}", self._begun[-1])
        return kind
