// cnn-move-averages: an average of many channels before a 1x1 convolution of few comes behind it.
// RUN: snow-opt %s --split-input-file -p cnn-move-averages | filecheck %s

// The bias is not in the windows that reach over the border.
// CHECK:      %{{.*}} = cnn.conv2d %x, %w : (tensor<1x64x8x9xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x8x9xf32> loc("c.sums")
// CHECK-NEXT: %{{.*}} = cnn.avg_pool %{{.*}} {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad} : {{.*}} -> tensor<1x32x8x9xf32> loc("a")
// CHECK-NEXT: %{{.*}} = cnn.constant dense<1.000000e+00> : tensor<32xf32>
// CHECK-NEXT: %{{.*}} = cnn.diagonal %{{.*}} : (tensor<32xf32>) -> tensor<32x1x1x1xf32>
// CHECK-NEXT: %{{.*}} = cnn.conv2d %{{.*}}, %{{.*}} bias %b {groups = 32} {{.*}} -> tensor<1x32x8x9xf32> loc("c")
%x = cnn.input "x" : tensor<1x64x8x9xf32>
%a = cnn.avg_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad} : (tensor<1x64x8x9xf32>) -> tensor<1x64x8x9xf32> loc("a")
%w = cnn.weight "w" : tensor<32x64x1x1xf32>
%b = cnn.weight "b" : tensor<32xf32>
%y = cnn.conv2d %a, %w bias %b : (tensor<1x64x8x9xf32>, tensor<32x64x1x1xf32>, tensor<32xf32>) -> tensor<1x32x8x9xf32> loc("c")
cnn.output "y" %y : tensor<1x32x8x9xf32>

// -----

// Without a bias nothing is left to be added.
// CHECK:      %{{.*}} = cnn.conv2d %x, %w : {{.*}} -> tensor<1x32x8x9xf32> loc("c")
// CHECK-NEXT: %{{.*}} = cnn.avg_pool {{.*}} -> tensor<1x32x8x9xf32> loc("a")
// CHECK-NEXT: cnn.output
%x = cnn.input "x" : tensor<1x64x8x9xf32>
%w = cnn.weight "w" : tensor<32x64x1x1xf32>
%a = cnn.avg_pool %x {kernel = [1, 3], pads = [0, 1, 0, 1], count_include_pad} : (tensor<1x64x8x9xf32>) -> tensor<1x64x8x9xf32> loc("a")
%y = cnn.conv2d %a, %w : (tensor<1x64x8x9xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x8x9xf32> loc("c")
cnn.output "y" %y : tensor<1x32x8x9xf32>

// -----

// Windows of as many elements each are linear; at this border they have fewer.
// CHECK:      cnn.avg_pool %x
%x = cnn.input "x" : tensor<1x64x8x9xf32>
%w = cnn.weight "w" : tensor<32x64x1x1xf32>
%a = cnn.avg_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x64x8x9xf32>) -> tensor<1x64x8x9xf32> loc("a")
%y = cnn.conv2d %a, %w : (tensor<1x64x8x9xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x8x9xf32> loc("c")
cnn.output "y" %y : tensor<1x32x8x9xf32>

// -----

// More than half as many channels; fewer means than pixels; another kernel; another reader.
// CHECK:      cnn.avg_pool %x {kernel = [3, 3]
// CHECK:      cnn.avg_pool %x {kernel = [2, 2]
// CHECK:      cnn.avg_pool %x {kernel = [1, 3]
// CHECK:      cnn.avg_pool %x {kernel = [3, 1]
%x = cnn.input "x" : tensor<1x64x8x8xf32>
%v = cnn.weight "v" : tensor<33x64x1x1xf32>
%w = cnn.weight "w" : tensor<32x64x1x1xf32>
%u = cnn.weight "u" : tensor<32x64x1x3xf32>
%a = cnn.avg_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad} : (tensor<1x64x8x8xf32>) -> tensor<1x64x8x8xf32>
%b = cnn.conv2d %a, %v : (tensor<1x64x8x8xf32>, tensor<33x64x1x1xf32>) -> tensor<1x33x8x8xf32>
cnn.output "b" %b : tensor<1x33x8x8xf32>
%c = cnn.avg_pool %x {kernel = [2, 2], strides = [2, 2]} : (tensor<1x64x8x8xf32>) -> tensor<1x64x4x4xf32>
%d = cnn.conv2d %c, %w : (tensor<1x64x4x4xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x4x4xf32>
cnn.output "d" %d : tensor<1x32x4x4xf32>
%e = cnn.avg_pool %x {kernel = [1, 3], pads = [0, 1, 0, 1], count_include_pad} : (tensor<1x64x8x8xf32>) -> tensor<1x64x8x8xf32>
%f = cnn.conv2d %e, %u : (tensor<1x64x8x8xf32>, tensor<32x64x1x3xf32>) -> tensor<1x32x8x6xf32>
cnn.output "f" %f : tensor<1x32x8x6xf32>
%g = cnn.avg_pool %x {kernel = [3, 1], pads = [1, 0, 1, 0], count_include_pad} : (tensor<1x64x8x8xf32>) -> tensor<1x64x8x8xf32>
%h = cnn.conv2d %g, %w : (tensor<1x64x8x8xf32>, tensor<32x64x1x1xf32>) -> tensor<1x32x8x8xf32>
cnn.output "g" %g : tensor<1x64x8x8xf32>
cnn.output "h" %h : tensor<1x32x8x8xf32>
