"""Types of the cnn dialect, and what all its operations share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeAlias, cast, final

from xdsl.dialects.builtin import (
    DenseArrayBase,
    Float32Type,
    IntAttr,
    IntegerType,
    TensorType,
    UnitAttr,
    f32,
    i64,
)
from xdsl.ir import Attribute, Operation, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    IRDLOperation,
    base,
    irdl_attr_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.parser import AttrParser
from xdsl.pattern_rewriter import RewritePattern
from xdsl.printer import Printer
from xdsl.traits import HasCanonicalizationPatternsTrait, OpTrait, Pure
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.cnn.shapes import MAX_SHIFT, Shape, ShapeError, format_shape
from snowdialect.dialects.locations import layer_name


@irdl_attr_definition
class FixedType(ParametrizedAttribute, TypeAttribute):
    """`!cnn.fixed<q>`: a signed 16-bit word w with q fraction bits, 0 <= q <= 31: the number w / 2^q."""

    name = "cnn.fixed"

    frac: IntAttr

    def __init__(self, frac: int | IntAttr):
        super().__init__(IntAttr(frac) if isinstance(frac, int) else frac)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            return (IntAttr(parser.parse_integer()),)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_int(self.frac.data)

    def verify(self) -> None:
        if not 0 <= self.frac.data <= MAX_SHIFT:
            raise VerifyException(f"!cnn.fixed: the fraction bits must be 0..{MAX_SHIFT}, are {self.frac.data}")


CnnTensor: TypeAlias = TensorType[Float32Type] | TensorType[FixedType]
Value: TypeAlias = SSAValue | Operation
Integers: TypeAlias = DenseArrayBase[IntegerType]

TENSOR = TensorType.constr(base(Float32Type) | base(FixedType))
INTEGERS = DenseArrayBase.constr(i64)


def integers(values: Sequence[int]) -> Integers:
    """The attribute `[1, 2]`."""
    return DenseArrayBase.from_list(i64, values)


def tensor_type(shape: Sequence[int], frac: int | None = None) -> CnnTensor:
    """A tensor of f32, or of fixed point with `frac` fraction bits."""
    return TensorType(f32, shape) if frac is None else TensorType(FixedType(frac), shape)


def shape_of(value: Value) -> Shape:
    """The shape in the type of a value, with its batch axis of 1 if it is no constant."""
    return cast(CnnTensor, SSAValue.get(value).type).get_shape()


def frac_of(value: Value) -> int | None:
    """The number of fraction bits of a fixed-point value; None for f32, and for what is no tensor."""
    if not isinstance(SSAValue.get(value).type, TensorType):
        return None
    element = cast(CnnTensor, SSAValue.get(value).type).element_type
    return element.frac.data if isinstance(element, FixedType) else None


class ConstantExpression(OpTrait):
    """The result is a constant if every operand is: known without an input, evaluated when something runs."""


class CanonicalizationPatterns(HasCanonicalizationPatternsTrait):
    """The local simplifications of an operation, loaded when they are first asked for."""

    def get_patterns(self, op: type[Operation]) -> tuple[RewritePattern, ...]:
        from snowdialect.dialects.cnn.patterns import PATTERNS

        return PATTERNS.get(op, ())

    @classmethod
    def get_canonicalization_patterns(cls) -> tuple[RewritePattern, ...]:
        from snowdialect.dialects.cnn.patterns import PATTERNS

        return tuple(pattern for patterns in PATTERNS.values() for pattern in patterns)


def is_constant(value: SSAValue) -> bool:
    """Whether a value depends on no input of the network."""
    op = value.owner
    return (
        isinstance(op, Operation)
        and op.has_trait(ConstantExpression)
        and all(is_constant(operand) for operand in op.operands)
    )


@contextmanager
def shape_errors(where: str) -> Generator[None]:
    try:
        yield
    except ShapeError as error:
        raise VerifyException(f"{where}: {error}") from error


def inferred(name: str, result_type: Attribute | None, like: Value, shape: Callable[[], Shape]) -> Attribute:
    """`result_type`, or a tensor of the inferred shape with the elements of `like`."""
    if result_type is not None:
        return result_type
    with shape_errors(name):
        return tensor_type(shape(), frac_of(like))


def flag(on: bool) -> UnitAttr | None:
    return UnitAttr() if on else None


class CnnOp(IRDLOperation, ABC):
    """An operation with one result, whose shape follows from its operands and attributes."""

    result = result_def(TENSOR)

    traits = traits_def(Pure(), CanonicalizationPatterns())

    @abstractmethod
    def result_shape(self) -> Shape:
        """The shape the operands and attributes ask for. Raises ShapeError if they do not fit."""

    @final
    def verify_(self) -> None:
        # Who adds an operation says what is to be checked in `result_shape` and `verify_elements`.
        with shape_errors(self._where):
            shape = self.result_shape()
        if shape != shape_of(self.result):
            self.fail(f"result must be {format_shape(shape)}, is {format_shape(shape_of(self.result))}")
        self.verify_elements()

    def verify_elements(self) -> None:
        """Operands and result are all f32 or all fixed point."""
        fracs = [frac_of(value) for value in (*self.operands, self.result)]
        if None in fracs and any(frac is not None for frac in fracs):
            self.fail("operands and result mix f32 and fixed point")

    @property
    def _where(self) -> str:
        name = layer_name(self)
        return self.name if name == self.name else f'{self.name} "{name}"'

    def fail(self, message: str) -> NoReturn:
        """Reject the operation; the message starts with its kind and its layer."""
        raise VerifyException(f"{self._where}: {message}")

    def expect_shape(self, what: str, value: SSAValue, shape: Shape) -> None:
        if shape_of(value) != shape:
            self.fail(f"{what} must be {format_shape(shape)}, is {format_shape(shape_of(value))}")

    def expect_constant(self, what: str, value: SSAValue | None) -> None:
        if value is not None and not is_constant(value):
            self.fail(f"{what} must be a constant, depends on an input of the network")

    def expect_shift(self, what: str, shift: int) -> None:
        if not 0 <= shift <= MAX_SHIFT:
            self.fail(f"{what} needs a shift by {shift} bits, the machine shifts by 0..{MAX_SHIFT}")

    def expect_float(self) -> None:
        if any(frac_of(value) is not None for value in (*self.operands, self.result)):
            self.fail("works on f32 only")


class ElementwiseOp(CnnOp, ABC):
    """One operand, and a result of its shape."""

    x = operand_def(TENSOR)

    def __init__(self, x: Value, result_type: Attribute | None = None):
        super().__init__(operands=[x], result_types=[result_type or SSAValue.get(x).type])

    def result_shape(self) -> Shape:
        return shape_of(self.x)
