// Differences of words are finite, those of any two floats are not.
%x = cnn.input "x" : tensor<1x2xf32>
%y = cnn.log_softmax %x : (tensor<1x2xf32>) -> tensor<1x2xf32> loc("s")
cnn.output "y" %y : tensor<1x2xf32>
