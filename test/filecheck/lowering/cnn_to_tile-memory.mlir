// convert-cnn-to-tile: tensors become regions of memory.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "convert-cnn-to-tile{overlap=false}" | filecheck %s

// Channels are padded to whole lines, a vector and a row to whole transfers.
// CHECK:      %1 = tile.region "maps" : !tile.maps<height 3, width 5, pixel 32, row 160, frac 8, channels [20 at 0]>
// CHECK:      %5 = tile.region "vector" : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [20 at 0]>
module attributes {snow.machine = "zc706"} {
  %a = "test.op"() : () -> tensor<1x20x3x5x!cnn.fixed<8>>
  %b = cnn.relu %a : (tensor<1x20x3x5x!cnn.fixed<8>>) -> tensor<1x20x3x5x!cnn.fixed<8>> loc("maps")
  %c = "test.op"() : () -> tensor<1x20x!cnn.fixed<8>>
  %d = cnn.relu %c : (tensor<1x20x!cnn.fixed<8>>) -> tensor<1x20x!cnn.fixed<8>> loc("vector")
  "test.op"(%b, %d) : (tensor<1x20x3x5x!cnn.fixed<8>>, tensor<1x20x!cnn.fixed<8>>) -> ()
}

// -----

// A concatenation is a region; each part stores into its place, which begins at a whole transfer. Nothing is left to do.
// CHECK:      %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: %0 = tile.region "x" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to %0
// CHECK-NEXT: %1 = tile.region "concat" : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]>
// CHECK-NEXT: %2 = tile.view "left" of %1 : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]> to !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.store %4[0] to %2 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %5 = tile.view "right" of %1 : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]> to !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 32]>
// CHECK-NEXT: tile.layer "max_pool" {
// CHECK:        tile.store %7[0] to %5 row[0] column[0] channel[32] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y = tile.read %1 : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]> to tensor<1x32x4x4x!cnn.fixed<8>>
// CHECK-NEXT: "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %a = cnn.relu %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("left")
  %b = cnn.max_pool %x {kernel = [1, 1]} : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("right")
  %y = cnn.concat %a, %b : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("concat")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// The host reads what it computes on out of memory, and writes what the accelerator reads from it. A value that many
// read is written once.
// CHECK:      %i = cnn.input "x" : tensor<1x16x4x4xf32>
// CHECK-NEXT: %x = cnn.quantize %i : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: %0 = tile.region "in" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to %0
// CHECK-NEXT: %1 = tile.region "relu1" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load %0 row[0] column[0] to %2 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK:        tile.store %3[0] to %1 row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %4 = tile.region "add1" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load %1 row[0] column[0] to %5 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %6 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK:        tile.store %7[0] to %4 row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %b = tile.read %4 : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]> to tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: %d = cnn.dequantize %b : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4xf32>
// CHECK-NEXT: %s = cnn.softmax %d : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
// CHECK-NEXT: %q = cnn.quantize %s : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: %8 = tile.region "back" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %q to %8
// CHECK-NEXT: %9 = tile.region "relu2" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load %8 row[0] column[0] to %10 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK:        tile.store %11[0] to %9 row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y = tile.read %9 : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]> to tensor<1x16x4x4x!cnn.fixed<8>>
// CHECK-NEXT: "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
module attributes {snow.machine = "zc706"} {
  %i = cnn.input "x" : tensor<1x16x4x4xf32>
  %x = cnn.quantize %i : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("in")
  %a = cnn.relu %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("relu1")
  %b = cnn.add %a, %x : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("add1")
  %d = cnn.dequantize %b : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4xf32>
  %s = cnn.softmax %d : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
  %q = cnn.quantize %s : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("back")
  %y = cnn.relu %q : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("relu2")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Channels that every reader takes word by word stay packed, for the first reader and for the second.
// CHECK:      %0 = tile.region "x" : !tile.maps<height 2, width 2, pixel 3, row 32, frac 8, channels [3 at 0]>
// CHECK:        tile.conv indp %3[0], %5[0] to %4[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 2, share 1, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 2, in_w 2, out_h 2, out_w 2> <depth 3, steps 1, channels 16, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 3, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 3, row 32>, !tile.wbuf<block 64> to !tile.mbuf<pixel 16, row 32>
// CHECK:        tile.conv indp %8[0], %10[0] to %9[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 2, share 1, cus 3>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x3x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x3x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x3x1x1xf32>) -> tensor<16x3x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 1, columns 2, maps_rows 1, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x3x2x2x!cnn.fixed<8>>, tensor<16x3x1x1x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>>
  %z = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 1, columns 2, maps_rows 1, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 1, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x3x2x2x!cnn.fixed<8>>, tensor<16x3x1x1x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>>
  "test.op"(%y, %z) : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<1x16x2x2x!cnn.fixed<8>>) -> ()
}
