// Every operation of the snowflake dialect: its text is what it prints, also by way of the generic form.
// RUN: snow-opt %s --machine zc706 | snow-opt --print-op-generic | snow-opt --no-debuginfo | filecheck %s

// Values and loops, before registers are allocated.
snowflake.program structured at 4096 {
  %a = snowflake.mov -5
  %b = snowflake.addi %a, 65535
  %c = snowflake.muli %b, -65536
  %d = snowflake.add %b, %c
  %e = snowflake.mul %d, %d
  snowflake.config result_shift, 8
  snowflake.config bypass_offset, 262160
  snowflake.config wait, 3932162
  // An address is a linear function of counters and their parities.
  %constant = snowflake.address [4160765952]
  // The counter of a loop goes up from 1 - times to 0.
  %end = snowflake.for %i times 28 iter_args(%p = %a) {
    %q = snowflake.address [%i * 640 + %i mod 2 * 16384 + 16]
    snowflake.for %j times 3 {
      snowflake.ld %q, %p, 468, 3
    }
    %next = snowflake.addi %p, 4
    snowflake.yield %next
  }
  snowflake.tmov memory %end, %b, 12
  snowflake.tmov cluster %end, %b, 4095
  snowflake.vmov coop %a, %b, 15
  snowflake.vmov indp %a, %b, 1, bypass, add, alt, last, relu
  snowflake.mac coop %a, %b, 192
  snowflake.mac indp %a, %b, 33, last, relu
  snowflake.max %a, %b, 3, first, last
  snowflake.config done, 0
}

// The same with registers: they stand behind the operands, those of results behind an arrow.
snowflake.program allocated at 0 {
  %a = snowflake.mov 5 : -> r1
  %b = snowflake.add %a, %a : r1, r1 -> r2
  %end = snowflake.for %i times 2 iter_args(%p = %b) : r3, r2 {
    %next = snowflake.addi %p, 4 : r2 -> r2
    snowflake.yield %next : r2
  }
  snowflake.max %a, %end, 3, first : r1, r2
}

// Labels and branches.
snowflake.program branches at 0 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %first = snowflake.mov -2 : -> r1
  snowflake.label @loop
  %next = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.ble %r1, %r0, @loop : r1, r0
  snowflake.bgt %r1, %r0, @loop : r1, r0
  snowflake.beq %r1, %r0, @loop : r1, r0
}

// Delay slots, and instruction banks that fetch each other.
snowflake.program placed at 0 {
  %r0 = snowflake.get_register r0
  %r31 = snowflake.get_register r31
  snowflake.label @bank0
  %pointer = snowflake.mov 32 : -> r31
  snowflake.refill %r31, 32, 0 : r31
  %next = snowflake.addi %r31, 32 : r31 -> r31
  snowflake.beq %r0, %r0, @end0 : r0, r0
  %slot1 = snowflake.addi %r0, 1 : r0 -> r1
  %slot2 = snowflake.addi %r0, 2 : r0 -> r2
  %slot3 = snowflake.addi %r0, 3 : r0 -> r3
  %slot4 = snowflake.addi %r0, 4 : r0 -> r4
  snowflake.fill 511
  snowflake.label @end0
  %nop = snowflake.addi %r0, 0 : r0 -> r0
  snowflake.config done, 0
}

// The memory that a program uses: its addresses are values of the body until the program is linked.
%x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
%w = tile.average_weights [256] at 192 : !tile.packed<384>
snowflake.program structured at 4096 over %x, %w : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>, !tile.packed<384> {
^bb0(%maps : !snowflake.base, %weights : !snowflake.base):
  snowflake.for %i times 4 {
    %a = snowflake.address %maps [%i * 8 + %i mod 2 * 64 + 24]
    %b = snowflake.address %weights [0]
    snowflake.ld %a, %b, 1, 0
  }
  %c = snowflake.mov_base %weights, -3
  snowflake.config done, 0
}
snowflake.program allocated at 4096 over %w : !tile.packed<384> {
^bb0(%weights : !snowflake.base):
  %a = snowflake.mov_base %weights, 12 : -> r7
  snowflake.config done, 0
}

// CHECK:      snowflake.program structured at 4096 {
// CHECK-NEXT:   %a = snowflake.mov -5
// CHECK-NEXT:   %b = snowflake.addi %a, 65535
// CHECK-NEXT:   %c = snowflake.muli %b, -65536
// CHECK-NEXT:   %d = snowflake.add %b, %c
// CHECK-NEXT:   %e = snowflake.mul %d, %d
// CHECK-NEXT:   snowflake.config result_shift, 8
// CHECK-NEXT:   snowflake.config bypass_offset, 262160
// CHECK-NEXT:   snowflake.config wait, 3932162
// CHECK-NEXT:   %constant = snowflake.address [4160765952]
// CHECK-NEXT:   %end = snowflake.for %i times 28 iter_args(%p = %a) {
// CHECK-NEXT:     %q = snowflake.address [%i * 640 + %i mod 2 * 16384 + 16]
// CHECK-NEXT:     snowflake.for %j times 3 {
// CHECK-NEXT:       snowflake.ld %q, %p, 468, 3
// CHECK-NEXT:     }
// CHECK-NEXT:     %next = snowflake.addi %p, 4
// CHECK-NEXT:     snowflake.yield %next
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.tmov memory %end, %b, 12
// CHECK-NEXT:   snowflake.tmov cluster %end, %b, 4095
// CHECK-NEXT:   snowflake.vmov coop %a, %b, 15
// CHECK-NEXT:   snowflake.vmov indp %a, %b, 1, bypass, add, alt, last, relu
// CHECK-NEXT:   snowflake.mac coop %a, %b, 192
// CHECK-NEXT:   snowflake.mac indp %a, %b, 33, last, relu
// CHECK-NEXT:   snowflake.max %a, %b, 3, first, last
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program allocated at 0 {
// CHECK-NEXT:   %a = snowflake.mov 5 : -> r1
// CHECK-NEXT:   %b = snowflake.add %a, %a : r1, r1 -> r2
// CHECK-NEXT:   %end = snowflake.for %i times 2 iter_args(%p = %b) : r3, r2 {
// CHECK-NEXT:     %next = snowflake.addi %p, 4 : r2 -> r2
// CHECK-NEXT:     snowflake.yield %next : r2
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.max %a, %end, 3, first : r1, r2
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program branches at 0 {
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   %first = snowflake.mov -2 : -> r1
// CHECK-NEXT:   snowflake.label @loop
// CHECK-NEXT:   %next = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @loop : r1, r0
// CHECK-NEXT:   snowflake.bgt %r1, %r0, @loop : r1, r0
// CHECK-NEXT:   snowflake.beq %r1, %r0, @loop : r1, r0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program placed at 0 {
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r31 = snowflake.get_register r31
// CHECK-NEXT:   snowflake.label @bank0
// CHECK-NEXT:   %pointer = snowflake.mov 32 : -> r31
// CHECK-NEXT:   snowflake.refill %r31, 32, 0 : r31
// CHECK-NEXT:   %next = snowflake.addi %r31, 32 : r31 -> r31
// CHECK-NEXT:   snowflake.beq %r0, %r0, @end0 : r0, r0
// CHECK-NEXT:   %slot1 = snowflake.addi %r0, 1 : r0 -> r1
// CHECK-NEXT:   %slot2 = snowflake.addi %r0, 2 : r0 -> r2
// CHECK-NEXT:   %slot3 = snowflake.addi %r0, 3 : r0 -> r3
// CHECK-NEXT:   %slot4 = snowflake.addi %r0, 4 : r0 -> r4
// CHECK-NEXT:   snowflake.fill 511
// CHECK-NEXT:   snowflake.label @end0
// CHECK-NEXT:   %nop = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: %x = tile.region "x" at 128 : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>
// CHECK-NEXT: %w = tile.average_weights [256] at 192 : !tile.packed<384>
// CHECK-NEXT: snowflake.program structured at 4096 over %x, %w : !tile.maps<height 8, width 8, pixel 32, row 256, frac 8, channels [32 at 0]>, !tile.packed<384> {
// CHECK-NEXT: ^bb0(%maps: !snowflake.base, %weights: !snowflake.base):
// CHECK-NEXT:   snowflake.for %i times 4 {
// CHECK-NEXT:     %a = snowflake.address %maps [%i * 8 + %i mod 2 * 64 + 24]
// CHECK-NEXT:     %b = snowflake.address %weights [0]
// CHECK-NEXT:     snowflake.ld %a, %b, 1, 0
// CHECK-NEXT:   }
// CHECK-NEXT:   %c = snowflake.mov_base %weights, -3
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program allocated at 4096 over %w : !tile.packed<384> {
// CHECK-NEXT: ^bb0(%weights: !snowflake.base):
// CHECK-NEXT:   %a = snowflake.mov_base %weights, 12 : -> r7
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
