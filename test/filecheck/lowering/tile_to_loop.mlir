// convert-tile-to-loop: loads, moves and stores become transfers at affine addresses, layers begin when memory is up to
// date, other waits are those of the tiles.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-tile-to-loop | filecheck %s

// Whole rows that lie as in memory are one load; CU 0 has no row above the first, CU 3 none below the last. Each CU has
// a load unit.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
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
    tile.load %in row[-1] column[0] to %m slot[0] <top 0, bottom 4, left 0, right 8, share 2, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Rows of a tile that does not begin with its first, for some of the CUs.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.load %in[12] to mbuf[256] units 8 cus 2 through 1
// CHECK-NEXT:   loop.load %in[20] to mbuf[256] units 8 cus 4 through 2
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.load %in row[-1] column[0] to %m slot[0] <top 2, bottom 4, left 0, right 8, share 2, cus 6> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Without a share all CUs get the same, in a broadcast: its rows through all units. Parts of rows are loaded row by row,
// from where the maps begin.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.load %in[[[I0]] * 4] to mbuf[[[I0]] * 96 + 32] units 2 cus 15 through 0
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 8] to mbuf[[[I0]] * 96 + 224] units 2 cus 15 through 1
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 16] to mbuf[[[I0]] * 96 + 416] units 2 cus 15 through 2
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 24] to mbuf[[[I0]] * 96 + 608] units 2 cus 15 through 3
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 768 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 96>
    tile.load %in row[0] column[-2] to %m slot[0] <top 0, bottom 8, left 0, right 6, share 0, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 96>
  }
}

// -----

// What fills the same words of a buffer takes the same unit, whoever loads it: here rows 2 to 6 are those of both loads.
// Whole rows are shared out by transfers, the two rows above them and the four rows each among all units.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.load %in[0] to mbuf[0] units 2 cus 15 through 0
// CHECK-NEXT:   loop.load %in[2] to mbuf[64] units 2 cus 15 through 1
// CHECK-NEXT:   loop.load %in[4] to mbuf[128] units 2 cus 15 through 2
// CHECK-NEXT:   loop.load %in[6] to mbuf[192] units 2 cus 15 through 3
// CHECK-NEXT:   loop.load %in[8] to mbuf[256] units 4 cus 15 through 0
// CHECK-NEXT:   loop.load %in[12] to mbuf[384] units 4 cus 15 through 1
// CHECK-NEXT:   loop.load %in[16] to mbuf[512] units 4 cus 15 through 2
// CHECK-NEXT:   loop.load %in[20] to mbuf[640] units 4 cus 15 through 3
// CHECK-NEXT:   loop.load %in[16] to mbuf[256] units 4 cus 15 through 0
// CHECK-NEXT:   loop.load %in[20] to mbuf[384] units 4 cus 15 through 1
// CHECK-NEXT:   loop.load %in[24] to mbuf[512] units 4 cus 15 through 2
// CHECK-NEXT:   loop.load %in[28] to mbuf[640] units 4 cus 15 through 3
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 768 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.load %in row[0] column[0] to %m slot[0] <top 0, bottom 6, left 0, right 8, share 0, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
    tile.load %in row[2] column[0] to %m slot[0] <top 2, bottom 6, left 0, right 8, share 0, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Parts of rows are shared out by rows; where their numbers differ, the units with more go on alone.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.load %in[0] to mbuf[0] units 2 cus 15 through 0
// CHECK-NEXT:   loop.load %in[4] to mbuf[64] units 2 cus 15 through 1
// CHECK-NEXT:   loop.load %in[8] to mbuf[128] units 2 cus 15 through 2
// CHECK-NEXT:   loop.load %in[12] to mbuf[192] units 2 cus 15 through 3
// CHECK-NEXT:   loop.load %in[16] to mbuf[256] units 2 cus 15 through 3
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 320 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 64>
    tile.load %in row[0] column[0] to %m slot[0] <top 0, bottom 5, left 0, right 4, share 0, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 64>
  }
}

// -----

// A tile index becomes a loop index, the parity of a tile the distance of two slots. Waits are one to one.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.wait mac, max pending 3
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 4] to mbuf[[[I0]] mod 2 * -16384 + 16448] units 1 cus 15 through 0
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 5] to mbuf[[[I0]] mod 2 * -16384 + 16480] units 1 cus 15 through 1
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 6] to mbuf[[[I0]] mod 2 * -16384 + 16512] units 1 cus 15 through 2
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 7] to mbuf[[[I0]] mod 2 * -16384 + 16544] units 1 cus 15 through 3
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 128 at 64 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.for %t = 0 to 4 {
      tile.wait mac, max pending 3
      tile.load %in row[%t + 1] column[0] to %m slot[%t mod 2 * -1 + 1] <top 0, bottom 1, left 0, right 8, share 0, cus 15> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
    }
  }
}

// -----

// The kernels of each vMAC are one run of memory, for all CUs at once.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
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
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  tile.layer "conv2d" {
    %k = tile.buffer words 768 at 0 slots 2 every 8192 : !tile.wbuf<block 192>
    tile.for %t = 0 to 2 {
      tile.load_weights %p tile[%t] part 0 to %k slot[%t mod 2] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
    }
  }
}

// -----

// Kernels that are shared out are a run for each vMAC of each CU: a loop over CUs, for all of which a vMAC has the same unit.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[C:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.load %p[[[C]] * 48] to wbuf0[0] units 12 cus 1 shifted [[C]] through 0
// CHECK-NEXT:     loop.load %p[[[C]] * 48 + 12] to wbuf1[0] units 12 cus 1 shifted [[C]] through 1
// CHECK-NEXT:     loop.load %p[[[C]] * 48 + 24] to wbuf2[0] units 12 cus 1 shifted [[C]] through 2
// CHECK-NEXT:     loop.load %p[[[C]] * 48 + 36] to wbuf3[0] units 12 cus 1 shifted [[C]] through 3
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 4, share 8, vmacs 4, line 16, steps 2, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  tile.layer "conv2d" {
    %k = tile.buffer words 384 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.load_weights %p tile[0] part 0 to %k slot[0] cus 15 : !tile.packed<6144> to !tile.wbuf<block 192>
  }
}

// -----

// A piece of what each weights buffer of a CU gets: the last half of each kernel tile, from word 192 of the slot on.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.load %p[102] to wbuf0[192] units 6 cus 4 through 0
// CHECK-NEXT:   loop.load %p[114] to wbuf1[192] units 6 cus 4 through 1
// CHECK-NEXT:   loop.load %p[126] to wbuf2[192] units 6 cus 4 through 2
// CHECK-NEXT:   loop.load %p[138] to wbuf3[192] units 6 cus 4 through 3
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %wf = cnn.weight "w" : tensor<32x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<32x16x3x3xf32>) -> tensor<32x16x3x3x!cnn.fixed<8>>
  %p = tile.weights %w as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 4, share 8, vmacs 4, line 16, steps 2, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  tile.layer "conv2d" {
    %k = tile.buffer words 384 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    tile.load_weights %p tile[0] part 0 piece 1 of 2 to %k slot[0] cus 4 : !tile.packed<6144> to !tile.wbuf<block 192>
  }
}

// -----

// A result tile of whole rows is one store a CU; the last one has one row only.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.store mbuf[16640] cu 0 to %out[8] units 16
// CHECK-NEXT:   loop.store mbuf[16640] cu 1 to %out[24] units 16
// CHECK-NEXT:   loop.store mbuf[16640] cu 2 to %out[40] units 8
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 6, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 768 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.store %o[1] to %out row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 1, bottom 3, left 0, right 8, share 2, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 6, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  }
}

// -----

// Some columns are stored row by row.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.store mbuf[[[I0]] * 256 + 64] cu 1 to %out[[[I0]] * 8 + 24] units 6
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.store %o[0] to %out row[0] column[-2] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 2, right 8, share 3, cus 2> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  }
}

// -----

// CUs that store alike do so in a loop; the last one has one row only.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[C:%[^ ]+]] = 0 to 3 {
// CHECK-NEXT:     loop.for [[Y:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.store mbuf[[[Y]] * 256 + 64] cu 0 + [[C]] to %out[[[Y]] * 8 + [[C]] * 16] units 6
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.store mbuf[64] cu 3 to %out[48] units 6
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 7, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 512 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.store %o[0] to %out row[0] column[-2] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 2, left 2, right 8, share 2, cus 15> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 7, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  }
}

// -----

// Words of a pixel are stored pixel by pixel: each CU its share of the channels.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.for [[C:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.for [[Y:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:       loop.for [[X:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:         loop.store mbuf[[[Y]] * 64 + [[X]] * 32] cu 0 + [[C]] to %out[[[Y]] * 8 + [[X]] * 4 + [[C]]] units 1
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 2, width 2, pixel 128, row 256, frac 8, channels [128 at 0]>
  tile.layer "conv2d" {
    %o = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 64>
    tile.store %o[0] to %out row[0] column[0] channel[0] words 32 share 32 limit 128 part[0], [0] <top 0, bottom 2, left 0, right 2, share 0, cus 15> : !tile.mbuf<pixel 32, row 64> to !tile.maps<height 2, width 2, pixel 128, row 256, frac 8, channels [128 at 0]>
  }
}

// -----

// A move is one transfer a CU where words lie in a row on both sides. CU 0 has none before it.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.move mbuf[1280] cu 1 to mbuf[16384] cu 0 lines 32
// CHECK-NEXT:   loop.move mbuf[1280] cu 2 to mbuf[16384] cu 1 lines 32
// CHECK-NEXT:   loop.move mbuf[1280] cu 3 to mbuf[16384] cu 2 lines 32
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 2048 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    %n = tile.buffer words 512 at 2048 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
    tile.move %m[0] row[4] column[0] word[0] to %m[1] row[-1] column[0] word[0] words 32 down 1 <top 1, bottom 3, left 0, right 8, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// To the CU behind, the last one comes first.
// CHECK:      loop.wait mac, max, move, load pending 0
// CHECK-NEXT: loop.move mbuf[1280] cu 2 to mbuf[16384] cu 3 lines 32
// CHECK-NEXT: loop.move mbuf[1280] cu 1 to mbuf[16384] cu 2 lines 32
// CHECK-NEXT: loop.move mbuf[1280] cu 0 to mbuf[16384] cu 1 lines 32
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 2048 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.move %m[0] row[4] column[0] word[0] to %m[1] row[-1] column[0] word[0] words 32 down -1 <top 1, bottom 3, left 0, right 8, share 0, cus 7> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// Some columns move row by row.
// CHECK:      loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:   loop.move mbuf[[[I0]] * 256 + 1088] cu 0 to mbuf[[[I0]] * 256 + 64] cu 0 lines 12
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 2048 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    %n = tile.buffer words 512 at 2048 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
    tile.move %m[0] row[4] column[0] word[0] to %m[0] row[0] column[0] word[0] words 32 down 0 <top 0, bottom 2, left 2, right 8, share 0, cus 1> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// Some words of pixels move pixel by pixel.
// CHECK:      loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:   loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.move mbuf[[[I0]] * 256 + [[I1]] * 32 + 1040] cu 0 to mbuf[[[I0]] * 128 + [[I1]] * 16 + 2048] cu 0 lines 1
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  tile.layer "conv2d" {
    %m = tile.buffer words 2048 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    %n = tile.buffer words 512 at 2048 slots 1 every 0 : !tile.mbuf<pixel 16, row 128>
    tile.move %m[0] row[4] column[0] word[16] to %n[0] row[0] column[0] word[0] words 16 down 0 <top 0, bottom 2, left 0, right 8, share 0, cus 1> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Registers that a layer sets to one value are set once; one that changes is set before each tile.
// CHECK:      loop.layer "add" {
// CHECK-NEXT:   loop.wait mac, max, move, load pending 0
// CHECK-NEXT:   loop.config bias_shift = 0
// CHECK-NEXT:   loop.config bypass_shift = 0
// CHECK-NEXT:   loop.config bypass_offset = 0 cus 15
// CHECK-NEXT:   loop.config result_shift = 3
// CHECK-NEXT:   loop.for
// CHECK:        loop.config result_shift = 4
// CHECK-NEXT:   loop.for
// CHECK-NOT:    loop.config
module attributes {snow.machine = "zc706"} {
  tile.layer "add" {
    %m = tile.buffer words 256 at 0 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.add %m slot[0] to %m[1] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> <result 3, bias 0, bypass 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256>
    tile.add %m slot[0] to %m[1] row[1] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 1> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> <result 4, bias 0, bypass 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 256>
  }
}

// -----

// A part whose place moves by a row and two pixels, in the buffer and in memory.
// CHECK:      loop.for %t = 0 to 3 {
// CHECK-NEXT:   loop.store mbuf[%t * 320 + 832] cu 0 to %out[%t * 10 + 2] units 2
// CHECK-NEXT:   loop.store mbuf[%t * 320 + 832] cu 1 to %out[%t * 10 + 34] units 2
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %out = tile.region "out" : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %b = tile.buffer words 1024 at 512 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.for %t = 0 to 3 {
      tile.store %b[0] to %out row[-1] column[0] channel[0] words 32 share 0 limit 32 part[%t], [%t * 2] <top 1, bottom 2, left 2, right 4, share 4, cus 3> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
    }
  }
}

// -----

// A layer that overlaps the one before it has its own waits. It may fill buffers of the one behind it, ahead of that.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.wait mac pending 16
// CHECK-NEXT:   loop.load %in[0] to mbuf[16384] units 8 cus 1 through 0
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" overlaps {
    %m = tile.buffer words 1024 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %a = tile.buffer words 1024 at 16384 slots 2 every -16384 ahead : !tile.mbuf<pixel 16, row 128>
    tile.wait mac pending 16
    tile.load %in row[0] column[0] to %a slot[0] <top 0, bottom 8, left 0, right 8, share 0, cus 1> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// What fills a buffer of the layer behind for one CU of four comes through all units, though that CU has one by itself.
// CHECK:      loop.layer "conv2d" {
// CHECK-NEXT:   loop.load %in[96] to mbuf[0] units 4 cus 8 through 0
// CHECK-NEXT:   loop.load %in[100] to mbuf[128] units 4 cus 8 through 1
// CHECK-NEXT:   loop.load %in[104] to mbuf[256] units 4 cus 8 through 2
// CHECK-NEXT:   loop.load %in[108] to mbuf[384] units 4 cus 8 through 3
// CHECK-NEXT:   loop.load %in[0] to mbuf[16384] units 16 cus 1 through 0
// CHECK-NEXT:   loop.load %in[32] to mbuf[16384] units 16 cus 2 through 1
// CHECK-NEXT:   loop.load %in[64] to mbuf[16384] units 16 cus 4 through 2
// CHECK-NEXT:   loop.load %in[96] to mbuf[16384] units 16 cus 8 through 3
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 32, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "conv2d" overlaps {
    %m = tile.buffer words 1024 at 16384 slots 2 every -16384 : !tile.mbuf<pixel 16, row 128>
    %a = tile.buffer words 1024 at 0 slots 2 every 16384 ahead : !tile.mbuf<pixel 16, row 128>
    tile.load %in row[0] column[0] to %a slot[0] <top 0, bottom 4, left 0, right 8, share 8, cus 8> : !tile.maps<height 32, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
    tile.load %in row[0] column[0] to %m slot[0] <top 0, bottom 4, left 0, right 8, share 8, cus 15> : !tile.maps<height 32, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
  }
}

// -----

// Few rows for all CUs that do not lie in one piece: each unit fetches its part of every row, so that all are busy.
// CHECK:      loop.layer "conv2d" {
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     loop.load %in[[[I0]] * 16] to mbuf[[[I0]] * 128] units 1 cus 15 through 0
// CHECK-NEXT:     loop.load %in[[[I0]] * 16 + 1] to mbuf[[[I0]] * 128 + 32] units 1 cus 15 through 1
// CHECK-NEXT:     loop.load %in[[[I0]] * 16 + 2] to mbuf[[[I0]] * 128 + 64] units 1 cus 15 through 2
// CHECK-NEXT:     loop.load %in[[[I0]] * 16 + 3] to mbuf[[[I0]] * 128 + 96] units 1 cus 15 through 3
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    tile.load %in row[0] column[0] to %m slot[0] <top 0, bottom 2, left 0, right 4, share 0, cus 15> : !tile.maps<height 4, width 16, pixel 32, row 512, frac 8, channels [32 at 0]> to !tile.mbuf<pixel 32, row 128>
  }
}

// -----

// Words of each pixel, for each CU its own by its own unit; then pixels of each CU's rows.
// CHECK:      loop.layer "conv2d" {
// CHECK:        loop.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 48] to mbuf[[[I0]] * 32 + 128] units 1 cus 1 through 0
// CHECK-NEXT:     loop.load %in[[[I0]] * 4 + 49] to mbuf[[[I0]] * 32 + 128] units 1 cus 2 through 1
// CHECK-NEXT:   }
// CHECK-NEXT:   loop.for [[I1:%[^ ]+]] = 0 to 8 {
// CHECK-NEXT:     loop.load %in[[[I1]] * 4 + 2] to mbuf[[[I1]] * 32] units 1 cus 1 through 0
// CHECK-NEXT:     loop.load %in[[[I1]] * 4 + 34] to mbuf[[[I1]] * 32] units 1 cus 2 through 1
// CHECK-NEXT:   }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 4, width 8, pixel 128, row 1024, frac 8, channels [128 at 0]>
  tile.layer "conv2d" {
    %m = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    tile.load_pixels %in row[1] column[0] channel[0] words 32 share 32 to %m slot[0] part[0], [4] <top 0, bottom 1, left 0, right 4, share 0, cus 3> : !tile.maps<height 4, width 8, pixel 128, row 1024, frac 8, channels [128 at 0]> to !tile.mbuf<pixel 32, row 256>
    tile.load_pixels %in row[0] column[0] channel[64] words 32 share 0 to %m slot[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 3> : !tile.maps<height 4, width 8, pixel 128, row 1024, frac 8, channels [128 at 0]> to !tile.mbuf<pixel 32, row 256>
  }
}
