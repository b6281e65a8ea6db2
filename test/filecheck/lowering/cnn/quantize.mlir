// cnn-quantize: layers of the accelerator in fixed point, layers of the host in f32, conversions where they meet.
// RUN: snow-opt %s --split-input-file -p cnn-quantize | filecheck %s

// By default everything is Q8.8. Two readers share one quantisation.
// CHECK:      %x = cnn.input "image" : tensor<1x4x4x4xf32> loc("image")
// CHECK-NEXT: [[X:%.*]] = cnn.quantize %x : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4x!cnn.fixed<8>> loc("image")
// CHECK-NEXT: %w = cnn.weight "w"
// CHECK-NEXT: [[W:%.*]] = cnn.quantize %w : (tensor<4x4x3x3xf32>) -> tensor<4x4x3x3x!cnn.fixed<8>>
// CHECK-NEXT: %b = cnn.weight "b"
// CHECK-NEXT: [[B:%.*]] = cnn.quantize %b : (tensor<4xf32>) -> tensor<4x!cnn.fixed<8>>
// CHECK:      [[Y:%.*]] = cnn.conv2d [[X]], [[W]] bias [[B]] residual [[X]] {pads = [1, 1, 1, 1], relu} : {{.*}} -> tensor<1x4x4x4x!cnn.fixed<8>> loc("conv1")
// CHECK-NEXT: [[P:%.*]] = cnn.max_pool [[Y]] {kernel = [2, 2], strides = [2, 2]} : {{.*}} loc("pool")
// CHECK-NEXT: [[L:%.*]] = cnn.linear [[P]], {{%.*}} bias [[B]] : {{.*}} loc("fc")
// CHECK-NEXT: [[F:%.*]] = cnn.dequantize [[L]] : (tensor<1x4x!cnn.fixed<8>>) -> tensor<1x4xf32> loc("fc")
// CHECK-NEXT: %s = cnn.softmax [[F]] : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("softmax")
// CHECK-NEXT: cnn.output "scores" %s : tensor<1x4xf32>
// CHECK-NEXT: }
%x = cnn.input "image" : tensor<1x4x4x4xf32> loc("image")
%w = cnn.weight "w" : tensor<4x4x3x3xf32>
%b = cnn.weight "b" : tensor<4xf32>
%m = cnn.weight "m" : tensor<4x16xf32>
%y = cnn.conv2d %x, %w bias %b residual %x {pads = [1, 1, 1, 1], relu} : (tensor<1x4x4x4xf32>, tensor<4x4x3x3xf32>, tensor<4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> loc("conv1")
%p = cnn.max_pool %y {kernel = [2, 2], strides = [2, 2]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x2x2xf32> loc("pool")
%l = cnn.linear %p, %m bias %b : (tensor<1x4x2x2xf32>, tensor<4x16xf32>, tensor<4xf32>) -> tensor<1x4xf32> loc("fc")
%s = cnn.softmax %l : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("softmax")
cnn.output "scores" %s : tensor<1x4xf32>

// -----

// A host layer in the middle: its result is quantised again. Reshape, gather, upsample and pad stay where their operand is.
// CHECK:      %r = cnn.reshape %x : (tensor<1x16xf32>) -> tensor<1x4x2x2xf32>
// CHECK-NEXT: [[R:%.*]] = cnn.quantize %r
// CHECK-NEXT: [[A:%.*]] = cnn.relu [[R]] : (tensor<1x4x2x2x!cnn.fixed<8>>)
// CHECK-NEXT: [[G:%.*]] = cnn.gather [[A]] {sizes = [2, 2], strides = [1, 2]} : (tensor<1x4x2x2x!cnn.fixed<8>>)
// CHECK-NEXT: [[U:%.*]] = cnn.upsample [[G]] {factors = [1, 2]} : (tensor<1x4x2x2x!cnn.fixed<8>>) -> tensor<1x4x2x4x!cnn.fixed<8>>
// CHECK-NEXT: [[P:%.*]] = cnn.pad [[U]] {pads = [1, 0, 1, 0]} : (tensor<1x4x2x4x!cnn.fixed<8>>) -> tensor<1x4x4x4x!cnn.fixed<8>>
// CHECK-NEXT: [[D:%.*]] = cnn.dequantize [[P]]
// CHECK-NEXT: %t = cnn.tanh [[D]]
// CHECK-NEXT: [[Q:%.*]] = cnn.quantize %t
// CHECK-NEXT: [[G:%.*]] = cnn.avg_pool [[Q]] {kernel = [4, 4]}
// CHECK-NEXT: [[F:%.*]] = cnn.reshape [[G]] : (tensor<1x4x1x1x!cnn.fixed<8>>) -> tensor<1x4x!cnn.fixed<8>>
// CHECK-NEXT: [[Y:%.*]] = cnn.dequantize [[F]]
// CHECK-NEXT: cnn.output "y" [[Y]]
%x = cnn.input "x" : tensor<1x16xf32>
%r = cnn.reshape %x : (tensor<1x16xf32>) -> tensor<1x4x2x2xf32>
%a = cnn.relu %r : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%h = cnn.gather %a {sizes = [2, 2], strides = [1, 2]} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32>
%u = cnn.upsample %h {factors = [1, 2]} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x4xf32>
%p = cnn.pad %u {pads = [1, 0, 1, 0]} : (tensor<1x4x2x4xf32>) -> tensor<1x4x4x4xf32>
%t = cnn.tanh %p : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%g = cnn.avg_pool %t {kernel = [4, 4]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x1x1xf32>
%y = cnn.reshape %g : (tensor<1x4x1x1xf32>) -> tensor<1x4xf32>
cnn.output "y" %y : tensor<1x4xf32>

// -----

// Fraction bits by tensor, as a calibration chooses them. A concatenation wants one position: the smallest.
// CHECK:      [[X:%.*]] = cnn.quantize %x : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2x!cnn.fixed<10>>
// CHECK:      [[W:%.*]] = cnn.quantize %w : (tensor<4x4x1x1xf32>) -> tensor<4x4x1x1x!cnn.fixed<13>>
// CHECK:      [[Y:%.*]] = cnn.conv2d [[X]], [[W]] : {{.*}} -> tensor<1x4x2x2x!cnn.fixed<6>> loc("conv")
// CHECK-NEXT: [[A:%.*]] = cnn.add [[Y]], [[X]] : {{.*}} -> tensor<1x4x2x2x!cnn.fixed<5>> loc("add")
// CHECK-NEXT: [[S:%.*]] = cnn.rescale [[X]] : (tensor<1x4x2x2x!cnn.fixed<10>>) -> tensor<1x4x2x2x!cnn.fixed<5>> loc("concat.operand1")
// CHECK-NEXT: [[C:%.*]] = cnn.concat [[A]], [[S]] : {{.*}} -> tensor<1x8x2x2x!cnn.fixed<5>> loc("concat")
%x = cnn.input "x" {cnn.frac_bits = 10} : tensor<1x4x2x2xf32>
%w = cnn.weight "w" {cnn.frac_bits = 13} : tensor<4x4x1x1xf32>
%y = cnn.conv2d %x, %w attributes {cnn.frac_bits = 6} : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>) -> tensor<1x4x2x2xf32> loc("conv")
%a = cnn.add %y, %x {cnn.frac_bits = 5} : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32> loc("add")
%c = cnn.concat %a, %x : (tensor<1x4x2x2xf32>, tensor<1x4x2x2xf32>) -> tensor<1x8x2x2xf32> loc("concat")
cnn.output "y" %c : tensor<1x8x2x2xf32>

// -----

// Shifts stay within 0..31. The result cannot have more fraction bits than the accumulator, here 2 + 3; neither can
// bias and residual, so one is quantised coarser, the other rescaled.
// CHECK-DAG:  [[B:%.*]] = cnn.quantize %b : (tensor<4xf32>) -> tensor<4x!cnn.fixed<5>>
// CHECK-DAG:  [[R:%.*]] = cnn.quantize %r : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2x!cnn.fixed<8>>
// CHECK:      [[S:%.*]] = cnn.rescale [[R]] : (tensor<1x4x2x2x!cnn.fixed<8>>) -> tensor<1x4x2x2x!cnn.fixed<5>> loc("conv.residual")
// CHECK-NEXT: cnn.conv2d {{%.*}}, {{%.*}} bias [[B]] residual [[S]] : {{.*}} -> tensor<1x4x2x2x!cnn.fixed<5>> loc("conv")
%x = cnn.input "x" {cnn.frac_bits = 2} : tensor<1x4x2x2xf32>
%r = cnn.input "r" : tensor<1x4x2x2xf32>
%w = cnn.weight "w" {cnn.frac_bits = 3} : tensor<4x4x1x1xf32>
%b = cnn.weight "b" : tensor<4xf32>
%y = cnn.conv2d %x, %w bias %b residual %r : (tensor<1x4x2x2xf32>, tensor<4x4x1x1xf32>, tensor<4xf32>, tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32> loc("conv")
cnn.output "y" %y : tensor<1x4x2x2xf32>

// -----

// An accumulator 32 bits finer than the result gives up weight bits; a bias gets the bits it needs to reach it.
// CHECK-DAG:  [[W:%.*]] = cnn.quantize %w : (tensor<4x4xf32>) -> tensor<4x4x!cnn.fixed<11>>
// CHECK-DAG:  [[V:%.*]] = cnn.quantize %v : (tensor<4x4xf32>) -> tensor<4x4x!cnn.fixed<20>>
// CHECK-DAG:  [[B:%.*]] = cnn.quantize %b : (tensor<4xf32>) -> tensor<4x!cnn.fixed<9>>
// CHECK:      [[Y:%.*]] = cnn.linear {{%.*}}, [[W]] : {{.*}} -> tensor<1x4x!cnn.fixed<0>>
// CHECK:      cnn.linear {{%.*}}, [[V]] bias [[B]] : {{.*}} -> tensor<1x4x!cnn.fixed<20>>
%x = cnn.input "x" {cnn.frac_bits = 20} : tensor<1x4xf32>
%w = cnn.weight "w" {cnn.frac_bits = 12} : tensor<4x4xf32>
%v = cnn.weight "v" {cnn.frac_bits = 20} : tensor<4x4xf32>
%b = cnn.weight "b" : tensor<4xf32>
%y = cnn.linear %x, %w {cnn.frac_bits = 0} : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
%z = cnn.linear %x, %v bias %b {cnn.frac_bits = 20} : (tensor<1x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
cnn.output "y" %y : tensor<1x4xf32>
cnn.output "z" %z : tensor<1x4xf32>

// -----

// Local response normalization stays in f32, between layers of the accelerator.
// CHECK:      [[A:%.*]] = cnn.max_pool {{%.*}} {kernel = [2, 2]} : {{.*}} -> tensor<1x4x3x3x!cnn.fixed<8>>
// CHECK-NEXT: [[D:%.*]] = cnn.dequantize [[A]] : (tensor<1x4x3x3x!cnn.fixed<8>>) -> tensor<1x4x3x3xf32>
// CHECK-NEXT: %n = cnn.lrn [[D]] {size = 5 : i64, alpha = 1.000000e-04 : f64, beta = 7.500000e-01 : f64, k = 1.000000e+00 : f64} : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32> loc("norm")
// CHECK-NEXT: [[Q:%.*]] = cnn.quantize %n : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3x!cnn.fixed<8>> loc("norm")
// CHECK-NEXT: cnn.relu [[Q]]
%x = cnn.input "x" : tensor<1x4x4x4xf32>
%p = cnn.max_pool %x {kernel = [2, 2]} : (tensor<1x4x4x4xf32>) -> tensor<1x4x3x3xf32>
%n = cnn.lrn %p {size = 5, alpha = 1.0e-4, beta = 0.75, k = 1.0} : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32> loc("norm")
%y = cnn.relu %n : (tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
cnn.output "y" %y : tensor<1x4x3x3xf32>

// -----

// A product of words is one, of no more fraction bits than both have; what the host computed in f32 is not rounded before.
// CHECK:      [[P:%.*]] = cnn.avg_pool [[X:%.*]] {kernel = [4, 4]}
// CHECK-NEXT: [[D:%.*]] = cnn.dequantize [[P]]
// CHECK-NEXT: [[A:%.*]] = cnn.multiply [[X]], [[P]] : (tensor<1x4x4x4x!cnn.fixed<2>>, tensor<1x4x1x1x!cnn.fixed<3>>) -> tensor<1x4x4x4x!cnn.fixed<5>> loc("words")
// CHECK-NEXT: [[B:%.*]] = cnn.dequantize [[A]]
// CHECK-NEXT: %s = cnn.sigmoid [[D]]
// CHECK-NEXT: %z = cnn.multiply [[B]], %s : (tensor<1x4x4x4xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x4x4xf32> loc("floats")
// CHECK-NEXT: [[Z:%.*]] = cnn.quantize %z : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4x!cnn.fixed<8>> loc("floats")
// CHECK-NEXT: cnn.relu [[Z]]
%x = cnn.input "x" {cnn.frac_bits = 2} : tensor<1x4x4x4xf32>
%r = cnn.relu %x : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
%p = cnn.avg_pool %r {kernel = [4, 4]} attributes {cnn.frac_bits = 3} : (tensor<1x4x4x4xf32>) -> tensor<1x4x1x1xf32>
%y = cnn.multiply %r, %p {cnn.frac_bits = 9} : (tensor<1x4x4x4xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x4x4xf32> loc("words")
%s = cnn.sigmoid %p : (tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
%z = cnn.multiply %y, %s : (tensor<1x4x4x4xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x4x4xf32> loc("floats")
%a = cnn.relu %z : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
cnn.output "y" %a : tensor<1x4x4x4xf32>
