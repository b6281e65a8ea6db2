// cnn-fold-limits: a ReLU has its limit where words saturate, or is two of them.
// RUN: snow-opt %s --split-input-file -p cnn-fold-limits | filecheck %s
// RUN: snow-opt %s --split-input-file -p "cnn-fold-limits{calibrated=true}" | filecheck %s --check-prefix=OPEN
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-fold-limits,cnn-fold-batch-norm,cnn-fuse,cnn-quantize | filecheck %s --check-prefix=FIXED

// ReLU6: weights before it times 8 / 6, and those of all that read it, behind a pool and a shuffle or not, times 6 / 8. In fixed point the
// result has 12 fraction bits, with which words end at 8.
// CHECK:      %y = cnn.conv2d %x, %w
// CHECK-NEXT: %[[S:.*]] = cnn.constant dense<1.33333337> : tensor<4xf32> loc("relu6.scale")
// CHECK-NEXT: %[[Y:.*]] = cnn.scale_shift %y, %[[S]] {{.*}} loc("relu6.scale")
// CHECK-NEXT: %[[R:.*]] = cnn.relu %[[Y]] {limit = 8.000000e+00 : f64} : {{.*}} loc("relu6")
// CHECK-NEXT: %s = cnn.gather %[[R]]
// CHECK-NEXT: %p = cnn.max_pool %s
// CHECK-NEXT: %[[BACK:.*]] = cnn.constant dense<7.500000e-01> : tensor<4xf32> loc("behind")
// CHECK-NEXT: %[[V:.*]] = cnn.fold_scale %v, %[[BACK]]
// CHECK-NEXT: %z = cnn.conv2d %p, %[[V]]
// CHECK:      cnn.fold_scale %u
// CHECK-NEXT: cnn.conv2d %[[R]]
// FIXED: cnn.conv2d {{.*}} {relu, limit = 8} : {{.*}} -> tensor<1x4x6x6x!cnn.fixed<12>>
// FIXED: cnn.conv2d {{.*}} -> tensor<1x4x3x3x!cnn.fixed<8>>
%x = cnn.input "x" : tensor<1x3x6x6xf32>
%w = cnn.weight "w" : tensor<4x3x1x1xf32>
%v = cnn.weight "v" : tensor<4x4x1x1xf32>
%u = cnn.weight "u" : tensor<2x4x1x1xf32>
%y = cnn.conv2d %x, %w : (tensor<1x3x6x6xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x6x6xf32> loc("before")
%r = cnn.relu %y {limit = 6.0 : f64} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> loc("relu6")
%s = cnn.gather %r {sizes = [2, 2], strides = [1, 2]} : (tensor<1x4x6x6xf32>) -> tensor<1x4x6x6xf32> loc("shuffle")
%p = cnn.max_pool %s {kernel = [2, 2], strides = [2, 2]} : (tensor<1x4x6x6xf32>) -> tensor<1x4x3x3xf32> loc("pool")
%z = cnn.conv2d %p, %v : (tensor<1x4x3x3xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x3x3xf32> loc("behind")
%t = cnn.conv2d %r, %u : (tensor<1x4x6x6xf32>, tensor<2x4x1x1xf32>) -> tensor<1x2x6x6xf32> loc("beside")
cnn.output "z" %z : tensor<1x4x3x3xf32>
cnn.output "t" %t : tensor<1x2x6x6xf32>

// -----

// What is read by something that cannot take the factor back, or comes from something that has no weights, is
// 6 - max(6 - x, 0), and again a ReLU.
// CHECK:      %r = cnn.relu
// CHECK-NOT:  limit
// CHECK:      cnn.constant dense<-1.000000e+00> : tensor<3xf32> loc("relu6.below")
// CHECK-NEXT: cnn.constant dense<6.000000e+00> : tensor<3xf32> loc("relu6.below")
// CHECK-NEXT: cnn.scale_shift {{.*}} loc("relu6.below")
// CHECK-NEXT: cnn.relu {{.*}} loc("relu6.below.relu")
// CHECK:      cnn.scale_shift {{.*}} loc("relu6")
// CHECK-NEXT: cnn.relu {{.*}} loc("relu6.above.relu")
// CHECK-NEXT: cnn.output
// FIXED: cnn.output
%x = cnn.input "x" : tensor<1x3x6x6xf32>
%r = cnn.relu %x : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> loc("relu")
%y = cnn.relu %r {limit = 6.0 : f64} : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> loc("relu6")
cnn.output "y" %y : tensor<1x3x6x6xf32>

// -----

// A product would see what a factor makes of its operand, so there is none.
// CHECK:      cnn.conv2d
// CHECK-NOT:  limit
// CHECK-NOT:  cnn.fold_scale
// CHECK:      cnn.scale_shift {{.*}} loc("relu6")
// CHECK-NEXT: %[[R:.*]] = cnn.relu {{.*}} loc("relu6.above.relu")
// CHECK-NEXT: cnn.conv2d %[[R]]
// CHECK-NEXT: cnn.multiply %[[R]], {{.*}} loc("gated")
// FIXED: cnn.multiply
%x = cnn.input "x" : tensor<1x3x6x6xf32>
%w = cnn.weight "w" : tensor<3x3x1x1xf32>
%y = cnn.conv2d %x, %w : (tensor<1x3x6x6xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x6x6xf32> loc("before")
%r = cnn.relu %y {limit = 6.0 : f64} : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> loc("relu6")
%z = cnn.conv2d %r, %w : (tensor<1x3x6x6xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x6x6xf32> loc("gate")
%p = cnn.multiply %r, %z : (tensor<1x3x6x6xf32>, tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> loc("gated")
cnn.output "p" %p : tensor<1x3x6x6xf32>

// -----

// In Q8.8 no words reach 128. Where formats are still to be chosen, they may.
// CHECK:      cnn.input "far"
// CHECK-NEXT: cnn.relu
// CHECK-NOT:  limit
// CHECK-NEXT: cnn.output
// FIXED: cnn.output
// OPEN:      cnn.input "far"
// OPEN:      cnn.constant dense<2.000000e+02> : tensor<3xf32> loc("relu200.below")
%x = cnn.input "far" : tensor<1x3x6x6xf32>
%y = cnn.relu %x {limit = 200.0 : f64} : (tensor<1x3x6x6xf32>) -> tensor<1x3x6x6xf32> loc("relu200")
cnn.output "y" %y : tensor<1x3x6x6xf32>

// -----

// A power of two needs no factor.
// CHECK:      cnn.conv2d
// CHECK-NEXT: cnn.relu {{.*}} {limit = 4.000000e+00 : f64}
// CHECK-NEXT: cnn.weight
// CHECK-NEXT: cnn.linear
// FIXED: cnn.conv2d {{.*}} {relu, limit = 4} : {{.*}}!cnn.fixed<13>>
%x = cnn.input "x" : tensor<1x3x1x1xf32>
%w = cnn.weight "w" : tensor<4x3x1x1xf32>
%y = cnn.conv2d %x, %w : (tensor<1x3x1x1xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x1x1xf32> loc("before")
%r = cnn.relu %y {limit = 4.0 : f64} : (tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32> loc("relu4")
%v = cnn.weight "v" : tensor<5x4xf32>
%z = cnn.linear %r, %v : (tensor<1x4x1x1xf32>, tensor<5x4xf32>) -> tensor<1x5xf32> loc("behind")
cnn.output "z" %z : tensor<1x5xf32>
