%x = cnn.input "image" : tensor<1x8x4x4xf32>
%w = cnn.weight "w" : tensor<8x8x3x3xf32>
%v = cnn.weight "v" : tensor<10x128xf32>
%m = cnn.weight "m" : tensor<8xf32>
%p = cnn.pad %x {pads = [1, 1, 1, 1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x6x6xf32> loc("pad")
%c = cnn.conv2d %p, %w : (tensor<1x8x6x6xf32>, tensor<8x8x3x3xf32>) -> tensor<1x8x4x4xf32> loc("conv")
%b = cnn.batch_norm %c, %m, %m {eps = 1.0e-03 : f64} : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32> loc("bn")
%i = cnn.identity %b : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("id")
%r = cnn.relu %i : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("relu")
%d = cnn.dropout %r {p = 5.0e-01 : f64, scale_at_inference} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("drop")
%t = cnn.tanh %d : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32> loc("tanh")
%n = cnn.batch_norm %t, %m, %m {eps = 1.0e-03 : f64} : (tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<1x8x4x4xf32> loc("late")
%f = cnn.reshape %n : (tensor<1x8x4x4xf32>) -> tensor<1x128xf32> loc("flat")
%l = cnn.linear %f, %v : (tensor<1x128xf32>, tensor<10x128xf32>) -> tensor<1x10xf32> loc("fc")
%s = cnn.softmax %l : (tensor<1x10xf32>) -> tensor<1x10xf32> loc("soft")
cnn.output "output" %s : tensor<1x10xf32>
