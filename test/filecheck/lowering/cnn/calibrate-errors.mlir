// What cannot be calibrated is refused in a line.
// RUN: python -c "import numpy as np; np.save('%t.npy', np.zeros((2, 3), np.float32)); np.save('%t.large.npy', np.full((2, 2), 3e38, np.float32))"
// RUN: not snow-opt %s -p cnn-calibrate --calibrate %t.npy 2>&1 | filecheck %s
// CHECK: error: {{.*}}.npy: holds 2x3; the network wants 2, or a batch Nx2
// RUN: not snow-opt %s -p cnn-calibrate --calibrate %t.none.npy 2>&1 | filecheck %s --check-prefix NONE
// NONE: error: {{.*}}.none.npy: No such file or directory
// RUN: not snow-opt %s -p cnn-calibrate --calibrate %t.large.npy 2>&1 | filecheck %s --check-prefix LARGE
// LARGE: error: fc: computes numbers that are not finite on these samples
// RUN: not snow-opt %s -p cnn-quantize,cnn-calibrate --calibrate %t.large.npy 2>&1 | filecheck %s --check-prefix LATE
// LATE: error: cnn-calibrate: the network is quantised already
// RUN: not snow-opt %s -p cnn-quantize --calibrate %t.npy 2>&1 | filecheck %s --check-prefix UNUSED
// UNUSED: error: argument --calibrate: cnn-calibrate is not among the passes to run
// RUN: not snow-opt %s -p cnn-calibrate 2>&1 | filecheck %s --check-prefix OPTION
// OPTION: error: pass cnn-calibrate: requires argument "samples"
%x = cnn.input "x" : tensor<1x2xf32>
%w = cnn.constant dense<2.0> : tensor<1x2xf32>
%y = cnn.linear %x, %w : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x1xf32> loc("fc")
cnn.output "y" %y : tensor<1x1xf32>
