// Every operation of the cnn dialect: its text is what it prints, also by way of the generic form.
// RUN: snow-opt %s | snow-opt --print-op-generic | snow-opt --no-debuginfo | filecheck %s

// CHECK:      builtin.module attributes {snow.weights = "ops.safetensors"} {
module attributes {snow.weights = "ops.safetensors"} {
  // Inputs and constants.
  // CHECK-NEXT: %x = cnn.input "image" : tensor<1x4x8x8xf32>
  // CHECK-NEXT: %w = cnn.weight "conv.weight" : tensor<6x4x3x3xf32>
  // CHECK-NEXT: %c4 = cnn.constant dense<[1.000000e+00, 5.000000e-01, 2.500000e-01, 2.000000e+00]> : tensor<4xf32>
  // CHECK-NEXT: %c6 = cnn.constant dense<5.000000e-01> : tensor<6xf32>
  %x = cnn.input "image" : tensor<1x4x8x8xf32>
  %w = cnn.weight "conv.weight" : tensor<6x4x3x3xf32>
  %c4 = cnn.constant dense<[1.0, 0.5, 0.25, 2.0]> : tensor<4xf32>
  %c6 = cnn.constant dense<0.5> : tensor<6xf32>

  // A convolution prints the options that differ from their defaults, and the operands that it has.
  // CHECK-NEXT: %conv = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %same = cnn.conv2d %x, %w bias %c6 {pads = [1, 1, 1, 1], relu} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x8x8xf32>
  // CHECK-NEXT: %half = cnn.conv2d %x, %w {strides = [2, 2], pads = [0, 0, 1, 1]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x4xf32>
  // CHECK-NEXT: %wide = cnn.conv2d %x, %w {dilations = [2, 1]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x6xf32>
  // CHECK-NEXT: %sum = cnn.conv2d %x, %w residual %conv {relu} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %both = cnn.conv2d %x, %w bias %c6 residual %conv : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %conv = cnn.conv2d %x, %w : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x6x6xf32>
  %same = cnn.conv2d %x, %w bias %c6 {relu, pads = [1, 1, 1, 1], groups = 1} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x8x8xf32>
  %half = cnn.conv2d %x, %w {strides = [2, 2], pads = [0, 0, 1, 1]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x4xf32>
  %wide = cnn.conv2d %x, %w {dilations = [2, 1]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x6xf32>
  %sum = cnn.conv2d %x, %w residual %conv {relu} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %both = cnn.conv2d %x, %w bias %c6 residual %conv : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>

  // An attribute that is no option of the layer follows the options.
  // CHECK-NEXT: %kernels = cnn.interleave_kernels %w {parts = 2 : i64} : (tensor<6x4x3x3xf32>) -> tensor<6x2x6x3xf32>
  %kernels = cnn.interleave_kernels %w {parts = 2} : (tensor<6x4x3x3xf32>) -> tensor<6x2x6x3xf32>
  // CHECK-NEXT: %some = cnn.slice_kernels %w {first = 4 : i64, count = 2 : i64} : (tensor<6x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  // CHECK-NEXT: %biases = cnn.slice_kernels %c6 {first = 4 : i64, count = 2 : i64} : (tensor<6xf32>) -> tensor<2xf32>
  %some = cnn.slice_kernels %w {first = 4, count = 2} : (tensor<6x4x3x3xf32>) -> tensor<2x4x3x3xf32>
  %biases = cnn.slice_kernels %c6 {first = 4, count = 2} : (tensor<6xf32>) -> tensor<2xf32>
  // CHECK-NEXT: %more = cnn.concat_kernels %w, %some : (tensor<6x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<8x4x3x3xf32>
  %more = cnn.concat_kernels %w, %some : (tensor<6x4x3x3xf32>, tensor<2x4x3x3xf32>) -> tensor<8x4x3x3xf32>
  // CHECK-NEXT: %diagonal = cnn.diagonal %c4 : (tensor<4xf32>) -> tensor<4x1x1x1xf32>
  // CHECK-NEXT: %depthwise = cnn.conv2d %x, %diagonal {groups = 4} attributes {cnn.frac_bits = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x8x8xf32>
  %diagonal = cnn.diagonal %c4 : (tensor<4xf32>) -> tensor<4x1x1x1xf32>
  %depthwise = cnn.conv2d %x, %diagonal {groups = 4} attributes {cnn.frac_bits = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x8x8xf32>

  // Pools. In ceil mode the last window of a row may hang over its end.
  // CHECK-NEXT: %max = cnn.max_pool %conv {kernel = [2, 2], strides = [2, 2]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x3xf32>
  // CHECK-NEXT: %ceil = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  // CHECK-NEXT: %avg = cnn.avg_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode, count_include_pad} : (tensor<1x4x8x8xf32>) -> tensor<1x4x5x5xf32>
  // CHECK-NEXT: %global = cnn.avg_pool %conv {kernel = [6, 6]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x1x1xf32>
  %max = cnn.max_pool %conv {kernel = [2, 2], strides = [2, 2]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x3xf32>
  %ceil = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x4x8x8xf32>) -> tensor<1x4x4x4xf32>
  %avg = cnn.avg_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode, count_include_pad} : (tensor<1x4x8x8xf32>) -> tensor<1x4x5x5xf32>
  %global = cnn.avg_pool %conv {kernel = [6, 6]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x1x1xf32>

  // A linear layer flattens its operand.
  // CHECK-NEXT: %m = cnn.weight "fc.weight" : tensor<6x6xf32>
  // CHECK-NEXT: %fc = cnn.linear %global, %m : (tensor<1x6x1x1xf32>, tensor<6x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %fc2 = cnn.linear %fc, %m bias %c6 {relu} : (tensor<1x6xf32>, tensor<6x6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
  %m = cnn.weight "fc.weight" : tensor<6x6xf32>
  %fc = cnn.linear %global, %m : (tensor<1x6x1x1xf32>, tensor<6x6xf32>) -> tensor<1x6xf32>
  %fc2 = cnn.linear %fc, %m bias %c6 {relu} : (tensor<1x6xf32>, tensor<6x6xf32>, tensor<6xf32>) -> tensor<1x6xf32>

  // Layers of one element at a time.
  // CHECK-NEXT: %relu = cnn.relu %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %add = cnn.add %conv, %relu : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %add_relu = cnn.add %conv, %relu {relu} : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %concat = cnn.concat %conv, %relu, %add : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x18x6x6xf32>
  // CHECK-NEXT: %bn = cnn.batch_norm %x, %c4, %c4 {eps = 1.000000e-03 : f64} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  // CHECK-NEXT: %bn_affine = cnn.batch_norm %x, %c4, %c4 scale %c4 bias %c4 {eps = 1.000000e-05 : f64} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  // CHECK-NEXT: %bn_bias = cnn.batch_norm %x, %c4, %c4 bias %c4 {eps = 1.000000e-05 : f64} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  // CHECK-NEXT: %scale = cnn.scale_shift %fc, %c6 : (tensor<1x6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %shift = cnn.scale_shift %fc, %c6 shift %c6 : (tensor<1x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %dropout = cnn.dropout %fc {p = 5.000000e-01 : f64} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %dropout_v1 = cnn.dropout %fc {p = 5.000000e-01 : f64, scale_at_inference} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %identity = cnn.identity %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %relu = cnn.relu %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %add = cnn.add %conv, %relu : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %add_relu = cnn.add %conv, %relu {relu} : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %concat = cnn.concat %conv, %relu, %add : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x18x6x6xf32>
  %bn = cnn.batch_norm %x, %c4, %c4 {eps = 1.0e-3} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %bn_affine = cnn.batch_norm %x, %c4, %c4 scale %c4 bias %c4 {eps = 1.0e-5} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %bn_bias = cnn.batch_norm %x, %c4, %c4 bias %c4 {eps = 1.0e-5} : (tensor<1x4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x8xf32>
  %scale = cnn.scale_shift %fc, %c6 : (tensor<1x6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
  %shift = cnn.scale_shift %fc, %c6 shift %c6 : (tensor<1x6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<1x6xf32>
  %dropout = cnn.dropout %fc {p = 0.5} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %dropout_v1 = cnn.dropout %fc {p = 0.5, scale_at_inference} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %identity = cnn.identity %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>

  // Transposed convolutions, which a pass makes others of, and the constants for that.
  // CHECK-NEXT: %transposed = cnn.conv_transpose2d %x, %w : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x10x10xf32>
  // CHECK-NEXT: %all = cnn.conv_transpose2d %x, %w bias %c6 {strides = [2, 1], pads = [1, 2, -1, 0], dilations = [1, 2]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x17x10xf32>
  // CHECK-NEXT: %phases = cnn.phase_kernels %w {strides = array<i64: 2, 1>} : (tensor<6x4x3x3xf32>) -> tensor<12x4x2x3xf32>
  // CHECK-NEXT: %repeated = cnn.repeat %c6 {times = 2 : i64} : (tensor<6xf32>) -> tensor<12xf32>
  %transposed = cnn.conv_transpose2d %x, %w : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x10x10xf32>
  %all = cnn.conv_transpose2d %x, %w bias %c6 {strides = [2, 1], pads = [1, 2, -1, 0], dilations = [1, 2]} : (tensor<1x4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x17x10xf32>
  %phases = cnn.phase_kernels %w {strides = array<i64: 2, 1>} : (tensor<6x4x3x3xf32>) -> tensor<12x4x2x3xf32>
  %repeated = cnn.repeat %c6 {times = 2} : (tensor<6xf32>) -> tensor<12xf32>

  // Layers of the host.
  // CHECK-NEXT: %reshape = cnn.reshape %conv : (tensor<1x6x6x6xf32>) -> tensor<1x216xf32>
  // CHECK-NEXT: %pad = cnn.pad %conv {pads = [1, 2, -1, 0]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x8xf32>
  // CHECK-NEXT: %slice = cnn.gather %conv {offset = 2, sizes = [3]} : (tensor<1x6x6x6xf32>) -> tensor<1x3x6x6xf32>
  // CHECK-NEXT: %shuffle = cnn.gather %conv {sizes = [3, 2], strides = [1, 3]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %upsample = cnn.upsample %conv {factors = [2, 3]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x12x18xf32>
  // CHECK-NEXT: %to_space = cnn.depth_to_space %conv {block = [2, 3], blocks_first, crop = [1, 0, 0, 2]} : (tensor<1x6x6x6xf32>) -> tensor<1x1x11x16xf32>
  // CHECK-NEXT: %to_space_all = cnn.depth_to_space %conv {block = [3, 1]} : (tensor<1x6x6x6xf32>) -> tensor<1x2x18x6xf32>
  // CHECK-NEXT: %to_depth = cnn.space_to_depth %conv {block = [2, 3], blocks_first} : (tensor<1x6x6x6xf32>) -> tensor<1x36x3x2xf32>
  // CHECK-NEXT: %sample = cnn.sample %conv {offsets = [5, -3], sizes = [3, 11], steps = [-2, 1], reflect} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x11xf32>
  // CHECK-NEXT: %sample_first = cnn.sample %conv {sizes = [3, 2]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x2xf32>
  // CHECK-NEXT: %elu = cnn.elu %conv {alpha = 3.000000e-01 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %softplus = cnn.softplus %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %softsign = cnn.softsign %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %erf = cnn.erf %conv {scale = 1.000000e+00 : f64, factor = 2.000000e+00 : f64, shift = -1.000000e+00 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %power = cnn.power %conv {exponent = 5.000000e-01 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %normalize = cnn.normalize %conv {p = 2.000000e+00 : f64, eps = 1.000000e-10 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %instance_norm = cnn.instance_norm %conv {eps = 1.000000e-05 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %most = cnn.channel_max %conv : (tensor<1x6x6x6xf32>) -> tensor<1x1x6x6xf32>
  // CHECK-NEXT: %mean = cnn.channel_mean %fc : (tensor<1x6xf32>) -> tensor<1x1xf32>
  // CHECK-NEXT: %attend = cnn.multiply %conv, %most : (tensor<1x6x6x6xf32>, tensor<1x1x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %turn = cnn.transpose %conv {order = [0, 2, 3, 1]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %interpolate = cnn.interpolate %conv {sizes = [11, 4], steps = [1, 6], offsets = [0, 1], units = [2, 4]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x11x4xf32>
  // CHECK-NEXT: %multiply = cnn.multiply %conv, %relu : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %excite = cnn.multiply %conv, %global : (tensor<1x6x6x6xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %softmax = cnn.softmax %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %log_softmax = cnn.log_softmax %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %sigmoid = cnn.sigmoid %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %hard_sigmoid = cnn.hard_sigmoid %fc {alpha = 2.000000e-01 : f64, beta = 5.000000e-01 : f64} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  // CHECK-NEXT: %tanh = cnn.tanh %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: %lrn = cnn.lrn %conv {size = 5 : i64, alpha = 1.000000e-04 : f64, beta = 7.500000e-01 : f64, k = 1.000000e+00 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %reshape = cnn.reshape %conv : (tensor<1x6x6x6xf32>) -> tensor<1x216xf32>
  %pad = cnn.pad %conv {pads = [1, 2, -1, 0]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x8xf32>
  %slice = cnn.gather %conv {offset = 2, sizes = [3]} : (tensor<1x6x6x6xf32>) -> tensor<1x3x6x6xf32>
  %shuffle = cnn.gather %conv {sizes = [3, 2], strides = [1, 3]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %upsample = cnn.upsample %conv {factors = [2, 3]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x12x18xf32>
  %to_space = cnn.depth_to_space %conv {block = [2, 3], blocks_first, crop = [1, 0, 0, 2]} : (tensor<1x6x6x6xf32>) -> tensor<1x1x11x16xf32>
  %to_space_all = cnn.depth_to_space %conv {block = [3, 1]} : (tensor<1x6x6x6xf32>) -> tensor<1x2x18x6xf32>
  %to_depth = cnn.space_to_depth %conv {block = [2, 3], blocks_first} : (tensor<1x6x6x6xf32>) -> tensor<1x36x3x2xf32>
  %sample = cnn.sample %conv {offsets = [5, -3], sizes = [3, 11], steps = [-2, 1], reflect} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x11xf32>
  %sample_first = cnn.sample %conv {offsets = [0, 0], sizes = [3, 2], steps = [1, 1]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x3x2xf32>
  %elu = cnn.elu %conv {alpha = 3.000000e-01 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %softplus = cnn.softplus %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %softsign = cnn.softsign %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %erf = cnn.erf %conv {scale = 1.000000e+00 : f64, factor = 2.000000e+00 : f64, shift = -1.000000e+00 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %power = cnn.power %conv {exponent = 5.000000e-01 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %normalize = cnn.normalize %conv {p = 2.000000e+00 : f64, eps = 1.000000e-10 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %instance_norm = cnn.instance_norm %conv {eps = 1.000000e-05 : f64} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %most = cnn.channel_max %conv : (tensor<1x6x6x6xf32>) -> tensor<1x1x6x6xf32>
  %mean = cnn.channel_mean %fc : (tensor<1x6xf32>) -> tensor<1x1xf32>
  %attend = cnn.multiply %conv, %most : (tensor<1x6x6x6xf32>, tensor<1x1x6x6xf32>) -> tensor<1x6x6x6xf32>
  %turn = cnn.transpose %conv {order = [0, 2, 3, 1]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %interpolate = cnn.interpolate %conv {sizes = [11, 4], steps = [1, 6], offsets = [0, 1], units = [2, 4]} : (tensor<1x6x6x6xf32>) -> tensor<1x6x11x4xf32>
  %multiply = cnn.multiply %conv, %relu : (tensor<1x6x6x6xf32>, tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %excite = cnn.multiply %conv, %global : (tensor<1x6x6x6xf32>, tensor<1x6x1x1xf32>) -> tensor<1x6x6x6xf32>
  %softmax = cnn.softmax %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %log_softmax = cnn.log_softmax %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %sigmoid = cnn.sigmoid %fc : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %hard_sigmoid = cnn.hard_sigmoid %fc {alpha = 0.2, beta = 0.5} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %tanh = cnn.tanh %conv : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>
  %lrn = cnn.lrn %conv {size = 5, alpha = 1.0e-4, beta = 0.75, k = 1.0} : (tensor<1x6x6x6xf32>) -> tensor<1x6x6x6xf32>

  // Expressions on constants.
  // CHECK-NEXT: %fold_scale = cnn.fold_scale %w, %c6 : (tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<6x4x3x3xf32>
  // CHECK-NEXT: %fold_shift = cnn.fold_shift %c6, %c6, %c6 : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  // CHECK-NEXT: %bn_s = cnn.bn_scale %c6 {eps = 1.000000e-03 : f64} : (tensor<6xf32>) -> tensor<6xf32>
  // CHECK-NEXT: %bn_s2 = cnn.bn_scale %c6 scale %c6 {eps = 1.000000e-03 : f64} : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  // CHECK-NEXT: %bn_t = cnn.bn_shift %c6, %bn_s : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  // CHECK-NEXT: %bn_t2 = cnn.bn_shift %c6, %bn_s bias %c6 : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %fold_scale = cnn.fold_scale %w, %c6 : (tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<6x4x3x3xf32>
  %fold_shift = cnn.fold_shift %c6, %c6, %c6 : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %bn_s = cnn.bn_scale %c6 {eps = 1.0e-3} : (tensor<6xf32>) -> tensor<6xf32>
  %bn_s2 = cnn.bn_scale %c6 scale %c6 {eps = 1.0e-3} : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %bn_t = cnn.bn_shift %c6, %bn_s : (tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>
  %bn_t2 = cnn.bn_shift %c6, %bn_s bias %c6 : (tensor<6xf32>, tensor<6xf32>, tensor<6xf32>) -> tensor<6xf32>

  // Fixed point: each tensor has its own fraction bits.
  // CHECK-NEXT: %qx = cnn.quantize %x : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8x!cnn.fixed<8>>
  // CHECK-NEXT: %turns = cnn.interleave %qx, %qx : (tensor<1x4x8x8x!cnn.fixed<8>>, tensor<1x4x8x8x!cnn.fixed<8>>) -> tensor<1x4x16x8x!cnn.fixed<8>>
  // CHECK-NEXT: %qw = cnn.quantize %w : (tensor<6x4x3x3xf32>) -> tensor<6x4x3x3x!cnn.fixed<13>>
  // CHECK-NEXT: %qy = cnn.conv2d %qx, %qw {relu} : (tensor<1x4x8x8x!cnn.fixed<8>>, tensor<6x4x3x3x!cnn.fixed<13>>) -> tensor<1x6x6x6x!cnn.fixed<6>>
  // CHECK-NEXT: %rescale = cnn.rescale %qy : (tensor<1x6x6x6x!cnn.fixed<6>>) -> tensor<1x6x6x6x!cnn.fixed<8>>
  // CHECK-NEXT: %qsum = cnn.add %qy, %rescale : (tensor<1x6x6x6x!cnn.fixed<6>>, tensor<1x6x6x6x!cnn.fixed<8>>) -> tensor<1x6x6x6x!cnn.fixed<7>>
  // CHECK-NEXT: %product = cnn.multiply %qy, %rescale : (tensor<1x6x6x6x!cnn.fixed<6>>, tensor<1x6x6x6x!cnn.fixed<8>>) -> tensor<1x6x6x6x!cnn.fixed<9>>
  // CHECK-NEXT: %y = cnn.dequantize %qsum : (tensor<1x6x6x6x!cnn.fixed<7>>) -> tensor<1x6x6x6xf32>
  // CHECK-NEXT: cnn.output "scores" %y : tensor<1x6x6x6xf32>
  %qx = cnn.quantize %x : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8x!cnn.fixed<8>>
  %turns = cnn.interleave %qx, %qx : (tensor<1x4x8x8x!cnn.fixed<8>>, tensor<1x4x8x8x!cnn.fixed<8>>) -> tensor<1x4x16x8x!cnn.fixed<8>>
  %qw = cnn.quantize %w : (tensor<6x4x3x3xf32>) -> tensor<6x4x3x3x!cnn.fixed<13>>
  %qy = cnn.conv2d %qx, %qw {relu} : (tensor<1x4x8x8x!cnn.fixed<8>>, tensor<6x4x3x3x!cnn.fixed<13>>) -> tensor<1x6x6x6x!cnn.fixed<6>>
  %rescale = cnn.rescale %qy : (tensor<1x6x6x6x!cnn.fixed<6>>) -> tensor<1x6x6x6x!cnn.fixed<8>>
  %qsum = cnn.add %qy, %rescale : (tensor<1x6x6x6x!cnn.fixed<6>>, tensor<1x6x6x6x!cnn.fixed<8>>) -> tensor<1x6x6x6x!cnn.fixed<7>>
  %product = cnn.multiply %qy, %rescale : (tensor<1x6x6x6x!cnn.fixed<6>>, tensor<1x6x6x6x!cnn.fixed<8>>) -> tensor<1x6x6x6x!cnn.fixed<9>>
  %y = cnn.dequantize %qsum : (tensor<1x6x6x6x!cnn.fixed<7>>) -> tensor<1x6x6x6xf32>
  cnn.output "scores" %y : tensor<1x6x6x6xf32>
}
