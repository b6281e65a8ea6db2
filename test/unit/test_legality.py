"""The check at the end of a conversion names operation, layer and pass."""

import pytest
from xdsl.dialects.builtin import ModuleOp

from lowering.legality import check_removed
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
