// snowflake-lower-control-flow: a loop is a label and a branch. Its counter is stepped as soon as nothing reads it.
// RUN: snow-opt %s --machine zc706 -p snowflake-lower-control-flow | snow-opt --no-debuginfo | filecheck %s

snowflake.program allocated at 0 {
  %a = snowflake.mov 1 : -> r2
  %end = snowflake.for %i times 4 iter_args(%p = %a) : r1, r2 {
    snowflake.mac coop %p, %p, 16 : r2, r2
    %next = snowflake.addi %p, 64 : r2 -> r2
    snowflake.yield %next : r2
  }
  snowflake.mac coop %end, %end, 16 : r2, r2
  // Here an inner loop reads the counter, so it is stepped behind it.
  snowflake.for %j times 2 : r3 {
    snowflake.for %k times 3 : r4 {
      snowflake.mac coop %j, %j, 16 : r3, r3
    }
    snowflake.config bias_shift, 0
  }
}

// CHECK:      snowflake.program branches at 0 {
// CHECK-NEXT:   %r3 = snowflake.get_register r3
// CHECK-NEXT:   %r4 = snowflake.get_register r4
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   %a = snowflake.mov 1 : -> r2
// CHECK-NEXT:   %0 = snowflake.mov -3 : -> r1
// CHECK-NEXT:   snowflake.label @loop0
// CHECK-NEXT:   %1 = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.mac coop %r2, %r2, 16 : r2, r2
// CHECK-NEXT:   %next = snowflake.addi %r2, 64 : r2 -> r2
// CHECK-NEXT:   snowflake.ble %r1, %r0, @loop0 : r1, r0
// CHECK-NEXT:   snowflake.mac coop %r2, %r2, 16 : r2, r2
// CHECK-NEXT:   %2 = snowflake.mov -1 : -> r3
// CHECK-NEXT:   snowflake.label @loop2
// CHECK-NEXT:   %3 = snowflake.mov -2 : -> r4
// CHECK-NEXT:   snowflake.label @loop1
// CHECK-NEXT:   %4 = snowflake.addi %r4, 1 : r4 -> r4
// CHECK-NEXT:   snowflake.mac coop %r3, %r3, 16 : r3, r3
// CHECK-NEXT:   snowflake.ble %r4, %r0, @loop1 : r4, r0
// CHECK-NEXT:   %5 = snowflake.addi %r3, 1 : r3 -> r3
// CHECK-NEXT:   snowflake.config bias_shift, 0
// CHECK-NEXT:   snowflake.ble %r3, %r0, @loop2 : r3, r0
// CHECK-NEXT: }
