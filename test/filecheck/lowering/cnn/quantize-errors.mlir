// What cnn-quantize cannot bring to fixed point is named, with the pass that removes it.
// RUN: not snow-opt %s -p cnn-quantize 2>&1 | filecheck %s
// RUN: not snow-opt %s -p "cnn-quantize{frac-bits=40}" 2>&1 | filecheck %s --check-prefix=BITS
// RUN: snow-opt %s -p "cnn-fold-batch-norm,cnn-quantize{frac-bits=10}" | filecheck %s --check-prefix=FOLDED

// RUN: not snow-opt %S/Inputs/limit.mlir -p cnn-quantize 2>&1 | filecheck %s --check-prefix=LIMIT

// RUN: not snow-opt %S/Inputs/transposed.mlir -p cnn-quantize 2>&1 | filecheck %s --check-prefix=TRANSPOSED

// TRANSPOSED: error: {{.*}}up: cnn.conv_transpose2d has no fixed-point form, run cnn-expand-transposed before cnn-quantize
// TRANSPOSED-NOT: {{.}}
// LIMIT: error: {{.*}}relu6: no words saturate at its limit, run cnn-fold-limits before
// LIMIT-NOT: {{.}}
// CHECK: error: {{.*}}bn1: cnn.batch_norm has no fixed-point form, run cnn-fold-batch-norm before cnn-quantize
// CHECK-NOT: {{.}}
// BITS: error: {{.*}}cnn-quantize: frac-bits must be 0..31, is 40
// BITS-NOT: {{.}}
// FOLDED: cnn.conv2d {{.*}} {groups = 4} : {{.*}} -> tensor<1x4x2x2x!cnn.fixed<10>> loc("bn1")
%x = cnn.input "x" : tensor<1x4x2x2xf32>
%v = cnn.weight "v" : tensor<4xf32>
%y = cnn.batch_norm %x, %v, %v {eps = 1.0e-5} : (tensor<1x4x2x2xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x2x2xf32> loc("bn1")
cnn.output "y" %y : tensor<1x4x2x2xf32>
