"""Numbers, flags and choices as properties. Operations with equal ones share them: xDSL verifies each that is made."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from xdsl.dialects.builtin import I64, IntegerAttr, UnitAttr, i64
from xdsl.dialects.utils import EnumAttribute

PRESENT = UnitAttr()

_Choice = TypeVar("_Choice", bound=EnumAttribute[Any])


@cache
def integer(value: int) -> IntegerAttr[I64]:
    """A number."""
    return IntegerAttr(value, i64)


def flag(value: bool) -> UnitAttr | None:
    """A property that is there or not."""
    return PRESENT if value else None


@cache
def choice(kind: type[_Choice], value: StrEnum) -> _Choice:
    """One of the values of an enumeration, as the attribute for them."""
    return kind(value)
