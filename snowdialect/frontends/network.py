"""A `cnn` module under construction: what the frontends share."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import INPUT_SIZES, MAXIMUM_ELEMENTS, MAXIMUM_SIDE, format_shape, is_input_shape
from snowdialect.dialects.locations import located, name_location
from snowdialect.errors import SnowError

Floats = NDArray[np.float32]
Result = TypeVar("Result")

MAXIMUM_LAYERS = 20_000
"""Layers that a network may have; a file of few bytes can refer to its own parts any number of times."""

MAXIMUM_OPERATIONS = 50_000
"""Operations that a network may have; a layer with many inputs becomes many."""

MAXIMUM_GROWTH = 9
"""Times the pixels of its input that a result of more than SMALL_MAP pixels may have: zeros as wide as the map on each
of its sides. More is a mistake; a few bytes of padding would ask for hours of work."""

MAXIMUM_UPSAMPLING = 64
"""The same of a result that repeats its input, or interpolates: by 8 along both axes."""

MAXIMUM_SPREAD = 2048
"""The same of a transposed convolution, which may make 34x34 pixels of one, as in FCN-32s (Long et al., 2015)."""

MAXIMUM_REPEATED = 1 << 22
"""Numbers of constants that a network may have besides its weights, each full of one: a few bytes of the file ask for
them."""

SMALL_MAP = 1 << 16

GROWTH = {
    cnn.UpsampleOp: MAXIMUM_UPSAMPLING,
    cnn.InterpolateOp: MAXIMUM_UPSAMPLING,
    cnn.ConvTranspose2dOp: MAXIMUM_SPREAD,
}
"""For each operation that is there to make maps larger."""

LARGEST_SIZE = 1 << 24
"""No kernel, stride or padding is larger."""

MAXIMUM_DIMENSIONS = 16
"""Dimensions that a tensor of a file may have, and numbers that a list of sizes or axes may."""

MAXIMUM_LISTED = 20
"""Unsupported kinds of layers that a message lists, and refused layers."""


class LayerError(Exception):
    """What is wrong with a layer; the network adds the file and the layer's place."""


class LimitError(LayerError):
    """The network is too large at this layer, so that there is no use in looking at others."""


class Network:
    """The module and the weights that a model file becomes, operation by operation."""

    def __init__(self, path: Path, weight_bytes: int) -> None:
        """A network without operations, whose weights may take `weight_bytes` of memory."""
        self.path = path
        self.module = ModuleOp([])
        self.weights: dict[str, Floats] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        self._bytes_left = weight_bytes
        self._repeated_left = MAXIMUM_REPEATED
        self._operations = 0
        self._unsupported = ""
        self._refused: dict[str, list[str]] = {}
        """Layers by what is wrong with them."""

    def input(self, shape: Sequence[int]) -> SSAValue:
        """The input of the network, of which one has `shape`. Raises SnowError for one that cannot be."""
        if not shape or not is_input_shape((1, *shape)):
            raise SnowError(f"{self.path}: {format_shape(shape)} is no shape of an input, whose {INPUT_SIZES}")
        return self.add(cnn.InputOp("input", cnn.tensor_type((1, *shape))), "input")

    def output(self, name: str, value: SSAValue) -> None:
        """What the network answers, or one of several things."""
        self._append(cnn.OutputOp(name, value), name)

    def add(self, op: Operation, name: str) -> SSAValue:
        """Appends a verified operation of the layer `name` and returns its result."""
        (result,) = self._append(op, name).results
        shape = shape_of(result)
        if prod(shape) > MAXIMUM_ELEMENTS:
            raise LayerError(f"its result of {format_shape(shape[1:])} is too large")
        if op.operands and len(before := shape_of(op.operands[0])) == len(shape) == 4:
            pixels, pixels_before = prod(shape[2:]), prod(before[2:])
            growth = GROWTH.get(type(op), MAXIMUM_GROWTH)
            if pixels > max(SMALL_MAP, growth * pixels_before) and prod(shape) > prod(before):
                if type(op) in GROWTH:
                    raise LayerError(
                        f"upsamples {format_shape(before[2:])} to {format_shape(shape[2:])}, which is too much"
                    )
                raise LayerError(
                    f"pads {format_shape(before[2:])} to {format_shape(shape[2:])}, which is mostly padding"
                )
        if max(shape[2:], default=1) > MAXIMUM_SIDE:
            raise LayerError(f"its result of {format_shape(shape[1:])} has more than {MAXIMUM_SIDE} rows or columns")
        return result

    def weight(self, layer: str, name: str, array: Floats) -> SSAValue:
        """A constant of a layer, in the weights file as `LAYER.name`; shared ones keep the name of the first."""
        key = (array.__array_interface__["data"][0], array.shape, array.strides)
        full_name = self._names.setdefault(key, f"{layer}.{name}")
        if full_name not in self.weights:
            self._bytes_left -= array.nbytes
            if self._bytes_left < 0:
                raise LimitError("the weights so far take more memory than the file can hold")
            self.weights[full_name] = array
        return self.add(cnn.WeightOp(full_name, cnn.tensor_type(array.shape)), layer)

    def full(self, number: float, shape: Sequence[int], name: str) -> SSAValue:
        """A constant full of a number, of the layer `name`. Raises LayerError where the network has too many."""
        if prod(shape) > self._repeated_left:
            raise LayerError(f"repeats numbers for its channels, of which a network may have {MAXIMUM_REPEATED}")
        self._repeated_left -= prod(shape)
        return self.add(cnn.ConstantOp.splat(number, shape), name)

    @contextmanager
    def layer(self, title: str) -> Generator[None]:
        """Makes a SnowError, one line with file, layer and reason, of what is wrong with a layer."""
        try:
            yield
        except (LayerError, VerifyException) as error:
            raise self.error(title, _problem(error)) from None

    def attempt(self, title: str, convert: Callable[[], Result]) -> Result | None:
        """What a layer becomes, or None: it is refused then, which `check_refused` says with all others."""
        try:
            return convert()
        except LimitError as error:
            raise self.error(title, str(error)) from None
        except (LayerError, VerifyException) as error:
            self._refused.setdefault(_problem(error), []).append(title)
            return None

    def error(self, title: str, problem: str) -> SnowError:
        """What is wrong with a layer, in one line."""
        return SnowError(f"{self.path}: {title}: {problem}")

    def check_refused(self) -> None:
        """Raises SnowError with all layers that are not supported or were refused, if there are any; for each reason
        the first one, and how many others."""
        refused = [
            f"{first}: {problem}" + (f" (and {len(others)} more)" if others else "")
            for problem, (first, *others) in self._refused.items()
        ]
        if len(refused) > MAXIMUM_LISTED:
            refused[MAXIMUM_LISTED:] = [f"and {len(refused) - MAXIMUM_LISTED} others"]
        if self._unsupported:
            refused.insert(0, self._unsupported)
        if refused:
            raise SnowError(f"{self.path}: {'; '.join(refused)}")

    def refuse(self, kind: str, unsupported: Iterable[tuple[str, str]]) -> None:
        """Notes all layers that are not supported, given as place and class, for `check_refused`.

        Each class is listed once, with its first place and how often it occurs; `kind` is what the format
        calls a layer.
        """
        places: dict[str, list[str]] = {}
        for place, name in unsupported:
            places.setdefault(name, []).append(place)
        if not places:
            return
        listed = [
            f"{first} {name}".lstrip() + (f" (and {len(others)} more)" if others else "")
            for name, (first, *others) in places.items()
        ]
        more = f" and {len(listed) - MAXIMUM_LISTED} others" if len(listed) > MAXIMUM_LISTED else ""
        plural = "s" if sum(map(len, places.values())) > 1 else ""
        self._unsupported = f"unsupported {kind}{plural} {', '.join(listed[:MAXIMUM_LISTED])}{more}"

    def _append(self, op: Operation, name: str) -> Operation:
        self._operations += 1
        if self._operations > MAXIMUM_OPERATIONS:
            raise LimitError(f"the network has more than {MAXIMUM_OPERATIONS} operations")
        located(op, name_location(name))
        op.verify(verify_nested_ops=False)
        self.module.body.block.add_op(op)
        return op


def map_sides(value: SSAValue) -> tuple[int, int]:
    """Rows and columns of maps. Raises LayerError for what are none."""
    shape = shape_of(value)
    if len(shape) != 4:
        raise LayerError(f"its input is {format_shape(shape[1:])}, expected maps CxHxW")
    return shape[2], shape[3]


def _problem(error: LayerError | VerifyException) -> str:
    """What is wrong; of the dialect's own words, without the name of the operation that they start with."""
    if isinstance(error, LayerError):
        return str(error)
    return str(error).partition("\n")[0].partition(": ")[2]


def finite_floats(array: NDArray[Any], what: str) -> Floats:
    """The numbers of an array of floats as float32: a view where the type allows.

    Raises LayerError, which calls them `what`, when one is NaN, infinite or too large for float32.
    """
    # An axis along which an array only repeats itself is looked at, and converted, once.
    distinct = array[tuple(slice(None if stride else 1) for stride in array.strides)]
    with np.errstate(over="ignore", invalid="ignore"):
        floats = distinct.astype(np.float32, copy=False)
    # NaN survives both, and unlike isfinite() neither needs an array.
    if floats.size and not (np.isfinite(floats.min()) and np.isfinite(floats.max())):
        raise LayerError(f"{what} holds NaN, infinity or numbers beyond float32")
    return np.broadcast_to(floats, array.shape)
