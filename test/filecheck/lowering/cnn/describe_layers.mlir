// What reports say of a layer: multiply-accumulates leave out padding, and only convolutions and linear layers have any.
// RUN: snow-opt %s -p cnn-choose-schedule,cnn-describe-layers -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir
// RUN: filecheck %s --input-file %t.mlir --check-prefix BOUNDS

// CHECK: snow.layers = [{name = "conv", kind = "conv2d", mode = "indp", order = "{{[mk]}}loop", macs = 7744 : i64, certificate
// CHECK-SAME: {name = "pool", kind = "avg_pool", macs = 0 : i64, certificate
// CHECK-SAME: {name = "relu", kind = "add", macs = 0 : i64, certificate
// CHECK-SAME: {name = "fc", kind = "linear", mode = "coop", order = "{{[mk]}}loop", macs = 2560 : i64, certificate

// Beside it stand the estimate of the schedule, what the layer takes at least, and what that follows from.
// BOUNDS: name = "relu", {{.*}} certificate = {objective = {{[0-9]+}} : i64, bounds = {macs = 0 : i64,
// BOUNDS-SAME: reduction = 248 : i64, comparisons = 0 : i64, bandwidth = 145 : i64, issue = 176 : i64, buffer = 145 : i64},
// BOUNDS-SAME: layer = {kind = "add", input = [16 : i64, 4 : i64, 4 : i64], output = [16 : i64, 4 : i64, 4 : i64],
// BOUNDS-SAME: words = 16 : i64, operands = 1 : i64, result_pixel = 16 : i64}}
module {
  %x = cnn.input "input" : tensor<1x1x8x8xf32>
  %q = cnn.quantize %x : (tensor<1x1x8x8xf32>) -> tensor<1x1x8x8x!cnn.fixed<8>> loc("input")
  %w = cnn.weight "w" : tensor<16x1x3x3xf32>
  %v = cnn.quantize %w : (tensor<16x1x3x3xf32>) -> tensor<16x1x3x3x!cnn.fixed<8>> loc("conv")
  %y = cnn.conv2d %q, %v {pads = [1, 1, 1, 1]} : (tensor<1x1x8x8x!cnn.fixed<8>>, tensor<16x1x3x3x!cnn.fixed<8>>) -> tensor<1x16x8x8x!cnn.fixed<8>> loc("conv")
  %p = cnn.avg_pool %y {kernel = [2, 2], strides = [2, 2]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("pool")
  %z = cnn.relu %p : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("relu")
  %m = cnn.weight "m" : tensor<10x256xf32>
  %n = cnn.quantize %m : (tensor<10x256xf32>) -> tensor<10x256x!cnn.fixed<8>> loc("fc")
  %o = cnn.linear %z, %n : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<10x256x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
  %d = cnn.dequantize %o : (tensor<1x10x!cnn.fixed<8>>) -> tensor<1x10xf32> loc("fc")
  %s = cnn.softmax %d : (tensor<1x10xf32>) -> tensor<1x10xf32> loc("softmax")
  cnn.output "output" %s : tensor<1x10xf32>
}
