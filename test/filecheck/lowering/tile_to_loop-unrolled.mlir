// convert-tile-to-loop: over rows that the host has unrolled, an output is one trace of all that is under the kernel. Where
// some rows under it are outside the tensor, it is a trace for each column, of the words of the others.
// RUN: snow-opt %s --no-debuginfo -p convert-tile-to-loop | filecheck %s

// Row 0 lacks the first of five rows, in CU 0: four rows of three words of each pixel. At the left border the first column
// is outside, and so are 15 of the kernel's words, 16 apart, behind the line of the bias.
// CHECK:      loop.start indp wbuf[0] to mbuf[8192] cus 1 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[3] wbuf[304] words 12 cus 1 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[18] wbuf[544] words 12 cus 1 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[33] wbuf[784] words 12 cus 1 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[48] wbuf[1024] words 12 cus 1 vmacs 1 last
// CHECK-NEXT: loop.start indp wbuf[0] to mbuf[8192] cus 14 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[0] wbuf[256] words 60 cus 14 vmacs 1 last

// Inside, two columns of 15 words further for each output.
// CHECK:      loop.for [[X:%[^ ]+]] = 1 to 7 {
// CHECK-NEXT:   loop.start indp wbuf[0] to mbuf[[[X]] * 16 + 8192] cus 1 vmacs 1
// CHECK-NEXT:   loop.mac indp mbuf[[[X]] * 30 + -12] wbuf[64] words 12 cus 1 vmacs 1
// CHECK:        loop.start indp wbuf[0] to mbuf[[[X]] * 16 + 8192] cus 14 vmacs 1
// CHECK-NEXT:   loop.mac indp mbuf[[[X]] * 30 + -15] wbuf[16] words 75 cus 14 vmacs 1 last
// CHECK-NEXT: }

// The last row, of CU 3, lacks the last two rows.
// CHECK:      loop.start indp wbuf[0] to mbuf[8320] cus 7 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[256] wbuf[256] words 60 cus 7 vmacs 1 last
// CHECK-NEXT: loop.start indp wbuf[0] to mbuf[8320] cus 8 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[256] wbuf[256] words 9 cus 8 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[271] wbuf[496] words 9 cus 8 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[286] wbuf[736] words 9 cus 8 vmacs 1
// CHECK-NEXT: loop.mac indp mbuf[301] wbuf[976] words 9 cus 8 vmacs 1 last
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 15, row 256>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %k = tile.buffer words 1216 at 0 slots 1 every 8192 : !tile.wbuf<block 1216>
    tile.conv indp %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 2, cus 15> <kernel_h 1, kernel_w 5, stride_h 1, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 16, out_h 8, out_w 8> <depth 15, steps 1, channels 16, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 75, abreast 1> <result 8, bias 0, bypass 0> unrolled <kernel 5, stride 2, dilation 1, pad 1, height 16> : !tile.mbuf<pixel 15, row 256>, !tile.wbuf<block 1216> to !tile.mbuf<pixel 16, row 128>
  }
}
