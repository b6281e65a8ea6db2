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
// A mask that doubles: addresses in the buffers of one CU after the other advance by it, before it does.
snowflake.program structured at 0 {
  %one = snowflake.address [268435456]
  %last = snowflake.for %c times 4 iter_args(%cu = %one) {
    snowflake.for %p times 7 {
      %a = snowflake.address [%cu + %p * 32 + 134217728]
      %b = snowflake.address [%c * 28 + %p * 4 + 500]
      snowflake.tmov memory %b, %a, 1
    }
    %next = snowflake.add %cu, %cu
    snowflake.yield %next
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

// What the loop does not change takes no more registers than outer loops can spare; the rest is one ADDI.
snowflake.program structured at 0 {
  snowflake.for %i times 2 {
    %k0 = snowflake.address [0]
    snowflake.mac coop %k0, %k0, 16
    %k1 = snowflake.address [100]
    snowflake.mac coop %k1, %k1, 16
    %k2 = snowflake.address [200]
    snowflake.mac coop %k2, %k2, 16
    %k3 = snowflake.address [300]
    snowflake.mac coop %k3, %k3, 16
    %k4 = snowflake.address [400]
    snowflake.mac coop %k4, %k4, 16
    %k5 = snowflake.address [500]
    snowflake.mac coop %k5, %k5, 16
    %k6 = snowflake.address [600]
    snowflake.mac coop %k6, %k6, 16
    %k7 = snowflake.address [700]
    snowflake.mac coop %k7, %k7, 16
    %k8 = snowflake.address [800]
    snowflake.mac coop %k8, %k8, 16
    %k9 = snowflake.address [900]
    snowflake.mac coop %k9, %k9, 16
    %k10 = snowflake.address [1000]
    snowflake.mac coop %k10, %k10, 16
    %k11 = snowflake.address [1100]
    snowflake.mac coop %k11, %k11, 16
    %k12 = snowflake.address [1200]
    snowflake.mac coop %k12, %k12, 16
    %k13 = snowflake.address [1300]
    snowflake.mac coop %k13, %k13, 16
    %k14 = snowflake.address [1400]
    snowflake.mac coop %k14, %k14, 16
    %k15 = snowflake.address [1500]
    snowflake.mac coop %k15, %k15, 16
    %k16 = snowflake.address [1600]
    snowflake.mac coop %k16, %k16, 16
    %k17 = snowflake.address [1700]
    snowflake.mac coop %k17, %k17, 16
    %k18 = snowflake.address [1800]
    snowflake.mac coop %k18, %k18, 16
    %k19 = snowflake.address [1900]
    snowflake.mac coop %k19, %k19, 16
    %k20 = snowflake.address [2000]
    snowflake.mac coop %k20, %k20, 16
    %k21 = snowflake.address [2100]
    snowflake.mac coop %k21, %k21, 16
    %k22 = snowflake.address [2200]
    snowflake.mac coop %k22, %k22, 16
    %k23 = snowflake.address [2300]
    snowflake.mac coop %k23, %k23, 16
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
// CHECK-NEXT:   %one = snowflake.address [268435456]
// CHECK-NEXT:   %0 = snowflake.address [402652992]
// CHECK-NEXT:   %1 = snowflake.address [392]
// CHECK-NEXT:   %last, %last_1, %last_2 = snowflake.for %c times 4 iter_args(%cu = %one, %2 = %0, %3 = %1) {
// CHECK-NEXT:     %4, %5 = snowflake.for %p times 7 iter_args(%a = %2, %b = %3) {
// CHECK-NEXT:       snowflake.tmov memory %b, %a, 1
// CHECK-NEXT:       %6 = snowflake.addi %a, 32
// CHECK-NEXT:       %7 = snowflake.addi %b, 4
// CHECK-NEXT:       snowflake.yield %6, %7
// CHECK-NEXT:     }
// CHECK-NEXT:     %8 = snowflake.addi %4, -224
// CHECK-NEXT:     %9 = snowflake.add %8, %cu
// CHECK-NEXT:     %next = snowflake.add %cu, %cu
// CHECK-NEXT:     snowflake.yield %next, %9, %5
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
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %k0 = snowflake.address [0]
// CHECK-NEXT:   %k1 = snowflake.address [100]
// CHECK-NEXT:   %k2 = snowflake.address [200]
// CHECK-NEXT:   %k3 = snowflake.address [300]
// CHECK-NEXT:   %k4 = snowflake.address [400]
// CHECK-NEXT:   %k5 = snowflake.address [500]
// CHECK-NEXT:   %k6 = snowflake.address [600]
// CHECK-NEXT:   %k7 = snowflake.address [700]
// CHECK-NEXT:   %k8 = snowflake.address [800]
// CHECK-NEXT:   %k9 = snowflake.address [900]
// CHECK-NEXT:   %k10 = snowflake.address [1000]
// CHECK-NEXT:   %k11 = snowflake.address [1100]
// CHECK-NEXT:   %k12 = snowflake.address [1200]
// CHECK-NEXT:   %k13 = snowflake.address [1300]
// CHECK-NEXT:   %k14 = snowflake.address [1400]
// CHECK-NEXT:   %k15 = snowflake.address [1500]
// CHECK-NEXT:   %k16 = snowflake.address [1600]
// CHECK-NEXT:   %k17 = snowflake.address [1700]
// CHECK-NEXT:   %k18 = snowflake.address [1800]
// CHECK-NEXT:   snowflake.for %i times 2 {
// CHECK-NEXT:     snowflake.mac coop %k0, %k0, 16
// CHECK-NEXT:     snowflake.mac coop %k1, %k1, 16
// CHECK-NEXT:     snowflake.mac coop %k2, %k2, 16
// CHECK-NEXT:     snowflake.mac coop %k3, %k3, 16
// CHECK-NEXT:     snowflake.mac coop %k4, %k4, 16
// CHECK-NEXT:     snowflake.mac coop %k5, %k5, 16
// CHECK-NEXT:     snowflake.mac coop %k6, %k6, 16
// CHECK-NEXT:     snowflake.mac coop %k7, %k7, 16
// CHECK-NEXT:     snowflake.mac coop %k8, %k8, 16
// CHECK-NEXT:     snowflake.mac coop %k9, %k9, 16
// CHECK-NEXT:     snowflake.mac coop %k10, %k10, 16
// CHECK-NEXT:     snowflake.mac coop %k11, %k11, 16
// CHECK-NEXT:     snowflake.mac coop %k12, %k12, 16
// CHECK-NEXT:     snowflake.mac coop %k13, %k13, 16
// CHECK-NEXT:     snowflake.mac coop %k14, %k14, 16
// CHECK-NEXT:     snowflake.mac coop %k15, %k15, 16
// CHECK-NEXT:     snowflake.mac coop %k16, %k16, 16
// CHECK-NEXT:     snowflake.mac coop %k17, %k17, 16
// CHECK-NEXT:     snowflake.mac coop %k18, %k18, 16
// CHECK-NEXT:     %k19 = snowflake.addi %k0, 1900
// CHECK-NEXT:     snowflake.mac coop %k19, %k19, 16
// CHECK-NEXT:     %k20 = snowflake.addi %k0, 2000
// CHECK-NEXT:     snowflake.mac coop %k20, %k20, 16
// CHECK-NEXT:     %k21 = snowflake.addi %k0, 2100
// CHECK-NEXT:     snowflake.mac coop %k21, %k21, 16
// CHECK-NEXT:     %k22 = snowflake.addi %k0, 2200
// CHECK-NEXT:     snowflake.mac coop %k22, %k22, 16
// CHECK-NEXT:     %k23 = snowflake.addi %k0, 2300
// CHECK-NEXT:     snowflake.mac coop %k23, %k23, 16
// CHECK-NEXT:   }
// CHECK-NEXT: }
