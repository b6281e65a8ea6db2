// Local simplifications of the cnn dialect, by xDSL's own pass.
// RUN: snow-opt %s --split-input-file -p canonicalize | filecheck %s

// An identity, and a dropout that does not scale, are their operand.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: cnn.output "y" %x
%x = cnn.input "x" : tensor<1x8xf32>
%i = cnn.identity %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
%d = cnn.dropout %i {p = 0.5} : (tensor<1x8xf32>) -> tensor<1x8xf32>
%n = cnn.dropout %d {p = 0.0, scale_at_inference} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "y" %n : tensor<1x8xf32>

// -----

// A dropout that scales moves to the linear layer whose weights can take the factor; each keeps its name.
// CHECK:      %fc = cnn.linear %x, %w
// CHECK-NEXT: cnn.dropout %fc {p = 2.500000e-01 : f64, scale_at_inference} : {{.*}} loc("drop")
// CHECK-NEXT: cnn.relu {{.*}} loc("relu")
// CHECK-NEXT: cnn.output
%x = cnn.input "x" : tensor<1x8xf32>
%w = cnn.weight "w" : tensor<8x8xf32>
%fc = cnn.linear %x, %w : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
%r = cnn.relu %fc : (tensor<1x8xf32>) -> tensor<1x8xf32> loc("relu")
%d = cnn.dropout %r {p = 0.25, scale_at_inference} : (tensor<1x8xf32>) -> tensor<1x8xf32> loc("drop")
cnn.output "y" %d : tensor<1x8xf32>

// -----

// Not past a ReLU that somebody else reads.
// CHECK:      %r = cnn.relu %x
// CHECK-NEXT: %d = cnn.dropout %r
%x = cnn.input "x" : tensor<1x8xf32>
%r = cnn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
%d = cnn.dropout %r {p = 0.25, scale_at_inference} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "r" %r : tensor<1x8xf32>
cnn.output "d" %d : tensor<1x8xf32>

// -----

// What is rectified need not be rectified again.
// CHECK:      %r = cnn.relu %x
// CHECK-NEXT: %a = cnn.add %r, %r {relu}
// CHECK-NEXT: cnn.output "y" %a
%x = cnn.input "x" : tensor<1x8xf32>
%r = cnn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
%s = cnn.relu %r : (tensor<1x8xf32>) -> tensor<1x8xf32>
%a = cnn.add %s, %s {relu} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
%b = cnn.relu %a : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "y" %b : tensor<1x8xf32>

// -----

// Of two limits the lower one is left; a ReLU that something else reads, too, stays.
// CHECK:      %b = cnn.relu %x {limit = 6.000000e+00 : f64}
// CHECK-NEXT: cnn.output "b" %b
// CHECK-NEXT: %c = cnn.relu %x {limit = 1.000000e+00 : f64}
// CHECK-NEXT: cnn.output "c" %c
// CHECK-NEXT: %e = cnn.relu %x
// CHECK-NEXT: %f = cnn.relu %e {limit = 6.000000e+00 : f64}
// CHECK-NEXT: cnn.output "f" %f
// CHECK-NEXT: cnn.output "e" %e
// CHECK-NEXT: %g = cnn.add %x, %x {relu}
// CHECK-NEXT: %h = cnn.relu %g {limit = 6.000000e+00 : f64}
// CHECK-NEXT: cnn.output "h" %h
%x = cnn.input "x" : tensor<1x8xf32>
%a = cnn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
%b = cnn.relu %a {limit = 6.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "b" %b : tensor<1x8xf32>
%c = cnn.relu %x {limit = 1.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
%d = cnn.relu %c {limit = 6.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "c" %d : tensor<1x8xf32>
%e = cnn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
%f = cnn.relu %e {limit = 6.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "f" %f : tensor<1x8xf32>
cnn.output "e" %e : tensor<1x8xf32>
%g = cnn.add %x, %x {relu} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
%h = cnn.relu %g {limit = 6.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "h" %h : tensor<1x8xf32>

// -----

// A dropout does not move before a limit.
// CHECK:      cnn.relu %x {limit = 4.000000e+00 : f64}
// CHECK-NEXT: cnn.dropout %r
%x = cnn.input "x" : tensor<1x8xf32>
%r = cnn.relu %x {limit = 4.0} : (tensor<1x8xf32>) -> tensor<1x8xf32>
%d = cnn.dropout %r {p = 0.25, scale_at_inference} : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "y" %d : tensor<1x8xf32>

// -----

// Reshapes merge; a linear layer flattens its operand itself; a reshape to the same shape goes.
// CHECK:      %y = cnn.linear %x, %w : (tensor<1x2x2x2xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
// CHECK-NEXT: %m = cnn.reshape %y : (tensor<1x8xf32>) -> tensor<1x2x2x2xf32>
// CHECK-NEXT: cnn.output "y" %m
%x = cnn.input "x" : tensor<1x2x2x2xf32>
%w = cnn.weight "w" : tensor<8x8xf32>
%a = cnn.reshape %x : (tensor<1x2x2x2xf32>) -> tensor<1x4x2xf32>
%b = cnn.reshape %a : (tensor<1x4x2xf32>) -> tensor<1x8xf32>
%y = cnn.linear %b, %w : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
%s = cnn.reshape %y : (tensor<1x8xf32>) -> tensor<1x8xf32>
%l = cnn.reshape %s : (tensor<1x8xf32>) -> tensor<1x4x1x2xf32>
%m = cnn.reshape %l : (tensor<1x4x1x2xf32>) -> tensor<1x2x2x2xf32>
cnn.output "y" %m : tensor<1x2x2x2xf32>

// -----

// But one that has a schedule has it for the operand that it reads.
// CHECK:      %a = cnn.reshape %x
// CHECK-NEXT: cnn.linear %a, %w {chosen} : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
%x = cnn.input "x" : tensor<1x2x2x2xf32>
%w = cnn.weight "w" : tensor<8x8xf32>
%a = cnn.reshape %x : (tensor<1x2x2x2xf32>) -> tensor<1x8xf32>
%y = cnn.linear %a, %w {chosen} : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
cnn.output "y" %y : tensor<1x8xf32>

// -----

// Concatenations merge; one of a single operand is that operand.
// CHECK:      %d = cnn.concat %x, %x, %x, %x {{.*}} loc("outer")
// CHECK-NEXT: cnn.output "y" %d
%x = cnn.input "x" : tensor<1x2x2x2xf32>
%a = cnn.concat %x : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
%b = cnn.concat %a, %x : (tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x4x2x2xf32>
%d = cnn.concat %x, %b, %a : (tensor<1x2x2x2xf32>, tensor<1x4x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x8x2x2xf32> loc("outer")
cnn.output "y" %d : tensor<1x8x2x2xf32>

// -----

// Zeros around a map become pads of the convolution that reads it, which then stores none.
// CHECK:      %y = cnn.conv2d %x, %w {pads = [1, 2, 1, 1]} : (tensor<1x2x2x2xf32>, {{.*}} loc("conv")
// CHECK-NEXT: cnn.output
%x = cnn.input "x" : tensor<1x2x2x2xf32>
%w = cnn.weight "w" : tensor<4x2x2x2xf32>
%p = cnn.pad %x {pads = [0, 1, 0, 1]} : (tensor<1x2x2x2xf32>) -> tensor<1x2x2x4xf32>
%q = cnn.pad %p {pads = [1, 0, 0, 0]} : (tensor<1x2x2x4xf32>) -> tensor<1x2x3x4xf32>
%n = cnn.pad %q {pads = [0, 0, 0, 0]} : (tensor<1x2x3x4xf32>) -> tensor<1x2x3x4xf32>
%y = cnn.conv2d %n, %w {pads = [0, 1, 1, 0]} : (tensor<1x2x3x4xf32>, tensor<4x2x2x2xf32>) -> tensor<1x4x3x4xf32> loc("conv")
cnn.output "y" %y : tensor<1x4x3x4xf32>

// -----

// Cropping is no padding, and a max-pool's padding is no zeros.
// CHECK: cnn.pad %x {pads = [-1, 0, 0, 0]}
// CHECK: cnn.conv2d
// CHECK: cnn.pad %x {pads = [1, 1, 1, 1]}
// CHECK: cnn.max_pool
%x = cnn.input "x" : tensor<1x2x2x2xf32>
%w = cnn.weight "w" : tensor<4x2x1x1xf32>
%p = cnn.pad %x {pads = [-1, 0, 0, 0]} : (tensor<1x2x2x2xf32>) -> tensor<1x2x1x2xf32>
%y = cnn.conv2d %p, %w : (tensor<1x2x1x2xf32>, tensor<4x2x1x1xf32>) -> tensor<1x4x1x2xf32>
%q = cnn.pad %x {pads = [1, 1, 1, 1]} : (tensor<1x2x2x2xf32>) -> tensor<1x2x4x4xf32>
%z = cnn.max_pool %q {kernel = [2, 2]} : (tensor<1x2x4x4xf32>) -> tensor<1x2x3x3xf32>
cnn.output "y" %y : tensor<1x4x1x2xf32>
cnn.output "z" %z : tensor<1x2x3x3xf32>

// -----

// f32 holds every word, so a word that was dequantised is quantised to itself; with other fraction bits it is not.
// CHECK:      %q = cnn.quantize %x
// CHECK-NEXT: %d = cnn.dequantize %q
// CHECK-NEXT: %t = cnn.quantize %d : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<7>>
// CHECK-NEXT: cnn.output "s" %q
%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
%d = cnn.dequantize %q : (tensor<1x8x!cnn.fixed<8>>) -> tensor<1x8xf32>
%s = cnn.quantize %d : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
%t = cnn.quantize %d : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<7>>
cnn.output "s" %s : tensor<1x8x!cnn.fixed<8>>
cnn.output "t" %t : tensor<1x8x!cnn.fixed<7>>

// -----

// What nobody reads goes: layers have no effects.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: cnn.output "y" %x
%x = cnn.input "x" : tensor<1x8xf32>
%unused = cnn.relu %x : (tensor<1x8xf32>) -> tensor<1x8xf32>
cnn.output "y" %x : tensor<1x8xf32>

// -----

// A pool of whole maps, whichever way it is said; a calibration stays.
// CHECK:      cnn.avg_pool %x {kernel = [8, 8]} :
// CHECK-NEXT: cnn.avg_pool %x {kernel = [8, 8]} :
// CHECK-NEXT: cnn.avg_pool %x {kernel = [8, 8]} attributes {cnn.frac_bits = 4 : i64} :
// CHECK-NEXT: cnn.max_pool %x {kernel = [8, 8]} :
%x = cnn.input "x" : tensor<1x2x8x8xf32>
%a = cnn.avg_pool %x {kernel = [8, 8]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
%b = cnn.avg_pool %x {kernel = [8, 8], strides = [8, 8], count_include_pad} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
%c = cnn.avg_pool %x {kernel = [8, 8], strides = [1, 3], ceil_mode} attributes {cnn.frac_bits = 4} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
%d = cnn.max_pool %x {kernel = [8, 8], strides = [8, 8], ceil_mode} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
cnn.output "a" %a : tensor<1x2x1x1xf32>
cnn.output "b" %b : tensor<1x2x1x1xf32>
cnn.output "c" %c : tensor<1x2x1x1xf32>
cnn.output "d" %d : tensor<1x2x1x1xf32>

// -----

// What makes a difference stays: a row that is left over, a window that hangs over, padding that counts.
// CHECK:      cnn.max_pool %x {kernel = [5, 8], strides = [4, 1]} :
// CHECK-NEXT: cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} :
// CHECK-NEXT: cnn.avg_pool %x {kernel = [8, 8], pads = [1, 1, 0, 0], count_include_pad} :
// CHECK:      cnn.avg_pool %y {kernel = [8, 8], strides = [2, 2], ceil_mode} :
%x = cnn.input "x" : tensor<1x2x8x8xf32>
%a = cnn.max_pool %x {kernel = [5, 8], strides = [4, 4]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x1x1xf32>
%b = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x2x8x8xf32>) -> tensor<1x2x4x4xf32>
%c = cnn.avg_pool %x {kernel = [8, 8], pads = [1, 1, 0, 0], count_include_pad} : (tensor<1x2x8x8xf32>) -> tensor<1x2x2x2xf32>
%y = cnn.input "y" : tensor<1x2x9x9xf32>
%d = cnn.avg_pool %y {kernel = [8, 8], strides = [2, 2], ceil_mode} : (tensor<1x2x9x9xf32>) -> tensor<1x2x2x2xf32>
cnn.output "a" %a : tensor<1x2x1x1xf32>
cnn.output "b" %b : tensor<1x2x4x4xf32>
cnn.output "c" %c : tensor<1x2x2x2xf32>
cnn.output "d" %d : tensor<1x2x2x2xf32>

// -----

// A pool pads its maps itself, where nothing in them is below zero; an average pool counts what it pads.
// CHECK:      %m = cnn.max_pool %r {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}
// CHECK-NEXT: %q = cnn.pad %x
// CHECK-NEXT: %a = cnn.avg_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad}
// CHECK-NEXT: %n = cnn.max_pool %q {kernel = [3, 3]
%x = cnn.input "x" : tensor<1x2x6x6xf32>
%r = cnn.relu %x : (tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
%p = cnn.pad %r {pads = [1, 1, 1, 1]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x8x8xf32>
%m = cnn.max_pool %p {kernel = [3, 3], strides = [2, 2]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x3x3xf32>
%q = cnn.pad %x {pads = [1, 1, 1, 1]} : (tensor<1x2x6x6xf32>) -> tensor<1x2x8x8xf32>
%a = cnn.avg_pool %q {kernel = [3, 3]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
%n = cnn.max_pool %q {kernel = [3, 3]} : (tensor<1x2x8x8xf32>) -> tensor<1x2x6x6xf32>
cnn.output "m" %m : tensor<1x2x3x3xf32>
cnn.output "a" %a : tensor<1x2x6x6xf32>
cnn.output "n" %n : tensor<1x2x6x6xf32>

// -----

// A gather of all channels in their order is its operand; not so one that changes it, or takes some.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: %b = cnn.gather %x {sizes = [2, 3], strides = [1, 2]}
// CHECK-NEXT: %c = cnn.gather %x {sizes = [5]}
// CHECK-NEXT: cnn.output "a" %x
%x = cnn.input "x" : tensor<1x6x2x2xf32>
%a = cnn.gather %x {sizes = [3, 2], strides = [2, 1]} : (tensor<1x6x2x2xf32>) -> tensor<1x6x2x2xf32>
%b = cnn.gather %x {sizes = [2, 3], strides = [1, 2]} : (tensor<1x6x2x2xf32>) -> tensor<1x6x2x2xf32>
%c = cnn.gather %x {sizes = [5]} : (tensor<1x6x2x2xf32>) -> tensor<1x5x2x2xf32>
cnn.output "a" %a : tensor<1x6x2x2xf32>
cnn.output "b" %b : tensor<1x6x2x2xf32>
cnn.output "c" %c : tensor<1x5x2x2xf32>

// -----

// Factors of channels that are repeated for each element, as PyTorch writes squeeze and excitation, need not be.
// CHECK:      %y = cnn.multiply %x, %f : (tensor<1x6x2x3xf32>, tensor<1x6x1x1xf32>)
// CHECK-NEXT: %z = cnn.multiply %x, %f :
// CHECK-NEXT: %w = cnn.multiply %f, %f :
// CHECK-NEXT: cnn.output
%x = cnn.input "x" : tensor<1x6x2x3xf32>
%f = cnn.input "f" : tensor<1x6x1x1xf32>
%e = cnn.upsample %f {factors = [2, 3]} : (tensor<1x6x1x1xf32>) -> tensor<1x6x2x3xf32>
%y = cnn.multiply %x, %e : (tensor<1x6x2x3xf32>, tensor<1x6x2x3xf32>) -> tensor<1x6x2x3xf32>
%z = cnn.multiply %e, %x : (tensor<1x6x2x3xf32>, tensor<1x6x2x3xf32>) -> tensor<1x6x2x3xf32>
%o = cnn.upsample %f {factors = [1, 1]} : (tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
%w = cnn.multiply %o, %o : (tensor<1x6x1x1xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x1x1xf32>
cnn.output "y" %y : tensor<1x6x2x3xf32>
cnn.output "z" %z : tensor<1x6x2x3xf32>
cnn.output "w" %w : tensor<1x6x1x1xf32>

// -----

// Blocks of one pixel are those of the operand, unless some are left out. A ReLU behind a shuffle of pixels comes before it,
// and so does a dropout that scales, unless somebody else reads the pixels.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: %b = cnn.depth_to_space %x {block = [1, 1], crop = [0, 1, 0, 0]}
// CHECK-NEXT: [[R:%.+]] = cnn.relu %x {limit = 6.000000e+00 : f64} {{.*}} loc("r")
// CHECK-NEXT: [[D:%.+]] = cnn.dropout [[R]] {p = 2.500000e-01 : f64, scale_at_inference} {{.*}} loc("d")
// CHECK-NEXT: [[Y:%.+]] = cnn.depth_to_space [[D]] {block = [2, 2]} {{.*}} loc("c")
// CHECK-NEXT: %e = cnn.depth_to_space %x {block = [2, 1], blocks_first}
// CHECK-NEXT: %s = cnn.relu %e
// CHECK-NEXT: cnn.output "a" %x
// CHECK-NEXT: cnn.output "f" %x
// CHECK:      cnn.output "d" [[Y]]
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%a = cnn.depth_to_space %x {block = [1, 1]} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%f = cnn.space_to_depth %x {block = [1, 1]} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%b = cnn.depth_to_space %x {block = [1, 1], crop = [0, 1, 0, 0]} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x1xf32>
%c = cnn.depth_to_space %x {block = [2, 2]} : (tensor<1x4x2x2xf32>) -> tensor<1x1x4x4xf32> loc("c")
%r = cnn.relu %c {limit = 6.0} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("r")
%d = cnn.dropout %r {p = 0.25, scale_at_inference} : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("d")
%e = cnn.depth_to_space %x {block = [2, 1], blocks_first} : (tensor<1x4x2x2xf32>) -> tensor<1x2x4x2xf32>
%s = cnn.relu %e : (tensor<1x2x4x2xf32>) -> tensor<1x2x4x2xf32>
cnn.output "a" %a : tensor<1x4x2x2xf32>
cnn.output "f" %f : tensor<1x4x2x2xf32>
cnn.output "b" %b : tensor<1x4x2x1xf32>
cnn.output "d" %d : tensor<1x1x4x4xf32>
cnn.output "e" %e : tensor<1x2x4x2xf32>
cnn.output "s" %s : tensor<1x2x4x2xf32>

// -----

// Factors and shifts of channels whose pixels are shuffled are those of the channels before; in the other order they stay.
// CHECK:      %v = cnn.weight "v"
// CHECK-NEXT: [[M:%.+]] = cnn.repeat %v {times = 4 : i64} : (tensor<2xf32>) -> tensor<8xf32>
// CHECK-NEXT: [[V:%.+]] = cnn.repeat %v {times = 4 : i64}
// CHECK-NEXT: [[N:%.+]] = cnn.batch_norm %x, [[M]], [[V]] {eps = 1.000000e-03 : f64} : {{.*}} -> tensor<1x8x2x2xf32> loc("bn")
// CHECK-NEXT: [[Y:%.+]] = cnn.depth_to_space [[N]] {block = [2, 2]} {{.*}} loc("shuffle")
// CHECK-NEXT: [[C:%.+]] = cnn.depth_to_space %x {block = [2, 2], blocks_first}
// CHECK-NEXT: cnn.scale_shift [[C]], %v :
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x8x2x2xf32>
%v = cnn.weight "v" : tensor<2xf32>
%s = cnn.depth_to_space %x {block = [2, 2]} : (tensor<1x8x2x2xf32>) -> tensor<1x2x4x4xf32> loc("shuffle")
%y = cnn.batch_norm %s, %v, %v {eps = 1.0e-3} : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32> loc("bn")
%c = cnn.depth_to_space %x {block = [2, 2], blocks_first} : (tensor<1x8x2x2xf32>) -> tensor<1x2x4x4xf32>
%z = cnn.scale_shift %c, %v : (tensor<1x2x4x4xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
cnn.output "y" %y : tensor<1x2x4x4xf32>
cnn.output "z" %z : tensor<1x2x4x4xf32>

// -----

// An interpolation that leaves every pixel where it was is its operand.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: %b = cnn.interpolate %x {sizes = [2, 2], steps = [1, 1], offsets = [0, 1], units = [1, 2]}
// CHECK-NEXT: cnn.output "a" %x
%x = cnn.input "x" : tensor<1x8x2x2xf32>
%a = cnn.interpolate %x {sizes = [2, 2], steps = [3, 1], units = [3, 1]} : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
%b = cnn.interpolate %x {sizes = [2, 2], steps = [1, 1], offsets = [0, 1], units = [1, 2]} : (tensor<1x8x2x2xf32>) -> tensor<1x8x2x2xf32>
cnn.output "a" %a : tensor<1x8x2x2xf32>
cnn.output "b" %b : tensor<1x8x2x2xf32>

// -----

// A choice of all rows and columns is their operand; of what was chosen only what stays inside can be chosen at once.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: %c = cnn.sample %x {offsets = [3, -1], sizes = [2, 2], steps = [-2, 2], reflect} : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32>
// CHECK-NEXT: [[SLICE:%.+]] = cnn.sample %x {sizes = [2, 4], steps = [2, 1]}
// CHECK-NEXT: %e = cnn.sample [[SLICE]] {sizes = [2, 5]}
// CHECK-NEXT: cnn.output "a" %x
// CHECK-NEXT: cnn.output "c" %c
%x = cnn.input "x" : tensor<1x8x4x4xf32>
%a = cnn.sample %x {sizes = [4, 4]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
%b = cnn.sample %a {offsets = [0, -2], sizes = [4, 7], reflect} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x7xf32>
%c = cnn.sample %b {offsets = [3, 1], sizes = [2, 2], steps = [-2, 2]} : (tensor<1x8x4x7xf32>) -> tensor<1x8x2x2xf32>
%d = cnn.sample %x {sizes = [2, 4], steps = [2, 1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x4xf32>
%e = cnn.sample %d {sizes = [2, 5]} : (tensor<1x8x2x4xf32>) -> tensor<1x8x2x5xf32>
cnn.output "a" %a : tensor<1x8x4x4xf32>
cnn.output "c" %c : tensor<1x8x2x2xf32>
cnn.output "e" %e : tensor<1x8x2x5xf32>

// -----

// A factor before, and a factor and a shift behind, become part of an error function, if they are one number each.
// CHECK:      [[X:%.+]] = cnn.input "x"
// CHECK:      [[SHIFTED:%.+]] = cnn.scale_shift [[X]], %half shift %half :
// CHECK-NEXT: cnn.erf [[SHIFTED]] {scale = 1.000000e+00 : f64, factor = 1.000000e+00 : f64, shift = 0.000000e+00 : f64}
// CHECK-NEXT: [[GATE:%.+]] = cnn.erf [[X]] {scale = 5.000000e-01 : f64, factor = 5.000000e-01 : f64, shift = 1.000000e+00 : f64}
// CHECK-NEXT: cnn.multiply [[X]], [[GATE]]
// CHECK:      [[BOTH:%.+]] = cnn.erf [[X]] {scale = 1.000000e+00 : f64, factor = 1.000000e+00 : f64, shift = 0.000000e+00 : f64}
// CHECK:      cnn.scale_shift [[BOTH]], %two
%x = cnn.input "x" : tensor<1x2x4x4xf32>
%half = cnn.constant dense<0.5> : tensor<2xf32>
%two = cnn.constant dense<[1.0, 2.0]> : tensor<2xf32>
%shifted = cnn.scale_shift %x, %half shift %half : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
%a = cnn.erf %shifted {scale = 1.0 : f64, factor = 1.0 : f64, shift = 0.0 : f64} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
%scaled = cnn.scale_shift %x, %half : (tensor<1x2x4x4xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
%b = cnn.erf %scaled {scale = 1.0 : f64, factor = 1.0 : f64, shift = 1.0 : f64} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
%c = cnn.scale_shift %b, %half shift %half : (tensor<1x2x4x4xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
%d = cnn.multiply %x, %c : (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
%e = cnn.erf %x {scale = 1.0 : f64, factor = 1.0 : f64, shift = 0.0 : f64} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
%f = cnn.scale_shift %e, %two : (tensor<1x2x4x4xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
cnn.output "a" %a : tensor<1x2x4x4xf32>
cnn.output "d" %d : tensor<1x2x4x4xf32>
cnn.output "f" %f : tensor<1x2x4x4xf32>

// -----

// What a product repeats by itself need not be repeated: one row, one column; but not two.
// CHECK:      %x = cnn.input "x"
// CHECK:      cnn.multiply %x, %row
// CHECK:      [[TWO:%.+]] = cnn.upsample %two
// CHECK-NEXT: cnn.multiply %x, [[TWO]]
%x = cnn.input "x" : tensor<1x8x4x4xf32>
%row = cnn.input "row" : tensor<1x8x1x4xf32>
%two = cnn.input "two" : tensor<1x8x2x4xf32>
%a = cnn.upsample %row {factors = [4, 1]} : (tensor<1x8x1x4xf32>) -> tensor<1x8x4x4xf32>
%b = cnn.multiply %x, %a : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
%c = cnn.upsample %two {factors = [2, 1]} : (tensor<1x8x2x4xf32>) -> tensor<1x8x4x4xf32>
%d = cnn.multiply %x, %c : (tensor<1x8x4x4xf32>, tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
cnn.output "b" %b : tensor<1x8x4x4xf32>
cnn.output "d" %d : tensor<1x8x4x4xf32>

// -----

// Two transpositions are one, or none; one that moves axes of one element only is a reshape.
// CHECK:      %x = cnn.input "x"
// CHECK-NEXT: [[ONE:%.+]] = cnn.transpose %x {order = [0, 3, 1, 2]} : (tensor<1x8x4x2xf32>) -> tensor<1x2x8x4xf32>
// CHECK-NEXT: cnn.output "b" [[ONE]]
// CHECK-NEXT: cnn.output "c" %x
// CHECK:      %v = cnn.input "v"
// CHECK-NEXT: cnn.reshape %v : (tensor<1x8x1x2xf32>) -> tensor<1x1x8x2xf32>
%x = cnn.input "x" : tensor<1x8x4x2xf32>
%a = cnn.transpose %x {order = [0, 2, 3, 1]} : (tensor<1x8x4x2xf32>) -> tensor<1x4x2x8xf32>
%b = cnn.transpose %a {order = [0, 2, 3, 1]} : (tensor<1x4x2x8xf32>) -> tensor<1x2x8x4xf32>
%c = cnn.transpose %b {order = [0, 2, 3, 1]} : (tensor<1x2x8x4xf32>) -> tensor<1x8x4x2xf32>
cnn.output "b" %b : tensor<1x2x8x4xf32>
cnn.output "c" %c : tensor<1x8x4x2xf32>
%v = cnn.input "v" : tensor<1x8x1x2xf32>
%d = cnn.transpose %v {order = [0, 2, 1, 3]} : (tensor<1x8x1x2xf32>) -> tensor<1x1x8x2xf32>
cnn.output "d" %d : tensor<1x1x8x2xf32>
