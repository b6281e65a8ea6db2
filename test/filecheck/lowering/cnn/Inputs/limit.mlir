%x = cnn.input "x" : tensor<1x4x2x2xf32>
%y = cnn.relu %x {limit = 6.0 : f64} : (tensor<1x4x2x2xf32>) -> tensor<1x4x2x2xf32> loc("relu6")
cnn.output "y" %y : tensor<1x4x2x2xf32>
