// cnn-name-layers: each layer gets a name of its own, which no other has.
// RUN: snow-opt %s -p cnn-name-layers | filecheck %s

// CHECK:      cnn.input "image" : tensor<1x8x4x4xf32> loc("image")
%0 = cnn.input "image" : tensor<1x8x4x4xf32>
// Its name is taken by a layer further down.
// CHECK-NEXT: cnn.relu %{{.*}} loc("conv.2")
%conv = cnn.relu %0 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
// CHECK-NEXT: cnn.relu %{{.*}} loc("relu")
%1 = cnn.relu %conv : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
// CHECK-NEXT: cnn.relu %{{.*}} loc("relu.2")
%2 = cnn.relu %1 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>
// CHECK-NEXT: cnn.tanh %{{.*}} loc("conv")
%3 = cnn.tanh %2 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("conv")
// CHECK-NEXT: cnn.sigmoid %{{.*}} loc("conv.3")
%4 = cnn.sigmoid %3 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("conv")
// Constants keep the name of their layer, and what is between f32 and words that of its tensor.
// CHECK-NEXT: cnn.quantize %{{.*}} loc("conv")
%5 = cnn.quantize %4 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4x!cnn.fixed<8>> loc("conv")
%6 = cnn.dequantize %5 : (tensor<1x8x4x4x!cnn.fixed<8>>) -> tensor<1x8x4x4xf32> loc("conv")
// What a line of text cannot hold becomes a question mark, of constants, too.
// CHECK:      cnn.constant dense<1.000000e+00> : tensor<8xf32> loc("a?[2Jb")
%w = cnn.constant dense<1.0> : tensor<8xf32> loc("a\1B[2Jb")
// CHECK-NEXT: cnn.relu %{{.*}} loc("c?d")
%7 = cnn.relu %6 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("c\nd")
// CHECK-NEXT: cnn.relu %{{.*}} loc("c?d.2")
%8 = cnn.relu %7 : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("c\td")
cnn.output "output" %8 : tensor<1x8x4x4xf32>
