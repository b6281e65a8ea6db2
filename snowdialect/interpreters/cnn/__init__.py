"""The meaning of the cnn dialect in NumPy: the reference of the whole system."""

from snowdialect.interpreters.cnn.constants import evaluate_constant
from snowdialect.interpreters.cnn.functions import CnnFunctions

__all__ = ["CnnFunctions", "evaluate_constant"]
