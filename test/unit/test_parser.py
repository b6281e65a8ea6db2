"""What is said of MLIR text that cannot be read: where, and what was expected."""

from pathlib import Path

import pytest

import snow_opt
from lowering import driver
from snowdialect.errors import SnowError

INPUT = '%x = cnn.input "x" : tensor<1x8xf32>\n'
FIXED = "!cnn.fixed: the fraction bits must be 0..31, are 99"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"module {{\n{INPUT}", "3:1: the text ends too early: an operation or '}' expected"),
        (f"{INPUT}%y = cnn.relu %x :", "2:19: the text ends too early: Expected '('"),
        (f"module {{\n{INPUT})", "3:1: an operation or '}' expected"),
        (f"{INPUT})", "2:1: an operation expected"),
        ("%y = cnn.relu %z : (tensor<1xf32>) -> tensor<1xf32>", "1:52: values used but not defined: [%z]"),
        (f"\n{INPUT}%y = cnn.relu %x : (f64) -> f64\n{INPUT}", "3:1: f64 should be of base attribute tensor"),
        (f'module {{\n{INPUT}  %y = cnn.input "y" : !cnn.fixed<99>\n}}', f"3:3: {FIXED}"),
        ("#a = !cnn.fixed<99>\n", f"1:1: {FIXED}"),
        (f"{INPUT}%y = cnn.sigmod %x", "2:1: unknown operation 'cnn.sigmod'; did you mean cnn.sigmoid?"),
        (f'{INPUT}%y = "cnn.sigmod"(%x)', "2:1: unknown operation 'cnn.sigmod'; did you mean cnn.sigmoid?"),
        ("foo.bar", "1:1: unknown operation 'foo.bar'"),
    ],
)
def test_what_cannot_be_read(text: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path := tmp_path / "net.mlir").write_text(text)
    with pytest.raises(SnowError) as caught:
        driver.read_source(driver.make_context(), path)
    assert str(caught.value) == f"{path}:{problem}"
    assert snow_opt.main([str(path)]) == 1
    assert capsys.readouterr().err == f"error: {path}:{problem}\n"
