"""Certificates as programs and reports hold them, and what is none."""

from typing import Any

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from lowering.driver import make_context
from snowdialect.certificate import Certificate, certificate_of_all
from snowdialect.dialects.layers import LAYERS, DescribedLayer, describe_alone, describe_layers, described_layers

ENTRY = {"objective": 150, "bounds": {"macs": 100, "bandwidth": 120, "buffer": 120}, "layer": {"kind": "conv2d"}}


def test_the_largest_bound_binds_and_of_equal_ones_the_first() -> None:
    assert Certificate.from_dict(ENTRY).report() == {
        "objective": 150,
        "lower_bound": 120,
        "gap": 0.25,
        "binding": "bandwidth",
        "bounds": ENTRY["bounds"],
        "layer": ENTRY["layer"],
    }


def test_sums_over_layers_are_not_means_of_gaps() -> None:
    small, large = Certificate(20, {"macs": 10}, {}), Certificate(990, {"macs": 990}, {})
    assert certificate_of_all([small, large]) == {"objective": 1010, "lower_bound": 1000, "gap": pytest.approx(0.01)}
    assert certificate_of_all([]) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"more": 1}, "has objective, bounds, layer"),
        ({"bounds": {}}, "has bounds and a layer by name"),
        ({"layer": 3}, "has bounds and a layer by name"),
        ({"objective": "many"}, "has cycles 'many'"),
        ({"objective": -1}, "has cycles -1"),
        ({"bounds": {"macs": 10**30}}, "has cycles 1000"),
        ({"bounds": {"macs": 0}}, "takes no cycles"),
    ],
)
def test_what_is_none_is_said(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Certificate.from_dict({**ENTRY, **change})


def test_a_module_keeps_them() -> None:
    module = ModuleOp([])
    layer = {"kind": "conv2d", "output": [64, 7, 7], "unrolled": True, "pool": {"kernel": [2, 2]}}
    certified = DescribedLayer("a", "conv2d", certificate=Certificate(9, {"macs": 8}, layer))
    describe_layers(module, [certified, DescribedLayer("b", "add")])
    assert list(described_layers(module).values()) == [certified, DescribedLayer("b", "add")]
    describe_alone(module, {"b"})
    assert [layer.alone for layer in described_layers(module).values()] == [False, True]


def test_a_module_with_another_kind_of_certificate_is_rejected() -> None:
    module = ModuleOp([])
    describe_layers(module, [DescribedLayer("a", "conv2d", certificate=Certificate(9, {"macs": 8}, {}))])
    text = str(module.attributes[LAYERS]).replace("8 : i64", '"eight"')
    module.attributes[LAYERS] = Parser(make_context(), text).parse_attribute()
    with pytest.raises(VerifyException, match="wants a list of layers"):
        described_layers(module)
    module.attributes[LAYERS] = StringAttr("none")
    with pytest.raises(VerifyException, match="wants a list of layers"):
        described_layers(module)
