"""One node of an ONNX network: its attributes and inputs, checked as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import copysign, inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import SSAValue

from onnx import AttributeProto, NodeProto
from onnx.defs import OpSchema
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import Shape, format_shape
from snowdialect.frontends.network import LARGEST_SIZE, MAXIMUM_DIMENSIONS, Floats, LayerError, finite_floats

LARGEST_NUMBER = 1e30
"""No number of a layer is larger; float32 goes up to 3e38."""

CHANNELS_LAST = (0, 2, 3, 1)
"""The order of a map N, H, W, C."""


@dataclass(frozen=True)
class Activation:
    """A value that depends on the input: a `cnn` value, and how its axes are ordered in the ONNX network.

    Axis i of the ONNX value is axis `order[i]` of `value`. Flattened, the ONNX value is the vector of the
    elements in that order.
    """

    value: SSAValue
    order: tuple[int, ...]
    flattened: bool = False

    @staticmethod
    def of(value: SSAValue) -> "Activation":
        """A value that is alike in both."""
        return Activation(value, tuple(range(len(shape_of(value)))))

    @property
    def shape(self) -> Shape:
        """The shape of the ONNX value, with its batch of one."""
        shape = tuple(shape_of(self.value)[axis] for axis in self.order)
        return (1, int(np.prod(shape))) if self.flattened else shape

    @property
    def is_plain(self) -> bool:
        """Whether it is alike in both."""
        return self.order == tuple(range(len(self.order))) and not self.flattened

    @property
    def is_straight(self) -> bool:
        """Whether the elements are in the same order in both: axes of one element may be anywhere."""
        axes = [axis for axis in self.order if shape_of(self.value)[axis] > 1]
        return axes == sorted(axes)


_FIELDS: dict[int, str] = {
    AttributeProto.INT: "i",
    AttributeProto.INTS: "ints",
    AttributeProto.FLOAT: "f",
    AttributeProto.FLOATS: "floats",
    AttributeProto.STRING: "s",
}
"""The field of AttributeProto that holds a value of a type."""

Array = NDArray[Any]
Value = Activation | Array


@dataclass(frozen=True)
class Node:
    """A node with its name, the definition of its operator, and its inputs, of which some may be left out."""

    name: str
    proto: NodeProto
    schema: OpSchema
    inputs: Sequence[Value | None]

    @property
    def version(self) -> int:
        """The set of operators that the operator's definition is from."""
        return self.schema.since_version

    def has(self, name: str) -> bool:
        """Whether the file gives the attribute."""
        return self._attribute(name) is not None

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; `default`, or that of the operator, where the file gives none."""
        value = self._value(name, AttributeProto.INT, default)
        return self._checked(name, value)

    def integers(self, name: str, default: Sequence[int] | None = None) -> tuple[int, ...]:
        """Some whole numbers."""
        values = self._value(name, AttributeProto.INTS, default)
        if len(values) > MAXIMUM_DIMENSIONS:
            raise LayerError(f"attribute {name} has {len(values)} numbers")
        return tuple(self._checked(name, value) for value in values)

    def pair(self, name: str, default: int | None = None) -> tuple[int, int]:
        """Two whole numbers from 1 up, height before width."""
        values = self.integers(name, None if default is None else (default, default))
        if len(values) != 2 or min(values) < 1:
            raise LayerError(f"attribute {name} is {list(values)}, expected two numbers of 1 or more: maps are CxHxW")
        return values[0], values[1]

    def truth(self, name: str) -> bool:
        """Whether a number that stands for a truth value is not zero."""
        return self.integer(name) != 0

    def real(self, name: str) -> float:
        """A number; that of the operator where the file gives none."""
        value = self._value(name, AttributeProto.FLOAT, None)
        if not abs(value) <= LARGEST_NUMBER:
            raise LayerError(f"attribute {name} is {value:g}, expected a number")
        return value

    def text(self, name: str, default: str) -> str:
        """Some text."""
        return self._value(name, AttributeProto.STRING, default.encode()).decode()

    def has_input(self, index: int) -> bool:
        """Whether an optional input is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def activation(self, index: int = 0) -> Activation:
        """An input that depends on the input of the network."""
        value = self.inputs[index] if self.has_input(index) else None
        if not isinstance(value, Activation):
            raise LayerError(f"input {index} is a constant, expected a value of the network")
        return value

    def constant(self, index: int, what: str) -> Array:
        """An input that does not depend on the input of the network."""
        value = self.inputs[index] if self.has_input(index) else None
        if not isinstance(value, np.ndarray):
            raise LayerError(f"{what} is no constant")
        return value

    def floats(self, index: int, what: str, shape: Shape | None = None) -> Floats:
        """A constant input of finite numbers, of a shape where one is given."""
        array = self.constant(index, what)
        if array.dtype.kind != "f" or not array.size:
            raise LayerError(f"{what} is an array of {array.size} elements of {array.dtype}, expected floats")
        if shape is not None and array.shape != shape:
            raise LayerError(f"{what} is {format_shape(array.shape)}, expected {format_shape(shape)}")
        return finite_floats(array, what)

    def axes(self, index: int, rank: int) -> tuple[int, ...] | None:
        """Axes of a value of some rank, from an attribute or, in newer operators, a constant input."""
        if "axes" in self.schema.attributes:
            axes = self.integers("axes") if self.has("axes") else None
        else:
            axes = self._whole_numbers(index, "the list of axes") if self.has_input(index) else None
        if axes is None:
            return None
        if not all(-rank <= axis < rank for axis in axes):
            raise LayerError(f"axes {list(axes)} of a value of {rank} axes")
        return tuple(axis % rank for axis in axes)

    def pads(self, index: int) -> tuple[int, ...]:
        """Sizes of a padding, from an attribute or, in newer operators, a constant input."""
        return self.integers("pads") if "pads" in self.schema.attributes else self._whole_numbers(index, "its padding")

    def bounds(self, name: str, index: int) -> tuple[int, ...]:
        """Whole numbers, from an attribute or, in newer operators, a constant input; one that stands for an end however
        far away is cut down to LARGEST_SIZE."""
        if name in self.schema.attributes:
            numbers = self._value(name, AttributeProto.INTS, None)
        else:
            numbers = self._list(index, f"its list of {name}")
        if len(numbers) > MAXIMUM_DIMENSIONS:
            raise LayerError(f"its {name} are {len(numbers)} numbers")
        return tuple(max(-LARGEST_SIZE, min(int(number), LARGEST_SIZE)) for number in numbers)

    def numbers(self, name: str) -> tuple[Fraction, ...] | None:
        """A few numbers, from an attribute or the constant input of that name; None where the file gives none."""
        if name in self.schema.attributes:
            array = np.array(self._value(name, AttributeProto.FLOATS, None))
        else:
            index = next((index for index, formal in enumerate(self.schema.inputs) if formal.name == name), -1)
            if index < 0 or not self.has_input(index):
                return None
            array = self.constant(index, f"its list of {name}")
        if array.dtype.kind not in "fi" or array.ndim > 1 or array.size > MAXIMUM_DIMENSIONS:
            raise LayerError(f"its list of {name} is no list of numbers")
        if not np.isfinite(array).all():
            raise LayerError(f"its list of {name} holds NaN or infinity")
        return tuple(Fraction(number) for number in array.reshape(-1).tolist()) or None

    def limit(self, name: str, index: int, default: float) -> float:
        """One number, from an attribute or, in newer operators, a constant input; it may be infinite, for
        which the largest of float32 stands, too."""
        if name in self.schema.attributes:
            number = self._value(name, AttributeProto.FLOAT, default)
        elif self.has_input(index):
            array = self.constant(index, name)
            if array.dtype.kind not in "fiu" or array.size != 1:
                raise LayerError(f"{name} is no number")
            number = array.item()
        else:
            number = default
        if isnan(number) or LARGEST_NUMBER < abs(number) < inf and abs(number) != np.finfo(np.float32).max:
            raise LayerError(f"{name} is {number:g}, expected a number")
        return number if abs(number) <= LARGEST_NUMBER else copysign(inf, number)

    def axis(self, name: str, rank: int) -> int:
        """An axis of a value of some rank; negative ones count from its end."""
        axis = self.integer(name)
        if not -rank <= axis < rank:
            raise LayerError(f"{name} is {axis}, the value has {rank} axes")
        return axis % rank

    def _whole_numbers(self, index: int, what: str) -> tuple[int, ...]:
        return tuple(self._checked(what, int(value)) for value in self._list(index, what))

    def _list(self, index: int, what: str) -> Array:
        """A constant input of few whole numbers."""
        array = self.constant(index, what)
        if array.dtype.kind != "i" or array.ndim > 1 or array.size > MAXIMUM_DIMENSIONS:
            raise LayerError(f"{what} is no list of whole numbers")
        return array.reshape(-1)

    def _checked(self, name: str, value: int) -> int:
        if abs(value) > LARGEST_SIZE:
            raise LayerError(f"{name} is {value}, expected a number of at most {LARGEST_SIZE}")
        return value

    def _attribute(self, name: str) -> AttributeProto | None:
        return next((attribute for attribute in self.proto.attribute if attribute.name == name), None)

    def _value(self, name: str, kind: int, default: Any) -> Any:
        attribute = self._attribute(name)
        if attribute is None and default is not None:
            return default
        if attribute is None and name in self.schema.attributes:
            attribute = self.schema.attributes[name].default_value
        if attribute is None or attribute.type == AttributeProto.UNDEFINED:
            raise LayerError(f"attribute {name} is missing")
        if attribute.type != kind:
            raise LayerError(f"attribute {name} is of another type than the operator's")
        return getattr(attribute, _FIELDS[kind])
