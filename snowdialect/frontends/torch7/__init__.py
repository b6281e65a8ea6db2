"""Torch7 model files: read, written, and imported as a `cnn` module.

`load` and `save` turn a file into an object tree and back, `import_model` turns a network into IR and
weights.
"""

from snowdialect.frontends.torch7.importer import import_model
from snowdialect.frontends.torch7.reader import load
from snowdialect.frontends.torch7.writer import save

__all__ = ["import_model", "load", "save"]
