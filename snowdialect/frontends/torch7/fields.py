"""One layer of a Torch7 network: its place in the network and its fields, checked as they are asked for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snowdialect.frontends.network import LARGEST_SIZE, MAXIMUM_DIMENSIONS, LayerError, finite_floats
from snowdialect.frontends.torch7.objects import TorchObject, fields_of, type_name

LARGEST_NUMBER = 1e30
"""No number of a layer is larger; float32 goes up to 3e38."""


@dataclass(frozen=True)
class Layer:
    """A Torch7 module and its path: the positions, from 0, on the way from the network to it, as in `2.1`."""

    path: str
    module: TorchObject
    fields: dict[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", fields_of(self.module))

    @property
    def type(self) -> str:
        """The Torch class, such as nn.Linear."""
        return type_name(self.module)

    @property
    def kind(self) -> str:
        """The Torch class without its package: nn.ReLU and cudnn.ReLU are of one kind."""
        return self.type.rpartition(".")[2]

    @property
    def is_cudnn(self) -> bool:
        """Whether the class is cudnn's, which computes a few things in another way than nn's."""
        return self.type.startswith("cudnn.")

    def real(self, name: str, default: float | None = None) -> float:
        """A number; `default` when the field is nil, which is an error without one."""
        value = self.fields.get(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
            raise LayerError(f"field {name} is {_shown(value)}, expected a number")
        return value

    def integer(self, name: str, default: int | None = None, least: int = 0) -> int:
        """A whole number from `least` up; `default` when the field is nil, which is an error without one."""
        value = self.real(name, default)
        if value != int(value) or not least <= value <= LARGEST_SIZE:
            raise LayerError(f"field {name} is {_shown(value)}, expected a whole number of {least} or more")
        return int(value)

    def pair(self, height: str, width: str, default: int | None = None, least: int = 0) -> tuple[int, int]:
        """Two whole numbers, height before width."""
        return self.integer(height, default, least), self.integer(width, default, least)

    def truth(self, name: str, default: bool = False) -> bool:
        """Whether Lua takes the field for true: all but nil and false; `default` when it is nil."""
        value = self.fields.get(name)
        return default if value is None else value is not False

    def has(self, name: str) -> bool:
        """Whether the field is there and not nil."""
        return self.fields.get(name) is not None

    def sizes(self, name: str) -> list[int]:
        """The whole numbers of a LongStorage."""
        value = self.fields.get(name)
        if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind != "i":
            raise LayerError(f"field {name} is {_shown(value)}, expected a LongStorage")
        sizes = [int(size) for size in value[:MAXIMUM_DIMENSIONS]]
        if value.size > MAXIMUM_DIMENSIONS or not all(-1 <= size <= LARGEST_SIZE for size in sizes):
            raise LayerError(f"field {name} holds no sizes of a tensor")
        return sizes

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor of finite numbers as float32: a view of the file where its type and order allow.

        Raises LayerError when the field is something else, or holds NaN or what float32 cannot hold.
        """
        value = self.fields.get(name)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
            raise LayerError(f"field {name} is {_shown(value)}, expected a tensor of floats")
        span = sum((size - 1) * stride for size, stride in zip(value.shape, value.strides, strict=True))
        if value.size * value.itemsize > span + value.itemsize:
            # A few elements could stand for any number of them.
            raise LayerError(f"field {name} is a tensor whose elements overlap in memory")
        return finite_floats(value, f"field {name}")


def _shown(value: Any) -> str:
    """A field's value for a message: numbers as they are, anything else by its type."""
    return f"{value:.12g}" if type(value) in (int, float) else type_name(value)
