// tile-split-borders: the tiles of a loop all need the same code.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p tile-split-borders | filecheck %s

// The tile of the first row lacks the row above it, that of the last the one below: each stands alone.
// CHECK:      tile.layer "max_pool" {
// CHECK:        [[X0:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:   tile.load %in row[[[X0]] + -1] column[0] to %m slot[0] <rows 3, share 0, columns 8, cus 1>
// CHECK-NEXT:   tile.max_pool %m[0] to %o[0] row[[[X0]]] column[0] <rows 1, share 0, columns 8, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 12, in_w 8, out_h 12, out_w 8> <words 16, first 0, other 0, lead -1>
// CHECK-NEXT:   tile.store %o[0] to %out row[[[X0]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 0, columns 8, cus 1>
// CHECK-NEXT:   tile.for [[I0:%[^ ]+]] = 1 to 11 {
// CHECK-NEXT:     [[X1:%[^ ]+]] = tile.index[[[I0]]]
// CHECK-NEXT:     tile.load %in row[[[X1]] + -1] column[0] to %m slot[0] <rows 3, share 0, columns 8, cus 1>
// CHECK-NEXT:     tile.max_pool %m[0] to %o[0] row[[[X1]]] column[0] <rows 1, share 0, columns 8, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 12, in_w 8, out_h 12, out_w 8> <words 16, first 0, other 0, lead -1>
// CHECK-NEXT:     tile.store %o[0] to %out row[[[X1]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 0, columns 8, cus 1>
// CHECK-NEXT:   }
// CHECK-NEXT:   [[X2:%[^ ]+]] = tile.index[11]
// CHECK-NEXT:   tile.load %in row[[[X2]] + -1] column[0] to %m slot[0] <rows 3, share 0, columns 8, cus 1>
// CHECK-NEXT:   tile.max_pool %m[0] to %o[0] row[[[X2]]] column[0] <rows 1, share 0, columns 8, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 12, in_w 8, out_h 12, out_w 8> <words 16, first 0, other 0, lead -1>
// CHECK-NEXT:   tile.store %o[0] to %out row[[[X2]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 0, columns 8, cus 1>
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 12, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 12, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 384 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 128 at 384 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.for %t = 0 to 12 {
      tile.load %in row[%t + -1] column[0] to %m slot[0] <rows 3, share 0, columns 8, cus 1> : !tile.maps<height 12, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.max_pool %m[0] to %o[0] row[%t] column[0] <rows 1, share 0, columns 8, cus 1> <kernel_h 3, kernel_w 3, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 1, pad_left 1, in_h 12, in_w 8, out_h 12, out_w 8> <words 16, first 0, other 0, lead -1> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
      tile.store %o[0] to %out row[%t] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 0, columns 8, cus 1> : !tile.mbuf<pixel 16, row 128> to !tile.maps<height 12, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
    }
  }
}

// -----

// Tiles that are alike stay in their loop.
// CHECK:      tile.layer "max_pool" {
// CHECK:        tile.for [[I0:%[^ ]+]] = 0 to 4 {
// CHECK-NEXT:     tile.load %in row[[[I0]]] column[0] to %m slot[0] <rows 1, share 4, columns 8, cus 15>
// CHECK-NEXT:     tile.max_pool %m[0] to %o[0] row[[[I0]]] column[0] <rows 1, share 4, columns 8, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 16, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 16, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 128 at 384 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.for %t = 0 to 4 {
      tile.load %in row[%t] column[0] to %m slot[0] <rows 1, share 4, columns 8, cus 15> : !tile.maps<height 16, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.max_pool %m[0] to %o[0] row[%t] column[0] <rows 1, share 4, columns 8, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 16, in_w 8, out_h 16, out_w 8> <words 16, first 0, other 0, lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    }
  }
}

// -----

// Seven rows in shares of two: the last CU has no second row, so that the second tile is another.
// CHECK:      tile.layer "max_pool" {
// CHECK:        [[X0:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:   tile.load %in row[[[X0]]] column[0] to %m slot[0] <rows 1, share 2, columns 8, cus 15>
// CHECK-NEXT:   tile.max_pool %m[0] to %o[0] row[[[X0]]] column[0] <rows 1, share 2, columns 8, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:   [[X1:%[^ ]+]] = tile.index[1]
// CHECK-NEXT:   tile.load %in row[[[X1]]] column[0] to %m slot[0] <rows 1, share 2, columns 8, cus 15>
// CHECK-NEXT:   tile.max_pool %m[0] to %o[0] row[[[X1]]] column[0] <rows 1, share 2, columns 8, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 7, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 7, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 128 at 0 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 128 at 384 slots 1 every 16384 : !tile.mbuf<pixel 16, row 128>
    tile.for %t = 0 to 2 {
      tile.load %in row[%t] column[0] to %m slot[0] <rows 1, share 2, columns 8, cus 15> : !tile.maps<height 7, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.max_pool %m[0] to %o[0] row[%t] column[0] <rows 1, share 2, columns 8, cus 15> <kernel_h 1, kernel_w 1, stride_h 1, stride_w 1, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 7, in_w 8, out_h 7, out_w 8> <words 16, first 0, other 0, lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 128>
    }
  }
}
