// A convolution that is an output, and that another one reads.
%x = cnn.input "x" : tensor<1x16x4x4xf32>
%w = cnn.constant dense<0.25> : tensor<16x16x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32> loc("conv1")
%v = cnn.constant dense<0.125> : tensor<32x16x1x1xf32>
%b = cnn.conv2d %a, %v : (tensor<1x16x4x4xf32>, tensor<32x16x1x1xf32>) -> tensor<1x32x4x4xf32> loc("conv2")
cnn.output "file" %a : tensor<1x16x4x4xf32>
cnn.output "b" %b : tensor<1x32x4x4xf32>
