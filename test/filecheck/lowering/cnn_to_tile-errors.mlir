// convert-cnn-to-tile names the layer, and the pass that should have run before it.
// RUN: not snow-opt %s -p convert-cnn-to-tile 2>&1 | filecheck %s
// RUN: not snow-opt %s -p "cnn-choose-schedule,convert-cnn-to-tile" 2>&1 | filecheck %s --check-prefix=PLACE

// CHECK: error: {{.*}}conv1: no schedule is chosen; run cnn-choose-schedule first
// CHECK-NOT: {{.}}
// PLACE: error: {{.*}}concat1: a part of it has no place; run cnn-place-concats first
// PLACE-NOT: {{.}}
module attributes {snow.machine = "zc706"} {
  %i = cnn.input "x" : tensor<1x16x4x4xf32>
  %x = cnn.quantize %i : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>>
  %f = cnn.weight "w" : tensor<32x16x1x1xf32>
  %w = cnn.quantize %f : (tensor<32x16x1x1xf32>) -> tensor<32x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<32x16x1x1x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("conv1")
  %c = cnn.concat %y, %y : (tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x64x4x4x!cnn.fixed<8>> loc("concat1")
  %d = cnn.dequantize %c : (tensor<1x64x4x4x!cnn.fixed<8>>) -> tensor<1x64x4x4xf32>
  cnn.output "y" %d : tensor<1x64x4x4xf32>
}
