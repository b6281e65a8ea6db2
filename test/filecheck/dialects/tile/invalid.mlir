// What the tile dialect refuses, and what it says: the operation, the layer if it has a name, the sizes.
// RUN: snow-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// CHECK: tile.buffer needs the module attribute 'snow.machine': schedules are chosen for a machine
%b = tile.buffer words 64 at 0 slots 1 every 64 : !tile.wbuf<block 64>

// -----

// CHECK: snow.machine: no machine 'zc707' is shipped, only onecu, zc706, zc706-200mhz
module attributes {snow.machine = "zc707"} {
  %b = tile.buffer words 64 at 0 slots 1 every 64 : !tile.wbuf<block 64>
}

// -----

// CHECK: snow.machine: wants a description or the name of a shipped machine, got 706
module attributes {snow.machine = 706 : i64} {
  %b = tile.buffer words 64 at 0 slots 1 every 64 : !tile.wbuf<block 64>
}

// -----

// CHECK: snow.machine: missing machine key 'bandwidth'
module attributes {snow.machine = {name = "toy"}} {
  %b = tile.buffer words 64 at 0 slots 1 every 64 : !tile.wbuf<block 64>
}

// -----

// CHECK: snow.machine: machine key 'vmacs' wants a number or a string, got [4 : i64]
module attributes {snow.machine = {name = "toy", vmacs = [4]}} {
  %b = tile.buffer words 64 at 0 slots 1 every 64 : !tile.wbuf<block 64>
}

// -----

// CHECK: maps want a positive height, width and pixel pitch
%r = tile.region "a" : !tile.maps<height 0, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>

// -----

// CHECK: maps want at least one segment of channels
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels []>

// -----

// CHECK: channel segment 6 at 16 is empty or overlaps the one before it
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 16]>

// -----

// CHECK: channels end at word 38 of a pixel of 32 words
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [38 at 0]>

// -----

// CHECK: a row of 96 words cannot hold 8 pixels of 16
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 96, frac 8, channels [16 at 0]>

// -----

// CHECK: a window wants a positive kernel, stride, dilation and size
"test.op"() {a = #tile.window<kernel_h 3, kernel_w 3, stride_h 0, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 6, out_w 6>} : () -> ()

// -----

// CHECK: a span wants rows, columns and CUs
"test.op"() {a = #tile.span<top 0, bottom 4, left 0, right 8, share 0, cus 0>} : () -> ()

// -----

// CHECK: the rows and columns of a span, and its share, are not negative
"test.op"() {a = #tile.span<top -1, bottom 4, left 0, right 8, share 0, cus 15>} : () -> ()

// -----

// CHECK: bias shift 32 is outside 0 to 31
"test.op"() {a = #tile.shifts<result 8, bias 32, bypass 0>} : () -> ()

// -----

// CHECK: a schedule wants one slot of weights or an even number, got 3
"test.op"() {a = #tile.schedule<coop, rows, kloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 3, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : () -> ()

// -----

// CHECK: a schedule wants positive tile sizes and one or two slots of each buffer
"test.op"() {a = #tile.schedule<coop, rows, kloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 3, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : () -> ()

// -----

// CHECK: tile.view "conv1": a view has the row of its region, 128; this one has 256
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.view "b" of %r : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 8, width 8, pixel 16, row 256, frac 8, channels [16 at 0]> loc("conv1")

// -----

// CHECK: tile.view "v": a view of some rows has the pixels of its region
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.view "v" of %r row 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 4, width 8, pixel 16, row 256, frac 8, channels [8 at 0]> loc("v")

// -----

// CHECK: tile.view "v": 3 rows, 256 words apart, do not take turns in 8 rows, 128 words apart
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.view "v" of %r row 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 3, width 8, pixel 16, row 256, frac 8, channels [16 at 0]> loc("v")

// -----

// CHECK: tile.view "v": the first row 2 is none of the first 2
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.view "v" of %r row 2 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 4, width 8, pixel 16, row 256, frac 8, channels [16 at 0]> loc("v")

// -----

// CHECK: tile.view "v": does not begin at whole transfers of 32 words
builtin.module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 7, pixel 16, row 112, frac 8, channels [16 at 0]>
  %v = tile.view "v" of %r row 1 : !tile.maps<height 8, width 7, pixel 16, row 112, frac 8, channels [16 at 0]> to !tile.maps<height 4, width 7, pixel 16, row 224, frac 8, channels [16 at 0]> loc("v")
}

// -----

// CHECK: tile.reshape "v": changes the pixels of its region, not only their rows
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.reshape %r : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 8, width 4, pixel 32, row 128, frac 8, channels [16 at 0]>

// -----

// Rows with gaps between them begin where rows begin.
// CHECK: tile.reshape "v": rows of 3 pixels, 96 words apart, are no pixels of rows of 3, 64 words apart
%r = tile.region "a" : !tile.maps<height 4, width 3, pixel 16, row 64, frac 8, channels [16 at 0]>
%v = tile.reshape %r : !tile.maps<height 4, width 3, pixel 16, row 64, frac 8, channels [16 at 0]> to !tile.maps<height 2, width 3, pixel 16, row 96, frac 8, channels [16 at 0]>

// -----

// CHECK: tile.reshape "v": ends at word 1152 of a region of 1024
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%v = tile.reshape %r : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 5, width 8, pixel 16, row 256, frac 8, channels [16 at 0]>

// -----

// CHECK: tile.write: a tensor 1x16x4x8 of words with 8 fraction bits does not fit maps of 16 channels, 8x8, of words with 8 fraction bits
%x = "test.op"() : () -> tensor<1x16x4x8x!cnn.fixed<8>>
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
tile.write %x to %r : tensor<1x16x4x8x!cnn.fixed<8>> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>

// -----

// CHECK: tile.read "y": a tensor 1x16x8x8 of numbers does not fit maps of 16 channels, 8x8, of words with 8 fraction bits
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%y = tile.read %r : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to tensor<1x16x8x8xf32>

// -----

// CHECK: tile.read "y": a tensor 1x2x2x2x2 of words with 8 fraction bits does not fit maps of 16 channels, 8x8
%r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
%y = tile.read %r : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to tensor<1x2x2x2x2x!cnn.fixed<8>>

// -----

// CHECK: tile.weights "p": a kernel 3x3 is packed as 5x3
%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 5, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>

// -----

// CHECK: tile.weights "p": 32x16x3 are not the weights of a convolution or a linear layer
%w = "test.op"() : () -> tensor<32x16x3x!cnn.fixed<8>>
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x!cnn.fixed<8>> to !tile.packed<6144>

// -----

// CHECK: tile.weights "p": weights 32x8x3x3 do not fit 32 kernels over 16 channels in 1 groups
%w = "test.op"() : () -> tensor<32x8x3x3x!cnn.fixed<8>>
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x8x3x3x!cnn.fixed<8>> to !tile.packed<6144>

// -----

// CHECK: tile.weights "p": the packing takes 6144 words, the result has 4096
%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<4096>

// -----

// CHECK: tile.average_weights "p": the weights take 640 words, the result has 64
module attributes {snow.machine = "zc706"} {
  %p = tile.average_weights [5461, 3641] : !tile.packed<64>
}

// -----

// CHECK: tile.buffer "b": wants one or two slots, has 3
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 64 at 0 slots 3 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "b": wants at least one word
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 0 at 0 slots 1 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "b": words 0 to 32784 do not fit the maps buffer of 32768 words
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 32784 at 0 slots 1 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "b": words 16320 to 16400 do not fit the weights buffer of 16384 words
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 80 at 16320 slots 1 every 64 : !tile.wbuf<block 64>
}

// -----

// CHECK: tile.buffer "b": a slot starts at a multiple of 32 words, this one at 16
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 64 at 16 slots 1 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "b": words 16320 to 16448 do not fit a bank of 16384 words: where there are several slots, each lies in one bank
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 128 at 16320 slots 2 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "b": wants one slot or an even number, has 3
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 64 at 0 slots 3 every 8192 : !tile.wbuf<block 64>
}

// -----

// CHECK: tile.buffer "b": words 8064 to 8256 do not fit a bank of 8192 words: where there are several slots, each lies in one bank
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 192 at 8064 slots 4 every 8192 : !tile.wbuf<block 64>
}

// -----

// CHECK: tile.buffer "b": wants one slot or an even number, has 9223372036854775807
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 128 at 8064 slots 9223372036854775807 every 8192 : !tile.wbuf<block 64>
}

// -----

// CHECK: tile.buffer "b": slots 64 words apart do not lie half in each bank of 16384 words
module attributes {snow.machine = "zc706"} {
  %b = tile.buffer words 64 at 0 slots 2 every 64 : !tile.mbuf<pixel 16, row 128>
}

// -----

// CHECK: tile.buffer "c": words 992 to 1024 overlap another buffer at 0 to 1024
module attributes {snow.machine = "zc706"} {
  tile.layer "add" {
    %b = tile.buffer words 1024 at 0 slots 1 every 64 : !tile.mbuf<pixel 16, row 128>
    %c = tile.buffer words 32 at 992 slots 1 every 64 : !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// CHECK: tile.for: 3 to 3 is empty: a loop runs at least once
tile.for %t = 3 to 3 {
}

// -----

// CHECK: tile.for: the body takes one index
"tile.for"() <{lower = 0 : i64, upper = 2 : i64}> ({
^bb0:
}) : () -> ()

// -----

// CHECK: tile.load "conv1": its tile has another shape in iteration 1 of the loops around than in the first
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t + -1] column[0] to %b slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
  }
}

// -----

// CHECK: tile.max_pool "pool1": its tile has another shape in iteration 0, 3 of the loops around than in the first
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 128 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.for %u = 0 to 4 {
      tile.max_pool %m[0] to %o[0] row[%u * 2] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128> loc("pool1")
    }
  }
}

// -----

// CHECK: tile.load "conv1": pixels of 16 words cannot lie 32 apart in the buffer
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
  }
}

// -----

// CHECK: tile.load "conv1": transfers column 7 of a tile whose rows have 6 pixels
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 96>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96> loc("conv1")
  }
}

// -----

// CHECK: tile.load "conv1": does not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.load %r row[0] column[3] to %b slot[0] <top 0, bottom 3, left 0, right 4, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96> loc("conv1")
}

// -----

// CHECK: tile.load "conv1": does not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.load %r row[0] column[2] to %b slot[0] <top 0, bottom 3, left 1, right 4, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96> loc("conv1")
}

// -----

// CHECK: tile.load "conv1": column 1 of the buffer does not begin at a whole transfer of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.load %r row[0] column[-1] to %b slot[0] <top 0, bottom 3, left 0, right 4, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96> loc("conv1")
}

// -----

// CHECK: tile.load "conv1": 96 words, up to a whole transfer, do not fit a row of 80 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 80>
  tile.load %r row[0] column[0] to %b slot[0] <top 0, bottom 3, left 0, right 5, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 80> loc("conv1")
}

// -----

// CHECK: tile.load "conv1": a tile of 384 words does not fit a buffer of 256
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 256 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
  }
}

// -----

// CHECK: tile.load "conv1": its buffer has no slot 1
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
  }
}

// -----

// CHECK: tile.load "conv1": the slot of a buffer is a number or the parity of a tile index
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
  }
}

// -----

// CHECK: tile.load_weights: a tile of 768 words does not fit a buffer of 192
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 192 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: there is no piece 4, the number of pieces is 4
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 piece 4 of 4 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: 16 pieces of 768 words are no whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 piece 0 of 16 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: there is no part 1, the number of parts is 1
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 1 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.store "conv1": 8 words of a pixel of 16 are not whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 8 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": 32 words from word 80 on are no lines of 96 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 96, row 768>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 32 from 80 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 96, row 768> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": moves 64 words of pixels that have 32 in the buffer
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 64 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": a tile of 256 words does not fit a buffer of 128
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": its channel is -64 to 0, outside 0 to 63
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.for %t = 0 to 3 {
    tile.store %b[0] to %r row[0] column[0] channel[%t * -32] words 32 share 0 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv1")
  }
}

// -----

// CHECK: tile.store "conv1": 3 pixels of 16 words are not whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 2, right 5, share 1, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": loads up to word 96 of pixels of 64 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 32 share 32 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 7> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": 16 words of a pixel of 64 are not whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 16 share 0 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": pixels 48 words apart do not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 48, row 384>
  tile.load_pixels %r row[0] column[0] channel[0] words 32 share 0 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 48, row 384> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": words 5 apart for each CU do not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 32 share 5 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": words -32 apart for each CU do not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 32 share -32 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": moves 0 words of a pixel
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 0 share 32 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.load_pixels "conv1": CUs that get the same pixels have no use for loads of their own
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.load_pixels %r row[0] column[0] channel[0] words 32 share 0 to %b slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": words 5 apart for each CU do not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 32 share 5 limit 64 part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv1")
}

// -----

// CHECK: tile.load_biases: there are no biases that lie apart from their kernels
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 64 at 0 slots 1 every 0 : !tile.mbuf<pixel 64, row 64>
  tile.load_biases %p to %b slot[0] cus 15 : !tile.packed<6144> to !tile.mbuf<pixel 64, row 64>
}

// -----

// CHECK: tile.load_biases: words 0 to 64 are not in a pixel of 32 words
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], apart> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9280>
  %b = tile.buffer words 32 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 32>
  tile.load_biases %p to %b slot[0] cus 15 : !tile.packed<9280> to !tile.mbuf<pixel 32, row 32>
}

// -----

// CHECK: apart expected
%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], unrolled, unrolled> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9280>

// -----

// CHECK: tile.conv "conv1": CUs with kernels and biases of their own want a sliced bypass
module attributes {snow.machine = "zc706"} {
  %in = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  %id = tile.buffer words 512 at 768 slots 1 every 16384 : !tile.mbuf<pixel 64, row 512>
  %out = tile.buffer words 256 at 384 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  %biases = tile.buffer words 64 at 128 slots 1 every 16384 : !tile.mbuf<pixel 64, row 64>
  %kernels = tile.buffer words 320 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
  tile.conv coop %in[0], %kernels[0] biases %biases : !tile.mbuf<pixel 64, row 64> bypass %id : !tile.mbuf<pixel 64, row 512> to %out[0] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 5, channels 32, share 32, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 8, bypass 8> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": words 16 to 48 are not in a pixel of 32 words
module attributes {snow.machine = "zc706"} {
  %in = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  %out = tile.buffer words 512 at 384 slots 1 every 16384 : !tile.mbuf<pixel 64, row 512>
  %biases = tile.buffer words 32 at 128 slots 1 every 16384 : !tile.mbuf<pixel 32, row 32>
  %kernels = tile.buffer words 512 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
  tile.conv coop %in[0], %kernels[0] biases %biases : !tile.mbuf<pixel 32, row 32> to %out[0] at[0] word[16] row[1] column[0] channel[16] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 8, channels 64, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 8, bypass 8> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 64, row 512> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": there is no bypass that is sliced
module attributes {snow.machine = "zc706"} {
  %in = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  %out = tile.buffer words 256 at 384 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
  %kernels = tile.buffer words 320 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
  tile.conv coop %in[0], %kernels[0] sliced to %out[0] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 5, channels 32, share 32, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 8, bypass 8> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.for: 0 to 0 is empty
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 0 {
    tile.store %b[0] to %r row[%t] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: tile.store "conv1": its limit, 32, is beyond the 16 words of a pixel
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.store %b[0] to %r row[0] column[0] channel[0] words 16 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: tile.store "conv1": its buffer has no slot 1
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.store %b[1] to %r row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": COOP reads whole lines of 16 words, a kernel sees 12
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 12, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": CUs share out either rows or kernels, not both
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 8, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": there is no part 1, the number of parts is 1
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 1, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": kernels of 288 words do not fit blocks of 192
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 288, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": a tile of 768 words does not fit a buffer of 384
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 384 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": words 24 to 40 are not in a pixel of 32 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[24] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": words 8 to 24 are not in a pixel of 16 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[8] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": there is no channel 32, the tiles of a CU have 32
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[32] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": reads row -1 of a tile
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead -2, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": reads column 8 of a tile whose rows have 8 pixels
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": writes row -1 of a tile
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[-1] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": a tile of 384 words does not fit a buffer of 256
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": a tile of 256 words does not fit a buffer of 128
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 128 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": a tile of 256 words does not fit a buffer of 224
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  %i = tile.buffer words 224 at 2048 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  tile.conv coop %m[0], %k[0] bypass %i : !tile.mbuf<pixel 32, row 256> to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": its buffer has no slot 1
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[1], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": its buffer has no slot 2
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.conv coop %m[0], %k[2] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.max_pool "pool1": a tile of 384 words does not fit a buffer of 256
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.max_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96> loc("pool1")
}

// -----

// CHECK: tile.max_pool "pool1": words 8 to 24 are not in a pixel of 16 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.max_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 8, lead -1, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96> loc("pool1")
}

// -----

// CHECK: tile.max_pool "pool1": a tile of 48 words does not fit a buffer of 32
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 32 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.max_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96> loc("pool1")
}

// -----

// CHECK: tile.avg_pool "pool1": 2 and 3 weight classes for 3 rows and 3 columns
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  %k = tile.buffer words 160 at 0 slots 1 every 0 : !tile.wbuf<block 160>
  tile.avg_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %k rows [0, 0] columns [0, 1, 0] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 160> to !tile.mbuf<pixel 16, row 96> loc("pool1")
}

// -----

// CHECK: tile.avg_pool "pool1": a tile of 384 words does not fit a buffer of 256
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  %k = tile.buffer words 160 at 0 slots 1 every 0 : !tile.wbuf<block 160>
  tile.avg_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %k rows [0, 0, 0] columns [0, 1, 0] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 160> to !tile.mbuf<pixel 16, row 96> loc("pool1")
}

// -----

// CHECK: tile.add "add1": a tile of 128 words does not fit a buffer of 96
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 128 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %n = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 128 at 2048 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.add %m, %n : !tile.mbuf<pixel 16, row 128> slot[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> <result 0, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128> loc("add1")
}

// -----

// CHECK: an address may hold the parity of an index, `mod 2`, and no other modulus
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.load %r row[%t] column[0] to %b slot[%t mod 3] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
  }
}

// -----

// CHECK: neither linear nor the parity of an index
%p, %t, %b = "test.op"() : () -> (!tile.packed<6144>, index, !tile.wbuf<block 192>)
"tile.load_weights"(%p, %t, %b) <{tile = affine_map<(d0) -> (d0 floordiv 2)>, part = 0 : i64, slot = affine_map<() -> (0)>, cus = 15 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (!tile.packed<6144>, index, !tile.wbuf<block 192>) -> ()

// -----

// CHECK: address takes 1 indices, got 0
%p, %t, %b = "test.op"() : () -> (!tile.packed<6144>, index, !tile.wbuf<block 192>)
"tile.load_weights"(%p, %b) <{tile = affine_map<(d0) -> (d0)>, part = 0 : i64, slot = affine_map<() -> (0)>, cus = 15 : i64, operandSegmentSizes = array<i32: 1, 0, 1, 0>}> : (!tile.packed<6144>, !tile.wbuf<block 192>) -> ()

// -----

// CHECK: wants one result and no symbols
%p, %t, %b = "test.op"() : () -> (!tile.packed<6144>, index, !tile.wbuf<block 192>)
"tile.load_weights"(%p, %t, %b) <{tile = affine_map<(d0) -> (d0, d0)>, part = 0 : i64, slot = affine_map<() -> (0)>, cus = 15 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0>}> : (!tile.packed<6144>, index, !tile.wbuf<block 192>) -> ()

// -----

// CHECK: tile.move "conv1": 24 words of a pixel are not whole lines of 16
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[0] to %m[0] row[0] column[0] word[0] words 24 down 0 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": moves to the same CU, to the one before or to the one behind, not to the 2. before
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[0] to %m[0] row[0] column[0] word[0] words 32 down 2 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": there is no CU before CU 0
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[0] to %m[0] row[0] column[0] word[0] words 32 down 1 <top 0, bottom 2, left 0, right 8, share 0, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": there is no CU behind CU 3
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  tile.move %m[0] row[2] column[0] word[0] to %m[0] row[0] column[0] word[0] words 32 down -1 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": its target does not lie in whole lines of 16 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[0] to %n[0] row[0] column[0] word[0] words 16 down 1 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 24, row 200> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": words 16 to 48 are not in a pixel of 32 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[16] to %m[0] row[0] column[0] word[0] words 32 down 1 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": a tile of 1280 words does not fit a buffer of 1024
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[3] column[0] word[0] to %m[0] row[0] column[0] word[0] words 32 down 1 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": its buffer has no slot 1
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[2] column[0] word[0] to %m[1] row[0] column[0] word[0] words 32 down 1 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: tile.move "conv1": moves back by 256 words, over some of 512 that are still to be moved
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %n = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 24, row 200>
  tile.move %m[0] row[0] column[0] word[0] to %m[0] row[1] column[0] word[0] words 32 down 0 <top 0, bottom 2, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256> loc("conv1")
}

// -----

// CHECK: unknown unit vmac: expected one of mac, max, move, load
tile.wait vmac pending 0

// -----

// CHECK: tile.wait: the number of pending instructions cannot be negative
tile.wait mac pending -1

// -----

// CHECK: tile.wait: names no unit
"tile.wait"() <{units = 0 : i64, pending = 0 : i64}> : () -> ()

// -----

// CHECK: tile.load "conv1": an address is a function of the indices of the loops around it, and of nothing else
module attributes {snow.machine = "zc706"} {
  %t = "test.op"() : () -> index
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.load %r row[%t] column[0] to %b slot[0] <top 0, bottom 3, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv1")
}

// -----

// CHECK: tile.conv "conv1": a tile of 896 words does not fit a buffer of 768
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 5 {
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[2] column[0] channel[0] offset[0] part[%t], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": writes row -1 of a tile
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 2 {
    tile.conv coop %m[0], %k[0] to %o[0] at[-2] word[0] row[2] column[0] channel[0] offset[0] part[%t * -2 + 3], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": a tile of 896 words does not fit a buffer of 768
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 3 {
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[2] column[0] channel[0] offset[0] part[%t mod 2 * 4], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": reads row -1 of a tile
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 2 {
    tile.for %u = 0 to 2 {
      tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[2] column[0] channel[0] offset[0] part[%t * -1 + %u], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
    }
  }
}

// -----

// CHECK: tile.conv "conv1": its tile has another shape in iteration 3 of the loops around than in the first
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 4 {
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[4] column[0] channel[0] offset[0] part[%t], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": its tile has another shape in iteration 1, 1 of the loops around than in the first
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 1024 at 1024 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.for %t = 0 to 2 {
    tile.for %u = 0 to 2 {
      tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[4] column[0] channel[0] offset[0] part[%t * 2 + %u], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256> loc("conv1")
    }
  }
}

// -----

// CHECK: tile.max_pool "pool1": a tile of 320 words does not fit a buffer of 256
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 256 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 3 {
    tile.max_pool %m[0] to %o[0] row[0] column[0] part[%t], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128> loc("pool1")
  }
}

// -----

// CHECK: tile.store "conv1": transfers column 7 of a tile whose rows have 4 pixels
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 128>
  tile.for %t = 0 to 2 {
    tile.store %b[0] to %r row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [%t * 4] <top 0, bottom 1, left 0, right 4, share 0, cus 1> : !tile.mbuf<pixel 32, row 128> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]> loc("conv1")
  }
}

// -----

// CHECK: tile.store "conv1": its tile has another shape in iteration 2 of the loops around than in the first
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
  %b = tile.buffer words 1024 at 0 slots 1 every 0 : !tile.mbuf<pixel 32, row 256>
  tile.for %t = 0 to 3 {
    tile.store %b[0] to %r row[6] column[0] channel[0] words 32 share 0 limit 32 part[%t], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]> loc("conv1")
  }
}

// -----

// CHECK: tile.store "conv1": 3 pixels of 16 words are not whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 7, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 128 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.store %b[0] to %r row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [%t * 2 + 2] <top 0, bottom 1, left 0, right 3, share 0, cus 1> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 7, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: tile.store "conv1": does not begin at whole transfers of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %b = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  tile.for %t = 0 to 2 {
    tile.store %b[0] to %r row[0] column[0] channel[0] words 16 share 0 limit 16 part[0], [%t * 3] <top 0, bottom 1, left 0, right 4, share 0, cus 1> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: unrolled rows hold the channels of each row under the kernel, one behind the other
%r = tile.region "x" : !tile.maps<height 4, width 8, pixel 16, row 128, frac 8, channels [3 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>

// -----

// CHECK: unrolled rows want a positive kernel, stride, dilation and height
%r = tile.region "x" : !tile.maps<height 4, width 8, pixel 9, row 96, frac 8, channels [3 at 0], unrolled <kernel 3, stride 0, dilation 1, pad 1, height 8>>

// -----

// CHECK: tile.write "x": a tensor 1x3x4x8 of words with 8 fraction bits does not fit maps of 3 channels, 8x8, of words with 8 fraction bits
%x = "test.op"() : () -> tensor<1x3x4x8x!cnn.fixed<8>>
%r = tile.region "x" : !tile.maps<height 4, width 8, pixel 9, row 96, frac 8, channels [3 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
tile.write %x to %r : tensor<1x3x4x8x!cnn.fixed<8>> to !tile.maps<height 4, width 8, pixel 9, row 96, frac 8, channels [3 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>> loc("x")

// -----

// CHECK: tile.read "x": rows that the host has unrolled are not read back
%r = tile.region "x" : !tile.maps<height 4, width 8, pixel 9, row 96, frac 8, channels [3 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
%x = tile.read %r : !tile.maps<height 4, width 8, pixel 9, row 96, frac 8, channels [3 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>> to tensor<1x3x8x8x!cnn.fixed<8>> loc("x")

// -----

// CHECK: tile.conv "x": COOP reads whole lines of 16 words, a kernel sees 8
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 256>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %k = tile.buffer words 128 at 0 slots 1 every 8192 : !tile.wbuf<block 128>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15> <kernel_h 1, kernel_w 5, stride_h 1, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 16, out_h 8, out_w 8> <depth 16, steps 1, channels 16, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 80, abreast 1> <result 8, bias 0, bypass 0> unrolled <kernel 2, stride 2, dilation 1, pad 1, height 16> : !tile.mbuf<pixel 16, row 256>, !tile.wbuf<block 128> to !tile.mbuf<pixel 16, row 128> loc("x")
  }
}

// -----

// CHECK: tile.conv "x": a pixel of 15 words does not hold the 4 rows under a kernel
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 15, row 256>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %k = tile.buffer words 1216 at 0 slots 1 every 8192 : !tile.wbuf<block 1216>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15> <kernel_h 1, kernel_w 5, stride_h 1, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 16, out_h 8, out_w 8> <depth 15, steps 1, channels 16, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 75, abreast 1> <result 8, bias 0, bypass 0> unrolled <kernel 4, stride 2, dilation 1, pad 1, height 16> : !tile.mbuf<pixel 15, row 256>, !tile.wbuf<block 1216> to !tile.mbuf<pixel 16, row 128> loc("x")
  }
}

// -----

// CHECK: tile.conv "conv1": pixels abreast want mode indp, whole kernels with their biases, and no bypass
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 160>
    %k = tile.buffer words 832 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 16, steps 1, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 2> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 832> to !tile.mbuf<pixel 32, row 160> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": 3 pixels of 32 words do not fill 1 kernel steps
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 4, row 32>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 160>
    %k = tile.buffer words 832 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 4, steps 1, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 3> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 4, row 32>, !tile.wbuf<block 832> to !tile.mbuf<pixel 32, row 160> loc("conv1")
  }
}

// -----

// CHECK: tile.kernels: abreast is at least 1, not 0
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 4, row 32>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 160>
    %k = tile.buffer words 832 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 4, steps 1, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 0> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 4, row 32>, !tile.wbuf<block 832> to !tile.mbuf<pixel 32, row 160> loc("conv1")
  }
}

// -----

// CHECK: tile.conv "conv1": pixels abreast want windows without gaps between columns
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 4, row 32>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 160>
    %k = tile.buffer words 832 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 2, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 4, steps 1, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 2> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 4, row 32>, !tile.wbuf<block 832> to !tile.mbuf<pixel 32, row 160> loc("conv1")
  }
}
// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.weights "p": there are no 2 pixels abreast in packed kernels of this kind
%p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 2, advance 1, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.packing: abreast is at least 1, not 0
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 0, advance 1, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.weights "p": pixels abreast are 3 columns apart, a kernel has 3
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 2, advance 3, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.weights "p": 3 pixels of 32 channels do not fit 64 lanes
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 3, advance 1, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.weights "p": channels end at word 24, kernels see 16 words of a pixel
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 8]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

%w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
// CHECK: tile.weights "p": the channels from word 4 on overlap those before them
%p = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [8 at 0, 8 at 4]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144> loc("p")

// -----

// What one edit makes of a number: masks of CUs, numbers of tiles, sizes, addresses.


// CHECK: tile.load_weights: the mask 255 is none of 4 CUs
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 1536 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 to %b slot[0] cus 255 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: the mask 0 is none of 4 CUs
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 1536 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 to %b slot[0] cus 0 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: its tile is 2 to 2, outside 0 to 1
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 1536 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[2] part 0 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.load_weights: kernels are packed for 2 vMACs and lines of 16 words
module attributes {snow.machine = "zc706"} {
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 2, line 16, steps 8, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %b = tile.buffer words 1536 at 0 slots 1 every 0 : !tile.wbuf<block 192>
  tile.load_weights %p tile[0] part 0 to %b slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
}

// -----

// CHECK: tile.packing: line is at least 1, not 0
"test.op"() {a = #tile.packing<coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 0, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]>} : () -> ()

// -----

// CHECK: tile.kernels: depth is at least 1, not 0
"test.op"() {a = #tile.kernels<depth 0, steps 1, channels 16, share 0, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1>} : () -> ()

// -----

// CHECK: tile.pixels: words is at least 1, not 0
"test.op"() {a = #tile.pixels<words 0, first 0, other 0, target 0, lead 0, row_lead 0>} : () -> ()

// -----

// CHECK: tile.mbuf: row is at least 1, not 0
"test.op"() : () -> !tile.mbuf<pixel 16, row 0>

// -----

// CHECK: tile.region "a": memory has no address -1
%r = tile.region "a" at -1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("a")

// -----

// CHECK: tile.max_pool "pool": a window of a pool covers elements of the maps, without gaps
module attributes {snow.machine = "zc706"} {
  %in = tile.buffer words 256 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %out = tile.buffer words 96 at 256 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  tile.max_pool %in[0] to %out[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 255, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96> loc("pool")
}

// -----

// CHECK: tile.avg_pool "pool": 4 weights do not fit blocks of 160 words
module attributes {snow.machine = "zc706"} {
  %m = tile.buffer words 384 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
  %o = tile.buffer words 96 at 1024 slots 1 every 0 : !tile.mbuf<pixel 16, row 96>
  %k = tile.buffer words 160 at 0 slots 1 every 0 : !tile.wbuf<block 160>
  tile.avg_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %k rows [0, 0, 1] columns [0, 1, 0] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 160> to !tile.mbuf<pixel 16, row 96> loc("pool")
}
