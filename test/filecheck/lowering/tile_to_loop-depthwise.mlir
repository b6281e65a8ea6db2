// convert-tile-to-loop: where each tap is a trace of a line, as of depthwise kernels, kernel steps are outside of the pixels, of
// which several are written out. The traces of a pixel go by columns, so that the next one has most of their addresses.
// RUN: snow-opt %s --no-debuginfo -p convert-tile-to-loop | filecheck %s

// At the left border, a column of taps less; inside, two pixels an iteration.
// CHECK:      loop.for [[K:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:   loop.start coop wbuf[[[K]] * 192] to mbuf[[[K]] * 4 + 8192] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[0] wbuf[[[K]] * 192 + 32] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[1152] wbuf[[[K]] * 192 + 80] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[2304] wbuf[[[K]] * 192 + 128] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[64] wbuf[[[K]] * 192 + 48] words 16 cus 1 vmacs 15
// CHECK:        loop.for [[X:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.start coop wbuf[[[K]] * 192] to mbuf[[[X]] * 128 + [[K]] * 4 + 8256] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[X]] * 128] wbuf[[[K]] * 192 + 16] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[X]] * 128 + 1152] wbuf[[[K]] * 192 + 64] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[X]] * 128 + 2304] wbuf[[[K]] * 192 + 112] words 16 cus 1 vmacs 15
// CHECK:          loop.start coop wbuf[[[K]] * 192] to mbuf[[[X]] * 128 + [[K]] * 4 + 8320] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[X]] * 128 + 64] wbuf[[[K]] * 192 + 16] words 16 cus 1 vmacs 15
// CHECK:        }
// CHECK-NEXT:   loop.start coop wbuf[[[K]] * 192] to mbuf[[[K]] * 4 + 9280] cus 1 vmacs 15
// CHECK:      }
builtin.module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 4096 at 0 slots 1 every 16384 : !tile.mbuf<pixel 64, row 1152>
    %o = tile.buffer words 1152 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 64, row 1152>
    %k = tile.buffer words 768 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[0] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 18, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 3, in_w 18, out_h 1, out_w 18> <depth 16, steps 4, channels 64, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 64, row 1152>, !tile.wbuf<block 192> to !tile.mbuf<pixel 64, row 1152>
  }
}
