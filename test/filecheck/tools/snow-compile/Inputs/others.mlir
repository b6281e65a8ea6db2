%x = cnn.input "x" : tensor<1x16x4x4xf32>
%w = cnn.weight "w" : tensor<16x16x1x1xf32>
%a = cnn.conv2d %x, %w : (tensor<1x16x4x4xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x4x4xf32> loc("conv")
%y = arith.negf %a : tensor<1x16x4x4xf32> loc("negated")
cnn.output "y" %y : tensor<1x16x4x4xf32>
