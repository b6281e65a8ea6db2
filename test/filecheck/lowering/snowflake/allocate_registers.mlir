// snowflake-allocate-registers: what a loop carries has one register throughout; r0 and r31 are left alone.
// RUN: snow-opt %s --machine zc706 -p snowflake-allocate-registers | snow-opt --no-debuginfo | filecheck %s

snowflake.program structured at 0 {
  %a = snowflake.mov 1
  %b = snowflake.mov 2
  %end = snowflake.for %i times 4 iter_args(%p = %a) {
    // An inner loop goes on in the same register.
    %inner = snowflake.for %j times 3 iter_args(%q = %p) {
      snowflake.mac coop %q, %b, 16
      %r = snowflake.addi %q, 256
      snowflake.yield %r
    }
    %next = snowflake.addi %inner, -704
    snowflake.yield %next
  }
  snowflake.max %end, %b, 1
}

// A copy keeps a value that is wanted after a loop has begun with it, and one that is wanted after its successor is made.
snowflake.program structured at 0 {
  %a = snowflake.mov 1
  %end = snowflake.for %i times 4 iter_args(%p = %a) {
    %next = snowflake.addi %p, 64
    snowflake.mac coop %p, %p, 16
    snowflake.yield %next
  }
  snowflake.mac coop %a, %end, 16
}

// Values that change places go through registers of their own.
snowflake.program structured at 0 {
  %a = snowflake.mov 1
  %b = snowflake.mov 2
  %c, %d = snowflake.for %i times 4 iter_args(%p = %a, %q = %b) {
    snowflake.mac coop %p, %q, 16
    snowflake.yield %q, %p
  }
}

// CHECK:      snowflake.program allocated at 0 {
// CHECK-NEXT:   %a = snowflake.mov 1 : -> r1
// CHECK-NEXT:   %b = snowflake.mov 2 : -> r2
// CHECK-NEXT:   %end = snowflake.for %i times 4 iter_args(%p = %a) : r3, r1 {
// CHECK-NEXT:     %inner = snowflake.for %j times 3 iter_args(%q = %p) : r4, r1 {
// CHECK-NEXT:       snowflake.mac coop %q, %b, 16 : r1, r2
// CHECK-NEXT:       %r = snowflake.addi %q, 256 : r1 -> r1
// CHECK-NEXT:       snowflake.yield %r : r1
// CHECK-NEXT:     }
// CHECK-NEXT:     %next = snowflake.addi %inner, -704 : r1 -> r1
// CHECK-NEXT:     snowflake.yield %next : r1
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.max %end, %b, 1 : r1, r2
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program allocated at 0 {
// CHECK-NEXT:   %a = snowflake.mov 1 : -> r1
// CHECK-NEXT:   %0 = snowflake.addi %a, 0 : r1 -> r2
// CHECK-NEXT:   %end = snowflake.for %i times 4 iter_args(%p = %0) : r3, r2 {
// CHECK-NEXT:     %next = snowflake.addi %p, 64 : r2 -> r4
// CHECK-NEXT:     snowflake.mac coop %p, %p, 16 : r2, r2
// CHECK-NEXT:     %1 = snowflake.addi %next, 0 : r4 -> r2
// CHECK-NEXT:     snowflake.yield %1 : r2
// CHECK-NEXT:   }
// CHECK-NEXT:   snowflake.mac coop %a, %end, 16 : r1, r2
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program allocated at 0 {
// CHECK-NEXT:   %a = snowflake.mov 1 : -> r1
// CHECK-NEXT:   %b = snowflake.mov 2 : -> r2
// CHECK-NEXT:   %c, %d = snowflake.for %i times 4 iter_args(%p = %a, %q = %b) : r3, r1, r2 {
// CHECK-NEXT:     snowflake.mac coop %p, %q, 16 : r1, r2
// CHECK-NEXT:     %0 = snowflake.addi %q, 0 : r2 -> r5
// CHECK-NEXT:     %1 = snowflake.addi %p, 0 : r1 -> r4
// CHECK-NEXT:     %2 = snowflake.addi %0, 0 : r5 -> r1
// CHECK-NEXT:     %3 = snowflake.addi %1, 0 : r4 -> r2
// CHECK-NEXT:     snowflake.yield %2, %3 : r1, r2
// CHECK-NEXT:   }
// CHECK-NEXT: }
