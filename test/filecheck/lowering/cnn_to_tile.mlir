// convert-cnn-to-tile: a convolution or a linear layer becomes the tile program of its schedule: what is loaded, computed
// and stored, in which order, and what waits for what.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "convert-cnn-to-tile{overlap=false}" | filecheck %s

// A tile that holds the whole share of a CU: memory, packed weights, buffers, loads, compute, store. A CU has two of
// the eight rows and reads four, the rows above and below the maps being cut off. The store waits for all results.
// CHECK:      %0 = tile.region "x" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to %0
// CHECK:      %1 = tile.region "conv1" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// CHECK-NEXT: %2 = tile.weights %w bias %b
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK-NEXT:   %3 = tile.buffer words 512 at 0 slots 1 every 32768 : !tile.mbuf<pixel 16, row 128>
// CHECK-NEXT:   %4 = tile.buffer words 512 at 512 slots 1 every 32768 : !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   %5 = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 8, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 8, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y = tile.read %1 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]> to tensor<1x32x8x8x!cnn.fixed<8>>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %bf = cnn.weight "b" : tensor<32xf32>
  %b = cnn.quantize %bf : (tensor<32xf32>) -> tensor<32x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w bias %b {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 2, columns 8, maps_rows 2, steps 8, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x8x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>, tensor<32x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x8x8x!cnn.fixed<8>>) -> ()
}

// -----

// Order mloop: maps tiles outside, kernels streamed past each. A tile is computed in parts: what fills the other slots is
// loaded behind the first of them, and the first tile is stored behind the first part of the second one, when the MACs
// have at most the 16 instructions of that part left. The last store waits for all of them.
// CHECK:      %2 = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 1, share 4, cus 15> <kernel_h {{.*}}> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   tile.load_weights %2 tile[1] part 0 to %5 slot[1] cus 15
// CHECK-NEXT:   tile.load %0 row[1] column[0] to %3 slot[1] <top 0, bottom 4, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 2, left 0, right 7, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[1] to %4[0] at[0] word[16] row[0] column[0] channel[16] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[0] to %4[1] at[0] word[0] row[2] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 1, share 4, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[0] to %4[1] at[0] word[0] row[2] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 2, left 0, right 7, share 4, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[1] to %4[1] at[0] word[16] row[2] column[0] channel[16] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 4, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[1] to %1 row[2] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 0, right 8, share 4, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 2, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x16x8x!cnn.fixed<8>>) -> ()
}

// -----

// Order kloop: kernel tiles outside, maps streamed past each; a result tile holds the channels of one kernel tile, and
// is stored pixel by pixel. The second kernels are loaded while the MACs use the first, and maps that are there still
// are not loaded again.
// CHECK:      %2 = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 64, cus 1, share 0, vmacs 4, line 16, steps 8, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 3, left 0, right 4, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 2, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 64, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 64>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[1] <top 0, bottom 3, left 0, right 4, share 2, cus 15>
// CHECK-NEXT:   tile.load_weights %2 tile[1] part 0 to %5 slot[1] cus 15
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 3, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[0] to %4[1] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 2, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[0] to %4[1] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 3, share 2, cus 15>
// CHECK-NEXT:   tile.wait move pending 0
// CHECK-NEXT:   tile.conv coop %3[0], %5[1] to %4[0] at[0] word[0] row[0] column[0] channel[32] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 2, share 2, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[1] to %1 row[1] column[0] channel[0] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[1] to %4[0] at[0] word[0] row[0] column[0] channel[32] offset[0] part[0], [2] <top 0, bottom 1, left 0, right 2, share 2, cus 15>
// CHECK-NEXT:   tile.wait move pending 0
// CHECK-NEXT:   tile.conv coop %3[1], %5[1] to %4[1] at[0] word[0] row[1] column[0] channel[32] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 2, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[32] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[1] to %4[1] at[0] word[0] row[1] column[0] channel[32] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 3, share 2, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[1] to %1 row[1] column[0] channel[32] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<64x16x3x3xf32>) -> tensor<64x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 1, columns 4, maps_rows 1, steps 8, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x8x4x!cnn.fixed<8>>, tensor<64x16x3x3x!cnn.fixed<8>>) -> tensor<1x64x8x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x64x8x4x!cnn.fixed<8>>) -> ()
}

// -----

// Eight kernel tiles go past maps that stay: all but the ends become a loop. In it the next kernels are loaded into the
// slot of the last ones, which the MACs are done with but for one part of a tile.
// CHECK:      %2 = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 128, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 8, parts 1, abreast 1, advance 0, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 8, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 1, share 2, cus 15> <kernel_h {{.*}}> <depth 16, steps 4, channels 128, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 128, row 1024>
// CHECK-NEXT:   tile.for %6 = 0 to 6 {
// CHECK-NEXT:     tile.load_weights %2 tile[%6 + 1] part 0 to %5 slot[%6 mod 2 * -1 + 1] cus 15
// CHECK-NEXT:     tile.conv coop %3[0], %5[%6 mod 2] to %4[0] at[0] word[%6 * 16] row[0] column[0] channel[%6 * 16] offset[0] part[0], [1] <top 0, bottom 2, left 0, right 7, share 2, cus 15>
// CHECK-NEXT:     tile.conv coop %3[0], %5[%6 mod 2 * -1 + 1] to %4[0] at[0] word[%6 * 16 + 16] row[0] column[0] channel[%6 * 16 + 16] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 1, share 2, cus 15>
// CHECK-NEXT:     tile.wait mac pending 16
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.load_weights %2 tile[7] part 0 to %5 slot[1] cus 15
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[96] row[0] column[0] channel[96] offset[0] part[0], [1] <top 0, bottom 2, left 0, right 7, share 2, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[1] to %4[0] at[0] word[112] row[0] column[0] channel[112] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 128 share 0 limit 128 part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<128x16x3x3xf32>) -> tensor<128x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 1, weights_slots 2, result_slots 2, result_tiles 8, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x8x8x!cnn.fixed<8>>, tensor<128x16x3x3x!cnn.fixed<8>>) -> tensor<1x128x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x128x8x8x!cnn.fixed<8>>) -> ()
}

// -----

// Split kernels: every CU has all rows, in one broadcast, and 32 of the 128 kernels; it stores words of a pixel.
// CHECK:      %2 = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 1, kernel_w 1, channels 128, cus 4, share 32, vmacs 4, line 16, steps 8, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 4, share 0, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 32, share 32, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 64>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 128>
// CHECK:        tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 32 limit 128 part[%6], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<128x16x1x1xf32>) -> tensor<128x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 4, columns 4, maps_rows 4, steps 8, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<128x16x1x1x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x128x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Of 192 channels a CU has 48, which are no whole transfers: CUs 1 and 3 move theirs to the CU before them, behind its
// own, and that stores 96. A move waits for the results of the CU that it takes them from, the store for the moves.
// CHECK:      %2 = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 1, kernel_w 1, channels 192, cus 4, share 48, vmacs 4, line 16, steps 12, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 2, left 0, right 2, share 0, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 2, share 0, cus 15> <kernel_h {{.*}}> <depth 16, steps 12, channels 48, share 48, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 32>, !tile.wbuf<block 64> to !tile.mbuf<pixel 96, row 192>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.move %4[0] row[0] column[0] word[0] to %4[0] row[0] column[0] word[48] words 48 down 1 <top 0, bottom 2, left 0, right 2, share 0, cus 10>
// CHECK-NEXT:   tile.wait move pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 96 share 48 limit 192 part[0], [0] <top 0, bottom 2, left 0, right 2, share 0, cus 5>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<192x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<192x16x1x1xf32>) -> tensor<192x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 2, columns 2, maps_rows 2, steps 12, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<192x16x1x1x!cnn.fixed<8>>) -> tensor<1x192x2x2x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x192x2x2x!cnn.fixed<8>>) -> ()
}

// -----

// Tiles narrower than the maps begin where a transfer begins: two columns of 16 words, one of which is padding. The
// first output column finds its first tap in column 1 of the tile.
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[-2] to %3 slot[0] <top 0, bottom 3, left 0, right 8, share 1, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 32, share 0, lead 1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   tile.load %0 row[-1] column[2] to %3 slot[1] <top 0, bottom 3, left 0, right 8, share 1, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [1] <top 0, bottom 1, left 0, right 3, share 1, cus 15>
// CHECK-NEXT:   tile.conv coop %3[1], %5[0] to %4[1] at[0] word[0] row[0] column[4] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 15>
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 1, steps 8, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x4x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x4x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x4x8x!cnn.fixed<8>>) -> ()
}

// -----

// INDP takes maps word by word: pixels of three channels are packed, rows padded to whole transfers. Six rows keep three
// of the CUs busy.
// CHECK:      %0 = tile.region "in" : !tile.maps<height 8, width 8, pixel 3, row 32, frac 8, channels [3 at 0]>
// CHECK-NEXT: tile.write %x to %0
// CHECK:      %1 = tile.region "conv1" : !tile.maps<height 6, width 6, pixel 32, row 192, frac 8, channels [32 at 0]>
// CHECK-NEXT: %2 = tile.weights %w as <indp, groups 1, windows 1, depth 3, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [3 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 7
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 8, share 2, cus 7>
// CHECK-NEXT:   tile.conv indp %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 6, share 2, cus 7> <kernel_h {{.*}}> <depth 3, steps 1, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 27, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 3, row 32>, !tile.wbuf<block 448> to !tile.mbuf<pixel 32, row 192>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 0, right 6, share 2, cus 7>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %i = cnn.input "rgb" : tensor<1x3x8x8xf32>
  %x = cnn.quantize %i : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!cnn.fixed<8>> loc("in")
  %wf = cnn.weight "w" : tensor<32x3x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x3x3x3xf32>) -> tensor<32x3x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 2, columns 6, maps_rows 2, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x3x8x8x!cnn.fixed<8>>, tensor<32x3x3x3x!cnn.fixed<8>>) -> tensor<1x32x6x6x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x6x6x!cnn.fixed<8>>) -> ()
}

// -----

// A residual lies beside the maps and has the tiles of the result; its shift is its own.
// CHECK:      tile.layer "conv2d" {
// CHECK-NEXT:   %4 = tile.buffer words 128 at 0 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   %5 = tile.buffer words 128 at 128 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   %6 = tile.buffer words 128 at 256 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   %7 = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
// CHECK-NEXT:   tile.load_weights %3 tile[0] part 0 to %7 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %4 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.load %1 row[0] column[0] to %5 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.conv coop %4[0], %7[0] bypass %5 : !tile.mbuf<pixel 32, row 128> to %6[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <depth 32, steps 8, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 32, abreast 1> <result 8, bias 0, bypass 10> relu : !tile.mbuf<pixel 32, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %6[0] to %2 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
  %r = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<6>>
  %wf = cnn.weight "w" : tensor<32x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<32x32x1x1xf32>) -> tensor<32x32x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w residual %r {relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 1, steps 8, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 2, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x4x4x!cnn.fixed<8>>, tensor<32x32x1x1x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<6>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Groups of whole lines: a kernel sees a window of the pixel. Smaller groups are merged, zeros between them.
// CHECK:      %2 = tile.weights %w as <coop, groups 2, windows 2, depth 64, kernel_h 1, kernel_w 1, channels 128, cus 1, share 0, vmacs 4, line 16, steps 16, tiles 2, parts 1, abreast 1, advance 0, channels [128 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <depth 64, steps 16, channels 128, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 64, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 128, row 512>, !tile.wbuf<block 128> to !tile.mbuf<pixel 128, row 512>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.load_weights %2 tile[1] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[64] row[0] column[0] channel[64] offset[64] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 128 share 0 limit 128 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK:      %7 = tile.weights %v as <coop, groups 128, windows 8, depth 16, kernel_h 3, kernel_w 3, channels 128, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 8, parts 1, abreast 1, advance 0, channels [128 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %7 tile[0] part 0 to %10 slot[0] cus 15
// CHECK-NEXT:   tile.load %1 row[-1] column[0] to %8 slot[0] <top 0, bottom 3, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.for %11 = 0 to 7 {
// CHECK-NEXT:     tile.conv coop %8[0], %10[0] to %9[0] at[0] word[%11 * 16] row[0] column[0] channel[%11 * 16] offset[%11 * 16] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:     tile.wait mac pending 0
// CHECK-NEXT:     tile.load_weights %7 tile[%11 + 1] part 0 to %10 slot[0] cus 15
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.conv coop %8[0], %10[0] to %9[0] at[0] word[112] row[0] column[0] channel[112] offset[112] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %9[0] to %6 row[0] column[0] channel[0] words 128 share 0 limit 128 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x128x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x64x1x1xf32>
  %w = cnn.quantize %wf : (tensor<128x64x1x1xf32>) -> tensor<128x64x1x1x!cnn.fixed<8>>
  %vf = cnn.weight "v" : tensor<128x1x3x3xf32>
  %v = cnn.quantize %vf : (tensor<128x1x3x3xf32>) -> tensor<128x1x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {groups = 2} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 1, steps 16, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 2, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x128x4x4x!cnn.fixed<8>>, tensor<128x64x1x1x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>> loc("conv1")
  %z = cnn.conv2d %y, %v {groups = 128, pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, maps_rows 1, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 8, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x128x4x4x!cnn.fixed<8>>, tensor<128x1x3x3x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>> loc("depthwise")
  "test.op"(%z) : (tensor<1x128x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// A linear layer is a convolution whose kernel covers all of its input: it reads the maps as they lie in memory.
// CHECK:      %0 = tile.region "x" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK:      %1 = tile.region "fc" : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [10 at 0]>
// CHECK-NEXT: %2 = tile.weights %w bias %b
// CHECK-NEXT: tile.layer "linear" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 1
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 4, left 0, right 4, share 1, cus 1>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1> <kernel_h {{.*}}> <depth 16, steps 4, channels 16, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 256, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 64>, !tile.wbuf<block 320> to !tile.mbuf<pixel 32, row 32>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<10x256xf32>
  %w = cnn.quantize %wf : (tensor<10x256xf32>) -> tensor<10x256x!cnn.fixed<8>>
  %bf = cnn.weight "b" : tensor<10xf32>
  %b = cnn.quantize %bf : (tensor<10xf32>) -> tensor<10x!cnn.fixed<8>>
  %y = cnn.linear %x, %w bias %b {tile.schedule = #tile.schedule<coop, rows, kloop, rows 1, columns 1, maps_rows 1, steps 4, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<10x256x!cnn.fixed<8>>, tensor<10x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
  "test.op"(%y) : (tensor<1x10x!cnn.fixed<8>>) -> ()
}

// -----

// A kernel too long for its buffer comes in parts: each is loaded while the one before it is used, and adds to what
// that left in the accumulators. Loads take longer than what computes: they come before what waits for the last one.
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 1
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 14, left 0, right 14, share 1, cus 1>
// CHECK-NEXT:   tile.conv coop %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1> <kernel_h {{.*}}> <depth 64, steps 1, channels 16, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 2, part_words 6272, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 64, row 896>, !tile.wbuf<block 6336> to !tile.mbuf<pixel 32, row 32>
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 1 to %5 slot[1] cus 1
// CHECK-NEXT:   tile.for %6 = 0 to 3 {
// CHECK-NEXT:     tile.wait mac pending 0
// CHECK-NEXT:     tile.load_weights %2 tile[%6 + 1] part 0 to %5 slot[0] cus 1
// CHECK-NEXT:     tile.conv coop %3[0], %5[1] to %4[0] at[0] word[%6 * 4] row[0] column[0] channel[%6 * 4] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1>
// CHECK-NEXT:     tile.wait mac pending 0
// CHECK-NEXT:     tile.load_weights %2 tile[%6 + 1] part 1 to %5 slot[1] cus 1
// CHECK-NEXT:     tile.conv coop %3[0], %5[0] to %4[0] at[0] word[%6 * 4 + 4] row[0] column[0] channel[%6 * 4 + 4] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1>
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.conv coop %3[0], %5[1] to %4[0] at[0] word[12] row[0] column[0] channel[12] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 1, share 1, cus 1>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x64x14x14x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<10x12544xf32>
  %w = cnn.quantize %wf : (tensor<10x12544xf32>) -> tensor<10x12544x!cnn.fixed<8>>
  %y = cnn.linear %x, %w {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 1, maps_rows 1, steps 1, parts 2, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 4, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x64x14x14x!cnn.fixed<8>>, tensor<10x12544x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
  "test.op"(%y) : (tensor<1x10x!cnn.fixed<8>>) -> ()
}

// -----

// Biases that lie apart from their kernels are loaded beside each slot of maps when that is first filled, for each CU its
// own. What computes with the maps of a slot finds them there.
// CHECK:      %2 = tile.weights %w bias %b : tensor<256x!cnn.fixed<14>> as <indp, groups 1, windows 1, depth 64, kernel_h 1, kernel_w 1, channels 256, cus 4, share 64, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [64 at 0], apart> : tensor<256x64x1x1x!cnn.fixed<8>> to !tile.packed<16640>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK-NEXT:   %3 = tile.buffer words 512 at 0 slots 2 every 31680 : !tile.mbuf<pixel 64, row 256>
// CHECK-NEXT:   %4 = tile.buffer words 512 at 576 slots 2 every 31680 : !tile.mbuf<pixel 64, row 256>
// CHECK-NEXT:   %5 = tile.buffer words 1024 at 0 slots 2 every 8192 : !tile.wbuf<block 1024>
// CHECK-NEXT:   %6 = tile.buffer words 64 at 512 slots 2 every 31680 : !tile.mbuf<pixel 64, row 64>
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %3 slot[0]
// CHECK-NEXT:   tile.load_biases %2 to %6 slot[0] cus 15 : !tile.packed<16640> to !tile.mbuf<pixel 64, row 64>
// CHECK-NEXT:   tile.conv indp %3[0], %5[0] biases %6 : !tile.mbuf<pixel 64, row 64> to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0]
// CHECK-NEXT:   tile.load %0 row[2] column[0] to %3 slot[1]
// CHECK-NEXT:   tile.load_biases %2 to %6 slot[1] cus 15
// CHECK-NEXT:   tile.conv indp %3[0], %5[0] biases %6 : !tile.mbuf<pixel 64, row 64> to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [1]
// CHECK-NEXT:   tile.conv indp %3[1], %5[0] biases %6 : !tile.mbuf<pixel 64, row 64> to %4[1] at[0] word[0] row[2] column[0] channel[0] offset[0] part[0], [0]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x64x4x4x!cnn.fixed<8>>
  %bf = cnn.weight "b" : tensor<256xf32>
  %b = cnn.quantize %bf : (tensor<256xf32>) -> tensor<256x!cnn.fixed<14>>
  %wf = cnn.weight "w" : tensor<256x64x1x1xf32>
  %w = cnn.quantize %wf : (tensor<256x64x1x1xf32>) -> tensor<256x64x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w bias %b attributes {tile.schedule = #tile.schedule<indp, kernels, mloop, rows 2, columns 4, maps_rows 4, steps 1, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 1, abreast 1>} : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<256x64x1x1x!cnn.fixed<8>>, tensor<256x!cnn.fixed<14>>) -> tensor<1x256x4x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x256x4x4x!cnn.fixed<8>>) -> ()
}
