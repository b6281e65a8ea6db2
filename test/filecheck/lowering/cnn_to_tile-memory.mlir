// convert-cnn-to-tile: tensors become regions of memory.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p convert-cnn-to-tile | filecheck %s

// Channels are padded to whole lines, a vector and a row to whole transfers.
// CHECK:      [[MAPS:%[^ ]+]] = tile.region "maps" : !tile.maps<height 3, width 5, pixel 32, row 160, frac 8, channels [20 at 0]>
// CHECK:      [[VECTOR:%[^ ]+]] = tile.region "vector" : !tile.maps<height 1, width 1, pixel 32, row 32, frac 8, channels [20 at 0]>
module attributes {snow.machine = "zc706"} {
  %a = "test.op"() : () -> tensor<1x20x3x5x!cnn.fixed<8>>
  %b = cnn.relu %a : (tensor<1x20x3x5x!cnn.fixed<8>>) -> tensor<1x20x3x5x!cnn.fixed<8>> loc("maps")
  %c = "test.op"() : () -> tensor<1x20x!cnn.fixed<8>>
  %d = cnn.relu %c : (tensor<1x20x!cnn.fixed<8>>) -> tensor<1x20x!cnn.fixed<8>> loc("vector")
  "test.op"(%b, %d) : (tensor<1x20x3x5x!cnn.fixed<8>>, tensor<1x20x!cnn.fixed<8>>) -> ()
}

// -----

// A concatenation is a region; each part stores into its place, which begins at a whole transfer. Nothing is left to do.
// CHECK:      %x = "test.op"()
// CHECK-NEXT: [[X0:%[^ ]+]] = tile.region "x" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to [[X0]]
// CHECK-NEXT: [[CONCAT:%[^ ]+]] = tile.region "concat" : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]>
// CHECK-NEXT: [[LEFT:%[^ ]+]] = tile.view "left" of [[CONCAT]] : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]> to !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.store %4[0] to [[LEFT]] row[0] column[0] channel[0] words 32 share 0 limit 32 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: [[RIGHT:%[^ ]+]] = tile.view "right" of [[CONCAT]] : !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 0, 16 at 32]> to !tile.maps<height 4, width 4, pixel 64, row 256, frac 8, channels [16 at 32]>
// CHECK-NEXT: tile.layer "max_pool" {
// CHECK:        tile.store %7[0] to [[RIGHT]] row[0] column[0] channel[32] words 32 share 0 limit 64 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y = tile.read [[CONCAT]]
// CHECK-NEXT: "test.op"(%y)
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %a = cnn.relu %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("left")
  %b = cnn.max_pool %x {kernel = [1, 1]} : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("right")
  %y = cnn.concat %a, %b : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("concat")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// The host reads what it computes on out of memory, and writes what the accelerator reads from it. A value that many
// read is written once.
// CHECK:      %i = cnn.input "x"
// CHECK-NEXT: %x = cnn.quantize %i
// CHECK-NEXT: [[IN:%[^ ]+]] = tile.region "in" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %x to [[IN]]
// CHECK-NEXT: [[RELU1:%[^ ]+]] = tile.region "relu1" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load [[IN]] row[0] column[0] to %2 slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK:        tile.store %3[0] to [[RELU1]] row[0] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: [[ADD1:%[^ ]+]] = tile.region "add1" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load [[RELU1]] row[0] column[0] to %5 slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT:   tile.load [[IN]] row[0] column[0] to %6 slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK:        tile.store %7[0] to [[ADD1]] row[0] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %b = tile.read [[ADD1]]
// CHECK-NEXT: %d = cnn.dequantize %b
// CHECK-NEXT: %s = cnn.softmax %d
// CHECK-NEXT: %q = cnn.quantize %s
// CHECK-NEXT: [[BACK:%[^ ]+]] = tile.region "back" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.write %q to [[BACK]]
// CHECK-NEXT: [[RELU2:%[^ ]+]] = tile.region "relu2" : !tile.maps<height 4, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
// CHECK-NEXT: tile.layer "add" {
// CHECK:        tile.load [[BACK]] row[0] column[0] to %10 slot[0] <rows 1, share 1, columns 4, cus 15>
// CHECK:        tile.store %11[0] to [[RELU2]] row[0] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 1, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: %y = tile.read [[RELU2]]
// CHECK-NEXT: "test.op"(%y)
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %i = cnn.input "x" : tensor<1x16x4x4xf32>
  %x = cnn.quantize %i : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("in")
  %a = cnn.relu %x : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("relu1")
  %b = cnn.add %a, %x : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("add1")
  %d = cnn.dequantize %b : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4xf32>
  %s = cnn.softmax %d : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
  %q = cnn.quantize %s : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("back")
  %y = cnn.relu %q : (tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x16x4x4x!cnn.fixed<8>> loc("relu2")
  "test.op"(%y) : (tensor<1x16x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Channels that every reader takes word by word stay packed, for the first reader and for the second.
// CHECK:      [[X:%[^ ]+]] = tile.region "x" : !tile.maps<height 2, width 2, pixel 3, row 32, frac 8, channels [3 at 0]>
// CHECK:      tile.conv indp {{.*}} <depth 3, {{.*}} : !tile.mbuf<pixel 3, row 32>
// CHECK:      tile.conv indp {{.*}} <depth 3, {{.*}} : !tile.mbuf<pixel 3, row 32>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x3x2x2x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x3x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x3x1x1xf32>) -> tensor<16x3x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 1, columns 2, steps 1, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x3x2x2x!cnn.fixed<8>>, tensor<16x3x1x1x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>>
  %z = cnn.conv2d %x, %w attributes {tile.schedule = #tile.schedule<indp, rows, mloop, rows 1, columns 2, steps 1, parts 1, maps_slots 1, weights_slots 1>} : (tensor<1x3x2x2x!cnn.fixed<8>>, tensor<16x3x1x1x!cnn.fixed<8>>) -> tensor<1x16x2x2x!cnn.fixed<8>>
  "test.op"(%y, %z) : (tensor<1x16x2x2x!cnn.fixed<8>>, tensor<1x16x2x2x!cnn.fixed<8>>) -> ()
}
