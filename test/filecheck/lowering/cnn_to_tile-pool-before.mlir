// convert-cnn-to-tile: a max pool that the convolution behind it computes, since `tile.fused` says so.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-cnn-to-tile | filecheck %s
// RUN: snow-opt %s --split-input-file -p cnn-describe-layers -o %t.mlir
// RUN: filecheck %s --input-file %t.mlir --check-prefix LAYERS

// It is part of the row of the convolution, whose certificate has it.
// LAYERS: snow.layers = [{name = "conv1", kind = "conv2d", {{.*}}pool_before = {kind = "max_pool", input = [32 : i64, 8 : i64, 8 : i64]

// Only what is pooled is loaded, and only the result of the convolution stored. A tile is pooled into the other bank than
// that in which it was loaded. Two columns that the second tile needs, too, are not loaded again: they move, row by row,
// while the first tile is computed; and it is pooled meanwhile.
// CHECK:      %0 = tile.region "x"
// CHECK-NOT:  tile.region "pool1"
// CHECK:      tile.layer "conv2d" {
// CHECK-NEXT:   %3 = tile.buffer words 256 at 640 slots 2 every 31360 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   %4 = tile.buffer words 640 at 0 slots 2 every 31360 : !tile.mbuf<pixel 32, row 160>
// CHECK-NEXT:   %5 = tile.buffer words 512 at 896 slots 2 every 31360 : !tile.mbuf<pixel 64, row 256>
// CHECK-NEXT:   %6 = tile.buffer words 576 at 0 slots 1 every 8192 : !tile.wbuf<block 576>
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 0 to %6 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %4 slot[0] <top 0, bottom 4, left 0, right 5, share 2, cus 15>
// CHECK-NEXT:   tile.load %0 row[-1] column[3] to %4 slot[1] <top 0, bottom 4, left 2, right 5, share 2, cus 15>
// CHECK-NEXT:   tile.max_pool %4[0] to %3[1] row[0] column[0] part[0], [0] <top 0, bottom 2, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK:        tile.conv indp %3[1], %6[0] to %5[0]
// CHECK-NEXT:   tile.for %7 = 0 to 4 {
// CHECK-NEXT:     tile.move %4[0] row[%7] column[3] word[0] to %4[1] row[%7] column[0] word[0] words 32 down 0 <top 0, bottom 1, left 0, right 2, share 0, cus 15>
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.conv indp %3[1], %6[0] to %5[0]
// CHECK:        tile.max_pool %4[1] to %3[0] row[0] column[4] part[0], [0] <top 0, bottom 1, left 0, right 4, share 2, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.conv indp %3[1], %6[0] to %5[0]
// CHECK:        tile.wait max pending 0
// CHECK-NEXT:   tile.conv indp %3[0], %6[0] to %5[1]
// CHECK:        tile.store %5[0] to %1 row[0] column[0]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<64x32x1x1xf32>) -> tensor<64x32x1x1x!cnn.fixed<8>>
  %p = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} attributes {tile.fused} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("pool1")
  %y = cnn.conv2d %p, %w {relu} attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 2, columns 4, maps_rows 2, steps 1, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x8x8x!cnn.fixed<8>>, tensor<64x32x1x1x!cnn.fixed<8>>) -> tensor<1x64x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x64x8x8x!cnn.fixed<8>>) -> ()
}

// -----

// Kernels outside: each goes past all tiles, which are pooled again for the second one. In one slot of each buffer, a tile
// is pooled when the one before it has been computed with, row by row.
// CHECK:      tile.layer "conv2d" {
// CHECK:        tile.load_weights %2 tile[0]
// CHECK:        tile.max_pool %4[0] to %3[0] row[0] column[0]
// CHECK:        tile.max_pool %4[0] to %3[0] row[0] column[4]
// CHECK:        tile.load_weights %2 tile[1]
// CHECK:        tile.max_pool %4[0] to %3[0] row[0] column[0]
// CHECK:        tile.max_pool %4[0] to %3[0] row[0] column[4]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<128x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<128x32x1x1xf32>) -> tensor<128x32x1x1x!cnn.fixed<8>>
  %p = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} attributes {tile.fused} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("pool1")
  %y = cnn.conv2d %p, %w {relu} attributes {tile.schedule = #tile.schedule<indp, rows, kloop, rows 2, columns 4, maps_rows 2, steps 1, parts 1, maps_slots 1, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x8x8x!cnn.fixed<8>>, tensor<128x32x1x1x!cnn.fixed<8>>) -> tensor<1x128x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x128x8x8x!cnn.fixed<8>>) -> ()
}

// -----

// Tiles of one column are pooled in two passes: the maxima of the rows of each column that is new, in the place of one that
// no window needs any more, then those of the columns. The first tile has two columns, side by side; the last one none.
// CHECK:      tile.layer "conv2d" {
// CHECK:        %[[MAPS:.*]] = tile.buffer words 64 at {{.*}} slots 2 every {{.*}} : !tile.mbuf<pixel 32, row 32>
// CHECK:        %[[LOADED:.*]] = tile.buffer words 256 at 0 slots 2 every {{.*}} : !tile.mbuf<pixel 32, row 64>
// CHECK:        %[[MAXIMA:.*]] = tile.buffer words 192 at {{.*}} slots 1 every {{.*}} : !tile.mbuf<pixel 32, row 96>
// CHECK:        tile.load %0 row[-1] column[0] to %[[LOADED]] slot[0] <top 0, bottom 4, left 0, right 2, share 2, cus 15>
// CHECK-NEXT:   tile.load %0 row[-1] column[2] to %[[LOADED]] slot[1] <top 0, bottom 4, left 0, right 1, share 2, cus 15>
// CHECK-NEXT:   tile.max_pool %[[LOADED]][0] to %[[MAXIMA]][0] row[0] column[0] part[0], [0] <top 0, bottom 2, left 0, right 2, share 2, cus 15> <kernel_h 3, kernel_w 1, {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0>
// CHECK-NEXT:   tile.wait max
// CHECK:        tile.max_pool %[[MAXIMA]][0] to %[[MAPS]][1] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 2, cus 15> <kernel_h 1, kernel_w 3, {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK:        tile.max_pool %[[LOADED]][1] to %[[MAXIMA]][0] row[0] column[0] part[0], [2] <{{.*}}> <kernel_h 3, kernel_w 1, {{.*}}> <words 32, first 0, other 0, target 0, lead -2, row_lead 0>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<64x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<64x32x1x1xf32>) -> tensor<64x32x1x1x!cnn.fixed<8>>
  %p = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} attributes {tile.fused} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x8x8x!cnn.fixed<8>> loc("pool1")
  %y = cnn.conv2d %p, %w {relu} attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 2, columns 1, maps_rows 2, steps 1, parts 1, maps_slots 2, weights_slots 1, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x32x8x8x!cnn.fixed<8>>, tensor<64x32x1x1x!cnn.fixed<8>>) -> tensor<1x64x8x8x!cnn.fixed<8>> loc("conv1")
  "test.op"(%y) : (tensor<1x64x8x8x!cnn.fixed<8>>) -> ()
}
