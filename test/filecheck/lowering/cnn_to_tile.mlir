// convert-cnn-to-tile: a convolution or a linear layer becomes the tile loops of its schedule.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-cnn-to-tile | filecheck %s

// A tile that holds the whole share of a CU: memory, packed weights, buffers, load, compute, store. A CU has two of
// the eight rows and reads four, the rows above and below the maps being cut off.
// CHECK:      [[X0:%[^ ]+]] = tile.region "x" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to [[X0]]
// CHECK:      [[CONV1:%[^ ]+]] = tile.region "conv1" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// CHECK-NEXT: %y = tile.weights %w bias %b
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK-NEXT:   [[M0:%[^ ]+]] = tile.buffer words 512 at 0 slots 1 every 32768 : !tile.mbuf<pixel 16, row 128>
// CHECK-NEXT:   [[M1:%[^ ]+]] = tile.buffer words 512 at 512 slots 1 every 32768 : !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   [[W:%[^ ]+]] = tile.buffer words 1536 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
// CHECK-NEXT:   tile.load [[X0]] row[-1] column[0] to [[M0]] slot[0] <rows 4, share 2, columns 8, cus 15>
// CHECK-NEXT:   tile.load_weights %y tile[0] part 0 to [[W]] slot[0] cus 15
// CHECK-NEXT:   tile.conv coop [[M0]][0], [[W]][0] to [[M1]][0] row[0] column[0] channel[0] offset[0] <rows 2, share 2, columns 8, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 8, channels 32, share 0, alone 0, lead -1, bypass_first 0, part 0, parts 1, part_words 144> <result 8, bias 8, bypass 0> relu
// CHECK-NEXT:   tile.store [[M1]][0] to [[CONV1]] row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 2, share 2, columns 8, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y_1 = tile.read [[CONV1]]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %bf = cnn.weight "b" : tensor<32xf32>
  %b = cnn.quantize %bf : (tensor<32xf32>) -> tensor<32x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w bias %b {pads = [1, 1, 1, 1], relu} attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 2, columns 8, steps 8, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x16x8x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>, tensor<32x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x8x8x!cnn.fixed<8>>) -> ()
}

// -----

// Order mloop: maps tiles outside, kernels streamed past each. Two slots of a buffer are filled one tile ahead.
// CHECK:      %y = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.for [[I0:%[^ ]+]] = 0 to 2 prefetch {
// CHECK-NEXT:     tile.load %0 row[[[I0]] * 2 + -1] column[0] to %2 slot[[[I0]] mod 2] <rows 4, share 4, columns 8, cus 15>
// CHECK-NEXT:     tile.for [[I1:%[^ ]+]] = 0 to 2 prefetch {
// CHECK-NEXT:       tile.load_weights %y tile[[[I1]]] part 0 to %4 slot[[[I1]] mod 2] cus 15
// CHECK-NEXT:       tile.conv coop %2[[[I0]] mod 2], %4[[[I1]] mod 2] to %3[[[I0]] mod 2] row[[[I0]] * 2] column[0] channel[[[I1]] * 16] offset[0] <rows 2, share 4, columns 8, cus 15> <kernel_h {{.*}}> <depth 16, steps 4, channels 32, share 0, alone 0, lead -1, bypass_first 0, part 0, parts 1, part_words 144> <result 8, bias 0, bypass 0>
// CHECK-NEXT:     }
// CHECK-NEXT:     tile.store %3[[[I0]] mod 2] to %1 row[[[I0]] * 2] column[0] channel[0] words 32 share 0 limit 32 <rows 2, share 4, columns 8, cus 15>
// CHECK-NEXT:   }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 8, steps 4, parts 1, maps_slots 2, weights_slots 2>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x16x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x16x8x!cnn.fixed<8>>) -> ()
}

// -----

// Order kloop: kernel tiles outside, maps streamed past each; a result tile holds the channels of one kernel tile.
// CHECK:      %y = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 64, cus 1, share 0, vmacs 4, line 16, steps 8, tiles 2, parts 1, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     tile.load_weights %y tile[[[I0]]] part 0 to %4 slot[0] cus 15
// CHECK-NEXT:     tile.for [[I1:%[^ ]+]] = 0 to 2 prefetch {
// CHECK-NEXT:       tile.load %0 row[[[I1]] * 2 + -1] column[0] to %2 slot[[[I1]] mod 2] <rows 4, share 4, columns 8, cus 15>
// CHECK-NEXT:       tile.conv coop %2[[[I1]] mod 2], %4[0] to %3[[[I1]] mod 2] row[[[I1]] * 2] column[0] channel[[[I0]] * 32] offset[0] <rows 2, share 4, columns 8, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 64, share 0, alone 1, lead -1, bypass_first 0, part 0, parts 1, part_words 144> <result 8, bias 0, bypass 0>
// CHECK-NEXT:       tile.store %3[[[I1]] mod 2] to %1 row[[[I1]] * 2] column[0] channel[[[I0]] * 32] words 32 share 0 limit 64 <rows 2, share 4, columns 8, cus 15>
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<64x16x3x3xf32>) -> tensor<64x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, kloop, rows 2, columns 8, steps 8, parts 1, maps_slots 2, weights_slots 1>} : (tensor<1x16x16x8x!cnn.fixed<8>>, tensor<64x16x3x3x!cnn.fixed<8>>) -> tensor<1x64x16x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x64x16x8x!cnn.fixed<8>>) -> ()
}

// -----

// Split kernels: every CU has all rows, in one broadcast, and 32 of the 128 kernels; it stores words of a pixel.
// CHECK:      %y = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 1, kernel_w 1, channels 128, cus 4, share 32, vmacs 4, line 16, steps 8, tiles 1, parts 1, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %y tile[0] part 0 to %4 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to %2 slot[0] <rows 4, share 0, columns 4, cus 15>
// CHECK-NEXT:   tile.conv coop %2[0], %4[0] to %3[0] row[0] column[0] channel[0] offset[0] <rows 4, share 0, columns 4, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 32, share 32, alone 0, lead 0, bypass_first 0, part 0, parts 1, part_words 16> <result 8, bias 0, bypass 0>
// CHECK-NEXT:   tile.store %3[0] to %1 row[0] column[0] channel[0] words 32 share 32 limit 128 <rows 4, share 0, columns 4, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<128x16x1x1xf32>) -> tensor<128x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<coop, kernels, mloop, rows 4, columns 4, steps 8, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<128x16x1x1x!cnn.fixed<8>>) -> tensor<1x128x4x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x128x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Tiles narrower than the maps begin where a transfer begins: two columns of 16 words, one of which is padding.
// CHECK:      %y = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 8, tiles 1, parts 1, channels [16 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %y tile[0] part 0 to %4 slot[0] cus 15
// CHECK-NEXT:   tile.for [[I0:%[^ ]+]] = 0 to 2 prefetch {
// CHECK-NEXT:     tile.load %0 row[-1] column[[[I0]] * 4 + -2] to %2 slot[[[I0]] mod 2] <rows 3, share 1, columns 8, cus 15>
// CHECK-NEXT:     tile.conv coop %2[[[I0]] mod 2], %4[0] to %3[[[I0]] mod 2] row[0] column[[[I0]] * 4] channel[0] offset[0] <rows 1, share 1, columns 4, cus 15> <kernel_h {{.*}}> <depth 16, steps 8, channels 32, share 0, alone 0, lead 1, bypass_first 0, part 0, parts 1, part_words 144> <result 8, bias 0, bypass 0>
// CHECK-NEXT:     tile.store %3[[[I0]] mod 2] to %1 row[0] column[[[I0]] * 4] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT:   }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, steps 8, parts 1, maps_slots 2, weights_slots 1>} : (tensor<1x16x4x8x!cnn.fixed<8>>, tensor<32x16x3x3x!cnn.fixed<8>>) -> tensor<1x32x4x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x4x8x!cnn.fixed<8>>) -> ()
}

// -----

// INDP takes maps word by word: pixels of three channels are packed, rows padded to whole transfers.
// CHECK:      [[IN:%[^ ]+]] = tile.region "in" : !tile.maps<height 8, width 8, pixel 3, row 32, frac 8, channels [3 at 0]>
// CHECK-NEXT: tile.write %x to [[IN]]
// CHECK:      [[CONV1:%[^ ]+]] = tile.region "conv1" : !tile.maps<height 6, width 6, pixel 32, row 192, frac 8, channels [32 at 0]>
// CHECK-NEXT: %y = tile.weights %w as <indp, groups 1, windows 1, depth 3, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, channels [3 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.load_weights %y tile[0] part 0 to %4 slot[0] cus 7
// CHECK-NEXT:   tile.load [[IN]] row[0] column[0] to %2 slot[0] <rows 4, share 2, columns 8, cus 7>
// CHECK-NEXT:   tile.conv indp %2[0], %4[0] to %3[0] row[0] column[0] channel[0] offset[0] <rows 2, share 2, columns 6, cus 7> <kernel_h {{.*}}> <depth 3, steps 1, channels 32, share 0, alone 0, lead 0, bypass_first 0, part 0, parts 1, part_words 27> <result 8, bias 0, bypass 0>
// CHECK-NEXT:   tile.store %3[0] to [[CONV1]] row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 2, share 2, columns 6, cus 7>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %i = cnn.input "rgb" : tensor<1x3x8x8xf32>
  %x = cnn.quantize %i : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8x!cnn.fixed<8>> loc("in")
  %wf = cnn.weight "w" : tensor<32x3x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x3x3x3xf32>) -> tensor<32x3x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 2, columns 6, steps 1, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x3x8x8x!cnn.fixed<8>>, tensor<32x3x3x3x!cnn.fixed<8>>) -> tensor<1x32x6x6x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x6x6x!cnn.fixed<8>>) -> ()
}

// -----

// A residual lies beside the maps and has the tiles of the result; its shift is its own.
// CHECK:      tile.layer "conv2d" {
// CHECK-NEXT:   [[M0:%[^ ]+]] = tile.buffer words 128 at 0 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   [[M1:%[^ ]+]] = tile.buffer words 128 at 128 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   [[M2:%[^ ]+]] = tile.buffer words 128 at 256 slots 1 every 32768 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   [[W:%[^ ]+]] = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
// CHECK-NEXT:   tile.load_weights %y tile[0] part 0 to [[W]] slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[0] column[0] to [[M0]] slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT:   tile.load %1 row[0] column[0] to [[M1]] slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT:   tile.conv coop [[M0]][0], [[W]][0] bypass [[M1]] : !tile.mbuf<pixel 32, row 128> to [[M2]][0] row[0] column[0] channel[0] offset[0] <rows 1, share 1, columns 4, cus 15> <kernel_h {{.*}}> <depth 32, steps 8, channels 32, share 0, alone 0, lead 0, bypass_first 0, part 0, parts 1, part_words 32> <result 8, bias 0, bypass 10> relu
// CHECK-NEXT:   tile.store [[M2]][0] to %2 row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
  %r = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<6>>
  %wf = cnn.weight "w" : tensor<32x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<32x32x1x1xf32>) -> tensor<32x32x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w residual %r {relu} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, steps 8, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x32x4x4x!cnn.fixed<8>>, tensor<32x32x1x1x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<6>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Groups of whole lines: a kernel sees a window of the pixel. Smaller groups are merged, zeros between them.
// CHECK:      %y = tile.weights %w as <coop, groups 2, windows 2, depth 32, kernel_h 1, kernel_w 1, channels 64, cus 1, share 0, vmacs 4, line 16, steps 8, tiles 2, parts 1, channels [64 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     tile.load_weights %y tile[[[I0]]] part 0 to %4 slot[0] cus 15
// CHECK-NEXT:     tile.conv coop %2[0], %4[0] to %3[0] row[0] column[0] channel[[[I0]] * 32] offset[[[I0]] * 32] <rows 1, share 1, columns 4, cus 15> <kernel_h {{.*}}> <depth 32, steps 8, channels 64, share 0, alone 0, lead 0, bypass_first 0, part 0, parts 1, part_words 32> <result 8, bias 0, bypass 0>
// CHECK-NEXT:   }
// CHECK:      %z = tile.weights %v as <coop, groups 64, windows 4, depth 16, kernel_h 3, kernel_w 3, channels 64, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 4, parts 1, channels [64 at 0]>
// CHECK-NEXT: tile.layer "conv2d" {
// CHECK:        tile.for [[I1:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     tile.load_weights %z tile[[[I1]]] part 0 to %9 slot[0] cus 15
// CHECK-NEXT:     tile.conv coop %7[0], %9[0] to %8[0] row[0] column[0] channel[[[I1]] * 16] offset[[[I1]] * 16] <rows 1, share 1, columns 4, cus 15> <kernel_h {{.*}}> <depth 16, steps 4, channels 64, share 0, alone 0, lead -1, bypass_first 0, part 0, parts 1, part_words 144> <result 8, bias 0, bypass 0>
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x64x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<64x32x1x1xf32>) -> tensor<64x32x1x1x!cnn.fixed<8>>
  %vf = cnn.weight "v" : tensor<64x1x3x3xf32>
  %v = cnn.quantize %vf : (tensor<64x1x3x3xf32>) -> tensor<64x1x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {groups = 2} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, steps 8, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<64x32x1x1x!cnn.fixed<8>>) -> tensor<1x64x4x4x!cnn.fixed<8>> loc("conv1")
  %z = cnn.conv2d %y, %v {groups = 64, pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 4, steps 4, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x64x4x4x!cnn.fixed<8>>, tensor<64x1x3x3x!cnn.fixed<8>>) -> tensor<1x64x4x4x!cnn.fixed<8>> loc("depthwise")
  "test.op"(%z) : (tensor<1x64x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// A linear layer is a convolution whose kernel covers all of its input: it reads the maps as they lie in memory.
// CHECK:      [[X0:%[^ ]+]] = tile.region "x" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK:      [[FC:%[^ ]+]] = tile.region "fc" : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [10 at 0]>
// CHECK-NEXT: %y = tile.weights %w bias %b
// CHECK-NEXT: tile.layer "linear" {
// CHECK:        tile.load [[X0]] row[0] column[0] to %2 slot[0] <rows 4, share 1, columns 4, cus 1>
// CHECK-NEXT:   tile.load_weights %y tile[0] part 0 to %4 slot[0] cus 1
// CHECK-NEXT:   tile.conv coop %2[0], %4[0] to %3[0] row[0] column[0] channel[0] offset[0] <rows 1, share 1, columns 1, cus 1> <kernel_h {{.*}}> <depth 16, steps 4, channels 16, share 0, alone 0, lead 0, bypass_first 0, part 0, parts 1, part_words 256> <result 8, bias 8, bypass 0>
// CHECK-NEXT:   tile.store %3[0] to [[FC]] row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 1, cus 1>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<10x256xf32>
  %w = cnn.quantize %wf : (tensor<10x256xf32>) -> tensor<10x256x!cnn.fixed<8>>
  %bf = cnn.weight "b" : tensor<10xf32>
  %b = cnn.quantize %bf : (tensor<10xf32>) -> tensor<10x!cnn.fixed<8>>
  %y = cnn.linear %x, %w bias %b {tile.schedule = #tile.schedule<coop, rows, kloop, rows 1, columns 1, steps 4, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<10x256x!cnn.fixed<8>>, tensor<10x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
  "test.op"(%y) : (tensor<1x10x!cnn.fixed<8>>) -> ()
}

// -----

// A kernel too long for its buffer comes in parts: each is loaded while the one before it is used, and adds to what
// that left in the accumulators.
// CHECK:      tile.layer "linear" {
// CHECK:        tile.load %0 row[0] column[0] to %2 slot[0] <rows 14, share 1, columns 14, cus 1>
// CHECK-NEXT:   tile.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     tile.load_weights %y tile[[[I0]]] part 0 to %4 slot[0] cus 1
// CHECK-NEXT:     tile.load_weights %y tile[[[I0]]] part 1 to %4 slot[1] cus 1
// CHECK-NEXT:     tile.conv coop %2[0], %4[0] to %3[0] row[0] column[0] channel[[[I0]] * 4] offset[0] <rows 1, share 1, columns 1, cus 1> <kernel_h {{.*}}> <depth 64, steps 1, channels 16, share 0, alone 0, lead 0, bypass_first 0, part 0, parts 2, part_words 6272> <result 8, bias 0, bypass 0>
// CHECK-NEXT:     tile.conv coop %2[0], %4[1] to %3[0] row[0] column[0] channel[[[I0]] * 4] offset[0] <rows 1, share 1, columns 1, cus 1> <kernel_h {{.*}}> <depth 64, steps 1, channels 16, share 0, alone 0, lead 0, bypass_first 0, part 1, parts 2, part_words 6272> <result 8, bias 0, bypass 0>
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.store %3[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 1, cus 1>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x64x14x14x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<10x12544xf32>
  %w = cnn.quantize %wf : (tensor<10x12544xf32>) -> tensor<10x12544x!cnn.fixed<8>>
  %y = cnn.linear %x, %w {tile.schedule = #tile.schedule<coop, rows, mloop, rows 1, columns 1, steps 1, parts 2, maps_slots 2, weights_slots 2>} : (tensor<1x64x14x14x!cnn.fixed<8>>, tensor<10x12544x!cnn.fixed<8>>) -> tensor<1x10x!cnn.fixed<8>> loc("fc")
  "test.op"(%y) : (tensor<1x10x!cnn.fixed<8>>) -> ()
}
