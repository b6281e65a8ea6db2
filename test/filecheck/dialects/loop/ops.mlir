// Every operation of the loop dialect: its text is what it prints, also by way of the generic form.
// RUN: snow-opt %s | snow-opt --print-op-generic | snow-opt --no-debuginfo | filecheck %s

// CHECK: builtin.module attributes {snow.machine = "zc706"} {
module attributes {snow.machine = "zc706"} {
  %maps = tile.region "input" at 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %weights = tile.average_weights [5461, 3641] at 32 : !tile.packed<640>

  // CHECK: loop.layer "conv2d" {
  loop.layer "conv2d" {
    // Configuration registers; the offset of a bypass value is one of each CU.
    // CHECK-NEXT: loop.config result_shift = 8
    // CHECK-NEXT: loop.config bias_shift = 8
    // CHECK-NEXT: loop.config bypass_shift = 0
    // CHECK-NEXT: loop.config max_stride = 4
    // CHECK-NEXT: loop.config bypass_offset = 32 cus 2
    loop.config result_shift = 8
    loop.config bias_shift = 8
    loop.config bypass_shift = 0
    loop.config max_stride = 4
    loop.config bypass_offset = 32 cus 2

    // Waits name units, in the order of the machine.
    // CHECK-NEXT: loop.wait mac, max, move, load pending 0
    // CHECK-NEXT: loop.wait move pending 4
    loop.wait load, move, max, mac pending 0
    loop.wait move pending 4

    // Memory to maps and to weights buffers, and back. Addresses are functions of the loops around them.
    // CHECK-NEXT: loop.for %t = 0 to 4 {
    // CHECK-NEXT:   loop.load %maps[%t * 4] to mbuf[%t mod 2 * 16384] units 4 cus 15 through 3 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
    // CHECK-NEXT:   loop.load %weights[5] to wbuf1[0] units 5 cus 15 through 0 : !tile.packed<640>
    // CHECK-NEXT:   loop.store mbuf[%t mod 2 * 16384] cu 3 to %maps[%t * 4 + 16] units 4 : !tile.maps<{{.*}}>
    // CHECK-NEXT: }
    loop.for %t = 0 to 4 {
      loop.load %maps[%t * 4] to mbuf[%t mod 2 * 16384] units 4 cus 15 through 3 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
      loop.load %weights[5] to wbuf1[0] units 5 cus 15 through 0 : !tile.packed<640>
      loop.store mbuf[%t mod 2 * 16384] cu 3 to %maps[%t * 4 + 16] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
    }

    // CUs follow the index of a loop: a mask is shifted by it, the number of a CU grows by it.
    // CHECK-NEXT: loop.for %c = 1 to 4 {
    // CHECK-NEXT:   loop.load %weights[%c * 5] to wbuf1[0] units 5 cus 1 shifted %c through 0 : !tile.packed<640>
    // CHECK-NEXT:   loop.for %p = 0 to 2 {
    // CHECK-NEXT:     loop.store mbuf[%p * 32] cu -1 + %c to %maps[%p * 4 + %c] units 1 : !tile.maps<{{.*}}>
    // CHECK-NEXT:   }
    // CHECK-NEXT: }
    loop.for %c = 1 to 4 {
      loop.load %weights[%c * 5] to wbuf1[0] units 5 cus 1 shifted %c through 0 : !tile.packed<640>
      loop.for %p = 0 to 2 {
        loop.store mbuf[%p * 32] cu -1 + %c to %maps[%p * 4 + %c] units 1 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
      }
    }

    // Between the maps buffers of two CUs, and inside one: lines that lie in source and target move to the front.
    // CHECK-NEXT: loop.for %r = 0 to 3 {
    // CHECK-NEXT:   loop.move mbuf[%r * 64 + 256] cu 1 to mbuf[%r * 64 + 1024] cu 0 lines 4
    // CHECK-NEXT:   loop.move mbuf[%r * 64 + 80] cu 2 to mbuf[%r * 64] cu 2 lines 12
    // CHECK-NEXT: }
    loop.for %r = 0 to 3 {
      loop.move mbuf[%r * 64 + 256] cu 1 to mbuf[%r * 64 + 1024] cu 0 lines 4
      loop.move mbuf[%r * 64 + 80] cu 2 to mbuf[%r * 64] cu 2 lines 12
    }

    // The heart of every layer: a start, traces, the last of which ends the output. Terms on the same index are summed.
    // CHECK-NEXT: loop.for %k = 0 to 4 {
    // CHECK-NEXT:   loop.for %x = 1 to 7 {
    // CHECK-NEXT:     loop.start coop wbuf[%k * 192] to mbuf[%x * 64 + %k * 4 + 512] cus 15 vmacs 15
    // CHECK-NEXT:     loop.start coop mbuf[%k * 4 + %x * 64 + 2048] to mbuf[%x * 64 + %k * 4 + 512] cus 15 vmacs 15 add alt
    // CHECK-NEXT:     loop.mac coop mbuf[%x * 16 + -16] wbuf[%k * 192 + 16] words 48 cus 15 vmacs 15
    // CHECK-NEXT:     loop.mac coop mbuf[%x * 16 + 112] wbuf[%k * 192 + 64] words 48 cus 15 vmacs 15 last relu
    loop.for %k = 0 to 4 {
      loop.for %x = 1 to 7 {
        loop.start coop wbuf[%k * 192] to mbuf[%x * 64 + %k * 4 + 512] cus 15 vmacs 15
        loop.start coop mbuf[2048 + %k * 4 + %x * 32 + %x * 32] to mbuf[%x * 64 + %k * 4 + 512] cus 15 vmacs 15 add alt
        loop.mac coop mbuf[%x * 16 + -16] wbuf[%k * 192 + 16] words 48 cus 15 vmacs 15
        loop.mac coop mbuf[%x * 16 + 112] wbuf[%k * 192 + 64] words 48 cus 15 vmacs 15 last relu
      }
    }
    // CHECK:      loop.start indp mbuf[0] to mbuf[64] cus 15 vmacs 3 last relu
    // CHECK-NEXT: loop.start indp wbuf[0] to mbuf[64] cus 1 vmacs 1
    // CHECK-NEXT: loop.mac indp mbuf[5] wbuf[16] words 27 cus 1 vmacs 1 last
    loop.start indp mbuf[0] to mbuf[64] cus 15 vmacs 3 last relu
    loop.start indp wbuf[0] to mbuf[64] cus 1 vmacs 1
    loop.mac indp mbuf[5] wbuf[16] words 27 cus 1 vmacs 1 last

    // Comparisons: `first` starts them, `last` stores the result.
    // CHECK-NEXT: loop.max mbuf[0] to mbuf[512] count 3 cus 15 first
    // CHECK-NEXT: loop.max mbuf[128] to mbuf[512] count 3 cus 15
    // CHECK-NEXT: loop.max mbuf[256] to mbuf[512] count 3 cus 15 last
    loop.max mbuf[0] to mbuf[512] count 3 cus 15 first
    loop.max mbuf[128] to mbuf[512] count 3 cus 15
    loop.max mbuf[256] to mbuf[512] count 3 cus 15 last
  }
}
