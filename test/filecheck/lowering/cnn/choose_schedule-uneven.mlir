// cnn-choose-schedule: some of the kernels of a part of a concatenation become a layer of their own.
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{uneven=1} | filecheck %s
// RUN: snow-opt %s -p cnn-choose-schedule | snow-opt --no-debuginfo | filecheck %s --check-prefix=QUICKER
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{uneven=0} | filecheck %s --check-prefix=ALIKE
// RUN: snow-opt %s --no-debuginfo -p cnn-choose-schedule{schedule=paper} | filecheck %s --check-prefix=ALIKE
// RUN: not snow-opt %s -p cnn-choose-schedule{uneven=2} 2>&1 | filecheck %s --check-prefix=TWO

// TWO: error: cnn-choose-schedule: uneven must be 0 or 1, is 2

// Neither the second convolution, of as many kernels as a CU computes side by side, nor the last one, a part of nothing.
// CHECK:      [[B:%.*]] = cnn.slice_kernels %b {first = 0 : i64, count = 192 : i64} : (tensor<208xf32>) -> tensor<192xf32>
// CHECK-NEXT: [[BQ:%.*]] = cnn.quantize [[B]] : (tensor<192xf32>) -> tensor<192x!cnn.fixed<16>>
// CHECK-NEXT: [[W:%.*]] = cnn.slice_kernels %w {first = 0 : i64, count = 192 : i64} : (tensor<208x96x3x3xf32>) -> tensor<192x96x3x3xf32>
// CHECK-NEXT: [[WQ:%.*]] = cnn.quantize [[W]] : (tensor<192x96x3x3xf32>) -> tensor<192x96x3x3x!cnn.fixed<8>>
// CHECK-NEXT: [[FIRST:%.*]] = cnn.conv2d %q, [[WQ]] bias [[BQ]] {pads = [1, 1, 1, 1], relu} attributes {{.*}} -> tensor<1x192x14x14x!cnn.fixed<8>>
// CHECK:      cnn.slice_kernels %b {first = 192 : i64, count = 16 : i64} : (tensor<208xf32>) -> tensor<16xf32>
// CHECK:      cnn.slice_kernels %w {first = 192 : i64, count = 16 : i64} : (tensor<208x96x3x3xf32>) -> tensor<16x96x3x3xf32>
// CHECK:      [[REST:%.*]] = cnn.conv2d %q, {{.*}} {pads = [1, 1, 1, 1], relu} {{.*}} -> tensor<1x16x14x14x!cnn.fixed<8>>
// CHECK-NEXT: [[D:%.*]] = cnn.conv2d %q, %vq
// CHECK-NEXT: [[C:%.*]] = cnn.concat [[FIRST]], [[REST]], [[D]] :
// CHECK-NEXT: cnn.conv2d [[C]], %uq

// QUICKER:      cnn.conv2d {{.*}} -> tensor<1x192x14x14x!cnn.fixed<8>>
// QUICKER:      cnn.conv2d {{.*}} -> tensor<1x16x14x14x!cnn.fixed<8>>

// ALIKE-NOT: slice_kernels

%x = cnn.input "x" : tensor<1x96x14x14xf32>
%q = cnn.quantize %x : (tensor<1x96x14x14xf32>) -> tensor<1x96x14x14x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<208x96x3x3xf32>
%wq = cnn.quantize %w : (tensor<208x96x3x3xf32>) -> tensor<208x96x3x3x!cnn.fixed<8>>
%b = cnn.weight "b" : tensor<208xf32>
%bq = cnn.quantize %b : (tensor<208xf32>) -> tensor<208x!cnn.fixed<16>>
%v = cnn.weight "v" : tensor<64x96x1x1xf32>
%vq = cnn.quantize %v : (tensor<64x96x1x1xf32>) -> tensor<64x96x1x1x!cnn.fixed<8>>
%u = cnn.weight "u" : tensor<80x272x1x1xf32>
%uq = cnn.quantize %u : (tensor<80x272x1x1xf32>) -> tensor<80x272x1x1x!cnn.fixed<8>>
%a = cnn.conv2d %q, %wq bias %bq {pads = [1, 1, 1, 1], relu} : (tensor<1x96x14x14x!cnn.fixed<8>>, tensor<208x96x3x3x!cnn.fixed<8>>, tensor<208x!cnn.fixed<16>>) -> tensor<1x208x14x14x!cnn.fixed<8>>
%d = cnn.conv2d %q, %vq : (tensor<1x96x14x14x!cnn.fixed<8>>, tensor<64x96x1x1x!cnn.fixed<8>>) -> tensor<1x64x14x14x!cnn.fixed<8>>
%c = cnn.concat %a, %d : (tensor<1x208x14x14x!cnn.fixed<8>>, tensor<1x64x14x14x!cnn.fixed<8>>) -> tensor<1x272x14x14x!cnn.fixed<8>>
%y = cnn.conv2d %c, %uq : (tensor<1x272x14x14x!cnn.fixed<8>>, tensor<80x272x1x1x!cnn.fixed<8>>) -> tensor<1x80x14x14x!cnn.fixed<8>>
%r = cnn.dequantize %y : (tensor<1x80x14x14x!cnn.fixed<8>>) -> tensor<1x80x14x14xf32>
cnn.output "y" %r : tensor<1x80x14x14xf32>
