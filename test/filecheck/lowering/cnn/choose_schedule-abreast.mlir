// cnn-choose-schedule: where kernels leave lanes without work, pixels whose windows overlap share them.
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{abreast=1}" | filecheck %s --check-prefix=ALONE
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{schedule=paper}" | filecheck %s --check-prefix=ALONE
// RUN: snow-opt %s --no-debuginfo -p "cnn-choose-schedule{abreast=4}" | filecheck %s --check-prefix=FOUR
// RUN: not snow-opt %s -p "cnn-choose-schedule{abreast=9}" 2>&1 | filecheck %s --check-prefix=MANY
// MANY: error: cnn-choose-schedule: abreast must be 1 to 8, is 9

// 32 kernels of 3x3 with stride 2: two pixels. With stride 3 no windows overlap.
// CHECK: tile.schedule = #tile.schedule<indp, rows, {{.*}}, abreast 2>
// CHECK: tile.schedule = #tile.schedule<{{.*}}, abreast 1>
// ALONE: tile.schedule = #tile.schedule<{{.*}}, abreast 1>
// ALONE: tile.schedule = #tile.schedule<{{.*}}, abreast 1>
// FOUR: tile.schedule = #tile.schedule<indp, rows, {{.*}}, abreast 4>
// FOUR: tile.schedule = #tile.schedule<{{.*}}, abreast 1>
builtin.module {
  %x = cnn.input "x" : tensor<1x3x32x32xf32>
  %q = cnn.quantize %x : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32x!cnn.fixed<8>>
  %f = cnn.weight "w" : tensor<32x3x3x3xf32>
  %w = cnn.quantize %f : (tensor<32x3x3x3xf32>) -> tensor<32x3x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %q, %w {strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<32x3x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x16x!cnn.fixed<8>> loc("overlapping")
  %z = cnn.conv2d %q, %w {strides = [3, 3]} : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<32x3x3x3x!cnn.fixed<8>>) -> tensor<1x32x10x10x!cnn.fixed<8>> loc("apart")
  %a = cnn.dequantize %y : (tensor<1x32x16x16x!cnn.fixed<8>>) -> tensor<1x32x16x16xf32>
  %b = cnn.dequantize %z : (tensor<1x32x10x10x!cnn.fixed<8>>) -> tensor<1x32x10x10xf32>
  cnn.output "y" %a : tensor<1x32x16x16xf32>
  cnn.output "z" %b : tensor<1x32x10x10xf32>
}
