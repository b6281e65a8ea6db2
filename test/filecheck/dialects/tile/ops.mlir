// Every operation and type of the tile dialect: its text is what it prints, also by way of the generic form.
// RUN: snow-opt %s | snow-opt --print-op-generic | snow-opt --no-debuginfo | filecheck %s

// A machine is its description, or the name of one that is shipped.
// CHECK: builtin.module attributes {snow.machine = "zc706"} {
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x8x8x!cnn.fixed<8>>
  %w = "test.op"() : () -> tensor<32x16x3x3x!cnn.fixed<8>>
  %b = "test.op"() : () -> tensor<32x!cnn.fixed<8>>

  // Memory: maps, with or without an address; some of their channels, or rows; packed weights. A row may be longer than its
  // pixels.
  // CHECK:      %maps = tile.region "input" at 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %whole = tile.region "concat" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]>
  // CHECK-NEXT: %part = tile.view "conv1" of %whole : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
  // CHECK-NEXT: %turns = tile.view "conv2" of %maps row 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 4, width 8, pixel 16, row 256, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %longer = tile.reshape %maps : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 16, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %fewer = tile.reshape %maps : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 3, width 8, pixel 16, row 384, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %pooled = tile.region "pool1" at 32 : !tile.maps<height 4, width 4, pixel 16, row 96, frac 8, channels [16 at 0]>
  %maps = tile.region "input" at 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %whole = tile.region "concat" : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]>
  %part = tile.view "conv1" of %whole : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
  %turns = tile.view "conv2" of %maps row 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 4, width 8, pixel 16, row 256, frac 8, channels [16 at 0]>
  %longer = tile.reshape %maps : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 16, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
  %fewer = tile.reshape %maps : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 3, width 8, pixel 16, row 384, frac 8, channels [16 at 0]>
  %pooled = tile.region "pool1" at 32 : !tile.maps<height 4, width 4, pixel 16, row 96, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %packed = tile.weights %w bias %b : tensor<32x!cnn.fixed<8>> as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> at 64 : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  // CHECK-NEXT: %plain = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9472>
  // CHECK-NEXT: %ninths = tile.average_weights [5461, 3641] : !tile.packed<640>
  %packed = tile.weights %w bias %b : tensor<32x!cnn.fixed<8>> as <coop, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 4, tiles 2, parts 1, abreast 1, advance 0, channels [16 at 0]> at 64 : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<6144>
  %plain = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0]> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9472>
  %ninths = tile.average_weights [5461, 3641] : !tile.packed<640>

  // Maps whose rows the host unrolls, and kernels in the order of their words.
  // CHECK-NEXT: %rows = tile.region "rows" : !tile.maps<height 4, width 8, pixel 48, row 384, frac 8, channels [16 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
  // CHECK-NEXT: tile.write %x to %rows : tensor<1x16x8x8x!cnn.fixed<8>> to !tile.maps<height 4, width 8, pixel 48, row 384, frac 8, channels [16 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
  // CHECK-NEXT: %columns = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], unrolled> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9472>
  %rows = tile.region "rows" : !tile.maps<height 4, width 8, pixel 48, row 384, frac 8, channels [16 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
  tile.write %x to %rows : tensor<1x16x8x8x!cnn.fixed<8>> to !tile.maps<height 4, width 8, pixel 48, row 384, frac 8, channels [16 at 0], unrolled <kernel 3, stride 2, dilation 1, pad 1, height 8>>
  %columns = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], unrolled> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9472>

  // The host writes and reads tensors.
  // CHECK-NEXT: tile.write %x to %maps : tensor<1x16x8x8x!cnn.fixed<8>> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  // CHECK-NEXT: %y = tile.read %whole : !tile.maps<{{.*}}> to tensor<1x38x8x8x!cnn.fixed<8>>
  tile.write %x to %maps : tensor<1x16x8x8x!cnn.fixed<8>> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %y = tile.read %whole : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]> to tensor<1x38x8x8x!cnn.fixed<8>>

  // A convolution: maps and weights double-buffered, kernel tiles inside, a residual, rows shared out. The waits of a schedule.
  // CHECK-NEXT: tile.layer "conv2d" {
  tile.layer "conv2d" {
    // CHECK-NEXT: %in = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    // CHECK-NEXT: %id = tile.buffer words 512 at 384 slots 2 every 16384 : !tile.mbuf<pixel 64, row 512>
    // CHECK-NEXT: %out = tile.buffer words 256 at 896 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    // CHECK-NEXT: %kernels = tile.buffer words 768 at 0 slots 2 every 8192 : !tile.wbuf<block 192>
    %in = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %id = tile.buffer words 512 at 384 slots 2 every 16384 : !tile.mbuf<pixel 64, row 512>
    %out = tile.buffer words 256 at 896 slots 2 every 16384 : !tile.mbuf<pixel 32, row 256>
    %kernels = tile.buffer words 768 at 0 slots 2 every 8192 : !tile.wbuf<block 192>
    // CHECK-NEXT: tile.for %t = 0 to 2 {
    tile.for %t = 0 to 2 {
      // CHECK-NEXT: tile.load %maps row[%t + -1] column[0] to %in slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 6> : !tile.maps<{{.*}}> to !tile.mbuf<pixel 16, row 128>
      // CHECK-NEXT: tile.load %whole row[%t] column[0] to %id slot[%t mod 2] <top 0, bottom 1, left 0, right 8, share 2, cus 6> :
      tile.load %maps row[%t + -1] column[0] to %in slot[%t mod 2] <top 0, bottom 3, left 0, right 8, share 2, cus 6> : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.load %whole row[%t] column[0] to %id slot[%t mod 2] <top 0, bottom 1, left 0, right 8, share 2, cus 6> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]> to !tile.mbuf<pixel 64, row 512>
      // CHECK-NEXT: tile.for %k = 0 to 2 {
      tile.for %k = 0 to 2 {
        // CHECK-NEXT: tile.load_weights %packed tile[%k] part 0 to %kernels slot[%k mod 2] cus 6 : !tile.packed<6144> to !tile.wbuf<block 192>
        // CHECK-NEXT: tile.load_weights %packed tile[%k] part 0 piece 1 of 8 to %kernels slot[%k mod 2] cus 2 : !tile.packed<6144> to !tile.wbuf<block 192>
        // CHECK-NEXT: tile.conv coop %in[%t mod 2], %kernels[%k mod 2] bypass %id : !tile.mbuf<pixel 64, row 512> to %out[%t mod 2] at[0] word[%k * 16] row[%t] column[0] channel[%k * 16] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 6> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 8> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
        tile.load_weights %packed tile[%k] part 0 to %kernels slot[%k mod 2] cus 6 : !tile.packed<6144> to !tile.wbuf<block 192>
        tile.load_weights %packed tile[%k] part 0 piece 1 of 8 to %kernels slot[%k mod 2] cus 2 : !tile.packed<6144> to !tile.wbuf<block 192>
        tile.conv coop %in[%t mod 2], %kernels[%k mod 2] bypass %id : !tile.mbuf<pixel 64, row 512> to %out[%t mod 2] at[0] word[%k * 16] row[%t] column[0] channel[%k * 16] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 6> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 8> relu : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
      }
      // CHECK:      tile.wait mac, max pending 0
      // CHECK-NEXT: tile.wait move pending 2
      tile.wait mac, max pending 0
      tile.wait move pending 2
      // CHECK-NEXT: tile.store %out[%t mod 2] to %part row[%t] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 6> : !tile.mbuf<pixel 32, row 256> to !tile.maps<{{.*}}>
      tile.store %out[%t mod 2] to %part row[%t] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 8, share 2, cus 6> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
    }
  }

  // A bypass that has only the words of the result tile, loaded pixel by pixel, for each CU its own.
  tile.layer "conv2d" {
    %in = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %id = tile.buffer words 256 at 128 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %out = tile.buffer words 256 at 384 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %kernels = tile.buffer words 320 at 0 slots 1 every 8192 : !tile.wbuf<block 64>
    // CHECK: tile.load_pixels %whole row[1] column[0] channel[0] words 32 share 32 to %id_1 slot[0] part[0], [4] <top 0, bottom 1, left 0, right 4, share 0, cus 3> : !tile.maps<{{.*}}> to !tile.mbuf<pixel 32, row 256>
    tile.load_pixels %whole row[1] column[0] channel[0] words 32 share 32 to %id slot[0] part[0], [4] <top 0, bottom 1, left 0, right 4, share 0, cus 3> : !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0, 6 at 32]> to !tile.mbuf<pixel 32, row 256>
    // CHECK-NEXT: tile.conv coop %in_1[0], %kernels_1[0] bypass %id_1 : !tile.mbuf<pixel 32, row 256> sliced to %out_1[0] at[0] word[0]
    tile.conv coop %in[0], %kernels[0] bypass %id : !tile.mbuf<pixel 32, row 256> sliced to %out[0] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 5, channels 32, share 32, lead 0, row_lead 0, bypass_first 0, part 0, parts 1, part_words 16, abreast 1> <result 8, bias 8, bypass 8> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 64> to !tile.mbuf<pixel 32, row 256>
  }

  // INDP, without residual and ReLU; rows of a tile that are behind its first, results further down in their buffer.
  tile.layer "conv2d" {
    %in = tile.buffer words 1024 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %out = tile.buffer words 512 at 1024 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %kernels = tile.buffer words 2368 at 0 slots 1 every 8192 : !tile.wbuf<block 2368>
    // CHECK: tile.conv indp %in_2[0], %kernels_2[0] to %out_2[0] at[-1] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 1, bottom 3, left 0, right 8, share 2, cus 3> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 1, channels 32, share 0, lead -1, row_lead 2, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 2368> to !tile.mbuf<pixel 32, row 256>
    tile.conv indp %in[0], %kernels[0] to %out[0] at[-1] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 1, bottom 3, left 0, right 8, share 2, cus 3> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 1, channels 32, share 0, lead -1, row_lead 2, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 2368> to !tile.mbuf<pixel 32, row 256>
    // Rows that the next tile needs too, from the end of the tile to its beginning, and to the CU before.
    // CHECK-NEXT: tile.move %in_2[0] row[5] column[0] word[0] to %in_2[0] row[0] column[0] word[0] words 16 down 0 <top 0, bottom 2, left 0, right 8, share 0, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    // CHECK-NEXT: tile.move %out_2[0] row[1] column[0] word[16] to %in_2[0] row[0] column[0] word[0] words 16 down 1 <top 0, bottom 1, left 1, right 7, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 16, row 128>
    // CHECK-NEXT: tile.move %out_2[0] row[1] column[0] word[0] to %in_2[0] row[0] column[0] word[0] words 16 down -1 <top 0, bottom 1, left 1, right 7, share 0, cus 7> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 16, row 128>
    tile.move %in[0] row[5] column[0] word[0] to %in[0] row[0] column[0] word[0] words 16 down 0 <top 0, bottom 2, left 0, right 8, share 0, cus 15> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    tile.move %out[0] row[1] column[0] word[16] to %in[0] row[0] column[0] word[0] words 16 down 1 <top 0, bottom 1, left 1, right 7, share 0, cus 14> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 16, row 128>
    tile.move %out[0] row[1] column[0] word[0] to %in[0] row[0] column[0] word[0] words 16 down -1 <top 0, bottom 1, left 1, right 7, share 0, cus 7> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 16, row 128>
  }

  // Layers without kernels work on words of pixels.
  tile.layer "max_pool" {
    %in = tile.buffer words 256 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %out = tile.buffer words 96 at 256 slots 1 every 16384 : !tile.mbuf<pixel 16, row 96>
    // CHECK: tile.max_pool %in_3[0] to %out_3[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96>
    tile.max_pool %in[0] to %out[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 96>
  }
  tile.layer "avg_pool" {
    %in = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %out = tile.buffer words 96 at 384 slots 1 every 16384 : !tile.mbuf<pixel 16, row 96>
    %lanes = tile.buffer words 160 at 0 slots 1 every 8192 : !tile.wbuf<block 160>
    // CHECK: tile.load_weights %ninths tile[0] part 0 to %lanes slot[0] cus 15 : !tile.packed<640> to !tile.wbuf<block 160>
    tile.load_weights %ninths tile[0] part 0 to %lanes slot[0] cus 15 : !tile.packed<640> to !tile.wbuf<block 160>
    // CHECK: tile.avg_pool %in_4[0] to %out_4[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %lanes rows [1, 1, 0] columns [0, 0, 0] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 160> to !tile.mbuf<pixel 16, row 96>
    tile.avg_pool %in[0] to %out[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 3, share 1, cus 7> <kernel_h 3, kernel_w 3, stride_h 3, stride_w 3, dilation_h 1, dilation_w 1, pad_top 0, pad_left 1, in_h 8, in_w 8, out_h 3, out_w 3> <words 16, first 0, other 0, target 0, lead -1, row_lead 0> with %lanes rows [1, 1, 0] columns [0, 0, 0] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 160> to !tile.mbuf<pixel 16, row 96>
  }
  tile.layer "add" {
    %in = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %other = tile.buffer words 128 at 128 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %out = tile.buffer words 128 at 256 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    // CHECK: tile.add %in_5, %other : !tile.mbuf<pixel 16, row 128> slot[0] to %out_5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> <kernel_h 1, {{.*}}> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> <result 1, bias 0, bypass 1> relu : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    // CHECK: tile.add %in_5 slot[0] to %out_5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> <kernel_h 1, {{.*}}> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> <result 1, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    tile.add %in, %other : !tile.mbuf<pixel 16, row 128> slot[0] to %out[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> <result 1, bias 0, bypass 1> relu : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    tile.add %in slot[0] to %out[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 1, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 8, out_w 8> <words 16, first 0, other 0, target 0, lead 0, row_lead 0> <result 1, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
  }

  // Parts of tiles whose place moves with a loop: rows of a convolution and of a pool, columns of a store.
  // CHECK: tile.layer "conv2d" {
  tile.layer "conv2d" {
    %in = tile.buffer words 768 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %out = tile.buffer words 1024 at 768 slots 1 every 16384 : !tile.mbuf<pixel 32, row 256>
    %max = tile.buffer words 256 at 1792 slots 1 every 16384 : !tile.mbuf<pixel 32, row 128>
    %kernels = tile.buffer words 768 at 0 slots 1 every 8192 : !tile.wbuf<block 192>
    // CHECK:      tile.for %r = 0 to 4 {
    // CHECK-NEXT:   tile.conv coop %in_6[0], %kernels_3[0] to %out_6[0] at[0] word[0] row[2] column[0] channel[0] offset[0] part[%r], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15>
    tile.for %r = 0 to 4 {
      tile.conv coop %in[0], %kernels[0] to %out[0] at[0] word[0] row[2] column[0] channel[0] offset[0] part[%r], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 15> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 4, channels 32, share 0, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 0, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 192> to !tile.mbuf<pixel 32, row 256>
    }
    // CHECK:      tile.for %p = 0 to 2 {
    // CHECK-NEXT:   tile.max_pool %out_6[0] to %max[0] row[1] column[0] part[%p], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15>
    tile.for %p = 0 to 2 {
      tile.max_pool %out[0] to %max[0] row[1] column[0] part[%p], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 8, in_w 8, out_h 4, out_w 4> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> : !tile.mbuf<pixel 32, row 256> to !tile.mbuf<pixel 32, row 128>
    }
    // CHECK:      tile.for %s = 0 to 4 {
    // CHECK-NEXT:   tile.for %c = 0 to 2 {
    // CHECK-NEXT:     tile.store %out_6[0] to %part row[2] column[0] channel[0] words 32 share 0 limit 32 part[%s], [%c * 4] <top 0, bottom 1, left 0, right 4, share 0, cus 1>
    tile.for %s = 0 to 4 {
      tile.for %c = 0 to 2 {
        tile.store %out[0] to %part row[2] column[0] channel[0] words 32 share 0 limit 32 part[%s], [%c * 4] <top 0, bottom 1, left 0, right 4, share 0, cus 1> : !tile.mbuf<pixel 32, row 256> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
      }
    }
    // Words that are not the first ones of a pixel of the tile.
    // CHECK:      tile.store %wide_tile[0] to %part row[2] column[0] channel[0] words 32 from 64 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1>
    %wide_tile = tile.buffer words 384 at 8192 slots 1 every 0 : !tile.mbuf<pixel 96, row 384>
    tile.store %wide_tile[0] to %part row[2] column[0] channel[0] words 32 from 64 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 0, cus 1> : !tile.mbuf<pixel 96, row 384> to !tile.maps<height 8, width 8, pixel 64, row 512, frac 8, channels [32 at 0]>
  }

  // A layer that begins while the one before it is at work, and fills a buffer of the one behind it: it may share words
  // with its own.
  // CHECK:      tile.layer "conv2d" overlaps {
  // CHECK-NEXT:   %in_7 = tile.buffer words 768 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
  // CHECK-NEXT:   %next = tile.buffer words 768 at 16384 slots 2 every -16384 ahead : !tile.mbuf<pixel 16, row 128>
  tile.layer "conv2d" overlaps {
    %in = tile.buffer words 768 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %next = tile.buffer words 768 at 16384 slots 2 every -16384 ahead : !tile.mbuf<pixel 16, row 128>
  }

  // Biases that lie apart from their kernels, in the order of the channels: each CU has its own, beside a slot of maps.
  // CHECK: %apart = tile.weights %w bias %b : tensor<32x!cnn.fixed<8>> as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 2, share 16, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], apart> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<18560>
  %apart = tile.weights %w bias %b : tensor<32x!cnn.fixed<8>> as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 2, share 16, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], apart> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<18560>
  // CHECK-NEXT: %both = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], unrolled, apart> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9280>
  %both = tile.weights %w as <indp, groups 1, windows 1, depth 16, kernel_h 3, kernel_w 3, channels 32, cus 1, share 0, vmacs 4, line 16, steps 1, tiles 1, parts 1, abreast 1, advance 0, channels [16 at 0], unrolled, apart> : tensor<32x16x3x3x!cnn.fixed<8>> to !tile.packed<9280>
  tile.layer "conv2d" {
    %in = tile.buffer words 384 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %biases = tile.buffer words 64 at 384 slots 2 every 16384 : !tile.mbuf<pixel 64, row 64>
    %out = tile.buffer words 128 at 448 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %kernels = tile.buffer words 2304 at 0 slots 1 every 8192 : !tile.wbuf<block 2304>
    // CHECK: tile.load_biases %apart to %biases slot[1] cus 3 : !tile.packed<18560> to !tile.mbuf<pixel 64, row 64>
    tile.load_biases %apart to %biases slot[1] cus 3 : !tile.packed<18560> to !tile.mbuf<pixel 64, row 64>
    // CHECK-NEXT: tile.conv indp %in_{{[0-9]+}}[1], %kernels_{{[0-9]+}}[0] biases %biases : !tile.mbuf<pixel 64, row 64> to %out_{{[0-9]+}}[0] at[0] word[0]
    tile.conv indp %in[1], %kernels[0] biases %biases : !tile.mbuf<pixel 64, row 64> to %out[0] at[0] word[0] row[1] column[0] channel[0] offset[0] part[0], [0] <top 0, bottom 1, left 0, right 8, share 0, cus 3> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 8, out_w 8> <depth 16, steps 1, channels 16, share 16, lead -1, row_lead 0, bypass_first 0, part 0, parts 1, part_words 144, abreast 1> <result 8, bias 8, bypass 0> : !tile.mbuf<pixel 16, row 128>, !tile.wbuf<block 2304> to !tile.mbuf<pixel 16, row 128>
  }

  // What a chooser decides, on a layer of the cnn dialect.
  // CHECK: tile.schedule = #tile.schedule<coop, rows, kloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>
  "test.op"() {tile.schedule = #tile.schedule<coop, rows, kloop, rows 2, columns 8, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : () -> ()
}
