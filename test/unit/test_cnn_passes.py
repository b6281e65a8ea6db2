"""The passes of the cnn level leave the function of a network alone; quantisation comes close to it."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp, TensorType, f32
from xdsl.ir import Operation, SSAValue
from xdsl.parser import Parser

from lowering.cnn.canonicalize import CnnCanonicalizePass
from lowering.cnn.fold_batch_norm import CnnFoldBatchNormPass
from lowering.cnn.fold_limits import CnnFoldLimitsPass
from lowering.cnn.fuse import CnnFusePass
from lowering.cnn.quantize import CnnQuantizePass
from snowdialect.dialects import cnn
from snowdialect.interpreters import run_module
from snowdialect.weights import Weights

FLOAT_PASSES = (CnnCanonicalizePass, CnnFoldLimitsPass, CnnFoldBatchNormPass, CnnFusePass)


class Builder:
    """A network of random layers, all with 4 channels, and its weights."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.ops: list[Operation] = [cnn.InputOp("x", cnn.tensor_type((1, 4, 6, 6)))]
        self.tensors: dict[str, np.ndarray] = {}
        self.values: list[SSAValue] = [self.ops[0].results[0]]

    def add(self, op: Operation) -> SSAValue:
        self.ops.append(op)
        return op.results[0]

    def weight(self, *shape: int, positive: bool = False) -> SSAValue:
        array = self.rng.normal(scale=0.3, size=shape).astype(np.float32)
        name = f"w{len(self.tensors)}"
        self.tensors[name] = np.abs(array) + 0.5 if positive else array
        return self.add(cnn.WeightOp(name, TensorType(f32, shape)))

    def layer(self) -> None:
        x = self.values[self.rng.integers(max(0, len(self.values) - 3), len(self.values))]
        match self.rng.integers(9):
            case 0 | 1:
                bias = self.weight(4) if self.rng.integers(2) else None
                op = cnn.Conv2dOp(x, self.weight(4, 4, 3, 3), bias=bias, pads=(1, 1, 1, 1))
            case 2:
                op = cnn.Conv2dOp(self.add(cnn.PadOp(x, (1, 0, 0, 1))), self.weight(4, 2, 2, 2), groups=2)
            case 3 | 4:
                op = cnn.BatchNormOp(
                    x,
                    self.weight(4),
                    self.weight(4, positive=True),
                    scale=self.weight(4) if self.rng.integers(2) else None,
                    bias=self.weight(4) if self.rng.integers(2) else None,
                )
            case 5 | 6:
                op = cnn.ReluOp(x, limit=(None, 0.3, 0.7, 2.0)[self.rng.integers(4)])
            case 7:
                op = cnn.DropoutOp(x, 0.25, scale_at_inference=bool(self.rng.integers(2)))
            case _:
                op = cnn.AddOp(x, self.values[self.rng.integers(len(self.values))])
        self.values.append(self.add(op))

    def finish(self) -> ModuleOp:
        flat = self.add(cnn.ReshapeOp(self.values[-1], (1, 144)))
        vector = self.add(cnn.LinearOp(flat, self.weight(5, 144)))
        shifted = self.add(cnn.BatchNormOp(vector, self.weight(5), self.weight(5, positive=True)))
        hidden = self.add(cnn.DropoutOp(self.add(cnn.ReluOp(shifted)), 0.5, scale_at_inference=True))
        scaled = self.add(cnn.BatchNormOp(hidden, self.weight(5), self.weight(5, positive=True)))
        self.add(cnn.LogSoftmaxOp(self.add(cnn.LinearOp(scaled, self.weight(3, 5)))))
        self.ops.append(cnn.OutputOp("y", self.ops[-1].results[0]))
        return ModuleOp(self.ops)


@pytest.mark.parametrize("seed", range(30))
def test_float_passes_keep_the_function_and_quantisation_comes_close(seed: int) -> None:
    builder = Builder(seed)
    for _ in range(12):
        builder.layer()
    module, weights = builder.finish(), Weights(builder.tensors)
    module.verify()
    x = builder.rng.normal(size=(4, 4, 6, 6)).astype(np.float32)
    expected = run_module(module, x, weights).outputs["y"]
    for kind in FLOAT_PASSES:
        kind().apply(Context(), module)
        module.verify()
        np.testing.assert_allclose(
            run_module(module, x, weights).outputs["y"], expected, rtol=1e-3, atol=1e-4, err_msg=kind.name
        )
    CnnQuantizePass(frac_bits=9).apply(Context(), module)
    module.verify()
    run = run_module(module, x, weights)
    if not run.saturations.total():
        np.testing.assert_allclose(run.outputs["y"], expected, atol=0.15)
    host = (cnn.InputOp, cnn.QuantizeOp, cnn.DequantizeOp, cnn.HostOp, cnn.OutputOp)
    for op in module.body.ops:
        if not isinstance(op, host) and any(not cnn.is_constant(operand) for operand in op.operands):
            assert cnn.frac_of(op.results[0]) is not None, op


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize(
    ("limits", "dropout", "read_twice"),
    [
        ((None, 0.5), False, False),
        ((0.5, None), False, False),
        ((0.25, 0.5), False, False),
        ((0.5, 0.25), False, False),
        ((0.5, 0.25), False, True),
        ((None, 1.0, 0.5, 2.0), False, True),
        ((0.5,), True, False),
        ((None, 0.5), True, False),
    ],
    ids=str,
)
def test_results_keep_to_the_lowest_limit(
    limits: tuple[float | None, ...], dropout: bool, read_twice: bool, fused: bool
) -> None:
    builder = Builder(1)
    x = builder.values[0]
    x = builder.add(cnn.AddOp(x, x, relu=True) if fused else cnn.AddOp(x, x))
    relus = [x := builder.add(cnn.ReluOp(x, limit=limit)) for limit in limits]
    if dropout:
        x = builder.add(cnn.DropoutOp(x, 0.25, scale_at_inference=True))
    if read_twice:
        x = builder.add(cnn.AddOp(x, relus[0]))
    builder.ops.append(cnn.OutputOp("y", x))
    module, weights = ModuleOp(builder.ops), Weights(builder.tensors)
    sample = builder.rng.normal(size=(2, 4, 6, 6)).astype(np.float32)
    expected = run_module(module, sample, weights).outputs["y"]
    for kind in FLOAT_PASSES:
        kind().apply(Context(), module)
        module.verify()
        found = run_module(module, sample, weights).outputs["y"]
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6, err_msg=kind.name)


@pytest.mark.parametrize("kind", [cnn.MaxPoolOp, cnn.AvgPoolOp])
@pytest.mark.parametrize(
    ("pads", "pool", "rectified", "moves"),
    [
        ((1, 1, 1, 1), {"kernel": (3, 3), "strides": (2, 2)}, True, True),
        ((0, 1, 2, 0), {"kernel": (3, 2), "strides": (1, 3)}, True, True),
        ((1, 1, 1, 1), {"kernel": (3, 3), "strides": (2, 2)}, False, False),
        # A window of nothing but zeros, windows that hang over, a pool that pads, a crop.
        ((3, 0, 0, 0), {"kernel": (3, 3)}, True, None),
        ((1, 1, 1, 1), {"kernel": (3, 3), "strides": (2, 2), "ceil_mode": True}, True, None),
        ((1, 1, 1, 1), {"kernel": (3, 3), "pads": (1, 0, 0, 0)}, True, None),
        ((-1, 1, 1, 1), {"kernel": (3, 3)}, True, None),
    ],
    ids=str,
)
def test_pools_pad_themselves(
    kind: type[cnn.MaxPoolOp | cnn.AvgPoolOp], pads: tuple[int, ...], pool: dict, rectified: bool, moves: bool | None
) -> None:
    builder = Builder(2)
    x = builder.values[0]
    x = builder.add(cnn.PadOp(builder.add(cnn.ReluOp(x)) if rectified else x, pads))
    builder.ops.append(cnn.OutputOp("y", builder.add(kind(x, **pool))))
    module = ModuleOp(builder.ops)
    sample = builder.rng.normal(size=(2, 4, 6, 6)).astype(np.float32)
    expected = run_module(module, sample, None).outputs["y"]
    CnnCanonicalizePass().apply(Context(), module)
    module.verify()
    np.testing.assert_array_equal(run_module(module, sample, None).outputs["y"], expected)
    # An average counts the zeros, whatever it pools; a maximum is that without them if nothing is below.
    moved = not any(isinstance(op, cnn.PadOp) for op in module.body.ops)
    assert moved == (moves is not None and (moves or kind is cnn.AvgPoolOp))


def test_passes_are_done_after_one_run() -> None:
    text = """
    %x = cnn.input "x" : tensor<1x4x6x6xf32>
    %w = cnn.constant dense<0.5> : tensor<4x4x1x1xf32>
    %c = cnn.conv2d %x, %w : (tensor<1x4x6x6xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x6x6xf32>
    %r = cnn.relu %c : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32>
    cnn.output "y" %r : tensor<1x4x6x6xf32>
    """
    context = Context()
    context.load_dialect(Builtin)
    context.load_dialect(cnn.Cnn)
    module = Parser(context, text).parse_module()
    for kind in (*FLOAT_PASSES, CnnQuantizePass):
        kind().apply(context, module)
        once = str(module)
        kind().apply(context, module)
        assert str(module) == once, kind.name


@pytest.mark.parametrize("name", ["resnet_2b", "cifar_base_kw", "mnist_convnet_maxpool"])
def test_real_networks_in_fixed_point_answer_as_in_float(shared_models: Path, name: str) -> None:
    from snowdialect.frontends.torch7 import import_model

    folder = shared_models / "torch7/trained"
    with np.load(folder / f"{name}.npz") as data:
        x, y = data["x"], data["y"]
    module, tensors = import_model(folder / f"{name}.t7", x.shape[1:])
    for kind in (*FLOAT_PASSES, CnnQuantizePass):
        kind().apply(Context(), module)
    module.verify()
    (result,) = run_module(module, x, Weights(tensors)).outputs.values()
    assert np.count_nonzero(result.argmax(axis=1) == y.argmax(axis=1)) >= 19
