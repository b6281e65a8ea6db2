// convert-loop-to-snowflake: counters end at zero, and addresses are functions of them.
// RUN: snow-opt %s --machine zc706 -p convert-loop-to-snowflake | snow-opt --no-debuginfo | filecheck %s

loop.layer "conv2d" {
  // %i = %c + 9 for the counter %c = -3 to 0, so the parity of %i is 1 - the parity of %c.
  loop.for %i = 6 to 10 {
    loop.for %j = 0 to 3 {
      loop.start coop wbuf[%j * 64] to mbuf[%i * 128 + %j * 16] cus 1 vmacs 1
      loop.mac coop mbuf[%i mod 2 * 1024] wbuf[0] words 16 cus 1 vmacs 1 last
    }
    // A loop with one iteration is none.
    loop.for %k = 3 to 4 {
      loop.mac coop mbuf[%i * 16 + %k * 1024] wbuf[%k mod 2 * 16] words 16 cus 1 vmacs 1
    }
  }
} loc("conv1")

// CHECK:      snowflake.program structured at 32 {
// CHECK-NEXT:   snowflake.for %i times 4 {
// CHECK-NEXT:     snowflake.for %j times 3 {
// CHECK-NEXT:       %0 = snowflake.address [%i * 128 + %j * 16 + 402654368]
// CHECK-NEXT:       %1 = snowflake.address [%j * 1024 + 2049]
// CHECK-NEXT:       snowflake.vmov coop %0, %1, 1
// CHECK-NEXT:       %2 = snowflake.address [%i mod 2 * -1024 + 402654208]
// CHECK-NEXT:       %3 = snowflake.address [1]
// CHECK-NEXT:       snowflake.mac coop %2, %3, 16, last
// CHECK-NEXT:     }
// CHECK-NEXT:     %4 = snowflake.address [%i * 16 + 402656400]
// CHECK-NEXT:     %5 = snowflake.address [257]
// CHECK-NEXT:     snowflake.mac coop %4, %5, 16
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }

// Where CUs follow the index, the loop carries the mask of one CU, which it doubles; the last one is the sign of a word.
%out = tile.region "out" at 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
loop.layer "conv2d" {
  loop.for %c = 1 to 4 {
    loop.for %p = 0 to 2 {
      loop.store mbuf[%p * 32] cu 0 + %c to %out[%p * 4 + %c] units 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
    }
  }
  loop.for %c = 2 to 3 {
    loop.store mbuf[0] cu 1 + %c to %out[%c] units 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  }
} loc("conv2")

// CHECK:      snowflake.program structured at 32 over %out
// CHECK-NEXT: ^bb0(%0: !snowflake.base):
// CHECK-NEXT:   %1 = snowflake.address [536870912]
// CHECK-NEXT:   %2 = snowflake.for %c times 3 iter_args(%3 = %1) {
// CHECK-NEXT:     snowflake.for %p times 2 {
// CHECK-NEXT:       %4 = snowflake.address %0 [%p * 4 + %c + 7]
// CHECK-NEXT:       %5 = snowflake.address [%p * 32 + %3 + 134217760]
// CHECK-NEXT:       snowflake.tmov memory %4, %5, 1
// CHECK-NEXT:     }
// CHECK-NEXT:     %6 = snowflake.add %3, %3
// CHECK-NEXT:     snowflake.yield %6
// CHECK-NEXT:   }
// CHECK-NEXT:   %7 = snowflake.address %0 [2]
// CHECK-NEXT:   %8 = snowflake.address [2281701376]
// CHECK-NEXT:   snowflake.tmov memory %7, %8, 1
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
