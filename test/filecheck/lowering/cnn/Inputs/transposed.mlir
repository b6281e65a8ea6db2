%x = cnn.input "x" : tensor<1x8x4x5xf32>
%w = cnn.weight "w" : tensor<3x8x4x4xf32>
%y = cnn.conv_transpose2d %x, %w {strides = [2, 2]} : (tensor<1x8x4x5xf32>, tensor<3x8x4x4xf32>) -> tensor<1x3x10x12xf32> loc("up")
cnn.output "y" %y : tensor<1x3x10x12xf32>
