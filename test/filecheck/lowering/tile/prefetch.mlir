// tile-prefetch: double buffering made explicit.
// RUN: snow-opt %s --split-input-file --no-debuginfo -p tile-prefetch | filecheck %s

// The loads of a loop move one tile ahead: the first runs before the loop, the last tile is computed behind it.
// CHECK:      tile.layer "max_pool" {
// CHECK:        [[X0:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:   tile.load %in row[[[X0]] * 2] column[0] to %m slot[[[X0]] mod 2] <rows 2, share 6, columns 8, cus 15>
// CHECK-NEXT:   tile.for [[I0:%[^ ]+]] = 0 to 2 {
// CHECK-NEXT:     [[X1:%[^ ]+]] = tile.index[[[I0]] + 1]
// CHECK-NEXT:     tile.load %in row[[[X1]] * 2] column[0] to %m slot[[[X1]] mod 2] <rows 2, share 6, columns 8, cus 15>
// CHECK-NEXT:     [[X2:%[^ ]+]] = tile.index[[[I0]]]
// CHECK-NEXT:     tile.max_pool %m[[[X2]] mod 2] to %o[[[X2]] mod 2] row[[[X2]]] column[0] <rows 1, share 3, columns 4, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 24, in_w 8, out_h 12, out_w 4> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:     tile.store %o[[[X2]] mod 2] to %out row[[[X2]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 3, columns 4, cus 15>
// CHECK-NEXT:   }
// CHECK-NEXT:   [[X3:%[^ ]+]] = tile.index[2]
// CHECK-NEXT:   tile.max_pool %m[[[X3]] mod 2] to %o[[[X3]] mod 2] row[[[X3]]] column[0] <rows 1, share 3, columns 4, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 24, in_w 8, out_h 12, out_w 4> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:   tile.store %o[[[X3]] mod 2] to %out row[[[X3]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 3, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 12, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 256 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 64 at 256 slots 2 every 16384 : !tile.mbuf<pixel 16, row 64>
    tile.for %t = 0 to 3 prefetch {
      tile.load %in row[%t * 2] column[0] to %m slot[%t mod 2] <rows 2, share 6, columns 8, cus 15> : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.max_pool %m[%t mod 2] to %o[%t mod 2] row[%t] column[0] <rows 1, share 3, columns 4, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 24, in_w 8, out_h 12, out_w 4> <words 16, first 0, other 0, lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 64>
      tile.store %o[%t mod 2] to %out row[%t] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 3, columns 4, cus 15> : !tile.mbuf<pixel 16, row 64> to !tile.maps<height 12, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
    }
  }
}

// -----

// A loop of one tile needs no loop.
// CHECK:      tile.layer "max_pool" {
// CHECK:        [[X0:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:   tile.load %in row[[[X0]] * 2] column[0] to %m slot[[[X0]] mod 2] <rows 2, share 6, columns 8, cus 15>
// CHECK-NEXT:   [[X1:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:   tile.max_pool %m[[[X1]] mod 2] to %o[[[X1]] mod 2] row[[[X1]]] column[0] <rows 1, share 3, columns 4, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:   tile.store %o[[[X1]] mod 2] to %out row[[[X1]]] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 3, columns 4, cus 15>
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 12, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 256 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 64 at 256 slots 2 every 16384 : !tile.mbuf<pixel 16, row 64>
    tile.for %t = 0 to 1 prefetch {
      tile.load %in row[%t * 2] column[0] to %m slot[%t mod 2] <rows 2, share 6, columns 8, cus 15> : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
      tile.max_pool %m[%t mod 2] to %o[%t mod 2] row[%t] column[0] <rows 1, share 3, columns 4, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 24, in_w 8, out_h 12, out_w 4> <words 16, first 0, other 0, lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 64>
      tile.store %o[%t mod 2] to %out row[%t] column[0] channel[0] words 16 share 0 limit 16 <rows 1, share 3, columns 4, cus 15> : !tile.mbuf<pixel 16, row 64> to !tile.maps<height 12, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
    }
  }
}

// -----

// Only the loop that says so runs its own loads ahead; those of a loop around it stay.
// CHECK:      tile.layer "max_pool" {
// CHECK:        tile.for [[I0:%[^ ]+]] = 0 to 3 {
// CHECK-NEXT:     [[X0:%[^ ]+]] = tile.index[0]
// CHECK-NEXT:     tile.load %in row[[[I0]] * 2] column[[[X0]] * 4] to %m slot[[[X0]] mod 2] <rows 2, share 6, columns 4, cus 15>
// CHECK-NEXT:     tile.for [[I1:%[^ ]+]] = 0 to 1 {
// CHECK-NEXT:       [[X1:%[^ ]+]] = tile.index[[[I1]] + 1]
// CHECK-NEXT:       tile.load %in row[[[I0]] * 2] column[[[X1]] * 4] to %m slot[[[X1]] mod 2] <rows 2, share 6, columns 4, cus 15>
// CHECK-NEXT:       [[X2:%[^ ]+]] = tile.index[[[I1]]]
// CHECK-NEXT:       tile.max_pool %m[[[X2]] mod 2] to %o[[[X2]] mod 2] row[[[I0]]] column[[[X2]] * 2] <rows 1, share 3, columns 2, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:     }
// CHECK-NEXT:     [[X3:%[^ ]+]] = tile.index[1]
// CHECK-NEXT:     tile.max_pool %m[[[X3]] mod 2] to %o[[[X3]] mod 2] row[[[I0]]] column[[[X3]] * 2] <rows 1, share 3, columns 2, cus 15> <kernel_h {{.*}}> <words 16, first 0, other 0, lead 0>
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: }
module attributes {snow.machine = "zc706"} {
  %in = tile.region "in" : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %out = tile.region "out" : !tile.maps<height 12, width 4, pixel 16, row 64, frac 8, channels [16 at 0]>
  tile.layer "max_pool" {
    %m = tile.buffer words 256 at 0 slots 2 every 16384 : !tile.mbuf<pixel 16, row 128>
    %o = tile.buffer words 64 at 256 slots 2 every 16384 : !tile.mbuf<pixel 16, row 64>
    tile.for %y = 0 to 3 {
      tile.for %x = 0 to 2 prefetch {
        tile.load %in row[%y * 2] column[%x * 4] to %m slot[%x mod 2] <rows 2, share 6, columns 4, cus 15> : !tile.maps<height 24, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.mbuf<pixel 16, row 128>
        tile.max_pool %m[%x mod 2] to %o[%x mod 2] row[%y] column[%x * 2] <rows 1, share 3, columns 2, cus 15> <kernel_h 2, kernel_w 2, stride_h 2, stride_w 2, dilation_h 1, dilation_w 1, pad_top 0, pad_left 0, in_h 24, in_w 8, out_h 12, out_w 4> <words 16, first 0, other 0, lead 0> : !tile.mbuf<pixel 16, row 128> to !tile.mbuf<pixel 16, row 64>
      }
    }
  }
}
