// tile-assign-addresses: maps share memory where they do not live together, in transfers of 64 bytes; weights follow.
// RUN: snow-opt %s --no-debuginfo -p tile-assign-addresses | filecheck %s
// RUN: snow-opt %s --no-debuginfo -p "tile-assign-addresses{reuse=false}" | filecheck %s --check-prefix APART

!short = !tile.maps<height 3, width 2, pixel 16, row 32, frac 8, channels [16 at 0]>
!long = !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
!half = !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [8 at 0]>
!word = tensor<1x16x3x2x!cnn.fixed<8>>
!words = tensor<1x8x8x8x!cnn.fixed<8>>

module attributes {snow.machine = "zc706"} {
  %x = cnn.input "x" : tensor<1x16x3x2xf32>
  %y = cnn.input "y" : tensor<1x8x8x8xf32>
  %x16 = cnn.quantize %x : (tensor<1x16x3x2xf32>) -> !word
  %y16 = cnn.quantize %y : (tensor<1x8x8x8xf32>) -> !words

  // Read for the last time when b has begun: they live together. Then a gives its memory to c.
  // CHECK:      tile.region "a" at 0 from "one" to "three" :
  // CHECK:      tile.average_weights [5461] at 35 :
  // CHECK:      tile.region "b" at 3 from "two" to "five" :
  // APART:      tile.region "a" at 0 from "one" to "three" :
  // APART:      tile.average_weights [5461] at 38 :
  // APART:      tile.region "b" at 3 from "two" to "five" :
  %a = tile.region "a" : !short
  tile.write %x16 to %a : !word to !short loc("one")
  %p = tile.average_weights [5461] : !tile.packed<384>
  %b = tile.region "b" : !long
  // A view lies in its region and needs no address of its own, but keeps its region alive.
  // CHECK-NEXT: tile.view "v" of
  %v = tile.view "v" of %b : !long to !half
  tile.write %y16 to %v : !words to !half loc("two")
  %r = tile.read %a : !short to !word loc("three")
  // CHECK:      tile.region "c" at 0 from "four" to "four" :
  // APART:      tile.region "c" at 35 from "four" to "four" :
  %c = tile.region "c" : !short
  tile.write %r to %c : !word to !short loc("four")
  // CHECK:      tile.average_weights [3641] at 47 :
  // APART:      tile.average_weights [3641] at 50 :
  %q = tile.average_weights [3641] : !tile.packed<384>
  %s = tile.read %v : !half to !words loc("five")
}
