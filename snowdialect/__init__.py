"""What the intermediate representation of the Snowflake compiler is and means. Nothing here rewrites it.

The dialects are in `snowdialect.dialects`, their meaning in `snowdialect.interpreters`; the passes that
change the representation are in the package `lowering`.
"""
