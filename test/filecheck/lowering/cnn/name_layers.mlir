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
cnn.output "output" %6 : tensor<1x8x4x4xf32>
