// tile-assign-addresses: maps, then packed weights, one behind the other, in transfers of 64 bytes.
// RUN: snow-opt %s --no-debuginfo -p tile-assign-addresses | filecheck %s

module attributes {snow.machine = "zc706"} {
  // A view lies in its region and needs no address of its own.
  // CHECK:      %a = tile.region "a" at 0 :
  // CHECK-NEXT: %p = tile.average_weights [5461] at 35 :
  // CHECK-NEXT: %b = tile.region "b" at 3 :
  // CHECK-NEXT: %v = tile.view "v" of %b :
  // CHECK-NEXT: %q = tile.average_weights [3641] at 47 :
  %a = tile.region "a" : !tile.maps<height 3, width 2, pixel 16, row 32, frac 8, channels [16 at 0]>
  %p = tile.average_weights [5461] : !tile.packed<384>
  %b = tile.region "b" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %v = tile.view "v" of %b : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> to !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [8 at 0]>
  %q = tile.average_weights [3641] : !tile.packed<384>
}
