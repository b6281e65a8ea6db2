// `tile.fused` on a max pool that no convolution can compute is refused in one line, wherever it is met.
// RUN: not snow-opt %s -p convert-cnn-to-tile 2>&1 | filecheck %s
// RUN: not snow-opt %s -p cnn-choose-schedule 2>&1 | filecheck %s --check-prefix CHOOSE

// CHECK: error: {{.*}}alone: tile.fused, but no convolution reads its result
// CHECK-NOT: {{.}}
// CHOOSE: error: {{.*}}shared: tile.fused, but conv1 cannot compute it
// CHOOSE-NOT: {{.}}
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<64x32x1x1xf32>) -> tensor<64x32x1x1x!cnn.fixed<8>>
  %p = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} attributes {tile.fused} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("alone")
  %q = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} attributes {tile.fused} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("shared")
  %y = cnn.conv2d %q, %w : (tensor<1x32x8x8x!cnn.fixed<8>>, tensor<64x32x1x1x!cnn.fixed<8>>) -> tensor<1x64x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%p, %q, %y) : (tensor<1x32x8x8x!cnn.fixed<8>>, tensor<1x32x8x8x!cnn.fixed<8>>, tensor<1x64x8x8x!cnn.fixed<8>>) -> ()
}
