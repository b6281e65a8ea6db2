"""The machine a module is compiled for, in the module: `snow.machine = {name = "zc706", vmacs = 4 : i64, ...}`.

What is written by hand may name a shipped machine instead: `snow.machine = "zc706"`.
"""

from __future__ import annotations

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import VerifyException

from snowdialect.machine import Machine, MachineError, load_machine, shipped_machines

MACHINE_ATTRIBUTE = "snow.machine"


def machine_attribute(machine: Machine) -> DictionaryAttr:
    """The description as an attribute, every number of it."""
    return DictionaryAttr(
        {
            key: StringAttr(value) if isinstance(value, str) else IntegerAttr(value, i64)
            for key, value in machine.to_dict().items()
        }
    )


def set_machine(module: ModuleOp, machine: Machine) -> None:
    """Makes `machine` the one that the module is compiled for."""
    module.attributes[MACHINE_ATTRIBUTE] = machine_attribute(machine)


_parsed: dict[Attribute, Machine] = {}


def machine_of(op: Operation) -> Machine:
    """The machine of the module around `op`; raises VerifyException, one line, when it holds none or a wrong one."""
    root = op
    while (parent := root.parent_op()) is not None:
        root = parent
    attribute = root.attributes.get(MACHINE_ATTRIBUTE)
    if attribute is None:
        raise VerifyException(
            f"{op.name} needs the module attribute '{MACHINE_ATTRIBUTE}': schedules are chosen for a machine; "
            "--machine and cnn-choose-schedule set it"
        )
    if attribute not in _parsed:
        try:
            _parsed[attribute] = _parse(attribute)
        except MachineError as error:
            raise VerifyException(f"{MACHINE_ATTRIBUTE}: {error}") from error
    return _parsed[attribute]


def _parse(attribute: Attribute) -> Machine:
    match attribute:
        case StringAttr(data=name):
            if name not in shipped_machines():
                raise MachineError(f"no machine '{name}' is shipped, only {', '.join(shipped_machines())}")
            return load_machine(name)
        case DictionaryAttr():
            return Machine.from_dict({key: _plain(key, value) for key, value in attribute.data.items()})
        case _:
            raise MachineError(f"wants a description or the name of a shipped machine, got {attribute}")


def _plain(key: str, value: Attribute) -> str | int:
    match value:
        case StringAttr(data=text):
            return text
        case IntegerAttr():
            return value.value.data
        case _:
            raise MachineError(f"machine key '{key}' wants a number or a string, got {value}")
