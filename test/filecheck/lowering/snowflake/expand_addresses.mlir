// snowflake-expand-addresses: what no loop carries is computed from the counters, or from an address before it.
// RUN: snow-opt %s --machine zc706 -p snowflake-expand-addresses | snow-opt --no-debuginfo | filecheck %s

snowflake.program structured at 0 {
  // Constants take one to three instructions.
  %small = snowflake.address [-2097152]
  %mask = snowflake.address [4160749568]
  %word = snowflake.address [4160749601]
  snowflake.ld %small, %mask, 1, 0
  snowflake.ld %small, %word, 1, 0
  snowflake.for %i times 4 {
    snowflake.for %j times 2 {
      %plain = snowflake.address [%i]
      %sum = snowflake.address [%i * 64 + %j + 5]
      %large = snowflake.address [%j * 1000000 + 4160749601]
      snowflake.ld %plain, %sum, 1, 0
      snowflake.ld %plain, %large, 1, 0
    }
  }
  snowflake.for %t times 4 {
    %parity = snowflake.address [%t mod 2 * 1024]
    snowflake.ld %parity, %parity, 1, 0
  }
}

// Addresses of one block with the same terms: ADDI from one of them, ADD where they lie apart by what is wanted often.
snowflake.program structured at 0 {
  snowflake.for %t times 4 {
    %a = snowflake.address [%t mod 2 * 131072 + 15]
    %b = snowflake.address [%t mod 2 * 131072 + 5135]
    %c = snowflake.address [%t mod 2 * 131072 + 100000]
    snowflake.mac coop %a, %b, 16
    snowflake.mac coop %a, %c, 16
    %v0 = snowflake.address [%t mod 2 * 8192 + 268435456]
    %v1 = snowflake.address [%t mod 2 * 8192 + 301989888]
    %v2 = snowflake.address [%t mod 2 * 8192 + 335544320]
    snowflake.ld %v0, %a, 1, 0
    snowflake.ld %v1, %a, 1, 0
    snowflake.ld %v2, %a, 1, 0
  }
}

// CHECK:      snowflake.program structured at 0 {
// CHECK-NEXT:   %small = snowflake.mov -2097152
// CHECK-NEXT:   %0 = snowflake.mov -4096
// CHECK-NEXT:   %mask = snowflake.muli %0, 32768
// CHECK-NEXT:   %word = snowflake.addi %mask, 33
// CHECK-NEXT:   snowflake.ld %small, %mask, 1, 0
// CHECK-NEXT:   snowflake.ld %small, %word, 1, 0
// CHECK-NEXT:   snowflake.for %i times 4 {
// CHECK-NEXT:     snowflake.for %j times 2 {
// CHECK-NEXT:       %1 = snowflake.muli %i, 64
// CHECK-NEXT:       %2 = snowflake.add %1, %j
// CHECK-NEXT:       %sum = snowflake.addi %2, 5
// CHECK-NEXT:       %3 = snowflake.mov -4096
// CHECK-NEXT:       %4 = snowflake.muli %3, 32768
// CHECK-NEXT:       %5 = snowflake.mov 1000000
// CHECK-NEXT:       %6 = snowflake.mul %j, %5
// CHECK-NEXT:       %7 = snowflake.add %4, %6
// CHECK-NEXT:       %large = snowflake.addi %7, 33
// CHECK-NEXT:       snowflake.ld %i, %sum, 1, 0
// CHECK-NEXT:       snowflake.ld %i, %large, 1, 0
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   %8 = snowflake.mov 1
// CHECK-NEXT:   %9 = snowflake.for %t times 4 iter_args(%t_parity = %8) {
// CHECK-NEXT:     %parity = snowflake.muli %t_parity, 1024
// CHECK-NEXT:     snowflake.ld %parity, %parity, 1, 0
// CHECK-NEXT:     %10 = snowflake.muli %t_parity, -1
// CHECK-NEXT:     %11 = snowflake.addi %10, 1
// CHECK-NEXT:     snowflake.yield %11
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: snowflake.program structured at 0 {
// CHECK-NEXT:   %0 = snowflake.mov 1
// CHECK-NEXT:   %1 = snowflake.for %t times 4 iter_args(%t_parity = %0) {
// CHECK-NEXT:     %2 = snowflake.mov 131072
// CHECK-NEXT:     %3 = snowflake.mul %t_parity, %2
// CHECK-NEXT:     %a = snowflake.addi %3, 15
// CHECK-NEXT:     %b = snowflake.addi %a, 5120
// CHECK-NEXT:     %4 = snowflake.mov 99985
// CHECK-NEXT:     %c = snowflake.add %a, %4
// CHECK-NEXT:     snowflake.mac coop %a, %b, 16
// CHECK-NEXT:     snowflake.mac coop %a, %c, 16
// CHECK-NEXT:     %5 = snowflake.mov 8192
// CHECK-NEXT:     %6 = snowflake.muli %5, 32768
// CHECK-NEXT:     %7 = snowflake.muli %t_parity, 8192
// CHECK-NEXT:     %v0 = snowflake.add %6, %7
// CHECK-NEXT:     %8 = snowflake.mov 1024
// CHECK-NEXT:     %9 = snowflake.muli %8, 32768
// CHECK-NEXT:     %v1 = snowflake.add %v0, %9
// CHECK-NEXT:     %v2 = snowflake.add %v1, %9
// CHECK-NEXT:     snowflake.ld %v0, %a, 1, 0
// CHECK-NEXT:     snowflake.ld %v1, %a, 1, 0
// CHECK-NEXT:     snowflake.ld %v2, %a, 1, 0
// CHECK-NEXT:     %10 = snowflake.muli %t_parity, -1
// CHECK-NEXT:     %11 = snowflake.addi %10, 1
// CHECK-NEXT:     snowflake.yield %11
// CHECK-NEXT:   }
// CHECK-NEXT: }
