"""The meaning of the dialect `snowflake`: a program runs instruction by instruction, at every stage of its lowering."""

from snowdialect.interpreters.snowflake.code import SnowflakeFunctions
from snowdialect.interpreters.snowflake.core import IllegalProgram

__all__ = ["IllegalProgram", "SnowflakeFunctions"]
