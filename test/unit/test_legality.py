"""What a conversion has no rule for is named: the operation, its layer, and at the end of a conversion the pass."""

import pytest
from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.dialects.test import TestOp as AnyOp
from xdsl.ir import Block
from xdsl.utils.exceptions import VerifyException

from lowering.legality import check_removed
from lowering.loop_builder import LoopBuilder
from lowering.traces import compute
from snowdialect.dialects import cnn
from snowdialect.dialects.locations import located, name_location
from snowdialect.errors import SnowError


@pytest.fixture
def module() -> ModuleOp:
    network = cnn.InputOp("input", cnn.tensor_type((1, 10)))
    squash = located(cnn.SigmoidOp(network.result), name_location("squash"))
    return ModuleOp([network, squash, cnn.OutputOp("output", squash.result)])


def test_names_what_is_left(module: ModuleOp) -> None:
    expected = 'cnn.sigmoid "squash": convert-cnn-to-pwl should have removed it, but has no rule for it'
    with pytest.raises(SnowError, match=f"^{expected}$"):
        check_removed(module, "convert-cnn-to-pwl", [cnn.SigmoidOp])


def test_takes_whole_dialects_and_exceptions_from_them(module: ModuleOp) -> None:
    with pytest.raises(SnowError, match="cnn.sigmoid"):
        check_removed(module, "convert-cnn-to-pwl", ["cnn"], legal=[cnn.InputOp, cnn.OutputOp])
    check_removed(module, "convert-cnn-to-pwl", ["cnn"], legal=[cnn.InputOp, cnn.OutputOp, cnn.SigmoidOp])


def test_is_silent_when_nothing_is_left(module: ModuleOp) -> None:
    check_removed(module, "convert-cnn-to-pwl", [cnn.TanhOp, "tile"])


def test_a_computation_without_a_rule_is_named() -> None:
    block = Block()
    with pytest.raises(VerifyException, match=r"test\.op: there is no rule for what it computes"):
        compute(AnyOp(), LoopBuilder(block, UnknownLoc()))
    assert not block.ops
