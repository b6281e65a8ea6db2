// convert-cnn-to-tile: a layer begins while the one before it is still at work.
// RUN: snow-opt %s --split-input-file -p convert-cnn-to-tile | filecheck %s
// RUN: snow-opt %s --split-input-file -p "convert-cnn-to-tile{overlap=false}" | filecheck %s --check-prefix=ALONE

// The first loads of a layer are steps of the layer before it, under the name of their own: kernels when their bank is
// free, which slots that have changed places make early; rows when they are stored, those that are stored last at the
// end. Then the layer begins with a tile. It waits before its first load for what may still be pending.
// CHECK:      tile.layer "conv2d" {
// CHECK:        tile.buffer words 768 at 0 slots 2 every 8192 : !tile.wbuf<block 192> loc("one")
// CHECK-NEXT:   %7 = tile.buffer words 768 at 8192 slots 2 every -8192 ahead : !tile.wbuf<block 192> loc("two")
// CHECK-NEXT:   %8 = tile.buffer words 1024 at 0 slots 2 every 31232 ahead : !tile.mbuf<pixel 16, row 256> loc("two")
// CHECK-NEXT:   tile.load_weights %2 tile[0] part 0 to %6 slot[0] cus 15 {{.*}} loc("one")
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %4 slot[0] <top 0, bottom 4, {{.*}} loc("one")
// CHECK-NEXT:   tile.conv
// CHECK-NEXT:   tile.load %0 row[1] column[0] to %4 slot[1] {{.*}} loc("one")
// CHECK-NEXT:   tile.load_weights %3 tile[0] part 0 to %7 slot[0] cus 15 {{.*}} loc("two")
// CHECK:        tile.store %5[0] to %1 row[0] {{.*}} loc("one")
// CHECK-NEXT:   tile.conv
// CHECK-NEXT:   tile.wait move pending 0
// CHECK-NEXT:   tile.load %1 row[-1] column[0] to %8 slot[0] <top 1, bottom 3, {{.*}} loc("two")
// CHECK:        tile.store %5[1] to %1 row[2] {{.*}} loc("one")
// CHECK-NEXT:   tile.wait move pending 0
// CHECK-NEXT:   tile.load %1 row[-1] column[0] to %8 slot[0] <top 0, bottom 1, {{.*}} loc("two")
// CHECK-NEXT:   tile.load %1 row[-1] column[0] to %8 slot[0] <top 3, bottom 4, {{.*}} loc("two")
// CHECK-NEXT: } loc("one")
// CHECK:      tile.layer "conv2d" overlaps {
// CHECK:        tile.buffer words 768 at 8192 slots 2 every -8192 : !tile.wbuf<block 192>
// CHECK-NEXT:   tile.conv
// CHECK-NEXT:   tile.wait load pending 0
// CHECK-NEXT:   tile.load %1 row[1] column[0] to %10 slot[1]
// CHECK:      } loc("two")
// ALONE-NOT:  ahead
// ALONE-NOT:  overlaps
// ALONE:      tile.read
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x16x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %vf = cnn.weight "v" : tensor<16x16x3x3xf32>
  %v = cnn.quantize %vf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 16, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x16x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x16x16x!cnn.fixed<8>> loc("one")
  %z = cnn.conv2d %y, %v {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 16, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x16x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x16x16x!cnn.fixed<8>> loc("two")
  "test.op"(%z) : (tensor<1x16x16x16x!cnn.fixed<8>>) -> ()
}

// -----

// What the host does between two layers, they do not overlap.
// CHECK:     tile.layer "conv2d" {
// CHECK-NOT: ahead
// CHECK:     tile.read
// CHECK:     tile.layer "conv2d" {
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x16x16x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %vf = cnn.weight "v" : tensor<16x16x3x3xf32>
  %v = cnn.quantize %vf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 16, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x16x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x16x16x!cnn.fixed<8>> loc("one")
  %h = "test.op"(%y) : (tensor<1x16x16x16x!cnn.fixed<8>>) -> tensor<1x16x16x16x!cnn.fixed<8>>
  %z = cnn.conv2d %h, %v {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 16, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x16x16x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x16x16x!cnn.fixed<8>> loc("two")
  "test.op"(%z) : (tensor<1x16x16x16x!cnn.fixed<8>>) -> ()
}
