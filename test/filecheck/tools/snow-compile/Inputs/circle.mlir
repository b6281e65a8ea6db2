// A file that says of two layers that each became part of the other.
module attributes {snow.sources = [{name = "a", operation = "relu", into = "b"}, {name = "b", operation = "relu", into = "a"}]} {
  %x = cnn.input "x" : tensor<1x4xf32>
  %y = cnn.relu %x : (tensor<1x4xf32>) -> tensor<1x4xf32> loc("r")
  cnn.output "y" %y : tensor<1x4xf32>
}
