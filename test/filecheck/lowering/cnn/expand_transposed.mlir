// cnn-expand-transposed: transposed convolutions become others, and pixels of their channels.
// RUN: snow-opt %s --split-input-file -p cnn-name-layers,cnn-expand-transposed | filecheck %s

// Strides of 2 x 2: four phases, a quarter of the taps each. The first and last rows and columns are left out.
// CHECK:      name = "up", operation = "conv_transpose2d"
// CHECK:      [[W:%.+]] = cnn.phase_kernels %w {strides = array<i64: 2, 2>} : (tensor<3x8x4x4xf32>) -> tensor<12x8x2x2xf32> loc("up")
// CHECK-NEXT: [[B:%.+]] = cnn.repeat %b {times = 4 : i64} : (tensor<3xf32>) -> tensor<12xf32> loc("up")
// CHECK-NEXT: [[C:%.+]] = cnn.conv2d %x, [[W]] bias [[B]] {pads = [1, 1, 1, 1]} : {{.*}} -> tensor<1x12x5x6xf32> loc("up")
// CHECK-NEXT: [[Y:%.+]] = cnn.depth_to_space [[C]] {block = [2, 2], crop = [1, 1, 1, 1]} : {{.*}} -> tensor<1x3x8x10xf32> loc("up.pixels")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x8x4x5xf32>
%w = cnn.weight "w" : tensor<3x8x4x4xf32>
%b = cnn.weight "b" : tensor<3xf32>
%y = cnn.conv_transpose2d %x, %w bias %b {strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x8x4x5xf32>, tensor<3x8x4x4xf32>, tensor<3xf32>) -> tensor<1x3x8x10xf32> loc("up")
cnn.output "y" %y : tensor<1x3x8x10xf32>

// -----

// Without strides it is a convolution with mirrored kernels, whose pads are what was not left out.
// CHECK:      [[W:%.+]] = cnn.phase_kernels %w {strides = array<i64: 1, 1>} : (tensor<4x2x3x3xf32>) -> tensor<4x2x3x3xf32>
// CHECK-NEXT: [[Y:%.+]] = cnn.conv2d %x, [[W]] {pads = [1, 4, 2, 4], dilations = [1, 2], groups = 2} : {{.*}} loc("plain")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x4x5xf32>
%w = cnn.weight "w" : tensor<4x2x3x3xf32>
%y = cnn.conv_transpose2d %x, %w {pads = [1, 0, 0, 0], dilations = [1, 2], groups = 2} : (tensor<1x4x4x5xf32>, tensor<4x2x3x3xf32>) -> tensor<1x4x5x9xf32> loc("plain")
cnn.output "y" %y : tensor<1x4x5x9xf32>

// -----

// Of a single pixel each tap is a phase of its own, whatever the strides.
// CHECK:      cnn.conv2d {{.*}} : (tensor<1x4x1x1xf32>, tensor<48x4x1x1xf32>) -> tensor<1x48x1x1xf32> loc("first")
// CHECK-NEXT: cnn.depth_to_space {{.*}} {block = [4, 4]} : {{.*}} -> tensor<1x3x4x4xf32>
%x = cnn.input "x" : tensor<1x4x1x1xf32>
%w = cnn.weight "w" : tensor<3x4x4x4xf32>
%y = cnn.conv_transpose2d %x, %w : (tensor<1x4x1x1xf32>, tensor<3x4x4x4xf32>) -> tensor<1x3x4x4xf32> loc("first")
cnn.output "y" %y : tensor<1x3x4x4xf32>
