// What operations of the host refuse: samples, functions, reductions, other orders of axes.
// RUN: snow-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interpolate "y": sizes must be at least 1, are [0, 4]
%y = cnn.interpolate %x {sizes = [0, 4], steps = [1, 1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x0x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interpolate "y": steps must hold 2 numbers, holds 1
%y = cnn.interpolate %x {sizes = [4, 4], steps = [1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interpolate "y": step 1, offset 0, unit 0 are no places of pixels: units are 1 to 4194304
%y = cnn.interpolate %x {sizes = [4, 4], steps = [1, 1], units = [1, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interpolate "y": step -1, offset 0, unit 1 are no places of pixels
%y = cnn.interpolate %x {sizes = [4, 4], steps = [-1, 1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.interpolate "y": step 4611686018427387904, offset 0, unit 1 are no places
%y = cnn.interpolate %x {sizes = [4, 4], steps = [1, 4611686018427387904]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": sizes must be at least 1, are [4, 0]
%y = cnn.sample %x {sizes = [4, 0]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x0xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": offsets must hold 2 numbers, holds 1
%y = cnn.sample %x {offsets = [1], sizes = [4, 4]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": reflects 4 rows, there are 3 beside that at the border
%y = cnn.sample %x {offsets = [-4, 0], sizes = [4, 4], reflect} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": reflects 5 columns, there are 3 beside that at the border
%y = cnn.sample %x {sizes = [4, 5], steps = [1, 2], reflect} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x5xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": takes rows up to 4611686018427387901 beyond a border, at most 65536 are supported
%y = cnn.sample %x {sizes = [2, 4], steps = [4611686018427387904, 1]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x2x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.sample "y": result must be 1x8x2x2, is 1x8x4x4
%y = cnn.sample %x {sizes = [2, 2]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.power "y": exponent must be a number of 0.0625 to 16, is 0
%y = cnn.power %x {exponent = 0.0 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.normalize "y": p must be a number of 1 to 4, is 5
%y = cnn.normalize %x {p = 5.0 : f64, eps = 0.0 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.normalize "y": eps must be a number of 0 to 1e+30, is nan
%y = cnn.normalize %x {p = 2.0 : f64, eps = 0x7FF8000000000000 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.instance_norm "y": eps must be a number of 1e-12 to 1e+30, is 0
%y = cnn.instance_norm %x {eps = 0.0 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.elu "y": alpha must be a number of -1e+30 to 1e+30, is 1e+31
%y = cnn.elu %x {alpha = 1.0e31 : f64} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
// CHECK: cnn.instance_norm "y": input must have elements in each channel, is 1x8
%y = cnn.instance_norm %x {eps = 1.0 : f64} : (tensor<1x8xf32>) -> tensor<1x8xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
// CHECK: cnn.softplus "y": works on f32 only
%y = cnn.softplus %q : (tensor<1x8x!cnn.fixed<8>>) -> tensor<1x8x!cnn.fixed<8>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.channel_max "y": result must be 1x1x4x4, is 1x8x4x4
%y = cnn.channel_max %x : (tensor<1x8x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8xf32>
%q = cnn.quantize %x : (tensor<1x8xf32>) -> tensor<1x8x!cnn.fixed<8>>
// CHECK: cnn.channel_mean "y": the result must have the elements of the operand
%y = cnn.channel_mean %q : (tensor<1x8x!cnn.fixed<8>>) -> tensor<1x1x!cnn.fixed<7>>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
%f = cnn.input "f" : tensor<1x2x4x4xf32>
// CHECK: cnn.multiply "y": operands must have one shape, or the second one element along some axes, are 1x8x4x4 and 1x2x4x4
%y = cnn.multiply %x, %f : (tensor<1x8x4x4xf32>, tensor<1x2x4x4xf32>) -> tensor<1x8x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.transpose "y": order [1, 0, 2, 3] is none of 4 axes that begins with 0
%y = cnn.transpose %x {order = [1, 0, 2, 3]} : (tensor<1x8x4x4xf32>) -> tensor<8x1x4x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x4xf32>
// CHECK: cnn.transpose "y": order [0, 1, 2] is none of 4 axes that begins with 0
%y = cnn.transpose %x {order = [0, 1, 2]} : (tensor<1x8x4x4xf32>) -> tensor<1x8x4xf32>

// -----

%x = cnn.input "x" : tensor<1x8x4x2xf32>
// CHECK: cnn.transpose "y": result must be 1x2x4x8, is 1x8x4x2
%y = cnn.transpose %x {order = [0, 3, 2, 1]} : (tensor<1x8x4x2xf32>) -> tensor<1x8x4x2xf32>

// -----

%x = cnn.input "x" : tensor<1xf32>
// CHECK: cnn.softmax "y": input must have channels, is 1
%y = cnn.softmax %x : (tensor<1xf32>) -> tensor<1xf32>

// -----

%x = cnn.input "x" : tensor<1xf32>
// CHECK: cnn.log_softmax "y": input must have channels, is 1
%y = cnn.log_softmax %x : (tensor<1xf32>) -> tensor<1xf32>

// -----

%x = cnn.input "x" : tensor<1xf32>
// CHECK: cnn.normalize "y": input must have channels, is 1
%y = cnn.normalize %x {p = 2.0 : f64, eps = 0.0 : f64} : (tensor<1xf32>) -> tensor<1xf32>
