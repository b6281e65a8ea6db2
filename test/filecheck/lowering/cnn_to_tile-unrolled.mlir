// convert-cnn-to-tile: a convolution of an input whose rows the host unrolls. A row of the maps holds, for each column, the
// words of all five rows under the kernel, for one row of the result; to the tiles it is a kernel of one row.
// RUN: snow-opt %s --no-debuginfo -p convert-cnn-to-tile | filecheck %s

// CHECK:      %0 = tile.region "x" : !tile.maps<height 8, width 16, pixel 15, row 256, frac 8, channels [3 at 0], unrolled <kernel 5, stride 2, dilation 1, pad 1, height 16>>
// CHECK-NEXT: tile.write %x to %0 : tensor<1x3x16x16x!cnn.fixed<8>> to !tile.maps<height 8, {{.*}}, height 16>>

// Words of a kernel come in the order of those of the maps: columns, rows, channels.
// CHECK:      %2 = tile.weights %w as <indp, groups 1, windows 1, depth 3, kernel_h 5, kernel_w 5, {{.*}} channels [3 at 0], unrolled>

// A row of the result takes one row of maps, 16 pixels of 15 words up to whole transfers; windows overlap in columns alone.
// CHECK:      [[MAPS:%[^ ]+]] = tile.buffer words 512 at 0 slots 2 every {{[0-9]+}} : !tile.mbuf<pixel 15, row 256>
// CHECK:      tile.load %0 row[0] column[0] to [[MAPS]] slot[0] <top 0, bottom 2, left 0, right 16, share 2, cus 15>
// CHECK-NEXT: tile.conv indp [[MAPS]][0], {{.*}} <top 0, bottom 2, left 0, right 8, share 2, cus 15> <kernel_h 1, kernel_w 5, stride_h 1, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 16, out_h 8, out_w 8> <depth 15, {{.*}} lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 75, abreast 1> <result 8, bias 0, bypass 0> unrolled <kernel 5, stride 2, dilation 1, pad 1, height 16>
builtin.module attributes {snow.machine = "zc706"} {
  %input = cnn.input "input" : tensor<1x3x16x16xf32>
  %x = cnn.quantize %input {tile.unrolled = #tile.unrolled<kernel 5, stride 2, dilation 1, pad 1, height 16>} : (tensor<1x3x16x16xf32>) -> tensor<1x3x16x16x!cnn.fixed<8>>
  %f = cnn.weight "f" : tensor<16x3x5x5xf32>
  %w = cnn.quantize %f : (tensor<16x3x5x5xf32>) -> tensor<16x3x5x5x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {strides = [2, 2], pads = [1, 1, 2, 2]} attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 2, columns 8, maps_rows 2, steps 1, parts 1, maps_slots 2, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x3x16x16x!cnn.fixed<8>>, tensor<16x3x5x5x!cnn.fixed<8>>) -> tensor<1x16x8x8x!cnn.fixed<8>>
  %z = cnn.dequantize %y : (tensor<1x16x8x8x!cnn.fixed<8>>) -> tensor<1x16x8x8xf32>
  cnn.output "z" %z : tensor<1x16x8x8xf32>
}
