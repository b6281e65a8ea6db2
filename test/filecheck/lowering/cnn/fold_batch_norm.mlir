// cnn-fold-batch-norm: factors and shifts per channel go into weights, or become depthwise convolutions.
// RUN: snow-opt %s --split-input-file -p cnn-fold-batch-norm | filecheck %s

// Behind a convolution, into its weights and bias; the convolution keeps its name.
// CHECK:      [[S:%.*]] = cnn.bn_scale %v scale %g {eps = 1.000000e-03 : f64} : {{.*}} loc("bn1")
// CHECK-NEXT: [[T:%.*]] = cnn.bn_shift %m, [[S]] bias %h : {{.*}} loc("bn1")
// CHECK-NEXT: [[W:%.*]] = cnn.fold_scale %w, [[S]] : {{.*}} loc("conv1")
// CHECK-NEXT: [[B:%.*]] = cnn.fold_shift %b, [[S]], [[T]] : {{.*}} loc("conv1")
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d %x, [[W]] bias [[B]] {strides = [2, 2], pads = [1, 1, 1, 1], groups = 2} : {{.*}} loc("conv1")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x2x3x3xf32>
%b = cnn.weight "b" : tensor<4xf32>
%m = cnn.weight "mean" : tensor<4xf32>
%v = cnn.weight "var" : tensor<4xf32>
%g = cnn.weight "gamma" : tensor<4xf32>
%h = cnn.weight "beta" : tensor<4xf32>
%c = cnn.conv2d %x, %w bias %b {strides = [2, 2], pads = [1, 1, 1, 1], groups = 2} : (tensor<1x4x4x4xf32>, tensor<4x2x3x3xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32> loc("conv1")
%y = cnn.batch_norm %c, %m, %v scale %g bias %h {eps = 1.0e-3} : (tensor<1x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32> loc("bn1")
cnn.output "y" %y : tensor<1x4x2x2xf32>

// -----

// Without a bias in the layer, the shift becomes one; without factor and bias in the normalization, two operands less.
// CHECK:      [[S:%.*]] = cnn.bn_scale %v {eps
// CHECK-NEXT: [[T:%.*]] = cnn.bn_shift %v, [[S]] :
// CHECK-NEXT: [[W:%.*]] = cnn.fold_scale %w, [[S]] : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xf32>
// CHECK-NEXT: cnn.linear %x, [[W]] bias [[T]] : {{.*}} loc("fc")
%x = cnn.input "x" : tensor<1x8xf32>
%w = cnn.weight "w" : tensor<4x8xf32>
%v = cnn.weight "v" : tensor<4xf32>
%c = cnn.linear %x, %w : (tensor<1x8xf32>, tensor<4x8xf32>) -> tensor<1x4xf32> loc("fc")
%y = cnn.batch_norm %c, %v, %v {eps = 1.0e-5} : (tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4xf32> loc("bn")
cnn.output "y" %y : tensor<1x4xf32>

// -----

// Not back through a ReLU: a depthwise convolution with the factors on its diagonal, named like the normalization.
// CHECK:      %r = cnn.relu %x
// CHECK-NEXT: [[S:%.*]] = cnn.bn_scale
// CHECK-NEXT: [[T:%.*]] = cnn.bn_shift
// CHECK-NEXT: [[W:%.*]] = cnn.diagonal [[S]] : (tensor<4xf32>) -> tensor<4x1x1x1xf32> loc("bn")
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d %r, [[W]] bias [[T]] {groups = 4} : {{.*}} loc("bn")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%v = cnn.weight "v" : tensor<4xf32>
%r = cnn.relu %x : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%y = cnn.batch_norm %r, %v, %v {eps = 1.0e-5} : (tensor<1x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32> loc("bn")
cnn.output "y" %y : tensor<1x4x2x2xf32>

// -----

// Nor into a convolution that somebody else reads, or that adds a residual or rectifies.
// CHECK:      %c = cnn.conv2d %x, %w
// CHECK-NEXT: [[D:%.*]] = cnn.diagonal %v
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d %c, [[D]] {groups = 4}
// CHECK-NEXT: cnn.output "c" %c
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%v = cnn.weight "v" : tensor<4xf32>
%c = cnn.conv2d %x, %w : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x2x2xf32>
%y = cnn.scale_shift %c, %v : (tensor<1x4x2x2xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32>
cnn.output "c" %c : tensor<1x4x2x2xf32>
cnn.output "y" %y : tensor<1x4x2x2xf32>

// -----

// CHECK: cnn.conv2d %x, %w residual %x :
// CHECK: cnn.conv2d {{.*}} {groups = 4}
// CHECK: cnn.conv2d %x, %w {relu} :
// CHECK: cnn.conv2d {{.*}} {groups = 4}
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%v = cnn.weight "v" : tensor<4xf32>
%c = cnn.conv2d %x, %w residual %x : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%y = cnn.scale_shift %c, %v : (tensor<1x4x2x2xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32>
%d = cnn.conv2d %x, %w {relu} : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x2x2xf32>
%z = cnn.scale_shift %d, %v : (tensor<1x4x2x2xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32>
cnn.output "y" %y : tensor<1x4x2x2xf32>
cnn.output "z" %z : tensor<1x4x2x2xf32>

// -----

// A dropout that scales is a factor; two factors fold one after the other.
// CHECK:      [[W1:%.*]] = cnn.fold_scale %w, %v
// CHECK-NEXT: [[P:%.*]] = cnn.constant dense<7.500000e-01> : tensor<4xf32>
// CHECK-NEXT: [[W2:%.*]] = cnn.fold_scale [[W1]], [[P]]
// CHECK-NEXT: [[B2:%.*]] = cnn.fold_scale %v, [[P]]
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d %x, [[W2]] bias [[B2]] :
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%v = cnn.weight "v" : tensor<4xf32>
%c = cnn.conv2d %x, %w : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x2x2xf32>
%s = cnn.scale_shift %c, %v shift %v : (tensor<1x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32>
%y = cnn.dropout %s {p = 0.25, scale_at_inference} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
cnn.output "y" %y : tensor<1x4x2x2xf32>

// -----

// A vector becomes a map of one pixel for the convolution; a linear layer reads the map as it is.
// CHECK:      [[M:%.*]] = cnn.reshape %x : (tensor<1x4xf32>) -> tensor<1x4x1x1xf32> loc("bn.map")
// CHECK:      [[C:%.*]] = cnn.conv2d [[M]], {{.*}} {groups = 4} : {{.*}} loc("bn")
// CHECK-NEXT: %y = cnn.linear [[C]], %w : (tensor<1x4x1x1xf32>,
// CHECK:      [[V:%.*]] = cnn.reshape {{.*}} : (tensor<1x4x1x1xf32>) -> tensor<1x4xf32> loc("last.vector")
// CHECK-NEXT: cnn.output "z" [[V]]
%x = cnn.input "x" : tensor<1x4xf32>
%w = cnn.weight "w" : tensor<4x4xf32>
%v = cnn.weight "v" : tensor<4xf32>
%n = cnn.scale_shift %x, %v : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32> loc("bn")
%y = cnn.linear %n, %w : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
%r = cnn.relu %y : (tensor<1x4xf32>) -> tensor<1x4xf32>
%z = cnn.scale_shift %r, %v : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32> loc("last")
cnn.output "z" %z : tensor<1x4xf32>
