"""How the intermediate representation changes: one list of passes (`pipeline.py`), one file a pass."""
