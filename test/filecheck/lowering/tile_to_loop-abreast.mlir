// convert-tile-to-loop: pixels abreast go in groups, whose kernel steps are traces over the columns under all of their
// windows. What is left over at the end of a row is a group of fewer pixels, in fewer vMACs.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-tile-to-loop | filecheck %s

// 32 kernels, 64 lanes: two pixels a step. Of the four columns under their windows the first one is outside at the left
// border; further on all are inside, and the last pixel of the row is alone.
// CHECK:      loop.for [[Y:%[^ ]+]] = 0 to 3 {
// CHECK-NEXT:   loop.start indp wbuf[0] to mbuf[[[Y]] * 160 + 8192] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32] wbuf[80] words 12 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 32] wbuf[336] words 12 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 64] wbuf[592] words 12 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.start indp wbuf[0] to mbuf[[[Y]] * 160 + 8256] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 4] wbuf[16] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 36] wbuf[272] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 68] wbuf[528] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.start indp wbuf[0] to mbuf[[[Y]] * 160 + 8320] cus 1 vmacs 3
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 12] wbuf[16] words 8 cus 1 vmacs 3
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 44] wbuf[272] words 8 cus 1 vmacs 3
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 76] wbuf[528] words 8 cus 1 vmacs 3 last
// CHECK-NEXT: }
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 4, row 32>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 160>
    %k = tile.buffer words 832 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 4, steps 1, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 2> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 4, row 32>, !tile.wbuf<block 832> to !tile.mbuf<pixel 32, row 160>
  }
}

// -----

// 96 kernels: three steps for two pixels, of which the one in the middle sees four columns, the others three each. The
// blocks of the last one begin with the first column of the second pixel.
// CHECK:        loop.start indp wbuf[0] to mbuf[[[Y:%[^ ]+]] * 480 + 8384] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 4] wbuf[16] words 12 cus 1 vmacs 15
// CHECK:        loop.start indp wbuf[832] to mbuf[[[Y]] * 480 + 8448] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 4] wbuf[848] words 16 cus 1 vmacs 15
// CHECK:        loop.start indp wbuf[1664] to mbuf[[[Y]] * 480 + 8512] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 8] wbuf[1680] words 12 cus 1 vmacs 15
// CHECK:        loop.start indp wbuf[0] to mbuf[[[Y]] * 480 + 8576] cus 1 vmacs 15
// CHECK:        loop.start indp wbuf[832] to mbuf[[[Y]] * 480 + 8640] cus 1 vmacs 3
// CHECK-NEXT:   loop.mac indp mbuf[[[Y]] * 32 + 12] wbuf[848] words 8 cus 1 vmacs 3
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 4, row 32>
    %o = tile.buffer words 1440 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 96, row 480>
    %k = tile.buffer words 2496 at 0 slots 1 every 8192 : !tile.wbuf<block 832>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 3, left 0, right 5, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 5, in_w 5, out_h 3, out_w 5> <depth 4, steps 3, channels 96, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 48, abreast 2> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 4, row 32>, !tile.wbuf<block 832> to !tile.mbuf<pixel 96, row 480>
  }
}
