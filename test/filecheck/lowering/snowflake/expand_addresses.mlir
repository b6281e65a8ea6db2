// snowflake-expand-addresses: what no loop carries is computed from the counters.
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

// CHECK:      snowflake.program structured at 0 {
// CHECK-NEXT:   %small = snowflake.mov -2097152
// CHECK-NEXT:   %0 = snowflake.mov -4096
// CHECK-NEXT:   %mask = snowflake.muli %0, 32768
// CHECK-NEXT:   %1 = snowflake.mov -4096
// CHECK-NEXT:   %2 = snowflake.muli %1, 32768
// CHECK-NEXT:   %word = snowflake.addi %2, 33
// CHECK-NEXT:   snowflake.ld %small, %mask, 1, 0
// CHECK-NEXT:   snowflake.ld %small, %word, 1, 0
// CHECK-NEXT:   snowflake.for %i times 4 {
// CHECK-NEXT:     snowflake.for %j times 2 {
// CHECK-NEXT:       %3 = snowflake.muli %i, 64
// CHECK-NEXT:       %4 = snowflake.add %3, %j
// CHECK-NEXT:       %sum = snowflake.addi %4, 5
// CHECK-NEXT:       %5 = snowflake.mov -4096
// CHECK-NEXT:       %6 = snowflake.muli %5, 32768
// CHECK-NEXT:       %7 = snowflake.mov 1000000
// CHECK-NEXT:       %8 = snowflake.mul %j, %7
// CHECK-NEXT:       %9 = snowflake.add %6, %8
// CHECK-NEXT:       %large = snowflake.addi %9, 33
// CHECK-NEXT:       snowflake.ld %i, %sum, 1, 0
// CHECK-NEXT:       snowflake.ld %i, %large, 1, 0
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   %10 = snowflake.mov 1
// CHECK-NEXT:   %11 = snowflake.for %t times 4 iter_args(%t_parity = %10) {
// CHECK-NEXT:     %parity = snowflake.muli %t_parity, 1024
// CHECK-NEXT:     snowflake.ld %parity, %parity, 1, 0
// CHECK-NEXT:     %12 = snowflake.muli %t_parity, -1
// CHECK-NEXT:     %13 = snowflake.addi %12, 1
// CHECK-NEXT:     snowflake.yield %13
// CHECK-NEXT:   }
// CHECK-NEXT: }
