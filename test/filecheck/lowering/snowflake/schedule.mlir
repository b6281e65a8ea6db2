// snowflake-schedule: addresses are computed while instructions before those that want them are under way.
// RUN: snow-opt %s --machine zc706 -p snowflake-schedule | snow-opt --no-debuginfo | filecheck %s

// Latencies overlap; vector instructions, waits and loads stay in order. The register that the loop carries takes its
// next value behind the last use of this one.
snowflake.program structured at 0 {
  %maps = snowflake.mov 0
  %kernel = snowflake.mov 15
  %end = snowflake.for %i times 3 iter_args(%pointer = %maps) {
    snowflake.mac coop %pointer, %kernel, 16
    %second = snowflake.addi %pointer, 64
    snowflake.mac coop %second, %kernel, 16
    snowflake.config wait, 262144
    %mask = snowflake.mov 1024
    %word = snowflake.muli %mask, 32768
    %source = snowflake.addi %second, 5
    snowflake.ld %word, %source, 1, 0
    %next = snowflake.addi %pointer, 128
    snowflake.yield %next
  }
}

// CHECK:      snowflake.program structured at 0 {
// CHECK-NEXT:   %maps = snowflake.mov 0
// CHECK-NEXT:   %kernel = snowflake.mov 15
// CHECK-NEXT:   %end = snowflake.for %i times 3 iter_args(%pointer = %maps) {
// CHECK-NEXT:     %mask = snowflake.mov 1024
// CHECK-NEXT:     %second = snowflake.addi %pointer, 64
// CHECK-NEXT:     snowflake.mac coop %pointer, %kernel, 16
// CHECK-NEXT:     %word = snowflake.muli %mask, 32768
// CHECK-NEXT:     %source = snowflake.addi %second, 5
// CHECK-NEXT:     snowflake.mac coop %second, %kernel, 16
// CHECK-NEXT:     snowflake.config wait, 262144
// CHECK-NEXT:     %next = snowflake.addi %pointer, 128
// CHECK-NEXT:     snowflake.ld %word, %source, 1, 0
// CHECK-NEXT:     snowflake.yield %next
// CHECK-NEXT:   }
// CHECK-NEXT: }
