// cnn-canonicalize: a network as Torch7 saves it, without the layers that do nothing when it is evaluated.
// RUN: snow-opt %s -p cnn-canonicalize | filecheck %s

// CHECK:      %x = cnn.input "input" : tensor<1x1x4x4xf32>
// CHECK-NEXT: %w = cnn.weight "1.weight"
// CHECK-NEXT: %c = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} : {{.*}} loc("1")
// CHECK-NEXT: %r = cnn.relu %c : {{.*}} loc("2")
// CHECK-NEXT: %m = cnn.weight "5.weight"
// CHECK-NEXT: %l = cnn.linear %r, %m : {{.*}} loc("5")
// CHECK-NEXT: cnn.output "output" %l
// CHECK-NEXT: }
%x = cnn.input "input" : tensor<1x1x4x4xf32>
%p = cnn.pad %x {pads = [1, 1, 1, 1]} : (tensor<1x1x4x4xf32>) -> tensor<1x1x6x6xf32> loc("0")
%w = cnn.weight "1.weight" : tensor<2x1x3x3xf32>
%c = cnn.conv2d %p, %w : (tensor<1x1x6x6xf32>, tensor<2x1x3x3xf32>) -> tensor<1x2x4x4xf32> loc("1")
%r = cnn.relu %c : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("2")
%v = cnn.reshape %r : (tensor<1x2x4x4xf32>) -> tensor<1x32xf32> loc("3")
%d = cnn.dropout %v {p = 0.5} : (tensor<1x32xf32>) -> tensor<1x32xf32> loc("4")
%m = cnn.weight "5.weight" : tensor<10x32xf32>
%l = cnn.linear %d, %m : (tensor<1x32xf32>, tensor<10x32xf32>) -> tensor<1x10xf32> loc("5")
cnn.output "output" %l : tensor<1x10xf32>
