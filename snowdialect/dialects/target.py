"""The machine a module is compiled for, in the module: `snow.machine = {name = "zc706", vmacs = 4 : i64, ...}`."""

from __future__ import annotations

from xdsl.dialects.builtin import DictionaryAttr, IntegerAttr, ModuleOp, StringAttr, i64
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from snowdialect.machine import Machine, MachineError

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


_parsed: dict[DictionaryAttr, Machine] = {}


def machine_of(op: Operation) -> Machine:
    """The machine of the module around `op`; raises VerifyException, one line, when it holds none or a wrong one."""
    root = op
    while (parent := root.parent_op()) is not None:
        root = parent
    attribute = root.attributes.get(MACHINE_ATTRIBUTE)
    if not isinstance(attribute, DictionaryAttr):
        raise VerifyException(
            f"{op.name} needs the module attribute '{MACHINE_ATTRIBUTE}': schedules are chosen for a machine"
        )
    if attribute not in _parsed:
        values: dict[str, str | int] = {}
        for key, value in attribute.data.items():
            match value:
                case StringAttr(data=text):
                    values[key] = text
                case IntegerAttr():
                    values[key] = value.value.data
                case _:
                    raise VerifyException(f"machine key '{key}' wants a number or a string, got {value}")
        try:
            _parsed[attribute] = Machine.from_dict(values)
        except MachineError as error:
            raise VerifyException(str(error)) from error
    return _parsed[attribute]
