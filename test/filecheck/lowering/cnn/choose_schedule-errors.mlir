// cnn-choose-schedule names all layers that no tile makes fit, in one line.
// RUN: not snow-opt %s -p cnn-choose-schedule 2>&1 | filecheck %s
// CHECK: error: {{.*}}fc, other: no tile of these layers fits the buffers of machine 'zc706'; fc: two slots of 65536 words do not fit banks of 16384
// CHECK-NOT: {{.}}
%x = cnn.input "x" : tensor<1x65536xf32>
%q = cnn.quantize %x : (tensor<1x65536xf32>) -> tensor<1x65536x!cnn.fixed<8>>
%w = cnn.weight "w" : tensor<10x65536xf32>
%v = cnn.quantize %w : (tensor<10x65536xf32>) -> tensor<10x65536x!cnn.fixed<8>>
%y = cnn.linear %q, %v : (tensor<1x65536x!cnn.fixed<8>>, tensor<10x65536x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
%u = cnn.linear %q, %v : (tensor<1x65536x!cnn.fixed<8>>, tensor<10x65536x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("other")
%t = cnn.dequantize %u : (tensor<1x10x!cnn.fixed<8>>) -> tensor<1x10xf32>
cnn.output "t" %t : tensor<1x10xf32>
%z = cnn.dequantize %y : (tensor<1x10x!cnn.fixed<8>>) -> tensor<1x10xf32>
cnn.output "z" %z : tensor<1x10xf32>
