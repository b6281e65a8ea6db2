// cnn-choose-schedule: inputs whose rows the host unrolls, where that makes the layers that read them faster.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-choose-schedule | filecheck %s
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "cnn-choose-schedule{input-layout=as-is}" | filecheck %s --check-prefix=ASIS
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "cnn-choose-schedule{schedule=paper}" | filecheck %s --check-prefix=ASIS
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "cnn-choose-schedule{schedule=paper input-layout=best}" | filecheck %s
// ASIS-NOT: tile.unrolled

// A kernel row of 7 x 3 words takes two lines, all seven in one trace ten: 160 cycles instead of 224.
// CHECK: cnn.quantize %input {tile.unrolled = #tile.unrolled<kernel 7, stride 2, dilation 1, pad 3, height 32>}
%input = cnn.input "input" : tensor<1x3x32x32xf32>
%x = cnn.quantize %input : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32x!cnn.fixed<8>>
%f = cnn.weight "f" : tensor<64x3x7x7xf32>
%w = cnn.quantize %f : (tensor<64x3x7x7xf32>) -> tensor<64x3x7x7x!cnn.fixed<8>>
%y = cnn.conv2d %x, %w {strides = [2, 2], pads = [3, 3, 3, 3]} : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<64x3x7x7x!cnn.fixed<8>>) -> tensor<1x64x16x16x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x64x16x16x!cnn.fixed<8>>) -> ()

// -----

// A kernel of one row is under one row already.
// CHECK: builtin.module
// CHECK-NOT: tile.unrolled
%input = cnn.input "input" : tensor<1x3x32x32xf32>
%x = cnn.quantize %input : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32x!cnn.fixed<8>>
%f = cnn.weight "f" : tensor<64x3x1x7xf32>
%w = cnn.quantize %f : (tensor<64x3x1x7xf32>) -> tensor<64x3x1x7x!cnn.fixed<8>>
%y = cnn.conv2d %x, %w : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<64x3x1x7x!cnn.fixed<8>>) -> tensor<1x64x32x26x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x64x32x26x!cnn.fixed<8>>) -> ()

// -----

// Two layers that want the rows below their kernels differently read the input as it is.
// CHECK: builtin.module
// CHECK-NOT: tile.unrolled
%input = cnn.input "input" : tensor<1x3x32x32xf32>
%x = cnn.quantize %input : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32x!cnn.fixed<8>>
%f = cnn.weight "f" : tensor<64x3x7x7xf32>
%w = cnn.quantize %f : (tensor<64x3x7x7xf32>) -> tensor<64x3x7x7x!cnn.fixed<8>>
%y = cnn.conv2d %x, %w {strides = [2, 2], pads = [3, 3, 3, 3]} : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<64x3x7x7x!cnn.fixed<8>>) -> tensor<1x64x16x16x!cnn.fixed<8>>
%z = cnn.conv2d %x, %w : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<64x3x7x7x!cnn.fixed<8>>) -> tensor<1x64x26x26x!cnn.fixed<8>>
"test.op"(%y, %z) : (tensor<1x64x16x16x!cnn.fixed<8>>, tensor<1x64x26x26x!cnn.fixed<8>>) -> ()

// -----

// What the accelerator makes, or the host in the middle of a network, is no input.
// CHECK: builtin.module
// CHECK-NOT: tile.unrolled
%input = cnn.input "input" : tensor<1x3x32x32xf32>
%t = cnn.tanh %input : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32xf32>
%x = cnn.quantize %t : (tensor<1x3x32x32xf32>) -> tensor<1x3x32x32x!cnn.fixed<8>>
%f = cnn.weight "f" : tensor<64x3x7x7xf32>
%w = cnn.quantize %f : (tensor<64x3x7x7xf32>) -> tensor<64x3x7x7x!cnn.fixed<8>>
%y = cnn.conv2d %x, %w {strides = [2, 2], pads = [3, 3, 3, 3]} : (tensor<1x3x32x32x!cnn.fixed<8>>, tensor<64x3x7x7x!cnn.fixed<8>>) -> tensor<1x64x16x16x!cnn.fixed<8>>
"test.op"(%y) : (tensor<1x64x16x16x!cnn.fixed<8>>) -> ()
