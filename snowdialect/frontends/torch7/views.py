"""What nn.View and nn.Reshape make of a shape: rules of View.lua and Reshape.lua of torch/nn."""

from collections.abc import Callable
from math import prod

from snowdialect.dialects.cnn.shapes import format_shape
from snowdialect.frontends.network import LayerError
from snowdialect.frontends.torch7.fields import Layer

Shape = tuple[int, ...]


def reshaped(layer: Layer, sample: Shape) -> Shape:
    """Shape, without batch, of what a View or Reshape makes of each sample.

    Torch7 looks at a whole batch, so the rule is tried on two batches: what it makes must have one entry a
    sample, of the same shape for both. A network that only works on single samples is tried on one without a
    batch. Raises LayerError when neither holds: the layer would mix samples, or the numbers of elements do
    not fit.
    """
    rule: Callable[[Layer, Shape], Shape | None] = _view if layer.kind == "View" else _reshape
    # Primes beyond any size of a layer, so that no number of elements fits by accident.
    batches = (1_000_003, 1_000_033)
    results = [rule(layer, (batch, *sample)) for batch in batches]
    shapes = {result[1:] for batch, result in zip(batches, results, strict=True) if result and result[0] == batch}
    if None not in results and len(shapes) == 1 and (shape := shapes.pop()) and prod(shape) == prod(sample):
        return shape
    sizes = layer.sizes("size")
    single = rule(layer, sample)
    if single and len(single) == len(sizes):
        return single
    elements = f"{format_shape(sample)} ({prod(sample)} elements)"
    raise LayerError(f"{elements} cannot become {format_shape(sizes)} without mixing the inputs of a batch")


def _viewed(elements: int, sizes: Shape) -> Shape | None:
    """Tensor:view: the sizes with -1 replaced by what is left, None when the number of elements differs."""
    known = prod(size for size in sizes if size != -1)
    if -1 in sizes:
        if sizes.count(-1) > 1 or known == 0 or elements % known:
            return None
        sizes = tuple(elements // known if size == -1 else size for size in sizes)
    return sizes if prod(sizes) == elements else None


def _view(layer: Layer, shape: Shape) -> Shape | None:
    sizes = tuple(layer.sizes("size"))
    elements = prod(size for size in sizes if size != -1)
    outer = len(shape) - layer.integer("numInputDims", len(shape))
    if outer < 0 or elements == 0 or prod(shape[outer:]) % elements:
        return None
    batch = (1 if -1 in sizes else prod(shape[outer:]) // elements) * prod(shape[:outer])
    if batch == 1 and (not layer.has("numInputDims") or len(shape) <= layer.integer("numInputDims")):
        return _viewed(prod(shape), sizes)
    return _viewed(prod(shape), (batch, *sizes))


def _reshape(layer: Layer, shape: Shape) -> Shape | None:
    sizes = tuple(layer.sizes("size"))
    fits = prod(shape) == prod(sizes) and shape[0] != 1
    whole = not layer.truth("batchMode") if layer.has("batchMode") else fits
    return _viewed(prod(shape), sizes if whole else (shape[0], *sizes))
