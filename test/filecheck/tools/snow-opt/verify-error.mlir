// A module that does not verify is one line, not the whole module: the file or pass, layer, operation and reason.
// RUN: not snow-opt %s 2>&1 | filecheck %s
// CHECK: error: {{.*}}verify-error.mlir: cnn.conv2d "conv1": weight expects 16 input channels, input has 8
// CHECK-NOT: {{.}}

%x = cnn.input "input" : tensor<1x8x4x4xf32>
%w = cnn.weight "0.weight" : tensor<4x16x3x3xf32>
%y = cnn.conv2d %x, %w : (tensor<1x8x4x4xf32>, tensor<4x16x3x3xf32>) -> tensor<1x4x2x2xf32> loc("conv1")
cnn.output "output" %y : tensor<1x4x2x2xf32>
