// convert-cnn-to-tile: operations without kernels leave channels where they are and work on words of pixels.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p "convert-cnn-to-tile{overlap=false}" | filecheck %s

// Max pool: rows shared out, as many in a tile as fit, and those under their windows.
// CHECK:      tile.layer "max_pool" {
// CHECK-NEXT:   %2 = tile.buffer words 768 at 0 slots 2 every 31872 : !tile.mbuf<pixel 32, row 256>
// CHECK-NEXT:   %3 = tile.buffer words 128 at 768 slots 2 every 31872 : !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %2 slot[0] <top 0, bottom 3, left 0, right 8, share 2, cus 15>
// CHECK-NEXT:   tile.max_pool %2[0] to %3[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h 3, kernel_w 3, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 8, in_w 8, out_h 4, out_w 4> <words 32, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NEXT:   tile.wait max pending 0
// CHECK-NEXT:   tile.store %3[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %y = cnn.max_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// In several tiles, of the size that memory is done with soonest: while one is pooled, the next is loaded into the other
// slot, as soon as the tile before that is done, and the last one is stored.
// CHECK:      tile.layer "max_pool" {
// CHECK:        tile.load %0 row[-1] column[-1] to %2 slot[0] <top 0, bottom 10, left 0, right 13, share 16, cus 15>
// CHECK-NEXT:   tile.max_pool %2[0] to %3[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 16, cus 15>
// CHECK-NEXT:   tile.load %0 row[-1] column[10] to %2 slot[1] <top 0, bottom 10, left 0, right 13, share 16, cus 15>
// CHECK-NEXT:   tile.max_pool %2[0] to %3[0] row[0] column[0] part[0], [4] <top 0, bottom 1, left 0, right 7, share 16, cus 15>
// CHECK:        tile.max_pool %2[1] to %3[1] row[0] column[11] part[0], [0] <top 0, bottom 1, left 0, right 4, share 16, cus 15>
// CHECK-NEXT:   tile.wait max pending 16
// CHECK-NEXT:   tile.load %0 row[-1] column[21] to %2 slot[0] <top 0, bottom 10, left 0, right 12, share 16, cus 15>
// CHECK-NEXT:   tile.max_pool
// CHECK-NEXT:   tile.store %3[0] to %1 row[0] column[0] channel[0] words 64 share 0 limit 64 part[4], [0] <top 0, bottom 1, left 0, right 11, share 16, cus 15>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x64x64x32x!cnn.fixed<8>>
  %y = cnn.max_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x64x64x32x!cnn.fixed<8>>) -> tensor<1x64x64x32x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x64x64x32x!cnn.fixed<8>>) -> ()
}

// -----

// Average pool: a depthwise convolution with one weight for each number of elements under the window. The classes of
// row and column together select it.
// CHECK:      %2 = tile.average_weights [8192, 5461, 5461, 3641] : !tile.packed<1152>
// CHECK-NEXT: tile.layer "avg_pool" {
// CHECK:        tile.load_weights %2 tile[0] part 0 to %5 slot[0] cus 15
// CHECK-NEXT:   tile.load %0 row[-1] column[0] to %3 slot[0] <top 0, bottom 3, left 0, right 8, share 2, cus 15>
// CHECK-NEXT:   tile.avg_pool %3[0] to %4[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead -1, row_lead 0> with %5 rows [0, 1, 1, 1] columns [0, 1, 1, 1] <result 15, bias 0, bypass 0> : !tile.mbuf<pixel 32, row 256>, !tile.wbuf<block 288> to !tile.mbuf<pixel 32, row 128>
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x8x8x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]} : (tensor<1x32x8x8x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// A global pool has one row: CUs share out channels, of each pixel a transfer for each CU, and one more for three of them.
// CHECK:      tile.layer "avg_pool" {
// CHECK:        tile.for %6 = 0 to 7 {
// CHECK-NEXT:     tile.load_pixels %0 row[0] column[0] channel[0] words 32 share 32 to %3 slot[0] part[%6], [0] <top 0, bottom 1, left 0, right 7, share 0, cus 15>
// CHECK-NEXT:   }
// CHECK-NEXT:   tile.avg_pool %3[0] to %4[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 0, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> with
// CHECK:        tile.store %4[0] to %1 row[0] column[0] channel[0] words 32 share 32 limit 224 part[0], [0] <top 0, bottom 1, left 0, right 1, share 0, cus 15>
// CHECK:        tile.for %7 = 0 to 7 {
// CHECK-NEXT:     tile.load_pixels %0 row[0] column[0] channel[128] words 32 share 32 to %3 slot[0] part[%7], [0] <top 0, bottom 1, left 0, right 7, share 0, cus 7>
// CHECK-NEXT:   }
// CHECK:        tile.avg_pool %3[0] to %4[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 1, share 0, cus 7>
// CHECK:        tile.store %4[0] to %1 row[0] column[0] channel[128] words 32 share 32 limit 224 part[0], [0] <top 0, bottom 1, left 0, right 1, share 0, cus 7>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x224x7x7x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [7, 7]} : (tensor<1x224x7x7x!cnn.fixed<8>>) -> tensor<1x224x1x1x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x224x1x1x!cnn.fixed<8>>) -> ()
}

// -----

// Of many channels there are slices. Each is averaged in pieces, here of a line, and loads of the next slice come between them.
// CHECK:      tile.layer "avg_pool" {
// CHECK-NEXT:   %3 = tile.buffer words 6272 at 0 slots 2 every 26368 : !tile.mbuf<pixel 128, row 896>
// CHECK:        tile.avg_pool %3[0] to %4[0] row[0] {{.*}} <words 16, first 0, other 0, target 0, lead 0, row_lead 0> with
// CHECK-NEXT:   tile.load_pixels %0 row[0] column[0] channel[128] words 128 share 256 to %3 slot[1] part[0], [0]
// CHECK-NEXT:   tile.avg_pool %3[0] to %4[0] row[0] {{.*}} <words 16, first 16, other 0, target 16, lead 0, row_lead 0> with
// CHECK-NEXT:   tile.load_pixels %0 row[0] column[0] channel[128] words 128 share 256 to %3 slot[1] part[1], [0]
// CHECK-NEXT:   tile.avg_pool %3[0] to %4[0] row[0] {{.*}} <words 16, first 32, other 0, target 32, lead 0, row_lead 0> with
// CHECK:        tile.avg_pool %3[1] to %4[1] row[0]
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x1024x7x7x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [7, 7]} : (tensor<1x1024x7x7x!cnn.fixed<8>>) -> tensor<1x1024x1x1x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x1024x1x1x!cnn.fixed<8>>) -> ()
}

// -----

// Add: operands move up to the position of the one with most fraction bits, the sum down to that of the result.
// CHECK:      tile.layer "add" {
// CHECK:        tile.load %0 row[0] column[0] to %3 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.load %1 row[0] column[0] to %4 slot[0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT:   tile.add %3, %4 : !tile.mbuf<pixel 32, row 128> slot[0] to %5[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> <result 4, bias 2, bypass 0> relu
// CHECK-NEXT:   tile.wait mac pending 0
// CHECK-NEXT:   tile.store %5[0] to %2 row[0] column[0] channel[0] words 32 share 0 limit 32 part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15>
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
  %z = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<10>>
  %y = cnn.add %x, %z {relu} : (tensor<1x32x4x4x!cnn.fixed<8>>, tensor<1x32x4x4x!cnn.fixed<10>>) -> tensor<1x32x4x4x!cnn.fixed<6>> loc("add1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<6>>) -> ()
}

// -----

// ReLU and rescale are additions of one operand.
// CHECK:      tile.layer "add" {
// CHECK:        tile.add %2 slot[0] to %3[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> <result 0, bias 0, bypass 0> relu
// CHECK:      tile.layer "add" {
// CHECK:        tile.add %5 slot[0] to %6[0] row[0] column[0] part[0], [0] <top 0, bottom 1, left 0, right 4, share 1, cus 15> <kernel_h {{.*}}> <words 32, first 0, other 0, target 0, lead 0, row_lead 0> <result 0, bias 4, bypass 0>
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x32x4x4x!cnn.fixed<8>>
  %r = cnn.relu %x : (tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("relu1")
  %y = cnn.rescale %r : (tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<12>> loc("rescale1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<12>>) -> ()
}

// -----

// Where channels do not lie alike, words cannot be worked on: the operation stays with the host. A concatenation of 6
// and 6 channels has a gap between them, which vectors of 12 have not.
// CHECK:      %c = tile.read %0
// CHECK:      %y = cnn.add %x, %c
module attributes {snow.machine = "zc706"} {
  %a = "test.op"() : () -> tensor<1x6x4x4x!cnn.fixed<8>>
  %b = "test.op"() : () -> tensor<1x6x4x4x!cnn.fixed<8>>
  %c = cnn.concat %a, %b : (tensor<1x6x4x4x!cnn.fixed<8>>, tensor<1x6x4x4x!cnn.fixed<8>>) -> tensor<1x12x4x4x!cnn.fixed<8>> loc("concat")
  %x = "test.op"() : () -> tensor<1x12x4x4x!cnn.fixed<8>>
  %y = cnn.add %x, %c : (tensor<1x12x4x4x!cnn.fixed<8>>, tensor<1x12x4x4x!cnn.fixed<8>>) -> tensor<1x12x4x4x!cnn.fixed<8>> loc("add1")
  "test.op"(%y) : (tensor<1x12x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// Between concatenated channels there may be a line that no layer writes. Maxima of its words do no harm, since nobody reads
// them; sums of them could saturate, so that additions stay with the host.
// CHECK:      tile.layer "max_pool" {
// CHECK:        tile.max_pool {{.*}} <words 48, first 0, other 0, target 0, lead -1, row_lead 0>
// CHECK-NOT:  tile.layer
// CHECK:      %y = cnn.relu
module attributes {snow.machine = "zc706"} {
  %a = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %b = "test.op"() : () -> tensor<1x16x4x4x!cnn.fixed<8>>
  %c = cnn.concat %a, %b : (tensor<1x16x4x4x!cnn.fixed<8>>, tensor<1x16x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("concat")
  %p = cnn.max_pool %c {kernel = [3, 3], pads = [1, 1, 1, 1]} : (tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("pool1")
  %y = cnn.relu %p : (tensor<1x32x4x4x!cnn.fixed<8>>) -> tensor<1x32x4x4x!cnn.fixed<8>> loc("relu1")
  "test.op"(%y) : (tensor<1x32x4x4x!cnn.fixed<8>>) -> ()
}

// -----

// So does an average pool that has more weights than fit a weights buffer: here 16 by 16 classes.
// CHECK-NOT: tile.layer
// CHECK:     %y = cnn.avg_pool %x
module attributes {snow.machine = "zc706"} {
  %x = "test.op"() : () -> tensor<1x16x31x31x!cnn.fixed<8>>
  %y = cnn.avg_pool %x {kernel = [31, 31], pads = [15, 15, 15, 15]} : (tensor<1x16x31x31x!cnn.fixed<8>>) -> tensor<1x16x31x31x!cnn.fixed<8>> loc("pool1")
  "test.op"(%y) : (tensor<1x16x31x31x!cnn.fixed<8>>) -> ()
}
