// snowflake-fill-delay-slots: the last instructions that a branch does not depend on move behind it; the step of its
// counter, too, where a slot is empty or the branch would wait: then it compares what the counter was before.
// RUN: snow-opt %s --machine zc706 -p snowflake-fill-delay-slots | snow-opt --no-debuginfo | filecheck %s
// RUN: snow-opt %s --machine zc706 -p "snowflake-fill-delay-slots{move=false}" | filecheck %s --check-prefix=EMPTY

// Told not to move anything, it leaves all slots empty.
// EMPTY:         snowflake.ble %r1, %r0, @full
// EMPTY-COUNT-4: snowflake.addi %r0, 0
// EMPTY-NEXT:    snowflake.label @far

snowflake.program branches at 0 {
  %r0 = snowflake.get_register r0
  %r1 = snowflake.get_register r1
  %r2 = snowflake.get_register r2
  %r3 = snowflake.get_register r3

  // Enough to fill all four: the step of the counter takes the place of one, else the branch would wait for it.
  snowflake.label @full
  %a = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.vmov coop %r2, %r3, 15 : r2, r3
  snowflake.mac coop %r2, %r3, 16 : r2, r3
  %b = snowflake.addi %r2, 1 : r2 -> r2
  %c = snowflake.addi %r3, 1 : r3 -> r3
  snowflake.ble %r1, %r0, @full : r1, r0

  // Far enough before the branch it stays.
  snowflake.label @far
  %g = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.vmov coop %r2, %r3, 15 : r2, r3
  snowflake.mac coop %r2, %r3, 16 : r2, r3
  snowflake.mac coop %r2, %r3, 32 : r2, r3
  snowflake.mac coop %r2, %r3, 48 : r2, r3
  %h = snowflake.addi %r2, 1 : r2 -> r2
  %i = snowflake.addi %r3, 1 : r3 -> r3
  snowflake.ble %r1, %r0, @far : r1, r0

  // An empty slot it takes, not the last one: the branch of the next iteration would wait.
  snowflake.label @empty
  snowflake.tmov memory %r2, %r3, 3 : r2, r3
  %j = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.ble %r1, %r0, @empty : r1, r0

  // Nor that before the address steps, which the next iteration begins with: 5 cycles each.
  snowflake.label @moves
  %k = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.tmov memory %r2, %r3, 3 : r2, r3
  %l = snowflake.addi %r2, 3 : r2 -> r2
  %m = snowflake.addi %r3, 96 : r3 -> r3
  snowflake.ble %r1, %r0, @moves : r1, r0

  // Behind a loop, it comes from before that.
  snowflake.label @outer
  %n = snowflake.addi %r1, 1 : r1 -> r1
  %o = snowflake.mov -3 : -> r2
  snowflake.label @inner
  %p = snowflake.addi %r2, 1 : r2 -> r2
  snowflake.ble %r2, %r0, @inner : r2, r0
  snowflake.ble %r1, %r0, @outer : r1, r0

  // What decides the branch in another way, or is read in between, stays.
  snowflake.label @short
  %d = snowflake.add %r1, %r2 : r1, r2 -> r1
  %e = snowflake.addi %r2, 1 : r2 -> r2
  snowflake.ble %r1, %r0, @short : r1, r0
  snowflake.label @two
  %q = snowflake.addi %r1, 2 : r1 -> r1
  snowflake.ble %r1, %r0, @two : r1, r0
  snowflake.label @read
  %s = snowflake.addi %r1, 1 : r1 -> r1
  snowflake.max %r1, %r1, 3 : r1, r1
  snowflake.ble %r1, %r0, @read : r1, r0

  // A vector instruction does not overtake one that stays, here because its address is the counter.
  snowflake.label @order
  snowflake.vmov coop %r2, %r3, 15 : r2, r3
  snowflake.max %r1, %r1, 3 : r1, r1
  %f = snowflake.add %r1, %r3 : r1, r3 -> r1
  snowflake.ble %r1, %r0, @order : r1, r0
}

// CHECK:      snowflake.program scheduled at 0 {
// CHECK-NEXT:   %r0 = snowflake.get_register r0
// CHECK-NEXT:   %r1 = snowflake.get_register r1
// CHECK-NEXT:   %r2 = snowflake.get_register r2
// CHECK-NEXT:   %r3 = snowflake.get_register r3
// CHECK-NEXT:   snowflake.label @full
// CHECK-NEXT:   snowflake.vmov coop %r2, %r3, 15 : r2, r3
// CHECK-NEXT:   snowflake.bgt %r0, %r1, @full : r0, r1
// CHECK-NEXT:   snowflake.mac coop %r2, %r3, 16 : r2, r3
// CHECK-NEXT:   %b = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %c = snowflake.addi %r3, 1 : r3 -> r3
// CHECK-NEXT:   %a = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.label @far
// CHECK-NEXT:   %g = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.vmov coop %r2, %r3, 15 : r2, r3
// CHECK-NEXT:   snowflake.mac coop %r2, %r3, 16 : r2, r3
// CHECK-NEXT:   snowflake.ble %r1, %r0, @far : r1, r0
// CHECK-NEXT:   snowflake.mac coop %r2, %r3, 32 : r2, r3
// CHECK-NEXT:   snowflake.mac coop %r2, %r3, 48 : r2, r3
// CHECK-NEXT:   %h = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %i = snowflake.addi %r3, 1 : r3 -> r3
// CHECK-NEXT:   snowflake.label @empty
// CHECK-NEXT:   snowflake.bgt %r0, %r1, @empty : r0, r1
// CHECK-NEXT:   snowflake.tmov memory %r2, %r3, 3 : r2, r3
// CHECK-NEXT:   %j = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   %0 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %1 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @moves
// CHECK-NEXT:   snowflake.bgt %r0, %r1, @moves : r0, r1
// CHECK-NEXT:   %k = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.tmov memory %r2, %r3, 3 : r2, r3
// CHECK-NEXT:   %l = snowflake.addi %r2, 3 : r2 -> r2
// CHECK-NEXT:   %m = snowflake.addi %r3, 96 : r3 -> r3
// CHECK-NEXT:   snowflake.label @outer
// CHECK-NEXT:   %o = snowflake.mov -3 : -> r2
// CHECK-NEXT:   snowflake.label @inner
// CHECK-NEXT:   snowflake.bgt %r0, %r2, @inner : r0, r2
// CHECK-NEXT:   %p = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %2 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %3 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %4 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.bgt %r0, %r1, @outer : r0, r1
// CHECK-NEXT:   %n = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   %5 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %6 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %7 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @short
// CHECK-NEXT:   %d = snowflake.add %r1, %r2 : r1, r2 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @short : r1, r0
// CHECK-NEXT:   %e = snowflake.addi %r2, 1 : r2 -> r2
// CHECK-NEXT:   %8 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %9 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %10 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @two
// CHECK-NEXT:   %q = snowflake.addi %r1, 2 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @two : r1, r0
// CHECK-NEXT:   %11 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %12 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %13 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %14 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @read
// CHECK-NEXT:   %s = snowflake.addi %r1, 1 : r1 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @read : r1, r0
// CHECK-NEXT:   snowflake.max %r1, %r1, 3 : r1, r1
// CHECK-NEXT:   %15 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %16 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %17 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   snowflake.label @order
// CHECK-NEXT:   snowflake.vmov coop %r2, %r3, 15 : r2, r3
// CHECK-NEXT:   snowflake.max %r1, %r1, 3 : r1, r1
// CHECK-NEXT:   %f = snowflake.add %r1, %r3 : r1, r3 -> r1
// CHECK-NEXT:   snowflake.ble %r1, %r0, @order : r1, r0
// CHECK-NEXT:   %18 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %19 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %20 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT:   %21 = snowflake.addi %r0, 0 : r0 -> r0
// CHECK-NEXT: }
