// convert-tile-to-loop: pools and additions.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-tile-to-loop | filecheck %s

// A max pool: for each line of channels a comparison of the pixels under each row of the window, the first of which starts
// and the last stores. Lines are `max_stride` lines apart: 2 for pixels of 32 words.
// CHECK:        loop.config max_stride = 2
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.max mbuf[[[I0]] * 16] to mbuf[[[I0]] * 16 + 8192] count 2 cus 1 first
// CHECK-NEXT:     loop.max mbuf[[[I0]] * 16 + 256] to mbuf[[[I0]] * 16 + 8192] count 2 cus 1
// CHECK-NEXT:     loop.max mbuf[[[I0]] * 16 + 512] to mbuf[[[I0]] * 16 + 8192] count 2 cus 1 last
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for [[I1:%[^ ]+]] = 1 to 4 {
// CHECK-NEXT:     loop.for [[I2:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.max mbuf[[[I1]] * 64 + [[I2]] * 16 + -32] to mbuf[[[I1]] * 32 + [[I2]] * 16 + 8192] count 3 cus 1 first
// CHECK-NEXT:       loop.max mbuf[[[I1]] * 64 + [[I2]] * 16 + 224] to mbuf[[[I1]] * 32 + [[I2]] * 16 + 8192] count 3 cus 1
// CHECK-NEXT:       loop.max mbuf[[[I1]] * 64 + [[I2]] * 16 + 480] to mbuf[[[I1]] * 32 + [[I2]] * 16 + 8192] count 3 cus 1 last
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "max_pool" {
    %m = tile.buffer words 2304 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    tile.max_pool %m[0] to %o[0] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 4, out_w 4> <words 32, first 0, other 0, target 0, lead -1, row_lead 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 128>
  }
}

// -----

// Two rows under the window start and store; a single one does both.
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.max mbuf[[[I0]] * 64 + [[I1]] * 16] to mbuf[[[I0]] * 32 + [[I1]] * 16 + 8192] count 2 cus 1 first
// CHECK-NEXT:       loop.max mbuf[[[I0]] * 64 + [[I1]] * 16 + 256] to mbuf[[[I0]] * 32 + [[I1]] * 16 + 8192] count 2 cus 1 last
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "max_pool" {
    %m = tile.buffer words 2304 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    tile.max_pool %m[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 128>
  }
}

// -----

// An average pool of few taps, which are written out: each of 4 steps gives every vMAC one channel of a line, through a
// line of weights that is zero but in its lane. The start is a line of zeros; the class of row and column says which
// weight: 0 for the first row and column, 3 for the inner ones.
// CHECK:        loop.config result_shift = 15
// CHECK-NEXT:   loop.config bias_shift = 0
// CHECK-NEXT:   loop.config bypass_shift = 0
// CHECK-NEXT:   loop.start coop wbuf[0] to mbuf[8192] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[0] wbuf[144] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[16] wbuf[144] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[128] wbuf[144] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[144] wbuf[144] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[256] wbuf[144] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[272] wbuf[144] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.start coop wbuf[0] to mbuf[8196] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[0] wbuf[160] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[16] wbuf[160] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[128] wbuf[160] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[144] wbuf[160] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[256] wbuf[160] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[272] wbuf[160] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.start coop wbuf[0] to mbuf[8200] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[0] wbuf[176] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[16] wbuf[176] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[128] wbuf[176] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[144] wbuf[176] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[256] wbuf[176] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[272] wbuf[176] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.start coop wbuf[0] to mbuf[8204] cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[0] wbuf[192] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[16] wbuf[192] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[128] wbuf[192] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[144] wbuf[192] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[256] wbuf[192] words 16 cus 1 vmacs 15
// CHECK-NEXT:   loop.mac coop mbuf[272] wbuf[192] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   loop.for [[I:%[^ ]+]] = 1 to 4 {
// CHECK-NEXT:     loop.start coop wbuf[0] to mbuf[[[I]] * 16 + 8192] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + -16] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 16] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 112] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 128] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 144] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 240] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 256] wbuf[208] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 272] wbuf[208] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:     loop.start coop wbuf[0] to mbuf[[[I]] * 16 + 8196] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + -16] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 16] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 112] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 128] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 144] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 240] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 256] wbuf[224] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 272] wbuf[224] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:     loop.start coop wbuf[0] to mbuf[[[I]] * 16 + 8200] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + -16] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 16] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 112] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 128] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 144] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 240] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 256] wbuf[240] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 272] wbuf[240] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:     loop.start coop wbuf[0] to mbuf[[[I]] * 16 + 8204] cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + -16] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 16] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 112] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 128] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 144] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 240] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 256] wbuf[256] words 16 cus 1 vmacs 15
// CHECK-NEXT:     loop.mac coop mbuf[[[I]] * 32 + 272] wbuf[256] words 16 cus 1 vmacs 15 last
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "avg_pool" {
    %m = tile.buffer words 2304 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 256 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 16, row 64>
    %k = tile.buffer words 288 at 0 slots 1 every 8192 : !tile.wbuf<block 288>
    tile.avg_pool %m[0] to %o[0] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> <kernel_h 3, kernel_w 3, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %k rows [0, 1, 1, 1] columns [0, 1, 1, 1] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 288> to !tile.mbuf<pixel 16, row 64>
  }
}

// -----

// An addition has no traces: both operands start the accumulators, and the second writes the result back. 64 channels fill
// the vMACs, the other 32 two of them.
// CHECK:        loop.config result_shift = 4
// CHECK-NEXT:   loop.config bias_shift = 2
// CHECK-NEXT:   loop.config bypass_shift = 1
// CHECK-NEXT:   loop.config bypass_offset = 0 cus 15
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 96] to mbuf[[[I0]] * 96 + 768] cus 15 vmacs 15
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 96 + 384] to mbuf[[[I0]] * 96 + 768] cus 15 vmacs 15 add alt last relu
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 96 + 64] to mbuf[[[I0]] * 96 + 832] cus 15 vmacs 3
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 96 + 448] to mbuf[[[I0]] * 96 + 832] cus 15 vmacs 3 add alt last relu
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "add" {
    %m = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 96, row 384>
    %n = tile.buffer words 384 at 384 slots 1 every 16384 : !tile.mbuf<pixel 96, row 384>
    %o = tile.buffer words 384 at 768 slots 1 every 16384 : !tile.mbuf<pixel 96, row 384>
    tile.add %m, %n : !tile.mbuf<pixel 96, row 384> slot[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 4, in_w 4, out_h 4, out_w 4> <words 96, first 0, other 0, target 0, lead 0, row_lead 0> <result 4, bias 2, bypass 1> relu : !tile.mbuf<pixel 96, row 384> to !tile.mbuf<pixel 96, row 384>
  }
}

// -----

// A single operand is written back at once.
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.start indp mbuf[[[I0]] * 96] to mbuf[[[I0]] * 96 + 768] cus 15 vmacs 15 last
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "add" {
    %m = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 96, row 384>
    %o = tile.buffer words 384 at 768 slots 1 every 16384 : !tile.mbuf<pixel 96, row 384>
    tile.add %m slot[0] to %o[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 4, in_w 4, out_h 4, out_w 4> <words 64, first 0, other 0, target 0, lead 0, row_lead 0> <result 4, bias 2, bypass 0> : !tile.mbuf<pixel 96, row 384> to !tile.mbuf<pixel 96, row 384>
  }
}

// -----

// A part whose place moves: the words of its row and columns, in the maps and in the result, move with the loops around.
// CHECK:        loop.for %t = 0 to 2 {
// CHECK-NEXT:     loop.for %u = 0 to 2 {
// CHECK-NEXT:       loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:         loop.max mbuf[%t * 512 + [[I0]] * 64 + %u * 128 + 1024] to mbuf[%t * 128 + [[I0]] * 32 + %u * 64 + 8464] count 2 cus 1 first
// CHECK-NEXT:         loop.max mbuf[%t * 512 + [[I0]] * 64 + %u * 128 + 1280] to mbuf[%t * 128 + [[I0]] * 32 + %u * 64 + 8464] count 2 cus 1 last
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  tile.layer "max_pool" {
    %m = tile.buffer words 2048 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %o = tile.buffer words 512 at 8192 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    tile.for %t = 0 to 2 {
      tile.for %u = 0 to 2 {
        tile.max_pool %m[0] to %o[0] row[0] column[0] part[%t + 2], [%u * 2] <top 0, bottom 1, left 0, right 2, share 0, cus 1> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 16, lead 0, row_lead 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 128>
      }
    }
  }
}
