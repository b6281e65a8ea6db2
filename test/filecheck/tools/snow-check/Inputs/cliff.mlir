// Results of b reach -10000 and saturate in Q8.8.
%x = cnn.input "x" : tensor<1x2xf32>
%v = cnn.constant dense<[[100.0, 0.0], [0.0, 100.0]]> : tensor<2x2xf32>
%a = cnn.linear %x, %v : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("a")
%b = cnn.linear %a, %v : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("b")
%c = cnn.relu %b : (tensor<1x2xf32>) -> tensor<1x2xf32> loc("c")
cnn.output "y" %c : tensor<1x2xf32>
