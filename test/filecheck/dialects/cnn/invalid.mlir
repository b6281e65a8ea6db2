// What the cnn dialect refuses, and what it says: the operation, the layer if it has a name, the sizes.
// RUN: snow-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x16x3x3xf32>
// CHECK: cnn.conv2d "conv1": weight expects 16 input channels, input has 8
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>, tensor<4x16x3x3xf32>) -> tensor<1x4x2x2xf32> loc("conv1")

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": weight expects 16 input channels in 2 groups, input has 8
%y = cnn.conv2d %x, %w {groups = 2} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<3x4x3x3xf32>
// CHECK: cnn.conv2d "y": 3 output channels cannot be split into 2 groups
%y = cnn.conv2d %x, %w {groups = 2} : (tensor<1x8x4x4xf32>, tensor<3x4x3x3xf32>) -> tensor<1x3x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x5x5xf32>
// CHECK: cnn.conv2d "y": kernel spans 5 rows, the padded input has 4
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>, tensor<4x8x5x5xf32>) -> tensor<1x4x1x1xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": result must be 1x4x2x2, is 1x4x4x4
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": strides must be at least 1, are [0, 1]
%y = cnn.conv2d %x, %w {strides = [0, 1]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": pads must hold 4 numbers, holds 2
%y = cnn.conv2d %x, %w {pads = [1, 1]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x32xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": input must be a map 1xCxHxW, is 1x32
%y = cnn.conv2d %x, %w : (tensor<1x32xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
%b = cnn.weight "b" : tensor<8xf32>
// CHECK: cnn.conv2d "y": bias must be 4, is 8
%y = cnn.conv2d %x, %w bias %b : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>, tensor<8xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": residual must be 1x4x2x2, is 1x8x4x4
%y = cnn.conv2d %x, %w residual %x : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>, tensor<1x8x4x4xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.input "w" : tensor<1x8x3x3xf32>
// CHECK: cnn.conv2d "y": weight must be a constant, depends on an input of the network
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>, tensor<1x8x3x3xf32>) -> tensor<1x1x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
%q = cnn.quantize %w : (tensor<4x8x3x3xf32>) -> tensor<4x8x3x3x!cnn.fixed<8>>
// CHECK: cnn.conv2d "y": operands and result mix f32 and fixed point
%y = cnn.conv2d %x, %q : (tensor<1x8x4x4xf32>, tensor<4x8x3x3x!cnn.fixed<8>>) -> tensor<1x4x2x2xf32>

// -----

// The accumulator has 2 + 3 fraction bits; a result with 6 would need a shift to the left.
%x = cnn.input "x" : tensor<1x8x4x4xf32>
%qx = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<2>>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
%qw = cnn.quantize %w : (tensor<4x8x3x3xf32>) -> tensor<4x8x3x3x!cnn.fixed<3>>
// CHECK: cnn.conv2d "y": the result needs a shift by -1 bits, the machine shifts by 0..31
%y = cnn.conv2d %qx, %qw : (tensor<1x8x4x4x!cnn.fixed<2>>, tensor<4x8x3x3x!cnn.fixed<3>>) -> tensor<1x4x2x2x!cnn.fixed<6>>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%qx = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<20>>
%w = cnn.weight "w" : tensor<4x8xf32>
%qw = cnn.quantize %w : (tensor<4x8xf32>) -> tensor<4x8x!cnn.fixed<20>>
%b = cnn.weight "b" : tensor<4xf32>
%qb = cnn.quantize %b : (tensor<4xf32>) -> tensor<4x!cnn.fixed<8>>
// CHECK: cnn.linear "y": the bias needs a shift by 32 bits, the machine shifts by 0..31
%y = cnn.linear %qx, %qw bias %qb : (tensor<1x8x!cnn.fixed<20>>, tensor<4x8x!cnn.fixed<20>>, tensor<4x!cnn.fixed<8>>) -> tensor<1x4x!cnn.fixed<20>>

// -----

%x = cnn.input "x" : tensor<1x4x2x2xf32>
%qx = cnn.quantize %x : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2x!cnn.fixed<3>>
%w = cnn.weight "w" : tensor<4x4x1x1xf32>
%qw = cnn.quantize %w : (tensor<4x4x1x1xf32>) -> tensor<4x4x1x1x!cnn.fixed<3>>
%r = cnn.rescale %qx : (tensor<1x4x2x2x!cnn.fixed<3>>) -> tensor<1x4x2x2x!cnn.fixed<8>>
// CHECK: cnn.conv2d "y": the residual needs a shift by -2 bits, the machine shifts by 0..31
%y = cnn.conv2d %qx, %qw residual %r : (tensor<1x4x2x2x!cnn.fixed<3>>, tensor<4x4x1x1x!cnn.fixed<3>>, tensor<1x4x2x2x!cnn.fixed<8>>) -> tensor<1x4x2x2x!cnn.fixed<6>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: 2 operands have 1 types
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: unknown option stride: expected one of strides, pads, dilations, groups, relu
%y = cnn.conv2d %x, %w {stride = [1, 1]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: option relu is given twice
%y = cnn.conv2d %x, %w {relu, relu} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<10x64xf32>
// CHECK: cnn.linear "fc": weight expects 64 inputs, input has 128 (1x8x4x4)
%y = cnn.linear %x, %w : (tensor<1x8x4x4xf32>, tensor<10x64xf32>) -> tensor<1x10xf32> loc("fc")

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.max_pool "y": kernel spans 5 columns, the padded input has 4
%y = cnn.max_pool %x {kernel = [3, 5]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x1xf32>

// -----

// Without padding Torch7 keeps a last window that starts behind the input, and fills it with garbage.
%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.max_pool "y": the window of output row 2 covers no element of the input
%y = cnn.max_pool %x {kernel = [1, 1], strides = [2, 2], ceil_mode} : (tensor<1x8x4x4xf32>) -> tensor<1x8x3x3xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.avg_pool "y": the window of output row 0 covers no element of the input
%y = cnn.avg_pool %x {kernel = [2, 2], pads = [2, 0, 0, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x5x3xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%q = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
// CHECK: cnn.max_pool "y": the result must have the elements of the operand
%y = cnn.max_pool %q {kernel = [2, 2]} : (tensor<1x8x4x4x!cnn.fixed<8>>) -> tensor<1x8x3x3x!cnn.fixed<7>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%q = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<0>>
// CHECK: cnn.avg_pool "y": the result needs a shift by -1 bits, the machine shifts by 0..31
%y = cnn.avg_pool %q {kernel = [2, 2]} : (tensor<1x8x4x4x!cnn.fixed<0>>) -> tensor<1x8x3x3x!cnn.fixed<16>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%z = cnn.input "z" : tensor<1x8x2x2xf32>
// CHECK: cnn.add "y": operands must have one shape, are 1x8x4x4 and 1x8x2x2
%y = cnn.add %x, %z : (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%z = cnn.input "z" : tensor<1x8x2x2xf32>
// CHECK: cnn.concat "y": operands must agree in all but the channels, are 1x8x4x4, 1x8x2x2
%y = cnn.concat %x, %z : (tensor<1x8x4x4xf32>, tensor<1x8x2x2xf32>) -> tensor<1x16x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%a = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
%b = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<7>>
// CHECK: cnn.concat "y": operands and result must have the same elements
%y = cnn.concat %a, %b : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<1x8x4x4x!cnn.fixed<7>>) -> tensor<1x16x4x4x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interleave "y": takes fixed point
%y = cnn.interleave %x, %x : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x8x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%z = cnn.input "z" : tensor<1x8x4x5xf32>
// CHECK: cnn.interleave "y": operands must have the same shape, are 1x8x4x4, 1x8x4x5
%y = cnn.interleave %x, %z : (tensor<1x8x4x4xf32>, tensor<1x8x4x5xf32>) -> tensor<1x8x8x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%a = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
%b = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<7>>
// CHECK: cnn.interleave "y": operands and result must have the same elements
%y = cnn.interleave %a, %b : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<1x8x4x4x!cnn.fixed<7>>) -> tensor<1x8x8x4x!cnn.fixed<8>>

// -----

// CHECK: cnn.interleave_kernels "v": kernels 16x7x3x1 have no 2 parts of as many channels
%w = cnn.weight "w" : tensor<16x7x3x1xf32>
%v = cnn.interleave_kernels %w {parts = 2} : (tensor<16x7x3x1xf32>) -> tensor<16x3x6x1xf32>

// -----

// CHECK: cnn.slice_kernels "v": 16x7x3x1 holds no kernels 12 to 17
%w = cnn.weight "w" : tensor<16x7x3x1xf32>
%v = cnn.slice_kernels %w {first = 12, count = 5} : (tensor<16x7x3x1xf32>) -> tensor<5x7x3x1xf32>

// -----

// CHECK: cnn.slice_kernels "v": 16 holds no kernels 4 to 4
%w = cnn.weight "w" : tensor<16xf32>
%v = cnn.slice_kernels %w {first = 4, count = 0} : (tensor<16xf32>) -> tensor<0xf32>

// -----

// CHECK: cnn.concat_kernels "u": kernels must agree in all but their number, are 16x7x3x1, 4x7x1x1
%w = cnn.weight "w" : tensor<16x7x3x1xf32>
%v = cnn.weight "v" : tensor<4x7x1x1xf32>
%u = cnn.concat_kernels %w, %v : (tensor<16x7x3x1xf32>, tensor<4x7x1x1xf32>) -> tensor<20x7x3x1xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%v = cnn.weight "v" : tensor<4xf32>
// CHECK: cnn.batch_norm "bn": mean must be 8, one a channel, is 4
%y = cnn.batch_norm %x, %v, %v {eps = 1.0e-5} : (tensor<1x8x4x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x8x4x4xf32> loc("bn")

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.dropout "y": p must be a probability below 1, is 1.5
%y = cnn.dropout %x {p = 1.5} : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.reshape "y": 1x8x4x4 cannot be reshaped to 1x64
%y = cnn.reshape %x : (tensor<1x8x4x4xf32>) -> tensor<1x64xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.pad "y": pads [-2, 0, -2, 0] leave nothing of 4x4
%y = cnn.pad %x {pads = [-2, 0, -2, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x1x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
// CHECK: cnn.softmax "y": works on f32 only
%y = cnn.softmax %q : (tensor<1x8x!cnn.fixed<8>>) -> tensor<1x8x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.lrn "y": input must be a map 1xCxHxW, is 1x8
%y = cnn.lrn %x {size = 5, alpha = 1.0, beta = 0.75, k = 1.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.lrn "y": size must be at least 1, is 0
%y = cnn.lrn %x {size = 0, alpha = 1.0, beta = 0.75, k = 1.0} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.lrn "y": k must be at least 1e-05, is 0.0
%y = cnn.lrn %x {size = 5, alpha = 1.0, beta = 0.75, k = 0.0} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.lrn "y": alpha must be a number of 0 or more, is -1.0
%y = cnn.lrn %x {size = 5, alpha = -1.0, beta = 0.75, k = 1.0} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.lrn "y": beta must be 0..16, is 17.0
%y = cnn.lrn %x {size = 5, alpha = 1.0, beta = 17.0, k = 1.0} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.rescale "y": works on fixed point only
%y = cnn.rescale %x : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.quantize "y": turns f32 into fixed point
%y = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

// CHECK: cnn.input: the first axis of the shape is the batch and must be 1
%x = cnn.input "x" : tensor<8xf32>

// -----

// CHECK: cnn.input: 1x? is no shape of an input, whose sizes are at least 1, rows and columns at most 65536, elements in all 268435456
%x = cnn.input "x" : tensor<1x?xf32>

// -----

// CHECK: cnn.input: 1x3x0x8 is no shape of an input
%x = cnn.input "x" : tensor<1x3x0x8xf32>

// -----

// CHECK: cnn.input: 1x3x99999999999x8 is no shape of an input
%x = cnn.input "x" : tensor<1x3x99999999999x8xf32>

// -----

// CHECK: cnn.input: 1x300000000 is no shape of an input
%x = cnn.input "x" : tensor<1x300000000xf32>

// -----

// CHECK: cnn.input: an input is f32; cnn.quantize makes fixed point of it
%x = cnn.input "x" : tensor<1x8x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1xf32>
%w = cnn.weight "w" : tensor<1x4xf32>
// CHECK: cnn.fold_scale "y": every operand must be a constant, depends on an input of the network
%y = cnn.fold_scale %w, %x : (tensor<1x4xf32>, tensor<1xf32>) -> tensor<1x4xf32>

// -----

// CHECK: !cnn.fixed: the fraction bits must be 0..31, are 32
%x = cnn.input "x" : tensor<1x8x!cnn.fixed<32>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": limit 6 is no power of two that words reach, or not that of a ReLU
%y = cnn.conv2d %x, %w {relu, limit = 6} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv2d "y": limit 8 is no power of two that words reach, or not that of a ReLU
%y = cnn.conv2d %x, %w {limit = 8} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x2x2xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%q = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
%v = cnn.quantize %w : (tensor<4x8x3x3xf32>) -> tensor<4x8x3x3x!cnn.fixed<8>>
// CHECK: cnn.conv2d "y": words with 8 fraction bits do not saturate at 8
%y = cnn.conv2d %q, %v {relu, limit = 8} : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<4x8x3x3x!cnn.fixed<8>>) -> tensor<1x4x2x2x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.relu "y": limit -1.0 is no number of f32 above zero
%y = cnn.relu %x {limit = -1.0 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%f = cnn.input "f" : tensor<1x8x4x2xf32>
// CHECK: cnn.multiply "y": operands must have one shape, or the second one element along some axes, are 1x8x4x4 and 1x8x4x2
%y = cnn.multiply %x, %f : (tensor<1x8x4x4xf32>, tensor<1x8x4x2xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x1x1xf32>
%f = cnn.input "f" : tensor<1x8x4x4xf32>
// CHECK: cnn.multiply "y": operands must have one shape, or the second one element along some axes, are 1x8x1x1 and 1x8x4x4
%y = cnn.multiply %x, %f : (tensor<1x8x1x1xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<4>>
// CHECK: cnn.multiply "y": the result needs a shift by -1 bits, the machine shifts by 0..31
%y = cnn.multiply %q, %q : (tensor<1x8x!cnn.fixed<4>>, tensor<1x8x!cnn.fixed<4>>) -> tensor<1x8x!cnn.fixed<9>>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<4>>
// CHECK: cnn.multiply "y": operands and result mix f32 and fixed point
%y = cnn.multiply %q, %x : (tensor<1x8x!cnn.fixed<4>>, tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.hard_sigmoid "y": beta must be a number up to 1e+30, is -inf
%y = cnn.hard_sigmoid %x {alpha = 0.2, beta = 0xFFF0000000000000 : f64} : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
// CHECK: cnn.hard_sigmoid "y": works on f32 only
%y = cnn.hard_sigmoid %q {alpha = 0.2, beta = 0.5} : (tensor<1x8x!cnn.fixed<8>>) -> tensor<1x8x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.gather "y": takes channels 6 to 8, input has 8
%y = cnn.gather %x {offset = 6, sizes = [3]} : (tensor<1x8x4x4xf32>) -> tensor<1x3x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.gather "y": takes channels -1 to 6, input has 8
%y = cnn.gather %x {offset = 1, sizes = [2, 3], strides = [5, -1]} : (tensor<1x8x4x4xf32>) -> tensor<1x6x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.gather "y": strides must hold 2 numbers, holds 1
%y = cnn.gather %x {sizes = [4, 2]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.gather "y": sizes must be at least 1, are [0]
%y = cnn.gather %x {sizes = [0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%q = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
// CHECK: cnn.gather "y": the result must have the elements of the operand
%y = cnn.gather %q {sizes = [4]} : (tensor<1x8x4x4x!cnn.fixed<8>>) -> tensor<1x4x4x4x!cnn.fixed<9>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.upsample "y": factors must be at least 1, are [2, 0]
%y = cnn.upsample %x {factors = [2, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x8x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.upsample "y": input must be a map 1xCxHxW, is 1x8
%y = cnn.upsample %x {factors = [2, 2]} : (tensor<1x8xf32>) -> tensor<1x16xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.depth_to_space "y": 8 channels cannot be split into blocks of 2x3
%y = cnn.depth_to_space %x {block = [2, 3]} : (tensor<1x8x4x4xf32>) -> tensor<1x1x8x12xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.depth_to_space "y": crop [3, 0, 5, 0] leaves nothing of 8x8
%y = cnn.depth_to_space %x {block = [2, 2], crop = [3, 0, 5, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x2x1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.depth_to_space "y": crop must be at least 0, are [0, -1, 0, 0]
%y = cnn.depth_to_space %x {block = [2, 2], crop = [0, -1, 0, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x2x8x9xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.space_to_depth "y": 4x4 cannot be split into blocks of 2x3
%y = cnn.space_to_depth %x {block = [2, 3]} : (tensor<1x8x4x4xf32>) -> tensor<1x48x2x1xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": weight expects 16 input channels in 2 groups, input has 8
%y = cnn.conv_transpose2d %x, %w {groups = 2} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": result must be 1x4x6x6, is 1x4x4x4
%y = cnn.conv_transpose2d %x, %w  : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": pads of 2 and 5 columns leave nothing of 6
%y = cnn.conv_transpose2d %x, %w {pads = [0, 2, 0, 5]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x6xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": pads of -1 and 0 rows leave nothing of 6
%y = cnn.conv_transpose2d %x, %w {pads = [-1, 0, 0, 0]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x7x6xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": strides and dilations of columns are 2 and 2, one of them must be 1
%y = cnn.conv_transpose2d %x, %w {strides = [1, 2], dilations = [1, 2]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x6x11xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.conv_transpose2d "y": strides of 7 rows leave more than half of the result to no kernel of 3
%y = cnn.conv_transpose2d %x, %w {strides = [7, 1]} : (tensor<1x8x4x4xf32>, tensor<4x8x3x3xf32>) -> tensor<1x4x24x6xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%q = cnn.quantize %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<4x8x3x3xf32>
%k = cnn.quantize %w : (tensor<4x8x3x3xf32>) -> tensor<4x8x3x3x!cnn.fixed<8>>
// CHECK: cnn.conv_transpose2d "y": works on f32 only
%y = cnn.conv_transpose2d %q, %k : (tensor<1x8x4x4x!cnn.fixed<8>>, tensor<4x8x3x3x!cnn.fixed<8>>) -> tensor<1x4x6x6x!cnn.fixed<8>>

// -----

%w = cnn.weight "w" : tensor<4x8x3x3xf32>
// CHECK: cnn.phase_kernels "k": strides must be at least 1, are [2, 0]
%k = cnn.phase_kernels %w {strides = array<i64: 2, 0>} : (tensor<4x8x3x3xf32>) -> tensor<8x8x2x3xf32>

// -----

%s = cnn.weight "s" : tensor<4xf32>
// CHECK: cnn.repeat "r": times must be at least 1, is 0
%r = cnn.repeat %s {times = 0} : (tensor<4xf32>) -> tensor<0xf32>
