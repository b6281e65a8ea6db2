"""Addresses as linear functions of loop indices, and how they look in the text: `[%k * 640 + %t mod 2 * 16384 + 16]`.

An address is stored as an AffineMap with one result over the loop indices that the operation takes as operands. The
maps of this project have linear terms and parities only (`%t mod 2`: which of two buffers a step uses); LinearForm is
their canonical form and does the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, chain
from typing import Any, ClassVar, TypeVar, cast

from xdsl.dialects.builtin import AffineMapAttr, DenseArrayBase, IndexType, i32
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineMap,
)
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    OperandDef,
    OptionalDef,
    VariadicDef,
    irdl_op_definition,
)
from xdsl.irdl.declarative_assembly_format import (
    AttributeVariable,
    CustomDirective,
    ParsingState,
    PrintingState,
    VariadicOperandVariable,
    irdl_custom_directive,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.operations import construct, operands_of

_Op = TypeVar("_Op", bound=IRDLOperation)


@dataclass(frozen=True)
class LinearForm:
    """constant + sum(linear[i] * d_i) + sum(parity[i] * (d_i mod 2))."""

    constant: int
    linear: tuple[int, ...] = ()
    parity: tuple[int, ...] = ()

    @staticmethod
    def of(map: AffineMap) -> LinearForm:
        """The form of a map with one result; raises VerifyException when it has other terms."""
        if isinstance(map, AddressMap):
            return map.form
        if map.num_symbols or len(map.results) != 1:
            raise VerifyException(f"address map {map} wants one result and no symbols")
        return _form(map.results[0], map.num_dims)

    @property
    def dims(self) -> int:
        return len(self.linear)

    def map(self) -> AffineMap:
        """The map in canonical form: terms in the order of the dimensions, the constant last."""
        expr = _terms(self.linear, self.parity)
        if expr is None:
            expr = AffineExpr.constant(self.constant)
        elif self.constant:
            expr = expr + self.constant
        return AddressMap(self.dims, 0, (expr,), self)

    def attribute(self) -> AffineMapAttr:
        """The map as an attribute, which all operations with this form share."""
        return _attribute(self.constant, self.linear, self.parity)

    def __add__(self, other: LinearForm | int) -> LinearForm:
        """The sum; both forms range over the same dimensions."""
        if isinstance(other, int):
            return LinearForm(self.constant + other, self.linear, self.parity)
        return LinearForm(
            self.constant + other.constant,
            tuple(a + b for a, b in zip(self.linear, other.linear, strict=True)),
            tuple(a + b for a, b in zip(self.parity, other.parity, strict=True)),
        )

    def __mul__(self, factor: int) -> LinearForm:
        return LinearForm(
            self.constant * factor,
            tuple(factor * a for a in self.linear),
            tuple(factor * a for a in self.parity),
        )

    def evaluate(self, indices: Sequence[int]) -> int:
        """The value for given loop indices."""
        return (
            self.constant
            + sum(a * i for a, i in zip(self.linear, indices, strict=True))
            + sum(a * (i % 2) for a, i in zip(self.parity, indices, strict=True))
        )

    def shifted(self, dim: int, amount: int) -> LinearForm:
        """The form with d_dim replaced by d_dim + amount."""
        constant = self.constant + self.linear[dim] * amount
        parity = list(self.parity)
        if amount % 2:  # (d + 1) mod 2 = 1 - d mod 2
            constant += parity[dim]
            parity[dim] = -parity[dim]
        return LinearForm(constant, self.linear, tuple(parity))

    def fixed(self, dim: int, value: int) -> LinearForm:
        """The form with d_dim replaced by a number; the dimensions behind it move down by one."""
        constant = self.constant + self.linear[dim] * value + self.parity[dim] * (value % 2)
        return LinearForm(
            constant,
            self.linear[:dim] + self.linear[dim + 1 :],
            self.parity[:dim] + self.parity[dim + 1 :],
        )


@cache
def _terms(linear: tuple[int, ...], parity: tuple[int, ...]) -> AffineExpr | None:
    """A form without its constant; None where nothing is left. Many forms of a program differ in their constants only:
    they share these terms."""
    expr: AffineExpr | None = None
    for position in range(len(linear)):
        dim = AffineExpr.dimension(position)
        for coefficient, term in ((linear[position], dim), (parity[position], dim % 2)):
            if coefficient:
                scaled = term if coefficient == 1 else term * coefficient
                expr = scaled if expr is None else expr + scaled
    return expr


@cache
def _attribute(constant: int, linear: tuple[int, ...], parity: tuple[int, ...]) -> AffineMapAttr:
    return AffineMapAttr(LinearForm(constant, linear, parity).map())


@dataclass(frozen=True)
class AddressMap(AffineMap):
    """A map that was made from a form, and knows it."""

    form: LinearForm = field(compare=False)


def _form(expr: AffineExpr, dims: int) -> LinearForm:
    zeros = (0,) * dims
    match expr:
        case AffineConstantExpr():
            return LinearForm(expr.value, zeros, zeros)
        case AffineDimExpr():
            unit = tuple(int(i == expr.position) for i in range(dims))
            return LinearForm(0, unit, zeros)
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Add):
            return _form(expr.lhs, dims) + _form(expr.rhs, dims)
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mul, rhs=AffineConstantExpr() as factor):
            return _form(expr.lhs, dims) * factor.value
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mul, lhs=AffineConstantExpr() as factor):
            return _form(expr.rhs, dims) * factor.value
        case AffineBinaryOpExpr(kind=AffineBinaryOpKind.Mod, rhs=AffineConstantExpr(2)):
            inner = _form(expr.lhs, dims)
            if sum(map(abs, inner.linear)) == 1 and not any(inner.parity) and 1 in inner.linear:
                dim = inner.linear.index(1)
                unit = tuple(int(i == dim) for i in range(dims))
                return LinearForm(0, zeros, unit).shifted(dim, inner.constant)
        case _:
            pass
    raise VerifyException(f"address term {expr} is neither linear nor the parity of an index")


def verify_address(map: AffineMapAttr, indices: Sequence[SSAValue]) -> None:
    """Raises VerifyException unless the map has the form of an address over these indices."""
    if map.data.num_dims != len(indices):
        raise VerifyException(f"address takes {map.data.num_dims} indices, got {len(indices)}")
    LinearForm.of(map.data)


@irdl_custom_directive
class Address(CustomDirective):
    """`[` term (`+` term)* `]`, a term being `%i`, `%i * 640`, `%i mod 2 * 16384` or a number."""

    map: AttributeVariable
    indices: VariadicOperandVariable

    def parse(self, parser: Parser, state: ParsingState) -> None:
        parser.parse_punctuation("[")
        operands: list[UnresolvedOperand] = []
        terms: list[tuple[int, bool, int]] = []
        constant = 0
        while True:
            operand = parser.parse_optional_unresolved_operand()
            if operand is None:
                constant += parser.parse_integer(context_msg="in an address")
            else:
                names = [(other.operand_name, other.index) for other in operands]
                if (operand.operand_name, operand.index) not in names:
                    operands.append(operand)
                    names.append((operand.operand_name, operand.index))
                parity = parser.parse_optional_keyword("mod") is not None
                if parity and parser.parse_integer() != 2:
                    parser.raise_error("an address may hold the parity of an index, `mod 2`, and no other modulus")
                factor = parser.parse_integer() if parser.parse_optional_punctuation("*") else 1
                terms.append((names.index((operand.operand_name, operand.index)), parity, factor))
            if not parser.parse_optional_punctuation("+"):
                break
        parser.parse_punctuation("]")
        linear, parity_of = [0] * len(operands), [0] * len(operands)
        for position, parity, factor in terms:
            (parity_of if parity else linear)[position] += factor
        form = LinearForm(constant, tuple(linear), tuple(parity_of))
        self.map.set(state, form.attribute())
        self.indices.set(state, operands)
        self.indices.set_types(state, [IndexType()] * len(operands))

    def print(self, printer: Printer, state: PrintingState, op: IRDLOperation) -> None:
        map = self.map.get(op)
        assert isinstance(map, AffineMapAttr)
        form = LinearForm.of(map.data)
        state.should_emit_space = True
        state.last_was_punctuation = False
        with printer.in_square_brackets():
            first = True
            for position, index in enumerate(self.indices.get(op)):
                for coefficient, suffix in ((form.linear[position], ""), (form.parity[position], " mod 2")):
                    if not coefficient:
                        continue
                    if not first:
                        printer.print_string(" + ")
                    first = False
                    printer.print_ssa_value(index)
                    printer.print_string(suffix)
                    if coefficient != 1:
                        printer.print_string(f" * {coefficient}")
            if form.constant or first:
                printer.print_string(f"{form.constant}" if first else f" + {form.constant}")


@dataclass(slots=True, unsafe_hash=True)
class IndexExpr:
    """An address while it is being computed: constant + sum(c * index) + sum(p * (index mod 2)), by SSA value.

    A value like any number: nobody changes one. It is not frozen, since networks take some 100 000 of them, and frozen
    ones three times as long.
    """

    constant: int = 0
    linear: tuple[tuple[SSAValue, int], ...] = ()
    parity: tuple[tuple[SSAValue, int], ...] = ()

    @staticmethod
    def of(map: AffineMapAttr, indices: Sequence[SSAValue]) -> IndexExpr:
        form = LinearForm.of(map.data)
        if not indices:
            return IndexExpr(form.constant)
        return IndexExpr(
            form.constant,
            tuple([term for term in zip(indices, form.linear, strict=True) if term[1]]),
            tuple([term for term in zip(indices, form.parity, strict=True) if term[1]]) if any(form.parity) else (),
        )

    @staticmethod
    def index(value: SSAValue, factor: int = 1) -> IndexExpr:
        """factor * value."""
        return IndexExpr(0, ((value, factor),) if factor else ())

    def __add__(self, other: IndexExpr | int) -> IndexExpr:
        if isinstance(other, int):
            return IndexExpr(self.constant + other, self.linear, self.parity)
        return IndexExpr(
            self.constant + other.constant,
            _merge(self.linear, other.linear),
            _merge(self.parity, other.parity),
        )

    def __mul__(self, factor: int) -> IndexExpr:
        if factor in (0, 1):
            return self if factor else IndexExpr()
        return IndexExpr(
            self.constant * factor,
            tuple([(index, c * factor) for index, c in self.linear]),
            tuple([(index, c * factor) for index, c in self.parity]),
        )

    def mod2(self) -> IndexExpr:
        """The parity of the expression; raises ValueError where it is that of several indices."""
        odd = [index for index, c in _merge(self.linear, self.parity) if c % 2]
        if not odd:
            return IndexExpr(self.constant % 2)
        if len(odd) > 1:
            raise ValueError("the parity of several indices together is no address")
        index = odd[0]
        if self.constant % 2:
            return IndexExpr(1, (), ((index, -1),))
        return IndexExpr(0, (), ((index, 1),))

    def over(self, meaning: Callable[[SSAValue], IndexExpr]) -> IndexExpr:
        """The expression with every index replaced by what it means."""
        result = IndexExpr(self.constant)
        for index, c in self.linear:
            result = result + meaning(index) * c
        for index, c in self.parity:
            result = result + meaning(index).mod2() * c
        return result

    def evaluate(self, values: dict[SSAValue, int]) -> int:
        """The number that the expression is for given values of its indices."""
        return (
            self.constant
            + sum(c * values[index] for index, c in self.linear)
            + sum(c * (values[index] % 2) for index, c in self.parity)
        )

    def indices(self) -> tuple[SSAValue, ...]:
        """The indices that occur, in order of appearance."""
        if not self.parity:
            return tuple([index for index, _ in self.linear])
        return tuple(dict.fromkeys(index for index, _ in (*self.linear, *self.parity)))

    def map(self) -> AffineMapAttr:
        """The affine map over `indices()`."""
        if not self.parity:
            return _attribute(self.constant, tuple([c for _, c in self.linear]), (0,) * len(self.linear))
        indices = self.indices()
        linear, parity = dict(self.linear), dict(self.parity)
        return _attribute(
            self.constant,
            tuple(linear.get(index, 0) for index in indices),
            tuple(parity.get(index, 0) for index in indices),
        )


def _merge(
    left: tuple[tuple[SSAValue, int], ...], right: tuple[tuple[SSAValue, int], ...]
) -> tuple[tuple[SSAValue, int], ...]:
    if not left or not right:
        return left or right
    merged = dict(left)
    for index, c in right:
        merged[index] = merged.get(index, 0) + c
    return tuple([term for term in merged.items() if term[1]])


@cache
def _segments(sizes: tuple[int, ...]) -> DenseArrayBase:
    return DenseArrayBase.from_list(i32, sizes)


@cache
def _group_ends(sizes: bytes) -> tuple[int, ...]:
    """Where each group of operands ends, by the data of the attribute that holds their sizes."""
    return tuple(accumulate(i32.unpack(sizes, len(sizes) // i32.size)))


def grouped_op_definition(kind: type[_Op]) -> type[_Op]:
    """`irdl_op_definition` for operations that hold the sizes of several groups of operands, as a property: they find a
    group without unpacking the sizes of all of them each time, as IRDL does."""
    kind = irdl_op_definition(kind)
    for place, (name, definition) in enumerate(kind.get_irdl_definition().operands):
        setattr(kind, name, property(_group_getter(place, definition)))
    return kind


def _group_getter(place: int, definition: OperandDef) -> Callable[[Operation], Any]:
    """What finds a group by its place among all: an operand, an optional one or None, or any number of them."""
    alone, optional = not isinstance(definition, VariadicDef), isinstance(definition, OptionalDef)

    def group(op: Operation) -> Any:
        ends = _group_ends(cast(DenseArrayBase, op.properties[AttrSizedOperandSegments.attribute_name]).data.data)
        if alone:
            return operands_of(op)[ends[place] - 1]
        values = operands_of(op)[ends[place - 1] if place else 0 : ends[place]]
        return next(iter(values), None) if optional else values

    return group


class AddressedOp(IRDLOperation):
    """Base of operations with addresses: each is a map, and the loop indices that it takes as operands."""

    ADDRESSES: ClassVar[tuple[str, ...]] = ()
    """Names of the address properties; the indices of address `a` are the operands `a_indices`."""

    def __init__(
        self,
        *,
        operands: Sequence[SSAValue | Sequence[SSAValue] | None] = (),
        properties: Mapping[str, Attribute | None],
    ) -> None:
        groups = [() if group is None else (group,) if isinstance(group, SSAValue) else group for group in operands]
        present = {name: attribute for name, attribute in properties.items() if attribute is not None}
        if groups:
            present[AttrSizedOperandSegments.attribute_name] = _segments(tuple(map(len, groups)))
        values = tuple(chain.from_iterable(groups))
        construct(self, operands=values, properties=present)

    def address(self, name: str) -> IndexExpr:
        """One of the operation's addresses."""
        map = self.properties[name]
        assert isinstance(map, AffineMapAttr)
        return IndexExpr.of(map, getattr(self, f"{name}_indices") if map.data.num_dims else ())

    def verify_(self) -> None:
        for name in self.ADDRESSES:
            map = self.properties[name]
            assert isinstance(map, AffineMapAttr)
            verify_address(map, getattr(self, f"{name}_indices"))
        self.verify_accesses()

    def verify_accesses(self) -> None:
        """Checks of what the operation reads and writes; raises VerifyException."""
