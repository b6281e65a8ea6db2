"""How lit runs the tests: each is a shell command line whose output FileCheck compares with the file itself."""

import sys
from pathlib import Path

import lit.formats

config.name = "snowdialect"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".s"]
config.excludes = ["Inputs"]
config.test_source_root = str(Path(__file__).parent)
# Tests write below Output, which is not tracked; they run beside their own file, so that paths in them stay short.
config.environment["PATH"] = str(Path(sys.executable).parent) + ":" + config.environment["PATH"]
config.substitutions.append(("%models", str(Path(__file__).parents[2] / "snowdialect" / "models")))

shared = Path(__file__).parents[3] / "shared" / "models"
if shared.is_dir():
    config.available_features.add("shared-models")
    config.substitutions.append(("%shared", str(shared)))
