"""ONNX model files: read, and imported as a `cnn` module.

`load` checks a file and parses its structure, `import_model` turns the network in it into IR and weights.
"""

from snowdialect.frontends.onnx.importer import import_model
from snowdialect.frontends.onnx.reader import load

__all__ = ["import_model", "load"]
