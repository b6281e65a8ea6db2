"""Changes a report by statements such as `layers[0].cycles = 1`, and runs snow-certify on it."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import snow_certify

_, path, *changes = sys.argv
report = json.loads(Path(path).read_text(), object_hook=lambda entry: SimpleNamespace(**entry))
for change in changes:
    exec(change, vars(report))
vars(report).pop("__builtins__")
changed = Path(path).with_suffix(".changed.json")
changed.write_text(json.dumps(report, default=vars))
sys.exit(snow_certify.main([str(changed)]))
