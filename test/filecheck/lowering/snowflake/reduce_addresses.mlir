// snowflake-reduce-addresses: loops carry addresses instead of computing them.
// RUN: snow-opt %s --machine zc706 -p snowflake-reduce-addresses | snow-opt --no-debuginfo | filecheck %s

// Addresses that differ by a constant share a register. What the loop does not change is computed before it.
snowflake.program structured at 0 {
  snowflake.for %i times 4 {
    %a = snowflake.address [%i * 64 + 1000]
    %b = snowflake.address [%i * 64 + 1016]
    %c = snowflake.address [77]
    snowflake.mac coop %a, %c, 16
    snowflake.mac coop %b, %c, 16
  }
}

// The register of a family runs through inner loops, which begin with it and hand it back 3 * 256 further on.
snowflake.program structured at 0 {
  snowflake.for %y times 5 {
    snowflake.for %r times 3 {
      %a = snowflake.address [%y * 64 + %r * 256]
      %b = snowflake.address [%r * 16]
      snowflake.mac coop %a, %b, 16
    }
  }
}

// An inner loop that begins elsewhere takes a register of its own, and only while it runs.
snowflake.program structured at 0 {
  snowflake.for %i times 3 {
    snowflake.for %j times 5 {
      %a = snowflake.address [%i * 100 + %j * 8]
      snowflake.ld %a, %a, 1, 0
    }
    snowflake.for %k times 7 {
      %b = snowflake.address [%i * 100 + %k * 2 + 50]
      snowflake.ld %b, %b, 1, 0
    }
  }
}
// A parity is a carried value that flips.
snowflake.program structured at 0 {
  snowflake.for %t times 5 {
    %a = snowflake.address [%t mod 2 * 1024 + 64]
    %b = snowflake.address [0]
    snowflake.ld %a, %b, 1, 0
  }
}

// A step too large for ADDI takes two, or a constant.
snowflake.program structured at 0 {
  snowflake.for %t times 2 {
    %a = snowflake.address [%t * 100000]
    %b = snowflake.address [%t * 1000000]
    snowflake.ld %a, %b, 1, 0
  }
}

// CHECK:      snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.address [808]
// CHECK-NEXT:   %c = snowflake.address [77]
// CHECK-NEXT:   %1 = snowflake.for %i times 4 iter_args(%a = %0) {
// CHECK-NEXT:     %b = snowflake.addi %a, 16
// CHECK-NEXT:     snowflake.mac coop %a, %c, 16
// CHECK-NEXT:     snowflake.mac coop %b, %c, 16
// CHECK-NEXT:     %2 = snowflake.addi %a, 64
// CHECK-NEXT:     snowflake.yield %2
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.address [-768]
// CHECK-NEXT:   %1 = snowflake.address [-32]
// CHECK-NEXT:   %2, %3 = snowflake.for %y times 5 iter_args(%4 = %0, %5 = %1) {
// CHECK-NEXT:     %6, %7 = snowflake.for %r times 3 iter_args(%a = %4, %b = %5) {
// CHECK-NEXT:       snowflake.mac coop %a, %b, 16
// CHECK-NEXT:       %8 = snowflake.addi %a, 256
// CHECK-NEXT:       %9 = snowflake.addi %b, 16
// CHECK-NEXT:       snowflake.yield %8, %9
// CHECK-NEXT:     }
// CHECK-NEXT:     %10 = snowflake.addi %6, -704
// CHECK-NEXT:     %11 = snowflake.addi %7, -48
// CHECK-NEXT:     snowflake.yield %10, %11
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.address [-232]
// CHECK-NEXT:   %1 = snowflake.for %i times 3 iter_args(%2 = %0) {
// CHECK-NEXT:     %3 = snowflake.for %j times 5 iter_args(%a = %2) {
// CHECK-NEXT:       snowflake.ld %a, %a, 1, 0
// CHECK-NEXT:       %4 = snowflake.addi %a, 8
// CHECK-NEXT:       snowflake.yield %4
// CHECK-NEXT:     }
// CHECK-NEXT:     %5 = snowflake.addi %3, 30
// CHECK-NEXT:     %6 = snowflake.for %k times 7 iter_args(%b = %5) {
// CHECK-NEXT:       snowflake.ld %b, %b, 1, 0
// CHECK-NEXT:       %7 = snowflake.addi %b, 2
// CHECK-NEXT:       snowflake.yield %7
// CHECK-NEXT:     }
// CHECK-NEXT:     %8 = snowflake.addi %3, 60
// CHECK-NEXT:     snowflake.yield %8
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.address [0]
// CHECK-NEXT:   %b = snowflake.address [0]
// CHECK-NEXT:   %1 = snowflake.for %t times 5 iter_args(%t_parity = %0) {
// CHECK-NEXT:     %a = snowflake.address [%t_parity * 1024 + 64]
// CHECK-NEXT:     snowflake.ld %a, %b, 1, 0
// CHECK-NEXT:     %2 = snowflake.muli %t_parity, -1
// CHECK-NEXT:     %3 = snowflake.addi %2, 1
// CHECK-NEXT:     snowflake.yield %3
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.address [-100000]
// CHECK-NEXT:   %1 = snowflake.address [-1000000]
// CHECK-NEXT:   %2, %3 = snowflake.for %t times 2 iter_args(%a = %0, %b = %1) {
// CHECK-NEXT:     snowflake.ld %a, %b, 1, 0
// CHECK-NEXT:     %4 = snowflake.addi %a, 65535
// CHECK-NEXT:     %5 = snowflake.addi %4, 34465
// CHECK-NEXT:     %6 = snowflake.mov 1000000
// CHECK-NEXT:     %7 = snowflake.add %b, %6
// CHECK-NEXT:     snowflake.yield %5, %7
// CHECK-NEXT:   }
// CHECK-NEXT: }
