"""How lit runs the tests: each is a command line whose output filecheck compares with the file itself."""

# lit defines `config`.
# ruff: noqa: F821
# pyright: reportUndefinedVariable=false

import os
import sys
from pathlib import Path

import lit.formats

sys.path.append(str(Path(__file__).parent))
from commands.server import start

config.name = "snowdialect"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".s"]
config.excludes = ["Inputs", "commands"]
config.test_source_root = str(Path(__file__).parent)
# A test runs in its own folder and writes to Output there, which is not tracked. Commands are forks of a process that
# has imported all that they need (commands/server.py).
config.environment["PATH"] = os.pathsep.join(
    (str(start()), str(Path(sys.executable).parent), config.environment["PATH"])
)
if "PYTHONPATH" in os.environ:
    config.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
config.substitutions.append(("%models", str(Path(__file__).parents[2] / "snowdialect" / "models")))

shared = Path(__file__).parents[3] / "shared" / "models"
if shared.is_dir():
    config.available_features.add("shared-models")
    config.substitutions.append(("%shared", str(shared)))
