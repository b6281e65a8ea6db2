// convert-tile-to-loop: loads and stores become transfers at affine addresses, layers begin when memory is up to date.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-tile-to-loop | filecheck %s

// Whole rows that lie as in memory are one load; CU 0 has no row above the first, CU 3 none below the last. Loads go
// round the load units. Before a buffer is filled, what still reads it is waited for.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max pending 0
// CHECK-NEXT:   loop.load %in[0] to mbuf[128] units 12 cus 1 through 0
// CHECK-NEXT:   loop.load %in[4] to mbuf[0] units 16 cus 2 through 1
// CHECK-NEXT:   loop.load %in[12] to mbuf[0] units 16 cus 4 through 2
// CHECK-NEXT:   loop.load %in[20] to mbuf[0] units 12 cus 8 through 3
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.load %in row[-1] column[0] to %m slot[0] <rows 4, share 2, columns 8, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Without a share all CUs get the same, in a broadcast. Parts of rows are loaded row by row, from where the maps begin.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.load %in[[[I0]] * 4] to mbuf[[[I0]] * 96 + 32] units 2 cus 15 through 0
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 96>
    tile.load %in row[0] column[-2] to %m slot[0] <rows 4, share 0, columns 6, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96>
  }
}

// -----

// A tile index becomes a loop index, the parity of a tile the distance of two slots.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.wait mac, max pending 0
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 4] to mbuf[[[I0]] mod 2 * -16384 + 16448] units 4 cus 15 through 0
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 128 at 64 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.for %t = 0 to 4 {
      %n = tile.index[%t + 1]
      tile.load %in row[%n] column[0] to %m slot[%n mod 2] <rows 1, share 0, columns 8, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
    }
  }
}

// -----

// The kernels of each vMAC are one run of memory, for all CUs at once.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.wait mac, max pending 0
// CHECK-NEXT:     loop.load %p[[[I0]] * 96] to wbuf0[[[I0]] mod 2 * 8192] units 24 cus 15 through 0
// CHECK-NEXT:     loop.load %p[[[I0]] * 96 + 24] to wbuf1[[[I0]] mod 2 * 8192] units 24 cus 15 through 1
// CHECK-NEXT:     loop.load %p[[[I0]] * 96 + 48] to wbuf2[[[I0]] mod 2 * 8192] units 24 cus 15 through 2
// CHECK-NEXT:     loop.load %p[[[I0]] * 96 + 72] to wbuf3[[[I0]] mod 2 * 8192] units 24 cus 15 through 3
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  tile.layer "conv2d" {
    %k = tile.buffer words 768 at 0 slots 2 every 8192 : !tile.wbuf<block 192>
    tile.for %t = 0 to 2 {
      tile.load_weights %p tile[%t] part 0 to %k slot[%t mod 2] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
    }
  }
}

// -----

// Kernels that are shared out are a run for each vMAC of each CU.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max pending 0
// CHECK-NEXT:   loop.load %p[0] to wbuf0[0] units 12 cus 1 through 0
// CHECK-NEXT:   loop.load %p[12] to wbuf1[0] units 12 cus 1 through 1
// CHECK-NEXT:   loop.load %p[24] to wbuf2[0] units 12 cus 1 through 2
// CHECK-NEXT:   loop.load %p[36] to wbuf3[0] units 12 cus 1 through 3
// CHECK-NEXT:   loop.load %p[48] to wbuf0[0] units 12 cus 2 through 0
// CHECK-NEXT:   loop.load %p[60] to wbuf1[0] units 12 cus 2 through 1
// CHECK-NEXT:   loop.load %p[72] to wbuf2[0] units 12 cus 2 through 2
// CHECK-NEXT:   loop.load %p[84] to wbuf3[0] units 12 cus 2 through 3
// CHECK-NEXT:   loop.load %p[96] to wbuf0[0] units 12 cus 4 through 0
// CHECK-NEXT:   loop.load %p[108] to wbuf1[0] units 12 cus 4 through 1
// CHECK-NEXT:   loop.load %p[120] to wbuf2[0] units 12 cus 4 through 2
// CHECK-NEXT:   loop.load %p[132] to wbuf3[0] units 12 cus 4 through 3
// CHECK-NEXT:   loop.load %p[144] to wbuf0[0] units 12 cus 8 through 0
// CHECK-NEXT:   loop.load %p[156] to wbuf1[0] units 12 cus 8 through 1
// CHECK-NEXT:   loop.load %p[168] to wbuf2[0] units 12 cus 8 through 2
// CHECK-NEXT:   loop.load %p[180] to wbuf3[0] units 12 cus 8 through 3
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 4, share 8, vmacs 4, line 16, steps 2, tiles 1, parts 1, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  tile.layer "conv2d" {
    %k = tile.buffer words 384 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.load_weights %p tile[0] part 0 to %k slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
  }
}

// -----

// A result tile of whole rows is one store a CU, behind the arithmetic. With one slot, the next tile waits for it.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.wait mac, max pending 0
// CHECK-NEXT:     loop.store mbuf[0] cu 0 to %out[[[I0]] * 8] units 8
// CHECK-NEXT:     loop.store mbuf[0] cu 1 to %out[[[I0]] * 8 + 16] units 8
// CHECK-NEXT:     loop.store mbuf[0] cu 2 to %out[[[I0]] * 8 + 32] units 8
// CHECK-NEXT:     loop.store mbuf[0] cu 3 to %out[[[I0]] * 8 + 48] units 8
// CHECK-NEXT:     loop.wait move pending 0
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.for %t = 0 to 2 {
      tile.store %o[0] to %out row[%t] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 2, columns 8, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
    }
  }
}

// -----

// With two slots the stores may run while the next tile is computed. The last CU has one row only.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max pending 0
// CHECK-NEXT:   loop.store mbuf[16384] cu 0 to %out[0] units 16
// CHECK-NEXT:   loop.store mbuf[16384] cu 1 to %out[16] units 16
// CHECK-NEXT:   loop.store mbuf[16384] cu 2 to %out[32] units 16
// CHECK-NEXT:   loop.store mbuf[16384] cu 3 to %out[48] units 8
// CHECK-NEXT:   loop.wait move pending 4
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 7, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 512 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.store %o[1] to %out row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 2, share 2, columns 8, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 7, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  }
}

// -----

// The slots alternate, but with three tiles the last one has the slot of the first one of the next kernels, which must
// wait until it is stored.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.wait mac, max pending 0
// CHECK-NEXT:       loop.store mbuf[[[I1]] mod 2 * 16384] cu 0 to %out[[[I1]] * 16 + [[I0]]] units 1
// CHECK-NEXT:       loop.wait move pending 1
// CHECK-NEXT:     }
// CHECK-NEXT:     loop.wait mac, max pending 0
// CHECK-NEXT:     loop.store mbuf[0] cu 0 to %out[[[I0]] + 32] units 1
// CHECK-NEXT:     loop.wait move pending 0
// CHECK-NEXT:   }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 3, width 1, pixel 64, row 512, frac 8, channels [64 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 32 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 32>
    tile.for %k = 0 to 2 {
      tile.for %t = 0 to 2 {
        tile.store %o[%t mod 2] to %out row[%t] column[0] channel[%k * 32] words 32 share 0 limit 64 <rows 1, share 3, columns 1, cus 1> : !tile.mbuf<pixel 32, row 32> to !tile.maps<height 3, width 1, pixel 64, row 512, frac 8, channels [64 at 0]>
      }
      tile.store %o[0] to %out row[2] column[0] channel[%k * 32] words 32 share 0 limit 64 <rows 1, share 3, columns 1, cus 1> : !tile.mbuf<pixel 32, row 32> to !tile.maps<height 3, width 1, pixel 64, row 512, frac 8, channels [64 at 0]>
    }
  }
}

// -----

// Words of a pixel are stored pixel by pixel: each CU its share of the channels.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.for [[I1:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.store mbuf[[[I0]] * 64 + [[I1]] * 32] cu 0 to %out[[[I0]] * 8 + [[I1]] * 4] units 1
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for [[I2:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.for [[I3:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.store mbuf[[[I2]] * 64 + [[I3]] * 32] cu 1 to %out[[[I2]] * 8 + [[I3]] * 4 + 1] units 1
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for [[I4:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.for [[I5:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.store mbuf[[[I4]] * 64 + [[I5]] * 32] cu 2 to %out[[[I4]] * 8 + [[I5]] * 4 + 2] units 1
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for [[I6:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.for [[I7:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.store mbuf[[[I6]] * 64 + [[I7]] * 32] cu 3 to %out[[[I6]] * 8 + [[I7]] * 4 + 3] units 1
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.wait move pending 16
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 2, width 2, pixel 128, row 256, frac 8, channels [128 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 64>
    tile.store %o[0] to %out row[0] column[0] channel[0] words 32 share 32 limit 128 <rows 2, share 0, columns 2, cus 15> : !tile.mbuf<pixel 32, row 64> to !tile.maps<height 2, width 2, pixel 128, row 256, frac 8, channels [128 at 0]>
  }
}

// -----

// A copy between parts of a concatenation reads, in memory, pixels that it writes: loads and stores wait for each other.
// CHECK:      loop.layer "add" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.wait mac, max, move pending 0
// CHECK-NEXT:   loop.load %from[0] to mbuf[0] units 4 cus 1 through 0
// CHECK-NEXT:   loop.wait mac, max, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.store mbuf[[[I0]] * 32 + 128] cu 0 to %to[[[I0]] * 2] units 1
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.wait move pending 2
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %whole = tile.region "sum" : !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 0, 32 at 32]>
  %from = tile.view "from" of %whole : !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 0, 32 at 32]> to !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 32]>
  %to = tile.view "to" of %whole : !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 0, 32 at 32]> to !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 0]>
  tile.layer "add" {
    %i = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 64, row 128>
    %o = tile.buffer words 64 at 128 slots 1 every 16384 : !tile.mbuf<pixel 32, row 64>
    tile.load %from row[0] column[0] to %i slot[0] <rows 1, share 1, columns 2, cus 1> : !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 32]> to !tile.mbuf<pixel 64, row 128>
    tile.store %o[0] to %to row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 2, cus 1> : !tile.mbuf<pixel 32, row 64> to !tile.maps<height 1, width 2, pixel 64, row 128, frac 8, channels [32 at 0]>
  }
}
