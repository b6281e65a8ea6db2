// snowflake-place-banks: a bank begins by fetching the next one, and a loop that is too long repeats banks.
// RUN: snow-opt %s --machine %S/Inputs/banks64.toml -p snowflake-place-banks | snow-opt --no-debuginfo | filecheck %s

// One bank fetches nothing.
snowflake.program scheduled at 100 {
  snowflake.config done, 0
}

// Its successor's code lies behind it.
snowflake.program scheduled at 100 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %first = snowflake.mov 7 : -> r1
  // A loop over banks: this one would fit, and stands for one that does not.
  snowflake.for %i times 3 : r2 {
    snowflake.mac coop %i, %r1, 16 : r2, r1
  }
  snowflake.config done, 0
}

// CHECK:      snowflake.program placed at 100 {
// CHECK-NEXT:   %r31 = snowflake.get_register r31
// CHECK-NEXT:   snowflake.label @bank0
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program placed at 104 {
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r31 = snowflake.get_register r31
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   snowflake.label @bank0
// CHECK-NEXT:   %0 = snowflake.mov 108 : -> r31
// CHECK-NEXT:   snowflake.beq %r0, %r0, @end0 : r0, r0
// CHECK-NEXT:   snowflake.refill %r31, 4, 0 : r31
// CHECK-NEXT:   %1 = snowflake.addi %r31, 4 : r31 -> r31
// CHECK-NEXT:   %first = snowflake.mov 7 : -> r1
// CHECK-NEXT:   %2 = snowflake.mov -2 : -> r2
// CHECK-NEXT:   snowflake.fill 63
// CHECK-NEXT:   snowflake.label @end0
// CHECK-NEXT:   %3 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @bank1
// CHECK-NEXT:   snowflake.ble %r0, %r2, @last1 : r0, r2
// CHECK-NEXT:   %4 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %5 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %6 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %7 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %8 = snowflake.addi %r31, -4 : r31 -> r31
// CHECK-NEXT:   snowflake.label @last1
// CHECK-NEXT:   snowflake.beq %r0, %r0, @end1 : r0, r0
// CHECK-NEXT:   snowflake.refill %r31, 4, 0 : r31
// CHECK-NEXT:   %9 = snowflake.addi %r31, 4 : r31 -> r31
// CHECK-NEXT:   snowflake.mac coop %r2, %r1, 16 : r2, r1
// CHECK-NEXT:   %10 = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   snowflake.fill 63
// CHECK-NEXT:   snowflake.label @end1
// CHECK-NEXT:   %11 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @bank2
// CHECK-NEXT:   snowflake.config done, 0
// CHECK-NEXT: }
