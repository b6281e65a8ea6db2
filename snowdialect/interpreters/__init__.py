"""The meaning of each dialect, a file or a package a dialect, in NumPy."""

from snowdialect.interpreters.run import Run, run_module
from snowdialect.interpreters.state import RunState, run_state, set_run_state

__all__ = ["Run", "RunState", "run_module", "run_state", "set_run_state"]
