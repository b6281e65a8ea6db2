// What moves between memory and buffers, or computes a tile, gets its name; what belongs to the layer keeps that alone.
// RUN: snow-opt %s -p tile-name-tiles | filecheck %s

module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 32, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "conv" : !tile.maps<height 32, width 8, pixel 64, row 512, frac 8, channels [64 at 0]>
  %p = "test.op"() : () -> !tile.packed<3072>
  tile.layer "conv2d" {
    // CHECK: tile.buffer {{.*}} loc("conv"){{$}}
    %m = tile.buffer words 768 at 0 slots 1 every 0 : !tile.mbuf<pixel 16, row 128> loc("conv")
    %o = tile.buffer words 2048 at 1024 slots 1 every 0 : !tile.mbuf<pixel 64, row 512> loc("conv")
    %k = tile.buffer words 768 at 0 slots 1 every 0 : !tile.wbuf<block 192> loc("conv")

    // Where CUs have rows of their own, those of the first one, and how far apart the CUs are. Rows count in the maps.
    // CHECK:      tile.load_weights {{.*}} loc("conv"("kernel tiles 0 to 1"))
    // CHECK-NEXT: tile.load {{.*}} loc("conv"("input rows -1 to 5, +8 per CU"))
    // CHECK-NEXT: tile.conv {{.*}} loc("conv"("rows 1 to 4, +8 per CU; channels 16 to 32"))
    // CHECK-NEXT: tile.store {{.*}} loc("conv"("rows 4 to 6, +8 per CU"))
    // CHECK-NEXT: tile.wait mac pending 0 loc("conv"){{$}}
    tile.load_weights %p tile[0] part 0 to %k slot[0] cus 15 : !tile.packed<3072> to !tile.wbuf<block 192> loc("conv")
    tile.load %in row[-1] column[0] to %m slot[0] <top 0, bottom 6, left 0, right 8, share 8, cus 15> : !tile.maps<height 32, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128> loc("conv")
    tile.conv coop %m[0], %k[0] to %o[0] at[0] word[16] row[0] column[0] channel[16] offset[0] part[0], [0] <top 1, bottom 4, left 0, right 8, share 8, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 32, in_w 8, out_h 32, out_w 8> <depth 16, steps 4, channels 64, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 64, row 512> loc("conv")
    tile.store %o[0] to %out row[4] column[0] channel[0] words 64 share 0 limit 64 part[0], [0] <top 0, bottom 2, left 0, right 8, share 8, cus 15> : !tile.mbuf<pixel 64, row 512> to !tile.maps<height 32, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv")
    tile.wait mac pending 0 loc("conv")

    // What stands in a loop is for all of its tiles.
    // CHECK-NEXT: tile.for
    // CHECK-NEXT: tile.conv {{.*}} loc("conv"("rows 4 to 12; channels 0 to 16, +16 per CU"))
    // CHECK-NEXT: tile.store {{.*}} loc("conv"("rows 3 to 11"))
    tile.for %t = 0 to 4 {
      tile.conv coop %m[0], %k[0] to %o[0] at[0] word[0] row[%t * 2 + 4] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 2, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 32, in_w 8, out_h 32, out_w 8> <depth 16, steps 4, channels 16, share 16, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 64, row 512> loc("conv")
      tile.store %o[0] to %out row[%t * 2 + 3] column[0] channel[0] words 64 share 0 limit 64 part[0], [0] <top 0, bottom 2, left 0, right 8, share 0, cus 15> : !tile.mbuf<pixel 64, row 512> to !tile.maps<height 32, width 8, pixel 64, row 512, frac 8, channels [64 at 0]> loc("conv")
    } loc("conv")
  } loc("conv")
}
