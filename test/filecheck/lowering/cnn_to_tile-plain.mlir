// convert-cnn-to-tile: what makes tile programs fast and small can be left off, for comparison.
// RUN: snow-opt %s --no-debuginfo -p convert-cnn-to-tile | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p "convert-cnn-to-tile{interleave=false}" | filecheck %s --check-prefix=WHOLE
// RUN: snow-opt %s --no-debuginfo -p "convert-cnn-to-tile{roll=false}" | filecheck %s --check-prefix=STRAIGHT

// The next tile is loaded, and the one before stored, between parts of a tile.
// CHECK:      tile.load %0 row[-1]
// CHECK-NEXT: tile.conv coop %3[0]
// CHECK-NEXT: tile.load %0 row[1]
// CHECK-NEXT: tile.conv coop %3[0]
// CHECK-NEXT: tile.for
// CHECK-NEXT:   tile.conv coop
// CHECK-NEXT:   tile.wait mac pending 16
// CHECK-NEXT:   tile.store

// Else a tile is loaded, computed, and stored when it is done; tiles that repeat are a loop.
// WHOLE:      tile.load %0 row[-1]
// WHOLE-NEXT: tile.conv coop %3[0]
// WHOLE-NEXT: tile.wait mac pending 0
// WHOLE-NEXT: tile.store %4[0]
// WHOLE-NEXT: tile.load %0 row[1]
// WHOLE-NEXT: tile.for
// WHOLE-NEXT:   tile.conv coop

// Each of eight tiles is code of its own.
// STRAIGHT-NOT:       tile.for
// STRAIGHT-COUNT-8:   tile.store
// STRAIGHT-NOT:       tile.store
// STRAIGHT:           tile.read
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x64x16x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x3x3xf32>
  %w = cnn.quantize %wf : (tensor<16x16x3x3xf32>) -> tensor<16x16x3x3x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {pads = [1, 1, 1, 1]} attributes {tile.schedule = #tile.schedule<coop, rows, mloop, rows 2, columns 16, maps_rows 2, steps 4, parts 1, maps_slots 2, weights_slots 2, result_slots 2, result_tiles 1, fused 0, turns 1, biases 0, abreast 1>} : (tensor<1x16x64x16x!cnn.fixed<8>>, tensor<16x16x3x3x!cnn.fixed<8>>) -> tensor<1x16x64x16x!cnn.fixed<8>>
  "test.op"(%y) : (tensor<1x16x64x16x!cnn.fixed<8>>) -> ()
}
