// cnn-fuse: ReLU and residual add become part of the layer before.
// RUN: snow-opt %s --split-input-file -p cnn-fuse | filecheck %s

// ReLU into a convolution, a linear layer and an add, which keep their names.
// CHECK:      cnn.conv2d %x, %w {relu} : {{.*}} loc("conv")
// CHECK-NEXT: cnn.add {{.*}} {relu} : {{.*}} loc("add")
// CHECK-NEXT: cnn.linear {{.*}} {relu} : {{.*}} loc("fc")
// CHECK-NEXT: cnn.output
%x = cnn.input "x" : tensor<1x4x1x1xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%m = cnn.weight "m" : tensor<4x4xf32>
%c = cnn.conv2d %x, %w : (tensor<1x4x1x1xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x1x1xf32> loc("conv")
%r = cnn.relu %c : (tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
%a = cnn.add %r, %x : (tensor<1x4x1x1xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32> loc("add")
%s = cnn.relu %a : (tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
%l = cnn.linear %s, %m : (tensor<1x4x1x1xf32>, tensor<4x4xf32>) -> tensor<1x4xf32> loc("fc")
%t = cnn.relu %l : (tensor<1x4xf32>) -> tensor<1x4xf32>
cnn.output "y" %t : tensor<1x4xf32>

// -----

// The block of a residual network: the add goes into the branch's last convolution, the ReLU behind it too.
// CHECK:      [[A:%.*]] = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} : {{.*}} loc("conv1")
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d [[A]], %w residual %x {pads = [1, 1, 1, 1], relu} : {{.*}} loc("conv2")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x4x3x3xf32>
%a = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} : (tensor<1x4x4x4xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x4x4xf32> loc("conv1")
%r = cnn.relu %a : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%b = cnn.conv2d %r, %w {pads = [1, 1, 1, 1]} : (tensor<1x4x4x4xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x4x4xf32> loc("conv2")
%s = cnn.add %b, %x : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%y = cnn.relu %s : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
cnn.output "y" %y : tensor<1x4x4x4xf32>

// -----

// Where both branches end in a convolution, it is the later one, whichever operand of the add it is.
// CHECK:      %a = cnn.conv2d %x, %w : {{.*}} loc("main")
// CHECK-NEXT: [[S:%.*]] = cnn.conv2d %x, %w residual %a : {{.*}} loc("shortcut")
// CHECK-NEXT: cnn.output "y" [[S]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32> loc("main")
%b = cnn.conv2d %x, %w : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32> loc("shortcut")
%s = cnn.add %b, %a : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
cnn.output "y" %s : tensor<1x4x4x4xf32>

// -----

// A residual that is computed after the convolution: the convolution moves behind it.
// CHECK:      %p = cnn.max_pool %x
// CHECK-NEXT: [[Y:%.*]] = cnn.conv2d %x, %w residual %p : {{.*}} loc("conv")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x4x3x3xf32>
%c = cnn.conv2d %x, %w : (tensor<1x4x4x4xf32>, tensor<4x4x3x3xf32>) -> tensor<1x4x2x2xf32> loc("conv")
%p = cnn.max_pool %x {kernel = [3, 3]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x2x2xf32>
%s = cnn.add %c, %p : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
cnn.output "y" %s : tensor<1x4x2x2xf32>

// -----

// Not into a convolution that somebody else reads, that rectifies, or that has a residual already.
// CHECK:      %a = cnn.conv2d %x, %w :
// CHECK-NEXT: %s = cnn.add %a, %x
// CHECK-NEXT: %b = cnn.conv2d %s, %w {relu} :
// CHECK-NEXT: %t = cnn.add %b, %a
// CHECK-NEXT: %c = cnn.conv2d %t, %w residual %x :
// CHECK-NEXT: %u = cnn.add %c, %x
// CHECK-NEXT: %d = cnn.conv2d %u, %w :
// CHECK-NEXT: %v = cnn.add %d, %d
// CHECK-NEXT: cnn.output "y" %v
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32>
%s = cnn.add %a, %x : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%b = cnn.conv2d %s, %w {relu} : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32>
%t = cnn.add %b, %a : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%c = cnn.conv2d %t, %w residual %x : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%u = cnn.add %c, %x : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%d = cnn.conv2d %u, %w : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32>
%v = cnn.add %d, %d : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
cnn.output "y" %v : tensor<1x4x4x4xf32>

// -----

// Nor in fixed point, where the sum would be rounded once instead of twice.
// CHECK: cnn.conv2d %q, %qw :
// CHECK: cnn.add
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%q = cnn.quantize %x : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%qw = cnn.quantize %w : (tensor<4x4x1x1xf32>) -> tensor<4x4x1x1x!cnn.fixed<8>>
%a = cnn.conv2d %q, %qw : (tensor<1x4x4x4x!cnn.fixed<8>>, tensor<4x4x1x1x!cnn.fixed<8>>) -> tensor<1x4x4x4x!cnn.fixed<8>>
%s = cnn.add %a, %q : (tensor<1x4x4x4x!cnn.fixed<8>>, tensor<1x4x4x4x!cnn.fixed<8>>) -> tensor<1x4x4x4x!cnn.fixed<8>>
cnn.output "y" %s : tensor<1x4x4x4x!cnn.fixed<8>>

// -----

// A ReLU behind a concatenation or a max-pool goes before it; what cannot rectify keeps it as a layer of its own.
// CHECK:      %a = cnn.conv2d %x, %w {relu} :
// CHECK-NEXT: [[R:%.+]] = cnn.relu %x : {{.*}} loc("relu.operand1")
// CHECK-NEXT: [[C:%.+]] = cnn.concat %a, [[R]] : {{.*}} loc("join")
// CHECK-NEXT: %b = cnn.conv2d [[C]], %v {relu} :
// CHECK-NEXT: [[P:%.+]] = cnn.max_pool %b {kernel = [2, 2]} : {{.*}} loc("pool")
// CHECK-NEXT: cnn.output "y" [[P]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%v = cnn.weight "v" : tensor<4x8x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x4x4x4xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x4x4xf32>
%c = cnn.concat %a, %x : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x8x4x4xf32> loc("join")
%r = cnn.relu %c : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("relu")
%b = cnn.conv2d %r, %v : (tensor<1x8x4x4xf32>, tensor<4x8x1x1xf32>) -> tensor<1x4x4x4xf32>
%p = cnn.max_pool %b {kernel = [2, 2]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x3x3xf32> loc("pool")
%s = cnn.relu %p : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
cnn.output "y" %s : tensor<1x4x3x3xf32>

// -----

// Not where no layer takes it: the larger map would be rectified instead of the smaller.
// CHECK:      %p = cnn.max_pool %x
// CHECK-NEXT: %r = cnn.relu %p
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%p = cnn.max_pool %x {kernel = [2, 2]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x3x3xf32>
%r = cnn.relu %p : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
cnn.output "y" %r : tensor<1x4x3x3xf32>

// -----

// A max-pool behind a concatenation goes to the convolutions before it, behind their ReLU.
// CHECK:      %a = cnn.conv2d %x, %w {relu} : {{.*}} loc("left")
// CHECK-NEXT: %b = cnn.conv2d %x, %w {relu} : {{.*}} loc("right")
// CHECK-NEXT: [[A:%.*]] = cnn.max_pool %a {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32> loc("pool.operand0")
// CHECK-NEXT: [[B:%.*]] = cnn.max_pool %b {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32> loc("pool.operand1")
// CHECK-NEXT: [[Y:%.*]] = cnn.concat [[A]], [[B]] : {{.*}} loc("concat")
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x4x8x8xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32> loc("left")
%b = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32> loc("right")
%c = cnn.concat %a, %b : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32> loc("concat")
%r = cnn.relu %c : (tensor<1x8x8x8xf32>) -> tensor<1x8x8x8xf32>
%y = cnn.max_pool %r {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x8x8x8xf32>) -> tensor<1x8x4x4xf32> loc("pool")
cnn.output "y" %y : tensor<1x8x4x4xf32>

// -----

// Not where somebody else reads the concatenation or a part of it, or where a part comes from no convolution.
// CHECK:      [[C:%.*]] = cnn.concat %a, %x
// CHECK-NEXT: %y = cnn.max_pool [[C]]
// CHECK:      [[D:%.*]] = cnn.concat %a, %b
// CHECK-NEXT: %z = cnn.max_pool [[D]]
// CHECK:      [[E:%.*]] = cnn.concat %d, %e
// CHECK-NEXT: %v = cnn.max_pool [[E]]
%x = cnn.input "x" : tensor<1x4x8x8xf32>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
%f = cnn.concat %a, %x : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
%y = cnn.max_pool %f {kernel = [2, 2]} : (tensor<1x8x8x8xf32>) -> tensor<1x8x7x7xf32>
%b = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
%g = cnn.concat %a, %b : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
%z = cnn.max_pool %g {kernel = [2, 2]} : (tensor<1x8x8x8xf32>) -> tensor<1x8x7x7xf32>
%d = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
%e = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x8x8xf32>
%h = cnn.concat %d, %e : (tensor<1x4x8x8xf32>, tensor<1x4x8x8xf32>) -> tensor<1x8x8x8xf32>
%v = cnn.max_pool %h {kernel = [2, 2]} : (tensor<1x8x8x8xf32>) -> tensor<1x8x7x7xf32>
cnn.output "y" %y : tensor<1x8x7x7xf32>
cnn.output "z" %z : tensor<1x8x7x7xf32>
cnn.output "v" %v : tensor<1x8x7x7xf32>
cnn.output "h" %h : tensor<1x8x8x8xf32>
