"""Networks of layers that are alike."""


def chain(channels: int, size: int, layers: int = 6) -> str:
    """Convolutions of 3x3, one behind the other, of maps of so many channels, rows and columns, as MLIR text."""
    kind, kernels = f"tensor<1x{channels}x{size}x{size}xf32>", f"tensor<{channels}x{channels}x3x3xf32>"
    convolutions = [
        f"""%w{i} = cnn.weight "w{i}" : {kernels}
        %x{i + 1} = cnn.conv2d %x{i}, %w{i} {{pads = [1, 1, 1, 1]}} : ({kind}, {kernels}) -> {kind} loc("conv{i}")"""
        for i in range(layers)
    ]
    return "\n".join([f'%x0 = cnn.input "x" : {kind}', *convolutions, f'cnn.output "y" %x{layers} : {kind}'])
