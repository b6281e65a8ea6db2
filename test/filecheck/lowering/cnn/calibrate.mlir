// Fraction bits from the ranges of tensors, with two bits of headroom, and of constants.
// RUN: python -c "import numpy as np; np.save('%t.npy', np.array([[1.5, -2.0, 0.5, 1.0], [0.0, 1.0, 2.0, 3.0]]).reshape(2, 1, 2, 2))"
// RUN: snow-opt %s -p cnn-fuse,cnn-calibrate --calibrate %t.npy --split-input-file | filecheck %s
// RUN: snow-opt %s -p 'cnn-fuse,cnn-calibrate{samples="%t.npy"},cnn-quantize' --split-input-file | filecheck %s --check-prefix FIXED

// The input reaches 3, and 4 * 3 * 2^11 fits a word. Weights reach 0.5, and 0.5 * 2^15 fits; so does 4 * 2^12, the bias.
// Results reach 4.25, and 4 * 4.25 * 2^10 fits.
// CHECK: cnn.input "x" {cnn.frac_bits = 11 : i64}
// CHECK: cnn.constant {cnn.frac_bits = 15 : i64} dense<{{.*}}> : tensor<1x1x2x2xf32>
// CHECK: cnn.constant {cnn.frac_bits = 12 : i64} dense<4.000000e+00> : tensor<1xf32>
// CHECK: cnn.conv2d {{.*}}relu} attributes {cnn.frac_bits = 10 : i64}
// FIXED: cnn.conv2d {{.*}} -> tensor<1x1x1x1x!cnn.fixed<10>>
%x = cnn.input "x" : tensor<1x1x2x2xf32>
%w = cnn.constant dense<[[[[-0.25, 0.5], [-0.5, 0.25]]]]> : tensor<1x1x2x2xf32>
%b = cnn.constant dense<4.0> : tensor<1xf32>
%y = cnn.conv2d %x, %w bias %b : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>, tensor<1xf32>) -> tensor<1x1x1x1xf32> loc("conv")
%z = cnn.relu %y : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32> loc("relu")
cnn.output "y" %z : tensor<1x1x1x1xf32>

// -----

// 63 * 2^9 fits a word, but four of them times any word do not fit an accumulator: the weights get 8 fraction bits.
// CHECK: cnn.constant {cnn.frac_bits = 8 : i64} dense<6.300000e+01> : tensor<8x1x2x2xf32>
%x = cnn.input "x" : tensor<1x1x2x2xf32>
%w = cnn.constant dense<63.0> : tensor<8x1x2x2xf32>
%y = cnn.conv2d %x, %w : (tensor<1x1x2x2xf32>, tensor<8x1x2x2xf32>) -> tensor<1x8x1x1xf32> loc("conv")
cnn.output "y" %y : tensor<1x8x1x1xf32>

// -----

// Both sides of an add share their fraction bits, as do the parts of a concatenation, a max-pool or a gather and its operand.
// CHECK: cnn.conv2d {{.*}} {cnn.frac_bits = 7 : i64} {{.*}} loc("tens")
// CHECK: cnn.conv2d {{.*}} {cnn.frac_bits = 7 : i64} {{.*}} loc("ones")
// CHECK: cnn.add {{.*}} {cnn.frac_bits = 7 : i64}
// CHECK: cnn.gather {{.*}} {cnn.frac_bits = 7 : i64}
// CHECK: cnn.max_pool {{.*}} {cnn.frac_bits = 7 : i64}
// CHECK: cnn.concat {{.*}} {cnn.frac_bits = 7 : i64}
// FIXED-NOT: cnn.rescale
%x = cnn.input "x" : tensor<1x1x2x2xf32>
%ten = cnn.constant dense<10.0> : tensor<1x1x1x1xf32>
%one = cnn.constant dense<1.0> : tensor<1x1x1x1xf32>
%tens = cnn.conv2d %x, %ten {relu} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32> loc("tens")
%ones = cnn.conv2d %x, %one {relu} : (tensor<1x1x2x2xf32>, tensor<1x1x1x1xf32>) -> tensor<1x1x2x2xf32> loc("ones")
%sum = cnn.add %tens, %ones : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("sum")
%some = cnn.gather %ones {sizes = [1]} : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("some")
%max = cnn.max_pool %some {kernel = [1, 1]} : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("max")
%all = cnn.concat %sum, %max : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x2x2x2xf32> loc("all")
cnn.output "y" %all : tensor<1x2x2x2xf32>

// -----

// A square reaches 9, and 4 * 9 * 2^9 fits; so does a sigmoid below 1, 4 * 2^13 of it, and 4 * 9 * 2^9 of a number times less than one.
// CHECK: cnn.multiply {{.*}} {cnn.frac_bits = 9 : i64}
// CHECK: cnn.sigmoid {{.*}} {cnn.frac_bits = 13 : i64}
// CHECK: cnn.multiply {{.*}} {cnn.frac_bits = 9 : i64} {{.*}} loc("silu")
// FIXED: cnn.multiply {{.*}} -> tensor<1x1x2x2x!cnn.fixed<9>>
// FIXED: cnn.multiply {{.*}} -> tensor<1x1x2x2xf32>
%x = cnn.input "x" : tensor<1x1x2x2xf32>
%r = cnn.relu %x : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("relu")
%y = cnn.multiply %r, %r : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("square")
%s = cnn.sigmoid %y : (tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("sigmoid")
%z = cnn.multiply %y, %s : (tensor<1x1x2x2xf32>, tensor<1x1x2x2xf32>) -> tensor<1x1x2x2xf32> loc("silu")
cnn.output "y" %z : tensor<1x1x2x2xf32>
