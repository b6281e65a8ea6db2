"""Addresses: the arithmetic of linear forms with parities is that of the numbers they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xdsl.dialects.builtin import IndexType
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.ir import SSAValue
from xdsl.ir.affine import AffineExpr, AffineMap
from xdsl.irdl import AttrSizedOperandSegments, irdl_op_definition, operand_def, opt_operand_def, var_operand_def
from xdsl.utils.exceptions import VerifyException

from snowdialect.dialects.addresses import AddressedOp, IndexExpr, LinearForm, grouped_op_definition

NUMBERS = st.integers(-(2**20), 2**20)
INDICES: list[SSAValue] = list(AnyOp(result_types=[IndexType()] * 3).results)


def forms(dims: int = 3) -> st.SearchStrategy[LinearForm]:
    terms = st.tuples(*[NUMBERS] * dims)
    return st.builds(LinearForm, NUMBERS, terms, terms)


def expressions() -> st.SearchStrategy[IndexExpr]:
    terms = st.dictionaries(st.sampled_from(INDICES), NUMBERS.filter(bool)).map(lambda terms: tuple(terms.items()))
    return st.builds(IndexExpr, NUMBERS, terms, terms)


POINTS = st.tuples(*[st.integers(-50, 50)] * 3)


class Groups:
    name = "test.groups"
    one = operand_def()
    some = var_operand_def()
    perhaps = opt_operand_def()
    last = operand_def()
    irdl_options = (AttrSizedOperandSegments(as_property=True),)


GROUPS = [
    operation(type("GroupsOp", (AddressedOp,), dict(vars(Groups))))
    for operation in (irdl_op_definition, grouped_op_definition)
]


@pytest.mark.parametrize("some", [(), INDICES[:1], INDICES])
@pytest.mark.parametrize("perhaps", [None, INDICES[1]])
def test_groups_of_operands_are_those_of_irdl(some: list[SSAValue], perhaps: SSAValue | None) -> None:
    by_irdl, ours = (kind(operands=[INDICES[0], some, perhaps, INDICES[2]], properties={}) for kind in GROUPS)
    wanted = {"one": INDICES[0], "some": tuple(some), "perhaps": perhaps, "last": INDICES[2]}
    for op in (by_irdl, ours):
        assert {name: getattr(op, name) for name in wanted} == wanted


@given(forms())
def test_a_form_is_its_map_and_back(form: LinearForm) -> None:
    assert LinearForm.of(form.map()) == form


@given(forms(), POINTS)
def test_the_map_has_the_value_of_the_form(form: LinearForm, point: tuple[int, ...]) -> None:
    assert form.map().eval(list(point), []) == (form.evaluate(point),)


@given(forms(), forms(), NUMBERS, POINTS)
def test_sums_and_multiples(a: LinearForm, b: LinearForm, factor: int, point: tuple[int, ...]) -> None:
    assert (a + b).evaluate(point) == a.evaluate(point) + b.evaluate(point)
    assert (a + factor).evaluate(point) == a.evaluate(point) + factor
    assert (a * factor).evaluate(point) == a.evaluate(point) * factor


@given(forms(), st.integers(0, 2), st.integers(-9, 9), POINTS)
def test_shifted_and_fixed_dimensions(form: LinearForm, dim: int, amount: int, point: tuple[int, ...]) -> None:
    moved = list(point)
    moved[dim] += amount
    assert form.shifted(dim, amount).evaluate(point) == form.evaluate(moved)
    rest = [value for position, value in enumerate(point) if position != dim]
    assert form.fixed(dim, point[dim]).evaluate(rest) == form.evaluate(point)


def test_terms_in_any_order_and_nesting_are_one_form() -> None:
    x, y = AffineExpr.dimension(0), AffineExpr.dimension(1)
    expression = ((x + 1) % 2) * 8 + (y * 3 + 5) * 2 + x
    assert LinearForm.of(AffineMap(2, 0, (expression,))) == LinearForm(18, (1, 6), (-8, 0))


@pytest.mark.parametrize(
    "expression",
    [
        AffineExpr.dimension(0) % 3,
        (AffineExpr.dimension(0) * 2) % 2,
        (AffineExpr.dimension(0) + AffineExpr.dimension(1)) % 2,
        AffineExpr.dimension(0) // 2,
    ],
    ids=str,
)
def test_other_terms_are_refused(expression: AffineExpr) -> None:
    with pytest.raises(VerifyException, match="neither linear nor the parity of an index"):
        LinearForm.of(AffineMap(2, 0, (expression,)))


def test_terms_on_the_same_dimension_are_summed() -> None:
    row, column = AffineExpr.dimension(0), AffineExpr.dimension(1)
    assert LinearForm.of(AffineMap(2, 0, (column * 3 + row * 2 + column * 4 + 7,))) == LinearForm(7, (2, 7), (0, 0))


def values(point: tuple[int, ...]) -> dict[SSAValue, int]:
    return dict(zip(INDICES, point, strict=True))


@given(expressions(), expressions(), NUMBERS, POINTS)
def test_expressions_over_indices(a: IndexExpr, b: IndexExpr, factor: int, point: tuple[int, ...]) -> None:
    at = values(point)
    assert (a + b).evaluate(at) == a.evaluate(at) + b.evaluate(at)
    assert (a * factor + factor).evaluate(at) == a.evaluate(at) * factor + factor
    assert IndexExpr.of(a.map(), a.indices()).evaluate(at) == a.evaluate(at)


@given(expressions(), st.integers(-9, 9), POINTS)
def test_an_index_is_replaced_by_another_and_a_number(a: IndexExpr, amount: int, point: tuple[int, ...]) -> None:
    old, new = INDICES[:2]
    at = values(point)
    replaced = a.over(lambda index: IndexExpr.index(new) + amount if index is old else IndexExpr.index(index))
    assert replaced.evaluate(at) == a.evaluate({**at, old: at[new] + amount})
    assert old not in replaced.indices()
    fixed = a.over(lambda index: IndexExpr(amount) if index is old else IndexExpr.index(index))
    assert fixed.evaluate(at) == a.evaluate({**at, old: amount})


@given(expressions(), POINTS)
def test_a_parity_is_that_of_one_index_at_most(a: IndexExpr, point: tuple[int, ...]) -> None:
    at = values(point)
    odd = {index for index in INDICES if (dict(a.linear).get(index, 0) + dict(a.parity).get(index, 0)) % 2}
    if len(odd) > 1:
        with pytest.raises(ValueError, match="the parity of several indices together is no address"):
            a.mod2()
    else:
        assert a.mod2().evaluate(at) == a.evaluate(at) % 2
