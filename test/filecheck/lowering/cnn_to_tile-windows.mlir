// convert-cnn-to-tile: what is under the window of an output, for each kind of convolution and pool, whatever the schedule.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p cnn-choose-schedule,convert-cnn-to-tile | filecheck %s

// A kernel of 11 rows and columns, its windows four rows and three columns apart.
// CHECK:      tile.region "large" : !tile.maps<height 5, width 5,
// CHECK:      tile.conv {{.*}} <kernel_h 11, kernel_w 11, stride_h 4, stride_w 3, dilation_h 1, dilation_w 1, pad_top 2, pad_left 1, in_h 23, in_w 23, out_h 5, out_w 5>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x3x23x23x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x3x11x11xf32>
  %w = cnn.quantize %wf : (tensor<16x3x11x11xf32>) -> tensor<16x3x11x11x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {strides = [4, 3], pads = [2, 1, 2, 0]} : (tensor<1x3x23x23x!cnn.fixed<8>>, tensor<16x3x11x11x!cnn.fixed<8>>) -> tensor<1x16x5x5x!cnn.fixed<8>> loc("large")
  "test.op"(%y) : (tensor<1x16x5x5x!cnn.fixed<8>>) -> ()
}

// -----

// A dilated kernel: the weights are those of nine taps, the window has 5 rows and 7 columns.
// CHECK:      tile.region "dilated" : !tile.maps<height 9, width 3,
// CHECK-NEXT: tile.weights %w as {{.*}}kernel_h 3, kernel_w 3,
// CHECK:      tile.conv {{.*}} <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 2, dilation_w 3, pad_top 2, pad_left 0, in_h 9, in_w 9, out_h 9, out_w 3>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x9x9x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {dilations = [2, 3], pads = [2, 0, 2, 0]} : (tensor<1x16x9x9x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x9x3x!cnn.fixed<8>> loc("dilated")
  "test.op"(%y) : (tensor<1x16x9x3x!cnn.fixed<8>>) -> ()
}

// -----

// In ceil mode the last windows are partly outside. An average there is over what is inside: 2^15 / 4, / 6 and / 9; over
// whole maps it is one window.
// CHECK:      tile.region "floor" : !tile.maps<height 3, width 3,
// CHECK:      tile.max_pool {{.*}} in_h 8, in_w 8, out_h 3, out_w 3>
// CHECK:      tile.region "ceil" : !tile.maps<height 4, width 4,
// CHECK:      tile.max_pool {{.*}} in_h 8, in_w 8, out_h 4, out_w 4>
// CHECK:      tile.average_weights [8192, 5461, 5461, 3641]
// CHECK:      tile.avg_pool {{.*}} in_h 8, in_w 8, out_h 4, out_w 4> {{.*}} rows [1, 1, 1, 0] columns [1, 1, 1, 0]
// CHECK:      tile.average_weights [512]
// CHECK:      tile.avg_pool {{.*}} <kernel_h 8, kernel_w 8, {{.*}} in_h 8, in_w 8, out_h 1, out_w 1> {{.*}} rows [0] columns [0]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %f = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x3x3x!cnn.fixed<8>> loc("floor")
  %c = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("ceil")
  %a = cnn.avg_pool %x {kernel = [3, 3], strides = [2, 2], ceil_mode} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("average")
  %g = cnn.avg_pool %x {kernel = [8, 8]} : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x1x1x!cnn.fixed<8>> loc("global")
  "test.op"(%f, %c, %a, %g) : (tensor<1x16x3x3x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x1x1x!cnn.fixed<8>>) -> ()
}

// -----

// A depthwise layer whose CUs share out channels: each loads its piece of every pixel, 32 words, two windows of 16, and
// stores its piece of the result.
// CHECK:      tile.weights %w as <coop, groups 128, windows 8, depth 16, kernel_h 3, kernel_w 3, channels 128, cus 4, share 32, {{.*}} steps 4, tiles 2,
// CHECK:      [[MAPS:%[^ ]+]] = tile.buffer words 2048 at 0 slots 1 every 32768 : !tile.mbuf<pixel 32, row 256>
// CHECK:      tile.load_pixels {{.*}} channel[0] words 32 share 32 to [[MAPS]] slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15>
// CHECK:      tile.conv coop [[MAPS]][0], {{.*}} channel[0] offset[0] {{.*}} share 0, cus 15>
// CHECK:      tile.conv coop [[MAPS]][0], {{.*}} channel[16] offset[16] {{.*}} share 0, cus 15>
// CHECK:      tile.store {{.*}} words 32 share 32 limit 128
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x128x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x1x3x3xf32>
  %w = cnn.quantize %wf : (tensor<128x1x3x3xf32>) -> tensor<128x1x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {groups = 128, pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 8, columns 8, maps_rows 8, steps 4, parts 1, maps_slots 1, weights_slots 2, result_slots 1, result_tiles 2, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x128x8x8x!cnn.fixed<8>>, tensor<128x1x3x3x!cnn.fixed<8>>) -> tensor<1x128x8x8x!cnn.fixed<8>> loc("depthwise")
  "test.op"(%y) : (tensor<1x128x8x8x!cnn.fixed<8>>) -> ()
}
