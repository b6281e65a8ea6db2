// A convolution that a small machine cuts into tiles, a pool, which has no schedule, and a linear layer.
module {
  %x = cnn.input "input" : tensor<1x32x16x16xf32>
  %w = cnn.weight "w" : tensor<64x32x3x3xf32> loc("conv")
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} : (tensor<1x32x16x16xf32>, tensor<64x32x3x3xf32>) -> tensor<1x64x16x16xf32> loc("conv")
  %p = cnn.avg_pool %y {kernel = [16, 16], strides = [1, 1]} : (tensor<1x64x16x16xf32>) -> tensor<1x64x1x1xf32> loc("pool")
  %m = cnn.weight "m" : tensor<10x64xf32> loc("fc")
  %o = cnn.linear %p, %m : (tensor<1x64x1x1xf32>, tensor<10x64xf32>) -> tensor<1x10xf32> loc("fc")
  cnn.output "output" %o : tensor<1x10xf32>
}
