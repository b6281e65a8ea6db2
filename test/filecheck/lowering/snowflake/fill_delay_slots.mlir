// snowflake-fill-delay-slots: the last instructions that a branch does not depend on move behind it.
// RUN: snow-opt %s --machine zc706 -p snowflake-fill-delay-slots | snow-opt --no-debuginfo | filecheck %s
// RUN: snow-opt %s --machine zc706 -p "snowflake-fill-delay-slots{move=false}" | filecheck %s --check-prefix=EMPTY

// Told not to move anything, it leaves all slots empty.
// EMPTY:         snowflake.ble %r1, %r0, @full
// EMPTY-COUNT-4: snowflake.addi %r0, 0
// EMPTY-NEXT:    snowflake.label @short

snowflake.program branches at 0 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %r2 = snowflake.get_register r2
  %r3 = snowflake.get_register r3

  // Enough to fill all four.
  snowflake.label @full
  %a = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.vmov coop %r2, %r3, 15 : r2, r3
  snowflake.mac coop %r2, %r3, 16 : r2, r3
  %b = snowflake.addi %r2, 1 : r2 -> r2
  %c = snowflake.addi %r3, 1 : r3 -> r3
  snowflake.ble %r1, %r0, @full : r1, r0

  // The step of the counter decides the branch, and what it reads must not be overwritten first.
  snowflake.label @short
  %d = snowflake.add %r1, %r2 : r1, r2 -> r1
  %e = snowflake.addi %r2, 1 : r2 -> r2
  snowflake.ble %r1, %r0, @short : r1, r0

  // A vector instruction does not overtake one that stays, here because its address is the counter.
  snowflake.label @order
  snowflake.vmov coop %r2, %r3, 15 : r2, r3
  snowflake.max %r1, %r1, 3 : r1, r1
  %f = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.ble %r1, %r0, @order : r1, r0
}

// CHECK:      snowflake.program scheduled at 0 {
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r3 = snowflake.get_register r3
// CHECK-NEXT:   snowflake.label @full
// CHECK-NEXT:   %a = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @full : r1, r0
// CHECK-NEXT:   snowflake.vmov coop %r2, %r3, 15 : r2, r3
// CHECK-NEXT:   snowflake.mac coop %r2, %r3, 16 : r2, r3
// CHECK-NEXT:   %b = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %c = snowflake.addi %r3, 1 : r3 -> r3
// CHECK-NEXT:   snowflake.label @short
// CHECK-NEXT:   %d = snowflake.add %r1, %r2 : r1, r2 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @short : r1, r0
// CHECK-NEXT:   %e = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %0 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %1 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %2 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @order
// CHECK-NEXT:   snowflake.vmov coop %r2, %r3, 15 : r2, r3
// CHECK-NEXT:   snowflake.max %r1, %r1, 3 : r1, r1
// CHECK-NEXT:   %f = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @order : r1, r0
// CHECK-NEXT:   %3 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %4 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %5 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %6 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT: }
