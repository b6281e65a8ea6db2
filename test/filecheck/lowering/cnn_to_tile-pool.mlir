// convert-cnn-to-tile: a max pool behind a convolution that alone reads its result is computed with it.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-cnn-to-tile | filecheck %s

// The result of the convolution stays in its buffer, where the pool reads it; only pooled rows get a region and are
// stored.
// CHECK:      %1 = tile.region "pool1" : !tile.maps<height 8, width 4, pixel 32, row 128, frac 8, channels [32 at 0]>
// CHECK:      tile.layer "conv2d" {
// CHECK-NEXT:   %3 = tile.buffer words 768 at 0 slots 2 every 31744 : !tile.mbuf<pixel 16, row 128>
// CHECK-NEXT:   %4 = tile.buffer words 1024 at 1024 slots 1 every 31744 : !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   %5 = tile.buffer words 256 at 768 slots 2 every 31744 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   %6 = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 0 to %6 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 6, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %6[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 4, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 16, in_w 8, out_h 16, out_w 8> <depth 16, steps 8, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   tile.conv coop %3[0], %6[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[2], [0] <top 0, bottom 1, left 0, right 1, share 4, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.max_pool %4[0] to %5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.conv coop %3[0], %6[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[2], [1] <top 0, bottom 1, left 0, right 7, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %6[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[3], [0] <top 0, bottom 1, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[0] row[0] column[0] part[1], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK-NEXT:   tile.store %5[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 0, right 4, share 2, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 4, maps_rows 4, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 1, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  %z = cnn.max_pool %y {kernel = [2, 2], strides = [2, 2]} : (tensor<1x32x16x8x!cnn.fixed<8>>) -> tensor<1x32x8x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%z) : (tensor<1x32x8x4x!cnn.fixed<8>>) -> ()
}

// -----

// Windows of three rows, two apart, share a row. With all rows in every CU, the one below a tile is carried to the top of
// the next tile, behind the pool that read what was there.
// CHECK:        tile.wait mac pending 16
// CHECK-NEXT:   tile.max_pool %4[0] to %5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK:        tile.max_pool %4[0] to %5[0] row[0] column[0] part[1], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NEXT:   tile.conv coop %3[1], %6[0] to %4[0] at[1] word[0] row[4] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 1, share 0, cus 15>
// CHECK-NEXT:   tile.move %4[0] row[4] column[0] word[0] to %4[0] row[0] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 8, share 0, cus 15>
// CHECK:        tile.wait mac, move pending 16
// CHECK-NEXT:   tile.max_pool %4[0] to %5[1] row[2] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK:        tile.wait mac pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[1] row[2] column[0] part[1], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK-NEXT:   tile.store %5[1] to %1 row[2] column[0] channel[0] words 32 share 32 limit 128 part[1], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<128x16x3x3xf32>) -> tensor<128x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 2, columns 4, maps_rows 8, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 1, turns 1, biases 0, abreast 1>} : (tensor<1x16x8x8x!cnn.fixed<8>>, tensor<128x16x3x3x!cnn.fixed<8>>) -> tensor<1x128x8x8x!cnn.fixed<8>> loc("conv1")
  %z = cnn.max_pool %y {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x128x8x8x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%z) : (tensor<1x128x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// With rows shared out, the row below the share of a CU is the first one of the next CU: that sends it on into a buffer of
// its own, `%6`, from where it goes behind the last rows. The last CU has no row below.
// CHECK:        %6 = tile.buffer words 256 at 1408 slots 1 every 32128 : !tile.mbuf<pixel 32, row 256>
// CHECK:        tile.conv coop %3[0], %7[0] to %4[0] at[0] word[0] row[0]
// CHECK:        tile.wait mac pending 16
// CHECK-NEXT:   tile.move %4[0] row[0] column[0] word[0] to %6[0] row[0] column[0] word[0] words 32 down 1 <top 0, bottom 1, left 0, right 8, share 0, cus 14>
// CHECK:        tile.wait mac pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK:        tile.move %4[0] row[2] column[0] word[0] to %4[0] row[0] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 8, share 0, cus 15>
// CHECK-NEXT:   tile.store %5[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK:        tile.move %6[0] row[0] column[0] word[0] to %4[0] row[2] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 8, share 0, cus 7>
// CHECK:        tile.wait mac, move pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[1] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK-NEXT:   tile.store %5[1] to %1 row[1] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 2, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 1, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  %z = cnn.max_pool %y {kernel = [3, 3], strides = [2, 2], pads = [0, 0, 1, 1]} : (tensor<1x32x16x8x!cnn.fixed<8>>) -> tensor<1x32x8x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%z) : (tensor<1x32x8x4x!cnn.fixed<8>>) -> ()
}

// -----

// Padded above, the first CU would have a row less and the last one a row more. So tiles go from the bottom to the top: the
// row above the share of a CU is the last one of the CU before it, which has computed it first and sends it on.
// CHECK:        %6 = tile.buffer words 256 at 1408 slots 1 every 32128 : !tile.mbuf<pixel 32, row 256>
// CHECK:        tile.conv coop %3[0], %7[0] to %4[0] at[2] word[0] row[3]
// CHECK:        tile.wait mac pending 16
// CHECK-NEXT:   tile.move %4[0] row[2] column[0] word[0] to %6[0] row[0] column[0] word[0] words 32 down -1 <top 0, bottom 1, left 0, right 8, share 0, cus 7>
// CHECK:        tile.wait mac pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[0] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK:        tile.move %4[0] row[0] column[0] word[0] to %4[0] row[2] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 8, share 0, cus 15>
// CHECK-NEXT:   tile.store %5[0] to %1 row[1] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK:        tile.move %6[0] row[0] column[0] word[0] to %4[0] row[0] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 8, share 0, cus 14>
// CHECK:        tile.wait mac, move pending 0
// CHECK-NEXT:   tile.max_pool %4[0] to %5[1] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK-NEXT:   tile.store %5[1] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 2, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 1, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  %z = cnn.max_pool %y {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x32x16x8x!cnn.fixed<8>>) -> tensor<1x32x8x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%z) : (tensor<1x32x8x4x!cnn.fixed<8>>) -> ()
}

// -----

// In column tiles the column under the windows of two tiles is computed for the left one, which keeps it, row by row, in a
// buffer of its own, `%7`; the right one gets it back before it computes the columns behind it.
// CHECK:        %7 = tile.buffer words 128 at {{[0-9]+}} slots 1 every {{[0-9]+}} : !tile.mbuf<pixel 32, row 32>
// CHECK:        tile.move %4[0] row[2] column[3] word[0] to %7[0] row[3] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 1, share 0, cus 15>
// CHECK:        tile.max_pool %4[0] to %5[0] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 2, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK:        tile.move %4[0] row[0] column[3] word[0] to %7[0] row[1] column[0] word[0] words 32 down 0 <top 0, bottom 2, left 0, right 1, share 0, cus 15>
// CHECK:        tile.move %7[0] row[1] column[0] word[0] to %4[0] row[0] column[0] word[0] words 32 down 0 <top 0, bottom 2, left 0, right 1, share 0, cus 15>
// CHECK:        tile.conv coop %3[0], %8[0] to %4[0] at[0] word[0] row[1] column[3] channel[0] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 1, share 4, cus 15>
// CHECK:        tile.max_pool %4[0] to %5[0] row[1] column[2] part[0], [0] <top 0, bottom 1, left 0, right 2, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 2, maps_rows 2, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 1, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  %z = cnn.max_pool %y {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x32x16x8x!cnn.fixed<8>>) -> tensor<1x32x8x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%z) : (tensor<1x32x8x4x!cnn.fixed<8>>) -> ()
}
