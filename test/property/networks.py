"""Small random networks, as a list of layers that a failing example prints in full, and the modules they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import partial, reduce
from math import prod
from typing import NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import NDArray
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, IntegerAttr, ModuleOp, TensorType, f32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import VerifyException

from lowering.cnn.quantize import FRAC_BITS
from snowdialect.dialects import cnn
from snowdialect.dialects.cnn import shape_of
from snowdialect.dialects.cnn.shapes import ShapeError
from snowdialect.dialects.locations import located, name_location
from snowdialect.weights import Weights

INLINE_WORDS = 64
"""A constant of no more words stands in the module's text."""


class Conv(NamedTuple):
    channels: int
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = True
    residual: bool = False
    """Adds an earlier tensor of its shape, or the result of a second convolution like it."""
    relu: bool = False
    frac: int = 8


class ConvTranspose(NamedTuple):
    """As the dialect has it: pads are left out of the result."""

    channels: int
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    groups: int = 1
    bias: bool = True


class Linear(NamedTuple):
    channels: int
    bias: bool = True
    relu: bool = False
    frac: int = 8


class MaxPool(NamedTuple):
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    ceil_mode: bool = False


class AvgPool(NamedTuple):
    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    ceil_mode: bool = False
    count_include_pad: bool = False
    frac: int | None = 8


class Add(NamedTuple):
    """Adds an earlier tensor of the same shape; the tensor itself where there is none."""

    relu: bool = False
    frac: int = 8


class Multiply(NamedTuple):
    """Multiplies by an earlier tensor of the same shape, or by the tensor itself; or channels by their means."""

    by_mean: bool = False
    function: str | None = None
    """What the host does with the factor before."""
    frac: int = 8


class Relu(NamedTuple):
    limit: float | None = None


class BatchNorm(NamedTuple):
    pass


class Lrn(NamedTuple):
    """A layer of the host, so that networks go to and fro."""

    size: int
    alpha: float = 1.0
    beta: float = 0.75
    k: float = 1.0


class Concat(NamedTuple):
    """The channels of 1x1 convolutions of the tensor, one for each number; 0 stands for the tensor itself."""

    parts: tuple[int, ...]


class Inception(NamedTuple):
    """The channels of chains of convolutions of the tensor."""

    branches: tuple[tuple[Conv, ...], ...]


class Reshape(NamedTuple):
    """The same words in C, H, W order with other axes."""

    shape: tuple[int, ...]


class Gather(NamedTuple):
    """Some channels, or all in another order."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...] = (1,)
    offset: int = 0


class Upsample(NamedTuple):
    factors: tuple[int, int]


class DepthToSpace(NamedTuple):
    block: tuple[int, int]
    blocks_first: bool = False
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)


class SpaceToDepth(NamedTuple):
    block: tuple[int, int]
    blocks_first: bool = False


class Sample(NamedTuple):
    """Some rows and columns, or borders."""

    sizes: tuple[int, int]
    offsets: tuple[int, int] = (0, 0)
    steps: tuple[int, int] = (1, 1)
    reflect: bool = False


class Attend(NamedTuple):
    """Times the largest number, or the mean, of the channels at each place."""

    mean: bool = False


class Transpose(NamedTuple):
    """Axes in another order; counted without the batch, from 1."""

    order: tuple[int, ...]


class Interpolate(NamedTuple):
    """Rows and columns lie `steps` / 4 apart."""

    sizes: tuple[int, int]
    steps: tuple[int, int]
    offsets: tuple[int, int] = (0, 0)


class Host(NamedTuple):
    """A function that only the host computes, in float."""

    function: str


Layer = (
    Host
    | Gather
    | Upsample
    | DepthToSpace
    | Interpolate
    | Transpose
    | Attend
    | Sample
    | SpaceToDepth
    | Reshape
    | Conv
    | ConvTranspose
    | Linear
    | MaxPool
    | AvgPool
    | Add
    | Multiply
    | Relu
    | BatchNorm
    | Lrn
    | Concat
    | Inception
)


HOST_FUNCTIONS = {
    "softmax": cnn.SoftmaxOp,
    "log_softmax": cnn.LogSoftmaxOp,
    "sigmoid": cnn.SigmoidOp,
    "hard_sigmoid": cnn.HardSigmoidOp,
    "tanh": cnn.TanhOp,
    "elu": partial(cnn.EluOp, alpha=0.7),
    "softplus": cnn.SoftplusOp,
    "softsign": cnn.SoftsignOp,
    "erf": partial(cnn.ErfOp, scale=0.5, factor=2.0, shift=-1.0),
    "power": partial(cnn.PowerOp, exponent=0.5),
    "normalize": partial(cnn.NormalizeOp, p=2, eps=1e-10),
    "instance_norm": partial(cnn.InstanceNormOp, eps=1e-5),
}


class Net(NamedTuple):
    """A chain of layers on an input C x H x W. `scale` is the largest weight: large ones saturate and wrap."""

    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    scale: float = 1.0
    seed: int = 0

    def build(self) -> tuple[ModuleOp, Weights]:
        """The float network as a module. Raises ShapeError or VerifyException for one that does not exist."""
        return _Builder(self).module()

    def inputs(self, batch: int = 2) -> NDArray[np.float32]:
        """A batch of inputs; their size keeps sums of products of many words around the limits of a word."""
        rng = np.random.default_rng(self.seed)
        return (rng.standard_normal((batch, *self.shape)) * 4).astype(np.float32)


class _Builder:
    def __init__(self, net: Net) -> None:
        self.net = net
        self.rng = np.random.default_rng(net.seed + 1)
        self.ops: list[Operation] = []
        self.tensors: dict[str, NDArray[np.float32]] = {}
        self.values: list[SSAValue] = []
        self.names = 0

    def module(self) -> tuple[ModuleOp, Weights]:
        value = self.add(cnn.InputOp("input", cnn.tensor_type((1, *self.net.shape))))
        for layer in self.net.layers:
            self.values.append(value)
            value = self.layer(layer, value)
        self.ops.append(cnn.OutputOp("output", value))
        module = ModuleOp(self.ops)
        module.verify()
        return module, Weights(self.tensors)

    def add(self, op: Operation, frac: int | None = None) -> SSAValue:
        self.names += 1
        self.ops.append(located(op, name_location(f"{op.name.removeprefix('cnn.')}{self.names}")))
        if frac is not None:
            op.attributes[FRAC_BITS] = IntegerAttr(frac, i64)
        return op.results[0]

    def constant(self, shape: Sequence[int], scale: float, offset: float = 0.0) -> SSAValue:
        array = (self.rng.uniform(-scale, scale, tuple(shape)) + offset).astype(np.float32)
        if array.size <= INLINE_WORDS:
            kind = TensorType(f32, array.shape)
            return self.add(cnn.ConstantOp(DenseIntOrFPElementsAttr.from_list(kind, array.reshape(-1).tolist())))
        name = f"w{len(self.tensors)}"
        self.tensors[name] = array
        return self.add(cnn.WeightOp(name, TensorType(f32, array.shape)))

    def earlier(self, value: SSAValue) -> SSAValue | None:
        """An earlier tensor of the same shape."""
        return next((other for other in self.values if other.type == value.type and other is not value), None)

    def layer(self, layer: Layer, x: SSAValue) -> SSAValue:
        match layer:
            case Conv():
                return self.conv(layer, x)
            case ConvTranspose():
                weight = self.constant((layer.channels, shape_of(x)[1] // layer.groups, *layer.kernel), self.net.scale)
                bias = self.constant((layer.channels,), self.net.scale) if layer.bias else None
                options = layer._asdict()
                geometry = {name: options[name] for name in ("strides", "pads", "dilations", "groups")}
                return self.add(cnn.ConvTranspose2dOp(x, weight, bias=bias, **geometry))
            case Linear():
                weight = self.constant((layer.channels, prod(shape_of(x))), self.net.scale)
                bias = self.constant((layer.channels,), self.net.scale) if layer.bias else None
                return self.add(cnn.LinearOp(x, weight, bias=bias, relu=layer.relu), layer.frac)
            case MaxPool():
                return self.add(cnn.MaxPoolOp(x, **layer._asdict()))
            case AvgPool(frac=frac):
                options = {key: value for key, value in layer._asdict().items() if key != "frac"}
                return self.add(cnn.AvgPoolOp(x, **options), frac)
            case Add():
                return self.add(cnn.AddOp(x, self.earlier(x) or x, relu=layer.relu), layer.frac)
            case Multiply(by_mean=by_mean, function=function, frac=frac):
                mean = cnn.AvgPoolOp(x, kernel=shape_of(x)[2:]) if by_mean else None
                factor = self.earlier(x) or x if mean is None else self.add(mean, frac)
                factor = factor if function is None else self.add(HOST_FUNCTIONS[function](factor))
                return self.add(cnn.MultiplyOp(x, factor), frac)
            case Relu(limit=limit):
                return self.add(cnn.ReluOp(x, limit=limit))
            case Host(function=function):
                return self.add(HOST_FUNCTIONS[function](x))
            case BatchNorm():
                channels = (shape_of(x)[1],)
                mean, var = self.constant(channels, 1), self.constant(channels, 0.5, 1)
                scale, bias = self.constant(channels, 1), self.constant(channels, 1)
                return self.add(cnn.BatchNormOp(x, mean, var, scale=scale, bias=bias))
            case Lrn():
                return self.add(cnn.LrnOp(x, **layer._asdict()))
            case Gather():
                return self.add(cnn.GatherOp(x, **layer._asdict()))
            case Upsample(factors=factors):
                return self.add(cnn.UpsampleOp(x, factors))
            case DepthToSpace():
                return self.add(cnn.DepthToSpaceOp(x, **layer._asdict()))
            case SpaceToDepth():
                return self.add(cnn.SpaceToDepthOp(x, **layer._asdict()))
            case Attend(mean=mean):
                one = self.add((cnn.ChannelMeanOp if mean else cnn.ChannelMaxOp)(x))
                return self.add(cnn.MultiplyOp(x, one), 8)
            case Transpose(order=order):
                return self.add(cnn.TransposeOp(x, (0, *order)))
            case Sample():
                return self.add(cnn.SampleOp(x, **layer._asdict()))
            case Interpolate():
                steps, offsets = ([Fraction(part, 4) for part in parts] for parts in (layer.steps, layer.offsets))
                return self.add(cnn.InterpolateOp(x, layer.sizes, steps, offsets))
            case Reshape():
                return self.add(cnn.ReshapeOp(x, (1, *layer.shape)))
            case Concat():
                return self.add(cnn.ConcatOp([self.conv(Conv(part), x) if part else x for part in layer.parts]))
            case Inception(branches=branches):
                return self.add(
                    cnn.ConcatOp([reduce(lambda y, conv: self.conv(conv, y), chain, x) for chain in branches])
                )

    def conv(self, layer: Conv, x: SSAValue) -> SSAValue:
        inputs = shape_of(x)[1]
        if inputs % layer.groups:
            raise ShapeError("the channels cannot be split")

        def once(residual: SSAValue | None, frac: int) -> cnn.Conv2dOp:
            weight = self.constant((layer.channels, inputs // layer.groups, *layer.kernel), self.net.scale)
            bias = self.constant((layer.channels,), self.net.scale) if layer.bias else None
            return cnn.Conv2dOp(
                x,
                weight,
                bias=bias,
                residual=residual,
                strides=layer.strides,
                pads=layer.pads,
                dilations=layer.dilations,
                groups=layer.groups,
                relu=layer.relu,
            )

        residual = None
        if layer.residual:
            like = once(None, 8)
            if (residual := self.earlier(like.result)) is None:
                residual = self.add(like, 8)
            else:
                like.erase()
        return self.add(once(residual, layer.frac), layer.frac)


PADS = st.integers(0, 3)


@st.composite
def convs(draw: st.DrawFn, shape: tuple[int, ...], most_channels: int = 80) -> Conv:
    """Convolutions of maps of a shape C x H x W."""
    channels, height, width = shape
    groups = draw(st.sampled_from([1, 1, 1, *(g for g in range(2, channels + 1) if channels % g == 0)]))
    each = draw(st.integers(1, max(1, most_channels // groups)))
    pads = draw(st.one_of(st.just((0, 0, 0, 0)), st.tuples(PADS, PADS, PADS, PADS)))
    rows, columns = height + pads[0] + pads[2], width + pads[1] + pads[3]
    kernel = draw(st.integers(1, min(7, rows))), draw(st.integers(1, min(7, columns)))

    def dilation(size: int, taps: int) -> int:
        return draw(st.sampled_from([d for d in (1, 1, 2, 3) if d * (taps - 1) < size]))

    dilations = dilation(rows, kernel[0]), dilation(columns, kernel[1])
    strides = draw(st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 4), st.integers(1, 4))))
    return Conv(
        each * groups,
        kernel,
        strides,
        pads,
        dilations,
        groups,
        bias=draw(st.booleans()),
        residual=draw(st.booleans()),
        relu=draw(st.booleans()),
        frac=draw(st.sampled_from([8, 8, 8, 4, 11, 15])),
    )


@st.composite
def pools(draw: st.DrawFn, shape: tuple[int, ...]) -> MaxPool | AvgPool:
    """Pools of maps of a shape C x H x W."""
    _, height, width = shape
    kernel = draw(st.tuples(st.integers(1, min(5, height)), st.integers(1, min(5, width))))
    strides = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    pads = draw(st.one_of(st.just((0, 0, 0, 0)), st.tuples(*(st.integers(0, k // 2) for k in (*kernel, *kernel)))))
    ceil_mode = draw(st.booleans())
    if draw(st.booleans()):
        return MaxPool(kernel, strides, pads, ceil_mode)
    return AvgPool(kernel, strides, pads, ceil_mode, draw(st.booleans()), draw(st.sampled_from([8, 8, 3, 12])))


@st.composite
def reshapes(draw: st.DrawFn, shape: tuple[int, ...]) -> Reshape:
    """Other axes for as many words."""
    rest, axes = prod(shape), []
    for _ in range(draw(st.integers(0, 3))):
        axes.append(draw(st.sampled_from([d for d in range(1, min(rest, 80) + 1) if rest % d == 0])))
        rest //= axes[-1]
    return Reshape((rest, *axes))


@st.composite
def gathers(draw: st.DrawFn, channels: int) -> Gather:
    """A slice, or a shuffle."""
    if draw(st.booleans()):
        groups = draw(st.sampled_from([groups for groups in range(1, channels + 1) if channels % groups == 0]))
        return Gather((channels // groups, groups), (1, channels // groups))
    first, step = draw(st.integers(0, channels - 1)), draw(st.integers(1, 3))
    return Gather((draw(st.integers(1, -(-(channels - first) // step))),), (step,), first)


def linears(most_channels: int = 80) -> st.SearchStrategy[Linear]:
    return st.builds(Linear, st.integers(1, most_channels), st.booleans(), st.booleans(), st.sampled_from([8, 4, 12]))


@st.composite
def shapes(draw: st.DrawFn, most_channels: int = 80, most_pixels: int = 200) -> tuple[int, ...]:
    """C x H x W; long and narrow maps too, none with too many pixels."""
    height = draw(st.integers(1, 40))
    width = draw(st.integers(1, min(40, max(1, most_pixels // height))))
    return draw(st.integers(1, most_channels)), height, width


def result_shape(net: Net) -> tuple[int, ...]:
    """The shape of what a net makes of one input, without batch."""
    module, _ = net.build()
    assert module.body.block.last_op is not None
    return shape_of(module.body.block.last_op.operands[0])[1:]


SCALES = st.sampled_from([0.05, 0.4, 2.0, 30.0, 127.0])


@st.composite
def nets(
    draw: st.DrawFn, most_layers: int = 4, most_channels: int = 80, most_pixels: int = 200, *, moves: bool = False
) -> Net:
    """Chains of layers of all kinds; with `moves` of those that multiply and move words, too."""
    net = Net(draw(shapes(most_channels, most_pixels)), (), draw(SCALES), draw(st.integers(0, 2**16)))
    for _ in range(draw(st.integers(1, most_layers))):
        shape = result_shape(net)
        anywhere = st.one_of(
            st.builds(Relu, st.sampled_from([None, None, 6.0, 4.0, 0.3, 1e5])),
            reshapes(shape),
            st.builds(Add, st.booleans(), st.sampled_from([8, 8, 4, 11])),
            linears(most_channels),
            st.builds(Concat, st.just((0, 0))),
            st.builds(Host, st.sampled_from(sorted(HOST_FUNCTIONS))),
        )
        if moves:
            factors = st.builds(Multiply, st.just(False), st.sampled_from([None, "tanh"]), st.sampled_from([8, 4, 11]))
            anywhere = st.one_of(anywhere, factors, gathers(shape[0]))
        if len(shape) != 3:
            layer = draw(anywhere)
        else:
            others = st.one_of(
                anywhere,
                st.just(BatchNorm()),
                *([st.just(Upsample((1, 2)))] if moves else []),
                *([st.builds(DepthToSpace, st.just((2, 1)), st.booleans())] if moves and shape[0] % 2 == 0 else []),
                *([st.builds(SpaceToDepth, st.just((1, 2)), st.booleans())] if moves and shape[2] % 2 == 0 else []),
                st.builds(Lrn, st.integers(1, 9), st.floats(0, 4), st.floats(0, 2)),
                st.builds(Concat, st.lists(st.integers(0, 40), min_size=2, max_size=4).map(tuple)),
            )
            layer = draw(st.one_of(convs(shape, most_channels), convs(shape, most_channels), pools(shape), others))
        net = net._replace(layers=(*net.layers, layer))
        try:
            result_shape(net)
        except (ShapeError, VerifyException):
            assume(False)
    return net


@st.composite
def layers_alone(draw: st.DrawFn, most_macs: int = 4_000_000) -> Net:
    """A convolution as networks have them, perhaps with a max pool behind it, of so many MACs at most."""
    kernel, stride = draw(st.sampled_from([1, 1, 3, 3, 5])), draw(st.sampled_from([1, 1, 1, 2]))
    channels = draw(st.sampled_from([3, 16, 32, 48, 64, 96, 128, 256]))
    kernels = draw(st.sampled_from([16, 32, 48, 64, 96, 128, 256]))
    pad = draw(st.sampled_from([kernel // 2, kernel // 2, 0]))
    pixels = most_macs * stride * stride // (channels * kernels * kernel * kernel)
    assume(pixels >= 16)
    height = draw(st.integers(max(4, kernel), max(4, kernel, min(40, pixels // 4))))
    width = draw(st.integers(max(4, kernel), max(4, kernel, min(40, pixels // height))))
    conv = Conv(kernels, (kernel, kernel), (stride, stride), (pad, pad, pad, pad), relu=draw(st.booleans()))
    rows, columns = ((size + 2 * pad - kernel) // stride + 1 for size in (height, width))
    pool = [
        MaxPool((wide, wide), (2, 2))
        for wide in [draw(st.sampled_from([0, 0, 2, 3]))]
        if 0 < wide <= min(rows, columns)
    ]
    return Net((channels, height, width), (conv, *pool), 0.05, draw(st.integers(0, 2**16)))
