"""The hardware: its description as data and the instruction table. Imports of the project nothing else but errors."""

from snowdialect.machine.description import (
    DEFAULT_MACHINE,
    Machine,
    MachineError,
    load_machine,
    shipped_machines,
)

__all__ = ["DEFAULT_MACHINE", "Machine", "MachineError", "load_machine", "shipped_machines"]
