// What the loop dialect refuses, and what it says: the operation, its layer if it has a name, the numbers.
// RUN: snow-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s

// CHECK: loop.for: 4 to 4 is empty: a loop runs at least once
loop.for %i = 4 to 4 {
}

// -----

// CHECK: loop.for: the body takes one index
"loop.for"() <{lower = 0 : i64, upper = 2 : i64}> ({
^bb0:
}) : () -> ()

// -----

// CHECK: loop.mac "conv1": an address is a function of the indices of the loops around it, and of nothing else
module attributes {snow.machine = "zc706"} {
  %i = "test.op"() : () -> index
  loop.mac coop mbuf[%i] wbuf[0] words 16 cus 1 vmacs 1 loc("conv1")
}

// -----

// CHECK: an address may hold the parity of an index, `mod 2`, and no other modulus
module attributes {snow.machine = "zc706"} {
  loop.for %i = 0 to 4 {
    loop.mac coop mbuf[%i mod 4] wbuf[0] words 16 cus 1 vmacs 1
  }
}

// -----

// CHECK: loop.config "conv1": bypass_offset, and it alone, is set for a mask of CUs
module attributes {snow.machine = "zc706"} {
  loop.config bypass_offset = 0 loc("conv1")
}

// -----

// CHECK: loop.config: bypass_offset, and it alone, is set for a mask of CUs
module attributes {snow.machine = "zc706"} {
  loop.config max_stride = 1 cus 15
}

// -----

// CHECK: loop.config: the mask of CUs, 16, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.config bypass_offset = 0 cus 16
}

// -----

// CHECK: loop.config: max_stride cannot be negative
module attributes {snow.machine = "zc706"} {
  loop.config max_stride = -1
}

// -----

// CHECK: loop.config: shift 32 is outside 0 to 31
module attributes {snow.machine = "zc706"} {
  loop.config result_shift = 32
}

// -----

// CHECK: loop.load "conv1": wants at least one transfer
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to mbuf[0] units 0 cus 15 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the load covers transfers 4 to 36, outside 0 to 32
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %t = 1 to 8 {
    loop.load %r[%t * 4] to mbuf[0] units 8 cus 15 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.load "conv1": the buffer covers words 0 to 32832, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %t = 0 to 2 {
    loop.load %r[0] to mbuf[%t * 32704] units 4 cus 15 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.load "conv1": the buffer covers words 16320 to 16448, outside 0 to 16384
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to wbuf0[16320] units 4 cus 15 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the buffer address must be a multiple of 32 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to mbuf[16] units 4 cus 15 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the mask of CUs, 0, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to mbuf[0] units 4 cus 0 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the machine has no vMAC 2
module attributes {snow.machine = {name = "small", clusters = 1 : i64, compute_units = 2 : i64, vmacs = 2 : i64, macs = 16 : i64, clock_hz = 250000000 : i64, mbuf_words = 4096 : i64, mbuf_banks = 2 : i64, wbuf_words = 4096 : i64, wbuf_banks = 2 : i64, registers = 32 : i64, delay_slots = 4 : i64, icache_instructions = 512 : i64, icache_banks = 2 : i64, bandwidth = 4200000000 : i64, load_units = 2 : i64, transfer_words = 32 : i64, scalar_latency = 3 : i64, multiply_latency = 5 : i64, queue_depth = 16 : i64, queue_latency = 4 : i64, buffer_latency = 2 : i64, write_back_latency = 12 : i64, load_queue_depth = 8 : i64, transfer_overhead = 16 : i64, memory_latency = 64 : i64}} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to wbuf2[0] units 4 cus 3 through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the machine has no load unit 4
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.load %r[0] to mbuf[0] units 4 cus 15 through 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": wants at least one transfer
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.store mbuf[0] cu 0 to %r[0] units 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": the buffer covers words 32720 to 32848, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.store mbuf[32720] cu 0 to %r[0] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": the store covers transfers 30 to 34, outside 0 to 32
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.store mbuf[0] cu 0 to %r[30] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": the buffer address must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.store mbuf[8] cu 0 to %r[0] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": the machine has no CU 4
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.store mbuf[0] cu 4 to %r[0] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.load "conv1": the mask of CUs, 24, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %c = 0 to 4 {
    loop.load %r[0] to mbuf[0] units 4 cus 3 shifted %c through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.load "conv1": a mask of CUs cannot be shifted by -1
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %c = -1 to 2 {
    loop.load %r[0] to mbuf[0] units 4 cus 2 shifted %c through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.load "conv1": an address is a function
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  %c = "test.op"() : () -> index
  loop.load %r[0] to mbuf[0] units 4 cus 1 shifted %c through 0 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
}

// -----

// CHECK: loop.store "conv1": the machine has no CU 4
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %c = 0 to 4 {
    loop.store mbuf[0] cu 1 + %c to %r[0] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.store "conv1": the machine has no CU -1
module attributes {snow.machine = "zc706"} {
  %r = tile.region "a" : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]>
  loop.for %c = 0 to 4 {
    loop.store mbuf[0] cu -1 + %c to %r[0] units 4 : !tile.maps<height 8, width 8, pixel 16, row 128, frac 8, channels [16 at 0]> loc("conv1")
  }
}

// -----

// CHECK: loop.move "conv1": wants at least one line
module attributes {snow.machine = "zc706"} {
  loop.move mbuf[0] cu 0 to mbuf[0] cu 1 lines 0 loc("conv1")
}

// -----

// CHECK: loop.move: the source covers words 32720 to 32784, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.move mbuf[32720] cu 0 to mbuf[0] cu 1 lines 4
}

// -----

// CHECK: loop.move: the target covers words -16 to 80, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.for %r = 0 to 3 {
    loop.move mbuf[0] cu 0 to mbuf[%r * 16 + -16] cu 1 lines 4
  }
}

// -----

// CHECK: loop.move: the target must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.move mbuf[0] cu 0 to mbuf[8] cu 1 lines 4
}

// -----

// CHECK: loop.move: the machine has no CU 4
module attributes {snow.machine = "zc706"} {
  loop.move mbuf[0] cu 0 to mbuf[0] cu 4 lines 4
}

// -----

// CHECK: loop.move: 64 words of a buffer move back by 16: some would be overwritten before they are read
module attributes {snow.machine = "zc706"} {
  loop.for %r = 0 to 3 {
    loop.move mbuf[%r * 64] cu 2 to mbuf[%r * 64 + 16] cu 2 lines 4
  }
}

// -----

// CHECK: loop.start: the mask of CUs, 16, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.start coop wbuf[0] to mbuf[0] cus 16 vmacs 15
}

// -----

// CHECK: loop.start: the mask of vMACs, 0, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.start coop wbuf[0] to mbuf[0] cus 15 vmacs 0
}

// -----

// CHECK: loop.start: the bias covers words 16384 to 16385, outside 0 to 16384
module attributes {snow.machine = "zc706"} {
  loop.start coop wbuf[16384] to mbuf[0] cus 15 vmacs 15
}

// -----

// CHECK: loop.start: the initial value covers words 32720 to 32784, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.start indp mbuf[32720] to mbuf[0] cus 15 vmacs 15
}

// -----

// CHECK: loop.start: the result covers words 32766 to 32770, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.start coop wbuf[0] to mbuf[32766] cus 15 vmacs 15
}

// -----

// CHECK: loop.start: an INDP initial value must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.start indp mbuf[8] to mbuf[0] cus 15 vmacs 15
}

// -----

// CHECK: loop.start: an INDP result must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.start indp mbuf[0] to mbuf[8] cus 15 vmacs 15
}

// -----

// CHECK: loop.start: relu goes with last
module attributes {snow.machine = "zc706"} {
  loop.start coop wbuf[0] to mbuf[0] cus 15 vmacs 15 relu
}

// -----

// CHECK: loop.mac: a trace wants at least one word
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[0] words 0 cus 1 vmacs 1
}

// -----

// CHECK: loop.mac: the mask of CUs, 0, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[0] words 16 cus 0 vmacs 1
}

// -----

// CHECK: loop.mac: the mask of vMACs, 31, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[0] words 16 cus 1 vmacs 31
}

// -----

// CHECK: loop.mac: the maps trace covers words -16 to 80, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.for %x = 0 to 3 {
    loop.mac coop mbuf[%x * 16 + -16] wbuf[0] words 64 cus 1 vmacs 1
  }
}

// -----

// CHECK: loop.mac: the weights trace must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[8] words 16 cus 1 vmacs 1
}

// -----

// CHECK: loop.mac: a COOP trace of 24 words is not a whole number of lines of 16
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[0] words 24 cus 1 vmacs 1
}

// -----

// CHECK: loop.mac: a COOP maps trace must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.for %x = 0 to 3 {
    loop.mac coop mbuf[%x * 3] wbuf[0] words 16 cus 1 vmacs 1
  }
}

// -----

// CHECK: loop.mac: the weights trace covers words 16368 to 16400, outside 0 to 16384
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[16368] words 32 cus 1 vmacs 1
}

// -----

// CHECK: loop.mac: the weights trace covers words 0 to 16400, outside 0 to 16384
module attributes {snow.machine = "zc706"} {
  loop.mac indp mbuf[0] wbuf[0] words 1025 cus 1 vmacs 1
}

// -----

// CHECK: loop.mac: relu goes with last
module attributes {snow.machine = "zc706"} {
  loop.mac coop mbuf[0] wbuf[0] words 16 cus 1 vmacs 1 relu
}

// -----

// CHECK: loop.max: wants at least one line
module attributes {snow.machine = "zc706"} {
  loop.max mbuf[0] to mbuf[0] count 0 cus 1
}

// -----

// CHECK: loop.max: compares 2147483648 lines, a maps buffer has 2048
module attributes {snow.machine = "zc706"} {
  loop.max mbuf[0] to mbuf[0] count 2147483648 cus 1
}

// -----

// CHECK: loop.max: the mask of CUs, 17, is outside 1 to 15
module attributes {snow.machine = "zc706"} {
  loop.max mbuf[0] to mbuf[0] count 1 cus 17
}

// -----

// CHECK: loop.max: the source covers words 32768 to 32784, outside 0 to 32768
module attributes {snow.machine = "zc706"} {
  loop.max mbuf[32768] to mbuf[0] count 1 cus 1
}

// -----

// CHECK: loop.max: the target must be a multiple of 16 words
module attributes {snow.machine = "zc706"} {
  loop.max mbuf[0] to mbuf[4] count 1 cus 1
}

// -----

// CHECK: unknown unit store: expected one of mac, max, move, load
module attributes {snow.machine = "zc706"} {
  loop.wait store pending 0
}

// -----

// CHECK: loop.wait: names no unit
module attributes {snow.machine = "zc706"} {
  "loop.wait"() <{units = 0 : i64, pending = 0 : i64}> : () -> ()
}

// -----

// CHECK: loop.wait: the number of pending instructions cannot be negative
module attributes {snow.machine = "zc706"} {
  loop.wait move pending -1
}

// -----

// CHECK: 0 to 0 is empty: a loop runs at least once
module attributes {snow.machine = "zc706"} {
  loop.for %i = 0 to 0 {
    loop.max mbuf[%i * 16] to mbuf[64] count 1 cus 1
  }
}
