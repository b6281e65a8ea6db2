// convert-cnn-to-tile: a kernel of 1x1 sees pixels, whose maps may have rows of any length.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p 'cnn-choose-schedule{split=rows rows=3},convert-cnn-to-tile,tile-assign-addresses' | filecheck %s

// Six rows of six pixels are two rows for three CUs; 12 of three are three for each of four, in maps, residual and result.
// Each stays one region, which lives as long as its reader.
// CHECK:      [[X:%[^ ]+]] = tile.region "x" at {{[0-9]+}} from "tile.write" to "pixels" : !tile.maps<height 6, width 6, pixel 32, row 192,
// CHECK:      [[R:%[^ ]+]] = tile.region "r" at {{[0-9]+}} from "tile.write" to "pixels" : !tile.maps<height 6, width 6, pixel 32, row 192,
// CHECK:      [[Y:%[^ ]+]] = tile.region "pixels" at {{[0-9]+}} from "pixels" to "pixels" : !tile.maps<height 6, width 6, pixel 32, row 192,
// CHECK:      [[XS:%[^ ]+]] = tile.reshape [[X]] : {{.*}} to !tile.maps<height 12, width 3, pixel 32, row 96,
// CHECK-NEXT: [[RS:%[^ ]+]] = tile.reshape [[R]] : {{.*}} to !tile.maps<height 12, width 3, pixel 32, row 96,
// CHECK-NEXT: [[YS:%[^ ]+]] = tile.reshape [[Y]] : {{.*}} to !tile.maps<height 12, width 3, pixel 32, row 96,
// CHECK:      tile.load [[XS]] row[0] column[0] to {{.*}} slot[0] <top 0, bottom 3, left 0, right 3, share 3, cus 15>
// CHECK:      tile.load [[RS]] row[0] column[0] to {{.*}} slot[0] <top 0, bottom 3, left 0, right 3, share 3, cus 15>
// CHECK:      tile.conv {{.*}} in_h 12, in_w 3, out_h 12, out_w 3>
// CHECK:      tile.store {{.*}} to [[YS]] row[0] column[0] {{.*}} <top 0, bottom 3, left 0, right 3, share 3, cus 15>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x6x6x!cnn.fixed<8>>
  %r = "test.op"() : () -> tensor<1x32x6x6x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<32x32x1x1xf32>) -> tensor<32x32x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w residual %r : (tensor<1x32x6x6x!cnn.fixed<8>>, tensor<32x32x1x1x!cnn.fixed<8>>, tensor<1x32x6x6x!cnn.fixed<8>>) -> tensor<1x32x6x6x!cnn.fixed<8>> loc("pixels")
  "test.op"(%y) : (tensor<1x32x6x6x!cnn.fixed<8>>) -> ()
}

// -----

// Rows that a stride steps over are not there; columns are.
// CHECK:      tile.reshape {{.*}} : !tile.maps<height 7, width 7, pixel 32, row 224, {{.*}} to !tile.maps<height 4, width 7, pixel 32, row 448,
// CHECK-NOT:  tile.reshape
// CHECK:      tile.buffer words 224 at 0 slots {{[12]}} every {{[0-9]+}} : !tile.mbuf<pixel 32, row 224>
// CHECK:      tile.conv {{.*}} stride_h 1, stride_w 2, {{.*}} in_h 4, in_w 7, out_h 4, out_w 4>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x7x7x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<32x32x1x1xf32>
  %w = cnn.quantize %wf : (tensor<32x32x1x1xf32>) -> tensor<32x32x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w {strides = [2, 2]} : (tensor<1x32x7x7x!cnn.fixed<8>>, tensor<32x32x1x1x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("strided")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Rows with gaps between them, five pixels of 16 words in 96, stay as they are; so do those that a pool reads.
// CHECK-NOT: tile.reshape
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x5x5x!cnn.fixed<8>>
  %wf = cnn.weight "w" : tensor<16x16x1x1xf32>
  %w = cnn.quantize %wf : (tensor<16x16x1x1xf32>) -> tensor<16x16x1x1x!cnn.fixed<8>>
  %y = cnn.conv2d %x, %w : (tensor<1x16x5x5x!cnn.fixed<8>>, tensor<16x16x1x1x!cnn.fixed<8>>) -> tensor<1x16x5x5x!cnn.fixed<8>> loc("gaps")
  %u = "test.op"() : () -> tensor<1x16x6x6x!cnn.fixed<8>>
  %z = cnn.conv2d %u, %w : (tensor<1x16x6x6x!cnn.fixed<8>>, tensor<16x16x1x1x!cnn.fixed<8>>) -> tensor<1x16x6x6x!cnn.fixed<8>> loc("pooled")
  %p = cnn.max_pool %z {kernel = [2, 2], strides = [2, 2]} : (tensor<1x16x6x6x!cnn.fixed<8>>) -> tensor<1x16x3x3x!cnn.fixed<8>> loc("pool")
  "test.op"(%y, %p) : (tensor<1x16x5x5x!cnn.fixed<8>>, tensor<1x16x3x3x!cnn.fixed<8>>) -> ()
}
