// cnn-split-averages: an average over a large window becomes two.
// RUN: snow-opt %s --split-input-file -p cnn-split-averages | filecheck %s

// 2^15 / 3136 is 10.4: the word 10 is 4 % less. 2^15 / 56 is 585.1.
// CHECK:      cnn.avg_pool %x {kernel = [56, 1]} : {{.*}} -> tensor<1x4x1x56xf32> loc("pool.part1")
// CHECK-NEXT: cnn.avg_pool %{{.*}} {kernel = [1, 56]} : {{.*}} -> tensor<1x4x1x1xf32> loc("pool")
%x = cnn.input "x" : tensor<1x4x56x56xf32>
%y = cnn.avg_pool %x {kernel = [56, 56]} : (tensor<1x4x56x56xf32>) -> tensor<1x4x1x1xf32> loc("pool")
cnn.output "y" %y : tensor<1x4x1x1xf32>

// -----

// Windows that overlap, with padding: strides, pads and modes go with their axis.
// CHECK:      cnn.avg_pool %x {kernel = [30, 1], strides = [4, 1], pads = [3, 0, 2, 0], ceil_mode, count_include_pad} : {{.*}} -> tensor<1x4x10x70xf32> loc("pool.part1")
// CHECK-NEXT: cnn.avg_pool %{{.*}} {kernel = [1, 29], strides = [1, 5], pads = [0, 1, 0, 4], ceil_mode, count_include_pad} : {{.*}} -> tensor<1x4x10x11xf32> loc("pool")
%x = cnn.input "x" : tensor<1x4x60x70xf32>
%y = cnn.avg_pool %x {kernel = [30, 29], strides = [4, 5], pads = [3, 1, 2, 4], ceil_mode, count_include_pad} : (tensor<1x4x60x70xf32>) -> tensor<1x4x10x11xf32> loc("pool")
cnn.output "y" %y : tensor<1x4x10x11xf32>

// -----

// A row of 2000 in 40 pieces of 50.
// CHECK:      cnn.avg_pool %x {kernel = [1, 40], strides = [1, 40]} : {{.*}} -> tensor<1x4x2x50xf32> loc("pool.part1")
// CHECK-NEXT: cnn.avg_pool %{{.*}} {kernel = [1, 50]{{.*}}} : {{.*}} -> tensor<1x4x2x1xf32> loc("pool")
%x = cnn.input "x" : tensor<1x4x2x2000xf32>
%y = cnn.avg_pool %x {kernel = [1, 2000]} : (tensor<1x4x2x2000xf32>) -> tensor<1x4x2x1xf32> loc("pool")
cnn.output "y" %y : tensor<1x4x2x1xf32>

// -----

// 2^15 / 49 is 668.7, 2^15 / 1024 is 32: these stay.
// CHECK:     cnn.avg_pool %x {kernel = [7, 7]
// CHECK:     cnn.avg_pool %x {kernel = [32, 32]
// CHECK-NOT: cnn.avg_pool
%x = cnn.input "x" : tensor<1x4x32x32xf32>
%y = cnn.avg_pool %x {kernel = [7, 7]} : (tensor<1x4x32x32xf32>) -> tensor<1x4x26x26xf32>
%z = cnn.avg_pool %x {kernel = [32, 32]} : (tensor<1x4x32x32xf32>) -> tensor<1x4x1x1xf32>
cnn.output "y" %y : tensor<1x4x26x26xf32>
cnn.output "z" %z : tensor<1x4x1x1xf32>
